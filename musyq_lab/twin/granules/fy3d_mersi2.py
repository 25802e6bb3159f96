"""MERSI-2 on FY-3D: Level 1 of 1 km and 250 m (HDF5) with the geolocation files of both, as NSMC names them.

A granule is a short one: the scans that see the world, all 2048 columns of them, fill values where the world does not
reach. Its name and its metadata carry the true beginning. A world of cells wider than a pixel of 250 m gets no fine
image. By night (the Sun below the horizon in the whole view) the reflective bands are all fill values: what real files
hold then is not verified.

Names of groups, datasets and attributes: satpy, readers/mersi_l1b.py and etc/readers/mersi2_l1b.yaml, and public
readers of the files; the producer's format description was not at hand. Two faults of real files are kept: the valid
range of the thermal bands of 250 m says 4095, and the 250 m file holds zeros where the temperature corrections belong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._time import sun_distance
from musyq_lab.sensors.fy3d_mersi2 import CORRECTION, ESUN, SPEC, WAVE_NUMBERS
from musyq_lab.twin.granules._swath import Geolocation, Scanner, Window, covering, footprint, geolocation, window_of
from musyq_lab.twin.grid import WorldGrid
from musyq_lab.twin.instrument import Image, Instrument, Pixels
from musyq_lab.twin.orbit import Overpass, SunSynchronous

# 836 km, 14:00 ascending (13:40 in 2024): NSMC, FY-3D Satellite; WMO OSCAR, FY-3D. Inclination 98.75 deg, a turn in
# 101.5 minutes and the same track after 5.5 days are the design (not verified against elements), which make 156 turns
# in 11 days. Swath 2900 km. The phase of the track is not verified.
ORBIT = SunSynchronous(
    altitude=836e3, inclination=98.75, node_time=14.0, descending=False, orbits=156, days=11, swath=1450.0
)
"""The orbit of FY-3D."""


def _roles(metres: int) -> dict[str, str]:
    """Return native name -> role of the bands of a grid."""
    return {b.native: b.name for b in SPEC.bands if b.resolution == metres}


INSTRUMENT = Instrument("fy3d_mersi2", "FY-3D", ORBIT, "", tuple(_roles(1000).values()))
"""MERSI-2 on FY-3D."""

# 2048 samples within +-55.04 deg of nadir, ten detectors of 1 km at 836 km, 40 scans a minute: MERSI-2 in WMO OSCAR.
# A five-minute granule has 200 scans of 10 x 2048 pixels. Assumed: the part of a turn that 110 deg take as the time of
# a scan, its direction as that of MODIS, and fine samples around the centre of a coarse one.
SCANNER = Scanner(
    lines=10,
    columns=2048,
    step=math.radians(2 * 55.04) / 2048,
    field=1.0 / 836.0,
    period=1.5,
    dwell=1.5 * 2 * 55.04 / 360.0 / 2048,
    centred=True,
)
"""How MERSI-2 scans, on the grid of 1 km."""

FILL, SATURATED = 65535, 65534
"""No data; detector saturated (satpy, readers/mersi_l1b.py)."""

_TOP = 4095
_TOP_EMISSIVE = 25000
SLOPES = (2e-4, 2e-4, 0.01, 0.01, 0.01, 0.01)
"""Radiance (mW m-2 sr-1 cm) of one count in bands 20 to 25."""


@dataclass(frozen=True)
class _Dataset:
    name: str
    natives: tuple[int, ...]
    title: str

    @property
    def emissive(self) -> bool:
        return self.natives[0] >= 20

    @property
    def flat(self) -> bool:
        return len(self.natives) == 1


_DATASETS: Mapping[int, tuple[_Dataset, ...]] = {
    1000: (
        _Dataset("EV_250_Aggr.1KM_RefSB", (1, 2, 3, 4), "250m Reflective Bands Earth View Aggregated to 1km"),
        _Dataset("EV_1KM_RefSB", tuple(range(5, 20)), "1km Reflective Bands Earth View"),
        _Dataset("EV_1KM_Emissive", (20, 21, 22, 23), "1km Emissive Bands Earth View"),
        _Dataset("EV_250_Aggr.1KM_Emissive", (24, 25), "250m Emissive Bands Earth View Aggregated to 1km"),
    ),
    250: (
        *(_Dataset(f"EV_250_RefSB_b{n}", (n,), f"250m Reflective Band {n} Earth View") for n in (1, 2, 3, 4)),
        *(_Dataset(f"EV_250_Emissive_b{n}", (n,), f"250m Emissive Band {n} Earth View") for n in (24, 25)),
    ),
}
_TAGS = {1000: ("1000M", "GEO1K"), 250: ("0250M", "GEOQK")}


def coefficients() -> NDArray[np.float32]:
    """Return c0, c1, c2 of bands 1 to 19: percent = c0 + c1 n + c2 n^2 of 100 x reflectance x cos(sun zenith) / d^2.

    Assumed: all bands reach 115 percent at 4095 and begin 40 counts above the dark level. The ranges of the real bands
    were not at hand; those for the sea (8 to 15) are made for darker scenes and saturate over bright ones.
    """
    slope = 115.0 / (_TOP - 40.0)
    row = np.array([-40.0 * slope, slope, 0.0])
    return np.tile(row, (len(ESUN), 1)).astype(np.float32)


def pixels(overpass: Overpass, grid: WorldGrid) -> tuple[Pixels, ...]:
    """Return the pixels of 1 km and 250 m in view of the world; none where the swath misses it.

    Parameters
    ----------
    overpass
        Of FY-3D.
    grid
        The world; pixels narrower than half a cell are left out.
    """
    window = covering(overpass, SCANNER, grid)
    if window is None:
        return ()
    made = []
    for metres in _DATASETS:
        if metres < 1000 and metres < grid.metres / 2:
            continue
        longitude, latitude = window.positions(1000 // metres)
        width = footprint(overpass, SCANNER, grid, metres)
        bands = tuple(_roles(metres).values())
        made.append(Pixels(bands, float(metres), longitude, latitude, width, extra={"window": window}))
    return tuple(made)


def write(overpass: Overpass, images: Sequence[Image], folder: Path) -> Path:
    """Write the band and geolocation files of a granule; return the band file of 1 km.

    Parameters
    ----------
    overpass
        Of FY-3D.
    images
        In the order of ``pixels``.
    folder
        Existing and empty.
    """
    window = window_of(images)
    day = any(bool((image.sun_zenith < 90).any()) for image in images)
    distance = sun_distance(window.starts(0)[0])
    stem = f"FY3D_MERSI_GBAL_L1_{window.starts(0)[0]:%Y%m%d_%H%M}"
    made = {}
    for image in images:
        metres = round(image.pixels.resolution)
        names = [f"{stem}_{tag}_MS.HDF" for tag in _TAGS[metres]]
        made[metres] = folder / names[0]
        common = _attributes(overpass, window, distance, day=day)
        with h5py.File(made[metres], "w", track_order=True) as file:
            file.attrs.update({**common, **_calibration_attributes(metres), "File Name": np.bytes_(names[0])})
            for dataset in _DATASETS[metres]:
                _band(file, dataset, image, window, distance, day=day)
            _calibration(file, window)
        with h5py.File(folder / names[1], "w", track_order=True) as file:
            file.attrs.update({**common, "File Name": np.bytes_(names[1])})
            if metres == 1000:
                _geolocation(file, window, image, geolocation(window, image))
            else:
                longitude, latitude = window.positions(1000 // metres, full=True)
                _places(file, "", longitude, latitude)
    return made[1000]


def _attributes(overpass: Overpass, window: Window, distance: float, *, day: bool) -> dict[str, object]:
    start, end = window.starts(0)[0], window.end
    made = start + timedelta(hours=6)
    texts = {
        "Satellite Name": "FY-3D",
        "Sensor Name": "MEdium Resolution Spectral Imager",
        "Sensor Identification Code": "MERSI",
        "Dataset Name": "MERSI L1 data",
        "Orbit Direction": "A",
        "Day Or Night Flag": "D" if day else "N",
        "Observing Beginning Date": _day(start),
        "Observing Beginning Time": _clock(start),
        "Observing Ending Date": _day(end),
        "Observing Ending Time": _clock(end),
        "Data Creating Date": _day(made),
        "Data Creating Time": _clock(made),
        "Responser": "MuSyQ Lab, simulated Earth",
    }
    number = overpass.details.get("orbit_number", 0)
    return {
        **{name: np.bytes_(text) for name, text in texts.items()},
        "Orbit Number": np.int32(number if isinstance(number, int) else 0),
        "Number Of Scans": np.int32(window.scans),
        "EarthSun Distance Ratio": np.float32(distance),
    }


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _calibration_attributes(metres: int) -> dict[str, object]:
    centres = {int(b.native): b.centre for b in SPEC.bands if b.resolution == 1000}
    lengths = [*(centres[n] for n in range(1, 20)), *(1e4 / number for number in WAVE_NUMBERS)]
    corrections = np.array(CORRECTION, np.float32) * (1.0 if metres == 1000 else 0.0)
    return {
        "Solar_Irradiance": np.array(ESUN, np.float32),
        "Effect_Center_WaveLength": np.array(lengths, np.float32),
        "TBB_Trans_Coefficient_A": corrections[:, 0].astype(np.float32),
        "TBB_Trans_Coefficient_B": corrections[:, 1].astype(np.float32),
    }


def _band(file: Any, dataset: _Dataset, image: Image, window: Window, distance: float, *, day: bool) -> None:
    factor = 1000 // round(image.pixels.resolution)
    roles = _roles(1000 // factor)
    cosine = np.maximum(np.cos(np.radians(image.sun_zenith.astype(np.float64))), 0.0)
    stored = np.full((len(dataset.natives), cosine.shape[0], SCANNER.columns * factor), FILL, np.uint16)
    for k, native in enumerate(dataset.natives):
        values = image.values[roles[str(native)]]
        if dataset.emissive:
            counts = _emissive_counts(values, native)
        elif day:
            counts = _reflective_counts(values * cosine, native, distance)
        else:
            continue
        stored[k] = window.pasted(counts, FILL, factor)
    # The upper limit of the bands measured at 250 m is a fault of real files.
    fine = min(dataset.natives) in (24, 25)
    top = _TOP_EMISSIVE if dataset.emissive and not fine else _TOP
    slopes = [SLOPES[n - 20] if dataset.emissive else 1.0 for n in dataset.natives]
    attributes = {
        "FillValue": np.array([FILL], np.uint16),
        "Intercept": np.zeros(len(slopes), np.float32),
        "Slope": np.array(slopes, np.float32),
        "band_name": np.bytes_(",".join(map(str, dataset.natives))),
        "long_name": np.bytes_(dataset.title),
        "units": np.bytes_("mW/ (m2 cm-1 sr)" if dataset.emissive else "none"),
        "valid_range": np.array([0, top], np.int32),
    }
    lines = SCANNER.lines * factor
    chunks = (lines, stored.shape[-1]) if dataset.flat else (1, lines, stored.shape[-1])
    _write(file, f"Data/{dataset.name}", stored[0] if dataset.flat else stored, chunks, attributes)


def _reflective_counts(values: NDArray[np.floating], native: int, distance: float) -> NDArray[np.uint16]:
    c0, c1, _ = (float(c) for c in coefficients()[native - 1])
    counts = np.rint((100.0 * values / distance**2 - c0) / c1)
    stored = np.where(np.isfinite(counts), np.clip(counts, 0, _TOP), FILL)
    stored[counts > _TOP] = SATURATED
    return stored.astype(np.uint16)


def _emissive_counts(temperature: NDArray[np.floating], native: int) -> NDArray[np.uint16]:
    """Return counts of the radiance whose temperature is A x Te + B, with Te that at the effective wave number."""
    number, (a, b) = WAVE_NUMBERS[native - 20], CORRECTION[native - 20]
    k1, k2 = planck_constants(1e4 / number)
    # Colder than anything: the exponential must not overflow.
    effective = np.maximum((temperature.astype(np.float64) - b) / a, 10.0)
    # Per micrometre to mW m-2 sr-1 (cm-1)-1.
    radiance = k1 / np.expm1(k2 / effective) / (1e-7 * number**2)
    counts = np.rint(radiance / SLOPES[native - 20])
    # 0 is no measurement to readers.
    stored = np.where(np.isfinite(counts), np.clip(counts, 1, _TOP_EMISSIVE), FILL)
    stored[counts > _TOP_EMISSIVE] = SATURATED
    return stored.astype(np.uint16)


def _calibration(file: Any, window: Window) -> None:
    rows = coefficients()
    packed = {"Intercept": np.zeros(len(rows), np.float32), "Slope": np.ones(len(rows), np.float32)}
    title = {"long_name": np.bytes_("Calibration coefficients of reflective bands, counts to percent")}
    _write(file, "Calibration/VIS_Cal_Coeff", rows, None, {**packed, **title})
    # Radiance of a count: the thermal images are stored calibrated, so these change nothing.
    thermal = np.zeros((6, 4, window.scans), np.float32)
    thermal[:, 1] = 1.0
    title = {"long_name": np.bytes_("Calibration coefficients of emissive bands, scan by scan")}
    _write(file, "Calibration/IR_Cal_Coeff", thermal, None, title)


def _geolocation(file: Any, window: Window, image: Image, place: Geolocation) -> None:
    _places(file, "Geolocation/", place.longitude, place.latitude)
    chunks = (SCANNER.lines, SCANNER.columns)
    for name, degrees in (
        ("SolarZenith", place.sun_zenith),
        ("SolarAzimuth", place.sun_azimuth),
        ("SensorZenith", place.view_zenith),
        ("SensorAzimuth", place.view_azimuth),
    ):
        low = -18000 if name.endswith("Azimuth") else 0
        attributes = _packing(0.01, "degree", np.array([low, 18000], np.int32), np.array([32767], np.int16))
        _write(file, f"Geolocation/{name}", np.rint(degrees * 100).astype(np.int16), chunks, attributes)
    known = np.isfinite(image.elevation)
    height = np.where(known, np.rint(np.nan_to_num(image.elevation)), -32767).astype(np.int16)
    attributes = _packing(1.0, "m", np.array([-400, 10000], np.int32), np.array([-32767], np.int16))
    _write(file, "Geolocation/DEM", window.pasted(height, -32767), chunks, attributes)
    # 1 land, 3 water inland, of whatever depth.
    mask = np.where(known, np.where(image.water, 3, 1), 127).astype(np.int8)
    attributes = _packing(1.0, "none", np.array([0, 7], np.int32), np.array([127], np.int8))
    _write(file, "Geolocation/LandSeaMask", window.pasted(mask, 127), chunks, attributes)
    noon = datetime(2000, 1, 1, 12)
    starts = window.starts(0)
    days = np.array([(t - noon).days for t in starts], np.int32)
    left = np.array([round(((t - noon) % timedelta(days=1)) / timedelta(milliseconds=1)) for t in starts], np.int32)
    _write(file, "Timedata/Day_Count", days, None, {"units": np.bytes_("days since 2000-01-01 12:00")})
    _write(file, "Timedata/Millisecond_Count", left, None, {"units": np.bytes_("ms since 12:00")})


def _places(file: Any, group: str, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> None:
    lines = SCANNER.lines * (longitude.shape[1] // SCANNER.columns)
    for name, degrees, bound in (("Latitude", latitude, 90.0), ("Longitude", longitude, 180.0)):
        fill = np.array([-999.9], np.float32)
        attributes = _packing(1.0, "degree", np.array([-bound, bound], np.float32), fill)
        _write(file, f"{group}{name}", degrees.astype(np.float32), (lines, longitude.shape[1]), attributes)


def _packing(slope: float, units: str, limits: NDArray[Any], fill: NDArray[Any]) -> dict[str, object]:
    return {
        "FillValue": fill,
        "Intercept": np.zeros(1, np.float32),
        "Slope": np.array([slope], np.float32),
        "units": np.bytes_(units),
        "valid_range": limits,
    }


def _write(
    file: Any, name: str, data: NDArray[Any], chunks: tuple[int, ...] | None, attributes: Mapping[str, object]
) -> None:
    packed = {"chunks": chunks, "compression": "gzip", "compression_opts": 1, "shuffle": True} if chunks else {}
    dataset = file.create_dataset(name, data=data, track_times=False, **packed)
    dataset.attrs.update(attributes)
