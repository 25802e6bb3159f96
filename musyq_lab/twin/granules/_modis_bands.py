"""How MODIS Level 1B stores its bands: names of the datasets, scales, and the numbers that stand for no measurement.

Scaled integers up to 32767 are measurements: radiance and reflectance x cos(sun zenith) are scale x (number - offset)
(MODIS Level 1B Product User's Guide, MCST document M1054E; L1B EV 1km File Specification V6.1.8, section II).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors._modis_l1b import BRIGHTNESS
from musyq_lab.twin.granules._hdf4 import Layer
from musyq_lab.twin.granules._swath import Window
from musyq_lab.twin.instrument import Image

FILL, SATURATED, BELOW, BEYOND = 65535, 65533, 65530, 65529
"""No data; detector saturated; below the scale (reflective); beyond the scale (emissive)."""

_TOP = 32767
_UNITS = "Watts/m^2/micrometer/steradian"

REFLECTIVE: Mapping[str, tuple[float, float]] = {
    "1": (5.3332e-5, 0.027266),
    "2": (3.2184e-5, 0.010165),
    "3": (5.3547e-5, 0.035587),
    "4": (4.1059e-5, 0.024558),
    "5": (3.8663e-5, 0.005552),
    "6": (3.4795e-5, 0.0026608),
    "7": (2.8364e-5, 0.00081545),
    "8": (2.6289e-5, 0.014609),
    "9": (1.6323e-5, 0.0098922),
    "10": (1.0631e-5, 0.0067036),
    "11": (6.8808e-6, 0.0041269),
    "12": (6.8555e-6, 0.0041293),
    "13lo": (2.3287e-6, 0.0011476),
    "13hi": (1.7181e-6, 0.00084672),
    "14lo": (3.2055e-6, 0.0015389),
    "14hi": (1.7651e-6, 0.00084736),
    "15": (2.5701e-6, 0.0010593),
    "16": (3.0302e-6, 0.0009385),
    "17": (2.7427e-5, 0.0081613),
    "18": (3.2527e-5, 0.0090462),
    "19": (2.7151e-5, 0.0075468),
    "26": (2.8393e-5, 0.0032984),
}
"""Band -> scale of the reflectance at 1 AU, and of the radiance (W m-2 sr-1 um-1).

As granules of Terra have them: bands 1 to 7 reflectance by the attributes of MOD021KM.A2012062.0315.006, others by a
granule of about d = 0.996 AU, both as printed in public scripts and brought to 1 AU. Radiance of bands 1 to 7 by the
solar irradiance of the producer (1606.2, 992.2, 2087.9, 240.2 and 90.3 W m-2 um-1 for 1, 2, 3, 6, 7, from the ratio of
both scales of a third granule), for 4 and 5 by that of this package. The scales of a real granule follow the aging of
its detectors, by some percent.
"""

RANGE: Mapping[str, tuple[float, float]] = {
    "20": (-0.17143, 1.8858),
    "21": (-8.6, 94.6),
    "22": (-0.189, 2.079),
    "23": (-0.21607, 2.3768),
    "24": (-0.0868, 0.955),
    "25": (-0.15, 1.65),
    "27": (-0.321, 3.531),
    "28": (-0.446, 5.86),
    "29": (-1.454, 15.994),
    "30": (-0.634, 12.68),
    "31": (-1.325, 26.2),
    "32": (-1.21, 22.7),
    "33": (-0.656, 7.9376),
    "34": (-0.502, 6.072),
    "35": (-0.442, 5.349),
    "36": (-0.296, 3.582),
}
"""Band -> radiance (W m-2 sr-1 um-1) of the numbers 0 and 32767.

21, 22 and 27 to 33 follow from the scales and offsets of granules (31: 0.000840022 and 1577.3397) in public scripts;
20 and 23 to 25 and 34 to 36 are not verified: of the same make, about 1.1 times the radiance of the specified maximum.
"""

_OFFSET_1KM = 316.9722  # of all reflective bands of 1 km; those of 250 and 500 m have none (same granules)
_DIGITAL = 4095.0  # largest corrected count, 32767 as stored

# Uncertainty in percent is specified x exp(index / factor). Values assumed: 1.5 % and 7 give the required 2 % at 2,
# 0.5 % and 4 give 1 % at 3.
_UNCERTAINTY = {True: (0.5, 4.0, 3), False: (1.5, 7.0, 2)}


@dataclass(frozen=True)
class Dataset:
    """One dataset of bands."""

    name: str
    """Name."""
    natives: tuple[str, ...]
    """Bands in it."""
    dim: str
    """Name of its axis of bands."""
    title: str
    """Bands in words."""
    samples: int = 0
    """Finer samples that make one of it, 0 where it is not aggregated."""

    @property
    def emissive(self) -> bool:
        """Whether its bands are thermal."""
        return self.name.endswith("Emissive")


_ALL_1KM = ("8", "9", "10", "11", "12", "13lo", "13hi", "14lo", "14hi", "15", "16", "17", "18", "19", "26")
_FINE, _MEDIUM = ("1", "2"), ("3", "4", "5", "6", "7")

DATASETS: Mapping[int, tuple[Dataset, ...]] = {
    1000: (
        Dataset("EV_1KM_RefSB", _ALL_1KM, "Band_1KM_RefSB", "Earth View 1KM Reflective Solar Bands"),
        Dataset("EV_1KM_Emissive", tuple(RANGE), "Band_1KM_Emissive", "Earth View 1KM Emissive Bands"),
        Dataset(
            "EV_250_Aggr1km_RefSB", _FINE, "Band_250M", "Earth View 250M Aggregated 1km Reflective Solar Bands", 28
        ),
        Dataset(
            "EV_500_Aggr1km_RefSB", _MEDIUM, "Band_500M", "Earth View 500M Aggregated 1km Reflective Solar Bands", 6
        ),
    ),
    500: (
        Dataset("EV_500_RefSB", _MEDIUM, "Band_500M", "Earth View 500M Reflective Solar Bands"),
        Dataset(
            "EV_250_Aggr500_RefSB", _FINE, "Band_250M", "Earth View 250M Aggregated 500M Reflective Solar Bands", 6
        ),
    ),
    250: (Dataset("EV_250_RefSB", _FINE, "Band_250M", "Earth View 250M Reflective Solar Bands"),),
}
"""Sampling distance (m) -> datasets of bands (file specifications, section II)."""


def emissive_scale(native: str) -> tuple[float, float]:
    """Return scale (W m-2 sr-1 um-1) and offset of a thermal band."""
    low, high = RANGE[native]
    scale = (high - low) / _TOP
    return scale, -low / scale


def radiance(temperature: NDArray[np.floating], native: str, platform: str) -> NDArray[np.float64]:
    """Return the radiance (W m-2 sr-1 um-1) whose brightness temperature (K) is given.

    With the effective wavenumber and the corrections of the band: planck(slope x T + intercept).
    """
    wavenumber, slope, intercept = BRIGHTNESS[platform][native]
    k1, k2 = planck_constants(1e4 / wavenumber)
    effective = np.asarray(temperature, np.float64) * slope + intercept
    # Colder than anything: the exponential must not overflow.
    return np.asarray(k1 / np.expm1(k2 / np.maximum(effective, 10.0)))


def scaled(
    values: NDArray[np.floating], scale: float, offset: float, *, emissive: bool
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Return scaled integers and uncertainty indexes of radiances, or of reflectances x cos(sun zenith)."""
    numbers = np.rint(np.asarray(values, np.float64) / scale + offset)
    known = np.isfinite(numbers)
    stored = np.where(known, np.clip(numbers, 0, _TOP), FILL)
    stored[known & (numbers > _TOP)] = BEYOND if emissive else SATURATED
    if not emissive:
        stored[known & (numbers < 0)] = BELOW
    index = np.where(stored <= _TOP, _UNCERTAINTY[emissive][2], 15)
    index[~known] = 255
    return stored.astype(np.uint16), index.astype(np.uint8)


def layers(
    dataset: Dataset, image: Image, window: Window, roles: Mapping[str, str], distance: float, platform: str
) -> list[Layer]:
    """Return a dataset of bands with its uncertainties.

    Parameters
    ----------
    dataset
        Which.
    image
        What was measured on its grid.
    window
        Where the image lies in the swath.
    roles
        Native name of a band -> its name in the image.
    distance
        To the Sun (AU).
    platform
        Terra or Aqua.
    """
    factor = 1000 // round(image.pixels.resolution)
    lines, columns = image.sun_zenith.shape[0], window.scanner.columns * factor
    cosine = np.maximum(np.cos(np.radians(image.sun_zenith.astype(np.float64))), 0.0)
    numbers = np.full((len(dataset.natives), lines, columns), FILL, np.uint16)
    indexes = np.full(numbers.shape, 255, np.uint8)
    for k, native in enumerate(dataset.natives):
        values = image.values.get(roles.get(native, ""))
        if values is None:
            continue  # the bands for the sea, 8 to 16, are not simulated
        if dataset.emissive:
            scale, offset = emissive_scale(native)
            stored = scaled(radiance(values, native, platform), scale, offset, emissive=True)
        else:
            scale, offset = REFLECTIVE[native][0] * distance**2, _offset(native)
            stored = scaled(values * cosine, scale, offset, emissive=False)
        numbers[k], indexes[k] = window.pasted(stored[0], FILL, factor), window.pasted(stored[1], 255, factor)
    return _stored(dataset, numbers, indexes, factor, _attributes(dataset, distance))


def cirrus(numbers: NDArray[np.uint16], indexes: NDArray[np.uint8], distance: float) -> list[Layer]:
    """Return band 26 as the file holds it a second time, by day and by night (fill values then)."""
    own = Dataset("EV_Band26", ("26",), "", "Earth View Band 26")
    attributes = {k: v for k, v in _attributes(own, distance).items() if k != "band_names"}
    return _stored(own, numbers, indexes, 1, attributes)


def _offset(native: str) -> float:
    return _OFFSET_1KM if native in _ALL_1KM else 0.0


def _attributes(dataset: Dataset, distance: float) -> dict[str, object]:
    natives = dataset.natives
    common: dict[str, object] = {
        "units": "none",
        "valid_range": np.array([0, _TOP], np.uint16),
        "_FillValue": np.uint16(FILL),
        "long_name": f"{dataset.title} Scaled Integers",
        "band_names": ",".join(natives),
    }
    if dataset.emissive:
        both = np.array([emissive_scale(n) for n in natives], np.float32)
        return {
            **common,
            "radiance_scales": both[:, 0],
            "radiance_offsets": both[:, 1],
            "radiance_units": _UNITS,
        }
    offsets = np.array([_offset(n) for n in natives], np.float32)
    return {
        **common,
        "radiance_scales": np.array([REFLECTIVE[n][1] for n in natives], np.float32),
        "radiance_offsets": offsets,
        "radiance_units": _UNITS,
        "reflectance_scales": np.array([REFLECTIVE[n][0] * distance**2 for n in natives], np.float32),
        "reflectance_offsets": offsets,
        "reflectance_units": "none",
        "corrected_counts_scales": (_DIGITAL / (_TOP - offsets)).astype(np.float32),
        "corrected_counts_offsets": offsets,
        "corrected_counts_units": "counts",
    }


def _stored(
    dataset: Dataset,
    numbers: NDArray[np.uint16],
    indexes: NDArray[np.uint8],
    factor: int,
    attributes: Mapping[str, object],
) -> list[Layer]:
    dims: tuple[str, ...] = swath_dims(factor)
    if numbers.ndim == 3:
        dims = (f"{dataset.dim}:MODIS_SWATH_Type_L1B", *dims)
    specified, scaling, _ = _UNCERTAINTY[dataset.emissive]
    many = np.ones(len(dataset.natives), np.float32)
    quality = {
        "long_name": f"{dataset.title} Uncertainty Indexes",
        "units": "none",
        "valid_range": np.array([0, 15], np.uint8),
        "_FillValue": np.uint8(255),
        "specified_uncertainty": many * np.float32(specified),
        "scaling_factor": many * np.float32(scaling),
        "uncertainty_units": "percent",
    }
    made = [
        Layer(dataset.name, numbers, dims, attributes),
        Layer(f"{dataset.name}_Uncert_Indexes", indexes, dims, quality),
    ]
    return [*made, _samples(dataset, indexes, dims)] if dataset.samples else made


def _samples(dataset: Dataset, indexes: NDArray[np.uint8], dims: tuple[str, ...]) -> Layer:
    return Layer(
        f"{dataset.name}_Samples_Used",
        np.where(indexes == 255, -1, dataset.samples).astype(np.int8),
        dims,
        {
            "long_name": f"{dataset.title} Number of Samples Used in Aggregation",
            "units": "none",
            "valid_range": np.array([0, dataset.samples], np.int8),
            "_FillValue": np.int8(-1),
        },
    )


def swath_dims(factor: int) -> tuple[str, str]:
    """Return the names of lines and columns of a grid ``factor`` times as fine as 1 km."""
    frames = "Max_EV_frames" if factor == 1 else f"{factor}*Max_EV_frames"
    return f"{10 * factor}*nscans:MODIS_SWATH_Type_L1B", f"{frames}:MODIS_SWATH_Type_L1B"


def band_centres(dataset: Dataset) -> Layer:
    """Return the numbers of the bands as the file lists them, 13lo as 13 and 13hi as 13.5."""
    numbers = [float(n.rstrip("lohi")) + (0.5 if n.endswith("hi") else 0.0) for n in dataset.natives]
    return Layer(
        dataset.dim,
        np.array(numbers, np.float32),
        (f"{dataset.dim}:MODIS_SWATH_Type_L1B",),
        {"long_name": f"{dataset.title.removeprefix('Earth View ')} Band Numbers for Subsetting"},
    )
