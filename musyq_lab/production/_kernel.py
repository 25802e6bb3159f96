"""papermill with our own kernel, progress and memory reading.

papermill's stock engine takes whatever kernel is registered as ``python3``, which may be another Python, changes the
working directory of the whole process and draws its own bar. The engine here starts the Python that runs this very
code, registered or not, in a folder of its choice, and tells a :class:`Progress` what it does.
"""

from __future__ import annotations

import os
import re
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from musyq_lab.core.progress import PLAIN_VARIABLE

ENGINE = "musyq"

_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$", re.MULTILINE)

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class Progress(Protocol):
    """What a run tells while it works."""

    def cell(self, step: int, total: int, title: str) -> None:
        """Tell that a code cell starts: its number, how many there are, and the heading it stands under."""

    def line(self, text: str) -> None:
        """Tell a line that a cell printed."""


class _Manager(AsyncKernelManager):
    """Starts the Python that runs this code, whatever kernels are registered on the machine."""

    log_path: Path | None = None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.has_trait("transport_encryption"):  # jupyter_client 8.9 and newer
            self.transport_encryption = "auto"

    @property
    def kernel_spec(self) -> KernelSpec:
        """Describe how to start this very Python as a kernel."""
        # jupyter's debugger wants to see the standard library's files; it has no use here, only a warning.
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        able = {"supported_encryption": ["curve"]}
        return KernelSpec(argv=argv, display_name="Python 3", language="python", env=_environment(), metadata=able)

    async def _async_pre_start_kernel(self, **options: Any) -> Any:
        # What the kernel program itself says (no cell's output) goes to a file, to be read if it dies.
        if self.log_path:
            with self.log_path.open("ab") as log:
                handle = os.dup(log.fileno())
            options.update(stdout=handle, stderr=handle)
        return await super()._async_pre_start_kernel(**options)

    pre_start_kernel = _async_pre_start_kernel


def _environment() -> dict[str, str]:
    """Return what the kernel's environment has beyond ours."""
    environment = {PLAIN_VARIABLE: "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    root = str(Path(__file__).resolve().parents[2])
    if root not in {*site.getsitepackages(), site.getusersitepackages()}:  # a source tree: run the same code
        paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    return environment


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Tells the progress and reads the kernel's peak memory before it is shut down."""

    def __init__(self, nb_man: Any, *, report: Progress, peak: list[int], **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._report = report
        self._peak = peak
        self._headings = headings(self.nb.cells)

    def papermill_execute_cells(self) -> None:
        """Execute the cells one after another."""
        try:
            super().papermill_execute_cells()
        finally:
            if peak := peak_memory(getattr(self.km.provisioner, "pid", None)):
                self._peak.append(peak)

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Tell which cell starts, then execute it."""
        if cell.cell_type == "code":
            kinds = [entry.cell_type == "code" for entry in self.nb.cells]
            self._report.cell(sum(kinds[: cell_index + 1]), sum(kinds), self._headings[cell_index])
        return super().execute_cell(cell, cell_index, **options)

    def process_message(self, *message: Any, **options: Any) -> Any:
        """Handle a message of the kernel and pass printed lines on."""
        output = super().process_message(*message, **options)
        content = message[0].get("content", {})
        if message[0].get("msg_type") == "stream" and content.get("name") == "stdout":
            for line in content.get("text", "").splitlines():
                self._report.line(line)
        return output


class _Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine with the client above."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook that papermill manages."""
        folder, log = options["musyq_folder"], options["musyq_log"]
        manager = type("Manager", (_Manager,), {"log_path": log})
        return _Client(
            nb_man,
            report=options["musyq_progress"],
            peak=options["musyq_peak"],
            kernel_name=kernel_name,
            kernel_manager_class=manager,
            resources={"metadata": {"path": str(folder)}},
            record_timing=False,
            startup_timeout=120,
            timeout=None,
        ).execute()


papermill_engines.register(ENGINE, _Engine)


def headings(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the nearest heading at or above each cell, empty where there is none."""
    found, current = [], ""
    for cell in cells:
        if cell["cell_type"] == "markdown" and (titles := _HEADING.findall("".join(cell["source"]))):
            current = titles[-1]
        found.append(current)
    return found


def peak_memory(pid: int | None) -> int | None:
    """Return the peak resident memory of a live process in bytes, None where the system does not tell."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace"))
    except OSError:
        return None
    return int(found.group(1)) * 1024 if found else None
