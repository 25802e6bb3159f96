"""FY-4A AGRI Level 1: the HDF5 files of a region, image (FDI) and angles (GEO).

Names and attributes as satpy's reader (readers/core/fy4.py, its test and etc/readers/agri_fy4a_l1.yaml) and public
notes on the files have them; NSMC's description of the format was not at hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.sensor import Band
from musyq_lab.twin.granules._disk import Window
from musyq_lab.twin.instrument import Image
from musyq_lab.twin.orbit import EQUATOR, FLATTENING, GEOSTATIONARY_RADIUS

FILL = 65535
"""Count of pixels without data."""

_CHUNK = 256  # columns stored together
_SAMPLING = {4000: 112.0, 2000: 56.0, 1000: 28.0, 500: 14.0}  # urad


@dataclass(frozen=True)
class Channel:
    """One channel as it is stored."""

    band: Band
    """Its row."""
    counts: NDArray[np.uint16]
    """Of the window."""
    line: tuple[float, float]
    """SCALE and OFFSET, 0 for thermal channels."""
    table: NDArray[np.float32]
    """Reflectance or temperature (K) of every count."""


@dataclass(frozen=True)
class File:
    """A file of one resolution."""

    begin: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    resolution: int
    """Pixel at nadir (m)."""
    window: Window
    """The part of the full disk that is not fill; its lines are the file's."""
    width: int
    """Pixels across the full disk."""
    longitude: float
    """Of the satellite (deg)."""

    def write_images(self, folder: Path, channels: Sequence[Channel]) -> Path:
        """Write counts and calibration of channels."""
        path = folder / self._name("FDI")
        with h5py.File(path, "w") as file:
            self._attributes(file, "FDI")
            for channel in channels:
                self._write(file, channel)
            data = np.array([c.line for c in channels], np.float32)
            lines = file.create_dataset("CALIBRATION_COEF(SCALE+OFFSET)", data=data)
            _describe(lines, "Calibration coefficient (SCALE and OFFSET)", "NUL", np.float32(0), (-500.0, 500.0))
        return path

    def _write(self, file: h5py.File, channel: Channel) -> None:
        band, number = channel.band, channel.band.native[1:]
        centre = {"center_wavelength": f"{band.centre:g}um", "band_names": f"band{int(number)}"}
        counts = self._part(file, f"NOMChannel{number}", channel.counts, np.uint16(FILL))
        _describe(counts, f"{band.centre:g}um Channel", "DN", np.uint16(FILL), (0, 4095), centre)
        table = file.create_dataset(f"CALChannel{number}", data=channel.table, chunks=True, compression=4, shuffle=True)
        title = f"Calibration table of {band.centre:g}um Channel"
        limits = (100.0, 500.0) if band.thermal else (0.0, 1.5)
        _describe(table, title, "K" if band.thermal else "NUL", np.float32(FILL), limits, centre)

    def write_angles(self, folder: Path, image: Image) -> Path:
        """Write the angles of an image."""
        path = folder / self._name("GEO")
        lines, columns = np.indices(image.sun_zenith.shape)
        angles = {
            "NOMSatelliteAzimuth": (image.view_azimuth, 360.0),
            "NOMSatelliteZenith": (image.view_zenith, 90.0),
            "NOMSunAzimuth": (image.sun_azimuth, 360.0),
            "NOMSunGlintAngle": (_glint(image), 180.0),
            "NOMSunZenith": (image.sun_zenith, 180.0),
        }
        with h5py.File(path, "w") as file:
            self._attributes(file, "GEO")
            for name, (values, highest) in angles.items():
                stored = np.where(np.isnan(values), FILL, values).astype(np.float32)
                dataset = self._part(file, name, stored, np.float32(FILL))
                _describe(dataset, name[3:], "degree", np.float32(FILL), (0.0, highest))
            for name, numbers in (
                ("LineNumber", lines + self.window.top),
                ("ColumnNumber", columns + self.window.left),
            ):
                dataset = self._part(file, name, np.asarray(numbers, np.int16), np.int16(-1))
                _describe(dataset, name, "NUL", np.int16(-1), (0, self.width - 1))
        return path

    def _part(self, file: h5py.File, name: str, values: NDArray[np.generic], fill: np.generic) -> h5py.Dataset:
        """Store the window in whole lines of fill; chunks without any of it take no room."""
        shape = self.window.lines, self.width
        dataset = file.create_dataset(
            name,
            shape,
            values.dtype,
            chunks=(min(_CHUNK, shape[0]), _CHUNK),
            compression=4,
            shuffle=True,
            fillvalue=fill,
        )
        dataset[:, self.window.left : self.window.left + self.window.columns] = values
        return dataset

    def _name(self, product: str) -> str:
        until = self.end + timedelta(milliseconds=999)
        return (
            f"FY4A-_AGRI--_N_REGC_1047E_L1-_{product}-_MULT_NOM_{self.begin:%Y%m%d%H%M%S}_{until:%Y%m%d%H%M%S}_"
            f"{self.resolution:04d}M_V0001.HDF"
        )

    def _attributes(self, file: h5py.File, product: str) -> None:
        w = self.window
        texts = {
            "Satellite Name": "FY4A",
            "Sensor Name": "AGRI",
            "Sensor Identification Code": "AGRI",
            "OBIType": "REGC",
            "ProductID": product,
            "Product Level": "L1",
            "File Name": self._name(product),
            "Version Of Software": "V0001",
            "Responser": "NSMC",
            "Data Creating Date": f"{self.end:%Y-%m-%d}",
            "Data Creating Time": _clock(self.end),
            "Additional Annotation": "Simulated, not observed",
        }
        for which, moment in (("Beginning", self.begin), ("Ending", self.end)):
            texts[f"Observing {which} Date"] = f"{moment:%Y-%m-%d}"
            texts[f"Observing {which} Time"] = _clock(moment)
        numbers = {
            "NOMCenterLat": 0.0,
            "NOMCenterLon": self.longitude,
            "NOMSatHeight": GEOSTATIONARY_RADIUS,
            "dEA": EQUATOR / 1e3,
            "dObRecFlat": 1 / FLATTENING,
            "dSamplingAngle": _SAMPLING[self.resolution],
            "dSteppingAngle": _SAMPLING[self.resolution],
            "RegLength": float(w.lines),
            "RegWidth": float(self.width),
        }
        counted = {
            "Begin Line Number": w.top,
            "End Line Number": w.top + w.lines - 1,
            "Begin Pixel Number": 0,
            "End Pixel Number": self.width - 1,
        }
        for key, text in texts.items():
            file.attrs[key] = np.bytes_(text)
        for key, number in numbers.items():
            file.attrs[key] = np.array([number])
        for key, count in counted.items():
            file.attrs[key] = np.array([count], np.int32)


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _describe(
    dataset: h5py.Dataset,
    title: str,
    units: str,
    fill: np.generic,
    limits: tuple[float, float],
    more: Mapping[str, str] | None = None,
) -> None:
    texts = {"long_name": title, "units": units, "band_names": "NUL"} | dict(more or {})
    for key, text in texts.items():
        dataset.attrs[key] = np.bytes_(text)
    dataset.attrs["FillValue"] = np.array([fill])
    dataset.attrs["valid_range"] = np.array(limits, dataset.dtype)
    dataset.attrs["Slope"] = np.array([1.0], np.float32)
    dataset.attrs["Intercept"] = np.array([0.0], np.float32)


def _glint(image: Image) -> NDArray[np.float32]:
    """Return the angle between the view and the Sun's mirror image in a level surface (deg)."""
    sun, view = (np.radians(a, dtype=np.float64) for a in (image.sun_zenith, image.view_zenith))
    turn = np.cos(np.radians(image.sun_azimuth - image.view_azimuth, dtype=np.float64) + math.pi)
    cosine = np.cos(sun) * np.cos(view) + np.sin(sun) * np.sin(view) * turn
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), dtype=np.float32)
