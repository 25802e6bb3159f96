"""The second map over the first, from a line on to the right: a curtain that a slider draws."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards._data import limits
from musyq_lab.dashboards._view import View
from musyq_lab.dashboards._window import Range

_NOTHING = "#e6e6e6"  # cells without data of the second map: the first must not shine through
_LINE = "#d0006f"


class Curtain:
    """What the curtain shows.

    Parameters
    ----------
    page : Explorer
        Which is told of errors.
    second : Second
        Choices of the second map, with the position of the curtain in percent of the view.
    """

    def __init__(self, page: Any, second: Any) -> None:
        self._page, self._second = page, second
        self._last: Any = None

    def parts(self, ranges: Any) -> list[Any]:
        """Return the layers of the figure: the second picture and the line at its edge.

        Parameters
        ----------
        ranges : holoviews.streams.RangeXY
            What is in view.
        """
        streams = [hv.streams.Params(self._second, ["frame", "curtain"]), ranges]
        style = {**self._view.style(), "tools": [], "colorbar": self._view.legend != self._page.legend}
        if not self._view.continuous:
            style["clipping_colors"] = {"max": _NOTHING, "NaN": _NOTHING}
        else:
            style["clipping_colors"] = {"NaN": _NOTHING}
        picture = hv.DynamicMap(self.picture, streams=streams, cache_size=1).opts(**style)
        line = hv.DynamicMap(self.line, streams=streams, cache_size=1)
        return [picture, line]

    @property
    def _view(self) -> View:
        view: View = self._second.start()
        return view

    def edge(self, curtain: float, x_range: Range) -> tuple[float, float]:
        """Return where the second map begins and where the view ends."""
        left, right = x_range or limits(self._page.cube, self._page.cube.x)
        return left + (right - left) * curtain / 100, right

    def picture(self, frame: int = 0, curtain: float = 50, x_range: Range = None, y_range: Range = None) -> Any:
        """Return the part of the second map that is seen; where it cannot be read, the last one."""
        edge, right = self.edge(curtain, x_range)
        try:
            self._last = self._view.picture((edge, max(right, np.nextafter(edge, np.inf))), y_range)
        except (MusyqError, OSError, MemoryError) as error:
            self._page.fail(str(error) or type(error).__name__)
            if self._last is None:
                raise
        return self._last

    def line(self, frame: int = 0, curtain: float = 50, x_range: Range = None, y_range: Range = None) -> Any:
        """Return the edge."""
        return hv.VLine(self.edge(curtain, x_range)[0]).opts(color=_LINE, line_width=3)
