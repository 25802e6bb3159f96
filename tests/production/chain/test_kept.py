"""Scenes kept for a run: whole with their record, or not there."""

import json

import numpy as np
import pytest
import xarray as xr

from musyq_lab.production.chain import _kept
from musyq_lab.production.chain._kept import Record, done, keep, note, opened, read

SCENE = xr.Dataset({"reflectance": (("y", "x"), np.arange(6.0).reshape(2, 3))}, attrs={"sensor": "modis"})
RECORD = Record("d" * 64, "g" * 64, granule="场景 1", sensor="modis", time="2019-07-01T03:00:00Z")


@pytest.fixture
def kept(tmp_path):
    target = tmp_path / "scenes" / "modis.场景.nc"
    keep(SCENE, target, RECORD)
    return target


def test_what_was_kept_comes_back(kept):
    with opened(kept) as ds:
        xr.testing.assert_identical(ds.compute(), SCENE)
    assert done(kept, RECORD.digest)
    assert read(kept).aside.granule == "场景 1"
    assert {p.name for p in kept.parent.iterdir()} == {kept.name, kept.name + _kept.SUFFIX}


def test_the_same_scene_gives_the_same_bytes(kept, tmp_path):
    other = tmp_path / "again.nc"
    keep(SCENE.chunk(x=1), other, RECORD)
    assert other.read_bytes() == kept.read_bytes()


def test_another_task_is_not_done(kept):
    assert not done(kept, "e" * 64)


@pytest.mark.parametrize("what", ["flip", "cut", "empty", "gone", "no record", "record cut", "record of others"])
def test_a_wrong_one_is_not_done(kept, what):
    side = kept.with_name(kept.name + _kept.SUFFIX)
    data = kept.read_bytes()
    {
        "flip": lambda: kept.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:]),
        "cut": lambda: kept.write_bytes(data[:-1]),
        "empty": lambda: kept.write_bytes(b""),
        "gone": kept.unlink,
        "no record": side.unlink,
        "record cut": lambda: side.write_text(side.read_text()[:-20]),
        "record of others": lambda: side.write_text(json.dumps({"a": 1})),
    }[what]()
    assert not done(kept, RECORD.digest)


def test_one_that_was_set_aside_is_never_done(tmp_path):
    target = tmp_path / "a.nc"
    note(target, Record("d" * 64, reason="cut off"))
    assert not done(target, "d" * 64)
    assert read(target).reason == "cut off"


def test_drafts_of_a_killed_run_go(kept):
    names = [kept.name, kept.name + _kept.SUFFIX]
    for name in names:
        (kept.parent / f".{name}.0123456789abcdef.partial").write_bytes(b"half")
    keep(SCENE, kept, RECORD)
    assert {p.name for p in kept.parent.iterdir()} == set(names)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(_kept, "publish", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        keep(SCENE, tmp_path / "a.nc", RECORD)
    assert list(tmp_path.iterdir()) == []
