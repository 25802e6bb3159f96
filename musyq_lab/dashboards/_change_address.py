"""The address and the lines of Python that restore a view of the Change page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from musyq_lab.core.errors import InputError, closest
from musyq_lab.dashboards._change_kinds import KINDS, MEASURES, Ask, kind_of
from musyq_lab.dashboards._change_work import series_of
from musyq_lab.dashboards._page import number_of

if TYPE_CHECKING:
    from musyq_lab.dashboards.change import Change

_SPANS = ("baseline", "before", "after")
_CHOICES = {"measure": tuple(MEASURES), "model": ("trend", "level")}


def asked(kind: str, options: Mapping[str, Any]) -> Ask:
    """Return what is asked, checked.

    Parameters
    ----------
    kind : str
        Key of :data:`KINDS`.
    options : mapping of str to object
        Further fields of :class:`Ask`.

    Raises
    ------
    NotFoundError
        If there is no such analysis.
    InputError
        If an option is unknown or no such value.
    """
    kind_of(kind)
    known = [f.name for f in fields(Ask) if f.name != "kind"]
    made: dict[str, Any] = {}
    for name, value in options.items():
        if name not in known:
            raise InputError(f"change() has no option {name!r}.{closest(name, known)}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise InputError(f"{name}={value!r} is none. Use one of {', '.join(_CHOICES[name])}.")
        made[name] = _span(name, value) if name in _SPANS and value is not None else value
    return Ask(kind, **made)


def _span(name: str, value: Any) -> tuple[int, int]:
    try:
        first, last = (int(year) for year in value)
    except (TypeError, ValueError):
        raise InputError(f"{name}={value!r} is no period. Give first and last year, such as (2010, 2014).") from None
    if first > last:
        raise InputError(f"{name}=({first}, {last}) ends before it begins. Give the earlier year first.")
    return first, last


def options_of(query: Mapping[str, str]) -> dict[str, Any]:
    """Return what an address asks for as options of :class:`~musyq_lab.dashboards.change.Change`.

    Raises
    ------
    InputError
        If a number or a period is none.
    """
    found: dict[str, Any] = {
        name: query[name] for name in ("variable", "analysis", "layer", "region", "step") if name in query
    }
    found |= {name: query[name] for name in _CHOICES if name in query}
    found |= {name: _span(name, query[name].split("-")) for name in _SPANS if name in query}
    x, y = number_of(query, "x"), number_of(query, "y")
    if x is not None and y is not None:
        found["point"] = (x, y)
    if query.get("outlines") == "no":
        found["outlines"] = False
    return found


def query_of(page: Change) -> dict[str, str]:
    """Return what restores the view, as the part of an address behind ``?``."""
    found = {"data": str(page.source), "variable": str(page.variable), "analysis": page.ask.kind}
    if page.layer and page.layer != next(iter(KINDS[page.ask.kind].maps)):
        found["layer"] = str(page.layer)
    for name, value in page.ask.options().items():
        found[name] = f"{value[0]}-{value[1]}" if name in _SPANS else str(value)
    if len(page.step_labels) > 1:
        found["step"] = page.step_labels[page.step]
    if page.point is not None:
        found |= {"x": f"{page.point[0]:.6g}", "y": f"{page.point[1]:.6g}"}
        if max(map(abs, page.point)) >= 1000:
            found |= {"x": f"{page.point[0]:.1f}", "y": f"{page.point[1]:.1f}"}
    if page.region is not None:
        found["region"] = page.region.text
    if not page.outlines:
        found["outlines"] = "no"
    return found


def code_of(page: Change) -> str:
    """Return the lines that make the view, and those that make the result without it."""
    cube, ask = page.cube, page.ask
    options = "".join(f", {name}={value!r}" for name, value in ask.options().items())
    if page.layer and page.layer != next(iter(KINDS[ask.kind].maps)):
        options += f", layer={page.layer!r}"
    if len(page.step_labels) > 1:
        options += f", step={page.step_labels[page.step]!r}"
    lines = ["import musyq_lab as ml", "", cube.code]
    lines.append(f'view = ml.change({cube.given}, variable="{page.variable}", analysis="{ask.kind}"{options})')
    if page.point is not None:
        lines.append(f"view.select({page.point[0]:.6f}, {page.point[1]:.6f})")
    if page.region is not None:
        lines.append(f"view.choose_region({page.region.text!r})")
    layer = cube.dataset[page.variable]
    subject = series_of(layer, cube, page.chosen)
    if KINDS[ask.kind].lacks(subject):
        return "\n".join([*lines, "view"])
    others = {d: 0 for d in map(str, layer.dims) if d not in (cube.x, cube.y, subject.dim)}
    cut = f".isel({', '.join(f'{d}={at}' for d, at in others.items())})" if others else ""
    name = f'data["{page.variable}"]'
    result = KINDS[ask.kind].lines(str(page.variable), subject, ask)
    return "\n".join(
        [*lines, "view", "", "# The same result without the page, of all cells:", f"layer = {name}{cut}", *result]
    )
