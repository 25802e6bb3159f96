"""The whole check: one report of many files, bad ones among them, and its forms."""

import json
import socket
from pathlib import Path

import h5py
import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import manifest
from musyq_lab.archive.check import compliance
from musyq_lab.archive.check.report import Finding, Report, gather
from musyq_lab.archive.check.run import LOG, check_archive
from musyq_lab.archive.metadata.settings import NAME as SETTINGS
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

COVERAGE = {"time_coverage_start": "2015-01-01T00:00:00Z", "time_coverage_end": "2015-01-05T23:59:59Z"}
PROV = {"activity": {"a": {}}}
COMPLETE = """
publisher: Someone
licence: CC-BY-4.0
landing_page: https://example.org/demo
access_url: https://example.org/data/
doi: 10.1234/demo
retention: ten years
copies: 2
validation: https://example.org/validation
"""


def write(root: Path, period: str = "2015001", **more) -> Path:
    ds = dataset(4, 5, 2).assign_attrs({**COVERAGE, "references": "https://doi.org/10.1234/paper"})
    ds["month"].attrs["long_name"] = "month of the year"
    return write_product(ds, root, spec=SPEC, **{**NAME, "period": period}, **more)


def scores(report):
    return {item.number: item.score for item in report.principles}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the check went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_a_good_archive_passes_and_says_what_is_missing(tmp_path):
    write(tmp_path)
    write(tmp_path, "2015006")
    report = check_archive(tmp_path)
    assert (report.ok, report.exit_code, report.files) == (True, 0, 2)
    assert [f for f in report.findings if f.level != "note"] == []
    assert "on 1, one of each layout" in report.checked[1]
    assert scores(report) == {
        **{1: "partial", 2: "none", 3: "full", 4: "partial", 5: "partial"},
        **{6: "partial", 7: "partial", 8: "partial", 9: "partial", 10: "partial"},
    }
    assert report.points == 10
    for principle in report.principles:
        assert bool(principle.missing) == (principle.score != "full")
        assert principle.evidence.endswith(".")
    report.raise_failed()


def test_every_principle_can_be_followed_in_full(tmp_path):
    write(tmp_path, provenance=PROV)
    (tmp_path / SETTINGS).write_text(COMPLETE)
    for kind in ("stac.json", "iso19115.xml"):
        (tmp_path / f"x.{kind}").write_text("")
    check_archive(tmp_path, cf=False, record=True)
    report = check_archive(tmp_path)
    assert scores(report) == dict.fromkeys(range(1, 11), "full")
    assert report.points == 20
    assert all(item.missing == "" for item in report.principles)


@pytest.mark.parametrize(
    ("line", "principle"),
    [
        ("licence", None),  # the file itself says its terms
        ("landing_page", 2),
        ("access_url", 2),
        ("validation", 6),
        ("retention", 7),
        ("copies", 7),
        ("doi", 10),
    ],
)
def test_each_line_of_the_settings_counts_for_its_principle(tmp_path, line, principle):
    write(tmp_path, provenance=PROV)
    for kind in ("stac.json", "iso19115.xml"):
        (tmp_path / f"x.{kind}").write_text("")
    (tmp_path / LOG).write_text(json.dumps({"checks": [{"ok": True}]}))
    (tmp_path / SETTINGS).write_text("".join(s + "\n" for s in COMPLETE.splitlines() if not s.startswith(line)))
    found = scores(check_archive(tmp_path, cf=False))
    assert {number for number, score in found.items() if score != "full"} == ({principle} if principle else set())


def test_principles_follow_from_the_files(tmp_path):
    path = write(tmp_path, provenance=PROV)
    manifest.side_file(path, manifest.RUN_SUFFIX).unlink()
    found = scores(check_archive(tmp_path, cf=False))
    assert (found[5], found[7]) == ("partial", "none")
    with h5py.File(path, "r+") as file:
        file.attrs["Conventions"] = "none"
        del file["provenance"], file.attrs["history"], file["demo_qa"], file["flux_uncertainty"], file.attrs["id"]
    report = check_archive(tmp_path, cf=False)
    found = scores(report)
    assert (found[3], found[5], found[6], found[8], found[10]) == ("none", "none", "none", "none", "none")
    assert not report.ok


def test_half_of_the_files_is_half_of_a_principle(tmp_path):
    write(tmp_path, provenance=PROV)
    write(tmp_path, "2015006")
    (five,) = [p for p in check_archive(tmp_path, cf=False, fixity=False).principles if p.number == 5]
    assert five.score == "partial"
    assert "50% of the files hold PROV" in five.evidence
    assert "in 50% of the files" in five.missing


def test_bad_files_do_not_cost_the_others(tmp_path):
    names = [write(tmp_path, f"20150{day:02d}").name for day in (1, 6, 11, 16, 21)]
    (tmp_path / names[0]).write_bytes(b"")
    (tmp_path / names[1]).write_bytes(b"not HDF5 at all")
    whole = (tmp_path / names[2]).read_bytes()
    (tmp_path / names[2]).write_bytes(whole[: len(whole) // 2])
    with h5py.File(tmp_path / names[3], "r+") as file:
        file.attrs["time_coverage_start"] = np.array([1.0, 2.0])
        file["flux"].attrs["scale_factor"] = "large"
    report = check_archive(tmp_path)
    assert not report.ok
    assert report.exit_code == 1
    for number in range(4):
        assert any(names[number] in f.files and f.level == "error" for f in report.findings), number
    readable = [f for f in report.findings if f.group == "Readability"]
    assert {name for f in readable for name in f.files} == set(names[:4])
    assert all(str(tmp_path) not in f.message for f in report.findings)
    with pytest.raises(ArchiveError, match="errors in all"):
        report.raise_failed()


def test_without_the_package_the_quick_rules_still_run(tmp_path, monkeypatch):
    path = write(tmp_path)
    with h5py.File(path, "r+") as file:
        del file["flux"].attrs["units"]
    monkeypatch.setattr(compliance, "available", lambda: False)
    report = check_archive(tmp_path, fixity=False)
    assert "pip install compliance-checker" in report.checked[1]
    assert [f.group for f in report.of("error")] == ["CF 3.1 Units"]
    assert report.checked[0] == "Checksums were not compared."
    assert scores(report)[8] == "none"


def test_forms_of_a_report(tmp_path):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes() + b"<script>")
    report = check_archive(tmp_path, cf=False)
    text = repr(report)
    assert text.startswith(report.summary)
    assert "ERROR Checksums" in text
    assert "DMP-10" in text
    assert "NOTE" not in text
    page = report._repr_html_()
    assert page.count("<table>") == 2
    assert "GEO Data Management Principles" in page
    out = tmp_path / "new folder" / "report.json"
    told = json.loads(report.to_json(out))
    assert json.loads(out.read_text()) == told
    assert (told["ok"], told["files"], len(told["principles"])) == (False, 1, 10)
    assert told["findings"][0]["files"] == [path.name]
    assert report.to_json() == check_archive(tmp_path, cf=False).to_json()  # the same every time
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError):
        report.to_json(tmp_path / "file" / "report.json")


def test_html_escapes_what_files_say(tmp_path):
    report = Report(tmp_path, 1, (Finding("<b>", "error", "<script>", "&", ("<x>",)),), ())
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()


def test_a_thousand_findings_are_cut_on_the_screen_and_not_in_the_json(tmp_path):
    report = Report(tmp_path, 1, tuple(Finding("g", "error", f"m{n}", "", ("x",)) for n in range(1000)), ())
    assert "and 940 more" in repr(report)
    assert repr(report).count("ERROR") == 60
    assert report._repr_html_().count("<tr>") == 62
    assert len(json.loads(report.to_json())["findings"]) == 1000


def test_equal_findings_of_many_files_become_one():
    findings = [
        Finding("g", "note", "n", "", ("b",)),
        *(Finding("g", "error", "m", "a", (f"f{n}",)) for n in range(9)),
        Finding("g", "note", "n", "", ("a",)),
    ]
    first, second = gather(findings)
    assert (first.level, len(first.files), first.where) == ("error", 9, "f0, f1, f2 and 6 more")
    assert second.files == ("a", "b")
    assert gather(reversed(findings)) == (first, second)


def test_checks_are_recorded_only_when_asked(tmp_path):
    path = write(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    check_archive(tmp_path, cf=False)
    check_archive(path, cf=False)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    for _ in range(2):
        check_archive(tmp_path, cf=False, record=True)
    log = json.loads((tmp_path / LOG).read_text())["checks"]
    assert [entry["ok"] for entry in log] == [True, True]
    assert [entry["files"] for entry in log] == [1, 1]
    (tmp_path / LOG).write_text("damaged")
    assert check_archive(tmp_path, cf=False, record=True).ok
    assert len(json.loads((tmp_path / LOG).read_text())["checks"]) == 1
    with pytest.raises(InputError, match="give the folder"):
        check_archive(path, record=True)


def test_nothing_to_check(tmp_path):
    report = check_archive(tmp_path)
    assert (report.files, report.ok, report.points) == (0, True, 0)
    assert "0 product files" in repr(report)
    with pytest.raises(NotFoundError, match="There is no file or folder"):
        check_archive(tmp_path / "absent")


def test_one_file_of_a_folder(tmp_path):
    path = write(tmp_path)
    write(tmp_path, "2015006").write_bytes(b"")
    report = check_archive(path, cf=False)
    assert (report.files, report.ok) == (1, True)
    (tmp_path / SETTINGS).write_text("doi: none\n")
    with pytest.raises(InputError, match="must be a DOI"):
        check_archive(path)
