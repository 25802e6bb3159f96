"""Layers of a cube whose files differ along an axis: lineage, its granules, and the shares of sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive.encode import GRANULE
from musyq_lab.archive.index import Head, heads
from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import bounded
from musyq_lab.files.lazy import blocks
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import StoredLayer

RAGGED = ("lineage", "sensor_share")
"""Layers whose first axis may have another length in each file."""
_SLOT = "granule_number"


@dataclass(frozen=True, slots=True)
class RaggedLayer:
    """A layer (file, row, ...) whose rows are picked from those of each file."""

    layer: StoredLayer
    """As in the first file, of all files."""
    rows: tuple[tuple[int, ...], ...]
    """For each file, which of its rows each row of the whole is; -1 for one it does not have, which is 0."""
    counts: tuple[int, ...]
    """Rows of each file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return (len(self.rows), len(self.rows[0]), *self.layer.file_shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.layer.dtype

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; ``key`` holds slices and whole numbers."""
        key = key if isinstance(key, tuple) else (key,)
        first, row = (*key, slice(None), slice(None))[:2]
        files = np.arange(len(self.rows))[first]
        parts = [self._file(int(number), row, key[2:]) for number in np.atleast_1d(files)]
        if files.ndim == 0:
            return parts[0]
        # An empty choice of files still has the axes of the others.
        return np.stack(parts) if parts else self._file(0, row, key[2:])[None][:0]

    def _file(self, number: int, row: Any, rest: tuple[Any, ...]) -> NDArray[Any]:
        wanted = np.array(self.rows[number], dtype=np.intp)[row]
        count, plane = self.counts[number], np.empty(self.layer.file_shape[1:], bool)
        out = np.zeros((*wanted.shape, *plane[rest].shape), self.dtype)
        if count and np.any(wanted >= 0):
            path = self.layer.paths[number]
            shape = (count, *self.layer.file_shape[1:])
            own = StoredLayer(
                (path,), self.layer.name, shape, self.layer.stored, self.layer.packing, True, self.layer.axes
            )
            found = own[(0, slice(None), *rest)]
            out[wanted >= 0] = found[wanted[wanted >= 0]]
        return out


@dataclass(frozen=True, slots=True)
class GranuleNames:
    """Names (file, granule), empty texts after the last of each file."""

    paths: tuple[str, ...]
    """Files."""
    width: int
    """Most granules of a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole."""
        return len(self.paths), self.width

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Python's texts."""
        return np.dtype(object)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; ``key`` holds slices and whole numbers."""
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if not isinstance(first, slice):
            names: NDArray[Any] = self._file(self.paths[int(first)])[rest]
            return names
        found = [self._file(path) for path in self.paths[first]]
        return np.array(found, dtype=object).reshape(len(found), self.width)[(slice(None), *rest)]

    def _file(self, path: str) -> NDArray[Any]:
        check_hdf5(path)
        names = np.full(self.width, "", dtype=object)
        with opened(path) as file, damage(path):
            if GRANULE in file:
                own = bounded.read(file[GRANULE])
                if len(own) > self.width:
                    raise ArchiveError(f"{path} was changed after it was opened: it has {len(own)} granules now.")
                names[: len(own)] = own
        return names


def replaced(
    variables: dict[str, xr.Variable], coords: dict[str, xr.Variable], layers: dict[str, StoredLayer], state: str
) -> tuple[dict[str, xr.Variable], dict[str, xr.Variable]]:
    """Return variables and coordinates of a cube with the layers that differ from file to file as they are in each.

    Parameters
    ----------
    variables, coords : dict
        As the first file has them; the first axis of the variables is that of the files.
    layers : dict of StoredLayer
        What the variables read.
    state : str
        From :func:`musyq_lab.files.stored.state_of`.
    """
    names = [name for name in RAGGED if name in variables]
    if not names:
        return variables, coords
    paths = layers[names[0]].paths
    found = heads(paths)
    made, marks = dict(variables), dict(coords)
    if "lineage" in names:
        counts = tuple(head.words for head in found)
        most = max(counts)
        rows = tuple(tuple(k if k < count else -1 for k in range(most)) for count in counts)
        made["lineage"] = _variable(variables["lineage"], RaggedLayer(layers["lineage"], rows, counts), state)
        marks = {name: item for name, item in marks.items() if item.dims != (GRANULE,)}
        marks[GRANULE] = _names(paths, max(head.granules for head in found), variables["lineage"].dims[0], state)
    if "sensor_share" in names:
        rows, union = _sensors(found)
        layer = RaggedLayer(layers["sensor_share"], rows, tuple(len(head.sensors) for head in found))
        made["sensor_share"] = _variable(variables["sensor_share"], layer, state)
        marks["sensor"] = xr.Variable("sensor", union, coords["sensor"].attrs)
    return made, marks


def _sensors(found: Sequence[Head]) -> tuple[tuple[tuple[int, ...], ...], list[str]]:
    """Return which row of each file is which sensor, and all sensors in the order in which they come first."""
    union = list(dict.fromkeys(name for head in found for name in head.sensors))
    rows = tuple(tuple(head.sensors.index(n) if n in head.sensors else -1 for n in union) for head in found)
    return rows, union


def _variable(like: xr.Variable, layer: RaggedLayer, state: str) -> xr.Variable:
    own = blocks(layer.layer.file_shape[-2:], like.data.chunksize[-2:])
    return xr.Variable(like.dims, _dask(layer, (1, layer.shape[1], *own), layer.layer.name, state), like.attrs)


def _names(paths: Sequence[str], width: int, dim: Any, state: str) -> xr.Variable:
    data = _dask(GranuleNames(tuple(paths), width), (1, max(width, 1)), GRANULE, state)
    # Not of the coordinate's own name, which xarray takes for an index: swap_dims would fail.
    return xr.Variable((dim, _SLOT), data, {"long_name": "granules that the bits of lineage stand for"})


def _dask(layer: Any, chunks: tuple[int, ...], name: str, state: str) -> Any:
    import dask.array as da
    from dask.base import tokenize

    label = f"open-{name.rpartition('/')[2][:12]}-{tokenize(state, name, layer.shape, chunks)}"
    return da.from_array(layer, chunks=chunks, name=label, meta=np.empty((0,) * layer.ndim, layer.dtype))
