"""Opening plain files: decoding, refusals, laziness."""

import h5py
import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr

from musyq_lab.catalog._files import choose_variables, find_file, open_raster, open_rasters, open_table
from musyq_lab.core.errors import CatalogError, MusyqError


@pytest.mark.parametrize("attribute", ["FillValue", "Fill", "_fillvalue", "fill_value", "_FillValue"])
def test_fill_values_are_missing_whatever_they_are_called(tmp_path, attribute):
    with h5py.File(tmp_path / "lai.h5", "w") as file:
        layer = file.create_dataset("lai", data=np.array([[0, 100], [32767, 250]], "int16"))
        layer.attrs[attribute] = np.int16(32767)
        layer.attrs["scale_factor"] = 0.01
    values = open_raster(tmp_path / "lai.h5")["lai"].values
    np.testing.assert_allclose(values, [[0.0, 1.0], [np.nan, 2.5]])


def test_true_zeros_stay(tmp_path):
    with h5py.File(tmp_path / "zero.h5", "w") as file:
        file.create_dataset("x", data=np.zeros((2, 3), "int16"))
    assert (open_raster(tmp_path / "zero.h5")["x"].values == 0).all()


def test_external_links_are_refused(tmp_path):
    with h5py.File(tmp_path / "evil.h5", "w") as file:
        file["stolen"] = h5py.ExternalLink("/etc/hostname", "/")
    with pytest.raises(MusyqError):
        open_raster(tmp_path / "evil.h5")


def test_a_truncated_file_is_a_plain_error(tmp_path):
    xr.Dataset({"a": ("x", np.arange(5000.0))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    whole = (tmp_path / "a.nc").read_bytes()
    (tmp_path / "a.nc").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(MusyqError):
        open_raster(tmp_path / "a.nc")


def test_geotiff_masks_and_bands(tmp_path):
    data = xr.DataArray(
        np.array([[1, 2], [0, 4]], "uint16"), dims=("y", "x"), coords={"y": [1.5, 0.5], "x": [0.5, 1.5]}
    )
    data.rio.write_nodata(0).rio.write_crs("EPSG:4326").rio.to_raster(tmp_path / "red.tif")
    opened = open_rasters({"red": str(tmp_path / "red.tif")})
    np.testing.assert_allclose(opened["red"].values, [[1, 2], [np.nan, 4]])


def test_files_of_two_grids_are_refused(tmp_path):
    for name, x in (("a", [0.0, 1.0]), ("b", [0.0, 2.0])):
        array = xr.DataArray(np.ones((2, 2)), dims=("y", "x"), coords={"x": x, "y": [0.0, 1.0]}, name=name)
        array.to_netcdf(tmp_path / f"{name}.nc", engine="h5netcdf")
    with pytest.raises(MusyqError, match="not on one grid"):
        open_rasters({name: str(tmp_path / f"{name}.nc") for name in "ab"})


def test_a_vrt_in_disguise_is_refused(tmp_path):
    (tmp_path / "x.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>')
    with pytest.raises(MusyqError):
        open_raster(tmp_path / "x.tif")


def test_find_file_wants_exactly_one(tmp_path):
    for name in ("a1.nc", "a2.nc"):
        (tmp_path / name).touch()
    assert find_file(tmp_path / "a1*.nc").name == "a1.nc"
    with pytest.raises(MusyqError, match="2 files"):
        find_file(tmp_path / "a*.nc")
    with pytest.raises(MusyqError, match="does not exist"):
        find_file(tmp_path / "b.nc")


def test_other_kinds_are_refused(tmp_path):
    (tmp_path / "x.pkl").touch()
    with pytest.raises(MusyqError, match="not a raster"):
        open_raster(tmp_path / "x.pkl")


def test_variables_are_chosen_and_renamed():
    dataset = xr.Dataset({"a": 1, "b": 2})
    assert list(choose_variables(dataset, ["a"], {"a": "c"}).data_vars) == ["c"]
    with pytest.raises(CatalogError, match="a, b"):
        choose_variables(dataset, ["z"], {})


def test_table_has_units_and_times(tmp_path):
    (tmp_path / "t.csv").write_text("time,t\n2020-01-01T00:00:00Z,3.5\n2020-02-01T00:00:00Z,\n")
    table = open_table(tmp_path / "t.csv", units={"t": "K"}, meanings={"t": "temperature"}, times=["time"])
    assert table["t"].attrs == {"units": "K", "long_name": "temperature"}
    assert table["time"].dtype.kind == "M"
    assert np.isnan(table["t"].values[1])
