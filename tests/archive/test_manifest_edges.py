"""Checksums and names at the edges, beside hashlib, the clock and the calendar of the standard library."""

import calendar
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest

from musyq_lab.archive.manifest import RUN_SUFFIX, check, checksum_line, listed, run_record, side_file, verify
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.core.errors import ArchiveError, InputError
from musyq_lab.files.digest import sha256

NAME = "MuSyQ.DSR.0p25deg.global.2015.v1.h5"


def store(folder, name=NAME, content=b"content"):
    path = folder / name
    path.write_bytes(content)
    side_file(path).write_text(checksum_line(path, hashlib.sha256(content).hexdigest()), encoding="utf-8")
    return path


class TestChecksums:
    @pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 2**18 - 1, 2**18 + 1])
    def test_equal_hashlib_at_the_edges_of_blocks(self, tmp_path, size):
        path = tmp_path / "file"
        content = bytes(i % 251 for i in range(size))
        path.write_bytes(content)
        assert sha256(path) == hashlib.sha256(content).hexdigest()

    def test_the_empty_file_has_the_published_sum(self, tmp_path):
        path = tmp_path / "empty"
        path.touch()
        assert sha256(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    def test_a_folder_has_no_sum(self, tmp_path):
        with pytest.raises(ArchiveError, match="cannot be read"):
            sha256(tmp_path)

    def test_side_files_lie_beside_their_product(self, tmp_path):
        path = tmp_path / NAME
        assert side_file(path) == tmp_path / f"{NAME}.sha256"
        assert side_file(path, RUN_SUFFIX) == tmp_path / f"{NAME}.run.json"

    def test_what_is_listed_is_what_was_written(self, tmp_path):
        path = store(tmp_path)
        assert listed(path) == sha256(path)
        assert check(path).state == "ok"

    def test_a_line_for_binary_mode_counts(self, tmp_path):
        path = store(tmp_path)
        side_file(path).write_text(f"{sha256(path)} *{path.name}\n", encoding="utf-8")
        assert check(path).state == "ok"

    @pytest.mark.parametrize("other", ["other.h5", f"./{NAME}", f"../{NAME}", f"{NAME} "])
    def test_a_line_for_another_file_does_not_count(self, tmp_path, other):
        path = store(tmp_path)
        side_file(path).write_text(f"{sha256(path)}  {other}\n", encoding="utf-8")
        assert listed(path) is None
        assert check(path).state == "unlisted"

    def test_a_folder_under_a_products_name_is_missing(self, tmp_path):
        path = store(tmp_path)
        path.unlink()
        path.mkdir()
        assert check(path).state == "missing"

    def test_findings_come_in_the_order_of_names_and_without_drafts(self, tmp_path):
        names = [f"MuSyQ.DSR.0p25deg.global.{year}.v1.h5" for year in (2017, 2015, 2016)]
        for name in names:
            store(tmp_path, name)
        store(tmp_path, f".{names[0]}")
        (tmp_path / "notes.txt").write_text("no product", encoding="utf-8")
        found = verify(tmp_path)
        assert [finding.path.name for finding in found] == sorted(names)
        assert {finding.state for finding in found} == {"ok"}

    def test_an_empty_folder_has_no_findings(self, tmp_path):
        assert verify(tmp_path) == []

    def test_every_state_has_a_sentence_with_the_name(self, tmp_path):
        path = store(tmp_path)
        messages = [check(path).message]
        path.write_bytes(b"changed")
        messages.append(check(path).message)
        side_file(path).unlink()
        messages.append(check(path).message)
        path.unlink()
        messages.append(check(path).message)
        assert len(set(messages)) == 4
        assert all(NAME in message for message in messages)

    def test_a_run_record_tells_time_and_versions(self, tmp_path):
        started = datetime.now(UTC) - timedelta(seconds=90)
        record = json.loads(run_record(tmp_path / NAME, "0" * 64, 7, started))
        assert record["file"] == NAME
        assert record["bytes"] == 7
        assert record["seconds"] >= 90
        assert datetime.fromisoformat(record["started"]) <= datetime.fromisoformat(record["ended"])
        assert {"musyq-lab", "numpy", "xarray", "h5py"} <= set(record["versions"])


class TestInstants:
    @pytest.mark.parametrize("year", [1900, 2000, 2015, 2016, 2100])
    def test_days_of_the_year_follow_the_calendar(self, year):
        last = 366 if calendar.isleap(year) else 365
        for day in (1, 59, 60, 61, last):
            start = FileName("dsr", "1km", "global", f"{year}{day:03d}", "v1").start
            assert start == datetime.strptime(f"{year} {day}", "%Y %j")
        assert FileName("dsr", "1km", "global", f"{year}{last + 1:03d}", "v1").start is None

    def test_six_parts_of_a_month_are_five_days_apart(self):
        starts = [FileName("dsr", "1km", "global", f"2015-02-p{part}", "v1").start for part in range(1, 7)]
        assert [start.day for start in starts] == [1, 6, 11, 16, 21, 26]

    @pytest.mark.parametrize(
        "label", ["2015000", "2015-00", "2015-13", "2015-02-p7", "2015001-24", "0000", "2011-2015"]
    )
    def test_what_is_no_instant(self, label):
        assert FileName("dsr", "1km", "global", label, "v1").start is None


class TestNames:
    @pytest.mark.parametrize("length", [1, 64])
    def test_longest_and_shortest_field(self, length):
        name = FileName("dsr", "e" * length, "global", "2015", "v1")
        assert parse(name.text) == name

    @pytest.mark.parametrize("edition", ["", "e" * 65, "-e", "_e", "a.b", "a/b", "é", "a\n"])
    def test_what_cannot_be_a_field(self, edition):
        with pytest.raises(InputError, match="cannot be part of a file name"):
            FileName("dsr", edition, "global", "2015", "v1")

    @pytest.mark.parametrize("text", ["", "MuSyQ", NAME + ".h5", NAME[:-1], NAME.lower(), NAME.replace("DSR", "dsr")])
    def test_what_is_no_name(self, text):
        assert parse(text) is None
