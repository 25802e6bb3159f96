"""The explorer: a map with a legend, and behind each click the series of that place, behind each outline its mean.

One page of three regions: a narrow column of choices, the map, and tabs under it. The same object works in a JupyterLab
cell, served by ``musyq serve``, and without a browser (``explorer.tap.event(x=..., y=...)``).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

import param

from musyq_lab.archive.overviews import add as add_overviews
from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _address, _open, _panes, _places, _series, _zones
from musyq_lab.dashboards._compare import ONE, SWIPE, WAYS, Second
from musyq_lab.dashboards._curtain import Curtain
from musyq_lab.dashboards._data import Cube, cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._figure import Figure
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._open import OUTPUT, finished
from musyq_lab.dashboards._page import Page
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._view import View

CLASSES, CONTINUOUS = "Classes", "Continuous"


class Explorer(Page):
    """Look at any product: map, months, places, regions.

    Parameters
    ----------
    sources : mapping of str to object
        Title -> anything :func:`explore` takes; the first is shown.
    variable : str, optional
        What to map first.
    point : tuple of float, optional
        A place chosen from the start: longitude, latitude.
    classes : str or sequence of float, optional
        Class table or breaks of the legend.
    **steps
        Label of a further dimension shown first, such as ``month=7``.

    Raises
    ------
    InputError, NotFoundError
        If the data hold no map, or a name does not exist.
    """

    title: ClassVar[str] = "Explorer"
    summary: ClassVar[str] = "Look at any product on a map; click a place or draw a region for its series."
    address: ClassVar[str] = "explorer"

    source: Any = param.Selector(doc="Title of the data shown.")
    variable: Any = param.Selector(doc="Variable on the map.")
    point: Any = param.Parameter(None, doc="Place chosen last (across, up), None for none.")
    places: Any = param.Parameter((), doc="The one or two places chosen.")
    region: Any = param.Parameter(None, doc="Chosen region, None for none.")
    frame: Any = param.Integer(0, doc="Counts changes of the picture.")
    others: Any = param.Integer(0, doc="Counts changes of steps besides those along the series.")
    outlines: Any = param.Boolean(True, label="Land outlines", doc="Whether land outlines are drawn.")
    legend_is: Any = param.Selector(default=CLASSES, objects=[CLASSES, CONTINUOUS], doc="Kind of legend.")
    layers: Any = param.List([], doc="Quality and uncertainty on the map.")
    compared: Any = param.Selector(default=ONE, objects=list(WAYS), doc="One map, or two beside or over each other.")

    def __init__(
        self,
        sources: Mapping[str, Any],
        *,
        variable: str | None = None,
        point: tuple[float, float] | None = None,
        classes: Any = None,
        outlines: bool = True,
        **steps: Any,
    ) -> None:
        ready()
        self.sources = dict(sources)
        first = next(iter(self.sources))
        self.view = View(self.sources[first], variable, classes)
        self.view.choose(steps)
        self.second = Second(self)
        self._known: dict[Any, _series.Series] = {}
        super().__init__(outlines=outlines)
        with param.parameterized.discard_events(self):
            self.param.source.objects = list(self.sources)
            self.source = first
            self._offer_variables()
        if point:
            self.select(*point)
        self.panes = _panes.Panes(self)
        self._show_map()
        self._watch()
        self.panes.update()

    @classmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for; see :meth:`musyq_lab.dashboards._page.Page.open`."""
        page: Self = _address.restored(cls, shelf.maps(), query)
        return page

    def query(self) -> dict[str, str]:
        """Return what restores this very view, as the part of an address behind ``?``."""
        return _address.query_of(self)

    def code(self) -> str:
        """Return the lines that make this very view."""
        return _address.code_of(self)

    def __panel__(self) -> Any:
        """Return the page."""
        return self.panes.layout

    @property
    def cube(self) -> Cube:
        """The data shown."""
        return self.view.cube

    @property
    def chosen(self) -> dict[str, int]:
        """Positions along the dimensions besides the map's."""
        return self.view.chosen

    @property
    def legend(self) -> Legend:
        """Classes and colours of the map."""
        return self.view.legend

    @property
    def tap(self) -> Any:
        """The stream of clicks; ``tap.event(x=..., y=...)`` is a click."""
        return self.figure.tap

    @property
    def series(self) -> _series.Series | None:
        """What is known of the place chosen last, None before the first click."""
        return self.series_at(self.point) if self.point is not None else None

    @property
    def all_series(self) -> list[_series.Series]:
        """What is known of the chosen places, in their order."""
        return [self.series_at(place) for place in self.places]

    def series_at(self, place: tuple[float, float]) -> _series.Series:
        """Return what is known of a place; read once for each choice of variable and further dimensions."""
        return self._remembered(place, lambda: _series.series_at(self.cube, self.variable, self.chosen, place))

    @property
    def region_series(self) -> _series.Series | None:
        """Mean and spread of the chosen region, None where none is chosen.

        Raises
        ------
        InputError
            If the variable has named classes, or no cell lies in the region.
        """
        area = self.region
        if area is None:
            return None
        return self._remembered(area.text, lambda: _zones.region_series(self.cube, self.variable, self.chosen, area))

    @property
    def current(self) -> int:
        """Position of the map's step along the series."""
        return self.chosen.get(_series.series_dimension(self.cube, self.variable), 0)

    def select(self, x: float, y: float) -> Explorer:
        """Choose a place, as a click does; a second one stands beside the first.

        Parameters
        ----------
        x, y : float
            Longitude and latitude (or column and row).

        Raises
        ------
        InputError
            If it lies outside the data.
        """
        if not self.cube.inside(x, y):
            raise InputError(f"({x}, {y}) lies outside the data: {self.cube.extent()}. Choose a place inside.")
        place = (float(x), float(y))
        places = self.places
        if place not in places:
            # The newest of two stays in its colour, the older one gives way.
            places = (*places, place) if len(places) < 2 else tuple(p if p == self.point else place for p in places)
        self.param.update(places=places, point=place)
        return self

    def choose_region(self, words: str) -> Explorer:
        """Choose a region, or a place, by what :func:`musyq_lab.dashboards._places.understood` understands.

        Raises
        ------
        InputError, NotFoundError
            If the words mean nothing, or lie outside the data.
        """
        found = _places.understood(words, self.cube)
        if isinstance(found, tuple):
            return self.select(*found)
        _zones.region_window(self.cube, self.variable, found)
        self.region = found
        return self

    def clear(self) -> Explorer:
        """Choose no place and no region."""
        self.param.update(places=(), point=None, region=None)
        return self

    def step_to(self, **steps: Any) -> Explorer:
        """Show other steps, such as ``month=7``; unknown names and labels raise."""
        before = self._besides()
        self.view.choose(steps)
        self.redraw(before)
        return self

    def show(self, dim: str, position: int) -> None:
        """Show the step of a position, as a slider does."""
        if dim in self.chosen and self.chosen[dim] != position:
            before = self._besides()
            self.chosen[dim] = int(position)
            self.redraw(before)

    def redraw(self, before: Any) -> None:
        """Draw the map anew, and the series where a step changed that they do not run along."""
        self.frame += 1
        if before != self._besides():
            self.others += 1

    def move(self, by: int) -> Explorer:
        """Step along time (or the first further dimension), round at its ends."""
        dim = _series.series_dimension(self.cube, self.variable)
        if dim:
            self.show(dim, (self.chosen[dim] + by) % self.cube.dataset[self.variable].sizes[dim])
        return self

    def tapped(self, x: float | None = None, y: float | None = None) -> None:
        """Choose the place of a click inside the data."""
        if x is not None and y is not None and self.cube.inside(x, y):
            self.select(x, y)

    def boxed(self, bounds: Any = None) -> None:
        """Choose the region of a drawn box."""
        if bounds:
            with self.told():
                self._draw_region(_places.box(*bounds))

    def circled(self, geometry: Any = None) -> None:
        """Choose the region of a drawn outline."""
        if geometry is not None:
            with self.told():
                self._draw_region(_places.polygon(geometry))

    def build_overviews(self) -> None:
        """Add overviews to the product files behind the view, and show it from them."""
        with self.told():
            if not self.cube.files:
                raise InputError("Only product files can keep overviews. Write the data by ml.write_product first.")
            for path in self.cube.files:
                add_overviews(path)
            self.sources[self.source] = _open.again(self.cube)
            self.param.trigger("source")

    def _draw_region(self, area: _places.Area) -> None:
        _zones.region_window(self.cube, self.variable, area)
        self.region = area

    def _remembered(self, what: Any, make: Any) -> _series.Series:
        key = (id(self.cube), self.variable, what, self._besides())
        if key not in self._known:
            if len(self._known) > 5:
                self._known.clear()
            self._known[key] = make()
        return self._known[key]

    def _besides(self) -> tuple[tuple[str, int], ...]:
        """Return the steps that the series do not run along."""
        dim = _series.series_dimension(self.cube, self.variable)
        return tuple(sorted(item for item in self.chosen.items() if item[0] != dim))

    def _watch(self) -> None:
        self.param.watch(self._new_source, "source")
        self.param.watch(self._new_variable, "variable")
        self.param.watch(self._restyled, ["legend_is", "outlines", "compared"])
        self.param.watch(self._new_layers, "layers")
        self.param.watch(self._updated, ["point", "places", "region", "frame"])
        self.second.param.watch(lambda event: self._show_map(), "changes")
        self.second.param.watch(self._updated, ["changes", "frame"])

    def _offer_variables(self) -> None:
        self.param.variable.objects = self.cube.variables
        self.variable = self.view.variable

    def _new_source(self, event: Any) -> None:
        with self.told():
            self.view = View(self.sources[event.new], classed=self.view.classed, layers=self.layers)
            with param.parameterized.discard_events(self):
                self._offer_variables()
                self._forget()
            self.panes.new_data()
            self._show_map()
            self.frame += 1

    def _forget(self) -> None:
        """Forget places and region that the new data do not have."""
        self._known.clear()
        self.places = tuple(place for place in self.places if self.cube.inside(*place))
        self.point = self.places[-1] if self.places else None
        self.region = None

    def _new_variable(self, event: Any) -> None:
        with self.told():
            self.view.map_variable(event.new)
            self.panes.new_data()
            self._show_map()
            self.frame += 1

    def _restyled(self, *events: Any) -> None:
        self.view.classed = self.legend_is == CLASSES
        with self.told():
            self._show_map()
        self._updated()

    def _new_layers(self, event: Any) -> None:
        self.view.layers = list(event.new)
        self.frame += 1

    def _show_map(self) -> None:
        """Build the map anew: colours and legend belong to the variable."""
        curtain = Curtain(self, self.second) if self.compared == SWIPE else None
        self.figure = Figure(self, self.view, self, self.panes.drawn, curtain)
        self.panes.show_map()

    def _image(self, **ranges: Any) -> Any:
        return self.figure.image(**ranges)

    def _updated(self, *events: Any) -> None:
        self.panes.update()

    def _repr_html_(self) -> str:
        return f"<p>Explorer of {escape(self.cube.title)}. Show it in a notebook, or by <code>musyq serve</code>.</p>"


def explore(
    data: Any = None,
    variable: str | None = None,
    *,
    product: str | None = None,
    edition: str | None = None,
    tile: str | None = None,
    **options: Any,
) -> Explorer:
    """Look at data on a map: click a place for its series, draw a region for its mean.

    Parameters
    ----------
    data : Dataset, DataArray, catalog entry, name of a sample, path of a file or a folder of products; optional
        The shipped radiation climatology, and the products of finished runs in ``musyq-output``, if not given.
    variable : str, optional
        What to map first; the first map of the data if not given.
    product, edition, tile : str, optional
        Which of the products of a folder.
    **options
        ``point=(longitude, latitude)``, ``classes=`` (name of a class table, or breaks), ``outlines=`` (bool), and the
        label of any further dimension, such as ``month=7``.

    Returns
    -------
    Explorer
        Shows itself in a notebook.

    Raises
    ------
    InputError, NotFoundError
        If the data hold no map, or a name does not exist.

    Examples
    --------
    >>> view = explore("ghi_merra2_monthly", month=7)  # doctest: +SKIP
    """
    if isinstance(data, str | Path) and Path(data).expanduser().is_dir():
        first = _open.from_folder(Path(data).expanduser(), product=product, edition=edition, tile=tile)
    else:
        first = cube(data)
    others = finished() if data is None else {}
    return Explorer({first.title: first, **others}, variable=variable, **options)


__all__ = ["OUTPUT", "Explorer", "explore", "finished"]
