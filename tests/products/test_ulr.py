"""Upward longwave radiation: vectors, identities, its parts, the stated error, what is made first."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.archive.stations import skin_temperature
from musyq_lab.core.quality import OUTPUT_OUT_OF_RANGE
from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN
from musyq_lab.products.ulr import SPEC, ulr

PARTS = ["ulr", "ulr_emitted", "ulr_reflected"]
COLD = next(flag.mask for flag in SPEC.flags if flag.name == "colder_than_sky")
UNITS = {"surface_temperature": "K", "broadband_emissivity": "1", "downward_longwave": "W m-2"}


def cases():
    path = Path(__file__).parents[1] / "reference" / "emissivity.csv"
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in rows if row["case"] == "ulr"]


def scene(temperature, emissivity, sky, **more):
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(x, float)) for x in (temperature, emissivity, sky)))
    variables = {n: ("x", a.copy(), {"units": u}) for (n, u), a in zip(UNITS.items(), arrays, strict=True)}
    for name, value in more.items():
        unit = UNITS[name.removesuffix("_uncertainty")]
        variables[name] = ("x", np.broadcast_to(float(value), arrays[0].shape), {"units": unit})
    return xr.Dataset(variables)


@pytest.mark.parametrize("row", cases(), ids=lambda r: r["given"])
def test_vectors(row):
    given = dict(pair.split("=") for pair in row["given"].split(";"))
    made = ulr(scene(given["temperature"], given["emissivity"], given["sky"]))
    assert float(made.ulr[0]) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_a_black_surface_only_emits():
    made = ulr(scene([250.0, 300.0, 340.0], 1.0, [100.0, 300.0, 600.0]), variables=PARTS)
    np.testing.assert_allclose(made.ulr, STEFAN_BOLTZMANN * np.array([250.0, 300.0, 340.0]) ** 4)
    np.testing.assert_array_equal(made.ulr_reflected, 0.0)


def test_under_a_sky_as_warm_as_the_surface_emissivity_does_not_matter():
    temperature = np.array([260.0, 290.0, 310.0])
    sky = STEFAN_BOLTZMANN * temperature**4
    for emissivity in (0.7, 0.9, 0.98):
        np.testing.assert_allclose(ulr(scene(temperature, emissivity, sky)).ulr, sky, rtol=1e-12)


def test_parts_make_the_whole():
    random = np.random.default_rng(4)
    ds = scene(random.uniform(240, 340, 50), random.uniform(0.7, 1, 50), random.uniform(100, 480, 50))
    made = ulr(ds, variables=PARTS)
    np.testing.assert_allclose(made.ulr_emitted + made.ulr_reflected, made.ulr, rtol=1e-13)


def test_temperature_comes_back():
    """The whole inverts to the temperature; without the reflected part it would be 2 K too warm."""
    ds = scene([270.0, 300.0, 320.0], [0.98, 0.96, 0.92], [200.0, 350.0, 330.0])
    made = ulr(ds).ulr
    back = skin_temperature(made, ds.downward_longwave, ds.broadband_emissivity)
    np.testing.assert_allclose(back, ds.surface_temperature, atol=1e-9)
    ignoring = skin_temperature(made, 0.0, ds.broadband_emissivity)
    assert 2.0 < ignoring[1] - 300.0 < 3.0


def test_parts_need_only_what_they_rest_on():
    ds = scene(300.0, 0.95, 350.0)
    assert float(ulr(ds.drop_vars("downward_longwave"), variables=["ulr_emitted"]).ulr_emitted[0]) > 400
    assert float(ulr(ds.drop_vars("surface_temperature"), variables=["ulr_reflected"]).ulr_reflected[0]) == (
        pytest.approx(17.5)
    )


def test_stated_error_is_that_of_the_inputs():
    """By hand: d/dT = 4 eps sigma T^3, d/d eps = sigma T^4 - L, d/dL = 1 - eps."""
    ds = scene(
        300.0,
        0.95,
        350.0,
        surface_temperature_uncertainty=1.0,
        broadband_emissivity_uncertainty=0.01,
        downward_longwave_uncertainty=10.0,
    )
    slopes = (4 * 0.95 * STEFAN_BOLTZMANN * 300**3, STEFAN_BOLTZMANN * 300**4 - 350.0, 0.05)
    expected = np.sqrt(slopes[0] ** 2 + (0.01 * slopes[1]) ** 2 + (10 * slopes[2]) ** 2 + 1.5**2)
    assert float(ulr(ds).ulr_uncertainty[0]) == pytest.approx(expected, rel=1e-4)


def test_stated_error_covers_random_errors():
    """Errors drawn with the default sigmas lie within the stated one for about 68 % of them."""
    random = np.random.default_rng(8)
    count = 4000
    truth = scene(random.uniform(270, 320, count), random.uniform(0.92, 0.97, count), random.uniform(250, 420, count))
    seen = truth.copy(deep=True)
    for item in SPEC.inputs:
        seen[item.name] += random.normal(0, item.uncertainty[0], count)
    made = ulr(seen)
    error = made.ulr - ulr(truth, uncertainty=False).ulr + random.normal(0, 1.5, count)
    assert 0.66 < float((np.abs(error) < made.ulr_uncertainty).mean()) < 0.71


def test_a_surface_colder_than_its_sky_has_its_bit():
    made = ulr(scene([270.0, 300.0], 0.97, [340.0, 340.0]))
    assert (made.ulr_qa.values & COLD).astype(bool).tolist() == [True, False]


def test_stored_range_is_kept():
    made = ulr(scene([370.0, 182.0], [1.0, 0.6], [30.0, 30.0]))
    assert float(made.ulr[0]) < 1100
    assert np.isnan(made.ulr[1]) == bool(int(made.ulr_qa[1]) & OUTPUT_OUT_OF_RANGE.mask)


def test_products_feed_it_by_name():
    """What lst, emissivity and dlr make is found under their own names."""
    ds = scene(300.0, 0.95, 350.0).rename(surface_temperature="lst", downward_longwave="dlr")
    assert float(ulr(ds).ulr[0]) == pytest.approx(float(ulr(scene(300.0, 0.95, 350.0)).ulr[0]))


def test_emissivity_is_made_on_the_way():
    ds = scene(300.0, 0.95, 350.0).drop_vars("broadband_emissivity")
    ds["fvc"], ds["land_cover"] = ("x", [0.3], {"units": "1"}), ("x", [12.0], {"units": "1"})
    made = ulr(ds)
    assert 400 < float(made.ulr[0]) < 460
    assert "retrieve:emissivity" in made.attrs["history"]
