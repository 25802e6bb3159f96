"""Which sensor a path belongs to and which files make its granule."""

import os
import re
from pathlib import Path

import pytest
from sensors.make_landsat import make

from musyq_lab.core.errors import InputError, NotFoundError, SceneError
from musyq_lab.sensors import _granule
from musyq_lab.sensors._granule import Granule, find, find_all, granule_name
from musyq_lab.sensors._marks import marked
from musyq_lab.sensors._registry import SENSORS


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two granules, each in a folder of its own."""
    root = tmp_path_factory.mktemp("archive")
    return {
        "root": root,
        "tm": make(root / "a", "TM", "2014", shape=(2, 2), bands=["3", "6"]),
        "oli": make(root / "b", "OLI_TIRS", "C2", shape=(2, 2), bands=["4", "10"]),
    }


def test_any_file_leads_to_all_files(archive):
    made = archive["oli"]
    for file in made.files:
        granule = find(file)
        assert granule.sensor is SENSORS["landsat_oli"]
        assert granule.name == made.name
        assert granule.files == tuple(sorted(made.files))


def test_relative_and_home_and_linked_paths(archive, tmp_path, monkeypatch):
    made = archive["tm"]
    monkeypatch.chdir(made.folder)
    for relative in (".", made.mtl.name, f"./{made.mtl.name}", f"../a/{made.mtl.name}", "../a", ".."):
        if relative == "..":
            with pytest.raises(InputError, match="holds 2 granules"):
                find(relative)
        else:
            assert find(relative).name == made.name
    monkeypatch.setenv("HOME", str(archive["root"]))
    assert find("~/a").name == made.name
    assert find(f"~/a/{made.mtl.name}").name == made.name
    (tmp_path / "link").symlink_to(made.folder)
    assert find(tmp_path / "link").name == made.name
    for file in made.files:
        (tmp_path / file.name).symlink_to(file)
    assert find(tmp_path / made.mtl.name).name == made.name


def test_a_list_of_files_is_one_granule(archive):
    tm, oli = archive["tm"], archive["oli"]
    assert find(tm.files).files == tuple(sorted(tm.files))
    assert find([str(f) for f in tm.files[:2]]).files == tuple(sorted(tm.files[:2]))
    with pytest.raises(InputError, match="holds 2 granules"):
        find([*tm.files, *oli.files])
    with pytest.raises(InputError, match="names no file"):
        find([])


def test_what_is_not_there(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file or folder"):
        find(tmp_path / "absent.tif")
    with pytest.raises(NotFoundError, match="There is no file or folder"):
        find([tmp_path, tmp_path / "absent"])
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    with pytest.raises(NotFoundError):
        find(tmp_path / "dangling")
    with pytest.raises(NotFoundError, match=r"no sensor 'landsat_olli'.*Did you mean 'landsat_oli'"):
        find(tmp_path, "landsat_olli")


def test_empty_folders_and_unknown_files_are_refused(tmp_path):
    with pytest.raises(SceneError, match="holds no granule of a known sensor"):
        find(tmp_path)
    file = tmp_path / "holiday.jpg"
    file.write_bytes(b"")
    with pytest.raises(SceneError, match="is empty"):
        find(file)
    file.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(SceneError, match="neither by name nor by content"):
        find(file)
    with pytest.raises(SceneError, match="holds no granule of a known sensor"):
        find(tmp_path)
    with pytest.raises(SceneError, match=r"holds no granule of Landsat OLI/TIRS.*Leave sensor= out"):
        find(tmp_path, "landsat_oli")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "LC08_L1TP_224063_20140815_20200917_02_T1_MTL.txt")
    with pytest.raises(SceneError, match="neither a file nor a folder"):
        find(tmp_path / "LC08_L1TP_224063_20140815_20200917_02_T1_MTL.txt")


def test_the_folder_of_one_granule_is_found_from_above(archive, tmp_path):
    (tmp_path / "only").mkdir()
    for file in archive["tm"].files:
        (tmp_path / "only" / file.name).symlink_to(file)
    (tmp_path / "notes.txt").write_text("not a granule")
    assert find(tmp_path).name == archive["tm"].name
    with pytest.raises(InputError, match=r"holds 2 granules.*open_scenes"):
        find(archive["root"])
    assert find(archive["root"], "landsat_tm").name == archive["tm"].name


def test_many_granules_are_named_up_to_six(tmp_path):
    for day in range(10, 18):
        (tmp_path / f"LC08_L1TP_224063_201408{day}_20200917_02_T1_MTL.txt").write_text("x")
    with pytest.raises(InputError, match=r"holds 8 granules: .*\.\.\.") as caught:
        find(tmp_path)
    assert str(caught.value).count("landsat_oli") == 6


def test_all_granules_of_a_folder_and_those_below_it(archive, tmp_path):
    assert [g.name for g in find_all(archive["root"])] == sorted([archive["tm"].name, archive["oli"].name])
    assert [g.sensor.key for g in find_all(archive["root"], "landsat_tm")] == ["landsat_tm"]
    assert find_all(tmp_path) == []
    with pytest.raises(NotFoundError, match="no folder"):
        find_all(tmp_path / "absent")
    with pytest.raises(NotFoundError, match="no folder"):
        find_all(archive["tm"].mtl)


def test_names_of_all_letters_case_make_one_granule(tmp_path):
    name = "LC08_L1TP_224063_20140815_20200917_02_T1"
    for file in (f"{name}_B1.TIF", f"{name.lower()}_b2.tif", f"{name}_MTL.txt"):
        (tmp_path / file).write_text("x")
    (granule,) = find_all(tmp_path)
    assert len(granule.files) == 3


def test_one_and_match_of_a_granule():
    files = tuple(Path(f"/d/{n}") for n in ("G_B1.TIF", "G_B2.tif", "G_MTL.txt"))
    granule = Granule(SENSORS["landsat_oli"], "G", Path("/d"), files)
    assert [f.name for f in granule.match(r"G_B\d\.tif")] == ["G_B1.TIF", "G_B2.tif"]
    assert granule.match("B1") == []
    assert granule.one(r".*mtl\.txt", "the text").name == "G_MTL.txt"
    with pytest.raises(SceneError, match=r"/d: granule G lacks the text\. Put it beside"):
        granule.one("x", "the text")
    with pytest.raises(SceneError, match=r"2 candidates for a band: G_B1.TIF, G_B2.tif"):
        granule.one(r".*B\d\.tif", "a band")


def test_name_of_a_granule():
    patterns = (r"(?P<granule>A\d+)_.*", r"(?P<platform>X|Y)_(?P<granule>B\d+)")
    assert granule_name(patterns, "a12_MTL.txt") == "a12"
    assert granule_name(patterns, "Y_B3") == "Y.B3"
    assert granule_name(patterns, "A_12") is None
    assert granule_name((), "A1_") is None


def test_of_thousands_of_files_at_most_the_one_that_is_named_is_read(tmp_path, monkeypatch):
    looked = []

    def look(path, specs):
        looked.append(path)
        return marked(path, specs)

    monkeypatch.setattr(_granule, "marked", look)
    for number in range(3000):
        (tmp_path / f"LC08_L1TP_224063_20140815_20200917_02_T1_X{number}.tif").touch()
        (tmp_path / f"unrelated_{number}.dat").touch()
    assert len(find(tmp_path).files) == 3000
    assert looked == []
    one = tmp_path / "LC08_L1TP_224063_20140815_20200917_02_T1_X7.tif"
    assert len(find(one).files) == 3000
    with pytest.raises(SceneError):
        find(tmp_path / "unrelated_1.dat")
    assert set(looked) <= {one, tmp_path / "unrelated_1.dat"}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("LC09_L1TP_016037_20220813_20220814_02_T1.tar", "tar -xf"),
        ("LT05_L1TP_118032_20040620_20160903_01_T1.tar.gz", "tar -xzf"),
        ("scene.TGZ", "tar -xzf"),
        ("scene.zip", "unzip"),
    ],
)
def test_a_packed_granule_says_how_to_unpack_it(tmp_path, name, command):
    path = tmp_path / name
    path.write_bytes(b"packed")
    with pytest.raises(SceneError, match=rf"{re.escape(name)} is packed\. Unpack it \({command} {re.escape(name)}\)"):
        find(path)


def test_folders_of_ready_made_products_point_to_open_product(tmp_path):
    (tmp_path / "MOD13A1.A2016001.h18v04.061.2020050123456.hdf").write_bytes(b"x")
    with pytest.raises(SceneError, match=r"ml\.open_product"):
        find(tmp_path)
    with pytest.raises(SceneError, match=r"ml\.open_product"):
        find(tmp_path / "MOD13A1.A2016001.h18v04.061.2020050123456.hdf")
