r"""Reflectance of canopies whose layer coefficients are tabulated over greenness and leaf area.

A table holds, for one band, the coefficients of 4SAIL (:mod:`musyq_lab.kernels.canopy`) of one or more kinds of stand,
flattened in the order (kind, greenness, leaf area, coefficient). Interpolation is bilinear in the coefficients; the
coupling with the ground is exact.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel

DIRECTIONAL = ("rso", "rdo", "tss", "tsd", "tdo", "too", "tsstoo", "rdd", "tdd")
"""Coefficients of a table for :func:`directional`, in order."""

HEMISPHERICAL = ("rsd", "rdd", "tss", "tsd", "tdd")
"""Coefficients of a table for :func:`hemispherical`, in order."""


@inline
def _cell(position: Any, nodes: Any) -> Any:
    # The cell left of a node, so that the last node belongs to the last cell.
    return max(0, min(int(position), int(nodes) - 2))


@inline
def _mixed(table: Any, low: Any, high: Any, step: Any, right: Any, up: Any) -> Any:
    below = table[low] + right * (table[low + step] - table[low])
    above = table[high] + right * (table[high + step] - table[high])
    return below + up * (above - below)


# Letters: t number in the table. Then the kind's first number, positions on the axes of greenness and leaf area, how
# many nodes each has (at least 2), reflectance of the ground (1), share of direct light (1) -> reflectance factor (1).
@kernel("(t),(),(),(),(),(),(),()->()")
def directional(
    table: Any,
    first: float,
    green: float,
    leaf: float,
    greens: float,
    leaves: float,
    ground: float,
    direct: float,
    out: Any,
) -> None:
    """Reflectance towards the view under direct and diffuse light."""
    i, j = _cell(green, greens), _cell(leaf, leaves)
    low = int(first) + (i * int(leaves) + j) * 9
    high = low + int(leaves) * 9
    u, v = green - i, leaf - j
    rso = _mixed(table, low, high, 9, v, u)
    rdo = _mixed(table, low + 1, high + 1, 9, v, u)
    tss = _mixed(table, low + 2, high + 2, 9, v, u)
    tsd = _mixed(table, low + 3, high + 3, 9, v, u)
    tdo = _mixed(table, low + 4, high + 4, 9, v, u)
    too = _mixed(table, low + 5, high + 5, 9, v, u)
    tsstoo = _mixed(table, low + 6, high + 6, 9, v, u)
    rdd = _mixed(table, low + 7, high + 7, 9, v, u)
    tdd = _mixed(table, low + 8, high + 8, 9, v, u)
    bounce = ground / (1.0 - ground * rdd)
    beam = rso + tsstoo * ground + bounce * ((tss + tsd) * tdo + (tsd + tss * ground * rdd) * too)
    sky = rdo + bounce * tdd * (tdo + too)
    out[0] = direct * beam + (1.0 - direct) * sky


# Letters as above -> black-sky and white-sky albedo, absorption of the beam and of diffuse light by the leaves (1).
@kernel("(t),(),(),(),(),(),()->(),(),(),()")
def hemispherical(
    table: Any,
    first: float,
    green: float,
    leaf: float,
    greens: float,
    leaves: float,
    ground: float,
    black: Any,
    white: Any,
    beam: Any,
    sky: Any,
) -> None:
    """Albedo and absorption by the leaves, for the beam and for diffuse light."""
    i, j = _cell(green, greens), _cell(leaf, leaves)
    low = int(first) + (i * int(leaves) + j) * 5
    high = low + int(leaves) * 5
    u, v = green - i, leaf - j
    rsd = _mixed(table, low, high, 5, v, u)
    rdd = _mixed(table, low + 1, high + 1, 5, v, u)
    tss = _mixed(table, low + 2, high + 2, 5, v, u)
    tsd = _mixed(table, low + 3, high + 3, 5, v, u)
    tdd = _mixed(table, low + 4, high + 4, 5, v, u)
    lit = 1.0 / (1.0 - ground * rdd)
    bounce = ground * lit
    black[0] = rsd + (tsd + tss) * tdd * bounce
    white[0] = rdd + tdd * tdd * bounce
    beam[0] = 1.0 - black[0] - (1.0 - ground) * (tss + tsd) * lit
    sky[0] = 1.0 - white[0] - (1.0 - ground) * tdd * lit


# Letters: t number in the table (rows after one another). Then positions on the axes of rows and columns, and how many
# nodes each has (at least 2) -> value between.
@kernel("(t),(),(),(),()->()")
def bilinear(table: Any, row: float, column: float, rows: float, columns: float, out: Any) -> None:
    """Bilinear interpolation; beyond the last node the last cell goes on."""
    i, j = _cell(row, rows), _cell(column, columns)
    low = i * int(columns) + j
    out[0] = _mixed(table, low, low + int(columns), 1, column - j, row - i)
