"""GOES-13 and -15 imager, GVAR images as NOAA CLASS delivers them (netCDF, a file a band)."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.lazy import dask_array
from musyq_lab.files.safety import check_hdf5
from musyq_lab.sensors._angles import line_times, sun_angles, view_angles
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear, Planck, physical
from musyq_lab.sensors._geostationary import night_and_space
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._scene import Acquisition, assemble, quality
from musyq_lab.sensors._time import sun_distance

SPEC = Sensor(
    key="goes_imager",
    title="GOES imager",
    platforms=("GOES-13", "GOES-15"),
    resolution=4000,
    swath=12_000,
    years=(2006, 2018),
    bands=(
        Band("red", "1", 0.63, 0.17, 1000),
        Band("mir", "2", 3.90, 0.20, 4000, nedt=0.06),
        Band("vapour_upper", "3", 6.55, 1.50, 4000, nedt=0.1),
        Band("tir1", "4", 10.70, 1.00, 4000, nedt=0.1),
        Band("carbon_dioxide", "6", 13.35, 0.70, 8000, nedt=0.1, variant="GOES-13"),
        Band("carbon_dioxide", "6", 13.35, 0.70, 4000, nedt=0.1, variant="GOES-15"),
    ),
    patterns=(
        r"(?P<granule>goes1[35]\.\d{4}\.\d{3}\.\d{6})\.BAND_0\d\.nc",
        r"(?P<granule>goes15\.\d{4}\.\d{3}\.\d{6})_[1-6]\.nc",
    ),
    marks=(
        Mark("hdf5", r"^G-1[35]", "Satellite Sensor"),
        Mark("bytes", r"^CDF[\x01\x02\x05][\s\S]{0,8000}G-1[35] IMG"),
    ),
    reader="netCDF4",
    geometry="swath",
    quirks=(
        "The files hold counts times 32; they are calibrated by NOAA's tables, averaged over the detectors of a band, "
        "since a file does not tell which detector saw a line.",
        "Visible calibration, with its own solar irradiance, is that of before launch: the sensor has lost up to 40 % "
        "since, which is not corrected.",
        "Reflectance is corrected for the distance of the Sun, which NOAA's albedo leaves out.",
        "A file tells when its scan began; lines are timed by the schedule of the sector, good to a minute.",
        "GOES-13 has 8000 m in the band at 13.35 um. HRIT of these satellites is not read.",
    ),
    references=(
        "NOAA OSPO, Conversion of GVAR Infrared Data to Scene Radiance or Temperature (STAR corrected)",
        "NOAA OSPO, Calibration of the Visible Channels of the GOES Imagers and Sounders",
        "WMO OSCAR, GOES imager (nominal bands; not re-read)",
        "NEdT: GOES-N Data Book (not re-read)",
    ),
)


class _Thermal(NamedTuple):
    """GVAR scale and offset; central wavenumber (cm-1), a (K) and b, mean over the detectors."""

    scale: float
    offset: float
    wavenumber: float
    a: float
    b: float


_GVAR = {"2": (227.3889, 68.2167), "3": (38.8383, 29.1287), "4": (5.2285, 15.6854), "6": (5.5297, 16.5892)}
_THERMAL = {
    ("GOES-13", "2"): (2561.74, -1.437204, 1.002562),
    ("GOES-13", "3"): (1522.09, -3.616752, 1.010014),
    ("GOES-13", "4"): (937.25, -0.383078, 1.0012915),
    ("GOES-13", "6"): (749.83, -0.134801, 1.000482),
    ("GOES-15", "2"): (2562.7905, -1.5693377, 1.0025034),
    ("GOES-15", "3"): (1521.36325, -3.47310565, 1.0093067),
    ("GOES-15", "4"): (935.837875, -0.35733864, 1.00126425),
    ("GOES-15", "6"): (753.82816, -0.23052943, 1.00068315),
}
# Slope and offset (W m-2 sr-1 um-1), mean over eight detectors, and pi over the irradiance (m2 sr um W-1).
_VISIBLE = {"GOES-13": (0.6107807, -17.724, 1.89544e-3), "GOES-15": (0.5854540, -16.9781625, 1.88852e-3)}
_C1, _C2 = 1.191066e-5, 1.438833  # mW m-2 sr-1 (cm-1)-4, K cm: NOAA OSPO
_STORED, _SATURATION = 32.0, 1023.0  # stored number of one count; highest count
_HEIGHT = 35_785_831.0
# (lines, columns) of the 4000 m grid -> minutes of the scan: NOAA OSPO, imager schedules east and west.
_SECTORS = {(2704, 5208): 26.0, (1826, 3464): 14.25, (566, 3464): 4.82, (1354, 3312): 10.08, (1062, 2760): 6.9}
_ROWS, _COLUMNS = 512, 2048
_LOCK = threading.RLock()  # the netCDF library must not be entered by two threads


@dataclass(frozen=True, slots=True)
class _Layer:
    """One variable of a netCDF file, as dask's ``from_array`` wants it."""

    path: str
    name: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    ndim: int = 2

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part, undecoded."""
        with _opened(Path(self.path)) as file:
            variable = file.variables[self.name]
            whole = (0, *key) if variable.ndim == 3 else key
            return np.asarray(variable[whole], self.dtype)


class _opened:  # noqa: N801  # a context manager
    """Opens a netCDF file; whatever goes wrong in it is one plain error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Any:
        import netCDF4

        with self._path.open("rb") as start:
            if start.read(4) == b"\x89HDF":
                check_hdf5(self._path)
        _LOCK.acquire()
        try:
            self._file = netCDF4.Dataset(str(self._path))
        except (OSError, RuntimeError) as error:
            _LOCK.release()
            raise SceneError(f"{self._path} cannot be read as netCDF ({error}). Fetch it again.") from error
        self._file.set_auto_maskandscale(False)
        return self._file

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self._file.close()
        finally:
            _LOCK.release()
        if isinstance(error, Exception) and not isinstance(error, MusyqError):
            reason = f"{type(error).__name__}: {str(error)[:200]}"
            raise SceneError(f"{self._path} is damaged ({reason}). Fetch it again.") from error


@dataclass(frozen=True, slots=True)
class _File:
    """What a file says of itself."""

    path: Path
    platform: str
    native: str
    shape: tuple[int, int]
    start: datetime
    resolution: float

    def layer(self, name: str, dtype: str) -> xr.DataArray:
        """Return a variable lazily."""
        layer = _Layer(str(self.path), name, self.shape, np.dtype(dtype))
        chunks = (min(_ROWS, self.shape[0]), min(_COLUMNS, self.shape[1]))
        return xr.DataArray(dask_array(layer, chunks, (str(self.path),), name), dims=("y", "x"))


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    files = [_read(path) for path in granule.files]
    platform = files[0].platform
    wanted = {b.native: b for b in granule.sensor.bands_of(platform) if b.resolution == resolution}
    used = {f.native: f for f in files if f.native in wanted}
    if {f.platform for f in files} != {platform} or len(used) < sum(f.native in wanted for f in files):
        raise SceneError(
            f"{granule.path} holds images of several satellites or times. Give the files of one as a list."
        )
    if not used:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has no band of {resolution:g} m. It has band "
            f"{', '.join(sorted(f.native for f in files))}."
        )
    if len({f.shape for f in used.values()}) > 1:
        raise SceneError(
            f"{granule.path}: the bands of {resolution:g} m have several shapes. They do not belong together."
        )
    first = next(iter(used.values()))
    longitude, latitude = _place(first)
    start, end = first.start, first.start + _duration(first)
    zenith, azimuth = sun_angles(line_times(start, end, first.shape[0]), longitude, latitude)
    place = _subpoint(platform)
    view = view_angles(longitude, latitude, satellite_longitude=place, satellite_height=_HEIGHT)
    sun = Illumination(zenith, sun_distance(start))
    counts = [_counts(file, wanted[native], sun.distance) for native, file in sorted(used.items())]
    bands = {c.band.name: _masked(physical(c, calibration, sun), longitude, calibration) for c in counts}
    missing = [b.name for native, b in wanted.items() if native not in used]
    kept = {"bands_missing": ", ".join(missing)} if missing else {}
    return assemble(
        granule,
        Acquisition(platform, start, end, "GVAR", kept),
        bands,
        calibration=calibration,
        angles={"sun_zenith": zenith, "sun_azimuth": azimuth, "view_zenith": view[0], "view_azimuth": view[1]},
        qa=quality(counts) | night_and_space(longitude.notnull(), zenith),
        longitude=longitude,
        latitude=latitude,
    )


def _read(path: Path) -> _File:
    with _opened(path) as file:
        absent = [name for name in ("data", "lat", "lon", "bands", "time") if name not in file.variables]
        found = re.match(r"G-(1[35])", str(getattr(file, "Satellite Sensor", "")))
        if absent or found is None:
            raise SceneError(
                f"{path} is no image of GOES-13 or -15 as NOAA CLASS delivers them"
                f"{f' (it lacks {chr(44).join(absent)})' if absent else ''}."
            )
        native = str(int(np.ravel(file.variables["bands"][:])[0]))
        shape = file.variables["data"].shape[-2:]
        if file.variables["lat"].shape != shape or len(shape) != 2 or min(shape) < 1 or native not in "12346":
            raise SceneError(f"{path} has band {native} with {shape} pixels, for which its places do not fit.")
        lines = file.variables.get("lineRes")
        resolution = 1000.0 * float(np.ravel(lines[:])[0]) if lines is not None else math.nan
        return _File(
            path, f"GOES-{found[1]}", native, (shape[0], shape[1]), _start(file.variables["time"], path), resolution
        )


def _start(variable: Any, path: Path) -> datetime:
    """Return when the scan began: ``time`` counts seconds since 1970 in the files of CLASS."""
    units = str(getattr(variable, "units", "seconds since 1970-1-1 0:0:0"))
    if "since 1970-" not in units or not units.startswith("sec"):
        raise SceneError(f"{path} counts time in {units!r}, which this package does not know.")
    moment = datetime(1970, 1, 1) + timedelta(seconds=float(np.ravel(variable[:])[0]))
    if not 2006 <= moment.year < 2025:
        raise SceneError(f"{path} says that it was taken in {moment.year}. Its header is damaged.")
    return moment


def _place(file: _File) -> tuple[xr.DataArray, xr.DataArray]:
    """Return longitude and latitude, NaN beside the globe (the files hold huge numbers there)."""
    longitude, latitude = file.layer("lon", "float32"), file.layer("lat", "float32")
    on_globe = (abs(latitude) <= 90.0) & (abs(longitude) <= 360.0)
    turned = longitude.where(longitude <= 180.0, longitude - 360.0)
    turned = turned.where(turned >= -180.0, turned + 360.0)  # GOES-West sees across the date line
    return turned.where(on_globe), latitude.where(on_globe)


def _duration(file: _File) -> timedelta:
    scale = 4 if file.native == "1" else 1
    lines, columns = file.shape[0] / scale, file.shape[1] / scale
    for (known_lines, known_columns), minutes in _SECTORS.items():
        if abs(lines - known_lines) < 50 and abs(columns - known_columns) < 50:
            return timedelta(minutes=minutes)
    return timedelta(minutes=26.0 * lines / 2704.0)


def _subpoint(platform: str) -> float:
    """Return the longitude that the satellite was held over (degree): GOES-East and GOES-West."""
    return {"GOES-13": -75.0, "GOES-15": -135.0}[platform]


def _counts(file: _File, band: Band, distance: float) -> Counts:
    radiance, reflectance, planck = _constants(file.platform, band, distance)
    return Counts(
        band,
        file.layer("data", "int16"),
        fills=(-32768.0,),
        valid=(0.0, math.inf),
        saturation=_SATURATION * _STORED,
        radiance=radiance,
        reflectance=reflectance,
        planck=planck,
    )


def _constants(platform: str, band: Band, distance: float) -> tuple[Linear, Linear | None, Planck | None]:
    if not band.thermal:
        slope, offset, k = _VISIBLE[platform]
        albedo = k * distance**2
        return Linear(slope / _STORED, offset), Linear(slope / _STORED * albedo, offset * albedo), None
    one = _Thermal(*_GVAR[band.native], *_THERMAL[platform, band.native])
    factor = 10.0 / band.centre**2  # mW m-2 sr-1 (cm-1)-1 -> W m-2 sr-1 um-1
    radiance = Linear(factor / one.scale / _STORED, -factor * one.offset / one.scale)
    planck = Planck(_C1 * one.wavenumber**3 * factor, _C2 * one.wavenumber, 1.0 / one.b, -one.a / one.b)
    return radiance, None, planck


def _masked(data: xr.DataArray, longitude: xr.DataArray, calibration: Calibration) -> xr.DataArray:
    if calibration == "counts":
        return data
    made: xr.DataArray = data.where(longitude.notnull()).astype(np.float32)
    return made.drop_attrs().assign_attrs(data.attrs)
