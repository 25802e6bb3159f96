"""Dark-target root finding beside numpy and scipy; products of the air on the scored simulated Earth beside its truth.

python dark_target.py                        speed
python dark_target.py FOLDER ...             accuracy on folders of ml.simulate(members="scored")
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict
from scipy.optimize import brentq

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.kernels.dark_target import meeting
from musyq_lab.standard import aerosol, atmosphere, layout

PIXELS, FEW = 1 << 15, 64
SENSOR, BANDS = "landsat_oli", ("blue", "red", "swir2")
STATE = {"sun_zenith": 35.0, "view_zenith": 5.0, "relative_azimuth": 90.0, "water_vapour": 20.0}
WEIGHTS, CONSTANT = np.array([1.0, 0.3, 0.1], np.float32), np.float32(0.004)
HIDDEN = ("cloud", "cloud_shadow", "no_data", "cirrus", "water", "cloud_possible", "snow_ice")
AEROSOL = ("library", "dark_target", "dense_vegetation")
VAPOUR = ("nir_ratio", "exponential", "covariance_ratio")
REFLECTANCE = ("blue", "green", "red", "nir", "swir1", "swir2")
Rows = dict[str, list[tuple[np.ndarray, ...]]]


def sky() -> list[np.ndarray]:
    """Path, transmittance and spherical albedo, shape (node, band)."""
    found = [atmosphere.coefficients(SENSOR, name, **STATE, aod=aerosol.NODES) for name in BANDS]
    return [np.stack(parts, -1).astype(np.float32) for parts in list(zip(*found, strict=True))[:3]]


def light(tables: list[np.ndarray]) -> np.ndarray:
    """Light of dark ground under aerosols between the nodes, shape (pixel, band)."""
    draw = np.random.default_rng(0)
    red, far = draw.uniform(0.02, 0.08, PIXELS), draw.uniform(0.05, 0.15, PIXELS)
    surface = np.stack([0.3 * red + 0.1 * far + 0.004, red, far], -1)
    at = draw.integers(2, 18, PIXELS)
    path, through, albedo = (part[at] for part in tables)
    return (path + through * surface / (1 - albedo * surface)).astype(np.float32)


def plain(toa: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
    """Find the same roots with whole arrays."""
    path, through, albedo = tables
    y = (toa[:, None] - path) / through
    rho = y / (1 + albedo * y)
    gap = rho[..., 0] - WEIGHTS[1] * rho[..., 1] - WEIGHTS[2] * rho[..., 2] - CONSTANT
    falls = (gap[:, 1:] < gap[:, :-1]) & (gap[:, 1:] <= 0)
    at = falls.argmax(1)[:, None]
    before, after = (np.take_along_axis(part, at, 1)[:, 0] for part in (gap[:, :-1], gap[:, 1:]))
    depth = aerosol.NODES.astype(np.float32)
    low, high = depth[at[:, 0]], depth[at[:, 0] + 1]
    return low + before * (high - low) / (before - after)


def searched(toa: np.ndarray, tables: list[np.ndarray]) -> list[float]:
    """Find a few roots by Brent's method."""

    def gap(depth: float, one: np.ndarray) -> float:
        path, through, albedo = (np.array([np.interp(depth, aerosol.NODES, p[:, b]) for b in range(3)]) for p in tables)
        y = (one - path) / through
        rho = y / (1 + albedo * y)
        return float(rho[0] - WEIGHTS[1] * rho[1] - WEIGHTS[2] * rho[2] - CONSTANT)

    return [brentq(gap, 0.0, 2.0, args=(one,), xtol=1e-4) for one in toa[:FEW].astype(float)]


def speed() -> None:
    """Measure and print."""
    tables = sky()
    toa, depth = light(tables), aerosol.NODES.astype(np.float32)
    ours, theirs = meeting(toa, *tables, WEIGHTS, CONSTANT, depth)[0], plain(toa, tables)
    print(f"largest difference of the optical depth from numpy: {np.nanmax(np.abs(ours - theirs)):.2g}")
    jobs = {
        "musyq": lambda: meeting(toa, *tables, WEIGHTS, CONSTANT, depth),
        "numpy, whole arrays": lambda: plain(toa, tables),
        "scipy, brentq": lambda: searched(toa, tables),
    }
    times = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=5).items()}
    times["scipy, brentq"] *= PIXELS / FEW
    best = times["musyq"]
    rows = [[name, PIXELS / seconds / 1e6, seconds / best] for name, seconds in times.items()]
    table("optical depth of 3 bands, 21 nodes", ["what", "Mpx/s/core", "this / musyq"], rows)
    print(f"  beside numpy: {verdict(times['numpy, whole arrays'] / best, 1)}")


def score(found: xr.Dataset, name: str, truth: xr.DataArray, seen: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """Error, truth and sigma of the pixels that are clear and have a value."""
    value, true, sigma = (a.transpose(*truth.dims).values for a in (found[name], truth, found[f"{name}_uncertainty"]))
    there = seen & np.isfinite(value) & np.isfinite(true)
    return (value[there] - true[there], true[there], sigma[there]) if there.sum() > 20 else None


def scenes(folder: Path) -> Iterator[tuple[xr.Dataset, xr.Dataset, np.ndarray]]:
    """Yield scene, truth and clear pixels of each granule."""
    sim = ml.open_simulation(folder)
    for path in sim.paths():
        scene = ml.standardize(path, surface=False, fingerprint=False).compute()
        truth = sim.scene_truth(path)
        yield scene, truth, ~layout.flagged(scene, *HIDDEN).transpose(*layout.plane_of(scene)).values


def measure(scene: xr.Dataset, truth: xr.Dataset, seen: np.ndarray, rows: dict[str, Rows]) -> None:
    """Add the scores of one scene, by each method that its bands allow."""
    sensor = str(scene.attrs["sensor"])
    own = {}
    for key, methods in (("aod", AEROSOL), ("water_vapour", VAPOUR)):
        for method in methods:
            try:
                found = ml.retrieve(key, scene, method=method)
            except InputError:
                continue
            if (row := score(found, key, truth[key], seen)) is not None:
                rows[key][f"{sensor} {method}"].append(row)
            if method == methods[0]:
                own |= {name: found[name] for name in (key, f"{key}_uncertainty")}
    for air, given in (("own air", own), ("climatology", {})):
        made = ml.retrieve("lsr", scene, **given)
        for role in REFLECTANCE:
            if f"reflectance_{role}" not in made or role not in truth["band"].values:
                continue
            ideal = truth["surface_reflectance"].sel(band=role)
            if (row := score(made, f"reflectance_{role}", ideal, seen)) is not None:
                rows["lsr"][f"{sensor} {role}, {air}"].append(row)


def accuracy(folders: list[Path]) -> None:
    """Print bias, root mean square error, share within the goal and within one sigma: means of scenes."""
    goals = {"aod": (0.05, 0.15), "water_vapour": (0.0, 0.10), "lsr": (0.005, 0.05)}
    rows: dict[str, Rows] = {key: defaultdict(list) for key in goals}
    for folder in folders:
        for scene, truth, seen in scenes(folder):
            measure(scene, truth, seen, rows)
    for key, (base, share) in goals.items():
        lines = []
        for name, parts in sorted(rows[key].items()):
            error, true, _ = (np.concatenate(column) for column in zip(*parts, strict=True))
            inside = np.mean([np.mean(np.abs(e) <= base + share * t) for e, t, _ in parts])
            covered = np.mean([np.mean(np.abs(e) <= s) for e, _, s in parts])
            numbers = [true.mean(), error.mean(), np.sqrt(np.mean(error**2))]
            lines.append([name, len(parts), *(f"{n:.4f}" for n in numbers), f"{inside:.0%}", f"{covered:.0%}"])
        goal = f"{base:g} + {share:g} of it"
        table(f"{key} beside the truth", ["what", "scenes", "mean", "bias", "rmse", f"in {goal}", "in sigma"], lines)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        accuracy([Path(name) for name in sys.argv[1:]])
    else:
        speed()
