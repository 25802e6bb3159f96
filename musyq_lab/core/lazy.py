"""Public names of a package that are imported when they are first used (PEP 562): importing it costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any


def attribute(package: str, names: Mapping[str, str], name: str) -> Any:
    """Return a public name of a package from the module that holds it.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    names : mapping of str to str
        Public name -> module of the package.
    name : str
        What is wanted.

    Raises
    ------
    AttributeError
        If it is no public name; the message lists them.
    """
    if name not in names:
        raise AttributeError(f"module {package!r} has no attribute {name!r}. Public names: {', '.join(sorted(names))}")
    return getattr(importlib.import_module(f"{package}.{names[name]}"), name)
