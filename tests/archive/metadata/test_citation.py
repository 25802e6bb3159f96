"""Citations of facts made in memory: every form reads back, whatever is stated and whatever is not."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.archive.header import LayerHeader
from musyq_lab.archive.metadata.citation import bibtex, cff, citation_text
from musyq_lab.archive.metadata.datacore import datacore
from musyq_lab.archive.metadata.facts import Facts, _layer, dois, series
from musyq_lab.archive.metadata.settings import Publisher, settings_of
from musyq_lab.core.attributes import DATA_CORE
from musyq_lab.core.errors import InputError

STATED = settings_of(
    {
        **{"publisher": "Institute", "creators": ["Li, Hua", "A Group"], "licence": "CC-BY-4.0", "year": 2026},
        **{"landing_page": "https://example.org/x", "doi": "10.1234/x", "access_url": "https://example.org/d/"},
    }
)
FACTS = Facts(
    **{"id": "MuSyQ.LAI.1km.global.2015001.v1", "product": "lai", "edition": "1km", "tile": "global"},
    **{"period": "2015001", "version": "v1", "title": "Leaf area index", "summary": "s", "keywords": ("a", "b")},
    **{"terms": "free", "references": (), "source": "", "history": (), "level": "", "method": ""},
    **{"start": datetime(2015, 1, 1, tzinfo=UTC), "end": datetime(2015, 1, 5, tzinfo=UTC), "place": None},
    **{"layers": (), "files": ("a.h5",), "sha256": None, "size": 5, "written": datetime(2025, 5, 1, tzinfo=UTC)},
    **{"provenance": True, "publisher": STATED},
)
SILENT = replace(FACTS, publisher=Publisher())


def test_the_sentence_is_that_of_datacite():
    """Creator (year): title, version. Publisher. [Kind]. Identifier (DataCite, Recommended citation format)."""
    first = citation_text(FACTS).splitlines()[0]
    assert first == (
        "Li, Hua; A Group (2026): Leaf area index, 1km, 2015001, version v1. Institute [Data set]. "
        "https://doi.org/10.1234/x"
    )


def test_what_is_not_stated_is_said():
    text = citation_text(SILENT)
    assert "[creator not stated] (2025)" in text
    assert "[publisher not stated]" in text
    assert "Not stated: creators, publisher, doi." in text
    assert FACTS.id in text.splitlines()[0]  # the only address there is


def test_a_year_that_nothing_tells_is_refused():
    for form in (citation_text, bibtex):
        with pytest.raises(InputError, match="its year is unknown"):
            form(replace(SILENT, written=None))


def test_publications_and_checksum_stand_below():
    lines = citation_text(replace(FACTS, references=("https://a", "https://b"), sha256="0" * 64)).splitlines()
    assert [line for line in lines if line.startswith("- ")] == ["- https://a", "- https://b"]
    assert lines[-1] == f"SHA-256 of a.h5: {'0' * 64}"


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({}, "Leaf area index, 1km, 2015001"),
        ({"tile": "h25v05"}, "Leaf area index, 1km, tile h25v05, 2015001"),
        ({"period": ""}, "Leaf area index, 1km, 2015"),
        ({"period": "", "end": datetime(2017, 1, 1, tzinfo=UTC)}, "Leaf area index, 1km, 2015-2017"),
        ({"period": "", "end": None}, "Leaf area index, 1km, 2015"),
        ({"period": "", "start": None, "end": None, "tile": ""}, "Leaf area index, 1km"),
    ],
)
def test_titles_say_place_and_time(change, title):
    assert yaml.safe_load(cff(replace(FACTS, **change)))["title"] == title


TITLES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)


@settings(max_examples=80, deadline=None)
@given(title=TITLES, summary=TITLES, word=TITLES)
def test_any_text_comes_back_from_cff(title, summary, word):
    found = yaml.safe_load(cff(replace(FACTS, title=title, summary=summary, keywords=(word,))))
    assert found["title"].startswith(title)
    assert (found["abstract"], found["keywords"]) == (summary, [word])


@settings(max_examples=80, deadline=None)
@given(title=TITLES)
def test_braces_of_bibtex_are_balanced_whatever_a_title_holds(title):
    text = bibtex(replace(FACTS, title=title))
    bare = re.sub(r"\\[{}]", "", text)
    depth = np.cumsum([{"{": 1, "}": -1}.get(letter, 0) for letter in bare])
    assert depth[-1] == 0
    assert (depth >= 0).all()
    assert not re.search(r"(?<!\\)[&%$#_]", text.split("title")[1].split("\n")[0])


def test_persons_are_taken_apart_and_groups_are_not():
    assert "author    = {Li, Hua and {A Group}}," in bibtex(FACTS)
    authors = yaml.safe_load(cff(FACTS))["authors"]
    assert authors == [{"family-names": "Li", "given-names": "Hua"}, {"name": "A Group"}]
    odd = replace(FACTS, publisher=settings_of({"creators": ["Madonna,"]}))
    assert yaml.safe_load(cff(odd))["authors"] == [{"name": "Madonna,"}]


def test_lines_of_nothing_are_left_out():
    for word in ("doi", "url", "publisher", "author"):
        assert f"  {word} " not in bibtex(SILENT)
    assert {"doi", "license", "url"}.isdisjoint(yaml.safe_load(cff(SILENT)))
    assert yaml.safe_load(cff(SILENT))["authors"] == [{"name": "not stated"}]


def test_keys_of_bibtex_have_only_letters_it_takes():
    assert bibtex(replace(FACTS, id="MuSyQ.叶 {x},y")).splitlines()[0] == "@misc{MuSyQ.---x--y,"


def test_tags_are_those_of_the_files_alone():
    tags = tuple(DATA_CORE)
    assert datacore(replace(FACTS, keywords=("leaf", *tags)))["tags"]
    assert [item["tag"] for item in datacore(replace(FACTS, keywords=(*tags, "leaf")))["tags"]] == [*tags]
    bare = datacore(replace(FACTS, keywords=("leaf", "GEOSSDATACORE")))
    assert (bare["dataCore"], bare["tags"]) == (False, [])


def test_what_the_promise_needs_is_listed():
    assert [text.partition(" (")[0] for text in datacore(replace(SILENT, terms=""))["missing"]] == [
        "terms of use",
        "a page where users find the data",
        "an address to download from",
        "an address for questions",
        "a persistent identifier to attribute",
    ]
    assert len(datacore(SILENT)["missing"]) == 4  # the file itself says its terms
    assert len(datacore(FACTS)["missing"]) == 1


def test_a_series_has_the_extent_of_all_and_the_words_of_the_newest():
    members = [
        replace(FACTS, id=f"i{n}", version=f"v{n}", title=f"t{n}", files=(f"{n}.h5",), tile=f"h0{n % 2}v00", sha256="x")
        for n in (9, 10, 1)
    ]
    members[0] = replace(members[0], start=datetime(2013, 1, 1, tzinfo=UTC), provenance=False, written=None)
    members[2] = replace(members[2], end=datetime(2019, 1, 1, tzinfo=UTC), keywords=("b", "c"))
    found = series(members)
    assert (found.id, found.version, found.title, found.tile) == ("MuSyQ.LAI.1km", "v10", "t10", "")
    assert (found.start.year, found.end.year, found.size) == (2013, 2019, 15)
    assert found.files == ("1.h5", "10.h5", "9.h5")
    assert (found.sha256, found.provenance, found.period) == (None, False, "")
    assert found.keywords == ("a", "b", "c")
    assert found.written.year == 2025
    assert [*found.links] == [f"https://example.org/d/{name}" for name in found.files]


def test_a_series_without_times_has_none():
    bare = replace(FACTS, start=None, end=None, written=None)
    found = series([bare, replace(bare, version="v2")])
    assert (found.start, found.end, found.written, found.version) == (None, None, None, "v2")
    assert series([replace(bare, start=FACTS.start)]).end == FACTS.start


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, (1.0, 0.0, None, None)),
        (
            {
                "scale_factor": 0.1,
                "add_offset": 1.0,
                "valid_range": np.array([0, 70], "i2"),
                "_FillValue": np.int16(255),
            },
            (0.1, 1.0, 255, (1.0, 8.0)),
        ),
        ({"scale_factor": -2.0, "valid_range": np.array([1, 5], "i2")}, (-2.0, 0.0, None, (-10.0, -2.0))),
        ({"scale_factor": np.nan, "add_offset": "x"}, (1.0, 0.0, None, None)),
        ({"_FillValue": np.float32("nan")}, (1.0, 0.0, "nan", None)),
        ({"_FillValue": np.float64(-0.5)}, (1.0, 0.0, -0.5, None)),
        ({"_FillValue": "none", "valid_range": "0 to 7"}, (1.0, 0.0, None, None)),
        ({"valid_range": np.array([0, np.inf])}, (1.0, 0.0, None, None)),
        ({"valid_range": np.array([0, 1, 2])}, (1.0, 0.0, None, None)),
    ],
)
def test_facts_of_a_layer(attributes, expected):
    found = _layer(LayerHeader("v", (), (), np.dtype("i2"), attributes))
    assert (found.scale, found.offset, found.nodata, found.limits) == expected
    assert (found.title, found.units, found.dtype) == ("v", "", "int16")


def test_limits_have_no_dust_of_their_multiplication():
    found = [_layer(LayerHeader("v", (), (), np.dtype("i2"), {"scale_factor": 1e-4, "valid_range": np.array([0, n])}))
             for n in range(0, 10_001, 7)]  # fmt: skip
    texts = [repr(item.limits[1]) for item in found]
    assert max(map(len, texts)) <= 6
    assert all(float(a) < float(b) for a, b in pairwise(texts))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("https://doi.org/10.1234/a", "10.1234/a", "x"), ("10.1234/a",)),
        (("https://example.org/10.12/a",), ()),
        (("https://doi.org/10.5067/MODIS/MOD15A2H.061",), ("10.5067/MODIS/MOD15A2H.061",)),
        ((), ()),
    ],
)
def test_dois_among_addresses(texts, expected):
    assert dois(texts) == expected
