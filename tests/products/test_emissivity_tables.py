"""Emissivities of materials in bands, conversion from ASTER, ground by class, published constants."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.core.resources import resource
from musyq_lab.products import _emissivity as tables
from musyq_lab.products._tes import band_constants

GROUND = ("compacted_soil", "tilled_soil", "wet_soil", "loam", "sand", "rock", "desert", "urban_concrete")


def cases(*names):
    path = Path(__file__).parents[1] / "reference" / "emissivity.csv"
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in rows if row["case"] in names]


def aster(names):
    """Return the emissivities of materials in the bands of ASTER."""
    return {band: np.array([tables.band_emissivity(f"aster_{band}")[name] for name in names]) for band in tables.ASTER}


def test_spectra_are_emissivities_on_rising_wavelengths():
    wavelength, table = tables.spectra()
    assert (np.diff(wavelength) > 0).all()
    assert len(table) >= 14
    for name, values in table.items():
        assert ((values > 0.7) & (values < 1.0)).all(), name
        assert not values.flags.writeable


def test_known_features_are_there():
    """Quartz glows weakly from 8 to 9.5 um; leaves and water are nearly black; ice darkens at 12 um."""
    low, high = (tables.band_emissivity(role) for role in ("tir_8_6", "tir1"))
    for name in ("sand", "rock", "loam", "desert"):
        assert low[name] < high[name] - 0.04, name
    for name in ("grass", "conifer", "water"):
        assert low[name] > 0.965
    assert tables.band_emissivity("tir2")["ice"] < tables.band_emissivity("tir_10_4")["ice"] - 0.05


@pytest.mark.parametrize("row", cases("planck"), ids=lambda r: r["role"])
def test_planck_constants_of_landsat(row):
    published = [float(x) for x in row["value"].split(";")]
    np.testing.assert_allclose(band_constants(row["role"], row["sensor"]), published, rtol=float(row["tolerance"]))


@pytest.mark.parametrize("row", cases("mean"), ids=lambda r: f"{r['role']}-{r['given']}")
def test_ground_is_near_published_means(row):
    number = int(row["given"].removeprefix("class="))
    made = tables.ground(row["role"], row["sensor"]).emissivity[number]
    assert made == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("role", tables.ROLES)
@pytest.mark.parametrize("sensor", ["", "modis/Terra", "npp_viirs/", "himawari_ahi/", "fy4a_agri/"])
def test_regression_finds_the_ground_in_other_bands(role, sensor):
    how = tables.conversion(role, sensor)
    seen = aster(GROUND)
    made = how.constant + sum(w * seen[band] for w, band in zip(how.weights, how.bands, strict=True))
    truth = np.array([tables.band_emissivity(role, sensor)[name] for name in GROUND])
    assert np.abs(made - truth).max() < 0.009
    assert how.constant + sum(how.weights) == pytest.approx(1.0, abs=0.015)  # black stays black


def test_regression_agrees_with_the_published_one_of_landsat_8():
    ours = tables.regression(
        [tuple(aster(GROUND)[band]) for band in (13, 14)],
        tuple(tables.band_emissivity("tir1", "landsat_oli/Landsat-8")[name] for name in GROUND),
    )
    published = tables.conversion("tir1", "landsat_oli/Landsat-8")
    assert published.weights == (0.682, 0.2578)
    seen = aster(GROUND)
    difference = (ours[0] - 0.682) * seen[13] + (ours[1] - 0.2578) * seen[14] + ours[2] - published.constant
    assert np.sqrt(np.mean(difference**2)) < 0.006
    assert np.abs(difference).max() < 0.01


def test_regression_is_least_squares():
    random = np.random.default_rng(2)
    x, y = random.uniform(0.8, 1, (2, 40))
    z = 0.3 * x + 0.6 * y + 0.05
    np.testing.assert_allclose(tables.regression([tuple(x), tuple(y)], tuple(z)), (0.3, 0.6, 0.05), atol=1e-6)


def test_broad_band_of_aster_is_near_the_integral():
    names = (*GROUND, "grass", "conifer")
    how = tables.conversion("broad")
    seen = aster(names)
    made = how.constant + sum(w * seen[band] for w, band in zip(how.weights, how.bands, strict=True))
    truth = np.array([tables.band_emissivity("broad")[name] for name in names])
    assert np.sqrt(np.mean((made - truth) ** 2)) < 0.011


@pytest.mark.parametrize(
    ("roles", "most"), [(("tir1", "tir2"), 0.04), (("tir_8_6", "tir1", "tir2"), 0.01), (tables.ROLES, 0.01)]
)
def test_broad_band_of_bands_is_near_the_integral(roles, most):
    *weights, constant = tables.broad_from(roles)
    bands = [np.array(list(tables.band_emissivity(role).values())) for role in roles]
    made = constant + sum(w * e for w, e in zip(weights, bands, strict=True))
    assert np.abs(made - list(tables.band_emissivity("broad").values())).max() < most


def test_broad_band_of_ecostress_agrees():
    """EmisWb3BandCoeffs of ECOSTRESS collection 3: 0.3287, 0.3783, 0.3158, -0.0255 for 8.8, 10.5 and 12.1 um."""
    names = (*GROUND, "grass", "conifer", "water")
    fine = [np.linspace(centre - width / 2, centre + width / 2, 51) for centre, width in
            ((8.78, 0.31), (10.49, 0.36), (12.09, 0.54))]  # fmt: skip
    wavelength, table = tables.spectra()
    bands = [np.array([np.interp(x, wavelength, table[n]).mean() for n in names]) for x in fine]
    theirs = 0.3287 * bands[0] + 0.3783 * bands[1] + 0.3158 * bands[2] - 0.0255
    ours = np.array([tables.band_emissivity("broad")[name] for name in names])
    assert np.sqrt(np.mean((theirs - ours) ** 2)) < 0.012


def test_every_class_has_ground_and_materials_are_in_the_table():
    with resource("catalogs/emissivity/bare_ground.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert {int(row["class"]) for row in rows} == {0, *range(1, 15), 16}
    known = set(tables.spectra()[1])
    for row in rows:
        assert set(row["materials"].split()) <= known
    for role in (*tables.ROLES, "broad"):
        made = tables.ground(role).emissivity
        assert made.shape == (tables.CLASSES,)
        assert ((made > 0.85) & (made <= 0.99)).all()
        assert made[200] == made[0]


def test_water_and_snow_are_the_published_constants():
    bands, broad = tables.ground("tir1"), tables.ground("broad")
    assert (bands.emissivity[17], bands.emissivity[15], bands.snow) == (0.99, 0.989, 0.989)
    assert (broad.emissivity[17], broad.emissivity[15], broad.snow) == (0.985, 0.985, 0.985)


def test_thresholds_exist_where_they_are_published():
    assert tables.thresholds("tir_8_6", "modis/Terra") is None
    assert tables.thresholds("tir1", "landsat_tm/").bare == 0.979
    assert tables.thresholds("tir1", "landsat_oli/Landsat-9") == tables.thresholds("tir1", "")


def test_a_band_that_a_sensor_lacks_is_the_nominal_one():
    assert tables.band_emissivity("tir_10_4", "modis/Terra") == tables.band_emissivity("tir_10_4", "")
    assert tables.band_emissivity("tir1", "no_such_sensor/") == tables.band_emissivity("tir1", "")


def test_responses_are_shares():
    for role, sensor in (("tir1", "landsat_oli/Landsat-9"), ("broad", ""), ("aster_12", "")):
        fine, seen = tables.band_response(role, sensor)
        assert seen.sum() == pytest.approx(1.0)
        assert fine.shape == seen.shape
