r"""Rational polynomials (RPC00B) of an image in sensor geometry, and the .rpb file that holds them.

.. math:: \ell = s_\ell \sum_k a_k t_k(P, L) + o_\ell, \qquad c = s_c \sum_k b_k t_k(P, L) + o_c

with P and L latitude and longitude, normalised, and :math:`t_k` the ten terms up to third order without height; both
denominators are 1. The simulated image shows each place where it is, whatever its height (no relief displacement), and
so do the polynomials: a correction with a terrain model changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Which of the 20 terms (1, L, P, H, LP, LH, PH, L2, P2, H2, PLH, L3, LP2, LH2, L2P, P3, PH2, L2H, P2H, H3) have no H.
_FLAT = (0, 1, 2, 4, 7, 8, 11, 12, 14, 15)
_HEIGHT_SCALE = 1000.0


@dataclass(frozen=True)
class Polynomials:
    """Offsets, scales and the coefficients of the numerators."""

    offsets: tuple[float, float, float, float]
    """Of line, sample (0: the centre of the first pixel), latitude and longitude (deg)."""
    scales: tuple[float, float, float, float]
    """Of the same."""
    line: Floats
    """Ten coefficients."""
    sample: Floats
    """Ten coefficients."""


def fit(line: Floats, sample: Floats, latitude: Floats, longitude: Floats) -> Polynomials:
    """Return the polynomials that fit places best.

    Parameters
    ----------
    line, sample
        Of the places in the image, shape (n,).
    latitude, longitude
        Degrees, shape (n,).
    """
    # Over the antimeridian longitudes are one piece from 0 to 360; readers turn the difference from the offset back.
    east = longitude % 360 if np.ptp(longitude) > 180 else longitude
    parts = (line, sample, latitude, east)
    offsets = tuple(float(part.max() + part.min()) / 2 for part in parts)
    scales = tuple(max(float(part.max() - part.min()) / 2, 1e-9) for part in parts)
    down, right, p, x = ((part - o) / s for part, o, s in zip(parts, offsets, scales, strict=True))
    design = np.stack([np.ones_like(p), x, p, x * p, x * x, p * p, x**3, x * p * p, x * x * p, p**3], axis=1)
    solved = np.linalg.lstsq(design, np.stack([down, right], axis=1), rcond=None)[0]
    stored = (*offsets[:3], offsets[3] - 360 if offsets[3] > 180 else offsets[3])
    return Polynomials(stored, scales, solved[:, 0], solved[:, 1])  # type: ignore[arg-type]


def write_rpb(path: Path, polynomials: Polynomials) -> None:
    """Write an .rpb file."""
    names = ("line", "samp", "lat", "long")
    scalars = {f"{n}Offset": v for n, v in zip(names, polynomials.offsets, strict=True)} | {"heightOffset": 0.0}
    scalars |= {f"{n}Scale": v for n, v in zip(names, polynomials.scales, strict=True)}
    scalars |= {"heightScale": _HEIGHT_SCALE}
    one = np.eye(20)[0]
    lists = {"lineNumCoef": _spread(polynomials.line), "lineDenCoef": one}
    lists |= {"sampNumCoef": _spread(polynomials.sample), "sampDenCoef": one}
    text = 'satId = "GF1";\nbandId = "MS";\nSpecId = "RPC00B";\nBEGIN_GROUP = IMAGE\n'
    text += "\terrBias = 1.0;\n\terrRand = 0.0;\n"
    text += "".join(f"\t{name} = {value:.12g};\n" for name, value in scalars.items())
    for name, numbers in lists.items():
        text += f"\t{name} = (\n" + ",\n".join(f"\t\t\t{number:.15E}" for number in numbers) + ");\n"
    path.write_text(text + "END_GROUP = IMAGE\nEND;\n", "ascii")


def _spread(coefficients: Floats) -> Floats:
    made = np.zeros(20)
    made[list(_FLAT)] = coefficients
    return made
