import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset, one

from musyq_lab.archive.naming import FileName
from musyq_lab.archive.structure import global_attributes, set_attributes
from musyq_lab.archive.write import write_product
from musyq_lab.core.attributes import history_line
from musyq_lab.core.errors import InputError

FIELDS = FileName("demo", "0p25deg", "global", "2015001", "v1")


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w", libver=("v108", "v110")) as opened:
        yield opened


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("text", b"text"),
        ("中国", "中国".encode()),
        (7, 7),
        (2**40, 2**40),
        (True, 1),
        (0.25, 0.25),
        (np.float32(1.5), 1.5),
        ({"b": 1, "a": [2]}, b'{"a": [2], "b": 1}'),
        (["red", "nir"], b'["red", "nir"]'),
        (np.datetime64("2015-01-01"), b'"2015-01-01"'),
    ],
)
def test_every_attribute_has_a_plain_type(file, given, stored):
    set_attributes(file, {"x": given})
    assert file.attrs["x"] == stored


def test_numbers_stay_numbers_and_nothing_is_left_out_by_name(file):
    set_attributes(file, {"range": [0.0, 600.0], "masks": np.array([1, 2], np.uint16), "none": None, "empty": ""})
    assert file.attrs["range"].tolist() == [0.0, 600.0]
    assert file.attrs["masks"].dtype == np.uint16
    assert set(file.attrs) == {"range", "masks"}


def test_texts_have_a_fixed_length(file):
    """Variable-length texts lie in the global heap, whose damage HDF5 does not notice."""
    set_attributes(file, {"x": "words"})
    kind = h5py.h5a.open(file.id, b"x").get_type()
    assert not kind.is_variable_str()
    assert kind.get_cset() == h5py.h5t.CSET_UTF8


def attributes_of(attrs, **fields):
    name = FileName(**{"product": "demo", "edition": "1km", "tile": "global", "version": "v1", **fields})
    return global_attributes(dataset(4, 4, 2).drop_attrs(deep=False).assign_attrs(attrs), SPEC, name)


def test_the_period_of_the_name_is_in_the_file_where_it_is_whole():
    found = attributes_of({}, period="2016-02")
    assert found["time_coverage_start"] == "2016-02-01T00:00:00Z"
    assert found["time_coverage_end"] == "2016-02-29T23:59:59Z"
    for period in ("2016032", "static"):  # a day or five; no time at all: not even a start, which would be an instant
        assert not [key for key in attributes_of({}, period=period) if key.startswith("time_coverage")]


@pytest.mark.parametrize("which", ["start", "end"])
def test_what_the_dataset_says_of_its_period_wins(which):
    found = attributes_of({f"time_coverage_{which}": "2016-02-03T04:05:06Z"}, period="2016-02")
    assert {k: v for k, v in found.items() if "coverage_" in k} == {f"time_coverage_{which}": "2016-02-03T04:05:06Z"}


def test_every_file_has_a_history():
    assert attributes_of({"history": "one"}, period="2016")["history"] == "one"
    made = attributes_of({"history": ""}, period="2016")["history"]
    assert made == history_line(
        "write_product", {"edition": "1km", "tile": "global", "period": "2016", "version": "v1"}
    )


def test_a_history_beyond_64_kilobytes_fits(tmp_path):
    ds = dataset(4, 4, 2).assign_attrs(history="line\n" * 20_000)
    path = write_product(ds, tmp_path, spec=SPEC, **NAME)
    for engine in ("h5netcdf", "netcdf4"):
        if engine == "netcdf4":
            pytest.importorskip("netCDF4")
        with xr.open_dataset(path, engine=engine) as found:
            assert found.attrs["history"] == ds.attrs["history"]


def test_the_datasets_words_stand_and_the_files_facts_win():
    ds = dataset().assign_attrs(title="Own title", tile="a lie", creator_name="somebody")
    found = global_attributes(ds, SPEC, FIELDS)
    assert (found["title"], found["creator_name"]) == ("Own title", "somebody")
    assert (found["tile"], found["id"], found["period"]) == ("global", FIELDS.stem, "2015001")


def test_a_global_grid_reaches_the_poles_and_no_further():
    ds = one("kind", np.zeros((2, 3))).assign_coords(latitude=[90.0, -90.0], longitude=[-120.0, 0.0, 120.0])
    found = global_attributes(ds, SPEC, FIELDS)
    assert (found["geospatial_lat_min"], found["geospatial_lat_max"]) == (-90.0, 90.0)
    assert (found["geospatial_lon_min"], found["geospatial_lon_max"]) == (-180.0, 180.0)


def test_a_single_cell_has_no_resolution():
    found = global_attributes(one("kind", [[1.0]]), SPEC, FIELDS)
    assert "geospatial_lat_resolution" not in found
    assert found["geospatial_lat_min"] == found["geospatial_lat_max"]


def test_whole_numbers_beyond_32_bits_in_a_coordinate_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"'month' holds whole numbers beyond 32 bits"):
        write_product(dataset(4, 4, 1).assign_coords(month=[2**40]), tmp_path, spec=SPEC, **NAME)
    assert list(tmp_path.iterdir()) == []


def test_dimension_scales_are_those_of_netcdf(tmp_path):
    path = write_product(dataset(4, 5, 2), tmp_path, spec=SPEC, **NAME)
    with h5py.File(path) as found:
        assert all(found[name].is_scale for name in ("month", "latitude", "longitude"))
        assert found["flux"].attrs["grid_mapping"] == b"crs"
        assert found["crs"].attrs["semi_major_axis"] == 6378137.0
        assert found["latitude"].attrs["standard_name"] == b"latitude"
        assert found["month"].dtype == np.int32
