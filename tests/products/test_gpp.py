"""Gross primary production as users get it: methods, flags, errors, options, and a tower in France."""

import csv

import numpy as np
import pytest
import xarray as xr
from sensors.shared_data import shared

import musyq_lab as ml
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import NOT_DEFINED
from musyq_lab.kernels import _photosynthesis as photosynthesis
from musyq_lab.products._bucket import soil_water
from musyq_lab.products.gpp import DAY_ASSUMED, NO_PARAMETERS, NO_PRODUCTION, PRESSURE_ASSUMED, SPEC
from musyq_lab.twin import carbon

SCENE = {
    "land_cover": (2.0, "1"),
    "fpar": (0.5, "1"),
    "downward_par": (45.0, "W m-2"),
    "air_temperature_min": (283.15, "K"),
    "air_temperature": (293.15, "K"),
    "vapour_pressure_deficit": (1000.0, "Pa"),
    "evaporation_ratio": (0.5, "1"),
    "evaporation_ratio_mean": (0.5, "1"),
    "clear_sky_index": (0.8, "1"),
    "soil_moisture": (0.2, "1"),
    "evi": (0.5, "1"),
    "lswi": (0.2, "1"),
    "lswi_maximum": (0.5, "1"),
    "carbon_dioxide": (400.0, "1e-6"),
    "surface_pressure": (101325.0, "Pa"),
}


@pytest.fixture(autouse=True)
def twins(request, monkeypatch):
    """Run single pixels in Python: each combination of arrays and numbers would be compiled anew."""
    if not {"puechabon", "watered"} & set(request.fixturenames):
        monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def scene(**changed):
    """Return a pixel or a row of pixels."""
    rows = {**SCENE, **{name: (value, SCENE[name][1]) for name, value in changed.items()}}
    size = max(np.size(value) for value, _ in rows.values())
    return xr.Dataset({n: ("x", np.broadcast_to(np.float64(v), size), {"units": u}) for n, (v, u) in rows.items()})


def gpp(ds=None, **options):
    return ml.retrieve("gpp", scene() if ds is None else ds, **options)


def test_default_is_mod17_of_the_vector():
    made = gpp()
    assert made.attrs["method"] == "mod17"
    assert made.gpp.item() == pytest.approx(2.73132, abs=1e-5)
    assert made.gpp.attrs["standard_name"] == "gross_primary_productivity_of_biomass_expressed_as_carbon"


def test_only_the_inputs_of_the_method_are_needed():
    few = scene()[["fpar", "downward_par", "land_cover", "air_temperature_min", "vapour_pressure_deficit"]]
    xr.testing.assert_equal(gpp(few).gpp, gpp().gpp)
    with pytest.raises(InputError, match="evi"):
        gpp(few, method="vpm")


def test_photons_and_humidity_will_do():
    ds = scene().drop_vars(["downward_par", "vapour_pressure_deficit"])
    ds["photon_flux"] = ("x", [45.0 * 4.57], {"units": "umol m-2 s-1"})
    ds["relative_humidity"] = ("x", [0.57], {"units": "1"})
    assert gpp(ds).gpp.item() == pytest.approx(gpp().gpp.item(), rel=0.02)


def test_p_model_in_the_units_of_pyrealm():
    ds = scene(fpar=1.0, downward_par=300 / 4.57)
    made = gpp(ds, method="pmodel", quantum_yield=0.125)
    assert made.gpp.item() == pytest.approx(116.808476 * 86400e-6, rel=2e-6)


def test_p_model_takes_the_day_where_it_is_given():
    ds = scene()
    warmer = ds.assign(air_temperature_day=ds.air_temperature + 3.0)
    warmer.air_temperature_day.attrs["units"] = "K"
    assert gpp(warmer, method="pmodel").gpp.item() == gpp(scene(air_temperature=296.15), method="pmodel").gpp.item()


def test_pressure_from_altitude_and_at_sea_level():
    ds = scene().drop_vars("surface_pressure")
    assert gpp(ds, method="pmodel").gpp.item() == gpp(method="pmodel").gpp.item()
    high = ds.assign(altitude=("x", [3000.0], {"units": "m"}))
    there = gpp(scene(surface_pressure=70108.5), method="pmodel").gpp.item()
    assert gpp(high, method="pmodel").gpp.item() == pytest.approx(there, rel=1e-6)


def test_carbon_dioxide_is_optional():
    ds = scene().drop_vars("carbon_dioxide")
    assert gpp(ds, method="pmodel", ambient_co2=400.0).gpp.item() == gpp(method="pmodel").gpp.item()
    assert gpp(ds, method="pmodel").gpp.item() > gpp(method="pmodel").gpp.item()


def test_pathway():
    hot = scene(air_temperature=305.0, vapour_pressure_deficit=3000.0)
    assert gpp(hot, method="pmodel", pathway="c4").gpp.item() > gpp(hot, method="pmodel").gpp.item()
    with pytest.raises(InputError, match="c3"):
        gpp(method="pmodel", pathway="cam")


@pytest.mark.parametrize("method", ["pmodel", "pmodel_soil"])
def test_yield_of_c4_plants_is_the_published_one(method):
    """Cai & Prentice 2020: -0.008 + 0.00375 T - 0.000058 T^2 mol of carbon per mol of photons, none below 2.2 C."""
    celsius = np.array([1.0, 10.0, 20.0, 30.0])
    made = gpp(
        scene(air_temperature=celsius + 273.15, soil_moisture=1.0),
        method=method, pathway="c4", variables=["light_use_efficiency"],
    )  # fmt: skip
    published = np.maximum(-0.008 + 0.00375 * celsius - 0.000058 * celsius**2, 0.0)
    expected = published * np.sqrt(1 - 0.41 ** (2 / 3)) * 12.0107 * 4.57
    np.testing.assert_allclose(made.light_use_efficiency, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("plain", "soil", "yields"), [("mod17", "mod17_soil", 1.0), ("pmodel", "pmodel_soil", 0.087182 / 0.081785)]
)
def test_dry_soil_lowers_production(plain, soil, yields):
    stress = photosynthesis.soil_stress(0.2, 0.5)
    assert gpp(method=soil).gpp.item() == pytest.approx(stress * yields * gpp(method=plain).gpp.item(), rel=1e-9)


def test_clearness_of_musyq():
    dim = gpp(scene(clear_sky_index=0.6), method="musyq", clear_transmittance=1.0)
    assert dim.gpp.item() == pytest.approx(gpp(method="musyq").gpp.item(), rel=1e-12)


def test_share_of_c4_plants():
    grass = scene(land_cover=10.0)
    assert gpp(grass, method="vpm", c4_share=0.4).gpp.item() == pytest.approx(1.2 * gpp(grass, method="vpm").gpp.item())


@pytest.mark.parametrize("method", ["mod17", "pmodel", "vpm"])
def test_efficiency_needs_no_light(method):
    both = gpp(method=method, variables=["gpp", "light_use_efficiency"])
    dark = scene().drop_vars(["fpar", "downward_par", "evi"])
    alone = gpp(dark, method=method, variables=["light_use_efficiency"])
    np.testing.assert_allclose(alone.light_use_efficiency, both.light_use_efficiency, rtol=1e-12)


def test_classes_without_parameters_are_told():
    made = gpp(scene(land_cover=np.array([2.0, 11.0, 13.0, 17.0])))
    np.testing.assert_array_equal(np.isnan(made.gpp), [False, True, True, True])
    bits = NO_PARAMETERS.mask | NOT_DEFINED.mask
    np.testing.assert_array_equal(made.gpp_qa.values & bits, [0, bits, bits, bits])
    assert made.gpp_qa.attrs["flag_meanings"].split()[-4:-2] == ["no_parameters", "no_production"]


def test_what_is_assumed_of_the_air_is_told():
    known = scene()
    known["air_temperature_day"] = known.air_temperature + 2.0
    known.air_temperature_day.attrs["units"] = "K"
    low = known.drop_vars("surface_pressure")
    high = low.assign(altitude=("x", [3000.0], {"units": "m"}))
    for method in ("pmodel", "pmodel_soil"):
        assert gpp(known, method=method).gpp_qa.item() == gpp(high, method=method).gpp_qa.item() == 0
        assert gpp(low, method=method).gpp_qa.item() == PRESSURE_ASSUMED.mask
        assert gpp(method=method).gpp_qa.item() == DAY_ASSUMED.mask
    assert gpp(method="vpm").gpp_qa.item() == DAY_ASSUMED.mask
    assert gpp(low, method="eclue").gpp_qa.item() == PRESSURE_ASSUMED.mask
    assert gpp(low, method="mod17").gpp_qa.item() == gpp(low, method="musyq").gpp_qa.item() == 0


def test_options_of_another_method_are_refused():
    for option in ({"pathway": "c4"}, {"c4_share": 0.4}, {"quantum_yield": 0.1}, {"clear_transmittance": 1.0}):
        with pytest.raises(InputError, match="would change nothing"):
            gpp(**option)
    with pytest.raises(InputError, match="cam"):
        gpp(scene().chunk(), method="pmodel", pathway="cam")


def test_no_production_is_told():
    made = gpp(scene(air_temperature_min=np.array([283.0, 260.0])))
    np.testing.assert_array_equal(made.gpp_qa & NO_PRODUCTION.mask, [0, NO_PRODUCTION.mask])
    assert made.gpp.values[1] == 0


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "# two classes of a map of my own\nclass,efficiency,cold_none,cold_full,dry_full,dry_none\n"
        "2,2.81,-8,9.09,1000,4000\n101,1.0,-8,9.09,1000,4000\n"
    )
    made = gpp(scene(land_cover=np.array([2.0, 101.0, 10.0])), biomes=str(path))
    assert made.gpp.values[0] == pytest.approx(2 * gpp().gpp.item())
    assert made.gpp.values[1] == pytest.approx(0.5 * 4.32 * 0.9 * 2.0 * 0.5 * 1.0, rel=0.2)
    assert made.gpp_qa.values[2] & NO_PARAMETERS.mask
    assert str(path) in made.attrs["history"]


def test_faulty_tables_are_refused(tmp_path):
    with pytest.raises(NotFoundError, match="cannot be read"):
        gpp(biomes=str(tmp_path / "none.csv"))
    for position, (text, match) in enumerate(
        (
            ("class,efficiency\n1,1.2\n", "no column"),
            ("efficiency\n1.2\n", "class"),
            ("class,efficiency,cold_none,cold_full,dry_full,dry_none\n1,much,0,1,2,3\n", "no number"),
        )
    ):
        path = tmp_path / f"{position}.csv"
        path.write_text(text)
        with pytest.raises(InputError, match=match):
            gpp(biomes=str(path))


def test_uncertainty_is_that_of_inputs_and_method():
    ds = scene()
    for name, sigma in (("fpar", 0.04), ("downward_par", 0.0), ("air_temperature_min", 0.0)):
        ds[f"{name}_uncertainty"] = ("x", [sigma], {"units": SCENE[name][1]})
    ds["vapour_pressure_deficit_uncertainty"] = ("x", [0.0], {"units": "Pa"})
    made = gpp(ds)
    value = made.gpp.item()
    own = np.hypot(0.5, 0.25 * value)
    assert made.gpp_uncertainty.item() == pytest.approx(np.hypot(own, value * 0.04 / 0.5), rel=1e-9)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
def test_same_as_the_simulated_earth(number):
    # Another implementation of MOD17, in numpy.
    coldest, deficit = np.array([-9.0, 2.0, 6.0, 20.0]), np.array([300.0, 900.0, 2500.0, 5000.0])
    light = np.full(4, 0.5 * 45.0 * 0.0864)
    made = gpp(scene(land_cover=float(number), air_temperature_min=coldest + 273.15, vapour_pressure_deficit=deficit))
    expected = carbon.production(carbon.BIOMES[number], light, coldest, deficit)
    np.testing.assert_allclose(made.gpp, expected, rtol=1e-9, atol=1e-12)


def test_the_bits_are_told_in_sentences():
    ds = scene(land_cover=np.array([2.0, 11.0])).rename(x="longitude").expand_dims(latitude=[40.0])
    made = gpp(ds.assign_coords(longitude=[100.0, 101.0]))
    assert any("no parameters" in str(line) for line in np.atleast_1d(ml.explain(made, 101.0, 40.0)))


def test_methods_say_whose_parameters_they_take():
    for method in SPEC.methods:
        assert len(method.title) > 20
        assert method.references
        assert set(method.inputs) <= {i.name for i in SPEC.inputs}
    assert "not re-read" in SPEC.method("eclue").title


# ---- Puechabon, an evergreen oak forest in a Mediterranean climate ---------------------------------------------------
@pytest.fixture(scope="module")
def puechabon():
    """Return daily weather and FPAR at the tower with its gross primary production."""
    folder = shared("ground_flux_FR-Pue_daily")
    columns = {}
    for name in ("p_model_drivers_forcing.csv", "p_model_validation.csv"):
        with (folder / name).open() as file:
            rows = list(csv.DictReader(file))
        columns |= {key: [row[key] for row in rows] for key in rows[0]}
    days = np.array(columns["date"], "datetime64[ns]")
    numbers = {
        k: np.array([float(x) if x not in ("", "NA") else np.nan for x in v])
        for k, v in columns.items()
        if k not in ("date", "sitename")
    }
    layers = {
        "fpar": (numbers["fapar"], "1"),
        "photon_flux": (numbers["ppfd"] * 1e6, "umol m-2 s-1"),  # mol m-2 s-1 there
        "air_temperature": (numbers["temp"] + 273.15, "K"),
        "air_temperature_min": (numbers["tmin"] + 273.15, "K"),
        "vapour_pressure_deficit": (numbers["vpd"], "Pa"),
        "surface_pressure": (numbers["patm"], "Pa"),
        "carbon_dioxide": (numbers["co2"], "1e-6"),
        "net_radiation": (np.maximum(numbers["netrad"], 0), "W m-2"),
        "precipitation": ((numbers["rain"] + numbers["snow"]) * 86400, "mm d-1"),
        "tower": (numbers["gpp"], "g m-2 d-1"),
    }
    ds = xr.Dataset({n: ("time", v, {"units": u}) for n, (v, u) in layers.items()}, {"time": days})
    return ds.assign(land_cover=((), 2.0, {"units": "1"}))


def scores(ds, **options):
    """Return number, correlation, root mean square error, bias, and the share of errors within one sigma."""
    made = ml.retrieve("gpp", ds, **options)
    known = np.isfinite(ds.tower.values)
    truth, value, sigma = (a.values[known] for a in (ds.tower, made.gpp, made.gpp_uncertainty))
    error = value - truth
    return (
        int(known.sum()),
        np.corrcoef(truth, value)[0, 1],
        np.sqrt((error**2).mean()),
        error.mean(),
        (np.abs(error) < sigma).mean(),
    )


def test_mod17_at_puechabon(puechabon):
    # FPAR times light alone reaches 0.69.
    number, correlation, rmse, bias, _ = scores(puechabon)
    assert number == 1810
    assert correlation > 0.78
    assert rmse < 2.5
    assert 1.0 < bias < 1.5  # it does not see the summer drought of the soil


@pytest.fixture(scope="module")
def watered(puechabon):
    """Return the record with soil moisture of a bucket of the capacity of SPLASH."""
    potential = ml.retrieve(
        "evapotranspiration",
        puechabon,
        method="priestley_taylor",
        variables=["potential_evapotranspiration"],
        uncertainty=False,
    ).potential_evapotranspiration
    water = soil_water(puechabon.precipitation, potential)
    return puechabon.assign(soil_moisture=water.soil_moisture, evaporation_ratio_mean=water.evaporation_ratio_mean)


def test_mod17_with_soil_at_puechabon(watered):
    assert 0.5 < watered.evaporation_ratio_mean.item() < 0.6
    number, correlation, rmse, bias, covered = scores(watered, method="mod17_soil")
    assert number == 1810
    assert correlation >= 0.87
    assert rmse < 1.4
    assert abs(bias) < 0.4
    assert 0.6 < covered < 0.8


@pytest.mark.slow
def test_p_model_with_soil_at_puechabon(watered):
    _, correlation, rmse, _, covered = scores(watered, method="pmodel_soil")
    assert correlation >= 0.85
    assert rmse < 1.4
    assert 0.6 < covered < 0.8
