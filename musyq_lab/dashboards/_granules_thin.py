"""Some pixels of a scene, read thinly: what fills a screen is not worth reading 120 million pixels a band for.

``scene[::n, ::n]`` of a lazy scene would read and calibrate every pixel of every block and then throw nearly all away,
and one pixel would cost a block of each band. Here the stored layers at the bottom of the dask graph are cut instead:
they give of each block only the pixels that are wanted, and the calibration above them, which works pixel by pixel, is
the same. GeoTIFF and JPEG 2000 give a thinned band from their overviews or resolution levels, so that its pixels are
local means or picks; quality bits are never averaged.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from dask.base import tokenize
from numpy.typing import NDArray

from musyq_lab.files.raster import RasterLayer, opened

# What makes the blocks of a result other than those of its sources, pixel by pixel.
_MOVING = ("getitem", "concatenate", "rechunk", "overlap", "trim", "block_info", "stack", "reshape", "transpose_axes")


def part(scene: xr.Dataset, rows: range, columns: range) -> xr.Dataset:
    """Return some rows and columns of a scene, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        With the dimensions y and x.
    rows, columns : range
        Which; their steps are positive.

    Returns
    -------
    xarray.Dataset
        As ``scene.isel(y=rows, x=columns)``. Variables whose graph moves pixels about are taken exactly so.
    """
    pieces = {"y": _slice(rows), "x": _slice(columns)}
    lazy = [name for name, layer in scene.variables.items() if layer.dims == ("y", "x") and layer.chunks]
    found = scene.drop_vars(lazy)
    found = found.isel({name: piece for name, piece in pieces.items() if name in found.dims})
    for name in lazy:
        layer = scene.variables[name]
        data = part_of(layer.data, rows, columns, exact=name == "qa" or layer.dtype.kind != "f")
        taken = layer.isel(pieces) if data is None else xr.Variable(layer.dims, data, layer.attrs)
        found = found.assign_coords({name: taken}) if name in scene.coords else found.assign({name: taken})
    return found[list(scene.data_vars)]


def every(size: int, step: int, first: int = 0, stop: int | None = None) -> range:
    """Return the middle of each ``step`` pixels between two positions of an axis."""
    stop = size if stop is None else min(stop, size)
    return range(min(first + step // 2, max(stop - 1, 0)), stop, step)


def part_of(array: Any, rows: range, columns: range, *, exact: bool = False) -> Any:
    """Return some rows and columns of a dask array, of whose layers no more is read; None where that cannot be done.

    Parameters
    ----------
    array : dask.array.Array, shape (rows, columns)
        Made pixel by pixel from stored layers of the same blocks.
    rows, columns : range
        Which.
    exact : bool
        Whether overviews must not stand for pixels, as for quality bits.
    """
    import dask.array as da

    graph = {key: _plain(node) for key, node in dict(array.__dask_graph__()).items()}
    if _moves(graph):
        return None
    mark = tokenize(rows, columns, exact)
    names = {key: _named(key, mark) for key in graph}
    made = {}
    for key, node in graph.items():
        if hasattr(node, "substitute"):
            made[names[key]] = node.substitute({d: names[d] for d in node.dependencies}, key=names[key])
        elif not hasattr(node, "shape"):
            made[names[key]] = names.get(node, node) if isinstance(node, Hashable) else node
        elif isinstance(key, tuple):
            starts = [sum(lengths[:at]) for lengths, at in zip(array.chunks, key[1:], strict=False)]
            if node.shape != tuple(lengths[at] for lengths, at in zip(array.chunks, key[1:], strict=False)):
                return None
            made[names[key]] = _block(node, starts, rows, columns)
        elif node.shape == array.shape:
            made[names[key]] = PartLayer(node, rows, columns, exact)
        else:
            return None
    chunks = tuple(_counts(lengths, kept) for lengths, kept in zip(array.chunks, (rows, columns), strict=True))
    return da.Array(made, _named(array.name, mark), chunks, dtype=array.dtype)


@dataclass(frozen=True)
class PartLayer:
    """A stored layer of which only some rows and columns are there; a part of it holds those that lie in it."""

    layer: Any
    """The layer."""
    rows: range
    """Rows of it."""
    columns: range
    """Columns of it."""
    exact: bool
    """Whether overviews must not stand for pixels."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole layer: parts are asked for by its numbers."""
        rows, columns = self.layer.shape
        return rows, columns

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> Any:
        """Stored type."""
        return self.layer.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part, given by two slices without a step."""
        spans = [piece.indices(size)[:2] for piece, size in zip(key, self.shape, strict=True)]
        kept = [_within(all_, *span) for all_, span in zip((self.rows, self.columns), spans, strict=True)]
        if not (kept[0] and kept[1]):
            return np.empty([len(k) for k in kept], self.dtype)
        thin = self.rows.step > 1 and self.columns.step > 1 and not self.exact
        if isinstance(self.layer, RasterLayer) and thin:
            return _decimated(self.layer, *kept)
        return np.asarray(self.layer[_slice(kept[0]), _slice(kept[1])])


def _decimated(layer: RasterLayer, rows: range, columns: range) -> NDArray[Any]:
    """Read a thinned part of a raster as GDAL thins it: around each pixel, from an overview where there is one."""
    from rasterio.windows import Window

    firsts = [max(0, kept[0] - kept.step // 2) for kept in (rows, columns)]
    ends = [min(f + len(k) * k.step, size) for f, k, size in zip(firsts, (rows, columns), layer.shape, strict=True)]
    with opened(layer.path) as file:
        layer._compare(file)
        window = Window(firsts[1], firsts[0], ends[1] - firsts[1], ends[0] - firsts[0])
        found: NDArray[Any] = file.read(layer.band, window=window, out_shape=(len(rows), len(columns)))
    return found


def _slice(kept: range) -> slice:
    return slice(kept.start, kept.stop, kept.step)


def _within(kept: range, start: int, stop: int) -> range:
    """Return the members of a range between two positions."""
    first = kept.start + max(0, -(-(start - kept.start) // kept.step)) * kept.step
    return range(first, min(stop, kept.stop), kept.step)


def _counts(lengths: tuple[int, ...], kept: range) -> tuple[int, ...]:
    """Return how many kept pixels lie in each block."""
    edges = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    return tuple(len(_within(kept, start, stop)) for start, stop in itertools.pairwise(edges))


def _block(values: Any, starts: list[int], rows: range, columns: range) -> Any:
    """Return the kept pixels of a block that is in memory."""
    for axis, (start, kept) in enumerate(zip(starts, (rows, columns), strict=True)):
        inside = _within(kept, start, start + values.shape[axis])
        picks = slice(inside.start - start, max(inside.stop - start, 0), inside.step)
        values = values[(slice(None),) * axis + (picks,)]
    return values


def _plain(node: Any) -> Any:
    """Return what a node of data holds, and other nodes as they are."""
    return node.value if type(node).__name__ == "DataNode" else node


def _named(key: Any, mark: str) -> Any:
    return (f"part-{mark[:12]}-{key[0]}", *key[1:]) if isinstance(key, tuple) else f"part-{mark[:12]}-{key}"


def _moves(graph: Mapping[Any, Any]) -> bool:
    """Return whether some step of a graph takes pixels from elsewhere than their own place."""
    words = [f"{getattr(getattr(node, 'func', None), '__name__', '')}" for node in graph.values()]
    keys = {str(key[0] if isinstance(key, tuple) else key) for key in graph}
    return any(word in text for text in (*words, *keys) for word in _MOVING)
