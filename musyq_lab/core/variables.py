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


_VEGETATION = (
    Quantity("ndvi", "normalized_difference_vegetation_index", "1", "NDVI", "NDVI of the surface", (-1.0, 1.0)),
    Quantity("evi", "", "1", "EVI", "enhanced vegetation index of the surface", (-1.0, 2.0)),
    Quantity("savi", "", "1", "SAVI", "soil-adjusted vegetation index of the surface", (-1.5, 1.5)),
    Quantity("lswi", "", "1", "LSWI", "land surface water index, (nir - swir1) / (nir + swir1)", (-1.0, 1.0)),
    Quantity("ndvi_minimum", "", "1", "NDVI_min", "lowest NDVI of the year at the place", (-1.0, 1.0)),
    Quantity("ndvi_maximum", "", "1", "NDVI_max", "highest NDVI of the year at the place", (-1.0, 1.0)),
    Quantity("lswi_maximum", "", "1", "LSWI_max", "highest LSWI of the growing season at the place", (-1.0, 1.0)),
    Quantity("fpar_maximum", "", "1", "fAPAR_max", "highest FPAR of the year at the place", (0.0, 1.0)),
    Quantity("lai", "leaf_area_index", "m2 m-2", "LAI", "green leaf area, one side, per ground area", (0.0, 15.0)),
    Quantity("lai_maximum", "", "m2 m-2", "LAI_max", "largest leaf area index of the year", (0.0, 15.0)),
    Quantity("clumping_index", "", "1", "Omega", "effective over true leaf area index", (0.1, 1.0)),
    Quantity("fvc", "", "1", "FVC", "share of the ground covered by green leaves, seen from above", (0.0, 1.0)),
    Quantity(
        "fpar",
        "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation",
        "1",
        "FPAR",
        "share of photosynthetically active radiation that green leaves absorb",
        (0.0, 1.0),
    ),
    Quantity("canopy_height", "canopy_height", "m", "h", "height of the canopy above the ground", (0.0, 120.0)),
    Quantity(
        "gpp",
        "gross_primary_productivity_of_biomass_expressed_as_carbon",
        "g m-2 d-1",
        "GPP",
        "gross primary production as mass of carbon",
        (0.0, 60.0),
    ),
)

_GEOMETRY = (
    Quantity("sun_zenith", "solar_zenith_angle", "degree", "theta_s", "zenith angle of the Sun", (0.0, 180.0)),
    Quantity("view_zenith", "sensor_zenith_angle", "degree", "theta_v", "zenith angle of the sensor", (0.0, 90.0)),
    Quantity(
        "relative_azimuth",
        "relative_sensor_azimuth_angle",
        "degree",
        "phi",
        "azimuth between Sun and sensor, 0 with both on one side",
        (0.0, 180.0),
    ),
)

_WEATHER = (
    Quantity("air_temperature_min", "", "K", "T_min", "lowest air temperature of the day at 2 m", (180.0, 335.0)),
    Quantity("air_temperature_max", "", "K", "T_max", "highest air temperature of the day at 2 m", (180.0, 335.0)),
    Quantity("air_temperature_day", "", "K", "T_day", "mean air temperature by day at 2 m", (180.0, 335.0)),
    Quantity("air_temperature_night", "", "K", "T_night", "mean air temperature by night at 2 m", (180.0, 335.0)),
    Quantity("air_temperature_annual", "", "K", "T_year", "mean air temperature of the year at 2 m", (180.0, 335.0)),
    Quantity(
        "optimum_temperature", "", "K", "T_opt", "air temperature at which the vegetation produces most", (250.0, 320.0)
    ),
    Quantity("relative_humidity", "relative_humidity", "1", "RH", "relative humidity at 2 m", (0.0, 1.05)),
    Quantity("specific_humidity", "specific_humidity", "1", "q", "mass of vapour over mass of moist air", (0.0, 0.05)),
    Quantity(
        "vapour_pressure", "water_vapor_partial_pressure_in_air", "Pa", "e_a", "vapour pressure at 2 m", (0.0, 8000.0)
    ),
    Quantity(
        "vapour_pressure_deficit",
        "water_vapor_saturation_deficit_in_air",
        "Pa",
        "VPD",
        "saturation less actual vapour pressure by day at 2 m",
        (0.0, 12000.0),
    ),
    Quantity(
        "vapour_pressure_deficit_night", "", "Pa", "VPD_n", "vapour pressure deficit by night at 2 m", (0.0, 12000.0)
    ),
    Quantity("surface_pressure", "surface_air_pressure", "Pa", "p", "air pressure at the surface", (3e4, 1.1e5)),
    Quantity("wind_speed", "wind_speed", "m s-1", "u_2", "wind speed at 2 m", (0.0, 75.0)),
    Quantity("precipitation", "lwe_precipitation_rate", "mm d-1", "P", "precipitation, mean over the period", (0, 2e3)),
    Quantity(
        "carbon_dioxide",
        "mole_fraction_of_carbon_dioxide_in_air",
        "1e-6",
        "c_a",
        "carbon dioxide of dry air",
        (100, 2e3),
    ),
    Quantity("soil_moisture", "", "1", "theta", "water of the root zone as share of what plants can use", (0.0, 1.0)),
    Quantity("evaporation_ratio", "", "1", "E/E_p", "actual over potential evapotranspiration", (0.0, 1.5)),
    Quantity(
        "evaporation_ratio_mean", "", "1", "alpha", "evaporation ratio of the place, mean of the years", (0.0, 1.5)
    ),
)

_ENERGY = (
    Quantity(
        "downward_par",
        "surface_downwelling_photosynthetic_radiative_flux_in_air",
        "W m-2",
        "PAR",
        "downward photosynthetically active irradiance (400-700 nm), of an instant or mean over the period",
        (0.0, 700.0),
    ),
    Quantity(
        "photon_flux",
        "surface_downwelling_photosynthetic_photon_flux_in_air",
        "umol m-2 s-1",
        "PPFD",
        "downward photosynthetic photon flux, of an instant or mean over the period",
        (0.0, 3200.0),
    ),
    Quantity("net_radiation", "surface_net_downward_radiative_flux", "W m-2", "R_n", "net radiation", (-300.0, 1200.0)),
    Quantity(
        "net_radiation_day", "", "W m-2", "R_n", "net radiation by day, mean over the hours of light", (-300, 1200)
    ),
    Quantity(
        "net_radiation_night", "", "W m-2", "R_n", "net radiation by night, mean over the dark hours", (-300, 300)
    ),
    Quantity("ground_heat", "", "W m-2", "G", "heat flux into the ground", (-300.0, 600.0)),
    Quantity("albedo", "surface_albedo", "1", "alpha", "shortwave albedo of the surface", (0.0, 1.0)),
    Quantity("surface_temperature", "surface_temperature", "K", "T_s", "land surface temperature", (180.0, 370.0)),
    Quantity(
        "broadband_emissivity", "surface_longwave_emissivity", "1", "eps", "emissivity in the longwave", (0.6, 1.0)
    ),
)

_SHORTWAVE = (
    Quantity(
        "extraterrestrial_shortwave",
        "toa_incoming_shortwave_flux",
        "W m-2",
        "E_0",
        "solar irradiance at the top of the atmosphere on a plane that faces the Sun",
        (1300.0, 1430.0),
    ),
    Quantity("linke_turbidity", "", "1", "T_L", "Linke turbidity at an air mass of 2", (1.0, 15.0)),
    Quantity("cloud_index", "", "1", "n", "Heliosat's cloud index, 0 without and 1 under a thick cloud", (-1.0, 2.0)),
    Quantity("ground_reflectance", "", "1", "rho_g", "apparent reflectance of the place without clouds", (0.0, 1.0)),
    Quantity("cloud_reflectance", "", "1", "rho_c", "apparent reflectance of a thick cloud", (0.2, 1.5)),
    Quantity("cloud_optical_depth", "atmosphere_optical_thickness_due_to_cloud", "1", "tau_c", "at 550 nm", (0, 250)),
    Quantity("cloud_fraction", "cloud_area_fraction", "1", "c", "share of the sky covered by clouds", (0.0, 1.0)),
    Quantity("diffuse_fraction", "", "1", "D", "diffuse over global irradiance on the horizontal", (0.0, 1.0)),
    Quantity("snow_fraction", "surface_snow_area_fraction", "1", "f_s", "share of the ground under snow", (0.0, 1.0)),
)

_AIR = (
    Quantity(
        "aod",
        "atmosphere_optical_thickness_due_to_ambient_aerosol_particles",
        "1",
        "tau_a",
        "optical depth of the aerosol at 550 nm",
        (0.0, 5.0),
    ),
    Quantity("angstrom_exponent", "", "1", "alpha", "Angstrom exponent of the aerosol", (-0.5, 3.0)),
    Quantity(
        "water_vapour", "atmosphere_mass_content_of_water_vapor", "kg m-2", "W", "column of water vapour", (0.0, 100.0)
    ),
    Quantity("ozone", "", "DU", "O3", "column of ozone", (50.0, 700.0)),
)

_LONGWAVE = (
    Quantity(
        "downward_longwave",
        "surface_downwelling_longwave_flux_in_air",
        "W m-2",
        "L_d",
        "downward longwave irradiance at the surface",
        (30.0, 700.0),
    ),
    Quantity(
        "upward_longwave",
        "surface_upwelling_longwave_flux_in_air",
        "W m-2",
        "L_u",
        "upward longwave irradiance at the surface, emitted and reflected",
        (50.0, 1100.0),
    ),
    Quantity("aster_ndvi", "", "1", "", "NDVI of the ASTER Global Emissivity Dataset at the place", (-1.0, 1.0)),
    *(
        Quantity(f"aster_emissivity_{n}", "", "1", f"eps_{n}", f"emissivity of ASTER GED, band {n}", (0.4, 1.0))
        for n in range(10, 15)
    ),
)


def _thermal(role: str) -> tuple[Quantity, ...]:
    # "tir_8_6" is the band at 8.6 um.
    centre = role.removeprefix("tir_").replace("_", ".")
    band = f"the band at {centre} um" if role.startswith("tir_") else f"the {role.replace('_', ' ')} band"
    radiance = "W m-2 sr-1 um-1"
    return (
        Quantity(
            f"brightness_temperature_{role}",
            "toa_brightness_temperature",
            "K",
            f"T_{role}",
            f"brightness temperature at the top of the atmosphere in {band}",
            (140.0, 500.0),
        ),
        Quantity(f"emissivity_{role}", "", "1", f"eps_{role}", f"emissivity of the surface in {band}", (0.4, 1.0)),
        Quantity(f"radiance_{role}", "", radiance, f"L_{role}", f"radiance in {band}, top of atmosphere", (0.0, 100.0)),
        Quantity(f"path_radiance_{role}", "", radiance, "L_up", f"radiance of the air upward in {band}", (0.0, 50.0)),
        Quantity(f"sky_radiance_{role}", "", radiance, "L_down", f"radiance of the sky in {band}", (0.0, 50.0)),
        Quantity(f"transmittance_{role}", "", "1", "tau", f"transmittance of the air, upward, in {band}", (0.0, 1.0)),
    )


def _toa_reflectance(role: str) -> Quantity:
    return Quantity(
        f"toa_reflectance_{role}",
        "toa_bidirectional_reflectance",
        "1",
        f"rho*_{role}",
        f"reflectance at the top of the atmosphere in the {role.replace('_', ' ')} band",
        (-0.05, 2.0),
    )


def _kernel_weight(kind: str, role: str) -> Quantity:
    words = {"iso": "isotropic", "vol": "volume (RossThick)", "geo": "geometric (LiSparse-R)"}
    low = -0.05 if kind == "iso" else -1.0
    meaning = f"weight of the {words[kind]} kernel of the reflectance in the {role.replace('_', ' ')} band"
    return Quantity(f"brdf_{kind}_{role}", "", "1", f"f_{kind}", meaning, (low, 2.0))


_REFLECTIVE = tuple(role.name for role in BAND_ROLES.values() if not role.thermal)

_ROWS = (
    *(_reflectance(role) for role in _REFLECTIVE),
    *(_toa_reflectance(role) for role in _REFLECTIVE),
    *(_kernel_weight(kind, role) for role in _REFLECTIVE for kind in ("iso", "vol", "geo")),
    *(row for role in BAND_ROLES.values() if role.thermal for row in _thermal(role.name)),
    Quantity(
        "clear_sky_shortwave",
        "surface_downwelling_shortwave_flux_in_air_assuming_clear_sky",
        "W m-2",
        "G_c",
        "downward shortwave irradiance at the surface without clouds, of an instant or mean over the period",
        (0.0, 1500.0),
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
        "downward shortwave irradiance at the surface, of an instant or mean over the period",
        (0.0, 1500.0),
    ),
    Quantity("altitude", "surface_altitude", "m", "z", "height of the surface above mean sea level", (-500.0, 9000.0)),
    Quantity("air_temperature", "air_temperature", "K", "T_a", "air temperature at 2 m", (180.0, 335.0)),
    Quantity("land_cover", "", "1", "", "land cover class of the IGBP legend, 1 to 17", (0.0, 255.0)),
    *_VEGETATION,
    *_GEOMETRY,
    *_WEATHER,
    *_ENERGY,
    *_SHORTWAVE,
    *_AIR,
    *_LONGWAVE,
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
