import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive import manifest
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files.digest import sha256


@pytest.fixture
def product(tmp_path):
    return write_product(dataset(10, 12, 2), tmp_path, spec=SPEC, **NAME)


def test_sha256_is_that_of_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(ArchiveError, match="cannot be read"):
        sha256(tmp_path / "absent")


def test_every_state_is_found(product):
    root = product.parent
    for period in ("2015006", "2015011", "2015016"):
        write_product(dataset(10, 12, 2), root, spec=SPEC, **{**NAME, "period": period})
    names = sorted(path.name for path in root.glob("*.h5"))
    (root / names[1]).write_bytes(b"other")
    (root / names[2]).unlink()
    (root / f"{names[3]}.sha256").unlink()
    found = manifest.verify(root)
    assert [(item.path.name, item.state) for item in found] == list(
        zip(names, ["ok", "changed", "missing", "unlisted"], strict=True)
    )
    for item in found:
        assert item.path.name in item.message
    assert "Write it again" in found[1].message


@pytest.mark.parametrize("text", ["", "not a checksum", "0" * 64 + "  another.h5\n", "g" * 64 + "  x\n", b"\xff\xfe"])
def test_an_unreadable_list_counts_as_none(product, text):
    side = product.with_name(f"{product.name}.sha256")
    side.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert [item.state for item in manifest.verify(product.parent)] == ["unlisted"]


def test_every_single_flipped_bit_is_found(product):
    data, random = product.read_bytes(), np.random.default_rng(11)
    found = 0
    for position in random.integers(len(data), size=200):
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(random.integers(8))
        product.write_bytes(flipped)
        found += manifest.check(product).state == "changed"
    assert found == 200
    product.write_bytes(data)
    assert manifest.check(product).state == "ok"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_sha256sum_reads_our_files(product):
    side = f"{product.name}.sha256"
    done = subprocess.run(["sha256sum", "-c", side], cwd=product.parent, capture_output=True, text=True, check=True)
    assert done.stdout == f"{product.name}: OK\n"


def test_the_run_record_belongs_to_the_file(product):
    record = json.loads(manifest.side_file(product, manifest.RUN_SUFFIX).read_text())
    assert record["sha256"] == hashlib.sha256(product.read_bytes()).hexdigest() == manifest.listed(product)
    assert record["started"] <= record["ended"]
    assert record["seconds"] >= 0
    assert set(record["versions"]) == {"musyq-lab", "numpy", "xarray", "dask", "h5py", "numba"}


def test_no_folder(tmp_path):
    with pytest.raises(NotFoundError, match="no folder"):
        manifest.verify(tmp_path / "absent")
