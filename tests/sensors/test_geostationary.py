"""What the geostationary sensors share."""

import numpy as np
import pytest
import xarray as xr
from sensors import make_agri as make

import musyq_lab as ml
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors import _geostationary as geo


def test_scan_angles_of_the_specification():
    # CGMS 03, section 4.4.4: column COFF lies at angle 0, CFAC is 2^16 columns a degree.
    x = geo.scan_angles(5, 3.0, 2**16, 1000.0)
    np.testing.assert_allclose(x, np.radians([-2, -1, 0, 1, 2]) * 1000.0)
    np.testing.assert_allclose(geo.scan_angles(2, 3.0, 2**16, 1000.0, first=4), x[3:])


def test_coarse_centres_are_means():
    np.testing.assert_allclose(geo.coarse(np.arange(7.0), 3), [1.0, 4.0])


def test_averages_are_missing_where_one_pixel_is():
    data = xr.DataArray(np.array([[1.0, 3.0, 1.0, np.nan]] * 2, np.float32), dims=("y", "x"))
    np.testing.assert_array_equal(geo.averaged_data(data, 2), [[2.0, np.nan]])
    assert geo.averaged_data(data, 1) is data


def test_look_up_beyond_the_table_is_nan():
    data = xr.DataArray(np.array([[0, 2, 3, 65535]], np.uint16), dims=("y", "x"))
    found = geo.looked_up(data, np.array([10.0, 20.0, 30.0], np.float32))
    np.testing.assert_array_equal(found, [[10.0, 30.0, np.nan, np.nan]])


def test_radiance_of_temperature_is_plancks():
    data = xr.DataArray(np.array([[250.0, 300.0, -1.0]], np.float32), dims=("y", "x"))
    made = geo.radiance_of_temperature(data, 10.8).values[0]
    np.testing.assert_allclose(made[:2], [planck_radiance(t, 10.8) for t in (250.0, 300.0)], rtol=1e-6)
    assert np.isnan(made[2])


@pytest.fixture
def edge(tmp_path):
    """A strip from west to east across the whole disk, near its middle, at 03:32 UTC."""
    counts = {c: np.full((2, 2748), 800) for c in range(1, 15)}
    make.image(tmp_path, counts, line=1373, column=0)
    return ml.open_scene(tmp_path)


def test_beside_the_globe_there_is_no_data(edge):
    space = np.isnan(edge.view_zenith.values)
    assert 2 < space[0].sum() < 200
    assert np.isnan(edge.tir1.values[space]).all()
    assert (edge.qa.values[space] == SCENE_FLAG["no_data"].mask).all()
    assert np.isfinite(edge.tir1.values[~space]).all()


def test_night_is_marked_and_has_no_reflectance(edge):
    zenith = edge.sun_zenith.values
    night = zenith > 90
    assert night.any()
    assert (~night & np.isfinite(zenith)).any()
    assert (edge.qa.values[night] == SCENE_FLAG["night"].mask).all()
    assert np.isnan(edge.red.values[zenith >= 88]).all()
    assert np.isfinite(edge.red.values[zenith < 87.9]).all()
    assert np.isfinite(edge.tir1.values[night]).all()


def test_layout(edge):
    for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
        assert edge[name].units == "degree"
        assert edge[name].dtype == np.float32
        assert edge[name].chunks is not None
    assert edge.x.attrs["standard_name"] == "projection_x_coordinate"
    assert edge.x.units == "m"
    assert edge.rio.crs is not None
    assert edge.attrs["satellite_height"] == pytest.approx(make.HEIGHT)
    assert "longitude" not in edge.coords


def test_reflectance_is_undone_by_the_cosine(edge):
    lit = edge.sun_zenith.values < 88
    gain, offset = make.coefficients(2)
    back = (edge.red * np.cos(np.radians(edge.sun_zenith))).values[lit]
    np.testing.assert_allclose(back, gain * 800 + offset, rtol=1e-5)
