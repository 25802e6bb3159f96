"""What is kept is made once, forgotten in order, and never half made."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from musyq_lab.twin._kept import Kept


def test_made_once():
    kept, made = Kept(3), []
    assert [kept("a", lambda: made.append(1) or len(made)) for _ in range(4)] == [1, 1, 1, 1]


def test_keys_have_their_own():
    kept = Kept(3)
    assert [kept(key, lambda key=key: key * 2) for key in (1, 2, 1)] == [2, 4, 2]


def test_oldest_is_forgotten():
    kept, made = Kept(2), []
    for key in ("a", "b", "c", "a"):
        kept(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "a"]


def test_nothing_is_a_result_too():
    kept, made = Kept(2), []
    for _ in range(3):
        assert kept("a", lambda: made.append(1)) is None
    assert made == [1]


def test_made_anew_after_an_error():
    kept = Kept(2)

    def fails():
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        kept("a", fails)
    assert kept("a", lambda: 5) == 5


def test_threads_wait_for_the_first():
    kept, begun, go_on, made = Kept(2), threading.Event(), threading.Event(), []

    def make():
        begun.set()
        assert go_on.wait(10)
        made.append(1)
        return object()

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept, "a", make)
        assert begun.wait(10)
        others = [pool.submit(kept, "a", make) for _ in range(3)]
        go_on.set()
        results = {id(future.result(10)) for future in (first, *others)}
    assert made == [1]
    assert len(results) == 1


def test_other_keys_need_not_wait():
    kept, go_on = Kept(4), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(kept, "slow", lambda: go_on.wait(10))
        assert kept("quick", lambda: 7) == 7
        go_on.set()
        assert slow.result(10)


def test_making_may_ask_for_another_key():
    kept = Kept(1)
    assert kept("outer", lambda: kept("inner", lambda: 2) + 1) == 3
