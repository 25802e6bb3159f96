"""Aerosol of scenes made with known optical depths, of runs of 6S, of real ones, and what is refused."""

import csv
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels import aerosol as kernels
from musyq_lab.kernels import ground
from musyq_lab.kernels.canopy import CanopyParameters, campbell, canopy_bands, over_soil
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import aerosol, atmosphere, correction, layout
from musyq_lab.standard._aerosol_surfaces import land
from musyq_lab.standard.spectra import band_weights

SIZE, STEP = 64, 500.0
AIR = {"water_vapour": 20.0, "ozone": 300.0, "pressure": 950.0}
PRIOR = (0.3, 0.25)
ANGLES = {"sun_zenith": 35.0, "sun_azimuth": 150.0, "view_zenith": 8.0, "view_azimuth": 100.0}
BANDS = {
    "landsat_oli": ("blue", "green", "red", "nir", "swir1", "swir2"),
    "gf1_wfv": ("blue", "green", "red", "nir"),
}
VARIANT = {"gf1_wfv": "WFV1"}


def leaves(sensor, *, leaf_area=(0.5, 5.0), key=5):
    """Return the reflectance of fields, shape (band, y, x): leaves and soils drawn here, not from the library."""
    draw = np.random.Generator(np.random.Philox(key))
    bands = band_weights(sensor, BANDS[sensor], VARIANT.get(sensor, ""), step=5)
    count = 60
    chlorophyll = draw.uniform(30, 60, count)
    layer = canopy_bands(
        CanopyParameters(
            n=draw.uniform(1.4, 1.7, count),
            cab=chlorophyll,
            car=0.22 * chlorophyll,
            ant=np.zeros(count),
            cbrown=np.zeros(count),
            cw=draw.uniform(0.008, 0.02, count),
            cm=draw.uniform(0.004, 0.009, count),
            lai=draw.uniform(*leaf_area, count),
            leaf_angles=campbell(draw.uniform(45, 65, count)),
            hotspot=0.2,
            sun_zenith=ANGLES["sun_zenith"],
            view_zenith=ANGLES["view_zenith"],
            relative_azimuth=50.0,
        ),
        bands.leaf,
        bands.weights,
    )
    soil = ground.soil(bands.wavelength, bands.leaf.water, draw.uniform(0.2, 0.4, count), moisture=0.15)
    fields = over_soil(layer, bands.average(soil)).rsot
    return fields[draw.integers(0, count, (SIZE, SIZE))].transpose(2, 0, 1)


def fields(sensor, key=6):
    """Return the reflectance of more or less green land, shape (band, y, x): from the library, each band 3 % off."""
    draw = np.random.Generator(np.random.Philox(key))
    spectra = land(sensor, BANDS[sensor], VARIANT.get(sensor, ""))
    green = spectra[(spectra[:, 3] > 2.5 * spectra[:, 2]) & (spectra[:, 2] < 0.12)]
    drawn = green[draw.integers(0, green.shape[0], (SIZE, SIZE))]
    return (drawn * draw.normal(1.0, 0.03, drawn.shape)).transpose(2, 0, 1)


def scene(sensor, aod, *, surface=None, pressure=AIR["pressure"], **changes):
    """Return a standard scene over a surface, under aerosol that is a number or a field."""
    surface = fields(sensor) if surface is None else surface
    state = {name: np.full((SIZE, SIZE), value, np.float32) for name, value in ANGLES.items()}
    turn = abs(ANGLES["sun_azimuth"] - ANGLES["view_azimuth"])
    toa = []
    for name, reflectance in zip(BANDS[sensor], surface, strict=True):
        column = {**AIR, "pressure": pressure, "aod": np.broadcast_to(np.asarray(aod, float), (SIZE, SIZE))}
        here = {"sun_zenith": ANGLES["sun_zenith"], "view_zenith": ANGLES["view_zenith"], "relative_azimuth": turn}
        sky = atmosphere.coefficients(sensor, name, VARIANT.get(sensor, ""), **here, **column)
        toa.append(atmosphere.toa_reflectance(reflectance, sky))
    variables = {"reflectance": (("band", "y", "x"), np.array(toa, np.float32), {"units": "1"})}
    variables |= {name: (("y", "x"), values, {"units": "degree"}) for name, values in state.items()}
    variables["qa"] = (("y", "x"), np.zeros((SIZE, SIZE), np.uint16))
    coords = {"band": list(BANDS[sensor]), "y": 4e6 - STEP * np.arange(SIZE), "x": 5e5 + STEP * np.arange(SIZE)}
    attrs = {"sensor": sensor, "platform": VARIANT.get(sensor, SENSORS[sensor].platforms[0])}
    attrs |= {"reflectance_level": "top of atmosphere", "time_coverage_start": "2019-07-01T03:00:00Z"}
    return xr.Dataset(variables, coords, {**attrs, "camera": VARIANT.get(sensor, "")}).assign(**changes)


@pytest.fixture(scope="module")
def hazy():
    return scene("landsat_oli", 0.4)


@pytest.mark.slow
def test_expected_error_of_dark_targets_is_met_over_fields_of_every_kind():
    """+-(0.05 + 0.15 aod) for 68 %, Levy et al. 2013, doi:10.5194/amt-6-2989-2013."""
    inside = []
    for sensor in ("landsat_oli", "gf1_wfv"):
        surface = leaves(sensor)
        for aod in (0.05, 0.2, 0.5, 0.9):
            found = aerosol.estimate(scene(sensor, aod, surface=surface), prior=PRIOR, **AIR)
            inside.append((np.abs(found["aod"] - aod) <= 0.05 + 0.15 * aod).mean().item())
    assert np.mean(inside) >= 0.68


def test_the_truth_lies_within_two_sigma(hazy):
    found = aerosol.estimate(hazy, prior=PRIOR, **AIR)
    away = np.abs(found["aod"] - 0.4) / found["aod_uncertainty"]
    assert (away < 2.0).mean() > 0.9
    assert (found["aod_uncertainty"] < 0.6 * PRIOR[1]).all()
    assert (found["aod_information"] > 0.6).all()


def test_a_gradient_is_followed():
    aod = np.linspace(0.1, 0.8, SIZE)[None, :] * np.ones((SIZE, 1))
    found = aerosol.estimate(scene("landsat_oli", aod), prior=PRIOR, **AIR)["aod"]
    line = found.mean("y").values
    assert np.corrcoef(line, aod[0])[0, 1] > 0.98
    assert line[-1] - line[0] == pytest.approx(0.6, abs=0.15)
    assert np.abs(np.diff(line)).max() < 0.05  # no steps at the borders of cells


@pytest.mark.parametrize("value", [0.08, 0.5])
def test_without_a_clear_pixel_the_prior_remains(hazy, value):
    cloudy = hazy.assign(qa=hazy["qa"] + np.uint16(SCENE_FLAG["cloud"].mask))
    found = aerosol.estimate(cloudy, prior=(value, 0.1), **AIR)
    np.testing.assert_allclose(found["aod"], value, rtol=0.03)
    np.testing.assert_allclose(found["aod_uncertainty"], 0.1, rtol=0.1)
    np.testing.assert_allclose(found["aod_information"], 0.0, atol=1e-5)


def test_a_desert_keeps_most_of_the_prior():
    """Bright ground of an unusual colour tells little: the result is a weighted mean, with a sigma that says so."""
    bright = np.array([0.17, 0.28, 0.42, 0.50, 0.58, 0.55])[:, None, None] * np.ones((1, SIZE, SIZE))
    desert = aerosol.estimate(scene("landsat_oli", 0.1, surface=bright), prior=(0.1, 0.05), **AIR)
    fields = aerosol.estimate(scene("landsat_oli", 0.1), prior=(0.1, 0.05), **AIR)
    np.testing.assert_allclose(desert["aod"], 0.1, atol=0.06)
    assert desert["aod_information"].mean() < fields["aod_information"].mean()


def test_a_tight_prior_wins_and_a_wide_one_does_not_matter(hazy):
    tight = aerosol.estimate(hazy, prior=(0.1, 0.003), **AIR)["aod"]
    wide = [aerosol.estimate(hazy, prior=(value, 1.0), **AIR)["aod"].mean().item() for value in (0.2, 0.8)]
    np.testing.assert_allclose(tight, 0.1, atol=0.01)
    assert wide[0] == pytest.approx(wide[1], abs=0.05)


def test_flagged_clouds_do_not_count(hazy):
    """Bright pixels under a flag, and haze beside them that the flag misses."""
    qa, light = hazy["qa"].copy(deep=True), hazy["reflectance"].copy(deep=True)
    light[:, 10:20, 10:30] = 0.6
    qa[10:20, 10:30] = SCENE_FLAG["cloud"].mask
    light[:, 9:21, 9] += 0.1
    clear = aerosol.estimate(hazy, prior=PRIOR, **AIR)["aod"]
    found = aerosol.estimate(hazy.assign(reflectance=light, qa=qa), prior=PRIOR, **AIR)["aod"]
    assert np.abs(found - clear).max() < 0.08


def test_missed_clouds_count_little(hazy):
    """One pixel in twenty is a cloud without a flag."""
    draw = np.random.Generator(np.random.Philox(9))
    missed = xr.DataArray(draw.random((SIZE, SIZE)) < 0.05, dims=("y", "x"))
    light = hazy["reflectance"].where(~missed, 0.5)
    clear = aerosol.estimate(hazy, prior=PRIOR, **AIR)["aod"]
    found = aerosol.estimate(hazy.assign(reflectance=light), prior=PRIOR, **AIR)["aod"]
    assert np.abs(found - clear).max() < 0.06


def test_over_uneven_ground_it_follows_the_pressure(hazy):
    """Scale heights of 2 and 8 km: the fourth power."""
    pressure = xr.DataArray(np.linspace(800, 1000, SIZE)[:, None] * np.ones(SIZE), dims=("y", "x"))
    cloudy = hazy.assign(qa=hazy["qa"] + np.uint16(SCENE_FLAG["cloud"].mask))
    found = aerosol.estimate(cloudy, prior=(0.2, 0.1), **(AIR | {"pressure": pressure}), cell=32000.0)["aod"]
    assert float(found[-1, 0] / found[0, 0]) == pytest.approx((1000 / 800) ** 4, rel=1e-3)
    assert found.mean().item() == pytest.approx(0.2, rel=0.05)


def test_cells_may_be_wider(hazy):
    wide = aerosol.estimate(hazy, prior=PRIOR, **AIR, cell=40000.0)["aod"]
    assert np.ptp(wide.values) == 0.0
    assert wide.dtype == np.float32


# ---- 6S --------------------------------------------------------------------------------------------------------------
def runs():
    lines = (Path(__file__).parents[1] / "reference" / "atmosphere.csv").read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    wanted = {"Landsat8_OLI_B2": ("landsat_oli", "blue"), "MODIS_T3": ("modis", "blue")}
    return [(wanted[row["band"]], row) for row in rows if row["band"] in wanted and row["altitude"] == "0"]


@pytest.mark.parametrize(
    ("band", "row"), runs(), ids=lambda value: value["aod"] if isinstance(value, dict) else value[0]
)
def test_runs_of_6s_give_their_optical_depth_back(band, row):
    """A dark surface under what 6S printed, path to three decimals: its aerosol within 0.02 + 5 %."""
    surface, passed = 0.03, float(row["gas"]) * float(row["down"]) * float(row["up"])
    toa = float(row["path"]) + passed * surface / (1 - float(row["spherical_albedo"]) * surface)
    angles = {name: float(row[name]) for name in ("sun_zenith", "view_zenith", "relative_azimuth")}
    depths = np.linspace(0.0, 1.0, 101)
    columns = {"water_vapour": 29.3, "ozone": 319.0} if "Summer" in row["profile"] else {"water_vapour": 20.0}
    sky = atmosphere.coefficients(*band, **angles, aod=depths, **columns, pressure=1013.0)
    tables = [part[:, None] for part in sky[:3]]
    mean = np.full((1, 1), np.log(surface + kernels.OFFSET))
    curve, _ = kernels.misfit.python([toa], *tables, mean, np.full((1, 1, 1), 100.0), np.zeros(1))
    truth = float(row["aod"])
    assert depths[curve.argmin()] == pytest.approx(truth, abs=0.02 + 0.05 * truth)


# ---- how it is computed ----------------------------------------------------------------------------------------------
def lazily(data, rows, columns):
    return data.chunk({"band": 1, "y": rows, "x": columns})


@pytest.mark.parametrize("chunks", [(64, 64), (17, 30), (5, 64)])
@pytest.mark.parametrize("threads", [1, 4])
def test_the_same_bits_for_every_chunking_and_number_of_threads(hazy, chunks, threads):
    whole = aerosol.estimate(hazy, prior=PRIOR, **AIR)
    parts = aerosol.estimate(lazily(hazy, *chunks), prior=PRIOR, **AIR)
    with dask.config.set(scheduler="threads", num_workers=threads):
        parts = parts.compute()
    for name in whole:
        np.testing.assert_array_equal(parts[name].values, whole[name].values)


def test_nothing_is_computed_while_the_graph_is_built(hazy):
    def refuse(*_args, **_kwargs):
        raise AssertionError("computed")

    lazy = lazily(hazy, 20, 20)
    with dask.config.set(scheduler=refuse):
        found = aerosol.estimate(lazy, prior=PRIOR, **AIR)
    assert all(isinstance(found[name].data, da.Array) for name in found)
    assert found["aod"].data.chunks == lazy["reflectance"].data.chunks[1:]


def test_the_climatology_serves_where_nothing_is_given(hazy):
    placed = hazy.drop_vars(["y", "x"]).rename(y="latitude", x="longitude")
    placed = placed.assign_coords(latitude=40.0 - 0.005 * np.arange(SIZE), longitude=115.0 + 0.005 * np.arange(SIZE))
    found = aerosol.estimate(placed)
    assert found["aod"].dims == ("latitude", "longitude")
    assert np.isfinite(found["aod"]).all()
    assert "climatology" in found.attrs["history"]


def test_what_it_says_of_itself(hazy):
    found = aerosol.estimate(hazy, prior=PRIOR, **AIR)
    assert found["aod"].attrs["units"] == "1"
    assert found["aod"].attrs["standard_name"] == "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"
    assert "aerosol.estimate" in found.attrs["history"]
    assert set(found) == {"aod", "aod_uncertainty", "aod_information"}


# ---- what is refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.assign_attrs(reflectance_level="surface"), "top of atmosphere"),
        (lambda s: s.drop_sel(band="red"), "band 'red'"),
        (lambda s: s.drop_sel(band="nir"), "near-infrared"),
        (lambda s: s.drop_vars("sun_zenith"), "sun_zenith"),
        (lambda s: s.drop_vars("sun_azimuth"), "sun_azimuth"),
        (lambda s: s.drop_vars("reflectance"), "standard scene"),
    ],
)
def test_scenes_that_cannot_be_used(hazy, change, words):
    with pytest.raises(InputError, match=words):
        aerosol.estimate(change(hazy), prior=PRIOR, **AIR)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"prior": 0.2}, "pair"),
        ({"prior": (0.2, 0.0)}, "above 0"),
        ({"prior": (0.2, "wide")}, "numbers"),
        ({"prior": None}, "place"),
        ({"water_vapour": None}, "place"),
        ({"water_vapour": [1.0, 2.0]}, "a number or a DataArray"),
        ({"pressure": 50.0}, "pressure"),
        ({"pressure": xr.DataArray(np.full(3, 900.0), dims="y")}, "pixels of the scene"),
        ({"cell": 100.0}, "as wide as a pixel"),
        ({"cell": float("nan")}, "as wide as a pixel"),
    ],
)
def test_what_is_given_must_fit(hazy, given, words):
    with pytest.raises(InputError, match=words):
        aerosol.estimate(hazy, **({"prior": PRIOR} | AIR | given))


def test_an_empty_scene_keeps_the_prior(hazy):
    empty = hazy.assign(reflectance=hazy["reflectance"] * np.nan)
    np.testing.assert_allclose(aerosol.estimate(empty, prior=PRIOR, **AIR)["aod"], PRIOR[0], rtol=0.03)


def test_one_pixel_is_enough(hazy):
    one = hazy.isel(y=slice(1), x=slice(1))
    found = aerosol.estimate(one, prior=PRIOR, **AIR)
    assert found["aod"].shape == (1, 1)
    assert float(found["aod_information"][0, 0]) > 0.0


# ---- the simulated Earth ---------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_a_simulated_scene_is_corrected_at_least_as_well_as_by_the_climatology(tmp_path):
    """Aerosol of the scene itself within the expected error; reflectance within 0.005 + 5 % for two pixels in three."""
    import musyq_lab as ml

    sim = ml.simulate(tmp_path, size=6, days=1, start="2019-07-01", cloudiness=0.0, sensors=["gf1_wfv"])
    path = sim.paths("gf1_wfv")[0]
    granule, truth = layout.stack(ml.open_scene(path)), sim.scene_truth(path)
    bands = list(BANDS["gf1_wfv"])
    granule = granule.sel(band=bands)
    shares = {}
    own = aerosol.estimate(granule)["aod"]
    for name, aod in (("own", own), ("climatology", None)):
        found = correction.correct(granule, aod=aod)["reflectance"].values
        surface = truth["surface_reflectance"].sel(band=bands).values
        known = np.isfinite(found) & np.isfinite(surface) & (truth["water_fraction"].values < 0.1)
        shares[name] = (np.abs(found - surface)[known] <= (0.005 + 0.05 * surface)[known]).mean()
    inside = np.isfinite(truth["aod"].values)
    expected = float(truth["aod"].values[inside].mean())
    assert own.values[inside].mean() == pytest.approx(expected, abs=0.05 + 0.15 * expected)
    assert shares["own"] >= 0.68
    assert shares["own"] >= shares["climatology"]
