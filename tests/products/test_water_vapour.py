"""Column of water vapour: its closed forms, columns that come back, published numbers, bits and refusals."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from products.air_scenes import ANGLES, data, draw, scene

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.products import _vapour_methods as methods
from musyq_lab.products.water_vapour import SPEC
from musyq_lab.standard._aerosol_surfaces import land

REFERENCE = Path(__file__).parents[1] / "reference" / "water_vapour.csv"
BITS = {flag.name: flag.mask for flag in SPEC.flags}
BANDS = ("water_vapour", "nir", "nir_1240")
SIZE = 30


def field(value):
    return xr.DataArray(np.float64(value))


def rows():
    lines = REFERENCE.read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def told(made, name):
    return (made["water_vapour_qa"].values & BITS[name]) > 0


def moist(column, *, bands=BANDS, key=4):
    """Return a scene of MODIS over bright spectra of the library of land."""
    spectra = land("modis", bands, "Terra")
    spectra = spectra[(spectra > 0.15).all(axis=1)]
    chosen = spectra[draw(key).integers(0, spectra.shape[0], (SIZE, SIZE))]
    surface = {role: chosen[..., k] for k, role in enumerate(bands)}
    return scene("modis", surface, 0.2, vapour=column, size=SIZE)


def warm(ratio, *, sensor="landsat_oli", platform="Landsat-8", noise=0.0):
    """Return temperatures of two bands over ground of uneven temperature, under air that leaves a ratio."""
    random = draw(6)
    first = 295.0 + 4.0 * random.normal(size=(SIZE, SIZE))
    second = 293.0 + ratio * (first - 295.0) + noise * random.normal(size=(SIZE, SIZE))
    return (
        scene("modis", {"red": 0.1}, 0.1, size=SIZE)
        .assign(brightness_temperature_tir1=data(first, "K", SIZE), brightness_temperature_tir2=data(second, "K", SIZE))
        .assign_attrs(sensor=sensor, platform=platform, camera=platform)
    )


# ---- one exponential -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("row", rows(), ids=lambda row: row["column_g_cm2"])
def test_exponential_of_kaufman_and_gao(row):
    """The vector's numbers, as a product and as the closed form."""
    through, mass, column = (float(row[name]) for name in ("transmittance", "air_mass", "column_g_cm2"))
    found, _ = methods.by_exponential(field(0.3 * through), field(0.3), None, field(mass))
    assert float(found) == pytest.approx(10.0 * column, rel=1e-9)
    zenith = np.degrees(np.arccos(2.0 / mass))  # both angles alike
    made = ml.retrieve(
        "water_vapour",
        method="exponential",
        reference_air_mass=1.0,
        toa_reflectance_water_vapour=field(0.3 * through).assign_attrs(units="1"),
        toa_reflectance_nir=field(0.3).assign_attrs(units="1"),
        sun_zenith=field(zenith).assign_attrs(units="degree"),
        view_zenith=field(zenith).assign_attrs(units="degree"),
    )
    assert float(made["water_vapour"]) == pytest.approx(10.0 * column, rel=1e-6)


def test_light_that_is_not_absorbed_has_no_vapour():
    column, sigma = methods.by_exponential(field(0.35), field(0.3), None, field(2.5))
    assert float(column) == 0.0
    assert 0.0 < float(sigma) < 1.0
    made = ml.retrieve("water_vapour", moist(0.0), method="exponential")
    assert told(made, "not_absorbed").any()
    assert not told(made, "foreign_relation").any()
    other = moist(0.0).assign_attrs(sensor="sentinel2_msi", platform="Sentinel-2A", camera="Sentinel-2A")
    assert told(ml.retrieve("water_vapour", other, method="exponential"), "foreign_relation").all()


def test_exponential_is_near_the_tables_for_modis():
    """Both stand for the 0.94 um channel of MODIS; light that aerosol scatters above the vapour hides some of it."""
    ds = moist(20.0)
    made = ml.retrieve("water_vapour", ds, method="exponential")["water_vapour"]
    assert float(made.median()) == pytest.approx(20.0, rel=0.2)


# ---- tables ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("column", [6.0, 20.0, 45.0])
@pytest.mark.parametrize("bands", [BANDS, BANDS[:2]], ids=["three", "two"])
def test_the_column_comes_back(column, bands):
    """Within the 5 to 10 % said of MODIS (Gao & Kaufman 2003), whatever the number of windows."""
    aod = data(0.2, "1", SIZE)
    made = ml.retrieve("water_vapour", moist(column, bands=bands), aod=aod)
    np.testing.assert_allclose(made["water_vapour"], column, rtol=0.1)
    away = np.abs(made["water_vapour"] - column) / made["water_vapour_uncertainty"]
    assert float((away < 2.0).mean()) > 0.9
    assert not told(made, "aerosol_assumed").any()
    assert not told(made, "from_elsewhere").any()


def test_dark_ground_takes_the_mean_of_the_rest_and_says_so():
    ds = moist(20.0)
    light = ds["reflectance"].where(ds["x"] > ds["x"][14], 0.01).assign_attrs(units="1")
    made = ml.retrieve("water_vapour", ds.assign(reflectance=light), cell=10000.0)
    away = told(made, "from_elsewhere")
    assert away[:, :8].all()
    assert not away[:, 20:].any()
    np.testing.assert_allclose(made["water_vapour"], 20.0, rtol=0.1)


# ---- temperatures ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ratio", [0.75, 0.85, 0.95])
def test_landsat_as_published(ratio):
    """Ren et al. 2015, nadir: 9.087 + 0.653 R - 9.674 R^2."""
    made = ml.retrieve("water_vapour", warm(ratio).drop_vars("view_zenith"), method="covariance_ratio")
    expected = 10.0 * (9.087 + 0.653 * ratio - 9.674 * ratio**2)
    np.testing.assert_allclose(made["water_vapour"], expected, rtol=1e-3)
    assert told(made, "nadir_assumed").all()
    assert (made["water_vapour_uncertainty"] >= 5.0).all()


def test_an_oblique_path_is_longer():
    straight = ml.retrieve("water_vapour", warm(0.85).drop_vars("view_zenith"), method="covariance_ratio")
    oblique = ml.retrieve("water_vapour", warm(0.85), method="covariance_ratio")
    share = oblique["water_vapour"].mean() / straight["water_vapour"].mean()
    assert float(share) == pytest.approx(np.cos(np.radians(ANGLES["view_zenith"])), rel=1e-3)


@pytest.mark.parametrize("fault", ["even", "unlike"])
def test_where_temperatures_do_not_tell_the_climatology_remains(fault):
    ds = warm(0.9, noise=0.0 if fault == "even" else 10.0)
    if fault == "even":
        ds["brightness_temperature_tir1"] = data(295.0, "K", SIZE)
    made = ml.retrieve("water_vapour", ds, method="covariance_ratio")
    assert told(made, "little_contrast").all()
    assert float(made["water_vapour_uncertainty"].mean() / made["water_vapour"].mean()) == pytest.approx(0.4, abs=0.02)


# ---- bits, refusals --------------------------------------------------------------------------------------------------
def test_bits_say_what_was_assumed():
    made = ml.retrieve("water_vapour", moist(20.0).drop_vars(["view_zenith", "relative_azimuth"]))
    assert told(made, "aerosol_assumed").all()
    assert told(made, "nadir_assumed").all()
    assert not told(made, "sensor_assumed").any()
    bare = moist(20.0)
    del bare.attrs["sensor"]
    assert told(ml.retrieve("water_vapour", bare), "sensor_assumed").all()


def test_a_method_without_its_window_is_refused():
    with pytest.raises(InputError, match="above 0"):
        ml.retrieve("water_vapour", moist(20.0), reference_air_mass=0.0)
    with pytest.raises(InputError, match="needs a window"):
        ml.retrieve("water_vapour", moist(20.0, bands=("water_vapour", "nir")).isel(band=[0]))


def test_it_feeds_the_reflectance():
    """As ``ml.retrieve(["water_vapour", "lsr"], scene)`` does."""
    made = ml.retrieve(["water_vapour", "lsr"], moist(30.0))
    bits = {flag.name: flag.mask for flag in ml.PRODUCTS["lsr"].flags}
    assert not (made["lsr_qa"] & bits["vapour_assumed"]).any()
    assert (made["lsr_qa"] & bits["aerosol_assumed"]).astype(bool).all()
