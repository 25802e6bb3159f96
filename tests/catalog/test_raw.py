"""The catalog of raw granules: one entry a sensor, opened from the user's own folder."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from archive import make_peers

from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.catalog.drivers import SceneSource
from musyq_lab.catalog.open import open_catalog
from musyq_lab.catalog.safe import check_catalog
from musyq_lab.core.errors import CatalogError, InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.sensors._open import open_scene
from musyq_lab.sensors._registry import SENSORS

CATALOGS = Path(__file__).resolve().parents[2] / "catalogs"
LANDSAT = resource("catalogs/samples/landsat")
OLI = "LC08_L1TP_195025_20130707_20170503_01_T1"


def raw():
    return open_catalog("raw")


def test_there_is_one_entry_a_sensor_and_the_file_is_up_to_date():
    spec = importlib.util.spec_from_file_location("derive_raw", CATALOGS / "derive_raw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.texts().items():
        assert (CATALOGS / name).read_text("utf-8") == text, "run python catalogs/derive_raw.py"
    assert sorted(raw()) == sorted(SENSORS)
    assert sorted(open_catalog("peers")) == sorted(layout.key for layout in LAYOUTS)


@pytest.mark.parametrize("key", SENSORS)
def test_each_entry_says_what_it_needs(key):
    entry = raw()[key]
    assert entry.metadata["title"] == SENSORS[key].title
    with pytest.raises(CatalogError, match="Say where your granules are"):
        entry.read()


def test_a_granule_opens_as_by_path():
    scene = raw()["landsat_oli"](root=str(LANDSAT)).read()
    same = open_scene(LANDSAT / OLI)
    assert scene.attrs["granule"] == OLI
    np.testing.assert_array_equal(scene["nir"], same["nir"])
    counts = raw()["landsat_oli"](root=str(LANDSAT / OLI), calibration="counts").read()
    assert counts["nir"].attrs["units"] == "count"


def test_one_of_several_granules_is_chosen_by_name(tmp_path):
    for name in (OLI, OLI.replace("20130707", "20130708")):
        folder = tmp_path / name
        folder.mkdir()
        for file in (LANDSAT / OLI).iterdir():
            shutil.copy(file, folder / file.name.replace(OLI, name))
    entry = raw()["landsat_oli"](root=str(tmp_path))
    with pytest.raises((InputError, CatalogError), match="granule"):
        entry.read()
    assert entry(granule=OLI).read().attrs["granule"] == OLI
    with pytest.raises(NotFoundError, match="holds no granule 'other'"):
        entry(granule="other").read()


@pytest.mark.parametrize("root", ["{{ env('HOME') }}", "{% raw %}x", "file:///etc", "simplecache::x", "a\nb"])
def test_a_root_that_is_no_folder_is_refused(root):
    with pytest.raises(CatalogError, match="neither a folder"):
        raw()["landsat_oli"](root=root)


def test_an_unknown_calibration_is_refused_with_the_known_ones():
    with pytest.raises(CatalogError, match="reflectance, radiance, counts"):
        raw()["landsat_oli"](calibration="albedo")


def test_a_catalog_cannot_choose_the_folder_for_the_user():
    data = yaml.safe_load((CATALOGS / "raw.yml").read_text("utf-8"))
    data["sources"]["landsat_oli"]["parameters"]["root"]["default"] = "somewhere"
    with pytest.raises(CatalogError, match="default must be empty"):
        check_catalog(data, Path("raw.yml"))


def test_a_free_parameter_is_a_whole_argument():
    data = yaml.safe_load((CATALOGS / "raw.yml").read_text("utf-8"))
    data["sources"]["landsat_oli"]["args"]["root"] = "{{ root }}/below"
    with pytest.raises(CatalogError, match="whole argument"):
        check_catalog(data, Path("raw.yml"))


def test_the_driver_works_by_itself():
    scene = SceneSource("landsat_oli", str(LANDSAT / OLI)).to_dask()
    assert {"red", "tir1", "qa"} <= set(scene.data_vars)


def test_a_folder_of_the_users_wins_over_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw").mkdir()
    with pytest.raises(NotFoundError, match="holds no product files"):
        open_catalog("raw")


def test_a_peers_product_opens_by_its_entry(tmp_path):
    path = make_peers.hdf4(tmp_path / "MOD13A1.A2016001.h18v04.006.2016020000000.hdf", make_peers.vi_layers())
    entry = open_catalog("peers")["MOD13"]
    with pytest.raises(CatalogError, match="Say where your files are"):
        entry.read()
    assert entry(root=str(path)).read()["ndvi"].attrs["units"] == "1"
    with pytest.raises(CatalogError, match="holds MOD13, not MOD15"):
        open_catalog("peers")["MOD15"](root=str(path)).read()
