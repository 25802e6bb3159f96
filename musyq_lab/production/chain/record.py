"""The record inside a product file: what made it from what, as PROV-JSON without anything that differs between runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from musyq_lab.core.attributes import package_version
from musyq_lab.production.chain.task import Task
from musyq_lab.production.provenance import git_commit

ACTIVITY = "musyq:make"
"""Key of the activity in a record."""
DIGEST = "musyq:digest"
"""Attribute of the activity: the task's digest."""
VARIABLE = "MUSYQ_CODE_VERSION"
"""Environment variable that names the code."""
OUTPUT = "musyq:output"
"""Key of the entity that is the file itself."""
_SOFTWARE = "musyq:software"


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the version of the code, with its commit where it runs from a source tree.

    The environment variable ``MUSYQ_CODE_VERSION`` says it instead, for trees whose commits do not touch results.
    """
    return os.environ.get(VARIABLE) or "+".join(filter(None, (package_version(), git_commit())))


@dataclass(frozen=True, slots=True)
class Origin:
    """One thing that a task read."""

    name: str
    """Name of the file, without folder."""
    role: str
    """``granule``, ``upstream``, or the layers taken."""
    sha256: str
    """Checksum; of a granule that of its files together, of a standard scene the digest of its task."""
    granule: Mapping[str, str] = field(default_factory=dict)
    """Of a standard scene: name, sensor, time and checksum of the granule, and why it was set aside if it was."""


def record(task: Task, origins: Sequence[Origin], digest: str, code: str) -> dict[str, Any]:
    """Return the record of a product.

    Parameters
    ----------
    task : Task
        What made it.
    origins : sequence of Origin
        Everything it read.
    digest : str
        Of the task.
    code : str
        Version of the code.
    """
    ordered = sorted(origins, key=lambda origin: origin.name)
    keys = [f"musyq:input.{index}" for index in range(len(ordered))]
    entities = {
        key: {"musyq:file": o.name, "musyq:role": o.role, "musyq:sha256": o.sha256}
        for key, o in zip(keys, ordered, strict=True)
    }
    granules = {
        key.replace("input", "granule"): {f"musyq:{name}": text for name, text in sorted(o.granule.items())}
        for key, o in zip(keys, ordered, strict=True)
        if o.granule
    }
    activity = {"prov:type": "musyq:production", "musyq:maker": task.maker, DIGEST: digest}
    activity |= {f"musyq:option.{name}": str(value) for name, value in sorted(task.options)}
    named = {"musyq:file": Path(task.target).name, "musyq:product": task.product, "musyq:period": task.period.label}
    named |= {"musyq:edition": task.edition, "musyq:tile": task.tile.name, "musyq:grid": str(task.tile.grid)}
    agent = {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}
    links = {
        "used": {f"_:u{i}": {"prov:activity": ACTIVITY, "prov:entity": key} for i, key in enumerate(keys)},
        "wasGeneratedBy": {"_:g0": {"prov:entity": OUTPUT, "prov:activity": ACTIVITY}},
        "wasAssociatedWith": {"_:a0": {"prov:activity": ACTIVITY, "prov:agent": _SOFTWARE}},
        "wasDerivedFrom": {
            **{f"_:d{i}": _derived(OUTPUT, key) for i, key in enumerate(keys)},
            **{f"_:s{i}": _derived(key.replace("granule", "input"), key) for i, key in enumerate(granules)},
        },
    }
    return {
        "prefix": {"musyq": "urn:musyq:"},
        "entity": {OUTPUT: named, **entities, **granules},
        "activity": {ACTIVITY: activity},
        "agent": {_SOFTWARE: {"prov:type": agent, "musyq:name": "musyq-lab", "musyq:version": code}},
        **{name: rows for name, rows in links.items() if rows},
    }


def _derived(made: str, origin: str) -> dict[str, str]:
    return {"prov:generatedEntity": made, "prov:usedEntity": origin}


def code_of(found: Mapping[str, Any]) -> str:
    """Return the version of the code that a record names, empty if it names none."""
    return str(found.get("agent", {}).get(_SOFTWARE, {}).get("musyq:version", ""))


def output_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what a record says of the file it lies in, by names without prefix."""
    return _plain(found.get("entity", {}).get(OUTPUT, {}))


def options_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of the maker, as texts."""
    activity = _plain(found.get("activity", {}).get(ACTIVITY, {}))
    return {n.removeprefix("option."): v for n, v in activity.items() if n.startswith("option.")}


def origins_of(found: Mapping[str, Any]) -> list[Origin]:
    """Return what a record says was read."""
    rows = []
    for key, entity in found.get("entity", {}).items():
        if "musyq:role" in entity:
            granule = found["entity"].get(str(key).replace("input", "granule"), {})
            plain = _plain(entity)
            rows.append(Origin(plain["file"], plain["role"], plain["sha256"], _plain(granule)))
    return rows


def _plain(entity: Mapping[str, Any]) -> dict[str, str]:
    return {name.removeprefix("musyq:"): str(value) for name, value in entity.items() if name.startswith("musyq:")}


def digest_of(found: Mapping[str, Any]) -> str:
    """Return the digest that a record holds, empty if it holds none."""
    return str(found.get("activity", {}).get(ACTIVITY, {}).get(DIGEST, ""))
