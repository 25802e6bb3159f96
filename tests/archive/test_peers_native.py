"""Minimal files in each peer's own layout: the counts put in come out as the values the format document says."""

import h5py
import numpy as np
import pytest
from archive.make_peers import cgls, geotiff, hdf4, hdf5, vi_layers

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError

TILE = "A2016001.h18v04.061.2020050123456"
SAID = {"scale_factor": 0.02, "_FillValue": 0, "valid_range": [7500, 65535]}


def counts(dtype, low, high, fill, shape=(4, 5)):
    """Return counts from low to high, the first one no data."""
    values = np.linspace(low, high, int(np.prod(shape))).round().reshape(shape).astype(dtype)
    values.flat[0] = fill
    return values


def check(found, raw, scale, offset=0.0, missing=()):
    """Compare values with counts: to half a count, and without the missing."""
    expected = raw.astype("f8") * scale + offset
    expected[np.isin(raw, missing)] = np.nan
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=abs(scale) / 2)


# MOD13 and its kin ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [10000.0, 1e-4])
def test_mod13_divides_where_the_file_says_ten_thousand(tmp_path, declared):
    layers = vi_layers(declared=declared)
    ds = ml.open_product(hdf4(tmp_path / f"MOD13A1.{TILE}.hdf", layers))
    check(ds.ndvi, layers["500m 16 days NDVI"][0], 1e-4, missing=[-3000])
    check(ds.reflectance_nir, layers["500m 16 days NIR reflectance"][0], 1e-4, missing=[-1000])
    assert ds.pixel_reliability.dtype == np.int8
    np.testing.assert_array_equal(ds.vi_quality, layers["500m 16 days VI Quality"][0])
    assert ds.attrs["period"] == "P16D"
    assert str(ds.time.values)[:10] == "2016-01-01"


def test_mod13_quality_bits_say_what_the_guide_says(tmp_path):
    layers = vi_layers()
    # MOD13 guide, worked example: 0000 1000 0100 0100 = bits 2 (usefulness 1), 6 (aerosol 1), 11 (land)
    layers["500m 16 days VI Quality"][0][1, 1] = 0b0000_1000_0100_0100
    quality = ml.open_product(hdf4(tmp_path / f"MYD13A1.{TILE}.hdf", layers)).vi_quality
    value = int(quality[1, 1])
    attrs = quality.attrs
    rows = zip(attrs["flag_masks"], attrs["flag_values"], attrs["flag_meanings"].split(), strict=True)
    said = {text for mask, flag, text in rows if value & int(mask) == int(flag)}
    assert {"vi.good", "usefulness.lower", "aerosol.low", "adjacent_cloud.no", "land_water.land"} <= said
    assert "possible_snow_ice.yes" not in said


def test_mod13_without_its_name_is_known_by_its_metadata(tmp_path):
    path = hdf4(tmp_path / "granule.hdf", vi_layers("250m"), name=f"MYD13Q1.{TILE}.hdf")
    ds = ml.open_product(path)
    assert (ds.attrs["product"], ds.attrs["sensor"], ds.attrs["tile"]) == ("MYD13Q1", "MODIS Aqua", "h18v04")


def test_mod13c1_lies_on_the_globe(tmp_path):
    layers = vi_layers("CMG 0.05 Deg", shape=(6, 12))
    ds = ml.open_product(hdf4(tmp_path / "MOD13C1.A2016001.061.2020050123456.hdf", layers, geographic=True))
    assert ds.ndvi.dims == ("latitude", "longitude")
    assert (float(ds.latitude[0]), float(ds.longitude[0]), float(ds.longitude[-1])) == (75.0, -165.0, 165.0)
    assert ds.rio.crs.to_epsg() == 4326


def test_a_series_of_tiles_becomes_a_cube(tmp_path):
    made = {}
    for day in (1, 17, 33):
        layers = vi_layers()
        layers["500m 16 days NDVI"][0][2, 2] = 100 * day
        made[day] = layers
        hdf4(tmp_path / f"MOD13A1.A2016{day:03d}.h18v04.061.2020050123456.hdf", layers)
    ds = ml.open_product(tmp_path)
    assert ds.ndvi.shape == (3, 4, 5)
    np.testing.assert_allclose(ds.ndvi[:, 2, 2], [0.01, 0.17, 0.33], rtol=1e-6)
    assert list(ds.time.dt.dayofyear.values) == [1, 17, 33]
    assert "time" not in ml.open_product(tmp_path, period="2016-01-17").dims
    assert ml.retrieve("vi", ds, variables=["ndvi"]).ndvi.shape == (3, 4, 5)


def test_appeears_layers_are_a_series_too(tmp_path):
    raw = counts("int16", -2000, 10000, -3000)
    for doy in ("2020001", "2020017"):
        geotiff(
            tmp_path / f"MOD13Q1.061__250m_16_days_NDVI_doy{doy}_aid0001.tif", raw, nodata=-3000, scale_factor="0.0001"
        )
    ds = ml.open_product(tmp_path)
    check(ds.ndvi[1].values, raw, 1e-4, missing=[-3000])


def test_appeears_layers_of_other_products(tmp_path):
    lst, quality = counts("uint16", 7500, 16000, 0), counts("uint8", 0, 200, 2)
    for doy in ("2020001", "2020002"):
        geotiff(tmp_path / f"MOD11A1.061_LST_Day_1km_doy{doy}_aid0001.tif", lst, nodata=0, scale_factor="0.02")
        geotiff(tmp_path / f"MOD11A1.061_QC_Day_doy{doy}_aid0001.tif", quality, nodata=None)
    ds = ml.open_product(tmp_path)
    check(ds.lst_day[1].values, lst, 0.02, missing=[0])
    np.testing.assert_array_equal(ds.lst_day_quality[0], quality)
    assert (ds.attrs["product"], ds.attrs["sensor"], ds.attrs["period"]) == ("MOD11A1", "MODIS Terra", "P1D")
    (tmp_path / "vnp").mkdir()
    ndvi = counts("int16", -10000, 10000, -15000)
    geotiff(tmp_path / "vnp" / "VNP13A1.001__500_m_16_days_NDVI_doy2020001_aid0001.tif", ndvi, nodata=-15000)
    check(ml.open_product(tmp_path / "vnp").ndvi, ndvi, 1e-4, missing=[-15000])


# Other MODIS ---------------------------------------------------------------------------------------------------------


def test_mod11_temperature_time_angle_and_emissivity(tmp_path):
    day = counts("uint16", 7500, 16000, 0)
    angle, emissivity = counts("uint8", 0, 130, 255), counts("uint8", 1, 255, 0)
    layers = {
        "LST_Day_1km": (day, SAID),
        "QC_Day": (counts("uint8", 0, 255, 3), {}),
        "Day_view_time": (counts("uint8", 0, 240, 255), {"scale_factor": 0.1, "_FillValue": 255}),
        "Day_view_angl": (angle, {"scale_factor": 1.0, "add_offset": -65.0, "_FillValue": 255}),
        "Emis_31": (emissivity, {"scale_factor": 0.002, "add_offset": 0.49, "_FillValue": 0}),
        "Clear_day_cov": (counts("uint16", 0, 2000, 0), {"scale_factor": 0.0005, "_FillValue": 0}),
    }
    ds = ml.open_product(hdf4(tmp_path / f"MOD11A1.{TILE}.hdf", layers))
    check(ds.lst_day, day, 0.02, missing=[0])
    check(ds.view_zenith_day, angle, 1.0, -65.0, missing=[255])
    check(ds.emissivity_31, emissivity, 0.002, 0.49, missing=[0])
    assert ds.lst_day.attrs["units"] == "K"
    assert float(ds.clear_day_fraction.max()) == pytest.approx(1.0)
    assert ds.lst_day.attrs["valid_range"] == [150.0, 1310.7]


def test_mod11_swath_coordinates_come_from_every_fifth_pixel(tmp_path):
    rows, columns = np.arange(20), np.arange(30)
    ties = (rows[2::5], columns[2::5])
    lat = (40.0 + 0.01 * ties[0][:, None] + 0 * ties[1]).astype("float32")
    lon = (179.9 + 0.01 * ties[1][None, :] + 0 * ties[0][:, None]).astype("float32")
    lon = np.where(lon > 180, lon - 360, lon).astype("float32")
    lst = counts("uint16", 7500, 16000, 0, (20, 30))
    layers = {
        "LST": (lst, SAID),
        "Error_LST": (counts("uint8", 1, 255, 0, (20, 30)), {"scale_factor": 0.04, "_FillValue": 0}),
        "Latitude": (lat, {}),
        "Longitude": (lon, {}),
    }
    ds = ml.open_product(hdf4(tmp_path / "MYD11_L2.A2016001.0430.061.2020050123456.hdf", layers, swath=True))
    check(ds.lst, lst, 0.02, missing=[0])
    np.testing.assert_allclose(ds.latitude, np.broadcast_to(40.0 + 0.01 * rows[:, None], lst.shape), atol=1e-4)
    expected = (179.9 + 0.01 * columns + 180) % 360 - 180
    np.testing.assert_allclose(ds.longitude, np.broadcast_to(expected, lst.shape), atol=1e-4)
    assert str(ds.time.values)[:16] == "2016-01-01T04:30"


def test_mod15_classes_above_100_are_no_values(tmp_path):
    lai = counts("uint8", 0, 100, 255)
    lai[1] = range(249, 254)
    said = {"scale_factor": 0.1, "_FillValue": 255, "valid_range": [0, 100], "add_offset": 0.0}
    layers = {
        "Lai_500m": (lai, said),
        "Fpar_500m": (lai, {**said, "scale_factor": 0.01}),
        "FparLai_QC": (counts("uint8", 0, 255, 157), {"_FillValue": 255}),
    }
    for product in ("MOD15A2H", "MCD15A2H", "MCD15A3H"):
        ds = ml.open_product(hdf4(tmp_path / f"{product}.{TILE}.hdf", layers), product=product)
        check(ds.lai, lai, 0.1, missing=range(249, 256))
        check(ds.fpar, lai, 0.01, missing=range(249, 256))
    assert ds.lai.attrs["standard_name"] == "leaf_area_index"
    with pytest.raises(InputError, match="several products"):
        ml.open_product(tmp_path)


def test_mcd43_albedo_parameters_and_noon(tmp_path):
    albedo, kernels = counts("int16", 0, 1000, 32767), counts("int16", -300, 900, 32767, (4, 5, 3))
    said = {"scale_factor": 0.001, "add_offset": 0.0, "_FillValue": 32767, "valid_range": [0, 32766]}
    three = hdf4(
        tmp_path / f"MCD43A3.{TILE}.hdf", {"Albedo_BSA_shortwave": (albedo, said), "Albedo_WSA_Band1": (albedo, said)}
    )
    ds = ml.open_product(three)
    check(ds.albedo_black_sky_broad_shortwave, albedo, 1e-3, missing=[32767])
    check(ds.albedo_white_sky_red, albedo, 1e-3, missing=[32767])
    one = hdf4(
        tmp_path / f"MCD43A1.{TILE}.hdf",
        {"BRDF_Albedo_Parameters_Band2": (kernels, {**said, "valid_range": [-32766, 32766]})},
    )
    ds = ml.open_product(one)
    assert ds.brdf_nir.dims == ("y", "x", "kernel")
    check(ds.brdf_nir, kernels, 1e-3, missing=[32767])


def test_mod09ga_opens_the_grid_of_its_bands(tmp_path):
    red = counts("int16", -100, 16000, -28672)
    said = {"scale_factor": 10000.0, "_FillValue": -28672, "valid_range": [-100, 16000]}
    state = (counts("uint16", 0, 999, 0, (2, 3)), {})
    ds = ml.open_product(hdf4(tmp_path / f"MYD09GA.{TILE}.hdf", {"sur_refl_b01_1": (red, said), "state_1km_1": state}))
    check(ds.reflectance_red, red, 1e-4, missing=[-28672])
    assert ds.attrs["layers_left_out"] == "state_1km_1"


# VIIRS ---------------------------------------------------------------------------------------------------------------


def test_vnp13_has_two_fills(tmp_path):
    ndvi = counts("int16", -10000, 10000, -15000)
    ndvi[0, 1] = -13000
    said = {"_FillValue": np.array([-15000, -13000], "int16"), "scale_factor": 10000.0, "valid_range": [-10000, 10000]}
    layers = {"500 m 16 days NDVI": (ndvi, said), "500 m 16 days VI Quality": (ndvi.view("uint16"), {})}
    ds = ml.open_product(hdf5(tmp_path / f"VNP13A1.{TILE}.h5", {"VIIRS_Grid_16Day_VI_500m": layers}))
    check(ds.ndvi, ndvi, 1e-4, missing=[-15000, -13000])
    assert ds.attrs["sensor"] == "VIIRS Suomi-NPP"
    assert ds.rio.crs.to_proj4().startswith("+proj=sinu")


def test_vnp09ga_spells_its_packing_otherwise(tmp_path):
    red, nir = counts("int16", -100, 16000, -28672), counts("int16", 0, 9000, -28672, (8, 10))
    said = {"Scale": 1e-4, "Offset": 0.0, "_FillValue": -28672}
    groups = {"VNP_Grid_1km_2D": {"SurfReflect_M5_1": (red, said), "SurfReflect_M7_1": (red, said)},
              "VNP_Grid_500m_2D": {"SurfReflect_I1_1": (nir, said)}}  # fmt: skip
    ds = ml.open_product(hdf5(tmp_path / f"VNP09GA.{TILE}.h5", groups))
    check(ds.reflectance_red, red, 1e-4, missing=[-28672])
    assert ds.sizes == {"y": 4, "x": 5}


def test_vnp15_vnp21_and_vnp43(tmp_path):
    lai, lst, nadir = counts("uint8", 0, 100, 255), counts("uint16", 7500, 16000, 0), counts("int16", 0, 9000, 32767)
    made = (
        ("VNP15A2H", "VNP_Grid_VNP15A2H", "Lai", lai, 0.1, 255, "lai"),
        ("VNP21A1D", "VIIRS_Grid_Daily_1km_LST21", "LST_1KM", lst, 0.02, 0, "lst"),
        ("VJ143MA4", "VIIRS_Grid_BRDF", "Nadir_Reflectance_M5", nadir, 1e-4, 32767, "reflectance_red"),
    )
    for product, grid, layer, raw, scale, fill, ours in made:
        layers = {layer: (raw, {"scale_factor": scale, "add_offset": 0.0, "_FillValue": fill})}
        ds = ml.open_product(hdf5(tmp_path / f"{product}.{TILE}.h5", {grid: layers}))
        check(ds[ours], raw, scale, missing=[fill])
    assert ds.attrs["sensor"] == "VIIRS NOAA-20"


# Landsat, CGLS, GLASS, MuSyQ -----------------------------------------------------------------------------------------


def test_landsat_5_level_2_without_its_metadata_text(tmp_path):
    raw = counts("uint16", 7273, 43636, 0)
    name = "LT05_L2SP_118032_20040620_20200903_02_T1"
    for layer in ("SR_B1", "SR_B3", "SR_B4", "SR_B7", "ST_B6"):
        geotiff(tmp_path / f"{name}_{layer}.TIF", raw)
    geotiff(tmp_path / f"{name}_QA_PIXEL.TIF", counts("uint16", 1, 5440, 1), nodata=1)
    ds = ml.open_product(tmp_path)
    check(ds.reflectance_red, raw, 2.75e-5, -0.2, missing=[0])
    check(ds.lst, raw, 0.00341802, 149.0, missing=[0])
    # LSDS-1618: 7273 is reflectance 0, 43636 is 1.
    assert float(ds.reflectance_red.max()) == pytest.approx(1.0, abs=3e-5)
    assert np.nanmin(np.abs(ds.reflectance_red)) < 0.06
    assert ds.attrs["sensor"].startswith("TM")
    np.testing.assert_allclose(ds.x[:2], [500015, 500045])


def test_landsat_text_that_contradicts_the_guide_is_not_believed(tmp_path):
    name = "LC09_L2SP_118032_20220620_20220703_02_T1"
    geotiff(tmp_path / f"{name}_SR_B4.TIF", counts("uint16", 7273, 43636, 0))
    (tmp_path / f"{name}_MTL.txt").write_text("REFLECTANCE_MULT_BAND_4 = 2.0e-05\nREFLECTANCE_ADD_BAND_4 = -0.1\n")
    with pytest.raises(ArchiveError, match=r"says scale 2e-05, but 2.75e-05 is documented"):
        ml.open_product(tmp_path)


def test_cgls_flags_above_the_physical_maximum_are_left_out(tmp_path):
    lai = counts("uint8", 0, 210, 255, (6, 8))
    lai[1, :5] = range(251, 256)
    lai[2, 0] = 230  # above 210 = LAI 7
    said = {
        "scale_factor": np.float32(0.033333),
        "add_offset": 0.0,
        "_FillValue": np.uint8(255),
        "valid_range": [0, 210],
    }
    path = cgls(tmp_path / "c_gls_LAI300_201801100000_GLOBE_PROBAV_V1.0.1.nc", {"LAI": (lai, said)})
    ds = ml.open_product(path)
    missing = [*range(211, 256)]
    check(ds.lai, lai, 0.033333, missing=missing)
    assert float(ds.lai.max()) == pytest.approx(7.0, abs=1e-3)
    assert ds.lai.dims == ("latitude", "longitude")
    np.testing.assert_allclose(ds.latitude, 50.0 - np.arange(6) / 336.0)
    assert str(ds.time.values)[:10] == "2018-01-10"


def test_cgls_ndvi_with_offset_and_a_leading_time(tmp_path):
    ndvi = counts("uint8", 0, 250, 255, (1, 6, 8))
    said = {"scale_factor": 0.004, "add_offset": -0.08, "_FillValue": np.uint8(255)}
    flags = {"flag_masks": np.array([1, 2], "uint8"), "flag_meanings": "sea filled"}
    layers = {"NDVI": (ndvi, said), "QFLAG": (ndvi, flags)}
    for mode in ("", "-RT1"):
        ds = ml.open_product(cgls(tmp_path / f"c_gls_NDVI300{mode}_202007110000_GLOBE_OLCI_V2.0.1.nc", layers))
    check(ds.ndvi, ndvi[0], 0.004, -0.08, missing=[255])
    assert float(ds.ndvi.max()) == pytest.approx(0.92, abs=1e-6)
    assert ds.quality.attrs["flag_meanings"] == "sea filled"  # the file's own


def test_glass_believes_the_file(tmp_path):
    for version, scale, top in (("V60", 0.01, 700), ("V50", 0.1, 70)):
        raw = counts("int16", 0, top, 2550)
        said = {"scale_factor": scale, "add_offset": 0.0, "_FillValue": 2550, "valid_range": [0, 1000]}
        path = hdf4(tmp_path / f"GLASS01E01.{version}.A2010001.h25v05.2022001.hdf", {"LAI": (raw, said)})
        check(ml.open_product(path).lai, raw, scale, missing=[2550])
    silent = hdf4(
        tmp_path / "GLASS01B01.V04.A2010001.2014001.hdf", {"LAI": (counts("uint8", 0, 100, 255), {})}, geographic=True
    )
    ds = ml.open_product(silent)
    assert float(ds.lai.max()) == pytest.approx(10.0)
    assert int(np.isnan(ds.lai).sum()) == 1
    assert ds.lai.dims == ("latitude", "longitude")


def test_glass_without_a_scale_is_not_guessed(tmp_path):
    path = hdf4(tmp_path / "GLASS12B01.V40.A2010001.2019001.hdf", {"GPP": (counts("int16", 0, 900, -1), {})})
    with pytest.raises(ArchiveError, match=r"GPP.*has no scale"):
        ml.open_product(path)


@pytest.mark.parametrize("spelling", ["FillValue", "Fill", "_fillvalue", "_FillValue", "Fill Value"])
def test_musyq_fills_are_decoded_however_they_are_spelt(tmp_path, spelling):
    raw = counts("int16", 0, 900, 32767, (6, 12))
    path = tmp_path / "MuSyQ.LAI.1km.2015009.h5"
    with h5py.File(path, "w") as file:
        item = file.create_dataset("LAI", data=raw)
        item.attrs.update({spelling: np.int16(32767), "scale": 0.01})
    ds = ml.open_product(path)
    check(ds.lai, raw, 0.01, missing=[32767])
    assert "taken as the globe" in ds.attrs["comment"]
    assert (float(ds.latitude[0]), float(ds.longitude[0])) == (75.0, -165.0)


def test_musyq_undeclared_fill_is_caught_by_the_physical_range(tmp_path):
    raw = counts("int16", 0, 900, 32767, (6, 12))
    path = tmp_path / "MuSyQ_LAI_1km_2015009.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("LAI", data=raw).attrs["scale_factor"] = 0.01
    check(ml.open_product(path).lai, raw, 0.01, missing=[32767])
    with h5py.File(path, "w") as file:
        file.create_dataset("LAI", data=raw[:5])
    with pytest.raises(ArchiveError, match="no latitudes"):
        ml.open_product(path)


def test_what_is_not_there_is_said(tmp_path):
    hdf4(tmp_path / f"MOD13A1.{TILE}.hdf", vi_layers())
    with pytest.raises(NotFoundError, match="It holds: MOD13A1 h18v04"):
        ml.open_product(tmp_path, tile="h01v01")
    assert ml.open_product(tmp_path, product="mod13", version="061").attrs["product"] == "MOD13A1"
