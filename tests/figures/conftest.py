"""Fields and tables that the tests of figures share."""

import numpy as np
import pandas as pd
import pytest
from figures.fields import make_field

from musyq_lab.figures.classes import class_table


@pytest.fixture
def field():
    return make_field()


@pytest.fixture
def table():
    return class_table("dsr_annual")


@pytest.fixture
def countries_table():
    value = np.arange(30, 0, -1, dtype=float) ** 2
    names = [f"Country {chr(65 + i)}" if i < 26 else f"Country A{i}" for i in range(30)]
    return pd.DataFrame({"name": names, "twh": value, "low": 0.8 * value, "high": 1.3 * value})


@pytest.fixture
def seasons():
    months = np.arange(1, 13)
    rows = []
    for region, hemisphere, sign in (("Europe", "north", -1.0), ("Oceania", "south", 1.0)):
        values = 150 + sign * 90 * np.cos(2 * np.pi * (months - 1) / 12)
        rows += [
            {"region": region, "hemisphere": hemisphere, "month": m, "value": v, "low": 0.9 * v, "high": 1.1 * v}
            for m, v in zip(months, values, strict=True)
        ]
    return pd.DataFrame(rows)
