"""What the shortwave products share: units and order of the air, assumptions, options, errors by differences."""

import math

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.variables import quantity
from musyq_lab.kernels import clear_sky, heliosat
from musyq_lab.products import _shortwave as shortwave
from musyq_lab.products._shortwave import AIR, CLEAR_SKIES, SIGMAS, SPLITS, Assumed
from musyq_lab.products.dsr import SPEC

SUN = np.float64(40.0), np.float64(1361.0)
STATE = {
    "aod": 0.12,
    "angstrom_exponent": 1.1,
    "water_vapour": 20.0,
    "ozone": 320.0,
    "surface_pressure": 90000.0,
    "albedo": 0.3,
}


@pytest.fixture(autouse=True)
def _python_twins(monkeypatch):
    """A few numbers are not worth the seconds of compiling."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def air(dtype=float, **changed):
    return shortwave.filled({name: np.asarray(v, dtype) for name, v in (STATE | changed).items()}, dtype(0))


def sky(model, zenith=SUN[0], linke=None, **changed):
    return shortwave.irradiance(model, np.asarray(zenith), SUN[1], air(**changed), linke)


# ---- what is assumed -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("aod", 0.15),
        ("angstrom_exponent", 1.3),
        ("water_vapour", 15.0),
        ("ozone", 300.0),
        ("surface_pressure", 101325.0),
        ("albedo", 0.2),
    ],
)
def test_what_is_assumed_is_what_the_documentation_says(name, value):
    """The module of the product: 0.15; 1.3; 15 kg m-2; 300 DU; 1013 hPa; 0.2."""
    assert shortwave.filled({}, np.float64(0))[name] == value
    low, high = quantity(name).valid_range
    assert low <= AIR[name].value - AIR[name].sigma
    assert AIR[name].value + AIR[name].sigma <= high
    assert name in SIGMAS


def test_it_is_less_sure_than_what_is_given():
    for name, (value, sigma) in AIR.items():
        absolute, relative = SIGMAS[name]
        assert sigma > math.hypot(absolute, relative * value), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_only_gaps_are_filled_and_in_the_type_of_the_rest(dtype):
    aod = np.array([0.1, np.nan], dtype)
    made = shortwave.filled({"aod": aod, "ozone": None, "sun_zenith": aod}, aod)
    assert list(made) == list(AIR)
    assert made["aod"] is aod  # what is bad stays bad: no value is made up for single pixels
    assert {value.dtype for value in made.values()} == {np.dtype(dtype)}
    assert all(made[name].shape == () for name in AIR if name != "aod")


@pytest.mark.parametrize("name", ["aod", "water_vapour", "ozone", "surface_pressure", "albedo"])
def test_each_assumption_has_a_bit(name):
    units = {n: {"units": quantity(n).units} for n in ("sun_zenith", "extraterrestrial_shortwave", *AIR)}
    values = {"sun_zenith": 40.0, "extraterrestrial_shortwave": 1361.0} | {n: a.value for n, a in AIR.items()}
    given = {n: xr.DataArray([v], dims="x", attrs=units[n]) for n, v in values.items()}
    flag = next(f for f in SPEC.all_flags if f.name == "assumed_air")
    full = ml.retrieve("dsr", **given, method="clear_sky", uncertainty=False)
    less = ml.retrieve("dsr", **{n: v for n, v in given.items() if n != name}, method="clear_sky", uncertainty=False)
    assert less.dsr.item() == full.dsr.item() > 0
    assert not full.dsr_qa.item() & flag.mask
    assert less.dsr_qa.item() & flag.mask


def test_inputs_of_the_air_are_optional_with_their_errors():
    made = shortwave.air_inputs("linke_turbidity", "cloud_fraction")
    assert [i.name for i in made] == [*AIR, "linke_turbidity", "cloud_fraction"]
    assert all(i.optional for i in made)
    assert {i.name: i.uncertainty for i in made} == SIGMAS | {"cloud_fraction": (0.0, 0.0)}


# ---- options ---------------------------------------------------------------------------------------------------------
def test_known_options_pass():
    for name in CLEAR_SKIES:
        shortwave.choose("clear_sky", name, CLEAR_SKIES)


@pytest.mark.parametrize(
    ("kind", "name", "known", "hint"),
    [
        ("clear_sky", "brid", CLEAR_SKIES, "bird"),
        ("diffuse", "ERBS", SPLITS, "erbs"),
        ("clear_sky", "", CLEAR_SKIES, ""),
    ],
)
def test_others_are_refused_by_what_was_given_and_what_there_is(kind, name, known, hint):
    with pytest.raises(InputError) as caught:
        shortwave.choose(kind, name, known)
    said = str(caught.value)
    assert said.startswith(f"{kind}={name!r} is not known.")
    assert said.endswith(f"There are {', '.join(known)}.")
    assert (f"Did you mean {hint!r}?" in said) == bool(hint)


# ---- clear skies: units and order, beside pvlib ----------------------------------------------------------------------
def zenith_and_mass(model):
    return 40.0, float(pvlib.atmosphere.get_relative_airmass(40.0, model))


def test_bird_has_its_air_in_the_units_of_pvlib():
    """There vapour in cm, ozone in atm cm, depths at 380 and 500 nm."""
    zenith, mass = zenith_and_mass("kasten1966")
    depths = [0.12 * (wave / 550) ** -1.1 for wave in (380, 500)]
    theirs = pvlib.clearsky.bird(zenith, mass, *depths, 2.0, 0.32, 90000.0, 1361.0, albedo=0.3)
    direct, diffuse = sky("bird")
    assert direct == pytest.approx(theirs["direct_horizontal"], rel=1e-12)
    assert direct + diffuse == pytest.approx(theirs["ghi"], rel=1e-12)


def test_solis_has_its_air_in_the_units_of_pvlib():
    theirs = pvlib.clearsky.simplified_solis(50.0, 0.12 * (700 / 550) ** -1.1, 2.0, 90000.0, 1361.0)
    direct, diffuse = sky("solis")
    assert direct == pytest.approx(theirs["dni"] * math.cos(math.radians(40.0)), rel=1e-12)
    assert direct + diffuse == pytest.approx(theirs["ghi"], rel=1e-12)


def test_haurwitz_knows_neither_air_nor_distance():
    theirs = float(pvlib.clearsky.haurwitz(pd.Series([40.0]))["ghi"].iloc[0])
    for changed in ({}, {"aod": 1.0, "surface_pressure": 60000.0, "albedo": 0.9}):
        assert sum(sky("haurwitz", **changed)) == pytest.approx(theirs, rel=1e-12)
    split = pvlib.irradiance.erbs_driesse(theirs, 40.0, dni_extra=1361.0)
    assert sky("haurwitz")[1] == pytest.approx(float(split["dhi"]), rel=1e-9)


@pytest.mark.parametrize("model", ["ineichen", "esra"])
def test_turbidity_given_or_made_from_aerosol_and_vapour(model):
    kernel = getattr(clear_sky, model).python
    assert sky(model, linke=np.float64(4.0)) == kernel(40.0, 1361.0, 4.0, 90000.0)
    assert sky(model, linke=np.float64(4.0), aod=2.0) == sky(model, linke=np.float64(4.0))
    broad = pvlib.atmosphere.bird_hulstrom80_aod_bb(*(0.12 * (wave / 550) ** -1.1 for wave in (380, 500)))
    linke = float(pvlib.atmosphere.kasten96_lt(2.0, 2.0, broad))
    assert shortwave.turbidity_of(*(np.float64(STATE[n]) for n in list(AIR)[:3])) == pytest.approx(linke, rel=1e-12)
    np.testing.assert_allclose(sky(model), kernel(40.0, 1361.0, linke, 90000.0), rtol=1e-12)


def test_turbidity_of_dry_air_is_that_of_a_tenth_of_a_millimetre():
    made = [shortwave.turbidity_of(np.float64(0.1), np.float64(1.3), np.float64(w)) for w in (0.0, 0.1, 1.0, 20.0)]
    assert made[0] == made[1] < made[2] < made[3]
    assert 1 < made[0] < 3
    single = shortwave.turbidity_of(*(np.array([v], "f4") for v in (0.1, 1.3, 0.0)))
    assert single.dtype == np.float32
    assert single == pytest.approx(made[0], rel=1e-5)


@pytest.mark.parametrize("model", CLEAR_SKIES)
def test_beam_and_diffuse_light_of_every_model(model):
    """At night none, unknown where the Sun is unknown, less above a lower Sun, the same east and west of noon."""
    direct, diffuse = sky(model, np.array([30.0, 60.0, 80.0, 95.0, np.nan]))
    assert (np.diff(direct[:4]) < 0).all()
    assert (np.diff(diffuse[:4] + direct[:4]) < 0).all()
    assert direct[3] == diffuse[3] == 0
    assert np.isnan([direct[4], diffuse[4]]).all()
    assert (diffuse[:3] > 0).all()


@pytest.mark.parametrize("model", CLEAR_SKIES)
def test_single_precision_stays_single_and_close(model):
    zenith = np.array([20.0, 70.0])
    double = shortwave.irradiance(model, zenith, SUN[1], air())
    single = shortwave.irradiance(model, zenith.astype("f4"), np.float32(1361.0), air(np.float32))
    for one, two in zip(single, double, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=0.02)


@pytest.mark.parametrize("model", ["rest2", "bird"])
def test_the_ground_reaches_the_models_that_know_it(model):
    dark, bright = sky(model, albedo=0.0), sky(model, albedo=0.8)
    assert bright[0] == dark[0]
    assert bright[1] > dark[1] + 20


def test_views_of_larger_arrays_give_the_same():
    zenith = np.linspace(5.0, 85.0, 12).reshape(3, 4)
    plain = shortwave.irradiance("bird", zenith, SUN[1], air(aod=np.tile([0.1, 0.2, 0.3, 0.4], (3, 1))))
    turned = shortwave.irradiance("bird", np.asfortranarray(zenith), SUN[1], air(aod=np.array([0.1, 0.2, 0.3, 0.4])))
    for one, two in zip(plain, turned, strict=True):
        np.testing.assert_array_equal(one, two)


def test_arrays_for_kernels_are_contiguous_and_not_copied_for_nothing():
    whole = np.arange(12.0).reshape(3, 4)
    same, turned, part, number = shortwave.contiguous(whole, whole.T, whole[:, ::2], 2.0)
    assert same is whole
    for made, view in ((turned, whole.T), (part, whole[:, ::2])):
        assert made.flags.c_contiguous
        np.testing.assert_array_equal(made, view)
    assert number.shape == ()


# ---- clouds ----------------------------------------------------------------------------------------------------------
def cloudy(depth, fraction=1.0, zenith=SUN[0], **changed):
    return shortwave.under_cloud(zenith, SUN[1], air(**changed), np.float64(depth), np.float64(fraction))


@pytest.mark.parametrize(("depth", "fraction"), [(0.0, 1.0), (30.0, 0.0)])
def test_without_clouds_the_sky_is_that_of_rest2(depth, fraction):
    direct, diffuse, visible_direct, visible_diffuse = cloudy(depth, fraction)
    np.testing.assert_allclose((direct, diffuse), sky("rest2"), rtol=1e-9)
    given = (STATE[n] for n in list(AIR)[:5])
    beam, scattered, albedo, *_ = clear_sky.rest2_bands.python(40.0, 1361.0, *given)
    assert visible_direct == pytest.approx(beam, rel=1e-12)
    assert visible_direct + visible_diffuse == pytest.approx((beam + scattered) / (1 - 0.3 * albedo), rel=1e-9)


def test_thicker_clouds_and_more_of_them_leave_less():
    for totals in ([sum(cloudy(d)[:2]) for d in (0, 3, 10, 40)], [sum(cloudy(10, c)[:2]) for c in (0, 0.3, 0.7, 1)]):
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] < 0.6 * totals[0]
    direct, diffuse, visible_direct, visible_diffuse = cloudy(10.0)
    assert direct < 1e-2 < diffuse
    assert 0.4 < (visible_direct + visible_diffuse) / (direct + diffuse) < 0.7


def test_clouds_over_snow_know_the_ground_and_nights_have_no_light():
    assert sum(cloudy(20.0, albedo=0.8)[:2]) > 1.3 * sum(cloudy(20.0, albedo=0.1)[:2])
    assert cloudy(5.0, zenith=np.float64(100.0)) == (0, 0, 0, 0)


# ---- beam and diffuse light of a whole -------------------------------------------------------------------------------
THEIRS = {
    "erbs": lambda ghi, z: pvlib.irradiance.erbs(ghi, z, 172)["dhi"],
    "erbs_driesse": lambda ghi, z: pvlib.irradiance.erbs_driesse(ghi, z, 172)["dhi"],
    "orgill_hollands": lambda ghi, z: pvlib.irradiance.orgill_hollands(ghi, z, 172)["dhi"],
    "boland": lambda ghi, z: pvlib.irradiance.boland(ghi, z, 172)["dhi"],
}


@pytest.mark.parametrize("name", THEIRS)
def test_regressions_are_those_of_pvlib(name):
    zenith, total = (a.ravel() for a in np.meshgrid([15.0, 50.0, 75.0], [30.0, 200.0, 500.0]))
    beyond = np.float64(pvlib.irradiance.get_extra_radiation(172))
    made = shortwave.split(name, total, zenith, beyond, np.float64(101325.0))
    np.testing.assert_allclose(made, np.minimum(THEIRS[name](total, zenith), total), rtol=1e-9)


def test_disc_alone_knows_the_pressure():
    for name in SPLITS:
        low, high = (shortwave.split(name, np.float64(600.0), *SUN, np.float64(p)) for p in (6e4, 1e5))
        assert (low != high) == (name == "disc")
        if name == "disc":
            assert low == heliosat.disc.python(600.0, *SUN, 6e4)


@pytest.mark.parametrize("name", SPLITS)
def test_diffuse_light_is_never_more_than_the_whole(name):
    zenith, total = np.meshgrid([0.0, 40.0, 80.0, 86.9, 88.0, 89.9, 95.0], [0.0, 1.0, 50.0, 400.0, 1100.0])
    made = shortwave.split(name, total, zenith, SUN[1], np.float64(101325.0))
    assert ((made >= 0) & (made <= total)).all()
    overcast = shortwave.split(name, np.float64(60.0), *SUN, np.float64(101325.0))
    assert overcast > 57.0  # under a thick cloud nearly all
    assert np.isnan(shortwave.split(name, np.float64(np.nan), *SUN, np.float64(101325.0)))


# ---- errors by differences -------------------------------------------------------------------------------------------
def test_variance_of_a_sum_and_a_product():
    """Var(3a - 2b) = 9 Va + 4 Vb; of a b by the slopes b and a."""

    def both(aod, albedo):
        return 3 * aod - 2 * albedo, aod * albedo

    values = {"aod": np.array([0.5, 1.0]), "albedo": np.array([0.3, 0.6])}
    sigmas = {"aod": np.float64(0.05), "albedo": np.array([0.02, 0.04])}
    first, second = shortwave.spread(both, values, sigmas)
    np.testing.assert_allclose(first, 9 * 0.05**2 + 4 * np.array([0.02, 0.04]) ** 2, rtol=1e-12)
    expected = (values["albedo"] * 0.05) ** 2 + (values["aod"] * sigmas["albedo"]) ** 2
    np.testing.assert_allclose(second, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "value"), [("albedo", 0.0), ("albedo", 0.99), ("albedo", 1.0), ("ozone", 60.0)])
def test_steps_end_where_the_range_does_and_the_slope_is_that_of_the_shorter_step(name, value):
    seen = []

    def line(**given):
        seen.append(float(given[name]))
        return (7.0 * given[name],)

    sigma = 0.1 if name == "albedo" else 30.0
    (variance,) = shortwave.spread(line, {name: np.float64(value)}, {name: np.float64(sigma)})
    assert variance == pytest.approx((7.0 * sigma) ** 2, rel=1e-9)
    low, high = quantity(name).valid_range
    assert low <= min(seen) < max(seen) <= high


def test_central_differences_have_the_slope_of_a_parabola():
    (variance,) = shortwave.spread(lambda aod: (aod**2,), {"aod": np.float64(0.8)}, {"aod": np.float64(0.3)})
    assert variance == pytest.approx((2 * 0.8 * 0.3) ** 2, rel=1e-12)


def test_certain_and_unknown_inputs():
    values = {"aod": np.array([0.2, 0.2, np.nan]), "albedo": np.array([0.3])}
    with np.errstate(all="raise"):
        (made,) = shortwave.spread(lambda aod, albedo: (aod + albedo,), values, {"aod": np.array([0.0, 0.1, 0.1])})
    np.testing.assert_allclose(made, [0.0, 0.01, np.nan], atol=1e-15)
    assert shortwave.spread(lambda aod: (aod,), {"aod": np.float64(0.1)}, {}) == [0.0]
    single = {"aod": np.array([0.2], "f4")}
    assert shortwave.spread(lambda aod: (2 * aod,), single, {"aod": np.float32(0.1)})[0].dtype == np.float32


def test_spread_of_a_clear_sky_is_that_of_the_distribution():
    """Bird with normal errors of aerosol and vapour, whose variance Gauss's quadrature knows."""
    sigmas = {"aod": 0.03, "water_vapour": 2.0}
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    grid = np.meshgrid(nodes, nodes, indexing="ij")
    sample = {name: STATE[name] + s * axis for (name, s), axis in zip(sigmas.items(), grid, strict=True)}

    def total(**changed):
        return (sum(shortwave.irradiance("bird", *SUN, air() | changed)),)

    (variance,) = shortwave.spread(total, air(), {name: np.float64(s) for name, s in sigmas.items()})
    (skies,) = total(**sample)
    mean = (weights * skies).sum()
    assert variance == pytest.approx((weights * (skies - mean) ** 2).sum(), rel=0.02)
    assert variance > 1


def test_sigmas_are_those_told_else_those_of_what_is_assumed():
    told = {"aod_uncertainty": np.array([0.02, 0.03]), "cloud_index_uncertainty": np.float64(0.1)}
    given = {"aod": np.array([0.1, 0.2]), "ozone": np.array([300.0, 310.0]), "albedo": None}
    names = ("aod", "ozone", "albedo", "cloud_index", "linke_turbidity")
    found = shortwave.sigmas_of(names, given, told, np.float32(0))
    assert list(found) == ["aod", "albedo", "cloud_index"]
    assert found["aod"] is told["aod_uncertainty"]
    assert found["albedo"] == np.float32(Assumed(*AIR["albedo"]).sigma)
    assert found["albedo"].dtype == np.float32
