"""Vegetation cover: published numbers, physics beside 4SAIL, the programme's choice by class, bits and storage."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import INPUT_MISSING
from musyq_lab.core.resources import resource
from musyq_lab.kernels import canopy, ground
from musyq_lab.products._clumping import clumping_of
from musyq_lab.products.fvc import SPEC, fvc
from musyq_lab.standard.spectra import band_weights

SEEN = ("green", "red", "nir", "swir1", "swir2")
CLASSIC = [name for name in SPEC.method_names if name != "network"]
BIT = {flag.name: flag.mask for flag in SPEC.flags}
FOREST, OPEN, NOTHING = range(1, 6), (6, 7, 8, 9, 10, 11, 12, 13, 14, 16), (15, 17)


def cases():
    path = Path(__file__).parents[1] / "reference" / "fvc.csv"
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def scene(**values):
    shape = np.broadcast_shapes(*(np.shape(v) for v in values.values()))
    units = {"lai": "m2 m-2", "sun_zenith": "degree", "view_zenith": "degree", "relative_azimuth": "degree"}
    arrays = {k: np.broadcast_to(np.asarray(v, float), shape).flatten() for k, v in values.items()}
    return xr.Dataset({k: ("x", v, {"units": units.get(k, "1")}) for k, v in arrays.items()})


def number(row, name):
    return float(row[name] or "nan")


@pytest.mark.parametrize("row", cases(), ids=lambda r: f"{r['case']}-{r['method']}-{r['ndvi'] or r['lai']}")
def test_published_values(row):
    if row["method"] == "gap":
        made = fvc(scene(lai=number(row, "lai"), clumping_index=number(row, "clumping"), land_cover=1), method="gap")
    else:
        ends = {"ndvi_soil": number(row, "soil"), "ndvi_vegetation": number(row, "vegetation")}
        made = fvc(scene(ndvi=number(row, "ndvi"), land_cover=10), method=row["method"], **ends)
    assert float(made.fvc[0]) == pytest.approx(number(row, "value"), abs=number(row, "tolerance"))


@pytest.mark.parametrize("method", ["dimidiate", "carlson", "baret"])
def test_end_members_are_nothing_and_all(method):
    made = fvc(scene(ndvi=[0.1, 0.8, 0.45], land_cover=12), method=method, ndvi_soil=0.1, ndvi_vegetation=0.8)
    assert made.fvc.values[:2] == pytest.approx([0, 1], abs=1e-12)
    assert 0.2 < float(made.fvc[2]) <= 0.5


@pytest.mark.parametrize("method", ["dimidiate", "carlson", "baret"])
@pytest.mark.parametrize("land_cover", OPEN)
def test_cover_rises_with_ndvi_in_every_class(method, land_cover):
    made = fvc(scene(ndvi=np.linspace(-0.2, 1.0, 61), land_cover=land_cover), method=method, uncertainty=False)
    assert (np.diff(made.fvc) >= 0).all()
    assert made.fvc.values[[0, -1]].tolist() == [0, 1]


def test_the_curves_lie_below_the_line():
    given = scene(ndvi=np.linspace(0.15, 0.85, 15), land_cover=10)
    line, square, baret = (fvc(given, method=m).fvc.values for m in ("dimidiate", "carlson", "baret"))
    assert (square < line).all()
    assert (baret < line).all()


def test_gaps_close_with_leaves_and_open_with_clumping():
    lai = np.linspace(0, 8, 17)
    cover = fvc(scene(lai=lai, land_cover=4), method="gap").fvc.values
    assert cover[0] == 0
    assert (np.diff(cover) > 0).all()
    clumped = fvc(scene(lai=lai, land_cover=4, clumping_index=0.5), method="gap").fvc.values
    assert (clumped[1:] < cover[1:]).all()
    # Only the product of clumping and leaf area counts.
    np.testing.assert_allclose(clumped, fvc(scene(lai=lai / 2, land_cover=4, clumping_index=1.0), method="gap").fvc)


def test_gap_probability_is_that_of_4sail():
    """1 - too at nadir for spherical leaves: 4SAIL projects its 18 classes of inclination, G(0) = 0.5 to 1 %."""
    lai = np.array([0.5, 1.0, 2.0, 4.0])
    angles = np.cos(np.radians(canopy.EDGES[:-1])) - np.cos(np.radians(canopy.EDGES[1:]))
    layer = canopy.four_sail(
        np.array([0.05]), np.array([0.05]), lai=lai, leaf_angles=angles / angles.sum(), hotspot=0.1,
        sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0,
    )  # fmt: skip
    made = fvc(scene(lai=lai, land_cover=4, clumping_index=1.0), method="gap")
    np.testing.assert_allclose(made.fvc, 1 - layer.too[:, 0], rtol=0.01)


def test_reference_canopy_of_prosail():
    """Vector 4SAIL-2.0-30.0-0.0: too 0.353191772 for LAI 2 and mean angle 57, hence G(0) = -ln(too) / 2 = 0.5204."""
    made = fvc(scene(lai=2.0, land_cover=4, clumping_index=1.0), method="gap", leaf_projection=0.520372)
    assert float(made.fvc[0]) == pytest.approx(1 - 0.353191772, abs=1e-6)


def test_programme_takes_gaps_for_forest_and_the_mixture_elsewhere():
    classes = np.array([*FOREST, *OPEN], float)
    given = scene(ndvi=np.linspace(0.2, 0.8, classes.size), lai=np.linspace(0.5, 6, classes.size), land_cover=classes)
    made = {m: fvc(given, method=m).fvc.values for m in ("programme", "gap", "dimidiate")}
    np.testing.assert_array_equal(made["programme"], np.where(classes <= 5, made["gap"], made["dimidiate"]))


@pytest.mark.parametrize("method", CLASSIC)
def test_snow_and_water_have_no_cover(method):
    made = fvc(scene(ndvi=0.7, lai=3.0, land_cover=np.array(NOTHING)), method=method)
    assert made.fvc.values.tolist() == [0, 0]
    assert (made.fvc_qa.values & BIT["no_plants"]).all()


@pytest.mark.parametrize("method", CLASSIC)
def test_unknown_class_has_no_value(method):
    assert np.isnan(fvc(scene(ndvi=0.5, lai=2.0, land_cover=[0, 42, 255]), method=method).fvc).all()


def test_methods_need_only_their_own_inputs():
    fvc(scene(ndvi=0.5, land_cover=10), method="baret")
    fvc(scene(lai=2.0, land_cover=2), method="gap")


@pytest.mark.parametrize("missing", ["ndvi", "lai", "land_cover"])
@pytest.mark.parametrize("land_cover", [1, 10])
def test_no_value_without_all_inputs(missing, land_cover):
    given = scene(ndvi=[0.5, 0.5], lai=[2.0, 2.0], land_cover=[land_cover, land_cover])
    given[missing][0] = np.nan
    made = fvc(given, method="programme")
    assert np.isnan(made.fvc.values).tolist() == [True, False]
    assert int(made.fvc_qa[0]) & INPUT_MISSING.mask


def test_bits_say_that_the_mixture_was_limited():
    made = fvc(scene(ndvi=[-0.1, 0.5, 0.99], land_cover=10), method="dimidiate")
    assert made.fvc_qa.values.tolist() == [BIT["below_soil"], 0, BIT["above_full_cover"]]
    # Forest does not use NDVI in the programme's method, so it is not limited by it.
    assert fvc(scene(ndvi=[-0.1, 0.99], lai=2.0, land_cover=2), method="programme").fvc_qa.values.tolist() == [0, 0]
    # Nor is anything with end members of the user's own that enclose it.
    free = fvc(scene(ndvi=[-0.1, 0.99], land_cover=10), method="dimidiate", ndvi_soil=-0.2, ndvi_vegetation=1.0)
    assert free.fvc_qa.values.tolist() == [0, 0]


def test_uncertainty_grows_with_that_of_the_input():
    given = scene(ndvi=0.5, land_cover=10)
    sharp, blurred = (
        fvc(given.assign(ndvi_uncertainty=given.ndvi * 0 + s), method="baret").fvc_uncertainty.item()
        for s in (0.0, 0.1)
    )
    assert sharp == pytest.approx(SPEC.method("baret").model_uncertainty[0][1])
    slope = 0.6175 * (0.4 / 0.784) ** (0.6175 - 1) / 0.784
    assert blurred == pytest.approx(np.hypot(sharp, 0.1 * slope), rel=0.01)


def test_storage_is_that_of_the_programme():
    """China 30 m product: integers 0 to 1000, scale 0.001, fill -1."""
    variable = SPEC.variable("fvc")
    assert (variable.dtype, variable.scale, variable.fill, variable.valid_range) == ("int16", 0.001, -1, (0.0, 1.0))


# ---- beside 4SAIL ----------------------------------------------------------------------------------------------------


def truncated(random, count, mode, sigma, low, high):
    drawn = random.normal(mode, sigma, 40 * count)
    return drawn[(drawn >= low) & (drawn <= high)][:count]


@pytest.fixture(scope="module")
def canopies(count=3000):
    """Reflectance (MODIS), leaf area and cover of canopies drawn as in the ATBD of S2ToolBox, over our soils."""
    random = np.random.default_rng(7)

    def draw(*limits):
        return truncated(random, count, *limits)

    seen = band_weights("modis", SEEN, "Terra", step=5)
    lai, cab, dry, share = (
        draw(2, 3, 0, 8),
        draw(45, 30, 20, 90),
        draw(0.005, 0.005, 0.003, 0.011),
        draw(0.75, 0.08, 0.6, 0.85),
    )
    leaves = (draw(1.5, 0.3, 1.2, 1.8), cab, cab / 4, 0 * cab, draw(0, 0.3, 0, 1), dry / (1 - share) - dry, dry)
    angles = canopy.campbell(draw(60, 30, 30, 80))
    canopies = canopy.CanopyParameters(*leaves, lai, angles, draw(0.2, 0.5, 0.1, 0.5), np.full(count, 35.0), 0.0, 90.0)
    layer = canopy.canopy_bands(canopies, seen.leaf, seen.weights)
    bright, red, wet = random.uniform(0.15, 0.5, count), random.uniform(0.3, 0.8, count), random.uniform(0, 0.4, count)
    soil = ground.soil(seen.wavelength, seen.leaf.water, bright, redness=red, moisture=wet)
    rho = canopy.over_soil(layer, seen.average(soil)).rsot
    rho = rho * random.normal(1, 0.02, rho.shape) + random.normal(0, 0.005, rho.shape)
    return rho, lai, 1 - layer.too[:, 0]


def cover_of(canopies, method):
    """What a method makes of the canopies: by class for gaps and mixtures, by reflectance for the network."""
    rho, lai, _ = canopies
    if method == "network":
        bands = {f"reflectance_{role}": band for role, band in zip(SEEN, rho.T, strict=True)}
        return fvc(scene(**bands, sun_zenith=35.0, view_zenith=0.0, relative_azimuth=90.0), method=method)
    classes = np.where(np.arange(lai.size) % 2, 12.0, 10.0) if method != "gap" else np.full(lai.size, 4.0)
    red, nir = rho.T[1], rho.T[2]
    return fvc(scene(ndvi=(nir - red) / (nir + red), lai=lai / clumping_of(classes), land_cover=classes), method=method)


@pytest.mark.parametrize(
    ("method", "rmse"), [("network", 0.1), ("dimidiate", 0.22), ("carlson", 0.15), ("baret", 0.135), ("gap", 0.14)]
)
def test_error_beside_4sail(canopies, method, rmse):
    """Leaf angles, soils and saturation are what the methods cannot know."""
    made, truth = cover_of(canopies, method), canopies[2]
    error = made.fvc.values - truth
    assert np.sqrt(np.nanmean(error**2)) < rmse
    covered = float(np.mean(np.abs(error) < made.fvc_uncertainty))
    # The network states more than these canopies need, for those that are none of its training base.
    assert 0.6 < covered < (0.95 if method == "network" else 0.76)


def test_the_network_is_the_default_and_the_closest(canopies):
    assert SPEC.method_names[0] == "network"
    errors = {m: np.sqrt(np.nanmean((cover_of(canopies, m).fvc.values - canopies[2]) ** 2)) for m in SPEC.method_names}
    errors.pop("programme", None)
    assert min(errors, key=errors.get) == "network"


def test_the_network_asks_for_no_class_and_marks_what_it_does_not_know():
    names = {item.name for item in SPEC.inputs if not item.optional}
    given = scene(
        **{f"reflectance_{r}": v for r, v in zip(SEEN, (0.06, 0.04, 0.4, 0.2, 0.1), strict=True)}, sun_zenith=30.0
    )
    made = fvc(given)
    assert {"ndvi", "lai", "land_cover"} < names
    assert 0.6 < made.fvc.item() < 1
    assert made.fvc_qa.item() & BIT["nadir_assumed"]
    odd = given.assign(reflectance_red=given.reflectance_red * 0 + 0.9)
    assert fvc(odd).fvc_qa.item() & BIT["outside_training"]


def test_the_mixture_is_exact_for_patches_of_equal_brightness():
    """NDVI mixes as its numerators and denominators do: linear where bare and covered patches have one n + r."""
    share = np.linspace(0, 1, 11)
    nir, red = 0.2 + share * 0.25, 0.26 - share * 0.23
    bright = (nir + red)[0]
    nir, red = nir * bright / (nir + red), red * bright / (nir + red)
    ndvi = (nir - red) / (nir + red)
    patches = ndvi[0] + share * (ndvi[-1] - ndvi[0])
    made = fvc(scene(ndvi=patches, land_cover=10), method="dimidiate", ndvi_soil=ndvi[0], ndvi_vegetation=ndvi[-1])
    np.testing.assert_allclose(made.fvc, share, atol=1e-12)


def test_end_members_are_those_of_the_derivation():
    import importlib.util

    path = resource("catalogs/biomes/end_members.csv").parent / "derive.py"
    spec = importlib.util.spec_from_file_location("derive_end_members", path)
    derive = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(derive)
    table = derive.table().squeeze("region")
    with resource("catalogs/biomes/end_members.csv").open(encoding="utf-8") as file:
        rows = {int(r["class"]): r for r in csv.DictReader(line for line in file if not line.startswith("#"))}
    for number_, row in rows.items():
        if row["ndvi_p98"]:
            found = float(table.ndvi_vegetation.sel(land_cover=number_))
            assert float(row["ndvi_p98"]) == pytest.approx(found, abs=6e-4)
    assert float(table.ndvi_soil.sel(land_cover=16)) == pytest.approx(0.116, abs=6e-4)
    forests = [float(rows[k]["ndvi_p98"]) for k in FOREST]
    assert [float(rows[k]["ndvi_vegetation"]) for k in FOREST] == forests
    assert np.mean(forests) == pytest.approx(0.90, abs=0.01)
    assert all(float(rows[k]["ndvi_p98"]) < 0.9 for k in OPEN)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("dimidiate", {"ndvi_soil": 0.9, "ndvi_vegetation": 0.1}, "ndvi_soil below ndvi_vegetation"),
        ("carlson", {"ndvi_soil": 0.5, "ndvi_vegetation": 0.5}, "ndvi_soil below ndvi_vegetation"),
        ("gap", {"leaf_projection": -0.5}, "leaf_projection"),
        ("gap", {"leaf_projection": 1.5}, "leaf_projection"),
    ],
)
def test_impossible_options_are_refused(method, options, words):
    with pytest.raises(InputError, match=words):
        fvc(scene(ndvi=0.5, lai=2.0, land_cover=4), method=method, **options)
