"""PROSPECT-D against published runs, an independent package, the exponential integral of scipy, and conservation."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import exp1

from musyq_lab.kernels import _prospect
from musyq_lab.kernels.leaf import LeafConstants, interface_transmissivity, prospect_d
from musyq_lab.standard.spectra import leaf_constants

NM = np.array([450, 490, 560, 665, 705, 740, 783, 865, 945, 1610, 2190, 2400])
# jgomezdans/prosail tests/data/prospect_d_test.mat (run of the authors' Matlab code), 12 of 2101 wavelengths
PUBLISHED = {
    "reflectance": [
        0.041078089,
        0.041617675,
        0.125129957,
        0.038560108,
        0.175716368,
        0.359378188,
        0.385437356,
        0.385084144,
        0.37973999,
        0.22707751,
        0.096140067,
        0.036495343,
    ],
    "transmittance": [
        0.002731077,
        0.014636908,
        0.192809571,
        0.028690359,
        0.275377342,
        0.499281862,
        0.531526121,
        0.530754837,
        0.526643882,
        0.40305668,
        0.245859511,
        0.115599652,
    ],
}
CONTENTS = ("cab", "car", "ant", "cbrown", "cw", "cm")


def leaves(count, seed=1, dtype=np.float64):
    rng = np.random.default_rng(seed)
    highs = (90.0, 20.0, 6.0, 1.0, 0.04, 0.03)
    return [rng.uniform(1.0, 3.0, count).astype(dtype), *(rng.uniform(0.0, x, count).astype(dtype) for x in highs)]


@pytest.fixture(scope="module")
def constants():
    return leaf_constants()


def flat(size, refractive=1.4, **absorption):
    zeros = {name: np.zeros(size) for name in ("chlorophyll", "carotenoids", "anthocyanins", "brown", "water", "dry")}
    return LeafConstants(wavelength=np.ones(size), refractive=np.full(size, refractive), **(zeros | absorption))


def test_published_run(constants):
    found = prospect_d(1.2, 30.0, 10.0, 1.0, 0.0, 0.015, 0.009, constants=constants)
    for name, spectrum in zip(PUBLISHED, found, strict=True):
        np.testing.assert_allclose(spectrum[NM - 400], PUBLISHED[name], rtol=0, atol=1e-6, err_msg=name)


def test_an_independent_package_gives_the_same(constants):
    peer = pytest.importorskip("prosail", reason="prosail is not a dependency; this comparison needs it")
    for row in zip(*leaves(8), strict=True):
        n, cab, car, ant, cbrown, cw, cm = map(float, row)
        _, reflectance, transmittance = peer.run_prospect(n, cab, car, cbrown, cw, cm, ant=ant)
        ours = prospect_d(*row, constants=constants)
        np.testing.assert_allclose(ours[0], reflectance, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ours[1], transmittance, rtol=0, atol=1e-12)


def test_prospect_5_published_run():
    """Run of the original code (prospect5_spectrum.txt, four decimals) with the constants that prosail holds."""
    peer = pytest.importorskip("prosail", reason="the constants of PROSPECT-5 do not ship; prosail has them")
    five = peer.spectral_lib.prospect5
    constants = LeafConstants(
        np.arange(400, 2501) / 1e3, five.nr, five.kab, five.kcar, 0 * five.kab, five.kbrown, five.kw, five.km
    )
    reflectance, transmittance = prospect_d(2.1, 40.0, 10.0, 0.0, 0.1, 0.015, 0.009, constants=constants)
    np.testing.assert_allclose(reflectance[NM[2:5] - 400], [0.145333652, 0.047582167, 0.224041904], rtol=0, atol=1e-6)
    np.testing.assert_allclose(transmittance[NM[9:] - 400], [0.270062869, 0.157710021, 0.066847958], rtol=0, atol=1e-6)


def test_exponential_integral():
    k = np.geomspace(1e-12, 60.0, 40001)
    exact = (1.0 - k) * np.exp(-k) + k**2 * exp1(k)
    np.testing.assert_allclose(_prospect.transmissivity(k), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(_prospect.transmissivity(k.astype(np.float32)), exact, rtol=0, atol=1e-6)


def test_transmissivity_at_the_ends():
    np.testing.assert_array_equal(_prospect.transmissivity(np.array([0.0, 1e6, np.nan])), [1.0, 0.0, np.nan])


@pytest.mark.parametrize("angle", [20.0, 40.0, 59.0, 90.0])
@pytest.mark.parametrize("index", [1.25, 1.4, 1.55])
def test_surface_is_the_mean_of_fresnel(angle, index):
    def fresnel(theta):
        inner = np.sqrt(index**2 - np.sin(theta) ** 2)
        s = ((np.cos(theta) - inner) / (np.cos(theta) + inner)) ** 2
        p = ((index**2 * np.cos(theta) - inner) / (index**2 * np.cos(theta) + inner)) ** 2
        return 1.0 - (s + p) / 2.0

    top = np.radians(angle)
    integral, _ = quad(lambda x: fresnel(x) * np.sin(x) * np.cos(x), 0.0, top)
    assert interface_transmissivity(angle, index) == pytest.approx(integral / (0.5 * np.sin(top) ** 2), abs=1e-9)


def test_nothing_is_lost_without_absorption():
    for n in (1.0, 1.5, 2.7):
        reflectance, transmittance = prospect_d(n, 40.0, 8.0, 0.0, 0.0, 0.01, 0.01, constants=flat(3))
        np.testing.assert_allclose(reflectance + transmittance, 1.0, rtol=0, atol=1e-12)
        assert ((reflectance > 0.0) & (transmittance > 0.0)).all()


def test_absorption_is_small_and_smooth_near_none():
    """Across the switch to the limit of no absorption the absorbed share grows in proportion to the thickness."""
    thickness = np.geomspace(1e-14, 1e-6, 40)
    reflectance, transmittance = prospect_d(1.6, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, constants=flat(40, dry=thickness))
    lost = 1.0 - reflectance - transmittance
    assert (lost > -1e-11).all()
    np.testing.assert_allclose(lost[20:] / thickness[20:], lost[-1] / thickness[-1], rtol=2e-2)


def test_a_black_leaf_reflects_only_at_its_surface():
    reflectance, transmittance = prospect_d(1.7, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, constants=flat(2, dry=np.full(2, 1e4)))
    np.testing.assert_allclose(transmittance, 0.0, atol=1e-15)
    np.testing.assert_allclose(reflectance, 1.0 - interface_transmissivity(40.0, 1.4), atol=1e-12)


def test_leaves_never_gain_light(constants):
    reflectance, transmittance = prospect_d(*leaves(50), constants=constants)
    assert (reflectance > 0.0).all()
    assert (transmittance >= 0.0).all()
    assert (reflectance + transmittance < 1.0).all()


@pytest.mark.parametrize("name", CONTENTS)
def test_more_of_a_content_absorbs_more(constants, name):
    base = dict(zip(CONTENTS, (30.0, 8.0, 1.0, 0.1, 0.01, 0.008), strict=True))
    more = base | {name: 1.5 * base[name]}
    less = sum(prospect_d(1.5, **base, constants=constants))
    assert (sum(prospect_d(1.5, **more, constants=constants)) <= less + 1e-12).all()


def test_two_plates_are_two_single_plates():
    """For N = 2 the pile is the top plate on one more plate, solved here by adding (Stokes' two plates)."""
    k, index = 0.3, 1.4
    single = flat(2, dry=np.full(2, k))
    t12 = interface_transmissivity(90.0, index)
    tau = (1 - k) * np.exp(-k) + k**2 * exp1(k)
    inner = 1.0 - t12 / index**2
    t = t12 * tau * (1 - inner) / (1 - (inner * tau) ** 2)
    r = 1 - t12 + inner * tau * t
    top_r, top_t = (x[0] for x in prospect_d(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, constants=single))
    both = prospect_d(2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, constants=single)
    assert both[0][0] == pytest.approx(top_r + top_t * r * t / (1 - r * r), abs=1e-13)
    assert both[1][0] == pytest.approx(top_t * t / (1 - r * r), abs=1e-13)


def test_float32_follows_float64(constants):
    narrow = leaves(60, dtype=np.float32)
    wide = [x.astype(np.float64) for x in narrow]
    for found, exact in zip(
        prospect_d(*narrow, constants=constants), prospect_d(*wide, constants=constants), strict=True
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=0, atol=2e-6)


def test_missing_contents_and_too_few_plates_give_nan(constants):
    for place in range(7):
        row = [1.5, 30.0, 8.0, 0.0, 0.0, 0.01, 0.009]
        row[place] = np.nan
        assert np.isnan(prospect_d(*row, constants=constants.at(slice(0, 5)))).all()
    assert np.isnan(prospect_d(0.9, 30.0, 8.0, 0.0, 0.0, 0.01, 0.009, constants=constants.at(slice(0, 5)))).all()


def test_shapes_broadcast(constants):
    few = constants.at(np.arange(0, 2101, 500))
    reflectance, _ = prospect_d(
        np.full((3, 1), 1.5), 30.0, 8.0, 0.0, 0.0, np.linspace(0.01, 0.02, 4), 0.009, constants=few
    )
    assert reflectance.shape == (3, 4, 5)
    assert reflectance.dtype == np.float64


def test_compiled_kernel_is_its_python_twin(constants):
    few = constants.at(np.array([60, 450, 1500]))
    case = [np.asarray(x)[..., None] for x in leaves(4)]
    t12 = interface_transmissivity(90.0, few.refractive)
    spectra = (few.chlorophyll, few.carotenoids, few.anthocyanins, few.brown, few.water, few.dry)
    arguments = (*case, *spectra, interface_transmissivity(40.0, few.refractive), t12, t12 / few.refractive**2)
    for compiled, twin in zip(_prospect.plates(*arguments), _prospect.plates.python(*arguments), strict=True):
        np.testing.assert_allclose(compiled, twin, rtol=1e-13, atol=1e-15)
