"""The registry of sensors finds the files of the package and tells what is in them."""

import subprocess
import sys

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.sensors._registry import SENSORS


def test_every_public_module_is_a_sensor():
    assert {"landsat_tm", "landsat_etm", "landsat_oli"} <= set(SENSORS)
    assert not any(key.startswith("_") for key in SENSORS)
    assert "tables" not in SENSORS


def test_table_says_platform_bands_resolution_swath_years_and_reader():
    header, *rows = SENSORS.table()
    expected = ["sensor", "title", "platforms", "bands", "resolution (m)", "swath (km)", "years", "read by"]
    assert header == expected
    assert len(rows) == len(SENSORS)
    (oli,) = [dict(zip(header, row, strict=True)) for row in rows if row[0] == "landsat_oli"]
    assert oli["platforms"] == "Landsat-8, Landsat-9"
    assert oli["bands"] == "coastal, blue, green, red, nir, swir1, swir2, pan ... 11 in all"
    assert oli["resolution (m)"] == "15, 30"
    assert oli["swath (km)"] == "185"
    assert oli["years"] == "2013-"
    assert oli["read by"] == "rasterio"
    (tm,) = [dict(zip(header, row, strict=True)) for row in rows if row[0] == "landsat_tm"]
    assert tm["years"] == "1982-2013"
    assert tm["bands"] == "blue, green, red, nir, swir1, swir2, tir1"


def test_it_shows_itself_in_a_notebook():
    html = SENSORS._repr_html_()
    assert "<table>" in html
    assert "Landsat Thematic Mapper" in html
    assert html.count("<tr>") == len(SENSORS) + 1


def test_names_near_a_sensor_are_suggested():
    with pytest.raises(NotFoundError, match=r"no sensor 'landsat_ol'\. Did you mean 'landsat_oli'"):
        SENSORS["landsat_ol"]
    with pytest.raises(InputError, match="ships with MuSyQ Lab"):
        SENSORS.add("landsat_oli", SENSORS["landsat_oli"])


def test_listing_imports_no_sensor():
    code = (
        "import sys\nfrom musyq_lab.sensors._registry import SENSORS\n"
        "assert len(list(SENSORS)) > 2\n"
        "assert not [m for m in sys.modules if m.startswith('musyq_lab.sensors.') and '._' not in m]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
