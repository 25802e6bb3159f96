"""Train the networks of leaf area, FPAR and cover for the bands of every sensor.

Usage: ``python catalogs/networks/train.py [--work DIR] [--only SENSOR ...]`` (one core; DIR keeps finished networks, so
that a run that was stopped goes on)

Writes ``networks.npz`` (weights in float32, one vector, and an index) and ``accuracy.csv`` (held-out errors) beside
itself. The training base is that of ``stands.py``, with noise after the S2ToolBox ATBD: for each case an error of 2 %
of all bands, and of each band one of 2 % and one of 0.01. In place of its further 0.01 of all bands alike there is what
a misjudged aerosol does, the largest error of corrected images, which brightens red while it darkens the near
infrared: its optical depth is wrong by 0.05 (an image that tells it) to 0.4 (a climatology on a hazy day), one sigma.
Variants and sensors whose bands see the training base alike (within 0.003 in the root mean square) share a network.

Sensors of 200 m and more (nominal) are trained on mixed pixels. For each of the three variables there are two networks:
one for the value and one for its standard error, fitted to the absolute errors of cases that the first was not fitted
to and scaled so that it covers 68.3 % of them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from fit import Fit, Floats, fit
from stands import Base, directions, draw, misjudged_aerosol, mixed, model, pure, seen_by

from musyq_lab.sensors._registry import SENSORS

HERE = Path(__file__).resolve().parent
VERSION = 1
SEED = 2026
COUNTS = {"train": 20_000, "validate": 10_000, "test": 10_000}
HIDDEN, HIDDEN_ERROR = 8, 5
COARSE = 200.0  # m
ALIKE = 0.003
ADDITIVE, RELATIVE = 0.01, 0.02
AEROSOL = (0.05, 0.4)
COVERED = 0.683
FLOOR = 0.3  # smallest standard error, of its median
INSIDE = 0.9995  # share of the training base within the limit of the Mahalanobis distance

SCALES = {"lai": 0.5, "fpar": 0.1, "fvc": 0.1}
"""Value up to which errors are absolute rather than relative; GCOS-245 draws the line of leaf area at 0.5."""
RANGES = {
    "lai": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0),
    "fpar": (0.0, 0.25, 0.5, 0.75, 1.0),
    "fvc": (0.0, 0.25, 0.5, 0.75, 1.0),
}
THRESHOLDS = {"lai": (0.2, 0.5), "fpar": (0.1, 0.05), "fvc": (0.1, 0.5)}
"""Relative error allowed (GCOS-245 threshold; for cover ours), and the value below which that of this value is."""

BROAD = ("green", "red", "nir", "swir1", "swir2")
"""Bands that many sensors have: all of these that a sensor has make a set, and so do three and two of them."""
OWN = {
    # Red edges and narrow near-infrared bands made for land; those of MERSI, VIIRS and MODIS saturate there.
    "sentinel2_msi": (
        ("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_narrow", "swir1", "swir2"),
        ("green", "red", "nir_narrow", "swir1", "swir2"),
    ),
    "gf6_wfv": (("green", "red", "red_edge_1", "red_edge_2", "nir"),),
    "s3_olci": (("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir"),),
    "npp_viirs": (("red", "nir", "swir1"),),  # the bands of 375 m
}
"""Further sets of a sensor."""


@dataclass
class Job:
    """One network to be trained."""

    bands: tuple[str, ...]
    """Roles."""
    seen: Floats
    """What the bands see of the base, shape (case, band)."""
    base: Base
    """The base."""
    sensors: list[str] = field(default_factory=list)
    """``"<sensor>/<variant>"`` of those it serves."""

    @property
    def wavelength(self) -> Floats:
        """Centres of the bands of the first sensor (um)."""
        sensor, _, variant = self.sensors[0].partition("/")
        return np.array([SENSORS[sensor].band(name, variant).centre for name in self.bands])

    def like(self, bands: tuple[str, ...], base: Base, seen: Floats) -> bool:
        """Tell whether other bands see the same base alike."""
        if bands != self.bands or base is not self.base:
            return False
        return bool(np.sqrt(np.mean((self.seen - seen) ** 2, axis=0)).max() < ALIKE)


def jobs(fine: Base, coarse: Base, only: list[str]) -> list[Job]:
    """Return the networks to be trained, each for all sensors that see alike."""
    made: list[Job] = []
    for sensor, variant, bands in _wanted(only):
        base = coarse if SENSORS[sensor].resolution >= COARSE else fine
        seen = seen_by(base, sensor, bands, variant)
        job = next((j for j in made if j.like(bands, base, seen)), None)
        if job is None:
            job = Job(bands, seen, base)
            made.append(job)
        job.sensors.append(f"{sensor}/{variant}")
    return made


def _wanted(only: list[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for sensor in SENSORS:
        for variant in SENSORS[sensor].variants:
            roles = {band.name for band in SENSORS[sensor].bands_of(variant)}
            broad = tuple(role for role in BROAD if role in roles)
            sets = dict.fromkeys([broad, ("green", "red", "nir"), ("red", "nir"), *OWN.get(sensor, ())])
            for bands in sets:
                if roles.issuperset(bands) and _enough(bands) and (not only or sensor in only):
                    yield sensor, variant, bands


def _enough(bands: tuple[str, ...]) -> bool:
    return "red" in bands and bool({"nir", "nir_narrow"} & set(bands))


def noisy(seen: Floats, wavelength: Floats, angles: Floats, key: int) -> Floats:
    """Return reflectance with noise: parts that all bands share and parts of their own."""
    rng = np.random.Generator(np.random.Philox(key))
    depth = rng.uniform(*AEROSOL, len(seen)) * rng.standard_normal(len(seen))
    shared, own = rng.standard_normal((len(seen), 1)), rng.standard_normal((2, *seen.shape))
    measured = seen + misjudged_aerosol(seen, wavelength, angles, depth)
    return np.asarray(measured * (1.0 + RELATIVE * (shared + own[0])) + ADDITIVE * own[1])


def train(job: Job) -> tuple[dict[str, Floats], list[list[object]]]:
    """Train the networks of one set of bands; return their parts by name and the rows of the table of accuracy."""
    base, reflectance = job.base, noisy(job.seen, job.wavelength, job.base.angles, SEED + 1)
    x = np.column_stack([reflectance, directions(base.angles)])
    ends = np.cumsum(list(COUNTS.values()))
    first, second, third = (slice(end - n, end) for end, n in zip(ends, COUNTS.values(), strict=True))
    parts = {"domain": domain(reflectance[first])}
    rows: list[list[object]] = []
    middle, spread = x[first].mean(axis=0), x[first].std(axis=0)
    z = (x - middle) / spread
    for number, name in enumerate(SCALES):
        truth: Floats = getattr(base, name)
        u = np.log1p(truth / SCALES[name])
        mean, size = float(u[first].mean()), float(u[first].std())
        target = (u - mean) / size
        pairs = (z[first], target[first], z[second], target[second])
        net, _ = fit(*pairs, hidden=HIDDEN, key=SEED + 10 * number)
        value = net(z) * size + mean
        residual = np.abs(value - u)
        error, rate = _error(z, residual, second, third, key=SEED + 10 * number + 5)
        typical = np.median(np.maximum(error(z[second]), 0.0)) * rate
        parts[name] = folded(net, middle, spread, size, mean)
        parts[f"{name}_error"] = folded(error, middle, spread, rate, 0.0)
        parts[f"{name}_floor"] = np.array([FLOOR * typical])
        sigma = np.maximum(error(z[third]) * rate, FLOOR * typical)
        estimate = SCALES[name] * np.expm1(value[third])
        rows += _accuracy(name, truth[third], estimate, sigma * (estimate + SCALES[name]))
    return parts, rows


def _error(z: Floats, residual: Floats, fitted: slice, watched: slice, *, key: int) -> tuple[Fit, float]:
    """Fit the network of the standard error; return it and the factor that turns its output into one sigma."""
    scale = float(residual[fitted].mean())
    pairs = (z[fitted], residual[fitted] / scale, z[watched], residual[watched] / scale)
    net, _ = fit(*pairs, hidden=HIDDEN_ERROR, key=key)
    ratio = residual[fitted] / np.maximum(net(z[fitted]), FLOOR * np.median(net(z[fitted])))
    return net, float(np.quantile(ratio, COVERED))


def folded(net: Fit, middle: Floats, spread: Floats, size: float, mean: float) -> Floats:
    """Return a network that takes inputs as they are: weights, bias, output of each neuron, then the constant."""
    weights = net.weights / spread
    biases = net.biases - weights @ middle
    rows = np.column_stack([weights, biases, net.outputs * size])
    return np.append(rows.ravel(), net.constant * size + mean)


def domain(reflectance: Floats) -> Floats:
    """Return what describes where the training base lies: see ``musyq_lab.kernels.network.Domain``."""
    mean = reflectance.mean(axis=0)
    whitening = np.linalg.inv(np.linalg.cholesky(np.cov(reflectance.T)))
    squared = np.sum(((reflectance - mean) @ whitening.T) ** 2, axis=1)
    limit = np.quantile(squared, INSIDE)
    return np.concatenate([reflectance.min(axis=0), reflectance.max(axis=0), mean, whitening.ravel(), [limit]])


def _accuracy(name: str, truth: Floats, estimate: Floats, sigma: Floats) -> list[list[object]]:
    relative, least = THRESHOLDS[name]
    edges = RANGES[name]
    rows: list[list[object]] = []
    for low, high in [(edges[0], np.inf), *pairwise(edges)]:
        here = (truth >= low) & (truth < high)
        error = estimate[here] - truth[here]
        allowed = relative * np.maximum(truth[here], least)
        numbers = (
            np.sqrt(np.mean(error**2)),
            error.mean(),
            np.mean(abs(error) <= allowed),
            np.mean(abs(error) <= sigma[here]),
        )
        label = "all" if np.isinf(high) else f"{low:g}-{high:g}"
        rows.append([name, label, int(here.sum()), *(f"{n:.3f}" for n in numbers)])
    return rows


def pack(done: list[tuple[Job, dict[str, Floats]]]) -> dict[str, np.ndarray]:
    """Return the content of the file."""
    index, vector, place = [], [], 0
    for job, parts in done:
        entry: dict[str, object] = {"bands": job.bands, "sensors": job.sensors, "parts": {}}
        for name, values in parts.items():
            entry["parts"][name] = [place, values.size]  # type: ignore[index]
            vector.append(values.astype(np.float32))
            place += values.size
        index.append(entry)
    head = {
        "version": VERSION,
        "seed": SEED,
        "scales": SCALES,
        "noise": [float(np.sqrt(2.0) * ADDITIVE), float(np.sqrt(2.0) * RELATIVE)],
        "networks": index,
    }
    return {"index": np.frombuffer(json.dumps(head).encode(), np.uint8), "weights": np.concatenate(vector)}


def main() -> None:
    """Train what is missing and write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=HERE)
    chosen = parser.parse_args()
    started = time.time()
    base = model(draw(2 * sum(COUNTS.values()), SEED))
    done, table = [], []
    for number, job in enumerate(jobs(pure(base), mixed(base, SEED), chosen.only)):
        kept = chosen.work / f"{number:03d}.json" if chosen.work else None
        if kept is not None and kept.exists():
            stored = json.loads(kept.read_text())
            parts, rows = {k: np.array(v) for k, v in stored["parts"].items()}, stored["rows"]
        else:
            parts, rows = train(job)
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps({"parts": {k: v.tolist() for k, v in parts.items()}, "rows": rows}))
        done.append((job, parts))
        table += [[job.sensors[0], " ".join(job.bands), *row] for row in rows]
        print(f"{time.time() - started:6.0f} s  {', '.join(job.sensors)}: {' '.join(job.bands)}", flush=True)
    np.savez_compressed(chosen.out / "networks.npz", **pack(done))
    with (chosen.out / "accuracy.csv").open("w", newline="") as file:
        file.write(
            "# Errors of the networks on held-out members of the training base with noise (effective leaf area).\n"
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["sensor", "bands", "variable", "range", "cases", "rmse", "bias", "within_threshold", "within_sigma"]
        )
        writer.writerows(table)


_ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}

if __name__ == "__main__":
    if _ONE_THREAD.items() <= os.environ.items():
        main()
    else:  # sums in one order: the libraries read these names when numpy is imported
        sys.exit(subprocess.call([sys.executable, *sys.argv], env={**os.environ, **_ONE_THREAD}))
