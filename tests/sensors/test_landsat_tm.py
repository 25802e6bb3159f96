"""Landsat TM on real granules of 2014 processing, which have neither reflectance constants nor the Sun's distance."""

import math

import numpy as np
import pytest
from sensors import real_landsat as by_hand
from sensors.shared_data import shared

from musyq_lab.core.resources import resource
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.landsat_tm import ESUN, PLANCK, SPEC

SAMPLE = "samples/landsat/LT51670552010352MLK00"
REAL = "landsat5_TM_L1_224063_1988"
# Chander et al. 2009, tables 3 (ESUN) and 5 (K1, K2), typed here from the paper.
CHANDER = {"1": 1983.0, "2": 1796.0, "3": 1536.0, "4": 1031.0, "5": 220.0, "7": 83.44}
DAY = {SAMPLE: 352, REAL: 227}


def distance(day):
    """Sun-Earth distance (AU) of a day of the year: Spencer 1971, good to 0.0001."""
    x = 2.0 * math.pi * (day - 1) / 365.0
    inverse = 1.000110 + 0.034221 * math.cos(x) + 0.001280 * math.sin(x)
    return (inverse + 0.000719 * math.cos(2 * x) + 0.000077 * math.sin(2 * x)) ** -0.5


@pytest.mark.parametrize("name", [SAMPLE, REAL])
def test_a_real_granule_by_the_formulas_of_chander(name):
    folder = resource(f"catalogs/{name}") if name == SAMPLE else shared(name)
    mtl = by_hand.entries(folder)
    assert "REFLECTANCE_MULT_BAND_1" not in mtl
    assert "EARTH_SUN_DISTANCE" not in mtl
    scene, radiances, counts = (open_scene(folder, calibration=c) for c in ("reflectance", "radiance", "counts"))
    ratios = []
    for band in SPEC.bands:
        raw = by_hand.counts(folder, f"B{band.native}")
        np.testing.assert_array_equal(counts[band.name], raw)
        radiance = by_hand.radiance(raw, mtl, band.native)
        by_hand.same(radiances[band.name], radiance, within=1e-6, least=1e-3 * mtl[f"RADIANCE_MULT_BAND_{band.native}"])
        if band.thermal:
            expected = by_hand.temperature(radiance, 607.76, 1260.56)
            np.testing.assert_allclose(scene[band.name], expected, rtol=0, atol=1e-4)
        else:
            expected = by_hand.chander(radiance, CHANDER[band.native], mtl, distance(DAY[name]))
            by_hand.same(scene[band.name], expected, within=3e-4)
            ratios.append(np.nanmedian(scene[band.name].values / expected))
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-6)  # what is left is the distance alone, the same in all


def test_constants_are_those_of_the_paper():
    assert ESUN["Landsat-5"] == CHANDER
    assert PLANCK == {"Landsat-5": (607.76, 1260.56), "Landsat-4": (671.62, 1284.30)}
    for row in SPEC.bands:  # another solar spectrum, but the same Sun: Thuillier and TSIS-1 within 5 %
        if not row.thermal:
            assert row.e0 == pytest.approx(CHANDER[row.native], rel=0.05)


def test_forest_and_water_of_the_amazon_look_like_themselves():
    scene = open_scene(shared(REAL)).load()
    ndvi = (scene.nir - scene.red) / (scene.nir + scene.red)
    assert 0.6 < float(ndvi.median()) < 0.9
    water = ndvi < 0
    assert int(water.sum()) > 100
    assert float(scene.swir1.where(water).median()) < 0.05
    assert float(scene.nir.where(~water).median()) > 0.2
    assert 290.0 < float(scene.tir1.median()) < 305.0
    assert float(scene.blue.median()) > float(scene.red.median())  # Rayleigh scattering over dark forest


def test_padding_of_the_metadata_does_not_matter():
    path = next(shared(REAL).glob("*MTL.txt"))
    assert b"\0" * 100 in path.read_bytes()[-1000:] or path.stat().st_size == 65535
    assert open_scene(path).attrs["platform"] == "Landsat-5"
