"""Alternative texts made from the numbers drawn, for readers who cannot see the figure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.figures._raster import classed
from musyq_lab.figures.charts import ranked, seasonal
from musyq_lab.figures.classes import ClassTable
from musyq_lab.figures.outlines import place_name
from musyq_lab.figures.regions import MapRegion
from musyq_lab.figures.tables import sensible
from musyq_lab.figures.words import MONTHS, check_language, degrees, pretty_units, say


def describe_map(
    field: xr.DataArray, *, classes: ClassTable, title: str, region: MapRegion | None = None, language: str = "en"
) -> str:
    """Return what a map shows: range, area mean, where the highest value is and the class with the largest area.

    Parameters
    ----------
    field, classes, title, region, language
        As given to :func:`~musyq_lab.figures.maps.draw_map`.
    """
    chosen = check_language(language)
    data = classed(field, classes, region, None)
    if not data.valid.any():
        return say("alt_empty", chosen, title=title)
    values = np.where(data.valid, data.field.to_numpy(), np.nan)
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    latitude, longitude = float(data.field["latitude"][row]), float(data.field["longitude"][column])
    where = ("、" if chosen == "zh" else ", ").join(degrees(latitude, longitude, chosen))
    name = place_name(latitude, longitude, chosen)
    place = say("in_place", chosen, name=name, where=where) if name else say("at_place", chosen, where=where)
    shares = data.shares(len(classes))
    largest = int(np.argmax(shares))
    return say(
        "alt_map", chosen, title=title, low=sensible(float(np.nanmin(values))), high=sensible(float(np.nanmax(values))),
        unit=pretty_units(classes.units), mean=sensible(data.mean()), place=place, share=f"{100 * shares[largest]:.0f}",
        label=classes.labels(chosen)[largest],
    )  # fmt: skip


def describe_bars(
    data: pd.DataFrame, value: str, low: str, high: str, label: str, *, units: str, title: str, top: int = 20,
    language: str = "en",
) -> str:  # fmt: skip
    """Return what ranked bars show: the first and the last by name.

    Parameters
    ----------
    data, value, low, high, label, units, title, top, language
        As given to :func:`~musyq_lab.figures.charts.draw_ranked_bars`.
    """
    rows, others = ranked(data, value, low, high, label, top=top)
    named = rows.iloc[: len(rows) - (others > 0)]
    first, last = named.iloc[0], named.iloc[-1]
    ends = (float(first[low]), float(first[high]))
    return say(
        "alt_bars", language, title=title, first=first[label], value=sensible(float(first[value]), *ends),
        unit=pretty_units(units), low=sensible(ends[0]), high=sensible(ends[1]), count=len(named), last=last[label],
        least=sensible(float(last[value]), float(last[low]), float(last[high])),
    )  # fmt: skip


def describe_seasonal_cycle(data: pd.DataFrame, *, units: str, title: str, language: str = "en") -> str:
    """Return what seasonal curves show: the highest and the lowest month of each region.

    Parameters
    ----------
    data, units, title, language
        As given to :func:`~musyq_lab.figures.charts.draw_seasonal_cycle`.
    """
    chosen = check_language(language)
    sentences = [say("alt_season_title", chosen, title=title)]
    for found in seasonal(data).values():
        for region, rows in found:
            values = rows["value"].to_numpy(float)
            if not np.isfinite(values).any():
                continue
            peak, trough = int(np.nanargmax(values)), int(np.nanargmin(values))
            sentence = say(
                "alt_season", chosen, region=region, peak=MONTHS[chosen][peak], high=sensible(float(values[peak])),
                trough=MONTHS[chosen][trough], low=sensible(float(values[trough])), unit=pretty_units(units),
            )  # fmt: skip
            sentences.append(sentence)
    return (" " if chosen == "en" else "").join(sentences)
