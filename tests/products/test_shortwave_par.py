"""PAR under clear skies from the tables of 6S: shares of the Sun, laws of the beam, limits of the tables, clouds."""

import math

import numpy as np
import pvlib
import pytest
from scipy.integrate import simpson

from musyq_lab.kernels import atmosphere, clear_sky
from musyq_lab.products import _shortwave_par as bands
from musyq_lab.standard.spectra import sunlight

AIR = {"aod": 0.15, "water_vapour": 20.0, "ozone": 300.0, "surface_pressure": 98000.0}
ZENITHS = np.array([0.0, 30.0, 60.0, 75.0, 80.0])
BEYOND = 1361.0


@pytest.fixture(autouse=True)
def _python_twins(monkeypatch):
    """A few numbers are not worth the seconds of compiling."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def par(zenith=ZENITHS, dtype=float, beyond=BEYOND, **changed):
    """Return beam and diffuse PAR for the air above, with what is changed."""
    air = {name: np.asarray(value, dtype) for name, value in (AIR | changed).items()}
    return bands.clear_par(np.asarray(zenith, dtype), np.asarray(beyond, dtype), air)


# ---- above the atmosphere --------------------------------------------------------------------------------------------
def test_shares_of_the_intervals_are_those_of_the_spectrum():
    """Each by Simpson's rule; together they are the share from 0.4 to 0.7 um, nothing counted twice."""
    wavelength, power = sunlight("outside")
    shares = [share for share, _ in bands._tables("float64")]
    for share, low, high in zip(shares, bands.EDGES, bands.EDGES[1:], strict=False):
        inside = (wavelength > low - 1e-6) & (wavelength < high + 1e-6)
        assert share == pytest.approx(simpson(power[inside], wavelength[inside]) / bands.REFERENCE, rel=2e-3)
    inside = (wavelength > 0.4 - 1e-6) & (wavelength < 0.7 + 1e-6)
    assert bands.outside() == pytest.approx(np.trapezoid(power[inside], wavelength[inside]) / bands.REFERENCE, rel=1e-9)
    assert bands.outside() == sum(shares)


def test_shares_are_near_those_of_a_black_body():
    """Planck's law at 5772 K (IAU 2015 B3): the Sun is darker in the violet and brighter in the green by 10 %."""
    wavelength = np.linspace(0.4, 0.7, 301)
    planck = (
        3.741771852e8 / wavelength**5 / np.expm1(14387.76877 / (wavelength * 5772.0)) / (5.670374419e-8 * 5772.0**4)
    )
    assert bands.outside() == pytest.approx(simpson(planck, wavelength), rel=0.06)
    for (share, _), low in zip(bands._tables("float64"), (0, 100, 200), strict=True):
        part = slice(low, low + 101)
        assert share == pytest.approx(simpson(planck[part], wavelength[part]), rel=0.1)


# ---- laws of the beam ------------------------------------------------------------------------------------------------
def test_light_is_proportional_to_that_above_the_air():
    for one, two in zip(par(beyond=700.0), par(beyond=1400.0), strict=True):
        np.testing.assert_allclose(two, 2 * one, rtol=1e-13)


def test_beam_and_diffuse_light_are_less_than_there_is():
    for changed in ({}, {"aod": 0.0}, {"aod": 2.0}, {"surface_pressure": 50000.0, "ozone": 0.0, "water_vapour": 0.0}):
        direct, diffuse = par(**changed)
        assert (direct > 0).all()
        assert (diffuse > 0).all()
        assert (direct + diffuse < bands.outside() * BEYOND * np.cos(np.radians(ZENITHS))).all()


def test_the_sun_overhead_gives_most():
    direct, diffuse = par()
    assert (np.diff(direct) < 0).all()
    assert (np.diff(direct + diffuse) < 0).all()
    assert (np.diff(diffuse / direct) > 0).all()


# Depth of aerosol: that at 0.55 um, in the middle of the band. Of molecules per pressure: 0.098 at 0.55 um, 0.36 at
# 0.4 um, 0.036 at 0.7 um (as in Bodhaine et al. 1999, not re-read).
@pytest.mark.parametrize(
    ("name", "low", "high", "depths"),
    [("aod", 0.0, 0.4, (0.36, 0.44)), ("surface_pressure", 60000.0, 100000.0, (0.04, 0.06))],
)
def test_aerosol_and_molecules_fade_the_beam_by_the_law_of_beer(name, low, high, depths):
    """-ln of the ratio times the cosine of the zenith angle is a depth, nearly the same for every Sun."""
    zenith = ZENITHS[:3]
    thin, thick = (par(zenith, **{name: value})[0] for value in (low, high))
    depth = -np.log(thick / thin) * np.cos(np.radians(zenith))
    assert (depth > depths[0]).all()
    assert (depth < depths[1]).all()
    np.testing.assert_allclose(depth, depth.mean(), rtol=0.04)


@pytest.mark.parametrize(
    ("name", "values"), [("aod", (0, 0.1, 0.5, 1.5)), ("surface_pressure", (5e4, 7e4, 9e4, 1.05e5))]
)
def test_what_scatters_turns_beam_into_diffuse_light(name, values):
    made = [par([30.0, 60.0], **{name: float(value)}) for value in values]
    direct, diffuse = (np.array(part) for part in zip(*made, strict=True))
    assert (np.diff(direct, axis=0) < 0).all()
    assert (np.diff(diffuse[:3], axis=0) > 0).all()
    assert (np.diff(direct + diffuse, axis=0) < 0).all()


def spectral(zenith, **changed):
    """Return beam and diffuse transmittance by SPECTRL2 (Bird & Riordan 1986) as pvlib has it, on a black ground."""
    air = AIR | changed
    made = pvlib.spectrum.spectrl2(
        apparent_zenith=zenith,
        aoi=zenith,
        surface_tilt=0.0,
        ground_albedo=0.0,
        surface_pressure=air["surface_pressure"],
        relative_airmass=pvlib.atmosphere.get_relative_airmass(zenith),
        precipitable_water=air["water_vapour"] / 10,
        ozone=air["ozone"] / 1000,
        aerosol_turbidity_500nm=air["aod"] * (500 / 550) ** -1.14,
        dayofyear=1,
    )
    axis = np.linspace(400.0, 700.0, 601)
    outside, beam, light = (
        np.trapezoid(np.interp(axis, made["wavelength"], made[name].ravel()), axis)
        for name in ("dni_extra", "dni", "dhi")
    )
    return beam * math.cos(math.radians(zenith)) / outside, light / outside


@pytest.mark.parametrize(("zenith", "tolerance"), [(0.0, 0.01), (30.0, 0.01), (60.0, 0.01), (75.0, 0.03)])
@pytest.mark.parametrize("changed", [{}, {"aod": 0.02, "surface_pressure": 80000.0}, {"ozone": 450.0}])
def test_transmittances_are_near_those_of_another_spectral_model(zenith, tolerance, changed):
    beam, light = spectral(zenith, **changed)
    direct, diffuse = (float(part) / (BEYOND * bands.outside()) for part in par(zenith, **changed))
    assert direct + diffuse == pytest.approx(beam + light, rel=tolerance)
    assert direct == pytest.approx(beam, rel=0.02)
    assert diffuse == pytest.approx(light, rel=0.08)


def test_ozone_absorbs_as_in_another_spectral_model():
    """Chappuis band: a depth of 0.016 for 300 DU more and a Sun overhead."""
    for zenith in (0.0, 30.0, 60.0, 75.0):
        ours, theirs = (math.log(run(zenith, ozone=200.0)[0] / run(zenith, ozone=500.0)[0]) for run in (par, spectral))
        assert ours == pytest.approx(theirs, rel=0.06)


def test_vapour_takes_little_from_par():
    """Weak bands at 0.59, 0.65 and 0.69 um: of 60 kg m-2 at most a hundredth for each air mass."""
    for dry, wet in zip(par(water_vapour=0.0), par(water_vapour=60.0), strict=True):
        depth = np.log(dry / wet) * np.cos(np.radians(ZENITHS))
        assert ((depth > 0.002) & (depth < 0.01)).all()


def test_vapour_that_dims_the_shortwave_raises_the_share():
    shares = []
    for vapour in (3.0, 20.0, 60.0):
        whole = sum(clear_sky.rest2.python(40.0, BEYOND, 0.15, 1.3, vapour, 300.0, 98000.0, 0.0))
        shares.append(float(sum(par(40.0, water_vapour=vapour))) / whole)
    assert shares == sorted(shares)
    assert 0.38 < shares[0] < shares[-1] < 0.48


def test_diffuse_light_is_bluer_than_the_beam():
    """Of the first and the third interval, from the tables alone."""
    given = [np.float64(v) for v in (40.0, 0.1, 20.0, 300.0, 1000.0)]
    (_, blue), _, (_, red) = bands._tables("float64")
    (beam_blue, sky_blue), (beam_red, sky_red) = (atmosphere.downward.python(*given, *t) for t in (blue, red))
    assert beam_blue < beam_red
    assert sky_blue > 2 * sky_red


# ---- units, limits, types --------------------------------------------------------------------------------------------
def test_pressure_is_in_pascal_and_the_sum_is_over_the_intervals():
    """The kernel takes hPa, kg m-2 and DU; its transmittances are of the light on a level plane."""
    given = [np.float64(v) for v in (50.0, 0.15, 20.0, 300.0, 980.0)]
    beams, skies = zip(*(
        [share * part for part in atmosphere.downward.python(*given, *tables)]
        for share, tables in bands._tables("float64")
    ), strict=True)  # fmt: skip
    flat = BEYOND * math.cos(math.radians(50.0))
    direct, diffuse = par(50.0)
    assert direct == pytest.approx(sum(beams) * flat, rel=1e-13)
    assert diffuse == pytest.approx(sum(skies) * flat, rel=1e-13)


@pytest.mark.parametrize(("name", "held", "beyond"), [
    ("aod", 2.0, 3.5), ("water_vapour", 80.0, 99.0), ("ozone", 600.0, 690.0),
    ("surface_pressure", 50000.0, 42000.0), ("surface_pressure", 106000.0, 108000.0),
])  # fmt: skip
def test_air_beyond_the_tables_is_that_at_their_end(name, held, beyond):
    np.testing.assert_array_equal(par(**{name: beyond}), par(**{name: held}))
    assert (par(**{name: 0.9 * held + 0.1 * AIR[name]})[0] != par(**{name: held})[0]).all()


def test_beyond_the_tables_of_the_sun_nothing_is_known():
    direct, diffuse = par([80.0, 80.5, 95.0])
    np.testing.assert_array_equal(np.isnan(direct), [False, True, True])
    np.testing.assert_array_equal(np.isnan(diffuse), [False, True, True])


@pytest.mark.parametrize("name", AIR)
def test_what_is_unknown_stays_unknown_at_its_pixel(name):
    values = np.full(ZENITHS.size, AIR[name])
    values[1] = np.nan
    for part in par(**{name: values}):
        np.testing.assert_array_equal(np.isnan(part), [False, True, False, False, False])
    assert np.isnan(par([30.0, np.nan])[0]).tolist() == [False, True]


def test_single_precision_stays_single_and_close():
    for one, two in zip(par(dtype=np.float32), par(), strict=True):
        assert one.dtype == np.float32
        assert two.dtype == np.float64
        np.testing.assert_allclose(one, two, rtol=2e-5)


def test_arrays_broadcast_as_a_loop_would():
    zenith, aod = np.array([[20.0], [70.0]]), np.array([0.0, 0.3, 1.0])
    direct, diffuse = par(zenith, aod=aod)
    assert direct.shape == diffuse.shape == (2, 3)
    for (i, j), value in np.ndenumerate(direct):
        alone = par(zenith[i, 0], aod=aod[j])
        np.testing.assert_allclose((value, diffuse[i, j]), alone, rtol=1e-13)


# ---- clouds ----------------------------------------------------------------------------------------------------------
def test_clouds_enrich_the_light_in_par_and_clear_skies_do_not():
    """0.501 over 0.460 (Jacovides et al. 2003) where a quarter of the clear-sky light is left."""
    assert bands.enrichment(1.0) == 1
    assert bands.enrichment(1.3) == 1  # edges of clouds add to the whole, not to the share
    assert bands.enrichment(0.25) == pytest.approx(0.501 / 0.460, rel=1e-3)
    assert bands.enrichment(0.0) == 1 + bands.ENRICHMENT


def test_enrichment_falls_as_the_sky_clears():
    index = np.linspace(0.0, 1.5, 31).astype("float32")
    made = bands.enrichment(index)
    assert made.dtype == np.float32
    assert (np.diff(made[:21]) < 0).all()
    assert (made[20:] == 1).all()
    assert np.isnan(bands.enrichment(np.array([np.nan]))).all()
