"""HJ-1 CCD: stated and official coefficients, gain states, a file for each band."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from sensors import make_gaofen as make

from musyq_lab.core.errors import SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors.hj1_ccd import SPEC

ROLES = ("blue", "green", "red", "nir")
NAME = "HJ1{satellite}-CCD{camera}-451-76-{year}0501-L20000157001"

OFFICIAL = {
    ("A", 1, 2017): ((1.4609, 7.325), (1.4420, 6.0737), (0.9885, 3.6123), (1.0241, 1.9028)),
    ("B", 2, 2017): ((1.2716, 2.2219), (1.2302, 4.0683), (0.8639, 5.2537), (0.8092, 6.3497)),
    ("A", 2, 2013): ((1.1185, -9.9414), (1.2049, -16.773), (0.8384, -21.915), (0.9257, -27.660)),
}
UNKNOWN = "(gain2,NoData)"


def scene(folder: Path, satellite: str = "A", camera: int = 1, year: int = 2017, **fields: object):
    data = make.counts((20, 30), 4, "uint8", 255)
    when = datetime(year, *make.TIME.timetuple()[1:6])
    name = NAME.format(satellite=satellite, camera=camera, year=year)
    return make.huanjing(folder, name, data, when=when, **fields), data


@pytest.mark.parametrize(("satellite", "camera", "year"), OFFICIAL)
def test_official_coefficients_where_the_xml_has_none(tmp_path: Path, satellite: str, camera: int, year: int) -> None:
    path, data = scene(tmp_path, satellite, camera, year, absCalibType=UNKNOWN)
    opened = open_scene(path, calibration="radiance")
    for role, (gain, offset), layer in zip(ROLES, OFFICIAL[satellite, camera, year], data, strict=True):
        np.testing.assert_allclose(opened[role].values[1:], layer[1:] * gain + offset, rtol=1e-5, atol=1e-5)
        assert np.isnan(opened[role].values[0]).all()
    assert opened.attrs["calibration_year"] == year
    assert "CRESDA" in opened.attrs["calibration_source"]


@pytest.mark.parametrize("year", [2009, 2013, 2017])
def test_stated_coefficients_come_first(tmp_path: Path, year: int) -> None:
    path, data = scene(tmp_path, year=year)
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["blue"].values[1:], data[0, 1:] / 0.7696 + 7.325, rtol=1e-6)
    np.testing.assert_allclose(opened["nir"].values[1:], data[3, 1:] / 1.0281 + 1.9028, rtol=1e-6)
    note = opened.attrs["calibration_note"]
    assert "gain2,Fielddata" in note
    assert ("published" in note) == (year != 2009)
    assert opened.attrs["calibration_status"] == "stated"


@pytest.mark.parametrize(
    ("year", "stated"), [(2010, UNKNOWN), (2010, None), (2015, ""), (2013, "(gain1,NoData)"), (2013, None)]
)
def test_without_coefficients_only_counts_open(tmp_path: Path, year: int, stated: str | None) -> None:
    path, data = scene(tmp_path, year=year, absCalibType=stated)
    for calibration in ("reflectance", "radiance"):
        with pytest.raises(SceneError, match=r"2013 \(gain state 2\), 2017 only.*counts") as error:
            open_scene(path, calibration=calibration)
        assert str(year) in str(error.value)
    np.testing.assert_array_equal(open_scene(path, calibration="counts")["red"].values, data[2])


def test_lab_coefficients_of_the_other_form(tmp_path: Path) -> None:
    # The form of the CBERS-4 MUX scene: gains to multiply by.
    text = "(gain2,Labdata,L=DN*g,W*m^(-2)*sr^(-1)*um^(-1))B1: 0.626647, B2:0.653898, B3: 0.647728, B4: 0.498509"
    path, data = scene(tmp_path, absCalibType=text)
    opened = open_scene(path, calibration="radiance")
    np.testing.assert_allclose(opened["green"].values[1:], data[1, 1:] * 0.653898, rtol=1e-6)
    assert "Labdata" in opened.attrs["calibration_note"]


def test_scene_layout(tmp_path: Path) -> None:
    path, _ = scene(tmp_path)
    opened = open_scene(path)
    assert opened.rio.crs.to_epsg() == 32650
    assert opened.attrs["platform"] == "HJ-1A"
    assert float(opened["sun_zenith"]) == pytest.approx(make.SUN[0])
    assert float(opened["sun_azimuth"]) == pytest.approx(make.SUN[1])
    assert "view_zenith" not in opened
    assert opened.attrs["time_coverage_end"] == "2017-05-01T03:06:45.510Z"


def test_quality_bits(tmp_path: Path) -> None:
    data = make.counts((20, 30), 4, "uint8", 255)
    data[2, 4, 4] = 255
    path = make.huanjing(tmp_path, NAME.format(satellite="A", camera=1, year=2017), data)
    qa = open_scene(path)["qa"].values
    assert qa[4, 4] == SCENE_FLAG["saturated"].mask
    assert (qa[0] == SCENE_FLAG["no_data"].mask).all()
    assert (qa[1:] != 0).sum() == 1


def test_a_missing_band_is_told(tmp_path: Path) -> None:
    path, _ = scene(tmp_path)
    path.with_name(f"{path.stem}-2.TIF").unlink()
    opened = open_scene(path)
    assert "green" not in opened
    assert opened.attrs["bands_missing"] == "green"


def test_any_file_of_the_scene_opens_it(tmp_path: Path) -> None:
    path, data = scene(tmp_path)
    for name in (path.name, f"{path.stem}-3.TIF"):
        np.testing.assert_array_equal(open_scene(tmp_path / name, calibration="counts")["blue"].values, data[0])


def test_found_by_content_when_the_name_is_lost(tmp_path: Path) -> None:
    path, data = scene(tmp_path)
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / file.name.replace(path.stem, "lost"))
    opened = open_scene(tmp_path / "lost.XML", calibration="counts")
    assert opened.attrs["sensor"] == "hj1_ccd"
    np.testing.assert_array_equal(opened["nir"].values, data[3])
    np.testing.assert_array_equal(
        open_scene(tmp_path / "lost-2.TIF", sensor="hj1_ccd", calibration="counts")["nir"].values, data[3]
    )


def test_the_archive_is_refused_with_a_command(tmp_path: Path) -> None:
    name = NAME.format(satellite="A", camera=1, year=2017)
    (tmp_path / f"{name}.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    with pytest.raises(SceneError, match=f"tar -xzf {name}.tar.gz"):
        open_scene(tmp_path / f"{name}.tar.gz")


def test_nominal_bands_have_about_the_irradiance_of_hj2() -> None:
    # HJ-2A CCD1 has measured responses in like bands; TSIS-1 HSRS over them (ACOLITE's responses).
    for band, e0 in zip(SPEC.bands, (1998.0, 1862.5, 1547.0, 1068.0), strict=True):
        assert band.e0 == pytest.approx(e0, rel=0.025)
