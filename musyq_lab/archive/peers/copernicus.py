"""Vegetation products of the Copernicus Global Land Service in netCDF-4, 300 m and 1 km.

Product User Manuals CGLOPS1_PUM_LAI300m-V1, FAPAR300m-V1, FCOVER300m-V1, NDVI300m-V2 and LAI1km-V2: digital numbers
above the physical maximum (LAI 7.0 = 210 in 300 m; FAPAR 0.94 = 235; FCOVER 1.0 = 250; NDVI 0.92 = 250) are flags, of
which 255 means no data; NDVI has 251 missing, 252 cloud, 253 snow, 254 sea, 255 background.
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Layer, Layout, Quality

_FPAR = "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"
_DATED = r"_(?P<date>\d{12})_(?P<tile>[A-Z0-9]+)_(?P<sensor>[A-Z0-9]+)_V(?P<version>[\d.]+)"


def _layer(
    path: str, name: str, units: str, scale: float, top: float, text: str, standard: str, offset: float = 0.0
) -> Layer:
    """Return a row whose numbers above the physical maximum are flags."""
    return Layer(
        path,
        name,
        units,
        scale,
        offset,
        fills=tuple(range(251, 256)),
        valid=(0, top),
        long_name=text,
        standard_name=standard,
    )


def _error(path: str, name: str, units: str, text: str) -> Layer:
    """Return the row of an error layer: its scale differs between versions, so the file's counts."""
    return Layer(path, name, units, None, fills=(255,), trust="file", long_name=text)


_VALUES = (
    _layer("LAI", "lai", "m2 m-2", 1 / 30, 210, "green leaf area index", "leaf_area_index"),
    _layer("FAPAR", "fpar", "1", 1 / 250, 235, "fraction of absorbed photosynthetically active radiation", _FPAR),
    _layer("FCOVER", "fvc", "1", 1 / 250, 250, "fraction of green vegetation cover", "vegetation_area_fraction"),
    _layer(
        "NDVI",
        "ndvi",
        "1",
        1 / 250,
        250,
        "normalized difference vegetation index",
        "normalized_difference_vegetation_index",
        -0.08,
    ),
    *(
        _error(f"{theirs}(?:_ERR|-ERR)", f"{ours}_uncertainty", units, f"uncertainty of {text}")
        for theirs, ours, units, text in (
            ("LAI", "lai", "m2 m-2", "the leaf area index"),
            ("FAPAR", "fpar", "1", "FAPAR"),
            ("FCOVER", "fvc", "1", "the vegetation cover"),
        )
    ),
    _error("RMSE", "rmse", "1", "root mean square difference between observations and fit, in units of the value"),
    _error("NDVI_unc", "ndvi_uncertainty", "1", "uncertainty of NDVI"),
)
_QUALITY = (
    Quality("QFLAG", "quality", "quality bits, as the Product User Manual of the version lists them"),
    Quality("NOBS", "observations", "number of valid observations", fill=255),
    Quality("LENGTH_BEFORE", "days_before", "days of the window before the date", fill=255),
    Quality("LENGTH_AFTER", "days_after", "days of the window after the date", fill=255),
)

LAYOUTS = (
    Layout(
        "CGLS",
        "Copernicus Global Land vegetation variables",
        (rf"c_gls_(?P<granule>(?P<product>(?:LAI|FAPAR|FCOVER|NDVI)(?:300)?)(?:-(?P<mode>RT\d))?{_DATED})\.nc",),
        "hdf5",
        "latlon",
        _VALUES,
        _QUALITY,
        dates=("%Y%m%d%H%M",),
        period="P10D",
        sensor="PROBA-V, SPOT-VGT or OLCI",
        notes=(
            "Digital numbers above the physical maximum are flags and are left out.",
            "The date is the representative one of the ten days; the Product User Manual of the version explains it.",
        ),
        references=(
            "https://land.copernicus.eu/en/products/vegetation",
            "Product User Manuals CGLOPS1_PUM_LAI300m-V1, FAPAR300m-V1, FCOVER300m-V1, NDVI300m-V2",
        ),
    ),
)
