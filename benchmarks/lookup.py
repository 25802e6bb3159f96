"""Leaf area by look-up tables beside a tree of neighbours (scipy) and a sort (numpy), and the cost of a table."""

import time

import numpy as np
from _bench import alternate, table, verdict
from scipy.spatial import cKDTree

from musyq_lab.kernels.lookup import best
from musyq_lab.products import _lookup

BANDS, SENSOR = ("green", "red", "nir", "swir1", "swir2"), "modis/Terra"
PIXELS, FEW = 1 << 15, 1 << 9
WEIGHT = 50.0  # one over the standard error, the same for all bands: a tree knows no other


def observations(made: _lookup.Table) -> np.ndarray:
    """Draw noisy canopies of the table, float32."""
    draw = np.random.default_rng(0)
    some = made.reflectance[:, draw.integers(0, made.reflectance.shape[1], PIXELS)].T
    return np.ascontiguousarray(some * draw.normal(1, 0.05, some.shape), np.float32)


def by_sort(seen: np.ndarray, made: _lookup.Table, count: int) -> np.ndarray:
    """Take the costs of all pairs at once and the first ones by a partial sort."""
    apart = (seen[:, None, :] - made.reflectance.T[None]) * WEIGHT
    near = np.argpartition(np.einsum("peb,peb->pe", apart, apart), count, axis=1)[:, :count]
    return made.values[:, near].mean(-1)


def by_tree(tree: cKDTree, seen: np.ndarray, made: _lookup.Table, count: int) -> np.ndarray:
    """Ask a tree for the neighbours."""
    _, near = tree.query(seen * WEIGHT, k=count)
    return made.values[:, near].mean(-1)


def search() -> None:
    """Search one table for many pixels."""
    made = _lookup._table(BANDS, SENSOR, 5, 12, 2, 4)
    entries = made.reflectance.shape[1]
    seen, tree = observations(made), cKDTree(made.reflectance.T * WEIGHT)
    weight = np.full_like(seen, WEIGHT)
    wanted = int(_lookup.BEST * entries)
    rules = np.array([wanted, 5000.0], np.float32)
    jobs = {
        "musyq": lambda: best(seen, weight, made.reflectance, made.values, rules),
        f"cKDTree, k = {wanted}": lambda: by_tree(tree, seen[:FEW], made, wanted),
        "cKDTree, k = 50": lambda: by_tree(tree, seen[:FEW], made, 50),
        "numpy, partial sort": lambda: by_sort(seen[:FEW], made, wanted),
    }
    times = alternate(jobs, rounds=5)
    rates = {name: (PIXELS if name == "musyq" else FEW) / t.seconds()[1] / 1e3 for name, t in times.items()}
    rows: list[list[object]] = [[name, rate, rates["musyq"] / rate] for name, rate in rates.items()]
    table(f"search of {entries} canopies, {len(BANDS)} bands", ["what", "kpx/s/core", "musyq / this"], rows)
    ours = best(seen[:FEW], weight[:FEW], made.reflectance, made.values, rules)[0].T
    print(
        f"  largest difference of leaf area from the tree: {np.abs(ours - jobs[f'cKDTree, k = {wanted}']()).max():.2f}"
    )
    print(f"  beside the tree, as many entries: {verdict(rates['musyq'] / rates[f'cKDTree, k = {wanted}'], 4)}")


def making() -> None:
    """Make tables, with all else known."""
    _lookup._table.cache_clear()
    start, count = time.process_time(), 40
    for k in range(count):
        _lookup._table(BANDS, SENSOR, 1 + k % 5, k // 5, 3, 5)
    print(f"\na table: {(time.process_time() - start) / count * 1e3:.1f} ms")


if __name__ == "__main__":
    search()
    making()
