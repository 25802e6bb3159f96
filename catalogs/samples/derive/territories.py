"""Codes, names and UN M49 membership of countries and areas, from CLDR and country_converter."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass

from .origins import CLDR_CORE, CLDR_NAMES, COUNTRY_CONVERTER, Origins

# country_converter names subregions, not codes.
SUBREGIONS = {
    "145": ("Western Asia",),
    "034": ("Southern Asia",),
    "030": ("Eastern Asia",),
    "035": ("South-eastern Asia",),
    "143": ("Central Asia",),
    "015": ("Northern Africa",),
    "009": ("Australia and New Zealand", "Melanesia", "Micronesia", "Polynesia"),
    "150": ("Eastern Europe", "Northern Europe", "Southern Europe", "Western Europe"),
    "202": ("Eastern Africa", "Middle Africa", "Southern Africa", "Western Africa"),
}


@dataclass(frozen=True)
class Territory:
    """One country or area.

    Attributes
    ----------
    m49 : int
        Numeric code.
    iso3 : str
        Three-letter code.
    name_zh : str
        Chinese name of CLDR.
    """

    m49: int
    iso3: str
    name_zh: str


def cldr(origins: Origins, member: str, *keys: str) -> dict:
    """Return one table of CLDR."""
    table = json.loads(origins.read(CLDR_NAMES if member.startswith("main/") else CLDR_CORE, member))
    for key in keys:
        table = table[key]
    return table


def territories(origins: Origins) -> dict[int, Territory]:
    """Return all countries and areas that have a numeric code, a three-letter code and a name."""
    codes = cldr(origins, "supplemental/codeMappings.json", "supplemental", "codeMappings")
    names = cldr(origins, "main/zh/territories.json", "main", "zh", "localeDisplayNames", "territories")
    return {
        int(row["_numeric"]): Territory(int(row["_numeric"]), row["_alpha3"], names[code])
        for code, row in codes.items()
        if {"_numeric", "_alpha3"} <= set(row) and code in names and int(row["_numeric"]) < 900  # 900+: private use
    }


def members_by_cldr(origins: Origins, region: str) -> set[int]:
    """Return the numeric codes CLDR puts under a region of M49, without private codes (900 and above)."""
    containment = cldr(origins, "supplemental/territoryContainment.json", "supplemental", "territoryContainment")
    codes = cldr(origins, "supplemental/codeMappings.json", "supplemental", "codeMappings")

    def leaves(code: str) -> list[str]:
        if code not in containment:
            return [code]
        return [leaf for part in containment[code]["_contains"] for leaf in leaves(part)]

    numbers = {int(codes[leaf]["_numeric"]) for leaf in leaves(region) if "_numeric" in codes.get(leaf, {})}
    return {number for number in numbers if number < 900}


def members_by_converter(origins: Origins, region: str) -> set[int]:
    """Return the UN codes country_converter puts under a region of M49 (no code: not in M49)."""
    text = origins.read(COUNTRY_CONVERTER, "country_converter/country_data.tsv").decode("utf-8")
    rows = csv.DictReader(io.StringIO(text), delimiter="\t")
    return {
        int(row["UNcode"])
        for row in rows
        if row["UNregion"] in SUBREGIONS[region] and row["UNcode"].strip() and not row["obsolete"].strip()
    }
