"""What the compute page looks like: choices, the expression with its help, preview, job and code."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from musyq_lab.dashboards._compute_help import functions, table
from musyq_lab.dashboards._compute_preview import Preview, histogram_of, map_of
from musyq_lab.dashboards._compute_tasks import AUTOMATIC
from musyq_lab.dashboards._compute_verdict import Verdict
from musyq_lab.dashboards._extension import pn, stylesheet
from musyq_lab.dashboards._jobs_view import JobView
from musyq_lab.dashboards._page import COLUMN, WIDE, text
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

if TYPE_CHECKING:
    from musyq_lab.dashboards.compute import Compute

_WIDTH = COLUMN - 20
_NARROW: dict[str, Any] = {"width": _WIDTH, "description": None}
_WIDER: dict[str, Any] = {"width": 420, "description": None}
_MONO = "textarea {font-family: monospace; font-size: 14px}"
_EMPTY = "Choose data, write an expression or take an algorithm, then press Preview. Nothing is computed before."
_EXAMPLE = "(lai - mean(lai, 'time')) / std(lai, 'time')"


class ComputePanes:
    """The panes of a :class:`~musyq_lab.dashboards.compute.Compute`.

    Parameters
    ----------
    page : Compute
        Whose state is shown.
    """

    def __init__(self, page: Compute) -> None:
        self._page = page
        self.job = JobView(on_end=page.ended)
        sheet = [stylesheet()]
        self.sentence = text(stylesheets=sheet, **WIDE, margin=(0, 10))
        self.said = text(stylesheets=sheet, **WIDE)
        self.said.value = _EMPTY
        self.verdict = text(stylesheets=sheet, **WIDE)
        self.done = text(stylesheets=sheet, **WIDE)
        self._names, self._functions = (text(stylesheets=sheet, **WIDE) for _ in range(2))
        self._names.value, self._functions.value = table([]), functions()
        self.map = pn.pane.HoloViews(margin=0, visible=False, **WIDE)
        self.histogram = pn.pane.HoloViews(margin=0, visible=False, **WIDE)
        self.suggested = pn.FlexBox(margin=(0, 5), **WIDE)
        self._expression()
        self._algorithm()
        self.layout = page.framed(self._choices(), self._top, self._bottom())

    def _choices(self) -> Any:
        p = self._page.param
        self._data = pn.widgets.MultiChoice.from_param(
            p.data, options=list(self._page.inputs.offered), name="Data", width=_WIDTH, placeholder="Choose data",
            search_option_limit=20,
        )  # fmt: skip
        kind = pn.widgets.RadioButtonGroup.from_param(p.kind, name="What computes", width=_WIDTH)
        result = pn.widgets.TextInput.from_param(p.result, name="Name of the result", **_NARROW)
        units = pn.widgets.TextInput.from_param(
            p.units, name="Unit of the result", placeholder="as it follows", **_NARROW
        )
        hint = "all · China · 70,15,140,55 · POLYGON"
        region = pn.widgets.TextInput.from_param(p.region, name="Region", placeholder=hint, **_NARROW)
        place = pn.widgets.TextInput.from_param(
            p.place, name="Middle of the preview", placeholder="middle of the map · 103.5, 36", **_NARROW
        )
        self.try_it = pn.widgets.Button(name="Preview", button_type="primary", width=_WIDTH)
        self.run_it = pn.widgets.Button(name="Compute all of it", width=_WIDTH)
        self.try_it.on_click(lambda event: self._page.preview())
        self.run_it.on_click(lambda event: self._page.run())
        return pn.Column(kind, self._data, region, result, units, place, self.try_it, self.run_it, margin=0)

    def _expression(self) -> None:
        p = self._page.param
        self.box = pn.widgets.TextAreaInput.from_param(
            p.text, name="Expression", rows=3, **WIDE, stylesheets=[_MONO], placeholder=_EXAMPLE, description=None,
            max_length=1_000_000,
        )  # fmt: skip
        self.box.param.watch(lambda event: self.typed(event.new), "value_input")

    def _algorithm(self) -> None:
        p = self._page.param
        titles = {f"{PRODUCTS[key].title} ({key})": key for key in RETRIEVALS}
        self.key = pn.widgets.Select.from_param(
            p.algorithm, name="Algorithm", options=titles, width=420, description=None
        )
        self.method = pn.widgets.Select(name="Method", options={"": ""}, width=200)
        self.method.param.watch(lambda event: self._page.param.update(method=event.new or ""), "value")
        self._mapped = pn.FlexBox(**WIDE, margin=0)
        self._algorithms = pn.Column(pn.Row(self.key, self.method, margin=0), self._mapped, **WIDE, margin=0)
        self._of = ""

    @property
    def _top(self) -> Any:
        self._written = pn.Column(self.box, self.suggested, **WIDE, margin=0)
        return pn.Column(self._written, self._algorithms, self.sentence, **WIDE, margin=0)

    def _bottom(self) -> Any:
        # The job is above the tabs: it is seen whatever is looked at.
        looks = pn.Column(self.said, self.map, self.histogram, **WIDE, margin=0)
        helps = pn.Column(self._names, self._functions, **WIDE)
        self.tabs = pn.Tabs(("Preview", looks), ("Names and functions", helps), ("Code", self._page.code_tab()), **WIDE)
        return pn.Column(self.job, self.done, self.verdict, self.tabs, **WIDE, margin=0)

    def typed(self, written: str) -> None:
        """Show what a text gives and how its last word may go on, while it is written."""
        self.sentence.value = escape(self._page.sentence(written))
        buttons = []
        for word, shown in self._page.suggestions(written):
            button = pn.widgets.Button(name=shown, button_type="light", margin=2, height=28)
            button.on_click(lambda event, word=word, written=written: self._complete(written, word))
            buttons.append(button)
        self.suggested[:] = buttons

    def _complete(self, written: str, word: str) -> None:
        self._page.text = written
        self._page.complete(word)

    def edited(self) -> None:
        """Bring all in line with the choices."""
        page = self._page
        own = page.kind == "Expression"
        self._written.visible, self._algorithms.visible = own, not own
        if own:
            self.typed(page.text)
        else:
            self._offer_inputs()
            self.sentence.value = escape(page.sentence())
        titles = ", ".join(f"{source.alias} = {source.title}" for source in page.inputs.sources)
        page.header.value = f"<h1>Compute</h1><p>{escape(titles) or 'Choose the data to compute from.'}</p>"
        page.footer.value = f"Results go to {escape(page.results.name)}; at most one job of yours runs at a time."

    def new_data(self) -> None:
        """Show the names that the chosen data bring."""
        self._names.value = table(self._page.inputs.listed())
        self._of = ""

    def offer(self) -> None:
        """Offer data that have joined the shelf."""
        self._data.options = list(self._page.inputs.offered)

    def _offer_inputs(self) -> None:
        """Make a choice for each input of the algorithm, once for each algorithm and data."""
        page = self._page
        if self._of == page.algorithm:
            return
        self._of = page.algorithm
        spec = RETRIEVALS[page.algorithm].spec
        self.method.options = {name: name for name in spec.method_names} or {"": ""}
        names = [AUTOMATIC, *(row[0] for row in page.inputs.listed())]
        choices = []
        for item in spec.inputs:
            label = f"{item.name} ({item.units}){' if there' if item.optional else ''}"
            choice = pn.widgets.Select(name=label, options=names, width=230)
            choice.param.watch(lambda event, name=item.name: self._map_input(name, event.new), "value")
            choices.append(choice)
        self._mapped[:] = choices
        page.param.update(mapped={}, method="")

    def _map_input(self, name: str, chosen: str) -> None:
        self._page.mapped = {**self._page.mapped, name: chosen}

    def preview(self, shown: Preview) -> None:
        """Show a part of the result."""
        self.said.value = escape(shown.said)
        self.map.object, self.histogram.object = map_of(shown.layer), histogram_of(shown.layer)
        self.map.visible = self.histogram.visible = True
        self.tabs.active = 0

    def judged(self, verdict: Verdict) -> None:
        """Say whether all of it fits."""
        self.verdict.value = escape(str(verdict))
        self.run_it.button_type = "success" if verdict.fits else "default"

    def written(self, words: str) -> None:
        """Say where a result is."""
        self.done.value = words
