"""Landsat ETM+ on the real granule that ships, and its published constants."""

import numpy as np
import pytest
from sensors import real_landsat as by_hand

from musyq_lab.core.resources import resource
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.landsat_etm import ESUN, PLANCK, SPEC

SAMPLE = "catalogs/samples/landsat/LE07_L1TP_195025_20010730_20170204_01_T1"
# Chander et al. 2009, table 4 (ESUN), typed here from the paper.
CHANDER = {"1": 1997.0, "2": 1812.0, "3": 1533.0, "4": 1039.0, "5": 230.8, "7": 84.90, "8": 1362.0}


@pytest.fixture(scope="module")
def folder():
    return resource(SAMPLE)


@pytest.mark.parametrize("resolution", [30, 15])
def test_a_real_granule_by_its_own_metadata(folder, resolution):
    mtl = by_hand.entries(folder)
    scene, radiances, counts = (
        open_scene(folder, resolution=resolution, calibration=c) for c in ("reflectance", "radiance", "counts")
    )
    for band in [b for b in SPEC.bands if b.resolution == resolution]:
        raw = by_hand.counts(folder, f"B{band.native}")
        np.testing.assert_array_equal(counts[band.name], raw)
        radiance = by_hand.radiance(raw, mtl, band.native)
        by_hand.same(radiances[band.name], radiance, within=1e-6, least=1e-3 * mtl[f"RADIANCE_MULT_BAND_{band.native}"])
        if band.thermal:
            expected = by_hand.temperature(radiance, 666.09, 1282.71)
            np.testing.assert_allclose(scene[band.name], expected, rtol=0, atol=1e-4)
        else:
            by_hand.same(scene[band.name], by_hand.reflectance(raw, mtl, band.native), within=1e-6)


def test_both_gains_measure_the_same_ground(folder):
    scene = open_scene(folder).load()
    difference = scene.tir1 - scene.tir1_high_gain
    assert abs(float(difference.median())) < 0.3  # half a count of low gain is 0.25 K at 300 K
    assert 285.0 < float(scene.tir1.median()) < 315.0


def test_reflectance_agrees_with_chander_on_the_radiance(folder):
    """The constants of Collection 1 and the older formula with ESUN differ by the solar spectrum alone."""
    mtl = by_hand.entries(folder)
    scene = open_scene(folder)
    for band in ("1", "2", "3", "4", "5", "7"):
        radiance = by_hand.radiance(by_hand.counts(folder, f"B{band}"), mtl, band)
        expected = by_hand.chander(radiance, CHANDER[band], mtl, mtl["EARTH_SUN_DISTANCE"])
        ratio = np.nanmedian(scene[SPEC.band(band).name].values / expected)
        assert ratio == pytest.approx(1.0, abs=0.05)


@pytest.mark.filterwarnings("ignore")
def test_satpy_reads_the_same(folder, tmp_path):
    names = {"B1": "blue", "B3": "red", "B4": "nir", "B6_VCID_1": "tir1", "B6_VCID_2": "tir1_high_gain"}
    theirs = by_hand.by_satpy(folder, tmp_path, "etm_l1_tif", list(names))
    ours = open_scene(folder)
    cosine = np.cos(np.radians(float(ours.sun_zenith)))
    for band, role in names.items():
        expected = theirs[band] if role.startswith("tir") else theirs[band] / 100.0 / cosine
        filled = by_hand.counts(folder, band) == 0
        np.testing.assert_allclose(ours[role].values[~filled], expected[~filled], rtol=2e-6, atol=1e-6)


def test_constants_are_those_of_the_paper():
    assert ESUN == {"Landsat-7": CHANDER}
    assert PLANCK == {"Landsat-7": (666.09, 1282.71)}
    for row in SPEC.bands:
        if not row.thermal:
            assert row.e0 == pytest.approx(CHANDER[row.native], rel=0.05)
