"""What the surface of a world does with all sunlight: blue-sky albedo, and the share of PAR that leaves absorb."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.kernels import stands
from musyq_lab.standard.spectra import Bands, broad_bands, intervals
from musyq_lab.twin.surface import GREENS, LEAVES, STEP, Field, Ground, Stands, flat

SUNS = (0.0, 25.0, 45.0, 60.0, 70.0, 80.0)
"""Solar zenith angles (deg) between which albedo and absorption are interpolated; the last holds beyond."""

_ALIKE = 0.05  # of the distance of two of them: about a degree


@dataclass(frozen=True, eq=False)
class LightTables:
    """Layer coefficients of the stands of a world in the intervals of sunlight and in PAR; made once a world."""

    static: xr.Dataset
    """Fixed fields."""
    members: str
    """Set of traits and soils."""

    @cached_property
    def suns(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Tables of the intervals and of PAR at each of :data:`SUNS`, shape (band, number)."""
        shortwave, par = (self.stands(xr.Dataset(), bands) for bands in (_intervals()[0], _par()))
        return [(shortwave.tables(sun, 0.0, 0.0), par.tables(sun, 0.0, 0.0)) for sun in SUNS]

    def stands(self, state: xr.Dataset, bands: Bands) -> Stands:
        """Return the stands of a state in some bands."""
        return Stands(self.static, state, bands, self.members, stands.HEMISPHERICAL)


@dataclass(frozen=True, eq=False)
class Light:
    """Albedo and absorption by the leaves during a day; canopy and ground are those of its noon (UTC)."""

    tables: LightTables
    """Of the world."""
    noon: xr.Dataset
    """Canopy and weather."""
    _made: dict[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @cached_property
    def _grounds(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Reflectance of the ground in the intervals and in PAR, shape (band, cell)."""
        shortwave, par = (
            Ground(self.tables.static, self.noon, bands, self.tables.members) for bands in (_intervals()[0], _par())
        )
        intervals = np.stack([flat(shortwave.band(k)) for k in range(len(shortwave.bands.names))])
        return intervals, flat(par.band(0))[np.newaxis]

    def _node(self, k: int) -> NDArray[np.float32]:
        """Return black-sky and white-sky albedo, absorption of beam and sky under a sun of :data:`SUNS`."""
        if k not in self._made:
            shortwave, par = self.tables.suns[k]
            below, in_par = self._grounds
            position = self.tables.stands(self.noon, _par()).position
            counts = [np.full(1, size, np.float32) for size in (GREENS.size, LEAVES.size)]
            albedo = np.zeros((2, below.shape[1]), np.float32)
            for table, ground, light in zip(shortwave, below, _intervals()[1].astype(np.float32), strict=True):
                black, white, _, _ = stands.hemispherical(table, *position, *counts, ground)
                albedo[0] += light * black
                albedo[1] += light * white
            _, _, beam, sky = stands.hemispherical(par[0], *position, *counts, in_par[0])
            self._made[k] = np.stack([*albedo, beam, sky])
        return self._made[k]

    def __call__(self, sun_zenith: Field, cloud_transmittance: Field) -> xr.Dataset:
        """Return ``albedo`` and ``fpar`` of an instant, dims (y, x).

        Parameters
        ----------
        sun_zenith
            Degrees, shape (y, x); beyond 80 degrees counts as that angle.
        cloud_transmittance
            Of the clouds towards the sun. A fifth of the light is diffuse under a clear sky, all of it under a thick
            cloud (assumed).
        """
        black, white, beam, sky = self._under(flat(sun_zenith))
        diffuse = 1 - np.float32(0.8) * np.clip(flat(cloud_transmittance), 0, 1)
        albedo = (black + diffuse * (white - black)).reshape(sun_zenith.shape)
        fpar = np.clip(beam + diffuse * (sky - beam), 0, 1).reshape(sun_zenith.shape)
        named = {"albedo": ("blue-sky albedo", albedo), "fpar": ("fraction of PAR absorbed", fpar)}
        return xr.Dataset({name: (("y", "x"), f, {"units": "1", "long_name": t}) for name, (t, f) in named.items()})

    def _under(self, sun_zenith: Field) -> NDArray[np.float32]:
        """Interpolate what :meth:`_node` returns to the sun over each cell; over a small world it is the same."""
        place = np.interp(sun_zenith, SUNS, np.arange(len(SUNS))).astype(np.float32)
        if np.ptp(place) < _ALIKE:
            place = np.mean(place, keepdims=True)
        low = np.minimum(place.astype(np.intp), len(SUNS) - 2)
        out = np.zeros((4, sun_zenith.size), np.float32)
        for k in np.unique([low, low + 1]):
            out += np.maximum(1 - np.abs(place - np.float32(k)), 0) * self._node(int(k))
        return out


@lru_cache(maxsize=1)
def _intervals() -> tuple[Bands, NDArray[np.float64]]:
    return intervals(step=STEP)


@lru_cache(maxsize=1)
def _par() -> Bands:
    return broad_bands(("par",), step=STEP)
