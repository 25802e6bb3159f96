"""A subset of Noto Sans SC for Chinese words in maps, figures and reports."""

from __future__ import annotations

import io
from pathlib import Path

from fontTools import subset
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

from .glyphs import CHINESE, LATIN
from .origins import NOTO_SANS_SC, Origins
from .regions import BELT_AND_ROAD, REGIONS
from .sources import Row, keep_licence
from .territories import territories

FAMILY = "MuSyQ Sans SC"
# full size, superscript, subscript; a space where there is none
SCRIPTS = list(zip("0123456789+−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋   ", strict=True))


def characters(origins: Origins) -> set[str]:
    """Return all characters the font has to draw: names of countries and regions, and the words of `glyphs`."""
    names = [territory.name_zh for territory in territories(origins).values()]
    words = [LATIN, CHINESE, BELT_AND_ROAD[1], *names, *(region[1] for region in REGIONS.values())]
    return {character for word in words for character in word if not character.isspace()} | {" "}


def bounds(font: TTFont, character: str) -> tuple[int, int, int, int]:
    """Return the bounding box of a glyph in font units."""
    glyph = font["glyf"][font.getBestCmap()[ord(character)]]
    return glyph.xMin, glyph.yMin, glyph.xMax, glyph.yMax


def add_small_glyph(font: TTFont, base: str, target: str, scale: float, shift: float) -> None:
    """Draw `target` as `base` made smaller and moved up or down."""
    glyphs = font.getGlyphSet()
    source, name = font.getBestCmap()[ord(base)], f"uni{ord(target):04X}"
    pen = TTGlyphPen(glyphs)
    glyphs[source].draw(TransformPen(pen, (scale, 0, 0, scale, 0, shift)))
    font.setGlyphOrder([*font.getGlyphOrder(), name])
    glyph = pen.glyph()
    glyph.recalcBounds(font["glyf"])
    font["glyf"][name] = glyph
    font["hmtx"][name] = (round(font["hmtx"][source][0] * scale), glyph.xMin)
    if "vmtx" in font:
        font["vmtx"][name] = font["vmtx"][source]
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[ord(target)] = name


def complete_scripts(font: TTFont) -> None:
    """Add the superscripts and subscripts the font lacks, above all the superscript minus of ``m⁻²``.

    Size and height follow the superscript two, which the font has: no unit looks patched together.
    """
    (_, low, _, high), (_, raised, _, top) = bounds(font, "2"), bounds(font, "²")
    scale = (top - raised) / (high - low)
    up, down = raised - scale * low, -scale * (high - low) / 4
    for base, superscript, subscript in SCRIPTS:
        for target, shift in ((superscript, up), (subscript, down)):
            if target != " " and ord(target) not in font.getBestCmap():
                add_small_glyph(font, base, target, scale, shift)


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
    complete_scripts(font)
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
            f"subset to {len(font.getBestCmap())} characters, hinting dropped, family renamed; "
            "superscripts and subscripts that the font lacks drawn from its digits and signs",
            "The reserved font name of the OFL notice is 'Source', which this font never bore; it is renamed "
            "all the same, "
            "so that an installed full Noto Sans SC is never masked by the subset.",
        )
    ]
