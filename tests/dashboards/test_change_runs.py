"""The work of the Change page: what runs when, what stays on failure, shared first looks, timed rates."""

from dataclasses import replace

import numpy as np
import param
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _change_runs as module
from musyq_lab.dashboards import _change_work, _change_zones
from musyq_lab.dashboards._change_kinds import KINDS, Ask
from musyq_lab.dashboards._change_work import part_of
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._jobs import State
from musyq_lab.dashboards.change import Change, change

YEARS = np.arange(2001, 2009)


@pytest.fixture(scope="module", autouse=True)
def plain():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        yield


def given(rows=3, columns=4, years=YEARS) -> xr.Dataset:
    draw = np.random.Generator(np.random.Philox(23))
    coords = {"year": years, "lat": 42.0 - np.arange(rows), "lon": 100.0 + np.arange(columns)}
    dims, shape = ("year", "lat", "lon"), (len(years), rows, columns)
    layers = {name: (dims, draw.random(shape) + 1, {"units": "K"}) for name in ("a", "b")}
    layers["code"] = (("lat", "lon"), np.ones((rows, columns), "uint8"), {"flag_values": [1], "flag_meanings": "one"})
    return xr.Dataset(layers, coords, {"title": "Runs"})


@pytest.fixture(scope="module")
def kept() -> tuple[Change, dict]:
    made = change(given(), analysis="anomaly")
    return made, {name: getattr(made, name) for name in ("ask", "outcome", "job", "cube")}


@pytest.fixture
def page(kept) -> Change:
    """The page as it opens; made once, since its widgets take longer than its work."""
    made, start = kept
    for name, value in start.items():
        setattr(made, name, value)
    with param.parameterized.discard_events(made):
        made.variable, made.point, made.region = "a", None, None
    made.table, made.rates, made.step = None, {}, 0
    made.panes.by.value, made.alert.visible = "countries", False
    made.panes.new_ask()
    made._found(made.outcome)
    return made


def test_the_title_of_the_job_says_what_it_makes(page):
    assert page.job.title == "Anomalies of a, first look"
    page.analyse(whole=True)
    assert page.job.title == "Anomalies of a"
    page.make_table("countries")
    assert page.job.title == "Table of countries"


def test_a_failing_analysis_is_told_and_the_last_map_stays(page, monkeypatch):
    before = page.outcome

    def broken(*_args):
        raise InputError("The data are <broken>.")

    monkeypatch.setattr(module, "analysed", broken)
    page.analyse(whole=True)
    assert page.job.seen().state is State.FAILED
    assert page.alert.visible
    assert "Anomalies of a: The data are &lt;broken&gt;." in page.alert.object
    assert page.outcome is before
    assert not page.panes.work.visible
    monkeypatch.undo()
    page.analyse(whole=True)
    assert not page.alert.visible
    assert page.outcome is not before


def test_an_unforeseen_error_does_not_end_the_session(page, monkeypatch):
    def broken(*_args):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(module, "analysed", broken)
    page.analyse(whole=True)
    assert page.alert.visible
    assert page.outcome is not None


def test_what_cannot_be_asked_takes_the_map_away_and_comes_back(page):
    page.set("phenology")
    assert page.outcome is None
    assert "cannot be told of these data" in page.panes.message.value
    assert page.panes.full.disabled
    assert page.step_labels == []
    page.set("anomaly")
    assert page.outcome is not None
    assert "cannot" not in page.panes.message.value


@pytest.mark.parametrize("whole", [False, True])
def test_first_looks_are_shared_and_wholes_are_not(whole, monkeypatch):
    known = replace(cube(given()), key=("runs", whole))
    first = Change({"t": known}, analysis="anomaly")
    calls = []
    monkeypatch.setattr(module, "analysed", lambda part, ask, job: calls.append(ask) or first.outcome)
    second = Change({"t": known}, analysis="anomaly")
    assert second.outcome is first.outcome
    assert calls == []
    if whole:
        second.analyse(whole=True)
        assert calls == [Ask("anomaly")]


def test_another_question_is_no_shared_answer():
    known = replace(cube(given()), key=("runs", "asks"))
    one = Change({"t": known}, analysis="anomaly")
    other = Change({"t": known}, analysis="anomaly", baseline=(2001, 2003))
    assert one.outcome is not other.outcome
    past = given().a.sel(year=slice(2001, 2003)).mean("year")
    np.testing.assert_allclose(other.outcome.dataset.anomaly, given().a - past)
    third = Change({"t": known}, variable="b", analysis="anomaly")
    np.testing.assert_allclose(third.outcome.dataset.anomaly, given().b - given().b.mean("year"))


def test_data_without_a_key_are_never_shared():
    assert cube(given()).key is None
    one, two = (change(given() + shift, analysis="periods") for shift in (0, 0))
    assert one.outcome is not two.outcome


@pytest.mark.parametrize(("seconds", "rate"), [(0.5, 60 * 60 * 8 / 0.5), (0.01, None)])
def test_the_rate_is_timed_of_runs_that_are_long_enough(page, seconds, rate):
    large = cube(given(60, 60))
    page._found(replace(page.outcome, part=part_of(large, "a", {}, "anomaly", whole=True), seconds=seconds))
    assert page.rates.get("anomaly") == rate
    page.rates.clear()
    page._found(replace(page.outcome, part=part_of(cube(given()), "a", {}, "anomaly", whole=True), seconds=10.0))
    assert page.rates == {}, "of 96 values nothing can be told"


def test_the_verdict_uses_the_timed_rate(page):
    page.rates["anomaly"] = 1.0  # a value a second: 96 of them
    assert "about 2 minutes" in page.verdict()[0]
    page.rates["anomaly"] = 1e9
    assert "about 1 s" in page.verdict()[0]


def test_the_map_keeps_its_year_when_the_question_changes(page):
    assert page.step == len(YEARS) - 1, "the last year first"
    page.step_to(2003)
    page.set("anomaly", measure="relative")
    assert page.step_labels[page.step] == "2003"
    page.set("periods")
    assert page.step_labels == []
    assert page.step == 0


def test_a_wanted_year_that_is_none_is_told_with_those_there_are():
    page = change(given(), analysis="anomaly", step=1990)
    assert page.alert.visible
    assert "no map of 1990" in page.alert.object
    assert "2001, 2002" in page.alert.object


@pytest.mark.parametrize("kind", ["trend", "anomaly", "periods"])
def test_the_first_layer_is_shown_of_each_analysis(page, kind):
    page.set(kind)
    assert page.param.layer.objects == list(KINDS[kind].maps)
    assert page.layer == next(iter(KINDS[kind].maps))
    assert page.panes.layer.value == page.layer


def test_the_layer_that_was_asked_for_is_shown():
    page = change(given(), analysis="trend", layer="tau")
    assert page.layer == "tau"
    page.set("periods")
    assert page.layer == "difference"


def test_tables_are_refused_while_something_runs(page):
    class Running:
        def seen(self):
            return replace(self.real, state=State.RUNNING)

    running = Running()
    running.real = page.job.seen()
    page.job = running
    page.make_table("countries")
    assert "Something is being computed" in page.alert.object
    assert page.table is None


def test_classes_have_no_table():
    page = change(given()[["code"]], analysis="trend")
    page.make_table("countries")
    assert "named classes" in page.alert.object
    assert page.table is None


def test_a_failing_table_keeps_the_last_one(page, monkeypatch):
    page.make_table("countries")
    kept = page.table

    def broken(*_args):
        raise InputError("No zones.")

    monkeypatch.setattr(_change_zones, "table_of", broken)
    page.make_table("regions")
    assert page.table is kept
    assert "No zones." in page.alert.object


def test_another_variable_starts_over(page):
    page.select(101.0, 41.0)
    page.make_table("countries")
    page.set("anomaly", baseline=(2001, 2002))
    page.variable = "b"
    assert page.table is None
    assert page.ask == Ask("anomaly"), "years of the other data may not hold for these"
    np.testing.assert_allclose(page.outcome.dataset.anomaly, given().b - given().b.mean("year"))
    assert page.point == (101.0, 41.0)
    series = given().b.sel(lat=41, lon=101)
    np.testing.assert_allclose(page.story.values, series - series.mean())


def test_other_data_start_over():
    early, late = given(), given(2, 2, np.arange(2011, 2019))
    page = Change({"early": early, "late": late}, analysis="anomaly", point=(102.0, 42.0), baseline=(2001, 2004))
    page.source = "late"
    assert (page.point, page.region, page.table) == (None, None, None)
    assert page.ask == Ask("anomaly")
    assert page.step_labels == [str(year) for year in range(2011, 2019)]
    assert page.query()["data"] == "late"
    page.source = "early"
    assert page.step_labels[0] == "2001"


def test_without_a_result_the_part_is_that_of_the_next_one(page):
    page.outcome = None
    part = page.part
    assert part.variable == "a"
    assert part.subject().layer.shape == (8, 3, 4)
    page.ask = Ask("breaks")
    assert page.part.subject().steps == 8


def test_asking_the_same_again_computes_nothing(page, monkeypatch):
    monkeypatch.setattr(module, "analysed", None)
    job = page.job
    page.set("anomaly", measure="difference")
    page.set()
    assert page.job is job


def test_memory_that_there_is_not_is_told_before_anything_runs(page, monkeypatch):
    monkeypatch.setattr(_change_work, "_OVERHEAD", 10**12)
    monkeypatch.setattr(module.JOBS, "limits", replace(module.JOBS.limits, memory=10**6))
    job = page.job
    page.analyse(whole=True)
    assert page.alert.visible
    assert page.job is job
    assert page.outcome is not None
