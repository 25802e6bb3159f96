"""Scenes of GF-1, GF-6 and HJ-1 in their native layout: GeoTIFF, XML and rational polynomials, written from scratch.

Names of fields and layout: the lists of required fields in public archiving code (QRST) for GF-1 and HJ-1, the XML of a
real CBERS-4 MUX scene (same producer and dialect as HJ-1), and the RPC00B form of .rpb files.
"""

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

PLACE = (39.4, 116.5)
"""Latitude and longitude of the middle."""
TIME = datetime(2017, 5, 1, 3, 6, 20)
"""UTC: about 10:52 local solar time."""
SUN = (28.1, 145.2)
"""Zenith angle and azimuth of the Sun there (degree), as a producer rounds them; test_gaofen_xml.py checks them."""


def counts(shape: tuple[int, int], bands: int, dtype: str = "uint16", largest: int = 1000) -> NDArray[np.generic]:
    """Return counts (band, y, x) that differ everywhere; the first row has none (0)."""
    made = (np.arange(bands * shape[0] * shape[1]).reshape(bands, *shape) * 7) % (largest - 1) + 1
    made[:, 0] = 0
    return made.astype(dtype)


def tiff(
    path: Path, data: NDArray[np.generic], *, crs: str = "", origin: tuple[float, float] = (457000, 4362000)
) -> None:
    """Write a GeoTIFF of pixels of 16 m, or one without place where there is no CRS."""
    profile = {"driver": "GTiff", "count": len(data), "height": data.shape[1], "width": data.shape[2]}
    place = {"crs": crs, "transform": from_origin(*origin, 16, 16)} if crs else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", dtype=data.dtype.name, **profile, **place) as file:
            file.write(data)


def corners(half: float = 0.2) -> dict[str, tuple[float, float]]:
    """Return latitude and longitude of the corners of a turned image, clockwise from the upper left."""
    north, east = PLACE
    return {
        "TopLeft": (north + half, east - half * 0.8),
        "TopRight": (north + half * 0.8, east + half),
        "BottomRight": (north - half, east + half * 0.8),
        "BottomLeft": (north - half * 0.8, east - half),
    }


def gaofen_xml(
    satellite: str = "GF1",
    sensor: str = "WFV1",
    *,
    when: datetime = TIME,
    beijing: bool = True,
    shape: tuple[int, int] = (0, 0),
    **more: object,
) -> str:
    """Return the XML of a GF scene; ``more`` sets or (None) drops fields."""
    shift = timedelta(hours=8 if beijing else 0)
    seconds = timedelta(seconds=9)
    fields: dict[str, object] = {
        "SatelliteID": satellite,
        "SensorID": sensor,
        "ReceiveTime": f"{when:%Y-%m-%d %H:%M:%S}",
        "ProductLevel": "LEVEL1A",
        "Bands": "1,2,3,4",
        "StartTime": f"{when + shift - seconds:%Y-%m-%d %H:%M:%S}",
        "EndTime": f"{when + shift + seconds:%Y-%m-%d %H:%M:%S}",
        "CenterTime": f"{when + shift:%Y-%m-%d %H:%M:%S}",
        "WidthInPixels": shape[1] or None,
        "HeightInPixels": shape[0] or None,
        "PixelBits": 16,
        "ValidPixelBits": 10,
        "SolarAzimuth": SUN[1],
        "SolarZenith": SUN[0],
        "SatelliteAzimuth": 97.0,
        "SatelliteZenith": 65.6,
    }
    for stem, (latitude, longitude) in corners().items():
        fields |= {f"{stem}Latitude": latitude, f"{stem}Longitude": longitude}
    fields |= more
    lines = "".join(f"  <{name}>{value}</{name}>\n" for name, value in fields.items() if value is not None)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ProductMetaData>\n{lines}</ProductMetaData>\n'


def rpb(shape: tuple[int, int], half: float = 0.2, height: float = 50.0) -> str:
    """Return polynomials: north up but for a shear, a little bent, over the extent of :func:`corners`."""
    line_number, line_divisor, sample_number, sample_divisor = np.zeros((4, 20))
    line_divisor[0] = sample_divisor[0] = 1.0
    line_number[[1, 2, 7]] = 0.05, -1.0, 0.01  # longitude, latitude, longitude squared
    sample_number[[1, 2, 4, 8]] = 1.0, 0.04, 0.02, -0.008  # and longitude x latitude, latitude squared
    sample_divisor[2] = 0.003
    scalars = {
        "lineOffset": (shape[0] - 1) / 2,
        "sampOffset": (shape[1] - 1) / 2,
        "latOffset": PLACE[0],
        "longOffset": PLACE[1],
        "heightOffset": height,
        "lineScale": shape[0] / 2,
        "sampScale": shape[1] / 2,
        "latScale": half,
        "longScale": half,
        "heightScale": 500.0,
    }
    text = 'satId = "XX";\nbandId = "X";\nSpecId = "X";\nBEGIN_GROUP = IMAGE\n\terrBias = 1.0;\n\terrRand = 0.0;\n'
    text += "".join(f"\t{name} = {value!r};\n" for name, value in scalars.items())
    named = {
        "lineNumCoef": line_number,
        "lineDenCoef": line_divisor,
        "sampNumCoef": sample_number,
        "sampDenCoef": sample_divisor,
    }
    for name, numbers in named.items():
        text += f"\t{name} = (\n" + ",\n".join(f"\t\t\t{float(n)!r}" for n in numbers) + ");\n"
    return text + "END_GROUP = IMAGE\nEND;\n"


def gaofen(
    folder: Path,
    name: str,
    data: NDArray[np.generic],
    *,
    suffix: str = "",
    crs: str = "",
    polynomials: bool = True,
    **fields: object,
) -> Path:
    """Write a GF scene (image, XML, polynomials) and return its image."""
    image = folder / f"{name}{suffix}.tiff"
    tiff(image, data, crs=crs)
    shape = (data.shape[1], data.shape[2])
    satellite, sensor = name.split("_")[:2]
    text = gaofen_xml(**{"satellite": satellite, "sensor": sensor, "shape": shape, **fields})  # type: ignore[arg-type]
    (folder / f"{name}{suffix}.xml").write_text(text)
    if polynomials and not crs:
        (folder / f"{name}{suffix}.rpb").write_text(rpb(shape))
    return image


STATED = (
    "(gain2,Fielddata,L=DN/g+L0,W*m^(-2)*sr^(-1)*um^(-1))B1:g 0.7696, L0 7.325, B2:g 0.7815, L0 6.0737, "
    "B3:g 1.0914, L0 3.6123, B4:g 1.0281, L0 1.9028"
)
"""A calibration as the XML of HJ-1 states it."""


def huanjing_xml(satellite: str = "HJ1A", sensor: str = "CCD1", *, when: datetime = TIME, **more: object) -> str:
    """Return the XML of an HJ-1 scene; ``more`` sets or (None) drops fields."""
    fields: dict[str, object] = {
        "productId": 157001,
        "sceneId": 159000,
        "satelliteId": satellite,
        "sensorId": sensor,
        "productLevel": "LEVEL2",
        "pixelSpacing": "30.000",
        "scenePath": 451,
        "sceneRow": 76,
        "sunElevation": 90 - SUN[0],
        "sunAzimuthElevation": SUN[1] + 180,
        "sceneDate": f"{when:%Y-%m-%d %H:%M:%S}.18",
        "imagingStartTime": f"{when - timedelta(seconds=25):%Y-%m-%d %H:%M:%S}.08",
        "imagingStopTime": f"{when + timedelta(seconds=25):%Y-%m-%d %H:%M:%S}.51",
        "bands": "1,2,3,4",
        "absCalibType": STATED,
        "mapProjection": "UTM",
        "zone": "50N",
    }
    stems = dict(zip(corners(), ("UpperLeft", "UpperRight", "LowerRight", "LowerLeft"), strict=True))
    for stem, (latitude, longitude) in corners().items():
        fields |= {f"data{stems[stem]}Lat": latitude, f"data{stems[stem]}Long": longitude}
    fields |= more
    lines = "".join(f"    <{name}>{value}</{name}>\n" for name, value in fields.items() if value is not None)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<root>\n<data>\n{lines}</data>\n</root>\n'


def huanjing(
    folder: Path,
    name: str,
    data: Mapping[str, NDArray[np.generic]] | Sequence[NDArray[np.generic]],
    *,
    crs: str = "EPSG:32650",
    ending: str = "TIF",
    **fields: object,
) -> Path:
    """Write an HJ-1 scene, a file for each band (number from 1 -> counts (y, x)), and return its XML."""
    numbered = data if isinstance(data, Mapping) else {str(i): layer for i, layer in enumerate(data, 1)}
    for number, layer in numbered.items():
        tiff(folder / f"{name}-{number}.{ending}", layer[np.newaxis], crs=crs)
    satellite, sensor = name.split("-")[:2]
    path = folder / f"{name}.XML"
    path.write_text(huanjing_xml(**{"satellite": satellite, "sensor": sensor, **fields}))  # type: ignore[arg-type]
    return path
