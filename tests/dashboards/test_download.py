"""The download page without a browser: search, parts, estimates, registration, files, and what it refuses."""

import json
import stat
import time
from contextlib import suppress
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401  # the accessor .rio
import xarray as xr

from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _download_visitors as visitors
from musyq_lab.dashboards import _download_work as working
from musyq_lab.dashboards import download as module
from musyq_lab.dashboards._download_search import ALL, outline, products, search, stock
from musyq_lab.dashboards._download_work import DownloadLimits, Place, area_of, narrowed, region_of
from musyq_lab.dashboards._jobs import State
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._stream import DESK
from musyq_lab.dashboards.download import Download
from musyq_lab.production.download import registration
from musyq_lab.production.download.download import download
from musyq_lab.production.download.region import area
from musyq_lab.production.download.select import select


def lai(step: int) -> xr.Dataset:
    rows, columns = np.mgrid[0:20, 0:30]
    values = (1 + 0.01 * step + 0.1 * rows + 0.01 * columns).astype(np.float32)
    values[:2, :2] = np.nan
    layers = {
        "lai": (("latitude", "longitude"), values, {"units": "1"}),
        "lai_uncertainty": (("latitude", "longitude"), 0.1 * values, {"units": "1"}),
        "lai_qa": (("latitude", "longitude"), np.isnan(values).astype(np.uint16), {"units": "1"}),
    }
    coordinates = {"latitude": 36.2 - 0.01 * np.arange(20), "longitude": 103.0 + 0.01 * np.arange(30)}
    return xr.Dataset(layers, coordinates, {"product": "lai"})


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "produits 产品"
    folder.mkdir()
    for step in range(3):
        write_product(lai(step), folder, edition="1km", tile="demo", period=f"2019{1 + 5 * step:03d}")
    return folder


@pytest.fixture
def shelf(root, tmp_path, monkeypatch) -> Shelf:
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(DESK, "serving", False)
    return Shelf([root], tmp_path / "results")


@pytest.fixture
def page(shelf, tmp_path) -> Download:
    return Download(shelf, out=tmp_path / "out")


def made(page: Download, name: str = "Ada", **choices) -> Download:
    """Choose, make the files, wait."""
    page.param.update(**choices)
    page.panes.name.value = name
    page.prepare()
    assert not page.alert.visible, page.alert.object
    page.job.wait(60)
    page.look()
    return page


def said(page: Download) -> str:
    return unescape(page.alert.object) if page.alert.visible else ""


BOX = "103.055,36.085,103.155,36.165"


def test_the_page_says_what_a_download_takes_before_anything_is_read(page):
    assert said(page) == ""
    assert "600 x 3 steps x" in page.panes._takes.value
    page.region = BOX
    assert page.estimate.cells == 10 * 8
    assert "80 x 3 steps x" in page.panes._takes.value
    page.period = "2019-01-06"
    assert page.estimate.steps == 1
    assert "registration and attribution" in page.panes._terms.value
    assert page.job is None


@pytest.mark.parametrize("form", ["NetCDF", "CSV"])
def test_the_files_equal_those_of_the_function(page, root, tmp_path, form):
    made(page, region=BOX, format=form)
    path = page.made.outcome.path
    assert page.job.seen().state is State.DONE
    direct = download(root, BOX, format=form, out=tmp_path / "direct", **{"filename": None})
    if form == "CSV":
        assert path.read_text() == direct.path.read_text()
    else:
        with xr.open_dataset(path) as found, xr.open_dataset(direct.path) as other:
            xr.testing.assert_equal(found, other)
            assert found["lai"].shape == (3, 8, 10)
    assert "Receipt" in page.panes._receipt.value
    assert page.made.outcome.sha256 in page.panes.files.value


@pytest.mark.parametrize("region", ["", BOX, "103.1,36.1", "china", "-170,-10,170,40"])
@pytest.mark.parametrize("period", [None, "2019-01-06", "2019-01-01/2019-01-07"])
def test_narrowing_changes_nothing_of_a_selection(root, region, period):
    """Only what a download takes is looked at for progress; the cells and their sizes must stay the same."""
    whole = stock(Shelf([root]))
    ds = next(iter(whole.values())).dataset()
    options = {"region": area_of(region), "period": period, "variables": ["lai"]}
    first = select(ds, **options)
    again = select(narrowed(ds, first.ds), **options)
    xr.testing.assert_identical(first.ds.drop_attrs(), again.ds.drop_attrs())
    assert again.grid == first.grid or first.grid.steps == pytest.approx(again.grid.steps)


def test_a_part_in_one_row_keeps_the_size_of_its_cells(root):
    ds = next(iter(stock(Shelf([root])).values())).dataset()
    row = area_of("103.055,36.095,103.155,36.105")
    part = select(ds, region=row)
    assert part.ds.sizes["latitude"] == 1
    assert narrowed(ds, part.ds).sizes["latitude"] == 20


def test_registration_is_asked_for_once_and_stays_in_one_private_file(page, shelf, tmp_path):
    page.region = BOX
    page.prepare()
    assert "needs a name" in said(page)
    made(page, name="Ada Lovelace")
    home = tmp_path / "home"
    assert registration.registered().name == "Ada Lovelace"
    assert stat.S_IMODE((home / registration.FILE).stat().st_mode) == 0o600
    for path in page.folder.iterdir():
        assert b"Lovelace" not in path.read_bytes()
    again = Download(shelf, out=tmp_path / "out")
    assert again.panes.known.name == "Ada Lovelace"
    made(again, name="", region=BOX, format="CSV")
    assert again.job.seen().state is State.DONE


def test_a_damaged_record_stops_nobody(shelf, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / registration.FILE).write_bytes(b"no database at all, but of some length")
    page = Download(shelf, out=tmp_path / "out")
    page.region = BOX
    page.panes.name.value = "Ada"
    page.prepare()
    assert "Move it away" in said(page)
    assert page.job is None


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"region": "atlantis"}, "atlantis"),
        ({"region": "0,0,1,1"}, "No cell of the product"),
        ({"region": "{"}, "GeoJSON"),
        ({"region": "[1, 2]"}, "no object"),
        ({"region": '{"type": "Polygon", "coordinates": "x"}'}, "GeoJSON"),
        ({"region": "{" * 100_000}, "GeoJSON"),
        ({"region": "1" * 300_000}, "Simplify"),
        ({"region": "../../etc/passwd.geojson"}, "reads no files"),
        ({"region": "/etc/hosts.json"}, "reads no files"),
        ({"region": "nan,nan,nan,nan"}, "region"),
        ({"period": "2031"}, "no time"),
        ({"period": "yesterday"}, "names no time"),
        ({"period": "2019-13"}, "no time"),
    ],
)
def test_bad_choices_are_told_and_the_page_lives_on(page, choice, words):
    page.param.update(**choice)
    assert words in said(page)
    assert page.panes.button.disabled
    assert page.estimate is None
    page.param.update(region=BOX, period="")
    assert said(page) == ""
    assert not page.panes.button.disabled


def test_what_does_not_fit_is_refused_before_it_is_read(page, monkeypatch):
    monkeypatch.setattr(Download, "served", property(lambda self: True))
    monkeypatch.setattr(working.PLACE, "limits", DownloadLimits(most="1 kB"))
    page.format = "CSV"
    assert "the limit is 1 kB" in said(page)
    assert page.panes.button.disabled
    page.prepare()
    assert page.job is None
    with suppress(AttributeError):
        page.close()


def test_an_address_restores_the_view(page, shelf):
    page.param.update(region=BOX, period="2019-01", format="CSV", variables=["lai"])
    again = Download.open(shelf, page.query())
    assert again.query() == page.query()
    assert again.panes._takes.value == page.panes._takes.value
    assert again.code() == page.code()


def test_the_code_makes_the_same_download(page, root, tmp_path, monkeypatch):
    made(page, region=BOX, format="CSV", variables=["lai"])
    monkeypatch.chdir(tmp_path)
    exec(page.code().replace("# once", ""), {})
    other = next(tmp_path.glob("*.csv"))
    assert other.read_bytes() == page.made.outcome.path.read_bytes()


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", "<script>alert(1)</script>", "\x00", "tower_matchups"])
def test_nothing_but_what_is_on_the_shelf_can_be_asked_for(shelf, name):
    with pytest.raises(NotFoundError, match="nothing named"):
        Download.open(shelf, {"data": name})


def test_a_bad_region_in_an_address_is_told_beside_the_map(shelf):
    page = Download.open(shelf, {"region": "atlantis"})
    assert "atlantis" in said(page)
    assert page.panes.map.pane.object is not None
    page.region = BOX
    assert said(page) == ""


def test_unknown_variables_and_formats_of_an_address(shelf):
    assert "no variable 'lia'" in said(Download.open(shelf, {"variables": "lia"}))
    with pytest.raises(InputError, match="'NetCDF'"):
        Download.open(shelf, {"format": "NetDCF"})


def test_a_cancelled_download_leaves_nothing_that_counts_as_done(page, monkeypatch):
    def slow(job):
        job.cancel()
        job.check()

    monkeypatch.setattr(working, "make", lambda request, served: slow)
    made(page, region=BOX)
    assert page.job.seen().state is State.CANCELLED
    assert page.made is None
    assert "Cancelled" in page.panes._state.value
    assert page.panes.files.value == ""


def test_a_download_that_fails_is_told(page, monkeypatch):
    def broken(job):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(working, "make", lambda request, served: broken)
    page.region = BOX
    page.panes.name.value = "Ada"
    page.prepare()
    page.job.wait(10)
    page.look()
    assert "No space left" in said(page)


def test_words_products_periods_and_regions_find_data(shelf):
    everything = stock(shelf)
    mine = next(iter(everything))
    assert list(search(everything, "leaf area")) == [mine]
    assert list(search(everything, "LAI demo 2019006")) == [mine]
    assert search(everything, "leaf nothing") == {}
    assert list(search(everything, product="lai")) == [mine]
    assert mine not in search(everything, product="samples")
    assert len(search(everything, product=ALL)) == len(everything)
    assert mine in search(everything, period="2019-01")
    assert mine not in search(everything, period="2015")
    assert mine in search(everything, period="2019006")
    assert mine in search(everything, area=area("china"))
    assert mine not in search(everything, area=area((0, 0, 10, 10)))
    assert set(products(everything.values()).values()) == {ALL, "lai", "samples"}
    with pytest.raises(InputError, match="names no time"):
        search(everything, period="soon")


def test_a_search_without_a_match_keeps_the_choice(page):
    before = page.source
    page.text = "nothing at all"
    assert "0 of" in page.panes._found.value
    assert page.source == before
    page.text = "MERRA"
    assert "MERRA" in page.source
    assert "MERRA" in page.header.value
    assert said(page) == ""


def test_other_data_clear_the_variables(page):
    page.variables = ["lai"]
    page.source = next(title for title in page.param.source.objects if "land cover" in title.lower())
    assert page.variables == []
    assert said(page) == ""


def test_outlines_of_maps_in_degrees_and_metres(page):
    assert page.outline.bounds == pytest.approx((102.995, 36.005, 103.295, 36.205))
    ds = xr.Dataset(
        {"v": (("y", "x"), np.zeros((3, 4)))}, {"y": 4.4e6 - 30.0 * np.arange(3), "x": 4e5 + 30.0 * np.arange(4)}
    )
    found = outline(ds.rio.write_crs("EPSG:32650"))
    assert found.is_valid
    west, south, east, north = found.bounds
    assert (east - west) * 111_320 * np.cos(np.radians(north)) == pytest.approx(120, rel=0.05)
    assert (north - south) * 111_320 == pytest.approx(90, rel=0.05)


def test_drawing_sets_the_region(page):
    page.panes.map.box.event(bounds=(103.05, 36.05, 103.15, 36.15))
    assert page.area.described()["east"] == pytest.approx(103.15)
    cells = page.estimate.cells
    loop = np.array([[103.05, 36.05], [103.15, 36.05], [103.1, 36.15]])
    page.panes.map.lasso.event(geometry=loop)
    assert json.loads(page.region)["type"] == "Polygon"
    assert 0 < page.estimate.cells < cells
    page.panes.map.lasso.event(geometry=np.array([[103.05, 36.05], [103.15, 36.15], [103.15, 36.05], [103.05, 36.15]]))
    assert said(page) == ""


def test_region_words_never_name_files(tmp_path):
    secret = tmp_path / "secret.geojson"
    secret.write_text('{"type": "Point", "coordinates": [1, 2]}')
    with pytest.raises(InputError, match="reads no files"):
        region_of(str(secret))
    assert region_of(" ") is None
    assert region_of('{"type": "Point", "coordinates": [1, 2]}')["coordinates"] == [1, 2]
    assert region_of("china") == "china"


@pytest.fixture
def visited(shelf, monkeypatch, tmp_path) -> Download:
    """The page as a server shows it."""
    monkeypatch.setattr(module, "_session", lambda: "the-session")
    monkeypatch.setattr(DESK, "serving", True)
    monkeypatch.setattr(module.pn.state, "on_session_destroyed", lambda call: None)
    monkeypatch.setattr(working, "PLACE", Place())
    working.PLACE.limits = DownloadLimits(folder=tmp_path)
    return Download(shelf)


def test_a_server_hands_the_files_out_and_deletes_them_with_the_session(visited):
    made(visited, name="Ada Lovelace", region=BOX)
    path = visited.made.outcome.path
    assert stat.S_IMODE(visited.folder.stat().st_mode) == 0o700
    links = visited.links()
    assert set(links) == {"the data", "how to cite", "the checksums", "the receipt"}
    token = links["the data"].split("/")[2]
    with DESK.taken(token, None) as ticket:
        assert b"".join(ticket.offer.open(0)) == path.read_bytes()
    assert "./stream/" in visited.panes.files.value
    folder = visited.folder
    visited.close()
    for _ in range(100):
        if not folder.exists():
            break
        time.sleep(0.05)
    assert not path.exists()
    assert not folder.exists()


def test_a_used_address_is_replaced_and_the_others_stay(visited):
    made(visited, region=BOX)
    before = visited.links()
    token = before["the data"].split("/")[2]
    with DESK.taken(token, None) as ticket:
        ticket.sent = ticket.offer.size
    after = visited.links()
    assert after["the data"] != before["the data"]
    assert {k: v for k, v in after.items() if k != "the data"} == {k: v for k, v in before.items() if k != "the data"}
    visited.close()


def test_the_files_of_the_last_download_make_room_for_the_next(visited):
    made(visited, region=BOX)
    first, links = visited.made.outcome.path, visited.links()
    for _ in range(12):  # more than a session may hold addresses for
        made(visited, format="CSV")
        assert len(visited.links()) == 4
    assert not first.exists()
    with pytest.raises(Exception, match="404"), DESK.taken(links["the data"].split("/")[2], None):
        pass
    visited.close()


def test_a_server_keeps_its_visitors_apart(visited, tmp_path):
    made(visited, name="Ada Lovelace", region=BOX, format="CSV")
    visited.panes.name.value = "Grace Hopper"
    visited.param.update(format="NetCDF")
    visited.prepare()
    visited.job.wait(60)
    lines = [json.loads(line) for line in visitors.path().read_text(encoding="utf-8").splitlines()]
    assert [line["name"] for line in lines] == ["Ada Lovelace", "Grace Hopper"]
    assert stat.S_IMODE(visitors.path().stat().st_mode) == 0o600
    assert registration.registered().name == visitors.SERVER
    assert b"Lovelace" not in (tmp_path / "home" / registration.FILE).read_bytes()
    visited.close()


def test_a_visitor_is_not_told_who_the_server_is(visited, shelf):
    registration.register("The Operator")
    again = Download(shelf)
    assert again.panes.known is None
    again.prepare()
    assert "needs a name" in said(again)
    for one in (visited, again):
        one.close()


def test_what_a_killed_server_left_is_swept(tmp_path):
    place = Place()
    place.limits = DownloadLimits(folder=tmp_path)
    dead = tmp_path / "musyq-download-999999999-x"
    strange = tmp_path / "musyq-download-notes"
    for folder in (dead, strange):
        folder.mkdir()
    mine = place.folder()
    assert not dead.exists()
    assert strange.exists()
    assert mine.is_dir()
    place.close()
    assert not mine.exists()


def test_a_record_that_cannot_be_written_is_logged_without_the_person(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    visitors.note(registration.Registration("Ada Lovelace"), {})
    assert "cannot be written" in caplog.text
    assert "Lovelace" not in caplog.text


def test_an_empty_shelf_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(module.finding, "stock", lambda shelf: {})
    with pytest.raises(InputError, match="musyq produce"):
        Download(Shelf([tmp_path]))
