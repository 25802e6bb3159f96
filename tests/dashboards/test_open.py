"""Cubes from files, folders and catalogs: opened once, opened anew when they change, named so that code opens them."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from dashboards.laid import PERIODS, SPEC, layered, product_files

from musyq_lab.archive.overviews import add as add_overviews
from musyq_lab.archive.write import write_product
from musyq_lab.catalog.open import open_catalog
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _open
from musyq_lab.dashboards._data import cube
from musyq_lab.dashboards._shelf import Archive, quoted


def product(folder: Path, period: str = PERIODS[0], version: str = "v1", tile: str = "box", value: float = 0.5) -> Path:
    """A file of four cells."""
    coords = {"latitude": [1.0, 0.0], "longitude": [10.0, 11.0]}
    data = xr.Dataset({"ndvi": (("latitude", "longitude"), np.full((2, 2), value), {"units": "1"})}, coords)
    write_product(
        data, folder, spec=SPEC, edition="1km", tile=tile, period=period, version=version, overviews=False
    )  # fmt: skip
    return next(folder.glob(f"*.{tile}.{period}.{version}.h5"))


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("opened") / "three"
    for k, period in enumerate(PERIODS):
        product(folder, period, value=0.1 * (k + 1))
    return folder


def run(code: str) -> xr.Dataset:
    space: dict = {}
    exec(f"import musyq_lab as ml\n{code}", space)
    return space["data"]


def test_a_folder_is_a_cube_in_time(three):
    found = _open.from_folder(three)
    assert found.dataset.sizes["time"] == 3
    np.testing.assert_allclose(found.dataset["ndvi"].values[:, 0, 0], [0.1, 0.2, 0.3], atol=1e-4)
    assert found.origin == "3 files of three"
    assert [path.name.split(".")[4] for path in found.files] == list(PERIODS)


def test_the_code_of_folder_and_file_opens_them(three):
    for found in (_open.from_folder(three), _open.from_path(next(three.glob(f"*{PERIODS[1]}*")))):
        xr.testing.assert_equal(run(found.code).load(), found.dataset.load())


def test_what_explore_is_given_makes_the_same_cube(three):
    space: dict = {}
    for found in (_open.from_folder(three), _open.from_path(next(three.glob("*.h5")))):
        exec(f"from musyq_lab.dashboards.explorer import explore\nview = explore({found.given})", space)
        assert space["view"].cube is found


@pytest.mark.parametrize("name", ['a "quoted" name', "it's 数据 & $HOME {x}\\n"])
def test_folders_of_any_name_open_by_their_code(tmp_path, name):
    folder = tmp_path / name
    file = product(folder)
    found = _open.from_path(file)
    assert float(run(found.code)["ndvi"][0, 0]) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ['a "b".nc', "it's 数据 {x}.nc"])
def test_other_files_of_any_name_open_by_their_code(tmp_path, name):
    layered(2, 2)[["a"]].isel(time=0).to_netcdf(tmp_path / name, engine="h5netcdf")
    assert float(run(_open.from_path(tmp_path / name).code)["a"][0, 0]) == 1


@pytest.mark.parametrize("text", ["", "plain", 'a"b', "it's", "\\", "\\\\", "\n\t\0", "\u2028", "😀", '"""', "'''"])
def test_a_quoted_text_is_a_literal_of_itself(text):
    assert eval(quoted(text)) == text
    assert "\n" not in quoted(text)


def test_the_same_file_is_opened_once_by_whatever_name(three, monkeypatch):
    file = next(three.glob("*.h5"))
    monkeypatch.chdir(three)
    assert _open.from_path(file) is _open.from_path(Path(file.name)) is cube(str(file))


def test_a_written_file_is_opened_anew(tmp_path):
    file = product(tmp_path / "f")
    first = _open.from_path(file)
    stamp = file.stat().st_mtime_ns
    os.utime(file, ns=(stamp, stamp + 10**9))
    second = _open.from_path(file)
    assert second is not first
    assert second.key != first.key


def test_a_new_file_in_a_folder_joins_its_cube(tmp_path):
    folder = tmp_path / "f"
    product(folder, PERIODS[0])
    product(folder, PERIODS[1])
    assert _open.from_folder(folder).dataset.sizes["time"] == 2
    product(folder, PERIODS[2])
    assert _open.from_folder(folder).dataset.sizes["time"] == 3


def test_of_several_versions_the_newest_is_shown_by_number_and_not_by_letter(tmp_path):
    folder = tmp_path / "f"
    for version in ("v9", "v10"):
        product(folder, PERIODS[0], version)
    product(folder, PERIODS[1])
    found = _open.from_folder(folder)
    assert [path.name.split(".")[-2] for path in found.files] == ["v10", "v1"]
    assert found.dataset.sizes["time"] == len(found.files) == 2


def test_other_files_in_the_folder_do_not_disturb(tmp_path):
    folder = tmp_path / "f"
    kept = product(folder)
    (folder / "notes.txt").write_text("x")
    (folder / "other.h5").write_bytes(b"no file of ours")
    assert _open.from_folder(folder).files == (kept,)
    product(folder, tile="other")
    assert _open.from_folder(folder, tile="box").files == (kept,)


def test_folders_below_are_looked_into_and_those_beside_are_not(tmp_path):
    file = product(tmp_path / "top" / "deep" / "er")
    product(tmp_path / "beside")
    assert _open.from_folder(tmp_path / "top").files == (file,)


@pytest.mark.parametrize("wanted", [{"product": "lai"}, {"edition": "30m"}, {"tile": "h25v04"}])
def test_a_product_that_is_not_there_is_told_with_what_is(three, wanted):
    with pytest.raises(NotFoundError, match=r"It holds: .*1km box, 2019001 to 2019011 \(three\)"):
        _open.from_folder(three, **wanted)


def test_several_tiles_ask_which_and_name_them(tmp_path):
    for tile in ("west", "east"):
        product(tmp_path, tile=tile)
    with pytest.raises(InputError, match=r"east.*west.*Say product="):
        _open.from_folder(tmp_path)
    assert _open.from_folder(tmp_path, tile="west", product=None).files[0].name.count("west") == 1


def test_an_empty_folder_says_what_fills_it(tmp_path):
    with pytest.raises(NotFoundError, match="musyq produce"):
        _open.from_path(tmp_path)


def test_what_is_not_there_is_told_with_a_near_sample(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        _open.from_path(tmp_path / "gone.h5")
    with pytest.raises(NotFoundError, match="Did you mean 'sentinel2_chip'"):
        _open.from_path(Path("sentinel2_chp"))


def test_files_that_went_away_are_told(tmp_path):
    gone = Archive(tmp_path, "vi", "1km", "box", PERIODS)
    with pytest.raises(NotFoundError, match="not there any more"):
        _open.from_archive(gone)


def test_a_tilde_is_the_home_folder(three, monkeypatch):
    monkeypatch.setenv("HOME", str(three.parent))
    assert _open.from_path(Path("~/three")).dataset.sizes["time"] == 3


def test_an_entry_of_product_files_has_their_overviews(tmp_path):
    folder = product_files(tmp_path / "v", size=64)
    file = sorted(folder.glob("*.h5"))[0]
    spec = SimpleNamespace(args={"urlpath": str(file)})
    found = _open.from_entry(SimpleNamespace(name="mine", values={}, spec=spec, title="T"))
    assert found is _open.from_path(file)
    assert found.files == (file,)


def test_a_shipped_sample_is_shared_and_one_of_another_catalog_is_not():
    entry = open_catalog()["ghi_merra2_monthly"]
    assert _open.from_entry(entry) is _open.from_entry(open_catalog()["ghi_merra2_monthly"])
    assert run(_open.from_entry(entry).code)["ghi"].equals(_open.from_entry(entry).dataset["ghi"])
    reads = []
    spec = SimpleNamespace(args={})
    own = SimpleNamespace(
        name="ghi_merra2_monthly", values={}, spec=spec, title="Mine", read=lambda: reads.append(1) or layered()
    )
    for _ in range(2):
        assert _open.from_entry(own).title == "Mine"
    assert reads == [1, 1], "what may change is read anew"
    assert "the catalog that holds it" in _open.from_entry(own).code


def test_overviews_added_later_are_seen(tmp_path):
    folder = product_files(tmp_path / "v", size=160, overviews=False)
    for found in (_open.from_folder(folder), _open.from_path(sorted(folder.glob("*.h5"))[0])):
        assert found.levels.factors == ()
        for path in found.files:
            add_overviews(path)
            stamp = path.stat().st_mtime_ns + 10**9
            os.utime(path, ns=(stamp, stamp))
        os.utime(folder, ns=(stamp, stamp))
        newer = _open.again(found)
        assert newer.levels.factors == (2,)
        assert newer.levels.dataset(2).sizes["latitude"] == 80
        for path in found.files:
            assert newer.files == found.files, path


def test_a_folder_without_runs_offers_nothing(tmp_path):
    assert _open.finished(tmp_path / "nothing") == {}
    assert _open.finished(tmp_path) == {}
    (tmp_path / "readme.txt").write_text("x")
    assert _open.finished(tmp_path) == {}


def test_runs_of_one_product_are_told_apart(tmp_path):
    paths = [product(tmp_path / top / "run") for top in ("a", "b")]
    found = _open.finished(tmp_path)
    assert sorted(found.values()) == sorted(paths)
    assert len(found) == 2
    assert all(PERIODS[0] in title for title in found)
