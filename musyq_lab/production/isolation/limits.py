"""What an isolated algorithm may use, which protections this system offers, and what is not isolated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from musyq_lab.core.errors import InputError
from musyq_lab.core.registry import html_table

_MIB = 2**20

NOT_ISOLATED = (
    "The module that holds an algorithm is imported in your own session; only the algorithm's calls are isolated.",
    "The process runs as you, on the same kernel: it is no virtual machine and no container, and a fault of the kernel "
    "is not contained.",
    "What you may read under /etc, /usr and /opt, in the Python installation and in the folders of sys.path (of a "
    "notebook: its own folder too) stays readable, such as /etc/passwd; where the kernel has no Landlock, everything "
    "that you may read can be read, your environment included, and what you may write can be written.",
    "Names, sizes and dates of files whose path it knows can be asked for.",
    "Where the kernel refuses seccomp filters, network, further processes and signals to your other processes are not "
    "blocked; processes that Limits(processes=...) allows may leave their group and live on.",
    "Memory and CPU are limited for each process, and each block has a process: N blocks at once may use N times as "
    "much. The size of a file is limited, the number of files in the temporary folder is not.",
    "A result is checked for names, types, shapes and ranges, not for truth: a wrong number within its range passes.",
)
"""Plain sentences about what the isolation does not do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process of one block may use."""

    cpu_seconds: int = 120
    """Processor time, all threads together."""
    memory: int = 2048 * _MIB
    """Bytes of address space beyond what the interpreter and the libraries take before the algorithm starts."""
    file_size: int = 256 * _MIB
    """Bytes of any file it writes, the result among them."""
    processes: int = 0
    """Further tasks (processes and threads) it may start; where this is 0 no process, and threads are not counted."""
    wall_seconds: float = 300.0
    """Time on the clock, after which the process and its group are killed."""
    open_files: int = 256
    """Files open at once."""
    readable: tuple[str, ...] = ()
    """Files and folders of yours that it may read beyond the Python installation, sys.path and the system's own."""
    strict: bool = False
    """Whether to refuse to run where this system lacks a protection of :func:`protections`."""

    def __post_init__(self) -> None:
        """Refuse numbers that are no limits."""
        for name in ("cpu_seconds", "memory", "file_size", "open_files", "processes"):
            value = getattr(self, name)
            least = 0 if name == "processes" else 16 if name == "open_files" else 1
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**62:
                raise InputError(f"Limits({name}={value!r}) is no limit. Give a whole number, {least} or more.")
        seconds = self.wall_seconds
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
            raise InputError(f"Limits(wall_seconds={seconds!r}) is no limit. Give seconds above 0.")
        given: object = self.readable
        if isinstance(given, str):
            raise InputError(f"Limits(readable=...) must be a tuple of paths, got the text {given!r}.")
        object.__setattr__(self, "readable", tuple(str(path) for path in self.readable))

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        names = {"memory": 1.0 / _MIB, "file_size": 1.0 / _MIB}
        rows = [["limit", "value"]]
        for name, value in asdict(self).items():
            rows.append([name, f"{value * names[name]:g} MiB" if name in names else str(value)])
        return rows

    def _repr_html_(self) -> str:
        return html_table(self.table(), "Limits of an isolated algorithm") + protections()._repr_html_()


@dataclass(frozen=True)
class Protections:
    """What the kernel of this system enforces beyond the limits, as the process itself found it."""

    rows: Sequence[tuple[str, bool, str]]
    """Name, whether it is in force, what it does."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Names of those that are not in force."""
        return tuple(name for name, on, _ in self.rows if not on)

    def __iter__(self) -> Any:
        """Iterate over the rows."""
        return iter(self.rows)

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        return [["protection", "in force", "what it does"], *([n, "yes" if on else "NO", t] for n, on, t in self.rows)]

    def __repr__(self) -> str:
        """Show both: what is, and what is not isolated."""
        lines = [f"{name}: {'in force' if on else 'NOT in force'} ({text})" for name, on, text in self.rows]
        return "\n".join([*lines, "Not isolated:", *(f"- {line}" for line in NOT_ISOLATED)])

    def _repr_html_(self) -> str:
        rest = html_table([["not isolated"], *([line] for line in NOT_ISOLATED)])
        return html_table(self.table(), "Protections of this system") + rest


def protections() -> Protections:
    """Return what this system's kernel can enforce on an isolated algorithm.

    Returns
    -------
    Protections
        A table: text, or HTML in a notebook. Nothing of the calling process is changed.
    """
    from musyq_lab.production.isolation import _confine

    calls = _confine.seccomp_offered()
    available = {"files": calls and _confine.landlock_version() > 0, "network": calls, "processes": calls}
    return Protections(tuple((name, available[name], text) for name, text in _confine.PROTECTIONS.items()))
