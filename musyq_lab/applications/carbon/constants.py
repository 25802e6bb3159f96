"""Constants of the carbon job: one table (``catalogs/carbon.yml``), every row with its source."""

from __future__ import annotations

from typing import Any

from musyq_lab.applications._constants import Constant, ConstantTable

__all__ = ["TABLE", "Constant", "constant", "constants_table", "entry", "table"]

TABLE = ConstantTable("carbon", {"scenarios": "scenario of heterotrophic respiration", "sites": "site"})
"""The table and its sections."""
constant, entry, constants_table = TABLE.constant, TABLE.entry, TABLE.constants_table


def table() -> dict[str, Any]:
    """Return the whole table as read from ``catalogs/carbon.yml``."""
    return TABLE.content
