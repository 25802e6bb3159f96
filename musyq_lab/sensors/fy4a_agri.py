"""FY-4A AGRI, Level-1 full disk and regions (FDI, HDF5) at 500, 1000, 2000 and 4000 m."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import attributes
from musyq_lab.sensors._angles import line_times
from musyq_lab.sensors._calibrate import Counts, Linear, physical
from musyq_lab.sensors._disk import View, projection
from musyq_lab.sensors._fy3 import CMACAST
from musyq_lab.sensors._geostationary import looked_up, radiance_of_temperature, scan_angles, scene_of_bands, stored
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition
from musyq_lab.sensors._time import instant

SPEC = Sensor(
    key="fy4a_agri",
    title="FY-4A AGRI",
    platforms=("FY-4A",),
    resolution=4000,
    swath=11_000,
    years=(2017, None),
    bands=(
        Band("blue", "C01", 0.470, 0.04, 1000),
        Band("blue", "C01", 0.470, 0.04, 2000),
        Band("blue", "C01", 0.470, 0.04, 4000),
        Band("red", "C02", 0.650, 0.20, 500),
        Band("red", "C02", 0.650, 0.20, 1000),
        Band("red", "C02", 0.650, 0.20, 2000),
        Band("red", "C02", 0.650, 0.20, 4000),
        Band("nir", "C03", 0.825, 0.15, 1000),
        Band("nir", "C03", 0.825, 0.15, 2000),
        Band("nir", "C03", 0.825, 0.15, 4000),
        Band("cirrus", "C04", 1.375, 0.03, 2000),
        Band("cirrus", "C04", 1.375, 0.03, 4000),
        Band("swir1", "C05", 1.610, 0.06, 2000),
        Band("swir1", "C05", 1.610, 0.06, 4000),
        Band("swir2", "C06", 2.225, 0.25, 2000),
        Band("swir2", "C06", 2.225, 0.25, 4000),
        Band("c07", "C07", 3.750, 0.50, 2000),
        Band("c07", "C07", 3.750, 0.50, 4000),
        Band("mir", "C08", 3.750, 0.50, 4000),
        Band("vapour_upper", "C09", 6.250, 0.90, 4000),
        Band("vapour_lower", "C10", 7.100, 0.40, 4000),
        Band("tir_8_6", "C11", 8.500, 1.00, 4000),
        Band("tir1", "C12", 10.800, 1.00, 4000),
        Band("tir2", "C13", 12.000, 1.00, 4000),
        Band("carbon_dioxide", "C14", 13.500, 0.60, 4000),
    ),
    patterns=(
        CMACAST + r"FY4A-_AGRI--_N_(?P<platform>\w{4})_\w{5}_L1-_(?:FDI|GEO)-_MULT_\w+?_(?P<granule>\d{14}_\d{14})"
        r"_\d{4}M_\w+\.(?:HDF|h5)",
    ),
    marks=(Mark("hdf5", r"^AGRI", "Sensor Identification Code"),),
    reader="h5py",
    geometry="geostationary",
    quirks=(
        "Every resolution is a file of its own (4000M, 2000M, 1000M, 500M in the name); 4000M holds all bands.",
        "C07 (high range, for fires) and C08 (low range) see the same wavelengths; C08 plays the role mir.",
        "The look-up tables of some files go on past the fill value 65535 (C07): the fill is no data here.",
        "Reflectance is gain x count + offset without clipping at 0, then divided by the cosine of the Sun's zenith.",
        "The files give only temperature for thermal bands: radiance is that of a black body at the centre. No solar "
        "irradiance is published with them, so reflective bands have no radiance.",
        "Centres and widths are nominal; angles are computed, those of the GEO file are not needed.",
    ),
    references=(
        "Yang et al. 2017, doi:10.1175/BAMS-D-16-0065.1 (nominal bands; not re-read)",
        "NSMC, FY-4A Level-1 data format (not read; names as satpy, readers/agri_l1.py, has them)",
        "Grid constants by CGMS 03, LRIT/HRIT Global Specification, section 4.4",
    ),
)

_FILL = 65535.0
# Resolution (m) -> COFF = LOFF (pixels counted from 0), CFAC = LFAC: NSMC, FY-4A data format, nominal grid.
_GRID = {
    500: (10991.5, 81865099.0),
    1000: (5495.5, 40932549.0),
    2000: (2747.5, 20466274.0),
    4000: (1373.5, 10233137.0),
}
_COEFFICIENTS = "CALIBRATION_COEF(SCALE+OFFSET)"


@dataclass(frozen=True, slots=True)
class _Header:
    """What a file says of itself."""

    path: Path
    attributes: Mapping[str, Any]
    channels: tuple[str, ...]
    coefficients: NDArray[np.float64]
    tables: Mapping[str, NDArray[np.float32]]
    ranges: Mapping[str, tuple[float, float]]

    @property
    def resolution(self) -> int:
        """Sampling distance (m), by name, else by the bands inside."""
        if named := re.search(r"_(0500|1000|2000|4000)M_", self.path.name, re.IGNORECASE):
            return int(named[1])
        if self.channels == ("C02",):
            return 500
        return next(r for last, r in (("C03", 1000), ("C07", 2000), ("C14", 4000)) if self.channels[-1] <= last)

    def number(self, *names: str) -> float:
        """Return the first attribute of these that is there."""
        for name in names:
            if name in self.attributes:
                return float(self.attributes[name])
        raise SceneError(f"{self.path} lacks the attribute {names[0]!r}. It is of another version, or damaged.")

    def moment(self, which: str) -> datetime:
        """Return the first or last instant."""
        date, time = (self.attributes.get(f"Observing {which} {part}", "") for part in ("Date", "Time"))
        return instant(f"{date}T{time}")


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    header = _header(granule, resolution)
    bands, missing = {}, []
    for band in granule.sensor.bands_of():
        if band.resolution != resolution:
            continue
        if band.native in header.channels and (calibration != "radiance" or band.thermal):
            bands[band.name] = _band(header, band, calibration)
        else:
            missing.append(band.name)
    if not bands:
        raise SceneError(
            f"{header.path} has no radiance: its files give reflectance without the solar irradiance that would turn "
            'it into radiance. Open it with calibration="reflectance" or "counts".'
        )
    kept = {"bands_missing": ", ".join(missing)} if missing else {}
    acquisition = Acquisition("FY-4A", header.moment("Beginning"), header.moment("Ending"), "L1", kept)
    shape = next(iter(bands.values())).shape
    view = _view(header, resolution, shape[0], shape[1], acquisition)
    return scene_of_bands(granule, acquisition, bands, view, calibration=calibration)


def _header(granule: Granule, resolution: float) -> _Header:
    headers = []
    for path in granule.files:
        if "_L1-_GEO-_" not in path.name.upper():
            headers.append(_read(path))
    found = [h for h in headers if h.resolution == resolution]
    if len(found) == 1:
        return found[0]
    have = ", ".join(f"{h.resolution} m" for h in headers) or "none"
    raise SceneError(
        f"{granule.path}: granule {granule.name} has {len(found)} image files (FDI) of {resolution:g} m. It has: "
        f"{have}. Choose one of those by resolution=, or put the file beside the others."
    )


def _read(path: Path) -> _Header:
    check_hdf5(path)
    with opened(path) as file, damage(path):
        attrs = attributes(file)
        name = str(attrs.get("Satellite Name", ""))
        if not re.fullmatch(r"FY-?4A", name):
            raise SceneError(
                f"{path} is of {name or 'an unnamed satellite'}, not of FY-4A: its layout is not known here."
            )
        channels = tuple(f"C{n:02d}" for n in range(1, 15) if f"NOMChannel{n:02d}" in file)
        if not channels or _COEFFICIENTS not in file:
            raise SceneError(f"{path} holds no AGRI image (NOMChannelNN and {_COEFFICIENTS}). It is of another kind.")
        coefficients = np.asarray(file[_COEFFICIENTS][()], np.float64)
        tables = {c: _table(file, c) for c in channels if f"CALChannel{c[1:]}" in file}
        ranges = {c: _range(file[f"NOMChannel{c[1:]}"]) for c in channels}
    return _Header(path, attrs, channels, coefficients, tables, ranges)


def _range(dataset: Any) -> tuple[float, float]:
    """Return the counts that are measurements."""
    limits = np.ravel(dataset.attrs.get("valid_range", (0.0, _FILL - 1.0)))
    return float(limits.min()), min(float(limits.max()), _FILL - 1.0)


def _table(file: Any, channel: str) -> NDArray[np.float32]:
    """Return a look-up table without what is beyond the fill value."""
    table = np.asarray(file[f"CALChannel{channel[1:]}"][: int(_FILL)], np.float32)
    table[(table <= 0) | (table >= _FILL)] = np.nan
    return table


def _band(header: _Header, band: Band, calibration: Calibration) -> xr.DataArray:
    data = stored(header.path, f"NOMChannel{band.native[1:]}")
    counts = Counts(band, data, fills=(_FILL,), valid=header.ranges[band.native])
    if calibration == "counts":
        return physical(counts, calibration, None)
    if not band.thermal:
        return counts.linear(_line(header, band)).assign_attrs(_REFLECTANCE)
    if band.native not in header.tables:
        raise SceneError(f"{header.path} lacks the look-up table CALChannel{band.native[1:]}. It is damaged.")
    table = header.tables[band.native].copy()
    table[int(header.ranges[band.native][1]) + 1 :] = np.nan
    temperature = looked_up(data, table)
    if calibration == "radiance":
        return radiance_of_temperature(temperature, band.centre)
    return temperature.assign_attrs(units="K", standard_name="toa_brightness_temperature")


_REFLECTANCE = {"units": "1", "standard_name": "toa_bidirectional_reflectance"}


def _line(header: _Header, band: Band) -> Linear:
    """Return gain and offset: a row for each channel of the file, in order."""
    rows = header.coefficients
    row = header.channels.index(band.native) if len(rows) < int(band.native[1:]) else int(band.native[1:]) - 1
    if rows.ndim != 2 or rows.shape[1] != 2 or row >= len(rows) or not np.isfinite(rows[row]).all():
        raise SceneError(f"{header.path} has no gain and offset for {band.native} in {_COEFFICIENTS}. It is damaged.")
    return Linear(float(rows[row, 0]), float(rows[row, 1]))


def _view(header: _Header, resolution: float, lines: int, columns: int, acquisition: Acquisition) -> View:
    offset, factor = _GRID[int(resolution)]
    semi_major = header.number("dEA", "Semimajor axis of ellipsoid")
    semi_major *= 1e3 if semi_major < 1e4 else 1.0  # km in the older files
    semi_minor = semi_major * (1.0 - 1.0 / header.number("dObRecFlat"))
    height = header.number("NOMSatHeight")
    height *= 1e3 if height < 1e5 else 1.0  # km in some versions
    height -= semi_major if height > 4.2e7 else 0.0  # from the centre of the Earth in some versions
    longitude = header.number("NOMCenterLon")
    column, line = (int(header.number(f"Begin {what} Number")) for what in ("Pixel", "Line"))
    return View(
        scan_angles(columns, offset, factor, height, column),
        -scan_angles(lines, offset, factor, height, line),
        projection(longitude, height, axes=(semi_major, semi_minor), what=header.path),
        line_times(acquisition.start, acquisition.end, lines).values,
        (longitude, header.number("NOMCenterLat"), height),
    )
