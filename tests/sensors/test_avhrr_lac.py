"""AVHRR at full resolution as NOAA archives it; what it shares with GAC is tested there."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sensors import make_avhrr as make

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._open import open_scene

MADE = make.lac(clavr={(1, 2047): 3, (2, 0): 2})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MADE.write(tmp_path_factory.mktemp("lac") / make.LAC_NAME)


@pytest.fixture(scope="module")
def scene(path: Path) -> xr.Dataset:
    return open_scene(path).load()


def test_counts_are_what_is_stored(path: Path) -> None:
    made = open_scene(path, calibration="counts")
    for channel, name in ((0, "red"), (1, "nir"), (2, "mir"), (3, "tir1"), (4, "tir2")):
        np.testing.assert_array_equal(made[name], MADE.counts[:, :, channel])
    assert (made["swir1"] == 0).all()  # every line holds 3b


def test_radiometry_put_in_comes_out(path: Path) -> None:
    radiance = open_scene(path, calibration="radiance")
    count = MADE.counts.astype(float)
    s1, i1, s2, i2, corner = make.VISIBLE[1]
    percent = np.where(
        count[..., 1] <= corner, s1 / 1e7 * count[..., 1] + i1 / 1e6, s2 / 1e7 * count[..., 1] + i2 / 1e6
    )
    expected = percent / 100 * make.IRRADIANCE[1] * 0.1 / np.pi / (make.WIDTH[1] * 0.001)
    np.testing.assert_allclose(radiance["nir"], expected, rtol=1e-6)
    a0, a1, a2 = make.INFRARED[2]
    per_wavenumber = a0 / 1e6 + a1 / 1e6 * count[..., 4] + a2 / 1e7 * count[..., 4] ** 2
    np.testing.assert_allclose(radiance["tir2"], per_wavenumber * 10.0 / (1e4 / 833.253) ** 2, rtol=1e-6)


def test_reflectance_has_the_cosine_and_the_distance(path: Path, scene: xr.Dataset) -> None:
    radiance = open_scene(path, calibration="radiance")["red"]
    cosine = np.cos(np.radians(make.sun_zenith(4, np.arange(2048.0), 2048)))
    flux = make.IRRADIANCE[0] * 0.1 / (make.WIDTH[0] * 0.001)
    np.testing.assert_allclose(scene["red"], np.pi * radiance * 1.0327 / (flux * cosine), rtol=1e-3)


def test_places_and_view(scene: xr.Dataset) -> None:
    known = MADE.swath.at(np.arange(2048.0))
    for name in ("longitude", "latitude"):
        np.testing.assert_allclose(scene[name][:, 24:2024], known[name][:, 24:2024], atol=1e-3)
        np.testing.assert_allclose(scene[name], known[name], atol=8e-3)
    np.testing.assert_allclose(scene["view_zenith"], known["view_zenith"], atol=0.03)
    off = known["view_zenith"] > 0.5
    apart = (scene["view_azimuth"].values - known["view_azimuth"] + 180.0) % 360.0 - 180.0
    assert np.abs(apart[off]).max() < 0.5


def test_over_the_date_line(tmp_path: Path) -> None:
    made = make.lac(swath=make.Swath(2, 2048, longitude=179.5))
    scene = open_scene(made.write(tmp_path / make.LAC_NAME)).load()
    known = made.swath.at(np.arange(2048.0))
    apart = (scene["longitude"].values - known["longitude"] + 180.0) % 360.0 - 180.0
    assert np.abs(apart).max() < 8e-3
    assert float(scene["longitude"].max()) > 179.9
    assert float(scene["longitude"].min()) < -179.9


def test_clouds_at_both_ends_of_a_line(scene: xr.Dataset) -> None:
    assert int(scene["qa"][1, 2047]) == SCENE_FLAG["cloud"].mask
    assert int(scene["qa"][2, 0]) == SCENE_FLAG["cloud_possible"].mask
    assert int(scene["qa"].astype(bool).sum()) == 2


def test_agrees_with_pygac(path: Path) -> None:
    reader = pytest.importorskip("pygac.lac_klm").LACKLMReader()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader.read(str(path))
        theirs = np.asarray(reader.get_counts())
    ours = open_scene(path, calibration="counts")
    np.testing.assert_array_equal(ours["tir1"], theirs[:, :, 4])


@pytest.mark.parametrize("name", [make.LAC_NAME, "renamed.bin"])
def test_found_by_name_or_content(tmp_path: Path, name: str) -> None:
    scene = open_scene(MADE.write(tmp_path / name, archive_header=True))
    assert scene.attrs["sensor"] == "avhrr_lac"
    assert scene.attrs["platform"] == "Metop-A"


@pytest.mark.parametrize("mode", ["LHRR", "HRPT"])
def test_other_modes(tmp_path: Path, mode: str) -> None:
    made = make.lac()
    made.name = make.LAC_NAME.replace("FRAC", mode)
    assert open_scene(made.write(tmp_path / made.name)).attrs["sensor"] == "avhrr_lac"


def test_a_file_cut_short(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / make.LAC_NAME
    copy.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SceneError, match=r"is cut off: 3 whole lines of 15872 bytes"):
        open_scene(copy)


def test_global_coverage_under_this_name_is_refused(tmp_path: Path) -> None:
    path = make.gac().write(tmp_path / make.LAC_NAME)
    with pytest.raises(SceneError, match="its content says AVHRR/3 GAC"):
        open_scene(path)
