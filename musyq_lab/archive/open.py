"""Opening products: one file, or a folder's files of one product as a cube, lazily and without trusting them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from musyq_lab.archive import manifest, overviews
from musyq_lab.archive._layout import coordinates, dimension_names, layer_names
from musyq_lab.archive._overview_writer import group_name
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.peers._open import open_peer
from musyq_lab.core import accessor as _accessor  # noqa: F401  # registers `.musyq`
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError, closest
from musyq_lab.files.remote import is_remote, place
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import StoredLayer, attributes, lazy, packing

_FIELDS = ("product", "edition", "tile", "period")
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
        Compare the checksum of every file first.
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
    if not is_remote(path) and not _is_ours(path) and (peer := open_peer(path, wanted)) is not None:
        return peer
    if path.is_dir():
        names = _select(path, wanted)
        files = [path / name.text for name in names]
    else:
        names, files = [], [_single(path, wanted)]
    if verify:
        _verify(files)
    return _dataset(files, names if len(names) > 1 else [], overview, shape)


def _is_ours(path: Path) -> bool:
    names = path.glob("*.h5") if path.is_dir() else (path,)
    return any(parse(item.name) for item in names)


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


def _select(folder: Path, wanted: dict[str, str | None]) -> list[FileName]:
    """Return the names of a folder that match, one for each period in order of time."""
    found = sorted(name for item in folder.glob("*.h5") if (name := parse(item.name)))
    names = [name for name in found if all(v is None or getattr(name, k) == v for k, v in wanted.items())]
    if not names:
        asked = ", ".join(f"{key}={value!r}" for key, value in wanted.items() if value is not None)
        raise NotFoundError(f"No product{' with ' + asked if asked else ''} is in {folder}. {_contents(found)}")
    for field in ("product", "edition", "tile"):
        if len(values := sorted({getattr(name, field) for name in names})) > 1:
            raise InputError(f"{folder} holds several {field}s: {', '.join(values)}. Choose one by {field}=.")
    newest = {name.period: name for name in sorted(names, key=lambda n: n.number)}
    return sorted(newest.values(), key=lambda n: (n.start or datetime.max, n.period))


def _contents(found: Sequence[FileName]) -> str:
    if not found:
        return "It holds no product files."
    lines = Counter(f"{n.product} {n.edition} {n.tile}" for n in found)
    shown = [f"{text} ({count} file{'s' if count > 1 else ''})" for text, count in sorted(lines.items())[:20]]
    return f"It holds: {'; '.join(shown)}."


def _verify(files: Sequence[Path]) -> None:
    bad = [finding for path in files if (finding := manifest.check(path)).state != "ok"]
    if bad:
        more = f" ({len(bad)} of {len(files)} files are not good.)" if len(bad) > 1 else ""
        raise ArchiveError(f"{bad[0].message}.{more}")


def _dataset(
    files: Sequence[Path],
    names: Sequence[FileName],
    overview: int | Literal["auto"] | None,
    shape: tuple[int, int] | None,
) -> xr.Dataset:
    first = files[0]
    check_hdf5(first)
    with opened(first) as file, damage(first):
        attrs = attributes(file)
        if not {"product", "id", "Conventions"} <= set(attrs):
            raise ArchiveError(f"{first} is not a MuSyQ product. Open rasters of your own with foreign.open_field.")
        factor = overviews.selected(file, overview, shape)
        group = file if factor == 1 else file[group_name(factor)]
        coords = coordinates(group)
        variables = {name: _variable(group[name], files, bool(names)) for name in layer_names(group, coords)}
        ds = xr.Dataset(variables, coords, overviews.described(attrs, factor))
    return _with_periods(ds, names) if names else ds


def _variable(dataset: Any, files: Sequence[Path], stacked: bool) -> xr.Variable:
    attrs = attributes(dataset)
    how = packing(attrs)
    layer = StoredLayer(
        tuple(str(path.absolute()) for path in files),
        dataset.name.lstrip("/"),
        dataset.shape,
        dataset.dtype,
        how,
        stacked,
    )
    if "valid_range" in attrs:
        attrs["valid_range"] = [float(f"{limit * how.scale + how.offset:.12g}") for limit in attrs["valid_range"]]
    encoding = {name: attrs[name] for name in _PACKING if name in attrs}
    encoding |= {"dtype": dataset.dtype, "chunksizes": dataset.chunks, "zlib": True, "shuffle": True, "complevel": 4}
    shown = {key: value for key, value in attrs.items() if key not in (*_PACKING, "coordinates")}
    dims = dimension_names(dataset)
    dims = ("period", *dims) if stacked else dims
    return xr.Variable(dims, lazy(layer, dataset.chunks), shown, {} if stacked else encoding)


def _with_periods(ds: xr.Dataset, names: Sequence[FileName]) -> xr.Dataset:
    """Name the first axis of a cube: by instants where all labels tell one, else by the labels."""
    ds.attrs = {key: value for key, value in ds.attrs.items() if key not in ("id", "period", "product_version")}
    ds = ds.assign_coords(period=("period", np.array([name.period for name in names])))
    starts = [name.start for name in names]
    if any(start is None for start in starts):
        return ds
    time = np.array(starts, dtype="datetime64[ns]")
    axis = {"standard_name": "time", "long_name": "first instant of the period (UTC)", "axis": "T"}
    ds = ds.rename(period="label").assign_coords(time=("label", time, axis))
    return ds.swap_dims(label="time").rename(label="period")
