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


# ---- layout ----------------------------------------------------------------------------------------------------------
def test_bands_without_a_role_are_no_bands():
    given = {"toa_reflectance_red": 1, "toa_reflectance_unheard_of": 2, "reflectance_nir": 3}
    assert scenes.bands_of(given) == {"red": 1}
    assert scenes.bands_of({}) == {}


def test_layers_of_other_shapes_and_orders_are_laid_on_the_widest():
    bands = {"red": TEMPLATE.isel(y=0, drop=True), "nir": TEMPLATE.transpose("x", "y"), "blue": xr.DataArray(0.5)}
    found = made(bands)["reflectance"]
    dims = found.dims[1:]
    assert set(dims) == {"y", "x"}
    nir, red, blue = (found.sel(band=role, drop=True).transpose("y", "x") for role in ("nir", "red", "blue"))
    np.testing.assert_array_equal(nir, TEMPLATE)
    np.testing.assert_array_equal(red, np.broadcast_to(TEMPLATE.values[0], (2, 3)))
    assert (blue == 0.5).all()


def test_a_point_has_a_plane_of_one_pixel():
    found = made({"red": xr.DataArray(0.2)}, {})
    assert found["reflectance"].shape == (1, 1, 1)
    assert not set(found.coords) - {"band"}
    assert not {"sun_zenith", "qa", "elevation"} & set(found)


def test_a_view_from_above_needs_no_azimuth():
    found = made(given={"sun_zenith": TEMPLATE, "view_zenith": None, "relative_azimuth": None})
    assert {"sun_zenith"} == set(found) - {"reflectance"}


def test_the_relative_azimuth_is_that_of_the_sensor_beside_a_sun_in_the_north():
    found = made()
    assert (found["sun_azimuth"] == 0.0).all()
    np.testing.assert_array_equal(found["view_azimuth"], GIVEN["relative_azimuth"])


def test_altitude_that_is_given_wins_over_that_of_the_scene():
    scene = xr.Dataset({"altitude": TEMPLATE + 500.0, "elevation": TEMPLATE + 900.0})
    np.testing.assert_array_equal(made(scene=scene)["elevation"], (TEMPLATE + 500.0).astype("f4"))
    found = made(given={"altitude": TEMPLATE + 100.0}, scene=scene)["elevation"]
    np.testing.assert_array_equal(found, (TEMPLATE + 100.0).astype("f4"))
    assert found.dtype == np.float32
    series = xr.Dataset({"altitude": TEMPLATE.expand_dims(time=2)})
    assert "elevation" not in made(scene=series)


@pytest.mark.parametrize("bits", [np.zeros((2, 3), np.float32), np.zeros((2, 3), bool)])
def test_bits_that_are_none_are_left_alone(bits):
    assert "qa" not in made(scene=xr.Dataset({"qa": (("y", "x"), bits)}))


def test_places_come_from_the_scene_else_from_the_bands():
    latitude = ("y", [41.0, 40.0])
    assert made(scene=xr.Dataset(coords={"latitude": latitude}))["latitude"].values.tolist() == [41.0, 40.0]
    band = TEMPLATE.assign_coords(latitude=latitude, longitude=115.0, time=np.datetime64("2019-07-01", "ns"))
    found = made({"red": band})
    assert found["latitude"].dims == ("y",)
    assert found["longitude"].item() == 115.0
    assert "time" not in found.coords
    nearer = made({"red": band}, scene=xr.Dataset(coords={"longitude": 20.0}))
    assert nearer["longitude"].item() == 20.0
    np.testing.assert_array_equal(found["y"], TEMPLATE["y"])


def test_what_a_scene_does_not_say_is_not_invented():
    found = made(scene=xr.Dataset(attrs={"title": "other"}))
    assert set(found.attrs) == {"sensor", "platform", "camera", "reflectance_level"}
    assert set(made().attrs) == set(found.attrs)


def test_scenes_stay_lazy():
    bands = {"red": TEMPLATE.chunk(y=1), "nir": TEMPLATE.chunk(y=1)}
    found = made(bands)["reflectance"]
    assert found.chunks is not None
    np.testing.assert_array_equal(found.compute(), made({"red": TEMPLATE, "nir": TEMPLATE})["reflectance"])
    back = scenes.on_pixels({"one": found.isel(band=0, drop=True)}, TEMPLATE)["one"]
    assert back.chunks is not None
    np.testing.assert_array_equal(back, TEMPLATE)


# ---- whose bands -----------------------------------------------------------------------------------------------------
def test_no_band_is_anyones():
    assert scenes.owner("", []) == ("modis", "Terra")
    assert scenes.owner("gf1_wfv/WFV2", []) == ("gf1_wfv", "WFV2")


def test_a_sensor_that_lacks_a_band_gives_way():
    assert scenes.owner("gf1_wfv/WFV1", ["blue", "nir"]) == ("gf1_wfv", "WFV1")
    assert scenes.owner("gf1_wfv/WFV1", ["blue", "swir2"]) == ("modis", "Terra")


# ---- series ----------------------------------------------------------------------------------------------------------
STAMPS = np.array(["2019-07-01T02", "2019-07-02T05", "2019-07-03T02"], "datetime64[ns]")


def along(stamped=True):
    series = xr.concat([TEMPLATE + 100 * k for k in range(3)], "time")
    return series.assign_coords(time=STAMPS) if stamped else series


def test_without_time_there_is_one_date():
    scene, arrays = xr.Dataset(), {"red": TEMPLATE}
    ((cut, here),) = scenes.dates(arrays, scene)
    assert cut is arrays
    assert here is scene
    parts = [{"aod": TEMPLATE}]
    assert scenes.joined(parts, arrays) is parts[0]


def test_each_date_has_its_own_part_and_what_is_of_all():
    found = scenes.dates({"still": TEMPLATE, "red": along()}, xr.Dataset({"qa": TEMPLATE}))
    assert len(found) == 3
    for k, (cut, here) in enumerate(found):
        assert cut["still"] is TEMPLATE
        np.testing.assert_array_equal(cut["red"], TEMPLATE + 100 * k)
        assert here["time"].values == STAMPS[k]
        np.testing.assert_array_equal(here["qa"], TEMPLATE)


def test_dates_without_stamps_or_scene_are_dates_too():
    arrays = {"red": along(stamped=False)}
    found = scenes.dates(arrays, None)
    assert [set(here.coords) for _, here in found] == [set()] * 3
    whole = scenes.joined([{"aod": cut["red"]} for cut, _ in found], arrays)["aod"]
    np.testing.assert_array_equal(whole, arrays["red"])
    assert "time" not in whole.coords


def test_time_goes_where_it_may_and_the_stamps_return():
    arrays = {"red": along().transpose("y", "x", "time")}
    found = scenes.each_date(lambda cut, _: {"one": cut["red"] + 1, "two": cut["red"].isel(x=0)}, arrays, None)
    assert found["one"].dims == ("time", "y", "x")
    assert found["two"].dims == ("time", "y")
    np.testing.assert_array_equal(found["one"]["time"], STAMPS)
    np.testing.assert_array_equal(found["one"], along() + 1)


def test_each_date_tells_its_time_to_its_scene():
    def run(cut, here):
        return {
            "aod": made({"red": cut["red"]}, {}, scene=here)["reflectance"].isel(band=0, drop=True),
            "day": day(here),
        }

    def day(here):
        return xr.DataArray(made(scene=here).attrs["time_coverage_start"])

    found = scenes.each_date(run, {"red": along()}, xr.Dataset(attrs={"time_coverage_start": "2000-01-01"}))
    assert found["day"].values.tolist() == ["2019-07-01T02:00:00Z", "2019-07-02T05:00:00Z", "2019-07-03T02:00:00Z"]
    np.testing.assert_array_equal(found["aod"], along())


# ---- back to the pixels ----------------------------------------------------------------------------------------------
def test_results_take_the_coordinates_of_the_input_and_leave_their_own():
    result = TEMPLATE.assign_coords(y=[7.0, 8.0], other=1)
    like = TEMPLATE.assign_coords(latitude=("y", [41.0, 40.0]), band="red")
    found = scenes.on_pixels({"one": result, "row": result.isel(x=0, drop=True)}, like)
    assert set(found["one"].coords) == set(like.coords)
    np.testing.assert_array_equal(found["one"]["y"], TEMPLATE["y"])
    assert set(found["row"].coords) == set(like.coords) - {"x"}
    np.testing.assert_array_equal(found["row"], TEMPLATE[:, 0])


@pytest.mark.parametrize("product", ["aod", "water_vapour"])
def test_the_refusal_names_the_product_and_what_to_add(product):
    with pytest.raises(InputError, match=rf'retrieve\("{product}"\).*view_zenith.*Add it, or the azimuths'):
        scenes.check_angles(product, frozenset({"view_zenith", "sun_zenith"}))
