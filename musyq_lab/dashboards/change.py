"""The Change page: anomalies, trends, breaks, seasons, before and after; as maps, of a place, and of zones.

The map is first made of as many cells as take some seconds (of an overview, or every so many cells), then of all of
them on request, after a verdict of time and memory. The work runs in a job (:mod:`musyq_lab.dashboards._jobs`): the
page stays alive, shows progress and can cancel it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import param
from numpy.typing import ArrayLike

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards import _change_place, _open, _places
from musyq_lab.dashboards._change_address import asked, code_of, options_of, query_of
from musyq_lab.dashboards._change_kinds import KINDS, Ask
from musyq_lab.dashboards._change_panes import Panes
from musyq_lab.dashboards._change_runs import Runs
from musyq_lab.dashboards._change_work import extent, inside, refuse, series_of
from musyq_lab.dashboards._data import Cube, cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._shelf import Shelf

Point = tuple[float, float]


class Change(Runs):
    """Find what changed: on a map, at a place, in zones.

    Parameters
    ----------
    sources : mapping of str to object
        Title -> anything :func:`change` takes.
    source : str, optional
        The one shown first; the first of them if not given.
    variable : str, optional
        What is analysed first.
    analysis : str, optional
        ``trend``, ``anomaly``, ``breaks``, ``phenology`` or ``periods``; the first that the data allow if not given.
    layer : str, optional
        Layer of the result on the map.
    point : tuple of float, optional
        A place chosen from the start: longitude, latitude.
    region : str, optional
        A region chosen from the start, as it would be typed.
    step : str or int, optional
        Year or date on the map, where the result has several.
    outlines : bool
        Whether land outlines are drawn.
    **options
        Fields of what is asked: ``baseline``, ``measure``, ``before``, ``after``, ``model``.

    Raises
    ------
    InputError, NotFoundError
        If the data hold no map, or a name does not exist.
    """

    title: ClassVar[str] = "Change"
    summary: ClassVar[str] = "Anomalies, trends, breaks, seasons, before and after: on maps, of places and of zones."
    address: ClassVar[str] = "change"

    source: Any = param.Selector(doc="Title of the data.")
    point: Any = param.Parameter(None, doc="Chosen place (across, up), None for none.")
    frame: Any = param.Integer(0, doc="Counts changes of the step on the map.")
    outlines: Any = param.Boolean(True, doc="Whether land outlines are drawn.")

    def __init__(
        self,
        sources: Mapping[str, Any],
        *,
        source: str | None = None,
        variable: str | None = None,
        analysis: str | None = None,
        layer: str | None = None,
        point: Point | None = None,
        region: str | None = None,
        step: str | int | None = None,
        outlines: bool = True,
        **options: Any,
    ) -> None:
        self._sources = dict(sources)
        titles = list(self._sources)
        if source is not None and source not in titles:
            raise NotFoundError(f"There are no data {source!r}.{closest(source, titles)}")
        self.ask = asked(analysis or "trend", options)
        self.outcome = self.table = self.job = None
        self.rates, self.step = {}, 0
        super().__init__(outlines=outlines)
        with param.parameterized.discard_events(self):
            self.param.source.objects = titles
            self.source = source or titles[0]
        self.cube: Cube = cube(self._sources[self.source])
        self._set_variable(variable, keep=analysis is not None)
        if layer is not None and layer not in KINDS[self.ask.kind].maps:
            known = KINDS[self.ask.kind].maps
            raise NotFoundError(f"{KINDS[self.ask.kind].title} has no map {layer!r}.{closest(layer, known)}")
        self._wanted_layer, self._wanted_step = layer, step
        self.panes = Panes(self)
        if region:
            self.choose_region(region)
        self.param.watch(self._new_source, "source")
        self.param.watch(self._new_variable, "variable")
        self.param.watch(self._draw, ["layer", "outlines"])
        self.analyse()
        if point is not None:
            self.select(*point)

    def __panel__(self) -> Any:
        """Return the page."""
        return self.panes.page

    @classmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for; see :meth:`musyq_lab.dashboards._page.Page.open`."""
        ready()
        maps = shelf.maps()
        if not maps:
            raise NotFoundError("There is nothing to analyse. `musyq simulate && musyq produce lai` makes a series.")
        data, options = query.get("data"), options_of(query)
        if data is None:
            data = next((title for title in maps if _promising(maps[title])), None)
        return cls(maps, source=data, **options)

    @property
    def story(self) -> _change_place.Story | None:
        """What is known of the chosen place, None before the first click."""
        if self.point is None:
            return None
        return _change_place.story_at(self.cube, self.variable, self.chosen, self.ask, self.point)

    def code(self) -> str:
        """Return the lines that make this very view, and the result of the analysis without it."""
        return code_of(self)

    def query(self) -> dict[str, str]:
        """Return what restores this very view."""
        return query_of(self)

    def select(self, x: float, y: float) -> Change:
        """Choose a place, as a click does.

        Raises
        ------
        InputError
            If it lies outside the data.
        """
        if not inside(self.cube, x, y):
            words = extent(self.cube)
            raise InputError(f"({x:g}, {y:g}) lies outside the data: {words}. Choose a place inside.")
        self.point = (float(x), float(y))
        self.panes.tell()
        self.changed()
        return self

    def choose_region(self, text: str) -> Change:
        """Choose a polygon for the zones: a box, a country, a region or WKT; or a place.

        Raises
        ------
        InputError, NotFoundError
            If the words mean nothing.
        """
        found = _places.understood(text, self.cube)
        if isinstance(found, tuple):
            return self.select(*found)
        self.region = found
        self.panes.by.value = "drawn polygon"
        self.changed()
        return self

    def set(self, analysis: str | None = None, **options: Any) -> Change:
        """Ask for another analysis, or the same with other options; see :class:`Change`.

        Raises
        ------
        InputError, NotFoundError
            If there is no such analysis or option.
        """
        kind = analysis or self.ask.kind
        ask = asked(kind, {**{f.name: getattr(self.ask, f.name) for f in fields(Ask) if f.name != "kind"}, **options})
        if ask == self.ask:
            return self
        self.ask, self._wanted_layer = ask, None
        self.panes.new_ask()
        self.analyse()
        self.panes.tell()
        return self

    def step_to(self, label: str | int) -> Change:
        """Show another year or date of the result.

        Parameters
        ----------
        label : str or int
            A year, or a date such as ``"2012-07-01"``.

        Raises
        ------
        InputError
            If the result has no map of it.
        """
        labels = self.step_labels
        if str(label) not in labels:
            held = f"from {labels[0]} to {labels[-1]}" if labels else "a single map"
            raise InputError(f"The result has no map of {label}. It has {held}.")
        self.step_at(labels.index(str(label)))
        return self

    def step_at(self, position: int) -> None:
        """Show the map at a position along the steps of the result."""
        self.step = int(position)
        self.frame += 1
        self.changed()

    def tapped(self, x: float | None = None, y: float | None = None) -> None:
        """Choose a place that was clicked."""
        if x is not None and y is not None and inside(self.cube, x, y):
            with self.told():
                self.select(float(x), float(y))

    def drawn(self, polygon: ArrayLike | None) -> None:
        """Choose a region that was drawn, from its corners (n, 2)."""
        if polygon is None or not len(np.asarray(polygon)):
            return
        with self.told():
            self.region = _places.polygon(np.asarray(polygon, np.float64))
            self.panes.by.value = "drawn polygon"
            self.changed()

    def _draw(self, *_events: Any) -> None:
        self.show_map()

    def _set_variable(self, name: str | None, *, keep: bool) -> None:
        names = self.cube.variables
        if name is not None and name not in names:
            raise NotFoundError(f"The data have no map {name!r}.{closest(name, names)}")
        with param.parameterized.discard_events(self):
            self.param.variable.objects = names
            self.variable = name or names[0]
        if not keep and refuse(self.cube, self.variable, self.chosen, self.ask):
            fits = [k for k in KINDS if not refuse(self.cube, self.variable, self.chosen, Ask(k))]
            self.ask = Ask(fits[0]) if fits else self.ask

    def _new_source(self, event: Any) -> None:
        with self.told():
            self.cube = cube(self._sources[event.new])
            self.point = self.region = self.table = self.outcome = None
            self.rates, self.step = {}, 0
            self.ask = Ask(self.ask.kind)  # years of other data
            self._set_variable(None, keep=False)
            self._begin()

    def _new_variable(self, _event: Any) -> None:
        with self.told():
            self.outcome = self.table = None
            self.ask = Ask(self.ask.kind)
            self._begin()

    def _begin(self) -> None:
        """Start over with other data."""
        self._wanted_layer = None
        self.panes.new_data()
        self.panes.new_ask()
        self.analyse()
        self.panes.tell()

    def _repr_html_(self) -> str:
        return f"<p>Change of {escape(self.cube.title)}. Show it in a notebook, or by <code>musyq serve</code>.</p>"

    def years(self) -> list[int]:
        """Return the years of the data."""
        return series_of(self.cube.dataset[self.variable], self.cube, self.chosen).years


def _promising(item: Any) -> bool:
    """Whether a series may hold changes: files of several periods."""
    return len(getattr(item, "periods", ())) > 1


def change(
    data: Any = None,
    variable: str | None = None,
    *,
    product: str | None = None,
    edition: str | None = None,
    tile: str | None = None,
    **options: Any,
) -> Change:
    """Find what changed in a series of maps: anomalies, trends, breaks, seasons, before and after.

    Parameters
    ----------
    data : Dataset, DataArray, catalog entry, name of a sample, path of a file or a folder of products; optional
        A series along ``time`` (dates) or ``year``. The shipped radiation climatology if not given.
    variable : str, optional
        What is analysed; the first map of the data if not given.
    product, edition, tile : str, optional
        Which of the products of a folder.
    **options
        ``analysis=`` ("trend", "anomaly", "breaks", "phenology", "periods"), ``layer=`` (of its result), ``step=`` (a
        year or date of it), ``point=`` (longitude, latitude), ``region=`` (a box, a country, WKT), ``baseline=``,
        ``before=``, ``after=`` (first and last year), ``measure=`` ("difference", "standard deviations", "relative"),
        ``model=`` ("trend", "level").

    Returns
    -------
    Change
        Shows itself in a notebook.

    Raises
    ------
    InputError, NotFoundError
        If the data hold no map, or a name does not exist.

    Examples
    --------
    >>> view = change("musyq-products", analysis="trend")  # doctest: +SKIP
    """
    ready()
    wanted = {"product": product, "edition": edition, "tile": tile}
    if any(wanted.values()):
        if not isinstance(data, str | Path):
            raise InputError("product=, edition= and tile= choose among the files of a folder. Give its path as data.")
        first = _open.from_folder(Path(data).expanduser(), **wanted)
    else:
        first = cube(data)
    return Change({first.title: first}, variable=variable, **options)
