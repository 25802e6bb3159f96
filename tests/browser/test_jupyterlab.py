"""JupyterLab in a headless Chromium, without a network: what a cell shows, and that a click reaches the kernel."""

import sys
from pathlib import Path

import nbformat
import pytest
from browser import stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = (
    "import musyq_lab as ml",
    'view = ml.explore("ghi_merra2_monthly", month=7)\nview',
)


def write(folder: Path, name: str, cells: tuple[str, ...]) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / name)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    """Address of a JupyterLab that knows nothing of the person who runs the tests."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    stage.chromium()
    folder = tmp_path_factory.mktemp("lab")
    write(folder, "explore.ipynb", CELLS)
    port = stage.free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += [
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.news_url=",
        "--expose-app-in-browser",
    ]
    home = {
        name: str(folder / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    with stage.process(command, f"http://127.0.0.1:{port}/lab", folder, **home, PYTHONWARNINGS="ignore") as url:
        yield url


def run_all(page, lab: str, name: str) -> None:
    """Open a notebook and run its cells by JupyterLab's own menu."""
    page.goto(f"{lab}/tree/{name}", wait_until="commit")
    page.wait_for_selector(".jp-Notebook", timeout=90_000)
    page.wait_for_selector("text=/\\| Idle/", timeout=90_000)
    page.locator("text=Run >> nth=0").click()
    page.locator(".lm-Menu-itemLabel:text-is('Run All Cells')").click()


def test_a_cell_shows_the_explorer_and_a_click_gives_a_series(page, lab):
    run_all(page, lab, "explore.ipynb")
    page.wait_for_selector(".bk-Figure", timeout=120_000)
    page.wait_for_timeout(2000)
    figure = page.locator(".bk-Figure").first
    figure.scroll_into_view_if_needed()
    for share in (0.72, 0.70, 0.68):  # a quick tap can be lost (holoviews#5076)
        box = figure.bounding_box()
        page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.35)
        try:
            page.wait_for_selector("text=/mean .* lowest/", timeout=10_000)
            break
        except Exception:
            continue
    assert "N," in page.locator("text=/mean .* lowest/").first.inner_text()
    assert stage.external(page, lab) == []
