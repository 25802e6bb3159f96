import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from files.make_hdf4 import make

from musyq_lab.core.errors import SceneError
from musyq_lab.files import _hdf4_process as process
from musyq_lab.files import hdf4

linux = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits of a process are set on Linux")  # noqa: PTH110


@pytest.fixture
def file(tmp_path):
    return make(tmp_path / "x.hdf", {"v": np.arange(24, dtype=np.int16).reshape(4, 6)})


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Let the process be another program than the one that reads HDF4."""

    def replace(code):
        path = tmp_path / "child.py"
        path.write_text(code)
        monkeypatch.setattr(process, "_CHILD", str(path))
        process._pool.clear()

    yield replace
    process._pool.clear()


def describe(path="x.hdf"):
    return process.ask(process.Request(str(path), (1,)))


def test_a_crash_ends_in_words(child):
    child("import os, signal, sys; sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(SceneError, match=r"x\.hdf is damaged: the HDF4 library crashed on it \(signal 11\)"):
        describe()


@linux
def test_a_loop_is_ended_by_the_processor_time_it_takes(child, monkeypatch):
    real = process._CHILD
    child(
        f"import runpy; made = runpy.run_path({real!r})\n"
        "import sys; sys.stdin.readline(); made['limit'](0.2, 2**28)\n"
        "while True: pass"
    )
    with pytest.raises(SceneError, match="did not come to an end within 3 s"):
        describe()


def test_silence_is_ended_by_the_clock(child, monkeypatch):
    child("import time; time.sleep(60)")
    monkeypatch.setattr(process, "CLOCK", 0.3)
    with pytest.raises(SceneError, match=r"gave no answer within 0\.3 s"):
        describe()


@pytest.mark.parametrize("code", ["print('no JSON', flush=True); import time; time.sleep(60)", "print('{', end='')"])
def test_an_answer_that_makes_no_sense_is_refused(child, code):
    child(code)
    with pytest.raises(SceneError, match=r"x\.hdf is damaged"):
        describe()


def test_more_or_fewer_bytes_than_asked_for_are_refused(child):
    child("import json, sys; sys.stdin.readline(); print(json.dumps(dict(dtype='i2', size=1, bytes=2)), flush=True)")
    with pytest.raises(SceneError, match="2 bytes were read where 4 were expected"):
        process.ask(process.Request("x.hdf", (1,), {"name": "v"}, 4))


def test_an_error_of_the_library_names_the_file(child):
    child('import sys; sys.stdin.readline(); print(\'{"error": "HDF4Error: no luck"}\', flush=True)')
    with pytest.raises(SceneError, match=r"x\.hdf cannot be read as HDF4 \(HDF4Error: no luck\)"):
        describe()


def test_a_missing_library_is_named_with_the_remedy(child):
    child('import sys; sys.stdin.readline(); print(\'{"error": "ImportError: pyhdf"}\', flush=True)')
    with pytest.raises(SceneError, match="pip install pyhdf"):
        describe()


def test_a_process_that_ended_in_the_meantime_is_replaced(file):
    array = hdf4.open_dataset(file, "v")
    array.compute()
    for rested in process._pool._idle:
        rested._child.kill()
        rested._child.wait()
    assert array.compute().values.sum() == 276


def test_a_process_is_used_again(file):
    process._pool.clear()
    array = hdf4.open_dataset(file, "v")
    array.compute(scheduler="sync")
    first = [p._child.pid for p in process._pool._idle]
    array.compute(scheduler="sync")
    assert [p._child.pid for p in process._pool._idle] == first
    assert len(first) == 1


def test_no_more_processes_rest_than_are_of_use(file):
    process._pool.clear()
    array = hdf4.open_dataset(file, "v")
    with ThreadPoolExecutor(7) as pool:
        assert set(pool.map(lambda _: int(array.compute(scheduler="sync").sum()), range(21))) == {276}
    assert 1 <= len(process._pool._idle) <= process._MAX_IDLE
    process._pool.clear()
    assert not process._pool._idle


@linux
def test_a_request_may_not_use_more_memory_than_it_asked_for(tmp_path, monkeypatch):
    path = make(tmp_path / "big.hdf", {"v": np.zeros((3000, 3000), np.float64)})
    array = hdf4.open_dataset(path, "v", (3000, 3000))
    monkeypatch.setattr(process, "MEMORY", -(2**27))
    with pytest.raises(SceneError, match=r"big\.hdf"):
        array.compute()
    monkeypatch.undo()
    assert array[:2, :2].compute().values.sum() == 0


def _sum(path):
    return int(hdf4.open_dataset(path, "v").compute(scheduler="sync").sum())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_has_processes_of_its_own(file):
    assert _sum(file) == 276  # one rests now
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_sum, [file] * 4) == [276] * 4
    assert _sum(file) == 276


def test_an_interrupted_request_leaves_no_half_answer(file, monkeypatch):
    array = hdf4.open_dataset(file, "v")
    array.compute(scheduler="sync")

    def interrupted(self, request):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(process._Process, "_ask", interrupted)
        with pytest.raises(KeyboardInterrupt):
            array.compute(scheduler="sync")
    assert _sum(file) == 276
