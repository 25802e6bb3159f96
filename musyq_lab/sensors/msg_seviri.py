"""Meteosat Second Generation SEVIRI, Level 1.5: native files and HRIT segments with prologue and epilogue."""

from __future__ import annotations

import math
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.lazy import dask_array
from musyq_lab.sensors._calibrate import Counts, Linear, Planck
from musyq_lab.sensors._disk import View, projection
from musyq_lab.sensors._geostationary import scene_of_counts
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._hrit import HritFile, HritLines, read_bytes, read_hrit
from musyq_lab.sensors._msg import (
    CHANNELS,
    EDGE,
    HEIGHT,
    Canvas,
    Header,
    Lines,
    MsgLayer,
    Trailer,
    line_times,
    parse_header,
    parse_trailer,
)
from musyq_lab.sensors._msg_native import read_native
from musyq_lab.sensors._scene import Acquisition
from musyq_lab.sensors._time import sun_distance

SPEC = Sensor(
    key="msg_seviri",
    title="MSG SEVIRI",
    platforms=("Meteosat-8", "Meteosat-9", "Meteosat-10", "Meteosat-11"),
    resolution=3000,
    swath=12_000,
    years=(2004, None),
    bands=(
        Band("pan", "HRV", 0.7070, 0.4420, 1000, 1403.1, variant="Meteosat-10"),
        Band("red", "VIS006", 0.6382, 0.0760, 3000, 1625.5, variant="Meteosat-10"),
        Band("nir", "VIS008", 0.8082, 0.0588, 3000, 1107.9, variant="Meteosat-10"),
        Band("swir1", "IR_016", 1.6380, 0.1246, 3000, 227.3, variant="Meteosat-10"),
        Band("pan", "HRV", 0.7065, 0.4373, 1000, 1404.2, variant="Meteosat-11"),
        Band("red", "VIS006", 0.6400, 0.0768, 3000, 1619.5, variant="Meteosat-11"),
        Band("nir", "VIS008", 0.8083, 0.0585, 3000, 1107.7, variant="Meteosat-11"),
        Band("swir1", "IR_016", 1.6385, 0.1256, 3000, 227.1, variant="Meteosat-11"),
        Band("mir", "IR_039", 3.925, 0.88, 3000, nedt=0.35),
        Band("vapour_upper", "WV_062", 6.267, 1.80, 3000, nedt=0.75),
        Band("vapour_lower", "WV_073", 7.351, 1.00, 3000, nedt=0.75),
        Band("tir_8_6", "IR_087", 8.710, 0.80, 3000, nedt=0.28),
        Band("ozone", "IR_097", 9.665, 0.56, 3000, nedt=1.50),
        # 2 um wide at their feet; with 1.25 um at half their height the line between brightness and effective
        # temperature has the offsets that EUMETSAT gives (0.61 to 0.63 K at 10.8 um, 0.39 to 0.40 K at 12 um).
        Band("tir1", "IR_108", 10.755, 1.25, 3000, nedt=0.25),
        Band("tir2", "IR_120", 11.924, 1.25, 3000, nedt=0.37),
        Band("carbon_dioxide", "IR_134", 13.322, 2.00, 3000, nedt=1.80),
    ),
    patterns=(
        r"(?P<granule>MSG\d-SEVI-MSG15-\w{4}-NA-\d{14}\.\d{9}Z(?:-\w+)*)(?:\.nat)?",
        r"[HL]-000-MSG\d__-MSG\d_\w{7}-\w{9}-\w{9}-(?P<granule>\d{12})-[_C]_",
    ),
    marks=(
        Mark("bytes", r"^FormatName {18}: NATIVE"),
        Mark("bytes", r"^\x00\x00\x10[\s\S]{13,2000}[HL]-000-MSG\d__-"),
    ),
    reader="numpy",
    geometry="geostationary",
    quirks=(
        "Radiance per wavenumber is turned into radiance per micrometre at the centre of the band, which is rough for "
        "the broad HRV.",
        "Reflectance uses EUMETSAT's band irradiance, not the one of this table, and the distance of the Sun at the "
        "begin of the scan.",
        "Images before December 2017 lie 1.5 km north and west of their grid; their coordinates are shifted back.",
        "HRV covers half the width of the disk, in two windows; it is put on the full disk.",
        "Meteosat-8 and -9 take the widths and irradiances of Meteosat-10; their calibration is their own.",
        "Compressed HRIT (-C_) must be unpacked by xRITDecompress first.",
    ),
    references=(
        "EUMETSAT, MSG Level 1.5 Image Data Format Description, EUM/MSG/ICD/105",
        "EUMETSAT, Conversion from radiances to reflectances for SEVIRI warm channels, EUM/MET/TEN/12/0332",
        "EUMETSAT, Conversion from Counts to Radiances and from Radiances to Brightness Temperatures and Reflectances, "
        "EUM/MET/TEN/05/1852 (central wavenumber, alpha, beta)",
        "Schmetz et al. 2002, doi:10.1175/1520-0477(2002)083<0977:AITMSG>2.3.CO;2 (NEdT as specified; not re-read)",
    ),
)


class _Warm(NamedTuple):
    """Central wavenumber (cm-1), alpha, beta (K) of a thermal channel."""

    wavenumber: float
    alpha: float
    beta: float


# EUM/MET/TEN/05/1852: thermal channels in the order of CHANNELS[3:11].
_WARM = {
    "Meteosat-8": (
        *((2567.33, 0.9956, 3.41), (1598.103, 0.9962, 2.218), (1362.081, 0.9991, 0.478), (1149.069, 0.9996, 0.179)),
        *((1034.343, 0.9999, 0.06), (930.647, 0.9983, 0.625), (839.66, 0.9988, 0.397), (752.387, 0.9981, 0.578)),
    ),
    "Meteosat-9": (
        *((2568.832, 0.9954, 3.438), (1600.548, 0.9963, 2.185), (1360.330, 0.9991, 0.47), (1148.620, 0.9996, 0.179)),
        *((1035.289, 0.9999, 0.056), (931.7, 0.9983, 0.64), (836.445, 0.9988, 0.408), (751.792, 0.9981, 0.561)),
    ),
    "Meteosat-10": (
        *((2547.771, 0.9915, 2.9002), (1595.621, 0.996, 2.0337), (1360.337, 0.9991, 0.434)),
        *((1148.130, 0.9996, 0.1714), (1034.715, 0.9999, 0.0527), (929.842, 0.9983, 0.6084)),
        *((838.659, 0.9988, 0.3882), (750.653, 0.9982, 0.539)),
    ),
    "Meteosat-11": (
        *((2555.280, 0.9916, 2.9438), (1596.080, 0.9959, 2.078), (1361.748, 0.999, 0.4929)),
        *((1147.433, 0.9996, 0.1731), (1034.851, 0.9998, 0.0597), (931.122, 0.9983, 0.6256)),
        *((839.113, 0.9988, 0.4002), (748.585, 0.9981, 0.5635)),
    ),
}
# EUM/MET/TEN/12/0332: solar irradiance at 1 AU (mW m-2 (cm-1)-1) of VIS006, VIS008, IR_016, HRV.
_SUN = {
    "Meteosat-8": (65.2296, 73.0127, 62.3715, 78.7599),
    "Meteosat-9": (65.2065, 73.1869, 61.9923, 79.0113),
    "Meteosat-10": (65.5148, 73.1807, 62.0208, 78.9416),
    "Meteosat-11": (65.2656, 73.1692, 61.9416, 79.0035),
}
_REFLECTIVE = ("VIS006", "VIS008", "IR_016", "HRV")
# Spectral radiance (before May 2008): T = c0 + c1 T' + c2 T'^2 with T' of Planck's law (EUM/MET/TEN/05/1852).
_SPECTRAL = {
    "IR_039": (-3.5504, 1.0117519, 0.0),
    "WV_062": (-1.79093, 1.000255533, 1.8057e-5),
    "WV_073": (-0.456166, 1.000668281, 2.31818e-6),
    "IR_087": (-1.50739, 1.0118034, -2.332e-5),
    "IR_097": (-1.0306, 1.00937067, -2.05533e-5),
    "IR_108": (-3.29674, 1.0328898, -7.39277e-5),
    "IR_120": (-3.18109, 1.0313146, -7.00984e-5),
    "IR_134": (-2.64595, 1.0304248, -7.29345e-5),
}
_C1, _C2 = 1.19104273e-5, 1.43877523  # mW m-2 sr-1 (cm-1)-4, K cm: EUM/MET/TEN/05/1852
_SATURATION = 1023.0
_ROWS = 232  # of a block, half a segment


@dataclass(frozen=True, slots=True)
class _Channel:
    """A channel before it is calibrated."""

    lines: Lines
    canvas: Canvas
    windows: tuple[tuple[int, int, int, int], ...]
    paths: tuple[str, ...]
    missing: tuple[int, ...] = ()


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    wanted = [b.native for b in granule.sensor.bands_of() if b.resolution == resolution]
    if granule.match(r"[HL]-000-.*"):
        header, trailer, channels = _hrit(granule, wanted)
    else:
        header, trailer, channels = _native(granule, wanted)
    if not channels:
        raise SceneError(f"{granule.path}: {granule.name} has none of the channels of {resolution:g} m.")
    canvas = next(iter(channels.values())).canvas
    bands = [b for b in granule.sensor.bands_of(header.platform) if b.native in channels and b.resolution == resolution]
    start = trailer.start or header.start
    made = [_counts(band, channels[band.native], header, sun_distance(start)) for band in bands]
    spectral = {b.name: _SPECTRAL[b.native] for b in bands if b.thermal and _kind(header, b.native) == 1}
    return scene_of_counts(
        granule,
        Acquisition(header.platform, start, trailer.end or header.end, "L1.5", _kept(wanted, channels)),
        made,
        _view(canvas, header, trailer, hrv=resolution < 3000, path=granule.path),
        calibration=calibration,
        corrections=spectral,
    )


def _native(granule: Granule, wanted: Sequence[str]) -> tuple[Header, Trailer, dict[str, _Channel]]:
    path = granule.one(r".*", "its native file")
    native = read_native(path)
    channels = {}
    for name in wanted:
        if name in native.channels:
            channels[name] = _Channel(native.lines(name), *native.placed(name), (str(path),))
    return native.header, native.trailer, channels


def _hrit(granule: Granule, wanted: Sequence[str]) -> tuple[Header, Trailer, dict[str, _Channel]]:
    prologue = read_hrit(granule.one(r".*-PRO______-.*", "the prologue (*-PRO______-*)"))
    epilogue = read_hrit(granule.one(r".*-EPI______-.*", "the epilogue (*-EPI______-*)"))
    header = parse_header(_data(prologue), prologue.path, version=0)
    trailer = parse_trailer(_data(epilogue), epilogue.path)
    files: dict[str, list[HritFile]] = defaultdict(list)
    for name in wanted:
        files[name] = [read_hrit(path) for path in granule.match(rf".*-{name:_<9}-\d{{6}}___-.*")]
    planned = _planned(granule, [file for group in files.values() for file in group])
    channels = {name: _channel(granule, name, group, trailer, planned) for name, group in files.items() if group}
    return header, trailer, channels


def _data(file: HritFile) -> bytes:
    return read_bytes(file.path, file.header, file.path.stat().st_size - file.header)


def _identification(file: HritFile) -> tuple[int, int, int, int]:
    """Return satellite, number of the segment, first and last segment planned."""
    if len(file.records.get(128, b"")) < 10:
        raise SceneError(f"{file.path} does not say which segment it is (header record 128). It is damaged.")
    satellite, _, number, first, last = struct.unpack_from(">hbHHH", file.records[128])
    if not 1 <= first <= number <= last <= 24:
        raise SceneError(f"{file.path} says that it is segment {number} of {first} to {last}. Its header is damaged.")
    return satellite, number, first, last


def _planned(granule: Granule, files: Sequence[HritFile]) -> tuple[int, int]:
    """Return the first and last planned segment of the 3 km grid or of HRV, the same for all channels."""
    told = {(s, first, last) for s, _, first, last in map(_identification, files)}
    if len(told) > 1:
        raise SceneError(f"{granule.path} holds segments of several images. Give the files of one as a list.")
    return (next(iter(told))[1:]) if told else (1, 8)


def _channel(
    granule: Granule, name: str, files: Sequence[HritFile], trailer: Trailer, planned: tuple[int, int]
) -> _Channel:
    layouts = {file.structure() for file in files}
    numbers = [_identification(file)[1] for file in files]
    if len(layouts) > 1 or len(set(numbers)) < len(numbers):
        raise SceneError(
            f"{granule.path}: the segments of {name} do not make one image. Give the files of one as a list."
        )
    bits, columns, lines = next(iter(layouts))
    first, last = planned
    hrv = name == "HRV"
    edge = 3 * EDGE if hrv else EDGE
    canvas = Canvas((first - 1) * lines + 1, last * lines, 1, edge)
    if canvas.north > edge or (not hrv and columns != EDGE):
        raise SceneError(f"{granule.path}: {name} has segments of {lines} x {columns} pixels, which MSG has not.")
    ordered = sorted(zip(numbers, files, strict=True), key=lambda pair: pair[0])
    paths = tuple(str(file.path) for _, file in ordered)
    source = HritLines(
        paths,
        tuple(file.header for _, file in ordered),
        tuple(number - first for number, _ in ordered),
        lines,
        columns,
        bits,
    )
    missing = tuple(n for n in range(first, last + 1) if n not in numbers)
    return _Channel(source, canvas, trailer.windows if hrv and columns < edge else (), paths, missing)


def _kind(header: Header, native: str) -> int:
    return header.kinds[CHANNELS.index(native)]


def _counts(band: Band, channel: _Channel, header: Header, distance: float) -> Counts:
    layer = MsgLayer(channel.lines, channel.canvas, channel.windows)
    rows = _ROWS if band.resolution >= 3000 else _ROWS // 2
    array = dask_array(layer, (min(rows, layer.shape[0]), layer.shape[1]), channel.paths, band.native)
    gain, offset = header.radiance[CHANNELS.index(band.native)]
    if not (math.isfinite(gain) and math.isfinite(offset) and gain > 0):
        raise SceneError(f"{channel.paths[0]}: channel {band.native} has no calibration. The header is damaged.")
    factor = 10.0 / band.centre**2  # mW m-2 sr-1 (cm-1)-1 -> W m-2 sr-1 um-1
    reflectance = planck = None
    if band.thermal:
        warm = _Warm(*_WARM[header.platform][CHANNELS.index(band.native) - 3])
        scale = (1.0, 0.0) if _kind(header, band.native) == 1 else (warm.alpha, warm.beta)
        planck = Planck(_C1 * warm.wavenumber**3 * factor, _C2 * warm.wavenumber, *scale)
    else:
        albedo = math.pi * distance**2 / _SUN[header.platform][_REFLECTIVE.index(band.native)]
        reflectance = Linear(gain * albedo, offset * albedo)
    return Counts(
        band,
        xr.DataArray(array, dims=("y", "x")),
        fills=(0.0,),
        saturation=_SATURATION,
        radiance=Linear(gain * factor, offset * factor),
        reflectance=reflectance,
        planck=planck,
    )


def _view(canvas: Canvas, header: Header, trailer: Trailer, *, hrv: bool, path: Path) -> View:
    x, y = canvas.coordinates(header, hrv=hrv)
    return View(
        x,
        y,
        projection(header.longitude, HEIGHT, axes=header.axes, what=path),
        line_times(canvas, header, trailer, hrv=hrv),
        header.satellite,
    )


def _kept(wanted: Sequence[str], channels: Mapping[str, _Channel]) -> dict[str, str]:
    kept = {}
    if lacking := [name for name in wanted if name not in channels]:
        kept["bands_missing"] = ", ".join(lacking)
    if gaps := [f"{n} {', '.join(map(str, c.missing))}" for n, c in channels.items() if c.missing]:
        kept["segments_missing"] = "; ".join(gaps)
    return kept
