"""Arrays of a task are computed in the threads of its process, also where that process is a worker of a client.

``dask.config.set`` is one setting for all threads of a process: two tasks that enter and leave it in another order
would leave it set for good, or take it from one another in the middle.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_lock = threading.Lock()
_inside = 0
_setting = ExitStack()


@contextmanager
def arrays_in_threads() -> Iterator[None]:
    """Set the scheduler of dask to threads while any task of this process is inside."""
    global _inside  # noqa: PLW0603  (a process has one setting)
    import dask

    with _lock:
        if not _inside:
            _setting.enter_context(dask.config.set(scheduler="threads"))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _setting.close()
