"""The metadata text of Landsat scenes (MTL), of five generations, under the names of today.

Before August 2012 the entries were called otherwise (``LMAX_BAND1``, ``ACQUISITION_DATE``), gains came as limits of the
radiance, and ETM+ had two thermal bands 61 and 62. Since then names are the same; Collection 2 moved them to other
groups. What an entry says is checked against what it may be, since a text cut or damaged in the middle of a number
still holds a number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._time import instant

MAX_SIZE = 4 * 2**20
"""Bytes of a metadata text; real ones have 7 to 64 KB."""

# Names before August 2012 -> since then.
_OLD = (
    (r"LMAX_BAND(\w+)", r"RADIANCE_MAXIMUM_BAND_\1"),
    (r"LMIN_BAND(\w+)", r"RADIANCE_MINIMUM_BAND_\1"),
    (r"QCALMAX_BAND(\w+)", r"QUANTIZE_CAL_MAX_BAND_\1"),
    (r"QCALMIN_BAND(\w+)", r"QUANTIZE_CAL_MIN_BAND_\1"),
    (r"BAND(\w+)_FILE_NAME", r"FILE_NAME_BAND_\1"),
    (r"ACQUISITION_DATE", "DATE_ACQUIRED"),
    (r"SCENE_CENTER_SCAN_TIME", "SCENE_CENTER_TIME"),
    (r"PRODUCT_TYPE", "DATA_TYPE"),
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """The entries of one MTL text."""

    path: Path
    """The file, for messages."""
    entries: Mapping[str, str]
    """Name of today -> text; the first of a name that comes twice."""

    def text(self, name: str, default: str | None = None) -> str:
        """Return an entry.

        Raises
        ------
        SceneError
            If it is missing and has no default.
        """
        if name in self.entries:
            return self.entries[name]
        if default is None:
            raise SceneError(f"{self.path} lacks {name}. It is cut short or damaged: fetch it again.")
        return default

    def number(
        self, name: str, default: float | None = None, *, least: float = -math.inf, most: float = math.inf
    ) -> float:
        """Return an entry that is a number.

        Raises
        ------
        SceneError
            If it is missing and has no default, or is there and no finite number from ``least`` to ``most``.
        """
        if name not in self.entries and default is not None:
            return default
        text = self.text(name)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            raise SceneError(f"{self.path} says {name} = {text!r}, which cannot be. It is damaged: fetch it again.")
        return value

    def has(self, *names: str) -> bool:
        """Whether all entries are there."""
        return all(name in self.entries for name in names)

    def moment(self) -> datetime:
        """Return when the centre of the scene was taken (UTC).

        Raises
        ------
        SceneError
            If date or time are missing or none.
        """
        text = f"{self.text('DATE_ACQUIRED')}T{self.text('SCENE_CENTER_TIME')}"
        try:
            return instant(text)
        except SceneError as error:
            raise SceneError(f"{self.path}: {error}") from None


def read_mtl(path: Path) -> Metadata:
    """Return the entries of an MTL text.

    Raises
    ------
    SceneError
        If it is no such text, or does not reach its end.
    """
    size = path.stat().st_size
    if not size:
        raise SceneError(f"{path} is empty (0 bytes). Fetch it again.")
    if size > MAX_SIZE:
        raise SceneError(f"{path} has {size} bytes, too many for Landsat metadata. It is of another kind.")
    text = path.read_bytes().replace(b"\0", b"").decode("latin-1").rstrip()
    entries: dict[str, str] = {}
    for name, value in re.findall(r'^[ \t]*(\w+)[ \t]*=[ \t]*"?([^"\r\n]*)"?[ \t]*\r?$', text, re.MULTILINE):
        entries.setdefault(_today(name), value.strip())
    if "SPACECRAFT_ID" not in entries:
        raise SceneError(
            f"{path} holds no Landsat metadata (SPACECRAFT_ID is missing). It is cut short or of another kind."
        )
    if not re.search(r"^END$", text, re.MULTILINE):  # indented, it may be a cut END_GROUP
        raise SceneError(f"{path} is cut short: its last line, END, is missing. Fetch it again.")
    return Metadata(path, entries)


def _today(name: str) -> str:
    for old, new in _OLD:
        if re.fullmatch(old, name):
            return re.sub(r"_(\d)(\d)$", r"_\1_VCID_\2", re.sub(old, new, name))  # ETM+: BAND61 is B6_VCID_1
    return name
