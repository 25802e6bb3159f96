"""The error of the shipped tables beside direct runs of 6S over whole bands, at random states off their nodes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from runs import Chunk, load, store

from musyq_lab.core.progress import track
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs, atmosphere

KEYS = ("landsat_oli", "sentinel2_msi", "gf1_wfv", "modis", "fy3d_mersi2", "fy4a_agri", "himawari_ahi")
SURFACES = (0.05, 0.3)
POINTS = 3
"""States for each surface and band."""

HEAD = ("sensor", "band", "n", "mean", "rmse", "max")


def states(sensor: str, band: str) -> list[dict[str, float]]:
    """Return the states of a band: Sun to 75 deg, view to 65, optical depth 0.02 to 1.2, surface to 4 km."""
    seed = int.from_bytes(f"{sensor} {band}".encode(), "big") % 2**64
    draw = np.random.Generator(np.random.Philox(seed))
    found = []
    for k in range(POINTS * len(SURFACES)):
        state = {
            "sun_zenith": draw.uniform(5, 75),
            "view_zenith": draw.uniform(0, 65),
            "relative_azimuth": draw.uniform(0, 180),
            "aod": 0.02 * 60.0 ** draw.uniform(),
            "water_vapour": draw.uniform(2, 60),
            "ozone": draw.uniform(220, 450),
            "altitude": draw.uniform(0, 4) if k % 2 else 0.0,
            "reflectance": SURFACES[k % len(SURFACES)],
        }
        found.append({name: round(float(value), 4) for name, value in state.items()})
    return found


def compare(folder: Path, workers: int, out: Path) -> None:
    """Run what the work folder lacks, and write one line a band."""
    every = [(key, band.native) for key in KEYS for band in SENSORS[key].bands_of() if not band.thermal]
    rows = []
    for key, band in track(list(dict.fromkeys(every)), "6S over bands"):  # a band is listed for each of its grids
        name = f"accuracy_{key}_{band}"
        questions = [{**state, "response": response(key, band)} for state in states(key, band)]
        if not (folder / f"{name}.json").exists():
            store(folder, Chunk(name, tuple(questions)), lambda question: _sixs.run(**question), workers)
        rows.append((key, band, *_differences(key, band, questions, load(folder, name))))
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([HEAD, *rows])


def _differences(
    sensor: str, band: str, questions: list[dict[str, Any]], answers: list[_sixs.Run]
) -> tuple[int, str, str, str]:
    """Return number, mean, root mean square and largest difference of reflectance at the top of the atmosphere."""
    names = ("sun_zenith", "view_zenith", "relative_azimuth", "aod", "water_vapour", "ozone")
    state = {name: np.array([question[name] for question in questions]) for name in names}
    air = atmosphere.coefficients(sensor, band, **state, pressure=np.array([answer.pressure for answer in answers]))
    surface = np.array([question["reflectance"] for question in questions])
    error = atmosphere.toa_reflectance(surface, air) - np.array([answer.apparent for answer in answers])
    return error.size, f"{error.mean():.5f}", f"{np.sqrt((error**2).mean()):.5f}", f"{np.abs(error).max():.5f}"
