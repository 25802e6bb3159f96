"""Remote files in blocks against the bytes themselves."""

import io
import pickle
import random
import threading

import fsspec
import pytest
from files.web import serving

from musyq_lab.core.errors import ArchiveError, NotFoundError
from musyq_lab.files import _blocks
from musyq_lab.files._blocks import BlockFile, forget


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    forget()
    monkeypatch.setattr(_blocks, "BLOCK", 64)
    monkeypatch.setattr(_blocks, "CACHE", 64 * 20)
    yield
    forget()


@pytest.fixture
def memory():
    data = random.Random(3).randbytes(5000)
    fsspec.filesystem("memory").pipe("/blocks/data.bin", data)
    yield "memory://blocks/data.bin", data
    fsspec.filesystem("memory").rm("/blocks", recursive=True)


def test_every_read_is_that_of_the_bytes(memory):
    """300 random moves and reads, as of io.BytesIO, some longer than what is kept."""
    url, data = memory
    ours, oracle, dice = BlockFile(url), io.BytesIO(data), random.Random(8)
    for _ in range(300):
        whence = dice.choice([io.SEEK_SET, io.SEEK_SET, io.SEEK_END])
        offset = dice.randrange(6000) if whence == io.SEEK_SET else -dice.randrange(5000)
        size = dice.choice([0, 1, 63, 64, 65, 700, 4000, -1])
        assert ours.seek(offset, whence) == oracle.seek(offset, whence)
        assert ours.read(size) == oracle.read(size)
        assert ours.tell() == oracle.tell()
    assert ours.readable()
    assert ours.seekable()
    assert not ours.writable()


def test_what_is_kept_is_bounded(memory):
    url, data = memory
    assert BlockFile(url).read() == data
    assert 0 < _blocks._CACHE._bytes <= 64 * 20
    assert sum(map(len, _blocks._CACHE._held.values())) == _blocks._CACHE._bytes


def test_an_empty_file(memory):
    fsspec.filesystem("memory").pipe("/blocks/empty", b"")
    assert BlockFile("memory://blocks/empty").read() == b""


def test_only_what_is_asked_for_is_fetched_and_only_once(tmp_path):
    (tmp_path / "x.bin").write_bytes(bytes(range(250)) * 40)
    with serving(tmp_path) as web:
        file = BlockFile(web.url("x.bin"))
        file.seek(300)
        assert file.read(100) == (bytes(range(250)) * 2)[300:400]
        assert web.asked == [("x.bin", "bytes=0-0"), ("x.bin", "bytes=256-447")]
        file.seek(320)
        file.read(60)
        again = BlockFile(web.url("x.bin"))
        again.seek(300)
        again.read(100)
        assert len(web.asked) == 2
        file.seek(256)
        file.read(320)  # three blocks are there; only the next two are asked for, together
        assert web.asked[2:] == [("x.bin", "bytes=448-575")]


def test_a_server_without_ranges_is_asked_once_for_the_whole(tmp_path, monkeypatch):
    (tmp_path / "x.bin").write_bytes(bytes(1000))
    with serving(tmp_path, ranges=False) as web:
        file = BlockFile(web.url("x.bin"))
        for position in (900, 0, 500):
            file.seek(position)
            assert file.read(50) == bytes(50)
        assert len(web.asked) == 2
        monkeypatch.setattr(_blocks, "MAX_WHOLE", 999)
        forget()
        with pytest.raises(ArchiveError, match=r"gives whole files only.*curl -O"):
            BlockFile(web.url("x.bin"))


def test_a_file_that_changed_is_told_and_read_anew(tmp_path, monkeypatch):
    path = tmp_path / "x.bin"
    path.write_bytes(b"a" * 1000)
    with serving(tmp_path) as web:
        file = BlockFile(web.url("x.bin"))
        assert file.read(10) == b"a" * 10
        path.write_bytes(b"b" * 1000)
        file.seek(500)
        with pytest.raises(ArchiveError, match="changed while it was read"):
            file.read(10)
        monkeypatch.setattr(_blocks, "RECENT", 0.0)
        assert BlockFile(web.url("x.bin")).read(10) == b"b" * 10


def test_where_nothing_tells_of_changes_blocks_are_not_shared(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"a" * 100)
    with serving(tmp_path, tags=False) as web:
        assert BlockFile(web.url("x.bin")).read(10) == b"a" * 10
        path.write_bytes(b"b" * 100)
        assert BlockFile(web.url("x.bin")).read(10) == b"b" * 10


def test_it_travels_by_its_address(memory):
    url, data = memory
    file = BlockFile(url)
    file.seek(100)
    arrived = pickle.loads(pickle.dumps(file))
    assert arrived.read() == data
    assert len(pickle.dumps(file)) < 200
    assert arrived.__dask_tokenize__() == file.__dask_tokenize__()


def test_threads_read_at_once(memory):
    url, data = memory
    wrong = []

    def read(seed):
        dice, file = random.Random(seed), BlockFile(url)
        for _ in range(100):
            start, size = dice.randrange(5000), dice.randrange(900)
            file.seek(start)
            if file.read(size) != data[start : start + size]:
                wrong.append((start, size))

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(map(len, _blocks._CACHE._held.values())) == _blocks._CACHE._bytes


def test_infos_are_kept_a_moment_and_not_without_end(memory, monkeypatch):
    monkeypatch.setattr(_blocks, "_MOST_INFOS", 3)
    for number in range(9):
        fsspec.filesystem("memory").pipe(f"/blocks/{number}", b"x")
        _blocks.recent_info(f"memory://blocks/{number}")
    assert len(_blocks._CACHE._infos) <= 5
    with pytest.raises(NotFoundError):
        _blocks.recent_info("memory://blocks/absent")
