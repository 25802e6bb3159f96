"""Clouds: optics against independent solutions, geometry of shadows and parallax, statistics of the fields."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from scipy.integrate import solve_bvp
from twin import static as made

from musyq_lab.twin import _cloud_fields, clouds, weather
from musyq_lab.twin import _cloud_optics as optics
from musyq_lab.twin._synoptic import days, lattice, wind
from musyq_lab.twin._variables import dataset
from musyq_lab.twin.grid import WorldGrid

GRID = made.grid(5.12)  # 256 x 256 at 20 m
STATIC = made.static(GRID, elevation=0.0)
NOON = datetime(2019, 7, 15, 4, 20)


def one_cloud(height=2000.0, depth=10.0, cells=1, ice=0.0, level=0.0):
    """A cloud of some cells in the middle of the world."""
    field = np.zeros(GRID.shape, np.float32)
    middle = slice(128 - cells // 2, 128 - cells // 2 + cells)
    field[middle, middle] = depth
    values = {
        "cloud_optical_depth": field,
        "cloud_top_height": np.full_like(field, height + level),
        "cloud_top_temperature": np.full_like(field, 280.0),
        "cloud_ice": np.full_like(field, ice),
    }
    return dataset(values, STATIC)


def centroid(weights):
    row, column = np.indices(weights.shape)
    return float((row * weights).sum() / weights.sum()), float((column * weights).sum() / weights.sum())


# ---- fields ----------------------------------------------------------------------------------------------------------
def test_no_clouds_at_all():
    for step in range(8):
        ds = clouds.clouds(STATIC, GRID, NOON + timedelta(hours=7 * step), 2, cloudiness=0.0)
        assert not ds.cloud_optical_depth.values.any()


def test_cover_grows_with_cloudiness():
    times = [NOON + timedelta(days=3.3 * k) for k in range(12)]
    cover = [
        np.mean([(clouds.clouds(STATIC, GRID, t, 2, c).cloud_optical_depth > 0).mean() for t in times])
        for c in (0.3, 1, 3)
    ]
    assert 0 < cover[0] < cover[1] < cover[2] <= 1


def test_mean_cover_is_near_the_climate():
    grid = made.grid(2.56, 40.0)
    static = made.static(grid, cloud_fraction_mean=0.5)
    times = [datetime(2001, 1, 1, 5) + timedelta(days=23.3 * k) for k in range(160)]
    cover = np.mean([(clouds.clouds(static, grid, t, 6).cloud_optical_depth > 0).mean() for t in times])
    assert cover == pytest.approx(0.5, abs=0.1)


def test_order_of_times_does_not_matter_and_the_seed_does():
    times = [NOON, NOON + timedelta(days=2), NOON + timedelta(minutes=10)]
    forward = [clouds.clouds(STATIC, GRID, t, 2) for t in times]
    _cloud_fields._waves.cache_clear()
    backward = [clouds.clouds(STATIC, GRID, t, 2) for t in times[::-1]][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert all(a[name].values.tobytes() == b[name].values.tobytes() for name in a)
    assert not forward[0].identical(clouds.clouds(STATIC, GRID, NOON, 3))


def test_optical_depth_inside_clouds_is_lognormal():
    noise = np.random.default_rng(0).standard_normal((1500, 1500)).astype(np.float32)
    depth = clouds._depth(noise, np.float32(0.3), 10.0)
    assert (depth > 0).mean() == pytest.approx(0.3, abs=0.003)
    log = np.log(depth[depth > 0] / 10.0) / clouds.SPREAD
    np.testing.assert_allclose(
        np.quantile(log, [0.05, 0.25, 0.5, 0.75, 0.95]), [-1.645, -0.674, 0, 0.674, 1.645], atol=0.03
    )


def test_depth_fades_towards_the_edge():
    ramp = np.linspace(-3, 3, 6001, dtype=np.float32)[np.newaxis]
    depth = clouds._depth(ramp, np.float32(0.5), 10.0)
    assert (np.diff(depth[0]) >= 0).all()
    edge = depth[depth > 0][0]
    assert edge < 1.0


@pytest.mark.parametrize("texture", [clouds.CUMULUS, clouds.STRATUS, clouds.CIRRUS])
def test_field_is_standard_normal(texture):
    fields = [_cloud_fields.field(texture, GRID, s, 1000.0, np.zeros(2)) for s in range(30)]
    assert np.mean(fields) == pytest.approx(0, abs=1e-3)
    assert np.std(fields) == pytest.approx(1, abs=0.12)


def test_spectrum_along_a_line_falls_by_five_thirds():
    grid = made.grid(20.48, 20.0)
    texture = _cloud_fields.Texture("spectrum", outer=40_000.0, inner=1.0, lifetime=5.0)
    power = np.mean(
        [np.abs(np.fft.rfft(_cloud_fields.field(texture, grid, s, 7.0, np.zeros(2)), axis=1)) ** 2 for s in range(4)],
        axis=(0, 1),
    )
    k = np.arange(power.size)
    inertial = (k >= 8) & (k <= 100)
    slope = np.polyfit(np.log(k[inertial]), np.log(power[inertial]), 1)[0]
    assert slope == pytest.approx(-5 / 3, abs=0.12)


@pytest.mark.parametrize("texture", [clouds.CUMULUS, clouds.STRATUS])
def test_field_drifts_with_the_wind(texture):
    start = days(NOON)
    (_, way), (_, later) = wind(2, 40.35, start), wind(2, 40.35, start + 10 / 1440)
    now = _cloud_fields.field(texture, GRID, 2, 24 * start, way)
    then = _cloud_fields.field(texture, GRID, 2, 24 * start + 1 / 6, later)
    east, north = np.rint((later - way) / 20).astype(int)
    carried = np.roll(now, (-north, east), (0, 1))
    assert np.corrcoef(carried.ravel(), then.ravel())[0, 1] > 0.7
    assert max(abs(east), abs(north)) > 20
    assert np.corrcoef(carried.ravel(), then.ravel())[0, 1] > np.corrcoef(now.ravel(), then.ravel())[0, 1] + 0.1


def test_pure_drift_moves_by_whole_cells_exactly():
    now = _cloud_fields.field(clouds.STRATUS, GRID, 2, 3.0, np.array([0.0, 0.0]))
    moved = _cloud_fields.field(clouds.STRATUS, GRID, 2, 3.0, np.array([100.0, -60.0]))
    np.testing.assert_allclose(moved, np.roll(now, (3, 5), (0, 1)), atol=1e-4)


def test_clouds_of_tops_and_temperatures_that_occur():
    for step in range(10):
        ds = clouds.clouds(STATIC, GRID, NOON + timedelta(days=5.7 * step), 2)
        height, temperature, ice = (ds[n].values for n in ("cloud_top_height", "cloud_top_temperature", "cloud_ice"))
        assert 300 < height.min() <= height.max() < 15_000
        assert 200 < temperature.min() <= temperature.max() < 310
        assert set(np.unique(ice)) <= {0, 1}
        assert (ice[height > 8000] == 1).all()
        assert (ds.cloud_optical_depth.values >= 0).all()


def test_cumulus_come_by_day():
    static = made.static(GRID, cloud_fraction_mean=0.3)
    days_ = [datetime(2019, 7, d) for d in range(1, 31, 2)]
    points = lattice(GRID)
    afternoon, night = (
        np.mean([clouds._covers(static, points, d + timedelta(hours=h), 2, 1.0)[2] for d in days_]) for h in (6.5, 17)
    )
    winter = np.mean([clouds._covers(static, points, d + timedelta(days=183, hours=6.5), 2, 1.0)[2] for d in days_])
    assert afternoon > 0.3
    assert night < 0.6 * afternoon
    assert winter < 0.1 * afternoon


def test_layers_overlap_to_the_total_cover():
    points, night = lattice(GRID), datetime(2019, 1, 15, 17)
    low, high, _ = clouds._covers(STATIC, points, night, 2, 1.0)
    total = weather.cover(2, points, days(night), points.at(STATIC.cloud_fraction_mean.values))
    np.testing.assert_allclose(1 - (1 - low) * (1 - high), total, atol=0.02)


def test_longitude_latitude_worlds_work():
    strip = WorldGrid("EPSG:4326", 0.25, 20.0, 50.0, 320, 60)
    ds = clouds.clouds(made.static(strip), strip, NOON, 2)
    cloudy = ds.cloud_optical_depth.values > 0
    assert 0.1 < cloudy.mean() < 0.95
    blocks = cloudy.reshape(3, 20, 16, 20).mean(axis=(1, 3))
    assert np.ptp(blocks) > 0.5  # weather systems are smaller than the strip


# ---- shadow and parallax ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 135.0, 210.0])
@pytest.mark.parametrize("zenith", [20.0, 45.0])
def test_shadow_lies_away_from_the_sun(zenith, azimuth):
    light = clouds.shadow(one_cloud(cells=5), STATIC, GRID, zenith, azimuth)
    row, column = centroid(1 - light)
    reach = 2000 / 20 * np.tan(np.radians(zenith))
    assert row == pytest.approx(128 + reach * np.cos(np.radians(azimuth)), abs=0.8)
    assert column == pytest.approx(128 - reach * np.sin(np.radians(azimuth)), abs=0.8)


def test_single_cell_casts_a_shadow():
    light = clouds.shadow(one_cloud(cells=2), STATIC, GRID, 45.0, 180.0)
    assert light.min() < 0.9
    assert (light < 0.999).sum() < 20
    np.testing.assert_allclose(np.argwhere(light == light.min()).mean(axis=0)[0], 128 - 100, atol=1.5)


def test_shadow_of_a_wide_cloud_has_the_flux_transmittance():
    light = clouds.shadow(one_cloud(cells=41), STATIC, GRID, 30.0, 180.0)
    assert light.min() == pytest.approx(float(optics.conservative(10.0, np.cos(np.radians(30.0)))), abs=1e-5)
    frozen = clouds.shadow(one_cloud(cells=41, ice=1.0), STATIC, GRID, 30.0, 180.0)
    assert frozen.min() < light.min()  # ice scatters more sideways


def test_higher_ground_is_shaded_nearer():
    # sun in the south: the shadow falls north of the cloud; the plateau there meets the ray earlier
    relief = np.zeros(GRID.shape)
    relief[:80] = 800.0
    static = made.static(GRID, elevation=relief)
    flat = clouds.shadow(one_cloud(cells=5), made.static(GRID, elevation=0.0), GRID, 45.0, 180.0)
    hill = clouds.shadow(one_cloud(cells=5), static, GRID, 45.0, 180.0)
    assert centroid(1 - hill)[0] - centroid(1 - flat)[0] == pytest.approx(800 / 20, abs=1.0)


def test_height_counts_from_the_ground():
    plateau = made.static(GRID, elevation=3000.0)
    low = clouds.shadow(one_cloud(cells=5), STATIC, GRID, 40.0, 100.0)
    high = clouds.shadow(one_cloud(cells=5, level=3000.0), plateau, GRID, 40.0, 100.0)
    np.testing.assert_allclose(low, high, atol=1e-6)


def test_clear_sky_and_night():
    clear = one_cloud(depth=0.0)
    assert (clouds.shadow(clear, STATIC, GRID, 30.0, 180.0) == 1).all()
    night = clouds.shadow(one_cloud(cells=5), STATIC, GRID, 120.0, 0.0)
    assert centroid(1 - night) == pytest.approx((128, 128), abs=0.5)


@pytest.mark.parametrize("azimuth", [0.0, 90.0, 250.0])
def test_parallax_is_away_from_the_sensor(azimuth):
    seen = clouds.seen(one_cloud(cells=5), GRID, 50.0, azimuth)
    row, column = centroid(seen.cloud_optical_depth.values)
    reach = 2000 / 20 * np.tan(np.radians(50.0))
    assert row == pytest.approx(128 + reach * np.cos(np.radians(azimuth)), abs=0.8)
    assert column == pytest.approx(128 - reach * np.sin(np.radians(azimuth)), abs=0.8)


def test_parallax_counts_from_the_ground_of_the_image():
    on_sea = clouds.seen(one_cloud(cells=5), GRID, 45.0, 90.0)
    on_land = clouds.seen(one_cloud(cells=5), GRID, 45.0, 90.0, np.full(GRID.shape, 1000.0))
    gap = centroid(on_land.cloud_optical_depth.values)[1] - centroid(on_sea.cloud_optical_depth.values)[1]
    assert gap == pytest.approx(1000 / 20, abs=0.5)


def test_seen_from_the_zenith_nothing_moves():
    ds = clouds.clouds(STATIC, GRID, NOON, 2)
    seen = clouds.seen(ds, GRID, 0.0, 0.0)
    assert all((seen[name].values == ds[name].values).all() for name in ds)


def test_amount_of_cloud_survives_the_parallax():
    times = [NOON + timedelta(days=k) for k in range(8)]
    pairs = [(ds, clouds.seen(ds, GRID, 35.0, 140.0)) for ds in (clouds.clouds(STATIC, GRID, t, 2) for t in times)]
    before, after = (np.mean([(p[i].cloud_optical_depth > 0).mean() for p in pairs]) for i in (0, 1))
    assert after == pytest.approx(before, rel=0.1)
    inside = np.concatenate([p[1].cloud_top_height.values.ravel() for p in pairs])
    assert 300 < inside.min() <= inside.max() < 15_000


# ---- optics ----------------------------------------------------------------------------------------------------------
def boundary_value(depth, mu, albedo, g):
    """Reflectance and transmittance of the delta-Eddington equations, integrated numerically."""
    f = g * g
    depth, w, g = (1 - albedo * f) * depth, albedo * (1 - f) / (1 - albedo * f), g / (1 + g)
    g1, g2, g3 = (7 - w * (4 + 3 * g)) / 4, -(1 - w * (4 - 3 * g)) / 4, (2 - 3 * g * mu) / 4

    def rates(t, y):  # y: upward, downward flux; the direct beam of flux mu is apart
        beam = w * np.exp(-t / mu)
        return np.stack([g1 * y[0] - g2 * y[1] - g3 * beam, g2 * y[0] - g1 * y[1] + (1 - g3) * beam])

    t = np.linspace(0, depth, 200)
    done = solve_bvp(rates, lambda a, b: np.array([a[1], b[0]]), t, np.zeros((2, t.size)), tol=1e-8, max_nodes=50_000)
    assert done.success
    return done.y[0, 0] / mu, (done.y[1, -1] / mu + np.exp(-depth / mu))


@pytest.mark.parametrize("albedo", [1.0, 0.994, 0.9])
@pytest.mark.parametrize(("depth", "mu"), [(0.3, 0.9), (5.0, 0.5), (20.0, 0.8)])
def test_two_stream_solves_its_equations(depth, mu, albedo):
    expected = boundary_value(depth, mu, albedo, 0.85)
    np.testing.assert_allclose(np.array(optics.two_stream(depth, mu, albedo, 0.85)), expected, atol=2e-6)


def test_no_absorption_conserves_energy():
    depth, mu = np.geomspace(0.01, 200, 50)[:, np.newaxis], np.linspace(0.05, 1, 20)
    reflected, through = optics.two_stream(depth, mu, 1.0, 0.85)
    np.testing.assert_allclose(reflected + through, 1)
    almost = optics.two_stream(depth, mu, 1 - 1e-6, 0.85)
    np.testing.assert_allclose(almost[1], through, atol=2e-3)


def test_bohren_in_the_diffusion_limit():
    # Bohren 1987 (doi 10.1119/1.15109): R = (1 - g) tau / (2 + (1 - g) tau) for the two-stream of another closure
    depth = np.geomspace(5, 100, 10)
    thick = 1 - optics.conservative(depth, 2 / 3)
    bohren = 0.15 * depth / (2 + 0.15 * depth)
    np.testing.assert_allclose(thick, bohren, atol=0.15)
    np.testing.assert_allclose(optics.conservative(depth, 2 / 3), 1 / (1 + 0.75 * 0.15 * depth), rtol=1e-12)


def test_transmittance_falls_with_depth():
    depth = np.linspace(0, 100, 400)
    assert optics.conservative(0.0, 0.6) == pytest.approx(1)
    assert (np.diff(optics.conservative(depth, 0.6)) < 0).all()


def test_resonance_is_passed_smoothly():
    mu = np.linspace(0.05, 1, 4001)
    for albedo in (0.999, 0.9, 0.6):
        reflected, through = optics.two_stream(8.0, mu, albedo, 0.85)
        assert np.abs(np.diff(reflected)).max() < 2e-3
        assert np.abs(np.diff(through)).max() < 2e-3


def test_reflectance_is_reciprocal_and_conserves_energy():
    depth = np.array([0.5, 5.0, 50.0])
    there, _ = clouds.reflectance(depth, 0.65, 0.0, 30.0, 60.0)
    back, _ = clouds.reflectance(depth, 0.65, 0.0, 60.0, 30.0)
    np.testing.assert_allclose(there, back, rtol=1e-5)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    mu = (nodes + 1) / 2
    mu, weights = mu[mu > 0.06], weights[mu > 0.06]
    factor, _ = clouds.reflectance(depth[:, np.newaxis], 0.65, 0.0, 40.0, np.degrees(np.arccos(mu)))
    flux = (factor * mu * weights).sum(axis=1)
    albedo = optics.two_stream(depth, np.cos(np.radians(40.0)), 1 - optics.absorbed(0.65, ice=False), 0.85)[0]
    np.testing.assert_allclose(flux, albedo, rtol=0.03)


def test_no_cloud_is_invisible_and_a_thick_one_bright():
    reflected, through = clouds.reflectance([0.0, 60.0], 0.65, 0.0, 30.0, 10.0)
    assert (reflected[0], through[0]) == (0, 1)
    assert 0.75 < reflected[1] < 1.1
    assert through[1] < 0.08


def test_darker_in_the_shortwave_infrared_and_ice_darker_than_water():
    def at(wavelength, ice):
        return float(clouds.reflectance(20.0, wavelength, float(ice), 40.0, 20.0)[0])

    assert at(0.65, 0) > at(1.61, 0) > at(2.2, 0) > 0.2
    assert at(1.61, 1) < 0.7 * at(1.61, 0)
    assert at(1.61, 1) < at(1.24, 1) < at(0.65, 1)
    assert at(0.65, 1) == pytest.approx(at(0.65, 0), abs=0.15)


@pytest.mark.parametrize(("wavelength", "low", "high"), [(0.65, 0, 1e-4), (1.64, 3e-3, 8e-3), (2.13, 0.012, 0.03)])
def test_droplets_absorb_what_mie_theory_gives(wavelength, low, high):
    # about 0.005 and 0.02 for droplets of 10 um, limits assumed
    assert low <= optics.absorbed(wavelength, ice=False) <= high


def test_cirrus_is_thin():
    reflected, through = clouds.reflectance(0.5, 0.65, 1.0, 40.0, 20.0)
    assert 0.02 < reflected < 0.15
    assert 0.8 < through < 1
