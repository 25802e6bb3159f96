"""Where every number of a result came from: recipe, parameters, inputs, code, outputs.

``provenance.json`` is PROV-JSON (W3C member submission of 24 April 2013) and holds nothing that depends on the clock,
the machine or the person: two runs of the same recipe on the same inputs give the same bytes if their outputs are the
same. Times, memory and library versions stand in ``run.json``.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from musyq_lab.core.attributes import package_version
from musyq_lab.core.registry import html_table
from musyq_lab.files.digest import sha256
from musyq_lab.production.inputs import UsedFile, input_entity
from musyq_lab.production.parameters import PATHS
from musyq_lab.production.recipes import Recipe
from musyq_lab.production.staging import RECORD

DRAFT = ".draft.json"
"""The record without outputs, there while the notebook runs."""

_RUN = "musyq:run"
_SOFTWARE = "musyq:software"
_TREE = Path(__file__).resolve().parents[2]
_NAME = re.compile(r"[^a-zA-Z0-9_-]+")


def record(recipe: Recipe, parameters: Mapping[str, Any], inputs: Sequence[UsedFile]) -> dict[str, Any]:
    """Return the record of a run that is about to start, as PROV-JSON.

    Parameters
    ----------
    recipe : Recipe
        The recipe.
    parameters : mapping
        Checked values; of a path only the file's name is kept.
    inputs : sequence of UsedFile
        What it reads.
    """
    entities = {"musyq:recipe": _recipe_entity(recipe)}
    entities |= {f"musyq:input.{_NAME.sub('_', item.name)}": input_entity(item) for item in inputs}
    paths = {p.name for p in recipe.parameters if p.kind in PATHS}
    chosen = {f"musyq:parameter.{n}": Path(v).name if n in paths else v for n, v in parameters.items() if v is not None}
    software = {"prov:type": "prov:SoftwareAgent", "musyq:name": "musyq-lab", "musyq:version": package_version()}
    if commit := git_commit():
        software["musyq:git_commit"] = commit
    return {
        "prefix": {"musyq": "urn:musyq:", "prov": "http://www.w3.org/ns/prov#"},
        "entity": entities,
        "activity": {_RUN: {"prov:type": "musyq:recipe_run", "musyq:recipe": recipe.key, **chosen}},
        "agent": {_SOFTWARE: software},
        "used": {f"_:u{i}": {"prov:activity": _RUN, "prov:entity": key} for i, key in enumerate(entities)},
        "wasAssociatedWith": {"_:a0": {"prov:activity": _RUN, "prov:agent": _SOFTWARE, "prov:plan": "musyq:recipe"}},
    }


def with_outputs(
    draft: Mapping[str, Any], folder: Path, files: Sequence[str], unhashed: Sequence[str]
) -> dict[str, Any]:
    """Return the record completed by what the run made.

    Parameters
    ----------
    draft : mapping
        From :func:`record`.
    folder : Path
        Where the files lie.
    files : sequence of str
        Paths relative to the folder.
    unhashed : sequence of str
        Further files that belong to the result and differ from run to run.
    """
    outputs = {}
    for name in sorted(files):
        entity = {"musyq:role": "output", "musyq:file": name, "musyq:bytes": (folder / name).stat().st_size}
        outputs[f"musyq:output.{name}"] = {**entity, "musyq:sha256": sha256(folder / name)}
    for name in sorted(unhashed):
        outputs[f"musyq:output.{name}"] = {"musyq:role": "output", "musyq:file": name}
    made = {f"_:g{i}": {"prov:entity": key, "prov:activity": _RUN} for i, key in enumerate(outputs)}
    return {**draft, "entity": {**draft["entity"], **outputs}, "wasGeneratedBy": made}


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a record in one fixed form."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def run_part(started: str, seconds: float, cell_seconds: Sequence[float], peak: int | None) -> dict[str, Any]:
    """Return what differs from run to run: times, memory, versions of Python and of the libraries.

    Parameters
    ----------
    started : str
        UTC time, ISO 8601.
    seconds : float
        Wall time of the whole run.
    cell_seconds : sequence of float
        Wall time of each code cell.
    peak : int or None
        Peak resident memory of the notebook's process in bytes.
    """
    # One look at each package's metadata: every further one parses its file again.
    versions = {str(m["Name"]).lower(): m["Version"] for m in (d.metadata for d in distributions()) if m["Name"]}
    return {
        "started": started,
        "wall_seconds": round(seconds, 2),
        "cell_seconds": list(cell_seconds),
        "peak_memory_bytes": peak,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": dict(sorted(versions.items())),
    }


def git_commit() -> str:
    """Return the commit of the source tree this code runs from, ``+changes`` if it was edited; empty if installed."""
    if not (_TREE / ".git").exists():
        return ""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(_TREE), *words], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return ""


@dataclass(frozen=True, slots=True)
class Record:
    """A provenance record that shows itself to a person."""

    content: Mapping[str, Any]
    """PROV-JSON."""

    def entities(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        """Iterate over the inputs (``"input"``) or outputs (``"output"``)."""
        return (value for key, value in self.content["entity"].items() if key.startswith(f"musyq:{prefix}."))

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        agent, run = self.content["agent"][_SOFTWARE], self.content["activity"][_RUN]
        code = f"musyq-lab {agent['musyq:version']}"
        rows = [["", "what", "terms and source", "sha256"]]
        rows.append(["code", f"{code} {agent.get('musyq:git_commit', '')[:12]}".strip(), "Apache-2.0", ""])
        recipe = self.content["entity"]["musyq:recipe"]
        rows.append(["recipe", run["musyq:recipe"], "", recipe["musyq:sha256"][:16]])
        chosen = (f"{k.partition('.')[2]} = {v}" for k, v in sorted(run.items()) if k.startswith("musyq:parameter."))
        rows.append(["parameters", ", ".join(chosen), "", ""])
        for item in self.entities("input"):
            terms = ". ".join(filter(None, (item.get("musyq:licence"), item.get("musyq:citation"))))
            rows.append(["input", item.get("musyq:title") or item["musyq:file"], terms, item["musyq:sha256"][:16]])
        return rows

    def __str__(self) -> str:
        """Show lines of text."""
        return "\n".join("  ".join(filter(None, row)) for row in self.table()[1:])

    def _repr_html_(self) -> str:
        return html_table(self.table(), "Where the numbers come from")

    def _repr_markdown_(self) -> str:
        lines = [" | ".join(cell.replace("|", "\\|") or " " for cell in row) for row in self.table()]
        return "\n".join(f"| {line} |" for line in [lines[0], " | ".join(["---"] * 4), *lines[1:]])


def show(folder: str | Path = ".") -> Record | str:
    """Return the record of a result folder, or of the run in progress if called in its notebook.

    Parameters
    ----------
    folder : str or Path
        Result folder; the recipe notebook's ``out``.
    """
    for name in (DRAFT, RECORD):
        path = Path(folder) / name
        if path.is_file():
            return Record(json.loads(path.read_text(encoding="utf-8")))
    return "This notebook was run by hand: there is no provenance record. `musyq run` writes one."


def _recipe_entity(recipe: Recipe) -> dict[str, Any]:
    return {
        "prov:type": "prov:Plan",
        "musyq:role": "recipe",
        "musyq:name": recipe.key,
        "musyq:title": recipe.title["en"],
        "musyq:sha256": sha256(recipe.notebook),
        "musyq:description_sha256": sha256(recipe.description),
    }
