"""REST2 beside the equations as published, and what any clear sky obeys: Beer, reflections, limits, night."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import _clear_sky_rest2 as kernels
from musyq_lab.kernels._clear_sky_rest2 import BAND_1, BAND_2, rest2, rest2_bands

REFERENCE = Path(__file__).parents[1] / "reference" / "dsr.csv"
NAMES = ("sun_zenith", "extraterrestrial", "aod", "angstrom_exponent", "water_vapour", "ozone", "pressure")
AIR = dict(zip(NAMES, (40.0, 1361.0, 0.15, 1.3, 20.0, 300.0, 98000.0), strict=True))
EMPTY = {"aod": 0.0, "water_vapour": 0.0, "ozone": 0.0, "pressure": 0.0}
ZENITHS = (0.5, 30.0, 60.0, 80.0, 88.0)
BEAM_1, DIFFUSE_1, SKY_1, BEAM_2, DIFFUSE_2, SKY_2 = range(6)


def bands(**changed):
    """Return the six results by band for the air above, with what is changed."""
    given = AIR | changed
    return rest2_bands.python(*(given[name] for name in NAMES))


def whole(albedo=0.2, **changed):
    given = AIR | changed
    return rest2.python(*(given[name] for name in NAMES), albedo)


def cosine(zenith):
    return math.cos(math.radians(zenith))


# ---- the published equations, written out from tables ----------------------------------------------------------------
# Gueymard 2008 (doi 10.1016/j.solener.2007.04.008), appendix; numbers as in R/73-REST2v5.R of clear-sky-models (commit
# 8b5b4e88), a program of its own beside that in Python. Each quotient: numerator and denominator by rising powers.
MASSES = {
    "rayleigh": (0.48353, 0.095846, 96.741, 1.754),
    "aerosol": (0.16851, 0.18198, 95.318, 1.9542),
    "vapour": (0.10648, 0.11423, 93.781, 1.9203),
    "ozone": (1.0651, 0.6379, 101.8, 2.2694),
}
RAYLEIGH = (((1, 1.8169, -0.033454), (1, 2.063, 0.31978)), ((1, -0.010394), (1, 0, -0.00011042)))
MIXED = (((1, 0.95885, 0.012871), (1, 0.96321, 0.015455)), ((1, 0.27284, -0.00063699), (1, 0.30306)))
OZONE = (
    ((0, 10.979, -8.5421), (1, 2.0115, 40.189)),
    ((0, -0.027589, -0.005138), (1, -2.4857, 13.942)),
    ((0, 10.995, -5.5001), (1, 1.6784, 42.406)),
)
NITROGEN = (
    ((0.17499, 41.654, -2146.4), (1, 0, 22295.0)),
    ((0, -1.2134, 59.324), (1, 0, 8847.8)),
    ((0.17499, 61.658, 9196.4), (1, 0, 74109.0)),
)
VAPOUR_1 = (((0, 0.065445, 0.00029901), (1, 1.2728)), ((0, 0.065687, 0.0013218), (1, 1.2008)))
VAPOUR_2 = (
    ((0, 19.566, -1.6506, 1.0672), (1, 5.4248, 1.6005)),
    ((0, 0.50158, -0.14732, 0.047584), (1, 1.1811, 1.0699)),
    ((0, 21.286, -0.39232, 1.2692), (1, 4.8318, 1.412)),
    ((0, 0.70992, -0.23155, 0.096514), (1, 0.44907, 0.75425)),
)
WAVELENGTH_1 = (
    ((0.57664, -0.024743), (1,)),
    ((0.093942, -0.2269, 0.12848), (1, 0.6418)),
    ((-0.093819, 0.36668, -0.12775), (1, -0.11651)),
    ((0, 0.15232, -0.087214, 0.012664), (1, -0.90454, 0.26167)),
)
WAVELENGTH_2 = (
    ((1.183, -0.022989, 0.020829), (1, 0.11133)),
    ((-0.50003, -0.18329, 0.23835), (1, 1.6756)),
    ((-0.50001, 1.1414, 0.0083589), (1, 11.168)),
    ((-0.70003, -0.73587, 0.51509), (1, 4.7665)),
)
FORWARD_1 = (
    ((3.715, 0.368, 0.036294), (1, 0, 0.0009391)),
    ((-0.164, -0.72567, 0.20701), (1, 0, 0.0019012)),
    ((-0.052288, 0.31902, 0.17871), (1, 0, 0.0069592)),
)
FORWARD_2 = (
    ((3.4352, 0.65267, 0.00034328), 0.034388),
    ((1.231, -1.63853, 0.20667), 0.1451),
    ((0.8889, -0.55063, 0.50152), 0.14865),
)  # the denominator is 1 + d m^1.5
SKY = (
    (0.13363, 0.00077358, 0.37567, 0.22946, 0.10832, 0.84057, 0.68683, 0.08158),
    (0.010191, 0.00085547, 0.14618, 0.062758, 0.19402, 0.58101, 0.17426, 0.17586),
)


def rising(coefficients, x):
    return sum(c * x**k for k, c in enumerate(coefficients))


def quotient(pair, x):
    return rising(pair[0], x) / rising(pair[1], x)


def mass(kind, zenith):
    a, b, c, d = MASSES[kind]
    return 1 / (cosine(zenith) + a * zenith**b / (c - zenith) ** d)


def absorber(table, amount, m):
    """Return a transmittance whose coefficients are quotients of the amount: two of the numerator, one below."""
    one, two, three = (quotient(pair, amount) for pair in table)
    return (1 + one * m + two * m * m) / (1 + three * m)


def vapour_1(w, m):
    return (1 + quotient(VAPOUR_1[0], w) * m) / (1 + quotient(VAPOUR_1[1], w) * m)


def vapour_2(w, m):
    a, b, c, d = (quotient(pair, w) for pair in VAPOUR_2)
    return (1 + a * m + b * m * m) / (1 + c * m + d * m * m)


def published(sun_zenith, extraterrestrial, aod, angstrom_exponent, water_vapour, ozone, pressure):
    """Return what `rest2_bands` should, in atm cm, cm and millibar."""
    a, beta = angstrom_exponent, aod * 0.55**angstrom_exponent
    uo, w, press = ozone / 1000, water_vapour / 10, pressure / 100
    mu, m_a, m_w = cosine(sun_zenith), mass("aerosol", sun_zenith), mass("vapour", sun_zenith)
    m_r = mass("rayleigh", sun_zenith)
    m, u = m_r * press / 1013.25, math.log(1 + m_a * beta)
    d0, d1, d2, d3 = (quotient(pair, a) for pair in WAVELENGTH_1)
    e0, e1, e2, e3 = (quotient(pair, a) for pair in WAVELENGTH_2)
    waves = (d0 + d1 * u + d2 * u**2) / (1 + d3 * u**2), (e0 + e1 * u + e2 * u**2) / (1 + e3 * u)
    ozone_1 = absorber(OZONE, uo, mass("ozone", sun_zenith))
    gases = quotient(MIXED[0], m) * ozone_1, quotient(MIXED[1], m)
    nitrogen = [min(1.0, absorber(NITROGEN, 2e-4, x)) for x in (m_w, 1.66)]
    slant = vapour_1(w, m_w) * nitrogen[0], vapour_2(w, m_w)
    diffuse = vapour_1(w, 1.66) * nitrogen[1], vapour_2(w, 1.66)
    depth = [beta * wave**-a for wave in waves]
    g = [quotient(pair, m_a) for pair in FORWARD_1]
    h = [rising(top, m_a) / (1 + d * m_a**1.5) for top, d in FORWARD_2]
    backward = 0.5 * (0.89013 - 0.0049558 * m_r + 0.000045721 * m_r**2), 0.5
    results = []
    for k, scattering in enumerate((0.92, 0.84)):
        beyond = (0.46512, 0.51951)[k] * extraterrestrial * mu
        through, dim = quotient(RAYLEIGH[k], m), math.exp(-m_a * depth[k])
        one, two, three = (g, h)[k]
        forward = (one + two * depth[k]) / (1 + three * depth[k])
        scattered = 1 - math.exp(-m_a * scattering * depth[k]) ** 0.25
        light = backward[k] * (1 - through) * dim**0.25
        light += (1 - math.exp(-0.6931 - 1.8326 * mu)) * forward * through * scattered
        s = SKY[k]
        sky = s[0] + s[1] * a + beta * (s[2] + s[3] * a) / (1 - s[4] * a)
        sky /= 1 + beta * (s[5] + s[6] * a) / (1 - s[7] * a)
        results += [beyond * through * gases[k] * slant[k] * dim, beyond * gases[k] * diffuse[k] * light, sky]
    return results


def vectors():
    with REFERENCE.open(encoding="utf-8") as lines:
        rows = [r for r in csv.DictReader(line for line in lines if line[0] != "#") if r["model"] == "rest2"]
    return [{k: float(v) for k, v in row.items() if v and k != "model"} for row in rows]


@pytest.mark.parametrize("row", vectors(), ids=lambda r: f"{r['global']:.0f}")
def test_equations_of_this_file_are_those_of_both_public_programs(row):
    """What stands above is right, so that it may judge the kernel where the programs were not run."""
    beam_1, diffuse_1, sky_1, beam_2, diffuse_2, sky_2 = published(*(row[name] for name in NAMES))
    total = (beam_1 + diffuse_1) / (1 - row["albedo"] * sky_1) + (beam_2 + diffuse_2) / (1 - row["albedo"] * sky_2)
    assert beam_1 + beam_2 == pytest.approx(row["direct"], rel=1e-12)
    assert total == pytest.approx(row["global"], rel=1e-12)


def random_air(count=60):
    """Return air within the range of the paper, at no effective wavelength outside its band."""
    random = np.random.Generator(np.random.Philox(73))
    low = np.array([0.5, 1320.0, 0.0, 0.4, 0.0, 0.0, 50000.0])
    high = np.array([84.0, 1413.0, 0.5, 2.0, 70.0, 550.0, 105000.0])
    return low + (high - low) * random.random((count, 7))


def test_every_result_is_that_of_the_published_equations():
    for given in random_air():
        np.testing.assert_allclose(rest2_bands.python(*given), published(*given), rtol=1e-11, err_msg=str(given))


# ---- optical masses --------------------------------------------------------------------------------------------------
def masses(zenith):
    return {kind: kernels._mass(zenith, math.log(zenith), cosine(zenith), *MASSES[kind]) for kind in MASSES}


@pytest.mark.parametrize(("kind", "height"), [("rayleigh", 8.0), ("aerosol", 3.0), ("vapour", 2.0), ("ozone", 22.0)])
@pytest.mark.parametrize("zenith", [30.0, 60.0, 80.0])
def test_optical_masses_are_those_of_thin_shells(kind, height, zenith):
    """A shell at a height over a round Earth: 1 / sqrt(1 - (R sin z / (R + h))^2); refraction is a few per mille."""
    sine = 6371.0 / (6371.0 + height) * math.sin(math.radians(zenith))
    assert masses(zenith)[kind] == pytest.approx(1 / math.sqrt(1 - sine * sine), rel=0.012)


def test_masses_at_the_horizon():
    """38 of air (Kasten & Young 1989: 38.09), more of what lies low, less of what lies high."""
    at = masses(90.0)
    assert at["rayleigh"] == pytest.approx(38.09, rel=0.01)
    assert at["ozone"] < at["rayleigh"] < at["aerosol"] < at["vapour"]


def test_overhead_every_mass_is_one():
    """Where the kernel takes the logarithm of zero."""
    expected = published(*(AIR | {"sun_zenith": 0.0}).values())
    np.testing.assert_allclose(bands(sun_zenith=0.0), expected, rtol=1e-11)
    assert {mass(kind, 0.0) for kind in MASSES} == {1.0}


# ---- absorption and scattering ---------------------------------------------------------------------------------------
def test_nothing_absorbs_where_there_is_nothing():
    for m in (1.0, 5.0, 30.0):
        assert kernels._ozone(0.0, m) == 1
        assert kernels._vapour_1(0.0, m) == 1
        assert kernels._vapour_2(0.0, m, 1.66) == (1, 1)
    assert kernels._depth_1(0.0, 1.3, 0.0) == kernels._depth_2(0.0, 1.3, 0.0) == 0


@pytest.mark.parametrize("zenith", ZENITHS)
def test_in_a_vacuum_the_beam_is_that_of_the_sun(zenith):
    """Of the second band to the last digits; of the first but for nitrogen dioxide, which is always there."""
    made, outside = bands(sun_zenith=zenith, **EMPTY), 1361.0 * cosine(zenith)
    assert made[BEAM_2] == pytest.approx(BAND_2 * outside, rel=1e-14)
    assert made[DIFFUSE_1] == made[DIFFUSE_2] == 0
    assert BAND_1 * outside * 0.95 < made[BEAM_1] <= BAND_1 * outside


@pytest.mark.parametrize("zenith", ZENITHS)
@pytest.mark.parametrize("aod", [0.05, 0.3, 1.0])
def test_grey_aerosol_fades_the_beam_by_the_law_of_beer(zenith, aod):
    """With an exponent of 0 the depth of both bands is that at 550 nm, whatever else is in the air."""
    m = mass("aerosol", zenith)
    for air in ({}, EMPTY):
        clean, hazy = (bands(sun_zenith=zenith, angstrom_exponent=0.0, **(air | {"aod": x})) for x in (0.0, aod))
        for band in (BEAM_1, BEAM_2):
            assert hazy[band] / clean[band] == pytest.approx(math.exp(-m * aod), rel=1e-11)


def test_the_depth_of_each_band_is_one_at_a_wavelength_within_it():
    for exponent in (0.3, 1.0, 2.0):
        for aod in (0.05, 1.5):
            for zenith in (10.0, 60.0, 85.0):
                given = {"sun_zenith": zenith, "angstrom_exponent": exponent}
                clean, hazy = bands(aod=0.0, **given), bands(aod=aod, **given)
                for band, low, high in ((BEAM_1, 0.29, 0.70), (BEAM_2, 0.70, 4.0)):
                    depth = math.log(clean[band] / hazy[band]) / mass("aerosol", zenith)
                    beta = min(aod * 0.55**exponent, 1.1)
                    assert beta * high**-exponent * (1 - 1e-9) <= depth <= beta * low**-exponent * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "values"), [("water_vapour", (0, 5, 20, 60)), ("ozone", (0, 200, 300, 500)), ("aod", (0, 0.1, 0.4, 1))]
)
def test_each_absorber_takes_from_beam_and_whole(name, values):
    for zenith in ZENITHS:
        made = np.array([bands(sun_zenith=zenith, **{name: float(v)}) for v in values])
        beams, totals = made[:, BEAM_1] + made[:, BEAM_2], made[:, :2].sum(1) + made[:, 3:5].sum(1)
        assert (np.diff(beams) < 0).all()
        assert (np.diff(totals) < 0).all()


def test_ozone_and_nitrogen_dioxide_absorb_in_the_first_band_only():
    little, much = bands(ozone=100.0), bands(ozone=500.0)
    assert little[3:] == much[3:]
    assert 0.95 < much[BEAM_1] / little[BEAM_1] < 1  # Hartley, Huggins and Chappuis: a few per cent


def test_vapour_absorbs_in_the_second_band_above_all():
    dry, wet = bands(water_vapour=2.0), bands(water_vapour=40.0)
    assert 0.97 < wet[BEAM_1] / dry[BEAM_1] < 1
    assert wet[BEAM_2] / dry[BEAM_2] < 0.90


def test_molecules_turn_beam_into_diffuse_light():
    for zenith in ZENITHS[:4]:
        made = [bands(sun_zenith=zenith, **(EMPTY | {"pressure": p})) for p in (30000.0, 60000.0, 101325.0)]
        assert made[0][BEAM_1] > made[1][BEAM_1] > made[2][BEAM_1]
        assert made[0][DIFFUSE_1] < made[1][DIFFUSE_1] < made[2][DIFFUSE_1]
        for beam_1, diffuse_1, *_ in made:
            lost = bands(sun_zenith=zenith, **EMPTY)[BEAM_1] - beam_1
            assert 0.3 * lost < diffuse_1 < 0.5 * lost  # about half of it goes upward, a little is absorbed


def test_blue_is_scattered_more_than_the_infrared():
    made = bands(**(EMPTY | {"pressure": 101325.0}))
    assert made[DIFFUSE_1] > 10 * made[DIFFUSE_2]


def test_haze_brightens_the_sky_and_dims_the_whole():
    clean, hazy = bands(aod=0.02), bands(aod=0.4)
    for beam, diffuse, sky in ((0, 1, 2), (3, 4, 5)):
        assert hazy[diffuse] > 1.5 * clean[diffuse]
        assert hazy[beam] + hazy[diffuse] < clean[beam] + clean[diffuse]
        assert 0 < clean[sky] < hazy[sky] < 0.5


@pytest.mark.parametrize("zenith", [10.0, 48.2, 60.0, 70.5])
def test_a_clean_dry_sky_is_that_of_kasten(zenith):
    """Depth of the clean dry atmosphere by Kasten (1996, doi 10.1016/0038-092X(95)00114-7), which other codes made."""
    m = mass("rayleigh", zenith)
    depth = 1 / (6.6296 + 1.7513 * m - 0.1202 * m**2 + 0.0065 * m**3 - 0.00013 * m**4)
    made = bands(sun_zenith=zenith, aod=0.0, water_vapour=0.0, ozone=343.0, pressure=101325.0)
    through = (made[BEAM_1] + made[BEAM_2]) / (1361.0 * cosine(zenith))
    # 1.5 % lies outside the bands; Kasten's air holds no nitrogen dioxide (1 to 2 %).
    assert 0.96 < through / math.exp(-depth * m) < 1.0


# ---- sums, units, ground ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("zenith", ZENITHS)
def test_no_band_gives_more_than_it_has(zenith):
    outside = 1361.0 * cosine(zenith)
    for air in ({}, {"aod": 0.0, "water_vapour": 0.0}, {"aod": 3.0}, {"pressure": 50000.0, "ozone": 0.0}):
        made = bands(sun_zenith=zenith, **air)
        assert 0 <= made[BEAM_1] + made[DIFFUSE_1] < BAND_1 * outside
        assert 0 <= made[BEAM_2] + made[DIFFUSE_2] < BAND_2 * outside


def test_all_light_is_proportional_to_that_above_the_air():
    once, twice = bands(extraterrestrial=700.0), bands(extraterrestrial=1400.0)
    for k in (BEAM_1, DIFFUSE_1, BEAM_2, DIFFUSE_2):
        assert twice[k] == pytest.approx(2 * once[k], rel=1e-14)
    assert (twice[SKY_1], twice[SKY_2]) == (once[SKY_1], once[SKY_2])


@pytest.mark.parametrize("albedo", [0.0, 0.25, 0.85, 1.0])
def test_light_between_ground_and_sky_is_a_geometric_series(albedo):
    """Each time round a share A r comes back: summed one by one, band by band."""
    made = bands(aod=0.4)
    total = 0.0
    for beam, diffuse, sky in ((0, 1, 2), (3, 4, 5)):
        total += (made[beam] + made[diffuse]) * sum((albedo * made[sky]) ** n for n in range(60))
    direct, diffuse = whole(albedo, aod=0.4)
    assert direct == pytest.approx(made[BEAM_1] + made[BEAM_2], rel=1e-13)
    assert direct + diffuse == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "held", "beyond"),
    [
        ("water_vapour", 100.0, 140.0), ("water_vapour", 0.0, -3.0), ("ozone", 600.0, 900.0),
        ("angstrom_exponent", 2.5, 3.5), ("angstrom_exponent", 0.0, -0.5),
        ("aod", 0.0, -0.1), ("aod", 1.1 * 0.55**-1.3, 4.0),
    ],
)  # fmt: skip
def test_air_beyond_the_limits_counts_as_the_limit(name, held, beyond):
    """As in the public program: 10 cm, 0.6 atm cm, exponents of 0 to 2.5, beta of 1.1."""
    np.testing.assert_allclose(bands(**{name: beyond}), bands(**{name: held}), rtol=1e-12)
    inside = bands(**{name: held + 0.05 * (AIR[name] - held)})
    assert inside[BEAM_2] != bands(**{name: held})[BEAM_2] or name == "ozone"
    assert inside[BEAM_1] != bands(**{name: held})[BEAM_1]


# ---- night, unknown numbers, types -----------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("zenith", [90.0, 96.0, 135.0, 180.0])
def test_at_night_there_is_no_light_but_the_sky_keeps_its_albedo(zenith, dtype):
    made = bands(**{name: dtype(value) for name, value in (AIR | {"sun_zenith": zenith}).items()})
    assert [float(made[k]) for k in (BEAM_1, DIFFUSE_1, BEAM_2, DIFFUSE_2)] == [0, 0, 0, 0]
    assert made[SKY_1] == pytest.approx(bands()[SKY_1], rel=1e-5)
    assert whole(0.5, sun_zenith=zenith) == (0, 0)


def test_light_grows_from_nothing_as_the_sun_rises():
    totals = [sum(whole(sun_zenith=z)) for z in (90.0, 89.99, 89.5, 88.0, 80.0, 60.0, 30.0, 0.0)]
    assert totals == sorted(totals)
    assert totals[1] < 1.0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_unknown_leaves_the_light_unknown(name):
    assert np.isnan(whole(**{name: math.nan})).all()
    made = bands(**{name: math.nan})
    assert np.isnan(made[BEAM_1])
    assert np.isnan(made[BEAM_2]) == (name != "ozone")
    assert np.isnan(made[SKY_1]) == (name in ("aod", "angstrom_exponent"))


def test_an_unknown_ground_leaves_the_beam():
    direct, diffuse = whole(math.nan)
    assert direct == whole(0.2)[0]
    assert math.isnan(diffuse)


def test_single_precision_stays_and_is_close():
    given = random_air(20).T
    double = rest2_bands.python(*given)
    single = rest2_bands.python(*given.astype("float32"))
    for one, two in zip(single, double, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-3)


def test_arrays_broadcast_as_a_loop_would():
    zenith, aod = np.array([[10.0], [50.0], [95.0]]), np.array([0.0, 0.2])
    direct, diffuse = whole(sun_zenith=zenith, aod=aod)
    assert direct.shape == diffuse.shape == (3, 2)
    for (i, j), value in np.ndenumerate(direct):
        assert (value, diffuse[i, j]) == whole(sun_zenith=zenith[i, 0], aod=aod[j])
