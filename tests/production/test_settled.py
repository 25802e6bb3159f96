"""An executed notebook without what differs from run to run."""

import json
import re
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from musyq_lab.production._settled import PROGRESS_LINE, settle


def stream(text: str, name: str = "stdout") -> dict:
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def shown(html: str) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {"text/html": html.splitlines(keepends=True)}}


def settled(folder: Path, *outputs: dict, times: dict | None = None) -> list[dict]:
    metadata = {"papermill": times or {}, "execution": {"x": 1}, "tags": ["t"]}
    cell = {"cell_type": "code", "id": uuid.uuid4().hex, "metadata": metadata, "outputs": list(outputs), "source": []}
    text = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": [str(uuid.uuid4())]}
    path = folder / "a.ipynb"
    path.write_text(json.dumps({"cells": [cell, text], "metadata": {"papermill": 1, "title": "T"}}), encoding="utf-8")
    seconds = settle(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["metadata"] == {"title": "T"}
    assert content["cells"][0]["metadata"] == {"tags": ["t"]}
    assert content["cells"][1]["source"] == text["source"], "what the author wrote stays"
    assert len(seconds) == 1
    return content["cells"][0]["outputs"]


def test_printed_lines_are_one_output_however_the_kernel_cut_them(tmp_path: Path) -> None:
    whole = settled(tmp_path, stream("a\nb\nc\n"), stream("late\n", "stderr"))
    for pieces in (
        [stream("a\n"), stream("b\nc\n"), stream("late\n", "stderr")],
        [stream("a\nb"), stream("late\n", "stderr"), stream("\nc\n")],
        [stream("late\n", "stderr"), stream("a\nb\nc\n")],
    ):
        assert settled(tmp_path, *pieces) == whole
    between = settled(tmp_path, stream("a\n"), shown("x"), stream("b\n"))
    assert [output["output_type"] for output in between] == ["stream", "display_data", "stream"]


def test_progress_lines_go_even_when_they_were_cut(tmp_path: Path) -> None:
    assert settled(tmp_path, stream("Rows: 5"), stream("0 %\n"), stream("Rows: 100 %\n")) == []
    assert settled(tmp_path, stream("a\nRows: 50 %\nb\n"))[0]["text"] == ["a\n", "b\n"]
    assert settled(tmp_path, stream("Rows: 50 %\n", "stderr")) == [stream("Rows: 50 %\n", "stderr")]


@pytest.mark.parametrize(("line", "expected"), [("Rows: 50 %\n", True), ("50 %\n", False), ("cover: 12.5 %\n", False)])
def test_progress_lines(line: str, expected: bool) -> None:
    assert bool(PROGRESS_LINE.match(line)) is expected


def test_xarray_and_pandas_show_equal_data_in_equal_bytes(tmp_path: Path) -> None:
    data = xr.Dataset({"a": ("x", np.arange(3.0))}, {"x": [1, 2, 3]}, {"title": "A"})
    table = pd.DataFrame({"a": [1.0]})
    pages = [(data._repr_html_(), table.style.format(precision=1).to_html()) for _ in range(2)]
    assert pages[0][0] != pages[1][0], "xarray draws random numbers; without that this file is not needed"
    assert pages[0][1] != pages[1][1]
    one, two = (settled(tmp_path, *map(shown, page)) for page in pages)
    assert one == two
    html = "".join(one[0]["data"]["text/html"])
    ids, targets = re.findall(r"id='([^']+)'", html), re.findall(r"for='([^']+)'", html)
    assert len(set(ids)) == len(ids) > 3, "numbers stay different from one another"
    assert set(targets) <= set(ids)


def test_two_outputs_share_no_number(tmp_path: Path) -> None:
    names = [str(uuid.uuid4()) for _ in range(2)]
    found = settled(tmp_path, shown(f"{names[0]} {names[1]}"), shown(names[0]))
    first, second = (("".join(output["data"]["text/html"])) for output in found)
    assert first.split()[0] == second != first.split()[1]


def test_the_kernels_own_files_are_not_told(tmp_path: Path) -> None:
    warning = "/tmp/x y/ipykernel_4711/123.py:13: UserWarning: low\n  warn()\n"
    (output,) = settled(tmp_path, stream(warning.replace("x y", "xy"), "stderr"))
    assert output["text"][0] == "ipykernel/123.py:13: UserWarning: low\n"


def test_the_time_of_a_cell_is_returned(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "metadata": {"papermill": {"duration": 1.23456}}, "outputs": [], "source": []}
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [cell, {**cell, "metadata": {}}], "metadata": {}}), encoding="utf-8")
    assert settle(path) == (1.235, 0.0)
