"""Truth files: which there are, what they hold, and that they hold it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pyproj
import pytest
import rioxarray  # noqa: F401
import xarray as xr

from musyq_lab.archive.header import read_header
from musyq_lab.archive.metadata import stac
from musyq_lab.archive.metadata.facts import facts_of
from musyq_lab.archive.metadata.settings import Publisher
from musyq_lab.archive.open import open_product
from musyq_lab.twin import truth
from musyq_lab.twin.world import make_world

START = datetime(2019, 6, 30)


@cache
def world():
    return make_world("huailai", size=0.96, resolution=60.0, seed=3)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    with ThreadPoolExecutor(2) as pool:
        paths = [truth.write_static(world(), folder, "huailai")]
        for period, mean in truth.means(world(), START, 2, pool):
            paths += truth.write_period(world(), period, mean, folder, "huailai")
        return folder, paths


def layers(path):
    with xr.open_dataset(path, engine="h5netcdf") as found:
        return found.load()


# ---- which -----------------------------------------------------------------------------------------------------------
def test_periods_cover_the_days_once():
    found = list(truth.periods(datetime(2019, 6, 28), 9))
    days = [day for _, members in found for day in members]
    assert days == [datetime(2019, 6, 28) + timedelta(days=k) for k in range(9)]
    assert all(len(members) <= 5 for _, members in found)
    assert all(day in period for period, members in found for day in members)


def test_every_product_is_written_once(written):
    _, paths = written
    assert len(set(paths)) == len(paths) == len(truth.PRODUCTS)
    assert all(path.exists() for path in paths)


def test_names_say_product_cells_and_place(written):
    _, paths = written
    for product, path in zip(truth.PRODUCTS, paths, strict=True):
        assert product.key.upper() in path.name
        assert "60m" in path.name
        assert "huailai" in path.name


def test_files_say_when_and_of_what(written):
    _, paths = written
    for path in paths[1:]:
        header = read_header(path)
        assert header.text("time_coverage_start") == "2019-06-30T00:00:00Z"
        assert header.text("time_coverage_end") == "2019-07-04T23:59:59Z"  # the five days of the label
        assert header.text("history").startswith("simulate(")
        assert '"huailai"' in header.text("history")
        item = stac.item(facts_of(path, Publisher()), path.name)
        assert item["properties"]["end_datetime"] == "2019-07-04T23:59:59Z"
    assert read_header(paths[0]).coverage == (None, None)  # what never changes


def test_edition_of_degrees():
    assert truth._edition(make_world("belt_and_road", resolution=0.2)) == "0p2deg"


# ---- what ------------------------------------------------------------------------------------------------------------
def test_land_is_the_land(written):
    _, paths = written
    found = layers(paths[0])
    for variable in truth.LAND.variables:
        wanted = world().static[variable.name].values
        stored = found[variable.name].values
        assert np.abs(stored - wanted).max() <= 0.51 * (variable.scale or 1)


def test_means_of_the_days(written):
    _, paths = written
    days = [world().day(START + timedelta(days=k)) for k in range(2)]
    for product, path in zip(truth.PRODUCTS[1:], paths[1:], strict=True):
        found = layers(path)
        for variable in product.variables:
            wanted = (days[0][variable.name].values + days[1][variable.name].values) / 2
            assert np.abs(found[variable.name].values - wanted).max() <= 0.51 * variable.scale + 1e-5, variable.name


def test_three_hours_make_the_day():
    """Means of eight periods, 24 instants in all, against the day's six: 4 per cent of the light; no energy is lost."""
    with ThreadPoolExecutor(2) as pool:
        found = list(truth.three_hours(world(), START, 1, pool))
    assert [period.label for period, _ in found] == [f"2019181-{hour:02d}" for hour in range(0, 24, 3)]
    day = world().day(START)
    for name, near in (("downward_shortwave", 0.05), ("downward_longwave", 0.02), ("albedo", 0.02)):
        weight = [float(m["downward_shortwave"].mean()) if name == "albedo" else 1.0 for _, m in found]
        mean = np.average([float(m[name].mean()) for _, m in found], weights=weight)
        assert mean == pytest.approx(float(day[name].mean()), rel=near), name
    for _, fields in found:
        left = sum(fields[flux].values for flux in ("sensible_heat", "latent_heat", "ground_heat"))
        assert np.abs(fields["net_radiation"].values - left).max() < 0.01


def test_noon_fits_into_the_file_of_three_hours(tmp_path):
    bright = world().mean(datetime(2019, 6, 30, 3), datetime(2019, 6, 30, 6), 3)
    period = truth.three_hourly(datetime(2019, 6, 30, 4))
    path = truth.write_three_hours(world(), period, bright, tmp_path, "huailai")
    assert path.name == "MuSyQ.TRUTH_ENERGY_3H.60m.huailai.2019181-03.v1.h5"
    found = layers(path)["downward_shortwave"].values
    assert found.max() > 600
    assert np.abs(found - bright["downward_shortwave"].values).max() <= 0.0204


def test_nothing_lies_beyond_the_storage():
    for month in (1, 4, 7, 10):
        day = world().day(datetime(2019, month, 15))
        for product in truth.PRODUCTS[1:]:
            for variable in product.variables:
                low, high = variable.valid_range
                values = day[variable.name].values
                assert low <= values.min(), variable.name
                assert values.max() <= high, variable.name


def test_georeferenced_local():
    placed = truth.georeferenced(world(), world().static)
    grid = world().grid
    assert pyproj.CRS(placed.rio.crs) == pyproj.CRS(grid.crs)
    assert placed["x"].values[0] == grid.west + 30
    assert placed["y"].values[0] == grid.north - 30
    assert np.all(np.diff(placed["y"].values) == -60)


def test_georeferenced_degrees():
    made = make_world("belt_and_road", resolution=1.0)
    placed = truth.georeferenced(made, made.static[["elevation"]])
    assert placed["elevation"].dims == ("latitude", "longitude")
    assert placed["longitude"].values[0] == made.grid.west + 0.5


def test_archive_opens_it(written):
    folder, _ = written
    found = open_product(folder, "truth_canopy")
    assert "lai" in found
    assert found["lai"].attrs["units"] == "m2 m-2"
