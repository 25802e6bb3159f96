"""The truth beneath a granule: what our reader and the true air make of its counts, and where it lies."""

import numpy as np
import pytest
import xarray as xr
from pyproj import CRS, Transformer

import musyq_lab as ml
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.standard import atmosphere, layout
from musyq_lab.twin import beneath
from musyq_lab.twin.granules import modis

# A day on which all seven sensors see the place (tests/twin/test_simulate.py).
SENSORS = ("landsat_oli", "gf1_wfv", "modis", "fy3d_mersi2", "himawari_ahi")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return ml.simulate(
        tmp_path_factory.mktemp("clear") / "s",
        place="jingyuetan",
        start="2019-08-14",
        days=1,
        size=6,
        resolution=60,
        cloudiness=0,
        sensors=SENSORS,
    )


def pairs(made, sensor):
    path = made.paths(sensor)[0]
    return layout.stack(ml.open_scene(path)), made.scene_truth(path)


@pytest.mark.parametrize("sensor", SENSORS)
def test_counts_through_the_true_air_give_the_true_surface(made, sensor):
    """Reader and 6S tables back to the ground, pixel by pixel: noise and quantization are what is left."""
    scene, truth = pairs(made, sensor)
    state = {
        "sun_zenith": scene.sun_zenith,
        "view_zenith": scene.view_zenith,
        "relative_azimuth": layout.relative_azimuth(scene),
        "aod": truth.aod,
        "water_vapour": truth.water_vapour,
        "ozone": truth.ozone,
        "pressure": truth.surface_pressure,
    }
    assert {"blue", "red", "nir"} <= set(truth.band.values)
    for band in ("blue", "red", "nir"):
        expected = truth.surface_reflectance.sel(band=band).values
        seen = scene.reflectance.sel(band=band).values
        inside = np.isfinite(seen) & np.isfinite(expected) & np.isfinite(truth.aod.values)
        assert inside.sum() >= 2  # of AHI, 2 km wide
        columns = {name: np.ascontiguousarray(values.values[inside], np.float32) for name, values in state.items()}
        air = atmosphere.coefficients(sensor, band, layout.variant_of(scene), **columns)
        error = atmosphere.surface_reflectance(seen[inside], air) - expected[inside]
        assert (np.abs(error) <= 0.005 + 0.05 * expected[inside]).mean() > 0.99
        assert abs(error.mean()) < (1.5e-3 if inside.sum() > 100 else 4e-3)


@pytest.mark.parametrize("sensor", SENSORS)
def test_it_lies_on_the_pixels_of_the_scene(made, sensor):
    scene, truth = pairs(made, sensor)
    assert (truth.sizes["y"], truth.sizes["x"]) == (scene.sizes["y"], scene.sizes["x"])
    if "longitude" in scene.coords:
        longitude, latitude = scene.longitude.values, scene.latitude.values
    else:
        mesh = np.meshgrid(scene.x.values, scene.y.values)
        crs = CRS.from_wkt(scene.spatial_ref.attrs["crs_wkt"])
        longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*mesh)
    # Where the truth has a height, the world is; and the height is the world's own there.
    world = made.world
    row, column = world.grid.cells(longitude, latitude)
    inside = np.isfinite(truth.elevation.values)
    rows, columns = (np.rint(at[inside]).astype(int) for at in (row, column))
    own = world.static.elevation.values[
        np.clip(rows, 0, world.grid.rows - 1), np.clip(columns, 0, world.grid.columns - 1)
    ]
    spread = 3 if truth.attrs["resolution"] < 100 else 0.5 * float(world.static.elevation.std()) + 5
    assert np.abs(truth.elevation.values[inside] - own).mean() < spread
    margin = 2 * truth.attrs["resolution"] / world.grid.metres
    deep = (
        (row > margin) & (row < world.grid.rows - margin) & (column > margin) & (column < world.grid.columns - margin)
    )
    assert inside[deep & np.isfinite(longitude)].all()


def test_layers_without_clouds(made):
    _, truth = pairs(made, "landsat_oli")
    inside = np.isfinite(truth.elevation.values)
    assert (truth.cloud_optical_depth.values[inside] == 0).all()
    np.testing.assert_allclose(truth.cloud_transmittance.values[inside], 1)
    assert 0.01 < float(truth.aod.mean()) < 2
    assert 0 <= float(truth.water_fraction.min()) <= float(truth.water_fraction.max()) <= 1
    assert truth.water_vapour.attrs["units"] == "kg m-2"
    assert truth.attrs["sensor"] == "landsat_oli"


def test_without_bands_it_is_the_same_but_for_them(made):
    path = made.paths("modis")[0]
    less, whole = made.scene_truth(path, bands=False), made.scene_truth(path)
    assert "surface_reflectance" not in less
    xr.testing.assert_identical(less, whole.drop_vars(["surface_reflectance", "band"]))


def test_bands_of_finer_pixels_are_averaged_as_readers_do(made):
    """AHI's red band of 500 m is 2000 m wide where the scene is."""
    path = made.paths("himawari_ahi")[0]
    coarse, fine = made.scene_truth(path), made.scene_truth(path, 500)
    assert set(fine.band.values) == {"red"}
    red = fine.surface_reflectance.sel(band="red").values
    blocks = red.reshape(red.shape[0] // 4, 4, red.shape[1] // 4, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(coarse.surface_reflectance.sel(band="red").values, blocks, atol=1e-6)


def test_strange_paths_and_grids_are_refused(made):
    with pytest.raises(NotFoundError, match=r"is no granule of .* Take one of \.paths\(\)"):
        made.scene_truth("somewhere")
    with pytest.raises(NotFoundError, match="no grid of 17 m, only 15, 30 m"):
        made.scene_truth(made.paths("landsat_oli")[0], 17)
    scene = ml.open_scene(made.paths("landsat_oli")[0])
    alone = beneath.beneath(
        made.world,
        made._overpasses["modis", next(r["name"] for r in made.granules if r["sensor"] == "modis")],
        modis,
        bands=False,
    )
    with pytest.raises(InputError, match="does not lie on this scene's pixels"):
        beneath.placed(alone, scene.isel(x=slice(0, 3), y=slice(0, 3)))


def test_reflectance_of_one_direction(made):
    noon = "2019-08-14T04:00"
    nadir = made.surface_reflectance("modis", noon, ["red", "nir"])
    assert nadir.dims == ("band", "y", "x")
    assert nadir.shape[1:] == made.world.grid.shape
    assert "spatial_ref" in nadir.coords
    assert 0 < float(nadir.sel(band="red").mean()) < float(nadir.sel(band="nir").mean()) < 1
    # Leaves hide their own shadows where Sun and sensor stand on one side.
    back, forward = (
        made.surface_reflectance("modis", noon, ["red"], view_zenith=30, relative_azimuth=turn).mean()
        for turn in (0, 180)
    )
    assert float(back) > 1.05 * float(forward)
    with pytest.raises(InputError, match=r"no model of 'tir1' of modis; there is one of"):
        made.surface_reflectance("modis", noon, ["tir1"])


def test_all_bands_by_default(made):
    assert {"blue", "green", "red", "nir", "swir1"} <= set(
        made.surface_reflectance("landsat_oli", "2019-08-14T03:00", variant="Landsat-8").band.values
    )
