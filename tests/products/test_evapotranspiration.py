"""Evapotranspiration as users get it: 63 towers, published numbers, water and energy, bits, methods."""

import csv

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import weather
from musyq_lab.products._class_table import by_class
from musyq_lab.products._evaporation import EDITIONS
from musyq_lab.products.evapotranspiration import SPEC

UNITS = {item.name: item.units for item in SPEC.inputs}
FLAGS = {flag.name: flag.mask for flag in SPEC.flags}
PARTS = ["transpiration", "soil_evaporation", "interception"]
IGBP = {"ENF": 1, "EBF": 2, "DBF": 4, "MF": 5, "CSH": 6, "OSH": 7, "WSA": 8, "GRA": 10, "WET": 11, "CRO": 12}
IGBP |= {"CVM": 14, "WAT": 17}
NOON = 0.35


@pytest.fixture(autouse=True)
def python_twins(request, monkeypatch):
    """Run the kernels as plain Python but for the towers: a few pixels take no time, a compilation seconds."""
    if not {"towers", "overpasses"} & set(request.fixturenames):
        monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def scene(**inputs):
    """Return a Dataset of inputs in canonical units, one pixel or a row of them."""
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(values, float)) for values in inputs.values()))
    return xr.Dataset({n: ("x", a.copy(), {"units": UNITS[n]}) for n, a in zip(inputs, arrays, strict=True)})


def field(**changed):
    """Return ordinary inputs of PT-JPL."""
    given = {"net_radiation": 150.0, "air_temperature": 293.15, "relative_humidity": 0.6, "ndvi": 0.6}
    given |= {"ndvi_maximum": 0.8, "optimum_temperature": 297.15, "surface_pressure": 9.5e4}
    return scene(**(given | changed))


def mod16_field(**changed):
    """Return ordinary inputs of MOD16, the night included."""
    given = {"net_radiation_day": 300.0, "net_radiation_night": -40.0, "land_cover": 10.0, "fpar": 0.6, "lai": 2.0}
    given |= {"air_temperature_day": 295.0, "air_temperature_night": 286.0, "air_temperature_annual": 285.0}
    given |= {"air_temperature_min": 284.0, "vapour_pressure_deficit": 1200.0, "vapour_pressure_deficit_night": 300.0}
    return scene(**(given | {"surface_pressure": 9.5e4} | changed))


def retrieve(ds, **options):
    """Return the product without uncertainty."""
    return ml.retrieve("evapotranspiration", ds, uncertainty=False, **options)


# ---- towers ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def towers():
    """Return the matchups: columns as float arrays, and the site of each row."""
    with resource("catalogs/samples/tower_matchups.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {"site", "time", "igbp", "climate"}
    table = {n: np.array([float(row[n] or "nan") for row in rows]) for n in rows[0] if n not in texts}
    return table | {
        "site": np.array([row["site"] for row in rows]),
        "class": [float(IGBP[row["igbp"]]) for row in rows],
    }


@pytest.fixture(scope="module")
def overpasses(towers):
    """Return the inputs of PT-JPL as retrieved: nothing of the towers is in them."""
    return scene(
        net_radiation=towers["ecostress_net_radiation"],
        air_temperature=towers["air_temperature"] + 273.15,
        relative_humidity=towers["relative_humidity"],
        ndvi=towers["ndvi"],
        ndvi_maximum=towers["ndvi_maximum"],
        surface_pressure=weather.standard_pressure(towers["elevation"]),
    )


def beside(made, measured):
    """Return root mean square difference, bias and correlation."""
    good = np.isfinite(made) & np.isfinite(measured)
    error = (made - measured)[good]
    return np.sqrt(np.mean(error**2)), error.mean(), np.corrcoef(made[good], measured[good])[0, 1]


def fitted(rate, measured, site):
    """Scale a rate by the coefficient that fits the other sites: ten folds of whole sites."""
    sites = np.random.Generator(np.random.Philox(5)).permutation(np.unique(site))
    made = np.empty_like(rate)
    for fold in np.array_split(sites, 10):
        own = np.isin(site, fold)
        made[own] = rate[own] * (rate[~own] @ measured[~own]) / (rate[~own] @ rate[~own])
    return made


@pytest.fixture(scope="module")
def at_towers(overpasses):
    return ml.retrieve("evapotranspiration", overpasses, ground_share=NOON)


def test_ptjpl_beside_1065_matchups(towers, at_towers):
    latent = at_towers.latent_heat.values
    assert np.isfinite(latent).sum() == len(latent) == 1065
    rmse, bias, r = beside(latent, towers["tower_latent_heat"])
    assert rmse < 90
    # The measured fluxes lack a quarter of the energy: the model, which closes the balance, stands between.
    assert 40 < bias < 60
    assert r > 0.8
    rmse, bias, r = beside(latent, towers["tower_latent_heat_closed"])
    assert rmse < 86
    assert abs(bias) < 5
    assert r > 0.8


def test_radiation_of_the_towers_leaves_the_closed_fluxes_within_reach(towers, overpasses):
    measured = {"net_radiation": towers["tower_net_radiation"], "ground_heat": towers["tower_ground_heat"]}
    latent = retrieve(overpasses.assign(scene(**measured).data_vars)).latent_heat.values
    rmse, bias, _ = beside(latent, towers["tower_latent_heat_closed"])
    assert rmse < 90
    assert 15 < bias < 35
    # The fluxes as measured lack what the radiation gives: nothing is hidden by the retrieved radiation's low bias.
    assert 95 < beside(latent, towers["tower_latent_heat"])[0] < 115


def test_one_coefficient_for_all_explains_less_than_half_of_that(towers, overpasses, at_towers):
    wet = retrieve(overpasses, method="priestley_taylor").latent_heat.values
    for measured, least in ((towers["tower_latent_heat"], 80), (towers["tower_latent_heat_closed"], 120)):
        rmse, bias, r = beside(fitted(wet, measured, towers["site"]), measured)
        assert rmse > least
        assert abs(bias) < 8
        assert r**2 < 0.5 * beside(at_towers.latent_heat.values, measured)[2] ** 2


def test_a_fit_to_closed_fluxes_would_leave_the_coefficient_alone(towers, at_towers):
    latent, closed = at_towers.latent_heat.values, towers["tower_latent_heat_closed"]
    assert latent @ closed / (latent @ latent) == pytest.approx(1.0, abs=0.05)


def test_stated_uncertainty_covers_two_thirds_of_the_errors(towers, at_towers):
    sigma = at_towers.latent_heat_uncertainty.values
    measured, closed = towers["tower_latent_heat"], towers["tower_latent_heat_closed"]
    for truth in (closed, 0.5 * (measured + closed)):
        assert 0.60 < (np.abs(at_towers.latent_heat.values - truth) < sigma).mean() < 0.75


def test_mod16_beside_the_matchups(towers):
    kelvin = towers["air_temperature"] + 273.15
    moist = {"vapour_pressure_deficit": weather.deficit_from_relative_humidity(kelvin, towers["relative_humidity"])}
    ds = scene(
        net_radiation_day=towers["ecostress_net_radiation"],
        air_temperature_day=kelvin,
        air_temperature_min=kelvin - 8.0,
        fpar=np.clip(towers["ndvi"] - 0.05, 0, 1),
        lai=towers["bess_lai"],
        land_cover=towers["class"],
        surface_pressure=weather.standard_pressure(towers["elevation"]),
        **moist,
    )
    latent = retrieve(ds, method="mod16", daylight=24.0).latent_heat.values
    rmse, bias, r = beside(latent, towers["tower_latent_heat"])
    assert rmse < 82
    assert -50 < bias < -30
    assert r > 0.68


# ---- energy and water ------------------------------------------------------------------------------------------------


def test_water_times_its_heat_is_the_energy():
    made = retrieve(field(air_temperature=[275.0, 293.15, 308.0]))
    heat = 2.501e6 - 2361 * (np.array([275.0, 293.15, 308.0]) - 273.15)
    np.testing.assert_allclose(made.evapotranspiration * heat / 86400, made.latent_heat, rtol=1e-12)


@pytest.mark.parametrize(("method", "make"), [("ptjpl", field), ("mod16", mod16_field)])
def test_parts_add_up(method, make):
    made = retrieve(make(surface_pressure=[7e4, 1e5]), method=method, variables=["evapotranspiration", *PARTS])
    np.testing.assert_allclose(sum(made[name] for name in PARTS), made.evapotranspiration, rtol=1e-12)
    assert (made.transpiration > 0).all()


def test_ratio_is_one_in_saturated_air_and_falls_with_drought():
    humid = field(relative_humidity=[1.0, 0.7, 0.4, 0.1], ndvi=0.3)
    ratio = retrieve(humid, variables=["evaporation_ratio"]).evaporation_ratio.values
    assert ratio[0] == pytest.approx(1.0)
    assert (np.diff(ratio) < 0).all()


def test_wanted_variables_do_not_change_one_another():
    every = [v.name for v in SPEC.variables]
    together = retrieve(field(), variables=every)
    for name in every:
        xr.testing.assert_identical(together[name], retrieve(field(), variables=[name])[name])


def test_no_energy_no_evaporation():
    made = retrieve(field(net_radiation=-20.0), variables=["latent_heat", "evaporation_ratio"])
    assert made.latent_heat.item() == 0.0
    assert np.isnan(made.evaporation_ratio.item())
    assert made.evapotranspiration_qa.item() & FLAGS["no_energy"]


def test_ground_heat_given_or_as_a_share():
    bare = 150.0 * (1 - 0.55) ** 1.2
    given = retrieve(field(ground_heat=NOON * bare))
    shared = retrieve(field(), ground_share=NOON)
    np.testing.assert_allclose(given.latent_heat, shared.latent_heat, rtol=1e-12)
    # What is given comes first.
    xr.testing.assert_equal(given.latent_heat, retrieve(field(ground_heat=NOON * bare), ground_share=0.9).latent_heat)
    assert (shared.latent_heat < retrieve(field()).latent_heat).all()


# ---- what is assumed -------------------------------------------------------------------------------------------------


def test_assumptions_are_told():
    known = retrieve(field()).evapotranspiration_qa.item()
    assert known == 0
    for name, flag in (
        ("ndvi_maximum", "season_unknown"),
        ("optimum_temperature", "optimum_assumed"),
        ("surface_pressure", "pressure_assumed"),
    ):
        assert retrieve(field().drop_vars(name)).evapotranspiration_qa.item() == FLAGS[flag]


def test_assumed_values_are_the_documented_ones():
    full = field(optimum_temperature=298.15, surface_pressure=1e5)
    bare = full.drop_vars(["optimum_temperature", "surface_pressure"])
    np.testing.assert_allclose(retrieve(bare).latent_heat, retrieve(full).latent_heat, rtol=1e-12)
    unstressed = field(ndvi_maximum=0.6)
    np.testing.assert_allclose(
        retrieve(unstressed.drop_vars("ndvi_maximum")).latent_heat, retrieve(unstressed).latent_heat, rtol=1e-12
    )


def test_ndvi_is_made_of_reflectance_where_it_is_missing():
    bands = {"reflectance_red": ("x", [0.05], {"units": "1"}), "reflectance_nir": ("x", [0.4], {"units": "1"})}
    made = retrieve(field().drop_vars("ndvi").assign(bands))
    np.testing.assert_allclose(made.latent_heat, retrieve(field(ndvi=0.35 / 0.45)).latent_heat, rtol=1e-12)


def test_season_and_deficit_follow_from_what_the_dataset_holds():
    held = field().drop_vars("ndvi_maximum")
    year = xr.concat([held.assign(ndvi=held.ndvi + more) for more in (-0.1, 0.0, 0.2)], "time")
    made = retrieve(year).isel(time=1)
    xr.testing.assert_allclose(made.latent_heat, retrieve(field()).latent_heat)
    dry = mod16_field().drop_vars("vapour_pressure_deficit")
    dry = dry.assign(scene(air_temperature=295.0, relative_humidity=0.5).data_vars)
    same = mod16_field(vapour_pressure_deficit=weather.deficit_from_relative_humidity.python(295.0, 0.5))
    xr.testing.assert_allclose(retrieve(dry, method="mod16").latent_heat, retrieve(same, method="mod16").latent_heat)


def test_water_and_bare_ground_have_no_transpiration_and_say_so():
    made = retrieve(field(ndvi=[-0.3, 0.05, 0.3]), variables=["transpiration", "soil_evaporation"])
    assert (made.evapotranspiration_qa.values & FLAGS["bare_ground"] > 0).tolist() == [True, True, False]
    assert made.transpiration.values[:2].tolist() == [0.0, 0.0]
    assert (made.soil_evaporation.values > 0).all()


def test_the_form_of_2008_wets_leaves_in_any_air():
    drier = field(relative_humidity=0.5)
    new, old = (retrieve(drier, wet_from=w, variables=["interception"]).interception.item() for w in (0.7, 0.0))
    assert old / new == pytest.approx(0.5**4 / 1e-4)


# ---- MOD16 -----------------------------------------------------------------------------------------------------------


def test_day_and_night_are_weighed_by_the_hours_of_light():
    by_day = retrieve(mod16_field(), method="mod16", daylight=24.0).latent_heat.item()
    by_night = retrieve(mod16_field(), method="mod16", daylight=0.0).latent_heat.item()
    assert by_day > 5 * by_night > 0
    mixed = retrieve(mod16_field(), method="mod16", daylight=15.0).latent_heat.item()
    assert mixed == pytest.approx((15 * by_day + 9 * by_night) / 24)


def test_without_the_night_only_the_day_counts():
    made = retrieve(mod16_field().drop_vars("net_radiation_night"), method="mod16", daylight=12.0)
    assert made.evapotranspiration_qa.item() == FLAGS["night_unknown"]
    # Nor is heat lost into the ground then, whose flux needs the night: give the same as 0.
    day = retrieve(mod16_field(ground_heat=0.0).drop_vars("net_radiation_night"), method="mod16", daylight=24.0)
    assert made.latent_heat.item() == pytest.approx(day.latent_heat.item() / 2)


def test_classes_without_parameters_have_no_value_and_say_so():
    classes = np.arange(1.0, 18.0)
    made = retrieve(mod16_field(land_cover=classes), method="mod16")
    without = np.isin(classes, [11, 13, 15, 16, 17])
    assert (np.isnan(made.latent_heat.values) == without).all()
    assert ((made.evapotranspiration_qa.values & FLAGS["no_parameters"] > 0) == without).all()
    missing = retrieve(mod16_field(land_cover=np.nan), method="mod16")
    assert not missing.evapotranspiration_qa.item() & FLAGS["no_parameters"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_set_of_parameters_evaporates_within_the_energy(edition):
    made = retrieve(mod16_field(land_cover=[1, 2, 4, 7, 10, 12]), method="mod16", parameters=edition, daylight=24.0)
    assert ((made.latent_heat > 10) & (made.latent_heat < 300)).all()


def test_an_unknown_set_of_parameters_is_refused():
    with pytest.raises(InputError, match=r"no set of parameters 'c8'"):
        retrieve(mod16_field(), method="mod16", parameters="c8")


@pytest.mark.parametrize(
    ("column", "expected"),
    # BPLUT C5.1 and C7.0 (arthur-e/MOD16) and mod16.csv of MOD16-JPL: evergreen needleleaf, broadleaf, savanna, crop
    [
        ("tmin_open", [8.31, 9.09, 11.39, 12.02]),
        ("vpd_closed", [3000, 4000, 3600, 4500]),
        ("vpd_open", [650, 1000, 650, 650]),
        ("gl_sh", [0.01, 0.01, 0.04, 0.02]),
        ("cl", [0.0024, 0.0024, 0.0055, 0.0055]),
        ("tmin_open_c7", [3.6, 20.2, 8.1, 21.5]),
        ("vpd_closed_c7", [4650, 4300, 5100, 4950]),
        ("cl_c6", [0.0032, 0.0025, 0.0065, 0.007]),
        ("rbl_max_c6", [95, 100, 45, 50]),
    ],
)
def test_parameters_of_the_tables(column, expected):
    assert by_class("mod16", column, np.array([1.0, 2.0, 9.0, 12.0])).tolist() == expected
    assert by_class("mod16", column, np.array([14.0])) == by_class("mod16", column, np.array([12.0]))


# ---- reference and potential -----------------------------------------------------------------------------------------


def test_example_18_of_fao_and_its_crop():
    ds = scene(
        net_radiation=13.28 / 0.0864,
        air_temperature_min=12.3 + 273.15,
        air_temperature_max=21.5 + 273.15,
        vapour_pressure=1409.0,
        wind_speed=2.078,
        surface_pressure=1.001e5,
    )
    names = ["evapotranspiration", "potential_evapotranspiration", "transpiration", "evaporation_ratio"]
    made = retrieve(ds, method="fao56", variables=names)
    assert made.evapotranspiration.item() == pytest.approx(3.88, abs=0.005)
    maize = retrieve(ds, method="fao56", variables=names, crop_coefficient=1.2)
    assert maize.evapotranspiration.item() == pytest.approx(1.2 * made.evapotranspiration.item())
    assert maize.potential_evapotranspiration.item() == made.potential_evapotranspiration.item()
    assert maize.evaporation_ratio.item() == pytest.approx(1.2)
    assert np.isnan(made.transpiration.item())


def test_priestley_taylor_is_the_potential_rate_of_ptjpl():
    wet = retrieve(field(), method="priestley_taylor").evapotranspiration
    potential = retrieve(field(), variables=["potential_evapotranspiration"]).potential_evapotranspiration
    np.testing.assert_allclose(wet, potential, rtol=1e-12)
    doubled = retrieve(field(), method="priestley_taylor", alpha=2.52).evapotranspiration
    np.testing.assert_allclose(doubled, 2 * wet, rtol=1e-12)


def test_uncertainty_of_a_wet_surface_is_the_textbook_one():
    ds = field(net_radiation=400.0).assign(
        net_radiation_uncertainty=("x", [40.0], {"units": "W m-2"}),
        air_temperature_uncertainty=("x", [0.0], {"units": "K"}),
        surface_pressure_uncertainty=("x", [0.0], {"units": "Pa"}),
    )
    made = ml.retrieve("evapotranspiration", ds, method="priestley_taylor")
    relative = made.latent_heat_uncertainty / made.latent_heat
    np.testing.assert_allclose(relative, np.hypot(0.1, 0.08), rtol=1e-6)


def test_every_method_says_whose_coefficients_it_takes():
    for name in SPEC.method_names:
        assert len(SPEC.method(name).title) > 40
        # FAO's paper has no DOI; its title stands in the method's.
        assert SPEC.method(name).references or "Paper 56" in SPEC.method(name).title


def test_options_are_checked_before_anything_is_computed():
    lazy = field().chunk()
    for option in ({"ground_share": 35.0}, {"ground_share": -0.1}):
        with pytest.raises(InputError, match="from 0 to 1"):
            retrieve(lazy, **option)
    for hours in (-1.0, 30.0, np.nan):
        with pytest.raises(InputError, match="from 0 to 24"):
            retrieve(mod16_field().chunk(), method="mod16", daylight=hours)
    with pytest.raises(InputError, match=r"c5\.1"):
        retrieve(mod16_field().chunk(), method="mod16", parameters="c8")


def test_options_of_another_method_are_refused():
    share, hours = {"ground_share": NOON}, {"daylight": 16.0}
    for method, option in (("priestley_taylor", share), ("ptjpl", hours), ("ptjpl", {"crop_coefficient": 1.2})):
        with pytest.raises(InputError, match="would change nothing"):
            retrieve(field(), method=method, **option)
