"""Places of files behind fsspec, by a stand-in for s3fs that is asynchronous as that is."""

import gc

import fsspec
import h5py
import numpy as np
import pytest
from files.bucket import Bucket, bucket

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files._blocks import forget
from musyq_lab.files._store import FsspecStore, shown
from musyq_lab.files.safety import opened


@pytest.fixture
def objects():
    forget()
    with bucket() as objects:
        yield objects
    forget()


def test_state_parts_and_names(objects):
    objects |= {"data/lai/a.h5": b"0123456789", "data/lai/b.h5": b"", "data/lai/deep/c.h5": b"x"}
    store = FsspecStore()
    info = store.info("s3://data/lai/a.h5")
    assert (info.size, info.ranges) == (10, True)
    assert info.tag
    assert store.read("s3://data/lai/a.h5", 3, 7, info) == b"3456"
    assert store.names("s3://data/lai") == ["a.h5", "b.h5"]
    assert store.is_folder("s3://data/lai")
    assert not store.is_folder("s3://data/lai/a.h5")
    objects["data/lai/a.h5"] = b"9876543210"
    assert store.info("s3://data/lai/a.h5").tag != info.tag


def test_faults_have_their_words(objects):
    store = FsspecStore()
    with pytest.raises(NotFoundError, match=r"There is no file s3://data/x\.h5"):
        store.info("s3://data/x.h5")
    objects["data/lai/a.h5"] = b"0123"
    with pytest.raises(ArchiveError, match="is not a file"):
        store.info("s3://data/lai")
    with pytest.raises(ArchiveError, match="cut off: 2 of 6"):
        store.read("s3://data/lai/a.h5", 2, 8, store.info("s3://data/lai/a.h5"))
    with pytest.raises(ArchiveError, match="KeyError"):
        store.read("s3://data/gone", 0, 8, store.info("s3://data/lai/a.h5"))
    Bucket.refused = True
    with pytest.raises(ArchiveError, match="access keys"):
        store.info("s3://data/lai/a.h5")


def test_a_package_that_is_missing_is_named(monkeypatch):
    def missing(url):
        raise ImportError("no module")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    for scheme, package in (("s3", "s3fs"), ("gs", "gcsfs"), ("abfs", "adlfs")):
        with pytest.raises(InputError, match=f"python -m pip install {package}"):
            FsspecStore().info(f"{scheme}://bucket/x.h5")


def test_hdf5_reads_from_a_thread_of_others_while_garbage_waits(objects, tmp_path):
    """Circles with HDF5 objects in them are garbage while fsspec's thread fetches for a reader that holds the lock."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", data=np.arange(3_000_000), chunks=(100_000,), compression="gzip")
    objects["data/x.h5"] = path.read_bytes()
    threshold = gc.get_threshold()
    gc.set_threshold(50)
    try:
        with opened("s3://data/x.h5") as file:
            for start in range(0, 3_000_000, 300_000):
                circle = [h5py.File(path)["v"]]
                circle.append(circle)
                del circle
                assert file["v"][start] == start
    finally:
        gc.set_threshold(*threshold)


def test_shown_leaves_out_what_may_be_secret():
    assert shown("https://me:word@host:8/a b.h5?sig=1#x") == "https://host:8/a b.h5"
    assert shown("http://[/x?sig=1") == "http://[/x"
