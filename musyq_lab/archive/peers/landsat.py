"""Landsat surface products: Collection 2 Level-2 of USGS, and NBAR of Geoscience Australia.

Collection 2: Landsat 8-9 Collection 2 Level 2 Science Product Guide (LSDS-1619), tables 6-1 to 6-5, and LSDS-1618 for
Landsat 4-7; scale and offset of reflectance and temperature stand in the metadata text too and are compared.
NBAR: Li et al. (2010), doi 10.1109/JSTARS.2010.2042281; pixel quality: Sixsmith et al. (2013), GA PQ25.
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality

_OLI = (
    ("1", "coastal", 0.4430),
    ("2", "blue", 0.4826),
    ("3", "green", 0.5613),
    ("4", "red", 0.6546),
    ("5", "nir", 0.8646),
    ("6", "swir1", 1.6090),
    ("7", "swir2", 2.2010),
)
_TM = (
    ("1", "blue", 0.485),
    ("2", "green", 0.560),
    ("3", "red", 0.660),
    ("4", "nir", 0.830),
    ("5", "swir1", 1.650),
    ("7", "swir2", 2.215),
)
_LEVELS = ("not_set", "low", "medium", "high")
_CONFIDENCE = ("not_set", "low", "reserved", "high")
_YES = ("no", "yes")
_PIXEL = (
    Bits("fill", 0, 1, _YES),
    Bits("dilated_cloud", 1, 1, _YES),
    Bits("cirrus", 2, 1, _YES),
    Bits("cloud", 3, 1, _YES),
    Bits("cloud_shadow", 4, 1, _YES),
    Bits("snow", 5, 1, _YES),
    Bits("clear", 6, 1, _YES),
    Bits("water", 7, 1, _YES),
    Bits("cloud_confidence", 8, 2, _LEVELS),
    Bits("cloud_shadow_confidence", 10, 2, _CONFIDENCE),
    Bits("snow_ice_confidence", 12, 2, _CONFIDENCE),
    Bits("cirrus_confidence", 14, 2, _CONFIDENCE),
)
_AEROSOL = (
    Bits("fill", 0, 1, _YES),
    Bits("valid_retrieval", 1, 1, _YES),
    Bits("water", 2, 1, _YES),
    Bits("interpolated", 5, 1, _YES),
    Bits("level", 6, 2, ("climatology", "low", "medium", "high")),
)
_ATMOSPHERE = (
    Bits("dense_dark_vegetation", 0, 1, _YES),
    Bits("cloud", 1, 1, _YES),
    Bits("cloud_shadow", 2, 1, _YES),
    Bits("adjacent_to_cloud", 3, 1, _YES),
    Bits("snow", 4, 1, _YES),
    Bits("water", 5, 1, _YES),
)


_OPACITY = Layer(
    "SR_ATMOS_OPACITY",
    "atmospheric_opacity",
    "1",
    1e-3,
    fills=(-9999,),
    long_name="opacity of the atmosphere over dark vegetation: below 0.1 clear, above 0.3 hazy",
)


def _reflectances(rows: tuple[tuple[str, str, float], ...]) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            f"SR_B{band}",
            f"reflectance_{role}",
            "1",
            2.75e-5,
            -0.2,
            fills=(0,),
            valid=(1, 65535),
            constants=(f"REFLECTANCE_MULT_BAND_{band}", f"REFLECTANCE_ADD_BAND_{band}"),
            wavelength=centre,
        )
        for band, role, centre in rows
    )


def _thermal(band: str) -> tuple[Layer, ...]:
    def layer(path: str, name: str, units: str, scale: float, text: str) -> Layer:
        return Layer(path, name, units, scale, fills=(-9999,), long_name=text)

    radiance = "W m-2 sr-1 um-1"
    return (
        Layer(
            f"ST_B{band}",
            "lst",
            "K",
            0.00341802,
            149.0,
            fills=(0,),
            valid=(1, 65535),
            constants=(f"TEMPERATURE_MULT_BAND_ST_B{band}", f"TEMPERATURE_ADD_BAND_ST_B{band}"),
            long_name="land surface temperature",
            standard_name="surface_temperature",
        ),
        layer("ST_QA", "lst_uncertainty", "K", 0.01, "uncertainty of the land surface temperature"),
        layer("ST_EMIS", "emissivity", "1", 1e-4, "emissivity of the thermal band, from ASTER GED"),
        layer("ST_EMSD", "emissivity_uncertainty", "1", 1e-4, "standard deviation of the emissivity"),
        layer(
            "ST_ATRAN", "atmospheric_transmittance", "1", 1e-4, "transmittance of the atmosphere in the thermal band"
        ),
        layer("ST_URAD", "upwelled_radiance", radiance, 1e-3, "radiance that the atmosphere emits upward"),
        layer("ST_DRAD", "downwelled_radiance", radiance, 1e-3, "radiance that the atmosphere emits downward"),
        layer("ST_TRAD", "thermal_radiance", radiance, 1e-3, "radiance of the thermal band at the sensor"),
        layer("ST_CDIST", "cloud_distance", "km", 0.01, "distance to the next cloud"),
    )


def _saturation(bits: tuple[tuple[int, str], ...]) -> Quality:
    return Quality(
        "QA_RADSAT",
        "saturation",
        "bands that are saturated, and pixels that were not seen",
        tuple(Bits(name, bit, 1, _YES) for bit, name in bits),
    )


_OLI_SATURATION = (*((n - 1, f"band_{n}_saturated") for n in (1, 2, 3, 4, 5, 6, 7, 9)), (11, "terrain_occlusion"))
_TM_SATURATION = (
    *((n - 1, f"band_{n}_saturated") for n in (1, 2, 3, 4, 5)),
    *((5, "band_6_low_gain_saturated"), (6, "band_7_saturated"), (8, "band_6_high_gain_saturated")),
    (9, "dropped_pixel"),
)


def _collection2(
    key: str, numbers: str, title: str, layers: tuple[Layer, ...], own: tuple[Quality, ...], sensor: str
) -> Layout:
    return Layout(
        key,
        title,
        (
            rf"(?P<granule>(?P<product>L{numbers}_L2S[PR])_(?P<tile>\d{{6}})_(?P<date>\d{{8}})_\d{{8}}_(?P<version>\d\d)_\w\w)"
            r"_(?P<layer>(?:SR|ST|QA)_\w+)\.tiff?",
        ),
        "geotiff",
        "raster",
        layers,
        (Quality("QA_PIXEL", "pixel_quality", "quality bits of the pixel", _PIXEL, fill=1), *own),
        dates=("%Y%m%d",),
        sensor=sensor,
        sidecar=r"{granule}_MTL\.txt",
        notes=("Mask by pixel_quality (bit 6, clear) before any statistics.",),
        references=("doi:10.5066/P9OGBGM6", "USGS LSDS-1619, Landsat 8-9 Collection 2 Level 2 Science Product Guide"),
    )


LAYOUTS = (
    _collection2(
        "L2SP_OLI",
        "[CO]0[89]",
        "Landsat 8-9 Collection 2 surface reflectance and temperature",
        (*_reflectances(_OLI), *_thermal("10")),
        (
            _saturation(_OLI_SATURATION),
            Quality("SR_QA_AEROSOL", "aerosol_quality", "quality bits of the aerosol", _AEROSOL),
        ),
        "OLI/TIRS Landsat 8-9",
    ),
    _collection2(
        "L2SP_TM",
        "[TE]0[457]",
        "Landsat 4-7 Collection 2 surface reflectance and temperature",
        (*_reflectances(_TM), *_thermal("6"), _OPACITY),
        (
            _saturation(_TM_SATURATION),
            Quality("SR_CLOUD_QA", "atmosphere_quality", "bits of the atmospheric correction", _ATMOSPHERE),
        ),
        "TM/ETM+ Landsat 4-7",
    ),
    Layout(
        "GA_NBAR",
        "Landsat nadir reflectance of Geoscience Australia",
        (
            r"(?P<product>LS[57]_\w+?_NBAR)_P\d\d_GANBAR\d\d-\d{3}_(?P<tile>\d{3}_\d{3})_(?P<granule>(?P<date>\d{8}))"
            r"_(?P<layer>B\d\d)\.tiff?",
            r"(?P<sensor>LS[57]_\w+?)_PQ_P\d\d_GAPQ\d\d-\d{3}_(?P<tile>\d{3}_\d{3})_(?P<granule>(?P<date>\d{8}))"
            r"_(?P<layer>\d{16})\.tiff?",
        ),
        "geotiff",
        "raster",
        tuple(
            Layer(f"B{band}0", f"reflectance_{role}", "1", 1e-4, fills=(-999,), valid=(-998, 16000), wavelength=centre)
            for band, role, centre in _TM
        ),
        (
            Quality(
                r"\d{16}",
                "pixel_quality",
                "pixel quality: a set bit is a test passed",
                tuple(
                    Bits(name, bit, 1, ("", "passed"))
                    for bit, name in enumerate(
                        (
                            *(f"band_{n}_not_saturated" for n in ("1", "2", "3", "4", "5", "61", "62", "7")),
                            *("contiguous", "land", "no_cloud_acca", "no_cloud_fmask"),
                            *("no_cloud_shadow_acca", "no_cloud_shadow_fmask"),
                        )
                    )
                ),
            ),
        ),
        dates=("%Y%m%d",),
        sensor="TM/ETM+ Landsat 5-7",
        notes=("Reflectance normalised to nadir view and a Sun zenith of 45 degrees.",),
        references=("doi:10.1109/JSTARS.2010.2042281",),
    ),
)
