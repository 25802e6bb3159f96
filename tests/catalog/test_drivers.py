"""The drivers by themselves, as intake uses them, and folders of product files as catalogs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.catalog import drivers
from musyq_lab.catalog._folder import _literal, folder_catalog
from musyq_lab.catalog.drivers import ProductSource, RasterSource, TableSource
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import CatalogError, InputError, NotFoundError
from musyq_lab.products._registry import PRODUCTS

GRID = {"latitude": [1.0, 0.0], "longitude": [0.0, 1.0, 2.0]}
DIMS = ("latitude", "longitude")


def store(path, **layers):
    data = {name: (DIMS, np.full((2, 3), float(value))) for name, value in layers.items()}
    xr.Dataset(data, coords=GRID).to_netcdf(path, engine="h5netcdf")
    return str(path)


@pytest.fixture
def file(tmp_path):
    return store(tmp_path / "two.nc", a=1, b=2)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "# a remark\nsite,when,ghi\nA,2020-01-01T12:00:00+08:00,100.5\nB,2020-06-01T00:00:00Z,\n", encoding="utf-8"
    )
    return str(path)


@pytest.mark.parametrize("kind", [ProductSource, RasterSource, TableSource])
def test_every_driver_tells_intake_the_same(kind):
    source = kind("x", metadata={"title": "T"})
    assert source.container == "xarray"
    assert source.version == package_version()
    assert source.partition_access is False
    assert source.metadata["title"] == "T"
    assert source.name.startswith("musyq_")


def test_making_a_source_opens_nothing():
    for kind in (ProductSource, RasterSource, TableSource):
        assert kind("/nowhere/at/all.nc").urlpath == "/nowhere/at/all.nc"


@pytest.mark.parametrize("kind", [ProductSource, RasterSource, TableSource])
def test_what_is_not_there_is_a_plain_error_when_read(kind):
    with pytest.raises(InputError, match="does not exist"):
        kind("/nowhere/at/all.nc").read()
    with pytest.raises(InputError, match="does not exist"):
        kind("/nowhere/at/all.nc").to_dask()


def test_the_base_alone_opens_nothing():
    with pytest.raises(TypeError, match="_open"):
        drivers._Source("x")


def test_a_source_may_be_closed_and_read_again(file):
    source = RasterSource(file)
    first = source.read()
    source.close()
    xr.testing.assert_identical(first.load(), source.read().load())
    xr.testing.assert_identical(source.read_partition(0).load(), first)


def test_variables_are_chosen_then_renamed(file):
    assert list(RasterSource(file).read().data_vars) == ["a", "b"]
    assert list(RasterSource(file, variables=["b"]).read().data_vars) == ["b"]
    both = RasterSource(file, variables=["b"], rename={"b": "rain"}).read()
    assert list(both.data_vars) == ["rain"]
    assert (both["rain"] == 2).all()


@pytest.mark.parametrize("options", [{"variables": ["c"]}, {"rename": {"c": "d"}}])
def test_a_variable_that_is_not_in_the_file_is_named_with_those_that_are(file, options):
    with pytest.raises(CatalogError, match=r"no variable 'c'. It has: a, b"):
        RasterSource(file, **options).read()


def test_one_file_a_layer(tmp_path):
    paths = {name: store(tmp_path / f"{name}.nc", layer=k) for k, name in enumerate(("red", "nir"))}
    data = RasterSource(paths).read()
    assert {name: float(data[name].mean()) for name in data.data_vars} == {"red": 0.0, "nir": 1.0}


def test_a_file_of_two_layers_is_no_layer(tmp_path, file):
    with pytest.raises(InputError, match="holds 2 layers"):
        RasterSource({"red": file}).read()


def test_a_profile_beside_the_map_does_not_count_as_a_layer(tmp_path):
    data = xr.Dataset({"a": (DIMS, np.ones((2, 3))), "bounds": ("latitude", [1.0, 2.0])}, coords=GRID)
    data.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    assert list(RasterSource({"red": str(tmp_path / "x.nc")}).read().data_vars) == ["red"]


def test_a_group_is_opened_by_name(tmp_path):
    path = tmp_path / "g.nc"
    xr.Dataset({"top": (DIMS, np.ones((2, 3)))}, coords=GRID).to_netcdf(path, engine="h5netcdf")
    xr.Dataset({"deep": (DIMS, np.zeros((2, 3)))}, coords=GRID).to_netcdf(path, group="in", mode="a", engine="h5netcdf")
    assert list(RasterSource(str(path)).read().data_vars) == ["top"]
    assert list(RasterSource(str(path), group="in").read().data_vars) == ["deep"]
    with pytest.raises(InputError, match="cannot be read"):
        RasterSource(str(path), group="out").read()


def test_a_pattern_must_name_one_file(tmp_path, file):
    assert "a" in RasterSource(str(tmp_path / "*.nc")).read()
    store(tmp_path / "three.nc", c=3)
    with pytest.raises(InputError, match="names 2 files"):
        RasterSource(str(tmp_path / "*.nc")).read()


def test_a_folder_is_no_raster(tmp_path):
    with pytest.raises(InputError, match="is not a file"):
        RasterSource(str(tmp_path)).read()


def test_times_are_turned_to_utc_and_gaps_stay_gaps(table):
    source = TableSource(table, units={"ghi": "W m-2"}, meanings={"site": "name of the site"}, times=["when"])
    data = source.read()
    assert data.sizes == {"row": 2}
    assert data["when"].values.astype("datetime64[h]").astype(str).tolist() == ["2020-01-01T04", "2020-06-01T00"]
    np.testing.assert_array_equal(data["ghi"].values, [100.5, np.nan])
    assert data["ghi"].attrs == {"units": "W m-2"}
    assert data["site"].attrs == {"long_name": "name of the site"}
    assert source.to_dask()["ghi"].chunks == ((2,),)


def test_a_table_gives_back_the_table(table):
    frame = TableSource(table).read().to_dataframe()
    assert list(frame.columns) == ["site", "when", "ghi"]
    assert frame["site"].tolist() == ["A", "B"]
    assert isinstance(frame, pd.DataFrame)


@pytest.mark.parametrize("text", ["", "a,b\n1,2,3\n4,5\n6,7,8,9\n"])
def test_a_broken_table_is_a_plain_error(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a table"):
        TableSource(str(tmp_path / "t.csv")).read()


def test_a_column_of_times_that_is_not_there_is_a_plain_error(table):
    with pytest.raises(InputError, match="cannot be read as a table"):
        TableSource(table, times=["then"]).read()


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_a_file_alone_has_the_name_of_its_product(tmp_path):
    touch(tmp_path, "MuSyQ.DSR.0p25deg.global.2019001.v1.h5")
    (entry,) = folder_catalog(tmp_path).entries
    assert (entry.name, entry.driver) == ("dsr", "musyq_product")
    assert entry.metadata["resolution"] == "0.25 degree"
    assert entry.metadata["period"] == "2019001"
    assert entry.metadata["title"] == PRODUCTS["dsr"].title
    assert entry.metadata["variables"] == [v.name for v in PRODUCTS["dsr"].variables]


def test_several_files_of_a_product_are_told_apart(tmp_path):
    touch(
        tmp_path,
        "MuSyQ.DSR.0p25deg.global.2019001.v1.h5",
        "deep/MuSyQ.DSR.5km.global.2019001.v1.h5",
        "deep/MuSyQ.DSR.5km.global.2019001.v2.h5",
        "MuSyQ.ZZZ.1km.h26v05.2019001.v1.h5",
        "MuSyQ.DSR.5km.global.2019001.v1.h5.partial",
    )
    entries = {entry.name: entry for entry in folder_catalog(tmp_path).entries}
    assert set(entries) == {
        "dsr_0p25deg_global_2019001",
        "dsr_5km_global_2019001",
        "dsr_5km_global_2019001_2",
        "zzz",
    }
    assert len({entry.args["urlpath"] for entry in entries.values()}) == 4
    assert entries["dsr_5km_global_2019001_2"].metadata["resolution"] == "5 km"


def test_a_product_that_is_not_installed_here_is_listed_by_its_key(tmp_path):
    touch(tmp_path, "MuSyQ.ZZZ.1km.h26v05.2019001.v1.h5")
    (entry,) = folder_catalog(tmp_path).entries
    assert entry.metadata["title"] == "zzz"
    assert entry.metadata["variables"] == []


@pytest.mark.parametrize("names", [[], ["x.h5"], ["MuSyQ.h5"], ["MuSyQ.dsr.h5"], ["readme.txt", "a/b/c.nc"]])
def test_a_folder_without_products_says_what_they_are_called(tmp_path, names):
    touch(tmp_path, *names)
    with pytest.raises(NotFoundError, match=r"no product files \(MuSyQ\."):
        folder_catalog(tmp_path)
    with pytest.raises(NotFoundError, match="no product files"):
        open_catalog(tmp_path)


def test_braces_of_a_folder_are_no_template():
    import jinja2

    for text in ("/a/{{ b }}/c.h5", "/a/{% x %}/c.h5", "/plain/c.h5", "/a/{/c.h5"):
        assert jinja2.Template(_literal(Path(text))).render() == text
