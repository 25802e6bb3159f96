"""The page's Markdown without scripts, and the result folder under damaged records and awkward names."""

import json
from pathlib import Path

import nbformat
import pytest

from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.production._html import Exporter
from musyq_lab.production.report import mathml, remote_loads
from musyq_lab.production.staging import (
    _LOCK,
    _PARTIAL,
    RECORD,
    _drop_empty,
    _record_first,
    foreign_files,
    publish,
    result_folder,
)


def page(*cells: nbformat.NotebookNode) -> str:
    resources = {"metadata": {"path": "."}, "code_label": "Code <1>", "font_face": ""}
    text, _ = Exporter().from_notebook_node(nbformat.v4.new_notebook(cells=list(cells)), resources=resources)
    return str(text)


def markdown(text: str, **more: object) -> str:
    return page(nbformat.v4.new_markdown_cell(text, **more))


@pytest.mark.parametrize(
    ("text", "display"),
    [("a $x^2$ b", "inline"), ("$$x^2$$", "block"), (r"\begin{equation}x^2\end{equation}", "block")],
)
def test_formulas_become_mathml_in_their_place(text: str, display: str) -> None:
    found = markdown(text)
    assert f'display="{display}"' in found
    assert "<msup>" in found
    assert "MathJax" not in found


def test_a_dollar_in_code_is_no_formula() -> None:
    found = markdown("`$x^2$`")
    assert "<math" not in found.split("<body", 1)[1]
    assert "$x^2$" in found


def test_a_page_of_every_kind_of_cell_loads_nothing() -> None:
    code = nbformat.v4.new_code_cell("1 + 1", outputs=[nbformat.v4.new_output("stream", text="two\n")])
    found = page(
        nbformat.v4.new_markdown_cell("# T\n\n```mermaid\ngraph TD\n```"), code, nbformat.v4.new_raw_cell("raw")
    )
    assert remote_loads(found) == []
    assert "<script" not in found.lower()
    assert "two" in found


def test_code_is_folded_under_its_label() -> None:
    found = page(nbformat.v4.new_code_cell("answer = 42"))
    assert found.count('<details class="musyq-code">') == 1
    assert "answer" in found.split('<details class="musyq-code">')[1]


def test_an_attached_picture_is_inside_the_page() -> None:
    found = markdown("![p](attachment:a.png)", attachments={"a.png": {"image/png": "QUJD"}})
    assert "data:image/png;base64,QUJD" in found
    assert "attachment:" not in found


@pytest.mark.parametrize("tex", ["x < y & z", r"\frac{", "<script>alert(1)</script>", "{", ""])
@pytest.mark.parametrize("block", [True, False])
def test_a_formula_never_writes_markup_of_its_own(tex: str, block: bool) -> None:
    found = mathml(tex, block=block)
    assert "<script" not in found
    assert found.startswith(("<math", "<pre", "<code"))


def test_the_record_leads_whatever_the_names() -> None:
    names = ["z", "a", RECORD, "A/b", " "]
    assert _record_first(names)[0] == RECORD
    assert sorted(_record_first(names)) == sorted(names)
    assert _record_first([]) == []


def fill(partial: Path, *names: str) -> list[str]:
    entity = {name: {"musyq:role": "output", "musyq:file": name} for name in names}
    for name in names:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_text("new", encoding="utf-8")
    (partial / RECORD).write_text(json.dumps({"entity": entity}), encoding="utf-8")
    return [*names, RECORD]


def make(out: Path, *names: str) -> None:
    with result_folder(out) as partial:
        publish(out, partial, fill(partial, *names))


def seen(out: Path) -> set[str]:
    return {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "record",
    ["", "{", "[]", "null", "3", '"text"', '{"entity": []}', '{"entity": null}', '{"entity": {"a": 1}}', "\x00"],
)
def test_a_damaged_record_claims_no_file(tmp_path: Path, record: str) -> None:
    (tmp_path / RECORD).write_text(record, encoding="utf-8")
    (tmp_path / "a.txt").write_text("mine", encoding="utf-8")
    assert "a.txt" in foreign_files(tmp_path, ["a.txt", "b.txt"])
    with result_folder(tmp_path) as partial, pytest.raises(InputError, match="made by no recipe run"):
        publish(tmp_path, partial, fill(partial, "a.txt"))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "mine"
    assert seen(tmp_path) == {"a.txt", RECORD}


def test_only_outputs_of_a_record_are_its_own(tmp_path: Path) -> None:
    entity = {
        "i": {"musyq:role": "input", "musyq:file": "in.nc"},
        "o": {"musyq:role": "output", "musyq:file": "out.nc"},
    }
    (tmp_path / RECORD).write_text(json.dumps({"entity": entity}), encoding="utf-8")
    for name in ("in.nc", "out.nc"):
        (tmp_path / name).touch()
    assert foreign_files(tmp_path, ["out.nc", "none.nc", "in.nc", RECORD]) == ["in.nc"]


def test_nothing_stands_in_the_way_of_an_empty_folder(tmp_path: Path) -> None:
    assert foreign_files(tmp_path, ["a", RECORD]) == []
    assert foreign_files(tmp_path / "none", ["a"]) == []


@pytest.mark.parametrize("name", ["with space.txt", "雨/图.svg", "a.b.c", "-dash", "#x", "deep/er/and/deeper.txt"])
def test_awkward_names_arrive_and_are_replaced(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    make(out, name)
    assert seen(out) == {name, RECORD}
    make(out, "other.txt")
    assert seen(out) == {"other.txt", RECORD}
    assert [p.name for p in out.iterdir() if p.is_dir()] == []


def test_nothing_hidden_is_left_behind(tmp_path: Path) -> None:
    make(tmp_path / "out", "a.txt")
    assert not [p.name for p in (tmp_path / "out").iterdir() if p.name.startswith((_PARTIAL, _LOCK))]


def fail_in(partial: Path) -> None:
    fill(partial, "a.txt")
    raise ZeroDivisionError


def test_a_failure_removes_the_folders_it_made_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(ZeroDivisionError), result_folder(tmp_path / "there" / "a" / "b") as partial:
        fail_in(partial)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_folder_is_locked_while_it_is_used_and_free_after(tmp_path: Path) -> None:
    with result_folder(tmp_path / "out"):
        with pytest.raises(RecipeError, match="Another run works in"), result_folder(tmp_path / "out"):
            pytest.fail("two at once")
        with result_folder(tmp_path / "other") as free:
            assert free.is_dir()
    make(tmp_path / "out", "a.txt")
    assert seen(tmp_path / "out") == {"a.txt", RECORD}


def test_a_lock_file_of_a_dead_run_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / _LOCK).touch()
    make(tmp_path, "a.txt")
    assert seen(tmp_path) == {"a.txt", RECORD}


def test_what_a_dead_run_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / f"{_PARTIAL}dead").mkdir()
    (tmp_path / f"{_PARTIAL}dead" / "half.nc").touch()
    make(tmp_path, "a.txt")
    assert seen(tmp_path) == {"a.txt", RECORD}


def test_a_file_where_a_parent_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"), result_folder(tmp_path / "file" / "a" / "b"):
        pytest.fail("no such folder can be")


def test_empty_folders_go_and_used_ones_stay(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "keep.txt").touch()
    _drop_empty(tmp_path, "a/b/gone.txt")
    assert not (tmp_path / "a" / "b").exists()
    assert (tmp_path / "a" / "keep.txt").is_file()
    _drop_empty(tmp_path, "gone.txt")
    assert tmp_path.is_dir()
