"""Frozen descriptions of sensors: bands, files and quirks as data, the one place from which all else is derived.

Detection, band names, calibration, tables of ``ml.SENSORS``, the catalog and the conformance tests all read a
:class:`Sensor`. A number that differs between platforms or cameras is a row with a ``variant``, never a branch.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.variables import BAND_ROLES

Calibration = Literal["counts", "radiance", "reflectance"]
CALIBRATIONS: tuple[Calibration, ...] = ("reflectance", "radiance", "counts")
"""What a scene may hold; ``"reflectance"`` gives thermal bands as brightness temperature."""

THERMAL_FROM = 3.0
"""Wavelength (um) from which a band is calibrated to brightness temperature."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Band:
    """One spectral band of a sensor."""

    name: str
    """Role (:data:`musyq_lab.core.variables.BAND_ROLES`), or the native name in lower case where it has none."""
    native: str
    """Name in the sensor's own files."""
    centre: float
    """Response-weighted mean wavelength (um)."""
    fwhm: float
    """Full width at half maximum (um)."""
    resolution: float
    """Sampling distance at nadir (m)."""
    e0: float | None = None
    """Solar irradiance at 1 AU (W m-2 um-1), TSIS-1 HSRS (Coddington et al. 2023, doi 10.1029/2022EA002637)."""
    snr: float | None = None
    """Signal-to-noise ratio as specified, None where not found."""
    nedt: float | None = None
    """Noise-equivalent temperature difference as specified (K), None where not found."""
    variant: str = ""
    """Platform or camera the row holds for; empty for all."""

    def __post_init__(self) -> None:
        """Refuse a name that is no identifier, and a role that contradicts the wavelength."""
        if not _NAME.fullmatch(self.name):
            raise InputError(f"Band {self.name!r} must be lower-case letters, digits and underscores.")
        role = BAND_ROLES.get(self.name)
        if role and not role.wavelength_range[0] <= self.centre <= role.wavelength_range[1]:
            raise InputError(f"Band {self.native!r} at {self.centre} um cannot play the role {self.name!r}.")

    @property
    def thermal(self) -> bool:
        """Whether it is calibrated to brightness temperature."""
        return self.centre >= THERMAL_FROM


@dataclass(frozen=True, slots=True)
class Mark:
    """Something inside a file that tells its sensor."""

    kind: Literal["text", "hdf5", "hdf4", "bytes"]
    """``text`` and ``bytes``: a pattern in the first 256 KiB; ``hdf5`` and ``hdf4``: a global attribute."""
    pattern: str
    """Regular expression, case ignored."""
    attribute: str = ""
    """Name of the attribute (HDF only)."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One instrument of the programme and how its files are recognised."""

    key: str
    """Short name; also the module."""
    title: str
    """Plain words."""
    platforms: tuple[str, ...]
    """Satellites that carry it."""
    bands: tuple[Band, ...]
    """Rows, grouped by variant, in the order of the files."""
    resolution: float
    """Nominal sampling distance (m): the grid opened by default."""
    swath: float
    """Width of the image (km)."""
    years: tuple[int, int | None]
    """First and last year of data, None for still working."""
    patterns: tuple[str, ...]
    """Regular expressions of whole names of files, case ignored; the group ``granule`` is what the files of one granule
    share."""
    reader: str
    """Library that reads its files: ``rasterio``, ``pyhdf``, ``h5py``, ``netCDF4``, or ``numpy`` for binary records."""
    geometry: Literal["projected", "swath", "geostationary"] = "swath"
    """Kind of the native grid."""
    folders: tuple[str, ...] = ()
    """The same for sensors that deliver a granule as a folder (or as one zip file), such as SAFE."""
    marks: tuple[Mark, ...] = ()
    """What tells the sensor inside a file; one that matches is enough."""
    quirks: tuple[str, ...] = ()
    """What a user of its files should know, each in a sentence."""
    references: tuple[str, ...] = ()
    """Documents the numbers come from."""
    response: Literal["measured", "approximate"] = "approximate"
    """Whether measured spectral responses ship (:func:`musyq_lab.sensors._response.response`)."""

    def __post_init__(self) -> None:
        """Refuse a spec that could not work, when its module is imported."""
        if not _NAME.fullmatch(self.key):
            raise InputError(f"Sensor key {self.key!r} must be lower-case letters, digits and underscores.")
        for variant in self.variants:
            for resolution in {b.resolution for b in self.bands}:
                names = Counter(b.name for b in self.bands_of(variant) if b.resolution == resolution)
                if twice := [name for name, count in names.items() if count > 1]:
                    raise InputError(f"Sensor {self.key!r} names the bands {twice} of {resolution} m twice.")
        for pattern in (*self.patterns, *self.folders):
            if "granule" not in re.compile(pattern).groupindex:
                raise InputError(f"The pattern {pattern!r} of sensor {self.key!r} lacks the group 'granule'.")

    @property
    def variants(self) -> tuple[str, ...]:
        """Platforms or cameras with rows of their own, ``("",)`` where there are none."""
        own = tuple(dict.fromkeys(b.variant for b in self.bands if b.variant))
        return own or ("",)

    @property
    def resolutions(self) -> tuple[float, ...]:
        """Sampling distances (m), finest first."""
        return tuple(sorted({b.resolution for b in self.bands}))

    def bands_of(self, variant: str = "") -> tuple[Band, ...]:
        """Return the bands of a platform or camera (those of the first where none is named)."""
        chosen = variant if variant in self.variants else self.variants[0]
        return tuple(b for b in self.bands if b.variant in ("", chosen))

    def band(self, name: str, variant: str = "") -> Band:
        """Return a band by role or native name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        rows = self.bands_of(variant)
        for row in rows:
            if name in (row.name, row.native):
                return row
        raise NotFoundError(f"{self.title} has no band {name!r}.{closest(name, [b.name for b in rows])}")
