"""What ``ml.retrieve.<key>?`` shows: the function's own text, what it takes and makes, and its file's explanation."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.core.variables import quantity
from musyq_lab.products._resolve import source

_COMMON = """
Parameters common to all retrievals
-----------------------------------
ds : xarray.Dataset, optional
    Holds the inputs by name; each may also be passed by keyword as a DataArray with a ``units`` attribute.
    ``<input>_uncertainty`` beside an input is its one sigma.
variables : sequence of str, optional
    Which variables to make.
method : str or mapping of str to str, optional
    Which published method; the first is the default. By product where inputs have to be made first:
    ``{"npp": "mod17", "gpp": "pmodel"}``.
units : str or mapping of str to str, optional
    What the inputs are really in, where their attributes are missing or wrong.
uncertainty : bool, default True
    Whether to add ``<variable>_uncertainty`` (one sigma).

Returns
-------
xarray.Dataset
    Each variable, its uncertainty, the quality bits ``<key>_qa``, and ``<key>_inputs_qa``, whose bits say which
    inputs were missing or impossible; lazy where an input is lazy.
"""
_WIDTH = 116


def documentation(spec: Product, body: Callable[..., Any]) -> str:
    """Return the documentation of a product's function as users read it.

    Parameters
    ----------
    spec : Product
        Lists inputs, variables and methods.
    body : callable
        Its own text comes first, the explanation of its file (definition, equations, sources) last.
    """
    parts = [
        inspect.cleandoc(body.__doc__ or spec.title),
        _section("Inputs", (_input(item, spec) for item in spec.inputs)),
        _section("Variables", (_variable(one, spec) for one in spec.variables)),
        _section("Methods", (_entry(name, spec.method(name).title) for name in spec.method_names)),
        _section(
            "Quality bits of its own", (_entry(f"{flag.name} ({flag.bit})", flag.sentence) for flag in spec.flags)
        ),
        _COMMON.strip(),
        _explanation(body),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, entries: Iterable[str]) -> str:
    lines = list(entries)
    return "\n".join((title, "-" * len(title), *lines)) if lines else ""


def _entry(name: str, text: str) -> str:
    return f"{name}\n{textwrap.fill(text, _WIDTH, initial_indent='    ', subsequent_indent='    ')}" if text else name


def _input(item: Input, spec: Product) -> str:
    methods = [spec.method(name) for name in spec.method_names]
    using = [one.name for one in methods if not one.inputs or item.name in one.inputs]
    facts = [item.units, "optional" if item.optional else ""]
    facts += [f"for {', '.join(using)}" if len(using) < len(methods) else ""]
    facts += [f"made by {maker} where absent" if (maker := source(item)) else ""]
    return _entry(f"{item.name} : {', '.join(filter(None, facts))}", quantity(item.name).meaning)


def _variable(one: Variable, spec: Product) -> str:
    more = "" if not spec.default or one.name in spec.default else ", if asked for"
    return _entry(f"{one.name} : {one.units}{more}", one.long_name)


def _explanation(body: Callable[..., Any]) -> str:
    """Return the docstring of the file that the function stands in; nothing for one that was typed in a session."""
    module = sys.modules.get(body.__module__)
    text = "" if module is None or body.__module__ == "__main__" else inspect.cleandoc(module.__doc__ or "")
    return f"Definition and sources\n----------------------\n{text}" if text else ""
