"""Clear-sky models: values of other packages, limits, closures, NREL's own table, and one float type for all."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from musyq_lab.kernels import clear_sky
from musyq_lab.kernels._clear_sky_rest2 import BAND_1, BAND_2
from musyq_lab.kernels.weather import standard_pressure

REFERENCE = Path(__file__).parents[1] / "reference" / "dsr.csv"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "ground_radiation_pvlib"
AIR = (0.12, 1.3, 20.0, 320.0, 98000.0)  # aod, exponent, vapour, ozone, pressure
SUNS = np.array([0.0, 30.0, 60.0, 80.0, 89.0])
NAMES = ("aod", "angstrom_exponent", "water_vapour", "ozone", "pressure", "albedo")
ARGUMENTS = {
    "bird": NAMES,
    "rest2": NAMES,
    "solis": ("aod", "angstrom_exponent", "water_vapour", "pressure"),
    "ineichen": ("linke", "pressure"),
    "esra": ("linke", "pressure"),
}


def vectors():
    with REFERENCE.open(encoding="utf-8") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        return [{k: v if k == "model" else float(v) if v else None for k, v in row.items()} for row in rows]


def evaluate(row):
    zenith, beyond = row["sun_zenith"], row["extraterrestrial"]
    given = [row[name] for name in ARGUMENTS[row["model"]]]
    if row["air_mass"] is not None:
        return clear_sky.bird_at_mass.python(zenith, row["air_mass"], beyond, *given)
    return getattr(clear_sky, row["model"]).python(zenith, beyond, *given)


def sky(model, zenith, albedo=0.2, linke=3.0, dtype=float):
    values = dict(zip(NAMES, (*AIR, albedo), strict=True)) | {"linke": linke}
    given = [np.asarray(values[name], dtype) for name in ARGUMENTS[model]]
    zenith = np.asarray(zenith, dtype)
    return getattr(clear_sky, model).python(zenith, np.asarray(1361.0, dtype), *given)


@pytest.mark.parametrize("row", [r for r in vectors() if r["model"] != "haurwitz"], ids=lambda r: r["model"])
def test_other_packages_agree(row):
    direct, diffuse = evaluate(row)
    assert direct + diffuse == pytest.approx(row["global"], rel=row["tolerance"])
    assert direct == pytest.approx(row["direct"], rel=row["tolerance"])
    if row["model"] != "solis":  # whose own diffuse light does not close with its beam and global
        assert diffuse == pytest.approx(row["diffuse"], rel=row["tolerance"])


@pytest.mark.parametrize("row", [r for r in vectors() if r["model"] == "solis"], ids=lambda r: f"{r['global']:.0f}")
def test_diffuse_light_of_solis_itself(row):
    given = [row[name] for name in ARGUMENTS["solis"]]
    made = clear_sky.solis_diffuse.python(row["sun_zenith"], row["extraterrestrial"], *given)
    assert made == pytest.approx(row["diffuse"], rel=1e-12)


@pytest.mark.parametrize("row", [r for r in vectors() if r["model"] == "haurwitz"], ids=lambda r: f"{r['global']:.0f}")
def test_haurwitz_agrees(row):
    assert clear_sky.haurwitz.python(row["sun_zenith"]) == pytest.approx(row["global"], rel=row["tolerance"])


def test_solis_below_a_depth_of_a_twentieth():
    """The other branch of the diffuse coefficients, beside pvlib."""
    pvlib = pytest.importorskip("pvlib")
    theirs = pvlib.clearsky.simplified_solis(50.0, 0.02, 1.2, 95000.0, 1361.0)
    aod = 0.02 * (700 / 550) ** 1.3
    ours = clear_sky.solis_diffuse.python(40.0, 1361.0, aod, 1.3, 12.0, 95000.0)
    assert ours == pytest.approx(float(theirs["dhi"]), rel=1e-12)


def test_dry_air_counts_as_two_millimetres_in_solis():
    assert sky_of_solis(0.5) == pytest.approx(sky_of_solis(2.0), abs=1e-12)
    assert sky_of_solis(4.0)[0] < sky_of_solis(2.0)[0]


def sky_of_solis(vapour):
    return clear_sky.solis.python(40.0, 1361.0, 0.1, 1.3, vapour, 101325.0)


@pytest.mark.parametrize("file", ["BIRD_08_16_2012.csv"])
def test_the_table_of_nrel_is_reproduced(file):
    """Bird's own spreadsheet: a year of hours at one place (pvlib holds itself to 1e-3 of it)."""
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"{file} is not there (../shared/data)")
    table = pd.read_csv(path, header=1).dropna(subset=["Zenith Ang"])
    up = table[(table["Zenith Ang"] < 88.0) & (table["Direct Hz"] > 0)].iloc[::12]  # every month and hour
    angle = math.log(0.15 / 0.1) / math.log(500 / 380)
    aod = np.full(len(up), 0.1 * (500 / 550) ** angle)
    columns = [np.full(len(up), v) for v in (angle, 15.0, 300.0, 84000.0, 0.2)]
    given = [np.ascontiguousarray(up[c].to_numpy(float)) for c in ("Zenith Ang", "ETR")]
    direct, diffuse = clear_sky.bird.python(*given, aod, *columns)
    np.testing.assert_allclose(direct, up["Direct Hz"], rtol=1e-3)
    np.testing.assert_allclose(direct + diffuse, up["Global Hz"], rtol=1e-3)


@pytest.mark.parametrize("model", ARGUMENTS)
def test_no_light_at_night_and_less_than_above_the_air_by_day(model):
    for zenith in (90.0, 100.0, 130.0, 180.0):
        assert sky(model, zenith) == (0.0, 0.0)
    for zenith in SUNS:
        direct, diffuse = sky(model, zenith)
        beyond = 1361.0 * math.cos(math.radians(zenith))
        assert direct >= 0
        assert diffuse > 0
        assert direct + diffuse < 1.02 * beyond + 2.0  # ESRA's diffuse light at the horizon exceeds it by 1 W m-2


@pytest.mark.parametrize("model", ARGUMENTS)
def test_unknown_inputs_give_nothing(model):
    assert np.isnan(sky(model, np.nan)).all()
    assert np.isnan(sky(model, 30.0, albedo=np.nan)[1]) == ("albedo" in ARGUMENTS[model])
    assert np.isnan(sky(model, 30.0, linke=np.nan)[0]) == ("linke" in ARGUMENTS[model])


@pytest.mark.parametrize("model", ["bird", "rest2"])
def test_ground_adds_diffuse_light_only_and_as_the_series_of_reflections(model):
    black, grey, white = (sky(model, 40.0, albedo=a) for a in (0.0, 0.4, 0.8))
    assert black[0] == grey[0] == white[0]
    assert black[1] < grey[1] < white[1]
    # G0 / G = 1 - A r is linear in A for one band, and all but so for the two of REST2
    ratios = [(black[0] + black[1]) / (s[0] + s[1]) for s in (grey, white)]
    assert 1 - ratios[1] == pytest.approx(2 * (1 - ratios[0]), rel=1e-9 if model == "bird" else 0.06)


@pytest.mark.parametrize("model", ["bird", "rest2", "solis"])
def test_aerosol_and_vapour_weaken_the_beam(model):
    clean = dict(zip(NAMES, (*AIR, 0.2), strict=True))
    run = getattr(clear_sky, model).python

    def beam(**more):
        given = clean | more
        return run(40.0, 1361.0, *(given[n] for n in ARGUMENTS[model]))[0]

    assert beam(aod=0.5) < beam() < beam(aod=0.02)
    assert beam(water_vapour=50.0) < beam() < beam(water_vapour=3.0)
    assert beam(pressure=70000.0) != beam()


@pytest.mark.parametrize("model", ["ineichen", "esra"])
def test_turbidity_weakens_the_beam_and_feeds_the_diffuse_light(model):
    clean, hazy = (sky(model, 40.0, linke=t) for t in (2.0, 6.0))
    assert hazy[0] < clean[0]
    assert hazy[1] > clean[1]


def test_bands_of_rest2_sum_to_the_whole():
    for zenith in SUNS:
        bands = clear_sky.rest2_bands.python(zenith, 1361.0, *AIR)
        direct, diffuse = clear_sky.rest2.python(zenith, 1361.0, *AIR, 0.0)
        assert bands[0] + bands[3] == pytest.approx(direct, rel=1e-13)
        assert bands[1] + bands[4] == pytest.approx(diffuse, rel=1e-12, abs=1e-12)
        whole = sum((bands[k] + bands[k + 1]) / (1 - 0.3 * bands[k + 2]) for k in (0, 3))
        assert sum(clear_sky.rest2.python(zenith, 1361.0, *AIR, 0.3)) == pytest.approx(whole, rel=1e-12)
    assert BAND_1 + BAND_2 < 1


def test_rest2_stays_finite_where_its_quotients_have_poles():
    """Small exponents under dense aerosol and a low Sun: effective wavelengths stay within their bands."""
    for alpha in (0.0, 0.2, 0.5, 1.0, 2.5, 3.0):
        for aod in (0.0, 0.5, 2.0, 5.0):
            for zenith in (10.0, 75.0, 85.0, 89.5):
                direct, diffuse = clear_sky.rest2.python(zenith, 1361.0, aod, alpha, 15.0, 300.0, 101325.0, 0.2)
                assert 0 <= direct + diffuse <= 1361.0 * math.cos(math.radians(zenith)), (alpha, aod, zenith)


def test_rest2_without_aerosol_has_no_pole_either():
    direct, diffuse = clear_sky.rest2.python(30.0, 1361.0, 0.0, 1.3, 0.0, 0.0, 101325.0, 0.0)
    assert 0.85 < (direct + diffuse) / (1361.0 * math.cos(math.radians(30.0))) < 0.95


def test_air_mass_is_that_of_pvlib():
    pvlib = pytest.importorskip("pvlib")
    for zenith in (0.0, 45.0, 80.0, 89.9):
        theirs = pvlib.atmosphere.get_relative_airmass(zenith, "kastenyoung1989")
        assert clear_sky.kasten_young.python(zenith) == pytest.approx(float(theirs), rel=1e-12)


def test_turbidity_and_vapour_are_those_of_pvlib():
    """Vectors kasten_pyrheliometric and gueymard94_pw."""
    assert clear_sky.linke_turbidity.python(1.5, 15.0, 0.1) == pytest.approx(3.462539478663, rel=1e-12)
    assert clear_sky.vapour_from_humidity.python(293.15, 0.5) == pytest.approx(18.67349387403173, rel=1e-12)
    assert clear_sky.vapour_from_humidity.python(303.15, 0.8) == pytest.approx(53.37558935178586, rel=1e-12)
    assert clear_sky.vapour_from_humidity.python(220.0, 0.1) == 1.0  # never below a millimetre


def test_broadband_depth_is_that_of_bird_and_hulstrom():
    """Vector bird_hulstrom80_aod_bb: 0.0833745 from 0.15 and 0.12 at 380 and 500 nm; as the beam of Bird knows it."""
    broad = 0.0833745
    alpha = math.log(0.15 / 0.12) / math.log(500 / 380)
    aod = 0.12 * (500 / 550) ** alpha
    given = (alpha, 0.0, 0.0, 101325.0, 0.0)
    hazy = clear_sky.bird_at_mass.python(0.0, 1.0, 1361.0, aod, *given)[0]
    clear = clear_sky.bird_at_mass.python(0.0, 1.0, 1361.0, 0.0, *given)[0]
    assert hazy / clear == pytest.approx(math.exp(-(broad**0.873) * (1 + broad - broad**0.7088)), rel=1e-6)


def test_altitude_follows_from_the_pressure():
    """Ineichen at the pressure of 1519 m is pvlib's Ineichen at 1519 m."""
    pvlib = pytest.importorskip("pvlib")
    pressure = float(standard_pressure.python(1519.0))
    mass = float(clear_sky.kasten_young.python(40.0)) * pressure / 101325.0
    theirs = pvlib.clearsky.ineichen(40.0, mass, 3.0, altitude=1519.0, dni_extra=1361.0)
    direct, diffuse = clear_sky.ineichen.python(40.0, 1361.0, 3.0, pressure)
    assert direct + diffuse == pytest.approx(float(theirs["ghi"]), rel=1e-6)
    assert direct == pytest.approx(float(theirs["dni"]) * math.cos(math.radians(40.0)), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("model", ARGUMENTS)
def test_compiled_is_the_python_twin(model):
    """Seconds of compiling for each model."""
    zenith = np.linspace(0.0, 95.0, 40)
    values = dict(zip(NAMES, (*AIR, 0.2), strict=True)) | {"linke": 3.0}
    given = [np.full(zenith.size, v) for v in (1361.0, *(values[n] for n in ARGUMENTS[model]))]
    kernel = getattr(clear_sky, model)
    for one, two in zip(kernel(zenith, *given), kernel.python(zenith, *given), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)


def test_compiled_in_float32_is_close_to_the_python_twin_in_float64():
    zenith = np.linspace(0.0, 95.0, 40)
    fields = [np.full(zenith.size, v) for v in (1361.0, *AIR, 0.2)]
    twin = clear_sky.rest2.python(zenith, *fields)
    single = clear_sky.rest2(*(a.astype("float32") for a in (zenith, *fields)))
    for one, two in zip(single, twin, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=0.01)
