"""Biomass by height: published equations, order of biomes, carbon share, bits, honest errors."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.quality import NOT_DEFINED
from musyq_lab.core.resources import resource
from musyq_lab.products.biomass import SPEC, biomass

WOODY, HERBS, NOTHING = range(1, 10), (10, 11, 12, 13, 14, 16), (15, 17)
LOW = 1 << 8


def stand(height, land_cover):
    height, land_cover = np.broadcast_arrays(np.atleast_1d(np.asarray(height, float)), np.asarray(land_cover, float))
    return xr.Dataset(
        {
            "canopy_height": ("x", height.copy(), {"units": "m"}),
            "land_cover": ("x", land_cover.copy(), {"units": "1"}),
        }
    )


def rows(path):
    with Path(path).open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize(
    "row", rows(Path(__file__).parents[1] / "reference" / "biomass.csv"), ids=lambda r: "-".join(r.values())
)
def test_published_equations(row):
    made = biomass(stand(float(row["height"]), float(row["land_cover"])), method=row["method"])
    assert made.biomass_carbon.item() == pytest.approx(float(row["carbon"]), abs=float(row["tolerance"]))


def test_carbon_is_its_share_of_dry_mass():
    made = biomass(stand(np.linspace(0, 60, 13), 4))
    np.testing.assert_allclose(made.biomass_carbon, 0.47 * made.aboveground_biomass)


@pytest.mark.parametrize("land_cover", WOODY)
@pytest.mark.parametrize("method", SPEC.method_names)
def test_taller_is_heavier_and_nothing_weighs_nothing(land_cover, method):
    made = biomass(stand(np.linspace(0, 60, 31), land_cover), method=method).aboveground_biomass.values
    assert made[0] == 0
    assert (np.diff(made) > 0).all()


def test_light_wood_weighs_less():
    made = biomass(stand(25.0, [2, 4, 3, 1])).aboveground_biomass.values
    assert (np.diff(made) < 0).all()


def test_forest_is_within_what_the_world_has():
    """IPCC 2006, table 4.7 (recalled): boreal 10 to 90, temperate 60 to 600, tropical forest 120 to 400 Mg ha-1."""
    made = biomass(stand([12.0, 25.0, 30.0], [1, 4, 2])).aboveground_biomass.values
    low, high = np.array([10, 60, 120]), np.array([100, 600, 400])
    assert (made > low).all()
    assert (made < high).all()


def test_coefficients_of_forest_follow_from_wood_density():
    for row in rows(resource("catalogs/biomes/allometry.csv")):
        if row["density"]:
            assert float(row["a"]) == pytest.approx(6.85 * float(row["density"]) ** 1.3763, abs=1e-3)
            assert float(row["b"]) == 0.952


def test_every_value_is_of_low_confidence():
    made = biomass(stand([10.0, 60.0, 1.0, np.nan], 4))
    assert made.biomass_qa.values.tolist() == [LOW, LOW | 1 << 9, LOW | 1 << 9, 1]
    assert "half of the value" in SPEC.flags[0].sentence


@pytest.mark.parametrize("land_cover", HERBS)
def test_no_value_without_woody_plants(land_cover):
    made = biomass(stand(1.0, land_cover))
    assert np.isnan(made.aboveground_biomass).all()
    assert made.biomass_qa.item() == NOT_DEFINED.mask | 1 << 10


@pytest.mark.parametrize("land_cover", NOTHING)
@pytest.mark.parametrize("method", SPEC.method_names)
def test_snow_and_water_carry_none(land_cover, method):
    made = biomass(stand([0.0, 5.0], land_cover), method=method)
    assert made.aboveground_biomass.values.tolist() == [0, 0]
    assert made.biomass_qa.values.tolist() == [0, 0]


def test_unknown_class_has_no_value():
    assert np.isnan(biomass(stand(20.0, [0, 18, 255])).aboveground_biomass).all()


def test_stated_error_covers_the_other_allometry():
    """Two equations of one author for one forest differ by less than twice the error stated, from 5 m up."""
    given = stand(np.linspace(5, 50, 10), 2)
    one, other = (biomass(given, method=m).aboveground_biomass for m in SPEC.method_names)
    sigma = biomass(given).aboveground_biomass_uncertainty
    away = np.abs(one - other) / sigma
    assert float(away.max()) < 2
    assert float(np.sqrt((away**2).mean())) < 1


def test_error_of_height_passes_through():
    given = stand(20.0, 2).assign(canopy_height_uncertainty=("x", [4.0]))
    made = biomass(given)
    relative = made.biomass_carbon_uncertainty.item() / made.biomass_carbon.item()
    assert relative == pytest.approx(np.hypot(0.5, 0.952 * 0.2), rel=0.01)


def test_variables_in_the_order_asked():
    given = stand(20.0, 2)
    both = biomass(given, variables=["biomass_carbon", "aboveground_biomass"])
    np.testing.assert_array_equal(both.biomass_carbon, biomass(given).biomass_carbon)


def test_low_plants_have_an_error():
    """The error of a height exceeds the height itself: the step below it stops at the ground."""
    made = biomass(stand([0.0, 0.1, 0.5], 7))
    for name in SPEC.variables:
        sigma = made[name.uncertainty_name]
        assert np.isfinite(sigma).all()
        assert (sigma > 0).all()
