"""Report-grade stills: classed equal-area maps, ranked bars, seasonal curves, tables and the folder that holds them.

A figure is drawn by :func:`~musyq_lab.figures.maps.draw_map`, :func:`~musyq_lab.figures.charts.draw_ranked_bars`,
:func:`~musyq_lab.figures.charts.draw_seasonal_cycle`, :func:`~musyq_lab.figures.timeline.draw_years`,
:func:`~musyq_lab.figures.ranges.draw_ranges` or :func:`~musyq_lab.figures.scatter.draw_scatter`, in English or
Chinese, and kept by :func:`~musyq_lab.figures.bundle.save_figure` together with the numbers drawn, the code, the
provenance, a caption, an alternative text made from the numbers and a citation. Nothing is fetched from a network:
outlines, fonts and class tables ship with the package. Names are resolved when they are first used, so importing this
package stays light.
"""

from typing import Any

from musyq_lab.core.lazy import attribute

# Public name -> module that holds it.
_PUBLIC = {
    "Bundle": "bundle",
    "ClassTable": "classes",
    "Column": "tables",
    "MapRegion": "regions",
    "Report": "report",
    "YearLine": "timeline",
    "cite": "bundle",
    "class_table": "classes",
    "class_tables": "classes",
    "country": "regions",
    "describe_bars": "describe",
    "describe_map": "describe",
    "describe_ranges": "ranges",
    "describe_scatter": "scatter",
    "describe_seasonal_cycle": "describe",
    "describe_years": "timeline",
    "draw_map": "maps",
    "draw_ranges": "ranges",
    "draw_ranked_bars": "charts",
    "draw_scatter": "scatter",
    "draw_seasonal_cycle": "charts",
    "draw_years": "timeline",
    "map_region": "regions",
    "named_region": "regions",
    "pretty_units": "words",
    "save_figure": "bundle",
    "say": "words",
    "sensible": "tables",
    "sensible_table": "tables",
    "write_table": "tables",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605  (a computed list: names live in one place)


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562)."""
    return attribute(__name__, _PUBLIC, name)


def __dir__() -> list[str]:
    """Return the public names, so that completion shows them."""
    return list(__all__)
