"""Units of reporting as zones of a grid: the countries of a place, the regions, and a place as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musyq_lab.analysis.regions import Region, region_keys, resolve_region
from musyq_lab.analysis.zonal import Target, ZoneFractions, country_fractions, region_mask


def country_zones(target: Target, place: Region | str = "globe") -> ZoneFractions:
    """Return the countries of a place, those that it cuts cut by it; the labels are countries.

    Parameters
    ----------
    target : GeoGrid, str, DataArray or Dataset
        Grid.
    place : Region or str
        A region, a country, a box or the globe.

    Returns
    -------
    ZoneFractions
        Countries that touch a cell only.
    """
    found = place if isinstance(place, Region) else resolve_region(place)
    every = country_fractions(target)
    if found.box is None:
        keep = np.isin(every.zone, [i for i, c in enumerate(every.zones) if c in found.countries])
        return _kept(replace(every, cell=every.cell[keep], zone=every.zone[keep], fraction=every.fraction[keep]))
    if found.key == "globe":
        return _kept(every)
    inside = region_mask(found, target).values.ravel()
    return _kept(replace(every, fraction=every.fraction * inside[every.cell]))


def _kept(fractions: ZoneFractions) -> ZoneFractions:
    """Leave out zones without any cell."""
    some = fractions.fraction > 0
    used, zone = np.unique(fractions.zone[some], return_inverse=True)
    labels = tuple(fractions.zones[i] for i in used)
    return replace(fractions, zones=labels, zone=zone, cell=fractions.cell[some], fraction=fractions.fraction[some])


def region_zones(target: Target) -> ZoneFractions:
    """Return the regions of ``catalogs/regions.yml`` and their union last; the labels are regions.

    Cells of the union are those of its parts again, so that zones overlap.
    """
    return merged_zones(target, tuple(resolve_region(key) for key in region_keys()))


def merged_zones(target: Target, places: tuple[Region, ...]) -> ZoneFractions:
    """Return each place as one zone: its countries together, or what of the grid a box holds.

    Parameters
    ----------
    target : GeoGrid, str, DataArray or Dataset
        Grid.
    places : tuple of Region
        They may overlap.
    """
    every = country_fractions(target)
    parts = [_merged(every, place, target) for place in places]
    cell = np.concatenate([part[0] for part in parts] or [np.empty(0, np.int64)]).astype(np.int64)
    zone = np.repeat(np.arange(len(parts)), [part[0].size for part in parts]).astype(np.int64)
    fraction = np.concatenate([part[1] for part in parts] or [np.empty(0)])
    return ZoneFractions(places, cell, zone, fraction, every.latitude, every.longitude)


def _merged(every: ZoneFractions, place: Region, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of a place and the share of each."""
    if place.box is None:
        names = {country.name for country in place.countries}
        keep = np.isin(every.zone, [i for i, c in enumerate(every.zones) if c.name in names])
        cell, number = np.unique(every.cell[keep], return_inverse=True)
        return cell, np.bincount(number, every.fraction[keep], minlength=cell.size).astype(float)
    share = region_mask(place, target).values.ravel()
    cell = np.flatnonzero(share > 0)
    return cell, share[cell]
