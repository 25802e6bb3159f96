"""Shared by the verification table: what a case is, the reference numbers, and products of a few pixels."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.variables import quantity

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, str]
Pair = tuple[Any, Any]
"""What we compute and what is expected, of one shape."""


@dataclass(frozen=True)
class Case:
    """One comparison."""

    category: str
    method: str
    reference: str
    """Vector or publication, and whose numbers these are."""
    tolerance: float
    """Largest difference allowed; infinite where the difference is only reported."""
    run: Callable[[], Pair]
    relative: bool = False
    """Whether differences are shares of what is expected."""

    def reached(self) -> float:
        """Return the largest difference; of a report the root mean square difference."""
        found, expected = (np.asarray(values, np.float64).ravel() for values in self.run())
        if found.shape != expected.shape:
            raise ValueError(f"{self.reference}: {found.size} numbers computed, {expected.size} expected")
        difference = np.abs(found - expected) / (np.abs(expected) if self.relative else 1.0)
        return float(np.sqrt(np.mean(difference**2)) if np.isinf(self.tolerance) else difference.max())

    def allowed(self) -> str:
        """Return the tolerance as the table shows it."""
        return "report" if np.isinf(self.tolerance) else f"{self.tolerance:g}{' of it' if self.relative else ''}"


CASES: list[Case] = []


def case(
    category: str, method: str, reference: str, tolerance: float, *, relative: bool = False
) -> Callable[[Callable[[], Pair]], Callable[[], Pair]]:
    """Add a function that returns (computed, expected) to the table."""

    def add(run: Callable[[], Pair]) -> Callable[[], Pair]:
        CASES.append(Case(category, method, reference, tolerance, run, relative))
        return run

    return add


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Return the rows of a table of tests/reference."""
    with (ROOT / "tests" / "reference" / f"{name}.csv").open(encoding="utf-8") as file:
        return tuple(csv.DictReader(line for line in file if not line.startswith("#")))


def where(name: str, **fixed: str) -> list[Row]:
    """Return the rows whose columns are as given."""
    return [row for row in rows(name) if all(row[key] == value for key, value in fixed.items())]


def column(chosen: list[Row] | tuple[Row, ...], name: str) -> np.ndarray:
    """Return a column as numbers, empty cells as NaN."""
    return np.array([float(row[name] or "nan") for row in chosen])


def given(text: str) -> dict[str, Any]:
    """Return the inputs of a cell such as ``sza=30;band=red``, numbers as such."""
    pairs = (pair.split("=", 1) for pair in text.split(";") if pair)
    return {name: _number(value) for name, value in pairs}


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def one(vector: str, quantity: str) -> float:
    """Return a number that stands alone."""
    return float(where("verification", vector=vector, quantity=quantity)[0]["value"])


def scene(**inputs: Any) -> xr.Dataset:
    """Return a Dataset of a row of pixels, inputs in canonical units."""
    size = max(np.size(values) for values in inputs.values())
    return xr.Dataset(
        {
            name: ("x", np.broadcast_to(np.asarray(values, float), size).copy(), {"units": quantity(name).units})
            for name, values in inputs.items()
        }
    )


def retrieved(variable: str, key: str, ds: xr.Dataset, **options: Any) -> np.ndarray:
    """Return one variable of a product."""
    made = ml.retrieve(key, ds, variables=[variable], uncertainty=False, **options)
    return np.asarray(made[variable].values)
