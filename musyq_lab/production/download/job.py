"""What a writer of a format is given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import xarray as xr

from musyq_lab.core.spec import Product
from musyq_lab.production.download.layers import Stored, stored
from musyq_lab.production.download.place import Grid
from musyq_lab.production.download.region import Area


def leading(ds: xr.Dataset, grid: Grid) -> list[str]:
    """Return the dimensions along which a map is repeated: times, and those that half of the layers or more have.

    A layer of its own kind, such as the share of each sensor, has one more dimension that repeats nothing else.
    """
    pair = {grid.rows, grid.columns}
    maps = [layer for layer in ds.data_vars.values() if pair <= set(layer.dims)]
    counts = Counter(str(d) for layer in maps for d in layer.dims if d not in pair)
    return [d for d, count in counts.items() if d in ("time", "period") or 2 * count >= len(maps)]


@dataclass(frozen=True)
class Job:
    """A selection that is ready to be written."""

    ds: xr.Dataset
    """Decoded values in bounded chunks."""
    grid: Grid
    """Axes of the map."""
    area: Area | None
    """Region, None for all of the map."""
    spec: Product | None
    """Product it is part of."""
    stem: str
    """Name without ending."""
    packed: bool = True
    """Whether values are packed where a packing is known."""
    geometry: bool = True
    """Whether a table holds the outline of each cell."""

    @property
    def layers(self) -> list[Stored]:
        """Layers as they are stored."""
        return stored(self.ds, self.spec, packed=self.packed)

    @property
    def maps(self) -> list[Stored]:
        """Those of them that are maps."""
        pair = {self.grid.rows, self.grid.columns}
        return [layer for layer in self.layers if pair <= set(layer.data.dims)]
