"""A subset of Noto Sans SC for Chinese words in maps, figures and reports."""

from __future__ import annotations

import io
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

from .glyphs import CHINESE, LATIN
from .origins import NOTO_SANS_SC, Origins
from .regions import BELT_AND_ROAD, REGIONS
from .sources import Row, keep_licence
from .territories import territories

FAMILY = "MuSyQ Sans SC"


def characters(origins: Origins) -> set[str]:
    """Return all characters the font has to draw: names of countries and regions, and the words of `glyphs`."""
    names = [territory.name_zh for territory in territories(origins).values()]
    words = [LATIN, CHINESE, BELT_AND_ROAD[1], *names, *(region[1] for region in REGIONS.values())]
    return {character for word in words for character in word if not character.isspace()} | {" "}


def rename(font: TTFont, family: str) -> None:
    """Give the font a family name of its own, so that it never stands in for an installed full Noto Sans SC."""
    names = {1: family, 2: "Regular", 3: f"{family} subset", 4: family, 6: family.replace(" ", "") + "-Regular"}
    for record in list(font["name"].names):
        if record.nameID in (16, 17, 21, 22, 25):
            font["name"].removeNames(nameID=record.nameID)
    for number, text in names.items():
        font["name"].removeNames(nameID=number)
        font["name"].setName(text, number, 3, 1, 0x409)


def derive_font(origins: Origins, out: Path) -> list[Row]:
    """Subset the regular weight to the characters needed; copyright and licence names stay in the font."""
    source = origins.read(NOTO_SANS_SC, "400Regular/NotoSansSC_400Regular.ttf")
    font = TTFont(io.BytesIO(source), recalcTimestamp=False)
    options = subset.Options(
        layout_features=["kern", "mark"], hinting=False, name_IDs=[*range(0, 15)], notdef_outline=True
    )
    subsetter = subset.Subsetter(options)
    wanted = characters(origins)
    subsetter.populate(unicodes=[ord(character) for character in wanted])
    subsetter.subset(font)
    rename(font, FAMILY)
    path = out / "fonts" / "NotoSansSC-subset.ttf"
    path.parent.mkdir(parents=True, exist_ok=True)
    font.save(path, reorderTables=False)
    text = keep_licence(origins, NOTO_SANS_SC, "package/LICENSE_FONT", out, "noto-sans-sc-OFL.txt")
    return [
        Row(
            f"fonts/{path.name}",
            f"Noto Sans SC Regular, subset, family name '{FAMILY}'",
            (NOTO_SANS_SC,),
            "Adobe (2014-2021), Google Noto",
            "OFL-1.1",
            (text,),
            ("Noto Sans SC, https://fonts.google.com/noto",),
            f"subset to {len(font.getBestCmap())} characters, hinting dropped, family renamed",
            "The reserved font name of the OFL notice is 'Source', which this font never bore; it is renamed "
            "all the same, "
            "so that an installed full Noto Sans SC is never masked by the subset.",
        )
    ]
