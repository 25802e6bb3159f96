"""The digest of an own algorithm: another for another result, the same for the same, in this process and in others."""

import subprocess
import sys
import textwrap
from functools import partial

import cloudpickle
import numpy as np
import pytest
from production.chain import own_world

from musyq_lab.production.chain.own_code import _Walk, is_own, own_code
from musyq_lab.production.contract.own import load_algorithm
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import retrieval

HEAD = """
import numpy as np
from functools import partial
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import algorithm
SPEC = Product("mine", "Mine", (Variable("mine", "mine", "1"),), (Input("ndvi"),))
TABLE = np.array([1.0, 2.0])
NAMES = {"b": 2, "a": 1}
class Model:
    power = 2
    def apply(self, x): return x ** self.power
MODEL = Model()
def helper(x): return x * TABLE[1] + NAMES["a"]
half = partial(helper)
@algorithm(SPEC)
def mine(*, ndvi, gain=1.0):
    def inner(x): return helper(x) + 3
    return gain * MODEL.apply(inner(ndvi)) + half(ndvi)
"""


@pytest.fixture
def digest(own, tmp_path):
    def of(text):
        path = tmp_path / "mine.py"
        path.write_text(text)
        load_algorithm(path)
        return own_code("mine")

    return of


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gain=1.0", "gain=1.5"),
        ("+ 3", "+ 4"),
        ("[1.0, 2.0]", "[1.0, 2.5]"),
        ('"a": 1}', '"a": 5}'),
        ("TABLE[1]", "TABLE[0]"),
        ("power = 2", "power = 3"),
        ("x ** self.power", "x + self.power"),
        ("Variable(\"mine\", \"mine\", \"1\")", "Variable(\"mine\", \"mine\", \"1\", scale=0.1)"),
        ("gain * MODEL", "gain + MODEL"),
        ("half = partial(helper)", "half = partial(helper, x=1)"),
    ],
)  # fmt: skip
def test_an_edit_that_changes_a_number_changes_it(digest, old, new):
    assert HEAD.count(old) == 1
    assert digest(HEAD) != digest(HEAD.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TABLE = ", "\n\n# a comment\nTABLE = "),
        ('{"b": 2, "a": 1}', '{"a": 1, "b": 2}'),
        ("class Model:", "UNUSED = 5\nclass Model:"),
    ],
)
def test_an_edit_that_changes_none_does_not(digest, old, new):
    assert digest(HEAD) == digest(HEAD.replace(old, new))


def test_it_is_the_same_in_another_process(digest, tmp_path):
    here = digest(HEAD)
    code = textwrap.dedent("""
        import sys
        from musyq_lab.production.chain.own_code import own_code
        from musyq_lab.production.contract.own import adopt, load_algorithm
        import cloudpickle
        if sys.argv[1] == "load":
            load_algorithm(sys.argv[2])
        else:
            adopt([cloudpickle.loads(open(sys.argv[2], "rb").read())])
        sys.stdout.write(own_code("mine"))
    """)
    sent = tmp_path / "sent"
    sent.write_bytes(cloudpickle.dumps(RETRIEVALS["mine"]))
    for how, file in (("load", tmp_path / "mine.py"), ("adopt", sent)):
        command = [sys.executable, "-c", code, how, str(file)]
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert found.stdout == here, found.stderr[-2000:]


def test_it_is_the_same_after_a_journey(own):
    for key in own.KEYS:
        before = own_code(key)
        body = cloudpickle.loads(cloudpickle.dumps(RETRIEVALS[key]))
        RETRIEVALS.add(key, body)
        assert own_code(key) == before


def test_ours_have_none(own):
    assert not is_own("lai")
    assert own_code("lai") == ""
    assert is_own("glow")
    assert len(own_code("glow")) == 64


def closed(value):
    return retrieval(own_world.GLOW)(lambda *, air_temperature, wind_speed: air_temperature * value + wind_speed)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 2),
        (1, 1.0),
        (1, True),
        ((1, 2), [1, 2]),
        ({1, 2}, {1, 3}),
        (np.float32(1), np.float32(2)),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.array(["a"], object), np.array(["b"], object)),
        (partial(max, 1), partial(max, 2)),
        (np.sin, np.cos),
        (b"a", "a"),
        (None, 0),
    ],
)
def test_what_a_closure_holds_counts(own, a, b):
    found = []
    for value in (a, b, a):
        RETRIEVALS.add("glow", closed(value))
        found.append(own_code("glow"))
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_what_refers_to_itself_ends():
    loop = {}
    holder = type("Holder", (), {})()
    holder.__dict__["me"] = holder

    def first():
        return second()

    def second():
        return first(), holder, loop

    (digest,) = _Walk(__name__.partition(".")[0]).told(first)
    assert len(digest) == 64
