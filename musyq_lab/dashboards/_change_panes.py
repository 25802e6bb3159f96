"""What surrounds the maps of the Change page: choices, progress, tabs and footer."""

from __future__ import annotations

import resource as system
from html import escape
from typing import TYPE_CHECKING, Any

import holoviews as hv

from musyq_lab.core.registry import html_table
from musyq_lab.dashboards import _change_map, _change_place, _change_zones, _map
from musyq_lab.dashboards._change_kinds import KINDS, MEASURES
from musyq_lab.dashboards._change_save import Save
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._jobs_view import JobView
from musyq_lab.dashboards._page import COLUMN, WIDE, text
from musyq_lab.figures.words import pretty_units

if TYPE_CHECKING:
    from musyq_lab.dashboards.change import Change

_CLICK = "<p>Click the map, or type a place, for the series there and what the analysis says of it.</p>"
_NO_TABLE = "<p>Choose the zones and make the table: area on the ellipsoid, mean, trend, and the total of amounts.</p>"


class Panes:
    """The page of a :class:`~musyq_lab.dashboards.change.Change`.

    Parameters
    ----------
    page : Change
        Whose state is shown.
    """

    def __init__(self, page: Change) -> None:
        self._page = page
        narrow: dict[str, Any] = {"width": COLUMN - 20}
        self.progress = JobView(on_end=page.ended)
        self.work = pn.Column(self.progress, visible=False, **WIDE, margin=0)
        self.maps = pn.Column(**WIDE, margin=0)
        self.message = text(**WIDE)
        self.numbers = text(**WIDE)
        self.place = text(**WIDE)
        self.place.value = _CLICK
        self.rows = text(**WIDE)
        self.zones = text(**WIDE)
        self.zones.value = _NO_TABLE
        self.costs = text(css_classes=["musyq-small"], **narrow)
        self.kind = pn.widgets.Select(
            name="Analysis", options={kind.title: key for key, kind in KINDS.items()}, value=page.ask.kind, **narrow
        )
        self.by = pn.widgets.Select(name="Zones are", options=list(_change_zones.BY), width=160)
        self.tabulate = pn.widgets.Button(name="Make the table", button_type="primary", width=130)
        self.full = pn.widgets.Button(name="Analyse all cells", **narrow)
        self.where = pn.widgets.TextInput(name="Place or region", placeholder="103.5, 36 or China", **narrow)
        self.options = pn.Column(margin=0)
        self.steps = pn.Column(margin=0)
        self.save = Save(page)
        self.curve = pn.pane.HoloViews(None, margin=0, visible=False, **WIDE)
        self.dots = pn.pane.HoloViews(_change_zones.plot(None), margin=0, visible=False, **WIDE)
        self._listen()
        self.page = self._arrange(narrow)
        self.new_data()
        self.new_ask()

    def _listen(self) -> None:
        page = self._page
        self.kind.param.watch(lambda event: self._asked(analysis=event.new), "value")
        self.tabulate.on_click(lambda _event: page.make_table())
        self.full.on_click(lambda _event: page.analyse(whole=True))
        self.where.param.watch(self._typed, "value")

    def _arrange(self, narrow: dict[str, Any]) -> Any:
        page = self._page
        data = pn.widgets.Select.from_param(page.param.source, name="Data", description=None, **narrow)
        data.visible = len(page.param.source.objects) > 1
        variable = pn.widgets.Select.from_param(page.param.variable, name="Variable", description=None, **narrow)
        self.layer = pn.widgets.Select(name="Map", options=[], **narrow)
        self.layer.param.watch(self._new_layer, "value")
        outlines = pn.widgets.Checkbox.from_param(page.param.outlines, name="Land outlines")
        choices = [data, variable, self.kind, self.options, self.layer, self.steps, self.where, outlines]
        column = pn.Column(*choices, self.full, self.costs, width=COLUMN, margin=0)
        zones = pn.Column(
            pn.Row(self.by, pn.Column(pn.Spacer(height=17), self.tabulate)), self.zones, self.dots, **WIDE
        )
        tabs = pn.Tabs(
            ("Place", pn.Column(self.place, self.curve, self.rows, **WIDE)),
            ("Zones", zones),
            ("Save", self.save.panel),
            ("Code", page.code_tab()),
            **WIDE,
        )
        return page.framed(column, self.work, self.message, self.maps, self.numbers, tabs)

    def new_data(self) -> None:
        """Say whose changes these are."""
        page = self._page
        layer = page.cube.dataset[page.variable]
        units = str(layer.attrs.get("units", ""))
        unit = f" · {escape(pretty_units(units))}" if units not in ("", "1") else ""
        name = str(layer.attrs.get("long_name", page.variable))
        years = page.years() if not self._lacks_series() else []
        span = f" · {years[0]} to {years[-1]}" if len(years) > 1 else ""
        page.header.value = (
            f"<h1>{escape(page.cube.title)}</h1><p>{escape(name[:1].upper() + name[1:])}{unit}{span}</p>"
        )
        self.zones.value, self.dots.visible = _NO_TABLE, False
        self.save.update()

    def _lacks_series(self) -> bool:
        try:
            return not self._page.years()
        except Exception:  # what is no series has no years; why is told when it is analysed
            return True

    def new_ask(self) -> None:
        """Make the choices of another analysis."""
        page = self._page
        ask, years = page.ask, [] if self._lacks_series() else page.years()
        if self.kind.value != ask.kind:
            self.kind.value = ask.kind
        narrow: dict[str, Any] = {"width": COLUMN - 20}
        made: list[Any] = []
        if ask.kind == "anomaly":
            measure = pn.widgets.Select(name="Measure", options=list(MEASURES), value=ask.measure, **narrow)
            measure.param.watch(lambda event: self._asked(measure=event.new), "value")
            made.append(measure)
            if len(years) > 1:
                made.append(self._span("Reference years", "baseline", ask.baseline or (years[0], years[-1]), years))
        if ask.kind == "periods" and len(years) > 1:
            halves = years[: len(years) // 2], years[len(years) // 2 :]
            before, after = ask.before or (halves[0][0], halves[0][-1]), ask.after or (halves[1][0], halves[1][-1])
            made += [self._span("Before", "before", before, years), self._span("After", "after", after, years)]
        if ask.kind == "breaks":
            words = {"lines with slopes": "trend", "levels": "level"}
            model = pn.widgets.Select(name="Between breaks", options=words, value=ask.model, **narrow)
            model.param.watch(lambda event: self._asked(model=event.new), "value")
            made.append(model)
        self.options[:] = made

    def _span(self, name: str, option: str, value: tuple[int, int], years: list[int]) -> Any:
        ends = {"start": years[0], "end": max(years[-1], years[0] + 1), "value": value, "format": "0"}
        slider = pn.widgets.IntRangeSlider(name=name, step=1, width=COLUMN - 30, **ends)
        slider.param.watch(lambda event: self._asked(**{option: tuple(event.new)}), "value_throttled")
        return slider

    def _asked(self, **options: Any) -> None:
        with self._page.told():
            self._page.set(**options)

    def _typed(self, event: Any) -> None:
        if event.new:
            with self._page.told():
                self._page.choose_region(event.new)

    def _new_layer(self, event: Any) -> None:
        if event.new and event.new != self._page.layer:
            self._page.layer = event.new

    def explain(self, lacks: str) -> None:
        """Say why there is nothing to see; nothing where there is."""
        page = self._page
        kind = KINDS[page.ask.kind]
        self.message.value = f"<p>{escape(kind.summary)}</p>"
        self.full.disabled = bool(lacks)
        if lacks:
            self.message.value = f"<p><b>{escape(kind.title)} cannot be told of these data.</b> {escape(lacks)}</p>"
            self.costs.value = ""

    def clear_map(self) -> None:
        """Take the map away."""
        self.maps[:] = []
        self.numbers.value = ""
        self._page.footer.value = f"<p>{escape(self._page.cube.origin)}</p>"
        self.save.update()

    def new_result(self) -> None:
        """Offer the layers and steps of another result."""
        page, found = self._page, self._page.outcome
        if found is None:
            return
        titles = {name: key for key, name in KINDS[found.ask.kind].maps.items()}
        self.layer.param.update(options=titles, value=page.layer)
        labels = page.step_labels
        self.steps[:] = []
        if len(labels) > 1:
            options = {label: k for k, label in enumerate(labels)}
            slider = pn.widgets.DiscreteSlider(name=found.step_dim, options=options, value=page.step, width=COLUMN - 30)
            slider.param.watch(lambda event: page.step_at(event.new), "value")
            self.steps[:] = [slider]
        words, fits = page.verdict() if not found.part.whole else ("All cells were analysed.", False)
        self.costs.value = f"<p>{escape(words)}</p>"
        self.full.disabled = found.part.whole or not fits
        self.save.update()

    def draw_map(self) -> None:
        """Draw the result anew."""
        found = self._page.outcome
        if found is None:
            return
        main = self._main(str(self._page.layer))
        both = ("before", "after") if found.ask.kind == "periods" else ()
        self.maps[:] = [*([pn.Row(*map(self._beside, both), **WIDE, margin=0)] if both else []), main]
        self.numbers.value = f"<p>{escape(_change_map.tested(found))}</p>" if "significant" in found.dataset else ""
        peak = system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
        told = [found.part.said(), f"Analysed in {found.seconds:.1f} s.", f"Memory at most {peak:,.0f} MB."]
        origin = f"{escape(found.part.cube.origin)} · outlines: Natural Earth · "
        self._page.footer.value = f"<p>{origin}{escape(' '.join(filter(None, told)))}</p>"

    def _main(self, layer: str) -> Any:
        page, found = self._page, self._page.outcome
        assert found is not None
        legend = _change_map.legend_of(found, layer)

        def picture(frame: int = 0) -> Any:
            return _change_map.picture(found, layer, page.step, legend)

        shown = hv.DynamicMap(picture, streams=[hv.streams.Params(page, ["frame"])], cache_size=1)
        self.tap = hv.streams.Tap(source=shown)
        self.tap.add_subscriber(page.tapped)
        self.box = hv.streams.BoundsXY(source=shown)
        self.box.add_subscriber(lambda bounds=None: page.drawn(_corners(bounds)))
        self.lasso = hv.streams.Lasso(source=shown)
        self.lasso.add_subscriber(lambda geometry=None: page.drawn(geometry))
        style, frame = _change_map.options(found, layer, legend, _change_map.HEIGHT)
        marks = hv.DynamicMap(_mark, streams={"point": page.param.point}, cache_size=1)
        border = hv.DynamicMap(_border, streams={"region": page.param.region}, cache_size=1)
        over = [_change_map.dots(found)] if layer in ("slope", "difference", "tau") else []
        whole = shown.opts(**style)
        for part in (*over, _map.outlines(found.cube, page.outlines), border, marks):
            whole = whole * part
        return pn.pane.HoloViews(whole.opts(**frame), margin=0, **WIDE)

    def _beside(self, layer: str) -> Any:
        page, found = self._page, self._page.outcome
        assert found is not None
        legend = _change_map.legend_of(found, layer)
        style, frame = _change_map.options(found, layer, legend, _change_map.SMALL)
        shown = _change_map.picture(found, layer, 0, legend).opts(**style)
        whole = shown * _map.outlines(found.cube, page.outlines)
        return pn.pane.HoloViews(whole.opts(**frame, title=layer), margin=0, **WIDE)

    def tell(self) -> None:
        """Say what is known of the chosen place."""
        page = self._page
        with page.told():
            self.save.story = page.story
        story = self.save.story
        self.save.update()
        self.curve.visible = story is not None and not story.empty
        if story is None:
            self.place.value, self.rows.value = _CLICK, ""
            return
        # Dates or numbers, with spans of breaks or without: axes and layers are those of the analysis.
        self.curve.object = _change_place.draw(story)
        self.place.value = f"<p><b>{escape(story.place)}</b> · {escape(' '.join(story.sentences))}</p>"
        rows = [[_cell(value) for value in row] for row in story.rows]
        self.rows.value = html_table(rows) if len(rows) > 1 else ""

    def show_table(self) -> None:
        """Show the table of zones and its plot."""
        made = self._page.table
        if made is None:
            return
        self.zones.value = _change_zones.table_html(made)
        self.dots.object = _change_zones.plot(made)
        self.dots.visible = True
        self.save.update()


def _mark(point: Any = None) -> Any:
    return _map.marks([point] if point else [])


def _border(region: Any = None) -> Any:
    return _map.border(region.rings if region else [])


def _corners(bounds: Any) -> Any:
    if bounds is None:
        return None
    west, south, east, north = bounds
    return [(west, south), (east, south), (east, north), (west, north)]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
