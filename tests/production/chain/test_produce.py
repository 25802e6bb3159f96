"""Whole productions of own algorithms: same bytes however they run, and what is told when something is wrong."""

import json
import os
import shutil

import pytest
import xarray as xr
from production.chain.conftest import PERIODS, hashes

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError, RecipeError
from musyq_lab.core.spec import Product
from musyq_lab.production.chain.produce import carry_out, plan, produce
from musyq_lab.production.chain.report import LOG, REPORT, logged
from musyq_lab.production.contract import session
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._retrieval import Retrieval, retrieval


def made_by(own, weather, out, **how):
    return produce(*own.KEYS, period=PERIODS, inputs=weather, out=out, **{"jobs": 1, **how})


@pytest.mark.parametrize("jobs", [2, 4])
def test_same_bytes_on_more_threads(jobs, own, weather, unbroken, tmp_path):
    made_by(own, weather, tmp_path / "out", jobs=jobs)
    assert hashes(tmp_path / "out") == hashes(unbroken.folder)


@pytest.mark.parametrize("chunks", [{"latitude": 5}, {"longitude": 1}, {"latitude": 4, "longitude": 7}])
def test_same_bytes_in_any_chunks(chunks, own, weather, unbroken, tmp_path, monkeypatch):
    call, seen = Retrieval.__call__, []

    def rechunked(self, ds=None, **how):
        seen.append(ds.chunk(chunks).chunks)
        return call(self, ds.chunk(chunks), **how)

    monkeypatch.setattr(Retrieval, "__call__", rechunked)
    made_by(own, weather, tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(unbroken.folder)
    assert any(len(sizes) > 1 for each in seen for sizes in each.values())


def test_the_values_are_those_of_the_functions(own, weather, unbroken):
    from musyq_lab.archive.open import open_product

    layers = open_product(weather.layers[0].path)
    label = weather.layers[0].period.label
    glow, glimmer = (
        open_product(unbroken.folder / f"MuSyQ.{key.upper()}.1km.here.{label}.v1.h5") for key in ("glow", "glimmer")
    )
    air, wind = layers.air_temperature.values, layers.wind_speed.values
    assert abs(glow.ndvi.values - (air / 400 - wind / 1000)).max() < 1e-6
    assert abs(glimmer.glimmer.values - wind * glow.ndvi.values).max() < 1e-5
    # One sigma goes from file to file: that of glow, and of wind where glimmer uses it.
    sigma = glow.ndvi_uncertainty.values
    assert abs(sigma - ((0.5 / 400) ** 2 + (0.2 / 1000) ** 2) ** 0.5).max() < 2e-4
    expected = ((wind * sigma) ** 2 + (0.2 * glow.ndvi.values) ** 2) ** 0.5
    assert abs(glimmer.glimmer_uncertainty.values / expected - 1).max() < 0.05


def test_one_product_after_the_other_is_the_same_as_both(own, weather, unbroken, tmp_path):
    produce("glow", period=PERIODS, inputs=weather, out=tmp_path, jobs=1)
    both = made_by(own, weather, tmp_path)
    assert {o.state for o in both.outcomes if o.key.startswith("glow.")} == {"kept"}
    assert hashes(tmp_path) == hashes(unbroken.folder)


def test_what_nobody_asked_for_lies_apart(own, weather, unbroken, tmp_path):
    only = produce("glimmer", period=PERIODS, inputs=weather, out=tmp_path, jobs=1)
    assert {p.name for p in only.files} == {p.name for p in tmp_path.glob("*.h5")}
    apart = {name.removeprefix("intermediate/"): sha for name, sha in hashes(tmp_path).items()}
    assert apart == hashes(unbroken.folder)


def test_a_failing_algorithm_is_named_and_the_others_go_on(own, weather, tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_WORLD_GLIMMER", "raise")
    made = made_by(own, weather, tmp_path)
    assert {o.key.partition(".")[0] for o in made.failed} == {"glimmer"}
    assert all("glimmer cannot do it" in o.reason for o in made.failed)
    assert len(made.files) == len(weather.layers)
    assert "NOT MADE glimmer." in str(made)
    assert {row["state"] for row in logged(tmp_path)} == {"made", "failed"}
    monkeypatch.delenv("OWN_WORLD_GLIMMER")
    assert not made_by(own, weather, tmp_path).failed


def test_nothing_made_is_an_error_that_says_why(own, weather, tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_WORLD_GLOW", "raise")
    with pytest.raises(RecipeError, match=r"Not one product could be made.*glow cannot do it"):
        made_by(own, weather, tmp_path)
    assert json.loads((tmp_path / REPORT).read_text())["ended"] is True
    assert not list(tmp_path.rglob("*.h5"))


def test_an_unchecked_algorithm_is_checked_before_anything_is_made(own, weather, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "_passed", {"glow": own.OWN["glow"]})
    asked = []
    monkeypatch.setattr("musyq_lab.production.chain.runner.require", asked.append)
    made_by(own, weather, tmp_path)
    assert sorted(asked) == ["glimmer", "glow"]


def test_an_algorithm_that_breaks_the_contract_is_refused(own, weather, tmp_path):
    def body(*, air_temperature, wind_speed):
        return air_temperature.sum() + 0 * wind_speed  # depends on how the map is cut into blocks

    PRODUCTS.add("sum", spec := Product("sum", "Sum", own.GLOW.variables, own.GLOW.inputs))
    RETRIEVALS.add("sum", retrieval(spec)(body))
    with pytest.raises(RecipeError, match="sum"):
        produce("sum", period=PERIODS, inputs=weather, out=tmp_path / "out", jobs=1)
    assert not (tmp_path / "out" / REPORT).exists()


def edited(own, gain):
    def body(*, air_temperature, wind_speed):
        return gain * air_temperature / 400.0 - wind_speed / 1000.0

    made = retrieval(own.GLOW)(body)
    RETRIEVALS.add("glow", made)
    session.remember("glow", made)


def test_an_edited_algorithm_makes_its_files_again(own, weather, tmp_path):
    edited(own, 0.5)
    made_by(own, weather, tmp_path)
    before = hashes(tmp_path)
    edited(own, 0.5)  # the cell is run again: another function, the same code
    assert {o.state for o in made_by(own, weather, tmp_path).outcomes} == {"kept"}
    edited(own, 0.6)
    assert {o.state for o in made_by(own, weather, tmp_path).outcomes} == {"made"}
    assert not set(before.values()) & set(hashes(tmp_path).values())


def test_options_reach_the_algorithm_and_its_digest(own, weather, unbroken, tmp_path):
    shutil.copytree(unbroken.folder, tmp_path / "out")
    made = produce("glow", period=PERIODS, inputs=weather, out=tmp_path / "out", jobs=1, gain=0.5)
    assert {o.state for o in made.outcomes} == {"made"}
    a, b = (xr.open_dataset(folder / made.files[0].name) for folder in (unbroken.folder, tmp_path / "out"))
    assert float((a.ndvi - b.ndvi).mean()) == pytest.approx(0.35, abs=0.02)


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_folder_that_cannot_be_one(place, own, weather, tmp_path):
    (tmp_path / "x").write_text("")
    out = tmp_path / "x" if place == "a file" else tmp_path / "x" / "y"
    with pytest.raises(InputError, match="cannot be a folder of products"):
        made_by(own, weather, out)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(own, weather, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ArchiveError, match="cannot be written to"):
        made_by(own, weather, tmp_path)


def test_unicode_and_blanks_in_the_folder(own, weather, unbroken, tmp_path):
    made_by(own, weather, tmp_path / "产品 folder")
    assert hashes(tmp_path / "产品 folder") == hashes(unbroken.folder)


def test_asked_for_what_does_not_exist(own, weather, tmp_path):
    with pytest.raises(NotFoundError, match="glom"):
        produce("glom", period=PERIODS, inputs=weather, out=tmp_path / "out")
    with pytest.raises(InputError, match="no product"):
        produce(period=PERIODS, inputs=weather, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_result_is_shown(unbroken):
    html = unbroken._repr_html_()
    assert "6 product files" in html
    assert unbroken.table()[1:] == [["glow", "3", "0", "0", unbroken.table()[1][4]],
                                    ["glimmer", "3", "0", "0", unbroken.table()[2][4]]]  # fmt: skip
    assert str(unbroken).endswith(f"6 product files in {unbroken.folder}")


def test_nothing_hidden_is_left(unbroken):
    names = {p.name for p in unbroken.folder.iterdir()}
    assert not [name for name in names if name.startswith(".")]
    assert {REPORT, LOG} <= names
    assert len(names) == 2 + 3 * 6


def test_two_productions_of_one_folder_at_once(own, weather, unbroken, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    drawn = plan(*own.KEYS, period=PERIODS, inputs=weather)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: carry_out(drawn, tmp_path, jobs=1), range(2)))
    assert not [o for made in both for o in made.failed]
    assert hashes(tmp_path) == hashes(unbroken.folder)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_relative_catalog_is_remembered_by_its_whole_path(own, tmp_path, monkeypatch):
    from musyq_lab.production.chain.produce import _lasting

    monkeypatch.chdir(tmp_path)
    (tmp_path / "sim").mkdir()
    assert _lasting("sim") == str(tmp_path / "sim")
    assert _lasting("catalogs/demo.yml") == "catalogs/demo.yml"
    assert _lasting("https://example.org/catalog.yml") == "https://example.org/catalog.yml"
    assert _lasting(None) == ""
