"""The machinery that reads every product: parts of layers, tie points, times and coordinates, against plain numpy."""

import pickle
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest
from archive.make_peers import cgls, geotiff, hdf4, hdf5, vi_layers

import musyq_lab as ml
from musyq_lab.archive.peers._containers import READERS
from musyq_lab.archive.peers._decode import decode, packing, said
from musyq_lab.archive.peers._find import PeerGranule, choose, find
from musyq_lab.archive.peers._lazy import PeerLayer, TieLayer
from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.archive.peers._times import instants
from musyq_lab.archive.peers.layout import Layer
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

TILE = "A2016001.h18v04.061.2020050123456"
LAYOUT = {layout.key: layout for layout in LAYOUTS}


# Parts of layers -----------------------------------------------------------------------------------------------------

KEYS = [
    np.s_[:, :],
    np.s_[2:7, 3:4],
    np.s_[::-1, ::3],
    np.s_[-3:, 8:1:-2],
    np.s_[5],
    np.s_[4, 11],
    np.s_[:, 0],
    np.s_[3:3, :],
    np.s_[9:2, 1:5],
]


@pytest.fixture(params=["hdf4", "hdf5", "geotiff"])
def stored(request, tmp_path):
    """One layer of counts in each kind of file, as (reader's kind, path, name, counts)."""
    raw = np.random.default_rng(3).integers(-500, 9000, (10, 12)).astype("int16")
    if request.param == "hdf4":
        path, name = hdf4(tmp_path / "x.hdf", {"v": (raw, {"_FillValue": -1})}), "v"
    elif request.param == "hdf5":
        path = hdf5(tmp_path / "x.h5", {"g": {"v": (raw, {"_FillValue": np.int16(-1)})}})
        name = "HDFEOS/GRIDS/g/Data Fields/v"
    else:
        path, name = geotiff(tmp_path / "x.tif", raw, nodata=-1), "*"
    return request.param, str(path), name, raw


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_part_of_a_layer_is_that_part_of_the_array(stored, key):
    kind, path, name, raw = stored
    layer = PeerLayer(kind, (path,), name, raw.shape, raw.dtype, None)
    np.testing.assert_array_equal(layer[key], raw[key])
    scaled = PeerLayer(kind, (path,), name, raw.shape, raw.dtype, Layer("v", "v", "1", 0.01, 5.0, fills=(-1,)))
    expected = np.where(raw == -1, np.nan, raw * 0.01 + 5.0)[key]
    np.testing.assert_allclose(scaled[key], expected, rtol=1e-6)
    assert scaled[key].dtype == np.float32


def test_a_series_is_a_first_axis(tmp_path):
    stack = np.random.default_rng(4).integers(0, 9000, (3, 10, 12)).astype("int16")
    paths = tuple(str(hdf4(tmp_path / f"{i}.hdf", {"v": (stack[i], {})})) for i in range(3))
    layer = PeerLayer("hdf4", paths, "v", (10, 12), np.dtype("int16"), None, stacked=True)
    assert (layer.shape, layer.ndim) == ((3, 10, 12), 3)
    for key in (np.s_[:], np.s_[1], np.s_[::-1, 2:5], np.s_[0:0, :, ::2], np.s_[2, 4, 7]):
        np.testing.assert_array_equal(layer[key], stack[key])
    assert pickle.loads(pickle.dumps(layer)) == layer


def test_the_files_of_a_series_may_be_packed_differently(tmp_path):
    # Each file is decoded by what it says itself: 10000 and 0.0001 mean the same (MOD13).
    for day, declared in ((1, 10000.0), (17, 1e-4)):
        path = tmp_path / f"MOD13A1.A2016{day:03d}.h18v04.061.2020050123456.hdf"
        hdf4(path, vi_layers(declared=declared))
    ds = ml.open_product(tmp_path)
    np.testing.assert_allclose(ds.ndvi[0], ds.ndvi[1], rtol=1e-6)


# Decoding ------------------------------------------------------------------------------------------------------------


def test_the_narrower_of_two_ranges_holds():
    row = Layer("x", "lai", "m2 m-2", 0.1, fills=(255,), valid=(0, 100))
    how = packing(row, {"valid_range": [5, 250]}, np.dtype("u1"), "file", scaled=False)
    values = decode(np.array([4, 5, 100, 101, 255], "u1"), how)
    np.testing.assert_allclose(values, [np.nan, 0.5, 10.0, np.nan, np.nan], rtol=1e-6)


def test_a_layer_without_packing_keeps_its_numbers():
    how = packing(Layer("x", "ndvi", "1"), {}, np.dtype("i2"), "file", scaled=False)
    np.testing.assert_array_equal(decode(np.array([-3, 0, 7], "i2"), how), [-3.0, 0.0, 7.0])


def test_a_row_that_trusts_the_file_turns_its_range_into_the_file_s_counts():
    row = Layer("LAI", "lai", "m2 m-2", 0.1, valid=(0, 100), trust="file")  # 0 to 10
    how = packing(row, {"scale_factor": 0.01}, np.dtype("i2"), "file", scaled=False)
    values = decode(np.array([0, 999, 1000, 1001, 32767], "i2"), how)
    np.testing.assert_allclose(values, [0, 9.99, 10.0, np.nan, np.nan], rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0, 100", (0.0, 100.0)),
        ("[-2000,10000]", (-2000.0, 10000.0)),
        ("none", None),
        ("n/a", None),
        (b"1 2", (1.0, 2.0)),
    ],
)
def test_ranges_written_as_text(text, numbers):
    assert said({"valid_range": text}).valid == numbers


def test_netcdf_numbers_that_are_unsigned_in_signed_clothes(tmp_path):
    """``_Unsigned`` (netCDF conventions): bytes above 127 are stored as negative ones."""
    path = tmp_path / "x.nc"
    with h5py.File(path, "w") as file:
        item = file.create_dataset("v", data=np.array([[0, -1, -128, 127]], "i1"))
        item.attrs.update({"_Unsigned": "true", "_FillValue": np.int8(-1), "valid_range": np.array([0, -2], "i1")})
    found = READERS["hdf5"].layers(str(path))["v"]
    assert (found.dtype, found.attributes["_FillValue"]) == (np.dtype("u1"), 255)
    np.testing.assert_array_equal(found.attributes["valid_range"], [0, 254])
    raw, attributes = READERS["hdf5"].read(str(path), "v", np.s_[0:1, 0:4])
    np.testing.assert_array_equal(raw, [[0, 255, 128, 127]])
    assert attributes["_FillValue"] == 255


# Tie points ----------------------------------------------------------------------------------------------------------


def ties(tmp_path, values, **kwargs):
    """A tie point at every fifth row and column from the third on, as in MOD11_L2 (centres at 0.5)."""
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["t"] = values
    shape = (5 * values.shape[0], 5 * values.shape[1])
    return TieLayer("hdf5", str(path), "t", shape, (2.5, 5.0, 2.5, 5.0), **kwargs)


def test_a_plane_is_interpolated_and_extrapolated_exactly(tmp_path):
    rows, columns = np.arange(2, 20, 5), np.arange(2, 30, 5)
    layer = ties(tmp_path, 10.0 + 0.5 * rows[:, None] - 0.25 * columns, wraps=np.nan)
    everywhere = 10.0 + 0.5 * np.arange(20)[:, None] - 0.25 * np.arange(30)
    np.testing.assert_allclose(layer[:, :], everywhere, atol=1e-5)
    np.testing.assert_allclose(layer[3:9, ::-4], everywhere[3:9, ::-4], atol=1e-5)
    np.testing.assert_allclose(layer[7, :], everywhere[7], atol=1e-5)


@pytest.mark.parametrize(("lowest", "start"), [(0.0, 355.0), (-180.0, 176.0)])
def test_angles_pass_their_seam(tmp_path, lowest, start):
    columns = np.arange(2, 30, 5)
    wrapped = (start + 0.3 * columns - lowest) % 360.0 + lowest
    layer = ties(tmp_path, np.tile(wrapped, (4, 1)), wraps=lowest)
    expected = (start + 0.3 * np.arange(30) - lowest) % 360.0 + lowest
    found = layer[:, :]
    assert found.min() >= lowest
    assert found.max() < lowest + 360.0
    away = (found - expected + 180.0) % 360.0 - 180.0
    np.testing.assert_allclose(away, 0.0, atol=2e-4)


def test_a_missing_tie_point_spoils_its_neighbourhood_only(tmp_path):
    for wraps in (np.nan, -180.0):
        values = np.tile(10.0 + np.arange(6), (4, 1))
        values[1, 1] = -999.0
        found = ties(tmp_path, values, wraps=wraps)[:, :]
        assert np.isnan(found[7, 7])
        assert np.isfinite(found[:, 13:]).all()
        assert np.nanmin(found) > 8.0


def test_elevations_become_zenith_angles(tmp_path):
    layer = ties(tmp_path, np.full((2, 2), 60.0), wraps=np.nan, elevation=True)
    np.testing.assert_allclose(layer[:, :], 30.0)


def test_one_row_of_tie_points_is_enough(tmp_path):
    layer = ties(tmp_path, np.array([[1.0, 2.0, 3.0]]), wraps=np.nan)
    np.testing.assert_allclose(layer[0, 2::5], [1.0, 2.0, 3.0])


def test_tie_points_of_another_shape_are_damage(tmp_path):
    layers = {
        "LST": (np.full((20, 30), 15000, "u2"), {"scale_factor": 0.02, "_FillValue": 0}),
        "Latitude": (np.zeros(6, "f4"), {}),
        "Longitude": (np.zeros((4, 6), "f4"), {}),
    }
    path = hdf4(tmp_path / "MYD11_L2.A2016001.0430.061.2020050123456.hdf", layers, swath=True)
    with pytest.raises(ArchiveError, match=r"MYD11_L2.*'Latitude' do not say where they lie"):
        ml.open_product(path)


def test_a_layer_without_rows_and_columns_is_damage(tmp_path):
    path = hdf4(tmp_path / "MYD11_L2.A2016001.0430.061.2020050123456.hdf", {"LST": (np.zeros(6, "u2"), {})}, swath=True)
    with pytest.raises(ArchiveError, match=r"MYD11_L2.*damaged"):
        ml.open_product(path)


# Times ---------------------------------------------------------------------------------------------------------------


def granule(key, **fields):
    return PeerGranule(LAYOUT[key], "g", fields, {"": Path("x")})


@pytest.mark.parametrize(
    ("key", "date", "expected"),
    [
        ("MOD13", "2016366", datetime(2016, 12, 31)),  # a leap year
        ("MOD13_GEOTIFF", "2016_049", datetime(2016, 2, 18)),
        ("MOD11_L2", "2019009.1015", datetime(2019, 1, 9, 10, 15)),
        ("CGLS", "202101310000", datetime(2021, 1, 31)),
        ("L2SP_OLI", "20201031", datetime(2020, 10, 31)),
        ("MOD13", "2016400", None),
        ("MOD13", "", None),
    ],
)
def test_dates_by_name(key, date, expected):
    assert granule(key, date=date).date == expected


def test_a_series_with_an_undated_file_has_no_time():
    both = [granule("MOD13", date="2016001"), granule("MOD13")]
    assert instants(both, {}, {}).size == 0
    assert list(instants(both[:1], {}, {})) == [np.datetime64("2016-01-01")]


def test_the_time_of_a_file_from_its_attributes():
    found = instants([granule("OLCI_BEAM")], {"start_date": "08-JAN-2018 13:05:41.123456"}, {})
    assert found[0] == np.datetime64("2018-01-08T13:05:41.123456")
    assert instants([granule("OLCI_BEAM")], {"start_date": "yesterday"}, {}).size == 0


# Where layers lie ----------------------------------------------------------------------------------------------------


def test_a_tile_lies_where_the_sinusoidal_grid_says(tmp_path):
    ds = ml.open_product(hdf4(tmp_path / f"MOD13A1.{TILE}.hdf", vi_layers()))
    side = 2 * np.pi * 6371007.181 / 36  # of a tile, of which h18v04 begins at the meridian and 50 degrees north
    cell = side / 2400
    np.testing.assert_allclose(ds.x[:2], [cell / 2, 3 * cell / 2], atol=0.01)
    np.testing.assert_allclose(ds.y[0], 5 * side - cell / 2, atol=0.01)
    assert ds.rio.crs.to_dict()["R"] == pytest.approx(6371007.181)


def test_latitudes_that_ascend_stay_with_their_rows(tmp_path):
    lai = np.arange(48, dtype="u1").reshape(6, 8)
    path = cgls(tmp_path / "c_gls_LAI300_201801100000_GLOBE_PROBAV_V1.0.1.nc", {"LAI": (lai, {"scale_factor": 1 / 30})})
    with h5py.File(path, "r+") as file:
        file["lat"][:] = file["lat"][:][::-1]
    ds = ml.open_product(path)
    assert float(ds.latitude[0]) < float(ds.latitude[-1])
    np.testing.assert_allclose(ds.lai.sel(latitude=ds.latitude.max()), lai[-1] / 30, rtol=1e-4)


def test_an_image_without_a_map_is_refused(tmp_path):
    name = "MCD43A4.A2016001.h18v04.006.2016020123456_B01.TIF"
    path = geotiff(tmp_path / name, np.full((3, 4), 5000, "i2"), crs=None, nodata=32767)
    with pytest.raises(ArchiveError, match="not georeferenced"):
        ml.open_product(path)


# Finding -------------------------------------------------------------------------------------------------------------


def test_a_band_leads_to_the_others_of_its_granule(tmp_path):
    for band in ("SR_B4", "SR_B5", "QA_PIXEL"):
        geotiff(tmp_path / f"LC08_L2SP_118032_20200620_20200823_02_T1_{band}.TIF", np.full((3, 4), 9000, "u2"))
    geotiff(tmp_path / "LC08_L2SP_118032_20200722_20200823_02_T1_SR_B4.TIF", np.full((3, 4), 9000, "u2"))
    (found,) = find(tmp_path / "LC08_L2SP_118032_20200620_20200823_02_T1_SR_B5.TIF")
    assert set(found.files) == {"SR_B4", "SR_B5", "QA_PIXEL"}
    assert len(find(tmp_path)) == 2


def test_what_was_asked_for_is_told_where_it_is_missing(tmp_path):
    hdf4(tmp_path / f"MOD13A1.{TILE}.hdf", vi_layers())
    found = find(tmp_path)
    with pytest.raises(NotFoundError, match=r"nothing with version='006'.*It holds: MOD13A1 h18v04"):
        choose(found, tmp_path, {"version": "006"})
    assert choose(found, tmp_path, {"period": "2016-01"}) == found
    assert choose(found, tmp_path, {"period": "2016001", "tile": "H18V04"}) == found
    with pytest.raises(InputError, match="edition="):
        choose(found, tmp_path, {"edition": "1km"})


def test_a_file_of_another_kind_under_a_known_name_is_not_crashed_on(tmp_path):
    for name in (f"MOD13A1.{TILE}.hdf", f"VNP13A1.{TILE}.h5", "LC08_L2SP_118032_20200620_20200823_02_T1_SR_B4.TIF"):
        path = tmp_path / name
        path.write_bytes(b"<html><title>Earthdata Login</title></html>" * 20)  # what a download without a login gives
        with pytest.raises(ArchiveError, match=name[:8]):
            ml.open_product(path)
