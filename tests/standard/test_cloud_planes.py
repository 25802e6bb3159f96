import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import cloud as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout
from musyq_lab.standard._cloud_planes import clear_before, planes_of, same_view

SHAPE = (6, 8)


def scene(bands=("blue", "green", "red", "nir"), thermal=(), fill=None, sensor="landsat_oli", **attrs):
    """Return a standard scene whose bands hold 0.1, 0.2 ..., its thermal bands 281, 282 ... K."""
    values = np.arange(1, len(bands) + 1) / 10 if fill is None else fill
    layers = np.broadcast_to(np.asarray(values, np.float32)[:, None, None], (len(bands), *SHAPE)).copy()
    made = xr.Dataset({"reflectance": (("band", "y", "x"), layers)}, {"band": list(bands)})
    if thermal:
        heat = np.broadcast_to(281.0 + np.arange(len(thermal))[:, None, None], (len(thermal), *SHAPE))
        made["brightness_temperature"] = (("thermal_band", "y", "x"), heat.astype(np.float32))
        made = made.assign_coords(thermal_band=list(thermal))
    made = made.assign_coords(y=-30.0 * np.arange(SHAPE[0]), x=30.0 * np.arange(SHAPE[1]))
    return made.assign_attrs(sensor=sensor, reflectance_level=layout.TOP, **attrs)


def only(plane):
    """Return the one value of a plane."""
    values = np.unique(np.asarray(plane))
    assert values.size == 1 or np.isnan(values).all()
    return float(values[0])


def test_bands_are_found_by_role_and_what_lacks_is_not_a_number():
    planes = planes_of(scene())
    assert [only(planes.values[name]) for name in ("blue", "green", "red", "nir")] == pytest.approx(
        [0.1, 0.2, 0.3, 0.4]
    )
    missing = ("swir1", "cirrus", "temperature", "second", "sun_zenith", "view_zenith", "turn")
    assert all(np.isnan(planes.values[name]).all() for name in missing)
    assert (planes.blue, planes.swir, planes.cirrus, planes.thermal) == (True, False, False, False)
    assert all(plane.dtype == np.float32 and plane.shape == SHAPE for plane in planes.arrays())


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        (("red", "nir_narrow"), {"green": 0.1, "red": 0.1, "nir": 0.2}),
        (("red_edge_1", "nir_narrow", "swir1"), {"green": 0.1, "red": 0.1, "nir": 0.2, "swir1": 0.3}),
        (("nir_narrow", "nir", "red", "red_edge_1", "green"), {"nir": 0.2, "red": 0.3, "green": 0.5}),
    ],
)
def test_the_best_role_there_is_stands_in(bands, expected):
    planes = planes_of(scene(bands))
    assert {name: only(planes.values[name]) for name in expected} == pytest.approx(expected)


def test_ten_micrometres_stand_in_for_eleven():
    assert only(planes_of(scene(thermal=("tir_10_4", "tir1", "tir2"))).values["temperature"]) == 282.0
    assert only(planes_of(scene(thermal=("tir_10_4", "tir2"))).values["temperature"]) == 281.0
    assert only(planes_of(scene(thermal=("mir", "tir2"))).values["second"]) == 282.0
    assert not planes_of(scene(thermal=("mir",))).thermal


def test_molecules_are_those_of_the_sensor_of_the_scene_or_of_any():
    bands = SENSORS["himawari_ahi"].bands_of("Himawari-8")
    centres = {row.name: row.centre for row in bands}
    planes = planes_of(scene(sensor="himawari_ahi", platform="Himawari-8"))
    expected = [kernels.rayleigh_depth(centres[name]) for name in ("blue", "green", "red")]
    assert planes.depths == pytest.approx(expected)
    own = scene(sensor="of the user").assign_coords(wavelength=("band", [0.45, 0.55, 0.66, 0.85]))
    assert planes_of(own).depths == pytest.approx([kernels.rayleigh_depth(w) for w in (0.45, 0.55, 0.66)])
    assert planes_of(scene(sensor="of the user")).depths[0] == pytest.approx(kernels.rayleigh_depth(0.48))


def test_relative_azimuth_needs_both_azimuths():
    made = scene()
    for name, angle in {"sun_zenith": 40.0, "sun_azimuth": 350.0, "view_azimuth": 10.0}.items():
        made[name] = (("y", "x"), np.full(SHAPE, angle))
    assert only(planes_of(made).values["turn"]) == pytest.approx(20.0)
    assert only(planes_of(made).values["sun_zenith"]) == 40.0
    assert np.isnan(planes_of(made.drop_vars("view_azimuth")).values["turn"]).all()


def test_planes_of_different_chunks_are_brought_to_one():
    made = scene(thermal=("tir1",)).chunk({"band": 1, "y": 4, "x": 5})
    made["sun_zenith"] = (("y", "x"), da.full(SHAPE, 40.0, chunks=(3, 8)))
    arrays = planes_of(made).arrays()
    assert all(isinstance(array, da.Array) for array in arrays)
    assert len({array.chunks for array in arrays}) == 1
    transposed = planes_of(made.transpose("x", "y", "band", "thermal_band"))
    assert transposed.dims == layout.plane_of(made.transpose("x", "y", "band", "thermal_band"))


def test_measured_is_where_there_is_reflectance_or_temperature():
    made = scene(thermal=("tir1",))
    made["reflectance"][:, 0] = np.nan
    made["brightness_temperature"][:, 0, :4] = np.nan
    known = planes_of(made).measured()
    assert not known[0, :4].any()
    assert known[0, 4:].all()
    assert known[1:].all()


@pytest.mark.parametrize(("bands", "missing"), [(("blue", "nir"), "'red'"), (("blue", "red"), "'nir'")])
def test_red_and_near_infrared_are_needed(bands, missing):
    with pytest.raises(InputError, match=missing):
        planes_of(scene(bands))


def test_companions_come_by_the_nearest_pixel():
    small = scene(("swir1", "nir"), fill=(0.5, 0.6)).isel(y=slice(0, None, 2), x=slice(0, None, 2))
    planes = planes_of(scene(), [small])
    assert only(planes.values["swir1"]) == pytest.approx(0.5)
    assert only(planes.values["nir"]) == pytest.approx(0.4)  # its own comes first
    assert planes.swir


def test_other_days_are_taken_one_by_one_or_along_time():
    days = [scene(thermal=("tir1",), fill=np.array([0.2, 0.2, 0.2, 0.4]) + 0.01 * k) for k in range(3)]
    planes = planes_of(days[0])
    assert len(same_view(planes, days)) == 3
    stacked = xr.concat(days, "time")
    along = same_view(planes, stacked)
    assert [only(day.values["blue"]) for day in along] == pytest.approx([0.2, 0.21, 0.22])
    assert same_view(planes, None) == []
    with pytest.raises(InputError, match="same view"):
        same_view(planes, days[0].isel(y=slice(0, 3)))


def hazes(count):
    """Return scenes of growing haze and temperature, and what each measures."""
    steps = 0.01 * np.arange(count)
    days = [scene(thermal=("tir1",), fill=(0.05 + step, 0.1, 0.04, 0.3)) for step in steps]
    for k, day in enumerate(days):
        day["brightness_temperature"] += np.float32(2.0 * k)
    return days, [float(v) for v in 0.5**0.25 * steps]


@pytest.mark.parametrize(("count", "place"), [(1, 0), (4, 0), (5, 1), (8, 1)])
def test_the_clearest_of_few_and_the_second_of_many_days_count(count, place):
    days, steps = hazes(count)
    planes = [planes_of(day) for day in days]
    clearest, warmest = clear_before(planes, planes[0])
    alone = clear_before(planes[:1], planes[0])[0]
    assert only(clearest) == pytest.approx(only(alone) + steps[place], abs=1e-5)
    assert only(warmest) == 281.0 + 2.0 * (count - 1 - place)


def test_days_without_data_do_not_count_and_no_days_give_nothing():
    days, _ = hazes(3)
    days[0]["reflectance"][:, :2] = np.nan
    days[2]["brightness_temperature"][:, :2] = np.nan
    planes = [planes_of(day) for day in days]
    clearest, warmest = clear_before(planes, planes[1])
    assert (clearest[:2] > clearest[2:].max()).all()
    assert (warmest[:2] < warmest[2:].min()).all()
    assert all(np.isnan(part).all() for part in clear_before([], planes[0]))


def test_ground_cloudy_every_day_is_not_taken_for_clear():
    days = [planes_of(scene(fill=(0.6, 0.6, 0.6, 0.6))) for _ in range(2)]
    assert only(clear_before(days, days[0])[0]) == pytest.approx(0.05)


def test_other_days_are_lazy_where_the_scene_is():
    days, _ = hazes(3)
    lazy = [planes_of(day.chunk({"y": 4})) for day in days]
    expected = clear_before([planes_of(day) for day in days], planes_of(days[0]))
    for found, known in zip(clear_before(lazy, lazy[0]), expected, strict=True):
        assert isinstance(found, da.Array)
        assert np.array_equal(found.compute(scheduler="synchronous"), known)
