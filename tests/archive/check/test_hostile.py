"""Damaged and hostile files: each is a finding, none an error of the check, and the others are checked all the same."""

from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.check.run import check_archive
from musyq_lab.archive.metadata.describe import FORMS, describe
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import MusyqError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = write_product(dataset(4, 5, 1), tmp_path_factory.mktemp("whole"), spec=SPEC, **NAME)
    return path.name, path.read_bytes(), Path(f"{path}.sha256").read_bytes()


def place(root: Path, whole, data: bytes) -> Path:
    path = root / whole[0]
    path.write_bytes(data)
    Path(f"{path}.sha256").write_bytes(whole[2])
    return path


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files_are_findings_and_never_errors(tmp_path, whole, seed):
    random = np.random.default_rng(seed)
    for _ in range(20):
        data = bytearray(whole[1])
        for position in random.integers(len(data), size=int(random.integers(1, 40))):
            data[position] = int(random.integers(256))
        if random.random() < 0.3:
            del data[int(random.integers(len(data))) :]
        path = place(tmp_path, whole, bytes(data))
        report = check_archive(tmp_path, cf=False)
        assert report.ok == (bytes(data) == whole[1])
        for form in ("stac", "iso19115"):
            with suppress(MusyqError):
                describe(path, form)


def hostile(kind: str, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        if kind == "link":
            file["away"] = h5py.ExternalLink("/etc/hostname", "/")
        elif kind == "bomb":
            file.create_dataset("bomb", (2**28,), "u1", chunks=(2**28,), compression="gzip")
        elif kind == "external":
            file.create_dataset("raw", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        elif kind == "huge axis":
            file.create_dataset("x", (2**28,), "f8").make_scale("x")
        elif kind == "loop":
            file["self"] = h5py.SoftLink("/self")
        elif kind == "types":
            file["flux"].attrs["units"] = np.array([1.5, 2.5])
            file["flux"].attrs["flag_meanings"] = 3
            file["flux"].attrs["valid_range"] = "wide"
            file["latitude"].attrs["units"] = np.int8(3)
            file.attrs["title"] = np.arange(3)
            file.attrs["geospatial_lat_min"] = "south"


@pytest.mark.parametrize("kind", ["link", "bomb", "external", "huge axis", "loop", "types"])
def test_hostile_files_are_refused_or_harmless(tmp_path, whole, kind):
    path = place(tmp_path, whole, whole[1])
    good = tmp_path / "MuSyQ.DEMO.0p25deg.global.2015006.v1.h5"
    write_product(dataset(4, 5, 1), tmp_path, spec=SPEC, **{**NAME, "period": "2015006"})
    hostile(kind, path)
    report = check_archive(tmp_path)
    assert any(path.name in f.files and f.level == "error" for f in report.findings)
    assert not any(good.name in f.files and f.level == "error" for f in report.findings)
    assert [f for f in report.findings if f.group == "Readability" and path.name in f.files]
    for form in FORMS:
        records = describe(tmp_path, form)
        assert bool(records.failed) == (kind != "types")


@pytest.mark.parametrize(
    "name", ["..h5", "MuSyQ....v1.h5", "a\nb.h5", "\u202e.h5", "MuSyQ.DEMO.x.x.2015.v999999999.h5"]
)
def test_odd_names_are_told_and_not_followed(tmp_path, whole, name):
    (tmp_path / name).write_bytes(whole[1])
    report = check_archive(tmp_path, cf=False)
    assert report.to_json()
    assert repr(report)
    assert report._repr_html_()
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
