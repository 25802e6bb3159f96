"""Errors that speak to the person: what was given, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MusyqError(Exception):
    """Base of every error this package raises on purpose; its text is meant for the user."""


class InputError(MusyqError, ValueError):
    """Data or a parameter that cannot be used as given."""


class NotFoundError(MusyqError, KeyError):
    """A name, product, region or file that does not exist.

    A KeyError, so that ``.get`` and ``in`` of a mapping that raises it work as everywhere else.
    """

    def __str__(self) -> str:
        """Return the plain message (KeyError would quote it)."""
        return str(self.args[0]) if self.args else ""


class ArchiveError(MusyqError, OSError):
    """A product file that cannot be written, or that must not be trusted."""


class SceneError(ArchiveError):
    """A satellite granule that cannot be read: damaged, incomplete, or not what it was taken for."""


class CatalogError(MusyqError, ValueError):
    """A catalog that is malformed or asks for something that is not allowed."""


class RecipeError(MusyqError, RuntimeError):
    """A recipe that failed while it ran."""


class MusyqWarning(UserWarning):
    """Something the user should know that does not stop the work."""


def closest(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for a near miss, else the known names, else nothing.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What exists.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    if near:
        return f" Did you mean {next(n for n in names if n.lower() == near[0])!r}?"
    return f" Known: {', '.join(names)}." if 0 < len(names) <= 40 else ""
