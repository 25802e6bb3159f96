"""Where the pixels of an image in sensor geometry are: by rational polynomials (RPC), else by the four corners.

Longitude and latitude are solved on a coarse grid of the image when it is opened and interpolated when computed. By
RPC they hold at the mean height of the scene: over terrain a pixel is off by its height difference times the tangent of
the view zenith angle. By the corners the bending of a wide image is lost: some 10 km for the outer WFV cameras.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.files.lazy import dask_array

Floats = NDArray[np.float64]

_NODES = 97  # along an axis: 140 pixels of 16 m apart in WFV, where straight lines between them err by some 2 m
_MAX_BYTES = 1 << 20
_CLOSE = 0.01  # pixels
_SOLVED = 1e-10  # of the scale of the image


@dataclass(frozen=True, slots=True)
class Rpc:
    """Rational polynomials from the ground to the image (RPC00B)."""

    offset: Floats
    """Offsets of line, sample, latitude, longitude, height."""
    scale: Floats
    """Scales of the same."""
    coefficients: Floats
    """(4, 20): numerator and denominator of the line, numerator and denominator of the sample."""

    def image(self, latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
        """Return line and sample (0 is the centre of the first pixel) of places at the mean height."""
        line, sample = self._normalised(
            (latitude - self.offset[2]) / self.scale[2], (longitude - self.offset[3]) / self.scale[3]
        )
        return line * self.scale[0] + self.offset[0], sample * self.scale[1] + self.offset[1]

    def _normalised(self, p: Floats, x: Floats) -> tuple[Floats, Floats]:
        # At the mean height the terms with H vanish: 1, L, P, LP, L2, P2, L3, LP2, L2P, P3 of the 20 remain.
        terms = np.stack([np.ones_like(p), x, p, x * p, x * x, p * p, x**3, x * p * p, x * x * p, p**3])
        top, bottom, side, other = np.tensordot(self.coefficients[:, [0, 1, 2, 4, 7, 8, 11, 12, 14, 15]], terms, 1)
        return top / bottom, side / other

    def ground(self, line: Floats, sample: Floats) -> tuple[Floats, Floats] | None:
        """Return latitude and longitude of pixels at the mean height, None where the coefficients have no solution."""
        goal = np.stack([(line - self.offset[0]) / self.scale[0], (sample - self.offset[1]) / self.scale[1]])
        place = np.zeros_like(goal)
        step = 1e-6
        with np.errstate(all="ignore"):
            for _ in range(20):
                here = np.stack(self._normalised(*place))
                north = (np.stack(self._normalised(place[0] + step, place[1])) - here) / step
                east = (np.stack(self._normalised(place[0], place[1] + step)) - here) / step
                miss = goal - here
                if np.abs(miss).max() < _SOLVED:
                    break
                determinant = north[0] * east[1] - north[1] * east[0]
                place = place + np.stack(
                    [
                        (miss[0] * east[1] - miss[1] * east[0]) / determinant,
                        (miss[1] * north[0] - miss[0] * north[1]) / determinant,
                    ]
                )
            latitude, longitude = (place[i] * self.scale[2 + i] + self.offset[2 + i] for i in (0, 1))
            found = self.image(latitude, longitude)
            solved = np.allclose(found, [line, sample], atol=_CLOSE, rtol=0) and np.abs(latitude).max() <= 90
        return (latitude, longitude) if solved else None


_SCALARS = ("line", "samp", "lat", "long", "height")
_POLYNOMIALS = ("lineNum", "lineDen", "sampNum", "sampDen")


def read_rpb(path: Path) -> Rpc:
    """Read a file of rational polynomials (.rpb).

    Raises
    ------
    SceneError
        If it is none.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise SceneError(f"{path} is too large for a file of rational polynomials.")
    text = path.read_text("latin-1")
    offset, scale = ([_scalar(text, f"{name}{kind}", path) for name in _SCALARS] for kind in ("Offset", "Scale"))
    polynomials = [_polynomial(text, f"{name}Coef", path) for name in _POLYNOMIALS]
    if 0.0 in scale:
        raise SceneError(f"{path} holds a scale of zero. It is damaged: fetch it again.")
    return Rpc(np.array(offset), np.array(scale), np.array(polynomials))


def _scalar(text: str, name: str, path: Path) -> float:
    match = re.search(rf"\b{name}\s*=\s*([-+.\deE]+)", text)
    return _finite(match[1] if match else "", name, path)


def _polynomial(text: str, name: str, path: Path) -> list[float]:
    match = re.search(rf"\b{name}\s*=\s*\(([^)]*)\)", text)
    numbers = [_finite(part, name, path) for part in match[1].split(",")] if match else []
    if len(numbers) != 20:
        raise SceneError(f"{path} holds {len(numbers)} of the 20 coefficients {name}. It is cut short: fetch it again.")
    return numbers


def _finite(text: str, name: str, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise SceneError(f"{path} lacks the number {name}. It is cut short or damaged: fetch it again.")
    return value


@dataclass(frozen=True)
class _Surface:
    """Values on a coarse grid, bilinear between (see :class:`musyq_lab.files.lazy.Layer`)."""

    nodes: Floats
    rows: Floats
    columns: Floats
    shape: tuple[int, int]
    wrapped: bool

    dtype = np.dtype(np.float64)
    ndim = 2

    def __getitem__(self, key: Any) -> Floats:
        """Interpolate a part; ``key`` holds slices and whole numbers."""
        down, across = (np.asarray(np.arange(size)[part]) for part, size in zip(key, self.shape, strict=True))
        values = _between(_between(self.nodes.T, self.rows, down).T, self.columns, across)
        return (values + 180.0) % 360.0 - 180.0 if self.wrapped else values


def _between(values: Floats, nodes: Floats, at: NDArray[np.int64]) -> Floats:
    """Return values linear between equally spaced nodes along the last axis, at steadily rising or falling places."""
    places = np.atleast_1d(at)
    made = np.empty((*values.shape[:-1], len(places)))
    position = (places - nodes[0]) / (nodes[1] - nodes[0]) if len(nodes) > 1 else np.zeros(len(places))
    left = np.clip(position.astype(np.int64), 0, max(len(nodes) - 2, 0))
    for node in np.unique(left):  # a stretch at a time: whole rows of pixels from two values
        part = slice(*(np.flatnonzero(left == node)[[0, -1]] + (0, 1)))
        first, second = (values[..., min(n, len(nodes) - 1), np.newaxis] for n in (node, node + 1))
        made[..., part] = first + (second - first) * (position[part] - node)
    return made if np.ndim(at) else made[..., 0]


def by_rpc(rpc: Rpc, shape: tuple[int, int], chunks: Sequence[int], path: Path) -> tuple[xr.DataArray, xr.DataArray]:
    """Return longitude and latitude of the pixels, lazily, by rational polynomials at the mean height.

    Parameters
    ----------
    rpc : Rpc
        Polynomials.
    shape, chunks : sequence of int
        Of the image.
    path : pathlib.Path
        Where they come from.

    Raises
    ------
    SceneError
        If they have no solution inside the image.
    """
    rows, columns = (np.linspace(0, size - 1, min(_NODES, size)) for size in shape)
    solution = rpc.ground(*np.meshgrid(rows, columns, indexing="ij"))
    if solution is None:
        raise SceneError(
            f"{path} has no solution inside the image: it is damaged or of another image. Fetch it again, or take it "
            "away to place the image by its corners."
        )
    latitude, longitude = solution
    return _lazy(longitude, latitude, rows, columns, shape, chunks, path)


def by_corners(
    corners: Floats, shape: tuple[int, int], chunks: Sequence[int], path: Path
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return longitude and latitude of the pixels, lazily, bilinear between the corners.

    Parameters
    ----------
    corners : ndarray (4, 2)
        Latitude and longitude, clockwise from the upper left.
    shape, chunks, path
        See :func:`by_rpc`.
    """
    latitude = corners[[0, 1, 3, 2], 0].reshape(2, 2)
    longitude = corners[[0, 1, 3, 2], 1].reshape(2, 2)
    longitude = longitude[0, 0] + (longitude - longitude[0, 0] + 180) % 360 - 180
    rows, columns = (np.array([0.0, max(size - 1.0, 1.0)]) for size in shape)
    return _lazy(longitude, latitude, rows, columns, shape, chunks, path)


def _lazy(
    longitude: Floats,
    latitude: Floats,
    rows: Floats,
    columns: Floats,
    shape: tuple[int, int],
    chunks: Sequence[int],
    path: Path,
) -> tuple[xr.DataArray, xr.DataArray]:
    east = _Surface(longitude, rows, columns, shape, wrapped=bool(np.abs(longitude).max() > 180))
    north = _Surface(latitude, rows, columns, shape, wrapped=False)
    made = [
        dask_array(layer, chunks, [str(path)], label) for layer, label in ((east, "longitude"), (north, "latitude"))
    ]
    return xr.DataArray(made[0], dims=("y", "x")), xr.DataArray(made[1], dims=("y", "x"))
