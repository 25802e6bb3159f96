"""What a band sees of a spectrum: exact for lines, whatever the step; sums and shares by independent integration."""

import csv
from itertools import pairwise

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.standard import spectra


@pytest.fixture(scope="module")
def table():
    with resource("catalogs/spectra/spectra.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, 2100])
def test_hats_are_linear_interpolation(step):
    size = 2101
    places = np.append(np.arange(0, size - 1, step), size - 1)
    values = np.random.Generator(np.random.Philox(step)).uniform(size=places.size)
    expected = np.interp(np.arange(size), places, values)
    np.testing.assert_allclose(spectra._hats(places, size) @ values, expected, atol=1e-12)


@pytest.mark.parametrize("step", [1, 3, 11])
def test_a_straight_line_is_averaged_exactly_at_any_step(step, table):
    bands = spectra.broad_bands(step=step)
    found = bands.average(3.0 - bands.wavelength)
    wavelength, sun = table["wavelength_nm"] / 1e3, table["sun_ground"]
    for name, value in zip(bands.names, found, strict=True):
        low, high = spectra.BROAD[name]
        inside = (wavelength >= low - 1e-9) & (wavelength <= high + 1e-9)
        weight = sun[inside] * (wavelength[inside] if name == "par" else 1.0)
        weight[[0, -1]] /= 2
        assert value == pytest.approx((weight * (3.0 - wavelength[inside])).sum() / weight.sum(), rel=1e-9), name


def test_rows_sum_to_one_and_no_wavelength_is_idle():
    for step in (1, 4):
        bands = spectra.broad_bands(("par", "near_infrared"), step=step)
        np.testing.assert_allclose(bands.weights.sum(axis=1), 1.0)
        assert (bands.weights >= 0).all()
        assert bands.weights.any(axis=0).all()
        assert bands.leaf.water.shape == bands.ice.shape == bands.wavelength.shape


def test_constants_lie_at_their_wavelengths(table):
    bands = spectra.broad_bands(("near_infrared",), step=10)
    place = np.round(bands.wavelength * 1000).astype(int) - 400
    np.testing.assert_array_equal(bands.ice, table["ice"][place])
    np.testing.assert_array_equal(bands.leaf.water, table["water"][place])
    assert bands.wavelength.min() >= 0.69


def test_light_outside_and_on_the_ground_differ_where_vapour_absorbs(table):
    wavelength, outside = spectra.sunlight()
    _, ground = spectra.sunlight("ground")
    np.testing.assert_allclose(outside, 1e3 * table["sun_outside"])
    share = ground / outside
    at = [int(np.argmin(np.abs(wavelength - w))) for w in (1.05, 1.4, 1.9)]
    assert share[at[0]] > 0.8
    assert share[at[1]] < 0.05
    assert share[at[2]] < 0.05
    with pytest.raises(ValueError, match="read-only"):
        spectra._table()[0, 0] = 1.0


@pytest.mark.parametrize("light", ["outside", "ground"])
def test_shares_of_intervals_are_integrals_of_sunlight(light, table):
    edges = (0.4, 0.55, 0.9, 2.5)
    bands, shares = spectra.intervals(edges, light=light)
    wavelength, sun = table["wavelength_nm"] / 1e3, table[f"sun_{light}"]
    parts = []
    for low, high in pairwise(edges):
        inside = (wavelength >= low - 1e-9) & (wavelength <= high + 1e-9)
        parts.append(np.trapezoid(sun[inside], wavelength[inside]))
    np.testing.assert_allclose(shares, np.array(parts) / sum(parts), rtol=1e-3)
    assert bands.names == ("0.4-0.55", "0.55-0.9", "0.9-2.5")
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "edges", [(0.4,), (0.5, 0.5), (0.7, 0.5), (0.3, 0.7), (0.7, 2.6), (0.4, np.nan), (0.5, 0.5005)]
)
def test_edges_that_are_no_intervals_are_refused(edges):
    with pytest.raises(InputError, match="edges"):
        spectra.intervals(edges)


def test_an_unknown_broad_band_names_the_closest():
    with pytest.raises(NotFoundError, match="visible"):
        spectra.broad_bands(("visibel",))


def test_many_spectra_at_once_are_one_after_the_other():
    bands = spectra.broad_bands(step=20)
    many = np.random.Generator(np.random.Philox(1)).uniform(size=(2, 3, bands.wavelength.size))
    found = bands.average(many)
    assert found.shape == (2, 3, 4)
    np.testing.assert_allclose(found[1, 2], bands.average(many[1, 2]))
    assert np.isnan(bands.average(np.full(bands.wavelength.size, np.nan))).all()
