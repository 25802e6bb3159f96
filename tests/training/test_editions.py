"""Editions in other languages: made from one source, never behind it, and the same code."""

import ast
import copy
import json

import nbformat
import pytest
from notebooks.frame import ROOT

from musyq_lab.core.errors import InputError
from musyq_lab.figures.style import missing_glyphs
from musyq_lab.training import _editions as editions

FOLDER = ROOT / "notebooks"
TABLES = editions.tables(FOLDER)
NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title\n", "two lines"]},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "source": ['mean = 1  # the mean\nprint("mean", f"mean {mean}")'],
        },
    ],
    "nbformat": 4,
}
WORDS = {
    "cells": {"a": {"of": editions.fingerprint("# Title\ntwo lines"), "zh": "# 标题\n两行\n"}},
    "phrases": {"mean": "均值", "the mean": "平均值", '"mean"': '"平均"'},
}


@pytest.fixture(params=TABLES, ids=lambda path: path.stem)
def table(request):
    return request.param


def test_the_first_three_notebooks_have_an_edition():
    assert [path.stem for path in TABLES] == ["00_start", "10_catalog_and_products", "20_raw_granules"]


def test_no_edition_is_behind_its_source(table):
    notebook, words = editions.read(FOLDER, table)
    assert editions.faults(notebook, words) == []
    made = FOLDER / "zh" / f"{table.stem}.ipynb"
    told = "run python -m musyq_lab.training._editions notebooks"
    assert made.read_text("utf-8") == editions.text_of(editions.edition(notebook, words)), told
    nbformat.validate(nbformat.read(made, as_version=4))


class _Wordless(ast.NodeTransformer):
    """Empties texts, so that what is left is what the code does."""

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node


def shape(source: str) -> str:
    return ast.dump(_Wordless().visit(ast.parse(source)))


def test_the_code_differs_in_words_only(table):
    notebook, words = editions.read(FOLDER, table)
    for ours, theirs in zip(notebook["cells"], editions.edition(notebook, words)["cells"], strict=True):
        assert (ours["cell_type"], ours["id"], ours["metadata"]) == (
            theirs["cell_type"],
            theirs["id"],
            theirs["metadata"],
        )
        if ours["cell_type"] == "code":
            assert shape(editions.source_of(ours)) == shape(editions.source_of(theirs))


def test_names_links_and_formulas_are_kept(table):
    """What stands in code quotes, and every DOI, is the same in both."""
    notebook, words = editions.read(FOLDER, table)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            ours, theirs = editions.source_of(cell), words["cells"][cell["id"]]["zh"]
            for sign in ("`", "doi:10.", "$", "**", "## ", "- "):
                assert ours.count(sign) == theirs.count(sign), (cell["id"], sign)
            assert set(ours.split("`")[1::2]) == set(theirs.split("`")[1::2])


def test_labels_of_figures_can_be_drawn_by_the_font_that_ships():
    notebook, words = editions.read(FOLDER, FOLDER / "zh" / "words" / "10_catalog_and_products.yml")
    drawn = [editions.source_of(c) for c in editions.edition(notebook, words)["cells"] if c["cell_type"] == "code"]
    labels = [line for source in drawn for line in source.splitlines() if "label" in line or "title" in line]
    assert len(labels) > 8
    assert missing_glyphs("".join(labels), "zh") == set()


def test_phrases_are_translated_in_words_and_nowhere_else():
    code = editions.source_of(editions.edition(NOTEBOOK, WORDS)["cells"][1])
    assert code == 'mean = 1  # 平均值\nprint("平均", f"均值 {mean}")'
    assert editions.translated_code("x = 'a'  # a\ny = '''a\na'''\n", {"a": "b"}) == "x = 'b'  # b\ny = '''a\na'''\n"


def test_what_was_replaced_is_not_replaced_again():
    assert editions.translated_code("# one two", {"one": "two", "two": "three"}) == "# two three"


def changed(what):
    notebook, words = copy.deepcopy(NOTEBOOK), copy.deepcopy(WORDS)
    what(notebook, words)
    return notebook, words


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (lambda n, w: n["cells"][0].update(source=["# Other"]), "the English words of cell a have changed"),
        (lambda n, w: n["cells"][0].update(id="c"), "cell c has no translation"),
        (lambda n, w: n["cells"].pop(0), "there is no cell of text a"),
        (lambda n, w: w["phrases"].update(median="中值"), "no cell of code says 'median'"),
        (lambda n, w: w["cells"]["a"].pop("of"), "the English words of cell a have changed"),
    ],
)
def test_a_table_that_is_behind_is_refused(what, told):
    notebook, words = changed(what)
    assert told in editions.faults(notebook, words)
    with pytest.raises(InputError, match="The translation is behind"):
        editions.edition(notebook, words)


def test_a_stamp_brings_a_table_up_to_date_and_keeps_its_words(tmp_path):
    words = tmp_path / "zh" / "words" / "one.yml"
    words.parent.mkdir(parents=True)
    (tmp_path / "one.ipynb").write_text(json.dumps(NOTEBOOK), "utf-8")
    words.write_text('cells:\n  a:\n    zh: "# 标题\\n两行\\n"\nphrases:\n  mean: 均值\n', "utf-8")
    with pytest.raises(InputError, match="behind"):
        editions.write(tmp_path)
    editions.main([str(tmp_path), "--stamp"])
    made = json.loads((tmp_path / "zh" / "one.ipynb").read_text("utf-8"))
    assert made["cells"][0]["source"] == ["# 标题\n", "两行"]
    before = words.read_text("utf-8")
    editions.stamp(tmp_path, words)
    assert words.read_text("utf-8") == before
    assert "标题" in before  # as people read it
