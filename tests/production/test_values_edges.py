"""Kept values of stages, tables of sweeps and finished results, at their edges."""

import json
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError, NotFoundError, RecipeError
from musyq_lab.production import finished as finished_module
from musyq_lab.production import stages
from musyq_lab.production._values import is_lazy, join, split
from musyq_lab.production.finished import _is_whole, _made_from, is_finished
from musyq_lab.production.run import Options, RecipeResult, _files, result_path
from musyq_lab.production.sweep import _folder_names, _nameless
from musyq_lab.production.sweep_result import SweepResult, SweepRun, text_of_value


def back(value: object) -> object:
    tree, arrays = split(value)
    return join(json.loads(json.dumps(tree)), arrays)


# --- values
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(plain)
def test_any_plain_value_comes_back_with_types_and_order(value: object) -> None:
    assert repr(back(value)) == repr(value)


@given(st.lists(st.floats(width=32), max_size=20))
def test_any_numbers_come_back_to_the_last_bit(values: list[float]) -> None:
    array = np.array(values, "f4")
    assert back(array).tobytes() == array.tobytes()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["kind", "dataset", "array", "items"])
def test_words_of_the_tree_are_only_words_in_a_value(kind: str) -> None:
    value = {"kind": kind, "items": [1], "array": 0}
    assert back(value) == value
    assert back([value, (value,)]) == [value, (value,)]


@pytest.mark.parametrize(
    "key", [(1, "a"), ("x", ("y", 2)), True, 1.5, None, np.int64(3)], ids=lambda key: type(key).__name__
)
def test_keys_of_a_mapping_keep_their_type(key: object) -> None:
    (found,) = back({key: "v"})  # type: ignore[misc]
    assert found == key
    assert type(found) is type(key)


def test_an_array_inside_many_things_is_counted_once_for_each_place() -> None:
    one = np.arange(3)
    tree, arrays = split({"a": one, "b": [one, (one,)]})
    assert len(arrays) == 3
    found = join(tree, arrays)
    np.testing.assert_array_equal(found["b"][1][0], one)


@pytest.mark.parametrize(
    "array",
    [
        np.array([], dtype="M8[s]"),
        np.array(["2015-07-01", "NaT"], "M8[D]"),
        np.array([1, -1], "m8[ms]"),
        np.array(["", "光"]),
        np.array([b"", b"\x00a"]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.zeros((2, 0, 3), "?"),
        np.array(None, dtype=object),
        np.array([[None, "a"], [1.5, True]], dtype=object),
        np.float16([1, np.nan, np.inf]),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_arrays_of_every_kind(array: np.ndarray) -> None:
    found = back(array)
    assert isinstance(found, np.ndarray)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_types_of_objects_are_kept() -> None:
    found = back(np.array([1, 1.0, True, "1", None], dtype=object))
    assert [type(v) for v in found] == [int, float, bool, str, type(None)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(10, 0, -3, name="n"),
        pd.Index([], dtype="f8"),
        pd.Index(["a", None, "c"]),
        pd.to_datetime(["2015-01-01", "2016-02-29"]),
        pd.Index([1.5, np.nan]),
        pd.Index([(1)], name=("a", 2)),
    ],
    ids=lambda i: f"{type(i).__name__}-{i.dtype}",
)
def test_indexes(index: pd.Index) -> None:
    found = back(index)
    pd.testing.assert_index_equal(found, index, exact=True)  # type: ignore[arg-type]
    assert found.name == index.name  # type: ignore[attr-defined]


@pytest.mark.parametrize("units", ["s", "ms", "us", "ns"])
def test_times_of_a_table_keep_their_unit(units: str) -> None:
    table = pd.DataFrame({"t": np.array(["2015-07-01T03:00", "NaT"], f"M8[{units}]")})
    pd.testing.assert_frame_equal(back(table), table)  # type: ignore[arg-type]


def test_a_series_keeps_name_index_and_notes() -> None:
    series = pd.Series([1.5, np.nan], index=pd.Index([2013, 2014], name="year"), name=("npp", "Tg"))
    series.attrs = {"units": "Tg", "levels": (1, 2)}
    found = back(series)
    pd.testing.assert_series_equal(found, series)  # type: ignore[arg-type]
    assert found.attrs == series.attrs  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "ds",
    [
        xr.Dataset(),
        xr.Dataset(attrs={"a": 1}),
        xr.Dataset({"v": ((), np.nan)}),
        xr.Dataset({"v": (("x", "y"), np.zeros((0, 3)))}),
        xr.Dataset({"v": ("x", [1, 2])}, {"x": ("x", [5, 7], {"units": "m"})}),
        xr.Dataset({3: ("x", [1.0])}, {("a", 1): ("x", [2.0])}),
        xr.Dataset(coords={"x": pd.to_datetime(["2015-01-01", "2015-02-01"])}),
    ],
    ids=["empty", "notes", "point", "no rows", "units", "odd names", "times"],
)
def test_datasets_at_their_edges(ds: xr.Dataset) -> None:
    found = back(ds)
    assert found.identical(ds)  # type: ignore[attr-defined]
    assert list(found.xindexes) == list(ds.xindexes)  # type: ignore[attr-defined]


def test_a_data_array_called_as_the_tree_calls_it_is_kept() -> None:
    for name in ("held", "", None, 0, ("a", "b")):
        field = xr.DataArray([1.0, 2.0], dims="x", coords={"x": [3, 4]}, name=name)
        found = back(field)
        assert found.identical(field)  # type: ignore[attr-defined]
        assert found.name == name  # type: ignore[attr-defined]


def test_lazy_parts_stay_in_their_chunks_and_are_not_computed() -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    import dask

    lazy = da.zeros((4, 4), chunks=(3, 1))
    with dask.config.set(scheduler=never):
        tree, arrays = split({"d": xr.Dataset({"v": (("y", "x"), lazy)}), "a": [lazy]})
        found = join(tree, arrays)
    assert found["d"]["v"].chunks == ((3, 1), (1, 1, 1, 1))
    assert is_lazy(found["a"][0])


@pytest.mark.parametrize(
    "value",
    [
        {1, 2},
        frozenset(),
        b"bytes",
        1j,
        range(3),
        Path("/x"),
        slice(1),
        Ellipsis,
        type,
        iter([1]),
        {"deep": [{"er": object()}]},
        pd.Timestamp("2015-01-01"),
        np.ma.masked_array([1, 2], [0, 1]),
        {"a": [np.ma.masked_array([1.0, 2.0])]},
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_would_come_back_as_something_else_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"A stage cannot keep .*A stage returns Datasets"):
        split(value)


class Text(str):
    __slots__ = ()


class Row(list):
    pass


@pytest.mark.parametrize("value", [Text("a"), Row([1]), [Text("a")], {Text("k"): 1}], ids=["str", "list", "in", "key"])
def test_own_kinds_of_plain_values_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="cannot keep"):
        split(value)


# --- results of sweeps
def made(folder: Path, n: int, state: str = "made", **more: object) -> SweepRun:
    place = folder / f"n={n}"
    place.mkdir(parents=True, exist_ok=True)
    return SweepRun({"n": n}, place, state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "none"),
        (3, "3"),
        (0.5, "0.5"),
        (1e-7, "1e-07"),
        ("a b", "a b"),
        ("/data/中/a.nc", "a.nc"),
        ("a/b", "a/b"),
        ("", ""),
    ],
)
def test_values_as_a_person_writes_them(value: object, text: str) -> None:
    assert text_of_value(value) == text


def test_how_a_run_ended_in_words(tmp_path: Path) -> None:
    assert made(tmp_path, 1, seconds=61.6).words == "made (62 s)"
    assert made(tmp_path, 1, "kept").words == "kept: it was there and nothing has changed"
    assert made(tmp_path, 1, "failed", error=RecipeError("One\nTwo")).words == "failed: One"
    assert made(tmp_path, 1, "failed", error=RecipeError("")).words == "failed: "
    assert SweepRun({"a": True, "b": None}, tmp_path, "made").name == "a=true, b=none"


def test_the_account_is_the_first_line_of_summary_or_error(tmp_path: Path) -> None:
    run = made(tmp_path, 1)
    assert run.account == run.summary == ""
    (run.folder / "summary.txt").write_text("总量 3 Tg\nmore\n", encoding="utf-8")
    assert run.account == "总量 3 Tg"
    failed = made(tmp_path, 1, "failed", error=RecipeError("It broke\nfor good"))
    assert (failed.summary, failed.account) == ("", "It broke")  # what lies there is of an earlier run


def test_a_table_of_each_state_with_time_and_memory(tmp_path: Path) -> None:
    runs = (
        made(tmp_path, 1, seconds=2.4, peak_memory=1_230_000_000),
        made(tmp_path, 2, "kept"),
        made(tmp_path, 3, "failed", error=RecipeError("x")),
    )
    result = SweepResult("r", tmp_path, runs, 9.6)
    assert result.table() == [
        ["n", "state", "time", "memory", "result"],
        ["1", "made", "2 s", "1.23 GB", ""],
        ["2", "kept", "", "", ""],
        ["3", "FAILED", "", "", "x"],
    ]
    assert str(result).splitlines()[-1] == f"r: 2 of 3 runs in {tmp_path} (10 s)"
    assert not any(line != line.rstrip() for line in str(result).splitlines())
    assert [run.chosen["n"] for run in result.failed] == [3]


def test_html_of_a_sweep_shows_texts_and_runs_nothing(tmp_path: Path) -> None:
    run = SweepRun({"region": "<b>x"}, tmp_path, "failed", error=RecipeError("<script>"))
    html = SweepResult("r", tmp_path, (run,), 1.0)._repr_html_()
    assert "<script>" not in html
    assert "&lt;b&gt;x" in html


def test_tables_are_joined_with_the_swept_value_in_front(tmp_path: Path) -> None:
    runs = tuple(made(tmp_path, n) for n in (1, 2, 3))
    for run, text in zip(runs, ("a,b\n1,2\n", "a,c\n3,4\n5,6\n", "a,b\n"), strict=True):
        (run.folder / "t.csv").write_text(text)
    found = SweepResult("r", tmp_path, runs, 1.0).frame("t.csv")
    assert list(found.columns) == ["n", "a", "b", "c"]
    assert found["n"].tolist() == [1, 2, 2]
    assert found["b"].isna().tolist() == [False, True, True]


def test_a_column_of_the_same_name_is_that_of_the_table(tmp_path: Path) -> None:
    run = made(tmp_path, 1)
    (run.folder / "t.csv").write_text("n,a\n7,2\n")
    found = SweepResult("r", tmp_path, (run,), 1.0).frame("t.csv")
    assert found.to_dict("list") == {"n": [7], "a": [2]}


def test_tables_of_failed_runs_and_other_files_are_not_taken(tmp_path: Path) -> None:
    bad, good = made(tmp_path, 1, "failed", error=RecipeError("x")), made(tmp_path, 2)
    (bad.folder / "t.csv").write_text("a\n1\n")
    (good.folder / "t.txt").write_text("a\n1\n")
    result = SweepResult("r", tmp_path, (bad, good), 1.0)
    for name in ("t.csv", "t.txt", "../n=1/t.csv.", ""):
        with pytest.raises(NotFoundError, match="No run of the sweep left a table"):
            result.frame(name)


# --- names of folders
@given(st.lists(st.text(max_size=60), min_size=1, max_size=6, unique=True))
def test_folders_of_any_texts_are_legal_and_different(values: list[str]) -> None:
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return
    names = _folder_names("label", values)
    assert len({name.casefold() for name in names}) == len(values)
    for name in names:
        assert "/" not in name
        assert "\\" not in name
        assert name not in ("", ".", "..")
        assert len(name.encode()) <= 255
        assert not name.endswith((".", " "))


@pytest.mark.parametrize(
    ("value", "name"), [("a:b", "r=a%3Ab"), ("50%", "r=50%25"), ("..", "r=%2E"), (".a", "r=%2Ea"), (True, "r=true")]
)
def test_signs_that_some_systems_refuse_are_written_out(value: object, name: str) -> None:
    assert _folder_names("r", [value]) == [name]


def test_records_name_no_folder_of_this_machine(tiny, tmp_path: Path) -> None:
    found = _nameless(tiny, {"data": str(tmp_path / "a.yml"), "label": None, "count": 3})
    assert found == {"data": "a.yml", "count": 3}


# --- finished results
RECORD = {
    "entity": {
        "in": {"musyq:role": "input", "musyq:sha256": "a"},
        "out": {"musyq:role": "output", "musyq:file": "t.csv", "musyq:sha256": None},
    },
    "activity": {"run": {"parameters": {"n": 1}}},
    "agent": {"code": {"musyq:git_commit": "0", "version": "1"}},
}


def test_a_result_is_told_by_inputs_activity_and_agents_alone() -> None:
    other = json.loads(json.dumps(RECORD))
    other["agent"]["code"]["musyq:git_commit"] = "1"
    other["entity"]["out"]["musyq:sha256"] = "z"
    assert _made_from(other) == _made_from(RECORD)
    for path, value in ((("entity", "in"), "musyq:sha256"), (("activity", "run"), "more"), (("agent", "code"), "v")):
        changed = json.loads(json.dumps(RECORD))
        changed[path[0]][path[1]][value] = "other"
        assert _made_from(changed) != _made_from(RECORD)


def test_a_result_without_files_is_not_whole(tmp_path: Path) -> None:
    assert not _is_whole({"entity": {}}, tmp_path)
    assert not _is_whole(RECORD, tmp_path)
    (tmp_path / "t.csv").mkdir()
    assert not _is_whole(RECORD, tmp_path)
    (tmp_path / "t.csv").rmdir()
    (tmp_path / "t.csv").write_text("x")
    assert _is_whole(RECORD, tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"entity": 3}', '{"entity": {"a": {}}}', "\x00"])
def test_records_that_cannot_be_read_are_no_results(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(finished_module, "code_state", lambda: "same")
    (tmp_path / "provenance.json").write_text(text)
    (tmp_path / "run.json").write_text('{"code": "same"}')
    assert not is_finished(tiny, {p.name: p.default for p in tiny.parameters}, tmp_path)


# --- single runs
def test_links_and_hidden_files_of_a_recipe(tmp_path: Path) -> None:
    for name in ("b/二.csv", "a.txt", ".hidden", ".h/x", "__pycache__/m.pyc", "b/.x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert _files(tmp_path) == ["a.txt", "b/二.csv"]
    (tmp_path / "b" / "link").symlink_to("/etc/passwd")
    with pytest.raises(RecipeError, match=r"left the link 'b/link'"):
        _files(tmp_path)
    (tmp_path / "b" / "link").unlink()
    (tmp_path / ".stage").symlink_to("/etc")
    assert len(_files(tmp_path)) == 2


def test_the_folder_of_a_result_is_absolute(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert result_path(tiny, None) == tmp_path.resolve() / "musyq-output" / "tiny"
    assert result_path(tiny, "~/中") == result_path(tiny, Path("中")) == tmp_path.resolve() / "中"


def test_a_result_shows_itself_without_running_anything(tmp_path: Path) -> None:
    (tmp_path / "summary.txt").write_text("<script>1</script>\n")
    result = RecipeResult("r", tmp_path, ("<b>.csv", "f.svg"), ("f.svg",), 1.4, None)
    assert "<script>" not in result._repr_html_()
    assert str(result).splitlines() == [
        "<script>1</script>",
        "",
        f"r: 2 files in {tmp_path} (1 s)",
        "  <b>.csv",
        "  f.svg",
    ]
    assert result.tables == (tmp_path / "<b>.csv",)
    with pytest.raises(RecipeError, match="Run the recipe again"):
        _ = result.provenance
    assert Options() == Options(debug=False, fresh=False, keep_stages=False)


# --- accounts of stages
def lines(folder: Path, *entries: dict) -> None:
    (folder / stages.LOG).write_text("".join(json.dumps(e) + "\n" for e in entries), encoding="utf-8")


def test_what_a_failed_run_leaves_in_words(tmp_path: Path) -> None:
    assert stages.account(tmp_path) == []
    assert stages.left(tmp_path, tmp_path) == ""
    lines(tmp_path, {"stage": "a", "state": "not kept"})
    assert stages.left(tmp_path, tmp_path) == ""
    lines(tmp_path, {"stage": "a", "state": "not kept"}, {"stage": "雨", "state": "kept"})
    assert stages.left(tmp_path, tmp_path).startswith("The stage '雨' is kept in ")
    lines(tmp_path, {"stage": "a", "state": "reused"}, {"stage": "b", "state": "kept"})
    text = stages.left(tmp_path, tmp_path)
    assert text.startswith("2 finished stages are kept in ")
    assert text.endswith("the same command goes on from there")


def test_the_account_of_a_run_killed_while_it_wrote_a_line_has_the_others(tmp_path: Path) -> None:
    lines(tmp_path, {"stage": "a", "state": "kept"})
    with (tmp_path / stages.LOG).open("a", encoding="utf-8") as log:
        log.write('{"stage": "b", "sta')
    assert [entry["stage"] for entry in stages.account(tmp_path)] == ["a"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [("radiation", "radiation"), ("A b/..c", "a-b-c"), ("雨", "-"), ("", "stage"), ("x" * 99, "x" * 40)],
)
def test_names_of_stages_as_names_of_files(name: str, safe: str) -> None:
    assert stages._safe(name) == safe


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Rows: 50 %\n", ""),
        ("a\nRows: 50 %\nb\n", "a\nb\n"),
        ("50 % of all\n", "50 % of all\n"),
        ("no end", "no end"),
        ("", ""),
    ],
)
def test_progress_lines_are_not_repeated(text: str, kept: str) -> None:
    assert stages._without_progress(text) == kept
