"""Sources: years in words, the simulated Earth, folders of products, metric grids."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from applications.carbon.world import constant_fields
from pyproj import Geod, Transformer

from musyq_lab.applications import carbon
from musyq_lab.applications.carbon.inputs import CarbonData, load
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Product, Variable


@pytest.mark.parametrize(
    ("text", "years"),
    [("2013", (2013,)), ("2009-2012", (2009, 2010, 2011, 2012)), ("2015, 2013", (2013, 2015)), ((2014,), (2014,))],
)
def test_years_in_words(text, years):
    assert carbon.parse_years(text) == years


@pytest.mark.parametrize("text", ["", "13", "2013-2014-2015", "2015-2013", "2013,2013", "２０１３", "2013;2014"])
def test_what_names_no_years_is_refused(text):
    with pytest.raises(InputError, match="years="):
        carbon.parse_years(text)


def metric(rows=40, columns=30, size=200.0):
    to_plane = Transformer.from_crs("EPSG:4326", "EPSG:32647", always_xy=True)
    x0, y0 = to_plane.transform(100.37, 38.85)
    x, y = x0 + size * np.arange(columns), y0 - size * np.arange(rows)
    values = np.arange(rows * columns, dtype=float).reshape(rows, columns)
    from pyproj import CRS

    crs = ((), 0, {"crs_wkt": CRS("EPSG:32647").to_wkt()})
    field = xr.Dataset({"gpp": (("y", "x"), values)}, coords={"y": y, "x": x, "crs": crs})
    return field, to_plane


def test_metric_grids_keep_their_cells():
    field, to_plane = metric()
    made = carbon.geographic(field)["gpp"]
    assert made.dims == ("latitude", "longitude")
    assert made.shape == field["gpp"].shape
    assert (np.diff(made["latitude"]) < 0).all()
    for row, column in ((3, 4), (20, 15), (38, 27)):
        here = made[row, column]
        x, y = to_plane.transform(float(here["longitude"]), float(here["latitude"]))
        assert here.item() == field["gpp"].sel(x=x, y=y, method="nearest").item()
    area = 40 * 30 * 200.0**2
    lat, lon = made["latitude"].values, made["longitude"].values
    half = abs(lat[1] - lat[0]) / 2, abs(lon[1] - lon[0]) / 2
    ring = [lon[0] - half[1], lon[-1] + half[1]], [lat[-1] - half[0], lat[0] + half[0]]
    corners = [(ring[0][i], ring[1][j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
    measured = abs(Geod(ellps="WGS84").polygon_area_perimeter(*zip(*corners, strict=True))[0])
    assert measured == pytest.approx(area, rel=0.06)  # cells at the rim that the meridians cut off
    # Each class keeps its share of the area.
    classes = xr.where(field["gpp"] % 3 == 0, 1.0, 0.0)
    share = carbon.geographic(field.assign(gpp=classes))["gpp"].mean().item()
    assert share == pytest.approx(1 / 3, abs=0.02)


def test_degrees_stay_and_turn_north_up():
    field = xr.DataArray(
        [[1.0], [2.0]], dims=("latitude", "longitude"), coords={"latitude": [0.0, 1.0], "longitude": [5.0]}
    )
    made = carbon.geographic(xr.Dataset({"gpp": field}))
    assert made["gpp"].values.ravel().tolist() == [2.0, 1.0]
    assert carbon.geographic(made) is made
    with pytest.raises(InputError, match="crs_wkt"):
        carbon.geographic(xr.Dataset({"gpp": (("y", "x"), np.ones((2, 2)))}))
    with pytest.raises(InputError, match="at least 2 x 2"):
        carbon.geographic(metric(rows=1)[0])


# ---- folders of products ---------------------------------------------------------------------------------------------
def spec(key, **layers):
    variables = tuple(Variable(n, n, u, valid_range=(0.0, 1e6), dtype="float32") for n, u in layers.items())
    return Product(key=key, title=key, variables=variables, inputs=(), stage="test")


def write(root, key, label, **layers):
    axes = {"latitude": [39.0, 38.0], "longitude": [100.0, 101.0, 102.0]}
    of = spec(key, **{name: units for name, (_, units) in layers.items()})
    ds = xr.Dataset(
        {n: (("latitude", "longitude"), np.full((2, 3), v, np.float32), {"units": u}) for n, (v, u) in layers.items()},
        coords=axes,
    )
    ds[of.qa_name] = (("latitude", "longitude"), np.zeros((2, 3), np.uint16))
    return write_product(ds, root, spec=of, edition="1km", tile="test", period=label)


@pytest.fixture
def folder(tmp_path):
    for month in range(1, 13):
        label = f"2015-{month:02d}"
        write(tmp_path / "made", "gpp", label, gpp=(month / 2, "g m-2 d-1"))
        write(tmp_path / "made", "npp", label, npp=(month / 4, "g m-2 d-1"))
        weather = {"air_temperature": (288.15, "K"), "precipitation": (2.0, "mm d-1")}
        write(tmp_path / "ancillary", "sim_weather", label, **weather)
    write(tmp_path / "ancillary", "sim_cover", "static", land_cover=(4.0, "1"))
    return tmp_path


def test_a_folder_of_products_becomes_fields(folder):
    data = carbon.from_products(folder, (2015,))
    annual = carbon.annual_fluxes(carbon.monthly_fluxes(carbon.step_fluxes(data.fields)))
    days = pd.date_range("2015-01-01", periods=12, freq="MS").days_in_month.to_numpy()
    assert annual["gpp"].mean().item() == pytest.approx((np.arange(1, 13) / 2 * days).sum(), rel=1e-6)
    assert annual["npp"].mean().item() == pytest.approx(annual["gpp"].mean().item() / 2, rel=1e-6)
    assert carbon.is_whole(annual)
    assert annual["scenario"].size == 4
    assert not data.simulated
    assert len(data.files) == 37
    assert all(len(digest) == 64 for _, digest in data.files)
    assert data.whole.box == (99.5, 37.5, 102.5, 39.5)
    assert carbon.place_of(data.about).box == data.whole.box


def test_dates_that_all_products_have_are_kept(folder):
    write(folder / "made", "gpp", "2016-01", gpp=(9.0, "g m-2 d-1"))
    data = carbon.from_products(folder)
    assert data.fields.sizes["time"] == 12


def test_what_a_folder_lacks_is_told(folder, tmp_path):
    with pytest.raises(NotFoundError, match="2015, none of the years"):
        carbon.from_products(folder, (1999,))
    with pytest.raises(NotFoundError, match="no folder"):
        carbon.from_products(tmp_path / "absent")
    empty = tmp_path / "空"
    empty.mkdir()
    with pytest.raises(NotFoundError, match="holds no products"):
        carbon.from_products(empty)
    with pytest.raises(InputError, match="needs the folder"):
        load("products", "")
    with pytest.raises(InputError, match="none of simulated_globe"):
        load("globe", "2015")


def test_one_period_alone_has_the_length_of_its_label(tmp_path):
    write(tmp_path, "gpp", "2015181", gpp=(4.0, "g m-2 d-1"))
    write(tmp_path, "npp", "2015181", npp=(2.0, "g m-2 d-1"))
    data = carbon.from_products(tmp_path)
    assert data.fields["days"].values.tolist() == [5.0]
    annual = carbon.annual_fluxes(carbon.monthly_fluxes(carbon.step_fluxes(data.fields)))
    assert annual["gpp"].mean().item() == pytest.approx(20.0)
    assert annual["scenario"].values.tolist() == ["ratio"]


def test_data_show_themselves():
    fields = constant_fields(pd.date_range("2015-01-01", periods=12, freq="MS"), [1, 2])
    page = CarbonData(fields.isel(latitude=[0, 0]), "1km", "nobody")._repr_html_()
    assert "12 x 2 x 2" in page
    assert "downward_par" in page


@pytest.mark.slow
def test_the_simulated_earth_comes_with_its_truth():
    data = carbon.simulated("globe", (2013, 2014), resolution=9.0)
    assert data.simulated
    assert data.whole.key == "globe"
    assert data.about["box"] == "globe"
    assert data.fields["gpp" if "gpp" in data.fields else "lai"].sizes["time"] == 24
    assert data.truth["gpp"].shape == data.fields["lai"].shape
    sums = (data.truth["gpp"] * data.truth["days"]).groupby("time.year").sum("time", min_count=1)
    np.testing.assert_allclose(data.annual_truth["gpp"], sums, rtol=1e-4)


def test_years_are_given_in_words_or_as_one_number():
    assert carbon.years_of(None, None) is None
    assert carbon.years_of("2009-2011", None) == "2009-2011"
    assert carbon.parse_years(carbon.years_of("", 2013)) == (2013,)
    with pytest.raises(InputError, match="both given"):
        carbon.years_of("2009-2011", 2013)
