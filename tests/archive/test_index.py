import json
import os
import pickle
import stat

import numpy as np
import pytest
from archive.samples import dataset
from archive.test_lineage import composed, put

from musyq_lab.archive import index
from musyq_lab.archive.open import open_product
from musyq_lab.composite.lineage import granules_of, unpacked
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

COUNTS = {"2015001": 3, "2015006": 70, "2015011": 33}


@pytest.fixture
def made(tmp_path):
    """Three periods of a composite of 3, 70 and 33 granules, and what made each pixel."""
    found = {}
    for seed, (period, count) in enumerate(COUNTS.items()):
        ds, used = composed(count, seed)
        if period == "2015011":
            ds = ds.isel(sensor=[1]).assign_coords(sensor=["fy3d"])
        put(ds, tmp_path, period=period)
        found[period] = ds, used
    return tmp_path, found


@pytest.fixture
def asked(monkeypatch):
    """The files that are asked for their sizes."""
    paths, ask = [], index._ask
    monkeypatch.setattr(index, "_ask", lambda path: paths.append(path) or ask(path))
    return paths


def test_each_period_names_its_own_granules(made):
    root, found = made
    cube = open_product(root)
    assert dict(cube.sizes)["word"] == 3
    assert cube.lineage.dims == ("time", "word", "latitude", "longitude")
    assert cube.granule.dims == ("time", "granule_number")
    row, column = 2, 5
    for k, (ds, used) in enumerate(found.values()):
        one = cube.isel(time=k)
        x, y = float(ds.longitude[column]), float(ds.latitude[row])
        expected = [name for name, taken in zip(ds.granule.values, used[:, row, column], strict=True) if taken]
        assert granules_of(one, x, y) == expected
        np.testing.assert_array_equal(one.lineage[: ds.sizes["word"]], ds.lineage)
        assert not one.lineage[ds.sizes["word"] :].any()
        masks = unpacked(one.lineage, one.granule)[: len(used)]
        np.testing.assert_array_equal(masks, used)
        np.testing.assert_array_equal(one.n_obs, ds.n_obs)


def test_shares_are_matched_by_the_names_of_the_sensors(made):
    root, found = made
    cube = open_product(root)
    assert cube.sensor.values.tolist() == ["modis", "viirs", "fy3d"]
    for period, (ds, _) in found.items():
        one = cube.sensor_share.isel(time=cube.period.values.tolist().index(period))
        for name in cube.sensor.values:
            expected = ds.sensor_share.sel(sensor=name) if name in ds.sensor.values else 0 * ds.sensor_share[0]
            np.testing.assert_allclose(one.sel(sensor=name), expected, atol=1e-6)


KEYS = [np.s_[:, 0], np.s_[1, :, 2, 3], np.s_[::-1, 1:, 4], np.s_[:, :, 1:3, ::2], np.s_[0:0], np.s_[2, 2, 0, 0]]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_parts_equal_those_of_the_whole(made, key):
    cube = open_product(made[0])
    np.testing.assert_array_equal(cube.lineage[key], cube.lineage.values[key])
    names = key[:2] if isinstance(key, tuple) else key
    np.testing.assert_array_equal(cube.granule[names], cube.granule.values[names])


def test_a_cube_with_lineage_travels(made):
    cube = open_product(made[0])
    other = pickle.loads(pickle.dumps(cube))
    np.testing.assert_array_equal(other.lineage, cube.lineage)
    assert other.granule.values.tolist() == cube.granule.values.tolist()


def test_the_second_opening_asks_no_file(made, asked):
    root = made[0]
    first = open_product(root)
    assert len(asked) == 3
    assert (root / index.NAME).is_file()
    asked.clear()
    again = open_product(root)
    assert asked == []
    np.testing.assert_array_equal(first.lineage, again.lineage)


def test_only_what_changed_is_asked_again(made, asked):
    root = made[0]
    open_product(root)
    put(composed(100)[0], root, period="2015006")
    put(composed(5)[0], root, period="2015016")
    asked.clear()
    cube = open_product(root)
    assert sorted(path[-16:-6] for path in asked) == ["al.2015006", "al.2015016"]
    assert cube.sizes["granule_number"] == 100
    for item in root.glob("*2015016*"):
        item.unlink()
    asked.clear()
    put(composed(6)[0], root, period="2015021")
    open_product(root)
    assert len(json.loads((root / index.NAME).read_text())["files"]) == 4  # what went away is forgotten


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"format": 2, "files": {}}',
        '{"format": 1, "files": {"MuSyQ.DEMO.0p25deg.global.2015001.v1.h5": [1, 2]}}',
        '{"format": 1, "files": {"MuSyQ.DEMO.0p25deg.global.2015001.v1.h5": [1, 2, 3, -1, 0, []]}}',
        '{"format": 1, "files": {"MuSyQ.DEMO.0p25deg.global.2015001.v1.h5": [1, 2, 3, 1e99, 0, []]}}',
        '{"format": 1, "files": {"MuSyQ.DEMO.0p25deg.global.2015001.v1.h5": [1, 2, 3, 4, 999999999, []]}}',
        '{"format": 1, "files": {"MuSyQ.DEMO.0p25deg.global.2015001.v1.h5": [1, 2, 3, 4, 5, [6]]}}',
        "[" * 100_000,
        "\x00\xff",
    ],
)
def test_an_index_that_is_none_does_no_harm(made, text):
    root, found = made
    (root / index.NAME).write_text(text, encoding="latin-1")
    cube = open_product(root)
    np.testing.assert_array_equal(cube.lineage[1], found["2015006"][0].lineage)
    assert set(json.loads((root / index.NAME).read_text())["files"]) == {path.name for path in root.glob("*.h5")}


def test_a_lie_in_the_index_is_told_and_never_a_wrong_number(made):
    root = made[0]
    open_product(root)
    data = json.loads((root / index.NAME).read_text())
    name = next(name for name in data["files"] if "2015006" in name)
    data["files"][name][3:5] = [1, 32]
    (root / index.NAME).write_text(json.dumps(data))
    cube = open_product(root)
    with pytest.raises(ArchiveError, match=r"2015006.*were expected"):
        cube.lineage[1].compute()
    with pytest.raises(ArchiveError, match=r"2015006.*70 granules"):
        cube.granule[1].compute()


def test_a_folder_that_cannot_be_written_opens_all_the_same(made, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "write_text", full)
    assert open_product(made[0]).sizes["word"] == 3
    assert not (made[0] / index.NAME).exists()
    monkeypatch.undo()
    if os.geteuid():
        made[0].chmod(stat.S_IRUSR | stat.S_IXUSR)
        assert open_product(made[0]).sizes["word"] == 3
        assert not (made[0] / index.NAME).exists()
        made[0].chmod(stat.S_IRWXU)


def test_products_without_such_layers_need_no_index(tmp_path, asked):
    for period in ("2015001", "2015006"):
        put(dataset(), tmp_path, period=period)
    assert open_product(tmp_path).sizes["time"] == 2
    assert asked == []
    assert not (tmp_path / index.NAME).exists()


def test_a_file_of_another_maker_in_between_is_shown_as_having_none(made):
    root = made[0]
    ds, _ = composed(3)
    put(ds.drop_vars(["lineage", "granule", "granule_time", "sensor_share", "sensor"]), root, period="2015016")
    cube = open_product(root)
    assert not cube.lineage[3].any()
    assert not cube.sensor_share[3].any()
    assert set(cube.granule[3].values) == {""}


def test_a_file_that_goes_away_in_between_is_told(made, monkeypatch):
    from musyq_lab.archive import open as opening

    root = made[0]
    names = opening._names(root)
    next(root.glob("*2015006*.h5")).unlink()
    monkeypatch.setattr(opening, "_names", lambda _: names)
    with pytest.raises(NotFoundError, match=r"2015006.*went away"):
        open_product(root)


def test_no_draft_of_the_index_is_left(made):
    open_product(made[0])
    assert not list(made[0].glob(".*.partial"))


def test_a_cube_can_be_turned_to_its_labels_and_asked_period_by_period(made):
    root, _ = made
    cube = open_product(root)
    turned = cube.swap_dims(time="period")
    np.testing.assert_array_equal(turned.lineage, cube.lineage)
    place = float(cube.longitude[3]), float(cube.latitude[2])
    with pytest.raises(InputError, match=r"holds 3 along 'time'.*isel\(time=0\)"):
        granules_of(cube, *place)
    for k in range(3):
        assert granules_of(turned.isel(period=k), *place) == granules_of(cube.isel(time=k), *place)


def test_one_period_of_a_cube_can_be_written_again(made, tmp_path):
    root, _ = made
    cube, place = open_product(root), (0.6, -0.6)
    path = put(cube.isel(time=1), tmp_path / "again")
    assert granules_of(open_product(path), *place) == granules_of(cube.isel(time=1), *place)
