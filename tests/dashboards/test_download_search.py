"""Data found by words, products, periods and regions; their outlines and variables."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.period import whole_period
from musyq_lab.dashboards import _download_search as module
from musyq_lab.dashboards._download_search import ALL, SAMPLES, Stock, outline, products, search, variables
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.production.download.region import area


def archive(product="lai", periods=("2019001",), edition="1km", tile="global", folder="a") -> Stock:
    made = Archive(Path(folder), product, edition, tile, tuple(periods))
    return Stock(made.title, made)


def sample(name="ghi", words="solar radiation", period="") -> Stock:
    return Stock(name, SimpleNamespace(name=name, words=lambda: words, metadata={"period": period}))


def shelf(*stocks: Stock) -> dict[str, Stock]:
    return {one.title: one for one in stocks}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {"lai", "npp", SAMPLES}),
        ("LEAF area", {"lai"}),
        ("area LEAF", {"lai"}),
        ("1km", {"lai", "npp"}),
        ("2020032", {"npp"}),
        ("solar", {SAMPLES}),
        ("leaf solar", set()),
        ("leaf_area_index", {"lai"}),
        ("   ", {"lai", "npp", SAMPLES}),
        ("[(*", set()),
    ],
)
def test_all_words_must_occur_in_any_order_and_case(text, found):
    kept = search(shelf(archive(), archive("npp", ("2020032",)), sample()), text)
    assert {one.product for one in kept.values()} == found


def test_products_are_chosen_by_key():
    every = shelf(archive(), archive("npp"), sample())
    assert len(search(every, product=ALL)) == 3
    assert [one.product for one in search(every, product="npp").values()] == ["npp"]
    assert [one.product for one in search(every, product=SAMPLES).values()] == [SAMPLES]
    assert search(every, product="nothing") == {}


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("2019", True),
        ("2019-01", True),
        ("2019-01-06", True),
        ("2019-01-07", False),
        ("2019-02", False),
        ("2018-12/2019-01", True),
        ("2018", False),
        ("2019001", True),  # a label itself
    ],
)
def test_periods_find_the_steps_that_start_in_them(asked, there):
    assert bool(search(shelf(archive(periods=("2019001", "2019006"))), period=asked)) == there


@pytest.mark.parametrize("asked", ["tomorrow", "2019-13", "2020/2019", "0"])
def test_what_is_no_period_is_told(asked):
    with pytest.raises(InputError):
        search(shelf(archive()), period=asked)


@pytest.mark.parametrize(
    ("said", "asked", "there"),
    [
        ("2001-2010", "2005", True),
        ("2001-2010", "2000", False),
        ("2001-2010", "2011", False),
        ("2001 to 2010", "2010-06", True),
        ("climatology", "1850", True),
        ("", "2030", True),
        ("version 12019", "1850", True),  # a number that only holds a year
    ],
)
def test_samples_have_the_years_that_they_name(said, asked, there):
    assert sample(period=said).at(whole_period(asked)) == there


def test_labels_that_are_no_times_are_at_any_time():
    assert archive(periods=("all",)).at(whole_period("1999"))


def test_the_menu_of_products_has_each_once_with_its_title():
    menu = products([archive(), archive(edition="5km"), archive("npp"), archive("unheard-of"), sample()])
    assert list(menu.values()) == [ALL, "lai", "npp", "unheard-of", SAMPLES]
    assert menu["unheard-of"] == "unheard-of"
    assert menu["All"] == ALL


def grid(lat=(2.0, 1.0, 0.0), lon=(10.0, 11.0, 12.0, 13.0), names=("latitude", "longitude")) -> xr.Dataset:
    axes = dict(zip(names, (np.array(lat), np.array(lon)), strict=True))
    return xr.Dataset({"a": (names, np.zeros((len(lat), len(lon))), {"units": "1"})}, axes)


@pytest.mark.parametrize(
    ("lat", "lon", "bounds"),
    [
        ((2.0, 1.0, 0.0), (10.0, 11.0, 12.0), (9.5, -0.5, 12.5, 2.5)),
        ((0.0, 1.0, 2.0), (12.0, 11.0, 10.0), (9.5, -0.5, 12.5, 2.5)),
        ((5.0, 4.5), (100.0, 100.5), (99.75, 4.25, 100.75, 5.25)),
    ],
)
def test_an_outline_goes_round_the_cells_not_their_middles(lat, lon, bounds):
    assert outline(grid(lat, lon)).bounds == pytest.approx(bounds)


def test_the_outline_of_a_projected_map_is_that_of_its_corners():
    import pyproj

    crs = pyproj.CRS(32650)
    one = grid(4.0e6 - 30.0 * np.arange(40), 5.0e5 + 30.0 * np.arange(50), ("y", "x"))
    one = one.assign_coords(spatial_ref=((), 0, {"crs_wkt": crs.to_wkt()}))
    found = outline(one)
    link = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    for x in (5.0e5 - 15, 5.0e5 + 30 * 49 + 15):
        for y in (4.0e6 + 15, 4.0e6 - 30 * 39 - 15):
            corner = shapely.Point(link.transform(x, y))
            assert found.exterior.distance(corner) < 1e-6
    link = pyproj.Geod(ellps="WGS84")
    assert abs(link.geometry_area_perimeter(found)[0]) == pytest.approx(40 * 50 * 900, rel=2e-3)


@pytest.mark.parametrize(
    ("box", "there"),
    [
        ("10,0,11,1", True),
        ("20,0,21,1", False),
        ("-170,-1,-160,1", False),
        ("0,-80,5,-70", False),
        ("-20,-20,40,20", True),
        ("10.2,0.2", True),
    ],
)
def test_a_region_is_covered_where_there_are_cells(monkeypatch, box, there):
    one = archive(tile="box", folder=f"covered {box}")
    monkeypatch.setattr(module, "opened", lambda _archive: grid())
    assert one.covers(area(box)) == there


def test_maps_from_0_to_360_cover_the_west(monkeypatch):
    monkeypatch.setattr(module, "opened", lambda _archive: grid(lon=(190.0, 191.0)))
    assert archive(tile="west", folder="west").covers(area("-171,0,-169,1"))
    assert not archive(tile="west", folder="west").covers(area("160,0,170,1"))


def test_what_cannot_be_opened_covers_nothing_and_globes_everything(monkeypatch):
    def broken(_archive):
        raise OSError("gone")

    monkeypatch.setattr(module, "opened", broken)
    assert not archive(tile="box", folder="broken").covers(area("10,0,11,1"))
    assert archive().covers(area("10,0,11,1"))


def test_companions_come_along_and_are_not_chosen():
    names = ("latitude", "longitude")
    plane = (names, np.zeros((3, 4)))
    one = grid().assign(
        b=(*plane, {"ancillary_variables": "spread"}),
        spread=plane,
        b_qa=plane,
        b_uncertainty=plane,
        line=("longitude", np.zeros(4)),
    )
    assert variables(one) == ["a", "b"]
    assert variables(grid().rename(a="a_qa")) == ["a_qa"], "what is alone can be chosen"
    assert variables(xr.Dataset()) == []
