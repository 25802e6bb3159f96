from pathlib import Path

import numpy as np
import pytest

from musyq_lab.archive.readers import choose, foreign_packing
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files.stored import Packing

INT16 = np.dtype("int16")
PATH = Path("x.h5")


def test_all_fills_of_a_file_count():
    found = foreign_packing({"_FillValue": -1, "missing_value": [-2, -3], "Fill": 4.0, "nan": 1}, INT16)
    assert found == Packing(1.0, 0.0, (-3.0, -2.0, -1.0, 4.0))


def test_a_fill_that_is_text_is_told():
    with pytest.raises(InputError, match=r"'FillValue' is 'none', which is no fill value"):
        foreign_packing({"FillValue": "none"}, INT16)


@pytest.mark.parametrize(
    ("attrs", "limits"),
    [
        ({"valid_range": np.array([0, 9], "int16")}, (0, 9)),
        ({"valid_range": np.array([0, 9], "int16"), "scale_factor": 0.1}, (0, 9)),
        ({"valid_min": np.int16(1), "scale_factor": 0.1}, (1, np.inf)),
        ({"valid_max": 5}, (-np.inf, 5)),
        # Another type beside a scale speaks of unpacked values (NUG), so it says nothing of stored ones.
        ({"valid_range": np.array([0.0, 0.9]), "scale_factor": 0.1}, (-np.inf, np.inf)),
        ({"valid_range": "0, 9"}, (-np.inf, np.inf)),
        ({"valid_min": "zero"}, (-np.inf, np.inf)),
    ],
)
def test_valid_ranges_in_stored_numbers(attrs, limits):
    assert foreign_packing(attrs, INT16).limits == limits


def test_choosing_a_variable():
    assert choose(["only"], None, PATH) == "only"
    assert choose(["a/v", "b/w"], "v", PATH) == "a/v"
    assert choose(["a/v", "b/v"], "/b/v", PATH) == "b/v"
    assert choose(["v", "b/v"], "v", PATH) == "v"
    with pytest.raises(NotFoundError, match=r"no variable 'v' on a grid"):
        choose(["a/v", "b/v"], "v", PATH)
    with pytest.raises(InputError, match=r"several variables: a, b"):
        choose(["b", "a"], None, PATH)
    with pytest.raises(ArchiveError, match=r"no variable"):
        choose([], None, PATH)
