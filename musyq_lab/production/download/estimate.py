"""What a download will take: cells, files, bytes, seconds; and whether there is room for it."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from musyq_lab.core.errors import ArchiveError, InputError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.production.download import place, registration
from musyq_lab.production.download.job import Job, leading
from musyq_lab.production.download.select import Selection

FORMATS = {"HDF5": "hdf5", "NetCDF": "netcdf", "COG": "cog", "Zarr": "zarr", "CSV": "csv"}
"""Format -> module that writes it."""

_SPARE = 2**20  # bytes of side files and of the file system's own
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)i?B?", re.IGNORECASE)


class Writer(Protocol):
    """What a module of a format offers."""

    FOLDER: bool
    ENDING: str

    def check(self, job: Job) -> None:
        """Refuse what the format cannot hold."""

    def files(self, job: Job) -> int:
        """Return how many files it makes."""

    def write(self, job: Job, folder: Path) -> None:
        """Write them."""


def writer(format: str) -> tuple[str, Writer]:
    """Return the proper name of a format and its writer.

    Raises
    ------
    InputError
        If there is no such format.
    """
    names = {name.lower(): name for name in FORMATS} | {"geotiff": "COG", "tif": "COG", "nc": "NetCDF", "h5": "HDF5"}
    name = names.get(str(format).lower())
    if name is None:
        raise InputError(
            f"There is no format {format!r}.{closest(str(format), FORMATS)} Formats: {', '.join(FORMATS)}."
        )
    module: Any = import_module(f"musyq_lab.production.download.formats.{FORMATS[name]}")
    return name, module


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a download will take. Bytes are upper limits: compression saves of them what the data allow."""

    name: str
    """File or folder."""
    format: str
    """Format."""
    cells: int
    """Cells of the map in the region."""
    exact: bool
    """Whether all cells were tested, or a sample of them."""
    steps: int
    """Periods, months, bands: how often the map is repeated."""
    layers: int
    """Variables, uncertainties and quality layers."""
    files: int
    """Files that it makes."""
    read_bytes: int
    """Decoded bytes to read; as much room, at most, is needed while it works."""
    result_bytes: int
    """Bytes of the result before compression."""
    free_bytes: int
    """Free on the disk."""
    limit_bytes: int | None = None
    """Most that the result may take, None for as much as there is."""
    seconds: float | None = None
    """Time, from earlier downloads in this format; None where there were none."""

    @property
    def needed_bytes(self) -> int:
        """Room on the disk while it works, at most."""
        return self.read_bytes + self.result_bytes + _SPARE

    @property
    def fits(self) -> bool:
        """Whether it fits the disk and the limit."""
        return self._share() >= 1.0

    def _share(self) -> float:
        shares = [self.free_bytes / self.needed_bytes]
        if self.limit_bytes is not None:
            shares.append(self.limit_bytes / max(1, self.result_bytes))
        return min(shares)

    @property
    def problem(self) -> str:
        """What does not fit and how to make it fit; empty where it fits."""
        if self.fits:
            return ""
        if self.limit_bytes is not None and self.limit_bytes < self.result_bytes:
            what = f"{self.name} would take up to {size(self.result_bytes)}; the limit is {size(self.limit_bytes)}"
        else:
            what = f"{self.name} would need up to {size(self.needed_bytes)} of disk; {size(self.free_bytes)} are free"
        percent = max(1, math.floor(100 * min(self._share(), 0.99)))
        less = [f"a region with {percent} % of the cells"]
        if self.steps > 1 and (steps := math.floor(self.steps * self._share())):
            less.append(f"{steps} of the {self.steps} time steps")
        less += (
            ["fewer variables=", "another out= with more room"] if self.limit_bytes is None else ["fewer variables="]
        )
        return f"{what}. Nothing was read. To make it fit take {', '.join(less)}."

    def table(self) -> list[list[str]]:
        """Return it as rows of text, the header first."""
        about = "" if self.exact else "about "
        seconds = f"about {self.seconds:.0f} s" if self.seconds is not None else "not known yet"
        return [
            ["what", "how much"],
            ["file or folder", self.name],
            ["format", self.format],
            ["cells", f"{about}{self.cells:,} x {self.steps} steps x {self.layers} layers"],
            ["files", f"{self.files:,}"],
            ["size", f"up to {size(self.result_bytes)}"],
            ["room while it works", f"up to {size(self.needed_bytes)} of {size(self.free_bytes)} free"],
            ["time", seconds],
            ["fits", "yes" if self.fits else self.problem],
        ]

    def __str__(self) -> str:
        """Tell it in a sentence."""
        time = f", about {self.seconds:.0f} s" if self.seconds is not None else ""
        return f"{self.name}: {self.cells:,} cells x {self.steps} steps, up to {size(self.result_bytes)}{time}"

    def _repr_html_(self) -> str:
        return html_table(self.table(), "Download")


def size(count: float) -> str:
    """Return bytes in words, such as ``"1.5 GB"``."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 999.5 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.3g} {units[0]}" if count < 1000 else f"{count:.0f} {units[0]}"


def bytes_of(given: int | float | str | None) -> int | None:
    """Return a limit in bytes.

    Parameters
    ----------
    given : int, float, str or None
        Bytes, or a text such as ``"500 MB"``.

    Raises
    ------
    InputError
        If it is none.
    """
    if given is None:
        return None
    match = _SIZE.fullmatch(str(given).strip())
    if match is None or isinstance(given, bool):
        raise InputError(f"limit={given!r} is no size. Give bytes, or a text such as '500 MB'.")
    return int(float(match[1]) * 1000 ** " kmgt".index(match[2].lower() or " ")) if match else None


def estimated(selection: Selection, job: Job, form: str, name: str, out: Path, most: int | None) -> Estimate:
    """Return what a download will take; nothing is read.

    Parameters
    ----------
    selection : Selection
        What it takes.
    job : Job
        The same as the writer will see it.
    form : str
        Format.
    name : str
        File or folder.
    out : pathlib.Path
        Folder it goes to, made or not.
    most : int or None
        Limit in bytes.
    """
    cells, exact = place.count(selection.ds, selection.grid, selection.area)
    read = int(sum(layer.nbytes for layer in selection.ds.data_vars.values()))
    steps = math.prod(selection.ds.sizes[d] for d in leading(selection.ds, selection.grid))
    return Estimate(
        name=name,
        format=form,
        cells=cells,
        exact=exact,
        steps=steps,
        layers=len(selection.ds.data_vars),
        files=writer(form)[1].files(job),
        read_bytes=read,
        result_bytes=_result(job, form, cells * steps),
        free_bytes=free(out),
        limit_bytes=most,
        seconds=_seconds(form, read),
    )


def _result(job: Job, form: str, rows: int) -> int:
    if form == "CSV":
        return rows * writer(form)[1].row_bytes(job)  # type: ignore[attr-defined,no-any-return]
    total = sum(layer.nbytes for layer in job.layers)
    # Overviews add a third, and the plain TIFF that a COG is copied from lies beside it.
    return round(total * (1 + 1 / 3) * 2) if form == "COG" else total


def _seconds(form: str, read: int) -> float | None:
    try:
        speed = registration.rate(form)
    except ArchiveError:
        return None
    return read / speed if speed else None


def free(out: Path) -> int:
    """Return the free bytes of the disk of a folder that may not exist yet."""
    place_ = out.expanduser().absolute()
    while not place_.exists() and place_ != place_.parent:
        place_ = place_.parent
    return shutil.disk_usage(place_).free
