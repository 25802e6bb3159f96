"""Aerosol of a scene beside the same cost in plain numpy, and beside the reading of the coefficients alone."""

import numpy as np
from _bench import alternate, table, verdict

from musyq_lab.kernels import aerosol as kernels
from musyq_lab.standard import aerosol, atmosphere
from musyq_lab.standard._aerosol_surfaces import land, surfaces

PIXELS = 1 << 15
SENSOR, BANDS = "landsat_oli", ("blue", "green", "red", "nir", "swir1", "swir2")
STATE = {"sun_zenith": 35.0, "view_zenith": 5.0, "relative_azimuth": 90.0, "water_vapour": 20.0}


def sky() -> list[np.ndarray]:
    """Path, transmittance and spherical albedo, shape (node, band)."""
    found = [atmosphere.coefficients(SENSOR, name, **STATE, aod=aerosol.NODES) for name in BANDS]
    return [np.stack(parts, -1).astype(np.float32) for parts in list(zip(*found, strict=True))[:3]]


def light(tables: list[np.ndarray]) -> np.ndarray:
    """Spectra of land under a middle optical depth, shape (pixel, band)."""
    draw = np.random.default_rng(0)
    spectra = land(SENSOR, BANDS)
    surface = spectra[draw.integers(0, spectra.shape[0], PIXELS)]
    path, through, albedo = (part[8] for part in tables)
    return (path + through * surface / (1 - albedo * surface)).astype(np.float32)


def plain(toa: np.ndarray, tables: list[np.ndarray], kinds: tuple[np.ndarray, ...]) -> np.ndarray:
    """Compute the same cost with whole arrays."""
    path, through, albedo = tables
    centre, whiten, constant = kinds
    y = (toa[:, None] - path) / through
    x = np.log(np.maximum(y / (1 + albedo * y), -0.01) + kernels.OFFSET)
    lowest = np.full(x.shape[:-1], np.inf, np.float32)
    for m, w, c in zip(centre, whiten, constant, strict=True):
        distance = ((x - m) @ w.T) ** 2
        cost = (kernels.FREEDOM + len(BANDS)) * np.log1p(distance.sum(-1) / kernels.FREEDOM) + c
        np.minimum(lowest, cost.astype(np.float32), out=lowest)
    lowest += 2 * x.sum(-1)
    return lowest - lowest.min(-1, keepdims=True)


def main() -> None:
    """Measure and print."""
    tables, kinds = sky(), tuple(surfaces(SENSOR, BANDS))[1:]
    toa = light(tables)
    ours, theirs = kernels.misfit(toa, *tables, *kinds)[0], plain(toa, tables, kinds)
    print(f"largest difference of the cost: {np.abs(ours - theirs).max():.2g}")
    jobs = {
        "musyq": lambda: kernels.misfit(toa, *tables, *kinds),
        "numpy, whole arrays": lambda: plain(toa, tables, kinds),
    }
    times = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=5).items()}
    best = times["musyq"]
    rows = [[name, PIXELS / seconds / 1e6, seconds / best] for name, seconds in times.items()]
    table("cost of 21 optical depths, 6 bands, 6 kinds of surfaces", ["what", "Mpx/s/core", "this / musyq"], rows)
    print(f"  beside numpy: {verdict(times['numpy, whole arrays'] / best, 1)}")


if __name__ == "__main__":
    main()
