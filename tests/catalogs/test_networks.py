"""The training of the networks: what it draws, how it fits, and that what ships does what its table says."""

import csv
import importlib
import sys

import numpy as np
import pytest
from catalogs.conftest import CATALOGS
from scipy.stats import truncnorm

from musyq_lab.core.resources import resource
from musyq_lab.kernels import canopy, network
from musyq_lab.products import _networks
from musyq_lab.standard.atmosphere import coefficients, toa_reflectance

NAMES = ("stands", "fit", "train")
FIVE = ("green", "red", "nir", "swir1", "swir2")


@pytest.fixture(scope="module")
def builder():
    """The modules of the training by name, forgotten afterwards."""
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    sys.path.insert(0, str(CATALOGS / "networks"))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(CATALOGS / "networks"))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def stands(builder):
    return builder["stands"]


@pytest.fixture(scope="module")
def base(stands):
    """Canopies that no network was trained on."""
    return stands.model(stands.draw(4000, 77))


def test_truncated_normal_numbers(stands):
    rng = np.random.Generator(np.random.Philox(1))
    drawn = stands.truncated(rng, 0.0, 15.0, 2.0, 3.0, 40_000)
    law = truncnorm((0.0 - 2.0) / 3.0, (15.0 - 2.0) / 3.0, 2.0, 3.0)
    assert abs(drawn.mean() - law.mean()) < 0.04
    assert abs(drawn.std() - law.std()) < 0.04
    assert 0.0 <= drawn.min() < drawn.max() <= 15.0


def test_traits_keep_limits_that_narrow_with_leaf_area(stands):
    made = stands.draw(4000, 3)
    true = made["lai"] / np.array(stands.CLUMPING)[:, None]  # at either end of the clumping
    for name in ("leaf_angle", "n", "cab", "cm", "cbrown", "brightness"):
        least, most, _, _, low, high = stands.TRAITS[name]
        share = np.clip(true / stands.LARGEST, 0.0, 1.0)
        bottom = (least + share * (low - least)).min(axis=0)
        top = (most + share * (high - most)).max(axis=0)
        assert ((made[name] >= bottom - 1e-9) & (made[name] <= top + 1e-9)).all(), name
    water = made["cw"] / (made["cw"] + made["cm"])
    np.testing.assert_allclose(water, made["water_share"], rtol=1e-12)


def test_the_same_key_gives_the_same_stands(stands):
    one, other = stands.draw(100, 5), stands.draw(100, 5)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["lai"], stands.draw(100, 6)["lai"])


def test_pairs_stand_under_one_sun(stands, base):
    half = base.lai.size // 2
    np.testing.assert_array_equal(base.angles[:half], base.angles[half:])
    assert not np.array_equal(base.lai[:half], base.lai[half:])


def test_reflectance_and_absorption_lie_between_those_of_beam_and_sky(stands):
    made = stands.draw(60, 9)
    base = stands.model(made)
    narrow = {name: values.astype(np.float32) for name, values in made.items()}
    leaf = stands.leaf_constants().at(slice(0, None, stands.STEP))
    cab = narrow["cab"]
    parameters = canopy.CanopyParameters(
        **{name: narrow[name] for name in ("n", "cab", "cbrown", "cw", "cm", "lai", "hotspot")},
        car=0.25 * cab,
        ant=0.0 * cab,
        leaf_angles=canopy.campbell(narrow["leaf_angle"]),
        **{name: narrow[name] for name in ("sun_zenith", "view_zenith", "relative_azimuth")},
    )
    layer = canopy.canopy_bands(parameters, leaf, np.eye(leaf.wavelength.size))
    soil = stands.soil(narrow, leaf)
    factors, part = canopy.over_soil(layer, soil), canopy.absorbed(layer, soil)
    low, high = np.minimum(factors.rsot, factors.rdot), np.maximum(factors.rsot, factors.rdot)
    assert ((base.reflectance >= low - 1e-5) & (base.reflectance <= high + 1e-5)).all()
    visible = leaf.wavelength < 0.7
    ends = [x[:, visible] for x in (part.direct, part.diffuse)]
    assert (base.fpar >= np.minimum(*ends).min(axis=1)).all()
    assert (base.fpar <= np.maximum(*ends).max(axis=1)).all()


def test_cover_is_what_a_spherical_canopy_hides(stands):
    made = stands.draw(200, 4)
    made["leaf_angle"] = np.full(200, 57.3)
    base = stands.model(made)
    np.testing.assert_allclose(base.fvc, -np.expm1(-0.5 * made["lai"]), atol=0.03)


def test_bare_ground_absorbs_and_hides_nothing(stands):
    made = stands.draw(20, 4)
    made["lai"] = np.zeros(20)
    base = stands.model(made)
    np.testing.assert_allclose(base.fpar, 0.0, atol=1e-6)
    np.testing.assert_allclose(base.fvc, 0.0, atol=1e-6)


def test_mixed_pixels_are_means_by_area(stands, base):
    made, half = stands.mixed(base, 2), base.lai.size // 2
    first, second = base.lai[:half], base.lai[half:]
    share = (made.lai - second) / (first - second)
    assert 0.45 < share.mean() < 0.55
    for name in ("fpar", "fvc"):
        one, other = getattr(base, name)[:half], getattr(base, name)[half:]
        np.testing.assert_allclose(getattr(made, name), other + share * (one - other), atol=1e-8)
    one, other = base.reflectance[:half], base.reflectance[half:]
    np.testing.assert_allclose(made.reflectance, other + share[:, None] * (one - other), atol=1e-5)
    assert np.array_equal(stands.pure(base).lai, first)


def error_of_correction(band, angles, rho, true, assumed):
    """Correct the top of the atmosphere for too little aerosol, by our tables and bisection."""
    sun, view, azimuth = (np.array([float(a)]) for a in angles)
    state = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": azimuth, "water_vapour": np.array([20.0])}
    air = [coefficients("landsat_oli", band, "Landsat-8", aod=np.array([depth]), **state) for depth in (true, assumed)]
    seen, low, high = float(toa_reflectance(rho, air[0])[0]), -0.3, 1.5
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if float(toa_reflectance(middle, air[1])[0]) < seen else (low, middle)
    return low - rho


@pytest.mark.parametrize("angles", [(25, 5, 90), (25, 45, 140)])
def test_misjudged_aerosol_is_that_of_our_correction(stands, angles):
    rows = [("green", 0.5614, 0.06), ("red", 0.6546, 0.03), ("nir", 0.8647, 0.42), ("swir1", 1.6090, 0.25)]
    for band, wavelength, rho in rows:
        exact = error_of_correction(band, angles, rho, 0.35, 0.2)
        found = stands.misjudged_aerosol(
            np.array([[rho]]), np.array([wavelength]), np.array([angles], float), np.array([0.15])
        )[0, 0]
        assert abs(found - exact) < 0.35 * abs(exact) + 0.001, band


def test_steps_follow_the_gradient(builder):
    rng = np.random.default_rng(1)
    net = builder["fit"].Fit(3, 4, 2)
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    _, right = net.normal(x, net(x) - y)
    start, slopes = net.parameters, []
    for place in range(start.size):
        costs = []
        for step in (1e-6, -1e-6):
            moved = start.copy()
            moved[place] += step
            net.parameters = moved
            costs.append(0.5 * np.sum((net(x) - y) ** 2))
        slopes.append((costs[0] - costs[1]) / 2e-6)
    np.testing.assert_allclose(right, slopes, rtol=1e-5, atol=1e-5)


def test_a_fit_finds_a_function_of_its_own_kind_and_twice_the_same(builder):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(800, 2))
    y = np.tanh(x @ [1.0, -0.5] + 0.3) - 0.6 * np.tanh(x @ [0.2, 0.9])
    fits = [builder["fit"].fit(x[:600], y[:600], x[600:], y[600:], hidden=4, key=3) for _ in range(2)]
    assert fits[0][1] < 1e-5
    np.testing.assert_array_equal(fits[0][0].parameters, fits[1][0].parameters)


def test_a_fit_stops_before_it_learns_the_noise(builder):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(120, 2)), rng.normal(size=120)
    net, error = builder["fit"].fit(x[:60], y[:60], x[60:], y[60:], hidden=8, key=3)
    assert error < 1.6 * np.var(y[60:])
    assert np.mean((net(x[:60]) - y[:60]) ** 2) > 0.2


def test_folded_networks_take_inputs_as_they_are(builder):
    net = builder["fit"].Fit(5, 3, 1)
    rng = np.random.default_rng(0)
    middle, spread = rng.uniform(0.1, 0.5, 5), rng.uniform(0.05, 0.2, 5)
    bands, angles = rng.uniform(0.05, 0.5, (40, 2)), rng.uniform(5.0, 60.0, (40, 3))
    x = np.column_stack([bands, builder["stands"].directions(angles)])
    packed = builder["train"].folded(net, middle, spread, 0.7, 1.2)
    kernel = network.estimate(_networks._net(packed, 2, 0.0)).python
    np.testing.assert_allclose(kernel(*bands.T, *angles.T), 0.7 * net((x - middle) / spread) + 1.2, rtol=1e-10)


def test_noise_has_the_sizes_stated(builder):
    train, size = builder["train"], 40_000
    seen = np.full((size, 2), [0.04, 0.4])
    angles = np.column_stack([np.full(size, 30.0), np.zeros(size), np.zeros(size)])
    error = train.noisy(seen, np.array([0.66, 0.86]), angles, 1) - seen
    assert np.abs(error.mean(axis=0)).max() < 5e-4
    assert np.corrcoef(error.T)[0, 1] < -0.2  # what brightens red darkens the near infrared
    assert 0.014 < error[:, 0].std() < 0.022
    assert 0.018 < error[:, 1].std() < 0.035


@pytest.mark.slow
def test_training_and_reading_agree(builder, base, monkeypatch, tmp_path):
    train = builder["train"]
    monkeypatch.setattr(train, "COUNTS", {"train": 1000, "validate": 500, "test": 500})
    jobs = train.jobs(builder["stands"].pure(base), builder["stands"].mixed(base, 1), ["hj1_ccd"])
    assert [job.bands for job in jobs] == [("green", "red", "nir"), ("red", "nir")]
    parts, rows = train.train(jobs[1])
    whole = {row[0]: [float(x) for x in row[3:]] for row in rows if row[1] == "all"}
    assert whole["lai"][0] < 0.8 * base.lai.std()
    assert whole["fpar"][0] < 0.4 * base.fpar.std()
    assert all(0.58 < whole[name][3] < 0.78 for name in whole)
    np.savez(tmp_path / "networks.npz", **train.pack([(jobs[1], parts)]))
    monkeypatch.setattr(_networks, "resource", lambda _: tmp_path / "networks.npz")
    known = _networks._table.__wrapped__()["hj1_ccd"][""][0]
    assert known.bands == ("red", "nir")
    np.testing.assert_allclose(known.nets["lai"].constant, parts["lai"][-1], rtol=1e-6)
    assert known.nets["lai"].scale == train.SCALES["lai"]


def test_the_domain_holds_nearly_all_of_the_base(builder, base):
    train, stands = builder["train"], builder["stands"]
    seen = train.noisy(stands.seen_by(base, "landsat_oli", FIVE, "Landsat-8"), np.linspace(0.5, 2.2, 5), base.angles, 1)
    parts = {"domain": train.domain(seen)}
    low, high, mean, *rows = np.split(parts["domain"][:-1], range(5, 40, 5))
    triangle = tuple(tuple(row[: k + 1].tolist()) for k, row in enumerate(rows))
    ends = (tuple(x.tolist()) for x in (low, high, mean))
    where = network.Domain(*ends, triangle, float(parts["domain"][-1]))
    assert 0.0002 < (network.distance(where)(*seen.T) > 1.0).mean() < 0.0013


@pytest.mark.parametrize(
    ("sensor", "bands"), [("landsat_oli/Landsat-8", FIVE), ("gf1_wfv/WFV1", ("green", "red", "nir"))]
)
def test_shipped_networks_do_what_their_table_says_on_new_canopies(builder, base, sensor, bands):
    stands, train = builder["stands"], builder["train"]
    key, _, variant = sensor.partition("/")
    job = train.Job(bands, stands.seen_by(base, key, bands, variant), base, [sensor])
    noisy = train.noisy(job.seen, job.wavelength, base.angles, 5)
    angles = dict(zip(("sun_zenith", "view_zenith", "relative_azimuth"), base.angles.T, strict=True))
    given = _networks.Given(dict(zip(bands, noisy.T, strict=True)), **angles, sensor=sensor)
    with resource("catalogs/networks/accuracy.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for name in ("lai", "fpar", "fvc"):
        value, sigma = _networks.estimate_with_uncertainty(name, given)
        error = value - getattr(base, name)
        said = [r for r in rows if (r["bands"], r["variable"], r["range"]) == (" ".join(bands), name, "all")]
        rmse = np.mean([float(r["rmse"]) for r in said])
        assert 0.8 * rmse < np.sqrt(np.nanmean(error**2)) < 1.2 * rmse, name
        assert 0.64 < np.nanmean(np.abs(error) < sigma) < 0.73, name
        assert np.isfinite(value).mean() > 0.98
