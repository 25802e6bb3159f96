"""Distributions of leaf inclination, as shares of the leaf area in classes of angle."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

EDGES: Floats = np.linspace(0.0, 90.0, 19)
"""Limits (degrees) of 18 classes of 5 degrees."""
VERHOEF_EDGES: Floats = np.array([0.0, 10, 20, 30, 40, 50, 60, 70, 80, 82, 84, 86, 88, 90])
"""Limits (degrees) of the 13 classes of the original SAIL code, narrow where leaves are nearly upright."""

_ROUNDS = 200  # of the fixed point; the error falls at least by (1 + |a| + |b|) / 2 in each


def campbell(mean_angle: npt.ArrayLike, edges: npt.ArrayLike = EDGES) -> Floats:
    r"""Return the ellipsoidal distribution of leaf angles.

    .. math:: g(\theta) \propto \frac{\sin\theta}{(\cos^2\theta + \chi^2 \sin^2\theta)^2}

    is integrated over each class in closed form, with the axis ratio

    .. math:: \chi = \exp(-1.6184\cdot10^{-5} \bar\theta^3 + 2.1145\cdot10^{-3} \bar\theta^2
              - 0.1239 \bar\theta + 3.2491)

    of the SAIL codes.

    Parameters
    ----------
    mean_angle : array_like
        Mean leaf inclination (degrees from horizontal), 57.3 for a nearly spherical canopy.
    edges : array_like, optional
        Limits of the classes (degrees), rising from 0 to 90.

    Returns
    -------
    array, shape (..., class)
        Shares, sum 1.

    References
    ----------
    Campbell (1986), doi:10.1016/0168-1923(86)90010-9; (1990), doi:10.1016/0168-1923(90)90030-A.
    """
    angle = np.asarray(mean_angle, np.float64)[..., None]
    chi2 = np.exp(2.0 * (((-1.6184e-5 * angle + 2.1145e-3) * angle - 1.2390e-1) * angle + 3.2491))
    u = np.cos(np.radians(np.asarray(edges, np.float64)))
    z = (1.0 - chi2) / chi2 * u * u
    # integral of du / (chi^2 + (1 - chi^2) u^2)^2 with u = cos(theta), times 2 chi^2
    below = u / chi2 * (1.0 / (1.0 + z) + _arctan_ratio(z))
    share = -np.diff(below, axis=-1)
    return _normalised(share)


def verhoef(a: npt.ArrayLike, b: npt.ArrayLike, edges: npt.ArrayLike = EDGES) -> Floats:
    r"""Return the bimodal distribution of leaf angles.

    The share of leaves flatter than :math:`\theta` is :math:`F = 2 (y + \theta) / \pi` with

    .. math:: y = a \sin x + \tfrac{1}{2} b \sin 2x, \qquad x = y + 2\theta

    Parameters
    ----------
    a, b : array_like
        Average slope and bimodality, \|a\| + \|b\| <= 1 (NaN beyond). The mean angle is 45 - 360 a / pi^2 degrees.
        Verhoef calls (1, 0) planophile, (-1, 0) erectophile, (0, -1) plagiophile, (0, 1) extremophile, (0, 0) uniform
        and (-0.35, -0.15) spherical.
    edges : array_like, optional
        Limits of the classes (degrees), rising from 0 to 90.

    Returns
    -------
    array, shape (..., class)
        Shares, sum 1.

    References
    ----------
    Verhoef (1998), Theory of radiative transfer models applied in optical remote sensing of vegetation canopies,
    thesis, https://library.wur.nl/WebQuery/clc/945481.
    """
    first, second = np.broadcast_arrays(np.asarray(a, np.float64)[..., None], np.asarray(b, np.float64)[..., None])
    twice = 2.0 * np.radians(np.asarray(edges, np.float64))
    x = np.broadcast_to(twice, np.broadcast_shapes(first.shape, twice.shape)).copy()
    y = np.zeros_like(x)
    for _ in range(_ROUNDS):
        y = first * np.sin(x) + 0.5 * second * np.sin(2.0 * x)
        step = 0.5 * (y - x + twice)
        x += step
        if not (np.abs(step) > 1e-12).any():
            break
    share = np.diff((2.0 * y + twice) / np.pi, axis=-1)
    return _normalised(np.where(np.abs(first) + np.abs(second) <= 1.0 + 1e-9, share, np.nan))


def centres(edges: npt.ArrayLike) -> Floats:
    """Return the middle of each class (radians)."""
    limits = np.radians(np.asarray(edges, np.float64))
    middle: Floats = 0.5 * (limits[1:] + limits[:-1])
    return middle


def _normalised(share: Floats) -> Floats:
    whole: Floats = share / share.sum(axis=-1, keepdims=True)
    return whole


def _arctan_ratio(z: Floats) -> Floats:
    """Return arctan(sqrt z) / sqrt z for z > -1, which is artanh(sqrt -z) / sqrt -z below zero and 1 at zero."""
    root = np.sqrt(np.abs(z))
    safe = np.where(root > 0.0, root, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Any = np.where(z > 0.0, np.arctan(safe), np.arctanh(np.minimum(safe, 1.0))) / safe
    return np.where(np.abs(z) > 0.0, ratio, np.where(np.isnan(z), z, 1.0))
