"""``catalogs/regions.yml``: the ten reporting regions as UN M49 codes."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

from .origins import CLDR_CORE, COUNTRY_CONVERTER, Origins
from .sources import Row, keep_licence
from .territories import members_by_cldr, members_by_converter

# key: (English, Chinese, M49 regions added, M49 codes taken out)
REGIONS: dict[str, tuple[str, str, str, str]] = {
    "west_asia": ("West Asia", "西亚", "145", ""),
    "south_asia": ("South Asia", "南亚", "034", ""),
    "east_asia": ("East Asia", "东亚", "030", ""),
    "southeast_asia": ("Southeast Asia", "东南亚", "035", ""),
    "central_asia": ("Central Asia", "中亚", "143", ""),
    "russia": ("Russia", "俄罗斯", "643", ""),
    "oceania": ("Oceania", "大洋洲", "009", ""),
    "europe": ("Europe", "欧洲", "150", "643"),
    "north_africa": ("North Africa", "非洲北部", "015", ""),
    "south_africa": ("Sub-Saharan Africa", "非洲南部", "202", ""),
}
# Codes CLDR carries that UN M49 does not put there: Antarctica (010) lies in no region, 158 is not listed.
NOT_M49 = {10, 158}
BELT_AND_ROAD = ("Belt and Road", "一带一路")

HEADER = """\
# The ten regions of the GEOARC reports, as UN M49 numeric codes, and their union `belt_and_road`.
# Source: Standard country or area codes for statistical use (M49), UN Statistics Division; the member lists are
# those of {source}, confirmed by {check}. Written by catalogs/samples/derive.py regions.
# `m49`: the M49 regions added; `without`: codes taken out (Russia is a region of its own).
# Codes are numbers here: 4 stands for 004.
"""

ATTRIBUTION = """\
# Polygons of the country outlines (Natural Earth) that UN M49 does not list, and the M49 code under which their area
# is reported, so that no land is lost from regional totals. This follows UN M49 and states no position on boundaries
# or on the status of any territory. It is plain data: edit it to your own rule.
# `name`: name in countries_*.geojson; `m49`: code it carries there (null: none); `reported_as`: M49 code;
# null: no single code applies, then `region` names the region.
attribution:
  - {name: Taiwan, m49: 158, reported_as: 156, region: east_asia}
  - {name: Kosovo, m49: null, reported_as: 688, region: europe}
  - {name: N. Cyprus, m49: null, reported_as: 196, region: west_asia}
  - {name: Somaliland, m49: null, reported_as: 706, region: south_africa}
  - {name: Siachen Glacier, m49: null, reported_as: null, region: south_asia}
"""


def members(origins: Origins, added: str, removed: str) -> list[int]:
    """Return the M49 codes of a region from CLDR, after a second package confirmed them."""
    if added == "643":  # a country, not an M49 region
        return [643]
    codes = members_by_cldr(origins, added) - NOT_M49
    if codes != members_by_converter(origins, added):
        raise ValueError(f"{CLDR_CORE.label} and {COUNTRY_CONVERTER.label} differ in the members of M49 region {added}")
    return sorted(codes - ({int(removed)} if removed else set()))


def region_text(origins: Origins, key: str) -> str:
    """Return one region as YAML text."""
    english, chinese, added, removed = REGIONS[key]
    without = f"    without: [{int(removed)}]\n" if removed else ""
    codes = textwrap.fill(", ".join(map(str, members(origins, added, removed))), 100, subsequent_indent=" " * 15)
    return (
        f"  {key}:\n    name: {{en: {english}, zh: {chinese}}}\n    m49: [{int(added)}]\n{without}"
        f"    members: [{codes}]\n"
    )


def derive_regions(origins: Origins, out: Path) -> list[Row]:
    """Write the region table; it lives beside the samples folder, since the catalog reads it."""
    target = (out.parent if out.name == "samples" else out) / "regions.yml"
    body = "regions:\n" + "".join(region_text(origins, key) for key in REGIONS)
    union = "  belt_and_road:\n    name: {{en: {}, zh: {}}}\n    union: [{}]\n".format(
        *BELT_AND_ROAD, textwrap.fill(", ".join(REGIONS), 100, subsequent_indent=" " * 12)
    )
    target.write_text(
        HEADER.format(source=CLDR_CORE.label, check=COUNTRY_CONVERTER.label) + body + union + ATTRIBUTION,
        encoding="utf-8",
    )
    text = keep_licence(origins, CLDR_CORE, "package/LICENSE", out, "cldr-LICENSE.txt")
    return [
        Row(
            os.path.relpath(target, out),
            "Reporting regions as UN M49 codes",
            (CLDR_CORE,),
            "UN Statistics Division (M49)",
            "the codes are facts of the M49 standard; CLDR: Unicode-3.0",
            (text,),
            ("UN Statistics Division, Standard country or area codes for statistical use (M49)",),
            "CLDR containment, without entries that have no M49 code or are not listed there (010, 158); confirmed by "
            "country_converter; both lack Sark (680), which the outlines do not show either",
            "country_converter (GPL-3.0) served as a check only; nothing of it is in the file.",
        )
    ]
