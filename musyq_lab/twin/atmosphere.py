"""The atmosphere over a world, band by band: 6S by the shipped tables, or direct 6S for the scored set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from musyq_lab.standard import atmosphere

Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Column:
    """State of the air and geometry over some cells; every field has the shape of the cells."""

    sun_zenith: Field
    """Degrees."""
    view_zenith: Field
    """Degrees."""
    relative_azimuth: Field
    """Degrees, 0 with sun and sensor on one side."""
    aod: Field
    """At 550 nm (1)."""
    water_vapour: Field
    """kg m-2."""
    ozone: Field
    """Dobson units."""
    pressure: Field
    """At the surface (hPa)."""
    exact: bool = False
    """Whether 6S itself is run, once a band for the mean state, and the table only carries that to the cells."""

    def of(self, sensor: str, band: str, variant: str) -> BandColumn:
        """Return the column in a band."""
        return BandColumn(self, sensor, band, variant)


@dataclass(frozen=True, eq=False)
class BandColumn:
    """The column in one band."""

    column: Column
    """State and geometry."""
    sensor: str
    """Key."""
    band: str
    """Role or native name."""
    variant: str
    """Platform or camera."""

    def _coefficients(self, vapour: Field | float) -> atmosphere.Coefficients:
        air = self.column
        return atmosphere.coefficients(
            self.sensor,
            self.band,
            self.variant,
            sun_zenith=air.sun_zenith,
            view_zenith=air.view_zenith,
            relative_azimuth=air.relative_azimuth,
            aod=air.aod,
            water_vapour=air.water_vapour * vapour,
            ozone=air.ozone,
            pressure=air.pressure,
        )

    @cached_property
    def coefficients(self) -> atmosphere.Coefficients:
        """Coefficients of 6S for every cell."""
        return self._coefficients(1.0)

    @property
    def direct(self) -> float:
        """Mean share of direct light in the irradiance at the ground."""
        air = self.column
        direct, diffuse = atmosphere.irradiance(
            self.sensor,
            self.band,
            self.variant,
            sun_zenith=air.sun_zenith,
            aod=air.aod,
            water_vapour=air.water_vapour,
            ozone=air.ozone,
            pressure=air.pressure,
        )
        with np.errstate(invalid="ignore"):
            share = float(np.nanmean(direct / (direct + diffuse)))
        return share

    def top(self, surface: Field) -> Field:
        """Return the reflectance at the top of the atmosphere over a surface."""
        return np.asarray(atmosphere.toa_reflectance(surface, self.coefficients), dtype=np.float32)

    def gas_above(self, vapour: Field) -> Field:
        """Return the transmittance of the gases, down and up, with a part of the vapour (1)."""
        return np.asarray(self._coefficients(vapour).gas, dtype=np.float32)
