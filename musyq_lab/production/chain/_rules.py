"""What a production of five days can be made of, and the sentences in which it refuses the rest.

A file of five days holds means. Where an input is an instant's, a refusal in plain words is worth more than a product
that looks like a mean and is none.
"""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType

from musyq_lab.composite.weight import COARSEST
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import METRES_PER_DEGREE, GeoGrid
from musyq_lab.core.spec import Input, Product
from musyq_lab.production.chain.region import Grid
from musyq_lab.products._registry import PRODUCTS
from musyq_lab.products._resolve import parts
from musyq_lab.sensors._registry import SENSORS

ANGLES = frozenset({"sun_zenith", "view_zenith", "relative_azimuth"})
"""Directions: of reflectance they are known, of whatever else they are not."""
INSTANT = frozenset({"lst"})
"""Products that hold for a look and not for a period.

Beside truth the mean of temperatures of clear looks by day (1 km, five days of broken cloud in the simulated Earth) is
4 K too cold, with a root mean square error of 5 K: cells that hold a little cloud pass for clear, and nothing tells.
"""
EDITIONS = frozenset({"1km", "5km", "30m", "0p25deg"})
"""Editions that specs name; others, such as 250m, are the user's own."""
FEWEST = MappingProxyType({"land_cover": 8, "phenology": 12})
"""Periods of a year that a series must have: what the classifier's features need; of a season's curve (its six
parameters) as many before the peak as after it."""
_LONGEST_GAP = 75
"""Days between the first, the last and any two dates of a year that a series may leave open."""

_STEPS = "Radiation is made of the images of a day: step='3h' or step='1d' (--step)."
_SINGLE = "It is made of single looks: ml.retrieve({key!r}, scene). A production makes means of periods."
_HINTS = MappingProxyType(
    {
        "clear_sky_shortwave": _STEPS,
        "canopy_height": "No product makes it: it comes from lidar or radar. Add it to the catalog as a layer.",
    }
)


def missing(spec: Product, item: Input) -> str:
    """Say that an input is not there, and what would help."""
    hint = _SINGLE.format(key=spec.key) if item.name.startswith("toa_") else _HINTS.get(item.name, "")
    return (
        f"{spec.key} needs {item.name} ({item.units}), which no product asked for makes and the catalog does not have "
        f"then. {hint}"
    ).rstrip()


def check_edition(spec: Product, edition: str) -> None:
    """Refuse a grid that a product of the programme is not made for.

    Raises
    ------
    InputError
        With the editions that there are.
    """
    own = (PRODUCTS.added.get(spec.key) is spec) or not _shipped(spec)
    if own or edition not in EDITIONS or edition in spec.editions:
        return
    raise InputError(f"{spec.key} is made on {' and '.join(spec.editions)}, not on {edition}.")


def _shipped(spec: Product) -> bool:
    return spec.key in PRODUCTS._modules()


def check_support(spec: Product) -> None:
    """Refuse an algorithm whose result is a series: a file holds one period.

    Raises
    ------
    InputError
        If it is one.
    """
    if spec.support == "series":
        raise InputError(
            f"{spec.key} turns a series into a series; a production writes one period a file. Retrieve it from the "
            f"cube of the files: ml.retrieve({spec.key!r}, ml.open_product(...))."
        )


def check_instant(spec: Product) -> None:
    """Refuse a product of an instant, of which looks between clouds make no mean.

    Raises
    ------
    InputError
        If it is one.
    """
    if spec.key in INSTANT:
        raise InputError(
            f"{spec.key} holds for the instant of a look. The looks between clouds make no mean of a period: they are "
            f"of clear days and of some hours, and cloud that goes unnoticed cools them by kelvins. Retrieve it from a "
            f"scene, ml.retrieve({spec.key!r}, scene), or add surface_temperature, a mean of all hours, to the catalog."
        )


def makes(spec: Product, name: str) -> bool:
    """Whether one of the products that a product's inputs come from has a variable of a name, such as the mean Sun."""
    keys = {parts(item)[0] for item in spec.inputs} & set(PRODUCTS)
    return any(v.name == name for key in keys for v in PRODUCTS[key].variables)


def takes_reflectance(spec: Product) -> bool:
    """Whether a product is made of reflectance, whose directions are then its own."""
    return any(item.name.startswith("reflectance_") for item in spec.inputs)


def cell_metres(grid: Grid) -> float:
    """Return the edge of a cell along a meridian (m)."""
    return float(grid.resolution * METRES_PER_DEGREE if isinstance(grid, GeoGrid) else grid.resolution)


def too_coarse(sensor: str, grid: Grid) -> str:
    """Return why a sensor's pixels cannot serve a grid, empty if they can: the composite's own rule."""
    size, cell = SENSORS[sensor].resolution, cell_metres(grid)
    if size <= COARSEST * cell:
        return ""
    return f"pixels of {size:,.0f} m are too coarse for cells of {cell:,.0f} m."


def too_few(key: str, days: list[int], year: int) -> str:
    """Return why the dates of a year do not make a product of it, empty if they do.

    Parameters
    ----------
    key : str
        Product.
    days : list of int
        Days of the year of its dates, ascending.
    year : int
        Which.
    """
    fewest = FEWEST.get(key, 8)
    ends = [-_LONGEST_GAP // 2, *days, 365 + _LONGEST_GAP // 2]
    gap = max(later - sooner for sooner, later in pairwise(ends))
    if len(days) >= fewest and gap <= _LONGEST_GAP:
        return ""
    what = f"{len(days)} periods of {year} can be made of what is in stock"
    what += f" (days {days[0]} to {days[-1]}, the longest gap {gap} days)" if days else ""
    return (
        f"{key} is made of the course of a year: at least {fewest} periods and none of its gaps longer than "
        f"{_LONGEST_GAP} days; {what}. Ask for the whole year (period='{year}'), with granules or layers of it."
    )
