"""Registries that find products by looking, so that a new file is all it takes.

A registry is a read-only mapping from key to a described object. It lists the public modules of one of our packages
and the entry points of installed plug-ins without importing them; an object is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from musyq_lab.core.errors import InputError, NotFoundError, closest

T = TypeVar("T")


@lru_cache(maxsize=16)
def _entry_points(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Return the entry points of a group, read again only where the path has changed."""
    return entry_points(group=group)


def _loaded(point: EntryPoint, key: str) -> Any:
    """Import what a plug-in's entry point names; whatever its import raises says whose it is."""
    try:
        return point.load()
    except Exception as error:
        whose = f" of the package {point.dist.name}" if point.dist else ""
        error.add_note(f"This came from importing {point.value!r}, the plug-in {key!r}{whose}.")
        raise


class Registry(Mapping[str, T], Generic[T]):
    """Modules of a package, plug-ins and objects added in a session, as one mapping.

    Parameters
    ----------
    package : str
        Package whose public modules are the entries.
    attribute : str
        Name of the object inside each module; ``"{key}"`` stands for the module's own name.
    kind : str
        Singular noun for messages, such as ``"product"``.
    columns : mapping of str to callable
        Title of a column -> function from an entry to its text, for the table in a notebook.
    """

    def __init__(self, package: str, attribute: str, kind: str, columns: Mapping[str, Callable[[T], str]]) -> None:
        self._package = package
        self._attribute = attribute
        self.kind = kind
        self._columns = columns
        self._added: dict[str, T] = {}

    def _modules(self) -> dict[str, str]:
        spec = find_spec(self._package)
        paths = spec.submodule_search_locations if spec else None
        names = [info.name for info in pkgutil.iter_modules(paths or [])]
        return {name: f"{self._package}.{name}" for name in names if not name.startswith("_")}

    def _plugins(self) -> dict[str, Any]:
        return {point.name: point for point in _entry_points(self._package, tuple(sys.path))}

    def add(self, key: str, entry: T) -> None:
        """Add an object for this session (a user's own algorithm); the programme's own keys are taken."""
        if key in self._modules():
            raise InputError(f"The {self.kind} {key!r} ships with MuSyQ Lab. Choose another key for your own.")
        self._added[key] = entry

    @property
    def added(self) -> dict[str, T]:
        """What was added in this session: no other process knows of it."""
        return dict(self._added)

    def __getitem__(self, key: str) -> T:
        """Return an entry, importing its module if need be."""
        if key in self._added:
            return self._added[key]
        if module := self._modules().get(key):
            return self._entry(importlib.import_module(module), key)
        if point := self._plugins().get(key):
            return self._entry(_loaded(point, key), key)
        raise NotFoundError(f"There is no {self.kind} {key!r}.{closest(key, self)}")

    def _entry(self, module: Any, key: str) -> T:
        name = self._attribute.format(key=key)
        if not hasattr(module, name):
            where = getattr(module, "__name__", repr(module))
            raise InputError(f"The {self.kind} {key!r} is not in {where}, which must be a module that holds {name!r}.")
        entry: T = getattr(module, name)
        if (own := getattr(entry, "key", key)) != key:
            raise InputError(
                f"The {self.kind} {key!r} of {getattr(module, '__name__', repr(module))} calls itself {own!r}. Give "
                "the entry point and the key one name."
            )
        return entry

    def __contains__(self, key: object) -> bool:
        """Whether there is such an entry (nothing is imported)."""
        return key in set(self)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys in alphabetical order."""
        return iter(sorted({*self._modules(), *self._plugins(), *self._added}))

    def __len__(self) -> int:
        """Count the entries."""
        return sum(1 for _ in self)

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        return [[self.kind, *self._columns], *(self._row(key) for key in self)]

    def _row(self, key: str) -> list[str]:
        """Describe an entry; a plug-in that cannot be loaded says so and does not cost the table."""
        own = key in self._added or key in self._modules()
        try:
            entry = self[key]
            return [key, *(text(entry) for text in self._columns.values())]
        except Exception as error:
            if own:
                raise
            reason = f"cannot be loaded: {type(error).__name__}: {error}"
            return [key, *(reason if column == 0 else "" for column in range(len(self._columns)))]

    def __repr__(self) -> str:
        """Show the keys."""
        return f"<{len(self)} {self.kind}s: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{len(self)} {self.kind}s")


def html_table(rows: Sequence[Sequence[str]], title: str = "") -> str:
    """Return header and rows as a small HTML table with every text escaped.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first row is the header.
    title : str
        Line above the table.
    """
    header, *body = rows
    head = "".join(_cell("th", text) for text in header)
    lines = "".join("<tr>" + "".join(_cell("td", text) for text in row) + "</tr>" for row in body)
    caption = f"<div><b>{escape(title)}</b></div>" if title else ""
    return f"{caption}<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


_LONG = 40  # letters from which a cell may break inside a word, such as a path; a key must stay whole


def _cell(tag: str, text: str) -> str:
    wrap = ";overflow-wrap:anywhere" if len(text) > _LONG else ""
    return f'<{tag} style="text-align:left;padding:2px 10px 2px 0;vertical-align:top{wrap}">{escape(text)}</{tag}>'
