"""Band adjustment: against spectra the library has not, published lines, and what a step of the pipeline owes."""

import json
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import bandpass
from musyq_lab.standard._band_lines import lines
from musyq_lab.standard._band_models import Bands, chain, fit
from musyq_lab.standard._library import band_reflectance
from musyq_lab.standard.spectra import band_weights

VECTORS = Path(__file__).resolve().parents[3] / "shared/science/radiation-vectors.json"
FOUR = ("blue", "green", "red", "nir")
SIX = (*FOUR, "swir1", "swir2")


def rows_of(sensor, variant, roles):
    found = {}
    for row in SENSORS[sensor].bands_of(variant):
        if row.name in roles:
            found.setdefault(row.name, row)
    return [found[role] for role in roles if role in found]


def scene_of(values, sensor, variant="", roles=FOUR, *, sigma=False, dims=("y", "x")):
    """A standard scene from reflectance, shape (band, y, x)."""
    rows = rows_of(sensor, variant, roles)
    coords = {
        "band": [row.name for row in rows],
        "wavelength": ("band", [row.centre for row in rows], {"units": "um"}),
        "fwhm": ("band", [row.fwhm for row in rows], {"units": "um"}),
    }
    stack = xr.DataArray(np.asarray(values, np.float32), coords, ("band", *dims), attrs={"units": "1"})
    attrs = {"sensor": sensor, "platform": variant, "camera": variant, "reflectance_level": "surface"}
    scene = xr.Dataset({"reflectance": stack}, attrs=attrs)
    if sigma:
        scene["reflectance_random"] = 0.01 * stack
        scene["reflectance_systematic"] = 0.02 * stack
    return scene


def library_scene(sensor, variant="", roles=FOUR, *, size=(12, 10), **how):
    """A scene of spectra of the library."""
    seen = band_reflectance(sensor, tuple(r.native for r in rows_of(sensor, variant, roles)), variant)
    count = size[0] * size[1]
    values = seen[:: 3000 // count][:count].T.reshape(-1, *size)
    return scene_of(values, sensor, variant, roles, **how)


def truth(sensor, variant, roles, size=(12, 10)):
    return library_scene(sensor, variant, roles, size=size)["reflectance"].values


@pytest.fixture(scope="module")
def strangers():
    """Canopies of the package prosail over its soils, with traits of their own, and what bands see of them."""
    prosail = pytest.importorskip("prosail", reason="independent canopies come from the package prosail")
    draw = np.random.default_rng(5)
    spectra = []
    for lai in (0.0, 0.3, 1.0, 2.0, 4.0, 6.0):
        for _ in range(5):
            n, cab, cw, cm = draw.uniform((1.3, 15.0, 0.006, 0.003), (2.0, 70.0, 0.03, 0.012))
            wet, bright, angle, sun = draw.uniform((0.0, 0.7, 35.0, 15.0), (1.0, 1.3, 70.0, 60.0))
            spectra.append(
                prosail.run_prosail(
                    n, cab, 0.2 * cab, 0.0, cw, cm, lai, angle, 0.1, sun, 10.0, 60.0,
                    prospect_version="D", rsoil=bright, psoil=wet,
                )
            )  # fmt: skip
    spectra = np.array(spectra)

    def seen(sensor, variant="", roles=FOUR):
        weights = band_weights(sensor, [row.native for row in rows_of(sensor, variant, roles)], variant)
        places = np.round(1e3 * weights.wavelength).astype(int) - 400
        return weights.average(spectra[:, places]).T[:, None]

    return seen


def rms(values):
    return float(np.sqrt(np.nanmean(np.square(values))))


def adjusted(scene, *names, **how):
    return bandpass.adjust(scene, *names, **how).compute()


@pytest.mark.parametrize(
    ("sensor", "variant", "roles"),
    [("gf1_wfv", "WFV1", FOUR), ("gf1_wfv", "WFV4", FOUR), ("msg_seviri", "Meteosat-10", ("red", "nir", "swir1"))],
)
def test_canopies_of_another_model_come_closer_than_a_constant_brings_them(strangers, sensor, variant, roles):
    before, wanted = strangers(sensor, variant, roles), strangers("modis", "Terra", roles)
    result = adjusted(scene_of(before, sensor, variant, roles))["reflectance"].values
    for k in range(len(roles)):
        factor = (before[k] * wanted[k]).sum() / (before[k] ** 2).sum()
        constant = rms(factor * before[k] - wanted[k])
        error = rms(result[k] - wanted[k])
        assert error < rms(before[k] - wanted[k]), roles[k]
        # How steep a soil is between 0.8 and 0.87 um cannot be told from one broad band there.
        assert error < (1.1 if roles[k] == "nir" else 0.95) * constant, roles[k]
        assert error < (0.0075 if roles[k] == "nir" else 0.0025), roles[k]


@pytest.mark.parametrize(("sensor", "variant"), [("gf1_wfv", "WFV1"), ("gf1_wfv", "WFV4")])
def test_ndvi_of_canopies_of_another_model_is_that_of_modis(strangers, sensor, variant):
    before, wanted = strangers(sensor, variant), strangers("modis", "Terra")
    result = adjusted(scene_of(before, sensor, variant))["reflectance"].values

    def ndvi(values):
        return (values[3] - values[2]) / (values[3] + values[2])

    assert rms(ndvi(result) - ndvi(wanted)) < 0.012
    assert rms(ndvi(result) - ndvi(wanted)) < 0.7 * rms(ndvi(before) - ndvi(wanted))


@pytest.mark.skipif(not VECTORS.exists(), reason="the vectors of ../shared/science are not here")
@pytest.mark.parametrize(
    ("sensor", "variant", "name"), [("gf1_wfv", "WFV1", "GF1_WFV1"), ("gf1_wfv", "WFV4", "GF1_WFV4")]
)
def test_reference_vectors_over_complete_responses(sensor, variant, name):
    """Canopies and soil of prosail over the responses of ACOLITE: neither spectra nor responses are ours."""
    rows = [v["output"] for v in json.loads(VECTORS.read_text())["vectors"] if v["id"] == "band_reflectance_prosail"]
    before = np.array([[[row[name][role] for row in rows]] for role in FOUR])
    wanted = np.array([[[row["L8_OLI"][role] for row in rows]] for role in FOUR])
    result = adjusted(scene_of(before, sensor, variant), "landsat_oli")["reflectance"].values
    assert rms(result[2] - wanted[2]) < 0.45 * rms(before[2] - wanted[2])
    for k in range(len(FOUR)):
        assert rms(result[k] - wanted[k]) < max(rms(before[k] - wanted[k]), 5e-4), FOUR[k]


@pytest.mark.parametrize(
    ("sensor", "variant", "roles"),
    [
        ("gf1_wfv", "WFV1", FOUR),
        ("himawari_ahi", "", SIX),
        ("landsat_oli", "Landsat-9", SIX),
        ("goes_imager", "GOES-13", ("red",)),
        ("npp_viirs", "", SIX),
        ("avhrr_lac", "NOAA-18", ("red", "nir", "swir1")),
    ],
)
def test_no_relation_is_worse_than_the_band_as_it_is(sensor, variant, roles):
    roles = [row.name for row in rows_of(sensor, variant, roles)]
    by_wavelength = sorted(rows_of(sensor, variant, roles), key=lambda row: row.centre)
    bands = Bands(sensor, variant, tuple(row.native for row in by_wavelength))
    reference = Bands("modis", "Terra", tuple(row.native for row in rows_of("modis", "Terra", roles)))
    for k, role in enumerate(reference.roles):
        relations = chain(bands, reference, bands.roles.index(role), k)
        assert relations[-1].sources == (bands.roles.index(role),)
        for relation in relations:
            assert relation.error <= relation.error_before
            assert len(relation.coefficients) > 0
        errors = [relation.error for relation in relations]
        assert errors == sorted(errors)


def test_bands_made_for_the_ocean_carry_no_other_band():
    def used(sensor, variant, role):
        rows = sorted(rows_of(sensor, variant, bandpass.ROLES), key=lambda row: row.centre)
        bands = Bands(sensor, variant, tuple(row.native for row in rows))
        reference = Bands("landsat_oli", "Landsat-8", (SENSORS["landsat_oli"].band(role).native,))
        relations = chain(bands, reference, bands.roles.index(role), 0)
        return {bands.roles[k] for relation in relations for k in relation.sources}

    assert not used("modis", "Terra", "nir") & {"coastal", "nir_narrow"}
    assert not used("modis", "Terra", "blue") & {"coastal", "nir_narrow"}
    assert "coastal" in used("modis", "Terra", "coastal")
    assert "nir_narrow" in used("sentinel2_msi", "Sentinel-2A", "nir")


def test_a_relation_without_use_leaves_the_band_alone():
    draw = np.random.default_rng(3)
    x = draw.uniform(0.05, 0.5, (400, 2))
    y = x[:, 0] * draw.uniform(0.98, 1.02, 400)
    relation = fit(x, y, (0, 1), 0)
    assert relation.error == relation.error_before
    assert relation.coefficients[2:4] == (1.0, 0.0)


def test_a_relation_of_the_form_is_found():
    draw = np.random.default_rng(4)
    x = draw.uniform(0.05, 0.5, (3000, 2))
    s = (x[:, 1] - x[:, 0]) / (x[:, 1] + x[:, 0])
    relation = fit(x, x[:, 0] * (1.0 + 0.2 * s) + 0.05 * x[:, 1], (0, 1), 0)
    assert relation.error < 0.05 * relation.error_before


def test_the_uncertainty_covers_the_error_over_the_library():
    result = adjusted(library_scene("gf1_wfv", "WFV4", size=(30, 25)).pipe(quiet))
    error = np.abs(result["reflectance"].values - truth("modis", "Terra", FOUR, (30, 25)))
    for k in range(4):
        inside = (error[k] < result["reflectance_systematic"].values[k]).mean()
        assert 0.68 < inside < 0.99


def quiet(scene):
    """A scene with uncertainties of zero."""
    zero = xr.zeros_like(scene["reflectance"])
    return scene.assign(reflectance_random=zero, reflectance_systematic=zero)


def test_bands_are_those_of_the_reference():
    result = bandpass.adjust(library_scene("gf1_wfv", "WFV2"), "landsat_oli", variant="Landsat-9")
    rows = rows_of("landsat_oli", "Landsat-9", FOUR)
    assert result["band"].values.tolist() == list(FOUR)
    assert result["wavelength"].values.tolist() == [row.centre for row in rows]
    assert result["fwhm"].values.tolist() == [row.fwhm for row in rows]
    assert result["wavelength"].attrs["units"] == "um"
    assert result["reflectance"].dtype == np.float32
    assert result["reflectance"].dims == ("band", "y", "x")
    assert result.attrs["sensor"] == "gf1_wfv"
    assert (result.attrs["reference_sensor"], result.attrs["reference_platform"]) == ("landsat_oli", "Landsat-9")
    assert "reflectance_random" not in result
    last = result.attrs["history"].splitlines()[-1]
    assert last.startswith("bandpass.adjust(")
    assert '"swir1": "the scene of gf1_wfv has no such band"' in last


def test_bands_that_cannot_be_given_are_left_out_with_the_reason():
    roles = (*FOUR, "red_edge_1", "cirrus")
    scene = library_scene("sentinel2_msi", "Sentinel-2A", roles).chunk(y=6)
    result = bandpass.adjust(scene, bands=["red", "nir"])
    assert result["band"].values.tolist() == ["red", "nir"]
    last = result.attrs["history"].splitlines()[-1]
    for part in ('"green": "not asked for"', '"red_edge_1": "modis has no such band"', '"cirrus": "the surface is'):
        assert part in last


def test_the_reference_itself_is_not_changed():
    scene = library_scene("modis", "Terra", SIX, sigma=True)
    result = bandpass.adjust(scene, "modis", bands=["nir", "red"])
    assert result["band"].values.tolist() == ["red", "nir"]
    for name in ("reflectance", "reflectance_random", "reflectance_systematic"):
        np.testing.assert_array_equal(result[name], scene[name].sel(band=["red", "nir"]))
    assert result.attrs["reference_platform"] == "Terra"


def test_no_method_changes_nothing():
    scene = library_scene("gf1_wfv", "WFV1", sigma=True)
    xr.testing.assert_equal(bandpass.adjust(scene, method="none"), scene)


def test_an_adjusted_scene_is_adjusted_from_its_new_bands():
    once = bandpass.adjust(library_scene("gf1_wfv", "WFV3"), "landsat_oli")
    again = bandpass.adjust(once, "landsat_oli")
    xr.testing.assert_equal(once["reflectance"], again["reflectance"])
    assert '"error": 0' not in again.attrs["history"].splitlines()[0]


@pytest.mark.parametrize(("platform", "slope"), [("Sentinel-2A", 1.0053), ("Sentinel-2B", 1.0075)])
def test_published_lines_of_hls(platform, slope):
    roles = ("green", "nir", "nir_narrow")
    scene = library_scene("sentinel2_msi", platform, roles, sigma=True)
    result = bandpass.adjust(scene, "landsat_oli", method="hls")
    assert result["band"].values.tolist() == ["green", "nir"]
    offset = -0.0009 if platform.endswith("A") else -0.0008
    green = scene["reflectance"].sel(band="green")
    np.testing.assert_allclose(result["reflectance"].sel(band="green"), slope * green + offset, rtol=1e-6)
    systematic = scene["reflectance_systematic"].sel(band="green")
    assert (result["reflectance_systematic"].sel(band="green") > slope * systematic * 0.9999).all()
    random = scene["reflectance_random"].sel(band="green")
    np.testing.assert_allclose(result["reflectance_random"].sel(band="green"), slope * random, rtol=1e-6)
    line = lines("sentinel2_msi", platform, "landsat_oli", "Landsat-8")["nir"]
    narrow = scene["reflectance"].sel(band="nir_narrow")
    np.testing.assert_allclose(result["reflectance"].sel(band="nir"), line.slope * narrow + line.offset, rtol=1e-6)


def test_hls_there_and_back():
    scene = library_scene("sentinel2_msi", "Sentinel-2A", ("red", "swir1"))
    there = bandpass.adjust(scene, "landsat_oli", method="hls")
    back = bandpass.adjust(there, "sentinel2_msi", variant="Sentinel-2A", method="hls")
    np.testing.assert_allclose(back["reflectance"], scene["reflectance"], atol=1e-6)


def test_line_of_roy():
    scene = scene_of(np.full((1, 1, 1), 0.2), "landsat_etm", roles=("red",))
    result = bandpass.adjust(scene, "landsat_oli", method="hls")
    assert float(result["reflectance"].squeeze()) == pytest.approx(0.0061 + 0.9047 * 0.2, rel=1e-6)


def test_a_pixel_without_one_band_is_computed_from_the_others():
    scene = library_scene("gf1_wfv", "WFV4", sigma=True)
    whole = adjusted(scene)
    broken = scene.copy(deep=True)
    broken["reflectance"][0, 3, 4] = np.nan
    result = adjusted(broken)
    assert np.isnan(result["reflectance"][0, 3, 4])
    assert np.isfinite(result["reflectance"][1:, 3, 4]).all()
    at_red = {"band": 2, "y": 3, "x": 4}
    assert result["reflectance_systematic"][at_red] > whole["reflectance_systematic"][at_red]
    assert abs(result["reflectance"][at_red] - whole["reflectance"][at_red]) < 0.01
    elsewhere = np.ones(scene["reflectance"].shape[1:], bool)
    elsewhere[3, 4] = False
    np.testing.assert_array_equal(result["reflectance"].values[:, elsewhere], whole["reflectance"].values[:, elsewhere])


def test_the_nearest_band_alone_still_gives_its_own():
    values = np.full((4, 1, 2), np.nan, np.float32)
    values[1] = 0.1
    result = adjusted(scene_of(values, "gf1_wfv", "WFV1"))
    np.testing.assert_array_equal(np.isfinite(result["reflectance"].values[:, 0, 0]), [False, True, False, False])


def test_lazy_in_lazy_out_and_nothing_is_computed():
    scene = library_scene("gf1_wfv", "WFV4", sigma=True).chunk(y=5)

    def refuse(*_, **__):
        raise AssertionError("computed while the graph was built")

    with dask.config.set(scheduler=refuse):
        result = bandpass.adjust(scene)
    for name in ("reflectance", "reflectance_random", "reflectance_systematic", "qa"):
        assert result[name].chunks is not None


@pytest.mark.parametrize("chunks", [{"y": 5}, {"x": 3, "band": 1}, {"y": 1, "x": 7, "band": 2}])
def test_chunks_change_no_bit(chunks):
    scene = library_scene("gf1_wfv", "WFV4", sigma=True)
    scene["reflectance"][3, 2, 1] = np.nan
    whole = adjusted(scene)
    with dask.config.set(scheduler="threads", num_workers=4):
        xr.testing.assert_identical(bandpass.adjust(scene.chunk(chunks)).compute(), whole)


def test_geographic_planes_keep_their_names():
    result = bandpass.adjust(library_scene("gf1_wfv", "WFV1", dims=("latitude", "longitude")))
    assert result["reflectance"].dims == ("band", "latitude", "longitude")
    assert result["qa"].dims == ("latitude", "longitude")


def test_spectra_unlike_the_library_are_marked_and_keep_a_value():
    likely = library_scene("gf1_wfv", "WFV1")
    strange = likely.copy(deep=True)
    strange["reflectance"][:, 0, 0] = [0.6, 0.01, 0.6, 0.01]
    bit = SCENE_FLAG["outside_library"].mask
    assert not (adjusted(likely)["qa"].values & bit).any()
    result = adjusted(strange.assign(qa=xr.full_like(strange["reflectance"][0], 4, dtype=np.uint16)))
    assert result["qa"].values[0, 0] == 4 | bit
    assert (result["qa"].values.ravel()[1:] == 4).all()
    assert np.isfinite(result["reflectance"].values[:, 0, 0]).all()
    assert np.abs(result["reflectance"].values[:, 0, 0]).max() < 1.0


def test_of_two_bands_with_one_role_the_wavelength_tells():
    values = np.array([0.03, 0.07, 0.05, 0.4]).reshape(4, 1, 1)
    results = []
    for native in ("I1", "M5"):
        row = next(row for row in SENSORS["npp_viirs"].bands_of() if row.native == native)
        scene = scene_of(values, "npp_viirs")
        scene = scene.assign_coords(wavelength=("band", [0.486, 0.551, row.centre, 0.862]))
        results.append(float(adjusted(scene, bands=["red"])["reflectance"].squeeze()))
    assert results[0] != results[1]


@pytest.mark.parametrize(
    ("change", "how", "error", "message"),
    [
        (lambda s: s.assign_attrs(reflectance_level="top of atmosphere"), {}, InputError, "at the surface"),
        (lambda s: s.drop_vars("reflectance"), {}, InputError, "needs a standard scene"),
        (lambda s: s, {"method": "libary"}, InputError, "Did you mean 'library'"),
        (lambda s: s, {"to": "modes"}, NotFoundError, "modis"),
        (lambda s: s, {"variant": "Tera"}, InputError, "Did you mean 'Terra'"),
        (lambda s: s, {"bands": ["swir1"]}, InputError, "the scene of gf1_wfv has no such band"),
        (lambda s: s, {"bands": ["yellow"]}, InputError, "modis has no such band"),
        (lambda s: s, {"bands": ["cirrus"]}, InputError, "the surface is hidden"),
        (lambda s: s, {"method": "hls"}, InputError, "No lines are published from gf1_wfv WFV1 to modis"),
        (lambda s: s, {"to": "mtsat2_imager"}, InputError, "share no band"),
    ],
)
def test_what_cannot_be_done_is_said(change, how, error, message):
    with pytest.raises(error, match=message):
        bandpass.adjust(change(library_scene("gf1_wfv", "WFV1")), **how)


def test_hls_says_which_band_has_no_line():
    scene = library_scene("sentinel2_msi", "Sentinel-2A", ("red", "nir"))
    with pytest.raises(InputError, match="no line is published for it"):
        bandpass.adjust(scene, "landsat_oli", bands=["nir"], method="hls")
