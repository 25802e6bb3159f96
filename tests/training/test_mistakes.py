"""Mistakes that every exercise knows."""

import pytest

from musyq_lab.core.units import convert
from musyq_lab.training._mistakes import mistakes


def wrong(units: str, name: str, value: float) -> list[float]:
    return [m.factor * value + m.offset for m in mistakes(units) if m.name == name]


def test_celsius_is_what_the_units_say():
    import xarray as xr

    kelvin = xr.DataArray(301.2, attrs={"units": "K"})
    assert float(convert(kelvin, "degC")) in [pytest.approx(v) for v in wrong("K", "celsius", 301.2)]
    assert not wrong("m", "celsius", 301.2)


def test_only_shares_have_a_rest():
    assert wrong("1", "complement", 0.3) == [0.7]
    assert not wrong("K", "complement", 0.3)


def test_factors_come_in_both_directions():
    for name in ("per_cent", "thousand"):
        factors = [m.factor for m in mistakes("m") if m.name == name]
        assert sorted(1 / f for f in factors) == pytest.approx(sorted(factors))
    stored = [m.factor for m in mistakes("m") if m.name == "stored"]
    twice = [m.factor for m in mistakes("m") if m.name == "scaled_twice"]
    assert [1 / f for f in twice] == pytest.approx(stored)


def test_no_two_are_the_same_line():
    for units in ("K", "degC", "1", "degree", "m"):
        lines = [(m.factor, m.offset) for m in mistakes(units)]
        assert len(set(lines)) == len(lines)
