"""Land cover: shares, connected parcels, structure, and what grows where."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage
from twin.land import land

from musyq_lab.twin import _earth
from musyq_lab.twin.cover import CROPS, IGBP, WATER, cover
from musyq_lab.twin.place import PLACES, place

LOCAL = [key for key, spot in PLACES.items() if spot.kind == "local"]


def shares(classes):
    return np.bincount(classes.ravel(), minlength=18) / classes.size


@pytest.mark.parametrize("key", [*PLACES])
def test_fields_are_complete(key):
    _, grid, static = land(key)
    kinds = {"land_cover": np.uint8, "parcel": np.int32, "vigour": np.float32}
    for name, kind in kinds.items():
        assert static[name].shape == grid.shape
        assert static[name].dtype == kind
        assert static[name].attrs["units"] == "1"
        assert static[name].attrs["long_name"]
    assert set(np.unique(static["land_cover"])) <= set(IGBP)
    assert static["vigour"].min() > 0
    assert static["vigour"].max() <= 1
    assert static["parcel"].min() == 1


def test_classes_explain_themselves():
    attributes = land()[2]["land_cover"].attrs
    words = attributes["flag_meanings"].split()
    assert len(words) == len(attributes["flag_values"]) == 17
    assert dict(zip(attributes["flag_values"].tolist(), words, strict=True))[17] == "water"
    assert dict(zip(attributes["flag_values"].tolist(), words, strict=True))[12] == "cropland"


@pytest.mark.parametrize("key", LOCAL)
def test_shares_are_the_place_s(key):
    spot, _, static = land(key)
    found = shares(static["land_cover"].values)
    for number in IGBP:
        assert found[number] == pytest.approx(spot.cover.get(number, 0.0), abs=0.005), IGBP[number]


@pytest.mark.parametrize("where", [(115.785, 40.349), (-63.0, -5.0), (13.4, 52.5), (179.99, 66.5)])
def test_shares_anywhere_are_those_of_the_map(where):
    spot, _, static = land(where)
    found = shares(static["land_cover"].values)
    assert 0.5 * sum(abs(found[n] - spot.cover.get(n, 0.0)) for n in IGBP) < 0.03


@pytest.mark.parametrize("key", LOCAL)
def test_water_is_where_the_terrain_has_it(key):
    _, _, static = land(key)
    assert np.array_equal(static["land_cover"].values == WATER, static["water"].values)


@pytest.mark.parametrize("key", ["huailai", "hulunber"])
def test_a_parcel_is_one_connected_patch_of_one_class(key):
    _, _, static = land(key)
    parcel, classes = static["parcel"].values, static["land_cover"].values
    low = ndimage.minimum(classes, parcel, np.arange(1, parcel.max() + 1))
    high = ndimage.maximum(classes, parcel, np.arange(1, parcel.max() + 1))
    assert np.array_equal(low, high)
    boxes = ndimage.find_objects(parcel)
    for number in range(1, int(parcel.max()) + 1, 23):
        _, count = ndimage.label(parcel[boxes[number - 1]] == number)
        assert count == 1
    assert np.unique(parcel).size == parcel.max()  # every number is used


def test_classes_come_in_patches_and_not_as_noise():
    _, _, static = land()
    classes = static["land_cover"].values
    same = (classes[:, 1:] == classes[:, :-1]).mean()
    by_chance = (shares(classes) ** 2).sum()
    assert same > 0.8 > by_chance + 0.4
    agreement = [(classes[:, lag:] == classes[:, :-lag]).mean() for lag in (1, 4, 16, 48)]
    assert all(near > far for near, far in pairwise(agreement))


def test_the_variogram_of_vigour_rises():
    _, _, static = land()
    vigour = static["vigour"].values

    def semivariance(lag):
        return 0.5 * np.mean((vigour[lag:] - vigour[:-lag]) ** 2)

    assert semivariance(1) < 0.75 * semivariance(8)
    assert semivariance(1) < 0.7 * vigour.var()


@pytest.mark.parametrize("key", LOCAL)
def test_fields_lie_on_level_low_wet_land(key):
    _, _, static = land(key)
    crop = np.isin(static["land_cover"].values, CROPS)
    dry = ~np.isin(static["land_cover"].values, (*CROPS, WATER))
    assert static["slope"].values[crop].mean() < static["slope"].values[dry].mean()
    assert static["elevation"].values[crop].mean() < static["elevation"].values[dry].mean()
    assert static["wetness"].values[crop].mean() > static["wetness"].values[dry].mean()


def test_woods_stand_on_slopes_and_wetland_in_hollows():
    _, _, static = land("jingyuetan")
    classes = static["land_cover"].values
    wood = np.isin(classes, (1, 3, 4, 5))
    assert static["slope"].values[wood].mean() > static["slope"].values[classes == 12].mean() + 2
    assert static["wetness"].values[classes == 11].mean() > 0.7


def test_settlements_lie_amid_the_fields():
    _, _, static = land()
    classes = static["land_cover"].values
    town = classes == 13
    around = ndimage.binary_dilation(town, iterations=3) & ~town
    assert np.isin(classes[around], (12, 13, 14)).mean() > 0.6
    label, count = ndimage.label(town)
    size = np.sort(np.bincount(label.ravel())[1:])
    assert count > 5
    assert size[-1] > 4 * np.median(size)  # one town, many villages


def test_fields_differ_more_than_they_vary_inside():
    _, _, static = land()
    parcel, vigour = static["parcel"].values, static["vigour"].values
    count = np.bincount(parcel.ravel())
    crop = np.unique(parcel[(static["land_cover"].values == 12) & (count[parcel] > 3)])
    mean = np.bincount(parcel.ravel(), weights=vigour.ravel())[crop] / count[crop]
    square = np.bincount(parcel.ravel(), weights=vigour.ravel() ** 2)[crop] / count[crop]
    inside = np.sqrt(np.maximum(square - mean**2, 0))
    assert mean.std() > 2 * inside.mean()
    assert inside.mean() > 0.002


def test_woods_differ_less_than_fields():
    _, _, static = land()
    vigour, classes = static["vigour"].values, static["land_cover"].values
    assert vigour[np.isin(classes, (4, 5))].std() < 0.8 * vigour[classes == 12].std()


def test_roads_and_tree_lines_run_between_the_fields():
    """Thin lines: a road cell has few neighbours of its class, and they go far."""
    _, _, static = land("heihe", size=7.68)
    road = static["land_cover"].values == 13
    village = ndimage.binary_dilation(ndimage.binary_erosion(road, iterations=1), iterations=3)
    line = road & ~village
    assert line.sum() > 0.05 * road.sum()
    label, _ = ndimage.label(line, np.ones((3, 3)))
    boxes = ndimage.find_objects(label)
    longest = max(max(side.stop - side.start for side in box) for box in boxes)
    assert longest > 15


def test_nothing_but_water_lies_in_the_lake():
    _, _, static = land("jingyuetan")
    label, _ = ndimage.label(static["water"].values)
    lake = label == np.argmax(np.bincount(label.ravel())[1:]) + 1
    assert set(np.unique(static["land_cover"].values[lake])) == {WATER}
    assert ndimage.binary_fill_holes(lake).sum() < 1.3 * lake.sum()


def test_without_a_class_there_is_none_of_it():
    spot, grid, static = land(size=2.56)
    bare = replace(spot, cover={16: 0.9, 17: 0.1})
    found = cover(bare, grid, static, static, 1)["land_cover"].values
    assert set(np.unique(found)) == {16, 17}
    crops = replace(spot, cover={12: 0.93, 17: 0.07})
    found = cover(crops, grid, static, static, 1)["land_cover"].values
    assert set(np.unique(found)) == {12, 17}


def test_fields_have_the_size_of_the_place():
    area = {}
    for key in ("huailai", "hulunber"):
        _, grid, static = land(key, size=7.68)
        count = np.bincount(static["parcel"].values[static["land_cover"].values == 12])
        area[key] = np.median(count[count > 2]) * grid.metres**2 / 1e4
    assert 0.5 < area["huailai"] < 6  # ha
    assert area["hulunber"] > 3 * area["huailai"]


def test_the_globe_has_the_classes_of_the_map():
    _, grid, static = land("globe")

    def at(longitude, latitude):
        row, column = grid.cells(np.array(longitude), np.array(latitude))
        return int(static["land_cover"].values[round(float(row)), round(float(column))])

    assert at(-63, -5) == 2
    assert at(10, 23) == 16
    assert at(-42, 75) == 15
    assert at(0, -89) == 15
    assert at(-150, 0) == 17
    assert at(117, 36) == 12


def test_the_transect_agrees_with_the_map_in_shares():
    _, grid, static = land("belt_and_road")
    longitude = np.arange(5.025, 125, 0.05)
    latitude = np.arange(34.025, 50, 0.05)
    exact = shares(_earth.land_cover(*np.meshgrid(longitude, latitude)))
    assert np.abs(shares(static["land_cover"].values) - exact).max() < 0.03
    assert grid.geographic


@pytest.mark.parametrize("where", [(-150.0, 0.0), (0.0, 90.0)])
def test_the_ocean_is_water(where):
    _, _, static = land(where)
    assert (static["land_cover"] == WATER).all()


def test_the_ice_sheet_is_ice():
    _, _, static = land((0.0, -90.0))
    assert (static["land_cover"] == 15).all()


def test_same_seed_same_bytes_and_another_world_otherwise():
    spot, grid, static = land(size=2.56)
    ground, air = static[["elevation", "slope", "aspect", "wetness", "water"]], static[["temperature_mean"]]
    first, again, other = (cover(spot, grid, ground, air, seed) for seed in (1, 1, 2))
    for name in ("land_cover", "parcel", "vigour"):
        assert first[name].values.tobytes() == again[name].values.tobytes()
        assert first[name].values.tobytes() != other[name].values.tobytes()
    assert np.array_equal(first["land_cover"], static["land_cover"])


@pytest.mark.parametrize("size", [0.8, 1.3])
def test_tiny_worlds_are_covered(size):
    spot, grid, static = land("heihe", size=size, resolution=100.0)
    assert isinstance(static, xr.Dataset)
    assert static["land_cover"].min() > 0
    assert grid.shape == static["land_cover"].shape
    assert spot is place("heihe")
