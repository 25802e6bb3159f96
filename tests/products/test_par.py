"""Photosynthetically active radiation: shares, closure with the shortwave, 6S run directly, photons, words."""

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import clear_sky
from musyq_lab.products import _shortwave_par as bands
from musyq_lab.products.par import CLEAR, MEAN, SPEC

UNITS = {
    "sun_zenith": "degree",
    "extraterrestrial_shortwave": "W m-2",
    "downward_shortwave": "W m-2",
    "water_vapour": "kg m-2",
    "ozone": "DU",
    "surface_pressure": "Pa",
}
ZENITHS = np.array([5.0, 35.0, 60.0, 78.0])


def sky(zenith=ZENITHS, **more):
    """Return air, Sun and the shortwave irradiance of REST2 unless it is given."""
    zenith = np.asarray(zenith, float)
    values = {
        "sun_zenith": zenith,
        "extraterrestrial_shortwave": 1361.0,
        "aod": 0.15,
        "angstrom_exponent": 1.3,
        "water_vapour": 20.0,
        "ozone": 300.0,
        "surface_pressure": 98000.0,
        "albedo": 0.15,
    } | more
    air = [values.get(n) for n in ("aod", "angstrom_exponent", "water_vapour", "ozone", "surface_pressure", "albedo")]
    if "downward_shortwave" not in values:
        values["downward_shortwave"] = sum(clear_sky.rest2.python(zenith, 1361.0, *air))
    full = {n: np.broadcast_to(np.asarray(v, float), zenith.shape) for n, v in values.items() if v is not None}
    return xr.Dataset({n: ("x", v.copy(), {"units": UNITS.get(n, "1")}) for n, v in full.items()})


def bits(made, name):
    flag = next(f for f in SPEC.all_flags if f.name == name)
    return (made.par_qa.values & flag.mask) > 0


def test_par_lies_within_the_shortwave():
    """Closure: never more than the whole, and the share that spectra have (0.38 to 0.50)."""
    for index in (0.1, 0.5, 1.0):
        ds = sky()
        ds["downward_shortwave"] = ds.downward_shortwave * index
        ds.downward_shortwave.attrs["units"] = "W m-2"
        for method in SPEC.method_names:
            made = ml.retrieve("par", ds, method=method)
            share = (made.par / ds.downward_shortwave).values
            assert ((share > 0.37) & (share < 0.53)).all(), (method, index, share)
            np.testing.assert_allclose(made.photon_flux, 4.57 * made.par, rtol=1e-12)


def test_vapour_and_clouds_raise_the_share():
    dry, wet = (ml.retrieve("par", sky(water_vapour=w)) for w in (5.0, 45.0))
    shares = [(made.par / sky(water_vapour=w).downward_shortwave).values for made, w in ((dry, 5.0), (wet, 45.0))]
    assert (shares[1] > shares[0] + 0.02).all()
    clear, cloudy = (sky(clear_sky_index=k) for k in (1.0, 0.25))
    ratio = ml.retrieve("par", cloudy).par / ml.retrieve("par", clear).par
    np.testing.assert_allclose(ratio, 0.501 / 0.460, rtol=2e-3)  # overcast over clear hours, Jacovides et al. 2003


@pytest.mark.parametrize(("index", "share"), [(None, MEAN), (1.0, CLEAR), (0.25, 0.501)])
def test_published_shares_of_cyprus(index, share):
    ds = sky(clear_sky_index=index)
    made = ml.retrieve("par", ds, method="fraction")
    np.testing.assert_allclose(made.par / ds.downward_shortwave, share, rtol=2e-3)
    assert (bits(made, "index_unknown") == (index is None)).all()


def test_extraterrestrial_share_is_that_of_the_spectrum():
    """ASTM G173: 530.0 W m-2 of 1366.1 lie between 0.4 and 0.7 um, by an independent sum of pvlib's copy."""
    pvlib = pytest.importorskip("pvlib")
    spectra = pvlib.spectrum.get_reference_spectra()["extraterrestrial"]
    inside = spectra[(spectra.index >= 400) & (spectra.index <= 700)]
    assert bands.outside() == pytest.approx(np.trapezoid(inside.values, inside.index) / bands.REFERENCE, rel=2e-3)
    assert bands.outside() == pytest.approx(0.388, abs=0.001)


def test_two_spectral_models_agree_on_clear_par():
    """6S from 0.4 to 0.7 um beside the first band of REST2 (0.29 to 0.70) times the 0.8644 of Sun et al. 2017.

    Solar Energy 153, 611-622 (abstract): the ratio of PAR to the flux below 0.7 um is close to 0.8644 in all air.
    """
    for zenith in (10.0, 40.0, 65.0):
        air = {"aod": 0.15, "water_vapour": 20.0, "ozone": 300.0, "surface_pressure": 98000.0}
        given = {name: np.float64(value) for name, value in air.items()}
        ours = sum(bands.clear_par(np.float64(zenith), np.float64(1361.0), given))
        first = clear_sky.rest2_bands.python(zenith, 1361.0, 0.15, 1.3, 20.0, 300.0, 98000.0)
        assert float(ours) == pytest.approx(0.8644 * (first[0] + first[1]), rel=0.04)


def test_a_low_sun_takes_the_share_at_ten_degrees():
    ds = sky([80.0, 86.0, 90.0])
    ds["downward_shortwave"] = ("x", [150.0, 60.0, 0.0], {"units": "W m-2"})
    made = ml.retrieve("par", ds.assign(clear_sky_index=("x", [1.0, 1.0, 1.0], {"units": "1"})))
    assert made.par.values[1] / 60.0 == pytest.approx(made.par.values[0] / 150.0, rel=1e-9)
    assert made.par.values[2] == 0
    np.testing.assert_array_equal(bits(made, "low_sun"), [False, True, False])
    np.testing.assert_array_equal(bits(made, "night"), [False, False, True])


def test_air_beyond_the_tables_is_held_and_said():
    made = ml.retrieve("par", sky(aod=3.0))
    assert bits(made, "beyond_tables").all()
    assert np.isfinite(made.par).all()
    assert not bits(ml.retrieve("par", sky()), "beyond_tables").any()
    assert bits(ml.retrieve("par", sky(surface_pressure=48000.0)), "beyond_tables").all()


def test_assumed_air_is_said():
    assert bits(ml.retrieve("par", sky(downward_shortwave=500.0, ozone=None)), "assumed_air").all()
    assert not bits(ml.retrieve("par", sky()), "assumed_air").any()


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_diffuse_par_is_that_of_spitters(share):
    pvlib = pytest.importorskip("pvlib")
    made = ml.retrieve("par", sky(diffuse_fraction=share), variables=["par", "par_direct", "par_diffuse"])
    np.testing.assert_allclose(made.par_direct + made.par_diffuse, made.par, rtol=1e-12)
    expected = np.minimum(pvlib.irradiance.diffuse_par_spitters(ZENITHS, share), 1.0)
    np.testing.assert_allclose(made.par_diffuse / made.par, expected, rtol=1e-12)


def test_it_comes_from_the_shortwave_product():
    """Where the dataset has no irradiance it is made first, from a clear-sky index here."""
    ds = sky([40.0]).drop_vars("downward_shortwave")
    ds["clear_sky_index"] = ("x", [0.6], {"units": "1"})
    ds["clear_sky_shortwave"] = ("x", [800.0], {"units": "W m-2"})
    made = ml.retrieve("par", ds)
    whole = ml.retrieve("par", ds.assign(downward_shortwave=("x", [480.0], {"units": "W m-2"})))
    np.testing.assert_allclose(made.par, whole.par, rtol=1e-12)


def test_errors_join_the_irradiance_and_the_share():
    ds = sky([30.0]).assign(downward_shortwave_uncertainty=("x", [1e-6], {"units": "W m-2"}))
    sure = ml.retrieve("par", ds, method="fraction")
    assert sure.par_uncertainty.item() == pytest.approx(np.hypot(1.0, 0.06 * sure.par.item()), rel=1e-6)
    vague = ds.assign(downward_shortwave_uncertainty=("x", [50.0], {"units": "W m-2"}))
    grown = ml.retrieve("par", vague, method="fraction").par_uncertainty ** 2 - sure.par_uncertainty**2
    assert np.sqrt(grown).item() == pytest.approx(MEAN * 50.0, rel=1e-6)


def test_bands_without_the_sun_are_refused():
    with pytest.raises(InputError, match="for means over a day take method"):
        ml.retrieve("par", sky(sun_zenith=None, extraterrestrial_shortwave=None, downward_shortwave=200.0))
    made = ml.retrieve("par", xr.Dataset({"downward_shortwave": ("x", [200.0], {"units": "W m-2"})}), method="fraction")
    assert made.par.item() == pytest.approx(MEAN * 200.0)


@pytest.mark.slow
@pytest.mark.parametrize("zenith", [20.0, 60.0])
def test_direct_runs_of_6s_agree(zenith):
    """Each interval run by 6S itself over its box, in place of the tables."""
    pytest.importorskip("Py6S")
    from musyq_lab.standard import _sixs
    from musyq_lab.standard.spectra import sunlight

    wavelength, power = sunlight("outside")
    total = 0.0
    for low, high in zip(bands.EDGES[:-1], bands.EDGES[1:], strict=True):
        axis = np.arange(round((high - low) * 400) + 1) / 400 + low
        box = xr.DataArray(np.ones(axis.size), {"wavelength": axis}, ("wavelength",))
        ran = _sixs.run(
            sun_zenith=zenith,
            view_zenith=0.0,
            relative_azimuth=0.0,
            aod=0.15,
            water_vapour=20.0,
            ozone=300.0,
            altitude=0.0,
            response=box,
            reflectance=0.0,
        )
        inside = (wavelength >= low - 1e-9) & (wavelength <= high + 1e-9)
        total += np.trapezoid(power[inside], wavelength[inside]) / bands.REFERENCE * ran.gas[0] * ran.down
    air = {"aod": 0.15, "water_vapour": 20.0, "ozone": 300.0, "surface_pressure": 101325.0}
    given = {name: np.float64(value) for name, value in air.items()}
    ours = sum(bands.clear_par(np.float64(zenith), np.float64(1361.0), given))
    assert float(ours) / (1361.0 * np.cos(np.radians(zenith))) == pytest.approx(total, rel=0.01)
