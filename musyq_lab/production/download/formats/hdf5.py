"""HDF5: product files of our own, one a period, as :func:`musyq_lab.archive.write.write_product` makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from musyq_lab.archive import manifest
from musyq_lab.archive.write import write_product
from musyq_lab.core.errors import InputError
from musyq_lab.production.download.job import Job

FOLDER = True
"""Whether a download is a folder of files."""
ENDING = "_hdf5"
"""What follows the name."""


def check(job: Job) -> None:
    """Refuse data that are no product.

    Raises
    ------
    InputError
        If no product describes how to store them.
    """
    if job.spec is None:
        raise InputError(
            "HDF5 downloads are product files, and these data are of no registered product. Take format='NetCDF', "
            "or say how to store them by spec=Product(...)."
        )
    if not job.ds.attrs.get("edition"):
        raise InputError("The data do not name their edition, which is part of a product file's name. Give edition=.")


def files(job: Job) -> int:
    """Return how many files it makes."""
    axis = _axis(job.ds)
    return job.ds.sizes[axis] if axis else 1


def write(job: Job, folder: Path) -> None:
    """Write one product file a period.

    Parameters
    ----------
    job : Job
        What to write.
    folder : pathlib.Path
        Empty folder.
    """
    check(job)
    for label, part in _periods(job):
        path = write_product(
            part,
            folder,
            spec=job.spec,
            edition=str(job.ds.attrs["edition"]),
            tile=job.area.key[:64] if job.area else "global",
            period=label,
            version=str(job.ds.attrs.get("product_version", "v1")),
        )
        # The record of the run names host and times; nothing of the machine travels with a download.
        manifest.side_file(path, manifest.RUN_SUFFIX).unlink(missing_ok=True)


def _axis(ds: xr.Dataset) -> str:
    return next((name for name in ("time", "period") if name in ds.dims), "")


def _periods(job: Job) -> Iterator[tuple[str, xr.Dataset]]:
    ds = job.ds
    for name, sign in ((job.grid.rows, -1), (job.grid.columns, 1)):
        if ds.sizes[name] > 1 and sign * float(ds[name][-1] - ds[name][0]) < 0:
            ds = ds.isel({name: slice(None, None, -1)})
    axis = _axis(ds)
    if not axis:
        yield str(ds.attrs.get("period") or _label(ds)), ds
        return
    for index in range(ds.sizes[axis]):
        part = ds.isel({axis: index})
        label = str(part["period"].values) if "period" in part.coords else _label(part)
        yield label, part.drop_vars([axis, "period"], errors="ignore")


def _label(ds: xr.Dataset) -> str:
    if "time" not in ds.coords or ds["time"].ndim or ds["time"].dtype.kind != "M":
        raise InputError("The data name no period, which is part of a product file's name. Set ds.attrs['period'].")
    moment = ds["time"].values.astype("datetime64[us]").item()
    return f"{moment:%Y%j}" + (f"-{moment:%H}" if moment.hour else "")
