r"""Search for breaks in many series at once: straight pieces, a test of one break more, and limits of its place.

Series are rows, NaN is a gap. A piece is a level or a straight line; sums of squares of all pieces come from running
sums, so that one split of all rows costs a few passes over them. Breaks are added one at a time, each where it lowers
the sum of squares R most, and the places of all are then found anew (Bai 1997, doi:10.1017/S0266466600005831). How many
count is decided as Bai & Perron advise (1998, doi:10.2307/2998540; 2003, doi:10.1002/jae.659): a double maximum test
says whether there is any, so that two opposite breaks do not hide each other; then each further one must lower R by
more than the largest of as many pieces of white noise would. Both compare with

.. math:: \sigma^2 = \frac{R_m}{n - p} \cdot \frac{1 + \varphi}{1 - \varphi}

of the fit with most breaks; the last term is for neighbours that are alike (:math:`\varphi` is the correlation of
successive residuals), as which noise would pass for breaks. What noise of that correlation shows is found by trial,
with the very steps that the data go through. Limits of a place are all places whose likelihood ratio is below the
quantile :math:`-2 \ln(1 - \sqrt{c})` of its limiting distribution (Hansen 2000, doi:10.1111/1468-0262.00124; for
breaks Eo & Morley 2015, doi:10.3982/QE186).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_TRIALS, _FEWEST_TRIALS, _DRAWN = 999, 399, 300_000
_LARGEST_CORRELATION, _STEP = 0.9, 0.15


class Found(NamedTuple):
    """Breaks of each row; places are positions of the first value after a break, the length of a row for none."""

    place: Integers
    """(rows, most), ascending."""
    low: Integers
    """(rows, most) first position within the limits."""
    high: Integers
    """(rows, most) last position within the limits."""
    statistic: Floats
    """(rows, most), NaN for none."""
    before: Floats
    """(rows, most, 2) value at the break and slope per unit of time of the piece before."""
    after: Floats
    """(rows, most, 2) the same of the piece after."""
    fitted: Floats
    """(rows, times) the pieces."""


class Sums:
    """Running sums of rows, from which any piece is fitted.

    Parameters
    ----------
    y : ndarray, shape (rows, times)
        Values, NaN for gaps.
    t : ndarray, shape (times,)
        Times.
    slope : bool
        Whether pieces are straight lines, else levels.
    beside : int
        Parameters that were fitted to the rows before.
    """

    def __init__(self, y: Floats, t: Floats, slope: bool, beside: int = 0) -> None:
        self.slope, self.times, self.beside = slope, t.size, beside
        self._origin, self._scale = float(t[0]), float(t[-1] - t[0]) or 1.0
        self.t = (t - self._origin) / self._scale - 0.5
        self.known = np.isfinite(y)
        count = self.known.sum(axis=1)
        self.level = np.divide(np.where(self.known, y, 0.0).sum(axis=1), np.maximum(count, 1))
        self.y = np.where(self.known, y - self.level[:, None], 0.0)
        self._run = [_running(part) for part in self._terms()]

    def _terms(self) -> list[Floats]:
        weight = self.known.astype(np.float64)
        terms = [weight, self.y, self.y * self.y]
        return [*terms, weight * self.t, weight * self.t**2, self.y * self.t] if self.slope else terms

    def of(self, rows: NDArray[Any]) -> Sums:
        """Return those of some rows."""
        some = object.__new__(Sums)
        some.__dict__.update(self.__dict__)
        some.known, some.level, some.y = self.known[rows], self.level[rows], self.y[rows]
        some._run = [run[rows] for run in self._run]
        return some

    def parts(self, start: Integers, stop: Integers) -> list[Floats]:
        """Return the sums over [start, stop); shapes (rows, k)."""
        return [np.take_along_axis(r, stop, 1) - np.take_along_axis(r, start, 1) for r in self._run]

    def every(self, start: Integers, stop: Integers) -> tuple[list[Floats], list[Floats]]:
        """Return the sums from start to each place, and from each place to stop; start and stop (rows,)."""
        left = [run - np.take_along_axis(run, start[:, None], 1) for run in self._run]
        right = [np.take_along_axis(run, stop[:, None], 1) - run for run in self._run]
        return left, right

    def line(self, start: Integers, stop: Integers, at: Integers) -> Floats:
        """Return value at a time and slope of the pieces (rows, k, 2), in the units that were given."""
        sums = self.parts(start, stop)
        count = np.maximum(sums[0], 1.0)
        rise = _rise(sums) if self.slope else np.zeros_like(count)
        here = np.append(self.t, self.t[-1])[at]
        value = self.level[:, None] + sums[1] / count
        if self.slope:
            value = value + rise * (here - sums[3] / count)
        return np.stack([value, rise / self._scale], axis=-1)

    def pieces(self, edges: Integers) -> Floats:
        """Return the fitted pieces between edges (rows, k), which begin with 0 and end with the length: (rows, t)."""
        begin = self.line(edges[:, :-1], edges[:, 1:], np.minimum(edges[:, :-1], self.times - 1))
        piece = (np.arange(self.times)[None, :, None] >= edges[:, None, 1:-1]).sum(axis=-1)
        value, rise = (np.take_along_axis(begin[..., k], piece, 1) for k in (0, 1))
        first = np.take_along_axis(np.minimum(edges[:, :-1], self.times - 1), piece, 1)
        fitted: Floats = value + rise * self._scale * (self.t[None, :] - self.t[first])
        return fitted


def _running(part: Floats) -> Floats:
    out = np.zeros((part.shape[0], part.shape[1] + 1))
    np.cumsum(part, axis=1, out=out[:, 1:])
    return out


def _rise(sums: list[Floats]) -> Floats:
    count = np.maximum(sums[0], 1.0)
    spread = sums[4] - sums[3] ** 2 / count
    return np.divide(sums[5] - sums[3] * sums[1] / count, spread, out=np.zeros_like(spread), where=spread > 1e-12)


def _squares(sums: list[Floats]) -> Floats:
    """Return the sum of squares about the fitted piece."""
    count = np.maximum(sums[0], 1.0)
    about = sums[2] - sums[1] ** 2 / count
    if len(sums) > 3:
        about = about - _rise(sums) * (sums[5] - sums[3] * sums[1] / count)
    return np.maximum(about, 0.0)


def _profile(sums: Sums, start: Integers, stop: Integers, least: int) -> Floats:
    """Return the sum of squares with a split at each place (rows, times + 1), infinite where it may not be."""
    left, right = sums.every(start, stop)
    made = _squares(left) + _squares(right)
    made[(left[0] < least) | (right[0] < least)] = np.inf
    places = np.arange(made.shape[1])[None, :]
    made[(places <= start[:, None]) | (places >= stop[:, None])] = np.inf
    # In a gap all places are the same; the one of the first value behind it stands for them.
    made[:, :-1][~sums.known] = np.inf
    return made


class Null(NamedTuple):
    """What noise without breaks shows, found by trial."""

    first: Floats
    """Statistic of the strongest break, ascending."""
    scale: Floats
    """(most,) 95 % quantile of the gain by one, two ... breaks."""
    largest: Floats
    """Largest gain in units of its scale, ascending."""


class _Tried(NamedTuple):
    """One to most breaks of each row, whether they count or not."""

    edges: list[Integers]
    """With none, one, two ... breaks: (rows, most + 2), 0 first, the length of a row last and for none."""
    drop: Floats
    """(rows, most) by how much each lowers the sum of squares before the places are found anew."""
    gain: Floats
    """(rows, most) by how much one, two ... lower it together, for each of them."""
    variance: Floats
    """(rows,) of the fit with most breaks, with what the likeness of neighbours adds."""
    correlation: Floats
    """(rows,) of successive residuals, 0 or more."""


def search(
    y: Floats, t: Floats, *, most: int, least: int, slope: bool, level: float, confidence: float, beside: int = 0
) -> tuple[Found, Floats]:
    """Return the breaks of each row, and the chance of each in noise without any.

    Parameters
    ----------
    y : ndarray, shape (rows, times)
        NaN for gaps.
    t : ndarray, shape (times,)
        Ascending.
    most : int
        Most breaks of a row.
    least : int
        Fewest values of a piece.
    slope : bool
        Whether pieces are lines.
    level : float
        Chance of a break where there is none.
    confidence : float
        Of the limits.
    beside : int
        Parameters that were fitted to the rows before, such as those of a season.
    """
    sums = Sums(y, t, slope, beside)
    tried = _try(sums, least, most)
    count, chance = np.zeros(len(y), np.int64), np.full((len(y), most), np.nan)
    kind = np.ceil(tried.correlation / _STEP - 1e-9).astype(np.int64)
    nulls = {int(k): null_of(t.size, least, slope, most, int(k)) for k in np.unique(kind)}
    for k, null in nulls.items():
        rows = kind == k
        count[rows] = _counted(tried.gain[rows], tried.drop[rows], null, level)
    found = _described(sums, np.stack(tried.edges)[count, np.arange(len(y))], tried.variance, least, confidence)
    for k, null in nulls.items():
        rows = kind == k
        above = null.first.size - np.searchsorted(null.first, found.statistic[rows])
        chance[rows] = (1.0 + above) / (1.0 + null.first.size)
    return found, np.where(np.isfinite(found.statistic), chance, np.nan)


def _counted(gain: Floats, drop: Floats, null: Null, level: float) -> Integers:
    """Return how many breaks count in each row."""
    any_at_all = (gain / null.scale).max(axis=1, initial=0.0) > np.quantile(null.largest, 1.0 - level)
    count: Integers = any_at_all.astype(np.int64)
    for number in range(1, gain.shape[1]):
        limit = np.quantile(null.first, (1.0 - level) ** (1.0 / (number + 1)))
        count = count + ((count == number) & (drop[:, number] > limit))
    return count


def _try(sums: Sums, least: int, most: int) -> _Tried:
    rows = len(sums.known)
    edges = np.full((rows, most + 2), sums.times, np.int64)
    edges[:, 0] = 0
    drop, gain = np.zeros((rows, most)), np.zeros((rows, most))
    made = [edges]
    start = whole = _total(sums, edges)
    for count in range(most):
        edges, drop[:, count] = _one_more(sums, edges, count, least)
        made.append(edges)
        whole = _total(sums, edges)
        gain[:, count] = (start - whole) / (count + 1)
    # Values that lie on their pieces exactly leave rounding, of which no ratio is to be made.
    tiny = 1e-12 * np.maximum((sums.y**2).sum(axis=1), 1e-300)
    gone = _fitted_numbers(sums, edges)
    alike = correlation(sums, edges)
    variance = np.maximum(whole, tiny) / np.maximum(sums.known.sum(axis=1) - gone, 1) * (1.0 + alike) / (1.0 - alike)
    shares = [np.where(part > tiny[:, None], part, 0.0) / variance[:, None] for part in (drop, gain)]
    return _Tried(made, shares[0], shares[1], variance, alike)


def _fitted_numbers(sums: Sums, edges: Integers) -> Integers:
    """Return how many parameters and places are fitted to each row."""
    count = (edges[:, 1:-1] < sums.times).sum(axis=1)
    return np.asarray((1 + sums.slope) * (1 + count) + count + sums.beside, np.int64)


def _total(sums: Sums, edges: Integers) -> Floats:
    return np.asarray(_squares(sums.parts(edges[:, :-1], edges[:, 1:])).sum(axis=1))


def _one_more(sums: Sums, edges: Integers, count: int, least: int) -> tuple[Integers, Floats]:
    """Return the edges with one break more, where there is room, and by how much it lowers the sum of squares."""
    rows = np.arange(len(edges))
    best, place = np.full(len(edges), -np.inf), np.full(len(edges), sums.times)
    for piece in range(count + 1):
        drop, at = split(sums, edges[:, piece], edges[:, piece + 1], least)
        place = np.where(drop > best, at, place)
        best = np.maximum(drop, best)
    made = edges.copy()
    made[:, count + 1] = np.where(np.isfinite(best), place, sums.times)
    made[:, 1 : count + 2].sort(axis=1)
    for number in range(1, count + 2) if count else ():
        profile = _profile(sums, made[:, number - 1], made[:, number + 1], least)
        at = profile.argmin(axis=1)
        made[:, number] = np.where(np.isfinite(profile[rows, at]), at, made[:, number])
    return made, np.where(np.isfinite(best), best, 0.0)


def split(sums: Sums, start: Integers, stop: Integers, least: int) -> tuple[Floats, Integers]:
    """Return by how much the best split of a piece lowers its sum of squares (-inf for none), and its place."""
    profile = _profile(sums, start, stop, least)
    at = profile.argmin(axis=1)
    outer = _squares(sums.parts(start[:, None], stop[:, None]))[:, 0]
    return outer - profile[np.arange(len(at)), at], at


def correlation(sums: Sums, edges: Integers) -> Floats:
    """Return the correlation of the errors of successive values (rows,), 0 to 0.9."""
    residual = np.where(sums.known, sums.y + sums.level[:, None] - sums.pieces(edges), 0.0)
    squares = (residual**2).sum(axis=1)
    both = (sums.known[:, 1:] & sums.known[:, :-1]).sum(axis=1)
    near = (residual[:, 1:] * residual[:, :-1]).sum(axis=1)
    count = sums.known.sum(axis=1)
    share = np.divide(near * count, squares * np.maximum(both, 1), out=np.zeros_like(near), where=squares > 0)
    # Residuals of a fit with q parameters and places are less alike than errors, by about q (1 + correlation) / n.
    taken = _fitted_numbers(sums, edges)
    share = (count * share + taken) / np.maximum(count - taken, 1)
    return np.asarray(np.clip(share, 0.0, _LARGEST_CORRELATION))


def _described(sums: Sums, edges: Integers, variance: Floats, least: int, confidence: float) -> Found:
    """Return limits, statistics and lines of the breaks."""
    shape = (len(edges), edges.shape[1] - 2)
    low, high, statistic = np.full(shape, sums.times), np.full(shape, sums.times), np.full(shape, np.nan)
    limit = -2.0 * np.log1p(-np.sqrt(confidence))
    for number in range(shape[1]):
        rows = np.flatnonzero(edges[:, number + 1] < sums.times)
        some, start, stop = sums.of(rows), edges[rows, number], edges[rows, number + 2]
        profile = _profile(some, start, stop, least)
        outer = _squares(some.parts(start[:, None], stop[:, None]))
        lowest = profile.min(axis=1, initial=np.inf)[:, None]
        statistic[rows, number] = (outer - lowest)[:, 0] / variance[rows]
        inside = profile - lowest <= limit * variance[rows, None]
        inside[np.arange(rows.size), edges[rows, number + 1]] = True
        low[rows, number] = inside.argmax(axis=1)
        high[rows, number] = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    place = edges[:, 1:-1]
    before = sums.line(edges[:, :-2], place, place)
    after = sums.line(place, edges[:, 2:], place)
    return Found(place, low, high, statistic, before, after, sums.pieces(edges))


@lru_cache(maxsize=64)
def null_of(times: int, least: int, slope: bool, most: int, alike: int = 0) -> Null:
    """Return what noise shows, of some hundred draws with a fixed seed; gaps change it little.

    Parameters
    ----------
    times, least, slope, most
        As in :func:`search`; ``times`` is their number.
    alike : int
        Correlation of successive values in steps of 0.15.
    """
    trials = min(_TRIALS, max(_FEWEST_TRIALS, _DRAWN // times))
    noise = np.random.Generator(np.random.Philox(1998)).standard_normal((trials, times))
    share = alike * _STEP
    for k in range(1, times if alike else 0):
        noise[:, k] = share * noise[:, k - 1] + np.sqrt(1.0 - share**2) * noise[:, k]
    tried = _try(Sums(noise, np.arange(times, dtype=np.float64), slope), least, most)
    scale = np.maximum(np.quantile(tried.gain, 0.95, axis=0), 1e-9)
    made = Null(np.sort(tried.drop[:, 0]), scale, np.sort((tried.gain / scale).max(axis=1)))
    for values in made:
        values.flags.writeable = False
    return made
