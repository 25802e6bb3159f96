"""Whether a result folder holds what a run would make now, so that the run can be left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files.digest import sha256
from musyq_lab.production import provenance
from musyq_lab.production.code_state import code_state
from musyq_lab.production.inputs import used_files
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.staging import RECORD

RUN_PART = "run.json"
"""What differs from run to run, beside the record."""


def is_finished(recipe: Recipe, values: Mapping[str, Any], folder: Path) -> bool:
    """Return whether a folder holds the whole result of this recipe, these values, the present inputs and code.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    values : mapping
        Every parameter's checked value.
    folder : Path
        Result folder; every file is compared with its checksum.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        side = json.loads((folder / RUN_PART).read_text(encoding="utf-8"))
        if side["code"] != code_state():
            return False
        expected = provenance.record(recipe, values, used_files(recipe, values))
        return _made_from(record) == _made_from(expected) and _is_whole(record, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ArchiveError):
        return False


def _made_from(record: Mapping[str, Any]) -> list[Any]:
    """Return what a result was made from. The commit is left out: the state of the code says more."""
    entities = {key: entity for key, entity in record["entity"].items() if entity["musyq:role"] != "output"}
    agents = [{k: v for k, v in agent.items() if k != "musyq:git_commit"} for agent in record["agent"].values()]
    return [entities, record["activity"], agents]


def _is_whole(record: Mapping[str, Any], folder: Path) -> bool:
    outputs = [entity for entity in record["entity"].values() if entity["musyq:role"] == "output"]
    return bool(outputs) and all(
        (folder / entity["musyq:file"]).is_file()
        and entity.get("musyq:sha256") in {None, sha256(folder / entity["musyq:file"])}
        for entity in outputs
    )
