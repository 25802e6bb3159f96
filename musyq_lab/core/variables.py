"""The nomenclature: every input quantity of every product, once.

Inputs, documentation, figures and error messages take name, units and meaning from here; a name that is not in the
table does not exist. Standard names follow the CF Standard Name Table (version 85 and later).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from musyq_lab.core.errors import NotFoundError, closest


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the nomenclature."""

    name: str
    """Name of the variable in a Dataset and of the argument of a retrieval."""
    standard_name: str
    """CF standard name, empty where CF has none."""
    units: str
    """Canonical units (UDUNITS spelling)."""
    symbol: str
    """Symbol used in equations."""
    meaning: str
    """What it is, in one line."""
    valid_range: tuple[float, float]
    """Physically possible values, in ``units``; anything outside is a fault of the data."""


@dataclass(frozen=True, slots=True)
class BandRole:
    """A spectral role that a sensor's band can play."""

    name: str
    """Role name, the label along the ``band`` dimension."""
    wavelength_range: tuple[float, float]
    """Centre wavelengths (um) that may carry this role."""

    @property
    def thermal(self) -> bool:
        """Whether the band is given as brightness temperature, not as reflectance."""
        return self.wavelength_range[0] >= 3.0


# The ranges enclose the band centres of all sensors of the programme (Sentinel-2, Landsat, MODIS, VIIRS, MERSI, GF, HJ,
# AHI, AGRI, SEVIRI) and do not claim to be anybody's standard.
BAND_ROLES = MappingProxyType(
    {
        role.name: role
        for role in (
            BandRole("coastal", (0.400, 0.455)),
            BandRole("blue", (0.440, 0.515)),
            BandRole("green", (0.505, 0.590)),
            BandRole("yellow", (0.590, 0.630)),
            BandRole("red", (0.600, 0.695)),
            BandRole("red_edge_1", (0.690, 0.725)),
            BandRole("red_edge_2", (0.725, 0.760)),
            BandRole("red_edge_3", (0.760, 0.800)),
            BandRole("nir", (0.750, 0.900)),
            BandRole("nir_narrow", (0.845, 0.885)),
            BandRole("water_vapour", (0.890, 0.960)),
            BandRole("nir_1240", (1.220, 1.260)),
            BandRole("cirrus", (1.350, 1.400)),
            BandRole("swir1", (1.550, 1.700)),
            BandRole("swir2", (2.050, 2.350)),
            BandRole("pan", (0.500, 0.760)),
            BandRole("mir", (3.500, 4.000)),
            BandRole("vapour_upper", (5.900, 6.600)),
            BandRole("vapour_lower", (6.600, 7.500)),
            BandRole("tir_8_6", (8.300, 8.900)),
            BandRole("ozone", (9.400, 9.900)),
            BandRole("tir_10_4", (10.200, 10.600)),
            BandRole("tir1", (10.500, 11.600)),
            BandRole("tir2", (11.600, 12.700)),
            BandRole("carbon_dioxide", (13.000, 14.000)),
        )
    }
)


def _reflectance(role: str) -> Quantity:
    return Quantity(
        f"reflectance_{role}",
        "surface_bidirectional_reflectance",
        "1",
        f"rho_{role}",
        f"surface reflectance in the {role.replace('_', ' ')} band",
        # Corrected reflectance may be slightly negative over dark targets and exceed 1 over bright snow off nadir.
        (-0.05, 1.6),
    )


_ROWS = (
    *(_reflectance(role.name) for role in BAND_ROLES.values() if not role.thermal),
    Quantity(
        "clear_sky_shortwave",
        "surface_downwelling_shortwave_flux_in_air_assuming_clear_sky",
        "W m-2",
        "G_c",
        "downward shortwave irradiance at the surface without clouds, mean over the period",
        (0.0, 600.0),
    ),
    Quantity(
        "clear_sky_index",
        "",
        "1",
        "k_c",
        "global horizontal irradiance over its clear-sky value",
        (0.0, 1.5),
    ),
    Quantity(
        "downward_shortwave",
        "surface_downwelling_shortwave_flux_in_air",
        "W m-2",
        "G",
        "downward shortwave irradiance at the surface, mean over the period",
        (0.0, 600.0),
    ),
    Quantity("altitude", "surface_altitude", "m", "z", "height of the surface above mean sea level", (-500.0, 9000.0)),
    Quantity("air_temperature", "air_temperature", "K", "T_a", "air temperature at 2 m", (180.0, 335.0)),
    Quantity("land_cover", "", "1", "", "land cover class", (0.0, 255.0)),
)

QUANTITIES = MappingProxyType({row.name: row for row in _ROWS})


def quantity(name: str) -> Quantity:
    """Return the nomenclature's row for a name.

    Raises
    ------
    NotFoundError
        If the table has no such name.
    """
    try:
        return QUANTITIES[name]
    except KeyError:
        message = f"The nomenclature has no quantity {name!r}.{closest(name, QUANTITIES)}"
        raise NotFoundError(message) from None
