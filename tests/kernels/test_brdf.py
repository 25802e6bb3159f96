"""Kernels against published numbers, identities and the formulas written out; inversion against numpy's lstsq."""

import csv
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import _brdf_inversion, brdf
from musyq_lab.kernels._brdf_inversion import FULL, MAGNITUDE, NONE, TILE, invert

SHARED = Path(__file__).parents[3] / "shared"
VECTORS = SHARED / "science" / "radiation-vectors.json"
PIXELS = SHARED / "data" / "modis_pixels_BRDF_MOD09A1"
# Sun, view, azimuth, RossThick, LiSparse-R: made with sen2nbar 2024.6.0 and an independent implementation.
NUMBERS = (
    (0.0, 0.0, 0.0, 0.0, 0.0),
    (30.0, 0.0, 0.0, -0.031442896087683, -0.698222473560575),
    (30.0, 30.0, 0.0, 0.121501518719661, 0.178632794954082),
    (30.0, 30.0, 180.0, -0.134248216377930, -1.309401076758503),
    (45.0, 20.0, 90.0, -0.038351321426352, -1.184709567974929),
    (60.0, 45.0, 0.0, 0.476472798436250, 0.170467825834546),
    (60.0, 45.0, 180.0, 0.070934109735497, -2.366025403784438),
    (20.0, 60.0, 60.0, 0.046620381796356, -1.342396265452048),
    (70.0, 10.0, 30.0, 0.056197641888138, -1.745001706317394),
)
ALL = np.array([0.0, 9.0, 9.0], np.float64)  # rules that let every inversion through
ARCHETYPE = np.array([[0.3, 0.15, 0.03]])


def angles(shape, seed=0, most=(75.0, 65.0)):
    draw = np.random.default_rng(seed)
    return [draw.uniform(0.0, top, shape) for top in (*most, 180.0)]


def written_out(sun, view, azimuth):
    """Equations 38 to 44 of Lucht et al. (2000), as they stand there."""
    i, v, phi = np.radians(sun), np.radians(view), np.radians(azimuth)
    cos_xi = np.clip(np.cos(i) * np.cos(v) + np.sin(i) * np.sin(v) * np.cos(phi), -1, 1)
    xi = np.arccos(cos_xi)
    vol = ((np.pi / 2 - xi) * cos_xi + np.sin(xi)) / (np.cos(i) + np.cos(v)) - np.pi / 4
    ti, tv, secants = np.tan(i), np.tan(v), 1 / np.cos(i) + 1 / np.cos(v)
    distance = np.maximum(ti**2 + tv**2 - 2 * ti * tv * np.cos(phi), 0)
    t = np.arccos(np.clip(2 * np.sqrt(distance + (ti * tv * np.sin(phi)) ** 2) / secants, -1, 1))
    overlap = (t - np.sin(t) * np.cos(t)) * secants / np.pi
    return vol, overlap - secants + 0.5 * (1 + cos_xi) / (np.cos(i) * np.cos(v))


# ---- kernels ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", NUMBERS)
def test_published_numbers(row):
    np.testing.assert_allclose(brdf.values.python(*row[:3]), row[3:], rtol=0, atol=2e-14)


def test_shared_vectors():
    if not VECTORS.exists():
        pytest.skip("shared/science/radiation-vectors.json is not there")
    rows = [v for v in json.loads(VECTORS.read_text())["vectors"] if v["id"] == "brdf_kernels"]
    assert len(rows) >= 8
    for row in rows:
        found = brdf.values.python(*(float(row["input"][name]) for name in ("sza", "vza", "raa")))
        np.testing.assert_allclose(found, list(row["output"].values()), rtol=0, atol=2e-14)


def test_single_precision_keeps_five_digits_everywhere():
    given = angles(40_000)
    given[1][:2000], given[2][:2000] = given[0][:2000].clip(max=65), 0.0  # exactly in the hot spot
    given[1][2000:4000], given[2][2000:4000] = given[0][2000:4000].clip(max=65) + 1e-3, 1e-3  # and beside it
    single = [x.astype(np.float32) for x in given]
    for found, wanted in zip(brdf.values(*single), written_out(*(x.astype(np.float64) for x in single)), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5)


def test_compiled_is_the_python_twin():
    single = [x.astype(np.float32) for x in angles(50, 4)]
    for kernel in (brdf.values, brdf.hot_spot):
        for found, twin in zip(kernel(*single), kernel.python(*single), strict=True):
            np.testing.assert_allclose(found, twin, rtol=0, atol=1e-6)


def test_sun_and_view_can_be_exchanged():
    sun, view, azimuth = angles(60, 1, (70.0, 70.0))
    for kernel in (brdf.values, brdf.hot_spot):
        np.testing.assert_allclose(kernel.python(sun, view, azimuth), kernel.python(view, sun, azimuth), atol=1e-12)


def test_azimuth_has_no_sign_and_turns_round():
    sun, view, azimuth = angles(30, 2)
    wanted = brdf.values.python(sun, view, azimuth)
    for same in (-azimuth, 360.0 - azimuth, azimuth + 360.0):
        np.testing.assert_allclose(brdf.values.python(sun, view, same), wanted, atol=1e-12)


def test_no_direction_at_nadir():
    sun, _, azimuth = angles(20, 3)
    np.testing.assert_allclose(
        brdf.values.python(sun, 0.0 * sun, azimuth), brdf.values.python(sun, 0.0 * sun, 0.0 * sun), atol=1e-14
    )


@pytest.mark.parametrize("bad", [(-1.0, 0.0, 0.0), (90.0, 0.0, 0.0), (0.0, 90.0, 0.0), (0.0, -0.1, 0.0)])
def test_below_the_horizon_is_nothing(bad):
    for kernel in (brdf.values, brdf.hot_spot):
        assert np.isnan(kernel.python(*bad)).all()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_stays(place):
    given = [30.0, 20.0, 10.0]
    given[place] = np.nan
    assert np.isnan(brdf.values.python(*given)).all()


def test_hot_spot_doubles_the_layer_and_fades():
    sun = np.array([10.0, 30.0, 50.0])
    layer = (brdf.values.python(sun, sun, 0.0 * sun)[0] + np.pi / 4) * 4 / (3 * np.pi)
    peak = brdf.hot_spot.python(sun, sun, 0.0 * sun)[0] + 1 / 3
    np.testing.assert_allclose(peak, 2 * layer, rtol=1e-6)
    far = brdf.hot_spot.python(30.0, 60.0, 180.0)[0] + 1 / 3
    plain = (brdf.values.python(30.0, 60.0, 180.0)[0] + np.pi / 4) * 4 / (3 * np.pi)
    assert far / plain == pytest.approx(1 + 1 / (1 + 90.0 / 1.5), rel=1e-9)  # at 90 degrees of phase


def black_sky_quadrature(sun):
    """2 / (2 pi) times the integral of K cos v sin v over the views."""
    x, w = np.polynomial.legendre.leggauss(96)
    view, azimuth = np.arcsin(np.sqrt((x + 1) / 2)), (x + 1) * np.pi / 2  # even in sin^2 v
    v, a = np.meshgrid(np.degrees(view), np.degrees(azimuth), indexing="ij")
    values = written_out(np.full_like(v, sun), v, a)
    return [float(w @ k @ w) / 4 for k in values]


@pytest.mark.parametrize(("sun", "vol", "geo"), [(0.0, 0.0140, 0.0045), (15.0, 0.0025, 0.003), (45.0, 0.0175, 0.003)])
def test_black_sky_polynomials_beside_quadrature(sun, vol, geo):
    exact, table = black_sky_quadrature(sun), brdf.black_sky.python(sun)
    assert abs(exact[0] - table[0]) < vol
    assert abs(exact[1] - table[1]) < geo


def test_white_sky_integrals():
    x, w = np.polynomial.legendre.leggauss(20)
    suns = np.degrees(np.arcsin(np.sqrt((x + 1) / 2)))
    both = np.array([black_sky_quadrature(sun) for sun in suns])
    np.testing.assert_allclose(w @ both / 2, brdf.WHITE_SKY[1:], atol=2e-4)
    assert np.isnan(brdf.black_sky.python(91.0)).all()


# ---- inversion -------------------------------------------------------------------------------------------------------
def looks(count, bands, pixels, seed=0, dtype=np.float32):
    """Noise-free looks with planted weights: kernels, weights of looks, reflectance, planted."""
    draw = np.random.default_rng(seed)
    given = [draw.uniform(low, high, (count, pixels)).astype(dtype) for low, high in ((20, 60), (0, 65), (0, 180))]
    vol, geo = (k.astype(dtype) for k in written_out(*given))
    planted = np.array([0.3, 0.15, 0.03])[:, None, None] * draw.uniform(0.2, 1.0, (3, bands, pixels))
    reflectance = planted[0] + planted[1] * vol[:, None] + planted[2] * geo[:, None]
    weight = draw.uniform(0.5, 1.0, (count, pixels)).astype(dtype)
    return vol, geo, weight, reflectance.astype(dtype), planted


def solve(vol, geo, weight, reflectance, rules=ALL, archetype=ARCHETYPE, sun=45.0):
    dtype, pixels = vol.dtype, vol.shape[1]
    to = np.array([np.full(pixels, k) for k in brdf.values.python(sun, 0.0, 0.0)], dtype)
    shape = np.broadcast_to(archetype, (reflectance.shape[1], 3)).astype(dtype)
    return invert(vol, geo, weight, reflectance, shape, to, np.asarray(rules, dtype))


def reference(vol, geo, weight, reflectance):
    """numpy's least squares for one pixel and band."""
    good = (weight > 0) & np.isfinite(reflectance)
    a = np.stack([np.ones_like(vol), vol, geo], 1)[good].astype(np.float64)
    root = np.sqrt(weight[good].astype(np.float64))
    return np.linalg.lstsq(a * root[:, None], reflectance[good].astype(np.float64) * root, rcond=None)[0]


def test_planted_weights_come_back():
    vol, geo, weight, reflectance, planted = looks(20, 3, TILE + 37)
    weights, support, fit = solve(vol, geo, weight, reflectance)
    assert (fit[2] == FULL).all()
    np.testing.assert_allclose(weights, planted, rtol=0, atol=1e-5)
    assert (support[0] == 20).all()
    assert fit[1].max() < 1e-3 * reflectance.max()


def test_planted_weights_come_back_in_double_precision():
    vol, geo, weight, reflectance, planted = looks(12, 1, 2, dtype=np.float64)
    to = np.full((2, 2), 0.1)
    found = invert.python(vol, geo, weight, reflectance, ARCHETYPE, to, ALL)
    np.testing.assert_allclose(found[0], planted, rtol=0, atol=1e-13)


def test_gaps_of_each_band_and_zero_weights_are_left_out():
    vol, geo, weight, reflectance, planted = looks(24, 4, 200, seed=5)
    draw = np.random.default_rng(6)
    reflectance[draw.uniform(size=reflectance.shape) < 0.3] = np.nan
    reflectance[3, :, :50], vol[4, :50], geo[5, 50:90] = np.inf, np.nan, np.nan
    weight[6], weight[7, :80], weight[8, 80:] = 0.0, np.nan, -1.0
    weights, support, fit = solve(vol, geo, weight, reflectance)
    valid = (weight > 0)[:, None] & np.isfinite(vol + geo)[:, None] & np.isfinite(reflectance)
    np.testing.assert_array_equal(support[0], valid.sum(axis=0))
    full = fit[2] == FULL
    assert full.mean() > 0.99
    np.testing.assert_allclose(weights[:, full], planted[:, full], rtol=0, atol=1e-5)


def test_noisy_looks_as_numpy_solves_them():
    vol, geo, weight, reflectance, _ = looks(15, 2, 120, seed=7)
    reflectance += np.random.default_rng(8).normal(0, 0.004, reflectance.shape).astype(np.float32)
    weights, _, fit = solve(vol, geo, weight, reflectance)
    inside = 0
    for b, p in np.ndindex(2, 120):
        wanted = reference(vol[:, p], geo[:, p], weight[:, p], reflectance[:, b, p])
        if (wanted[1:] < 0).any():
            continue
        inside += 1
        np.testing.assert_allclose(weights[:, b, p], wanted, rtol=0, atol=3e-5)
        left = reflectance[:, b, p] - np.stack([np.ones(15), vol[:, p], geo[:, p]], 1) @ wanted
        assert fit[1, b, p] == pytest.approx(np.sqrt((weight[:, p] * left**2).sum() / weight[:, p].sum()), rel=0.01)
    assert inside > 150


def test_determination_is_that_of_the_matrix():
    vol, geo, weight, reflectance, _ = looks(11, 1, 40, seed=9)
    _, support, _ = solve(vol, geo, weight, reflectance)
    at = np.array([1.0, *brdf.values.python(45.0, 0.0, 0.0)])
    for p in range(40):
        a = np.stack([np.ones(11), vol[:, p], geo[:, p]], 1).astype(np.float64)
        inverse = np.linalg.inv(a.T @ (weight[:, p, None] * a)) * weight[:, p].mean()
        assert support[1, 0, p] == pytest.approx(at @ inverse @ at, rel=1e-3)
        white = np.array(brdf.WHITE_SKY)
        assert support[2, 0, p] == pytest.approx(white @ inverse @ white, rel=1e-3)


def test_reference_inversion():
    if not VECTORS.exists():
        pytest.skip("shared/science/radiation-vectors.json is not there")
    row = next(v for v in json.loads(VECTORS.read_text())["vectors"] if v["id"] == "brdf_inversion_roundtrip")
    vol, geo = (k[:, None] for k in written_out(*np.array(row["input"]["angles"]).T))
    r = np.array(row["input"]["refl"])[:, None, None]
    single = [x.astype(np.float32) for x in (vol, geo, np.ones_like(vol), r)]
    weights, support, _ = solve(*single)
    wanted = row["output"]
    np.testing.assert_allclose(weights[:, 0, 0], wanted["f"], atol=1e-5)
    assert support[1, 0, 0] == pytest.approx(wanted["WoD_nadir45"], rel=1e-4)
    assert support[2, 0, 0] == pytest.approx(wanted["WoD_wsa"], rel=1e-4)
    assert np.dot(weights[:, 0, 0], brdf.WHITE_SKY) == pytest.approx(wanted["wsa"], abs=1e-5)


def test_weights_are_not_negative_and_best_of_those():
    vol, geo, weight, reflectance, planted = looks(16, 1, 300, seed=10)
    draw = np.random.default_rng(11)
    planted = np.array([0.3, 0.15, 0.03])[:, None] * draw.uniform(-1.0, 1.0, (3, 300))
    planted[0] = 0.4
    reflectance = (planted[0] + planted[1] * vol + planted[2] * geo)[:, None].astype(np.float32)
    weights, _, fit = solve(vol, geo, weight, reflectance, rules=[0, np.inf, np.inf])
    assert (weights[1:, fit[2] == FULL] >= 0).all()
    free = (planted[1:] >= 0).all(axis=0)
    np.testing.assert_allclose(weights[:, 0, free], planted[:, free], atol=1e-5)

    def misfit(f, p):
        left = reflectance[:, 0, p] - np.stack([np.ones(16), vol[:, p], geo[:, p]], 1) @ f
        return (weight[:, p] * left**2).sum()

    for p in np.flatnonzero(~free & (fit[2, 0] == FULL)):
        edges = []
        for kept in ([0], [0, 1], [0, 2]):
            a = np.stack([np.ones(16), vol[:, p], geo[:, p]], 1)[:, kept]
            root = np.sqrt(weight[:, p])
            f = np.zeros(3)
            f[kept] = np.linalg.lstsq(a * root[:, None], reflectance[:, 0, p] * root, rcond=None)[0]
            edges += [misfit(f, p)] if (f[1:] >= 0).all() else []
        assert misfit(weights[:, 0, p], p) <= min(edges) + 1e-7


def test_few_looks_scale_the_archetype():
    vol, geo, weight, _, _ = looks(3, 2, 60, seed=12)
    planted = 0.7 * ARCHETYPE[0]
    reflectance = np.stack([planted[0] + planted[1] * vol + planted[2] * geo] * 2, 1).astype(np.float32)
    weights, support, fit = solve(vol, geo, weight, reflectance, rules=[7, 1.431, 2.122])
    assert (fit[2] == MAGNITUDE).all()
    np.testing.assert_allclose(weights, np.broadcast_to(planted[:, None, None], weights.shape), rtol=1e-5)
    to = np.array([1.0, *brdf.values.python(45.0, 0.0, 0.0)])
    q = np.stack([np.ones_like(vol), vol, geo], -1).astype(np.float64) @ ARCHETYPE[0]
    wod = weight.mean(axis=0) * (ARCHETYPE[0] @ to) ** 2 / (weight * q**2).sum(axis=0)
    np.testing.assert_allclose(support[1, 0], wod, rtol=1e-4)
    np.testing.assert_allclose(fit[0], 0.7 * (ARCHETYPE[0] @ to), rtol=1e-5)


def test_looks_from_one_direction_do_not_pass_for_a_full_inversion():
    vol, geo, weight, reflectance, _ = looks(30, 1, 10, seed=13)
    vol[:], geo[:] = vol[0], geo[0]
    reflectance[:] = 0.2
    _, _, fit = solve(vol, geo, weight, reflectance, rules=[7, 1.431, 2.122])
    assert (fit[2] == MAGNITUDE).all()


def test_nothing_seen_is_nothing():
    vol, geo, weight, reflectance, _ = looks(6, 2, 8)
    weight[:, :4] = 0.0
    reflectance[:, 1] = np.nan
    weights, support, fit = solve(vol, geo, weight, reflectance)
    assert np.isnan(weights[:, 1]).all()
    assert np.isnan(weights[:, :, :4]).all()
    assert (fit[2, 1] == NONE).all()
    assert (support[0, 1] == 0).all()
    assert np.isfinite(weights[:, 0, 4:]).all()


def test_a_pixel_is_the_same_in_any_company():
    vol, geo, weight, reflectance, _ = looks(17, 2, 2 * TILE + 5, seed=14)
    reflectance[np.random.default_rng(1).uniform(size=reflectance.shape) < 0.2] = np.nan
    whole = solve(vol, geo, weight, reflectance)
    for cut in (slice(0, 1), slice(3, TILE + 2), slice(TILE - 1, None)):
        part = solve(*(np.ascontiguousarray(x[..., cut]) for x in (vol, geo, weight, reflectance)))
        for found, wanted in zip(part, whole, strict=True):
            np.testing.assert_array_equal(found, wanted[..., cut])


def test_travels_to_another_process():
    assert pickle.loads(pickle.dumps(invert)) is invert
    assert pickle.loads(pickle.dumps(_brdf_inversion._gather)) is _brdf_inversion._gather


def test_real_pixels_fit_as_well_as_numpy_fits_them():
    """The daily looks of 24 days at a savanna (Botswana) in seven MODIS bands."""
    path = PIXELS / "modis_botswana.dat"
    if not path.exists():
        pytest.skip("shared/data/modis_pixels_BRDF_MOD09A1 is not there")
    table = np.array([line.split()[:13] for line in path.read_text().splitlines()[1:] if line.strip()], np.float32)
    table = table[table[:, 0] < table[0, 0] + 24]
    vol, geo = (k[:, None] for k in brdf.values.python(table[:, 4], table[:, 2], table[:, 3] - table[:, 5]))
    reflectance = np.ascontiguousarray(table[:, 6:13, None])
    _, support, fit = solve(vol, geo, np.ones_like(vol), reflectance)
    assert (support[0] >= 15).all()
    assert (fit[2] == FULL).all()
    for b in range(7):
        wanted = reference(vol[:, 0], geo[:, 0], np.ones(len(vol)), reflectance[:, b, 0])
        left = reflectance[:, b, 0] - np.stack([np.ones(len(vol)), vol[:, 0], geo[:, 0]], 1) @ wanted
        best = float(np.sqrt((left**2).mean()))
        assert best * 0.999 <= fit[1, b, 0] <= best * (1.0001 if (wanted[1:] >= 0).all() else 1.5)
        assert fit[1, b, 0] < 0.15 * reflectance[:, b, 0].mean()


# ---- integrals as quadrature gives them ------------------------------------------------------------------------------
REFERENCE = Path(__file__).parents[1] / "reference" / "brdf.csv"


def reference_rows(vector):
    lines = (line for line in REFERENCE.read_text().splitlines() if not line.startswith("#"))
    return [row for row in csv.DictReader(lines) if row["vector"] == vector]


@pytest.mark.parametrize(
    "row", reference_rows("bsa_kernel_integrals"), ids=lambda r: f"{r['quantity']}-{r['sun_zenith']}"
)
def test_published_integrals_over_the_views(row):
    kernel = brdf.black_sky if row["quantity"].startswith("poly") else brdf.black_sky_exact
    found = kernel.python(float(row["sun_zenith"]))[row["quantity"].endswith("geo")]
    assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", reference_rows("wsa_kernel_integrals"), ids=lambda r: r["quantity"])
def test_published_integrals_over_both_hemispheres(row):
    table = brdf.WHITE_SKY if row["quantity"].startswith("table") else brdf.WHITE_SKY_EXACT
    found = table[1 + row["quantity"].endswith("geo")]
    assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", reference_rows("brdf_kernels"), ids=lambda r: f"{r['quantity']}-{r['sun_zenith']}-{r['view_zenith']}-{r['relative_azimuth']}")  # fmt: skip  # noqa: E501
def test_published_kernels(row):
    angles_of_row = (float(row[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth"))
    found = brdf.values.python(*angles_of_row)[row["quantity"] == "li_sparse_r"]
    assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def fine_quadrature(sun, count=160):
    """Over the zenith angle of the view itself, split at the Sun's, with directions crowded towards the hot spot."""
    x, w = np.polynomial.legendre.leggauss(count)
    share = (x + 1) / 2
    azimuth, turn = np.pi * share**2, w * share
    total = np.zeros(2)
    for low, high in ((0.0, np.radians(sun)), (np.radians(sun), np.pi / 2)):
        view = low + share * (high - low)
        weight = w * (high - low) / 2 * np.sin(2 * view)
        v, a = np.meshgrid(np.degrees(view), np.degrees(azimuth), indexing="ij")
        total += [weight @ k @ turn for k in written_out(np.full_like(v, sun), v, a)]
    return total


@pytest.mark.parametrize("sun", [0.0, 12.3, 33.0, 51.7, 67.0, 78.3, 88.1])
def test_integrals_beside_quadrature_between_the_angles_of_the_fit(sun):
    np.testing.assert_allclose(brdf.black_sky_exact.python(sun), fine_quadrature(sun), atol=3e-6)


def test_white_sky_is_the_mean_of_black_sky():
    """Reciprocity: the integral over Sun and views is that of black-sky albedo over the Sun."""
    x, w = np.polynomial.legendre.leggauss(64)
    cosine = (x + 1) / 2
    both = np.array(brdf.black_sky_exact.python(np.degrees(np.arccos(cosine))))
    np.testing.assert_allclose(both @ (w * cosine), brdf.WHITE_SKY_EXACT[1:], atol=1e-6)


def test_integrals_in_single_precision_and_at_their_ends():
    suns = np.linspace(0, 89.5, 400)
    for single, double in zip(brdf.black_sky_exact(suns.astype(np.float32)), brdf.black_sky_exact(suns), strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, atol=2e-6)
    assert np.isfinite(brdf.black_sky_exact.python(0.0)).all()
    for bad in (-1.0, 90.0, np.nan):
        assert np.isnan(brdf.black_sky_exact.python(bad)).all()


# ---- covariances -----------------------------------------------------------------------------------------------------
def solve_with_spread(vol, geo, weight, reflectance, rules=ALL, archetype=ARCHETYPE, sun=45.0):
    pixels, dtype = vol.shape[1], vol.dtype
    to = np.array([np.full(pixels, k) for k in brdf.values.python(sun, 0.0, 0.0)], dtype)
    shape = np.broadcast_to(archetype, (reflectance.shape[1], 3)).astype(dtype)
    given = (vol, geo, weight, reflectance, shape, to, np.asarray(rules, dtype), np.zeros(6, dtype))
    return _brdf_inversion.invert_with_spread(*given)


def test_covariances_are_those_of_the_matrix_and_the_rest_is_as_without():
    vol, geo, weight, reflectance, _ = looks(13, 2, 50, seed=21)
    reflectance[np.random.default_rng(22).uniform(size=reflectance.shape) < 0.2] = np.nan
    *found, spread = solve_with_spread(vol, geo, weight, reflectance)
    for layer, wanted in zip(found, solve(vol, geo, weight, reflectance), strict=True):
        np.testing.assert_array_equal(layer, wanted)
    for b, p in np.ndindex(2, 50):
        if found[2][2, b, p] != FULL:
            continue
        good = np.isfinite(reflectance[:, b, p])
        a = np.stack([np.ones(13), vol[:, p], geo[:, p]], 1)[good].astype(np.float64)
        inverse = np.linalg.inv(a.T @ (weight[good, p, None] * a)) * weight[good, p].mean()
        wanted = inverse[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
        np.testing.assert_allclose(spread[:, b, p], wanted, rtol=2e-3, atol=1e-4 * np.abs(wanted).max())


def test_covariances_give_the_weights_of_determination():
    vol, geo, weight, reflectance, _ = looks(15, 1, 40, seed=23)
    _, support, _, spread = solve_with_spread(vol, geo, weight, reflectance)
    u = np.array(brdf.WHITE_SKY)
    pairs = [(0, 0, 1), (1, 1, 1), (2, 2, 1), (0, 1, 2), (0, 2, 2), (1, 2, 2)]
    wod = sum(n * u[i] * u[j] * spread[k, 0] for k, (i, j, n) in enumerate(pairs))
    np.testing.assert_allclose(wod, support[2, 0], rtol=2e-3)


def test_covariances_of_a_scaled_archetype_have_rank_one():
    vol, geo, weight, reflectance, _ = looks(3, 1, 20, seed=24)
    *_, spread = solve_with_spread(vol, geo, weight, reflectance, rules=[7, 1.431, 2.122])
    variance = spread[0, 0] / ARCHETYPE[0, 0] ** 2
    products = [ARCHETYPE[0, i] * ARCHETYPE[0, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(spread[:, 0], np.outer(products, variance), rtol=1e-5)
