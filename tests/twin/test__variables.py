"""Variables of the simulated Earth: units that a library of units knows, fields that keep their place."""

import numpy as np
import pint
import pytest
import xarray as xr

from musyq_lab.twin._variables import MEANINGS, dataset

LIKE = xr.Dataset(
    {"elevation": (("y", "x"), np.zeros((2, 3)))},
    coords={"x": [1.0, 2.0, 3.0], "y": [9.0, 8.0], "longitude": (("y", "x"), np.ones((2, 3))), "crs": 0,
            "band": ["red", "nir"]},
)  # fmt: skip
REGISTRY = pint.UnitRegistry()


def parsed(units):
    """Units written as CF does, to pint."""
    return REGISTRY.Quantity(1, units.replace(" ", " * ").replace("-2", "**-2").replace("-1", "**-1"))


@pytest.mark.parametrize("name", MEANINGS)
def test_every_variable_has_units_and_a_meaning(name):
    units, meaning = MEANINGS[name]
    assert units == "DU" or parsed(units).magnitude == 1
    assert meaning == meaning.strip()
    assert len(meaning) > 10
    assert not meaning.endswith(".")


@pytest.mark.parametrize(
    ("names", "units"),
    [
        (("air_temperature", "surface_temperature", "cloud_top_temperature", "air_temperature_min"), "kelvin"),
        (("downward_shortwave", "latent_heat", "net_radiation", "upward_longwave"), "watt / metre ** 2"),
        (("vapour_pressure", "surface_pressure"), "100 pascal"),
        (("water_vapour",), "kilogram / metre ** 2"),
    ],
)
def test_units_are_those_of_the_quantity(names, units):
    for name in names:
        assert parsed(MEANINGS[name][0]).to_base_units() == REGISTRY.Quantity(units).to_base_units()


def test_coordinates_of_the_plane_are_kept_and_others_not():
    made = dataset({"aod": np.zeros((2, 3))}, LIKE)
    assert set(made.coords) == {"x", "y", "longitude", "crs"}
    assert made.aod.dims == ("y", "x")
    assert made.aod.attrs == {"units": "1", "long_name": "aerosol optical depth at 550 nm"}


def test_everything_becomes_single_precision():
    made = dataset({"aod": [[1, 2, 3], [4, 5, 6]], "cloud_ice": np.ones((2, 3), bool)}, LIKE)
    assert {str(v.dtype) for v in made.data_vars.values()} == {"float32"}
    assert list(made.data_vars) == ["aod", "cloud_ice"]


def test_what_has_no_meaning_or_another_shape_is_refused():
    with pytest.raises(KeyError):
        dataset({"nonsense": np.zeros((2, 3))}, LIKE)
    with pytest.raises(ValueError, match="conflicting sizes"):
        dataset({"aod": np.zeros((3, 2))}, LIKE)


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        MEANINGS["aod"] = ("1", "other")
