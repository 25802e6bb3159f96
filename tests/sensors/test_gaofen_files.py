"""Which files are a scene's images and metadata."""

from pathlib import Path

import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors import gf1_pms, gf1_wfv, gf6_wfv, hj1_ccd, hj1_irs
from musyq_lab.sensors._gaofen_files import images_of, metadata_file
from musyq_lab.sensors._granule import Granule, find, find_all, granule_name

WFV = "GF1_WFV1_E116.5_N39.4_20170501_L1A0002330000"
PMS = "GF1_PMS2_E116.5_N39.4_20170501_L1A0002330001"
GF6 = "GF6_WFV_E116.5_N39.4_20190501_L1A1119842986"
CCD = "HJ1A-CCD1-451-76-20090804-L20000157001"
IRS = "HJ1B-IRS-452-56-20110826-L20000595422"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("spec", "name", "granule"),
    [
        (gf1_wfv.SPEC, f"{WFV}.tiff", WFV),
        (gf1_wfv.SPEC, f"{WFV}.TIF", WFV),
        (gf1_wfv.SPEC, f"{WFV}.rpb", WFV),
        (gf1_wfv.SPEC, f"{WFV}.tar.gz", WFV),
        (
            gf1_wfv.SPEC,
            "GF1_WFV3_E122.4_N37.3_20190805_L2A0004161911.xml",
            "GF1_WFV3_E122.4_N37.3_20190805_L2A0004161911",
        ),
        (
            gf1_wfv.SPEC,
            "GF1_WFV4_W60.0_S12.5_20220805_L1A13414161911.xml",
            "GF1_WFV4_W60.0_S12.5_20220805_L1A13414161911",
        ),
        (gf1_wfv.SPEC, f"{WFV}.jpg", None),
        (gf1_wfv.SPEC, f"{WFV}_ortho_flaash.tif", None),
        (gf1_pms.SPEC, f"{PMS}-MSS2.tiff", PMS),
        (gf1_pms.SPEC, f"{PMS}-PAN2.xml", PMS),
        (
            gf1_pms.SPEC,
            "GF1B_PMS_E107.0_N21.7_20250203_L1A1228474590-MUX.tiff",
            "GF1B_PMS_E107.0_N21.7_20250203_L1A1228474590",
        ),
        (gf1_pms.SPEC, "GF2_PMS2_E116.5_N39.4_20170501_L1A0002330001-MSS2.tiff", None),
        (gf6_wfv.SPEC, f"{GF6}-3.tiff", f"{GF6}-3"),
        (gf6_wfv.SPEC, f"{GF6}.tiff", GF6),
        (gf6_wfv.SPEC, f"{GF6}.xml", None),
        (hj1_ccd.SPEC, f"{CCD}-4.TIF", CCD),
        (hj1_ccd.SPEC, f"{CCD}.XML", CCD),
        (hj1_ccd.SPEC, "HJ1B-CCD2-5-84-A2-20130510-L20001042636-1.TIF", "HJ1B-CCD2-5-84-A2-20130510-L20001042636"),
        (hj1_ccd.SPEC, f"{IRS}-1.TIF", None),
        (hj1_irs.SPEC, f"{IRS}-1.TIF", IRS),
        (hj1_irs.SPEC, f"{IRS}-8.TIF", IRS),
    ],
)
def test_names(spec, name: str, granule: str | None) -> None:
    assert granule_name(spec.patterns, name) == granule


def test_a_scene_is_one_granule_whatever_lies_beside_it(tmp_path: Path) -> None:
    touch(tmp_path, f"{WFV}.tiff", f"{WFV}.xml", f"{WFV}.rpb", f"{WFV}.jpg", f"{WFV}_thumb.jpg", "readme.txt")
    touch(tmp_path, *(f"{PMS}-{kind}2.{e}" for kind in ("MSS", "PAN") for e in ("tiff", "xml", "rpb")), f"{PMS}.xml")
    found = {g.name: g.sensor.key for g in find_all(tmp_path)}
    assert found == {WFV: "gf1_wfv", PMS: "gf1_pms"}


def test_the_three_parts_of_gf6_are_three_scenes_with_one_xml(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{GF6}-{i}.{e}" for i in (1, 2, 3) for e in ("tiff", "rpb")), f"{GF6}.xml")
    assert [g.name for g in find_all(tmp_path)] == [f"{GF6}-{i}" for i in (1, 2, 3)]
    part = find(tmp_path / f"{GF6}-2.tiff")
    images = images_of(part, gf6_wfv.LAYOUT, 16)
    assert images == {"": tmp_path / f"{GF6}-2.tiff"}
    assert metadata_file(part, images) == tmp_path / f"{GF6}.xml"


def test_the_xml_of_three_parts_alone_does_not_choose(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{GF6}-{i}.tiff" for i in (1, 2, 3)))
    (tmp_path / f"{GF6}.xml").write_text(make.gaofen_xml("GF6", "WFV"))
    granule = find(tmp_path / f"{GF6}.xml")
    assert granule.sensor.key == "gf6_wfv"
    with pytest.raises(SceneError, match="several images"):
        images_of(granule, gf6_wfv.LAYOUT, 16)


def test_pms_images_by_resolution_and_their_own_xml_first(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{PMS}-{kind}2.{e}" for kind in ("MSS", "PAN") for e in ("tiff", "xml")), f"{PMS}.xml")
    granule = find(tmp_path)
    for resolution, kind in ((8, "MSS2"), (2, "PAN2")):
        images = images_of(granule, gf1_pms.LAYOUT, resolution)
        assert images == {"": tmp_path / f"{PMS}-{kind}.tiff"}
        assert metadata_file(granule, images).name == f"{PMS}-{kind}.xml"
    (tmp_path / f"{PMS}-PAN2.xml").unlink()
    assert metadata_file(granule, images).name == f"{PMS}.xml"


def test_a_file_per_band(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{CCD}-{i}.TIF" for i in (1, 2, 3, 4)), f"{CCD}.XML")
    images = images_of(find(tmp_path), hj1_ccd.LAYOUT, 30)
    assert images == {str(i): tmp_path / f"{CCD}-{i}.TIF" for i in (1, 2, 3, 4)}
    assert metadata_file(find(tmp_path), images) == tmp_path / f"{CCD}.XML"


@pytest.mark.parametrize("first", [1, 5])
def test_irs_bands_are_numbered_from_one_or_from_five(tmp_path: Path, first: int) -> None:
    touch(tmp_path, *(f"{IRS}-{first + i}.TIF" for i in range(4)), f"{IRS}.XML")
    granule = find(tmp_path)
    assert {n: p.name for n, p in images_of(granule, hj1_irs.LAYOUT, 150).items()} == {
        n: f"{IRS}-{first + i}.TIF" for i, n in enumerate("567")
    }
    assert images_of(granule, hj1_irs.LAYOUT, 300) == {"8": tmp_path / f"{IRS}-{first + 3}.TIF"}


@pytest.mark.parametrize(
    ("ending", "command"),
    [("tar.gz", "tar -xzf"), ("tgz", "tar -xzf"), ("tar", "tar -xf"), ("zip", "unzip"), ("tiff.gz", "gunzip -k")],
)
def test_an_archive_is_refused_with_the_command_that_unpacks_it(tmp_path: Path, ending: str, command: str) -> None:
    touch(tmp_path, f"{WFV}.{ending}")
    granule = find(tmp_path)
    with pytest.raises(SceneError, match=f"{command} {WFV}"):
        images_of(granule, gf1_wfv.LAYOUT, 16)
    touch(tmp_path, f"{WFV}.tiff")  # unpacked beside it: taken
    assert images_of(find(tmp_path), gf1_wfv.LAYOUT, 16)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    touch(tmp_path, f"{PMS}-MSS2.tiff")
    granule = find(tmp_path)
    with pytest.raises(SceneError, match=r"lacks its image of 2 m .*another resolution"):
        images_of(granule, gf1_pms.LAYOUT, 2)
    with pytest.raises(SceneError, match=f"lacks its metadata .{PMS}.xml"):
        metadata_file(granule, images_of(granule, gf1_pms.LAYOUT, 8))
    alone = Granule(gf1_wfv.SPEC, WFV, tmp_path, (tmp_path / f"{WFV}.xml",))
    with pytest.raises(SceneError, match="lacks its image of 16 m"):
        images_of(alone, gf1_wfv.LAYOUT, 16)
    touch(tmp_path, f"{WFV}.tif", f"{WFV}.tiff")
    with pytest.raises(SceneError, match="several images"):
        images_of(alone, gf1_wfv.LAYOUT, 16)


@pytest.mark.parametrize("name", ["mine-MSS1", "mine-MUX"])
def test_an_image_of_another_name_finds_its_siblings(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}.tiff", "mine-PAN1.tiff", "mine.xml", "mine2-PAN1.tiff")
    granule = find(tmp_path / f"{name}.tiff", "gf1_pms")
    assert images_of(granule, gf1_pms.LAYOUT, 2) == {"": tmp_path / "mine-PAN1.tiff"}
    images = images_of(granule, gf1_pms.LAYOUT, 8)
    assert images == {"": tmp_path / f"{name}.tiff"}
    assert metadata_file(granule, images) == tmp_path / "mine.xml"
