"""Whatever a function of one's own names is part of its code: an edit of it must not leave old files as they are."""

import functools
import os
import re
import subprocess
import sys
import textwrap
import threading
from types import SimpleNamespace

import cloudpickle
import numpy as np
import pytest

from musyq_lab.production.chain.own_code import _version, _Walk

PLACES = {
    "static method": "class C:\n @staticmethod\n def g(x): return x * N\ndef f(x): return C.g(x)",
    "class method": "class C:\n @classmethod\n def g(cls, x): return x * N\ndef f(x): return C.g(x)",
    "property": "class C:\n @property\n def g(self): return N\nc = C()\ndef f(x): return c.g",
    "cached property": "class C:\n @functools.cached_property\n def g(self): return N\nc = C()\ndef f(x): return c.g",
    "callable": "class C:\n def __call__(self, x): return x * N\nh = C()\ndef f(x): return h(x)",
    "base class": "class B:\n def g(self, x): return x * N\nclass C(B): pass\nh = C()\ndef f(x): return h.g(x)",
    "class inside": "def f(x):\n class C:\n  @staticmethod\n  def g(x): return x * N\n return C.g(x)",
    "slots": "class C:\n __slots__ = ('k',)\n def __init__(s): s.k = N\nh = C()\ndef f(x): return h.k",
    "cached": "@functools.lru_cache\ndef g(x): return x * N\ndef f(x): return g(x)",
    "wrapped": "def w(g):\n @functools.wraps(g)\n def i(*a): return g(*a)\n return i\n"
    "@w\ndef g(x): return x * N\ndef f(x): return g(x)",
    "bound method": "class C:\n def __init__(s): s.k = N\n def g(self, x): return self.k\nh = C().g\n"
    "def f(x): return h(x)",
    "bound builtin": "h = {'a': N}.get\ndef f(x): return h('a')",
    "vectorized": "h = np.vectorize(lambda x: x * N)\ndef f(x): return h(x)",
    "dispatched": "@functools.singledispatch\ndef g(x): return N\ndef f(x): return g(x)",
    "dispatched by kind": "@functools.singledispatch\ndef g(x): return 0\n@g.register\ndef _(x: int): return N\n"
    "def f(x): return g(x)",
    "polynomial": "h = np.poly1d([1, N])\ndef f(x): return h(x)",
    "masked value": "h = np.ma.array([N])\ndef f(x): return h",
    "mask": "h = np.ma.array([1, 2], mask=[N > 2, False])\ndef f(x): return h",
    "frozen dataclass": "@dataclasses.dataclass(frozen=True, slots=True)\nclass C:\n k: float = 1.0\nh = C(N)\n"
    "def f(x): return h.k",
    "namespace": "h = types.SimpleNamespace(k=N)\ndef f(x): return h.k",
    "read-only mapping": "h = types.MappingProxyType({'k': N})\ndef f(x): return h['k']",
    "named tuple": "h = collections.namedtuple('P', 'k')(N)\ndef f(x): return h.k",
    "counter": "h = collections.Counter({'a': N})\ndef f(x): return h['a']",
    "deque": "h = collections.deque([N])\ndef f(x): return h[0]",
    "enumeration": "class E(enum.Enum):\n A = N\ndef f(x): return E.A.value",
    "duration": "h = datetime.timedelta(N)\ndef f(x): return x + h",
    "pattern": "h = re.compile('a{%s}' % int(N))\ndef f(x): return h",
    "fraction": "h = fractions.Fraction(N)\ndef f(x): return x * h",
    "DataArray": "h = xr.DataArray([N])\ndef f(x): return h",
    "attribute of a DataArray": "h = xr.DataArray([1], attrs={'k': N})\ndef f(x): return h",
    "Series": "h = pd.Series([N])\ndef f(x): return h",
    "index of a Series": "h = pd.Series([1], index=[N])\ndef f(x): return h",
    "spline": "h = interpolate.CubicSpline([0, 1, 2], [0, N, 1])\ndef f(x): return h(x)",
    "slice": "h = slice(int(N))\ndef f(x): return x[h]",
    "keyword of a partial": "h = functools.partial(max, key=lambda v: v * N)\ndef f(x): return h(x)",
    "list in itself": "h = [N]\nh.append(h)\ndef f(x): return h",
    "mapping in itself": "h = {'a': N}\nh['b'] = h\ndef f(x): return h",
    "subclass of a list": "class L(list):\n def g(self): return N\nh = L([1])\ndef f(x): return h.g()",
}
"""Where a number may stand that a function named f depends on."""
IMPORTS = """
import collections, dataclasses, datetime, enum, fractions, functools, re, types
import numpy as np, pandas as pd, xarray as xr
from scipy import interpolate
"""


def made(source, number, name="own_place"):
    space = {"__name__": name, "N": number}
    exec(IMPORTS, space)
    exec(re.sub(r"\bN\b", repr(number), source), space)
    return space["f"]


def told(value, package="own_place"):
    return list(_Walk(package).told(value))


class _Heard(_Walk):
    """Keeps all texts that digests are made of."""

    def __init__(self, package):
        super().__init__(package)
        self.texts = []

    def _by_kind(self, value):
        for text in super()._by_kind(value):
            self.texts.append(text)
            yield text


def heard(value):
    walk = _Heard("own_place")
    list(walk.told(value))
    assert walk.texts
    return walk.texts


@pytest.mark.parametrize("place", list(PLACES))
def test_a_number_counts_wherever_it_stands(place):
    first, same, other = (told(made(PLACES[place], number)) for number in (1.5, 1.5, 2.5))
    assert first == same
    assert first != other


@pytest.mark.parametrize("place", ["cached", "bound builtin", "dispatched by kind", "DataArray", "Series", "spline"])
def test_nothing_that_is_told_says_where_in_memory_something_lies(place):
    assert not [text for text in heard(made(PLACES[place], 1.5)) if " at 0x" in text]


def test_a_cache_of_a_function_that_was_used_changes_nothing():
    function = made(PLACES["cached"], 1.5)
    before = told(function)
    function(2.0)
    assert told(function) == before


@pytest.mark.parametrize("place", ["frozen dataclass", "DataArray", "Series", "vectorized", "bound method"])
def test_it_survives_a_journey_to_another_process(place):
    function = made(PLACES[place], 1.5)
    before = told(function)
    assert told(cloudpickle.loads(cloudpickle.dumps(function))) == before
    assert told(function) == before  # a journey replaces the methods of a class that is known here


def test_another_process_tells_the_same_of_all():
    """Seeds of hashes differ between processes: neither sets nor mappings may be told in their order."""
    code = textwrap.dedent("""
        import hashlib, sys
        from production.chain import test_own_code_objects as tests
        whole = [tests.told(tests.made(source, 1.5)) for source in tests.PLACES.values()]
        sys.stdout.write("\\n".join(hashlib.sha256(repr(text).encode()).hexdigest() for text in whole))
    """)
    found = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=100
        )
        assert run.returncode == 0, run.stderr[-2000:]
        found.append(dict(zip(PLACES, run.stdout.splitlines(), strict=True)))
    assert found[0] == found[1]


def holds(value):
    def f(x):
        return value, x

    f.__module__ = "own_place"
    return f


def test_the_environment_of_a_process_is_none_of_the_code(monkeypatch):
    before = told(holds(os.environ))
    monkeypatch.setenv("OWN_PLACE", "1")
    assert told(holds(os.environ)) == before


def test_what_was_loaded_into_a_registry_is_none_of_the_code(own):
    before = told(holds(own.RETRIEVALS))
    own.RETRIEVALS.add("later", own.RETRIEVALS["glow"])
    assert told(holds(own.RETRIEVALS)) == before


def test_our_specifications_count_by_what_they_say(own):
    assert told(holds(own.GLOW)) != told(holds(own.GLIMMER))


@pytest.mark.parametrize("value", [threading.Lock(), threading.local(), iter([1]), (n for n in (1,))])
def test_what_cannot_be_copied_is_named_and_no_error(value):
    assert any(type(value).__name__ in text for text in heard(holds(value)))


def test_a_list_that_two_names_share_is_told_as_two_equal_ones():
    shared = [1, 2]
    assert told(holds((shared, shared))) == told(holds(([1, 2], [1, 2])))


def test_it_makes_no_difference_whether_two_names_are_of_one_object_or_of_two_equal_ones():
    one = SimpleNamespace(k=1)
    assert told(holds((one, one))) == told(holds((SimpleNamespace(k=1), SimpleNamespace(k=1))))
    assert told(holds((one, one))) != told(holds((one, SimpleNamespace(k=2))))


def test_what_many_share_is_told_once():
    """A ladder of objects, each of which holds the one below twice: 2^60 ways lead down."""
    rung = SimpleNamespace(k=1)
    for _ in range(60):
        rung = SimpleNamespace(a=rung, b=rung)
    assert len(heard(holds(rung))) < 3000


def test_functions_of_others_count_by_the_version_of_their_package(monkeypatch):
    from musyq_lab.production.chain import own_code

    before = told(holds(np.median))
    monkeypatch.setattr(own_code, "_version", lambda top: "9.9" if top == "numpy" else _version(top))
    assert told(holds(np.median)) != before
    assert told(holds(textwrap.dedent)) == told(holds(textwrap.dedent))


def test_modules_of_the_same_package_count_by_their_text(tmp_path, monkeypatch):
    package = tmp_path / "own_place_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "tool.py").write_text("K = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from own_place_package import tool

    before = told(holds(tool), "own_place_package")
    function = holds(tool)
    function.__module__ = "own_place_package.main"
    before = told(function, "own_place_package")
    (package / "tool.py").write_text("K = 2\n")
    assert told(function, "own_place_package") != before
    monkeypatch.delitem(sys.modules, "own_place_package.tool")
    monkeypatch.delitem(sys.modules, "own_place_package")


@pytest.mark.parametrize("top", ["json", "not_there_at_all", ""])
def test_what_has_no_version_has_none(top):
    assert _version(top) == ""


def test_a_wrapper_of_the_standard_library_is_seen_through():
    @functools.lru_cache
    def inner(x):
        return x + 1

    inner.__wrapped__.__module__ = "own_place"
    text = heard(holds(inner))
    assert inner.__wrapped__.__code__.co_code.hex() in text


def test_values_of_a_namespace_are_told_by_their_kind():
    one, true = (told(holds(SimpleNamespace(k=value))) for value in (1, True))
    assert one != true
