"""Quality layers, periods and dates of peers' products: bit by bit as the documents of their producers list them."""

import numpy as np
import pytest
from archive.make_peers import geotiff, hdf4, hdf5, vi_layers

import musyq_lab as ml
from musyq_lab.archive.peers._registry import LAYOUTS
from musyq_lab.core.errors import InputError, NotFoundError

TILE = "A2016001.h18v04.061.2020050123456"


def meanings(layer, value):
    """Return what a value of a layer says, by the CF rules for flags."""
    attrs = layer.attrs
    words = attrs["flag_meanings"].split()
    masks = attrs.get("flag_masks", [None] * len(words))
    rows = zip(masks, attrs["flag_values"], words, strict=True)
    return {text for mask, flag, text in rows if (value if mask is None else value & int(mask)) == int(flag)}


def opened(folder, product, layers, **kwargs):
    """Write an HDF-EOS2 tile of a product and open it."""
    return ml.open_product(hdf4(folder / f"{product}.{TILE}.hdf", layers, **kwargs))


def bits(dtype="uint8"):
    return np.arange(20, dtype=dtype).reshape(4, 5), {}


# MODIS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        # FPARLAI_QC_DOC and FPAR_EXTRA_QC_DOC of the files (MOD15A2H filespec, LAADS)
        (0b000_00_0_0_0, {"modland.good", "sensor.terra", "dead_detector.no", "cloud.clear", "algorithm.main"}),
        (0b001_00_0_1_0, {"modland.good", "sensor.aqua", "cloud.clear", "algorithm.main_saturated"}),
        (0b010_01_0_0_1, {"modland.other", "cloud.significant", "algorithm.empirical_bad_geometry"}),
        (0b100_11_1_0_1, {"dead_detector.yes", "cloud.not_defined_assumed_clear", "algorithm.not_produced"}),
    ],
)
def test_fpar_lai_qc(tmp_path, value, said):
    lai = (np.full((4, 5), 20, "u1"), {"scale_factor": 0.1, "_FillValue": 255})
    ds = opened(tmp_path, "MCD15A2H", {"Lai_500m": lai, "FparLai_QC": bits(), "FparExtra_QC": bits()})
    assert said <= meanings(ds.lai_quality, value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0b0000_0000, {"land_sea.land", "snow_ice.no", "aerosol_average_or_high.no", "biome.outside_1_to_4"}),
        (0b1000_0000, {"land_sea.land", "biome.within_1_to_4"}),
        (0b0110_0111, {"land_sea.ocean", "snow_ice.yes", "cirrus.no", "internal_cloud.yes", "cloud_shadow.yes"}),
    ],
)
def test_fpar_extra_qc(tmp_path, value, said):
    lai = (np.full((4, 5), 20, "u1"), {"scale_factor": 0.1, "_FillValue": 255})
    ds = opened(tmp_path, "MOD15A2H", {"Lai_500m": lai, "FparExtra_QC": bits()})
    assert said <= meanings(ds.lai_extra_quality, value)


def test_mcd43a2_tells_more_than_the_mandatory_quality(tmp_path):
    layers = {
        "BRDF_Albedo_Band_Quality_Band1": bits(),
        "Snow_BRDF_Albedo": bits(),
        "BRDF_Albedo_LandWaterType": bits(),
        "BRDF_Albedo_Platform": bits(),
        "BRDF_Albedo_LocalSolarNoon": (np.full((4, 5), 33, "u1"), {"_FillValue": 255}),
    }
    ds = opened(tmp_path, "MCD43A2", layers)
    said = [meanings(ds.inversion_red, value).pop() for value in range(5)]
    assert said[0].startswith("best")
    assert said[1].startswith("good")
    assert all("magnitude" in word for word in said[2:4])
    assert said[4] == "no_inversion"
    assert meanings(ds.land_water, 1) == {"land"}
    assert meanings(ds.platform_used, 2) == {"aqua"}
    assert float(ds.sun_zenith_noon[0, 0]) == 33.0
    assert "ninth day" in ds.attrs["comment"]


def test_mandatory_quality_of_mcd43(tmp_path):
    nadir = (np.full((4, 5), 2000, "i2"), {"scale_factor": 1e-4, "_FillValue": 32767})
    layers = {"Nadir_Reflectance_Band1": nadir, "BRDF_Albedo_Band_Mandatory_Quality_Band1": bits()}
    ds = opened(tmp_path, "MCD43A4", layers)
    assert meanings(ds.quality_red, 0) == {"full_inversion"}
    assert meanings(ds.quality_red, 1) == {"magnitude_inversion"}
    assert ds.attrs["reflectance_level"] == "surface"


@pytest.mark.parametrize(
    ("product", "layer", "ours", "dtype", "value", "said"),
    [
        # MOD09A1: bits 26 to 29 are band 7; 30 and 31 the corrections.
        (
            "MOD09A1",
            "sur_refl_qc_500m",
            "reflectance_quality",
            "uint32",
            (1 << 30) | (0b1000 << 26) | (0b0111 << 2),
            {"modland.ideal", "band_1.noisy_detector", "band_7.dead_detector_interpolated",
             "atmospheric_correction.yes", "adjacency_correction.no"},
        ),
        # MOD09Q1: 16 bits; 4 to 7 band 1, 8 to 11 band 2.
        (
            "MOD09Q1",
            "sur_refl_qc_250m",
            "reflectance_quality_250m",
            "uint16",
            (1 << 12) | (0b1011 << 8) | (0b0111 << 4) | (0b10 << 2) | 1,
            {"modland.less_than_ideal", "cloud.mixed", "band_1.noisy_detector", "band_2.missing_input",
             "atmospheric_correction.yes", "adjacency_correction.no", "other_orbit_than_500m.no"},
        ),
        (
            "MOD09Q1",
            "sur_refl_state_250m",
            "state",
            "uint16",
            (1 << 12) | (0b10 << 6) | (0b101 << 3) | (1 << 2) | 1,
            {"cloud.cloudy", "cloud_shadow.yes", "land_water.deep_inland_water", "aerosol.average",
             "mod35_snow_ice.yes"},
        ),
        (
            "MYD09GQ",
            "QC_250m_1",
            "reflectance_quality_250m",
            "uint16",
            (1 << 13) | (0b1001 << 4),
            {"modland.ideal", "band_1.sun_zenith_86_or_more", "band_2.highest", "adjacency_correction.yes"},
        ),
    ],
)  # fmt: skip
def test_quality_of_surface_reflectance(tmp_path, product, layer, ours, dtype, value, said):
    name = "sur_refl_b01" + ("_1" if product.endswith("GQ") else "")
    red = (np.full((4, 5), 900, "i2"), {"scale_factor": 1e-4, "_FillValue": -28672})
    ds = opened(tmp_path, product, {name: red, layer: bits(dtype)})
    assert said <= meanings(ds[ours], value)
    assert ds[ours].dtype == dtype


@pytest.mark.parametrize(
    ("value", "said"),
    [
        # MOD11 Users' Guide, Collection 6, table 13
        (0b00_00_00_00, {"mandatory.good", "data_quality.good", "emissivity_error.up_to_0.01", "lst_error.up_to_1K"}),
        (0b10_01_01_01, {"mandatory.check_other_qa", "data_quality.other", "emissivity_error.up_to_0.02",
                         "lst_error.up_to_3K"}),
        (0b11_11_00_10, {"mandatory.not_produced_cloud", "emissivity_error.above_0.04", "lst_error.above_3K"}),
    ],
)  # fmt: skip
def test_quality_of_temperature(tmp_path, value, said):
    lst = (np.full((4, 5), 15000, "u2"), {"scale_factor": 0.02, "_FillValue": 0})
    ds = opened(tmp_path, "MOD11A1", {"LST_Day_1km": lst, "QC_Day": bits()})
    assert said <= meanings(ds.lst_day_quality, value)


def test_reliability_of_vegetation_indices(tmp_path):
    ds = opened(tmp_path, "MOD13A1", vi_layers())
    said = {value: meanings(ds.pixel_reliability, value) for value in (-1, 0, 1, 2, 3)}
    assert said == {-1: {"no_data"}, 0: {"good"}, 1: {"marginal"}, 2: {"snow_ice"}, 3: {"cloudy"}}


# VIIRS ---------------------------------------------------------------------------------------------------------------


def test_vnp15_quality_is_not_that_of_modis(tmp_path):
    lai = (np.full((4, 5), 20, "u1"), {"scale_factor": 0.1, "_FillValue": 255})
    grid = {"Lai": lai, "FparLai_QC": bits(), "FparExtra_QC": bits()}
    ds = ml.open_product(hdf5(tmp_path / f"VNP15A2H.{TILE}.h5", {"VNP_Grid_VNP15A2H": grid}))
    # VNP15 User Guide: 0-2 algorithm, 3 dead detector, 4-7 biome
    assert meanings(ds.lai_quality, 0b0001_0_000) == {"algorithm.main", "dead_detector.no", "biome.grass_cereal"}
    assert meanings(ds.lai_quality, 0b0101_1_010) == {
        "algorithm.empirical_bad_geometry",
        "dead_detector.yes",
        "biome.evergreen_broadleaf",
    }
    # 0-1 cloud confidence, 2 shadow, 3 cirrus, 4-5 aerosol, 6 snow
    assert meanings(ds.lai_extra_quality, 0b1_10_0_1_11) == {
        "cloud.confident_cloudy", "cloud_shadow.yes", "thin_cirrus.no", "aerosol.average", "snow_ice.yes",
    }  # fmt: skip


def test_vnp21_of_a_day_and_of_eight_days_have_other_bits(tmp_path):
    lst = (np.full((4, 5), 15000, "u2"), {"scale_factor": 0.02, "_FillValue": np.uint16(0)})
    day = {"LST_1KM": lst, "QC": bits("uint16")}
    ds = ml.open_product(hdf5(tmp_path / f"VNP21A1D.{TILE}.h5", {"VIIRS_Grid_Daily_1km_LST21": day}))
    # QA_Legend of MYD21A1D: 4-5 cloud, 6-7 iterations, 12-13 emissivity, 14-15 temperature
    said = meanings(ds.lst_quality, 0b11_10_00_00_01_10_00_01)
    assert {"mandatory.nominal", "cloud.within_2_pixels_of_cloud", "iterations.nominal"} <= said
    assert {"emissivity_accuracy.0.01_to_0.015", "lst_accuracy.below_1K"} <= said
    eight = {"LST_Day_1KM": lst, "QC_Day": bits()}
    ds = ml.open_product(hdf5(tmp_path / f"VNP21A2.{TILE}.h5", {"VIIRS_Grid_8Day_1km_LST21": eight}))
    # QA_Legend of MYD21A2: 4-5 emissivity, 6-7 temperature
    assert meanings(ds.lst_day_quality, 0b01_11_10_00) == {
        "mandatory.good", "data_quality.fairly_calibrated", "emissivity_accuracy.below_0.01",
        "lst_accuracy.1.5_to_2K",
    }  # fmt: skip
    assert ds.attrs["period"] == "P8D"


def test_land_and_water_of_vnp13_are_not_those_of_modis(tmp_path):
    ndvi = (np.full((4, 5), 4000, "i2"), {"_FillValue": np.array([-15000, -13000], "i2"), "scale_factor": 10000.0})
    layers = {
        "500 m 16 days NDVI": ndvi,
        "500 m 16 days VI Quality": bits("uint16"),
        "500 m 16 days composite day of the year": (np.full((4, 5), 7, "i2"), {"_FillValue": np.int16(-1)}),
    }
    ds = ml.open_product(hdf5(tmp_path / f"VNP13A1.{TILE}.h5", {"VIIRS_Grid_16Day_VI_500m": layers}))
    said = {value: meanings(ds.vi_quality, value << 11) for value in (0, 1, 2, 3, 5)}
    words = ("land_desert", "land", "inland_water", "sea", "coast")
    assert [f"land_water.{word}" in found for word, found in zip(words, said.values(), strict=True)] == [True] * 5
    assert {"vi.check_other_qa", "aerosol.intermediate", "possible_snow_ice.yes"} <= meanings(
        ds.vi_quality, 1 << 14 | 0b10 << 6 | 1
    )
    assert float(ds.day_of_year[0, 0]) == 7.0


def test_state_of_vnp09(tmp_path):
    red = (np.full((4, 5), 900, "i2"), {"scale_factor": 1e-4, "_FillValue": np.int16(-28672)})
    for product, suffix in (("VNP09H1", "_500m"), ("VNP09A1", "")):
        layers = {"SurfReflect_I1" if suffix else "SurfReflect_M5": red, f"SurfReflect_State{suffix}": bits("uint16")}
        layers[f"SurfReflect_QC{suffix}"] = bits("uint32")
        ds = ml.open_product(hdf5(tmp_path / f"{product}.{TILE}.h5", {"VIIRS_Grid": layers}))
        said = meanings(ds.state, (1 << 14) | (0b11 << 8) | (1 << 3) | 0b10)
        assert {"cloud.mixed", "land_water.land", "cirrus.high", "brdf_correction.yes", "cloud_shadow.no"} <= said
        assert ds.reflectance_quality.dtype == np.uint32
        assert ds.reflectance_red.attrs["wavelength"] == (0.640 if suffix else 0.672)  # I1, M5


def test_vnp43_parameters_have_a_kernel_axis(tmp_path):
    weights = np.arange(60, dtype="i2").reshape(4, 5, 3)
    said = {"scale_factor": 1e-3, "_FillValue": np.int16(32767)}
    path = hdf5(tmp_path / f"VNP43MA1.{TILE}.h5", {"VIIRS_Grid_BRDF": {"BRDF_Albedo_Parameters_M5": (weights, said)}})
    ds = ml.open_product(path)
    assert ds.brdf_m5.dims == ("y", "x", "kernel")
    np.testing.assert_allclose(ds.brdf_m5, weights * 1e-3, atol=1e-6)


# Landsat -------------------------------------------------------------------------------------------------------------


def landsat(folder, name, **layers):
    for layer, values in layers.items():
        geotiff(folder / f"{name}_{layer}.TIF", values, nodata=None)
    return ml.open_product(folder)


def test_saturation_of_oli_and_of_the_thematic_mappers(tmp_path):
    red, flags, aerosol = np.full((4, 5), 9000, "u2"), bits("uint16")[0], bits()[0]
    (tmp_path / "oli").mkdir()
    oli = landsat(
        tmp_path / "oli",
        "LC08_L2SP_118032_20200620_20200823_02_T1",
        SR_B4=red,
        QA_RADSAT=flags,
        SR_QA_AEROSOL=aerosol,
    )
    yes = {word for word in meanings(oli.saturation, 1 << 11 | 1 << 8 | 1 << 3) if word.endswith("yes")}
    assert yes == {"terrain_occlusion.yes", "band_9_saturated.yes", "band_4_saturated.yes"}
    assert meanings(oli.aerosol_quality, 0b11_1_00_0_1_0) == {
        "fill.no", "valid_retrieval.yes", "water.no", "interpolated.yes", "level.high",
    }  # fmt: skip
    (tmp_path / "etm").mkdir()
    etm = landsat(
        tmp_path / "etm",
        "LE07_L2SP_118032_20100620_20200823_02_T1",
        SR_B3=red,
        QA_RADSAT=flags,
        SR_CLOUD_QA=bits()[0],
        SR_ATMOS_OPACITY=np.array([[-9999, 0, 100, 300, 1000]] * 4, "i2"),
    )
    yes = {word for word in meanings(etm.saturation, 1 << 9 | 1 << 8 | 1 << 5) if word.endswith("yes")}
    assert yes == {"dropped_pixel.yes", "band_6_high_gain_saturated.yes", "band_6_low_gain_saturated.yes"}
    np.testing.assert_allclose(etm.atmospheric_opacity[0], [np.nan, 0.0, 0.1, 0.3, 1.0], rtol=1e-6)
    said = meanings(etm.atmosphere_quality, 0b100100)
    assert {"water.yes", "cloud_shadow.yes", "cloud.no", "snow.no"} <= said


def test_level_2_without_temperature_is_a_product_too(tmp_path):
    # Over sea, and for Landsat 8 without TIRS, reflectance is delivered alone (L2SR).
    for name in ("LC08_L2SR_118032_20200620_20200823_02_T2", "LO08_L2SR_118033_20200620_20200823_02_T1"):
        folder = tmp_path / name
        folder.mkdir()
        ds = landsat(folder, name, SR_B4=np.full((4, 5), 9000, "u2"), SR_B5=np.full((4, 5), 20000, "u2"))
        assert "lst" not in ds
        assert ds.attrs["product"] == name[:9]
        assert ds.attrs["reflectance_level"] == "surface"


# Periods and dates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "period"),
    [
        ("MOD13Q1", "P16D"), ("MYD13C1", "P16D"), ("MOD13A3", "P1M"), ("MYD13C2", "P1M"),
        ("MOD11A1", "P1D"), ("MYD11A2", "P8D"), ("MOD11B3", "P1M"), ("MOD11C1", "P1D"), ("MOD11C3", "P1M"),
        ("MOD15A2H", "P8D"), ("MCD15A2H", "P8D"), ("MCD15A3H", "P4D"),
        ("MOD09A1", "P8D"), ("MYD09Q1", "P8D"), ("MOD09GA", "P1D"), ("MYD09GQ", "P1D"),
        ("MCD43A4", "P1D"), ("MCD43C3", "P1D"),
        ("VNP13A1", "P16D"), ("VJ113A3", "P1M"), ("VNP13C2", "P1M"),
        ("VNP09GA", "P1D"), ("VNP09H1", "P8D"), ("VNP09A1", "P8D"),
        ("VNP15A2H", "P8D"), ("VNP21A1D", "P1D"), ("VNP21A2", "P8D"), ("VNP43MA4", "P1D"),
    ],
)  # fmt: skip
def test_each_member_of_a_family_has_its_own_period(product, period):
    ending = ".h5" if product.startswith("V") else ".hdf"
    layout = next(found for found in LAYOUTS if found.match(f"{product}.{TILE}{ending}"))
    assert layout.period_of(product) == period


def test_the_period_of_the_member_is_told(tmp_path):
    ds = opened(tmp_path, "MOD13A3", vi_layers("1 km"))  # the layers of a monthly file say "monthly"
    assert ds.attrs["period"] == "P1M"
    assert ds.attrs["time_coverage_start"] == "2016-01-01T00:00:00Z"


def test_a_product_of_reflectance_hands_its_level_on(tmp_path):
    ds = opened(tmp_path, "MOD13A1", vi_layers())
    made = ml.retrieve("vi", ds, variables=["ndvi"])
    assert made.attrs["reflectance_level"] == "surface"
    assert made.attrs["time_coverage_start"] == "2016-01-01T00:00:00Z"


# Where products lie --------------------------------------------------------------------------------------------------


def test_a_tree_of_products_says_what_to_open(tmp_path):
    folder = tmp_path / "h18v04" / "2016"
    folder.mkdir(parents=True)
    hdf4(folder / f"MOD13A1.{TILE}.hdf", vi_layers())
    with pytest.raises(InputError, match=r"holds no product itself.* h18v04/2016 \(MOD13A1 h18v04\)"):
        ml.open_product(tmp_path)


def test_a_folder_of_files_without_their_names(tmp_path):
    hdf4(tmp_path / "a.hdf", vi_layers(), name="MOD13A1.A2016001.h18v04.061.2020050123456.hdf")
    hdf4(tmp_path / "b.hdf", vi_layers(), name="MOD13A1.A2016017.h18v04.061.2020050123456.hdf")
    (tmp_path / "readme.txt").write_text("no product")
    (tmp_path / "cut.hdf").write_bytes((tmp_path / "a.hdf").read_bytes()[:300])
    ds = ml.open_product(tmp_path)
    assert list(ds.time.dt.dayofyear.values) == [1, 17]


def test_an_empty_tree_holds_nothing(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="no product files"):
        ml.open_product(tmp_path)
