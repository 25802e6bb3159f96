"""Whose data, on what terms, how to cite."""

import pytest
from archive.samples import SPEC
from production.download.conftest import utm

from musyq_lab.production.download.attribution import DATA_CORE, TERMS, terms, text
from musyq_lab.production.download.select import select


def test_what_the_data_say_of_themselves_is_repeated():
    said = text(select(utm(), "116.8,40.03,116.9,40.1"), "NetCDF", "x.nc")
    for words in (
        "A map",
        "CC-BY-4.0",
        "Somebody 2020.",
        "116.8 to 116.9 E",
        "value_uncertainty",
        "x.nc",
        "As the licence says",
    ):
        assert words in said
    assert said.index("How to cite") < said.index("Licence") < said.index("Terms") < said.index("Part")


def test_a_product_of_the_programme_is_free_subject_to_registration_and_attribution(cube):
    said = text(select(cube, spec=SPEC), "HDF5", "x")
    assert TERMS in said
    for tag in DATA_CORE:
        assert tag in said
    assert "made by musyq-lab" in said


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {"title": "Data", "licence": "not stated by the source", "citation": "not stated by the source"}),
        ({"license": "MIT"}, {"licence": "MIT", "terms": "As the licence says"}),
        ({"citation": "A 2020", "doi": "10.1/x"}, {"citation": "A 2020. doi:10.1/x"}),
        ({"citation": "A 2020, doi:10.1/x", "doi": "10.1/x"}, {"citation": "A 2020, doi:10.1/x"}),
        ({"doi": "10.1/x"}, {"citation": "doi:10.1/x"}),
        (
            {"product": "lai", "source": "musyq-lab 9", "product_version": "v2"},
            {"citation": "MuSyQ product 'lai' v2, made by musyq-lab 9"},
        ),
        ({"keywords": "geossDataCore, trees"}, {"terms": TERMS, "tags": "geossDataCore"}),
    ],
)
def test_terms_of_data(attributes, expected):
    assert {key: terms(attributes)[key] for key in expected} == expected
