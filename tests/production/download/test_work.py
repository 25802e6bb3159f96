"""The hidden folder and the moment of publication."""

import json
import os

import pytest

from musyq_lab.archive.draft import flush
from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.production.download import work
from musyq_lab.production.download.work import Target, fingerprint, publish, target, working


def make(place, mark="m", files=("x.nc",), folder=False):
    with working(place, mark) as hidden:
        for name in files:
            path = hidden / "result" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"content of {name}")
        return publish(place, hidden, {"fingerprint": mark}, "cite\n", folder=folder)


def test_a_file_appears_with_its_side_files(tmp_path):
    place = target(tmp_path / "a" / "b", "x.nc")
    sums = make(place)
    assert sorted(p.name for p in place.path.parent.iterdir()) == [
        *("x.nc", "x.nc.attribution.txt", "x.nc.receipt.json", "x.nc.sha256")
    ]
    assert place.checksums.read_text() == f"{sums['x.nc']}  x.nc\n"
    assert place.done("m")
    assert not place.done("other")


def test_a_folder_appears_at_once_and_replaces_the_old_one(tmp_path):
    place = target(tmp_path, "set")
    make(place, files=("a", "sub/b"), folder=True)
    assert place.done("m")
    make(place, mark="n", files=("c",), folder=True)
    assert [p.name for p in place.path.iterdir()] == ["c"]
    assert place.done("n")
    (place.path / "extra").write_text("")  # somebody put a file in: not what was downloaded
    assert not place.done("n")


@pytest.mark.parametrize(
    "harm",
    ["flip", "cut", "remove", "no receipt", "broken receipt", "list", "escape", "empty", "no list", "no attribution"],
)
def test_done_means_that_every_file_matches(tmp_path, harm):
    place = target(tmp_path, "x.nc")
    make(place)
    record = json.loads(place.receipt.read_text())
    data = place.path.read_bytes()
    actions = {
        "flip": lambda: place.path.write_bytes(bytes([data[0] ^ 1]) + data[1:]),
        "cut": lambda: place.path.write_bytes(data[:-1]),
        "remove": lambda: place.path.unlink(),
        "no receipt": lambda: place.receipt.unlink(),
        "broken receipt": lambda: place.receipt.write_text("[" * 50_000),
        "list": lambda: place.receipt.write_text("[]"),
        "escape": lambda: place.receipt.write_text(json.dumps(record | {"files": {"../x": "0"}})),
        "no list": lambda: place.checksums.unlink(),
        "no attribution": lambda: place.attribution.unlink(),
        "empty": lambda: place.receipt.write_text(json.dumps(record | {"files": {}})),
    }
    actions[harm]()
    assert not place.done("m")


def test_what_is_no_download_is_left_alone(tmp_path):
    place = target(tmp_path, "x.nc")
    place.path.write_text("mine")
    with pytest.raises(InputError, match=r"no download of MuSyQ Lab.*left alone"), working(place, "m"):
        pass
    assert place.path.read_text() == "mine"
    assert not place.work.exists()


def test_parts_of_another_request_are_cleared_those_of_this_one_kept(tmp_path):
    place = target(tmp_path, "x.nc")
    with working(place, "m") as hidden:
        (hidden / "parts" / "1").write_text("")
        (hidden / "result" / "half").write_text("")
    with working(place, "m") as hidden:
        assert [p.name for p in (hidden / "parts").iterdir()] == ["1"]
        assert not list((hidden / "result").iterdir())
    for broken in (None, "{", "[]"):
        if broken is not None:
            (place.work / "plan.json").write_text(broken)
        with working(place, "other") as hidden:
            assert not list((hidden / "parts").iterdir())


def test_two_of_one_name_do_not_mix(tmp_path):
    place = target(tmp_path, "x.nc")
    with working(place, "m"), pytest.raises(ArchiveError, match=r"Another download of x\.nc runs"), working(place, "m"):
        pass
    with working(place, "m"), working(target(tmp_path, "y.nc"), "m"):
        pass


def test_a_folder_removed_between_opening_and_locking_is_noticed(tmp_path, monkeypatch):
    place = target(tmp_path, "x.nc")
    real = work.fcntl.flock

    def late(descriptor, operation):
        place.work.rmdir()  # the other one has just finished
        place.work.mkdir()
        real(descriptor, operation)

    monkeypatch.setattr(work.fcntl, "flock", late)
    with pytest.raises(ArchiveError, match="has just ended"), working(place, "m"):
        pass


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="could not be written"), working(target(tmp_path / "file", "x.nc"), "m"):
        pass

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(work.Path, "mkdir", refuse)
    refused = pytest.raises(ArchiveError, match="folder cannot be written to: choose another")
    with refused, working(target(tmp_path, "x.nc"), "m"):
        pass


def test_what_comes_back_different_from_the_disk_is_told(tmp_path, monkeypatch):
    place = target(tmp_path, "x.nc")
    real = work.sha256
    monkeypatch.setattr(work, "sha256", lambda path: real(path) if "download" in str(path) else "0" * 64)
    with pytest.raises(ArchiveError, match="came back different"):
        make(place)
    assert place.work.exists()  # the parts are still there


HOSTILE = [
    *("", ".", "..", ".hidden", "a/b", "/etc/passwd", "../x", "a\\b", "..\\x", "x\0y", "x\ny", " x", "x ", "\u202etxt"),
    *("x" * 250, "名" * 80, "a/../../b", "./x", "~/x/y", "\u2028", None, 7),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_could_lead_out_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be the name"):
        target(tmp_path, name)


@pytest.mark.parametrize("name", ["x.nc", "名字.nc", "a b.nc", "%2e%2e%2fx", "-rf", "x..y"])
def test_names_that_are_only_odd_stay_in_the_folder(tmp_path, name):
    place = target(tmp_path, name)
    for path in (place.path, place.work, place.checksums, place.attribution, place.receipt):
        assert path.resolve().parent == tmp_path.resolve()
    make(place, files=(name,))
    assert place.done("m")


def test_fingerprints_tell_requests_apart_whatever_the_order():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert len({fingerprint({"a": n}) for n in range(50)}) == 50


def test_the_disk_has_every_file_before_its_name(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(work, "flush", lambda path: flushed.append(os.path.basename(path)) or flush(path))  # noqa: PTH119
    make(Target(tmp_path / "x.nc"))
    assert flushed.index("x.nc") < flushed.index("x.nc.receipt.json") < flushed.index("x.nc.sha256")
