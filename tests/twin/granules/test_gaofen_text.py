"""The XML of a GF-1 scene: fields, times of Beijing, angles under the producer's names."""

from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest

from musyq_lab.sensors import _gaofen_xml
from musyq_lab.twin.granules._gaofen_text import Scene, metadata

MIDDLE = datetime(2023, 6, 1, 3, 5, 40, 400_000)
SCENE = Scene(
    name="GF1_WFV2_E116.0_N40.2_20230601_L1A0006543210",
    camera="WFV2",
    orbit=54321,
    times=(MIDDLE - timedelta(seconds=2), MIDDLE, MIDDLE + timedelta(seconds=2, milliseconds=200)),
    shape=(1200, 800),
    roll=-8.12345,
    sun=(21.5, 135.25),
    view=(9.75, 281.5),
    corners={
        "TopLeft": (40.31, 115.9),
        "TopRight": (40.28, 116.1),
        "BottomRight": (40.1, 116.06),
        "BottomLeft": (40.13, 115.86),
    },
)


def fields(scene):
    root = ElementTree.fromstring(metadata(scene).encode("ascii"))
    assert root.tag == "ProductMetaData"
    assert len({e.tag for e in root}) == len(root)
    return {e.tag: e.text or "" for e in root}


def at(middle):
    return replace(SCENE, times=(middle - timedelta(seconds=2), middle, middle + timedelta(seconds=2)))


def test_identity_of_the_scene():
    found = fields(SCENE)
    assert (found["SatelliteID"], found["SensorID"], found["OrbitID"]) == ("GF1", "WFV2", "54321")
    assert found["SceneID"] == found["ProductID"] == "6543210"
    assert (found["ProductLevel"], found["ProductFormat"], found["Bands"]) == ("LEVEL1A", "GEOTIFF", "1,2,3,4")
    assert (found["PixelBits"], found["ValidPixelBits"], found["ImageGSD"]) == ("16", "10", "16")
    assert "NO OBSERVATION" in found["QualityInfo"]


def test_width_is_samples_and_height_lines():
    found = fields(SCENE)
    assert (found["WidthInPixels"], found["HeightInPixels"]) == ("800", "1200")


@pytest.mark.parametrize(
    "name",
    # Required fields of GF-1 WFV metadata, as public archiving code lists them (their order is not known).
    ["SatelliteID", "SensorID", "ReceiveTime", "OrbitID", "ProduceType", "SceneID", "ProductID", "ProductLevel",
     "ProductQuality", "ProductFormat", "ProduceTime", "Bands", "ScenePath", "SceneRow", "StartTime", "EndTime",
     "CenterTime", "ImageGSD", "WidthInPixels", "HeightInPixels", "CloudPercent", "PixelBits", "ValidPixelBits",
     "RollViewingAngle", "PitchViewingAngle", "RollSatelliteAngle", "PitchSatelliteAngle", "YawSatelliteAngle",
     "SolarAzimuth", "SolarZenith", "SatelliteAzimuth", "SatelliteZenith", "GainMode", "IntegrationTime",
     "IntegrationLevel", "MapProjection", "EarthEllipsoid", "ZoneNo", "ResamplingKernel", "HeightMode",
     "TopLeftLatitude", "TopRightLongitude", "BottomRightLatitude", "BottomLeftLongitude"],
)  # fmt: skip
def test_fields_of_the_producer(name):
    assert name in fields(SCENE)


def test_times_are_of_beijing_in_whole_seconds():
    found = fields(SCENE)
    assert found["StartTime"] == found["ReceiveTime"] == "2023-06-01 11:05:38"
    assert found["CenterTime"] == "2023-06-01 11:05:40"
    assert found["EndTime"] == "2023-06-01 11:05:43"


@pytest.mark.parametrize(
    ("middle", "text"),
    [
        (datetime(2023, 12, 31, 16, 0, 0), "2024-01-01 00:00:00"),
        (datetime(2023, 12, 31, 15, 59, 59, 499_999), "2023-12-31 23:59:59"),
        (datetime(2023, 12, 31, 15, 59, 59, 500_000), "2024-01-01 00:00:00"),
        (datetime(2024, 2, 28, 23, 59, 59, 999_999), "2024-02-29 08:00:00"),
        (datetime(2023, 6, 1, 3, 5, 40), "2023-06-01 11:05:40"),
    ],
)
def test_seconds_are_rounded_over_days_and_years(middle, text):
    assert fields(at(middle))["CenterTime"] == text


def test_no_time_is_further_than_half_a_second_off():
    for step in range(0, 1_000_000, 90_909):
        moment = MIDDLE.replace(microsecond=step)
        told = datetime.strptime(fields(at(moment))["CenterTime"], "%Y-%m-%d %H:%M:%S") - timedelta(hours=8)
        assert abs(told - moment) <= timedelta(milliseconds=500)


@pytest.mark.parametrize(("year", "solar"), [(2013, 68.5), (2021, 68.5), (2022, 21.5), (2024, 21.5)])
def test_the_suns_angle_is_an_elevation_in_old_scenes(year, solar):
    found = fields(at(MIDDLE.replace(year=year)))
    assert float(found["SolarZenith"]) == solar
    assert float(found["SolarAzimuth"]) == 135.25


@pytest.mark.parametrize("zenith", [0.0, 9.75, 40.0])
def test_the_satellites_angle_is_always_an_elevation(zenith):
    for year in (2015, 2023):
        found = fields(replace(at(MIDDLE.replace(year=year)), view=(zenith, 281.5)))
        assert float(found["SatelliteZenith"]) == 90 - zenith
        assert float(found["SatelliteAzimuth"]) == 281.5
    assert found["RollViewingAngle"] == "-8.1235"


def test_corners_have_a_tenth_of_a_metre():
    corners = {"TopLeft": (-33.12345678, 151.00000049), "BottomRight": (-33.5, -179.9999999)}
    found = fields(replace(SCENE, corners=corners))
    assert (found["TopLeftLatitude"], found["TopLeftLongitude"]) == ("-33.123457", "151.000000")
    assert (found["BottomRightLatitude"], found["BottomRightLongitude"]) == ("-33.500000", "-180.000000")
    assert "TopRightLatitude" not in found


@pytest.mark.parametrize("middle", [MIDDLE, MIDDLE.replace(year=2016), datetime(2021, 12, 31, 3, 0, 0)])
def test_our_reader_of_real_scenes_takes_it(tmp_path, middle):
    path = tmp_path / "a.xml"
    path.write_text(metadata(at(middle)), "ascii")
    read = _gaofen_xml.Metadata(path, _gaofen_xml.GAOFEN, {k.lower(): v for k, v in fields(at(middle)).items()})
    assert read.middle() == pytest.approx((40.205, 115.98))
    assert read.text("gainmode") == ""  # NULL
    assert read.number("satellitezenith") == 80.25
    assert [tuple(corner) for corner in read.corners()] == list(SCENE.corners.values())


def test_the_text_is_ascii_with_one_field_a_line():
    lines = metadata(SCENE).splitlines()
    assert metadata(SCENE).isascii()
    assert lines[0] == '<?xml version="1.0" encoding="UTF-8"?>'
    assert all(line.startswith("  <") and line.endswith(">") for line in lines[2:-1])
