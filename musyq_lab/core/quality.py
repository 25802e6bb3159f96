"""Quality bits: one meaning per bit, in CF flags and in sentences.

Bits 0 to 7 mean the same in every product; a product's own begin at :data:`FIRST_OWN_BIT`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError

QA_DTYPE = np.dtype("uint16")
FIRST_OWN_BIT = 8
CAUSE_DTYPE = np.dtype("uint32")
MOST_INPUTS = 24
"""Most inputs of a product: as many bits as float32 holds exactly, in which layers of windows travel."""

_MOST_BITS = CAUSE_DTYPE.itemsize * 8
# What CF-1.11, section 3.5, allows in one word of flag_meanings.
_MEANING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@-]*")


@dataclass(frozen=True, slots=True)
class Flag:
    """One bit of a quality layer."""

    bit: int
    """Position: 0 to 15 in a quality layer, to 31 in one of causes."""
    name: str
    """CF flag meaning (one word, underscores)."""
    sentence: str
    """What it says about the pixel, for people."""

    def __post_init__(self) -> None:
        """Refuse a bit that the layer does not have and a name that CF cannot hold."""
        if not 0 <= self.bit < _MOST_BITS:
            raise InputError(f"Quality bit {self.bit} of {self.name!r} does not exist. Use 0 to {_MOST_BITS - 1}.")
        if not _MEANING.fullmatch(self.name):
            raise InputError(f"Quality flag {self.name!r} must be one word of letters, digits and underscores.")

    @property
    def mask(self) -> int:
        """The bit as a number."""
        return 1 << self.bit


INPUT_MISSING = Flag(0, "input_missing", "an input is missing here, so there is no value")
INPUT_OUT_OF_RANGE = Flag(1, "input_out_of_range", "an input is outside its physical range, so there is no value")
OUTPUT_OUT_OF_RANGE = Flag(2, "output_out_of_range", "the result is outside its valid range and was removed")
NOT_DEFINED = Flag(3, "not_defined", "the equation has no result for these inputs (such as a zero denominator)")
GAP_FILLED = Flag(4, "gap_filled", "the value was filled in from neighbours in space or time")
SCENE_CLOUD = Flag(5, "scene_cloud", "the scene shows a cloud or its shadow here, so the value is not of the ground")
SCENE_SNOW = Flag(6, "scene_snow", "the scene shows snow or ice here")
SCENE_DOUBTFUL = Flag(7, "scene_doubtful", "the scene marks the pixel as saturated, hazy, glinting, shaded or degraded")
COMMON_FLAGS = (
    *(INPUT_MISSING, INPUT_OUT_OF_RANGE, OUTPUT_OUT_OF_RANGE, NOT_DEFINED, GAP_FILLED),
    *(SCENE_CLOUD, SCENE_SNOW, SCENE_DOUBTFUL),
)

# Quality bits of a scene, the same for every sensor: as the producer's mask says, as the tests of `standardize` find.
SCENE_FLAGS = (
    Flag(0, "no_data", "the sensor recorded nothing here"),
    Flag(1, "saturated", "a band is saturated"),
    Flag(2, "cloud", "cloud covers the pixel"),
    Flag(3, "cloud_shadow", "the shadow of a cloud covers the pixel"),
    Flag(4, "snow_ice", "snow or ice covers the pixel"),
    Flag(5, "water", "water covers the pixel"),
    Flag(6, "cirrus", "thin cirrus lies above the pixel"),
    Flag(7, "low_quality", "the producer marks the pixel as degraded or not recommended"),
    Flag(8, "cloud_possible", "cloud is possible, with medium confidence or close by"),
    Flag(9, "high_aerosol", "the aerosol is dense"),
    Flag(10, "sun_glint", "the water mirrors the Sun"),
    Flag(11, "terrain_shadow", "terrain hides the pixel from the Sun or the sensor"),
    Flag(12, "night", "the Sun is below the horizon"),
    Flag(13, "outside_atmosphere", "Sun, sensor or air lie beyond the tables of the atmosphere: not corrected"),
    Flag(14, "outside_library", "the spectrum is unlike those of the library that adjusts bands"),
)
SCENE_FLAG = {flag.name: flag for flag in SCENE_FLAGS}
"""Flag of a scene by name."""
OF_SCENE = (
    (SCENE_CLOUD, ("cloud", "cloud_shadow", "cirrus", "cloud_possible")),
    (SCENE_SNOW, ("snow_ice",)),
    (
        SCENE_DOUBTFUL,
        ("saturated", "low_quality", "high_aerosol", "sun_glint", "terrain_shadow", "night", "outside_atmosphere"),
    ),
)
"""What the bits of a scene become in those of a product made from it."""


def flag_attributes(flags: Iterable[Flag], dtype: np.dtype[Any] = QA_DTYPE) -> dict[str, Any]:
    """Return the CF attributes ``flag_masks`` and ``flag_meanings`` of a bit field of a type."""
    ordered = sorted(flags, key=lambda f: f.bit)
    return {
        "flag_masks": np.array([f.mask for f in ordered], dtype),
        "flag_meanings": " ".join(f.name for f in ordered),
    }


def scene_attributes() -> dict[str, Any]:
    """Return the attributes of the quality bits of a scene."""
    return {
        "long_name": "quality bits of the scene",
        "standard_name": "quality_flag",
        "units": "1",
        **flag_attributes(SCENE_FLAGS),
    }


def explain(value: int, flags: Iterable[Flag], dtype: np.dtype[Any] = QA_DTYPE) -> list[str]:
    """Return one sentence per set bit, lowest bit first.

    Parameters
    ----------
    value : int
        The pixel's quality value.
    flags : iterable of Flag
        The bits the layer knows; a set bit that it does not know is named by number.
    dtype : numpy.dtype
        Type of the layer: that of quality bits, or of causes.

    Raises
    ------
    InputError
        If the value is no number of so many bits, such as the NaN of a layer that was decoded to floats.
    """
    count = dtype.itemsize * 8
    if not (value == np.floor(value) and -(1 << count - 1) <= value < 1 << count):
        raise InputError(f"{value} is not a quality value of {count} bits. Read the layer as {dtype}, not as floats.")
    known = {f.bit: f.sentence for f in flags}
    bits = [bit for bit in range(count) if int(value) >> bit & 1]
    return [known.get(bit, f"bit {bit} is set, which this layer does not define") for bit in bits]


def add_flag(qa: NDArray[np.uint16], where: NDArray[np.bool_], flag: Flag) -> None:
    """Set a flag's bit in place where the condition holds."""
    np.bitwise_or(qa, np.uint16(flag.mask), out=qa, where=where)
