"""What a download takes: the source, its layers, and of them the cells of a region and the times of a period."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError, closest
from musyq_lab.core.quality import INPUT_MISSING
from musyq_lab.core.spec import Product
from musyq_lab.production.download import period as periods
from musyq_lab.production.download import place
from musyq_lab.production.download.place import Grid
from musyq_lab.production.download.region import Area, area

_MADE_FOR_THE_FILE = re.compile(r"geospatial_|(id|tile|_NCProperties)$")


@dataclass(frozen=True)
class Selection:
    """A part of a product, lazily."""

    ds: xr.Dataset
    """Window of the map; cells of it outside the region hold no value."""
    grid: Grid
    """Its axes."""
    area: Area | None
    """The region, None for all of the map."""
    key: str
    """Product key, or a word for other data."""
    spec: Product | None
    """The product, where it is a registered one or was given."""
    request: Mapping[str, Any]
    """What was asked, for records; nothing of the machine or the person."""

    @property
    def edition(self) -> str:
        """Edition, empty where the data name none."""
        return str(self.ds.attrs.get("edition", ""))

    @property
    def maps(self) -> list[str]:
        """Names of the layers that are maps."""
        pair = {self.grid.rows, self.grid.columns}
        return [str(name) for name, layer in self.ds.data_vars.items() if pair <= set(layer.dims)]

    @property
    def stem(self) -> str:
        """Name of the download: product, edition, region and period."""
        asked = str(self.request["period"])
        when = periods.span(self.ds) if asked == "all" else asked.replace("/", "_")
        words = [self.key.upper(), self.edition, self.area.key if self.area else "", when]
        return ".".join(["MuSyQ" if self.spec else "data", *(_word(word) for word in words if word)])


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text)[:64].strip("_-") or "x"


def select(
    product: Any,
    region: Any = None,
    period: str | None = None,
    *,
    variables: str | Iterable[str] | None = None,
    edition: str | None = None,
    tile: str | None = None,
    version: str | None = None,
    root: str | Path | None = None,
    catalog: Any = None,
    spec: Product | None = None,
) -> Selection:
    """Return a part of a product; only coordinates have been read.

    Parameters
    ----------
    product, region, period, variables, edition, tile, version, root, catalog, spec
        As for :func:`musyq_lab.production.download.download.download`.

    Raises
    ------
    NotFoundError
        If there is no such product, variable, region or file.
    InputError
        If the product is no map, or nothing of it lies in the region and period.
    """
    where = area(region)  # before anything is opened: a misspelt region costs nothing
    ds = _source(product, {"edition": edition, "tile": tile, "version": version}, root, catalog)
    key = _key(ds, product)
    spec = spec or _registered(str(ds.attrs.get("product", "")))
    ds = _layers(ds, variables, str(ds.attrs.get("product", key)))
    ds, grid = place.on_map(ds)
    ds = place.cut(periods.within(ds, period), grid, where)
    if empty := [str(name) for name, size in ds.sizes.items() if size == 0]:
        raise InputError(f"The product is empty along {empty[0]!r}, so there is nothing to download.")
    request = {
        "product": key,
        "edition": str(ds.attrs.get("edition", edition or "")),
        "variables": [str(name) for name in ds.data_vars],
        "region": where.described() if where else "globe",
        "period": period or "all",
    }
    return Selection(_masked(_attributes(ds, request), grid, where), grid, where, key, spec, request)


def _source(product: Any, fields: dict[str, Any], root: Any, catalog: Any) -> xr.Dataset:
    if isinstance(product, xr.DataArray):
        return product.to_dataset(name=product.name or "value")
    if isinstance(product, xr.Dataset):
        return product
    if hasattr(product, "to_dask"):
        return _opened(product)
    if not isinstance(product, (str, Path)):
        raise InputError(
            f"The product is a {type(product).__name__}. Give a Dataset, an entry of a catalog or its name, a product "
            "file or folder, or a product key with root=."
        )
    from musyq_lab.archive.open import open_product

    if root is not None:
        return open_product(root, str(product), **fields)
    if isinstance(product, Path) or "/" in product or product.endswith(".h5") or Path(product).exists():
        return open_product(product, **fields)
    return _opened(_entry(product, catalog))


def _entry(name: str, catalog: Any) -> Any:
    from musyq_lab.catalog.entry import Entry
    from musyq_lab.catalog.open import Catalog, open_catalog

    found = catalog if isinstance(catalog, Catalog) else open_catalog(catalog)
    entry = found[name]
    if not isinstance(entry, Entry):
        raise InputError(f"{name!r} is a catalog. Name an entry of it: {', '.join(f'{name}.{key}' for key in entry)}.")
    return entry


def _opened(entry: Any) -> xr.Dataset:
    data = entry.to_dask()
    if not isinstance(data, xr.Dataset):
        raise InputError(f"{getattr(entry, 'name', 'The entry')!r} holds a {type(data).__name__}, not a map.")
    metadata = getattr(entry, "metadata", {})
    known = {key: metadata[key] for key in ("doi", "institution", "keywords") if metadata.get(key)}
    name = {"name": entry.name} if getattr(entry, "name", "") and "product" not in data.attrs else {}
    return data.assign_attrs({**{k: _text(v) for k, v in known.items()}, **name, **data.attrs})


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _key(ds: xr.Dataset, product: Any) -> str:
    named = ds.attrs.get("product") or ds.attrs.get("name")
    if not named and isinstance(product, (str, Path)):
        named = Path(product).stem
    return _word(str(named or next(iter(ds.data_vars), "data"))).lower()


def _registered(key: str) -> Product | None:
    from musyq_lab.products._registry import PRODUCTS

    try:
        return PRODUCTS[key] if key else None
    except MusyqError:
        return None


def _layers(ds: xr.Dataset, variables: str | Iterable[str] | None, key: str) -> xr.Dataset:
    """Return the layers asked for, each with its uncertainty and quality."""
    # A grid mapping among the data variables is a coordinate in all but name.
    ds = ds.set_coords([n for n, v in ds.data_vars.items() if v.ndim == 0 and "grid_mapping_name" in v.attrs])
    if variables is None:
        wanted: Sequence[str] = [str(name) for name in ds.data_vars]
    else:
        wanted = [variables] if isinstance(variables, str) else list(variables)
    have = {str(name) for name in ds.data_vars}
    if unknown := [name for name in wanted if name not in have]:
        raise NotFoundError(f"The product has no variable {unknown[0]!r}.{closest(unknown[0], have)}")
    if not wanted:
        raise InputError("No variable is asked for, so there is nothing to download.")
    named = set(wanted)
    for name in wanted:
        named |= {f"{name}_uncertainty", *str(ds[name].attrs.get("ancillary_variables", "")).split()}
    named |= {f"{key}_qa", f"{key}_inputs_qa", "quality"}
    ds = ds[[name for name in ds.data_vars if name in named]]
    strange = [str(name) for name, layer in ds.data_vars.items() if layer.dtype.kind not in "iufb"]
    if strange:
        raise InputError(
            f"{strange[0]!r} holds {ds[strange[0]].dtype}, not numbers. Leave it out by variables= or convert it."
        )
    return ds


def _attributes(ds: xr.Dataset, request: Mapping[str, Any]) -> xr.Dataset:
    """Return it with attributes that are still true of the part, and a line of history."""
    kept = {str(name): value for name, value in ds.attrs.items() if not _MADE_FOR_THE_FILE.match(str(name))}
    if "time" in ds.dims:  # a part of the times has a coverage of its own
        kept = {name: value for name, value in kept.items() if not name.startswith("time_coverage_")}
    told = {key: value for key, value in request.items() if key != "product"}
    line = history_line("download", told | {"region": json.dumps(request["region"], sort_keys=True)})
    return ds.drop_attrs(deep=False).assign_attrs(
        kept | {"history": extend_history(str(kept.get("history", "")), line)}
    )


def _masked(ds: xr.Dataset, grid: Grid, where: Area | None) -> xr.Dataset:
    """Return it without the values outside the region: NaN, and in quality bits "an input is missing".

    Whole numbers without bits (counts) become 0 there.
    """
    inside = place.inside(ds, grid, where)
    if inside is None:
        return ds
    layers = {}
    for name, layer in ds.data_vars.items():
        if {grid.rows, grid.columns} <= set(layer.dims):
            masked = layer.where(inside, _outside(layer)).transpose(*layer.dims)
            masked.attrs, masked.encoding = layer.attrs, layer.encoding
            layers[name] = masked
    return ds.assign(layers)


def _outside(layer: xr.DataArray) -> Any:
    if layer.dtype.kind == "f":
        return layer.dtype.type(np.nan)
    meanings = str(layer.attrs.get("flag_meanings", "")).split()
    masks = np.atleast_1d(layer.attrs.get("flag_masks", ()))
    for meaning in (INPUT_MISSING.name, "no_data"):
        if meaning in meanings and len(masks) == len(meanings):
            return layer.dtype.type(masks[meanings.index(meaning)])
    return layer.dtype.type(0)
