"""sha256 of files against hashlib and, where there is one, the sha256sum command."""

import hashlib
import shutil
import subprocess

import pytest

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.digest import digest, sha256


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "S2A.SAFE"
    (place / "GRANULE").mkdir(parents=True)
    (place / "MTD.xml").write_bytes(b"<x/>")
    (place / "GRANULE" / "B02.jp2").write_bytes(bytes(range(256)) * 5000)
    return place


def test_one_file(folder):
    path = folder / "GRANULE" / "B02.jp2"
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest([path]) == sha256(path)
    assert digest([str(path)]) == sha256(path)
    empty = folder / "empty"
    empty.touch()
    assert sha256(empty) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs the command sha256sum")
def test_it_is_what_sha256sum_says(folder):
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    names = [p.relative_to(folder.parent).as_posix() for p in files]
    said = subprocess.run(["sha256sum", *names], cwd=folder.parent, capture_output=True, check=True).stdout
    assert said.split()[0].decode() == sha256(files[0])
    assert digest([folder]) == hashlib.sha256(said).hexdigest()


def test_order_of_the_list_does_not_matter_but_names_and_contents_do(folder, tmp_path):
    files = [folder / "MTD.xml", folder / "GRANULE" / "B02.jp2"]
    first = digest(files)
    assert digest(reversed(files)) == first
    assert len(first) == 64
    renamed = files[0].rename(folder / "other.xml")
    second = digest([renamed, files[1]])
    assert second != first
    renamed.write_bytes(b"<y/>")
    assert digest([renamed, files[1]]) != second


def test_a_moved_folder_keeps_its_digest(folder, tmp_path):
    first = digest([folder])
    (tmp_path / "elsewhere").mkdir()
    moved = folder.rename(tmp_path / "elsewhere" / folder.name)
    assert digest([moved]) == first


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ArchiveError, match=r"absent cannot be read: No such file"):
        sha256(tmp_path / "absent")
    with pytest.raises(ArchiveError, match="cannot be read"):
        digest([tmp_path / "absent"])
