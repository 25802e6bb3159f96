"""What the rows of MODIS products share."""

from __future__ import annotations

from dataclasses import replace

from musyq_lab.archive.peers.layout import Bits, Layer, Layout

SENSORS = (("MOD", "MODIS Terra"), ("MYD", "MODIS Aqua"), ("MCD", "MODIS Terra and Aqua"))
"""Beginning of a product's name -> instrument."""

BANDS = (
    ("1", "red", 0.645),
    ("2", "nir", 0.8585),
    ("3", "blue", 0.469),
    ("4", "green", 0.555),
    ("5", "nir_1240", 1.240),
    ("6", "swir1", 1.640),
    ("7", "swir2", 2.130),
)
"""Number, role and centre (um) of the land bands (MODIS specification: middle of the bandwidth)."""

KERNELS = ("kernel", ("isotropic", "volumetric", "geometric"))
"""Further axis of the BRDF parameters of MCD43A1 and VNP43A1."""
WINDOW = "The date is the ninth day of the sixteen that a value rests on, and weighs most (Collection 5: the first)."
"""What the date of MCD43 and VNP43 means (MODIS User Guide V006: "temporally weighted to the ninth day")."""

DIVIDE_10000 = ((10000.0, 1e-4),)
"""Files that call 10000 a scale and mean division by it."""


def tiled(products: str) -> tuple[str, ...]:
    """Return the pattern of tiled and of global files, such as ``MOD13A1.A2016001.h18v04.061.2020050.hdf``.

    Files in near real time (LANCE) have NRT in their names.
    """
    return (
        rf"(?P<granule>(?P<product>{products})(?:_NRT)?\.A(?P<date>\d{{7}})(?:\.(?P<tile>h\d\dv\d\d))?"
        r"\.(?P<version>\d{3})\.(?:\d{10,13}(?:\.NRT)?|NRT))\.(?:hdf|h5)",
    )


def as_geotiff(layout: Layout, products: str) -> Layout:
    """Return the layout of the same layers as AppEEARS delivers them: a GeoTIFF for each layer and date.

    Parameters
    ----------
    layout : Layout
        Of the tiled files.
    products : str
        Regular expression of the products.
    """
    name = (
        rf"(?P<product>{products})\.(?P<version>\d{{3}})__?(?P<layer>.+?)"
        r"_(?P<granule>doy(?P<date>\d{7})\d*_aid\d{4})\.tiff?"
    )
    return replace(layout, key=f"{layout.key}_GEOTIFF", patterns=(name,), container="geotiff", grid="raster")


def reflectances(path: str, row: Layer) -> tuple[Layer, ...]:
    """Return a row for each land band; ``{}`` in the path is its number.

    Parameters
    ----------
    path : str
        Regular expression with ``{}``.
    row : Layer
        What the bands share.
    """
    return tuple(
        Layer(
            path.format(number),
            f"reflectance_{role}",
            "1",
            row.scale,
            row.offset,
            row.fills,
            row.valid,
            row.declared,
            row.trust,
            wavelength=centre,
        )
        for number, role, centre in BANDS
    )


YES = ("no", "yes")
LAND_WATER = (
    "shallow_ocean",
    "land",
    "coastline_or_shoreline",
    "shallow_inland_water",
    "ephemeral_water",
    "deep_inland_water",
    "moderate_or_continental_ocean",
    "deep_ocean",
)
VI_QUALITY = (
    Bits("vi", 0, 2, ("good", "check_other_qa", "most_probably_cloudy", "not_produced_for_other_reasons")),
    Bits("usefulness", 2, 4, ("highest", "lower", *("",) * 10, "lowest", "not_useful", "l1b_faulty", "not_processed")),
    Bits("aerosol", 6, 2, ("climatology", "low", "intermediate", "high")),
    Bits("adjacent_cloud", 8, 1, YES),
    Bits("atmosphere_brdf_correction", 9, 1, YES),
    Bits("mixed_clouds", 10, 1, YES),
    Bits("land_water", 11, 3, LAND_WATER),
    Bits("possible_snow_ice", 14, 1, YES),
    Bits("possible_shadow", 15, 1, YES),
)
"""VI Quality: MODIS VI User's Guide (MOD13, Collection 6.1, 2019), table 5; VNP13 keeps it."""

LAI_QUALITY = (
    Bits("modland", 0, 1, ("good", "other")),
    Bits("sensor", 1, 1, ("terra", "aqua")),
    Bits("dead_detector", 2, 1, YES),
    Bits("cloud", 3, 2, ("clear", "significant", "mixed", "not_defined_assumed_clear")),
    Bits(
        "algorithm",
        5,
        3,
        ("main", "main_saturated", "empirical_bad_geometry", "empirical_other_reasons", "not_produced"),
    ),
)
"""FparLai_QC: MOD15A2H file specification (LAADS, 2013); MOD15 User's Guide Collection 6, table 5."""

LAI_EXTRA = (
    Bits("land_sea", 0, 2, ("land", "shore", "freshwater", "ocean")),
    Bits("snow_ice", 2, 1, YES),
    Bits("aerosol_average_or_high", 3, 1, YES),
    Bits("cirrus", 4, 1, YES),
    Bits("internal_cloud", 5, 1, YES),
    Bits("cloud_shadow", 6, 1, YES),
    Bits("biome", 7, 1, ("outside_1_to_4", "within_1_to_4")),
)
"""FparExtra_QC: the same sources, table 6; the file's own FPAR_EXTRA_QC_DOC for bit 7."""

LST_QUALITY = (
    Bits("mandatory", 0, 2, ("good", "check_other_qa", "not_produced_cloud", "not_produced_other")),
    Bits("data_quality", 2, 2, ("good", "other")),
    Bits("emissivity_error", 4, 2, ("up_to_0.01", "up_to_0.02", "up_to_0.04", "above_0.04")),
    Bits("lst_error", 6, 2, ("up_to_1K", "up_to_2K", "up_to_3K", "above_3K")),
)
"""QC_Day, QC_Night: MOD11 Collection-6 Users' Guide (Wan 2013), table 13."""
