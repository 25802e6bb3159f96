"""The bridge to satpy: its names, percent, wavenumbers and areas in this package's terms."""

import importlib.util
import logging
import math

import dask
import numpy as np
import pytest
from sensors import make_abi as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._granule import find
from musyq_lab.sensors._satpy import check_installed, quiet, radiance_factor, read

satpy = pytest.importorskip("satpy")


@pytest.fixture
def granule(tmp_path):
    rng = np.random.default_rng(3)
    make.band(tmp_path, rng.integers(50, 1000, (8, 8)), number=6)
    make.band(tmp_path, rng.integers(100, 3500, (8, 8)), number=14)
    return find(tmp_path)


def refuse(*args, **kwargs):
    raise AssertionError("a pixel was read")


def test_percent_becomes_a_ratio_and_thermal_bands_kelvin(granule):
    loaded = read(granule, "abi_l1b", {"swir2": "C06", "tir1": "C14"}, calibration="reflectance")
    theirs = satpy.Scene([str(f) for f in granule.files], reader="abi_l1b")
    theirs.load(["C06", "C14"])
    np.testing.assert_allclose(loaded.bands["swir2"], theirs["C06"].values / 100, rtol=1e-6)
    np.testing.assert_allclose(loaded.bands["tir1"], theirs["C14"].values, rtol=1e-6)
    assert loaded.bands["swir2"].units == "1"
    assert loaded.bands["tir1"].units == "K"
    assert loaded.bands["tir1"].dtype == np.float32


def test_radiance_per_wavenumber_becomes_per_micrometre(granule):
    radiance = read(granule, "abi_l1b", {"tir1": "C14"}, calibration="radiance").bands["tir1"]
    counts = read(granule, "abi_l1b", {"tir1": "C14"}, calibration="counts").bands["tir1"]
    scale, offset, _ = make.PACKING["thermal"]
    stored = np.asarray(counts, float)
    assert counts.units == "count"
    assert radiance.units == "W m-2 sr-1 um-1"
    per_wavenumber = radiance.values * 11.2**2 / 10
    inside = np.isfinite(per_wavenumber) & (stored > 0)
    assert inside.any()
    np.testing.assert_allclose(per_wavenumber[inside], stored[inside] * scale + offset, rtol=1e-4)


def test_bands_carry_places_and_crs_but_nothing_that_cannot_be_stored(granule):
    band = read(granule, "abi_l1b", {"tir1": "C14"}, calibration="reflectance").bands["tir1"]
    np.testing.assert_allclose(np.diff(band.x), 56e-6 * make.HEIGHT, rtol=1e-5)
    assert band.rio.crs is not None
    assert set(band.attrs) == {"units", "standard_name"}
    assert set(band.coords) == {"x", "y", "spatial_ref"}


def test_a_band_that_is_not_there_is_left_out(granule):
    loaded = read(granule, "abi_l1b", {"tir1": "C14", "tir2": "C15"}, calibration="reflectance")
    assert set(loaded.bands) == {"tir1"}
    with pytest.raises(SceneError, match="none of the bands tir2"):
        read(granule, "abi_l1b", {"tir2": "C15"}, calibration="reflectance")


def test_nothing_is_read(granule):
    with dask.config.set(scheduler=refuse):
        read(granule, "abi_l1b", {"tir1": "C14"}, calibration="reflectance")


def test_files_of_another_kind(granule):
    with pytest.raises(SceneError, match="viirs_sdr finds nothing"):
        read(granule, "viirs_sdr", {"tir1": "M15"}, calibration="reflectance")


def test_without_satpy_the_message_says_what_to_install(granule, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SceneError, match=r"musyq-lab\[satpy\]"):
        check_installed(granule)


def test_quiet_gives_back_what_it_took():
    logger = logging.getLogger("satpy")
    before = logger.level, dask.config.get("array.chunk-size")
    with quiet():
        inside = logger.level, dask.config.get("array.chunk-size")
    assert inside == (logging.CRITICAL, "32MiB")
    assert (logger.level, dask.config.get("array.chunk-size")) == before


@pytest.mark.parametrize("units", ["W m-2 um-1 sr-1", "W m-2 sr-1 um-1", "mW m-2 sr-1 nm-1", "W/m^2/um/sr"])
def test_units_per_wavelength(units):
    assert radiance_factor(units, 0.65) == 1.0


@pytest.mark.parametrize("units", ["mW m-2 sr-1 (cm-1)-1", "mW/ (m2 cm-1 sr)", "mW m^-2 (cm^-1)^-1 sr^-1"])
def test_units_per_wavenumber(units):
    # The energy between 10 and 10.001 um is the same however it is counted.
    wavelength, step = 10.0, 1e-3
    wavenumbers = 1e4 / wavelength - 1e4 / (wavelength + step)
    assert radiance_factor(units, wavelength) * step == pytest.approx(wavenumbers * 1e-3, rel=1e-3)


def test_unknown_units_are_refused():
    with pytest.raises(SceneError, match="furlong"):
        radiance_factor("furlong", 0.65)
    assert math.isfinite(radiance_factor("mW m-2 sr-1 (cm-1)-1", 3.9))
