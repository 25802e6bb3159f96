"""Where the data that ships with the package is found.

``catalogs/``, ``recipes/`` and ``notebooks/`` live beside the package in the source tree and inside it
(``musyq_lab/_data``) in an installed wheel.
"""

from __future__ import annotations

import csv
from pathlib import Path, PurePosixPath

from musyq_lab.core.errors import NotFoundError

_PACKAGE = Path(__file__).resolve().parents[1]
_ROOTS = (_PACKAGE / "_data", _PACKAGE.parent)
_FOLDERS = ("catalogs", "recipes", "notebooks")


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a shipped CSV table, by name of column; lines that begin with # are comments.

    Parameters
    ----------
    name : str
        As for :func:`resource`.
    """
    with resource(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def resource(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Parameters
    ----------
    name : str
        Path relative to the top of the source tree, such as ``"catalogs/samples.yml"``; it begins with one of the
        folders that ship and stays inside it.

    Raises
    ------
    NotFoundError
        If neither the installed package nor the source tree holds it.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] not in _FOLDERS or ".." in parts or "\0" in name:
        raise NotFoundError(f"{name!r} does not ship with musyq-lab. Name a file under {', '.join(_FOLDERS)}.")
    for root in _ROOTS:
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise NotFoundError(
        f"The installation lacks {name!r}, which ships with musyq-lab. Reinstall with `python -m pip install .`"
    )
