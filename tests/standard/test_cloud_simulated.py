"""The mask beside the simulated Earth and beside real Landsat scenes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sensors.shared_data import shared

from musyq_lab.sensors._open import open_scene
from musyq_lab.standard import cloud, layout
from musyq_lab.twin.simulate import simulate

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def summer(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("summer"), size=6, days=3, seed=31, sensors=["sentinel2_msi", "gf1_wfv"])


def scored(sim, sensor):
    """Return cloud as found and its true optical depth, over the pixels of all granules of a sensor."""
    found, depths = [], []
    for path in sim.paths(sensor):
        scene = layout.stack(open_scene(path))
        result = cloud.classify(scene, source="tests")
        depth = sim.scene_truth(path, bands=False)["cloud_optical_depth"].values
        known = np.isfinite(depth) & np.isfinite(scene["reflectance"].sel(band="red").values)
        found.append(layout.flagged(result, "cloud").values[known])
        depths.append(depth[known])
    return np.concatenate(found), np.concatenate(depths)


@pytest.mark.slow
@pytest.mark.parametrize("sensor", ["sentinel2_msi", "gf1_wfv"])
def test_four_bands_find_the_clouds_of_summer(summer, sensor):
    """A hard case: two fifths of the scenes are cirrus about as thin as counts as cloud."""
    found, depth = scored(summer, sensor)
    assert (found == (depth >= 0.5)).mean() >= 0.9
    assert (found[depth >= 1.0]).mean() >= 0.97
    assert (found[depth == 0.0]).mean() <= 0.1


def test_real_scene_agrees_with_the_mask_of_its_producer():
    """Summer over South Carolina, humid, many small clouds: the hardest of the real scenes without snow."""
    scene = layout.stack(open_scene(shared("landsat8_C1_L1TP_016037_20170813")))
    found = layout.flagged(cloud.classify(scene, source="tests"), "cloud")
    said = layout.flagged(scene, "cloud")
    known = ~layout.flagged(scene, "no_data")
    assert float((found == said).where(known).mean()) > 0.8
    assert float((~found & said).where(known & said).mean()) < 0.05


@pytest.mark.slow
def test_real_series_of_a_year_agrees_with_the_mask_of_its_producer(monkeypatch):
    """Nineteen scenes of New York, 2018, all seasons, on average 85 % of the pixels alike."""
    shared("landsat8_L1_series_NewYork_2018")
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    import cloud_accuracy

    agreed = [float((found == said).mean()) for _, found, said in cloud_accuracy.real()]
    assert len(agreed) >= 19
    assert np.mean(agreed) >= 0.85
    assert min(agreed) > 0.7
