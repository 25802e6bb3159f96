"""Units of products, quotients and powers against pint itself, by numbers that must not change."""

import pint
import pytest

from musyq_lab.analysis._expression_units import ONE, Unit, line, power, product, unit, unscaled
from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convertible, same_units

REGISTRY = pint.UnitRegistry()
TEXTS = {
    "W m-2": "watt / meter ** 2",
    "kg": "kilogram",
    "g m-2": "gram / meter ** 2",
    "s-1": "1 / second",
    "K": "kelvin",
    "m": "meter",
    "km2": "kilometer ** 2",
    "J kg-1": "joule / kilogram",
    "1": "",
}


def base(units: Unit, factor: float) -> pint.Quantity:
    """So many of a unit in base units, by pint's own reading of the text."""
    text = units.stated
    parts = [part for part in text.split() if part != "1"]
    made = REGISTRY.Quantity(factor, "")
    for part in parts:
        symbol = part.rstrip("-0123456789")
        exponent = int(part[len(symbol) :] or 1)
        made = made * REGISTRY.Quantity(1, symbol) ** exponent
    return made.to_base_units()


@pytest.mark.parametrize("second", list(TEXTS))
@pytest.mark.parametrize("first", list(TEXTS))
@pytest.mark.parametrize("over", [False, True])
def test_products_and_quotients_are_those_of_pint(first, second, over):
    made, factor = product(unit(first), unit(second), over=over)
    left, right = (REGISTRY.Quantity(1.0, TEXTS[text]) for text in (first, second))
    expected = (left / right if over else left * right).to_base_units()
    found = base(made, factor)
    assert found.dimensionality == expected.dimensionality
    assert found.magnitude == pytest.approx(expected.magnitude)


@pytest.mark.parametrize("exponent", [2, 3, -1, -2, 0])
@pytest.mark.parametrize("text", list(TEXTS))
def test_powers_are_those_of_pint(text, exponent):
    made, factor = power(unit(text), exponent)
    expected = (REGISTRY.Quantity(1.0, TEXTS[text]) ** exponent).to_base_units()
    found = base(made, factor)
    assert found.dimensionality == expected.dimensionality
    assert found.magnitude == pytest.approx(expected.magnitude)


def test_a_root_undoes_a_square():
    square, _ = power(unit("m"), 2)
    root, factor = power(square, 0.5)
    assert same_units(root.stated, "m")
    assert factor == 1.0
    with pytest.raises(InputError, match="cannot be written"):
        power(unit("m"), 0.5)


@pytest.mark.parametrize("exponent", [25, -25, 1000])
def test_absurd_powers_are_refused(exponent):
    with pytest.raises(InputError, match="cannot be written"):
        power(unit("m"), exponent)


@pytest.mark.parametrize("text", ["degC", "degF", "degree_Celsius"])
def test_temperatures_with_a_zero_of_their_own_are_not_multiplied(text):
    assert unit(text).shifted
    for attempt in (
        lambda: product(unit(text), unit("K")),
        lambda: product(unit("m"), unit(text), over=True),
        lambda: product(ONE, unit(text)),
        lambda: power(unit(text), 2),
    ):
        with pytest.raises(InputError, match="zero is not nothing"):
            attempt()


def test_a_pure_number_changes_no_unit():
    for text in TEXTS:
        assert product(unit(text), ONE) == (unit(text), 1.0)
        assert product(ONE, unit(text)) == (unit(text), 1.0)
        assert product(unit(text), ONE, over=True) == (unit(text), 1.0)


def test_what_cancels_unevenly_leaves_a_factor():
    made, factor = product(unit("kg"), unit("g"), over=True)
    assert made == ONE
    assert factor == 1000.0
    assert product(unit("%"), unit("%")) == (ONE, pytest.approx(1e-4))


def test_per_cent_of_a_length_is_a_length():
    for over, expected in ((False, 0.01), (True, 100.0)):
        made, factor = product(unit("m"), unit("%"), over=over)
        assert factor * line(made, unit("m"))[0] == pytest.approx(expected)


@pytest.mark.parametrize(("text", "factor"), [("1", 1.0), ("%", 0.01)])
def test_pure_numbers_are_known_with_their_size(text, factor):
    assert unit(text).pure
    assert unit(text).factor == pytest.approx(factor)
    assert power(unit(text), 2) == (ONE, pytest.approx(factor**2))


@pytest.mark.parametrize(
    ("given", "wanted", "at", "becomes"),
    [
        ("degC", "K", 0.0, 273.15),
        ("K", "degC", 0.0, -273.15),
        ("km", "m", 2.0, 2000.0),
        ("W m-2", "MJ m-2 day-1", 1.0, 0.0864),
        ("m", "m", 5.0, 5.0),
    ],
)
def test_a_line_leads_from_one_unit_to_the_other(given, wanted, at, becomes):
    factor, offset = line(unit(given), unit(wanted))
    assert factor * at + offset == pytest.approx(becomes)
    back, moved = line(unit(wanted), unit(given))
    assert back * becomes + moved == pytest.approx(at, abs=1e-9)


def test_unlike_units_have_no_line():
    assert line(unit("m"), unit("K")) is None
    assert line(unit("W m-2"), unit("W")) is None


@pytest.mark.parametrize(
    "text", ["foo", "m**2**3", "m^9^9", "m999", "s**1000", "x" * 81, "W m-2; import os", "K**(10**10)", "m 10 000 000"]
)
def test_what_is_no_unit_is_refused_at_once(text):
    with pytest.raises(InputError) as told:
        unit(text)
    assert len(str(told.value)) < 250


@pytest.mark.parametrize("text", ["", "  ", "1"])
def test_nothing_is_a_pure_number_and_none_is_unknown(text):
    assert unit(text).stated == "1"
    assert unit(None).text is None
    assert str(unit(None)) == "no units"
    assert not unit(None).pure
    assert not unit(None).shifted
    with pytest.raises(InputError, match="says no units"):
        _ = unit(None).stated


@pytest.mark.parametrize(
    ("text", "plain"), [("1e-3 kg m-2", "kg m-2"), ("0.1 K", "K"), ("W m-2", "W m-2"), ("1 K", "1 K")]
)
def test_a_scale_before_a_unit_is_taken_off(text, plain):
    assert unscaled(unit(text)).stated == plain
    assert convertible(unscaled(unit(text)).stated, text)
