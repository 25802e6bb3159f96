"""Which files of a stock serve an input, and which of several."""

from datetime import datetime, timedelta

import pytest
from production.chain.stocks import AIR, FULL, GROUND, PERIOD, layer

from musyq_lab.catalog.stock import Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Period, daily
from musyq_lab.production.chain.supply import OBSERVED, layers_for


def labels(found):
    return [file.name.period for file in found]


def test_the_layer_itself_is_taken_where_it_is():
    assert OBSERVED.in_stock("land_cover", FULL, PERIOD) == ("land_cover",)


def test_what_an_input_follows_from_is_taken_where_it_is_not():
    stock = Stock(layers=(layer("air", "2019186", ["air_temperature", "vapour_pressure"]),))
    assert set(OBSERVED.in_stock("vapour_pressure_deficit", stock, PERIOD)) == {"air_temperature", "vapour_pressure"}
    assert OBSERVED.in_stock("downward_par", stock, PERIOD) == ()


def test_light_follows_from_shortwave_radiation():
    stock = Stock(layers=(layer("sky", "2019186", ["downward_shortwave"]),))
    assert OBSERVED.in_stock("downward_par", stock, PERIOD) == ("downward_shortwave",)


def test_layers_of_other_times_do_not_count():
    stock = Stock(layers=(layer("air", "2019001", ["air_temperature"]),))
    assert OBSERVED.in_stock("air_temperature", stock, PERIOD) == ()


def test_maps_of_all_times_and_the_period_itself_are_read():
    found = layers_for(FULL, ["land_cover", "air_temperature", "aod"], PERIOD)
    assert {file: sorted(names) for file, names in found.items()} == {
        GROUND: ["land_cover"],
        AIR[1]: ["air_temperature", "aod"],
    }


def test_days_serve_where_there_is_no_mean_of_the_period():
    days = [daily(PERIOD.start + timedelta(days=n)) for n in range(-1, 6)]
    hours = tuple(layer("air", f"{day.start:%Y%j}-03", ["aod"]) for day in days)
    found = layers_for(Stock(layers=hours), ["aod"], PERIOD)
    assert labels(found) == [f"2019{n}-03" for n in range(186, 191)]


def test_the_mean_of_the_period_is_taken_before_three_hours_even_of_another_product():
    hours = tuple(layer("air_3h", f"2019186-{hour:02d}", ["aod"]) for hour in range(0, 24, 3))
    found = layers_for(Stock(layers=(*hours, AIR[1])), ["aod"], PERIOD)
    assert list(found) == [AIR[1]]


def test_two_products_with_one_layer_for_the_same_time_are_named():
    stock = Stock(layers=(AIR[1], layer("era", "2019186", ["aod"])))
    with pytest.raises(InputError, match=r"air, era\. Leave one out"):
        layers_for(stock, ["aod"], PERIOD)


def test_of_two_versions_the_newer_is_read():
    files = [layer("air", "2019186", ["aod"], version=v) for v in ("v2", "v10", "v9")]
    assert [f.name.version for f in layers_for(Stock(layers=tuple(files)), ["aod"], PERIOD)] == ["v10"]


def test_products_have_other_names_as_inputs():
    assert OBSERVED.maker("downward_par") == "par"
    assert OBSERVED.maker("surface_temperature") == "lst"
    assert OBSERVED.maker("land_cover") == ""


def test_a_file_covers_a_period_that_it_touches():
    file = layer("air", "2019186", ["aod"])
    assert file.covers(PERIOD)
    assert not file.covers(Period(PERIOD.end, PERIOD.end + timedelta(days=5), "after"))
    assert file.covers(Period(datetime(2019, 7, 9, 23), datetime(2019, 7, 10), "last hour"))
