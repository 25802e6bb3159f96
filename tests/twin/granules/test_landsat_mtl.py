"""The MTL of a Landsat scene against the text of a real one, and its parts against each other."""

import math
import re
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree

import pyproj
import pytest
from sensors.shared_data import shared

from musyq_lab.twin.granules._landsat_mtl import CONSTANTS, Scene, files, metadata, radiance_lines
from musyq_lab.twin.granules._map import Frame

# What makes the text of this scene, whose Level-2 metadata hold the groups of Level 1.
REAL = Scene(
    name="LC08_L1GT_001062_20201031_20201106_02_T2",
    platform="Landsat-8",
    path=1,
    row=62,
    time=datetime(2020, 10, 31, 14, 31, 47, 808399),
    generated=datetime(2020, 11, 6, 16, 43, 28),
    frame=Frame(32620, 143_685.0, -204_285.0, 7581 * 30.0, 7731 * 30.0),
    sun_azimuth=118.08241478,
    sun_elevation=64.45083205,
    sun_distance=0.9925901,
    cloud_cover=99.94,
    saturated=dict.fromkeys("123456789", False),
)
NEW = replace(
    REAL,
    name="LC09_L1TP_029030_20240616_20240616_02_T1",
    platform="Landsat-9",
    path=29,
    row=30,
    time=datetime(2024, 6, 16, 17, 10, 5, 3),
    frame=Frame(32614, 499_785.0, 4_900_215.0, 3000.0, 1500.0),
    sun_azimuth=252.5,
    sun_distance=1.0158933,
)
BANDS = tuple(range(1, 12))


def groups(text):
    """Group -> entries as they are written, by a parser of lines."""
    found, group = {}, None
    for line in text.splitlines():
        if match := re.fullmatch(r"  GROUP = (\w+)", line):
            group = found.setdefault(match[1], {})
        elif match := re.fullmatch(r"    (\w+) = (.+)", line):
            assert match[1] not in group, match[1]
            group[match[1]] = match[2]
    return found


def real_groups():
    (path,) = shared("landsat8_C2_L2SP_001062_20201031").glob("*_MTL.txt")
    return groups(path.read_text())


def numbers(scene):
    """Every entry of calibration as a number."""
    return {
        k: float(v)
        for name, g in groups(metadata(scene)[0]).items()
        if "LEVEL1_" in name and name[7] != "P"
        for k, v in g.items()
        if re.fullmatch(r"-?[\d.]+(E[-+]\d+)?", v)
    }


@pytest.mark.parametrize(
    "name",
    [
        "IMAGE_ATTRIBUTES",
        "LEVEL1_MIN_MAX_RADIANCE",
        "LEVEL1_MIN_MAX_REFLECTANCE",
        "LEVEL1_MIN_MAX_PIXEL_VALUE",
        "LEVEL1_RADIOMETRIC_RESCALING",
        "LEVEL1_THERMAL_CONSTANTS",
        "LEVEL1_PROJECTION_PARAMETERS",
    ],
)
def test_groups_are_those_of_a_real_scene_to_the_letter(name):
    ours, real = groups(metadata(REAL)[0])[name], real_groups()[name]
    real |= {"ROLL_ANGLE": ours.get("ROLL_ANGLE", "")} if "ROLL_ANGLE" in real else {}
    assert list(ours) == list(real)
    for key, value in real.items():
        if ours[key] != value:  # the last of seven figures may be rounded the other way
            assert key.startswith("RADIANCE_"), key
            assert float(ours[key]) == pytest.approx(float(value), abs=1.01e-5)


def test_the_record_of_processing_has_entries_of_a_real_one():
    ours, real = groups(metadata(REAL)[0])["LEVEL1_PROCESSING_RECORD"], real_groups()["LEVEL1_PROCESSING_RECORD"]
    kept = [k for k in real if k in ours]
    assert list(ours) == kept
    own = {"ORIGIN", "PROCESSING_LEVEL", "COLLECTION_CATEGORY", "PROCESSING_SOFTWARE_VERSION"}
    assert {k: v for k, v in ours.items() if k not in own} == {k: real[k] for k in kept if k not in own}


def test_corners_are_those_of_a_real_scene():
    """Corners in degrees (1 m) and metres: centres of the corner pixels."""
    ours, real = groups(metadata(REAL)[0])["PROJECTION_ATTRIBUTES"], real_groups()["PROJECTION_ATTRIBUTES"]
    assert {k: ours[k] for k in real} == real
    assert [k for k in ours if k in real] == list(real)
    assert (ours["PANCHROMATIC_LINES"], ours["PANCHROMATIC_SAMPLES"]) == ("15461", "15161")  # as in LC08_L1TP scenes


def test_the_text_is_nested_groups_that_close():
    lines = metadata(REAL)[0].splitlines()
    assert lines[0] == "GROUP = LANDSAT_METADATA_FILE"
    assert lines[-2:] == ["END_GROUP = LANDSAT_METADATA_FILE", "END"]
    open_ = []
    for line in lines[:-1]:
        assert len(line) < 140
        key, value = line.strip().split(" = ")
        depth = len(open_) - (key == "END_GROUP")
        assert line == "  " * depth + line.strip()
        if key == "GROUP":
            open_.append(value)
        elif key == "END_GROUP":
            assert open_.pop() == value
    assert not open_


@pytest.mark.parametrize("scene", [REAL, NEW], ids=["8", "9"])
def test_both_files_say_the_same(scene):
    text, xml = metadata(scene)
    root = ElementTree.fromstring(xml.encode())
    assert root.tag == "LANDSAT_METADATA_FILE"
    ours = {group.tag: {entry.tag: entry.text for entry in group} for group in root}
    assert ours == {g: {k: v.strip('"') for k, v in entries.items()} for g, entries in groups(text).items()}


@pytest.mark.parametrize("scene", [REAL, NEW], ids=["8", "9"])
@pytest.mark.parametrize("band", BANDS)
def test_ends_of_the_scale_follow_from_gain_and_offset(scene, band):
    mtl = numbers(scene)
    gain, offset = mtl[f"RADIANCE_MULT_BAND_{band}"], mtl[f"RADIANCE_ADD_BAND_{band}"]
    for end, count in (("MAXIMUM", 65535), ("MINIMUM", 1)):
        printed = mtl[f"RADIANCE_{end}_BAND_{band}"]
        # The gain has 5 figures.
        assert printed == pytest.approx(gain * count + offset, abs=65535 * 10 ** (math.floor(math.log10(gain)) - 4))
    assert (mtl[f"QUANTIZE_CAL_MAX_BAND_{band}"], mtl[f"QUANTIZE_CAL_MIN_BAND_{band}"]) == (65535, 1)
    exact = radiance_lines(scene)[str(band)]
    assert (gain, offset) == (pytest.approx(exact[0], rel=5e-5), pytest.approx(exact[1], abs=5e-6))


@pytest.mark.parametrize("scene", [REAL, NEW], ids=["8", "9"])
def test_reflective_bands_have_no_light_at_count_5000(scene):
    mtl = numbers(scene)
    for band in range(1, 10):
        assert mtl[f"REFLECTANCE_MULT_BAND_{band}"] * 5000 + mtl[f"REFLECTANCE_ADD_BAND_{band}"] == pytest.approx(0)
        gain, offset = radiance_lines(scene)[str(band)]
        assert gain * 5000 + offset == pytest.approx(0, abs=1e-12)
        assert mtl[f"REFLECTANCE_MAXIMUM_BAND_{band}"] == pytest.approx(1.2107)
        assert mtl[f"REFLECTANCE_MINIMUM_BAND_{band}"] == pytest.approx(-0.09998)


@pytest.mark.parametrize("platform", CONSTANTS)
def test_radiance_falls_with_the_square_of_the_distance(platform):
    near, far = (radiance_lines(replace(REAL, platform=platform, sun_distance=d)) for d in (0.9833, 1.0167))
    for band in BANDS:
        expected = (1.0167 / 0.9833) ** 2 if band < 10 else 1.0
        assert near[str(band)][0] / far[str(band)][0] == pytest.approx(expected)


def test_another_real_scene_has_the_same_scales():
    """LC08_L1TP_016037_20170813 of Collection 1, seen at another distance from the Sun."""
    (path,) = shared("landsat8_C1_L1TP_016037_20170813").glob("*_MTL.txt")
    real = dict(re.findall(r"(\w+) = (\S+)", path.read_text(errors="replace")))
    ours = numbers(replace(REAL, sun_distance=float(real["EARTH_SUN_DISTANCE"])))
    for band in BANDS:
        for key in (f"RADIANCE_MULT_BAND_{band}", f"RADIANCE_ADD_BAND_{band}", f"RADIANCE_MAXIMUM_BAND_{band}"):
            assert ours[key] == pytest.approx(float(real[key]), rel=2e-5), key


@pytest.mark.parametrize("platform", CONSTANTS)
@pytest.mark.parametrize("kelvin", [200.0, 300.0, 360.0])
def test_temperatures_lie_within_the_counts(platform, kelvin):
    for gain, offset, k1, k2 in CONSTANTS[platform].thermal:
        count = (k1 / math.expm1(k2 / kelvin) - offset) / gain
        assert 1 < count < 65535
        # K1 and K2 are those of a wavelength (um) of 10.8 to 12.1: k1 = 2 h c2 / l5, k2 = h c / (k l).
        wavelength = 14_387.77 / k2
        assert 10.7 < wavelength < 12.2
        assert k1 == pytest.approx(1.191043e8 / wavelength**5, rel=0.04)


@pytest.mark.parametrize(
    ("azimuth", "text"),
    [
        (0.0, "0.00000000"),
        (179.5, "179.50000000"),
        (180.0, "-180.00000000"),
        (252.5, "-107.50000000"),
        (359.0, "-1.00000000"),
    ],
)
def test_azimuths_west_of_the_meridian_are_negative(azimuth, text):
    assert groups(metadata(replace(REAL, sun_azimuth=azimuth))[0])["IMAGE_ATTRIBUTES"]["SUN_AZIMUTH"] == text


def test_saturated_bands_are_told():
    scene = replace(REAL, saturated=dict.fromkeys("123456789", False) | {"3": True, "9": True})
    found = groups(metadata(scene)[0])["IMAGE_ATTRIBUTES"]
    assert [b for b in range(1, 10) if found[f"SATURATION_BAND_{b}"] == '"Y"'] == [3, 9]


def test_names_of_files():
    named = files("LC08_X")
    assert len(set(named.values())) == len(named) == 19
    assert all(name.startswith("LC08_X_") for name in named.values())
    contents = groups(metadata(replace(REAL, name="LC08_X"))[0])["PRODUCT_CONTENTS"]
    for key, name in named.items():
        assert contents[key] == f'"{name}"'
        if name.endswith(".TIF"):
            kind = '"INT16"' if "ANGLE" in key else '"UINT16"'
            assert contents[key.replace("FILE_NAME", "DATA_TYPE")] == kind


@pytest.mark.parametrize(
    "frame",
    [
        Frame(32650, 399_975.0, 4_449_915.0, 6000.0, 9000.0),
        Frame(32656, 300_015.0, -3_400_005.0, 3000.0, 3000.0),
        Frame(32601, 295_005.0, 7_200_015.0, 600.0, 600.0),
    ],
    ids=["north", "south", "antimeridian"],
)
def test_corners_of_other_frames(frame):
    found = groups(metadata(replace(REAL, frame=frame))[0])["PROJECTION_ATTRIBUTES"]
    assert found["UTM_ZONE"] == str(frame.epsg - 32600)
    to_map = pyproj.Transformer.from_crs(4326, frame.epsg, always_xy=True)
    for corner, x, y in (("UL", 0, 0), ("UR", 1, 0), ("LL", 0, 1), ("LR", 1, 1)):
        east = frame.left + 15 + x * (frame.width - 30)
        north = frame.top - 15 - y * (frame.height - 30)
        assert float(found[f"CORNER_{corner}_PROJECTION_X_PRODUCT"]) == east
        assert float(found[f"CORNER_{corner}_PROJECTION_Y_PRODUCT"]) == north
        place = [float(found[f"CORNER_{corner}_{name}_PRODUCT"]) for name in ("LON", "LAT")]
        assert to_map.transform(*place) == pytest.approx((east, north), abs=1.0)  # 5 decimals
    assert float(found["REFLECTIVE_LINES"]) * 30 == frame.height
    assert float(found["THERMAL_SAMPLES"]) * 30 == frame.width
