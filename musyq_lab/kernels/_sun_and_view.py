"""What a canopy's leaf angles, Sun and view have to do with one another, whatever the wavelength."""

from typing import Any

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels import _sail
from musyq_lab.kernels._leaf_angles import centres

_STEPS = 20
_CORRELATION = (1e-9, 1e12)
"""Limits of the rate at which Sun and view decorrelate: at them the hot spot is complete, or absent, to 1e-9."""


def geometry(
    lai: npt.ArrayLike,
    leaf_angles: npt.ArrayLike,
    hotspot: npt.ArrayLike,
    sun_zenith: npt.ArrayLike,
    view_zenith: npt.ArrayLike,
    relative_azimuth: npt.ArrayLike,
    edges: npt.ArrayLike,
) -> tuple[npt.NDArray[np.float64], ...]:
    """Return what depends on no wavelength, in the order of the kernel's arguments, then the hot spot's two terms."""
    share = np.asarray(leaf_angles, np.float64)
    numbers = (np.asarray(x, np.float64) for x in (lai, hotspot, sun_zenith, view_zenith, relative_azimuth))
    area, size, sun, view, azimuth, _ = np.broadcast_arrays(*numbers, share[..., 0])
    with np.errstate(invalid="ignore"):
        turn = np.radians(np.abs((azimuth + 180.0) % 360.0 - 180.0))
    s, o = (np.radians(np.where((zenith >= 0.0) & (zenith < 90.0), zenith, np.nan)) for zenith in (sun, view))
    area = np.where(area >= 0.0, area, np.nan)
    leaf = centres(edges)
    beams = (np.cos(s), np.sin(s), np.cos(o), np.sin(o), turn)
    classes = _sail.leaf_class(*(x[..., None] for x in beams), np.cos(leaf), np.sin(leaf))
    chi_s, chi_o, reflected, transmitted = ((x * share).sum(axis=-1) for x in classes)
    ks, ko = chi_s / np.cos(s), chi_o / np.cos(o)
    bf = (np.cos(leaf) ** 2 * share).sum(axis=-1)
    sob, sof = (np.pi * x / (np.cos(s) * np.cos(o)) for x in (reflected, transmitted))
    apart = np.sqrt(np.maximum(np.tan(s) ** 2 + np.tan(o) ** 2 - 2.0 * np.tan(s) * np.tan(o) * np.cos(turn), 0.0))
    both, tsstoo = _hot_spot(area, size, ks, ko, apart)
    bf = np.broadcast_to(bf, area.shape)
    return area, ks, ko, np.exp(-0.5 * ks * area), np.exp(-0.5 * ko * area), bf, sob, sof, both, tsstoo


def _hot_spot(area: Any, size: Any, ks: Any, ko: Any, apart: Any) -> tuple[Any, Any]:
    r"""Return the mean over depth of the chance to be lit and seen, and that chance at the ground.

    .. math:: P(x) = \exp\left[-(k_s + k_o) L x + \sqrt{k_s k_o} L \frac{1 - e^{-\alpha x}}{\alpha}\right]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(size > 0.0, apart / size * 2.0 / (ks + ko), np.inf)
    rate = np.clip(np.where(np.isnan(size + apart), np.nan, rate), *_CORRELATION)[..., None]
    fall = -np.expm1(-rate) / _STEPS
    step = np.arange(_STEPS + 1)
    depth = -np.log1p(-step[:-1] * fall) / rate
    depth = np.concatenate([depth, np.ones_like(rate)], axis=-1)
    extinction, joint = ((ks + ko) * area)[..., None], (np.sqrt(ks * ko) * area)[..., None]
    exponent = step * fall / rate * joint - extinction * depth
    chance = np.exp(exponent)
    change = np.diff(exponent, axis=-1)
    slope = np.where(change == 0.0, 1.0, np.expm1(change) / np.where(change == 0.0, 1.0, change))
    return (chance[..., :-1] * slope * np.diff(depth, axis=-1)).sum(axis=-1), chance[..., -1]
