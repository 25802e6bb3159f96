"""Units: what real files write is read, what is no unit or another kind is refused, factors are exact."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convert, convertible, same_units

# Spellings met in files -> the canonical one.
SPELLINGS = {
    "W m-2": ["W/m2", "W m**-2", "W m^-2", "W.m-2",
              "W/m^2", "W/m**2", "W m⁻²", "W·m-2", " W  m-2 ", "Watts m-2", "watt meter-2"],
    "MJ m-2 day-1": ["MJ/m2/day", "MJ m-2 d-1", "MJ m**-2 day**-1"],
    "kWh m-2 yr-1": ["kWh m-2 a-1", "kWh m-2 year-1", "kW h m-2 yr-1", "kWh/m2/yr"],
    "degC": ["Celsius", "celsius", "degrees_Celsius", "degree_Celsius", "deg_C", "degree_C", "deg C", "°C", "℃", "C"],
    "K": ["kelvin", "Kelvin", "KELVIN", "degK"],
    "1": ["", "-", "~", "none", "None", "unitless", "dimensionless", "fraction", "reflectance", "(0 - 1)",
          "m2 m-2", "1.0"],
    "%": ["percent", "0.01", "1e-2"],
    "degrees_north": ["degree_north", "degrees_east", "degree_E", "degrees", "deg", "°"],
    "um": ["µm", "μm", "micron", "micrometer", "1e-6 m"],
    "mW m-2 sr-1 (cm-1)-1": ["mW/(m2 sr cm-1)", "mW m-2 sr-1 cm"],
    "W m-2 sr-1 um-1": ["W/m2/sr/um", "W m-2 sr-1 (um)-1", "W/m²/sr/µm", "kW m-2 sr-1 mm-1"],
    "hPa": ["mbar", "mb", "millibar", "100 Pa"],
    "g cm-2": ["10 kg m-2", "g/cm2"],
    "DU": ["1e-3 atm-cm", "1e-3 atm cm"],
    "kWh month-1": ["kWh/month", "kWh months-1"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("canonical", "spelling"), [(unit, spelling) for unit, spellings in SPELLINGS.items() for spelling in spellings]
)
def test_spellings_of_real_files_mean_the_same(canonical, spelling):
    assert same_units(spelling, canonical)
    assert same_units(canonical, spelling)


@pytest.mark.parametrize(
    "text",
    ["DN", "Wm-2", "w m-2", "foo", "N/A", "NA", "unknown", "nan", "inf", "W m-2; rm", "__import__('os')", "W m--2",
     "0 m", "10 degC", "1 - 2", "days since 2000-01-01", "log10(mg m-3)", "class", "W m-2 +", "(", "\x00", "m" * 500],
)  # fmt: skip
def test_what_is_no_unit_is_refused_in_a_sentence(text):
    with pytest.raises(InputError, match=r"is not a unit. Write it as UDUNITS does"):
        convertible(text, "1")


@given(st.text(max_size=20))
def test_any_text_is_a_unit_or_an_input_error(text):
    try:
        answer = convertible(text, "W m-2")
    except InputError:
        answer = False
    assert isinstance(answer, bool)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("W m-2 sr-1", "W m-2"),  # radiance is not irradiance
        ("counts", "1"),  # a digital number is not a reflectance
        ("degrees", "1"),  # an angle is not a slope
        ("byte", "1"),
        ("dB", "1"),  # no straight line
        ("kWh m-2 month-1", "W m-2"),  # February is shorter than March
        ("months", "days"),
        ("mW m-2 sr-1 (cm-1)-1", "W m-2 sr-1 um-1"),  # per wavenumber, per wavelength
        ("W m-2", "J m-2"),
        ("mb", "m2"),
        ("g cm-2", "mm"),
        ("K", "1"),
    ],
)
def test_other_kinds_never_pass(given, expected):
    assert not convertible(given, expected)
    assert not same_units(given, expected)
    with pytest.raises(InputError, match="cannot be turned into"):
        convert(xr.DataArray([1.0], attrs={"units": given}), expected)


def test_refusals_give_the_reason():
    with pytest.raises(InputError, match=r"'ghi' is in kWh month-1.*no fixed length"):
        convert(xr.DataArray([1.0], attrs={"units": "kWh month-1"}, name="ghi"), "W")
    with pytest.raises(InputError, match=r"The data is in counts.*before calibration"):
        convert(xr.DataArray([1.0], attrs={"units": "counts"}), "1")
    with pytest.raises(InputError, match=r"The data says no units.*Set data.attrs"):
        convert(xr.DataArray([1.0]), "K")


# Independent arithmetic: the factor written as a Python expression of SI definitions.
@pytest.mark.parametrize(
    ("given", "expected", "factor", "offset"),
    [
        ("kWh m-2", "MJ m-2", 3.6, 0.0),
        ("MJ m-2 day-1", "W m-2", 1e6 / 86400, 0.0),
        ("kWh m-2 yr-1", "W m-2", 3.6e6 / (365.25 * 86400), 0.0),
        ("cal cm-2 day-1", "W m-2", 4.184 * 1e4 / 86400, 0.0),
        ("%", "1", 0.01, 0.0),
        ("1e-4", "1", 1e-4, 0.0),
        ("um", "nm", 1000.0, 0.0),
        ("mW m-2 nm-1", "W m-2 um-1", 1.0, 0.0),
        ("TWh", "PWh", 1e-3, 0.0),
        ("g cm-2", "kg m-2", 10.0, 0.0),
        ("degC", "K", 1.0, 273.15),
        ("K", "Celsius", 1.0, -273.15),
        ("degF", "degC", 5 / 9, -32 * 5 / 9),
        ("W m-2 degC-1", "W m-2 K-1", 1.0, 0.0),
        ("degrees", "radian", np.pi / 180, 0.0),
        # 1 DU = 2.6867e20 molecules m-2 (NASA Ozone Watch), over Avogadro's number
        ("DU", "mol m-2", 2.68678e20 / 6.02214076e23, 0.0),
    ],
)
def test_factors(given, expected, factor, offset):
    made = convert(xr.DataArray([0.0, 1.0, 300.0], attrs={"units": given}), expected)
    assert made.attrs["units"] == expected
    np.testing.assert_allclose(
        made, np.array([0.0, 1.0, 300.0]) * factor + offset, rtol=1e-6 if "DU" in given else 1e-13
    )


def test_decimal_factors_are_exact_to_the_last_bit():
    for unit, expected, value in [("kWh", "MJ", 3.6), ("um", "nm", 1000.0), ("W m-2 nm-1", "W m-2 um-1", 1000.0)]:
        assert float(convert(xr.DataArray(1.0, attrs={"units": unit}), expected)) == value


@given(
    st.sampled_from([("degC", "K"), ("kWh m-2", "MJ m-2"), ("MJ m-2 day-1", "W m-2"), ("%", "1"), ("degF", "K")]),
    st.floats(-1e6, 1e6),
)
def test_there_and_back(pair, value):
    data = xr.DataArray([value], attrs={"units": pair[0]})
    back = convert(convert(data, pair[1]), pair[0])
    np.testing.assert_allclose(back, data, rtol=1e-12, atol=1e-9)


def test_lazy_type_attributes_and_original_are_kept():
    data = xr.DataArray(
        da.ones((4, 4), chunks=2, dtype="float32"),
        dims=("latitude", "longitude"),
        name="t",
        attrs={"units": "degC", "long_name": "air", "valid_range": [-90, 60], "valid_min": -90},
    )
    made = convert(data, "K")
    assert isinstance(made.data, da.Array)
    assert made.dtype == np.float32
    assert made.name == "t"
    assert made.attrs == {"units": "K", "long_name": "air"}  # the old range is in the old units
    assert data.attrs["units"] == "degC"


def test_same_units_only_change_the_spelling():
    data = xr.DataArray([1, 2], attrs={"units": "W/m2", "valid_range": [0, 9]})
    made = convert(data, "W m-2")
    assert made.dtype == data.dtype
    assert made.attrs == {"units": "W m-2", "valid_range": [0, 9]}


@pytest.mark.parametrize(("attribute", "expected"), [(b"%", "1"), (1, "1"), (np.str_("%"), "1"), ("1", "%")])
def test_attributes_of_other_types(attribute, expected):
    factor = 100.0 if expected == "%" else 1.0 if attribute == 1 else 0.01
    assert float(convert(xr.DataArray(1.0, attrs={"units": attribute}), expected)) == factor


@pytest.mark.parametrize(
    ("name", "attrs"),
    [
        ("air_temperature_uncertainty", {}),
        ("x", {"standard_name": "air_temperature standard_error"}),
        ("x", {"units_metadata": "temperature: difference"}),
    ],
)
def test_uncertainties_are_differences(name, attrs):
    data = xr.DataArray(0.5, name=name, attrs={"units": "degC", **attrs})
    assert float(convert(data, "K")) == 0.5
    assert float(convert(data, "K", difference=False)) == 273.65
    assert float(convert(data.assign_attrs(units="degF"), "K")) == pytest.approx(0.5 * 5 / 9, rel=1e-13)


def test_a_difference_can_be_declared():
    data = xr.DataArray(0.5, name="sigma", attrs={"units": "degC"})
    assert float(convert(data, "K", difference=True)) == 0.5
    assert float(convert(data, "K")) == 273.65


def test_a_text_is_the_same_as_itself_even_if_it_is_no_unit():
    assert same_units("DN", "DN")


@pytest.mark.parametrize(
    "text",
    ["10**10**10", "m**9**9**9", "m999999999", "km99999999", "((10**99)**99)**99", "9^9^9^9", "m2**9**9", "m" * 300],
)
@pytest.mark.timeout(20)
def test_a_unit_that_would_fill_the_memory_is_none(text):
    """Without the check these would take hours; a file may say anything."""
    with pytest.raises(InputError, match="is not a unit"):
        same_units(text, "m")


@pytest.mark.parametrize(
    "text", ["kg m-2 s-1", "m**2/(s**2)", "(m2 s)-1", "1/(m**3 sr)", "mW/(m2 sr cm-1)", "1000 hPa"]
)
def test_units_with_powers_and_brackets_are_units(text):
    assert same_units(text, text)
