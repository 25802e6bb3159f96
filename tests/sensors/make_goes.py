"""GOES-13 and -15 images in small as NOAA CLASS writes them: netCDF, a file a band, 10-bit counts times 32."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

SPACE = 2.143289e9  # what the files hold beside the globe
START = "2015.182.174514"
SECONDS = 1435772714  # 2015-07-01 17:45:14 UTC


def band(
    folder: Path,
    counts: np.ndarray,
    *,
    number: int,
    satellite: int = 15,
    longitude: np.ndarray | None = None,
    kind: str = "NETCDF4",
) -> Path:
    """Write one band; the pixels lie near the point below the satellite unless longitudes are given."""
    lines, columns = counts.shape
    path = folder / f"goes{satellite}.{START}.BAND_{number:02d}.nc"
    centre = -135.0 if satellite == 15 else -75.0
    east, south = np.meshgrid(np.arange(columns) * 0.04, np.arange(lines) * 0.04)
    lon = centre - 1.0 + east if longitude is None else longitude
    lat = np.where(np.abs(lon) > 360, SPACE, 2.0 - south)
    with netCDF4.Dataset(path, "w", format=kind) as file:
        file.setncattr("Satellite Sensor", f"G-{satellite} IMG")
        file.createDimension("yc", lines)
        file.createDimension("xc", columns)
        file.createDimension("time", None)
        file.createVariable("time", "i4", ("time",)).units = "seconds since 1970-1-1 0:0:0"
        file["time"][:] = [SECONDS]
        file.createDimension("b", 1)
        file.createVariable("bands", "i4", ("b",))[:] = number
        file.createVariable("lineRes", "i4", ())[...] = 1 if number == 1 else 4
        data = file.createVariable("data", "i2", ("time", "yc", "xc"))
        data[0] = counts * 32
        for name, values in (("lat", lat), ("lon", lon)):
            file.createVariable(name, "f4", ("yc", "xc"))[:] = values
    return path
