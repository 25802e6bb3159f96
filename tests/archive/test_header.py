"""The header of a product file against h5py, and the time that names tell against the calendar."""

from datetime import UTC, datetime

import h5py
import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import header as module
from musyq_lab.archive.header import instant, read_header
from musyq_lab.archive.naming import FileName
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, NotFoundError


@pytest.fixture
def product(tmp_path):
    return write_product(dataset(6, 8, 2), tmp_path, spec=SPEC, provenance={"entity": {}}, **NAME)


def test_the_header_is_what_h5py_reads(product):
    header = read_header(product)
    assert header.name == FileName("demo", "0p25deg", "global", "2015001", "v1")
    assert set(header.layers) == {"flux", "flux_uncertainty", "demo_qa"}
    with h5py.File(product) as file:
        for name, layer in header.layers.items():
            item = file[name]
            assert (layer.shape, layer.dtype, layer.chunks) == (item.shape, item.dtype, item.chunks)
            assert layer.compression == "gzip"
            assert layer.dims == ("month", "latitude", "longitude")
            assert layer.attributes["units"] == item.attrs["units"].decode()
        np.testing.assert_array_equal(header.coordinates["latitude"], file["latitude"])
        assert header.text("history") == file.attrs["history"].decode()
    assert [layer.name for layer in header.values] == ["flux"]
    assert header.plane == ("latitude", "longitude")
    assert header.shape == (6, 8)
    assert "provenance" in header.groups
    assert header.crs_attributes["grid_mapping_name"] == "latitude_longitude"
    assert header.text("absent") == ""
    assert len(repr(header)) < 500  # no wall of attributes in a notebook


def test_what_is_no_product_is_refused(tmp_path, product, monkeypatch):
    with pytest.raises(NotFoundError):
        read_header(tmp_path / "absent.h5")
    monkeypatch.setattr(module, "_MOST_COORDINATES", 10)
    with pytest.raises(ArchiveError, match="its coordinates hold more than"):
        read_header(product)
    bare = tmp_path / "bare.h5"
    with h5py.File(bare, "w") as file:
        file["a"] = np.zeros(3)
    with pytest.raises(ArchiveError, match="dimensions without a scale"):
        read_header(bare)


def test_the_file_says_its_period_before_the_name_does(tmp_path):
    ds = dataset(4, 5, 1).assign_attrs(time_coverage_start="2015-01-02T03:00:00+08:00")
    header = read_header(write_product(ds, tmp_path, spec=SPEC, **NAME))
    assert header.coverage == (datetime(2015, 1, 1, 19, tzinfo=UTC), None)
    header = read_header(write_product(dataset(4, 5, 1), tmp_path, spec=SPEC, **{**NAME, "period": "2016-02"}))
    assert header.coverage == (datetime(2016, 2, 1, tzinfo=UTC), datetime(2016, 2, 29, 23, 59, 59, tzinfo=UTC))
    header = read_header(write_product(dataset(4, 5, 1), tmp_path, spec=SPEC, **NAME))  # one day, or five
    assert header.coverage == (datetime(2015, 1, 1, tzinfo=UTC), None)
    header = read_header(write_product(dataset(4, 5, 1), tmp_path, spec=SPEC, **{**NAME, "period": "normals"}))
    assert header.coverage == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-01-01", datetime(2015, 1, 1, tzinfo=UTC)),
        ("2015-01-01T00:00:00Z", datetime(2015, 1, 1, tzinfo=UTC)),
        ("2015-01-01T08:00:00+08:00", datetime(2015, 1, 1, tzinfo=UTC)),
        ("2015-01-01T00:00:00.123456789Z", datetime(2015, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        (" 2015-01-01 ", datetime(2015, 1, 1, tzinfo=UTC)),
        ("", None),
        ("soon", None),
        ("2015-13-01", None),
    ],
)
def test_instants(text, expected):
    assert instant(text) == expected
