"""Periods of the published products: five days in both conventions, days and three hours.

Two conventions of five days are in use: ``"year"`` counts from 1 January (day 1, 6, 11 ... 361; 73 a year, the last
takes day 366 of a leap year), ``"month"`` cuts every month in six (1-5, 6-10 ... 26-end; 72 a year).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from musyq_lab.core.errors import InputError

Convention = Literal["year", "month"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A half-open stretch of time in UTC: ``start <= t < end``."""

    start: datetime
    """First instant."""
    end: datetime
    """First instant after it."""
    label: str
    """Name in files: ``2015001``, ``2015001-03``, ``2015-01-p1``."""

    def __contains__(self, moment: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.start <= _utc(moment) < self.end

    @property
    def middle(self) -> datetime:
        """Instant half-way."""
        return self.start + (self.end - self.start) / 2

    @property
    def last(self) -> datetime:
        """Last whole second in it."""
        return self.end - timedelta(seconds=1)

    @property
    def coverage(self) -> dict[str, str]:
        """ACDD's ``time_coverage_start`` and ``time_coverage_end``: its first and its last second."""
        ends = {"time_coverage_start": self.start, "time_coverage_end": self.last}
        return {name: f"{moment.isoformat(timespec='seconds')}Z" for name, moment in ends.items()}


def _utc(moment: date) -> datetime:
    """Return an instant in UTC without its zone; one without a zone is UTC already, a date its midnight."""
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def pentad(day: date, convention: Convention = "year") -> Period:
    """Return the five-day period a day belongs to.

    Parameters
    ----------
    day : datetime.date
        A day (the date of a datetime counts; with a time zone, its date in UTC).
    convention : {"year", "month"}
        See the module.
    """
    when = _midnight(day)
    if convention == "year":
        return _pentad_of_year(when)
    if convention == "month":
        return _pentad_of_month(when)
    raise InputError(f"There is no convention {convention!r} of five-day periods. Use 'year' (73) or 'month' (72).")


def _midnight(day: date) -> datetime:
    when = _utc(day)
    return datetime(when.year, when.month, when.day)


def _pentad_of_year(when: datetime) -> Period:
    new_year = datetime(when.year, 1, 1)
    index = min((when - new_year).days // 5, 72)
    start = new_year + 5 * index * _DAY
    end = datetime(when.year + 1, 1, 1) if index == 72 else start + 5 * _DAY
    return Period(start, end, f"{start:%Y%j}")


def _pentad_of_month(when: datetime) -> Period:
    index = min((when.day - 1) // 5, 5)
    start = when.replace(day=1 + 5 * index)
    end = (when.replace(day=28) + 4 * _DAY).replace(day=1) if index == 5 else start + 5 * _DAY
    return Period(start, end, f"{start:%Y-%m}-p{index + 1}")


def pentads(year: int, convention: Convention = "year") -> Iterator[Period]:
    """Yield the five-day periods of a year in order (73 or 72 of them)."""
    period = pentad(date(year, 1, 1), convention)
    while period.start.year == year:
        yield period
        period = pentad(period.end.date(), convention)


def daily(day: date) -> Period:
    """Return the day from midnight to midnight UTC."""
    start = _midnight(day)
    return Period(start, start + _DAY, f"{start:%Y%j}")


def three_hourly(moment: datetime) -> Period:
    """Return the three hours, counted from midnight UTC, that an instant belongs to."""
    when = _utc(moment)
    start = _midnight(when) + when.hour // 3 * timedelta(hours=3)
    return Period(start, start + timedelta(hours=3), f"{start:%Y%j}-{start:%H}")


_WHOLE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}|p[1-6]))?)?", re.ASCII)


def whole_period(text: str) -> Period:
    """Return the stretch of time that a text names.

    Parameters
    ----------
    text : str
        A year ``2015``, a month ``2015-07``, a sixth of one ``2015-07-p1``, a day ``2015-07-01``, or two of these with
        a slash between them, the last one included: ``2015-07/2016-06``.

    Returns
    -------
    Period
        Its label is the text.

    Raises
    ------
    InputError
        If the text names no time, or the end lies before the start.
    """
    first, slash, last = (part.strip() for part in str(text).strip().partition("/"))
    try:
        start = _stretch(first)[0]
        end = _stretch(last if slash else first)[1]
    except ValueError:
        raise InputError(
            f"{text!r} names no time. Give a year, a month, a day or two of them: 2015, 2015-07, 2015-07-01, "
            "2015-07-01/2015-08-15."
        ) from None
    if end <= start:
        raise InputError(f"{text!r} ends before it starts.")
    return Period(start, end, str(text))


def _stretch(text: str) -> tuple[datetime, datetime]:
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = match.groups()
    if month is None:
        return datetime(int(year), 1, 1), datetime(int(year) + 1, 1, 1)
    first = datetime(int(year), int(month), 1)
    if day is None:
        return first, (first.replace(day=28) + 4 * _DAY).replace(day=1)
    if day.startswith("p"):
        sixth = _pentad_of_month(first + 5 * (int(day[1]) - 1) * _DAY)
        return sixth.start, sixth.end
    start = first.replace(day=int(day))
    return start, start + _DAY


def pentads_of(span: Period, convention: Convention = "year") -> Iterator[Period]:
    """Yield the five-day periods that a stretch of time touches, in order."""
    period = pentad(span.start, convention)
    while period.start < span.end:
        yield period
        period = pentad(period.end, convention)
