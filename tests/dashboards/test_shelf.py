"""The shelf: which files are one archive, what is found where, what cannot be asked for."""

import pytest
from browser import stage

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards._shelf import FOLDERS, RESULTS, Archive, Shelf, samples


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shelf")
    stage.products(folder, periods=3)
    return folder / "musyq-products"


def test_files_of_one_product_edition_and_tile_are_one_archive(root):
    (archive,) = Shelf([root]).archives().values()
    assert archive.periods == ("2019001", "2019006", "2019011")
    assert archive.title == "Leaf area index, 1km demo, 2019001 to 2019011 (musyq-products)"


def test_an_archive_opens_as_a_cube_and_coarser(root):
    (archive,) = Shelf([root]).archives().values()
    assert dict(archive.open().sizes) == {"time": 3, "latitude": 60, "longitude": 80}
    assert archive.open(overview=4).sizes["latitude"] == 15


def test_its_code_opens_the_same(root):
    import musyq_lab as ml

    (archive,) = Shelf([root]).archives().values()
    names = {"ml": ml}
    exec(archive.code, names)
    assert names["data"].identical(archive.open())


def test_one_period_has_no_span(tmp_path):
    assert Archive(tmp_path, "lai", "1km", "global", ("2019001",)).title.startswith("Leaf area index, 1km, 2019001 (")


def test_an_unknown_product_keeps_its_key(tmp_path):
    assert Archive(tmp_path, "own_thing", "1km", "t", ("a",)).title.startswith("own_thing, 1km t, a")


def test_the_newest_version_is_no_second_archive(root, tmp_path):
    name = "MuSyQ.LAI.1km.demo.2019001.v{}.h5"
    for version in (1, 2):
        (tmp_path / name.format(version)).touch()
    (archive,) = Shelf([tmp_path]).archives().values()
    assert archive.periods == ("2019001",)


def test_results_join_the_shelf_when_they_are_there(tmp_path):
    shelf = Shelf([tmp_path], tmp_path / "own")
    assert shelf.archives() == {}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "MuSyQ.GLOW.1km.here.2019001.v1.h5").touch()
    assert [archive.product for archive in shelf.archives().values()] == ["glow"]


def test_a_folder_inside_another_is_listed_once(tmp_path):
    inside = tmp_path / "a"
    inside.mkdir()
    (inside / "MuSyQ.LAI.1km.demo.2019001.v1.h5").touch()
    assert len(Shelf([tmp_path, inside]).archives()) == 1


def test_folders_of_one_name_are_told_apart(tmp_path):
    for part in ("a", "b"):
        folder = tmp_path / part / "products"
        folder.mkdir(parents=True)
        (folder / "MuSyQ.LAI.1km.demo.2019001.v1.h5").touch()
    archives = Shelf([tmp_path]).archives()
    assert len(archives) == 2
    assert {archive.folder.parent.name for archive in archives.values()} == {"a", "b"}


def test_by_default_the_folders_of_the_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shelf = Shelf()
    assert [str(folder) for folder in shelf.looked_at] == list(FOLDERS)
    assert shelf.folders == []
    assert str(shelf.results) == RESULTS


def test_a_folder_that_was_named_must_be_there(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        Shelf([tmp_path / "none"])


def test_maps_hold_samples_that_are_maps(tmp_path):
    maps = Shelf([tmp_path]).maps()
    assert {entry.title for _, entry in samples()} == set(maps)
    assert not any("matchup" in title for title in maps)


def test_granules_of_a_folder_without_any_are_those_that_ship(tmp_path):
    names = Shelf([tmp_path]).granules()
    assert names
    assert all("samples" in str(granule.path) for granule in names.values())
