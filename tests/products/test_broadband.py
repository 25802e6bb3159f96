"""From bands to broad bands: published formulae, the library's spectra, noise, and the share of diffuse light."""

import csv
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.products import _broadband as broadband
from musyq_lab.products._broadband import BROADBANDS, ROLES, conversion, diffuse_fraction, library_albedo
from musyq_lab.standard import _library
from musyq_lab.standard.atmosphere import irradiance

# One sensor of each set of bands, and the error (relative, 68 %) that a formula for it may leave.
SENSORS = {
    "modis/Terra": 0.012,
    "landsat_oli/Landsat-8": 0.022,
    "sentinel2_msi/Sentinel-2A": 0.018,
    "msg_seviri": 0.04,
    "gf1_wfv/WFV1": 0.095,
}


def errors(sensor, broad="shortwave", roles=None, **options):
    key, _, variant = sensor.partition("/")
    roles = roles or broadband.roles_of(key, variant)
    formula = conversion("regression", sensor, roles, broad, **options)
    seen = _library.band_reflectance(key, roles, variant)
    return seen @ np.array(formula.weights) + formula.offset - library_albedo(broad), formula


@pytest.mark.parametrize(("sensor", "most"), SENSORS.items())
def test_the_formula_leaves_what_it_says(sensor, most):
    left, formula = errors(sensor)
    relative = np.abs(left) / np.maximum(library_albedo("shortwave"), broadband.DARKEST)
    assert formula.error <= most
    assert np.mean(relative <= formula.error) == pytest.approx(0.68, abs=0.002)
    ordinary = ~np.isin(_library.kinds(), ["snow"])
    assert abs(left[ordinary].mean()) < 0.01


@pytest.mark.parametrize("broad", BROADBANDS)
def test_a_grey_surface_keeps_its_albedo(broad):
    """The same reflectance in all bands is, to a few percent, the albedo: nothing was trained on such a surface."""
    _, formula = errors("modis", broad)
    for grey in (0.1, 0.3, 0.6):
        assert sum(formula.weights) * grey + formula.offset == pytest.approx(grey, rel=0.04)


def test_the_fit_is_the_least_of_its_neighbours():
    """Ridge regression written out: no step of a weight lowers the sum it minimises."""
    roles = ("red", "nir", "swir1")
    seen, truth = _library.band_reflectance("modis", roles, ""), library_albedo("shortwave")
    formula = conversion("regression", "modis", roles, "shortwave")

    def cost(c):
        noise = ((c[:-1] * (0.003 + 0.02 * seen)) ** 2).sum(axis=1)
        return (((seen @ c[:-1] + c[-1] - truth) ** 2 + noise) / np.maximum(truth, 0.05) ** 2).sum()

    best = np.array([*formula.weights, formula.offset])
    for k in range(4):
        for step in (-1e-3, 1e-3):
            assert cost(best + step * np.eye(4)[k]) > cost(best)


def test_noise_of_the_bands_is_not_amplified():
    for sensor in ("modis", "landsat_oli/Landsat-8", "sentinel2_msi/Sentinel-2A"):
        _, formula = errors(sensor)
        assert np.sqrt(np.sum(np.square(formula.weights))) < 0.6
        assert np.abs(formula.weights).sum() < 1.2


def test_more_bands_are_not_worse():
    sets = (("red", "nir"), ("blue", "red", "nir", "swir1"), ROLES)
    left = [errors("modis", roles=roles)[1].error for roles in sets]
    assert left == sorted(left, reverse=True)


def test_visible_and_near_infrared_add_up_to_the_shortwave():
    parts = [library_albedo(broad) for broad in ("visible", "near_infrared")]
    whole = library_albedo("shortwave")
    share = np.linalg.lstsq(np.stack(parts, 1), whole, rcond=None)[0]
    assert share.sum() == pytest.approx(1.0, abs=1e-3)
    assert share[0] == pytest.approx(0.46, abs=0.02)  # of the light of 0.4 to 2.5 um, ASTM G173-03
    np.testing.assert_allclose(np.stack(parts, 1) @ share, whole, atol=1e-4)


def test_light_beyond_the_models_makes_vegetation_darker():
    narrow, wide = (library_albedo("shortwave", limits) for limits in broadband.LIMITS)
    change = (wide - narrow)[_library.kinds() == "canopy"]
    assert -0.012 < change.mean() < -0.005
    assert np.array_equal(*(library_albedo("visible", limits) for limits in broadband.LIMITS))
    a, b = (conversion("regression", "modis", ROLES, "shortwave", limits) for limits in broadband.LIMITS)
    assert a.weights != b.weights
    with pytest.raises(InputError, match=r"0\.4-2\.5 or 0\.3-4"):
        conversion("regression", "modis", ROLES, "shortwave", "0.3-3")


def test_published_formulae_are_those_of_the_table():
    formula = conversion("published", "modis/Aqua", ROLES, "shortwave")
    assert formula.weights == (0.243, 0.116, 0.160, 0.291, 0.112, 0.0, 0.081)
    assert formula.offset == -0.0015
    turned = conversion("published", "landsat_tm", ("nir", "red", "blue", "swir2", "swir1"), "shortwave")
    assert turned.weights == (0.373, 0.130, 0.356, 0.072, 0.085)
    for sensor, broad in broadband._rows():
        formula = conversion("published", sensor, ROLES, broad)
        assert 0.95 < sum(formula.weights) < 1.05


def test_what_is_not_published_is_refused():
    with pytest.raises(InputError, match="method='regression'"):
        conversion("published", "gf1_wfv", ROLES, "shortwave")
    with pytest.raises(InputError, match="needs the band 'nir_1240'"):
        conversion("published", "modis", ("blue", "green", "red", "nir", "swir1", "swir2"), "shortwave")
    with pytest.raises(NotFoundError):
        conversion("regression", "no_such_sensor", ROLES, "shortwave")


def test_no_sensor_is_modis():
    assert conversion("regression", "", ROLES, "shortwave") == conversion("regression", "modis", ROLES, "shortwave")


# ---- diffuse light ---------------------------------------------------------------------------------------------------
def test_the_table_is_what_its_source_gives(monkeypatch):
    """A node of the shipped table, made again; and a single band lies where it must."""
    spec = spec_from_file_location("derive_albedo", resource("catalogs/albedo/derive.py"))
    derive = module_from_spec(spec)
    spec.loader.exec_module(derive)
    monkeypatch.setattr(derive, "SUNS", (40.0,))
    monkeypatch.setattr(derive, "DEPTHS", (0.2,))
    ((_, _, *made),) = derive.diffuse()
    shipped = [float(diffuse_fraction(np.array(40.0), np.array(0.2), broad)) for broad in BROADBANDS]
    np.testing.assert_allclose(made, shipped, atol=6e-5)  # four digits are written
    given = {name: np.array([value]) for name, value in (("sun_zenith", 40.0), ("aod", 0.2), ("water_vapour", 20.0))}
    share = {}
    for band in ("blue", "red"):
        air = irradiance("modis", band, **given)
        share[band] = float(air.diffuse[0] / (air.direct[0] + air.diffuse[0]))
    assert share["red"] < shipped[1] < share["blue"]


def test_stated_accuracy_is_that_of_the_shipped_table():
    """catalogs/albedo/accuracy.csv says what the formulae leave; here its row of canopies under MODIS again."""
    with resource("catalogs/albedo/accuracy.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    canopy = _library.kinds() == "canopy"
    for row in rows:
        if (row["sensor"], row["conversion"], row["kind"]) == ("modis", "regression", "canopy"):
            left = errors("modis", row["broadband"])[0][canopy]
            assert left.mean() == pytest.approx(float(row["bias"]), abs=6e-5)
            assert np.sqrt(np.mean(left**2)) == pytest.approx(float(row["rms"]), abs=6e-5)
    assert {row["kind"] for row in rows} == set(_library.kinds())


def test_more_aerosol_and_a_lower_sun_make_the_light_more_diffuse():
    suns, depths = np.meshgrid(np.linspace(0, 80, 41), np.linspace(0, 2, 41), indexing="ij")
    for broad in BROADBANDS:
        share = diffuse_fraction(suns, depths, broad)
        assert (np.diff(share, axis=0) > -1e-4).all()
        assert (np.diff(share, axis=1) > 0).all()
        assert 0 < share.min() < share.max() < 1
    order = [
        float(diffuse_fraction(np.array(30.0), np.array(0.3), b)) for b in ("near_infrared", "shortwave", "visible")
    ]
    assert order == sorted(order)


def test_interpolation_is_exact_at_the_nodes_and_straight_between():
    suns, depths, tables = broadband._table()
    assert float(diffuse_fraction(suns[3], depths[2])) == pytest.approx(tables[0, 3, 2], abs=1e-12)
    middle = float(diffuse_fraction((suns[3] + suns[4]) / 2, (depths[2] + depths[3]) / 2))
    assert middle == pytest.approx(tables[0, 3:5, 2:4].mean(), abs=1e-12)
    assert float(diffuse_fraction(89.0, 5.0)) == tables[0, -1, -1]


def test_diffuse_fraction_keeps_nan_type_and_shape():
    found = diffuse_fraction(np.array([[30.0], [np.nan]], np.float32), np.array([0.1, np.nan, 0.3], np.float32))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found), [[False, True, False], [True, True, True]])
    with pytest.raises(NotFoundError, match="no broad band"):
        diffuse_fraction(np.array(30.0), np.array(0.1), "par")
