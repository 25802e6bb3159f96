"""A sheet of paper measured in millimetres from its top left corner, with a title above and a caption below."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from musyq_lab.figures.style import GREY, INK, MM_PER_INCH, Size, families, wrap
from musyq_lab.figures.words import Language

_POINT = MM_PER_INCH / 72.0
TITLE, SUBTITLE, CAPTION = 9.0, 7.5, 7.0
_LEADING = 1.3
# A screen fits letters to its coarse pixels, which makes lines up to 3 % wider than on paper.
_SCREEN = 0.965


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one size of type."""

    lines: tuple[str, ...]
    """Already broken."""
    points: float
    """Size of type."""
    colour: str = INK
    """Colour of type."""
    weight: str = "normal"
    """Weight of type."""

    @property
    def leading(self) -> float:
        """Distance of two lines in mm."""
        return self.points * _LEADING * _POINT

    @property
    def height(self) -> float:
        """Height in mm."""
        return len(self.lines) * self.leading


@dataclass(frozen=True, slots=True)
class Sheet:
    """Where things go on a figure; all numbers in mm."""

    size: Size
    """Format."""
    head: tuple[Block, ...]
    """Title and subtitle."""
    foot: Block
    """Caption."""
    margin: float
    """On all sides."""

    @property
    def inner(self) -> float:
        """Width between the margins."""
        return self.size.width - 2 * self.margin

    @property
    def top(self) -> float:
        """Distance from the top edge to the content."""
        return self.margin + sum(block.height for block in self.head) + 1.5 * self.size.scale

    @property
    def bottom(self) -> float:
        """Height of the caption with the margin below it."""
        return self.margin + self.foot.height + (1.5 * self.size.scale if self.foot.lines else 0.0)

    def write(self, figure: Figure) -> None:
        """Put title, subtitle and caption on a figure."""
        height = figure.get_figheight() * MM_PER_INCH
        y = self.margin
        for block in self.head:
            y = self._block(figure, block, y, height)
        self._block(figure, self.foot, height - self.margin - self.foot.height, height)

    def _block(self, figure: Figure, block: Block, y: float, height: float) -> float:
        for line in block.lines:
            # The baseline sits 0.8 of the size below the top of its line.
            baseline = 1 - (y + 0.9 * block.points * _POINT) / height
            figure.text(
                self.margin / self.size.width, baseline, line,
                fontsize=block.points, color=block.colour, fontweight=block.weight, va="baseline", ha="left",
            )  # fmt: skip
            y += block.leading
        return y


def sheet(size: Size, language: Language, title: str, subtitle: str, caption: str) -> Sheet:
    """Break the words of a figure to its width.

    Parameters
    ----------
    size : Size
        Format.
    language : {"en", "zh"}
        Language.
    title, subtitle, caption : str
        Words; an empty one takes no room.
    """
    margin = 3.5 * size.scale
    inner = size.width - 2 * margin
    family = families(language)
    # The shipped Chinese font has one weight; a false bold would clog its strokes.
    weight = "bold" if language == "en" else "normal"

    def block(text: str, points: float, colour: str, weight: str = "normal") -> Block:
        points *= size.scale
        return Block(tuple(wrap(text, _SCREEN * inner, points, family, weight)), points, colour, weight)

    head = tuple(b for b in (block(title, TITLE, INK, weight), block(subtitle, SUBTITLE, GREY)) if b.lines)
    return Sheet(size, head, block(caption, CAPTION, GREY), margin)


def box(figure: Figure, left: float, top: float, width: float, height: float) -> tuple[float, float, float, float]:
    """Return a rectangle in mm from the top left corner as a figure wants it."""
    full_width, full_height = (edge * MM_PER_INCH for edge in figure.get_size_inches())
    return left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height
