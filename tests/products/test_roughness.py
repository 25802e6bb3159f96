"""Roughness of the land: published canopies, the classes' order, bits, limits, unknown crowns."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.quality import NOT_DEFINED, OUTPUT_OUT_OF_RANGE
from musyq_lab.products._class_table import by_class
from musyq_lab.products.roughness import SPEC, roughness

WOODY, LOW, BARE = range(1, 10), (10, 11, 12, 14), (13, 15, 16, 17)


def land(**values):
    values = {"lai": 3.0, "canopy_height": 10.0, "land_cover": 4.0} | values
    shape = np.broadcast_shapes(*(np.shape(v) for v in values.values()), (1,))
    units = {"lai": "m2 m-2", "canopy_height": "m", "land_cover": "1"}
    return xr.Dataset(
        {k: ("x", np.broadcast_to(np.asarray(v, float), shape).copy(), {"units": units[k]}) for k, v in values.items()}
    )


def published():
    path = Path(__file__).parents[1] / "reference" / "roughness.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return [r for r in rows if r["land_cover"]]


@pytest.mark.parametrize("case", ["conifer", "broadleaf", "crop"])
def test_published_canopies(case):
    rows = [r for r in published() if r["case"] == case]
    column = {k: np.array([float(r[k]) for r in rows]) for k in ("land_cover", "height", "x", "z0", "d", "tolerance")}
    made = roughness(land(lai=column["x"], canopy_height=column["height"], land_cover=column["land_cover"]))
    tolerance = column["tolerance"].max()
    np.testing.assert_allclose(made.roughness_length, column["z0"], rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(made.displacement_height, column["d"], rtol=0, atol=2 * tolerance)
    np.testing.assert_allclose(made.roughness_ratio, column["z0"] / column["height"], rtol=0, atol=tolerance)


def test_lengths_grow_with_height_and_the_ratio_does_not():
    made = roughness(land(canopy_height=[5.0, 10.0, 20.0]))
    for name in ("roughness_length", "displacement_height"):
        np.testing.assert_allclose(made[name] / made[name][0], [1, 2, 4])
    np.testing.assert_allclose(made.roughness_ratio, made.roughness_ratio[0])


@pytest.mark.parametrize("land_cover", [*WOODY, *LOW])
def test_wind_stays_above_the_ground_and_below_the_tops(land_cover):
    made = roughness(land(lai=np.linspace(0, 8, 33), canopy_height=12.0, land_cover=land_cover), uncertainty=False)
    assert (made.displacement_height >= 0).all()
    assert (made.displacement_height + made.roughness_length < 12.0).all()
    assert (made.roughness_ratio > 0).all()
    assert not (made.roughness_qa.values & OUTPUT_OUT_OF_RANGE.mask).any()


def test_forest_is_rougher_than_crops_and_those_than_snow_and_water():
    covers = {1: 15.0, 2: 30.0, 4: 20.0, 12: 1.0, 15: 0.0, 17: 0.0}
    made = roughness(land(canopy_height=[*covers.values()], land_cover=[*covers]), uncertainty=False)
    forest, crop, ice, water = *[made.roughness_length.values[:3]], *made.roughness_length.values[3:]
    assert forest.min() > 10 * crop > 10 * ice > 10 * water


def test_forest_lies_near_the_parameters_of_weather_models():
    """NCEP, IGBP_VEGPARM.TBL: 1.09, 2.65, 0.85, 0.83 and 0.80 m for forest; heights of Dorman & Sellers as order."""
    made = roughness(
        land(lai=[4.0, 5.0, 3.0, 4.0, 4.0], canopy_height=[17, 35, 14, 20, 20], land_cover=[1, 2, 3, 4, 5])
    )
    ratio = made.roughness_length.values / [1.089, 2.653, 0.854, 0.826, 0.80]
    assert (ratio > 0.8).all()
    assert (ratio < 3).all()


@pytest.mark.parametrize(("land_cover", "z0"), [(13, 1.0), (15, 0.011), (16, 0.011), (17, 0.001)])
def test_land_without_plants_has_its_own_roughness(land_cover, z0):
    made = roughness(land(lai=[0.0, 4.0], canopy_height=[0.0, 9.0], land_cover=land_cover))
    assert made.roughness_length.values == pytest.approx([z0, z0])
    assert made.displacement_height.values.tolist() == [0, 0]
    assert np.isnan(made.roughness_ratio).all()
    assert (made.roughness_qa.values == NOT_DEFINED.mask | 1 << 9).all()


def test_leafless_trees_are_marked():
    made = roughness(land(lai=[0.0, 0.49, 0.51, 0.1], land_cover=[4, 1, 4, 10]))
    assert made.roughness_qa.values.tolist() == [1 << 8, 1 << 8, 0, 0]


def test_no_plants_are_smoother_than_the_ground_between_them():
    made = roughness(land(lai=[0.0, 1.0], canopy_height=[0.0, 0.02], land_cover=[4, 10]))
    assert made.roughness_length.values == pytest.approx([0.01, 0.01])


@pytest.mark.parametrize("bad", [0, 18, 255])
def test_unknown_class_has_no_value(bad):
    made = roughness(land(land_cover=bad))
    assert np.isnan(made.roughness_length).all()
    assert np.isnan(made.displacement_height).all()


def test_each_variable_alone():
    given = land(lai=[1.0, 4.0], land_cover=[1, 12])
    whole = roughness(given)
    for variable in SPEC.variables:
        one = roughness(given, variables=[variable.name])
        np.testing.assert_array_equal(one[variable.name], whole[variable.name])
        np.testing.assert_array_equal(one[variable.uncertainty_name], whole[variable.uncertainty_name])


def test_stated_error_covers_crowns_twice_as_high_as_wide():
    given = land(lai=np.repeat(np.linspace(1, 6, 6), 3), land_cover=np.tile([1, 4, 8], 6))
    one, two = roughness(given), roughness(given, aspect=2.0)
    change = np.abs(two.roughness_length / one.roughness_length - 1)
    assert 0.15 < float(change.mean()) < 0.4
    assert (change < 1.6 * one.roughness_length_uncertainty / one.roughness_length).all()
    np.testing.assert_array_equal(roughness(given, aspect=1.0).roughness_length, one.roughness_length)


def test_error_of_height_passes_through():
    given = land(canopy_height=20.0).assign(lai_uncertainty=("x", [0.0]))
    none, much = (
        roughness(given.assign(canopy_height_uncertainty=("x", [s]))).displacement_height_uncertainty.item()
        for s in (0.0, 10.0)
    )
    value = roughness(given).displacement_height.item()
    assert none == pytest.approx(0.15 * value, rel=1e-6)
    assert much == pytest.approx(np.hypot(0.15, 0.5) * value, rel=1e-6)


def test_every_class_of_the_legend_has_one_kind_with_its_own_numbers():
    classes = np.arange(1, 18)
    kind = by_class("roughness", "kind", classes)
    assert np.isfinite(kind).all()
    for wanted, columns in ((1, ("extinction", "shape", "aspect")), (2, ("z0_share", "d_share")), (0, ("z0",))):
        for name in columns:
            np.testing.assert_array_equal(np.isfinite(by_class("roughness", name, classes)), kind == wanted)


def test_leaves_make_grass_and_crops_rougher_as_they_grow():
    given = land(lai=[0.1, 0.5, 3.0], canopy_height=0.8, land_cover=12)
    fixed, grown = roughness(given), roughness(given, method="leaves")
    assert np.ptp(fixed.roughness_ratio.values) == 0
    assert (np.diff(grown.displacement_height) > 0).all()
    # A grown crop shelters itself: z0 is half of the fixed share h / 8, d is a fifth above 0.65 h.
    assert grown.roughness_ratio[2].item() == pytest.approx(0.0625, rel=0.2)
    assert grown.displacement_height[2].item() == pytest.approx(0.52, rel=0.25)


@pytest.mark.parametrize("land_cover", BARE)
def test_leaves_do_not_matter_without_plants(land_cover):
    given = land(lai=4.0, canopy_height=9.0, land_cover=land_cover)
    one, other = roughness(given), roughness(given, method="leaves")
    xr.testing.assert_equal(one, other)


def test_both_methods_agree_within_their_error_for_closed_forest():
    given = land(lai=np.linspace(2, 6, 9), canopy_height=20.0, land_cover=np.tile([1, 4, 5], 3))
    one, other = roughness(given), roughness(given, method="leaves")
    for name in ("roughness_length", "displacement_height"):
        away = np.abs(one[name] - other[name]) / np.hypot(one[f"{name}_uncertainty"], other[f"{name}_uncertainty"])
        assert float(away.max()) < 2


@pytest.mark.parametrize("method", SPEC.method_names)
def test_few_leaves_and_low_plants_have_an_error(method):
    """The errors exceed the values themselves: the steps below them stop at 0."""
    made = roughness(
        land(lai=[0.0, 0.05, 0.2], canopy_height=[0.0, 0.05, 0.5], land_cover=[7.0, 10.0, 1.0]), method=method
    )
    for variable in SPEC.variables:
        assert np.isfinite(made[variable.name]).all()
        assert np.isfinite(made[variable.uncertainty_name]).all()
