"""Sentinel-2 MSI, Level-1C and Level-2A in SAFE layout, as a folder or a zip file."""

from __future__ import annotations

import xarray as xr

from musyq_lab.core.sensor import Band, Calibration, Mark, Sensor
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._sentinel2 import open_tile, tile_grids

SPEC = Sensor(
    key="sentinel2_msi",
    title="Sentinel-2 MSI",
    platforms=("Sentinel-2A", "Sentinel-2B", "Sentinel-2C"),
    resolution=10,
    swath=290,
    years=(2015, None),
    bands=(
        Band("coastal", "B01", 0.4427, 0.0197, 60, 1902.3, snr=129, variant="Sentinel-2A"),
        Band("blue", "B02", 0.4927, 0.0643, 10, 1979.9, snr=154, variant="Sentinel-2A"),
        Band("green", "B03", 0.5598, 0.0348, 10, 1869.0, snr=168, variant="Sentinel-2A"),
        Band("red", "B04", 0.6646, 0.0306, 10, 1530.8, snr=142, variant="Sentinel-2A"),
        Band("red_edge_1", "B05", 0.7041, 0.0140, 20, 1410.8, snr=117, variant="Sentinel-2A"),
        Band("red_edge_2", "B06", 0.7405, 0.0136, 20, 1287.2, snr=89, variant="Sentinel-2A"),
        Band("red_edge_3", "B07", 0.7827, 0.0190, 20, 1177.2, snr=105, variant="Sentinel-2A"),
        Band("nir", "B08", 0.8328, 0.1048, 10, 1043.7, snr=174, variant="Sentinel-2A"),
        Band("nir_narrow", "B8A", 0.8647, 0.0205, 20, 949.8, snr=72, variant="Sentinel-2A"),
        Band("water_vapour", "B09", 0.9450, 0.0194, 60, 811.4, snr=114, variant="Sentinel-2A"),
        Band("cirrus", "B10", 1.3735, 0.0291, 60, 358.2, snr=50, variant="Sentinel-2A"),
        Band("swir1", "B11", 1.6137, 0.0897, 20, 236.7, snr=100, variant="Sentinel-2A"),
        Band("swir2", "B12", 2.2024, 0.1736, 20, 81.1, snr=100, variant="Sentinel-2A"),
        Band("coastal", "B01", 0.4422, 0.0202, 60, 1892.9, snr=129, variant="Sentinel-2B"),
        Band("blue", "B02", 0.4924, 0.0649, 10, 1980.0, snr=154, variant="Sentinel-2B"),
        Band("green", "B03", 0.5589, 0.0351, 10, 1870.3, snr=168, variant="Sentinel-2B"),
        Band("red", "B04", 0.6650, 0.0303, 10, 1531.7, snr=142, variant="Sentinel-2B"),
        Band("red_edge_1", "B05", 0.7038, 0.0141, 20, 1412.0, snr=117, variant="Sentinel-2B"),
        Band("red_edge_2", "B06", 0.7391, 0.0136, 20, 1290.9, snr=89, variant="Sentinel-2B"),
        Band("red_edge_3", "B07", 0.7797, 0.0198, 20, 1185.1, snr=105, variant="Sentinel-2B"),
        Band("nir", "B08", 0.8329, 0.1049, 10, 1043.2, snr=174, variant="Sentinel-2B"),
        Band("nir_narrow", "B8A", 0.8640, 0.0207, 20, 948.9, snr=72, variant="Sentinel-2B"),
        Band("water_vapour", "B09", 0.9432, 0.0195, 60, 816.2, snr=114, variant="Sentinel-2B"),
        Band("cirrus", "B10", 1.3769, 0.0297, 60, 356.1, snr=50, variant="Sentinel-2B"),
        Band("swir1", "B11", 1.6104, 0.0935, 20, 238.0, snr=100, variant="Sentinel-2B"),
        Band("swir2", "B12", 2.1857, 0.1834, 20, 83.4, snr=100, variant="Sentinel-2B"),
        Band("coastal", "B01", 0.4442, 0.0203, 60, 1927.9, snr=129, variant="Sentinel-2C"),
        Band("blue", "B02", 0.4890, 0.0653, 10, 1989.0, snr=154, variant="Sentinel-2C"),
        Band("green", "B03", 0.5606, 0.0354, 10, 1868.6, snr=168, variant="Sentinel-2C"),
        Band("red", "B04", 0.6665, 0.0304, 10, 1527.1, snr=142, variant="Sentinel-2C"),
        Band("red_edge_1", "B05", 0.7071, 0.0153, 20, 1400.6, snr=117, variant="Sentinel-2C"),
        Band("red_edge_2", "B06", 0.7411, 0.0153, 20, 1286.6, snr=89, variant="Sentinel-2C"),
        Band("red_edge_3", "B07", 0.7847, 0.0203, 20, 1171.1, snr=105, variant="Sentinel-2C"),
        Band("nir", "B08", 0.8346, 0.0958, 10, 1038.5, snr=174, variant="Sentinel-2C"),
        Band("nir_narrow", "B8A", 0.8656, 0.0200, 20, 952.1, snr=72, variant="Sentinel-2C"),
        Band("water_vapour", "B09", 0.9472, 0.0200, 60, 806.0, snr=114, variant="Sentinel-2C"),
        Band("cirrus", "B10", 1.3722, 0.0331, 60, 359.1, snr=50, variant="Sentinel-2C"),
        Band("swir1", "B11", 1.6120, 0.0903, 20, 237.3, snr=100, variant="Sentinel-2C"),
        Band("swir2", "B12", 2.1913, 0.1832, 20, 82.7, snr=100, variant="Sentinel-2C"),
    ),
    patterns=(
        r"(?P<granule>MTD_MSIL(?:1C|2A))\.xml",
        r"(?P<granule>(?:L2A_)?T\d\d[A-Z]{3}_\d{8}T\d{6})_\w+\.jp2",
    ),
    folders=(
        r"(?P<granule>S2[A-D]_MSIL(?:1C|2A)_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d\d[A-Z]{3}_\d{8}T\d{6})(?:\.SAFE)?(?:\.zip)?",
        r"(?P<granule>S2[A-D]_OPER_PRD_MSIL1C_\w+)(?:\.SAFE)?(?:\.zip)?",
    ),
    marks=(Mark("text", r"S2[A-D]_MSIL(?:1C|2A)_\d{8}T\d{6}_N\d{4}|Level-(?:1C|2A)_User_Product"),),
    reader="rasterio",
    geometry="projected",
    response="measured",
    quirks=(
        "Since processing baseline 04.00 (25 January 2022) 1000 is added to the counts; the metadata say so and it is "
        "taken off.",
        "Level-1C has each band on one grid; Level-2A has most on 20 m and 60 m too, and lacks the cirrus band.",
        "Viewing angles are those of the red band. Those of the others differ by up to 0.15 degrees of zenith and 5 of "
        "azimuth at the median of a tile, by 0.5 and 19 where detectors meet (measured on one tile).",
        "Where detectors meet, the viewing azimuth jumps; the points given every 5 km smooth that.",
        "The time of an old tile is the start of its datastrip, minutes too early (2.5 in a tile of baseline 02.06).",
        "The cloud mask of Level-1C before baseline 04.00 misses clouds (Coluzzi et al. 2018).",
    ),
    references=(
        "S2-PDGS-TAS-DI-PSD-V14.9, Sentinel-2 Products Specification Document (layout, radiometry, masks)",
        "Spectral responses S2-SRF V4.0 (COPE-GSEG-EOPG-TN-15-0007), from which centre and FWHM are computed",
        "Signal-to-noise ratio as specified: Drusch et al. 2012, doi:10.1016/j.rse.2011.11.026, table 1",
        "Cloud mask of Level-1C: Coluzzi et al. 2018, doi:10.1016/j.rse.2018.08.009",
    ),
)


def grids(granule: Granule) -> dict[float, list[str]]:
    """Return the grids that the files of a tile hold: sampling distance (m) -> bands, finest first."""
    return tile_grids(granule)


def open(granule: Granule, *, resolution: float, calibration: Calibration) -> xr.Dataset:
    """Open a tile lazily (see :func:`musyq_lab.sensors._open.open_scene`)."""
    return open_tile(granule, resolution=resolution, calibration=calibration)
