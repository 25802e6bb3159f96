"""Names of places, requests that are read again, and what the command line asks: nothing is guessed."""

import json
from dataclasses import replace
from datetime import datetime

import pytest
from production.chain.conftest import PERIODS
from production.chain.stocks import COVER, FINE, FULL, GROUND, KILOMETRE, PERIOD, layer, shot

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import Stock, period_of_label
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import Period
from musyq_lab.production.chain import _peak, _speed, command, produce, redraw
from musyq_lab.production.chain._costs import Size, cost_of
from musyq_lab.production.chain.command import Request
from musyq_lab.production.chain.forecast import forecast
from musyq_lab.production.chain.redraw import _box, _value
from musyq_lab.production.chain.region import tile_of
from musyq_lab.production.chain.report import LOG, REPORT, Report, logged, requests
from musyq_lab.production.chain.task import Read, Task, digest, path_of


# ---- names of boxes --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "box", ["115.75,40.3,115.85,40.4", "-10,-3,1,1", "115.75123,40.30001,115.85123,40.40001", "0.00005,0,0.5,0.5",
            "-0.5,-0.25,0,0", "100,30,102,31"],
)  # fmt: skip
def test_the_name_of_a_box_leads_back_to_it(box):
    name = tile_of("1km", box, FULL).name
    assert [float(v) for v in _box(name).split(",")] == pytest.approx([float(v) for v in box.split(",")], abs=1e-6)


def test_boxes_a_cell_of_30_m_apart_have_two_names():
    names = {tile_of("30m", f"115.75{n},40.3,115.8,40.31", FULL).name for n in ("123", "15", "151")}
    assert len(names) == 3


@pytest.mark.parametrize("name", ["here", "heihe_upper_reach_N", "a_b_c_d", "N_E_S_W", "tapE_aN_bE_cN", "1E_2N_3E", ""])
def test_other_names_are_no_box(name):
    assert _box(name) is None


def test_a_place_of_local_layers_is_called_as_they_are(weather):
    tile = tile_of("1km", None, weather)
    assert tile.name == "here"
    assert tile.cells == 144  # not a row more than the layers cover


def test_the_place_of_the_layers_is_the_part_that_they_cover(weather):
    fine, coarse = tile_of("1km", None, weather), tile_of("5km", None, weather)
    west, north = fine.grid.longitude[0] - 0.005, fine.grid.latitude[0] + 0.005
    assert coarse.grid.longitude[0] - 0.025 <= west + 1e-9
    assert coarse.grid.latitude[0] + 0.025 >= north - 1e-9


# ---- options and times of names --------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", [1, 1.5, True, None, "pmodel", "a b", (1, 2), [1.0], {"a": 1}, "", "1e", "x=1"])
def test_options_come_back_from_the_texts_of_records(value):
    assert _value(str(value)) == value
    assert type(_value(str(value))) is type(value)


@pytest.mark.parametrize("text", ["__import__('os').getcwd()", "open('x')", "[i for i in (1,)]", "1 +"])
def test_nothing_that_a_record_says_is_run(text):
    assert _value(text) == text


@pytest.mark.parametrize(
    ("label", "start", "end"),
    [
        ("2019186", (2019, 7, 5), (2019, 7, 10)),
        ("2019187", (2019, 7, 6), (2019, 7, 7)),
        ("2019361", (2019, 12, 27), (2020, 1, 1)),
        ("2020366", (2020, 12, 31), (2021, 1, 1)),
        ("2019186-21", (2019, 7, 5, 21), (2019, 7, 6)),
        ("2019-02", (2019, 2, 1), (2019, 3, 1)),
        ("2019-02-p6", (2019, 2, 26), (2019, 3, 1)),
        ("2019", (2019, 1, 1), (2020, 1, 1)),
        ("2011-2015", (2011, 1, 1), (2016, 1, 1)),
    ],
)
def test_the_time_that_a_name_says(label, start, end):
    found = period_of_label(FileName("lai", "1km", "here", label, "v1"))
    assert (found.start, found.end) == (datetime(*start), datetime(*end))


@pytest.mark.parametrize("label", ["static", "climatology", "2019367", "2019000", "2019-13", "2019186-24", "2015-2011"])
def test_names_that_say_no_time_hold_for_all(label):
    assert period_of_label(FileName("lai", "1km", "here", label, "v1")) is None


def test_layers_of_other_years_are_not_taken_for_those_of_all_times():
    stock = Stock(layers=(layer("cover", "2001-2005", COVER), layer("cover", "2016-2020", COVER)))
    assert [f.name.period for f in stock.layer("land_cover", PERIOD)] == ["2016-2020"]


# ---- stock -----------------------------------------------------------------------------------------------------------
def test_the_time_of_a_stock_is_that_of_its_granules_before_that_of_its_layers():
    first, last = shot("modis", 3), shot("modis", 9)
    span = Stock((first, last), (layer("air", "2019001", ["aod"]),)).span()
    assert first.time in span
    assert last.time in span  # the end is not part of a period
    assert span.label == "2019-07-03/2019-07-09"


def test_without_granules_it_is_that_of_the_layers():
    span = Stock(layers=(GROUND, layer("air", "2019181", ["aod"]), layer("air", "2019191", ["aod"]))).span()
    assert (span.start, span.end) == (datetime(2019, 6, 30), datetime(2019, 7, 15))


@pytest.mark.parametrize("stock", [Stock(), Stock(layers=(GROUND,))])
def test_a_stock_without_a_date_asks_for_the_period(stock):
    with pytest.raises(NotFoundError, match=r"period=, --period"):
        stock.span()


def test_what_there_is_is_said_without_uncertainties_and_not_without_end():
    names = [f"layer_{n:02d}" for n in range(14)]
    text = Stock((shot("modis", 3),), (layer("air", "static", [*names, "layer_00_uncertainty", "air_qa"]),)).said()
    assert text.startswith("1 granules of modis, 2019-07-03 to 2019-07-03; the layers layer_00, ")
    assert text.endswith("layer_11 and 2 more.")
    assert "_qa" not in text


# ---- reports that somebody edited ------------------------------------------------------------------------------------
def write(folder, **more):
    (folder / REPORT).write_text(json.dumps({"request": {"keys": ["glow"]}, "source": {}, **more}))


@pytest.mark.parametrize("earlier", [None, 1, "x", {}, ["x"], [None], [{"request": 1}], [{"source": {}}]])
def test_earlier_requests_that_are_none_are_passed_over(tmp_path, unbroken, earlier):
    write(tmp_path, earlier=earlier)
    assert [row["request"] for row in requests(tmp_path)] == [{"keys": ["glow"]}]
    Report(tmp_path, unbroken.plan, {"inputs": "x"}).begin()
    assert len(requests(tmp_path)) == 2


@pytest.mark.parametrize("source", [None, "x", []])
def test_a_report_whose_source_is_none_is_not_readable(tmp_path, source):
    write(tmp_path, source=source)
    with pytest.raises(NotFoundError, match="no readable"):
        requests(tmp_path)


@pytest.mark.parametrize("line", ['"made"', "3", "null", "[]", '["key"]', "{", "\x00"])
def test_lines_of_a_log_that_are_none_are_passed_over(tmp_path, line):
    (tmp_path / LOG).write_text(f'{line}\n{{"key": "a", "state": "made"}}\n{line}')
    assert logged(tmp_path) == [{"key": "a", "state": "made"}]


@pytest.mark.parametrize("row", ['"key": ["a"]', '"key": "a"', '"key": "a", "seconds": null', '"key": {}, "seconds": 1',
                                 '"key": "a", "seconds": "3"', '"key": "a", "seconds": NaN'])  # fmt: skip
def test_a_forecast_does_not_trip_over_a_log(tmp_path, monkeypatch, row):
    monkeypatch.setattr(_speed, "trial", lambda: _speed.REFERENCE)
    (tmp_path / LOG).write_text("\n".join([f'{{"state": "made", {row}}}'] * 5))
    found = _speed.speed(tmp_path, {"a": "retrieve"})
    assert found.task("retrieve", Size()) == cost_of("retrieve").time(Size())
    assert found.tasks == 0


def test_too_few_tasks_of_a_kind_say_nothing_of_it(tmp_path):
    rows = [("a1", 5.0), ("a2", 5.0), ("b1", 9.0), ("b2", 7.0), ("b3", 8.0), ("c1", 1.0)]
    (tmp_path / LOG).write_text("\n".join(json.dumps({"key": k, "state": "made", "seconds": s}) for k, s in rows))
    makers = {k: {"a": "composite", "b": "retrieve"}[k[0]] for k, _ in rows[:-1]}
    assert dict(_speed.speed(tmp_path, makers).earlier) == {"retrieve": 8.0}


@pytest.mark.parametrize("more", [{"colour": "red"}, None])
def test_a_request_of_another_version_is_told_in_words(made, weather, more):
    text = json.loads((made.folder / REPORT).read_text())
    if more is None:
        del text["request"]["step"]
    else:
        text["request"] |= more
    (made.folder / REPORT).write_text(json.dumps(text))
    with pytest.raises(InputError, match=r"asks with (colour|step) otherwise"):
        redraw._asked(text["request"], weather, None)
    plan = redraw.redraw(redraw.archived(made.files[0]), weather, None)  # by the record inside the file
    assert plan.tasks[-1].target == made.files[0].name


def test_a_request_is_held_with_all_that_draws_it(unbroken):
    assert set(unbroken.plan.request) == redraw._ARGUMENTS


# ---- the command line ------------------------------------------------------------------------------------------------
def request(tmp_path, **more):
    values = dict.fromkeys(Request.__dataclass_fields__)
    values |= {"products": ("glow",), "inputs": "none.yml", "edition": "1km", "step": "5d", "out": tmp_path}
    return Request(**{**values, "methods": (), "workers": 0, **more})


@pytest.mark.parametrize("text", ["gpp", "gpp=", "=pmodel", "=", "", " = "])
def test_half_a_method_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="must be PRODUCT=METHOD"):
        request(tmp_path, methods=("lai=rt", text)).arguments()


def test_two_methods_of_one_product_are_refused_and_one_twice_is_one(tmp_path):
    with pytest.raises(InputError, match="gpp by pmodel and by mod17"):
        request(tmp_path, methods=("gpp=pmodel", "gpp=mod17")).arguments()
    assert request(tmp_path, methods=("gpp=pmodel", " gpp = pmodel ")).arguments()["method"] == {"gpp": "pmodel"}


def test_workers_and_a_scheduler_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="Give one of the two"):
        command.show(request(tmp_path, scheduler="tcp://127.0.0.1:1", workers=2))


@pytest.mark.parametrize("dry_run", [True, False])
def test_limits_and_arguments_reach_what_they_are_for(tmp_path, monkeypatch, dry_run):
    seen = []
    monkeypatch.setattr(command, "plan", lambda *keys, **more: seen.append((keys, more)))
    monkeypatch.setattr(command, "forecast", lambda plan, out, **more: _said(seen, more, problems=("no room",)))
    monkeypatch.setattr(command, "produce", lambda *keys, **more: _said(seen, more, failed=(1,)))
    asked = request(tmp_path, jobs=3, memory="2GB", region="1,2,3,4", period="2019")
    code, text = command.show(asked, dry_run=dry_run)
    assert (code, text) == (2 if dry_run else 1, "said")
    whole = {k: v for row in seen for k, v in (row[1] if isinstance(row, tuple) else row).items()}
    assert (whole["jobs"], whole["memory"], whole["client"]) == (3, "2GB", None)
    assert (whole["region"], whole["period"], whole["edition"], whole["step"]) == ("1,2,3,4", "2019", "1km", "5d")


def _said(seen, more, **values):
    seen.append(more)
    return type("Said", (), {**values, "__str__": lambda _: "said"})()


# ---- forecasts for workers -------------------------------------------------------------------------------------------
class Client:
    """What of a client counts."""

    def __init__(self, threads):
        self.threads = threads

    def scheduler_info(self, n_workers=-1):
        return {"workers": {"w": {"nthreads": self.threads, "memory_limit": 4 * 10**9}}}


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("processors", [1, 2, 64])
def test_a_forecast_for_workers_can_be_read_on_any_machine(own, weather, monkeypatch, threads, processors):
    """The dry run of a worker with one thread, on a machine with two processors."""
    monkeypatch.setattr(_peak, "processors", lambda: processors)
    found = forecast(produce.plan("glow", period=PERIODS, inputs=weather), client=Client(threads))
    assert found.jobs == len(found.peaks) == threads
    assert "instead of" not in str(found)
    assert "memory: peak" in found._repr_html_()


# ---- digests of tasks ------------------------------------------------------------------------------------------------
TASK = Task("t", "product", "retrieve", "gpp", "1km", KILOMETRE, PERIOD, "x.h5", (Read("aod", "a.h5", "/x"),), ("n",),
            (("method", "mod17"), ("gain", 1.5)))  # fmt: skip
CONTENTS = {"a.h5": "0" * 64, "b.h5": "1" * 64}


@pytest.mark.parametrize(
    "more",
    [
        {"maker": "composite"},
        {"product": "npp"},
        {"edition": "5km"},
        {"tile": FINE},
        {"tile": type(KILOMETRE)("there", KILOMETRE.grid)},
        {"period": Period(PERIOD.start, PERIOD.end, "other")},
        {"period": Period(PERIOD.start, PERIOD.middle, PERIOD.label)},
        {"options": (("method", "pmodel"), ("gain", 1.5))},
        {"options": (("method", "mod17"), ("gain", 1.5000001))},
        {"options": ()},
    ],
)
def test_whatever_determines_the_bytes_is_in_the_digest(more):
    assert digest(replace(TASK, **more), CONTENTS, "1") != digest(TASK, CONTENTS, "1")


def test_contents_and_code_are_in_it():
    known = {digest(TASK, c, code) for c in (CONTENTS, {**CONTENTS, "a.h5": "2" * 64}, {}) for code in ("1", "2")}
    assert len(known) == 6


@pytest.mark.parametrize(
    "more",
    [
        {"reads": (Read("aod", "a.h5", "/elsewhere"),)},
        {"target": "intermediate/x.h5"},
        {"key": "other"},
        {"options": TASK.options[::-1]},
    ],
)
def test_paths_and_order_are_not(more):
    assert digest(replace(TASK, **more), CONTENTS, "1") == digest(TASK, CONTENTS, "1")
    assert digest(TASK, dict(reversed(CONTENTS.items())), "1") == digest(TASK, CONTENTS, "1")


def test_options_are_found_by_name_and_files_below_the_folder(tmp_path):
    assert TASK.option("gain") == 1.5
    assert TASK.option("none", 3) == 3
    assert path_of(tmp_path, TASK) == tmp_path / "x.h5"
