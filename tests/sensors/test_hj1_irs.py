"""HJ-1B IRS: two grids, thermal band, coefficients only where the XML states them."""

from pathlib import Path

import numpy as np
import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.hj1_irs import SPEC

NAME = "HJ1B-IRS-452-56-20170501-L20000595422"
C1, C2 = 1.191042972e8, 1.438776877e4  # W m-2 sr-1 um4, um K (CODATA 2018)
STATED = (
    "(gain1,Labdata,L=DN/g+L0,W*m^(-2)*sr^(-1)*um^(-1))B5:g 4.0, L0 1.0, B6:g 15.0, L0 0.5, B7:g 500, L0 0.0, "
    "B8:g 60.0, L0 -2.0"
)


def planck(kelvin: np.ndarray, wavelength: float = 11.5) -> np.ndarray:
    return C1 / wavelength**5 / np.expm1(C2 / (wavelength * kelvin))


def scene(folder: Path, first: int = 1, **fields: object) -> tuple[Path, np.ndarray, np.ndarray]:
    near, far = make.counts((40, 30), 3), make.counts((20, 15), 1)
    data = {str(first + i): layer for i, layer in enumerate(near)} | {str(first + 3): far[0]}
    given = {"scenePath": 452, "sceneRow": 56, "absCalibType": STATED, **fields}
    return make.huanjing(folder, NAME, data, **given), near, far[0]


@pytest.mark.parametrize("first", [1, 5])
def test_both_grids_as_counts(tmp_path: Path, first: int) -> None:
    path, near, far = scene(tmp_path, first)
    opened = open_scene(path, calibration="counts")
    for name, layer in zip(("b05", "swir1", "mir"), near, strict=True):
        np.testing.assert_array_equal(opened[name].values, layer)
    np.testing.assert_array_equal(open_scene(path, resolution=300, calibration="counts")["tir1"].values, far)
    assert scene_grids(path) == {150: ["b05", "swir1", "mir"], 300: ["tir1"]}


@pytest.mark.parametrize("resolution", [150, 300])
def test_without_stated_coefficients_only_counts_open(tmp_path: Path, resolution: float) -> None:
    path, _, _ = scene(tmp_path, absCalibType=None)
    with pytest.raises(SceneError, match=r"published coefficients of HJ-1B IRS are not known.*counts"):
        open_scene(path, resolution=resolution)
    assert open_scene(path, resolution=resolution, calibration="counts").sizes["y"] == 6000 / resolution


def test_stated_coefficients(tmp_path: Path) -> None:
    path, near, far = scene(tmp_path)
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["swir1"].values[1:], near[1, 1:] / 15.0 + 0.5, rtol=1e-6)
    np.testing.assert_allclose(opened["mir"].values[1:], near[2, 1:] / 500, rtol=1e-6)
    thermal = open_scene(path, resolution=300, calibration="radiance")
    np.testing.assert_allclose(thermal["tir1"].values[1:], far[1:] / 60.0 - 2.0, rtol=1e-5, atol=1e-6)


def test_brightness_temperature_is_the_inverse_of_planck(tmp_path: Path) -> None:
    path, _, far = scene(tmp_path)
    opened = open_scene(path, resolution=300)["tir1"]
    assert opened.attrs["units"] == "K"
    radiance = far / 60.0 - 2.0
    warm = (radiance > 4) & (far > 0)
    assert warm.sum() > 50
    np.testing.assert_allclose(planck(opened.values[warm].astype(float)), radiance[warm], rtol=1e-4)


def test_saturation_is_marked_only_where_the_depth_is_known(tmp_path: Path) -> None:
    path, near, _ = scene(tmp_path)
    near[0, 3, 3] = 1023
    make.tiff(path.with_name(f"{NAME}-1.TIF"), near[:1], crs="EPSG:32650")
    assert not (open_scene(path)["qa"].values[1:] != 0).any()
    path.write_text(path.read_text().replace("<bands>", "<ValidPixelBits>10</ValidPixelBits><bands>"))
    assert open_scene(path)["qa"].values[3, 3] != 0


def test_a_scene_of_the_ccd_is_none(tmp_path: Path) -> None:
    path, _, _ = scene(tmp_path)
    path.write_text(path.read_text().replace(">IRS<", ">CCD1<"))
    with pytest.raises(SceneError, match=r"HJ1B CCD1|content says"):
        open_scene(path)


def test_night_has_temperature_and_no_reflectance(tmp_path: Path) -> None:
    night = make.TIME.replace(hour=15)
    path, _, _ = scene(tmp_path, when=night, sunElevation=None, sunAzimuthElevation=None)
    assert np.isfinite(open_scene(path, resolution=300)["tir1"].values[5:]).any()
    assert np.isnan(open_scene(path)["swir1"].values).all()


def test_found_by_content_when_the_name_is_lost(tmp_path: Path) -> None:
    path, near, _ = scene(tmp_path)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / file.name.replace(NAME, "lost"))
    opened = open_scene(tmp_path / "lost.XML", calibration="counts")
    assert opened.attrs["sensor"] == "hj1_irs"
    np.testing.assert_array_equal(opened["mir"].values, near[2])
    assert path.name.startswith(NAME)


def test_spec() -> None:
    assert [b.thermal for b in SPEC.bands] == [False, False, True, True]
    assert SPEC.resolutions == (150, 300)
