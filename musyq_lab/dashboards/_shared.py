"""What sessions share: opened cubes and the pieces of maps that were read last. All of it is read-only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES = 96 * 2**20
"""Memory for pieces of maps, of all sessions together."""
CUBES = 64
"""Opened cubes that are kept; they are lazy, so each is small."""


class Shared:
    """The last used arrays up to a number of bytes, and the last used objects up to a count.

    Parameters
    ----------
    limit : int
        Most bytes (of arrays) or objects.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    @property
    def used(self) -> int:
        """Bytes of what is kept; an object that is no array counts as one."""
        return sum(_size(item) for item in self._kept.values())

    def get(self, key: Hashable | None, make: Callable[[], Any]) -> Any:
        """Return what is kept under a key, or make and keep it; with the key None nothing is kept.

        Two sessions that ask at once may both make it; neither waits for the other.
        """
        if key is None:
            return make()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        if isinstance(made, np.ndarray):
            made.setflags(write=False)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > 1 and self.used > self.limit:
                self._kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


def _size(item: Any) -> int:
    return int(item.nbytes) if isinstance(item, np.ndarray) else 1


PIECES = Shared(BYTES)
"""Pieces of maps, as arrays."""
OPENED = Shared(CUBES)
"""Opened cubes."""


def read(key: Hashable | None, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    """Return an array that is kept for all sessions; see :meth:`Shared.get`."""
    array: NDArray[Any] = PIECES.get(key, make)
    return array
