"""What an analysis says of one place: the series, what is fitted to it, marks, and sentences."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.analysis.breaks import break_course, breaks
from musyq_lab.analysis.trend import trend
from musyq_lab.dashboards._change_kinds import KINDS, Ask, Subject
from musyq_lab.dashboards._change_work import series_of
from musyq_lab.dashboards._data import Cube
from musyq_lab.dashboards._series import place
from musyq_lab.figures.words import pretty_units

HEIGHT = 215
_LINE, _FIT, _MARKS = "#777777", "#d0006f", ("#009e73", "#e69f00", "#0072b2")
_MANY = 200
_SEASON = (("start_of_season", "start"), ("peak_of_season", "peak"), ("end_of_season", "end"))
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Story:
    """A place in the light of an analysis; times are dates or numbers, all arrays along them."""

    place: str
    """In words."""
    name: str
    """Variable."""
    units: str
    """Its unit."""
    dim: str
    """Dimension of time."""
    times: NDArray[Any]
    """Dates or years."""
    values: Floats
    """The series."""
    fit_times: NDArray[Any] = field(default_factory=lambda: np.empty(0))
    """Times of what is fitted."""
    fitted: Floats = field(default_factory=lambda: np.empty(0))
    """What is fitted, NaN between pieces."""
    low: Floats = field(default_factory=lambda: np.empty(0))
    """Lower limit of it."""
    high: Floats = field(default_factory=lambda: np.empty(0))
    """Upper limit of it."""
    spans: tuple[tuple[Any, Any], ...] = ()
    """Stretches of time within which something happened."""
    marks: tuple[tuple[Any, float, str], ...] = ()
    """Time, value and colour of marked points."""
    sentences: tuple[str, ...] = ()
    """What is to be said."""
    rows: tuple[tuple[Any, ...], ...] = ()
    """A table of what was found; the first row is its header."""

    @property
    def empty(self) -> bool:
        """Whether there is no value at all."""
        return not np.isfinite(self.values).any()


def story_at(cube: Cube, variable: str, chosen: Any, ask: Ask, point: tuple[float, float]) -> Story:
    """Return what an analysis says of the cell nearest to a point, from all steps of the data themselves.

    Parameters
    ----------
    cube : Cube
        The data.
    variable : str
        What is analysed.
    chosen : mapping of str to int
        Position along further dimensions.
    ask : Ask
        What is asked.
    point : tuple of float
        Across, and up or down.
    """
    layer = cube.dataset[variable].sel({cube.x: point[0], cube.y: point[1]}, method="nearest")
    x, y = float(layer[cube.x]), float(layer[cube.y])
    layer = layer.drop_vars([cube.x, cube.y]).compute()
    subject = series_of(layer, cube, chosen)
    subject = replace(subject, layer=subject.layer.astype(np.float64))
    units = str(layer.attrs.get("units", ""))
    times = subject.layer[subject.dim].values if subject.dim else np.zeros(1)
    values = np.atleast_1d(subject.layer.values)
    story = Story(place(cube, x, y), variable, units, subject.dim, times, values)
    lacks = KINDS[ask.kind].lacks(subject)
    if lacks:
        return replace(story, sentences=(lacks,))
    if story.empty:
        return replace(story, sentences=("No data here: sea, or outside the product. Click a coloured cell.",))
    return _TOLD[ask.kind](story, subject, ask)


def _unit(story: Story, more: str = "") -> str:
    units = "" if story.units in ("", "1") else pretty_units(story.units)
    return f" {units} {more}".rstrip() if units else f" {more}".rstrip()


def _year_times(subject: Subject, years: NDArray[Any]) -> NDArray[Any]:
    """Return the middle of years as times of the series' own kind."""
    if not subject.dated:
        return years
    return np.array([np.datetime64(f"{int(year):04d}-07-01", "s") for year in years])


def _trend(story: Story, subject: Subject, _ask: Ask) -> Story:
    yearly = subject.yearly()
    found = trend(yearly, subject.yearly_dim)
    slope, low, high, chance = (float(found[n]) for n in ("slope", "slope_low", "slope_high", "p_value"))
    if not np.isfinite(slope):
        return replace(story, sentences=(f"Only {int(found['count'])} values: a trend needs at least 4.",))
    labels = yearly[subject.yearly_dim].values
    numbers = _numbers(labels)
    level = np.asarray(yearly.values, np.float64)
    known = np.isfinite(level)
    centre = float(np.median(numbers[known]))
    # Lines of all slopes within the limits through the middle of the data.
    middle = float(np.median(level[known] - slope * (numbers[known] - centre)))
    lines = [middle + s * (numbers - centre) for s in (slope, low, high)]
    times = _year_times(subject, labels) if subject.by_year else labels
    marks = tuple((t, float(v), _MARKS[2]) for t, v in zip(times, level, strict=True) if np.isfinite(v))
    per = "a year" if subject.dated or subject.dim == "year" else "a step"
    sure = "significant" if chance < 0.05 else "not significant"
    what = "yearly means" if subject.by_year else "the steps, their season included"
    told = (
        f"Slope {_signed(slope)}{_unit(story)} {per} (95 %: {_signed(low)} to {_signed(high)}), of {what}.",
        f"Mann-Kendall: chance without a trend {_chance(chance)}, {sure} at 5 %; tau {float(found['tau']):.2f}.",
    )
    rows = [("layer", "value"), *((name, float(found[name])) for name in found.data_vars)]
    return replace(
        story, fit_times=times, fitted=lines[0], low=np.minimum(*lines[1:]), high=np.maximum(*lines[1:]),
        marks=marks if subject.by_year else (), sentences=told, rows=tuple(rows),
    )  # fmt: skip


def _numbers(labels: NDArray[Any]) -> Floats:
    """Return years as numbers from years or dates."""
    if np.issubdtype(labels.dtype, np.datetime64):
        return np.asarray((labels - labels[0]) / np.timedelta64(1, "D") / 365.2425, np.float64)
    return np.asarray(labels, np.float64)


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _chance(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.2g}"


def _anomaly(story: Story, subject: Subject, ask: Ask) -> Story:
    made = KINDS["anomaly"].make(subject, ask)["anomaly"]
    dim = str(made.dims[0])
    labels, level = made[dim].values, np.asarray(made.values, np.float64)
    if not np.isfinite(level).any():
        return replace(story, sentences=("The reference years hold too few values here for an anomaly.",))
    times = _year_times(subject, labels) if subject.by_year else labels
    low, high = int(np.nanargmin(level)), int(np.nanargmax(level))
    unit = _unit(story) if ask.measure == "difference" else {"relative": ""}.get(ask.measure, " standard deviations")
    span = "all years" if ask.baseline is None else f"{ask.baseline[0]} to {ask.baseline[1]}"
    told = (
        f"Compared with the mean of {span}: lowest {_signed(level[low])}{unit} ({_label(labels[low])}), "
        f"highest {_signed(level[high])}{unit} ({_label(labels[high])}).",
    )
    rows = ((dim, "anomaly"), *((_label(k), float(v)) for k, v in zip(labels, level, strict=True)))
    return replace(
        story, name="anomaly", units=str(made.attrs.get("units", "1")), times=times, values=level,
        fit_times=times[[0, -1]], fitted=np.zeros(2), sentences=told, rows=rows,
    )  # fmt: skip


def _label(value: Any) -> str:
    return str(value)[:10]


def _breaks(story: Story, subject: Subject, ask: Ask) -> Story:
    found = breaks(subject.layer, subject.dim, model=ask.model)  # type: ignore[arg-type]
    course = break_course(subject.layer, subject.dim, model=ask.model)
    pieces = np.asarray(course["pieces"].values, np.float64)
    count = int(found["count"])
    times, fitted = _with_gaps(story.times, pieces, found["date"].values[:count])
    head = ("break", "date", "from", "to", "step", "chance")
    rows: list[tuple[Any, ...]] = [head]
    told = []
    for number in range(count):
        one = found.isel({"break": number})
        when, first, last = (_label(one[name].values) for name in ("date", "date_low", "date_high"))
        rows.append((number + 1, when, first, last, float(one["shift"]), float(one["p_value"])))
        told.append(
            f"A step of {_signed(float(one['shift']))}{_unit(story)} at {when} "
            f"(95 %: {first} to {last}), chance in noise {_chance(float(one['p_value']))}."
        )
    if not count:
        told.append("No break: none is stronger than what noise of the same kind shows in 5 % of all cases.")
    spans = tuple((found["date_low"].values[k], found["date_high"].values[k]) for k in range(count))
    return replace(story, fit_times=times, fitted=fitted, spans=spans, sentences=tuple(told), rows=tuple(rows))


def _with_gaps(times: NDArray[Any], pieces: Floats, dates: NDArray[Any]) -> tuple[NDArray[Any], Floats]:
    """Return the pieces with an empty step before each break, so that no line joins them."""
    at = np.searchsorted(times, dates)
    return np.insert(times, at, times[at]), np.insert(pieces, at, np.nan)


def _phenology(story: Story, subject: Subject, ask: Ask) -> Story:
    # Products take maps: a place is one of a single cell.
    one = Subject(subject.layer.expand_dims(("y", "x")).transpose(subject.dim, "y", "x"), subject.dim)
    made = KINDS["phenology"].make(one, ask).isel(y=0, x=0).compute()
    times, values = _numbers_since(story.times), story.values
    known = np.isfinite(values)
    rows: list[tuple[Any, ...]] = [("year", "start", "peak", "end", "days")]
    marks, told = [], []
    for year in made["year"].values.astype(int):
        days = [float(made[name].sel(year=year)) for name, _ in _SEASON]
        length = float(made["length_of_season"].sel(year=year))
        if not np.isfinite(days).any():
            continue
        dates = [_date(int(year), day) for day in days]
        rows.append((year, *(str(date)[:10] if date is not None else "" for date in dates), round(length, 1)))
        for date, colour in zip(dates, _MARKS, strict=True):
            if date is not None and known.any():
                at = float(np.interp(_numbers_since(np.array([date]))[0], times[known], values[known]))
                marks.append((date, at, colour))
    if len(rows) == 1:
        told.append("No season: the series does not rise and fall enough, or has too few values in one.")
    else:
        mean = float(made["length_of_season"].mean())
        count = f"{len(rows) - 1} season{'s' if len(rows) > 2 else ''}"
        told.append(f"{count} of {mean:.0f} days on average: green start, orange peak, blue end.")
    return replace(story, marks=tuple(marks), sentences=tuple(told), rows=tuple(rows))


def _numbers_since(times: NDArray[Any]) -> Floats:
    return np.asarray(times.astype("datetime64[s]").astype(np.float64), np.float64)


def _date(year: int, day: float) -> np.datetime64 | None:
    """Return the date of a day of a year; day 0 and less lie in the year before."""
    if not np.isfinite(day):
        return None
    return np.datetime64(f"{year:04d}-01-01", "s") + np.timedelta64(round((day - 1.0) * 86400), "s")


def _periods(story: Story, subject: Subject, ask: Ask) -> Story:
    made = KINDS["periods"].make(subject, ask)
    spans = (ask.before or subject.halves[0], ask.after or subject.halves[1])
    before, after, difference, error, chance = (
        float(made[n]) for n in ("before", "after", "difference", "standard_error", "p_value")
    )
    times: list[Any] = []
    fitted: list[float] = []
    for (first, last), level in zip(spans, (before, after), strict=True):
        ends = [first, last + (1 if subject.dated else 0)]
        times += [*(np.datetime64(f"{y:04d}-01-01", "s") if subject.dated else y for y in ends), None]
        fitted += [level, level, np.nan]
    times = [t if t is not None else times[k - 1] for k, t in enumerate(times)]
    told = [f"{_signed(difference)}{_unit(story)}: {before:.4g} before, {after:.4g} after."]
    if np.isfinite(error):
        told.append(f"Standard error {error:.3g}; chance in one climate {_chance(chance)} (Welch).")
    else:
        told.append("With fewer than two years in either period there is no test.")
    rows = [("layer", "value"), *((str(name), float(made[name])) for name in made.data_vars)]
    return replace(story, fit_times=np.array(times), fitted=np.array(fitted), sentences=tuple(told), rows=tuple(rows))


_TOLD: dict[str, Callable[[Story, Subject, Ask], Story]] = {
    "trend": _trend,
    "anomaly": _anomaly,
    "breaks": _breaks,
    "phenology": _phenology,
    "periods": _periods,
}


def draw(told: Story) -> Any:
    """Return the series with what is fitted, marked and spanned.

    Parameters
    ----------
    told : Story
        The place.
    """
    units = "" if told.units in ("", "1") else f" ({pretty_units(told.units)})"
    step, value = hv.Dimension("step", label=told.dim or "step"), hv.Dimension("value", label=f"{told.name}{units}")
    times = _plain(told.times)
    fits = _plain(told.fit_times) if told.fit_times.size else times[:0]  # nothing of the axis' own kind
    known = np.isfinite(told.values)
    low = told.low if told.low.size else told.fitted
    high = told.high if told.high.size else told.fitted
    marks: Any = [(_plain(np.array([t]))[0], v, c) for t, v, c in told.marks] or (times[:0], [], [])
    spans = [tuple(_plain(np.array(span))) for span in told.spans]
    parts = [
        hv.Area((fits, low, high), step, [value, "upper"]).opts(color=_FIT, alpha=0.15, line_alpha=0),
        hv.Curve((times, told.values), step, value).opts(color=_LINE, line_width=1.0),
        hv.Points((times[known], told.values[known]), [step, value]).opts(
            size=2 if times.size > _MANY else 4, color=_LINE
        ),
        hv.Curve((fits, told.fitted), step, value).opts(color=_FIT, line_width=2),
        hv.Points(marks, [step, value], ["colour"]).opts(size=8, color="colour", line_color="#333333"),
    ]
    if spans:  # without any they would make the axis one of numbers
        parts.append(hv.VSpans(spans, ["start", "stop"]).opts(color=_FIT, alpha=0.2, line_alpha=0))
    frame = {
        "xlabel": told.dim or "step",
        "responsive": True,
        "height": HEIGHT,
        "toolbar": None,
        "show_legend": False,
        "show_grid": True,
    }
    return hv.Overlay(parts).opts(hv.opts.Overlay(**frame, fontscale=0.9, framewise=True))


def _plain(times: NDArray[Any]) -> NDArray[Any]:
    return times.astype("datetime64[ms]") if np.issubdtype(times.dtype, np.datetime64) else times


def to_csv(story: Story) -> io.StringIO:
    """Return the series, and what was found, as CSV; the place and the unit are in the header."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["place", story.place])
    for sentence in story.sentences:
        writer.writerow(["found", sentence])
    writer.writerows(story.rows)
    writer.writerow([])
    writer.writerow([story.dim or "step", f"{story.name} ({story.units or '1'})"])
    for when, number in zip(story.times, story.values, strict=True):
        writer.writerow([str(when)[:19], "" if np.isnan(number) else f"{number:.7g}"])
    out.seek(0)
    return out


def to_netcdf(dataset: xr.Dataset) -> io.BytesIO:
    """Return layers as a NetCDF-4 file."""
    return io.BytesIO(bytes(dataset.to_netcdf(engine="h5netcdf")))
