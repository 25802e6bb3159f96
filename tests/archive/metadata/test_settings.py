"""The publisher's settings: what they take and what they refuse, in words."""

import pytest

from musyq_lab.archive.metadata import settings as module
from musyq_lab.archive.metadata.settings import NAME, Creator, Publisher, find_settings, read_settings, settings_of
from musyq_lab.core.errors import InputError, NotFoundError


def read(tmp_path, text):
    path = tmp_path / NAME
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(path)


def test_the_example_of_the_documentation_is_read(tmp_path):
    example = module.__doc__.split("::\n", 1)[1].split("\nEvery line", 1)[0]
    found = read(tmp_path, "\n".join(line[4:] for line in example.splitlines()))
    assert found.creators == (Creator("Li, Hua", "0000-0002-1825-0097", "Institute of Remote Sensing"),)
    assert (found.doi_of("lai"), found.spdx, found.copies, found.year) == ("10.1234/musyq.lai", "CC-BY-4.0", 2, 2026)


def test_nothing_is_stated_by_default(tmp_path):
    assert read(tmp_path, "") == Publisher() == find_settings(tmp_path / "below") == settings_of({})
    assert Publisher().doi_of("lai") == ""


def test_a_doi_for_each_product(tmp_path):
    found = read(tmp_path, "doi:\n  lai: https://doi.org/10.1234/lai\n  gpp: 10.1234/gpp\n")
    assert (found.doi_of("lai"), found.doi_of("gpp"), found.doi_of("npp")) == ("10.1234/lai", "10.1234/gpp", "")


def test_words_are_no_spdx_identifier():
    assert settings_of({"licence": "free for all"}).spdx == ""
    assert settings_of({"licence": "CC-BY-4.0"}).spdx == "CC-BY-4.0"


def test_the_nearest_folder_counts(tmp_path):
    below = tmp_path / "lai" / "2015"
    below.mkdir(parents=True)
    (tmp_path / NAME).write_text("project: far\n")
    assert find_settings(below) == Publisher()  # two folders up is another archive's
    (tmp_path / "lai" / NAME).write_text("project: above\n")
    assert find_settings(below).project == "above"
    (below / NAME).write_text("project: here\n")
    assert find_settings(below).project == "here"
    assert find_settings(below / "x.h5").project == "here"


@pytest.mark.parametrize("orcid", ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"])
def test_orcid_ids_of_the_registrys_own_documentation_are_taken(orcid):
    assert settings_of({"creators": [{"name": "x", "orcid": orcid}]}).creators[0].orcid == orcid


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("licens: x", "Did you mean 'licence'"),
        ("- a", "lines of 'name: value'"),
        ("just words", "lines of 'name: value'"),
        ("doi: 11.1/x", "must be a DOI"),
        ("doi: {lai: soon}", "Leave it out"),
        ("landing_page: ftp://x", "begins with https"),
        ("access_url: 'https://x y'", "begins with https"),
        ("year: soon", "whole number"),
        ("year: true", "whole number"),
        ("copies: -1", "whole number"),
        ("publisher: [a, b]", "must be a text"),
        ("publisher: " + "x" * 3000, "at most 2000"),
        ("creators: [{orcid: 0000-0002-1825-0097}]", "needs a name"),
        ("creators: [{name: x, orcid: 0000-0002-1825-0098}]", "no ORCID"),
        ("creators: [{name: x, mail: y}]", "unknown line 'mail'"),
        ("publisher: [", "is not YAML"),
        ("publisher: !!python/object/apply:os.system ['true']", "is not YAML"),
        ("a: &a [x]\nb: *a", "anchors"),
        (b"\xff\xfe", "cannot be read"),
        ("#" * 70_000, "larger than"),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_no_file(tmp_path):
    with pytest.raises(NotFoundError, match="There is no file"):
        read_settings(tmp_path / NAME)


def test_an_ampersand_in_words_is_no_anchor(tmp_path):
    assert read(tmp_path, "publisher: 'Light & Leaves'\n").publisher == "Light & Leaves"
