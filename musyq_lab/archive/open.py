"""Opening products: one file, or a folder's files of one product as a cube, lazily and without trusting them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from musyq_lab.archive import manifest, overviews
from musyq_lab.archive._layout import coordinates, dimension_names, layer_names
from musyq_lab.archive._overview_writer import group_name
from musyq_lab.archive._ragged import RAGGED, replaced
from musyq_lab.archive.encode import SPATIAL
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.peers._open import open_peer
from musyq_lab.archive.structure import GRID_MAPPING
from musyq_lab.core import accessor as _accessor  # noqa: F401  # registers `.musyq`
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError, closest
from musyq_lab.files.axes import Axis, axis_of
from musyq_lab.files.remote import is_remote, place
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import OTHER_FILLS, StoredLayer, attributes, lazy, packing, state_of, with_fill

_FIELDS = ("product", "edition", "tile", "period")
_OF_ONE = ("id", "period", "product_version", "time_coverage_start", "time_coverage_end")
_PACKING = ("scale_factor", "add_offset", "_FillValue", "grid_mapping")


def open_product(
    path_or_root: str | Path,
    product: str | None = None,
    *,
    edition: str | None = None,
    tile: str | None = None,
    period: str | None = None,
    version: str | None = None,
    verify: bool = False,
    overview: int | Literal["auto"] | None = None,
    shape: tuple[int, int] | None = None,
) -> xr.Dataset:
    """Open a product file, or the files of one product in a folder, as a lazy Dataset.

    Products of other producers (MOD13, MCD43, VNP, Landsat Level-2, CGLS, GLASS ...) open in the same way: one file, a
    set of bands or a series in time (:mod:`musyq_lab.archive.peers`).

    Values are decoded (scale, offset, NaN for no data), in the chunks of the file. Several periods of a folder become
    one cube along ``time`` (where their labels name instants, with the labels as coordinate ``period``) or ``period``;
    its layout is that of the first file, and each other file is opened, and checked, when its values are read.

    Parameters
    ----------
    path_or_root : str or pathlib.Path
        A product file, or a folder of them; also as an address (``https://``, ``s3://``, ``memory://`` ...), of which
        only the parts that are used are fetched (:mod:`musyq_lab.files.remote`).
    product : str, optional
        Product key; needed where the folder holds several products.
    edition, tile, period : str, optional
        Fields of the name; needed where the folder holds several editions or tiles. ``period`` picks one.
    version : str, optional
        By default the newest of each period.
    verify : bool
        Compare the checksum of every file first, and the grids of those of a cube.
    overview : int or "auto", optional
        Open a coarser map of the same file instead (:mod:`musyq_lab.archive.overviews`): that of this factor, or the
        coarsest one with at least ``shape`` cells, which is the map itself where no overview has so many.
    shape : tuple of int, optional
        Rows and columns that ``overview="auto"`` is to have at least, such as those of the screen.

    Returns
    -------
    xarray.Dataset
        Backed by dask.

    Raises
    ------
    NotFoundError
        If nothing matches; the message says what is there.
    InputError
        If several products, editions or tiles match.
    ArchiveError
        If a file is damaged, cut off, changed (``verify``), refused (:mod:`musyq_lab.files.safety`) or not ours.
    """
    path = place(path_or_root)
    wanted = {"product": product, "edition": edition, "tile": tile, "period": period, "version": version}
    folder = path.is_dir()
    found = _names(path) if folder else [name] if (name := parse(path.name)) else []
    if not found and not is_remote(path) and (peer := open_peer(path, wanted)) is not None:
        return peer
    names = _select(path, found, wanted) if folder else []
    files = _places(path, names) if folder else [str(_single(path, wanted).absolute())]
    if verify:
        _verify(files)
    return _dataset(files, names if len(names) > 1 else [], overview, shape, verify)


def _places(folder: Path, names: Sequence[FileName]) -> list[str]:
    if is_remote(folder):
        return [str(folder / name.text) for name in names]
    root = folder.absolute()
    return [f"{root}{os.sep}{name.text}" for name in names]


def _names(folder: Path) -> list[FileName]:
    """Return the names of the products of a folder."""
    texts = [item.name for item in folder.glob("*.h5")] if is_remote(folder) else os.listdir(folder)  # noqa: PTH208  (names, not a thousand paths)
    return [name for text in texts if text.endswith(".h5") and (name := parse(text))]


def _single(path: Path, wanted: dict[str, str | None]) -> Path:
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.{_nearby(path)}")
    name = parse(path.name)
    for field, value in wanted.items():
        if value is not None and name is not None and getattr(name, field) != value:
            raise NotFoundError(f"{path.name} has {field} {getattr(name, field)!r}, not {value!r}.")
    return path


def _nearby(path: Path) -> str:
    if is_remote(path):
        return ""
    if not path.parent.is_dir():
        return f" Nor is there a folder {path.parent}."
    return closest(path.name, [item.name for item in path.parent.glob("*.h5")])


def _select(folder: Path, found: Sequence[FileName], wanted: dict[str, str | None]) -> list[FileName]:
    """Return the names that match, one for each period in order of time."""
    asked = {key: value for key, value in wanted.items() if value is not None}
    names = [name for name in found if all(getattr(name, key) == value for key, value in asked.items())]
    if not names:
        words = ", ".join(f"{key}={value!r}" for key, value in asked.items())
        raise NotFoundError(f"No product{' with ' + words if words else ''} is in {folder}. {_contents(found)}")
    for field in ("product", "edition", "tile"):
        if len(values := sorted({getattr(name, field) for name in names})) > 1:
            raise InputError(f"{folder} holds several {field}s: {', '.join(values)}. Choose one by {field}=.")
    newest: dict[str, FileName] = {}
    for name in names:
        if name.period not in newest or name.number > newest[name.period].number:
            newest[name.period] = name
    return sorted(newest.values(), key=lambda n: (n.start or datetime.max, n.period))


def _contents(found: Sequence[FileName]) -> str:
    if not found:
        return "It holds no product files."
    lines = Counter(f"{n.product} {n.edition} {n.tile}" for n in found)
    shown = [f"{text} ({count} file{'s' if count > 1 else ''})" for text, count in sorted(lines.items())[:20]]
    return f"It holds: {'; '.join(shown)}."


def _verify(files: Sequence[str]) -> None:
    bad = [finding for path in files if (finding := manifest.check(place(path))).state != "ok"]
    if bad:
        more = f" ({len(bad)} of {len(files)} files are not good.)" if len(bad) > 1 else ""
        raise ArchiveError(f"{bad[0].message}.{more}")


def _compare(files: Sequence[str], layers: Mapping[str, StoredLayer]) -> None:
    """Refuse a cube of files that do not fit together, which otherwise shows when their values are read."""
    whole = [layer for name, layer in layers.items() if name not in RAGGED]
    for path in files[1:]:
        for layer in whole[:1]:
            layer.compare(path)


def _dataset(
    files: Sequence[str],
    names: Sequence[FileName],
    overview: int | Literal["auto"] | None,
    shape: tuple[int, int] | None,
    verify: bool,
) -> xr.Dataset:
    first = files[0]
    check_hdf5(first)
    try:
        state = state_of(files)
    except FileNotFoundError as error:
        raise NotFoundError(f"{error.filename} went away while its folder was opened. Open it again.") from None
    with opened(first) as file, damage(first):
        attrs = attributes(file)
        if not {"product", "id", "Conventions"} <= set(attrs):
            raise ArchiveError(f"{first} is not a MuSyQ product. Open rasters of your own with foreign.open_field.")
        factor = overviews.selected(file, overview, shape)
        group = file if factor == 1 else file[group_name(factor)]
        coords = coordinates(group)
        axes, own = _axes(group, coords), layer_names(group, coords)
        layers = {name: _layer(group[name], files, axes, stacked=bool(names)) for name in own}
        if names and "time" in coords and coords["time"].dims:
            raise InputError(f"Each file of {place(first).parent} has times of its own. Open one of them by period=.")
        axis, times = _periods(names) if names else ("", {})
        variables = {name: _variable(group[name], layer, state, axis) for name, layer in layers.items()}
        if names and verify:
            _compare(files, layers)
        if names:
            variables, coords = replaced(variables, coords, layers, state)
            attrs = {key: value for key, value in attrs.items() if key not in _OF_ONE}
            # A number beside the map, such as the days of a month, is that of the first file only.
            coords = {name: coord for name, coord in coords.items() if coord.dims or name == GRID_MAPPING}
        return xr.Dataset(variables, {**coords, **times}, overviews.described(attrs, factor))


def _layer(dataset: Any, files: Sequence[str], axes: tuple[Axis, ...], *, stacked: bool) -> StoredLayer:
    how, name = packing(with_fill(attributes(dataset))), dataset.name.lstrip("/")
    return StoredLayer(tuple(files), name, dataset.shape, dataset.dtype, how, stacked, axes if stacked else ())


def _axes(group: Any, coords: Mapping[str, xr.Variable]) -> tuple[Axis, ...]:
    """Return the rows and columns that all files of a cube must share."""
    names = [name for pair in SPATIAL for name in pair if name in coords]
    found = (axis_of(group[name].name.lstrip("/"), coords[name].values) for name in names)
    return tuple(axis for axis in found if axis is not None)


def _variable(dataset: Any, layer: StoredLayer, state: str, axis: str) -> xr.Variable:
    attrs, how, stacked = attributes(dataset), layer.packing, layer.stacked
    if "valid_range" in attrs:
        attrs["valid_range"] = [float(f"{limit * how.scale + how.offset:.12g}") for limit in attrs["valid_range"]]
    encoding = {name: attrs[name] for name in _PACKING if name in attrs}
    # What xarray's writers are to do; they know no zstd, which becomes gzip.
    encoding |= {"dtype": dataset.dtype, "chunksizes": dataset.chunks, "zlib": True, "shuffle": True, "complevel": 4}
    hidden = {*_PACKING, "coordinates", *(OTHER_FILLS if how.fills else ())}
    shown = {key: value for key, value in attrs.items() if key not in hidden}
    dims = dimension_names(dataset)
    dims = (axis, *dims) if stacked else dims
    return xr.Variable(dims, lazy(layer, dataset.chunks, state), shown, {} if stacked else encoding)


def _periods(names: Sequence[FileName]) -> tuple[str, dict[str, xr.Variable]]:
    """Return the first axis of a cube and its coordinates: instants where all labels tell one, else the labels."""
    labels = np.array([name.period for name in names])
    starts = [name.start for name in names]
    if any(start is None for start in starts):
        return "period", {"period": xr.Variable("period", labels)}
    axis = {"standard_name": "time", "long_name": "first instant of the period (UTC)", "axis": "T"}
    time = np.array(starts, dtype="datetime64[ns]")
    return "time", {"time": xr.Variable("time", time, axis), "period": xr.Variable("time", labels)}
