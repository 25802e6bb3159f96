"""Histories from small files alone: every order of numbers, records that lie, and what is left of each version."""

import itertools
import json

import pytest

from musyq_lab.archive import versions
from musyq_lab.archive._side import RUN_SUFFIX, SUFFIX, WITHDRAWN_SUFFIX, record, seal, sealed, side_file
from musyq_lab.archive.naming import parse
from musyq_lab.archive.versions import collect, earlier, history, withdraw, withdrawn
from musyq_lab.core.errors import InputError, NotFoundError


def name(version, period="2015001", product="DEMO"):
    return f"MuSyQ.{product}.x.global.{period}.{version}.h5"


def put(root, version, *, there=True, note=True, written="2020-01-01T00:00:00+00:00", **more):
    path = root / name(version)
    digest = f"{int(version[1:]):064x}"
    if there:
        path.write_bytes(version.encode())
    side_file(path).write_text(f"{digest}  {path.name}\n")
    if note:
        facts = {"sha256": digest, "bytes": len(version), "written": written, **earlier(path, digest), **more}
        side_file(path, RUN_SUFFIX).write_text(seal(facts))
    return path


def states(root):
    return {item.name.version: (item.state, item.superseded_by) for item in history(root)}


@pytest.mark.parametrize("there", list(itertools.product([True, False], repeat=3)))
def test_of_three_versions_any_may_be_there(tmp_path, there):
    """The newest that is there is current; an older one that is there is superseded by the next that is there."""
    numbers = ("v1", "v2", "v10")
    for version, present in zip(numbers, there, strict=True):
        put(tmp_path, version, there=present)
    found = states(tmp_path)
    assert [*found] == [*numbers]
    for place, version in enumerate(numbers):
        later = [v for v, present in zip(numbers[place + 1 :], there[place + 1 :], strict=True) if present]
        state = ("superseded" if later else "current") if there[place] else "gone"
        assert found[version] == (state, later[0] if later else None)
    newest = [version for version, present in zip(numbers, there, strict=True) if present][-1:]
    assert [item.name.version for item in history(tmp_path).current] == newest


def test_ten_comes_after_nine(tmp_path):
    for version in ("v10", "v9", "v100", "v1"):
        put(tmp_path, version)
    assert [item.name.version for item in history(tmp_path)] == ["v1", "v9", "v10", "v100"]
    assert states(tmp_path)["v9"] == ("superseded", "v10")


@pytest.mark.parametrize("key", ["product", "edition", "tile", "period"])
def test_a_history_can_be_asked_by_each_field(tmp_path, key):
    put(tmp_path, "v1")
    field = getattr(parse(name("v1")), key)
    assert len(history(tmp_path, **{key: field})) == 1
    assert len(history(tmp_path, **{key: "other"})) == 0


def test_a_record_cannot_tell_of_a_version_that_is_not_older_or_of_another_product(tmp_path):
    lies = [
        *({"file": name(v), "sha256": "0" * 64} for v in ("v2", "v3")),
        {"file": name("v1", "2015006"), "sha256": "0" * 64},
        {"file": name("v1", product="OTHER"), "sha256": "0" * 64},
        {"file": "../" + name("v1")},
        {"file": None},
        {},
        "v1",
        7,
    ]
    put(tmp_path, "v2", supersedes=lies)
    assert [*states(tmp_path)] == ["v2"]
    put(tmp_path, "v2", supersedes=[*lies, {"file": name("v1"), "sha256": 5, "bytes": "many", "written": ["x"]}])
    (old, new) = history(tmp_path)
    assert (old.state, old.sha256, old.size, old.written) == ("gone", None, None, None)
    assert (old.superseded_by, new.state) == ("v2", "current")


def test_a_record_with_too_many_entries_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "_MOST_EARLIER", 3)
    put(tmp_path, "v9", supersedes=[{"file": name(f"v{n}")} for n in range(1, 9)])
    assert [*states(tmp_path)] == ["v1", "v2", "v3", "v9"]


def test_what_replaces_what_is_kept_once_and_in_order(tmp_path):
    path = put(tmp_path, "v1")
    digests = [f"{int('1'):064x}"]
    for number in (2, 3, 2):  # the third writing has the content of the first again
        digest = f"{number:064x}"
        facts = {"sha256": digest, "written": f"2020-01-0{number}", **earlier(path, digest)}
        side_file(path).write_text(f"{digest}  {path.name}\n")
        side_file(path, RUN_SUFFIX).write_text(seal(facts))
        digests.append(digest)
    (found,) = history(tmp_path)
    assert [digest for digest, _ in found.replaced] == [digests[0], digests[2]]
    assert found.sha256 == digests[-1]
    assert found.as_dict()["replaced"][0]["sha256"] == digests[0]


def test_the_same_content_again_replaces_nothing(tmp_path):
    path = put(tmp_path, "v1")
    assert earlier(path, f"{1:064x}")["replaces"] == []
    assert [item["sha256"] for item in earlier(path, f"{2:064x}")["replaces"]] == [f"{1:064x}"]


def test_names_that_are_no_products_have_no_earlier_ones(tmp_path):
    assert earlier(tmp_path / "map.h5") == {"supersedes": [], "replaces": []}
    assert earlier(tmp_path / "absent" / name("v1")) == {"supersedes": [], "replaces": []}


def test_withdrawing_keeps_checksum_size_and_reason(tmp_path):
    put(tmp_path, "v1")
    path = put(tmp_path, "v2")
    told = withdraw(path, "  the calibration of May was wrong ")
    assert told.name == f"{path.name}{WITHDRAWN_SUFFIX}"
    assert sealed(path, WITHDRAWN_SUFFIX) is True
    assert record(path, WITHDRAWN_SUFFIX)["bytes"] == 2
    assert not any(side_file(path, suffix).exists() for suffix in (SUFFIX, RUN_SUFFIX))
    assert withdrawn(path)
    old, gone = history(tmp_path)
    assert (gone.state, gone.reason, gone.sha256) == ("withdrawn", "the calibration of May was wrong", f"{2:064x}")
    assert (old.state, old.superseded_by) == ("current", None)  # what is withdrawn supersedes nothing


def test_a_version_written_again_after_its_withdrawal_is_current(tmp_path):
    path = put(tmp_path, "v1")
    withdraw(path, "wrong")
    put(tmp_path, "v1")
    (found,) = history(tmp_path)
    assert (found.state, found.reason) == ("current", "")
    assert not withdrawn(path)


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_withdrawal_needs_a_reason(tmp_path, reason):
    path = put(tmp_path, "v1")
    with pytest.raises(InputError, match="Say why"):
        withdraw(path, reason)
    assert path.exists()


def test_nothing_cannot_be_withdrawn(tmp_path):
    with pytest.raises(NotFoundError, match="cannot be withdrawn"):
        withdraw(tmp_path / name("v1"), "wrong")


def test_a_withdrawal_that_stopped_halfway_is_finished_without_a_new_record(tmp_path):
    path = put(tmp_path, "v1")
    told = withdraw(path, "the first reason")
    kept = told.read_bytes()
    side_file(path).write_text("left over\n")  # as if the call had been killed before this was removed
    assert withdraw(path, "another reason") == told
    assert told.read_bytes() == kept
    assert not side_file(path).exists()


def test_listings_have_what_is_there_and_the_record_has_all(tmp_path):
    put(tmp_path, "v1", there=False)
    put(tmp_path, "v2")
    put(tmp_path, "v3")
    side_file(tmp_path / name("v3")).unlink()
    (tmp_path / name("v4")).write_bytes(b"without any small file")
    sums, listing = collect(tmp_path)
    lines = [line.split("  ") for line in sums.read_text().splitlines()]
    assert lines == [[f"{2:064x}", name("v2")], [f"{3:064x}", name("v3")]]  # the record of the run knows it too
    files = json.loads(listing.read_text())["files"]
    assert [item["state"] for item in files] == ["gone", "superseded", "superseded", "current"]
    assert files[3]["sha256"] is None
    assert collect(tmp_path) == (sums, listing)  # its own listing is no product
    assert len(history(tmp_path)) == 4


def test_listings_do_not_depend_on_the_order_of_the_folder(tmp_path):
    texts = set()
    for number, order in enumerate(itertools.permutations(("v1", "v2", "v3"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for version in order:
            put(folder, version, supersedes=[], replaces=[])
        texts.add(tuple(path.read_text() for path in collect(folder)))
    assert len(texts) == 1


def test_a_table_says_what_is_unknown_and_escapes_reasons(tmp_path):
    (tmp_path / name("v1")).write_bytes(b"x")
    withdraw(put(tmp_path, "v2"), "<script>alert(1)</script>")
    shown = history(tmp_path)
    assert shown.table()[1][2:4] == ["unknown", "unknown"]
    assert "<script>" not in shown._repr_html_()
    assert "withdrawn" in repr(shown)
    assert "v2" in repr(shown)


def test_drafts_and_hidden_files_are_no_versions(tmp_path):
    put(tmp_path, "v1")
    (tmp_path / f".{name('v2')}").touch()
    (tmp_path / f"{name('v3')}.part").touch()
    (tmp_path / "MuSyQ.DEMO.h5").touch()
    assert [*states(tmp_path)] == ["v1"]
