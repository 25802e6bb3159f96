"""GF-6 WFV: eight bands in an order of its own, three images with one XML."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.gf6_wfv import SPEC

NAME = "GF6_WFV_E116.5_N39.4_20190501_L1A1119842986"
WHEN = datetime(2019, *make.TIME.timetuple()[1:6])
ROLES = ("blue", "green", "red", "nir", "red_edge_1", "red_edge_2", "coastal", "yellow")
GAINS = (0.0705, 0.0567, 0.0516, 0.0322, 0.0532, 0.0453, 0.0786, 0.0585)  # 2019, three agreeing public tables


def parts(folder: Path) -> list[np.ndarray]:
    data = [make.counts((40, width), 8, largest=4000) for width in (30, 28, 26)]
    for i, layers in enumerate(data, 1):
        make.tiff(folder / f"{NAME}-{i}.tiff", layers)
        (folder / f"{NAME}-{i}.rpb").write_text(make.rpb((40, layers.shape[2])))
    text = make.gaofen_xml("GF6", "WFV", when=WHEN, shape=(40, 84), ValidPixelBits=12)
    (folder / f"{NAME}.xml").write_text(text)
    return data


def test_bands_in_the_order_of_the_file(tmp_path: Path) -> None:
    data = make.counts((40, 30), 8, largest=4000)
    path = make.gaofen(tmp_path, NAME, data, when=WHEN, ValidPixelBits=12)
    opened = open_scene(path, calibration="radiance")
    assert tuple(v for v in opened.data_vars if v in ROLES) == ROLES
    for role, gain, layer in zip(ROLES, GAINS, data, strict=True):
        np.testing.assert_allclose(opened[role].values[1:], layer[1:] * gain, rtol=1e-6)
        assert opened[role].attrs["native_band"] == f"B{ROLES.index(role) + 1}"
    assert opened.attrs["calibration_year"] == 2019


@pytest.mark.parametrize("part", [1, 2, 3])
def test_each_part_is_a_scene_with_the_common_xml(tmp_path: Path, part: int) -> None:
    data = parts(tmp_path)[part - 1]
    opened = open_scene(tmp_path / f"{NAME}-{part}.tiff", calibration="counts")
    np.testing.assert_array_equal(opened["yellow"].values, data[7])
    assert opened.attrs["granule"] == f"{NAME}-{part}"
    assert "rational polynomials" in opened.attrs["geolocation"]


def test_the_folder_of_three_parts_asks_which(tmp_path: Path) -> None:
    parts(tmp_path)
    with pytest.raises(InputError, match=f"3 granules: {NAME}-1"):
        open_scene(tmp_path)


def test_the_corners_of_the_whole_do_not_place_a_part(tmp_path: Path) -> None:
    parts(tmp_path)
    (tmp_path / f"{NAME}-2.rpb").unlink()
    opened = open_scene(tmp_path / f"{NAME}-2.tiff")
    assert not opened.coords
    assert opened.attrs["geolocation"].startswith("none")


def test_gains_stated_in_the_xml(tmp_path: Path) -> None:
    stated = "0.0631,0.0469,0.0443,0.0297,0.0503,0.0439,0.0775,0.0505"
    data = make.counts((40, 30), 8, largest=4000)
    path = make.gaofen(tmp_path, NAME, data, when=WHEN, ValidPixelBits=12, AGain=stated)
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["coastal"].values[1:], data[6, 1:] * 0.0775, rtol=1e-6)
    assert opened.attrs["calibration_status"] == "stated"


def test_2021_does_not_take_the_copied_values(tmp_path: Path) -> None:
    data = make.counts((40, 30), 8, largest=4000)
    when = datetime(2021, *make.TIME.timetuple()[1:6])
    path = make.gaofen(tmp_path, NAME.replace("2019", "2021"), data, when=when)
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["coastal"].values[1:], data[6, 1:] * 0.0670, rtol=1e-6)
    assert "repeats" in opened.attrs["calibration_note"]


def test_reflectance_of_a_white_surface_is_about_one(tmp_path: Path) -> None:
    data = make.counts((40, 30), 8, largest=4000)
    path = make.gaofen(tmp_path, NAME, data, when=WHEN)
    radiance, reflectance = open_scene(path, calibration="radiance"), open_scene(path)
    for band in SPEC.bands:
        white = band.e0 * np.cos(np.radians(make.SUN[0])) / np.pi
        ratio = reflectance[band.name].values[1:] * white / radiance[band.name].values[1:]
        np.testing.assert_allclose(ratio, 1.0, atol=0.02)  # the square of the Sun's distance, 1.015 in May
        assert ratio.mean() > 1.005


def test_four_bands_are_no_gf6(tmp_path: Path) -> None:
    path = make.gaofen(tmp_path, NAME, make.counts((40, 30), 4), when=WHEN)
    with pytest.raises(SceneError, match=r"4 bands, but .* has 8"):
        open_scene(path)


def test_found_by_content_when_the_name_is_lost(tmp_path: Path) -> None:
    data = make.counts((40, 30), 8)
    make.gaofen(tmp_path, NAME, data, when=WHEN)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / f"lost{file.suffix}")
    opened = open_scene(tmp_path / "lost.xml", calibration="counts")
    assert opened.attrs["sensor"] == "gf6_wfv"
    np.testing.assert_array_equal(opened["blue"].values, data[0])
