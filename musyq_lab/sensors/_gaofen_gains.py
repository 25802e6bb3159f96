r"""Published calibration of the Chinese land cameras: gain and bias by platform, camera, year and band, from tables.

A row of ``tables/<name>.csv`` holds the numbers as they are printed and, in ``form``, how they are meant:

.. math:: \text{gain: } L = g\,c + b \qquad \text{inverse: } L = (c - b) / g

with L in W m-2 sr-1 um-1. One value a year was chosen by this rule: the producer's official notice; else what most
independent transcriptions say; else the first of them. ``spread`` is half of the range of all of them in radiance at
half of the count range, relative to the one chosen: what the transcriptions disagree by, not the accuracy of the
calibration. ``others`` holds what was not chosen, ``tables/sources.csv`` the documents.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from musyq_lab.core.errors import InputError, SceneError
from musyq_lab.core.sensor import Band
from musyq_lab.sensors._calibrate import Linear

STATUSES = ("official", "agreed", "preferred", "single")
"""Notice of the producer; the same in two or more independent tables; the first of several; the only one."""


@dataclass(frozen=True, slots=True)
class Row:
    """Calibration of one band in one year."""

    platform: str
    """Satellite."""
    camera: str
    """Camera."""
    gain_state: str
    """Gain setting of the electronics it holds for, empty where the source does not say."""
    year: int
    """Year it was determined in."""
    band: str
    """Native name."""
    line: Linear
    """Counts to radiance (W m-2 sr-1 um-1)."""
    spread: float
    """Relative disagreement of the transcriptions, NaN where there is one only."""
    status: str
    """One of :data:`STATUSES`."""
    sources: tuple[str, ...]
    """Keys of the documents."""
    others: str
    """What further tables say."""
    note: str
    """What to know."""


@dataclass(frozen=True, slots=True)
class Gains:
    """What makes radiance of the counts of a scene, and where it comes from."""

    lines: Mapping[str, Linear]
    """Native name of the band -> counts to radiance."""
    attributes: Mapping[str, Any]
    """Attributes of the scene: source, year, note."""


@lru_cache(maxsize=8)
def table(name: str) -> tuple[Row, ...]:
    """Return the rows of a table, such as ``"gf1_wfv"``."""
    return tuple(_row(entry) for entry in _read(name))


@lru_cache(maxsize=1)
def documents() -> Mapping[str, str]:
    """Return the documents behind the tables: key -> citation."""
    return {entry["key"]: entry["document"] for entry in _read("sources")}


def _read(name: str) -> list[dict[str, str]]:
    text = files(__package__ or "musyq_lab.sensors").joinpath("tables", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _row(entry: Mapping[str, str]) -> Row:
    return Row(
        entry["platform"],
        entry["camera"],
        entry["gain_state"],
        int(entry["year"]),
        entry["band"],
        line(entry["form"], float(entry["gain"]), float(entry["bias"])),
        float(entry["spread"] or "nan"),
        entry["status"],
        tuple(entry["sources"].split()),
        entry["others"],
        entry["note"],
    )


def line(form: str, gain: float, bias: float) -> Linear:
    """Return counts to radiance from printed numbers and how they are meant.

    Parameters
    ----------
    form : {"gain", "inverse"}
        ``L = gain x counts + bias``, or ``L = (counts - bias) / gain``.
    gain, bias : float
        As printed.
    """
    if form == "gain":
        return Linear(gain, bias)
    if form == "inverse":
        return Linear(1.0 / gain, -bias / gain)
    raise InputError(f"A calibration cannot have the form {form!r}. Use 'gain' or 'inverse'.")


def published(
    name: str,
    platform: str,
    camera: str,
    year: int,
    bands: Iterable[str],
    *,
    gain_state: str = "",
    other_years: bool = True,
) -> Gains | None:
    """Return the published calibration of some bands, None where there is none to use.

    Parameters
    ----------
    name : str
        Table.
    platform, camera : str
        Of the scene.
    year : int
        Of the scene.
    bands : iterable of str
        Native names.
    gain_state : str
        Gain setting of the scene, empty where its metadata do not tell; a row for a setting holds for no other.
    other_years : bool
        Whether the nearest year (the earlier of two) may stand in for one that is not in the table.
    """
    wanted = list(bands)
    rows = [r for r in table(name) if (r.platform, r.camera) == (platform, camera) and r.band in wanted]
    rows = [r for r in rows if r.gain_state in ("", gain_state)]
    complete = [y for y in sorted({r.year for r in rows}) if len([r for r in rows if r.year == y]) == len(wanted)]
    if not complete:
        return None
    best = min(complete, key=lambda y: (abs(y - year), y))
    if best != year and not other_years:
        return None
    chosen = [r for r in rows if r.year == best]
    return Gains({r.band: r.line for r in chosen}, _attributes(chosen, year))


def years(name: str, platform: str, camera: str) -> str:
    """Return in words the years that a table has, for messages."""
    rows = [r for r in table(name) if (r.platform, r.camera) == (platform, camera)]
    known = sorted({(r.year, r.gain_state) for r in rows})
    return ", ".join(f"{y} (gain state {state})" if state else str(y) for y, state in known) or "no year"


def _attributes(rows: Sequence[Row], year: int) -> dict[str, Any]:
    found = rows[0].year
    keys = dict.fromkeys(key for r in rows for key in r.sources)
    notes = list(dict.fromkeys(f"{r.band}: {r.note}" for r in rows if r.note))
    if found != year:
        notes.insert(0, f"the tables have no coefficients for {year}: those of the nearest year, {found}, are used")
    notes += [f"{r.band}: other tables say {r.others}" for r in rows if r.others]
    spreads = [r.spread for r in rows if not math.isnan(r.spread)]
    return {
        "calibration_source": "; ".join(documents()[key] for key in keys),
        "calibration_year": found,
        "calibration_status": ", ".join(f"{r.band} {r.status}" for r in rows),
        **({"calibration_spread": max(spreads)} if spreads else {}),
        **({"calibration_note": ". ".join(notes)} if notes else {}),
    }


# A white surface under an overhead Sun has the radiance E0 / pi. The cameras saturate between a fifth and twice that.
_LOWEST, _HIGHEST = 0.05, 3.0
_DEPTHS = (255.0, 4095.0)  # largest counts of 8 and 12 bits


def check_plausible(where: str, band: Band, given: Linear, largest: float) -> None:
    """Refuse coefficients from metadata that cannot be radiance per count, such as their inverse.

    Parameters
    ----------
    where : str
        File, for the message.
    band : Band
        Its solar irradiance tells what radiance there can be.
    given : Linear
        The coefficients.
    largest : float
        Largest count, infinite where the depth is not known: then 8 to 12 bits are allowed for.

    Raises
    ------
    SceneError
        If the largest count would be no radiance that a sunlit surface can have.
    """
    if band.e0 is None:
        return
    shallow, deep = (largest, largest) if math.isfinite(largest) else _DEPTHS
    least, most = ((given.gain * count + given.offset) * math.pi / band.e0 for count in (deep, shallow))
    if least < _LOWEST or most > _HIGHEST:
        raise SceneError(
            f"{where} gives band {band.native} a gain of {given.gain:g}, by which the largest count would be "
            f'{least:.3g} times the brightness of a white surface. Open it with calibration="counts".'
        )
