"""Which files of a GF-1, GF-6 or HJ-1 scene are its images and its metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._gaofen_xml import Dialect
from musyq_lab.sensors._granule import Granule, packed

ENDINGS = r"\.(?:tiff?|xml|rpb|tar\.gz|tgz|tar|zip|tiff?\.gz)"
"""Endings of the files of a granule."""

PLACE = r"[EW]\d+(?:\.\d+)?_[NS]\d+(?:\.\d+)?"
"""Middle of a GF scene in its name."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a sensor of the family lays out a scene."""

    dialect: Dialect
    """Names in its XML."""
    image: Mapping[float, str]
    """Resolution (m) -> pattern of what follows the granule's name in that of the image file; ``{native}`` and
    ``{position}`` (in the spec, from 1) stand for the band where each band has a file of its own."""
    largest: Mapping[str, float]
    """Platform -> largest count, where the XML does not tell (ValidPixelBits)."""
    cameras: str
    """Pattern of the SensorID in the XML."""
    table: str = ""
    """Published calibration (:mod:`musyq_lab.sensors._gaofen_gains`)."""
    other_years: bool = True
    """Whether the calibration of the nearest year may stand in."""

    def per_band(self, resolution: float) -> bool:
        """Whether each band has a file of its own."""
        return "{native}" in self.image[resolution]


def _neighbours(granule: Granule) -> dict[str, Path]:
    """Return the files beside the granule, by their names in lower case."""
    return {path.name.lower(): path for path in sorted(granule.files[0].parent.iterdir()) if path.is_file()}


def _stem(granule: Granule, layout: Layout) -> str:
    """Return the scene's name, without what a single image file of another name (found by content) adds to it."""
    if granule.match(rf"{re.escape(granule.name)}\.tiff?"):
        for pattern in (p for p in layout.image.values() if not re.fullmatch(p, "")):
            suffix = pattern.format(native=r"\d", position=r"\d")
            if found := re.fullmatch(f"(.+?){suffix}", granule.name, re.IGNORECASE):
                return found[1]
    return granule.name


def images_of(granule: Granule, layout: Layout, resolution: float) -> dict[str, Path]:
    """Return the image files: native band -> file, ``""`` for a file that holds all.

    Raises
    ------
    SceneError
        If there is none, it is still packed, or several could be meant.
    """
    pattern, stem, beside = layout.image[resolution], _stem(granule, layout), _neighbours(granule)
    wanted = {"": 0}
    if layout.per_band(resolution):
        wanted = {b.native: i for i, b in enumerate(granule.sensor.bands_of(), 1) if b.resolution == resolution}
    images: dict[str, Path] = {}
    for native, position in wanted.items():
        whole = rf"{re.escape(stem)}{pattern.format(native=native, position=position)}\.tiff?"
        found = [path for name, path in beside.items() if re.fullmatch(whole, name, re.IGNORECASE)]
        if len(found) > 1:
            names = ", ".join(path.name for path in found)
            raise SceneError(f"{granule.path}: scene {stem} has several images: {names}. Open them one by one.")
        if found:
            images[native] = found[0]
    if not images:
        raise SceneError(_no_image(granule, stem, beside, resolution))
    return images


def _no_image(granule: Granule, stem: str, beside: Mapping[str, Path], resolution: float) -> str:
    for name, path in beside.items():
        if name.startswith(stem.lower()) and (hint := packed(path)):
            return hint
    return (
        f"{granule.path}: scene {stem} lacks its image of {resolution:g} m (.tiff). Put it beside the other files"
        + (", or choose another resolution=." if len(granule.sensor.resolutions) > 1 else ".")
    )


def metadata_file(granule: Granule, images: Mapping[str, Path]) -> Path:
    """Return the XML of the image: of the same name, else that of the whole scene.

    Raises
    ------
    SceneError
        If there is neither.
    """
    image = next(iter(images.values()))
    beside = _neighbours(granule)
    whole = re.sub(r"-(?:\d|(?:MSS|MUX|PAN)\d?)$", "", image.stem, flags=re.IGNORECASE)
    for stem in (image.stem, whole):
        if path := beside.get(f"{stem}.xml".lower()):
            return path
    raise SceneError(
        f"{image} lacks its metadata ({whole}.xml), which hold time, Sun angles and camera. Put the file beside it."
    )
