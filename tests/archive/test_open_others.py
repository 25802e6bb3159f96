"""Product files that another program has written again: their values must not come out wrong."""

import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError

SPELLINGS = ["FillValue", "Fill", "_fillvalue", "fill_value", "missing_value", "nodata"]
FORMAT = (
    *("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "DIMENSION_LABELS"),
    *("_Netcdf4Dimid", "_Netcdf4Coordinates"),
)


def put(ds, root, **extra):
    return write_product(ds, root, spec=SPEC, **{**NAME, **extra})


def rewritten(path, fill="_FillValue", scales=True, labels=False):
    """Copy every number and attribute, with the fill value spelt otherwise and dimension scales or none."""
    other = path.with_name("other")
    with h5py.File(path) as source, h5py.File(other, "w") as target:
        target.attrs.update({k: v for k, v in source.attrs.items() if not k.startswith("_")})
        layers = [item for item in source.values() if isinstance(item, h5py.Dataset)]
        for item in layers:
            made = target.create_dataset(item.name, data=item[()], **chunked(item))
            made.attrs.update({fill if k == "_FillValue" else k: v for k, v in item.attrs.items() if k not in FORMAT})
        if scales:
            for item in layers:
                if item.is_scale:
                    target[item.name].make_scale(item.name)
        if scales or labels:
            for item in layers:
                name_axes(item, target, scales)
    other.replace(path)
    return path


def name_axes(item, target, scales):
    for axis, dimension in enumerate(item.dims):
        for scale in list(dimension.values())[:1]:
            if scales:
                target[item.name].dims[axis].attach_scale(target[scale.name])
            else:
                target[item.name].dims[axis].label = scale.name.strip("/")


def chunked(item):
    return {"chunks": item.chunks, "compression": "gzip", "shuffle": True} if item.chunks else {}


@pytest.mark.parametrize("fill", SPELLINGS)
def test_a_fill_value_under_another_name_is_no_data(tmp_path, fill):
    ds = dataset(months=2)
    expected = open_product(put(ds, tmp_path)).compute()
    found = open_product(rewritten(put(ds, tmp_path), fill)).compute()
    np.testing.assert_array_equal(found.flux, expected.flux)
    np.testing.assert_array_equal(np.isnan(found.flux), np.isnan(ds.flux))
    np.testing.assert_array_equal(found.demo_qa, expected.demo_qa)
    assert fill not in found.flux.attrs


def test_both_spellings_make_one_cube(tmp_path):
    first, second = (put(dataset(seed=k), tmp_path, period=f"201500{k}") for k in (1, 2))
    expected = open_product(tmp_path).compute()
    rewritten(second, "FillValue")
    cube = open_product(tmp_path)
    np.testing.assert_array_equal(cube.flux, expected.flux)
    np.testing.assert_array_equal(cube.flux[:, 3, 4, 5], expected.flux[:, 3, 4, 5])
    rewritten(first, "Fill")
    np.testing.assert_array_equal(open_product(tmp_path).flux, expected.flux)


@pytest.mark.parametrize("labels", [False, True])
def test_axes_without_scales_are_told_by_label_or_length(tmp_path, labels):
    ds = dataset(months=3)
    expected = open_product(put(ds, tmp_path)).compute()
    found = open_product(rewritten(put(ds, tmp_path), "FillValue", scales=False, labels=labels)).compute()
    xr.testing.assert_equal(found, expected)


def test_axes_that_nothing_tells_apart_are_refused(tmp_path):
    path = put(dataset(rows=40, columns=40, months=3), tmp_path)
    with pytest.raises(ArchiveError, match=r"says by no dimension scale what its axis of 40 is.*open_field"):
        open_product(rewritten(path, scales=False))


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_what_xarray_saved_of_a_product_opens_as_one(tmp_path, engine):
    if engine == "netcdf4":
        pytest.importorskip("netCDF4")
    path = put(dataset(), tmp_path)
    expected = open_product(path).compute()
    with xr.open_dataset(path, engine=engine) as found:
        found.load().to_netcdf(tmp_path / "other", engine=engine)
    (tmp_path / "other").replace(path)
    again = open_product(path)
    for name in expected.data_vars:
        np.testing.assert_array_equal(np.isnan(again[name]), np.isnan(expected[name]))
        np.testing.assert_allclose(again[name], expected[name], atol=1e-4)
        assert again[name].dims == expected[name].dims
