"""FY-4A files by h5py: where the window lies, what is stored of the fill, names, clocks, tables and angles."""

from dataclasses import replace
from datetime import datetime, timedelta

import h5py
import numpy as np
import pytest

from musyq_lab.sensors.fy4a_agri import SPEC
from musyq_lab.twin.granules._agri import FILL, Channel, File, _glint
from musyq_lab.twin.granules._disk import Window
from musyq_lab.twin.instrument import Image, Pixels

BEGIN = datetime(2021, 3, 4, 5, 15)
FILE = File(BEGIN, BEGIN + timedelta(seconds=1), 4000, Window(600, 1500, 5, 7), 2748, 104.7)
RED, WINDOW_BAND = SPEC.band("red"), next(b for b in SPEC.bands_of() if b.native == "C12")


def channel(band=RED, shape=(5, 7), first=100):
    counts = np.arange(first, first + shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    line = (0.0, 0.0) if band.thermal else (0.0003, -0.006)
    return Channel(band, counts, line, np.linspace(0, 1, 4096, dtype=np.float32))


def angles(sun=(30.0, 150.0), view=(45.0, 200.0), shape=(5, 7)):
    made = [np.full(shape, value, np.float32) for value in (*sun, *view)]
    pixels = Pixels(("red",), 4000.0, made[0], made[0], 4000.0)
    return Image(pixels, {}, *made, np.zeros(shape, np.float32), np.zeros(shape, bool))


@pytest.fixture
def images(tmp_path):
    path = FILE.write_images(tmp_path, [channel(), channel(WINDOW_BAND, first=7)])
    with h5py.File(path) as file:
        yield file


@pytest.fixture
def places(tmp_path):
    with h5py.File(FILE.write_angles(tmp_path, angles())) as file:
        yield file


@pytest.mark.parametrize("resolution", [4000, 2000, 1000, 500])
def test_names_are_those_of_real_files(tmp_path, resolution):
    """The pattern of satpy's reader (etc/readers/agri_fy4a_l1.yaml), for the region of China."""
    file = replace(FILE, resolution=resolution)
    path = file.write_images(tmp_path, [channel()])
    expected = f"FY4A-_AGRI--_N_REGC_1047E_L1-_FDI-_MULT_NOM_20210304051500_20210304051501_{resolution:04d}M_V0001.HDF"
    assert path.name == expected
    with h5py.File(path) as opened:
        assert opened.attrs["File Name"] == expected.encode()
        # 112 microradians are 4 km from 35 786 km, to half a percent.
        assert opened.attrs["dSamplingAngle"][0] * 35.786 == pytest.approx(resolution, rel=5e-3)
        assert opened.attrs["dSteppingAngle"] == opened.attrs["dSamplingAngle"]


@pytest.mark.parametrize(
    ("begin", "end", "stamps", "clocks"),
    [
        (BEGIN, BEGIN + timedelta(seconds=1, milliseconds=1), ("20210304051500", "20210304051502"),
         (b"05:15:00.000", b"05:15:01.001")),
        (datetime(2020, 12, 31, 23, 59, 59, 999_999), datetime(2021, 1, 1, 0, 0, 0, 999), ("20201231235959",
         "20210101000000"), (b"23:59:59.999", b"00:00:00.000")),
    ],
)  # fmt: skip
def test_times_begin_with_the_second_and_end_with_the_next(tmp_path, begin, end, stamps, clocks):
    path = replace(FILE, begin=begin, end=end).write_images(tmp_path, [channel()])
    assert path.name.split("_")[9:11] == list(stamps)
    with h5py.File(path) as file:
        for which, clock, day in zip(("Beginning", "Ending"), clocks, (begin, end), strict=True):
            assert file.attrs[f"Observing {which} Time"] == clock
            assert file.attrs[f"Observing {which} Date"] == f"{day:%Y-%m-%d}".encode()


def test_counts_lie_in_whole_lines_of_the_disk(images):
    number = RED.native[1:]
    stored = images[f"NOMChannel{number}"][:]
    assert stored.shape == (5, 2748)
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored[:, 1500:1507], channel().counts)
    assert (stored == FILL).sum() == stored.size - 35
    np.testing.assert_array_equal(images["NOMChannel12"][:, 1500:1507], channel(first=7).counts)


def test_chunks_of_fill_take_no_room(tmp_path):
    wide = replace(FILE, width=21984, window=Window(4800, 12_032, 40, 56), resolution=500)
    path = wide.write_images(tmp_path, [channel(shape=(40, 56))])
    with h5py.File(path) as file:
        dataset = file[f"NOMChannel{RED.native[1:]}"]
        assert dataset.id.get_num_chunks() == 1  # columns 12 032 to 12 087 lie in the 48th of 256
        assert dataset.id.get_storage_size() < 40 * 256 * 2
        assert (dataset[:, :11_000] == FILL).all()


@pytest.mark.parametrize(
    ("left", "columns"), [(0, 7), (2741, 7), (0, 2748), (255, 2)], ids=["west", "east", "all", "chunks"]
)
def test_windows_at_the_edges_of_the_disk(tmp_path, left, columns):
    file = replace(FILE, window=Window(0, left, 3, columns))
    made = channel(shape=(3, columns), first=1)
    with h5py.File(file.write_images(tmp_path, [made])) as opened:
        stored = opened[f"NOMChannel{RED.native[1:]}"][:]
        np.testing.assert_array_equal(stored[:, left : left + columns], made.counts)
        assert (stored == FILL).sum() == 3 * (2748 - columns)
        assert (opened.attrs["Begin Line Number"], opened.attrs["End Line Number"]) == (0, 2)


def test_lines_and_columns_are_counted_from_0_at_both_ends(images, places):
    for file in (images, places):
        found = {key: int(file.attrs[key][0]) for key in file.attrs if key.startswith(("Begin ", "End "))}
        assert found == {
            "Begin Line Number": 600,
            "End Line Number": 604,
            "Begin Pixel Number": 0,
            "End Pixel Number": 2747,
        }
        assert (file.attrs["RegLength"], file.attrs["RegWidth"]) == (5.0, 2748.0)
    lines, columns = places["LineNumber"][:], places["ColumnNumber"][:]
    assert lines[:, 1500:1507].tolist() == [[600 + k] * 7 for k in range(5)]
    assert columns[:, 1500:1507].tolist() == [list(range(1500, 1507))] * 5
    assert (lines == -1).sum() == (columns == -1).sum() == 5 * (2748 - 7)


def test_constants_of_the_projection(images):
    found = {key: float(images.attrs[key][0]) for key in ("NOMCenterLon", "NOMCenterLat", "dEA", "dObRecFlat")}
    # The flattening is stored upside down, as satpy's reader takes it.
    assert found == pytest.approx(
        {"NOMCenterLon": 104.7, "NOMCenterLat": 0.0, "dEA": 6378.137, "dObRecFlat": 298.257223563}
    )
    assert images.attrs["NOMSatHeight"][0] == 42_164_000.0
    assert (images.attrs["Satellite Name"], images.attrs["Sensor Name"]) == (b"FY4A", b"AGRI")
    assert images.attrs["ProductID"] == b"FDI"


def test_tables_and_lines_of_calibration(images):
    lines = images["CALIBRATION_COEF(SCALE+OFFSET)"][:]
    np.testing.assert_array_equal(lines, np.array([(0.0003, -0.006), (0, 0)], np.float32))
    for number, unit, limits in ((RED.native[1:], b"NUL", [0.0, 1.5]), ("12", b"K", [100.0, 500.0])):
        table = images[f"CALChannel{number}"]
        np.testing.assert_array_equal(table[:], channel().table)
        assert table.attrs["units"] == unit
        assert table.attrs["valid_range"].tolist() == limits
        counts = images[f"NOMChannel{number}"].attrs
        assert counts["band_names"] == f"band{int(number)}".encode()
        assert (counts["FillValue"].tolist(), counts["valid_range"].tolist()) == ([65535], [0, 4095])
        assert (
            float(counts["center_wavelength"].decode().removesuffix("um"))
            == SPEC.band("red" if number != "12" else WINDOW_BAND.name).centre
        )
        assert (counts["Slope"], counts["Intercept"]) == (1.0, 0.0)


def test_angles_come_back_and_unknown_ones_are_fill(tmp_path):
    image = angles()
    for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth"):
        getattr(image, name)[0, 0] = np.nan
    with h5py.File(FILE.write_angles(tmp_path, image)) as file:
        assert "_GEO-_" in file.attrs["File Name"].decode()
        for name, expected in (("SunZenith", 30), ("SunAzimuth", 150), ("SatelliteZenith", 45),
                               ("SatelliteAzimuth", 200)):  # fmt: skip
            stored = file[f"NOM{name}"][:, 1500:1507]
            assert stored[0, 0] == FILL
            assert (stored.ravel()[1:] == expected).all()
            assert file[f"NOM{name}"].attrs["units"] == b"degree"
            assert (file[f"NOM{name}"][:, :1500] == FILL).all()
        glint = file["NOMSunGlintAngle"][:, 1500:1507]
        assert glint[0, 0] == FILL
        assert (glint.ravel()[1:] < 180).all()


def unit(zenith, azimuth):
    z, a = np.radians(zenith), np.radians(azimuth)
    return np.array([np.sin(z) * np.sin(a), np.sin(z) * np.cos(a), np.cos(z)])


@pytest.mark.parametrize("sun", [(0.0, 0.0), (30.0, 150.0), (60.0, 10.0), (89.0, 300.0), (120.0, 90.0)])
@pytest.mark.parametrize("view", [(0.0, 0.0), (45.0, 200.0), (60.0, 190.0), (80.0, 359.0)])
def test_the_angle_of_glint_is_that_of_mirrored_rays(sun, view):
    ray = -unit(*sun)
    mirrored = ray * (1, 1, -1)  # from a level surface
    expected = np.degrees(np.arccos(np.clip(mirrored @ unit(*view), -1, 1)))
    assert _glint(angles(sun, view))[2, 3] == pytest.approx(expected, abs=2e-3)


def test_straight_into_the_glint():
    # arccos near 1 loses half the figures: single precision of the angles gives some thousandths of a degree.
    assert _glint(angles((40.0, 350.0), (40.0, 170.0))).max() < 0.01


def test_the_same_content_has_the_same_bytes(tmp_path):
    made = []
    for folder in (tmp_path / "a", tmp_path / "longer"):
        folder.mkdir()
        paths = FILE.write_images(folder, [channel(), channel(WINDOW_BAND)]), FILE.write_angles(folder, angles())
        made.append([path.read_bytes() for path in paths])
    assert made[0] == made[1]
