"""Aerosol optical depth: known scenes come back by each method, published relations, bits, series, refusals."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from products.air_scenes import ANGLES, data, draw, given, scene

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.products import _aerosol_targets as targets
from musyq_lab.products.aod import SPEC
from musyq_lab.standard._aerosol_surfaces import land

BITS = {flag.name: flag.mask for flag in SPEC.flags}
MODIS = ("blue", "red", "nir", "nir_1240", "swir2")
SIZE = 24


def told(made, name):
    return (made["aod_qa"].values & BITS[name]) > 0


def dark(index=0.5, far=None):
    """Return reflectances that keep the published relation of MODIS exactly."""
    far = draw(5).uniform(0.05, 0.15, (SIZE, SIZE)) if far is None else far
    slope, offset = targets.red_line(index, targets.scattering_angle(*ANGLES.values()))
    red = slope * far + offset
    short = far * (1 + index) / (1 - index)
    return {"blue": 0.49 * red + 0.005, "red": red, "nir": red + 0.25, "nir_1240": short, "swir2": far}


def fields(sensor, roles, *, least=0.65, key=6):
    """Return green spectra of the library of land."""
    spectra = land(sensor, roles, {"modis": "Terra", "gf1_wfv": "WFV1"}[sensor])
    red, infrared = spectra[:, roles.index("red")], spectra[:, roles.index("nir")]
    green = spectra[((infrared - red) / (infrared + red) > least) & (red < 0.1)]
    chosen = green[draw(key).integers(0, green.shape[0], (SIZE, SIZE))]
    return {role: chosen[..., k] for k, role in enumerate(roles)}


def found(ds, method="library", **options):
    return ml.retrieve("aod", ds, method=method, **given(SIZE), **options)


@pytest.fixture(scope="module")
def hazy():
    return scene("modis", fields("modis", MODIS), 0.4, size=SIZE)


# ---- dark targets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aod", [0.05, 0.3, 0.8])
def test_dark_target_over_its_own_surface(aod):
    """What is left are the joints of the table and that of 1.24 over 2.1 um seen through the air."""
    ds = scene("modis", dark(), aod, size=SIZE)
    made = found(ds, "dark_target")
    np.testing.assert_allclose(made["aod"], aod, atol=0.02 + 0.03 * aod)
    np.testing.assert_allclose(made["aod_uncertainty"], 0.05 + 0.15 * made["aod"], rtol=1e-4)
    assert not told(made, "few_dark_pixels").any()


def test_sensors_without_the_band_at_1240_take_the_ratios_of_viirs():
    far = draw(5).uniform(0.05, 0.15, (SIZE, SIZE))
    surface = {"blue": 0.645 * 0.559 * far, "red": 0.559 * far, "nir": far + 0.2, "swir2": far}
    ds = scene("landsat_oli", surface, 0.3, size=SIZE)
    np.testing.assert_allclose(found(ds, "dark_target")["aod"], 0.3, atol=0.02)


def test_bright_ground_has_no_dark_target():
    surface = dark(far=np.where(np.arange(SIZE) < 12, 0.4, 0.08) * np.ones((SIZE, 1)))
    made = found(scene("modis", surface, 0.3, size=SIZE), "dark_target", cell=4000.0)
    few = told(made, "few_dark_pixels")
    assert few[:, :9].all()
    assert not few[:, 15:].any()
    np.testing.assert_array_equal(np.isnan(made["aod"].values), few)


# ---- without bands beyond 1 um ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("aod", [0.1, 0.4, 0.8])
def test_dense_vegetation_comes_back(aod):
    """Within the expected error of dark targets over land, Levy et al. 2013."""
    ds = scene("gf1_wfv", fields("gf1_wfv", ("blue", "green", "red", "nir"), least=0.75), aod, size=SIZE)
    made = found(ds, "dense_vegetation", prior=(0.3, 0.3))
    assert float((np.abs(made["aod"] - aod) <= 0.05 + 0.15 * aod).mean()) > 0.67
    assert float(made["aod_information"].mean()) > 0.5
    assert not told(made, "few_dark_pixels").any()


def test_without_vegetation_the_prior_remains():
    bare = {"blue": 0.12, "green": 0.16, "red": 0.2, "nir": 0.26}
    made = found(scene("gf1_wfv", bare, 0.3, size=SIZE), "dense_vegetation", prior=(0.2, 0.1))
    np.testing.assert_allclose(made["aod"], 0.2, rtol=0.03)
    np.testing.assert_allclose(made["aod_uncertainty"], 0.1, rtol=0.1)
    assert told(made, "few_dark_pixels").all()
    assert told(made, "prior_only").all()


# ---- library ---------------------------------------------------------------------------------------------------------
def test_the_library_is_the_default_and_comes_back(hazy):
    made = ml.retrieve("aod", hazy, **given(SIZE), prior=(0.3, 0.25))
    assert made.attrs["method"] == "library"
    assert float((np.abs(made["aod"] - 0.4) <= 0.05 + 0.15 * 0.4).mean()) > 0.67
    assert (np.abs(made["aod"] - 0.4) < 2 * made["aod_uncertainty"]).mean() > 0.9
    assert not told(made, "prior_only").any()


def test_thick_aerosol_is_found_with_a_large_sigma_and_still_told_by_the_scene():
    ds = scene("modis", fields("modis", MODIS), 1.0, size=SIZE)
    made = found(ds, prior=(0.2, 0.15))
    assert float(made["aod"].mean()) > 0.6
    assert float(made["aod_information"].mean()) > 0.5


def test_under_clouds_the_prior_remains_and_says_so(hazy):
    cloudy = hazy.assign(qa=hazy["qa"] + np.uint16(SCENE_FLAG["cloud"].mask))
    made = found(cloudy, prior=(0.25, 0.1))
    np.testing.assert_allclose(made["aod"], 0.25, rtol=0.03)
    assert told(made, "prior_only").all()


# ---- series ----------------------------------------------------------------------------------------------------------
def test_one_surface_serves_all_dates():
    """Errors of single dates cancel: the series is nearer to the truth than its dates alone."""
    truth = np.array([0.1, 0.6, 0.25, 0.9, 0.15, 0.4])
    stamps = np.datetime64("2019-07-01T03:00", "ns") + np.arange(truth.size) * np.timedelta64(1, "D")
    surface = fields("modis", MODIS)
    names = ["reflectance", *ANGLES, "qa"]
    dates = [scene("modis", surface, aod, size=SIZE, time=str(t)) for aod, t in zip(truth, stamps, strict=True)]
    cube = xr.concat([ds[names] for ds in dates], "time").assign_coords(time=stamps).assign_attrs(dates[0].attrs)
    made = found(cube, "time_series", prior=(0.3, 0.25))
    alone = found(cube, prior=(0.3, 0.25))
    errors = [np.abs(m["aod"].mean(["y", "x"]).values - truth) for m in (made, alone)]
    away = [(m["aod"].mean(["y", "x"]) - truth).values for m in (made, alone)]
    assert np.std(away[0]) < np.std(away[1]) + 0.01
    assert (errors[0] <= 0.05 + 0.15 * truth).mean() >= 0.67
    assert not told(made, "few_dates").any()
    assert made["aod"].dims == alone["aod"].dims
    np.testing.assert_array_equal(made["time"], stamps)


def test_a_single_date_is_as_its_first_estimate(hazy):
    made, first = (found(hazy, method) for method in ("time_series", "library"))
    np.testing.assert_allclose(made["aod"].mean(), first["aod"].mean(), atol=0.03)
    assert told(made, "few_dates").all()


# ---- bits, laziness, refusals ----------------------------------------------------------------------------------------
def test_bits_say_what_was_assumed(hazy):
    made = ml.retrieve("aod", hazy.drop_vars(["view_zenith", "relative_azimuth"]))
    for name in ("vapour_assumed", "nadir_assumed"):
        assert told(made, name).all()
        assert not told(found(hazy), name).any()
    assert not told(made, "sensor_assumed").any()
    stranger = hazy.copy()
    del stranger.attrs["sensor"]
    assert told(ml.retrieve("aod", stranger), "sensor_assumed").all()


def test_at_the_end_of_the_tables():
    surface = {"blue": 0.5, "red": 0.05, "nir": 0.3, "nir_1240": 0.2, "swir2": 0.1}
    made = found(scene("modis", surface, 0.3, size=SIZE), "dark_target")
    np.testing.assert_array_equal(made["aod"], np.float32(2.0))
    assert told(made, "at_table_limit").all()


@pytest.mark.parametrize("method", ["dark_target", "dense_vegetation"])
def test_chunks_do_not_matter_and_nothing_is_computed(hazy, method):
    whole = found(hazy, method, cell=8000.0)
    lazy = found(hazy.chunk({"y": 7, "x": 11}), method, cell=8000.0)
    assert isinstance(lazy["aod"].data, da.Array)
    xr.testing.assert_equal(lazy.compute(), whole)


def test_only_what_is_wanted(hazy):
    made = found(hazy, variables=["aod_information"])
    assert "aod" not in made
    assert "aod_information" in made


@pytest.mark.parametrize(
    ("method", "without", "words"),
    [
        ("dark_target", "swir2", "needs toa_reflectance_swir2"),
        ("dense_vegetation", "blue", "needs toa_reflectance_blue"),
        ("library", "nir", "needs toa_reflectance_nir"),
    ],
)
def test_a_method_without_its_band_is_refused(hazy, method, without, words):
    with pytest.raises(InputError, match=words):
        found(hazy.drop_sel(band=without), method)


def test_it_feeds_the_reflectance(hazy):
    made = ml.retrieve(["aod", "lsr"], hazy, water_vapour=data(20.0, "kg m-2", SIZE))
    bits = {flag.name: flag.mask for flag in ml.PRODUCTS["lsr"].flags}
    assert not (made["lsr_qa"] & bits["aerosol_assumed"]).any()
    truth = fields("modis", MODIS)
    assert float(np.abs(made["reflectance_red"] - truth["red"]).mean()) < 0.015
