"""Tie points, manifests and members of Sentinel-3 folders."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
from sensors import make_sentinel3 as make

from musyq_lab.core.errors import ArchiveError, SceneError
from musyq_lab.sensors._granule import find
from musyq_lab.sensors._sentinel3 import (
    Grid,
    TiePoints,
    bilinear,
    directions,
    extended,
    global_attributes,
    look,
    open_folder,
    values,
)


def angle(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    east, north, up = vectors
    return np.degrees(np.arctan2(np.hypot(east, north), up)), np.degrees(np.arctan2(east, north)) % 360.0


def test_directions_and_back() -> None:
    zenith, azimuth = np.meshgrid([1.0, 30.0, 89.0, 120.0], [0.5, 90.0, 180.0, 359.5])
    made = directions(zenith, azimuth)
    np.testing.assert_allclose(np.linalg.norm(made, axis=0), 1.0)
    np.testing.assert_allclose(angle(made), [zenith, azimuth], atol=1e-10)


def test_between_tie_points_is_linear_in_space() -> None:
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(3, 3))  # a x + b row + c column, of each component
    row, column = np.mgrid[:5, :6].astype(float)
    ties = plane[:, :1, None] + plane[:, 1:2, None] * row + plane[:, 2:, None] * column
    r, c = rng.uniform(0, 4, (7, 8)), rng.uniform(0, 5, (7, 8))
    expected = plane[:, :1, None] + plane[:, 1:2, None] * r + plane[:, 2:, None] * c
    np.testing.assert_allclose(bilinear(ties, r, c), expected, atol=1e-12)


def test_tie_points_themselves_are_kept_beside_missing_ones() -> None:
    ties = np.ones((3, 3, 3))
    ties[:, 2, :] = np.nan
    ties[:, :, 2] = np.nan
    row, column = np.array([[0.0, 1.0, 1.0]]), np.array([[0.0, 1.0, 1.5]])
    made = bilinear(ties, row, column)
    assert np.isfinite(made[:, 0, :2]).all()
    assert np.isnan(made[:, 0, 2]).all()


def test_one_tie_point_serves_all() -> None:
    made = bilinear(np.full((3, 1, 1), 0.5), np.zeros((2, 2)), np.zeros((2, 2)))
    np.testing.assert_array_equal(made, 0.5)


def test_a_missing_place_stays_missing() -> None:
    made = bilinear(np.ones((3, 2, 2)), np.array([[np.nan]]), np.array([[0.5]]))
    assert np.isnan(made).all()


def test_rows_are_extended_by_one_tie_point_at_each_end() -> None:
    line = np.array([np.nan, np.nan, 2.0, 3.0, 5.0, np.nan, np.nan])
    made = extended(np.broadcast_to(line, (3, 2, 7)))
    np.testing.assert_array_equal(made[0, 0], [np.nan, 1.0, 2.0, 3.0, 5.0, 7.0, np.nan])


def test_a_full_row_is_not_wrapped_around() -> None:
    line = np.array([1.0, 2.0, 4.0, np.nan])
    made = extended(np.broadcast_to(line, (3, 1, 4)))
    np.testing.assert_array_equal(made[0, 0], [1.0, 2.0, 4.0, 6.0])


class Every:
    """Tie points at every n-th pixel."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, top: int, bottom: int, left: int, right: int):
        rows, columns = np.arange(top, bottom) / self.step, np.arange(left, right) / self.step
        return np.broadcast_arrays(rows[:, None], columns[None, :])


@pytest.fixture
def ties(tmp_path: Path) -> TiePoints:
    y, x = np.mgrid[:5, :6].astype(float)
    own = {"z": make.degrees(30.0 + y + 0.5 * x), "a": make.degrees(355.0 + 2.0 * x - 360.0 * (x > 2))}
    make.member(tmp_path / "ties.nc", "S3", own, ("tie_rows", "tie_columns"))
    return TiePoints(str(tmp_path / "ties.nc"), "z", "a", "zenith", (17, 21), Every(4))


def test_any_part_equals_the_part_of_the_whole(ties: TiePoints) -> None:
    whole = ties[:, :]
    assert whole.shape == (17, 21)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole[::4, ::4], 30.0 + np.arange(5)[:, None] + 0.5 * np.arange(6), atol=1e-4)
    for key in ((slice(3, 9), slice(5, 21)), (slice(None, None, 5), slice(2, 20, 7)), (16, slice(None)), (0, 0)):
        np.testing.assert_array_equal(ties[key], whole[key])


def test_tie_points_hold_no_open_file(ties: TiePoints) -> None:
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ties))[:, :], ties[:, :])


def test_look_does_not_read_and_names_what_lacks(tmp_path: Path) -> None:
    make.member(tmp_path / "m.nc", "S3", {"a": make.degrees(np.ones((4, 4)))})
    (stored,) = look(tmp_path / "m.nc", ["a"])
    assert (stored.shape, stored.packing.scale) == ((4, 4), 1e-6)
    with pytest.raises(SceneError, match=r"m\.nc lacks the dataset 'b'"):
        look(tmp_path / "m.nc", ["a", "b"])
    np.testing.assert_allclose(values(tmp_path / "m.nc", "a"), 1.0)
    assert global_attributes(tmp_path / "m.nc")["product_name"] == "S3.SEN3"


def test_a_grid_refuses_layers_of_other_shapes(tmp_path: Path) -> None:
    make.member(tmp_path / "m.nc", "S3", {"a": make.degrees(np.ones((4, 4)))})
    make.member(tmp_path / "n.nc", "S3", {"a": make.degrees(np.ones((4, 5)))})
    grid = Grid.of(look(tmp_path / "m.nc", ["a"])[0])
    assert grid.shape == (4, 4)
    with pytest.raises(SceneError, match="do not belong together"):
        grid.layer(look(tmp_path / "n.nc", ["a"])[0])


def test_a_band_that_is_no_image_is_refused(tmp_path: Path) -> None:
    make.member(tmp_path / "m.nc", "S3", {"a": (np.ones(4), {})})
    with pytest.raises(SceneError, match="not rows and columns"):
        Grid.of(look(tmp_path / "m.nc", ["a"])[0])


def test_links_to_other_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "m.nc", "w") as file:
        file["a"] = h5py.ExternalLink("/etc/hostname", "a")
    with pytest.raises(ArchiveError, match="link to another file"):
        look(tmp_path / "m.nc", ["a"])


def test_manifest(tmp_path: Path) -> None:
    place = tmp_path / f"{make.OLCI_NAME}.SEN3"
    place.mkdir()
    times = ("2018-01-08T12:59:43.5Z", "2018-01-08T13:00:00Z")
    make.manifest(place, make.OLCI_NAME, "OL_1_EFR___", *times)
    folder = open_folder(find(place), "OL_1_E[FR]R")
    assert (folder.platform, folder.granule.name) == ("Sentinel-3A", make.OLCI_NAME)
    assert folder.attributes == {"timeliness": "NT", "baseline_collection": "002"}
    assert (folder.end - folder.start).total_seconds() == 16.5


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Sentinel-3</", "Sentinel-9</", None),  # the family is not asked for, the letter is
        (">A<", ">Z<", "names the satellite 'Sentinel-3Z'"),
        ("startTime", "beginTime", "lacks startTime"),
        (">2018-01-08T12", ">20x8-01-08T12", "is not a time"),
        ("OL_1_EFR", "OL_0_EFR", "holds the product OL_0_EFR"),
        ("</xfdu:XFDU>", "", "no well-formed XML"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path: Path, old: str, new: str, reason: str | None) -> None:
    place = tmp_path / f"{make.OLCI_NAME}.SEN3"
    place.mkdir()
    make.manifest(place, make.OLCI_NAME, "OL_1_EFR___", "2018-01-08T12:59:43.5Z", "2018-01-08T13:00:00Z")
    path = place / "xfdumanifest.xml"
    path.write_text(path.read_text().replace(old, new))
    if reason is None:
        assert open_folder(find(place), "OL_1_E[FR]R").platform == "Sentinel-3A"
        return
    with pytest.raises(SceneError, match=reason):
        open_folder(find(place), "OL_1_E[FR]R")
