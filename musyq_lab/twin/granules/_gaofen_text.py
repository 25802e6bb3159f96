"""The XML of a GF-1 WFV scene as the producer (CRESDA) writes it, with what readers must know of it.

Names of the fields: lists of required fields in public archiving code and the dialect described in
:mod:`musyq_lab.sensors._gaofen_xml`; their order is recalled. Like the producer's, times are of Beijing and in whole
seconds, ``SatelliteZenith`` holds the elevation of the satellite, and until 2021 ``SolarZenith`` that of the Sun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

ELEVATION_UNTIL = 2021
"""Last year whose ``SolarZenith`` is an elevation; the change is reported for about 2022."""
_BEIJING = timedelta(hours=8)


@dataclass(frozen=True)
class Scene:
    """What the metadata say of a scene."""

    name: str
    """GF1_WFV..._L1A..."""
    camera: str
    """``"WFV1"`` to ``"WFV4"``."""
    orbit: int
    """Number of the orbit."""
    times: tuple[datetime, datetime, datetime]
    """First line, middle, last line (UTC)."""
    shape: tuple[int, int]
    """Lines and samples."""
    roll: float
    """View angle of the camera's middle from nadir (deg)."""
    sun: tuple[float, float]
    """Zenith and azimuth in the middle (deg)."""
    view: tuple[float, float]
    """Zenith and azimuth of the satellite from the middle (deg)."""
    corners: Mapping[str, tuple[float, float]]
    """``TopLeft`` ... clockwise -> latitude and longitude (deg) of the corner pixels' centres."""


def metadata(scene: Scene) -> str:
    """Return the text of the XML file."""
    start, centre, end = (f"{_second(t + _BEIJING):%Y-%m-%d %H:%M:%S}" for t in scene.times)
    number = int(scene.name.rpartition("L1A")[2])
    zenith, azimuth = scene.sun
    fields: dict[str, object] = {
        "SatelliteID": "GF1",
        "SensorID": scene.camera,
        "ReceiveTime": start,
        "OrbitID": scene.orbit,
        "ProduceType": "STANDARD",
        "SceneID": number,
        "ProductID": number,
        "ProductLevel": "LEVEL1A",
        "ProductQuality": "",
        "ProductQualityReport": "",
        "ProductFormat": "GEOTIFF",
        "ProduceTime": f"{_second(scene.times[1] + _BEIJING + timedelta(hours=12)):%Y-%m-%d %H:%M:%S}",
        "Bands": "1,2,3,4",
        "ScenePath": "",
        "SceneRow": "",
        "StartTime": start,
        "EndTime": end,
        "CenterTime": centre,
        "ImageGSD": 16,
        "WidthInPixels": scene.shape[1],
        "HeightInPixels": scene.shape[0],
        "WidthInMeters": "",
        "HeightInMeters": "",
        "CloudPercent": "",
        "QualityInfo": "SIMULATED BY MUSYQ LAB, NO OBSERVATION",
        "PixelBits": 16,
        "ValidPixelBits": 10,
        "RollViewingAngle": f"{scene.roll:.4f}",
        "PitchViewingAngle": 0,
        **dict.fromkeys(("RollSatelliteAngle", "PitchSatelliteAngle", "YawSatelliteAngle"), 0),
        "SolarAzimuth": f"{azimuth:.3f}",
        "SolarZenith": f"{90 - zenith if scene.times[1].year <= ELEVATION_UNTIL else zenith:.4f}",
        "SatelliteAzimuth": f"{scene.view[1]:.3f}",
        "SatelliteZenith": f"{90 - scene.view[0]:.4f}",
        **dict.fromkeys(("GainMode", "IntegrationTime", "IntegrationLevel"), "NULL"),
        **dict.fromkeys(("MapProjection", "EarthEllipsoid", "ZoneNo", "ResamplingKernel", "HeightMode"), ""),
    }
    for corner, (latitude, longitude) in scene.corners.items():
        fields |= {f"{corner}Latitude": f"{latitude:.6f}", f"{corner}Longitude": f"{longitude:.6f}"}
    lines = "".join(f"  <{name}>{value}</{name}>\n" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ProductMetaData>\n{lines}</ProductMetaData>\n'


def _second(time: datetime) -> datetime:
    return (time + timedelta(microseconds=500_000)).replace(microsecond=0)
