"""Water vapour of scenes made with known columns, and what is refused."""

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.standard import atmosphere, vapour
from musyq_lab.standard._aerosol_surfaces import land

SIZE, STEP = 30, 1000.0
AIR = {"aod": 0.2, "ozone": 300.0, "pressure": 980.0}
ANGLES = {"sun_zenith": 40.0, "sun_azimuth": 150.0, "view_zenith": 20.0, "view_azimuth": 100.0}
BANDS = ("water_vapour", "nir_narrow", "nir_1240")


def scene(column, *, sensor="modis", bands=BANDS, surface=None, pressure=AIR["pressure"]):
    """Return a standard scene over spectra of the library, under a column that is a number or a field."""
    draw = np.random.Generator(np.random.Philox(4))
    spectra = land(sensor, bands)
    spectra = spectra[(spectra > 0.12).all(axis=1)]
    chosen = spectra[draw.integers(0, spectra.shape[0], (SIZE, SIZE))].transpose(2, 0, 1)
    surface = chosen if surface is None else surface
    here = {"sun_zenith": 40.0, "view_zenith": 20.0, "relative_azimuth": 50.0}
    columns = np.broadcast_to(np.asarray(column, float), (SIZE, SIZE))
    toa = []
    for name, reflectance in zip(bands, surface, strict=True):
        sky = atmosphere.coefficients(sensor, name, **here, **(AIR | {"pressure": pressure}), water_vapour=columns)
        toa.append(atmosphere.toa_reflectance(reflectance, sky))
    variables = {"reflectance": (("band", "y", "x"), np.array(toa, np.float32), {"units": "1"})}
    variables |= {name: (("y", "x"), np.full((SIZE, SIZE), value, np.float32)) for name, value in ANGLES.items()}
    variables["qa"] = (("y", "x"), np.zeros((SIZE, SIZE), np.uint16))
    coords = {"band": list(bands), "y": 4e6 - STEP * np.arange(SIZE), "x": 5e5 + STEP * np.arange(SIZE)}
    attrs = {"sensor": sensor, "platform": "Terra", "reflectance_level": "top of atmosphere"}
    return xr.Dataset(variables, coords, attrs | {"time_coverage_start": "2019-07-01T03:00:00Z"})


@pytest.fixture(scope="module")
def moist():
    return scene(22.0)


@pytest.mark.parametrize("column", [3.0, 12.0, 22.0, 45.0])
def test_the_column_comes_back(column):
    """Within the 5 to 10 % of the near-infrared product of MODIS (Gao & Kaufman 2003, doi:10.1029/2002JD003023)."""
    found = vapour.estimate(scene(column), **AIR)
    np.testing.assert_allclose(found["water_vapour"], column, rtol=0.05)
    assert (found["water_vapour_uncertainty"] < 0.2 * column).all()
    away = np.abs(found["water_vapour"] - column) / found["water_vapour_uncertainty"]
    assert (away < 2.0).mean() > 0.95


def test_two_bands_are_enough_but_less_certain(moist):
    two = moist.drop_sel(band="nir_1240")
    found, better = (vapour.estimate(s, **AIR) for s in (two, moist))
    np.testing.assert_allclose(found["water_vapour"], 22.0, rtol=0.1)
    assert found["water_vapour_uncertainty"].mean() > better["water_vapour_uncertainty"].mean()


def test_the_aerosol_hardly_matters_over_bright_ground(moist):
    clear, hazy = (vapour.estimate(moist, **(AIR | {"aod": aod}))["water_vapour"].mean() for aod in (0.1, 0.4))
    assert float(clear / hazy) == pytest.approx(1.0, abs=0.08)


def test_a_gradient_is_followed():
    columns = np.linspace(8.0, 30.0, SIZE)[None, :] * np.ones((SIZE, 1))
    found = vapour.estimate(scene(columns), **AIR, cell=5000.0)["water_vapour"]
    line = found.mean("y").values
    assert np.corrcoef(line, columns[0])[0, 1] > 0.99
    assert line[-1] / line[0] == pytest.approx(30 / 8, rel=0.35)  # the outermost half cells are level


def test_windows_give_the_absorbing_band_of_straight_spectra():
    """With both windows the weights are near those of the line from 0.865 to 1.24 um: 0.8 and 0.2 (MODIS)."""
    weights, error = vapour.windows("modis", BANDS)
    assert sum(weights) == pytest.approx(1.0, abs=0.05)
    assert weights[0] > 2 * weights[1]
    assert error < vapour.windows("modis", BANDS[:2])[1] < 0.1


def test_clouds_and_dark_pixels_are_not_looked_at(moist):
    light, qa = moist["reflectance"].copy(deep=True), moist["qa"].copy(deep=True)
    light[:, ::2, ::2] = 0.7
    qa[::2, ::2] = SCENE_FLAG["cloud"].mask
    light[:, 1::2, 1::2] = 0.01
    found = vapour.estimate(moist.assign(reflectance=light, qa=qa), **AIR)["water_vapour"]
    np.testing.assert_allclose(found, 22.0, rtol=0.05)


def test_without_a_clear_pixel_there_is_no_column(moist):
    cloudy = moist.assign(qa=moist["qa"] + np.uint16(SCENE_FLAG["cloud"].mask))
    assert np.isnan(vapour.estimate(cloudy, **AIR)["water_vapour"]).all()


def test_cells_without_one_take_the_mean_of_the_others(moist):
    qa = moist["qa"].copy(deep=True)
    qa[:10, :10] = SCENE_FLAG["cloud"].mask
    found = vapour.estimate(moist.assign(qa=qa), **AIR)["water_vapour"]
    np.testing.assert_allclose(found[:10, :10], 22.0, rtol=0.05)


def test_over_uneven_ground_it_follows_the_pressure(moist):
    pressure = xr.DataArray(np.linspace(900, 1000, SIZE)[:, None] * np.ones(SIZE), dims=("y", "x"))
    found = vapour.estimate(moist, **(AIR | {"pressure": pressure}), cell=30000.0)["water_vapour"]
    assert float(found[-1, 0] / found[0, 0]) == pytest.approx((1000 / 900) ** 4, rel=1e-3)


@pytest.mark.parametrize("chunks", [(30, 30), (7, 11)])
@pytest.mark.parametrize("threads", [1, 4])
def test_the_same_bits_for_every_chunking_and_number_of_threads(moist, chunks, threads):
    whole = vapour.estimate(moist, **AIR)
    parts = vapour.estimate(moist.chunk({"band": 1, "y": chunks[0], "x": chunks[1]}), **AIR)
    with dask.config.set(scheduler="threads", num_workers=threads):
        parts = parts.compute()
    for name in whole:
        np.testing.assert_array_equal(parts[name].values, whole[name].values)


def test_nothing_is_computed_while_the_graph_is_built(moist):
    def refuse(*_args, **_kwargs):
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        found = vapour.estimate(moist.chunk({"y": 10, "x": 10}), **AIR)
    assert all(isinstance(found[name].data, da.Array) for name in found)


def test_what_it_says_of_itself(moist):
    found = vapour.estimate(moist, **AIR)
    assert found["water_vapour"].attrs["units"] == "kg m-2"
    assert "vapour.estimate" in found.attrs["history"]
    assert found["water_vapour"].dtype == np.float32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.assign_attrs(reflectance_level="surface"), "top of atmosphere"),
        (lambda s: s.drop_sel(band="water_vapour"), "band 'water_vapour'"),
        (lambda s: s.drop_sel(band="nir_narrow"), "nir or nir_narrow"),
        (lambda s: s.drop_vars("sun_zenith"), "sun_zenith"),
        (lambda s: s.drop_vars("reflectance"), "standard scene"),
    ],
)
def test_scenes_that_cannot_be_used(moist, change, words):
    with pytest.raises(InputError, match=words):
        vapour.estimate(change(moist), **AIR)


@pytest.mark.parametrize(
    ("given", "words"), [({"aod": 20.0}, "aod"), ({"ozone": None}, "place"), ({"cell": 10.0}, "as wide as a pixel")]
)
def test_what_is_given_must_fit(moist, given, words):
    with pytest.raises(InputError, match=words):
        vapour.estimate(moist, **(AIR | given))
