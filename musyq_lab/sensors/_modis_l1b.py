"""MODIS Level-1B swaths (MOD021KM, MOD02HKM, MOD02QKM) with the geolocation of MOD03.

Stored numbers are scaled integers: radiance (W m-2 sr-1 um-1) and the product of reflectance and cosine of the Sun's
zenith angle are scale x (number - offset), each band with its own (MODIS Level 1B Product User's Guide, MCST document
M1054E; L1B EV 1km File Specification V6.1.8, sections 2.1 to 2.12). Numbers above the valid range tell why there is no
measurement; an uncertainty index of 15 says that there is none that can be used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band, Calibration
from musyq_lab.files.hdf4 import Hdf4Dataset, datasets, global_attributes, open_dataset
from musyq_lab.files.lazy import BLOCK
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.sensors import _modis_tiepoints as tiepoints
from musyq_lab.sensors._calibrate import Counts, Illumination, Linear, Planck
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._modis import ModisFile, attribute, limits
from musyq_lab.sensors._scene import Acquisition, Rule, assemble, quality
from musyq_lab.sensors._time import sun_distance

IMAGES = {1000: "021KM", 500: "02HKM", 250: "02QKM"}
"""Sampling distance (m) -> product."""

DATASETS = {
    1000: ("EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB", "EV_1KM_RefSB", "EV_1KM_Emissive"),
    500: ("EV_250_Aggr500_RefSB", "EV_500_RefSB"),
    250: ("EV_250_RefSB",),
}
"""Sampling distance (m) -> datasets of bands, which name their bands in ``band_names``."""

SATURATED = (Rule("saturated", 0, 16, (65529, 65533)),)
"""65533: the detector is saturated; 65529: the signal exceeds the range of the scale (User's Guide)."""

_FILL = 65535
_UNUSABLE = 15  # uncertainty index
_NIGHT_BAND = "EV_Band26"  # written at night too, when there is no EV_1KM_RefSB

BRIGHTNESS: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "Terra": {
        "20": (2641.775, 0.9993411, 0.4770522),
        "21": (2505.277, 0.9998646, 0.09264053),
        "22": (2518.028, 0.9998585, 0.09756834),
        "23": (2465.428, 0.9998682, 0.08928794),
        "24": (2235.815, 0.9998820, 0.07309468),
        "25": (2200.346, 0.9998845, 0.07061112),
        "27": (1477.967, 0.9994878, 0.2204659),
        "28": (1362.737, 0.9994918, 0.2045902),
        "29": (1173.190, 0.9995496, 0.1599076),
        "30": (1027.715, 0.9997399, 0.08249532),
        "31": (908.0884, 0.9995607, 0.1302885),
        "32": (831.5399, 0.9997256, 0.07181662),
        "33": (748.3394, 0.9999161, 0.01970605),
        "34": (730.8963, 0.9999167, 0.01912743),
        "35": (718.8681, 0.9999192, 0.01816222),
        "36": (704.5367, 0.9999282, 0.01579983),
    },
    "Aqua": {
        "20": (2647.409, 0.9993363, 0.4818401),
        "21": (2511.760, 0.9998626, 0.09426663),
        "22": (2517.908, 0.9998627, 0.09458604),
        "23": (2462.442, 0.9998707, 0.08736613),
        "24": (2248.296, 0.9998737, 0.07873285),
        "25": (2209.547, 0.9998770, 0.07550804),
        "27": (1474.262, 0.9995694, 0.1848769),
        "28": (1361.626, 0.9994867, 0.2064384),
        "29": (1169.626, 0.9995270, 0.1674982),
        "30": (1028.740, 0.9997382, 0.08304364),
        "31": (907.6813, 0.9995270, 0.1343433),
        "32": (830.8411, 0.9997271, 0.07135051),
        "33": (748.2978, 0.9999173, 0.01948513),
        "34": (730.7766, 0.9999070, 0.02131043),
        "35": (718.2094, 0.9999198, 0.01804156),
        "36": (703.5007, 0.9999233, 0.01683156),
    },
}
"""Platform -> band -> effective central wavenumber (cm-1), slope and intercept (K) of the temperature correction.

CIMSS/SSEC, University of Wisconsin-Madison, MODIS_BRIGHT (L. Gumley, 8 January 2002), from the band-averaged responses
of MCST, fitted for 180 to 320 K. satpy and pyorbital know those of Terra only.
"""


def open_swath(
    granule: Granule, files: Mapping[str, ModisFile], *, resolution: float, calibration: Calibration
) -> xr.Dataset:
    """Open a granule on one of its grids.

    Parameters
    ----------
    granule : Granule
        The files.
    files : mapping
        The same by product.
    resolution : float
        250, 500 or 1000 m.
    calibration : {"counts", "radiance", "reflectance"}
        What to make.

    Raises
    ------
    SceneError
        If the image of that grid or its geolocation is missing, or they do not belong together.
    """
    metres = int(resolution)
    image = _image(granule, files, metres)
    geolocation = _geolocation(image, files.get("03"), metres)
    layers = list(_layers(granule, image, metres))
    if not layers:
        raise SceneError(f"{image.path} holds none of the bands of {metres} m ({', '.join(DATASETS[metres])}).")
    place = _place(image, geolocation, metres, scans=layers[0].scans)
    raw = [layer.counts for layer in layers]
    usable = [layer.usable() for layer in layers]
    natives = {layer.counts.band.native for layer in layers}
    rows = [b for b in granule.sensor.bands_of(image.platform) if b.resolution == metres]
    missing = ", ".join(b.name for b in rows if b.native not in natives)
    return assemble(
        granule,
        Acquisition(image.platform, image.start, image.end, "L1B", _kept(image, geolocation, missing)),
        raw if calibration == "counts" else usable,
        calibration=calibration,
        sun=Illumination(place["sun_zenith"], _distance(image)),
        angles={name: place[name] for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")},
        qa=quality(usable, [(counts.data, SATURATED) for counts in raw]),
        longitude=place["longitude"],
        latitude=place["latitude"],
    )


def _kept(image: ModisFile, geolocation: ModisFile | None, missing: str) -> dict[str, str]:
    kept = {
        "collection": str(image.collection),
        "geolocation": geolocation.path.name if geolocation else "interpolated from 5 km",
    }
    return {**kept, "bands_missing": missing} if missing else kept


def _image(granule: Granule, files: Mapping[str, ModisFile], metres: int) -> ModisFile:
    if image := files.get(IMAGES[metres]):
        return image
    other = [f"{m} m ({files[kind].path.name})" for m, kind in IMAGES.items() if kind in files]
    hint = f"It has {', '.join(other)}: pass that resolution=." if other else "Put it beside the other files."
    raise SceneError(
        f"{granule.path}: granule {granule.name} lacks the image of {metres} m (MOD{IMAGES[metres]} or "
        f"MYD{IMAGES[metres]}). {hint}"
    )


def _geolocation(image: ModisFile, geolocation: ModisFile | None, metres: int) -> ModisFile | None:
    """Return the file of positions and angles if there is one and it belongs to the image."""
    name = f"{image.short_name[:3]}03"
    if geolocation is None:
        if metres == 1000:
            return None  # the image holds every fifth position
        raise SceneError(
            f"{image.path} needs the positions and angles of {name}.A{image.start:%Y%j.%H%M}, which is not beside it. "
            f"Fetch that file into the same folder."
        )
    if abs((geolocation.start - image.start).total_seconds()) > 1.0:
        raise SceneError(
            f"{geolocation.path} begins at {geolocation.start:%Y-%m-%d %H:%M:%S}, {image.path.name} at "
            f"{image.start:%Y-%m-%d %H:%M:%S}: it is not the geolocation of this image. Fetch "
            f"{name}.A{image.start:%Y%j.%H%M}."
        )
    if geolocation.collection != image.collection:
        raise SceneError(
            f"{geolocation.path} is of collection {geolocation.collection}, {image.path.name} of {image.collection}. "
            f"Fetch {name} of collection {image.collection}."
        )
    return geolocation


def _distance(image: ModisFile) -> float:
    stored = global_attributes(image.path).get("Earth-Sun Distance")
    return float(stored) if isinstance(stored, float) and 0.98 < stored < 1.02 else sun_distance(image.start)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One band and the layer that says how good it is."""

    counts: Counts
    uncertainty: xr.DataArray | None
    scans: int

    def usable(self) -> Counts:
        """Return the band without the values that the producer calls unusable."""
        if self.uncertainty is None:
            return self.counts
        good = (self.uncertainty < _UNUSABLE).data
        data = self.counts.data.copy(data=_filled(self.counts.data.data, good))
        return replace(self.counts, data=data)


def _filled(data: Any, good: Any) -> Any:
    import dask.array as da

    return da.where(good, data, data.dtype.type(_FILL))


def _layers(granule: Granule, image: ModisFile, metres: int) -> list[_Layer]:
    rows = {b.native: b for b in granule.sensor.bands_of(image.platform) if b.resolution == metres}
    known = datasets(image.path)
    found: list[_Layer] = []
    for name in DATASETS[metres]:
        if name in known:
            found += _bands(image, known, name, rows, metres)
    if metres == 1000 and _NIGHT_BAND in known and all(layer.counts.band.native != "26" for layer in found):
        found += _bands(image, known, _NIGHT_BAND, rows, metres)
    return found


def _bands(
    image: ModisFile, known: Mapping[str, Hdf4Dataset], name: str, rows: Mapping[str, Band], metres: int
) -> list[_Layer]:
    dataset, what = known[name], f"{image.path}: the dataset {name}"
    flat = len(dataset.shape) == 2  # EV_Band26
    natives = ["26"] if flat else [n.strip() for n in str(attribute(dataset.attributes, "band_names", what)).split(",")]
    if not flat and (len(dataset.shape) != 3 or dataset.shape[0] != len(natives)):
        raise SceneError(
            f"{what} has the shape {dataset.shape} for {len(natives)} bands. It is damaged: fetch it again."
        )
    if dataset.dtype != np.uint16:
        raise SceneError(f"{what} is of type {dataset.dtype}, not uint16. It is damaged: fetch it again.")
    scans = tiepoints.check_scans(dataset.shape[-2:], metres, what)
    data = _image_layer(image, name, dataset, metres)
    index_name = f"{name}_Uncert_Indexes"
    indexes = known.get(index_name)
    index = _image_layer(image, index_name, indexes, metres) if indexes and indexes.shape == dataset.shape else None
    return [
        _Layer(
            _counts(rows[native], data[i], dataset.attributes, i, image.platform, what),
            None if index is None else index[i],
            scans,
        )
        for i, native in enumerate(natives)
        if native in rows
    ]


def _image_layer(image: ModisFile, name: str, dataset: Hdf4Dataset, metres: int) -> xr.DataArray:
    """Return a dataset as (band, y, x) in chunks of whole scans."""
    shape = dataset.shape
    chunks = (*(1 for _ in shape[:-2]), rows_of_block(metres), shape[-1])
    array = open_dataset(image.path, name, chunks).drop_attrs()
    data = array.data if len(shape) == 3 else array.data[None]
    return xr.DataArray(data, dims=("band", "y", "x"))


def rows_of_block(metres: int) -> int:
    """Return the rows of a chunk: whole scans, about 2048 squared values."""
    rows, columns = tiepoints.ROWS[metres], tiepoints.COLUMNS[metres]
    return max(1, BLOCK * BLOCK // (rows * columns)) * rows


def _counts(
    band: Band, data: xr.DataArray, attributes: Mapping[str, Any], index: int, platform: str, what: str
) -> Counts:
    return Counts(
        band,
        data,
        fills=(float(_FILL),),
        valid=limits(attributes, what),
        radiance=_line(attributes, "radiance", index, what),
        reflectance=None if band.thermal else _line(attributes, "reflectance", index, what),
        planck=_planck(band, platform) if band.thermal else None,
    )


def _line(attributes: Mapping[str, Any], quantity: str, index: int, what: str) -> Linear:
    values = []
    for part in ("scales", "offsets"):
        stored = attribute(attributes, f"{quantity}_{part}", what)
        listed: Sequence[Any] = stored if isinstance(stored, (list, tuple)) else (stored,)
        if len(listed) <= index or not isinstance(listed[index], (int, float)) or not math.isfinite(listed[index]):
            raise SceneError(f"{what} has no {quantity}_{part} for band {index + 1}. It is damaged: fetch it again.")
        values.append(float(listed[index]))
    scale, offset = values
    if not scale > 0:
        raise SceneError(f"{what} has the {quantity} scale {scale:g}. It is damaged: fetch it again.")
    return Linear(scale, -scale * offset)


def _planck(band: Band, platform: str) -> Planck:
    wavenumber, slope, intercept = BRIGHTNESS[platform][band.native]
    return Planck(*planck_constants(1e4 / wavenumber), slope, intercept)


_SOURCES = {
    "longitude": "Longitude",
    "latitude": "Latitude",
    "sun_zenith": "SolarZenith",
    "sun_azimuth": "SolarAzimuth",
    "view_zenith": "SensorZenith",
    "view_azimuth": "SensorAzimuth",
}


def _place(image: ModisFile, geolocation: ModisFile | None, metres: int, *, scans: int) -> dict[str, xr.DataArray]:
    """Return positions and angles of every pixel."""
    source, coarse = (geolocation, 1000) if geolocation else (image, 5000)
    rows = rows_of_block(metres) // tiepoints.ROWS[metres] * tiepoints.ROWS[coarse]
    known = datasets(source.path)
    stored = {name: _degrees(source, known, stored, coarse, rows, scans) for name, stored in _SOURCES.items()}
    if coarse == metres:
        return {**stored, **{name: stored[name] % np.float32(360.0) for name in ("sun_azimuth", "view_azimuth")}}
    view = stored["view_zenith"]
    longitude, latitude = tiepoints.positions(stored["longitude"], stored["latitude"], view, coarse=coarse, fine=metres)
    place = {"longitude": longitude, "latitude": latitude}
    for kind in ("sun", "view"):
        azimuth, zenith = tiepoints.directions(
            stored[f"{kind}_azimuth"], stored[f"{kind}_zenith"], view, coarse=coarse, fine=metres
        )
        place |= {f"{kind}_azimuth": azimuth, f"{kind}_zenith": zenith}
    return place


def _degrees(
    source: ModisFile, known: Mapping[str, Hdf4Dataset], name: str, coarse: int, rows: int, scans: int
) -> xr.DataArray:
    """Return one layer of positions or angles in degrees (float32), NaN outside its valid range."""
    what = f"{source.path}: the dataset {name}"
    if name not in known or len(known[name].shape) != 2:
        raise SceneError(f"{source.path} lacks the dataset {name}. It is damaged or incomplete: fetch it again.")
    dataset = known[name]
    if tiepoints.check_scans(dataset.shape, coarse, what) != scans:
        raise SceneError(
            f"{what} has {dataset.shape[0]} lines, which do not fit the {scans} scans of the image. The files do not "
            "belong together, or one is damaged."
        )
    scale = float(dataset.attributes.get("scale_factor", 1.0))
    low, high = limits(dataset.attributes, what)
    layer = xr.DataArray(open_dataset(source.path, name, (rows, dataset.shape[1])).data, dims=("y", "x"))
    degrees: xr.DataArray = layer.where((layer >= low) & (layer <= high)).astype(np.float32) * np.float32(scale)
    return degrees
