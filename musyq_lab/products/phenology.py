r"""Phenology: when the growing season begins, peaks and ends, from a series of an index or of leaf area.

A year's season is the one whose peak lies in that calendar year; dates are days of that year, 1 for 1 January. A season
of the south that peaks in January begins in the year before: its start is 0 or negative; one that peaks in December
ends beyond 366. It is the smooth curve whose peak decides on the year; that of the fitted one, which is given, may lie
some days across its bounds. The series must reach into those years. Of several seasons a year the one with the highest
peak is described, and ``seasons`` counts them.

The series is smoothed, the lows around the peak bound the season, and between them a double logistic is fitted,

.. math:: f(t) = b + a \left[\frac{1}{1 + e^{-r (t - s)}} + \frac{1}{1 + e^{q (t - e)}} - 1\right].

Methods say which dates of that curve count:

* ``threshold`` (default): where it passes a share of the amplitude above the low of that side; ``share=0.5`` is the
  mid-greenup of MCD12Q2 (0.15 its greenup; 0.2 is usual with TIMESAT). The half-way point moves least with noise and
  with the level of the lows, since the curve is steep there.
* ``derivative``: steepest rise and fall. ``double_logistic``: its dates s and e. ``gu``: where the tangents there meet
  the low. ``curvature``: extremes of the rate of change of curvature.

Each takes NDVI; ``<method>_evi`` and ``<method>_lai`` take these instead. ``curve="smooth"`` reads threshold,
derivative and gu off the smooth curve itself, for seasons that no logistic describes. NDVI saturates over dense leaves,
which lengthens its seasons beside those of EVI and LAI.

Uncertainty is that of the fit: its covariance for the spread of the observations, widened by their correlation, carried
to the dates. What is not in it: dates of definitions differ by weeks, and a composite's observation may lie anywhere in
its period. Water, ice and evergreen canopies have no season to speak of: they are marked weak, or have none.

References: Beck et al. 2006 (double logistic), White et al. 1997, Zhang et al. 2003, Gu et al. 2009, none re-read; 15,
50 and 90 % as the layers of MCD12Q2 collection 6 describe them (read); the prominence of a peak, 35 %, and the least
amplitude, 0.1, are recalled from its user guide.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import season
from musyq_lab.kernels._season_fit import SIZE
from musyq_lab.products._last import Last
from musyq_lab.products._retrieval import retrieval

Array = NDArray[Any]

_TITLES = {
    "threshold": "share of the amplitude (White et al. 1997)",
    "double_logistic": "dates of the fitted logistic terms (Beck et al. 2006)",
    "derivative": "steepest rise and fall",
    "gu": "tangents at the steepest points (Gu et al. 2009)",
    "curvature": "extremes of the rate of change of curvature (Zhang et al. 2003)",
}
_DOIS = {
    "threshold": "10.1029/97GB00330",
    "double_logistic": "10.1016/j.rse.2005.10.021",
    "derivative": "10.1080/01431160310001618455",
    "gu": "10.1007/978-1-4419-0026-5_2",
    "curvature": "10.1016/S0034-4257(02)00135-9",
}
_SERIES = ("ndvi", "evi", "lai")
_CURVE_OPTIONS = ("share", "curve", "cutoff", "envelope", "prominence")
LEAST_AMPLITUDE = {"ndvi": 0.1, "evi": 0.1, "lai": 0.5}
"""Amplitude below which a season is weak: 0.1 of an index as in MCD12Q2 (not re-read); of leaf area our own."""
_POOR = 0.25  # residuals of a quarter of the amplitude: dates err by weeks
_CUT = 0.25  # share of the amplitude that a low at the series' end may lie above the other low
_DATES = 3  # without which there is no curvature to smooth
_GAP = 45.0  # d without an observation around a date: nearly three composites of 16 days


def _method(name: str, series: str) -> Method:
    return Method(
        name if series == "ndvi" else f"{name}_{series}",
        title=f"{_TITLES[name]}, of {series.upper()}",
        inputs=(series,),
        references=(_DOIS[name],),
    )


def _day(name: str, text: str, low: float, high: float) -> Variable:
    return Variable(name, text, "d", valid_range=(low, high), scale=0.1, colour_map="viridis")


SPEC = Product(
    key="phenology",
    title="Phenology of the growing season",
    variables=(
        _day("start_of_season", "start of the season, day of the year", -365.0, 367.0),
        _day("peak_of_season", "peak of the season, day of the year", -30.0, 398.0),
        _day("end_of_season", "end of the season, day of the year", 0.0, 732.0),
        _day("length_of_season", "days from start to end of the season", 0.0, 732.0),
        Variable("season_base", "mean of the lows before and after the season", "1", valid_range=(-1, 15), scale=5e-4),
        Variable("season_amplitude", "peak of the season above its base", "1", valid_range=(0.0, 15.0), scale=5e-4),
        Variable("season_integral", "sum of daily values from start to end", "d", valid_range=(-300, 3000), scale=0.1),
        Variable("seasons", "peaks of the year", "1", valid_range=(0, 12), dtype="uint8", fill=255, uncertain=False),
        Variable(
            "season_residual",
            "spread of observations about the curve",
            "1",
            valid_range=(0.0, 6.5),
            dtype="uint16",
            scale=1e-4,  # of indices it is some thousandths
            fill=65535,
        ),
    ),
    inputs=(Input("ndvi", source="product:vi"), Input("evi", source="product:vi"), Input("lai", source="product:lai")),
    editions=("1km", "30m"),
    support="yearly",
    methods=tuple(_method(name, series) for series in _SERIES for name in _TITLES),
    flags=(
        Flag(8, "few_observations", "the season holds too few observations for a curve, so there are no dates"),
        Flag(9, "no_season", "the year has no peak that rises and falls enough"),
        Flag(10, "weak_season", "the amplitude is small: dates mean little (evergreen, bare, water)"),
        Flag(11, "poor_fit", "observations scatter about the curve by more than a quarter of its amplitude"),
        Flag(12, "cut_at_series_start", "the series begins within the season: its start may be wrong"),
        Flag(13, "cut_at_series_end", "the series ends within the season: its end may be wrong"),
        Flag(14, "several_seasons", "the year has several seasons; the one with the highest peak is described"),
        Flag(15, "long_gap", "start or end lies in a gap of more than 45 days"),
    ),
    references=("10.1016/j.rse.2005.10.021", "10.1016/S0034-4257(02)00135-9"),
)


class _Found(NamedTuple):
    """What the series say, each array (..., year); first and last are days of observations."""

    first: Array
    last: Array
    windows: season.Windows
    fit: season.Fit
    dates: season.Dates
    definition: str
    series: str


def _given(inputs: dict[str, Array | None]) -> tuple[str, Array]:
    """Return name and values of the series that the method takes."""
    for name, values in inputs.items():
        if values is not None:
            return name, np.asarray(values, np.float64)
    raise InputError('retrieve("phenology") needs one of ndvi, evi, lai, each with its own methods.')


def _of_curve(options: dict[str, Any]) -> dict[str, Any]:
    """Return those options that decide on the curve, so that values, bits and errors ask for the same one."""
    return {name: options[name] for name in _CURVE_OPTIONS}


def _year_days(years: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the first and the last day of each year, days since 1970-01-01."""
    bounds = [[np.datetime64(f"{y + more:04d}-01-01", "D").astype(int) for y in years] for more in (0, 1)]
    return np.array(bounds[0], np.float64), np.array(bounds[1], np.float64) - 1.0


@Last
def _find(
    inputs: dict[str, Array | None],
    time: Array,
    years: tuple[int, ...],
    method: str,
    options: dict[str, Any],
) -> _Found:
    """Find, fit and date the season of each year."""
    name, y = _given(inputs)
    if time.size < _DATES:
        raise InputError(
            f'retrieve("phenology") needs a series of {_DATES} dates at least, a year or more to show a season; got '
            f"{time.size}."
        )
    definition = method.removesuffix(f"_{name}")
    share, curve = float(options["share"]), options["curve"]
    if not 0.0 < share < 1.0 or curve not in ("double_logistic", "smooth"):
        raise InputError(
            f'retrieve("phenology") takes share within (0, 1) and curve "double_logistic" or "smooth", got {share}, '
            f"{curve!r}."
        )
    if curve == "smooth" and definition in ("double_logistic", "curvature"):
        raise InputError(f'retrieve("phenology", method={method!r}) reads a fitted curve: curve="double_logistic".')
    smooth = season.curve(y, time, cutoff=options["cutoff"], envelope=options["envelope"])
    windows = season.windows(smooth, *_year_days(years), prominence=options["prominence"])
    fit = season.fit(y, time, windows, smooth.noise, envelope=options["envelope"])
    dates = season.dates(fit.parameters, windows.left, windows.right, definition=definition, share=share)
    if curve == "smooth":
        dates = season.curve_dates(smooth, windows, definition=definition, share=share)
    return _Found(smooth.first[..., None], smooth.last[..., None], windows, fit, dates, definition, name)


def _values(found: _Found, years: tuple[int, ...]) -> dict[str, Array]:
    first, _ = _year_days(years)
    dates, offset = found.dates, first - 1.0
    base = 0.5 * (dates.low_left + dates.low_right)
    return {
        "start_of_season": dates.start - offset,
        "peak_of_season": dates.peak - offset,
        "end_of_season": dates.end - offset,
        "length_of_season": dates.end - dates.start,
        "season_base": base,
        "season_amplitude": dates.top - base,
        "season_integral": dates.area,
        "seasons": np.where(np.isfinite(found.first), found.windows.peaks, np.nan),
        "season_residual": found.fit.error,
    }


def _sigmas(
    *,
    ndvi: Array | None = None,
    evi: Array | None = None,
    lai: Array | None = None,
    time: Array,
    years: tuple[int, ...],
    variables: tuple[str, ...],
    method: str,
    share: float,
    **options: Any,
) -> list[Array]:
    """Return the errors of the fit; for the smooth curve also its distance from the fit, in quadrature."""
    given = {"ndvi": ndvi, "evi": evi, "lai": lai}
    found = _find(given, time, years, method, _of_curve({"share": share, **options}))
    made = season.errors(found.fit, found.windows, definition=found.definition, share=share)
    if options["curve"] == "smooth":
        limits = found.windows.left, found.windows.right
        fitted = season.dates(found.fit.parameters, *limits, definition=found.definition, share=share)
        made = season.Dates(*(np.hypot(e, a - b) for e, a, b in zip(made, found.dates, fitted, strict=True)))
    base = 0.5 * np.hypot(made.low_left, made.low_right)
    spread = {
        "start_of_season": made.start,
        "peak_of_season": made.peak,
        "end_of_season": made.end,
        "length_of_season": np.hypot(made.start, made.end),
        "season_base": base,
        "season_amplitude": np.hypot(made.top, base),
        "season_integral": made.area,
        "seasons": np.zeros_like(base),
        # One sigma of a spread from n - 6 degrees of freedom (normal residuals).
        "season_residual": found.fit.error / np.sqrt(2.0 * np.maximum(found.fit.number - SIZE, 1.0)),
    }
    return [spread[name] for name in variables]


def _bits(
    *,
    ndvi: Array | None = None,
    evi: Array | None = None,
    lai: Array | None = None,
    time: Array,
    years: tuple[int, ...],
    method: str,
    least_amplitude: float | None,
    **options: Any,
) -> dict[str, Array]:
    """Return where each of the product's own bits holds."""
    given = {"ndvi": ndvi, "evi": evi, "lai": lai}
    found = _find(given, time, years, method, _of_curve(options))
    dates, windows, fit = found.dates, found.windows, found.fit
    base = 0.5 * (dates.low_left + dates.low_right)
    amplitude = dates.top - base
    least = LEAST_AMPLITUDE[found.series] if least_amplitude is None else least_amplitude
    first, last = found.first, found.last
    y = next(np.asarray(x) for x in given.values() if x is not None)
    gap = [_gap(np.isfinite(y), time, day) > _GAP for day in (dates.start, dates.end)]
    return {
        "few_observations": (windows.peaks > 0) & ~(fit.number > SIZE),
        "no_season": ~(windows.peaks > 0),
        "weak_season": amplitude < least,
        "poor_fit": fit.error > _POOR * amplitude,
        "cut_at_series_start": (windows.left <= first) & (dates.low_left - dates.low_right > _CUT * amplitude)
        | (dates.start <= first),
        "cut_at_series_end": (windows.right >= last) & (dates.low_right - dates.low_left > _CUT * amplitude)
        | (dates.end >= last),
        "several_seasons": windows.peaks > 1,
        "long_gap": gap[0] | gap[1],
    }


def _gap(known: Array, time: Array, day: Array) -> Array:
    """Return the days between the observations before and after a day (..., year); infinite at the ends."""
    before = np.maximum.accumulate(np.where(known, time, -np.inf), axis=-1)
    after = np.minimum.accumulate(np.where(known, time, np.inf)[..., ::-1], axis=-1)[..., ::-1]
    place = np.searchsorted(time, np.nan_to_num(day))
    left = np.take_along_axis(before, np.maximum(place - 1, 0), axis=-1)
    right = np.take_along_axis(after, np.minimum(place, time.size - 1), axis=-1)
    return np.asarray(np.where(np.isfinite(day), right - left, 0.0))


@retrieval(SPEC, quality=_bits, uncertainty=_sigmas)
def phenology(
    *,
    ndvi: Array | None = None,
    evi: Array | None = None,
    lai: Array | None = None,
    time: Array,
    years: tuple[int, ...],
    variables: tuple[str, ...],
    method: str,
    share: float = 0.5,
    curve: str = "double_logistic",
    cutoff: float = 90.0,
    envelope: float = 0.5,
    prominence: float = 0.35,
    least_amplitude: float | None = None,
) -> Any:
    """Start, peak, end and size of the season of each calendar year.

    Options: ``share`` of the amplitude at which a season begins and ends (method threshold); ``curve``,
    "double_logistic" or "smooth"; ``cutoff``, period (d) of which the smooth curve keeps half; ``envelope``, weight of
    values above the curve (0.5 treats both sides alike; 0.8 for series with clouds left in them); ``prominence``, least
    rise and fall of a peak as a share of the range of the curve around the year; ``least_amplitude``, below which the
    bit ``weak_season`` is set (0.1 for indices, 0.5 for leaf area).
    """
    options = {"share": share, "curve": curve, "cutoff": cutoff, "envelope": envelope, "prominence": prominence}
    given = {"ndvi": ndvi, "evi": evi, "lai": lai}
    values = _values(_find(given, time, years, method, options), years)
    dtype = next(x.dtype for x in given.values() if x is not None)
    return [values[name].astype(dtype) for name in variables]
