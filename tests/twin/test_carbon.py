"""Carbon of a day: published values of MOD17, bounds and limits."""

from datetime import datetime

import numpy as np
import pytest
import xarray as xr
from twin import static as made

from musyq_lab.twin import carbon

GRID = made.grid(0.32)
DAY = datetime(2019, 7, 3)
MAPPED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12)

# arthur-e/MOD17 at 5952321, tests/tests.py (MIT): FPAR 0.5, PAR 3.888 MJ, Tmin 10 C, VPD 1000 Pa; g C m-2 d-1.
GPP = (2.003561, 2.73132, 2.042432, 2.505082, 2.012602, 2.627596, 1.810149, 2.371362, 2.312633, 1.914267, 2.065643)
# Same: LAI 1, 25 C, maintenance respiration of leaves and of fine roots.
LEAF = (0.579336, 0.32305, 0.693835, 0.453177, 0.495286, 1.330078, 0.622259, 0.434123, 0.432621, 0.371046, 0.371046)
ROOT = (0.587181, 0.300139, 0.73832, 0.326872, 0.357245, 0.780826, 0.795142, 0.458736, 0.457148, 0.792481, 0.6096)
# Same: 365 days of FPAR 0.5, PAR 10, Tmin 15 C, VPD 1000 Pa, LAI 1, 25 C; g C m-2 a-1.
NPP = (
    1144.2171, 1859.4557, 1137.2258, 1641.0228, 1248.8212, 1341.8844,
    942.5924, 1653.7056, 1610.4364, 1259.2587, 1439.1058,
)  # fmt: skip


def daily(**changes):
    """A warm, bright day."""
    values = {
        "downward_par": 115.74,  # 10 MJ m-2 d-1
        "latent_heat": 100.0,
        "air_temperature": 298.15,
        "air_temperature_min": 288.15,
        "vapour_pressure_deficit": 1000.0,
        **changes,
    }
    return xr.Dataset({k: (("y", "x"), np.broadcast_to(np.float32(v), GRID.shape)) for k, v in values.items()})


def run(static=None, canopy=None, **changes):
    return carbon.carbon(
        made.static(GRID, **(static or {})), DAY, canopy=made.canopy(GRID, **(canopy or {})), daily=daily(**changes)
    )


def cell(ds, name):
    return float(ds[name][8, 8])


@pytest.mark.parametrize(("number", "expected"), [*zip(MAPPED, GPP, strict=True)])
def test_published_production(number, expected):
    one = [np.array([v]) for v in (0.5 * 3.888, 10.0, 1000.0)]
    assert carbon.production(carbon.BIOMES[number], *one)[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("number", "leaf", "root"), [*zip(MAPPED, LEAF, ROOT, strict=True)])
def test_published_respiration(number, leaf, root):
    biome = carbon.BIOMES[number]
    treeless = biome._replace(mass=(biome.mass[0], 0.0))
    rootless = biome._replace(mass=(0.0, 0.0))
    one = np.array([1.0]), np.array([25.0])
    assert carbon.maintenance(rootless, *one)[0] == pytest.approx(leaf, rel=1e-5)
    assert carbon.maintenance(treeless, *one)[0] == pytest.approx(leaf + root, rel=1e-5)
    assert carbon.maintenance(biome, *one)[0] >= carbon.maintenance(treeless, *one)[0]


@pytest.mark.parametrize(("number", "year"), [*zip(MAPPED, NPP, strict=True)])
def test_published_year_of_equal_days(number, year):
    ds = run({"land_cover": number}, {"lai": 1.0}, fpar=0.5)
    assert 365 * cell(ds, "npp") == pytest.approx(year, rel=1e-4)


@pytest.mark.parametrize("number", sorted(carbon.BIOMES))
def test_never_more_than_the_light_allows(number):
    for changes in ({}, {"air_temperature_min": 305.0, "vapour_pressure_deficit": 0.0}, {"air_temperature_min": 275.0}):
        ds = run({"land_cover": number}, **changes)
        light = cell(ds, "fpar") * 115.74 * 0.0864
        assert 0 <= cell(ds, "gpp") <= carbon.BIOMES[number].efficiency * light * (1 + 1e-6)
        assert cell(ds, "npp") < cell(ds, "gpp")


def test_best_day_reaches_the_bound():
    ds = run(air_temperature_min=300.0, vapour_pressure_deficit=300.0)
    assert cell(ds, "gpp") == pytest.approx(1.3 * cell(ds, "fpar") * 115.74 * 0.0864, rel=1e-5)


@pytest.mark.parametrize(
    "changes", [{"air_temperature_min": 264.0}, {"vapour_pressure_deficit": 4600.0}, {"downward_par": 0.0}]
)
def test_frost_drought_and_darkness_stop_production(changes):
    ds = run(**changes)
    assert cell(ds, "gpp") == 0
    assert cell(ds, "npp") < 0


@pytest.mark.parametrize("number", [15, 16, 17])
def test_ice_desert_and_water_hold_no_plants(number):
    ds = run({"land_cover": number})
    assert cell(ds, "gpp") == cell(ds, "npp") == 0


def test_bare_ground_breathes_nothing():
    ds = run(canopy={"lai": 0.0})
    assert cell(ds, "fpar") == cell(ds, "gpp") == cell(ds, "npp") == 0


def test_more_leaves_catch_more_light():
    thin, thick, clumped = (
        cell(run(canopy={"lai": lai, "clumping_index": c}), "fpar") for lai, c in ((1, 1), (4, 1), (4, 0.6))
    )
    assert thin == pytest.approx(1 - np.exp(-0.5))
    assert thin < clumped < thick < 1


def test_known_fpar_is_kept():
    assert cell(run(fpar=0.37), "fpar") == pytest.approx(0.37)


def test_each_cell_has_its_own_biome():
    cover = np.full(GRID.shape, 12)
    cover[:, 8:] = 7
    ds = run({"land_cover": cover})
    crops, shrubs = float(ds.gpp[0, 0]), float(ds.gpp[0, -1])
    assert crops == cell(run({"land_cover": 12}), "gpp")
    assert shrubs == cell(run({"land_cover": 7}), "gpp")


def test_water_that_the_latent_heat_lifts():
    # 2.45 MJ evaporate one millimetre (FAO-56)
    assert cell(run(latent_heat=2.45e6 / 86_400), "evapotranspiration") == pytest.approx(1.0, rel=1e-6)


def test_fluxes_carry_units_and_single_precision():
    ds = run()
    assert ds.gpp.attrs["units"] == "g m-2 d-1"
    assert ds.evapotranspiration.attrs["units"] == "mm d-1"
    assert {v.dtype for v in ds.values()} == {np.dtype("float32")}
