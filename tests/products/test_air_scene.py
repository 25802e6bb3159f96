"""Scenes made of inputs again: bands, angles, place, time, quality; series date by date; whose bands they are."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products import _air_scene as scenes

TEMPLATE = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x"), coords={"y": [1.0, 0.0], "x": [0.0, 1.0, 2.0]})
GIVEN = {"sun_zenith": TEMPLATE * 10, "view_zenith": TEMPLATE * 0 + 5, "relative_azimuth": TEMPLATE * 0 + 40}


def made(bands=None, given=GIVEN, own=("modis", "Terra"), scene=None, **options):
    return scenes.scene_of(bands or {"red": TEMPLATE}, given, own, scene, **options)


def test_bands_are_found_by_their_prefix():
    given = {"toa_reflectance_red": 1, "toa_reflectance_red_uncertainty": 2, "toa_reflectance_nir": None, "aod": 3}
    assert scenes.bands_of(given) == {"red": 1}


@pytest.mark.parametrize(
    ("sensor", "roles", "expected"),
    [
        ("landsat_oli/Landsat-9", ["red", "swir2"], ("landsat_oli", "Landsat-9")),
        ("", ["red", "nir_1240"], ("modis", "Terra")),
        ("modis/Aqua", ["red_edge_1"], ("sentinel2_msi", "Sentinel-2A")),
        ("", ["yellow"], ("gf6_wfv", "")),
        ("", ["pan"], ("landsat_oli", "Landsat-8")),
        ("", ["yellow", "nir_1240"], None),
    ],
)
def test_whose_bands(sensor, roles, expected):
    assert scenes.owner(sensor, roles) == expected


def test_a_scene_has_what_the_steps_ask_for():
    scene = xr.Dataset(attrs={"time_coverage_start": "2019-07-01T03:00:00Z", "history": "before"})
    scene = scene.assign_coords(spatial_ref=0)
    scene["qa"] = (("y", "x"), np.ones((2, 3), np.uint16))
    scene["elevation"] = (("y", "x"), np.full((2, 3), 120.0))
    found = made({"red": TEMPLATE, "nir": TEMPLATE + 1}, scene=scene)
    assert found["reflectance"].dims == ("band", "y", "x")
    assert list(found["band"].values) == ["red", "nir"]
    assert found.attrs["sensor"] == "modis"
    assert found.attrs["platform"] == "Terra"
    assert found.attrs["time_coverage_start"] == "2019-07-01T03:00:00Z"
    assert found.attrs["reflectance_level"] == "top of atmosphere"
    assert "spatial_ref" in found.coords
    assert (found["qa"] == 1).all()
    assert found["elevation"].attrs["units"] == "m"
    np.testing.assert_array_equal(found["view_azimuth"] - found["sun_azimuth"], GIVEN["relative_azimuth"])
    assert "reflectance_random" not in found


def test_uncertainty_is_taken_where_every_band_has_it():
    sigma = {f"toa_reflectance_{role}_uncertainty": TEMPLATE * 0 + 0.01 for role in ("red", "nir")}
    bands = {"red": TEMPLATE, "nir": TEMPLATE}
    assert float(made(bands, GIVEN | sigma)["reflectance_random"].mean()) == pytest.approx(0.01)
    sigma.pop("toa_reflectance_nir_uncertainty")
    assert "reflectance_random" not in made(bands, GIVEN | sigma)


def test_bits_on_other_pixels_are_left_alone():
    scene = xr.Dataset({"qa": (("row", "column"), np.ones((4, 4), np.uint16))})
    assert "qa" not in made(scene=scene)


@pytest.mark.parametrize("dims", [(), ("x",)])
def test_fewer_dimensions_than_two_become_two_and_go_again(dims):
    point = TEMPLATE.isel({d: 0 for d in ("y", "x") if d not in dims}, drop=True)
    given = {name: angle.isel({d: 0 for d in ("y", "x") if d not in dims}, drop=True) for name, angle in GIVEN.items()}
    found = made({"red": point}, given)
    assert found["reflectance"].ndim == 3
    back = scenes.on_pixels({"one": found["reflectance"].isel(band=0, drop=True)}, point)["one"]
    xr.testing.assert_equal(back, point)


def test_thermal_bands_are_a_stack_of_their_own():
    found = made({"tir1": TEMPLATE + 280, "tir2": TEMPLATE + 279}, {}, thermal=True)
    assert found["brightness_temperature"].dims == ("thermal_band", "y", "x")
    assert found["brightness_temperature"].attrs["units"] == "K"


def test_dates_of_a_series_are_cut_and_joined():
    stamps = np.array(["2019-07-01T02", "2019-07-02T02"], "datetime64[ns]")
    series = xr.concat([TEMPLATE, TEMPLATE + 100], "time").assign_coords(time=stamps)
    arrays = {"toa_reflectance_red": series, "sun_zenith": TEMPLATE}
    scene = xr.Dataset({"qa": series.astype("uint16")})
    seen = []

    def run(cut, here):
        seen.append((cut["toa_reflectance_red"].dims, here["qa"].dims, here["time"].values))
        return {"aod": cut["toa_reflectance_red"] * 2}

    found = scenes.each_date(run, arrays, scene)["aod"]
    assert [row[0] for row in seen] == [("y", "x")] * 2
    assert [row[1] for row in seen] == [("y", "x")] * 2
    assert [row[2] for row in seen] == list(stamps)
    xr.testing.assert_equal(found, series * 2)


def test_the_time_of_a_date_wins_over_that_of_the_scene():
    scene = xr.Dataset(attrs={"time_coverage_start": "2000-01-01"}).assign_coords(time=np.datetime64("2019-07-02T05"))
    assert made(scene=scene).attrs["time_coverage_start"] == "2019-07-02T05:00:00Z"


def test_a_view_without_its_azimuth_is_refused():
    with pytest.raises(InputError, match="relative_azimuth"):
        scenes.check_angles("lsr", frozenset({"view_zenith"}))
    scenes.check_angles("lsr", frozenset({"view_zenith", "relative_azimuth"}))
    scenes.check_angles("lsr", frozenset())
