r"""Where the pixels of an image from over the equator lie, how they are lit and seen: block by block, at any size.

A pixel is seen along the scan angles :math:`\alpha = x/h` and :math:`\beta = y/h`, from the satellite
:math:`\mathbf{s} = (H, 0, 0)`, in the direction :math:`\mathbf{d} = (-1, \tan\alpha, \tan\beta\sec\alpha)`, or
:math:`(-1, \tan\alpha\sec\beta, \tan\beta)` where the mirror of columns is turned last (``sweep="x"``). It lies where
:math:`\mathbf{s} + k\mathbf{d}` first meets the ellipsoid (CGMS 03, LRIT/HRIT Global Specification, section 4.4.3.2).

Each block is worked out by itself in the task that needs it: as shared arrays of the graph, longitude and latitude of a
whole disk (8 GB at 500 m) were all computed before the first band was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._angles import sun_at, view_of
from musyq_lab.sensors._block import part

Floats = NDArray[np.floating[Any]]

WGS84 = (6378137.0, 6356752.31414)
"""Half axes (m) as the CGMS projection has them (CGMS 03, section 4.4.3.2)."""

_SYNCHRONOUS = (3.0e7, 4.0e7)  # heights (m) that a geostationary satellite can have, with a wide margin
_HORIZON = 90.0
_KEPT = 4  # blocks: two threads, and what they did before
_STRIP = 1 << 16  # pixels that are worked on at a time


@dataclass(frozen=True, slots=True)
class Projection:
    """A geostationary projection."""

    longitude: float
    """Of the point below the satellite (degree)."""
    height: float
    """Above the ellipsoid (m)."""
    axes: tuple[float, float] = WGS84
    """Half axes of the ellipsoid (m)."""
    sweep: str = "y"
    """Axis of the mirror that is turned first: ``"x"`` for GOES ABI."""

    @property
    def text(self) -> str:
        """The CRS in PROJ's words."""
        a, b = self.axes
        return (
            f"+proj=geos +lon_0={self.longitude!r} +h={self.height!r} +a={a!r} +b={b!r} +sweep={self.sweep} +units=m "
            "+no_defs"
        )

    def places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return longitude and latitude (degree, geodetic) of columns at ``x`` and lines at ``y`` (m), NaN in space."""
        across, down = np.tan(x / self.height)[None, :], np.tan(y / self.height)[:, None]
        if self.sweep == "x":
            across = across * np.hypot(1.0, down)
        else:
            down = down * np.hypot(1.0, across)
        away, squared = self.height + self.axes[0], (self.axes[0] / self.axes[1]) ** 2
        slant = 1.0 + across**2 + squared * down**2
        with np.errstate(invalid="ignore"):
            reach = (away - np.sqrt(away**2 - slant * (away**2 - self.axes[0] ** 2))) / slant
        forth = away - reach
        longitude = np.degrees(np.arctan2(reach * across, forth)) + self.longitude
        latitude = np.degrees(np.arctan(squared * reach * down / np.hypot(forth, reach * across)))
        return (longitude + 180.0) % 360.0 - 180.0, latitude


def projection(
    longitude: float, height: float, *, axes: tuple[float, float] = WGS84, sweep: str = "y", what: object = "The file"
) -> Projection:
    """Return the projection that a file tells.

    Parameters
    ----------
    longitude, height, axes, sweep
        See :class:`Projection`.
    what : object
        The file, for the message.

    Raises
    ------
    SceneError
        If these are no numbers of a geostationary satellite.
    """
    plausible = -360.0 <= longitude <= 360.0 and _SYNCHRONOUS[0] < height < _SYNCHRONOUS[1] and sweep in ("x", "y")
    if not (plausible and 6.3e6 < axes[1] <= axes[0] < 6.4e6):
        raise SceneError(
            f"{what} says that its satellite stands {height:g} m over longitude {longitude:g} of an ellipsoid of "
            f"{axes} m. Its header is damaged: fetch it again."
        )
    return Projection(longitude, height, axes, sweep)


@dataclass(frozen=True, slots=True)
class View:
    """Where the pixels of an image lie and whence and when they were seen."""

    x: NDArray[np.float64]
    """Scan angle of each column times the height of the projection (m), positive to the east."""
    y: NDArray[np.float64]
    """The same of each line, positive to the north."""
    projection: Projection
    """Of the grid."""
    times: NDArray[np.datetime64]
    """When each line was seen (UTC)."""
    satellite: tuple[float, float, float]
    """Longitude, latitude (degree) and height (m) of the satellite."""

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.y.size, self.x.size


@dataclass(frozen=True, eq=False)
class Layer:
    """One thing that a view tells of every pixel, as dask's ``from_array`` wants it."""

    view: View
    """Geometry."""
    token: str
    """Name of the view's content."""
    wanted: str
    """``"disk"`` (whether the globe is there), or a name of :data:`musyq_lab.sensors._scene.ANGLES`."""

    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and columns."""
        return self.view.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(bool if self.wanted == "disk" else np.float32)

    def __dask_tokenize__(self) -> tuple[str, str]:
        """Return what the values depend on."""
        return self.token, self.wanted

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Work out a part."""
        wanted = part(key, self.shape)
        rows, columns = slice(wanted.rows.start, wanted.rows.stop), slice(wanted.columns.start, wanted.columns.stop)
        block = _Block(self.view, self.token, rows.start, rows.stop, columns.start, columns.stop)
        if self.wanted == "disk":
            return wanted.take(np.isfinite(_places(block)[0]))
        pair = (_sun if self.wanted.startswith("sun") else _view)(block)
        return wanted.take(pair[self.wanted.endswith("azimuth")])


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of a view, known by its token."""

    view: View
    token: str
    top: int
    bottom: int
    left: int
    right: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Block) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, int, int, int, int]:
        return self.token, self.top, self.bottom, self.left, self.right

    def strips(self) -> Iterator[slice]:
        """Yield runs of its lines that stay in the processor's cache while they are worked on."""
        height, step = self.bottom - self.top, max(1, _STRIP // max(1, self.right - self.left))
        yield from (slice(top, min(top + step, height)) for top in range(0, height, step))

    def filled(self, function: Callable[[slice], tuple[Floats, Floats]], dtype: Any) -> tuple[Floats, Floats]:
        """Return two arrays that a function makes strip by strip."""
        first, second = (np.empty((self.bottom - self.top, self.right - self.left), dtype) for _ in range(2))
        for strip in self.strips():
            first[strip], second[strip] = function(strip)
        return first, second


# What two layers share is kept for the one that comes next.


@lru_cache(maxsize=_KEPT)
def _places(block: _Block) -> tuple[Floats, Floats]:
    x, y = block.view.x[block.left : block.right], block.view.y[block.top : block.bottom]
    return block.filled(lambda strip: block.view.projection.places(x, y[strip]), np.float64)


@lru_cache(maxsize=_KEPT)
def _sun(block: _Block) -> tuple[Floats, Floats]:
    longitude, latitude = _places(block)
    times = block.view.times[block.top : block.bottom, None]
    return block.filled(lambda strip: sun_at(times[strip], longitude[strip], latitude[strip]), np.float32)


@lru_cache(maxsize=_KEPT)
def _view(block: _Block) -> tuple[Floats, Floats]:
    longitude, latitude = _places(block)
    pair = block.filled(lambda strip: view_of(longitude[strip], latitude[strip], block.view.satellite), np.float32)
    # The ellipsoid is not quite WGS 84: some pixels at the rim lie 0.05 degree behind its horizon.
    np.minimum(pair[0], np.float32(_HORIZON), out=pair[0])
    return pair


def layers(view: View, chunks: tuple[Any, ...]) -> dict[str, xr.DataArray]:
    """Return what a view tells of every pixel, lazily, dims (y, x): ``disk`` and the four angles (degree).

    Parameters
    ----------
    view : View
        Geometry.
    chunks : tuple of (int or tuple of int)
        Of lines and columns.
    """
    import dask.array as da
    from dask.base import tokenize

    token = tokenize(view.x, view.y, view.projection.text, view.times, view.satellite)
    names = ("disk", "sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
    made = {}
    for name in names:
        layer = Layer(view, token, name)
        named = f"disk-{tokenize(layer)}"
        array = da.from_array(layer, chunks=chunks, name=named, meta=np.empty((0, 0), layer.dtype))
        made[name] = xr.DataArray(array, dims=("y", "x"))
    return made
