"""Metadata texts that are cut, damaged or of another kind: an error that names file and entry, or the right numbers."""

import re
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sensors.make_landsat import NAMES, THERMAL, make, mtl
from sensors.shared_data import shared

from musyq_lab.core.errors import MusyqError, SceneError
from musyq_lab.sensors._mtl import MAX_SIZE, Metadata, read_mtl
from musyq_lab.sensors._open import open_scene


@pytest.fixture(params=["TM-2010", "ETM-2010", "OLI_TIRS-2014", "ETM-C1", "OLI_TIRS-C2"])
def made(request, tmp_path):
    instrument, generation = request.param.split("-")
    return make(tmp_path, instrument, generation, shape=(2, 2), bands=["3", THERMAL[instrument][0]], qa=False)


@pytest.fixture
def oli(tmp_path):
    return make(tmp_path, shape=(2, 2), bands=["3", "10"], qa=False)


@pytest.fixture
def old(tmp_path):
    return make(tmp_path, "TM", "2010", shape=(2, 2), bands=["3", "6"])


def damage(made, old, new):
    text = made.mtl.read_text()
    assert re.search(old, text)
    made.mtl.write_text(re.sub(old, new, text, count=1))


def test_names_of_the_oldest_texts_become_those_of_today(tmp_path):
    metadata = read_mtl(make(tmp_path, "ETM", "2010").mtl)
    assert metadata.number("RADIANCE_MAXIMUM_BAND_6_VCID_1") > metadata.number("RADIANCE_MINIMUM_BAND_6_VCID_1")
    assert metadata.number("QUANTIZE_CAL_MAX_BAND_6_VCID_2") == 255
    assert metadata.text("FILE_NAME_BAND_6_VCID_2") == "L72224063_06319880814_B62.TIF"
    assert metadata.text("FILE_NAME_BAND_1") == "L71224063_06319880814_B10.TIF"
    assert metadata.text("DATA_TYPE") == "L1T"
    assert metadata.moment() == datetime(2001, 8, 15, 13, 0, 47, 375019)


def test_bands_10_and_11_are_no_thermal_gains(tmp_path):
    metadata = read_mtl(make(tmp_path).mtl)
    assert metadata.has("RADIANCE_MULT_BAND_10", "RADIANCE_MULT_BAND_11")
    assert not metadata.has("RADIANCE_MULT_BAND_1_VCID_0")


def test_the_first_of_a_name_that_comes_twice_holds(tmp_path):
    path = tmp_path / "x_MTL.txt"
    path.write_text('SPACECRAFT_ID = "LANDSAT_8"\n A = 1\n A = 2\nEND\n')
    assert read_mtl(path).number("A") == 1


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\n\n"])
@pytest.mark.parametrize("tail", ["", "\0" * 5000, "   \n\0\0"])
def test_line_ends_and_padding_do_not_matter(made, ending, tail):
    expected = dict(read_mtl(made.mtl).entries)
    text = made.mtl.read_text()
    made.mtl.write_bytes((text.replace("\n", ending) + tail).encode())
    assert dict(read_mtl(made.mtl).entries) == expected


def test_a_text_cut_anywhere_is_refused(made):
    whole = made.mtl.read_bytes()
    for size in range(0, len(whole) - 5, 199):
        made.mtl.write_bytes(whole[:size])
        with pytest.raises(SceneError, match=r"_MTL\.txt.*(empty|cut short)"):
            read_mtl(made.mtl)
    with pytest.raises(SceneError, match=r"_MTL\.txt is cut short"):
        open_scene(made.files[0])


def test_a_real_text_cut_anywhere_is_refused(tmp_path):
    source = next(shared("landsat8_C1_L1TP_016037_20170813").glob("*MTL.txt")).read_bytes()
    path = tmp_path / "cut_MTL.txt"
    for size in range(0, len(source) - 5, 200):
        path.write_bytes(source[:size])
        with pytest.raises(SceneError):
            read_mtl(path)


@pytest.mark.parametrize("entry", ["SUN_ELEVATION", "SUN_AZIMUTH"])
@pytest.mark.parametrize("value", ["NaN", "", "1e400", "400.0", "12.3.4"])
def test_sun_angles_that_cannot_be_are_refused(made, entry, value):
    damage(made, rf"{entry} = .*", f"{entry} = {value}")
    with pytest.raises(SceneError, match=rf"_MTL\.txt says {entry} = "):
        open_scene(made.folder)


@pytest.mark.parametrize("entry", ["SUN_ELEVATION", "SUN_AZIMUTH", "SENSOR_ID"])
def test_entries_that_are_needed_are_named_when_missing(made, entry):
    damage(made, rf".*{entry} = .*\n", "")
    with pytest.raises(SceneError, match=rf"_MTL\.txt lacks {entry}"):
        open_scene(made.folder)


@pytest.mark.parametrize("entry", ["DATE_ACQUIRED|ACQUISITION_DATE", "SCENE_CENTER_TIME|SCENE_CENTER_SCAN_TIME"])
@pytest.mark.parametrize("value", ["", "1988-13-45", "soon"])
def test_times_that_cannot_be_are_refused(made, entry, value):
    damage(made, rf"({entry}) = .*", rf"\1 = {value}")
    with pytest.raises(SceneError, match=r"_MTL\.txt.* is not a time"):
        open_scene(made.folder)


@pytest.mark.parametrize("value", ["0.5", "NaN", "x", "-1.0", "101.27"])
def test_a_distance_of_the_sun_that_cannot_be_is_refused(oli, value):
    made = oli
    damage(made, "EARTH_SUN_DISTANCE = .*", f"EARTH_SUN_DISTANCE = {value}")
    with pytest.raises(SceneError, match="EARTH_SUN_DISTANCE"):
        open_scene(made.folder)


@pytest.mark.parametrize(
    "entry",
    [
        *("RADIANCE_MULT_BAND_3", "RADIANCE_ADD_BAND_3", "REFLECTANCE_MULT_BAND_3", "REFLECTANCE_ADD_BAND_3"),
        *("K1_CONSTANT_BAND_10", "K2_CONSTANT_BAND_10", "QUANTIZE_CAL_MAX_BAND_3"),
    ],
)
@pytest.mark.parametrize("value", ["NaN", "garbage"])
def test_garbage_for_a_constant_is_refused_not_replaced(oli, entry, value):
    made = oli
    damage(made, rf"{entry} = .*", f"{entry} = {value}")
    with pytest.raises(SceneError, match=f"{entry} = "):
        open_scene(made.folder)


@pytest.mark.parametrize("entry", ["RADIANCE_MULT_BAND_3", "REFLECTANCE_MULT_BAND_3", "K1_CONSTANT_BAND_10"])
def test_gains_and_constants_are_positive(oli, entry):
    made = oli
    damage(made, rf"{entry} = ", f"{entry} = -")
    with pytest.raises(SceneError, match=f"{entry} = "):
        open_scene(made.folder)


def test_a_gain_without_its_offset_is_refused(oli):
    made = oli
    damage(made, r".*RADIANCE_ADD_BAND_3 = .*\n", "")
    with pytest.raises(SceneError, match="lacks RADIANCE_ADD_BAND_3"):
        open_scene(made.folder)


def test_a_gain_with_a_lost_digit_contradicts_its_limits(oli):
    made = oli
    damage(made, r"(RADIANCE_MULT_BAND_3 = )1\.", r"\g<1>2.")
    with pytest.raises(SceneError, match=r"contradicts itself: the gain of band 3 to radiance"):
        open_scene(made.folder)


@pytest.mark.parametrize("entry", ["LMAX_BAND3", "LMIN_BAND3", "QCALMAX_BAND3", "QCALMIN_BAND3"])
@pytest.mark.parametrize("value", ["NaN", "1e9999", "x", None])
def test_limits_that_cannot_be_are_refused(old, entry, value):
    made = old
    damage(made, rf".*{entry} = .*\n", "" if value is None else f"    {entry} = {value}\n")
    with pytest.raises(SceneError, match=r"_MTL\.txt (says|lacks) (RADIANCE|QUANTIZE_CAL)_M\w+_BAND_3"):
        open_scene(made.folder)


@pytest.mark.parametrize(
    ("before", "after"), [("LMAX_BAND3 = .*", "LMAX_BAND3 = -99.0"), ("QCALMAX_BAND3 = .*", "QCALMAX_BAND3 = 1.0")]
)
def test_limits_in_the_wrong_order_are_refused(old, before, after):
    made = old
    damage(made, before, after)
    with pytest.raises(SceneError, match="cannot be"):
        open_scene(made.folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello", "no Landsat metadata"),
        (b"\0" * 1000, "no Landsat metadata"),
        (b'SPACECRAFT_ID = "LANDSAT_8"\n', "END, is missing"),
        (b"\xff\xfe\x00\x01" * 100, "no Landsat metadata"),
        (b"x" * (MAX_SIZE + 1), "too many for Landsat metadata"),
    ],
)
def test_other_texts_are_refused(tmp_path, content, reason):
    path = tmp_path / f"{NAMES['TM', 'C1']}_MTL.txt"
    path.write_bytes(content)
    with pytest.raises(SceneError, match=reason) as caught:
        read_mtl(path)
    assert str(path) in str(caught.value)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return make(tmp_path_factory.mktemp("whole"), "TM", "2014", shape=(2, 2), bands=["3", "6"])


@settings(max_examples=25, deadline=None)
@given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=60))
def test_junk_in_the_text_never_crashes(whole, place, junk):
    text = mtl(whole).encode()
    start = int(place * len(text))
    whole.mtl.write_bytes(text[:start] + junk + text[start + len(junk) :])
    try:
        scene = open_scene(whole.files[0])
    except MusyqError:
        return
    assert np.isnan(scene.tir1.values).sum() == 1  # the pixel without data


def test_numbers_are_read_within_what_they_may_be(tmp_path):
    metadata = Metadata(tmp_path / "x_MTL.txt", {"A": "1.5", "B": "x"})
    assert metadata.number("A", least=1.5, most=1.5) == 1.5
    assert metadata.number("C", 7.0) == 7.0
    assert metadata.text("C", "") == ""
    for call in (
        lambda: metadata.number("A", least=2.0),
        lambda: metadata.number("A", most=1.0),
        lambda: metadata.number("B", 7.0),
        lambda: metadata.number("C"),
        lambda: metadata.text("C"),
    ):
        with pytest.raises(SceneError, match=r"x_MTL\.txt"):
            call()
