import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.analysis.area import cell_area
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.grid import GRIDS
from musyq_lab.standard.regrid import axis_weights, regrid, valid_share


def field(rows=36, columns=72, seed=0, west=-180.0):
    latitude = 90 - (np.arange(rows) + 0.5) * 180 / rows
    longitude = west + (np.arange(columns) + 0.5) * 360 / columns
    values = np.random.default_rng(seed).uniform(0, 1, (rows, columns))
    return xr.DataArray(
        values, coords={"latitude": latitude, "longitude": longitude}, dims=("latitude", "longitude"), name="x",
        attrs={"units": "W m-2"},
    )  # fmt: skip


def template(rows, columns, west=-180.0):
    return field(rows, columns, west=west)


def naive_mean(data, target):
    """Overlap every source cell with every target cell, one by one."""
    from musyq_lab.standard.cells import authalic_measure, edges

    (sb, st_), (sw, se) = edges(data.latitude, "latitude"), edges(data.longitude, "longitude")
    (tb, tt), (tw, te) = edges(target.latitude, "latitude"), edges(target.longitude, "longitude")
    out = np.full((tb.size, tw.size), np.nan)
    for j in range(tb.size):
        for i in range(tw.size):
            total = weight = 0.0
            for m in range(sb.size):
                low, high = max(sb[m], tb[j]), min(st_[m], tt[j])
                if high <= low:
                    continue
                for n in range(sw.size):
                    width = sum(
                        max(0.0, min(se[n] + s, te[i]) - max(sw[n] + s, tw[i])) for s in (-720, -360, 0, 360, 720)
                    )
                    w = width * float(authalic_measure(high) - authalic_measure(low))
                    value = float(data[m, n])
                    if w > 0 and np.isfinite(value):
                        total, weight = total + w * value, weight + w
            out[j, i] = total / weight if weight else np.nan
    return out


@pytest.mark.parametrize(("rows", "columns", "west"), [(7, 11, -180.0), (5, 8, -170.0), (9, 13, 0.0)])
def test_mean_equals_the_naive_loop(rows, columns, west):
    data = field(12, 18)
    data[3:5, 4:9] = np.nan
    target = template(rows, columns, west)
    np.testing.assert_allclose(regrid(data, target).values, naive_mean(data, target), rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 40), st.integers(3, 60), st.floats(-180, 180))
def test_mean_keeps_the_area_integral(rows, columns, west):
    data = field(18, 36)
    target = template(rows, columns, west)
    before = float((data * cell_area(data)).sum())
    after = float((regrid(data, target) * cell_area(target)).sum())
    assert after == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("method", ["mean", "bilinear", "nearest"])
def test_constant_field_stays_constant_everywhere(method):
    out = regrid(xr.full_like(field(), 3.5), "0p25deg", method)
    np.testing.assert_allclose(out.values, 3.5, rtol=1e-12)


def test_missing_cells_drop_out_and_their_share_is_told():
    data = field(4, 4)
    data[0, 0] = np.nan
    target = template(2, 2)
    share = valid_share(data, target)
    north = float(cell_area(data)[0, 0] / cell_area(target)[0, 0])
    assert float(share[0, 0]) == pytest.approx(1 - north, rel=1e-12)
    assert float(share[1, 1]) == pytest.approx(1.0)
    assert np.isfinite(regrid(data, target)[0, 0])
    assert np.isnan(regrid(data, target, min_valid=0.9)[0, 0])


def test_region_outside_the_data_is_missing():
    data = field().sel(latitude=slice(60, 30), longitude=slice(0, 60))
    out = regrid(data, template(18, 36))
    assert np.isnan(out.sel(latitude=-45, longitude=-95)).all()
    assert np.isfinite(out.sel(latitude=45, longitude=25))


def test_bilinear_is_exact_for_a_plane_in_latitude_and_crosses_the_antimeridian():
    data = field(36, 72)
    plane = xr.zeros_like(data) + data.latitude
    out = regrid(plane, "0p25deg", "bilinear")
    inner = out.sel(latitude=slice(87, -87))
    np.testing.assert_allclose(inner.values, (xr.zeros_like(inner) + inner.latitude).values, atol=1e-10)
    wave = xr.zeros_like(data) + np.cos(np.radians(data.longitude))
    near = regrid(wave, "0p25deg", "bilinear").sel(longitude=[-179.875, 179.875])
    # Between the centres 177.5 and -177.5 both neighbours are equal, so the value is theirs.
    np.testing.assert_allclose(near.values, np.cos(np.radians(177.5)), atol=1e-12)


def test_nearest_takes_the_cell_that_holds_the_point():
    data = field(18, 36)
    out = regrid(data, "0p25deg", "nearest")
    point = {"latitude": 12.375, "longitude": -101.125}
    assert float(out.sel(**point)) == float(data.sel(**point, method="nearest"))


def test_shares_of_classes_sum_to_one_and_weigh_by_area():
    data = field(36, 72)
    classes = (data * 3).astype(int).astype(float)
    target = template(6, 12)
    shares = regrid(classes, target, "fraction", classes=[0, 1, 2])
    np.testing.assert_allclose(shares.sum("class").values, 1.0, rtol=1e-12)
    area = float((shares.sel({"class": 1}) * cell_area(target)).sum())
    assert area == pytest.approx(float(((classes == 1) * cell_area(data)).sum()), rel=1e-12)


def test_further_dimensions_and_attributes_are_kept():
    data = field(12, 24).expand_dims(month=[1, 2, 3]) * xr.DataArray([1.0, 2.0, 3.0], dims="month")
    data = data.transpose("latitude", "month", "longitude").rename("ghi").assign_attrs(units="W m-2")
    out = regrid(data, template(6, 12))
    assert out.dims == ("month", "latitude", "longitude")
    assert out.name == "ghi"
    assert out.attrs["units"] == "W m-2"
    np.testing.assert_allclose(out.sel(month=3), 3 * out.sel(month=1))


def no_compute(*_args, **_kwargs):
    raise AssertionError("lazy data were computed")


@pytest.mark.parametrize("method", ["mean", "bilinear"])
def test_dask_stays_lazy_and_gives_the_same(method):
    data = field(90, 180)
    target = GRIDS["0p25deg"].window(-20, -30, 40, 30)
    with dask.config.set(scheduler=no_compute):
        lazy = regrid(data.chunk(latitude=17, longitude=50), target, method)
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), regrid(data, target, method))


def test_half_way_point_has_one_nearest_cell():
    weights = axis_weights([0.0, 1.0, 2.0], [0.5, 1.5], "latitude", "nearest")
    np.testing.assert_array_equal(np.asarray(weights.sum(axis=1)).ravel(), 1.0)


def test_bad_input_is_told_in_words():
    with pytest.raises(InputError, match="cubic"):
        regrid(field(), "0p25deg", "cubic")
    with pytest.raises(InputError, match="rename"):
        regrid(field().rename(latitude="lat"), "0p25deg")
    with pytest.raises(InputError, match="classes"):
        regrid(field(), "0p25deg", "fraction")
    with pytest.raises(NotFoundError, match="0p25deg"):
        regrid(field(), "0p25degree")


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_a_window_is_held_at_its_edges_and_not_wrapped(method):
    data = field(18, 36).sel(latitude=slice(40, 0), longitude=slice(100, 140))
    out = regrid(data, template(180, 360), method).sel(latitude=25.5, longitude=[99.5, 150.5])
    row = data.sel(latitude=25, method="nearest") if method == "nearest" else data.interp(latitude=25.5)
    np.testing.assert_allclose(out.values, row.values[[0, -1]], rtol=1e-12)
