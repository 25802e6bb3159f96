"""What a report of the contract says and does, and who counts as having kept it."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from production.contract import broken

from musyq_lab.core.errors import InputError, MusyqError, NotFoundError, RecipeError
from musyq_lab.core.spec import Input
from musyq_lab.production.contract import _case, _storage, own, samples, session
from musyq_lab.production.contract import check as check_module
from musyq_lab.production.contract._case import Case, difference, only_rounding, short
from musyq_lab.production.contract.check import CHECKS, Check, check_algorithm
from musyq_lab.production.contract.report import FORMAT, ContractReport, Finding
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

GOOD, BAD = Finding("runs", "passed", "It runs."), Finding("lazy", "failed", "It computes.", "Do not.")
NOTED, SKIPPED = Finding("time", "noted", "Slow."), Finding("methods", "not applicable", "One way.")
UNRUN = Finding("chunks", "not run", "The check 'lazy' comes first.")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """No compiler, an empty folder and a record of one's own."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "_passed", {})


def report(*findings, quick=False):
    return ContractReport("own", "My <own> algorithm", findings, quick)


# --- the report
@pytest.mark.parametrize(
    ("findings", "passed"),
    [((), True), ((GOOD,), True), ((GOOD, NOTED, SKIPPED), True), ((UNRUN,), True), ((GOOD, BAD, UNRUN), False)],
)
def test_only_what_failed_fails(findings, passed):
    made = report(*findings)
    assert made.passed is passed
    assert made.failed == tuple(f for f in findings if f is BAD)
    if passed:
        made.raise_failed()
    else:
        with pytest.raises(RecipeError):
            made.raise_failed()


def test_a_refusal_says_what_failed_what_to_do_and_where_to_see_more():
    with pytest.raises(RecipeError) as caught:
        report(GOOD, BAD, replace(BAD, check="chunks", advice="")).raise_failed()
    text = str(caught.value)
    assert text.splitlines() == [
        "The algorithm 'own' does not keep the contract (1 passed, 2 failed):",
        "- lazy: It computes. Do not.",
        "- chunks: It computes.",
        'ml.check_algorithm("own") shows the whole report.',
    ]


def test_findings_are_found_by_name():
    made = report(GOOD, BAD)
    assert made["lazy"] is BAD
    with pytest.raises(KeyError):
        made["lasting"]


def test_the_text_has_a_line_for_each_check_in_columns():
    lines = repr(report(GOOD, BAD, NOTED, quick=True)).splitlines()
    assert lines[0] == (
        "own (My <own> algorithm) does NOT keep the contract, the quick part: 1 passed, 1 failed, 1 noted"
    )
    assert lines[1:4] == ["runs  passed          It runs.", "lazy  failed          It computes. Do not.",
                          "time  noted           Slow."]  # fmt: skip
    assert "for validation to say" in lines[4]
    assert "keeps the contract: 1 passed" in repr(report(GOOD))


def test_html_shows_texts_and_runs_nothing():
    html = report(replace(BAD, text="<script>alert(1)</script>"))._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "My &lt;own&gt; algorithm" in html
    assert html.count("<tr>") == 2


def test_json_says_the_same_as_the_table():
    made = report(GOOD, BAD, NOTED)
    read = json.loads(made.to_json())
    assert {k: read[k] for k in ("format", "key", "title", "quick", "passed")} == {
        "format": FORMAT,
        "key": "own",
        "title": "My <own> algorithm",
        "quick": False,
        "passed": False,
    }
    assert [[f["check"], f["status"], f"{f['text']} {f['advice']}".strip()] for f in read["findings"]] == (
        made.table()[1:]
    )


def test_json_keeps_other_scripts():
    assert "植被" in report(replace(GOOD, text="植被")).to_json()


# --- the order of the checks
def test_each_check_rests_on_earlier_ones_only():
    seen = set()
    for check in CHECKS:
        assert set(check.needs) <= seen, check.name
        assert check.name not in seen
        seen.add(check.name)


def test_no_quick_check_rests_on_a_lasting_one():
    lasting = {c.name for c in CHECKS if c.lasting}
    assert not [c.name for c in CHECKS if not c.lasting and lasting & set(c.needs)]


@pytest.mark.parametrize("status", ["passed", "noted", "not applicable", "failed", "not run"])
def test_a_check_is_made_unless_what_it_rests_on_failed(monkeypatch, status):
    made = []

    def second(case):
        made.append(case)
        return _case.good("Fine.")

    first = Check("first", lambda case: Finding("", status, "So."))
    monkeypatch.setattr(check_module, "CHECKS", (first, Check("second", second, ("first",))))
    found = check_algorithm(broken.right())
    assert bool(made) is (status not in ("failed", "not run"))
    assert found["second"].status == ("passed" if made else "not run")
    assert found["first"].check == "first"


def test_an_error_within_a_check_is_a_finding_of_that_check(monkeypatch):
    def breaks(case):
        raise ZeroDivisionError("by\n  nought.")

    monkeypatch.setattr(check_module, "CHECKS", (Check("odd", breaks), Check("next", lambda c: _case.good("Fine."))))
    found = check_algorithm(broken.right())
    assert found["odd"].text == "It raises ZeroDivisionError: by nought."
    assert found["next"].status == "passed"
    assert not session._passed


def test_a_stop_by_the_person_is_no_finding(monkeypatch):
    def stopped(case):
        raise KeyboardInterrupt

    monkeypatch.setattr(check_module, "CHECKS", (Check("odd", stopped),))
    with pytest.raises(KeyboardInterrupt):
        check_algorithm(broken.right())


# --- who has passed
def known(monkeypatch, *retrievals):
    monkeypatch.setattr(session, "_passed", {})
    for retrieval in retrievals:
        monkeypatch.setitem(RETRIEVALS._added, retrieval.spec.key, retrieval)
        monkeypatch.setitem(PRODUCTS._added, retrieval.spec.key, retrieval.spec)


def test_one_that_is_registered_anew_has_to_pass_anew(monkeypatch):
    first, second = broken.right(), broken.right()
    known(monkeypatch, first)
    session.remember("ratio", first)
    assert session.passed("ratio")
    known_after = dict(session._passed)
    monkeypatch.setitem(RETRIEVALS._added, "ratio", second)
    assert session._passed == known_after
    assert not session.passed("ratio")


def test_shipped_products_need_no_check_and_unknown_ones_are_told():
    assert session.passed("vi")
    assert session.require("vi") is None
    for ask in (session.passed, session.require):
        with pytest.raises(NotFoundError, match="nonesuch"):
            ask("nonesuch")


def test_one_of_ones_own_cannot_pass_for_a_shipped_one(monkeypatch):
    mine = broken.right()
    monkeypatch.setattr(mine, "__module__", "musyq_lab.products.vi", raising=False)
    known(monkeypatch, mine)
    assert not session.passed("ratio")


def test_tasks_that_start_together_check_once(monkeypatch):
    known(monkeypatch, broken.right())
    made = []

    def once(key, *, quick):
        made.append(quick)
        session.remember(key, RETRIEVALS[key])
        return report(GOOD, quick=quick)

    monkeypatch.setattr(check_module, "check_algorithm", once)
    barrier = threading.Barrier(4)
    found = []

    def task():
        barrier.wait(10)
        found.append(session.require("ratio"))

    workers = [threading.Thread(target=task) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert made == [True]
    assert [f.passed for f in found if f is not None] == [True]
    assert len(found) == 4


def test_one_that_fails_is_refused_each_time(monkeypatch):
    known(monkeypatch, broken.right())
    monkeypatch.setattr(check_module, "check_algorithm", lambda key, quick: report(BAD))
    for _ in range(2):
        with pytest.raises(RecipeError, match="It computes"):
            session.require("ratio")
    assert not session.passed("ratio")


# --- files of one's own
HEAD = "import musyq_lab as ml\nfrom musyq_lab.core.spec import Input, Product, Variable\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"holds no SPEC = Product"),
        ("SPEC = 3", r"holds no SPEC = Product"),
        ("x = 1\ny = 1 / 0\n", r"cannot be run: line 2: ZeroDivisionError: division by zero"),
        ("def f(:\n", r"cannot be run: line 1: SyntaxError"),
        ("import nonesuch_module\n", r"line 1: ModuleNotFoundError"),
        ("\n\n\x00", r"cannot be run: line .*: (SyntaxError|ValueError)"),
        (
            "from production.contract.broken import SPEC\n",
            r"holds no function 'ratio' made by @ml\.algorithm\(SPEC\)",
        ),
        ("from production.contract.broken import SPEC\ndef ratio(): pass\n", r"holds no function 'ratio' made by"),
        (
            "from dataclasses import replace\nfrom production.contract.broken import SPEC, right\n"
            "ratio = right()\nSPEC = replace(SPEC, title='another')\n",
            r"holds no function 'ratio' made by",
        ),
    ],
)
def test_files_that_hold_no_algorithm_are_told(tmp_path, text, message):
    path = tmp_path / "我的.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        own.load_algorithm(path)
    assert "ratio" not in RETRIEVALS.added


def test_what_is_no_python_file_is_told(tmp_path):
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(InputError, match="no Python file"):
        own.load_algorithm(tmp_path / "a.ipynb")
    for path in (tmp_path / "absent.py", tmp_path):
        with pytest.raises(NotFoundError, match="There is no file"):
            own.load_algorithm(path)


def test_an_algorithm_is_used_by_key_without_a_file(monkeypatch):
    mine = broken.right()
    known(monkeypatch, mine)
    session.remember("ratio", mine)
    assert own.use_algorithm("ratio") is mine
    assert own.use_algorithm("vi") is RETRIEVALS["vi"]
    with pytest.raises(NotFoundError, match="nonesuch"):
        own.use_algorithm("nonesuch")


def test_what_another_process_sent_is_found_by_key(monkeypatch):
    mine = broken.right()
    known(monkeypatch)
    for registry in (RETRIEVALS, PRODUCTS):
        monkeypatch.setattr(registry, "_added", dict(registry.added))
    own.adopt([mine])
    assert RETRIEVALS["ratio"] is mine
    assert PRODUCTS["ratio"] is mine.spec
    assert mine in own.session_algorithms()


# --- samples
@pytest.mark.parametrize("key", ["vi", "lai", "phenology", "gpp", "aod"])
def test_samples_lie_within_what_is_possible(key):
    spec = PRODUCTS[key]
    made = samples.example(spec)
    assert set(made.data_vars) == {item.name for item in spec.inputs}
    for item in spec.inputs:
        values = made[item.name].values
        low, high = item.valid_range
        assert np.isfinite(values).all()
        assert low <= values.min() <= values.max() <= high, item.name
        assert made[item.name].attrs["units"] == item.units


def test_samples_are_the_same_for_a_seed_and_others_for_another():
    one, same, other = (samples.example(PRODUCTS["vi"], seed=n) for n in (1, 1, 2))
    assert one.identical(same)
    assert all((one[name] != other[name]).any() for name in one.data_vars)


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (0, 3)])
def test_samples_have_the_shape_that_is_asked_for(shape):
    made = samples.example(PRODUCTS["vi"], shape=shape)
    assert all(array.shape == shape for array in made.data_vars.values())


def test_values_of_a_year_rise_to_the_middle_of_it():
    item = Input("ndvi", source="product:vi")
    values = samples.values_of(item, np.random.default_rng(0), (49, 30, 30), seasonal=True).mean(axis=(1, 2))
    month = samples.DATES.astype("datetime64[M]").astype(int) % 12 + 1
    assert values[(month >= 6) & (month <= 7)].min() > values[(month <= 2) | (month == 12)].max()


def test_whoever_computes_is_found_out():
    with pytest.raises(AssertionError, match="graph was being built"):
        samples.never({}, [])


# --- what two results have in common
def pair(a, b):
    import xarray as xr

    return xr.Dataset({"v": ("x", np.asarray(a))}), xr.Dataset({"v": ("x", np.asarray(b))})


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        ([1.0, np.nan], [1.0, np.nan], ""),
        ([1.0, np.nan], [1.0, 2.0], r"differs at 1 of 2 values, of which 1 are none on one side$"),
        ([1.0, np.nan], [1.5, 2.0], r"differs at 2 of 2 values, of which 1 are none on one side, by 0\.5 at most"),
        ([np.inf, 1.0], [-np.inf, 1.0], r"differs at 1 of 2 values, by inf at most"),
        ([1.0, 2.0, 3.0], [1.0, 2.5, 3.25], r"differs at 2 of 3 values, by 0\.5 at most"),
        ([1, 2], [1.0, 2.0], r"type int64 here, .* float64 there"),
        ([1.0], [1.0, 2.0], r"shape \(1,\) .* \(2,\)"),
        ([0.0], [-0.0], ""),
        ([True, False], [True, True], "differs at 1 of 2"),
        ([], [], ""),
    ],
)
def test_differences_are_told_in_words(a, b, text):
    import re

    found = difference(*pair(a, b))
    assert (found == "") if text == "" else re.search(text, found), found


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 1e6], [1.0 + 1e-12, 1e6], True),
        ([1.0, 1.0], [1.0 + 1e-12, 1.0], False),
        ([np.nan], [np.nan], True),
        ([np.nan], [0.0], False),
        ([1], [2], False),
        ([1], [1], True),
        ([1.0], [1], False),
        ([1.0], [1.0, 1.0], False),
    ],
)
def test_rounding_is_told_from_other_values(a, b, expected):
    assert only_rounding(*pair(a, b)) is expected


def test_texts_of_errors_become_part_of_a_sentence():
    assert short(MusyqError("a\n  b.\n")) == "a b"
    assert len(short(MusyqError("x" * 1000))) == 300
    assert short(MusyqError("")) == ""


def test_other_samples_are_the_persons_own_turned():
    given = samples.example(broken.SPEC)
    case = Case(broken.right(), given)
    assert case.inputs is given
    np.testing.assert_array_equal(case.other["reflectance_red"], given["reflectance_red"].values[::-1, ::-1])
    assert case.grid == ("latitude", "longitude")


@pytest.mark.parametrize(
    ("back", "words"),
    [
        ([0.1, 0.2], ""),
        ([0.1009, 0.2], ""),
        ([0.1012, 0.2], "more than half a step of 0.002 off"),
        ([np.nan, 0.2], "with values at other pixels"),
    ],
)
def test_what_a_file_may_lose_is_half_a_step(back, words):
    assert _storage._lost(broken.RATIO, np.array([0.1, 0.2]), np.array(back)) == words
