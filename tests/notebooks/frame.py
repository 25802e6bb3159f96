"""What every notebook of the course shares."""

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: nbformat.NotebookNode, tag: str) -> nbformat.NotebookNode:
    (cell,) = [c for c in notebook.cells if tag in c.metadata.get("tags", [])]
    return cell


def run(notebook: nbformat.NotebookNode, tags: list[str], space: dict) -> None:
    for tag in tags:
        exec(tagged(notebook, tag).source, space)


def feedback(notebook: nbformat.NotebookNode, space: dict) -> Any:
    """Hand in the answer of a name space, else the solution, and return what the check says."""
    run(notebook, ["solution"], space)
    return eval(tagged(notebook, "check").source, space)


def execute(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run all cells as a user of Binder does: in a fresh kernel and an empty folder, with 2 GB, 1 CPU, no network."""
    from nbclient import NotebookClient
    from traitlets.config import Config

    with tempfile.TemporaryDirectory() as scratch, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(limited_kernel(Path(scratch))))
        client = NotebookClient(
            nbformat.from_dict(notebook),
            timeout=400,
            kernel_name="limited",
            # a kernel without a network hears no port
            config=Config(KernelManager={"transport": "ipc", "ip": str(Path(scratch) / "kernel")}),
            resources={"metadata": {"path": str(folder)}},
        )
        return client.execute()


def limited_kernel(folder: Path) -> Path:
    """Describe the kernel of limited_kernel.py in a folder for Jupyter, and return the folder."""
    script = Path(__file__).with_name("limited_kernel.py")
    argv = [sys.executable, str(script), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = folder / "kernels" / "limited"
    spec.mkdir(parents=True)
    content = {"argv": argv, "display_name": "Limited", "language": "python", "env": binder_environment()}
    (spec / "kernel.json").write_text(json.dumps(content), "utf-8")
    return folder


def binder_environment() -> dict[str, str]:
    """Return the variables that Binder's sessions have."""
    return dict(re.findall(r"^export (\w+)=(.+)$", (ROOT / "binder" / "start").read_text("utf-8"), re.MULTILINE))


def printed(cell: nbformat.NotebookNode) -> str:
    return "".join(o.text for o in cell.outputs if o.get("name") == "stdout")


def said(cell: nbformat.NotebookNode) -> str:
    """What a cell printed and the text of what it showed, such as the feedback of ``ml.check``."""
    return printed(cell) + "".join(o.data.get("text/plain", "") for o in cell.outputs if "data" in o)


def numbers_of(notebook: nbformat.NotebookNode) -> dict:
    """What the last cell printed after NUMBERS, as JSON."""
    return json.loads(printed(code(notebook)[-1]).removeprefix("NUMBERS "))


def folders_of(factory: pytest.TempPathFactory, name: str) -> tuple[Path, Path]:
    """Make the empty folder that a notebook runs in, and one for what is temporary."""
    base = factory.mktemp(name)
    work, scratch = base / "work", base / "scratch"
    for folder in (work, scratch):
        folder.mkdir()
    return work, scratch


def resized(notebook: nbformat.NotebookNode, before: str, after: str) -> nbformat.NotebookNode:
    """Return a copy with one line of its parameters changed."""
    small = nbformat.from_dict(notebook)
    parameters = tagged(small, "parameters")
    assert before in parameters.source
    parameters.source = parameters.source.replace(before, after)
    return small


def smaller(notebook: nbformat.NotebookNode, less: dict[str, str], *more: str) -> nbformat.NotebookNode:
    """Return a copy with lines of its parameters changed, and cells behind the last that print what is tested."""
    small = nbformat.from_dict(notebook)
    for before, after in less.items():
        small = resized(small, before, after)
    small.cells += [nbformat.v4.new_code_cell(source) for source in more]
    return small


def execute_here(notebook: nbformat.NotebookNode, work: Path, scratch: Path) -> nbformat.NotebookNode:
    """Run all cells with this tree on the path and a folder of its own for what is temporary."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("TMPDIR", str(scratch))
        # urllib3 of another package says so now and then, when two threads import it at once.
        patch.setenv("PYTHONWARNINGS", "ignore:SOCKS support")
        return execute(notebook, work)
