"""The grammar of expressions: Python's own, of which almost all is refused.

A text becomes a syntax tree and each node is looked up in a table; what is not there cannot be written. Nothing is ever
compiled or evaluated by Python.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

from musyq_lab.core.errors import InputError

MOST_TEXT = 2000
"""Characters of an expression."""
MOST_NODES = 200
"""Parts of an expression."""
MOST_DEPTH = 30
"""How deep parts may lie in one another."""
_LARGEST = 1e100
"""Numbers beyond it are slips."""

_OPERATORS: tuple[type[ast.AST], ...] = (
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub, ast.Not, ast.Invert, ast.BitAnd, ast.BitOr,
    ast.And, ast.Or, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Load,
)  # fmt: skip
_ADVICE: dict[type[ast.AST], str] = {
    ast.IfExp: "Write where(condition, a, b) in place of 'a if condition else b'.",
    ast.Subscript: "Write at(x, 'month', 7) in place of x[...].",
    ast.BitXor: "Write x ** 2 in place of x ^ 2.",
    ast.Mod: "There is no % and no remainder.",
    ast.FloorDiv: "There is no //; write a / b.",
    ast.NamedExpr: "An expression gives one result; nothing is assigned in it.",
    ast.Lambda: "Functions cannot be defined in an expression; register one with @ml.algorithm.",
    ast.Tuple: "Give one expression, without commas outside of functions.",
}


def parse(text: str) -> ast.expr:
    """Return the checked tree of an expression.

    Raises
    ------
    InputError
        If it is empty, too long, too deep, or holds anything but numbers, names, operators and functions.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("The expression is empty. Write one such as lai - mean(lai, 'time').")
    if len(text) > MOST_TEXT:
        raise InputError(f"The expression has {len(text):,} characters; the most is {MOST_TEXT:,}.")
    if odd := sorted({c for c in text if c in "\\#;`$@" or not (c.isprintable() or c.isspace())}):
        raise InputError(f"The expression holds {odd[0]!r}, which means nothing there.")
    try:
        tree = ast.parse(" ".join(text.split()), mode="eval").body
    except SyntaxError as error:
        raise InputError(f"The expression cannot be read: {error.msg}{_where(error)}.") from None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        raise InputError("The expression cannot be read: its parts lie too deep in one another.") from None
    _check(tree)
    return tree


def _where(error: SyntaxError) -> str:
    return f" at character {error.offset}" if error.offset and error.offset > 0 else ""


def _check(tree: ast.expr) -> None:
    """Look at each part, the outer ones first, without recursion."""
    count, level = 0, [tree]
    for _ in range(MOST_DEPTH):
        below: list[ast.AST] = []
        for node in level:
            count += not isinstance(node, _OPERATORS)
            below += _parts(node)
        if count > MOST_NODES:
            raise InputError(f"The expression has more than {MOST_NODES} parts. Compute it in two steps.")
        if not below:
            return
        level = below  # type: ignore[assignment]  # parts of parts
    raise InputError(f"The expression lies more than {MOST_DEPTH} deep in itself. Compute it in two steps.")


def _parts(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node that is allowed."""
    if isinstance(node, ast.Constant):
        _constant(node.value)
        return []
    if isinstance(node, ast.Name):
        _name(node.id)
        return []
    if isinstance(node, ast.Attribute):
        if not isinstance(node.value, ast.Name):
            raise InputError(f"'.{node.attr}' may only follow the name of data, as in a.nir.")
        _name(node.attr)
        return [node.value]
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, *_OPERATORS)):
        return list(ast.iter_child_nodes(node))
    advice = _ADVICE.get(type(node), "Use numbers, names of variables, + - * / **, comparisons and functions.")
    raise InputError(f"{type(node).__name__} cannot be used in an expression. {advice}")


def _call(node: ast.Call) -> list[ast.AST]:
    if not isinstance(node.func, ast.Name):
        raise InputError("Only functions by their name can be called, such as mean(lai, 'time').")
    if node.keywords:
        raise InputError(f"{clipped(node.func.id)}(...) takes its arguments by place, without '='.")
    _name(node.func.id)
    return list(node.args)


def _constant(value: object) -> None:
    if isinstance(value, str):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{clipped(repr(value))} cannot be used in an expression. Use numbers and nan.")
    number(value)


def number(value: float) -> float:
    """Return a number as floating point.

    Raises
    ------
    InputError
        If it is too large.
    """
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if abs(found) > _LARGEST:
        raise InputError(f"The expression holds a number beyond {_LARGEST:g}.")
    return found


def _name(name: str) -> None:
    if name.startswith("_") or "__" in name:
        raise InputError(f"{clipped(name)!r} cannot be used in an expression: no name there has such underscores.")


def clipped(text: str, most: int = 60) -> str:
    """Return a text short enough for a message."""
    return text if len(text) <= most else f"{text[:most]}..."


def names(tree: ast.expr) -> tuple[str, ...]:
    """Return the names of data in a checked tree, ``a.nir`` as such, in the order of the text."""
    return tuple(dict.fromkeys(_names(tree)))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute):
        assert isinstance(node.value, ast.Name)
        yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.Name):
        yield node.id
    else:
        for part in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
            yield from _names(part)
