"""The catalog as a user meets it: table, search, entries, parameters, folders, pickling."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from musyq_lab.catalog.entry import Entry
from musyq_lab.catalog.open import Catalog, open_catalog
from musyq_lab.core.errors import CatalogError, InputError, NotFoundError
from musyq_lab.core.resources import resource


@pytest.fixture(scope="module")
def samples() -> Catalog:
    return open_catalog()


def years(folder: Path) -> Path:
    """A catalog with one entry for two years of files, and one for a catalog inside it."""
    for year in (2014, 2015):
        grid = {"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}
        rain = xr.DataArray(np.full((2, 2), float(year)), dims=("latitude", "longitude"), coords=grid, name="rain")
        rain.to_netcdf(folder / f"rain_{year}.nc", engine="h5netcdf")
    source = {
        "driver": "musyq_raster",
        "args": {"urlpath": "{{ CATALOG_DIR }}/rain_{{ year }}.nc"},
        "parameters": {"year": {"type": "int", "default": 2014, "allowed": [2014, 2015], "description": "year"}},
        "metadata": {"title": "Rain", "licence": "CC0", "keywords": ["precipitation"]},
    }
    plain = {
        "driver": "netcdf",
        "args": {"urlpath": "{{ CATALOG_DIR }}/rain_2015.nc", "xarray_kwargs": {"engine": "h5netcdf"}},
        "metadata": {"title": "Rain as plain netCDF"},
    }
    (folder / "inner.yml").write_text(yaml.safe_dump({"sources": {"rain": source, "plain": plain}}))
    nested = {"driver": "yaml_file_cat", "args": {"path": "{{ CATALOG_DIR }}/inner.yml"}, "description": "inside"}
    (folder / "outer.yml").write_text(yaml.safe_dump({"sources": {"water": nested}}))
    return folder / "outer.yml"


def test_every_sample_opens_lazily_with_units_and_licence(samples):
    assert len(samples) == len(list(samples)) >= 9
    for name, entry in samples.items():
        assert isinstance(entry, Entry)
        dataset = entry.read()
        assert dataset.attrs["licence"], name
        assert {"title", "citation", "keywords", "variables", "resolution", "period"} <= set(entry.metadata), name
        assert set(entry.metadata["variables"]) <= set(dataset.variables), name
        assert entry.to_dask().chunks, name


def test_every_shipped_data_file_is_listed(samples):
    listed = yaml.safe_dump(yaml.safe_load(resource("catalogs/samples.yml").read_text("utf-8")))
    folder = resource("catalogs/samples")
    files = [p.name for p in (*folder.glob("*.nc"), *folder.glob("*.csv")) if not p.name.startswith(".")]
    assert files
    assert [name for name in files if name not in listed] == []


def test_licences_and_units_repeat_the_table_of_origins(samples):
    origins = yaml.safe_load(resource("catalogs/samples/SOURCES.yml").read_text("utf-8"))["samples"]
    by_file = {row["file"]: row for row in origins}
    row = by_file["tower_matchups.csv"]
    assert samples["tower_matchups"].metadata["licence"] == row["licence"]
    units = {k: v["unit"] for k, v in row["columns"].items() if v.get("unit", "UTC") != "UTC"}
    assert samples["tower_matchups"].spec.args["units"] == units
    assert samples["ghi_merra2_monthly"].metadata["licence"] == by_file["ghi_merra2_monthly.nc"]["licence"]


def test_known_value_of_a_sample(samples):
    """The Sahara in June receives more than the Congo basin: 300 against 200 W m-2, roughly."""
    june = samples["ghi_merra2_monthly"].read()["ghi"].sel(month=6)
    assert june.attrs["units"] == "W m-2"
    assert float(june.sel(latitude=24, longitude=15, method="nearest")) > 280
    assert float(june.sel(latitude=0, longitude=21, method="nearest")) < 240


def test_reading_is_lazy(samples, monkeypatch):
    dataset = samples["land_cover_mcd12c1_2019"].read()
    assert not dataset["land_cover"]._in_memory


def test_search_looks_at_names_titles_and_keywords(samples):
    assert "ghi_merra2_monthly" in samples.search("radiation")
    assert list(samples.search("land COVER mcd12c1")) == ["land_cover_mcd12c1_2019"]
    assert list(samples.search("AmeriFlux overpasses")) == ["tower_matchups"]
    assert len(samples.search("no such thing")) == 0


def test_shows_itself_as_a_table(samples):
    html = samples._repr_html_()
    for text in ("ghi_merra2_monthly", "3 degrees", "NASA open data policy", "title", "licence", ".read()"):
        assert text in html
    assert "doi" in samples["ghi_merra2_monthly"]._repr_html_()
    assert "ghi_merra2_monthly" in repr(samples)


def test_html_is_escaped(tmp_path):
    source = {"driver": "musyq_raster", "args": {"urlpath": "a.nc"}, "metadata": {"title": "<script>x</script>"}}
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"sources": {"a": source}}))
    catalog = open_catalog(tmp_path / "c.yml")
    assert "<script>" not in catalog._repr_html_() + catalog["a"]._repr_html_()


def test_names_complete(samples):
    assert "ghi_merra2_monthly" in dir(samples)
    assert "ghi_merra2_monthly" in samples._ipython_key_completions_()
    assert samples.ghi_merra2_monthly.name == "ghi_merra2_monthly"
    with pytest.raises(AttributeError, match="ghi_merra2_monthly"):
        _ = samples.ghi_mera2_monthly


def test_unknown_name_suggests(samples):
    with pytest.raises(NotFoundError, match="Did you mean 'ghi_merra2_monthly'"):
        samples["ghi_merra_monthly"]


def test_parameters_are_honoured(tmp_path):
    rain = open_catalog(years(tmp_path))["water.rain"]
    assert float(rain.read()["rain"].mean()) == 2014
    assert float(rain(year=2015).read()["rain"].mean()) == 2015
    assert float(rain(year=2015).to_dask()["rain"].mean()) == 2015
    assert float(rain.read()["rain"].mean()) == 2014


@pytest.mark.parametrize("value", [2013, "2015", 2015.0, True, None, "{{ CATALOG_DIR }}"])
def test_a_wrong_value_names_the_allowed_ones(tmp_path, value):
    rain = open_catalog(years(tmp_path))["water"]["rain"]
    with pytest.raises(ValueError, match="2014, 2015"):
        rain(year=value)
    with pytest.raises(CatalogError, match="no parameter 'month'"):
        rain(month=1)


def test_nested_catalogs_and_search_in_them(tmp_path):
    outer = open_catalog(years(tmp_path))
    assert isinstance(outer["water"], Catalog)
    assert outer.water.rain.title == "Rain"
    found = outer.search("precipitation")
    assert list(found) == ["water.rain"]
    assert float(found["water.rain"].read()["rain"].max()) == 2014


def test_plain_netcdf_by_intake_xarray(tmp_path):
    plain = open_catalog(years(tmp_path))["water.plain"]
    assert float(plain.read()["rain"].mean()) == 2015
    assert plain.to_dask().chunks


def test_a_hostile_catalog_inside_a_good_one_is_refused(tmp_path):
    path = years(tmp_path)
    (tmp_path / "inner.yml").write_text("plugins: {source: [{module: antigravity}]}\nsources: {}\n")
    with pytest.raises(CatalogError, match="plugins"):
        open_catalog(path)["water"]


def test_a_circle_of_catalogs_ends(tmp_path):
    source = {"driver": "yaml_file_cat", "args": {"path": "{{ CATALOG_DIR }}/c.yml"}}
    (tmp_path / "c.yml").write_text(yaml.safe_dump({"sources": {"c": source}}))
    with pytest.raises(CatalogError, match="circle"):
        open_catalog(tmp_path / "c.yml")["c.c.c.c.c"]


def test_pickles(samples, tmp_path):
    again = pickle.loads(pickle.dumps(samples))
    assert list(again) == list(samples)
    entry = pickle.loads(pickle.dumps(open_catalog(years(tmp_path))["water.rain"](year=2015)))
    assert float(entry.read()["rain"].mean()) == 2015
    source = pickle.loads(pickle.dumps(entry.source))
    assert float(source.read()["rain"].mean()) == 2015


def test_plain_intake_opens_the_shipped_catalog():
    """Our entry points must work for a user who goes by intake alone."""
    import intake

    catalog = intake.open_catalog(str(resource("catalogs/samples.yml")))
    dataset = catalog["ghi_merra2_monthly"].read()
    assert dict(dataset.sizes) == {"month": 12, "latitude": 44, "longitude": 120}
    assert "radiation" in catalog["ghi_merra2_monthly"].describe()["metadata"]["keywords"]


def test_folder_of_products(tmp_path):
    for name in ("MuSyQ.DSR.0p25deg.global.climatology.v1.h5", "MuSyQ.VI.1km.h25v05.2015001.v1.h5", "other.h5"):
        (tmp_path / name).touch()
    (tmp_path / "sub {{ x }}").mkdir()
    (tmp_path / "sub {{ x }}" / "MuSyQ.VI.1km.h25v05.2015006.v1.h5").touch()
    catalog = open_catalog(tmp_path)
    assert list(catalog) == ["dsr", "vi_1km_h25v05_2015001", "vi_1km_h25v05_2015006"]
    assert catalog["dsr"].title == "Downward shortwave radiation"
    assert catalog["vi_1km_h25v05_2015006"].source.urlpath.endswith("sub {{ x }}/MuSyQ.VI.1km.h25v05.2015006.v1.h5")


def test_nothing_there(tmp_path):
    with pytest.raises(NotFoundError, match="musyq run solar_potential"):
        open_catalog(tmp_path)
    with pytest.raises(NotFoundError, match="There is no catalog"):
        open_catalog(tmp_path / "none.yml")


def test_plot_draws_the_first_map(samples):
    import matplotlib as mpl

    mpl.use("agg")
    mesh = samples["ghi_merra2_monthly"].plot("ghi")
    assert mesh.get_array().size == 44 * 120
    with pytest.raises(InputError, match="none"):
        samples["towers"].plot()
