"""The rows that describe a peer's product: names of files, layers, quality bits, grid."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from musyq_lab.core.errors import InputError

Container = Literal["hdf4", "hdf5", "geotiff", "zarr"]
GridKind = Literal["eos", "latlon", "raster", "geostationary", "swath", "zarr"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of measured values."""

    path: str
    """Regular expression of the dataset's whole name without its group (GeoTIFF: of the ``layer`` in the file name)."""
    name: str
    """Our name."""
    units: str
    """Units of the decoded values (UDUNITS)."""
    scale: float | None = 1.0
    """value = stored x scale + offset; None where only the file can tell."""
    offset: float = 0.0
    """See ``scale``."""
    fills: tuple[float, ...] = ()
    """Stored numbers that mean no data."""
    valid: tuple[float, float] | None = None
    """Stored numbers outside are no data either."""
    declared: tuple[tuple[float, float], ...] = ()
    """Pairs (what the file calls scale, what it means): MOD13 writes 10000 and means division by it."""
    trust: Literal["row", "file"] = "row"
    """Whose numbers hold: ``row``, where another scale in the file is an error; ``file``, for products whose versions
    differ, with the row's numbers only for a file that is silent."""
    long_name: str = ""
    """What it is."""
    standard_name: str = ""
    """CF standard name."""
    extra: tuple[str, tuple[str, ...]] | None = None
    """Name and labels of a further axis."""
    constants: tuple[str, str] | None = None
    """Entries of the metadata text beside the file that hold scale and offset."""
    wavelength: float | None = None
    """Centre of the band (um)."""
    centres: tuple[tuple[str, float], ...] = ()
    """Pairs (regular expression of the dataset's name, centre in um) of other bands that play the role."""


@dataclass(frozen=True, slots=True)
class Bits:
    """One field of a quality layer: ``(value >> shift) & (2**width - 1)``."""

    name: str
    """What the field tells."""
    shift: int
    """Lowest bit."""
    width: int
    """Number of bits."""
    meanings: tuple[str, ...]
    """Meaning of 0, 1, 2 ...; empty text where a value says nothing."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One layer of integers: bit fields or classes."""

    path: str
    """As for :class:`Layer`."""
    name: str
    """Our name."""
    long_name: str
    """What it is."""
    fields: tuple[Bits, ...] = ()
    """Bit fields; where neither they nor classes are given, the file's own flags are kept."""
    classes: tuple[tuple[int, str], ...] = ()
    """Values and their meanings, for a layer that is no bit field."""
    fill: float | None = None
    """Stored number of a pixel without information; it stays as it is."""

    def attributes(self) -> dict[str, object]:
        """Return the CF attributes that explain the layer (lists of integers and one text)."""
        if self.classes:
            return {
                "flag_values": [value for value, _ in self.classes],
                "flag_meanings": " ".join(_word(text) for _, text in self.classes),
            }
        rows = [(bits, n, text) for bits in self.fields for n, text in enumerate(bits.meanings) if text]
        if not rows:
            return {}
        return {
            "flag_masks": [((1 << bits.width) - 1) << bits.shift for bits, _, _ in rows],
            "flag_values": [n << bits.shift for bits, n, _ in rows],
            "flag_meanings": " ".join(f"{_word(bits.name)}.{_word(text)}" for bits, _, text in rows),
        }


def _word(text: str) -> str:
    """Return a text as one word of ``flag_meanings``."""
    return re.sub(r"[^A-Za-z0-9.+@-]+", "_", text).strip("_")


@dataclass(frozen=True, slots=True)
class Layout:
    """One product (or a family of the same layout)."""

    key: str
    """Name of the family, such as ``"MOD13"``."""
    title: str
    """Plain words."""
    patterns: tuple[str, ...]
    """Regular expressions of whole names of files, case ignored. Groups: ``granule`` (what the files of one granule
    share), ``product``, ``date`` with the format of ``dates``, ``tile``, ``version``, ``layer`` (GeoTIFF sets)."""
    container: Container
    """Kind of file."""
    grid: GridKind
    """Where the coordinates come from."""
    layers: tuple[Layer, ...]
    """Layers of values."""
    quality: tuple[Quality, ...] = ()
    """Layers of integers."""
    dates: tuple[str, ...] = ("%Y%j",)
    """Formats of ``date``."""
    period: str = ""
    """ISO 8601 duration a value stands for."""
    periods: tuple[tuple[str, str], ...] = ()
    """Pairs (regular expression of ``product``, duration) of members of the family that differ from ``period``."""
    sensor: str = ""
    """Instrument."""
    sensors: tuple[tuple[str, str], ...] = ()
    """Pairs (beginning of ``product``, instrument), where the product's name tells it."""
    marks: tuple[tuple[str, str], ...] = ()
    """Global attributes that tell the product where the name does not: (attribute, regular expression)."""
    moment: tuple[str, str] | None = None
    """Global attribute that holds the time, and its format, where the name does not tell it."""
    time_axis: str = ""
    """Layer of instants (CF units) along the first axis of the others."""
    rivals: tuple[tuple[str, str], ...] = ()
    """Pairs (layer of labels, attribute of the first layer) that should agree; where they do not, it is said, and
    nothing is guessed."""
    ties: tuple[tuple[str, str, str], ...] = ()
    """Tie-point grids to interpolate: (dataset, our name, units); a name with "azimuth" or "longitude" is an angle that
    wraps around."""
    tie_geometry: tuple[float, float, float, float] | None = None
    """Offset and step of the tie points (x, then y; pixels, centres at 0.5) where the file does not tell."""
    elevations: tuple[str, ...] = ()
    """Tie-point grids that hold elevations, turned into zenith angles."""
    scaled_floats: bool = False
    """Whether a file of floating-point numbers is one that somebody has scaled already."""
    sidecar: str = ""
    """Regular expression of the metadata text that belongs to a granule."""
    timeline: str = ""
    """Name of the text beside the files that lists the dates of their bands, one a line."""
    notes: tuple[str, ...] = ()
    """What a user should know, each in a sentence; kept in the attributes."""
    references: tuple[str, ...] = ()
    """Documents the numbers come from, the DOI first."""

    def __post_init__(self) -> None:
        """Refuse rows that could not work, when their module is imported."""
        names = [row.name for row in self.rows]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"The layout {self.key} names {sorted(twice)} twice.")
        for pattern in self.patterns:
            if "granule" not in re.compile(pattern).groupindex:
                raise InputError(f"The pattern {pattern!r} of {self.key} lacks the group 'granule'.")

    def period_of(self, product: str) -> str:
        """Return the duration that a value of a product stands for (ISO 8601), empty where it is not known."""
        own = (text for path, text in self.periods if re.fullmatch(path, product, re.IGNORECASE))
        return next(own, self.period)

    @property
    def rows(self) -> tuple[Layer | Quality, ...]:
        """Layers of values, then of integers."""
        return (*self.layers, *self.quality)

    def match(self, name: str) -> re.Match[str] | None:
        """Return the match of a file name, if it is one of this product's."""
        for pattern in self.patterns:
            if found := re.fullmatch(pattern, name, re.IGNORECASE):
                return found
        return None
