"""Metadata of a Sentinel-2 tile against those of the real tile 56JMM, by another parser of XML."""

import re
import zipfile
from dataclasses import replace
from datetime import datetime
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pyproj
import pytest
from sensors.shared_data import shared

from musyq_lab.twin.granules._map import Frame
from musyq_lab.twin.granules._sentinel2_xml import Tile, product_xml, tile_xml

AXIS = 5000.0 * np.arange(23)
SLOPE = np.add.outer(-AXIS, AXIS)
# What the real tile says, S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042, with made-up angles.
TILE = Tile(
    platform="Sentinel-2A",
    time=datetime(2018, 6, 29, 0, 2, 41, 461_000),
    generated=datetime(2018, 6, 29, 1, 20, 42),
    relative_orbit=30,
    orbit=15757,
    square="56JMM",
    frame=Frame(32756, 399_960.0, 6_700_000.0, 109_800.0, 109_800.0),
    detector=8,
    distance_factor=0.967510,
    sun=(59.0 + 1e-6 * SLOPE, 33.0 + 1e-6 * SLOPE),
    view=(4.0 + 1e-5 * SLOPE, 105.0 + 1e-5 * SLOPE),
    cloudy=12.5,
    missing=0.25,
)
SECOND = replace(TILE, platform="Sentinel-2B")
MASKS = {"MSK_CLASSI": "GRANULE/x/QI_DATA/MSK_CLASSI_B00.jp2", "MSK_QUALIT": "GRANULE/x/QI_DATA/MSK_QUALIT_B01.jp2"}
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
# Baseline 04.00 brought the offsets; 02.06 has no DOI and no raster masks.
LATER = {"Radiometric_Offset_List", "RADIO_ADD_OFFSET", "PRODUCT_DOI", "NODATA_PIXEL_PERCENTAGE"}


def parsed(text):
    return ElementTree.fromstring(text.encode())


@cache
def real(name):
    (path,) = shared("sentinel2_L1C_SAFE_56JMM_20180629").glob("*.zip")
    with zipfile.ZipFile(path) as file:
        (member,) = [n for n in file.namelist() if n.endswith(f"/{name}")]
        return ElementTree.fromstring(file.read(member))


def product():
    return parsed(product_xml(TILE))


def tile():
    return parsed(tile_xml(TILE, MASKS))


def tags(root):
    """Paths of elements, each once, in the order of the document."""
    found = {}

    def walk(element, path):
        for child in element:
            here = f"{path}/{child.tag}"
            found.setdefault(here)
            walk(child, here)

    walk(root, "")
    return list(found)


def texts(root, tag):
    return [e.text.strip() for e in root.iter(tag)]


@pytest.mark.parametrize(("made", "name"), [(product, "MTD_MSIL1C.xml"), (tile, "MTD_TL.xml")])
def test_elements_and_their_order_are_those_of_the_real_tile(made, name):
    theirs = tags(real(name))
    ours = [path for path in tags(made()) if not LATER & set(path.split("/"))]
    assert set(ours) <= set(theirs)
    assert ours == [path for path in theirs if path in set(ours)]
    assert made().tag == real(name).tag


@pytest.mark.parametrize(
    ("made", "name", "tag", "names"),
    [
        (product, "MTD_MSIL1C.xml", "SOLAR_IRRADIANCE", {"bandId", "unit"}),
        (product, "MTD_MSIL1C.xml", "PHYSICAL_GAINS", {"bandId"}),
        (product, "MTD_MSIL1C.xml", "Spectral_Information", {"bandId", "physicalBand"}),
        (product, "MTD_MSIL1C.xml", "CENTRAL", {"unit"}),
        (tile, "MTD_TL.xml", "Size", {"resolution"}),
        (tile, "MTD_TL.xml", "Geoposition", {"resolution"}),
        (tile, "MTD_TL.xml", "COL_STEP", {"unit"}),
        (tile, "MTD_TL.xml", "Mean_Viewing_Incidence_Angle", {"bandId"}),
        (tile, "MTD_TL.xml", "ZENITH_ANGLE", {"unit"}),
    ],
)
def test_attributes_of_elements(made, name, tag, names):
    ours, theirs = ([e.attrib for e in root.iter(tag)] for root in (made(), real(name)))
    assert set(ours[0]) == set(theirs[0]) == names
    # In the file of 2018 band 9 comes before band 1 among the views, band 10 has no gain, and detectors have own grids.
    assert {tuple(a.items()) for a in theirs} <= {tuple(a.items()) for a in ours}
    assert [e.get("bandId") for e in product().iter("PHYSICAL_GAINS")] == [str(n) for n in range(13)]


@pytest.mark.parametrize("tag", ["PRODUCT_START_TIME", "PRODUCT_STOP_TIME", "DATATAKE_SENSING_START"])
def test_times_are_iso_with_milliseconds(tag):
    (text,) = texts(product(), tag)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert datetime.fromisoformat(text.removesuffix("Z")) == TILE.time
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", texts(real("MTD_MSIL1C.xml"), tag)[0])


@pytest.mark.parametrize(
    "tag",
    ["SPACECRAFT_NAME", "PROCESSING_LEVEL", "PRODUCT_TYPE", "DATATAKE_TYPE", "SENSING_ORBIT_NUMBER",
     "SENSING_ORBIT_DIRECTION", "QUANTIFICATION_VALUE", "SOLAR_IRRADIANCE", "SPECIAL_VALUE_TEXT",
     "SPECIAL_VALUE_INDEX", "RED_CHANNEL", "GREEN_CHANNEL", "BLUE_CHANNEL", "RESOLUTION", "PRODUCT_FORMAT"],
)  # fmt: skip
def test_what_the_product_says_of_itself_is_what_the_real_one_says(tag):
    assert texts(product(), tag) == texts(real("MTD_MSIL1C.xml"), tag)


@pytest.mark.parametrize(
    "tag", ["HORIZONTAL_CS_NAME", "HORIZONTAL_CS_CODE", "NROWS", "NCOLS", "ULX", "ULY", "XDIM", "YDIM", "SENSING_TIME"]
)
def test_the_tile_lies_where_the_real_one_lies(tag):
    assert texts(tile(), tag) == texts(real("MTD_TL.xml"), tag)


def test_gains_are_those_of_the_real_tile():
    ours, theirs = ({e.get("bandId"): float(e.text) for e in root.iter("PHYSICAL_GAINS")}
                    for root in (product(), real("MTD_MSIL1C.xml")))  # fmt: skip
    assert len(ours) == 13
    assert {k: ours[k] for k in theirs} == theirs


@pytest.mark.parametrize("number", range(13))
def test_responses_are_close_to_those_of_the_real_tile(number):
    ours, theirs = (list(root.iter("Spectral_Information"))[number] for root in (product(), real("MTD_MSIL1C.xml")))
    means = []
    for part in (ours, theirs):
        values = np.array(part.find(".//VALUES").text.split(), float)
        low, high, central = (float(part.find(f"Wavelength/{name}").text) for name in ("MIN", "MAX", "CENTRAL"))
        step = float(part.find("Spectral_Response/STEP").text)
        places = low + step * np.arange(values.size)
        assert places[-1] == pytest.approx(high, abs=1.0)
        assert low < central < high
        assert values.max() == pytest.approx(1.0, abs=0.02)
        means.append((places @ values / values.sum(), values.sum() * step, central))
    # ESA revised the curves after 2018; centre and width moved by a nm or so.
    assert means[0] == pytest.approx(means[1], abs=2.5)


def test_numbers_of_the_scale():
    root = product()
    assert texts(root, "QUANTIFICATION_VALUE") == ["10000"]
    assert texts(root, "SPECIAL_VALUE_INDEX") == ["0", "65535"]
    assert texts(root, "RESOLUTION") == [
        *["60", "10", "10", "10", "20", "20", "20", "10", "20", "60", "60", "20", "20"]
    ]
    assert float(texts(root, "U")[0]) == pytest.approx(0.967510)
    assert texts(tile(), "ULX") == ["399960"] * 3
    assert texts(tile(), "YDIM") == ["-10", "-20", "-60"]


def test_names_are_those_of_the_real_tile_but_for_baseline_and_centre():
    assert TILE.name == "S2A_MSIL1C_20180629T000241_N0500_R030_T56JMM_20180629T012042"
    assert TILE.granule == "GRANULE/L1C_T56JMM_A015757_20180629T000241"
    assert TILE.image("B8A") == f"{TILE.granule}/IMG_DATA/T56JMM_20180629T000241_B8A"
    (granule,) = product().iter("Granule")
    (theirs,) = real("MTD_MSIL1C.xml").iter("Granule")
    for key in ("granuleIdentifier", "datastripIdentifier", "imageFormat"):
        assert granule.get(key).replace("_2APS_", "_EPAE_").replace("05.00", "02.06") == theirs.get(key)
    images = texts(real("MTD_MSIL1C.xml"), "IMAGE_FILE")
    assert texts(product(), "IMAGE_FILE") == [i for i in images if not i.endswith("_TCI")]
    assert texts(tile(), "TILE_ID") == [granule.get("granuleIdentifier")]
    assert texts(tile(), "DATASTRIP_ID") == [granule.get("datastripIdentifier")]


def test_every_band_has_an_image_an_offset_and_a_view():
    root = product()
    assert [path[-3:] for path in texts(root, "IMAGE_FILE")] == list(BANDS)
    assert [(e.get("band_id"), e.text) for e in root.iter("RADIO_ADD_OFFSET")] == [(str(n), "-1000") for n in range(13)]
    physical = [e.get("physicalBand") for e in root.iter("Spectral_Information")]
    assert physical == [re.sub("B0", "B", band) for band in BANDS]
    grids = list(tile().iter("Viewing_Incidence_Angles_Grids"))
    assert [(g.get("bandId"), g.get("detectorId")) for g in grids] == [(str(n), "8") for n in range(13)]


def test_angles_come_back_to_six_figures():
    root = tile()
    places = [("Tile_Angles/Sun_Angles_Grid", TILE.sun)]
    places += [(f"Tile_Angles/Viewing_Incidence_Angles_Grids[@bandId='{n}']", TILE.view) for n in (0, 12)]
    for path, angles in places:
        for name, expected in zip(("Zenith", "Azimuth"), angles, strict=True):
            rows = root.findall(f".//{path}/{name}/Values_List/VALUES")
            made = np.array([row.text.split() for row in rows], float)
            assert made.shape == (23, 23)
            np.testing.assert_allclose(made, expected, rtol=5e-6)
    (mean,) = root.iter("Mean_Sun_Angle")
    assert float(mean.find("ZENITH_ANGLE").text) == pytest.approx(59.0)  # the middle of a plane
    assert float(mean.find("AZIMUTH_ANGLE").text) == pytest.approx(33.0)


@pytest.mark.parametrize(
    ("azimuths", "mean"),
    [
        ([359.0, 1.0], 0.0),
        ([350.0, 0.0], 355.0),
        ([-10.0, -30.0], 340.0),
        ([179.0, 181.0], 180.0),
        ([90.0, 90.0], 90.0),
    ],
)
def test_mean_azimuths_go_over_north(azimuths, mean):
    grid = np.array([azimuths])
    root = parsed(tile_xml(replace(TILE, sun=(np.full((1, 2), 30.0), grid)), {}))
    made = float(root.find(".//Mean_Sun_Angle/AZIMUTH_ANGLE").text)
    assert (made - mean + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
    assert 0 <= made <= 360


def test_unknown_angles_are_written_as_the_producer_writes_them():
    grid = np.full((2, 2), np.nan)
    grid[0, 0] = 5.0
    root = parsed(tile_xml(replace(TILE, view=(grid, grid)), {}))
    row = root.find(".//Viewing_Incidence_Angles_Grids/Zenith/Values_List/VALUES").text.split()
    assert np.array(row, float)[0] == 5.0
    assert np.isnan(np.array(row, float)[1])


def ring_of(root):
    """Latitude and longitude along the outline."""
    return np.array(texts(root, "EXT_POS_LIST")[0].split(), float).reshape(-1, 2)


def test_the_outline_is_a_closed_ring_around_the_tile():
    ring = ring_of(product())
    np.testing.assert_array_equal(ring[0], ring[-1])
    corners = [(399_960, 6_700_000), (509_760, 6_700_000), (509_760, 6_590_200), (399_960, 6_590_200)]
    to_map = pyproj.Transformer.from_crs(4326, 32756)  # latitude first
    np.testing.assert_allclose(np.array(to_map.transform(*ring[:4].T)).T, corners, atol=1e-3)


def test_the_outline_has_the_western_corners_of_the_real_tile():
    # The swath cut that tile in the east.
    for corner in ring_of(product())[[0, 3]]:
        assert np.hypot(*(ring_of(real("MTD_MSIL1C.xml")) - corner).T).min() < 1e-3


def test_shares_and_masks():
    root = tile()
    assert texts(root, "CLOUDY_PIXEL_PERCENTAGE") == ["12.500000"]
    assert texts(root, "NODATA_PIXEL_PERCENTAGE") == ["0.250000"]
    assert texts(product(), "Cloud_Coverage_Assessment") == ["12.500000"]
    assert {e.get("type"): e.text for e in root.iter("MASK_FILENAME")} == MASKS
    assert not list(parsed(tile_xml(TILE, {})).iter("MASK_FILENAME"))


def test_the_second_satellite_differs_in_name_and_irradiance():
    first, second = product(), parsed(product_xml(SECOND))
    assert SECOND.mission == "S2B"
    assert texts(second, "SPACECRAFT_NAME") == ["Sentinel-2B"]
    made = [[float(v) for v in texts(root, "SOLAR_IRRADIANCE")] for root in (first, second)]
    # Thuillier spectrum in the file of 2A, TSIS-1 for 2B: some percent.
    assert made[0] != made[1]
    assert made[1] == pytest.approx(made[0], rel=0.06)


@pytest.mark.parametrize(("epsg", "name"), [(32650, "WGS84 / UTM zone 50N"), (32601, "WGS84 / UTM zone 1N"),
                                            (32760, "WGS84 / UTM zone 60S")])  # fmt: skip
def test_zones_of_both_hemispheres(epsg, name):
    root = parsed(tile_xml(replace(TILE, frame=Frame(epsg, 600_000.0, 4_500_000.0, 600.0, 1200.0)), {}))
    assert texts(root, "HORIZONTAL_CS_NAME") == [name]
    assert texts(root, "HORIZONTAL_CS_CODE") == [f"EPSG:{epsg}"]
    assert texts(root, "NROWS") == ["120", "60", "20"]
    assert texts(root, "NCOLS") == ["60", "30", "10"]
