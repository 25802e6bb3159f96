"""One map: a variable of a cube at a step, drawn for whatever part of it is in view."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards import _map, _series, _veil
from musyq_lab.dashboards._data import Cube, cube
from musyq_lab.dashboards._legend import Legend, legend_for
from musyq_lab.dashboards._window import CELLS, Range, Window, window
from musyq_lab.figures.words import pretty_units


class View:
    """What a map shows.

    Parameters
    ----------
    data : object
        Anything :func:`musyq_lab.dashboards._data.cube` takes.
    variable : str, optional
        What is mapped; the first map of the data if not given.
    classes : str or sequence of float, optional
        Class table or breaks of the legend.
    classed : bool
        Whether the legend has classes; else it is continuous.
    layers : sequence of str
        Quality and uncertainty on the map, of :func:`musyq_lab.dashboards._veil.offered`.

    Raises
    ------
    InputError, NotFoundError
        If the data hold no map, or no such one.
    """

    def __init__(
        self, data: Any, variable: str | None = None, classes: Any = None, *, classed: bool = True, layers: Any = ()
    ) -> None:
        self.cube: Cube = cube(data)
        self.classes = classes
        self.classed = classed
        self.layers: list[str] = list(layers)
        self.chosen: dict[str, int] = {}
        self.window: Window | None = None
        self.variable = ""
        self.legend: Legend = Legend((), ())
        self.map_variable(variable)

    def map_variable(self, name: str | None) -> None:
        """Map another variable, at the same step where it has that too.

        Raises
        ------
        NotFoundError
            If the data have no such map.
        """
        names = self.cube.variables
        if name is not None and name not in names:
            raise NotFoundError(f"The data have no map {name!r}.{closest(name, names)}")
        chosen = name or names[0]
        legend = legend_for(self.cube, chosen, self.classes)
        sizes = {dim: len(labels) for dim, labels in self.cube.steps(chosen).items()}
        self.variable, self.legend = chosen, legend
        self.chosen = {dim: min(self.chosen.get(dim, 0), size - 1) for dim, size in sizes.items()}

    def choose(self, steps: Mapping[str, Any]) -> None:
        """Show other steps.

        Parameters
        ----------
        steps : mapping of str to object
            Dimension -> label, or label in words.

        Raises
        ------
        InputError
            If there is no such dimension or label; what is shown stays.
        """
        chosen, labels = dict(self.chosen), self.cube.steps(self.variable)
        for dim, value in steps.items():
            if dim not in labels:
                raise InputError(f"{self.variable!r} has no dimension {dim!r}.{closest(dim, labels)}")
            words = _series.texts(dim, labels[dim])
            if value not in labels[dim] and str(value) not in words:
                raise InputError(f"{dim}={value!r} is not there. It runs from {words[0]} to {words[-1]}.")
            chosen[dim] = labels[dim].index(value) if value in labels[dim] else words.index(str(value))
        self.chosen = chosen

    @property
    def continuous(self) -> bool:
        """Whether colours run evenly; named classes never do."""
        return not self.classed and not self.legend.codes

    @property
    def shown_layers(self) -> list[str]:
        """Those of the layers that this variable has."""
        return [layer for layer in self.layers if layer in _veil.offered(self.cube, self.variable)]

    @property
    def large(self) -> bool:
        """Whether a zoom shows more than the picture of the whole."""
        return self.cube.cells > CELLS

    @property
    def unaided(self) -> bool:
        """Whether the map is large and has no overviews."""
        return self.large and not self.cube.levels.factors

    @property
    def file(self) -> Path | None:
        """Product file of the step; None where the data are no product files."""
        files = self.cube.files
        if len(files) < 2:
            return files[0] if files else None
        return files[self.chosen.get(_series.series_dimension(self.cube, self.variable), 0)]

    def picture(self, x_range: Range = None, y_range: Range = None) -> Any:
        """Return the picture of what is in view."""
        self.window = window(self.cube, self.variable, x_range, y_range)
        hidden = None
        if _veil.HIDE in self.layers:
            hidden = _veil.flagged(self.window, self.variable, self.chosen)
        classed = not self.continuous
        return _map.image(self.window, self.variable, self.chosen, self.legend, classed=classed, hidden=hidden)

    def veil(self, x_range: Range = None, y_range: Range = None) -> Any:
        """Return what lies over the picture."""
        part = window(self.cube, self.variable, x_range, y_range)
        return _veil.veil(part, self.variable, self.chosen, self.legend, self.layers)

    def style(self) -> dict[str, Any]:
        """Return the options of the picture."""
        return _map.style(self.cube, self.variable, self.legend, classed=not self.continuous)

    def labels(self) -> dict[str, str]:
        """Return what restores the step: dimension -> label."""
        steps = self.cube.steps(self.variable)
        return {dim: _series.texts(dim, steps[dim])[at] for dim, at in self.chosen.items() if dim in steps}

    def literals(self) -> dict[str, str]:
        """Return the step as Python: dimension -> label."""
        steps, words = self.cube.steps(self.variable), self.labels()
        plain = {dim: steps[dim][self.chosen[dim]] for dim in words}
        return {d: repr(v) if isinstance(v, int) and d != "time" else repr(words[d]) for d, v in plain.items()}

    def said(self) -> str:
        """Return what is shown, its unit and step, in words."""
        layer, steps = self.cube.dataset[self.variable], self.cube.steps(self.variable)
        units = str(layer.attrs.get("units", ""))
        what = str(layer.attrs.get("long_name", self.variable))
        unit = pretty_units(units) if units not in ("", "1") else ""
        when = ", ".join(_series.words(dim, steps[dim][at]) for dim, at in self.chosen.items() if dim in steps)
        attrs = self.cube.dataset.attrs
        period = "" if "time" in steps else str(attrs.get("period", ""))
        told = [f"{what[:1].upper()}{what[1:]}", unit, when, period, self.stage()]
        return " · ".join(filter(None, told))

    def stage(self) -> str:
        """Return how far the product is validated, as its files say; nothing where they do not."""
        attrs = self.cube.dataset.attrs
        for name, words in (("validation_stage", "validation stage"), ("processing_level", "level")):
            if attrs.get(name):
                return f"{words} {attrs[name]}"
        return ""

    def scale_said(self) -> str:
        """Return how coarse the picture is, as a sentence; nothing where every cell is shown."""
        part = self.window
        if part is None or (part.stride == 1 and part.cube.factor == 1):
            return ""
        which = {1: "", 2: "every second cell of "}.get(part.stride, f"every {part.stride}th cell of ")
        if part.cube.factor == 1:
            return f"Every {_ordinal(part.stride)} cell is shown; zoom in for all."
        text = f"{which}the overview of {part.cube.factor} × {part.cube.factor} cells is shown; zoom in for all."
        return f"{text[:1].upper()}{text[1:]}"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
