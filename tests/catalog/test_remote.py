"""Catalogs at addresses: opened as those of the disk, and reaching no further than their own folder."""

import fsspec
import h5py
import numpy as np
import pytest
import xarray as xr
import yaml
from archive.samples import SPEC, dataset
from files.bucket import bucket
from files.web import serving

from musyq_lab.archive.write import write_product
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import ArchiveError, CatalogError, InputError, MusyqError, NotFoundError
from musyq_lab.files.remote import forget


def entry(driver="musyq_raster", parameters=None, **args):
    return {"driver": driver, "args": args, **({"parameters": parameters} if parameters else {})}


CATALOG = {
    "version": 1,
    "metadata": {"title": "Far away"},
    "sources": {
        "rain": entry(
            urlpath="{{ CATALOG_DIR }}/rain_{{ year }}.nc",
            parameters={"year": {"type": "int", "default": 2015, "allowed": [2014, 2015]}},
        ),
        "flux": entry("musyq_product", urlpath="{{CATALOG_DIR}}/MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"),
        "series": entry("musyq_product", urlpath="{{ CATALOG_DIR }}/", product="demo"),
        "towers": entry("musyq_table", urlpath="{{ CATALOG_DIR }}/towers.csv", units={"gpp": "g m-2 d-1"}),
        "inner": entry("yaml_file_cat", path="{{ CATALOG_DIR }}/inner.yml"),
        "map": entry(urlpath="{{ CATALOG_DIR }}/map.tif"),
    },
}
INNER = {"sources": {"again": entry(urlpath="{{ CATALOG_DIR }}/rain_2014.nc")}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("far")
    for year in (2014, 2015):
        rain = xr.Dataset({"rain": (("y", "x"), np.full((3, 4), float(year)))})
        rain.to_netcdf(folder / f"rain_{year}.nc", engine="h5netcdf")
    for period in ("2015001", "2015006"):
        write_product(dataset(6, 7, 2), folder, spec=SPEC, edition="0p25deg", period=period)
    (folder / "towers.csv").write_text("site,gpp\na,1.5\nb,2.5\n")
    (folder / "catalog.yml").write_text(yaml.safe_dump(CATALOG))
    (folder / "inner.yml").write_text(yaml.safe_dump(INNER))
    (folder / "map.tif").write_bytes(b"II*\0")
    return folder


@pytest.fixture(params=["memory", "http", "s3"])
def root(request, folder):
    forget()
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    if request.param == "memory":
        fs = fsspec.filesystem("memory")
        for name, data in files.items():
            fs.pipe(f"/far/{name}", data)
        yield "memory://far"
        fs.rm("/far", recursive=True)
    elif request.param == "http":
        with serving(folder) as web:
            yield web.url().rstrip("/")
    else:
        with bucket() as objects:
            objects |= {f"far/{name}": data for name, data in files.items()}
            yield "s3://far"
    forget()


def test_a_catalog_at_an_address_is_that_of_the_disk(root, folder):
    there, here = open_catalog(f"{root}/catalog.yml"), open_catalog(folder / "catalog.yml")
    assert list(there) == list(here)
    assert there.title == "Far away"
    assert "rain" in there._repr_html_()
    for name in ("rain", "flux", "series", "towers"):
        xr.testing.assert_equal(there[name].read().load(), here[name].read().load())
    assert float(there["rain"](year=2014).to_dask()["rain"].mean()) == 2014.0
    assert float(there["inner.again"].read()["rain"].mean()) == 2014.0
    assert list(there.search("again")) == ["inner.again"]
    with pytest.raises(InputError, match="from this machine only"):
        there["map"].read()


def test_a_folder_at_an_address_is_a_catalog_of_its_products(root):
    catalog = open_catalog(root)
    assert list(catalog) == ["demo_0p25deg_global_2015001", "demo_0p25deg_global_2015006"]
    assert catalog["demo_0p25deg_global_2015006"].read().attrs["product"] == "demo"


def test_what_is_missing_is_told(root):
    with pytest.raises(NotFoundError, match="There is no file"):
        open_catalog(f"{root}/absent.yml")
    with pytest.raises(MusyqError):
        open_catalog(f"{root}/absent")


HOSTILE = {
    "a path of this machine": "/etc/passwd.nc",
    "a path of this machine, relative": "rain_2015.nc",
    "a step upwards": "{{ CATALOG_DIR }}/../other/rain.nc",
    "a step upwards in percents": "{{ CATALOG_DIR }}/%2e%2e/other/rain.nc",
    "another template": "{{ CATALOG_DIR }}{{ CATALOG_DIR }}/x.nc",
    "beside the folder": "{{ CATALOG_DIR }}-private/rain.nc",
    "a query": "{{ CATALOG_DIR }}/rain.nc?delete=1",
    "another server": "https://example.org/rain.nc",
    "this machine's own server": "http://127.0.0.1/rain.nc",
    "metadata of a cloud": "http://169.254.169.254/latest/meta-data",
    "a file address": "file:///etc/passwd",
    "a chain": "simplecache::{{ CATALOG_DIR }}/rain.nc",
    "backslashes": "{{ CATALOG_DIR }}/..\\..\\x.nc",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("driver", ["musyq_raster", "musyq_product", "musyq_table"])
def test_a_remote_catalog_reaches_no_further_than_its_folder(driver, name):
    fs = fsspec.filesystem("memory")
    fs.pipe("/bad/catalog.yml", yaml.safe_dump({"sources": {"x": entry(driver, urlpath=HOSTILE[name])}}).encode())
    forget()
    with pytest.raises(CatalogError, match="is refused"):
        open_catalog("memory://bad/catalog.yml")
    fs.rm("/bad", recursive=True)


def test_steps_upwards_by_a_parameter_are_refused_when_opened():
    fs = fsspec.filesystem("memory")
    steps = {"step": {"type": "str", "default": "..", "allowed": [".."]}}
    text = yaml.safe_dump({"sources": {"x": entry(urlpath="{{ CATALOG_DIR }}/{{ step }}/x.nc", parameters=steps)}})
    fs.pipe("/bad/in/catalog.yml", text.encode())
    fs.pipe("/bad/x.nc", b"x")
    with pytest.raises(InputError, match=r"'\.\.'"):
        open_catalog("memory://bad/in/catalog.yml")["x"].read()
    fs.rm("/bad", recursive=True)


def test_of_a_folder_the_user_names_nothing_is_assumed(tmp_path):
    """A remote catalog may ask for a folder of the user's; only the user's word fills it in."""
    fs = fsspec.filesystem("memory")
    mine = {"root": {"type": "folder", "default": ""}}
    text = yaml.safe_dump({"sources": {"x": entry("musyq_product", urlpath="{{ root }}", parameters=mine)}})
    fs.pipe("/bad/catalog.yml", text.encode())
    write_product(dataset(6, 7, 2), tmp_path, spec=SPEC, edition="0p25deg", period="2015001")
    forget()
    catalog = open_catalog("memory://bad/catalog.yml")
    with pytest.raises(CatalogError, match="Say where the files are"):
        catalog["x"].read()
    assert catalog["x"](root=str(next(tmp_path.glob("*.h5")))).read().attrs["product"] == "demo"
    fs.rm("/bad", recursive=True)


def test_remote_netcdf_goes_through_the_driver_that_checks(tmp_path):
    source = entry("netcdf", urlpath="https://example.org/x.nc", xarray_kwargs={"engine": "h5netcdf"})
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"sources": {"x": source}}))
    with pytest.raises(CatalogError, match="Use musyq_raster"):
        open_catalog(tmp_path / "c.yml", allow_remote=True)


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("block", [0, 512])
def test_a_hostile_file_does_not_come_in_by_the_driver_of_others(tmp_path, engine, block):
    with h5py.File(tmp_path / "x.nc", "w", userblock_size=block) as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "/x")
    source = entry("netcdf", urlpath="{{ CATALOG_DIR }}/*.nc", xarray_kwargs={"engine": engine})
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"sources": {"x": source}}))
    for read in ("read", "to_dask"):
        with pytest.raises(ArchiveError, match="link to another file"):
            getattr(open_catalog(tmp_path / "c.yml")["x"], read)()


@pytest.mark.parametrize("driver", ["musyq_scene", "musyq_peer"])
def test_sets_of_files_are_read_from_this_machine(driver):
    from musyq_lab.catalog.drivers import DRIVERS

    with pytest.raises(CatalogError, match="from this machine only"):
        DRIVERS[driver]("landsat_oli", "s3://bucket/granules").read()


def test_catalogs_that_name_one_another_come_to_an_end(tmp_path):
    """A thousand entries that lead to the catalog itself are one catalog, and too many catalogs are refused."""
    circle = {f"n{n}": entry("yaml_file_cat", path="{{ CATALOG_DIR }}/c.yml") for n in range(1000)}
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"sources": {**circle, "here": entry(urlpath="x.nc")}}))
    assert list(open_catalog(tmp_path / "c.yml").search("here")) == ["here"]
    for number in range(120):
        (tmp_path / f"d{number}.yml").write_text("sources: {}\n")
    many = {f"n{n}": entry("yaml_file_cat", path=f"{{{{ CATALOG_DIR }}}}/d{n}.yml") for n in range(120)}
    (tmp_path / "m.yml").write_text(yaml.safe_dump({"sources": many}))
    with pytest.raises(CatalogError, match="more than 100 catalogs"):
        open_catalog(tmp_path / "m.yml").search("here")


def test_a_table_is_not_unpacked_and_not_endless(tmp_path, monkeypatch):
    import gzip

    from musyq_lab.catalog import _files

    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 100_000))
    with pytest.raises(InputError, match="cannot be read as a table"):
        _files.open_table(tmp_path / "t.csv.gz", units={}, meanings={})
    with pytest.raises(InputError, match="is not a file"):
        _files.open_table("/dev/zero", units={}, meanings={})
    monkeypatch.setattr(_files, "MAX_TABLE", 10)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(InputError, match="at most 10"):
        _files.open_table(tmp_path / "t.csv", units={}, meanings={})
