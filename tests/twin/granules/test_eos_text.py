"""Metadata texts, read by satpy's parser and by our own."""

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
