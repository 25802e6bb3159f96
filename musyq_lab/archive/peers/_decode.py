"""From a row and what a file says of itself to one way of decoding, or a plain contradiction."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.archive.peers.layout import Layer
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.stored import Packing

# How producers spell the attributes (compared without case, spaces and underscores).
_SPELLINGS = {
    "scale": ("scalefactor", "scale", "slope"),
    "offset": ("addoffset", "offset", "intercept"),
    "fill": ("fillvalue", "fill", "missingvalue", "nodata", "nodatavalue"),
    "valid": ("validrange",),
    "low": ("validmin",),
    "high": ("validmax",),
}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_CLOSE = 1e-3  # a scale of 0.0333 stands for 1/30; documented scales of one quantity differ by far more


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of the packing of a layer; None and empty where it is silent."""

    scale: float | None
    """Scale, as the file means it."""
    offset: float | None
    """Offset."""
    fills: tuple[float, ...]
    """Numbers without meaning."""
    valid: tuple[float, float] | None
    """Range of the stored numbers."""


def said(attributes: Mapping[str, Any]) -> Said:
    """Return what attributes say, however they spell it.

    Parameters
    ----------
    attributes : mapping
        Attributes of the stored layer.
    """
    plain = {re.sub(r"[\s_]", "", str(name)).lower(): value for name, value in attributes.items()}
    found = {
        what: next((numbers for name in names if (numbers := _numbers(plain.get(name)))), ())
        for what, names in _SPELLINGS.items()
    }
    valid = found["valid"][:2] if len(found["valid"]) >= 2 else found["low"][:1] + found["high"][:1]
    fills = {n for name in _SPELLINGS["fill"] for n in _numbers(plain.get(name)) if not math.isnan(n)}
    return Said(
        found["scale"][0] if found["scale"] else None,
        found["offset"][0] if found["offset"] else None,
        tuple(sorted(fills)),
        (valid[0], valid[1]) if len(valid) == 2 else None,
    )


def _numbers(value: Any) -> tuple[float, ...]:
    if isinstance(value, (str, bytes)):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        return tuple(float(n) for n in _NUMBER.findall(text)) if re.match(r"[\s([\-+.\d]", text) else ()
    if value is None:
        return ()
    flat = np.asarray(value).ravel()
    return tuple(float(n) for n in flat) if flat.dtype.kind in "iufb" else ()


def packing(row: Layer, attributes: Mapping[str, Any], stored: np.dtype[Any], where: str, *, scaled: bool) -> Packing:
    """Return how to decode a layer.

    Parameters
    ----------
    row : Layer
        What is documented.
    attributes : mapping
        What the file says.
    stored : numpy.dtype
        Type of the stored numbers.
    where : str
        File and layer, for messages.
    scaled : bool
        Whether floating-point numbers are values that somebody has scaled already.

    Raises
    ------
    ArchiveError
        If file and documentation contradict each other, or neither tells the scale.
    """
    file = said(attributes)
    scale, offset = _scale(row, file, where), _offset(row, file, where)
    valid = _valid(row, file, scale, offset, where)
    fills = _fills(row, file, valid, where)
    if stored.kind == "f" and scaled:
        low, high = (limit * scale + offset for limit in valid)
        margin = 1e-6 * max(1.0, abs(low), abs(high)) if math.isfinite(high - low) else 0.0
        return Packing(fills=fills, limits=(low - margin, high + margin))
    return Packing(scale, offset, fills, valid)


def _scale(row: Layer, file: Said, where: str) -> float:
    if file.scale is None:
        if row.scale is None:
            raise ArchiveError(f"{where} has no scale, and its versions differ: it cannot be decoded safely.")
        return row.scale
    if file.scale == 0 or not math.isfinite(file.scale):
        raise ArchiveError(f"{where} has scale {file.scale:g}. The header is damaged.")
    for text, meant in row.declared:
        if math.isclose(file.scale, text, rel_tol=_CLOSE):
            return meant
    if row.scale is None or row.trust == "file" or math.isclose(file.scale, row.scale, rel_tol=_CLOSE):
        return file.scale
    raise ArchiveError(
        f"{where} says scale {file.scale:g}, but {row.scale:g} is documented for it. It was rewritten, or is of a "
        "version this package does not know: it is not decoded, lest its values be wrong."
    )


def _offset(row: Layer, file: Said, where: str) -> float:
    if file.offset is None or any(text == file.scale for text, _ in row.declared if file.scale is not None):
        return row.offset
    if row.scale is None or row.trust == "file" or math.isclose(file.offset, row.offset, rel_tol=_CLOSE, abs_tol=1e-9):
        return file.offset
    raise ArchiveError(
        f"{where} says offset {file.offset:g}, but {row.offset:g} is documented for it. It is not decoded, lest its "
        "values be wrong."
    )


def _valid(row: Layer, file: Said, scale: float, offset: float, where: str) -> tuple[float, float]:
    everything = (-math.inf, math.inf)
    own, theirs = row.valid or everything, file.valid or everything
    if row.valid and row.scale and row.trust == "file":  # the same values, in the file's own counts
        first, last = ((limit * row.scale + row.offset - offset) / scale for limit in row.valid)
        own = min(first, last) - _CLOSE, max(first, last) + _CLOSE
    both = max(own[0], theirs[0]), min(own[1], theirs[1])
    if both[0] > both[1]:
        raise ArchiveError(f"{where} says the range {theirs}, but {own} is documented for it: nothing would be left.")
    return both


def _fills(row: Layer, file: Said, valid: tuple[float, float], where: str) -> tuple[float, ...]:
    if row.trust == "file":
        return file.fills or row.fills
    for fill in file.fills:
        if fill not in row.fills and row.valid is not None and valid[0] <= fill <= valid[1]:
            raise ArchiveError(
                f"{where} says that {fill:g} is no data, but it lies within the documented range {row.valid}. It is "
                "not decoded, lest values be lost."
            )
    return tuple(dict.fromkeys((*row.fills, *file.fills)))


def decode(raw: NDArray[Any], how: Packing) -> NDArray[np.float32]:
    """Return values as float32, NaN where there are none."""
    if how == Packing():
        return raw.astype(np.float32)
    return how.unpack(raw).astype(np.float32, copy=False)
