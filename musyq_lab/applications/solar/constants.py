"""Constants of the solar-potential job: one table (``catalogs/solar.yml``), every row with its source."""

from __future__ import annotations

from typing import Any

from musyq_lab.applications._constants import Constant, ConstantTable

__all__ = ["DAYS_OF_MONTH", "DAYS_OF_YEAR", "TABLE", "Constant", "constant", "constants_table", "entry", "table"]

DAYS_OF_MONTH = (31.0, 28.2425, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0)
"""Mean length of the months in the Gregorian calendar, days."""
DAYS_OF_YEAR = sum(DAYS_OF_MONTH)
TABLE = ConstantTable("solar", {"suitability": "suitability method", "yield_chains": "yield chain"})
"""The table and its sections."""
constant, entry, constants_table = TABLE.constant, TABLE.entry, TABLE.constants_table


def table() -> dict[str, Any]:
    """Return the whole table as read from ``catalogs/solar.yml``."""
    return TABLE.content
