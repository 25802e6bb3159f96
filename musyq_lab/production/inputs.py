"""The files a run reads, as they were before it began: bytes hashed, terms known, damage refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musyq_lab.files.digest import sha256
from musyq_lab.production.folders import folder_digest, folder_stamp
from musyq_lab.production.parameters import PATHS
from musyq_lab.production.recipes import Recipe, RecipeInput
from musyq_lab.production.sources import locate, sources, verify


@dataclass(frozen=True, slots=True)
class UsedFile:
    """An input as it was before the run."""

    name: str
    """Short name in the recipe."""
    path: Path
    """Where it lies; stays out of the record."""
    shipped: str
    """Path from the top of the tree, or ``package:path``; empty for a person's own file."""
    sha256: str
    """Of its bytes."""
    stamp: tuple[int, int]
    """Size and time of change, to see whether it changed during the run."""
    title: str
    """Plain words."""
    licence: str
    """Terms."""
    citation: str
    """How to cite it."""

    @property
    def changed(self) -> bool:
        """Whether the file is not what it was before the run."""
        try:
            return _stamp(self.path) != self.stamp
        except OSError:
            return True


def used_files(recipe: Recipe, parameters: Mapping[str, Any]) -> tuple[UsedFile, ...]:
    """Return what the recipe will read with these parameters, hashed; damaged shipped files are refused.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    parameters : mapping
        Checked values.
    """
    found = [used_file(item, parameters.get(item.parameter)) for item in recipe.inputs if _is_read(item, parameters)]
    declared = {item.parameter for item in recipe.inputs}
    for parameter in recipe.parameters:
        given = parameters.get(parameter.name)
        if parameter.kind not in PATHS or parameter.name in declared or given is None:
            continue
        item = RecipeInput(parameter.name, title=parameter.description)
        if parameter.kind == "path":
            found.append(used_file(item, given))
        elif (folder := used_folder(item, Path(given))) is not None:
            found.append(folder)
    return tuple(found)


def input_entity(item: UsedFile) -> dict[str, Any]:
    """Return an input as an entity of the record; of a person's own file only the name is kept."""
    entity = {
        "musyq:role": "input",
        "musyq:name": item.name,
        "musyq:file": item.shipped or item.path.name,
        "musyq:bytes": item.stamp[0],
        "musyq:sha256": item.sha256,
        "musyq:title": item.title,
        "musyq:licence": item.licence,
        "musyq:citation": item.citation,
    }
    return {key: value for key, value in entity.items() if value != ""}


def _is_read(item: RecipeInput, parameters: Mapping[str, Any]) -> bool:
    return bool(item.resource) or parameters.get(item.parameter) is not None


def used_file(item: RecipeInput, given: str | None, *, check: bool = True) -> UsedFile:
    """Return one input as it is now.

    Parameters
    ----------
    item : RecipeInput
        What the recipe declares.
    given : str or None
        Path of the person's own file, None for the shipped one.
    check : bool
        Whether a damaged shipped file is refused.
    """
    if given is not None:
        path = Path(given)
        title = f"{item.title} (own file {path.name})" if item.title else f"Own file {path.name}"
        return UsedFile(item.name, path, "", sha256(path), _stamp(path), title, "", "")
    if check:
        verify(item.resource)
    path = locate(item.resource)
    origin = sources().get(item.resource, {}) if item.resource.startswith("catalogs/") else {}
    reference = "; ".join(origin.get("references", ()))
    title = item.title or origin.get("title", "")
    terms = (title, item.licence or origin.get("licence", ""), item.citation or reference)
    return UsedFile(item.name, path, item.resource, sha256(path), _stamp(path), *terms)


def used_folder(item: RecipeInput, folder: Path) -> UsedFile | None:
    """Return the product files of a folder as one input; None where there are none, as in a folder of other data.

    Parameters
    ----------
    item : RecipeInput
        Name and title.
    folder : Path
        The person's own folder, absolute.
    """
    stamp = _stamp(folder)
    if not stamp[0]:
        return None
    title = f"{item.title} (own folder {folder.name})" if item.title else f"Own folder {folder.name}"
    return UsedFile(item.name, folder, "", folder_digest(folder), stamp, title, "", "")


def _stamp(path: Path) -> tuple[int, int]:
    if path.is_dir():
        return folder_stamp(path)
    status = path.stat()
    return status.st_size, status.st_mtime_ns
