"""Quick rules and the compliance-checker: products of ours pass, each broken header is found by the rule it breaks."""

import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.check import compliance
from musyq_lab.archive.check.conformity import check_header
from musyq_lab.archive.check.report import gather
from musyq_lab.archive.header import read_header
from musyq_lab.archive.write import write_product
from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.quality import CAUSE_DTYPE, QA_DTYPE
from musyq_lab.products._registry import PRODUCTS

COVERAGE = {"time_coverage_start": "2015-01-01T00:00:00Z", "time_coverage_end": "2015-01-05T23:59:59Z"}
HISTORY = {"history": "retrieve() by a test"}


def of_spec(spec, projected=False):
    """A Dataset with every layer a product can have, in the middle of its range."""
    grid = GeoGrid("1km", 100, 4000, 28000, 4, 5)
    dims = ("y", "x") if projected else ("latitude", "longitude")
    layers = {}
    for variable in spec.variables:
        low, high = variable.valid_range
        finite = [x for x in (low, high) if np.isfinite(x)]
        value = float(variable.classes[0][0]) if variable.classes else float(np.mean(finite or [0.0]))
        layers[variable.name] = (dims, np.full(grid.shape, value), {"units": variable.units})
        if variable.uncertain:
            sigma = 0.05 * (high - low) if len(finite) == 2 else 1.0
            layers[variable.uncertainty_name] = (dims, np.full(grid.shape, sigma), {"units": variable.units})
    layers[spec.qa_name] = (dims, np.zeros(grid.shape, QA_DTYPE))
    if spec.inputs:
        layers[spec.cause_name] = (dims, np.zeros(grid.shape, CAUSE_DTYPE))
    if not projected:
        return xr.Dataset(layers, {"latitude": grid.latitude, "longitude": grid.longitude}, {**COVERAGE, **HISTORY})
    metre = {"units": "m"}
    coords = {
        "y": ("y", 4_500_000.0 - 30 * np.arange(4), {**metre, "standard_name": "projection_y_coordinate"}),
        "x": ("x", 500_000.0 + 30 * np.arange(5), {**metre, "standard_name": "projection_x_coordinate"}),
    }
    ds = xr.Dataset(layers, coords, {**COVERAGE, **HISTORY})
    return ds.rio.write_crs("EPSG:32650")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the check went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def product(tmp_path):
    ds = dataset(6, 8, 2).assign_attrs(COVERAGE)
    ds["month"].attrs["long_name"] = "month of the year"
    return write_product(ds, tmp_path, spec=SPEC, **NAME)


def quick(path):
    return [(f.level, f.group, f.message) for f in check_header(read_header(path), path.name)]


def thorough(path):
    return list(compliance.check_compliance(path, path.name))


def one_of_each_kind(spec):
    """Names of one variable of each kind: the checker takes seconds over a hundred that differ in their band."""
    kinds = {}
    for v in spec.variables:
        kinds.setdefault((v.units, v.dtype, v.scale, v.offset, v.standard_name, v.uncertain, bool(v.classes)), v.name)
    return set(kinds.values())


@pytest.mark.parametrize("key", PRODUCTS)
def test_products_of_the_programme_break_no_rule(key, tmp_path):
    spec, kept = PRODUCTS[key], one_of_each_kind(PRODUCTS[key])
    others = [v for v in spec.variables if v.name not in kept]
    ds = of_spec(spec).drop_vars([*(v.name for v in others), *(v.uncertainty_name for v in others if v.uncertain)])
    path = write_product(ds, tmp_path, spec=spec, edition="1km", period="2015001")
    assert quick(path) == []
    assert [f for f in thorough(path) if f.level == "error"] == []


def test_a_product_on_a_projection_breaks_no_rule(tmp_path):
    pytest.importorskip("rioxarray")
    spec = PRODUCTS["lai"]
    path = write_product(of_spec(spec, projected=True), tmp_path, spec=spec, edition="30m", period="2015001")
    assert quick(path) == []
    assert [f for f in thorough(path) if f.level == "error"] == []


def test_the_demonstration_breaks_no_rule(product):
    assert quick(product) == []
    assert [f for f in thorough(product) if f.level != "note"] == []


def attribute(name, value, layer=None):
    def change(file):
        target = file[layer] if layer else file
        if value is None:
            del target.attrs[name]
        else:
            target.attrs[name] = value

    return change


def overwritten(name, values):
    def change(file):
        file[name][...] = values

    return change


BROKEN = [
    (attribute("Conventions", None), "error", "CF 2.6 Attributes"),
    (attribute("title", None), "error", "ACDD Global Attributes"),
    (attribute("summary", None), "warning", "ACDD Global Attributes"),
    (attribute("id", "MuSyQ.OTHER"), "error", "Name"),
    (attribute("product_version", "v2"), "error", "Name"),
    (attribute("time_coverage_end", None), "warning", "Period"),
    (attribute("time_coverage_end", "2014-12-31"), "error", "Period"),
    (attribute("time_coverage_start", "soon"), "error", "Period"),
    (attribute("time_coverage_start", "2001-01-01T00:00:00Z"), "error", "Period"),
    (attribute("units", None, "flux"), "error", "CF 3.1 Units"),
    (attribute("units", "watts of sun", "flux"), "error", "CF 3.1 Units"),
    (attribute("ancillary_variables", "flux_uncertainty lost_qa", "flux"), "error", "CF 3.4 Ancillary data"),
    (attribute("grid_mapping", "lost", "flux"), "error", "CF 5.6 Grid mapping"),
    (attribute("_FillValue", np.int32(-32768), "flux"), "error", "CF 8.1 Packed data"),
    (attribute("_FillValue", np.int16(7), "flux"), "error", "CF 8.1 Packed data"),
    (attribute("valid_range", np.array([0.0, 1.0]), "flux"), "error", "CF 8.1 Packed data"),
    (attribute("valid_range", np.array([0], np.int16), "flux"), "error", "CF 8.1 Packed data"),
    (attribute("scale_factor", 0.0, "flux"), "error", "CF 8.1 Packed data"),
    (attribute("flag_masks", np.array([1, 2], np.uint16), "demo_qa"), "error", "CF 3.5 Flags"),
    (attribute("flag_masks", None, "demo_qa"), "error", "CF 3.5 Flags"),
    (attribute("flag_meanings", None, "demo_qa"), "error", "CF 3.5 Flags"),
    (attribute("units", "K", "flux_uncertainty"), "error", "Uncertainty"),
    (attribute("units", "degrees", "latitude"), "error", "Axis latitude"),
    (attribute("geospatial_lat_max", 10.0), "error", "Axis latitude"),
    (overwritten("longitude", 5.0), "error", "Axis longitude"),
    (overwritten("latitude", np.nan), "error", "Axis latitude"),
]


@pytest.mark.parametrize(("change", "level", "group"), BROKEN, ids=[f"{n}-{b[2]}" for n, b in enumerate(BROKEN)])
def test_each_fault_is_found_by_its_rule(product, change, level, group):
    with h5py.File(product, "r+") as file:
        change(file)
    assert (level, group) in {(found[0], found[1]) for found in quick(product)}
    for finding in check_header(read_header(product), "x"):
        assert finding.message.endswith(".")
        assert finding.files == ("x",)


def test_renamed_files_are_told(product):
    other = product.rename(product.with_name("MuSyQ.DEMO.0p25deg.global.2015006.v1.h5"))
    assert [group for _, group, _ in quick(other)] == ["Name"]
    assert "was renamed" in quick(other)[0][2]
    stranger = other.rename(other.with_name("mine.h5"))
    assert [(level, group) for level, group, _ in quick(stranger)] == [("warning", "Name")]


def test_a_product_in_other_units_than_specified_is_found(tmp_path):
    spec = PRODUCTS["lai"]
    path = write_product(of_spec(spec), tmp_path, spec=spec, edition="1km", period="2015001")
    with h5py.File(path, "r+") as file:
        file["lai"].attrs["units"] = "K"
        file["lai_uncertainty"].attrs["units"] = "K"
    assert ("error", "Specification") in {(level, group) for level, group, _ in quick(path)}


def test_the_checker_of_ioos_says_what_is_wrong_in_words(product):
    with h5py.File(product, "r+") as file:
        file["flux"].attrs["standard_name"] = "no_such_quantity"
        file["flux"].attrs["units"] = "watts of sun"
        file["latitude"].attrs["units"] = "parsec"
        del file.attrs["summary"]
    found = thorough(product)
    text = " ".join(f.message for f in found)
    assert "no_such_quantity" in text
    assert any(f.level == "error" and "units" in f.message for f in found)
    assert any(f.level == "warning" and f.message == "The file does not say summary." for f in found)
    for finding in found:
        assert "{" not in finding.message
        assert finding.message[-1] in ".!?"


def test_a_vocabulary_of_any_version_leads_to_no_download(product):
    with h5py.File(product, "r+") as file:
        file.attrs["standard_name_vocabulary"] = "CF Standard Name Table v12"
    assert [f for f in thorough(product) if f.level != "note"] == []  # the network is closed in these tests


def test_parts_of_a_large_file_tell_the_same_as_the_whole(product, monkeypatch):
    whole = gather(thorough(product))
    monkeypatch.setattr(compliance, "_AT_ONCE", 1)
    assert gather(thorough(product)) == whole


def test_what_passed_is_no_finding(tmp_path):
    # The checker speaks of coordinates that it found ("'lat' found in same group") and gives all points for them.
    netcdf = pytest.importorskip("netCDF4")
    path = tmp_path / "swath.nc"
    with netcdf.Dataset(path, "w") as file:
        for name, size in (("line", 3), ("sample", 4)):
            file.createDimension(name, size)
        for name, units in (("lat", "degrees_north"), ("lon", "degrees_east"), ("lst", "K")):
            variable = file.createVariable(name, "f4", ("line", "sample"))
            variable.units, variable.long_name = units, name
        file["lst"].coordinates = "lat lon"
        file.Conventions = "CF-1.11"
    assert not [f for f in thorough(path) if "found in same group" in f.message]


def test_a_strangers_numbers_need_no_units(product):
    with h5py.File(product, "r+") as file:
        del file["flux"].attrs["units"]
    other = product.rename(product.with_name("theirs.h5"))
    assert ("warning", "CF 3.1 Units") in {(level, group) for level, group, _ in quick(other)}


# Not the fill value of another type: netCDF makes none, and the quick rules find it.
@pytest.mark.parametrize("change", [None, *(row[0] for row in BROKEN[9:13])])
def test_the_copy_of_a_header_is_judged_as_the_file_itself(product, change):
    netcdf = pytest.importorskip("netCDF4")
    with h5py.File(product, "r+") as file:
        if change:
            change(file)
    with netcdf.Dataset(product) as itself:
        assert compliance._messages(product) == set(compliance._run(itself))


def test_answers_are_forgotten_after_a_check(product):
    util = pytest.importorskip("compliance_checker.cf.util")
    before = [getattr(util, name) for name in compliance._QUESTIONS]
    thorough(product)
    assert [getattr(util, name) for name in compliance._QUESTIONS] == before


@pytest.mark.parametrize("data", [b"", b"nothing", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_what_is_no_hdf5_is_one_finding(tmp_path, data):
    path = tmp_path / "MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"
    path.write_bytes(data)
    (finding,) = thorough(path)
    assert finding.level == "error"
    assert "cannot be read as netCDF-4" in finding.message


def test_no_data_of_layers_are_read(product):
    with h5py.File(product) as file:
        info = file["flux"].id.get_chunk_info(0)
    with Path(product).open("r+b") as file:  # a chunk that cannot be inflated: whoever reads it fails
        file.seek(info.byte_offset)
        file.write(b"\xff" * info.size)
    with h5py.File(product) as file, pytest.raises(OSError):
        file["flux"][...]
    assert quick(product) == []
    assert [f for f in thorough(product) if f.level != "note"] == []
