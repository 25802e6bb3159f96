"""The address and the lines of Python that restore a view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from musyq_lab.core.errors import InputError, closest
from musyq_lab.dashboards import _veil
from musyq_lab.dashboards._compare import ONE, WAYS
from musyq_lab.dashboards._places import coordinate
from musyq_lab.dashboards._shelf import quoted, samples

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

_STEP, _SECOND = "step.", "second."


def query_of(page: Explorer) -> dict[str, str]:
    """Return what :func:`restored` needs, without what is so from the start."""
    found = {"data": str(page.source), "variable": str(page.variable)}
    found |= {f"{_STEP}{dim}": text for dim, text in page.view.labels().items()}
    if page.places:
        found["places"] = ";".join(",".join(map(coordinate, place)) for place in _ordered(page))
    if page.region is not None:
        found["region"] = page.region.text
    if page.view.continuous:
        found["legend"] = page.legend_is
    if page.layers:
        found["layers"] = ",".join(page.layers)
    if not page.outlines:
        found["outlines"] = "no"
    second = page.second.view
    if page.compared != ONE and second is not None:
        found |= {"compared": page.compared, f"{_SECOND}data": page.second.source}
        found |= {f"{_SECOND}variable": second.variable}
        found |= {f"{_SECOND}{_STEP}{dim}": text for dim, text in second.labels().items()}
    return found


def _ordered(page: Explorer) -> list[tuple[float, float]]:
    """Return the chosen places, the one chosen last at the end."""
    return [*(place for place in page.places if place != page.point), page.point]


def code_of(page: Explorer) -> str:
    """Return the lines of Python that make the view; the data under a name of their own, to go on with."""
    cube = page.cube
    steps = "".join(f", {dim}={text}" for dim, text in page.view.literals().items())
    lines = ["import musyq_lab as ml", "", cube.code]
    lines.append(f"view = ml.explore({cube.given}, variable={quoted(page.variable)}{steps})")
    if page.view.classes is not None:
        lines[-1] = f"{lines[-1][:-1]}, classes={page.view.classes!r})"
    lines += [f"view.select({x:.6f}, {y:.6f})" for x, y in (_ordered(page) if page.places else [])]
    if page.region is not None:
        lines.append(f"view.choose_region({quoted(page.region.text)})")
    settings = {
        "legend_is": page.legend_is if page.view.continuous else "",
        "layers": list(page.layers),
        "compared": page.compared if page.compared != ONE else "",
    }
    changed = ", ".join(f"{name}={value!r}" for name, value in settings.items() if value)
    if changed:
        lines.append(f"view.param.update({changed})")
    lines += _second_code(page)
    return "\n".join([*lines, "view"])


def _second_code(page: Explorer) -> list[str]:
    second = page.second.view
    if page.compared == ONE or second is None or page.second.source != page.source:
        return []
    steps = "".join(f", {dim}={text}" for dim, text in second.literals().items())
    return [f"view.second.choose(variable={quoted(second.variable)}{steps})"]


def restored(kind: Any, sources: Mapping[str, Any], query: Mapping[str, str]) -> Any:
    """Return the page for what an address asks for.

    Parameters
    ----------
    kind : type
        The page.
    sources : mapping of str to object
        What may be shown: title -> data.
    query : mapping of str to str
        From :func:`query_of`; ``sample`` may name a shipped sample instead of ``data``.

    Raises
    ------
    InputError, NotFoundError
        If it asks for what is not there.
    """
    if not sources:
        raise InputError("There is nothing to show here. `musyq run solar_potential` makes a first product.")
    first = _title(sources, query)
    steps = {key.removeprefix(_STEP): text for key, text in query.items() if key.startswith(_STEP)}
    page = kind({first: sources[first], **sources}, variable=query.get("variable"), **_known(steps))
    for words in filter(None, query.get("places", "").split(";")):
        page.choose_region(words)
    if query.get("region"):
        page.choose_region(query["region"])
    _settings(page, query)
    return page


def _known(steps: Mapping[str, str]) -> dict[str, str]:
    """Refuse names that are no dimension, since they would reach the page's own arguments."""
    own = {"variable", "point", "classes", "outlines", "sources"}
    if wrong := own & set(steps):
        raise InputError(f"The address asks for a step along {sorted(wrong)[0]!r}, which is no dimension.")
    return dict(steps)


def _title(sources: Mapping[str, Any], query: Mapping[str, str]) -> str:
    named = {name: entry.title for name, entry in samples()}
    asked = query.get("data") or query.get("run") or query.get("sample")
    title = str(named.get(asked or "", asked or next(iter(sources))))
    if title not in sources:
        raise InputError(
            f"There is nothing named {asked!r} here.{closest(title, sources)} Go back to the list of all data."
        )
    return title


def _settings(page: Any, query: Mapping[str, str]) -> None:
    """Bring legend, layers and the second map to what an address asks for."""
    wanted: dict[str, Any] = {}
    for name, key in (("legend_is", "legend"), ("compared", "compared")):
        if key in query:
            _among(query[key], page.param[name].objects, key)
            wanted[name] = query[key]
    if query.get("layers"):
        wanted["layers"] = [_among(text, _LAYERS, "layers") for text in query["layers"].split(",")]
    if query.get("outlines") == "no":
        wanted["outlines"] = False
    page.param.update(**wanted)
    if page.compared == ONE:
        return
    steps = {k.removeprefix(_SECOND + _STEP): v for k, v in query.items() if k.startswith(_SECOND + _STEP)}
    source = query.get(f"{_SECOND}data")
    if source is not None:
        _among(source, page.sources, "second.data")
    page.second.choose(source, query.get(f"{_SECOND}variable"), **steps)


_LAYERS = (_veil.HIDE, _veil.HATCH, _veil.FADE)


def _among(text: str, known: Any, key: str) -> str:
    if text not in known:
        raise InputError(f"{key}={text!r} in the address is none of {', '.join(map(str, known))}.")
    return text


__all__ = ["WAYS", "code_of", "query_of", "restored"]
