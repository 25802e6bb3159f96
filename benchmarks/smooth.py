"""Smoothers beside whittaker-eilers, a plain recurrence, scipy and numpy: series of 6 years by 5 days, 30 % gaps."""

import warnings
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from _bench import alternate, copy_job, table, verdict
from scipy.linalg import solveh_banded
from scipy.signal import savgol_filter

from musyq_lab.kernels import smooth
from musyq_lab.kernels._smooth_gaps import bridge
from musyq_lab.kernels._smooth_whittaker import whittaker_kernel

TIMES, SERIES = 438, 16384
LAM = 100.0


def cube() -> np.ndarray:
    """Yearly courses with noise and gaps, float32, dims (time, series)."""
    draw = np.random.default_rng(0)
    turn = np.arange(TIMES) / 73 * 2 * np.pi
    y = 0.5 + 0.3 * np.sin(turn)[:, None] + 0.05 * draw.standard_normal((TIMES, SERIES))
    y[draw.random(y.shape) < 0.3] = np.nan
    return y.astype(np.float32)


@numba.njit(nogil=True)
def _recurrence(y: np.ndarray, w: np.ndarray, lam: float, z: np.ndarray) -> None:
    """Solve one series: the recurrence as Eilers and ws2d print it, one number after another."""
    n = y.size
    d, c, e = np.empty(n), np.empty(n), np.empty(n)
    d[0] = w[0] + lam
    c[0], e[0] = -2.0 * lam / d[0], lam / d[0]
    z[0] = w[0] * y[0]
    d[1] = w[1] + 5.0 * lam - d[0] * c[0] * c[0]
    c[1], e[1] = (-4.0 * lam - d[0] * c[0] * e[0]) / d[1], lam / d[1]
    z[1] = w[1] * y[1] - c[0] * z[0]
    for i in range(2, n):
        main = 6.0 if i < n - 2 else 5.0 if i == n - 2 else 1.0
        near = -4.0 if i < n - 2 else -2.0
        d[i] = w[i] + main * lam - c[i - 1] ** 2 * d[i - 1] - e[i - 2] ** 2 * d[i - 2]
        c[i], e[i] = (near * lam - d[i - 1] * c[i - 1] * e[i - 1]) / d[i], lam / d[i]
        z[i] = w[i] * y[i] - c[i - 1] * z[i - 1] - e[i - 2] * z[i - 2]
    z[n - 1] /= d[n - 1]
    z[n - 2] = z[n - 2] / d[n - 2] - c[n - 2] * z[n - 1]
    for i in range(n - 3, -1, -1):
        z[i] = z[i] / d[i] - c[i] * z[i + 1] - e[i] * z[i + 2]


@numba.njit(nogil=True)
def plain(y: np.ndarray, w: np.ndarray, lam: float, z: np.ndarray) -> None:
    """Solve series after series, each contiguous, float64."""
    for k in range(y.shape[0]):
        _recurrence(y[k], w[k], lam, z[k])


def eilers_peer(y: np.ndarray, w: np.ndarray) -> Callable[[], Any] | None:
    """Return the job of whittaker-eilers (Rust), None where it is not installed; its lists are made beforehand."""
    try:
        from whittaker_eilers import WhittakerSmoother
    except ImportError:
        print("whittaker-eilers is not installed: pip install whittaker-eilers to see it beside ours.")
        return None
    smoother = WhittakerSmoother(lmbda=LAM, order=2, data_length=TIMES)
    pairs = [(list(map(float, one)), list(map(float, weight))) for one, weight in zip(y, w, strict=True)]

    def run() -> Any:
        for one, weight in pairs:
            smoother.update_weights(weight)
            last = smoother.smooth(one)
        return last

    return run


def banded(y: np.ndarray, w: np.ndarray) -> Any:
    """Solve with scipy's banded Cholesky, series after series."""
    d = np.diff(np.eye(TIMES), 2, axis=0)
    bands = LAM * np.stack([np.pad(np.diagonal(d.T @ d, -k), (0, k)) for k in range(3)])
    for one, weight in zip(y, w, strict=True):
        matrix = bands.copy()
        matrix[0] += weight
        last = solveh_banded(matrix, weight * one, lower=True)
    return last


def interpolated(y: np.ndarray) -> np.ndarray:
    """Savitzky-Golay of scipy after lines across gaps by numpy."""
    at = np.arange(TIMES)
    filled = np.stack([np.interp(at, at[np.isfinite(one)], one[np.isfinite(one)]) for one in y])
    return savgol_filter(filled, 9, 2, axis=1)


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    y = cube()
    w, lam, steps = np.ones_like(y), np.full(SERIES, LAM, np.float32), np.arange(TIMES, dtype=np.float32)
    rows = np.ascontiguousarray(np.nan_to_num(y).T, np.float64)
    weights = np.ascontiguousarray(np.isfinite(y).T, np.float64)
    out, few = np.empty_like(rows), slice(0, 256)
    kernels = {spread: whittaker_kernel(2, spread) for spread in (False, True)}
    space = {spread: kernel(steps, y, w, lam, 0.5, 1) for spread, kernel in kernels.items()}
    lines = bridge(steps, y)
    copy, copied = copy_job()
    jobs: dict[str, tuple[Callable[[], Any], int]] = {
        "Whittaker, ours": (lambda: kernels[False](steps, y, w, lam, 0.5, 1, out=space[False]), SERIES),
        "Whittaker with errors, ours": (lambda: kernels[True](steps, y, w, lam, 0.5, 1, out=space[True]), SERIES),
        "Whittaker, V-curve for each (34 lambdas), ours": (lambda: smooth.choose(y[:, :2048]), 2048),
        "Whittaker, plain recurrence": (lambda: plain(rows, weights, LAM, out), SERIES),
        "Whittaker, solveh_banded": (lambda: banded(rows[few], weights[few]), 256),
        "Savitzky-Golay with gaps, ours": (lambda: smooth.savitzky_golay(y), SERIES),
        "Savitzky-Golay, np.interp then scipy": (lambda: interpolated(y.T[few]), 256),
        "Savitzky-Golay, scipy without gaps": (lambda: savgol_filter(rows, 9, 2, axis=1), SERIES),
        "HANTS, ours": (lambda: smooth.hants(y[:, :4096], period=73.0), 4096),
        "lines, ours": (lambda: bridge(steps, y, out=lines), SERIES),
        "copy of 256 MB": (copy, 1),
    }
    if (peer := eilers_peer(rows[few], weights[few])) is not None:
        jobs["Whittaker, whittaker-eilers"] = (peer, 256)
    times = alternate({name: job for name, (job, _) in jobs.items()}, rounds=5)
    seconds = {name: times[name].seconds()[1] for name in jobs}
    rates = {name: count / seconds[name] / 1e3 for name, (_, count) in jobs.items()}
    bandwidth = copied / seconds["copy of 256 MB"]
    shown = [name for name in jobs if not name.startswith("copy")]
    ours = rates["Whittaker, ours"]
    table(
        f"series of {TIMES} values",
        ["what", "thousand series/s/core", "Whittaker ours / this"],
        [[name, rates[name], ours / rates[name]] for name in shown],
    )
    if peer is not None:
        print(f"  beside whittaker-eilers: {verdict(ours / rates['Whittaker, whittaker-eilers'], 40)}")
    print(f"  beside a plain recurrence: {verdict(ours / rates['Whittaker, plain recurrence'], 2)}")
    errors = rates["Whittaker with errors, ours"] / rates["Whittaker, plain recurrence"]
    print(f"  with errors beside the plain recurrence: {errors:.2f}")
    print(f"  bytes of y, w and z beside the copy: {ours * 1e3 * TIMES * 12 / bandwidth:.0%} of its bandwidth")
    own, other = rates["Savitzky-Golay with gaps, ours"], rates["Savitzky-Golay, np.interp then scipy"]
    print(f"  Savitzky-Golay beside np.interp and scipy: {verdict(own / other, 1)}")
    difference = np.abs(space[False][0].T[few] - out[few]).max()
    print(f"  largest difference from the plain recurrence (values near 0.5, float32 results): {difference:.1e}")


if __name__ == "__main__":
    main()
