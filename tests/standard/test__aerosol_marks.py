"""Which pixels tell of the air: flags, the rim of clouds within a cell, medians with gaps."""

import numpy as np
import pytest
import xarray as xr
from products.air_scenes import draw

from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.standard import _aerosol_cells
from musyq_lab.standard._aerosol_cells import Cells
from musyq_lab.standard._aerosol_marks import clear, marks, median

CLOUDS = {"cloud", "cloud_shadow", "cirrus", "cloud_possible"}
HIDDEN = {"no_data", "saturated", "snow_ice", "water", "terrain_shadow", "night", "sun_glint"}


def scene(size=20, columns=None):
    """Return a scene of 1 km without any flag set."""
    shape = size, columns or size
    coords = {"band": ["red"], "y": -1e3 * np.arange(shape[0]), "x": 1e3 * np.arange(shape[1])}
    layers = {"reflectance": (("band", "y", "x"), np.full((1, *shape), 0.1, np.float32))}
    return xr.Dataset(layers | {"qa": (("y", "x"), np.zeros(shape, np.uint16))}, coords, {"sensor": "modis"})


def loop(marked, rows, columns):
    """Return what is clear with a halo, pixel by pixel."""
    found = np.zeros(marked.shape, bool)
    for y, x in np.ndindex(*marked.shape):
        near = [
            marked[y + i, x + k]
            for i in (-1, 0, 1)
            for k in (-1, 0, 1)
            if (y + i) // rows == y // rows and (x + k) // columns == x // columns
        ]
        found[y, x] = marked[y, x] == 0 and 2 not in near
    return found


def test_clouds_and_other_flags_are_told_apart():
    ds = scene()
    qa = ds["qa"].copy(deep=True)
    qa[0, 0], qa[1, 1], qa[2, 2] = (SCENE_FLAG[name].mask for name in ("cloud", "water", "low_quality"))
    both = int(SCENE_FLAG["cloud"].mask | SCENE_FLAG["water"].mask)
    qa[3, 3] = both
    found = marks(ds.assign(qa=qa), Cells.of(ds, 2000.0, 1.0))[0]
    assert found.shape == (20, 20)
    assert [found[k, k] for k in range(5)] == [2, 1, 0, 2, 0]


def test_a_scene_without_flags_is_clear():
    ds = scene().drop_vars("qa")
    assert not marks(ds, Cells.of(ds, 5000.0, 1.0)).any()


def test_a_halo_stays_within_its_cell():
    marked = np.zeros((6, 6), np.int8)
    marked[2, 2] = 2  # the corner of a cell of 3 x 3
    inside = clear(marked, 3, 3, halo=True)
    assert not inside[1:3, 1:3].any()
    assert inside[3, 3]
    assert inside[2, 3]
    assert inside[0, 0]
    assert clear(marked, 3, 3, halo=False).sum() == 35


def test_other_flags_have_no_halo():
    marked = np.zeros((4, 4), np.int8)
    marked[1, 1] = 1
    assert clear(marked, 4, 4, halo=True).sum() == 15


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_median_is_that_of_numpy(count):
    random = np.random.Generator(np.random.Philox(4))
    values = np.full((3, 4, 9), np.nan)
    values[..., :count] = random.normal(size=(3, 4, count))
    values = random.permuted(values, axis=-1)
    np.testing.assert_allclose(median(values, np.isfinite(values).sum(-1)), np.nanmedian(values, axis=-1))


def test_median_of_nothing_is_missing():
    assert np.isnan(median(np.full((2, 3), np.nan), np.zeros(2, int))).all()


@pytest.mark.parametrize("name", SCENE_FLAG)
def test_every_flag_of_a_scene_is_a_cloud_or_hidden_or_of_no_account(name):
    ds = scene(10)
    ds["qa"][3, 4] = SCENE_FLAG[name].mask
    found = marks(ds, Cells.of(ds, 1e4, 1.0))
    assert found[0, 3, 4] == (2 if name in CLOUDS else 1 if name in HIDDEN else 0)
    assert np.count_nonzero(found) == np.count_nonzero(found[0, 3, 4])


def test_marks_are_of_the_pixels_looked_at_whatever_the_chunks(monkeypatch):
    ds = scene(60, 90)
    ds["qa"][:] = draw(4).choice([0, SCENE_FLAG["cloud"].mask, SCENE_FLAG["water"].mask], (60, 90))
    cells = Cells.of(ds, 30e3, 1.0)  # 24 of 30 pixels along either edge
    whole = marks(ds, cells)
    assert whole.shape == (1, 48, 72)
    bits = ds["qa"].values[cells.rows.index.ravel()][:, cells.columns.index.ravel()]
    expected = np.where(bits == SCENE_FLAG["cloud"].mask, 2, np.where(bits == SCENE_FLAG["water"].mask, 1, 0))
    np.testing.assert_array_equal(whole[0], expected)
    monkeypatch.setattr(_aerosol_cells, "_CHUNK", 24)
    lazy = marks(ds.chunk(y=17, x=40), cells)
    assert lazy.numblocks == (1, 2, 3)
    np.testing.assert_array_equal(lazy.compute(), whole)
    turned = ds.transpose("x", "y", "band")
    turned["reflectance"] = turned["reflectance"].transpose("band", "y", "x")
    np.testing.assert_array_equal(marks(turned, cells), whole)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (3, 6), (1, 1), (12, 12), (2, 1)])
def test_a_halo_is_that_of_a_plain_loop(rows, columns):
    marked = draw(5).choice(3, (12, 12), p=[0.85, 0.05, 0.1]).astype(np.int8)
    found = clear(marked, rows, columns, halo=True)
    np.testing.assert_array_equal(found, loop(marked, rows, columns))
    assert (found <= clear(marked, rows, columns, halo=False)).all()


def test_a_halo_needs_a_cloud_and_a_neighbour():
    marked = np.zeros((6, 6), np.int8)
    assert clear(marked, 3, 3, halo=True).all()
    assert not clear(marked + np.int8(2), 3, 3, halo=True).any()
    marked[0, 0] = 2
    assert clear(marked, 1, 1, halo=True).sum() == 35
    assert clear(marked, 6, 6, halo=True).sum() == 32


def test_clear_leaves_what_it_is_given():
    marked = draw(6).choice(3, (8, 8)).astype(np.int8)
    before = marked.copy()
    clear(marked, 4, 4, halo=True)
    np.testing.assert_array_equal(marked, before)


def test_median_keeps_type_and_order_does_not_matter():
    values = draw(7).normal(size=(5, 8)).astype(np.float32)
    values[2, 3:] = np.nan
    count = np.isfinite(values).sum(-1)
    found = median(values, count)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(median(values[:, ::-1], count), found)
    np.testing.assert_array_equal(median(-values, count), -found)
    np.testing.assert_allclose(found, np.nanmedian(values, axis=-1), rtol=1e-6)


def test_median_of_one_value_is_itself():
    np.testing.assert_array_equal(median(np.array([[3.5], [np.nan]]), np.array([1, 0])), [3.5, np.nan])
