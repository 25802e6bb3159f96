"""Names of product files: ``MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5``.

A name is made of fields that cannot hold a dot, a slash or a leading dash, so that no field can lead out of the
folder and every name can be taken apart again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Period, three_hourly, whole_period

_FIELDS = ("product", "edition", "tile", "period", "version")
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_VERSION = re.compile(r"v(\d{1,6})", re.ASCII)
# Labels of core.period, and whole years and months; anything else (2011-2015, climatology) is a name, not an instant.
_DAY_OF_YEAR = re.compile(r"(\d{4})(\d{3})(?:-(\d{2}))?", re.ASCII)
_MONTH = re.compile(r"(\d{4})(?:-(\d{2})(?:-p([1-6]))?)?", re.ASCII)
_YEARS = re.compile(r"([12]\d{3})-([12]\d{3})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class FileName:
    """The fields of a product file's name.

    Raises
    ------
    InputError
        If a field is empty, longer than 64 characters, or has characters other than letters, digits, ``_`` and ``-``.
    """

    product: str
    """Product key, lower-case (upper-case in the name)."""
    edition: str
    """Grid, such as ``"0p25deg"``."""
    tile: str
    """Part of the grid, ``"global"`` for all of it."""
    period: str
    """Label of the period, such as ``"2015001"``."""
    version: str
    """``"v"`` and a whole number."""

    def __post_init__(self) -> None:
        """Refuse a field that cannot be part of a file name."""
        for name in _FIELDS:
            value = getattr(self, name)
            if not (isinstance(value, str) and _FIELD.fullmatch(value)):
                raise InputError(
                    f"{name}={value!r} cannot be part of a file name. "
                    "Use 1 to 64 letters, digits, '_' and '-', beginning with a letter or a digit."
                )
        if self.product != self.product.lower():
            raise InputError(f"product={self.product!r} must be a product key in lower case.")
        if not _VERSION.fullmatch(self.version):
            raise InputError(f"version={self.version!r} must be 'v' and a whole number, such as 'v1'.")

    @property
    def stem(self) -> str:
        """Name without its ending: the identifier of the file."""
        return f"MuSyQ.{self.product.upper()}.{self.edition}.{self.tile}.{self.period}.{self.version}"

    @property
    def text(self) -> str:
        """Name of the file."""
        return f"{self.stem}.h5"

    @property
    def number(self) -> int:
        """Version as a number, so that v10 is newer than v9."""
        return int(self.version[1:])

    @property
    def start(self) -> datetime | None:
        """First instant of the period (UTC), None where the label names no instant."""
        return _start(self.period)

    @property
    def span(self) -> Period | None:
        """The whole period, None where the label does not tell its end: a day of the year stands for one day or five.

        A year, some years, a month, a sixth of a month and three hours have an end.
        """
        return _span(self.period)


@lru_cache(maxsize=2**16)
def parse(name: str) -> FileName | None:
    """Return the fields of a file's name, None if it is no name of ours.

    Parameters
    ----------
    name : str
        Name without folder.
    """
    parts = name.split(".")
    if len(parts) != 7 or parts[0] != "MuSyQ" or parts[-1] != "h5" or parts[1] != parts[1].upper():
        return None
    if not parts[1].isascii():  # the sign of kelvin becomes a plain k
        return None
    try:
        return FileName(parts[1].lower(), *parts[2:6])
    except InputError:
        return None


def _span(label: str) -> Period | None:
    if years := _YEARS.fullmatch(label):
        return whole_period(f"{years[1]}/{years[2]}") if years[1] <= years[2] else None
    start = _start(label)
    if start is None:
        return None
    if _MONTH.fullmatch(label):
        return whole_period(label)
    # Whole hours between those of the eight periods of a day name an instant.
    return period if (period := three_hourly(start)).label == label else None


def _start(label: str) -> datetime | None:
    try:
        if match := _DAY_OF_YEAR.fullmatch(label):
            year, day, hour = match.groups(default="00")
            start = datetime(int(year), 1, 1, int(hour)) + timedelta(days=int(day) - 1)
            return start if start.year == int(year) and int(day) > 0 else None
        if match := _MONTH.fullmatch(label):
            numbers = [int(text) for text in match.groups(default="1")]
            return datetime(numbers[0], numbers[1], 1 + 5 * (numbers[2] - 1))
    except ValueError:  # month 13, hour 24, year 0
        return None
    return None
