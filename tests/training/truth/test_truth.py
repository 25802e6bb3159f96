"""The truth of each exercise and its typical mistakes, from small fields whose answer is known by other means."""

import math

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.training.truth import aerosol, gallery, granules, leaves, radiation, start, synergy, temperature

RNG = np.random.Generator(np.random.Philox(5))


def test_the_mean_of_a_field_of_latitude_is_that_of_an_integral():
    """sin(latitude) over a zone has the mean (sin N + sin S) / 2, whatever the cells."""
    latitude = np.arange(88.5, -90, -3.0)
    field = xr.DataArray(
        np.repeat(np.sin(np.deg2rad(latitude))[:, None], 120, 1),
        dims=("latitude", "longitude"),
        coords={"latitude": latitude, "longitude": np.arange(-178.5, 180, 3.0)},
    )
    truth = start.regional_mean(field, (36.0, 15.0, 60.0, 45.0))
    exact = (math.sin(math.radians(45)) + math.sin(math.radians(15))) / 2
    assert truth.value == pytest.approx(exact, abs=2e-4)
    assert truth.mistakes["plain_mean"] == pytest.approx(np.sin(np.deg2rad(np.arange(16.5, 45, 3))).mean())
    assert truth.mistakes["whole_map"] == pytest.approx(0, abs=1e-12)
    assert len({round(value, 6) for value in [truth.value, *truth.mistakes.values()]}) == 5


def test_reflectance_of_a_pixel_and_what_missing_steps_give():
    mtl = {"REFLECTANCE_MULT_BAND_4": "2e-5", "REFLECTANCE_ADD_BAND_4": "-0.1", "SUN_ELEVATION": "30"}
    scene = xr.Dataset({"red": (("y", "x"), [[0.2, 0.3]])})
    truth = granules.pixel_reflectance(scene, {"y": 0, "x": 1}, mtl, "4", 12500)
    assert truth.value == 0.3
    assert truth.mistakes["no_sun"] == pytest.approx(0.15)
    assert truth.mistakes["times_sun"] == pytest.approx(0.075)
    assert truth.mistakes["no_offset"] == pytest.approx(0.5)
    assert truth.mistakes["cosine"] == pytest.approx(0.15 / (math.sqrt(3) / 2))


def test_sensors_of_split_windows_are_those_whose_methods_need_two_bands():
    truth = granules.split_window_sensors()
    assert {"landsat_oli", "modis", "npp_viirs"} <= truth.value < truth.mistakes["one_band"] <= set(truth.options)
    assert "landsat_etm" in truth.mistakes["one_band"]
    assert not {"landsat_etm", "sentinel2_msi"} & truth.value
    assert set(truth.options) == set(ml.SENSORS)


def test_aerosol_is_that_of_the_cells_asked():
    depth = RNG.random((4, 5))
    clear = depth > 0.5

    class Earth:
        def truth(self, time):
            assert time == "2019-06-30T03:00"
            return xr.Dataset({"aod": (("y", "x"), depth)})

    truth = aerosol.of_clear_pixels(Earth(), {"time": "2019-06-30T03:00"}, clear)
    assert truth.value == pytest.approx(depth[clear].mean())
    assert aerosol.of_dense_canopies(Earth().truth("2019-06-30T03:00"), ~clear).value == depth[~clear].mean()


@pytest.fixture
def clumped() -> dict:
    """Leaf area of three classes as a colleague makes it whose index of class 4 is half of the truth."""
    cover = xr.DataArray(np.repeat([[4, 10, 12]], 6, 0).repeat(4, 1), dims=("y", "x"))
    omega = xr.where(cover == 4, 0.7, 0.9)
    true = xr.DataArray(1 + RNG.random(cover.shape), dims=cover.dims)
    hers = omega.where(cover != 4, 0.35) * 1.02
    return {"hers": hers, "omega": omega, "land_cover": cover, "her_map": true * omega / hers, "true": true}


def test_the_class_with_the_wrong_index_is_found_and_mending_it_helps(clumped):
    def ratio(number):
        here = clumped["land_cover"] == number
        return float((clumped["her_map"] / clumped["true"]).where(here).mean())

    truth = leaves.wrong_clumping(**clumped, candidates=(4, 10, 12), ratio=ratio)
    assert truth.value == 4 == max((4, 10, 12), key=ratio)
    assert truth.mistakes["lowest"] != 4
    before, after = (float(word) for word in truth.note.replace(" m² m⁻².", "").split("from ")[1].split(" to "))
    error = (clumped["her_map"] - clumped["true"]).values
    assert before == pytest.approx(np.sqrt((error**2).mean()), abs=0.006)
    assert after < 0.1 * before


def test_a_map_of_leaf_area_knows_land_and_clouds(clumped):
    good = RNG.random(clumped["true"].shape) > 0.4
    cover = clumped["land_cover"].where(clumped["land_cover"] != 10, 17)
    truth = leaves.map_of_leaf_area(clumped["true"], clumped["omega"], cover, good & (cover.values != 17), ~good)
    assert (truth.value.isnull().values == ((cover.values == 17) | ~good)).all()
    assert (truth.hidden.values == ~good).all()
    np.testing.assert_allclose(truth.mistakes["effective"].values[:, 0], 0.7 * clumped["true"].values[:, 0])


def test_temperature_below_a_mast_closes_the_balance():
    """At the temperature of the mistake, the balance that was forgotten does not close."""
    true = xr.DataArray(np.full((2, 2), 310.0), dims=("y", "x"))
    up = 0.96 * 5.670374419e-8 * 310**4 + 0.04 * 350
    truth = temperature.below_mast(true, 3, up, 350.0, 0.96, true, true * 0 + 1)
    assert truth.value == 310
    wrong = truth.mistakes
    assert 5.670374419e-8 * wrong["black_body"] ** 4 == pytest.approx(up)
    assert 0.96 * 5.670374419e-8 * wrong["no_reflection"] ** 4 == pytest.approx(up)
    assert 0.96 * 5.670374419e-8 * wrong["sky_added"] ** 4 == pytest.approx(up + 14)
    assert wrong["black_body"] < 310 < wrong["no_reflection"] < wrong["sky_added"]


def test_a_dirty_dome_is_told_by_all_light_and_its_tolerance_by_the_sum():
    at_station = np.array([100.0, 500.0, 900.0, 0.0])
    truth = radiation.dirty_dome(0.85 * at_station, at_station, at_station + 40)
    assert truth.value == pytest.approx(15)
    cleaned = 0.85 * at_station.sum() / (1 - (truth.value + truth.allowed) / 100)
    assert cleaned / at_station.sum() - 1 == pytest.approx(0.04, abs=0.003)
    assert truth.mistakes["sum_of_all"] == pytest.approx(100 * (1 - 0.85 * 1500 / 1660))


def test_the_sensor_that_drifted_is_the_one_whose_scenes_rose():
    keys = ("landsat_oli", "modis", "sentinel2_msi")
    scenes = [xr.Dataset({"reflectance": ("x", RNG.random(6))}, attrs={"sensor": key}) for key in keys * 2]
    for planted in keys:
        drifted = [s * (1.2 if s.attrs["sensor"] == planted else 1) for s in scenes]
        truth = synergy.drifted_sensor(scenes, drifted, keys)
        assert truth.value == planted
        assert truth.mistakes["coarse"] == ([] if planted == "modis" else ["modis"])


def test_uptake_of_crops_is_carbon_times_the_masses():
    day = xr.Dataset({"gpp": (("y", "x"), [[6.0, 12.0], [3.0, 9.0]])})
    crops = xr.DataArray([[True, True], [False, False]], dims=("y", "x"))
    made = day.where(day["gpp"] < 10)
    truth = gallery.uptake_of_crops(day, crops, made, 1000.0)
    assert truth.value == pytest.approx(18 * 44 / 12)  # 18 g m-2 over a square kilometre are 18 t
    assert truth.mistakes["as_carbon"] == pytest.approx(18)
    assert truth.mistakes["gaps"] == pytest.approx(6 * 44 / 12)
    assert truth.mistakes["all_plants"] == pytest.approx(30 * 44 / 12)
