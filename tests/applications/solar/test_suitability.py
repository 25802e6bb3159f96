import numpy as np
import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.applications.solar import suitability
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS

WINDOW = GRIDS["0p25deg"].window(100, 30, 102, 32)


def fine(value, cells=20):
    axes = {
        "latitude": 32 - (np.arange(2 * cells) + 0.5) / cells,
        "longitude": 100 + (np.arange(2 * cells) + 0.5) / cells,
    }
    data = np.full((2 * cells, 2 * cells), value) if np.isscalar(value) else value
    return xr.DataArray(data, coords=axes, dims=tuple(axes), name="land_cover")


# Chen et al. 2019, doi 10.1016/j.joule.2019.06.006, table "Setting of Parameters" (percent; rows by IGBP class).
JOULE = {
    "forest": ((1, 2, 3, 4, 5), (0, 0, 0)),
    "closed shrubland, woody savanna": ((6, 8), (3, 5, 7)),
    "grassland, open shrubland, savanna": ((7, 9, 10), (15, 20, 25)),
    "barren": ((16,), (15, 20, 25)),
    "cropland and mosaic": ((12, 14), (0, 2, 4)),
    "urban": ((13,), (3, 5, 7)),
    "water, wetland, snow": ((0, 17, 11, 15), (0, 0, 0)),
}


@pytest.mark.parametrize("name", JOULE)
def test_factors_are_the_published_table(name):
    classes, percent = JOULE[name]
    for number in classes:
        for scenario, expected in zip(suitability.SCENARIOS, percent, strict=True):
            out = solar.land_cover_factor(fine(np.uint8(number)), WINDOW, "joule2019", scenario)
            np.testing.assert_allclose(out, expected / 100, atol=1e-7)


def test_mixed_cells_get_the_mean_and_foreign_classes_are_no_data():
    classes = np.full((40, 40), 16.0)
    classes[:, ::2] = 0.0
    out = solar.land_cover_factor(fine(classes), WINDOW)
    np.testing.assert_allclose(out.mean(), 0.10, rtol=0.05)
    classes[:10] = 255.0
    assert np.isnan(solar.land_cover_factor(fine(classes), WINDOW)[0, 0])
    with pytest.raises(InputError, match="IGBP"):
        solar.land_cover_factor(fine(250.0), WINDOW)


def test_land_share_counts_all_but_water():
    classes = np.full((40, 40), 1.0)
    classes[:, 20:] = 17.0
    share = suitability.land_share(fine(classes), WINDOW)
    np.testing.assert_allclose(share[:, :4], 1.0)
    np.testing.assert_allclose(share[:, 4:], 0.0)


def test_slope_of_a_plane_in_both_directions():
    ground = fine(0.0)
    metre = np.radians(1.0) * 6378137.0
    north = ground + ground.latitude * metre * 0.03
    np.testing.assert_allclose(suitability.slope(north), 0.03, rtol=1e-3)
    east = ground + ground.longitude * metre * np.cos(np.radians(ground.latitude)) * 0.04
    # The plane is one along each parallel; between them the cosine adds a little.
    np.testing.assert_allclose(suitability.slope(east.transpose(*ground.dims))[:, 1:-1].mean(), 0.04, rtol=0.4)
    flat = xr.zeros_like(ground) + 100.0
    assert float(suitability.slope(flat).max()) == 0.0


def test_slope_is_periodic_round_the_globe():
    axes = {"latitude": np.arange(9.5, -10, -1.0), "longitude": np.arange(-179.5, 180, 1.0)}
    wave = np.cos(np.radians(axes["longitude"])) * 1000.0
    ground = xr.DataArray(np.tile(wave, (20, 1)), coords=axes, dims=tuple(axes))
    steep = suitability.slope(ground)
    # Symmetric about the antimeridian, where the wave has its trough and no slope.
    np.testing.assert_allclose(steep[:, 0], steep[:, -1], rtol=1e-4)
    assert float(steep[10, 0]) < 0.05 * float(steep[10].max())


def test_share_below_the_limit_is_rayleighs_law():
    steepness = fine(0.05)
    out = solar.slope_share(steepness, WINDOW, 0.05, factor=1.0)
    # Two independent normal components with root mean square 0.05: drawn instead of derived.
    rng = np.random.default_rng(0)
    draws = np.hypot(*rng.normal(0, 0.05 / np.sqrt(2), (2, 400_000)))
    np.testing.assert_allclose(out["slope_share"], np.mean(draws < 0.05), atol=0.003)
    assert float(out["slope_share_uncertainty"].max()) == 0.0


def test_coarse_terrain_is_raised_and_its_error_told():
    coarse = fine(0.03, cells=12)  # 5 arc-minutes
    out = solar.slope_share(coarse, WINDOW, 0.05)
    assert out.attrs["relief_factor"] == pytest.approx((np.radians(1 / 12) * 6378137 / 1000) ** 0.35, rel=1e-6)
    assert float(out["slope_share_uncertainty"].min()) > 0.05
    assert float(out["slope_share"].max()) < float(
        solar.slope_share(coarse, WINDOW, 0.05, factor=1.0)["slope_share"].min()
    )


def test_fine_terrain_is_used_as_it_is():
    assert suitability.relief_factor(90.0) == 1.0
    assert suitability.relief_factor(1000.0) == 1.0
    out = solar.slope_share(fine(0.03, cells=200), WINDOW, 0.05)
    assert out.attrs["relief_factor"] == 1.0


def test_flat_ground_is_wholly_flat():
    np.testing.assert_allclose(solar.slope_share(fine(0.0), WINDOW, 0.03)["slope_share"], 1.0)


def test_rows_do_not_shade_each_other_at_nine_on_the_winter_solstice():
    latitude = np.array([25.0, 35.0, 45.0])
    cover = solar.ground_cover(latitude)
    tilt = np.radians(solar.optimum_tilt(latitude))
    # Shadow of the upper edge, from the sun's direction vector (x east, y north, z up).
    delta, hour, phi = np.radians(-23.44), np.radians(-45.0), np.radians(latitude)
    north = np.cos(phi) * np.sin(delta) - np.sin(phi) * np.cos(delta) * np.cos(hour)
    up = np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.cos(hour)
    pitch = np.cos(tilt) + np.sin(tilt) * -north / up
    np.testing.assert_allclose(cover, 1 / pitch, rtol=1e-9)
    # Formula of GB 50797-2012: cos t + sin t (0.707 tan phi + 0.4338) / (0.707 - 0.4338 tan phi).
    tan = np.tan(phi)
    code = np.cos(tilt) + np.sin(tilt) * (0.707 * tan + 0.4338) / (0.707 - 0.4338 * tan)
    np.testing.assert_allclose(cover, 1 / code, rtol=2e-3)


def test_ground_cover_is_a_share_and_symmetric():
    latitude = np.arange(-80.0, 81.0, 5.0)
    cover = solar.ground_cover(latitude)
    assert np.all((cover > 0.1) & (cover <= 1.0))
    # The polynomials of the tilt differ between the hemispheres, most of all beyond 40 degrees.
    low = np.abs(latitude) <= 40
    np.testing.assert_allclose(cover[low], cover[::-1][low], rtol=0.02)


def test_unknown_names_are_told():
    with pytest.raises(NotFoundError, match="joule2019"):
        solar.land_cover_factor(fine(1.0), WINDOW, "joule2018")
    with pytest.raises(InputError, match="moderate"):
        solar.land_cover_factor(fine(1.0), WINDOW, "joule2019", "medium")
