"""Regions that are typed, parts that are cut, and folders of sessions."""

import os
import stat

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _download_work as working
from musyq_lab.dashboards._download_work import DownloadLimits, Place, narrowed, region_of


def grid(lat=(2.0, 1.0, 0.0), lon=(10.0, 11.0, 12.0, 13.0), names=("latitude", "longitude")) -> xr.Dataset:
    axes = dict(zip(names, (np.array(lat), np.array(lon)), strict=True))
    return xr.Dataset({"a": (names, np.zeros((len(lat), len(lon))), {"units": "1"})}, axes)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_typed_is_everything(text):
    assert region_of(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "GeoJSON, but it is none"),
        ("[1, 2]", "no object"),
        ("[" * 100_000, "GeoJSON"),
        ("x" * 200_001, "200,001 letters"),
        ("region.GeoJSON", "reads no files"),
        ("/etc/regions.json", "reads no files"),
    ],
)
def test_regions_that_are_none_are_told(text, words):
    with pytest.raises(InputError, match=words):
        region_of(text)


def test_words_stay_words_and_objects_objects():
    assert region_of("  China ") == "China"
    assert region_of('{"type": "Point"}') == {"type": "Point"}


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (1, 4), (2, 3)])
def test_a_part_is_cut_out_of_the_whole(start, stop):
    whole = grid().assign(b=lambda ds: ds.a + 1)
    part = whole[["b"]].isel(longitude=slice(start, stop))
    made = narrowed(whole, part)
    assert list(made.data_vars) == ["b"]
    expected = part if stop - start > 1 else whole[["b"]]  # the size of a cell follows from its neighbours
    xr.testing.assert_identical(made, expected)


def test_pieces_that_do_not_hang_together_leave_the_dimension_whole():
    whole = grid()
    made = narrowed(whole, whole.isel(longitude=[0, 3]))
    xr.testing.assert_identical(made, whole)


@pytest.fixture
def place(tmp_path):
    made = Place()
    made.limits = DownloadLimits(folder=tmp_path)
    yield made
    made.close()


def test_folders_of_sessions_are_private_and_apart(place, tmp_path):
    one, two = place.folder(), place.folder()
    assert one != two
    assert stat.S_IMODE(one.stat().st_mode) == 0o700
    (one / "a").write_text("x")
    place.drop(one)
    assert not one.exists()
    assert two.is_dir()
    place.drop(one)  # twice does no harm
    place.close()
    assert list(tmp_path.iterdir()) == []


def test_only_what_dead_servers_left_is_swept(place, tmp_path):
    dead, alive = f"{working._PREFIX}999999999-x", f"{working._PREFIX}{os.getpid()}-x"
    elsewhere = tmp_path / "elsewhere"
    for name in (dead, alive, f"{working._PREFIX}words-x", "other-999999999-x", "elsewhere"):
        (tmp_path / name).mkdir()
    link = tmp_path / f"{working._PREFIX}999999998-x"
    link.symlink_to(elsewhere)
    place.folder()
    assert not (tmp_path / dead).exists()
    assert (tmp_path / alive).is_dir()
    assert link.is_symlink()
    assert elsewhere.is_dir()
    assert (tmp_path / "other-999999999-x").is_dir()
