"""Bad input: one plain error that names the file and the reason, at opening or when the values are read."""

import pickle
import shutil

import dask
import h5py
import numpy as np
import pytest
from archive.make_peers import cgls, geotiff, hdf4, hdf5, vi_layers
from sensors.shared_data import shared

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

TILE = "A2016001.h18v04.061.2020050123456"


def mod13(folder, day=1, *, version="061", tile="h18v04", product="MOD13A1", **kwargs):
    return hdf4(folder / f"{product}.A2016{day:03d}.{tile}.{version}.2020050123456.hdf", vi_layers(**kwargs))


def test_another_scale_than_documented_is_not_decoded(tmp_path):
    with pytest.raises(ArchiveError, match=r"MOD13A1.*NDVI.* says scale 0.001, but 0.0001 is documented"):
        ml.open_product(mod13(tmp_path, declared=0.001))


def test_a_fill_inside_the_documented_range_is_not_believed(tmp_path):
    layers = vi_layers()
    values, said = layers["500m 16 days NDVI"]
    layers["500m 16 days NDVI"] = (values, {**said, "_FillValue": 0})
    path = hdf4(tmp_path / f"MOD13A1.{TILE}.hdf", layers)
    with pytest.raises(ArchiveError, match=r"0 is no data, but it lies within"):
        ml.open_product(path)


def test_another_offset_and_an_impossible_range_are_not_decoded(tmp_path):
    values = np.full((6, 8), 100, "uint8")
    path = tmp_path / "c_gls_NDVI300_202007110000_GLOBE_OLCI_V2.0.1.nc"
    cgls(path, {"NDVI": (values, {"scale_factor": 0.004, "add_offset": 0.0})})
    with pytest.raises(ArchiveError, match=r"says offset 0, but -0.08 is documented"):
        ml.open_product(path)
    cgls(path, {"NDVI": (values, {"scale_factor": 0.004, "add_offset": -0.08, "valid_range": [251, 255]})})
    with pytest.raises(ArchiveError, match="nothing would be left"):
        ml.open_product(path)
    cgls(path, {"NDVI": (values, {"scale_factor": 0.0, "add_offset": -0.08})})
    with pytest.raises(ArchiveError, match="has scale 0"):
        ml.open_product(path)


def test_empty_cut_and_foreign_files(tmp_path):
    empty = tmp_path / f"MOD13A2.{TILE}.hdf"
    empty.touch()
    with pytest.raises(ArchiveError, match=r"MOD13A2.*0 bytes"):
        ml.open_product(empty)
    whole = mod13(tmp_path)
    cut = tmp_path / f"MOD13Q1.{TILE}.hdf"
    cut.write_bytes(whole.read_bytes()[:400])
    with pytest.raises(ArchiveError, match="MOD13Q1"):
        ml.open_product(cut)
    text = tmp_path / f"VNP13A1.{TILE}.h5"
    text.write_text("<html>404</html>")
    with pytest.raises(ArchiveError, match=r"VNP13A1.*not an HDF5 file"):
        ml.open_product(text)
    other = tmp_path / "c_gls_LAI300_201801100000_GLOBE_PROBAV_V1.0.1.nc"
    cgls(other, {"SOMETHING": (np.zeros((6, 8), "u1"), {})})
    with pytest.raises(ArchiveError, match="holds none of the layers"):
        ml.open_product(other)
    with pytest.raises(NotFoundError, match="no file"):
        ml.open_product(tmp_path / "MOD13A1.A2001001.h18v04.061.2020050123456.hdf")


def test_a_file_that_no_row_knows_is_said_to_be_unknown(tmp_path):
    path = hdf4(tmp_path / "other.hdf", {"x": (np.zeros((3, 3), "i2"), {})}, name="MOD99A1.hdf")
    with pytest.raises(ArchiveError, match=r"other.hdf.*no product that MuSyQ Lab knows"):
        ml.open_product(path)


def test_raw_granules_are_sent_to_open_scene():
    folder = shared("landsat8_C1_L1TP_016037_20170813")
    with pytest.raises(ArchiveError, match=r"raw granule of .*open_scene"):
        ml.open_product(next(folder.glob("*_B4.TIF")))
    with pytest.raises(ArchiveError, match="open_scene"):
        ml.open_product(folder)


def test_a_grid_without_its_metadata(tmp_path):
    path = hdf5(
        tmp_path / f"VNP13A1.{TILE}.h5",
        {"VIIRS_Grid_16Day_VI_500m": {"500 m 16 days NDVI": (np.zeros((4, 5), "i2"), {})}},
    )
    with h5py.File(path, "a") as file:
        del file["HDFEOS INFORMATION"]
    with pytest.raises(ArchiveError, match="describes no grid"):
        ml.open_product(path)


def test_a_damaged_member_of_a_series_is_named_when_it_is_read(tmp_path):
    for day in (1, 17):
        mod13(tmp_path, day)
    bad = mod13(tmp_path, 33, declared=0.001)
    ds = ml.open_product(tmp_path)
    assert np.isfinite(ds.ndvi[:2].values).any()
    with pytest.raises(ArchiveError, match=rf"{bad.name}.*says scale"):
        ds.ndvi[2].compute(scheduler="synchronous")
    bad.write_bytes(b"")
    with pytest.raises(ArchiveError, match=bad.name):
        ds.ndvi[2].compute(scheduler="synchronous")


def test_a_member_of_another_size_or_type_is_refused(tmp_path):
    mod13(tmp_path, 1)
    mod13(tmp_path, 17, shape=(3, 5))
    ds = ml.open_product(tmp_path)
    with pytest.raises(ArchiveError, match="2016017"):
        ds.ndvi[1].compute(scheduler="synchronous")


def test_a_layer_missing_from_one_granule(tmp_path):
    raw = np.full((3, 4), 5000, "i2")
    for day in (1, 2):
        for band in ("B01", "B02"):
            name = f"MCD43A4.A2016{day:03d}.h18v04.006.2016020123456_{band}.TIF"
            geotiff(tmp_path / name, raw, nodata=32767, scale_factor="0.0001")
    assert ml.open_product(tmp_path).reflectance_nir.dims == ("time", "y", "x")
    next(tmp_path.glob("*A2016002*_B02.TIF")).unlink()
    with pytest.raises(ArchiveError, match=r"2016002.* lacks the layer 'B02'"):
        ml.open_product(tmp_path)


def test_mixtures_are_not_stacked(tmp_path):
    mod13(tmp_path, 1)
    mod13(tmp_path, 17, tile="h19v04")
    with pytest.raises(InputError, match=r"several tiles: h18v04, h19v04"):
        ml.open_product(tmp_path)
    assert ml.open_product(tmp_path, tile="h19v04").attrs["tile"] == "h19v04"
    mod13(tmp_path, 1, version="006")
    with pytest.raises(InputError, match="several versions"):
        ml.open_product(tmp_path, tile="h18v04")
    with pytest.raises(InputError, match="edition="):
        ml.open_product(tmp_path, edition="1km")
    shutil.copy(
        tmp_path / "MOD13A1.A2016017.h19v04.061.2020050123456.hdf",
        tmp_path / "MOD13A1.A2016017.h19v04.061.2021050123456.hdf",
    )
    with pytest.raises(InputError, match="no series in time"):
        ml.open_product(tmp_path, tile="h19v04")


def test_a_timeline_of_another_length(tmp_path):
    source = shared("modis_MOD13Q1_MatoGrosso_2007_2013")
    for name in ("ndvi.tif", "red.tif"):
        shutil.copy(source / name, tmp_path / name)
    (tmp_path / "timeline").write_text("\n".join((source / "timeline").read_text().split()[:-1]))
    with pytest.raises(ArchiveError, match="136 instants are listed for 137 layers"):
        ml.open_product(tmp_path)
    (tmp_path / "timeline").write_text("yesterday\n")
    with pytest.raises(ArchiveError, match="no list of dates"):
        ml.open_product(tmp_path)


def test_nothing_is_read_at_opening_and_everything_travels(tmp_path):
    def never(*_, **__):
        raise AssertionError("computed something")

    for day in (1, 17):
        mod13(tmp_path, day)
    with dask.config.set(scheduler=never):
        ds = ml.open_product(tmp_path)
    again = pickle.loads(pickle.dumps(ds))
    np.testing.assert_array_equal(again.ndvi, ds.ndvi)
    np.testing.assert_array_equal(ds.ndvi[1, ::-1, ::2], ds.ndvi.values[1, ::-1, ::2])
    assert ds.ndvi[0:0].values.shape == (0, 4, 5)


def test_our_own_archive_keeps_its_meaning(tmp_path):
    from archive.samples import NAME, SPEC, dataset

    from musyq_lab.archive.write import write_product

    write_product(dataset(), tmp_path, spec=SPEC, **NAME)
    mod13(tmp_path)
    assert ml.open_product(tmp_path).attrs["product"] == "demo"
    assert "ndvi" in ml.open_product(tmp_path / f"MOD13A1.{TILE}.hdf")
