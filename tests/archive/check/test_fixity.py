"""Fixity: what is broken on purpose is found, what is whole is not complained of."""

import fcntl
import json
import os
from pathlib import Path

import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import manifest
from musyq_lab.archive.check.fixity import check_fixity, products
from musyq_lab.archive.draft import draft, leftovers
from musyq_lab.archive.write import write_product


def write(root: Path, period: str = "2015001", version: str = "v1", seed: int = 1) -> Path:
    return write_product(
        dataset(4, 5, 1, seed), root, spec=SPEC, edition=NAME["edition"], period=period, version=version
    )


def found(root: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f.level, f.group, f.files) for f in check_fixity(root, products(root))]


@pytest.fixture
def archive(tmp_path):
    for period in ("2015001", "2015006", "2015011"):
        write(tmp_path, period)
    return tmp_path


def test_a_whole_archive_has_no_findings(archive):
    assert found(archive) == []
    write(archive, "2015001", "v2", 2)
    manifest.withdraw(archive / "MuSyQ.DEMO.0p25deg.global.2015006.v1.h5", "wrong")
    manifest.collect(archive)
    assert found(archive) == []
    assert len(products(archive)) == 3


def test_a_thousand_flipped_bits_anywhere_are_all_found(archive):
    product = products(archive)[1]
    targets = [product, Path(f"{product}.sha256"), Path(f"{product}.run.json")]
    whole = {path: path.read_bytes() for path in targets}
    random = np.random.default_rng(20151)
    sizes = {product: 700, targets[1]: 100, targets[2]: 200}
    places = [
        (path, int(index)) for path, count in sizes.items() for index in random.integers(len(whole[path]), size=count)
    ]
    assert len(places) == 1000
    missed = []
    for path, index in places:
        data = bytearray(whole[path])
        data[index] ^= 1 << int(random.integers(8))
        path.write_bytes(data)
        if not any(f.level == "error" for f in check_fixity(product, [product])):
            missed.append((path.name, index))
        path.write_bytes(whole[path])
    assert missed == []
    assert found(archive) == []


def test_missing_unlisted_and_changed_files_are_named(archive):
    first, second, third = products(archive)
    first.unlink()
    Path(f"{second}.sha256").unlink()
    third.write_bytes(third.read_bytes()[:-1])
    assert {(level, names) for level, group, names in found(archive) if group == "Checksums"} == {
        ("error", (first.name,)),
        ("error", (second.name,)),
        ("error", (third.name,)),
    }
    messages = " ".join(f.message for f in check_fixity(archive, products(archive)))
    for words in ("is listed and not there", "nothing says whether it is whole", "not what was written"):
        assert words in messages


def test_a_file_of_another_producer_need_not_be_listed(archive):
    (archive / "theirs.h5").write_bytes(b"x")
    assert found(archive) == [("warning", "Checksums", ("theirs.h5",))]


def test_a_checksum_that_belongs_to_another_content_is_found(archive):
    product = products(archive)[0]
    other = products(archive)[1]
    product.write_bytes(other.read_bytes())
    Path(f"{product}.sha256").write_text(manifest.checksum_line(product, manifest.listed(other)))
    # The checksum fits, the record does not: as after a kill between the two.
    assert found(archive) == [("error", "Records", (product.name,))]


def test_a_product_without_its_record_is_told_of(archive):
    product = products(archive)[0]
    Path(f"{product}.run.json").unlink()
    assert found(archive) == [("warning", "Records", (product.name,))]


def test_drafts_of_the_dead_and_of_the_living(archive):
    target = archive / "MuSyQ.DEMO.0p25deg.global.2016001.v1.h5"
    with draft(target) as path:
        assert found(archive) == [("note", "Drafts", (path.name,))]
        assert leftovers(archive) == [(path, True)]
        path.unlink()
    dead = archive / f".{target.name}.0123456789abcdef.partial"
    dead.write_bytes(b"half")
    assert found(archive) == [("warning", "Drafts", (dead.name,))]
    assert dead.exists()  # a check changes nothing


def test_a_lock_of_a_dead_writer_does_not_count(archive):
    dead = archive / ".x.h5.0123456789abcdef.partial"
    dead.write_bytes(b"half")
    if (pid := os.fork()) == 0:
        descriptor = os.open(dead, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert leftovers(archive) == [(dead, False)]


def test_records_that_are_left_alone_are_noted(archive):
    product = products(archive)[0]
    product.unlink()
    Path(f"{product}.sha256").unlink()
    assert found(archive) == [("note", "Records", (product.name,))]
    record = archive / f"{products(archive)[0].name}.withdrawn.json"
    manifest.withdraw(products(archive)[0], "wrong")
    record.write_text(record.read_text().replace("wrong", "wrung"))
    assert ("error", "Records", (record.name,)) in found(archive)


def test_a_stale_listing_is_noticed(archive):
    manifest.collect(archive)
    write(archive, "2015016")
    assert found(archive) == [("warning", "Checksums", ("SHA256SUMS",))]
    manifest.collect(archive)
    assert found(archive) == []


def test_folders_below_are_searched_and_hidden_ones_are_not(archive, tmp_path):
    (archive / "lai" / "2015").mkdir(parents=True)
    (archive / ".musyq-partial-x").mkdir()
    below = write(archive / "lai" / "2015")
    write(archive / ".musyq-partial-x")
    (archive / "again").symlink_to(archive, target_is_directory=True)
    assert len(products(archive)) == 4
    below.write_bytes(b"")
    assert found(archive) == [("error", "Checksums", ("lai/2015/" + below.name,))]


def test_one_file_alone(archive):
    product = products(archive)[0]
    assert products(product) == [product]
    assert found(product) == []
    Path(f"{product}.run.json").write_text(json.dumps({}))
    assert [(level, group) for level, group, _ in found(product)] == [("error", "Records")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_an_error(archive):
    product = products(archive)[0]
    product.chmod(0)
    assert ("error", "Checksums", (product.name,)) in found(archive)


def test_names_in_any_script(tmp_path):
    folder = tmp_path / "叶面积 指数"
    folder.mkdir()
    product = write(folder)
    assert found(tmp_path) == []
    product.write_bytes(b"x")
    assert found(tmp_path) == [("error", "Checksums", (f"叶面积 指数/{product.name}",))]
