"""Every wrong algorithm is caught by the one check that is meant for it; right ones pass."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr
from production.contract import broken

from musyq_lab.core.errors import InputError, NotFoundError, RecipeError
from musyq_lab.core.spec import Window
from musyq_lab.production.contract import _cost, _scene, check, session
from musyq_lab.production.contract.check import CHECKS, check_algorithm
from musyq_lab.production.contract.report import ContractReport, Finding
from musyq_lab.production.contract.samples import SHAPE, example
from musyq_lab.products._registry import PRODUCTS


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """No compiler, an empty folder, an own environment and a fresh record."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.setenv("RATIO_GAIN", "")
    monkeypatch.delenv("RATIO_GAIN")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "_passed", {})


@pytest.fixture
def full(monkeypatch):
    """Measure the time though nothing is compiled, and look at a scene that costs nothing."""
    monkeypatch.setattr(_cost, "jit_disabled", lambda: False)
    monkeypatch.setattr(_scene, "jit_disabled", lambda: False)
    random = np.random.default_rng(3)
    fields = {"lai": (2.0, 6.0), "reflectance_red": (0.03, 0.1), "reflectance_nir": (0.2, 0.5)}
    truth = {n: (("y", "x"), random.uniform(*ends, (6, 7)), {"units": "1"}) for n, ends in fields.items()}
    truth["lai"][2]["units"] = "m2 m-2"
    monkeypatch.setattr(_scene, "_truth", lambda roles: xr.Dataset(truth))


def leading_to(name):
    """Return a check with those that it rests on, in their order."""
    known = {c.name: c for c in CHECKS}
    wanted, waiting = set(), [name]
    while waiting:
        wanted.add(one := waiting.pop())
        waiting += known[one].needs
    return tuple(c for c in CHECKS if c.name in wanted)


def verdicts(report):
    return {f.check: f.text for f in report.failed}


def assert_fails(report, expected):
    """Assert that one check fails and no other, with advice, and that production is told of it."""
    assert list(verdicts(report)) == [expected], report
    assert report[expected].advice
    with pytest.raises(RecipeError, match=expected):
        report.raise_failed()


def test_each_check_has_a_wrong_algorithm():
    for_the_reader = {"inputs used"}
    assert set(broken.BROKEN.values()) == {c.name for c in CHECKS} - for_the_reader
    assert len(broken.BROKEN) > 40


FIRST = {check: maker for maker, check in reversed(broken.BROKEN.items())}.values()


@pytest.mark.parametrize("maker", FIRST, ids=lambda m: m.__name__)
def test_a_wrong_algorithm_fails_the_check_that_is_meant_for_it(maker, full, monkeypatch):
    expected = broken.BROKEN[maker]
    monkeypatch.setattr(check, "CHECKS", leading_to(expected))
    assert_fails(check_algorithm(maker()), expected)


@pytest.mark.slow
@pytest.mark.parametrize("maker", broken.BROKEN, ids=lambda m: m.__name__)
def test_a_wrong_algorithm_fails_no_other_check(maker, full):
    assert_fails(check_algorithm(maker()), broken.BROKEN[maker])


def test_a_right_algorithm_passes_every_check(full):
    report = check_algorithm(broken.right())
    assert report.passed, report
    statuses = {f.check: f.status for f in report.findings}
    assert list(statuses) == [c.name for c in CHECKS]
    assert {n for n, s in statuses.items() if s == "not applicable"} == {"methods"}
    report.raise_failed()


def smooth(*, reflectance_red, reflectance_nir):
    shifted = [np.roll(reflectance_nir / reflectance_red, k, axis=-1) for k in (-1, 0, 1)]
    return sum(shifted) / 3


def cumulated(*, reflectance_red, reflectance_nir):
    return np.cumsum(reflectance_nir, axis=-1) / np.cumsum(reflectance_red, axis=-1)


def mean_of_looks(*, reflectance_red, reflectance_nir):
    return np.nanmean(reflectance_nir / reflectance_red, axis=-1)


def mean_of_years(*, reflectance_red, reflectance_nir, years):
    return np.stack([np.nanmean(reflectance_nir / reflectance_red, axis=-1)] * len(years), axis=-1)


def whole(*, reflectance_red, reflectance_nir):
    found = reflectance_nir / reflectance_red
    return {"ratio": found, "ratio_uncertainty": 0.1 * found}


def tenth(*, reflectance_red):
    return np.float64(0.1)


@pytest.mark.parametrize(
    ("body", "support"),
    [
        (smooth, Window(3)),
        pytest.param(cumulated, "series", marks=pytest.mark.slow),
        pytest.param(mean_of_looks, "period", marks=pytest.mark.slow),
        (mean_of_years, "yearly"),
        (whole, "scene"),
    ],
    ids=["window", "series", "period", "yearly", "scene"],
)  # fmt: skip
def test_right_algorithms_of_every_support_pass_the_quick_part(body, support):
    spread = None if support == "scene" else tenth
    algorithm = broken.made(body, broken.supported(support), uncertainty=spread)
    report = check_algorithm(algorithm, quick=True)
    assert report.passed, report
    assert not [f for f in report.findings if f.status == "not run"]


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=() if key in ("biomass", "ulr") else pytest.mark.slow) for key in PRODUCTS]
)
def test_our_own_products_pass_the_quick_part(key, monkeypatch):
    if key not in ("biomass", "ulr"):  # their Python twins take longer than the compiler
        monkeypatch.setenv("MUSYQ_DISABLE_JIT", "0")
    report = check_algorithm(key, quick=True)
    assert report.passed, report


def test_the_quick_part_leaves_out_what_lasts():
    report = check_algorithm(broken.right(), quick=True)
    assert [f.check for f in report.findings] == [c.name for c in CHECKS if not c.lasting]
    assert "quick part" in repr(report)


def test_an_idle_input_is_noted_and_does_not_fail(full, monkeypatch):
    monkeypatch.setattr(check, "CHECKS", leading_to("inputs used"))
    report = check_algorithm(broken.made(lambda *, reflectance_red, reflectance_nir: reflectance_nir * 2.0))
    assert report.passed
    assert report["inputs used"].status == "noted"
    assert "reflectance_red" in report["inputs used"].text


def test_where_the_truth_is_known_it_is_told_how_far_off(full, monkeypatch):
    monkeypatch.setattr(check, "CHECKS", (check.CHECKS[1], check.CHECKS[-1]._replace(needs=())))
    lai = broken.replace(broken.RATIO, name="lai", units="m2 m-2")
    spec = broken.replace(broken.SPEC, key="leaves", variables=(lai,), inputs=(broken.Input("lai"),))
    report = check_algorithm(broken.made(lambda *, lai: lai + 0.25, spec))
    assert "lai bias 0.25, root mean square 0.25" in report["simulated Earth"].text


def test_what_rests_on_a_failed_check_is_not_run():
    report = check_algorithm(broken.raises(), quick=True)
    others = {f.status for f in report.findings if f.check not in ("runs", "description")}
    assert others == {"not run"}
    assert "no table for this year" in report["runs"].text


def test_own_samples_take_the_place_of_simulated_ones():
    samples = example(broken.SPEC, seed=4, shape=(12, 13)).rename(latitude="y", longitude="x")
    report = check_algorithm(broken.right(), quick=True, samples=samples)
    assert report.passed, report
    assert "12 x 13" in report["runs"].text


def test_options_reach_the_algorithm():
    def body(*, reflectance_red, reflectance_nir, gain=1.0):
        if gain == 1.0:
            raise ValueError("say the gain")
        return gain * reflectance_nir / reflectance_red

    assert not check_algorithm(broken.made(body), quick=True).passed
    assert check_algorithm(broken.made(body), quick=True, gain=2.0).passed


def test_what_is_no_algorithm_is_refused():
    with pytest.raises(InputError, match="got function"):
        check_algorithm(broken.ratio)
    with pytest.raises(NotFoundError, match="no retrieval 'rato'"):
        check_algorithm("rato")


def test_the_session_is_left_as_it_was(tmp_path):
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    check_algorithm(broken.right(), quick=True)
    assert np.random.random() == expected  # noqa: NPY002
    assert list(tmp_path.iterdir()) == []


class Cells(HTMLParser):
    """Collects the texts of the cells."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.tags = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.cells.append(data)


class TestReport:
    REPORT = ContractReport(
        "ratio",
        "<b>Ratio</b>",
        (Finding("runs", "passed", "Fine."), Finding("lazy", "failed", "It <computes>.", "Do not.")),
    )

    def test_text_has_a_line_for_each_check(self):
        lines = repr(self.REPORT).splitlines()
        assert lines[0] == "ratio (<b>Ratio</b>) does NOT keep the contract: 1 passed, 1 failed"
        assert lines[2].split() == ["lazy", "failed", "It", "<computes>.", "Do", "not."]

    def test_html_is_escaped(self):
        shown = Cells(self.REPORT._repr_html_())
        assert {"b", "table"} <= shown.tags
        assert "computes" not in shown.tags
        assert "It <computes>. Do not." in shown.cells

    def test_json_reads_back(self):
        read = json.loads(self.REPORT.to_json())
        assert (read["key"], read["passed"], read["format"]) == ("ratio", False, 1)
        assert [Finding(**row) for row in read["findings"]] == list(self.REPORT.findings)

    def test_names_of_checks_find_them(self):
        assert self.REPORT["lazy"].status == "failed"
        with pytest.raises(KeyError):
            self.REPORT["no such check"]

    def test_the_error_says_what_failed_and_what_to_do(self):
        with pytest.raises(RecipeError, match=r"lazy: It <computes>. Do not.\n.*check_algorithm"):
            self.REPORT.raise_failed()


class TestSession:
    @pytest.fixture(autouse=True)
    def own(self, monkeypatch):
        from musyq_lab.products._registry import RETRIEVALS

        monkeypatch.setattr(PRODUCTS, "_added", {})
        monkeypatch.setattr(RETRIEVALS, "_added", {})

    def test_shipped_products_need_no_check(self):
        assert session.passed("vi")
        assert session.require("vi") is None

    def test_an_unknown_key_is_told(self):
        with pytest.raises(NotFoundError):
            session.require("no_such")

    def test_one_that_nobody_checked_is_checked_once_and_remembered(self):
        from musyq_lab.products._retrieval import algorithm

        algorithm(broken.SPEC)(broken.ratio)
        assert not session.passed("ratio")
        report = session.require("ratio")
        assert report.quick
        assert report.passed
        assert session.passed("ratio")
        assert session.require("ratio") is None
        algorithm(broken.SPEC)(broken.ratio)  # the cell is run again
        assert not session.passed("ratio")

    def test_a_wrong_one_is_refused_each_time(self):
        from musyq_lab.products._retrieval import algorithm

        algorithm(broken.SPEC)(lambda *, reflectance_red, reflectance_nir: reflectance_nir - reflectance_nir.mean())
        for _ in range(2):
            with pytest.raises(RecipeError, match="does not keep the contract"):
                session.require("ratio")
        assert not session.passed("ratio")


class TestSamples:
    @pytest.mark.parametrize("key", list(PRODUCTS))
    def test_samples_lie_within_the_ranges_of_the_inputs(self, key):
        spec = PRODUCTS[key]
        made = example(spec)
        assert list(made.data_vars) == [i.name for i in spec.inputs]
        for item in spec.inputs:
            low, high = item.valid_range
            assert low <= float(made[item.name].min())
            assert float(made[item.name].max()) <= high
            assert made[item.name].attrs["units"] == item.units
            assert made[item.name].shape[-2:] == SHAPE

    def test_another_seed_gives_other_values_and_the_same_one_the_same(self):
        first, second, again = (example(broken.SPEC, seed=seed) for seed in (1, 2, 1))
        assert first.identical(again)
        assert not np.isin(first.reflectance_red, second.reflectance_red).any()
