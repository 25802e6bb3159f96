"""``open_scene``: arguments, errors, laziness, cost, tasks."""

import pickle
import re
import subprocess
import sys
import tracemalloc

import dask
import numpy as np
import pytest
import xarray as xr
from dask.base import tokenize
from sensors.make_landsat import make

from musyq_lab.core.errors import InputError, NotFoundError, SceneError
from musyq_lab.core.resources import resource
from musyq_lab.products._retrieve import retrieve
from musyq_lab.sensors._granule import Granule, find
from musyq_lab.sensors._open import check_calibration, check_resolution, open_scene, plain_errors, scene_grids
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard.pipeline import standardize

SAMPLE = "catalogs/samples/landsat/LC08_L1TP_195025_20130707_20170503_01_T1"


@pytest.fixture(scope="module")
def folder():
    return resource(SAMPLE)


@pytest.fixture(scope="module")
def scene(folder):
    return open_scene(folder)


def never(*arguments, **keywords):
    raise AssertionError("a pixel was read")


def test_nothing_is_read_until_it_is_asked_for(folder):
    with dask.config.set(scheduler=never):
        scene = open_scene(folder)
        standard = standardize(scene)
        indices = retrieve("vi", standard)
        for dataset in (scene, standard, indices):
            assert any(dask.is_dask_collection(v.data) for v in dataset.data_vars.values())
        with pytest.raises(AssertionError):
            indices.load()


def test_opening_costs_little_memory(folder):
    open_scene(folder)
    tracemalloc.start()
    open_scene(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * 2**20


def test_a_large_scene_costs_no_more_to_open(tmp_path):
    made = make(tmp_path, "OLI_TIRS", "C2", shape=(2500, 2500), bands=["4"], qa=False)
    open_scene(tmp_path)
    tracemalloc.start()
    opened = open_scene(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20 < made.counts["4"].nbytes
    assert opened.red.chunks is not None
    assert max(opened.red.data.chunksize) <= 4096


def test_pickled_scenes_give_the_same_numbers(scene):
    moved = pickle.loads(pickle.dumps(scene))
    xr.testing.assert_identical(moved.compute(scheduler="synchronous"), scene.compute(scheduler="threads"))


def test_the_same_numbers_by_a_distributed_client(scene):
    distributed = pytest.importorskip("distributed", reason="needs dask.distributed")
    expected = scene.compute(scheduler="synchronous")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        xr.testing.assert_identical(scene.compute(), expected)


def test_names_of_tasks_are_the_same_for_two_openings(folder, scene):
    again = open_scene(folder)
    for name in scene.data_vars:
        assert tokenize(again[name].data) == tokenize(scene[name].data), name


def test_one_dataset_says_where_it_came_from(folder, scene):
    assert scene.encoding["source"] == str(folder)
    assert sorted(scene.encoding["files"]) == sorted(map(str, folder.iterdir()))
    assert scene.attrs["calibration"] == "reflectance"
    assert scene.attrs["history"].startswith('open_scene(calibration="reflectance"')


def test_grids_of_a_granule(folder):
    grids = scene_grids(folder)
    assert list(grids) == [15.0, 30.0]
    assert grids[15.0] == ["pan"]
    assert "tir1" in grids[30.0]


def test_calibrations():
    assert check_calibration(None) == "reflectance"
    for name in ("counts", "radiance", "reflectance"):
        assert check_calibration(name) == name
    with pytest.raises(InputError, match=r"no calibration 'reflectence'\. Did you mean 'reflectance'"):
        check_calibration("reflectence")
    with pytest.raises(InputError, match="no calibration ''"):
        check_calibration("")


def test_a_wrong_calibration_is_told_before_the_path_is_looked_at():
    with pytest.raises(InputError, match="no calibration"):
        open_scene("/absent", calibration="dn")
    with pytest.raises(NotFoundError):
        open_scene("/absent")


def test_resolutions(folder):
    granule = find(folder)
    assert check_resolution(granule, None) == 30
    assert check_resolution(granule, 15) == 15
    with pytest.raises(InputError, match=r"no grid of 20 m\. It has 15, 30 m"):
        check_resolution(granule, 20)
    with pytest.raises(InputError, match="no grid of nan m"):
        check_resolution(granule, float("nan"))


def test_grids_of_a_module_win_over_those_of_the_spec(folder, monkeypatch):
    from musyq_lab.sensors import landsat_oli

    granule = find(folder)
    monkeypatch.setattr(landsat_oli, "grids", lambda found: {15.0: ["pan"], 60.0: [found.name]}, raising=False)
    assert scene_grids(folder) == {15.0: ["pan"], 60.0: [granule.name]}
    assert check_resolution(granule, None) == 15.0  # the nominal 30 m is not there: the first is taken
    assert check_resolution(granule, 60) == 60.0
    with pytest.raises(InputError, match=rf"{re.escape(str(granule.path))}.*no grid of 30 m\. It has 15, 60 m"):
        check_resolution(granule, 30)


def test_a_module_that_finds_no_grid_leaves_it_to_the_reader(folder, monkeypatch):
    from musyq_lab.sensors import landsat_oli

    monkeypatch.setattr(landsat_oli, "grids", lambda found: {}, raising=False)
    assert list(scene_grids(folder)) == [15.0, 30.0]


def test_an_error_while_grids_are_looked_for_names_the_granule(folder, monkeypatch):
    from musyq_lab.sensors import landsat_oli

    def fail(found):
        raise ValueError("odd")

    monkeypatch.setattr(landsat_oli, "grids", fail, raising=False)
    with pytest.raises(SceneError, match=rf"{re.escape(str(find(folder).path))} cannot be read .*odd"):
        open_scene(folder)


def test_any_error_of_a_reader_becomes_a_plain_one(tmp_path):
    granule = Granule(SENSORS["landsat_oli"], "G", tmp_path, ())
    for error in (
        KeyError("x"),
        IndexError(),
        ZeroDivisionError("by zero"),
        UnicodeDecodeError("ascii", b"\xff", 0, 1, ""),
    ):
        with pytest.raises(SceneError, match=r"cannot be read as Landsat OLI/TIRS \(") as caught, plain_errors(granule):
            raise error
        assert type(error).__name__ in str(caught.value)
        assert str(tmp_path) in str(caught.value)
    with pytest.raises(NotFoundError, match="is gone"), plain_errors(granule):
        raise NotFoundError(f"{tmp_path} is gone")
    with (
        pytest.raises(SceneError, match=rf"^{re.escape(str(tmp_path))}: says nothing of the file"),
        plain_errors(granule),
    ):
        raise InputError("says nothing of the file")


def test_a_missing_package_is_named_with_the_command(tmp_path):
    granule = Granule(SENSORS["landsat_oli"], "G", tmp_path, ())
    with pytest.raises(SceneError, match=r"needs the package 'fancy'.*pip install fancy"), plain_errors(granule):
        raise ModuleNotFoundError("No module named 'fancy.part'", name="fancy.part")


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, musyq_lab.sensors._open\n"
        "heavy = {'satpy', 'rasterio', 'rioxarray', 'pyhdf', 'geotiepoints', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_are_physical(scene):
    loaded = scene.compute()
    for name, low, high in (("red", 0.0, 1.5), ("nir", 0.0, 1.5), ("tir1", 270.0, 330.0)):
        assert low < float(loaded[name].min())
        assert float(loaded[name].max()) < high
    assert np.isfinite(loaded.red).all()
