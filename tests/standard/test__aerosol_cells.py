"""How a plane is parted into cells, sampled, averaged and interpolated."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.standard import atmosphere
from musyq_lab.standard._aerosol_cells import SAMPLES, Axis, Cells, by_cell, nodes, spread_block


def scene(rows=40, columns=60, step=1000.0, **attrs):
    coords = {"band": ["red"], "y": -step * np.arange(rows), "x": step * np.arange(columns)}
    light = np.zeros((1, rows, columns), np.float32)
    angle = (("y", "x"), np.full((rows, columns), 30.0, np.float32))
    variables = {"reflectance": (("band", "y", "x"), light), "sun_zenith": angle}
    return xr.Dataset(variables, coords, {"sensor": "modis", **attrs})


@pytest.mark.parametrize("size", [1, 7, 10, 97, 1000, 7001])
@pytest.mark.parametrize("wanted", [1.0, 10.0, 166.7, 1e5])
def test_cells_cover_all_pixels_evenly(size, wanted):
    axis = Axis.parted(size, wanted)
    assert axis.index.shape == (axis.count, axis.samples)
    assert 0 <= axis.index.min() <= axis.index.max() < size
    assert (np.diff(axis.index.ravel()) > 0).all()
    assert axis.samples <= SAMPLES
    assert axis.centre.mean() == pytest.approx((size - 1) / 2, abs=0.51)
    if size >= wanted:
        assert size / axis.count == pytest.approx(wanted, rel=0.51)


def test_small_cells_are_seen_whole():
    axis = Axis.parted(40, 10.0)
    np.testing.assert_array_equal(axis.index.ravel(), np.arange(40))


def test_place_of_pixels_between_centres():
    axis = Axis.parted(40, 10.0)
    place = axis.place()
    np.testing.assert_allclose(np.interp(axis.centre, np.arange(40), place), np.arange(4), atol=0.03)
    assert place[0] == 0.0
    assert place[-1] == 3.0
    assert (np.diff(place) >= 0).all()


def test_the_default_is_the_least_edge_or_ten_pixels():
    assert Cells.of(scene(step=1000.0), None, 5000.0).rows.count == 4
    assert Cells.of(scene(step=500.0), None, 5000.0).rows.count == 4
    assert Cells.of(scene(step=100.0), None, 2000.0).columns.count == 3
    assert Cells.of(scene(step=1000.0), 20000.0, 5000.0).columns.count == 3


@pytest.mark.parametrize("cell", [10.0, 0.0, -5.0, float("nan")])
def test_cells_below_a_pixel_are_refused(cell):
    with pytest.raises(InputError, match="1000 m"):
        Cells.of(scene(), cell, 5000.0)


def test_spacing_without_a_map_is_the_nominal_one():
    swath = scene().drop_vars(["y", "x"])
    assert Cells.of(swath, None, 5000.0).rows.count == 4  # MODIS: 1 km


def test_spacing_in_degrees():
    lonlat = scene(step=0.01).rename(y="latitude", x="longitude")
    assert Cells.of(lonlat, 11_132.0, 5000.0).rows.count == 4


def test_means_of_cells_know_gaps():
    cells = Cells.of(scene(), 10_000.0, 5000.0)
    values = np.arange(2400.0).reshape(40, 60)
    values[0, :5] = np.nan
    values[10:20, 10:20] = np.nan
    found = cells.means("field", xr.DataArray(values, dims=("y", "x")))
    for row, column in np.ndindex(4, 6):
        part = values[10 * row : 10 * row + 10, 10 * column : 10 * column + 10]
        known = part[np.isfinite(part)]
        expected = known.mean() if known.size else np.nan
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-6)
    assert np.isnan(found[1, 1])


def test_a_field_along_one_dimension_is_spread():
    cells = Cells.of(scene(), 10_000.0, 5000.0)
    found = cells.means("field", xr.DataArray(np.arange(40.0), dims="y"))
    np.testing.assert_allclose(found, np.array([4.5, 14.5, 24.5, 34.5])[:, None] * np.ones(6))


@pytest.mark.parametrize("value", [[1.0, 2.0], "much"])
def test_fields_must_be_numbers_or_labelled(value):
    with pytest.raises(InputError, match="a number or a DataArray"):
        Cells.of(scene(), None, 5000.0).means("field", value)


def test_by_cell_keeps_every_sample():
    samples = np.arange(2 * 6 * 8).reshape(2, 6, 8)
    found = by_cell(samples, 3, 2)
    assert found.shape == (2, 2, 4, 6)
    np.testing.assert_array_equal(found[1, 1, 3], samples[1, 3:, 6:].ravel())


def test_interpolation_is_exact_for_planes():
    rows, columns = np.arange(0, 3.01, 0.25)[:, None], np.arange(0, 2.01, 0.5)[None, :]
    values = 2.0 * np.arange(4)[:, None] - 3.0 * np.arange(3)
    np.testing.assert_allclose(spread_block(rows, columns, values), 2.0 * rows - 3.0 * columns, atol=1e-6)


def test_interpolation_fills_gaps_with_the_mean():
    values = np.array([[1.0, np.nan], [3.0, 5.0]])
    found = spread_block(np.array([[0.0], [1.0]]), np.array([[0.0, 1.0]]), values)
    np.testing.assert_allclose(found, [[1.0, 3.0], [3.0, 5.0]])


def test_one_cell_is_level():
    found = spread_block(np.zeros((4, 1)), np.zeros((1, 3)), np.array([[7.0]]))
    np.testing.assert_array_equal(found, np.full((4, 3), 7.0))


def test_lazy_cells_are_those_of_arrays():
    given, values = scene(), np.random.default_rng(0).normal(size=(40, 60))
    field = xr.DataArray(values, dims=("y", "x"))
    whole, lazy = (Cells.of(s, 10_000.0, 5000.0) for s in (given, given.chunk({"y": 9, "x": 13})))
    means = lazy.means("field", field.chunk({"y": 9, "x": 13}))
    assert isinstance(means, da.Array)
    np.testing.assert_array_equal(means.compute(), whole.means("field", field))
    spread = lazy.spread(means)
    assert spread.chunks == given.chunk({"y": 9, "x": 13})["reflectance"].data.chunks[1:]
    np.testing.assert_array_equal(spread.compute(), whole.spread(whole.means("field", field)))


def test_geometry_without_a_view_looks_straight_down():
    sun, view, azimuth = Cells.of(scene(), None, 5000.0).geometry()
    np.testing.assert_array_equal(sun, np.float32(30.0))
    assert not view.any()
    assert not azimuth.any()


def test_place_of_cells():
    cells = Cells.of(scene().drop_vars(["y", "x"]), None, 5000.0)
    latitude, longitude = np.meshgrid(40 - 0.01 * np.arange(40), 115 + 0.01 * np.arange(60), indexing="ij")
    placed = cells.scene.assign_coords(latitude=(("y", "x"), latitude), longitude=(("y", "x"), longitude))
    found = Cells.of(placed, None, 5000.0).place()
    assert found["latitude"].dims == ("row", "column")
    np.testing.assert_allclose(found["latitude"][:, 0], 40 - 0.01 * np.round(cells.rows.centre))
    np.testing.assert_allclose(found["longitude"][0], 115 + 0.01 * np.round(cells.columns.centre))
    with pytest.raises(InputError, match="no place"):
        cells.place()


def test_place_of_a_map():
    """The middle of UTM zone 50 lies at 117 deg east; a degree of latitude is 111 km."""
    from pyproj import CRS

    crs = xr.DataArray(0, attrs=CRS.from_epsg(32650).to_cf())
    mapped = scene().assign_coords(spatial_ref=crs, y=4_430_000.0 - 1000.0 * np.arange(40))
    mapped = mapped.assign_coords(x=470_500.0 + 1000.0 * np.arange(60))
    found = Cells.of(mapped, None, 5000.0).place()
    assert float(found["longitude"].mean()) == pytest.approx(117.0, abs=0.02)
    assert float(found["latitude"][0, 0] - found["latitude"][-1, 0]) == pytest.approx(30 / 111, rel=0.01)


def test_nodes_are_the_tables_at_each_amount():
    sky = np.array([30.0, 10.0, 50.0, 20.0, 300.0, 950.0])[:, None, None] * np.ones((1, 2, 3))
    depths = np.array([0.1, 0.4])
    found = nodes([("modis", "1", "")], sky, aod=depths)
    expected = atmosphere.coefficients(
        "modis",
        "red",
        sun_zenith=30.0,
        view_zenith=10.0,
        relative_azimuth=50.0,
        aod=depths,
        water_vapour=20.0,
        ozone=300.0,
        pressure=950.0,
    )
    for part, one in zip(found, expected, strict=False):
        assert part.shape == (2, 3, 2, 1)
        np.testing.assert_allclose(part[1, 2, :, 0], one, rtol=2e-3)
