"""Spectral indices from one formula table, any number of them in one pass over the bands.

``FORMULAS`` is the only place where an index is defined. ``index_kernel(("ndvi", "evi"))`` writes the Python source of
one kernel that reads each band once and computes all of them, so the bytes read do not grow with the number of indices.

Conventions
-----------
* Bands are surface reflectances (1), by role: blue green red red_edge_1 red_edge_2 red_edge_3 nir nir_narrow swir1
  swir2 (spyndex: B G R RE1 RE2 RE3 N N2 S1 S2; Sentinel-2: B2 B3 B4 B5 B6 B7 B8 B8A B11 B12).
* Every quotient whose denominator is below 1e-6 in magnitude is NaN: such a pixel (dark water, shadow, fill) holds no
  information about the ratio, and an infinity would spoil every later mean. Scaled integers are not accepted here.
* A parameter belongs to its index. EVI and SAVI both have an ``L``; EVI with SAVI's 0.5 would be wrong by half.
* ``evi`` is the published formula everywhere; over snow and cloud (blue > 0.2) it runs away, and ``evi_backup`` takes
  the two-band form there.
* Values outside ``valid_range`` are returned as they are; quality flags are the business of the product layer.
"""

import ast
import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from musyq_lab.kernels import _math
from musyq_lab.kernels._compile import Kernel, inline, select
from musyq_lab.kernels._formulas import BANDS, Formula, parsed, table

__all__ = ["BANDS", "FORMULAS", "SMALLEST_DENOMINATOR", "Formula", "bands_of", "index_kernel"]

SMALLEST_DENOMINATOR = 1e-6
"""A denominator below this magnitude gives NaN (reflectance products resolve 1e-4; squared bands 1e-6 at 0.001)."""

NAN = float("nan")

_GROUP = 6
"""Indices that share one inner loop; more of them take turns on blocks of pixels that stay in the cache."""

FORMULAS: Mapping[str, Formula] = MappingProxyType(table())
"""Every index by its lower-case name."""


@inline
def ratio(numerator: Any, denominator: Any) -> Any:
    """Quotient, NaN where the denominator is practically zero."""
    return select(abs(denominator) < SMALLEST_DENOMINATOR, NAN, numerator / denominator)


def bands_of(names: tuple[str, ...]) -> tuple[str, ...]:
    """Bands that a set of indices needs, in the order of ``BANDS``: the order of the kernel's arguments."""
    needed = {band for name in names for band in _formula(name).bands}
    return tuple(band for band in BANDS if band in needed)


@functools.cache
def index_kernel(names: tuple[str, ...]) -> Kernel:
    """One kernel for several indices.

    Parameters
    ----------
    names : tuple of str
        Keys of ``FORMULAS``, for example ``("ndvi", "evi")``.

    Raises
    ------
    ValueError
        For a name that is not in the table, or given twice.

    Returns
    -------
    Kernel
        Called with the reflectance arrays of ``bands_of(names)``; returns one array, or a tuple in the order of
        ``names``.
    """
    if not names or len(set(names)) != len(names):
        raise ValueError(f"index_kernel needs at least one name and each only once, got {names}")
    bands = bands_of(names)
    groups = [names[start : start + _GROUP] for start in range(0, len(names), _GROUP)]
    parts = [(_body(group, bands_of(group)), _positions(group, bands, names)) for group in groups]
    signature = ",".join(["()"] * len(bands)) + "->" + ",".join(["()"] * len(names))
    whole = _body(names, bands)
    return Kernel(whole, signature, origin=(index_kernel, (names,)), parts=tuple(parts) if len(parts) > 1 else ())


def _positions(group: tuple[str, ...], bands: tuple[str, ...], names: tuple[str, ...]) -> tuple[int, ...]:
    """Places of a group's bands and outputs among the arguments of the whole kernel."""
    return tuple(bands.index(band) for band in bands_of(group)) + tuple(len(bands) + names.index(n) for n in group)


def _body(names: tuple[str, ...], bands: tuple[str, ...]) -> Callable[..., None]:
    """Write the Python function that computes some indices of one pixel."""
    outputs = [f"out_{position}" for position in range(len(names))]
    lines = [f"def {'_'.join(names)}({', '.join((*bands, *outputs))}):"]
    for name, output in zip(names, outputs, strict=True):
        lines.append(f"    {output}[0] = {_expression(_formula(name))}")
    namespace: dict[str, Any] = {
        "ratio": ratio,
        "select": select,
        "sqrt": _math.sqrt,
        "tanh": _math.tanh,
        "__name__": __name__,
    }
    # The source is made of our own table only: ``_formula`` refuses every name that is not in it.
    exec(compile("\n".join(lines), "<musyq spectral indices>", "exec"), namespace)
    body: Callable[..., None] = namespace["_".join(names)]
    return body


def _formula(name: str) -> Formula:
    if name not in FORMULAS:
        raise ValueError(f"no spectral index {name!r}; known: {', '.join(FORMULAS)}")
    return FORMULAS[name]


def _expression(formula: Formula) -> str:
    """Return a formula as Python source: parameters as numbers, quotients guarded."""
    return ast.unparse(_Guard(formula.parameters).visit(parsed(formula.expression)))


class _Guard(ast.NodeTransformer):
    def __init__(self, parameters: Mapping[str, float]) -> None:
        self.parameters = parameters

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put the number in place of a parameter."""
        return ast.Constant(float(self.parameters[node.id])) if node.id in self.parameters else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Turn a / b into ratio(a, b)."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("ratio", ast.Load()), [node.left, node.right], [])
        return node
