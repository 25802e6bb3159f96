"""6S as a process: what is sent to it, and what becomes of it when it fails; a script stands in for the executable."""

import stat
import sys

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.standard import _sixs
from musyq_lab.standard import atmosphere as air

STATE = {"sun_zenith": 30.0, "view_zenith": 20.0, "relative_azimuth": 90.0, "aod": 0.3}


@pytest.fixture
def executable(tmp_path, monkeypatch):
    """Make an executable of a few lines of Python, and return the file that it keeps its question in."""
    asked = tmp_path / "asked.txt"

    def make(body="pass"):
        path = tmp_path / "sixs"
        text = f"#!{sys.executable} -S\nimport sys, time\nopen({str(asked)!r}, 'w').write(sys.stdin.read())\n{body}\n"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(_sixs, "_program", lambda: (str(path), {}))
        return asked

    return make


def lines(asked):
    return asked.read_text().splitlines()


def band(low, high, step=0.001):
    wavelength = np.arange(low, high, step)
    return xr.DataArray(np.ones(wavelength.size), coords={"wavelength": wavelength}, dims="wavelength")


def test_the_question_line_by_line(executable):
    """In the order of the manual of 6S: geometry, gases, aerosol, heights, wavelength, ground."""
    asked = executable()
    with pytest.raises(InputError):  # the answer is empty
        _sixs.run(**STATE, water_vapour=14.24, ozone=344.0, wavelength=0.55, altitude=0.0, reflectance=0.25)
    found = lines(asked)
    assert found[0] == "0"
    assert [float(x) for x in found[1].split()] == [30, 0, 20, 90, 1, 1]
    assert found[2] == "8"
    assert [float(x) for x in found[3].split()] == pytest.approx([1.424, 0.344])
    assert found[4:7] == ["1", "0", "0.3"]
    assert float(found[7]) == 0.0
    assert found[8:11] == ["-1000", "-1", "0.5500"]
    assert found[11:14] == ["0", "0", "0"]
    assert float(found[14]) == 0.25
    assert found[15] == "-1"


def test_clear_air_without_gases_is_asked_for_by_its_numbers(executable):
    asked = executable()
    with pytest.raises(InputError):
        _sixs.run(**{**STATE, "aod": 0.0}, wavelength=0.55, gases=False)
    assert lines(asked)[2:5] == ["0", "0", "-1"]


def test_columns_are_those_above_the_surface(executable):
    """6S cuts its profile at the surface: at 2.5 km it is given more, so that what was asked for remains."""
    asked = executable()
    with pytest.raises(InputError):
        _sixs.run(**STATE, water_vapour=10.0, ozone=300.0, altitude=2.5, wavelength=0.55)
    water, ozone = (float(x) for x in lines(asked)[3].split())
    shares = _sixs.shares_above(2.5)
    assert water * shares[0] == pytest.approx(1.0, rel=1e-5)
    assert ozone * shares[1] == pytest.approx(0.3, rel=1e-5)
    assert float(lines(asked)[7]) == -2.5


def test_a_response_is_written_by_its_steps(executable):
    asked = executable()
    with pytest.raises(InputError):
        _sixs.run(**STATE, response=band(0.6, 0.65))
    found = lines(asked)
    low, high = (float(x) for x in found[10].split())
    numbers = [float(x) for line in found[11:-5] for x in line.split()]
    assert found[9] == "1"
    assert len(numbers) == round((high - low) / 0.0025) + 1
    assert set(numbers) == {1.0}
    assert max(len(line) for line in found) < 80


def test_an_end_with_an_error_is_told(executable):
    executable("sys.stderr.write('Fortran runtime error: End of file'); sys.exit(2)")
    with pytest.raises(InputError, match="code 2: Fortran runtime error"):
        _sixs.run(**STATE, wavelength=0.55)


def test_one_that_does_not_answer_is_given_up(executable, monkeypatch):
    executable("time.sleep(60)")
    monkeypatch.setattr(_sixs, "TIMEOUT", 0.3)
    with pytest.raises(InputError, match=r"did not answer within 0\.3 s"):
        _sixs.run(**STATE, wavelength=0.55)


def test_a_spectrum_of_other_length_is_refused(executable):
    executable("print('*0.4000 ' + ' 1.0' * 10 + ' *')")
    with pytest.raises(InputError, match="1 wavelengths"):
        _sixs.solar_spectrum()


# ---- the grid and the profile ----------------------------------------------------------------------------------------
def test_a_response_keeps_its_mean_wavelength_on_the_grid():
    wavelength = np.arange(0.60, 0.70, 0.0007)
    values = np.exp(-(((wavelength - 0.65) / 0.015) ** 2))
    places, weights = _sixs.on_grid(xr.DataArray(values, coords={"wavelength": wavelength}, dims="wavelength"))
    np.testing.assert_allclose(places / _sixs.STEP, np.round(places / _sixs.STEP), atol=1e-6)
    assert (places * weights).sum() / weights.sum() == pytest.approx(0.65, abs=2e-4)


@pytest.mark.parametrize(("low", "high"), [(0.601, 0.6022), (0.6024, 0.6026)])
def test_a_band_within_a_step_is_refused(low, high):
    with pytest.raises(InputError, match="narrower"):
        _sixs.on_grid(band(low, high, 1e-4))


def test_dark_ends_of_a_response_are_cut():
    curve = band(0.6, 0.7)
    curve.values[:30] = 0.0
    curve.values[-20:] = 0.0
    places, weights = _sixs.on_grid(curve)
    assert 0.627 < places[0] < 0.632
    assert places[-1] < 0.683
    assert (weights > 0).all()


def test_the_column_of_the_standard_atmosphere():
    """14.24 kg m-2 (6S), half of it below 2 km, falling with height."""
    heights = np.arange(0, 6.01, 0.5)
    column = np.array([_sixs._vapour_above(z) for z in heights])
    assert column[0] == pytest.approx(14.24, rel=0.01)
    assert (np.diff(column) < 0).all()
    assert 0.4 < column[4] / column[0] < 0.5
    assert _sixs.shares_above(0.0) == (1.0, 1.0)


# ---- direct coefficients ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("pressure", "kilometres"), [(1040.0, 0.0), (898.8, 1.0), (701.2, 3.0), (540.5, 5.0)])
def test_direct_runs_take_the_altitude_of_the_pressure(monkeypatch, pressure, kilometres):
    """Pressures of the US standard atmosphere (AFCRL-72-0497)."""
    asked = {}

    def run(**question):
        asked.update(question)
        triple = (0.9, 0.8, 0.7)
        return _sixs.Run(
            0.12, 0.1, 0.05, 0.8, 0.9, 0.15, triple, triple, triple, triple, (0.1, 0.2), (1, 1), 0.9, 1013.0
        )

    monkeypatch.setattr(_sixs, "run", run)
    found = air.direct_coefficients("modis", "1", **STATE, water_vapour=20.0, pressure=pressure)
    assert asked["altitude"] == pytest.approx(kilometres, abs=0.02)
    assert asked["reflectance"] == 0.0
    assert asked["water_vapour"] == 20.0
    assert found.path == 0.12
    assert found.transmittance == pytest.approx(0.7 * 0.8 * 0.9)
    assert (found.spherical_albedo, found.gas) == (0.15, 0.7)


@pytest.mark.parametrize("surface", [0.0, 0.05, 0.5, 1.0])
def test_the_coupling_is_the_sum_of_all_echoes(surface):
    coefficients = air.Coefficients(0.1, 0.7, 0.2, 0.95)
    light, total = 0.7 * surface, 0.1
    for _ in range(100):
        total, light = total + light, light * 0.2 * surface
    found = air.toa_reflectance(surface, coefficients)
    assert found == pytest.approx(total, rel=1e-12)
    assert air.surface_reflectance(found, coefficients) == pytest.approx(surface, abs=1e-12)
