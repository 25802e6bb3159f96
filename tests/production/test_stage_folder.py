"""Kept values: complete or absent, found out when damaged, within their bound."""

import errno
import hashlib
import os
import pickle
import shutil
import subprocess
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from musyq_lab.production import _stage_folder as stage_folder
from musyq_lab.production._stage_folder import Kept, clear_drafts, find, in_words, keep, no_room, size

ARRAY = np.arange(24.0).reshape(4, 6)


def kept(*arrays: object) -> Kept:
    return Kept({"kind": "list", "items": [1]}, list(arrays), [("stdout", "a\n"), ("stderr", "文")])


def lazy() -> da.Array:
    return da.from_array(ARRAY, chunks=((1, 3), (4, 2))) * 2


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    written = keep(tmp_path, "a-1", kept(ARRAY, lazy(), np.array(3), np.zeros((0, 2))))
    found = find(tmp_path, "a-1")
    assert found is not None
    assert found.tree == {"kind": "list", "items": [1]}
    assert found.printed == [("stdout", "a\n"), ("stderr", "文")]
    for arrays in (written, found.arrays):
        np.testing.assert_array_equal(arrays[0], ARRAY)
        assert arrays[1].chunks == ((1, 3), (4, 2))
        np.testing.assert_array_equal(arrays[1].compute(), ARRAY * 2)
        assert (arrays[2][()], arrays[3].shape) == (3, (0, 2))
    assert written[1].name == found.arrays[1].name, "equal runs show equal names"
    assert find(tmp_path, "a-2") is None


def test_the_checksums_are_those_of_sha256sum(tmp_path: Path) -> None:
    keep(tmp_path, "a-1", kept(ARRAY))
    sums = (tmp_path / "a-1" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    expected = hashlib.sha256((tmp_path / "a-1" / "0.npy").read_bytes()).hexdigest()
    assert f"{expected}  0.npy" in sums
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path / "a-1", check=True)


@pytest.mark.parametrize(
    "array", [da.zeros((0, 3)), da.ones(()), da.from_array(np.array([["ab"], ["c"]])), da.arange(5, chunks=2)]
)
def test_odd_lazy_arrays(tmp_path: Path, array: da.Array) -> None:
    (found,) = keep(tmp_path, "a-1", kept(array))
    assert (found.shape, found.dtype, found.chunks) == (array.shape, array.dtype, array.chunks)
    np.testing.assert_array_equal(found.compute(), array.compute())


def test_a_lazy_array_travels_to_another_process_as_its_path(tmp_path: Path) -> None:
    (found,) = keep(tmp_path, "a-1", kept(da.zeros((500, 500), chunks=250)))
    copy = pickle.loads(pickle.dumps(found))
    assert len(pickle.dumps(found)) < 20_000 < found.nbytes
    np.testing.assert_array_equal(copy[3:5, ::100].compute(), 0)


def test_every_bit_flip_and_every_cut_is_found(tmp_path: Path) -> None:
    keep(tmp_path, "a-1", kept(ARRAY[:1, :3], lazy()))
    names = sorted(path.name for path in (tmp_path / "a-1").iterdir())
    assert names == ["0.npy", "1.npy", "SHA256SUMS", "value.json"]
    dice = np.random.default_rng(1)
    for trial in range(200):
        shutil.copytree(tmp_path / "a-1", tmp_path / "b-1")
        path = tmp_path / "b-1" / names[trial % 4]
        content = bytearray(path.read_bytes())
        place = int(dice.integers(len(content)))
        if trial % 5:
            content[place] ^= 1 << int(dice.integers(8))
        else:
            del content[place:]
        path.write_bytes(content)
        assert find(tmp_path, "b-1") is None, (trial, path.name, place)
        assert not (tmp_path / "b-1").exists(), "a damaged value is removed, so that it is made anew"


@pytest.mark.parametrize("change", ["missing", "more", "empty", "file"])
def test_other_damage_is_found(tmp_path: Path, change: str) -> None:
    keep(tmp_path, "a-1", kept(ARRAY))
    if change == "missing":
        (tmp_path / "a-1" / "0.npy").unlink()
    elif change == "more":
        (tmp_path / "a-1" / "1.npy").write_bytes(b"")
    else:
        shutil.rmtree(tmp_path / "a-1")
        (tmp_path / "a-1").mkdir() if change == "empty" else (tmp_path / "a-1").write_text("x")
    assert find(tmp_path, "a-1") is None


def test_objects_that_would_run_code_are_not_read(tmp_path: Path) -> None:
    keep(tmp_path, "a-1", kept(ARRAY))
    folder = tmp_path / "a-1"
    np.save(folder / "0.npy", np.array([print], dtype=object), allow_pickle=True)
    names = ["0.npy", "value.json"]
    sums = "".join(f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names)
    (folder / "SHA256SUMS").write_text(sums)
    assert find(tmp_path, "a-1") is None


@pytest.mark.parametrize("array", [ARRAY, lazy()])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, array: object) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path, "a-1", kept(array))
    assert list(tmp_path.iterdir()) == []


def test_a_computation_that_fails_leaves_nothing_and_says_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        keep(tmp_path, "a-1", kept(lazy().map_blocks(lambda block: 1 // 0, dtype=float, meta=np.empty((0, 0)))))
    assert list(tmp_path.iterdir()) == []


def test_two_that_keep_the_same_value_leave_it_whole(tmp_path: Path) -> None:
    keep(tmp_path, "a-1", kept(ARRAY))
    (found,) = keep(tmp_path, "a-1", kept(lazy() / 2))
    np.testing.assert_array_equal(found.compute(), ARRAY)
    assert [path.name for path in tmp_path.iterdir()] == ["a-1"]


def test_drafts_of_killed_runs_are_cleared(tmp_path: Path) -> None:
    keep(tmp_path, "a-1", kept(ARRAY))
    (tmp_path / ".new-xyz").mkdir()
    (tmp_path / ".new-xyz" / "0.npy").write_bytes(b"half")
    clear_drafts(tmp_path)
    clear_drafts(tmp_path / "absent")
    assert [path.name for path in tmp_path.iterdir()] == ["a-1"]


def test_room_is_made_by_dropping_the_oldest_of_other_runs(tmp_path: Path) -> None:
    for number in range(4):
        keep(tmp_path, f"v-{number}", kept(ARRAY))
        os.utime(tmp_path / f"v-{number}", (100 - number, 100 - number))  # v-3 is the oldest
    one = size(tmp_path / "v-0")
    assert no_room(tmp_path, one, 5 * one, ["v-3"]) == ""
    assert len(list(tmp_path.iterdir())) == 4
    assert no_room(tmp_path, one, 3 * one, ["v-3"]) == ""
    assert {path.name for path in tmp_path.iterdir()} == {"v-3", "v-0"}
    assert "it needs" in no_room(tmp_path, 5 * one, 3 * one, ["v-3"])
    assert {path.name for path in tmp_path.iterdir()} == {"v-3"}, "what this run needs stays in any case"


def test_the_disk_is_not_filled_to_the_brim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=600_000_000)
    monkeypatch.setattr(stage_folder.shutil, "disk_usage", lambda _: usage)
    assert no_room(tmp_path / "new", 50_000_000, 10**12, []) == ""
    assert "it needs 200 MB, the disk has 600 MB free" in no_room(tmp_path / "new", 200_000_000, 10**12, [])


@pytest.mark.parametrize(
    ("length", "expected"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (999_600, "1 MB"), (381_594_476, "382 MB"), (2e10, "20 GB")],
)
def test_bytes_in_words(length: float, expected: str) -> None:
    assert in_words(length) == expected
