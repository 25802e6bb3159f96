"""Cloud index, clear-sky index and diffuse light: continuity, ends, values of pvlib."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import heliosat
from musyq_lab.kernels._clear_sky_cloud import layer

REFERENCE = Path(__file__).parents[1] / "reference" / "dsr_split.csv"
METHODS = ("erbs", "erbs_driesse", "orgill_hollands", "boland")


def vectors():
    with REFERENCE.open(encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return [{k: v if k == "method" else float(v) for k, v in row.items()} for row in rows]


def diffuse(method, total, zenith, beyond=1361.0):
    more = (101325.0,) if method == "disc" else ()
    return float(getattr(heliosat, method).python(total, zenith, beyond, *more))


@pytest.mark.parametrize("row", vectors(), ids=lambda r: f"{r['method']}-{r['total']:.0f}-{r['sun_zenith']:.0f}")
def test_pvlib_agrees(row):
    made = diffuse(row["method"], row["total"], row["sun_zenith"], row["extraterrestrial"])
    assert made == pytest.approx(row["diffuse"], rel=1e-10)


@pytest.mark.parametrize("method", [*METHODS, "disc"])
def test_a_grid_of_pvlib_agrees(method):
    pvlib = pytest.importorskip("pvlib")
    total, zenith = np.meshgrid([5.0, 80.0, 250.0, 500.0, 800.0, 1100.0], [5.0, 40.0, 70.0, 84.0, 88.0])
    if method == "disc":
        beyond = float(pvlib.irradiance.get_extra_radiation(200, 1370.0, "spencer"))
        theirs = pvlib.irradiance.disc(total, zenith, 200)["dni"] * np.cos(np.radians(zenith))
        expected = total - np.minimum(theirs, total)
        made = heliosat.disc.python(total, zenith, beyond, 101325.0)
    else:
        beyond = float(pvlib.irradiance.get_extra_radiation(200))
        expected = getattr(pvlib.irradiance, method)(total, zenith, 200)["dhi"]
        made = getattr(heliosat, method).python(total, zenith, beyond)
    np.testing.assert_allclose(made, expected, rtol=1e-10)


@pytest.mark.parametrize("method", [*METHODS, "disc"])
def test_diffuse_light_is_part_of_the_whole(method):
    for total in (0.0, 10.0, 400.0, 900.0, 1300.0):
        for zenith in (0.0, 50.0, 86.0, 88.0, 95.0):
            assert 0 <= diffuse(method, total, zenith) <= total + 1e-9
    assert diffuse(method, 40.0, 88.0) == 40.0
    assert diffuse(method, 20.0, 30.0) > 0.9 * 20.0  # overcast
    assert math.isnan(diffuse(method, math.nan, 30.0))


def test_clear_sky_index_is_continuous_with_continuous_slope_from_08_on():
    def k(n):
        return float(heliosat.clear_sky_index.python(n))

    for place in (-0.2, 0.8, 1.1):
        assert k(place - 1e-9) == pytest.approx(k(place + 1e-9), abs=1e-8)
    for place in (0.8, 1.1):
        slopes = [(k(place + s + 1e-4) - k(place + s - 1e-4)) / 2e-4 for s in (-2e-4, 2e-4)]
        assert slopes[0] == pytest.approx(slopes[1], abs=2e-3)


@pytest.mark.parametrize(
    ("n", "k"), [(-0.5, 1.2), (-0.2, 1.2), (0.0, 1.0), (0.5, 0.5), (0.8, 0.2), (1.1, 0.05), (1.5, 0.05)]
)
def test_pieces_of_heliosat(n, k):
    assert float(heliosat.clear_sky_index.python(n)) == pytest.approx(k, abs=1e-12)


def test_the_printed_parabola_is_ours():
    """2.0667 - 3.6667 n + 1.6667 n2, to the digits in which the literature gives it."""
    for n in np.linspace(0.8, 1.1, 7):
        printed = 2.0667 - 3.6667 * n + 1.6667 * n * n
        assert float(heliosat.clear_sky_index.python(n)) == pytest.approx(printed, abs=1e-4)


def test_cloud_index_has_its_ends_and_refuses_bright_ground():
    assert float(heliosat.cloud_index.python(0.15, 0.15, 0.8)) == 0.0
    assert float(heliosat.cloud_index.python(0.8, 0.15, 0.8)) == 1.0
    assert float(heliosat.cloud_index.python(0.3, 0.2, 0.7)) == pytest.approx(0.2)
    assert math.isnan(heliosat.cloud_index.python(0.7, 0.7, 0.75))
    assert math.isnan(heliosat.cloud_index.python(math.nan, 0.2, 0.7))


def test_thick_clouds_darken_as_the_sun_rises():
    values = [float(heliosat.cloud_reflectance.python(z)) for z in (0.0, 30.0, 60.0, 90.0, 120.0)]
    assert values[0] == pytest.approx(0.78 - 0.13 * (1 - math.exp(-4)), rel=1e-12)
    assert values == sorted(values)
    assert values[3] == values[4] == pytest.approx(0.78, abs=1e-9)


def planted(depth, ground, sun, view):
    """Apparent reflectance of a two-stream cloud over a ground, written out with the layer's own function."""
    down, _, back = layer(depth, math.cos(math.radians(sun)), 0)
    up, *_ = layer(depth, math.cos(math.radians(view)), 0)
    dark = ground / heliosat.ABOVE
    return heliosat.ABOVE * ((1 - down) * (1 - up) / back + down * up * dark / (1 - dark * back))


@pytest.mark.parametrize("depth", [0.2, 1.0, 7.0, 40.0, 120.0])
@pytest.mark.parametrize(("ground", "sun", "view"), [(0.05, 20.0, 0.0), (0.2, 50.0, 55.0), (0.3, 75.0, 30.0)])
def test_the_planted_depth_is_found(depth, ground, sun, view):
    seen = planted(depth, ground, sun, view)
    assert float(heliosat.cloud_depth.python(seen, ground, sun, view)) == pytest.approx(depth, rel=1e-3, abs=1e-3)


def test_no_cloud_and_the_thickest_that_is_told():
    assert float(heliosat.cloud_depth.python(0.15, 0.15, 30.0, 0.0)) == 0.0
    assert float(heliosat.cloud_depth.python(0.1, 0.15, 30.0, 0.0)) == 0.0
    assert float(heliosat.cloud_depth.python(1.2, 0.15, 30.0, 0.0)) == pytest.approx(heliosat.DEEPEST, rel=1e-3)
    assert math.isnan(heliosat.cloud_depth.python(math.nan, 0.15, 30.0, 0.0))
    assert math.isnan(heliosat.cloud_depth.python(0.3, math.nan, 30.0, 0.0))


def test_compiled_is_the_python_twin():
    n = np.linspace(-0.5, 1.5, 41)
    np.testing.assert_allclose(heliosat.clear_sky_index(n), heliosat.clear_sky_index.python(n), rtol=1e-14)
