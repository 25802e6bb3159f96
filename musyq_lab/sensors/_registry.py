"""The registries of sensors: their specs and what opens them, found by looking at this package and at plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from musyq_lab.core.registry import Registry
from musyq_lab.core.sensor import Sensor


def _bands(spec: Sensor) -> str:
    names = list(dict.fromkeys(band.name for band in spec.bands_of()))
    return ", ".join(names[:8]) + (f" ... {len(names)} in all" if len(names) > 8 else "")


def _years(spec: Sensor) -> str:
    first, last = spec.years
    return f"{first}-{last or ''}"


SENSORS: Registry[Sensor] = Registry(
    "musyq_lab.sensors",
    "SPEC",
    "sensor",
    {
        "title": lambda s: s.title,
        "platforms": lambda s: ", ".join(s.platforms),
        "bands": _bands,
        "resolution (m)": lambda s: ", ".join(f"{r:g}" for r in s.resolutions),
        "swath (km)": lambda s: f"{s.swath:g}",
        "years": _years,
        "read by": lambda s: s.reader,
    },
)
"""Key -> :class:`musyq_lab.core.sensor.Sensor`."""

OPENERS: Registry[Callable[..., Any]] = Registry("musyq_lab.sensors", "open", "sensor", {})
"""Key -> the function that opens a granule; each module holds it beside its spec."""
