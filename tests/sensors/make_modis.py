"""Small MODIS granules in their native layout, written with pyhdf from the file specifications, and their truth.

Positions and angles are those of a satellite on a circular orbit 705 km above a sphere that scans from side to side:
they can be computed at the centre of every pixel of every grid, so that what is interpolated has an exact answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pyhdf.SD import SD, SDC

START = datetime(2018, 1, 1, 5, 30)
COLUMNS = {5000: 271, 1000: 1354, 500: 2708, 250: 5416}
ROWS = {5000: 2, 1000: 10, 500: 20, 250: 40}
EARTH, HEIGHT = 6371007.181, 705e3
SUN = np.array([0.30, 0.55, 0.78]) / np.linalg.norm([0.30, 0.55, 0.78])

BANDS = {
    "EV_250_Aggr1km_RefSB": "1,2",
    "EV_500_Aggr1km_RefSB": "3,4,5,6,7",
    "EV_1KM_RefSB": "8,9,10,11,12,13lo,13hi,14lo,14hi,15,16,17,18,19,26",
    "EV_1KM_Emissive": "20,21,22,23,24,25,27,28,29,30,31,32,33,34,35,36",
    "EV_250_Aggr500_RefSB": "1,2",
    "EV_500_RefSB": "3,4,5,6,7",
    "EV_250_RefSB": "1,2",
}
IMAGES = {
    "021KM": (1000, ("EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB", "EV_1KM_RefSB", "EV_1KM_Emissive")),
    "02HKM": (500, ("EV_250_Aggr500_RefSB", "EV_500_RefSB")),
    "02QKM": (250, ("EV_250_RefSB",)),
}


@dataclass(frozen=True)
class Geometry:
    """Degrees."""

    longitude: np.ndarray
    latitude: np.ndarray
    view_zenith: np.ndarray
    view_azimuth: np.ndarray
    sun_zenith: np.ndarray
    sun_azimuth: np.ndarray


def geometry(scans: int, metres: int, *, longitude: float = 100.0, latitude: float = 35.0) -> Geometry:
    """Return what a pixel's centre sees, by the optics of MODIS.

    Samples of 500 and 250 m begin where those of 1 km do along the scan, and share their detector's ground across it.
    """
    if metres == 5000:
        whole = geometry(scans, 1000, longitude=longitude, latitude=latitude)
        return Geometry(*(layer[2::5, 2::5] for layer in vars(whole).values()))
    factor = 1000 // metres
    step = 1000.0 / HEIGHT
    column = np.arange(COLUMNS[metres]) / factor
    detector = (np.arange(ROWS[metres]) - (factor - 1) / 2) / factor
    across = (column - 676.5) * step
    along = (detector - 4.5) * step
    parts = [
        _seen(scan * 10.0 * step * HEIGHT / EARTH, across[None], along[:, None], longitude, latitude)
        for scan in range(scans)
    ]
    return Geometry(*(np.concatenate(layers) for layers in zip(*parts, strict=True)))


def _seen(moved: float, across: np.ndarray, along: np.ndarray, longitude: float, latitude: float) -> list[np.ndarray]:
    """Intersect the lines of sight with the sphere; the satellite has moved by an angle around the Earth's centre."""
    up, east, north = _frame(np.radians(longitude), np.radians(latitude))
    heading = -0.97 * north - 0.243 * east
    heading /= np.linalg.norm(heading)
    nadir = -(up * np.cos(moved) + heading * np.sin(moved))
    flight = heading * np.cos(moved) - up * np.sin(moved)
    side = np.cross(flight, -nadir)
    place = -nadir * (EARTH + HEIGHT)
    sight = np.cos(across)[..., None] * (np.cos(along)[..., None] * nadir + np.sin(along)[..., None] * flight) + (
        np.sin(across)[..., None] * side
    )
    projected = sight @ place
    distance = -projected - np.sqrt(projected**2 - (place @ place - EARTH**2))
    ground = place + distance[..., None] * sight
    lon, lat = np.arctan2(ground[..., 1], ground[..., 0]), np.arcsin(ground[..., 2] / EARTH)
    return [
        np.degrees(lon),
        np.degrees(lat),
        *_bearing(lon, lat, -sight),
        *_bearing(lon, lat, np.broadcast_to(SUN, sight.shape)),
    ]


def _frame(lon: np.ndarray | float, lat: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], -1)
    return up, east, np.cross(up, east)


def _bearing(lon: np.ndarray, lat: np.ndarray, to: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [(axis * to).sum(-1) for axis in _frame(lon, lat)]
    zenith = np.degrees(np.arctan2(np.hypot(parts[1], parts[2]), parts[0]))
    return zenith, np.degrees(np.arctan2(parts[1], parts[2]))


def scales(name: str) -> dict[str, np.ndarray]:
    """Return the scales and offsets of a dataset: different for every band, of the size of real ones."""
    n = len(BANDS[name].split(",")) if name in BANDS else 1
    k = np.arange(n)
    found = {"radiance_scales": 0.02 + 0.001 * k, "radiance_offsets": 3.0 * k}
    if "Emissive" in name:
        found = {"radiance_scales": 0.0002 + 0.00002 * k, "radiance_offsets": 1577.0 + 10 * k}
    else:
        found |= {"reflectance_scales": 3e-5 + 1e-6 * k, "reflectance_offsets": 2.0 * k}
    return {key: values.astype(np.float32) for key, values in found.items()}


def counts_of(name: str, shape: Sequence[int]) -> np.ndarray:
    """Return numbers that differ from pixel to pixel and band to band, within the valid range."""
    seed = sum(map(ord, name))
    return np.random.default_rng(seed).integers(2000, 20000, tuple(shape), dtype=np.uint16)


def core(short_name: str, start: datetime, collection: int | str = 61, *, minutes: float = 5.0) -> str:
    """Return the inventory metadata."""
    end = start + timedelta(minutes=minutes)
    entries = {
        "SHORTNAME": f'"{short_name}"',
        "VERSIONID": collection,
        "RANGEBEGINNINGDATE": f'"{start:%Y-%m-%d}"',
        "RANGEBEGINNINGTIME": f'"{start:%H:%M:%S}.000000"',
        "RANGEENDINGDATE": f'"{end:%Y-%m-%d}"',
        "RANGEENDINGTIME": f'"{end:%H:%M:%S}.000000"',
        "ASSOCIATEDPLATFORMSHORTNAME": '"Terra"' if short_name.startswith("MOD") else '"Aqua"',
    }
    objects = "".join(
        f"\n    OBJECT                 = {name}\n      NUM_VAL              = 1\n      VALUE                = {value}\n"
        f"    END_OBJECT             = {name}\n"
        for name, value in entries.items()
    )
    # satpy looks for the groups, as they are in real files.
    return (
        "\nGROUP                  = INVENTORYMETADATA\n  GROUPTYPE            = MASTERGROUP\n"
        f"  GROUP                  = COLLECTIONDESCRIPTIONCLASS\n{objects}"
        "  END_GROUP              = COLLECTIONDESCRIPTIONCLASS\nEND_GROUP              = INVENTORYMETADATA\nEND\n"
    )


def name_of(short_name: str, start: datetime, collection: int | str = 61) -> str:
    """Return a file's name."""
    return f"{short_name}.A{start:%Y%j.%H%M}.{int(collection):03d}.2018001133000.hdf"


def add(file: SD, name: str, data: np.ndarray, attributes: Mapping[str, object], dims: Sequence[str] = ()) -> None:
    """Write a dataset."""
    kinds = {"uint16": SDC.UINT16, "uint8": SDC.UINT8, "int16": SDC.INT16, "float32": SDC.FLOAT32, "uint32": SDC.UINT32}
    sds = file.create(name, kinds[data.dtype.name], data.shape)
    for axis, dim in enumerate(dims):
        sds.dim(axis).setname(dim)
    for key, value in attributes.items():
        if isinstance(value, str):
            sds.attr(key).set(SDC.CHAR, value)
        elif isinstance(value, np.ndarray):
            sds.attr(key).set(SDC.FLOAT32, [float(v) for v in value])
        elif isinstance(value, float):
            sds.attr(key).set(SDC.FLOAT64, value)
        else:  # numbers of the stored kind
            sds.attr(key).set(kinds[data.dtype.name], value)
    sds[:] = data
    sds.endaccess()


def _position_layers(file: SD, place: Geometry, dims: Sequence[str]) -> None:
    for name, layer, bound in (("Latitude", place.latitude, 90.0), ("Longitude", place.longitude, 180.0)):
        attributes = {"units": "degrees", "valid_range": np.array([-bound, bound]), "_FillValue": np.array([-999.0])}
        add(file, name, layer.astype(np.float32), attributes, dims)
    layers = {
        "SensorZenith": (place.view_zenith, [0, 18000]),
        "SensorAzimuth": (place.view_azimuth, [-18000, 18000]),
        "SolarZenith": (place.sun_zenith, [0, 18000]),
        "SolarAzimuth": (place.sun_azimuth, [-18000, 18000]),
    }
    for name, (layer, bounds) in layers.items():
        attributes = {"units": "degrees", "valid_range": bounds, "_FillValue": -32767, "scale_factor": 0.01}
        add(file, name, np.round(layer * 100).astype(np.int16), attributes, dims)


def make_geolocation(
    folder: Path,
    *,
    platform: str = "MOD",
    start: datetime = START,
    collection: int | str = 61,
    scans: int = 2,
    named: datetime | None = None,
    place: Geometry | None = None,
) -> Path:
    """Write a MOD03 or MYD03 file."""
    path = folder / name_of(f"{platform}03", named or start, collection)
    file = SD(str(path), SDC.WRITE | SDC.CREATE)
    file.attr("CoreMetadata.0").set(SDC.CHAR, core(f"{platform}03", start, collection))
    _position_layers(
        file, place or geometry(scans, 1000), ("nscans*10:MODIS_Swath_Type_GEO", "mframes:MODIS_Swath_Type_GEO")
    )
    file.end()
    return path


def make_image(
    folder: Path,
    kind: str = "021KM",
    *,
    platform: str = "MOD",
    start: datetime = START,
    collection: int | str = 61,
    scans: int = 2,
    edit: Mapping[str, np.ndarray] | None = None,
    skip: Sequence[str] = (),
    sun: float = 0.9833,
    columns: int = 0,
) -> Path:
    """Write an image; ``edit`` replaces datasets by name, ``skip`` leaves some out."""
    metres, names = IMAGES[kind]
    path = folder / name_of(f"{platform}{kind}", start, collection)
    file = SD(str(path), SDC.WRITE | SDC.CREATE)
    file.attr("CoreMetadata.0").set(SDC.CHAR, core(f"{platform}{kind}", start, collection))
    file.attr("Earth-Sun Distance").set(SDC.FLOAT32, sun)
    lines, frames = f"{ROWS[metres]}*nscans:MODIS_SWATH_Type_L1B", "Max_EV_frames:MODIS_SWATH_Type_L1B"
    for name in (*names, *(["EV_Band26"] if kind == "021KM" else [])):
        if name in skip:
            continue
        flat = name == "EV_Band26"
        shape = (() if flat else (len(BANDS[name].split(",")),)) + (scans * ROWS[metres], columns or COLUMNS[metres])
        dims = (() if flat else (f"Band_{name}:MODIS_SWATH_Type_L1B",)) + (lines, frames)
        data = (edit or {}).get(name, counts_of(name, shape))
        texts = {} if flat else {"band_names": BANDS[name]}
        add(file, name, data, {**texts, "valid_range": [0, 32767], "_FillValue": 65535, **scales(name)}, dims)
        index = (edit or {}).get(f"{name}_Uncert_Indexes", np.full(shape, 3, np.uint8))
        add(file, f"{name}_Uncert_Indexes", index, {"valid_range": [0, 15], "_FillValue": 255}, dims)
    if kind == "021KM":
        _position_layers(
            file, geometry(scans, 5000), ("2*nscans:MODIS_SWATH_Type_L1B", "1KM_geo_dim:MODIS_SWATH_Type_L1B")
        )
    file.end()
    return path


CELL = 2 * np.pi * EARTH / 36 / 1200


def structure(grids: Mapping[str, tuple[float, int, Sequence[str]]], h: int, v: int, rows: int, columns: int) -> str:
    """Return the structural metadata: name -> (cell in m, factor of the size, fields) of grids at a tile's corner."""
    west, north = -np.pi * EARTH + h * 1200 * CELL, np.pi / 2 * EARTH - v * 1200 * CELL
    text = "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n"
    for number, (name, (cell, factor, fields)) in enumerate(grids.items(), 1):
        ny, nx = rows * factor, columns * factor
        listed = "".join(
            f'\t\t\tOBJECT=DataField_{i}\n\t\t\t\tDataFieldName="{field}"\n\t\t\t\tDataType=DFNT_INT16\n'
            f'\t\t\t\tDimList=("YDim","XDim")\n\t\t\tEND_OBJECT=DataField_{i}\n'
            for i, field in enumerate(fields, 1)
        )
        text += (
            f'\tGROUP=GRID_{number}\n\t\tGridName="{name}"\n\t\tXDim={nx}\n\t\tYDim={ny}\n'
            f"\t\tUpperLeftPointMtrs=({west:.6f},{north:.6f})\n"
            f"\t\tLowerRightMtrs=({west + nx * cell:.6f},{north - ny * cell:.6f})\n"
            "\t\tProjection=GCTP_SNSOID\n\t\tProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)\n\t\tSphereCode=-1\n"
            f"\t\tGROUP=DataField\n{listed}\t\tEND_GROUP=DataField\n\tEND_GROUP=GRID_{number}\n"
        )
    return text + "END_GROUP=GridStructure\nGROUP=PointStructure\nEND_GROUP=PointStructure\nEND\n"


def make_daily(
    folder: Path,
    *,
    platform: str = "MOD",
    start: datetime = datetime(2018, 1, 1),
    size: int = 12,
    scale: float = 1e-4,
    state: np.ndarray | None = None,
    collection: int | str = 61,
    texts: Mapping[str, str] | None = None,
) -> Path:
    """Write a corner of a MOD09GA tile (h25v05): ``size`` cells of 1 km along each edge."""
    path = folder / f"{platform}09GA.A{start:%Y%j}.h25v05.{int(collection):03d}.2018003030000.hdf"
    bands = [f"sur_refl_b{n:02d}_1" for n in range(1, 8)]
    angles = ["SensorZenith_1", "SensorAzimuth_1", "SolarZenith_1", "SolarAzimuth_1"]
    grids = {
        "MODIS_Grid_1km_2D": (CELL, 1, ["state_1km_1", *angles]),
        "MODIS_Grid_500m_2D": (CELL / 2, 2, bands),
    }
    file = SD(str(path), SDC.WRITE | SDC.CREATE)
    stored = {
        "CoreMetadata.0": core(f"{platform}09GA", start, collection, minutes=24 * 60 - 1),
        "StructMetadata.0": structure(grids, 25, 5, size, size),
        **(texts or {}),
    }
    for name, text in stored.items():
        file.attr(name).set(SDC.CHAR, text)
    dims = ("YDim:MODIS_Grid_1km_2D", "XDim:MODIS_Grid_1km_2D")
    state = np.full((size, size), 8, np.uint16) if state is None else state
    add(file, "state_1km_1", state, {"valid_range": [0, 57335], "_FillValue": 65535})
    for k, name in enumerate(angles):
        layer = (1000 * k + 10 * np.arange(size * size).reshape(size, size)).astype(np.int16) - (k % 2) * 9000
        add(file, name, layer, {"valid_range": [-18000, 18000], "_FillValue": -32767, "scale_factor": 0.01}, dims)
    dims = ("YDim:MODIS_Grid_500m_2D", "XDim:MODIS_Grid_500m_2D")
    for name in bands:
        attributes = {"valid_range": [-100, 16000], "_FillValue": -28672, "scale_factor": scale, "add_offset": 0.0}
        add(file, name, surface_counts(name, 2 * size), attributes, dims)
    file.end()
    return path


def surface_counts(name: str, size: int) -> np.ndarray:
    """Return the numbers of a band; its first is missing and its second out of range."""
    counts = np.random.default_rng(sum(map(ord, name))).integers(-100, 9000, (size, size), dtype=np.int16)
    counts[0, :2] = -28672, 16001
    return counts
