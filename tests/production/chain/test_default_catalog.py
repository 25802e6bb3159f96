"""Which catalog is meant where none, or the shipped one, is named."""

from pathlib import Path

import pytest

from musyq_lab.core.errors import MusyqError
from musyq_lab.production.chain.produce import DEFAULT_INPUTS, catalog_of, plan


def test_the_shipped_catalog_is_meant_by_its_path_where_no_such_file_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert catalog_of("catalogs/demo.yml") == DEFAULT_INPUTS
    assert catalog_of(Path("catalogs/demo.yml")) == DEFAULT_INPUTS


def test_a_file_of_ones_own_at_that_path_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalogs").mkdir()
    (tmp_path / "catalogs" / "demo.yml").write_text("version: 1\n")
    assert catalog_of("catalogs/demo.yml") == "catalogs/demo.yml"


@pytest.mark.parametrize("inputs", ["earth", "https://x/catalog.yml", Path("a/b.yml")])
def test_any_other_stays_as_it_is(inputs):
    assert catalog_of(inputs) == inputs


def test_without_a_simulation_the_way_to_one_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MusyqError, match="musyq simulate"):
        plan("lai", period="2019-07")


def test_a_wrong_product_is_told_before_anything_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MusyqError, match="lai"):
        plan("lia", inputs="nowhere.yml")
