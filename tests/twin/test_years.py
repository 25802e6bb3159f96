"""Years of carbon: what a user gets, that it is realistic, and that it is the same whatever is asked for first."""

import pickle
from functools import cache

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.twin import years as module
from musyq_lab.twin._years_errors import ERRORS
from musyq_lab.twin.years import FLUXES, carbon_years, moments

YEARS = (2013, 2014, 2015)


@cache
def globe():
    """Real maps at 2 degrees, as the recipe has them."""
    return carbon_years("globe", YEARS, seed=0)


@cache
def truth():
    return globe().truth.compute()


@cache
def annual():
    return globe().annual.compute()


@cache
def area():
    return cell_area(truth()["latitude"], truth()["longitude"])


def total(field):
    """Sum over the Earth, Pg."""
    return (field * area()).sum(("latitude", "longitude")) / 1e15


def small(**changed):
    given = {"place": "heihe", "years": (2014,), "size": 2.4, "seed": 3} | changed
    return carbon_years(given.pop("place"), given.pop("years"), **given)


# ---- what a user gets ------------------------------------------------------------------------------------------------
def test_fields_have_names_units_and_errors():
    fields = globe().fields
    for name in ERRORS:
        for layer in (name, f"{name}_uncertainty"):
            assert fields[layer].dims == ("time", "latitude", "longitude")
            assert fields[layer].attrs["units"] == QUANTITIES[name].units
            assert fields[layer].dtype == np.float32
            assert fields[layer].chunks is not None
    assert fields["land_cover"].dims == ("latitude", "longitude")
    assert "cropland" in fields["land_cover"].attrs["flag_meanings"]
    assert fields.rio.crs.to_epsg() == 4326


def test_truth_has_the_same_cells_and_times():
    fields, true = globe().fields, globe().truth
    for name in ("time", "latitude", "longitude", "days"):
        xr.testing.assert_equal(fields[name], true[name])
    assert set(FLUXES) | set(ERRORS) <= set(true.data_vars)
    assert all(true[name].attrs["units"] == "g m-2 d-1" for name in FLUXES)


@pytest.mark.parametrize(("step", "count", "last"), [("month", 12, 31), ("8day", 46, 5), ("pentad", 73, 5)])
def test_steps_cover_a_year(step, count, last):
    found = list(moments(step, 2015))
    assert len(found) == count
    assert sum(moment.days for moment in found) == 365
    assert found[-1].days == last
    assert sum(moment.days for moment in moments(step, 2016)) == 366


def test_steps_become_times():
    made = small(step="8day")
    assert made.truth.sizes["time"] == 46
    assert str(made.truth["time"].values[1])[:10] == "2014-01-09"
    assert float(made.truth["days"].sum()) == 365


def test_retrievals_take_the_fields():
    """MOD17 on fields without errors and plants as in its table is near the truth; what is left is that days differ."""
    made = small(errors=0.0, plants=0.0)
    fields, true = made.fields.compute(), made.truth.compute()
    gpp = RETRIEVALS["gpp"](fields)["gpp"]
    here = np.isfinite(gpp) & (true["gpp"] > 0.5)
    ratio = (gpp / true["gpp"]).where(here)
    assert 1.05 < float(ratio.median()) < 1.2  # sunny days are dry: production of the mean weather is more
    assert float(xr.corr(gpp.where(here), true["gpp"].where(here))) > 0.98


def test_errors_of_the_fields_are_those_stated():
    fields, true = globe().fields.compute(), truth()
    for name in ERRORS:
        known = (true[name] > 0.02) & np.isfinite(fields[name])
        score = ((fields[name] - true[name]) / fields[f"{name}_uncertainty"]).where(known)
        # of one Earth: what all cells share is one number, so a mean of 1 is not rare
        assert abs(float(score.mean())) < 2.0, name
        assert 0.5 < float(score.std()) < 1.2, name
    assert 0.02 < float((fields["land_cover"] != true["land_cover"]).where(true["land_cover"] != 17).mean()) < 0.06


def test_no_errors_are_none():
    made = small(errors=0.0)
    fields, true = made.fields.compute(), made.truth.compute()
    for name in ERRORS:
        xr.testing.assert_equal(fields[name], true[name].clip(*ERRORS[name].limits))
        assert float(fields[f"{name}_uncertainty"].max()) == 0
    xr.testing.assert_equal(fields["land_cover"], true["land_cover"])


def test_balance_closes():
    true = truth()
    np.testing.assert_allclose(true["nep"], true["npp"] - true["heterotrophic_respiration"], atol=1e-5)
    sums, year = annual(), true.sel(time="2014")
    wanted = (year["gpp"].values * year["days"].values[:, np.newaxis, np.newaxis]).sum(axis=0)
    np.testing.assert_allclose(sums["gpp"].sel(year=2014), wanted, rtol=1e-5)
    assert sums["nep"].attrs["units"] == "g m-2 a-1"
    assert list(sums["year"].values) == list(YEARS)


def test_around_a_station():
    made = small()
    assert made.truth["lai"].dims == ("time", "y", "x")
    assert made.truth.rio.crs.is_projected
    assert made.world.grid.resolution == 120
    assert 300 < float(made.annual["gpp"].mean()) < 1500  # an oasis and the desert around it


def test_a_free_place_and_a_strip_work():
    assert small(place=(116.0, 40.0)).truth.sizes["time"] == 12
    assert carbon_years("belt_and_road", (2014,), resolution=1.0).truth.sizes["longitude"] == 120


# ---- realism: published numbers --------------------------------------------------------------------------------------
def test_carbon_of_the_earth():
    means = {name: float(total(annual()[name]).mean()) for name in FLUXES}
    # 123 +- 8 (Beer et al. 2010, doi 10.1126/science.1184984), 109 in MOD17 (Zhao et al. 2005), up to 150
    assert 100 < means["gpp"] < 150
    # about half of it (Waring et al. 1998: 0.47 +- 0.04); 54 in MOD17
    assert 0.42 < means["npp"] / means["gpp"] < 0.58
    assert -4 < means["nep"] < 6  # land sink of the 2010s about 3


def test_years_differ_as_years_do():
    sums = total(annual()["nep"]).values
    assert 0.2 < sums.std(ddof=1) < 5
    assert (total(annual()["gpp"]).std() / total(annual()["gpp"]).mean()) < 0.03


# Means of MOD17 collection 5.1, 2000 to 2006 (g m-2 a-1): footer of its biome table, class -> (GPP, NPP)
_FOOTER = {
    1: (877, 478), 2: (2703, 1175), 4: (1340, 623), 5: (1133, 605), 7: (309, 160),
    8: (1369, 673), 9: (1209, 595), 10: (393, 206), 12: (884, 486),
}  # fmt: skip


@pytest.mark.parametrize("number", list(_FOOTER))
def test_biomes_produce_about_what_mod17_has(number):
    """Within a factor of 1.8, of 2.5 for grass, whose mean hangs on where deserts begin."""
    weight = area().where(truth()["land_cover"] == number, 0)
    factor = 2.5 if number == 10 else 1.8
    for name, wanted in zip(("gpp", "npp"), _FOOTER[number], strict=True):
        found = float((annual()[name].mean("year") * weight).sum() / weight.sum())
        assert wanted / factor < found < wanted * factor, name


def test_biomes_are_in_the_order_of_mod17():
    means = {}
    for number in _FOOTER:
        weight = area().where(truth()["land_cover"] == number, 0)
        means[number] = float((annual()["gpp"].mean("year") * weight).sum() / weight.sum())
    rank = [np.argsort(np.argsort(list(values))) for values in (means.values(), [g for g, _ in _FOOTER.values()])]
    assert np.corrcoef(*rank)[0, 1] > 0.7
    assert max(means, key=means.get) == 2
    assert min(means, key=means.get) == 7


def test_seasons_of_the_hemispheres():
    monthly = truth()["gpp"].groupby("time.month").mean()
    north, south, tropics = (
        total(monthly.where((monthly["latitude"] > low) & (monthly["latitude"] < high)))
        for low, high in ((30, 90), (-90, -25), (-12, 12))
    )
    assert int(north["month"][north.argmax("month")]) in (6, 7, 8)
    assert float(north.min() / north.max()) < 0.15
    assert int(south["month"][south.argmax("month")]) in (11, 12, 1, 2)
    assert float(tropics.min() / tropics.max()) > 0.7


def test_northern_land_takes_up_carbon_in_summer():
    nep = truth()["nep"].where(truth()["latitude"] > 30).groupby("time.month").mean()
    monthly = total(nep)
    assert int(monthly["month"][monthly.argmax("month")]) in (5, 6, 7)
    assert float(monthly.sel(month=[12, 1, 2]).max()) < 0


def test_climate_of_land():
    true, land = truth(), truth()["land_cover"] != 17
    weight = area().where(land, 0)
    mean = {name: float((true[name].mean("time") * weight).sum() / weight.sum()) for name in ERRORS if name != "fpar"}
    assert 1.3e14 < float(weight.sum()) < 1.6e14  # 1.49e14 m2
    assert 279 < mean["air_temperature"] < 285  # 8.5 degC (Jones et al. 1999)
    assert 150 < mean["downward_shortwave"] < 205  # about 184 (Wild et al. 2015)
    assert 550 < 365.25 * mean["precipitation"] < 950  # 715 to 850 mm
    assert 0.8 < mean["lai"] < 2.0  # 1.5 (Zhu et al. 2013)


# ---- the same always -------------------------------------------------------------------------------------------------
def test_same_arguments_same_numbers_and_names():
    one, two = small(), small()
    assert one.fields["lai"].data.name == two.fields["lai"].data.name
    first = one.fields.compute()
    for cache_ in (module._TRUE, module._SEEN):
        cache_._slots.clear()
    module._shared_land.cache_clear()
    xr.testing.assert_identical(first, two.fields.compute())


def test_one_layer_alone_is_the_same():
    made = small(years=(2014, 2015))
    whole = made.fields.compute()
    for cache_ in (module._TRUE, module._SEEN):
        cache_._slots.clear()
    alone = made.fields["fpar"].isel(time=slice(12, 24)).compute()
    xr.testing.assert_identical(alone, whole["fpar"].isel(time=slice(12, 24)))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_schedulers_give_the_same(scheduler):
    with dask.config.set(scheduler=scheduler):
        made = small(seed=5).truth["npp"].compute()
    xr.testing.assert_identical(made, small(seed=5).truth["npp"].compute())


def test_years_do_not_depend_on_the_others():
    both, alone = small(years=(2014, 2015), greening=0.0), small(years=(2015,), greening=0.0)
    xr.testing.assert_identical(both.truth["gpp"].sel(time="2015").compute(), alone.truth["gpp"].compute())


def test_order_of_years_does_not_matter():
    assert small(years=(2015, 2014)).settings == small(years=(2014, 2015)).settings


def test_other_errors_over_the_same_earth():
    one, two = small(), small(error_seed=9)
    xr.testing.assert_identical(one.truth["gpp"].compute(), two.truth["gpp"].compute())
    assert float(np.abs(one.fields["lai"] - two.fields["lai"]).max()) > 0.01


def test_graphs_travel_to_other_processes():
    made = small()
    again = pickle.loads(pickle.dumps(made.truth["gpp"].data.dask))
    assert set(again) == set(made.truth["gpp"].data.dask)


def test_other_seed_other_earth():
    assert float(np.abs(small().truth["gpp"] - small(seed=4).truth["gpp"]).max()) > 0.01


def test_no_variability_gives_the_same_year():
    made = small(years=(2014, 2015), variability=0.0, greening=0.0).annual["gpp"]
    np.testing.assert_allclose(made.sel(year=2014), made.sel(year=2015), rtol=0.02)


def test_trend_is_lazy_free_and_small():
    trend = globe().trend
    assert float(total(trend["gpp"])) > 0
    # 0.5 % of leaves a year give less than 0.5 % of production
    assert float(total(trend["gpp"]) / total(annual()["gpp"]).mean()) < 0.01
    assert trend["lai"].attrs["units"] == "a-1"
    assert np.isnan(trend["lai"].where(truth()["land_cover"] == 17)).all()


def test_totals_from_seen_fields_are_near_the_truth():
    """With errors of 5 to 15 per cent that partly go together, the total is off by some per cent."""
    fields = globe().fields.sel(time="2014").compute()
    cover = fields["land_cover"]
    for given, used in ((11, 10), (13, 10), (14, 12)):
        cover = cover.where(cover != given, used)
    gpp = RETRIEVALS["gpp"](fields.assign(land_cover=cover.assign_attrs(fields["land_cover"].attrs)))["gpp"]
    found = float(total((gpp * fields["days"]).sum("time")))
    assert found / float(total(annual()["gpp"].sel(year=2014))) == pytest.approx(1, abs=0.25)


# ---- words -----------------------------------------------------------------------------------------------------------
def test_it_shows_itself():
    assert "globe, 2013 to 2015" in repr(globe())
    html = globe()._repr_html_()
    assert "15 %" in html
    assert "0.7 K" in html


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"years": ()}, "expected whole years"),
        ({"years": (2014, 2014)}, "each once"),
        ({"years": (2014.5,)}, "expected whole years"),
        ({"years": (1800,)}, "1950 to 2100"),
        ({"years": tuple(range(1950, 2000))}, "at most 40"),
        ({"step": "week"}, "month, 8day, pentad"),
        ({"greening": 1.0}, "greening=1.0: expected -0.1 to 0.1"),
        ({"errors": -1.0}, "errors=-1.0"),
        ({"variability": 9.0}, "variability=9.0"),
        ({"plants": float("nan")}, "plants=nan"),
        ({"place": (500.0, 0.0)}, "-180 to 180"),
    ],
)
def test_nonsense_is_told(changed, words):
    with pytest.raises(InputError, match=words):
        small(**changed)


def test_unknown_places_are_told():
    with pytest.raises(NotFoundError, match="heihe"):
        small(place="heihee")
