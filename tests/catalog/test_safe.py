"""The safe loader: what passes, and 500 hostile catalogs that do not."""

import itertools
import socket
import sys
import time
from pathlib import Path

import pytest
import yaml

from musyq_lab.catalog.open import open_catalog
from musyq_lab.catalog.safe import load_catalog, schema
from musyq_lab.core.errors import CatalogError

GOOD = {
    "version": 1,
    "metadata": {"title": "Mine"},
    "sources": {
        "rain": {
            "driver": "musyq_raster",
            "description": "rain",
            "args": {"urlpath": "{{ CATALOG_DIR }}/rain_{{ year }}_{{level}}.nc"},
            "parameters": {
                "year": {"type": "int", "default": 2015, "allowed": [2014, 2015]},
                "level": {"type": "str", "default": "a", "allowed": ["a", "b"]},
            },
            "metadata": {"title": "Rain", "keywords": ["water"]},
        }
    },
}


def write(folder: Path, content: object) -> Path:
    path = folder / "cat.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


def changed(*keys: str, value: object) -> dict:
    """A deep copy of the good catalog with one value put in."""
    data = yaml.safe_load(yaml.safe_dump(GOOD))
    place = data
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    return data


def entry(*keys: str, value: object) -> dict:
    return changed("sources", "rain", *keys, value=value)


def test_a_good_catalog_passes_and_keeps_its_words(tmp_path):
    spec = load_catalog(write(tmp_path, GOOD))
    assert spec.title == "Mine"
    assert {p.name for p in spec.entries[0].parameters} == {"year", "level"}
    assert spec.entries[0].folder == str(tmp_path.resolve())


def test_the_shipped_catalog_passes():
    assert len(open_catalog()) >= 9


REFUSED = {
    "plugins import code": (changed("plugins", value={"source": [{"module": "antigravity"}]}), "plugins"),
    "dotted driver": (entry("driver", value="os.path.join"), "driver"),
    "unlisted driver": (entry("driver", value="csv"), "musyq_product"),
    "list of drivers": (entry("driver", value=["musyq_raster"]), "text"),
    "mapping of drivers": (entry("driver", value={"a": {"class": "os.system"}}), "text"),
    "jinja expression": (entry("args", "urlpath", value="{{ ''.__class__.__mro__ }}"), "template"),
    "jinja statement": (entry("args", "urlpath", value="{% for x in [1] %}{% endfor %}"), "template"),
    "jinja comment": (entry("args", "urlpath", value="a{# x #}.nc"), "template"),
    "jinja filter": (entry("args", "urlpath", value="{{ year|attr('x') }}"), "template"),
    "undeclared parameter": (entry("args", "urlpath", value="{{ month }}.nc"), "template"),
    "template in metadata": (entry("metadata", "title", value="{{ CATALOG_DIR }}"), "template"),
    "template in a keyword": (entry("metadata", "keywords", value=["{{ 1 }}"]), "template"),
    "template in a description": (entry("description", value="{% x %}"), "template"),
    "environment": (entry("args", "urlpath", value="{{ env(HOME) }}/x.nc"), "template"),
    "environment default": (entry("parameters", "level", "default", value="env(HOME)"), "command"),
    "shell default": (entry("parameters", "level", "default", value="shell(id)"), "command"),
    "client shell": (entry("parameters", "level", "default", value="client_shell(id)"), "command"),
    "free text in a path": (entry("parameters", "level", value={"type": "str", "default": "a"}), "allowed"),
    "traversal by a value": (
        entry("parameters", "level", value={"type": "str", "default": "../a", "allowed": ["../a"]}),
        "allowed",
    ),
    "reserved parameter": (entry("parameters", "plugin", value={"type": "int", "default": 1}), "identifier"),
    "unused parameter": (entry("parameters", "month", value={"type": "int", "default": 1}), "no argument uses it"),
    "default not allowed": (entry("parameters", "year", "default", value=1999), "2014, 2015"),
    "remote": (entry("args", "urlpath", value="https://example.org/x.nc"), "allow_remote"),
    "chained": (entry("args", "urlpath", value="simplecache::/x.nc"), "local path"),
    "gdal virtual": (entry("args", "urlpath", value="/vsicurl/x.tif"), "local path"),
    "data address": (entry("args", "urlpath", value="data:text/plain,x"), "local path"),
    "unknown argument": (entry("args", "storage_options", value={}), "storage_options"),
    "unknown key": (entry("cache", value=[]), "cache"),
    "unknown catalog key": (changed("entries", value={}), "entries"),
    "version 2": (changed("version", value=2), "version"),
    "bad name": (changed("sources", value={"../x": GOOD["sources"]["rain"]}), "name"),
    "no driver": (changed("sources", value={"x": {"args": {}}}), "driver"),
    "not a mapping": ([1, 2], "mapping"),
    "no sources": ({"version": 1}, "sources"),
    "netcdf without engine": (
        changed("sources", value={"x": {"driver": "netcdf", "args": {"urlpath": "a.nc", "xarray_kwargs": {}}}}),
        "engine",
    ),
    "netcdf with parameters": (
        changed(
            "sources",
            value={
                "x": {
                    "driver": "netcdf",
                    "args": {"urlpath": "a.nc", "xarray_kwargs": {"engine": "h5netcdf"}},
                    "parameters": {"year": {"type": "int", "default": 1}},
                }
            },
        ),
        "ignores parameters",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(name, tmp_path):
    data, word = REFUSED[name]
    with pytest.raises(CatalogError, match=word) as error:
        open_catalog(write(tmp_path, data))
    assert "cat.yml" in str(error.value)


TEXTS = {
    "python tag": "sources: !!python/object/apply:os.system ['id']\n",
    "template tag": "sources: !template x\n",
    "alias": "a: &x [1]\nb: *x\n",
    "bomb": "a: &a [x,x]\n" + "".join(f"{c}: &{c} [*{p},*{p}]\n" for p, c in itertools.pairwise("abcdefghijklmnop")),
    "merge key": "a: {<<: {b: 1}}\n",
    "twice": "version: 1\nversion: 1\n",
    "deep flow": "[" * 5000,
    "deep block": "\n".join(" " * k + f"k{k}:" for k in range(200)),
    "not text": "\x00\x01",
    "broken": "sources: {a: [}",
    "two documents": "a: 1\n---\nb: 2\n",
    "empty": "",
    "huge": "# " + "x" * (2 << 20),
    "list key": "? [a]\n: 1\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_yaml_that_is_not_plain_is_refused_fast(name, tmp_path):
    path = write(tmp_path, TEXTS[name])
    started = time.perf_counter()
    with pytest.raises(CatalogError):
        load_catalog(path)
    assert time.perf_counter() - started < 1


def test_500_hostile_catalogs_import_nothing_and_open_no_socket(tmp_path, monkeypatch):
    """Every hostile value at every place a catalog has; none may pass, import a module or reach the network."""

    def no_network(*args: object, **kwargs: object) -> None:
        raise AssertionError("a hostile catalog reached the network")

    monkeypatch.setattr(socket, "socket", no_network)
    monkeypatch.setitem(sys.modules, "antigravity", None)
    values = [
        "{{ env(HOME) }}", "{{ shell(id) }}", "{{ [].__class__ }}", "{% set x=1 %}", "{{config}}",
        "shell(id)",
        "env(PATH)", "client_env (PATH)", "{{ CATALOG_DIR.__class__ }}", "{{ year.__init__ }}",
        "{{ self }}", "{{ cycler }}",
        "{{ year }}{% raw %}", "{#", "}}", "{{", "%}{{ x }}",
    ]  # fmt: skip
    places = [
        ("sources", "rain", "args", "urlpath"), ("sources", "rain", "args", "variables"),
        ("sources", "rain", "args", "group"), ("sources", "rain", "args", "rename"), ("sources", "rain", "driver"),
        ("sources", "rain", "description"),
        ("sources", "rain", "metadata", "title"), ("sources", "rain", "metadata", "summary"),
        ("sources", "rain", "metadata", "doi"), ("sources", "rain", "metadata", "keywords"),
        ("sources", "rain", "parameters", "level", "default"), ("sources", "rain", "parameters", "level", "allowed"),
        ("sources", "rain", "parameters", "year", "description"), ("metadata", "title"), ("metadata", "keywords"),
    ]  # fmt: skip
    modules, done = set(sys.modules), 0
    for place, value in itertools.product(places, values):
        for hostile in (value, [value], {value: value}):
            with pytest.raises(CatalogError):
                load_catalog(write(tmp_path, changed(*place, value=hostile)))
            done += 1
    assert done >= 500
    assert not {m for m in set(sys.modules) - modules if m.partition(".")[0] in ("antigravity", "intake", "os.path")}


def test_remote_addresses_only_when_asked_for(tmp_path):
    path = write(tmp_path, entry("args", "urlpath", value="https://example.org/{{ year }}{{ level }}.nc"))
    assert load_catalog(path, allow_remote=True).entries[0].args["urlpath"].startswith("https")
    for address in ("ftp://a/b.nc", "file:///etc/passwd", "https://a/b.nc::zip://c"):
        with pytest.raises(CatalogError, match="https"):
            load_catalog(write(tmp_path, entry("args", "urlpath", value=address)), allow_remote=True)


def test_every_driver_of_the_schema_is_known_to_intake():
    import intake

    for driver in schema()["drivers"]:
        if driver not in ("musyq_table", "musyq_published"):  # used by name through our own catalog
            assert driver in intake.registry
