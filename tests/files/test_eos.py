import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError, SceneError
from musyq_lab.files import eos

SINUSOIDAL = """GROUP=GridStructure
	GROUP=GRID_1
		GridName="MOD_Grid"
		XDim=4
		YDim=2
		UpperLeftPointMtrs=(0.000000,5559752.598333)
		LowerRightMtrs=(4000.000000,5557752.598333)
		Projection=GCTP_SNSOID
		ProjParams=(6371007.181000,0,0,0,0,0,0,0,0,0,0,0,0)
		SphereCode=-1
		GROUP=DataField
			OBJECT=DataField_1
				DataFieldName="red"
				DimList=("YDim","XDim")
			END_OBJECT=DataField_1
			OBJECT=DataField_2
				DataFieldName="line"
				DimList=("YDim")
			END_OBJECT=DataField_2
		END_GROUP=DataField
	END_GROUP=GRID_1
END_GROUP=GridStructure
END
"""
GEOGRAPHIC = """
	GROUP=GRID_2
		GridName="CMG"
		XDim=7200
		YDim=3600
		UpperLeftPointMtrs=(-180000000.000000,90000000.000000)
		LowerRightMtrs=(180000000.000000,-90000000.000000)
		Projection=GCTP_GEO
	END_GROUP=GRID_2
"""


def one(text):
    return eos.chosen(eos.grids(text, "x.hdf"), None, "x.hdf")


def test_corners_are_edges_and_coordinates_are_centres():
    grid = one(SINUSOIDAL)
    assert (grid.name, grid.shape, grid.geographic) == ("MOD_Grid", (2, 4), False)
    np.testing.assert_allclose(grid.x, [500, 1500, 2500, 3500])
    np.testing.assert_allclose(grid.y, [5559252.598333, 5558252.598333])
    assert grid.dims == {"red": ("YDim", "XDim"), "line": ("YDim",)}


def test_the_sinusoidal_crs_is_that_of_the_sphere():
    from pyproj import Transformer

    back = Transformer.from_crs(one(SINUSOIDAL).crs, "EPSG:4326", always_xy=True)
    # The corner of tile h18v04: longitude 0, latitude 50 (on the sphere; geodetic and spherical are not told apart).
    assert back.transform(0.0, 5559752.598333) == pytest.approx((0.0, 50.0), abs=1e-6)
    x = 6371007.181 * np.radians(30) * np.cos(np.radians(40))
    assert back.transform(x, 6371007.181 * np.radians(40)) == pytest.approx((30.0, 40.0), abs=1e-6)


def test_degrees_are_unpacked():
    grid = one(GEOGRAPHIC)
    assert grid.geographic
    assert (grid.x[0], grid.x[-1]) == pytest.approx((-179.975, 179.975))
    assert (grid.y[0], grid.y[-1]) == pytest.approx((89.975, -89.975))
    assert grid.crs.to_epsg() == 4326


@pytest.mark.parametrize(
    ("packed", "degrees"),
    [(0, 0), (30_000_000, 30), (-12_030_000, -12.5), (5_006_036.0, 5.11), (180_000_000, 180), (-59.0, -59 / 3600)],
)
def test_packed_degrees(packed, degrees):
    assert eos._degrees(packed) == pytest.approx(degrees)


def test_several_grids_are_told_apart_by_name():
    found = eos.grids(SINUSOIDAL + GEOGRAPHIC, "x.hdf")
    assert list(found) == ["MOD_Grid", "CMG"]
    assert eos.chosen(found, "CMG", "x.hdf").geographic
    with pytest.raises(InputError, match="2 grids: MOD_Grid, CMG"):
        eos.chosen(found, None, "x.hdf")
    with pytest.raises(NotFoundError, match="Did you mean 'CMG'"):
        eos.chosen(found, "CMGG", "x.hdf")


def test_no_grid_is_said():
    with pytest.raises(SceneError, match=r"x\.hdf describes no grid"):
        one("GROUP=SwathStructure\nEND_GROUP=SwathStructure\nEND")


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("GCTP_SNSOID", "GCTP_LAMAZ", "projection 'GCTP_LAMAZ'"),
        ("6371007.181000,", "1.0,", "sphere of 1 m"),
        ("ProjParams=", "Params=", "parameters"),
        ("XDim=4", "XDim=-4", "corners or the size"),
        ("XDim=4", "XDim=99999999", "corners or the size"),
        ("YDim=2", "", "corners or the size"),
        ("(4000.000000,", "(-4000.000000,", "corners or the size"),
        ("(4000.000000,", "(4e9,", "corners or the size"),
        ("(4000.000000,", "(nan,", "corners or the size"),
        ("UpperLeftPointMtrs=(0.000000,5559752.598333)", "UpperLeftPointMtrs=DEFAULT", "corners or the size"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(old, new, text):
    assert old in SINUSOIDAL
    with pytest.raises(SceneError, match=text) as caught:
        one(SINUSOIDAL.replace(old, new))
    assert "x.hdf" in str(caught.value)


def test_a_text_over_several_attributes_is_joined_in_order():
    parts = {
        "CoreMetadata.10": "c\0\0",
        "CoreMetadata.2": "b",
        "CoreMetadata.0": "a",
        "CoreMetadata": "no",
        "X.0": "no",
    }
    assert eos.joined(parts, "CoreMetadata") == "abc"
    assert eos.joined({}, "CoreMetadata") == ""


INVENTORY = """
GROUP                  = INVENTORYMETADATA
  GROUP                  = ECSDATAGRANULE
    OBJECT                 = LOCALGRANULEID
      NUM_VAL              = 1
      VALUE                = "MOD09A1.hdf"
    END_OBJECT             = LOCALGRANULEID
    OBJECT                 = VERSIONID
      VALUE                = 61
    END_OBJECT             = VERSIONID
    OBJECT                 = INPUTPOINTER
      VALUE                = ("one.hdf", "two (b).hdf",
          "three
          .hdf")
    END_OBJECT             = INPUTPOINTER
    OBJECT                 = GRINGPOINTLATITUDE
      CLASS                = "1"
      VALUE                = (39.5, -5.0E1, 3, .5)
    END_OBJECT             = GRINGPOINTLATITUDE
    OBJECT                 = GRINGPOINTLATITUDE
      CLASS                = "2"
      VALUE                = (1.0, 2.0)
    END_OBJECT             = GRINGPOINTLATITUDE
    OBJECT                 = ADDITIONALATTRIBUTENAME
      VALUE                = "TileID"
    END_OBJECT             = ADDITIONALATTRIBUTENAME
    OBJECT                 = PARAMETERVALUE
      VALUE                = "51018004"
    END_OBJECT             = PARAMETERVALUE
    OBJECT                 = DAYNIGHTFLAG
      VALUE                = Day
    END_OBJECT             = DAYNIGHTFLAG
  END_GROUP              = ECSDATAGRANULE
END
"""


def test_inventory():
    found = eos.inventory(INVENTORY)
    assert found["LOCALGRANULEID"] == "MOD09A1.hdf"
    assert found["VERSIONID"] == 61
    assert found["INPUTPOINTER"][:2] == ("one.hdf", "two (b).hdf")
    assert len(found["INPUTPOINTER"]) == 3
    assert found["GRINGPOINTLATITUDE"] == (39.5, -50.0, 3, 0.5)  # the first class
    assert found["TileID"] == "51018004"
    assert found["DAYNIGHTFLAG"] == "Day"


@pytest.mark.parametrize(
    "text", ["", "END", "VALUE = 3", "OBJECT = A\nVALUE = (1, 2", 'OBJECT = A\nVALUE = "open', "=\n=="]
)
def test_a_damaged_inventory_is_empty_not_an_error(text):
    assert eos.inventory(text) == {}
