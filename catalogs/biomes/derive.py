"""Print the numbers of end_members.csv that come from data: percentiles of NDVI by class of the samples that ship.

Run ``python catalogs/biomes/derive.py``. A cell of 0.25 degree counts for a class when 20 of its 25 cells of land cover
are of that class.
"""

import numpy as np
import xarray as xr

from musyq_lab.core.resources import resource
from musyq_lab.products._end_members import end_members

PERCENTILES = (50.0, 98.0)
PURE = 20 / 25


def pure_classes() -> np.ndarray:
    """Class of the cells of 0.25 degree that are nearly all of one class, else NaN."""
    with xr.open_dataset(resource("catalogs/samples/land_cover_mcd12c1_2019.nc"), engine="h5netcdf") as opened:
        fine = opened.land_cover.values.reshape(720, 5, 1440, 5).swapaxes(1, 2).reshape(720, 1440, 25)
    found = np.full(fine.shape[:2], np.nan)
    for number in range(1, 18):
        found[(fine == number).mean(-1) >= PURE] = number
    return found


def table() -> xr.Dataset:
    """Median and 98th percentile of the annual maximum of NDVI by class."""
    with xr.open_dataset(resource("catalogs/samples/ndvi_endmembers.nc"), engine="h5netcdf") as opened:
        highest = opened.ndvi_maximum.load()
    cover = xr.DataArray(pure_classes(), highest.coords, highest.dims)
    return end_members(highest, cover, percentiles=PERCENTILES, minimum_count=20)


if __name__ == "__main__":
    print(table().squeeze("region").to_dataframe()[["ndvi_soil", "ndvi_vegetation", "count"]].round(3))
