"""Parts of the sky's longwave radiation by method and clouds: limits, and what is what in which unit."""

import math

import numpy as np
import pytest

from musyq_lab.kernels import weather
from musyq_lab.products import _longwave as sky

SIGMA = 2 * math.pi**5 * 1.380649e-23**4 / (15 * 6.62607015e-34**3 * 299792458.0**2)
METHODS = ("prata", "prata_pressure", "brutsaert", "dilley_obrien", "idso", "brunt", "li", "swinbank")


@pytest.fixture(autouse=True)
def python_twins(monkeypatch):
    """Run the twins: a compilation takes longer than a test."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def written_out(method, kelvin, pascal, column=None, pressure=None):
    """Return the emissivity of the clear sky in the units of the papers: hPa, cm, K."""
    e = pascal / 100.0
    w = 46.5 * e / kelvin if column is None else column / 10.0
    thin = 0.0 if pressure is None else 0.05 * (1013.25 - pressure / 100.0) / (1013.25 - 710.0)
    prata = 1.0 - (1.0 + w) * math.exp(-math.sqrt(1.2 + 3.0 * w)) - thin
    dilley = 59.38 + 113.7 * (kelvin / 273.16) ** 6 + 96.96 * math.sqrt(w / 2.5)
    return {
        "prata": prata,
        "prata_pressure": prata,
        "brutsaert": 1.24 * (e / kelvin) ** (1.0 / 7.0),
        "dilley_obrien": dilley / (SIGMA * kelvin**4),
        "idso": 0.70 + 5.95e-5 * e * math.exp(1500.0 / kelvin),
        "brunt": 0.52 + 0.065 * math.sqrt(e),
        "li": 0.618 + 0.056 * math.sqrt(e),
        "swinbank": 9.36e-6 * kelvin**2,
    }[method]


def bolton(kelvin):
    """Return the saturation pressure (Pa) of Bolton 1980, doi:10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2."""
    celsius = kelvin - 273.15
    return 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))


def down(method, kelvin, pascal, column=None, pressure=None, clouds=(0.0, 0.0)):
    arrays = (None if value is None else np.asarray(value, np.float64) for value in (kelvin, pascal, column, pressure))
    return sky.clear_and_cloudy(method, *arrays, clouds)


def test_column_is_a_scale_height_of_vapour():
    # 10 hPa at 288 K are 7.5 g m-3; 46.5 e / T cm of it are a scale height of 2.15 km, as in ordinary profiles.
    column = sky.column_of(288.0, 1000.0)
    density = 1000.0 / (461.5 * 288.0)
    assert column == pytest.approx(46.5 * 10.0 / 288.0 * 10.0)
    assert column / density == pytest.approx(2150.0, rel=0.01)


def test_thin_air_counts_from_sea_level_and_rises_with_height():
    assert sky.thinness(101325.0) == 0.0
    assert (np.diff(sky.thinness(np.array([9e4, 8e4, 7e4]))) > 0).all()


def test_share_of_clouds_stays_within_0_and_1():
    index = np.array([-0.1, 0.0, 0.4, 1.0, 1.3, np.nan])
    np.testing.assert_allclose(sky.cloud_share(None, index), [1.0, 1.0, 0.6, 0.0, 0.0, np.nan])
    given = np.array([0.25])
    assert sky.cloud_share(given, index) is given
    assert sky.cloud_share(None, None) is None


@pytest.mark.parametrize("clouds", sky.CLOUDS)
def test_no_cloud_changes_nothing_and_nothing_known_is_no_cloud(clouds):
    assert sky.cloud_terms(clouds, None, None) == (0.0, 0.0)
    hidden, added = sky.cloud_terms(clouds, np.array([0.0]), np.array([0.5]))
    assert hidden.item() == added.item() == 0.0


def test_clouds_of_li_depend_on_the_humidity_but_not_beyond_saturation():
    share = np.full(3, 0.5)
    _, added = sky.cloud_terms("li", share, np.array([0.3, 1.0, 1.1]))
    assert added[0] < added[1] == added[2]
    assert added[1] == pytest.approx(0.38 * 0.5**0.95 * 100.0**0.17)


def test_humidity_is_that_of_the_weather_module():
    kelvin = np.array([270.0, 290.0, 310.0])
    saturated = weather.saturation_pressure.python(kelvin)
    np.testing.assert_allclose(sky.humidity_of(kelvin, 0.4 * saturated), 0.4, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("clouds", sky.CLOUDS)
def test_the_float_type_stays(dtype, clouds):
    air, vapour, share = (np.full(3, value, dtype) for value in (290.0, 900.0, 0.5))
    terms = sky.cloud_terms(clouds, share, sky.humidity_of(air, vapour))
    for method in METHODS:
        pressure = np.full(3, 9e4, dtype) if method == "prata_pressure" else None
        assert sky.clear_and_cloudy(method, air, vapour, None, pressure, terms).dtype == dtype


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("kelvin", "pascal"), [(263.0, 150.0), (288.15, 1022.4297), (308.0, 3000.0)])
def test_each_method_is_its_paper(method, kelvin, pascal):
    found = down(method, kelvin, pascal).item()
    assert found == pytest.approx(SIGMA * kelvin**4 * written_out(method, kelvin, pascal), rel=1e-9)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("brutsaert", 300.8619),
        ("prata", 304.1578),
        ("idso", 316.9950),
        ("swinbank", 303.8081),
        ("brunt", 284.5263),
        ("dilley_obrien", 294.8133),
    ],
)
def test_reference_numbers(method, expected):
    """288.15 K and 60 % of humidity, 10.224297 hPa: evaluated apart, radiation-vectors.json."""
    assert down(method, 288.15, 1022.4297).item() == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("method", ["prata", "prata_pressure", "dilley_obrien"])
def test_a_column_that_is_known_takes_the_place_of_the_vapour(method):
    kelvin, pascal, column = 290.0, 1200.0, 31.0
    found = down(method, kelvin, None, column).item()
    assert found == pytest.approx(SIGMA * kelvin**4 * written_out(method, kelvin, pascal, column), rel=1e-9)
    assert down(method, kelvin, pascal, column).item() == found
    assert down(method, kelvin, pascal, sky.column_of(kelvin, pascal)).item() == pytest.approx(
        down(method, kelvin, pascal).item(), rel=1e-12
    )


def test_thin_air_lowers_the_emissivity_of_prata_and_of_no_other():
    kelvin, pascal, pressure = 280.0, 600.0, 71000.0
    low, high = (down("prata_pressure", kelvin, pascal, pressure=p).item() for p in (101325.0, pressure))
    assert low - high == pytest.approx(0.05 * SIGMA * kelvin**4, rel=1e-9)
    expected = SIGMA * kelvin**4 * written_out("prata_pressure", kelvin, pascal, pressure=pressure)
    assert high == pytest.approx(expected, rel=1e-9)
    assert down("brutsaert", kelvin, pascal, pressure=pressure) == down("brutsaert", kelvin, pascal)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("method", METHODS)
def test_crawford_and_duchon_mix_the_clear_sky_with_a_black_cloud(method, share):
    """emissivity = c + (1 - c) e_clear: their equation 5; an overcast sky is black."""
    kelvin, pascal = 285.0, 900.0
    terms = sky.cloud_terms("crawford_duchon", np.float64(share), None)
    clear = written_out(method, kelvin, pascal)
    expected = SIGMA * kelvin**4 * (share + (1.0 - share) * clear)
    assert down(method, kelvin, pascal, clouds=terms).item() == pytest.approx(expected, rel=1e-9)


def test_unsworth_and_monteith():
    """emissivity = 0.84 c + (1 - 0.84 c) e_clear."""
    terms = sky.cloud_terms("unsworth_monteith", np.float64(0.5), None)
    expected = SIGMA * 285.0**4 * (0.42 + 0.58 * written_out("brutsaert", 285.0, 900.0))
    assert down("brutsaert", 285.0, 900.0, clouds=terms).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("clouds", sky.CLOUDS)
@pytest.mark.parametrize("method", METHODS)
def test_more_clouds_send_more_and_never_more_than_a_black_sky(method, clouds):
    share = np.linspace(0.0, 1.0, 21)
    terms = sky.cloud_terms(clouds, share, np.full(21, 0.5))
    found = down(method, np.full(21, 285.0), np.full(21, 900.0), clouds=terms)
    assert (np.diff(found) > 0).all()
    assert (found <= SIGMA * 285.0**4 * (1 + 1e-9)).all()


@pytest.mark.parametrize("method", METHODS)
def test_arrays_are_those_of_single_pixels_and_gaps_stay(method):
    kelvin, pascal, share = np.random.Generator(np.random.Philox(3)).uniform(
        [[265.0], [200.0], [0.0]], [[305.0], [2500.0], [1.0]], (3, 12)
    )
    kelvin[4] = pascal[7] = share[9] = np.nan
    if method == "swinbank":
        pascal[7] = 1000.0  # not looked at
    terms = sky.cloud_terms("crawford_duchon", share, None)
    found = down(method, kelvin, pascal, clouds=terms)
    single = [down(method, k, p, clouds=(c, c)).item() for k, p, c in zip(kelvin, pascal, share, strict=True)]
    np.testing.assert_allclose(found, single, rtol=1e-12)
    gaps = {4, 9} if method == "swinbank" else {4, 7, 9}
    assert set(np.flatnonzero(np.isnan(found))) == gaps


@pytest.mark.parametrize(("coldest", "relative"), [(253.15, 7e-3), (268.15, 2.5e-3)])
def test_humidity_against_bolton(coldest, relative):
    """Two fits to the vapour pressure over water part in the cold: 0.7 % at -20 degrees, 0.2 % above -5."""
    kelvin = np.linspace(coldest, 313.15, 25)
    np.testing.assert_allclose(sky.humidity_of(kelvin, 0.6 * bolton(kelvin)), 0.6, rtol=relative)


def test_clouds_of_li_count_humidity_in_per_cent():
    hidden, added = sky.cloud_terms("li", np.array([0.25, 1.0]), np.array([0.5, 0.8]))
    np.testing.assert_allclose(hidden, [0.195, 0.78])
    np.testing.assert_allclose(added, [0.38 * 0.25**0.95 * 50.0**0.17, 0.38 * 80.0**0.17])


def test_cloud_fraction_wins_over_the_index_gap_or_not():
    given, index = np.array([np.nan, 0.2]), np.array([0.5, 0.5])
    np.testing.assert_array_equal(sky.cloud_share(given, index), [np.nan, 0.2])


def test_float32_is_near_float64():
    for method in METHODS:
        fine = down(method, 291.3, 1234.0, clouds=(0.4, 0.4))
        coarse = sky.clear_and_cloudy(method, *np.array([291.3, 1234.0], "f4"), None, None, (0.4, 0.4))
        assert float(coarse) == pytest.approx(float(fine), rel=2e-6)
