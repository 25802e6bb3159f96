"""GF-1 PMS and its three sisters: two grids, coefficients by platform."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.gf1_pms import SPEC

ROLES = ("blue", "green", "red", "nir")


def scene(
    folder: Path, satellite: str, camera: str, year: int, **fields: object
) -> tuple[Path, np.ndarray, np.ndarray]:
    name = f"{satellite}_{camera}_E116.5_N39.4_{year}0501_L1A0002330000"
    digit = camera[3:]
    when = datetime(year, *make.TIME.timetuple()[1:6])
    colours, pan = make.counts((20, 15), 4), make.counts((80, 60), 1)
    kind = "MSS" if digit else "MUX"
    make.gaofen(folder, name, colours, suffix=f"-{kind}{digit}", when=when, **fields)
    make.gaofen(folder, name, pan, suffix=f"-PAN{digit}", when=when, **fields)
    return folder, colours, pan


# Pan and four bands as printed in two or more public tables (2017: the official notice).
GAINS = {
    ("GF1", "PMS1", 2017): (0.1228, 0.1424, 0.1177, 0.1194, 0.1135),
    ("GF1", "PMS2", 2017): (0.1365, 0.1460, 0.1248, 0.1274, 0.1255),
    ("GF1", "PMS2", 2014): (0.2147, 0.2419, 0.2047, 0.2009, 0.2058),
    ("GF1B", "PMS", 2020): (0.0687, 0.0757, 0.0618, 0.0545, 0.0572),
    ("GF1C", "PMS", 2020): (0.0709, 0.0758, 0.0657, 0.0543, 0.0564),
    ("GF1D", "PMS", 2020): (0.0715, 0.0738, 0.0656, 0.0590, 0.0585),
}


@pytest.mark.parametrize(("satellite", "camera", "year"), GAINS)
def test_both_grids_by_platform_and_camera(tmp_path: Path, satellite: str, camera: str, year: int) -> None:
    folder, colours, pan = scene(tmp_path, satellite, camera, year)
    gains = GAINS[satellite, camera, year]
    opened = open_scene(folder, calibration="radiance")
    for role, gain, layer in zip(ROLES, gains[1:], colours, strict=True):
        np.testing.assert_allclose(opened[role].values[1:], layer[1:] * gain, rtol=1e-6)
    sharp = open_scene(folder, resolution=2, calibration="radiance")
    np.testing.assert_allclose(sharp["pan"].values[1:], pan[0, 1:] * gains[0], rtol=1e-6)
    assert [v for v in sharp.data_vars if v in (*ROLES, "pan")] == ["pan"]
    assert opened.attrs["platform"] == f"GF-1{satellite[3:]}"


def test_2013_has_offsets(tmp_path: Path) -> None:
    folder, colours, _ = scene(tmp_path, "GF1", "PMS1", 2013)
    blue = open_scene(folder, calibration="radiance")["blue"].values
    np.testing.assert_allclose(blue[1:], colours[0, 1:] * 0.2082 + 4.6186, rtol=1e-6)


def test_the_two_grids_share_their_place(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1", "PMS1", 2017)
    coarse, sharp = open_scene(folder), open_scene(folder, resolution=2)
    # The middle of an 8 m pixel is the middle of 4 x 4 of 2 m.
    fine = sharp["latitude"].values.reshape(20, 4, 15, 4).mean((1, 3))
    np.testing.assert_allclose(coarse["latitude"].values, fine, atol=0.05 * 0.4 / 20)


def test_stated_gains_by_image(tmp_path: Path) -> None:
    folder, colours, pan = scene(tmp_path, "GF1", "PMS1", 2023, AbsCeof="0.14,0.12,0.13,0.11")
    np.testing.assert_allclose(
        open_scene(folder, calibration="radiance")["nir"].values[1:], colours[3, 1:] * 0.11, rtol=1e-6
    )
    # The same four numbers beside the panchromatic image are not its own: the nearest year of the table is.
    sharp = open_scene(folder, resolution=2, calibration="radiance")
    np.testing.assert_allclose(sharp["pan"].values[1:], pan[0, 1:] * 0.1306, rtol=1e-6)
    assert sharp.attrs["calibration_year"] == 2022


def test_the_jump_of_the_gains_is_noted(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1B", "PMS", 2019)
    assert "0.4 to 0.9 times" in open_scene(folder).attrs["calibration_note"]


def test_a_platform_of_unknown_depth_is_not_marked_saturated(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1B", "PMS", 2020, ValidPixelBits=None)
    assert not (open_scene(folder)["qa"].values[1:] != 0).any()


def test_only_one_of_the_images(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1", "PMS1", 2017)
    next(folder.glob("*-MSS1.tiff")).unlink()
    with pytest.raises(SceneError, match=r"lacks its image of 8 m .* another resolution"):
        open_scene(folder)
    assert "pan" in open_scene(folder, resolution=2)


def test_metadata_of_the_other_camera_are_refused(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1", "PMS1", 2017)
    path = next(folder.glob("*-MSS1.xml"))
    path.write_text(path.read_text().replace("PMS1", "PMS2"))
    with pytest.raises(SceneError, match="called GF1_PMS1"):
        open_scene(folder)


def test_found_by_content_when_the_name_is_lost(tmp_path: Path) -> None:
    folder, colours, _ = scene(tmp_path, "GF1", "PMS1", 2017)
    for file in list(folder.iterdir()):
        file.rename(folder / f"a-{file.name.rpartition('-')[2]}")
    (folder / "a-MSS1.xml").rename(folder / "a.xml")
    opened = open_scene(folder / "a.xml", calibration="counts")
    np.testing.assert_array_equal(opened["red"].values, colours[2])
    assert opened.attrs["sensor"] == "gf1_pms"


def test_spec(tmp_path: Path) -> None:
    folder, _, _ = scene(tmp_path, "GF1", "PMS1", 2017)
    assert scene_grids(folder) == {2: ["pan"], 8: list(ROLES)}
    assert len(SPEC.bands) == 25
    # Irradiance of the table that came with the responses (other solar spectrum): within 3 %.
    for variant, esun in (
        ("PMS1", (1945.29, 1854.10, 1542.90, 1080.77, 1371.79)),
        ("GF-1C", (1931.98, 1848.95, 1535.31, 1063.84, 1383.91)),
        ("GF-1D", (1935.67, 1849.93, 1556.04, 1076.39, 1395.30)),
    ):
        for band, value in zip(SPEC.bands_of(variant), esun, strict=True):
            assert band.e0 == pytest.approx(value, rel=0.03)
