"""Leaf area by look-up tables: canopies of the model give themselves back, strangers within the stated error."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import canopy, ground
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.products import _lookup
from musyq_lab.products._lookup import leaf_area
from musyq_lab.standard.spectra import band_weights, broad_bands

BANDS, SENSOR = ("green", "red", "nir", "swir1", "swir2"), "modis/Terra"
TYPES = (1.0, 4.0, 7.0, 10.0, 12.0)


def truncated(random, count, mode, sigma, low, high):
    drawn = random.normal(mode, sigma, 60 * count)
    return drawn[(drawn >= low) & (drawn <= high)][:count]


@pytest.fixture(scope="module")
def strangers(count=1200):
    """Canopies of the ATBD distribution, from whole spectra, over soils of any colour: none is in the tables."""
    random = np.random.default_rng(11)

    def draw(*limits):
        return truncated(random, count, *limits)

    lai, cab, dry, share = (
        draw(2, 3, 0, 8),
        draw(45, 30, 20, 90),
        draw(0.005, 0.005, 0.003, 0.011),
        draw(0.75, 0.08, 0.6, 0.85),
    )
    leaves = (draw(1.5, 0.3, 1.2, 1.8), cab, cab / 4, 0 * cab, draw(0, 0.3, 0, 1), dry / (1 - share) - dry, dry)
    # Few bins of angles: each needs tables of its own.
    angles = [random.choice(some, count) for some in ([25.0, 40.0], [0.0, 30.0], [30.0, 150.0])]
    made = canopy.CanopyParameters(
        *leaves, lai, canopy.campbell(draw(60, 30, 30, 80)), draw(0.2, 0.5, 0.1, 0.5), *angles
    )
    soil = random.uniform(0.15, 0.5, count)
    colour = {"redness": random.uniform(0.3, 0.8, count), "moisture": random.uniform(0.0, 0.4, count)}
    seen, par = band_weights("modis", BANDS, "Terra", step=5), broad_bands(("par",), step=5)
    below = [b.average(ground.soil(b.wavelength, b.leaf.water, soil, **colour)) for b in (seen, par)]
    rho = canopy.over_soil(canopy.canopy_bands(made, seen.leaf, seen.weights), below[0]).rsot
    rho = rho * random.normal(1, 0.02, rho.shape) + random.normal(0, 0.005, rho.shape)
    light = canopy.absorbed(canopy.canopy_bands(made, par.leaf, par.weights), below[1])
    diffuse = np.array([_lookup._diffuse_share(sun) for sun in angles[0]])
    fpar = (1 - diffuse) * light.direct[:, 0] + diffuse * light.diffuse[:, 0]
    cover = random.choice(TYPES, count)
    return {"lai": lai, "fpar": fpar, "given": (BANDS, list(rho.T), *angles, cover, SENSOR)}


@pytest.fixture(scope="module")
def found(strangers):
    return leaf_area(*strangers["given"])


def test_leaf_area_of_strangers(strangers, found):
    """Whatever the tables hold fixed, the distribution varies; no bias, error below half a typical leaf area."""
    error = found.lai_effective - strangers["lai"]
    assert abs(error.mean()) < 0.3
    assert np.sqrt(np.mean(error**2)) < 1.4
    assert np.corrcoef(found.lai_effective, strangers["lai"])[0, 1] > 0.8
    thin = strangers["lai"] < 2
    assert np.sqrt(np.mean(error[thin] ** 2)) < 0.8


def test_fpar_of_strangers(strangers, found):
    error = found.fpar - strangers["fpar"]
    assert abs(error.mean()) < 0.03
    assert np.sqrt(np.mean(error**2)) < 0.08


def test_stated_errors_hold(strangers, found):
    for name, sigma in (("lai", found.sigma_lai), ("fpar", found.sigma_fpar)):
        value = found.lai_effective if name == "lai" else found.fpar
        assert np.mean(np.abs(value - strangers[name]) < sigma) == pytest.approx(0.68, abs=0.08), name


@pytest.mark.parametrize("land_cover", TYPES)
def test_a_table_gives_its_own_entries_back(land_cover):
    """Without noise the mean lies among the entries that look alike: exact for thin canopies, close for dense."""
    table = _lookup._table(BANDS, SENSOR, int(np.searchsorted(TYPES, land_cover)) + 1, 12, 2, 6)
    some = np.arange(0, table.values.shape[1], 37)
    made = leaf_area(BANDS, list(table.reflectance[:, some]), 30.0, 10.0, 90.0, land_cover, SENSOR)
    lai = table.values[0, some]
    thin = lai <= 3
    assert np.sqrt(np.mean((made.lai_effective - lai)[thin] ** 2)) < 0.6
    assert np.sqrt(np.mean((made.lai_effective - lai) ** 2)) < 1.0
    assert np.sqrt(np.mean((made.fpar - table.values[1, some]) ** 2)) < 0.05


def test_tables_hold_what_the_models_say():
    """One entry beside PROSPECT-D and 4SAIL on whole spectra: band by band within 0.0015, FPAR within 0.01."""
    names = ("red", "nir", "swir1")
    table = _lookup._table(names, "landsat_oli", 5, 16, 4, 2)
    shape = (_lookup.CHLOROPHYLLS, _lookup.LEAF_ANGLES, _lookup.LEAF_AREA.size, len(_lookup.SOILS))
    place = (2, 1, 10, 3)
    entry = np.ravel_multi_index(place, shape)
    cab, angle = np.linspace(25, 80, 4)[2], np.linspace(35, 70, 4)[1]
    lai, (bright, red, moist) = _lookup.LEAF_AREA[10], _lookup.SOILS[3]
    for bands, many in ((band_weights("landsat_oli", names), False), (broad_bands(("par",)), True)):
        leaf = prospect_d(1.5, cab, cab / 4, 0.0, 0.0, 0.005 / 0.22 - 0.005, 0.005, constants=bands.leaf)
        layer = canopy.four_sail(
            *leaf, lai=lai, leaf_angles=canopy.campbell(angle), hotspot=0.3, sun_zenith=40.0, view_zenith=20.0,
            relative_azimuth=30.0,
        )  # fmt: skip
        soil = ground.soil(bands.wavelength, bands.leaf.water, bright, redness=red, moisture=moist)
        if many:
            light = canopy.absorbed(layer, soil)
            diffuse = _lookup._diffuse_share(40.0)
            fpar = bands.average((1 - diffuse) * light.direct + diffuse * light.diffuse)
            assert table.values[1, entry] == pytest.approx(fpar[0], abs=0.01)
        else:
            wanted = bands.average(canopy.over_soil(layer, soil).rsot)
            np.testing.assert_allclose(table.reflectance[:, entry], wanted, atol=0.0015)
    assert table.values[0, entry] == np.float32(lai)


def test_bands_of_leaf_water_count_less():
    """The tables hold one content of water for each type."""
    assert _lookup._relative_noise(BANDS, SENSOR).tolist() == np.float32([0.1, 0.1, 0.1, 0.2, 0.2]).tolist()
    assert _lookup._relative_noise(("red", "nir"), "gf1_wfv/WFV1").tolist() == np.float32([0.1, 0.1]).tolist()


def test_without_leaves_there_is_the_soil_and_nothing_absorbs():
    table = _lookup._table(BANDS, SENSOR, 4, 12, 0, 0)
    bare = table.values[0] == 0
    assert np.abs(table.values[1, bare]).max() < 1e-6
    soils = _lookup._soils(BANDS, SENSOR)[:, : len(BANDS)]
    np.testing.assert_allclose(
        table.reflectance[:, bare].T.reshape(-1, *soils.shape), np.broadcast_to(soils, (16, *soils.shape)), rtol=1e-5
    )


def test_diffuse_share_of_a_clear_sky():
    """Spitters et al.: little with the Sun high up, most of it near the horizon."""
    assert _lookup._diffuse_share(0.0) == pytest.approx(0.847 - 1.61 + 1.04)
    shares = [_lookup._diffuse_share(z) for z in range(40, 90, 5)]
    assert (np.diff(shares) > 0).all()
    assert 0.7 < shares[-1] < 0.85


@pytest.mark.parametrize("where", ["reflectance", "sun", "view", "azimuth", "cover"])
def test_nothing_comes_of_nothing(where):
    cells = {
        name: np.full(4, value) for name, value in (("sun", 30.0), ("view", 10.0), ("azimuth", 60.0), ("cover", 10.0))
    }
    rho = [np.full(4, value) for value in (0.08, 0.07, 0.3, 0.25, 0.15)]
    (rho[1] if where == "reflectance" else cells[where])[2] = np.nan
    made = leaf_area(BANDS, rho, *cells.values(), SENSOR)
    for layer in made:
        assert np.isnan(layer).tolist() == [False, False, True, False]


@pytest.mark.parametrize("land_cover", [0, 15, 17, 18, 255])
def test_nothing_grows_on_snow_and_water(land_cover):
    made = leaf_area(("red", "nir"), [np.array([0.05]), np.array([0.3])], 30.0, 0.0, 0.0, land_cover, SENSOR)
    assert all(np.isnan(layer).all() for layer in made)


def test_angles_are_those_of_nearest_bins_and_azimuth_is_symmetric():
    rho = [np.array([v]) for v in (0.08, 0.05, 0.35, 0.25, 0.12)]
    base = leaf_area(BANDS, rho, 30.0, 20.0, 60.0, 10.0, SENSOR)
    for sun, view, azimuth in ((31.0, 18.0, 55.0), (30.0, 20.0, -60.0), (30.0, 20.0, 300.0), (30.0, 20.0, 420.0)):
        assert leaf_area(BANDS, rho, sun, view, azimuth, 10.0, SENSOR).lai_effective == base.lai_effective
    assert leaf_area(BANDS, rho, 30.0, 20.0, 150.0, 10.0, SENSOR).lai_effective != base.lai_effective
    above = [leaf_area(BANDS, rho, 30.0, 0.0, azimuth, 10.0, SENSOR).lai_effective for azimuth in (0.0, 90.0)]
    assert above[0] == above[1]
    assert np.isnan(leaf_area(BANDS, rho, 95.0, 0.0, 0.0, 10.0, SENSOR).lai_effective)


def test_shape_and_type_of_the_input(strangers):
    bands, rho, sun, view, azimuth, cover, sensor = strangers["given"]
    grid = [r[:60].reshape(6, 10).astype("f4") for r in rho]
    rest = [a[:60].reshape(6, 10) for a in (sun, view, azimuth, cover)]
    made = leaf_area(bands, grid, *rest, sensor)
    assert made.lai_effective.shape == (6, 10)
    assert made.fpar.dtype == np.float32
    wide = leaf_area(bands, [g.astype("f8") for g in grid], *rest, sensor)
    assert wide.fpar.dtype == np.float64
    np.testing.assert_array_equal(made.lai_effective, wide.lai_effective.astype("f4"))
    assert leaf_area(bands, [g[:0] for g in grid], *(a[:0] for a in rest), sensor).fpar.shape == (0, 10)


def test_parts_and_threads_change_nothing(strangers, found):
    bands, rho, *rest, sensor = strangers["given"]

    def part(start):
        cut = slice(start, start + 300)
        return leaf_area(bands, [r[cut] for r in rho], *(a[cut] for a in rest), sensor)

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(part, range(0, 1200, 300)))
    for k, layer in enumerate(found):
        np.testing.assert_array_equal(np.concatenate([p[k] for p in parts]), layer)


def test_more_bands_help(strangers):
    bands, rho, *rest, sensor = strangers["given"]
    two = leaf_area(("red", "nir"), rho[1:3], *rest, sensor)
    five = leaf_area(bands, rho, *rest, sensor)
    rmse = [np.sqrt(np.mean((m.lai_effective - strangers["lai"]) ** 2)) for m in (two, five)]
    assert rmse[1] < rmse[0]


@pytest.mark.parametrize(
    ("bands", "count", "sensor", "said"),
    [
        (("red",), 1, SENSOR, "two bands"),
        (("red", "nir"), 3, SENSOR, "one reflectance"),
        (("red", "nir"), 2, "", "sensor"),
    ],
)
def test_what_is_missing_is_said(bands, count, sensor, said):
    with pytest.raises(InputError, match=said):
        leaf_area(bands, [np.zeros(2)] * count, 30.0, 0.0, 0.0, 10.0, sensor)
