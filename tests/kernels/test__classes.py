"""Tables in the text of kernels: the right number for each class, and kernels that travel."""

import pickle

import numpy as np
import pytest

from musyq_lab.kernels._classes import ClassModel, class_kernel, lookup
from musyq_lab.kernels._compile import inline, select


@inline
def line(x, slope, offset):
    """Return a line and its slope."""
    return slope * x + offset, slope


LINE = ClassModel("line", line, ("x",), ("slope", "offset"), ("value", "slope"))
TABLE = ((1, (2.0, 1.0)), (4, (-0.5, 1.0)), (9, (2.0, 1e-9)))


@pytest.mark.parametrize(("cover", "expected"), [(1.0, 2.0), (4.0, -0.5), (9.0, 2.0), (2.0, None), (np.nan, None)])
def test_lookup_finds_the_parameter_of_a_class(cover, expected):
    text = lookup([(number, row[0]) for number, row in TABLE])
    found = eval(text, {"select": select, "NAN": np.nan, "cover": cover})
    assert np.isnan(found) if expected is None else found == expected


def test_lookup_writes_each_value_once():
    assert lookup([(1, 2.0), (4, -0.5), (9, 2.0)]).count("select") == 2


def test_lookup_takes_nan_as_not_listed():
    assert lookup([(1, float("nan")), (2, 3.0)]) == lookup([(2, 3.0)])


def test_lookup_of_nothing_is_nan():
    assert lookup([]) == "NAN"


def test_kernel_beside_a_loop():
    random = np.random.Generator(np.random.Philox(1))
    cover, x = random.integers(0, 11, 200).astype(float), random.normal(size=200)
    parameters = dict(TABLE)
    expected = [
        parameters[c][0] * v + parameters[c][1] if c in parameters else np.nan for c, v in zip(cover, x, strict=True)
    ]
    np.testing.assert_allclose(class_kernel(LINE, TABLE, ("value",))(cover, x), expected, rtol=1e-15)


def test_results_come_in_the_order_asked_for():
    slope, value = class_kernel(LINE, TABLE, ("slope", "value")).python(1.0, 3.0)
    assert (slope, value) == (2.0, 7.0)


def test_same_table_same_kernel():
    assert class_kernel(LINE, TABLE, ("value",)) is class_kernel(LINE, TABLE, ("value",))


def test_a_kernel_survives_pickling():
    again = pickle.loads(pickle.dumps(class_kernel(LINE, TABLE, ("value",))))
    assert again.python(4.0, 2.0) == 0.0


def test_class_maps_broadcast_over_time():
    cover, x = np.array([1.0, 4.0, 5.0]), np.arange(6.0).reshape(2, 3)
    found = class_kernel(LINE, TABLE, ("value",)).python(cover, x)
    np.testing.assert_array_equal(found, [[1.0, 0.5, np.nan], [7.0, -1.0, np.nan]])
