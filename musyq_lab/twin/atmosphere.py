"""The atmosphere over a world, band by band: 6S by the shipped tables, or direct 6S for the scored set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
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

    @cached_property
    def flat(self) -> dict[str, Field]:
        """The fields by the names that :mod:`musyq_lab.standard.atmosphere` gives them, in one dimension."""
        names = ("sun_zenith", "view_zenith", "relative_azimuth", "aod", "water_vapour", "ozone", "pressure")
        return {name: np.ascontiguousarray(getattr(self, name), dtype=np.float32).reshape(-1) for name in names}

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

    @cached_property
    def coefficients(self) -> atmosphere.Coefficients:
        """Coefficients of 6S for every cell, in one dimension."""
        found = self._at(self.column.flat)
        return self._corrected(found) if self.column.exact else found

    def _corrected(self, found: atmosphere.Coefficients) -> atmosphere.Coefficients:
        """Move the table's coefficients by what 6S itself says of the mean state."""
        mean = {name: float(np.mean(values, dtype=np.float64)) for name, values in self.column.flat.items()}
        try:
            truth = atmosphere.direct_coefficients(self.sensor, self.band, self.variant, **mean)
        except InputError:  # beyond 1.9 um 6S has no answer above sea level
            mean["pressure"] = atmosphere.PRESSURE
            truth = atmosphere.direct_coefficients(self.sensor, self.band, self.variant, **mean)
        table = atmosphere.coefficients(self.sensor, self.band, self.variant, **mean)
        moved = (values + np.float32(true - own) for values, true, own in zip(found, truth, table, strict=True))
        return atmosphere.Coefficients(*moved)

    def _at(self, state: dict[str, Field]) -> atmosphere.Coefficients:
        return atmosphere.coefficients(self.sensor, self.band, self.variant, **state)

    def direct(self) -> float:
        """Share of direct light in the irradiance at the ground, for the mean state."""
        names = ("sun_zenith", "aod", "water_vapour", "ozone", "pressure")
        # Arrays of one float32: the tables of the cells serve them too.
        state = {name: np.mean(self.column.flat[name], keepdims=True) for name in names}
        direct, diffuse = atmosphere.irradiance(self.sensor, self.band, self.variant, **state)
        return float(direct[0] / (direct[0] + diffuse[0])) if direct[0] + diffuse[0] > 0 else 0.0

    def top(self, surface: Field) -> Field:
        """Return the reflectance at the top of the atmosphere over a surface."""
        flat = atmosphere.toa_reflectance(np.ascontiguousarray(surface).reshape(-1), self.coefficients)
        return np.asarray(flat, dtype=np.float32).reshape(surface.shape)

    def gas_above(self, vapour: Field, where: NDArray[np.bool_]) -> Field:
        """Return the transmittance of the gases, down and up, with a part of the vapour (1); 1 elsewhere."""
        chosen = where.reshape(-1)
        state = {name: values[chosen] for name, values in self.column.flat.items()}
        state["water_vapour"] = state["water_vapour"] * vapour.reshape(-1)[chosen]
        out = np.ones(where.shape, dtype=np.float32)
        out[where] = self._at(state).gas
        return out
