"""Products retrieved on the simulated Earth beside its truth: error, bias, and whether the stated sigma holds.

``python benchmarks/retrieval_accuracy.py [FOLDER]``; the folder holds worlds of ``ml.simulate(members="scored")``, made
if they do not exist. First the reflectance is that of the surface in the bands of a sensor, with noise of its
specification, so that the retrievals alone are judged; then that of standardized granules, with what cloud mask, air
and grid leave. The scored canopies have other leaves, soils, clumping and maxima of leaf area than those that
anything here was trained on.
"""

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import xarray as xr
from _bench import table

import musyq_lab as ml
from musyq_lab.core.quality import SCENE_CLOUD

PLACES = ("huailai", "hulunber")
SENSORS = {"sentinel2_msi": "S2A", "landsat_oli": "LANDSAT_8", "modis": "Terra"}
ROLES = ("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir", "nir_narrow", "swir1", "swir2", "blue")
NOISE = (0.002, 0.02)  # absolute and relative, one sigma, of a corrected band without aerosol error
TRUE_NAME = {"fvc": "fraction_vegetation_cover"}


def scene(sim: object, sensor: str, platform: str, time: datetime) -> xr.Dataset:
    """Return noisy surface reflectance of a sensor, angles, land cover and the weather of the day."""
    known = {band.name for band in ml.SENSORS[sensor].bands}
    state, day = sim.truth(time), sim.world.day(time)
    reflectance = sim.surface_reflectance(sensor, time, [r for r in ROLES if r in known])
    random = np.random.Generator(np.random.Philox(5))
    sigma = NOISE[0] + NOISE[1] * reflectance
    noisy = (reflectance + sigma * random.normal(size=reflectance.shape)).clip(0).assign_attrs(units="1")
    weather = ["air_temperature", "air_temperature_min", "air_temperature_max", "vapour_pressure_deficit"]
    weather += ["downward_par", "net_radiation", "relative_humidity"]
    zero = xr.zeros_like(state["sun_zenith"]).assign_attrs(units="degree")
    layers = {
        "reflectance": noisy.astype("float32"),
        "sun_zenith": state["sun_zenith"],
        "view_zenith": zero,
        "relative_azimuth": zero,
        "land_cover": sim.world.static["land_cover"].astype("float32").assign_attrs(units="1"),
        "canopy_height": state["canopy_height"],
        **{name: day[name] for name in weather if name in day},
    }
    layers = {name: layer.drop_vars([c for c in layer.coords if c != "band"]) for name, layer in layers.items()}
    return xr.Dataset(layers, attrs={"sensor": sensor, "platform": platform})


def score(made: xr.DataArray, sigma: xr.DataArray, truth: xr.DataArray, good: np.ndarray, goals: tuple) -> list[str]:
    """Return RMSE, bias, share within goal and threshold (two sigma), and the share of errors within one sigma."""
    error = (made.values - truth.values)[good]
    size = truth.values[good]
    there = np.isfinite(error)
    error, size, one = error[there], size[there], sigma.values[good][there]
    words = [f"{there.mean():.0%}", f"{size.mean():.3f}", f"{np.sqrt(np.mean(error**2)):.3f}", f"{error.mean():+.3f}"]
    for relative, absolute in goals:
        words.append(f"{np.mean(np.abs(error) <= np.maximum(relative * size, absolute)):.0%}")
    words += ["-"] * (2 - len(goals))
    return [*words, f"{np.mean(np.abs(error) <= one):.0%}"]


# GCOS-245 (2022 update of GCOS-244): two sigma, goal then threshold, as share of the value or absolute. Products that
# are no ECV of it have none.
GOALS = {"lai": ((0.10, 0.05), (0.20, 0.10)), "fpar": ((0.05, 0.0025), (0.10, 0.005)), "fvc": (), "gpp": (), "npp": ()}


def measure(place: str, folder: Path) -> list[list[str]]:
    """Return one row a sensor and product."""
    sim = ml.simulate(folder, place=place, size=12, start="2019-07-10", days=1, sensors=["modis"], members="scored")
    time = datetime(2019, 7, 10, 3)
    state, day = sim.truth(time), sim.world.day(time)
    cover = sim.world.static["land_cover"].values
    good = (cover < 17) & (state["snow_fraction"].values < 0.01)
    rows = []
    for sensor, platform in SENSORS.items():
        ds = scene(sim, sensor, platform, time)
        made = ml.retrieve(["lai", "fpar", "fvc", "gpp", "npp"], ds, uncertainty=True).compute()
        for key, goals in GOALS.items():
            truth = (state if key in ("lai", "fpar", "fvc") else day)[TRUE_NAME.get(key, key)]
            rows.append([place, sensor, key, *score(made[key], made[f"{key}_uncertainty"], truth, good, goals)])
    return rows


def from_granule(place: str, folder: Path) -> list[list[str]]:
    """Return one row a product from a standardized Sentinel-2 granule on the cells of the truth."""
    days = {"start": "2019-07-10", "days": 5, "cloudiness": 0.0}
    sim = ml.simulate(folder, place=place, size=12, sensors=["sentinel2_msi"], members="scored", **days)
    path = sim.paths("sentinel2_msi")[0]
    moment = np.datetime64(ml.open_scene(path).attrs["time_coverage_start"].rstrip("Z"), "s")
    state = sim.truth(moment)
    surface = ml.standardize(path, grid=state, aod="scene")
    cover = sim.world.static["land_cover"].values
    surface["land_cover"] = (surface["sun_zenith"].dims, cover.astype("float32"), {"units": "1"})
    made = ml.retrieve(["lai", "fpar", "fvc"], surface).compute()
    good = (cover < 17) & (state["snow_fraction"].values < 0.01) & (made["lai_qa"].values & SCENE_CLOUD.mask == 0)
    truth = {key: state[TRUE_NAME.get(key, key)] for key in ("lai", "fpar", "fvc")}
    return [
        [place, "granule", key, *score(made[key], made[f"{key}_uncertainty"], truth[key], good, GOALS[key])]
        for key in truth
    ]


if __name__ == "__main__":
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "scored")
    head = ["place", "sensor", "product", "retrieved", "mean", "rmse", "bias", "in goal", "in threshold", "in sigma"]
    rows = [row for place in PLACES for row in measure(place, root / place)]
    rows += [row for place in PLACES for row in from_granule(place, root / f"{place}_granule")]
    table("Products beside the truth", head, rows)
