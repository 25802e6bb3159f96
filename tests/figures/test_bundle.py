"""A figure's folder: complete or absent, the same bytes every time, text as text, glyphs inside."""

import base64
import io
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from hashlib import sha256

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.figures import bundle
from musyq_lab.figures.bundle import Bundle, cite, save_figure
from musyq_lab.figures.charts import draw_ranked_bars
from musyq_lab.figures.describe import describe_map
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.regions import country

SVG = "{http://www.w3.org/2000/svg}"
WORDS = {"caption": "A caption.", "alt_text": "An alternative <text>.", "citation": "Somebody (2026)."}


def chart(data, **how):
    return draw_ranked_bars(data, "twh", "low", "high", "name", units="TWh a-1", **{"title": "T", **how})


def save(figure, folder, data, name="bars", **how):
    record = {"inputs": {"file": "0" * 64}}
    return save_figure(
        figure, folder, name, **{"data": data, "code": "print('x')", "provenance": record, **WORDS, **how}
    )


def test_everything_is_there(tmp_path, countries_table):
    saved = save(
        chart(countries_table), tmp_path, countries_table, formats=("png", "svg", "pdf"), units={"twh": "TWh a-1"}
    )
    assert sorted(path.name for path in saved.folder.iterdir()) == [
        "bars.csv", "bars.pdf", "bars.png", "bars.py", "bars.svg", "caption.txt", "provenance.json",
    ]  # fmt: skip
    assert (saved.folder / "bars.csv").read_text().startswith("name,twh (TWh a-1),low,high\n")
    caption = (saved.folder / "caption.txt").read_text(encoding="utf-8")
    assert all(text in caption for text in WORDS.values())
    assert [path.name for path in tmp_path.iterdir()] == ["bars"]
    assert saved.image("pdf").read_bytes().startswith(b"%PDF")
    assert "musyq cite" in saved._repr_html_()
    assert sum(path.stat().st_size for path in saved.folder.iterdir()) < 400_000


def test_provenance_names_every_file_with_its_hash(tmp_path, countries_table):
    saved = save(chart(countries_table), tmp_path, countries_table)
    record = json.loads((saved.folder / "provenance.json").read_text(encoding="utf-8"))
    others = {path.name: sha256(path.read_bytes()).hexdigest() for path in saved.folder.iterdir()}
    del others["provenance.json"]
    assert record["files"] == others
    assert record["provenance"]["inputs"] == {"file": "0" * 64}
    assert record["software"].startswith("musyq-lab")


def test_the_same_figure_gives_the_same_bytes(tmp_path, field, table):
    def once(folder):
        figure = draw_map(field, classes=table, title="斐济", region=country("FJI"), language="zh")
        data = field.to_dataset(name="dsr")
        saved = save(figure, tmp_path / folder, data, formats=("png", "svg", "pdf"), language="zh")
        return {path.name: path.read_bytes() for path in saved.folder.iterdir()}

    first = once("a")
    assert first == once("b")
    text = b"".join(first.values())
    assert str(tmp_path).encode() not in text


@pytest.mark.parametrize(("size", "width"), [("column", 89.0), ("two-column", 183.0)])
def test_a_png_has_300_dots_an_inch_and_its_size_in_mm(tmp_path, countries_table, size, width):
    saved = save(chart(countries_table, size=size), tmp_path, countries_table, formats=["png"])
    with Image.open(saved.image("png")) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.width / 300 * 25.4 == pytest.approx(width, abs=0.1)
        assert image.info["Description"] == WORDS["alt_text"]


def test_text_of_an_svg_is_text_with_title_and_description(tmp_path, countries_table):
    saved = save(chart(countries_table, title="Potential & more"), tmp_path, countries_table)
    root = ET.parse(saved.image("svg")).getroot()
    texts = ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]
    assert {"Potential & more", "Country A", "Other (10)"} <= set(texts)
    assert root.find(f"{SVG}desc").text == WORDS["alt_text"]
    assert root.find(f"{SVG}title").text == WORDS["caption"]
    assert not re.search(rb"\d{4}-\d\d-\d\dT\d\d:", saved.image("svg").read_bytes())


def embedded(svg):
    """Return family and weight -> characters that travel inside an SVG."""
    rule = re.compile(r"@font-face\{font-family:'([^']+)';font-weight:(\w+);src:url\(data:font/woff2;base64,([^)]+)\)")
    fonts = {}
    for family, weight, data in rule.findall(svg):
        fonts[family, weight] = {chr(code) for code in TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()}
    return fonts


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_svg_carries_every_glyph_it_shows(tmp_path, field, table, language):
    title = "Radiation, Fiji" if language == "en" else "斐济太阳年总辐射"
    figure = draw_map(field, classes=table, title=title, region=country("FJI"), language=language)
    saved = save(figure, tmp_path, field.to_dataset(name="dsr"), language=language)
    svg = saved.image("svg").read_text(encoding="utf-8")
    fonts = embedded(svg)
    have = set().union(*fonts.values())
    shown = {c for node in ET.fromstring(svg).iter(f"{SVG}text") for c in "".join(node.itertext()) if not c.isspace()}
    assert title[0] in shown
    assert shown <= have
    assert len(have) < 200  # a subset, not a font


def test_only_known_formats_and_names(tmp_path, countries_table):
    figure = chart(countries_table)
    for how, message in (
        ({"formats": ["jpg"]}, "not as jpg"),
        ({"formats": []}, "at least one format"),
        ({"name": "../x"}, "cannot name a figure"),
        ({"caption": "  "}, "needs a caption"),
        ({"citation": "", "alt_text": ""}, "alt_text and a citation"),
        ({"code": "x = ("}, "not Python"),
        ({"provenance": {"a": object()}}, "JSON values"),
        ({"provenance": {"a": float("nan")}}, "JSON values"),
        ({"data": [1, 2]}, "DataFrame or a Dataset"),
        ({"language": "fr"}, "'fr'"),
    ):
        with pytest.raises(InputError, match=message):
            save(figure, tmp_path, how.pop("data", countries_table), **how)
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_replaced_whole(tmp_path, countries_table):
    save(chart(countries_table), tmp_path, countries_table, formats=["png", "pdf"])
    saved = save(chart(countries_table), tmp_path, countries_table, formats=["png"], citation="Newer.")
    assert not (saved.folder / "bars.pdf").exists()
    assert cite(saved.folder) == "Newer."
    assert [path.name for path in tmp_path.iterdir()] == ["bars"]


def test_a_folder_that_is_no_figure_is_left_alone(tmp_path, countries_table):
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="left alone"):
        save(chart(countries_table), tmp_path, countries_table)
    assert (tmp_path / "bars" / "mine.txt").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["bars"]


def test_a_failure_while_writing_leaves_the_old_figure(tmp_path, countries_table, monkeypatch):
    saved = save(chart(countries_table), tmp_path, countries_table)
    before = {path.name: path.read_bytes() for path in saved.folder.iterdir()}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle.os, "fsync", full)
    with pytest.raises(ArchiveError, match="No space left"):
        save(chart(countries_table), tmp_path, countries_table, citation="Newer.")
    assert {path.name: path.read_bytes() for path in saved.folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["bars"]


def test_a_place_that_cannot_be_written_is_told(tmp_path, countries_table):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="Choose another folder"):
        save(chart(countries_table), tmp_path / "file", countries_table)


def test_cite(tmp_path, countries_table):
    saved = save(chart(countries_table), tmp_path, countries_table)
    assert cite(saved.folder) == cite(str(saved.folder)) == "Somebody (2026)."
    with pytest.raises(NotFoundError, match="holds no figure"):
        cite(tmp_path)
    (saved.folder / "provenance.json").write_text("{")
    with pytest.raises(ArchiveError, match="damaged"):
        cite(saved.folder)


def test_an_image_that_was_not_saved_is_told(tmp_path):
    with pytest.raises(NotFoundError, match="it has png"):
        Bundle(tmp_path, "x", ("png",)).image("svg")


def test_alternative_text_of_a_map_agrees_with_its_data(field, table):
    field.loc[{"latitude": -25.5, "longitude": 133.5}] = 2987.0
    text = describe_map(field, classes=table, title="T")
    weight = np.cos(np.radians(field.latitude))
    mean = float(field.weighted(weight).mean())
    found = re.fullmatch(
        r"Map of T\. Values from ([\d,]+) to ([\d,]+) kWh m⁻² a⁻¹, area mean ([\d,]+)\. Highest in Australia "
        r"\(25\.5°\u00a0S, 133\.5°\u00a0E\), ([\d,]+)\. (\d+) % of the area lies in the class (\S+ \S+) kWh m⁻² a⁻¹\.",
        text,
    )
    assert found, text
    low, high, middle, again = (float(word.replace(",", "")) for word in found.groups()[:4])
    assert low == pytest.approx(float(field.min()), rel=0.005)
    assert high == again == pytest.approx(2987.0, rel=0.005)
    assert middle == pytest.approx(mean, rel=0.006)
    limit = float(found.group(6).replace("≥ ", "").replace(",", ""))
    share = float((field >= limit).weighted(weight).mean())
    assert float(found.group(5)) == pytest.approx(100 * share, abs=1.0)


def test_alternative_text_of_an_empty_map(field, table):
    empty = field.copy(data=np.full(field.shape, np.nan))
    assert describe_map(empty, classes=table, title="T") == "Map of T. No cell has data."
    assert "没有" in describe_map(empty, classes=table, title="T", language="zh")


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium on this machine")
def test_chinese_shows_in_a_browser(tmp_path, countries_table):
    """The title's pixels in Chromium follow the title: an empty box looks the same for every word."""
    shots = []
    for name, title in (("one", "中国"), ("two", "西亚")):
        saved = save(
            chart(countries_table, title=title, language="zh"), tmp_path, countries_table, name=name, language="zh"
        )
        shot = tmp_path / f"{name}.png"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
                   "--window-size=720,500", f"--screenshot={shot}", saved.image("svg").as_uri()]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)})
        shots.append(np.asarray(Image.open(shot).convert("L"))[:28, :80])
    assert (shots[0] < 128).sum() > 50
    assert (shots[0] != shots[1]).sum() > 50
