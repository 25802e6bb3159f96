"""The process that touches HDF4 files, so that the caller does not: run by path, it imports nothing of this package.

The HDF4 C library crashes on some damaged headers, loops on others, and is not thread-safe. One line of JSON comes in
on standard input for each request, and one line of JSON goes out, followed by the bytes that were asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from pathlib import Path
from typing import Any, BinaryIO

IDLE = 60.0
"""Seconds without a request after which the process ends by itself."""

MAX_REPLY = 16 * 2**20
"""Bytes of the longest description of a file."""

_MAX_DATASETS = 10_000
# Numbers of pyhdf.SD.SDC -> numpy; the others (text, 64-bit integers) hold no layers that this package reads.
_TYPES = {3: "u1", 5: "f4", 6: "f8", 20: "i1", 21: "u1", 22: "i2", 23: "u2", 24: "i4", 25: "u4"}


def describe(path: str) -> dict[str, Any]:
    """Return the global attributes and the description of every dataset of a file."""
    from pyhdf.SD import SD, SDC

    file = SD(path, SDC.READ)
    count, _ = file.info()
    if count > _MAX_DATASETS:
        raise ValueError(f"it declares {count} datasets")
    return {"attributes": file.attributes(), "datasets": [_dataset(file.select(i), i) for i in range(count)]}


def _dataset(sds: Any, index: int) -> dict[str, Any]:
    name, rank, shape, kind, _ = sds.info()
    return {
        "name": name,
        "index": index,
        "ref": sds.ref(),
        "shape": [shape] if rank == 1 else list(shape),
        "dims": [sds.dim(axis).info()[0] for axis in range(rank)],
        "dtype": _TYPES.get(kind, ""),
        "attributes": sds.attributes(),
    }


class Server:
    """Answers requests; keeps the file of the last one open."""

    def __init__(self) -> None:
        """Start with no file."""
        self._state: Any = None
        self._file: Any = None

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes | memoryview]:
        """Return the reply to a request and the bytes that go with it."""
        if request["do"] == "describe":
            return describe(request["path"]), b""
        data = self._open(request).select(request["index"])
        if data.info()[0] != request["name"]:
            raise ValueError(f"dataset {request['index']} is {data.info()[0]!r}, not {request['name']!r}")
        values = data.get(tuple(request["start"]), tuple(request["count"]))
        flat = values.reshape(-1)  # pyhdf drops axes of length one
        return {"dtype": flat.dtype.str[1:], "size": flat.size, "bytes": flat.nbytes}, flat.data.cast("B")

    def _open(self, request: dict[str, Any]) -> Any:
        from pyhdf.SD import SD, SDC

        if self._state != request["state"]:
            self._file = self._state = None
            self._file = SD(request["path"], SDC.READ)
            self._state = request["state"]
        return self._file


def limit(seconds: float, memory: int) -> None:
    """Set what a request may use on top of what the process has used: a damaged file may loop, or ask for the moon."""
    try:
        import resource

        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return  # not Linux: the caller's clock remains
    usage = resource.getrusage(resource.RUSAGE_SELF)
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + seconds) + 1),
        (resource.RLIMIT_AS, mapped + memory),
    ):
        resource.setrlimit(what, (value, resource.getrlimit(what)[1]))


def main() -> None:
    """Answer requests until there are no more."""
    # What the C library prints must not mix with the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(ImportError):  # a request will tell
        import pyhdf.SD  # noqa: F401  # before the limits are set
    server = Server()
    while line := _next():
        request = json.loads(line)
        limit(request["seconds"], request["memory"])
        _reply(replies, server, request)


def _next() -> bytes:
    if os.name == "posix" and not select.select([0], [], [], IDLE)[0]:
        return b""
    return sys.stdin.buffer.readline()


def _reply(replies: BinaryIO, server: Server, request: dict[str, Any]) -> None:
    data: bytes | memoryview = b""
    try:
        reply, data = server.answer(request)
        text = json.dumps(reply)
        if len(text) > MAX_REPLY:
            raise ValueError("its metadata are longer than any real file's")
    except Exception as error:
        data, text = b"", json.dumps({"error": f"{type(error).__name__}: {str(error)[:300]}"})
    replies.write(text.encode() + b"\n")
    replies.write(data)
    replies.flush()


if __name__ == "__main__":
    main()
