"""The short account that a run prints: the region table and the published numbers beside ours."""

from __future__ import annotations

import textwrap

import pandas as pd

from musyq_lab.analysis.regions import Region

_WIDTH = 110


def summary_text(regions: pd.DataFrame, published: pd.DataFrame, place: Region, period: str) -> str:
    """Return the summary as plain text.

    Parameters
    ----------
    regions : DataFrame
        Result of ``region_table``.
    published : DataFrame
        Result of ``published_comparison``.
    place : Region
        What the report is about.
    period : str
        Period in words.
    """
    lines = [f"Solar potential, {place.name}, {period}", "", _region_lines(regions), "", "Beside published figures", ""]
    for row in published.to_dict("records"):
        numbers = f"published {row['published']:,.5g}, here {row['ours']:,.5g} {row['units']}"
        lines.append(f"{row['quantity']}: {numbers} ({row['source']})")
        lines += textwrap.wrap(row["remark"], _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def _region_lines(regions: pd.DataFrame) -> str:
    rows = pd.DataFrame(
        {
            "region": regions["name"],
            "GHI MJ/m2/a": regions["mean_ghi_mj_m2"].map("{:,.0f}".format),
            "kWh/m2/a": regions["mean_ghi_kwh_m2"].map("{:,.0f}".format),
            "suitable km2": regions["suitable_area_km2"].map("{:,.0f}".format),
            "potential TWh/a": regions["potential_twh"].map("{:,.0f}".format),
            "95 % interval": [
                f"{low:,.0f} to {high:,.0f}"
                for low, high in zip(regions["potential_low_twh"], regions["potential_high_twh"], strict=True)
            ],
        }
    )
    return rows.to_string(index=False)
