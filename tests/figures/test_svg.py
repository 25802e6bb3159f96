"""SVG that carries its glyphs: well-formed, escaped, the same bytes, and fonts that hold what is written."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import pytest
from fontTools.ttLib import TTFont

from musyq_lab.figures._svg import font_face, font_faces, svg_bytes
from musyq_lab.figures.style import LATIN_FAMILY, families, figure_of, fonts_of, language

SVG = "{http://www.w3.org/2000/svg}"
XML = "{http://www.w3.org/XML/1998/namespace}"
_FACE = re.compile(r"@font-face\{font-family:'([^']+)';font-weight:(\w+);src:url\(data:font/woff2;base64,([^)]+)\)")


def faces_of(text):
    """Return {(family, weight): code points} of the embedded fonts."""
    return {
        (family, weight): set(TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap())
        for family, weight, data in _FACE.findall(text)
    }


def drawn(*lines, code="en", weight="normal"):
    with language(code):
        figure = figure_of(60, 30)
        for number, line in enumerate(lines):
            figure.text(0.1, 0.9 - 0.2 * number, line, fontweight=weight)
        return figure


def saved(figure, code="en", title="Title", alt_text="Words"):
    with language(code):
        return svg_bytes(figure, title=title, alt_text=alt_text, language=code)


class TestFace:
    PATH = fonts_of([LATIN_FAMILY])[0]

    @pytest.mark.parametrize("text", ["a", "Solar 2015", "m⁻² a⁻¹", "18.1°\u00a0N", "aaaaa"])
    def test_the_subset_holds_exactly_the_characters(self, text):
        found = faces_of(font_face("Any", self.PATH, "normal", text))
        assert found == {("Any", "normal"): {ord(character) for character in text}}

    @pytest.mark.parametrize("text", ["", "太阳"])
    def test_no_rule_where_the_font_has_nothing(self, text):
        assert font_face("Any", self.PATH, "normal", text) == ""

    def test_a_subset_is_far_smaller_than_its_font(self):
        assert len(font_face("Any", self.PATH, "normal", "abc")) < self.PATH.stat().st_size / 50

    def test_the_same_text_gives_the_same_rule_in_any_order(self):
        first, second = (font_face("Any", self.PATH, "bold", text) for text in ("solar", "ralosss"))
        assert first == second

    def test_widths_of_glyphs_are_those_of_the_font(self):
        rule = font_face("Any", self.PATH, "normal", "Wi")
        small = TTFont(io.BytesIO(base64.b64decode(_FACE.search(rule)[3])))
        whole = TTFont(self.PATH)
        for character in "Wi":
            name = {font: font.getBestCmap()[ord(character)] for font in (small, whole)}
            assert small["hmtx"][name[small]][0] == whole["hmtx"][name[whole]][0]

    def test_chinese_comes_from_the_shipped_font(self):
        path = fonts_of([families("zh")[0]])[0]
        found = faces_of(font_face("Chinese", path, "normal", "太阳总辐射"))
        assert found[("Chinese", "normal")] == {ord(character) for character in "太阳总辐射"}


class TestFaces:
    def test_bold_and_plain_have_fonts_of_their_own(self):
        with language("en"):
            figure = figure_of(60, 30)
            figure.text(0.1, 0.8, "ABC", fontweight="bold")
            figure.text(0.1, 0.4, "xyz")
            text = svg_bytes(figure, title="t", alt_text="a", language="en").decode()
        found = faces_of(text)
        assert set(found) == {(LATIN_FAMILY, "bold"), (LATIN_FAMILY, "normal")}
        assert found[(LATIN_FAMILY, "bold")] == set(map(ord, "ABC"))
        assert found[(LATIN_FAMILY, "normal")] >= set(map(ord, "xyz"))

    def test_characters_of_the_svg_alone_count(self):
        # A graticule writes figures that no text of the figure tells.
        figure = drawn("x")
        found = faces_of(font_faces(figure, "<text>x</text><text>40&#176;&amp;</text>"))
        assert found[(LATIN_FAMILY, "normal")] == set(map(ord, "x40°&"))

    def test_a_figure_without_text_needs_no_font(self):
        assert font_faces(figure_of(10, 10), "") == ""

    def test_hidden_text_is_not_shipped(self):
        figure = drawn("shown", weight="bold")
        figure.text(0.5, 0.5, "Q", fontweight="bold", visible=False)
        assert ord("Q") not in faces_of(saved(figure).decode())[(LATIN_FAMILY, "bold")]


class TestBytes:
    def test_it_is_well_formed_and_says_what_it_is(self):
        root = ET.fromstring(saved(drawn("Solar"), title="A title", alt_text="What it shows"))
        assert root.tag == f"{SVG}svg"
        assert root.get("role") == "img"
        assert root.find(f"{SVG}title").text == "A title"
        assert root.find(f"{SVG}desc").text == "What it shows"

    @pytest.mark.parametrize(("code", "tag"), [("en", "en"), ("zh", "zh-CN")])
    def test_language_is_told(self, code, tag):
        assert ET.fromstring(saved(drawn("x", code=code), code)).get(f"{XML}lang") == tag

    @pytest.mark.parametrize(
        "words", ["a < b & c > d", "\"quoted\" 'so'", "</desc><script>x()</script>", "总辐射 ≥ 2,100"]
    )
    def test_words_are_escaped(self, words):
        root = ET.fromstring(saved(drawn("x"), title=words, alt_text=words))
        assert (root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text) == (words, words)
        assert root.find(f".//{SVG}script") is None

    def test_text_stays_text(self):
        root = ET.fromstring(saved(drawn("Annual radiation", "kWh m⁻² < 5 & 6")))
        shown = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
        assert shown == ["Annual radiation", "kWh m⁻² < 5 & 6"]

    def test_every_character_shown_is_in_a_font(self):
        text = saved(drawn("太阳年总辐射", "2,100 MJ m⁻²", code="zh"), "zh").decode()
        have = set().union(*faces_of(text).values())
        shown = {ord(c) for node in ET.fromstring(text).iter(f"{SVG}text") for c in "".join(node.itertext())}
        assert shown <= have

    @pytest.mark.parametrize("code", ["en", "zh"])
    def test_the_same_figure_gives_the_same_bytes(self, code):
        words = {"en": "Solar radiation", "zh": "太阳年总辐射"}[code]
        assert saved(drawn(words, code=code), code) == saved(drawn(words, code=code), code)

    def test_no_date_and_nothing_from_a_network(self):
        text = saved(drawn("Solar")).decode()
        root = ET.fromstring(text)
        assert "date" not in {node.tag.split("}")[-1] for node in root.iter()}
        links = [value for node in root.iter() for name, value in node.attrib.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links)
        assert "@import" not in text
        assert not re.search(r"url\((?!data:|#)", text)
