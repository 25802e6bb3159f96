"""Parts of a layer that dask may ask for."""

import numpy as np
import pytest

from musyq_lab.sensors._block import part

WHOLE = np.arange(7 * 9).reshape(7, 9)
KEYS = [
    (slice(None), slice(None)),
    (slice(2, 5), slice(3, 9)),
    (slice(1, 7, 3), slice(None, None, 4)),
    (slice(None, None, -2), slice(6, 1, -1)),
    (3, slice(None)),
    (slice(None), -1),
    (2, 5),
    ([4, 1, 1], slice(2, 4)),
    (slice(0, 3), [8, 0]),
    (slice(3, 3), slice(None)),
    slice(1, 3),
    5,
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_part_is_what_numpy_takes(key) -> None:
    wanted = part(key, WHOLE.shape)
    rectangle = WHOLE[wanted.rows.start : wanted.rows.stop, wanted.columns.start : wanted.columns.stop]
    np.testing.assert_array_equal(wanted.take(rectangle), WHOLE[key])
    np.testing.assert_array_equal(wanted.take_of_lines(WHOLE[wanted.rows.start : wanted.rows.stop]), WHOLE[key])


def test_no_more_than_the_rectangle_is_asked_for() -> None:
    wanted = part((slice(2, 6, 3), [7, 4]), WHOLE.shape)
    assert (wanted.rows, wanted.columns) == (range(2, 6), range(4, 8))


def test_outside_is_an_error() -> None:
    with pytest.raises(IndexError):
        part((7, 0), WHOLE.shape)
