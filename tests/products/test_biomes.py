"""The tables of parameters that ship: complete, in their ranges, and the same wherever they are read."""

import json
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import light_use, respiration
from musyq_lab.products._biomes import biome_table, without_parameters
from musyq_lab.products._class_table import parameters

MODELS = {
    "mod17": (light_use.MOD17, respiration.MOD17),
    "musyq": (light_use.MUSYQ, respiration.MUSYQ),
    "eclue": (light_use.EC_LUE,),
    "vpm": (light_use.VPM,),
    "casa": (light_use.CASA,),
}
PAIRS = [(name, model) for name, models in MODELS.items() for model in models]
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "science" / "vegetation-vectors.json"


def columns_of(name, model):
    """Return parameter by name by class."""
    table = biome_table(name, model.parameters)
    return {number: dict(zip(model.parameters, row, strict=True)) for number, row in table}


@pytest.mark.parametrize(("name", "model"), PAIRS, ids=lambda p: p if isinstance(p, str) else p.name)
def test_every_model_finds_its_columns(name, model):
    table = biome_table(name, model.parameters)
    numbers = [number for number, _ in table]
    assert numbers == sorted(numbers)
    assert {1, 2, 4, 5, 7, 10, 12} <= set(numbers) <= set(range(1, 17)) - {15}
    assert all(len(row) == len(model.parameters) for _, row in table)


@pytest.mark.parametrize("name", MODELS)
def test_comments_say_where_the_numbers_are_from(name):
    text = resource(f"catalogs/biomes/{name}.csv").read_text(encoding="utf-8")
    head = text[: text.index("\nclass,")]
    assert head.startswith("#")
    assert "Source: " in head
    assert "doi:" in head or "GitHub" in head


@pytest.mark.parametrize("name", MODELS)
def test_both_readers_agree(name):
    for model in MODELS[name]:
        found = columns_of(name, model)
        for column in model.parameters:
            row = parameters(name, column)
            for number, values in found.items():
                assert values[column] == row[number]


def test_table_of_mod17_is_that_of_the_vectors():
    if not VECTORS.exists():
        pytest.skip("needs the vectors beside this checkout")
    published = json.loads(VECTORS.read_text())["tables"]["MOD17_BPLUT_C5.1_MERRA_NASA"]
    names = {
        "LUEmax(KgC/m^2/d/MJ)": ("efficiency", 1e3),
        "Tmin_min(C)": ("cold_none", 1),
        "Tmin_max(C)": ("cold_full", 1),
        "VPD_min(Pa)": ("dry_full", 1),
        "VPD_max(Pa)": ("dry_none", 1),
        "SLA(LAI/KgC)": ("leaf_area", 1),
        "froot_leaf_ratio": ("roots", 1),
        "livewood_leaf_ratio": ("wood", 1),
        "leaf_mr_base(Kgc/KgC/d)": ("leaf_rate", 1e3),
        "froot_mr_base(Kgc/KgC/d)": ("root_rate", 1e3),
        "livewood_mr_base(Kgc/KgC/d)": ("wood_rate", 1e3),
    }
    rows = {row[0]: [float(x) for x in row[1:]] for row in published[1:]}
    classes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    for name, (column, factor) in names.items():
        found = parameters("mod17", column)[classes]
        np.testing.assert_allclose(found, factor * np.array(rows[name]), rtol=1e-12)


def test_limits_are_in_order():
    for row in columns_of("mod17", light_use.MOD17).values():
        assert row["cold_none"] < row["cold_full"]
        assert row["dry_full"] < row["dry_none"]
    for name, model in (("vpm", light_use.VPM), ("eclue", light_use.EC_LUE)):
        for row in columns_of(name, model).values():
            assert row["coldest"] < row["best"] < row["hottest"]
    for row in columns_of("casa", light_use.CASA).values():
        # The published ratios are those of the published NDVI.
        assert (1 + row["ndvi_high"]) / (1 - row["ndvi_high"]) == pytest.approx(row["ratio_high"], abs=0.01)
        assert (1 + row["ndvi_low"]) / (1 - row["ndvi_low"]) == pytest.approx(row["ratio_low"], abs=0.01)


def test_classes_that_are_not_listed():
    table = ((2, (1.0,)), (4, (2.0,)))
    value = np.array([1.0, np.nan, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(
        without_parameters([2.0, 4.0, 17.0, np.nan, 2.5], table, value), [False, False, True, False, True]
    )
    # A map of classes under a series; where there is a value nothing is said.
    series = np.array([[np.nan, np.nan], [3.0, 3.0]])
    np.testing.assert_array_equal(without_parameters([2.0, 17.0], table, series), [[False, True], [False, False]])


def test_an_empty_cell_leaves_its_class_out(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("class,a,b\n3,1.5,2\n1,,4\n")
    assert biome_table("any", ("b", "a"), str(path)) == ((3, (2.0, 1.5)),)


def test_a_single_place():
    assert without_parameters(np.array(17.0), ((2, (1.0,)),), np.array(np.nan))
    assert not without_parameters(np.array(2.0), ((2, (1.0,)),), np.array(np.nan))


def test_a_table_that_was_changed_is_read_again(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("class,a\n3,1.5\n")
    assert biome_table("any", ("a",), str(path)) == ((3, (1.5,)),)
    path.write_text("class,a\n3,12.5\n")
    assert biome_table("any", ("a",), str(path)) == ((3, (12.5,)),)
    path.unlink()
    with pytest.raises(NotFoundError, match=r"own\.csv"):
        biome_table("any", ("a",), str(path))


def test_a_table_from_a_spreadsheet(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("class,a\n3,1.5\n", encoding="utf-8-sig")
    assert biome_table("any", ("a",), str(path)) == ((3, (1.5,)),)
    path.write_bytes("class,a,name\n3,1.5,\u68ee\u6797\n".encode("gbk"))
    with pytest.raises(InputError, match="UTF-8"):
        biome_table("any", ("a",), str(path))


@pytest.mark.parametrize(
    ("lines", "match"),
    [("3,1\n3,2\n", "twice"), (",1\n", "no class"), ("3.5,1\n", "no class"), ("forest,1\n", "number")],
)
def test_lines_without_a_class_of_their_own_are_refused(tmp_path, lines, match):
    path = tmp_path / "own.csv"
    path.write_text("class,a\n" + lines)
    with pytest.raises(InputError, match=match):
        biome_table("any", ("a",), str(path))


def test_what_is_not_there_is_said():
    with pytest.raises(NotFoundError):
        biome_table("no_such_table", ("a",))
    with pytest.raises(InputError, match="no column"):
        biome_table("mod17", ("no_such_column",))
