"""The record of visitors: one private file, which names nobody in logs."""

import json
import stat
from datetime import UTC, datetime

import pytest

from musyq_lab.core.errors import ArchiveError
from musyq_lab.dashboards import _download_visitors as visitors
from musyq_lab.production.download.registration import Registration


def person(name="Ada <ü>") -> Registration:
    from dataclasses import MISSING, fields

    start = {f.name: "" for f in fields(Registration) if f.default is MISSING and f.default_factory is MISSING}
    return Registration(**{**start, "name": name})


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("MUSYQ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_visitors_are_lines_of_one_private_file(home):
    before = datetime.now(UTC)
    visitors.note(person(), {"data": "lai\nnpp"})
    visitors.note(person("Bob"), {"data": "大"})
    assert stat.S_IMODE(visitors.path().stat().st_mode) == 0o600
    rows = [json.loads(line) for line in visitors.path().read_text(encoding="utf-8").splitlines()]
    assert [row["name"] for row in rows] == ["Ada <ü>", "Bob"]
    assert rows[0]["request"] == {"data": "lai\nnpp"}
    assert datetime.fromisoformat(rows[0]["time"]).timestamp() == pytest.approx(before.timestamp(), abs=60)


def test_a_file_that_others_could_read_is_made_private_again(home):
    visitors.note(person(), {})
    visitors.path().chmod(0o644)
    visitors.note(person(), {})
    assert stat.S_IMODE(visitors.path().stat().st_mode) == 0o600


def test_the_record_does_not_follow_links(home, tmp_path, caplog):
    home.mkdir()
    target = tmp_path / "target"
    target.write_text("kept")
    visitors.path().symlink_to(target)
    visitors.note(person(), {})
    assert target.read_text() == "kept"
    assert "cannot be written" in caplog.text
    assert "Ada" not in caplog.text


def test_a_server_registers_under_a_name_that_is_nobodys(monkeypatch):
    made = []
    monkeypatch.setattr(visitors.registration, "registered", lambda: None)
    monkeypatch.setattr(visitors.registration, "register", made.append)
    visitors.account()
    assert made == [visitors.SERVER]
    monkeypatch.setattr(visitors.registration, "registered", person)
    visitors.account()
    assert len(made) == 1, "who has registered stays"
    assert visitors.known() == person()


def test_a_record_that_cannot_be_read_stops_no_server(monkeypatch, caplog):
    def broken():
        raise ArchiveError("The record is damaged.")

    monkeypatch.setattr(visitors.registration, "registered", broken)
    visitors.account()
    assert "damaged" in caplog.text
    assert visitors.known() is None
