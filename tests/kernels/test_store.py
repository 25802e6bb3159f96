"""Files of machine code: what is read is what was written, or nothing at all."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from musyq_lab.kernels import _store
from musyq_lab.kernels._store import Code

CODE = Code("entry", "environment", ("PyErr_Clear", "über"), bytes(range(256)))
OTHER = Code("other", "environment", (), b"\0" * 300)
LABEL = "ab" * 32


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSYQ_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("MUSYQ_KERNEL_STORE", raising=False)
    return tmp_path / "cache" / "musyq-lab" / "kernels"


def file_of(label=LABEL):
    return _store.folder() / f"{label}.kernel"


# ---- sound files -----------------------------------------------------------------------------------------------------
def test_code_is_kept_under_its_label(place):
    assert _store.load(LABEL) is None
    _store.save(LABEL, CODE)
    _store.save("cd" * 32, OTHER)
    assert _store.load(LABEL) == CODE
    assert _store.load("cd" * 32) == OTHER
    assert _store.load("ef" * 32) is None
    assert sorted(path.suffix for path in place.iterdir()) == [".kernel", ".kernel"]


def test_new_code_takes_the_place_of_old():
    _store.save(LABEL, CODE)
    _store.save(LABEL, OTHER)
    assert _store.load(LABEL) == OTHER


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files")
def test_nobody_else_can_read_or_write(place):
    old = os.umask(0)
    try:
        _store.save(LABEL, CODE)
    finally:
        os.umask(old)
    assert place.stat().st_mode & 0o777 == 0o700
    assert file_of().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["0"])
def test_the_store_can_be_switched_off(value, place, monkeypatch):
    _store.save(LABEL, CODE)
    monkeypatch.setenv("MUSYQ_KERNEL_STORE", value)
    assert not _store.enabled()
    assert _store.load(LABEL) is None
    _store.save("cd" * 32, OTHER)
    assert len(list(place.iterdir())) == 1


def test_the_folder_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("MUSYQ_CACHE_DIR")
    monkeypatch.setattr(_store.sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert _store.folder() == tmp_path / "xdg" / "musyq-lab" / "kernels"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says its specification
    assert _store.folder() == tmp_path / ".cache" / "musyq-lab" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert _store.folder() == tmp_path / ".cache" / "musyq-lab" / "kernels"
    monkeypatch.setattr(_store.sys, "platform", "darwin")
    assert _store.folder() == tmp_path / "Library" / "Caches" / "musyq-lab" / "kernels"
    monkeypatch.setattr(_store.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert _store.folder() == tmp_path / "local" / "musyq-lab" / "kernels"
    monkeypatch.setenv("MUSYQ_CACHE_DIR", "~/own")
    assert _store.folder() == tmp_path / "own" / "musyq-lab" / "kernels"


# ---- files that are not as they were written -------------------------------------------------------------------------
def test_a_flipped_bit_anywhere_is_seen():
    _store.save(LABEL, CODE)
    whole = file_of().read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        file_of().write_bytes(damaged)
        assert _store.load(LABEL) is None
    file_of().write_bytes(whole)
    assert _store.load(LABEL) == CODE


def test_a_file_cut_anywhere_is_seen():
    _store.save(LABEL, CODE)
    whole = file_of().read_bytes()
    for size in range(len(whole)):
        file_of().write_bytes(whole[:size])
        assert _store.load(LABEL) is None
    file_of().write_bytes(whole + b"\0")
    assert _store.load(LABEL) is None


def test_a_file_under_another_label_is_seen():
    _store.save(LABEL, CODE)
    file_of().rename(file_of("cd" * 32))
    assert _store.load("cd" * 32) is None


def test_damage_is_repaired_by_the_next_save():
    _store.save(LABEL, CODE)
    file_of().write_bytes(b"")
    _store.save(LABEL, CODE)
    assert _store.load(LABEL) == CODE


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_used(mode):
    _store.save(LABEL, CODE)
    file_of().chmod(mode)
    assert _store.load(LABEL) is None


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_may_write_is_not_used(mode, place):
    _store.save(LABEL, CODE)
    place.chmod(mode)
    assert _store.load(LABEL) is None
    _store.save("cd" * 32, OTHER)
    assert len(list(place.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners of files")
def test_files_of_another_user_are_not_used(monkeypatch):
    _store.save(LABEL, CODE)
    own = os.geteuid()
    monkeypatch.setattr(_store.os, "geteuid", lambda: own + 1)
    assert _store.load(LABEL) is None


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
def test_links_pipes_folders_and_huge_files_are_not_used(tmp_path, monkeypatch):
    _store.save(LABEL, CODE)
    elsewhere = tmp_path / "elsewhere"
    file_of().rename(elsewhere)
    file_of().symlink_to(elsewhere)
    assert _store.load(LABEL) is None
    file_of().unlink()
    os.mkfifo(file_of(), 0o600)
    assert _store.load(LABEL) is None  # and does not wait for a writer
    file_of().unlink()
    file_of().mkdir()
    assert _store.load(LABEL) is None
    _store.save(LABEL, CODE)  # a folder in the way
    assert _store.load(LABEL) is None
    file_of().rmdir()
    _store.save(LABEL, CODE)
    monkeypatch.setattr(_store, "_LARGEST", 10)
    assert _store.load(LABEL) is None


# ---- disks that do not take or give anything -------------------------------------------------------------------------
def test_a_folder_that_cannot_be_made_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    monkeypatch.setenv("MUSYQ_CACHE_DIR", str(tmp_path / "file"))
    _store.save(LABEL, CODE)
    assert _store.load(LABEL) is None


def test_no_home_changes_nothing(monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MUSYQ_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(_store.Path, "home", nobody)
    _store.save(LABEL, CODE)
    assert _store.load(LABEL) is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_behind(number, place, monkeypatch):
    _store.save("cd" * 32, OTHER)
    real = os.fdopen

    class Full:
        def __init__(self, handle, mode):
            self.file = real(handle, mode)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_store.os, "fdopen", Full)
    _store.save(LABEL, CODE)
    monkeypatch.setattr(_store.os, "fdopen", real)
    assert _store.load(LABEL) is None
    assert [path.name for path in place.iterdir()] == [f"{'cd' * 32}.kernel"]


def test_a_disk_that_fails_at_reading_changes_nothing(monkeypatch):
    _store.save(LABEL, CODE)

    def fails(*arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_store.os, "fdopen", fails)
    assert _store.load(LABEL) is None


# ---- room ------------------------------------------------------------------------------------------------------------
def test_what_is_unused_for_longest_makes_room(monkeypatch):
    labels = [f"{k:064x}" for k in range(6)]
    for k, label in enumerate(labels):
        _store.save(label, CODE)
        os.utime(file_of(label), (1e9 + k, 1e9 + k))
    assert _store.load(labels[0]) == CODE  # used again
    monkeypatch.setattr(_store, "LIMIT", 4 * file_of(labels[0]).stat().st_size)
    _store.save("ff" * 32, CODE)
    assert {path.stem for path, _ in _store.files()} == {labels[0], labels[4], labels[5], "ff" * 32}


def test_what_killed_processes_left_is_removed_after_an_hour(place):
    _store.save(LABEL, CODE)
    old, new = place / "abc.part", place / "def.part"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    _store.save(LABEL, CODE)
    assert not old.exists()
    assert new.exists()


# ---- several at once -------------------------------------------------------------------------------------------------
def test_readers_and_writers_at_once_see_whole_files():
    codes = [CODE._replace(machine=bytes([k]) * 50_000) for k in range(4)]
    _store.save(LABEL, codes[0])
    wrong, done = [], threading.Event()

    def write(code):
        for _ in range(50):
            _store.save(LABEL, code)

    def read():
        while not done.is_set():
            if (found := _store.load(LABEL)) not in codes:  # never gone nor damaged
                wrong.append(found)

    writers = [threading.Thread(target=write, args=(code,)) for code in codes]
    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert not wrong
    assert _store.load(LABEL) in codes
    assert len(_store.files()) == len(list(_store.folder().iterdir())) == 1


ENDLESS = """
import sys
from musyq_lab.kernels import _store
code = _store.Code("entry", "environment", (), b"x" * 30_000_000)
print("ready", flush=True)
while True:
    _store.save(sys.argv[1], code)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_process_killed_while_it_writes_leaves_no_damaged_file(place):
    for pause in (0.0, 0.02, 0.07):
        process = subprocess.Popen([sys.executable, "-c", ENDLESS, LABEL], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 20.0
        while not list(place.glob("*.part")) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert not file_of().exists() or _store.load(LABEL).machine == b"x" * 30_000_000
    for part in place.glob("*.part"):
        os.utime(part, (1e9, 1e9))
    _store.save(LABEL, CODE)
    assert _store.load(LABEL) == CODE
    assert [path.name for path in Path(place).iterdir()] == [file_of().name]
