import errno
import os

import pytest

from musyq_lab.archive.draft import draft, folder_lock, plain, publish, write_text
from musyq_lab.core.errors import ArchiveError, InputError


def test_a_draft_appears_under_its_name_when_it_is_published(tmp_path):
    target = tmp_path / "x.h5"
    target.write_text("old")
    with draft(target) as path:
        assert path.parent == tmp_path
        assert path.name.startswith(".x.h5.")
        path.write_text("new")
        assert target.read_text() == "old"
        publish({path: target})
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_draft_is_removed_on_any_error(tmp_path, error):
    def fail(path):
        path.write_text("half")
        raise error

    with pytest.raises(error), draft(tmp_path / "x.h5") as path:
        fail(path)
    assert list(tmp_path.iterdir()) == []


def test_files_are_as_readable_as_the_user_wants_them(tmp_path):
    before = os.umask(0o027)
    try:
        path = write_text(tmp_path / "x", "text\n")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_bytes() == b"text\n"


def test_the_folder_lock_is_given_back_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match=r"inside"), folder_lock(tmp_path):
            raise ValueError("inside")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "free some space"),
        (OSError("Can't write data (errno = 28, error message = 'No space left on device')"), "free some space"),
        (RuntimeError("Unable to flush (error message = 'File too large')"), "ulimit -f"),
        (PermissionError(errno.EACCES, "Permission denied"), "cannot be written to: choose another"),
        (OSError("something new"), "could not be written to .*: something new. Nothing was left behind"),
        (ZeroDivisionError(), "computing its data failed: ZeroDivisionError"),
    ],
)
def test_errors_say_what_to_do(tmp_path, error, words):
    found = plain(error, tmp_path / "x.h5")
    assert isinstance(found, ArchiveError)
    with pytest.raises(ArchiveError, match=rf"x\.h5 .*{words}"):
        raise found


def test_our_own_errors_pass(tmp_path):
    error = InputError("plain already")
    assert plain(error, tmp_path) is error


def test_side_files_of_a_living_writer_stay_while_another_begins(tmp_path):
    """Two productions of one folder: the second must not take the first one's checksum for a killed run's."""
    target = tmp_path / "MuSyQ.LAI.1km.here.2019191.v1.h5"
    side = target.with_name(f"{target.name}.sha256")
    with draft(target) as mine:
        mine.write_bytes(b"1")
        written = write_text(side, "digest\n")
        with draft(target) as other:
            assert written.exists()
            assert mine.exists()
            other.unlink()
        publish({mine: target, written: side})
    assert side.read_text() == "digest\n"


def test_side_files_of_a_killed_writer_are_removed(tmp_path):
    target = tmp_path / "a.h5"
    stale = [tmp_path / f".a.h5{suffix}.0123456789abcdef.partial" for suffix in ("", ".sha256", ".run.json")]
    for path in stale:
        path.write_text("cut")
    with draft(target) as mine:
        assert [path for path in tmp_path.iterdir() if path != mine] == []
