"""The map on which a region is drawn: outlines of land, of the data and of the region; no values are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np

from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._map import _coast
from musyq_lab.production.download.region import Area

_HEIGHT = 300
_TOLERANCE = 200  # a freehand outline is simplified to this part of its size
_DIGITS = 4  # of degrees: about 10 m


class RegionMap:
    """A map with a tool for boxes and one for outlines drawn freehand.

    Parameters
    ----------
    drawn : callable
        Called with the region as text: ``west,south,east,north``, or GeoJSON.
    """

    def __init__(self, drawn: Callable[[str], None]) -> None:
        self._drawn = drawn
        self.pane = pn.pane.HoloViews(sizing_mode="stretch_width", margin=0)
        self._pipe = hv.streams.Pipe(data=None)

    def show(self, outline: Any, area: Area | None) -> None:
        """Draw the map of other data.

        Parameters
        ----------
        outline : shapely geometry
            Of the data, in degrees.
        area : Area or None
            Region chosen now.
        """
        self._pipe = hv.streams.Pipe(data=area)
        coast = hv.Path(list(_coast()), kdims=["x", "y"]).opts(color="#666666", line_width=0.6)
        base = hv.Path([np.asarray(outline.exterior.coords)], kdims=["x", "y"])
        self.box = hv.streams.BoundsXY(source=base)
        self.box.add_subscriber(self._boxed)
        self.lasso = hv.streams.Lasso(source=base)
        self.lasso.add_subscriber(self._lassoed)
        base = base.opts(
            color="#1b6ca8", line_width=1.5, line_dash="dashed", tools=["box_select", "lasso_select", "hover"]
        )
        region = hv.DynamicMap(_region, streams=[self._pipe])
        self.pane.object = (coast * base * region).opts(**_frame(outline.bounds))

    def choose(self, area: Area | None) -> None:
        """Draw another region on the same map."""
        self._pipe.send(area)

    def _boxed(self, bounds: Any = None) -> None:
        if bounds is not None:
            west, south, east, north = (round(float(v), _DIGITS) for v in bounds)
            west, east = max(west, -180), min(east, 360)
            if east - west > 360:  # around the whole globe and more
                west, east = -180, 180
            self._drawn(f"{west},{max(south, -90)},{east},{min(north, 90)}")

    def _lassoed(self, geometry: Any = None) -> None:
        if geometry is None or len(geometry) < 3:
            return
        import shapely

        drawn = shapely.make_valid(shapely.Polygon(np.asarray(geometry, float)))
        parts = [part for part in shapely.get_parts(drawn) if part.geom_type == "Polygon"]
        if not parts:
            return
        # Of an outline that crosses itself, the largest part is what was meant.
        whole = max(parts, key=lambda part: part.area)
        simple = whole.simplify(max(whole.bounds[2] - whole.bounds[0], whole.bounds[3] - whole.bounds[1]) / _TOLERANCE)
        self._drawn(json.dumps(shapely.geometry.mapping(shapely.set_precision(simple, 10.0**-_DIGITS))))


def _region(data: Any = None) -> Any:
    """Return the polygons of a region, those beyond 180 degrees on the other side as well."""
    import shapely

    rings: list[Any] = []
    for part in shapely.get_parts(data.polygon()) if data is not None and not data.is_point else ():
        ring = np.asarray(part.exterior.coords)[:, :2]
        rings.append(ring)
        if ring[:, 0].max() > 180.0:
            rings.append(ring - np.array([360.0, 0.0]))
    point = [(data.west, data.south)] if data is not None and data.is_point else []
    shapes = hv.Polygons(rings, kdims=["x", "y"]).opts(
        fill_color="#d0006f", fill_alpha=0.15, line_color="#d0006f", line_width=1.2, tools=[]
    )
    return shapes * hv.Points(point, kdims=["x", "y"]).opts(color="#d0006f", size=9, marker="circle_cross", tools=[])


def _frame(bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = bounds
    margin = 0.05 * max(east - west, north - south, 0.02)
    return {
        "responsive": True,
        "height": _HEIGHT,
        "xlim": (west - margin, east + margin),
        "ylim": (max(-90.0, south - margin), min(90.0, north + margin)),
        "xlabel": "longitude (degrees)",
        "ylabel": "latitude (degrees)",
        "toolbar": "above",
        "default_tools": ["pan", "wheel_zoom", "reset"],
        "active_tools": ["box_select"],
        "show_legend": False,
        "show_grid": True,
        "gridstyle": {"grid_line_color": "#999999", "grid_line_alpha": 0.25},
    }
