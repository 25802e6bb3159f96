"""The memory plan of a kernel call, against numpy's own broadcasting, striding and type promotion."""

import ctypes
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.kernels import _layout
from musyq_lab.kernels._layout import Shapes, Signature


# ---- signatures ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "inputs", "outputs"),
    [
        ("()->()", ((),), ((),)),
        ("(),()->()", ((), ()), ((),)),
        ("(n),()->(n)", (("n",), ()), (("n",),)),
        ("(n,m),(m)->(n),()", (("n", "m"), ("m",)), (("n",), ())),
        (" ( n , m ) -> ( m ) ", (("n", "m"),), (("m",),)),
        ("(band)->(band)", (("band",),), (("band",),)),
    ],
)
def test_signature_is_read_as_numpy_reads_it(text, inputs, outputs):
    signature = Signature.parse(text)
    assert signature.inputs == inputs
    assert signature.outputs == outputs


@pytest.mark.parametrize("text", ["", "()", "->()", "()->", "n->n", "(n)(m)->()", "(),->()", "()->()->()", "(n->(n)"])
def test_text_that_is_no_signature_is_shown(text):
    with pytest.raises(ValueError, match="is not of the form"):
        Signature.parse(text)


def test_output_of_unknown_length_is_refused_with_every_letter():
    with pytest.raises(ValueError, match=r"no input tells the length of k, m$"):
        Signature.parse("(n)->(m),(n),(k)")


@pytest.mark.parametrize(("text", "scalar"), [("(),()->(),()", True), ("(n)->()", False), ("(n),()->(n)", False)])
def test_scalar_means_no_core_dimension_anywhere(text, scalar):
    assert Signature.parse(text).scalar is scalar


# ---- the type of the arithmetic --------------------------------------------------------------------------------------
def arrays_of(*dtypes):
    return [np.ones(2, dtype) for dtype in dtypes]


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("f4",), "f4"),
        (("f2",), "f4"),
        (("f2", "f2"), "f4"),
        (("f4", "f8"), "f8"),
        (("f2", "f8"), "f8"),
        (("f4", "i2"), "f4"),
        (("f4", "u2"), "f4"),
        (("f4", "i1", "?"), "f4"),
        (("f2", "u2"), "f4"),
        (("f4", "i4"), "f8"),
        (("f4", "u4"), "f8"),
        (("f4", "i8"), "f8"),
        (("i2",), "f8"),
        (("?",), "f8"),
        (("u1", "i4"), "f8"),
        ((">f4",), "f4"),
        ((">f8", "<f4"), "f8"),
    ],
)
def test_type_of_the_arithmetic(dtypes, expected):
    for order in itertools.permutations(dtypes):
        found = _layout.compute_dtype(arrays_of(*order))
        assert found == np.dtype(expected)
        assert found.isnative


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2"])
def test_integers_that_follow_float32_lose_no_value(kind):
    limits = np.iinfo(kind)
    assert _layout.compute_dtype(arrays_of("f4", kind)) == np.float32
    for value in (limits.min, limits.max, limits.max - 1):
        assert int(np.float32(value)) == value


def test_wide_integers_would_lose_values_in_float32_and_do_not_follow_it():
    assert int(np.float32(2**24 + 1)) != 2**24 + 1
    assert _layout.compute_dtype([np.ones(1, "f4"), np.array([2**24 + 1])]) == np.float64


@pytest.mark.parametrize("number", [np.float64(2.0), np.array(2.0), np.array(2)])
def test_numbers_do_not_widen_arrays_but_count_alone(number):
    assert _layout.compute_dtype([np.ones(2, "f4"), np.asarray(number)]) == np.float32
    assert _layout.compute_dtype([np.asarray(number)]) == np.float64


def test_a_float32_number_alone_is_computed_in_float64():
    assert _layout.compute_dtype([np.array(2.0, "f4")]) == np.float64


@pytest.mark.parametrize("bad", [np.ones(2, complex), np.array(["a"]), np.array([object()]), np.array(1j)])
def test_only_real_numbers_are_taken(bad):
    with pytest.raises(TypeError, match="takes real numbers"):
        _layout.compute_dtype([np.ones(2, "f4"), bad])


@pytest.mark.parametrize("unit", ["M8[D]", "m8[s]"])
def test_dates_are_no_real_numbers(unit):
    with pytest.raises(TypeError, match="real numbers"):
        _layout.compute_dtype([np.zeros(2, unit)])


# ---- arrays that compiled code can address ---------------------------------------------------------------------------
def test_a_plain_array_is_not_copied():
    array = np.arange(6.0).reshape(2, 3)
    for view in (array, array[:, ::2], array[::-1], array.T):
        assert np.shares_memory(_layout.native(view, np.dtype("f8"), scalar=True), view)


def test_other_dtypes_stay_in_a_pixel_kernel_and_are_converted_for_a_series_kernel():
    array = np.arange(5, dtype="i2")
    assert _layout.native(array, np.dtype("f4"), scalar=True) is array
    converted = _layout.native(array, np.dtype("f4"), scalar=False)
    assert converted.dtype == np.float32
    np.testing.assert_array_equal(converted, array)


def test_half_floats_are_converted_always():
    half = np.array([0.5, -2.0, np.inf, np.nan], "f2")
    found = _layout.native(half, np.dtype("f4"), scalar=True)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [0.5, -2.0, np.inf, np.nan])


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">u4"])
def test_foreign_byte_order_is_turned(dtype):
    array = np.array([1, 2, 300], dtype)
    found = _layout.native(array, np.dtype("f8"), scalar=True)
    assert found.dtype.isnative
    assert found.dtype.kind == array.dtype.kind
    np.testing.assert_array_equal(found, [1, 2, 300])


def test_a_number_takes_the_type_of_the_arithmetic():
    assert _layout.native(np.array(3), np.dtype("f4"), scalar=True).dtype == np.float32


def test_strides_in_parts_of_an_element_are_mended_by_a_copy():
    records = np.zeros(4, np.dtype([("flag", "u1"), ("value", "f4")]))
    records["value"] = [1.5, 2.5, np.nan, -4.0]
    field = records["value"]
    assert field.strides[0] % field.itemsize
    found = _layout.native(field, np.dtype("f4"), scalar=True)
    assert not np.shares_memory(found, records)
    assert found.flags.aligned
    assert found.strides == (4,)
    np.testing.assert_array_equal(found, field)


def test_aligned_record_fields_are_addressed_in_place():
    records = np.zeros(4, np.dtype([("flag", "f4"), ("value", "f4")]))
    assert np.shares_memory(_layout.native(records["value"], np.dtype("f4"), scalar=True), records)


def test_misaligned_memory_is_copied():
    raw = np.zeros(33, "u1")
    shifted = np.frombuffer(raw.data, "u1")[1:].view("f8")
    start = shifted.__array_interface__["data"][0]
    found = _layout.native(shifted, np.dtype("f8"), scalar=True)
    assert found.flags.aligned
    assert np.shares_memory(found, raw) is (start % np.dtype("f8").alignment == 0)


# ---- matching shapes -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "shapes", "loop", "core"),
    [
        ("(),()->()", [(2, 3), (3,)], (2, 3), {}),
        ("(),()->()", [(2, 1), (1, 3)], (2, 3), {}),
        ("(),()->()", [(), (4,)], (4,), {}),
        ("(),()->()", [(0, 3), (1, 3)], (0, 3), {}),
        ("(n),()->(n)", [(5, 12), (5,)], (5,), {"n": 12}),
        ("(n),(n)->()", [(4, 1, 7), (3, 7)], (4, 3), {"n": 7}),
        ("(n,m),(m)->(n)", [(2, 3), (3,)], (), {"n": 2, "m": 3}),
        ("(n)->()", [(6, 0)], (6,), {"n": 0}),
    ],
)
def test_loop_and_core_dimensions(text, shapes, loop, core):
    signature = Signature.parse(text)
    found = _layout.resolve("f", signature, [np.empty(shape) for shape in shapes])
    assert found == Shapes(loop, core)
    for letters in signature.outputs:
        assert found.full(letters) == loop + tuple(core[name] for name in letters)


def test_generalised_ufunc_of_numpy_agrees_on_shapes():
    signature = Signature.parse("(n,k),(k,m)->(n,m)")
    arrays = [np.ones((5, 1, 2, 3)), np.ones((4, 3, 6))]
    found = _layout.resolve("matmul", signature, arrays)
    assert found.full(signature.outputs[0]) == np.matmul(*arrays).shape


@pytest.mark.parametrize(
    ("text", "shapes", "words"),
    [
        ("(n),()->(n)", [(), ()], r"f: argument 1 needs the trailing dimensions \(n\), got \(\)"),
        ("(),(n,m)->()", [(3,), (4,)], r"f: argument 2 needs the trailing dimensions \(n, m\), got \(4,\)"),
        ("(n),(n)->()", [(3,), (4,)], r"'n' is 3 in an earlier argument and 4 in argument 2"),
        ("(n,n)->()", [(3, 4)], r"'n' is 3 in an earlier argument and 4 in argument 1"),
        ("(n),(n)->()", [(3,), (1,)], r"'n' is 3 .* and 1 in argument 2"),
        ("(),()->()", [(3,), (4,)], r"shapes \(3,\), \(4,\) do not broadcast"),
        ("(n),()->()", [(2, 9), (3,)], r"shapes \(2,\), \(3,\) do not broadcast"),
    ],
)
def test_arguments_that_do_not_fit_are_named(text, shapes, words):
    with pytest.raises(ValueError, match=words):
        _layout.resolve("f", Signature.parse(text), [np.empty(shape) for shape in shapes])


# ---- the short way for contiguous arrays -----------------------------------------------------------------------------
def test_short_way_hands_out_flat_views_of_the_same_memory():
    a, b = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    results, kinds, dtype, views = _layout.flat((a, b, 2.5), None, 3, 1)
    assert kinds == "ccsc"
    assert dtype == np.float64
    assert [v.shape for v in views if isinstance(v, np.ndarray)] == [(6,)] * 3
    assert np.shares_memory(views[0], a)
    assert views[2] == 2.5
    assert results[0].shape == (2, 3)
    assert np.shares_memory(views[3], results[0])


@pytest.mark.parametrize("number", [2, 2.5, np.float32(1.5), np.float64(1.5)])
def test_numbers_of_each_type_are_recognised(number):
    _, kinds, dtype, _ = _layout.flat((np.ones(3, "f4"), number), None, 2, 1)
    assert kinds == "csc"
    assert dtype == np.float32


def test_given_outputs_are_used_and_not_allocated():
    array, first, second = np.ones(4), np.empty(4), np.empty(4)
    results, kinds, _, _ = _layout.flat((array,), (first, second), 1, 2)
    assert results[0] is first
    assert results[1] is second
    assert kinds == "ccc"
    lone, *_ = _layout.flat((array,), first, 1, 1)
    assert lone == (first,)


def read_only():
    array = np.ones(4)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    ("arguments", "out", "inputs", "outputs"),
    [
        ((1.0, 2.0), None, 2, 1),
        ((np.ones(3), np.ones(4)), None, 2, 1),
        ((np.ones(3), np.ones(3, "f4")), None, 2, 1),
        ((np.ones(3, int),), None, 1, 1),
        ((np.ones(3, "f2"),), None, 1, 1),
        ((np.ones(3, ">f8"),), None, 1, 1),
        ((np.empty(0),), None, 1, 1),
        ((np.ones(6)[::2],), None, 1, 1),
        ((np.ones((2, 3), order="F"),), None, 1, 1),
        ((read_only(),), None, 1, 1),
        ((np.ma.masked_array([1.0, 2.0]),), None, 1, 1),
        (([1.0, 2.0],), None, 1, 1),
        ((np.ones(3), np.array(2.0)), None, 2, 1),
        ((np.ones(3), 1j), None, 2, 1),
        ((np.ones(3),), None, 2, 1),
        ((np.ones(3),), np.empty(4), 1, 1),
        ((np.ones(3),), np.empty(3, "f4"), 1, 1),
        ((np.ones(3),), (np.empty(3),), 1, 2),
        ((np.ones(3),), 2.0, 1, 1),
    ],
)
def test_everything_else_goes_the_general_way(arguments, out, inputs, outputs):
    assert _layout.flat(arguments, out, inputs, outputs) is None


# ---- runs: reading every element back by address ---------------------------------------------------------------------
def read(address, dtype):
    kind = {"f8": ctypes.c_double, "f4": ctypes.c_float}[dtype]
    return kind.from_address(address).value


def visited(arrays, loop, depth, dtype="f8"):
    """Return, for each array, the values that the compiled loops would read, one tuple for each turn."""
    turns = []
    for run in _layout.runs(arrays, [0] * len(arrays), loop, depth):
        assert len(run.lengths) == depth
        for index in np.ndindex(*run.lengths):
            turns.append(
                tuple(
                    read(base + sum(i * s for i, s in zip(index, row, strict=True)), dtype)
                    for base, row in zip(run.addresses, run.strides, strict=True)
                )
            )
    return turns


def expected(arrays, loop):
    return list(zip(*(np.broadcast_to(a, loop).ravel().tolist() for a in arrays), strict=True))


BASE = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
VIEWS = {
    "contiguous": BASE,
    "cropped": BASE[:, :, 1:3, 1:4],
    "every second": BASE[..., ::2],
    "backwards": BASE[:, ::-1, :, ::-1],
    "transposed": BASE.transpose(2, 0, 3, 1),
    "repeated": np.broadcast_to(BASE[:, :1], (2, 3, 4, 5)),
    "one row": BASE[0, 0],
    "one element": BASE[:1, :1, :1, :1],
    "no element": BASE[:0],
}


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_runs_visit_each_element_once_with_its_partner(view, depth):
    partner = np.arange(view.shape[-1], dtype=float) + 1000.0
    output = np.arange(view.size, dtype=float).reshape(view.shape) + 5000.0
    arrays = [view, partner, output]
    assert sorted(visited(arrays, view.shape, depth)) == sorted(expected(arrays, view.shape))


def test_runs_read_float32_by_its_own_width():
    array = np.arange(12, dtype="f4").reshape(3, 4)[:, 1:]
    assert sorted(visited([array], array.shape, 1, "f4")) == sorted(expected([array], array.shape))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_runs_of_any_slices_in_any_order(data):
    axes = data.draw(st.permutations(range(4)))
    step = st.sampled_from([1, 2, -1])
    cut = tuple(slice(None, None, data.draw(step)) for _ in range(4))
    view = BASE.transpose(axes)[cut]
    keep = [data.draw(st.booleans()) for _ in range(4)]
    other = np.random.default_rng(1).random([n if k else 1 for n, k in zip(view.shape, keep, strict=True)])
    depth = data.draw(st.integers(1, 3))
    arrays = [view, other, np.empty(view.shape)]
    arrays[2][...] = np.arange(view.size).reshape(view.shape)
    assert sorted(visited(arrays, view.shape, depth)) == sorted(expected(arrays, view.shape))


def test_contiguous_call_is_one_run_of_all_elements():
    [run] = _layout.runs([BASE, BASE.copy()], [0, 0], BASE.shape, 1)
    assert run.lengths == (120,)
    assert run.strides == ((8,), (8,))


def test_one_number_for_all_is_one_run_with_stride_zero():
    [run] = _layout.runs([BASE, np.array(1.0), np.empty_like(BASE)], [0, 0, 0], BASE.shape, 1)
    assert run.lengths == (120,)
    assert run.strides == ((8,), (0,), (8,))


def test_cropped_image_is_rows():
    image = np.zeros((6, 10))
    [run] = _layout.runs([image[1:5, 2:9], np.empty((4, 7))], [0, 0], (4, 7), 2)
    assert run.lengths == (4, 7)
    assert run.strides == ((80, 8), (56, 8))
    assert run.addresses[0] == image.__array_interface__["data"][0] + 80 + 16


def test_missing_loop_dimensions_have_length_one():
    [run] = _layout.runs([np.ones(5)], [0], (5,), 3)
    assert run.lengths == (1, 1, 5)
    assert run.strides == ((0, 0, 8),)


def test_a_number_is_one_turn():
    [run] = _layout.runs([np.array(7.0)], [0], (), 2)
    assert run.lengths == (1, 1)
    assert read(run.addresses[0], "f8") == 7.0


def test_core_dimensions_do_not_take_part_in_the_loop():
    series = np.zeros((3, 4, 12))
    [run] = _layout.runs([series, np.zeros((3, 4))], [1, 0], (3, 4), 1)
    assert run.lengths == (12,)
    assert run.strides == ((96,), (8,))


def test_fortran_order_is_one_run_as_well():
    a, b = np.asfortranarray(BASE), np.asfortranarray(BASE + 1)
    lengths, strides = _layout.joined([a, b], [0, 0], BASE.shape)
    assert lengths == (120,)
    assert strides == [(8,), (8,)]


def test_orders_that_differ_cannot_be_joined():
    lengths, _ = _layout.joined([np.ones((3, 4)), np.ones((3, 4), order="F")], [0, 0], (3, 4))
    assert sorted(lengths) == [3, 4]


# ---- blocks ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_cover_a_series_call_once(size, order):
    series = np.asarray(np.arange(60.0).reshape(3, 5, 4), order=order)
    weight = np.arange(5.0)
    output = np.full((3, 5), np.nan)
    turns = 0
    for s, w, o in _layout.blocks([series, weight, output], [1, 0, 0], (3, 5), size):
        assert len(s) == len(w) == len(o) <= size
        assert s.shape[1:] == (4,)
        assert np.isnan(o).all(), "an element was visited twice"
        o[...] = s.sum(axis=1) * w
        turns += len(o)
    assert turns == 15
    np.testing.assert_array_equal(output, series.sum(axis=2) * weight)


def test_blocks_of_a_call_without_loop_hold_one_element():
    [(series, output)] = _layout.blocks([np.arange(4.0), np.empty(())], [1, 0], (), 10)
    assert series.shape == (1, 4)
    assert output.shape == (1,)


def test_blocks_of_an_empty_call():
    assert list(_layout.blocks([np.empty((0, 4)), np.empty(0)], [1, 0], (0,), 10)) == []


# ---- outputs ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("like", "fortran"),
    [
        ([np.ones((3, 4))], False),
        ([np.ones((3, 4), order="F")], True),
        ([np.ones((3, 4), order="F"), np.ones((3, 4))], False),
        ([np.ones((3, 4), order="F"), np.ones(4)], True),
        ([np.ones(4)], False),
        ([], False),
    ],
)
def test_outputs_follow_fortran_order_only_if_all_inputs_have_it(like, fortran):
    made = _layout.allocate((3, 4), np.dtype("f4"), like)
    assert made.shape == (3, 4)
    assert made.dtype == np.float32
    assert made.flags.f_contiguous is fortran
    assert made.flags.c_contiguous is not fortran


def test_output_that_shares_memory_with_an_input_is_unsafe():
    line = np.arange(10.0)
    assert _layout.unsafe(line, [line])
    assert _layout.unsafe(line[1:6], [np.ones(5), line[:5]])
    assert not _layout.unsafe(line[5:], [line[:5]])
    assert not _layout.unsafe(np.empty(10), [line])
    assert not _layout.unsafe(np.empty(10), [])


def test_interleaved_arrays_count_as_unsafe_rather_than_being_missed():
    line = np.arange(10.0)
    assert not np.shares_memory(line[::2], line[1::2])
    assert _layout.unsafe(line[::2], [line[1::2]])


def test_output_that_names_one_element_twice_is_unsafe():
    twice = np.lib.stride_tricks.as_strided(np.empty(3), (4, 3), (0, 8))
    assert _layout.unsafe(twice, [])
    assert not _layout.unsafe(twice[:1], [])
