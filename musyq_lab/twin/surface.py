r"""Reflectance, albedo and emissivity of the surface of a world.

A cell is a canopy (PROSPECT-D + 4SAIL) over a ground: soil that darkens when wet, snow, water or pavement. The canopy
of a class is tabulated over greenness and leaf area (:mod:`musyq_lab.kernels.stands`), and for wide views over the
angles; the ground enters exactly. Leaves clump: the leaf area that acts is :math:`\Omega L`. On a slope direct light
falls at the angle i instead of the solar zenith angle,

.. math:: \rho = f \frac{\cos i}{\cos\theta_s}\, r_{so}^* + (1 - f)\, \frac{1 + \cos\alpha}{2}\, r_{do}^*

with the share f of direct light of the band. What falls from slopes around is left out (Shepherd & Dymond 2003, doi
10.1080/01431160210154029).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.kernels import ground, stands
from musyq_lab.kernels.canopy import CanopyParameters, Layer, campbell, canopy_bands
from musyq_lab.standard.spectra import Bands, band_weights
from musyq_lab.twin._species import species
from musyq_lab.twin.canopy import leaf_traits

Field = NDArray[np.float32]

WATER, SNOW, URBAN = 17, 15, 13
"""IGBP classes without the ground of the others."""

GREENS = np.linspace(0.0, 1.0, 4)
"""Nodes of greenness."""

# Nodes of the leaf area that acts: even in exp(-L/2), in which the coefficients are close to straight.
LEAVES = -2.0 * np.log(np.linspace(1.0, math.exp(-5.0), 20))

STEP = 5
"""Distance of the modelled wavelengths (nm)."""

_ANGLE_STEP = 6.0  # deg: angles farther apart get nodes of their own
_TURN_STEP = math.tan(math.radians(_ANGLE_STEP))
_SMALL = 0.25  # of a step: a spread of angles that one node serves


def flat(field: NDArray[np.generic]) -> Field:
    """Return a field as the kernels run through it at once: one dimension, float32."""
    return np.ascontiguousarray(field, dtype=np.float32).reshape(-1)


def is_water(static: xr.Dataset) -> NDArray[np.bool_]:
    """Return where water is, shape (y, x)."""
    return np.asarray(static["land_cover"].values == WATER)


@dataclass(frozen=True, eq=False)
class Stands:
    """Canopies of a world at an instant, tabulated for some bands and one set of coefficients."""

    static: xr.Dataset
    """Fixed fields."""
    state: xr.Dataset
    """Fields of the instant: leaf area, greenness."""
    bands: Bands
    """Response of the bands."""
    members: str
    """Set of traits."""
    names: tuple[str, ...]
    """Coefficients kept."""

    @cached_property
    def classes(self) -> NDArray[np.int64]:
        """Classes present."""
        return np.unique(self.static["land_cover"].values).astype(np.int64)

    @cached_property
    def position(self) -> tuple[Field, Field, Field]:
        """First number of the class in a table, positions on the axes of greenness and leaf area; shape (cell,)."""
        kind = np.searchsorted(self.classes, self.static["land_cover"].values)
        numbers = GREENS.size * LEAVES.size * len(self.names)
        acting = self.state["lai"].values * self.state["clumping_index"].values
        leaf = np.interp(acting, LEAVES, np.arange(LEAVES.size))
        green = np.clip(self.state["greenness"].values, 0, 1) * (GREENS.size - 1)
        return flat(kind * numbers), flat(green), flat(leaf)

    def tables(self, sun_zenith: float, view_zenith: float, relative_azimuth: float) -> NDArray[np.float32]:
        """Return one flat table a band for a geometry, shape (band, number)."""
        parts = [self._layers(int(kind), sun_zenith, view_zenith, relative_azimuth) for kind in self.classes]
        stacked = np.stack(parts)  # class, greenness, leaf area, band, coefficient
        return np.ascontiguousarray(np.moveaxis(stacked, 3, 0).reshape(len(self.bands.names), -1), dtype=np.float32)

    def _layers(self, kind: int, sun: float, view: float, azimuth: float) -> NDArray[np.float64]:
        stand = species(kind, self.members)
        parameters = CanopyParameters(
            **leaf_traits(kind, GREENS[:, None], self.members),
            lai=LEAVES[None, :],
            leaf_angles=campbell(stand.leaf_angle),
            hotspot=stand.hotspot,
            sun_zenith=sun,
            view_zenith=view,
            relative_azimuth=azimuth,
        )
        layer = canopy_bands(parameters, self.bands.leaf, self.bands.weights)
        shape = (GREENS.size, LEAVES.size, len(self.bands.names))
        return np.stack([np.broadcast_to(_coefficient(layer, name), shape) for name in self.names], axis=-1)


def _coefficient(layer: Layer, name: str) -> NDArray[np.floating]:
    value: NDArray[np.floating] = getattr(layer, name)
    return value


@dataclass(frozen=True, eq=False)
class Reflector:
    """Bidirectional reflectance of a world in some bands, for one look."""

    static: xr.Dataset
    """Fixed fields."""
    state: xr.Dataset
    """Fields of the instant, with ``sun_zenith`` and ``sun_azimuth``."""
    view_zenith: Field
    """Degrees."""
    relative_azimuth: Field
    """Degrees, 0 with sun and satellite on one side."""
    bands: Bands
    """Response of the bands."""
    members: str
    """Set of traits."""

    @cached_property
    def _stands(self) -> Stands:
        return Stands(self.static, self.state, self.bands, self.members, stands.DIRECTIONAL)

    @cached_property
    def _ground(self) -> Ground:
        return Ground(self.static, self.state, self.bands, self.members)

    @cached_property
    def _nodes(self) -> list[tuple[Field | float, NDArray[np.float32]]]:
        """Weight (image or number) and tables of each node of the angles."""
        turn = np.tan(np.radians(np.minimum(self.view_zenith, 80)))
        ahead, aside = (turn * part(np.radians(self.relative_azimuth)) for part in (np.cos, np.sin))
        axes = [_axis(self.state["sun_zenith"].values, _ANGLE_STEP), _axis(ahead, _TURN_STEP), _axis(aside, _TURN_STEP)]
        out = []
        for (a, s), (b, x), (c, y) in itertools.product(*axes):
            zenith, azimuth = math.degrees(math.atan(math.hypot(x, y))), math.degrees(math.atan2(abs(y), x))
            out.append((a * b * c, self._stands.tables(min(s, 85.0), zenith, azimuth)))
        return out

    @cached_property
    def _slope(self) -> tuple[Field, Field]:
        """Gain of direct and of diffuse light on the slope."""
        slope, aspect = (np.radians(self.static[name].values) for name in ("slope", "aspect"))
        sun, azimuth = (np.radians(self.state[name].values) for name in ("sun_zenith", "sun_azimuth"))
        incidence = np.cos(sun) * np.cos(slope) + np.sin(sun) * np.sin(slope) * np.cos(azimuth - aspect)
        beam = np.maximum(incidence, 0) / np.maximum(np.cos(sun), 0.05)
        return beam.astype(np.float32), ((1 + np.cos(slope)) / 2).astype(np.float32)

    def band(self, index: int, direct: Field | float) -> Field:
        """Return the reflectance factor of a band, shape (y, x).

        Parameters
        ----------
        index
            Row of the weights.
        direct
            Share of direct light in the downward irradiance of the band, on level ground.
        """
        below = self._ground.band(index)
        first, green, leaf = self._stands.position
        beam, sky = self._slope
        lit = np.asarray(direct * beam, dtype=np.float32)
        light = np.asarray(lit + (1 - direct) * sky, dtype=np.float32)
        share = np.divide(lit, light, out=np.zeros_like(light), where=light > 0)
        counts = [np.full(1, size, np.float32) for size in (GREENS.size, LEAVES.size)]
        total = np.zeros(below.shape, dtype=np.float32)
        for weight, tables in self._nodes:
            seen = stands.directional(tables[index], first, green, leaf, *counts, flat(below), flat(share))
            total += weight * seen.reshape(below.shape)
        return total * light


def _axis(values: Field, step: float) -> Iterator[tuple[Field | float, float]]:
    """Yield weight and node for linear interpolation between nodes about a step apart: one node for a narrow spread."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if high - low <= _SMALL * step:
        yield 1.0, (low + high) / 2
        return
    nodes = np.linspace(low, high, 1 + math.ceil((high - low) / step))
    place = (values - low) / (nodes[1] - nodes[0])
    for k, node in enumerate(nodes):
        yield np.maximum(1 - np.abs(place - k), 0).astype(np.float32), float(node)


@dataclass(frozen=True)
class _GroundSet:
    """Numbers of the grounds of a member set: ours, round, within what the models' authors give."""

    brightness: float
    """Reflectance of the mean dry soil near 1.6 um."""
    redness: float
    """Share of it missing at 0.4 um."""
    water: tuple[float, float, float]
    """Chlorophyll (mg m-3), sediment (g m-3), dissolved matter (m-1 at 0.44 um)."""
    soot: float
    """Black carbon in snow (kg kg-1)."""


_GROUNDS = {
    "training": _GroundSet(0.36, 0.577, (5.0, 6.0, 0.3), 1e-7),
    "scored": _GroundSet(0.34, 0.68, (12.0, 15.0, 0.6), 3e-7),
}
_PAVEMENT = (0.24, 0.35)  # brightness and redness: between concrete and asphalt, assumed
_POROSITY = 0.45  # m3 m-3, a loam
_ICE = 917.0  # kg m-3
_BRIGHTNESS = np.linspace(0.5, 1.5, 6)
_MOISTURE = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies below the leaves: soil, snow, water or pavement, in some bands."""

    static: xr.Dataset
    """Fixed fields."""
    state: xr.Dataset
    """Fields of the instant."""
    bands: Bands
    """Response of the bands."""
    members: str
    """Set of soils."""

    @cached_property
    def _soil(self) -> NDArray[np.float32]:
        """Tables over brightness and moisture, shape (band, number)."""
        kind = _GROUNDS[self.members]
        spectra = ground.soil(
            self.bands.wavelength,
            self.bands.leaf.water,
            kind.brightness * _BRIGHTNESS[:, None],
            redness=kind.redness,
            moisture=_POROSITY * _MOISTURE,
        )
        return np.ascontiguousarray(np.moveaxis(self.bands.average(spectra), -1, 0).reshape(-1, 66), dtype=np.float32)

    @cached_property
    def _others(self) -> tuple[NDArray[np.float32], ...]:
        """Snow, water and pavement, one number a band."""
        kind, (wavelength, water) = _GROUNDS[self.members], (self.bands.wavelength, self.bands.leaf.water)
        area = 3 / (_ICE * 1e-6 * float(np.mean(self.state["snow_grain"].values)))
        chlorophyll, sediment, dissolved = kind.water
        spectra = (
            ground.snow(wavelength, self.bands.ice, area, soot=kind.soot),
            ground.water(wavelength, water, chlorophyll, sediment=sediment, dissolved=dissolved),
            ground.soil(wavelength, water, _PAVEMENT[0], redness=_PAVEMENT[1]),
        )
        return tuple(self.bands.average(spectrum).astype(np.float32) for spectrum in spectra)

    @cached_property
    def _position(self) -> tuple[Field, Field, Field, Field]:
        """Positions on the axes of the soil's table, and their numbers of nodes."""
        bright = (self.static["soil_brightness"].values - _BRIGHTNESS[0]) / (_BRIGHTNESS[1] - _BRIGHTNESS[0])
        moist = np.clip(self.state["soil_moisture"].values, 0, 1) / (_MOISTURE[1] - _MOISTURE[0])
        sizes = (np.full(1, size, np.float32) for size in (_BRIGHTNESS.size, _MOISTURE.size))
        rows, columns = sizes
        return flat(bright), flat(moist), rows, columns

    @cached_property
    def _white(self) -> Field:
        """Share of snow."""
        cover = self.static["land_cover"].values
        white = np.where(cover == SNOW, np.float32(1), self.state["snow_fraction"].values)
        return np.where(cover == WATER, np.float32(0), white)

    def band(self, index: int) -> Field:
        """Return the reflectance of a band, shape (y, x)."""
        bare = stands.bilinear(self._soil[index], *self._position).reshape(self._white.shape)
        snow, water, pavement = (spectrum[index] for spectrum in self._others)
        cover = self.static["land_cover"].values
        bare[cover == URBAN] = pavement
        bare[cover == WATER] = water
        return np.asarray(bare + self._white * (snow - bare), dtype=np.float32)


@lru_cache(maxsize=64)
def bands_of(sensor: str, variant: str) -> Bands:
    """Return the weights of the bands of a sensor that lie within the models (0.4 to 2.5 um)."""
    return band_weights(sensor, None, variant, step=STEP)


def emissivity(static: xr.Dataset, state: xr.Dataset, wavelength: float) -> Field:
    """Return the emissivity of the surface at a wavelength (um), shape (y, x).

    Vegetation 0.985, water and snow 0.99, bare soil after the mean of soils in the ASTER spectral library (Baldridge et
    al. 2009, doi 10.1016/j.rse.2008.11.007; numbers assumed, not derived): 0.80 at 3.8, 0.93 at 8.6, 0.97 from 10.5 um.
    """
    bare = float(np.interp(wavelength, [3.8, 5.0, 8.6, 9.2, 10.5, 12.0], [0.80, 0.90, 0.93, 0.94, 0.97, 0.975]))
    cover = np.clip(state["fraction_vegetation_cover"].values, 0, 1)
    ground = bare + state["snow_fraction"].values * (0.99 - bare)
    mixed = ground + cover * (0.985 - ground)
    wet = np.isin(static["land_cover"].values, (WATER, SNOW))
    return np.asarray(np.where(wet, 0.99, mixed), dtype=np.float32)
