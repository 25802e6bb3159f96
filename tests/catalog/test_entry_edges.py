"""An entry by itself: what it shows, searches, adds to a Dataset and refuses."""

import numpy as np
import pytest
import xarray as xr

from musyq_lab.catalog._spec import EntrySpec, ParameterSpec
from musyq_lab.catalog.entry import Entry, _driver, _join, _texts
from musyq_lab.core.errors import CatalogError, InputError

YEAR = ParameterSpec("year", "int", 2014, "which <year>", (2014, 2015))
LEVEL = ParameterSpec("level", "float", 1.5, "height")


def make(folder="/", *, name="rain", args=None, parameters=(), description="", **metadata) -> Entry:
    spec = EntrySpec(name, "musyq_raster", args or {"urlpath": "x.nc"}, str(folder), description, parameters, metadata)
    return Entry(spec)


@pytest.fixture
def stored(tmp_path):
    """A file with a map, a profile and attributes of its own."""
    cube = xr.Dataset(
        {
            "profile": ("month", [1.0, 2.0]),
            "rain": (("month", "latitude", "longitude"), np.arange(8.0).reshape(2, 2, 2), {"units": "mm"}),
        },
        coords={"month": [1, 2], "latitude": [1.0, 0.0], "longitude": [0.0, 1.0]},
        attrs={"title": "Title of the file"},
    )
    cube.to_netcdf(tmp_path / "rain.nc", engine="h5netcdf")
    return tmp_path


def opened(stored, **metadata) -> Entry:
    return make(stored, args={"urlpath": "{{ CATALOG_DIR }}/rain.nc"}, **metadata)


def test_a_call_makes_another_entry_and_keeps_earlier_choices():
    first = make(parameters=(YEAR, LEVEL))
    second = first(year=2015)
    third = second(level=2.0)
    assert first.values == {}
    assert second.values == {"year": 2015}
    assert third.values == {"year": 2015, "level": 2.0}
    assert third(year=2014).values == {"year": 2014, "level": 2.0}
    assert third.spec is first.spec


@pytest.mark.parametrize("values", [{"year": 2016}, {"year": "2015"}, {"year": True}, {"yeer": 2015}])
def test_a_wrong_choice_is_refused_before_any_file_is_looked_for(values):
    with pytest.raises(CatalogError):
        make("/nowhere", parameters=(YEAR,))(**values)
    with pytest.raises(CatalogError):
        Entry(make(parameters=(YEAR,)).spec, values)


def test_the_title_is_the_best_name_there_is():
    assert make(title="Rain", description="words").title == "Rain"
    assert make(description="words").title == "words"
    assert make(title="", description="").title == "rain"


def test_metadata_is_a_copy():
    entry = make(title="Rain")
    entry.metadata["title"] = "other"
    assert entry.title == "Rain"


def test_describe_tells_everything_but_the_folder_on_this_machine():
    told = make("/home/somebody", parameters=(YEAR,), title="Rain").describe()
    assert set(told) == {"name", "driver", "args", "description", "parameters", "metadata"}
    assert "somebody" not in repr(told)
    assert told["parameters"][0]["allowed"] == (2014, 2015)


def test_words_are_lower_case_and_reach_into_nested_metadata():
    entry = make(title="RAIN\nof  Summer", keywords=["Wet_Season", {"deep": ["Monsoon", 7]}], doi=None, year=2014)
    words = entry.words()
    assert words == words.lower()
    assert "rain of summer" in words
    assert "wet season" in words
    assert "monsoon 7" in words
    assert "2014" in words
    assert "none" not in words


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (None, []),
        ("a", ["a"]),
        (0, ["0"]),
        (["a", None, ["b"]], ["a", "b"]),
        ({"k": "v", "l": {"m": 2.5}}, ["v", "2.5"]),
        ([], []),
    ],
)
def test_texts_are_all_values_and_no_keys(value, texts):
    assert list(_texts(value)) == texts


def test_join_shows_lists_and_tuples_without_brackets():
    assert _join([1, "b"]) == _join((1, "b")) == "1, b"
    assert _join("abc") == "abc"
    assert _join([]) == ""


def test_the_command_shown_opens_the_entry_as_it_is_chosen(stored):
    plain = opened(stored)
    assert repr(plain) == '<rain: rain; open with cat["rain"].read()>'
    chosen = make(parameters=(YEAR, LEVEL))(year=2015)
    command = chosen._command()
    assert command == 'cat["rain"](year=2015, level=1.5).read()'
    seen = []
    fake = {"rain": lambda **values: seen.append(values) or plain}
    assert "rain" in eval(command, {"cat": fake})
    assert seen == [{"year": 2015, "level": 1.5}]


def test_the_table_shows_what_there_is_and_escapes_it():
    entry = make(parameters=(YEAR,), title="<b>Rain</b>", licence="CC0", keywords=["a", "b"], doi="")
    page = entry(year=2015)._repr_html_()
    assert "<b>Rain" not in page
    assert "&lt;b&gt;Rain" in page
    assert "which &lt;year&gt;" in page
    assert "a, b" in page
    assert "allowed: 2014, 2015" in page
    assert ">doi<" not in page
    rows = dict(entry(year=2015)._rows())
    assert rows["parameter year"].startswith("2015 — ")
    assert dict(entry._rows())["parameter year"].startswith("2014 — ")


def test_what_the_file_says_wins_over_the_catalog(stored):
    data = opened(stored, title="Title of the catalog", licence="CC0", citation="Someone", keywords=["k"]).read()
    assert data.attrs["title"] == "Title of the file"
    assert data.attrs["licence"] == "CC0"
    assert data.attrs["citation"] == "Someone"
    assert "keywords" not in data.attrs


def test_both_ways_to_open_give_the_same_values(stored):
    entry = opened(stored)
    read, lazy = entry.read(), entry.to_dask()
    assert read["rain"].chunks is None
    assert lazy["rain"].chunks is not None
    xr.testing.assert_identical(read.load(), lazy.compute())


def test_plot_takes_the_first_map_and_the_first_step(stored, monkeypatch):
    drawn = []
    monkeypatch.setattr(xr.DataArray, "plot", property(lambda self: lambda **options: drawn.append((self, options))))
    opened(stored).plot(cmap="viridis")
    ((layer, options),) = drawn
    assert layer.name == "rain"
    assert options == {"cmap": "viridis"}
    np.testing.assert_array_equal(layer.values, [[0, 1], [2, 3]])


@pytest.mark.parametrize("variable", ["profile", "snow", "latitude"])
def test_what_is_no_map_is_not_plotted(stored, variable):
    with pytest.raises(InputError, match=f"no map '{variable}'. It has: rain"):
        opened(stored).plot(variable)


def test_a_data_set_without_any_map_says_so(tmp_path):
    xr.Dataset({"a": ("t", [1.0])}).to_netcdf(tmp_path / "rain.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="It has: none"):
        opened(tmp_path).plot()


def test_a_missing_file_is_told_when_it_is_read_not_before(tmp_path):
    entry = opened(tmp_path)
    assert entry.title == "rain"
    with pytest.raises(InputError, match=r"rain.nc does not exist"):
        entry.read()


def test_parameters_reach_the_path(stored):
    (stored / "rain.nc").rename(stored / "rain_2015.nc")
    entry = make(stored, args={"urlpath": "{{ CATALOG_DIR }}/rain_{{ year }}.nc"}, parameters=(YEAR,))
    assert entry(year=2015).read().sizes["month"] == 2
    with pytest.raises(InputError, match=r"rain_2014.nc does not exist"):
        entry.read()


def test_neither_environment_nor_shell_is_read(stored, monkeypatch):
    monkeypatch.setenv("MUSYQ_SECRET", str(stored))
    entry = make(stored, args={"urlpath": "{{ env(MUSYQ_SECRET) }}/rain.nc"})
    with pytest.raises(Exception) as told:
        entry.read()
    assert str(stored) not in str(told.value)


def test_drivers_of_ours_are_classes_and_others_are_names():
    from musyq_lab.catalog.drivers import ProductSource, RasterSource, TableSource

    assert _driver("musyq_product") is ProductSource
    assert _driver("musyq_raster") is RasterSource
    assert _driver("musyq_table") is TableSource
    assert _driver("netcdf") == "netcdf"
    with pytest.raises(KeyError):
        _driver("musyq_other")
