"""One target of the simulated Earth in the bands of every sensor: NDVI as MODIS would see it."""

import numpy as np
import pytest

import musyq_lab as ml
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import bandpass

# Dense crops and forest, and bare ground, beside villages and water.
PLACE, DAY, HOUR = "huailai", "2019-07-05", "2019-07-05T03:00"
GOAL = 0.015
SEEN = (
    ("landsat_oli", "Landsat-8"),
    ("sentinel2_msi", "Sentinel-2A"),
    ("gf1_wfv", "WFV1"),
    ("gf1_wfv", "WFV4"),
    ("fy3d_mersi2", ""),
    ("fy4a_agri", ""),
    ("himawari_ahi", ""),
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("earth")
    return ml.simulate(folder, place=PLACE, start=DAY, days=1, sensors=["landsat_oli"], size=40, resolution=300)


@pytest.fixture(scope="module")
def reference(simulation):
    return ndvi(simulation.surface_reflectance("modis", HOUR, ("red", "nir"), "Terra"))


def ndvi(reflectance):
    red, nir = (reflectance.sel(band=name).values.astype(float) for name in ("red", "nir"))
    return (nir - red) / (nir + red)


def targets(simulation):
    cover = np.asarray(simulation.world.static["land_cover"].values)
    lai = np.asarray(simulation.truth(HOUR)["lai"].values)
    return {"dense": lai > 3.5, "bare": (cover == 16) | ((lai < 0.5) & (cover != 17))}


@pytest.mark.parametrize(("sensor", "variant"), SEEN)
def test_ndvi_of_one_target_is_within_the_goal_for_every_sensor(simulation, reference, sensor, variant):
    have = [row.name for row in SENSORS[sensor].bands_of(variant)]
    roles = [role for role in bandpass.ROLES if role in have and role != "coastal"]
    seen = simulation.surface_reflectance(sensor, HOUR, roles, variant).astype(np.float32)
    scene = seen.to_dataset(name="reflectance").assign_attrs(
        sensor=sensor, platform=variant, camera=variant, reflectance_level="surface"
    )
    after, before = ndvi(bandpass.adjust(scene, "modis")["reflectance"]), ndvi(seen)
    for name, where in targets(simulation).items():
        assert where.sum() > 10, name
        error = np.sqrt(np.mean((after - reference)[where] ** 2))
        assert error < GOAL, name
        assert error < max(np.sqrt(np.mean((before - reference)[where] ** 2)), 0.01), name
