"""Light-use efficiency production beside numpy, xarray and arthur-e/MOD17, and the P-model beside pyrealm."""

import warnings
from collections.abc import Callable

import numpy as np
import xarray as xr
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels import _photosynthesis as photosynthesis
from musyq_lab.kernels import light_use, respiration
from musyq_lab.products._biomes import biome_table

SIDE = 2048
P_MODEL = 1 << 18
Arrays = list[np.ndarray]
ROWS = biome_table("mod17", light_use.MOD17.parameters)


def pixels() -> Arrays:
    """Land cover, PAR, FPAR, lowest temperature and deficit, float32."""
    draw = np.random.default_rng(0)
    shape = (SIDE, SIDE)
    cover = draw.choice(np.array([number for number, _ in ROWS], np.float32), shape)
    ranges = ((20, 130), (0.05, 0.95), (262, 295), (0, 4000))
    return [cover, *(draw.uniform(low, high, shape).astype(np.float32) for low, high in ranges)]


def by_memory(cover: np.ndarray, par: np.ndarray, fpar: np.ndarray, cold: np.ndarray, dry: np.ndarray) -> np.ndarray:
    """Compute MOD17 with numpy, parameters gathered from a table, as its reference implementation does."""
    memory = np.full((18, 5), np.nan, np.float32)
    for number, row in ROWS:
        memory[number] = row
    classes = cover.astype(np.uint8)
    most, none, full, humid, arid = (memory[:, k][classes] for k in range(5))
    warm = np.clip((cold - np.float32(273.15) - none) / (full - none), 0, 1)
    return most * warm * np.clip((arid - dry) / (arid - humid), 0, 1) * fpar * par * np.float32(0.0864)


def by_class(cover: np.ndarray, par: np.ndarray, fpar: np.ndarray, cold: np.ndarray, dry: np.ndarray) -> np.ndarray:
    """Compute MOD17 class by class with numpy masks."""
    made = np.full(cover.shape, np.nan, np.float32)
    for number, (most, none, full, humid, arid) in ROWS:
        here = cover == number
        warm = np.clip((cold[here] - np.float32(273.15 + none)) / np.float32(full - none), 0, 1)
        moist = np.clip((np.float32(arid) - dry[here]) / np.float32(arid - humid), 0, 1)
        made[here] = np.float32(most * 0.0864) * warm * moist * fpar[here] * par[here]
    return made


def with_xarray(given: Arrays) -> Callable[[], object]:
    """MOD17 on DataArrays with vectorised indexing of a table."""
    cover, par, fpar, cold, dry = (xr.DataArray(values, dims=("y", "x")) for values in given)
    numbers = [number for number, _ in ROWS]
    memory = xr.DataArray(
        np.array([row for _, row in ROWS], np.float32), {"class": numbers}, ("class", "name")
    ).reindex({"class": np.arange(18)})

    def run() -> xr.DataArray:
        most, none, full, humid, arid = (memory.isel(name=k).isel({"class": cover.astype(int)}) for k in range(5))
        warm = ((cold - 273.15 - none) / (full - none)).clip(0, 1)
        return most * warm * ((arid - dry) / (arid - humid)).clip(0, 1) * fpar * par * 0.0864

    return run


def pyrealm_p_model(given: Arrays) -> Callable[[], object] | None:
    """P-model of pyrealm, None where it is not installed."""
    try:
        from pyrealm.pmodel import PModel, PModelEnvironment
    except ImportError:
        print("pyrealm is not installed: its row is left out (pip install pyrealm)")
        return None
    par, fpar, temperature, deficit, carbon, pressure = (values.astype(np.float64) for values in given)

    def run() -> object:
        environment = PModelEnvironment(
            tc=temperature - 273.15, vpd=deficit, co2=carbon, patm=pressure, fapar=fpar, ppfd=par * 4.57
        )
        return PModel(environment, method_kphio="temperature", reference_kphio=0.081785).gpp

    return run


def light() -> None:
    """MOD17, gross and net."""
    given = pixels()
    kernel = light_use.production(light_use.MOD17, ROWS)
    out = np.empty_like(given[0])
    np.testing.assert_allclose(kernel(*given), by_memory(*given), rtol=2e-5, atol=1e-5)
    copy, moved = copy_job()
    jobs: dict[str, Callable[[], object]] = {
        "ours, out=": lambda: kernel(*given, out=out),
        "ours, new array": lambda: kernel(*given),
        "numpy, table in memory": lambda: by_memory(*given),
        "numpy, class by class": lambda: by_class(*given),
        "xarray": with_xarray(given),
        "copy": copy,
    }
    times = alternate(jobs, rounds=7)
    best = times["ours, new array"].seconds()[1]
    rows = []
    for name in jobs:
        cpu = times[name].seconds()[1]
        rate = moved / cpu / 1e9 if name == "copy" else SIDE * SIDE / cpu / 1e6
        rows.append([name, rate, cpu / best])
    table("MOD17 production, float32 (Mpx/s of one core; copy in GB/s)", ["", "rate", "time over ours"], rows)
    for name in ("numpy, table in memory", "numpy, class by class", "xarray"):
        print(f"  against {name}: {verdict(times[name].seconds()[1] / best, 4)}")


def net() -> None:
    """Respiration beside numpy."""
    cover, par, fpar, cold, _ = pixels()
    lai = fpar * np.float32(6)
    columns = respiration.MOD17.parameters
    rows = biome_table("mod17", columns)
    kernel = respiration.net_production(respiration.MOD17, rows)

    def numpy() -> np.ndarray:
        memory = np.full((18, 6), np.nan, np.float32)
        for number, row in rows:
            memory[number] = row
        classes = cover.astype(np.uint8)
        area, roots, wood, leaf, root, live = (memory[:, k][classes] for k in range(6))
        celsius = cold - np.float32(273.15)
        step = (celsius - 20) / 10
        acclimated = np.maximum(3.22 - 0.046 * celsius, 1) ** step
        kept = lai / area * (leaf * acclimated + (roots * root + wood * live) * np.float32(2) ** step)
        left = par * np.float32(0.1) - kept
        return np.where(left > 0, np.float32(0.8) * left, left)

    gross = par * np.float32(0.1)
    np.testing.assert_allclose(kernel(cover, gross, lai, lai, cold), numpy(), rtol=1e-4, atol=1e-4)
    times = alternate({"ours": lambda: kernel(cover, gross, lai, lai, cold), "numpy": numpy}, rounds=7)
    ratio = times["numpy"].seconds()[1] / times["ours"].seconds()[1]
    print(f"\nMOD17 net production: {SIDE * SIDE / times['ours'].seconds()[1] / 1e6:.0f} Mpx/s of one core")
    print(f"  against numpy: {verdict(ratio, 4)}")


def p_model() -> None:
    """P-model beside pyrealm."""
    draw = np.random.default_rng(1)
    ranges = ((20, 130), (0.05, 0.95), (265, 308), (50, 3500), (380, 420), (8e4, 1.02e5))
    given = [draw.uniform(low, high, P_MODEL).astype(np.float32) for low, high in ranges]
    peer = pyrealm_p_model(given)
    jobs: dict[str, Callable[[], object]] = {
        "ours, float32": lambda: photosynthesis.p_model(*given, 1.0, 1.0, 0.081785, photosynthesis.C3)
    }
    if peer is not None:
        theirs = np.asarray(peer()) * 86400e-6
        np.testing.assert_allclose(jobs["ours, float32"]()[0], theirs, rtol=3e-3, atol=1e-3)
        jobs["pyrealm"] = peer
    times = alternate(jobs, rounds=5)
    best = times["ours, float32"].seconds()[1]
    rows = [[n, P_MODEL / t.seconds()[1] / 1e6, t.seconds()[1] / best] for n, t in times.items()]
    table("P-model (Mpx/s of one core)", ["", "rate", "time over ours"], rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    light()
    net()
    p_model()
