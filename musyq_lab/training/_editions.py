"""Editions of notebooks in other languages, made from the English ones and a table of words.

The code has one source: the English notebook. ``notebooks/zh/words/<notebook>.yml`` holds ``cells`` (cell of text ->
its translation ``zh``, and ``of``, the fingerprint of the English words it was made from) and ``phrases`` (words of
comments and texts in cells of code -> their translation). Nothing else of the code can be changed by it.

::

    python -m musyq_lab.training._editions notebooks            # write notebooks/zh/*.ipynb
    python -m musyq_lab.training._editions notebooks --stamp    # first say that all translations are up to date

Words that were changed in English only are told, and nothing is written; a test asks the same.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tokenize
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from musyq_lab.core.errors import InputError

LANGUAGE = "zh"
"""Language of the edition, and name of its folder."""
_WORDY = ("COMMENT", "STRING", "FSTRING_MIDDLE")  # tokens that hold words, also of Python 3.12
Notebook = dict[str, Any]
Words = dict[str, Any]


def fingerprint(text: str) -> str:
    """Return eight digits that change with the words of a cell."""
    return sha256(text.encode()).hexdigest()[:8]


def source_of(cell: Mapping[str, Any]) -> str:
    """Return the source of a cell as one text."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def translated_code(source: str, phrases: Mapping[str, str]) -> str:
    """Return code with the phrases of its comments and texts translated; longer phrases come first.

    Parameters
    ----------
    source
        Python code.
    phrases
        English -> translation, neither with a line break.
    """
    lines = source.splitlines(keepends=True)
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if tokenize.tok_name[t.type] in _WORDY]
    for token in reversed(tokens):
        (row, start), (last, end) = token.start, token.end
        if row != last:
            continue  # texts of several lines are code of their own
        line = lines[row - 1]
        lines[row - 1] = line[:start] + _wordwise(line[start:end], phrases) + line[end:]
    return "".join(lines)


def _wordwise(token: str, phrases: Mapping[str, str]) -> str:
    """Return a comment or text with its phrases replaced, but not in the expressions of an f-string."""
    if not re.match("[rR]?[fF]", token):
        return _replaced(token, phrases)
    parts = re.split(r"(\{[^{}]*\})", token)  # every second one is an expression
    return "".join(part if odd % 2 else _replaced(part, phrases) for odd, part in enumerate(parts))


def _replaced(text: str, phrases: Mapping[str, str]) -> str:
    """Return a text with its phrases replaced; what has been replaced is left alone."""
    for english in sorted(phrases, key=len, reverse=True):
        if english in text:
            before, after = text.split(english, 1)
            return _replaced(before, phrases) + phrases[english] + _replaced(after, phrases)
    return text


def faults(notebook: Notebook, words: Words) -> list[str]:
    """Return what keeps a table of words from being that of a notebook, as sentences.

    Parameters
    ----------
    notebook
        The English notebook, as JSON.
    words
        ``cells`` and ``phrases``.
    """
    texts = {c["id"]: source_of(c) for c in notebook["cells"] if c["cell_type"] == "markdown"}
    code = "\n".join(source_of(c) for c in notebook["cells"] if c["cell_type"] == "code")
    cells, found = words["cells"], []
    found += [f"cell {key} has no translation" for key in texts if key not in cells]
    found += [f"there is no cell of text {key}" for key in cells if key not in texts]
    old = [key for key in texts if key in cells and cells[key].get("of") != fingerprint(texts[key])]
    found += [f"the English words of cell {key} have changed" for key in old]
    found += [f"no cell of code says {phrase!r}" for phrase in words["phrases"] if phrase not in code]
    return found


def edition(notebook: Notebook, words: Words) -> Notebook:
    """Return the notebook with all words translated.

    Raises
    ------
    InputError
        If the table is not that of the notebook as it is now.
    """
    if told := faults(notebook, words):
        raise InputError(f"The translation is behind: {'; '.join(told)}. Mend the table, then stamp it.")
    return {**notebook, "cells": [_cell(cell, words) for cell in notebook["cells"]]}


def _cell(cell: dict[str, Any], words: Words) -> dict[str, Any]:
    if cell["cell_type"] == "markdown":
        text = words["cells"][cell["id"]][LANGUAGE].rstrip("\n")
    else:
        text = translated_code(source_of(cell), words["phrases"])
    return {**cell, "source": text.splitlines(keepends=True)}


def tables(folder: Path) -> list[Path]:
    """Return the tables of words of a folder of notebooks."""
    return sorted((folder / LANGUAGE / "words").glob("*.yml"))


def read(folder: Path, table: Path) -> tuple[Notebook, Words]:
    """Return a table's English notebook and its words."""
    notebook = json.loads((folder / f"{table.stem}.ipynb").read_text("utf-8"))
    return notebook, yaml.safe_load(table.read_text("utf-8"))


def text_of(notebook: Notebook) -> str:
    """Return a notebook as it is written."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def stamp(folder: Path, table: Path) -> None:
    """Write the fingerprints of the English words into a table: its translations are up to date."""
    notebook, words = read(folder, table)
    for cell in notebook["cells"]:
        if cell["id"] in words["cells"]:
            own = words["cells"][cell["id"]]
            words["cells"][cell["id"]] = {"of": fingerprint(source_of(cell)), LANGUAGE: own[LANGUAGE]}
    table.write_text(yaml.dump(words, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120), "utf-8")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, which people can edit."""


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def write(folder: Path) -> list[Path]:
    """Write all editions of a folder of notebooks and return their paths."""
    made = []
    for table in tables(folder):
        target = folder / LANGUAGE / f"{table.stem}.ipynb"
        target.write_text(text_of(edition(*read(folder, table))), "utf-8")
        made.append(target)
    return made


def main(arguments: Iterable[str]) -> None:
    """Write the editions of the folder that is named first."""
    given = list(arguments)
    folder = Path(given[0] if given else "notebooks")
    if "--stamp" in given:
        for table in tables(folder):
            stamp(folder, table)
    for path in write(folder):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
