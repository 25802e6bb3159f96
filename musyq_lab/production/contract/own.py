"""An algorithm from a Python file of the user's own, for this session: what a command or a recipe names by a path."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Product
from musyq_lab.production.contract.session import require
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._retrieval import Retrieval


def load_algorithm(path: str | Path) -> Retrieval:
    """Register the algorithm of a Python file for this session.

    The file has the form of a product of the package: ``SPEC = Product(...)`` and a function of the same name as its
    key, made by ``@ml.algorithm(SPEC)`` or by ``retrieval``. It is run, in this process: load what you trust.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    Retrieval
        The algorithm, which the file's key names from now on. Workers of dask get its code by value.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it cannot be run, holds no algorithm, or its key belongs to a shipped product.
    """
    file = Path(path).expanduser().resolve()
    if not file.is_file():
        raise NotFoundError(f"There is no file {path}. Give the Python file that holds SPEC and the function.")
    if file.suffix != ".py":
        raise InputError(f"{path} is no Python file. Give the .py file that holds SPEC and the function.")
    module = _run(file)
    spec = getattr(module, "SPEC", None)
    if not isinstance(spec, Product):
        raise InputError(f"{path} holds no SPEC = Product(...). musyq_lab/products/vi.py is an example.")
    made = getattr(module, spec.key, None)
    if not isinstance(made, Retrieval) or made.spec != spec:
        raise InputError(
            f"{path} holds no function {spec.key!r} made by @ml.algorithm(SPEC), which its spec is called."
        )
    PRODUCTS.add(spec.key, spec)
    RETRIEVALS.add(spec.key, made)
    return made


def use_algorithm(algorithm: str | Path) -> Retrieval:
    """Return an algorithm for production: one that keeps the contract, which is checked now where nobody has yet.

    This is what a recipe calls on its parameter: one of kind ``path`` for a file of the reader's own, whose bytes the
    record of the run then names, or a text or choice for the key of an installed algorithm.

    Parameters
    ----------
    algorithm : str or pathlib.Path
        A Python file as :func:`load_algorithm` takes it, or the key of a registered algorithm.

    Raises
    ------
    NotFoundError
        If there is no such file or algorithm.
    InputError
        If the file holds no algorithm.
    RecipeError
        If it does not keep the contract; the message says which check failed and what to do.
    """
    if isinstance(algorithm, Path) or algorithm.endswith(".py"):
        made = load_algorithm(algorithm)
    else:
        made = RETRIEVALS[algorithm]
    require(made.spec.key)
    return made


def session_algorithms() -> tuple[Retrieval, ...]:
    """Return the algorithms that were registered in this session, which a worker has to be sent.

    Those that ship with the package and those of installed plug-ins are found by every process that has the packages.
    """
    return tuple(RETRIEVALS.added.values())


def adopt(algorithms: Iterable[Retrieval]) -> None:
    """Register algorithms that another process sent, so that tasks find them by key here too.

    Parameters
    ----------
    algorithms : iterable of Retrieval
        What :func:`session_algorithms` gave there, such as ``client.run(adopt, session_algorithms())`` with dask.
    """
    for algorithm in algorithms:
        PRODUCTS.add(algorithm.spec.key, algorithm.spec)
        RETRIEVALS.add(algorithm.spec.key, algorithm)


def _run(file: Path) -> Any:
    """Run a file as a module that nobody can import, so that its functions travel by value."""
    module = ModuleType(f"own_{file.stem}")
    module.__file__ = str(file)
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else "?")
        raise InputError(f"{file.name} cannot be run: line {line}: {type(error).__name__}: {error}.") from error
    return module
