"""Years and the order of features."""

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.products._features import LEAST, NAMES, names_of, series_features, year_bounds
from musyq_lab.products._last import Last


def test_years_begin_with_their_month():
    begin, end = year_bounds((2019, 2020), 9)
    assert begin.astype("datetime64[D]").astype(str).tolist() == ["2019-09-01", "2020-09-01"]
    assert end.astype("datetime64[D]").astype(str).tolist() == ["2020-09-01", "2021-09-01"]
    with pytest.raises(InputError, match="1 to 12"):
        year_bounds((2019,), 13)


def test_features_of_several_series_stand_side_by_side():
    time = np.arange(17532.0, 17532.0 + 730, 16.0)
    ndvi = 0.5 + 0.2 * np.sin(time / 58.0)[None, None] * np.ones((2, 3, 1))
    evi = 0.5 * ndvi
    evi[0, 0, 5:40] = np.nan
    begin, end = year_bounds((2018, 2019))
    made, number = series_features({"ndvi": ndvi, "evi": evi}, time, begin, end)
    assert made.shape == (2, 3, 2, 2 * len(NAMES)) == (2, 3, 2, len(names_of(("ndvi", "evi"))))
    place = names_of(("ndvi", "evi")).index("evi_mean")
    np.testing.assert_allclose(made[1, 1, :, place], 0.5 * made[1, 1, :, NAMES.index("mean")])
    assert np.isnan(made[0, 0, 0, place])
    assert number[0, 0, 0] < LEAST <= number[1, 1, 0]


def test_last_result_is_kept_and_changes_with_any_argument():
    calls = []

    def total(x, *, by=1.0):
        calls.append(by)
        return float(x.sum()) * by

    last, x = Last(total), np.arange(4.0)
    assert last(x) == last(x.copy()) == 6.0
    assert len(calls) == 1
    assert last(x, by=2.0) == 12.0
    assert last(x + 1, by=2.0) == 20.0
    assert last(x.astype(np.float32), by=2.0) == 12.0
    assert len(calls) == 4
