"""How the layers of a download are stored: packed as their product defines it, or as they are.

Values of a product lie on its steps already, so that packing them again loses nothing; of data that were never stored
it takes half a step at most.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive import encode
from musyq_lab.archive.encode import Layer
from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Product

CHUNK_VALUES = 2**18
_EDGE = 256
BAND_BYTES = 16 * 2**20
"""Most bytes of values packed and written at once; packing works on several times as many."""
_PACKING = ("scale_factor", "add_offset", "_FillValue", "missing_value", "grid_mapping", "coordinates")


@dataclass(frozen=True)
class Stored:
    """One layer as a file holds it."""

    name: str
    """Name."""
    data: xr.DataArray
    """Decoded values, lazy."""
    layer: Layer | None
    """How they are packed; None for values stored as they are."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Stored type, in the machine's byte order."""
        if self.layer is not None:
            return self.layer.dtype.newbyteorder("=")
        return np.dtype("uint8") if self.data.dtype.kind == "b" else self.data.dtype.newbyteorder("=")

    @property
    def fill(self) -> int | float | None:
        """Stored number of no data, None where every number counts."""
        if self.layer is not None:
            return self.layer.fill
        return math.nan if self.dtype.kind == "f" else None

    @property
    def scale(self) -> tuple[float, float]:
        """(scale, offset): value = stored x scale + offset."""
        return (self.layer.scale, self.layer.offset) if self.layer is not None else (1.0, 0.0)

    def pack(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the numbers to store."""
        if self.layer is None:
            return values.astype(self.dtype, copy=False)
        return self.layer.pack(values).astype(self.dtype, copy=False)

    def attributes(self) -> dict[str, Any]:
        """Return CF attributes, the packing among them."""
        own = {str(key): value for key, value in self.data.attrs.items() if key not in _PACKING}
        low_high = own.pop("valid_range", None)
        if self.layer is None:
            return own | ({"valid_range": low_high} if low_high is not None else {})
        if self.layer.attributes:
            own |= {key: value for key, value in self.layer.attributes.items() if key not in own}
        if self.layer.whole and self.scale != (1.0, 0.0):
            own |= {"scale_factor": np.float64(self.scale[0]), "add_offset": np.float64(self.scale[1])}
        return own

    @property
    def nbytes(self) -> int:
        """Bytes before compression."""
        return int(self.data.size) * self.dtype.itemsize


def stored(ds: xr.Dataset, spec: Product | None, *, packed: bool = True) -> list[Stored]:
    """Return the layers of a selection and how each is stored.

    Parameters
    ----------
    ds : xarray.Dataset
        Decoded.
    spec : Product or None
        The product it is part of.
    packed : bool
        Whether to pack where a packing is known.
    """
    known = _of_product(ds, spec) if packed else {}
    return [Stored(str(n), v, (_of_file(v) or known.get(str(n))) if packed else None) for n, v in ds.data_vars.items()]


def _of_product(ds: xr.Dataset, spec: Product | None) -> dict[str, Layer]:
    if spec is None:
        return {}
    known = {spec.qa_name, spec.cause_name}
    known |= {name for v in spec.variables for name in (v.name, v.uncertainty_name)}
    try:
        layers = encode.layers(ds[[name for name in ds.data_vars if name in known]], spec)
    except InputError:  # other units than the product's, say: its steps mean nothing then
        return {}
    return {layer.name: layer for layer in layers if layer.name in known}


def _of_file(array: xr.DataArray) -> Layer | None:
    """Return the packing of the file the layer was read from."""
    said = array.encoding
    dtype = np.dtype(said["dtype"]) if "dtype" in said else None
    if dtype is None or dtype.kind not in "iu" or array.dtype.kind != "f" or said.get("_FillValue") is None:
        return None
    scale, offset = (float(np.asarray(said.get(n, d)).item()) for n, d in (("scale_factor", 1), ("add_offset", 0)))
    if not (math.isfinite(scale) and scale > 0 and math.isfinite(offset)):
        return None
    return Layer(str(array.name), dtype.newbyteorder("="), scale, offset, int(np.asarray(said["_FillValue"]).item()))


def chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the chunk of a stored layer: square tiles, deep along the other axes as far as they stay small."""
    sizes = [max(1, min(size, _EDGE)) for size in shape[-2:]]
    room = max(1, CHUNK_VALUES // math.prod(sizes))
    for size in reversed(shape[:-2]):
        sizes.insert(0, max(1, min(size, room)))
        room = max(1, room // sizes[0])
    return tuple(sizes)


def bands(shape: tuple[int, ...], chunks: tuple[int, ...], itemsize: int) -> Iterator[tuple[slice, ...]]:
    """Yield the parts of an array to write one after another: whole chunks, in order, each in bounded memory."""
    steps = list(chunks)
    for axis in range(len(shape) - 1, -1, -1):
        # As wide as the array where memory allows: every part costs a round of the scheduler.
        inner = math.prod(steps[:axis]) * math.prod(steps[axis + 1 :]) * itemsize
        most = max(1, BAND_BYTES // max(1, inner * steps[axis]))
        steps[axis] = min(steps[axis] * most, max(1, math.ceil(shape[axis] / steps[axis]) * steps[axis]))
        if steps[axis] < shape[axis]:
            break
    counts = [math.ceil(size / step) for size, step in zip(shape, steps, strict=True)]
    for index in np.ndindex(*counts):
        starts = [i * step for i, step in zip(index, steps, strict=True)]
        yield tuple(slice(a, min(a + s, n)) for a, s, n in zip(starts, steps, shape, strict=True))


def encoded_coordinates(ds: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the coordinates as stored: times as whole seconds since 1970, texts as they are, no grid mapping."""
    found = {}
    for name, array in ds.coords.items():
        if array.ndim == 0 and {"grid_mapping_name", "crs_wkt", "spatial_ref"} & set(array.attrs):
            continue
        variable = xr.Variable(array.dims, array.values, dict(array.attrs))
        if variable.dtype.kind == "M":
            variable.encoding = {
                "units": "seconds since 1970-01-01",
                "dtype": "int64",
                "calendar": "proleptic_gregorian",
            }
            variable = xr.conventions.encode_cf_variable(variable)
        found[str(name)] = variable
    return found


def simple(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes in types that every format holds, in the order of their names; what is empty is left out."""
    return {name: value for name in sorted(attributes) if (value := _simple(attributes[name])) is not None}


def _simple(value: Any) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return np.int8(value)
    if isinstance(value, int):
        return np.int32(value) if -(2**31) <= value < 2**31 else np.int64(value)
    if value is None or isinstance(value, (float, np.number)):
        return value
    if isinstance(value, str):
        return value or None
    array = np.asarray(value) if isinstance(value, (np.ndarray, list, tuple)) else np.empty(0)
    if array.size and array.dtype.kind in "iuf":
        return array
    return json.dumps(value, default=str, sort_keys=True, ensure_ascii=False)
