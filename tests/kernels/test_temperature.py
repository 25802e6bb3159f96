"""Surface temperature kernels: identities of radiative transfer, plain loops beside the compiled code, limits."""

import math
import pickle

import numpy as np
import pytest

from musyq_lab.kernels import temperature
from musyq_lab.kernels.radiometry import planck_constants, planck_radiance

TIRS = planck_constants(10.9036)
JM2014 = (1324.0, 0.04019, 0.02916, 1.01523, -0.38333, -1.50294, 0.20324, 0.00918, 1.36072, -0.27514)
TIRS_SPLIT = (-0.268, 1.378, 0.183, 54.3, -2.238, -129.2, 16.4)
COUNT = 300


def draw(*limits):
    random = np.random.default_rng(3)
    return [random.uniform(low, high, COUNT) for low, high in limits]


@pytest.fixture(scope="module")
def numbers():
    """Return coefficients of the size that a fit gives, every term in use."""
    random = np.random.default_rng(5)
    scale = np.repeat([3.0, 0.02, 0.05, 0.1, 1.0, 3.0, 5.0, 0.1], 9)
    made = scale * random.normal(size=72)
    made[9] += 1.0
    return tuple(made.tolist())


@pytest.fixture(scope="module")
def split(numbers):
    return temperature.generalised_split_window(numbers)


@pytest.fixture(scope="module")
def looks():
    return draw((250, 330), (248, 328), (0.93, 1.0), (0.93, 1.0), (0, 80), (0, 80))


def by_the_book(numbers, first, second, e1, e2, column, zenith):
    """The equation of the module's head, one pixel at a time."""
    w, s = min(0.1 * column, 6.5), 1 / math.cos(math.radians(min(zenith, 70.0))) - 1
    terms = [1, w, w**2, w**3, s, w * s, w**2 * s, s**2, w * s**2]
    c, a1, a2, a3, b1, b2, b3, d = (
        sum(x * t for x, t in zip(numbers[k : k + 9], terms, strict=True)) for k in range(0, 72, 9)
    )
    e, de = (e1 + e2) / 2, e1 - e2
    middle = a1 + a2 * (1 - e) / e + a3 * de / e**2
    apart = b1 + b2 * (1 - e) / e + b3 * de / e**2
    return c + middle * (first + second) / 2 + apart * (first - second) / 2 + d * (first - second) ** 2


def test_split_window_is_the_equation(split, numbers, looks):
    expected = [by_the_book(numbers, *pixel) for pixel in zip(*looks, strict=True)]
    assert split(*looks) == pytest.approx(expected, rel=1e-10)


def test_compiled_is_the_twin(split, looks):
    few = [x[:20] for x in looks]
    assert split(*few) == pytest.approx(split.python(*few), rel=1e-12)


def test_single_precision_is_within_a_hundredth_of_a_kelvin(split, looks):
    single = split(*(x.astype(np.float32) for x in looks))
    assert single.dtype == np.float32
    assert np.abs(single - split(*looks)).max() < 0.01


def test_vapour_and_angle_end_where_the_table_does(split):
    here = [np.array([x]) for x in (300.0, 298.0, 0.97, 0.98)]
    far = split(*here, np.array([[90.0, 65.0]]).T, np.array([[75.0, 70.0]]).T)
    assert far[0] == pytest.approx(far[1], abs=1e-9)
    near, at = split(*here, np.array([[30.0, 30.0]]).T, np.array([[69.999999, 70.000001]]).T)
    assert near == pytest.approx(at, abs=1e-3)


@pytest.mark.parametrize(("vapour", "zenith"), [((0, 70), (40, 40)), ((20, 20), (0, 75))], ids=["vapour", "angle"])
def test_split_window_steps_nowhere(split, vapour, zenith):
    """Ten times finer steps give ten times smaller differences, ends of the table included."""

    def largest(count):
        one = np.ones(count)
        path = np.linspace(*vapour, count), np.linspace(*zenith, count)
        return np.abs(np.diff(split(300 * one, 298 * one, 0.97 * one, 0.975 * one, *path))).max()

    assert largest(20001) < 0.12 * largest(2001)


def test_every_input_is_needed(split, looks):
    for index in range(len(looks)):
        holed = [x.copy() for x in looks]
        holed[index][0] = np.nan
        made = split(*holed)
        assert np.isnan(made[0])
        assert np.isfinite(made[1:]).all()


def test_split_window_wants_72_numbers():
    with pytest.raises(ValueError, match="needs 72 numbers, got 3"):
        temperature.generalised_split_window((1.0, 2.0, 3.0))


def test_split_window_travels(split, looks):
    again = pickle.loads(pickle.dumps(split))
    few = [x[:5] for x in looks]
    assert (again(*few) == split(*few)).all()


def test_black_and_equal_bands_leave_the_offset_alone():
    """Without a difference and with emissivity 1 nothing but c0 corrects."""
    one = np.ones(4)
    made = temperature.split_window(300 * one, 300 * one, one, one, np.arange(4.0) * 20, *TIRS_SPLIT)
    assert made == pytest.approx(300 - 0.268, abs=1e-9)


def test_published_split_window_is_the_equation(looks):
    t1, t2, e1, e2, column, _ = looks
    d, w, e, de = t1 - t2, 0.1 * column, (e1 + e2) / 2, e1 - e2
    c0, c1, c2, c3, c4, c5, c6 = TIRS_SPLIT
    expected = t1 + c1 * d + c2 * d**2 + c0 + (c3 + c4 * w) * (1 - e) + (c5 + c6 * w) * de
    assert temperature.split_window(t1, t2, e1, e2, column, *TIRS_SPLIT) == pytest.approx(expected, rel=1e-12)
    few = [x[:20] for x in (t1, t2, e1, e2, column)]
    twin = temperature.split_window.python(*few, *TIRS_SPLIT)
    assert temperature.split_window(*few, *TIRS_SPLIT) == pytest.approx(twin, rel=1e-13)


def test_no_vapour_knob_of_one_sensor_is_hard_coded(looks):
    """pylandtemp takes 0.013 g cm-2 for every pixel; here each pixel has its own."""
    t1, t2, e1, e2, _, _ = looks
    dry, wet = (temperature.split_window(t1, t2, e1, e2, np.full(COUNT, w), *TIRS_SPLIT) for w in (0.13, 40.0))
    assert (dry != wet).all()


def test_no_ceiling():
    """pylandtemp removes what is above 330 K; deserts and fires are hotter."""
    hot = np.array([330.0, 345.0, 400.0])
    one = np.ones(3)
    assert (temperature.split_window(hot, hot - 2, 0.95 * one, 0.96 * one, 5 * one, *TIRS_SPLIT) > hot).all()
    assert (temperature.single_channel(hot, 0.95 * one, 5 * one, 0 * one, *TIRS, *JM2014) > hot).all()


@pytest.mark.parametrize(
    ("t", "e", "w", "value"), [(300, 0.97, 10, 303.5053237098081), (305, 0.965, 20, 310.96155406930666)]
)
def test_single_channel_of_the_vectors(t, e, w, value):
    made = temperature.single_channel.python(t, e, w, 0.0, *planck_constants(10.904), *JM2014)
    assert made == pytest.approx(value, abs=5e-6)


def test_single_channel_is_the_equation():
    t, e, column, zenith = draw((255, 325), (0.9, 1.0), (0, 60), (0, 65))
    expected = []
    for ti, ei, wi, zi in zip(t, e, 0.1 * column, zenith, strict=True):
        radiance = planck_radiance(ti, 10.9036)
        gamma = ti**2 / (1324.0 * radiance)
        x = wi / math.cos(math.radians(zi))
        psi1 = np.polyval(JM2014[1:4], x)
        psi3 = np.polyval(JM2014[7:10], wi)
        psi2 = np.polyval(JM2014[4:7], x) + np.polyval(JM2014[7:10], x) - psi3
        expected.append(gamma * ((psi1 * radiance + psi2) / ei + psi3) + ti - gamma * radiance)
    made = temperature.single_channel(t, e, column, zenith, *TIRS, *JM2014)
    assert made == pytest.approx(expected, abs=2e-6)  # the radiation constants of the two differ in the last digits
    single = temperature.single_channel(*(x.astype(np.float32) for x in (t, e, column, zenith)), *TIRS, *JM2014)
    assert np.abs(single - made).max() < 0.02


def test_single_channel_without_an_atmosphere_sees_the_surface():
    """psi1 = 1, psi2 = psi3 = 0 and emissivity 1: what is seen is what is there."""
    t = np.linspace(250, 330, 9)
    clear = (1324.0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    made = temperature.single_channel(t, np.ones(9), np.full(9, 30.0), np.zeros(9), *TIRS, *clear)
    assert made == pytest.approx(t, abs=1e-9)


def test_wavelength_is_that_of_the_band():
    """A public code takes 11.457 um, that of TM, for TIRS too: 0.2 K where the ground is grey."""
    tm = planck_constants(11.457)
    here = (300.0, 0.93, 10.0, 0.0)
    own = temperature.single_channel.python(*here, *TIRS, *JM2014)
    other = temperature.single_channel.python(*here, *tm, 14387.77 / 11.457, *JM2014[1:])
    assert abs(own - other) > 0.15


def test_transfer_inverts_what_it_is_given():
    t, e, tau, up, down = draw((255, 335), (0.9, 1.0), (0.3, 0.99), (0.0, 5.0), (0.0, 7.0))
    black = np.array([planck_radiance(x, 10.9036) for x in t])
    top = tau * (e * black + (1 - e) * down) + up
    assert temperature.radiative_transfer(top, up, down, tau, e, *TIRS) == pytest.approx(t, abs=1e-8)
    few = [x[:20] for x in (top, up, down, tau, e)]
    assert temperature.radiative_transfer.python(*few, *TIRS) == pytest.approx(t[:20], abs=1e-8)


def test_transfer_in_an_enclosure_does_not_need_the_emissivity():
    """Under a sky as warm as the ground every surface looks black."""
    black = planck_radiance(300.0, 10.9036)
    e = np.linspace(0.5, 1.0, 6)
    full = np.full(6, black)
    made = temperature.radiative_transfer(0.7 * full + 1.0, np.ones(6), full, np.full(6, 0.7), e, *TIRS)
    assert made == pytest.approx(300.0, abs=1e-8)


def test_transfer_without_a_ground_has_no_value():
    """Path radiance above that at the top is cloud or a wrong atmosphere."""
    made = temperature.radiative_transfer(np.array([5.0]), np.array([6.0]), np.array([3.0]), 0.7, 0.98, *TIRS)
    assert np.isnan(made[0])


def test_mono_window_is_linear_in_the_inverse_of_emissivity():
    t, e = draw((260, 320), (0.9, 1.0))
    made = temperature.mono_window(t, e, 1.009, -232.275, 230.5698)
    assert made == pytest.approx(1.009 * t / e - 232.275 / e + 230.5698, rel=1e-12)
    assert temperature.mono_window.python(t[0], e[0], 1.0, 0.0, 0.0) == pytest.approx(t[0] / e[0])
