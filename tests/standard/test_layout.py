"""The layout of standard scenes and what the steps share."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.core.resources import resource
from musyq_lab.sensors._open import open_scene
from musyq_lab.standard import layout

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"


def scene(**attrs):
    """Two bands on 2 x 3 pixels, one of them cloudy."""
    qa = np.zeros((2, 3), np.uint16)
    qa[0, 1] = SCENE_FLAG["cloud"].mask
    return xr.Dataset(
        {
            "reflectance": (("band", "y", "x"), da.full((2, 2, 3), 0.2, dtype=np.float32, chunks=-1)),
            "qa": (("y", "x"), da.from_array(qa, chunks=-1)),
            "sun_azimuth": (("y", "x"), np.full((2, 3), 350.0)),
            "view_azimuth": (("y", "x"), np.array([[350.0, 10.0, 170.0], [260.0, 80.0, 355.0]])),
        },
        {"band": ["red", "nir"]},
        {"sensor": "landsat_oli", "platform": "Landsat-8", "reflectance_level": layout.TOP, **attrs},
    )


def test_relative_azimuth_is_folded_and_zero_on_one_side():
    found = layout.relative_azimuth(scene())
    np.testing.assert_allclose(found, [[0, 20, 180], [90, 90, 5]])
    assert found.attrs["units"] == "degree"


def test_flags_are_read_and_set_lazily():
    one = scene()
    assert layout.flagged(one, "cloud").values.tolist() == [[False, True, False], [False, False, False]]
    assert not layout.flagged(one, "water", "night").values.any()
    assert layout.flagged(one, "water", "cloud").values.sum() == 1
    more = layout.with_flag(one, "water", xr.DataArray(da.ones((2, 3), bool), dims=("y", "x")))
    assert more["qa"].chunks
    assert more["qa"].dtype == np.uint16
    assert layout.flagged(more, "water").values.all()
    assert layout.flagged(more, "cloud").values.sum() == 1
    assert "water" in more["qa"].attrs["flag_meanings"]
    assert not layout.flagged(one, "water").values.any()


def test_a_scene_without_quality_has_no_flag_until_one_is_set():
    bare = scene().drop_vars("qa")
    none = layout.flagged(bare, "cloud")
    assert none.dims == ("y", "x")
    assert none.dtype == bool
    assert not none.values.any()
    assert layout.flagged(layout.with_flag(bare, "night", ~none), "night").values.all()


def test_unknown_flags_are_refused():
    with pytest.raises(InputError, match=r"no flag 'clod' of a scene\. Did you mean 'cloud'"):
        layout.flagged(scene(), "clod")


def test_plane_is_what_is_left_beside_the_bands():
    assert layout.plane_of(scene()) == ("y", "x")
    placed = scene().rename(y="latitude", x="longitude").transpose("latitude", "longitude", "band")
    assert layout.plane_of(placed) == ("latitude", "longitude")
    thermal = xr.Dataset({"brightness_temperature": (("thermal_band", "y", "x"), np.zeros((1, 2, 2)))})
    assert layout.plane_of(thermal) == ("y", "x")
    with pytest.raises(InputError, match=r"no standard scene: it holds a\."):
        layout.plane_of(xr.Dataset({"a": 1}))


@pytest.mark.parametrize(
    ("attrs", "variant"),
    [
        ({"sensor": "landsat_oli", "platform": "Landsat-9"}, "Landsat-9"),
        ({"sensor": "gf1_wfv", "platform": "GF-1", "camera": "WFV3"}, "WFV3"),
        ({"sensor": "gf1_wfv", "platform": "GF-1"}, ""),
        ({"sensor": "sentinel2_msi", "platform": "Sentinel-2B"}, "Sentinel-2B"),
    ],
)
def test_variant_is_the_camera_or_the_platform(attrs, variant):
    found = layout.variant_of(scene(**attrs))
    from musyq_lab.sensors._registry import SENSORS

    assert found == (variant if variant in SENSORS[attrs["sensor"]].variants else "")


def test_require_says_what_is_missing_and_what_is_there():
    layout.require(scene(), "adjust", bands=["red"], variables=["qa"], level=layout.TOP)
    with pytest.raises(InputError, match=r"adjust needs the band 'blue'; this scene has red, nir\."):
        layout.require(scene(), "adjust", bands=["red", "blue"])
    with pytest.raises(
        InputError, match=r"correct needs 'sun_zenith', which this scene lacks\. It holds reflectance, qa"
    ):
        layout.require(scene(), "correct", variables=["sun_zenith"])
    with pytest.raises(InputError, match="adjust needs reflectance at the surface; this scene holds that at the top"):
        layout.require(scene(), "adjust", level=layout.SURFACE)
    with pytest.raises(
        InputError, match=r"classify needs a standard scene; this Dataset holds red\. Bring it there with"
    ):
        layout.require(xr.Dataset({"red": ("x", [1.0])}), "classify")


def test_each_step_leaves_one_line():
    one = layout.add_step(scene(), "first", {"b": 2, "a": 1.5})
    two = layout.add_step(one, "second", {})
    assert one.attrs["history"].startswith("first(a=1.5, b=2) by musyq-lab ")
    assert [line.split("(")[0] for line in two.attrs["history"].splitlines()] == ["first", "second"]
    assert "history" not in scene().attrs


def test_stack_tells_a_scene_from_a_standard_scene():
    opened = open_scene(resource(SAMPLE))
    stacked = layout.stack(opened)
    assert layout.is_standard(stacked)
    assert not layout.is_standard(opened)
    assert stacked.encoding == opened.encoding
    assert layout.plane_of(stacked) == ("y", "x")


@pytest.fixture(scope="module")
def opened():
    return open_scene(resource(SAMPLE))


@pytest.fixture(scope="module")
def stacked(opened):
    return layout.stack(opened).compute()


def test_stacks_of_a_scene(opened, stacked):
    assert stacked.reflectance.dims == ("band", "y", "x")
    assert stacked.brightness_temperature.dims == ("thermal_band", "y", "x")
    assert list(stacked.band.values) == ["coastal", "blue", "green", "red", "nir", "swir1", "swir2", "cirrus"]
    assert list(stacked.thermal_band.values) == ["tir1", "tir2"]
    assert stacked.reflectance.attrs["units"] == "1"
    assert stacked.brightness_temperature.attrs["units"] == "K"
    assert stacked.wavelength.attrs["units"] == stacked.thermal_fwhm.attrs["units"] == "um"
    for name in stacked.band.values:
        assert float(stacked.wavelength.sel(band=name)) == opened[name].attrs["wavelength"]
        assert float(stacked.fwhm.sel(band=name)) == opened[name].attrs["fwhm"]
    for name in stacked.thermal_band.values:
        assert float(stacked.thermal_wavelength.sel(thermal_band=name)) == opened[name].attrs["wavelength"]


def test_numbers_are_those_of_the_scene(opened, stacked):
    keep = (opened.qa & (SCENE_FLAG["no_data"].mask | SCENE_FLAG["saturated"].mask)) == 0
    for name in stacked.band.values:
        np.testing.assert_array_equal(stacked.reflectance.sel(band=name), opened[name].where(keep))
    np.testing.assert_array_equal(stacked.brightness_temperature.sel(thermal_band="tir2"), opened.tir2.where(keep))
    np.testing.assert_array_equal(stacked.qa, opened.qa)


def test_angles_of_the_centre_are_spread(opened, stacked):
    assert set(layout.ANGLES) <= set(stacked)
    assert opened.sun_zenith.ndim == 0
    assert stacked.sun_zenith.dims == ("y", "x")
    assert stacked.sun_zenith.dtype == np.float32
    np.testing.assert_array_equal(stacked.sun_zenith, float(opened.sun_zenith))
    assert stacked.sun_zenith.attrs == opened.sun_zenith.attrs


def test_masked_pixels_are_gone_and_their_bits_stay():
    made = xr.Dataset(
        {
            "red": (("y", "x"), np.full((1, 4), 0.2, np.float32), {"units": "1", "wavelength": 0.65, "fwhm": 0.05}),
            "qa": (("y", "x"), np.array([[0, 1, 4, 2]], np.uint16)),
        }
    )
    for mask, gone in (((), []), (("no_data",), [1]), (layout.MASKED, [1, 3]), (("cloud", "saturated"), [2, 3])):
        found = layout.stack(made, mask=mask)
        assert np.flatnonzero(np.isnan(found.reflectance.values)).tolist() == gone
        np.testing.assert_array_equal(found.qa, made.qa)


@pytest.mark.parametrize("sensor", ["modis", "landsat_oli"])
def test_a_saturated_band_that_is_marked_leaves_the_others(sensor):
    """Bands of MODIS for the ocean saturate over land: that must not cost the bands for land."""
    qa = np.array([[2, 2, 2, 0, 3]], np.uint16)
    red = np.array([[0.2, np.nan, 0.3, 0.4, np.nan]], np.float32)
    ocean = np.array([[np.nan, 0.1, 0.1, 0.1, np.nan]], np.float32)
    attrs = {"units": "1", "wavelength": 0.65, "fwhm": 0.05}
    made = xr.Dataset(
        {"red": (("y", "x"), red, attrs), "b9": (("y", "x"), ocean, attrs), "qa": (("y", "x"), qa, {"a": 1})},
        attrs={"sensor": sensor},
    )
    for lazy in (made, made.chunk(x=2)):
        found = layout.stack(lazy)
        assert bool(found.chunks) == bool(lazy.chunks)
        assert found.qa.dtype == np.uint16
        assert found.qa.attrs == {"a": 1}
        if sensor == "modis":
            np.testing.assert_array_equal(found.qa, [[0, 2, 0, 0, 3]])
            np.testing.assert_array_equal(found.reflectance.sel(band="red"), red)
            np.testing.assert_array_equal(found.reflectance.sel(band="b9"), ocean)
        else:
            np.testing.assert_array_equal(found.qa, qa)
            keep = [[False, False, False, True, False]]
            np.testing.assert_array_equal(np.isfinite(found.reflectance.values), [keep, keep])
    with pytest.raises(InputError, match="no flag 'satureted'"):
        layout.stack(made, mask=["satureted"])


def test_a_scene_that_does_not_say_its_sensor():
    bare = scene()
    del bare.attrs["sensor"]
    with pytest.raises(InputError, match=r"does not say its sensor\. Add scene\.attrs"):
        layout.variant_of(bare)


def test_hiding_takes_bands_and_uncertainty_and_leaves_angles():
    one = scene().assign(reflectance_random=lambda d: d.reflectance * 0 + np.float32(0.01))
    found = layout.hide(one, ["cloud"])
    assert np.isnan(found.reflectance.values[:, 0, 1]).all()
    assert np.isnan(found.reflectance.values).sum() == np.isnan(found.reflectance_random.values).sum() == 2
    np.testing.assert_array_equal(found.sun_azimuth, one.sun_azimuth)
    xr.testing.assert_identical(layout.hide(one, []), one)
    with pytest.raises(InputError, match="no flag 'fog'"):
        layout.hide(one, ["fog"])


def test_samples_that_the_files_mark_cost_no_other_band():
    one = layout.with_flag(scene(sensor="modis", platform="Terra"), "saturated", layout.flagged(scene(), "cloud"))
    assert not np.isnan(layout.hide(one, ["saturated"]).reflectance.values).any()
    other = one.assign_attrs(sensor="landsat_oli")
    assert np.isnan(layout.hide(other, ["saturated"]).reflectance.values).sum() == 2
