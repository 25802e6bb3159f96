"""Parts of datasets read within bounds: the same as h5py reads, or refused before they take memory."""

import zlib

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import bounded, direct
from musyq_lab.files.stored import Packing


@pytest.fixture
def file():
    with h5py.File("in memory", "w", driver="core", backing_store=False) as made:
        yield made


KEYS = [
    (),
    (3,),
    (-1,),
    (slice(2, 9),),
    (slice(None, None, 3), 4),
    (slice(9, 2),),
    (np.int64(5), slice(1, 2)),
    (Ellipsis, 2),
    ([1, 4, 5],),
    slice(2, 5),
    4,
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("how", [{}, {"chunks": (4, 5)}, {"chunks": (4, 5), "compression": "gzip", "shuffle": True}])
def test_parts_are_those_of_the_library(file, key, how):
    file.create_dataset("v", data=np.arange(130).reshape(10, 13), **how)
    np.testing.assert_array_equal(bounded.read(file["v"], key), file["v"][key])


def test_scalars_and_empty_ones(file):
    file["scalar"] = 5
    file.create_dataset("empty", shape=(0, 4), maxshape=(None, 4), chunks=(2, 4), compression="gzip", dtype="i2")
    assert bounded.read(file["scalar"]) == 5
    assert bounded.read(file["empty"]).shape == (0, 4)


def test_chunks_that_were_never_written_are_read(file):
    file.create_dataset("v", shape=(20, 20), chunks=(5, 5), compression="gzip", fillvalue=7, dtype="i2")
    assert (bounded.read(file["v"]) == 7).all()


SPAN = st.one_of(
    st.integers(-10, 9),
    st.builds(slice, *[st.one_of(st.none(), st.integers(-12, 12))] * 2, st.sampled_from([None, 1, 2, 3])),
)


@settings(max_examples=150, deadline=None)
@given(part=SPAN, size=st.just(10))
def test_a_span_holds_every_element_of_the_part(part, size):
    start, stop = bounded._span(part, size)
    chosen = np.atleast_1d(np.arange(size)[part])
    assert 0 <= start <= stop <= size
    assert all(start <= place < stop for place in chosen)


@pytest.mark.parametrize("part", [slice(None, None, -1), slice(8, 2, -2), [1, 5], np.array([True] * 10), None])
def test_a_part_that_is_not_so_simple_is_taken_for_all(part):
    assert bounded._span(part, 10) == (0, 10)


def swollen(file, size, claimed=(8, 8), name="v"):
    """A chunk that says it is small and unpacks to ``size`` bytes."""
    made = file.create_dataset(name, shape=(16, 16), chunks=claimed, dtype="u1", compression="gzip")
    made[...] = 1
    made.id.write_direct_chunk((0, 0), zlib.compress(bytes(size), 9))
    return made


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setattr(bounded, "_SUSPECT", 10)
    monkeypatch.setattr(bounded, "_SLACK", 16)


def test_a_swollen_chunk_is_refused(file, strict):
    made = swollen(file, 40_000)
    with pytest.raises(ArchiveError, match=r"'/v' of in memory has a chunk that does not unpack to its 64 bytes"):
        bounded.read(made)


@pytest.mark.parametrize(("key", "touches"), [((3, 3), True), ((7, 7), True), ((8, 0), False), ((0, 8), False)])
def test_only_the_chunks_that_are_read_are_looked_at(file, strict, key, touches):
    made = swollen(file, 40_000)
    if touches:
        with pytest.raises(ArchiveError, match="does not unpack"):
            bounded.read(made, key)
    else:
        assert bounded.read(made, key) == 1


def test_a_chunk_of_just_its_size_passes(file, strict):
    made = swollen(file, 64)
    assert bounded.read(made, (0, 0)) == 0


def test_more_packed_bytes_than_a_chunk_has_are_refused(file):
    made = file.create_dataset("v", shape=(16, 16), chunks=(8, 8), dtype="u1", compression="gzip")
    made.id.write_direct_chunk((8, 8), np.random.default_rng(1).bytes(64 + 8 + bounded._SLACK + 1))
    with pytest.raises(ArchiveError, match="packed bytes for 64"):
        bounded.read(made)


def test_a_chunk_that_skips_its_filter_is_not_inflated(tmp_path, monkeypatch):
    monkeypatch.setattr(bounded, "_SUSPECT", 10)
    raw = np.random.default_rng(1).bytes(64)
    with h5py.File(tmp_path / "a.h5", "w") as made:
        made.create_dataset("v", shape=(8, 8), chunks=(8, 8), dtype="u1", compression="gzip")
        made["v"].id.write_direct_chunk((0, 0), raw, filter_mask=1)
    with h5py.File(tmp_path / "a.h5") as made:  # HDF5 2.0 tells the mask after the file was closed, not before
        assert bounded.read(made["v"]).tobytes() == raw
        assert direct.values(made["v"], (slice(None),), Packing()) is None  # left to the library


def test_all_of_a_large_dataset_is_refused_and_parts_are_read(file, monkeypatch):
    monkeypatch.setattr(bounded, "MAX_WHOLE", 2**20)
    file.create_dataset("v", shape=(2**20 + 1,), dtype="u1", chunks=(1024,))
    file.create_dataset("fits", shape=(2**20,), dtype="u1", chunks=(1024,))
    with pytest.raises(ArchiveError, match="more than 1 MiB, too much to be read in full"):
        bounded.read(file["v"])
    assert bounded.read(file["v"], slice(0, 10)).tolist() == [0] * 10
    assert bounded.read(file["fits"]).size == 2**20


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", "", "叶面积指数"], h5py.string_dtype()),
        ([b"a", b"\xff\xfe"], h5py.string_dtype("ascii")),
        ("alone", h5py.string_dtype()),
    ],
)
def test_texts_are_decoded(file, values, dtype):
    file.create_dataset("v", data=np.array(values, object) if isinstance(values, list) else values, dtype=dtype)
    found = bounded.read(file["v"])
    expected = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in np.atleast_1d(values).tolist()]
    assert np.atleast_1d(found).tolist() == expected


def test_too_many_texts_and_too_long_ones(file, monkeypatch):
    monkeypatch.setattr(bounded, "MAX_TEXTS", 5)
    monkeypatch.setattr(bounded, "MAX_TEXT", 2**20)
    file.create_dataset("five", data=["x"] * 5, dtype=h5py.string_dtype())
    assert bounded.read(file["five"]).tolist() == ["x"] * 5
    file.create_dataset("six", data=["x"] * 6, dtype=h5py.string_dtype())
    with pytest.raises(ArchiveError, match="more than 5 texts"):
        bounded.read(file["six"])
    # Also where a part is asked for: each element may name the same long text.
    with pytest.raises(ArchiveError, match="more than 5 texts"):
        bounded.read(file["six"], 0)
    file.create_dataset("long", data=["x" * 2**19] * 3, dtype=h5py.string_dtype())
    with pytest.raises(ArchiveError, match="texts of more than 1 MiB"):
        bounded.read(file["long"])


def test_references_are_neither_numbers_nor_texts(file):
    file["a"] = 1
    file.create_dataset("v", data=np.array([file["a"].ref], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
    with pytest.raises(ArchiveError, match="neither numbers nor texts"):
        bounded.read(file["v"])


def test_lists_of_numbers_are_neither(file):
    made = file.create_dataset("v", (1,), dtype=h5py.vlen_dtype(np.int32))
    made[0] = [1, 2]
    with pytest.raises(ArchiveError, match="neither numbers nor texts"):
        bounded.read(made)
