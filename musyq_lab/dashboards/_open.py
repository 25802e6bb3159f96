"""Cubes from files and catalogs, opened once for all sessions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import xarray as xr

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.archive.overviews import factors_in
from musyq_lab.catalog._files import open_raster
from musyq_lab.catalog._folder import folder_catalog
from musyq_lab.catalog.entry import Entry
from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards._data import Cube, made, samples
from musyq_lab.dashboards._levels import Levels
from musyq_lab.dashboards._shared import OPENED
from musyq_lab.dashboards._shelf import Archive, Shelf, quoted
from musyq_lab.files.safety import opened

OUTPUT = "musyq-output"
"""Folder into which ``musyq run`` writes when it is not told another."""


def from_path(path: Path) -> Cube:
    """Return the cube of a file, or of a folder that holds files of one product.

    Raises
    ------
    NotFoundError
        If there is nothing of that name.
    InputError
        If a folder holds several products, editions or tiles.
    """
    path = path.expanduser()
    if path.is_dir():
        return from_folder(path)
    if not path.is_file():
        known = closest(str(path), samples())
        raise NotFoundError(f"There is no file {path}, and no sample of that name.{known}")
    return kept(("file", str(path.absolute()), _stamp(path)), lambda: _file(path))


def from_archive(archive: Archive) -> Cube:
    """Return the cube of the files of one product, edition and tile."""
    key = ("archive", archive, str(archive.folder.absolute()), _stamp(archive.folder))
    return kept(key, lambda: _archive(archive))


def from_entry(entry: Entry) -> Cube:
    """Return the cube of a catalog entry; one of product files is opened as these, with their overviews."""
    values = "".join(f"{k}={v!r}" for k, v in entry.values.items())
    shipped = entry.name in samples() and samples()[entry.name].spec == entry.spec
    code = f'data = ml.open_catalog()["{entry.name}"]{f"({values})" if values else ""}.read()'
    if not shipped:
        code = f'data = cat["{entry.name}"].read()  # cat: the catalog that holds it'
    path = Path(str(entry.spec.args.get("urlpath", "")))
    if not entry.values and parse(path.name) and path.is_file():
        return from_path(path)

    def make() -> Cube:
        return made(entry.read(), entry.title, f"catalog entry {entry.name}", code, key=key)

    key = ("sample", entry.name, values) if shipped else None
    return kept(key, make)


def again(cube: Cube) -> Cube:
    """Return the cube of product files that have changed since it was opened."""
    if len(cube.files) == 1:
        return from_path(cube.files[0])
    assert isinstance(cube.key, tuple)
    return from_archive(cube.key[1])


def kept(key: Any, make: Any) -> Cube:
    """Return a cube that is opened once for all sessions."""
    cube: Cube = OPENED.get(key, make)
    return cube


def _stamp(path: Path) -> int:
    """Return what changes when a file, or the list of files in a folder, does."""
    return path.stat().st_mtime_ns


def _file(path: Path) -> Cube:
    key = ("file", str(path.absolute()), _stamp(path))
    if not parse(path.name):
        code = f"import xarray as xr; data = xr.open_dataset({quoted(path)})"
        dataset = open_raster(path)
        return made(dataset, _title(dataset, path.stem), path.name, code, key=key)
    dataset = open_product(path)

    def overview(factor: int) -> xr.Dataset:
        return open_product(path, overview=factor)

    levels = Levels(_factors(path), overview)
    title, code = _title(dataset, path.stem), f"data = ml.open_product({quoted(path)})"
    return made(dataset, title, path.name, code, given=quoted(path), levels=levels, files=(path,), key=key)


def _title(dataset: xr.Dataset, otherwise: str) -> str:
    return str(dataset.attrs.get("title") or otherwise)


def _factors(path: Path) -> list[int]:
    with opened(path) as file:
        return factors_in(file)


def from_folder(folder: Path, **wanted: str | None) -> Cube:
    """Return the cube of the files of one product in a folder or below it; ``wanted`` are fields of the name.

    Raises
    ------
    NotFoundError
        If there is none.
    InputError
        If there are several.
    """
    chosen = {key: value for key, value in wanted.items() if value is not None}
    held = [a for a in Shelf([folder]).archives().values() if folder in (a.folder, *a.folder.parents)]
    found = [a for a in held if all(getattr(a, key) == value for key, value in chosen.items())]
    if held and not found:
        raise NotFoundError(f"{folder} holds no {chosen}. It holds: {'; '.join(a.title for a in held[:8])}.")
    if not found:
        raise NotFoundError(f"{folder} holds no product files. `musyq produce lai --out {folder}` makes some.")
    if len(found) > 1:
        names = "; ".join(archive.title for archive in found[:8])
        raise InputError(
            f"{folder} holds several products, editions or tiles: {names}. Say product=, edition= or tile=."
        )
    return from_archive(found[0])


def _archive(archive: Archive) -> Cube:
    files = _files(archive)
    if len(files) == 1:
        return from_path(files[0])

    def overview(factor: int) -> xr.Dataset:
        return archive.open(overview=factor)

    key = ("archive", archive, str(archive.folder.absolute()), _stamp(archive.folder))
    levels = Levels(_factors(files[0]), overview)
    given = f'{quoted(archive.folder)}, product="{archive.product}", edition="{archive.edition}", tile="{archive.tile}"'
    more: dict[str, Any] = {"given": given, "levels": levels, "files": tuple(files), "key": key}
    return made(archive.open(), archive.title, f"{len(files)} files of {archive.folder.name}", archive.code, **more)


def _files(archive: Archive) -> list[Path]:
    """Return the newest file of each period, in the order of :func:`musyq_lab.archive.open.open_product`."""
    wanted = (archive.product, archive.edition, archive.tile)
    newest: dict[str, FileName] = {}
    for path in archive.folder.glob("*.h5"):
        name = parse(path.name)
        if name is None or (name.product, name.edition, name.tile) != wanted:
            continue
        if name.period not in newest or name.number > newest[name.period].number:
            newest[name.period] = name
    if not newest:
        raise NotFoundError(f"The files of {archive.title} are not there any more. Reload the page.")
    order = sorted(newest.values(), key=lambda name: (name.start or datetime.max, name.period))
    return [archive.folder / name.text for name in order]


def finished(root: Path | None = None) -> dict[str, Path]:
    """Return the product files of finished runs: title and period -> path.

    Parameters
    ----------
    root : pathlib.Path, optional
        Folder to look in; ``musyq-output`` in the working folder if not given.
    """
    folder = root or Path(OUTPUT)
    if not folder.is_dir():
        return {}
    try:
        catalog = folder_catalog(folder)
    except NotFoundError:
        return {}
    found = {}
    for entry in catalog.entries:
        path = Path(entry.args["urlpath"])
        title = f"{entry.metadata['title']}, {entry.metadata['period']} ({path.parent.name})"
        found[title if title not in found else f"{title} {entry.name}"] = path
    return found
