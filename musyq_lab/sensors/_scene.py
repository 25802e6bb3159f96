"""One layout for the scenes of every sensor.

A scene is a lazy Dataset with dims (y, x): one variable a band, named by role; ``sun_zenith``, ``sun_azimuth``,
``view_zenith``, ``view_azimuth`` (degree) where known; ``qa`` with the bits of
:data:`musyq_lab.core.quality.SCENE_FLAGS`. A projected scene has ``x``, ``y`` and a CRS; a swath has ``longitude`` and
``latitude`` of each pixel and no CRS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.attributes import history_line
from musyq_lab.core.grid import LATITUDE, LONGITUDE
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG, scene_attributes
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.sensors._calibrate import Counts, Illumination, physical
from musyq_lab.sensors._granule import Granule

ANGLES = {
    "sun_zenith": ("solar_zenith_angle", "zenith angle of the Sun"),
    "sun_azimuth": ("solar_azimuth_angle", "azimuth of the Sun, clockwise from north"),
    "view_zenith": ("sensor_zenith_angle", "zenith angle of the sensor"),
    "view_azimuth": ("sensor_azimuth_angle", "azimuth of the sensor seen from the pixel, clockwise from north"),
}
"""Angle -> CF standard name, long name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a producer's quality layer sets one of our bits: ``(layer >> shift) & mask`` is one of ``values``."""

    flag: str
    """Name in :data:`musyq_lab.core.quality.SCENE_FLAG`."""
    shift: int
    """Lowest bit of the field."""
    width: int = 1
    """Bits of the field."""
    values: tuple[int, ...] = (1,)
    """Values of the field that set the bit."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """When and by what a granule was taken."""

    platform: str
    """Satellite."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC), the first where only one is known."""
    processing_level: str = "L1"
    """As the producer calls it."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Further attributes worth keeping, such as the collection."""


def quality(counts: Sequence[Counts], layers: Iterable[tuple[xr.DataArray, Sequence[Rule]]] = ()) -> xr.DataArray:
    """Return the quality bits of a scene, lazily.

    Parameters
    ----------
    counts : sequence of Counts
        Bands: no data where all of them are missing, saturated where any is.
    layers : iterable of (DataArray, sequence of Rule)
        The producer's quality layers (integers, dims (y, x)) and how to read them.
    """
    missing = reduce(lambda a, b: a & b, (c.missing() for c in counts))
    parts = [_bit(missing, "no_data")]
    if bounded := [c for c in counts if np.isfinite(c.saturation)]:
        parts.append(_bit(reduce(or_, (c.saturated() for c in bounded)), "saturated"))
    parts += [decode(layer, rules) for layer, rules in layers]
    return reduce(or_, parts)


def _bit(where: xr.DataArray, flag: str) -> xr.DataArray:
    return where.astype(QA_DTYPE) * QA_DTYPE.type(SCENE_FLAG[flag].mask)


def decode(layer: xr.DataArray, rules: Sequence[Rule]) -> xr.DataArray:
    """Return our quality bits from a producer's layer, lazily."""
    made: xr.DataArray = xr.apply_ufunc(_Decoder(tuple(rules)), layer, dask="parallelized", output_dtypes=[QA_DTYPE])
    return made.drop_attrs(deep=False)


@dataclass(frozen=True, slots=True)
class _Decoder:
    rules: tuple[Rule, ...]

    @property
    def __name__(self) -> str:
        return "decode"  # short, for dask: see `_calibrate._Bound`

    def __call__(self, block: NDArray[Any]) -> NDArray[np.uint16]:
        bits = np.zeros(block.shape, QA_DTYPE)
        for rule in self.rules:
            part = (block >> block.dtype.type(rule.shift)) & block.dtype.type((1 << rule.width) - 1)
            bits |= np.isin(part, rule.values).astype(QA_DTYPE) << QA_DTYPE.type(SCENE_FLAG[rule.flag].bit)
        return bits


def assemble(
    granule: Granule,
    acquisition: Acquisition,
    bands: Mapping[str, xr.DataArray] | Sequence[Counts],
    *,
    calibration: Calibration,
    sun: Illumination | None = None,
    angles: Mapping[str, xr.DataArray | float] | None = None,
    qa: xr.DataArray | None = None,
    longitude: xr.DataArray | None = None,
    latitude: xr.DataArray | None = None,
    level: str = "toa",
) -> xr.Dataset:
    """Return a scene in the common layout (see the module).

    Parameters
    ----------
    granule : Granule
        The files.
    acquisition : Acquisition
        Platform, time, level; its platform chooses the rows of the spec.
    bands : sequence of Counts, or mapping of str to DataArray
        Stored numbers with what makes them physical, or bands by role that are physical already, with
        ``units``.
    calibration : {"counts", "radiance", "reflectance"}
        What was asked for.
    sun : Illumination, optional
        For reflectance.
    angles : mapping, optional
        Names of :data:`ANGLES` -> degrees, a number or lazy (y, x).
    qa : DataArray, optional
        Quality bits; by default what the bands tell.
    longitude, latitude : DataArray, optional
        Of each pixel, for a swath.
    level : {"toa", "surface"}
        Where reflectance holds.
    """
    if isinstance(bands, Mapping):
        variables = {
            name: _dressed(data, granule.sensor.band(name, acquisition.platform)) for name, data in bands.items()
        }
    else:
        variables = {c.band.name: _dressed(physical(c, calibration, sun, level=level), c.band) for c in bands}
        qa = quality(bands) if qa is None else qa
    for name, value in (angles or {}).items():
        variables[name] = _angle(name, value)
    if qa is not None:
        variables["qa"] = qa.drop_attrs(deep=False).assign_attrs(scene_attributes())
    scene = xr.Dataset(variables, attrs=_attributes(granule, acquisition, calibration, level))
    if longitude is not None and latitude is not None:
        scene = scene.assign_coords(
            longitude=longitude.drop_attrs(deep=False).assign_attrs(_geographic(LONGITUDE)),
            latitude=latitude.drop_attrs(deep=False).assign_attrs(_geographic(LATITUDE)),
        )
    return scene


def _geographic(attributes: Mapping[str, str]) -> dict[str, str]:
    return {
        **{k: v for k, v in attributes.items() if k != "axis"},
        "long_name": f"{attributes['standard_name']} of the pixel",
    }


def _dressed(data: xr.DataArray, band: Band) -> xr.DataArray:
    """Add what is known of the band."""
    attrs: dict[str, Any] = {
        **data.attrs,
        "long_name": f"{band.native} ({band.name.replace('_', ' ')}, {band.centre:.4g} um)",
        "native_band": band.native,
        "wavelength": band.centre,
        "fwhm": band.fwhm,
    }
    if band.e0 is not None:
        attrs["solar_irradiance"] = band.e0
    plain = data.drop_attrs(deep=False)
    plain.attrs = attrs
    return plain


def _angle(name: str, value: xr.DataArray | float) -> xr.DataArray:
    standard, long = ANGLES[name]
    array = value if isinstance(value, xr.DataArray) else xr.DataArray(np.float32(value))
    return array.drop_attrs(deep=False).assign_attrs(standard_name=standard, long_name=long, units="degree")


def _attributes(granule: Granule, acquisition: Acquisition, calibration: Calibration, level: str) -> dict[str, Any]:
    parameters = {"granule": granule.name, "calibration": calibration}
    return {
        "title": f"{granule.sensor.title}, {acquisition.start:%Y-%m-%d %H:%M} UTC",
        "sensor": granule.sensor.key,
        "platform": acquisition.platform,
        "granule": granule.name,
        "time_coverage_start": _instant(acquisition.start),
        "time_coverage_end": _instant(acquisition.end),
        "processing_level": acquisition.processing_level,
        "reflectance_level": "surface" if level == "surface" else "top of atmosphere",
        "calibration": calibration,
        **acquisition.attributes,
        "history": history_line("open_scene", parameters),
    }


def _instant(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
