"""Alternative texts tell the numbers drawn: checked against loops over the same numbers."""

import re

import numpy as np
import pandas as pd
import pytest
import shapely
from figures.fields import make_field

from musyq_lab.core.errors import InputError
from musyq_lab.figures.describe import describe_bars, describe_map, describe_seasonal_cycle
from musyq_lab.figures.regions import MapRegion, country
from musyq_lab.figures.tables import sensible
from musyq_lab.figures.words import MONTHS, say

BAR = {"value": "twh", "low": "low", "high": "high", "label": "name", "units": "TWh a-1", "title": "potential"}
WINDOW = MapRegion("box", {"en": "Window"}, shapely.box(20, 0, 40, 20))


def constant(value):
    return make_field(value=lambda lat, lon: np.full(lat.shape, float(value)))


def peak(latitude, longitude, value=2500.0, ground=1000.0):
    """Return a level field with one high cell."""
    field = constant(ground)
    field.loc[{"latitude": latitude, "longitude": longitude}] = value
    return field


class TestMap:
    def test_every_number_of_a_known_field(self, table):
        text = describe_map(peak(23.5, 5.5), classes=table, title="radiation")
        assert text == (
            "Map of radiation. Values from 1,000 to 2,500 kWh m⁻² a⁻¹, area mean 1,000. "
            "Highest in Algeria (23.5°\u00a0N, 5.5°\u00a0E), 2,500. "
            f"100 % of the area lies in the class {table.labels()[int(table.classify(1000.0))]} kWh m⁻² a⁻¹."
        )

    @pytest.mark.parametrize(
        ("latitude", "longitude", "words"),
        [
            (-25.5, 133.5, "in Australia (25.5°\u00a0S, 133.5°\u00a0E)"),
            (-10.5, -55.5, "in Brazil (10.5°\u00a0S, 55.5°\u00a0W)"),
            (0.5, -150.5, "at 0.5°\u00a0N, 150.5°\u00a0W"),
        ],
    )
    def test_where_the_highest_value_lies(self, table, latitude, longitude, words):
        assert f"Highest {words}, 2,500." in describe_map(peak(latitude, longitude), classes=table, title="t")

    def test_the_first_of_equals_is_named(self, table):
        field = peak(50.5, 10.5)
        field.loc[{"latitude": -25.5, "longitude": 133.5}] = 2500.0
        assert "50.5°\u00a0N, 10.5°\u00a0E" in describe_map(field, classes=table, title="t")

    def test_only_the_region_counts(self, table):
        text = describe_map(peak(50.5, 100.5), classes=table, title="t", region=WINDOW)
        assert "from 1,000 to 1,000" in text
        inside = describe_map(peak(10.5, 30.5), classes=table, title="t", region=WINDOW)
        assert "10.5°\u00a0N, 30.5°\u00a0E" in inside

    def test_the_mean_is_weighted_by_area(self, table):
        # Archimedes: half of a sphere lies within 30 degrees of its equator, a third of the rows.
        field = make_field(2, value=lambda lat, lon: np.where(np.abs(lat) < 30, 2000.0, 1000.0))
        text = describe_map(field, classes=table, title="t")
        assert "area mean 1,500" in text
        plain = float(field.mean())
        assert sensible(plain) != "1,500"

    def test_the_largest_class_by_area_and_not_by_cells(self, table):
        # Archimedes: 61 % of the rows lie beyond 35 degrees, but only 43 % of the area.
        field = make_field(value=lambda lat, lon: np.where(np.abs(lat) < 35, 2000.0, 1000.0))
        text = describe_map(field, classes=table, title="t")
        share = 100 * np.sin(np.radians(35))
        label = table.labels()[int(table.classify(2000.0))]
        assert float((field == 1000.0).mean()) > 0.6
        assert re.search(rf"{share:.0f} % of the area lies in the class {re.escape(label)}", text)

    def test_missing_cells_do_not_count(self, table):
        field = constant(1000.0)
        field[:, :180] = np.nan
        assert "100 % of the area" in describe_map(field, classes=table, title="t")

    @pytest.mark.parametrize("code", ["en", "zh"])
    def test_nothing_at_all_is_told(self, table, code):
        text = describe_map(constant(np.nan), classes=table, title="t", language=code)
        assert text == say("alt_empty", code, title="t")

    def test_units_of_the_field_are_converted(self, table):
        field = peak(23.5, 5.5)
        joules = (field * 3.6).assign_attrs(units="MJ m-2 a-1")
        assert describe_map(joules, classes=table, title="t") == describe_map(field, classes=table, title="t")

    def test_chinese_has_the_same_numbers(self, table):
        english, chinese = (describe_map(peak(23.5, 5.5), classes=table, title="t", language=c) for c in ("en", "zh"))
        numbers = re.compile(r"\d[\d,.]*\d|\d")
        assert sorted(numbers.findall(english)) == sorted(numbers.findall(chinese))
        assert "北纬23.5°" in chinese
        assert "阿尔及利亚" in chinese

    def test_a_country_of_its_own(self, table):
        region = country("EGY")
        text = describe_map(peak(26.5, 30.5), classes=table, title="t", region=region)
        assert "in Egypt (26.5°\u00a0N, 30.5°\u00a0E)" in text

    def test_a_field_of_months_and_an_unknown_language_are_refused(self, table):
        with pytest.raises(InputError, match="latitude and longitude"):
            describe_map(constant(1.0).expand_dims(month=[1]), classes=table, title="t")
        with pytest.raises(InputError, match="'fr'"):
            describe_map(constant(1.0), classes=table, title="t", language="fr")


class TestBars:
    def test_first_last_and_count(self, countries_table):
        text = describe_bars(countries_table, **BAR)
        assert "First is Country A with" in text
        assert "the 20 shown by name is Country T with" in text

    def test_numbers_are_those_of_the_table(self):
        data = pd.DataFrame({"name": ["B", "A"], "twh": [10.0, 250.0], "low": [8.0, 200.0], "high": [12.0, 300.0]})
        assert describe_bars(data, **BAR) == (
            "Ranked bars of potential. First is A with 250 TWh a⁻¹ (95 % interval 200 to 300); "
            "last of the 2 shown by name is B with 10.0."
        )

    @pytest.mark.parametrize("top", [1, 5, 29, 30, 31, 100])
    def test_the_rest_has_no_name(self, countries_table, top):
        text = describe_bars(countries_table, **BAR, top=top)
        count = min(top, 30)
        assert f"the {count} shown by name is {countries_table['name'][count - 1]} with" in text

    def test_order_of_the_table_does_not_matter(self, countries_table):
        shuffled = countries_table.sample(frac=1.0, random_state=7)
        assert describe_bars(shuffled, **BAR) == describe_bars(countries_table, **BAR)

    def test_rows_without_a_number_are_left_out(self, countries_table):
        data = countries_table.copy()
        data.loc[0, "twh"] = np.nan
        assert "First is Country B" in describe_bars(data, **BAR)

    def test_one_row_is_first_and_last(self, countries_table):
        text = describe_bars(countries_table.head(1), **BAR)
        assert "First is Country A" in text
        assert "last of the 1 shown by name is Country A" in text

    def test_chinese(self, countries_table):
        text = describe_bars(countries_table, **BAR, language="zh")
        assert text.startswith("排序条形图：potential。第一为Country A")

    def test_bad_tables_are_refused(self, countries_table):
        with pytest.raises(InputError, match="lacks the columns high"):
            describe_bars(countries_table.drop(columns="high"), **BAR)
        with pytest.raises(InputError, match="does not hold its value"):
            describe_bars(countries_table.assign(low=1e9), **BAR)
        with pytest.raises(InputError, match="at least 1"):
            describe_bars(countries_table, **BAR, top=0)
        with pytest.raises(InputError, match="nothing to rank"):
            describe_bars(countries_table.assign(twh=np.nan), **BAR)


class TestSeasons:
    def test_north_and_south_are_opposite(self, seasons):
        text = describe_seasonal_cycle(seasons, units="kWh m-2 d-1", title="radiation")
        assert text == (
            "Seasonal curves of radiation. "
            "Europe: highest in Jul with 240, lowest in Jan with 60.0 kWh m⁻² d⁻¹. "
            "Oceania: highest in Jan with 240, lowest in Jul with 60.0 kWh m⁻² d⁻¹."
        )

    @pytest.mark.parametrize("high", range(1, 13))
    @pytest.mark.parametrize("code", ["en", "zh"])
    def test_the_month_is_named_whatever_the_order_of_rows(self, seasons, high, code):
        data = seasons[seasons["region"] == "Europe"].copy()
        low = high % 12 + 1
        data["value"] = 100.0 + 50.0 * (data["month"] == high) - 50.0 * (data["month"] == low)
        text = describe_seasonal_cycle(data.iloc[::-1], units="1", title="t", language=code)
        peak_words = {"en": f"highest in {MONTHS['en'][high - 1]} with 150", "zh": f"最高在{high}月，150"}[code]
        low_words = {"en": f"lowest in {MONTHS['en'][low - 1]} with 50", "zh": f"最低在{low}月，50"}[code]
        assert peak_words in text
        assert low_words in text

    def test_months_without_a_number_are_passed_over(self, seasons):
        data = seasons.copy()
        data.loc[(data["region"] == "Europe") & (data["month"] == 7), "value"] = np.nan
        text = describe_seasonal_cycle(data, units="1", title="t")
        assert "Europe: highest in Jun" in text or "Europe: highest in Aug" in text

    def test_a_region_without_numbers_has_no_sentence(self, seasons):
        data = seasons.copy()
        data.loc[data["region"] == "Europe", "value"] = np.nan
        text = describe_seasonal_cycle(data, units="1", title="t")
        assert "Europe" not in text
        assert "Oceania" in text

    def test_an_incomplete_year_and_an_unknown_half_are_refused(self, seasons):
        with pytest.raises(InputError, match="months 1 to 12"):
            describe_seasonal_cycle(seasons.iloc[1:], units="1", title="t")
        with pytest.raises(InputError, match="hemisphere must be one of"):
            describe_seasonal_cycle(seasons.assign(hemisphere="east"), units="1", title="t")
