"""A map as a live figure: picture, veil, outlines, marks; and what is clicked and drawn on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards import _data, _map, _veil
from musyq_lab.dashboards._view import View

HEIGHT = 370
Drawn = Callable[[float, Any], None]


class Figure:
    """The figure of one map.

    Parameters
    ----------
    page : Explorer
        Whose places and region are marked, and which is told of clicks, drawn regions and errors.
    view : View
        What is mapped.
    frames : object
        Parameterized object with the integer ``frame``; when it changes, the picture is drawn anew.
    drawn : callable, optional
        Told the seconds of each draw, and the picture.
    """

    def __init__(self, page: Any, view: View, frames: Any, drawn: Drawn | None = None) -> None:
        self._page, self._view, self._drawn = page, view, drawn
        self._last: Any = None
        ranges = [hv.streams.RangeXY()] if view.large else []
        again = hv.streams.Params(frames, ["frame"])
        picture = hv.DynamicMap(self.image, streams=[again, *ranges], cache_size=1)
        self.ranges = ranges[0] if ranges else None
        self.tap = hv.streams.Tap(source=picture)
        self.tap.add_subscriber(page.tapped)
        self.box = hv.streams.BoundsXY(source=picture)
        self.box.add_subscriber(page.boxed)
        self.lasso = hv.streams.Lasso(source=picture)
        self.lasso.add_subscriber(page.circled)
        styled = picture.opts(**view.style())
        parts = [styled]
        if _veil.offered(view.cube, view.variable):
            parts.append(hv.DynamicMap(self.veil, streams=[again, *ranges], cache_size=1))
        marks = hv.DynamicMap(_map.marks, streams={"places": page.param.places}, cache_size=1)
        border = hv.DynamicMap(self._border, streams={"region": page.param.region}, cache_size=1)
        parts += [_map.outlines(view.cube, page.outlines), border, marks]
        self.object = hv.Overlay(parts).collate() if len(parts) == 1 else _joined(parts)
        self.object = self.object.opts(**_map.frame(view.cube, HEIGHT))

    def image(self, frame: int = 0, x_range: Any = None, y_range: Any = None) -> Any:
        """Return the picture; where it cannot be read, the last one, and the page says why."""
        started = time.perf_counter()
        try:
            picture = self._view.picture(x_range, y_range)
        except (MusyqError, OSError, MemoryError) as error:
            self._page.fail(str(error) or type(error).__name__)
            return self._last if self._last is not None else self._nothing()
        self._last = picture
        if self._drawn is not None:
            self._drawn(time.perf_counter() - started, picture)
        return picture

    def veil(self, frame: int = 0, x_range: Any = None, y_range: Any = None) -> Any:
        """Return what lies over the picture; nothing where it cannot be read."""
        try:
            return self._view.veil(x_range, y_range)
        except (MusyqError, OSError, MemoryError):
            return _veil.styled(hv.Image(np.zeros((2, 2), np.uint8), kdims=["x", "y"], vdims=["veil"]))

    def _nothing(self) -> Any:
        """Return an empty picture with the layers of a full one."""
        limits = [_data.limits(self._view.cube, axis) for axis in (self._view.cube.x, self._view.cube.y)]
        (west, east), (south, north) = limits
        first = "value" if self._view.continuous else "class"
        layers = [np.full((2, 2), np.nan)] * (1 if first == "value" or self._view.legend.codes else 2)
        across, down = (np.linspace(low, high, 2) for low, high in ((west, east), (south, north)))
        return hv.Image((across, down, *layers), kdims=["x", "y"], vdims=[first, "value"][: len(layers)])

    @staticmethod
    def _border(region: Any) -> Any:
        return _map.border(region.rings if region is not None else [])


def _joined(parts: list[Any]) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = whole * part
    return whole
