"""What a stage needs to know of the notebook that calls it: the code that led here, and what the stage did to it."""

from __future__ import annotations

import ast
import dis
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

_ANY_NAME = frozenset({"globals", "locals", "vars", "exec", "eval", "get_ipython"})
"""Names by which code can reach parameters without mentioning them."""


def executed_code() -> list[str]:
    """Return the source of every cell executed so far in this kernel, the present one last; empty outside of one."""
    from IPython import get_ipython

    shell = get_ipython()
    return [] if shell is None else [str(cell) for cell in shell.user_ns.get("In", ())[1:]]


def dependence(cells: Collection[str], parameters: Collection[str]) -> tuple[list[str], list[str]]:
    """Return what cells say apart from comments and layout, and which parameters they mention.

    Parameters
    ----------
    cells : collection of str
        Source of the cells; those that only set parameters count for nothing.
    parameters : collection of str
        Names of the parameters.
    """
    trees = [tree for cell in cells if not _sets_only(tree := ast.parse(cell), parameters)]
    names = {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}
    mentioned = parameters if names & _ANY_NAME else names & set(parameters)
    return [ast.dump(tree) for tree in trees], sorted(mentioned)


def _sets_only(tree: ast.Module, parameters: Collection[str]) -> bool:
    for line in tree.body:
        targets = line.targets if isinstance(line, ast.Assign) else [getattr(line, "target", None)]
        if not isinstance(line, (ast.Assign, ast.AnnAssign)) or not _is_literal(line.value):
            return False
        if not all(isinstance(t, ast.Name) and (t.id in parameters or t.id == "out") for t in targets):
            return False
    return True


def _is_literal(value: ast.expr | None) -> bool:
    try:
        ast.literal_eval(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
    return True


def sets_global(function: FunctionType) -> str:
    """Return the first global name that a function, or one inside it, sets; empty if it sets none."""
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        for step in dis.get_instructions(code):
            if step.opname in {"STORE_GLOBAL", "DELETE_GLOBAL"}:
                return str(step.argval)
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return ""


def visible_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of every file of a folder, hidden ones and the notebook itself apart."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts) and path.suffix != ".ipynb" and path.is_file():
            found[name.as_posix()] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


@contextmanager
def displayed() -> Iterator[list[Any]]:
    """Yield a list that gets an entry for each thing that is displayed (not printed) inside."""
    from IPython import get_ipython

    publisher: Any = getattr(get_ipython(), "display_pub", None)
    seen: list[Any] = []
    if not hasattr(publisher, "register_hook"):
        yield seen
        return

    def hook(message: Any) -> Any:
        seen.append(message)
        return message

    publisher.register_hook(hook)
    try:
        yield seen
    finally:
        publisher.unregister_hook(hook)
