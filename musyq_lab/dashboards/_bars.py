"""Shares of the area in each class, as bars of text and colour."""

from __future__ import annotations

from html import escape

import numpy as np
from numpy.typing import NDArray

from musyq_lab.dashboards import _zones
from musyq_lab.dashboards._legend import Legend
from musyq_lab.dashboards._places import Area
from musyq_lab.dashboards._view import View


def view_html(view: View) -> str:
    """Return the shares of what is in view."""
    part = view.window
    if part is None:
        return ""
    down = part.down.astype(np.float64)
    weight = np.cos(np.radians(down))[:, None] if view.cube.geographic else np.ones((down.size, 1))
    classes = view.legend.numbers(part.layer(view.variable, view.chosen))
    found = shares(classes, np.broadcast_to(weight, classes.shape), len(view.legend.colours))
    return _html(view.legend, found, "Share of the area with data in this view")


def region_html(view: View, area: Area) -> str:
    """Return the shares of a region at the step of the map."""
    part = _zones.region_window(view.cube, view.variable, area)
    classes = view.legend.numbers(part.layer(view.variable, view.chosen))
    found = shares(classes, _zones.weights(part, area), len(view.legend.colours))
    return _html(view.legend, found, f"Share of the area with data in {area.name}")


def shares(classes: NDArray[np.uint8], weight: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the share of each class in the weight of all; nothing anywhere gives zeros.

    Parameters
    ----------
    classes : numpy.ndarray of uint8
        Class of each cell, 255 for none.
    weight : numpy.ndarray, same shape
        Area of each cell, in any unit.
    count : int
        Number of classes.
    """
    sums = np.bincount(classes.ravel(), np.ascontiguousarray(weight).ravel(), minlength=256)[:count]
    total = float(sums.sum())
    return np.asarray(sums / total if total else sums, np.float64)


def _html(legend: Legend, found: NDArray[np.float64], title: str) -> str:
    if not found.any():
        return "<p>There are no data in this view.</p>"
    lines = "".join(_bar(*row) for row in zip(legend.labels, legend.colours, found.tolist(), strict=True))
    return f"<div>{escape(title)}</div>{lines}<small>Classes: {escape(legend.source)}.</small>"


def _bar(label: str, colour: str, share: float) -> str:
    box = f"flex:none;background:{colour};height:12px;width:{share * 400:.0f}px;border:1px solid #8888"
    return (
        f'<div style="display:flex;align-items:center;gap:8px;font-size:12px;line-height:1.5">'
        f'<span style="flex:none;width:190px;text-align:right">{escape(label)}</span>'
        f'<span style="{box}"></span>'
        f"<span>{share:.1%}</span></div>"
    )
