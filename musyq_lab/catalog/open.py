"""Open a catalog: the shipped samples, a YAML file of the user's, or a folder of product files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import cast

from musyq_lab.catalog._folder import folder_catalog
from musyq_lab.catalog._spec import CatalogSpec, EntrySpec
from musyq_lab.catalog.entry import Entry
from musyq_lab.catalog.safe import load_catalog
from musyq_lab.core.errors import CatalogError, NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.core.resources import resource
from musyq_lab.files.remote import is_remote, place

_DEPTH = 3
_YAML = (".yml", ".yaml")
_MOST = 100  # catalogs that a search goes through
_WIDEST = 56
_COLUMNS = ("title", "variables", "resolution", "period", "licence")
_PUBLISHED = ("coverage", "cadence", "status", "doi")


class Catalog(Mapping[str, "Entry | Catalog"]):
    """A read-only mapping from name to :class:`Entry` (or to a catalog inside it) that shows itself as a table.

    ``cat["name"]``, ``cat.name`` and, for catalogs inside catalogs, ``cat["outer.inner"]`` are the same.

    Parameters
    ----------
    spec : CatalogSpec
        Checked description.
    allow_remote : bool
        Whether catalogs inside it may name remote addresses.
    depth : int
        Levels of catalogs still to be opened; ends circles.
    """

    def __init__(self, spec: CatalogSpec, *, allow_remote: bool = False, depth: int = _DEPTH) -> None:
        self._spec = spec
        self._allow_remote = allow_remote
        self._depth = depth
        self._entries = {entry.name: entry for entry in spec.entries}

    @property
    def title(self) -> str:
        """Plain words."""
        return self._spec.title

    @property
    def path(self) -> str:
        """File or folder it was read from."""
        return self._spec.path

    def __getitem__(self, name: str) -> Entry | Catalog:
        """Return an entry; ``"outer.inner"`` looks inside a catalog.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        if name in self._entries:
            return self._open(self._entries[name])
        outer, dot, inner = str(name).partition(".")
        if dot and outer in self._entries:
            catalog = self._open(self._entries[outer])
            if isinstance(catalog, Catalog):
                return catalog[inner]
        raise NotFoundError(f"The catalog {self.title!r} has no entry {name!r}.{closest(str(name), self._entries)}")

    def __contains__(self, name: object) -> bool:
        """Whether there is such an entry."""
        try:
            return bool(self[str(name)])
        except NotFoundError:
            return False

    def __bool__(self) -> bool:
        """Say yes: an empty catalog is still a catalog."""
        return True

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the order of the file."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._entries)

    def _open(self, spec: EntrySpec) -> Entry | Catalog:
        if spec.driver != "yaml_file_cat":
            return Entry(spec)
        if self._depth <= 1:
            raise CatalogError(f"Catalogs are nested deeper than {_DEPTH} levels at {spec.name!r}; is there a circle?")
        return Catalog(
            load_catalog(_inner_path(spec), allow_remote=self._allow_remote),
            allow_remote=self._allow_remote,
            depth=self._depth - 1,
        )

    def search(self, text: str) -> Catalog:
        """Return the entries in which every word of the text occurs, in catalogs inside this one as well.

        Parameters
        ----------
        text : str
            Words, looked for in names, titles, descriptions, keywords and all other metadata, case ignored.
        """
        words = text.lower().replace("_", " ").split()
        found = [
            replace(entry.spec, name=name)
            for name, entry in self._walk()
            if all(word in f"{name.lower()} {entry.words()}" for word in words)
        ]
        about = f"{len(found)} of {len(self)} entries match {text!r}"
        spec = CatalogSpec(self.path, tuple(found), f"{self.title}: {text}", about)
        return Catalog(spec, allow_remote=self._allow_remote)

    def _walk(self) -> Iterator[tuple[str, Entry]]:
        """Yield full names and entries, going into catalogs as far as they may nest, and into each once.

        Raises
        ------
        CatalogError
            If there are more than ``_MOST`` of them: a few that name one another many times would never end.
        """
        waiting: list[tuple[str, Catalog]] = [("", self)]
        seen: set[str] = {str(self.path)}
        while waiting:
            prefix, catalog = waiting.pop(0)
            for name, spec in catalog._entries.items():
                if spec.driver != "yaml_file_cat":
                    yield f"{prefix}{name}", Entry(spec)
                elif catalog._depth > 1 and (path := str(_inner_path(spec))) not in seen:
                    seen.add(path)
                    if len(seen) > _MOST:
                        raise CatalogError(f"{self.path} leads to more than {_MOST} catalogs. Search them one by one.")
                    waiting.append((f"{prefix}{name}.", cast(Catalog, catalog._open(spec))))

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        published = any("status" in spec.metadata for spec in self._entries.values())
        columns = (*_COLUMNS, *_PUBLISHED) if published else _COLUMNS
        rows = []
        for name, spec in self._entries.items():
            metadata = {"title": spec.description, **spec.metadata}
            cells = (metadata.get(column, "") for column in columns)
            rows.append([name, *(_short(", ".join(map(str, c)) if isinstance(c, list) else str(c)) for c in cells)])
        return [["name", *columns], *rows]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __dir__(self) -> list[str]:
        """Complete the names of entries as attributes."""
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def __getattr__(self, name: str) -> Entry | Catalog:
        """Return an entry by attribute (AttributeError if there is none)."""
        known = self.__dict__.get("_entries", {})  # absent while the object is being unpickled
        if name.startswith("_") or name not in known:
            raise AttributeError(f"This catalog has no entry {name!r}.{closest(name, known)}")
        return self[name]

    def __repr__(self) -> str:
        """Show title and names."""
        return f"<catalog {self.title!r}, {len(self)} entries: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        first = next(iter(self), "")
        following = f'cat["{first}"].read()' if first else "open_catalog()"
        about = f"<div>{escape(self._spec.description)}</div>" if self._spec.description else ""
        body = html_table(self.table(), f"{self.title}: {len(self)} entries")
        return f"{body}{about}<div>Next: <code>{escape(following)}</code></div>"


def _inner_path(spec: EntrySpec) -> Path:
    """Return where the catalog lies that an entry leads to."""
    text = spec.path("path")
    path = place(text)
    return path if is_remote(text) or path.is_absolute() else Path(spec.folder) / path


def _shipped(path: str | Path) -> Path | None:
    """Return a shipped catalog by its bare name, unless the user has something of that name."""
    if not isinstance(path, str) or not path.isidentifier() or Path(path).exists():
        return None
    try:
        return resource(f"catalogs/{path}.yml")
    except NotFoundError:
        return None


def _short(text: str) -> str:
    """Cut a cell so that the table fits a screen; the entry itself shows all of it."""
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 2].rstrip(' ,;(')} …"


def open_catalog(path: str | Path | None = None, *, allow_remote: bool = False) -> Catalog:
    """Open a catalog.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        YAML file (intake version 1), name of a shipped catalog (``"samples"``, ``"raw"``, ``"peers"``, ``"products"``:
        what MuSyQ published), or folder with product files, such as the output of ``musyq run``; also as an address
        (``https://``, ``s3://``, ``memory://`` ...). The samples that ship with MuSyQ Lab if not given.
    allow_remote : bool
        Whether a YAML file may name ``https``, ``s3`` and ``gs`` addresses. A file that lies at an address itself may
        name those below its own folder in any case, and nothing of this machine.

    Raises
    ------
    NotFoundError
        If there is nothing at the path.
    CatalogError
        If the catalog asks for anything that is not allowed; nothing has been imported or opened by then.
    """
    if path is None:
        return Catalog(load_catalog(resource("catalogs/samples.yml")))
    where = place(path) if is_remote(path) else _shipped(path) or Path(path).expanduser()
    if where.suffix in _YAML and is_remote(where):
        return Catalog(load_catalog(where, allow_remote=allow_remote), allow_remote=allow_remote)
    if where.is_dir():
        return Catalog(folder_catalog(where))
    if not where.exists():
        raise NotFoundError(
            f"There is no catalog at {where}. Give a YAML file or a folder with product files, "
            "or call open_catalog() for the samples."
        )
    return Catalog(load_catalog(where, allow_remote=allow_remote), allow_remote=allow_remote)
