"""The plain YAML reader at its limits: bytes, depth, doubles, aliases, encodings, damage."""

import os
import time
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.catalog._yaml import _parse, read_plain_yaml
from musyq_lab.core.errors import CatalogError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner),
    max_leaves=12,
)


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "c.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_values_come_back_as_the_ordinary_loader_gives_them(value):
    text = yaml.safe_dump(value)
    if "&id" not in text:  # equal lists may be the same object, which the dumper writes as an alias
        assert _parse(text, 40) == value == yaml.safe_load(text)


@pytest.mark.parametrize(("size", "passes"), [(100, True), (101, False)])
def test_the_limit_of_bytes_is_exact(tmp_path, size, passes):
    path = write(tmp_path, "a: " + "x" * (size - 3))
    if passes:
        assert read_plain_yaml(path, limit_bytes=100) == {"a": "x" * (size - 3)}
    else:
        with pytest.raises(CatalogError, match="larger than 100 bytes"):
            read_plain_yaml(path, limit_bytes=100)


def test_bytes_are_counted_not_letters(tmp_path):
    path = write(tmp_path, "a: " + "雨" * 40)
    with pytest.raises(CatalogError, match="larger than 100 bytes"):
        read_plain_yaml(path, limit_bytes=100)
    assert read_plain_yaml(path, limit_bytes=123) == {"a": "雨" * 40}


@pytest.mark.parametrize(("levels", "passes"), [(4, True), (5, False)])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_the_limit_of_depth_is_exact(tmp_path, levels, passes, pair):
    opening = "[" if pair == "[]" else "{a: "
    path = write(tmp_path, opening * (levels - 1) + "1" + pair[1] * (levels - 1))
    if passes:
        assert read_plain_yaml(path, limit_depth=4) is not None
    else:
        with pytest.raises(CatalogError, match="deeper than 4 levels"):
            read_plain_yaml(path, limit_depth=4)


def test_many_neighbours_are_not_depth(tmp_path):
    path = write(tmp_path, "\n".join(f"k{n}: [1, [2]]" for n in range(300)))
    assert len(read_plain_yaml(path, limit_depth=4)) == 300


def test_100000_levels_end_in_plain_words(tmp_path):
    with pytest.raises(CatalogError, match="nesting depth"):
        read_plain_yaml(write(tmp_path, "[" * 100_000))
    with pytest.raises(CatalogError, match="deeper than 12"):
        read_plain_yaml(write(tmp_path, "- " * 100_000))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' twice"),
        ("x: {k: 1, k: 1}", "'k' twice"),
        ('a: 1\n"a": 2\n', "'a' twice"),
        ("1: x\n1: y\n", "'1' twice"),
        ("a: &x [1]\nb: *x\n", "alias"),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "merge key"),
        ("a: &x {k: 1}\nb: [*x]\n", "alias"),
        ("a:\n  <<: {k: 1}\n", "merge key"),
        ("? [1, 2]\n: x\n", "not plain text"),
        ("? {a: 1}\n: x\n", "not plain text"),
    ],
)
def test_what_is_said_twice_or_by_reference_is_refused(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(CatalogError, match=said) as told:
        read_plain_yaml(path)
    assert f"Catalog {path} is refused" in str(told.value)


def test_the_same_key_in_two_mappings_is_no_double(tmp_path):
    assert read_plain_yaml(write(tmp_path, "a: {k: 1}\nb: {k: 2}")) == {"a": {"k": 1}, "b": {"k": 2}}


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "!!python/module:os",
        "a: !own {k: 1}",
        "a: !!timestamp nonsense",
        "a: !!bool nonsense",
        "a: !!int nonsense",
        "a: !!float nonsense",
        "a: !!int ''",
        "a: [1, 2",
        "a: 'open",
        "a: b: c",
        "\ta: 1",
        "a: 1\n---\nb: 2\n",
        "a: *nowhere",
    ],
)
def test_tags_and_broken_text_are_plain_errors(tmp_path, text):
    with pytest.raises(CatalogError, match=r"c.yml"):
        read_plain_yaml(write(tmp_path, text))


def test_the_line_of_a_fault_is_told(tmp_path):
    with pytest.raises(CatalogError, match=r"line 3\)"):
        read_plain_yaml(write(tmp_path, "a: 1\nb: 2\nc: d: e\n"))


@pytest.mark.parametrize("raw", [b"a: \xff\xfe", "a: 雨".encode("gb18030"), b"\x00\x01\x02", b"a: \x07"])
def test_bytes_that_are_no_text_are_plain_errors(tmp_path, raw):
    with pytest.raises(CatalogError, match="not plain YAML"):
        read_plain_yaml(write(tmp_path, raw))


def test_an_impossible_date_is_a_plain_error(tmp_path):
    assert read_plain_yaml(write(tmp_path, "a: 2020-02-29")) == {"a": date(2020, 2, 29)}
    with pytest.raises(CatalogError, match="not plain YAML"):
        read_plain_yaml(write(tmp_path, "a: 2021-02-29"))


def test_nothing_in_the_file_is_nothing(tmp_path):
    assert read_plain_yaml(write(tmp_path, "")) is None
    assert read_plain_yaml(write(tmp_path, "# only words\n")) is None


def test_what_cannot_be_read_is_a_plain_error(tmp_path):
    with pytest.raises(CatalogError, match="cannot be read: No such file"):
        read_plain_yaml(tmp_path / "none.yml")
    with pytest.raises(CatalogError, match="cannot be read: Is a directory"):
        read_plain_yaml(tmp_path)


def test_the_limit_of_values_is_exact(tmp_path):
    path = write(tmp_path, "a: [" + "1, " * 97 + "]")  # the mapping, its key, the list and 97 numbers
    assert read_plain_yaml(path, limit_nodes=100) == {"a": [1] * 97}
    with pytest.raises(CatalogError, match="more than 99 values"):
        read_plain_yaml(path, limit_nodes=99)


SLOW = {
    "numbers": "[" + "1, " * 300_000 + "]",
    "entries": "\n".join(f"k{n}: {{a: 1, b: [x, y]}}" for n in range(30_000)),
    "base 60": "a: " + "1:" * 300_000 + "1",
    "dates": "[" + "2015-01-01, " * 80_000 + "]",
    "digits": "a: " + "9" * 1_000_000,
    "blanks": " " * 1_000_000 + "x",
    "comments": "#\n" * 500_000,
    "escapes": 'a: "' + "\\u0041" * 150_000 + '"',
    "braces": "{" * 1_000_000,
    "folded": "a: >\n" + " x\n" * 300_000,
    "question marks": "? " * 500_000,
    "anchors": "&a " * 300_000,
    "binary": "a: !!binary " + "QUFB" * 240_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_no_megabyte_takes_long(tmp_path, name):
    """Processor time, which others on the machine do not lengthen; the ordinary loader takes up to 67 s."""
    path = write(tmp_path, SLOW[name][: 1 << 20])
    started = time.process_time()
    with suppress(CatalogError):
        read_plain_yaml(path)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("text", ["9" * 65, "1:" * 40 + "1", "0x" + "f" * 70, "." + "1" * 70])
def test_a_number_of_too_many_letters_is_text(tmp_path, text):
    assert read_plain_yaml(write(tmp_path, f"a: {text}")) == {"a": text}
    assert not isinstance(read_plain_yaml(write(tmp_path, f"a: {text[:20].rstrip(':')}"))["a"], str)


def test_a_pipe_does_not_hold_the_reader(tmp_path):
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(CatalogError, match="is not a file"):
        read_plain_yaml(tmp_path / "pipe.yml")
    with pytest.raises(CatalogError, match="is not a file"):
        read_plain_yaml(Path("/dev/zero"))
