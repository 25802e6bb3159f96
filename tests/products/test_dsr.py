"""Downward shortwave radiation: limits, units, flags, methods against their kernels, errors, words."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import clear_sky, heliosat, solar
from musyq_lab.kernels.weather import standard_pressure
from musyq_lab.products._shortwave import AIR, CLEAR_SKIES, SPLITS
from musyq_lab.products.dsr import INDEX_FROM_NEIGHBOUR, POLAR_NIGHT, SPEC

SHARED = Path(__file__).parents[3] / "shared" / "data" / "ground_radiation_pvlib"
UNITS = {
    "sun_zenith": "degree",
    "extraterrestrial_shortwave": "W m-2",
    "aod": "1",
    "angstrom_exponent": "1",
    "water_vapour": "kg m-2",
    "ozone": "DU",
    "surface_pressure": "Pa",
    "albedo": "1",
}
PARTS = ["dsr", "dsr_direct", "dsr_diffuse", "dsr_clear", "clear_sky_index"]
ZENITHS = np.array([10.0, 40.0, 65.0, 80.0, 90.0])


def inputs(index, clear, sigma=0.0):
    return xr.Dataset(
        {
            "clear_sky_index": ("x", np.atleast_1d(np.asarray(index, float)), {"units": "1"}),
            "clear_sky_index_uncertainty": ("x", np.full(np.size(index), sigma), {"units": "1"}),
            "clear_sky_shortwave": ("x", np.atleast_1d(np.asarray(clear, float)), {"units": "W m-2"}),
        }
    )


def sky(zenith=ZENITHS, **more):
    """Return a dataset of air and Sun; other layers by name without units but 1."""
    zenith = np.asarray(zenith, float)
    values = {
        "sun_zenith": zenith,
        "extraterrestrial_shortwave": 1361.0,
        "aod": 0.15,
        "angstrom_exponent": 1.3,
        "water_vapour": 20.0,
        "ozone": 300.0,
        "surface_pressure": 98000.0,
        "albedo": 0.2,
    } | more
    full = {n: np.broadcast_to(np.asarray(v, float), zenith.shape) for n, v in values.items() if v is not None}
    return xr.Dataset({n: ("x", v.copy(), {"units": UNITS.get(n, "1")}) for n, v in full.items()})


def bits(made, name):
    flag = next(f for f in SPEC.all_flags if f.name == name)
    return (made.dsr_qa.values & flag.mask) > 0


# ---- clear-sky index -------------------------------------------------------------------------------------------------
def test_no_cloud_gives_the_clear_sky_value():
    np.testing.assert_array_equal(ml.retrieve("dsr", inputs([1, 1], [212.5, 0.0])).dsr, [212.5, 0.0])


def test_polar_night_is_zero_whatever_the_index():
    np.testing.assert_array_equal(ml.retrieve("dsr", inputs([0.2, 1.0], [0.0, 0.0])).dsr, [0.0, 0.0])


def test_a_relative_error_of_the_index_is_one_of_the_irradiance():
    made = ml.retrieve("dsr", inputs([0.5, 0.8], [300.0, 250.0], sigma=0.04))
    np.testing.assert_allclose(made.dsr_uncertainty, [12.0, 10.0], rtol=1e-12)


def test_an_index_that_states_no_error_has_one():
    made = ml.retrieve("dsr", inputs([1.0, 0.5], [300.0, 300.0]).drop_vars("clear_sky_index_uncertainty"))
    np.testing.assert_allclose(made.dsr_uncertainty, 300 * np.hypot(0.05, [0.05, 0.025]), rtol=1e-12)


def test_a_clear_sky_that_states_no_error_has_that_of_its_models():
    given = inputs([0.5, 1.0], [300.0, 200.0], sigma=0.04)
    made = ml.retrieve("dsr", given, variables=["dsr", "dsr_clear"])
    np.testing.assert_allclose(made.dsr_clear_uncertainty, [15.0, 10.0], rtol=1e-12)
    np.testing.assert_allclose(made.dsr_uncertainty, [12.0, 8.0], rtol=1e-12)  # whose index holds it already
    stated = given.assign(clear_sky_shortwave_uncertainty=("x", [4.0, 7.0], {"units": "W m-2"}))
    made = ml.retrieve("dsr", stated, variables=["dsr_clear"])
    np.testing.assert_allclose(made.dsr_clear_uncertainty, [4.0, 7.0], rtol=1e-6)


@pytest.mark.parametrize("units", ["MJ m-2 d-1", "kWh m-2 d-1"])
def test_daily_sums_convert_by_the_remedy_of_the_message(units):
    given = inputs([0.5], [7.2])
    given.clear_sky_shortwave.attrs["units"] = units
    with pytest.raises(InputError, match=r'da\.musyq\.to\("W m-2"\)'):
        ml.retrieve("dsr", given)
    mended = given.assign(clear_sky_shortwave=given.clear_sky_shortwave.musyq.to("W m-2"))
    seconds = {"MJ m-2 d-1": 1e6 / 86400, "kWh m-2 d-1": 1000 / 24}[units]
    np.testing.assert_allclose(ml.retrieve("dsr", mended).dsr, 0.5 * 7.2 * seconds, rtol=1e-12)


def test_more_than_the_sun_gives_is_removed():
    made = ml.retrieve("dsr", inputs([1.4, 1.4], [1200.0, 100.0]))
    assert np.isnan(made.dsr.values[0])
    assert made.dsr.values[1] == pytest.approx(140.0)


def test_own_flags_do_not_collide():
    masks = [f.mask for f in SPEC.all_flags]
    assert len(set(masks)) == len(masks)
    assert POLAR_NIGHT in SPEC.flags
    assert INDEX_FROM_NEIGHBOUR in SPEC.flags


def test_without_the_sun_there_are_no_parts():
    made = ml.retrieve("dsr", inputs([0.7], [500.0]), variables=PARTS)
    assert np.isnan(made.dsr_direct)
    assert made.dsr == 350.0
    assert made.dsr_clear == 500.0
    assert made.clear_sky_index == 0.7
    assert bits(made, "not_split").all()
    assert not bits(ml.retrieve("dsr", inputs([0.7], [500.0])), "not_split").any()  # where they are not asked for


@pytest.mark.parametrize("name", SPLITS)
def test_parts_by_each_regression_sum_to_the_whole(name):
    given = inputs([0.4, 0.9], [700.0, 800.0]).assign(sky([30.0, 45.0])[["sun_zenith", "extraterrestrial_shortwave"]])
    made = ml.retrieve("dsr", given, variables=PARTS, diffuse=name)
    np.testing.assert_allclose(made.dsr_direct + made.dsr_diffuse, made.dsr, rtol=1e-12)
    more = (np.float64(AIR["surface_pressure"].value),) if name == "disc" else ()
    kernel = getattr(heliosat, name).python
    np.testing.assert_allclose(
        made.dsr_diffuse, kernel(made.dsr.values, np.array([30.0, 45.0]), 1361.0, *more), rtol=1e-12
    )
    assert not bits(made, "not_split").any()


# ---- clear sky -------------------------------------------------------------------------------------------------------
def test_clear_sky_is_rest2():
    made = ml.retrieve("dsr", sky(), method="clear_sky", variables=PARTS)
    direct, diffuse = clear_sky.rest2.python(ZENITHS, 1361.0, 0.15, 1.3, 20.0, 300.0, 98000.0, 0.2)
    np.testing.assert_allclose(made.dsr_direct, direct, rtol=1e-12)
    np.testing.assert_allclose(made.dsr_diffuse, diffuse, rtol=1e-12)
    np.testing.assert_array_equal(made.dsr, made.dsr_clear)
    assert (made.clear_sky_index.values[:-1] == 1.0).all()
    assert bits(made, "clear_sky_only").all()
    np.testing.assert_array_equal(bits(made, "night"), ZENITHS >= 90)
    np.testing.assert_array_equal(bits(made, "low_sun"), [False, False, False, True, False])
    assert not bits(made, "assumed_air").any()
    assert made.dsr.values[-1] == 0
    assert made.dsr_uncertainty.values[-1] == 0


def test_models_agree_within_a_tenth_and_are_not_the_same():
    made = [ml.retrieve("dsr", sky([35.0]), method="clear_sky", clear_sky=m).dsr.item() for m in CLEAR_SKIES]
    assert len(set(made)) == len(made)
    assert (max(made) - min(made)) / np.mean(made) < 0.1


def test_turbidity_is_taken_where_it_is_given():
    hazy = sky([40.0], linke_turbidity=5.0)
    made = ml.retrieve("dsr", hazy, method="clear_sky", clear_sky="esra").dsr.item()
    direct, diffuse = clear_sky.esra.python(40.0, 1361.0, 5.0, 98000.0)
    assert made == pytest.approx(float(direct + diffuse), rel=1e-12)
    assert made < ml.retrieve("dsr", sky([40.0]), method="clear_sky", clear_sky="esra").dsr.item()


def test_what_is_assumed_has_a_bit_and_a_wider_error():
    known = ml.retrieve("dsr", sky([40.0]), method="clear_sky")
    guessed = ml.retrieve("dsr", sky([40.0], aod=None, water_vapour=None), method="clear_sky")
    assert bits(guessed, "assumed_air").all()
    assert guessed.dsr_uncertainty.item() > 1.5 * known.dsr_uncertainty.item()
    same = sky([40.0], aod=AIR["aod"].value, water_vapour=AIR["water_vapour"].value)
    assert guessed.dsr.item() == ml.retrieve("dsr", same, method="clear_sky").dsr.item()


def test_the_sun_follows_from_time_and_place():
    times = np.array(["2015-06-21T04:00", "2015-06-21T18:00"], "datetime64[ns]")
    ds = sky([0.0, 0.0]).drop_vars(["sun_zenith", "extraterrestrial_shortwave"]).rename(x="time")
    ds = ds.assign_coords(time=times, latitude=40.35, longitude=115.79)
    made = ml.retrieve("dsr", ds, method="clear_sky")
    assert 850 < made.dsr.values[0] < 1050
    assert made.dsr.values[1] == 0
    assert bits(made, "night")[1]


# ---- heliosat --------------------------------------------------------------------------------------------------------
def test_heliosat_from_an_index_scales_the_clear_sky():
    n = np.array([-0.4, 0.0, 0.5, 0.95, 1.3])
    given = sky(np.full(5, 40.0), cloud_index=n)
    made = ml.retrieve("dsr", given, method="heliosat", variables=PARTS)
    k = [float(heliosat.clear_sky_index.python(v)) for v in n]
    np.testing.assert_allclose(made.clear_sky_index, k, rtol=1e-12)
    np.testing.assert_allclose(made.dsr, made.dsr_clear * k, rtol=1e-12)
    np.testing.assert_allclose(made.dsr_direct + made.dsr_diffuse, made.dsr, rtol=1e-12)
    np.testing.assert_array_equal(bits(made, "cloud_index_beyond"), [True, False, False, False, True])


def test_heliosat_from_reflectances():
    given = sky([40.0, 40.0], toa_reflectance_red=[0.15, 0.45], ground_reflectance=0.15, cloud_reflectance=0.75)
    made = ml.retrieve("dsr", given, method="heliosat", variables=PARTS)
    np.testing.assert_allclose(made.clear_sky_index, [1.0, 0.5], rtol=1e-12)
    formula = ml.retrieve("dsr", given.drop_vars("cloud_reflectance"), method="heliosat", variables=PARTS)
    bright = float(heliosat.cloud_reflectance.python(40.0))
    assert formula.clear_sky_index.values[1] == pytest.approx(1 - 0.3 / (bright - 0.15), rel=1e-12)


def test_a_bright_ground_has_no_index():
    given = sky([40.0], toa_reflectance_red=0.7, ground_reflectance=0.7, cloud_reflectance=0.75)
    made = ml.retrieve("dsr", given, method="heliosat")
    assert np.isnan(made.dsr).all()
    assert bits(made, "not_defined").all()


def test_errors_of_heliosat_join_index_and_method():
    sure = sky([40.0], cloud_index=0.4).assign(cloud_index_uncertainty=("x", [1e-9], {"units": "1"}))
    vague = sure.assign(cloud_index_uncertainty=("x", [0.2], {"units": "1"}))
    one, two = (ml.retrieve("dsr", ds, method="heliosat") for ds in (sure, vague))
    clear = ml.retrieve("dsr", sky([40.0]), method="clear_sky").dsr.item()
    grown = two.dsr_uncertainty.item() ** 2 - one.dsr_uncertainty.item() ** 2
    assert np.sqrt(grown) == pytest.approx(0.2 * clear, rel=1e-6)
    assert 0.05 < (one.dsr_uncertainty / one.dsr).item() < 0.5


# ---- clouds of known depth -------------------------------------------------------------------------------------------
def test_depth_zero_is_the_clear_sky_and_more_is_less():
    depths = np.array([0.0, 1.0, 5.0, 20.0, 80.0])
    made = ml.retrieve("dsr", sky(np.full(5, 40.0), cloud_optical_depth=depths), method="cloud_depth", variables=PARTS)
    assert made.dsr.values[0] == pytest.approx(made.dsr_clear.values[0], rel=1e-12)
    assert (np.diff(made.dsr) < 0).all()
    assert made.clear_sky_index.values[-1] < 0.2
    np.testing.assert_allclose(made.dsr_direct + made.dsr_diffuse, made.dsr, rtol=1e-12)
    half = sky(np.full(5, 40.0), cloud_optical_depth=depths, cloud_fraction=0.5)
    np.testing.assert_allclose(
        ml.retrieve("dsr", half, method="cloud_depth").dsr, 0.5 * (made.dsr + made.dsr_clear), rtol=1e-12
    )


def test_depth_follows_from_reflectances():
    given = sky([40.0, 40.0], toa_reflectance_red=[0.15, 0.5], ground_reflectance=0.15, view_zenith=20.0)
    given.view_zenith.attrs["units"] = "degree"
    made = ml.retrieve("dsr", given, method="cloud_depth")
    depth = [float(heliosat.cloud_depth.python(r, 0.15, 40.0, 20.0)) for r in (0.15, 0.5)]
    told = ml.retrieve("dsr", sky([40.0, 40.0], cloud_optical_depth=depth), method="cloud_depth")
    np.testing.assert_allclose(made.dsr, told.dsr, rtol=1e-12)
    assert depth[0] == 0
    assert made.dsr_uncertainty.values[1] > told.dsr_uncertainty.values[1]


def test_two_methods_agree_on_the_depth_that_heliosat_sees():
    """A conservative plane-parallel cloud of depth 10 reflects about half: the index is about its co-transmittance."""
    given = sky([40.0], cloud_optical_depth=10.0)
    deep = ml.retrieve("dsr", given, method="cloud_depth", variables=PARTS).clear_sky_index.item()
    assert 0.35 < deep < 0.6


# ---- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["clear_sky", "heliosat", "cloud_depth"])
def test_missing_inputs_are_named(method):
    with pytest.raises(InputError, match="needs sun_zenith and extraterrestrial_shortwave"):
        ml.retrieve("dsr", sky(sun_zenith=None, extraterrestrial_shortwave=None), method=method)


def test_what_clouds_need_is_named():
    with pytest.raises(InputError, match="needs cloud_index, or toa_reflectance_red and ground_reflectance"):
        ml.retrieve("dsr", sky(toa_reflectance_red=0.2), method="heliosat")
    with pytest.raises(InputError, match="needs cloud_optical_depth, zero where clear, or toa_reflectance_red"):
        ml.retrieve("dsr", sky(), method="cloud_depth")


def test_unknown_options_are_refused_with_a_hint():
    with pytest.raises(InputError, match=r"clear_sky='rest3'.*Did you mean 'rest2'"):
        ml.retrieve("dsr", sky(), method="clear_sky", clear_sky="rest3")
    with pytest.raises(InputError, match="diffuse='erb'"):
        ml.retrieve("dsr", sky(), method="clear_sky", diffuse="erb")


# ---- measurements ----------------------------------------------------------------------------------------------------
def test_towers_under_clear_skies():
    """1,065 overpasses that ECOSTRESS took for cloudless, nothing fitted: less than the 69 W m-2 of plain Bird."""
    table = pd.read_csv(resource("catalogs/samples/tower_matchups.csv")).dropna(subset=["tower_sw_in"])
    time = pd.to_datetime(table["time"]).to_numpy()
    zenith, _ = solar.zenith_azimuth(time, table["latitude"].to_numpy(), table["longitude"].to_numpy())
    ds = sky(
        zenith,
        extraterrestrial_shortwave=solar.extraterrestrial(time),
        aod=table["aerosol_optical_thickness"],
        water_vapour=10.0 * table["water_vapour"],
        ozone=1000.0 * table["ozone"],
        surface_pressure=[float(standard_pressure.python(z)) for z in table["elevation"]],
        albedo=table["albedo"],
    )
    error = ml.retrieve("dsr", ds, method="clear_sky", uncertainty=False).dsr.values - table["tower_sw_in"].to_numpy()
    assert error.size == 1055
    assert np.sqrt(np.mean(error**2)) < 62.0
    assert abs(error.mean()) < 5.0


def test_mcclear_agrees_within_a_few_percent():
    """CAMS McClear v3.1 near Copenhagen with its own aerosol, vapour, ozone and albedo: an independent LUT model."""
    path = SHARED / "cams_mcclear_1min_verbose.csv"
    if not path.exists():
        pytest.skip(f"{path.name} is not there (../shared/data)")
    lines = path.read_text(encoding="utf-8").splitlines()
    head = max(k for k, line in enumerate(lines) if line.startswith("#"))
    names = lines[head].lstrip("# ").split(";")
    table = pd.read_csv(path, sep=";", skiprows=head + 1, names=names)
    table = table[(table["sza"] < 85) & (table["TOA"] > 0)]
    depth = table[[n for n in names if n.startswith("AOD")]].sum(axis=1)
    toa = 60.0 * table["TOA"] / np.cos(np.radians(table["sza"]))
    ds = sky(
        table["sza"],
        extraterrestrial_shortwave=toa.clip(1300, 1430),
        aod=depth,
        water_vapour=table["tcwv"],
        ozone=table["tco3"],
        surface_pressure=101000.0,
        albedo=table["albedo"],
    )
    made = ml.retrieve("dsr", ds, method="clear_sky", variables=PARTS)
    theirs = 60.0 * table["Clear sky GHI"].to_numpy()
    np.testing.assert_allclose(made.dsr, theirs, rtol=0.03)
