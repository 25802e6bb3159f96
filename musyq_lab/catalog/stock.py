"""What a catalog has in stock for a production: granules with their times, and files of layers with their periods.

Only names and headers are read. A granule that cannot be opened is listed with the reason and costs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.catalog._files import simulated
from musyq_lab.catalog.entry import Entry
from musyq_lab.catalog.open import Catalog, open_catalog
from musyq_lab.core.errors import MusyqError, NotFoundError
from musyq_lab.core.period import Period, pentad, whole_period
from musyq_lab.core.progress import track
from musyq_lab.sensors._granule import Granule, find_all
from musyq_lab.sensors._open import open_granule
from musyq_lab.sensors._time import instant

_PARTS = ("ancillary",)
"""Folders of a simulated Earth whose products a retrieval may use."""

_SHOWN = 12
"""Layers named in a message."""

TRUTH = "truth"
"""Keyword of entries that hold what a retrieval is compared with, and that none may use."""


@dataclass(frozen=True, slots=True, order=True)
class Shot:
    """A granule in stock."""

    time: datetime
    """Start of its acquisition (UTC)."""
    sensor: str
    """Key of the sensor."""
    name: str
    """Its name."""
    path: str
    """What ``ml.open_scene`` takes."""


@dataclass(frozen=True, slots=True, order=True)
class LayerFile:
    """A product file in stock."""

    name: FileName
    """Fields of its name."""
    period: Period | None
    """Time it holds for; None for all times."""
    variables: tuple[str, ...]
    """Layers it has."""
    path: str
    """Where it is."""

    def covers(self, period: Period) -> bool:
        """Whether its values hold for a period, or for a part of it."""
        return self.period is None or (self.period.start < period.end and period.start < self.period.end)


@dataclass(frozen=True, slots=True)
class Stock:
    """All that a catalog has."""

    shots: tuple[Shot, ...] = ()
    """Granules that open, in order of time."""
    layers: tuple[LayerFile, ...] = ()
    """Files of layers."""
    aside: tuple[tuple[str, str], ...] = ()
    """Name of each granule that does not open, and why."""

    def variables(self) -> frozenset[str]:
        """Return the names of all layers."""
        return frozenset(name for file in self.layers for name in file.variables)

    def layer(self, variable: str, period: Period) -> tuple[LayerFile, ...]:
        """Return the files that hold a layer for a period, in order of time; of one period the newest version."""
        found: dict[Any, LayerFile] = {}
        for file in sorted((f for f in self.layers if variable in f.variables), key=lambda f: f.name.number):
            if file.covers(period):
                found[file.name.product, file.name.edition, file.name.tile, file.name.period] = file
        return tuple(sorted(found.values(), key=lambda f: (f.period.start if f.period else datetime.min, f.name)))

    def said(self) -> str:
        """Say in a sentence what there is."""
        times = [shot.time for shot in self.shots]
        sensors = ", ".join(sorted({shot.sensor for shot in self.shots}))
        granules = (
            f"{len(times)} granules of {sensors}, {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}" if times else ""
        )
        names = sorted(n for n in self.variables() if not n.endswith(("_uncertainty", "_qa")))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        layers = f"the layers {', '.join(names[:_SHOWN])}{more}" if names else ""
        return "; ".join(filter(None, (granules, layers))) + "."

    def span(self) -> Period:
        """Return the time from the first to the last granule, or that of the dated layers where there is none.

        Raises
        ------
        NotFoundError
            If nothing has a date.
        """
        times = [shot.time for shot in self.shots]
        times += [] if times else [t for f in self.layers if f.period for t in (f.period.start, f.period.end)]
        if not times:
            raise NotFoundError("Nothing in stock has a date. Say for which time to produce (period=, --period).")
        last = max(times) + timedelta(seconds=1 if self.shots else 0)
        return Period(min(times), last, f"{min(times):%Y-%m-%d}/{last:%Y-%m-%d}")


def take_stock(inputs: str | Path | Catalog, *, root: str | Path | None = None, sensors: Iterable[str] = ()) -> Stock:
    """List what a catalog has.

    Parameters
    ----------
    inputs : str, Path or Catalog
        Catalog, its file, or a folder that holds ``catalog.yml``.
    root : str or Path, optional
        Folder of the data, for entries that ask for one.
    sensors : iterable of str
        Sensors whose granules count; all by default.

    Raises
    ------
    NotFoundError
        If there is nothing.
    CatalogError
        If the catalog is not safe or not understood.
    """
    catalog = inputs if isinstance(inputs, Catalog) else open_catalog(_file(inputs))
    wanted = set(sensors)
    shots: list[Shot] = []
    layers: dict[str, LayerFile] = {}
    aside: list[tuple[str, str]] = []
    for entry in _entries(catalog):
        if TRUTH in entry.metadata.get("keywords", ()):
            continue
        chosen = _rooted(entry, root)
        if entry.spec.driver == "musyq_scene" and (not wanted or chosen.source.sensor in wanted):
            _add_shots(chosen.source, shots, aside)
        elif entry.spec.driver == "musyq_product":
            layers |= {file.path: file for file in _layer_files(chosen.source)}
    if not shots and not layers and not aside:
        raise NotFoundError(
            f"The catalog {inputs} has nothing in stock{f' below {root}' if root else ''}. "
            "Make a simulated Earth with `musyq simulate`, or say where the data are by root= (--root)."
        )
    return Stock(tuple(sorted(set(shots))), tuple(sorted(layers.values(), key=lambda f: f.name)), tuple(sorted(aside)))


def _file(inputs: str | Path) -> str | Path:
    folder = Path(inputs).expanduser()
    return folder / "catalog.yml" if folder.is_dir() and (folder / "catalog.yml").is_file() else inputs


def _entries(catalog: Catalog) -> Iterable[Entry]:
    for item in catalog.values():
        if isinstance(item, Entry):
            yield item
        else:
            yield from _entries(item)


def _rooted(entry: Entry, root: str | Path | None) -> Entry:
    asks = any(p.name == "root" for p in entry.spec.parameters)
    return entry(root=str(root)) if asks and root is not None else entry


def _add_shots(source: Any, shots: list[Shot], aside: list[tuple[str, str]]) -> None:
    folder = simulated(source.urlpath, f"granules/{source.sensor}") if source.urlpath else None
    if folder is None or not folder.exists():
        return
    for granule in track(find_all(folder, source.sensor), f"Looking at {source.sensor}"):
        try:
            time = _time(granule)
        except MusyqError as error:
            aside.append((granule.name, str(error).replace(f"{folder}/", "")))
        else:
            shots.append(Shot(time, source.sensor, granule.name, str(granule.path)))


def _time(granule: Granule) -> datetime:
    scene = open_granule(granule, resolution=None, calibration="counts")
    return instant(str(scene.attrs.get("time_coverage_start", "")))


def _layer_files(source: Any) -> Iterable[LayerFile]:
    if not source.urlpath:
        return
    place = Path(source.urlpath).expanduser()
    folders = [place, *(simulated(place, part) for part in _PARTS)] if place.is_dir() else []
    files = sorted({file for folder in folders for file in folder.glob("*.h5")}) if folders else [place]
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    for path in files:
        name = parse(path.name)
        if name is None or source.product not in (None, name.product) or not path.is_file():
            continue
        if (name.product, name.edition) not in known:
            known[name.product, name.edition] = tuple(str(v) for v in open_product(path).data_vars)
        yield LayerFile(name, period_of_label(name), known[name.product, name.edition], str(path))


def period_of_label(name: FileName) -> Period | None:
    """Return the time that a file's label stands for; None where it names none."""
    label, start = name.period, name.start
    if start is None:
        return name.span  # some years; a name such as climatology holds for all times
    if len(label) == 7 and label.isdigit():
        return pentad(start) if pentad(start).start == start else Period(start, start + timedelta(days=1), label)
    if len(label) == 10 and label[:7].isdigit():
        return Period(start, start + timedelta(hours=3), label)
    return whole_period(label)
