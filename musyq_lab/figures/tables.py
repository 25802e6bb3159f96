"""Tables of a report: units in the header and no more digits than the numbers have.

A value is written with three significant digits, and never more finely than its interval allows: the half-width of the
interval is rounded as the Particle Data Group rounds errors (its three leading digits 100 to 354 keep two digits, 355
to 949 keep one, 950 to 999 become 1000 with two; Review of Particle Physics, introduction, section 5.3) and the value
goes as far as that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from musyq_lab.core.errors import InputError
from musyq_lab.figures.words import pretty_units

DIGITS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a written table."""

    name: str
    """Column of the data."""
    title: str
    """Words of the header, without the unit."""
    units: str = "1"
    """UDUNITS spelling; ``"1"`` writes none."""
    low: str = ""
    """Column with the lower end of the 95 % interval, if any."""
    high: str = ""
    """Column with its upper end."""

    @property
    def header(self) -> str:
        """Title with its unit."""
        unit = pretty_units(self.units)
        return f"{self.title} ({unit})" if unit else self.title


def last_place(value: float, half_width: float = math.nan, digits: int = DIGITS) -> int:
    """Return the decimal place to round to: 0 for units, 1 for tenths, -2 for hundreds.

    Parameters
    ----------
    value : float
        The number.
    half_width : float
        Half of its 95 % interval; NaN or 0 if there is none.
    digits : int
        Most significant digits to write.
    """
    by_value = digits - 1 - _order(value) if value else 0
    if not (math.isfinite(half_width) and half_width > 0):
        return by_value
    order = _order(half_width)
    leading = round(half_width / 10.0**order, 2)
    # 1.00-3.54 keeps two digits, 3.55-9.49 one; 9.50-9.99 is written 10, two digits of the next order.
    by_interval = 1 - order if leading < 3.55 else -order
    return min(by_value, by_interval)


def _order(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def sensible(value: float, low: float = math.nan, high: float = math.nan, *, digits: int = DIGITS) -> str:
    """Return a number as a report writes it.

    Parameters
    ----------
    value : float
        The number; NaN gives a dash.
    low, high : float
        Ends of its 95 % interval, if known.
    digits : int
        Most significant digits to write.

    Examples
    --------
    >>> sensible(448.93), sensible(448.93, 391.0, 507.0), sensible(0.012345)
    ('449', '450', '0.0123')
    """
    if not math.isfinite(value):
        return "–"
    return at_place(value, last_place(value, (high - low) / 2, digits))


def at_place(value: float, place: int) -> str:
    """Return a number rounded to a decimal place, with commas between thousands and no ``-0``."""
    if not math.isfinite(value):
        return "–"
    rounded = round(value, place) + 0.0
    return f"{rounded:,.{max(place, 0)}f}"


def need_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse a table that lacks a column."""
    if missing := [name for name in names if name not in data.columns]:
        have = ", ".join(map(str, data.columns)) or "none"
        raise InputError(f"The table lacks the columns {', '.join(missing)}. It has {have}.")


def sensible_table(data: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return a table of texts, ready to print.

    Parameters
    ----------
    data : DataFrame
        The numbers.
    columns : sequence of Column
        What to show, in this order; the ends of an interval take the digits of their value.

    Raises
    ------
    InputError
        If the data lack a column.
    """
    names = {column.name for column in columns} | {end for c in columns for end in (c.low, c.high) if end}
    need_columns(data, sorted(names))
    places = {end: column for column in columns for end in (column.low, column.high) if end}
    return pd.DataFrame({column.header: _texts(data, column, places.get(column.name)) for column in columns})


def _texts(data: pd.DataFrame, column: Column, owner: Column | None) -> list[str]:
    values = data[column.name]
    if not pd.api.types.is_numeric_dtype(values):
        return [str(value) for value in values]
    if pd.api.types.is_integer_dtype(values):
        return [f"{value:,d}" for value in values]
    main = owner or column
    if not (main.low and main.high):
        return [sensible(float(value)) for value in values]
    rows = zip(values, data[main.name], data[main.low], data[main.high], strict=True)
    return [_text(*(float(number) for number in row)) for row in rows]


def _text(value: float, main: float, low: float, high: float) -> str:
    return at_place(value, last_place(main, (high - low) / 2)) if math.isfinite(main) else "–"


def csv_text(data: pd.DataFrame, units: Mapping[str, str] | None = None) -> str:
    """Return a table as CSV with units in the header: ``potential (TWh a-1)``.

    Numbers keep ten significant digits, since a machine reads them next; units stay in UDUNITS spelling.
    """
    known = units or {}
    headers = {name: f"{name} ({known[name]})" for name in data.columns if known.get(name, "1") != "1"}
    return data.rename(columns=headers).to_csv(index=False, float_format="%.10g", lineterminator="\n")


def html_text(table: pd.DataFrame, title: str, language: str = "en") -> str:
    """Return a table of texts as a page of HTML with numbers to the right; every text is escaped."""
    head = "".join(f"<th>{escape(str(name))}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td{_align(text)}>{escape(text)}</td>" for text in row) + "</tr>\n"
        for row in table.itertuples(index=False)
    )
    code = "zh-CN" if language == "zh" else "en"
    return (
        f'<!DOCTYPE html>\n<html lang="{code}">\n<head><meta charset="utf-8"><title>{escape(title)}</title>\n<style>'
        "body{font:14px sans-serif;color:#1a1a1a;margin:1.5em}table{border-collapse:collapse}"
        "th,td{padding:3px 12px 3px 0;text-align:left;border-bottom:1px solid #ddd}"
        "td.n{text-align:right;font-variant-numeric:tabular-nums}</style></head>\n"
        f"<body><h1 style='font-size:16px'>{escape(title)}</h1>\n<table><thead><tr>{head}</tr></thead>\n<tbody>\n"
        f"{rows}</tbody></table></body></html>\n"
    )


def _align(text: str) -> str:
    return ' class="n"' if text == "–" or text.lstrip("-").replace(",", "").replace(".", "", 1).isdigit() else ""


def write_table(
    data: pd.DataFrame, columns: Sequence[Column], path: Path, *, title: str, language: str = "en"
) -> tuple[Path, Path]:
    """Write ``<path>.csv`` with the full numbers and ``<path>.html`` with sensible digits; return both.

    Parameters
    ----------
    data : DataFrame
        The numbers.
    columns : sequence of Column
        What to write, in this order.
    path : Path
        Without suffix, in a folder that exists.
    title : str
        Heading of the page.
    language : {"en", "zh"}
        Language of the page.
    """
    from musyq_lab.figures.bundle import write_text

    page = html_text(sensible_table(data, columns), title, language)
    units = {column.name: column.units for column in columns}
    numbers = csv_text(data[[column.name for column in columns]], units)
    return write_text(path.with_suffix(".csv"), numbers), write_text(path.with_suffix(".html"), page)
