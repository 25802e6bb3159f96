"""Plans of every product, from stocks that exist on paper: what is drawn, from what, and what is refused."""

import pytest
from production.chain.stocks import AIR, FINE, FULL, GROUND, KILOMETRE, LOOKS, PERIOD, layer, shot, year_of_indices

from musyq_lab.catalog.stock import Stock
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import pentad, pentads
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.production.chain.drawing import BETWEEN, Drawing
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._resolve import ordered
from musyq_lab.products._retrieval import algorithm


def drawn(*keys, stock=FULL, tile=KILOMETRE, edition="1km", periods=(PERIOD,), method=None, **options):
    """Return a drawing of some periods, finished."""
    drawing = Drawing(tuple(ordered(keys)), tile, edition, stock, method or {}, options)
    for period in periods:
        drawing.draw(period)
    drawing.left_out = drawing.finish()
    return drawing


def sensors(drawing):
    return {task.option("sensor") for task in drawing.tasks.values() if task.kind == "scene"}


def reads(drawing, key):
    return {name for read in drawing.tasks[key].reads for name in read.role.split()}


MADE = (
    "albedo",
    "brdf",
    "dlr",
    "emissivity",
    "evapotranspiration",
    "fpar",
    "fvc",
    "gpp",
    "lai",
    "lsr",
    "npp",
    "vi",
)
REFUSED = {
    "aod": "single looks",
    "biomass": "canopy_height .* lidar or radar",
    "dsr": "step='3h' or step='1d'",
    "lst": "instant of a look",
    "net_radiation": "surface_temperature, a mean of all hours",
    "par": 'method="fraction"',
    "roughness": "canopy_height",
    "ulr": "lst holds for the instant of a look",
    "water_vapour": "single looks",
}
YEARLY = ("land_cover", "phenology")


def test_every_product_of_the_programme_is_spoken_of_here():
    assert {*MADE, *REFUSED, *YEARLY} == set(PRODUCTS)


@pytest.mark.parametrize("key", MADE)
def test_a_product_is_drawn_with_all_it_needs_before_it(key):
    tasks = list(drawn(key).tasks.values())
    assert tasks[-1].product == key
    seen = set()
    for task in tasks:
        assert set(task.needs) <= seen  # an order in which every file comes after those it needs
        seen.add(task.key)
    assert [t.product for t in tasks if not t.target.startswith(BETWEEN)] == [key]


@pytest.mark.parametrize("key", REFUSED)
def test_a_product_that_cannot_be_made_is_refused_in_a_sentence(key):
    with pytest.raises(InputError, match=REFUSED[key]):
        drawn(key)


@pytest.mark.parametrize("key", YEARLY)
def test_a_month_is_no_year(key):
    drawing = drawn(key, periods=(PERIOD, pentad(PERIOD.end)))
    assert drawing.tasks == {}
    ((name, reason),) = drawing.left_out
    assert name == f"{key}.2019"
    assert "2 periods of 2019" in reason
    assert "period='2019'" in reason


def test_a_plan_that_failed_leaves_nothing_behind():
    drawing = Drawing(("lai", "aod"), KILOMETRE, "1km", FULL, {}, {})
    with pytest.raises(InputError):
        drawing.draw(PERIOD)
    assert drawing.tasks == {}


def test_a_product_asked_for_is_taken_before_the_stock():
    stock = Stock(LOOKS, (GROUND, *AIR, layer("other", "2019186", ["fpar"])))
    alone, both = drawn("gpp", stock=stock), drawn("gpp", "fpar", stock=stock)
    assert "fpar" in reads(alone, "gpp.2019186")
    assert "fpar.2019186" not in alone.tasks
    assert "fpar.2019186" in both.tasks["gpp.2019186"].needs


def test_files_nobody_asked_for_go_to_a_folder_of_their_own():
    tasks = drawn("gpp").tasks
    assert tasks["gpp.2019186"].target == "MuSyQ.GPP.1km.here.2019186.v1.h5"
    assert tasks["fpar.2019186"].target.startswith(f"{BETWEEN}/")
    assert tasks["lsr.2019186"].target.startswith(f"{BETWEEN}/")


def test_reflectance_asked_for_is_the_composite():
    tasks = drawn("lsr", "lai").tasks
    assert tasks["lsr.2019186"].maker == "composite"
    assert not tasks["lsr.2019186"].target.startswith(BETWEEN)
    assert tasks["lai.2019186"].needs == ("lsr.2019186",)


def test_a_composite_takes_looks_from_five_days_around_its_period():
    days = {task.period.start.day for task in drawn("lsr").tasks.values() if task.kind == "scene"}
    assert days == {30, *range(1, 12)}  # of June; the period is 5 to 9 July
    late = Stock((shot("modis", 5), shot("modis", 15)), ())
    assert [t.period.start.day for t in drawn("lsr", stock=late).tasks.values() if t.kind == "scene"] == [5]


def test_a_period_without_a_look_of_its_own_is_not_made_of_its_neighbours():
    with pytest.raises(InputError, match="no granule whose reflectance"):
        drawn("lai", stock=Stock((shot("modis", 3),), (GROUND, *AIR)))


def test_scenes_are_shared_between_periods():
    drawing = drawn("vi", periods=(PERIOD, pentad(PERIOD.end)))
    scenes = [task for task in drawing.tasks.values() if task.kind == "scene"]
    assert len(scenes) == len(LOOKS)


class TestFine:
    """Thirty metres."""

    SEVEN = ("lsr", "vi", "fvc", "lai", "fpar", "gpp", "npp")

    def test_only_sensors_that_see_such_cells_are_taken_and_the_others_named(self):
        drawing = drawn(*self.SEVEN, tile=FINE, edition="30m")
        assert sensors(drawing) == {"landsat_oli", "sentinel2_msi", "gf1_wfv"}
        assert dict(drawing.left_out).keys() == {"modis", "fy3d_mersi2"}
        assert "1,000 m are too coarse for cells of 30 m" in dict(drawing.left_out)["modis"]

    def test_at_one_kilometre_all_sensors_are_taken(self):
        assert sensors(drawn("lai")) == {"modis", "fy3d_mersi2", "landsat_oli", "sentinel2_msi", "gf1_wfv"}

    def test_coarse_granules_alone_make_nothing(self):
        with pytest.raises(InputError, match="no granule"):
            drawn("lai", stock=Stock((shot("modis", 5),), (GROUND, *AIR)), tile=FINE, edition="30m")

    @pytest.mark.parametrize("key", ["albedo", "brdf", "lst", "evapotranspiration", "dlr"])
    def test_products_that_are_not_made_so_fine_say_where_they_are_made(self, key):
        with pytest.raises(InputError, match=rf"{key} is made on .*1km.*, not on 30m"):
            drawn(key, tile=FINE, edition="30m")

    def test_an_edition_of_the_users_own_is_not_refused(self):
        assert drawn("evapotranspiration", edition="250m").tasks


class TestMeans:
    """What stands for the whole period, and what only for the looks."""

    def test_a_mean_of_all_hours_in_stock_serves(self):
        stock = Stock(LOOKS, (GROUND, *AIR, layer("era", "2019186", ["surface_temperature"])))
        drawing = drawn("ulr", stock=stock)
        assert "surface_temperature" in reads(drawing, "ulr.2019186")
        assert not any(task.product == "lst" for task in drawing.tasks.values())

    def test_the_sun_of_a_composite_is_not_that_of_light(self):
        drawing = drawn("par", method={"par": "fraction"})
        assert [task.product for task in drawing.tasks.values()] == ["par"]
        assert drawing.tasks["par.2019186"].needs == ()

    def test_kernels_are_made_of_looks_and_albedo_of_kernels_with_their_sun(self):
        tasks = drawn("albedo").tasks
        assert tasks["brdf.2019186"].maker == "looks"
        assert len(tasks["brdf.2019186"].needs) == len(LOOKS)
        assert tasks["albedo.2019186"].needs == ("brdf.2019186",)
        assert "lsr.2019186" not in tasks


class TestYears:
    """Land cover and phenology."""

    def test_a_year_in_stock_makes_one_file(self):
        drawing = drawn("land_cover", stock=year_of_indices(), periods=list(pentads(2019)))
        (task,) = drawing.tasks.values()
        assert (task.key, task.maker, task.period.label) == ("land_cover.2019", "series", "2019")
        assert task.target == "MuSyQ.LAND_COVER.1km.here.2019.v1.h5"
        assert len(task.reads) == 73
        assert {read.role for read in task.reads} == {"ndvi"}

    def test_the_task_of_a_year_comes_after_all_it_needs(self):
        stock = Stock(tuple(shot("modis", day) for day in range(12)), (GROUND,))
        drawing = Drawing(("vi", "land_cover"), KILOMETRE, "1km", stock, {}, {})
        for period in (PERIOD, pentad(PERIOD.end)):
            drawing.draw(period)
        assert list(drawing.tasks)[-1] == "land_cover.2019"
        assert drawing.tasks["land_cover.2019"].needs == ("vi.2019186", "vi.2019191")

    def test_two_years_make_two_files(self):
        stock = Stock(layers=year_of_indices(2019).layers + year_of_indices(2020).layers)
        periods = [*pentads(2019), *pentads(2020)]
        assert list(drawn("land_cover", stock=stock, periods=periods).tasks) == ["land_cover.2019", "land_cover.2020"]

    @pytest.mark.parametrize(("every", "number"), [(15, 5), (9, 9), (2, 37)])
    def test_so_few_dates_make_no_land_cover(self, every, number):
        stock = year_of_indices(every=every)
        periods = [p for p in pentads(2019) if any(f.covers(p) for f in stock.layers)]
        assert len(periods) == number
        assert bool(drawn("land_cover", stock=stock, periods=periods).tasks) == (number >= 8)

    def test_a_gap_of_months_makes_none(self):
        stock = year_of_indices()
        periods = [p for p in pentads(2019) if not 3 <= p.start.month <= 6]
        drawing = drawn("land_cover", stock=stock, periods=periods)
        assert drawing.tasks == {}
        assert "longest gap" in drawing.left_out[0][1]

    def test_what_only_a_year_needed_goes_with_it(self):
        drawing = drawn("land_cover", "lai")
        assert "vi.2019186" not in drawing.tasks
        assert "lai.2019186" in drawing.tasks
        assert "land_cover.2019" in dict(drawing.left_out)


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(PRODUCTS, "_added", {})
    monkeypatch.setattr(RETRIEVALS, "_added", {})


def own(key, *inputs, **more):
    """Register an algorithm of a user's own."""
    spec = Product(key, "Own", (Variable(key, "own", "1"),), tuple(Input(name) for name in inputs), **more)
    algorithm(spec)(lambda **given: next(iter(given.values())))
    return spec


@pytest.mark.usefixtures("session")
class TestOwn:
    """A user's own algorithms."""

    def test_from_stock_alone(self):
        own("mine", "air_temperature")
        assert [t.product for t in drawn("mine").tasks.values()] == ["mine"]

    def test_from_reflectance_with_its_sun(self):
        own("mine", "reflectance_red", "sun_zenith")
        assert drawn("mine").tasks["mine.2019186"].needs == ("lsr.2019186",)

    def test_on_any_edition(self):
        own("mine", "air_temperature")
        assert drawn("mine", tile=FINE, edition="30m").tasks

    def test_series_in_and_out_are_refused(self):
        own("mine", "air_temperature", support="series")
        with pytest.raises(InputError, match="one period a file"):
            drawn("mine")

    def test_of_looks(self):
        own("mine", "reflectance_red", "view_zenith", support="period")
        assert len(drawn("mine").tasks["mine.2019186"].needs) == len(LOOKS)

    def test_of_looks_with_what_no_look_has(self):
        own("mine", "reflectance_red", "air_temperature", support="period")
        with pytest.raises(InputError, match="have no air_temperature"):
            drawn("mine")


def test_methods_change_what_is_needed():
    assert "vapour_pressure_deficit" in reads(drawn("gpp"), "gpp.2019186")
    with pytest.raises(InputError, match="soil_moisture"):
        drawn("gpp", method={"gpp": "mod17_soil"})
    with pytest.raises(NotFoundError, match="has no method 'mod18'"):
        drawn("gpp", method={"gpp": "mod18"})


def test_options_go_to_the_products_that_take_them():
    options = RETRIEVALS["npp"].options
    name, value = next(iter(options.items()))
    drawing = drawn("npp", **{name: value})
    for task in drawing.tasks.values():
        if task.maker == "retrieve":
            assert (task.option(name, "absent") != "absent") == (
                name in RETRIEVALS[task.product].options and value is not None
            )
