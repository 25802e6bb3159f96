"""Phenology, trends and land cover beside Python loops with SciPy, pymannkendall, numpy and scikit-learn.

Peers that are no dependencies of ours are left out with a message where they are missing.
"""

import warnings
from collections.abc import Callable

import numpy as np
from _bench import alternate, table, verdict
from scipy.optimize import curve_fit

from musyq_lab.kernels import season, trend
from musyq_lab.products._classifier import grow
from musyq_lab.products._features import names_of
from musyq_lab.products._legends import legend

YEARS, TREND_PIXELS, FEW = 12, 1 << 17, 200
SERIES, FITTED = 4096, 40
DAYS = np.arange(0.0, 3 * 365.25, 8.0)
BEGINS = np.array([0.0, 365.0, 730.0])


def yearly() -> np.ndarray:
    """Return yearly values with noise, (year, pixel)."""
    draw = np.random.default_rng(0)
    return draw.normal(size=(YEARS, TREND_PIXELS)) + 0.1 * np.arange(YEARS)[:, None]


def numpy_pairs(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and S from the array of all pairs."""
    i, j = np.triu_indices(y.shape[0], 1)
    difference = y[j] - y[i]
    return np.median(difference / (j - i)[:, None], axis=0), np.sign(difference).sum(axis=0)


def mann_kendall() -> Callable[[np.ndarray], object] | None:
    """Return pymannkendall's test, None where it is not installed."""
    try:
        import pymannkendall
    except ImportError:
        print("pymannkendall is not installed: its row is left out (pip install pymannkendall)")
        return None
    return lambda y: [pymannkendall.original_test(y[:, k]) for k in range(FEW)]


def report(title: str, times: dict, counts: dict[str, int], unit: str) -> dict[str, float]:
    """Print rates of processor time and ratios; return the ratios."""
    rates = {name: counts[name] / t.seconds()[1] for name, t in times.items()}
    first = next(iter(rates.values()))
    rows: list[list[object]] = [[name, rate / 1e3, first / rate] for name, rate in rates.items()]
    table(title, ["what", f"1000 {unit}/s/core", "musyq / this"], rows)
    return {name: first / rate for name, rate in rates.items()}


def trends() -> None:
    """Theil-Sen with limits and Mann-Kendall."""
    y = yearly()
    jobs: dict[str, Callable[[], object]] = {"musyq": lambda: trend.theil_sen(y), "numpy": lambda: numpy_pairs(y)}
    counts = {"musyq": TREND_PIXELS, "numpy": TREND_PIXELS, "pymannkendall": FEW}
    if peer := mann_kendall():
        jobs["pymannkendall"] = lambda: peer(y)
    ratios = report(f"trend of {YEARS} years", alternate(jobs, rounds=5), counts, "series")
    print(f"  beside numpy: {verdict(ratios['numpy'], 1)}")
    if "pymannkendall" in ratios:
        print(f"  beside a loop over pymannkendall: {verdict(ratios['pymannkendall'], 1000)}")


def logistic(t: np.ndarray, b: float, a: float, s: float, r: float, e: float, q: float) -> np.ndarray:
    """Beck's double logistic."""
    return b + a * (1 / (1 + np.exp(-r * (t - s))) + 1 / (1 + np.exp(q * (t - e))) - 1)


def seasons() -> np.ndarray:
    """Return noisy seasons of three years with gaps, (series, time)."""
    draw = np.random.default_rng(1)
    shift = draw.uniform(0, 100, SERIES)[:, None]
    y = logistic((DAYS - shift) % 365.25, 0.15, 0.7, 120, 0.08, 280, 0.06) + draw.normal(0, 0.03, (SERIES, DAYS.size))
    y[draw.random(y.shape) < 0.3] = np.nan
    return y


def ours(y: np.ndarray) -> season.Dates:
    """Smooth, find, fit and date the seasons of three years."""
    smooth = season.curve(y, DAYS)
    found = season.windows(smooth, BEGINS, BEGINS + 364.0)
    made = season.fit(y, DAYS, found, smooth.noise)
    return season.dates(made.parameters, found.left, found.right)


def loop(y: np.ndarray) -> list[np.ndarray]:
    """Fit each year of a few series with SciPy's curve_fit from the usual first guess, and date it on a daily curve."""
    dates = []
    for row in y[:FITTED]:
        for begin in BEGINS:
            used = (begin <= DAYS) & (begin + 365 > DAYS) & np.isfinite(row)
            t, v = DAYS[used] - begin, row[used]
            top = t[np.argmax(v)]
            guess = [v.min(), np.ptp(v), 0.5 * top, 0.06, 0.5 * (top + 365), 0.06]
            try:
                p, _ = curve_fit(logistic, t, v, guess, maxfev=2000)
            except RuntimeError:
                continue
            day = np.arange(366.0)
            f = logistic(day, *p)
            peak = int(np.argmax(f))
            level = 0.5 * (f[peak] + f[: peak + 1].min())
            dates.append(np.interp(level, f[: peak + 1], day[: peak + 1]))
    return dates


def phenology() -> None:
    """Seasons of three years of each series."""
    y = seasons()
    jobs: dict[str, Callable[[], object]] = {"musyq": lambda: ours(y), "SciPy, year by year": lambda: loop(y)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        times = alternate(jobs, rounds=5)
    counts = {"musyq": SERIES * 3, "SciPy, year by year": FITTED * 3}
    ratios = report("phenology: smooth, fit, date", times, counts, "years of a series")
    print(f"  beside a loop over curve_fit: {verdict(ratios['SciPy, year by year'], 1000)}")


def forest() -> None:
    """Votes of a forest of 100 trees on the features of one series."""
    draw = np.random.default_rng(2)
    x = draw.normal(size=(3000, len(names_of(("ndvi",)))))
    y = np.digitize(x[:, 0] + x[:, 3] + draw.normal(size=3000), [-2, -1, 0, 1, 2]) + 1
    made = grow(x, y, np.arange(3000), classes=legend("igbp"), inputs=("ndvi",), validate=False)
    from sklearn.ensemble import RandomForestClassifier

    peer = RandomForestClassifier(100, min_samples_leaf=3, n_jobs=1, random_state=0).fit(x, y)
    fresh = draw.normal(size=(20_000, x.shape[1])).astype(np.float32)
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: made.shares(fresh),
        "scikit-learn": lambda: peer.predict_proba(fresh),
    }
    ratios = report("forest of 100 trees", alternate(jobs, rounds=5), dict.fromkeys(jobs, len(fresh)), "points")
    print(f"  beside scikit-learn: {verdict(ratios['scikit-learn'], 1)}")


if __name__ == "__main__":
    trends()
    phenology()
    forest()
