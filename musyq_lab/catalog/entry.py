"""An entry of a catalog: what it is, and the way to its data."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from musyq_lab.catalog._spec import FREE, EntrySpec
from musyq_lab.core.errors import InputError
from musyq_lab.core.registry import html_table

if TYPE_CHECKING:
    import xarray as xr

_SHOWN = (
    *("title_zh", "summary", "status", "coverage", "period", "cadence", "resolution", "variables", "format", "known"),
    *("unknown", "landing_page", "doi", "licence", "citation", "attribution", "sources", "keywords"),
)


class Entry:
    """One data set of a catalog.

    Call it with parameters to choose (``entry(year=2015)``); :meth:`read` and :meth:`to_dask` open it lazily.

    Parameters
    ----------
    spec : EntrySpec
        Checked description.
    values : dict, optional
        Chosen parameters.
    """

    def __init__(self, spec: EntrySpec, values: dict[str, Any] | None = None) -> None:
        self.spec = spec
        self.values = spec.choose(values or {})

    def __call__(self, **values: Any) -> Entry:
        """Return the entry with parameters chosen.

        Raises
        ------
        CatalogError
            (a ValueError) naming the allowed values.
        """
        return Entry(self.spec, {**self.values, **values})

    @property
    def name(self) -> str:
        """Key in the catalog."""
        return self.spec.name

    @property
    def title(self) -> str:
        """Plain words."""
        return str(self.metadata.get("title") or self.spec.description or self.name)

    @property
    def metadata(self) -> dict[str, Any]:
        """Title, licence, citation and so on."""
        return dict(self.spec.metadata)

    @property
    def source(self) -> Any:
        """The intake source behind it, with the chosen parameters."""
        with warnings.catch_warnings():
            # intake warns of shell commands at every text parameter, although none is run.
            warnings.filterwarnings("ignore", message="Shell command not executed")
            return _intake_entry(self.spec)(**self.values)

    def describe(self) -> dict[str, Any]:
        """Return everything the catalog says about it."""
        description = asdict(self.spec)
        return {key: value for key, value in description.items() if key != "folder"}

    def read(self) -> xr.Dataset:
        """Return the Dataset; values are read when they are used."""
        return self._dataset(self._checked().read())

    def to_dask(self) -> xr.Dataset:
        """Return the Dataset in dask chunks."""
        return self._dataset(self._checked().to_dask())

    def _checked(self) -> Any:
        """Return the source once its files passed the checks of ours; drivers of ours make them when they open."""
        if self.spec.driver == "netcdf":
            from musyq_lab.catalog._files import check_files

            check_files(self.spec.path("urlpath"))
        return self.source

    def _dataset(self, data: Any) -> xr.Dataset:
        """Add what the catalog knows and the file does not say."""
        missing = {key: self.metadata[key] for key in ("title", "licence", "citation") if key in self.metadata}
        data.attrs = {**missing, **data.attrs}
        return data  # type: ignore[no-any-return]

    def plot(self, variable: str | None = None, **options: Any) -> Any:
        """Draw the first map of a variable (``ml.explore(entry)`` is the interactive way).

        Parameters
        ----------
        variable : str, optional
            Its name; the first that is a map if not given.
        **options
            Handed to :meth:`xarray.DataArray.plot`.

        Raises
        ------
        InputError
            If there is no such variable, or none is a map.
        """
        dataset = self.read()
        maps = [str(name) for name, layer in dataset.data_vars.items() if layer.ndim >= 2]
        name = variable or (maps[0] if maps else "")
        if name not in maps:
            raise InputError(f"{self.name!r} has no map {name!r}. It has: {', '.join(maps) or 'none'}.")
        layer = dataset[name]
        step = layer.isel({dim: 0 for dim in layer.dims[:-2]})
        return step.plot(**options)

    def words(self) -> str:
        """Return every text that a search looks at, in lower case."""
        values = [self.name, self.title, self.spec.description, *_texts(self.spec.metadata)]
        return re.sub(r"[_\s]+", " ", " ".join(values)).lower()

    def _command(self) -> str:
        choices = ", ".join(f"{p.name}={self.values.get(p.name, p.default)!r}" for p in self.spec.parameters)
        return f'cat["{self.name}"]{f"({choices})" if choices else ""}.read()'

    def _rows(self) -> list[list[str]]:
        rows = [[key, _join(self.metadata[key])] for key in _SHOWN if self.metadata.get(key)]
        for p in self.spec.parameters:
            allowed = f" (allowed: {_join(p.allowed)})" if p.allowed else ""
            rows.append([f"parameter {p.name}", f"{self.values.get(p.name, p.default)} — {p.description}{allowed}"])
        return rows

    def __repr__(self) -> str:
        """Show name and title."""
        return f"<{self.name}: {self.title}; open with {self._command()}>"

    def _repr_html_(self) -> str:
        table = html_table([["", ""], *self._rows()], f"{self.name}: {self.title}")
        return f"{table}<div>Next: <code>{escape(self._command())}</code></div>"


def _texts(value: Any) -> Iterator[str]:
    """Yield every text inside nested lists and mappings."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _join(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _driver(name: str) -> Any:
    """Return what intake is told: our class itself, or the name that intake-xarray registers."""
    if not name.startswith("musyq_"):
        return name
    from musyq_lab.catalog import drivers

    return drivers.DRIVERS[name]


def _intake_entry(spec: EntrySpec) -> Any:
    """Return the intake entry of a checked description; nothing is expanded from the environment or a shell."""
    from intake.catalog.local import LocalCatalogEntry, UserParameter

    parameters = [
        UserParameter(
            p.name, p.description, "str" if p.type in FREE else p.type, p.default, p.min, p.max, list(p.allowed) or None
        )
        for p in spec.parameters
    ]
    return LocalCatalogEntry(
        spec.name,
        spec.description,
        _driver(spec.driver),
        args=spec.args,
        parameters=parameters,
        metadata=spec.metadata,
        catalog_dir=spec.folder,
        getenv=False,
        getshell=False,
    )
