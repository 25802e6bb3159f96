"""Vegetation indices, LAI and FPAR of MODIS.

Names, fills, ranges and scales: MODIS Vegetation Index User's Guide, MOD13 Collection 6.1 (Didan and Barreto Munoz
2019), tables 3, 4, 7 and 8; MODIS LAI/FPAR User's Guide Collection 6 (Myneni and Park 2015), table 3, and the file
specification MOD15A2H_c6 (LAADS).
"""

from __future__ import annotations

from musyq_lab.archive.peers._modis import DIVIDE_10000, LAI_EXTRA, LAI_QUALITY, SENSORS, VI_QUALITY, tiled
from musyq_lab.archive.peers.layout import Layer, Layout, Quality

_STEP = r"(?:250m|500m|1[ _]km|CMG[ _]0\.05[ _]Deg)[ _](?:16[ _]days|monthly|Monthly)[ _]"
_ANGLE = ((100.0, 0.01), (10.0, 0.1))  # Collection 5 wrote tenths of degrees for some, 6 hundredths for all


def _index(layer: str, name: str, text: str) -> Layer:
    return Layer(
        f"(?:{_STEP})?{layer}",
        name,
        "1",
        1e-4,
        fills=(-3000,),
        valid=(-2000, 10000),
        declared=DIVIDE_10000,
        long_name=text,
        standard_name="normalized_difference_vegetation_index" if name == "ndvi" else "",
    )


def _reflectance(layer: str, role: str, centre: float) -> Layer:
    return Layer(
        f"(?:{_STEP})?{layer}(?:[ _]reflectance)?",
        f"reflectance_{role}",
        "1",
        1e-4,
        fills=(-1000,),
        valid=(0, 10000),
        declared=DIVIDE_10000,
        wavelength=centre,
    )


def _angle(layer: str, name: str, fill: float) -> Layer:
    return Layer(f"(?:{_STEP})?{layer}", name, "degree", 0.01, fills=(fill,), declared=_ANGLE)


_VI = (
    _index("NDVI", "ndvi", "normalized difference vegetation index"),
    _index("EVI", "evi", "enhanced vegetation index"),
    _reflectance("red", "red", 0.645),
    _reflectance("NIR", "nir", 0.8585),
    _reflectance("blue", "blue", 0.469),
    _reflectance("MIR", "swir2", 2.130),
    _angle("view[ _]zenith[ _]angle", "view_zenith", -10000),
    _angle("(?:sun[ _]zenith[ _]angle|Avg[ _]sun[ _]zen[ _]angle)", "sun_zenith", -10000),
    _angle("relative[ _]azimuth[ _]angle", "relative_azimuth", -4000),
    Layer(
        f"(?:{_STEP})?composite[ _]day[ _]of[ _]the[ _]year",
        "day_of_year",
        "1",
        fills=(-1,),
        valid=(1, 366),
        long_name="day of year of the observation",
    ),
)
_VI_QUALITY = (
    Quality(f"(?:{_STEP})?VI[ _]Quality", "vi_quality", "quality bits of the indices", VI_QUALITY, fill=65535),
    Quality(
        f"(?:{_STEP})?pixel[ _]reliability",
        "pixel_reliability",
        "rank of reliability",
        classes=(
            (-1, "no_data"),
            (0, "good"),
            (1, "marginal"),
            (2, "snow_ice"),
            (3, "cloudy"),
            (4, "estimated_from_history"),
        ),
        fill=-1,
    ),
)
_VI_REFERENCES = (
    "doi:10.5067/MODIS/MOD13A1.061",
    "Didan K., Barreto Munoz A. (2019), MODIS Vegetation Index User's Guide (MOD13 Series), Collection 6.1",
)

_FPAR = "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"

LAI_ROWS = tuple(
    Layer(
        rf"{path}(?:_500m|_1km)?",
        name,
        units,
        scale,
        fills=tuple(range(first_fill, 256)),
        valid=(0, 100),
        long_name=text,
        standard_name=standard,
    )
    for path, name, units, scale, first_fill, text, standard in (
        ("Lai", "lai", "m2 m-2", 0.1, 249, "leaf area index, one-sided", "leaf_area_index"),
        ("Fpar", "fpar", "1", 0.01, 249, "fraction of absorbed photosynthetically active radiation", _FPAR),
        ("LaiStdDev", "lai_uncertainty", "m2 m-2", 0.1, 248, "standard deviation of the solutions for LAI", ""),
        ("FparStdDev", "fpar_uncertainty", "1", 0.01, 248, "standard deviation of the solutions for FPAR", ""),
    )
)
"""LAI and FPAR with their spread; VNP15 has the same, without a suffix."""

_LAI_QUALITY = (
    Quality("FparLai_QC", "lai_quality", "quality bits of LAI and FPAR", LAI_QUALITY, fill=255),
    Quality("FparExtra_QC", "lai_extra_quality", "further quality bits of LAI and FPAR", LAI_EXTRA, fill=255),
)

LAYOUTS = (
    Layout(
        "MOD13",
        "MODIS vegetation indices",
        tiled(r"M[OY]D13(?:A[123]|Q1|C[12])"),
        "hdf4",
        "eos",
        _VI,
        _VI_QUALITY,
        period="P16D",
        periods=((r".*(?:A3|C2)", "P1M"),),
        sensors=SENSORS,
        references=_VI_REFERENCES,
    ),
    Layout(
        "MOD13_GEOTIFF",
        "MODIS vegetation indices, layers as GeoTIFF",
        (
            # MODIStsp
            r"(?P<product>M[OY]D13(?:A[123]|Q1|C[12]))_(?P<layer>[A-Za-z_]+)_(?P<granule>(?P<date>\d{4}_\d{3}))\.tiff?",
            # AppEEARS
            r"(?P<product>M[OY]D13(?:A[123]|Q1|C[12]))\.(?P<version>\d{3})__?(?P<layer>.+?)"
            r"_(?P<granule>doy(?P<date>\d{7})\d*_aid\d{4})\.tiff?",
        ),
        "geotiff",
        "raster",
        _VI,
        _VI_QUALITY,
        dates=("%Y_%j", "%Y%j"),
        period="P16D",
        periods=((r".*(?:A3|C2)", "P1M"),),
        sensors=SENSORS,
        scaled_floats=True,
        notes=("Files of floating-point numbers are taken as scaled already; files of integers are scaled here.",),
        references=_VI_REFERENCES,
    ),
    Layout(
        "MOD13Q1",
        "MODIS vegetation indices, series as GeoTIFF with one band a date",
        (r"(?P<layer>blue|red|nir|mir|evi|ndvi|doy)(?P<granule>)\.tiff?",),
        "geotiff",
        "raster",
        (
            *(
                Layer(
                    row.path,
                    row.name,
                    row.units,
                    fills=(-1.7e308,),
                    valid=(-0.2, 1.0),
                    long_name=row.long_name,
                    standard_name=row.standard_name,
                )
                for row in _VI[:2]
            ),
            *(
                Layer(row.path, row.name, "1", fills=(-1.7e308,), valid=(0.0, 1.0), wavelength=row.wavelength)
                for row in _VI[2:6]
            ),
            Layer("doy", "day_of_year", "1", fills=(-1.7e308,), valid=(1, 366), long_name=_VI[9].long_name),
        ),
        timeline="timeline",
        period="P16D",
        sensor="MODIS Terra",
        notes=("Values are scaled already; layers of the R package dtwSat.",),
        references=("doi:10.18637/jss.v088.i05", *_VI_REFERENCES),
    ),
    Layout(
        "MOD15",
        "MODIS leaf area index and FPAR",
        tiled(r"(?:MOD|MYD|MCD)15A[23]H?"),
        "hdf4",
        "eos",
        LAI_ROWS,
        _LAI_QUALITY,
        period="P8D",
        periods=((r"MCD15A3H?", "P4D"),),
        sensors=SENSORS,
        references=(
            "doi:10.5067/MODIS/MOD15A2H.061",
            "Myneni R., Park T. (2015), MODIS Collection 6 LAI/FPAR Product User's Guide",
        ),
    ),
)
