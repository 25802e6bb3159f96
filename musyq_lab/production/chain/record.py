"""The record inside a product file: what made it from what, as PROV-JSON without anything that differs between runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
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
_OUTPUT, _SOFTWARE = "musyq:output", "musyq:software"


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the version of the code, with its commit where it runs from a source tree.

    The environment variable ``MUSYQ_CODE_VERSION`` says it instead, for trees whose commits do not touch results.
    """
    return os.environ.get(VARIABLE) or "+".join(filter(None, (package_version(), git_commit())))


def record(task: Task, contents: Mapping[str, str], digest: str, code: str) -> dict[str, Any]:
    """Return the record of a product.

    Parameters
    ----------
    task : Task
        What made it.
    contents : mapping of str to str
        Name of each thing read -> SHA-256 (of a granule: of its files together).
    digest : str
        Of the task.
    code : str
        Version of the code.
    """
    roles = {read.name: read.role for read in task.reads}
    entities = {
        f"musyq:input.{index}": {"musyq:file": name, "musyq:role": roles.get(name, "upstream"), "musyq:sha256": sha}
        for index, (name, sha) in enumerate(sorted(contents.items()))
    }
    activity = {"prov:type": "musyq:production", "musyq:maker": task.maker, DIGEST: digest}
    activity |= {f"musyq:option.{name}": str(value) for name, value in sorted(task.options)}
    named = {"musyq:file": Path(task.target).name, "musyq:product": task.product, "musyq:period": task.period.label}
    named |= {"musyq:edition": task.edition, "musyq:tile": task.tile.name, "musyq:grid": str(task.tile.grid)}
    return {
        "prefix": {"musyq": "urn:musyq:", "prov": "http://www.w3.org/ns/prov#"},
        "entity": {_OUTPUT: named, **entities},
        "activity": {ACTIVITY: activity},
        "agent": {_SOFTWARE: {"prov:type": "prov:SoftwareAgent", "musyq:name": "musyq-lab", "musyq:version": code}},
        "used": {f"_:u{i}": {"prov:activity": ACTIVITY, "prov:entity": key} for i, key in enumerate(entities)},
        "wasGeneratedBy": {"_:g0": {"prov:entity": _OUTPUT, "prov:activity": ACTIVITY}},
        "wasAssociatedWith": {"_:a0": {"prov:activity": ACTIVITY, "prov:agent": _SOFTWARE}},
    }


def digest_of(found: Mapping[str, Any]) -> str:
    """Return the digest that a record holds, empty if it holds none."""
    return str(found.get("activity", {}).get(ACTIVITY, {}).get(DIGEST, ""))
