"""Downloads: a region and period of a product, in the format of one's choice.

A download is told first (:func:`estimate`) and refused before anything is read where it does not fit. It then is read
in parts, each with a checksum, written from them, checked and renamed to its name at once. Stopped at any moment, the
same call goes on from the parts that are there, and its files have the same bytes as those of an unbroken one. Beside
the data lie a list of checksums, the attribution, and a receipt that names no person; the person's own receipt goes
into one local file (:mod:`musyq_lab.production.download.registration`).
"""

from __future__ import annotations

import os
import time
import uuid
import warnings
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musyq_lab.archive.draft import plain
from musyq_lab.core.attributes import package_version
from musyq_lab.core.errors import ArchiveError, InputError, MusyqError, MusyqWarning
from musyq_lab.core.spec import Product
from musyq_lab.production.download import attribution, registration, work
from musyq_lab.production.download.estimate import Estimate, Writer, bytes_of, estimated, writer
from musyq_lab.production.download.job import Job
from musyq_lab.production.download.outcome import Download
from musyq_lab.production.download.parts import stage
from musyq_lab.production.download.select import Selection, select

_PROBE = 2**20  # bytes
_KEPT = "What was read so far is kept: the same call goes on from there."


def download(
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
    format: str = "NetCDF",
    out: str | Path = ".",
    filename: str | None = None,
    packed: bool = True,
    geometry: bool = True,
    limit: int | float | str | None = None,
    name: str = "",
    organisation: str = "",
    email: str = "",
    purpose: str = "",
) -> Download:
    """Download a region and period of a product, with uncertainty and quality, checked and with its attribution.

    A cell belongs to a region if its centre does. Inside the window of a polygon, cells outside it hold no value
    (quality bit ``input_missing``); a table leaves them out. Stopped at any moment, the same call goes on where it was.

    Parameters
    ----------
    product : Dataset, DataArray, catalog entry, str or pathlib.Path
        Data; a product file or folder; the name of an entry of the catalog; with ``root``, a product key.
    region : optional
        ``"china"``, ``"belt_and_road"``, ``(west, south, east, north)`` or its text (west > east crosses the
        antimeridian), a GeoJSON mapping or file, a shapely polygon, or ``(longitude, latitude)`` for the one cell
        there; all of the map if not given.
    period : str, optional
        ``"2015"``, ``"2015-07"``, ``"2015-07-01/2015-08-15"`` (both ends included; the first instant of a period
        counts) or the label of a period; all if not given.
    variables : str or iterable of str, optional
        Variables, which bring their uncertainty and quality along; all if not given.
    edition, tile, version : str, optional
        As for :func:`musyq_lab.archive.open.open_product`.
    root : str or pathlib.Path, optional
        Folder of product files.
    catalog : Catalog, str or pathlib.Path, optional
        Where to look for an entry; the samples if not given.
    spec : Product, optional
        How to store data of no registered product.
    format : {"NetCDF", "HDF5", "COG", "Zarr", "CSV"}
        HDF5 gives one product file a period, COG one file a variable and period.
    out : str or pathlib.Path
        Folder, made if it does not exist.
    filename : str, optional
        Name of the file or folder; made from product, edition, region and period if not given.
    packed : bool
        Whether values are stored as the product defines (within half a step of its scale, and exactly those of a
        product file), or as they are in memory. HDF5 is always packed and CSV never.
    geometry : bool
        Whether a table holds the outline of every cell.
    limit : int or str, optional
        Most bytes that the result may take before compression, such as ``"500 MB"``.
    name, organisation, email, purpose : str
        Registration with the first download (:func:`musyq_lab.production.download.registration.register`); ``purpose``
        may be given each time.

    Returns
    -------
    Download

    Raises
    ------
    InputError
        If nothing lies in the region and period, the format cannot hold the data, it does not fit the disk or the
        limit, or nobody has registered yet. Nothing has been read then.
    NotFoundError
        If there is no such product, variable or region.
    ArchiveError
        If reading or writing fails; parts that were read are kept.
    """
    chosen = {"variables": variables, "edition": edition, "tile": tile, "version": version}
    selection = select(product, region, period, **chosen, root=root, catalog=catalog, spec=spec)  # type: ignore[arg-type]
    plan = _Plan(selection, format, out, filename, packed=packed, geometry=geometry, limit_=limit)
    _person(name, organisation, email, purpose)
    if problem := plan.estimate.problem:
        raise InputError(problem)
    return plan.run(purpose)


def estimate(
    product: Any,
    region: Any = None,
    period: str | None = None,
    *,
    format: str = "NetCDF",
    out: str | Path = ".",
    filename: str | None = None,
    packed: bool = True,
    geometry: bool = True,
    limit: int | float | str | None = None,
    **chosen: Any,
) -> Estimate:
    """Return what a download would take; only coordinates are read, and nobody needs to have registered.

    Parameters
    ----------
    product, region, period, format, out, filename, packed, geometry, limit, **chosen
        As for :func:`download`.
    """
    selection = select(product, region, period, **chosen)
    return _Plan(selection, format, out, filename, packed=packed, geometry=geometry, limit_=limit).estimate


class _Plan:
    """A selection with its format and its place."""

    def __init__(
        self,
        selection: Selection,
        form: str,
        out: str | Path,
        filename: str | None,
        *,
        packed: bool,
        geometry: bool,
        limit_: int | float | str | None,
    ) -> None:
        self.form, self.writer = writer(form)
        ending = self.writer.ENDING
        stem = selection.stem if filename is None else str(filename).removesuffix(ending)
        self.selection = selection
        self.place = work.target(out, f"{stem}{ending}")
        self.job = Job(
            selection.ds, selection.grid, selection.area, selection.spec, stem, packed=packed, geometry=geometry
        )
        self.writer.check(self.job)
        self.estimate = estimated(
            selection, self.job, self.form, self.place.path.name, self.place.path.parent, bytes_of(limit_)
        )

    def fingerprint(self) -> str:
        """Return what tells this request, on data in this state, from every other."""
        from dask.base import tokenize

        return work.fingerprint(
            {
                "data": tokenize(self.selection.ds),
                "request": dict(self.selection.request),
                "format": [self.form, self.place.path.name, self.job.packed, self.job.geometry],
                "spec": repr(self.selection.spec),
                "version": package_version(),
            }
        )

    def run(self, purpose: str) -> Download:
        """Read, write, publish and note the download; what is done already is only checked."""
        mark = self.fingerprint()
        if not self.place.done(mark):
            started = time.monotonic()
            with work.working(self.place, mark) as folder:
                if not self.place.done(mark):  # another process may have finished it meanwhile
                    self._make(folder, mark, started)
        work.tidy(self.place)
        record = self.place.recorded()
        self._note(record, purpose)
        return self._outcome(record)

    def _make(self, folder: Path, mark: str, started: float) -> None:
        staged = stage(self.selection.ds, folder / "parts")
        job = Job(
            staged,
            self.job.grid,
            self.job.area,
            self.job.spec,
            self.job.stem,
            packed=self.job.packed,
            geometry=self.job.geometry,
        )
        try:
            _write(self.writer, job, folder / "result", self.place.path)
            text = attribution.text(self.selection, self.form, self.place.path.name)
            record = self._record(mark, time.monotonic() - started)
            work.publish(self.place, folder, record, text, folder=self.writer.FOLDER)
        except OSError as error:
            if isinstance(error, MusyqError):
                raise
            raise ArchiveError(f"{plain(error, self.place.path)} {_KEPT}") from error

    def _record(self, mark: str, seconds: float) -> dict[str, Any]:
        """Return the receipt that lies beside the data: nothing in it is about a person or a machine."""
        about = attribution.terms(self.selection.ds.attrs)
        return {
            "id": uuid.uuid4().hex,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "title": about["title"],
            "request": dict(self.selection.request),
            "format": self.form,
            "licence": about["licence"],
            "citation": about["citation"],
            "terms": about["terms"],
            "source": f"musyq-lab {package_version()}",
            "seconds": round(seconds, 3),
            "fingerprint": mark,
        }

    def _note(self, record: dict[str, Any], purpose: str) -> None:
        outcome = self._outcome(record)
        request = record["request"]
        row = {key: record[key] for key in ("id", "time", "title", "format", "seconds", "licence", "citation", "terms")}
        row |= {"product": request["product"], "subset": {k: v for k, v in request.items() if k != "product"}}
        row |= {"file": str(outcome.path.absolute()), "sha256": outcome.sha256, "bytes": outcome.nbytes}
        row |= {"read_bytes": outcome.estimate.read_bytes, "purpose": ""}
        try:
            known = registration.registered()
            registration.add(row | {"purpose": purpose.strip() or (known.purpose if known else "")})
        except ArchiveError as error:
            warnings.warn(f"The data are complete; only the record of it was not written. {error}", MusyqWarning, 4)

    def _outcome(self, record: dict[str, Any]) -> Download:
        files = tuple(self.place.path.parent / name for name in record["files"])
        sums = list(record["files"].items())
        one = not self.writer.FOLDER
        digest = record["files"][self.place.path.name] if one else work.fingerprint({"files": sums})
        return Download(
            path=self.place.path,
            files=files,
            sha256=digest,
            nbytes=sum(path.stat().st_size for path in files),
            checksums=self.place.checksums,
            attribution=self.place.attribution,
            receipt=self.place.receipt,
            estimate=self.estimate,
        )


def _write(module: Writer, job: Job, folder: Path, target: Path) -> None:
    """Write the result; whatever library fails, the message is plain and says that the parts are kept."""
    try:
        module.write(job, folder)
    except ArchiveError as error:
        raise ArchiveError(f"{str(error).rstrip('.')}. {_KEPT}") from error
    except MusyqError:
        raise
    except Exception as error:
        found = error if isinstance(error, OSError) and error.errno else _refusal(folder) or error
        if isinstance(found, OSError):
            text = str(plain(found, target)).rstrip(".")
        else:
            text = f"{target.name} could not be written to {target.parent}: {type(error).__name__}: {error}".rstrip(".")
        raise ArchiveError(f"{text}. {_KEPT}") from error


def _refusal(folder: Path) -> OSError | None:
    """Return why nothing more can be written to a folder: HDF5 and GDAL do not hand on what the system said."""
    probe = folder / "probe"
    try:
        with probe.open("wb", buffering=0) as file:
            # Less than asked for is written without an error where the disk fills up in the middle.
            while (left := _PROBE - file.tell()) > 0:
                file.write(bytes(left))
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        with suppress(OSError):
            probe.unlink()
    return None


def _person(name: str, organisation: str, email: str, purpose: str) -> None:
    """Register on request; refuse to go on where nobody has. A file that cannot be used stops nobody."""
    try:
        known = registration.registered()
        if name and (known is None or known.name != name.strip()):
            registration.register(name, organisation, email, purpose)
        elif known is None:
            raise InputError(
                "Downloads are free, subject to registration and attribution. Register once: ml.register('your name', "
                f"'organisation', purpose='...'), or `musyq register`; it stays on this machine, in "
                f"{registration.home() / registration.FILE}."
            )
    except ArchiveError as error:
        warnings.warn(f"{error} The download goes on without its record.", MusyqWarning, 3)
