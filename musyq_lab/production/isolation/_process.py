"""Starting, watching and ending the process of one block, and reading what it says without trusting it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core import errors
from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, RecipeError
from musyq_lab.production.isolation import _child
from musyq_lab.production.isolation.limits import Limits

_SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc", "/opt", "/nix/store", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/stat", "/proc/sys/vm", "/sys/devices/system", "/dev/urandom", "/dev/random", "/dev/zero", "/dev/null",
)  # fmt: skip
_KEPT = ("MUSYQ_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR", "VECLIB")
_TAIL = 1000  # bytes of what it printed that are shown
_TYPES = {np.dtype(text).str for text in ("?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the process of one block gave: checked for form only."""

    layers: list[tuple[str, tuple[str, ...], NDArray[Any]]]
    """Name, dimensions and values of each array."""
    events: tuple[str, ...]
    """Files it wrote and connections it made, where it was watched and as far as the interpreter saw them."""
    lacking: tuple[str, ...]
    """Protections that were not in force."""
    peak: int
    """Bytes of memory it took at most, the interpreter and libraries included."""


def ask(
    who: str, algorithm: bytes, arrays: Sequence[NDArray[Any]], call: str, limits: Limits, *, audit: bool = False
) -> Reply:
    """Run one block in a process of its own.

    Parameters
    ----------
    who : str
        Key of the algorithm, for messages.
    algorithm : bytes
        Pickled object whose ``perform(call, arrays)`` gives names, dimensions and arrays.
    arrays : sequence of numpy.ndarray
        Its inputs; the process sees copies.
    call : str
        What is asked of it.
    limits : Limits
        What it may use.
    audit : bool
        Whether to note what it writes and connects to.

    Raises
    ------
    MusyqError
        Of the class and with the text that the algorithm raised, if it was one of ours.
    ArchiveError
        If its inputs cannot be written to the temporary folder.
    RecipeError
        If it failed otherwise, died, took more than it may, or gave something that cannot be read.
    """
    with contextlib.ExitStack() as held:
        with _told(who):
            folder = held.enter_context(_folder())
            result, printed = (held.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            inputs, work = _filled(folder, algorithm, arrays)
        request = _request(inputs, work, result.fileno(), call, limits, audit=audit)
        code = _watched(who, request, work, result, printed, limits)
        header, rest = _read(who, result, code, limits, printed)
    if told := header.get("error"):
        raise _error(who, told, limits)
    return Reply(
        _layers(who, header["arrays"], rest), _texts(header, "events"), _texts(header, "lacking"), _peak(header)
    )


def _texts(header: dict[str, Any], name: str) -> tuple[str, ...]:
    found = header.get(name)
    return tuple(str(text)[:300] for text in found) if isinstance(found, list) else ()


def _peak(header: dict[str, Any]) -> int:
    found = header.get("peak")
    return found if isinstance(found, int) else 0


@contextlib.contextmanager
def _told(who: str) -> Iterator[None]:
    """Say in plain words that a block could not be handed over."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(
            f"The inputs of {who!r} could not be handed to its process in {tempfile.gettempdir()} "
            f"({error.strerror or error}). Free some space there, or set TMPDIR to another folder."
        ) from error


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="musyq-isolated-"))
    try:
        yield folder
    finally:
        for name, _, _ in os.walk(folder):  # what the process made there may be closed to its owner
            with contextlib.suppress(OSError):
                Path(name).chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)


def _filled(folder: Path, algorithm: bytes, arrays: Sequence[NDArray[Any]]) -> tuple[Path, Path]:
    """Write what the process is given, and make an empty folder for it to work in."""
    inputs, work = folder / "inputs", folder / "work"
    inputs.mkdir()
    work.mkdir()
    (inputs / "algorithm").write_bytes(algorithm)
    for index, array in enumerate(arrays):
        np.save(inputs / f"{index:04d}.npy", array, allow_pickle=False)
    for path in inputs.iterdir():
        path.chmod(0o400)
    inputs.chmod(0o500)
    return inputs, work


def _request(inputs: Path, work: Path, result: int, call: str, limits: Limits, *, audit: bool) -> dict[str, Any]:
    path = [str(Path(entry or ".").resolve()) for entry in sys.path]
    base = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent)}
    own = str(Path(_child.__file__).resolve().parents[3] / "musyq_lab")
    return {
        "path": path,
        "parent": os.getpid(),
        "inputs": str(inputs),
        "result": result,
        "call": call,
        "scene": call == "scene",
        "audit": audit,
        "strict": limits.strict,
        "writable": [str(work), "/dev/null"],
        "readable": [
            *_SYSTEM,
            *sorted(base),
            *path,
            own,
            str(inputs),
            *(str(Path(own).expanduser().resolve()) for own in limits.readable),
        ],
        "limits": {
            name: getattr(limits, name) for name in ("cpu_seconds", "memory", "file_size", "processes", "open_files")
        },
    }


def _environment(work: Path) -> dict[str, str]:
    """Return all that the process sees of the environment."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = {f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}
    home = {name: str(work) for name in ("HOME", "TMPDIR")}
    # The store of compiled kernels would be an empty folder of the process, and making it a deed of the algorithm.
    fixed = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "MUSYQ_KERNEL_STORE": "0"}
    return {**fixed, **threads, **home, **kept}


def _watched(
    who: str, request: dict[str, Any], work: Path, result: IO[bytes], printed: IO[bytes], limits: Limits
) -> int:
    """Run the process to its end, or end it with all of its group when its time is up; return its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(Path(_child.__file__))],
        stdin=subprocess.PIPE,
        stdout=printed,
        stderr=subprocess.STDOUT,
        cwd=work,
        env=_environment(work),
        pass_fds=(result.fileno(),),
        start_new_session=True,
    )
    try:
        process.communicate(json.dumps(request).encode() + b"\n", timeout=limits.wall_seconds)
    except subprocess.TimeoutExpired:
        raise RecipeError(
            f"The algorithm {who!r} was ended: it took more than {limits.wall_seconds:g} s on the clock for one block. "
            "Give smaller blocks, or more time by Limits(wall_seconds=...)."
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode


def _read(who: str, result: IO[bytes], code: int, limits: Limits, printed: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Read the header, and the bytes that follow it."""
    size = os.fstat(result.fileno()).st_size
    result.seek(0)
    length = int.from_bytes(result.read(8), "little")
    if code != 0 or size < 8:
        raise RecipeError(_fate(who, code, limits, printed))
    if not 0 < length <= min(_child.MAX_HEADER, size - 8):
        raise _forged(who, "its header has no sensible length")
    try:
        header = json.loads(result.read(length))
    except (ValueError, RecursionError):
        raise _forged(who, "its header is no JSON") from None
    if not isinstance(header, dict) or not isinstance(header.get("arrays"), list):
        raise _forged(who, "its header lists no arrays")
    return header, result.read()


def _forged(who: str, reason: str) -> RecipeError:
    return RecipeError(
        f"What the algorithm {who!r} gave was refused: {reason}. It wrote into the file of its result by itself; "
        "return arrays, and write no files."
    )


def _fate(who: str, code: int, limits: Limits, printed: IO[bytes]) -> str:
    """Say how a process ended that gave no result."""
    memory = f"{limits.memory / 2**20:g} MiB"
    fates = {
        -signal.SIGXCPU: f"it took more than {limits.cpu_seconds} s of processor time for one block. Give smaller "
        "blocks, or more by Limits(cpu_seconds=...)",
        -signal.SIGSEGV: "it crashed (segmentation fault) in compiled code. Look for an index beyond an array",
        -signal.SIGBUS: "it crashed (bus error) in compiled code. Look for a mapped file that became shorter",
        -signal.SIGABRT: f"compiled code of it gave up (abort), often for lack of memory; it may take {memory}",
        -signal.SIGXFSZ: f"it wrote a file of more than {limits.file_size / 2**20:g} MiB",
        -signal.SIGKILL: "it was killed, by the system for lack of memory or by its limit of processor time "
        f"({limits.cpu_seconds} s)",
    }
    fate = fates.get(code, f"it ended without a result (exit code {code}). Return arrays, and do not end the process")
    return f"The algorithm {who!r} failed in its own process: {fate}.{_last_words(printed)}"


def _last_words(printed: IO[bytes]) -> str:
    size = os.fstat(printed.fileno()).st_size
    printed.seek(max(0, size - _TAIL))
    text = printed.read(_TAIL).decode("utf-8", "replace").strip()
    return f" It printed last: {''.join(c if c.isprintable() else ' ' for c in text)}" if text else ""


_OURS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, MusyqError)}


def _error(who: str, told: Any, limits: Limits) -> MusyqError:
    kind, text, where = (
        str(told.get(n, ""))[:2000] if isinstance(told, dict) else "" for n in ("kind", "text", "where")
    )
    if kind in _OURS:
        return _OURS[kind](text)
    if kind == "_LackingError":
        return InputError(
            f"The algorithm {who!r} was not run: this system lacks protections that Limits(strict=True) insists on "
            f"({text}). isolation.protections() lists them."
        )
    advice = ""
    if kind == "MemoryError":
        advice = f" It may take {limits.memory / 2**20:g} MiB: give smaller blocks, or more by Limits(memory=...)."
    elif "File too large" in text:
        advice = f" A file may have {limits.file_size / 2**20:g} MiB: see Limits(file_size=...)."
    elif kind in ("PermissionError", "BlockingIOError") or "Operation not permitted" in text:
        advice = " An isolated algorithm has no network, no further processes and no files beyond Limits(readable=...)."
    return RecipeError(f"The algorithm {who!r} failed in its own process: {kind}: {text} (in {where}).{advice}")


def _layers(who: str, rows: list[Any], rest: bytes) -> list[tuple[str, tuple[str, ...], NDArray[Any]]]:
    """Cut the bytes into the arrays that the header describes."""
    made, start = [], 0
    for row in rows:
        name, dims, dtype, shape = _row(who, row)
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if start + size > len(rest):
            raise _forged(who, f"it is shorter than it says ({len(rest)} bytes)")
        values = np.frombuffer(rest, dtype, size // dtype.itemsize, start).reshape(shape).copy()
        made.append((name, dims, values))
        start += size
    if start != len(rest):
        raise _forged(who, "it is longer than it says")
    return made


def _row(who: str, row: Any) -> tuple[str, tuple[str, ...], np.dtype[Any], tuple[int, ...]]:
    try:
        name, dims, dtype, shape = row["name"], row["dims"], row["dtype"], row["shape"]
        if not isinstance(name, str) or dtype not in _TYPES or len(dims) > 16:
            raise ValueError
        if not all(type(n) is int and 0 <= n < 2**40 for n in shape) or len(shape) > 16:
            raise ValueError
        return name, tuple(str(dim) for dim in dims), np.dtype(dtype), tuple(shape)
    except (KeyError, TypeError, ValueError, IndexError):
        raise _forged(who, "its header describes an array that cannot be") from None
