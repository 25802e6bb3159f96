"""Arrays of dask in a job: progress by chunk, and an end at the next chunk when the job is to stop.

What is computed runs on the active dask client where there is one, else in threads of this process. A job talks to the
scheduler through a client of its own, so that closing it ends the job's tasks and nobody else's.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.dashboards._jobs import Job

_watches: dict[str, _Watch] = {}


class _Watch:
    """Counts the chunks of a job that are done."""

    def __init__(self, job: Job, total: int) -> None:
        self._job, self._total, self._done = job, total, 0
        self._lock = threading.Lock()

    def one(self) -> None:
        with self._lock:
            self._done += 1
            done = self._done
        self._job.step(done, self._total)

    def told(self, _event: Any) -> None:
        """Count a chunk that a worker of a cluster has done; what ends the job there is its client."""
        if not self._job.stopping:
            self.one()


def active_client() -> Any:
    """Return the dask client that is active, None where there is none; none is made."""
    if "distributed" not in sys.modules:
        return None
    from distributed import Client

    try:
        return Client.current()
    except ValueError:
        return None


@contextmanager
def watched(job: Job, data: xr.Dataset) -> Iterator[xr.Dataset]:
    """Give the data with a look at the job in each of their chunks; compute them inside, in this thread.

    Parameters
    ----------
    job : Job
        Is told how many chunks are done, and ends the computation when it is to end.
    data : xarray.Dataset
        Variables backed by dask; others are passed on as they are.
    """
    lazy = {name: array for name, array in data.data_vars.items() if array.chunks is not None}
    total = sum(int(np.prod(array.data.numblocks)) for array in lazy.values())
    key = f"musyq-{secrets.token_hex(8)}"
    watch = _watches[key] = _Watch(job, total)
    try:
        with _own_client(job, key, watch):
            yield data.assign({name: _looked_at(array, key) for name, array in lazy.items()})
    finally:
        del _watches[key]


def _looked_at(array: xr.DataArray, key: str) -> xr.DataArray:
    return array.copy(data=array.data.map_blocks(_look, key, dtype=array.dtype, meta=array.data._meta))


def _look(block: np.ndarray[Any, Any], key: str) -> np.ndarray[Any, Any]:
    """Pass a chunk on; it runs in a thread of this process, or on a worker elsewhere."""
    watch = _watches.get(key)
    if watch is not None:
        watch.one()
    else:
        from distributed import get_worker

        get_worker().log_event(key, 1)
    return block


@contextmanager
def _own_client(job: Job, topic: str, watch: _Watch) -> Iterator[None]:
    active = active_client()
    if active is None:
        yield
        return
    from distributed import Client

    with ExitStack() as stack:
        own = Client(active.scheduler.address, security=active.security, set_as_default=False)
        stack.callback(own.close)
        own.subscribe_topic(topic, watch.told)
        stack.enter_context(own.as_current())
        stack.enter_context(job.stopped_by(lambda: _leave(own, topic)))
        yield


def _leave(client: Any, topic: str) -> None:
    with suppress(ValueError, OSError):  # not subscribed any more, or the scheduler is gone
        client.unsubscribe_topic(topic)
    client.close()


def bytes_at_once(data: Mapping[Any, xr.DataArray]) -> int:
    """Return the bytes of the largest chunk of each array together: what a task holds at once, without temporaries."""
    return sum(
        int(np.prod([max(sizes, default=0) for sizes in array.chunks])) * array.dtype.itemsize
        for array in data.values()
        if array.chunks is not None
    )
