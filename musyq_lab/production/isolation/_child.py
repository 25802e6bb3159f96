"""The process that runs somebody's algorithm, so that the caller does not: run by path, one block, then it ends.

One line of JSON comes in on standard input. The algorithm and its arrays lie in a folder of read-only files, written by
the caller and therefore trusted. What comes out goes to one file that the caller holds open: eight bytes of length, a
JSON header, and the bytes of the arrays; the caller trusts none of it.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MAX_HEADER = 256 * 1024
"""Bytes of the longest header."""
_MAX_TEXT = 2000


def main() -> None:
    """Answer the one request."""
    request = json.loads(sys.stdin.readline())
    sys.path[:] = request["path"]
    from musyq_lab.production.isolation import _confine

    _confine.die_with_parent(request["parent"])
    # What the caller trusts is imported before the limits are set, and does not count.
    import cloudpickle  # noqa: F401
    import numpy as np  # noqa: F401

    import musyq_lab.products._block

    if request["scene"]:
        import musyq_lab.products._scene_body  # noqa: F401  (xarray)
    with os.fdopen(request["result"], "wb", closefd=True) as result:
        _answer(request, _confine, result)


def _answer(request: Mapping[str, Any], confine: Any, result: Any) -> None:
    writes: list[str] = []
    header: dict[str, Any] = {"arrays": []}
    blocks: list[Any] = []
    try:
        confine.limit(**request["limits"])
        confine.drop_capabilities()
        held = _hold(request, confine)
        header["lacking"] = [name for name in confine.PROTECTIONS if not held[name]]
        if request["strict"] and header["lacking"]:
            raise _LackingError(", ".join(header["lacking"]))
        if request["audit"]:
            _watch(writes)
        names, blocks = _run(Path(request["inputs"]), request["call"])
        if sum(block.nbytes for block in blocks) + MAX_HEADER > resource.getrlimit(resource.RLIMIT_FSIZE)[0]:
            raise OSError(errno.EFBIG, "File too large: its result")
        header["arrays"] = [
            {"name": name, "dims": dims, "dtype": a.dtype.str, "shape": list(a.shape)}
            for (name, dims), a in zip(names, blocks, strict=True)
        ]
    except BaseException as error:  # SystemExit of an algorithm is an error like any other
        header["error"], blocks = _told(error), []
        header["arrays"] = []
    header["events"] = sorted(set(writes))[:20]
    header["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    text = json.dumps(header).encode()
    result.write(len(text).to_bytes(8, "little") + text)
    for block in blocks:
        result.write(memoryview(block).cast("B") if block.size else b"")
    result.flush()


class _LackingError(Exception):
    """A protection that the caller insists on is not there."""


def _hold(request: Mapping[str, Any], confine: Any) -> dict[str, bool]:
    """Confine this process; a filter holds one thread, so that with several there is no such protection."""
    alone = len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    files = confine.confine_files(request["writable"], request["readable"])
    calls = confine.confine_calls(processes=bool(request["limits"]["processes"]))
    return {"files": alone and files and calls, "network": alone and calls, "processes": alone and calls}


def _run(inputs: Path, call: str) -> tuple[list[tuple[str, list[str]]], list[Any]]:
    """Load the algorithm and its arrays, call it, and return names with dimensions, and contiguous arrays."""
    import cloudpickle
    import numpy as np

    arrays = [np.load(path, mmap_mode="c", allow_pickle=False) for path in sorted(inputs.glob("*.npy"))]
    work = cloudpickle.loads((inputs / "algorithm").read_bytes())
    made = work.perform(call, arrays)
    arrays = [np.asarray(array) for _, _, array in made]
    if odd := [a.dtype.str for a in arrays if a.dtype.kind not in "fiub" or a.dtype.itemsize > 8]:
        raise TypeError(f"it returned arrays of the type {odd[0]}, where numbers of at most 64 bits were wanted")
    # The shape is kept where an array has no dimensions (ascontiguousarray would make one).
    blocks = [np.ascontiguousarray(a, a.dtype.newbyteorder("=")).reshape(a.shape) for a in arrays]
    return [(name, [str(dim) for dim in dims]) for name, dims, _ in made], blocks


def _told(error: BaseException) -> dict[str, str]:
    """Return an error as texts: its class, its message, and where in whose code."""
    where = ""
    for frame in traceback.extract_tb(error.__traceback__):
        where = f"{frame.name}, line {frame.lineno}"
    try:
        text = str(error)
    except Exception:  # an error whose text fails
        text = ""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    kind = "MemoryError" if "MemoryError" in kinds else kinds[0]
    return {"kind": kind, "text": text[:_MAX_TEXT], "where": where[:_MAX_TEXT]}


_STARTED = (
    "socket.__new__",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.bind",
    "subprocess.Popen",
    "os.system",
    "os.fork",
    "os.exec",
)
_CHANGED = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_NOT_MEANT = ("/__pycache__", "/dev/null", ".nbi", ".nbc", "/proc/self")


def _watch(found: list[str]) -> None:
    """Note from now on what the interpreter is asked to write, to connect to and to start."""
    sys.addaudithook(_noting(found))


def _of_the_interpreter() -> bool:
    """Whether it happens while a module is imported, or while the interpreter asks what machine this is."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib") or frame.f_globals.get("__name__") == "platform":
            return True
        frame = frame.f_back
    return False


def _noting(found: list[str]) -> Callable[[str, Any], None]:
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def note(event: str, arguments: Any) -> None:
        if event != "open" and event not in _CHANGED and event not in _STARTED:
            return
        if _of_the_interpreter():
            return
        if event == "open":
            path, _, flags = arguments
            what = os.fsdecode(path) if isinstance(path, str | bytes) else ""
            if what and flags & writing and not any(part in what for part in _NOT_MEANT):
                found.append(f"writes {what[:200]}")
        else:
            found.append(f"{event} {arguments[0]!r}"[:200])

    return note


if __name__ == "__main__":
    main()
