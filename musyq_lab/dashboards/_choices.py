"""The column of choices beside the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from musyq_lab.dashboards import _places, _series, _veil
from musyq_lab.dashboards._compare import ONE
from musyq_lab.dashboards._extension import pn, stylesheet
from musyq_lab.dashboards._page import COLUMN, text
from musyq_lab.dashboards._play import Play
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.products._registry import PRODUCTS

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

WIDTH = COLUMN - 20
_NARROW: dict[str, Any] = {"width": WIDTH, "description": None}
_LONG = 60  # steps beyond which the map follows the slider only when it is let go


class Choices:
    """The choices of an explorer.

    Parameters
    ----------
    page : Explorer
        Whose state is chosen.
    """

    def __init__(self, page: Explorer) -> None:
        self._page = page
        self.product, self.edition = _products(page)
        self.variable = pn.widgets.Select.from_param(page.param.variable, name="Variable", **_NARROW)
        self.sliders = pn.Column(margin=0)
        self.play = Play(page.move, WIDTH)
        self.where = pn.widgets.AutocompleteInput(
            name="Go to a place or region", options=list(_places.names()), restrict=False, case_sensitive=False,
            search_strategy="includes", min_characters=2, placeholder="103.5, 36 · China · a station", **_NARROW,
        )  # fmt: skip
        self.where.param.watch(self._go, "value")
        self.clear = pn.widgets.Button(name="Clear places and region", width=WIDTH)
        self.clear.on_click(lambda event: page.clear())
        self.legend = pn.widgets.RadioButtonGroup.from_param(page.param.legend_is, name="Legend", width=WIDTH)
        self.layers = pn.widgets.CheckBoxGroup.from_param(page.param.layers, name="Quality", options=[], width=WIDTH)
        self.compared = pn.widgets.Select.from_param(page.param.compared, name="Compare", **_NARROW)
        self.second = pn.Column(margin=0)
        self.outlines = pn.widgets.Checkbox.from_param(page.param.outlines, name="Land outlines")
        self.note = text(css_classes=["musyq-small"], stylesheets=[stylesheet()], margin=(0, 10), width=WIDTH)
        self._steps: dict[str, Any] = {}
        self.new_data()

    @property
    def column(self) -> Any:
        """The widgets in their order."""
        parts = [self.product, self.edition, self.variable, self.sliders, self.play.row, self.where, self.clear]
        parts += [self.legend, self.layers, self.compared, self.second, self.outlines, self.note]
        return pn.Column(*parts, margin=0)

    @property
    def _dim(self) -> str:
        return _series.series_dimension(self._page.cube, self._page.view.variable)

    def new_data(self) -> None:
        """Offer the steps and layers of another variable."""
        page, sliders = self._page, []
        self._steps = {}
        for dim, labels in page.cube.steps(page.view.variable).items():
            if len(labels) < 2:
                continue
            sliders.append(self._slider(dim, labels, page.chosen[dim]))
        self.sliders[:] = sliders
        self.play.stop()
        self.play.row.visible = len(page.cube.steps(page.view.variable).get(self._dim, [])) > 1
        self.layers.options = _veil.offered(page.cube, page.view.variable)
        self.layers.visible = bool(self.layers.options)
        self.legend.visible = not page.legend.codes
        self.variable.visible = len(page.cube.variables) > 1

    def _slider(self, dim: str, labels: list[Any], value: int) -> Any:
        words = _series.texts(dim, labels)
        options = {text: at for at, text in enumerate(words)}
        slider = pn.widgets.DiscreteSlider(name=dim, options=options, value=value, width=WIDTH)
        slider.param.watch(lambda event: self.go(dim, event.new), "value" if len(words) <= _LONG else "value_throttled")
        self._steps[dim] = slider
        return slider

    def go(self, dim: str, position: Any) -> None:
        """Show another step."""
        if position is not None:
            self._page.show(dim, position)

    def update(self) -> None:
        """Bring sliders and player in line with the explorer."""
        page = self._page
        for dim, slider in self._steps.items():
            if slider.value != page.chosen[dim]:
                slider.value = page.chosen[dim]
        self.clear.disabled = not page.places and page.region is None

    def second_map(self) -> None:
        """Offer the choices of the second map where there is one."""
        shown = self._page.compared != ONE
        if shown != bool(len(self.second)):
            self.second[:] = [self._page.second.panel()] if shown else []

    def _go(self, event: Any) -> None:
        if event.new:
            with self._page.told():
                self._page.choose_region(event.new)


def _products(page: Explorer) -> tuple[Any, Any]:
    """Return the choices of product and of its edition, which together name the data."""
    groups: dict[str, dict[str, str]] = {}
    for title, data in page.sources.items():
        product, edition = _named(title, data)
        groups.setdefault(product, {})[edition] = title
    of_title = {title: product for product, editions in groups.items() for title in editions.values()}
    first = of_title[page.source]
    product = pn.widgets.Select(name="Product", options=list(groups), value=first, **_NARROW)
    edition = pn.widgets.Select(name="Edition", options=groups[first], value=page.source, **_NARROW)
    product.visible, edition.visible = len(groups) > 1, len(groups[first]) > 1

    def other_product(event: Any) -> None:
        editions = groups[event.new]
        edition.param.update(options=editions, value=next(iter(editions.values())))
        edition.visible = len(editions) > 1

    def other_edition(event: Any) -> None:
        if event.new is not None and event.new != page.source:
            page.source = event.new

    def other_source(event: Any) -> None:
        if edition.value != event.new:
            product.value = of_title[event.new]
            edition.value = event.new

    product.param.watch(other_product, "value")
    edition.param.watch(other_edition, "value")
    page.param.watch(other_source, "source")
    return product, edition


def _named(title: str, data: Any) -> tuple[str, str]:
    """Return the product and the edition of a title."""
    if not isinstance(data, Archive):
        return title, ""
    known = PRODUCTS[data.product].title if data.product in PRODUCTS else data.product
    return known, title.removeprefix(f"{known}, ")
