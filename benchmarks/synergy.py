"""A five-day composite of all simulated sensors beside those of single ones: error and gaps against the truth.

``python benchmarks/synergy.py FOLDER [DATE]`` with a folder of ``ml.simulate``. The truth is the reflectance of the
simulated surface in the bands of MODIS, seen from above under the composite's Sun, in the middle of the period.
"""

import sys
import warnings
from datetime import datetime, timedelta

import numpy as np
import xarray as xr
from _bench import table
from pyproj import Transformer

import musyq_lab as ml
from musyq_lab.composite.composite import composite
from musyq_lab.composite.report import load_report
from musyq_lab.core.grid import ProjectedGrid
from musyq_lab.core.period import Period, pentad
from musyq_lab.sensors._time import instant
from musyq_lab.standard import layout

BANDS = ["blue", "green", "red", "nir"]
CELL = 1000.0  # m
METHODS = ("mean", "auto", "brdf")
KEPT = ["reflectance", *layout.UNCERTAINTIES, *layout.ANGLES, "qa"]


def grid_of(truth: xr.Dataset) -> ProjectedGrid:
    """Return whole kilometres inside the simulated world."""
    crs = truth["spatial_ref"].attrs["crs_wkt"]
    x, y = truth["x"].values, truth["y"].values
    west, east = np.ceil((x.min() - 15) / CELL) * CELL, np.floor((x.max() + 15) / CELL) * CELL
    south, north = np.ceil((y.min() - 15) / CELL) * CELL, np.floor((y.max() + 15) / CELL) * CELL
    rows, columns = int((north - south) / CELL), int((east - west) / CELL)
    return ProjectedGrid("1000m", crs, west, north, CELL, rows, columns)


def truth_on(sim: object, grid: ProjectedGrid, middle: datetime) -> xr.DataArray:
    """Return the reflectance of the surface on the grid, at 10:30 local solar time."""
    state = sim.truth(middle)
    place = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    longitude = place.transform(float(grid.x.mean()), float(grid.y.mean()))[0]
    morning = middle.replace(hour=0, minute=0) + timedelta(hours=10.5 - longitude / 15)
    half = sim.surface_reflectance("modis", morning, BANDS).assign_coords(x=state["x"], y=state["y"])
    columns = np.floor((half["x"].values - grid.west) / CELL).astype(int)
    rows = np.floor((grid.north - half["y"].values) / CELL).astype(int)
    out = np.zeros((len(BANDS), grid.rows, grid.columns))
    count = np.zeros((grid.rows, grid.columns))
    inside = np.ix_((rows >= 0) & (rows < grid.rows), (columns >= 0) & (columns < grid.columns))
    r, c = np.meshgrid(rows, columns, indexing="ij")
    np.add.at(count, (r[inside], c[inside]), 1)
    for b in range(len(BANDS)):
        np.add.at(out[b], (r[inside], c[inside]), half.values[b][inside])
    return xr.DataArray(out / count, {"band": BANDS, "y": grid.y, "x": grid.x}, ("band", "y", "x"))


def scenes_of(sim: object, sensors: list[str], grid: ProjectedGrid, period: Period) -> list[xr.Dataset]:
    """Load the standard scenes of a period of all sensors on the grid."""
    made = []
    for path in [path for sensor in sensors for path in sim.paths(sensor)]:
        try:
            scene = ml.standardize(path, grid=grid, adjust_to="modis", fingerprint=False)
            if instant(scene.attrs["time_coverage_start"]) in period:
                made.append(scene[KEPT].sel(band=[b for b in BANDS if b in scene["band"].values]).compute())
        except Exception as error:
            print(f"  {path.name}: {type(error).__name__}: {error}")
    return made


def made_of(scenes: list[xr.Dataset], day: str, method: str) -> xr.Dataset:
    """Return the composite of the five days alone."""
    made = composite(scenes, period=day, method=method, windows=(5,)).compute()
    return made.reindex(band=BANDS)


def rmse(error: xr.DataArray, there: xr.DataArray | bool = True) -> float:
    """Return the root mean square where there is something."""
    return float(np.sqrt((error.where(there) ** 2).mean()))


def row(name: str, made: xr.Dataset, whole: xr.Dataset, truth: xr.DataArray) -> list[object]:
    """Return error by band, error over stated uncertainty, gaps, looks, and the error of ``whole`` on its pixels."""
    error, there = made["reflectance"] - truth, made["n_obs"] > 0
    ratio = rmse(error / made["reflectance_uncertainty"])
    beside = [rmse((whole["reflectance"] - truth).sel(band=b), there) for b in ("red", "nir")]
    gaps, looks = float((~there).mean()), float(made["n_obs"].mean())
    return [name, *(rmse(error.sel(band=b)) for b in BANDS), ratio, gaps, looks, *beside]


def main() -> None:
    """Measure and print."""
    folder, day = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "2019-07-01")
    sim = ml.open_simulation(folder)
    period = pentad(datetime.fromisoformat(day))
    middle = period.middle
    grid = grid_of(sim.truth(middle))
    truth = truth_on(sim, grid, middle)
    known = ["landsat_oli", "sentinel2_msi", "gf1_wfv", "modis", "fy3d_mersi2", "fy4a_agri", "himawari_ahi"]
    sensors = [s for s in known if sim.paths(s)]
    scenes = scenes_of(sim, sensors, grid, period)
    head = ["sensor", *(f"rmse {b}" for b in BANDS), "error/sigma", "gaps", "looks", "all there: red", "nir"]
    every = {method: made_of(scenes, day, method) for method in METHODS}
    single = {s: made_of([k for k in scenes if k.attrs["sensor"] == s], day, "auto") for s in sensors}
    rows = [row(name, made, every["auto"], truth) for name, made in single.items()]
    rows += [row(f"all, {method}", made, made, truth) for method, made in every.items()]
    table(f"composite of {day} on 1 km against the truth", head, rows)
    report = load_report(composite(scenes, period=day, windows=(5,)))
    print(report[["granule", "read", "used", "reason"]].to_string())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
