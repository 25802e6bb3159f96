"""Spectral responses: the measured ones are what was measured, the approximate ones as near as they say."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.core.sensor import Band
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import EXPONENT, band_average, kind, response

CURVES = list(csv.DictReader(resource("catalogs/responses/responses.csv").open(encoding="utf-8")))

# Solar irradiance (W m-2 um-1, Thuillier et al. 2003) over the complete responses, bands in the order of the files;
# computed from the responses that ACOLITE ships (doi:10.1016/j.rse.2018.07.015).
ACOLITE = {
    ("gf1_wfv", "WFV1"): (1996.6, 1819.0, 1548.1, 1064.3),
    ("gf1_wfv", "WFV2"): (1978.8, 1816.2, 1546.3, 1075.3),
    ("gf1_wfv", "WFV3"): (1979.5, 1808.8, 1524.9, 1069.2),
    ("gf1_wfv", "WFV4"): (1997.1, 1810.3, 1524.5, 1054.8),
    ("gf6_wfv", ""): (1972.0, 1816.8, 1533.9, 1057.4, 1422.3, 1273.7, 1806.4, 1699.5),
    ("sentinel2_msi", "Sentinel-2A"): (
        *(1883.8, 1959.6, 1823.2, 1512.1, 1424.2, 1287.2, 1162.1, 1041.6, 955.2, 812.9, 367.1, 245.6, 85.2),
    ),
    ("sentinel2_msi", "Sentinel-2B"): (
        *(1873.5, 1959.7, 1824.9, 1512.8, 1425.4, 1290.8, 1175.5, 1041.2, 953.8, 817.6, 365.4, 247.1, 87.7),
    ),
    ("sentinel2_msi", "Sentinel-2C"): (
        *(1914.7, 1972.0, 1822.4, 1506.7, 1410.4, 1287.2, 1155.0, 1037.1, 957.7, 807.7, 367.9, 246.3, 86.9),
    ),
    ("landsat_oli", "Landsat-8"): (1895.2, 2004.6, 1820.7, 1549.4, 951.3, 247.6, 85.5, 1723.9, 367.0),
    ("landsat_oli", "Landsat-9"): (1890.0, 2005.3, 1821.9, 1550.5, 951.3, 247.9, 85.5, 1718.0, 366.7),
    ("landsat_tm", ""): (1981.9, 1794.6, 1538.6, 1027.6, 219.8, 83.5),
}
WITHIN = {"gf1_wfv": 0.0041, "gf6_wfv": 0.0081, "sentinel2_msi": 0.0031, "landsat_oli": 0.0031, "landsat_tm": 0.0061}


@pytest.fixture(scope="module")
def tables() -> Path:
    return shared("reference_srf_calibration_CN")


@pytest.fixture(scope="module")
def sun(tables: Path) -> xr.DataArray:
    values = np.genfromtxt(tables / "Solar_Irradiance.txt")
    return xr.DataArray(values[:, 1], {"wavelength": values[:, 0] / 1e3}, attrs={"units": "W m-2 um-1"})


@pytest.fixture(scope="module")
def canopy() -> xr.DataArray:
    values = np.genfromtxt(shared("reference_PROSAIL") / "REFL_CAN.txt")
    return xr.DataArray(values[:, 1], {"wavelength": values[:, 0] / 1e3})


def derive() -> ModuleType:
    spec = importlib.util.spec_from_file_location("derive_responses", resource("catalogs/responses/derive.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- every band of every sensor


@pytest.mark.parametrize("key", list(SENSORS))
def test_every_band_has_a_sane_curve(key: str) -> None:
    for variant in SENSORS[key].variants:
        for band in SENSORS[key].bands_of(variant):
            sane(band, response(key, band.native, variant))


def sane(band: Band, curve: xr.DataArray) -> None:
    wavelength, values = curve["wavelength"].values, curve.values
    steps = np.diff(wavelength)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert values.min() >= 0
    assert 0.7 < values.max() <= 1.01
    assert curve["wavelength"].attrs["units"] == "um"
    assert abs((wavelength * values).sum() / values.sum() - band.centre) <= 0.1 * band.fwhm
    above = wavelength[values >= values.max() / 2]
    assert above[-1] - above[0] + steps[0] == pytest.approx(band.fwhm, rel=0.2, abs=steps[0])
    assert curve.attrs["response"] in ("measured", "approximate")
    assert all(curve.attrs[name] for name in ("source", "licence", "error", "long_name"))


@pytest.mark.parametrize("key", list(SENSORS))
def test_the_spec_says_what_ships(key: str) -> None:
    spec = SENSORS[key]
    assert spec.response == kind(key)
    first = [response(key, band.native).attrs["response"] for band in spec.bands_of() if not band.thermal]
    assert (set(first) == {"measured"}) == (kind(key) == "measured")


def test_each_curve_that_ships_is_that_of_a_band() -> None:
    places = {(key, band.variant, band.native) for key in SENSORS for band in SENSORS[key].bands}
    shipped = [(c["sensor"], c["variant"], c["band"]) for c in CURVES]
    assert set(shipped) <= places
    assert len(set(shipped)) == len(shipped) == 87
    assert resource("catalogs/responses/responses.csv").stat().st_size < 600_000
    assert {c["source"] for c in CURVES} == {"fypy", "copernicus"}
    assert "MIT License" in resource("catalogs/responses/LICENCES/fypy-MIT.txt").read_text("utf-8")
    assert "Contains Copernicus Sentinel data" in resource("catalogs/responses/LICENCES/copernicus.txt").read_text(
        "utf-8"
    )


def test_measured_curves_are_the_tables(tables: Path) -> None:
    stored = json.loads((tables / "GF" / "GF.json").read_text("utf-8"))["GF1"]["WFV3"]["B3"]
    curve = response("gf1_wfv", "red", "WFV3")
    np.testing.assert_allclose(curve.values, stored["SRF"], atol=6e-5)
    assert curve["wavelength"].values[[0, -1]] == pytest.approx(stored["wl"])
    assert curve.attrs["licence"] == "MIT"
    mersi = json.loads((tables / "FY" / "FY.json").read_text("utf-8"))["FY3D"]["MERSI"]["B24"]
    np.testing.assert_allclose(response("fy3d_mersi2", "tir1").values, mersi["SRF"], atol=6e-5)


def test_the_table_is_what_its_script_makes(tables: Path, tmp_path: Path) -> None:
    script = derive()
    script.write([c for c in script.from_fypy(tables) if script.check(c) is None], tmp_path / "made.csv")
    made = list(csv.DictReader((tmp_path / "made.csv").open(encoding="utf-8")))
    assert made == [c for c in CURVES if c["source"] == "fypy"]


def test_the_script_stops_at_a_curve_that_is_not_its_bands() -> None:
    script = derive()
    good = response("gf1_wfv", "red", "WFV1")
    curve = script.Curve("gf1_wfv", "WFV1", "B3", float(good["wavelength"][0]), 0.0025, good.values, "fypy")
    script.check(curve)
    for wrong in (
        curve._replace(band="B2"),
        curve._replace(values=curve.values * 100),
        curve._replace(values=curve.values - 0.2),
        curve._replace(first=curve.first + 0.01),
        curve._replace(step=0.004),
    ):
        with pytest.raises(SystemExit, match="gf1_wfv WFV1"):
            script.check(wrong)


# ---- the errors that the docstring states


@pytest.mark.parametrize(("key", "variant"), list(ACOLITE))
def test_irradiance_is_that_over_the_complete_response(key: str, variant: str, sun: xr.DataArray) -> None:
    bands = [band for band in SENSORS[key].bands_of(variant) if not band.thermal]
    for band, expected in zip(bands, ACOLITE[key, variant], strict=True):
        got = float(band_average(sun, response(key, band.native, variant)))
        assert got == pytest.approx(expected, rel=WITHIN[key]), band
    if variant == "Sentinel-2A":
        for band, expected in zip(bands, ACOLITE[key, variant], strict=True):
            rounding = 0.05 / expected
            assert float(band_average(sun, response(key, band.native))) == pytest.approx(expected, rel=5e-4 + rounding)


def test_canopy_over_the_super_gaussian_is_that_over_complete_curves(
    tables: Path, canopy: xr.DataArray, sun: xr.DataArray
) -> None:
    stored = json.loads((tables / "Sentinel" / "Sentinel.json").read_text("utf-8"))
    oli = json.loads((tables / "Landsat" / "Landsat.json").read_text("utf-8"))["LANDSAT"]["OLI"]
    cases = [("landsat_oli", f"{n}", "Landsat-8", oli[f"B{n}"]) for n in range(1, 10)]
    cases += [("s3_olci", f"Oa{n:02d}", "", stored["S3A"]["OLCI"][f"B{n}"]) for n in range(1, 22)]
    cases += [("s3_slstr", f"S{n}", "", stored["S3A"]["SLSTR"][f"B{n}"]) for n in range(1, 7)]
    cases += [("sentinel2_msi", f"B{n:02d}", "Sentinel-2B", stored["S2B"]["MSI"][f"B{n}"]) for n in range(1, 13)]
    for key, native, variant, table in cases:
        values = np.clip(table["SRF"], 0, None)
        truth = xr.DataArray(values, {"wavelength": table["wl"][0] + 0.0025 * np.arange(values.size)})
        ours = response(key, native, variant)
        assert ours.attrs["response"] == "approximate"
        spectrum = xr.concat([canopy], "wavelength")
        if truth["wavelength"].values[0] < 0.4 or ours["wavelength"].values[0] < 0.4:
            spectrum = xr.concat(
                [canopy[0].assign_coords(wavelength=0.38).expand_dims("wavelength"), canopy], "wavelength"
            )
        difference = float(band_average(spectrum, ours, sun)) - float(band_average(spectrum, truth, sun))
        assert abs(difference) < 1e-3, (key, native)


@pytest.mark.parametrize("exponent", [2, 20])
def test_another_exponent_would_be_worse(exponent: int, sun: xr.DataArray) -> None:
    def error(power: int) -> float:
        errors = []
        for (key, variant), expected in ACOLITE.items():
            bands = [b for b in SENSORS[key].bands_of(variant) if not b.thermal]
            for band, value in zip(bands, expected, strict=True):
                grid = np.linspace(band.centre - 1.5 * band.fwhm, band.centre + 1.5 * band.fwhm, 801)
                shape = np.exp(-math.log(2) * np.abs(2 * (grid - band.centre) / band.fwhm) ** power)
                inside = grid < 2.39
                curve = xr.DataArray(shape[inside], {"wavelength": grid[inside]})
                errors.append(abs(float(band_average(sun, curve)) / value - 1))
        return float(np.mean(errors))

    assert error(EXPONENT) < error(exponent)


def test_brightness_temperature_over_the_super_gaussian() -> None:
    temperature = np.arange(200.0, 341.0, 0.05)

    def radiance(curve: xr.DataArray) -> np.ndarray:
        wavelength = curve["wavelength"].values[None, :]
        planck = 1.191042972e8 / wavelength**5 / np.expm1(14387.7688 / (wavelength * temperature[:, None]))
        return (planck * curve.values).sum(axis=1) / curve.values.sum()

    for band in [b for b in SENSORS["fy3d_mersi2"].bands_of() if b.thermal and b.resolution == 1000]:
        grid = np.linspace(band.centre - band.fwhm, band.centre + band.fwhm, 401)
        shape = np.exp(-math.log(2) * np.abs(2 * (grid - band.centre) / band.fwhm) ** EXPONENT)
        approximate = radiance(xr.DataArray(shape, {"wavelength": grid}))
        seen = np.interp(approximate, radiance(response("fy3d_mersi2", band.native)), temperature)
        inside = (temperature >= 220) & (temperature <= 320)
        assert np.abs(seen - temperature)[inside].max() < 0.03, band


# ---- shape and average


def test_super_gaussian_is_half_at_the_limits_of_its_width() -> None:
    curve = response("landsat_tm", "nir")
    band = SENSORS["landsat_tm"].band("nir")
    assert curve.attrs["response"] == "approximate"
    assert float(curve.interp(wavelength=band.centre)) == pytest.approx(1.0)
    for side in (-0.5, 0.5):
        assert float(curve.interp(wavelength=band.centre + side * band.fwhm)) == pytest.approx(0.5, abs=1e-6)
    assert float(curve.max()) == 1.0
    assert curve.values[[0, -1]].max() < 1e-6


def test_average_of_a_constant_and_of_a_line() -> None:
    grid = np.linspace(0.3, 2.5, 45)
    for key, band, variant in (("gf1_wfv", "nir", "WFV2"), ("landsat_etm", "red", "")):
        curve = response(key, band, variant)
        assert float(band_average(xr.DataArray(np.full(45, 0.3), {"wavelength": grid}), curve)) == pytest.approx(0.3)
        line = xr.DataArray(2 * grid + 1, {"wavelength": grid})
        centroid = float((curve * curve["wavelength"]).integrate("wavelength") / curve.integrate("wavelength"))
        assert float(band_average(line, curve)) == pytest.approx(2 * centroid + 1, rel=1e-6)


def test_average_with_a_weight_and_further_dimensions() -> None:
    grid = np.linspace(0.3, 2.5, 2201)
    curve = response("landsat_etm", "green")
    spectra = xr.DataArray(
        np.stack([grid, grid**2]), {"wavelength": grid}, dims=("sample", "wavelength"), attrs={"units": "1"}
    )
    weight = xr.DataArray(np.exp(-grid), {"wavelength": grid})
    got = band_average(spectra, curve, weight)
    assert got.dims == ("sample",)
    assert got.attrs == {"units": "1"}
    shape = np.interp(grid, curve["wavelength"].values, curve.values, left=0, right=0) * np.exp(-grid)
    expected = [np.trapezoid(f * shape, grid) / np.trapezoid(shape, grid) for f in (grid, grid**2)]
    np.testing.assert_allclose(got.values, expected, rtol=1e-4)
    spectra[1, 300] = np.nan  # 0.6 um, within the band
    assert np.isnan(band_average(spectra, curve)).values.tolist() == [False, True]


def test_average_is_lazy_over_dask() -> None:
    grid = np.linspace(0.3, 2.5, 221)
    spectra = xr.DataArray(np.outer(np.arange(4.0), grid), {"wavelength": grid}, dims=("sample", "wavelength"))
    got = band_average(spectra.chunk(sample=1), response("landsat_etm", "red"))
    assert got.chunks is not None
    np.testing.assert_allclose(got.values, band_average(spectra, response("landsat_etm", "red")).values)


def test_what_is_no_spectrum_is_refused() -> None:
    curve = response("landsat_etm", "red")
    grid = np.linspace(0.3, 2.5, 45)
    with pytest.raises(InputError, match="no coordinate 'wavelength'"):
        band_average(xr.DataArray(grid, dims="wavelength"), curve)
    with pytest.raises(InputError, match="in nm"):
        band_average(xr.DataArray(grid, {"wavelength": grid * 1000}), curve)
    with pytest.raises(InputError, match="must rise"):
        band_average(xr.DataArray(grid, {"wavelength": grid[::-1]}), curve)
    with pytest.raises(InputError, match=r"reaches from 0\.3 to 0\.66.*Give one that covers it"):
        band_average(xr.DataArray(np.ones(10), {"wavelength": np.linspace(0.3, 0.66, 10)}), curve)


def test_names_that_do_not_exist() -> None:
    with pytest.raises(NotFoundError, match="sentinel2_msi"):
        response("sentinel2", "red")
    with pytest.raises(NotFoundError, match="no band 'rde'"):
        response("sentinel2_msi", "rde")
    with pytest.raises(NotFoundError, match="no platform or camera 'Sentinel-2D'"):
        response("sentinel2_msi", "red", "Sentinel-2D")


def test_a_curve_is_the_callers_own() -> None:
    first = response("gf6_wfv", "red")
    first[:] = 0
    assert float(response("gf6_wfv", "red").max()) > 0.9
