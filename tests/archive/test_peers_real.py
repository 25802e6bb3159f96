"""Real files of peers' products: every value against the file's own numbers, read by another library."""

import pickle

import dask
import numpy as np
import pytest
import rasterio
import xarray as xr
from pyhdf.SD import SD
from sensors.shared_data import shared

import musyq_lab as ml

CLEAR = 1 << 6
pytestmark = pytest.mark.filterwarnings("ignore:.*georeferenc.*")


def never(*_, **__):
    raise AssertionError("computed something at opening")


def opened(name):
    """Open without computing anything."""
    with dask.config.set(scheduler=never):
        return ml.open_product(shared(name))


def packed(raw, scale, offset=0.0, fills=(), valid=(-np.inf, np.inf)):
    """Return the values by the textbook formula."""
    values = raw.astype("f8") * scale + offset
    values[np.isin(raw, fills) | (raw < valid[0]) | (raw > valid[1])] = np.nan
    return values


def same(found, expected, rtol=2e-6):
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-7)


def ndvi_of(ds):
    red, nir = ds.reflectance_red.astype("f8"), ds.reflectance_nir.astype("f8")
    return (nir - red) / (nir + red)


def retrieved(ds):
    """Retrieve NDVI through the product pipeline and compare it with its definition where both are valid."""
    made = ml.retrieve("vi", ds, variables=["ndvi"]).ndvi
    reference = ndvi_of(ds).where((ds.reflectance_red >= -0.05) & (ds.reflectance_nir >= -0.05))
    both = np.isfinite(made) & np.isfinite(reference) & (np.abs(reference) <= 1)
    assert int(both.sum()) > 0
    np.testing.assert_allclose(made.values[both.values], reference.values[both.values], atol=2e-5)
    return made


def test_mod09a1_is_its_hdf4_file():
    path = shared("modis_hdf4") / "MOD09A1.A2017193.h18v04.006.2017202035302.hdf"
    ds = opened(f"modis_hdf4/{path.name}")
    file = SD(str(path))
    names = ("red", "nir", "blue", "green", "nir_1240", "swir1", "swir2")
    roles = {f"sur_refl_b0{number}": role for number, role in enumerate(names, 1)}
    for layer, role in roles.items():
        item = file.select(layer)
        said = item.attributes()
        expected = packed(item[:], said["scale_factor"], said["add_offset"], [said["_FillValue"]], said["valid_range"])
        same(ds[f"reflectance_{role}"].values, expected)
        assert ds[f"reflectance_{role}"].attrs["units"] == "1"
    np.testing.assert_array_equal(ds.state, file.select("sur_refl_state_500m")[:])
    np.testing.assert_array_equal(ds.reflectance_quality, file.select("sur_refl_qc_500m")[:])
    angle = file.select("sur_refl_szen")
    same(ds.sun_zenith.values, packed(angle[:], 0.01, fills=[0]))
    # Corners of StructMetadata: outer edges.
    west, east, north, south = 753346.477074, 783925.116365, 5132114.960978, 5098293.132672
    half = (east - west) / 66 / 2
    assert (float(ds.x[0]) - half, float(ds.x[-1]) + half) == pytest.approx((west, east))
    assert (float(ds.y[0]) + half, float(ds.y[-1]) - half) == pytest.approx((north, south), abs=0.01)
    assert "sinu" in ds.rio.crs.to_proj4()
    assert str(ds.time.values)[:10] == "2017-07-12"  # day 193
    assert (ds.attrs["product"], ds.attrs["tile"], ds.attrs["sensor"]) == ("MOD09A1", "h18v04", "MODIS Terra")
    retrieved(ds)


def test_mod09a1_state_bits_are_those_the_file_lists():
    ds = opened("modis_hdf4/MOD09A1.A2017193.h18v04.006.2017202035302.hdf")
    state = ds.state
    meanings = state.attrs["flag_meanings"].split()
    masks, values = state.attrs["flag_masks"], state.attrs["flag_values"]
    assert len(meanings) == len(masks) == len(values)
    where = dict(zip(meanings, zip(masks, values, strict=True), strict=True))
    assert where["cloud.cloudy"] == (3, 1)
    assert where["land_water.land"] == (0b111000, 0b001000)
    land = (state.values & 0b111000) == 0b001000
    assert land.mean() > 0.9  # northern Italy


def test_mcd43a4_bands_are_scaled_as_their_tags_say():
    folder = shared("modis_MCD43A4_h21v11_2017006")
    ds = opened(folder.name)
    for number, role in enumerate(("red", "nir", "blue", "green", "nir_1240", "swir1", "swir2"), 1):
        with rasterio.open(next(folder.glob(f"*_B0{number}.TIF"))) as file:
            tags = file.tags()
            expected = packed(file.read(1), float(tags["scale_factor"]), fills=[float(tags["_FillValue"])])
            crs, transform = file.crs, file.transform
        same(ds[f"reflectance_{role}"].values, expected)
        with rasterio.open(next(folder.glob(f"*_B0{number}qa.TIF"))) as file:
            np.testing.assert_array_equal(ds[f"quality_{role}"], file.read(1))
    assert ds.rio.crs == crs
    assert ds.rio.transform().almost_equals(transform, precision=1e-3)
    assert ds.attrs["product_version"] == "006"
    retrieved(ds)


def test_one_band_opens_its_set():
    folder = shared("modis_MCD43A4_h21v11_2017006")
    xr.testing.assert_identical(
        ml.open_product(next(folder.glob("*_B03.TIF"))).drop_attrs(), ml.open_product(folder).drop_attrs()
    )


def test_landsat_level_2_obeys_its_metadata_text():
    folder = shared("landsat8_C2_L2SP_001062_20201031")
    ds = opened(folder.name)
    text = next(folder.glob("*_MTL.txt")).read_text()
    level2 = text[text.index("GROUP = LEVEL2_SURFACE_REFLECTANCE") : text.index("GROUP = LEVEL1_PROCESSING_RECORD")]
    said = dict(line.strip().split(" = ") for line in level2.splitlines() if " = " in line and "GROUP" not in line)
    for band, role in enumerate(("coastal", "blue", "green", "red", "nir", "swir1", "swir2"), 1):
        with rasterio.open(next(folder.glob(f"*_SR_B{band}.TIF"))) as file:
            raw = file.read(1)
        gain, offset = (float(said[f"REFLECTANCE_{what}_BAND_{band}"]) for what in ("MULT", "ADD"))
        same(ds[f"reflectance_{role}"].values, packed(raw, gain, offset, [0]), rtol=1e-5)
        top = float(said[f"REFLECTANCE_MAXIMUM_BAND_{band}"])
        assert ds[f"reflectance_{role}"].attrs["valid_range"][1] == pytest.approx(top, abs=2e-6)
    with rasterio.open(next(folder.glob("*_ST_B10.TIF"))) as file:
        raw = file.read(1)
    gain, offset = (float(said[f"TEMPERATURE_{what}_BAND_ST_B10"]) for what in ("MULT", "ADD"))
    same(ds.lst.values, packed(raw, gain, offset, [0]))
    assert float(ds.lst.attrs["valid_range"][1]) == pytest.approx(
        float(said["TEMPERATURE_MAXIMUM_BAND_ST_B10"]), abs=1e-3
    )
    assert ds.rio.crs.to_epsg() == 32620
    assert str(ds.time.values)[:10] == "2020-10-31"


def test_landsat_level_2_clear_pixels_are_forest():
    ds = opened("landsat8_C2_L2SP_001062_20201031")
    with rasterio.open(next(shared("landsat8_C2_L2SP_001062_20201031").glob("*_QA_PIXEL.TIF"))) as file:
        bits = file.read(1)
    np.testing.assert_array_equal(ds.pixel_quality, bits)
    clear = (bits & CLEAR) > 0
    assert clear.sum() == 62
    made = retrieved(ds).values[clear]
    assert 0.2 < np.nanmedian(made) < 1.0
    assert (bits & 1 > 0).mean() == pytest.approx(float(np.isnan(ds.reflectance_red).mean()), abs=0.01)
    radiance = ds.thermal_radiance
    assert radiance.attrs["units"] == "W m-2 sr-1 um-1"
    assert 0 < float(radiance.max()) < 15


def test_mod13a1_series_mixes_integers_and_scaled_floats():
    folder = shared("modis_MOD13A1_NDVI_2016") / "VI_16Days_500m_v6" / "NDVI"
    ds = ml.open_product(folder)
    assert ds.ndvi.dims == ("time", "y", "x")
    assert list(ds.time.dt.dayofyear.values) == list(range(1, 366, 16))
    kinds = set()
    for index, path in enumerate(sorted(folder.glob("*.tif"))):
        with rasterio.open(path) as file:
            raw = file.read(1)
        kinds.add(raw.dtype.kind)
        scale = 1e-4 if raw.dtype.kind == "i" else 1.0
        expected = np.where(raw == 32767, np.nan, raw.astype("f8") * scale)
        expected[(expected < -0.2 - 1e-6) | (expected > 1 + 1e-6)] = np.nan
        same(ds.ndvi[index].values, expected)
    assert kinds == {"i", "f"}
    assert "floating-point" in ds.attrs["comment"]


def test_a_series_opens_only_its_first_file(monkeypatch):
    folder = shared("modis_MOD13A1_NDVI_2016") / "VI_16Days_500m_v6" / "NDVI"
    touched = []
    true = rasterio.open
    monkeypatch.setattr(rasterio, "open", lambda path, *a, **k: touched.append(str(path)) or true(path, *a, **k))
    ds = ml.open_product(folder)
    assert {path.rpartition("_")[2] for path in touched} == {"001.tif"}
    touched.clear()
    ds.ndvi.isel(time=[3, 5]).compute(scheduler="synchronous")
    assert sorted(path.rpartition("_")[2] for path in touched) == ["049.tif", "081.tif"]


def test_mod13q1_cubes_have_the_dates_of_their_timeline():
    folder = shared("modis_MOD13Q1_MatoGrosso_2007_2013")
    ds = opened(folder.name)
    dates = (folder / "timeline").read_text().split()
    assert [str(t)[:10] for t in ds.time.values] == dates
    for name, file_name in (("ndvi", "ndvi"), ("evi", "evi"), ("reflectance_nir", "nir"), ("reflectance_swir2", "mir")):
        with rasterio.open(folder / f"{file_name}.tif") as file:
            raw = file.read()
        expected = np.where(raw < -1e300, np.nan, raw)
        same(ds[name].values, np.where((expected < -0.2) | (expected > 1), np.nan, expected))
    assert float(np.nanmedian(np.abs(ndvi_of(ds) - ds.ndvi).values)) < 2e-3  # the producer's index is that of its bands
    assert (ds.attrs["product"], ds.attrs["sensor"]) == ("MOD13Q1", "MODIS Terra")
    retrieved(ds)


def test_nbar_of_geoscience_australia():
    folder = shared("landsat5_TM_NBAR_090084_19920323")
    ds = opened(folder.name)
    for band, role in (("B10", "blue"), ("B30", "red"), ("B40", "nir"), ("B70", "swir2")):
        with rasterio.open(next(folder.glob(f"*_{band}.tif"))) as file:
            same(ds[f"reflectance_{role}"].values, packed(file.read(1), 1e-4, fills=[file.nodata]))
    assert ds.rio.crs.to_epsg() == 28355
    assert str(ds.time.values)[:10] == "1992-03-23"
    assert ds.attrs["tile"] == "090_084"
    assert ds.pixel_quality.dtype == np.uint16
    assert "contiguous.passed" in ds.pixel_quality.attrs["flag_meanings"]
    retrieved(ds)


def test_goes_temperature_lies_where_the_file_says():
    pyproj = pytest.importorskip("pyproj")
    path = next(shared("goes16_abi_L2_LST_20210518").glob("*.nc"))
    ds = opened("goes16_abi_L2_LST_20210518")
    with xr.open_dataset(path, engine="netcdf4") as own:
        np.testing.assert_allclose(ds.lst, own.LST, rtol=1e-6)
        extent = own.geospatial_lat_lon_extent.attrs
        moment = own.t.values
        assert ds.lst.attrs["standard_name"] == own.LST.attrs["standard_name"]
        bits = xr.open_dataset(path, engine="netcdf4", mask_and_scale=False).DQF
    np.testing.assert_array_equal(ds.lst_quality, bits)
    assert abs(ds.time.values - moment) < np.timedelta64(60, "s")
    to_degrees = pyproj.Transformer.from_crs(ds.rio.crs, "EPSG:4326", always_xy=True)
    x, y = np.meshgrid(ds.x, ds.y)
    lon, lat = to_degrees.transform(x, y)
    inside = np.isfinite(lon)
    assert lat[inside].max() == pytest.approx(float(extent["geospatial_northbound_latitude"]), abs=0.05)
    assert lat[inside].min() == pytest.approx(float(extent["geospatial_southbound_latitude"]), abs=0.05)
    assert lon[inside].min() == pytest.approx(float(extent["geospatial_westbound_longitude"]), abs=0.05)
    cloudy = (ds.lst_quality & 4) > 0
    assert bool(np.isnan(ds.lst.where(cloudy)).all())


def test_seviri_store_does_not_guess_its_band():
    ds = opened("seviri_rss_20200401/sat_data.zarr")
    assert "IR_016" in ds.attrs["contradictions"]
    assert "VIS006" in ds.attrs["contradictions"]
    assert "wavelength" not in ds.slot.attrs
    with xr.open_zarr(shared("seviri_rss_20200401") / "sat_data.zarr", chunks=None) as own:
        np.testing.assert_array_equal(ds.slot, own.data.squeeze("variable"))
        np.testing.assert_array_equal(ds.time, own.time)
        np.testing.assert_allclose(ds.x, own.x)
    assert ds.sizes == {"time": 25, "y": 298, "x": 615}
    assert "lon_0=9.5" in ds.rio.crs.to_proj4()
    assert ml.open_product(shared("seviri_rss_20200401")).sizes == ds.sizes


SNAP = {
    "sentinel3_olci_L1_subset/ppetest.nc": {"radiance_red": "Oa08_radiance", "radiance_oa21": "Oa21_radiance"},
    "sentinel3_olci_L1_subset/ppetest2.nc": {"radiance_nir": "Oa17_radiance", "altitude": "altitude"},
    "envisat_aatsr_meris_subset/MER_RR__1PQBCM20030407_100459_000007352015_00194_05759_0002_subset.nc": {
        "radiance_green": "radiance_5",
        "radiance_8": "radiance_8",
    },
    "envisat_aatsr_meris_subset/ATS_TOA_1CNPDK20030504_111259_000000572016_00080_06146_0157.nc": {
        "brightness_temperature_tir1_nadir": "btemp_nadir_1100",
        "toa_reflectance_red_forward": "reflec_fward_0670",
    },
}


@pytest.mark.parametrize("name", SNAP)
def test_snap_files_by_xarray(name):
    ds = opened(name)
    with xr.open_dataset(shared(name), engine="netcdf4") as own:
        for ours, theirs in SNAP[name].items():
            factor = 0.01 if own[theirs].attrs["units"] == "%" else 1.0
            np.testing.assert_allclose(ds[ours], own[theirs] * factor, rtol=3e-6)
            assert ds[ours].attrs["units"] == {"%": "1", "K": "K", "m": "m"}.get(
                own[theirs].attrs["units"], "W m-2 sr-1 um-1"
            )
        np.testing.assert_allclose(ds.latitude, own.lat, atol=1e-5)
        np.testing.assert_allclose(ds.longitude, own.lon, atol=1e-5)
        assert (
            str(ds.time.values)[:10]
            == {"s": "2018-01-08", "M": "2003-04-07", "A": "2003-05-04"}[
                "s" if name.startswith("s") else name.partition("/")[2][0]
            ]
        )


@pytest.mark.parametrize("name", SNAP)
def test_snap_flags_are_the_files_own(name):
    ds = opened(name)
    pairs = {"quality": "quality_flags", "confidence_nadir": "confid_flags_nadir", "cloud_forward": "cloud_flags_fward"}
    checked = 0
    with xr.open_dataset(shared(name), engine="netcdf4", decode_cf=False) as own:
        for ours, theirs in pairs.items():
            theirs = "l1_flags" if "l1_flags" in own and ours == "quality" else theirs
            if ours not in ds or theirs not in own:
                continue
            said = own[theirs]
            unsigned = said.values.view(f"u{said.dtype.itemsize}")
            np.testing.assert_array_equal(ds[ours], unsigned)
            width = 8 * said.dtype.itemsize
            masks = {int(m) % (1 << width) for m in said.attrs["flag_masks"]}
            ours_set = {
                int(m) for m, v in zip(ds[ours].attrs["flag_masks"], ds[ours].attrs["flag_values"], strict=True) if v
            }
            assert ours_set == masks
            bits = (int(m) % (1 << width) for m in said.attrs["flag_masks"])
            order = [word for _, word in sorted(zip(bits, said.attrs["flag_meanings"].split(), strict=True))]
            named = [w.removesuffix(".yes") for w in ds[ours].attrs["flag_meanings"].split() if w.endswith(".yes")]
            assert named[0].lower().startswith(order[0].lower()[:4])
            assert len(named) == len(order)
            checked += 1
    assert checked


def test_tie_points_meet_the_coordinates_of_the_pixels():
    # MERIS: latitude and longitude of the pixels are the tie points, interpolated by SNAP.
    from musyq_lab.archive.peers._lazy import TieLayer

    path = (
        shared("envisat_aatsr_meris_subset") / "MER_RR__1PQBCM20030407_100459_000007352015_00194_05759_0002_subset.nc"
    )
    with xr.open_dataset(path, engine="netcdf4", decode_cf=False) as own:
        said = own.latitude.attrs
        geometry = tuple(float(said[k]) for k in ("offset_x", "subsampling_x", "offset_y", "subsampling_y"))
        for tie, pixel, wraps in (("latitude", "lat", np.nan), ("longitude", "lon", -180.0)):
            layer = TieLayer("hdf5", str(path), tie, own[pixel].shape, geometry, wraps)
            np.testing.assert_allclose(layer[:, :], own[pixel], atol=2e-5)
            np.testing.assert_array_equal(layer[3:9, 5], layer[:, :][3:9, 5])


def test_angles_are_those_of_sun_and_sensor():
    # The Sun over Schleswig-Holstein on 7 April 2003, 10:10 UTC: zenith about 49 degrees, south-south-east.
    ds = opened("envisat_aatsr_meris_subset/MER_RR__1PQBCM20030407_100459_000007352015_00194_05759_0002_subset.nc")
    assert 47 < float(ds.sun_zenith.min()) < float(ds.sun_zenith.max()) < 53
    assert 145 < float(ds.sun_azimuth.mean()) < 160
    aatsr = opened("envisat_aatsr_meris_subset/ATS_TOA_1CNPDK20030504_111259_000000572016_00080_06146_0157.nc")
    assert float(aatsr.view_zenith_nadir.max()) < 23.5  # the scan cone of AATSR
    assert 50 < float(aatsr.view_zenith_forward.mean()) < 56


@pytest.mark.parametrize(
    "name",
    [
        "modis_hdf4/MOD09A1.A2017193.h18v04.006.2017202035302.hdf",
        "landsat8_C2_L2SP_001062_20201031",
        "goes16_abi_L2_LST_20210518",
        "sentinel3_olci_L1_subset/ppetest.nc",
    ],
)
def test_layers_travel_to_workers(name):
    ds = opened(name)
    again = pickle.loads(pickle.dumps(ds))
    first = next(iter(ds.data_vars))
    np.testing.assert_array_equal(again[first], ds[first])
    part = ds[first][::-3, 2::5]
    np.testing.assert_array_equal(part, ds[first].values[::-3, 2::5])
