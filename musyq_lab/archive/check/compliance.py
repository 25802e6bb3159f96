"""CF and ACDD conformity by the compliance-checker of IOOS, in this process and without a network.

The checker runs on a copy of the header: dimensions, attributes and coordinates as netCDF-4 reads them, no data of the
layers. Its cost grows with the cube of the number of variables, since it asks the same questions of the whole file for
every one of them: the answers are kept for the time of a check, and a file of many layers is given to it some layers at
a time, each with the companions it names.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from musyq_lab.archive.check.report import Finding, Level
from musyq_lab.core.errors import MusyqError
from musyq_lab.files.safety import check_hdf5

if TYPE_CHECKING:
    import netCDF4

MISSING = (
    "The compliance-checker is not installed, so CF and ACDD were checked by the quick rules only: "
    "python -m pip install compliance-checker"
)
_AT_ONCE = 24
_QUESTIONS = (  # functions of the checker that depend on the file alone and are asked for every variable
    *("get_auxiliary_coordinate_variables", "get_axis_variables", "get_axis_map", "get_climatology_variable"),
    *("get_time_variable", "get_time_variables", "get_latitude_variables", "get_longitude_variables"),
    *("get_z_variables", "get_geophysical_variables", "is_geophysical", "coordinate_dimension_matrix"),
    "guess_feature_type",
)
_LOCK = threading.Lock()  # the checker keeps state in its modules
_MOST_VALUES = 2**23  # of one coordinate; a longer one is left empty
_CF, _ACDD = "cf:1.11", "acdd:1.3"
_LEVELS: dict[str, dict[int, Level]] = {
    _CF: {3: "error", 2: "warning", 1: "note"},
    # Nothing in ACDD is required: highly recommended, recommended, suggested.
    _ACDD: {3: "warning", 2: "note", 1: "note"},
}
_SKIPPED = (
    "check_filename",  # a product is .h5, which netCDF readers open as well
    "check_actual_range",  # reads the whole of a layer
    "check_lat_extents",  # wants the centres of the outer cells; ACDD's box is that of the data, whose cells have edges
    "check_lon_extents",
)
# What does not apply, and why.
_NOT_ASKED = (
    re.compile(r"geospatial(_bounds)?_vertical"),  # maps of the surface have no vertical axis
    re.compile(r"date_(created|modified|issued|metadata_modified)"),  # in the side file: a product must not know clocks
    # An area over a period has no axis of time in its file; quick rules compare the period with the name.
    re.compile(r"Could not find time variable"),
)


_ABSENT = re.compile(r"(?:Attr )?(\S+) (?:is )?not present")
_UNNAMED = re.compile(r"Attribute long_name or/and standard_name is highly recommended for variable (\S+)")
_NO_STANDARD_NAME = "Layers without standard_name: {}."
_NO_NAME = "Neither long_name nor standard_name: {}."
_LACKING = re.compile(r'variable "(\S+)" missing the following attributes')


def available() -> bool:
    """Whether the compliance-checker is installed."""
    from importlib.util import find_spec

    return find_spec("compliance_checker") is not None and find_spec("netCDF4") is not None


def check_compliance(path: Path, name: str) -> Iterator[Finding]:
    """Yield what the compliance-checker finds in one file.

    Parameters
    ----------
    path : pathlib.Path
        A product file, or any netCDF-4 file.
    name : str
        Its name in the findings.
    """
    try:
        check_hdf5(path)
        messages = _messages(path)
    except (MusyqError, OSError, RuntimeError, ValueError) as error:
        text = str(error).strip().rstrip(".")
        yield Finding("CF", "error", f"The file cannot be read as netCDF-4: {text}.", "Write it again.", (name,))
        return
    yield from _findings(messages, name)


def _findings(messages: set[tuple[str, int, str, str]], name: str) -> Iterator[Finding]:
    """Say the messages in plain words, those of one kind in one sentence."""
    joined: dict[tuple[str, Level, str, str], list[str]] = {}
    for spec, weight, group, message in sorted(messages):
        if any(pattern.search(message) for pattern in _NOT_ASKED):
            continue
        what, said, advice = _in_plain_words(message, group)
        level = _LEVELS[spec].get(weight, "note")
        if said == _NO_STANDARD_NAME:
            level = "note"  # CF has no standard name for many quantities, and none may be made up
        elif said == _NO_NAME:
            level = "warning"  # highly recommended, in the words of CF itself, and not required
        joined.setdefault((_title(spec, group), level, said, advice), []).append(what)
    for (title, level, said, advice), words in joined.items():
        yield Finding(title, level, said.format(", ".join(dict.fromkeys(words))), advice, (name,))


def _messages(path: Path) -> set[tuple[str, int, str, str]]:
    """Return (convention, weight, group, message), each once however many parts it was found in."""
    import netCDF4

    found: set[tuple[str, int, str, str]] = set()
    with netCDF4.Dataset(path) as source:
        source.set_auto_maskandscale(False)
        for names in _parts(source):
            with _skeleton(source, names) as part, _LOCK, _remembered():
                found |= set(_run(part))
    return found


@contextlib.contextmanager
def _remembered() -> Iterator[None]:
    """Let the checker answer each of its questions about a file once."""
    from compliance_checker.cf import util

    answers: dict[Any, Any] = {}

    def once(ask: Callable[..., Any]) -> Callable[..., Any]:
        def remember(*question: Any) -> Any:
            if (key := (ask, *question)) not in answers:
                answers[key] = ask(*question)
            return answers[key]

        return remember

    originals = {name: getattr(util, name) for name in _QUESTIONS if hasattr(util, name)}
    try:
        for name, ask in originals.items():
            setattr(util, name, once(ask))
        yield
    finally:
        for name, ask in originals.items():
            setattr(util, name, ask)


def _run(part: netCDF4.Dataset) -> Iterator[tuple[str, int, str, str]]:
    # The checker prints and warns beside what it returns.
    quiet = contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), quiet[0], quiet[1]:
        warnings.simplefilter("ignore")
        results = _suite().run_all(part, [_CF, _ACDD], skip_checks=list(_SKIPPED))
    for spec, (groups, errors) in results.items():
        for group in groups:
            if not _passed(group.value):
                yield from ((spec, int(group.weight), str(group.name), str(m)) for m in group.msgs or ())
        for check, (error, _) in errors.items():
            yield spec, 2, check, f"The checker itself failed in {check}: {type(error).__name__}: {error}"


def _passed(value: Any) -> bool:
    """Whether a check has all its points; what it says then is no finding."""
    return bool(value[0] == value[1] if isinstance(value, tuple) else value)


@lru_cache(maxsize=1)
def _suite() -> Any:
    """Return the checker, its way to the network closed: it takes the table of standard names that it brings along."""
    from compliance_checker.acdd import ACDD1_3Check
    from compliance_checker.cf.cf_1_11 import CF1_11Check
    from compliance_checker.suite import CheckSuite

    class Offline(CF1_11Check):  # type: ignore[misc]
        def _find_cf_standard_name_table(self, ds: Any) -> bool:
            del ds
            return False

    suite = CheckSuite()
    suite.checkers = {_CF: Offline, _ACDD: ACDD1_3Check}
    return suite


def _parts(source: netCDF4.Dataset) -> Iterator[set[str]]:
    """Yield the names of some layers at a time, with those they name."""
    everywhere = _coordinate_names(source)
    layers = [name for name in source.variables if name not in everywhere]
    named = {name: _named(source, name) for name in layers}
    companions = set().union(*named.values()) if named else set()
    leaders = [name for name in layers if name not in companions] or layers
    for first in range(0, max(len(leaders), 1), _AT_ONCE):
        chosen = set(leaders[first : first + _AT_ONCE])
        yield everywhere | chosen | {other for name in chosen for other in named[name]}


def _coordinate_names(source: netCDF4.Dataset) -> set[str]:
    names = {name for name in source.variables if name in source.dimensions}
    for variable in source.variables.values():
        for attribute in ("coordinates", "grid_mapping", "bounds"):
            names |= set(str(getattr(variable, attribute, "")).split())
    return names & set(source.variables)


def _named(source: netCDF4.Dataset, name: str) -> set[str]:
    listed = str(getattr(source.variables[name], "ancillary_variables", "")).split()
    return {other for other in listed if other in source.variables}


@contextlib.contextmanager
def _skeleton(source: netCDF4.Dataset, names: set[str]) -> Iterator[netCDF4.Dataset]:
    """Give a file in memory with the header of another: some of its layers, without their data."""
    import netCDF4

    copy = netCDF4.Dataset("header.nc", "w", diskless=True, persist=False)
    try:
        copy.setncatts({key: source.getncattr(key) for key in source.ncattrs()})
        for name, dimension in source.dimensions.items():
            copy.createDimension(name, len(dimension))
        for name, variable in source.variables.items():
            if name in names:
                _copy_variable(copy, variable, name)
        yield copy
    finally:
        copy.close()


def _copy_variable(copy: netCDF4.Dataset, variable: Any, name: str) -> None:
    attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
    fill = attributes.pop("_FillValue", None)
    coordinate = name in variable.dimensions or (variable.ndim == 1 and "_FillValue" not in variable.ncattrs())
    chunks = None if coordinate or not variable.ndim else [min(size, 64) for size in variable.shape]
    made = copy.createVariable(
        name, variable.dtype, variable.dimensions, fill_value=fill, chunksizes=chunks, compression=None
    )
    made.set_auto_maskandscale(False)
    made.setncatts(attributes)
    if coordinate and variable.size <= _MOST_VALUES:
        made[...] = variable[...]


def _in_plain_words(message: str, group: str) -> tuple[str, str, str]:
    """Return what a message is about, a sentence with a place for it, and what to do."""
    if match := _LACKING.match(group):
        advice = "Set ds[layer].attrs[...] before writing, where there is something true to say."
        return match[1], f"Layers without {message}: {{}}.", advice
    if match := _UNNAMED.search(message):
        return match[1], _NO_NAME, "Set ds[layer].attrs['long_name'] before writing."
    if match := _ABSENT.fullmatch(message):
        advice = "Set ds.attrs[...] before writing, or leave out what does not apply."
        return match[1], "The file does not say {}.", advice
    text = re.sub(r"^§[\d.]+ ", "", " ".join(message.split()))
    said = text if text.endswith((".", "!", "?")) else f"{text}."
    return "", said.replace("{", "{{").replace("}", "}}"), ""


def _title(spec: str, group: str) -> str:
    kind = spec.partition(":")[0].upper()
    name = re.sub(r"^§\s*", "", group.partition('"')[0].strip())
    return f"{kind} {name}".strip()
