"""Who publishes an archive, under which licence and where: what no file can know, in one small YAML file.

``musyq-publisher.yml`` lies in the folder of the products (or above it)::

    publisher: Institute of Remote Sensing        # who makes the data available
    publisher_url: https://example.org
    creators:
      - name: Li, Hua
        orcid: 0000-0002-1825-0097
        affiliation: Institute of Remote Sensing
    contact: data@example.org
    licence: CC-BY-4.0                            # an SPDX identifier, or words
    licence_url: https://creativecommons.org/licenses/by/4.0/
    landing_page: https://example.org/lai
    access_url: https://example.org/data/         # files are below it by their names
    doi: 10.1234/musyq.lai                        # of the collection; or a mapping of product keys to DOIs
    year: 2026
    project: GEO MUSYQ
    validation: https://doi.org/10.1234/report    # where the validation of the data is reported
    retention: kept for ten years, then offered to the national archive
    copies: 2

Every line may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import InputError, NotFoundError, closest

NAME = "musyq-publisher.yml"
UNKNOWN = ":unav"
"""DataCite's word for a value that is not available (metadata schema, appendix 3)."""

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>#%?]+")
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.ASCII)
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_MOST = 2**16  # bytes of the file


@dataclass(frozen=True, slots=True)
class Creator:
    """A person or group that made the data."""

    name: str
    """``"Family, Given"``, or the name of a group."""
    orcid: str = ""
    """ORCID iD without its address."""
    affiliation: str = ""
    """Organisation."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """What the settings say; empty where they say nothing."""

    publisher: str = ""
    """Organisation that makes the data available."""
    publisher_url: str = ""
    """Its page."""
    creators: tuple[Creator, ...] = ()
    """Who made the data."""
    contact: str = ""
    """Address for questions."""
    licence: str = ""
    """SPDX identifier or words."""
    licence_url: str = ""
    """Text of the licence."""
    landing_page: str = ""
    """Page about the data."""
    access_url: str = ""
    """Where the files can be fetched, each by its name below it."""
    doi: Mapping[str, str] = field(default_factory=dict)
    """Product key -> DOI; the key ``""`` stands for all."""
    year: int = 0
    """Year of publication."""
    project: str = ""
    """Project or programme."""
    validation: str = ""
    """Where the validation of the data is reported (DOI or address)."""
    retention: str = ""
    """How long the data are kept, and what follows."""
    copies: int = 0
    """Copies in different places."""

    def doi_of(self, product: str) -> str:
        """Return the DOI of a product, empty where there is none."""
        return self.doi.get(product) or self.doi.get("", "")

    @property
    def spdx(self) -> str:
        """The licence where it is an SPDX identifier, else empty."""
        return self.licence if _SPDX.fullmatch(self.licence) else ""


def find_settings(path: str | Path) -> Publisher:
    """Return the settings of a folder of products: those in it or in the next folder above, else empty ones.

    Parameters
    ----------
    path : str or pathlib.Path
        A product file or a folder.

    Raises
    ------
    InputError
        If the settings there are not as they should be.
    """
    start = Path(path).absolute()
    near = start if start.is_dir() else start.parent
    found = next((folder / NAME for folder in (near, near.parent) if (folder / NAME).is_file()), None)
    return read_settings(found) if found else Publisher()


def read_settings(path: str | Path) -> Publisher:
    """Read a file of settings.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is no YAML mapping, has an unknown line, or a value is not what it should be; the message says which.
    """
    import yaml

    path = Path(path)
    try:
        text = path.read_bytes()[: _MOST + 1].decode("utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if len(text) > _MOST:
        raise InputError(f"{path} is larger than {_MOST} bytes, too large for settings.")
    try:
        # A few anchors that stand for each other can mean more than fits any memory.
        if any(isinstance(token, yaml.AnchorToken | yaml.AliasToken) for token in yaml.scan(text)):
            raise InputError(f"{path} has anchors or aliases (&, *); write every line out.")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}.") from error
    return settings_of(found or {}, path.name)


def settings_of(found: Any, where: str = "the settings") -> Publisher:
    """Return settings from a mapping, each value checked.

    Parameters
    ----------
    found : mapping
        Names of :class:`Publisher` -> values.
    where : str
        What the messages call it.

    Raises
    ------
    InputError
        As :func:`read_settings`.
    """
    if not isinstance(found, Mapping):
        raise InputError(f"{where} must be lines of 'name: value', such as 'licence: CC-BY-4.0'.")
    known = [item.name for item in fields(Publisher)]
    if unknown := [str(key) for key in found if key not in known]:
        raise InputError(f"{where} has the unknown line {unknown[0]!r}.{closest(unknown[0], known)}")
    values: dict[str, Any] = {}
    for name, value in found.items():
        if value is not None:
            values[str(name)] = _READERS.get(str(name), _text)(value, f"{where}: {name}")
    return Publisher(**values)


def _text(value: Any, where: str) -> str:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and len(str(value)) <= 2000:
        return " ".join(str(value).split())
    raise InputError(f"{where} must be a text of at most 2000 letters.")


def _url(value: Any, where: str) -> str:
    text = _text(value, where)
    if not re.fullmatch(r"https?://[^\s<>\"]+", text):
        raise InputError(f"{where} must be an address that begins with https://, not {text!r}.")
    return text


def _number(value: Any, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999:
        return value
    raise InputError(f"{where} must be a whole number, not {value!r}.")


def _doi(value: Any, where: str) -> dict[str, str]:
    given = value if isinstance(value, Mapping) else {"": value}
    found = {str(key): _text(item, where).removeprefix("https://doi.org/") for key, item in given.items()}
    if bad := [item for item in found.values() if not _DOI.fullmatch(item)]:
        raise InputError(f"{where} must be a DOI such as 10.1234/abc, not {bad[0]!r}. Leave it out if there is none.")
    return found


def _creators(value: Any, where: str) -> tuple[Creator, ...]:
    items = value if isinstance(value, list) else [value]
    found = []
    for item in items:
        given = item if isinstance(item, Mapping) else {"name": item}
        if unknown := set(map(str, given)) - {"name", "orcid", "affiliation"}:
            raise InputError(f"{where} has the unknown line {min(unknown)!r}. Known: name, orcid, affiliation.")
        texts = {str(key): _text(text, where) for key, text in given.items() if text is not None}
        if not texts.get("name"):
            raise InputError(f"{where}: every creator needs a name.")
        if texts.get("orcid") and not _valid_orcid(texts["orcid"]):
            raise InputError(f"{where}: {texts['orcid']!r} is no ORCID iD (16 digits, the last one a check digit).")
        found.append(Creator(**texts))
    return tuple(found)


def _valid_orcid(text: str) -> bool:
    """Whether the check digit is right (ISO 7064, MOD 11-2)."""
    if not _ORCID.fullmatch(text):
        return False
    digits, total = text.replace("-", ""), 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return digits[-1] == "0123456789X"[(12 - total % 11) % 11]


_READERS: dict[str, Any] = {
    "creators": _creators,
    "doi": _doi,
    "year": _number,
    "copies": _number,
    **dict.fromkeys(("publisher_url", "licence_url", "landing_page", "access_url"), _url),
}
