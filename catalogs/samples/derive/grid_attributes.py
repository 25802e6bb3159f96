"""CF attributes of the gridded samples, and what is known about their coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

GHI_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "ghi": {
        "standard_name": "surface_downwelling_shortwave_flux_in_air",
        "long_name": "monthly mean of the daily mean global horizontal irradiance, 2011-2015",
        "units": "W m-2",
        "cell_methods": "month: mean",
        "ancillary_variables": "ghi_standard_deviation quality",
        "comment": "3 degree cells centred on the coordinates; land and near-land cells only",
    },
    "ghi_standard_deviation": {
        "long_name": "standard deviation of the daily mean global horizontal irradiance within the month",
        "units": "W m-2",
        "cell_methods": "month: standard_deviation",
        "comment": "Spread of days, not an error of the mean. It comes from a smooth density estimate, which is wider "
        "than the days themselves (about 6 % for Scott's rule and 150 days; the package does not state its bandwidth).",
    },
    "quality": {
        "standard_name": "quality_flag",
        "long_name": "origin of the value",
        "flag_values": np.array([0, 1, 2], "uint8"),
        "flag_meanings": "from_source polar_night_set_to_zero no_data",
    },
}
GHI_NOTE = (
    "Coordinates are cell centres. Test 1, ratio of zonal January GHI to the irradiance outside the atmosphere: for "
    "centres it falls evenly from 0.36 at 57 N to 0.24 at 69 N; were the values corners of cells 1.5 degrees further "
    "north it would rise to 0.98 at 69 N and without limit at 72 N, further south it would fall to 0.10. Test 2, the "
    "mask of land and near-land cells: it agrees with MCD12C1 land within 3 degrees in 93.1 % of the cells unshifted, "
    "91.6 % or less when shifted by half a cell in any direction. MERRA-2 is bright under cloud: do not read these "
    "values as ground truth."
)
LAND_SHARE_ATTRIBUTES = {
    "standard_name": "area_fraction",
    "long_name": "share of the 25 cells of 0.05 degree that have NDVI data",
    "units": "1",
}
C4_ATTRIBUTES = {
    "standard_name": "area_fraction",
    "long_name": "share of the vegetation with C4 photosynthesis",
    "units": "1",
    "comment": "Native cell 1 degree, repeated 4 x 4; 0 over the sea. Reference by likeness to ISLSCP II C4 vegetation "
    "percentage: the package names none.",
}


def ndvi_attributes(statistic: str) -> dict[str, Any]:
    """Return the attributes of the NDVI minimum or maximum."""
    return {
        "standard_name": "normalized_difference_vegetation_index",
        "long_name": f"{statistic} of the normalized difference vegetation index over the record",
        "units": "1",
        "cell_methods": "area: mean where land",
        "ancillary_variables": "land_share",
        "comment": "Mean of the 0.05 degree cells with data; the package does not state sensor, years or smoothing.",
    }
