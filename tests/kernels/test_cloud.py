import math

import numpy as np
import pytest

from musyq_lab.kernels import cloud

NAN = np.float32(np.nan)
ORDER = (
    "blue", "green", "red", "nir", "swir1", "temperature", "sun", "view", "turn", "depth_blue", "depth_green",
    "depth_red", "cirrus", "second", "clearest", "warmest", "haze_clear", "haze_unit", "soil_clear", "index_clear",
    "index_unit", "cirrus_clear", "cirrus_unit", "land", "land_unit", "water", "water_unit", "snow", "snow_unit",
    "white", "threshold",
)  # fmt: skip
BLUE, GREEN, RED = (cloud.rayleigh_depth(centre) for centre in (0.4826, 0.5613, 0.6546))
VEGETATION = {"blue": 0.09, "green": 0.08, "red": 0.06, "nir": 0.35, "swir1": 0.18, "temperature": 295.0}
SEA = {"blue": 0.09, "green": 0.06, "red": 0.035, "nir": 0.02, "swir1": 0.01, "temperature": 290.0}
FRESH_SNOW = {"blue": 0.85, "green": 0.86, "red": 0.86, "nir": 0.8, "swir1": 0.1, "temperature": 262.0}
WATER_CLOUD = {"blue": 0.6, "green": 0.58, "red": 0.57, "nir": 0.6, "swir1": 0.5, "temperature": 278.0}


def inputs(**given):
    """Return the arguments of `decide` for one pixel: a scene of summer, clear values as the defaults say."""
    values = dict.fromkeys(ORDER, NAN) | {
        "sun": 40.0, "view": 0.0, "turn": 90.0, "depth_blue": BLUE, "depth_green": GREEN, "depth_red": RED,
        "haze_clear": 0.012,
        "haze_unit": 0.0, "index_clear": 0.75, "index_unit": 0.05, "cirrus_clear": 0.002, "cirrus_unit": 0.0,
        "land": 295.0, "land_unit": 5.0, "water": 290.0, "water_unit": 4.0, "snow": 262.0, "snow_unit": 4.0,
        "white": 0.0, "threshold": cloud.THRESHOLD["fine"],
    }  # fmt: skip
    values |= given
    return [np.float32(values[name]) for name in ORDER]


def found(**given):
    """Return the names of the bits of one pixel, by the Python twin."""
    code = int(cloud.decide.python(*inputs(**given)))
    return {name for name, bit in cloud.BITS.items() if code & bit}


def drawn(count, seed=0):
    """Return random pixels, some of them without a band, as arrays and numbers as the standard step calls with."""
    random = np.random.Generator(np.random.Philox(seed))
    values = dict(zip(ORDER, inputs(), strict=True))
    for name in ("blue", "green", "red", "nir", "swir1", "cirrus"):
        values[name] = random.uniform(0.0, 0.8, count).astype(np.float32)
    for name in ("temperature", "second", "warmest"):
        values[name] = random.uniform(220.0, 320.0, count).astype(np.float32)
    values["clearest"] = random.uniform(0.0, 0.06, count).astype(np.float32)
    values["sun"] = random.uniform(0.0, 95.0, count).astype(np.float32)
    values["view"] = random.uniform(0.0, 65.0, count).astype(np.float32)
    values["turn"] = random.uniform(0.0, 180.0, count).astype(np.float32)
    for name in ("blue", "swir1", "cirrus", "temperature", "second", "clearest", "warmest", "sun", "red"):
        values[name][random.uniform(0, 1, count) < 0.15] = np.nan
    return [values[name] for name in ORDER]


def numpy_decide(arguments):
    """Decide with numpy, written apart from the kernel, in double precision."""
    v = {name: np.asarray(a, np.float64) for name, a in zip(ORDER, arguments, strict=True)}
    with np.errstate(all="ignore"):
        mu_s = np.maximum(np.cos(np.radians(np.nan_to_num(v["sun"], nan=45.0))), 0.1)
        mu_v = np.maximum(np.cos(np.radians(np.nan_to_num(v["view"], nan=0.0))), 0.2)
        scattered = -mu_s * mu_v - np.sqrt((1 - mu_s**2) * (1 - mu_v**2)) * np.cos(np.radians(v["turn"]))
        factor = 0.75 * (1 + scattered**2) / (4 * (mu_s + mu_v))
        mass = 1 / mu_s + 1 / mu_v
        red = v["red"] - factor * -np.expm1(-v["depth_red"] * mass)
        blue = v["blue"] - factor * -np.expm1(-v["depth_blue"] * mass)
        haze = np.where(np.isnan(blue - red), 0.5 * red, blue - 0.5 * red)
        day = np.isfinite(v["red"]) & np.isfinite(v["nir"]) & ~(v["sun"] >= 85)
        ndvi = (v["nir"] - v["red"]) / (v["nir"] + v["red"])
        green = v["green"] - factor * -np.expm1(-v["depth_green"] * mass)
        ndsi = (green - v["swir1"]) / (green + v["swir1"])
        water = ((ndvi < 0.01) & (v["nir"] < 0.11)) | ((ndvi < 0.1) & (v["nir"] < 0.05))
        cold = np.where(np.isnan(v["temperature"]), ndsi > 0.4, v["temperature"] < 276.95)
        snow = ~water & (ndsi > 0.15) & (v["nir"] > 0.11) & (green > 0.1) & cold
        slant = np.sqrt(mu_s * mu_v)
        known = np.isfinite(v["clearest"])
        h = (haze * slant - np.where(known, v["clearest"] - 0.02, 0) - v["haze_clear"]) / 0.009375
        bare = ((blue - 0.65 * red) * slant - v["soil_clear"]) / (0.35 * 0.01875)
        h = np.where(known | np.isnan(bare), h, np.minimum(h, bare))
        s = np.minimum(
            (v["index_clear"] - ndsi) / v["index_unit"], (v["swir1"] - 0.08 - 0.25 * np.maximum(0.65 - green, 0)) / 0.04
        )
        above = v["cirrus"] - v["cirrus_clear"]
        c = np.clip(np.nan_to_num(above * slant / 0.011), -1, 6)
        clear = np.select([water, snow], [v["water"], v["snow"]], v["land"])
        unit = np.select([water, snow], [v["water_unit"], v["snow_unit"]], v["land_unit"])
        kelvin = clear - v["temperature"] + np.where(np.isfinite(v["warmest"]), v["warmest"] - 290.0, 0)
        t = np.clip(np.nan_to_num(kelvin / unit), -2, 4)
        first = np.where(snow, np.clip(np.nan_to_num(s), -2, 6), np.clip(np.nan_to_num(h), -2, 6))
        colour = np.where(np.isnan(v["blue"]), v["red"], v["blue"])
        three = np.stack([colour, v["green"], v["red"]])
        white = (np.abs(three - three.mean(0)).sum(0) / three.mean(0) < 0.7) & (ndvi < 0.8)
        total = np.where(snow | white | (h > 2) | (c > 1), first + 0.7 * c + np.where(snow, 0.3, 0.7) * t, 0)
        return np.where(day, total, v["threshold"] * np.nan_to_num(kelvin) / 15), water & day, snow & day


def test_an_independent_form_in_numpy_agrees():
    arguments = drawn(4000)
    code = cloud.decide(*arguments).astype(int)
    total, water, snow = numpy_decide(arguments)
    threshold = cloud.THRESHOLD["fine"]
    sure = np.abs(total - threshold) > 1e-3  # single precision
    assert np.array_equal((code & cloud.BITS["cloud"] > 0)[sure], (total > threshold)[sure])
    cloudy = code & cloud.BITS["cloud"] > 0
    assert np.array_equal((code & cloud.BITS["water"] > 0), water & ~cloudy)
    assert np.array_equal((code & cloud.BITS["snow_ice"] > 0), snow & ~cloudy)
    assert 0.05 < cloudy.mean() < 0.95


def test_compiled_and_python_forms_agree():
    arguments = [a[:300] if np.ndim(a) else a for a in drawn(4000, seed=1)]
    assert np.array_equal(cloud.decide(*arguments), cloud.decide.python(*arguments))
    compiled, plain = (np.stack(form(*arguments[:12])) for form in (cloud.measures, cloud.measures.python))
    np.testing.assert_allclose(compiled, plain, rtol=1e-4, atol=1e-6)  # products and sums may be rounded once or twice


@pytest.mark.parametrize(
    ("surface", "expected"),
    [(VEGETATION, set()), (SEA, {"water"}), (FRESH_SNOW, {"snow_ice"}), (WATER_CLOUD, {"cloud"})],
)
def test_plain_surfaces_are_told_apart(surface, expected):
    assert found(**surface) == expected


@pytest.mark.parametrize("surface", [VEGETATION, SEA, FRESH_SNOW])
def test_thick_cold_white_cloud_is_found_over_everything(surface):
    """A cloud of reflectance 0.6 and transmittance 0.1 above the surface."""
    names = ("blue", "green", "red", "nir", "swir1")
    covered = {name: 0.6 + 0.1 * surface[name] for name in names} | {"temperature": 250.0}
    assert "cloud" in found(**covered)
    assert not found(**covered) & {"water", "snow_ice"}


def test_the_weight_of_haze_is_that_of_a_cloud_of_optical_depth_one_half():
    """Reflectance (1 - g) tau / (4 mu mu) times the root of the cosines, added to every band of a clear pixel."""
    thin = math.sqrt(math.cos(math.radians(40.0)))
    added = (1 - 0.85) * 0.5 / 4 / thin
    clear = dict(VEGETATION, temperature=np.nan)
    haze = float(cloud.measures.python(*inputs(**clear)[:12])[0])
    for share, expected in ((0.7, False), (1.1, True)):
        bands = {name: clear[name] + share * added for name in ("blue", "green", "red", "nir", "swir1")}
        bands["temperature"] = np.nan
        assert ("cloud" in found(**bands, haze_clear=haze, threshold=1.0)) is expected


def test_bright_soil_is_no_cloud_when_the_slope_of_soils_is_known():
    """Soil on the line blue = 0.04 + 0.65 red: the haze measure alone takes it for cloud."""
    clear = dict(
        green=0.25, red=0.35, nir=0.4, swir1=0.45, temperature=np.nan, depth_blue=0.0, depth_green=0.0, depth_red=0.0
    )
    soil = clear | {"blue": 0.04 + 0.65 * 0.35}
    assert "cloud" in found(**soil, haze_clear=0.04)
    assert "cloud" not in found(**soil, haze_clear=0.04, soil_clear=0.04)


def test_molecules_do_not_look_like_haze_at_any_sun():
    """A black surface below molecules alone keeps its haze within a tenth of what thin cloud adds."""
    hazes = []
    for sun in (10.0, 40.0, 70.0):
        mu = math.cos(math.radians(sun))
        phase = 0.75 * (1 + mu * mu)
        path = [phase * -math.expm1(-depth * (1 / mu + 1)) / (4 * (mu + 1)) for depth in (BLUE, RED)]
        pixel = inputs(blue=path[0], green=path[0], red=path[1], nir=0.01, swir1=0.0, sun=sun)
        hazes.append(float(cloud.measures.python(*pixel[:12])[0]))
    assert max(map(abs, hazes)) < 0.001


def test_optical_depth_of_molecules_is_the_published_one():
    """Bodhaine et al. 1999 (doi 10.1175/1520-0426(1999)016<1854:ORODC>2.0.CO;2), table 3: 0.0948 at 0.55 um."""
    assert cloud.rayleigh_depth(0.55) == pytest.approx(0.097, abs=0.003)
    assert cloud.rayleigh_depth(0.40) / cloud.rayleigh_depth(0.80) == pytest.approx(2**4, rel=0.08)


def test_cold_and_high_pixels_need_no_haze():
    assert "cloud" in found(**dict(VEGETATION, temperature=262.0))
    assert {"cloud", "cirrus"} <= found(**dict(VEGETATION, temperature=np.nan), cirrus=0.04)
    assert found(**dict(VEGETATION, temperature=np.nan), cirrus=0.002) == set()


def test_possible_cloud_lies_between_clear_and_cloud():
    """Cooling step by step: clear, possible, cloud, in that order and never back."""
    order = [set(), {"cloud_possible"}, {"cloud"}]
    steps = [
        order.index(found(**dict(VEGETATION, temperature=295.0 - k)) & {"cloud", "cloud_possible"}) for k in range(40)
    ]
    assert steps == sorted(steps)
    assert set(steps) == {0, 1, 2}


def test_split_window_marks_thin_ice():
    cold = dict(VEGETATION, temperature=280.0)
    assert "cirrus" in found(**cold, second=277.0)
    assert "cirrus" not in found(**cold, second=279.5)
    assert "cirrus" not in found(**VEGETATION, second=292.0)


def test_other_days_stand_beside_the_scene():
    """Ground of 312 K before, in a scene as warm as then, is cloud at 295 K; ground as hazy before is none."""
    as_before = {"land": cloud.SAME_TEMPERATURE, "haze_clear": cloud.SAME_HAZE}
    assert "cloud" in found(**VEGETATION, warmest=312.0, clearest=0.012, **as_before)
    assert "cloud" not in found(**VEGETATION, warmest=312.0, clearest=0.012, **(as_before | {"land": 275.0}))
    hazy = dict(VEGETATION, blue=0.11, temperature=np.nan)
    assert "cloud" in found(**hazy)
    assert "cloud" not in found(**hazy, clearest=0.03, **as_before)


def test_by_night_only_temperature_counts():
    dark = dict(VEGETATION, sun=100.0)
    assert found(**dark) == {"night"}
    assert found(**dict(dark, temperature=275.0)) == {"cloud", "night"}
    assert found(sun=100.0) == {"night"}


def test_nothing_measured_gives_nothing():
    assert found() == set()
    assert all(np.isnan(cloud.measures.python(*inputs()[:12])))


def test_white_ground_is_snow_where_the_scene_says_so():
    bright = dict(FRESH_SNOW, swir1=np.nan, temperature=np.nan)
    same = {"haze_clear": 0.38, "haze_unit": 0.02}
    assert found(**bright, **same, white=1.0) == {"snow_ice"}
    assert found(**bright, **same) == set()
    assert "cloud" in found(**bright)
