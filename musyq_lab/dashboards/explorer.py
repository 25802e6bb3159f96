"""The explorer: a map with a classed legend, and behind each click the series of that place.

One page of three regions: a narrow column of choices, the map, and tabs under it. The same object works in a JupyterLab
cell, served by ``musyq serve``, and without a browser (``explorer.tap.event(x=..., y=...)``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import holoviews as hv
import param

from musyq_lab.catalog._folder import folder_catalog
from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards import _map, _panes, _series
from musyq_lab.dashboards._data import Cube, cube
from musyq_lab.dashboards._extension import pn, ready
from musyq_lab.dashboards._legend import Legend, legend_for

OUTPUT = "musyq-output"
"""Folder into which ``musyq run`` writes when it is not told another."""

_HEIGHT = 370


class Explorer(pn.viewable.Viewer):  # type: ignore[misc]  # see pn
    """Look at any product: map, months, places.

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

    source: Any = param.Selector(doc="Title of the data shown.")
    variable: Any = param.Selector(doc="Variable on the map.")
    point: Any = param.Parameter(None, doc="Chosen place (across, up), None for none.")
    frame: Any = param.Integer(0, doc="Counts changes of month or time.")
    outlines: Any = param.Boolean(True, label="Land outlines", doc="Whether land outlines are drawn.")

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
        self._sources = dict(sources)
        self._classes = classes
        self.cube: Cube = cube(next(iter(self._sources.values())))
        self.chosen: dict[str, int] = {}
        super().__init__(outlines=outlines)
        self.param.source.objects = list(self._sources)
        self.source = next(iter(self._sources))
        self._set_variable(variable)
        self._choose(steps)
        self.point = tuple(point) if point else None
        self._panes = _panes.Panes(self)
        self._show_map()
        self.param.watch(self._new_source, "source")
        self.param.watch(self._new_variable, ["variable", "outlines"])

    def __panel__(self) -> Any:
        """Return the page."""
        return self._panes.layout

    @property
    def series(self) -> _series.Series | None:
        """What is known of the chosen place, None before the first click."""
        if self.point is None:
            return None
        return _series.series_at(self.cube, self.variable, self.chosen, self.point)

    @property
    def current(self) -> int:
        """Position of the map's step along the series."""
        return self.chosen.get(_series.series_dimension(self.cube, self.variable), 0)

    def select(self, x: float, y: float) -> Explorer:
        """Choose a place, as a click does.

        Parameters
        ----------
        x, y : float
            Longitude and latitude (or column and row).

        Raises
        ------
        InputError
            If it lies outside the data.
        """
        if not self._inside(x, y):
            raise InputError(f"({x}, {y}) lies outside the data: {self._extent()}. Choose a place inside.")
        self.point = (float(x), float(y))
        return self

    def step_to(self, **steps: Any) -> Explorer:
        """Show other steps, such as ``month=7``; unknown names and labels raise."""
        self._choose(steps)
        self.frame += 1
        return self

    def code(self) -> str:
        """Return the lines that make this very view."""
        labels = self.cube.steps(self.variable)
        steps = "".join(f", {dim}={labels[dim][at]!r}" for dim, at in self.chosen.items() if dim in labels)
        view = f'view = ml.explore(data, variable="{self.variable}"{steps})'
        lines = ["import musyq_lab as ml", "", self.cube.code, view]
        if self.point:
            lines.append(f"view.select({self.point[0]:.4f}, {self.point[1]:.4f})")
        return "\n".join([*lines, "view"])

    def _set_variable(self, name: str | None) -> None:
        names = self.cube.variables
        if name is not None and name not in names:
            raise NotFoundError(f"The data have no map {name!r}.{closest(name, names)}")
        with param.parameterized.discard_events(self):
            self.param.variable.objects = names
            self.variable = name or names[0]
        self.chosen = {dim: 0 for dim in self.cube.steps(self.variable)}
        self.legend: Legend = legend_for(self.cube, self.variable, self._classes)

    def _choose(self, steps: Mapping[str, Any]) -> None:
        """Turn labels into positions."""
        labels = self.cube.steps(self.variable)
        for dim, value in steps.items():
            if dim not in labels:
                raise InputError(f"{self.variable!r} has no dimension {dim!r}.{closest(dim, labels)}")
            words = [_series.label(dim, text) for text in labels[dim]]
            if value not in labels[dim] and str(value) not in words:
                raise InputError(f"{dim}={value!r} is not there. It runs from {words[0]} to {words[-1]}.")
            self.chosen[dim] = labels[dim].index(value) if value in labels[dim] else words.index(str(value))

    def _new_source(self, event: Any) -> None:
        try:
            self.cube = cube(self._sources[event.new])
            self._classes = None
            self._set_variable(None)
        except (InputError, NotFoundError, OSError) as error:
            self._panes.fail(str(error))
            return
        self.param.trigger("variable")

    def _new_variable(self, *events: Any) -> None:
        self._set_variable(self.variable)
        if self.point and not self._inside(*self.point):
            self.point = None
        self._panes.new_variable()
        self._show_map()
        self.frame += 1

    def _show_map(self) -> None:
        """Build the map anew: colours and legend belong to the variable."""
        large = self.cube.dataset[self.cube.x].size * self.cube.dataset[self.cube.y].size > _map.CELLS
        ranges = [hv.streams.RangeXY()] if large else []
        picture = hv.DynamicMap(self._image, streams=[hv.streams.Params(self, ["frame"]), *ranges])
        self.tap = hv.streams.Tap(source=picture)
        self.tap.add_subscriber(self._tapped)
        marker = hv.DynamicMap(_map.marker, streams={"point": self.param.point})
        styled = picture.opts(**_map.style(self.cube, self.variable, self.legend))
        whole = styled * _map.outlines(self.cube, self.outlines) * marker
        self._panes.map.object = whole.opts(**_map.frame(self.cube, _HEIGHT))

    def _image(self, frame: int = 0, x_range: Any = None, y_range: Any = None) -> Any:
        started = time.perf_counter()
        pieces, stride = _map.window(self.cube, x_range, y_range)
        picture = _map.image(self.cube, self.variable, self.chosen, pieces, self.legend)
        self._panes.drawn(time.perf_counter() - started, stride, picture)
        return picture

    def _tapped(self, x: float | None = None, y: float | None = None) -> None:
        if x is not None and y is not None and self._inside(x, y):
            self.point = (float(x), float(y))

    def _inside(self, x: float, y: float) -> bool:
        inside = []
        for name, at in ((self.cube.x, x), (self.cube.y, y)):
            axis = self.cube.dataset[name].values
            half = abs(float(axis[-1] - axis[0])) / max(axis.size - 1, 1) / 2 or 0.5
            inside.append(axis.min() - half <= at <= axis.max() + half)
        return all(inside)

    def _extent(self) -> str:
        parts = []
        for name in (self.cube.x, self.cube.y):
            axis = self.cube.dataset[name].values
            parts.append(f"{name} {axis.min():g} to {axis.max():g}")
        return ", ".join(parts)

    def _repr_html_(self) -> str:
        return f"<p>Explorer of {escape(self.cube.title)}. Show it in a notebook, or by <code>musyq serve</code>.</p>"


def finished(root: Path | None = None) -> dict[str, Path]:
    """Return the product files of finished runs: title and period -> path.

    Parameters
    ----------
    root : pathlib.Path, optional
        Folder to look in; ``musyq-output`` in the working folder if not given.
    """
    folder = root or Path(OUTPUT)
    if not folder.is_dir():
        return {}
    try:
        catalog = folder_catalog(folder)
    except NotFoundError:
        return {}
    found = {}
    for entry in catalog.entries:
        path = Path(entry.args["urlpath"])
        title = f"{entry.metadata['title']}, {entry.metadata['period']} ({path.parent.name})"
        found[title if title not in found else f"{title} {entry.name}"] = path
    return found


def explore(data: Any = None, variable: str | None = None, **options: Any) -> Explorer:
    """Look at data on a map: click a place for its series.

    Parameters
    ----------
    data : Dataset, DataArray, catalog entry, name of a sample, or path; optional
        The shipped radiation climatology, and the products of finished runs in ``musyq-output``, if not given.
    variable : str, optional
        What to map first; the first map of the data if not given.
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
    ready()
    first = cube(data)
    others = finished() if data is None else {}
    return Explorer({first.title: first, **others}, variable=variable, **options)
