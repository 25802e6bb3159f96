import pickle

import dask
import h5py
import numpy as np
import pytest
from sensors.swaths import no_computing

from musyq_lab.core.errors import ArchiveError, MusyqError, SceneError
from musyq_lab.sensors import _planes as planes


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "swath.h5"
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as made:
        made["flat"] = rng.integers(0, 4000, (1500, 7)).astype(">u2")
        made["deep"] = rng.integers(0, 4000, (3, 30, 7)).astype("u2")
        made["gains"] = rng.random((30, 2))
        made["text"] = np.array([b"a", b"b"])
        made.create_dataset("nothing", (0, 7), "u2")
        made.create_dataset("letters", data=np.full((3, 3), b"x"))
        made["flat"].attrs["units"] = np.bytes_("count")
        made.attrs["Satellite Name"] = np.bytes_("FY-3D")
        made.create_group("inner/group")["leaf"] = 1
    return path


def stored(path, name):
    with h5py.File(path, locking=False) as opened:
        return opened[name][()]


def test_a_plane_is_what_is_stored(file):
    plane = planes.plane(file, "flat")
    assert plane.dims == ("y", "x")
    assert plane.dtype == np.dtype("u2")  # in the byte order of the machine
    assert plane.attrs == {"units": "count"}
    np.testing.assert_array_equal(plane.values, stored(file, "flat"))
    for index in range(3):
        np.testing.assert_array_equal(planes.plane(file, "deep", index).values, stored(file, "deep")[index])


def test_planes_come_in_blocks_of_whole_scans(file):
    plane = planes.plane(file, "flat")
    assert plane.chunks == ((640, 640, 220), (7,))
    for scan in (10, 16, 32, 40):
        assert planes.ROWS % scan == 0


def test_planes_are_lazy_picklable_and_keep_no_file_open(file):
    with no_computing():
        plane = planes.plane(file, "flat")
    again = pickle.loads(pickle.dumps(plane))
    before = again[100:110, 2:4].values
    np.testing.assert_array_equal(before, stored(file, "flat")[100:110, 2:4])
    file.rename(file.with_suffix(".moved"))
    with pytest.raises(MusyqError):
        again.values  # noqa: B018


def test_the_name_of_a_plane_follows_its_file(file):
    first, second = planes.plane(file, "flat"), planes.plane(file, "flat")
    assert first.data.name == second.data.name
    assert first.data.name != planes.plane(file, "deep", 0).data.name
    assert planes.plane(file, "deep", 1).data.name != planes.plane(file, "deep", 0).data.name


@pytest.mark.parametrize(
    ("name", "index"),
    [("none", None), ("flat", 0), ("deep", None), ("deep", 3), ("inner", None), ("nothing", None), ("letters", None)],
)
def test_no_such_plane(file, name, index):
    with pytest.raises(SceneError, match=file.name):
        planes.plane(file, name, index)


def test_a_file_that_changed_is_noticed(file):
    plane = planes.plane(file, "flat")
    with h5py.File(file, "a") as opened:
        del opened["flat"]
        opened["flat"] = np.zeros((3, 7), "u2")
    with pytest.raises(MusyqError, match=r"flat.*shape \(3, 7\)"):
        plane.values  # noqa: B018


def test_tables(file):
    np.testing.assert_array_equal(planes.table(file, "gains"), stored(file, "gains"))
    for name in ("none", "inner", "text"):
        with pytest.raises(SceneError, match=name):
            planes.table(file, name)


def test_large_tables_are_refused(tmp_path):
    path = tmp_path / "large.h5"
    with h5py.File(path, "w") as made:
        made.create_dataset("big", (planes.MAX_TABLE + 1,), "f4", chunks=(1000,))
    with pytest.raises(SceneError, match="no table of numbers"):
        planes.table(path, "big")


def test_metadata_and_members(file):
    assert planes.metadata(file) == {"Satellite Name": "FY-3D"}
    assert planes.metadata(file, "flat") == {"units": "count"}
    assert planes.metadata(file, "none") == {}
    assert planes.members(file, "/inner") == ("group",)
    assert planes.members(file, "flat") == ()
    assert planes.members(file, "none") == ()
    with pytest.raises(ArchiveError):
        planes.metadata(file.parent)


def test_tasks_run_in_other_processes(file):
    plane = planes.plane(file, "flat")
    values = plane * 1e-3
    with dask.config.set(scheduler="processes", num_workers=1):
        got = values.values
    np.testing.assert_allclose(got, stored(file, "flat") * 1e-3, rtol=1e-6)
