"""Inputs that are bands of a standard or a raw scene."""

import dask
import numpy as np
import pytest
import xarray as xr
from conformance.data import never

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.variables import BAND_ROLES
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


# ---- what is taken and what is not -----------------------------------------------------------------------------------
def test_a_band_keeps_its_pixels_units_and_gaps(standard):
    standard["reflectance"][1, 0, 2] = np.nan
    before = standard.copy(deep=True)
    made = band_of("reflectance_nir", standard)
    assert made.dims == DIMS
    assert made.attrs["units"] == "1"
    np.testing.assert_array_equal(np.isnan(made), [[False, False, True], [False, False, False]])
    xr.testing.assert_identical(standard, before)


def test_bands_of_a_lazy_scene_stay_lazy(standard):
    lazy = standard.chunk({"y": 1})
    with dask.config.set(scheduler=never):
        made = [band_of(name, lazy) for name in ("reflectance_nir", "reflectance_nir_uncertainty")]
    assert [part.chunks for part in made] == [((1, 1), (3,))] * 2
    np.testing.assert_allclose(made[1], 0.05 * 0.4)


def test_the_error_of_the_top_is_not_that_of_the_surface(standard):
    surface = standard.assign_attrs(reflectance_level="surface")
    assert band_of("toa_reflectance_nir_uncertainty", surface) is None
    np.testing.assert_allclose(band_of("reflectance_nir_uncertainty", surface), 0.05 * 0.4)


def test_one_part_of_the_error_alone_is_no_error(standard):
    for gone in ("reflectance_random", "reflectance_systematic"):
        assert band_of("reflectance_red_uncertainty", standard.drop_vars(gone)) is None
    bare = standard.drop_vars(["reflectance_random", "reflectance_systematic"])
    assert band_of("reflectance_red_uncertainty", bare) is None


def test_a_stack_whose_bands_have_no_names_is_none(standard):
    assert band_of("reflectance_red", standard.drop_vars("band")) is None
    assert band_of("reflectance_red", standard.rename(band="layer")) is None


def test_the_stack_wins_over_a_layer_of_the_same_name(standard, raw):
    both = standard.assign(red=raw["red"] + 0.5)
    assert (band_of("reflectance_red", both) == 0.1).all()
    only = both.drop_sel(band="red")
    only["red"].attrs |= {"units": "1", "wavelength": 0.65}
    np.testing.assert_allclose(band_of("reflectance_red", only), 0.6)


def test_a_layer_without_a_wavelength_is_no_band(raw):
    """A classification may have a layer called red."""
    del raw["red"].attrs["wavelength"]
    assert band_of("reflectance_red", raw) is None
    raw["red"].attrs["units"] = "count"
    assert band_of("reflectance_red", raw) is None


def test_raw_scenes_have_no_errors_by_band(raw):
    assert band_of("toa_reflectance_red_uncertainty", raw) is None
    assert band_of("brightness_temperature_tir1_uncertainty", raw) is None


@pytest.mark.parametrize(("said", "shown"), [("W m-2 sr-1 um-1", "'W m-2 sr-1 um-1'"), (None, "None"), ("K", "'K'")])
def test_other_units_are_named_beside_those_needed(raw, said, shown):
    raw["red"].attrs["units"] = said
    with pytest.raises(InputError) as caught:
        band_of("reflectance_red", raw)
    assert f"is in {shown}, not in '1'" in str(caught.value)
    assert "ml.open_scene(path)" in str(caught.value)


@pytest.mark.parametrize("prefix", ["reflectance_", "toa_reflectance_", "brightness_temperature_"])
def test_every_role_is_found_by_its_prefix(prefix):
    for name, role in BAND_ROLES.items():
        assert role_of(prefix + name) is role
    assert role_of(prefix) is None
    assert role_of(f"{prefix}red_uncertainty") is None


def test_a_scene_that_is_corrected_already_is_told(standard):
    with pytest.raises(InputError, match="whose reflectance is that of the surface already"):
        ml.retrieve("lsr", standard.assign_attrs(reflectance_level="surface"))
