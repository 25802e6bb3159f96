"""A figure as a folder: image files, the numbers drawn, the code that drew it, provenance, caption and citation.

The folder appears under its name complete or not at all, and the same figure gives the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.figures import style
from musyq_lab.figures._svg import svg_bytes
from musyq_lab.figures.tables import csv_text
from musyq_lab.figures.words import check_language, say

FORMATS = ("png", "svg", "pdf")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_RECORD = "provenance.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A saved figure."""

    folder: Path
    """Where everything is."""
    name: str
    """Name of the folder and of the files in it."""
    formats: tuple[str, ...]
    """Image formats it has."""

    def image(self, suffix: str = "png") -> Path:
        """Return the path of an image."""
        if suffix not in self.formats:
            raise NotFoundError(f"Figure {self.name!r} has no {suffix}; it has {', '.join(self.formats)}.")
        return self.folder / f"{self.name}.{suffix}"

    def _repr_html_(self) -> str:
        from html import escape

        files = ", ".join(sorted(path.name for path in self.folder.iterdir()))
        command = f"musyq cite {self.folder}"
        return f"<div><b>{escape(self.name)}</b>: {escape(files)}</div><code>{escape(command)}</code>"


def save_figure(
    figure: Figure, folder: Path | str, name: str, *, data: pd.DataFrame | xr.Dataset, code: str, caption: str,
    alt_text: str, citation: str, provenance: Mapping[str, Any], formats: Sequence[str] = ("png", "svg"),
    language: str = "en", units: Mapping[str, str] | None = None,
) -> Bundle:  # fmt: skip
    """Save a figure with everything that stands behind it in ``<folder>/<name>/``.

    Parameters
    ----------
    figure : Figure
        From a drawing function of this package.
    folder : Path or str
        Made if need be; a figure of the same name is replaced.
    name : str
        Lower-case letters, digits, ``_`` and ``-``.
    data : DataFrame or Dataset
        The numbers drawn, written as CSV or NetCDF.
    code : str
        Python that draws the figure from them.
    caption, alt_text, citation : str
        Words of ``caption.txt``.
    provenance : mapping
        Inputs, parameters and versions; JSON values.
    formats : sequence of str
        Of ``"png"`` (300 dpi), ``"svg"`` and ``"pdf"``.
    language : {"en", "zh"}
        Language of the figure.
    units : mapping, optional
        Column -> unit for the header of the CSV.

    Raises
    ------
    InputError
        If a name, a format, a text or the code cannot be used.
    ArchiveError
        If the folder cannot be written.
    """
    chosen = check_language(language)
    _check(name, formats, {"caption": caption, "alt_text": alt_text, "citation": citation}, code)
    files = {f"{name}.{suffix}": _picture(figure, suffix, caption, alt_text, chosen) for suffix in formats}
    suffix, numbers = _numbers(data, units)
    files |= {f"{name}.{suffix}": numbers, f"{name}.py": code.rstrip().encode() + b"\n"}
    sections = [("caption", caption), ("alt_text", alt_text), ("citation", citation)]
    text = "\n\n".join(f"{say(key, chosen)}\n{words.strip()}" for key, words in sections)
    files["caption.txt"] = f"{text}\n".encode()
    files[_RECORD] = _record(name, chosen, files, provenance, {key: words.strip() for key, words in sections})
    target = Path(folder) / name
    _write_folder(target, files)
    return Bundle(target, name, tuple(formats))


def _check(name: str, formats: Sequence[str], words: Mapping[str, str], code: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a figure: use lower-case letters, digits, '_' and '-'.")
    if unknown := sorted(set(formats) - set(FORMATS)):
        raise InputError(f"Figures are saved as {', '.join(FORMATS)}, not as {', '.join(unknown)}.")
    if not formats:
        raise InputError(f"A figure needs at least one format of {', '.join(FORMATS)}.")
    if empty := [key for key, text in words.items() if not text.strip()]:
        raise InputError(f"Figure {name!r} needs a {' and a '.join(empty)}.")
    try:
        compile(code, f"{name}.py", "exec")
    except SyntaxError as error:
        raise InputError(f"The code of figure {name!r} is not Python: line {error.lineno}, {error.msg}.") from error


def _picture(figure: Figure, suffix: str, title: str, alt_text: str, language: str) -> bytes:
    with style.language(language):
        if suffix == "svg":
            return svg_bytes(figure, title=title, alt_text=alt_text, language=language)
        stream = io.BytesIO()
        if suffix == "png":
            metadata: dict[str, str | None] = {"Software": None, "Description": alt_text}
        else:
            metadata = {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None, "Title": title}
        figure.savefig(stream, format=suffix, dpi=style.DPI, metadata=metadata, facecolor="white")
        return stream.getvalue()


def _numbers(data: pd.DataFrame | xr.Dataset, units: Mapping[str, str] | None) -> tuple[str, bytes]:
    if isinstance(data, pd.DataFrame):
        return "csv", csv_text(data, units).encode()
    if not isinstance(data, xr.Dataset):
        raise InputError(f"data must be a DataFrame or a Dataset, got {type(data).__name__}.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.nc"
        packed = {str(key): {"zlib": True, "complevel": 4, "shuffle": True} for key in data.data_vars if data[key].ndim}
        data.to_netcdf(path, engine="h5netcdf", encoding=packed)
        return "nc", path.read_bytes()


def _record(
    name: str, language: str, files: Mapping[str, bytes], provenance: Mapping[str, Any], words: Mapping[str, str]
) -> bytes:
    record = {
        "figure": {"name": name, "language": language, **words},
        "software": f"musyq-lab {package_version()}",
        "files": {key: sha256(content).hexdigest() for key, content in sorted(files.items())},
        "provenance": dict(provenance),
    }
    try:
        return (json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"The provenance of figure {name!r} must hold JSON values only: {error}.") from error


def _write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder beside its final place and move it there when it is complete."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ArchiveError(f"{target.parent} cannot be written: {error.strerror}. Choose another folder.") from error
    try:
        draft.chmod(0o755)
        for name, content in files.items():
            _write(draft / name, content)
        _replace(draft, target)
    except OSError as error:
        message = f"Figure {target.name!r} could not be written to {target.parent}: {error.strerror}."
        raise ArchiveError(message) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(draft: Path, target: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    if not (target / _RECORD).is_file():
        raise InputError(f"{target} is there already and is no figure, so it is left alone. Choose another name.")
    old = draft.with_name(f"{draft.name}.old")
    target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_text(path: Path, text: str) -> Path:
    """Write a text file complete or not at all, and return its path.

    Raises
    ------
    ArchiveError
        If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        _write(draft, text.encode())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ArchiveError(f"{path} could not be written: {error.strerror}. Choose another folder.") from error
    return path


def cite(figure: Path | str) -> str:
    """Return the citation of a saved figure.

    Parameters
    ----------
    figure : Path or str
        Its folder.

    Raises
    ------
    NotFoundError
        If there is no figure in that folder.
    ArchiveError
        If its record is damaged.
    """
    path = Path(figure) / _RECORD
    if not path.is_file():
        raise NotFoundError(f"{figure} holds no figure of musyq-lab (no {_RECORD}). Give the folder of a figure.")
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["figure"]["citation"])
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path} is damaged, so its citation cannot be read. Draw the figure again.") from error
