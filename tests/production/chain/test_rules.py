"""What productions refuse, and the years that series are made of."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from production.chain.stocks import FINE, KILOMETRE, PERIOD

from musyq_lab.composite.weight import COARSEST
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import METRES_PER_DEGREE
from musyq_lab.core.period import pentad, pentads, whole_period
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.production.chain import _rules, _yearly
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._registry import PRODUCTS
from musyq_lab.sensors._registry import SENSORS


def spec(key="mine", *inputs, **more):
    return Product(key, "Mine", (Variable("mine", "mine", "1"),), tuple(Input(name) for name in inputs), **more)


# ---- refusals --------------------------------------------------------------------------------------------------------
def test_a_missing_input_is_named_with_its_units():
    text = _rules.missing(spec(), Input("air_temperature"))
    assert text.startswith("mine needs air_temperature (K), which no product asked for makes")
    assert text.endswith("does not have then.")


def test_hints_lead_to_what_helps():
    assert "step='3h'" in _rules.missing(spec(), Input("clear_sky_shortwave"))
    assert "lidar" in _rules.missing(spec(), Input("canopy_height"))
    assert "ml.retrieve('mine', scene)" in _rules.missing(spec(), Input("toa_reflectance_red"))


@pytest.mark.parametrize("key", list(PRODUCTS._modules()))
def test_products_of_the_programme_are_made_on_their_editions_and_on_grids_of_ones_own(key):
    product = PRODUCTS[key]
    for edition in product.editions:
        _rules.check_edition(product, edition)
    _rules.check_edition(product, "250m")
    for other in _rules.EDITIONS - set(product.editions):
        with pytest.raises(InputError, match=f"{key} is made on .*, not on {other}"):
            _rules.check_edition(product, other)


def test_own_algorithms_choose_their_grid(own):
    for edition in _rules.EDITIONS:
        _rules.check_edition(own.GLOW, edition)


def test_a_series_and_an_instant_are_no_mean():
    with pytest.raises(InputError, match=r"ml\.retrieve\('mine', ml\.open_product"):
        _rules.check_support(spec(support="series"))
    _rules.check_support(spec())
    with pytest.raises(InputError, match="instant of a look"):
        _rules.check_instant(PRODUCTS["lst"])
    _rules.check_instant(PRODUCTS["lai"])


def test_the_edge_of_a_cell_is_that_along_a_meridian():
    assert _rules.cell_metres(FINE.grid) == 30.0
    assert _rules.cell_metres(KILOMETRE.grid) == pytest.approx(0.01 * METRES_PER_DEGREE)
    # A quarter of a meridian of the ellipsoid is 10,002 km: 111.1 km a degree.
    assert pytest.approx(10_001_966 / 90, rel=0.003) == METRES_PER_DEGREE


@pytest.mark.parametrize("sensor", list(SENSORS))
@pytest.mark.parametrize("tile", [FINE, KILOMETRE], ids=["30m", "1km"])
def test_a_sensor_serves_cells_that_are_not_much_finer_than_its_pixels(sensor, tile):
    size, cell = SENSORS[sensor].resolution, _rules.cell_metres(tile.grid)
    reason = _rules.too_coarse(sensor, tile.grid)
    assert bool(reason) == (size / cell > COARSEST)
    if reason:
        assert f"{size:,.0f} m" in reason


def test_what_is_made_of_reflectance_and_what_a_source_makes():
    assert _rules.takes_reflectance(spec("mine", "ndvi", "reflectance_red"))
    assert not _rules.takes_reflectance(spec("mine", "ndvi"))
    source = Product("mine", "Mine", (Variable("mine", "mine", "1"),), (Input("ndvi", source="product:lsr"),))
    own = PRODUCTS["lsr"].variables[0].name
    assert _rules.makes(source, own)
    assert not _rules.makes(source, "no_such_layer")


# ---- years -----------------------------------------------------------------------------------------------------------
EVERY = [p.middle.timetuple().tm_yday for p in pentads(2019)]


@pytest.mark.parametrize("key", ["land_cover", "phenology", "other"])
def test_as_many_periods_as_a_series_needs_and_no_fewer(key):
    fewest = _rules.FEWEST.get(key, 8)
    days = list(np.linspace(10, 355, fewest).round().astype(int))
    assert _rules.too_few(key, days, 2019) == ""
    reason = _rules.too_few(key, days[:-1], 2019)
    assert f"{fewest - 1} periods of 2019" in reason
    assert f"at least {fewest}" in reason
    assert "period='2019'" in reason


@pytest.mark.parametrize(("gap", "enough"), [(70, True), (75, True), (76, False), (120, False)])
def test_a_long_gap_in_the_year_is_told_with_its_length(gap, enough):
    days = [d for d in range(1, 366) if not 100 < d < 100 + gap]
    reason = _rules.too_few("land_cover", days, 2019)
    assert (reason == "") is enough
    assert enough or f"the longest gap {gap} days" in reason


@pytest.mark.parametrize(("first", "last", "enough"), [(37, 328, True), (38, 365, False), (1, 326, False)])
def test_the_ends_of_the_year_count_as_half_a_gap(first, last, enough):
    assert (_rules.too_few("other", list(range(first, last + 1)), 2019) == "") is enough


def test_no_periods_at_all():
    reason = _rules.too_few("land_cover", [], 2019)
    assert "0 periods of 2019" in reason
    assert "days" in reason
    assert _rules.too_few("land_cover", EVERY, 2019) == ""


def part(period, *, needs=(), reads=(), product="phenology"):
    return Task(f"{product}.{period.label}", "product", "retrieve", product, "1km", KILOMETRE, period, "x.h5",
                tuple(reads), tuple(needs))  # fmt: skip


def year(periods, **more):
    tasks = {}
    for each in periods:
        _yearly.add(tasks, part(each, needs=[f"vi.{each.label}"], **more), each, "year.h5")
    return tasks


def test_a_year_grows_with_its_periods_and_stays_one_task():
    periods = list(pentads(2019))
    (task,) = year(periods).values()
    assert (task.key, task.maker, task.target) == ("phenology.2019", "series", "year.h5")
    assert task.period == whole_period("2019")
    assert task.needs == tuple(f"vi.{p.label}" for p in periods)
    assert _yearly.dates(task) == [p.middle for p in periods]


def test_two_years_are_two_tasks():
    tasks = year([*pentads(2019), *pentads(2020)])
    assert list(tasks) == ["phenology.2019", "phenology.2020"]


def test_it_moves_behind_what_it_needs():
    tasks = {}
    for each in list(pentads(2019))[:3]:
        tasks[f"vi.{each.label}"] = part(each, product="vi")
        _yearly.add(tasks, part(each, needs=[f"vi.{each.label}"]), each, "year.h5")
    assert list(tasks)[-1] == "phenology.2019"


def test_what_was_there_is_not_added_twice():
    one = PERIOD
    (task,) = year([one, one]).values()
    assert task.needs == (f"vi.{one.label}",)


def test_dates_are_those_that_all_inputs_have():
    periods = list(pentads(2019))[:20]
    needs = [f"vi.{p.label}" for p in periods] + [f"lai.{p.label}" for p in periods[::2]]
    (task,) = _with(needs).values()
    assert _yearly.dates(task) == [p.middle for p in periods[::2]]


def _with(needs, reads=()):
    tasks = {}
    _yearly.add(tasks, part(PERIOD, needs=needs, reads=reads), PERIOD, "year.h5")
    return tasks


def test_files_in_stock_are_dates_too_and_must_be_of_the_year():
    read = Read("ndvi", "MuSyQ.VI.1km.here.2019186.v1.h5", "/x")
    (task,) = _with([], [read]).values()
    assert _yearly.dates(task) == [pentad(datetime(2019, 7, 5)).middle]
    (task,) = _with([], [Read("ndvi", "MuSyQ.VI.1km.here.2018186.v1.h5", "/x")]).values()
    with pytest.raises(InputError, match=r"2018186.* is not of 2019"):
        _yearly.dates(task)


@pytest.mark.parametrize("name", ["MuSyQ.VI.1km.here.climatology.v1.h5", "other.h5"])
def test_a_file_without_a_date_is_no_part_of_a_series(name):
    with pytest.raises(InputError, match="names no date"):
        _yearly.moment(name)


def test_the_moment_of_a_file_is_the_middle_of_its_time():
    assert _yearly.moment("MuSyQ.VI.1km.here.2019-07.v1.h5") == datetime(2019, 7, 16, 12)
    assert _yearly.moment("MuSyQ.VI.1km.here.2019186-03.v1.h5") == datetime(2019, 7, 5, 4, 30)


def test_only_years_that_are_too_thin_are_told():
    thin, full = year(list(pentads(2018))[:4]), year(pentads(2019))
    assert list(_yearly.too_few([*thin.values(), *full.values()])) == ["phenology.2018"]


def test_what_is_reached_is_all_that_is_needed_and_nothing_else():
    chain = {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "e": ("a",), "f": ()}
    tasks = {key: SimpleNamespace(needs=needs) for key, needs in chain.items()}
    assert _yearly.reached(["a"], tasks) == {"a", "b", "c", "d"}
    assert _yearly.reached(["f", "gone"], tasks) == {"f"}
    assert _yearly.reached([], tasks) == set()


def test_the_year_of_a_period_is_that_in_which_it_begins():
    last = list(pentads(2020))[-1]
    assert last.end - last.start == timedelta(days=6)
    assert _yearly.year_of(last).label == "2020"
