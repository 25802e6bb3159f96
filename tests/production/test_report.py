import json
from pathlib import Path

import pytest

from musyq_lab.production.recipes import Recipe
from musyq_lab.production.report import mathml, remote_loads, write_html
from musyq_lab.production.run import RecipeResult, run_recipe


def page_of(folder: Path, *cells: dict, language: str = "en") -> str:
    content = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "n.ipynb").write_text(json.dumps(content), encoding="utf-8")
    write_html(folder / "n.ipynb", folder / "n.html", "Title <&>", language)
    return (folder / "n.html").read_text(encoding="utf-8")


def markdown(text: str) -> dict:
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": text}


def test_the_page_of_a_run_needs_no_network(finished: RecipeResult) -> None:
    page = finished.html.read_text(encoding="utf-8")
    assert remote_loads(page) == []
    assert "<script" not in page
    assert "Tiny recipe" in page
    assert "<title>A tiny recipe</title>" in page


def test_code_is_folded_and_figures_are_inside(finished: RecipeResult) -> None:
    page = finished.html.read_text(encoding="utf-8")
    assert page.count('<details class="musyq-code"><summary>Code</summary>') == 6
    assert "<rect" in page or "image/svg+xml;base64" in page


def test_a_chinese_page_brings_its_glyphs(tmp_path: Path) -> None:
    page = page_of(tmp_path, markdown("# 太阳能"), language="zh")
    assert 'lang="zh"' in page
    assert "url(data:font/ttf;base64," in page
    assert "太阳能" in page
    assert remote_loads(page) == []
    assert "@font-face" not in page_of(tmp_path, markdown("# sun"))


def test_pictures_beside_the_notebook_are_embedded(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    page = page_of(tmp_path, markdown("![map](figures/a.svg)"))
    assert "figures/a.svg" not in page
    assert "data:image/svg+xml" in page


def test_titles_are_escaped(tmp_path: Path) -> None:
    assert "<title>Title &lt;&amp;&gt;</title>" in page_of(tmp_path, markdown("x"))


def test_formulas_show_without_scripts(tmp_path: Path) -> None:
    pytest.importorskip("latex2mathml")
    page = page_of(tmp_path, markdown("Emission $L = \\sigma T^4$ and\n\n$$a \\times b$$\n\nbut `$HOME` is code"))
    assert page.count("<math") == 2
    assert "<mi>σ</mi>" in page
    assert "<code>$HOME</code>" in page


@pytest.mark.parametrize(
    ("tex", "part"),
    [
        (r"\begin{aligned} a &= b \\ c &= d\end{aligned}", "<mtable"),
        (r"\begin{equation} a=b \end{equation}", "<mi>a</mi>"),
        (r"\frac{1}{2}", "<mfrac>"),
        (r"5 < 6", "&#x0003C;"),
    ],
)
def test_common_forms_become_mathml(tex: str, part: str) -> None:
    pytest.importorskip("latex2mathml")
    assert part in mathml(tex, block=True)


@pytest.mark.parametrize("tex", [r"\frac{", "a < {b", "{" * 3])
def test_what_cannot_be_set_stays_readable(tex: str) -> None:
    import html

    assert html.escape(tex) in mathml(tex, block=False) or "<math" in mathml(tex, block=False)
    assert "<script" not in mathml("<script>{", block=True)


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js"),
        ("<img alt=x src='//cdn.example/a.png'>", "//cdn.example/a.png"),
        ('<link rel="stylesheet" href="http://x.example/a.css">', "http://x.example/a.css"),
        ("<style>@import 'https://x.example/a.css'</style>", "https://x.example/a.css"),
        ("<style>b {background: url(https://x.example/a.png)}</style>", "https://x.example/a.png"),
        ("<script>import('https://x.example/m.mjs')</script>", "https://x.example/m.mjs"),
        ('<script>fetch("https://x.example/d.json")</script>', "https://x.example/d.json"),
    ],
)
def test_every_way_to_load_is_seen(page: str, address: str) -> None:
    assert remote_loads(page) == [address]


def test_links_and_names_are_no_loads() -> None:
    link = '<a href="https://doi.org/10/1">x</a>'
    picture = '<svg xmlns="http://www.w3.org/2000/svg"/><img src="data:image/png;base64,x">'
    assert remote_loads(link + picture) == []


def test_the_language_of_the_run_is_that_of_the_page(tiny: Recipe, tmp_path: Path) -> None:
    page = run_recipe(tiny, out=tmp_path / "out", progress=False, language="zh").html.read_text(encoding="utf-8")
    assert "<title>小配方</title>" in page
    assert "<summary>代码</summary>" in page
