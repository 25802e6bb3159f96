"""The check of a product file or a folder: fixity, conformity and the data management principles in one report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from musyq_lab.archive.check import compliance
from musyq_lab.archive.check.conformity import check_header
from musyq_lab.archive.check.fixity import check_fixity, folders, label, products
from musyq_lab.archive.check.principles import Evidence, records_of, score
from musyq_lab.archive.check.report import Finding, Report, gather
from musyq_lab.archive.draft import plain, publish, write_text
from musyq_lab.archive.header import Header, read_header
from musyq_lab.archive.metadata.settings import Publisher, find_settings
from musyq_lab.core.errors import InputError, MusyqError, NotFoundError
from musyq_lab.core.progress import track

LOG = "musyq-checks.json"
_MOST_CHECKS = 1000  # entries of the log that are kept


def check_archive(
    path_or_folder: str | Path, *, fixity: bool = True, cf: bool = True, record: bool = False, settings: Any = None
) -> Report:
    """Check a product file, or all product files of a folder and the folders in it.

    Fixity reads every byte and compares it with the checksums; the rest reads headers only. The compliance-checker of
    IOOS (``pip install compliance-checker``) runs on one file of each layout, quick rules run on all of them.

    Parameters
    ----------
    path_or_folder : str or pathlib.Path
        A product file, or a folder.
    fixity : bool
        Whether to compare checksums.
    cf : bool
        Whether to run the compliance-checker, where it is installed.
    record : bool
        Whether to note the outcome in ``musyq-checks.json`` of the folder: principle 8 asks for repeated checks.
    settings : Publisher, optional
        Who publishes the data; by default the folder's ``musyq-publisher.yml``.

    Returns
    -------
    Report
        Findings by severity, ten scored principles; shown as a table in a notebook, ``to_json`` writes it.

    Raises
    ------
    NotFoundError
        If there is no such file or folder.
    InputError
        If the settings cannot be used, or a single file was asked to be recorded.
    """
    root = Path(path_or_folder)
    if not root.exists():
        raise NotFoundError(f"There is no file or folder {root}.")
    if record and not root.is_dir():
        raise InputError("record=True notes a check in its folder: give the folder, not a file of it.")
    publisher = find_settings(root) if settings is None else settings
    files = products(root)
    findings = list(check_fixity(root, files)) if fixity else []
    intact = not any(item.level == "error" for item in findings) if fixity else None
    headers: list[Header] = []
    rules = list(_conformity(files, root, headers))
    checked = [_how_fixity(fixity, len(files))]
    if cf and headers:
        chosen = _one_of_each(headers)
        checked.append(_how_cf(len(chosen), len(headers)))
        if compliance.available():
            for header in track(chosen, "Checking CF and ACDD", len(chosen)):
                rules += list(compliance.check_compliance(header.path, label(header.path, root)))
    conformant = None if not headers else not any(item.level == "error" for item in rules)
    evidence = _evidence(root, files, headers, publisher, intact, conformant)
    report = Report(root, len(files), gather([*findings, *rules]), score(evidence), tuple(checked))
    if record:
        _note(root, report)
    return report


def _how_fixity(fixity: bool, files: int) -> str:
    if not fixity:
        return "Checksums were not compared."
    return f"Checksums of {files} file{'' if files == 1 else 's'} were compared."


def _how_cf(chosen: int, headers: int) -> str:
    quick = f"Quick rules ran on {headers} header{'' if headers == 1 else 's'}"
    if not compliance.available():
        return f"{quick}. {compliance.MISSING}"
    return f"{quick}, the compliance-checker (CF 1.11, ACDD 1.3) on {chosen}, one of each layout."


def _conformity(files: list[Path], root: Path, headers: list[Header]) -> Iterator[Finding]:
    """Read headers into a list and yield what is wrong with them; one bad file does not cost the others."""
    for path in files:
        if not path.is_file():
            continue
        name = label(path, root)
        try:
            header = read_header(path)
        except MusyqError as error:
            message = str(error).replace(str(path), "The file")
            yield Finding("Readability", "error", message, "", (name,))
            continue
        headers.append(header)
        try:
            yield from check_header(header, name)
        except Exception as error:
            # Attributes of any type come from anywhere; what a rule stumbles on is itself a finding.
            message = f"A header that no rule expects: {type(error).__name__}: {str(error)[:200]}."
            yield Finding("Readability", "error", message, "Write the file again with write_product.", (name,))


def _one_of_each(headers: list[Header]) -> list[Header]:
    """Return the first file of every layout: the same attributes, layers, types and dimensions."""
    return list({_layout(header): header for header in reversed(headers)}.values())[::-1]


def _layout(header: Header) -> str:
    layers = [
        (name, layer.dims, layer.dtype.str, sorted((k, str(v)) for k, v in layer.attributes.items()))
        for name, layer in sorted(header.layers.items())
    ]
    axes = [
        (name, axis.dims, sorted((k, str(v)) for k, v in axis.attrs.items()))
        for name, axis in sorted(header.coordinates.items())
    ]
    # The value of an attribute of the file is free text; CF and ACDD ask whether it is there.
    text = repr((sorted(header.attributes), layers, axes))
    return hashlib.sha256(text.encode()).hexdigest()


def _evidence(
    root: Path,
    files: list[Path],
    headers: list[Header],
    publisher: Publisher,
    intact: bool | None,
    conformant: bool | None,
) -> Evidence:
    places = list(folders(root)) if root.is_dir() else [root.parent]
    return Evidence(
        headers,
        len(files),
        publisher,
        intact,
        conformant,
        records_of(places),
        len(_log(root if root.is_dir() else root.parent)),
    )


def _log(folder: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads((folder / LOG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    items = found.get("checks", []) if isinstance(found, dict) else []
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _note(folder: Path, report: Report) -> None:
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": report.files,
        "ok": report.ok,
        "errors": len(report.of("error")),
        "points": report.points,
    }
    text = json.dumps({"checks": [*_log(folder), entry][-_MOST_CHECKS:]}, indent=1) + "\n"
    target = folder / LOG
    try:
        publish({write_text(target, text): target})
    except OSError as error:
        raise plain(error, target) from error
