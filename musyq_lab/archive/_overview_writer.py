"""The overviews of a file while it is written: groups, and maps that arrive row by row (see :mod:`.overviews`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive import encode
from musyq_lab.archive._chunks import store_rows
from musyq_lab.archive._pyramid import SHARES, Rule, reduced
from musyq_lab.archive.encode import COMPANIONS, Layer
from musyq_lab.archive.structure import create

PREFIX = "overview_"
SHARE = "_valid_share"
_METHODS: Mapping[Rule, str] = {
    "mean": "area: mean",
    "root_mean_square": "area: root_mean_square",
    "mode": "area: mode",
}


def group_name(factor: int) -> str:
    """Return the name of the group of a factor."""
    return f"{PREFIX}{factor}"


def rule_of(name: str, attributes: Mapping[str, Any]) -> Rule:
    """Return how a layer becomes coarser, from its name and attributes."""
    if "flag_masks" in attributes or name == "lineage":
        return "or"
    if "flag_values" in attributes:
        return "mode"
    return "root_mean_square" if name.endswith("_uncertainty") else "mean"


class Overviews:
    """The overviews of a file that is being written, fed with rows from north to south."""

    def __init__(
        self, file: h5py.File, ds: xr.Dataset, layers: Sequence[Layer], factors: Sequence[int], compression: str
    ) -> None:
        """Make the groups.

        Parameters
        ----------
        file : h5py.File
            Open for writing.
        ds : xarray.Dataset
            From :func:`musyq_lab.archive.structure.prepare`.
        layers : sequence of Layer
            Its maps.
        factors : sequence of int
            From :func:`chosen`.
        compression : str
            See :func:`musyq_lab.archive.write.write_product`.
        """
        self._layers = tuple(layers)
        self._factors = tuple(factors)
        self._pending: list[NDArray[Any]] = []
        self._rules = {layer.name: rule_of(layer.name, layer.attributes) for layer in layers}
        self._sinks = {
            (factor, name): _Sink(dataset)
            for factor in factors
            for name, dataset in _group(file, ds, layers, factor, compression).items()
        }

    def add(self, blocks: Sequence[NDArray[Any]]) -> None:
        """Take the next rows of every layer, as stored numbers (..., rows, columns)."""
        if not self._factors:
            return
        if self._pending:
            blocks = [np.concatenate(pair, -2) for pair in zip(self._pending, blocks, strict=True)]
        whole = blocks[0].shape[-2] // self._factors[-1] * self._factors[-1]
        self._reduce([block[..., :whole, :] for block in blocks])
        # A copy, so that the rows do not keep the whole block in memory.
        self._pending = [block[..., whole:, :].copy() for block in blocks]

    def finish(self) -> None:
        """Write what is left at the southern edge."""
        if self._pending:
            self._reduce(self._pending)
        for sink in self._sinks.values():
            sink.finish()

    def _reduce(self, blocks: Sequence[NDArray[Any]]) -> None:
        if not blocks[0].shape[-2]:
            return
        for layer, block in zip(self._layers, blocks, strict=True):
            for coarse in reduced(block, self._rules[layer.name], layer.fill, self._factors):
                self._sinks[coarse.factor, layer.name].put(coarse.values)
                if share := self._sinks.get((coarse.factor, layer.name + SHARE)):
                    share.put(coarse.share)


class _Sink:
    """A dataset that is written in whole rows of chunks."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self._dataset = dataset
        self._rows = dataset.chunks[-2]
        self._first = 0
        self._held: list[NDArray[Any]] = []

    def put(self, block: NDArray[Any]) -> None:
        self._held.append(block)
        if sum(part.shape[-2] for part in self._held) >= self._rows:
            self._write(last=False)

    def finish(self) -> None:
        if self._held:
            self._write(last=True)

    def _write(self, *, last: bool) -> None:
        block = np.concatenate(self._held, -2)
        height = block.shape[-2]
        stop = height if last else height // self._rows * self._rows
        for start in range(0, stop, self._rows):
            store_rows(self._dataset, block[..., start : min(start + self._rows, stop), :], self._first + start)
        self._first += stop
        self._held = [block[..., stop:, :].copy()] if stop < height else []


def _group(
    file: h5py.File, ds: xr.Dataset, layers: Sequence[Layer], factor: int, compression: str
) -> dict[str, h5py.Dataset]:
    """Make the group of one factor and return its layers, still without data."""
    own = [item for layer in layers for item in _coarse_layers(layer)]
    shapes = {item.name: ds[item.name.removesuffix(SHARE)].dims for item in own}
    coarse = _coarse(ds, shapes, factor)
    tile_shape = encode.tile(coarse, list(shapes))
    about = {"comment": f"overview: {factor} x {factor} cells of the map in one", "overview": factor}
    return create(file.create_group(group_name(factor)), coarse, own, about, set(shapes), tile_shape, compression)


def _coarse(ds: xr.Dataset, shapes: Mapping[str, Sequence[Any]], factor: int) -> xr.Dataset:
    """Return coordinates and shapes of an overview; the layers hold nothing."""
    pair = encode.spatial(ds)
    assert pair is not None
    coords = {name: array.variable for name, array in ds.coords.items() if not set(pair) & set(array.dims)}
    for axis in (name for name in pair if name in ds.coords):
        # The centre of what a cell covers, also where the edge cuts it: never beyond a pole.
        values = np.asarray(ds[axis].values, np.float64)
        centres = [values[i : i + factor].mean() for i in range(0, values.size, factor)]
        coords[axis] = xr.Variable(axis, centres, ds[axis].attrs)
    sizes = {str(dim): math.ceil(n / factor) if dim in pair else n for dim, n in ds.sizes.items()}
    empty = np.zeros((), np.uint8)
    variables = {n: (tuple(dims), np.broadcast_to(empty, [sizes[d] for d in dims])) for n, dims in shapes.items()}
    return xr.Dataset(variables, coords)


def _coarse_layers(layer: Layer) -> list[Layer]:
    """Return a layer as its overview stores it, and the share of valid cells of a value or class."""
    rule = rule_of(layer.name, layer.attributes)
    has_share = rule in ("mean", "mode") and layer.fill is not None and layer.name not in COMPANIONS
    attributes = dict(layer.attributes)
    if rule in _METHODS:
        attributes["cell_methods"] = f"{attributes.get('cell_methods', '')} {_METHODS[rule]}".strip()
    else:
        attributes["comment"] = f"{attributes.get('comment', '')} A bit is set where it is in any cell.".strip()
    if not has_share:
        return [replace(layer, attributes=attributes)]
    name = layer.name + SHARE
    attributes["ancillary_variables"] = f"{attributes.get('ancillary_variables', '')} {name}".strip()
    about = {"long_name": f"share of cells with a valid {layer.name}", "units": "1"}
    share = Layer(name, np.dtype(np.uint8), 1 / SHARES, 0.0, 255, (0.0, 1.0))
    return [replace(layer, attributes=attributes), encode.with_packing(share, about)]
