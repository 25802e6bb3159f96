"""VIIRS land products of NASA: VNP (Suomi-NPP), VJ1 (NOAA-20) and VJ2 (NOAA-21), in HDF-EOS5.

VNP13 User Guide Version 2 (Didan and Barreto Munoz 2018); VNP09 User Guide (Roger et al. 2016), whose files spell the
packing "Scale" and "Offset"; VNP21 User Guide (Hulley et al. 2017); VNP43 User Guide (Schaaf); VNP15 User Guide (Park
and Myneni 2018). The fill of VNP13 is an attribute of two numbers, -15000 (water) and -13000 (no data).
"""

from __future__ import annotations

from dataclasses import replace

from musyq_lab.archive.peers._modis import DIVIDE_10000, KERNELS, LAI_QUALITY, VI_QUALITY, WINDOW, YES, tiled
from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality
from musyq_lab.archive.peers.modis_land import STATE
from musyq_lab.archive.peers.modis_vegetation import LAI_ROWS

_SENSORS = (("VNP", "VIIRS Suomi-NPP"), ("VJ1", "VIIRS NOAA-20"), ("VJ2", "VIIRS NOAA-21"))
_P = "V(?:NP|J[12])"

# Bands, role and centre (um) of the moderate bands, with the imagery band of the same role (VIIRS ATBD 474-00027).
_BANDS = (
    ("M1", "coastal", 0.412),
    ("M3", "blue", 0.488),
    ("M4", "green", 0.555),
    ("(?:M5|I1)", "red", 0.672),
    ("(?:M7|I2)", "nir", 0.865),
    ("M8", "nir_1240", 1.240),
    ("(?:M10|I3)", "swir1", 1.610),
    ("M11", "swir2", 2.250),
)
_IMAGERY = (("I1", 0.640), ("I2", 0.865), ("I3", 1.610))
_NAMES = ("I1", "I2", "I3", *(f"M{n}" for n in (1, 2, 3, 4, 5, 7, 8, 10, 11)))
_STEP = r"(?:500[ _]m|1[ _]km|CMG[ _]0\.05[ _]Deg)[ _](?:16[ _]days|monthly)[ _]"  # underscores: as AppEEARS writes


def _bands(path: str, fill: float, valid: tuple[float, float]) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            path.format(band),
            f"reflectance_{role}",
            "1",
            1e-4,
            fills=(fill,),
            valid=valid,
            declared=DIVIDE_10000,
            wavelength=centre,
            centres=tuple((f".*{name}.*", own) for name, own in _IMAGERY if name in band),
        )
        for band, role, centre in _BANDS
    )


def _index(layer: str, name: str, text: str) -> Layer:
    return Layer(
        f"{_STEP}{layer}",
        name,
        "1",
        1e-4,
        fills=(-15000, -13000),
        valid=(-10000, 10000),
        declared=DIVIDE_10000,
        long_name=text,
        standard_name="normalized_difference_vegetation_index" if name == "ndvi" else "",
    )


_VI_QUALITY = (
    *(bits for bits in VI_QUALITY if bits.name != "land_water"),
    Bits("land_water", 11, 3, ("land_desert", "land", "inland_water", "sea", "", "coast")),
)
"""VI Quality: VNP13 User Guide; the classes of land and water are those of VIIRS, not of MODIS."""

_STATE = (*(bits for bits in STATE if bits.name != "salt_pan"), Bits("brdf_correction", 14, 1, YES))
"""SurfReflect_State: VNP09 User Guide, Version 2."""

_LST_QUALITY = (
    Bits("mandatory", 0, 2, ("good", "nominal", "cloud", "not_produced")),
    Bits("data_quality", 2, 2, ("good", "missing_data", "fairly_calibrated", "poorly_calibrated")),
    Bits("cloud", 4, 2, ("clear", "thin_cirrus", "within_2_pixels_of_cloud", "cloudy")),
    Bits("iterations", 6, 2, ("slow", "nominal", "nominal_too", "fast")),
    Bits("opacity", 8, 2, ("above_0.3", "0.2_to_0.3", "0.1_to_0.2", "below_0.1")),
    Bits("mmd", 10, 2, ("above_0.15", "0.1_to_0.15", "0.03_to_0.1", "below_0.03")),
    Bits("emissivity_accuracy", 12, 2, ("above_0.02", "0.015_to_0.02", "0.01_to_0.015", "below_0.01")),
    Bits("lst_accuracy", 14, 2, ("above_2K", "1.5_to_2K", "1_to_1.5K", "below_1K")),
)
"""QC of a day, 16 bits: VNP21 User Guide; QA_Legend of the files of MYD21A1D, whose algorithm is the same."""

_LST_QUALITY_8_DAYS = (
    *_LST_QUALITY[:2],
    replace(_LST_QUALITY[-2], shift=4),
    replace(_LST_QUALITY[-1], shift=6),
)
"""QC_Day and QC_Night of eight days, 8 bits: QA_Legend of the files of MYD21A2."""
_LAI_QUALITY = (
    Bits("algorithm", 0, 3, LAI_QUALITY[-1].meanings),
    Bits("dead_detector", 3, 1, YES),
    Bits(
        "biome",
        4,
        4,
        (
            *("water", "grass_cereal", "shrub", "broadleaf_crop", "savanna", "evergreen_broadleaf"),
            *("deciduous_broadleaf", "evergreen_needleleaf", "deciduous_needleleaf", "not_vegetated", "urban"),
            *("unclassified", "fill"),
        ),
    ),
)
_LAI_EXTRA = (
    Bits("cloud", 0, 2, ("confident_clear", "probably_clear", "probably_cloudy", "confident_cloudy")),
    Bits("cloud_shadow", 2, 1, YES),
    Bits("thin_cirrus", 3, 1, YES),
    Bits("aerosol", 4, 2, ("climatology", "low", "average", "high")),
    Bits("snow_ice", 6, 1, YES),
)  # neither is that of MODIS: VNP15 User Guide, tables of FparLai_QC and FparExtra_QC


def _temperature(path: str, name: str, text: str) -> Layer:
    return Layer(
        path,
        name,
        "K",
        0.02,
        fills=(0,),
        valid=(7500, 65535),
        long_name=text,
        standard_name="surface_temperature",
    )


LAYOUTS = (
    Layout(
        "VNP13",
        "VIIRS vegetation indices",
        tiled(rf"{_P}13(?:A[123]|C[12])"),
        "hdf5",
        "eos",
        (
            _index("NDVI", "ndvi", "normalized difference vegetation index"),
            _index("EVI", "evi", "enhanced vegetation index"),
            _index("EVI2", "evi2", "enhanced vegetation index of two bands"),
            *(
                Layer(
                    f"{_STEP}{layer}[ _]reflectance",
                    f"reflectance_{role}",
                    "1",
                    1e-4,
                    fills=(-1000,),
                    valid=(0, 10000),
                    declared=DIVIDE_10000,
                    wavelength=centre,
                )
                for layer, role, centre in (
                    ("blue", "blue", 0.488),
                    ("green", "green", 0.555),
                    ("red", "red", 0.640),
                    ("NIR", "nir", 0.865),
                    ("SWIR1", "nir_1240", 1.240),
                    ("SWIR2", "swir1", 1.610),
                    ("SWIR3", "swir2", 2.250),
                )
            ),
            Layer(
                f"{_STEP}composite[ _]day[ _]of[ _]the[ _]year",
                "day_of_year",
                "1",
                fills=(-1,),
                valid=(1, 366),
                long_name="day of year of the observation",
            ),
        ),
        (
            Quality(f"{_STEP}VI[ _]Quality", "vi_quality", "quality bits of the indices", _VI_QUALITY, fill=65535),
            Quality(
                f"{_STEP}pixel[ _]reliability",
                "pixel_reliability",
                "rank of reliability",
                classes=tuple(
                    enumerate(
                        (
                            *("excellent", "good", "acceptable", "marginal", "pass", "questionable", "poor"),
                            *("cloud_shadow", "snow_ice", "cloud", "estimated", "long_term_average"),
                        )
                    )
                ),
                fill=-4,
            ),
        ),
        period="P16D",
        periods=((r".*13(?:A3|C2)", "P1M"),),
        sensors=_SENSORS,
        references=(
            "doi:10.5067/VIIRS/VNP13A1.002",
            "Didan K., Barreto Munoz A. (2018), VIIRS Vegetation Index Product Suite User Guide",
        ),
    ),
    Layout(
        "VNP09",
        "VIIRS surface reflectance",
        tiled(rf"{_P}09(?:A1|H1|GA)"),
        "hdf5",
        "eos",
        _bands("SurfReflect_{}(?:_1)?", -28672, (-100, 16000)),
        (
            Quality("SurfReflect_QC(?:_500m)?", "reflectance_quality", "quality bits of the bands (see the guide)"),
            Quality("SurfReflect_State(?:_500m)?", "state", "state of the pixel", _STATE, fill=65535),
        ),
        period="P1D",
        periods=((r".*09[AH]1", "P8D"),),
        sensors=_SENSORS,
        references=(
            "doi:10.5067/VIIRS/VNP09A1.002",
            "Roger J.-C. et al. (2016), VIIRS Surface Reflectance User's Guide",
        ),
    ),
    Layout(
        "VNP15",
        "VIIRS leaf area index and FPAR",
        tiled(rf"{_P}15A2H"),
        "hdf5",
        "eos",
        LAI_ROWS,
        (
            Quality("FparLai_QC", "lai_quality", "quality bits of LAI and FPAR", _LAI_QUALITY, fill=255),
            Quality("FparExtra_QC", "lai_extra_quality", "further quality bits of LAI and FPAR", _LAI_EXTRA, fill=255),
        ),
        period="P8D",
        sensors=_SENSORS,
        references=("doi:10.5067/VIIRS/VNP15A2H.002", "Park T., Myneni R. (2018), VIIRS LAI/FPAR User's Guide"),
    ),
    Layout(
        "VNP21",
        "VIIRS land surface temperature",
        tiled(rf"{_P}21(?:A1D|A1N|A2|C1|C2)"),
        "hdf5",
        "eos",
        (
            _temperature("LST_1KM", "lst", "land surface temperature"),
            _temperature("LST_Day_1KM", "lst_day", "land surface temperature by day"),
            _temperature("LST_Night_1KM", "lst_night", "land surface temperature by night"),
            *(
                Layer(
                    f"Emis_{band}(?:_1KM)?",
                    f"emissivity_m{band}",
                    "1",
                    0.002,
                    0.49,
                    fills=(0,),
                    valid=(1, 255),
                    long_name=f"emissivity in VIIRS band M{band}",
                )
                for band in ("14", "15", "16")
            ),
        ),
        (
            Quality("QC", "lst_quality", "quality bits of the temperature", _LST_QUALITY),
            Quality("QC_Day", "lst_day_quality", "quality bits of the temperature by day", _LST_QUALITY_8_DAYS),
            Quality("QC_Night", "lst_night_quality", "quality bits of the temperature by night", _LST_QUALITY_8_DAYS),
        ),
        period="P1D",
        periods=((r".*21(?:A2|C2)", "P8D"),),
        sensors=_SENSORS,
        references=("doi:10.5067/VIIRS/VNP21A1D.002", "Hulley G., Freepartner R., Malakar N. (2017), VNP21 User Guide"),
    ),
    Layout(
        "VNP43",
        "VIIRS BRDF, albedo and nadir reflectance",
        tiled(rf"{_P}43(?:IA|MA)[1234]"),
        "hdf5",
        "eos",
        (
            *_bands("Nadir_Reflectance_{}", 32767, (0, 32766)),
            *(
                Layer(
                    f"BRDF_Albedo_Parameters_{band}",
                    f"brdf_{band.lower()}",
                    "1",
                    1e-3,
                    fills=(32767,),
                    valid=(-32766, 32766),
                    declared=((1000.0, 1e-3),),
                    long_name=f"weights of the Ross-thick Li-sparse kernels in {band}",
                    extra=KERNELS,
                )
                for band in (*_NAMES, "vis", "nir", "shortwave")
            ),
            *(
                Layer(
                    f"Albedo_{short}_{band}",
                    f"albedo_{sky}_{band.lower()}",
                    "1",
                    1e-3,
                    fills=(32767,),
                    valid=(0, 32766),
                    declared=((1000.0, 1e-3),),
                    long_name=f"{sky.replace('_', '-')} albedo in {band}",
                )
                for sky, short in (("black_sky", "BSA"), ("white_sky", "WSA"))
                for band in (*_NAMES, "vis", "nir", "shortwave")
            ),
        ),
        tuple(
            Quality(
                f"BRDF_Albedo_Band_Mandatory_Quality_{band}",
                f"quality_{band.lower()}",
                f"mandatory quality in {band}",
                classes=((0, "full_inversion"), (1, "magnitude_inversion"), (255, "no_inversion")),
                fill=255,
            )
            for band in _NAMES
        ),
        period="P1D",
        sensors=_SENSORS,
        notes=(WINDOW,),
        references=("doi:10.5067/VIIRS/VNP43MA4.002", "Schaaf C., VIIRS BRDF/Albedo Product User Guide, UMass Boston"),
    ),
)
