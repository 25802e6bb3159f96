"""Layout of the MODIS files by the file specifications: datasets, attributes, the structure of the swath, scans."""

import numpy as np
import pytest
from pyhdf.HDF import HDF
from pyhdf.SD import SD
from twin.granules.images import make, passes, world

from musyq_lab.twin.granules import modis

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
