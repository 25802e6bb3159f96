"""Tables by land cover: shapes, types, unknown classes and wrong names."""

import csv

import numpy as np
import pytest

from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.products._class_table import by_class, parameters

LEGEND = 17


def rows(table):
    with resource(f"catalogs/biomes/{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16"])
def test_each_pixel_gets_the_number_of_its_class(dtype):
    classes = np.arange(1, LEGEND + 1).reshape(1, -1).astype(dtype)
    found = by_class("clumping", "clumping", classes)
    wanted = [float(row["clumping"] or "nan") for row in rows("clumping")]
    assert found.shape == (1, LEGEND)
    assert found.dtype == ("float32" if dtype == "float32" else "float64")
    np.testing.assert_array_equal(found[0], np.array(wanted, found.dtype))


@pytest.mark.parametrize("wrong", [0, 18, 255, -1, 256, 1e9, -1e9, 1.5, np.nan, np.inf, -np.inf])
def test_what_is_no_class_has_no_number(wrong):
    assert np.isnan(by_class("clumping", "clumping", np.array([wrong]))).all()


def test_a_number_alone_is_looked_up_too():
    assert by_class("clumping", "clumping", 1) == by_class("clumping", "clumping", [1])[0]


def test_columns_are_read_once_and_cannot_be_changed():
    column = parameters("clumping", "clumping")
    assert column is parameters("clumping", "clumping")
    with pytest.raises(ValueError, match="read-only"):
        column[1] = 2.0


def test_an_unknown_column_or_table_is_named_with_the_nearest():
    with pytest.raises(NotFoundError, match="clumping"):
        by_class("clumping", "clumpin", [1])
    with pytest.raises(NotFoundError, match="no_such"):
        by_class("no_such", "clumping", [1])


def test_columns_of_text_are_no_parameters():
    with pytest.raises(NotFoundError, match="name"):
        parameters("clumping", "name")
