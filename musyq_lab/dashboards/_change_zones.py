"""Zones on the Change page: a table of countries, regions, classes or a polygon, and a plot of it."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import holoviews as hv
import holoviews.plotting.bokeh
import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.years import compare_periods
from musyq_lab.analysis.zone_sets import ZoneSet, by_class, by_country, by_polygon, by_region, zone_means
from musyq_lab.analysis.zone_table import zone_table
from musyq_lab.core.errors import InputError
from musyq_lab.core.registry import html_table
from musyq_lab.dashboards._change_kinds import ALIKE, Ask, Subject
from musyq_lab.dashboards._change_work import Part
from musyq_lab.dashboards._data import samples
from musyq_lab.dashboards._jobs import Job
from musyq_lab.dashboards._jobs_dask import watched
from musyq_lab.figures.tables import csv_text, sensible
from musyq_lab.figures.words import pretty_units

BY = {"countries": "country", "regions": "region", "land cover": "land-cover class", "drawn polygon": "polygon"}
"""Words of the page -> what one zone is."""
TOP = 20
"""Zones that are shown; the CSV file has all."""
_COVER = "land_cover_mcd12c1_2019"
_BLUE, _PINK = "#0072b2", "#d0006f"
_WORDS = {
    "area": "area",
    "area_with_data": "with data",
    "mean": "mean",
    "total": "total",
    "trend": "trend",
    "trend_low": "from",
    "trend_high": "to",
    "p_value": "chance",
    "before": "before",
    "after": "after",
    "difference": "difference",
    "difference_p_value": "chance of the difference",
}


@dataclass(frozen=True, eq=False)
class ZoneTable:
    """What is known of zones."""

    frame: pd.DataFrame
    """One row a zone, the largest first: :func:`musyq_lab.analysis.zone_table.zone_table`, and the periods."""
    by: str
    """Key of :data:`BY`."""
    notes: tuple[str, ...]
    """How it was made, as sentences."""

    @property
    def units(self) -> dict[str, str]:
        """Unit of each column."""
        attrs = self.frame.attrs
        own = dict.fromkeys(("mean", "before", "after", "difference"), attrs["units"])
        own |= dict.fromkeys(("trend", "trend_low", "trend_high"), attrs["trend_units"])
        return {**own, "area": "km2", "area_with_data": "km2", "total": attrs["total_units"] or ""}


def zones_of(part: Part, by: str, area: Any = None) -> ZoneSet:
    """Return the zones on the grid of a part.

    Parameters
    ----------
    part : Part
        What is analysed.
    by : str
        Key of :data:`BY`.
    area : Area, optional
        The drawn polygon.

    Raises
    ------
    InputError
        If no polygon is drawn, or no zone holds a cell.
    """
    layer = part.subject().layer
    if by == "drawn polygon":
        if area is None:
            raise InputError("No polygon is drawn. Take the box or the lasso of the map's tools and draw one.")
        found = by_polygon(layer, {area.name: area.geometry})
    elif by == "land cover":
        found = by_class(layer, _cover())
    elif by in BY:
        found = by_country(layer) if by == "countries" else by_region(layer)
    else:
        raise InputError(f"by={by!r} is none. Use one of {', '.join(BY)}.")
    if not found.names:
        raise InputError(f"No cell of the map lies in any {BY[by]}. Choose other zones, or draw a larger polygon.")
    return found


@cache
def _cover() -> xr.DataArray:
    entry: Any = samples()[_COVER]
    layer: xr.DataArray = entry.read()["land_cover"].load()
    return layer


def table_of(part: Part, by: str, ask: Ask, area: Any, job: Job) -> ZoneTable:
    """Return the table of zones; runs in the thread of a job.

    Parameters
    ----------
    part : Part
        What is analysed.
    by : str
        Key of :data:`BY`.
    ask : Ask
        Its periods are compared, if it asks for these.
    area : Area or None
        The drawn polygon.
    job : Job
        Is told how far it is.
    """
    subject = part.subject()
    job.say(f"Shares of cells in each {BY[by]}")
    zones = zones_of(part, by, area)
    job.check()
    steps = {subject.dim: max(1, 2_000_000 // max(zones.area.size, 1))} if subject.dim else {}
    layer = subject.layer.chunk({part.cube.y: -1, part.cube.x: -1, **steps})
    with watched(job, zone_means(layer, zones)) as lazy:
        means = lazy.compute()
    dim = subject.dim if subject.dated or subject.dim == "year" else ""
    if subject.dim and not dim:
        means = means.mean(subject.dim, keep_attrs=True)
    frame = zone_table(means, zones, dim, rate=ALIKE)
    if ask.kind == "periods":
        frame = _with_periods(frame, means, subject, ask)
    attrs = frame.attrs
    frame = frame.sort_values("area", ascending=False)
    frame.attrs = attrs
    notes = [zones.rule, part.said(), _cover_note(by), _overlap_note(by)]
    return ZoneTable(frame, by, tuple(note for note in notes if note))


def _with_periods(frame: pd.DataFrame, means: xr.Dataset, subject: Subject, ask: Ask) -> pd.DataFrame:
    before, after = ask.before or subject.halves[0], ask.after or subject.halves[1]
    made = compare_periods(means["mean"], before, after, subject.dim)
    columns = {name: made[name].values for name in ("before", "after", "difference")}
    out = frame.assign(**columns, difference_p_value=made["p_value"].values)
    out.attrs = frame.attrs
    return out


def _cover_note(by: str) -> str:
    return "Land cover of 2019 (MCD12C1, 0.05°)." if by == "land cover" else ""


def _overlap_note(by: str) -> str:
    if by == "countries":
        return "Countries follow UN M49 and Natural Earth, which states no position on boundaries."
    return "One region is the union of the others." if by == "regions" else ""


def table_html(made: ZoneTable) -> str:
    """Return the largest zones as a table with sensible digits."""
    columns = [name for name in _WORDS if name in made.frame.columns]
    head = [BY[made.by]]
    for name in columns:
        unit = pretty_units(made.units.get(name, "") or "1")
        head.append(f"{_WORDS[name]} ({unit})" if unit else _WORDS[name])
    rows = [head]
    for zone, values in made.frame.head(TOP).iterrows():
        rows.append([str(zone), *(_text(values, name) for name in columns)])
    more = len(made.frame) - TOP
    notes = list(made.notes)
    if "significant" in made.frame:
        count = int(made.frame["significant"].sum())
        notes.append(
            f"{count} of {len(made.frame)} trends are significant together (false discovery rate {ALIKE:.0%})."
        )
    if more > 0:
        notes.insert(0, f"{more} smaller ones are in the CSV file.")
    return html_table(rows) + f"<p>{' '.join(notes)}</p>"


def _text(values: Any, name: str) -> str:
    value = float(values[name])
    if not math.isfinite(value):
        return "–"
    low, high = (float(values.get(end, math.nan)) for end in ("trend_low", "trend_high"))
    if name in ("p_value", "difference_p_value"):
        return "< 0.001" if value < 0.001 else f"{value:.2g}"
    return sensible(value, low, high) if name.startswith("trend") else sensible(value)


def table_csv(made: ZoneTable) -> io.StringIO:
    """Return all zones with units in the header."""
    frame = made.frame.reset_index(names=BY[made.by])
    units: Mapping[str, str] = {name: unit for name, unit in made.units.items() if unit}
    return io.StringIO(csv_text(frame, units))


def plot(made: ZoneTable | None) -> Any:
    """Return dots of the largest zones: two periods in pairs, else trends with their interval, else means."""
    if made is None:
        return _dots([], [], [], "value", [])
    shown = made.frame.head(TOP)
    shown = shown[np.isfinite(shown["mean"])].iloc[::-1]
    units = made.frame.attrs["units"]
    names = [str(name) for name in shown.index]
    if "before" in shown:
        pairs = shown[["before", "after"]].to_numpy(float)
        return _dots(pairs[:, 0], pairs[:, 1], pairs, _axis("before (blue) and after (pink)", units), names)
    if "trend" in shown:
        ends = shown[["trend_low", "trend_high"]].to_numpy(float)
        return _dots(shown["trend"], [], ends, _axis("trend, 95 %", made.frame.attrs["trend_units"]), names)
    return _dots(shown["mean"], [], [], _axis("mean", units), names)


def _axis(text: str, units: str) -> str:
    unit = pretty_units(units or "1")
    return f"{text} ({unit})" if unit else text


def _dots(first: Any, second: Any, ends: Any, label: str, names: list[str]) -> Any:
    """Return dots, and lines between ends, one row a zone."""
    value, row = hv.Dimension("zone_value", label=label), hv.Dimension("zone_row", label="zone")
    at = np.arange(len(first))
    lines = [(low, k, high, k) for k, (low, high) in enumerate(ends)] if len(ends) else []
    size = max(len(names), 1)
    parts = [
        hv.Segments(lines, [value, row, "zone_end", "zone_end_row"]).opts(color="#888888", line_width=1.5),
        hv.Points((np.asarray(first, float), at), [value, row]).opts(size=7, color=_BLUE),
        hv.Points((np.asarray(second, float), at[: len(second)]), [value, row]).opts(size=7, color=_PINK),
    ]
    frame = {"responsive": True, "height": 70 + 18 * size, "toolbar": None, "show_grid": True, "show_legend": False}
    ticks = list(enumerate(names)) or [(0, "")]
    return hv.Overlay(parts).opts(
        hv.opts.Overlay(**frame, ylabel="", yticks=ticks, ylim=(-0.6, size - 0.4), fontscale=0.9)
    )
