"""Looks of a period as dates of a series, and the order in which a product's files get their names."""

import os
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from production.chain.stocks import KILOMETRE, PERIOD

from musyq_lab.composite import weight
from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import QA_DTYPE
from musyq_lab.production.chain import looks
from musyq_lab.production.chain._costs import COSTS, MOST_SOURCE, OTHER, Size, cost_of
from musyq_lab.production.chain._peak import _before, peak
from musyq_lab.production.chain._room import LEAST, Room, said, size_of
from musyq_lab.production.chain.task import Task

SHAPE = KILOMETRE.grid.shape
COORDS = {"latitude": KILOMETRE.grid.latitude, "longitude": KILOMETRE.grid.longitude}
DIMS = ("latitude", "longitude")
TASK = Task("brdf.x", "product", "looks", "brdf", "1km", KILOMETRE, PERIOD, "x.h5")


def scene(hour=3, *, qa=0, sun=150.0, view=30.0, value=0.2, **attrs):
    layers = {"reflectance": (("band", *DIMS), np.full((2, *SHAPE), value, "f4"), {"units": "1"})}
    planes = {"sun_zenith": 40.0, "view_zenith": 10.0, "sun_azimuth": sun, "view_azimuth": view}
    layers |= {name: (DIMS, np.full(SHAPE, v, "f4"), {"units": "degree"}) for name, v in planes.items()}
    layers["qa"] = (DIMS, np.full(SHAPE, qa, QA_DTYPE), {"units": "1"})
    when = f"2019-07-06T{hour:02d}:00:00Z"
    return xr.Dataset(layers, {**COORDS, "band": ["red", "nir"]}, {"time_coverage_start": when, **attrs})


@pytest.mark.parametrize(
    ("sun", "view", "between"), [(150, 30, 120), (10, 350, 20), (350, 10, 20), (0, 180, 180), (200, 200, 0)]
)
def test_the_angle_between_two_directions_is_the_smaller_one(sun, view, between):
    made = looks._look(scene(sun=sun, view=view))
    np.testing.assert_allclose(np.abs(made["relative_azimuth"]), between, atol=1e-4)
    assert made["relative_azimuth"].attrs["units"] == "degree"


def test_an_angle_that_the_scene_has_is_its_own():
    given = scene()
    given["relative_azimuth"] = given["sun_zenith"] * 0 + 77.0
    assert (looks._look(given)["relative_azimuth"] == 77.0).all()


def test_a_look_is_one_date_at_the_time_of_its_scene():
    made = looks._look(scene(5))
    assert made["reflectance"].dims[0] == "time"
    assert made["time"].values[0] == np.datetime64("2019-07-06T05:00")
    assert looks._when(scene(5)) == datetime(2019, 7, 6, 5)


@pytest.mark.parametrize("bit", range(8))
def test_what_composites_give_no_weight_is_no_look_at_the_ground(bit):
    mask = 1 << bit
    made = looks._look(scene(qa=mask))
    seen = bool(weight.table()[mask] > 0)
    assert bool(made["reflectance"].notnull().all()) is seen
    assert bool(made["reflectance"].isnull().all()) is not seen
    assert made["sun_zenith"].notnull().all()  # the directions are known behind a cloud too


def test_attributes_are_those_that_all_looks_share():
    rows = [{"reference_sensor": "modis", "reflectance_level": "surface", "title": "a"}] * 2
    assert looks._common(rows) == {"reference_sensor": "modis", "reflectance_level": "surface"}
    mixed = [*rows, {"reference_sensor": "modis"}, {"reference_sensor": "modis", "reflectance_level": "toa"}]
    assert looks._common(mixed) == {"reference_sensor": "modis"}
    assert looks._common([{}]) == {}


@pytest.fixture
def retrieved(monkeypatch):
    """What a retrieval is given of scenes."""
    given = []

    def use(*scenes):
        def retrieval(whole, **options):
            given.append((whole, options))
            return whole

        retrieval.spec = "spec"
        monkeypatch.setattr(looks, "_scenes", lambda _: iter(scenes))
        monkeypatch.setattr(looks, "RETRIEVALS", {"brdf": retrieval})
        made, spec = looks.of_looks(TASK, {})
        assert spec == "spec"
        return made, given[-1][0]

    return use


def test_looks_are_joined_in_the_order_of_their_times(retrieved):
    made, whole = retrieved(scene(6, value=0.6), scene(3, value=0.3), scene(4, value=0.4))
    assert list(whole["time"].dt.hour.values) == [3, 4, 6]
    np.testing.assert_allclose(whole["reflectance"].isel(band=0, latitude=0, longitude=0), [0.3, 0.4, 0.6], rtol=1e-6)
    assert (made.attrs["looks"], made.attrs["period"]) == (3, PERIOD.label)
    assert whole["sun_zenith"].attrs == {"units": "degree"}


def test_one_look_is_a_series_of_one(retrieved):
    _, whole = retrieved(scene(6, reference_sensor="modis"))
    assert whole.sizes["time"] == 1
    assert whole.attrs == {"reference_sensor": "modis"}


def test_no_look_is_told(monkeypatch):
    monkeypatch.setattr(looks, "_scenes", lambda _: iter(()))
    with pytest.raises(InputError, match=r"brdf: not one granule of .* could be used"):
        looks.of_looks(TASK, {})


def test_scenes_that_were_set_aside_and_products_are_no_looks(monkeypatch, tmp_path):
    records = {"a": SimpleNamespace(sha256="1"), "b": SimpleNamespace(sha256=""), "c": None}
    monkeypatch.setattr(looks._kept, "read", lambda path: records[path.name])
    monkeypatch.setattr(looks._kept, "opened", lambda path: path.name)
    needs = {f"scene.{name}": tmp_path / name for name in "cba"} | {"lai.2019186": tmp_path / "a"}
    assert list(looks._scenes(needs)) == ["a"]


# ---- memory ----------------------------------------------------------------------------------------------------------
def tasks(**needs):
    return [
        Task(k, "product", "retrieve", "lai", "1km", KILOMETRE, PERIOD, f"{k}.h5", needs=n) for k, n in needs.items()
    ]


def best(graph, sizes, jobs):
    """The most that tasks none of which waits for another take at once, by trying them all."""
    from itertools import combinations

    by_key = {task.key: task for task in graph}
    work = {task.key: cost_of(task.maker).memory(sizes[task.key]) for task in graph}
    free = [
        c for n in range(1, jobs + 1) for c in combinations(by_key, n)
        if not any(a in _before(b, by_key) or b in _before(a, by_key) for a, b in combinations(c, 2))
    ]  # fmt: skip
    return max(sum(work[key] for key in chosen) for chosen in free)


@pytest.mark.parametrize(
    "graph", [tasks(a=(), b=("a",), c=("b",)), tasks(a=(), b=(), c=("a", "b"), d=("c",)), tasks(a=(), b=(), c=(), d=())]
)
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_the_peak_of_a_graph_is_that_of_trying_everything(graph, jobs):
    """In these graphs the largest tasks come first, where taking them one by one is the best choice."""
    sizes = {task.key: Size(10**6 * 2 ** (10 - n)) for n, task in enumerate(graph)}
    nothing = peak(graph, sizes, 0, own=False)
    assert peak(graph, sizes, jobs, own=False) - nothing == pytest.approx(best(graph, sizes, jobs), rel=1e-9)


def test_what_a_task_waits_for_is_found_through_others_and_rings_end():
    by_key = {task.key: task for task in tasks(a=("c",), b=("a",), c=("b", "gone"), d=())}
    assert _before("a", by_key) == {"a", "b", "c"}
    assert _before("d", by_key) == set()


def test_a_larger_source_takes_more_up_to_what_is_at_work_at_once():
    cost = COSTS["standardize"]
    at = [cost.memory(Size(0, size)) for size in (0, MOST_SOURCE / 2, MOST_SOURCE, 10 * MOST_SOURCE)]
    assert at[0] == cost.base
    assert at[1] - at[0] == pytest.approx(at[2] - at[1])
    assert at[3] == at[2]
    assert cost_of("unheard of") is OTHER


@pytest.mark.parametrize("size", [LEAST, 2**31, 10**9, 5 * 10**12])
@pytest.mark.parametrize("spaces", ["{}", " {} ", "{}B", "{} b"])
def test_bytes_are_read_as_they_are_written(size, spaces):
    assert size_of(spaces.format(size)) == size


@pytest.mark.parametrize("size", [1_500_000, 2_340_000_000, 7.5e11, 3e12])
def test_what_is_said_of_a_size_can_be_asked_for(size):
    assert size_of(said(size)) == pytest.approx(size, rel=0.005)


def test_a_limit_below_a_megabyte_is_a_slip_of_the_pen():
    for text in (LEAST - 1, "2", "100kB", 0):
        with pytest.raises(InputError):
            size_of(text)
    assert Room(None, "x").memory is None


# ---- files -----------------------------------------------------------------------------------------------------------
def test_the_checksum_comes_last(own, weather, tmp_path, monkeypatch):
    """A run that is killed between two names must not leave a file that counts as done and lacks another."""
    from musyq_lab.production.chain.produce import produce

    names, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: names.append(os.path.basename(b)) or replace(a, b))  # noqa: PTH119
    produce("glow", period="2019-07-01", inputs=weather, out=tmp_path, jobs=1)
    own_files = [name.partition(".h5")[2] for name in names if ".h5" in name]
    assert own_files == ["", ".run.json", ".sha256"]
