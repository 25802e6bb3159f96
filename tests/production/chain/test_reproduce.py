"""Making files again: identical, or where not and why; from a moved archive, and without its report."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from production.chain.conftest import PERIODS

from musyq_lab.archive import manifest
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.production.chain import record, redraw
from musyq_lab.production.chain.produce import produce
from musyq_lab.production.chain.redraw import _box, _value, archived
from musyq_lab.production.chain.report import REPORT
from musyq_lab.production.chain.reproduce import Reproduction, reproduce
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import retrieval


def rows(found):
    return dict(found.differences)


@pytest.mark.parametrize("place", [0, -1])
def test_identical(place, made, weather):
    found = reproduce(made.files[place], inputs=weather)
    assert found.identical, found
    assert str(found) == f"{made.files[place].name}: identical, made again from its own record."


def test_nothing_of_the_archive_is_touched(made, weather):
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in made.folder.iterdir()}
    reproduce(made.files[-1], inputs=weather)
    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in made.folder.iterdir()} == before


def test_a_file_made_on_the_way(own, weather, tmp_path):
    made = produce("glimmer", period=PERIODS, inputs=weather, out=tmp_path, jobs=1)
    between = next((made.folder / "intermediate").glob("*.h5"))
    assert reproduce(between, inputs=weather).identical


def test_an_archive_that_was_moved(made, weather, tmp_path):
    moved = tmp_path / "moved 别处"
    shutil.move(made.folder, moved)
    assert reproduce(moved / made.files[-1].name, inputs=weather).identical


def test_one_file_alone_is_made_again_from_its_record(made, weather, tmp_path):
    """Its report is lost and so are the files that it was made from."""
    (tmp_path / "alone").mkdir()
    copy = Path(shutil.copy(made.files[-1], tmp_path / "alone"))
    with pytest.raises(InputError, match=r"no readable production\.json .* Give inputs= \(--inputs\)"):
        reproduce(copy)
    assert reproduce(copy, inputs=weather).identical


def test_a_report_that_names_no_catalog_asks_for_one(made):
    with pytest.raises(InputError, match=r"does not say from which catalog .* Give inputs= \(--inputs\)"):
        reproduce(made.files[0])


def test_a_file_of_an_earlier_request(own, made, weather):
    produce("glow", period="2019-07-06", inputs=weather, out=made.folder, jobs=1)
    assert reproduce(made.files[-1], inputs=weather).identical


def test_options_are_those_of_the_file(own, weather, tmp_path):
    made = produce("glow", period=PERIODS, inputs=weather, out=tmp_path, jobs=1, gain=0.5)
    assert reproduce(made.files[0], inputs=weather).identical
    (tmp_path / REPORT).unlink()
    assert reproduce(made.files[0], inputs=weather).identical


def tamper(path, name="ndvi", places=((2, 3), (4, 5)), by=0.25):
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        for place in places:
            values[place] += by
        file[name][...] = values


def test_a_changed_cell_is_found_with_its_place(made, weather):
    tamper(made.files[0])
    found = reproduce(made.files[0], inputs=weather)
    assert not found.identical
    assert rows(found)[made.files[0].name] == "was changed after it was written: its checksum differs"
    said = rows(found)["ndvi"]
    assert said.startswith("2 of 144 values differ, by up to 0.25, at latitude ")
    from musyq_lab.archive.open import open_product

    ds = open_product(made.files[0])
    low, high = sorted(float(ds.latitude[i]) for i in (2, 4))
    assert f"latitude {low:.7g} to {high:.7g}, longitude {float(ds.longitude[3]):.7g}" in said
    assert set(rows(found)) == {made.files[0].name, "ndvi"}


def test_a_changed_cell_is_found_where_the_checksum_was_changed_with_it(made, weather):
    path = made.files[0]
    tamper(path, "ndvi_uncertainty", ((0, 0),))
    manifest.side_file(path).write_text(manifest.checksum_line(path, manifest.sha256(path)))
    found = reproduce(path, inputs=weather)
    assert set(rows(found)) == {"ndvi_uncertainty"}


def test_values_made_to_gaps_are_told(made, weather):
    with h5py.File(made.files[0], "r+") as file:
        values = file["ndvi"][...]
        values[:2] = np.nan
        file["ndvi"][...] = values
    assert (
        "24 of 144 values differ, 24 of them in where there is a value"
        in rows(reproduce(made.files[0], inputs=weather))["ndvi"]
    )


def test_a_changed_attribute_is_named(made, weather):
    with h5py.File(made.files[0], "r+") as file:
        file["ndvi"].attrs["units"] = "percent"
    found = rows(reproduce(made.files[0], inputs=weather))
    assert "attribute units of ndvi" in found
    assert "'percent' and '1'" in found["attribute units of ndvi"]


def test_a_damaged_file_is_refused_in_words(made, weather):
    made.files[0].write_bytes(made.files[0].read_bytes()[:500])
    with pytest.raises(ArchiveError):
        reproduce(made.files[0], inputs=weather)


def test_changed_code_is_named_with_what_it_changes(made, weather, monkeypatch):
    monkeypatch.setenv("MUSYQ_CODE_VERSION", "newer")
    record.code_version.cache_clear()
    found = rows(reproduce(made.files[0], inputs=weather))
    assert found["code"] == "it was made by test; this is newer"
    assert set(found) == {"code", "record"}  # the values are the same


def test_a_changed_algorithm_is_named_with_what_it_changes(own, made, weather):
    from musyq_lab.production.contract import session

    new = retrieval(own.GLOW)(lambda *, air_temperature, wind_speed: air_temperature / 400.0 - wind_speed / 500.0)
    RETRIEVALS.add("glow", new)
    session.remember("glow", new)
    found = rows(reproduce(made.files[0], inputs=weather))
    assert "it was made by" in found["algorithm glow"]
    assert found["ndvi"].startswith("144 of 144 values differ, by up to")
    assert "code" not in found


@pytest.fixture
def own_inputs(own, tmp_path):
    stock = own.layers(tmp_path / "in", "2019-07-01/2019-07-04")
    made = produce(*own.KEYS, period="2019-07-01", inputs=stock, out=tmp_path / "out", jobs=1)
    return stock, made


@pytest.mark.parametrize("place", [0, 1])
def test_a_changed_input_is_named(own_inputs, place):
    stock, made = own_inputs
    with h5py.File(stock.layers[0].path, "r+") as file:
        file["wind_speed"][0, 0] = 3.0
    found = reproduce(made.files[place], inputs=stock)
    assert set(rows(found)) == {Path(stock.layers[0].path).name}
    assert " then, " in found.differences[0][1]


def test_an_input_that_vanished_is_named(own_inputs):
    stock, made = own_inputs
    Path(stock.layers[0].path).unlink()
    with pytest.raises(NotFoundError, match=Path(stock.layers[0].path).name):
        reproduce(made.files[0], inputs=stock)


def test_a_catalog_without_the_input_says_what_it_lacks(own_inputs, own, tmp_path):
    _, made = own_inputs
    other = own.layers(tmp_path / "other", "2020-01-01/2020-01-04")
    with pytest.raises(InputError, match="air_temperature"):
        reproduce(made.files[0], inputs=other)


@pytest.mark.parametrize("name", ["none.h5", "MuSyQ.GLOW.1km.here.2019181.v1.h5"])
def test_what_is_not_there(tmp_path, name):
    with pytest.raises(NotFoundError, match="is no product file"):
        reproduce(tmp_path / name)


def test_a_file_without_a_record(weather):
    with pytest.raises(NotFoundError, match="carries no provenance"):
        reproduce(weather.layers[0].path)


def test_a_record_of_something_else(tmp_path):
    from archive.samples import NAME, SPEC, dataset

    from musyq_lab.archive.write import write_product

    path = write_product(dataset(4, 4, 1), tmp_path, spec=SPEC, provenance={"entity": {}}, **NAME)
    with pytest.raises(InputError, match="not of a production"):
        reproduce(path)


def test_it_is_shown():
    found = Reproduction(Path("a.h5"), False, (("lai", "<3 of 4> values differ"),))
    assert str(found) == "a.h5: NOT identical.\n  lai: <3 of 4> values differ"
    assert "&lt;3 of 4&gt;" in found._repr_html_()


class TestRedraw:
    @pytest.mark.parametrize(
        ("text", "value"), [("2.0", 2.0), ("c4", "c4"), ("(5.0, 10.0)", (5.0, 10.0)), ("True", True), ("a b", "a b")]
    )
    def test_options_come_back_from_texts(self, text, value):
        assert _value(text) == value

    @pytest.mark.parametrize("box", [(100.25, 38, 101, 39.5), (-10, -5.5, 10, 5), (179, -90, 180, -89)])
    def test_boxes_come_back_from_names(self, box):
        from musyq_lab.production.chain.region import _named

        assert tuple(map(float, _box(_named("box", box)).split(","))) == box

    @pytest.mark.parametrize("tile", ["huailai", "here", "a_b_c_d", "", "1E_2E_3N"])
    def test_names_that_are_no_box(self, tile):
        assert _box(tile) is None

    def test_the_chain_behind_a_file(self, made):
        names = [one.path.name for one in archived(made.files[-1]).chain()]
        assert names == [made.files[-1].name, made.files[-1].name.replace("GLIMMER", "GLOW")]

    def test_a_chain_that_is_broken_ends_there(self, made):
        made.files[-1].with_name(made.files[-1].name.replace("GLIMMER", "GLOW")).unlink()
        assert len(list(archived(made.files[-1]).chain())) == 1

    def test_catalogs_that_moved_are_told(self, tmp_path):
        with pytest.raises(NotFoundError):
            redraw._stock(tmp_path / "none.yml", None, "5d")
