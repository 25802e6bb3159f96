"""The last few results of long work, made once whatever thread asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any


class _Slot:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: Any = None
        self.made = False


class Kept:
    """Results by key; the oldest beyond a number are forgotten.

    Parameters
    ----------
    most
        How many to keep.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._slots: dict[Hashable, _Slot] = {}

    def __call__(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return the result of a key, made by the first who asks while the others wait; after an error it is made anew.

        Parameters
        ----------
        key
            What it is.
        make
            Makes it.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            while len(self._slots) > self._most:
                del self._slots[next(iter(self._slots))]
        with slot.lock:
            if not slot.made:
                slot.value, slot.made = make(), True
            return slot.value
