"""What reaches a sensor: inversion, geometry, point spread, noise, clouds, night, and the limits of the tables."""

from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest

from musyq_lab.kernels import solar
from musyq_lab.standard import atmosphere
from musyq_lab.twin import _cloud_optics as optics
from musyq_lab.twin import clouds, forward
from musyq_lab.twin.grid import local_grid
from musyq_lab.twin.instrument import Instrument, Pixels
from musyq_lab.twin.orbit import Geostationary, SunSynchronous, overpasses
from musyq_lab.twin.world import World, make_world

LANDSAT = SunSynchronous(705e3, 98.2, 10.2, True, 233, 16, 1200.0)
HIGH = Geostationary(140.7, 60.0, limit=80.0)
PLACE = (115.785, 40.349)
START = datetime(2019, 7, 2)
THERMAL = next(b.name for b in forward.SENSORS["landsat_oli"].bands_of("") if b.thermal)
BANDS = ("blue", "red", "nir", "swir1", THERMAL)


@cache
def world(kind=World, **options):
    made = make_world("huailai", size=2.4, resolution=60.0, seed=3, cloudiness=0.0, **options)
    return kind(made.place, made.grid, made.seed, made.cloudiness, made.members)


@cache
def look(orbit=LANDSAT):
    found = overpasses("landsat_oli", "Landsat-8", orbit, PLACE, START, 8)
    return next(o for o in found if 2 <= o.time.hour < 6)


def cells(grid, block=1, footprint=0.0, bands=BANDS, variant=""):
    """Pixels whose centres are those of blocks of cells."""
    coarse = replace(grid, resolution=grid.resolution * block, rows=grid.rows // block, columns=grid.columns // block)
    extra = {"variant": variant} if variant else {}
    return Pixels(bands, coarse.metres, coarse.longitude, coarse.latitude, footprint, extra=extra)


def granule(*pixels):
    return SimpleNamespace(INSTRUMENT=Instrument("landsat_oli", "Landsat-8", LANDSAT), pixels=lambda *_: pixels)


def quiet(monkeypatch):
    monkeypatch.setattr(forward, "_noisy", lambda signal, *_: signal)


def shot(made, pixels, overpass=None):
    (image,) = forward.images(made, overpass or look(), granule(pixels))
    return image


# ---- reflectance -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("orbit", [LANDSAT, HIGH])
def test_inversion_with_the_true_atmosphere_returns_the_surface(orbit, monkeypatch):
    quiet(monkeypatch)
    made, overpass = world(), look(orbit)
    image = shot(made, cells(made.grid), overpass)
    state, seen = made.state(overpass.time), forward.Seen(made, overpass)
    names = {"aod": "aod", "water_vapour": "water_vapour", "ozone": "ozone", "pressure": "surface_pressure"}
    air = {ours: state[theirs].values for ours, theirs in names.items()}
    sun = {"sun_zenith": state["sun_zenith"].values}
    view = {"view_zenith": image.view_zenith, "relative_azimuth": image.view_azimuth - image.sun_azimuth}
    for band in BANDS[:4]:
        found = atmosphere.surface_reflectance(
            image.values[band], atmosphere.coefficients("landsat_oli", band, **sun, **view, **air)
        )
        mean = {name: float(values.mean()) for name, values in (sun | air).items()}
        beam, sky = atmosphere.irradiance("landsat_oli", band, **mean)
        bands = forward.surface.bands_of("landsat_oli", "")
        true = forward.surface.Reflector(
            made.static, state, seen.view[0], seen.relative_azimuth, bands, "training"
        ).band(bands.names.index(band), beam / (beam + sky))
        np.testing.assert_allclose(found, true, atol=1e-3)
        assert np.sqrt(np.mean((found - true) ** 2)) < 1e-4


def test_relative_azimuth_is_zero_with_the_sun_behind():
    seen = forward.Seen(world(), look())
    sun = np.radians(seen.state["sun_azimuth"].values)
    satellite = np.radians(seen.view[1])
    np.testing.assert_allclose(np.cos(np.radians(seen.relative_azimuth)), np.cos(sun - satellite), atol=1e-5)
    assert seen.relative_azimuth.min() >= 0
    assert seen.relative_azimuth.max() <= 180


def test_coarse_pixel_is_the_mean_of_its_cells(monkeypatch):
    quiet(monkeypatch)
    made = world()
    fine = shot(made, cells(made.grid))
    coarse = forward.Working(forward.Seen(made, look()), 4)
    assert coarse.grid.shape == (10, 10)
    sensor = forward.SENSORS["landsat_oli"]
    for band, typical, most in zip(BANDS, (2e-4, 2e-4, 2e-3, 1e-3, 0.02), (1e-3, 1e-3, 6e-3, 2e-3, 0.1), strict=True):
        blocks = fine.values[band].reshape(10, 4, 10, 4).mean(axis=(1, 3))
        apart = coarse.signal(sensor, sensor.band(band, ""), "") - blocks
        assert np.sqrt(np.mean(apart**2)) < typical
        assert np.abs(apart).max() < most


def test_coarse_pixel_inverts_to_the_mean_surface():
    made, overpass = world(), look()
    work = forward.Working(forward.Seen(made, overpass), 4)
    sensor = forward.SENSORS["landsat_oli"]
    air = work.column.of("landsat_oli", "nir", "")
    found = atmosphere.surface_reflectance(
        work.signal(sensor, sensor.band("nir", ""), "").reshape(-1), air.coefficients
    )
    fine = work.seen.ground(sensor, sensor.band("nir", ""), "", air.direct)
    np.testing.assert_allclose(found.reshape(10, 10), fine.reshape(10, 4, 10, 4).mean(axis=(1, 3)), atol=1e-5)


def test_night_has_temperature_alone():
    made = world()
    dark = replace(look(), time=datetime(2019, 7, 2, 16))
    image = shot(made, cells(made.grid), dark)
    assert all(np.isnan(image.values[band]).all() for band in BANDS[:4])
    assert np.all((image.values[THERMAL] > 250) & (image.values[THERMAL] < 310))


class Smoky(World):
    """Air beyond the tables: smoke of depth 3."""

    def weather(self, time):
        found = super().weather(time)
        return found.assign(aod=found["aod"] * 0 + np.float32(3.0))


def test_thickest_smoke_is_that_of_the_tables():
    clear, image = (shot(world(kind), cells(world().grid)) for kind in (World, Smoky))
    assert all(np.isfinite(image.values[band]).all() for band in BANDS)
    assert np.all(image.values["blue"] > clear.values["blue"].mean() + 0.05)


# ---- clouds ----------------------------------------------------------------------------------------------------------
class Overcast(World):
    """One even sheet of water cloud over everything."""

    def clouds(self, time):
        found = super().clouds(time)
        return found.assign(
            cloud_optical_depth=found["cloud_optical_depth"] * 0 + np.float32(8.0),
            cloud_ice=found["cloud_ice"] * 0,
            cloud_top_height=found["cloud_top_height"] * 0 + np.float32(2500.0),
        )


def test_cloud_shades_the_ground_once(monkeypatch):
    quiet(monkeypatch)
    clear, covered = (forward.Working(forward.Seen(world(kind), look()), 1) for kind in (World, Overcast))
    sensor = forward.SENSORS["landsat_oli"]
    band = sensor.band("red", "")
    air = clear.column.of("landsat_oli", "red", "")
    path = air.coefficients.path.reshape(clear.grid.shape)
    from_ground = clear.signal(sensor, band, "") - path
    cover, both = clouds.reflectance(clear.clouds[0] + 8, band.centre, 0, clear.sun[0], clear.view[0])
    left = covered.signal(sensor, band, "") - both * path
    mu, mu_view = (np.cos(np.radians(angle)) for angle in (clear.sun[0], clear.view[0]))
    through = optics.conservative(8.0, mu) * optics.conservative(8.0, mu_view)
    gas = air.gas_above(np.ones(clear.grid.shape, np.float32) * 0.4, np.ones(clear.grid.shape, bool))
    np.testing.assert_allclose(left - cover * gas, through * from_ground, atol=2e-3)
    assert np.all(left - cover * gas > 0.3 * from_ground)


def test_vapour_above_a_cloud_counts_from_the_ground():
    made = forward.Working(forward.Seen(world(Overcast), look()), 1)
    asked = {}
    sensor = forward.SENSORS["landsat_oli"]

    def spy(self, vapour, where):
        asked["vapour"] = vapour
        return np.ones(where.shape, np.float32)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forward.BandColumn, "gas_above", spy)
        made.signal(sensor, sensor.band("red", ""), "")
    height = 2500.0 - world().static["elevation"].values
    np.testing.assert_allclose(asked["vapour"], np.exp(-height / 2000.0), rtol=1e-4)


def test_cloud_top_is_cold():
    clear, covered = (shot(world(kind), cells(world().grid)).values[THERMAL] for kind in (World, Overcast))
    assert np.all(covered < clear - 3)


# ---- geometry --------------------------------------------------------------------------------------------------------
def test_sampling_hits_centres_and_corners():
    grid = local_grid(*PLACE, 2.4, 60.0)
    rows, columns = np.meshgrid(np.arange(40.0), np.arange(40.0), indexing="ij")
    sampler = forward.Sampler(grid, cells(grid))
    np.testing.assert_allclose(
        sampler.sharp((100 * rows + columns).astype(np.float32)), 100 * rows + columns, atol=1e-2
    )
    paired = forward.Sampler(grid, cells(grid, block=2))  # centres on the corners of cells
    wanted = 100 * (2 * np.arange(20) + 0.5)[:, np.newaxis] + 2 * np.arange(20) + 0.5
    np.testing.assert_allclose(paired.sharp((100 * rows + columns).astype(np.float32)), wanted, atol=1e-2)


def test_nothing_beyond_the_edge():
    grid = local_grid(*PLACE, 2.4, 60.0)
    wider = replace(grid, west=grid.west - 120, north=grid.north + 120, rows=44, columns=44)
    found = forward.Sampler(grid, cells(wider)).sharp(np.ones(grid.shape, np.float32))
    assert np.isfinite(found[2:-2, 2:-2]).all()
    assert np.isfinite(found).sum() == 40 * 40


def test_point_spread_has_its_width_and_keeps_the_sum():
    grid = local_grid(*PLACE, 6.06, 60.0)
    point = np.zeros(grid.shape, np.float32)
    point[50, 50] = 1
    found = forward.Sampler(grid, cells(grid, footprint=600.0))(point)
    assert found.sum() == pytest.approx(1, abs=1e-3)
    distance = np.arange(101) - 50
    spread = np.sqrt(np.sum(found.sum(axis=0) * distance**2)) * 60.0
    assert spread * 2 * np.sqrt(2 * np.log(2)) == pytest.approx(600.0, rel=0.03)


def test_pixel_larger_than_the_world():
    image = shot(world(), cells(world().grid, block=20, footprint=12_000.0))
    assert image.elevation.shape == (2, 2)
    assert all(np.isfinite(image.values[band]).all() for band in BANDS)


def test_angles_between_nodes(monkeypatch):
    grid = local_grid(*PLACE, 40.0, 200.0)
    pixels = cells(grid)
    exact = forward._angles(look(), pixels)
    monkeypatch.setattr(forward, "_FEW", 100)
    for one, other in zip(exact, forward._angles(look(), pixels), strict=True):
        np.testing.assert_allclose((one - other + 180) % 360 - 180, 0, atol=5e-3)


def test_sun_of_the_image_is_that_of_the_sky():
    image = shot(world(), cells(world().grid, bands=("red",)))
    zenith, azimuth = solar.zenith_azimuth(np.datetime64(look().time), image.pixels.latitude, image.pixels.longitude)
    np.testing.assert_allclose(image.sun_zenith, zenith, atol=1e-3)
    np.testing.assert_allclose(image.sun_azimuth, azimuth, atol=1e-3)


# ---- noise -----------------------------------------------------------------------------------------------------------
def test_noise_follows_signal_to_noise():
    sensor, seen = forward.SENSORS["landsat_oli"], forward.Seen(world(), look())
    band = replace(sensor.band("red", ""), snr=100.0)
    for signal, wanted in ((0.1, 1e-3), (0.4, 2e-3), (0.0, 0.0)):
        found = forward._noisy(np.full((300, 300), signal, np.float32), band, seen, "") - np.float32(signal)
        assert found.std() == pytest.approx(wanted, rel=0.02)
        assert abs(found.mean()) < 2e-5


def test_noise_of_temperature():
    sensor, seen = forward.SENSORS["landsat_oli"], forward.Seen(world(), look())
    band = replace(sensor.band(THERMAL, ""), nedt=0.25)
    found = forward._noisy(np.full((300, 300), 300, np.float32), band, seen, "") - 300
    assert found.std() == pytest.approx(0.25, rel=0.02)


def test_noise_of_cameras_and_bands_is_independent():
    sensor, seen = forward.SENSORS["landsat_oli"], forward.Seen(world(), look())
    draw = partial(forward._noisy, np.full((100, 100), 0.1, np.float32))
    made = [draw(sensor.band(band, ""), seen, camera) for band, camera in (("red", "a"), ("red", "b"), ("nir", "a"))]
    correlations = np.corrcoef([field.ravel() for field in made])
    assert np.abs(correlations - np.eye(3)).max() < 0.05


def test_same_look_same_bytes():
    made = [shot(world(), cells(world().grid)) for _ in range(2)]
    for band in BANDS:
        assert made[0].values[band].tobytes() == made[1].values[band].tobytes()


# ---- wide worlds -----------------------------------------------------------------------------------------------------
def test_strip_is_seen_as_far_as_the_tables_reach():
    made = make_world("belt_and_road", resolution=1.0, cloudiness=0.0)
    overpass = overpasses("landsat_oli", "Landsat-8", HIGH, (110.5, 35.5), START, 1)[7]
    image = shot(made, cells(made.grid, bands=("red", "nir")), overpass)
    visible = (image.view_zenith < 69.5) & (image.sun_zenith < 79.5)
    hidden = (image.view_zenith > 70.5) | (image.sun_zenith > 80.5)
    assert visible.sum() > 300
    assert np.isfinite(image.values["red"][visible]).all()
    assert np.isnan(image.values["red"][hidden]).all()
    assert np.median(image.values["red"][visible]) < 0.35
