"""Layout of the MODIS files by the file specifications: datasets, attributes, the structure of the swath, scans."""

import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from pyhdf.HDF import HDF
from pyhdf.SD import SD
from twin.granules.images import make, passes, world

from musyq_lab.twin.granules import _modis_files, modis
from musyq_lab.twin.granules._modis_files import File
from musyq_lab.twin.granules._swath import Geolocation, Scanner, Window
from musyq_lab.twin.instrument import Image, Pixels

PARTS = {"MOD021KM": 1, "MOD02HKM": 2, "MOD02QKM": 4}


@pytest.fixture(scope="module")
def images():
    overpass = passes(modis)[1]
    return make(overpass, modis.pixels(overpass, world()), thermal=list(modis.INSTRUMENT.bands[11:]))


@pytest.fixture(scope="module")
def window(images):
    return images[0].pixels.extra["window"]


@pytest.fixture(scope="module")
def folder(images, window, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modis_files")
    modis.write(window.overpass, images, folder)
    return folder


def opened(folder, name):
    return SD(str(next(folder.glob(f"{name}.*"))))


def swath(folder, name):
    """The structure as satpy's parser reads it: dims, maps, fields."""
    reader = pytest.importorskip("satpy.readers.core.hdfeos").HDFEOSBaseFileReader
    return reader.read_mda(opened(folder, name).attributes()["StructMetadata.0"])["SwathStructure"]["SWATH_1"]


def test_dims_of_the_swath(folder, window):
    """Section 1.5 of the three specifications."""
    sizes = {name: {d["DimensionName"]: d["Size"] for d in swath(folder, name)["Dimension"].values()} for name in PARTS}
    lines = 10 * window.scans
    bands = {"Band_250M": 2, "Band_500M": 5}
    assert sizes["MOD021KM"] == {
        **bands,
        "Band_1KM_RefSB": 15,
        "Band_1KM_Emissive": 16,
        "10*nscans": lines,
        "Max_EV_frames": 1354,
        "2*nscans": lines // 5,
        "1KM_geo_dim": 271,
    }
    places = {"10*nscans": lines, "Max_EV_frames": 1354}
    assert sizes["MOD02HKM"] == {**bands, **places, "20*nscans": 2 * lines, "2*Max_EV_frames": 2708}
    assert sizes["MOD02QKM"] == {"Band_250M": 2, **places, "40*nscans": 4 * lines, "4*Max_EV_frames": 5416}


def test_maps_from_places_to_pixels(folder):
    for name, factor in PARTS.items():
        made = swath(folder, name)["DimensionMap"]
        offset, increment = (2, 5) if factor == 1 else (0, factor)
        for entry in made.values():
            assert (entry["Offset"], entry["Increment"]) == (offset, increment)
        own = {entry["DataDimension"] for entry in made.values()}
        frames = "Max_EV_frames" if factor == 1 else f"{factor}*Max_EV_frames"
        assert own == {f"{10 * factor}*nscans", frames}


def test_fractional_offsets_say_where_the_lines_lie(folder):
    """Section 1.7: the centre of a place lies half a fine line behind its first one, and at its first column."""
    for name, factor in PARTS.items():
        found = {
            key: value for key, value in opened(folder, name).attributes().items() if key.startswith("HDFEOS_Frac")
        }
        frames = "Max_EV_frames" if factor == 1 else f"{factor}*Max_EV_frames"
        assert found == {
            f"HDFEOS_FractionalOffset_{10 * factor}*nscans_MODIS_SWATH_Type_L1B": (factor - 1) / 2,
            f"HDFEOS_FractionalOffset_{frames}_MODIS_SWATH_Type_L1B": 0.0,
        }


def test_fields_and_datasets_are_the_same(folder):
    for name in PARTS:
        held, described = opened(folder, name).datasets(), swath(folder, name)
        fields = {f["GeoFieldName"] for f in described["GeoField"].values()}
        assert fields == {"Latitude", "Longitude"}
        fields |= {f["DataFieldName"] for f in described["DataField"].values()}
        assert fields == set(held)
        for entry in described["DataField"].values():
            dims = tuple(dim.split(":")[0] for dim in held[entry["DataFieldName"]][0])
            listed = entry["DimList"]
            assert dims == (listed if isinstance(listed, tuple) else (listed,))


def test_datasets_of_the_image_of_1km(folder):
    """The fields 1 to 23 of section 1.5."""
    bands = ("EV_1KM_RefSB", "EV_1KM_Emissive", "EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB", "EV_Band26")
    wanted = {*bands, *(f"{name}_Uncert_Indexes" for name in bands), *(f"{name}_Samples_Used" for name in bands[2:4])}
    wanted |= {"Latitude", "Longitude", "Height", "SensorZenith", "SensorAzimuth", "Range", "SolarZenith"}
    wanted |= {"SolarAzimuth", "gflags", "Band_250M", "Band_500M", "Band_1KM_RefSB", "Band_1KM_Emissive"}
    assert set(opened(folder, "MOD021KM").datasets()) == wanted


def test_geolocation_file(folder, window):
    file = opened(folder, "MOD03")
    held = file.datasets()
    for name in ("Latitude", "Longitude", "Height", "SensorZenith", "SensorAzimuth", "Range", "SolarZenith"):
        assert held[name][1] == (10 * window.scans, 1354), name
        assert held[name][0] == ("nscans*10:MODIS_Swath_Type_GEO", "mframes:MODIS_Swath_Type_GEO")
    for name in ("SensorZenith", "SensorAzimuth", "SolarZenith", "SolarAzimuth"):
        attributes = file.select(name).attributes()
        assert attributes["scale_factor"] == 0.01
        assert attributes["_FillValue"] == -32767
        assert attributes["valid_range"] == [-18000 if "Azimuth" in name else 0, 18000]
        low, high = attributes["valid_range"]
        values = file.select(name).get()
        assert low <= values.min() <= values.max() <= high
    distance = file.select("Range")
    metres = distance.get().astype(float) * distance.attributes()["scale_factor"]
    longitude, latitude = window.positions(full=True)
    view = np.radians(window.overpass.look(longitude, latitude)[0])
    # Law of cosines in the triangle of satellite, pixel and centre of a sphere; the Earth is flatter by 20 km at most.
    radius, height = 6371007.181, 705e3
    expected = np.sqrt((radius * np.cos(view)) ** 2 + 2 * radius * height + height**2) - radius * np.cos(view)
    assert np.abs(metres - expected).max() < 25_000
    numbers = file.select("Scan number").get()
    assert list(numbers) == list(range(1, window.scans + 1))


def test_every_fifth_place_is_that_of_the_geolocation_file(folder):
    coarse, fine = opened(folder, "MOD021KM"), opened(folder, "MOD03")
    for name in ("Latitude", "Longitude", "Height", "SensorZenith", "SolarAzimuth", "Range"):
        np.testing.assert_array_equal(coarse.select(name).get(), fine.select(name).get()[2::5, 2::5])
    np.testing.assert_array_equal(opened(folder, "MOD02QKM").select("Latitude").get(), fine.select("Latitude").get())


def test_table_of_scans(folder, window):
    """Section 1.6."""
    import pyhdf.VS  # noqa: F401

    file = HDF(str(next(folder.glob("MOD021KM.*"))))
    records = file.vstart()
    table = records.attach("Level 1B Swath Metadata")
    names, rows = table.inquire()[2], table[:]
    table.detach()
    records.end()
    file.close()
    assert names[:6] == [
        *("Scan Number", "Complete Scan Flag", "Scan Type", "Mirror Side", "EV Sector Start Time", "EV_Frames")
    ]
    assert len(names) == 14
    assert len(rows) == window.scans
    place = opened(folder, "MOD03")
    for k, row in enumerate(rows):
        made = dict(zip(names, row, strict=True))
        assert made["Scan Number"] == k + 1
        assert made["Scan Type"] == "D   "
        assert made["EV_Frames"] == 1354
        assert made["Nadir_Frame_Number"] == 677
        assert made["Mirror Side"] == (window.first + k) % 2
        assert made["EV Sector Start Time"] == pytest.approx(place.select("EV start time").get()[k], abs=1e-6)
        assert made["Latitude of Nadir Frame"] == place.select("Latitude").get()[10 * k + 4, 676]
        zenith = place.select("SolarZenith").get()[10 * k + 4, 676] / 100
        assert made["Solar Zenith of Nadir Frame"] == pytest.approx(zenith, abs=0.006)


def test_global_attributes(folder, window):
    for name in PARTS:
        made = opened(folder, name).attributes(full=1)
        values = {key: value[0] for key, value in made.items()}
        assert values["Number of Scans"] == values["Number of Day mode scans"] == window.scans
        assert values["Number of Night mode scans"] == values["Incomplete Scans"] == 0
        assert values["Max Earth View Frames"] == 1354
        assert 0.983 < values["Earth-Sun Distance"] < 1.0168
        assert "MODIS/Terra Calibrated Radiances 5-Min L1B Swath" in values["ArchiveMetadata.0"]


def test_corners_surround_the_swath(folder):
    from musyq_lab.files.hdf4 import core_metadata

    made = core_metadata(next(folder.glob("MOD021KM.*")))
    place = opened(folder, "MOD03")
    latitude, longitude = place.select("Latitude").get(), place.select("Longitude").get()
    corners = [(0, 0), (0, -1), (-1, -1), (-1, 0)]
    assert made["GRINGPOINTLATITUDE"] == pytest.approx([latitude[c] for c in corners], abs=1e-4)
    assert made["GRINGPOINTLONGITUDE"] == pytest.approx([longitude[c] for c in corners], abs=1e-4)
    assert made["ORBITNUMBER"] > 0
    assert made["VERSIONID"] == 61


FILE = File(
    platform="Aqua",
    start=datetime(2019, 7, 1, 5, 11, 2, 345_678),
    end=datetime(2019, 7, 1, 5, 11, 8),
    slot=datetime(2019, 7, 1, 5, 10),
    made=datetime(2019, 7, 2, 1, 2, 3),
    day=True,
    orbit=91_234,
    distance=1.0167,
)


def places_over(longitude, latitude):
    """Places of a swath flown south: columns go east, lines south."""
    lat, lon = np.meshgrid(latitude, longitude, indexing="ij")
    lon = (lon + 180) % 360 - 180
    return Geolocation(lon, lat, *[np.full(lon.shape, 10.0)] * 4, np.full(lon.shape, 8e5))


def archive(place, file=FILE):
    text = file.texts("MYD021KM", "Title", [], [], place)["ArchiveMetadata.0"]
    return {k: float(v) for k, v in re.findall(r"OBJECT += (\w+BOUNDING\w+)\n.*\n +VALUE += (\S+)", text)}


def test_names_are_those_of_the_archive():
    assert FILE.name("MYD021KM") == "MYD021KM.A2019182.0510.061.2019183010203.hdf"
    assert FILE.prefix == "MYD"
    assert replace(FILE, platform="Terra", slot=datetime(2020, 12, 31, 23, 55)).name("MOD03") == (
        "MOD03.A2020366.2355.061.2019183010203.hdf"
    )


@pytest.mark.parametrize("day", [True, False])
def test_inventory(day):
    place = places_over(np.linspace(100, 110, 5), np.linspace(40, 35, 4))
    text = replace(FILE, day=day).texts("MYD021KM", "Title", [], [], place)["CoreMetadata.0"]
    found = dict(re.findall(r"OBJECT += (\w+)\n(?: +CLASS += \S+\n)?.*\n +VALUE += (.+)\n", text))
    assert found["SHORTNAME"] == '"MYD021KM"'
    assert found["DAYNIGHTFLAG"] == ('"Day"' if day else '"Night"')
    assert found["ORBITNUMBER"] == "91234"
    assert (found["RANGEBEGINNINGDATE"], found["RANGEBEGINNINGTIME"]) == ('"2019-07-01"', '"05:11:02.345678"')
    assert found["RANGEENDINGTIME"] == '"05:11:08.000000"'
    assert found["PRODUCTIONDATETIME"] == '"2019-07-02T01:02:03.000Z"'
    assert found["ASSOCIATEDPLATFORMSHORTNAME"] == '"Aqua"'
    longitude, latitude = (
        np.array(found[f"GRINGPOINT{n}"].strip("()").split(","), float) for n in ("LONGITUDE", "LATITUDE")
    )
    # Clockwise on the Earth: a negative area by the shoelace formula.
    following = np.roll(longitude, -1), np.roll(latitude, -1)
    assert (longitude * following[1] - following[0] * latitude).sum() < 0
    assert set(zip(longitude, latitude, strict=True)) == {(100, 40), (110, 40), (110, 35), (100, 35)}


@pytest.mark.parametrize(
    ("longitude", "latitude", "west", "east"),
    [
        (np.linspace(100, 110, 11), [40.0, 35.0], 100.0, 110.0),
        (np.linspace(-120.1, -119.3, 11), [40.0, 35.0], -120.1, -119.3),
        (np.linspace(-5, 5, 11), [1.0, -1.0], -5.0, 5.0),
        (np.linspace(170, 190, 21), [66.0, 60.0], 170.0, -170.0),
        (np.linspace(179, 181, 21), [-17.0, -18.0], 179.0, -179.0),
    ],
    ids=["inland", "west", "Greenwich", "antimeridian", "Fiji"],
)
def test_bounds_of_the_swath_go_eastward_from_west_to_east(longitude, latitude, west, east):
    """A box over the antimeridian has a western bound larger than the eastern one."""
    found = archive(places_over(longitude, np.array(latitude)))
    assert found["WESTBOUNDINGCOORDINATE"] == pytest.approx(west)
    assert found["EASTBOUNDINGCOORDINATE"] == pytest.approx(east)
    assert found["NORTHBOUNDINGCOORDINATE"] == max(latitude)
    assert found["SOUTHBOUNDINGCOORDINATE"] == min(latitude)


def test_a_swath_around_the_pole_spans_all_longitudes():
    found = archive(places_over(np.arange(-180.0, 180.0, 3.0), np.array([88.0, 86.0])))
    assert found["EASTBOUNDINGCOORDINATE"] - found["WESTBOUNDINGCOORDINATE"] > 350


@pytest.mark.parametrize(
    ("moment", "tai_less_utc"),
    # IERS Bulletin C: TAI - UTC (s); 27 on 1 January 1993.
    [
        (datetime(1993, 1, 1), 27),
        (datetime(1993, 6, 30, 23, 59, 59), 27),
        (datetime(1999, 1, 1), 32),
        (datetime(2005, 12, 31, 23, 59, 59), 32),
        (datetime(2006, 1, 1), 33),
        (datetime(2009, 1, 1), 34),
        (datetime(2012, 6, 30, 23, 59, 59), 34),
        (datetime(2012, 7, 1), 35),
        (datetime(2015, 7, 1), 36),
        (datetime(2016, 12, 31, 23, 59, 59), 36),
        (datetime(2017, 1, 1), 37),
        (datetime(2024, 2, 29, 12, 0, 0, 250_000), 37),
    ],
)
def test_atomic_time_counts_leap_seconds(moment, tai_less_utc):
    days, seconds = moment.toordinal() - datetime(1993, 1, 1).toordinal(), moment.hour * 3600 + moment.minute * 60
    expected = days * 86_400 + seconds + moment.second + moment.microsecond / 1e6 + tai_less_utc - 27
    assert _modis_files._atomic([moment])[0] == pytest.approx(expected, abs=1e-6)


def test_layers_of_places_and_angles_store_what_was_given():
    window = Window(Scanner(10, 12, 1e-3, 1e-3, 1.0, 1e-4, centred=False), None, 4, 1, 3, 4)
    angle = np.full((10, 4), 5.0, np.float32)
    height = np.linspace(-420.4, 8848.6, 40, dtype=np.float32).reshape(10, 4)
    height[0, 0] = np.nan
    water = np.zeros((10, 4), bool)
    water[5] = True
    image = Image(Pixels(("a",), 1000.0, angle, angle, 1000.0), {}, angle, angle, angle, angle, height, water)
    lines, columns = np.meshgrid(np.arange(10.0), np.arange(12.0), indexing="ij")
    place = Geolocation(columns, lines, *(a + 0.004 for a in (lines, -lines, columns, -columns)), 7e5 + 12.6 * lines)
    made = {layer.name: layer for layer in _modis_files._all(place, window, image, ("y:S", "x:S"))}
    for name, expected in (("SolarZenith", lines), ("SolarAzimuth", -lines), ("SensorZenith", columns),
                           ("SensorAzimuth", -columns)):  # fmt: skip
        np.testing.assert_array_equal(made[name].data, np.rint(expected * 100))
    assert np.abs(made["Range"].data * 25.0 - place.range).max() <= 12.5
    inside = made["Height"].data[:, 3:7]
    assert inside[0, 0] == -32767
    assert np.abs(inside.ravel()[1:] - height.ravel()[1:]).max() <= 0.5
    mask, share = made["Land/SeaMask"].data, made["WaterPresent"].data
    assert (mask[5, 3:7] == 3).all()
    assert (share[5, 3:7] == 100).all()
    assert (mask[1:5, 3:7] == 1).all()
    assert mask[0, 3] == mask[0, 0] == 221
    assert share[0, 3] == share[0, 11] == 255
    assert (made["Height"].data[:, :3] == -32767).all()
    assert {layer.dims for layer in made.values()} == {("y:S", "x:S")}
    assert [name for name, layer in made.items() if layer.geo] == ["Latitude", "Longitude"]


def test_sides_of_the_mirror_take_turns():
    scanner = Scanner(10, 12, 1e-3, 1e-3, 1.0, 1e-4, centred=False)
    for first in (4, 5, -3):
        sides = _modis_files._mirror(Window(scanner, None, first, 5, 0, 12))
        assert set(sides.tolist()) == {0, 1}
        assert (np.diff(sides) != 0).all()
        assert sides[0] == first % 2


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_night_granule_has_no_day_scans(factor):
    window = Window(Scanner(10, 1354, 1e-3, 1e-3, 1.0, 1e-4, centred=False), None, 0, 7, 0, 1354)
    made = _modis_files.image_attributes(replace(FILE, day=False), window, factor)
    assert (made["Number of Day mode scans"], made["Number of Night mode scans"]) == (0, 7)
    assert made["Earth-Sun Distance"] == np.float32(1.0167)
    offsets = [float(value) for key, value in made.items() if key.startswith("HDFEOS_Fractional")]
    assert offsets == [(factor - 1) / 2, 0.0]
