"""The texts in HDF-EOS files: inventory and archive metadata, and the structure of a swath (ODL)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from musyq_lab.twin.granules._hdf4 import Layer

Value = str | int | float | tuple[float, ...]
Object = tuple[str, Value, int]
"""Name, value, and its number within a container (0 outside of one)."""

_TYPES = {
    "int8": "DFNT_INT8",
    "uint8": "DFNT_UINT8",
    "int16": "DFNT_INT16",
    "uint16": "DFNT_UINT16",
    "float32": "DFNT_FLOAT32",
    "float64": "DFNT_FLOAT64",
    "int32": "DFNT_INT32",
}


def day(moment: datetime) -> str:
    """Return the date as the metadata have it."""
    return f"{moment:%Y-%m-%d}"


def clock(moment: datetime) -> str:
    """Return the time of day as the metadata have it."""
    return f"{moment:%H:%M:%S.%f}"


def inventory(name: str, groups: Mapping[str, Sequence[Object] | Mapping[str, Sequence[Object]]]) -> str:
    """Return a master group of metadata.

    Parameters
    ----------
    name
        Of the master group, ``INVENTORYMETADATA`` or ``ARCHIVEDMETADATA``.
    groups
        Name -> objects, or containers (name -> objects).
    """
    lines = [f"GROUP                  = {name}", "  GROUPTYPE            = MASTERGROUP", ""]
    for group, content in groups.items():
        lines.append(f"  GROUP                  = {group}")
        if isinstance(content, Mapping):
            for container, objects in content.items():
                number = objects[0][2]
                lines += [f"    OBJECT                 = {container}", f'      CLASS                = "{number}"']
                lines += [line for item in objects for line in _object(item)]
                lines += [f"    END_OBJECT             = {container}"]
        else:
            lines += [line for item in content for line in _object(item)]
        lines += [f"  END_GROUP              = {group}", ""]
    return "\n".join(["", *lines, f"END_GROUP              = {name}", "", "END", ""])


def _object(item: Object) -> list[str]:
    name, value, number = item
    many = len(value) if isinstance(value, tuple) else 1
    head = [f"      OBJECT                 = {name}"]
    if number:
        head.append(f'        CLASS                = "{number}"')
    return [
        *head,
        f"        NUM_VAL              = {many}",
        f"        VALUE                = {_text(value)}",
        f"      END_OBJECT             = {name}",
    ]


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(f'{v:.10g}' for v in value)})"
    return f'"{value}"' if isinstance(value, str) else f"{value:.10g}"


def structure(swath: str, layers: Sequence[Layer], maps: Sequence[tuple[str, str, int, int]] = ()) -> str:
    """Return the description of a swath.

    Parameters
    ----------
    swath
        Its name, which the names of its dims carry behind a colon.
    layers
        Its datasets; those without dims are left out.
    maps
        Geolocation dim, data dim, offset and increment: where the places lie among the pixels.
    """
    own = [layer for layer in layers if layer.dims]
    sizes: dict[str, int] = {}
    for layer in own:
        sizes |= {dim.split(":")[0]: size for dim, size in zip(layer.dims, layer.data.shape, strict=True)}
    parts = {
        "Dimension": [{"DimensionName": f'"{dim}"', "Size": str(size)} for dim, size in sizes.items()],
        "DimensionMap": [
            {"GeoDimension": f'"{geo}"', "DataDimension": f'"{data}"', "Offset": str(first), "Increment": str(step)}
            for geo, data, first, step in maps
        ],
        "IndexDimensionMap": [],
        "GeoField": [_field("Geo", layer) for layer in own if layer.geo],
        "DataField": [_field("Data", layer) for layer in own if not layer.geo],
        "MergedFields": [],
    }
    lines = ["GROUP=SwathStructure", "\tGROUP=SWATH_1", f'\t\tSwathName="{swath}"']
    for kind, objects in parts.items():
        lines.append(f"\t\tGROUP={kind}")
        for number, entries in enumerate(objects, 1):
            lines.append(f"\t\t\tOBJECT={kind}_{number}")
            lines += [f"\t\t\t\t{key}={value}" for key, value in entries.items()]
            lines.append(f"\t\t\tEND_OBJECT={kind}_{number}")
        lines.append(f"\t\tEND_GROUP={kind}")
    lines += ["\tEND_GROUP=SWATH_1", "END_GROUP=SwathStructure"]
    lines += [
        "GROUP=GridStructure",
        "END_GROUP=GridStructure",
        "GROUP=PointStructure",
        "END_GROUP=PointStructure",
        "END",
    ]
    return "\n".join([*lines, ""])


def _field(kind: str, layer: Layer) -> dict[str, str]:
    dims = ",".join(f'"{dim.split(":")[0]}"' for dim in layer.dims)
    return {
        f"{kind}FieldName": f'"{layer.name}"',
        "DataType": _TYPES[np.dtype(layer.data.dtype).name],
        "DimList": f"({dims})",
    }
