r"""Reflectance, albedo and emissivity of the surface of a world.

A cell is a canopy (PROSPECT-D + 4SAIL) over a ground: soil that darkens when wet, snow, water or pavement. The canopy
of a class is tabulated over greenness and leaf area (:mod:`musyq_lab.kernels.stands`), and for wide views over the
angles; the ground enters exactly. Leaves clump: the leaf area that acts is :math:`\Omega L`. On a slope direct light
falls at the angle i instead of the solar zenith angle,

.. math:: \rho = f \frac{\cos i}{\cos\theta_s}\, r_{so}^* + (1 - f)\, \frac{1 + \cos\alpha}{2}\, r_{do}^*

with the share f of direct light of the band. What falls from slopes around is left out (Shepherd & Dymond 2003, doi
10.1080/01431160210154029), as are the glint of water and all directions of ground without leaves.

What the short cuts cost, in reflectance, at random leaf areas to 5, greenness, soils and classes: the tables over
greenness and leaf area 0.002 at most (root mean square 0.0003) beside 4SAIL itself in the bands of MSI; wavelengths 5
nm apart 0.0005 (OLI), 0.0009 (MSI), 0.0012 (MODIS) at most beside 1 nm, 0.0002 in the root mean square. Nodes of the
angles 6 degrees apart cost 0.002 in the root mean square, near the hot spot 0.003 to 0.006 (0.04 at most). A spread of
angles up to 1.5 degrees (some 18 km from a low orbit) has one node and no change of direction within; strips and the
globe have none, since there 4SAIL runs for every cell.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.kernels import ground, stands
from musyq_lab.kernels.atmosphere import MAX_SUN, MAX_VIEW
from musyq_lab.kernels.canopy import CanopyParameters, Layer, campbell, canopy_bands, four_sail, over_soil
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.standard.spectra import Bands, band_weights
from musyq_lab.twin._species import species
from musyq_lab.twin.canopy import leaf_traits

Field = NDArray[np.float32]

WATER, SNOW, URBAN = 17, 15, 13
"""IGBP classes without the ground of the others."""

GREENS = np.linspace(0.0, 1.0, 16) ** 1.5
"""Nodes of greenness: denser where leaves are dry, since their water goes with its root."""

# Nodes of the leaf area that acts: even in exp(-L/2), in which the coefficients are close to straight.
LEAVES = -2.0 * np.log(np.linspace(1.0, math.exp(-5.0), 32))

STEP = 5
"""Distance of the modelled wavelengths (nm)."""

_ANGLE_STEP = 6.0  # deg: angles farther apart get nodes of their own
_LAST = 85.0  # deg: zenith angles beyond count as this
_SMALL = 0.25  # of a step: a spread of angles that one node serves
_OPEN = ("tdd", "tss", "too", "tsstoo")  # coefficients that are 1 without leaves


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
        green = np.clip(self.state["greenness"].values, 0, 1) ** np.float32(1 / 1.5) * (GREENS.size - 1)
        return flat(kind * numbers), flat(green), flat(leaf)

    def tables(self, sun_zenith: float, view_zenith: float, relative_azimuth: float) -> NDArray[np.float32]:
        """Return one flat table a band for a geometry, shape (band, number)."""
        parts = [self._layers(int(kind), sun_zenith, view_zenith, relative_azimuth) for kind in self.classes]
        stacked = np.stack(parts)  # class, greenness, leaf area, band, coefficient
        return np.ascontiguousarray(np.moveaxis(stacked, 3, 0).reshape(len(self.bands.names), -1), dtype=np.float32)

    def cells(self, sun_zenith: Field, view_zenith: Field, relative_azimuth: Field) -> Layer:
        """Return the coefficients of every cell in its own geometry, shape (cell, band); of bare ground out of sight.

        Parameters
        ----------
        sun_zenith, view_zenith, relative_azimuth
            Degrees, shape (cell,).
        """
        bare = {name: float(name in _OPEN) for name in Layer._fields}
        shape = (view_zenith.size, len(self.bands.names))
        found = {name: np.full(shape, value, np.float32) for name, value in bare.items()}
        names = ("lai", "clumping_index", "greenness")
        lai, clumping, green = (flat(self.state[name].values) for name in names)
        lit = (sun_zenith <= MAX_SUN) & (view_zenith <= MAX_VIEW) & (lai > 0)
        cover = self.static["land_cover"].values.reshape(-1)
        for kind in self.classes:
            here = np.flatnonzero(lit & (cover == kind))
            stand = species(int(kind), self.members)
            parameters = CanopyParameters(
                **_narrow(leaf_traits(int(kind), green[here], self.members)),
                lai=(lai * clumping)[here],
                leaf_angles=campbell(stand.leaf_angle),
                hotspot=stand.hotspot,
                sun_zenith=sun_zenith[here],
                view_zenith=view_zenith[here],
                relative_azimuth=relative_azimuth[here],
            )
            layer = canopy_bands(parameters, self.bands.leaf, self.bands.weights)
            for name, part in found.items():
                part[here] = getattr(layer, name)
        return Layer(**found)

    def _layers(self, kind: int, sun: float, view: float, azimuth: float) -> NDArray[np.float32]:
        stand = species(kind, self.members)
        leaves = prospect_d(**_narrow(leaf_traits(kind, GREENS[:, None], self.members)), constants=self.bands.leaf)
        layer = four_sail(
            *leaves,
            lai=LEAVES,
            leaf_angles=campbell(stand.leaf_angle),
            hotspot=stand.hotspot,
            sun_zenith=sun,
            view_zenith=view,
            relative_azimuth=azimuth,
        )
        return np.stack([self._averaged(getattr(layer, name)) for name in self.names], axis=-1)

    def _averaged(self, spectra: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the band averages of a coefficient; those without wavelength are the same in all bands."""
        seen = spectra if spectra.shape[-1] == 1 else self.bands.average(spectra)
        return np.broadcast_to(seen, (GREENS.size, LEAVES.size, len(self.bands.names)))


def _narrow(traits: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    """Return the traits as float32, in which leaves and canopies then run: within 1e-5 and twice as fast."""
    return {name: values.astype(np.float32) for name, values in traits.items()}


@dataclass(frozen=True, eq=False)
class Reflector:
    """Bidirectional reflectance of a world in some bands, for one look.

    Where the angles vary little, the canopies are tabulated at nodes of the angles and interpolated; where that takes
    more cases than the world has cells (strips, the globe), 4SAIL runs for every cell in its own geometry.
    """

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
    def _angles(self) -> tuple[tuple[Field, ...], tuple[NDArray[np.float64], ...]]:
        """Solar zenith angle and the view as a point on the map of the sky (deg), and nodes for each."""
        turn = np.radians(self.relative_azimuth)
        fields = (self.state["sun_zenith"].values, self.view_zenith * np.cos(turn), self.view_zenith * np.sin(turn))
        return fields, tuple(_nodes(values, _ANGLE_STEP) for values in fields)

    @cached_property
    def _own(self) -> Layer | None:
        """Coefficients of every cell in its own geometry, shape (cell, band); None where tables cost less."""
        looks = math.prod(nodes.size for nodes in self._angles[1])
        cases = looks * self._stands.classes.size * GREENS.size * LEAVES.size
        if looks == 1 or 2 * cases <= self.view_zenith.size:
            return None
        return self._stands.cells(flat(self._angles[0][0]), flat(self.view_zenith), flat(self.relative_azimuth))

    @cached_property
    def _tables(self) -> list[tuple[Field | float, NDArray[np.float32]]]:
        """Weight (image or number) and tables of each node of the angles."""
        fields, axes = self._angles
        out = []
        for (a, sun), (b, x), (c, y) in itertools.product(
            *(list(_hats(*pair)) for pair in zip(fields, axes, strict=True))
        ):
            weight = a * b * c
            if np.any(weight):
                zenith, azimuth = math.hypot(x, y), math.degrees(math.atan2(y, x))
                out.append((weight, self._stands.tables(min(sun, _LAST), min(zenith, _LAST), azimuth)))
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
        """Return the reflectance factor of a band, shape (y, x); 0 where neither atmosphere nor canopy is modelled.

        Parameters
        ----------
        index
            Row of the weights.
        direct
            Share of direct light in the downward irradiance of the band, on level ground.
        """
        below = self._ground.band(index)
        beam, sky = self._slope
        lit = np.asarray(direct * beam, dtype=np.float32)
        light = np.asarray(lit + (1 - direct) * sky, dtype=np.float32)
        share = np.divide(lit, light, out=np.zeros_like(light), where=light > 0)
        if self._own is not None:
            layer = Layer(*(part[:, min(index, part.shape[1] - 1)] for part in self._own))
            both = over_soil(layer, flat(below))
            mixed = both.rdot + flat(share) * (both.rsot - both.rdot)
            return np.asarray(mixed.reshape(below.shape) * light, dtype=np.float32)
        return self._interpolated(index, below, share) * light

    def _interpolated(self, index: int, below: Field, share: Field) -> Field:
        counts = [np.full(1, size, np.float32) for size in (GREENS.size, LEAVES.size)]
        position, ground, direct = self._stands.position, flat(below), flat(share)
        total = np.zeros(below.shape, dtype=np.float32)
        for weight, tables in self._tables:
            seen = stands.directional(tables[index], *position, *counts, ground, direct)
            total += weight * seen.reshape(below.shape)
        return total


def _nodes(values: Field, step: float) -> NDArray[np.float64]:
    """Return nodes about a step apart over the values; one for a narrow spread."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if high - low <= _SMALL * step:
        return np.array([(low + high) / 2])
    return np.linspace(low, high, 1 + math.ceil((high - low) / step))


def _hats(values: Field, nodes: NDArray[np.float64]) -> Iterator[tuple[Field | float, float]]:
    """Yield weight and place of each node for linear interpolation."""
    if nodes.size == 1:
        yield 1.0, float(nodes[0])
        return
    place = (values - nodes[0]) / (nodes[1] - nodes[0])
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
        return np.ascontiguousarray(
            np.moveaxis(self.bands.average(spectra), -1, 0).reshape(len(self.bands.names), -1), np.float32
        )

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
    open_land = bare + state["snow_fraction"].values * (0.99 - bare)
    mixed = open_land + cover * (0.985 - open_land)
    wet = np.isin(static["land_cover"].values, (WATER, SNOW))
    return np.asarray(np.where(wet, 0.99, mixed), dtype=np.float32)
