"""What the caller makes of a reply, of a death and of limits, without a process."""

import io
import json
import math
import os
import signal
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core import errors
from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, NotFoundError, RecipeError
from musyq_lab.production.isolation import _child, _process
from musyq_lab.production.isolation.limits import NOT_ISOLATED, Limits, Protections

LIMITS = Limits(cpu_seconds=7, memory=64 * 2**20, file_size=2 * 2**20)


def file_of(data):
    made = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the test)
    made.write(data)
    made.flush()
    return made


def framed(header, rest=b"", length=None):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return (len(text) if length is None else length).to_bytes(8, "little") + text + rest


def read(data, code=0, printed=b""):
    return _process._read("own", file_of(data), code, LIMITS, file_of(printed))


# --- the form of a reply
@pytest.mark.parametrize(
    "arrays",
    [
        [],
        [np.arange(6, dtype="f4").reshape(2, 3)],
        [np.zeros((0, 3)), np.array(5, "i2"), np.array([True, False])],
        [np.array([np.nan, np.inf, -0.0])],
    ],
    ids=["none", "one", "odd shapes", "odd numbers"],
)
def test_what_the_process_writes_is_what_the_caller_reads(arrays):
    rows = [
        {"name": f"v{i}", "dims": ["x"], "dtype": a.dtype.str, "shape": list(a.shape)} for i, a in enumerate(arrays)
    ]
    header, rest = read(framed({"arrays": rows}, b"".join(a.tobytes() for a in arrays)))
    found = _process._layers("own", header["arrays"], rest)
    assert [name for name, _, _ in found] == [f"v{i}" for i in range(len(arrays))]
    for (_, _, values), array in zip(found, arrays, strict=True):
        assert (values.dtype, values.shape) == (array.dtype, array.shape)
        assert values.tobytes() == array.tobytes()
        values[...] = 0  # a result is the caller's own


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (framed(b"{", length=0), "no sensible length"),
        (framed({"arrays": []}, length=10**9), "no sensible length"),
        (framed({"arrays": []}, length=2**63), "no sensible length"),
        (framed(b" " * (_child.MAX_HEADER + 1)), "no sensible length"),
        (framed(b"{]"), "no JSON"),
        (framed(b"\xff\xfe"), "no JSON"),
        (framed(b"[" * 100_000), "no JSON"),
        (framed([]), "lists no arrays"),
        (framed(3), "lists no arrays"),
        (framed({}), "lists no arrays"),
        (framed({"arrays": {}}), "lists no arrays"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_headers_that_are_none_are_refused(data, words):
    with pytest.raises(RecipeError, match=f"'own' gave was refused: .*{words}"):
        read(data)


ROW = {"name": "v", "dims": ["x"], "dtype": "<f4", "shape": [2]}


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"dtype": "O"},
        {"dtype": "<U4"},
        {"dtype": "V8"},
        {"dtype": ["<f4"]},
        {"dtype": None},
        {"dims": 3},
        {"dims": ["x"] * 17},
        {"shape": [-1]},
        {"shape": [2.0]},
        {"shape": [True]},
        {"shape": [2**40]},
        {"shape": "2"},
        {"shape": [1] * 17},
        {"shape": None},
    ],
    ids=str,
)
def test_arrays_that_cannot_be_are_refused(change):
    with pytest.raises(RecipeError, match="describes an array that cannot be"):
        _process._layers("own", [{**ROW, **change}], bytes(8))


@pytest.mark.parametrize("row", [None, 3, "v", [], {}, {"name": "v"}])
def test_rows_that_are_none_are_refused(row):
    with pytest.raises(RecipeError, match="describes an array that cannot be"):
        _process._layers("own", [row], b"")


@pytest.mark.parametrize(
    ("shape", "size", "words"),
    [([2], 7, "shorter than it says"), ([2], 9, "longer"), ([2**39, 2**39], 8, "shorter"), ([0, 2**39], 1, "longer")],
)
def test_bytes_that_do_not_fit_the_header_are_refused(shape, size, words):
    with pytest.raises(RecipeError, match=words):
        _process._layers("own", [{**ROW, "shape": shape, "dims": ["x"] * len(shape)}], bytes(size))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data):
    try:
        header, rest = read(data)
        _process._layers("own", header["arrays"], rest)
    except RecipeError:
        return
    assert header["arrays"] == []
    assert rest == b""


@pytest.mark.parametrize("given_", [None, 3, "text", {"a": 1}])
def test_notes_that_are_no_list_are_none(given_):
    assert _process._texts({"events": given_}, "events") == ()
    assert _process._texts({}, "events") == ()


def test_notes_are_short_texts():
    assert _process._texts({"e": ["x" * 1000, 3, None]}, "e") == ("x" * 300, "3", "None")
    assert [_process._peak(h) for h in ({}, {"peak": "9"}, {"peak": 9}, {"peak": None})] == [0, 0, 9, 0]


# --- how a process ended
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-signal.SIGXCPU, r"more than 7 s of processor time.*Limits\(cpu_seconds"),
        (-signal.SIGSEGV, "segmentation fault"),
        (-signal.SIGBUS, "bus error"),
        (-signal.SIGABRT, "it may take 64 MiB"),
        (-signal.SIGXFSZ, "file of more than 2 MiB"),
        (-signal.SIGKILL, r"killed, .*\(7 s\)"),
        (0, r"ended without a result \(exit code 0\)"),
        (3, r"ended without a result \(exit code 3\)"),
        (-signal.SIGTERM, r"exit code -15"),
    ],
)
def test_a_death_is_told_with_what_it_printed_last(code, words):
    with pytest.raises(RecipeError, match=words) as caught:
        read(b"", code, b"first\n\x1b[31mlast words \xff\n")
    assert str(caught.value).startswith("The algorithm 'own' failed in its own process: ")
    assert "It printed last: " in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_only_the_end_of_much_print_is_told():
    with pytest.raises(RecipeError) as caught:
        read(b"", 1, b"A" + b"b" * 100_000 + b" the end")
    assert str(caught.value).endswith("the end")
    assert len(str(caught.value)) < 5000


def test_a_result_of_a_process_that_failed_is_not_taken():
    with pytest.raises(RecipeError, match="exit code 1"):
        read(framed({"arrays": []}), 1)


@pytest.mark.parametrize("kind", [InputError, NotFoundError, ArchiveError, RecipeError, MusyqError])
def test_our_own_errors_keep_class_and_text(kind):
    made = _process._error("own", {"kind": kind.__name__, "text": "Words.", "where": "f, line 1"}, LIMITS)
    assert type(made) is kind
    assert str(made) == "Words."


def test_every_error_of_ours_can_be_told():
    ours = {k for k, v in vars(errors).items() if isinstance(v, type) and issubclass(v, MusyqError)}
    assert set(_process._OURS) == ours
    for name in ours:
        assert str(_process._error("own", {"kind": name, "text": "Words."}, LIMITS)) == "Words."


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("MemoryError", "", r"It may take 64 MiB"),
        ("OSError", "File too large: its result", r"A file may have 2 MiB"),
        ("PermissionError", "[Errno 1]", "no network, no further processes"),
        ("OSError", "Operation not permitted", "no network"),
        ("_LackingError", "files, network", r"lacks protections .*\(files, network\)"),
        ("ValueError", "odd", r"ValueError: odd \(in f, line 3\)\.$"),
        ("SystemExit", "0", "SystemExit: 0"),
        ("type", "x", "type: x"),
    ],
)
def test_other_errors_are_told_with_advice(kind, text, words):
    made = _process._error("own", {"kind": kind, "text": text, "where": "f, line 3"}, LIMITS)
    with pytest.raises((RecipeError, InputError), match=words):
        raise made


@pytest.mark.parametrize("told", [None, 3, [], "text", {}, {"kind": None, "text": 3, "where": []}])
def test_errors_of_no_form_are_errors_still(told):
    assert type(_process._error("own", told, LIMITS)) is RecipeError


# --- how the process tells its error
class SpeechlessError(Exception):
    def __str__(self):
        raise ValueError


class OwnMemoryError(MemoryError):
    pass


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (ValueError("x"), "ValueError", "x"),
        (SpeechlessError(), "SpeechlessError", ""),
        (OwnMemoryError("full"), "MemoryError", "full"),
        (SystemExit(3), "SystemExit", "3"),
        (InputError("x" * 5000), "InputError", "x" * 2000),
    ],
)
def test_errors_become_texts(error, kind, text):
    def raising():
        raise error

    try:
        raising()
    except BaseException as caught:
        told = _child._told(caught)
        assert (told["kind"], told["text"]) == (kind, text)
        assert told["where"].startswith("raising, line ")


@pytest.mark.parametrize(
    ("event", "arguments", "expected"),
    [
        ("open", ("/tmp/a", "w", os.O_WRONLY | os.O_CREAT), ["writes /tmp/a"]),
        ("open", (b"/tmp/b", "a", os.O_APPEND), ["writes /tmp/b"]),
        ("open", ("/tmp/a", "r", os.O_RDONLY), []),
        ("open", (3, "w", os.O_WRONLY), []),
        ("open", ("/dev/null", "w", os.O_WRONLY), []),
        ("open", ("/x/__pycache__/m.pyc", "w", os.O_WRONLY), []),
        ("socket.connect", ("a",), ["socket.connect 'a'"]),
        ("os.remove", ("/tmp/a", -1), ["os.remove '/tmp/a'"]),
        ("os.system", ("x" * 500,), ["os.system '" + "x" * 189]),
        ("import", ("os",), []),
        ("compile", (None, "x"), []),
    ],
)
def test_what_is_noted_of_files_and_connections(event, arguments, expected):
    found = []
    _child._noting(found)(event, arguments)
    assert found == expected


# --- limits
@pytest.mark.parametrize("name", ["cpu_seconds", "memory", "file_size", "open_files"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1", None, 2**62, math.nan])
def test_numbers_that_are_no_limits(name, value):
    with pytest.raises(InputError, match=rf"Limits\({name}=.* is no limit\. Give a whole number"):
        Limits(**{name: value})


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan, True, "3", None])
def test_times_that_are_no_limits(value):
    with pytest.raises(InputError, match="Give seconds above 0"):
        Limits(wall_seconds=value)


def test_the_least_limits_there_may_be():
    made = Limits(cpu_seconds=1, memory=1, file_size=1, processes=0, open_files=16, wall_seconds=1e-3)
    assert made.processes == 0
    with pytest.raises(InputError, match="16 or more"):
        Limits(open_files=15)
    with pytest.raises(InputError, match="tuple of paths"):
        Limits(readable="/data")


def test_limits_and_protections_show_themselves(tmp_path):
    made = Limits(memory=3 * 2**20, readable=(tmp_path,))
    assert ["memory", "3 MiB"] in made.table()
    assert made.readable == (str(tmp_path),)
    shown = Protections((("files", True, "a <b>"), ("network", False, "c")))
    assert shown.lacking == ("network",)
    assert [name for name, _, _ in shown] == ["files", "network"]
    assert "network: NOT in force (c)" in repr(shown)
    assert all(line in repr(shown) for line in NOT_ISOLATED)
    assert "a &lt;b&gt;" in shown._repr_html_()


# --- what the process is given
def test_the_environment_is_that_of_the_folder_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    found = _process._environment(tmp_path)
    assert found["HOME"] == found["TMPDIR"] == str(tmp_path)
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD"} & set(found)
    assert found["OMP_NUM_THREADS"] == "1"
    assert found["MUSYQ_KERNEL_STORE"] == "0"  # its folder would be one of the process


def test_what_is_given_can_only_be_read_and_is_gone_afterwards():
    with _process._folder() as folder:
        inputs, work = _process._filled(folder, b"code", [np.arange(3), np.zeros((2, 0))])
        assert sorted(p.name for p in inputs.iterdir()) == ["0000.npy", "0001.npy", "algorithm"]
        assert {p.stat().st_mode & 0o777 for p in inputs.iterdir()} == {0o400}
        assert inputs.stat().st_mode & 0o777 == 0o500
        np.testing.assert_array_equal(np.load(inputs / "0000.npy"), np.arange(3))
        (work / "closed").mkdir(mode=0)
    assert not folder.exists()


def test_a_full_disk_before_the_process_starts_is_told():
    told = pytest.raises(ArchiveError, match=r"inputs of 'own' could not be handed .*No space left.*TMPDIR")
    with told, _process._told("own"):
        raise OSError(28, "No space left on device")
    with pytest.raises(ValueError, match="Object arrays"), _process._folder() as folder:
        _process._filled(folder, b"", [np.array([None])])


def test_a_header_is_read_from_its_start_wherever_the_file_stands():
    result = file_of(framed({"arrays": []}))
    result.seek(0, io.SEEK_END)
    assert _process._read("own", result, 0, LIMITS, file_of(b""))[0] == {"arrays": []}
