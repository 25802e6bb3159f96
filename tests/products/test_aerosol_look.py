"""What every aerosol method looks at: bands, marks, air and prior by cells, and the way back to the pixels."""

import warnings

import numpy as np
import pytest
import xarray as xr
from products.air_scenes import AIR, ANGLES, data, draw, given

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.products._aerosol_look import look, spread
from musyq_lab.standard import _aerosol_cells
from musyq_lab.standard._aerosol_cells import Cells

SIZE = 20
KNOWN = {name: AIR[name] for name in ("water_vapour", "ozone", "pressure")}


def plain(size=SIZE):
    """Return a scene whose light no table has made."""
    roles = ["blue", "red", "nir"]
    light = draw(2).uniform(0.02, 0.4, (3, size, size)).astype(np.float32)
    places = np.meshgrid(np.linspace(40.5, 40.3, size), np.linspace(115.0, 115.3, size), indexing="ij")
    coords = {name: (("y", "x"), part) for name, part in zip(("latitude", "longitude"), places, strict=True)}
    coords |= {"band": roles, "y": 4e6 - 1e3 * np.arange(size), "x": 5e5 + 1e3 * np.arange(size)}
    angles = {"sun_zenith": 30.0, "view_zenith": 10.0, "sun_azimuth": 350.0, "view_azimuth": 20.0}
    layers = {name: data(value, "degree", size) for name, value in angles.items()}
    layers |= {"reflectance": (("band", "y", "x"), light), "qa": (("y", "x"), np.zeros((size, size), np.uint16))}
    attrs = {"sensor": "modis", "platform": "Terra", "time_coverage_start": "2019-07-01T03:00:00Z"}
    return xr.Dataset(layers, coords, attrs)


def standard():
    """Return a scene of known angles."""
    turned = {"sun_azimuth": 0.0, "view_azimuth": ANGLES["relative_azimuth"]}
    angles = {name: ANGLES[name] for name in ("sun_zenith", "view_zenith")} | turned
    return plain().assign({name: data(value, "degree", SIZE) for name, value in angles.items()})


@pytest.fixture(scope="module")
def seen():
    return look(standard(), ("blue", "red"), KNOWN, (0.3, 0.1), 5000.0)


def test_bands_and_air_are_laid_out_as_the_tables_take_them(seen):
    assert seen.cells.rows.count == seen.cells.columns.count == 4
    assert seen.toa.shape == (2, SIZE, SIZE)
    assert len(seen.keys) == 2
    assert seen.sky.shape == (6, 4, 4)
    np.testing.assert_allclose(seen.sky[:, 0, 0], [35.0, 20.0, 60.0, 20.0, 300.0, 950.0], atol=1e-4)
    np.testing.assert_allclose(seen.prior[:, 2, 2], [0.3, 0.1], rtol=1e-6)
    assert not seen.marked.any()


def test_only_close_pixels_have_a_halo(seen):
    assert not seen.halo  # 1 km
    fine = standard()
    fine = fine.assign_coords(y=fine["y"] * 0.03, x=fine["x"] * 0.03)
    assert look(fine, ("red",), KNOWN, (0.3, 0.1), 300.0).halo


def test_values_are_spread_among_the_cells_that_have_one():
    cells = Cells.of(plain(), 5000.0, 1.0)
    values = np.full((4, 4), 0.5, np.float32)
    values[:, 3] = np.nan
    field, share = spread(cells, values)
    np.testing.assert_allclose(field[np.isfinite(field)], 0.5, rtol=1e-6)
    assert (share[:, :13] == 1.0).all()
    assert (share[:, 17:] == 0.0).all()
    assert np.isnan(field[:, 17:]).all()


def test_bands_come_in_the_order_asked_for_and_the_plane_rows_first():
    ds = plain()
    found = look(ds, ("nir", "blue"), KNOWN, (0.3, 0.1))
    np.testing.assert_array_equal(found.toa, ds["reflectance"].values[[2, 0]])
    back = look(ds, ("blue", "nir"), KNOWN, (0.3, 0.1))
    assert found.keys == back.keys[::-1]
    ds["reflectance"] = ds["reflectance"].transpose("y", "x", "band")
    np.testing.assert_array_equal(look(ds, ("nir", "blue"), KNOWN, (0.3, 0.1)).toa, found.toa)


def test_azimuths_across_north_are_close_together():
    found = look(plain(), ("red",), KNOWN, (0.3, 0.1))
    np.testing.assert_allclose(found.sky[:3, 1, 1], [30.0, 10.0, 30.0], atol=1e-4)


def test_a_scene_without_a_view_is_seen_from_above():
    found = look(plain().drop_vars(["view_zenith", "view_azimuth"]), ("red",), KNOWN, (0.3, 0.1))
    np.testing.assert_allclose(found.sky[:3, 0, 0], [30.0, 0.0, 0.0], atol=1e-5)


def test_the_default_cell_is_ten_pixels_or_5_km():
    assert look(plain(), ("red",), KNOWN, (0.3, 0.1)).cells.rows.count == 2
    fine = plain().assign_coords(y=250.0 * np.arange(SIZE), x=250.0 * np.arange(SIZE))
    assert look(fine, ("red",), KNOWN, (0.3, 0.1)).cells.rows.count == 1
    with pytest.raises(InputError, match="1000 m"):
        look(plain(), ("red",), KNOWN, (0.3, 0.1), 200.0)


def test_fields_of_air_are_means_of_their_cells():
    vapour = given(SIZE)["water_vapour"] + xr.DataArray(np.arange(SIZE), dims="x")
    found = look(plain(), ("red",), KNOWN | {"water_vapour": vapour}, (data(0.4, "1", SIZE), 0.1), 10e3)
    np.testing.assert_allclose(found.sky[3], [[24.5, 34.5]] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.prior, np.array([0.4, 0.1])[:, None, None] * np.ones((2, 2)), rtol=1e-6)


def test_the_climatology_stands_in_for_what_is_not_given():
    found = look(plain(), ("red",), dict.fromkeys(KNOWN))
    vapour, ozone, pressure = found.sky[3:, 0, 0]
    assert 10.0 < vapour < 50.0  # kg m-2, Huailai in July
    assert 270.0 < ozone < 350.0  # DU
    assert 850.0 < pressure < 1000.0  # hPa
    assert (found.prior > 0).all()


def test_uneven_ground_has_the_air_above_each_pixel():
    """Optical depth follows the fourth power of the pressure (module of the aerosol)."""
    field = data(900.0, "hPa", SIZE) + 4.0 * xr.DataArray(np.arange(SIZE, dtype=np.float32), dims="y")
    found = look(plain(), ("red",), KNOWN | {"pressure": field}, (0.3, 0.1), 10e3)
    cell = found.cells.spread(found.sky[5])
    np.testing.assert_allclose(found.slope, (field.values / cell) ** 4, rtol=1e-5)
    assert look(plain(), ("red",), KNOWN, (0.3, 0.1)).slope == 1.0


def test_marks_are_those_of_the_scene():
    ds = plain()
    ds["qa"][2, 3], ds["qa"][4, 5] = SCENE_FLAG["cloud"].mask, SCENE_FLAG["water"].mask
    found = look(ds, ("red",), KNOWN, (0.3, 0.1)).marked
    assert (found[0, 2, 3], found[0, 4, 5], np.count_nonzero(found)) == (2, 1, 2)


def test_chunks_of_a_scene_do_not_matter(monkeypatch):
    monkeypatch.setattr(_aerosol_cells, "_CHUNK", 10)
    whole = look(plain(), ("blue", "red"), KNOWN, (0.3, 0.1), 10e3)
    lazy = look(plain().chunk(y=7, x=13), ("blue", "red"), KNOWN, (0.3, 0.1), 10e3)
    for part in ("toa", "marked", "sky", "prior"):
        one, other = getattr(whole, part), getattr(lazy, part)
        np.testing.assert_array_equal(np.asarray(other), one)
    assert lazy.toa.numblocks == (1, 2, 2)


@pytest.mark.parametrize(
    ("prior", "says"), [(0.3, "pair"), ((0.3,), "pair"), ((0.3, 0.0), "above 0"), ((-0.1, 0.1), "aod")]
)
def test_a_prior_is_a_value_and_its_sigma(prior, says):
    with pytest.raises(InputError, match=says):
        look(plain(), ("red",), KNOWN, prior)


def test_air_beyond_what_there_is_is_refused_by_name():
    with pytest.raises(InputError, match="water_vapour"):
        look(plain(), ("red",), KNOWN | {"water_vapour": -3.0}, (0.3, 0.1))


# ---- the way back ----------------------------------------------------------------------------------------------------
def test_a_plane_over_the_cells_is_one_over_the_pixels():
    cells = Cells.of(plain(), 5e3, 1.0)
    down, across = np.meshgrid(cells.rows.centre, cells.columns.centre, indexing="ij")
    field, share = spread(cells, (0.1 + 0.01 * down + 0.002 * across).astype(np.float32))
    assert (share == 1.0).all()
    y, x = np.mgrid[2:18, 2:18]  # between the outermost centres
    np.testing.assert_allclose(field[2:18, 2:18], 0.1 + 0.01 * y + 0.002 * x, rtol=1e-5)


def test_where_no_cell_has_a_value_no_pixel_has():
    cells = Cells.of(plain(), 5e3, 1.0)
    field, share = spread(cells, np.full((4, 4), np.nan, np.float32))
    assert np.isnan(field).all()
    assert (share == 0.0).all()


def test_a_single_cell_reaches_as_far_as_its_neighbours_centres():
    cells = Cells.of(plain(), 5e3, 1.0)
    values = np.full((4, 4), np.nan, np.float32)
    values[1, 2] = 0.7
    field, share = spread(cells, values)
    np.testing.assert_allclose(field[share > 0], 0.7, rtol=1e-6)
    assert share[7, 12] == 1.0
    assert set(np.flatnonzero((share > 0).any(axis=1))) == set(range(3, 12))
    assert set(np.flatnonzero((share > 0).any(axis=0))) == set(range(8, 17))


def test_spread_is_lazy_over_a_lazy_scene():
    values = draw(3).uniform(0.1, 0.5, (4, 4)).astype(np.float32)
    values[0, 1] = np.nan
    whole = spread(Cells.of(plain(), 5e3, 1.0), values)
    lazy = spread(Cells.of(plain().chunk(y=7, x=13), 5e3, 1.0), values)
    for one, other in zip(whole, lazy, strict=True):
        assert other.chunks == ((7, 7, 6), (13, 7))
        np.testing.assert_array_equal(other.compute(), one)


def test_cells_without_a_value_raise_no_warning():
    values = np.full((4, 4), np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scene in (plain(), plain().chunk(y=7, x=13)):
            assert np.isnan(np.asarray(spread(Cells.of(scene, 5e3, 1.0), values)[0])).all()
