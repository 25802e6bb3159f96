"""Inputs that are bands of a standard or a raw scene."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products._bands import band_of, role_of
from musyq_lab.products._inputs import find

DIMS = ("y", "x")


@pytest.fixture
def standard():
    reflectance = np.stack([np.full((2, 3), 0.1), np.full((2, 3), 0.4)])
    warmth = np.stack([np.full((2, 3), 300.0), np.full((2, 3), 298.0)])
    layers = {
        "reflectance": (("band", *DIMS), reflectance, {"units": "1"}),
        "reflectance_random": (("band", *DIMS), 0.03 * reflectance, {"units": "1"}),
        "reflectance_systematic": (("band", *DIMS), 0.04 * reflectance, {"units": "1"}),
        "brightness_temperature": (("thermal_band", *DIMS), warmth, {"units": "K"}),
    }
    return xr.Dataset(layers, {"band": ["red", "nir"], "thermal_band": ["tir1", "tir2"]})


@pytest.fixture
def raw():
    red = xr.DataArray(np.full((2, 3), 0.1), dims=DIMS, attrs={"units": "1", "wavelength": 0.65})
    tir1 = xr.DataArray(np.full((2, 3), 290.0), dims=DIMS, attrs={"units": "K", "wavelength": 10.9})
    return xr.Dataset({"red": red, "tir1": tir1})


def test_brightness_temperature_has_a_dimension_of_its_own(standard):
    assert (find("brightness_temperature_tir2", standard, {}) == 298).all()
    assert find("brightness_temperature_tir_8_6", standard, {}) is None
    assert find("brightness_temperature_red", standard, {}) is None


def test_a_scene_at_the_top_of_the_atmosphere_holds_that_reflectance(standard):
    scene = standard.assign_attrs(reflectance_level="top of atmosphere")
    assert (find("toa_reflectance_nir", scene, {}) == 0.4).all()
    assert (find("toa_reflectance_nir", standard, {}) == 0.4).all()


def test_reflectance_of_the_surface_is_none_at_the_top(standard):
    surface = standard.assign_attrs(reflectance_level="surface")
    assert find("toa_reflectance_nir", surface, {}) is None
    assert (find("reflectance_nir", surface, {}) == 0.4).all()


def test_both_parts_of_the_uncertainty_count(standard):
    for name in ("reflectance_nir_uncertainty", "toa_reflectance_nir_uncertainty"):
        np.testing.assert_allclose(band_of(name, standard), 0.05 * 0.4)
    assert band_of("brightness_temperature_tir1_uncertainty", standard) is None
    assert band_of("reflectance_nir_uncertainty", standard.drop_vars("reflectance_random")) is None


def test_a_whole_uncertainty_wins(standard):
    whole = xr.full_like(standard["brightness_temperature"], 0.3)
    scene = standard.assign(brightness_temperature_uncertainty=whole, reflectance_uncertainty=standard["reflectance"])
    assert (band_of("brightness_temperature_tir1_uncertainty", scene) == 0.3).all()
    assert (band_of("reflectance_nir_uncertainty", scene) == 0.4).all()


def test_bands_of_a_raw_scene_are_called_by_their_role(raw):
    assert (band_of("toa_reflectance_red", raw) == 0.1).all()
    assert (band_of("brightness_temperature_tir1", raw) == 290).all()
    assert band_of("brightness_temperature_tir2", raw) is None


@pytest.mark.parametrize(("name", "band"), [("toa_reflectance_red", "red"), ("brightness_temperature_tir1", "tir1")])
def test_counts_of_a_raw_scene_are_refused(raw, name, band):
    raw[band].attrs["units"] = "count"
    with pytest.raises(InputError, match=rf"{name} is needed, and '{band}' .* default calibration"):
        band_of(name, raw)


@pytest.mark.parametrize(
    ("name", "role"),
    [("toa_reflectance_red", "red"), ("reflectance_swir1", "swir1"), ("brightness_temperature_tir1", "tir1")],
)
def test_roles_of_names(name, role):
    assert role_of(name).name == role


@pytest.mark.parametrize("name", ["aod", "reflectance_unknown", "emissivity_tir1"])
def test_other_names_are_of_no_band(name, standard):
    assert role_of(name) is None
    assert band_of(name, standard) is None
