"""Totals with correlated errors against dense matrices, limits in closed form, the ellipsoid, and drawn errors."""

import numpy as np
import pytest
import shapely
from pyproj import Geod

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.correlated import EARTH_RADIUS, ErrorPart, correlated_total
from musyq_lab.analysis.totals import Z95
from musyq_lab.analysis.zonal import ZoneFractions, country_fractions, zone_fractions
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS

GRID = GRIDS["0p25deg"].window(0, 40, 6, 45)
ZONES = zone_fractions({"west": shapely.box(0, 40, 2.1, 45), "east": shapely.box(2.1, 40, 6, 43.3)}, GRID)


def field(grid, seed=3):
    return np.random.default_rng(seed).uniform(0.5, 2.0, grid.shape)


def dense(latitude, longitude, length):
    """Correlation of all pairs of cells by the angle between their directions, none of the module's formulae."""
    phi, lam = (np.radians(a).ravel() for a in np.meshgrid(latitude, longitude, indexing="ij"))
    unit = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    chord = np.linalg.norm(unit[:, :, None] - unit[:, None, :], axis=0)
    return np.exp(-2 * EARTH_RADIUS * np.arcsin(np.clip(chord / 2, 0, 1)) / length)


def whole_grid(latitude, longitude, name="all"):
    cells = np.arange(latitude.size * longitude.size)
    zero = np.zeros(cells.size, np.int64)
    return ZoneFractions((name,), cells, zero, np.ones(cells.size), latitude, longitude)


@pytest.mark.parametrize("length", [20.0, 150.0, 1000.0])
def test_regional_errors_are_the_dense_double_sum(length):
    sigma = field(GRID)
    found = correlated_total(field(GRID, 4), ZONES, [ErrorPart("weather", sigma, length)])
    matrix = dense(ZONES.latitude, ZONES.longitude, length)
    for index, name in enumerate(ZONES.zones):
        share = np.zeros(sigma.size)
        mine = ZONES.zone == index
        share[ZONES.cell[mine]] = ZONES.fraction[mine]
        weight = share * sigma.ravel()
        assert found.loc[name, "sigma_weather"] == pytest.approx(np.sqrt(weight @ matrix @ weight), rel=1e-10)


def test_the_globe_closes_at_its_seam():
    latitude, longitude = np.linspace(80, -80, 9), np.linspace(-170, 170, 18)
    sigma = np.random.default_rng(1).uniform(0, 1, (9, 18))
    found = correlated_total(sigma, whole_grid(latitude, longitude), [ErrorPart("a", sigma, 3000.0)])
    weight = sigma.ravel()
    expected = np.sqrt(weight @ dense(latitude, longitude, 3000.0) @ weight)
    assert found["sigma_a"].item() == pytest.approx(expected, rel=1e-10)


def test_turning_the_globe_changes_nothing():
    latitude, longitude = np.linspace(75, -75, 6), np.linspace(-165, 165, 12)
    sigma = np.random.default_rng(1).uniform(0, 1, (6, 12))
    here = correlated_total(sigma, whole_grid(latitude, longitude), [ErrorPart("a", sigma, 2000.0)])
    there = correlated_total(
        np.roll(sigma, 5, axis=1), whole_grid(latitude, longitude), [ErrorPart("a", np.roll(sigma, 5, axis=1), 2000.0)]
    )
    assert here["sigma_a"].item() == pytest.approx(there["sigma_a"].item(), rel=1e-12)


def test_limits_of_the_length():
    sigma = field(GRID)
    parts = [
        *(ErrorPart("own", sigma, 0.0), ErrorPart("short", sigma, 1e-3)),
        *(ErrorPart("common", sigma), ErrorPart("long", sigma, 1e9)),
    ]
    found = correlated_total(sigma, ZONES, parts)
    np.testing.assert_allclose(found["sigma_short"], found["sigma_own"], rtol=1e-9)
    np.testing.assert_allclose(found["sigma_long"], found["sigma_common"], rtol=1e-5)
    assert found.loc["west", "sigma_common"] == pytest.approx(ZONES.sums(sigma)[0])
    squares = sum(found[f"sigma_{part.name}"] ** 2 for part in parts)
    np.testing.assert_allclose(found["sigma"], np.sqrt(squares))


def test_the_sigma_grows_with_the_length():
    parts = [ErrorPart(f"l{length}", field(GRID), float(length)) for length in (5, 50, 500, 5000)]
    found = correlated_total(field(GRID), ZONES, parts).loc["east"]
    assert np.all(np.diff([found[f"sigma_{part.name}"] for part in parts]) > 0)


def test_groups_share_within_themselves_only():
    labels = np.indices(GRID.shape)[0] % 3
    sigma = np.ones(GRID.shape)
    found = correlated_total(sigma, ZONES, [ErrorPart("class", sigma, groups=labels)])
    expected = [sum(ZONES.sums(np.where(labels == k, 1.0, 0.0))[zone] ** 2 for k in range(3)) for zone in range(2)]
    np.testing.assert_allclose(found["sigma_class"], np.sqrt(expected))
    one = correlated_total(sigma, ZONES, [ErrorPart("class", sigma, groups=np.zeros(GRID.shape, "U3"))])
    np.testing.assert_allclose(one["sigma_class"], ZONES.sums(sigma))


def test_missing_cells_carry_no_error():
    values = field(GRID)
    values[:, :4] = np.nan
    parts = [ErrorPart("a", 1.0, 100.0), ErrorPart("b", 1.0), ErrorPart("c", 1.0, 0.0)]
    found = correlated_total(values, ZONES, parts)
    kept = correlated_total(values, ZONES, [ErrorPart(p.name, np.isfinite(values) * 1.0, p.length) for p in parts])
    np.testing.assert_allclose(found, kept)
    nothing = correlated_total(np.full(GRID.shape, np.nan), ZONES, parts)
    assert (nothing.to_numpy() == 0).all()


def test_many_cells_are_summed_over_blocks():
    latitude, longitude = np.linspace(50, 40, 400), np.linspace(0, 12, 800)
    sigma = np.random.default_rng(5).uniform(0, 1, (400, 800))
    found = correlated_total(sigma, whole_grid(latitude, longitude), [ErrorPart("a", sigma, 300.0)])["sigma_a"].item()
    coarse = sigma.reshape(40, 10, 80, 10).sum(axis=(1, 3)).ravel()
    centres = latitude.reshape(40, 10).mean(1), longitude.reshape(80, 10).mean(1)
    assert found == pytest.approx(np.sqrt(coarse @ dense(*centres, 300.0) @ coarse), rel=0.005)


def test_a_fine_globe_keeps_its_seam():
    latitude, longitude = np.linspace(0.5, -0.5, 2), -180 + 360 * (np.arange(1440) + 0.5) / 1440
    near = np.zeros((2, 1440))
    near[:, [0, -1]] = 1.0
    inside = np.zeros((2, 1440))
    inside[:, [719, 720]] = 1.0
    grid = whole_grid(latitude, longitude)
    at_seam = correlated_total(near, grid, [ErrorPart("a", near, 500.0)])["sigma_a"].item()
    in_middle = correlated_total(inside, grid, [ErrorPart("a", inside, 500.0)])["sigma_a"].item()
    # Across the seam cells are summed to blocks of one degree first, whose centres lie 111 km apart.
    assert at_seam == pytest.approx(in_middle, rel=0.04)
    assert at_seam > 3.5  # four cells that go together


def test_single_cells_and_rows():
    latitude = np.array([30.0])
    for longitude in (np.array([10.0]), np.array([10.0, 11.0, 12.0])):
        sigma = np.ones((1, longitude.size))
        found = correlated_total(sigma, whole_grid(latitude, longitude), [ErrorPart("a", sigma, 200.0)])
        expected = np.sqrt(dense(latitude, longitude, 200.0).sum())
        assert found["sigma_a"].item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([ErrorPart("a", -1.0)], "negative"),
        ([ErrorPart("a", 1.0, -5.0)], "0 or more"),
        ([ErrorPart("a", 1.0, np.nan)], "0 or more"),
        ([ErrorPart("a", 1.0), ErrorPart("a", 1.0)], "names of their own"),
        ([ErrorPart("a", 1.0, 10.0, groups=0)], "one of them"),
    ],
)
def test_what_is_refused(parts, message):
    with pytest.raises(InputError, match=message):
        correlated_total(field(GRID), ZONES, parts)


def test_uneven_longitudes_are_refused():
    longitude = np.array([0.0, 1.0, 3.0])
    grid = whole_grid(np.array([0.0, 1.0]), longitude)
    with pytest.raises(InputError, match="evenly spaced"):
        correlated_total(np.ones((2, 3)), grid, [ErrorPart("a", 1.0, 10.0)])


def test_a_constant_field_on_the_ellipsoid():
    # 1 per square metre over the globe, and over a box whose area pyproj gives from geodesics along its meridians.
    area = cell_area("0p25deg").values
    whole = whole_grid(np.asarray(GRIDS["0p25deg"].latitude), np.asarray(GRIDS["0p25deg"].longitude))
    found = correlated_total(area, whole, [])["total"].item()
    a, f = 6378137.0, 1 / 298.257223563
    e = np.sqrt(f * (2 - f))
    closed = 2 * np.pi * a**2 * (1 + (1 - e**2) / e * np.arctanh(e))
    assert found == pytest.approx(closed, rel=1e-9)
    box = correlated_total(cell_area(GRID).values, zone_fractions({"box": shapely.box(0, 40, 6, 45)}, GRID), [])
    # Parallels are no geodesics: they are cut into pieces so short that the strip between is below 1e-9 of the area.
    steps = np.linspace(0, 6, 60001)
    ring = np.concatenate([steps, steps[::-1]]), np.concatenate([np.full(60001, 40.0), np.full(60001, 45.0)])
    geodesic = abs(Geod(ellps="WGS84").polygon_area_perimeter(*ring)[0])
    assert box["total"].item() == pytest.approx(geodesic, rel=1e-9)


def test_drawn_errors_fall_into_the_interval():
    """The national totals of 1,000 drawn Earths: spread as stated, 95 % within 1.96 sigma."""
    grid = GRIDS["0p25deg"].window(73, 18, 135, 54)
    axes = {"latitude": np.asarray(grid.latitude)[4::8], "longitude": np.asarray(grid.longitude)[4::8]}
    import xarray as xr

    zones = country_fractions(xr.Dataset(coords=axes))
    china = [i for i, c in enumerate(zones.zones) if c.iso3 == "CHN"]
    amounts = cell_area(**axes).values * 1e-12
    labels = (np.indices(amounts.shape).sum(axis=0) // 5) % 4
    parts = [
        ErrorPart("common", 0.05 * amounts),
        ErrorPart("class", 0.10 * amounts, groups=labels),
        ErrorPart("regional", 0.25 * amounts, 600.0),
        ErrorPart("own", 0.30 * amounts, 0.0),
    ]
    row = correlated_total(amounts, zones, parts).iloc[china[0]]
    rng = np.random.default_rng(11)
    root = np.linalg.cholesky(dense(axes["latitude"], axes["longitude"], 600.0) + 1e-10 * np.eye(amounts.size))
    mask = zones.mask([zones.zones[china[0]]]).values
    drawn = []
    for _ in range(1000):
        z = 0.05 * rng.normal() + 0.10 * rng.normal(size=4)[labels]
        z = z + 0.25 * (root @ rng.normal(size=amounts.size)).reshape(amounts.shape)
        z = z + 0.30 * rng.normal(size=amounts.shape)
        drawn.append(float((amounts * (1 + z) * mask).sum()))
    errors = np.array(drawn) - row["total"]
    assert errors.std() == pytest.approx(row["sigma"], rel=0.07)
    inside = np.mean(np.abs(errors) < Z95 * row["sigma"])
    assert 0.93 < inside < 0.97
    # Quadrature over all cells would be wrong by far, and so would the plain sum.
    alone = np.sqrt(((0.25 * amounts * mask) ** 2).sum())
    assert 5 * alone < row["sigma_regional"] < 0.8 * float((0.25 * amounts * mask).sum())
