"""Where data come from, which layers travel together, and what lies outside a region."""

import numpy as np
import pytest
import shapely
import xarray as xr
from archive.samples import SPEC
from production.download.conftest import globe, series, utm

from musyq_lab.archive.write import write_product
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.production.download.select import select


def test_the_same_product_from_every_kind_of_source(cube, tmp_path):
    root = tmp_path / "archive"
    sources = [
        ((cube,), {}),
        ((root,), {}),
        ((str(root),), {}),
        (("demo",), {"root": root, "edition": "0p25deg", "tile": "global", "version": "v1"}),
    ]
    for arguments, options in sources:
        found = select(*arguments, "100,46,101,47", "2015-07", **options)
        expected = cube.sel(time="2015-07", latitude=slice(47, 46), longitude=slice(100, 101))
        for name in cube.data_vars:
            np.testing.assert_array_equal(found.ds[name].values, expected[name].values)
        assert found.key == "demo"
        assert found.stem.endswith(".DEMO.0p25deg.box_100_46_101_47.2015-07")


def test_an_entry_of_a_catalog_by_itself_and_by_name(cube, tmp_path):
    catalog = open_catalog(tmp_path / "archive")
    name = next(iter(catalog))
    expected = cube["flux"].isel(time=0).sel(latitude=slice(47, 46), longitude=slice(100, 101)).values
    for arguments, options in (
        ((catalog[name],), {}),
        ((name,), {"catalog": catalog}),
        ((name,), {"catalog": catalog.path}),
    ):
        found = select(*arguments, "100,46,101,47", **options)
        np.testing.assert_array_equal(np.squeeze(found.ds["flux"].values), expected)
        assert found.key == "demo"


def test_a_single_file_and_a_lone_array(cube, tmp_path):
    path = next((tmp_path / "archive").glob("*2015181*.h5"))
    found = select(path, period="2015-06")
    assert found.request["period"] == "2015-06"
    assert found.ds["flux"].shape == (30, 44)
    alone = select(globe()["value"].rename(None), "0,0,10,10")
    assert list(alone.ds.data_vars) == ["value"]
    assert alone.stem == "data.VALUE.box_0_0_10_10"


def test_an_entry_of_the_samples_by_its_name():
    found = select("land_cover_mcd12c1_2019", "100,40,101,41")
    assert found.stem.startswith("data.LAND_COVER_MCD12C1_2019.box_100_40")
    assert found.ds.attrs["licence"]
    assert found.ds.attrs["citation"]


@pytest.mark.parametrize(
    ("product", "error", "words"),
    [
        ("no_such_entry", NotFoundError, "has no entry"),
        ("/no/such/folder", NotFoundError, "There is no"),
        ("absent.h5", NotFoundError, "There is no"),
        (3, InputError, "The product is a int"),
        (None, InputError, "product key with root="),
        (xr.Dataset(), InputError, "No variable|no map"),
        ("tower_matchups", (InputError, NotFoundError), "not numbers|not a map|no entry"),
    ],
)
def test_what_is_no_product_is_refused(product, error, words):
    with pytest.raises(error, match=words):
        select(product)


def test_a_damaged_file_is_told(tmp_path):
    series(tmp_path, 10, 12, ("2015181",))
    path = next(tmp_path.glob("*.h5"))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ArchiveError):
        select(path)


def test_a_variable_brings_its_uncertainty_and_quality(cube):
    found = select(cube.assign(other=cube["flux"] * 2), variables="flux", spec=SPEC)
    assert set(found.ds.data_vars) == {"flux", "flux_uncertainty", "demo_qa"}
    assert set(select(cube, variables=["demo_qa"]).ds.data_vars) == {"demo_qa"}
    assert set(select(utm(), variables="value").ds.data_vars) == {"value", "value_uncertainty", "quality"}
    with pytest.raises(NotFoundError, match="Did you mean 'flux'"):
        select(cube, variables="flix")
    with pytest.raises(InputError, match="No variable"):
        select(cube, variables=[])
    with pytest.raises(InputError, match="not numbers"):
        select(cube.assign(when=("time", cube["time"].values)))


def test_a_misspelt_region_costs_no_reading():
    class Sentinel:
        def to_dask(self):
            raise AssertionError("opened")

    with pytest.raises(NotFoundError, match="no region"):
        select(Sentinel(), "Atlantis")


def test_outside_a_region_there_is_no_value_and_quality_says_so(cube):
    ring = shapely.Point(100, 46).buffer(2)
    found = select(cube.assign(count=xr.ones_like(cube["demo_qa"]).drop_attrs()), ring)
    longitude, latitude = np.meshgrid(found.ds["longitude"], found.ds["latitude"])
    inside = np.hypot(longitude - 100, latitude - 46) < 1.99
    outside = np.hypot(longitude - 100, latitude - 46) > 2.01
    assert inside.sum() > 100
    assert outside.sum() > 20
    source = cube.sel(latitude=found.ds["latitude"], longitude=found.ds["longitude"])
    for name, missing in (("flux", np.nan), ("flux_uncertainty", np.nan), ("demo_qa", 1), ("count", 0)):
        assert found.ds[name].dtype == (source[name].dtype if name in source else np.uint16)
        values = found.ds[name].values
        np.testing.assert_array_equal(values[:, outside], np.full((6, outside.sum()), missing))
    np.testing.assert_array_equal(found.ds["demo_qa"].values[:, inside], source["demo_qa"].values[:, inside])
    assert found.ds["demo_qa"].attrs["flag_meanings"] == cube["demo_qa"].attrs["flag_meanings"]


def test_nothing_is_computed(cube):
    import dask

    def fail(*_, **__):
        raise AssertionError("computed")

    with dask.config.set(scheduler=fail):
        found = select(cube, shapely.Point(100, 46).buffer(2), "2015-07")
        assert found.ds["flux"].chunks is not None


def test_attributes_stay_true_and_history_tells_the_cut(cube, tmp_path):
    found = select(cube, "100,46,101,47", "2015-07").ds.attrs
    assert not [name for name in found if name.startswith("geospatial")]
    assert "tile" not in found
    assert found["product"] == "demo"
    line = found["history"].splitlines()[-1]
    assert line.startswith("download(")
    assert "100" in line
    assert str(tmp_path) not in str(found)
    assert cube.attrs["tile"] == "global"  # what was given is not changed


def test_an_own_product_needs_its_spec_only_where_it_is_packed(tmp_path):
    ds = globe().rename(value="flux")
    ds["flux"] = ds["flux"] % 500
    ds["flux"].attrs["units"] = "W m-2"
    write_product(ds, tmp_path, spec=SPEC, edition="0p25deg", period="2015181")
    assert select(tmp_path).spec is None  # "demo" is not registered
    assert select(tmp_path, spec=SPEC).spec is SPEC
    assert select(tmp_path, spec=SPEC).stem.startswith("MuSyQ.DEMO")
