"""Emissivity, TES and upward longwave radiation beside the truth of the scored simulated Earth.

Its surfaces have other spectra than the tables here (bare soil 0.93, 0.97, 0.975 at 8.6, 11 and 12 um; plants 0.985),
its air another radiative transfer, so that agreement is none by construction; its upward radiation is by the same
definition, so that only the errors of the inputs are tested there.
"""

from datetime import datetime

import numpy as np
import pytest
import xarray as xr

from musyq_lab.products import _tes
from musyq_lab.products.emissivity import emissivity
from musyq_lab.products.ulr import ulr
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.twin import surface, thermal
from musyq_lab.twin.world import make_world

pytestmark = pytest.mark.slow  # two worlds of 6 km

SENSOR, VIEW = "modis/Terra", 20.0
ROLES = ("tir_8_6", "tir1", "tir2")
NAMES = [*(f"emissivity_{role}" for role in ROLES), "broadband_emissivity"]
CASES = [("huailai", datetime(2019, 7, 10, 3)), ("hulunber", datetime(2019, 7, 10, 3)),
         ("huailai", datetime(2019, 10, 10, 18))]  # fmt: skip


def layer(values, units):
    return xr.DataArray(np.asarray(values, "float32"), dims=("y", "x"), attrs={"units": units})


@pytest.fixture(scope="module", params=CASES, ids=lambda c: f"{c[0]}-{c[1]:%m%d}")
def case(request):
    """Return a state of a world, its emissivities, and a dataset with errors of usual size."""
    place, time = request.param
    world = make_world(place, size=6.0, members="scored")
    state = world.state(time)
    random = np.random.Generator(np.random.Philox(3))
    shape = state.fraction_vegetation_cover.shape
    truth = {}
    ds = xr.Dataset(
        {
            "fvc": layer(np.clip(state.fraction_vegetation_cover + random.normal(0, 0.1, shape), 0, 1), "1"),
            "land_cover": layer(world.static.land_cover, "1"),
            "snow_fraction": layer(state.snow_fraction, "1"),
            "water_vapour": layer(state.water_vapour * (1 + 0.1 * random.normal()), "kg m-2"),
            "air_temperature": layer(state.air_temperature + random.normal(0, 1.5), "K"),
            "view_zenith": layer(np.full(shape, VIEW), "degree"),
        }
    )
    for role in ROLES:
        band = SENSORS["modis"].band(role, "Terra")
        truth[f"emissivity_{role}"] = e = surface.emissivity(world.static, state, band.centre)
        seen = thermal.top_temperature(
            band.centre, band.fwhm, surface_temperature=state.surface_temperature.values, emissivity=e,
            air_temperature=state.air_temperature.values, water_vapour=state.water_vapour.values, view_zenith=VIEW,
            surface_pressure=state.surface_pressure.values,
        )  # fmt: skip
        ds[f"brightness_temperature_{role}"] = layer(seen + random.normal(0, 0.1, shape), "K")
    truth["broadband_emissivity"] = state.broadband_emissivity.values
    return state, truth, ds


def rms(values):
    return float(np.sqrt(np.nanmean(np.asarray(values) ** 2)))


def test_mixture_by_cover(case):
    _, truth, ds = case
    made = emissivity(ds, variables=NAMES, sensor=SENSOR)
    limits = dict(zip(NAMES, (0.03, 0.008, 0.008, 0.015), strict=True))
    for name in NAMES:
        error = made[name].values - truth[name]
        assert rms(error) < limits[name], name
        assert (np.abs(error) < made[f"{name}_uncertainty"].values).mean() > 0.6, name


def test_separation(case):
    state, truth, ds = case
    made = emissivity(ds, variables=NAMES, method="tes", sensor=SENSOR)
    for name in NAMES:
        error = made[name].values - truth[name]
        assert np.isfinite(error).all()
        assert rms(error) < 0.035, name
    light, sky = _tes.at_surface(
        [ds[f"brightness_temperature_{role}"].values for role in ROLES], ROLES, SENSOR,
        *(ds[name].values for name in ("water_vapour", "air_temperature", "view_zenith")),
    )  # fmt: skip
    temperature = _tes.separate(light, sky, ROLES, SENSOR).temperature
    assert rms(temperature - state.surface_temperature.values) < 1.5


def test_upward_radiation_and_its_stated_error(case):
    state, truth, ds = case
    random = np.random.Generator(np.random.Philox(11))
    shape = state.surface_temperature.shape
    ds = ds.assign(
        surface_temperature=layer(state.surface_temperature + random.normal(0, 1.5, shape), "K"),
        downward_longwave=layer(state.downward_longwave + random.normal(0, 20, shape), "W m-2"),
    )
    made = ulr(ds)
    error = made.ulr.values - state.upward_longwave.values
    assert rms(error) < 12
    assert 0.6 < (np.abs(error) < made.ulr_uncertainty.values).mean() < 0.8
    assert truth["broadband_emissivity"].shape == shape
