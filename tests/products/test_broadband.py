"""From bands to broad bands: published formulae, the library's spectra, noise, and the share of diffuse light."""

import csv
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

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


# ---- by hand ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("broad", BROADBANDS)
def test_interpolation_is_that_of_scipy(broad):
    """The table as it is written in the file, interpolated by another."""
    written = np.loadtxt(resource("catalogs/albedo/diffuse.csv"), delimiter=",", skiprows=2)
    suns, depths = (np.unique(written[:, k]) for k in (0, 1))
    field = np.empty((suns.size, depths.size))
    for row in written:
        field[np.searchsorted(suns, row[0]), np.searchsorted(depths, row[1])] = row[2 + BROADBANDS.index(broad)]
    random = np.random.Generator(np.random.Philox(3))
    points = random.uniform([suns[0], depths[0]], [suns[-1], depths[-1]], (200, 2))
    expected = RegularGridInterpolator((suns, depths), field)(points)
    np.testing.assert_allclose(diffuse_fraction(*points.T, broad), expected, rtol=1e-12)


def test_place_is_that_of_a_plain_loop():
    nodes = np.array([0.0, 0.1, 0.5, 2.0])
    values = np.array([-1.0, 0.0, 0.05, 0.1, 0.3, 1.9999, 2.0, 7.0])
    low, share = broadband._place(nodes, values)
    for value, k, part in zip(values, low, share, strict=True):
        inside = min(max(value, 0.0), 2.0)
        expected = next(n for n in (2, 1, 0) if inside >= nodes[n])
        assert k == expected
        assert part == pytest.approx((inside - nodes[expected]) / (nodes[expected + 1] - nodes[expected]))


def test_diffuse_light_of_a_field_is_that_of_its_pixels():
    random = np.random.Generator(np.random.Philox(4))
    suns, depths = random.uniform(0.0, 90.0, (5, 1)), random.uniform(0.0, 3.0, 6)
    field = diffuse_fraction(suns, depths)
    assert field.shape == (5, 6)
    for row, column in np.ndindex(5, 6):
        assert field[row, column] == float(diffuse_fraction(suns[row, 0], depths[column]))
    coarse = diffuse_fraction(suns.astype("f4"), depths.astype("f4"))
    assert coarse.dtype == np.float32
    np.testing.assert_allclose(coarse, field, atol=1e-6)
    assert diffuse_fraction(np.empty((0, 3)), 0.1).shape == (0, 3)


def test_light_of_the_whole_sky_lies_between_those_of_its_parts():
    suns, depths = np.meshgrid([0.0, 35.0, 70.0], [0.05, 0.4, 1.5])
    visible, infrared, whole = (diffuse_fraction(suns, depths, b) for b in ("visible", "near_infrared", "shortwave"))
    assert (infrared < whole).all()
    assert (whole < visible).all()


def test_published_formula_of_liang_written_out():
    """Liang 2001, doi:10.1016/S0034-4257(00)00205-4: shortwave albedo of Landsat."""
    formula = conversion("published", "landsat_oli/Landsat-8", ROLES, "shortwave")
    seen = dict(zip(ROLES, (0.05, 0.08, 0.06, 0.35, 0.0, 0.2, 0.1), strict=True))
    found = sum(w * seen[role] for w, role in zip(formula.weights, ROLES, strict=True)) + formula.offset
    expected = 0.356 * 0.05 + 0.130 * 0.06 + 0.373 * 0.35 + 0.085 * 0.2 + 0.072 * 0.1 - 0.0018
    assert found == pytest.approx(expected, abs=1e-9)
    assert formula.error == 0.05


def test_order_of_the_bands_turns_the_weights_and_nothing_else():
    roles = ("blue", "red", "nir", "swir1")
    formula = conversion("regression", "modis", roles, "shortwave")
    turned = conversion("regression", "modis", roles[::-1], "shortwave")
    np.testing.assert_allclose(turned.weights, formula.weights[::-1], rtol=1e-9)
    assert turned.offset == pytest.approx(formula.offset, rel=1e-9)
    assert turned.error == pytest.approx(formula.error, rel=1e-9)


def test_regression_is_that_of_least_squares_with_noise_as_further_rows():
    """Ridge regression as an ordinary one: a row of its own for the noise of each band, numpy's solver."""
    roles = ("green", "red", "nir")
    seen, truth = _library.band_reflectance("sentinel2_msi", roles, "Sentinel-2A"), library_albedo("visible")
    scale = np.maximum(truth, 0.05)
    noise = np.sqrt((((0.003 + 0.02 * seen) / scale[:, None]) ** 2).sum(axis=0))
    rows = np.vstack([np.column_stack([seen, np.ones_like(truth)]) / scale[:, None], np.eye(3, 4) * noise[:, None]])
    expected = np.linalg.lstsq(rows, np.append(truth / scale, np.zeros(3)), rcond=None)[0]
    formula = conversion("regression", "sentinel2_msi/Sentinel-2A", roles, "visible")
    np.testing.assert_allclose([*formula.weights, formula.offset], expected, rtol=1e-6, atol=1e-9)


def test_light_beyond_the_models_by_hand():
    """Shares of ASTM G173-03: 4.6 % below 0.4 um as at 0.4, 0.8 % beyond 2.5 um as at 2.5, on each spectrum."""
    _, spectra = _library.spectra()
    inside, whole = (library_albedo("shortwave", limits) for limits in broadband.LIMITS)
    np.testing.assert_allclose(whole, 0.946 * inside + 0.046 * spectra[:, 0] + 0.008 * spectra[:, -1], rtol=1e-6)
    inside, whole = (library_albedo("near_infrared", limits) for limits in broadband.LIMITS)
    np.testing.assert_allclose(whole, (0.516 * inside + 0.008 * spectra[:, -1]) / 0.524, rtol=1e-6)


@pytest.mark.parametrize("limits", broadband.LIMITS)
@pytest.mark.parametrize("broad", BROADBANDS)
def test_grey_spectra_keep_their_albedo(broad, limits, monkeypatch):
    """Weights of the light add up to one, whatever the limits."""
    count = _library.spectra()[1].shape[1]
    grey = np.array([0.0, 0.2, 1.0])
    monkeypatch.setattr(_library, "spectra", lambda: (None, np.repeat(grey[:, None], count, axis=1)))
    np.testing.assert_allclose(library_albedo(broad, limits), grey, atol=1e-6)


def test_bands_of_a_sensor_come_in_the_order_of_the_weights():
    assert broadband.roles_of("modis") == ROLES
    assert broadband.roles_of("gf1_wfv", "WFV1") == ("blue", "green", "red", "nir")
    assert set(broadband.NEEDED) <= set(broadband.roles_of("landsat_oli", "Landsat-8"))


def test_refusals_say_what_there_is():
    with pytest.raises(InputError, match=r"visible albedo of gf1_wfv; there are some for .*modis"):
        conversion("published", "gf1_wfv/WFV1", ROLES, "visible")
    with pytest.raises(InputError, match=r"needs the band 'nir'; given are red, blue"):
        conversion("published", "landsat_oli", ("red", "blue"), "shortwave")
    with pytest.raises(NotFoundError, match=r"shortwav'\..*shortwave"):
        diffuse_fraction(30.0, 0.1, "shortwav")
    with pytest.raises(InputError, match=r"got '0\.3-3'"):
        conversion("regression", "modis", ROLES, "visible", "0.3-3")
