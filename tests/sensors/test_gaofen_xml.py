"""Metadata of the Chinese land satellites: times of unstated zone, angles under the wrong name, stated coefficients."""

import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors import _gaofen_xml as xml
from musyq_lab.sensors._calibrate import Linear

CBERS = """<?xml version="1.0"?><root><data><satelliteId>CB04</satelliteId><sensorId>MUX</sensorId>
<sunElevation>66.954</sunElevation><sunAzimuthElevation>267.523</sunAzimuthElevation>
<sceneDate>2015-10-23 07:14:07.66</sceneDate><imagingStartTime>2015-10-23 07:13:58.75</imagingStartTime>
<imagingStopTime>2015-10-23 07:14:16.58</imagingStopTime>
<absCalibType>(gain2,Labdata,L=DN*g,W*m^(-2)*sr^(-1)*um^(-1))B1: 0.626647, B2:0.653898, B3: 0.647728, B4: 0.498509
</absCalibType>
<dataUpperLeftLat>-13.079004</dataUpperLeftLat><dataUpperLeftLong>47.438452</dataUpperLeftLong>
<dataUpperRightLat>-13.249301</dataUpperRightLat><dataUpperRightLong>48.544165</dataUpperRightLong>
<dataLowerLeftLat>-14.106054</dataLowerLeftLat><dataLowerLeftLong>47.201428</dataLowerLeftLong>
<dataLowerRightLat>-14.277147</dataLowerRightLat><dataLowerRightLong>48.312252</dataLowerRightLong></data></root>"""
"""A real scene of CBERS-4 MUX: the producer and dialect of HJ-1."""


def noaa(when: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Return zenith angle and azimuth of the Sun by NOAA's short formulas (Spencer 1971), good to some 0.3 degrees."""
    g = 2 * math.pi / 365 * (when.timetuple().tm_yday - 1 + (when.hour - 12) / 24)
    equation = 229.18 * (
        0.000075
        + 0.001868 * math.cos(g)
        - 0.032077 * math.sin(g)
        - 0.014615 * math.cos(2 * g)
        - 0.040849 * math.sin(2 * g)
    )
    declination = (
        0.006918
        - 0.399912 * math.cos(g)
        + 0.070257 * math.sin(g)
        - 0.006758 * math.cos(2 * g)
        + 0.000907 * math.sin(2 * g)
    )
    minutes = when.hour * 60 + when.minute + when.second / 60 + equation + 4 * longitude
    hour, north = math.radians(minutes / 4 - 180), math.radians(latitude)
    up = math.sin(north) * math.sin(declination) + math.cos(north) * math.cos(declination) * math.cos(hour)
    zenith = math.acos(up)
    towards_north = (math.sin(declination) - math.sin(north) * up) / (math.cos(north) * math.sin(zenith))
    azimuth = math.degrees(math.acos(max(-1, min(1, towards_north))))
    return math.degrees(zenith), azimuth if hour < 0 else 360 - azimuth


def gaofen(folder: Path, **fields: object) -> xml.Metadata:
    path = folder / "scene.xml"
    path.write_text(make.gaofen_xml(**fields))  # type: ignore[arg-type]
    return xml.read(path, xml.GAOFEN)


def huanjing(folder: Path, **fields: object) -> xml.Metadata:
    path = folder / "scene.xml"
    path.write_text(make.huanjing_xml(**fields))  # type: ignore[arg-type]
    return xml.read(path, xml.HUANJING)


def test_the_angles_of_the_test_scenes_are_the_suns() -> None:
    assert noaa(make.TIME, *make.PLACE) == pytest.approx(make.SUN, abs=0.5)


def test_a_real_scene_reads_as_its_metadata_mean(tmp_path: Path) -> None:
    (tmp_path / "c.xml").write_text(CBERS)
    metadata = xml.read(tmp_path / "c.xml", xml.HUANJING)
    latitude, longitude = metadata.middle() or (0, 0)
    assert (latitude, longitude) == pytest.approx((-13.678494, 47.874427), abs=0.001)  # its sceneCenterLat, -Long
    when = xml.moment(metadata, longitude)
    assert when.centre == datetime(2015, 10, 23, 7, 14, 7, 660000)
    assert (when.start, when.end) == (
        datetime(2015, 10, 23, 7, 13, 58, 750000),
        datetime(2015, 10, 23, 7, 14, 16, 580000),
    )
    sun = xml.sun(metadata, when.centre, latitude, longitude)
    assert sun.zenith == pytest.approx(90 - 66.954)
    # The file's 267.5 is in the west, in the morning: it is the azimuth plus 180.
    assert sun.azimuth == pytest.approx(87.523)
    assert sun.azimuth == pytest.approx(noaa(when.centre, latitude, longitude)[1], abs=5)
    assert not sun.contradiction
    assert xml.stated_gains(metadata)["4"] == Linear(0.498509)
    assert xml.gain_state(metadata) == "2"


def test_a_real_scene_of_hj1_has_the_sun_of_its_time(tmp_path: Path) -> None:
    # Values that public archiving code quotes from one scene (HJ-1A CCD1, path 15, row 76, 2010-06-13).
    corners = ((34.401465, 102.227978), (33.678849, 106.693466), (30.537453, 105.712068), (31.230519, 101.387694))
    fields = {}
    for stem, (latitude, longitude) in zip(xml.HUANJING.corners, corners, strict=True):
        fields |= {f"data{stem[4:]}Lat": None}
        name = {"upperleft": "UpperLeft", "upperright": "UpperRight"} | {
            "lowerright": "LowerRight",
            "lowerleft": "LowerLeft",
        }
        fields |= {f"data{name[stem[4:]]}Lat": latitude, f"data{name[stem[4:]]}Long": longitude}
    metadata = huanjing(
        tmp_path, sceneDate="2010-06-13 04:04:18.13", sunElevation=73.745, sunAzimuthElevation=300.965, **fields
    )
    when = xml.moment(metadata, 104.0)
    assert "UTC" in when.note
    sun = xml.sun(metadata, when.centre, *(metadata.middle() or (0, 0)))
    assert (sun.zenith, sun.azimuth) == pytest.approx((16.255, 120.965))
    assert not sun.contradiction


@pytest.mark.parametrize("beijing", [True, False])
def test_the_time_is_utc_whatever_the_zone_of_the_file(tmp_path: Path, beijing: bool) -> None:
    when = xml.moment(gaofen(tmp_path, beijing=beijing), make.PLACE[1])
    assert when.centre == make.TIME
    assert (when.start, when.end) == (make.TIME - timedelta(seconds=9), make.TIME + timedelta(seconds=9))
    assert ("Beijing" in when.note) == beijing


@pytest.mark.parametrize("longitude", [-150.0, -60.0, 0.0, 75.0, 135.0, 179.0])
def test_the_zone_is_found_all_over_the_world(tmp_path: Path, longitude: float) -> None:
    utc = datetime(2016, 7, 1, 10, 30) - timedelta(hours=longitude / 15)
    for shift in (timedelta(), xml.BEIJING):
        metadata = gaofen(tmp_path, CenterTime=f"{utc + shift:%Y-%m-%d %H:%M:%S}")
        assert abs(xml.moment(metadata, longitude).centre - utc) < timedelta(seconds=1)


def test_a_scene_by_night_is_taken_as_utc(tmp_path: Path) -> None:
    night = datetime(2012, 7, 1, 14, 30)  # 22:16 local solar time
    assert xml.moment(huanjing(tmp_path, when=night), 116.5).centre == datetime(2012, 7, 1, 14, 30, 0, 180000)
    by_none = xml.moment(gaofen(tmp_path, when=datetime(2012, 7, 1, 18, 30), beijing=False), 116.5)
    assert by_none.centre == datetime(2012, 7, 1, 18, 30)
    assert "by no reading" in by_none.note


def test_later_fields_stand_in_for_a_missing_time_and_none_is_refused(tmp_path: Path) -> None:
    assert xml.moment(gaofen(tmp_path, CenterTime=None), 116.5).centre == make.TIME - timedelta(seconds=9)
    only = gaofen(tmp_path, CenterTime=None, StartTime="", EndTime=None)
    assert xml.moment(only, 116.5).centre == make.TIME
    # A time of day alone (older files keep the date in another field) is no time.
    with pytest.raises(SceneError, match="lacks the time"):
        xml.moment(gaofen(tmp_path, CenterTime=None, StartTime=None, ReceiveTime="11:03:22"), 116.5)


@pytest.mark.parametrize("value", [make.SUN[0], 90 - make.SUN[0]])
def test_zenith_or_elevation_give_the_same_sun(tmp_path: Path, value: float) -> None:
    sun = xml.sun(gaofen(tmp_path, SolarZenith=value), make.TIME, *make.PLACE)
    assert sun.zenith == pytest.approx(make.SUN[0])
    assert ("elevation" in sun.note) == (value > 45)


@pytest.mark.parametrize("value", [make.SUN[1], (make.SUN[1] + 180) % 360, make.SUN[1] - 360])
def test_the_azimuth_points_to_the_sun(tmp_path: Path, value: float) -> None:
    assert xml.sun(gaofen(tmp_path, SolarAzimuth=value), make.TIME, *make.PLACE).azimuth == pytest.approx(make.SUN[1])


@pytest.mark.parametrize("value", [10.0, 45.0, 80.0])
def test_an_angle_that_fits_neither_reading_is_named(tmp_path: Path, value: float) -> None:
    sun = xml.sun(gaofen(tmp_path, SolarZenith=value), make.TIME, *make.PLACE)
    assert f"solarzenith {value:g}" in sun.contradiction
    assert sun.zenith == pytest.approx(noaa(make.TIME, *make.PLACE)[0], abs=0.5)


def test_missing_angles_are_computed_and_say_so(tmp_path: Path) -> None:
    sun = xml.sun(gaofen(tmp_path, SolarZenith=None, SolarAzimuth="NULL"), make.TIME, *make.PLACE)
    assert (sun.zenith, sun.azimuth) == pytest.approx(noaa(make.TIME, *make.PLACE), abs=0.5)
    assert sun.note.count("computed") == 2
    assert not sun.contradiction
    wrong = xml.sun(gaofen(tmp_path, SolarAzimuth=60.0), make.TIME, *make.PLACE)
    assert wrong.azimuth == pytest.approx(noaa(make.TIME, *make.PLACE)[1], abs=0.5)
    assert "azimuth computed" in wrong.note


@pytest.mark.parametrize(("given", "zenith"), [(65.6, 24.4), (24.4, 24.4), (89.9, 0.1), (0.0, 0.0)])
def test_view_zenith_is_below_45_degrees_in_either_reading(tmp_path: Path, given: float, zenith: float) -> None:
    angles, note = xml.view(gaofen(tmp_path, SatelliteZenith=given))
    assert angles["view_zenith"] == pytest.approx(zenith)
    assert angles["view_azimuth"] == 97.0
    assert ("elevation" in note) == (given > 45)


def test_no_view_angles_where_the_file_has_none(tmp_path: Path) -> None:
    assert xml.view(gaofen(tmp_path, SatelliteZenith="NULL"))[0] == {}
    assert xml.view(gaofen(tmp_path, SatelliteZenith=-5))[0] == {}
    assert xml.view(gaofen(tmp_path, SatelliteAzimuth=None))[0] == {"view_zenith": pytest.approx(24.4)}


def test_coefficients_per_radiance_are_inverted(tmp_path: Path) -> None:
    # The example quoted in public IDL code for HJ-1B CCD1 of 2009, which computes L = DN / g + L0.
    text = (
        "(gain1,Fielddata,L=DN/g+L0,W*m^(-2)*sr^(-1)*um^(-1))B1:g 0.5329, L0 1.6146, B2:g 0.52895, L0 4.0052, "
        "B3:g 0.68495, L0 6.2193, B4:g 0.72245, L0 2.8302"
    )
    metadata = huanjing(tmp_path, absCalibType=text)
    found = xml.stated_gains(metadata)
    assert list(found) == ["1", "2", "3", "4"]
    assert 100 * found["1"].gain + found["1"].offset == pytest.approx(100 / 0.5329 + 1.6146)
    assert 100 * found["4"].gain + found["4"].offset == pytest.approx(100 / 0.72245 + 2.8302)
    assert xml.gain_state(metadata) == "1"
    semicolons = text.replace(", B", "; B")  # the other separator that public code expects
    assert xml.stated_gains(huanjing(tmp_path, absCalibType=semicolons)) == found


def test_gains_in_a_list(tmp_path: Path) -> None:
    assert xml.stated_gains(gaofen(tmp_path, AbsCeof="0.1,0.2,0.3,0.4"))["3"] == Linear(0.3)
    assert xml.stated_gains(gaofen(tmp_path, AGain="0.0633,0.0532"))["2"] == Linear(0.0532)
    for nothing in ("", "NULL", "NULL,NULL,NULL,NULL"):
        assert xml.stated_gains(gaofen(tmp_path, AbsCeof=nothing)) == {}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"absCalibType": "(gain1,Labdata,R=DN^2)B1:g 1, B2:g 1"}, "unknown form"),
        ({"absCalibType": "(gain1,Labdata,L=DN/g+L0)B1:g 0, L0 1"}, "gain 0"),
        ({"absCalibType": "(gain1,Labdata,L=DN/g+L0)B1:g 1.2.3, L0 1"}, "which is none"),
    ],
)
def test_damaged_coefficients_are_refused(tmp_path: Path, fields: dict[str, str], reason: str) -> None:
    with pytest.raises(SceneError, match=reason):
        xml.stated_gains(huanjing(tmp_path, **fields))


def test_a_chinese_encoding_is_read(tmp_path: Path) -> None:
    text = make.huanjing_xml(stationName="密云").replace("UTF-8", "GB2312")
    (tmp_path / "g.xml").write_bytes(text.encode("gb2312"))
    assert xml.read(tmp_path / "g.xml", xml.HUANJING).text("stationname") == "密云"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<a><b>", "well-formed"),
        (b"<a><SatelliteID>GF1</SatelliteID></a>", "lacks sensorid"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE"),
        (b"<?xml version='1.0' encoding='gbk'?><!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE"),
        (b"\x89HDF\r\n", "well-formed"),
    ],
)
def test_what_is_no_metadata_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.xml").write_bytes(content)
    with pytest.raises(SceneError, match=reason):
        xml.read(tmp_path / "x.xml", xml.GAOFEN)


def test_corners_that_are_no_places_are_none(tmp_path: Path) -> None:
    assert gaofen(tmp_path, TopLeftLatitude="abc").corners() is None
    assert gaofen(tmp_path, TopLeftLatitude=120).middle() is None
    over = {f"{s}Longitude": v for s, v in zip(make.corners(), (179.5, -179.5, -179.6, 179.4), strict=True)}
    assert abs((gaofen(tmp_path, **over).middle() or (0, 0))[1]) == pytest.approx(179.95)
