"""Names from elsewhere inside a folder of ours: of downloads, uploads, results. None leads out of it.

A name is looked at as it is written and as Unicode's compatible form of it; then where it leads, symbolic links
included. A link that is put in place between the check and the use is not seen:
folders into which strangers write by other ways are no place for ours.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath

from musyq_lab.core.errors import InputError

MAX_PART = 255
"""Bytes of one part of a name, as file systems have it."""
MAX_NAME = 1024
"""Bytes of a name with its folders."""

# Devices of Windows, whatever their ending: a folder of results may be opened there.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
# Percents stand for other letters (%2e%2e is ..), the last six look like a slash.
_MARKS = frozenset('%\\:*?"<>|\u2044\u2215\u29f5\u29f8\u2571\u27cb')


def inside(root: str | Path, name: str) -> Path:
    """Return the path of a name inside a folder.

    Parameters
    ----------
    root : str or pathlib.Path
        The folder; it need not exist.
    name : str
        A file's name, with folders before it perhaps, ``/`` between them.

    Returns
    -------
    pathlib.Path
        ``root / name``.

    Raises
    ------
    InputError
        If it is empty or too long; absolute or with ``..``, also in letters that look like them; has control
        characters, turns of the writing direction, percents, backslashes or colons; has a part that begins with a
        dot, a dash or ``~``; is a device of Windows; or leads out of the folder by a symbolic link.
    """
    if not isinstance(name, str):
        raise InputError(f"A name must be a text, got {type(name).__name__}.")
    if reason := _fault(name):
        raise InputError(
            f"The name {_shown(name)} {reason}. Use letters, digits, '_', '-' and '.', such as 'lai_2015.h5'."
        )
    if not stays(root, name):
        raise InputError(f"The name {_shown(name)} leads out of {root}. Give a name inside it.")
    return Path(root) / name


def stays(root: str | Path, name: object) -> bool:
    """Whether a relative path stays inside a folder, symbolic links included; it may look as it likes otherwise.

    Parameters
    ----------
    root : str or pathlib.Path
        The folder; it need not exist.
    name : object
        Path relative to it; what is no text does not stay.
    """
    if not isinstance(name, str) or not name or "\0" in name or name.startswith("/"):
        return False
    parts = PurePosixPath(name).parts
    if (
        ".." in parts
        or not parts
        or len(_bytes(name)) > MAX_NAME
        or any(len(_bytes(part)) > MAX_PART for part in parts)
    ):
        return False
    try:
        base = Path(root).resolve()
        target = (base / name).resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, a name the system does not take
        return False
    return target != base and target.is_relative_to(base)


def _fault(name: str) -> str:
    """Return what is wrong with a name in itself or in the form that others may make of it, empty if nothing is."""
    plain = unicodedata.normalize("NFKC", name)
    if plain.count("/") != name.count("/"):
        return "has a letter in it that stands for a slash"
    return _fault_of_form(name) or _fault_of_form(plain)


def _fault_of_form(name: str) -> str:
    if not name:
        return "is empty"
    if len(_bytes(name)) > MAX_NAME:
        return f"is longer than {MAX_NAME} bytes"
    if not name.isprintable():
        return "has a control character in it"
    if set(name) & _MARKS:
        return "has a character in it that leads elsewhere, stands for another or means many"
    parts = name.split("/")
    return next((reason for part in parts if (reason := _fault_of_part(part))), "")


def _fault_of_part(part: str) -> str:
    if not part:
        return "is absolute or has an empty part"
    if part[0] in ".-~ " or part[-1] in ". ":
        return "has a part that begins with '.', '-', '~' or a blank, or ends with '.' or a blank"
    if len(_bytes(part)) > MAX_PART:
        return f"has a part longer than {MAX_PART} bytes"
    return "is a device of Windows" if _DEVICES.fullmatch(part) else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _shown(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:80]}…")
