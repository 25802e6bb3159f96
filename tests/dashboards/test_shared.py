"""What sessions share: kept by key, forgotten by use, never written to, safe from several threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.dashboards import _shared
from musyq_lab.dashboards._shared import BYTES, CUBES, OPENED, PIECES, Shared, read


def counted(shared: Shared, key, size: int = 1) -> bool:
    """Whether an array of so many bytes had to be made."""
    made: list[int] = []
    shared.get(key, lambda: made.append(1) or np.zeros(size, np.uint8))
    return bool(made)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=40), st.integers(1, 30))
def test_what_was_used_last_is_kept_as_in_a_plain_list(asks, limit):
    """The same by a list that is searched and cut."""
    shared, kept = Shared(limit), []
    for key, size in asks:
        known = dict(kept)
        assert counted(shared, key, size) == (key not in known)
        kept = [item for item in kept if item[0] != key] + [(key, known.get(key, size))]
        while len(kept) > 1 and sum(n for _, n in kept) > limit:
            kept.pop(0)
        assert shared.used == sum(n for _, n in kept)


def test_an_ask_renews_what_is_kept():
    shared = Shared(3)
    for key in "abc":
        counted(shared, key)
    assert not counted(shared, "a")
    assert counted(shared, "d")
    assert not counted(shared, "a"), "asked for again, so not the oldest"
    assert counted(shared, "b")


@pytest.mark.parametrize("what", [1, "text", None, [], {"a": 1}])
def test_what_is_no_array_counts_as_one(what):
    shared = Shared(2)
    for key in range(5):
        shared.get(key, lambda: what)
        assert shared.used == min(key + 1, 2)


def test_nothing_is_kept_without_a_key():
    shared = Shared(10)
    assert counted(shared, None)
    assert counted(shared, None)
    assert shared.used == 0


def test_what_is_kept_without_a_key_may_be_written_and_what_is_shared_may_not():
    own = Shared(10).get(None, lambda: np.zeros(3))
    own[0] = 1
    shared = Shared(10).get("k", lambda: np.zeros(1))
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 1


def test_none_that_was_made_is_kept_and_not_made_again():
    shared, made = Shared(5), []
    for _ in range(3):
        assert shared.get("k", lambda: made.append(1)) is None
    assert made == [1]


def test_what_could_not_be_made_is_not_kept():
    shared = Shared(10)

    def broken() -> None:
        raise OSError("damaged")

    with pytest.raises(OSError, match="damaged"):
        shared.get("k", broken)
    assert shared.used == 0
    assert counted(shared, "k")


def test_one_session_does_not_wait_for_another():
    """A second key is made while the first is still being made, which waits for it."""
    shared, go = Shared(10), Event()

    def slow() -> np.ndarray:
        assert go.wait(10), "the other session was held up"
        return np.zeros(1)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.get, "slow", slow)
        assert counted(shared, "quick")
        go.set()
        first.result()
    assert not counted(shared, "slow")


def test_a_made_thing_may_ask_for_another():
    shared = Shared(10)
    assert shared.get("outer", lambda: shared.get("inner", lambda: 3) + 1) == 4


def test_many_threads_keep_the_limit_and_get_their_own_values():
    shared, gate = Shared(20), Barrier(4)

    def work(seed: int) -> None:
        gate.wait()
        for key in np.random.default_rng(seed).integers(0, 30, 200).tolist():
            assert shared.get(key, lambda key=key: np.full(2, key, np.uint8)).tolist() == [key, key]

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, seed) for seed in range(4)]:
            done.result()
    assert shared.used <= 20


def test_clearing_forgets_all():
    shared = Shared(10)
    counted(shared, "a", 4)
    shared.clear()
    assert shared.used == 0
    assert counted(shared, "a")


def test_pieces_of_maps_go_through_one_store(monkeypatch):
    own = Shared(1000)
    monkeypatch.setattr(_shared, "PIECES", own)
    first = read(("k", 1), lambda: np.arange(3.0))
    assert read(("k", 1), lambda: pytest.fail("made twice")) is first
    assert own.used == 24
    assert read(None, lambda: np.arange(2.0)).tolist() == [0, 1]


def test_the_stores_are_apart_and_bounded():
    assert PIECES is not OPENED
    assert (PIECES.limit, OPENED.limit) == (BYTES, CUBES)
    assert PIECES.limit <= 2**28, "a machine of one or two GB holds the page as well"
