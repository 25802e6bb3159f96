"""Versions of products against a plain account of what was done, kills and writers at once included."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import _side, manifest, versions
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError


def write(root: Path, version: str = "v1", seed: int = 1, **name: str) -> Path:
    return write_product(dataset(4, 5, 1, seed), root, spec=SPEC, version=version, **{**NAME, **name})


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(path: Path) -> dict:
    return json.loads(Path(f"{path}.run.json").read_text())


def fates(root: Path) -> dict[str, str]:
    return {item.name.version: item.state for item in manifest.history(root)}


def test_a_record_names_what_it_supersedes_with_checksum_and_instant(tmp_path):
    first = write(tmp_path, "v1", 1)
    second = write(tmp_path, "v2", 2)
    third = write(tmp_path, "v10", 3)
    assert run(first)["supersedes"] == []
    assert run(second)["supersedes"] == [
        {"file": first.name, "sha256": digest(first), "bytes": first.stat().st_size, "written": run(first)["ended"]}
    ]
    assert [item["file"] for item in run(third)["supersedes"]] == [first.name, second.name]  # v10 is after v2
    found = manifest.history(tmp_path)
    assert [(i.name.version, i.state, i.superseded_by) for i in found] == [
        ("v1", "superseded", "v2"),
        ("v2", "superseded", "v10"),
        ("v10", "current", None),
    ]
    assert [i.superseded_at for i in found] == [run(second)["ended"], run(third)["ended"], None]
    assert [i.sha256 for i in found] == [digest(first), digest(second), digest(third)]
    assert [i.name.version for i in found.current] == ["v10"]


def test_only_the_same_period_tile_edition_and_product_is_superseded(tmp_path):
    write(tmp_path, "v1")
    for other in ({"period": "2015006"}, {"tile": "h10v05"}, {"edition": "5km"}):
        assert run(write(tmp_path, "v2", **other))["supersedes"] == []
    assert run(write(tmp_path, "v2"))["supersedes"][0]["file"] == "MuSyQ.DEMO.0p25deg.global.2015001.v1.h5"
    assert len(manifest.history(tmp_path)) == 5
    assert len(manifest.history(tmp_path, period="2015006")) == 1
    assert len(manifest.history(tmp_path, "demo", edition="0p25deg", tile="global", period="2015001")) == 2
    assert len(manifest.history(tmp_path, "lai")) == 0


def test_an_older_version_written_late_supersedes_nothing(tmp_path):
    write(tmp_path, "v2", 2)
    late = write(tmp_path, "v1", 1)
    assert run(late)["supersedes"] == []
    assert fates(tmp_path) == {"v1": "superseded", "v2": "current"}


def test_what_was_deleted_stays_known_through_any_later_record(tmp_path):
    first, second = write(tmp_path, "v1", 1), write(tmp_path, "v2", 2)
    sums = [digest(first), digest(second)]
    for path in tmp_path.glob("*.v1.h5*"):
        path.unlink()
    third = write(tmp_path, "v3", 3)
    for path in tmp_path.glob("*.v2.h5*"):
        path.unlink()
    found = list(manifest.history(tmp_path))
    assert [(i.name.version, i.state) for i in found] == [("v1", "gone"), ("v2", "gone"), ("v3", "current")]
    assert [i.sha256 for i in found] == [*sums, digest(third)]
    assert [i["sha256"] for i in run(third)["supersedes"]] == sums


def test_replacing_a_name_keeps_its_earlier_contents_known(tmp_path):
    contents = [digest(write(tmp_path, seed=seed)) for seed in (1, 2, 2, 3)]
    (item,) = manifest.history(tmp_path)
    assert item.sha256 == contents[3]
    assert [entry[0] for entry in item.replaced] == [contents[0], contents[1]]
    assert digest(write(tmp_path, seed=1)) == contents[0]
    (item,) = manifest.history(tmp_path)
    assert [entry[0] for entry in item.replaced] == [contents[1], contents[3]]  # not what lies there now


def test_withdrawn_files_leave_a_record_and_are_not_missed(tmp_path):
    first, second = write(tmp_path, "v1", 1), write(tmp_path, "v2", 2)
    total, size = digest(second), second.stat().st_size
    side = manifest.withdraw(second, "  the calibration was wrong ")
    assert sorted(path.name for path in tmp_path.glob("*.v2.*")) == [side.name]
    told = json.loads(side.read_text())
    assert (told["sha256"], told["bytes"], told["reason"]) == (total, size, "the calibration was wrong")
    assert told["supersedes"][0]["sha256"] == digest(first)
    assert [(f.path.name, f.state) for f in manifest.verify(tmp_path)] == [(first.name, "ok")]
    assert fates(tmp_path) == {"v1": "current", "v2": "withdrawn"}
    shown = repr(manifest.history(tmp_path))
    assert "the calibration was wrong" in shown
    assert "withdrawn" in manifest.history(tmp_path)._repr_html_()
    # The name may be used again; what was withdrawn is then an earlier content of it.
    again = write(tmp_path, "v2", 5)
    assert [item["sha256"] for item in run(again)["replaces"]] == [total]
    assert fates(tmp_path) == {"v1": "superseded", "v2": "current"}
    with pytest.raises(NotFoundError, match="cannot be withdrawn"):
        manifest.withdraw(tmp_path / "MuSyQ.DEMO.0p25deg.global.2015001.v9.h5", "no")
    with pytest.raises(InputError, match="Say why"):
        manifest.withdraw(again, " ")


@pytest.mark.parametrize("removed", range(4))
def test_a_withdrawal_killed_at_any_step_can_be_finished(tmp_path, monkeypatch, removed):
    first = write(tmp_path, "v1", 1)
    unlink, done = Path.unlink, []

    def dies(self, missing_ok=False):
        if len(done) == removed:
            raise KeyboardInterrupt
        done.append(self)
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", dies)
    if removed < 3:
        with pytest.raises(KeyboardInterrupt):
            manifest.withdraw(first, "wrong")
    else:
        manifest.withdraw(first, "wrong")
    monkeypatch.undo()
    state = "current" if removed == 0 else "withdrawn"
    assert fates(tmp_path) == {"v1": state}
    assert [f.state for f in manifest.verify(tmp_path)] == (["ok"] if removed == 0 else [])
    manifest.withdraw(first, "wrong")
    assert [path.name for path in tmp_path.iterdir()] == [f"{first.name}.withdrawn.json"]


def test_a_withdrawal_that_cannot_be_recorded_removes_nothing(tmp_path, monkeypatch):
    first = write(tmp_path)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(versions, "write_text", full)
    with pytest.raises(ArchiveError, match="disk or the quota is full"):
        manifest.withdraw(first, "wrong")
    assert [f.state for f in manifest.verify(tmp_path)] == ["ok"]


def test_every_flipped_bit_of_a_record_is_seen(tmp_path):
    write(tmp_path, "v1", 1)
    path = write(tmp_path, "v2", 2)
    side = manifest.side_file(path, manifest.RUN_SUFFIX)
    data = side.read_bytes()
    assert _side.sealed(path) is True
    for bit in range(0, len(data) * 8, 5):  # every byte, several of its bits
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        side.write_bytes(flipped)
        assert _side.sealed(path) is False, bit
        manifest.history(tmp_path)  # never an error
    side.unlink()
    assert _side.sealed(path) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"supersedes": 3, "replaces": "x", "ended": 5, "bytes": "many", "sha256": 7}',
        b'{"supersedes": [1, null, {}, {"file": 3}, {"file": "../../etc/passwd"}, {"file": "MuSyQ.DEMO.x.h5"}]}',
        b'{"supersedes": [{"file": "MuSyQ.LAI.1km.global.2015001.v1.h5", "sha256": "0"}]}',
        b'{"supersedes": [{"file": "MuSyQ.DEMO.0p25deg.global.2015001.v7.h5", "sha256": "0"}]}',
        b"[" * 100_000,
    ],
)
def test_damaged_records_cost_what_they_say_and_no_more(tmp_path, text):
    path = write(tmp_path)
    manifest.side_file(path, manifest.RUN_SUFFIX).write_bytes(text)
    (item,) = manifest.history(tmp_path)
    assert (item.state, item.sha256) == ("current", digest(path))
    assert (item.size, item.written) == (None, None)
    second = write(tmp_path, "v2", 2)
    assert [entry["sha256"] for entry in run(second)["supersedes"]] == [digest(path)]


def test_records_of_before_there_were_versions_still_count(tmp_path):
    path = write(tmp_path)
    old = {key: value for key, value in run(path).items() if key not in ("supersedes", "replaces", "record_sha256")}
    manifest.side_file(path, manifest.RUN_SUFFIX).write_text(json.dumps(old))
    assert _side.sealed(path) is None
    (item,) = manifest.history(tmp_path)
    assert (item.sha256, item.written) == (digest(path), old["ended"])


def test_many_writers_of_many_versions_lose_none(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write(tmp_path, f"v{n}", n), range(1, 13)))
    found = list(manifest.history(tmp_path))
    assert [item.name.number for item in found] == list(range(1, 13))
    assert [item.superseded_by for item in found] == [*(f"v{n}" for n in range(2, 13)), None]
    assert all(item.sha256 == digest(tmp_path / item.name.text) for item in found)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_the_listing_of_a_folder_is_checked_by_sha256sum(tmp_path):
    for number in (1, 2, 3):
        path = write(tmp_path, f"v{number}", number)
    manifest.withdraw(path, "wrong")
    sums, listing = manifest.collect(tmp_path)
    done = subprocess.run(["sha256sum", "-c", sums.name], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count(": OK") == 2
    before = sums.read_bytes(), listing.read_bytes()
    manifest.collect(tmp_path)
    assert (sums.read_bytes(), listing.read_bytes()) == before
    files = json.loads(listing.read_text())["files"]
    assert [(item["version"], item["state"]) for item in files] == [
        ("v1", "superseded"),
        ("v2", "current"),
        ("v3", "withdrawn"),
    ]
    assert len(manifest.verify(tmp_path)) == 2  # the listing is no product


def test_folders_without_products(tmp_path):
    assert len(manifest.history(tmp_path)) == 0
    assert "file" in repr(manifest.history(tmp_path))
    sums, listing = manifest.collect(tmp_path)
    assert (sums.read_text(), json.loads(listing.read_text())) == ("", {"files": []})
    for function in (manifest.history, manifest.collect):
        with pytest.raises(NotFoundError, match="There is no folder"):
            function(tmp_path / "absent")


@pytest.mark.parametrize("name", ["notes.h5", "MuSyQ.DEMO.x.h5", "MuSyQ.demo.0p25deg.global.2015001.v1.h5"])
def test_other_files_have_no_versions(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x")
    assert versions.earlier(path) == {"supersedes": [], "replaces": []}
    assert len(manifest.history(tmp_path)) == 0
    assert versions.earlier(tmp_path / "absent" / name) == {"supersedes": [], "replaces": []}


def test_times_of_a_record_are_of_this_moment(tmp_path):
    started = datetime.now(UTC).replace(microsecond=0)
    path = write(tmp_path)
    (item,) = manifest.history(tmp_path)
    assert started <= datetime.fromisoformat(item.written) <= datetime.now(UTC)
    assert item.size == path.stat().st_size


@pytest.mark.slow
def test_a_writer_killed_anywhere_leaves_a_true_history(tmp_path):
    write(tmp_path, "v1", 1)
    code = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from archive.test_versions import write\nfrom pathlib import Path\n"
        "print('go', flush=True)\n"
        "for number in range(2, 100): write(Path(sys.argv[1]), f'v{number}', number)\n"
    )
    tests = Path(__file__).parents[1]
    random = np.random.default_rng(3)
    for _ in range(3):
        arguments = [sys.executable, "-c", code, str(tmp_path), str(tests), str(tests.parent)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            try:
                process.wait(float(random.uniform(0.02, 0.4)))
            except subprocess.TimeoutExpired:
                process.kill()
        found = list(manifest.history(tmp_path))
        assert [item.name.number for item in found] == list(range(1, len(found) + 1))
        for item in found[:-1]:  # the last one may lack its checksum, never one before it
            assert item.sha256 == digest(tmp_path / item.name.text)
