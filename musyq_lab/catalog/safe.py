"""The safe loader: a catalog from anybody is checked against an allow-list before intake sees it.

Opening a catalog with intake alone imports any dotted ``driver:`` and any module named under ``plugins:``, renders full
jinja (which reaches Python), and may read the environment or run a shell command for a default. Here only the keys,
drivers and arguments of ``catalogs/schema.yml`` pass, templates are ``{{ CATALOG_DIR }}`` and declared parameters, and
paths are local unless remote ones are asked for. A catalog that itself lies at an address names what lies below its own
folder, and nothing of the machine that reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from musyq_lab.catalog._spec import FREE, CatalogSpec, EntrySpec, ParameterSpec
from musyq_lab.catalog._yaml import read_plain_yaml
from musyq_lab.core.errors import CatalogError, closest
from musyq_lab.core.resources import resource
from musyq_lab.files.remote import is_remote

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,127}")
_VALUE = re.compile(r"[A-Za-z0-9_+\-.]{0,128}")  # a text that may be put into a path
_TEMPLATE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_COMMAND = re.compile(r"\b(?:client_)?(?:env|shell)\s*\(")
_REMOTE = re.compile(r"(?:https|s3|gs)://[^:]+(?::\d{1,5}/[^:]*)?")
_RESERVED = {"CATALOG_DIR", "metadata", "plugin", "cache", "persist", "name"}
# intake-xarray ignores user parameters without a word (intake/intake-xarray#150): the default would be served.
_PARAMETERLESS = {"netcdf", "zarr", "yaml_file_cat"}
_OWN = re.compile(r"\{\{\s*CATALOG_DIR\s*\}\}(?:/|$)")

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "scalar": (str, int, float, bool),
    "scalar_or_list": (str, int, float, list),
    "list": (list,),
    "mapping": (dict,),
    "path": (str,),
    "paths": (str, dict),
}


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where the paths of a catalog may lead."""

    remote: bool
    """To ``https``, ``s3`` and ``gs`` addresses."""
    local: bool
    """To this machine."""
    free: frozenset[str] = frozenset()
    """Parameters for which the user names a folder."""


_HERE = _Reach(remote=False, local=True)


@cache
def schema() -> dict[str, Any]:
    """Return the allow-list of keys, drivers and arguments (``catalogs/schema.yml``)."""
    table: dict[str, Any] = yaml.safe_load(resource("catalogs/schema.yml").read_text("utf-8"))
    return table


def load_catalog(path: Path, *, allow_remote: bool = False) -> CatalogSpec:
    """Return the checked content of a catalog file.

    Parameters
    ----------
    path : pathlib.Path
        YAML file of intake's version 1, here or at an address (:func:`musyq_lab.files.remote.place`).
    allow_remote : bool
        Whether ``https``, ``s3`` and ``gs`` addresses may be named.

    Raises
    ------
    CatalogError
        Saying what was refused and what is allowed. Nothing is imported, opened or fetched before.
    """
    limits = schema()["limits"]
    data = read_plain_yaml(path, limit_bytes=limits["bytes"], limit_depth=limits["depth"])
    try:
        return check_catalog(data, path, allow_remote=allow_remote)
    except CatalogError as error:
        raise CatalogError(f"Catalog {path} is refused: {error}") from None


def check_catalog(data: Any, path: Path, *, allow_remote: bool = False) -> CatalogSpec:
    """Return the checked form of a catalog that is already plain values (see :func:`load_catalog`)."""
    if not isinstance(data, dict):
        raise CatalogError("it must be a mapping with `sources:`.")
    if "plugins" in data:
        raise CatalogError("a `plugins:` block would import code. Remove it; the drivers are those of this package.")
    _check_keys(data, schema()["catalog"], "the catalog")
    _check_text(data.get("metadata"), set(), "metadata")
    if len(data["sources"]) > schema()["limits"]["entries"]:
        raise CatalogError(f"it has {len(data['sources'])} entries, more than {schema()['limits']['entries']}.")
    folder = str(path.resolve().parent)
    reach = _Reach(allow_remote, not is_remote(path))
    entries = tuple(_entry(name, source, folder, reach) for name, source in data["sources"].items())
    metadata = data.get("metadata") or {}
    title = metadata.get("title") or data.get("name") or path.stem
    return CatalogSpec(str(path), entries, title, data.get("description") or metadata.get("summary", ""))


def _entry(name: Any, source: Any, folder: str, reach: _Reach) -> EntrySpec:
    """Check one entry."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CatalogError(f"the entry name {_cut(name)} must be letters, digits, '_' and '-'.")
    where = f"entry {name!r}"
    if not isinstance(source, dict):
        raise CatalogError(f"{where} must be a mapping with `driver:` and `args:`.")
    _check_keys(source, schema()["source"], where)
    driver = source["driver"]
    if driver not in schema()["drivers"]:
        allowed = ", ".join(schema()["drivers"])
        raise CatalogError(f"{where} asks for the driver {_cut(driver)}, which is not allowed. Allowed: {allowed}.")
    parameters = tuple(_parameter(key, rule, where) for key, rule in (source.get("parameters") or {}).items())
    if driver == "netcdf" and (is_remote(folder) or is_remote(source["args"].get("urlpath"))):
        raise CatalogError(f"{where}: a remote file is not checked by the driver {driver!r}. Use musyq_raster.")
    if parameters and driver in _PARAMETERLESS:
        raise CatalogError(f"{where}: driver {driver!r} ignores parameters. Use musyq_raster, or one entry per choice.")
    names = {p.name for p in parameters}
    _check_text([source.get("description"), source.get("metadata")], set(), where)
    _check_text(source["args"], names | {"CATALOG_DIR"}, where)
    free = frozenset(p.name for p in parameters if p.type in FREE)
    _check_keys(source["args"], schema()["drivers"][driver], f"args of {where}", replace(reach, free=free))
    _check_used(names, source["args"], where)
    _check_whole(free, source["args"], where)
    return EntrySpec(
        name, driver, source["args"], folder, source.get("description") or "", parameters, source.get("metadata") or {}
    )


def _parameter(name: Any, rule: Any, where: str) -> ParameterSpec:
    """Check one user parameter of an entry."""
    where = f"parameter {name!r} of {where}"
    if not isinstance(name, str) or not name.isidentifier() or name in _RESERVED:
        raise CatalogError(f"{where}: the name must be an identifier and none of {', '.join(sorted(_RESERVED))}.")
    if not isinstance(rule, dict):
        raise CatalogError(f"{where} must be a mapping with `type:` and `default:`.")
    _check_text(list(rule.values()), set(), where)
    _check_keys(rule, schema()["parameter"], where)
    allowed = tuple(rule.get("allowed") or ())
    if rule["type"] == "str" and not (allowed and all(isinstance(v, str) and _VALUE.fullmatch(v) for v in allowed)):
        raise CatalogError(f"{where}: a text goes into a path, so list its `allowed:` values (letters, digits, ._+-).")
    if rule["type"] in FREE and rule["default"] != "":
        raise CatalogError(f"{where}: only the user names a {rule['type']}, so its default must be empty.")
    spec = ParameterSpec(
        name, rule["type"], rule["default"], rule.get("description", ""), allowed, rule.get("min"), rule.get("max")
    )
    for value in (spec.default, *allowed):
        try:
            spec.check(value)
        except CatalogError as error:
            raise CatalogError(f"{where}: {error}") from None
    return spec


def _check_keys(data: dict[Any, Any], rules: dict[str, Any], where: str, reach: _Reach = _HERE) -> None:
    """Check that a mapping has the required keys, no others, each of its type."""
    if unknown := [key for key in data if key not in rules]:
        near = closest(str(unknown[0])[:80], rules)
        raise CatalogError(f"{where} has the key {_cut(unknown[0])}, which is not allowed.{near}")
    for key, rule in rules.items():
        if key not in data:
            if rule.get("required"):
                raise CatalogError(f"{where} lacks the key {key!r}.")
            continue
        _check_value(data[key], rule, f"{key!r} of {where}", reach)


def _check_value(value: Any, rule: dict[str, Any], where: str, reach: _Reach) -> None:
    """Check one value against its rule."""
    kind = rule["type"]
    wrong_bool = isinstance(value, bool) and kind not in ("boolean", "scalar")
    if not isinstance(value, _TYPES[kind]) or wrong_bool:
        raise CatalogError(f"{where} must be a {kind.replace('_', ' ')}, got {type(value).__name__}.")
    if "allowed" in rule and value not in rule["allowed"]:
        raise CatalogError(f"{where} is {value!r}. Allowed: {', '.join(map(str, rule['allowed']))}.")
    if "keys" in rule and isinstance(value, dict):
        _check_keys(value, rule["keys"], where)
    if kind in ("path", "paths"):
        for path in value.values() if isinstance(value, dict) else [value]:
            _check_path(path, where, reach)


def _check_path(path: Any, where: str, reach: _Reach) -> None:
    """Refuse addresses, chained file systems and virtual file systems of GDAL; of a remote catalog all but its own."""
    if not isinstance(path, str) or not path.strip() or not path.isprintable():
        raise CatalogError(f"{where} must be a path.")
    if reach.remote and _REMOTE.fullmatch(path) and "::" not in path:
        return
    if ":" in path or path.startswith(("//", "\\\\")) or "/vsi" in path:
        remote = "https://, s3:// and gs:// only", "open_catalog(..., allow_remote=True) permits remote ones"
        hint = remote[0] if reach.remote else remote[1]
        raise CatalogError(f"{where} is {_cut(path)}, which is not a plain local path ({hint}).")
    if not reach.local and not _is_own(path, reach):
        raise CatalogError(
            f"{where} is {_cut(path)}; a catalog at an address names files below its own folder only, as "
            "{{ CATALOG_DIR }}/name."
        )


def _is_own(path: str, reach: _Reach) -> bool:
    """Whether a path of a remote catalog stays below the catalog's folder, or is wholly the user's word."""
    template = _TEMPLATE.fullmatch(path)
    if template and template[1] in reach.free:
        return True
    own = _OWN.match(path)
    rest = path[own.end() :] if own else ""
    return own is not None and ".." not in PurePosixPath(rest).parts and not any(mark in rest for mark in "%?#\\")


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:80]}…"


def _check_text(value: Any, names: set[str], where: str) -> None:
    """Refuse templates other than the given names, and calls of env() and shell(), anywhere in a value."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for item in value:
            _check_text(item, names, where)
    if not isinstance(value, str):
        return
    used = set(_TEMPLATE.findall(value))
    if used - names or _BRACES.search(_TEMPLATE.sub("", value)) or _COMMAND.search(value):
        allowed = ", ".join(f"{{{{ {name} }}}}" for name in sorted(names)) or "none here"
        raise CatalogError(f"{where} has the template or command {value[:80]!r}. Allowed templates: {allowed}.")


def _check_used(names: set[str], args: dict[str, Any], where: str) -> None:
    """Refuse a parameter that nothing uses: choosing it would change nothing, silently."""
    used = set(_TEMPLATE.findall(str(args))) | set(args)
    if unused := sorted(names - used):
        raise CatalogError(f"{where} declares the parameter {unused[0]!r} but no argument uses it.")


def _check_whole(names: frozenset[str], args: dict[str, Any], where: str) -> None:
    """Refuse a free text inside a longer one: it could lead a path elsewhere."""
    for value in args.values():
        text = str(value)
        if names & set(_TEMPLATE.findall(text)) and not (isinstance(value, str) and _TEMPLATE.fullmatch(text)):
            raise CatalogError(f"{where} puts a free parameter into {text!r}. It must be the whole argument.")
