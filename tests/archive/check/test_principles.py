"""The ten principles from evidence made in memory: each item counts for its own principle, and shares are shares."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.archive._side import RUN_SUFFIX, seal, side_file
from musyq_lab.archive.check.principles import Evidence, records_of, score
from musyq_lab.archive.header import Header, LayerHeader
from musyq_lab.archive.metadata.settings import settings_of

SAID = {
    **{"title": "t", "summary": "s", "keywords": "k", "time_coverage_start": "2015-01-01", "license": "l"},
    **{"geospatial_lat_min": 1.0, "geospatial_lon_min": 2.0, "Conventions": "CF-1.11", "references": "r"},
    **{"history": "h", "source": "s", "product_version": "v1", "id": "i", "product": "demo"},
}
STATED = settings_of(
    {
        **{"licence": "CC-BY-4.0", "access_url": "https://x", "landing_page": "https://y", "doi": "10.1234/x"},
        **{"retention": "ten years", "copies": 2, "validation": "https://z"},
    }
)
SOURCES = {  # what a header has beside its texts -> principles that ask for it
    "provenance": {5, 9},
    "record": {5, 7, 9},
    "quality": {6},
    "uncertainty": {6},
    "names": {4},
}
TEXTS = {
    "title": {1},
    "summary": {1},
    "keywords": {1},
    "time_coverage_start": {1},
    "geospatial_lat_min": {1},
    "geospatial_lon_min": {1},
    "Conventions": {3},
    "references": {4},
    "history": {5},
    "source": {5},
    "product_version": {9},
    "id": {10},
}
SETTINGS = {
    **{"access_url": {2}, "landing_page": {2}, "validation": {6}, "retention": {7}, "copies": {7}, "doi": {10}},
}
EMPTY = {"access_url": "", "landing_page": "", "validation": "", "retention": "", "copies": 0, "doi": {}}


def header(folder, without=(), name="MuSyQ.DEMO.x.global.2015001.v1.h5"):
    path = Path(folder) / name
    if "record" not in without:
        side_file(path, RUN_SUFFIX).write_text(seal({"file": name, "supersedes": []}))
    words = {} if "names" in without else {"long_name": "n", "units": "1"}
    layers = {"v": LayerHeader("v", (), (), np.dtype("f4"), words)}
    if "quality" not in without:
        layers["demo_qa"] = LayerHeader("demo_qa", (), (), np.dtype("u2"), {"long_name": "q", "flag_meanings": "a"})
    if "uncertainty" not in without:
        layers["v_uncertainty"] = LayerHeader("v_uncertainty", (), (), np.dtype("f4"), {"long_name": "u", "units": "1"})
    texts = {key: value for key, value in SAID.items() if key not in without}
    groups = () if "provenance" in without else ("provenance",)
    return Header(path, None, texts, layers, {}, groups)


def whole(*headers, **more):
    facts = {
        **{"headers": headers, "files": len(headers), "publisher": STATED, "intact": True, "conformant": True},
        **{"records": frozenset({"stac", "datacite", "iso19115"}), "verifications": 1},
    }
    return Evidence(**(facts | more))


def fallen(evidence):
    return {item.number for item in score(evidence) if item.score != "full"}


def test_with_everything_all_ten_are_full(tmp_path):
    found = score(whole(header(tmp_path)))
    assert [item.number for item in found] == [*range(1, 11)]
    assert {item.score for item in found} == {"full"}
    assert {item.missing for item in found} == {""}


@pytest.mark.parametrize(("what", "numbers"), [*SOURCES.items(), *TEXTS.items()])
def test_what_a_file_lacks_counts_where_it_is_asked_for(tmp_path, what, numbers):
    assert fallen(whole(header(tmp_path, {what}))) == numbers


@pytest.mark.parametrize(("what", "numbers"), SETTINGS.items())
def test_what_the_publisher_does_not_state_counts_where_it_is_asked_for(tmp_path, what, numbers):
    assert fallen(whole(header(tmp_path), publisher=replace(STATED, **{what: EMPTY[what]}))) == numbers


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        ({"intact": None}, {8}),
        ({"intact": False}, {8}),
        ({"conformant": None}, {3}),
        ({"conformant": False}, {3}),
        ({"verifications": 0}, {8}),
        ({"records": frozenset({"stac"})}, {4}),
        ({"records": frozenset({"iso19115"})}, set()),
        ({"records": frozenset()}, {1, 4}),
    ],
)
def test_what_the_check_itself_found_counts(tmp_path, change, numbers):
    assert fallen(whole(header(tmp_path), **change)) == numbers


def test_terms_of_use_come_from_the_settings_or_from_every_file(tmp_path):
    without = header(tmp_path, {"license"})
    assert fallen(whole(without)) == set()
    silent = replace(STATED, licence="")
    assert fallen(whole(header(tmp_path), publisher=silent)) == set()
    assert fallen(whole(without, publisher=silent)) == {1}


def test_a_share_of_the_files_is_told_in_percent(tmp_path):
    others = [header(tmp_path, name=f"MuSyQ.DEMO.x.global.201500{n}.v1.h5") for n in range(1, 4)]
    bare = header(tmp_path, {"history"}, "MuSyQ.DEMO.x.global.2015006.v1.h5")
    item = score(whole(*others, bare))[4]
    assert item.score == "partial"
    assert "processing history in 25% of the files" in item.missing
    assert "75% a history" in item.evidence


def test_files_that_cannot_be_read_have_nothing(tmp_path):
    found = whole(header(tmp_path), files=2)
    assert found.share(lambda h: True) == 0.5
    assert {item.number for item in score(found) if item.score == "partial"} >= {1, 3, 4, 5, 6, 7, 9, 10}


def test_without_files_nothing_is_followed():
    assert {item.score for item in score(whole())} == {"none"}
    assert whole().share(lambda h: True) == 0.0


def test_with_nothing_at_all_the_scores_are_none(tmp_path):
    without = {*SAID, *SOURCES}
    found = score(Evidence((header(tmp_path, without),), 1))
    assert {item.score for item in found} == {"none"}
    assert all(item.missing for item in found)


def test_a_map_of_classes_needs_no_uncertainty(tmp_path):
    made = header(tmp_path, {"uncertainty"})
    classes = replace(made.layers["v"], attributes={"long_name": "n", "units": "1", "flag_values": np.array([1])})
    assert 6 not in fallen(whole(replace(made, layers={**made.layers, "v": classes})))
    assert 6 in fallen(whole(made))


def test_a_record_with_a_flipped_bit_is_none(tmp_path):
    made = header(tmp_path)
    side = side_file(made.path, RUN_SUFFIX)
    side.write_text(side.read_text().replace('"supersedes": []', '"supersedes": [1]'))
    assert fallen(whole(made)) == {5, 7, 9}


def test_records_are_looked_for_in_each_folder_and_not_below(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    (one / "below").mkdir(parents=True)
    two.mkdir()
    assert records_of([one, two]) == frozenset()
    (one / "a.stac.json").touch()
    (two / "b.iso19115.xml").touch()
    (one / "below" / "c.datacite.json").touch()
    assert records_of(iter([one, two])) == {"stac", "iso19115"}
    assert records_of([tmp_path / "absent"]) == frozenset()
