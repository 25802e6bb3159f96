"""The report beside a production's files: from before the first task, and through kills."""

import json
import os
import stat
from dataclasses import replace

import pytest

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.production.chain.report import LOG, REPORT, Report, logged, requests
from musyq_lab.production.chain.work import Outcome

SOURCE = {"inputs": "/data/目录.yml", "root": ""}


@pytest.fixture
def report(unbroken, tmp_path):
    return Report(tmp_path, unbroken.plan, SOURCE)


def read(folder):
    return json.loads((folder / REPORT).read_text(encoding="utf-8"))


def test_it_is_there_before_anything_is_made(report, tmp_path):
    report.begin()
    found = read(tmp_path)
    assert found["ended"] is False
    assert found["tasks"] == []
    assert found["source"] == SOURCE
    assert found["request"]["keys"] == ["glow", "glimmer"]
    assert requests(tmp_path)[0]["request"] == found["request"]


def test_the_end_tells_of_every_task(report, tmp_path):
    report.begin()
    report.end([Outcome("a", "made", 1.5), Outcome("b", "failed", 0.1, "no")], [("g", "cut off")])
    found = read(tmp_path)
    assert found["ended"] is True
    assert found["tasks"] == [
        {"key": "a", "state": "made", "seconds": 1.5},
        {"key": "b", "state": "failed", "seconds": 0.1, "reason": "no"},
    ]
    assert found["set_aside"] == [["g", "cut off"]]


def test_what_was_asked_before_is_kept_once(report, unbroken, tmp_path):
    report.begin()
    other = replace(unbroken.plan, request={**unbroken.plan.request, "keys": ["glow"]})
    for plan in (other, unbroken.plan, other):
        Report(tmp_path, plan, SOURCE).begin()
    assert [row["request"]["keys"] for row in requests(tmp_path)] == [["glow"], ["glow", "glimmer"]]


def test_a_killed_run_leaves_what_it_did(report, tmp_path):
    report.begin()
    for outcome in (Outcome("a", "made", 1.0), Outcome("b", "kept"), Outcome("c", "failed", 0.2, "因为")):
        report.add(outcome)
    with (tmp_path / LOG).open("ab") as file:
        file.write(b'\n{"key": "d", "sta')  # cut off by a kill
    report.add(Outcome("e", "made"))
    assert [(row["key"], row["state"]) for row in logged(tmp_path)] == [("a", "made"), ("c", "failed"), ("e", "made")]
    assert logged(tmp_path)[1]["reason"] == "因为"


def test_no_log_no_lines(tmp_path):
    assert logged(tmp_path) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"request": 1}', "\x00"])
def test_a_report_that_cannot_be_read(tmp_path, text, unbroken):
    (tmp_path / REPORT).write_text(text)
    with pytest.raises(NotFoundError, match=r"no readable production\.json"):
        requests(tmp_path)
    Report(tmp_path, unbroken.plan, SOURCE).begin()
    assert len(requests(tmp_path)) == 1


def test_drafts_of_a_killed_run_go(report, tmp_path):
    (tmp_path / f".{REPORT}.0123456789abcdef.partial").write_text("half")
    report.begin()
    assert [p.name for p in tmp_path.iterdir()] == [REPORT]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(report, tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(ArchiveError, match="cannot be written to"):
        report.begin()


def test_a_full_disk_costs_a_line_and_not_the_run(report, tmp_path, monkeypatch):
    report.begin()
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    report.add(Outcome("a", "made"))
    assert logged(tmp_path) == []


def test_a_full_disk_is_told_in_words(report, monkeypatch):
    from musyq_lab.production.chain import report as module

    monkeypatch.setattr(module, "publish", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(ArchiveError, match=r"production\.json could not be written .* disk or the quota is full"):
        report.begin()
