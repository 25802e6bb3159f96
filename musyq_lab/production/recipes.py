"""Recipes: a notebook with one tagged ``parameters`` cell, and a YAML description beside it.

The description (``<name>.yml``) says what the notebook cannot: titles in two languages, what it reads, the type and
range of every parameter, which files it leaves. :meth:`Recipe.problems` tells where the two disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.core.resources import resource
from musyq_lab.production.notebook import disagreements
from musyq_lab.production.parameters import CHECKS, RESERVED, Kind, Parameter

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_FIELDS = {"title", "summary", "inputs", "parameters", "outputs", "figures", "references", "estimate"}
_RENAMED = {"type": "kind", "min": "minimum", "max": "maximum"}


@dataclass(frozen=True, slots=True)
class RecipeInput:
    """Something a recipe reads."""

    name: str
    """Short name."""
    resource: str = ""
    """Shipped file, relative to the top of the source tree; empty where only a parameter names it."""
    parameter: str = ""
    """Path parameter that replaces the shipped file when it is given."""
    title: str = ""
    """Plain words."""
    licence: str = ""
    """Terms; those of ``catalogs/samples/SOURCES.yml`` where empty."""
    citation: str = ""
    """How to cite it; likewise."""


@dataclass(frozen=True)
class Recipe:
    """A recipe as its description has it."""

    key: str
    """Name used by ``musyq run``."""
    notebook: Path
    """The notebook."""
    description: Path
    """The YAML file."""
    title: Mapping[str, str]
    """By language."""
    summary: Mapping[str, str]
    """By language."""
    parameters: tuple[Parameter, ...]
    """What may be chosen."""
    inputs: tuple[RecipeInput, ...]
    """What it reads."""
    outputs: tuple[str, ...]
    """Patterns of the files it leaves, relative to the output folder; each matches at least one file."""
    figures: tuple[str, ...]
    """Patterns of its figures; part of the outputs."""
    references: tuple[str, ...]
    """Papers it rests on."""
    estimate: Mapping[str, float]
    """``minutes`` and ``memory_gb`` on two cores."""

    def table(self) -> list[list[str]]:
        """Return the parameters as header and rows of text."""
        header = ["parameter", "needs", "default", "meaning"]
        return [header, *([p.name, p.expects, _shown(p.default), p.description] for p in self.parameters)]

    def problems(self) -> list[str]:
        """Return where notebook and description disagree, in words; empty when they agree."""
        return disagreements(self.notebook, self.parameters)

    def __repr__(self) -> str:
        """Show title and parameters."""
        names = ", ".join(p.name for p in self.parameters)
        return f"<recipe {self.key}: {self.title['en']}; parameters: {names}>"

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{self.key}: {self.title['en']}")


class Recipes(Mapping[str, Recipe]):
    """The recipes of a folder.

    Parameters
    ----------
    folder : Path, optional
        Where they lie; the shipped ``recipes/`` by default.
    """

    kind = "recipe"

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder

    @cached_property
    def folder(self) -> Path:
        """Where they lie."""
        return self._given or resource("recipes")

    def __getitem__(self, key: str) -> Recipe:
        """Read one recipe's description."""
        if key not in set(self):
            raise NotFoundError(f"There is no recipe {key!r}.{closest(str(key), self)}")
        return load_recipe(self.folder / f"{key}.yml")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in alphabetical order."""
        return iter(sorted(path.stem for path in self.folder.glob("*.yml") if path.with_suffix(".ipynb").is_file()))

    def __len__(self) -> int:
        """Count the recipes."""
        return sum(1 for _ in self)

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        rows = [[r.key, r.title["en"], r.title.get("zh", ""), _estimate(r.estimate)] for r in self.values()]
        return [[self.kind, "title", "标题", "takes about"], *rows]

    def __repr__(self) -> str:
        """Show the names."""
        return f"<{len(self)} recipes: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{len(self)} recipes")


RECIPES = Recipes()
"""The recipes that ship with MuSyQ Lab."""


def find_recipe(name: str | Recipe) -> Recipe:
    """Return a shipped recipe by name, or one's own by the path of its ``.yml`` or ``.ipynb`` file.

    Parameters
    ----------
    name : str or Recipe
        ``"solar_potential"``, ``"mine/burned_area.yml"`` or a recipe already read.
    """
    if isinstance(name, Recipe):
        return name
    if not isinstance(name, str):
        raise InputError(f"A recipe is named by a text, got {name!r}. Known: {', '.join(RECIPES)}")
    path = Path(name).expanduser()
    if path.suffix in {".yml", ".ipynb"}:
        return load_recipe(path.with_suffix(".yml"))
    return RECIPES[name]


def load_recipe(path: Path) -> Recipe:
    """Read and check a recipe's description.

    Parameters
    ----------
    path : Path
        The ``.yml`` file; the notebook lies beside it under the same name.

    Raises
    ------
    InputError
        If the description is malformed; the message names the field.
    NotFoundError
        If either file is missing.
    """
    import yaml

    path = path.absolute()
    for part in (path, path.with_suffix(".ipynb")):
        if not part.is_file():
            raise NotFoundError(f"A recipe is a notebook and a .yml of the same name; there is no file {str(part)!r}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise InputError(f"{path.name} is not readable YAML: {reason}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name} must be a mapping with title, summary, parameters and outputs")
    try:
        return _recipe(path, content)
    except InputError as reason:
        raise InputError(f"{path.name}: {reason}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as reason:
        raise InputError(f"{path.name}: {type(reason).__name__}: {reason}") from None


def _recipe(path: Path, content: dict[str, Any]) -> Recipe:
    if unknown := set(content) - _FIELDS:
        raise InputError(f"unknown fields {sorted(map(str, unknown))}. Known: {', '.join(sorted(_FIELDS))}")
    if not _KEY.fullmatch(path.stem):
        raise InputError(f"the name {path.stem!r} must be lower-case letters, digits and underscores")
    parameters = tuple(_parameter(entry) for entry in content.get("parameters") or ())
    names = [p.name for p in parameters]
    if len(set(names)) != len(names):
        raise InputError(f"a parameter is declared twice: {names}")
    figures = tuple(_relative(p) for p in content.get("figures") or ())
    outputs = tuple(_relative(p) for p in content.get("outputs") or ())
    return Recipe(
        key=path.stem,
        notebook=path.with_suffix(".ipynb"),
        description=path,
        title=_languages(content["title"]),
        summary=_languages(content["summary"]),
        parameters=parameters,
        inputs=tuple(_input(entry, names) for entry in content.get("inputs") or ()),
        outputs=outputs + tuple(p for p in figures if p not in outputs),
        figures=figures,
        references=tuple(str(text) for text in content.get("references") or ()),
        estimate={str(k): float(v) for k, v in (content.get("estimate") or {}).items()},
    )


def _parameter(entry: Mapping[str, Any]) -> Parameter:
    fields = {_RENAMED.get(key, key): value for key, value in entry.items()}
    _known_fields(f"parameter {fields.get('name')!r}", fields, Parameter)
    fields["allowed"] = tuple(fields.get("allowed") or ())
    parameter = Parameter(**fields)
    name = parameter.name
    if not name.isidentifier() or name in RESERVED:
        raise InputError(f"{name!r} cannot be the name of a parameter")
    for kind in (parameter.kind, parameter.items):
        if kind not in get_args(Kind):
            raise InputError(f"parameter {name!r} has the unknown type {kind!r}. Known: {', '.join(get_args(Kind))}")
    if parameter.sweep not in (None, True, False) or (parameter.sweep and parameter.kind == "list"):
        raise InputError(f"`sweep` of parameter {name!r} must be true or false, and not true for a list")
    if parameter.kind == "choice" and not parameter.allowed:
        raise InputError(f"the choice {name!r} needs a list `allowed`")
    if parameter.check and parameter.check not in CHECKS:
        raise InputError(
            f"parameter {name!r} asks for the unknown check {parameter.check!r}. Known: {', '.join(CHECKS)}"
        )
    # A further check may need data, which are looked at only when a person chooses.
    default = replace(parameter, check="").validate(parameter.default)
    return replace(parameter, default=default)


def _input(entry: Mapping[str, Any], parameters: list[str]) -> RecipeInput:
    _known_fields(f"input {entry.get('name')!r}", entry, RecipeInput)
    item = RecipeInput(**entry)
    if item.parameter and item.parameter not in parameters:
        raise InputError(f"input {item.name!r} names the parameter {item.parameter!r}, which is not declared")
    if not item.resource and not item.parameter:
        raise InputError(f"input {item.name!r} needs `resource`, `parameter` or both")
    if item.resource:
        _relative(item.resource)
    return item


def _known_fields(what: str, entry: Mapping[str, Any], kind: type) -> None:
    names = {field.name for field in fields_of(kind)}
    if unknown := set(entry) - names:
        raise InputError(
            f"{what} has unknown fields {sorted(map(str, unknown))}. "
            "Between { and } a text that holds a comma needs quotation marks"
        )


def _relative(pattern: Any) -> str:
    """Refuse a path that could leave its folder or name a hidden file."""
    path = PurePosixPath(pattern)
    if path.is_absolute() or not path.parts or any(part.startswith(".") for part in path.parts) or "\\" in pattern:
        raise InputError(f"{pattern!r} must be a path relative to its folder, without '..' and hidden names")
    return str(path)


def _languages(value: Any) -> dict[str, str]:
    texts = {"en": value} if isinstance(value, str) else {str(k): str(v) for k, v in value.items()}
    texts["en"]
    return texts


def _shown(value: Any) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _estimate(estimate: Mapping[str, float]) -> str:
    words = {"minutes": "min", "memory_gb": "GB"}
    return ", ".join(f"{value:g} {words.get(name, name)}" for name, value in estimate.items())


def text_of(texts: Mapping[str, str], language: str) -> str:
    """Return the text in a language, in English where there is none."""
    return texts.get(language, texts["en"])
