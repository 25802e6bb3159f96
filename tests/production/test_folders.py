"""Folders of products: the digest is that of sha256sum over a listing, and tells every change."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.production.folders import folder_digest, folder_stamp, product_files, recorded_digest
from musyq_lab.production.inputs import input_entity, used_files
from musyq_lab.production.parameters import Parameter
from musyq_lab.production.recipes import load_recipe

FOLDER = Parameter("products", "folder", nullable=True)
NAMES = ["MuSyQ.GPP.1km.test.2015-01.v1.h5", "sub/MuSyQ.NPP.1km.test.2015-01.v1.h5"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "碳 汇"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(b"bytes %d" % number)
    return folder


def test_the_digest_is_that_of_sha256sum_over_a_listing(root: Path) -> None:
    lines = subprocess.run(["sha256sum", *NAMES], cwd=root, capture_output=True, check=True).stdout
    assert folder_digest(root) == hashlib.sha256(lines).hexdigest()
    assert folder_stamp(root)[0] == 14


def test_drafts_and_other_files_are_no_products(root: Path) -> None:
    before = folder_digest(root)
    (root / ".draft").mkdir()
    (root / ".draft" / NAMES[0]).write_bytes(b"half")
    (root / "notes.txt").write_text("mine")
    (root / "MuSyQ.gpp.h5").write_bytes(b"no name of ours")
    assert [path.relative_to(root).as_posix() for path in product_files(root)] == NAMES
    assert folder_digest(root) == before


def test_another_byte_another_name_and_one_file_less_change_it(root: Path) -> None:
    seen = {folder_digest(root)}
    (root / NAMES[0]).write_bytes(b"BYTES 0")
    seen.add(folder_digest(root))
    (root / NAMES[0]).rename(root / NAMES[0].replace("2015-01", "2015-02"))
    seen.add(folder_digest(root))
    (root / NAMES[1]).unlink()
    seen.add(folder_digest(root))
    assert len(seen) == 4


def test_a_recorded_digest_is_taken_until_the_file_is_newer(root: Path) -> None:
    path = root / NAMES[0]
    side = path.with_name(path.name + ".sha256")
    side.write_text(f"{'a' * 64}  {path.name}\n")
    assert recorded_digest(path) == "a" * 64
    later = side.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))
    assert recorded_digest(path) == hashlib.sha256(b"bytes 0").hexdigest()


@pytest.mark.parametrize("text", ["", "no digest at all\n", f"{'a' * 64}  MuSyQ.OTHER.h5\n"])
def test_an_unreadable_list_is_not_believed(root: Path, text: str) -> None:
    path = root / NAMES[0]
    path.with_name(path.name + ".sha256").write_text(text)
    assert recorded_digest(path) == hashlib.sha256(b"bytes 0").hexdigest()


def test_a_folder_becomes_absolute(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("HOME", str(root.parent))
    assert FOLDER.parse(root.name) == FOLDER.validate(f"~/{root.name}") == FOLDER.validate(root) == str(root)
    assert FOLDER.parse("none") is None


def test_what_is_no_folder_is_refused_with_what_to_do(root: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no folder 'absent'.*Give the path of a folder"):
        FOLDER.validate("absent")
    with pytest.raises(InputError, match=r"is a file. Give the path of the folder it lies in"):
        FOLDER.validate(root / NAMES[0])
    with pytest.raises(InputError, match="needs the path of a folder, got 5"):
        FOLDER.validate(5)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_listed_is_told(root: Path) -> None:
    root.chmod(0)
    try:
        with pytest.raises(NotFoundError, match="cannot be looked at"):
            FOLDER.validate(root)
    finally:
        root.chmod(0o755)


RECIPE = """
title: Reads a folder
summary: Reads a folder
parameters:
  - {name: products, type: folder, nullable: true, default: null, description: what it reads}
"""
NOTEBOOK = """{"cells": [{"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "outputs": [],
"execution_count": null, "source": ["products: str | None = None\\n", "out: str = '.'"]}],
"metadata": {}, "nbformat": 4, "nbformat_minor": 5}"""


def test_the_record_names_the_folder_and_its_digest_and_no_path(root: Path, tmp_path: Path) -> None:
    (tmp_path / "reads.yml").write_text(RECIPE)
    (tmp_path / "reads.ipynb").write_text(NOTEBOOK)
    recipe = load_recipe(tmp_path / "reads.yml")
    assert recipe.problems() == []
    from musyq_lab.production.provenance import record

    values = {"products": FOLDER.validate(root)}
    (used,) = used_files(recipe, values)
    assert input_entity(used)["musyq:sha256"] == folder_digest(root)
    content = record(recipe, values, [used])
    assert content["activity"]["musyq:run"]["musyq:parameter.products"] == "碳 汇"
    assert str(tmp_path) not in str(content)
    assert not used.changed
    (root / NAMES[1]).write_bytes(b"longer than before")
    assert used.changed


def test_nothing_given_and_a_folder_without_products_are_no_inputs(root: Path, tmp_path: Path) -> None:
    (tmp_path / "reads.yml").write_text(RECIPE)
    (tmp_path / "reads.ipynb").write_text(NOTEBOOK)
    recipe = load_recipe(tmp_path / "reads.yml")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert used_files(recipe, {"products": None}) == used_files(recipe, {"products": str(empty)}) == ()
