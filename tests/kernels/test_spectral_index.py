"""Spectral indices: against spyndex, against published vectors, and the guards."""

import csv
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.kernels import _formulas
from musyq_lab.kernels.spectral_index import BANDS, FORMULAS, Formula, bands_of, index_kernel

REFERENCE = Path(__file__).parents[1] / "reference" / "vi.csv"
SAMPLE = dict(zip(BANDS, (0.04, 0.07, 0.05, 0.1, 0.25, 0.32, 0.4, 0.42, 0.2, 0.1), strict=True))
LETTERS = dict(zip(BANDS, ("B", "G", "R", "RE1", "RE2", "RE3", "N", "N2", "S1", "S2"), strict=True))

# Our key: spyndex's name where it is not the upper-case key.
NAMES = {
    "nirv": "NIRv", "rvi": "SR", "exg": "ExG", "gci": "CIG", "ndre": "NDREI", "seli": "SeLI", "lswi": "NDMI",
    "ndsi": "NDSI", "bsi": "BI",
}  # fmt: skip
# spyndex has one ``L`` for all; each index needs its own (vector VI-3).
PARAMETERS = {
    "evi": {"g": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0}, "evi2": {"g": 2.5, "L": 1.0}, "savi": {"L": 0.5},
    "mnli": {"L": 0.5}, "wdrvi": {"alpha": 0.1}, "arvi": {"gamma": 1.0}, "ndpi": {"alpha": 0.74},
}  # fmt: skip


def published():
    lines = [line for line in REFERENCE.read_text().splitlines() if not line.startswith("#")]
    return [(row["index"], float(row["value"])) for row in csv.DictReader(lines)]


def evaluate(name, bands, python=False):
    kernel = index_kernel((name,))
    return (kernel.python if python else kernel)(*(bands[band] for band in bands_of((name,))))


def cube(seed=3, count=4000):
    rng = np.random.default_rng(seed)
    return {band: rng.uniform(0.01, 0.6, count) for band in BANDS}


def denominators(name, bands):
    """Smallest magnitude of every denominator and radicand of a formula, from its text."""
    import ast

    formula = FORMULAS[name]
    scope = {**bands, **formula.parameters, "sqrt": np.sqrt, "tanh": np.tanh, "select": np.where}
    smallest = np.full(next(iter(bands.values())).shape, np.inf)
    for node in ast.walk(ast.parse(formula.expression, mode="eval")):
        inner = node.right if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) else None
        if isinstance(node, ast.Call) and node.func.id == "sqrt":
            inner = node.args[0]
        if inner is not None:
            value = eval(ast.unparse(inner), {}, scope)
            smallest = np.minimum(smallest, np.abs(value))
    return smallest


@pytest.mark.parametrize("name", [name for name in FORMULAS if name not in ("kndvi", "evi_backup")])
def test_equals_spyndex(name):
    spyndex = pytest.importorskip("spyndex")
    bands = cube()
    keep = denominators(name, bands) > 0.05
    assert keep.sum() > 500
    letters = {LETTERS[band]: bands[band] for band in bands_of((name,))} | PARAMETERS.get(name, {})
    with np.errstate(all="ignore"):
        expected = spyndex.computeIndex(NAMES.get(name, name.upper()), letters)
    result = evaluate(name, bands)
    np.testing.assert_array_equal(np.isnan(result[keep]), np.isnan(expected[keep]))
    np.testing.assert_allclose(result[keep], expected[keep], rtol=1e-6, atol=1e-12)


def test_kndvi_equals_spyndex_kernels():
    spyndex = pytest.importorskip("spyndex")
    bands = cube()
    n, r = bands["nir"], bands["red"]
    radial = spyndex.computeKernel("RBF", {"a": n, "b": r, "sigma": 0.5 * (n + r)})
    expected = spyndex.computeIndex("kNDVI", {"kNN": 1.0, "kNR": radial})
    np.testing.assert_allclose(evaluate("kndvi", bands), expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("name", "value"), published())
def test_published_value(name, value):
    assert evaluate(name, SAMPLE) == pytest.approx(value, abs=1e-8, rel=1e-8)


def test_every_index_of_the_reference_is_in_the_table():
    assert len(published()) == 32
    assert len(FORMULAS) >= 30


def test_evi_and_savi_keep_their_own_l():
    """With SAVI's L the EVI of the sample would be 0.972 instead of 0.625 (vector VI-3)."""
    evi, savi = index_kernel(("evi", "savi"))(SAMPLE["blue"], SAMPLE["red"], SAMPLE["nir"])
    assert evi == pytest.approx(0.625)
    assert savi == pytest.approx(0.552631579)


def test_evi_over_snow_takes_the_two_band_form_on_request():
    blue, red, nir = np.array([0.05, 0.19, 0.21, 0.9, np.nan]), np.full(5, 0.3), np.full(5, 0.5)
    evi, backup, evi2 = index_kernel(("evi", "evi_backup", "evi2"))(blue, red, nir)
    np.testing.assert_array_equal(backup, [evi[0], evi[1], evi2[2], evi2[3], np.nan])
    assert evi[3] < -0.1 < 0.1 < backup[3]  # three bands: a negative index over bright snow with nir > red


def test_one_pass_equals_single_kernels():
    bands = cube()
    names = tuple(FORMULAS)
    together = index_kernel(names)(*(bands[band] for band in bands_of(names)))
    for name, result in zip(names, together, strict=True):
        np.testing.assert_array_equal(result, evaluate(name, bands))


def test_twin_equals_compiled():
    bands = {band: values[:60] for band, values in cube().items()}
    for name in FORMULAS:
        np.testing.assert_allclose(evaluate(name, bands), evaluate(name, bands, python=True), rtol=1e-14)


def test_float32_stays_float32_and_close():
    bands = cube()
    single = {band: values.astype(np.float32) for band, values in bands.items()}
    for name in ("ndvi", "evi", "kndvi", "mtci"):
        result = evaluate(name, single)
        assert result.dtype == np.float32
        keep = denominators(name, bands) > 0.05
        np.testing.assert_allclose(result[keep], evaluate(name, bands)[keep], rtol=2e-5, atol=2e-6)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 1e-7, 0.1, 0.3, 1.0, -0.1, np.nan]), min_size=10, max_size=10))
def test_never_infinite_and_nan_stays_nan(values):
    bands = {band: np.array([value]) for band, value in zip(BANDS, values, strict=True)}
    for name in FORMULAS:
        result = evaluate(name, bands)
        assert not np.isinf(result[0]), name
        if any(np.isnan(bands[band][0]) for band in FORMULAS[name].bands):
            assert np.isnan(result[0]), name


def test_small_denominator_is_nan():
    ndvi = index_kernel(("ndvi",))
    red = np.array([0.0, 4e-7, 6e-7, -0.2])
    np.testing.assert_array_equal(np.isnan(ndvi(red, red * [1, 1, 1, -1])), [True, True, False, True])


@settings(max_examples=60, deadline=None)
@given(red=st.floats(0.01, 1.0), nir=st.floats(0.01, 1.0), gain=st.floats(0.5, 2.0))
def test_normalised_difference_ignores_illumination_and_is_odd(red, nir, gain):
    ndvi = index_kernel(("ndvi",))
    assert ndvi(red * gain, nir * gain) == pytest.approx(ndvi(red, nir), abs=1e-12)
    assert ndvi(nir, red) == -ndvi(red, nir)
    assert -1.0 <= ndvi(red, nir) <= 1.0


@pytest.mark.parametrize("name", FORMULAS)
def test_table_row(name):
    formula = FORMULAS[name]
    assert formula.name == name == name.lower()
    assert formula.bands
    assert set(formula.bands) <= set(BANDS)
    assert formula.references
    assert all(ref.startswith(("10.", "http")) for ref in formula.references)
    low, high = formula.valid_range
    assert low <= evaluate(name, SAMPLE) <= high


def test_table_is_read_only_and_refuses_unknown_words():
    with pytest.raises(TypeError):
        FORMULAS["mine"] = FORMULAS["ndvi"]
    with pytest.raises(TypeError):
        FORMULAS["evi"].parameters["L"] = 0.5
    with pytest.raises(ValueError, match="__import__"):
        Formula("bad", "Bad", "__import__(nir)", ("10.0/0",))
    with pytest.raises(ValueError, match="no spectral index 'nvdi'"):
        index_kernel(("nvdi",))
    assert set(_formulas.table()) == set(FORMULAS)


def test_kernel_is_cached_and_pickles_by_names():
    kernel = index_kernel(("ndvi", "evi"))
    assert index_kernel(("ndvi", "evi")) is kernel
    assert pickle.loads(pickle.dumps(kernel)) is kernel
    assert bands_of(("ndvi", "evi")) == ("blue", "red", "nir")


def test_many_indices_on_broadcast_and_strided_bands_and_any_chunk():
    """More indices than one inner loop holds: blocks, layouts and chunks leave every bit as it is."""
    names = tuple(FORMULAS)[:14]
    rng = np.random.default_rng(8)
    stack = rng.uniform(0.02, 0.5, (150, 160, len(bands_of(names)))).astype(np.float32)
    strided = [stack[..., k] for k in range(stack.shape[-1])]
    strided[0] = strided[0][:1]  # one row for the whole image
    plain = [np.broadcast_to(band, (150, 160)).copy() for band in strided]
    kernel = index_kernel(names)
    whole, general = kernel(*plain), kernel(*strided)
    parts = [kernel(*(band[rows] for band in plain)) for rows in (slice(0, 53), slice(53, 150))]
    for k in range(len(names)):
        assert whole[k].tobytes() == general[k].tobytes() == np.concatenate([part[k] for part in parts]).tobytes()
