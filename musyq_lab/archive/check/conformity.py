"""Quick rules for the header of every file: what CF-1.11 requires, what a product of ours promises beside it.

They need no other package and a few milliseconds a file, so that all files of an archive are checked, not one of each
kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from musyq_lab.archive.check.report import Finding, Level
from musyq_lab.archive.header import Header, LayerHeader, instant
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.spec import Product
from musyq_lab.core.units import convertible, same_units

Found = tuple[str, Level, str, str]
"""Group, level, message and advice."""

_AGAIN = "Write the file again with write_product."
_PERIOD = "Set ds.attrs['time_coverage_start'] and ['time_coverage_end'] to the first and last instant (ISO 8601, UTC)."
_FIELDS = (("edition", "edition"), ("tile", "tile"), ("period", "period"), ("product_version", "version"))
_GLOBE = {"latitude": ("lat", "degrees_north", 90.0), "longitude": ("lon", "degrees_east", 540.0)}


def check_header(header: Header, name: str) -> Iterator[Finding]:
    """Yield what is wrong with the header of a file.

    Parameters
    ----------
    header : Header
        From :func:`musyq_lab.archive.header.read_header`.
    name : str
        Name of the file in the findings.
    """
    for rule in _RULES:
        for group, level, message, advice in rule(header):
            yield Finding(group, level, message, advice, (name,))


def _identity(header: Header) -> Iterator[Found]:
    """Compare the file with its name."""
    group = "Name"
    if header.name is None:
        yield group, "warning", "The name is not of the form MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5.", ""
        return
    if (said := header.text("id")) != header.name.stem:
        message = f"The file says that it is {said or 'nothing'!r}: it was renamed, or another tool wrote it."
        yield group, "error", message, "Give it its own name back."
        return
    for attribute, field in (("product", "product"), *_FIELDS):
        if header.text(attribute) != getattr(header.name, field):
            message = f"The file says {attribute} {header.text(attribute)!r}, its name {getattr(header.name, field)!r}."
            yield group, "error", message, _AGAIN


def _global(header: Header) -> Iterator[Found]:
    conventions = header.text("Conventions")
    if "CF-" not in conventions:
        yield "CF 2.6 Attributes", "error", f"Conventions is {conventions!r} and names no version of CF.", _AGAIN
    for attribute in ("title", "summary", "keywords", "license", "source", "history"):
        if not header.text(attribute):
            level: Level = "error" if attribute == "title" else "warning"
            yield "ACDD Global Attributes", level, f"The file has no {attribute}.", f"Set ds.attrs[{attribute!r}]."


def _period(header: Header) -> Iterator[Found]:
    group = "Period"
    texts = [header.text(f"time_coverage_{which}") for which in ("start", "end")]
    if not all(texts):
        yield group, "warning", "The file does not say which period it covers (time_coverage_start, _end).", _PERIOD
        return
    start, end = (instant(text) for text in texts)
    if start is None or end is None:
        yield group, "error", f"The period {texts[0]!r} to {texts[1]!r} is not in ISO 8601.", _PERIOD
    elif start > end:
        yield group, "error", f"The period ends ({texts[1]}) before it begins ({texts[0]}).", _PERIOD
    elif header.name and (label := header.name.start) and abs((start.replace(tzinfo=None) - label).days) > 366:
        # Granules of a period may begin before it; a year apart, one of the two is wrong.
        message = "The file states a period (time_coverage_start) more than a year from that of its name."
        yield group, "error", message, _PERIOD


def _layers(header: Header) -> Iterator[Found]:
    if not header.layers:
        yield "Layers", "error", "The file holds no layer.", _AGAIN
    for layer in header.layers.values():
        yield from _described(layer, ours=header.name is not None)
        yield from _links(layer, header)
        yield from _packing(layer)
        yield from _flags(layer)


def _described(layer: LayerHeader, *, ours: bool) -> Iterator[Found]:
    units = layer.attributes.get("units")
    numeric = layer.dtype.kind in "iuf" and bool(layer.dims)
    if units is None and numeric and "flag_meanings" not in layer.attributes:
        # CF lets pure numbers do without; whether a stranger's layer is one, nobody can tell.
        yield "CF 3.1 Units", "error" if ours else "warning", f"{layer.name!r} says no units.", _AGAIN
    elif units is not None and not _understood(str(units)):
        yield "CF 3.1 Units", "error", f"{layer.name!r} is in {units!r}, which is no unit.", _AGAIN
    if not layer.attributes.get("long_name") and not layer.attributes.get("standard_name"):
        yield "CF 3.2 Names", "warning", f"{layer.name!r} has neither long_name nor standard_name.", _AGAIN


def _understood(units: str) -> bool:
    if " since " in units:
        return True
    try:
        return convertible(units, units)
    except MusyqError:
        return False


def _links(layer: LayerHeader, header: Header) -> Iterator[Found]:
    """Look for what a layer names in the file."""
    known = {*header.layers, *header.coordinates}
    kinds = {"ancillary_variables": "CF 3.4 Ancillary data", "coordinates": "CF 5 Coordinates"}
    for attribute, group in (*kinds.items(), ("grid_mapping", "CF 5.6 Grid mapping")):
        named = [word.rstrip(":") for word in str(layer.attributes.get(attribute, "")).split()]
        if lost := [word for word in named if word not in known]:
            yield group, "error", f"{layer.name!r} names {', '.join(lost)} ({attribute}), not in the file.", _AGAIN
    if {"y", "x"} <= set(layer.dims) and not layer.attributes.get("grid_mapping"):
        message = f"{layer.name!r} lies on a map projection that the file does not name."
        yield "CF 5.6 Grid mapping", "error", message, "Set it by ds.rio.write_crs('EPSG:...') before writing."


def _packing(layer: LayerHeader) -> Iterator[Found]:
    group = "CF 8.1 Packed data"
    for attribute in ("_FillValue", "valid_range", "valid_min", "valid_max"):
        value = layer.attributes.get(attribute)
        if value is not None and np.asarray(value).dtype != layer.dtype and layer.dtype.kind in "iuf":
            stored = f"{np.asarray(value).dtype}, the layer {layer.dtype}"
            yield group, "error", f"{attribute} of {layer.name!r} is {stored}; they must be one type.", _AGAIN
    scale = layer.attributes.get("scale_factor", 1.0)
    if np.size(scale) != 1 or not np.isfinite(scale) or scale == 0:
        yield group, "error", f"{layer.name!r} has the scale_factor {scale}.", _AGAIN
    limits, fill = layer.attributes.get("valid_range"), layer.attributes.get("_FillValue")
    if limits is not None and np.size(limits) != 2:
        yield group, "error", f"{layer.name!r} has a valid_range of {np.size(limits)} numbers instead of 2.", _AGAIN
    elif limits is not None and fill is not None and limits[0] <= fill <= limits[1]:
        yield group, "error", f"No data of {layer.name!r} ({fill}) is also a valid value.", _AGAIN


def _flags(layer: LayerHeader) -> Iterator[Found]:
    meanings = layer.attributes.get("flag_meanings")
    group, count = "CF 3.5 Flags", len(str(meanings or "").split())
    numbers = {key: layer.attributes.get(key) for key in ("flag_masks", "flag_values")}
    if meanings is None:
        if layer.name.endswith("_qa"):
            yield group, "error", f"{layer.name!r} holds bits that nothing explains (flag_meanings).", _AGAIN
        return
    given = {key: value for key, value in numbers.items() if value is not None}
    if not given:
        yield group, "error", f"{layer.name!r} has flag_meanings without flag_masks or flag_values.", _AGAIN
    for key, value in given.items():
        if np.size(value) != count:
            yield group, "error", f"{layer.name!r} has {np.size(value)} {key} and {count} flag_meanings.", _AGAIN
        elif np.asarray(value).dtype != layer.dtype:
            yield group, "error", f"{key} of {layer.name!r} are not of its type {layer.dtype}.", _AGAIN


def _axes(header: Header) -> Iterator[Found]:
    """Look at the order of the axes, and compare them with the box of ACDD."""
    for dimension in header.plane or ():
        group = f"Axis {dimension}"
        if (axis := header.coordinates.get(dimension)) is None:
            yield group, "error", f"The file has no coordinate {dimension!r}.", _AGAIN
            continue
        values = np.asarray(axis.values, np.float64)
        steps = np.diff(values)
        if not np.all(np.isfinite(values)) or not (np.all(steps > 0) or np.all(steps < 0)):
            yield group, "error", f"{dimension!r} is not finite and in order.", _AGAIN
        elif dimension in _GLOBE:
            yield from _on_the_globe(header, dimension, values, str(axis.attrs.get("units")))
        elif not _understood(str(axis.attrs.get("units"))):
            yield group, "error", f"{dimension!r} says no units.", _AGAIN


def _on_the_globe(header: Header, dimension: str, values: Any, units: str) -> Iterator[Found]:
    short, expected, limit = _GLOBE[dimension]
    group = f"Axis {dimension}"
    if units != expected:
        yield group, "error", f"{dimension!r} is in {units!r} instead of {expected!r}.", _AGAIN
    if np.abs(values).max() > limit:
        yield group, "error", f"{dimension!r} reaches {np.abs(values).max():g} degrees.", _AGAIN
    step = abs(values[-1] - values[0]) / max(values.size - 1, 1)
    for which, truth in (("min", values.min()), ("max", values.max())):
        said = header.attributes.get(f"geospatial_{short}_{which}")
        # The box may be that of the centres or of the edges of the cells.
        if said is not None and abs(float(said) - truth) > 0.5 * step * (1 + 1e-6) + 1e-9:
            message = f"geospatial_{short}_{which} is {float(said):g}, and the outer cell is centred on {truth:g}."
            yield group, "error", message, _AGAIN


def _companions(header: Header) -> Iterator[Found]:
    """Look for uncertainty and quality, alike in dimensions and units."""
    bits = any(name.endswith("_qa") for name in header.layers)
    if header.layers and not bits:
        yield "Quality", "warning", "The file has no layer of quality bits (<product>_qa).", _AGAIN
    for layer in header.values:
        companion = header.layers.get(f"{layer.name}_uncertainty")
        if companion is None:
            continue
        if companion.dims != layer.dims or companion.shape != layer.shape:
            yield "Uncertainty", "error", f"{companion.name!r} is laid out unlike {layer.name!r}.", _AGAIN
        elif not _same(companion.attributes.get("units"), layer.attributes.get("units")):
            yield "Uncertainty", "error", f"{companion.name!r} is in other units than {layer.name!r}.", _AGAIN


def _same(first: Any, second: Any) -> bool:
    """Whether two units are one; a missing one is another rule's finding."""
    if first is None or second is None:
        return True
    try:
        return same_units(str(first), str(second))
    except InputError:
        return str(first) == str(second)


def _as_specified(header: Header) -> Iterator[Found]:
    """Compare a product of the programme with its specification."""
    spec = _specification(header)
    if spec is None:
        return
    for variable in spec.variables:
        layer = header.layers.get(variable.name)
        if layer is None:
            continue
        if not _same(layer.attributes.get("units"), variable.units):
            message = f"{layer.name!r} is in {layer.attributes.get('units')!r}; the product is in {variable.units!r}."
            yield "Specification", "error", message, _AGAIN
        if layer.dtype != np.dtype(variable.dtype):
            message = f"{layer.name!r} is stored as {layer.dtype}, the product as {variable.dtype}."
            yield "Specification", "warning", message, _AGAIN
        if variable.uncertain and variable.uncertainty_name not in header.layers:
            message = f"{layer.name!r} lacks its uncertainty ({variable.uncertainty_name})."
            yield "Uncertainty", "warning", message, "Write the product as ml.retrieve returns it."


def _specification(header: Header) -> Product | None:
    if header.name is None:
        return None
    from musyq_lab.products._registry import PRODUCTS

    return PRODUCTS.get(header.name.product)


_RULES: tuple[Callable[[Header], Iterator[Found]], ...] = (
    *(_identity, _global, _period, _layers, _axes, _companions, _as_specified),
)
