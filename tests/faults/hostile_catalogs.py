"""500 hostile catalogs, the same for the same seed: each a good one with one thing put in that must not pass."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import yaml

GOOD: dict[str, Any] = {
    "version": 1,
    "metadata": {"title": "Mine", "keywords": ["rain"]},
    "sources": {
        "rain": {
            "driver": "musyq_raster",
            "description": "rain",
            "args": {"urlpath": "{{ CATALOG_DIR }}/rain_{{ year }}.nc", "variables": ["rain"], "rename": {"a": "b"}},
            "parameters": {"year": {"type": "int", "default": 2015, "allowed": [2015], "description": "year"}},
            "metadata": {"title": "Rain", "keywords": ["water"], "licence": "CC0"},
        }
    },
}
TEMPLATES = (
    *("{{ env(HOME) }}", "{{ shell('id') }}", "{{ [].__class__ }}", "{% set x=1 %}", "{% import 'os' %}", "{# x #}"),
    *("{{ cycler.__init__.__globals__.os.popen('id') }}", "{{ self._TemplateReference__context }}", "{{ config }}"),
    *("{{ year.__class__ }}", "{{ year|attr('__class__') }}", "{{ CATALOG_DIR.__class__ }}", "{{ 7*7 }}", "}}", "{%"),
    *("shell(touch pwned)", "env(PATH)", "client_env(HOME)", "client_shell (id)", "{{ year }}{% raw %}{% endraw %}"),
    *("{{lipsum.__globals__}}", "{{ ''.join(['a']) }}", "{{\tself }}", "{{ month }}", "{{ request }}"),
)
ADDRESSES = (
    *("https://127.0.0.1:9/x.nc", "http://127.0.0.1:9/x.nc", "s3://bucket/x.nc", "gs://b/x.nc", "ftp://h/x.nc"),
    *(
        "file:///etc/passwd",
        "/vsicurl/http://h/x.tif",
        "/vsizip//x.zip/y.tif",
        "simplecache::http://h/x.nc",
        "//host/x",
    ),
    *("memory://x.nc", "data:text/plain,x", "zip://x::http://h/y", "\\\\host\\share\\x.nc", "GTIFF_RAW:/etc/passwd"),
    *(
        "NETCDF:/etc/passwd:x",
        "HDF5:x.h5://y",
        "python://os",
        "github://o:r@m/x",
        "ssh://h/x",
        "a\0b.nc",
        "a\nb.nc",
        " ",
    ),
)
DRIVERS = (
    *("os.system", "subprocess.Popen", "builtins.eval", "antigravity.fly", "csv", "textfiles", "python", "catalog"),
    *("intake.readers.readers.PythonModule", "intake.source.base.DataSource", "musyq_lab.cli.main", "MUSYQ_RASTER", ""),
    *(
        "__import__",
        "yaml_files_cat",
        "intake_remote",
        "ndzarr",
        "../musyq_raster",
        "musyq_raster\n",
        "rasterio",
        "jsonfiles",
    ),
)
TAGS = (
    *("!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!!python/module:antigravity"),
    *("!!python/object/new:subprocess.Popen [[touch, pwned]]", "!!binary cHduZWQ=", "!!set {a, b}", "!!omap [a: 1]"),
    *("!template x", "!!timestamp nonsense", "!<tag:yaml.org,2002:python/tuple> [1]", "!!python/str x", "!include x"),
)
KEYS = (
    *("plugins", "entries", "user_parameters", "aliases", "data", "cache", "__class__", "storage_options", "getshell"),
    *("getenv", "direct_access", "name\0", "<<", "hooks", "import", "exec", "args", "sources2", "a" * 500),
)
BIG = (
    *("[" * 4000, "- " * 60_000, "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "? " * 9000, "k: " + "[1, " * 40),
    *(
        "sources: {" + ", ".join(f"e{n}: {{}}" for n in range(9000)) + "}",
        "x: " + "9" * 900_000,
        "# " + "x" * 1_100_000,
    ),
    *(
        "sources:\n" + "".join(f" e{n}: {{driver: zarr, args: {{}}}}\n" for n in range(6000)),
        "a: {<<: {b: 1}}",
        "a: 1\na: 2",
    ),
    *(
        "---\na: 1\n---\nb: 2\n",
        "\x00\x01",
        "sources: [",
        "%YAML 9.9\n---\na: 1",
        "&a [*a]",
        "x: " + "1:" * 200_000,
        "",
    ),
)


def _put(data: dict[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(data)
    here = made
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = value
    return made


_ENTRY = ("sources", "rain")
_PLACES: tuple[tuple[str, ...], ...] = (
    *((*_ENTRY, "args", "urlpath"), (*_ENTRY, "args", "group"), (*_ENTRY, "description"), (*_ENTRY, "driver")),
    *(
        (*_ENTRY, "metadata", "title"),
        (*_ENTRY, "metadata", "keywords"),
        ("metadata", "title"),
        ("metadata", "summary"),
    ),
    *((*_ENTRY, "parameters", "year", "default"), (*_ENTRY, "parameters", "year", "description")),
    *((*_ENTRY, "args", "variables"), (*_ENTRY, "args", "rename")),
)


def _dump(data: Any) -> str:
    return yaml.safe_dump(data, allow_unicode=True)


def _one(dice: random.Random) -> str:
    kind = dice.choice(("template", "template", "address", "driver", "tag", "key", "parameter", "nested"))
    if kind == "template":
        value: Any = dice.choice(TEMPLATES)
        return _dump(_put(GOOD, dice.choice(_PLACES), dice.choice([value, [value], {value: value}, {"a": [value]}])))
    if kind == "address":
        return _dump(_put(GOOD, (*_ENTRY, "args", "urlpath"), dice.choice(ADDRESSES) + dice.choice(["", "?x", "#y"])))
    if kind == "driver":
        value = dice.choice(DRIVERS)
        return _dump(_put(GOOD, (*_ENTRY, "driver"), dice.choice([value, [value], {"class": value}, None, 3])))
    if kind == "tag":
        return _dump(GOOD).replace("title: Mine", f"title: {dice.choice(TAGS)}")
    if kind == "key":
        place = dice.choice([(), _ENTRY, (*_ENTRY, "args"), (*_ENTRY, "metadata"), (*_ENTRY, "parameters", "year")])
        key = dice.choice([key for key in KEYS if key != "args" or place != _ENTRY])
        return _dump(_put(GOOD, (*place, key), dice.choice(["os", ["os"], {"source": [{"module": "antigravity"}]}])))
    if kind == "parameter":
        rule = {
            "type": dice.choice(["str", "datetime", "list", "mlist"]),
            "default": dice.choice(["../x", "env(X)", "a/b"]),
        }
        return _dump(_put(GOOD, (*_ENTRY, "parameters", "year"), rule))
    path = dice.choice(ADDRESSES)
    return _dump(_put(GOOD, _ENTRY, {"driver": "yaml_file_cat", "args": {"path": path}}))


def catalogs(count: int = 500, seed: int = 500) -> Iterator[str]:
    """Yield different hostile catalogs."""
    dice = random.Random(seed)
    seen = set(BIG)
    yield from BIG
    while len(seen) < count:
        text = _one(dice)
        if text not in seen:
            seen.add(text)
            yield text
