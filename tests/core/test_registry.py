"""Registry: finds by looking, imports nothing to list, keeps plug-ins and own entries apart."""

import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.registry import Registry, html_table

MODULES = {
    "alpha": 'SPEC = "first"\nalpha = "made by alpha"\n',
    "beta": 'SPEC = "<script>alert(1)</script>"\nbeta = "made by beta"\n',
    "_private": 'raise RuntimeError("nobody may import me")\n',
}
PLUGIN = 'SPEC = "from a plug-in"\n'


@pytest.fixture
def package(tmp_path, monkeypatch, request):
    """A package of two public modules and one private, under a name of its own for each test."""
    name = "shelf_" + "".join(c if c.isalnum() else "_" for c in request.node.name)
    folder = tmp_path / "site" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    for module, text in MODULES.items():
        (folder / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield name
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]


@pytest.fixture
def plugin(package, tmp_path, monkeypatch):
    """Install a fake distribution whose entry points join the package's group."""

    def install(*points, module=PLUGIN):
        site = tmp_path / "plugins"
        info = site / "fake_plugin-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{package}]\n" + "\n".join(points) + "\n")
        (site / f"{package}_plugin.py").write_text(module)
        monkeypatch.syspath_prepend(site)
        return f"{package}_plugin"

    yield install
    sys.modules.pop(f"{package}_plugin", None)


def registry(package, attribute="SPEC"):
    return Registry(package, attribute, "thing", {"title": lambda entry: str(entry)})


def test_lists_public_modules_without_importing_them(package):
    things = registry(package)
    assert list(things) == ["alpha", "beta"]
    assert len(things) == 2
    assert "alpha" in things
    assert "_private" not in things
    assert 7 not in things
    assert "alpha" in repr(things)
    assert not [m for m in sys.modules if m.startswith(f"{package}.")]


def test_imports_only_what_is_asked_for(package):
    assert registry(package)["alpha"] == "first"
    assert [m for m in sys.modules if m.startswith(f"{package}.")] == [f"{package}.alpha"]


def test_attribute_may_be_named_after_the_module(package):
    assert registry(package, "{key}")["beta"] == "made by beta"


def test_is_a_mapping(package):
    things = registry(package)
    assert dict(things) == {"alpha": "first", "beta": MODULES["beta"].split('"')[1]}
    assert things.get("nothing") is None
    assert things.get("alpha") == "first"


def test_unknown_key_suggests(package):
    with pytest.raises(NotFoundError, match=r"no thing 'alpa'. Did you mean 'alpha'"):
        registry(package)["alpa"]
    with pytest.raises(NotFoundError, match="Known: alpha, beta"):
        registry(package)["zzz"]


def test_module_without_the_object_is_told(package):
    with pytest.raises(InputError, match=r"'alpha' is not in .*alpha, which must be a module that holds 'MISSING'"):
        registry(package, "MISSING")["alpha"]


def test_a_new_file_is_all_it_takes(package, tmp_path):
    things = registry(package)
    (tmp_path / "site" / package / "gamma.py").write_text('SPEC = "third"\n')
    assert "gamma" in things


def test_own_entries_join_and_may_be_replaced(package):
    things = registry(package)
    things.add("mine", "one")
    things.add("mine", "two")
    assert things["mine"] == "two"
    assert list(things) == ["alpha", "beta", "mine"]
    assert "mine" not in registry(package)


def test_shipped_keys_are_taken(package):
    things = registry(package)
    with pytest.raises(InputError, match=r"'alpha' ships with MuSyQ Lab. Choose another key"):
        things.add("alpha", "hijacked")
    assert things["alpha"] == "first"


def test_plugins_are_listed_and_loaded_on_request(package, plugin):
    module = plugin(f"extra = {package}_plugin")
    things = registry(package)
    assert list(things) == ["alpha", "beta", "extra"]
    assert module not in sys.modules
    assert things["extra"] == "from a plug-in"


def test_a_plugin_cannot_replace_a_shipped_entry(package, plugin):
    plugin(f"alpha = {package}_plugin")
    assert registry(package)["alpha"] == "first"
    assert len(registry(package)) == 2


def test_a_plugin_that_points_at_the_wrong_thing_is_told(package, plugin):
    plugin(f"extra = {package}_plugin:SPEC")
    with pytest.raises(InputError, match="must be a module that holds 'SPEC'"):
        registry(package)["extra"]


def test_a_broken_plugin_does_not_cost_the_table(package, plugin):
    plugin(f"broken = {package}_plugin", module='raise ImportError("needs <b>torch</b>")\n')
    things = registry(package)
    rows = {row[0]: row[1] for row in things.table()[1:]}
    assert rows["alpha"] == "first"
    assert rows["broken"] == "cannot be loaded: ImportError: needs <b>torch</b>"
    assert "&lt;b&gt;torch" in things._repr_html_()
    with pytest.raises(ImportError):
        things["broken"]


def test_a_broken_module_of_our_own_is_not_hidden(package, tmp_path):
    (tmp_path / "site" / package / "gamma.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        registry(package).table()


def test_missing_package_is_empty():
    things = registry("musyq_lab.no_such_package")
    assert list(things) == []
    with pytest.raises(NotFoundError, match="There is no thing 'x'"):
        things["x"]


def test_html_escapes_every_text(package):
    things = registry(package)
    things.add("<img src=x>", '"><script>')
    page = things._repr_html_()
    assert "<script" not in page
    assert "<img" not in page
    assert "3 things" in page


@pytest.mark.parametrize("text", ["<script>", "a & b", "</td></table>", '" onload="x', "日射"])
def test_html_table_reads_back(text):
    seen = SimpleNamespace(tags=[], data=[])

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.tags.append(tag)

        def handle_data(self, data):
            seen.data.append(data)

    Reader().feed(html_table([["head", text], [text, "cell"]], title=text))
    assert seen.data == [text, "head", text, text, "cell"]
    assert seen.tags == ["div", "b", "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]


def test_listing_our_products_imports_none_of_them():
    code = (
        "import sys\n"
        "from musyq_lab.core.registry import Registry\n"
        "keys = list(Registry('musyq_lab.products', 'SPEC', 'product', {}))\n"
        "assert {'dsr', 'vi'} <= set(keys), keys\n"
        "heavy = {'numba', 'dask', 'xarray', 'pandas', 'pint', 'panel', 'intake'} & set(sys.modules)\n"
        "ours = [m for m in sys.modules if m.startswith('musyq_lab.products.')]\n"
        "assert not heavy and not ours, (heavy, ours)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
