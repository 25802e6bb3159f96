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


PLUGIN = """
from musyq_lab.core.sensor import Band, Sensor
from musyq_lab.files.raster import open_band
from musyq_lab.sensors._calibrate import Counts, Linear
from musyq_lab.sensors._scene import Acquisition, assemble
from datetime import datetime

SPEC = Sensor(
    key="kite", title="Camera on a kite", platforms=("Kite",), resolution=1, swath=0.1, years=(2026, None),
    bands=(Band("red", "R", 0.65, 0.05, 1),), patterns=(r"(?P<granule>kite_\\d+)\\.tif",), reader="rasterio",
    geometry="projected", references=("made for this test, 2026",),
)

def open(granule, *, resolution, calibration):
    counts = [Counts(SPEC.bands[0], open_band(granule.files[0]), reflectance=Linear(0.01), normalised=True)]
    taken = Acquisition("Kite", datetime(2026, 5, 1), datetime(2026, 5, 1))
    return assemble(granule, taken, counts, calibration=calibration)
"""


def test_a_sensor_of_a_plugin_opens_like_ours(tmp_path, monkeypatch):
    """An installed package with an entry point in the group musyq_lab.sensors is all it takes."""
    import numpy as np
    from sensors.make_landsat import write_tiff

    from musyq_lab.sensors._open import open_scene, scene_grids

    info = tmp_path / "site" / "kite-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kite\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[musyq_lab.sensors]\nkite = kite_sensor\n")
    (tmp_path / "site" / "kite_sensor.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path / "site")
    path = write_tiff(tmp_path / "kite_7.tif", np.full((4, 5), 30, np.uint8))
    assert "kite" in SENSORS
    assert scene_grids(path) == {1: ["red"]}
    scene = open_scene(path)
    assert scene.attrs["granule"] == "kite_7"
    np.testing.assert_allclose(scene["red"], 0.3, atol=1e-7)
