"""SVG that looks the same everywhere: text stays text, and the glyphs it needs travel inside the file."""

from __future__ import annotations

import base64
import io
import re
from html import escape, unescape
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure

from musyq_lab.figures.style import fonts_of, texts

_ROOT = "<defs>"
_TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


def font_face(family: str, path: Path, weight: str, text: str) -> str:
    """Return an ``@font-face`` rule with the glyphs of a text as a WOFF2 data URI, empty if the font has none of them.

    Parameters
    ----------
    family : str
        Name the SVG uses.
    path : Path
        TrueType or OpenType file.
    weight : {"normal", "bold"}
        Weight the rule stands for.
    text : str
        Characters needed.
    """
    font = TTFont(path, recalcTimestamp=False, fontNumber=0)
    wanted = sorted({ord(character) for character in text} & set(font.getBestCmap()))
    if not wanted:
        return ""
    options = subset.Options(hinting=False, layout_features=["kern"], notdef_outline=True)
    options.flavor = "woff2"
    worker = subset.Subsetter(options)
    options.drop_tables += ["FFTM"]  # FontForge's time stamps
    worker.populate(unicodes=wanted)
    worker.subset(font)
    font.flavor = "woff2"
    stream = io.BytesIO()
    font.save(stream, reorderTables=False)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f"@font-face{{font-family:'{family}';font-weight:{weight};"
        f"src:url(data:font/woff2;base64,{data}) format('woff2');}}"
    )


def font_faces(figure: Figure, svg: str) -> str:
    """Return the rules for every family and weight that the texts of a figure use.

    Cartopy keeps the figures of a graticule to itself, so the characters of plain weight are taken from the SVG.
    """
    shown = {character for line in _TEXT.findall(svg) for character in unescape(line)}
    needed: dict[tuple[str, str], set[str]] = {}
    for text in texts(figure):
        weight = "bold" if str(text.get_fontweight()) in {"bold", "700"} else "normal"
        for family in text.get_fontfamily():
            needed.setdefault((family, weight), set()).update(text.get_text() if weight == "bold" else shown)
    rules = [
        font_face(family, fonts_of([family], weight)[0], weight, "".join(sorted(characters)))
        for (family, weight), characters in sorted(needed.items())
    ]
    return "".join(rules)


def svg_bytes(figure: Figure, *, title: str, alt_text: str, language: str) -> bytes:
    """Return a figure as SVG with its fonts, its title and its alternative text inside, the same bytes every time.

    Parameters
    ----------
    figure : Figure
        Drawn in the house style (text as text, fixed hash salt).
    title, alt_text : str
        For screen readers.
    language : str
        ``"en"`` or ``"zh"``.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    text = stream.getvalue()
    faces = f'<style type="text/css">{font_faces(figure, text)}</style>'
    words = f"<title>{escape(title)}</title><desc>{escape(alt_text)}</desc>"
    code = "zh-CN" if language == "zh" else "en"
    head, rest = text.split(_ROOT, 1)
    head = head.replace("<svg ", f'<svg xml:lang="{code}" role="img" ', 1)
    return f"{head}{words}{_ROOT}{faces}{rest}".encode()
