"""Registration and receipts: private from the first moment, whole under many writers, never in the way."""

import json
import multiprocessing
import os
import re
import sqlite3
import stat
import subprocess
import sys

import pytest

from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.production.download import registration
from musyq_lab.production.download.registration import add, forget, rate, receipts, register, registered

ROW = {
    "time": "2026-01-02T03:04:05.000+00:00",
    "product": "lai",
    "title": "Leaf area index",
    "subset": {"region": "china"},
    "format": "NetCDF",
    "file": "/data/x.nc",
    "sha256": "0" * 64,
    "bytes": 1000,
    "seconds": 2.0,
    "read_bytes": 4000,
    "licence": "CC-BY-4.0",
    "citation": "Somebody",
    "terms": "Free",
    "purpose": "a study",
}


def file(home):
    return home / registration.FILE


def test_once_registered_always_known(home):
    assert registered() == registration.Registration("Zhang San", "Institute", "zhang@example.org", "a test")
    again = register("李四 ", purpose="教学")
    assert registered() == again == registration.Registration("李四", "", "", "教学")
    forget()
    assert registered() is None


def test_before_the_first_time_nothing_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "new"))
    assert registered() is None
    assert len(receipts()) == 0
    assert rate("CSV") is None
    forget()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_it_whatever_the_umask(monkeypatch, tmp_path, mask):
    monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "new"))
    before = os.umask(mask)
    try:
        register("A")
        add({"id": "1", **ROW})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()] == [0o600]


def test_it_is_private_from_its_first_moment_on(monkeypatch, tmp_path):
    """Modes at every step of making and writing it, the journal of a running transaction among the files."""
    monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "new"))
    seen = {}
    before = os.umask(0)
    try:
        with registration._database(write=True) as base:
            base.execute("INSERT INTO registration VALUES (1, 'A', '', '', '', '')")
            seen = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new").iterdir()}
    finally:
        os.umask(before)
    assert set(seen.values()) == {0o600}
    assert len(seen) == 2  # the file and its journal


def test_a_mode_that_became_wider_is_narrowed(home):
    file(home).chmod(0o644)
    registered()
    assert stat.S_IMODE(file(home).stat().st_mode) == 0o600


def test_a_link_in_its_place_is_not_followed(monkeypatch, tmp_path):
    folder = tmp_path / "new"
    folder.mkdir()
    (tmp_path / "elsewhere").write_text("mine")
    (folder / registration.FILE).symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv(registration.HOME_VARIABLE, str(folder))
    with pytest.raises(ArchiveError, match="cannot be opened"):
        register("A")
    assert (tmp_path / "elsewhere").read_text() == "mine"


def test_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.delenv(registration.HOME_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert registration.home() == tmp_path / "musyq-lab"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert registration.home() == tmp_path / ".local" / "share" / "musyq-lab"


@pytest.mark.parametrize("email", ["a@b.org", "first.last+tag@sub.place.cn", "名@例子.中国", ""])
def test_addresses(email):
    assert register("A", email=email).email == email


@pytest.mark.parametrize(
    "email", ["a", "a@b", "@b.org", "a@.org@c.d", "a b@c.org", "<a@b.org>", "a@b.org, c@d.org", "a@b.org\n"]
)
def test_what_is_no_address(email):
    with pytest.raises(InputError, match=r"email"):
        register("A", email=email)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 500, 7, "\x00"])
def test_what_is_no_name(name):
    with pytest.raises(InputError, match="name"):
        register(name)


def test_an_error_does_not_repeat_what_is_private():
    with pytest.raises(InputError) as raised:
        register("A", email="secret at place")
    assert "secret" not in str(raised.value)


def test_receipts_come_back_newest_first_as_a_table():
    for number in range(3):
        add({"id": str(number), **ROW, "time": f"2026-01-0{number + 1}", "title": f"<b>{number}"})
    found = receipts()
    assert [row["id"] for row in found] == ["2", "1", "0"]
    assert found[0]["bytes"] == 1000
    assert json.loads(found[0]["subset"]) == {"region": "china"}
    html = found._repr_html_()
    assert html.count("<tr>") == 4
    assert "Zhang" not in html
    frame = found.to_dataframe()
    assert frame["sha256"].tolist() == ["0" * 64] * 3
    assert repr(found) == "<3 receipts of downloads>"


def test_the_same_receipt_twice_is_one():
    add({"id": "1", **ROW})
    add({"id": "1", **ROW, "purpose": "another"})
    assert [row["purpose"] for row in receipts()] == ["a study"]


def test_names_that_look_like_commands_are_only_names():
    hostile = "Robert'); DROP TABLE receipt;--"
    register(hostile, hostile, "", hostile)
    add({"id": "1", **ROW, "title": hostile, "purpose": hostile})
    assert registered().name == hostile
    assert receipts()[0]["title"] == hostile


def test_the_speed_is_the_median_of_the_last_downloads():
    for number, seconds in enumerate((1.0, 2.0, 4.0, 0.0)):
        add({"id": str(number), **ROW, "seconds": seconds})
    assert rate("NetCDF") == 2000
    assert rate("CSV") is None


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be read as one" * 40, None])
def test_a_damaged_file_gives_a_plain_error(home, content):
    path = file(home)
    if content is None:
        data = bytearray(path.read_bytes())
        data[100:4096] = os.urandom(3996)  # the first page: the schema
        content = bytes(data)
    path.write_bytes(content)
    if not content:  # an empty file is a new one
        assert registered() is None
        return
    for action in (lambda: register("A"), registered, receipts, lambda: add({"id": "1", **ROW}), lambda: rate("CSV")):
        with pytest.raises(ArchiveError, match=r"cannot be (used|opened)") as raised:
            action()
        assert str(path) in str(raised.value)
    assert path.read_bytes() == content  # nothing of it is overwritten


def test_a_file_of_a_later_version_is_left_alone(home):
    with sqlite3.connect(file(home)) as base:
        base.execute("PRAGMA user_version = 9")
    with pytest.raises(ArchiveError, match="version 9"):
        receipts()


def test_a_locked_file_is_waited_for_then_told(home, monkeypatch):
    monkeypatch.setattr(registration, "_WAIT", 0.2)
    base = sqlite3.connect(file(home), isolation_level=None)
    base.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ArchiveError, match="in use by another program"):
        register("A")
    base.execute("COMMIT")
    base.close()
    assert register("A").name == "A"


def test_a_folder_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "x").write_text("")
    monkeypatch.setenv(registration.HOME_VARIABLE, str(tmp_path / "x" / "y"))
    with pytest.raises(ArchiveError, match=registration.HOME_VARIABLE):
        register("A")


def _add_many(first):
    for number in range(first, first + 15):
        add({"id": str(number), **ROW})


def test_many_processes_write_at_once(home):
    file(home).unlink()  # the tables are made by whoever comes first
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_many, args=(15 * n,)) for n in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 5
    assert {int(row["id"]) for row in receipts()} == set(range(75))
    with sqlite3.connect(file(home)) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_killed_while_it_writes_it_stays_whole(home):
    code = (
        "import itertools\nfrom musyq_lab.production.download.registration import add\n"
        f"row = {ROW!r}\nprint('ready', flush=True)\n"
        "for n in itertools.count():\n    add({'id': str(n), **row})\n    print(n, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
    told = [process.stdout.readline() for _ in range(12)]
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    done = {int(line) for line in told if re.fullmatch(r"\d+\n", line)}
    found = {int(row["id"]) for row in receipts()}
    assert done <= found
    assert len(found) - len(done) <= 1
