"""Writing a result so that it joins the shelf: files of a product, all or none of them, in a folder of its name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Product
from musyq_lab.dashboards._compute_inputs import Inputs
from musyq_lab.dashboards._jobs import Job
from musyq_lab.dashboards._jobs_dask import watched


@dataclass(frozen=True)
class Placed:
    """Where a result goes and what its files are called."""

    folder: Path
    """Folder of the result, which must not exist yet."""
    spec: Product
    """How it is stored."""
    edition: str
    """Grid."""
    tile: str
    """Part of the grid."""
    periods: tuple[str, ...]
    """Label of each step in time, or one for all."""


def placed(results: Path, name: str, spec: Product, made: xr.Dataset, inputs: Inputs) -> Placed:
    """Return where a result goes.

    Raises
    ------
    InputError
        If there is a result of that name: nothing is ever replaced.
    """
    folder = results / name
    if folder.exists():
        raise InputError(f"There is a result {name!r} already. Choose another name; nothing is replaced.")
    first = inputs.sources[0]
    return Placed(folder, spec, first.edition, first.tile, labels(made, inputs))


def labels(made: xr.Dataset, inputs: Inputs) -> tuple[str, ...]:
    """Return the labels of the periods: those of the data where the steps are the same, else dates."""
    if "time" in made.dims:
        times = made["time"]
        for source in inputs.sources:
            known = source.dataset.coords.get("period")
            # Steps alone are compared: further coordinates along them may differ.
            if known is not None and known.dims == ("time",) and np.array_equal(source.dataset["time"], times):
                return tuple(str(text) for text in known.values)
        return tuple(_distinct([_date(value) for value in times.values]))
    spans = [span for source in inputs.sources if (span := _span(source.dataset))]
    return (spans[0] if spans else "all",)


def _date(value: object) -> str:
    moment = pd.Timestamp(value)  # type: ignore[arg-type]  # a date of numpy
    return moment.strftime("%Y%j") if moment == moment.normalize() else moment.strftime("%Y%j-%H%M")


def _distinct(texts: list[str]) -> list[str]:
    return texts if len(set(texts)) == len(texts) else [f"{text}-{k:05d}" for k, text in enumerate(texts)]


def _span(dataset: xr.Dataset) -> str:
    """Return the label of what was reduced over time: first and last step."""
    if "period" in dataset.coords:
        known = [str(text) for text in np.atleast_1d(dataset["period"].values)]
    elif "time" in dataset.dims and np.issubdtype(dataset["time"].dtype, np.datetime64) and dataset.sizes["time"]:
        known = [_date(value) for value in dataset["time"].values[[0, -1]]]
    else:
        return ""
    return known[0] if known[0] == known[-1] else f"{known[0]}_{known[-1]}"


def write(job: Job, made: xr.Dataset, place: Placed) -> Path:
    """Write the files of a result; the work of a job. The folder appears when all of them are whole.

    Parameters
    ----------
    job : Job
        Is told of the progress, and ends it.
    made : xarray.Dataset
        The lazy result.
    place : Placed
        From :func:`placed`.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    results = place.folder.parent
    results.mkdir(parents=True, exist_ok=True)
    draft = drafts_of(results) / f"{place.folder.name}-{job.id}"
    draft.mkdir(parents=True)
    try:
        with watched(job, made) as looked:
            for label, part in _files(looked, place):
                grid = place.edition, place.tile
                path = write_product(part, draft, spec=place.spec, edition=grid[0], tile=grid[1], period=label)
                job.say(f"{path.name} is written.")
        job.check()
        if place.folder.exists():
            raise InputError(f"A result {place.folder.name!r} has come in the meantime. Choose another name.")
        draft.rename(place.folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return place.folder


def _files(made: xr.Dataset, place: Placed) -> Iterator[tuple[str, xr.Dataset]]:
    if "time" not in made.dims:
        yield place.periods[0], made
        return
    for position, label in enumerate(place.periods):
        when = np.datetime_as_string(made["time"].values[position].astype("M8[s]"), unit="s")
        step = made.isel(time=position, drop=True)
        yield label, step.assign_attrs(time_coverage_start=f"{when}Z")


def drafts_of(results: Path) -> Path:
    """Return the folder of unfinished results: beside that of the results, so that no page shows them."""
    return results.with_name(f".{results.name}-drafts")


def clear_drafts(results: Path) -> None:
    """Remove what a killed server left behind; to be called before a server starts."""
    shutil.rmtree(drafts_of(results), ignore_errors=True)
