"""How to cite a recipe, a result or a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import NotFoundError
from musyq_lab.production.inputs import input_entity, used_file
from musyq_lab.production.recipes import Recipe

CITATION = "citation.txt"


def citation(recipe: Recipe, inputs: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return how to cite a result: the software, the recipe, its data and the papers it rests on.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    inputs : sequence of mapping
        Input entities of a record; what the recipe reads by default if empty.
    """
    data = inputs or [input_entity(used_file(item, None, check=False)) for item in recipe.inputs if item.resource]
    lines = [
        "How to cite",
        f"MuSyQ Lab developers: MuSyQ Lab {package_version()}, open laboratory for multi-source synergized "
        f"quantitative remote sensing, Apache-2.0. Recipe {recipe.key!r}: {recipe.title['en']}.",
        "",
        "Data",
    ]
    for item in data:
        parts = [
            item.get("musyq:title") or item["musyq:name"],
            item.get("musyq:citation", ""),
            item.get("musyq:licence", ""),
        ]
        lines.append("- " + ". ".join(part.rstrip(".") for part in parts if part) + ".")
    lines += ["", "Methods", *(f"- {text}" for text in recipe.references)] if recipe.references else []
    return "\n".join(lines) + "\n"


def cite_folder(folder: Path) -> str:
    """Return the citation text of a result folder, or of a figure or table inside one.

    Parameters
    ----------
    folder : Path
        The folder or a file or folder in it.

    Raises
    ------
    NotFoundError
        If neither it nor the two folders above hold a citation.
    """
    place = folder.expanduser().absolute()
    for candidate in (place, *list(place.parents)[:3]):
        if (candidate / CITATION).is_file():
            return (candidate / CITATION).read_text(encoding="utf-8")
    raise NotFoundError(
        f"{str(folder)!r} holds no {CITATION}. Give a recipe's name or the folder that `musyq run` left"
    )
