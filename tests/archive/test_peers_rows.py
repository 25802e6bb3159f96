"""The rows themselves: names, units, ranges and bits that could not work are found here, product by product."""

import re

import numpy as np
import pytest

from musyq_lab.archive.peers._decode import packing, said
from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality
from musyq_lab.core.errors import InputError
from musyq_lab.core.units import convertible, same_units
from musyq_lab.core.variables import BAND_ROLES, QUANTITIES

# One name as each producer writes it -> key, and what is read from it.
NAMES = {
    "MOD13Q1.A2019001.h21v10.061.2020286195000.hdf": ("MOD13", "MOD13Q1", "2019-01-01", "h21v10"),
    "MYD13C1.A2019009.061.2020286195000.hdf": ("MOD13", "MYD13C1", "2019-01-09", None),
    "MOD13A1_NDVI_2016_049.tif": ("MOD13_GEOTIFF", "MOD13A1", "2016-02-18", None),
    "MYD11A2.A2019009.h21v10.061.2020286195000.hdf": ("MOD11", "MYD11A2", "2019-01-09", "h21v10"),
    "MOD11_L2.A2019009.1015.061.2020286195000.hdf": ("MOD11_L2", "MOD11_L2", "2019-01-09", None),
    "MCD15A3H.A2019009.h21v10.061.2020286195000.hdf": ("MOD15", "MCD15A3H", "2019-01-09", "h21v10"),
    "MCD43C3.A2019009.061.2020286195000.hdf": ("MCD43", "MCD43C3", "2019-01-09", None),
    "MOD09A1.A2017193.h18v04.006.2017202035302.hdf": ("MOD09", "MOD09A1", "2017-07-12", "h18v04"),
    "VNP13A1.A2023193.h03v06.002.2023242141854.h5": ("VNP13", "VNP13A1", "2023-07-12", "h03v06"),
    "VNP09GA.A2020305.h30v07.001.2020306101330.h5": ("VNP09", "VNP09GA", "2020-10-31", "h30v07"),
    "VNP21A1D.A2020305.h30v07.002.2020306101330.h5": ("VNP21", "VNP21A1D", "2020-10-31", "h30v07"),
    "VJ143IA4.A2020305.h30v07.002.2020306101330.h5": ("VNP43", "VJ143IA4", "2020-10-31", "h30v07"),
    "MOD13Q1.A2024001.h21v10.061.2024002101330.NRT.hdf": ("MOD13", "MOD13Q1", "2024-01-01", "h21v10"),
    "VNP21A1D_NRT.A2024001.h30v07.002.2024002101330.h5": ("VNP21", "VNP21A1D", "2024-01-01", "h30v07"),
    "MOD11A1.061_LST_Day_1km_doy2020001_aid0001.tif": ("MOD11_GEOTIFF", "MOD11A1", "2020-01-01", None),
    "MCD15A3H.061_Lai_500m_doy2020005000000_aid0001.tif": ("MOD15_GEOTIFF", "MCD15A3H", "2020-01-05", None),
    "MOD13Q1.061__250m_16_days_NDVI_doy2020001_aid0001.tif": ("MOD13_GEOTIFF", "MOD13Q1", "2020-01-01", None),
    "VNP13A1.001__500_m_16_days_NDVI_doy2020001_aid0001.tif": ("VNP13_GEOTIFF", "VNP13A1", "2020-01-01", None),
    "MCD43A4.061_Nadir_Reflectance_Band1_doy2020001_aid0001.tif": ("MCD43_GEOTIFF", "MCD43A4", "2020-01-01", None),
    "VNP15A2H.A2020305.h30v07.002.2020306101330.h5": ("VNP15", "VNP15A2H", "2020-10-31", "h30v07"),
    "LC08_L2SP_001062_20201031_20201106_02_T2_SR_B4.TIF": ("L2SP_OLI", "LC08_L2SP", "2020-10-31", "001062"),
    "LE07_L2SP_001062_20051031_20201106_02_T1_ST_B6.TIF": ("L2SP_TM", "LE07_L2SP", "2005-10-31", "001062"),
    "c_gls_LAI300_201401100000_GLOBE_PROBAV_V1.0.1.nc": ("CGLS", "LAI300", "2014-01-10", "GLOBE"),
    "c_gls_LAI300-RT0_202101310000_GLOBE_OLCI_V1.1.1.nc": ("CGLS", "LAI300", "2021-01-31", "GLOBE"),
    "c_gls_FAPAR_201905310000_GLOBE_PROBAV_V2.0.1.nc": ("CGLS", "FAPAR", "2019-05-31", "GLOBE"),
    "GLASS01E01.V60.A2002001.h00v08.2022010.hdf": ("GLASS", "GLASS01E01", "2002-01-01", "h00v08"),
    "GLASS01B02.V40.A1981001.2019353.hdf": ("GLASS", "GLASS01B02", "1981-01-01", None),
    "MuSyQ.LAI.1km.2015009.h5": ("MUSYQ", "LAI", "2015-01-09", None),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_as_producers_write_them(name):
    from musyq_lab.archive.peers._find import PeerGranule

    key, product, date, tile = NAMES[name]
    found = [(layout, match) for layout in LAYOUTS if (match := layout.match(name))]
    assert [layout.key for layout, _ in found] == [key]  # and no other layout takes it for its own
    layout, match = found[0]
    granule = PeerGranule(layout, match["granule"], {k: v for k, v in match.groupdict().items() if v}, {})
    assert (granule.fields["product"], str(granule.date)[:10], granule.fields.get("tile")) == (product, date, tile)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.key)
def test_rows_can_work(layout):
    assert layout.references, "every layout names its source"
    periods = [layout.period, *(text for _, text in layout.periods)]
    assert all(re.fullmatch(r"(?:P(?:\d+[DM]|T\d+[HM]))?", text) for text in periods)
    for row in layout.rows:
        re.compile(row.path)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", row.name)
    for row in layout.layers:
        assert convertible(row.units, row.units)
        if row.name.startswith("reflectance_"):
            role = row.name.removeprefix("reflectance_")
            assert role in BAND_ROLES
            assert same_units(row.units, QUANTITIES[row.name].units)
            low, high = BAND_ROLES[role].wavelength_range
            assert row.wavelength is None or low <= row.wavelength <= high
        if row.valid and row.fills and row.trust == "row":
            outside = [fill for fill in row.fills if not row.valid[0] <= fill <= row.valid[1]]
            assert outside or layout.key.startswith("MOD09")  # whose angles of 0 are stored like missing ones
    for row in layout.quality:
        attributes = row.attributes()
        if not attributes:
            continue
        words = attributes["flag_meanings"].split()
        assert len(words) == len(set(words)) == len(attributes["flag_values"])
        bits = [bit for part in row.fields for bit in range(part.shift, part.shift + part.width)]
        assert len(bits) == len(set(bits)), "fields overlap"
        assert all(len(part.meanings) <= 1 << part.width for part in row.fields)


def test_keys_are_unique():
    assert len({layout.key for layout in LAYOUTS}) == len(LAYOUTS)


def test_layouts_that_could_not_work_are_refused():
    row = Layer("a", "ndvi", "1")
    with pytest.raises(InputError, match="twice"):
        Layout("X", "x", ("(?P<granule>x)",), "hdf5", "eos", (row, row))
    with pytest.raises(InputError, match="granule"):
        Layout("X", "x", ("x",), "hdf5", "eos", (row,))


def test_flags_of_a_field_select_and_name_it():
    quality = Quality("q", "q", "q", (Bits("cloud", 2, 2, ("clear", "", "mixed and bright", "cloudy")),))
    assert quality.attributes() == {
        "flag_masks": [12, 12, 12],
        "flag_values": [0, 8, 12],
        "flag_meanings": "cloud.clear cloud.mixed_and_bright cloud.cloudy",
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"scale_factor": "0.0001", "_FillValue": "32767", "valid_range": "0, 32766"},
            (1e-4, None, (32767.0,), (0, 32766)),
        ),
        ({"Scale": np.float32(0.5), "Offset": 1, "Fill": -9}, (0.5, 1.0, (-9.0,), None)),
        ({"valid_min": 3, "valid_max": 8, "FillValue": [1, 2]}, (None, None, (1.0, 2.0), (3.0, 8.0))),
        ({"units": "m", "scale_factor": "none", "_FillValue": np.nan}, (None, None, (), None)),
    ],
)
def test_attributes_however_they_are_spelt(attributes, expected):
    found = said(attributes)
    assert (found.scale, found.offset, found.fills, found.valid) == expected


def test_scaled_floats_keep_the_documented_range_in_values():
    row = Layer("x", "ndvi", "1", 1e-4, fills=(-3000,), valid=(-2000, 10000))
    how = packing(row, {"nodata": 32767.0}, np.dtype("f4"), "file", scaled=True)
    values = how.unpack(np.array([-0.2, 0.5, 1.0, 1.1, 32767.0, -3000.0], "f4"))
    np.testing.assert_allclose(values[:3], [-0.2, 0.5, 1.0], rtol=1e-6)
    assert np.isnan(values[3:]).all()
    raw = packing(row, {}, np.dtype("f4"), "file", scaled=False)
    assert (raw.scale, raw.limits) == (1e-4, (-2000, 10000))
