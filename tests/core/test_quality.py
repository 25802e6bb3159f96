"""Quality bits: each bit has one meaning, in CF attributes and in sentences."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import (
    CAUSE_DTYPE,
    COMMON_FLAGS,
    FIRST_OWN_BIT,
    GAP_FILLED,
    INPUT_MISSING,
    MOST_INPUTS,
    NOT_DEFINED,
    QA_DTYPE,
    Flag,
    add_flag,
    explain,
    flag_attributes,
)

OWN = Flag(15, "own", "the last bit")


def test_common_bits_are_distinct_and_below_the_products_own():
    bits = [flag.bit for flag in COMMON_FLAGS]
    assert len(set(bits)) == len(bits)
    assert max(bits) < FIRST_OWN_BIT <= 15
    assert len({flag.name for flag in COMMON_FLAGS}) == len(bits)
    assert all(flag.sentence and "_" not in flag.sentence for flag in COMMON_FLAGS)


@pytest.mark.parametrize("bit", range(16))
def test_every_bit_alone(bit):
    flag = Flag(bit, f"bit_{bit}", f"sentence {bit}")
    assert flag.mask == 2**bit
    assert explain(flag.mask, [flag]) == [f"sentence {bit}"]
    assert explain(flag.mask, []) == [f"bit {bit} is set, which this layer does not define"]


@given(st.sets(st.integers(0, 15)))
def test_any_combination_is_read_back_lowest_first(bits):
    flags = [Flag(bit, f"b{bit}", str(bit)) for bit in reversed(range(16))]
    assert explain(np.uint16(sum(2**bit for bit in bits)), flags) == [str(bit) for bit in sorted(bits)]


def test_nothing_set_says_nothing():
    assert explain(0, COMMON_FLAGS) == []


def test_values_read_as_signed_or_float_mean_the_same():
    assert explain(-32768, [OWN]) == ["the last bit"]  # uint16 bits in an int16 layer
    assert explain(np.float32(1.0), COMMON_FLAGS) == [INPUT_MISSING.sentence]
    assert explain(xr.DataArray(np.uint16(1)), COMMON_FLAGS) == [INPUT_MISSING.sentence]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.5, 65536, -32769])
def test_values_that_are_no_bits_are_refused(value):
    with pytest.raises(InputError, match="not a quality value of 16 bits"):
        explain(value, COMMON_FLAGS)


def test_a_layer_of_causes_has_more_bits():
    flag = Flag(20, "x", "the twentieth")
    assert explain(np.uint32(1 << 20), [flag], CAUSE_DTYPE) == ["the twentieth"]
    with pytest.raises(InputError, match="of 32 bits"):
        explain(2**32, [flag], CAUSE_DTYPE)
    assert np.finfo(np.float32).nmant + 1 >= MOST_INPUTS  # exact in float32
    assert flag_attributes([flag], CAUSE_DTYPE)["flag_masks"].dtype == np.uint32


@pytest.mark.parametrize("bit", [-1, 32, 64])
def test_bits_that_do_not_exist_are_refused(bit):
    with pytest.raises(InputError, match=r"does not exist. Use 0 to 31"):
        Flag(bit, "x", "x")


@pytest.mark.parametrize("name", ["", "two words", "polar night", "a,b", "_x", "<b>"])
def test_names_that_cf_cannot_hold_are_refused(name):
    with pytest.raises(InputError, match="one word"):
        Flag(8, name, "x")


def test_cf_attributes_decode_by_the_rule_of_the_conventions():
    """CF-1.11, section 3.5: the n-th meaning holds where value AND n-th mask equals the mask."""
    flags = (OWN, *reversed(COMMON_FLAGS))
    attributes = flag_attributes(flags)
    masks, meanings = attributes["flag_masks"], attributes["flag_meanings"].split(" ")
    assert masks.dtype == QA_DTYPE
    assert len(masks) == len(meanings) == len(flags)
    assert masks.tolist() == sorted(masks.tolist())
    value = GAP_FILLED.mask | OWN.mask
    said = {meaning for mask, meaning in zip(masks, meanings, strict=True) if value & mask == mask}
    assert said == {"gap_filled", "own"}


def test_cf_attributes_survive_a_file(tmp_path):
    qa = xr.DataArray(np.array([0, 1, 32768], QA_DTYPE), dims="x", attrs=flag_attributes([*COMMON_FLAGS, OWN]))
    qa.to_dataset(name="qa").to_netcdf(tmp_path / "qa.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "qa.nc", engine="h5netcdf") as ds:
        back = ds["qa"].load()
    assert back.dtype == QA_DTYPE
    np.testing.assert_array_equal(back, qa)
    assert np.asarray(back.attrs["flag_masks"]).dtype == QA_DTYPE
    np.testing.assert_array_equal(back.attrs["flag_masks"], qa.attrs["flag_masks"])


def test_add_flag_sets_only_its_bit_and_only_there():
    qa = np.full((2, 3), OWN.mask, QA_DTYPE)
    where = np.array([[True, False, False], [False, False, True]])
    add_flag(qa, where, NOT_DEFINED)
    add_flag(qa, where, NOT_DEFINED)
    np.testing.assert_array_equal(qa, OWN.mask + NOT_DEFINED.mask * where.astype(int))
    assert qa.dtype == QA_DTYPE


def test_add_flag_writes_into_a_view():
    qa = np.zeros((4, 4), QA_DTYPE)
    add_flag(qa[::2, 1:3], np.ones((2, 2), bool), OWN)
    assert qa.sum(dtype=int) == 4 * OWN.mask
    assert qa[1::2].sum() == 0
