"""GOES-13 and -15 imager: NOAA's calibration of what is put into small GVAR files."""

import math
import pickle

import dask
import netCDF4
import numpy as np
import pytest
from sensors import make_goes as make

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, SceneError


@pytest.fixture
def rng():
    return np.random.default_rng(15)


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_radiance_of_noaas_lookup_table(tmp_path, kind):
    # NOAA OSPO, GVAR lookup table of band 4: count -> mW m-2 sr-1 (cm-1)-1, to three digits.
    make.band(tmp_path, np.array([[100, 500], [1000, 1022]]), number=4, kind=kind)
    scene = ml.open_scene(tmp_path, calibration="radiance")
    per_wavenumber = scene.tir1.values * 10.7**2 / 10
    np.testing.assert_allclose(per_wavenumber.ravel()[:3], [16.126, 92.630, 188.259], atol=1e-3)


def test_temperature(tmp_path, rng):
    counts = rng.integers(100, 1000, (6, 6))
    make.band(tmp_path, counts, number=4)
    scene = ml.open_scene(tmp_path)
    radiance = (counts - 15.6854) / 5.2285
    wavenumber, a, b = 935.837875, -0.35733864, 1.00126425
    expected = a + b * 1.438833 * wavenumber / np.log(1 + 1.191066e-5 * wavenumber**3 / radiance)
    np.testing.assert_allclose(scene.tir1, expected, atol=1e-3)
    assert scene.platform == "GOES-15"


def test_reflectance_has_the_distance_of_the_sun(tmp_path, rng):
    counts = rng.integers(100, 1000, (6, 6))
    make.band(tmp_path, counts, number=1)
    scene = ml.open_scene(tmp_path, resolution=1000)
    distance = 1.0167  # of early July (Astronomical Almanac)
    radiance = 0.5854540 * counts - 16.9781625
    cosine = np.cos(np.radians(scene.sun_zenith.values.astype(float)))
    np.testing.assert_allclose(scene.red, 1.88852e-3 * radiance * distance**2 / cosine, rtol=2e-4)


def test_satpy_calibrates_alike(tmp_path, rng):
    coefficients = pytest.importorskip("satpy.readers.goes_imager_nc").CALIB_COEFS
    counts = rng.integers(100, 1000, (4, 4))
    for satellite in (13, 15):
        make.band(tmp_path, counts, number=3, satellite=satellite)
        scene = ml.open_scene(next(tmp_path.glob(f"goes{satellite}*")), calibration="radiance")
        theirs = coefficients[f"GOES-{satellite}"]["06_5"]
        np.testing.assert_allclose(
            scene.vapour_upper * 6.55**2 / 10, (counts - theirs["offset"]) / theirs["scale"], rtol=1e-5
        )


def test_counts_are_what_is_stored(tmp_path, rng):
    counts = rng.integers(0, 1000, (6, 6))
    make.band(tmp_path, counts, number=2)
    np.testing.assert_array_equal(ml.open_scene(tmp_path, calibration="counts").mir, counts * 32)


def test_places_and_space(tmp_path):
    longitude = np.full((4, 4), -135.0)
    longitude[0] = make.SPACE
    make.band(tmp_path, np.full((4, 4), 500), number=4, longitude=longitude)
    scene = ml.open_scene(tmp_path)
    assert np.isnan(scene.tir1.values[0]).all()
    assert np.isnan(scene.latitude.values[0]).all()
    assert np.isfinite(scene.tir1.values[1:]).all()
    assert (scene.qa.values[0] & 1 == 1).all()
    assert (scene.qa.values[1:] == 0).all()
    assert float(scene.view_zenith[2, 0]) < 3


def test_saturation(tmp_path):
    make.band(tmp_path, np.array([[500, 1023]]), number=4)
    assert ml.open_scene(tmp_path).qa.values.tolist() == [[0, 2]]


def test_time(tmp_path):
    make.band(tmp_path, np.full((4, 4), 500), number=4)
    scene = ml.open_scene(tmp_path)
    assert scene.time_coverage_start == "2015-07-01T17:45:14.000Z"
    # 8.7 h solar time at 135 degrees west.
    elevation = 90 - float(scene.sun_zenith[2, 2])
    assert elevation == pytest.approx(
        math.degrees(math.asin(math.cos(math.radians(49)) * math.cos(math.radians(23)))), abs=3
    )


def test_grid_of_the_13_um_band_differs(tmp_path):
    make.band(tmp_path, np.full((4, 4), 500), number=6, satellite=13)
    assert "carbon_dioxide" in ml.open_scene(tmp_path, resolution=8000)
    with pytest.raises(SceneError, match="no band of 4000 m"):
        ml.open_scene(tmp_path)


def test_bands_of_several_shapes(tmp_path):
    make.band(tmp_path, np.full((4, 4), 500), number=4)
    make.band(tmp_path, np.full((4, 6), 500), number=3)
    with pytest.raises(SceneError, match="several shapes"):
        ml.open_scene(tmp_path)


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_found_by_content(tmp_path, kind):
    path = make.band(tmp_path, np.full((4, 4), 500), number=4, kind=kind)
    lost = path.rename(tmp_path / "lost.nc")
    assert ml.open_scene(lost).sensor == "goes_imager"


def test_nothing_is_read_when_opened(tmp_path):
    make.band(tmp_path, np.full((4, 4), 500), number=4)
    with dask.config.set(scheduler=refuse):
        scene = ml.open_scene(tmp_path)
        with pytest.raises(AssertionError, match="a pixel was read"):
            scene.tir1.compute()


def test_scene_can_be_pickled(tmp_path):
    make.band(tmp_path, np.full((4, 4), 500), number=4)
    assert (pickle.loads(pickle.dumps(ml.open_scene(tmp_path, calibration="counts"))).tir1 == 16000).all()


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC"])
@pytest.mark.parametrize("keep", [0, 60, 500])
def test_cut_short(tmp_path, kind, keep):
    path = make.band(tmp_path, np.full((4, 4), 500), number=4, kind=kind)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArchiveError, match=path.name):
        ml.open_scene(path)


def test_another_netcdf_file_under_its_name(tmp_path):
    path = make.band(tmp_path, np.full((4, 4), 500), number=4)
    with netCDF4.Dataset(path, "w") as file:
        file.setncattr("Satellite Sensor", "G-15 IMG")
    with pytest.raises(SceneError, match="lacks data"):
        ml.open_scene(path)
