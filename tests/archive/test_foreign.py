import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from archive.samples import NAME, SPEC, dataset

from musyq_lab.archive.foreign import open_field
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

LATITUDE = np.array([20.0, 10.0, 0.0, -10.0])
LONGITUDE = np.array([-135.0, -45.0, 45.0, 135.0, 175.0])
VALUES = np.arange(20.0).reshape(4, 5) + 100
FIELD = xr.DataArray(
    VALUES, {"latitude": LATITUDE, "longitude": LONGITUDE}, ["latitude", "longitude"], "dsr", {"units": "W m-2"}
)


def check(found, expected=FIELD):
    assert found.dims == expected.dims
    np.testing.assert_allclose(found.latitude, expected.latitude)
    np.testing.assert_allclose(found.longitude, expected.longitude)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-6)
    assert found.attrs["units"] == "W m-2"
    assert found.latitude.attrs["units"] == "degrees_north"


def tiff(path, values, crs="EPSG:4326", x0=-180.0, nodata=None, step=1.0):
    rasterio = pytest.importorskip("rasterio")
    values = np.atleast_3d(values) if values.ndim == 2 else np.moveaxis(values, 0, -1)
    height, width, count = values.shape
    transform = rasterio.transform.from_origin(x0, 60.0, step, step)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=count,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as file:
        file.write(np.moveaxis(values, -1, 0))
    return path


@pytest.mark.parametrize(
    ("engine", "format"), [("h5netcdf", None), ("scipy", "NETCDF3_CLASSIC"), ("scipy", "NETCDF3_64BIT")]
)
@pytest.mark.parametrize(
    "change",
    [
        lambda f: f,
        lambda f: f.sortby("latitude"),
        lambda f: f.transpose(),
        lambda f: f.rename(latitude="lat", longitude="lon"),
        lambda f: f.assign_coords(longitude=f.longitude % 360).sortby("longitude"),
        lambda f: f.sortby("longitude", ascending=False),
        lambda f: f.expand_dims(level=[850.0]),
        lambda f: f.roll(longitude=2, roll_coords=True),
    ],
    ids=["plain", "south first", "transposed", "lat lon", "0 to 360", "east first", "one level", "across 180"],
)
def test_netcdf_in_every_orientation(tmp_path, change, engine, format):
    change(FIELD).to_netcdf(tmp_path / "x.nc", engine=engine, format=format)
    with dask.config.set(scheduler=lambda *_, **__: 1 / 0):
        found = open_field(tmp_path / "x.nc")
    check(found)
    assert found.name == "dsr"


def test_both_0_and_360_are_one_meridian(tmp_path):
    longitude = np.arange(0, 361, 90.0)
    field = FIELD.assign_coords(longitude=longitude)
    field.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    found = open_field(tmp_path / "x.nc")
    np.testing.assert_array_equal(found.longitude, [-180, -90, 0, 90])
    np.testing.assert_array_equal(found.sel(longitude=0), field.sel(longitude=0))


def test_a_global_grid_keeps_every_cell_in_place(tmp_path):
    longitude = np.arange(0.5, 360)
    field = xr.DataArray(
        np.tile(longitude, (2, 1)), {"lat": [1.0, -1.0], "lon": longitude}, ["lat", "lon"], "x", {"units": "1"}
    )
    field.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    found = open_field(tmp_path / "x.nc")
    np.testing.assert_array_equal(found[0] - found.longitude, np.where(found.longitude < 0, 360, 0))
    assert bool((np.diff(found.longitude) == 1).all())


@pytest.mark.parametrize(
    "name", ["_FillValue", "missing_value", "FillValue", "Fill", "_fillvalue", "fill_value", "NoData"]
)
@pytest.mark.parametrize("scales", [True, False])
def test_no_fill_name_leaves_the_fill_as_data(tmp_path, name, scales):
    """32767 x 0.01 = 327.67 is what xarray gives as data for the names that CF does not know."""
    raw = np.array([[100, 32767], [32767, 200]], np.int16)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["lat"], file["lon"] = [1.0, 0.0], [5.0, 6.0]
        file["v"] = raw
        file["v"].attrs.update({name: np.int16(32767), "scale_factor": 0.01, "Units": "K"})
        if scales:
            for index, axis in enumerate(("lat", "lon")):
                file[axis].make_scale(axis)
                file["v"].dims[index].attach_scale(file[axis])
    found = open_field(tmp_path / "x.h5")
    np.testing.assert_allclose(found, [[1.0, np.nan], [np.nan, 2.0]], rtol=1e-6)
    assert found.attrs["units"] == "K"


def test_the_valid_range_in_stored_numbers_is_applied(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["lat"], file["lon"], file["v"] = [1.0], [5.0, 6.0, 7.0], np.array([[-5, 50, 500]], np.int16)
        file["v"].attrs.update({"valid_range": np.array([0, 100], np.int16), "scale_factor": 0.1})
    np.testing.assert_allclose(open_field(tmp_path / "x.h5"), [[np.nan, 5.0, np.nan]], rtol=1e-6)


def test_class_numbers_stay_whole(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["lat"], file["lon"], file["cover"] = [1.0], [5.0, 6.0], np.array([[3, 16]], np.uint8)
    found = open_field(tmp_path / "x.h5")
    assert found.dtype == np.uint8
    assert "units" not in found.attrs
    assert open_field(tmp_path / "x.h5", units="1").attrs["units"] == "1"


def test_a_square_grid_without_scales_has_rows_first(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        group = file.create_group("GRID/Data")
        group["v"] = np.array([[1.0, 2.0], [3.0, 4.0]])
        file["GRID/Latitude"], file["GRID/Longitude"] = [0.0, 1.0], [5.0, 6.0]
        file["Latitude"], file["Longitude"] = [0.0, 1.0], [5.0, 6.0]
    found = open_field(tmp_path / "x.h5")
    assert found.name == "v"
    assert float(found.sel(latitude=0, longitude=6)) == 2.0
    assert float(found.sel(latitude=1, longitude=5)) == 3.0
    assert open_field(tmp_path / "x.h5", "GRID/Data/v").equals(found)


def test_twelve_layers_are_months(tmp_path):
    values = np.arange(12.0 * 6).reshape(12, 2, 3)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["lat"], file["lon"], file["v"] = [1.0, 0.0], [5.0, 6.0, 7.0], values
        file["w"] = values[:5]
    found = open_field(tmp_path / "x.h5", "v")
    assert found.dims == ("month", "latitude", "longitude")
    assert found.month.values.tolist() == list(range(1, 13))
    np.testing.assert_array_equal(found, values)
    with pytest.raises(InputError, match=r"5 layers.*months or times"):
        open_field(tmp_path / "x.h5", "w")


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_times_are_decoded(tmp_path, engine):
    time = np.array(["2015-01-01", "2015-02-01"], "datetime64[ns]")
    FIELD.expand_dims(time=time).to_netcdf(tmp_path / "x.nc", engine=engine)
    found = open_field(tmp_path / "x.nc")
    assert found.dims[0] == "time"
    np.testing.assert_array_equal(found.time.values, time)


def test_our_own_products_open_too(tmp_path):
    ds = dataset()
    path = write_product(ds, tmp_path, spec=SPEC, **NAME)
    with pytest.raises(InputError, match=r"several variables: demo_qa, flux, flux_uncertainty. Name one by variable="):
        open_field(path)
    found = open_field(path, "flux")
    assert found.dims == ("month", "latitude", "longitude")
    assert float(abs(found - ds.flux).max()) <= 0.0101
    np.testing.assert_array_equal(np.isnan(found), np.isnan(ds.flux))


def test_units_of_the_file_and_of_the_user(tmp_path):
    FIELD.to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    assert open_field(tmp_path / "x.nc", units="W/m2").attrs["units"] == "W/m2"
    with pytest.raises(InputError, match=r"says it is in 'W m-2'; you gave units='MJ m-2'"):
        open_field(tmp_path / "x.nc", units="MJ m-2")
    FIELD.drop_attrs().to_netcdf(tmp_path / "y.nc", engine="h5netcdf")
    assert "units" not in open_field(tmp_path / "y.nc").attrs


def test_geotiff(tmp_path):
    values = np.arange(20, dtype=np.int16).reshape(4, 5)
    values[0, 0] = -1
    found = open_field(tiff(tmp_path / "x.tif", values, x0=170.0, step=2.0, nodata=-1), units="1")
    np.testing.assert_allclose(found.latitude, [59, 57, 55, 53])
    np.testing.assert_allclose(found.longitude, [171, 173, 175, 177, 179])
    assert float(found.sel(latitude=59, longitude=173)) == 1.0
    assert np.isnan(found.sel(latitude=59, longitude=171))
    assert found.attrs == {"units": "1"}


def test_geotiff_bands(tmp_path):
    many = np.arange(3 * 6, dtype=np.float32).reshape(3, 2, 3)
    path = tiff(tmp_path / "x.tif", many)
    with pytest.raises(InputError, match=r"holds 3 bands"):
        open_field(path)
    np.testing.assert_array_equal(open_field(path, "2"), many[1])
    with pytest.raises(NotFoundError, match=r"bands 1 to 3"):
        open_field(path, "4")
    months = open_field(tiff(tmp_path / "y.tif", np.zeros((12, 2, 3), np.float32)))
    assert months.dims == ("month", "latitude", "longitude")


@pytest.mark.parametrize(
    ("crs", "message"), [("EPSG:32650", "is projected.*gdalwarp"), (None, "no coordinate reference")]
)
def test_geotiff_elsewhere_is_refused(tmp_path, crs, message):
    with pytest.raises(InputError, match=message):
        open_field(tiff(tmp_path / "x.tif", np.zeros((2, 2), np.float32), crs))


def netcdf(name, dims, coords, shape=(2, 3)):
    return xr.Dataset({name: (dims, np.zeros(shape), {"units": "1"})}, coords)


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
@pytest.mark.parametrize(
    ("ds", "message"),
    [
        (netcdf("v", ("y", "x"), {"y": [1e6, 0.0], "x": [0.0, 1e3, 2e3]}), "latitude and longitude"),
        (netcdf("v", ("lat", "lon"), {"lat": [1e6, 0.0], "lon": [0.0, 1e3, 2e3]}), "not degrees on the globe"),
        (
            netcdf("v", ("y", "x"), {"lat": (("y", "x"), np.zeros((2, 3))), "lon": (("y", "x"), np.ones((2, 3)))}),
            "2-D|1-D latitude|several variables",
        ),
        (netcdf("v", ("lat", "lon"), {"lat": [1.0, 1.0], "lon": [0.0, 1.0, 2.0]}), "not in order"),
        (
            netcdf("v", ("a", "b", "lat", "lon"), {"lat": [1.0], "lon": [0.0]}, (2, 3, 1, 1)),
            "at most one of month or time",
        ),
    ],
    ids=["projected", "metres", "swath", "repeated", "4-D"],
)
def test_grids_that_cannot_be_understood_are_refused(tmp_path, ds, message, engine):
    ds.to_netcdf(tmp_path / "x.nc", engine=engine)
    with pytest.raises(InputError, match=message):
        open_field(tmp_path / "x.nc", None if "lat" in ds.dims or engine == "scipy" else "v")


def test_variables_by_name(tmp_path):
    xr.Dataset({"dsr": FIELD, "par": FIELD}).to_netcdf(tmp_path / "x.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"several variables: dsr, par"):
        open_field(tmp_path / "x.nc")
    with pytest.raises(NotFoundError, match=r"no variable 'dsn'.*Did you mean 'dsr'"):
        open_field(tmp_path / "x.nc", "dsn")


def test_what_is_no_raster(tmp_path):
    with pytest.raises(NotFoundError, match=r"There is no file"):
        open_field(tmp_path / "absent.nc")
    for name, content, message in (
        ("a.nc", b"", r"empty \(0 bytes\)"),
        ("b.nc", b"plain text, no raster", "not a raster"),
        ("c.tif", b"II*\x00 and then nothing of use", r"c.tif is damaged"),
        ("d.nc", b"CDF\x01 and then nothing of use", r"d.nc is damaged"),
        ("e.h5", b"\x89HDF\r\n\x1a\n and then nothing of use", "damaged HDF5"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArchiveError, match=message):
            open_field(tmp_path / name)
    with pytest.raises(ArchiveError, match=r"cannot be read"):
        open_field(tmp_path)


@pytest.mark.parametrize("kind", ["nc", "tif", "nc3"])
def test_cut_off_files_never_give_numbers(tmp_path, kind):
    big = np.random.default_rng(1).random((200, 300)).astype(np.float32)
    path = tmp_path / f"x.{kind}"
    if kind == "tif":
        tiff(path, big, x0=0.0, step=0.1)
    else:
        field = xr.DataArray(big, {"lat": np.linspace(50, 1, 200), "lon": np.linspace(0, 90, 300)}, ["lat", "lon"], "v")
        field.to_netcdf(path, engine="h5netcdf" if kind == "nc" else "scipy")
    path.write_bytes(path.read_bytes()[:-100_000])
    with pytest.raises(ArchiveError, match=r"cut off|damaged"):
        open_field(path)


def test_an_empty_file_of_the_right_kind(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["lat"] = [1.0]
    with pytest.raises(ArchiveError, match=r"no variable with two or more dimensions"):
        open_field(tmp_path / "x.h5")
