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
