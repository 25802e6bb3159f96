"""From the files of a peer's product to one lazy Dataset in our layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.peers._containers import ALL_BANDS, READERS, Stored
from musyq_lab.archive.peers._find import PeerGranule, choose, find, refuse
from musyq_lab.archive.peers._grids import Placement, placement
from musyq_lab.archive.peers._lazy import PeerLayer, TieLayer, lazy
from musyq_lab.archive.peers._times import instants, series
from musyq_lab.archive.peers.layout import Layer, Layout, Quality
from musyq_lab.core.attributes import history_line
from musyq_lab.core.errors import ArchiveError
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.files.lazy import BLOCK, dask_array
from musyq_lab.files.safety import damage

Found = tuple[Layer | Quality, Stored, tuple[str, ...]]
"""A row, what is stored for it, and the files of the series."""


def open_peer(path: Path, wanted: Mapping[str, str | None]) -> xr.Dataset | None:
    """Open the files of a peer's product, None where no layout knows them.

    Parameters
    ----------
    path : pathlib.Path
        A file, or a folder with files of one product: of one granule, or a series in time.
    wanted : mapping
        See :func:`musyq_lab.archive.peers._find.choose`.

    Returns
    -------
    xarray.Dataset or None
        Values as float32 with NaN for no data, quality layers as stored with CF flags. Of a series only the first
        granule is opened now; each other one is opened, and checked, when its values are read.

    Raises
    ------
    ArchiveError
        If a file is damaged, or contradicts what is documented of its product, or is a raw granule.
    InputError, NotFoundError
        See :func:`musyq_lab.archive.peers._find.choose`.
    """
    found = find(path)
    if not found:
        if path.exists():
            refuse(path)
        return None
    granules = choose(found, path, wanted)
    layout = granules[0].layout
    with damage(granules[0].path):
        rows = list(_rows(granules))
        if not rows:
            raise ArchiveError(f"{path} holds none of the layers of {layout.title}. It is damaged, or of another kind.")
        return _dataset(granules, rows)


def _rows(granules: Sequence[PeerGranule]) -> Iterator[Found]:
    """Pair the rows of a layout with what the first granule holds."""
    first = granules[0]
    layout = first.layout
    if layout.container != "geotiff":
        layers = READERS[layout.container].layers(str(first.path))
        paths = tuple(str(granule.path) for granule in granules)
        for row in layout.rows:
            for item in layers.values():
                if re.fullmatch(row.path, item.short):
                    yield row, item, paths
                    break
        return
    for row in layout.rows:
        for name, file in first.files.items():
            if re.fullmatch(row.path, name, re.IGNORECASE):
                item = READERS["geotiff"].layers(str(file))[ALL_BANDS]
                yield row, item, tuple(str(_same(granule, name)) for granule in granules)
                break


def _same(granule: PeerGranule, layer: str) -> Path:
    if layer not in granule.files:
        raise ArchiveError(f"{granule.path.parent}: {granule.name} lacks the layer {layer!r} that the others have.")
    return granule.files[layer]


def _dataset(granules: Sequence[PeerGranule], rows: Sequence[Found]) -> xr.Dataset:
    first = granules[0]
    layout, path = first.layout, str(first.path)
    reader = READERS[layout.container]
    layers = {} if layout.container == "geotiff" else reader.layers(path)
    where = placement(layout, rows[0][2][0], layers, [item for _, item, _ in rows])
    attributes = reader.attributes(path)
    times = instants(granules, attributes, layers)
    variables, left_out = {}, []
    for row, item, paths in rows:
        made = _variable(row, item, paths, first, where, times)
        if made is None:
            left_out.append(item.short)
        else:
            variables[row.name] = made
    if not variables:
        raise ArchiveError(f"{path}: no layer of {layout.title} lies on the grid it describes. It is damaged.")
    variables |= _ties(layout, path, layers, where)
    ds = where.place(xr.Dataset(variables))
    ds = series(ds, times)
    coords = [name for name in ("latitude", "longitude") if name in ds.data_vars]
    ds = ds.set_coords(coords)
    ds.attrs = _attributes(granules, where, left_out, rows[0][1]) | _level(variables) | _moment(times)
    ds.encoding["source"] = path
    return ds


def _variable(
    row: Layer | Quality, item: Stored, paths: tuple[str, ...], first: PeerGranule, where: Placement, times: Any
) -> xr.Variable | None:
    """Return a layer on the grid, None if it lies on another."""
    axes = _axes(item, row, where, len(times), layered=len(paths) == 1)
    if axes is None:
        return None
    layer = PeerLayer(
        first.layout.container,
        paths,
        item.name,
        item.shape,
        item.dtype,
        row if isinstance(row, Layer) else None,
        _constants(first, row),
        first.layout.scaled_floats,
        stacked=len(paths) > 1,
    )
    data = lazy(layer, item)
    dims = ("time", *axes) if layer.stacked else axes
    data = data[tuple(0 if dim == "" else slice(None) for dim in dims)]
    return xr.Variable(tuple(dim for dim in dims if dim), data, _described(row, item))


def _axes(item: Stored, row: Layer | Quality, where: Placement, count: int, *, layered: bool) -> tuple[str, ...] | None:
    """Return the name of each axis, "" for one of length 1 that is dropped."""
    extra = row.extra if isinstance(row, Layer) else None
    shape = item.shape
    for start in range(len(shape) - 1):
        if shape[start : start + 2] != where.shape:
            continue
        names = []
        for axis, size in enumerate(shape):
            if start <= axis < start + 2:
                names.append(where.dims[axis - start])
            elif extra and size == len(extra[1]):
                names.append(extra[0])
            elif axis == 0 and layered and count > 1 and size > 1:
                names.append("time")
            elif size == 1:
                names.append("")
            else:
                return None
        return tuple(names)
    return None


def _constants(granule: PeerGranule, row: Layer | Quality) -> tuple[tuple[str, float], ...]:
    """Return scale and offset from the metadata text beside the file."""
    if not isinstance(row, Layer) or row.constants is None or not granule.layout.sidecar:
        return ()
    folder = granule.path.parent
    pattern = granule.layout.sidecar.format(granule=re.escape(granule.name))
    texts = [file for file in folder.iterdir() if re.fullmatch(pattern, file.name, re.IGNORECASE)]
    if not texts:
        return ()
    text = texts[0].read_bytes().decode("latin-1")
    values = [re.search(rf"^\s*{name}\s*=\s*(\S+)", text, re.MULTILINE) for name in row.constants]
    try:
        return tuple((n, float(v[1])) for n, v in zip(("scale_factor", "add_offset"), values, strict=True) if v)
    except ValueError as error:
        raise ArchiveError(
            f"{texts[0]}: the constants of {row.name} are no numbers ({error}). Fetch it again."
        ) from error


def _described(row: Layer | Quality, item: Stored) -> dict[str, Any]:
    known = QUANTITIES.get(row.name)
    attrs: dict[str, Any] = {"long_name": row.long_name or (known.meaning if known else row.name.replace("_", " "))}
    attrs["source_layer"] = item.short if item.name != ALL_BANDS else row.path
    if isinstance(row, Quality):
        attrs |= {"standard_name": "quality_flag", "units": "1"}
        own = {name: item.attributes[name] for name in _FLAGS if name in item.attributes}
        for name, value in (row.attributes() or own).items():
            attrs[name] = np.array(value, np.int64).astype(item.dtype) if isinstance(value, list) else value
        if row.fill is not None:
            attrs["no_information"] = int(row.fill)
        return attrs
    attrs["units"] = row.units
    if standard := row.standard_name or (known.standard_name if known else ""):
        attrs["standard_name"] = standard
    if row.wavelength is not None:
        attrs["wavelength"] = next((c for path, c in row.centres if re.fullmatch(path, item.short)), row.wavelength)
    if row.valid and row.scale is not None and row.trust == "row":
        attrs["valid_range"] = sorted(float(f"{limit * row.scale + row.offset:.9g}") for limit in row.valid)
    return attrs


def _ties(layout: Layout, path: str, layers: Mapping[str, Stored], where: Placement) -> dict[str, xr.Variable]:
    """Return the tie-point grids, interpolated to the pixels when read."""
    made = {}
    for name, ours, units in layout.ties:
        if name not in layers:
            continue
        attributes = layers[name].attributes
        said = tuple(float(attributes.get(key, np.nan)) for key in _TIE_ATTRIBUTES)
        geometry = said if np.isfinite(said).all() else layout.tie_geometry
        if geometry is None or len(geometry) != 4 or len(layers[name].shape) != 2:
            raise ArchiveError(f"{path}: the tie points {name!r} do not say where they lie. The file is damaged.")
        wraps = 0.0 if "azimuth" in ours else -180.0 if "longitude" in ours else np.nan
        layer = TieLayer(layout.container, path, name, where.shape, geometry, wraps, name in layout.elevations)
        data = dask_array(layer, [min(BLOCK, size) for size in where.shape], [path], f"tie-{ours}")
        text = ours.replace("_", " ")
        made[ours] = xr.Variable(
            where.dims, data, {"long_name": f"{text}, interpolated between tie points", "units": units}
        )
    return made


_FLAGS = ("flag_masks", "flag_values", "flag_meanings")
_TIE_ATTRIBUTES = ("offset_x", "subsampling_x", "offset_y", "subsampling_y")


def _level(variables: Mapping[str, Any]) -> dict[str, str]:
    """Say where reflectance holds; that at the top of the atmosphere has another name (``toa_reflectance_...``)."""
    return {"reflectance_level": "surface"} if any(name.startswith("reflectance_") for name in variables) else {}


def _moment(times: Any) -> dict[str, str]:
    return {"time_coverage_start": f"{np.datetime_as_string(times[0], 's')}Z"} if len(times) else {}


def _attributes(
    granules: Sequence[PeerGranule], where: Placement, left_out: Sequence[str], item: Stored
) -> dict[str, Any]:
    first = granules[0]
    layout = first.layout
    product = first.fields.get("product", layout.key)
    sensor = next((text for start, text in layout.sensors if product.upper().startswith(start)), layout.sensor)
    notes = [*layout.notes, where.note]
    found = {
        "title": f"{layout.title} ({product})",
        "product": product,
        "layout": layout.key,
        "sensor": sensor,
        "tile": first.fields.get("tile", ""),
        "product_version": first.fields.get("version", ""),
        "period": layout.period_of(product),
        "source": ", ".join(granule.path.name for granule in granules[:3]) + (" ..." if len(granules) > 3 else ""),
        "references": "; ".join(layout.references),
        "comment": " ".join(note for note in notes if note),
        "contradictions": " ".join(_contradictions(first, item)),
        "layers_left_out": ", ".join(left_out),
    }
    made = {name: text for name, text in found.items() if text}
    made["history"] = history_line("open_product", {"layout": layout.key, "granule": first.name})
    return made


def _contradictions(granule: PeerGranule, item: Stored) -> list[str]:
    """Say where two places of a file name its band differently."""
    layout = granule.layout
    found = []
    for labels, attribute in layout.rivals:
        values, _ = READERS[layout.container].read(str(granule.path), labels, (slice(0, None),))
        named, said = ", ".join(map(str, np.ravel(values))), str(item.attributes.get(attribute, ""))
        if named != said:
            found.append(
                f"The file contradicts itself: the coordinate {labels!r} says {named}, the attribute {attribute!r} "
                f"says {said}; which band it is is not decided here."
            )
    return found
