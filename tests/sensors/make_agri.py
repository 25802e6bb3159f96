"""FY-4A AGRI Level-1 FDI files in small: the datasets and attributes that NSMC's full-disk files carry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

TIMES = ("2019-06-03", "03:30:00.500", "2019-06-03", "03:34:00.500")
HEIGHT, LONGITUDE = 35_786_000.0, 104.7
CHANNELS = {500: (2,), 1000: (1, 2, 3), 2000: tuple(range(1, 8)), 4000: tuple(range(1, 15))}
CENTRE = {500: 10991.5, 1000: 5495.5, 2000: 2747.5, 4000: 1373.5}
FILL = 65535


def coefficients(channel: int) -> tuple[float, float]:
    """Return gain and offset of a reflective channel."""
    return 2.5e-4 + 1e-6 * channel, -0.02 - 0.001 * channel


def table(channel: int) -> np.ndarray:
    """Return the look-up table; that of channel 7 goes on past the fill value, as in real files."""
    length = 65536 if channel == 7 else 4096
    return (180.0 + 0.04 * np.arange(length) + channel).astype("f4").clip(max=400.0 if channel == 7 else 345.0)


def image(
    folder: Path,
    counts: Mapping[int, np.ndarray],
    *,
    resolution: int = 4000,
    line: int | None = None,
    column: int | None = None,
    satellite: str = "FY4A",
    product: str = "FDI",
    height: float = HEIGHT,
) -> Path:
    """Write a region; ``line`` and ``column`` count from 0 in the full disk (the centre by default)."""
    start, end = "20190603033000", "20190603033400"
    name = f"FY4A-_AGRI--_N_REGC_1047E_L1-_{product}-_MULT_NOM_{start}_{end}_{resolution:04d}M_V0001.HDF"
    lines, columns = next(iter(counts.values())).shape
    first = int(CENTRE[resolution] + 0.5) - lines // 2 if line is None else line
    left = int(CENTRE[resolution] + 0.5) - columns // 2 if column is None else column
    attributes = {
        "Satellite Name": satellite,
        "Sensor Identification Code": "AGRI",
        "NOMCenterLat": 0.0,
        "NOMCenterLon": LONGITUDE,
        "NOMSatHeight": height,
        "dEA": 6378.137,
        "dObRecFlat": 298.257223563,
        "Begin Line Number": first,
        "End Line Number": first + lines - 1,
        "Begin Pixel Number": left,
        "End Pixel Number": left + columns - 1,
        "RegLength": lines,
        "RegWidth": columns,
    }
    attributes |= dict(
        zip((f"Observing {w} {p}" for w in ("Beginning", "Ending") for p in ("Date", "Time")), TIMES, strict=True)
    )
    path = folder / name
    with h5py.File(path, "w") as file:
        for key, value in attributes.items():
            file.attrs[key] = (
                np.bytes_(value)
                if isinstance(value, str)
                else np.array([value], "f8" if isinstance(value, float) else "i4")
            )
        if product == "FDI":
            _write(file, counts, CHANNELS[resolution])
    return path


def _write(file: h5py.File, counts: Mapping[int, np.ndarray], channels: tuple[int, ...]) -> None:
    rows = np.array([coefficients(c) for c in channels], "f4")
    file["CALIBRATION_COEF(SCALE+OFFSET)"] = rows
    for channel, values in counts.items():
        dataset = file.create_dataset(
            f"NOMChannel{channel:02d}",
            data=values.astype("u2"),
            chunks=tuple(min(64, n) for n in values.shape),
            compression="gzip",
        )
        dataset.attrs["FillValue"] = np.array([FILL], "u2")
        dataset.attrs["valid_range"] = np.array([0, 4095], "u2")
        file[f"CALChannel{channel:02d}"] = table(channel)
        file[f"CALChannel{channel:02d}"].attrs["valid_range"] = np.array([100.0, 500.0], "f4")
