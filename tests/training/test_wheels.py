"""The wheels of a workshop: what is needed, what is there, and the project's own."""

import csv
import io
import subprocess
import zipfile
from importlib import metadata

import pytest
from training import stub

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.training import _wheels


def test_all_that_is_needed_here_is_found_with_the_extra_and_nothing_else(house):
    found = _wheels.closure()
    assert {name: dist.version for name, dist in found.items()} == {
        "musyq-stub": "1.0",
        "stub-one": "1.5",
        "stub-two": "2.0",
    }
    assert list(_wheels.closure(())) == ["musyq-stub", "stub-one"]
    assert _wheels.installed_bytes(found.values()) > 500


def test_what_is_not_installed_is_named(house, monkeypatch):
    with pytest.raises(NotFoundError, match=r"absent is not installed here.*pip install 'musyq-stub\[lab,lut\]'"):
        _wheels.closure(("test",))


def test_the_real_project_needs_what_it_says():
    """pip's own resolver would take the same, for one environment holds one version of each."""
    found = _wheels.closure(())
    assert {"musyq-lab", "numpy", "numba", "llvmlite", "panel", "intake"} <= set(found)
    assert not {"pytest", "ruff", "py6s"} & set(found)


def test_a_wheel_is_present_only_if_it_is_whole(house):
    path = stub.wheel(house, "stub_one", "1.5")
    assert _wheels.present(house, "Stub.One", "1.5") == path
    assert _wheels.present(house, "stub-one", "1.6") is None
    content = bytearray(path.read_bytes())
    content[60] ^= 1  # in the module's own text
    path.write_bytes(content)
    assert _wheels.present(house, "stub-one", "1.5") is None
    path.write_bytes(content[:100])
    assert _wheels.present(house, "stub-one", "1.5") is None
    (house / "no-wheel.whl").write_text("")
    assert _wheels.present(house, "stub-two", "2.0") is not None


def test_wheels_are_copied_once(house, tmp_path):
    to = tmp_path / "to"
    to.mkdir()
    _wheels.fetch({"stub-one": "1.5"}, to, house)
    (house / "stub_one-1.5-py3-none-any.whl").unlink()
    _wheels.fetch({"stub-one": "1.5"}, to, house)  # it is there
    with pytest.raises(NotFoundError, match=r"no whole wheel of stub-two 3\.0"):
        _wheels.fetch({"stub-one": "1.5", "stub-two": "3.0"}, to, house)


def test_what_pip_says_is_told_and_what_to_do(tmp_path, monkeypatch):
    calls = []

    def run(command, **_):
        calls.append(command)
        return subprocess.CompletedProcess(command, 1, "", "noise\nERROR: No matching distribution found for stub\n")

    monkeypatch.setattr(_wheels.subprocess, "run", run)
    with pytest.raises(ArchiveError, match=r"stub==1.*No matching distribution.*run the same command again"):
        _wheels.fetch({"stub": "1"}, tmp_path)
    assert calls[0][-1] == "stub==1"
    assert "--no-deps" in calls[0]


def test_an_environment_without_pip_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(_wheels.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="ensurepip"):
        _wheels.fetch({"stub": "1"}, tmp_path)


def test_many_wheels_are_fetched_in_parts(tmp_path, monkeypatch):
    """One that is stopped loses a part only."""
    asked = []
    monkeypatch.setattr(_wheels, "_pip_wheel", lambda pins, folder: asked.append(list(pins)))
    _wheels.fetch({f"stub{k}": "1" for k in range(20)}, tmp_path)
    assert [len(pins) for pins in asked] == [8, 8, 4]
    assert len({pin for pins in asked for pin in pins}) == 20


def test_an_installed_project_becomes_a_wheel_again(house, tmp_path):
    path = _wheels.project_wheel(tmp_path)
    assert path.name == "musyq_stub-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        rows = list(csv.reader(io.StringIO(archive.read("musyq_stub-1.0.dist-info/RECORD").decode())))
        assert {row[0] for row in rows} == set(names)
        for name, digest, length in rows[:-1]:
            assert len(archive.read(name)) == int(length)
            assert digest.startswith("sha256=")
    assert "musyq_stub/__init__.py" in names
    assert not [name for name in names if "INSTALLER" in name or "pycache" in name or ".." in name]


def test_a_file_that_was_changed_after_it_was_installed_is_not_packed(house, tmp_path):
    (tmp_path / "site" / "musyq_stub" / "__init__.py").write_text("VERSION = 'other'\n")
    with pytest.raises(ArchiveError, match=r"musyq_stub/__init__\.py was changed"):
        _wheels.repack(metadata.distribution("musyq-stub"), tmp_path)
