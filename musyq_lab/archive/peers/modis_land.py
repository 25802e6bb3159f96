"""Surface temperature and surface reflectance of MODIS.

MOD11: Collection-6 MODIS Land Surface Temperature Products Users' Guide (Wan 2013), tables 5, 9, 10, 14 and 15.
MOD09: MODIS Surface Reflectance User's Guide, Collection 6 (Vermote, Roger and Ray 2015), tables 2, 10 and 13;
the bits of 250 m: file specifications MOD09Q1 and MOD09GQ of Collection 6.1 (LAADS).
"""

from __future__ import annotations

from musyq_lab.archive.peers._modis import DIVIDE_10000, LAND_WATER, LST_QUALITY, SENSORS, YES, reflectances, tiled
from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality

_CELL = "(?:_1km|_6km|_CMG)?"


def _emissivity(band: str) -> Layer:
    return Layer(
        f"Emis_{band}(?:_1km)?",
        f"emissivity_{band}",
        "1",
        0.002,
        0.49,
        fills=(0,),
        valid=(1, 255),
        long_name=f"emissivity in MODIS band {band}",
    )


def _half(when: str) -> tuple[Layer, ...]:
    ours = when.lower()
    return (
        Layer(
            f"LST_{when}{_CELL}",
            f"lst_{ours}",
            "K",
            0.02,
            fills=(0,),
            valid=(7500, 65535),
            long_name=f"land surface temperature by {ours}",
            standard_name="surface_temperature",
        ),
        Layer(
            f"{when}_view_time",
            f"view_time_{ours}",
            "hour",
            0.1,
            fills=(255,),
            valid=(0, 240),
            declared=((0.2, 0.2),),
            long_name=f"local solar time of the observation by {ours}",
        ),
        Layer(
            f"{when}_view_angl",
            f"view_zenith_{ours}",
            "degree",
            1.0,
            -65.0,
            fills=(255,),
            valid=(0, 130),
            long_name=f"zenith angle of the view by {ours}, negative when seen from the east",
        ),
    )


_LST_REFERENCES = (
    "doi:10.5067/MODIS/MOD11A1.061",
    "Wan Z. (2013), Collection-6 MODIS Land Surface Temperature Products Users' Guide",
)
_SR_REFERENCES = (
    "doi:10.5067/MODIS/MOD09A1.061",
    "Vermote E., Roger J.-C., Ray J. (2015), MODIS Surface Reflectance User's Guide, Collection 6",
)

STATE = (
    Bits("cloud", 0, 2, ("clear", "cloudy", "mixed", "not_set_assumed_clear")),
    Bits("cloud_shadow", 2, 1, YES),
    Bits("land_water", 3, 3, LAND_WATER),
    Bits("aerosol", 6, 2, ("climatology", "low", "average", "high")),
    Bits("cirrus", 8, 2, ("none", "small", "average", "high")),
    Bits("internal_cloud", 10, 1, YES),
    Bits("internal_fire", 11, 1, YES),
    Bits("mod35_snow_ice", 12, 1, YES),
    Bits("adjacent_cloud", 13, 1, YES),
    Bits("salt_pan", 14, 1, YES),
    Bits("internal_snow", 15, 1, YES),
)
_BAND_QUALITY = ("highest", *("",) * 6, "noisy_detector", "dead_detector_interpolated", "sun_zenith_86_or_more",
                 "sun_zenith_85_to_86", "missing_input", "internal_constant_used", "out_of_bounds_corrected",
                 "l1b_faulty", "not_processed")  # fmt: skip
_BANDS_QUALITY = (
    Bits("modland", 0, 2, ("ideal", "less_than_ideal", "not_produced_cloud", "not_produced_other")),
    *(Bits(f"band_{band}", 4 * band - 2, 4, _BAND_QUALITY) for band in range(1, 8)),
    Bits("atmospheric_correction", 30, 1, YES),
    Bits("adjacency_correction", 31, 1, YES),
)
_BANDS_QUALITY_250M = (
    *_BANDS_QUALITY[:1],
    Bits("cloud", 2, 2, STATE[0].meanings),
    *(Bits(f"band_{band}", 4 * band, 4, _BAND_QUALITY) for band in (1, 2)),
    Bits("atmospheric_correction", 12, 1, YES),
    Bits("adjacency_correction", 13, 1, YES),
    Bits("other_orbit_than_500m", 14, 1, YES),
)


def _angle(path: str, name: str, text: str, valid: tuple[float, float]) -> Layer:
    return Layer(path, name, "degree", 0.01, fills=(0,), valid=valid, long_name=text)


LAYOUTS = (
    Layout(
        "MOD11",
        "MODIS land surface temperature",
        tiled(r"M[OY]D11(?:A[12]|B[123]|C[123])"),
        "hdf4",
        "eos",
        (
            *_half("Day"),
            *_half("Night"),
            *(_emissivity(band) for band in ("20", "22", "23", "29", "31", "32")),
            Layer(
                "Clear_(?:day|sky)_cov",
                "clear_day_fraction",
                "1",
                None,
                fills=(0,),
                long_name="clear part of the cell by day",
            ),
        ),
        (
            Quality("QC_Day", "lst_day_quality", "quality bits of the temperature by day", LST_QUALITY),
            Quality("QC_Night", "lst_night_quality", "quality bits of the temperature by night", LST_QUALITY),
        ),
        period="P1D",
        periods=((r".*11(?:A2|B2|C2)", "P8D"), (r".*11[BC]3", "P1M")),
        sensors=SENSORS,
        references=_LST_REFERENCES,
    ),
    Layout(
        "MOD11_L2",
        "MODIS land surface temperature, swath",
        (
            r"(?P<granule>(?P<product>M[OY]D11_L2)\.A(?P<date>\d{7}\.\d{4})\.(?P<version>\d{3})\.\d{10,13})\.hdf",
        ),
        "hdf4",
        "swath",
        (
            Layer(
                "LST",
                "lst",
                "K",
                0.02,
                fills=(0,),
                valid=(7500, 65535),
                long_name="land surface temperature",
                standard_name="surface_temperature",
            ),
            Layer(
                "Error_LST",
                "lst_uncertainty",
                "K",
                0.04,
                fills=(0,),
                valid=(1, 255),
                long_name="error of the land surface temperature",
            ),
            _emissivity("31"),
            _emissivity("32"),
            Layer("View_angle", "view_zenith", "degree", 0.5, fills=(255,), valid=(0, 180), long_name="view zenith"),
        ),
        # 16 bits, of which the first four are those of the tiles; the others could not be read up: [K].
        (Quality("QC", "lst_quality", "quality bits of the temperature (4 to 15: see the guide)", LST_QUALITY[:2]),),
        dates=("%Y%j.%H%M",),
        period="PT5M",
        sensors=SENSORS,
        ties=(("Latitude", "latitude", "degrees_north"), ("Longitude", "longitude", "degrees_east")),
        # Every fifth pixel and line from the third on (StructMetadata of MOD11_L2: offset 2, increment 5).
        tie_geometry=(2.5, 5.0, 2.5, 5.0),
        notes=("Coordinates are interpolated from every fifth pixel, across the seams of scans too.",),
        references=_LST_REFERENCES,
    ),
    Layout(
        "MOD09",
        "MODIS surface reflectance",
        tiled(r"M[OY]D09(?:A1|GA|Q1|GQ)"),
        "hdf4",
        "eos",
        (
            *reflectances(
                "sur_refl_b0{}(?:_1)?",
                Layer("", "", "1", 1e-4, fills=(-28672,), valid=(-100, 16000), declared=DIVIDE_10000),
            ),
            _angle("sur_refl_szen", "sun_zenith", "zenith angle of the Sun", (0, 18000)),
            _angle("sur_refl_vzen", "view_zenith", "zenith angle of the sensor", (0, 18000)),
            _angle("sur_refl_raz", "relative_azimuth", "azimuth between Sun and sensor", (-18000, 18000)),
            Layer(
                "sur_refl_day_of_year",
                "day_of_year",
                "1",
                fills=(65535,),
                valid=(1, 366),
                long_name="day of year of the observation",
            ),
        ),
        (
            Quality("sur_refl_qc_500m|QC_500m_1", "reflectance_quality", "quality bits of the bands", _BANDS_QUALITY,
                    fill=4294967295),
            Quality("sur_refl_qc_250m|QC_250m_1", "reflectance_quality_250m", "quality bits of the bands of 250 m",
                    _BANDS_QUALITY_250M),
            Quality("sur_refl_state_(?:500m|250m)|state_1km_1", "state", "state of the pixel", STATE, fill=65535),
        ),
        period="P8D",
        periods=((r".*09G[AQ]", "P1D"),),
        sensors=SENSORS,
        notes=("An angle of exactly 0 is stored like a missing one.",),
        references=_SR_REFERENCES,
    ),
)  # fmt: skip
