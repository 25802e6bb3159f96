"""Metadata of a product file or a folder of them, by one call, in the form that is asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from musyq_lab.archive.check.fixity import products
from musyq_lab.archive.draft import plain, publish, write_text
from musyq_lab.archive.metadata import stac
from musyq_lab.archive.metadata.citation import bibtex, cff, citation_text
from musyq_lab.archive.metadata.datacite import datacite
from musyq_lab.archive.metadata.datacore import datacore
from musyq_lab.archive.metadata.facts import Facts, facts_of, series
from musyq_lab.archive.metadata.iso19115 import iso19115
from musyq_lab.archive.metadata.settings import Publisher, find_settings
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError, closest
from musyq_lab.core.registry import html_table

Form = Literal["stac", "datacite", "iso19115", "citation", "datacore"]
FORMS: tuple[Form, ...] = ("stac", "datacite", "iso19115", "citation", "datacore")


@dataclass(frozen=True)
class Records:
    """Metadata records: file names and texts."""

    form: Form
    """Their form."""
    texts: Mapping[str, str] = field(repr=False)
    """Name of the file -> its text."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Name of a product file that could not be described -> why."""

    @property
    def text(self) -> str:
        """All texts, one after the other."""
        return "\n".join(self.texts.values())

    def write(self, out: str | Path) -> list[Path]:
        """Write each record into a folder and return the paths; a file appears when it is complete.

        Parameters
        ----------
        out : str or pathlib.Path
            Folder, made if it does not exist.

        Raises
        ------
        ArchiveError
            If the folder cannot be written to.
        """
        folder = Path(out)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            drafts = {}
            try:
                for name, text in self.texts.items():
                    drafts[write_text(folder / name, text)] = folder / name
                if drafts:
                    publish(drafts)
            finally:
                for path in drafts:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise plain(error, folder / next(iter(self.texts), "records")) from error
        return [folder / name for name in self.texts]

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        rows = [[name, f"{len(text.encode())} bytes"] for name, text in self.texts.items()]
        return [["record", "size"], *rows, *([name, f"not described: {why}"] for name, why in self.failed.items())]

    def __repr__(self) -> str:
        """Show the names, and the text where there is one only."""
        if len(self.texts) == 1 and not self.failed:
            return self.text
        return "\n".join("  ".join(row) for row in self.table()[1:])

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{len(self.texts)} records ({self.form})")


def describe(
    path: str | Path,
    form: Form = "stac",
    *,
    out: str | Path | None = None,
    settings: Publisher | None = None,
) -> Records:
    """Return the metadata of a product file, or of the products in a folder.

    Of a file one record is made. Of a folder: STAC Items of all files and a Collection of each product and edition; in
    the other forms one record of each product and edition. Who publishes the data, the licence, a DOI and addresses
    come from ``musyq-publisher.yml`` (:mod:`musyq_lab.archive.metadata.settings`); what is not stated there is left out
    or marked as unknown, and nothing is made up.

    Parameters
    ----------
    path : str or pathlib.Path
        A product file, or a folder that is searched with the folders in it.
    form : {"stac", "datacite", "iso19115", "citation", "datacore"}
        What to make: STAC 1.1, DataCite 4.5 JSON, ISO 19139 XML, citation (text, BibTeX, CFF), Data-CORE tags.
    out : str or pathlib.Path, optional
        Folder for the records.
    settings : Publisher, optional
        In place of the folder's file.

    Returns
    -------
    Records
        ``.text``, ``.texts`` by file name, ``.write(folder)``; ``.failed`` says which files could not be described.

    Raises
    ------
    NotFoundError
        If there is no such file or folder, or no product in it.
    InputError
        If the form is unknown, the settings are wrong, or the year of publication is not known.
    ArchiveError
        If the one file that was given cannot be read.
    """
    if form not in FORMS:
        raise InputError(f"There is no form {form!r} of metadata.{closest(str(form), FORMS)}")
    root = Path(path)
    if not root.exists():
        raise NotFoundError(f"There is no file or folder {root}.")
    publisher = find_settings(root) if settings is None else settings
    members, failed = _facts(root, publisher, form)
    target = Path(out) if out is not None else None
    records = Records(form, _texts(form, root, members, target), failed)
    if target is not None:
        records.write(target)
    return records


def _facts(root: Path, publisher: Publisher, form: Form) -> tuple[dict[Path, Facts], dict[str, str]]:
    """Return what is known of each file, and why of some nothing can be told in this form."""
    if not root.is_dir():
        return {root: facts_of(root, publisher)}, {}
    found: dict[Path, Facts] = {}
    failed: dict[str, str] = {}
    seen: dict[str, Path] = {}
    for path in products(root):
        try:
            facts = facts_of(path, publisher)
            if facts.id in seen:  # in another folder: their records would have one name
                raise InputError(f"{seen[facts.id].relative_to(root).as_posix()} has the same name; describe it alone.")
            if form == "stac":
                stac.require_time(facts)
            seen[facts.id] = path
            found[path] = facts
        except MusyqError as error:
            failed[path.relative_to(root).as_posix()] = str(error).replace(str(path), "The file")
    if not found:
        why = f" {len(failed)} files could not be read: {next(iter(failed.values()))}" if failed else ""
        raise NotFoundError(f"{root} holds no product that could be described.{why}")
    return found, failed


def _texts(form: Form, root: Path, members: dict[Path, Facts], out: Path | None) -> dict[str, str]:
    groups: dict[tuple[str, str], list[Facts]] = {}
    for facts in members.values():
        groups.setdefault((facts.product, facts.edition), []).append(facts)
    subjects = [series(group) for _, group in sorted(groups.items())] if root.is_dir() else list(members.values())
    if form == "stac":
        return _stac_texts(members, groups if root.is_dir() else {}, out)
    return {name: text for facts in subjects for name, text in _FORMATS[form](facts).items()}


def _stac_texts(
    members: dict[Path, Facts], groups: Mapping[tuple[str, str], Sequence[Facts]], out: Path | None
) -> dict[str, str]:
    found = {
        stac.collection_file(group[0]): _json(stac.collection(series(group), group))
        for _, group in sorted(groups.items())
    }
    for path, facts in members.items():
        found[stac.item_file(facts)] = _json(stac.item(facts, _seen_from(path, out)))
    return found


def _seen_from(path: Path, out: Path | None) -> str:
    """Return the way from the folder of the records to a file; beside each other where no folder is given."""
    if out is None:
        return f"./{path.name}"
    way = Path(os.path.relpath(path.absolute(), out.absolute())).as_posix()
    return way if way.startswith("../") else f"./{way}"


def _json(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _citations(facts: Facts) -> dict[str, str]:
    return {
        f"{facts.id}.citation.txt": citation_text(facts),
        f"{facts.id}.bib": bibtex(facts),
        f"{facts.id}.cff": cff(facts),
    }


_FORMATS: dict[str, Callable[[Facts], dict[str, str]]] = {
    "datacite": lambda facts: {f"{facts.id}.datacite.json": _json(datacite(facts))},
    "iso19115": lambda facts: {f"{facts.id}.iso19115.xml": iso19115(facts)},
    "citation": _citations,
    "datacore": lambda facts: {f"{facts.id}.datacore.json": _json(datacore(facts))},
}
