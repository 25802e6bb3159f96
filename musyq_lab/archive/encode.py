"""How the layers of a product become stored numbers, from its :class:`~musyq_lab.core.spec.Product` alone.

A packed layer holds whole numbers, :math:`stored = rint((value - offset) / scale)`, so the error is half a scale
step at most. A value that does not fit is an error with its count; nothing wraps round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.attributes import cause_attributes, quality_attributes, uncertainty_attributes, variable_attributes
from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import CAUSE_DTYPE, QA_DTYPE
from musyq_lab.core.spec import Product, Variable
from musyq_lab.core.units import same_units

SPATIAL = (("latitude", "longitude"), ("y", "x"))
"""Pairs of dimensions a map may have, rows before columns."""

# 128 KiB of int16. Of a pixel's series each file costs one chunk, most of which is inflating it, so chunks should be
# small; of a map, each chunk costs some tens of microseconds beside the inflating, so they should not be tiny. The
# months (or bands) of a pixel stay in one chunk. 18000 x 36000 gives 250 x 250; 12 x 720 x 1440 gives 12 x 72 x 72.
TILE_VALUES = 2**16
LEADING_VALUES = 256
"""Most values of the other dimensions that one chunk holds."""

COMPANIONS: dict[str, dict[str, Any]] = {
    "n_obs": {"dtype": "uint16"},
    "window_length": {"dtype": "uint16", "units": "days", "scale": 0.01, "fill": 65535, "limits": (0.0, 655.0)},
    "time_offset": {"dtype": "int16", "units": "days", "scale": 0.01, "fill": -32768, "limits": (-327.0, 327.0)},
    "sensor_share": {"dtype": "uint8", "scale": 0.005, "fill": 255, "limits": (0.0, 1.0)},
    "lineage": {"dtype": "uint32"},
}
"""Layers of a composite that any product may keep: what it was made of (:mod:`musyq_lab.composite`)."""
GRANULE = "granule"
"""Dimension and coordinate: names of the granules that the bits of ``lineage`` stand for."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One stored dataset: type, packing, limits and attributes."""

    name: str
    """Name in the Dataset and in the file."""
    dtype: np.dtype[Any]
    """Stored type."""
    scale: float = 1.0
    """value = stored x scale + offset."""
    offset: float = 0.0
    """See ``scale``."""
    fill: int | float | None = None
    """Stored value of no data, None where every value counts (bits, counts)."""
    limits: tuple[float, float] = (-math.inf, math.inf)
    """Closed interval of values that may be stored."""
    saturates: bool = False
    """Whether larger values are stored as the largest one (an uncertainty beyond its variable's whole range)."""
    attributes: dict[str, Any] = field(default_factory=dict)
    """Attributes of the stored dataset."""

    @property
    def whole(self) -> bool:
        """Whether whole numbers are stored."""
        return self.dtype.kind in "iu"

    def pack(self, values: NDArray[Any], where: str = "") -> NDArray[Any]:
        """Return the numbers to store.

        Parameters
        ----------
        values : numpy.ndarray
            Any shape, in the layer's units, NaN where there is no value.
        where : str
            Part of the layer, for the message.

        Raises
        ------
        InputError
            If a value lies outside the limits, or a quality layer holds something else than bits.
        """
        if self.fill is None:
            return self._bits(values, where)
        if not self.whole:
            self._refuse(values, self._outside(values), where)
            return values.astype(self.dtype)
        data = values.astype(np.float64)
        if self.saturates:
            np.minimum(data, self.limits[1], out=data)
        missing = np.isnan(data)
        self._refuse(values, self._outside(data), where)
        data -= self.offset
        data /= self.scale
        stored = np.rint(data, out=data)
        info = np.iinfo(self.dtype)
        self._refuse(values, (stored < info.min) | (stored > info.max) | (stored == self.fill), where)
        stored[missing] = self.fill
        return stored.astype(self.dtype)

    def _outside(self, data: NDArray[Any]) -> NDArray[np.bool_]:
        low, high = self.limits
        finite = [abs(limit) for limit in self.limits if math.isfinite(limit)]
        # Half a step is what rounding removes anyway; a float32 limit such as 0.3 lies 1e-8 beyond its decimal.
        slack = 0.5 * self.scale if self.whole else 1e-6 * max(finite, default=0.0)
        outside: NDArray[np.bool_] = (data < low - slack) | (data > high + slack) | np.isinf(data)
        return outside

    def _refuse(self, values: NDArray[Any], outside: NDArray[np.bool_], where: str) -> None:
        if not (count := int(np.count_nonzero(outside))):
            return
        example = values[outside].flat[0]
        low, high = self.storable
        raise InputError(
            f"{self.name!r}: {count} of {values.size} values{where} cannot be stored, such as {example:g}; "
            f"the product allows {low:g} to {high:g}. Check the units, or set them to NaN."
        )

    @property
    def storable(self) -> tuple[float, float]:
        """Smallest and largest value that fits both the limits and the stored type."""
        low, high = self.limits
        if not self.whole:
            return low, high
        info = np.iinfo(self.dtype)
        lowest, highest = (info.min + (info.min == self.fill), info.max - (info.max == self.fill))
        return max(low, lowest * self.scale + self.offset), min(high, highest * self.scale + self.offset)

    def _bits(self, values: NDArray[Any], where: str) -> NDArray[Any]:
        most = np.iinfo(self.dtype).max
        if values.dtype.kind not in "iub" or (values.size and (values.min() < 0 or values.max() > most)):
            raise InputError(
                f"{self.name!r}{where} must hold bits or counts, whole numbers from 0 to {most}, and is "
                f"{values.dtype}. Make it of the type {self.dtype} (quality bits with core.quality.add_flag)."
            )
        return values.astype(self.dtype)


def layers(ds: xr.Dataset, spec: Product) -> tuple[Layer, ...]:
    """Return the layers to write in the order of the spec: value, uncertainty, next value ... quality.

    Parameters
    ----------
    ds : xarray.Dataset
        What is to be written.
    spec : Product
        How.

    Raises
    ------
    InputError
        If the Dataset holds none of the product's variables, one the product does not know, or other units.
    """
    known = tuple(layer for layer in _all_layers(ds, spec) if layer.name in ds.data_vars)
    given = {str(name) for name in ds.data_vars if ds[name].attrs.get("grid_mapping_name") is None}
    if unknown := sorted(given - {layer.name for layer in known}):
        names = [variable.name for variable in spec.variables]
        raise InputError(
            f"The product {spec.key!r} has no variable {unknown[0]!r}.{closest(unknown[0], names)} "
            "Drop it from the Dataset, or add it to the spec."
        )
    if not any(variable.name in ds.data_vars for variable in spec.variables):
        raise InputError(
            f"The Dataset holds no variable of the product {spec.key!r}: expected one or more of "
            f"{', '.join(variable.name for variable in spec.variables)}; it has {sorted(given) or 'none'}."
        )
    return known


def _all_layers(ds: xr.Dataset, spec: Product) -> Iterator[Layer]:
    names = set(ds.data_vars)
    for variable in spec.variables:
        if variable.name in names:
            yield _value(variable, _attributes(ds, variable.name, variable_attributes(variable, spec.qa_name), True))
        name = variable.uncertainty_name
        if name in names:
            yield _uncertainty(variable, _attributes(ds, name, uncertainty_attributes(variable), False))
    if spec.qa_name in names:
        attributes = {**_attributes(ds, spec.qa_name, {}, False), **quality_attributes(spec)}
        yield Layer(spec.qa_name, QA_DTYPE, attributes=attributes)
    if spec.cause_name in names:
        attributes = {**_attributes(ds, spec.cause_name, {}, False), **cause_attributes(spec)}
        yield Layer(spec.cause_name, CAUSE_DTYPE, attributes=attributes)
    own = {variable.name for variable in spec.variables}
    for name, how in COMPANIONS.items():
        if name in names - own:
            yield _companion(ds, name, **how)


def _companion(ds: xr.Dataset, name: str, dtype: str, units: str = "1", **how: Any) -> Layer:
    attributes = _attributes(ds, name, {"units": units}, False)
    if "fill" not in how:
        return Layer(name, np.dtype(dtype), attributes=attributes)
    return with_packing(Layer(name, np.dtype(dtype), **how), attributes)


def _attributes(ds: xr.Dataset, name: str, standard: dict[str, Any], needs_units: bool) -> dict[str, Any]:
    """Return the standard attributes with the Dataset's own over them, after the units have been compared."""
    own = dict(ds[name].attrs)
    expected = standard.get("units")
    given = own.get("units")
    if expected is not None and (given is None) and needs_units:
        raise InputError(f"{name!r} says no units; the product is in {expected}. Set ds[{name!r}].attrs['units'].")
    if expected is not None and given is not None and not same_units(str(given), expected):
        raise InputError(
            f"{name!r} is in {given}; the product is in {expected}. Convert it first with core.units.convert."
        )
    merged = {**standard, **own}
    if expected is not None:
        merged["units"] = expected
    if "ancillary_variables" in merged:
        present = [item for item in str(merged["ancillary_variables"]).split() if item in ds.data_vars]
        merged["ancillary_variables"] = " ".join(present)
    return {key: value for key, value in merged.items() if value is not None and (not isinstance(value, str) or value)}


def _value(variable: Variable, attributes: dict[str, Any]) -> Layer:
    dtype = np.dtype(variable.dtype)
    fill = variable.fill if variable.packed else math.nan
    layer = Layer(variable.name, dtype, variable.scale, variable.offset, fill, variable.valid_range)
    return with_packing(layer, attributes)


def _uncertainty(variable: Variable, attributes: dict[str, Any]) -> Layer:
    """Return the companion's layer: never negative, the same type, steps that span the variable's valid range."""
    dtype, span = np.dtype(variable.dtype), variable.valid_range[1] - variable.valid_range[0]
    name = variable.uncertainty_name
    if not variable.packed:
        return with_packing(Layer(name, dtype, fill=math.nan, limits=(0.0, math.inf)), attributes)
    info = np.iinfo(dtype)
    top = info.max - (info.max == variable.fill)
    if not math.isfinite(span):
        return with_packing(Layer(name, dtype, variable.scale, 0.0, variable.fill, (0.0, math.inf)), attributes)
    scale = _round_up(span / top)
    layer = Layer(name, dtype, scale, 0.0, variable.fill, (0.0, top * scale), saturates=True)
    comment = f"the largest value, {top * scale:g}, means that much or more"
    return with_packing(layer, {"comment": comment, **attributes})


def _round_up(step: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten, so that the scale is a number people can read."""
    exponent = math.floor(math.log10(step))
    factor = next(f for f in (1, 2, 5, 10) if f * 10.0**exponent >= step * (1 - 1e-12))
    return float(f"{factor}e{exponent}")


def with_packing(layer: Layer, attributes: dict[str, Any]) -> Layer:
    """Return the layer with its attributes, the CF packing ones and the valid range as stored numbers among them.

    Parameters
    ----------
    layer : Layer
        Without attributes.
    attributes : dict
        Without the packing ones.
    """
    packed = {key: value for key, value in attributes.items() if key != "valid_range"}
    low, high = layer.storable if layer.whole else layer.limits
    if math.isfinite(low) and math.isfinite(high):
        # CF wants the range in stored numbers; in other ones netCDF4-python would mask good data.
        stored = [np.rint((limit - layer.offset) / layer.scale) for limit in (low, high)]
        packed["valid_range"] = np.array(stored if layer.whole else [low, high], layer.dtype)
    if layer.whole and (layer.scale, layer.offset) != (1.0, 0.0):
        packed |= {"scale_factor": np.float64(layer.scale), "add_offset": np.float64(layer.offset)}
    return Layer(layer.name, layer.dtype, layer.scale, layer.offset, layer.fill, layer.limits, layer.saturates, packed)


def spatial(ds: xr.Dataset) -> tuple[str, str] | None:
    """Return the names of the map's rows and columns, None for a Dataset without a map."""
    return next((pair for pair in SPATIAL if set(pair) <= set(ds.dims)), None)


def tile(ds: xr.Dataset, names: list[str]) -> tuple[int, int]:
    """Return rows and columns of a chunk, one size for all layers of a file.

    It depends on the sizes of the dimensions alone, never on the chunks of the data, so that the bytes of a file do
    not either. Chunks divide the map evenly where that is possible: no sliver at the edge.

    Parameters
    ----------
    ds : xarray.Dataset
        With a map.
    names : list of str
        Layers to write.
    """
    pair = spatial(ds)
    if pair is None:
        raise InputError("The Dataset has no map: give it the dimensions latitude and longitude, or y and x.")
    leading = max(math.prod(ds.sizes[d] for d in ds[name].dims if d not in pair) for name in names)
    edge = math.isqrt(TILE_VALUES // min(max(leading, 1), LEADING_VALUES))
    return _balanced(ds.sizes[pair[0]], edge), _balanced(ds.sizes[pair[1]], edge)


def _balanced(size: int, edge: int) -> int:
    """Return a length near ``edge`` that divides ``size`` without a rest, or with the least where none does."""
    divisors = (length for length in range(edge, 3 * edge // 4, -1) if size % length == 0)
    return next(divisors, max(1, math.ceil(size / math.ceil(max(size, 1) / edge))))


def chunk(shape: tuple[int, ...], tile_shape: tuple[int, int]) -> tuple[int, ...]:
    """Return the chunk of a layer whose last two dimensions are the map's.

    Parameters
    ----------
    shape : tuple of int
        Of the layer.
    tile_shape : tuple of int
        Rows and columns from :func:`tile`.
    """
    room = LEADING_VALUES
    leading: list[int] = []
    for size in reversed(shape[:-2]):
        leading.insert(0, max(1, min(size, room)))
        room //= leading[0]
    return (*leading, *tile_shape)
