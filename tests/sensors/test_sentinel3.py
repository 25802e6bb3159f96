"""Manifests and members of Sentinel-3 folders."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from sensors import make_sentinel3 as make

from musyq_lab.core.errors import ArchiveError, SceneError
from musyq_lab.sensors._granule import find
from musyq_lab.sensors._sentinel3 import (
    Grid,
    global_attributes,
    look,
    open_folder,
    values,
)


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
