"""The nomenclature: units parse, names are CF's form, ranges are physical and catch the usual wrong unit."""

import math
import re

import pytest

from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.units import convertible
from musyq_lab.core.variables import BAND_ROLES, QUANTITIES, quantity

# Band centres (um): Sentinel-2A MSI (ESA), Landsat 8 OLI (USGS), MODIS (NASA MCST), SEVIRI (EUMETSAT), AHI (JMA).
CENTRES = [
    ("coastal", 0.4427), ("blue", 0.4924), ("green", 0.5598), ("red", 0.6646), ("red_edge_1", 0.7041),
    ("red_edge_2", 0.7405), ("red_edge_3", 0.7828), ("nir", 0.8328), ("nir_narrow", 0.8647), ("water_vapour", 0.9451),
    ("cirrus", 1.3735), ("swir1", 1.6137), ("swir2", 2.2024),
    ("coastal", 0.4430), ("blue", 0.4826), ("green", 0.5613), ("red", 0.6546), ("nir", 0.8646), ("swir1", 1.6090),
    ("swir2", 2.2010), ("blue", 0.469), ("green", 0.555), ("red", 0.645), ("nir", 0.8585), ("swir1", 1.640),
    ("swir2", 2.130), ("red", 0.635), ("nir", 0.81), ("blue", 0.47063), ("green", 0.51),
    ("swir1", 1.61), ("swir2", 2.25), ("mir", 3.885), ("vapour_upper", 6.243), ("vapour_lower", 7.347),
    ("tir_8_6", 8.592), ("ozone", 9.637), ("tir_10_4", 10.407), ("tir1", 11.24), ("tir2", 12.38), ("tir1", 10.8),
    ("tir2", 12.0), ("carbon_dioxide", 13.311), ("pan", 0.5917), ("pan", 0.7199), ("nir_1240", 1.240), ("yellow", 0.62),
]  # fmt: skip


@pytest.mark.parametrize(("role", "centre"), CENTRES)
def test_roles_hold_the_bands_of_known_sensors(role, centre):
    low, high = BAND_ROLES[role].wavelength_range
    assert low <= centre <= high


def test_roles_are_um_and_each_reflective_one_has_a_reflectance():
    for name, role in BAND_ROLES.items():
        low, high = role.wavelength_range
        assert role.name == name
        assert 0.3 < low < high < 15.0
        assert role.thermal == (low > 3.0)
        assert (f"reflectance_{name}" in QUANTITIES) == (high < 3.0)
        if not role.thermal:
            assert quantity(f"reflectance_{name}").units == "1"


@pytest.mark.parametrize("row", QUANTITIES.values(), ids=lambda row: row.name)
def test_each_row_is_complete(row):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", row.name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*|", row.standard_name)
    assert convertible(row.units, row.units)
    assert row.meaning
    low, high = row.valid_range
    assert math.isfinite(low)
    assert low < high < math.inf


def test_unknown_name_suggests():
    with pytest.raises(NotFoundError, match=r"no quantity 'reflectance_rad'. Did you mean 'reflectance_red'"):
        quantity("reflectance_rad")


def test_table_is_read_only():
    with pytest.raises(TypeError):
        QUANTITIES["x"] = quantity("altitude")


def test_irradiance_range_holds_the_sun_overhead_at_its_nearest():
    """S (r0/r)^2 with S = 1361 W m-2, above which only the rims of clouds lift a place."""
    largest = 1361.0 / 0.98329**2
    for name in ("downward_shortwave", "clear_sky_shortwave"):
        low, high = quantity(name).valid_range
        assert low == 0.0
        assert largest < high < 2000.0  # kJ m-2 in a day are caught


@pytest.mark.parametrize(
    ("name", "possible", "wrong"),
    [
        ("air_temperature", [183.9, 329.9], [-89.2, 25.0, 134.0]),  # records of Vostok and Death Valley; degC, degF
        ("reflectance_red", [0.0, 0.05, 1.2], [5.0, 3000.0, -0.2]),  # %, x 10^4
        ("altitude", [-431.0, 8849.0], [-9999.0, 29032.0]),  # Dead Sea and Everest; fill, feet
        ("clear_sky_index", [0.0, 1.2], [-0.1, 70.0]),  # %
        ("land_cover", [0, 16, 255], [-1, 256]),
    ],
)
def test_ranges_tell_the_possible_from_the_wrong_unit(name, possible, wrong):
    low, high = quantity(name).valid_range
    assert all(low <= value <= high for value in possible)
    assert not any(low <= value <= high for value in wrong)


def test_words_of_thermal_bands_are_those_of_people():
    assert quantity("emissivity_tir_10_4").meaning == "emissivity of the surface in the band at 10.4 um"
    assert quantity("emissivity_tir1").meaning == "emissivity of the surface in the tir1 band"
    assert quantity("radiance_carbon_dioxide").meaning == "radiance in the carbon dioxide band, top of atmosphere"
