"""Addresses in place of paths: what they may be, and products, manifests and checks behind them."""

import pickle
from pathlib import Path

import dask
import fsspec
import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import SPEC, dataset
from files.bucket import bucket
from files.web import serving

from musyq_lab.archive import manifest
from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files import remote
from musyq_lab.files.digest import sha256
from musyq_lab.files.remote import RemotePath, is_remote, place, states
from musyq_lab.files.safety import check_hdf5, opened

PERIODS = ("2015001", "2015006", "2015011")


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("products")
    for number, period in enumerate(PERIODS):
        write_product(dataset(8, 9, 2, seed=number), folder, spec=SPEC, edition="0p25deg", period=period)
    return folder


@pytest.fixture(autouse=True)
def fresh():
    remote.forget()
    yield
    remote.forget()


@pytest.fixture
def memory(products):
    fs = fsspec.filesystem("memory")
    for file in products.iterdir():
        fs.pipe(f"/products/{file.name}", file.read_bytes())
    yield "memory://products"
    fs.rm("/products", recursive=True)


def test_what_is_an_address():
    for address in ("http://h/x", "https://h/x", "s3://b/x", "memory://x", "ftp://h/x", "file:///x", "x+y://z"):
        assert is_remote(address)
    for path in ("x.h5", "/a/b", "C:/x", "a:b", "://x", "", Path("http://h/x"), None, 3):
        assert not is_remote(path)
    assert place("a/b") == Path("a/b")
    assert isinstance(place("http://h/x"), RemotePath)
    assert place(place("http://h/x")) == place("http://h/x")


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/passwd", "ftp://h/x", "github://o:r@/x", "simplecache::http://h/x", "http://h/x::zip://y"),
        *("http://me:word@h/x", "http://me@h/x", "http://h/a/../b", "http://h/a/%2e%2e/b", "http://h/a/%2E%2e/b"),
        *(
            "http://h/x\n",
            "http://h/%00",
            "http://h/%0a",
            "http://[/x",
            "gopher://h",
            "data://x",
            "dask://x",
            "git://x",
        ),
        *("python://x", "jupyter://x", "local:///x", "reference://x", "ssh://h/x", "smb://h/x", "libarchive://x"),
    ],
)
def test_addresses_that_are_refused(address):
    with pytest.raises(InputError):
        place(address)
    with pytest.raises(InputError):
        open_product(address)


def test_parts_of_an_address():
    path = RemotePath("https://h:8/a/b%20c.h5?sig=1")
    assert (path.name, path.stem, path.suffix) == ("b c.h5", "b c", ".h5")
    assert str(path.parent) == "https://h:8/a"
    assert str(path.with_name("d e.sha256")) == "https://h:8/a/d%20e.sha256"
    assert str(RemotePath("s3://b/a/") / "x y.h5") == "s3://b/a/x y.h5"
    assert RemotePath("memory://a/b").parent.url == "memory://a"
    assert path.absolute() is path
    assert pickle.loads(pickle.dumps(path)) == path
    with pytest.raises(TypeError):
        Path(path)


@pytest.mark.parametrize("name", ["..", "../x", "a/../../x", "x\0"])
def test_no_name_leads_out_of_the_folder(name):
    with pytest.raises(InputError):
        RemotePath("memory://folder") / name


def test_a_cube_from_memory_is_that_of_the_disk(products, memory):
    here, there = open_product(products, "demo"), open_product(memory, "demo", verify=True)
    xr.testing.assert_identical(there.load(), here.load())
    assert there.sizes["time"] == 3


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cube_from_a_web_server_is_that_of_the_disk(products, ranges):
    with serving(products, ranges=ranges) as web:
        there = pickle.loads(pickle.dumps(open_product(web.url(), "demo", verify=True)))
        xr.testing.assert_identical(there.load(), open_product(products, "demo").load())
        one = open_product(web.url(f"MuSyQ.DEMO.0p25deg.global.{PERIODS[1]}.v1.h5"))
        xr.testing.assert_identical(one.load(), open_product(products, period=PERIODS[1]).load())


def test_a_cube_from_a_bucket_is_that_of_the_disk(products):
    with bucket() as objects:
        for file in products.iterdir():
            objects[f"data/{file.name}"] = file.read_bytes()
        there = open_product("s3://data", "demo", verify=True)
        xr.testing.assert_identical(there.load(), open_product(products, "demo").load())


def test_threads_and_processes_read_alike(products, memory):
    there = open_product(memory, "demo")
    with dask.config.set(scheduler="threads", num_workers=4):
        several = there.load()
    xr.testing.assert_identical(several, open_product(products, "demo").load())


def test_what_is_missing_is_told(memory):
    with pytest.raises(NotFoundError, match=r"holds: demo 0p25deg global \(3 files\)"):
        open_product(memory, "lai")
    with pytest.raises(NotFoundError, match="There is no file memory://products/x"):
        open_product(f"{memory}/x.h5")
    with pytest.raises(NotFoundError, match="There is no file memory://nowhere"):
        open_product("memory://nowhere")


def test_only_parts_are_fetched(tmp_path, monkeypatch):
    """A value of a file of 12 MB costs its headers and one chunk, not the file."""
    path = tmp_path / "large.h5"
    random = np.random.default_rng(1)
    with h5py.File(path, "w", libver="latest") as file:
        for name in "abcdef":
            numbers = random.integers(0, 2**15, (1024, 1024), dtype="int16")
            file.create_dataset(name, data=numbers, chunks=(128, 128), compression="gzip")
    monkeypatch.setattr("musyq_lab.files._blocks.BLOCK", 2**14)
    with serving(tmp_path) as web:
        check_hdf5(web.url("large.h5"))
        with opened(web.url("large.h5")) as file, h5py.File(path) as same:
            assert file["c"][700, 700] == same["c"][700, 700]
        assert web.sent < path.stat().st_size / 20


def test_the_checks_run_on_an_address(tmp_path):
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "/x")
    (tmp_path / "text.h5").write_text("some words that are long enough")
    with h5py.File(tmp_path / "cut.h5", "w") as file:
        file["v"] = np.arange(10000)
    (tmp_path / "cut.h5").write_bytes((tmp_path / "cut.h5").read_bytes()[:3000])
    with serving(tmp_path) as web:
        with pytest.raises(ArchiveError, match="is a link to another file"):
            check_hdf5(web.url("out.h5"))
        with pytest.raises(ArchiveError, match="is a link to another file"):
            open_product(web.url("out.h5"))
        with pytest.raises(ArchiveError, match="is not an HDF5 file"):
            opened(web.url("text.h5"))
        with pytest.raises(ArchiveError, match="cut off"):
            opened(web.url("cut.h5"))
        with pytest.raises(NotFoundError):
            check_hdf5(web.url("absent.h5"))


@pytest.mark.parametrize("tags", [True, False])
def test_a_remote_file_that_turns_hostile_is_checked_again(tmp_path, tags):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a"] = 1
    with serving(tmp_path, tags=tags) as web:
        check_hdf5(web.url("x.h5"))
        with h5py.File(path, "a") as file:
            file["away"] = h5py.ExternalLink("/etc/passwd", "/x")
        remote.forget()
        with pytest.raises(ArchiveError, match="another file"):
            check_hdf5(web.url("x.h5"))


def test_fixity_of_a_remote_product(products, memory):
    name = f"MuSyQ.DEMO.0p25deg.global.{PERIODS[0]}.v1.h5"
    assert manifest.check(f"{memory}/{name}").state == "ok"
    assert sha256(f"{memory}/{name}") == sha256(products / name)
    fs = fsspec.filesystem("memory")
    data = bytearray((products / name).read_bytes())
    data[len(data) // 2] ^= 1
    fs.pipe(f"/products/{name}", bytes(data))
    remote.forget()
    assert manifest.check(f"{memory}/{name}").state == "changed"
    with pytest.raises(ArchiveError, match="checksum differs"):
        open_product(memory, "demo", verify=True)
    fs.rm(f"/products/{name}.sha256")
    remote.forget()
    assert manifest.check(f"{memory}/{name}").state == "unlisted"


def test_texts_are_bounded():
    fs = fsspec.filesystem("memory")
    fs.pipe("/texts/a.txt", "文字".encode())
    fs.pipe("/texts/b.txt", bytes(remote.MAX_TEXT + 1))
    assert RemotePath("memory://texts/a.txt").read_text() == "文字"
    with pytest.raises(ArchiveError, match="too long"):
        RemotePath("memory://texts/b.txt").read_text()
    with pytest.raises(FileNotFoundError):
        RemotePath("memory://texts/c.txt").read_text()
    with pytest.raises(InputError, match="only be read"):
        RemotePath("memory://texts/a.txt").open("w")
    fs.rm("/texts", recursive=True)


def test_a_folder_of_too_many_names_is_refused(memory, monkeypatch):
    monkeypatch.setattr(remote, "MAX_NAMES", 5)
    with pytest.raises(ArchiveError, match="more than 5 files"):
        list(RemotePath(memory).glob("*"))


def test_states_change_with_the_file(tmp_path, memory):
    path = tmp_path / "x"
    path.write_text("1")
    url = f"{memory}/MuSyQ.DEMO.0p25deg.global.{PERIODS[0]}.v1.h5"
    before = states([str(path), url])
    assert states([str(path), url]) == before
    fsspec.filesystem("memory").pipe(url.removeprefix("memory:/"), b"another")
    remote.forget()
    assert [a == b for a, b in zip(states([str(path), url]), before, strict=True)] == [True, False]
    many = [url] * 17
    assert states(many) != states(many)
    assert states(many)[:17] == [(url,)] * 17
