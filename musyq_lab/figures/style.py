"""Sizes in millimetres, type and lines of a report figure, in English and Chinese.

Text is 7 to 9 points and lines are 0.4 to 0.8 points on paper; a slide is the same drawing, larger. English is set in
DejaVu Sans, which matplotlib carries; Chinese in the subset of Noto Sans SC that ships with the package, then in any
installed Chinese font, with DejaVu Sans for what these lack.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from musyq_lab.core.errors import InputError, MusyqWarning, NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.figures.words import Language, check_language

MM_PER_INCH = 25.4
DPI = 300
LATIN_FAMILY = "DejaVu Sans"
# Families that Debian, Fedora, macOS and Windows install for simplified Chinese.
_CHINESE_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Microsoft YaHei", "PingFang SC", "Heiti SC", "SimHei",
)  # fmt: skip
_HASH_SALT = "musyq-lab"

INK, GREY, FAINT = "#1a1a1a", "#5a5a5a", "#b8b8b8"
SEA, LAND = "#f3f7fa", "#e2e2e0"


@dataclass(frozen=True, slots=True)
class Size:
    """Format of a figure."""

    width: float
    """mm."""
    height: float
    """mm; 0 where the content decides."""
    scale: float = 1.0
    """Type and lines relative to paper."""


SIZES = MappingProxyType(
    {"column": Size(89.0, 0.0), "two-column": Size(183.0, 0.0), "slide": Size(254.0, 142.875, 1.35)}
)


def size_of(name: str) -> Size:
    """Return a format by name.

    Raises
    ------
    NotFoundError
        If there is none of that name.
    """
    if name not in SIZES:
        raise NotFoundError(f"There is no figure size {name!r}.{closest(name, SIZES)}")
    return SIZES[name]


@cache
def _shipped_fonts() -> tuple[str, ...]:
    """Register the fonts of the samples and return their families."""
    try:
        folder = resource("catalogs/samples/fonts")
    except NotFoundError:
        return ()
    paths = sorted(path for path in folder.iterdir() if path.suffix in {".ttf", ".otf"})
    for path in paths:
        font_manager.fontManager.addfont(path)
    return tuple(font_manager.get_font(str(path)).family_name for path in paths)


@cache
def families(language: Language) -> tuple[str, ...]:
    """Return the font families of a language, preferred first; each glyph comes from the first that has it."""
    if language == "en":
        return (LATIN_FAMILY,)
    shipped = _shipped_fonts()
    installed = {font.name for font in font_manager.fontManager.ttflist}
    chinese = tuple(dict.fromkeys([*shipped, *(name for name in _CHINESE_FAMILIES if name in installed)]))
    if not chinese:
        warnings.warn(
            "No Chinese font was found, so Chinese labels will show as empty boxes. Reinstall musyq-lab, "
            "which ships one, or install Noto Sans CJK SC.",
            MusyqWarning,
            stacklevel=3,
        )
    return (*chinese, LATIN_FAMILY)


def _settings(language: Language, scale: float) -> dict[Any, Any]:
    base = {
        "font.family": list(families(language)),
        "font.size": 7.5, "axes.titlesize": 9.0, "axes.labelsize": 7.5, "legend.fontsize": 7.0,
        "xtick.labelsize": 7.0, "ytick.labelsize": 7.0, "lines.linewidth": 0.8, "axes.linewidth": 0.5,
        "xtick.major.width": 0.5, "ytick.major.width": 0.5, "xtick.major.size": 2.0, "ytick.major.size": 2.0,
        "hatch.linewidth": 0.4, "patch.linewidth": 0.4,
    }  # fmt: skip
    scaled = {name: value * scale if isinstance(value, float) else value for name, value in base.items()}
    return scaled | {
        "svg.fonttype": "none", "svg.hashsalt": _HASH_SALT, "pdf.fonttype": 42, "savefig.dpi": DPI,
        "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY, "xtick.color": INK, "ytick.color": INK,
        "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": True, "figure.dpi": 150.0,
        "text.usetex": False, "text.hinting": "none", "text.parse_math": False, "axes.formatter.use_mathtext": False,
    }  # fmt: skip


@contextmanager
def language(name: str, scale: float = 1.0) -> Iterator[Language]:
    """Draw inside this context in the house style of a language.

    Parameters
    ----------
    name : {"en", "zh"}
        Language.
    scale : float
        Type and lines relative to paper.
    """
    chosen = check_language(name)
    with mpl.rc_context(_settings(chosen, scale)):
        yield chosen


def figure_of(width: float, height: float) -> Figure:
    """Return an empty white figure of a size in mm, with no window behind it."""
    if width <= 0 or height <= 0:
        raise InputError(f"A figure of {width} x {height} mm cannot be drawn.")
    figure = Figure(figsize=(width / MM_PER_INCH, height / MM_PER_INCH), facecolor="white")
    return figure


@lru_cache(maxsize=4096)
def text_width(text: str, points: float, family: tuple[str, ...], weight: str = "normal") -> float:
    """Return the width of a line of text in mm."""
    properties = font_manager.FontProperties(family=list(family), size=points, weight=weight)
    width, _, _ = _ruler().get_text_width_height_descent(text, properties, ismath=False)
    return float(width) * MM_PER_INCH / _RULER_DPI


_RULER_DPI = 720


@cache
def _ruler() -> Any:
    make: Any = RendererAgg  # matplotlib's backends carry no type hints
    return make(8, 8, _RULER_DPI)


# A word with the blanks after it (a no-break space is part of it), or one Chinese character with the punctuation that
# must not part from it.
_CJK = r"\u2e80-\u9fff\uff00-\uffef"
_TOKEN = re.compile(rf"[（“]*[{_CJK}][、。，；：）”]*|[（“]*[^ {_CJK}]+[、。，；：）”]* *| +")


def wrap(text: str, width: float, points: float, family: Iterable[str], weight: str = "normal") -> list[str]:
    """Break text into lines no wider than ``width`` mm, Chinese between characters and English between words."""
    lines, line = [], ""
    for token in _TOKEN.findall(text):
        if line and text_width((line + token).rstrip(), points, tuple(family), weight) > width:
            lines.append(line.rstrip())
            line = ""
        line += token
    return [*lines, line.rstrip()] if line.strip() else lines


def fonts_of(family: Iterable[str], weight: str = "normal") -> list[Path]:
    """Return the files behind font families."""
    find = font_manager.findfont
    return [Path(find(font_manager.FontProperties(family=name, weight=weight))) for name in family]


def missing_glyphs(text: str, language: Language) -> set[str]:
    """Return the characters that no font of the language can draw."""
    have: set[int] = set()
    for path in fonts_of(families(language)):
        have.update(font_manager.get_font(str(path)).get_charmap())
    return {c for c in text if ord(c) not in have and not unicodedata.category(c).startswith(("Z", "C"))}


def texts(figure: Figure) -> list[Text]:
    """Return every visible text of a figure."""
    found = figure.findobj(Text)
    return [text for text in found if isinstance(text, Text) and text.get_visible() and text.get_text().strip()]
