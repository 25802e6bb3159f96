"""The table of spectra against its sources, and band averages against those of whole curves."""

import csv

import numpy as np
import pvlib
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import band_average, response
from musyq_lab.standard.spectra import band_weights, broad_bands, intervals, leaf_constants, sunlight

# dataSpec_PRO.txt of jbferet: wavelength (nm), refractive index, then the specific absorptions, as printed there
ROWS = {
    400: (1.5115, 6.48815e-02, 1.67340e-01, 6.66747e-02, 5.27200e-01, 5.80000e-05, 1.09700e02),
    450: (1.4955, 5.87747e-02, 1.67441e-01, 4.64136e-02, 4.73300e-01, 1.14000e-04, 6.66000e00),
    500: (1.4880, 1.90485e-02, 9.90044e-02, 6.77709e-02, 4.14400e-01, 2.38000e-04, 2.41700e00),
    547: (1.4750, 8.68499e-03, 6.93348e-03, 6.98401e-02, 3.55400e-01, 5.53200e-04, 2.30000e00),
}
COLUMNS = ("refractive", "chlorophyll", "carotenoids", "anthocyanins", "brown", "water", "dry")


def test_constants_of_leaves_as_printed():
    constants = leaf_constants()
    assert constants.wavelength[[0, -1]].tolist() == [0.4, 2.5]
    for wavelength, row in ROWS.items():
        found = [getattr(constants, name)[wavelength - 400] for name in COLUMNS]
        np.testing.assert_allclose(found, row, rtol=1e-12)


def test_constants_of_leaves_digit_by_digit():
    peer = pytest.importorskip("prosail", reason="prosail holds the same table; this comparison needs it").spectral_lib
    constants, theirs = leaf_constants(), peer.prospectd
    names = dict(zip(COLUMNS, ("nr", "kab", "kcar", "kant", "kbrown", "kw", "km"), strict=True))
    for ours, name in names.items():
        np.testing.assert_array_equal(getattr(constants, ours), getattr(theirs, name), err_msg=ours)


def test_sunlight_is_that_of_the_standard():
    reference = pvlib.spectrum.get_reference_spectra()
    wavelength, _ = sunlight()
    for light, column in (("outside", "extraterrestrial"), ("ground", "global")):
        expected = 1e3 * np.interp(1e3 * wavelength, reference.index, reference[column])
        np.testing.assert_allclose(sunlight(light)[1], expected, rtol=1e-4)


@pytest.mark.parametrize(("sensor", "worst"), [("landsat_oli", 0.03), ("sentinel2_msi", 0.03), ("modis", 0.03)])
def test_sunlight_in_bands_is_near_that_of_another_spectrum(sensor, worst):
    """The irradiances of the sensors' rows are of TSIS-1 HSRS, two decades newer than the spectrum of the standard."""
    wavelength, sun = sunlight()
    curves = {"wavelength": ("wavelength", wavelength)}
    for name in band_weights(sensor).names:
        row = SENSORS[sensor].band(name)
        if row.e0 is not None:
            curve = response(sensor, name)
            found = float(band_average(xr.DataArray(sun, curves), curve))
            assert found == pytest.approx(row.e0, rel=worst), name


def test_table_has_its_licences():
    folder = resource("catalogs/spectra")
    for name in ("prospect-MIT", "snowoptics-MIT", "pvlib-BSD-3"):
        assert "Copyright (c)" in (folder / "LICENCES" / f"{name}.txt").read_text("utf-8")
    with (folder / "spectra.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 2102
    assert {len(row) for row in rows} == {11}
    assert (folder / "spectra.csv").stat().st_size < 400_000


@pytest.mark.parametrize("sensor", ["landsat_oli", "sentinel2_msi", "modis", "gf1_wfv", "fy3d_mersi2", "npp_viirs"])
@pytest.mark.parametrize("step", [1, 3])
def test_weights_are_shares_of_light_at_the_centre_of_the_band(sensor, step):
    bands = band_weights(sensor, step=step)
    np.testing.assert_allclose(bands.weights.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert (bands.weights >= 0.0).all()
    assert bands.weights.any(axis=0).all()
    assert bands.leaf.wavelength.tolist() == bands.wavelength.tolist()
    for name, centre in zip(bands.names, bands.weights @ bands.wavelength, strict=True):
        row = SENSORS[sensor].band(name)
        assert abs(centre - row.centre) < 0.1 * row.fwhm + 1e-3, name


def test_averages_are_those_of_the_responses():
    """A bent line over measured curves, beside the average that the sensors' side computes from the curve itself."""
    wavelength, sun = sunlight()
    spectrum = 0.1 + 0.3 * (wavelength - 0.4) - 0.05 * (wavelength - 0.4) ** 2
    curves = {"wavelength": ("wavelength", wavelength)}
    bands = band_weights("sentinel2_msi", ["blue", "red", "red_edge_1", "nir", "swir1"])
    found = bands.average(0.1 + 0.3 * (bands.wavelength - 0.4) - 0.05 * (bands.wavelength - 0.4) ** 2)
    for name, value in zip(bands.names, found, strict=True):
        expected = band_average(
            xr.DataArray(spectrum, curves), response("sentinel2_msi", name), xr.DataArray(sun, curves)
        )
        assert value == pytest.approx(float(expected), abs=2e-5)


def test_names_roles_and_platforms():
    assert band_weights("landsat_oli", ["4", "red"]).names == ("4", "red")
    both = band_weights("landsat_oli", ["4", "red"]).weights
    np.testing.assert_array_equal(both[0], both[1])
    one, other = (band_weights("gf1_wfv", ["red"], variant) for variant in ("WFV1", "WFV4"))
    assert abs(one.weights[0] @ one.wavelength - other.weights[0] @ other.wavelength) > 1e-4
    assert len(set(band_weights("modis").names)) == len(band_weights("modis").names)


def test_what_cannot_be_averaged():
    with pytest.raises(InputError, match=r"beyond 0\.4 to 2\.5 um"):
        band_weights("modis", ["tir1"])
    with pytest.raises(NotFoundError, match="reed"):
        band_weights("landsat_oli", ["reed"])
    with pytest.raises(NotFoundError, match="shortwave"):
        broad_bands(("short_wave",))
    for edges in ((0.7, 0.4), (0.3, 0.7), (0.4,), (0.4, 2.6)):
        with pytest.raises(InputError, match="must rise"):
            intervals(edges)


def test_thermal_bands_are_left_out_by_default():
    assert not {"mir", "tir1", "tir2"} & set(band_weights("npp_viirs").names)


def test_broad_bands_cover_their_ranges():
    bands = broad_bands()
    wavelength = bands.wavelength
    for name, low, high in (("visible", 0.4, 0.7), ("near_infrared", 0.7, 2.5), ("shortwave", 0.4, 2.5)):
        weights = bands.weights[bands.names.index(name)]
        assert weights[(wavelength < low - 1e-9) | (wavelength > high + 1e-9)].sum() == 0.0
        assert (weights[(wavelength > low + 1e-9) & (wavelength < high - 1e-9)] > 0.0).all()
    visible, near, whole = (bands.weights[bands.names.index(n)] for n in ("visible", "near_infrared", "shortwave"))
    sun = sunlight("ground")[1]
    share = (sun * (wavelength < 0.7)).sum() / sun.sum()
    np.testing.assert_allclose(share * visible + (1.0 - share) * near, whole, rtol=0, atol=2e-6)


def test_par_counts_photons():
    bands = broad_bands(("par", "visible"))
    ratio = bands.weights[0] / bands.weights[1]
    np.testing.assert_allclose(ratio / bands.wavelength, ratio[0] / bands.wavelength[0], rtol=1e-12)


def test_intervals_add_up_to_the_whole():
    parts, shares = intervals(step=1)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    whole = broad_bands(("shortwave",)).weights[0]
    np.testing.assert_allclose(shares @ parts.weights, whole, rtol=0, atol=1e-12)


def test_float32_stays():
    bands = band_weights("landsat_oli", ["red"])
    assert bands.average(np.ones((2, bands.wavelength.size), np.float32)).dtype == np.float32
