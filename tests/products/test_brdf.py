"""Kernel weights from looks: published numbers, planted surfaces, numpy's least squares, errors as stated."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import INPUT_MISSING
from musyq_lab.kernels import brdf as kernels
from musyq_lab.products.brdf import ROLES, SPEC, brdf
from musyq_lab.standard.nadir import FIXED, fixed_weights

BIT = {flag.name: flag.mask for flag in SPEC.flags}
EVERY = ["brdf_iso_red", "brdf_vol_red", "brdf_geo_red", "inversion_red", "looks_red", "rmse_red", "wod_nadir_red"]
EVERY += ["wod_white_red", "sun_zenith"]
MAGNITUDE, FULL = 1, 2
# The looks of the vector brdf_inversion_roundtrip: Sun, view, azimuth (deg), reflectance.
TWELVE = np.array(
    [
        (44.108851, 16.187203, 7.375234, 0.2805808808666297),
        (25.495829, 48.796214, 164.296004, 0.22381555546203938),
        (43.199073, 43.769794, 97.852498, 0.24270182077023963),
        (53.052173, 48.951213, 0.49293, 0.383467496555188),
        (50.722128, 2.015135, 131.33798, 0.24186237151608464),
        (30.269669, 51.790735, 97.46302, 0.2408743663295361),
        (33.991357, 25.361233, 5.097541, 0.30953909745393016),
        (28.728498, 40.237465, 116.494112, 0.23721109732473009),
        (43.461553, 23.020653, 179.497788, 0.22784765549266672),
        (54.42506, 41.132519, 117.08267, 0.2300118847294903),
        (45.653402, 23.335285, 24.317371, 0.28884708080704924),
        (46.64465, 31.521259, 55.843538, 0.2727735895692293),
    ]
)


def cases():
    path = Path(__file__).parents[1] / "reference" / "brdf.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def dataset(sun, view, azimuth, **reflectance):
    """Return looks as a dataset with the dims pixel and time."""
    layers = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": azimuth, **reflectance}
    count = np.shape(sun)[-1]
    made = {}
    for name, values in layers.items():
        array = np.asarray(values, float)
        dims = ("time",) if array.ndim == 1 else ("pixel", "time")
        made[name] = (dims, array, {"units": "1" if name.startswith("reflectance") else "degree"})
    dates = np.datetime64("2019-07-01", "ns") + np.arange(count) * np.timedelta64(1, "D")
    return xr.Dataset(made, {"time": dates})


def angles(pixels, looks, seed=0, sun=(20, 60)):
    draw = np.random.Generator(np.random.Philox(seed))
    return [draw.uniform(a, b, (pixels, looks)) for a, b in (sun, (0, 60), (0, 180))]


def seen(given, weights):
    vol, geo = kernels.values(*given)
    iso, v, g = (np.asarray(w)[..., None] for w in weights)
    return iso + v * vol + g * geo


@pytest.mark.parametrize(
    "row", [r for r in cases() if r["vector"] == "brdf_inversion_roundtrip"], ids=lambda r: r["quantity"]
)
def test_published_inversion(row):
    made = brdf(dataset(*TWELVE.T[:3], reflectance_red=TWELVE[None, :, 3]), variables=EVERY)
    white = sum(
        w * float(made[f"brdf_{k}_red"][0]) for k, w in zip(("iso", "vol", "geo"), kernels.WHITE_SKY, strict=True)
    )
    found = {
        **{kind: float(made[f"brdf_{kind}_red"][0]) for kind in ("iso", "vol", "geo")},
        "WoD_nadir45": float(made.wod_nadir_red[0]),
        "WoD_wsa": float(made.wod_white_red[0]),
        "wsa": white,
    }
    assert found[row["quantity"]] == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize(
    "row", [r for r in cases() if r["vector"] == "nbar_c_factor"], ids=lambda r: f"{r['quantity']}-{r['sun_zenith']}"
)
def test_published_factors_to_nadir(row):
    """Weights in the proportions of all land give the published factors, whatever the reflectance of the one look."""
    role = dict(zip(("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12"), FIXED, strict=False))
    role |= {"B11": "swir1", "B12": "swir2"}
    name = role[row["quantity"]]
    sun, view, azimuth = (float(row[k]) for k in ("sun_zenith", "view_zenith", "relative_azimuth"))
    look = {f"reflectance_{name}": [[0.234]]}
    made = brdf(dataset([[sun]], [[view]], [[azimuth]], **look), method="magnitude")
    weights = [float(made[f"brdf_{kind}_{name}"][0]) for kind in ("iso", "vol", "geo")]
    nadir = weights @ np.array([1.0, *kernels.values.python(sun, 0.0, azimuth)])
    assert nadir / 0.234 == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_planted_weights_of_every_band_come_back():
    given = angles(30, 16)
    draw = np.random.Generator(np.random.Philox(1))
    planted = {role: [draw.uniform(a, b, 30) for a, b in ((0.2, 0.5), (0, 0.3), (0, 0.05))] for role in ROLES}
    looks = {f"reflectance_{role}": seen(given, weights) for role, weights in planted.items()}
    made = brdf(dataset(*given, **looks))
    for role, weights in planted.items():
        full = made[f"inversion_{role}"] == FULL
        assert full.mean() > 0.9
        for kind, wanted in zip(("iso", "vol", "geo"), weights, strict=True):
            np.testing.assert_allclose(made[f"brdf_{kind}_{role}"].values[full], wanted[full], atol=1e-11)


def test_bands_without_looks_are_left_out_unless_asked_for():
    looks = dataset(*angles(2, 9), reflectance_red=np.full((2, 9), 0.1), reflectance_nir=np.full((2, 9), 0.3))
    made = brdf(looks)
    assert {name.rsplit("_", 1)[-1] for name in made.data_vars if str(name).startswith("inversion")} == {"red", "nir"}
    with pytest.raises(InputError, match="reflectance_blue"):
        brdf(looks, variables=["brdf_iso_blue"])
    with pytest.raises(InputError, match="the reflectance of a band"):
        brdf(looks[["sun_zenith", "view_zenith", "relative_azimuth"]])


def test_noisy_looks_as_numpy_solves_them():
    given = angles(60, 20, seed=2)
    draw = np.random.Generator(np.random.Philox(3))
    noisy = seen(given, [np.full(60, 0.3), np.full(60, 0.15), np.full(60, 0.03)]) + draw.normal(0, 0.004, (60, 20))
    noisy[draw.uniform(size=noisy.shape) < 0.2] = np.nan
    made = brdf(dataset(*given, reflectance_red=noisy), variables=EVERY)
    vol, geo = kernels.values(*given)
    compared = 0
    for p in range(60):
        good = np.isfinite(noisy[p])
        a = np.stack([np.ones(20), vol[p], geo[p]], 1)[good]
        wanted = np.linalg.lstsq(a, noisy[p, good], rcond=None)[0]
        assert int(made.looks_red[p]) == good.sum()
        inverse = np.linalg.inv(a.T @ a)
        if (wanted[1:] < 0).any() or int(made.inversion_red[p]) != FULL:
            continue
        compared += 1
        found = [float(made[f"brdf_{kind}_red"][p]) for kind in ("iso", "vol", "geo")]
        np.testing.assert_allclose(found, wanted, atol=1e-11)
        rmse = np.sqrt(np.mean((noisy[p, good] - a @ wanted) ** 2))
        assert float(made.rmse_red[p]) == pytest.approx(rmse, rel=1e-6)
        prior = np.mean(0.005**2 + (0.05 * noisy[p, good]) ** 2)
        look = (4 * prior + good.sum() * rmse**2) / (4 + good.sum() - 3)
        sigma = [float(made[f"brdf_{kind}_red_uncertainty"][p]) for kind in ("iso", "vol", "geo")]
        np.testing.assert_allclose(sigma, np.sqrt(np.diag(inverse) * look), rtol=1e-6)
    assert compared > 40


def test_stated_errors_cover_the_real_ones():
    """Two thirds of the weights lie within one sigma when the looks scatter as they say."""
    given = angles(4000, 14, seed=4)
    truth = [np.full(4000, 0.3), np.full(4000, 0.2), np.full(4000, 0.05)]
    noise = 0.01 * np.random.Generator(np.random.Philox(5)).normal(size=(4000, 14))
    looks = dataset(*given, reflectance_nir=seen(given, truth) + noise)
    looks["reflectance_nir_uncertainty"] = xr.full_like(looks.reflectance_nir, 0.01)
    made = brdf(looks)
    full = (made.inversion_nir == FULL).values
    assert full.mean() > 0.8
    for kind, wanted in zip(("iso", "vol", "geo"), truth, strict=True):
        error = np.abs(made[f"brdf_{kind}_nir"].values - wanted)[full]
        share = np.mean(error <= made[f"brdf_{kind}_nir_uncertainty"].values[full])
        assert 0.62 < share < 0.74, kind


def test_a_lone_look_scales_the_proportions_of_all_land():
    made = brdf(dataset([[35.0]], [[20.0]], [[60.0]], reflectance_nir=[[0.4]]))
    weights = np.array([float(made[f"brdf_{kind}_nir"][0]) for kind in ("iso", "vol", "geo")])
    np.testing.assert_allclose(weights / weights[0], np.array(FIXED["nir"]) / FIXED["nir"][0], rtol=1e-6)
    assert weights @ np.array([1.0, *kernels.values.python(35.0, 20.0, 60.0)]) == pytest.approx(0.4, rel=1e-9)
    assert int(made.inversion_nir[0]) == MAGNITUDE
    assert int(made.brdf_qa[0]) == BIT["few_looks"] | BIT["magnitude_inversion"]
    same = [np.full((1, 5), angle) for angle in (35.0, 20.0, 60.0)]
    more = brdf(dataset(*same, reflectance_nir=np.full((1, 5), 0.4)))
    assert float(more.brdf_iso_nir_uncertainty[0]) < float(made.brdf_iso_nir_uncertainty[0]) < 0.15


def test_a_lambertian_surface_is_the_mean_of_its_looks():
    looks = np.random.Generator(np.random.Philox(6)).uniform(0.2, 0.3, (3, 8))
    made = brdf(dataset(*angles(3, 8), reflectance_red=looks), method="lambertian")
    np.testing.assert_allclose(made.brdf_iso_red, looks.mean(axis=1), rtol=1e-12)
    assert float(abs(made.brdf_vol_red).max()) == float(abs(made.brdf_geo_red).max()) == 0.0
    assert (made.brdf_vol_red_uncertainty > 0).all()  # that no surface is Lambertian is an error too


def test_looks_from_one_direction_are_told_apart_from_few():
    narrow = [np.full((1, 20), a) for a in (30.0, 10.0, 40.0)]
    draw = np.random.Generator(np.random.Philox(7))
    made = brdf(dataset(*narrow, reflectance_red=0.2 + draw.normal(0, 0.002, (1, 20))))
    assert int(made.brdf_qa[0]) == BIT["narrow_angles"] | BIT["magnitude_inversion"]


def test_a_negative_weight_is_held_at_zero_and_told():
    given = angles(1, 25, seed=8)
    made = brdf(dataset(*given, reflectance_red=seen(given, [[0.3], [0.2], [-0.02]])))
    assert float(made.brdf_geo_red[0]) == 0.0
    assert int(made.inversion_red[0]) == FULL
    assert int(made.brdf_qa[0]) == BIT["weight_at_zero"]


def test_looks_at_the_horizon_do_not_count():
    given = angles(1, 12, seed=9)
    looks = seen(given, [[0.3], [0.1], [0.02]])
    alone = brdf(dataset(*given, reflectance_red=looks), variables=EVERY)
    low = np.array([[[85.0, 30.0]], [[10.0, 80.0]], [[0.0, 0.0]]])
    far = [np.concatenate(pair, axis=1) for pair in zip(given, low, strict=True)]
    more = brdf(dataset(*far, reflectance_red=np.concatenate([looks, [[0.9, 0.9]]], axis=1)), variables=EVERY)
    xr.testing.assert_allclose(more.drop_vars("brdf_inputs_qa"), alone.drop_vars("brdf_inputs_qa"), rtol=1e-9)
    assert int(more.looks_red[0]) == 12


def test_no_look_is_no_weight():
    looks = np.full((2, 10), 0.2)
    looks[1] = np.nan
    made = brdf(dataset(*angles(2, 10), reflectance_red=looks), variables=EVERY)
    assert int(made.brdf_qa[1]) & INPUT_MISSING.mask
    for name in EVERY[:-1]:
        assert np.isfinite(made[name][0])
        assert np.isnan(made[name][1])


def test_cloudy_dates_of_a_scene_do_not_count():
    given = angles(1, 12, seed=10)
    looks = dataset(*given, reflectance_red=seen(given, [[0.3], [0.1], [0.02]]))
    cloudy = looks.copy(deep=True)
    cloudy["reflectance_red"][0, 3] = 0.8
    flags = {"flag_masks": np.array([4], "uint16"), "flag_meanings": "cloud"}
    cloudy["qa"] = (("pixel", "time"), np.zeros((1, 12), "uint16"), flags)
    cloudy["qa"][0, 3] = 4
    left = [i for i in range(12) if i != 3]
    wanted = brdf(looks.isel(time=left))
    for name in ("brdf_iso_red", "brdf_vol_red", "brdf_geo_red"):
        np.testing.assert_allclose(brdf(cloudy)[name], wanted[name], rtol=1e-9)


def test_time_may_come_first_and_angles_be_common_to_all_pixels():
    given = [a[0] for a in angles(1, 14, seed=11)]
    looks = seen([np.tile(a, (6, 1)) for a in given], [np.linspace(0.2, 0.4, 6), np.full(6, 0.1), np.full(6, 0.02)])
    wanted = brdf(dataset(*given, reflectance_red=looks))
    turned = dataset(*given, reflectance_red=looks).transpose("time", "pixel")
    xr.testing.assert_allclose(brdf(turned), wanted)
    np.testing.assert_allclose(wanted.brdf_iso_red, np.linspace(0.2, 0.4, 6), atol=1e-10)
    np.testing.assert_allclose(wanted.sun_zenith, np.mean(given[0]), rtol=1e-9)


def test_fewest_looks_are_the_users_choice_within_reason():
    given = angles(1, 6, seed=12)
    looks = dataset(*given, reflectance_red=seen(given, [[0.3], [0.1], [0.02]]))
    assert int(brdf(looks).inversion_red[0]) == MAGNITUDE
    assert int(brdf(looks, fewest=4).inversion_red[0]) == FULL
    with pytest.raises(InputError, match="at least 4 looks"):
        brdf(looks, fewest=3)


def test_every_role_has_proportions():
    weights = fixed_weights(list(ROLES), [0.5] * len(ROLES))
    assert set(weights["band"].values) == set(ROLES)
    assert set(FIXED) <= set(ROLES)


def test_weights_lead_to_albedo_in_two_lines():
    given = angles(4, 16, seed=13)
    looks = dataset(*given, **{f"reflectance_{role}": seen(given, [np.full(4, i), np.full(4, 0.1), np.full(4, 0.02)]) for role, i in (("red", 0.1), ("nir", 0.35))})  # fmt: skip  # noqa: E501
    weights = ml.retrieve(["brdf"], looks)
    made = ml.retrieve("albedo", weights)
    assert np.isfinite(made.albedo).all()
    assert "retrieve:brdf" in made.attrs["history"]
    assert "retrieve:albedo" in made.attrs["history"]
    both = ml.retrieve(["brdf", "albedo"], looks)
    np.testing.assert_array_equal(both.albedo, made.albedo)  # under the mean Sun of the looks, in one call too


def test_a_lone_scene_has_albedo_once_it_has_a_time(monkeypatch):
    bands = ["blue", "green", "red", "nir", "swir1", "swir2"]
    draw = np.random.Generator(np.random.Philox(14))
    reflectance = draw.uniform(0.05, 0.3, (6, 3, 4))
    angles_of = {"sun_zenith": 35.0, "view_zenith": 5.0, "relative_azimuth": 40.0}
    scene = xr.Dataset(
        {name: (("y", "x"), np.full((3, 4), value), {"units": "degree"}) for name, value in angles_of.items()},
        {"band": bands, "wavelength": ("band", [0.48, 0.56, 0.65, 0.86, 1.61, 2.2])},
        {"sensor": "landsat_oli", "platform": "Landsat-8"},
    ).assign(reflectance=(("band", "y", "x"), reflectance, {"units": "1"}))
    found = brdf(scene.expand_dims("time"))
    assert all((found[f"inversion_{role}"] == MAGNITUDE).all() for role in bands)
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")  # twelve pixels take no time, a compilation seconds
    made = ml.retrieve("albedo", found)
    assert made.albedo.dims == ("y", "x")
    assert 'sensor="landsat_oli/Landsat-8"' in made.attrs["history"]
    seen_from_above = reflectance.mean(axis=0)
    assert np.corrcoef(made.albedo.values.ravel(), seen_from_above.ravel())[0, 1] > 0.8
