"""MTSAT-2 (Himawari-7) imager, JMA's HRIT: one file a band, or ten segments."""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.files.lazy import dask_array
from musyq_lab.sensors._calibrate import Counts, physical
from musyq_lab.sensors._disk import View, projection
from musyq_lab.sensors._geostationary import (
    averaged_data,
    coarse,
    looked_up,
    radiance_of_temperature,
    scan_angles,
    scene_of_bands,
)
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._hrit import HritFile, HritLayer, HritLines, read_hrit, text
from musyq_lab.sensors._scene import Acquisition

SPEC = Sensor(
    key="mtsat2_imager",
    title="MTSAT-2 imager",
    platforms=("MTSAT-2", "MTSAT-1R"),
    resolution=4000,
    swath=12_000,
    years=(2006, 2015),
    bands=(
        Band("pan", "VIS", 0.675, 0.35, 1000),
        Band("pan", "VIS", 0.675, 0.35, 4000),
        Band("mir", "IR4", 3.75, 0.50, 4000),
        Band("vapour_lower", "IR3", 6.75, 0.50, 4000),
        Band("tir1", "IR1", 10.80, 1.00, 4000),
        Band("tir2", "IR2", 12.00, 1.00, 4000),
    ),
    patterns=(
        r"IMG_(?P<platform>DK\d\d)(?:VIS|IR\d)_(?P<granule>\d{12})(?:_\d{3})?",
        r"HRIT_MTSAT[12]_(?P<granule>\d{8}_\d{4})_(?P<platform>DK\d\d)(?:VIS|IR\d)",
    ),
    marks=(Mark("bytes", r"^\x00\x00\x10[\s\S]{13,400}GEOS\((?:140\.00|140\.25|145\.00)\)"),),
    reader="numpy",
    geometry="geostationary",
    quirks=(
        "The files give albedo and brightness temperature by table: radiance of a thermal band is that of a black body "
        "at the centre, and the visible band has none, since no solar irradiance is published with the files.",
        "COFF and LOFF are whole numbers: pixels may lie half a pixel off. LOFF of a half disk (DK02, DK03) counts the "
        "lines of the full disk before its first, as satpy has it.",
        "The visible band (0.55 to 0.90 um) is too broad for red; on the 4000 m grid it is the mean of 16 pixels.",
        "The satellite is told by the longitude of the projection: MTSAT-1R 140 (or 140.25), MTSAT-2 145 degrees east.",
    ),
    references=(
        "JMA, HRIT Mission Specific Implementation, section 4 (not re-read)",
        "satpy, readers/hrit_jma.py: longitudes of the satellites, LOFF of half disks",
        "Bands are nominal: WMO OSCAR, MTSAT-2 imager (not re-read)",
    ),
)

_PLATFORMS = {140.0: "MTSAT-1R", 140.25: "MTSAT-1R", 145.0: "MTSAT-2"}
_HALVES = ("02", "03")  # areas: northern and southern half of the disk
_HEIGHT, _AXES = 35_785_831.0, (6_378_169.0, 6_356_583.8)  # CGMS 03, section 4.4.3.2
_FILL = 65535
_ROWS = 110
_EPOCH = datetime(1858, 11, 17)  # of the modified Julian day
_NATIVE = {"VIS": 1000}


@dataclass(frozen=True, slots=True)
class _Image:
    """One band over the segments that are there."""

    files: tuple[HritFile, ...]
    numbers: tuple[int, ...]
    total: int
    layout: tuple[int, int, int]
    grid: tuple[int, int, int, int]
    longitude: float

    @property
    def lines(self) -> int:
        """Lines of the whole image."""
        return self.layout[2] * self.total


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open an image lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    images = _images(granule)
    bands, used, missing = {}, [], []
    for band in granule.sensor.bands_of():
        if band.resolution != resolution:
            continue
        factor = round(resolution / _NATIVE.get(band.native, 4000))
        fit = band.native in images and (calibration != "radiance" or band.thermal)
        if not fit or (calibration == "counts" and factor > 1):
            missing.append(band.name)
            continue
        used.append((images[band.native], factor))
        bands[band.name] = _band(images[band.native], band, calibration, factor)
    if not bands:
        raise SceneError(
            f"{granule.path}: granule {granule.name} has no band of {resolution:g} m with {calibration}. It has "
            f"{', '.join(images)}; the visible band has no radiance."
        )
    times = _times(*used[0])
    acquisition = Acquisition(
        _platform(used[0][0]), _datetime(times[0]), _datetime(times[-1]), "HRIT", _kept(missing, bands, images)
    )
    view = _view(*used[0], times)
    return scene_of_bands(granule, acquisition, bands, view, calibration=calibration)


def _images(granule: Granule) -> dict[str, _Image]:
    groups: dict[str, list[HritFile]] = defaultdict(list)
    for path in granule.files:
        file = read_hrit(path)
        groups[_told(file)[1]].append(file)
    images = {native: _image(granule, native, files) for native, files in groups.items()}
    if len({i.longitude for i in images.values()}) > 1:
        raise SceneError(f"{granule.path} holds images of several satellites. Give the files of one as a list.")
    return images


def _told(file: HritFile) -> tuple[str, str]:
    """Return the area and the name of the band: in the annotation (record 4), which repeats the name of the file."""
    for where in (text(file.records.get(4, b"")), file.path.name):
        if found := re.search(r"DK(\d\d)(VIS|IR[1-4])", where):
            return found[1], found[2]
    raise SceneError(f"{file.path} does not say which band it holds. Keep the name that JMA gave it.")


def _image(granule: Granule, native: str, files: Sequence[HritFile]) -> _Image:
    layouts = {(file.structure(), file.records.get(2, b""), _told(file)[0]) for file in files}
    told = sorted(((*_segment(file), file) for file in files), key=lambda one: one[0])
    numbers = tuple(number for number, _, _ in told)
    totals = {total for _, total, _ in told}
    if len(layouts) > 1 or len(totals) > 1 or len(set(numbers)) < len(numbers):
        raise SceneError(
            f"{granule.path}: the segments of {native} do not make one image. Give the files of one as a list."
        )
    layout, raw, area = next(iter(layouts))
    name = re.search(r"GEOS\((-?[\d.]+)\)", text(raw[:32]))
    if len(raw) < 48 or name is None:
        raise SceneError(f"{files[0].path} does not say where its pixels lie (header record 2). It is damaged.")
    cfac, lfac, coff, loff = struct.unpack_from(">4i", raw, 32)
    if cfac <= 0 or lfac <= 0:
        raise SceneError(f"{files[0].path} has scaling factors {cfac} and {lfac}. Its header is damaged.")
    if area in _HALVES and totals == {1}:
        loff = layout[2] - loff
    return _Image(tuple(f for _, _, f in told), numbers, totals.pop(), layout, (cfac, lfac, coff, loff), float(name[1]))


def _segment(file: HritFile) -> tuple[int, int]:
    """Return number of the segment, from 0, and how many there are."""
    number, total = struct.unpack_from(">BB", file.records.get(128, b"\0\1"))
    if not 0 <= number <= max(total, 1) <= 20:
        raise SceneError(f"{file.path} says that it is segment {number} of {total}. Its header is damaged.")
    return (number - 1, total) if number else (0, 1)


def _band(image: _Image, band: Band, calibration: Calibration, factor: int) -> xr.DataArray:
    bits, columns, lines = image.layout
    source = HritLines(
        tuple(str(f.path) for f in image.files),
        tuple(f.header for f in image.files),
        image.numbers,
        lines,
        columns,
        bits,
        fill=_FILL,
    )
    layer = HritLayer(source, image.lines)
    array = dask_array(layer, (min(_ROWS * factor, image.lines), columns), source.paths, band.native)
    data = xr.DataArray(array, dims=("y", "x"))
    if calibration == "counts":
        return physical(Counts(band, data, fills=(float(_FILL),)), calibration, None)
    table, percent = _table(image.files[0])
    values = averaged_data(looked_up(data, table), factor)
    if not band.thermal:
        scaled: xr.DataArray = values * np.float32(0.01 if percent else 1.0)
        return scaled.assign_attrs(units="1", standard_name="toa_bidirectional_reflectance")
    if calibration == "radiance":
        return radiance_of_temperature(values, band.centre)
    return values.assign_attrs(units="K", standard_name="toa_brightness_temperature")


def _table(file: HritFile) -> tuple[NDArray[np.float32], bool]:
    """Return the value of each count, and whether it is in percent (header record 3: ``count:=value`` lines)."""
    raw = text(file.records.get(3, b""))
    pairs = sorted((int(k), float(v)) for k, v in re.findall(r"(\d+):=\s*(-?[\d.]+)", raw) if int(k) < _FILL)
    unit = re.search(r"_UNIT:=([^\r\n]*)", raw)
    if len(pairs) < 2 or unit is None:
        raise SceneError(f"{file.path} has no calibration table (header record 3). It is damaged.")
    counts, values = zip(*pairs, strict=True)
    table = np.interp(np.arange(counts[-1] + 1), counts, values).astype(np.float32)
    return table, "%" in unit[1] or "PERCENT" in unit[1].upper()


def _times(image: _Image, factor: int) -> NDArray[np.datetime64]:
    """Return when each line was seen, between those that header record 131 tells."""
    lines: list[float] = []
    days: list[float] = []
    for file, number in zip(image.files, image.numbers, strict=True):
        raw = text(file.records.get(131, b""))
        pairs = re.findall(r"LINE:=(\d+)\s*TIME:=([\d.]+)", raw)
        shift = number * image.layout[2] if pairs and int(pairs[-1][0]) <= image.layout[2] else 0
        lines += [int(line) + shift for line, _ in pairs]
        days += [float(day) for _, day in pairs]
    if not days or not 50_000 < min(days) <= max(days) < 100_000:
        raise SceneError(f"{image.files[0].path} does not say when its lines were seen (header record 131).")
    order = np.argsort(lines)
    every = np.interp(np.arange(1, image.lines + 1), np.array(lines)[order], np.array(days)[order])
    milliseconds = np.round(every[factor // 2 :: factor][: image.lines // factor] * 86_400e3).astype("timedelta64[ms]")
    return np.asarray(np.datetime64(_EPOCH, "ns") + milliseconds)


def _datetime(moment: Any) -> datetime:
    return _EPOCH + timedelta(milliseconds=int((moment - np.datetime64(_EPOCH, "ns")) / np.timedelta64(1, "ms")))


def _view(image: _Image, factor: int, times: NDArray[np.datetime64]) -> View:
    cfac, lfac, coff, loff = image.grid
    return View(
        coarse(scan_angles(image.layout[1], coff, cfac, _HEIGHT), factor),
        coarse(-scan_angles(image.lines, loff, lfac, _HEIGHT), factor),
        projection(image.longitude, _HEIGHT, axes=_AXES, what=image.files[0].path),
        times,
        (image.longitude, 0.0, _HEIGHT),
    )


def _platform(image: _Image) -> str:
    platform = _PLATFORMS.get(image.longitude)
    if platform is None:
        raise SceneError(
            f"{image.files[0].path} is of a satellite over {image.longitude:g} degrees east, neither MTSAT-1R nor "
            "MTSAT-2. HRIT of Himawari-8 is not read; its Standard Data are."
        )
    return platform


def _kept(missing: Sequence[str], bands: dict[str, xr.DataArray], images: dict[str, _Image]) -> dict[str, str]:
    kept = {"bands_missing": ", ".join(missing)} if missing else {}
    gaps = {n: [k + 1 for k in range(i.total) if k not in i.numbers] for n, i in images.items()}
    if any(gaps.values()):
        kept["segments_missing"] = "; ".join(f"{n} {', '.join(map(str, g))}" for n, g in sorted(gaps.items()) if g)
    return kept
