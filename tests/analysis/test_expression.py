"""Expressions: the same numbers as numpy, units that follow or are refused, first-order uncertainty, hostile text."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.expression import CONSTANTS, FUNCTIONS, Expression, evaluate
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.units import same_units

MONTHS = np.arange("2015-01", "2017-01", dtype="datetime64[M]").astype("datetime64[ns]")
AXES = {"time": MONTHS, "latitude": [2.0, 1.0, 0.0], "longitude": [5.0, 6.0]}
SHAPE = (24, 3, 2)


def field(seed, low=0.1, high=1.0, units="1", missing=False):
    values = np.random.default_rng(seed).uniform(low, high, SHAPE)
    if missing:
        values[3, 1, 1] = np.nan
    return xr.DataArray(values, dims=tuple(AXES), coords=AXES, attrs={"units": units})


@pytest.fixture
def data():
    lai = field(1, 0.5, 6, "m2 m-2", missing=True)
    qa = xr.DataArray(np.arange(144).reshape(SHAPE) % 7, dims=tuple(AXES), coords=AXES).astype("uint16")
    return {
        "lai": lai,
        "lai_uncertainty": xr.full_like(lai, 0.2),
        "red": field(2),
        "red_uncertainty": xr.full_like(lai, 0.01),
        "nir": field(3),
        "nir_uncertainty": xr.full_like(lai, 0.02),
        "lst": field(4, 280, 310, "K"),
        "air": field(5, 5, 30, "degC"),
        "dsr": field(6, 50, 300, "W m-2"),
        "gpp": field(7, 1, 9, "g m-2 day-1"),
        "npp": field(8, 0.001, 0.005, "kg m-2 day-1"),
        "zenith": field(9, 10, 60, "degree"),
        "share": field(10, 10, 90, "%"),
        "bare": field(11).drop_attrs(),
        "qa": qa.assign_attrs(flag_masks=np.array([1, 2, 4], "uint16")),
        "s": xr.Dataset({"nir": field(3), "nir_uncertainty": xr.full_like(lai, 0.02), "red": field(2)}),
    }


def made(text, data, **options):
    return evaluate(text, data, **options).result


def v(data, name):
    return data[name].values


@pytest.mark.parametrize(
    ("text", "oracle", "units"),
    [
        ("(nir - red) / (nir + red)", lambda d: (v(d, "nir") - v(d, "red")) / (v(d, "nir") + v(d, "red")), "1"),
        ("-lai + +lai * 2", lambda d: v(d, "lai"), "m2 m-2"),
        ("lst - unit(273.15, 'K')", lambda d: v(d, "lst") - 273.15, "K"),
        ("to(lst, 'degC')", lambda d: v(d, "lst") - 273.15, "degC"),
        ("lst - air", lambda d: v(d, "lst") - v(d, "air") - 273.15, "K"),
        ("air - lst", lambda d: v(d, "air") + 273.15 - v(d, "lst"), "K"),
        ("gpp + npp", lambda d: v(d, "gpp") + 1000 * v(d, "npp"), "g m-2 day-1"),
        ("npp / gpp", lambda d: 1000 * v(d, "npp") / v(d, "gpp"), "1"),
        ("npp / gpp * 100", lambda d: 1e5 * v(d, "npp") / v(d, "gpp"), "1"),
        ("share * red", lambda d: v(d, "share") * v(d, "red"), "%"),
        ("log(share)", lambda d: np.log(v(d, "share") / 100), "1"),
        ("dsr * cos(zenith)", lambda d: v(d, "dsr") * np.cos(np.radians(v(d, "zenith"))), "W m-2"),
        ("to(dsr * unit(1, 'day'), 'MJ m-2')", lambda d: v(d, "dsr") * 0.0864, "MJ m-2"),
        ("dsr / lst", lambda d: v(d, "dsr") / v(d, "lst"), "W m-2 K-1"),
        ("sqrt(dsr * dsr)", lambda d: v(d, "dsr"), "W m-2"),
        ("dsr ** 2", lambda d: v(d, "dsr") ** 2, "W2 m-4"),
        ("nir ** red", lambda d: v(d, "nir") ** v(d, "red"), "1"),
        ("2 ** 3 * nir", lambda d: 8 * v(d, "nir"), "1"),
        ("exp(-nir) + tanh(red)", lambda d: np.exp(-v(d, "nir")) + np.tanh(v(d, "red")), "1"),
        ("sin(arcsin(nir)) + cos(arccos(red))", lambda d: v(d, "nir") + v(d, "red"), "1"),
        ("arctan(tan(zenith))", lambda d: np.radians(v(d, "zenith")), "radian"),
        ("log10(value(dsr, 'kW m-2'))", lambda d: np.log10(v(d, "dsr") / 1000), "1"),
        ("abs(red - nir)", lambda d: abs(v(d, "red") - v(d, "nir")), "1"),
        ("minimum(nir, red)", lambda d: np.minimum(v(d, "nir"), v(d, "red")), "1"),
        ("maximum(gpp, npp)", lambda d: np.maximum(v(d, "gpp"), 1000 * v(d, "npp")), "g m-2 day-1"),
        ("clip(lai, 1, 3)", lambda d: np.clip(v(d, "lai"), 1, 3), "m2 m-2"),
        ("where(qa == 0, lai, nan)", lambda d: np.where(v(d, "qa") == 0, v(d, "lai"), np.nan), "m2 m-2"),
        ("where(bit(qa, 1), nir, 0)", lambda d: np.where(v(d, "qa") // 2 % 2 == 1, v(d, "nir"), 0), "1"),
        ("where(isnan(lai), 0, lai)", lambda d: np.nan_to_num(v(d, "lai")), "m2 m-2"),
        ("where(0.2 < nir < 0.6, 1, 0)", lambda d: 1.0 * ((v(d, "nir") > 0.2) & (v(d, "nir") < 0.6)), "1"),
        ("where(nir > 0.5 or red > 0.5, 1, 0)", lambda d: 1.0 * ((v(d, "nir") > 0.5) | (v(d, "red") > 0.5)), "1"),
        ("where(~(nir >= 0.5) & (red <= 0.5), 1, 0)", lambda d: (v(d, "nir") < 0.5) * 1.0 * (v(d, "red") <= 0.5), "1"),
        ("mean(nir, 'time')", lambda d: v(d, "nir").mean(0), "1"),
        ("mean(lai, 'time', 'longitude')", lambda d: np.nanmean(v(d, "lai"), (0, 2)), "m2 m-2"),
        ("sum(dsr, 'time')", lambda d: v(d, "dsr").sum(0), "W m-2"),
        ("std(air, 'time')", lambda d: v(d, "air").std(0, ddof=1), "K"),
        ("var(dsr, 'time')", lambda d: v(d, "dsr").var(0, ddof=1), "W2 m-4"),
        ("min(nir, 'time') + max(nir, 'time')", lambda d: v(d, "nir").min(0) + v(d, "nir").max(0), "1"),
        ("count(lai, 'time')", lambda d: np.isfinite(v(d, "lai")).sum(0), "1"),
        ("median(lai, 'time')", lambda d: np.nanmedian(v(d, "lai"), 0), "m2 m-2"),
        ("quantile(nir, 0.9, 'time')", lambda d: np.quantile(v(d, "nir"), 0.9, axis=0), "1"),
        ("at(nir, 'time', '2015-03-01')", lambda d: v(d, "nir")[2], "1"),
        ("at(nir, 'longitude', 6)", lambda d: v(d, "nir")[:, :, 1], "1"),
        ("s.nir - s.red", lambda d: v(d, "nir") - v(d, "red"), "1"),
        ("unit(bare, 'W m-2') + dsr", lambda d: v(d, "bare") + v(d, "dsr"), "W m-2"),
        ("nir * pi", lambda d: v(d, "nir") * np.pi, "1"),
    ],
)  # fmt: skip
def test_values_and_units_are_those_of_numpy(data, text, oracle, units):
    with np.errstate(all="ignore"):
        expected = oracle(data)
    found = made(text, data)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-9)
    assert same_units(found.attrs["units"], units)
    checked = Expression(text).check(data)
    assert checked.units == found.attrs["units"]
    assert dict(checked.sizes) == dict(found.sizes)


def test_anomalies_and_shifts(data):
    nir = data["nir"]
    climate = nir.groupby("time.month").mean("time")
    expected = (nir.groupby("time.month") - climate).drop_vars("month")
    np.testing.assert_allclose(made("anomaly(nir, 'time')", data).values, expected.values, atol=1e-12)
    np.testing.assert_array_equal(made("shift(nir, 1, 'time')", data).values[1:], v(data, "nir")[:-1])
    assert np.isnan(made("shift(nir, 1, 'time')", data).values[0]).all()


def test_dask_stays_lazy_and_gives_the_same(data):
    import dask

    def refuse(*args, **kwargs):
        raise AssertionError("computed")

    lazy = {name: item.chunk({"time": 6, "latitude": 1}) for name, item in data.items()}
    texts = ["(lai - mean(lai, 'time')) / std(lai, 'time')", "median(nir, 'time')", "where(lai > 2, nir, nan)"]
    with dask.config.set(scheduler=refuse):
        found = [evaluate(text, lazy) for text in texts]
        Expression(texts[0]).check(lazy)
    for text, result in zip(texts, found, strict=True):
        assert result.result.chunks
        xr.testing.assert_allclose(result.compute(), evaluate(text, data))


def test_a_check_reads_nothing():
    class Untouched(np.ndarray):
        pass

    import dask.array as da

    def fail(block):
        raise AssertionError("read")

    array = xr.DataArray(da.zeros((4, 4), chunks=2).map_blocks(fail, meta=np.empty((0, 0))), dims=("y", "x"))
    checked = Expression("median(a, 'y') * 2").check({"a": array.assign_attrs(units="K")})
    assert (checked.units, dict(checked.sizes), checked.uncertain) == ("K", {"x": 4}, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lai + dsr", r"lai \(m2 m-2\) and dsr \(W m-2\) cannot be added: the units are unlike"),
        ("lst - 273.15", r"unit\(273.15, 'K'\)"),
        ("lst > 300", r"cannot be compared.*unit\(300, 'K'\)"),
        ("where(qa == 0, lst, dsr)", "units are unlike"),
        ("log(dsr)", r"dsr \(W m-2\) is no pure number"),
        ("exp(lst)", "no pure number"),
        ("2 ** dsr", "no pure number"),
        ("sin(dsr)", "no angle"),
        ("sqrt(dsr)", "cannot be written"),
        ("air * 2", r"to\(x, 'K'\)"),
        ("air + air", "sum of two temperatures"),
        ("sum(air, 'time')", "cannot be summed"),
        ("to(dsr, 'K')", "dimensions differ"),
        ("bare + 1", "says no units"),
        ("bare * 2", r"Say them: unit\(bare"),
        ("unit(dsr, 'K')", "has a unit already"),
        ("unit(bare, 'foo')", "'foo' is not a unit"),
        ("dsr ** 60", "cannot be written"),
        ("maximum(lst, dsr)", "cannot be compared"),
    ],
)
def test_unlike_units_are_refused_in_words(data, text, words):
    for attempt in (Expression(text).check, Expression(text).evaluate):
        with pytest.raises(InputError, match=words):
            attempt(data)


def test_a_quotient_of_unlike_units_is_no_variable_of_another_unit(data):
    assert made("dsr / gpp", data).attrs["units"] == "W d g-1"
    with pytest.raises(InputError, match=r"gives W d g-1, but lai is in m2 m-2, which is of another kind"):
        evaluate("dsr / gpp", data, name="lai", units="m2 m-2")
    converted = evaluate("npp", data, name="npp_g", units="g m-2 day-1").npp_g
    np.testing.assert_allclose(converted, 1000 * v(data, "npp"))
    assert converted.attrs["units"] == "g m-2 day-1"


def test_zero_and_missing_go_with_any_unit_but_celsius(data):
    assert made("where(dsr > 0, dsr, nan)", data).attrs["units"] == "W m-2"
    np.testing.assert_array_equal(made("maximum(dsr, 0)", data), v(data, "dsr"))
    with pytest.raises(InputError, match=r"unit\(0, 'degC'\)"):
        made("air > 0", data)


def test_unknown_names_are_answered_with_the_closest_and_the_list(data):
    with pytest.raises(NotFoundError, match=r"no 'lay' here. Did you mean 'lai'\? Known: air, bare, .*s.nir"):
        made("lay + 1", data)
    with pytest.raises(NotFoundError, match=r"no 's.swir' here.*s.nir"):
        made("s.swir", data)
    with pytest.raises(NotFoundError, match=r"no function 'mena'. Did you mean 'mean'"):
        Expression("mena(lai, 'time')")
    with pytest.raises(NotFoundError) as error:
        made("lay", data)
    assert "lai_uncertainty" not in str(error.value)


def test_a_coordinate_can_be_named_and_python_attributes_cannot(data):
    axis = xr.DataArray(AXES["latitude"], dims="latitude", attrs={"units": "degrees_north"})
    found = made("s.nir * cos(s.latitude)", {"s": data["s"].assign_coords(latitude=axis)})
    np.testing.assert_allclose(found, v(data, "nir") * np.cos(np.radians([2.0, 1.0, 0.0]))[:, None])
    for name in ("s.values", "s.to_netcdf", "lai.values"):
        with pytest.raises(NotFoundError):
            made(f"{name} * 1", data)


HOSTILE = [
    "", "   ", "1", "1 + 2", "nan", "__import__('os')", "().__class__", "().__class__.__bases__[0].__subclasses__()",
    "lai.__class__", "lai.__array__", "a__b", "_lai", "10**10**10", "10**10**10 * lai", "lai ** 10**10", "9**9**9**9",
    "1e999 * lai", "9" * 1999, f"{'9' * 400} * lai", "x" * 1_000_000, "lai + " * 100_000 + "lai", "(" * 999 + "lai",
    "(" * 150 + "lai" + ")" * 150 + "+", "-" * 1999, "~" * 500 + "lai", "lai" + "+lai" * 400, "lai[0]", "lai[::2]",
    "[lai]", "{lai}", "{'a': lai}", "(lai, lai)", "lambda: lai", "(lambda: 0)()", "lai if lai else lai", "lai := 1",
    "(y := lai)", "lai; lai", "lai\nimport os", "import os", "print(lai)", "eval('lai')", "exec('lai')", "open('x')",
    "getattr(lai, 'values')", "mean(lai, dim='time')", "mean(*lai)", "mean(lai, **lai)", "mean(lai)('os')", "lai()",
    "[x for x in lai]", "(x for x in lai)", "await lai", "yield lai", "f'{lai}'", "'text'", "b'text'", "lai + 'text'",
    "1j * lai", "True", "None", "...", "lai @ lai", "lai % 2", "lai // 2", "lai ^ 2", "lai << 2", "lai is lai",
    "lai in lai", "lai\x00", "lai\u202e", "lai # comment", "lai \\", "`lai`", "lai $", "mean('time', lai)",
    "mean(lai, lai)", "mean(lai, 'nowhere')", "mean(lai, 'latitude')", "mean(lai, 'time', 3)",
    "quantile(lai, 2, 'time')", "quantile(lai, lai, 'time')", "bit(lai, 1)", "bit(qa, 99)", "bit(qa, 0.5)",
    "bit(qa, nan)", "bit(qa, qa)",
    "at(lai, 'time', '1999-01-01')", "at(lai, 'time', 'never')", "at(lai, 'time', '2015')", "at(lai, 'time', lai)",
    "at(lai, 'latitude', 7)", "shift(lai, 1e9, 'time')", "shift(lai, nan, 'time')", "where(lai, lai, lai)",
    "where(1 > 0, lai, lai)", "lai and lai", "not lai", "minimum(1, 2) * lai", "lai / 0", "0 ** -1 * lai",
    "(-1) ** 0.5 * lai", "exp(1000) * 'a'", "sqrt()", "sqrt(lai, lai)", "abs('x')", "unit(lai, lai)", "to(lai, 5)",
    "mean(3, 'time')", "std(3, 'time')", "anomaly(2, 'time')", "lai..nir", "s", "s.nir.red", "(s).nir.x",
    "mean(s, 'time')", "lai\ud800", "ſ" * 500, "unit(1, '" + "m" * 500 + "') * lai", "unit(1, '__import__') * lai",
    "unit(1, '10**10**9') * lai", "unit(1, 'm**9**9**9**9') * lai",
    "unit(1, '(m**9)**9') * lai", "unit(1, 'm999999999') * lai", "unit(1, '9**99999999 m') * lai",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_gets_a_short_plain_message(data, text):
    with pytest.raises(MusyqError) as error:
        evaluate(text, data)
    said = str(error.value)
    assert 0 < len(said) < 600
    assert "Traceback" not in said


@pytest.mark.parametrize("text", [None, 5, b"lai"])
def test_only_text_is_an_expression(text):
    with pytest.raises(InputError):
        Expression(text)


def test_missing_values_are_neither_true_nor_false():
    x = xr.DataArray([1.0, np.nan, 3.0], dims="x", attrs={"units": "1"})
    y = xr.DataArray([0.0, 1.0, np.nan], dims="x", attrs={"units": "1"})
    both = {"x": x, "y": y}
    np.testing.assert_array_equal(made("where(x > 2, 1, 0)", both), [0, np.nan, 1])
    np.testing.assert_array_equal(made("x > 2", both), [0, np.nan, 1])
    np.testing.assert_array_equal(made("not x > 2", both), [1, np.nan, 0])
    # false and unknown is false, true or unknown is true
    np.testing.assert_array_equal(made("x > 2 and y > 0", both), [0, np.nan, np.nan])
    np.testing.assert_array_equal(made("x > 2 or y > 0", both), [0, 1, 1])
    assert list(evaluate("x > 2", both).result.attrs["flag_values"]) == [0, 1]
    np.testing.assert_array_equal(made("x / y", both), [np.nan, np.nan, np.nan])


def drawn(data, text, count=2000):
    """The spread of the result over random errors of the inputs: what first order is to come near."""
    rng = np.random.default_rng(11)
    noisy = {name: array for name, array in data.items() if not name.endswith("_uncertainty")}
    for name in (name for name in data if f"{name}_uncertainty" in data):
        errors = xr.DataArray(rng.standard_normal((count, *data[name].shape)), dims=("draw", *data[name].dims))
        noisy[name] = (data[name] + data[f"{name}_uncertainty"] * errors).assign_attrs(data[name].attrs)
    return made(text, noisy).std("draw")


@pytest.mark.parametrize(
    "text",
    [
        "(a - b) / (a + b)", "a * b - b", "exp(a) * cos(b)", "a ** b", "where(d > 0.5, a, 2 * b)", "maximum(a, b)",
        "mean(a, 't')", "sum(a * b, 't')", "std(a, 't')", "var(a, 't')", "a - shift(a, 1, 't')", "abs(a - b) + a",
        "mean(a, 't') * mean(a, 't')", "at(a, 't', 2) - at(a, 't', 3)", "mean(a - c, 't')", "mean(a, 't') - c",
    ],
)  # fmt: skip
def test_uncertainty_is_the_spread_of_random_errors(text):
    rng = np.random.default_rng(5)
    data = {}
    for name, low, shape in (("a", 1.0, (12, 2)), ("b", 2.5, (12, 2)), ("c", 0.3, (2,))):
        dims = ("t", "x")[-len(shape) :]
        coords = {d: np.arange(n) for d, n in zip(dims, shape, strict=True)}
        array = xr.DataArray(low + rng.random(shape), dims=dims, coords=coords, attrs={"units": "1"})
        data |= {name: array, f"{name}_uncertainty": xr.full_like(array, 0.01)}
    data["d"] = (data["a"] - 1).assign_attrs(units="1")  # exact
    found = evaluate(text, data)
    expected = drawn(data, text).transpose(*found.result.dims).values
    sigma = found.result_uncertainty.transpose(*found.result.dims).values
    good = np.isfinite(sigma)
    assert good.sum() >= good.size - 2
    np.testing.assert_allclose(sigma[good], expected[good], rtol=0.08)


def test_what_occurs_twice_counts_once(data):
    assert float(evaluate("lai - lai", data).result_uncertainty.max()) == 0.0
    same = evaluate("mean(lai, 'time') - mean(lai, 'time')", data)
    assert float(same.result_uncertainty.max()) == 0.0
    twice = evaluate("lai + lai", data).result_uncertainty
    np.testing.assert_allclose(twice.values[np.isfinite(twice.values)], 0.4)
    tens = evaluate("to(s.nir, '%')", data).result_uncertainty
    np.testing.assert_allclose(tens, 2.0)


def test_uncertainty_is_missing_where_the_value_is(data):
    found = evaluate("lai * 2", data)
    assert (found.result.isnull() == found.result_uncertainty.isnull()).all()
    assert int(found.result.isnull().sum()) == 1


def test_what_is_known_of_the_uncertainty_is_said(data):
    told = evaluate("lai * dsr", data)
    assert "first order" in told.result.attrs["uncertainty_comment"]
    assert "taken as exact: dsr" in told.result.attrs["uncertainty_comment"]
    assert told.result.attrs["ancillary_variables"] == "result_uncertainty"
    assert told.result_uncertainty.attrs["units"] == told.result.attrs["units"]
    lost = evaluate("lai - median(lai, 'time')", data)
    assert "result_uncertainty" not in lost
    assert "does not pass through median" in lost.result.attrs["uncertainty_comment"]
    assert "uncertainty_comment" not in evaluate("dsr * 2", data).result.attrs


def test_attributes_and_history_are_written(data):
    crs = xr.DataArray(0, attrs={"grid_mapping_name": "latitude_longitude", "crs_wkt": "GEOGCRS"})
    placed = {name: data[name].assign_coords(crs=crs, note="x") for name in ("nir", "red")}
    found = evaluate("nir   -\n red", placed, name="difference", title="A difference")
    assert found.difference.attrs["long_name"] == "nir - red"
    assert found.attrs["title"] == "A difference"
    assert 'expression(name="difference", text="nir - red") by musyq-lab' in found.attrs["history"]
    assert set(found.coords) == {*AXES, "crs"}
    assert found.coords["crs"].attrs["crs_wkt"] == "GEOGCRS"
    assert data["nir"].attrs == {"units": "1"}, "the input is left alone"


def test_other_grids_and_periods_are_refused_with_what_to_do(data):
    nir = data["nir"]
    moved = nir.assign_coords(latitude=nir.latitude + 0.5)
    with pytest.raises(InputError, match=r"lie on different grids: along latitude 2 to 0 in 3 steps and 2.5 to 0.5"):
        made("a + b", {"a": nir, "b": moved})
    with pytest.raises(InputError, match=r"different periods: along time 2015-01-01 to 2016-12-01 .*mean\(x, 'time'\)"):
        made("a + b", {"a": nir, "b": nir.isel(time=slice(0, 12))})
    with pytest.raises(InputError, match="different grids"):
        made("where(a > 0, 1, b)", {"a": nir, "b": moved})
    means = made("a - mean(b, 'time')", {"a": nir, "b": nir.isel(time=slice(0, 12))})
    np.testing.assert_allclose(means, nir.values - nir.values[:12].mean(0))


def test_grids_that_differ_by_rounding_are_the_same(data):
    nir = data["nir"]
    rounded = nir.assign_coords(latitude=nir.latitude + 1e-9)
    np.testing.assert_array_equal(made("a - b", {"a": nir, "b": rounded}), np.zeros(SHAPE))
    assert made("a - b", {"a": nir, "b": rounded}).latitude.equals(nir.latitude)


def test_other_projections_are_refused(data):
    first, second = (data["nir"].assign_coords(crs=xr.DataArray(0, attrs={"crs_wkt": name})) for name in "AB")
    with pytest.raises(InputError, match="different projections"):
        made("a + b", {"a": first, "b": second})


def test_text_and_dates_are_no_numbers():
    words = xr.DataArray(["a"], dims="x", attrs={"units": "1"})
    with pytest.raises(InputError, match="holds no numbers"):
        made("a * 1", {"a": words})


@pytest.mark.parametrize("shape", [(1, 1, 1), (0, 3, 2)])
def test_one_pixel_and_none(shape):
    array = xr.DataArray(np.ones(shape), dims=tuple(AXES), attrs={"units": "1"})
    assert made("a * 2 - mean(a, 'time')", {"a": array}).shape == shape
    everywhere = made("a * nan", {"a": array})
    assert everywhere.isnull().all()


def test_every_function_is_described_and_can_be_called():
    for name, function in FUNCTIONS.items():
        assert function.signature.startswith(f"{name}(")
        assert function.summary.endswith(".")
    assert not set(FUNCTIONS) & set(CONSTANTS)
    assert Expression("a - mean(b.c, 'time') + a").names == ("a", "b.c")
    assert "mean(a, 'x')" in repr(Expression("mean(a, 'x')"))


def test_scaled_units_of_files_are_taken_as_they_are():
    a = xr.DataArray([2.0], dims="x", attrs={"units": "1e-3 kg m-2"})
    found = made("a * unit(2, 'm2')", {"a": a})
    assert (found.attrs["units"], float(found[0])) == ("kg", pytest.approx(0.004))


def test_a_unit_of_a_file_cannot_stall_the_reader():
    tower = xr.DataArray([2.0], dims="x", attrs={"units": "9**9**9**9 m"})
    with pytest.raises(InputError, match="is not a unit"):
        made("a * 2", {"a": tower})
    plain = xr.DataArray([2.0], dims="x", attrs={"units": "W/m**2"})
    assert same_units(made("a * 2", {"a": plain}).attrs["units"], "W m-2")
