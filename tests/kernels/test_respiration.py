"""Respiration: the numbers of MOD17's own tests, the pools of both models by hand, and scenarios for soil."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels import light_use, respiration
from musyq_lab.kernels.weather import FREEZING
from musyq_lab.products._biomes import biome_table

REFERENCE = Path(__file__).parents[1] / "reference" / "npp.csv"
ALL = ("net", "maintenance", "growth")


def references(vector, quantity):
    with REFERENCE.open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [row for row in rows if row["vector"] == vector and row["quantity"] == quantity]


def kernel_of(name, names=ALL):
    model = {"mod17": respiration.MOD17, "musyq": respiration.MUSYQ}[name]
    return respiration.net_production(model, biome_table(name, model.parameters), names)


def only(cover, *kept):
    """Return the maintenance of MOD17 with the rates of other tissue at zero."""
    model = respiration.MOD17
    row = dict(zip(model.parameters, dict(biome_table("mod17", model.parameters))[cover], strict=True))
    row |= {rate: 0.0 for rate in ("leaf_rate", "root_rate", "wood_rate") if rate not in kept}
    table = ((cover, tuple(row[name] for name in model.parameters)),)
    return respiration.net_production(model, table, ("maintenance",))


@pytest.mark.parametrize("tissue", ["leaf", "root"])
def test_published_respiration_of_tissue(tissue):
    for row in references("MOD17-Rm", tissue):
        found = only(int(row["class"]), f"{tissue}_rate").python(float(row["class"]), 0.0, 1.0, 1.0, FREEZING + 25.0)
        assert found == pytest.approx(float(row["value"]), abs=float(row["tolerance"])), row["class"]


@pytest.mark.parametrize("row", references("MOD17-NPP", "annual"), ids=lambda row: row["class"])
def test_a_year_of_equal_days(row):
    model = light_use.MOD17
    gross = light_use.production(model, biome_table("mod17", model.parameters)).python(
        float(row["class"]), 10 / 0.0864, 0.5, FREEZING + 15.0, 1000.0
    )
    net, maintenance, _ = kernel_of("mod17").python(float(row["class"]), gross, 1.0, 1.0, FREEZING + 25.0)
    annual = 0.8 * max(365 * (gross - maintenance), 0.0)
    assert annual == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))
    assert 365 * net == pytest.approx(annual, rel=1e-12)


def test_roots_and_wood_are_not_lost():
    # Vector MOD17-TRAP: reading Q10 by the wrong name leaves them out and gives 1335.57 in place of 1144.22.
    model = light_use.MOD17
    gross = light_use.production(model, biome_table("mod17", model.parameters)).python(
        1.0, 10 / 0.0864, 0.5, FREEZING + 15.0, 1000.0
    )
    leaves = only(1, "leaf_rate").python(1.0, gross, 1.0, 1.0, FREEZING + 25.0)
    assert 0.8 * 365 * (gross - leaves) == pytest.approx(1335.5657, abs=0.01)


@pytest.mark.parametrize("name", ["mod17", "musyq"])
def test_carbon_is_conserved(name):
    random = np.random.Generator(np.random.Philox(2))
    cover = random.integers(1, 17, 200).astype(float)
    gross, lai = random.uniform(0, 20, 200), random.uniform(0, 7, 200)
    net, maintenance, growth = kernel_of(name).python(cover, gross, lai, lai + 0.5, random.uniform(260, 310, 200))
    gains = maintenance < gross
    np.testing.assert_allclose((net + maintenance + growth)[gains], gross[gains], rtol=1e-12)
    assert (growth[gains] > 0).all()
    whole = net if name == "mod17" else net + growth
    np.testing.assert_allclose(growth[gains], 0.25 * whole[gains], rtol=1e-12)


def test_where_maintenance_takes_all():
    net, maintenance, growth = kernel_of("mod17").python(1.0, 0.1, 5.0, 5.0, 305.0)
    assert growth == 0
    assert net == pytest.approx(0.1 - maintenance)
    assert net < 0
    assert kernel_of("musyq").python(1.0, 0.1, 5.0, 5.0, 305.0)[0] == 0.0


def test_live_wood_follows_the_largest_leaf_area():
    wood = only(4, "wood_rate")
    small, large = (wood.python(4.0, 0.0, 1.0, most, 293.15) for most in (1.0, 5.0))
    assert large == pytest.approx(5 * small)
    assert small == pytest.approx(1 / 24.7 * 0.203 * 3.71)
    # A largest value below the leaf area of the day is a contradiction; the day's counts.
    assert wood.python(4.0, 0.0, 2.0, 1.0, 293.15) == pytest.approx(2 * small)


def test_respiration_doubles_with_ten_degrees_but_for_leaves():
    for cover in (1, 2, 10):
        roots = only(cover, "root_rate", "wood_rate")
        assert roots.python(float(cover), 0.0, 2.0, 2.0, 303.15) == pytest.approx(
            2 * roots.python(float(cover), 0.0, 2.0, 2.0, 293.15)
        )
        leaves = only(cover, "leaf_rate")
        warm, base = (leaves.python(float(cover), 0.0, 2.0, 2.0, t) for t in (303.15, 293.15))
        assert warm / base == pytest.approx(3.22 - 0.046 * 30.0)


def test_musyq_trees_by_hand():
    # coutRM of core_fun.cpp: deciduous broadleaf forest, LAI 4, largest 5, 15 C.
    leaves, stems = 1000 * 4 / 32.0, -1.0378 * 25 + 31.298 * 5
    rates = leaves * (0.0119 + 1.2 * 0.004992) + stems * (0.00512 + 0.22 * 0.00448)
    maintenance = kernel_of("musyq", ("maintenance",)).python(4.0, 0.0, 4.0, 5.0, FREEZING + 15.0)
    assert maintenance == pytest.approx(rates * 2**-0.5, rel=1e-12)


def test_musyq_grass_and_crops_by_hand():
    for cover, rooted in ((10, 3.0), (12, 2.0)):
        expected = 1000 / 49 * (2.0 * 0.006976 + 2 * rooted * 0.004152)
        found = kernel_of("musyq", ("maintenance",)).python(float(cover), 0.0, 2.0, 3.0, FREEZING + 20.0)
        assert found == pytest.approx(expected, rel=1e-12)


def test_musyq_savanna_is_trees_in_grass():
    grass = 1000 / 49 * (2.0 * 0.00872 + 2 * 3.0 * 0.00519)
    leaves, stems = 1000 * 2 / 32.0, -0.5189 * 9 + 15.649 * 3
    trees = leaves * (0.0119 + 1.2 * 0.004992) + stems * (0.00512 + 0.22 * 0.00448)
    for cover, share in ((8, 0.45), (9, 0.2)):
        found = kernel_of("musyq", ("maintenance",)).python(float(cover), 0.0, 2.0, 3.0, FREEZING + 20.0)
        assert found == pytest.approx(share * trees + (1 - share) * grass, rel=1e-12)


def test_stems_are_never_negative():
    # The parabola of shrubs turns at a leaf area of 4.2 and is negative from 8.5 on.
    found = kernel_of("musyq", ("maintenance",)).python(6.0, 0.0, 9.0, 9.0, FREEZING + 20.0)
    leaves = 1000 * 9 / 17.0
    assert found == pytest.approx(leaves * (0.0068 + 1.2 * 0.0033), rel=1e-12)


@pytest.mark.parametrize("name", ["mod17", "musyq"])
def test_nan_and_unknown_classes(name):
    good = [1.0, 5.0, 2.0, 3.0, 290.0]
    for position in range(5):
        assert np.isnan(kernel_of(name).python(*(np.nan if k == position else v for k, v in enumerate(good)))[0])
    assert np.isnan(kernel_of(name).python(17.0, *good[1:])).all()


@pytest.mark.parametrize("name", ["mod17", pytest.param("musyq", marks=pytest.mark.slow)])
def test_compiled_equals_the_twin(name):
    random = np.random.Generator(np.random.Philox(4))
    ranges = [(1, 10), (0, 15), (0, 6), (0, 7), (255, 312)]
    arrays = [random.uniform(low, high, 200) for low, high in ranges]
    arrays[0] = np.floor(arrays[0])
    arrays = [a.astype(np.float32) for a in arrays]
    for one, other in zip(kernel_of(name)(*arrays), kernel_of(name).python(*arrays), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


def test_vector_of_pei():
    (row,) = references("NEP-1", "heterotrophic")
    monthly = 30 * respiration.pei.python(FREEZING + 15.0, 2.0)
    assert monthly == pytest.approx(float(row["value"]), abs=1e-7)


def test_soil_respiration_of_raich_by_hand():
    # 15 C and 6 cm in a month: 1.25 e^(0.05452 x 15) 6 / 10.259 = 1.6558 g m-2 d-1, 604 g a year.
    daily = 6.0 * 120 / 365
    soil = 1.25 * np.exp(0.05452 * 15) * 6 / (4.259 + 6)
    for offset, exponent in ((1.22, 0.73), (0.22, 0.87)):
        found = respiration.raich.python(FREEZING + 15.0, daily, offset, exponent)
        assert found == pytest.approx(np.exp(offset + exponent * np.log(365 * soil)) / 365, rel=1e-12)
        assert 0.4 < found / soil < 0.75


@pytest.mark.parametrize(
    "scenario", [respiration.pei.python, lambda t, p: respiration.raich.python(t, p, 1.22, 0.73)], ids=["pei", "raich"]
)
def test_soil_respires_more_when_warm_and_wet(scenario):
    assert scenario(290.0, 2.0) > scenario(280.0, 2.0)
    assert scenario(290.0, 4.0) > scenario(290.0, 2.0)
    assert scenario(290.0, 0.0) >= 0.0
    assert scenario(290.0, -1.0) == scenario(290.0, 0.0)
    assert np.isnan(scenario(np.nan, 1.0))
    assert np.isnan(scenario(290.0, np.nan))


def test_soil_is_still_without_rain_in_the_one_and_breathes_in_the_other():
    assert respiration.raich.python(290.0, 0.0, 1.22, 0.73) == 0.0
    assert respiration.pei.python(FREEZING, 0.0) == pytest.approx(0.465 * 0.22)
