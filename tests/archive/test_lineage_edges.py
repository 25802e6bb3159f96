"""Records of how a file was made: any JSON comes back, equal records are equal bytes, damage is told."""

import json

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive import index
from musyq_lab.archive.index import Head
from musyq_lab.archive.lineage import GROUP, RECORD, provenance, store, text_of
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_any_record_comes_back_and_its_order_does_not_count(record):
    text = text_of(record)
    assert json.loads(text) == record
    assert text_of(dict(reversed(record.items()))) == text


def put(path, text):
    with h5py.File(path, "w") as file:
        store(file, text)
    return path


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"a": "\0"},
        {"叶": "面积"},
        {"a": "x" * 200_000},  # several chunks
        {"a": {"b": [1, 2.5, None, True]}},
    ],
)
def test_a_record_comes_back_from_its_file(tmp_path, record):
    assert provenance(put(tmp_path / "a.h5", text_of(record))) == record


def test_equal_records_make_equal_files(tmp_path):
    first = put(tmp_path / "a.h5", text_of({"b": 1, "a": 2}))
    second = put(tmp_path / "b.h5", text_of({"a": 2, "b": 1}))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "record",
    [{"a": float("nan")}, {"a": float("inf")}, {"a": {1, 2}}, {"a": b"x"}, {"a": np.float32(1)}, {"a": "\ud800"}],
)
def test_what_json_has_no_word_for_is_refused(record):
    with pytest.raises(InputError, match="cannot be written as JSON"):
        text_of(record)


def test_a_record_in_itself_is_refused():
    record = {}
    record["self"] = record
    with pytest.raises(InputError, match="cannot be written as JSON"):
        text_of(record)


@pytest.mark.parametrize("text", ["[1]", "7", '"x"', "null", "{", '{"a": 1', "\ufffd"])
def test_what_is_no_mapping_is_damage(tmp_path, text):
    with pytest.raises(ArchiveError, match="is damaged"):
        provenance(put(tmp_path / "a.h5", text))


def test_no_record_is_told_with_how_to_make_one(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["v"] = 1
    with pytest.raises(NotFoundError, match="carries no provenance"):
        provenance(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file[GROUP] = 1  # a dataset of the group's name
    with pytest.raises(NotFoundError, match="carries no provenance"):
        provenance(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_group(GROUP)
    with pytest.raises(NotFoundError, match="carries no provenance"):
        provenance(tmp_path / "c.h5")


def test_a_flipped_bit_of_a_record_is_damage(tmp_path):
    path = put(tmp_path / "a.h5", text_of({"a": list(range(200))}))
    with h5py.File(path) as file:
        info = file[GROUP][RECORD].id.get_chunk_info(0)
    whole = path.read_bytes()
    for place in range(0, info.size, 37):
        data = bytearray(whole)
        data[info.byte_offset + place] ^= 1 << (place % 8)
        other = tmp_path / f"{place}.h5"
        other.write_bytes(data)
        with pytest.raises(ArchiveError):
            provenance(other)


# What a cube has to know of its files


@pytest.mark.parametrize(
    "row",
    [
        (1, 2, 3, 4, -1, []),
        (1, 2, 3, True, 5, []),
        (1, 2, 3.0, 4, 5, []),
        (1, 2, 3, 2**16 + 1, 5, []),
        (1, 2, 3, 4, 2**16 + 1, []),
        (1, 2, 3, 4, 5, "modis"),
        (1, 2, 3, 4, 5, [1]),
        (1, 2, 3, 4, 5, None),
        ("1", 2, 3, 4, 5, []),
    ],
)
def test_a_line_of_the_index_that_cannot_be(row):
    with pytest.raises(ValueError, match=r"."):
        index._entry(*row)


def test_a_line_of_the_index_that_can():
    assert index._entry(1, 2, 3, 2**16, 0, ["a"]) == ((1, 2, 3), Head(2**16, 0, ("a",)))


def test_the_index_forgets_files_that_are_gone_and_reads_back(tmp_path):
    known = {name: ((1, 2, 3), Head(4, 5, ("modis", "叶"))) for name in ("b.h5", "a.h5", "gone.h5")}
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).touch()
    index._save(tmp_path, known)
    assert index._load(tmp_path) == {name: known[name] for name in ("a.h5", "b.h5")}
    assert sorted(p.name for p in tmp_path.iterdir()) == [index.NAME, "a.h5", "b.h5"]
    first = (tmp_path / index.NAME).read_bytes()
    index._save(tmp_path, dict(reversed(known.items())))
    assert (tmp_path / index.NAME).read_bytes() == first


def test_an_index_of_another_format_counts_as_none(tmp_path):
    (tmp_path / index.NAME).write_text(json.dumps({"format": 2, "files": {"a.h5": [1, 2, 3, 4, 5, []]}}))
    assert index._load(tmp_path) == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda file: None,
        lambda file: file.create_group("lineage"),
        lambda file: file.create_dataset("lineage", data=5),
        lambda file: file.create_dataset("sensor", shape=(0,), dtype="i4"),
    ],
)
def test_files_without_such_layers_have_none(tmp_path, make):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file)
    assert index.heads([str(tmp_path / "a.h5")]) == [Head(0, 0, ())]
