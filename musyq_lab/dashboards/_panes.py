"""What surrounds the map: choices, header, tabs and footer."""

from __future__ import annotations

import resource as system
from html import escape
from typing import TYPE_CHECKING, Any

import holoviews as hv

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards import _bars, _lineage, _series, _veil
from musyq_lab.dashboards._choices import Choices
from musyq_lab.dashboards._compare import BESIDE, ONE
from musyq_lab.dashboards._extension import pn, stylesheet
from musyq_lab.dashboards._figure import HEIGHT, Figure, link
from musyq_lab.dashboards._page import WIDE, text
from musyq_lab.dashboards._save import Save

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

_CURVE = 195
_CLICK = "Click the map for the series of a place; a second click adds another. Or type a place on the left."
_DRAW = "Draw a box or an outline with the tools above the map, or type a country, a region or a box on the left."
_SERIES, _REGION, _HISTOGRAM, _QUALITY, _LINEAGE = range(5)


class Panes:
    """The page of an :class:`~musyq_lab.dashboards.explorer.Explorer`.

    Parameters
    ----------
    page : Explorer
        Whose state is shown.
    """

    def __init__(self, page: Explorer) -> None:
        self._page = page
        sheet = [stylesheet()]
        self.choices = Choices(page)
        self.map = pn.pane.HoloViews(**WIDE, margin=0)
        self._maps = pn.Column(self.map, **WIDE, margin=0, min_height=HEIGHT)
        self.aid = pn.Row(visible=False, **WIDE, margin=0)
        self.line = text(stylesheets=sheet, **WIDE)
        self._curve = pn.pane.HoloViews(margin=0, **WIDE)
        self.region_line = text(stylesheets=sheet, **WIDE)
        self._region_curve = pn.pane.HoloViews(margin=0, **WIDE)
        self.region_bars = text(**WIDE)
        self.histogram, self.quality, self.lineage = text(**WIDE), text(**WIDE), text(stylesheets=sheet, **WIDE)
        self.save = Save(page)
        self._picture: Any = None
        self._cursor = _series.Cursor()
        self.layout = self._arrange()
        self.new_data()

    @property
    def download(self) -> Any:
        """The button that saves the series."""
        return self.save.series

    def _arrange(self) -> Any:
        region = pn.Column(self.region_line, self._region_curve, self.region_bars, min_height=_CURVE + 20, **WIDE)
        self.tabs = pn.Tabs(
            ("Series", pn.Column(self.line, self._curve, min_height=_CURVE + 20, **WIDE)),
            ("Region", region),
            # In columns: a text that changes while it is hidden would lose its place in the grid of the tabs.
            ("Histogram", pn.Column(self.histogram, **WIDE)),
            ("Quality", pn.Column(self.quality, **WIDE)),
            ("Lineage", pn.Column(self.lineage, **WIDE)),
            ("Save", self.save.panel),
            ("Code", self._page.code_tab()),
            **WIDE,
        )
        self.tabs.param.watch(lambda event: self._fill(), "active")
        self._page.param.watch(lambda event: self._turn(_SERIES), "point")
        self._page.param.watch(lambda event: self._turn(_REGION), "region")
        return self._page.framed(self.choices.column, self.aid, self._maps, self.tabs)

    def _turn(self, tab: int) -> None:
        """Show the tab of what was just chosen; a click on the map leaves the other tabs of places in view."""
        page = self._page
        clicked = tab == _SERIES and page.point is not None and self.tabs.active == _REGION
        if clicked or (tab == _REGION and page.region is not None):
            self.tabs.active = tab

    def new_data(self) -> None:
        """Make the sliders and curves of other data or another variable."""
        page = self._page
        self.choices.new_data()
        dim = _series.series_dimension(page.cube, page.view.variable)
        self._curve.visible = bool(dim)
        self._region_curve.visible = bool(dim) and not page.legend.codes

        # Clicks change the curves in place; new parts would fetch styles from a content network in a notebook.
        def curve(places: Any, others: int) -> Any:
            return _series.draw(page.all_series or [self._blank()], _CURVE, self._cursor.hook)

        def region(region: Any, others: int) -> Any:
            return _series.draw([self.region_series() or self._blank()], _CURVE, self._cursor.hook)

        for pane, draw, name in ((self._curve, curve, "places"), (self._region_curve, region, "region")):
            pane.object = hv.DynamicMap(draw, streams=[hv.streams.Params(page, [name, "others"])], cache_size=1)
        self.alert_unaided()

    def _blank(self) -> _series.Series:
        return _series.blank(self._page.cube, self._page.view.variable)

    def region_series(self) -> _series.Series | None:
        """Return the series of the region; None where there is none, or it cannot be made."""
        try:
            return self._page.region_series
        except (MusyqError, OSError, MemoryError):
            return None

    def alert_unaided(self) -> None:
        """Say that a large map has no overviews, and offer to build them."""
        view = self._page.view
        self.aid.visible = view.unaided
        if not view.unaided:
            self.aid[:] = []
            return
        rows, columns = (view.cube.dataset.sizes[axis] for axis in (view.cube.y, view.cube.x))
        words = (
            f"This map has {rows:,} × {columns:,} cells and no overviews: a sample of them is shown until you zoom in."
        )
        if not view.cube.files:
            told = f"{words} `ml.write_product` writes them with the data."
            self.aid[:] = [pn.pane.Alert(told, alert_type="light", **WIDE)]
            return
        build = pn.widgets.Button(name="Build overviews", width=140)
        build.on_click(lambda event: self._page.build_overviews())
        told = pn.pane.Alert(f"{words} `ml.add_overviews(path)` does the same.", alert_type="light", **WIDE)
        self.aid[:] = [told, build]

    def show_map(self) -> None:
        """Show the map, or both maps."""
        page = self._page
        self.choices.second_map()
        first = page.figure.object
        if page.compared != BESIDE:
            self.map.object = first
            if list(self._maps) != [self.map]:
                self._maps[:] = [self.map]
            return
        second = Figure(page, page.second.start(), page.second)
        link(page.figure, second)
        size = {"sizing_mode": "stretch_width", "height": HEIGHT, "margin": 0, "linked_axes": False}
        panes = [pn.pane.HoloViews(shown, **size) for shown in (first, second.object)]
        self._maps[:] = [pn.Row(*panes, **WIDE, margin=0)]

    def drawn(self, seconds: float, picture: Any) -> None:
        """Write the footer and the histogram after a draw."""
        page, self._picture = self._page, picture
        peak = system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
        said = [f"{page.cube.origin} · drawn in {seconds:.2f} s · memory at most {peak:,.0f} MB"]
        said[0] += " · outlines: Natural Earth."
        units = str(page.cube.dataset[page.view.variable].attrs.get("units", ""))
        said += [page.view.scale_said(), _veil.said(page.view.shown_layers, units)]
        page.footer.value = f"<p>{escape(' '.join(filter(None, said)))}</p>"
        if self.tabs.active == _HISTOGRAM:
            self._fill()

    def update(self) -> None:
        """Bring header, series and code in line with the explorer."""
        page = self._page
        self.choices.update()
        self._cursor.move(page.current)
        pn.io.push_notebook(self._curve, self._region_curve)
        page.header.value = _header(page)
        series = page.series
        self.save.update()
        if series is None:
            self.choices.note.value = self.line.value = f"<p>{_CLICK}</p>"
        else:
            self.choices.note.value = ""
            self.line.value = "".join(_line(page, shown, k) for k, shown in enumerate(page.all_series))
        self._fill()
        page.changed()

    def _fill(self) -> None:
        """Write the tab that is seen; the others are written when they are."""
        fill = {
            _REGION: self._fill_region,
            _HISTOGRAM: self._fill_histogram,
            _QUALITY: self._fill_quality,
            _LINEAGE: self._fill_lineage,
        }
        if self.tabs.active in fill:
            try:
                fill[self.tabs.active]()
            except (MusyqError, OSError, MemoryError) as error:
                self._page.fail(str(error))

    def _fill_histogram(self) -> None:
        if self._picture is None:
            self._picture = self._page.figure.image()
        self.histogram.value = _bars.view_html(self._page.view)

    def _fill_quality(self) -> None:
        series = self._page.series
        self.quality.value = _series.quality_html(series) if series is not None else f"<p>{_CLICK}</p>"

    def _fill_lineage(self) -> None:
        page = self._page
        self.lineage.value = _lineage.lineage_html(page.view, page.point) if page.point else f"<p>{_CLICK}</p>"

    def _fill_region(self) -> None:
        page = self._page
        if page.region is None:
            self.region_line.value, self.region_bars.value = f"<p>{_DRAW}</p>", ""
            return
        self.region_bars.value = _bars.region_html(page.view, page.region)
        series = page.region_series if not page.legend.codes else None
        words = page.region.name
        if series is not None and series.count is not None:
            words = f"{_series.summary(series)} · {int(series.count.max()):,} cells · ribbon: {series.sigma_is}"
        self.region_line.value = f"<p>{escape(words)}</p>"


def _line(page: Explorer, series: _series.Series, number: int) -> str:
    """Return the line above the curve for one place, in the colour of its mark; a class by its name, not its code."""
    said = _series.summary(series)
    if page.legend.codes and not series.empty and not series.dim:
        position = int(page.legend.numbers(series.values)[0])
        said = f"{series.place}: {page.legend.labels[position] if position < len(page.legend.labels) else 'no data'}"
    elif series.sigma is not None and series.dim and not series.empty:
        said += f" · ribbon: {series.sigma_is}"
    dot = f"<span style='color:{_series.COLOURS[number % 2]}'>●</span> " if len(page.places) > 1 else ""
    return f"<p>{dot}{escape(said)}</p>"


def _header(page: Explorer) -> str:
    """Return title, what is shown, its unit, step and stage; of both maps where there are two."""
    told = f"<h1>{escape(page.cube.title)}</h1><p>{escape(page.view.said())}</p>"
    second = page.second.view
    if page.compared == ONE or second is None:
        return told
    return f"{told}<p>Second map: {escape(second.cube.title)} · {escape(second.said())}</p>"
