"""A disk that is full, or a limit on the size of files, at any step of a production: told, nothing half, goes on."""

import errno
import os
import resource
import signal

import pytest
from production.chain.conftest import hashes

from musyq_lab.archive import draft, manifest
from musyq_lab.core.errors import MusyqError
from musyq_lab.production.chain.produce import produce

ONE = "2019-07-01"


class Disk:
    """Fails every step towards the disk from the n-th on, until there is room again."""

    def __init__(self, monkeypatch, room):
        self.left, self.steps = room, 0
        for owner, name in ((os, "replace"), (os, "fsync"), (draft, "_create")):
            monkeypatch.setattr(owner, name, self.step(getattr(owner, name)))

    def step(self, function):
        def wrapped(*arguments, **options):
            self.steps += 1
            if self.steps > self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **options)

        return wrapped


def asked(own, weather, out):
    return produce(*own.KEYS, period=ONE, inputs=weather, out=out, jobs=1)


def whole(folder):
    """Whether every product that counts as done is what an unbroken run writes."""
    return {name: sha for name, sha in hashes(folder).items() if name.endswith(".h5")}


@pytest.fixture
def right(unbroken, weather):
    label = weather.layers[0].period.label
    return {name: sha for name, sha in hashes(unbroken.folder).items() if f".{label}." in name}


@pytest.mark.parametrize("room", [0, 1, 2, 3, 5, 7, 9, 11, 14, 18])
def test_a_full_disk_at_any_step(room, own, weather, right, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        disk = Disk(patch, room)
        try:
            said = [o.reason for o in asked(own, weather, tmp_path).failed]
        except MusyqError as error:
            said = [str(error)]
        except OSError as error:  # pragma: no cover
            pytest.fail(f"a bare error reached the user: {error!r}")
        assert disk.steps > room, "the production must have met the full disk"
    assert any("The disk or the quota is full" in reason for reason in said), said
    assert all(right[name] == sha for name, sha in whole(tmp_path).items())
    # A product may have its name and no checksum yet: that is not done.
    assert all(f.state in ("ok", "unlisted") for f in manifest.verify(tmp_path))
    assert not asked(own, weather, tmp_path).failed
    assert hashes(tmp_path) == right
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_limit_on_the_size_of_files(own, weather, right, tmp_path):
    """The kernel stops the write in the middle of a file."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(MusyqError, match="ulimit -f"):
            asked(own, weather, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert whole(tmp_path) == {}
    asked(own, weather, tmp_path)
    assert hashes(tmp_path) == right
