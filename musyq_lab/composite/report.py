"""What became of every scene given to a composite: read or set aside, why, and how much of it was used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from musyq_lab.composite.lineage import unpacked
from musyq_lab.composite.select import Aside, Look
from musyq_lab.core.errors import InputError

ATTRIBUTE = "load_report"
"""Attribute of a composite that holds the report as JSON."""


def written(looks: Sequence[Look], aside: Sequence[Aside]) -> str:
    """Return the report of a composite as JSON: one row for each scene, those that take part first."""
    rows: list[dict[str, Any]] = [
        {"granule": k.granule, "sensor": k.sensor, "time": f"{k.time.isoformat()}Z", "read": True, "reason": ""}
        for k in looks
    ]
    rows += [
        {"granule": a.granule, "sensor": a.sensor, "time": a.time, "read": False, "reason": a.reason} for a in aside
    ]
    return json.dumps(rows, ensure_ascii=False)


def with_aside(report: str, aside: Sequence[Aside]) -> str:
    """Return a report with further scenes that were set aside before the composite saw them.

    Parameters
    ----------
    report : str
        From :func:`written`.
    aside : sequence of Aside
        Those to add, in the order of time, sensor and name.
    """
    rows = json.loads(report)
    rows += [
        {"granule": a.granule, "sensor": a.sensor, "time": a.time, "read": False, "reason": a.reason}
        for a in sorted(aside, key=lambda a: (a.time, a.sensor, a.granule))
    ]
    return json.dumps(rows, ensure_ascii=False)


def load_report(composite: xr.Dataset) -> pd.DataFrame:
    """Return a table of the scenes that a composite was asked to take; this computes its lineage.

    Parameters
    ----------
    composite : Dataset
        From :func:`musyq_lab.composite.composite.composite`.

    Returns
    -------
    pandas.DataFrame
        ``granule``, ``sensor``, ``time``, ``read`` (whether it takes part), ``reason`` (why not), ``used`` (share of
        the composite's pixels that it helped to make, 0 to 1).

    Raises
    ------
    InputError
        If the Dataset is no composite.
    """
    if ATTRIBUTE not in composite.attrs:
        raise InputError(f"This Dataset has no attribute {ATTRIBUTE!r}. Make a composite with ml.composite(scenes).")
    report = pd.DataFrame(
        json.loads(composite.attrs[ATTRIBUTE]), columns=["granule", "sensor", "time", "read", "reason"]
    )
    used = unpacked(composite["lineage"], composite["granule"])
    shares = used.mean([dim for dim in used.dims if dim != "granule"]).values
    report["used"] = 0.0
    report.loc[report["read"], "used"] = shares
    return report
