"""The grammar of expressions: what may be written, what is refused in plain words, and names in their order."""

import ast
import builtins

import pytest

from musyq_lab.analysis import _expression_syntax as module
from musyq_lab.analysis._expression_syntax import MOST_DEPTH, MOST_NODES, MOST_TEXT, clipped, names, number, parse
from musyq_lab.core.errors import InputError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 + 2", ()),
        ("lai", ("lai",)),
        ("b + a - b * c", ("b", "a", "c")),
        ("a.nir / a.red + nir", ("a.nir", "a.red", "nir")),
        ("mean(lai, 'time')", ("lai",)),  # neither the function nor the text is a name of data
        ("where(a > 1, max(b, c), nan)", ("a", "b", "c", "nan")),
        ("-x ** 2 <= ~(y & z) | w", ("x", "y", "z", "w")),
        ("北京 + größe", ("北京", "größe")),
        ("  a\n +\n\tb ", ("a", "b")),
    ],
)
def test_names_are_those_of_data_in_the_order_of_the_text(text, found):
    assert names(parse(text)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a if b else c", "where"),
        ("x[0]", "at\\("),
        ("x ^ 2", r"\*\* 2"),
        ("x % 2", "no %"),
        ("x // 2", "no //"),
        ("(y := 3)", "nothing is assigned"),
        ("lambda: 1", "cannot be defined"),
        ("a, b", "one expression"),
        ("[a for a in b]", "ListComp cannot be used"),
        ("{1: 2}", "Dict cannot be used"),
        ("f'{a}'", "JoinedStr"),
        ("*a", "cannot be read|Starred"),
        ("yield", "cannot be read|Yield"),
        ("await a", "cannot be read|Await"),
        ("a = 1", "cannot be read"),
        ("import os", "cannot be read"),
        ("a @ b", "'@', which means nothing"),
        ("a; b", "';'"),
        ("a # b", "'#'"),
        ("a\x00b", "means nothing"),
        ("`a`", "'`'"),
        ("a\\\nb", "means nothing"),
        ("a is b", "Is cannot be used"),
        ("a in b", "In cannot be used"),
        ("a << 2", "LShift"),
        ("a.b.c", "may only follow"),
        ("f(x).y", "may only follow"),
        ("a.f(x)", "Only functions by their name"),
        ("f(x)(y)", "Only functions by their name"),
        ("f(x=1)", "by place"),
        ("f(**x)", "by place"),
        ("f(*x)", "Starred cannot"),
        ("True", "True cannot be used"),
        ("None", "None cannot be used"),
        ("...", "cannot be used"),
        ("b'x'", "cannot be used"),
        ("1j", "cannot be used"),
        ("1e101", "number beyond"),
        ("1" + "0" * 400, "number beyond"),
        ("((((", "cannot be read"),
        ("a +", "cannot be read"),
    ],
)
def test_all_else_is_refused_in_plain_words(text, words):
    with pytest.raises(InputError, match=words) as told:
        parse(text)
    assert len(str(told.value)) < 300
    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("text", ["", "   ", "\n", None, 3, b"a"])
def test_nothing_is_no_expression(text):
    with pytest.raises(InputError, match="empty"):
        parse(text)


@pytest.mark.parametrize("name", ["_a", "__class__", "a__b", "_"])
@pytest.mark.parametrize("form", ["{}", "x.{}", "{}(1)", "f(a.{})"])
def test_names_that_lead_into_python_cannot_be_written(name, form):
    with pytest.raises(InputError, match="underscores"):
        parse(form.format(name))


def test_size_is_bounded_whatever_the_form():
    long = "+".join(["a"] * (MOST_TEXT // 2))
    assert len(long) <= MOST_TEXT
    for text in (long, "a" * (MOST_TEXT + 1), "(" * 500 + "a" + ")" * 500, "-" * 100 + "a", "not " * 50 + "a"):
        with pytest.raises(InputError, match=r"more than|characters|deep|too many nested"):
            parse(text)
    wide = f"f({','.join(['1'] * (MOST_NODES - 1))})"
    parse(wide)
    with pytest.raises(InputError, match="parts"):
        parse(f"f({','.join(['1'] * MOST_NODES)})")


@pytest.mark.parametrize("depth", [MOST_DEPTH - 2, MOST_DEPTH + 1])
def test_depth_counts_what_lies_in_one_another(depth):
    text = "f(" * depth + "a" + ")" * depth
    if depth < MOST_DEPTH:
        assert names(parse(text)) == ("a",)
    else:
        with pytest.raises(InputError, match="deep"):
            parse(text)


def test_blanks_and_lines_change_nothing():
    dense, loose = parse("a+mean(b,'time')"), parse(" a\n  + mean( b ,\t'time' )")
    assert ast.dump(dense) == ast.dump(loose)


def test_nothing_is_compiled_or_run(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("run")

    tree = parse("a + f(b)")
    monkeypatch.setattr(builtins, "eval", refuse)
    monkeypatch.setattr(builtins, "exec", refuse)
    assert names(tree) == ("a", "b")
    with pytest.raises(InputError):
        parse("__import__('os')")


@pytest.mark.parametrize("value", [0, -3, 2.5, 10**99, float("nan"), 1e100, -1e100])
def test_numbers_are_floating_point(value):
    found = number(value)
    assert isinstance(found, float)
    assert found == float(value) or value != value


@pytest.mark.parametrize("value", [10**400, 1.1e100, float("inf"), -float("inf"), -(10**101)])
def test_numbers_that_are_slips_are_told(value):
    with pytest.raises(InputError, match="beyond"):
        number(value)


def test_long_texts_are_clipped_in_messages():
    assert clipped("a" * 60) == "a" * 60
    assert clipped("a" * 61) == "a" * 60 + "..."
    with pytest.raises(InputError) as told:
        parse("_" + "a" * 1900)
    assert len(str(told.value)) < 200


def test_where_it_cannot_be_read_is_said():
    with pytest.raises(InputError, match="at character 3"):
        parse("a b")


def test_every_advice_is_given_for_a_node_that_python_makes():
    texts = ["a if b else c", "a[1]", "a ^ b", "a % b", "a // b", "(a := 1)", "lambda: 1", "a, b"]
    for text, advice in zip(texts, module._ADVICE.values(), strict=True):
        with pytest.raises(InputError) as told:
            parse(text)
        assert str(told.value).endswith(advice)
