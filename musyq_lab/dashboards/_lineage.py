"""What a value was made of: granules and sensors of its pixel, the inputs of its file, the land cover of its place."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.lineage import provenance
from musyq_lab.composite.lineage import granules_of
from musyq_lab.core.errors import MusyqError
from musyq_lab.core.registry import html_table
from musyq_lab.dashboards._data import cube, samples
from musyq_lab.dashboards._places import Place, degrees_of
from musyq_lab.dashboards._series import place as place_words
from musyq_lab.dashboards._view import View

_COVER = "land_cover_mcd12c1_2019"
_MOST = 40  # granules or inputs listed
_COUNTS = {
    "n_obs": "observations used",
    "window_length": "length of the window (days)",
    "time_offset": "mean distance of the observations from the middle of the period (days)",
}


def lineage_html(view: View, place: Place) -> str:
    """Return what made the pixel at a place, as HTML.

    Parameters
    ----------
    view : View
        What is mapped, and its step.
    place : tuple of float
        In the coordinates of the map.
    """
    where = place_words(view.cube, *place)
    step = view.cube.dataset.isel({d: at for d, at in view.chosen.items() if d in view.cube.dataset.dims})
    parts = [_counts(step, view, place, where), _granules(step, view, place), _inputs(view.file), _cover(view, place)]
    found = "".join(filter(None, parts))
    return found or f"<p>{escape(where)}: these data do not say what they were made of.</p>"


def _cell(step: xr.Dataset, name: str, view: View, place: Place) -> xr.DataArray:
    return step[name].sel({view.cube.x: place[0], view.cube.y: place[1]}, method="nearest")


def _counts(step: xr.Dataset, view: View, place: Place, where: str) -> str:
    rows: list[list[Any]] = []
    for name, words in _COUNTS.items():
        if name in step and step[name].ndim == 2:
            value = float(_cell(step, name, view, place))
            rows.append([words, f"{value:.3g}" if np.isfinite(value) else "none"])
    if "sensor_share" in step and "sensor" in step.coords and step["sensor_share"].ndim == 3:
        shares = _cell(step, "sensor_share", view, place)
        named = zip(step["sensor"].values, np.asarray(shares.values, float), strict=True)
        rows += [[f"share of {name}", f"{share:.0%}"] for name, share in named if share > 0]
    return html_table([["this pixel", where], *rows]) if rows else ""


def _granules(step: xr.Dataset, view: View, place: Place) -> str:
    """Return the granules behind the pixel, where its product keeps them."""
    if "lineage" not in step or step["lineage"].ndim != 3 or ("granule" not in step.coords and "granule" not in step):
        return ""
    x, y = (float(_cell(step, "lineage", view, place)[axis]) for axis in (view.cube.x, view.cube.y))
    names = granules_of(step, x, y)
    if not names:
        return "<p>No granule saw this pixel.</p>"
    return f"<div>Granules that made this pixel ({len(names)}):</div>{_list(names)}"


def _inputs(file: Path | None) -> str:
    """Return what the record in a product file says of its making."""
    if file is None:
        return ""
    try:
        record = provenance(file)
    except (MusyqError, OSError):
        return f"<p>{escape(file.name)} carries no record of its making.</p>"
    entities = record.get("entity", {}).values()
    inputs = [
        _named(entity) for entity in entities if isinstance(entity, dict) and entity.get("musyq:role") != "output"
    ]
    lines = _list(sorted(filter(None, inputs)))
    return f"<div>{escape(file.name)} was made from:</div>{lines}"


def _named(entity: dict[str, Any]) -> str:
    for key in ("musyq:name", "musyq:id", "musyq:file", "musyq:title", "prov:label"):
        if entity.get(key):
            return str(entity[key])
    return ""


def _list(names: list[str]) -> str:
    items = "".join(f"<li>{escape(name)}</li>" for name in names[:_MOST])
    more = f"<li>and {len(names) - _MOST} more</li>" if len(names) > _MOST else ""
    return f"<ul style='margin:2px 0 6px 0;font-size:12px'>{items}{more}</ul>"


@cache
def _cover_map() -> tuple[xr.DataArray, dict[int, str]]:
    shipped = cube(samples()[_COVER])
    layer = shipped.dataset[shipped.variables[0]]
    codes = [int(code) for code in np.atleast_1d(layer.attrs["flag_values"])]
    return layer, dict(zip(codes, str(layer.attrs["flag_meanings"]).split(), strict=True))


def land_cover(longitude: float, latitude: float) -> str:
    """Return the land cover of a place in words, from the shipped map of 2019 (MCD12C1, 0.05 degree)."""
    layer, words = _cover_map()
    x, y = (name for name in ("longitude", "latitude"))
    value = float(layer.sel({x: longitude, y: latitude}, method="nearest"))
    return words.get(int(value), "unknown").replace("_", " ") if np.isfinite(value) else "unknown"


def _cover(view: View, place: Place) -> str:
    at = degrees_of(view.cube, place)
    if at is None or not (-180 <= at[0] <= 180 and -90 <= at[1] <= 90):
        return ""
    return f"<p>Land cover here in 2019 (MCD12C1, 0.05°): {escape(land_cover(*at))}.</p>"
