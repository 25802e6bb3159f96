"""Standard scenes that are kept while a production runs: netCDF files beside a record of what made them.

They serve every period whose window holds them and every rerun, and may be deleted when the production is done.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import xarray as xr

from musyq_lab.archive.draft import draft, publish
from musyq_lab.composite.select import Aside
from musyq_lab.files.digest import sha256

SUFFIX = ".task.json"
"""Ending of the record beside a kept scene."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a scene's task left."""

    digest: str
    """Digest of the task."""
    granule_sha256: str = ""
    """Checksum of the granule's files."""
    sha256: str = ""
    """Checksum of the file; empty where the granule was set aside."""
    reason: str = ""
    """Why the granule was set aside."""
    granule: str = ""
    """Name of the granule."""
    sensor: str = ""
    """Key of its sensor."""
    time: str = ""
    """Start of its acquisition."""

    @property
    def aside(self) -> Aside:
        """The row of a composite's load report."""
        return Aside(self.granule, self.sensor, self.time, self.reason)


def read(target: Path) -> Record | None:
    """Return the record beside a scene, None where there is no whole one."""
    try:
        return Record(**json.loads(target.with_name(target.name + SUFFIX).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def done(target: Path, digest: str) -> bool:
    """Whether a scene was kept by a task of this digest and is what was written."""
    record = read(target)
    return bool(
        record and record.digest == digest and record.sha256 and target.is_file() and sha256(target) == record.sha256
    )


def keep(scene: xr.Dataset, target: Path, record: Record) -> None:
    """Write a scene and then its record, each at once or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for variable in scene.variables.values():
        variable.encoding.clear()
    # In memory first: the HDF5 library wants a lock of its own on a file that it makes.
    whole = scene.to_netcdf(engine="h5netcdf")
    with draft(target) as path:
        path.write_bytes(whole)
        written = Record(**{**asdict(record), "sha256": sha256(path)})
        publish({path: target})
    note(target, written)


def note(target: Path, record: Record) -> None:
    """Write the record beside a scene (alone where the granule was set aside)."""
    target.parent.mkdir(parents=True, exist_ok=True)
    side = target.with_name(target.name + SUFFIX)
    text = json.dumps(asdict(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    with draft(side) as path:
        path.write_text(text, encoding="utf-8")
        publish({path: side})


def opened(target: Path) -> xr.Dataset:
    """Open a kept scene lazily."""
    return xr.open_dataset(target, engine="h5netcdf", chunks={})
