"""Round trips: every format, read by a library that is not ours, gives the values, places and quality back."""

import csv
import json

import h5py
import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr
import zarr
from archive.samples import SPEC, dataset
from production.download.conftest import globe, utm
from pyproj import Transformer

from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import InputError
from musyq_lab.production.download.download import download

BOX = "98,44,103,48"
RING = shapely.Point(100, 46.5).buffer(2.3).difference(shapely.Point(100, 46.5).buffer(0.8))


def reference(cube, box=True):
    """July in the box (or ring) by xarray and shapely alone."""
    part = cube.sel(time="2015-07").load()
    part = part.sel(latitude=slice(48, 44), longitude=slice(98, 103)) if box else part
    lon, lat = np.meshgrid(part["longitude"], part["latitude"])
    inside = np.array([RING.intersects(shapely.Point(p)) for p in zip(lon.flat, lat.flat, strict=True)]).reshape(
        lon.shape
    )
    return part, np.ones_like(inside) if box else inside


@pytest.fixture(params=["box", "ring"])
def case(request, cube, tmp_path):
    box = request.param == "box"
    expected, inside = reference(cube, box)

    def get(form, **options):
        region = BOX if box else RING
        return download(cube, region, "2015-07", spec=SPEC, format=form, out=tmp_path / "out", **options)

    return get, expected, inside


def same(values, expected, inside, places):
    """The values at the places of the selection are those of the source there, float32 to the last bit."""
    for name in ("flux", "flux_uncertainty"):
        wanted = expected[name].where(xr.DataArray(inside, dims=("latitude", "longitude")))
        wanted = wanted.sel(latitude=places[0], longitude=places[1])
        np.testing.assert_array_equal(np.asarray(values[name], np.float32), wanted.values.astype(np.float32))
    wanted = expected["demo_qa"].where(xr.DataArray(inside, dims=("latitude", "longitude")), 1)
    np.testing.assert_array_equal(values["demo_qa"], wanted.sel(latitude=places[0], longitude=places[1]))


def test_netcdf_as_netcdf4_reads_it(case):
    get, expected, inside = case
    with netCDF4.Dataset(get("NetCDF").path) as file:
        assert file.data_model == "NETCDF4"
        values = {name: np.ma.filled(file[name][...].astype(float), np.nan) for name in ("flux", "flux_uncertainty")}
        values["demo_qa"] = file["demo_qa"][...]
        places = file["latitude"][...].data, file["longitude"][...].data
        same(values, expected, inside, places)
        assert file["flux"].dtype == np.int16  # packed as the product is
        assert file["flux"].filters()["zlib"]
        assert file["flux"].units == "W m-2"
        assert "flux_uncertainty" in file["flux"].ancillary_variables
        assert file[file["flux"].grid_mapping].grid_mapping_name == "latitude_longitude"
        times = netCDF4.num2date(
            file["time"][:], file["time"].units, file["time"].calendar, only_use_cftime_datetimes=False
        )
        np.testing.assert_array_equal(np.array(list(times), "datetime64[ns]"), expected["time"].values)
        assert file["period"][:].tolist() == ["2015186", "2015191"]
        assert file.Conventions.startswith("CF-1.11")
        assert "download(" in file.history
    if inside.all():
        assert places[0].size == expected.sizes["latitude"]


def test_netcdf_as_xarray_and_h5py_read_it(case):
    get, expected, inside = case
    path = get("NetCDF").path
    with xr.open_dataset(path, decode_coords="all") as ds:
        same(ds, expected, inside, (ds["latitude"].values, ds["longitude"].values))
        assert set(ds.coords) >= {"time", "period", "latitude", "longitude", "crs"}
    with h5py.File(path) as file:
        stored, fill = file["flux"][...], np.ravel(file["flux"].attrs["_FillValue"])[0]
        assert np.all((stored == fill) == np.isnan(_decoded(file)))


def _decoded(file):
    stored = file["flux"][...].astype(float)
    stored[stored == np.ravel(file["flux"].attrs["_FillValue"])[0]] = np.nan
    return stored * file["flux"].attrs["scale_factor"]


def test_hdf5_as_h5py_and_our_archive_read_it(case):
    get, expected, inside = case
    made = get("HDF5")
    assert [p.name.split(".")[4] for p in made.files if p.suffix == ".h5"] == ["2015186", "2015191"]
    again = open_product(made.path, verify=True)
    same(again, expected, inside, (again["latitude"].values, again["longitude"].values))
    assert not list(made.path.glob("*.run.json"))  # names of hosts do not travel
    with h5py.File(made.files[0]) as file:
        np.testing.assert_array_equal(np.float32(_decoded(file)), again["flux"].values[0])
        assert file.attrs["tile"].decode() != "global"
        assert file.attrs["geospatial_lat_max"] == float(again["latitude"].max()) + 0.125 < 50


def test_cog_as_rasterio_reads_it(case):
    get, expected, inside = case
    made = get("COG")
    assert len(made.files) == 6
    values = {name: [] for name in ("flux", "flux_uncertainty", "demo_qa")}
    for path in made.files:
        name, label = path.stem.split(".")[-2:]
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == 4326
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert file.tags()["title"] == "A title of its own"
            assert file.units[0] == ("1" if name == "demo_qa" else "W m-2")
            data = file.read(1, masked=True)
            decoded = np.ma.filled(data.astype(float), np.nan) * file.scales[0] + file.offsets[0]
            values[name].append((label, decoded if name != "demo_qa" else data.data))
            xs, _ = rasterio.transform.xy(file.transform, [0] * file.width, range(file.width))
            _, ys = rasterio.transform.xy(file.transform, range(file.height), [0] * file.height)
    stacked = {name: np.stack([data for _, data in sorted(items)]) for name, items in values.items()}
    same(stacked, expected, inside, (np.round(ys, 9), np.round(xs, 9)))


def test_zarr_as_zarr_and_xarray_read_it(case):
    get, expected, inside = case
    made = get("Zarr")
    group = zarr.open_group(str(made.path), mode="r")
    assert group.metadata.zarr_format == 3
    stored, attrs = group["flux"][...].astype(float), dict(group["flux"].attrs)
    stored[group["flux"][...] == group["flux"].fill_value] = np.nan
    values = {"flux": stored * attrs["scale_factor"], "demo_qa": group["demo_qa"][...]}
    with xr.open_zarr(made.path, chunks=None) as ds:
        values["flux_uncertainty"] = ds["flux_uncertainty"].values
        same(ds, expected, inside, (ds["latitude"].values, ds["longitude"].values))
        same(values, expected, inside, (ds["latitude"].values, ds["longitude"].values))
        np.testing.assert_array_equal(ds["time"], expected["time"])
        assert ds["period"].values.tolist() == ["2015186", "2015191"]


def test_csv_as_pandas_reads_it(case):
    get, expected, inside = case
    made = get("CSV")
    table = pd.read_csv(made.path, keep_default_na=False, dtype=str)
    assert len(table) == 2 * np.count_nonzero(inside)
    assert list(table.columns)[:4] == ["time", "period", "longitude", "latitude"]
    for row in table.iloc[::9].to_dict("records"):
        cell = expected.sel(time=row["time"], latitude=float(row["latitude"]), longitude=float(row["longitude"]))
        for name in ("flux", "flux_uncertainty"):
            value = cell[name].values
            assert (row[name] == "") == np.isnan(value)
            if row[name]:
                assert np.float32(row[name]) == value
        assert int(row["demo_qa"]) == int(cell["demo_qa"])
        words = {0: "", 1: "input_missing", 256: "own_bit"}
        assert row["demo_qa_words"] == words[int(cell["demo_qa"])]
        outline = shapely.from_wkt(row["geometry"])
        assert outline.bounds == (
            float(row["longitude"]) - 0.125,
            float(row["latitude"]) - 0.125,
            float(row["longitude"]) + 0.125,
            float(row["latitude"]) + 0.125,
        )
        assert shapely.is_ccw(outline.exterior)


def test_the_description_of_a_table_names_its_columns_and_units(cube, tmp_path):
    made = download(cube, BOX, "2015-07", spec=SPEC, format="CSV", out=tmp_path)
    about = json.loads(next(p for p in made.files if p.suffix == ".json").read_text(encoding="utf-8"))
    with made.path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    assert [column["name"] for column in about["tableSchema"]["columns"]] == header
    units = {column["name"]: column.get("schema:unitText") for column in about["tableSchema"]["columns"]}
    assert (units["flux"], units["longitude"]) == ("W m-2", "degrees_east")
    assert about["url"] == made.path.name
    bare = download(cube, BOX, "2015-07", spec=SPEC, format="CSV", out=tmp_path / "bare", geometry=False)
    assert "geometry" not in bare.path.read_text(encoding="utf-8").splitlines()[0]


# --- maps of other kinds -------------------------------------------------------------------------------------------

FORMS = ("NetCDF", "COG", "Zarr", "CSV")


def read(made, form, name="value"):
    """Values with x and y (or longitude and latitude) of a download, by an independent reader, finite ones only."""
    if form == "CSV":
        table = pd.read_csv(made.path)
        pair = ("x", "y") if "x" in table else ("longitude", "latitude")
        return {
            (round(r[pair[0]], 6), round(r[pair[1]], 6)): r[name]
            for r in table.to_dict("records")
            if r[name] == r[name]
        }
    if form == "COG":
        path = next(p for p in made.files if f".{name}." in p.name)
        with rasterio.open(path) as file:
            data = file.read(1, masked=True).astype(float).filled(np.nan) * file.scales[0] + file.offsets[0]
            places = [file.xy(r, c) for r in range(file.height) for c in range(file.width)]
        return {(round(x, 6), round(y, 6)): v for (x, y), v in zip(places, data.flat, strict=True) if np.isfinite(v)}
    with xr.open_zarr(made.path, chunks=None) if form == "Zarr" else xr.open_dataset(made.path) as ds:
        rows, columns = ds[name].dims[-2:]
        y, x = np.meshgrid(ds[rows], ds[columns], indexing="ij")
        flat = zip(x.flat, y.flat, ds[name].values.flat, strict=True)
        return {(round(float(a), 6), round(float(b), 6)): float(v) for a, b, v in flat if np.isfinite(v)}


@pytest.mark.parametrize("form", FORMS)
def test_a_projected_map_keeps_values_places_and_reference_system(tmp_path, form):
    ds = utm()
    box = (116.8, 40.03, 116.9, 40.08)
    made = download(ds, box, format=form, out=tmp_path)
    to = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True).transform
    x, y = np.meshgrid(ds["x"].values, ds["y"].values)
    lon, lat = to(x, y)
    hits = (lon >= box[0]) & (lon <= box[2]) & (lat >= box[1]) & (lat <= box[3])
    expected = dict(zip(zip(x[hits], y[hits], strict=True), ds["value"].values[hits].tolist(), strict=True))
    found = read(made, form)
    assert found.keys() == expected.keys()
    assert all(np.float32(found[key]) == np.float32(expected[key]) for key in expected)
    if form == "CSV":
        row = pd.read_csv(made.path).iloc[0]
        assert row["crs"] == "EPSG:32650"
        assert (row["longitude"], row["latitude"]) == pytest.approx(to(row["x"], row["y"]), abs=2e-8)
        corners = np.array(shapely.from_wkt(row["geometry"]).exterior.coords)
        wanted = [
            to(row["x"] + dx, row["y"] + dy)
            for dx, dy in ((-150, -150), (150, -150), (150, 150), (-150, 150), (-150, -150))
        ]
        np.testing.assert_allclose(corners, wanted, atol=2e-8)
    if form == "COG":
        with rasterio.open(made.files[0]) as file:
            assert file.crs.to_epsg() == 32650
            assert file.res == (300, 300)
    if form in ("NetCDF", "Zarr"):
        opened = xr.open_zarr(made.path, chunks=None) if form == "Zarr" else xr.open_dataset(made.path)
        with opened:
            assert opened["crs"].attrs["grid_mapping_name"] == "transverse_mercator"
            assert opened["quality"].dtype == np.uint16


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shift", [0, 180], ids=["-180 to 180", "0 to 360"])
def test_a_box_across_the_antimeridian(tmp_path, form, shift):
    ds = globe()
    if shift:
        ds = ds.roll(longitude=-90, roll_coords=True).assign_coords(longitude=ds["longitude"].roll(longitude=-90) % 360)
    found = read(download(ds, "174,-6,-174,6", format=form, out=tmp_path), form)
    expected = {}
    for r, lat in enumerate(ds["latitude"].values):
        for c, lon in enumerate(ds["longitude"].values):
            if -6 <= lat <= 6 and (lon - 174) % 360 <= 12:
                expected[((lon + 360) % 360, lat)] = float(ds["value"].values[r, c])
    assert len(expected) == 36
    assert {((lon + 360) % 360, lat): value for (lon, lat), value in found.items()} == expected
    if form == "CSV":  # outlines stay beside the longitudes they are told with
        table = pd.read_csv(next(tmp_path.glob("*.csv")))
        assert table["longitude"].between(-180, 180).all()
        for row in table.to_dict("records"):
            assert shapely.from_wkt(row["geometry"]).contains(shapely.Point(row["longitude"], row["latitude"]))


@pytest.mark.parametrize("form", [*FORMS, "HDF5"])
def test_one_cell(cube, tmp_path, form):
    made = download(cube, "100.3,46.3", "2015181", spec=SPEC, format=form, out=tmp_path)
    cell = cube.sel(time="2015-06-30", longitude=100.375, latitude=46.375)
    if form == "HDF5":
        value = float(open_product(made.path)["flux"].values.item())
        found = {(100.375, 46.375): value} if np.isfinite(value) else {}
    else:
        found = read(made, form, "flux")
    value = float(cell["flux"])
    assert found == ({(100.375, 46.375): pytest.approx(value, abs=1e-4)} if np.isfinite(value) else {})
    if form == "COG":
        with rasterio.open(made.files[0]) as file:
            assert file.res == (0.25, 0.25)


@pytest.mark.parametrize("form", [*FORMS, "HDF5"])
def test_months_and_a_band_dimension(tmp_path, form):
    ds = dataset(10, 12, months=3).assign_attrs(period="2015", edition="0p25deg")
    made = download(ds, None, None, spec=SPEC, format=form, out=tmp_path)
    expected = np.rint(ds["flux"].values / 0.02) * 0.02  # never stored before, so within half a step
    if form == "CSV":
        table = pd.read_csv(made.path)
        assert table["month"].tolist() == np.repeat([1, 2, 3], 120).tolist()
        np.testing.assert_array_equal(table["flux"].values.reshape(3, 10, 12), ds["flux"].values)
        return
    if form == "COG":
        with rasterio.open(next(p for p in made.files if ".flux." in p.name)) as file:
            assert file.descriptions == ("flux, month=1", "flux, month=2", "flux, month=3")
            values = file.read(masked=True).astype(float).filled(np.nan) * file.scales[0]
    elif form == "HDF5":
        values = open_product(made.path)["flux"].values
    else:
        with xr.open_zarr(made.path, chunks=None) if form == "Zarr" else xr.open_dataset(made.path) as opened:
            values = opened["flux"].values
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_large_enough_for_tiles_bands_and_overviews(tmp_path):
    random = np.random.default_rng(2)
    ds = globe(1)
    cover = random.integers(0, 2, ds["value"].shape).astype(np.float32)
    cover[:100] = np.nan
    ds["value"] = (ds["value"].dims, cover, {"units": "1"})
    ds["kind"] = (
        ds["value"].dims,
        random.integers(0, 3, cover.shape).astype(np.uint8),
        {"flag_values": [0, 1, 2], "flag_meanings": "a b c"},
    )
    made = download(ds.chunk(latitude=300, longitude=500), "-100,-60,170,80", format="COG", out=tmp_path)
    part = ds.sel(latitude=slice(80, -60), longitude=slice(-100, 170))
    for path in made.files:
        with rasterio.open(path) as file:
            name = path.stem.split(".")[-1]
            assert file.block_shapes[0] == (512, 512)
            assert file.overviews(1)[0] == 2
            np.testing.assert_array_equal(file.read(1), part[name].values)
            overview = file.read(1, out_shape=(file.height // 2, file.width // 2), masked=True)
            if name == "kind":
                assert set(np.unique(overview.compressed())) <= {0, 1, 2}  # the commonest class, never one in between
            else:
                blocks = part[name].values.reshape(file.height // 2, 2, file.width // 2, 2).transpose(0, 2, 1, 3)
                mean = np.ma.masked_invalid(blocks.reshape(*overview.shape, 4)).mean(axis=-1)
                np.testing.assert_allclose(overview.filled(np.nan), mean.filled(np.nan), atol=1e-6)


def test_layers_with_a_dimension_of_their_own_become_columns(cube, tmp_path):
    share = xr.DataArray(
        np.random.default_rng(0).random((2, 30, 44)).astype(np.float32),
        dims=("sensor", "latitude", "longitude"),
        coords={"sensor": ["modis", "virr"]},
    )
    ds = cube.assign(sensor_share=share, table=("sensor", [1.0, 2.0]))
    made = download(ds, "100,46,100.6,46.6", "2015-07", spec=SPEC, format="CSV", out=tmp_path)
    table = pd.read_csv(made.path)
    assert len(table) == 2 * 4
    assert "sensor" not in table
    assert "table" not in table
    for row in table.to_dict("records"):
        cell = ds["sensor_share"].sel(latitude=row["latitude"], longitude=row["longitude"])
        assert np.float32(row["sensor_share[virr]"]) == cell.sel(sensor="virr").values
    netcdf = download(ds, "100,46,100.6,46.6", "2015-07", spec=SPEC, format="NetCDF", out=tmp_path)
    with xr.open_dataset(netcdf.path) as opened:
        assert opened["sensor_share"].dims == ("sensor", "latitude", "longitude")
        assert opened["sensor"].values.tolist() == ["modis", "virr"]
        assert opened["table"].values.tolist() == [1.0, 2.0]


def test_what_a_format_cannot_hold_is_refused_with_the_way_out(tmp_path):
    uneven = globe().isel(latitude=[0, 1, 3, 7])
    with pytest.raises(InputError, match=r"not evenly spaced.*NetCDF"):
        download(uneven, format="COG", out=tmp_path)
    with pytest.raises(InputError, match=r"no registered product.*spec="):
        download(globe(), format="HDF5", out=tmp_path)
    with pytest.raises(InputError, match="edition"):
        download(dataset(4, 4), format="HDF5", spec=SPEC, out=tmp_path)
    lone = globe().isel(latitude=[3], longitude=[4])
    with pytest.raises(InputError, match="does not tell its size"):
        download(lone, format="COG", out=tmp_path)
    with pytest.raises(InputError, match=r"no format 'shapefile'.*HDF5, NetCDF, COG, Zarr, CSV"):
        download(globe(), format="shapefile", out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_maps_stored_south_first_keep_their_places(tmp_path):
    ds = globe().isel(latitude=slice(None, None, -1), longitude=slice(None, None, -1))
    for form in FORMS:
        found = read(download(ds, "11,1,19,9", format=form, out=tmp_path), form)
        assert found == {
            (x, y): float(ds["value"].sel(longitude=x, latitude=y)) for x in range(11, 20, 2) for y in range(1, 10, 2)
        }


def test_unpacked_values_are_exact(tmp_path):
    ds = dataset(6, 7, months=1).isel(month=0)
    made = download(ds, spec=SPEC, packed=False, out=tmp_path)
    with xr.open_dataset(made.path) as opened:
        np.testing.assert_array_equal(opened["flux"].values, ds["flux"].values)
        assert opened["flux"].dtype == np.float64
