"""The workshop folder: what is in it, what it refuses, how it goes on, and that it installs."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.training import _wheels
from musyq_lab.training import pack as packing
from musyq_lab.training.pack import pack, pack_plan
from musyq_lab.training.workshop import install


@pytest.fixture
def packed(house, tmp_path) -> Path:
    pack(tmp_path / "ws", wheels=house, data=False)
    return tmp_path / "ws"


def test_the_folder_holds_what_a_workshop_needs(packed, house):
    made = pack(packed, wheels=house, data=False)
    assert {path.name for path in (packed / "wheels").iterdir()} == {
        "musyq_stub-1.0-py3-none-any.whl",
        "stub_one-1.5-py3-none-any.whl",
        "stub_two-2.0-py3-none-any.whl",
    }
    assert (packed / "notebooks" / "00_start.ipynb").is_file()
    assert made.sizes["wheels"] > 0 < made.sizes["notebooks"]
    assert made.nbytes == sum(made.sizes.values())
    assert "sh install.sh" in repr(made)
    assert "sh install.sh" in made._repr_html_()
    for name in ("install.sh", "start.sh"):
        assert os.access(packed / name, os.X_OK)
        subprocess.run(["sh", "-n", str(packed / name)], check=True)


def test_no_mark_of_a_template_is_left(packed):
    for name in packing._SCRIPTS:
        assert not re.search("@[A-Z]+@", (packed / name).read_text("utf-8")), name
    readme = (packed / "README.md").read_text("utf-8")
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in readme
    assert sysconfig.get_platform() in readme
    assert b"\r\n" in (packed / "install.bat").read_bytes()


def test_the_manifest_is_what_the_system_says_of_each_file(packed):
    manifest = json.loads((packed / "manifest.json").read_text("utf-8"))
    assert manifest["complete"] is True
    found = {p.relative_to(packed).as_posix() for p in packed.rglob("*") if p.is_file()} - {"manifest.json"}
    assert set(manifest["files"]) == found
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((packed / name).read_bytes()).hexdigest() == digest


def test_what_is_to_be_installed_is_pinned_with_checksums(packed):
    lines = (packed / "requirements.txt").read_text("utf-8").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["musyq-stub==1.0", "stub-one==1.5", "stub-two==2.0"]
    wheel = packed / "wheels" / "stub_two-2.0-py3-none-any.whl"
    assert lines[2].endswith(f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")


def test_a_second_call_fetches_nothing_and_clears_what_is_old(packed, house):
    shutil.copy(
        packed / "wheels" / "stub_one-1.5-py3-none-any.whl", packed / "wheels" / "stub_one-1.4-py3-none-any.whl"
    )
    (packed / "venv" / "bin").mkdir(parents=True)
    (packed / "venv" / "bin" / "python").write_text("")
    for path in house.iterdir():
        path.unlink()
    assert pack_plan(packed).missing == ()
    pack(packed, wheels=house, data=False)
    assert not (packed / "wheels" / "stub_one-1.4-py3-none-any.whl").exists()
    assert "venv/bin/python" not in json.loads((packed / "manifest.json").read_text("utf-8"))["files"]


def test_a_call_that_was_stopped_leaves_a_folder_that_says_so_and_the_next_goes_on(house, tmp_path):
    (house / "stub_two-2.0-py3-none-any.whl").rename(tmp_path / "later.whl")
    with pytest.raises(NotFoundError, match="stub-two"):
        pack(tmp_path / "ws", wheels=house, data=False)
    with pytest.raises(install.Refusal, match="not packed to the end"):
        install.read_manifest(tmp_path / "ws")
    assert pack_plan(tmp_path / "ws").missing == ("stub-two",)
    (tmp_path / "later.whl").rename(house / "stub_two-2.0-py3-none-any.whl")
    pack(tmp_path / "ws", wheels=house, data=False)
    assert install.read_manifest(tmp_path / "ws")["complete"]


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json"])
def test_a_folder_of_somebody_else_is_refused(house, tmp_path, name):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / name).write_text('["theirs"]')
    with pytest.raises(InputError, match="not empty and no workshop folder"):
        pack(tmp_path / "theirs", wheels=house)
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == [name]


def test_a_file_is_no_folder(house, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        pack(tmp_path / "file", wheels=house)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_told(house, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ArchiveError, match="cannot be written to"):
        pack(tmp_path / "closed" / "ws", wheels=house)


def test_what_is_large_is_asked_for_first(house, tmp_path, monkeypatch):
    monkeypatch.setattr(_wheels, "installed_bytes", lambda found: 10 * packing.LARGE)
    plan = pack_plan(tmp_path / "ws")
    assert plan.large
    assert str(plan).startswith("2 wheels to fetch, about 3.3 GB (1 are there); 10 GB once installed")
    with pytest.raises(InputError, match=r"more than 500 MB. Give a larger `limit`"):
        pack(tmp_path / "ws", limit="500 MB", data=False)
    assert not (tmp_path / "ws").exists()


def test_the_small_earth_is_made_once(house, tmp_path, monkeypatch):
    asked = []

    def simulate(folder, **settings):
        asked.append(settings)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "granule").write_text("x")

    monkeypatch.setattr(packing, "simulate", simulate)
    made = pack(tmp_path / "ws", wheels=house)
    assert asked == [packing.EARTH]
    assert made.sizes["data"] == 1
    assert "data/simulation/granule" in json.loads((made.folder / "manifest.json").read_text())["files"]


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_installing_names_a_file_that_is_not_what_was_packed(packed, damage):
    path = packed / "wheels" / "stub_one-1.5-py3-none-any.whl"
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(install.Refusal, match=r"wheels/stub_one-1.5-py3-none-any.whl .*Copy the whole folder again"):
        install.check_files(packed, install.read_manifest(packed))


@pytest.mark.parametrize(("what", "other"), [("python", "2.7"), ("platform", "win-arm64")])
def test_installing_refuses_another_python_or_platform(packed, what, other):
    manifest = install.read_manifest(packed)
    install.check_python(manifest)
    with pytest.raises(install.Refusal, match=f"is for {what} {other}"):
        install.check_python(manifest | {what: other})


@pytest.mark.parametrize("text", [None, "", "[", "{}"])
def test_installing_refuses_a_manifest_that_is_none(tmp_path, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(install.Refusal):
        install.read_manifest(tmp_path)


@pytest.mark.slow
def test_it_installs_without_an_index_and_refuses_what_was_changed(packed, tmp_path):
    """By the one command of the README, with no index that could be reached."""
    environment = os.environ | {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": "0",
    }
    target = tmp_path / "with a space"
    run = subprocess.run(
        ["sh", str(packed / "install.sh"), str(target)], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    asked = "import musyq_stub, stub_one, stub_two; print(stub_two.VERSION)"
    shown = subprocess.run([target / "bin" / "python", "-c", asked], capture_output=True, text=True, check=True)
    assert shown.stdout == "2.0\n"
    (packed / "requirements.txt").write_text("stub-one==1.5\n")
    run = subprocess.run(["sh", str(packed / "install.sh")], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "requirements.txt is not what was packed" in run.stderr
    assert not (packed / "venv").exists()
