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
from musyq_lab.archive.peers.layout import Layout

LAYOUTS: tuple[Layout, ...] = (
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
"""Rows of every product that opens."""
