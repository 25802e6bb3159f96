"""What surrounds the map: choices, header, tabs and footer."""

from __future__ import annotations

import resource as system
from html import escape
from typing import TYPE_CHECKING, Any

import holoviews as hv
import numpy as np

from musyq_lab.dashboards import _series
from musyq_lab.dashboards._extension import inline_styles, pn, stylesheet
from musyq_lab.figures.words import pretty_units

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

_COLUMN, _CURVE = 210, 195
_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width"}
_CLICK = "Click the map for the series of a place."


class Panes:
    """The page of an :class:`~musyq_lab.dashboards.explorer.Explorer`.

    Parameters
    ----------
    explorer : Explorer
        Whose state is shown.
    """

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        sheet = [stylesheet()]
        self.map = pn.pane.HoloViews(**_WIDE, margin=0)
        self.header = _text(stylesheets=sheet, **_WIDE, margin=(4, 10))
        self.footer = _text(css_classes=["musyq-small"], stylesheets=sheet, **_WIDE, margin=(0, 10))
        self.alert = pn.pane.Alert(alert_type="danger", visible=False, **_WIDE)
        self._sliders = pn.Column(margin=0)
        self._note = _text(css_classes=["musyq-small"], stylesheets=sheet, margin=(0, 10))
        self.line = _text(stylesheets=sheet, **_WIDE)
        self._curve = pn.pane.HoloViews(margin=0, **_WIDE)
        self._histogram = _text(**_WIDE)
        self._quality = _text(**_WIDE)
        self._code = pn.widgets.TextAreaInput(disabled=True, height=150, **_WIDE, stylesheets=[_MONO])
        self.download = pn.widgets.FileDownload(
            callback=self._csv, filename="series.csv", label="Series as CSV", width=_COLUMN - 20
        )
        self.layout = self._arrange()
        self.new_variable()
        explorer.param.watch(self._update, ["point", "frame"])

    def _arrange(self) -> Any:
        e = self._explorer
        narrow = {"width": _COLUMN - 20, "description": None}
        data = pn.widgets.Select.from_param(e.param.source, name="Data", **narrow)
        data.visible = len(e.param.source.objects) > 1
        self._variable = pn.widgets.Select.from_param(
            e.param.variable, name="Variable", width=_COLUMN - 20, description=None
        )
        outlines = pn.widgets.Checkbox.from_param(e.param.outlines, name="Land outlines")
        choices = pn.Column(
            data, self._variable, self._sliders, outlines, self.download, self._note, width=_COLUMN, margin=0
        )
        copy = pn.widgets.Button(name="Copy", width=80)
        copy.js_on_click(args={"text": self._code}, code="navigator.clipboard.writeText(text.value)")
        tabs = pn.Tabs(
            ("Series", pn.Column(self.line, self._curve, min_height=_CURVE + 20, **_WIDE)),
            ("Histogram", self._histogram),
            ("Quality", self._quality),
            ("Code", pn.Column(self._code, copy, **_WIDE)),
            **_WIDE,
        )
        right = pn.Column(self.alert, self.map, tabs, **_WIDE, margin=0)
        body = pn.Row(choices, right, **_WIDE, margin=0)
        return pn.Column(self.header, body, self.footer, **_WIDE, max_width=1500, hooks=[inline_styles])

    def new_variable(self) -> None:
        """Make the sliders and texts of another variable."""
        e = self._explorer
        sliders = []
        for dim, labels in e.cube.steps(e.variable).items():
            words = {_series.label(dim, text): at for at, text in enumerate(labels)}
            if len(words) < 2:
                continue
            slider = pn.widgets.DiscreteSlider(name=dim, options=words, value=e.chosen[dim], width=_COLUMN - 20)
            slider.param.watch(lambda event, dim=dim: self._slide(dim, event.new), "value")
            sliders.append(slider)
        self._sliders[:] = sliders
        self._new_curve()
        self.alert.visible = False
        self._update()

    def _new_curve(self) -> None:
        """Make the curve of another variable; clicks then change it in place (new parts would fetch styles)."""
        e = self._explorer
        self._curve.visible = bool(_series.series_dimension(e.cube, e.variable))

        def curve(point: Any, frame: int) -> Any:
            return _series.draw(e.series or _series.blank(e.cube, e.variable), e.current, _CURVE)

        self._curve.object = hv.DynamicMap(curve, streams=[hv.streams.Params(e, ["point", "frame"])])

    def _slide(self, dim: str, position: int) -> None:
        self._explorer.chosen[dim] = position
        self._explorer.frame += 1

    def fail(self, message: str) -> None:
        """Say what went wrong; the last view stays."""
        self.alert.object = message
        self.alert.visible = True

    def drawn(self, seconds: float, stride: int, picture: Any) -> None:
        """Write the footer and the histogram after a draw."""
        e = self._explorer
        peak = system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
        thinned = f" Every {_ordinal(stride)} cell is shown; zoom in for all." if stride > 1 else ""
        self.footer.value = (
            f"<p>{escape(e.cube.origin)} · drawn in {seconds:.2f} s · memory at most {peak:,.0f} MB · "
            f"outlines: Natural Earth.{thinned}</p>"
        )
        self._histogram.value = _shares(picture, e)

    def _update(self, *events: Any) -> None:
        """Bring header, series, quality and code in line with the explorer."""
        e = self._explorer
        self.header.value = _header(e)
        self._code.value = e.code()
        series = e.series
        self.download.disabled = series is None or series.empty
        if series is None:
            self._note.value = f"<p>{_CLICK}</p>"
            self.line.value = f"<p>{_CLICK}</p>"
            self._quality.value = f"<p>{_CLICK}</p>"
            return
        self.download.filename = f"{series.variable}_{series.y:.2f}_{series.x:.2f}.csv"
        self._note.value = "<p>Click another place for its series.</p>"
        self.line.value = f"<p>{escape(_said(e, series) + _ribbon(series))}</p>"
        self._quality.value = _series.quality_html(series)

    def _csv(self) -> Any:
        series = self._explorer.series
        return _series.to_csv(series) if series is not None else None


def _text(**options: Any) -> Any:
    """Return a piece of HTML whose change sends its text alone.

    Panel's HTML pane sends its style sheets with every change, in a notebook as addresses on a content network.
    """
    return pn.widgets.StaticText(value="", **options)


_MONO = "textarea {font-family: monospace; font-size: 13px}"


def _ribbon(series: _series.Series) -> str:
    """Return what the ribbon shows."""
    return f" · ribbon: {series.sigma_is}" if series.sigma is not None and series.dim and not series.empty else ""


def _said(e: Explorer, series: _series.Series) -> str:
    """Return the line above the curve; a class by its name, not its code."""
    if not e.legend.codes or series.empty or series.dim:
        return _series.summary(series)
    position = e.legend.classify(series.values)[0]
    name = e.legend.labels[int(position)] if np.isfinite(position) else "no data"
    return f"{series.place}: {name}"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")


def _header(e: Explorer) -> str:
    """Return title, what is shown, its unit and the step."""
    layer = e.cube.dataset[e.variable]
    labels = e.cube.steps(e.variable)
    steps = ", ".join(_series.label(dim, labels[dim][at]) for dim, at in e.chosen.items() if dim in labels)
    units = str(layer.attrs.get("units", ""))
    unit = f" · {pretty_units(units)}" if units not in ("", "1") else ""
    period = e.cube.dataset.attrs.get("period", "")
    what = str(layer.attrs.get("long_name", e.variable))
    told = [f"{what[:1].upper()}{what[1:]}{unit}", steps, str(period)]
    return f"<h1>{escape(e.cube.title)}</h1><p>{escape(' · '.join(filter(None, told)))}</p>"


def _shares(picture: Any, e: Explorer) -> str:
    """Return the share of the shown area in each class as a small bar chart of text and colour."""
    classes = picture.dimension_values("class", flat=False)
    down = np.asarray(picture.dimension_values("y", expanded=False), dtype=np.float64)
    weight = np.cos(np.radians(down))[:, None] if e.cube.geographic else np.ones((down.size, 1))
    weights = np.where(np.isfinite(classes), weight, 0.0)
    total = weights.sum()
    if not total:
        return "<p>There are no data in this view.</p>"
    shares = [float(weights[classes == k].sum() / total) for k in range(len(e.legend.colours))]
    lines = "".join(_bar(*row) for row in zip(e.legend.labels, e.legend.colours, shares, strict=True))
    return f"<div>Share of the area with data in this view</div>{lines}<small>Classes: {e.legend.source}.</small>"


def _bar(label: str, colour: str, share: float) -> str:
    box = f"flex:none;background:{colour};height:12px;width:{share * 400:.0f}px;border:1px solid #8888"
    return (
        f'<div style="display:flex;align-items:center;gap:8px;font-size:12px;line-height:1.5">'
        f'<span style="flex:none;width:190px;text-align:right">{escape(label)}</span>'
        f'<span style="{box}"></span>'
        f"<span>{share:.1%}</span></div>"
    )
