"""Named streams."""

import numpy as np

from musyq_lab.twin.random import stream


def test_same_name_same_numbers():
    assert np.array_equal(stream(1, "terrain").standard_normal(9), stream(1, "terrain").standard_normal(9))


def test_seed_and_every_name_matter():
    draws = [
        tuple(stream(seed, *names).random(4))
        for seed, names in [(0, ("a",)), (1, ("a",)), (0, ("b",)), (0, ("a", "b")), (0, ("ab",)), (0, ("a", 1))]
    ]
    assert len(set(draws)) == len(draws)


def test_streams_are_independent():
    first, second = (stream(0, "noise", k).standard_normal(40_000) for k in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(40_000)


def test_numbers_are_those_of_philox():
    # The stream is the 10-round Philox4x64 keyed by SHA-256 of the names: written out here without the function.
    import hashlib

    key = int.from_bytes(hashlib.sha256(b"7\0x\x002").digest()[:16], "little")
    expected = np.random.Generator(np.random.Philox(key=key)).random(3)
    assert np.array_equal(stream(7, "x", 2).random(3), expected)


def test_a_negative_or_large_seed_is_a_seed():
    assert stream(-1, "a").random() != stream(2**70, "a").random()
