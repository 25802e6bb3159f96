"""Metadata texts, read by satpy's parser and by our own."""

import re
from datetime import datetime

import numpy as np
import pytest

from musyq_lab.files import eos
from musyq_lab.twin.granules._eos_text import clock, day, inventory, structure
from musyq_lab.twin.granules._hdf4 import Layer

GROUPS = {
    "COLLECTIONDESCRIPTIONCLASS": [("SHORTNAME", "MOD03", 0), ("VERSIONID", 61, 0)],
    "GRING": {"CONTAINER": [("LONGITUDE", (-12.5, 3.0), 1), ("FLAG", "N", 1)]},
    "SINGLE": [("EAST", 1.25, 0)],
}


def satpy_metadata(text):
    return pytest.importorskip("satpy.readers.core.hdfeos").HDFEOSBaseFileReader.read_mda(text)


def test_inventory_as_satpy_reads_it():
    made = satpy_metadata(inventory("INVENTORYMETADATA", GROUPS))["INVENTORYMETADATA"]
    assert made["GROUPTYPE"] == "MASTERGROUP"
    assert made["COLLECTIONDESCRIPTIONCLASS"]["SHORTNAME"]["VALUE"] == "MOD03"
    assert made["COLLECTIONDESCRIPTIONCLASS"]["VERSIONID"]["VALUE"] == 61
    assert made["GRING"]["CONTAINER"]["LONGITUDE"]["VALUE"] == (-12.5, 3.0)
    assert made["GRING"]["CONTAINER"]["FLAG"]["VALUE"] == "N"
    assert made["SINGLE"]["EAST"]["VALUE"] == 1.25


def test_inventory_as_we_read_it():
    made = eos.inventory(inventory("INVENTORYMETADATA", GROUPS))
    assert made["SHORTNAME"] == "MOD03"
    assert made["VERSIONID"] == 61
    assert made["LONGITUDE"] == (-12.5, 3.0)
    assert made["FLAG"] == "N"


def test_members_of_a_container_carry_its_number():
    text = inventory("X", GROUPS)
    assert text.count('CLASS                = "1"') == 3
    assert text.count("NUM_VAL              = 2") == 1


def test_structure_as_satpy_reads_it():
    layers = [
        Layer("Latitude", np.zeros((4, 271), "f4"), ("2*nscans:S", "1KM_geo_dim:S"), geo=True),
        Layer("EV", np.zeros((2, 20, 1354), "u2"), ("Band:S", "10*nscans:S", "Max_EV_frames:S")),
        Layer("loose", np.zeros(3, "f4")),
    ]
    text = structure("S", layers, [("2*nscans", "10*nscans", 2, 5)])
    swath = satpy_metadata(text)["SwathStructure"]["SWATH_1"]
    assert swath["SwathName"] == "S"
    sizes = {d["DimensionName"]: d["Size"] for d in swath["Dimension"].values()}
    assert sizes == {"2*nscans": 4, "1KM_geo_dim": 271, "Band": 2, "10*nscans": 20, "Max_EV_frames": 1354}
    assert swath["DimensionMap"]["DimensionMap_1"] == {
        "GeoDimension": "2*nscans",
        "DataDimension": "10*nscans",
        "Offset": 2,
        "Increment": 5,
    }
    assert swath["GeoField"]["GeoField_1"]["GeoFieldName"] == "Latitude"
    assert swath["GeoField"]["GeoField_1"]["DataType"] == "DFNT_FLOAT32"
    fields = swath["DataField"]
    assert list(fields) == ["DataField_1"]
    assert fields["DataField_1"]["DataType"] == "DFNT_UINT16"
    assert fields["DataField_1"]["DimList"] == ("Band", "10*nscans", "Max_EV_frames")


def test_dates():
    moment = datetime(2019, 7, 1, 3, 5, 9, 20)
    assert day(moment) == "2019-07-01"
    assert clock(moment) == "03:05:09.000020"


def lines_of(text):
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("name", ["INVENTORYMETADATA", "ARCHIVEDMETADATA"])
def test_groups_and_objects_close_in_order(name):
    text = inventory(name, GROUPS)
    lines = lines_of(text)
    assert text.startswith("\n")
    assert lines[1].split() == ["GROUPTYPE", "=", "MASTERGROUP"]
    assert lines[-1] == "END"
    open_ = []
    for line in lines[:-1]:
        key, _, value = line.split(None, 2)
        if key in ("GROUP", "OBJECT"):
            open_.append((key, value))
        elif key.startswith("END_"):
            assert open_.pop() == (key.removeprefix("END_"), value)
    assert not open_


@pytest.mark.parametrize(
    ("value", "number", "text"),
    [
        ("a b", 1, '"a b"'),
        ("", 1, '""'),
        (61, 1, "61"),
        (-1.5, 1, "-1.5"),
        (1 / 3, 1, "0.3333333333"),
        (123456789, 1, "123456789"),
        ((1.0,), 1, "(1)"),
        ((-180.0, 1e-7, 2.5), 3, "(-180, 1e-07, 2.5)"),
    ],
)
def test_values_as_odl_writes_them(value, number, text):
    made = inventory("X", {"G": [("NAME", value, 0)]})
    assert f"        VALUE                = {text}\n" in made
    assert f"        NUM_VAL              = {number}\n" in made
    assert "CLASS" not in made


@pytest.mark.parametrize(("dtype", "kind"), [("i1", "INT8"), ("u1", "UINT8"), ("i2", "INT16"), ("u2", "UINT16"),
                                             ("i4", "INT32"), ("f4", "FLOAT32"), ("f8", "FLOAT64")])  # fmt: skip
def test_types_of_fields(dtype, kind):
    text = structure("S", [Layer("a", np.zeros(3, dtype), ("x:S",))])
    assert f"DataType=DFNT_{kind}\n" in text


def test_a_type_hdf_eos_has_no_name_for_is_an_error():
    with pytest.raises(KeyError):
        structure("S", [Layer("a", np.zeros(3, np.int64), ("x:S",))])


def test_an_empty_swath_has_all_its_groups():
    lines = [line.strip() for line in lines_of(structure("S", []))]
    for group in ("Dimension", "DimensionMap", "IndexDimensionMap", "GeoField", "DataField", "MergedFields"):
        at = lines.index(f"GROUP={group}")
        assert lines[at + 1] == f"END_GROUP={group}"
    assert lines[:3] == ["GROUP=SwathStructure", "GROUP=SWATH_1", 'SwathName="S"']
    assert lines[-1] == "END"


def test_dims_that_fields_share_are_listed_once_in_their_order():
    layers = [Layer(name, np.zeros((2, 5), "u1"), ("y:S", "x:S")) for name in "ab"]
    text = structure("S", [*layers, Layer("c", np.zeros((3, 5), "u1"), ("z:S", "x:S"), geo=True)])
    assert re.findall(r'DimensionName="(\w)"\n\t+Size=(\d)', text) == [("y", "2"), ("x", "5"), ("z", "3")]
    assert re.findall(r"OBJECT=((?:Data|Geo)Field_\d)\n", text)[::2] == ["GeoField_1", "DataField_1", "DataField_2"]
    assert re.findall(r"DimList=(.*)", text) == ['("z","x")', '("y","x")', '("y","x")']


def test_dims_that_do_not_fit_their_data_are_an_error():
    with pytest.raises(ValueError, match="argument"):
        structure("S", [Layer("a", np.zeros((2, 5)), ("x:S",))])


@pytest.mark.parametrize(
    ("moment", "date", "time"),
    [
        (datetime(2000, 2, 29), "2000-02-29", "00:00:00.000000"),
        (datetime(2024, 12, 31, 23, 59, 59, 999_999), "2024-12-31", "23:59:59.999999"),
    ],
)
def test_dates_at_the_ends_of_the_day(moment, date, time):
    assert (day(moment), clock(moment)) == (date, time)
