"""The catalog of published products: complete rows, honest ones, and files of them that open."""

import re

import h5py
import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr

from musyq_lab.catalog import _published
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import ArchiveError, CatalogError, InputError, MusyqWarning, NotFoundError
from musyq_lab.products._registry import PRODUCTS

CATALOG = open_catalog("products")
NAMES = list(CATALOG)
PUBLISHED = [name for name in NAMES if CATALOG[name].metadata["status"] == "published"]
ALWAYS = ("title", "variables", "resolution", "coverage", "period", "cadence", "format", "licence", "citation")
# The categories of the work programme: 16 at 1 km for the globe, seven at 30 m for China.
GLOBAL = (
    *("land_cover", "vi", "fvc", "lai", "fpar", "gpp", "npp", "roughness", "albedo"),
    *("lst", "ulr", "aod", "water_vapour", "dsr", "dlr", "par"),
)
CHINA = ["lsr", "vi", "fvc", "lai", "fpar", "npp", "land_cover"]


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch):
    monkeypatch.delenv(_published.DATA_ROOT, raising=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_says_what_is_known_and_what_is_not(name):
    about = CATALOG[name].metadata
    assert [key for key in ALWAYS if not about.get(key)] == []
    assert about["attribution"]
    assert about["sources"]
    assert about["unknown"], "no record of these products says everything"
    assert about.get("product", "lai") in PRODUCTS
    assert re.fullmatch(r"\d{4}(-\d{4})?", about["period"])
    if "doi" in about:
        assert re.fullmatch(r"10\.\d{4,5}/\S+", about["doi"])
        assert about["doi"] in about["citation"]


@pytest.mark.parametrize("name", NAMES)
def test_only_what_has_a_page_is_called_published(name):
    about = CATALOG[name].metadata
    assert about["status"] in ("published", "described")
    assert (about["status"] == "published") == about.get("landing_page", "").startswith(("http://", "https://"))


@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_that_is_used_is_one_that_is_known(name):
    encoding = CATALOG[name].spec.args.get("encoding", {})
    told = " ".join(CATALOG[name].metadata["known"])
    assert bool(encoding) == ("scale" in told)
    assert ("scale, fill value and valid range" in CATALOG[name].metadata["unknown"]) == (not encoding)
    if encoding:
        assert str(encoding["fill"]) in told
        assert str(encoding["scale"]) in told or f"1/{round(1 / encoding['scale'])}" in told


def test_every_category_of_the_programme_has_a_row():
    def rows(resolution, coverage):
        found = [CATALOG[name].metadata for name in NAMES]
        return {
            word
            for about in found
            if (about["resolution"], about["coverage"]) == (resolution, coverage)
            for word in (about.get("product", ""), *about["variables"])
        }

    assert set(GLOBAL) <= rows("1 km", "global")
    assert set(CHINA) <= rows("30 m", "China")
    assert {"dsr", "dlr", "par"} <= rows("5 km", "global")


def test_it_is_searched_in_both_languages_and_shows_itself():
    assert list(CATALOG.search("植被覆盖度")) == ["fvc_30m_china"]
    assert "albedo_1km" in CATALOG.search("albedo published product")
    assert list(CATALOG.search("10.3974/geodp.2017.04.04")) == ["solar_potential_0p25deg_2015"]
    header, *rows = CATALOG.table()
    assert header[-4:] == ["coverage", "cadence", "status", "doi"]
    assert len(rows) == len(NAMES) >= 30
    page = CATALOG["albedo_1km"]._repr_html_()
    for word in ("2009-2020年全球1km地表反照率逐日产品", "1/10000", "which narrow band is which", "selectdataset.com"):
        assert word in page
    assert "10.11922/sciencedb.j00001.00266" in CATALOG._repr_html_()
    assert "coverage" not in open_catalog("samples").table()[0]


@pytest.mark.parametrize("name", NAMES)
def test_without_its_files_the_way_to_them_is_told(name, monkeypatch, tmp_path):
    about = CATALOG[name].metadata
    for folder in (None, tmp_path):
        if folder:
            monkeypatch.setenv(_published.DATA_ROOT, str(folder))
        with pytest.raises(NotFoundError) as told:
            CATALOG[name].read()
        assert name in str(told.value)
        assert about.get("landing_page", "no page that offers it was found") in str(told.value)
        assert about.get("doi", "") in str(told.value)


def cover(path, attrs=None, dtype="int16", name="FVC"):
    numbers = np.array([[0, 500, 1000], [-1, 1001, 250]], dtype)
    with h5py.File(path, "w") as file:
        layer = file.create_dataset(name, data=numbers)
        layer.attrs.update(attrs or {})
        file.create_dataset("FVC_QC", data=np.array([[1, 1, 1], [0, 0, 1]], "uint8"))


WANTED = [[0.0, 0.5, 1.0], [np.nan, np.nan, 0.25]]


def test_whole_numbers_are_decoded_as_the_record_states(tmp_path):
    cover(tmp_path / "x.h5")
    for dataset in (
        CATALOG["fvc_30m_china"](root=str(tmp_path)).read(),
        CATALOG["fvc_30m_china"](root=str(tmp_path / "x.h5")).to_dask(),
    ):
        np.testing.assert_allclose(dataset["FVC"].values, WANTED)
        assert dataset["FVC"].attrs["units"] == "1"
        assert "record states" in dataset["FVC"].attrs["comment"]
        assert dataset["FVC_QC"].values.tolist() == [[1, 1, 1], [0, 0, 1]]
        assert dataset.attrs["citation"].startswith("2009-2020年中国30m")
    assert CATALOG["fvc_30m_china"](root=str(tmp_path)).to_dask()["FVC"].chunks is not None


@pytest.mark.parametrize("attrs", [{"FillValue": np.int16(-1)}, {"scale_factor": 1.0}, {"_FillValue": np.int16(1000)}])
def test_a_file_that_says_its_fill_alone_is_scaled(tmp_path, attrs):
    cover(tmp_path / "x.h5", attrs)
    wanted = np.array(WANTED)
    if "_FillValue" in attrs:
        wanted[0, 2] = np.nan
    np.testing.assert_allclose(CATALOG["fvc_30m_china"](root=str(tmp_path)).read()["FVC"].values, wanted)


@pytest.mark.parametrize("fill", ["FillValue", "_FillValue", "Fill"])
def test_what_the_file_says_itself_holds(tmp_path, fill):
    cover(tmp_path / "x.h5", {fill: np.int16(-1), "scale_factor": 0.002})
    values = CATALOG["fvc_30m_china"](root=str(tmp_path)).read()["FVC"].values
    np.testing.assert_allclose(values, [[0, 1, 2], [np.nan, 2.002, 0.5]])


@pytest.mark.parametrize("fill", [None, -1])
def test_a_geotiff_is_decoded_too(tmp_path, fill):
    numbers = np.array([[0, 500, 1000], [-1, 1001, 250]], "int16")
    array = xr.DataArray(numbers, dims=("y", "x"), coords={"y": [1.0, 0.0], "x": [0.0, 1.0, 2.0]})
    array = array if fill is None else array.rio.write_nodata(fill)
    array.rio.write_crs("EPSG:4326").rio.to_raster(tmp_path / "cover.tif")
    dataset = CATALOG["fvc_30m_china"](root=str(tmp_path)).read()
    np.testing.assert_allclose(dataset["cover"].values, WANTED)


def test_the_twenty_bands_of_albedo(tmp_path):
    numbers = np.full((20, 2, 2), 32767, "int16")
    numbers[:, 0, 0] = 1234
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["albedo"] = numbers
    values = CATALOG["albedo_1km"](root=str(tmp_path)).read()["albedo"].values
    np.testing.assert_allclose(values[:, 0, 0], 0.1234, rtol=1e-6)
    assert np.isnan(values[:, 1]).all()


def test_numbers_of_which_nobody_says_what_they_are_come_with_a_warning(tmp_path):
    cover(tmp_path / "x.h5", name="GPP")
    with pytest.warns(MusyqWarning, match="neither the file nor the product's record says scale and fill: GPP"):
        dataset = CATALOG["gpp_npp_1km"](root=str(tmp_path)).read()
    assert dataset["GPP"].values.tolist() == [[0, 500, 1000], [-1, 1001, 250]]
    assert "units" not in dataset["GPP"].attrs


def test_the_folder_of_the_environment(tmp_path, monkeypatch):
    (tmp_path / "fvc_30m_china").mkdir()
    cover(tmp_path / "fvc_30m_china" / "x.h5")
    monkeypatch.setenv(_published.DATA_ROOT, str(tmp_path))
    np.testing.assert_allclose(CATALOG["fvc_30m_china"].read()["FVC"].values, WANTED)
    np.testing.assert_allclose(CATALOG.search("dekads")["fvc_30m_china"].read()["FVC"].values, WANTED)
    np.testing.assert_allclose(CATALOG["fvc_30m_china"](root=str(tmp_path)).read()["FVC"].values, WANTED)


def test_of_several_files_one_is_chosen(tmp_path):
    for name in ("2015-001", "2015-011"):
        cover(tmp_path / f"{name}.h5")
    entry = CATALOG["fvc_30m_china"](root=str(tmp_path))
    with pytest.raises(InputError, match=r"holds 2 files: 2015-001\.h5, 2015-011\.h5"):
        entry.read()
    for granule in ("2015-011", "2015-011.h5"):
        np.testing.assert_allclose(entry(granule=granule).read()["FVC"].values, WANTED)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match="none of the files that are read"):
        CATALOG["fvc_30m_china"](root=str(tmp_path / "empty")).read()


def test_names_of_the_known_layout_open_as_such(tmp_path):
    """MuSyQ.<product>.<resolution>.<date>: by the layout of earlier publication, a series in time."""
    lat, lon = np.linspace(40, 39, 3), np.linspace(100, 101, 4)
    for day in ("2015001", "2015006"):
        with h5py.File(tmp_path / f"MuSyQ.LAI.1km.{day}.h5", "w") as file:
            layer = file.create_dataset("LAI", data=np.full((3, 4), 250, "int16"))
            layer.attrs.update({"scale_factor": 0.01, "FillValue": np.int16(32767)})
            file["latitude"], file["longitude"] = lat, lon
    dataset = CATALOG["lai_1km"](root=str(tmp_path)).read()
    assert dataset.sizes["time"] == 2
    np.testing.assert_allclose(dataset["lai"].values, 2.5, rtol=1e-6)


def test_hostile_and_broken_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "/x")
    with pytest.raises(ArchiveError, match="link to another file"):
        CATALOG["fvc_30m_china"](root=str(tmp_path)).read()
    with pytest.raises(CatalogError, match="neither a folder"):
        CATALOG["fvc_30m_china"](root="s3://bucket/x")


@pytest.mark.parametrize("encoding", [{"scale": 0.1, "valid": [0, "x"]}, {"scale": 0.1, "valid": [1]}, {"scale": True}])
def test_an_encoding_must_be_of_numbers(tmp_path, encoding):
    cover(tmp_path / "x.h5")
    with pytest.raises(CatalogError):
        _published.open_published(str(tmp_path), "", {"name": "x"}, encoding)
