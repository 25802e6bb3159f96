"""Catalogs of simulated folders."""

import yaml

from musyq_lab.catalog.safe import load_catalog
from musyq_lab.core.resources import resource
from musyq_lab.twin import ancillary, listing, truth
from musyq_lab.twin.settings import SIMULATED

PRODUCTS = [product.key for product in (*truth.PRODUCTS, *ancillary.PRODUCTS)]


def test_the_shipped_catalog_is_what_this_makes():
    shipped = yaml.safe_load(resource("catalogs/demo.yml").read_text(encoding="utf-8"))
    assert shipped == yaml.safe_load(listing.text(listing.catalog(SIMULATED, fixed=False)))


def test_it_lists_every_sensor_and_every_product():
    sources = listing.catalog(SIMULATED, fixed=False)["sources"]
    assert list(sources) == [*SIMULATED, *PRODUCTS]


def test_the_safe_loader_takes_both_forms(tmp_path):
    path = listing.write(tmp_path, ["modis"])
    names = [entry.name for entry in load_catalog(path).entries]
    assert names == ["modis", *PRODUCTS]
    assert load_catalog(resource("catalogs/demo.yml")).entries


def test_a_folder_of_its_own_needs_no_root(tmp_path):
    content = yaml.safe_load(listing.write(tmp_path, ["modis"]).read_text(encoding="utf-8"))
    assert "root" not in content["sources"]["modis"]["parameters"]
    assert content["sources"]["truth_canopy"]["args"]["product"] == "truth_canopy"
    assert content["sources"]["truth_canopy"]["args"]["urlpath"].endswith("/truth")
    assert content["sources"]["sim_weather"]["args"]["urlpath"].endswith("/ancillary")


def test_same_catalog_same_bytes(tmp_path):
    first = listing.write(tmp_path, SIMULATED).read_bytes()
    assert listing.write(tmp_path, SIMULATED).read_bytes() == first


def test_products_of_three_hours_are_listed_where_there_are_any(tmp_path):
    more = {"truth_energy_3h", "sim_weather_3h"}
    plain, hourly = (set(listing.catalog([], fixed=True, three_hourly=three)["sources"]) for three in (False, True))
    assert hourly - plain == more
    assert not plain & more
    names = [entry.name for entry in load_catalog(listing.write(tmp_path, [], three_hourly=True)).entries]
    assert more <= set(names)
