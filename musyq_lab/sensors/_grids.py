"""Keeping the bands of a scene on one grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from musyq_lab.sensors._calibrate import Counts


def on_one_grid(counts: Sequence[Counts]) -> tuple[list[Counts], list[str]]:
    """Return the bands on the grid that most of them share, and the names of those left out.

    Some producers resample thermal bands to the grid of the others and some do not.
    """
    shapes = Counter(c.data.shape for c in counts)
    most = shapes.most_common(1)[0][0]
    return [c for c in counts if c.data.shape == most], [c.band.name for c in counts if c.data.shape != most]
