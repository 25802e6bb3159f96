"""The one tagged ``parameters`` cell of a recipe's notebook, and whether it agrees with the description."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import InputError
from musyq_lab.production.parameters import PATHS, Parameter

_ANNOTATIONS = {"choice": {"str", "int", "float", "bool"}, "float": {"float", "int"}}
_ANNOTATIONS |= {kind: {"str"} for kind in PATHS}


def disagreements(notebook: Path, parameters: Sequence[Parameter]) -> list[str]:
    """Return in words where a notebook's parameters cell and the declared parameters differ; empty if they agree.

    Parameters
    ----------
    notebook : Path
        The recipe's notebook; its cell holds every parameter and ``out``, the result folder.
    parameters : sequence of Parameter
        What the description declares.
    """
    try:
        cell = parameters_cell(notebook)
    except InputError as error:
        return [str(error)]
    declared = {p.name: p for p in parameters}
    found = [f"the parameters cell lacks {name!r}" for name in [*declared, "out"] if name not in cell]
    found += [f"the description lacks {name!r}" for name in cell if name not in declared and name != "out"]
    for name in declared.keys() & cell.keys():
        found += _differences(declared[name], *cell[name])
    return sorted(found)


def parameters_cell(notebook: Path) -> dict[str, tuple[str, Any]]:
    """Return name -> (annotation, default) of the one cell tagged ``parameters``.

    Raises
    ------
    InputError
        If there is not exactly one such cell or it holds more than ``name: type = literal`` lines.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise InputError(f"{notebook.name} needs exactly one cell tagged 'parameters', it has {len(tagged)}")
    found = {}
    for line in ast.parse("".join(tagged[0]["source"])).body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name) or line.value is None:
            raise InputError(f"{notebook.name}: the parameters cell may only hold lines of `name: type = value`")
        try:
            value = ast.literal_eval(line.value)
        except ValueError:
            raise InputError(f"{notebook.name}: the default of {line.target.id!r} must be a plain value") from None
        found[line.target.id] = (ast.unparse(line.annotation), value)
    return found


def _differences(parameter: Parameter, annotation: str, default: Any) -> list[str]:
    parts = [part.strip() for part in annotation.split("|")]
    kind = parts[0].partition("[")[0]
    found = []
    if kind not in _ANNOTATIONS.get(parameter.kind, {parameter.kind}):
        found.append(f"{parameter.name!r} is {annotation} in the notebook and {parameter.kind} in the description")
    if ("None" in parts) != parameter.nullable:
        found.append(f"{parameter.name!r} may be None in only one of notebook and description")
    if (type(default), default) != (type(parameter.default), parameter.default):
        found.append(f"{parameter.name!r} = {default!r} in the notebook, {parameter.default!r} in the description")
    return found
