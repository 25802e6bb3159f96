"""Every public function says what it takes: numpydoc sections that agree with the signature.

Read from the source, so that no module is imported; a new layer is tested the moment it exists.
"""

import ast
import warnings
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import musyq_lab

ROOT = Path(musyq_lab.__file__).parent
LAYERS = sorted({path.relative_to(ROOT).parts[0] for path in ROOT.rglob("*.py") if not path.name.startswith("__")})
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(tree: ast.AST) -> list[Definition]:
    """The public functions, classes and methods of a module."""
    found = [node for node in ast.iter_child_nodes(tree) if isinstance(node, Definition)]
    shown = [node for node in found if not node.name.startswith("_")]
    return shown + [method for node in shown if isinstance(node, ast.ClassDef) for method in public(node)]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of the parameters."""
    given = function.args
    named = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [one.arg for one in named if one is not None and one.arg not in ("self", "cls")]


def faults(source: str) -> list[str]:
    """What a reader of the docstrings of a module would be told wrongly."""
    said = []
    for node in public(ast.parse(source)):
        text = ast.get_docstring(node)
        if text is None:
            continue  # ruff's D1 demands one wherever the project does
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            doc = NumpyDocString(text)
        said += [f"{node.name}: {warning.message}" for warning in caught]
        if isinstance(node, ast.ClassDef) or not doc["Parameters"]:
            continue
        told = [name.strip().lstrip("*") for entry in doc["Parameters"] for name in entry.name.split(",")]
        if sorted(told) != sorted(parameters(node)):  # those of one kind are told together, out of order
            said.append(f"{node.name}: documents {told}, takes {parameters(node)}")
        said += [f"{node.name}: {entry.name} has no text" for entry in doc["Parameters"] if not "".join(entry.desc)]
    return said


@pytest.mark.parametrize("layer", LAYERS)
def test_documented_parameters_are_those_of_the_signature(layer):
    place = ROOT / layer
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    found = {str(path.relative_to(ROOT)): faults(path.read_text(encoding="utf-8")) for path in files}
    assert {name: said for name, said in found.items() if said} == {}


def test_the_layers_are_found():
    assert {"core", "kernels", "sensors", "products", "archive", "twin"} <= set(LAYERS)


GOOD = '''
def add(a, b, *rest, sign=1):
    """Sum.

    Parameters
    ----------
    a, b : float
        Terms.
    *rest : float
        More terms.
    sign : int
        Of the sum.
    """
'''


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sign : int", "sing : int", "documents"),
        ("a, b : float", "a : float", "documents"),
        ("        Of the sum.\n", "", "no text"),
        ("(a, b, *rest, sign=1)", "(a, b, *rest, sign=1, unit=None)", "takes"),
        ("    Parameters\n    ----------", "    Arguments\n    ---------", "Unknown section"),
    ],
)
def test_a_docstring_that_is_wrong_is_found(old, new, words):
    assert faults(GOOD) == []
    assert old in GOOD
    assert words in " ".join(faults(GOOD.replace(old, new)))
