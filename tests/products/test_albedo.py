"""Albedo: published numbers, skies and limits, 4SAIL canopies and real pixels beside it, errors, bits and methods."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import brdf as kernels
from musyq_lab.kernels import canopy
from musyq_lab.products import _broadband
from musyq_lab.products._broadband import ROLES
from musyq_lab.products.albedo import SPEC, albedo
from musyq_lab.standard.spectra import band_weights, broad_bands, intervals

BIT = {flag.name: flag.mask for flag in SPEC.flags}
KINDS = ("iso", "vol", "geo")
LANDSAT = tuple(role for role in ROLES if role != "nir_1240")


@pytest.fixture
def compiled():
    """Mark a test that inverts many looks."""


@pytest.fixture(autouse=True)
def python_twins(request, monkeypatch):
    """Run the kernels as plain Python where there are a few pixels: that takes no time, a compilation seconds."""
    if "compiled" not in request.fixturenames:
        monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def cases():
    path = Path(__file__).parents[1] / "reference" / "albedo.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def weights(roles=ROLES, sun=30.0, sigma=None, **given):
    """Return kernel weights as a dataset: iso, vol and geo as numbers, arrays or by role."""
    own = {"iso": 0.3, "vol": 0.12, "geo": 0.04} | {k: given.pop(k) for k in KINDS if k in given}
    layers = {}
    for role in roles:
        for kind in KINDS:
            value = own[kind][role] if isinstance(own[kind], dict) else own[kind]
            layers[f"brdf_{kind}_{role}"] = value
            if sigma is not None:
                layers[f"brdf_{kind}_{role}_uncertainty"] = sigma
    layers |= {"sun_zenith": sun, **given}
    shape = np.broadcast_shapes((1,), *(np.shape(v) for v in layers.values()))
    units = {"sun_zenith": "degree"}
    arrays = {k: np.array(np.broadcast_to(np.asarray(v, float), shape)) for k, v in layers.items()}
    return xr.Dataset({k: ("x", v, {"units": units.get(k, "1")}) for k, v in arrays.items()})


@pytest.mark.parametrize("row", cases(), ids=lambda r: f"{r['method']}-{r['sensor']}-{r['quantity']}-{r['sun_zenith']}")
def test_published_values(row):
    given = {name: float(row[name]) for name in ("iso", "vol", "geo", "diffuse_fraction")}
    made = albedo(weights(sun=float(row["sun_zenith"]), **given), method=row["method"], sensor=row["sensor"])
    assert float(made[row["quantity"]][0]) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


# ---- skies -----------------------------------------------------------------------------------------------------------
def test_blue_sky_is_black_without_and_white_with_all_light_diffuse():
    made = albedo(weights(diffuse_fraction=[0.0, 1.0, 0.25]))
    black, white, blue = (made[name].values for name in ("albedo_black", "albedo_white", "albedo"))
    np.testing.assert_allclose(blue, [black[0], white[0], 0.75 * black[0] + 0.25 * white[0]], atol=1e-12)


def test_a_lambertian_surface_has_one_albedo():
    made = albedo(weights(vol=0.0, geo=0.0, sun=[0.0, 40.0, 75.0], iso=0.2))
    for name in ("albedo", "albedo_black", "albedo_white"):
        np.testing.assert_allclose(made[name], float(made.albedo[0]), atol=1e-12)


def test_black_sky_rises_with_a_lower_sun_over_leaves_and_falls_between_shadows():
    suns = np.linspace(0, 80, 9)
    leaves = albedo(weights(vol=0.2, geo=0.0, sun=suns)).albedo_black.values
    crowns = albedo(weights(vol=0.0, geo=0.05, sun=suns)).albedo_black.values
    assert (np.diff(leaves) > 0).all()
    assert (np.diff(crowns) < 0).all()


def test_white_sky_is_the_mean_of_black_sky_over_the_sun():
    x, w = np.polynomial.legendre.leggauss(24)
    cosine = (x + 1) / 2
    made = albedo(weights(sun=np.degrees(np.arccos(cosine))))
    assert made.albedo_black.values @ (w * cosine) == pytest.approx(float(made.albedo_white[0]), abs=1e-5)


def test_without_the_sun_there_is_white_sky_albedo():
    made = albedo(weights().drop_vars("sun_zenith"), variables=["albedo_white"])
    assert float(made.albedo_white[0]) == pytest.approx(float(albedo(weights()).albedo_white[0]), abs=1e-12)
    with pytest.raises(InputError, match="needs sun_zenith"):
        albedo(weights().drop_vars("sun_zenith"), variables=["albedo"])


def test_aerosol_stands_in_for_the_diffuse_fraction():
    hazy = albedo(weights(aod=[0.1, 1.0]))
    share = _broadband.diffuse_fraction(np.array([30.0, 30.0]), np.array([0.1, 1.0]))
    wanted = (1 - share) * hazy.albedo_black + share * hazy.albedo_white
    np.testing.assert_allclose(hazy.albedo, wanted, atol=1e-12)
    assert not (hazy.albedo_qa.values & BIT["usual_aerosol"]).any()
    usual = albedo(weights())
    assert int(usual.albedo_qa[0]) == BIT["usual_aerosol"]
    assert float(usual.albedo[0]) == pytest.approx(float(albedo(weights(aod=0.15)).albedo[0]), abs=1e-12)


def test_each_broad_band_has_its_own_bands_and_light():
    green = {role: 0.05 if role in ("blue", "green", "red") else 0.3 for role in ROLES}
    names = ["albedo", "albedo_visible", "albedo_nir"]
    made = albedo(weights(iso=green, vol=0.0, geo=0.0), variables=names)
    assert float(made.albedo_visible[0]) == pytest.approx(0.05, abs=0.005)
    assert float(made.albedo_nir[0]) == pytest.approx(0.3, abs=0.02)
    assert 0.05 < float(made.albedo[0]) < 0.3


# ---- bands and sensors -----------------------------------------------------------------------------------------------
def test_the_sensor_of_the_weights_chooses_the_formula():
    own = weights(LANDSAT).assign_attrs(sensor="landsat_oli", platform="Landsat-8")
    assert float(albedo(own).albedo[0]) != float(albedo(weights(LANDSAT)).albedo[0])
    told = albedo(weights(LANDSAT), sensor="landsat_oli/Landsat-8")
    assert float(albedo(own).albedo[0]) == float(told.albedo[0])


def test_few_bands_serve_and_say_so():
    few = albedo(weights(("red", "nir")))
    assert int(few.albedo_qa[0]) == BIT["usual_aerosol"] | BIT["coarse_conversion"]
    assert float(few.albedo_uncertainty[0]) > float(albedo(weights()).albedo_uncertainty[0])
    with pytest.raises(InputError, match="needs brdf_iso_red"):
        albedo(weights(("nir", "swir1")))


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="no published formula"):
        albedo(weights(("blue", "green", "red", "nir")), method="published", sensor="gf1_wfv")
    with pytest.raises(InputError, match="needs the band 'nir_1240'"):
        albedo(weights(LANDSAT), method="mcd43")
    with pytest.raises(InputError, match="knows the limits"):
        albedo(weights(), limits="0.3-3")
    with pytest.raises(InputError, match='with method="regression" only'):
        albedo(weights(), limits="0.3-4", method="mcd43")


def test_snow_and_a_low_sun_are_told():
    snow = {role: 0.9 if role in ("blue", "green", "red", "nir") else 0.1 for role in ROLES}
    made = albedo(weights(iso=snow, vol=0.0, geo=0.0, diffuse_fraction=0.1, sun=[40.0, 78.0]))
    assert made.albedo_qa.values.tolist() == [BIT["snow_like"], BIT["snow_like"] | BIT["low_sun"]]
    assert float(made.albedo[0]) == pytest.approx(0.6, abs=0.12)


# ---- errors ----------------------------------------------------------------------------------------------------------
def test_the_error_of_light_is_its_share_of_the_difference_of_skies():
    sharp = {f"brdf_{kind}_{role}_uncertainty": 0.0 for role in ROLES for kind in KINDS}
    both = [albedo(weights(diffuse_fraction=0.3, diffuse_fraction_uncertainty=u, **sharp)) for u in (0.0, 0.2)]
    left = float(both[1].albedo_uncertainty[0]) ** 2 - float(both[0].albedo_uncertainty[0]) ** 2
    skies = float(both[0].albedo_white[0] - both[0].albedo_black[0])
    assert left == pytest.approx((0.2 * skies) ** 2, rel=1e-6)


def test_errors_of_weights_beside_inversions_of_noisy_looks(compiled):
    """The scatter of white-sky albedo over inversions of one surface is what the three weights' errors together say."""
    draw = np.random.Generator(np.random.Philox(3))
    pixels, count = 1500, 16
    scan = draw.uniform(-55, 55, (1, count))
    angles = (
        np.full((1, count), 40.0) + draw.normal(0, 2, (1, count)),
        np.abs(scan) * 1.1,
        np.where(scan > 0, 35.0, 145.0),
    )
    vol, geo = kernels.values(*angles)
    clear = 0.3 + 0.15 * vol + 0.03 * geo
    looks = {name: (("time",), a[0], {"units": "degree"}) for name, a in zip(("sun_zenith", "view_zenith", "relative_azimuth"), angles, strict=True)}  # fmt: skip  # noqa: E501
    for role in ("red", "nir"):
        noisy = clear + draw.normal(0, 0.01, (pixels, count))
        looks[f"reflectance_{role}"] = (("x", "time"), noisy, {"units": "1"})
        looks[f"reflectance_{role}_uncertainty"] = (("x", "time"), np.full_like(noisy, 0.01), {"units": "1"})
    found = ml.retrieve("brdf", xr.Dataset(looks))
    full = (found.inversion_nir == 2).values
    white = sum(found[f"brdf_{k}_nir"].values * h for k, h in zip(KINDS, kernels.WHITE_SKY_EXACT, strict=True))
    sigmas = [found[f"brdf_{k}_nir_uncertainty"].values for k in KINDS]
    iv, ig, vg = -0.61, 0.96, -0.61
    i, v, g = (s * h for s, h in zip(sigmas, kernels.WHITE_SKY_EXACT, strict=True))
    stated = np.sqrt(i**2 + v**2 + g**2 + 2 * (iv * i * v + ig * i * g + vg * v * g))
    assert full.mean() > 0.9
    assert 0.6 < white[full].std() / np.median(stated[full]) < 1.6


def test_errors_grow_with_those_of_the_weights():
    low, high = (albedo(weights(sigma=s, diffuse_fraction=0.2)).albedo_uncertainty for s in (0.001, 0.02))
    assert 0.005 < float(low[0]) < float(high[0]) < 0.05


# ---- beside other models and real data -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def canopies():
    """Return looks of MODIS at PROSPECT-D and 4SAIL canopies of many leaf angles, and their black-sky albedo."""
    draw = np.random.Generator(np.random.Philox(11))
    cases, count = 50, 16
    leaf = {"n": 1.5, "cab": draw.uniform(20, 70, cases), "car": 8.0, "ant": 0.0, "cbrown": draw.uniform(0, 0.3, cases)}
    leaf |= {"cw": 0.012, "cm": 0.006}
    lai, inclination = draw.uniform(0.3, 5.0, cases), draw.uniform(35, 65, cases)
    scan = draw.uniform(-52, 52, count)
    sun = draw.uniform(28, 42, count)
    looks = (sun, np.abs(scan) * 1.1, np.where(scan > 0, 40.0, 140.0))

    def layer(bands, angles):
        every = {name: np.broadcast_to(value, cases)[:, None] for name, value in leaf.items()}
        given = canopy.CanopyParameters(
            **every,
            lai=lai[:, None],
            leaf_angles=canopy.campbell(inclination)[:, None],
            hotspot=0.05,
            **dict(zip(("sun_zenith", "view_zenith", "relative_azimuth"), np.atleast_2d(*angles), strict=True)),
        )
        return canopy.canopy_bands(given, bands.leaf, bands.weights)

    modis = band_weights("modis", ROLES, "", step=5)
    soil = draw.uniform(0.6, 1.4, cases)[:, None, None]
    line = lambda bands: bands.weights @ np.interp(bands.wavelength, [0.4, 0.9, 1.6, 2.5], [0.08, 0.22, 0.30, 0.25])  # noqa: E731
    seen = canopy.over_soil(layer(modis, looks), soil * line(modis)).rsot
    parts, light = intervals(step=5)
    whole = canopy.over_soil(layer(parts, ([35.0], [0.0], [0.0])), soil * line(parts))
    return looks, seen, whole.rsdt[:, 0] @ light


def as_dataset(looks, seen):
    names = ("sun_zenith", "view_zenith", "relative_azimuth")
    layers = {
        name: (("time",), np.asarray(a, float), {"units": "degree"}) for name, a in zip(names, looks, strict=True)
    }
    for b, role in enumerate(ROLES):
        layers[f"reflectance_{role}"] = (("x", "time"), seen[..., b], {"units": "1"})
    return xr.Dataset(layers)


@pytest.mark.slow  # the canopy model in seven bands and twelve intervals
def test_black_sky_albedo_of_canopies_beside_4sail(canopies, compiled):
    """The kernels know nothing of 4SAIL, the formula for broad bands does: what is left is mostly the kernels'."""
    looks, seen, truth = canopies
    found = ml.retrieve("brdf", as_dataset(looks, seen))
    made = albedo(found.assign(sun_zenith=xr.full_like(found.sun_zenith, 35.0)))
    error = made.albedo_black.values - truth
    assert np.mean(np.abs(error) <= 0.05 * truth) >= 0.6
    assert abs(error.mean()) < 0.008
    assert np.sqrt(np.mean(error**2)) < 0.012


PIXELS = Path(__file__).parents[3] / "shared" / "data" / "modis_pixels_BRDF_MOD09A1"


def test_real_pixels_give_plausible_albedo_and_agree_between_periods(compiled):
    """Daily MODIS looks at a savanna (Botswana): two halves of a month are independent looks at one surface."""
    path = PIXELS / "modis_botswana.dat"
    if not path.exists():
        pytest.skip("shared/data/modis_pixels_BRDF_MOD09A1 is not there")
    table = np.array([line.split()[:13] for line in path.read_text().splitlines()[1:] if line.strip()], float)
    roles = ("red", "nir", "blue", "green", "nir_1240", "swir1", "swir2")

    def found(rows):
        names = (("sun_zenith", table[rows, 4]), ("view_zenith", table[rows, 2]))
        azimuth = np.abs((table[rows, 3] - table[rows, 5] + 180) % 360 - 180)
        layers = {
            name: ("time", values, {"units": "degree"}) for name, values in (*names, ("relative_azimuth", azimuth))
        }
        layers |= {f"reflectance_{r}": ("time", table[rows, 6 + k], {"units": "1"}) for k, r in enumerate(roles)}
        return ml.retrieve("albedo", ml.retrieve("brdf", xr.Dataset(layers)))

    month = np.flatnonzero(table[:, 0] < table[0, 0] + 32)
    one, other = found(month[::2]), found(month[1::2])
    assert 0.06 < float(one.albedo_black) < 0.13  # a dark place: red 0.05 to 0.08, near infrared 0.09 to 0.15 as seen
    sigma = np.hypot(float(one.albedo_black_uncertainty), float(other.albedo_black_uncertainty))
    assert abs(float(one.albedo_black - other.albedo_black)) < 2 * sigma
    assert sigma < 0.02


def test_published_formulae_are_lower_than_those_of_the_library():
    """Stated in the module: 6 to 8 % over land without snow, in part the ultraviolet that the library leaves out."""
    green = {"blue": 0.03, "green": 0.07, "red": 0.04, "nir": 0.35, "nir_1240": 0.32, "swir1": 0.2, "swir2": 0.09}
    own, other = (float(albedo(weights(iso=green, vol=0.0, geo=0.0), method=m).albedo_white[0]) for m in ("regression", "published"))  # fmt: skip  # noqa: E501
    assert 0.9 < other / own < 0.98
    wide = float(albedo(weights(iso=green, vol=0.0, geo=0.0), limits="0.3-4").albedo_white[0])
    assert other < wide < own


def test_broad_bands_are_those_of_the_package():
    assert broad_bands(["shortwave"]).wavelength[[0, -1]].tolist() == [0.4, 2.5]
