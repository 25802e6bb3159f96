import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.foreign import open_field
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files.safety import check_hdf5


def external_link(file, folder):
    file["away"] = h5py.ExternalLink(str(folder / "secret.h5"), "/data")


def deep_external_link(file, folder):
    file.create_group("a/b/c")["away"] = h5py.ExternalLink("secret.h5", "/data")


def external_storage(file, folder):
    file.create_dataset("raw", (16,), "u1", external=[(str(folder / "secret.bin"), 0, 16)])


def virtual(file, folder):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "data", (4,))
    file.create_virtual_dataset("view", layout)


def giant_chunk(file, folder):
    file.create_dataset("bomb", (2**27,), "f8", chunks=(2**27,), compression="gzip")


def giant_declaration(file, folder):
    file.create_dataset("vast", (2**20, 2**20), "f8", chunks=(1024, 1024))


def unknown_filter(file, folder):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4,))
    plist.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, ())
    h5py.h5d.create(file.id, b"odd", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((4,)), plist)


HOSTILE = {
    external_link: "is a link to another file",
    deep_external_link: "is a link to another file",
    external_storage: "lie in another file",
    virtual: "virtual dataset",
    giant_chunk: "more than 64 MiB",
    giant_declaration: "more than 64 GiB",
    unknown_filter: "unknown filter 32999",
}


@pytest.mark.parametrize("make", HOSTILE, ids=lambda f: f.__name__)
def test_hostile_files_are_refused_by_every_door(tmp_path, make):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.arange(4.0)
    (tmp_path / "secret.bin").write_bytes(b"0123456789abcdef")
    path = write_product(dataset(4, 4, 2), tmp_path, spec=SPEC, **NAME)
    check_hdf5(path)
    with h5py.File(path, "a") as file:
        make(file, tmp_path)
    for door in (check_hdf5, open_product, lambda p: open_field(p, "flux")):
        with pytest.raises(ArchiveError, match=HOSTILE[make]) as caught:
            door(path)
        assert path.name in str(caught.value)


def test_soft_links_inside_and_circles_are_harmless(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a/data"] = np.arange(3)
        file["again"] = h5py.SoftLink("/a/data")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["a/round"] = file["/"]
        file["a/back"] = file["a"]
    check_hdf5(tmp_path / "x.h5")


def test_the_budget_counts_every_dataset(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for number in range(4):
            file[f"d{number}"] = np.zeros(1000)
    check_hdf5(tmp_path / "x.h5", budget=32_000)
    with pytest.raises(ArchiveError, match="declare more than"):
        check_hdf5(tmp_path / "x.h5", budget=31_999)


def test_a_crowd_of_objects_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("musyq_lab.files.safety.MAX_OBJECTS", 50)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for number in range(60):
            file.create_group(str(number))
    with pytest.raises(ArchiveError, match="more than 50 objects"):
        check_hdf5(tmp_path / "x.h5")


def test_a_file_that_changes_is_checked_again(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"] = 1
    check_hdf5(path)
    with h5py.File(path, "a") as file:
        external_link(file, tmp_path)
    with pytest.raises(ArchiveError, match="another file"):
        check_hdf5(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        check_hdf5(tmp_path / "absent.h5")
    with pytest.raises(ArchiveError, match="is not a file"):
        check_hdf5(tmp_path)
    (tmp_path / "empty.h5").touch()
    with pytest.raises(ArchiveError, match=r"empty \(0 bytes\)"):
        check_hdf5(tmp_path / "empty.h5")
    (tmp_path / "text.h5").write_text("some words that are long enough")
    with pytest.raises(ArchiveError, match="is not an HDF5 file"):
        check_hdf5(tmp_path / "text.h5")


@pytest.mark.parametrize("locking", [None, True, False])
def test_a_file_that_others_hold_open_is_no_damaged_file(tmp_path, locking):
    """HDF5 refuses to open a file twice in one process with different flags of locking."""
    path = tmp_path / "held.h5"
    with h5py.File(path, "w") as file:
        file["a"] = [1, 2]
    with h5py.File(path, "r", locking=locking):
        check_hdf5(path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system has no /proc")
def test_a_large_chunk_that_is_not_packed_costs_nothing(tmp_path):
    """Sensors' files may have some; a value of one is read without the rest, in a process that has held nothing yet.

    Its ru_maxrss would not do: Linux lets it begin at the parent's; VmHWM (man 5 proc) begins anew with a program.
    """
    path = tmp_path / "wide.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("v", (4096, 4096), "f8", chunks=(4096, 4096), fill_time="never")[4000, 4000] = 3.0
    check_hdf5(path)
    code = (
        "import h5py, re, sys\n"
        "from pathlib import Path\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before, file = peak(), h5py.File(sys.argv[1])\n"
        "print(float(file['v'][4000, 4000]), (peak() - before) // 1024)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    value, megabytes = said.split()
    assert float(value) == 3.0
    assert int(megabytes) < 32  # of 128
