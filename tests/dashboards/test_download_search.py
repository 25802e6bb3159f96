"""Finding data, regions typed and drawn, folders of sessions, and the record of visitors, without a page."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
import xarray as xr

from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.core.period import whole_period
from musyq_lab.dashboards import _download_search as module
from musyq_lab.dashboards import _download_visitors as visitors
from musyq_lab.dashboards import _download_work as working
from musyq_lab.dashboards._download_map import RegionMap, _frame, _region
from musyq_lab.dashboards._download_search import ALL, SAMPLES, Stock, outline, products, search, variables
from musyq_lab.dashboards._download_work import DownloadLimits, Place, narrowed, region_of
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._shelf import Archive
from musyq_lab.production.download.region import area
from musyq_lab.production.download.registration import Registration


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


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_typed_is_everything(text):
    assert region_of(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "GeoJSON, but it is none"),
        ("[1, 2]", "no object"),
        ("[" * 100_000, "GeoJSON"),
        ("x" * 200_001, "200,001 letters"),
        ("region.GeoJSON", "reads no files"),
        ("/etc/regions.json", "reads no files"),
    ],
)
def test_regions_that_are_none_are_told(text, words):
    with pytest.raises(InputError, match=words):
        region_of(text)


def test_words_stay_words_and_objects_objects():
    assert region_of("  China ") == "China"
    assert region_of('{"type": "Point"}') == {"type": "Point"}


class Drawn(list):
    """What a map told of drawn regions."""


@pytest.fixture(scope="module")
def drawing():
    ready()
    told = Drawn()
    shown = RegionMap(told.append)
    return shown, told


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((1.23456, 2.0, 3.0, 4.99999), "1.2346,2.0,3.0,5.0"),
        ((-200.0, -95.0, 400.0, 95.0), "-180,-90,180,90"),
        ((0.0, -95.0, 400.0, 0.0), "0.0,-90,360,0.0"),
        ((170.0, 0.0, 190.0, 1.0), "170.0,0.0,190.0,1.0"),
    ],
)
def test_a_box_is_written_as_one_would_type_it(drawing, bounds, text):
    shown, told = drawing
    told.clear()
    shown._boxed(bounds)
    assert told == [text]
    assert area(region_of(text)).south == pytest.approx(max(bounds[1], -90), abs=1e-3)
    shown._boxed(None)
    assert len(told) == 1


def test_an_outline_by_hand_is_simplified_and_keeps_its_area(drawing):
    shown, told = drawing
    told.clear()
    angle = np.linspace(0, 2 * np.pi, 2000)[:-1]
    ring = np.column_stack([100 + 5 * np.cos(angle), 30 + 5 * np.sin(angle)])
    shown._lassoed(ring)
    given = json.loads(told[0])
    assert len(given["coordinates"][0]) < 200
    assert shapely.geometry.shape(given).area == pytest.approx(np.pi * 25, rel=0.01)
    assert area(region_of(told[0])).outline


def test_of_an_outline_that_crosses_itself_the_largest_part_is_meant(drawing):
    shown, told = drawing
    told.clear()
    shown._lassoed([(0, 0), (10, 10), (10, 0), (-1, 1.1)])
    made = shapely.geometry.shape(json.loads(told[0]))
    assert made.geom_type == "Polygon"
    assert made.is_valid
    assert made.area > 20


@pytest.mark.parametrize("points", [None, [], [(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 2)]])
def test_an_outline_without_an_area_is_not_one(drawing, points):
    shown, told = drawing
    told.clear()
    shown._lassoed(points)
    assert told == []


def test_a_region_beyond_180_degrees_is_drawn_on_both_sides():
    ready()
    rings, points = _region(area("170,-5,190,5"))
    longitudes = np.concatenate([ring["x"] for ring in rings.split(datatype="dictionary")])
    assert longitudes.max() == pytest.approx(190.0)
    assert longitudes.min() == pytest.approx(-190.0)
    assert len(points) == 0
    rings, points = _region(area("10,20"))
    assert len(rings.split()) == 0 or not len(rings)
    assert (points["x"].item(), points["y"].item()) == (10.0, 20.0)
    rings, points = _region(None)
    assert len(points) == 0


@pytest.mark.parametrize("bounds", [(0.0, 0.0, 0.0, 0.0), (-180.0, -90.0, 180.0, 90.0), (10.0, 89.9, 10.1, 90.0)])
def test_the_map_shows_the_data_with_a_margin_and_no_latitude_beyond_the_poles(bounds):
    made = _frame(bounds)
    assert made["xlim"][0] < bounds[0] <= bounds[2] < made["xlim"][1]
    assert -90 <= made["ylim"][0] < made["ylim"][1] <= 90


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (1, 4), (2, 3)])
def test_a_part_is_cut_out_of_the_whole(start, stop):
    whole = grid().assign(b=lambda ds: ds.a + 1)
    part = whole[["b"]].isel(longitude=slice(start, stop))
    made = narrowed(whole, part)
    assert list(made.data_vars) == ["b"]
    expected = part if stop - start > 1 else whole[["b"]]  # the size of a cell follows from its neighbours
    xr.testing.assert_identical(made, expected)


def test_pieces_that_do_not_hang_together_leave_the_dimension_whole():
    whole = grid()
    made = narrowed(whole, whole.isel(longitude=[0, 3]))
    xr.testing.assert_identical(made, whole)


@pytest.fixture
def place(tmp_path):
    made = Place()
    made.limits = DownloadLimits(folder=tmp_path)
    yield made
    made.close()


def test_folders_of_sessions_are_private_and_apart(place, tmp_path):
    one, two = place.folder(), place.folder()
    assert one != two
    assert stat.S_IMODE(one.stat().st_mode) == 0o700
    (one / "a").write_text("x")
    place.drop(one)
    assert not one.exists()
    assert two.is_dir()
    place.drop(one)  # twice does no harm
    place.close()
    assert list(tmp_path.iterdir()) == []


def test_only_what_dead_servers_left_is_swept(place, tmp_path):
    dead, alive = f"{working._PREFIX}999999999-x", f"{working._PREFIX}{os.getpid()}-x"
    elsewhere = tmp_path / "elsewhere"
    for name in (dead, alive, f"{working._PREFIX}words-x", "other-999999999-x", "elsewhere"):
        (tmp_path / name).mkdir()
    link = tmp_path / f"{working._PREFIX}999999998-x"
    link.symlink_to(elsewhere)
    place.folder()
    assert not (tmp_path / dead).exists()
    assert (tmp_path / alive).is_dir()
    assert link.is_symlink()
    assert elsewhere.is_dir()
    assert (tmp_path / "other-999999999-x").is_dir()


def person(name="Ada <ü>") -> Registration:
    from dataclasses import MISSING, fields

    start = {f.name: "" for f in fields(Registration) if f.default is MISSING and f.default_factory is MISSING}
    return Registration(**{**start, "name": name})


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_visitors_are_lines_of_one_private_file(home):
    before = datetime.now(UTC)
    visitors.note(person(), {"data": "lai\nnpp"})
    visitors.note(person("Bob"), {"data": "大"})
    assert stat.S_IMODE(visitors.path().stat().st_mode) == 0o600
    rows = [json.loads(line) for line in visitors.path().read_text(encoding="utf-8").splitlines()]
    assert [row["name"] for row in rows] == ["Ada <ü>", "Bob"]
    assert rows[0]["request"] == {"data": "lai\nnpp"}
    assert datetime.fromisoformat(rows[0]["time"]).timestamp() == pytest.approx(before.timestamp(), abs=60)


def test_a_file_that_others_could_read_is_made_private_again(home):
    visitors.note(person(), {})
    visitors.path().chmod(0o644)
    visitors.note(person(), {})
    assert stat.S_IMODE(visitors.path().stat().st_mode) == 0o600


def test_the_record_does_not_follow_links(home, tmp_path, caplog):
    home.mkdir()
    target = tmp_path / "target"
    target.write_text("kept")
    visitors.path().symlink_to(target)
    visitors.note(person(), {})
    assert target.read_text() == "kept"
    assert "cannot be written" in caplog.text
    assert "Ada" not in caplog.text


def test_a_server_registers_under_a_name_that_is_nobodys(monkeypatch):
    made = []
    monkeypatch.setattr(visitors.registration, "registered", lambda: None)
    monkeypatch.setattr(visitors.registration, "register", made.append)
    visitors.account()
    assert made == [visitors.SERVER]
    monkeypatch.setattr(visitors.registration, "registered", person)
    visitors.account()
    assert len(made) == 1, "who has registered stays"
    assert visitors.known() == person()


def test_a_record_that_cannot_be_read_stops_no_server(monkeypatch, caplog):
    def broken():
        raise ArchiveError("The record is damaged.")

    monkeypatch.setattr(visitors.registration, "registered", broken)
    visitors.account()
    assert "damaged" in caplog.text
    assert visitors.known() is None
