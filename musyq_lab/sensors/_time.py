"""Instants as the files of the sensors write them, and the Sun's distance at one."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from musyq_lab.core.errors import SceneError


def instant(text: str) -> datetime:
    """Return an instant in UTC without zone from ISO 8601, whatever the number of its decimals.

    Raises
    ------
    SceneError
        If the text is none.
    """
    cleaned = text.strip().strip('"').rstrip("Zz").replace(" ", "T")
    head, dot, decimals = cleaned.partition(".")
    try:
        moment = datetime.fromisoformat(f"{head}.{decimals[:6]:0<6}" if dot else head)
    except ValueError:
        raise SceneError(f"{text!r} is not a time. The metadata are damaged.") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def sun_distance(moment: datetime) -> float:
    """Return the distance from the Earth to the Sun (AU)."""
    from musyq_lab.kernels.solar import sun_position

    return float(sun_position(np.datetime64(moment)).distance)
