"""A map as a live figure: picture, veil, outlines, marks; and what is clicked and drawn on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import Any

import holoviews as hv
import numpy as np

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards import _data, _map, _veil
from musyq_lab.dashboards._curtain import Curtain
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
    curtain : Curtain, optional
        The second map, where it lies over this one.
    """

    def __init__(
        self, page: Any, view: View, frames: Any, drawn: Drawn | None = None, curtain: Curtain | None = None
    ) -> None:
        self._page, self._view, self._drawn = page, view, drawn
        self._last: Any = None
        ranges = [hv.streams.RangeXY()] if view.large or curtain is not None else []
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
        if curtain is not None:
            parts += curtain.parts(ranges[0])
        marks = hv.DynamicMap(_map.marks, streams={"places": page.param.places}, cache_size=1)
        border = hv.DynamicMap(self._border, streams={"region": page.param.region}, cache_size=1)
        parts += [_map.outlines(view.cube, page.outlines), border, marks]
        self._drawn_as: list[Any] = []
        self._other: Figure | None = None
        whole = reduce(mul, parts)
        self.object = whole.opts(**_map.frame(view.cube, HEIGHT), hooks=[self._hook])

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

    def _hook(self, plot: Any, element: Any) -> None:
        """Note what the map is drawn as, and tie it to the other map of the same page; called by HoloViews."""
        shown = plot.state
        if any(known is shown for known in self._drawn_as):
            return
        self._drawn_as.append(shown)
        for other in self._other._drawn_as[-1:] if self._other is not None else []:
            for name in ("x_range", "y_range"):
                for end in ("start", "end"):
                    one, two = getattr(shown, name), getattr(other, name)
                    one.js_link(end, two, end)
                    two.js_link(end, one, end)

    @staticmethod
    def _border(region: Any) -> Any:
        return _map.border(region.rings if region is not None else [])


def link(first: Figure, second: Figure) -> None:
    """Let two maps pan and zoom together, in the browser itself."""
    first._other, second._other = second, first
