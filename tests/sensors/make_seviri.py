"""MSG Level 1.5 files in small: native regions of interest, and HRIT segments with prologue and epilogue.

The records are laid out by satpy's tables of EUM/MSG/ICD/105, so that they owe nothing to the code under test.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CHANNELS = (
    "VIS006",
    "VIS008",
    "IR_016",
    "IR_039",
    "WV_062",
    "WV_073",
    "IR_087",
    "IR_097",
    "IR_108",
    "IR_120",
    "IR_134",
    "HRV",
)
SLOPE = tuple(0.02 + 0.01 * i for i in range(12))
OFFSET = tuple(-51.0 * s for s in SLOPE)
START, END = datetime(2020, 4, 1, 12, 0, 10), datetime(2020, 4, 1, 12, 12, 40)
STEP, HRV_STEP = 3000.4031658172607, 1000.1343488693237
ORBIT = (42164.0, 30.0, 55.0)  # X, Y, Z of the satellite (km)
PLATFORMS = {"MSG3": 323, "MSG4": 324}


def _tables() -> Any:
    return pytest.importorskip("satpy.readers.seviri_l1b_native_hdr")


def _cds(target: Any, moment: datetime) -> None:
    days, rest = divmod(moment - datetime(1958, 1, 1), timedelta(days=1))
    target["Days"], target["Milliseconds"] = days, rest // timedelta(milliseconds=1)


def _fill_header(record: Any, satellite: str, kind: int, model: int) -> None:
    record["SatelliteStatus"]["SatelliteDefinition"]["SatelliteId"] = PLATFORMS[satellite]
    record["SatelliteStatus"]["SatelliteDefinition"]["NominalLongitude"] = 0.0
    orbit = record["SatelliteStatus"]["Orbit"]["OrbitPolynomial"]
    _cds(orbit["StartTime"][0], START - timedelta(hours=3))
    _cds(orbit["EndTime"][0], START + timedelta(hours=3))
    for axis, value in zip("XYZ", ORBIT, strict=True):
        orbit[axis][0, 0] = 2.0 * value
    planned = record["ImageAcquisition"]["PlannedAcquisitionTime"]
    _cds(planned["TrueRepeatCycleStart"], START)
    _cds(planned["PlannedRepeatCycleEnd"], END + timedelta(minutes=2))
    image = record["ImageDescription"]
    image["ProjectionDescription"]["LongitudeOfSSP"] = 0.0
    for name, step, scale in (("ReferenceGridVIS_IR", STEP, 1), ("ReferenceGridHRV", HRV_STEP, 3)):
        grid = image[name]
        grid["NumberOfLines"] = grid["NumberOfColumns"] = 3712 * scale
        grid["LineDirGridStep"] = grid["ColumnDirGridStep"] = step / 1000.0
        grid["GridOrigin"] = 2
    image["Level15ImageProduction"]["ImageProcDirection"] = 1
    image["Level15ImageProduction"]["PlannedChanProcessing"] = kind
    calibration = record["RadiometricProcessing"]["Level15ImageCalibration"]
    calibration["CalSlope"], calibration["CalOffset"] = SLOPE, OFFSET
    earth = record["GeometricProcessing"]["EarthModel"]
    earth["TypeOfEarthModel"], earth["EquatorialRadius"] = model, 6378.169
    earth["NorthPolarRadius"] = earth["SouthPolarRadius"] = 6356.5838


def _fill_trailer(record: Any) -> None:
    scan = record["ImageProductionStats"]["ActualScanningSummary"]
    scan["NominalImageScanning"], scan["ReducedScan"] = 1, 0
    _cds(scan["ForwardScanStart"], START)
    _cds(scan["ForwardScanEnd"], END)
    lines = record["ImageProductionStats"]["ActualL15CoverageVIS_IR"]
    for name, value in zip(lines.dtype.names, (1, 3712, 1, 3712), strict=True):
        lines[name] = value
    windows = record["ImageProductionStats"]["ActualL15CoverageHRV"]
    for name, value in zip(windows.dtype.names, (1, 8064, 2717, 8284, 8065, 11136, 1805, 7372), strict=True):
        windows[name] = value


def pack10(counts: np.ndarray) -> bytes:
    """Pack 10-bit counts, four in five bytes."""
    bits = np.unpackbits(counts.astype(">u2").view("u1").reshape(*counts.shape, 2), axis=-1)[..., 6:]
    return np.packbits(bits.reshape(-1)).tobytes()


def native(
    folder: Path,
    counts: Mapping[str, np.ndarray],
    *,
    south: int = 1850,
    east: int = 1850,
    satellite: str = "MSG3",
    kind: int = 2,
    model: int = 2,
) -> Path:
    """Write a region of interest; counts run from south to north and from east to west, as in the file."""
    tables = _tables()
    first = next(v for k, v in counts.items() if k != "HRV")
    lines, columns = first.shape
    head = np.zeros(1, tables.get_native_header(True))
    _fill_header(head[0]["15_DATA_HEADER"], satellite, kind, model)
    trailer = np.zeros(1, tables.native_trailer)
    _fill_trailer(trailer[0]["15TRAILER"])
    names = [c for c in CHANNELS if c in counts]
    body = b"".join(_line(counts, names, line) for line in range(lines))
    total = head.nbytes + len(body) + trailer.nbytes
    entries = _ascii(names, (south, south + lines - 1, east, east + columns - 1), counts.get("HRV"), total)
    raw = head.tobytes()
    content = entries + raw[len(entries) :] + body + trailer.tobytes()
    path = folder / f"{satellite}-SEVI-MSG15-0100-NA-20200401121240.185000000Z-NA.nat"
    path.write_bytes(content)
    return path


def _line(counts: Mapping[str, np.ndarray], names: list[str], line: int) -> bytes:
    rows = [(n, counts[n][line]) for n in names if n != "HRV"]
    rows += [("HRV", row) for row in counts["HRV"][3 * line : 3 * line + 3]] if "HRV" in names else []
    return b"".join(bytes(65) + pack10(row) for _, row in rows)


def _ascii(names: list[str], box: tuple[int, int, int, int], hrv: np.ndarray | None, total: int) -> bytes:
    """Write main (3674 bytes) and secondary (1440 bytes) product header."""

    def entry(name: str, value: object) -> bytes:
        return f"{name:<28}: {value!s:<49}\n".encode()

    main = [entry("FormatName", "NATIVE")] + [entry(f"Unused{i}", "") for i in range(5)]
    main += [b" " * 62] * 27 + [entry("TotalFileSize", total)]
    main += [
        entry(name, "") for name in ("GORT", "ASTI", "LLOS", "SNIT", "AIID", "SSBT", "SSST", "RRCC", "RRBT", "RRST")
    ]
    main += [entry(name, "") for name in ("PPRC", "PPDT", "GPLV", "APNM", "AARF", "UUDT")]
    main += [entry("QQOV", "OK"), entry("UDSP", "")]
    shape = (0, 0) if hrv is None else hrv.shape
    columns = -(-(box[3] - box[2] + 1) // 4) * 4
    second = [entry(n, "") for n in ("ABID", "SMOD", "APXS", "AVPA", "LSCD", "LMAP", "QDLC", "QDLP", "QQAI")]
    second.append(entry("SelectedBandIDs", "".join("X" if c in names else "-" for c in CHANNELS)))
    values = (*box, box[1] - box[0] + 1, columns, *shape)
    keys = ("SouthLineSelectedRectangle", "NorthLineSelectedRectangle", "EastColumnSelectedRectangle")
    keys += (
        "WestColumnSelectedRectangle",
        "NumberLinesVISIR",
        "NumberColumnsVISIR",
        "NumberLinesHRV",
        "NumberColumnsHRV",
    )
    second += [entry(k, v) for k, v in zip(keys, values, strict=True)]
    content = b"".join([*main, *second])
    assert len(content) == 3674 + 1440
    return content


def hrit_name(channel: str, segment: str, satellite: str = "MSG3") -> str:
    """Return the name of a segment; PRO and EPI have no channel."""
    return f"H-000-{satellite}__-{satellite}________-{channel:_<9}-{segment:_<9}-202004011200-__"


def hrit_sides(folder: Path, satellite: str = "MSG3") -> tuple[Path, Path]:
    """Write prologue and epilogue."""
    tables = _tables()
    prologue = np.zeros(1, tables.hrit_prologue)
    _fill_header(prologue[0], satellite, 2, 2)
    epilogue = np.zeros(1, tables.hrit_epilogue)
    _fill_trailer(epilogue[0])
    content = (prologue.tobytes(), epilogue.tobytes())
    paths = []
    for kind, data, number in zip(("PRO", "EPI"), content, (128, 129), strict=True):
        name = hrit_name("_________", kind, satellite)
        paths.append(_hrit(folder / name, number, [(4, name.encode().ljust(61, b"_"))], data, 8 * len(data)))
    return paths[0], paths[1]


def hrit_segment(folder: Path, counts: np.ndarray, *, channel: str, number: int, satellite: str = "MSG3") -> Path:
    """Write one segment of an image of 8 (HRV: 24); counts run from south to north and from east to west."""
    lines, columns = counts.shape
    total = 24 if channel == "HRV" else 8
    name = hrit_name(channel, f"{number:06d}", satellite)
    factor = 3 if channel == "HRV" else 1
    identification = struct.pack(">hbHHHb", PLATFORMS[satellite], CHANNELS.index(channel) + 1, number, 1, total, 0)
    quality = np.zeros(lines, ">i4,>u2,>u4,u1,u1,u1")
    quality["f0"] = np.arange(lines) + (number - 1) * lines + 1
    quality["f1"], quality["f2"] = 22736, 43210000
    quality["f3"] = quality["f4"] = quality["f5"] = 1
    records = [
        (1, struct.pack(">BHHB", 10, columns, lines, 0)),
        (
            2,
            b"geos(0)".ljust(32, b"\0")
            + struct.pack(">4i", *([-13642337 * factor] * 2), 1856 * factor, 1856 * factor - (number - 1) * lines),
        ),
        (4, name.encode().ljust(61, b"_")),
        (5, bytes(7)),
        (128, identification),
        (129, quality.tobytes()),
    ]
    return _hrit(folder / name, 0, records, pack10(counts), 10 * counts.size)


def _hrit(path: Path, kind: int, records: list[tuple[int, bytes]], data: bytes, bits: int) -> Path:
    headers = b"".join(struct.pack(">BH", k, len(v) + 3) + v for k, v in records)
    primary = struct.pack(">BHBIQ", 0, 16, kind, 16 + len(headers), bits)
    path.write_bytes(primary + headers + data)
    return path
