"""All layouts, in the order they are tried."""

from __future__ import annotations

from musyq_lab.archive.peers import (
    copernicus,
    geostationary,
    glass,
    landsat,
    modis_albedo,
    modis_land,
    modis_vegetation,
    musyq,
    swath,
    viirs,
)
from musyq_lab.archive.peers._modis import as_geotiff
from musyq_lab.archive.peers.layout import Layout

_DELIVERED: tuple[Layout, ...] = (
    *modis_vegetation.LAYOUTS,
    *modis_land.LAYOUTS,
    *modis_albedo.LAYOUTS,
    *viirs.LAYOUTS,
    *landsat.LAYOUTS,
    *copernicus.LAYOUTS,
    *glass.LAYOUTS,
    *geostationary.LAYOUTS,
    *swath.LAYOUTS,
    *musyq.LAYOUTS,
)
# Families that AppEEARS cuts out as GeoTIFF, with the products of each (MOD13 has its own row).
_CUT_OUT = {
    "MOD09": "M[OY]D09(?:A1|Q1|GA|GQ)",
    "MOD11": "M[OY]D11A[12]",
    "MOD15": "(?:MOD15A2H|MYD15A2H|MCD15A2H|MCD15A3H)",
    "MCD43": "MCD43A[234]",
    "VNP09": "V(?:NP|J[12])09(?:A1|H1)",
    "VNP13": "V(?:NP|J[12])13A[123]",
    "VNP15": "V(?:NP|J[12])15A2H",
    "VNP21": "V(?:NP|J[12])21(?:A1D|A1N|A2)",
    "VNP43": "V(?:NP|J[12])43(?:IA|MA)[34]",
}

LAYOUTS: tuple[Layout, ...] = (
    *_DELIVERED,
    *(as_geotiff(layout, _CUT_OUT[layout.key]) for layout in _DELIVERED if layout.key in _CUT_OUT),
)
"""Rows of every product that opens."""
