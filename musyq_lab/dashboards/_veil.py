"""Quality and uncertainty on the map: flagged cells without colour or hatched, uncertain ones faded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import holoviews as hv
import numpy as np
from numpy.typing import NDArray

from musyq_lab.dashboards._data import Cube
from musyq_lab.dashboards._hover import NOTHING
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._map import drawn
from musyq_lab.dashboards._window import Window

HIDE, HATCH, FADE = "Hide flagged", "Hatch flagged", "Fade uncertain"
LIMITS = (0.1, 0.2, 0.5, 1.0)
"""Shares of the value (or of the legend's width) at which one sigma fades the colour by another step."""

_INK = len(LIMITS) + 1  # number of the hatch's colour
# Text of the page is dark on light or light on dark; a middle grey fades towards both.
_COLOURS = [*(f"rgba(255, 255, 255, {alpha})" for alpha in (0.25, 0.45, 0.65, 0.85)), "rgba(0, 0, 0, 0.6)"]
_LINES, _THICK = 70, 4  # hatch lines across a map, and cells between lines at least
_FINE = 420  # least cells across the veil, so that the hatch stays a hatch when few cells are in view


def offered(cube: Cube, variable: str) -> list[str]:
    """Return which of the layers a variable has the companions for."""
    flagged = [HIDE, HATCH] if cube.quality(variable) is not None else []
    return [*flagged, *([FADE] if cube.spread(variable)[0] is not None else [])]


def flagged(window: Window, variable: str, chosen: Mapping[str, int]) -> NDArray[np.bool_] | None:
    """Return where the quality layer sets a bit (or a code other than the first); None where there is no such layer."""
    layer = window.cube.quality(variable)
    if layer is None:
        return None
    codes = window.layer(str(layer.name), chosen)
    good = int(np.atleast_1d(layer.attrs["flag_values"])[0]) if "flag_masks" not in layer.attrs else 0
    return np.asarray(np.isfinite(codes) & (codes != good))


def uncertainty_steps(
    window: Window, variable: str, chosen: Mapping[str, int], legend: Legend
) -> NDArray[np.uint8] | None:
    """Return how many of :data:`LIMITS` one sigma reaches; None where there is none.

    Sigma is compared with the value, of temperatures (whose zero is a convention) with the width of the legend.
    """
    layer, _ = window.cube.spread(variable)
    if layer is None:
        return None
    sigma = np.abs(window.layer(str(layer.name), chosen))
    units = str(window.cube.dataset[variable].attrs.get("units", ""))
    if units in ("K", "degC", "celsius", "degree_Celsius"):
        scale: Any = legend.ends[1] - legend.ends[0]
    else:
        scale = np.abs(window.layer(variable, chosen))
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.nan_to_num(sigma / scale, nan=0.0, posinf=np.inf)
    return np.asarray(np.searchsorted(np.asarray(LIMITS, relative.dtype), relative, "right"), np.uint8)


def veil(window: Window, variable: str, chosen: Mapping[str, int], legend: Legend, layers: list[str]) -> Any:
    """Return the picture that lies over the map, with nothing in it where no layer is asked for.

    Parameters
    ----------
    window, variable, chosen, legend
        As for :func:`musyq_lab.dashboards._map.image`.
    layers : list of str
        Of :data:`HATCH` and :data:`FADE`.
    """
    shape = (window.down.size, window.across.size)
    over = np.zeros(shape, np.uint8)
    if FADE in layers and (steps := uncertainty_steps(window, variable, chosen, legend)) is not None:
        over = steps
    bits = flagged(window, variable, chosen) if HATCH in layers else None
    if not over.any() and (bits is None or not bits.any()):
        return styled(hv.Image(np.zeros((2, 2), np.uint8), bounds=_bounds(window), kdims=["x", "y"], vdims=["veil"]))
    picture = drawn(window, [over], ["veil"])
    if isinstance(picture, hv.QuadMesh):
        return styled(drawn(window, [over if bits is None else np.where(bits, np.uint8(_INK), over)], ["veil"]))
    rows = picture.dimension_values("veil", flat=False)[::-1]  # of hv.Image: from the top
    fine = max(1, -(-_FINE // max(shape)))
    rows = rows.repeat(fine, 0).repeat(fine, 1)
    if bits is not None:
        marked = drawn(window, [bits.astype(np.uint8)], ["veil"]).dimension_values("veil", flat=False)[::-1]
        rows = np.where(marked.repeat(fine, 0).repeat(fine, 1).astype(bool) & _hatch(rows.shape), _INK, rows)
    bounds = picture.bounds.lbrt()
    return styled(hv.Image(rows.astype(np.uint8), bounds=bounds, kdims=["x", "y"], vdims=["veil"]))


def styled(picture: Any) -> Any:
    """Return a veil with its colours."""
    clear = {"min": "rgba(0, 0, 0, 0)", "NaN": "rgba(0, 0, 0, 0)", "max": "rgba(0, 0, 0, 0)"}
    return picture.opts(cmap=_COLOURS, clim=(0.5, _INK + 0.5), clipping_colors=clear, tools=[])


def _hatch(shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return diagonal lines."""
    period = max(_THICK, round(max(shape) / _LINES))
    row, column = np.indices(shape, sparse=True)
    return np.asarray((row + column) % period < max(1, period // 4))


def _bounds(window: Window) -> tuple[float, float, float, float]:
    across, down = window.across.astype(float), window.down.astype(float)
    return float(across.min()), float(down.min()), float(across.max()) + 1e-9, float(down.max()) + 1e-9


def said(layers: list[str], units: str) -> str:
    """Return what the layers on the map mean, as a sentence; nothing where there are none."""
    against = "the width of the legend" if units in ("K", "degC") else "the value"
    limits = ", ".join(f"{100 * limit:.0f}" for limit in LIMITS)
    words = {
        HIDE: "flagged cells have no colour",
        HATCH: "flagged cells are hatched",
        FADE: f"cells fade where sigma reaches {limits} % of {against}",
    }
    text = "; ".join(words[layer] for layer in (HIDE, HATCH, FADE) if layer in layers)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


__all__ = ["FADE", "HATCH", "HIDE", "LIMITS", "NOTHING", "flagged", "offered", "said", "uncertainty_steps", "veil"]
