"""Net primary production as users get it: parts, scenarios and their range, and what is made first."""

import numpy as np
import pytest
import xarray as xr
from kernels.test_respiration import references

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.products.npp import LOSS, NO_PARAMETERS, NOT_PARTED, SCENARIOS, SEASON_UNKNOWN, SPEC
from musyq_lab.twin import carbon

SCENE = {
    "gpp": (6.0, "g m-2 d-1"),
    "lai": (3.0, "1"),
    "lai_maximum": (4.0, "1"),
    "land_cover": (4.0, "1"),
    "air_temperature": (288.15, "K"),
    "precipitation": (2.0, "mm d-1"),
    "ndvi": (0.6, "1"),
    "downward_par": (100.0, "W m-2"),
    "optimum_temperature": (295.15, "K"),
    "evaporation_ratio": (0.6, "1"),
}
PLANT = ["npp", "maintenance_respiration", "growth_respiration"]
SOIL = ["heterotrophic_respiration", "nep"]


@pytest.fixture(autouse=True)
def twins(monkeypatch):
    """Run single pixels in Python: each combination of arrays and numbers would be compiled anew."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def scene(**changed):
    """Return a pixel or a row of pixels."""
    rows = {**SCENE, **{name: (value, SCENE[name][1]) for name, value in changed.items()}}
    size = max(np.size(value) for value, _ in rows.values())
    return xr.Dataset({n: ("x", np.broadcast_to(np.float64(v), size), {"units": u}) for n, (v, u) in rows.items()})


def npp(ds=None, **options):
    return ml.retrieve("npp", scene() if ds is None else ds, **options)


@pytest.mark.parametrize("method", ["mod17", "musyq"])
def test_parts_add_up(method):
    made = npp(method=method, variables=PLANT)
    total = sum(made[name].item() for name in PLANT)
    assert total == pytest.approx(6.0)


def test_parts_do_not_depend_on_what_else_is_asked_for():
    together = npp(variables=[*PLANT, *SOIL])
    for name in [*PLANT, *SOIL]:
        assert npp(variables=[name])[name].item() == together[name].item()


def test_maintenance_needs_no_production():
    few = scene().drop_vars(["gpp", "precipitation"])
    made = npp(few, variables=["maintenance_respiration"])
    assert made.maintenance_respiration.item() == npp(variables=PLANT).maintenance_respiration.item()


def test_largest_leaf_area_is_optional():
    ds = scene().drop_vars("lai_maximum")
    same = npp(scene(lai_maximum=3.0))
    assert npp(ds).npp.item() == same.npp.item()
    assert npp().npp.item() < same.npp.item()
    assert npp(ds).npp_qa.item() == SEASON_UNKNOWN.mask
    assert npp().npp_qa.item() == 0
    assert npp(ds, variables=["heterotrophic_respiration"]).npp_qa.item() == 0


@pytest.mark.parametrize("method", SPEC.method_names)
def test_a_single_place_without_dimensions(method):
    for cover in (4.0, 17.0):
        row = scene(land_cover=cover)
        made, single = npp(row, method=method), npp(row.isel(x=0), method=method)
        xr.testing.assert_equal(made.isel(x=0), single)


def test_largest_leaf_area_of_a_series_is_found():
    days = np.arange("2020-01-01", "2020-01-04", dtype="datetime64[D]").astype("datetime64[ns]")
    series = scene(lai=np.array([1.0, 4.0, 2.0])).drop_vars("lai_maximum").rename(x="time").assign_coords(time=days)
    found = npp(series, variables=["maintenance_respiration"]).maintenance_respiration
    given = npp(scene(lai=np.array([1.0, 4.0, 2.0]), lai_maximum=4.0), variables=["maintenance_respiration"])
    np.testing.assert_allclose(found.values, given.maintenance_respiration.values, rtol=1e-12)


def test_year_of_the_vectors():
    rows = references("MOD17-NPP", "annual")
    cover = np.array([float(row["class"]) for row in rows])
    days = xr.Dataset(
        {
            "land_cover": ("x", cover, {"units": "1"}),
            "fpar": ("x", np.full(11, 0.5), {"units": "1"}),
            "downward_par": ("x", np.full(11, 10 / 0.0864), {"units": "W m-2"}),
            "air_temperature_min": ("x", np.full(11, 288.15), {"units": "K"}),
            "vapour_pressure_deficit": ("x", np.full(11, 1000.0), {"units": "Pa"}),
            "lai": ("x", np.full(11, 1.0), {"units": "1"}),
            "air_temperature": ("x", np.full(11, 298.15), {"units": "K"}),
        }
    )
    made = npp(days)  # makes gross production first
    assert "retrieve:gpp" in made.attrs["history"]
    np.testing.assert_allclose(365 * made.npp, [float(row["value"]) for row in rows], atol=1e-2)


def test_casa_of_the_vector():
    ds = scene(land_cover=10.0, air_temperature=291.15, downward_par=250 / 30 / 0.0864)
    (row,) = references("CASA-1", "npp")
    assert 30 * npp(ds, method="casa").npp.item() == pytest.approx(float(row["value"]), abs=1e-5)


def test_casa_has_no_parts_and_says_so():
    made = npp(method="casa", variables=PLANT)
    assert np.isfinite(made.npp.item())
    assert np.isnan(made.maintenance_respiration.item())
    assert made.npp_qa.item() & NOT_PARTED.mask
    assert not npp(method="casa").npp_qa.item() & NOT_PARTED.mask


def test_vector_of_the_balance():
    (soil,), (balance,) = references("NEP-1", "heterotrophic"), references("NEP-1", "nep")
    made = npp(variables=[*PLANT, *SOIL])
    assert 30 * made.heterotrophic_respiration.item() == pytest.approx(float(soil["value"]), abs=1e-6)
    assert 80 - float(soil["value"]) == pytest.approx(float(balance["value"]), abs=1e-8)
    assert made.nep.item() == pytest.approx(made.npp.item() - made.heterotrophic_respiration.item())


def test_mass_of_carbon_dioxide():
    (row,) = references("CO2eq", "co2")
    assert pytest.approx(float(row["value"]), abs=float(row["tolerance"])) == 44.0095 / 12.011
    assert (
        "3.6641" in ml.retrieve.npp.__doc__
        or "3.6641" in __import__("musyq_lab.products.npp", fromlist=["npp"]).__doc__
    )


def test_scenarios_differ_and_their_range_is_the_uncertainty():
    ds = scene(precipitation=np.array([0.5, 2.0, 6.0]))
    for name in ("air_temperature", "precipitation"):
        ds[f"{name}_uncertainty"] = xr.zeros_like(ds[name])
    made = {s: npp(ds, variables=["heterotrophic_respiration"], heterotrophic=s) for s in SCENARIOS}
    values = np.stack([m.heterotrophic_respiration for m in made.values()])
    half = (values.max(0) - values.min(0)) / 2
    assert (half > 0.02).all()
    for one in made.values():
        np.testing.assert_allclose(one.heterotrophic_respiration_uncertainty, half, rtol=1e-9)


def test_errors_of_rain_and_warmth_add_to_the_range():
    sigma = npp(variables=SOIL)
    ds = scene()
    for name in ("air_temperature", "precipitation"):
        ds[f"{name}_uncertainty"] = xr.zeros_like(ds[name])
    less = npp(ds, variables=SOIL)
    for name in SOIL:
        assert less[f"{name}_uncertainty"].item() < sigma[f"{name}_uncertainty"].item()


def test_unknown_scenario():
    with pytest.raises(InputError, match="pei2009"):
        npp(variables=SOIL, heterotrophic="pei2010")


def test_uncertainty_of_net_production_is_the_propagated_one():
    ds = scene()
    sigmas = {"gpp": 1.0, "lai": 0.3, "lai_maximum": 0.0, "air_temperature": 0.0}
    for name, sigma in sigmas.items():
        ds[f"{name}_uncertainty"] = ("x", [sigma], {"units": SCENE[name][1]})
    made = npp(ds, variables=PLANT)
    step = [npp(scene(lai=3.0 + sign * 0.3)).npp.item() for sign in (1, -1)]
    own = np.hypot(0.2, 0.2 * made.npp.item())
    expected = np.sqrt(0.8**2 + ((step[0] - step[1]) / 2) ** 2 + own**2)
    assert made.npp_uncertainty.item() == pytest.approx(expected, rel=1e-9)
    assert made.maintenance_respiration_uncertainty.item() > 0.4 * made.maintenance_respiration.item()


def test_a_forest_that_burns_more_than_it_gains_says_so():
    made = npp(scene(gpp=np.array([6.0, 0.2]), air_temperature=np.array([288.15, 303.15])))
    np.testing.assert_array_equal(made.npp_qa & LOSS.mask, [0, LOSS.mask])
    assert made.npp.values[1] < 0
    assert npp(scene(gpp=0.2, air_temperature=303.15), method="musyq").npp.item() == 0


@pytest.mark.parametrize("method", SPEC.method_names)
def test_classes_without_parameters_are_told(method):
    made = npp(scene(land_cover=np.array([4.0, 15.0, 17.0])), method=method)
    np.testing.assert_array_equal(np.isnan(made.npp), [False, True, True])
    np.testing.assert_array_equal(made.npp_qa & NO_PARAMETERS.mask, [0, NO_PARAMETERS.mask, NO_PARAMETERS.mask])


def test_carbon_use_is_plausible():
    # Of forests about a half, 0.2 to 0.8 (DeLucia et al. 2007, doi:10.1111/j.1365-2486.2007.01365.x).
    forests = scene(land_cover=np.array([1.0, 2.0, 3.0, 4.0, 5.0]), gpp=8.0)
    for method in ("mod17", "musyq"):
        share = npp(forests, method=method).npp / 8.0
        assert float(share.min()) > 0.35
        assert float(share.max()) < 0.8


def test_musyq_net_by_hand():
    # Crops: leaves and roots of the day, 15 C; growth takes a quarter of the rest.
    maintenance = 1000 / 49 * (3.0 * 0.006976 + 2 * 3.0 * 0.004152) * 2**-0.5
    made = npp(scene(land_cover=12.0), method="musyq", variables=PLANT)
    assert made.maintenance_respiration.item() == pytest.approx(maintenance, rel=1e-9)
    assert made.npp.item() == pytest.approx(0.75 * (6.0 - maintenance), rel=1e-9)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
def test_same_as_the_simulated_earth(number):
    # Another implementation of MOD17, in numpy, with the live wood of the day's leaf area.
    biome, lai = carbon.BIOMES[number], np.array([0.3, 2.0, 5.0])
    celsius, gross = np.array([2.0, 15.0, 31.0]), np.array([3.0, 8.0, 1.0])
    kept = carbon.maintenance(biome, lai, celsius)
    ds = scene(land_cover=float(number), lai=lai, air_temperature=celsius + 273.15, gpp=gross).drop_vars("lai_maximum")
    made = npp(ds, variables=PLANT)
    np.testing.assert_allclose(made.maintenance_respiration, kept, rtol=1e-9)
    np.testing.assert_allclose(made.npp, np.where(gross > kept, 0.8 * (gross - kept), gross - kept), rtol=1e-9)


def test_casa_by_its_parts():
    # Twice the light, twice the production; dry air halves it at most; frozen air ends it.
    base = npp(method="casa").npp.item()
    assert npp(scene(downward_par=200.0), method="casa").npp.item() == pytest.approx(2 * base)
    dry, wet = (npp(scene(evaporation_ratio=e), method="casa").npp.item() for e in (0.0, 1.0))
    assert dry == pytest.approx(0.5 * wet)
    assert npp(scene(air_temperature=262.0), method="casa").npp.item() == 0.0


def test_scenarios_are_of_one_order_where_they_were_fitted():
    # A temperate month: 5 to 20 C, 30 to 120 mm.
    for celsius, rain in ((5.0, 1.0), (15.0, 2.0), (20.0, 4.0)):
        ds = scene(air_temperature=celsius + 273.15, precipitation=rain)
        values = [npp(ds, variables=SOIL, heterotrophic=name).heterotrophic_respiration.item() for name in SCENARIOS]
        assert min(values) > 0.2
        assert max(values) < 2.0
        assert max(values) < 3.0 * min(values)


def test_balance_and_its_sign():
    made = npp(scene(gpp=np.array([0.5, 12.0])), variables=["npp", *SOIL])
    assert made.nep.values[0] < 0 < made.nep.values[1]
    assert "sink" in made.nep.attrs["long_name"]
    np.testing.assert_allclose(made.nep, made.npp - made.heterotrophic_respiration, rtol=1e-12)


def test_range_of_scenarios_is_in_the_uncertainty_of_the_balance():
    made = npp(variables=["npp", *SOIL])
    assert made.nep_uncertainty.item() > made.heterotrophic_respiration_uncertainty.item() > 0
    assert made.nep_uncertainty.item() > made.npp_uncertainty.item()


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("class,leaf_area,roots,wood,leaf_rate,root_rate,wood_rate\n4,20,0,0,10,0,0\n")
    made = npp(scene(air_temperature=293.15), variables=["maintenance_respiration"], biomes=str(path))
    assert made.maintenance_respiration.item() == pytest.approx(3.0 / 20 * 10)
