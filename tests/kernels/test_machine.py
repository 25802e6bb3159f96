"""Kept machine code: the same numbers in the next process, without a compiler; new code after any change."""

import json
import os
import subprocess
import sys
import types

import numba
import numpy as np
import pytest

from musyq_lab.kernels import _fingerprint, _loops, _machine, _store
from musyq_lab.kernels._compile import Kernel
from musyq_lab.kernels._inline import inline

BATTERY = """
import hashlib, json
import numpy as np
from musyq_lab.kernels import _native, brdf
from musyq_lab.kernels._compile import Kernel, inline, kernel
from musyq_lab.kernels._inline import Pass

compiled, real = [], _native.Pipeline.define_pipelines
def counted(self):
    compiled.append(self.state.func_id.func_name)
    return real(self)
_native.Pipeline.define_pipelines = counted

FACTOR = 2.0

@inline
def scaled(x):
    return x * FACTOR + 0.0

@Pass
def total(values):
    found = 0.0
    for i in range(values.size):
        found += values[i]
    return found

@inline
def own_sum(rows, factor):
    total = 0.0
    for row in range(rows.shape[0]):
        total += rows[row, 0] * factor
    return total

@kernel("(),()->()")
def own(x, y, out):
    out[0] = scaled(x) + y

@kernel("(n),()->(n),()")
def series(values, factor, out, mean):
    for i in range(values.size):
        out[i] = values[i] * factor
    mean[0] = total(values) / values.size

def whole(x, y, out, other):
    first(x, y, out)
    second(x, other)

def first(x, y, out):
    out[0] = x - y

def second(x, out):
    out[0] = x / 3.0

parted = Kernel(whole, "(),()->(),()", parts=((first, (0, 1, 2)), (second, (0, 3))))
rng = np.random.default_rng(3)
x, y = rng.random((2, 40, 50))
x[3, 4] = np.nan
found = {}
def note(name, *results):
    found[name] = hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()
for kind in ("f4", "f8"):
    a, b = x.astype(kind), y.astype(kind)
    note("flat " + kind, own(a, b), own(a, 2.0))
    note("strided " + kind, own(a[::2, ::-3], b[::2, ::3]), own(a, b[0]), own(a.T, b.T))
    note("series " + kind, *series(a, b[:, 0]))
    note("parts " + kind, *parted(a, b))
note("helpers", brdf.black_sky(x))
note("called", own_sum.called(x[:3], 3.0), own_sum.called(x.astype("f4"), 2))
note("integers", own((100 * x[:3]).astype("i2"), y[:3]))
print(json.dumps([found, sorted(name.rpartition("_")[0] or name for name in compiled)]))
"""


def start(cache, *changes, **environment):
    code = BATTERY
    for old, new in changes:
        assert code.count(old) == 1
        code = code.replace(old, new)
    own = {"MUSYQ_CACHE_DIR": str(cache), "MUSYQ_KERNEL_STORE": "1", "MUSYQ_DISABLE_JIT": "0", **environment}
    command = [sys.executable, "-W", "ignore:invalid value", "-c", code]
    return subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def battery(cache, *changes, **environment):
    """Run all kinds of loops in a new process: digests of the results, and what has been compiled."""
    return ended(start(cache, *changes, **environment))


def ended(process):
    out, faults = process.communicate(timeout=300)
    assert process.returncode == 0, faults
    return json.loads(out)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def first(cache):
    """Results of the first process, which has compiled everything and kept it."""
    found, compiled = battery(cache)
    assert compiled.count("run") >= 12
    return found


def test_the_next_process_compiles_nothing_and_finds_the_same_to_the_last_bit(cache, first):
    assert battery(cache) == [first, []]


HALF = ('("f4", "f8")', '("f4",)')


def agrees(found, first):
    """Whether results are those of the first process, as far as they go."""
    return len(found) > 5 and found == {name: first[name] for name in found}


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        (  # a constant that only a helper names; a part of a kernel
            [("FACTOR = 2.0", "FACTOR = 3.0"), ("x / 3.0", "x / 4.0")],
            "series helpers called",
        ),
        (  # a helper; a loop that is compiled on its own
            [("x * FACTOR + 0.0", "x * FACTOR + 1.0"), ("found += values[i]", "found -= values[i]")],
            "parts helpers called",
        ),
    ],
    ids=["constant and part", "helper and pass"],
)
def test_a_change_is_compiled_and_nothing_else(cache, first, changes, same):
    found, compiled = battery(cache, HALF, *changes)
    for name, digest in found.items():
        assert (digest == first[name]) is (name.split()[0] in same.split())
    assert 2 <= compiled.count("run") <= 9
    assert battery(cache, HALF, *changes) == [found, []]


def test_another_processor_has_its_own_code(cache, first):
    found, compiled = battery(cache, HALF, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert agrees(found, first)
    assert compiled.count("run") >= 7


def test_damaged_files_change_nothing(cache, first, tmp_path):
    """A flipped bit at a hundred places of every file: it is compiled again, and the file is whole again."""
    place = tmp_path / "musyq-lab" / "kernels"
    place.mkdir(parents=True, mode=0o700)
    rng = np.random.default_rng(0)
    for path in (cache / "musyq-lab" / "kernels").iterdir():
        data = bytearray(path.read_bytes())
        for position in rng.choice(len(data), 100, replace=False):
            data[position] ^= 1 << rng.integers(8)
        (place / path.name).write_bytes(data)
        (place / path.name).chmod(0o600)
    found, compiled = battery(tmp_path, HALF)
    assert agrees(found, first)
    assert compiled.count("run") >= 7
    assert battery(tmp_path, HALF) == [found, []]


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_processes_that_start_together_from_nothing(count, first, tmp_path):
    processes = [start(tmp_path, HALF) for _ in range(count)]
    results = [ended(process)[0] for process in processes]
    assert all(agrees(found, first) for found in results)
    assert battery(tmp_path, HALF) == [results[0], []]
    assert {path.suffix for path in (tmp_path / "musyq-lab" / "kernels").iterdir()} == {".kernel"}


CLUSTER = """
import sys
import numpy as np
from dask.distributed import Client, LocalCluster
from musyq_lab.kernels import brdf

def work(k):
    x = np.linspace(0.1, 0.9, 100 + k).astype("f4")
    views = [x] * len(brdf.hot_spot.signature.inputs)
    return [np.nansum(brdf.black_sky(x)).tolist(), np.nansum(brdf.hot_spot(*views)).tolist()]

if __name__ == "__main__":
    with LocalCluster(n_workers=4, threads_per_worker=2, processes=True, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            print(client.gather(client.map(work, range(40))) == [work(k) for k in range(40)])
"""


@pytest.mark.slow
def test_workers_of_dask_from_an_empty_store(tmp_path):
    """Numba's own cache crashes here (numba#10128): eight threads of four processes write it at once."""
    script = tmp_path / "work.py"
    script.write_text(CLUSTER, encoding="utf-8")
    environment = os.environ | {"MUSYQ_CACHE_DIR": str(tmp_path), "MUSYQ_KERNEL_STORE": "1", "MUSYQ_DISABLE_JIT": "0"}
    for _ in range(2):  # the second time from files
        done = subprocess.run(
            [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
        assert "died" not in done.stderr
    assert {path.suffix for path in (tmp_path / "musyq-lab" / "kernels").iterdir()} == {".kernel"}


# ---- one process -----------------------------------------------------------------------------------------------------
@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSYQ_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("MUSYQ_KERNEL_STORE", "1")
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "0")
    monkeypatch.setattr(_machine, "_known", {})
    return lambda: len(_store.files())


def made(source, **names):
    exec(source, names)
    return names["f"]


def test_a_kernel_by_value_is_one_loop(store, monkeypatch):
    kernels = [Kernel(made("def f(x, out):\n    out[0] = x + 2.0"), "()->()") for _ in range(3)]
    assert kernels[0](np.array([1.0]))[0] == 3.0
    monkeypatch.setattr(_loops, "flat_loop", None)
    assert [kernel(np.array([1.0]))[0] for kernel in kernels] == [3.0] * 3
    assert store() == 1


def test_code_with_a_constant_of_before_is_not_kept(store):
    """The helper stays what it was when it was compiled, as numba has it; a later process would see the new value."""
    helper = inline(made("def f(x):\n    return x * K", K=2.0))
    kernel = Kernel(made("def f(x, out):\n    out[0] = h(x)", h=helper), "()->()")
    assert kernel(np.array([1.0]))[0] == 2.0
    assert store() == 1
    helper.function.__globals__["K"] = 3.0
    kernel(np.array([1.0, 2.0, 3.0])[::2])
    assert store() == 1
    other = Kernel(made("def f(x, out):\n    out[0] = h(x) + 1.0", h=helper), "()->()")
    other(np.array([1.0]))
    assert store() == 1


def test_a_kernel_whose_own_constant_changed_is_not_kept(store):
    kernel = Kernel(made("def f(x, out):\n    out[0] = x * K", K=2.0), "()->()")
    assert kernel(np.array([1.0]))[0] == 2.0
    kernel.function.__globals__["K"] = 3.0
    kernel(np.array([1.0, 2.0, 3.0])[::2])
    assert store() == 1


def test_a_constant_that_changes_while_the_compiler_runs(store):
    kernel = Kernel(made("def f(x, out):\n    out[0] = x * K", K=2.0), "()->()")
    real = kernel._compile

    def compile_(*arguments):
        loop = real(*arguments)
        kernel.function.__globals__["K"] = 3.0
        return loop

    kernel._compile = compile_
    assert kernel(np.array([1.0]))[0] == 2.0
    assert store() == 0


def test_what_is_not_understood_is_compiled_but_not_kept(store):
    module = types.SimpleNamespace(K=2.0)
    body = made("def f(x, out):\n    out[0] = x + (1.0 if m is None else 2.0)", m=module)
    assert not _fingerprint.fingerprint(Kernel(body, "()->()")).complete
    body.__globals__["m"] = None
    assert Kernel(body, "()->()")(np.array([1.0]))[0] == 2.0
    assert store() == 1


def test_code_with_an_address_of_this_process_is_not_kept(store):
    """A table above a megabyte stays where it is, and compiled code points to it."""
    big, small = np.arange(200_000.0), np.arange(20.0)
    for table, kept in ((big, 0), (small, 1)):
        kernel = Kernel(made("def f(x, out):\n    out[0] = x + table[-1]", table=table), "()->()")
        assert kernel(np.array([1.0]))[0] == table.size
        assert store() == kept


def test_code_that_needs_what_a_process_has_not_is_not_loaded():
    needy = _store.Code("entry", "environment", ("PyErr_Clear", "musyq_symbol_that_nothing_has"), b"no object code")
    assert _machine._loaded(needy) is None


def test_sources_that_changed_after_they_were_read_keep_nothing(monkeypatch):
    """As when a new version is installed under a running notebook."""
    assert _machine._tools.__wrapped__()
    monkeypatch.setattr(_machine, "LOADED", 0.0)
    assert _machine._tools.__wrapped__() is None


def test_sources_that_cannot_be_read_keep_nothing(monkeypatch):
    monkeypatch.setattr(_machine, "_SOURCES", ("_absent",))
    assert _machine._tools.__wrapped__() is None


def test_wrong_arguments_are_refused_as_by_numba(store):
    kernel = Kernel(made("def f(x, out):\n    out[0] = x"), "()->()")
    kernel(np.ones(3))
    (loop,) = [loop for (make, *_), loop in kernel._compiled.items() if make == "flat_loop"]
    for arguments in ((), (np.ones(3),), (np.ones(3), "no"), (np.ones(3, "f4"), np.ones(3, "f4"))):
        with pytest.raises(TypeError):
            loop(*arguments)


# ---- functions that Python calls by themselves -----------------------------------------------------------------------
def test_a_called_helper_is_compiled_once_for_its_types(store):
    helper = inline(made("def f(x, n):\n    x[0] = 7.0\n    return x.sum() * n"))
    row = np.arange(3.0)
    assert helper.called(row, 2) == 20.0
    assert row[0] == 7.0
    assert helper.called(np.ones(2), 3) == 24.0
    assert store() == 1
    assert helper.called(np.ones(3, "f4"), 2) == 18.0
    assert helper.called(np.ones((2, 2))[:, 0], 2.0) == 16.0
    assert store() == 3
    with pytest.raises(TypeError):
        helper.called(x=row, n=2)
    fixed = np.ones(2)
    fixed.flags.writeable = False
    with pytest.raises(numba.TypingError):
        helper.called(fixed, 2)
    assert store() == 3
