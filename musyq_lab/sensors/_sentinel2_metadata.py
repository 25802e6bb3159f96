"""Where the files of a Sentinel-2 SAFE lie, in a folder or a zip file, and what its two metadata files say.

Names and elements: S2-PDGS-TAS-DI-PSD, Sentinel-2 Products Specification Document, issues 12 to 15.
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element

from musyq_lab.core.errors import SceneError
from musyq_lab.files.xml import MAX_BYTES, read_xml
from musyq_lab.sensors._calibrate import Linear
from musyq_lab.sensors._granule import Granule, granule_name
from musyq_lab.sensors._time import instant

BAND_IDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Native bands in the order of their ``bandId``."""

_PRODUCT = r"(?:MTD_MSIL(?:1C|2A)|S2[A-D]_OPER_MTD_SAFL1C_.+)\.xml"
_TILE = r"(?:MTD_TL|S2[A-D]_OPER_MTD_L1C_TL_.+)\.xml"
_MAX_FILES = 20_000  # a SAFE has 120 of them
_CLIMB = 5  # folders from a band up to the metadata of the product


@dataclass(frozen=True, slots=True)
class Safe:
    """The files of one SAFE."""

    place: Path
    """Folder or zip file."""
    names: tuple[str, ...]
    """Files in it, relative to it, with forward slashes."""
    zipped: bool
    """Whether ``place`` is a zip file."""

    def find(self, pattern: str) -> list[str]:
        """Return the files whose last name matches a regular expression (case ignored)."""
        return [name for name in self.names if re.fullmatch(pattern, name.rpartition("/")[2], re.IGNORECASE)]

    def one(self, pattern: str, what: str) -> str:
        """Return the one file whose last name matches.

        Raises
        ------
        SceneError
            If there is none, or there are several.
        """
        found = self.find(pattern)
        if not found:
            raise SceneError(f"{self.place} lacks {what}. It is incomplete: fetch it again.")
        if len(found) > 1:
            raise SceneError(
                f"{self.place} has {len(found)} files that could be {what}: {', '.join(found[:3])} ... A product of "
                "several tiles (before October 2016) must be split: move each of GRANULE into a SAFE of its own."
            )
        return found[0]

    def raster(self, name: str) -> str:
        """Return the path by which GDAL opens a file of it."""
        return f"/vsizip/{self.place.absolute()}/{name}" if self.zipped else str(self.place / name)

    def xml(self, name: str) -> Element:
        """Return the root of an XML file of it, tags without namespaces.

        Raises
        ------
        SceneError
            If it cannot be read.
        """
        root = read_xml(self._bytes(name), f"{self.place}: {name}") if self.zipped else read_xml(self.place / name)
        for element in root.iter():
            element.tag = str(element.tag).rpartition("}")[2]
        return root

    def _bytes(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self.place) as archive, archive.open(name) as file:
                return file.read(MAX_BYTES + 1)
        except _ZIP_ERRORS as error:
            raise SceneError(f"{self.place}: {name} cannot be unpacked ({error}). Fetch the zip file again.") from error


_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, KeyError)


def safe_of(granule: Granule) -> Safe:
    """Return the SAFE that a granule is, or that a file of it lies in.

    Raises
    ------
    SceneError
        If it is empty, is a broken zip file or has no product metadata.
    """
    path = _delivered(granule)
    if path.is_file() and zipfile.is_zipfile(path):
        return _zipped(path)
    if path.is_file() and (path.suffix.lower() == ".zip" or not path.stat().st_size):
        reason = "empty (0 bytes)" if not path.stat().st_size else "no complete zip file: it is cut short or damaged"
        raise SceneError(f"{path} is {reason}. Fetch it again.")
    root = _root(path)
    names = []
    for file in root.rglob("*"):
        if file.is_file():
            names.append(file.relative_to(root).as_posix())
        if len(names) > _MAX_FILES:
            raise SceneError(f"{root} holds more than {_MAX_FILES} files: it is no Sentinel-2 SAFE.")
    return Safe(root, tuple(sorted(names)), zipped=False)


def _delivered(granule: Granule) -> Path:
    """Return the SAFE among the files of a granule (rather the folder than its zip file), or where to look."""
    safes = [file for file in granule.files if granule_name(granule.sensor.folders, file.name)]
    return min(safes, key=lambda file: not file.is_dir(), default=granule.path)


def _zipped(path: Path) -> Safe:
    if path.suffix.lower() != ".zip":
        raise SceneError(f"{path} is a zip file, but its name does not say so. Rename it so that it ends in .zip.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist()[: _MAX_FILES + 1] if not info.is_dir()]
    except _ZIP_ERRORS as error:
        raise SceneError(f"{path} is a damaged zip file ({error}). Fetch it again.") from error
    inside = [name for name in names if not name.startswith("/") and ".." not in name.split("/")]
    return Safe(path, tuple(sorted(inside)), zipped=True)


def _root(path: Path) -> Path:
    """Return the folder that holds the product metadata: the path, one above a file of it, or the only one in it."""
    start = path if path.is_dir() else path.parent
    above = [] if path.is_dir() and path.name.upper().startswith("S2") else list(start.absolute().parents[:_CLIMB])
    for place in [start, *above]:
        if _holds_metadata(place):
            return place
    inner = [child for child in sorted(start.iterdir()) if child.is_dir() and _holds_metadata(child)]
    if len(inner) == 1:
        return inner[0]
    raise SceneError(
        f"{path} lacks the metadata of its product (MTD_MSIL1C.xml or MTD_MSIL2A.xml), without which its numbers mean "
        "nothing. Keep the files of the SAFE together, as delivered."
    )


def _holds_metadata(folder: Path) -> bool:
    return any(re.fullmatch(_PRODUCT, child.name, re.IGNORECASE) for child in folder.iterdir())


class Metadata:
    """The product's and the tile's metadata of one SAFE."""

    def __init__(self, safe: Safe) -> None:
        self.place = safe.place
        self.product = safe.xml(safe.one(_PRODUCT, "its product metadata (MTD_MSIL1C.xml or MTD_MSIL2A.xml)"))
        self.tile = safe.xml(safe.one(_TILE, "the metadata of its tile (GRANULE/*/MTD_TL.xml)"))

    @property
    def level(self) -> str:
        """``"L1C"`` or ``"L2A"``.

        Raises
        ------
        SceneError
            If it is another.
        """
        text = self._text(self.product, "PROCESSING_LEVEL") or ""
        match = re.fullmatch(r"(?:Level-)?(1C|2A)p?", text)
        if not match:
            raise SceneError(f"{self.place} is of level {text or '(not told)'}. Level-1C and Level-2A can be opened.")
        return f"L{match[1]}"

    @property
    def platform(self) -> str:
        """Satellite, such as ``"Sentinel-2A"``."""
        return self._required(self.product, "SPACECRAFT_NAME")

    @property
    def baseline(self) -> float:
        """Processing baseline, such as 5.11."""
        return self.number(self.product, "PROCESSING_BASELINE")

    @property
    def time(self) -> datetime:
        """When the tile was seen (UTC); in old products the start of its datastrip, up to some minutes before."""
        return instant(self._required(self.tile, "SENSING_TIME"))

    @property
    def tile_id(self) -> str:
        """Name of the tile in the military grid, such as ``"56JMM"``; empty where not told."""
        match = re.search(r"_T(\d\d[A-Z]{3})_", self._text(self.tile, "TILE_ID") or "")
        return match[1] if match else ""

    def corner(self) -> tuple[float, float]:
        """Return x and y (m) of the upper left corner of the tile."""
        return self.number(self.tile, "Geoposition/ULX"), self.number(self.tile, "Geoposition/ULY")

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height (m) of the tile."""
        columns, rows = self.number(self.tile, "Size/NCOLS"), self.number(self.tile, "Size/NROWS")
        return columns * self.number(self.tile, "Geoposition/XDIM"), -rows * self.number(self.tile, "Geoposition/YDIM")

    @property
    def epsg(self) -> int:
        """Code of the map projection.

        Raises
        ------
        SceneError
            If it is none of UTM on WGS 84.
        """
        text = self._required(self.tile, "HORIZONTAL_CS_CODE")
        match = re.fullmatch(r"(?i:EPSG):(32[67]\d\d)", text)
        if not match:
            raise SceneError(f"{self.place}: the metadata of its tile say the projection {text!r}, which is not UTM.")
        return int(match[1])

    def special(self, name: str, default: int) -> int:
        """Return the stored number for ``"NODATA"`` or ``"SATURATED"``."""
        for pair in self.product.iter("Special_Values"):
            if (pair.findtext("SPECIAL_VALUE_TEXT") or "").strip() == name:
                return int(self.number(pair, "SPECIAL_VALUE_INDEX"))
        return default

    def reflectance(self, native: str) -> Linear:
        """Return what makes reflectance of the counts of a band: (DN + offset) / quantification.

        Raises
        ------
        SceneError
            If the metadata lack it; an offset may be absent before processing baseline 04.00 only.
        """
        names = ("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE", "QUANTIFICATION_VALUE")
        divisor = self.number(self.product, *(names[:2] if self.level == "L2A" else names[2:]))
        if divisor <= 0:
            raise SceneError(f"{self.place}: its quantification value is {divisor:g}. The metadata are damaged.")
        return Linear(1.0 / divisor, self._offset(native) / divisor)

    def _offset(self, native: str) -> float:
        tag = "BOA_ADD_OFFSET" if self.level == "L2A" else "RADIO_ADD_OFFSET"
        entries = list(self.product.iter(tag))
        for entry in entries:
            if entry.get("band_id") == str(BAND_IDS.index(native)):
                return self._parsed(entry.text, f"{tag} of {native}")
        # Since 25 January 2022; baseline 99.99 marks what users made with Sen2Cor of older scenes.
        if entries or 4.0 <= self.baseline < 99.0:
            raise SceneError(
                f"{self.place}: its metadata name no {tag} for {native}, which baseline {self.baseline:05.2f} needs. "
                "They are damaged: fetch them again."
            )
        return 0.0

    def irradiance(self, native: str) -> float | None:
        """Return the solar irradiance at 1 AU (W m-2 um-1) by which the producer made reflectance."""
        for entry in self.product.iter("SOLAR_IRRADIANCE"):
            if entry.get("bandId") == str(BAND_IDS.index(native)):
                return self._parsed(entry.text, f"SOLAR_IRRADIANCE of {native}")
        return None

    def sun_distance(self) -> float | None:
        """Return the distance to the Sun (AU), from U = 1 / distance^2."""
        found = self.product.find(".//Reflectance_Conversion/U")
        value = self._parsed(found.text, "U") if found is not None else math.nan
        return value**-0.5 if value > 0 else None

    def number(self, root: Element, *names: str) -> float:
        """Return the first number under one of some names.

        Raises
        ------
        SceneError
            If there is none.
        """
        for name in names:
            text = self._text(root, name)
            if text is not None:
                return self._parsed(text, name)
        raise SceneError(f"{self.place}: its metadata lack {' or '.join(names)}. They are cut short or damaged.")

    def _required(self, root: Element, name: str) -> str:
        text = self._text(root, name)
        if not text:
            raise SceneError(f"{self.place}: its metadata lack {name}. They are cut short or damaged.")
        return text

    @staticmethod
    def _text(root: Element, name: str) -> str | None:
        found = root.find(f".//{name}")
        return None if found is None else (found.text or "").strip()

    def _parsed(self, text: str | None, name: str) -> float:
        value = _number(text)
        if not math.isfinite(value):
            raise SceneError(f"{self.place}: {name} is {text!r}, not a number. The metadata are damaged.")
        return value


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def numbers(texts: Iterable[str]) -> list[list[float]]:
    """Return rows of numbers from rows of text, NaN for what is none."""
    return [[_number(word) for word in text.split()] for text in texts]
