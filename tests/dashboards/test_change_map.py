"""Classes, pictures, dots and sentences of the maps of the Change page, of results made by hand."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.analysis.anomaly import false_discovery
from musyq_lab.dashboards import _change_map as module
from musyq_lab.dashboards._change_kinds import ALIKE, KINDS, LEVEL, Ask
from musyq_lab.dashboards._change_map import about_zero, dots, legend_of, options, picture
from musyq_lab.dashboards._change_work import Outcome, outcome, part_of
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._window import window

LAT, LON = np.array([40.0, 39.0, 38.0]), np.array([100.0, 101.0, 102.0, 103.0])


@pytest.fixture(scope="module", autouse=True)
def bokeh():
    ready()


def found(kind: str, layers, *, name="lai", attrs=None, steps=None) -> Outcome:
    """A result with these layers, as if it had been computed."""
    shape = np.shape(next(iter(layers.values())))
    rows, columns = shape[-2:]
    lat, lon = 40.0 - np.arange(rows), 100.0 + np.arange(columns)
    coords = {"year": np.arange(2001, 2013), "lat": lat, "lon": lon}
    given = xr.DataArray(
        np.zeros((12, rows, columns)), coords, ("year", "lat", "lon"), name=name, attrs={"units": "K", **(attrs or {})}
    )
    part = part_of(cube(given), name, {}, kind, whole=True)
    dims = ("lat", "lon") if len(shape) == 2 else ("year", "lat", "lon")
    if kind == "breaks":
        dims = ("break", *dims)
        layers = {key: np.asarray(value)[None] if key != "count" else value for key, value in layers.items()}
    made = {key: (dims if np.ndim(value) == len(dims) else dims[1:], value) for key, value in layers.items()}
    axes = {"lat": lat, "lon": lon} | ({"year": steps} if steps is not None else {})
    return outcome(part, Ask(kind), xr.Dataset(made, axes), 0.1)


def trends(slope, chance=None, **how) -> Outcome:
    slope = np.asarray(slope, float)
    chance = np.full(slope.shape, 0.5) if chance is None else np.asarray(chance, float)
    return found("trend", {"slope": slope, "p_value": chance, "tau": np.sign(slope)}, **how)


def random(shape, scale=1.0, seed=3):
    return scale * np.random.Generator(np.random.Philox(seed)).standard_normal(shape)


def even(legend: Legend) -> bool:
    steps = np.diff(legend.breaks)
    return bool(np.allclose(steps, steps[0]))


@pytest.mark.parametrize("scale", [1e-12, 3e-5, 0.2, 1.0, 999.0, 4e7])
def test_classes_of_changes_mirror_each_other(scale):
    legend = legend_of(trends(random((20, 20), scale)), "slope")
    np.testing.assert_allclose(legend.breaks, -np.array(legend.breaks)[::-1])
    assert even(legend)
    assert len(legend.labels) == len(legend.colours) == 7
    assert len(set(legend.labels)) == 7, "no two classes read alike"
    # Zero lies in the middle class, whatever the values.
    assert legend.numbers([0.0]).tolist() == [3]
    assert legend.numbers([-1e99, 1e99]).tolist() == [0, 6]


def test_classes_do_not_depend_on_the_sign_of_the_changes():
    up = legend_of(trends(abs(random((9, 9)))), "slope")
    down = legend_of(trends(-abs(random((9, 9)))), "slope")
    assert up.breaks == down.breaks
    assert up.colours == down.colours


@pytest.mark.parametrize("values", [np.full((3, 4), np.nan), np.zeros((3, 4)), np.full((3, 4), np.inf)])
def test_nothing_and_zeros_have_classes_about_one(values):
    legend = legend_of(trends(values), "slope")
    assert np.isfinite(legend.breaks).all()
    assert even(legend)
    assert legend.breaks[0] == -legend.breaks[-1]


def test_one_wild_cell_does_not_wash_out_the_map():
    calm = random((30, 30))
    wild = calm.copy()
    wild[0, 0] = 1e6
    assert legend_of(trends(wild), "slope").breaks[-1] <= 2 * legend_of(trends(calm), "slope").breaks[-1]


@pytest.mark.parametrize("size", np.geomspace(1e-6, 1e6, 25))
def test_limits_about_zero_are_round_numbers(size):
    limits = np.array(about_zero(np.array([size, -size])))
    step = limits[3] - limits[2]
    mantissa = step / 10.0 ** np.floor(np.log10(step * 1.0000001))
    assert min(abs(mantissa - nice) for nice in (1.0, 2.0, 2.5, 5.0, 10.0)) < 1e-6
    np.testing.assert_allclose(limits / step, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])


def test_chances_have_the_levels_of_tests():
    legend = legend_of(trends(random((3, 4))), "p_value")
    assert legend.breaks == (0.001, 0.01, 0.05, 0.1)
    assert legend.numbers([0.0, 0.0009, 0.001, 0.049, 0.05, 0.2, np.nan]).tolist() == [0, 0, 1, 2, 3, 4, 255]
    assert legend.labels[0] == "< 0.001"
    assert legend.labels[-1] == "≥ 0.1"


@pytest.mark.parametrize(
    ("name", "attrs", "heat"),
    [
        ("lai", {}, False),
        ("lst", {}, True),
        ("t2m", {"standard_name": "air_temperature"}, True),
        ("a", {"long_name": "Surface Temperature"}, True),
        ("ghi", {}, True),
        ("et", {"long_name": "evapotranspiration"}, False),
        ("npp", {"long_name": "net primary production"}, False),
    ],
)
def test_what_is_warm_is_red_and_what_grows_is_green(name, attrs, heat):
    legend = legend_of(trends(random((3, 4)), name=name, attrs=attrs), "slope")
    assert legend.colour_map == ("RdBu_r" if heat else "BrBG")
    low, high = (tuple(int(text[k : k + 2], 16) for k in (1, 3, 5)) for text in (legend.colours[0], legend.colours[-1]))
    if heat:
        assert low[2] > low[0]
        assert high[0] > high[2]
    else:
        assert low[0] > low[2]
        assert high[1] > high[0]


@pytest.mark.parametrize("most", [0, 1, 3, 6])
def test_numbers_of_breaks_are_counted_in_words(most):
    counts = np.zeros((3, 4))
    counts[0, 0] = most
    dates = np.full((3, 4), "2005-01-01", "datetime64[ns]")
    made = found("breaks", {"shift": random((3, 4)), "date": dates, "p_value": np.zeros((3, 4)), "count": counts})
    legend = legend_of(made, "breaks")
    assert len(legend.labels) == max(most, 1) + 1
    assert legend.labels[:2] == ("none", "one")
    assert legend.labels[-1] == {0: "one", 1: "one", 3: "three", 6: "6"}[most]
    assert legend.codes == tuple(range(max(most, 1) + 1))
    assert legend.numbers(counts)[0, 0] == most


def test_dates_of_breaks_are_in_classes_of_whole_years():
    dates = pd.date_range("2003-02-01", periods=12, freq="YS").to_numpy().reshape(3, 4)
    layers = {"shift": random((3, 4)), "date": dates, "p_value": np.zeros((3, 4)), "count": np.ones((3, 4))}
    legend = legend_of(found("breaks", layers), "date")
    assert all(limit == int(limit) for limit in legend.breaks)
    assert legend.labels[1] == f"{legend.breaks[0]:g} – {legend.breaks[1]:g}"
    assert "," not in legend.labels[1], "a year has no thousands"
    none = found("breaks", layers | {"shift": np.full((3, 4), np.nan), "date": np.full((3, 4), "NaT", "M8[ns]")})
    assert np.isfinite(legend_of(none, "date").breaks).all()


@pytest.mark.parametrize("span", [(2001.0, 2001.5), (2000.0, 2003.2), (1981.3, 2022.9), (1850.0, 2020.0)])
def test_years_on_a_legend_are_few_and_within_the_data(span):
    limits = module._whole_years(np.array(span))
    assert 1 <= len(limits) <= 7
    assert len({round(b - a, 9) for a, b in pairwise(limits)}) <= 1
    assert all(span[0] < limit <= np.ceil(span[1]) for limit in limits)


def test_two_periods_have_one_legend():
    before, after = np.linspace(0, 1, 12).reshape(3, 4), np.linspace(8, 9, 12).reshape(3, 4)
    layers = {"before": before, "after": after, "difference": after - before, "p_value": np.full((3, 4), 0.5)}
    made = found("periods", layers)
    one, two = legend_of(made, "before"), legend_of(made, "after")
    assert one == two
    assert one.numbers(before).max() < one.numbers(after).min(), "the same colour would hide the change"


def test_a_picture_is_the_layer_in_its_place():
    slope = np.arange(12.0).reshape(3, 4)
    made = trends(slope)
    drawn = picture(made, "slope", 0, legend_of(made, "slope"))
    assert drawn.dimension_values("x", expanded=False).tolist() == LON.tolist()
    assert drawn.dimension_values("y", expanded=False).tolist() == LAT[::-1].tolist()
    np.testing.assert_allclose(drawn.dimension_values("value", flat=False), slope[::-1])


def test_each_step_has_its_own_picture_and_all_one_legend():
    values = np.stack([np.full((3, 4), float(step)) for step in range(3)])
    made = found("anomaly", {"anomaly": values}, steps=[2001, 2002, 2003])
    assert made.step_dim == "year"
    legend = legend_of(made, "anomaly")
    for step in range(3):
        drawn = picture(made, "anomaly", step, legend)
        assert set(np.ravel(drawn.dimension_values("value"))) == {float(step)}


def test_dots_lie_on_the_cells_that_a_test_calls_sure():
    chance = np.full((3, 4), 0.5)
    chance[0, 1], chance[2, 3], chance[1, 1], chance[1, 2] = 0.01, 0.0499, LEVEL, np.nan
    at = dots(trends(random((3, 4)), chance))
    assert set(zip(at.dimension_values("x"), at.dimension_values("y"), strict=True)) == {(101.0, 40.0), (103.0, 38.0)}


@pytest.mark.parametrize("kind", ["anomaly", "phenology"])
def test_without_a_test_there_are_no_dots_and_no_words(kind):
    first = next(iter(KINDS[kind].maps))
    made = found(kind, {first: random((2, 3, 4))}, steps=[2001, 2002])
    assert len(dots(made)) == 0
    assert module.tested(made) == ""


@pytest.mark.parametrize("shape", [(60, 60), (200, 300), (1, 5000)])
def test_dots_are_thinned_to_an_even_lattice(shape):
    made = trends(np.ones(shape), np.zeros(shape))
    seen = window(made.cube, "p_value")
    across, down = module._lattice(seen, np.ones(shape, bool))
    assert 1 <= len(across) <= 3 * module._DOTS
    for axis in (across, down):
        steps = np.diff(np.unique(axis))
        assert not steps.size or np.allclose(steps, steps[0])
    assert set(across) <= set(seen.across)
    assert set(down) <= set(seen.down)


def test_few_cells_have_all_their_dots():
    made = trends(np.ones((3, 4)), np.zeros((3, 4)))
    assert len(dots(made)) == 12


@pytest.mark.parametrize(("kind", "what"), [("trend", "a trend"), ("periods", "a difference")])
def test_shares_of_significant_cells_are_counted(kind, what):
    chance = np.linspace(0.001, 0.99, 40).reshape(5, 8)
    chance[0, :4] = 1e-6
    chance[-1] = np.nan
    layers = {"p_value": chance} | (
        {"slope": np.ones((5, 8)), "tau": np.ones((5, 8))} if kind == "trend" else {"difference": np.ones((5, 8))}
    )
    said = module.tested(found(kind, layers))
    known = chance[np.isfinite(chance)]
    together = false_discovery(xr.DataArray(known), ALIKE).mean()
    assert f"{what} in {np.mean(known < LEVEL):.0%} of the cells has a chance below 0.05; 5% would" in said
    assert f"(false discovery rate 10%) {float(together):.0%} of the cells" in said


def test_no_known_chance_is_a_sentence_without_numbers():
    said = module.tested(trends(np.full((3, 4), np.nan), np.full((3, 4), np.nan)))
    assert said == "No cell has values enough for a test."


def test_pure_chance_is_called_that():
    draw = np.random.Generator(np.random.Philox(8)).random((40, 50))
    made = trends(random((40, 50)), draw)
    # What every test alone calls sure, together nearly none of them is.
    assert float(made.dataset["significant"].mean()) < 0.005 < float((made.dataset["p_value"] < LEVEL).mean())


def test_options_are_those_of_picture_and_frame():
    made = trends(random((3, 4)))
    legend = legend_of(made, "slope")
    style, frame = options(made, "slope", legend, 360)
    assert 360 in frame.values()
    drawn = picture(made, "slope", 0, legend).opts(**style, **frame)  # an unknown option would raise
    assert {**style, **frame}.keys() <= set(drawn.opts.get("style").kwargs) | set(drawn.opts.get("plot").kwargs)
