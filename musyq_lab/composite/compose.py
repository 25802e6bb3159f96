"""Composites of several periods in a row, along time: what gap filling and phenology start from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.composite.composite import composite, opener_of
from musyq_lab.composite.report import ATTRIBUTE
from musyq_lab.composite.select import Scene, period_of
from musyq_lab.core.attributes import history_line
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Convention, Period, pentad
from musyq_lab.core.quality import INPUT_MISSING

_OF_ONE = ("lineage", "sensor_share", "granule", "granule_time", "sensor")  # they differ from period to period


def periods(start: datetime | str, end: datetime | str, convention: Convention = "year") -> list[Period]:
    """Return the periods of five days that a stretch of time touches, in order.

    Parameters
    ----------
    start, end : datetime or str
        First instant, and the first one after it.
    convention : {"year", "month"}
        See :mod:`musyq_lab.core.period`.

    Raises
    ------
    InputError
        If the end is not after the start.
    """
    first = period_of(start, convention)
    last = datetime.fromisoformat(end) if isinstance(end, str) else end
    begun = datetime.fromisoformat(start) if isinstance(start, str) else start
    if not begun < last:
        raise InputError(f"A series from {begun} to {last} is empty. Give an end after the start.")
    found = [first]
    while found[-1].end < last:
        found.append(pentad(found[-1].end, convention))
    return found


def series(scenes: Iterable[Scene], *, over: Iterable[Period], **choice: Any) -> xr.Dataset:
    """Return composites of several periods along ``time``, lazily; a period without any look is all missing.

    Parameters
    ----------
    scenes : iterable of Dataset or path
        For all periods together; paths are opened once.
    over : iterable of Period
        In order, such as :func:`periods`.
    choice
        What :func:`musyq_lab.composite.composite.composite` takes besides.

    Returns
    -------
    Dataset, dims (time, band, *plane)
        The layers of a composite but ``lineage`` and ``sensor_share``, whose granules and sensors are those of one
        period. ``time`` is the middle of each period, ``period`` its label; the attribute ``load_report`` holds the
        reports of all periods, one a line.

    Raises
    ------
    InputError
        If no period can be made.
    """
    wanted = list(over)
    opened = _opened(scenes, choice)
    made: dict[Period, xr.Dataset] = {}
    reasons = []
    for period in wanted:
        try:
            made[period] = composite(opened, period=period, **choice)
        except InputError as error:
            reasons.append(f"{period.label}: {error}")
    if not made:
        raise InputError(f"series() can make none of the {len(wanted)} periods. {' '.join(reasons[:2])}")
    plain = _alike(made)
    like = next(iter(plain.values()))
    time = xr.Variable("time", np.array([p.middle for p in wanted], "datetime64[ns]"))
    stacked = [plain.get(period, _missing(like)) for period in wanted]
    joined = xr.concat(stacked, time, join="exact", combine_attrs="drop", coords="minimal", compat="override")
    attrs = {name: like.attrs[name] for name in ("Conventions", "reflectance_level")}
    attrs["history"] = history_line("series", {"over": [p.label for p in wanted]})
    attrs[ATTRIBUTE] = "\n".join(made[p].attrs[ATTRIBUTE] for p in wanted if p in made)
    return joined.assign_coords(period=("time", [p.label for p in wanted])).assign_attrs(attrs)


def _opened(scenes: Iterable[Scene], choice: Mapping[str, Any]) -> list[Scene]:
    """Open what are paths once; one that cannot be opened stays a path, and each period reports it."""
    opener = opener_of(choice.get("standardize"), choice.get("grid"))
    opened: list[Scene] = []
    for scene in scenes:
        try:
            opened.append(scene if isinstance(scene, xr.Dataset) or opener is None else opener(scene))
        except Exception:  # the composites say why
            opened.append(scene)
    return opened


def _alike(made: Mapping[Period, xr.Dataset]) -> dict[Period, xr.Dataset]:
    """Return composites without what belongs to one period, all with the bands that any has."""
    bands = {str(b): float(w) for m in made.values() for b, w in zip(m.band.values, m.wavelength.values, strict=True)}
    order = sorted(bands, key=lambda name: (bands[name], name))
    widths = {str(b): float(w) for m in made.values() for b, w in zip(m.band.values, m.fwhm.values, strict=True)}
    along = {
        "wavelength": ("band", [bands[name] for name in order]),
        "fwhm": ("band", [widths[name] for name in order]),
    }
    return {p: m.drop_vars(_OF_ONE).reindex(band=order).assign_coords(along) for p, m in made.items()}


def _missing(like: xr.Dataset) -> xr.Dataset:
    """Return a composite of no looks."""
    empty = {"n_obs": 0, "composite_qa": INPUT_MISSING.mask}
    return xr.Dataset(
        {name: xr.full_like(data, empty.get(str(name), np.nan)) for name, data in like.data_vars.items()}, like.coords
    )
