"""Maps of the Change page: colours about zero, dots where a test says so, two periods side by side."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
from numpy.typing import NDArray

from musyq_lab.dashboards import _map
from musyq_lab.dashboards._change_kinds import ALIKE, KINDS, LEVEL
from musyq_lab.dashboards._change_work import Outcome
from musyq_lab.dashboards._legend import Legend, nice_breaks
from musyq_lab.dashboards._window import Window, window
from musyq_lab.figures.classes import number
from musyq_lab.figures.colours import class_colours

HEIGHT, SMALL = 360, 210
_ABOUT_ZERO = "BrBG"
"""Brown to green, told apart by all colour-blind readers (ColorBrewer)."""
_HEAT = "RdBu_r"
_DOTS = 1500
_CHANCES = (0.001, 0.01, 0.05, 0.1)
_WARM = ("temperature", "lst", "radiation", "dsr", "ghi", "par")


def legend_of(found: Outcome, layer: str) -> Legend:
    """Return the classes of a layer of a result, the same for all its steps.

    Parameters
    ----------
    found : Outcome
        The result.
    layer : str
        One of its layers.
    """
    values = np.asarray(found.dataset[layer].values, np.float64)
    values = values[np.isfinite(values)]
    if layer == "p_value":
        return _classed(_CHANCES, "viridis", "levels of tests")
    if layer == "breaks":
        most = int(max(values.max(initial=0), 1))
        words = ("none", "one", "two", "three", *(str(k) for k in range(4, most + 1)))[: most + 1]
        return Legend(class_colours("cividis", most + 1), words, codes=tuple(range(most + 1)), source="counts")
    if layer in KINDS[found.ask.kind].diverging:
        return _classed(about_zero(values), _diverging(found), "even classes about zero")
    if layer in ("before", "after"):
        both = np.concatenate([np.ravel(found.dataset[name].values) for name in ("before", "after")])
        return _classed(nice_breaks(both[np.isfinite(both)]), "viridis", "even classes of both periods")
    if layer == "date" and values.size:
        return _classed(_whole_years(values), "viridis", "whole years")
    return _classed(nice_breaks(values), "viridis", "even classes between the 2nd and 98th percentile")


def about_zero(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return six even limits about zero that are round and reach the 98th percentile of the sizes.

    Parameters
    ----------
    values : numpy.ndarray
        Finite values; without any, or with zeros alone, the limits are about one.
    """
    size = float(np.percentile(np.abs(values), 98)) if values.size else 0.0
    step = (size if size > 0 else 1.0) / 3.0
    power = 10.0 ** np.floor(np.log10(step))
    step = float(power * min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda nice: abs(np.log(nice * power / step))))
    return tuple(float(f"{part * step:.10g}") for part in (-2.5, -1.5, -0.5, 0.5, 1.5, 2.5))


def _whole_years(values: NDArray[np.float64]) -> tuple[float, ...]:
    first, last = np.floor(values.min()) + 1, np.ceil(values.max())
    every = max(1, int(np.ceil((last - first) / 6)))
    years = tuple(float(year) for year in np.arange(first, last, every))
    return years or (float(first),)


def _classed(breaks: tuple[float, ...], colours: str, source: str) -> Legend:
    texts = [number(limit) if abs(limit) < 1000 else f"{limit:g}" for limit in breaks]
    middle = [f"{low} – {high}" for low, high in pairwise(texts)]
    labels = (f"< {texts[0]}", *middle, f"≥ {texts[-1]}")
    return Legend(class_colours(colours, len(labels)), labels, breaks, source=source, colour_map=colours)


def _diverging(found: Outcome) -> str:
    """Return blue to red for what is warm, else brown to green."""
    layer = found.part.cube.dataset[found.part.variable]
    words = f"{layer.name} {layer.attrs.get('standard_name', '')} {layer.attrs.get('long_name', '')}".lower()
    return _HEAT if any(word in words for word in _WARM) else _ABOUT_ZERO


def picture(found: Outcome, layer: str, step: int, legend: Legend) -> Any:
    """Return the picture of a layer of a result.

    Parameters
    ----------
    found : Outcome
        The result.
    layer : str
        What is mapped.
    step : int
        Position along the steps of the result, if it has any.
    legend : Legend
        Its classes.
    """
    chosen = {found.step_dim: step} if found.step_dim else {}
    return _map.image(window(found.cube, layer), layer, chosen, legend)


def dots(found: Outcome) -> Any:
    """Return dots where the test of a place says that it is no chance, thinned to an even lattice; none elsewhere."""
    at: tuple[Any, Any] = ([], [])
    if found.ask.kind in ("trend", "periods"):
        seen = window(found.cube, "p_value")
        with np.errstate(invalid="ignore"):
            sure = seen.layer("p_value", {}) < LEVEL
        at = _lattice(seen, sure)
    return hv.Points(at, kdims=["x", "y"]).opts(size=2.2, color="#000000", alpha=0.65, line_alpha=0, tools=[])


def _lattice(seen: Window, sure: NDArray[np.bool_]) -> tuple[Any, Any]:
    every = max(1, int(np.ceil(np.sqrt(sure.size / (2 * _DOTS)))))
    # A map of one row or column has dots, too.
    down, across = (slice(min(every // 2, size // 2), None, every) for size in sure.shape)
    rows, columns = np.nonzero(sure[down, across])
    return seen.across[across][columns], seen.down[down][rows]


def options(found: Outcome, layer: str, legend: Legend, height: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the picture and of the frame around it."""
    return _map.style(found.cube, layer, legend), _map.frame(found.cube, height)


def tested(found: Outcome) -> str:
    """Return how many places a test calls significant, alone and together, as sentences; nothing without a test."""
    if "significant" not in found.dataset:
        return ""
    chance = np.asarray(found.dataset["p_value"].values, np.float64)
    known = np.isfinite(chance)
    if not known.any():
        return "No cell has values enough for a test."
    alone = float((chance[known] < LEVEL).mean())
    together = float(np.nanmean(found.dataset["significant"].values))
    what = "a trend" if found.ask.kind == "trend" else "a difference"
    return (
        f"Dots: {what} in {alone:.0%} of the cells has a chance below {LEVEL:g}; "
        f"{LEVEL:.0%} would by chance alone. Taken together (false discovery rate {ALIKE:.0%}) "
        f"{together:.0%} of the cells are significant."
    )
