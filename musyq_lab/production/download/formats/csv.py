"""CSV: a row a cell and time, with value, uncertainty, quality in bits and words, place and outline.

Beside it lies ``<name>.csv-metadata.json``, which says what the columns are (W3C, Metadata Vocabulary for Tabular
Data). Numbers have as many digits as give them back exactly. Longitudes run from -180 to 180.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import track
from musyq_lab.production.download.job import Job, leading
from musyq_lab.production.download.place import edges

FOLDER = False
"""Whether a download is a folder of files."""
ENDING = ".csv"
"""What follows the name."""

_MOST_COLUMNS = 300
_BLOCK = 200_000  # cells turned into text at once
Texts = Sequence[str]


def check(job: Job) -> None:
    """Refuse data without a map.

    Raises
    ------
    InputError
        If no layer is a map.
    """
    if not job.maps:
        raise InputError("None of the variables is a map, so there are no cells a table could list.")
    _flat(job)


def files(job: Job) -> int:
    """Return how many files it makes: the table and its description."""
    return 2


def row_bytes(job: Job) -> int:
    """Return how long a row is, about."""
    layers = list(_flat(job).ds.data_vars.values())
    numbers = sum(layer.dtype.kind == "f" for layer in layers)
    return 45 + 12 * numbers + 20 * (len(layers) - numbers) + (110 if job.geometry else 0)


def write(job: Job, folder: Path) -> None:
    """Write the table.

    Parameters
    ----------
    job : Job
        What to write.
    folder : pathlib.Path
        Empty folder.
    """
    check(job)
    job = _flat(job)
    table = folder / f"{job.stem}{ENDING}"
    blocks = list(_blocks(job))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_header(job))
        for leading, rows in track(blocks, "Writing the table", len(blocks)):
            writer.writerows(_rows(job, leading, rows))
    about = folder / f"{table.name}-metadata.json"
    about.write_text(json.dumps(_description(job, table.name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _leading(job: Job) -> list[str]:
    return leading(job.ds, job.grid)


def _flat(job: Job) -> Job:
    """Return the job with a layer, and so a column, for each step of a dimension that makes no rows."""
    repeated = {*leading(job.ds, job.grid), job.grid.rows, job.grid.columns}
    found = {}
    for name, layer in job.ds.data_vars.items():
        others = [str(d) for d in layer.dims if d not in repeated]
        if others and not {job.grid.rows, job.grid.columns} <= set(layer.dims):
            continue  # a list of its own, no layer of the map
        for index in np.ndindex(*(layer.sizes[d] for d in others)):
            part = layer.isel(dict(zip(others, index, strict=True)))
            labels = [str(part[d].values) if d in part.coords else str(i) for d, i in zip(others, index, strict=True)]
            found[f"{name}[{', '.join(labels)}]" if labels else str(name)] = part.drop_vars(others, errors="ignore")
    if len(found) > _MOST_COLUMNS:
        raise InputError(f"The table would have {len(found)} columns. Choose some by variables=, or take NetCDF.")
    return replace(job, ds=xr.Dataset(found, attrs=job.ds.attrs))


def _blocks(job: Job) -> Iterator[tuple[dict[str, int], slice]]:
    names = _leading(job)
    height, width = job.ds.sizes[job.grid.rows], job.ds.sizes[job.grid.columns]
    step = max(1, _BLOCK // width)
    for index in np.ndindex(*(job.ds.sizes[name] for name in names)):
        for first in range(0, height, step):
            yield dict(zip(names, index, strict=True)), slice(first, min(first + step, height))


def _columns(job: Job) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the names of the columns and what they hold."""
    for name in _leading(job):
        attrs = job.ds[name].attrs if name in job.ds.coords else {}
        if name != "period":
            yield name, {"long_name": attrs.get("long_name", name), "units": attrs.get("units", "")}
    if "period" in job.ds.coords and set(job.ds["period"].dims) <= set(_leading(job)):
        yield "period", {"long_name": "label of the period"}
    if job.grid.wkt:
        yield "x", {"long_name": "x of the cell's centre", "units": "m"}
        yield "y", {"long_name": "y of the cell's centre", "units": "m"}
        yield "crs", {"long_name": "coordinate reference system of x and y"}
    yield "longitude", {"long_name": "longitude of the cell's centre", "units": "degrees_east"}
    yield "latitude", {"long_name": "latitude of the cell's centre", "units": "degrees_north"}
    for key, layer in job.ds.data_vars.items():
        yield str(key), dict(layer.attrs)
        if _meanings(layer):
            yield f"{key}_words", {"long_name": f"{layer.attrs.get('long_name', key)} in words"}
    if job.geometry:
        yield "geometry", {"long_name": "outline of the cell in longitude and latitude (WGS 84), as WKT"}


def _header(job: Job) -> list[str]:
    return [name for name, _ in _columns(job)]


def _description(job: Job, table: str) -> dict[str, Any]:
    columns = []
    for name, attrs in _columns(job):
        column: dict[str, Any] = {"name": name, "titles": name, "dc:description": str(attrs.get("long_name", name))}
        if attrs.get("units"):
            column["schema:unitText"] = str(attrs["units"])
        columns.append(column)
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": table,
        "dc:title": str(job.ds.attrs.get("title", job.stem)),
        "tableSchema": {"columns": columns},
    }


def _rows(job: Job, leading: dict[str, int], rows: slice) -> Iterator[Iterable[str]]:
    """Yield the rows of one block: the cells of some rows of the map at one time."""
    y = np.asarray(job.ds[job.grid.rows].values, float)[rows]
    x = np.asarray(job.ds[job.grid.columns].values, float)
    longitude, latitude = job.grid.lonlat(y[:, None], x[None, :])
    inside = np.ones(longitude.shape, bool)
    if job.area is not None and not job.area.is_point:
        inside = job.area.contains(longitude, latitude)
    if not inside.any():
        return iter(())
    count = int(np.count_nonzero(inside))
    columns: list[Texts] = [[text] * count for text in _constants(job, leading)]
    shift = np.where(longitude > 180.0, -360.0, 0.0)
    if job.grid.wkt:
        columns += [_numbers(np.broadcast_to(a, inside.shape)[inside]) for a in (x[None, :], y[:, None])]
        columns.append([_name(job.grid.wkt)] * count)
    columns += [_degrees((longitude + shift)[inside], job), _degrees(latitude[inside], job)]
    for layer in job.ds.data_vars.values():
        columns += _texts(_values(job, layer, leading, rows, inside.shape)[inside], layer)
    if job.geometry:
        columns.append(_outlines(job, rows, inside, shift))
    return zip(*columns, strict=True)


def _constants(job: Job, leading: dict[str, int]) -> Iterator[str]:
    here = job.ds.drop_vars(list(job.ds.data_vars)).isel(leading)
    for name, index in leading.items():
        if name != "period":
            yield _label(here[name]) if name in here.coords else str(index)
    if "period" in job.ds.coords and set(job.ds["period"].dims) <= set(leading):
        yield str(here["period"].values)


def _label(value: xr.DataArray) -> str:
    if value.dtype.kind == "M":
        return str(np.datetime_as_string(value.values, "s"))
    return str(value.values)


def _values(job: Job, layer: xr.DataArray, leading: dict[str, int], rows: slice, shape: tuple[int, ...]) -> Any:
    own = {name: index for name, index in leading.items() if name in layer.dims}
    if job.grid.rows in layer.dims:
        own[job.grid.rows] = rows  # type: ignore[assignment]
    part = layer.isel(own)
    missing = [d for d in (job.grid.rows, job.grid.columns) if d not in part.dims]
    values = np.asarray(part.transpose(*(d for d in (job.grid.rows, job.grid.columns) if d not in missing)).values)
    if missing == [job.grid.columns]:
        values = values[:, None]
    return np.broadcast_to(values, shape)


def _texts(values: NDArray[Any], layer: xr.DataArray) -> list[Texts]:
    """Return the column of a layer, and that of its quality or class in words."""
    meanings = _meanings(layer)
    return [_numbers(values)] + ([_by_value(values, meanings)] if meanings else [])


def _numbers(values: NDArray[Any]) -> Texts:
    return _by_value(values, lambda value: "" if value != value else str(value))  # noqa: PLR0124  (NaN)


def _by_value(values: NDArray[Any], text: Callable[[Any], str]) -> Texts:
    """Return a text for each value; those of a product repeat, so that each is made once."""
    known, index = np.unique(values, return_inverse=True)
    return np.array([text(value) for value in known], dtype=object)[index.reshape(-1)].tolist()  # type: ignore[no-any-return]


def _meanings(layer: xr.DataArray) -> Callable[[Any], str] | None:
    """Return what tells bits or classes in words, None for a layer without such."""
    words = str(layer.attrs.get("flag_meanings", "")).split()
    masks, values = (np.atleast_1d(layer.attrs.get(name, ())) for name in ("flag_masks", "flag_values"))
    if words and len(masks) == len(words) and layer.dtype.kind in "iu":
        pairs = [(int(mask), word) for mask, word in zip(masks, words, strict=True)]
        return lambda value: " ".join(word for mask, word in pairs if int(value) & mask)
    if words and len(values) == len(words):
        known = {float(value): word for value, word in zip(values, words, strict=True)}
        return lambda value: known.get(float(value), "")
    return None


def _degrees(values: NDArray[np.float64], job: Job) -> Texts:
    # Centres on a map in metres are computed: a hundred-millionth of a degree is a millimetre.
    return _by_value(values, (lambda v: f"{v:.8f}") if job.grid.wkt else (lambda v: f"{v:.12g}"))


def _name(wkt: str) -> str:
    from pyproj import CRS

    crs = CRS.from_wkt(wkt)
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_proj4() or crs.name)


def _outlines(job: Job, rows: slice, inside: NDArray[np.bool_], shift: NDArray[np.float64]) -> Texts:
    """Return the cells as polygons of longitude and latitude, against the clock."""
    y = edges(np.asarray(job.ds[job.grid.rows].values, float), job.grid.steps[0] or job.grid.steps[1])
    x = edges(np.asarray(job.ds[job.grid.columns].values, float), job.grid.steps[1] or job.grid.steps[0])
    longitude, latitude = job.grid.lonlat(y[rows.start : rows.stop + 1, None], x[None, :])
    latitude = np.clip(latitude, -90.0, 90.0)
    down, right = int(y[-1] < y[0]), int(x[-1] > x[0])
    south, west = (down, 1 - down), (1 - right, right)
    texts = []
    row, column = np.nonzero(inside)
    corners = []
    for i, j in ((south[0], west[0]), (south[0], west[1]), (south[1], west[1]), (south[1], west[0])):
        corners.append((longitude[row + i, column + j] + shift[row, column], latitude[row + i, column + j]))
    digits = "{:.8f} {:.8f}" if job.grid.wkt else "{:.12g} {:.12g}"
    ring = "POLYGON((" + ",".join([digits] * 5) + "))"
    for values in zip(*(part.tolist() for corner in (*corners, corners[0]) for part in corner), strict=True):
        texts.append(ring.format(*values))
    return texts
