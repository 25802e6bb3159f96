"""The library of spectra: what it holds, whether it is what its script makes, and what bands see of it."""

import importlib.util

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import _library
from musyq_lab.standard.spectra import band_weights

PACKING = 5e-3  # largest error of the principal components; 1e-4 in the root mean square


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("bandpass_derive", resource("catalogs/bandpass/derive.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def library():
    wavelength, reflectance = _library.spectra()
    return wavelength, reflectance, _library.kinds()


def at(library, kind, wavelength):
    grid, reflectance, kinds = library
    return reflectance[kinds == kind][:, int(np.argmin(np.abs(grid - wavelength)))]


def test_reflectance_is_possible_everywhere(library):
    wavelength, reflectance, _ = library
    assert wavelength[[0, -1]].tolist() == [0.4, 2.5]
    assert reflectance.shape == (3000, 2101)
    assert reflectance.min() > -PACKING
    assert reflectance.max() < 1.0


def test_kinds_are_counted_as_the_script_says(script, library):
    assert dict(zip(*np.unique(library[2], return_counts=True), strict=True)) == script.COUNTS


def test_each_kind_looks_like_itself(library):
    red_edge = at(library, "canopy", 0.86) / at(library, "canopy", 0.67)
    assert np.percentile(red_edge, 90) > 5.0
    assert np.percentile(red_edge, 5) < 1.5
    assert np.median(at(library, "soil", 1.6) / at(library, "soil", 0.5)) > 1.5
    assert (at(library, "snow", 0.5) > at(library, "snow", 1.6)).all()
    assert (at(library, "water", 1.6) < 0.05).all()
    assert np.median(at(library, "litter", 2.1) / at(library, "litter", 1.65)) < 0.8  # cellulose and lignin


def test_soils_spread_as_measured_ones_do(library):
    """5 and 95 % of the ratio over 4185 soils of earthlib 1.1.0 lie inside the range of the library."""
    measured = {
        (0.66, 0.75): (1.090, 1.373),
        (0.82, 0.86): (0.955, 1.084),
        (1.24, 1.6): (0.952, 1.157),
        (2.13, 2.2): (0.668, 0.960),
    }
    for (one, other), (low, high) in measured.items():
        ratio = at(library, "soil", other) / at(library, "soil", one)
        assert ratio.min() < low
        assert ratio.max() > high


@pytest.mark.parametrize(("kind", "maker"), [("soil", "soils"), ("snow", "snows"), ("water", "waters")])
def test_the_table_is_what_the_script_makes(script, library, kind, maker):
    order = [name for name in script.COUNTS if name != "mixture"]
    draw = script.Draw(script.SEED + order.index(kind), script.COUNTS[kind])
    made = getattr(script, maker)(draw)
    error = made - library[1][library[2] == kind]
    assert np.abs(error).max() < PACKING
    assert np.sqrt((error**2).mean()) < 3e-4


def test_mixtures_lie_between_the_pure_spectra(script):
    pure = np.array([[0.1, 0.5], [0.3, 0.2], [0.2, 0.9]])
    mixed = script.mixtures(script.Draw(1, 50), pure)
    assert (mixed >= pure.min(axis=0) - 1e-12).all()
    assert (mixed <= pure.max(axis=0) + 1e-12).all()
    assert np.ptp(mixed[:, 0]) > 0.1


def test_the_same_key_draws_the_same_numbers(script):
    np.testing.assert_array_equal(script.Draw(3, 9).ratio(0.1, 8.0), script.Draw(3, 9).ratio(0.1, 8.0))
    assert not (script.Draw(3, 9).ratio(0.1, 8.0) == script.Draw(4, 9).ratio(0.1, 8.0)).any()


def test_packing_loses_little(script):
    draw = np.random.default_rng(0)
    spectra = draw.uniform(0, 1, (40, 5)) @ draw.uniform(0, 0.2, (5, 300))
    np.testing.assert_allclose(script.unpacked(script.packed(spectra, 5)), spectra, atol=2e-4)


@pytest.mark.slow
def test_canopies_of_the_table_are_what_the_script_makes(script, library):
    made = script.canopies(script.Draw(script.SEED, script.COUNTS["canopy"]))
    error = made - library[1][library[2] == "canopy"]
    assert np.abs(error).max() < PACKING
    assert np.sqrt((error**2).mean()) < 3e-4


@pytest.mark.parametrize(
    ("sensor", "bands", "variant"),
    [("sentinel2_msi", ("B04", "B08"), "Sentinel-2B"), ("gf1_wfv", ("red", "nir"), "WFV4"), ("modis", ("1",), "Aqua")],
)
def test_bands_see_averages_of_the_spectra(library, sensor, bands, variant):
    seen = band_weights(sensor, bands, variant)
    places = np.round(1e3 * seen.wavelength).astype(int) - 400
    expected = seen.average(library[1][:, places])
    found = _library.band_reflectance(sensor, bands, variant)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_band_reflectance_cannot_be_changed():
    found = _library.band_reflectance("landsat_oli", ("red",), "Landsat-8")
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1.0


def test_a_narrow_band_sees_the_spectrum_at_its_centre(library):
    centre = SENSORS["s3_olci"].band("nir").centre
    found = _library.band_reflectance("s3_olci", ("nir",))[:, 0]
    grid, reflectance, _ = library
    np.testing.assert_allclose(found, reflectance[:, np.argmin(np.abs(grid - centre))], atol=0.004)


def test_what_there_is_not_is_refused():
    with pytest.raises(NotFoundError, match="no band 'swir1'"):
        _library.band_reflectance("gf1_wfv", ("swir1",))
    with pytest.raises(InputError, match=r"beyond 0\.4 to 2\.5 um"):
        _library.band_reflectance("landsat_oli", ("tir1",))
