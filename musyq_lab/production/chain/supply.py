"""Where the inputs of a product can come from, apart from other products: observation, and layers in stock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import xarray as xr

from musyq_lab.catalog.stock import LayerFile, Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Period
from musyq_lab.core.variables import BAND_ROLES, quantity
from musyq_lab.products._derive import derived
from musyq_lab.products._inputs import PRODUCT_OF


@dataclass(frozen=True, slots=True)
class Supply:
    """Where one input comes from."""

    name: str
    """Of the input."""
    task: str = ""
    """Key of the task that makes it."""
    layers: tuple[str, ...] = ()
    """Layers in stock that it is, or follows from."""


class _Observed:
    """What needs no product: seen by sensors, or lying in stock."""

    composite = frozenset(
        (*(f"reflectance_{role}" for role in BAND_ROLES), "sun_zenith", "view_zenith", "relative_azimuth")
    )
    """Inputs that a composite gives."""

    def maker(self, name: str) -> str:
        """Return the product that makes a quantity which inputs call by another name, empty if none does."""
        return PRODUCT_OF.get(name, "")

    def in_stock(self, name: str, stock: Stock, period: Period) -> tuple[str, ...]:
        """Return the layers in stock for a period that an input is, or follows from; none if it does not."""
        return _found(name, frozenset(v for f in stock.layers if f.covers(period) for v in f.variables))


OBSERVED = _Observed()


@lru_cache(maxsize=4096)
def _found(name: str, have: frozenset[str]) -> tuple[str, ...]:
    if name in have:
        return (name,)
    used: list[str] = []

    def find(other: str) -> xr.DataArray | None:
        if other not in have:
            return None
        used.append(other)
        units, low = quantity(other).units, quantity(other).valid_range[0]
        return xr.DataArray([max(low, 1.0)], dims="cell", attrs={"units": units})

    return tuple(dict.fromkeys(used)) if derived(name, find) is not None else ()


def layers_for(stock: Stock, names: Iterable[str], period: Period) -> dict[LayerFile, list[str]]:
    """Return the files to read and the layers to take of each.

    Raises
    ------
    InputError
        If two products in stock have a layer of one name.
    """
    found: dict[LayerFile, list[str]] = {}
    for name in dict.fromkeys(names):
        files = _of_length(stock.layer(name, period), period)
        if len(owners := sorted({file.name.product for file in files})) > 1:
            raise InputError(
                f"Several products in stock have {name}: {', '.join(owners)}. Leave one out of the catalog."
            )
        for file in files:
            found.setdefault(file, []).append(name)
    return found


def _of_length(files: tuple[LayerFile, ...], period: Period) -> tuple[LayerFile, ...]:
    """Return those files that hold for just the period, where there are any: means of five days before those of 3 h."""
    exact = [f for f in files if f.period and (f.period.start, f.period.end) == (period.start, period.end)]
    return tuple(exact) or files
