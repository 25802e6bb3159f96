"""Files of published products that lie on this machine: found by the entry's name, decoded as far as is documented."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.open import open_product
from musyq_lab.archive.peers._find import find
from musyq_lab.catalog import _files
from musyq_lab.core.errors import CatalogError, InputError, MusyqWarning, NotFoundError

DATA_ROOT = "MUSYQ_DATA_ROOT"
"""Variable of the environment that names the folder of all products, one folder an entry below it."""

_QUALITY = re.compile(r"(?:^|[^a-z])(?:qc|qa|quality|flags?)(?:$|[^a-z])", re.IGNORECASE)


def open_published(
    root: str, granule: str, about: Mapping[str, Any], encoding: Mapping[str, Any], *, chunks: Any = None
) -> xr.Dataset:
    """Open files of a published product.

    Parameters
    ----------
    root : str
        File or folder; empty for the folder of the entry's name below :data:`DATA_ROOT`.
    granule : str
        Name of one of several files, empty where there is one.
    about : mapping
        Metadata of the entry, with its ``name``.
    encoding : mapping
        ``scale``, ``fill``, ``valid`` and ``units`` as the product's record states them, for whole numbers of which the
        file itself says nothing.
    chunks : optional
        As in xarray.

    Raises
    ------
    NotFoundError
        If the files are not here; the message says where they can be had.
    InputError
        If there are several and none is named, or a file cannot be read.
    """
    place = _place(root, about)
    if find(place):  # a layout that is known by its names, as a series where there are several
        return open_product(place)
    file = _one(place, granule)
    dataset = _files.open_raster(file, chunks=chunks)
    return _decoded(dataset, encoding, f"{about['name']}: {file.name}")


def _place(root: str, about: Mapping[str, Any]) -> Path:
    """Return the file or folder of the product."""
    given = root or os.environ.get(DATA_ROOT, "")
    if not given:
        raise NotFoundError(f"{about['name']} is not on this machine. {where(about)}")
    base = Path(given).expanduser()
    own = base / str(about["name"])
    found = own if own.is_dir() else base
    if not found.exists() or (not root and found is base):
        raise NotFoundError(f"There is no {own if not root else base}. {where(about)}")
    return found


def where(about: Mapping[str, Any]) -> str:
    """Return where a product can be had and where to put it, as sentences.

    Parameters
    ----------
    about : mapping
        Metadata of the entry, with its ``name``.
    """
    doi = about.get("doi")
    names = f" (doi:{doi})" if doi else " (no DOI is known)"
    if not about.get("landing_page"):
        source = "; ".join(about.get("sources", ())) or "its record"
        return f"It is described ({source}), but no page that offers it was found. With files of it: entry(root=...)."
    return (
        f"Its page is {about['landing_page']}{names}; fetch the files there, where you may have to register. Then "
        f"entry(root='folder'), or put them into the folder {about['name']} below ${DATA_ROOT}."
    )


def _one(place: Path, granule: str) -> Path:
    """Return the one file that is meant."""
    if place.is_file():
        return place
    suffixes = (*_files.HDF, *_files.TIFF)
    files = sorted(file for file in place.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
    wanted = [file for file in files if granule in ("", file.name, file.stem)]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(file.name for file in files[:8]) + (" …" if len(files) > 8 else "")
    if not files:
        raise NotFoundError(f"{place} holds none of the files that are read ({', '.join(suffixes)}).")
    raise InputError(f"{place} holds {len(files)} files: {names}. Choose one by entry(granule='name').")


def _decoded(dataset: xr.Dataset, encoding: Mapping[str, Any], label: str) -> xr.Dataset:
    """Decode whole numbers that the file leaves as they are, where the record says how; else say that it does not."""
    _check(encoding)
    layers = {name: layer for name, layer in dataset.data_vars.items() if _is_bare(str(name), layer)}
    if layers and "scale" not in encoding:
        listed = ", ".join(map(str, layers))
        warnings.warn(
            f"{label} holds whole numbers of which neither the file nor the product's record says scale and fill: "
            f"{listed}. They are given as stored.",
            MusyqWarning,
            stacklevel=2,
        )
        return dataset
    return dataset.assign({name: _values(layer, encoding) for name, layer in layers.items()})


def _check(encoding: Mapping[str, Any]) -> None:
    numbers = [value for key, value in encoding.items() if key in ("scale", "fill")] + list(encoding.get("valid", ()))
    if any(isinstance(n, bool) or not isinstance(n, int | float) for n in numbers):
        raise CatalogError(f"The encoding {dict(encoding)} must be of numbers: scale, fill, valid: [low, high].")
    if len(encoding.get("valid", (0, 1))) != 2:
        raise CatalogError(f"valid={encoding['valid']} must be the lowest and the highest number.")


def _is_bare(name: str, layer: xr.DataArray) -> bool:
    """Whether a layer holds whole numbers that stand for others and of which the file says no scale.

    One of 1 is none: readers of GeoTIFF put it where the file says nothing.
    """
    said = {**layer.attrs, **layer.encoding}
    stored = np.dtype(said.get("rasterio_dtype") or said.get("dtype") or layer.dtype)
    packed = float(said.get("scale_factor", 1)) != 1 or float(said.get("add_offset", 0)) != 0
    other = {"flag_values", "flag_masks", "flag_meanings"} & set(said)
    return stored.kind in "iu" and layer.ndim >= 2 and not packed and not other and not _QUALITY.search(name)


def _values(layer: xr.DataArray, encoding: Mapping[str, Any]) -> xr.DataArray:
    low, high = encoding.get("valid", (-np.inf, np.inf))
    good = (layer >= low) & (layer <= high)
    if "fill" in encoding:
        good &= layer != encoding["fill"]
    values = (layer * np.float64(encoding["scale"])).where(good).astype(np.float32)
    units = {"units": encoding["units"]} if "units" in encoding else {}
    said = {key: value for key, value in encoding.items() if key != "units"}
    return values.assign_attrs({**layer.attrs, **units, "comment": f"decoded as the product's record states: {said}"})
