"""Carbon of a day at its limits: published ramps, respiration by temperature, cells apart, missing numbers."""

from datetime import datetime

import numpy as np
import pytest
import xarray as xr

from musyq_lab.twin import carbon

DAY = datetime(2019, 7, 1)
SHAPE = (1, 4)
DAILY = {
    "downward_par": 120.0, "latent_heat": 90.0, "air_temperature": 293.15, "air_temperature_min": 290.15,
    "vapour_pressure_deficit": 600.0,
}  # fmt: skip


def run(cover=12, lai=3.0, clumping=0.8, **daily):
    def fields(values, kind=np.float32):
        return xr.Dataset({k: (("y", "x"), np.broadcast_to(v, SHAPE).astype(kind)) for k, v in values.items()})

    plants = fields({"lai": lai, "clumping_index": clumping})
    return carbon.carbon(fields({"land_cover": cover}, np.uint8), DAY, canopy=plants, daily=fields({**DAILY, **daily}))


@pytest.mark.parametrize("number", carbon.BIOMES)
def test_ramps_begin_and_end_where_the_table_says(number):
    biome = carbon.BIOMES[number]
    (t0, t1), (v0, v1) = biome.cold, biome.dry
    coldest = np.array([t0 - 5, t0, (t0 + t1) / 2, t1, t1 + 5])
    np.testing.assert_allclose(
        carbon.production(biome, np.ones(5), coldest, np.full(5, v0)), biome.efficiency * np.array([0, 0, 0.5, 1, 1])
    )
    deficit = np.array([0, v0, (v0 + v1) / 2, v1, v1 + 500])
    np.testing.assert_allclose(
        carbon.production(biome, np.ones(5), np.full(5, t1), deficit), biome.efficiency * np.array([1, 1, 0.5, 0, 0])
    )


@pytest.mark.parametrize("number", carbon.BIOMES)
def test_respiration_at_twenty_degrees_is_the_rate_by_mass(number):
    biome = carbon.BIOMES[number]
    leaves = 2.0 / biome.leaf_area
    parts = biome.respiration[0] + biome.mass[0] * biome.respiration[1] + biome.mass[1] * biome.respiration[2]
    assert carbon.maintenance(biome, np.array(2.0), np.array(20.0)) == pytest.approx(1000 * leaves * parts)


def test_roots_double_in_ten_degrees_and_leaves_by_tjoelker():
    grass = carbon.BIOMES[10]
    roots = grass._replace(respiration=(0.0, *grass.respiration[1:]))
    leaves = grass._replace(respiration=(grass.respiration[0], 0.0, 0.0))
    ten, thirty = np.array(10.0), np.array(30.0)
    lai = np.array(1.0)
    assert carbon.maintenance(roots, lai, thirty) / carbon.maintenance(roots, lai, ten) == pytest.approx(4.0)
    expected = (3.22 - 0.046 * 30) * (3.22 - 0.046 * 10)
    assert carbon.maintenance(leaves, lai, thirty) / carbon.maintenance(leaves, lai, ten) == pytest.approx(expected)


def test_a_day_written_out():
    """Cropland: 120 W m-2 are 10.37 MJ, and 90 W m-2 lift 3.17 mm."""
    made = run()
    fpar = 1 - np.exp(-0.5 * 0.8 * 3.0)
    gross = 1.3 * fpar * 120 * 0.0864
    roots = 2.0 * 8.19e-3
    rate = 1000 * 3.0 / 38 * (9.8e-3 + roots)
    np.testing.assert_allclose(made.fpar, fpar, rtol=1e-6)
    np.testing.assert_allclose(made.gpp, gross, rtol=1e-6)
    np.testing.assert_allclose(made.npp, 0.8 * (gross - rate), rtol=1e-5)
    np.testing.assert_allclose(made.evapotranspiration, 90 * 86_400 / 2.45e6, rtol=1e-6)


def test_without_light_plants_lose_what_they_breathe_in_full():
    made = run(downward_par=0.0)
    assert (made.gpp == 0).all()
    rate = 1000 * 3.0 / 38 * (9.8e-3 + 2.0 * 8.19e-3)
    np.testing.assert_allclose(made.npp, -rate, rtol=1e-5)


def test_cells_are_apart_and_classes_without_plants_are_zero():
    made = run(cover=np.array([[1, 12, 15, 200]]))
    assert made.gpp[0, 0] != made.gpp[0, 1]
    np.testing.assert_array_equal(made.gpp[0, 2:], 0.0)
    np.testing.assert_array_equal(made.npp[0, 2:], 0.0)
    np.testing.assert_allclose(made.gpp[0, 0], run(cover=1).gpp[0, 0])


@pytest.mark.parametrize("name", ["downward_par", "air_temperature_min", "vapour_pressure_deficit"])
def test_a_missing_number_is_missing_in_its_cell_alone(name):
    values = np.full(SHAPE, DAILY[name])
    values[0, 1] = np.nan
    made = run(**{name: values})
    assert np.isnan(made.gpp[0, 1])
    assert np.isfinite(made.gpp.values[0, [0, 2, 3]]).all()


def test_deserts_of_heat_do_not_break_the_leaves():
    """3.22 - 0.046 T falls below 1 at 48 C and to 0 at 70 C; it is held at 1."""
    hot = carbon.maintenance(carbon.BIOMES[7], np.array(1.0), np.array([45.0, 50.0, 70.0, 90.0]))
    assert np.isfinite(hot).all()
    assert (hot > 0).all()
