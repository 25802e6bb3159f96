"""Settings that look right and are not, and right ones that look odd."""

import pytest
import yaml

from musyq_lab.archive.metadata.settings import NAME, Creator, Publisher, find_settings, read_settings, settings_of
from musyq_lab.core.errors import InputError


def read(tmp_path, text):
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    return read_settings(tmp_path / NAME)


@pytest.mark.parametrize(
    "text",
    [
        "publisher: Light & Leaves",
        "publisher: R&D",
        "publisher: L'Institut & ses amis",
        'publisher: "5 * 3 & more"',
        "publisher: Leaves  # & light, *really",
    ],
)
def test_an_ampersand_in_words_is_no_anchor(tmp_path, text):
    assert read(tmp_path, text).publisher == yaml.safe_load(text)["publisher"]


@pytest.mark.parametrize(
    "text",
    [
        "publisher: &a x\nproject: *a",
        "publisher: *a",
        '{publisher: "x\'y", creators: &a [{name: n}], project: "z"}',  # quotes of two kinds around the anchor
        "{publisher: 'x\"y', creators: &a [{name: n}], project: 'z'}",
        '{"creators":&a [x]}',
        "creators: [&a x, *a]",
        "publisher: it's\ncreators: &a [x]\nproject: it's",
    ],
)
def test_anchors_are_found_wherever_they_hide(tmp_path, text):
    with pytest.raises(InputError, match="anchors or aliases"):
        read(tmp_path, text)


def test_a_billion_laughs_are_refused_before_they_are_built(tmp_path):
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(InputError, match="anchors"):
        read(tmp_path, "\n".join(lines))


def check_digit(digits):
    """ISO 7064, MOD 11-2, as the structure of the ORCID iD describes it, by powers instead of by steps."""
    total = sum(int(d) * 2 ** (len(digits) - place) for place, d in enumerate(digits))
    return "0123456789X"[(12 - total % 11) % 11]


@pytest.mark.parametrize("digits", ["000000012345678", "000000021825009", "000000016942337", "999999999999999"])
def test_check_digits_of_orcid(digits):
    right = check_digit(digits)
    for last in "0123456789X":
        text = "-".join((digits + last)[i : i + 4] for i in range(0, 16, 4))
        given = {"creators": {"name": "x", "orcid": text}}
        if last == right:
            assert settings_of(given).creators == (Creator("x", text),)
        else:
            with pytest.raises(InputError, match="check digit"):
                settings_of(given)


@pytest.mark.parametrize(
    "orcid",
    [
        "https://orcid.org/0000-0002-1825-0097",
        "0000000218250097",
        "0000-0002-1694-233x",
        "\u0660\u0660\u0660\u0660-\u0660\u0660\u0660\u0662-1825-0097",  # the same number in Arabic-Indic digits
        " 0000-0002-1825-009",
    ],
)
def test_other_forms_of_an_orcid_are_refused(orcid):
    with pytest.raises(InputError, match="no ORCID"):
        settings_of({"creators": [{"name": "x", "orcid": orcid}]})


@pytest.mark.parametrize(
    "doi",
    [
        "10.123/x",
        "10.1234567890/x",
        "10.1234/",
        "10.1234/a b",
        "10.1234/a\u00a0b",
        "10.\u0661\u0662\u0663\u0664/x",  # digits that no resolver knows
        '10.1234/"',
        "10.1234/a#b",
        "",
        "doi.org/10.1234/x",
    ],
)
def test_what_is_no_doi(doi):
    with pytest.raises(InputError, match="must be a DOI"):
        settings_of({"doi": doi})


@pytest.mark.parametrize("doi", ["10.1234/x", "10.12345/A(b)c;d:e", "10.123456789/x/y.z"])
def test_what_is_one(doi):
    assert settings_of({"doi": doi}).doi_of("any") == doi
    assert settings_of({"doi": f"https://doi.org/{doi}"}).doi_of("any") == doi


def test_a_doi_of_a_product_goes_before_that_of_all():
    found = settings_of({"doi": {"": "10.1234/all", "lai": "10.1234/lai"}})
    assert (found.doi_of("lai"), found.doi_of("gpp")) == ("10.1234/lai", "10.1234/all")


@pytest.mark.parametrize("doi", [{"lai": None}, {"lai": ["10.1234/x"]}, ["10.1234/x"], True])
def test_dois_of_another_kind(doi):
    with pytest.raises(InputError):
        settings_of({"doi": doi})


@pytest.mark.parametrize(
    ("given", "creators"),
    [
        ("One, A", (Creator("One, A"),)),
        (["One, A", "A Group"], (Creator("One, A"), Creator("A Group"))),
        ({"name": "One, A", "affiliation": None}, (Creator("One, A"),)),
        ([], ()),
        (
            [{"name": " spaces   between ", "affiliation": "李华 研究所"}],
            (Creator("spaces between", "", "李华 研究所"),),
        ),
    ],
)
def test_forms_of_creators(given, creators):
    assert settings_of({"creators": given}).creators == creators


@pytest.mark.parametrize("given", [[{}], [{"name": ""}], [{"name": None}], "", [None], [["a"]], 5.5j])
def test_creators_without_a_name(given):
    with pytest.raises(InputError):
        settings_of({"creators": given})


@pytest.mark.parametrize("number", [0, 1, 9999])
def test_whole_numbers(number):
    assert settings_of({"copies": number, "year": number}).copies == number


@pytest.mark.parametrize("number", [-1, 10_000, 2.0, "2", True, None, []])
def test_other_numbers(number):
    if number is None:  # an empty line states nothing
        assert settings_of({"copies": None}).copies == 0
        return
    with pytest.raises(InputError, match="whole number"):
        settings_of({"copies": number})


@pytest.mark.parametrize("url", ["http://x", "https://example.org/a?b=c#d", "https://例.org/数据"])
def test_addresses(url):
    assert settings_of({"access_url": url}).access_url == url


@pytest.mark.parametrize("url", ["HTTPS", "javascript:alert(1)", "https://a<b>", 'https://a"b', "//x", "file:///etc"])
def test_what_is_no_address(url):
    with pytest.raises(InputError, match="begins with https"):
        settings_of({"landing_page": url})


def test_the_longest_text_and_the_largest_file(tmp_path):
    assert len(settings_of({"retention": "x" * 2000}).retention) == 2000
    with pytest.raises(InputError, match="at most 2000"):
        settings_of({"retention": "x" * 2001})
    assert read(tmp_path, "#" * (2**16)) == Publisher()
    with pytest.raises(InputError, match="larger than"):
        read(tmp_path, "#" * (2**16 + 1))


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "MIT", "LicenseRef-own", "GPL-3.0+", "-x", "CC BY", "许可"])
def test_which_licences_are_identifiers(licence):
    simple = licence.isascii() and " " not in licence and licence[0].isalnum()
    assert settings_of({"licence": licence}).spdx == (licence if simple else "")


def test_a_file_of_settings_that_is_a_folder_is_none(tmp_path):
    (tmp_path / NAME).mkdir()
    assert find_settings(tmp_path) == Publisher()
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / NAME)


def test_every_error_names_its_file_and_line(tmp_path):
    with pytest.raises(InputError, match=rf"^{NAME}: copies must be a whole number"):
        read(tmp_path, "copies: many")
    with pytest.raises(InputError, match=rf"^{NAME} has the unknown line 'Copies'"):
        read(tmp_path, "Copies: 2")
