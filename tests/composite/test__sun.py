"""The Sun that looks are brought to."""

from datetime import datetime

import dask
import numpy as np
import pytest
import xarray as xr
from composite.looks_at import GRID, scene

from musyq_lab.composite import _sun
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid

JULY = datetime(2019, 7, 2, 12)


def test_it_is_what_pvlib_gives_at_half_past_ten_and_half_past_one_solar_time():
    import pandas as pd
    from pvlib.solarposition import get_solarposition

    angle = _sun.target(scene(), JULY, None, None)
    latitude, longitude = float(GRID.latitude[3]), float(GRID.longitude[5])
    hours = pd.date_range("2019-07-02", periods=1440, freq="min")
    sun = get_solarposition(hours, latitude, longitude)
    noon = int(sun.zenith.to_numpy().argmin())
    for minutes in (-90, 90):
        assert angle[3, 5] == pytest.approx(sun.zenith.iloc[noon + minutes], abs=0.4)


def test_it_depends_on_latitude_alone():
    angle = _sun.target(scene(), JULY, None, None)
    assert angle.shape == GRID.shape
    assert angle.dtype == np.float32
    assert (angle == angle[:, :1]).all()
    assert (np.diff(angle[:, 0]) < 0).all()  # rows go south, towards the Sun of July


def test_in_the_polar_night_it_is_the_lowest_sun_that_kernels_allow():
    pole = GeoGrid("1km", 100, 0, 0, 3, 4)
    assert (_sun.target(scene(grid=pole), datetime(2019, 12, 21), None, None) == 75).all()


def test_a_map_projection_is_turned_into_latitude():
    from pyproj import CRS, Transformer

    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32650", always_xy=True).transform(115.05, 40.95)
    there = scene().rename(latitude="y", longitude="x").assign_coords(
        y=y - 1000 * np.arange(12), x=x + 1000 * np.arange(16), spatial_ref=((), 0, {"crs_wkt": CRS(32650).to_wkt()})
    )  # fmt: skip
    wanted = _sun.zenith(np.array([[40.95]]), np.array([[115.05]]), crs="", moment=np.datetime64(JULY), given=None)
    assert _sun.target(there, JULY, None, None)[0, 0] == pytest.approx(float(wanted[0, 0]), abs=1e-4)


@pytest.mark.parametrize("given", [None, 35.0])
@pytest.mark.parametrize("chunks", [((5, 7), (10, 6)), ((12,), (16,)), ((5, 7), (16,))])
def test_lazy_and_in_memory_are_the_same(given, chunks):
    lazy = _sun.target(scene(), JULY, given, chunks)
    assert lazy.chunks == chunks
    np.testing.assert_array_equal(lazy.compute(), _sun.target(scene(), JULY, given, None))


def test_a_field_is_taken_as_it_is():
    field = xr.DataArray(np.full(GRID.shape[::-1], 33.0), dims=("longitude", "latitude"))
    assert (_sun.target(scene(), JULY, field, None) == 33).all()
    assert dask.is_dask_collection(_sun.target(scene(), JULY, field, ((12,), (16,))))


@pytest.mark.parametrize("given", [-1.0, 76.0, xr.DataArray(np.zeros((2, 2)), dims=("latitude", "longitude"))])
def test_angles_that_cannot_be(given):
    with pytest.raises(InputError):
        _sun.target(scene(), JULY, given, None)
