"""The short account that a run prints: totals, scenarios, the truth or published numbers beside ours."""

from __future__ import annotations

import textwrap
from typing import Any

import pandas as pd

from musyq_lab.analysis.regions import Region

_WIDTH = 110


def summary_text(
    regions: pd.DataFrame,
    scenarios: pd.DataFrame,
    place: Region,
    period: str,
    *,
    truth: pd.DataFrame | None = None,
    published: pd.DataFrame | None = None,
    towers: pd.DataFrame | None = None,
    note: str = "",
) -> str:
    """Return the summary as plain text.

    Parameters
    ----------
    regions, scenarios : DataFrame
        Results of ``region_table`` and ``scenario_table``.
    place : Region
        What the report is about.
    period : str
        Period in words.
    truth, published, towers : DataFrame, optional
        Results of ``truth_table``, ``published_comparison`` and of a comparison with towers.
    note : str
        A sentence on the source, put first.
    """
    lines = [f"Carbon fluxes, {place.name}, {period}", *textwrap.wrap(note, _WIDTH), ""]
    lines += ["Tg of carbon a year with 95 % intervals", "", _region_lines(regions), ""]
    lines += ["Net ecosystem production is a scenario, not a measurement:", "", _scenario_lines(scenarios), ""]
    if truth is not None and len(truth):
        inside = int(truth["inside"].sum())
        lines += [f"Truth of the simulated Earth: {inside} of {len(truth)} totals lie within their intervals", ""]
        lines += [_truth_lines(truth), ""]
    if towers is not None and len(towers):
        lines += [f"Towers: {_tower_words(towers)}", ""]
    if published is not None and len(published):
        lines += ["Beside published figures", ""]
        for row in published.to_dict("records"):
            numbers = f"published {row['published']:,.4g}, here {row['ours']:,.4g} {row['units']}"
            lines.append(f"{row['place']}, {row['quantity']}, {row['period']}: {numbers} ({row['source']})")
            lines += textwrap.wrap(row["remark"], _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines).rstrip() + "\n"


def _span(low: float, high: float) -> str:
    return f"{low:,.4g} to {high:,.4g}"


def _region_lines(regions: pd.DataFrame) -> str:
    shown = regions[regions["valid_km2"] > 0]
    columns: dict[str, Any] = {"region": shown["name"], "km2": shown["valid_km2"].map("{:,.0f}".format)}
    for name in ("gpp", "npp", "nep"):
        columns[name.upper()] = shown[f"{name}_tg"].map("{:,.4g}".format)
        ends = zip(shown[f"{name}_low_tg"], shown[f"{name}_high_tg"], strict=True)
        columns[f"{name.upper()} 95 %"] = [_span(low, high) for low, high in ends]
    columns["NEP Mt CO2"] = shown["nep_mt_co2"].map("{:,.4g}".format)
    if "npp_trend_tg" in shown:
        pairs = zip(shown["npp_trend_tg"], shown["npp_trend_p"], strict=True)
        columns["NPP trend a-1 (p)"] = [f"{slope:+.3g} ({chance:.2g})" for slope, chance in pairs]
    return pd.DataFrame(columns).to_string(index=False)


def _scenario_lines(scenarios: pd.DataFrame) -> str:
    ends = zip(scenarios["low_tg"], scenarios["high_tg"], strict=True)
    table = pd.DataFrame(
        {
            "region": scenarios["region"],
            "scenario": scenarios["title"],
            "NEP Tg C": scenarios["nep_tg"].map("{:,.4g}".format),
            "95 %": [_span(low, high) for low, high in ends],
            "Mt CO2": scenarios["nep_mt_co2"].map("{:,.4g}".format),
        }
    )
    return table.to_string(index=False)


def _truth_lines(truth: pd.DataFrame) -> str:
    table = pd.DataFrame(
        {
            "region": truth["region"],
            "flux": truth["flux"],
            "ours Tg C": truth["ours_tg"].map("{:,.4g}".format),
            "truth": truth["truth_tg"].map("{:,.4g}".format),
            "ratio": truth["ratio"].map("{:.3f}".format),
            "inside": truth["inside"].map({True: "yes", False: "no"}),
        }
    )
    return table.to_string(index=False)


def _tower_words(towers: pd.DataFrame) -> str:
    monthly = towers[towers["step"] == "month"]
    parts = []
    for method, rows in monthly.groupby("method", sort=False):
        parts.append(
            f"{method}: {len(rows)} place{'s' * (len(rows) > 1)}, median r {rows['r'].median():.2f}, RMSE "
            f"{rows['rmse'].median():.2f}, bias {rows['bias'].median():+.2f} g m-2 d-1"
        )
    return "; ".join(parts)
