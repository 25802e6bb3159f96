"""Colour ramps that are even to the eye, safe for colour-blind readers and still in order in grey.

A ramp is a path through OKLCh (lightness, chroma, hue; B. Ottosson 2020, "A perceptual color space for image
processing") whose lightness falls evenly from first to last class, so that a copier keeps the order and no reader
depends on hue. Chroma that a screen cannot show is reduced at constant lightness and hue.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest

# OKLab -> cone response -> linear sRGB: matrices of Ottosson (2020).
_LAB_TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONE_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
_RAINBOWS = frozenset({"jet", "rainbow", "hsv", "nipy_spectral", "gist_rainbow", "gist_ncar", "turbo", "prism", "flag"})


@dataclass(frozen=True, slots=True)
class Ramp:
    """A path through OKLCh, sampled at even steps of lightness."""

    lightness: tuple[float, float]
    """First and last, 0 (black) to 1 (white)."""
    chroma: tuple[float, ...]
    """Knots along the path."""
    hue: tuple[float, ...]
    """Knots along the path, degrees; may leave 0..360 to say which way to turn."""

    def colours(self, count: int) -> tuple[str, ...]:
        """Return ``count`` colours as ``#rrggbb``."""
        at = np.linspace(0.0, 1.0, count)
        lightness = np.interp(at, (0.0, 1.0), self.lightness)
        chroma = np.interp(at, np.linspace(0, 1, len(self.chroma)), self.chroma)
        hue = np.radians(np.interp(at, np.linspace(0, 1, len(self.hue)), self.hue))
        return tuple(_hex(*point) for point in zip(lightness, chroma, hue, strict=True))


RAMPS = MappingProxyType(
    {
        # radiation: warm, light yellow to deep red
        "musyq_radiation": Ramp((0.935, 0.37), (0.075, 0.150, 0.175, 0.165, 0.135), (106.0, 88.0, 58.0, 34.0, 20.0)),
        # yield of a panel: sand to deep brown-violet
        "musyq_yield": Ramp((0.925, 0.32), (0.035, 0.085, 0.125, 0.125, 0.105), (85.0, 62.0, 30.0, 4.0, -20.0)),
        # electricity: pale yellow over rose to deep violet
        "musyq_potential": Ramp((0.935, 0.31), (0.045, 0.105, 0.165, 0.185, 0.150), (100.0, 52.0, 10.0, -25.0, -60.0)),
    }
)


def _hex(lightness: float, chroma: float, hue: float) -> str:
    """Return the nearest colour a screen can show, at the same lightness and hue."""
    for scale in np.linspace(1.0, 0.0, 51):
        rgb = _rgb(lightness, scale * chroma, hue)
        if rgb.min() >= -1e-3 and rgb.max() <= 1 + 1e-3:
            break
    red, green, blue = np.round(255 * np.clip(rgb, 0, 1)).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _rgb(lightness: float, chroma: float, hue: float) -> NDArray[np.float64]:
    lab = np.array([lightness, chroma * np.cos(hue), chroma * np.sin(hue)])
    linear = _CONE_TO_RGB @ (_LAB_TO_CONE @ lab) ** 3
    # transfer curve of sRGB (IEC 61966-2-1)
    curve = 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, curve), np.float64)


def class_colours(name: str, count: int) -> tuple[str, ...]:
    """Return the colours of ``count`` classes as ``#rrggbb``.

    Parameters
    ----------
    name : str
        A ramp of this module or a colour map of matplotlib; rainbows are refused.
    count : int
        Number of classes, at least 1.

    Raises
    ------
    InputError
        If the map is a rainbow: equal steps of the data would not look equal.
    NotFoundError
        If there is no map of that name.
    """
    if name.removesuffix("_r") in _RAINBOWS:
        raise InputError(f"{name!r} is a rainbow: equal steps do not look equal. Use one of {', '.join(RAMPS)}.")
    if name in RAMPS:
        return RAMPS[name].colours(count)
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    if name not in mpl.colormaps:
        raise NotFoundError(f"There is no colour map {name!r}.{closest(name, [*RAMPS, *mpl.colormaps])}")
    return tuple(to_hex(colour) for colour in mpl.colormaps[name](np.linspace(0.03, 0.97, count)))
