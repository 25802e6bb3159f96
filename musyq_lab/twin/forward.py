r"""What reaches a sensor: surface, atmosphere and clouds of a world, seen through the sensor's optics.

On the world's cells the surface reflects the direct and the diffuse light of the band, each in its own way and on its
own slope (:mod:`surface`); 6S carries that to the top of the atmosphere (:mod:`musyq_lab.standard.atmosphere`);
clouds stand above it where the sensor sees them,

.. math:: \rho = \rho_c T_g(W_c) + T_\uparrow [T_\downarrow \rho_a + (\rho_t - \rho_a)]

with cloud reflectance and transmittances :math:`\rho_c, T_\downarrow, T_\uparrow`, the gases :math:`T_g` over the
vapour above the cloud :math:`W_c`, the path :math:`\rho_a` and the whole :math:`\rho_t` of the column without clouds
over a surface that lies in their shadow. Light thrown back and forth between cloud and ground, and what lies between
cloud and sensor but gases, are left out.

What is finer than a quarter of the point spread is averaged after the surface, before the atmosphere, which is smooth:
a coarse pixel inverts to the mean reflectance of its cells, while its own reflectance differs from their mean by up to
0.005 at shores, for the light between ground and sky. A Gaussian point spread and noise follow; on cells in degrees
the spread is as wide in both, and noise in reflectance does not grow with a low Sun. Reflectance is NaN where the Sun
stands below 10 degrees or the satellite below 20, beyond the tables of the atmosphere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage

from musyq_lab.core.sensor import Band, Sensor
from musyq_lab.kernels import solar
from musyq_lab.kernels.atmosphere import MAX_AOD, MAX_OZONE, MAX_PRESSURE, MAX_SUN, MAX_VAPOUR, MIN_PRESSURE
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard.atmosphere import irradiance
from musyq_lab.twin import clouds, surface, thermal
from musyq_lab.twin.atmosphere import BandColumn, Column
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Granule, Image, Instrument, Pixels
from musyq_lab.twin.orbit import Overpass
from musyq_lab.twin.random import stream
from musyq_lab.twin.world import World

Field = NDArray[np.float32]

SAMPLES = 4
"""Working cells across the point spread."""

SNR, NEDT = 200.0, 0.1
"""Assumed where the sensor's row gives no signal-to-noise ratio, or no temperature noise (K)."""

REFERENCE = 0.1
"""Reflectance at which the signal-to-noise ratio is taken to hold; photon noise grows with the root of the signal."""

SUN_LIMIT = MAX_SUN
"""Solar zenith angle (deg) beyond which no reflectance is simulated: the end of the atmosphere tables."""

_FEW = 100_000  # pixels whose angles are computed one by one
_APART = 16  # pixels between which the angles of larger grids are interpolated: within 1e-4 deg

_FWHM = 2 * math.sqrt(2 * math.log(2))
_TABLES = {
    "aod": (0.0, MAX_AOD),
    "water_vapour": (0.0, MAX_VAPOUR),
    "ozone": (0.0, MAX_OZONE),
    "surface_pressure": (MIN_PRESSURE, MAX_PRESSURE),
}
_VAPOUR_SCALE = 2000.0  # m: scale height of water vapour (Weaver & Ramanathan 1995, doi 10.1029/95JD00770)


@dataclass(frozen=True, eq=False)
class Seen:
    """A world at the moment of an overpass, from the satellite's place, dims (y, x) throughout."""

    world: World
    """Whose."""
    overpass: Overpass
    """When and from where."""

    @cached_property
    def state(self) -> xr.Dataset:
        """Everything at the instant."""
        return self.world.state(self.overpass.time)

    @cached_property
    def view(self) -> tuple[Field, Field]:
        """Zenith and azimuth of the satellite (deg)."""
        grid = self.world.grid
        cells = Pixels((), grid.metres, grid.longitude, grid.latitude, 0.0, self.world.static["elevation"].values)
        return _angles(self.overpass, cells)[2:]

    @cached_property
    def relative_azimuth(self) -> Field:
        """Angle between the azimuths of sun and satellite (deg, 0 to 180), 0 with both on one side."""
        turn = np.abs(self.state["sun_azimuth"].values - self.view[1]) % 360
        return np.asarray(np.minimum(turn, 360 - turn), dtype=np.float32)

    @cached_property
    def clouds(self) -> xr.Dataset:
        """Clouds where this satellite sees them (parallax)."""
        return clouds.seen(self.state, self.world.grid, *self.view, self.world.static["elevation"].values)

    @cached_property
    def _kept(self) -> dict[tuple[str, str, str], Field]:
        return {}

    @cached_property
    def _reflectors(self) -> dict[tuple[str, str], surface.Reflector]:
        return {}

    def ground(self, sensor: Sensor, band: Band, variant: str, direct: Callable[[], Field | float]) -> Field:
        """Return the reflectance of the surface in a band, shadows of clouds and slopes included.

        Parameters
        ----------
        sensor, band, variant
            Which.
        direct
            Gives the share of direct light in the irradiance on level ground without clouds.
        """
        key = (sensor.key, band.name, variant)
        if key not in self._kept:  # several grids of a sensor may hold one band
            self._kept[key] = self._ground(sensor, band, variant, direct())
        return self._kept[key]

    def _ground(self, sensor: Sensor, band: Band, variant: str, direct: Field | float) -> Field:
        bands = surface.bands_of(sensor.key, variant)
        if (sensor.key, variant) not in self._reflectors:
            args = self.world.static, self.state, self.view[0], self.relative_azimuth, bands, self.world.members
            self._reflectors[sensor.key, variant] = surface.Reflector(*args)
        image = self._reflectors[sensor.key, variant].band(bands.names.index(band.name), direct)
        return np.asarray(image * self.state["cloud_transmittance"].values, dtype=np.float32)

    @property
    def night(self) -> bool:
        """Whether the sun is too low everywhere for reflected light."""
        return bool(np.min(self.state["sun_zenith"].values) >= SUN_LIMIT)


def images(world: World, overpass: Overpass, granule: Granule) -> tuple[Image, ...]:
    """Return what a sensor measures in one overpass, in the order of ``granule.pixels``.

    Parameters
    ----------
    world
        The truth.
    overpass
        When and from where.
    granule
        Module of :mod:`musyq_lab.twin.granules`.

    Returns
    -------
    tuple of Image
        Empty where the overpass sees nothing of the world.
    """
    grids = granule.pixels(overpass, world.grid)
    seen = Seen(world, overpass)
    return tuple(_image(seen, granule.INSTRUMENT, pixels) for pixels in grids)


def _image(seen: Seen, instrument: Instrument, pixels: Pixels) -> Image:
    sensor = SENSORS[instrument.sensor]
    work, sampler = working(seen, pixels)
    variant = str(pixels.extra.get("variant", instrument.variant))
    values = {}
    for band in _bands(sensor, variant, pixels):
        signal = sampler(work.signal(sensor, band, variant))
        values[band.name] = _noisy(signal, band, seen, f"{variant} {pixels.resolution:g}")
    return Image(
        pixels,
        values,
        *_angles(seen.overpass, pixels),
        elevation=sampler.sharp(work.elevation),
        water=np.nan_to_num(sampler.sharp(work.mean(surface.is_water(seen.world.static)))) > 0.5,
    )


def _angles(overpass: Overpass, pixels: Pixels) -> tuple[Field, Field, Field, Field]:
    """Return zenith and azimuth of the sun, then of the satellite (deg), at the pixel centres."""
    rows, columns = pixels.longitude.shape
    if rows * columns <= _FEW or np.isnan(pixels.longitude).any():
        zenith, azimuth, view, turn = _directions(overpass, pixels, np.arange(rows), np.arange(columns))
        return zenith, azimuth, view, turn
    nodes = [np.unique(np.append(np.arange(0, size, _APART), size - 1)) for size in (rows, columns)]
    sun, sun_azimuth, view, view_azimuth = _directions(overpass, pixels, *nodes)
    return *_between(sun, sun_azimuth, nodes, rows, columns), *_between(view, view_azimuth, nodes, rows, columns)


def _directions(
    overpass: Overpass, pixels: Pixels, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Field, Field, Field, Field]:
    where = np.ix_(rows, columns)
    lon, lat = pixels.longitude[where], pixels.latitude[where]
    sun = solar.zenith_azimuth(np.datetime64(overpass.time), lat, lon)
    view = overpass.look(lon, lat, 0.0 if pixels.elevation is None else pixels.elevation[where])
    zenith, azimuth, view_zenith, view_azimuth = (np.asarray(angle, dtype=np.float32) for angle in (*sun, *view))
    return zenith, azimuth, view_zenith, view_azimuth


def _between(
    zenith: Field, azimuth: Field, nodes: list[NDArray[np.intp]], rows: int, columns: int
) -> tuple[Field, Field]:
    """Interpolate directions between nodes, through their components, which know no jump at north or nadir."""
    sine = np.sin(np.radians(zenith))
    parts = (sine * np.sin(np.radians(azimuth)), sine * np.cos(np.radians(azimuth)), np.cos(np.radians(zenith)))
    east, north, up = (_bilinear(part, nodes, rows, columns) for part in parts)
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % np.float32(360)


def _bilinear(values: Field, nodes: list[NDArray[np.intp]], rows: int, columns: int) -> Field:
    wide = np.stack([np.interp(np.arange(columns), nodes[1], row) for row in values])
    place = np.interp(np.arange(rows), nodes[0], np.arange(nodes[0].size))
    low = np.minimum(place.astype(np.intp), nodes[0].size - 2)
    share = (place - low)[:, np.newaxis]
    return np.asarray(wide[low] + share * (wide[low + 1] - wide[low]), dtype=np.float32)


def _bands(sensor: Sensor, variant: str, pixels: Pixels) -> Iterator[Band]:
    """Yield the rows of the bands of a grid; a band measured on several has one a resolution."""
    rows = {band.name: band for band in sensor.bands_of(variant)}
    rows |= {band.name: band for band in sensor.bands_of(variant) if band.resolution == pixels.resolution}
    return (rows[name] for name in pixels.bands)


def working(seen: Seen, pixels: Pixels) -> tuple[Working, Sampler]:
    """Return the world on blocks that suit a native grid, and what takes it to the pixels."""
    work = Working(seen, _stride(pixels, seen.world.grid))
    return work, Sampler(work.grid, pixels)


def _stride(pixels: Pixels, grid: WorldGrid) -> int:
    wanted = int(pixels.footprint / SAMPLES / grid.metres)
    return max(1, min(wanted, *grid.shape))


class Working:
    """The world on blocks of cells small against the point spread."""

    def __init__(self, seen: Seen, stride: int) -> None:
        self.seen = seen
        self.stride = stride
        full = seen.world.grid
        rows, columns = full.rows // stride, full.columns // stride
        self.grid = replace(full, resolution=full.resolution * stride, rows=rows, columns=columns)

    def mean(self, field: NDArray[np.generic]) -> Field:
        """Average over blocks."""
        s, (rows, columns) = self.stride, self.grid.shape
        if s == 1:
            return np.asarray(field, dtype=np.float32)
        blocks = np.asarray(field[: rows * s, : columns * s], dtype=np.float32).reshape(rows, s, columns, s)
        return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64), dtype=np.float32)

    def centre(self, field: NDArray[np.generic]) -> Field:
        """Take the cell in the middle of each block (angles, which must not be averaged across north)."""
        s, (rows, columns) = self.stride, self.grid.shape
        return np.asarray(field[s // 2 : rows * s : s, s // 2 : columns * s : s], dtype=np.float32)

    @cached_property
    def sun(self) -> tuple[Field, Field]:
        """Zenith and azimuth of the sun (deg)."""
        state = self.seen.state
        return self.centre(state["sun_zenith"].values), self.centre(state["sun_azimuth"].values)

    @cached_property
    def view(self) -> tuple[Field, Field]:
        """Zenith and azimuth of the satellite (deg)."""
        return self.centre(self.seen.view[0]), self.centre(self.seen.view[1])

    @cached_property
    def clouds(self) -> tuple[Field, Field, Field, Field]:
        """Optical depth, top height (m), top temperature (K) and phase of the clouds where they are seen."""
        seen = self.seen.clouds
        names = ("cloud_optical_depth", "cloud_top_height", "cloud_top_temperature", "cloud_ice")
        depth, height, temperature, ice = (self.mean(seen[name].values) for name in names)
        return depth, height, temperature, np.round(ice)

    @cached_property
    def elevation(self) -> Field:
        """Height of the ground above the sea (m)."""
        return self.mean(self.seen.world.static["elevation"].values)

    @cached_property
    def column(self) -> Column:
        """The atmosphere over each block, within what the tables hold."""
        state = self.seen.state
        aod, vapour, ozone, pressure = (
            np.clip(self.mean(state[name].values), *limits) for name, limits in _TABLES.items()
        )
        azimuth = self.centre(self.seen.relative_azimuth)
        exact = self.seen.world.members == "scored"
        return Column(self.sun[0], self.view[0], azimuth, aod, vapour, ozone, pressure, exact)

    def signal(self, sensor: Sensor, band: Band, variant: str) -> Field:
        """Return reflectance or brightness temperature at the top of the atmosphere."""
        return self._temperature(band) if band.thermal else self._reflectance(sensor, band, variant)

    def ground(self, sensor: Sensor, band: Band, variant: str) -> Field:
        """Return the reflectance of the surface in a band, shadows of clouds and slopes included."""
        air = self.column.of(sensor.key, band.name, variant)
        return self.mean(self.seen.ground(sensor, band, variant, lambda: self._direct(air)))

    def _reflectance(self, sensor: Sensor, band: Band, variant: str) -> Field:
        seen = self.seen
        if seen.night or band.name not in surface.bands_of(sensor.key, variant).names:
            return np.full(self.grid.shape, np.nan, dtype=np.float32)
        air = self.column.of(sensor.key, band.name, variant)
        clear = air.top(self.ground(sensor, band, variant))
        depth, height, _, ice = self.clouds
        if not np.any(depth > 0):
            return clear
        cover, through = clouds.reflectance(depth, band.centre, ice, self.sun[0], self.view[0])
        _, twice = clouds.reflectance(depth, band.centre, ice, self.view[0], self.view[0])
        path = np.asarray(air.coefficients.path, dtype=np.float32).reshape(clear.shape)
        above = np.exp(-np.maximum(height - self.elevation, 0) / np.float32(_VAPOUR_SCALE))
        top = cover * air.gas_above(above, depth > 0) + through * path + np.sqrt(twice) * (clear - path)
        return np.asarray(top, dtype=np.float32)

    def _direct(self, air: BandColumn) -> Field | float:
        """Return the share of direct light: one number for a small world, one a cell where the sun differs."""
        if not (self.grid.geographic and self.stride == 1):
            return air.direct()
        names = ("sun_zenith", "aod", "water_vapour", "ozone", "pressure")
        state = {name: self.column.flat[name] for name in names}
        direct, diffuse = irradiance(air.sensor, air.band, air.variant, **state)
        share = np.divide(direct, direct + diffuse, out=np.zeros_like(direct), where=direct + diffuse > 0)
        return np.asarray(share, dtype=np.float32).reshape(self.grid.shape)

    def _temperature(self, band: Band) -> Field:
        seen = self.seen
        state = seen.state
        return thermal.top_temperature(
            band.centre,
            band.fwhm,
            surface_temperature=self.mean(state["surface_temperature"].values),
            emissivity=self.mean(surface.emissivity(seen.world.static, state, band.centre)),
            air_temperature=self.mean(state["air_temperature"].values),
            water_vapour=self.mean(state["water_vapour"].values),
            view_zenith=self.view[0],
            surface_pressure=self.mean(state["surface_pressure"].values),
            sun_zenith=self.sun[0],
            cloud_optical_depth=self.clouds[0],
            cloud_top_temperature=self.clouds[2],
        )


class Sampler:
    """Takes working cells to pixels: point spread, then bilinear interpolation at the centres."""

    def __init__(self, grid: WorldGrid, pixels: Pixels) -> None:
        self.shape = pixels.longitude.shape
        self.spread = pixels.footprint / grid.metres / _FWHM
        row, column = (np.asarray(c) for c in grid.cells(pixels.longitude, pixels.latitude))
        with np.errstate(invalid="ignore"):
            self.inside = (row >= -0.5) & (row <= grid.rows - 0.5) & (column >= -0.5) & (column <= grid.columns - 0.5)
        self.where = np.stack([row[self.inside], column[self.inside]])

    def __call__(self, field: Field) -> Field:
        """Return the field under the point spread, NaN outside the world."""
        return self.sharp(ndimage.gaussian_filter(field, self.spread, mode="nearest", truncate=3.0))

    def sharp(self, field: Field) -> Field:
        """Return the field at the pixel centres, NaN outside the world."""
        out = np.full(self.shape, np.nan, dtype=np.float32)
        out[self.inside] = ndimage.map_coordinates(field, self.where, order=1, mode="nearest")
        return out


def _noisy(signal: Field, band: Band, seen: Seen, camera: str) -> Field:
    over = seen.overpass
    random = stream(seen.world.seed, "noise", over.sensor, over.platform, over.time.isoformat(), camera, band.native)
    white = random.standard_normal(signal.shape, dtype=np.float32)
    if band.thermal:
        return signal + np.float32(band.nedt or NEDT) * white
    strength = REFERENCE / (band.snr or SNR)
    return signal + np.float32(strength) * np.sqrt(np.maximum(signal, 0) / np.float32(REFERENCE)) * white
