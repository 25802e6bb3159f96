"""The start page: what is there to look at, and the command that makes what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from musyq_lab.dashboards._extension import here, pn, stylesheet
from musyq_lab.dashboards._shelf import Archive, Shelf, samples

_CELL = "style='padding:4px 14px 4px 0;vertical-align:top;text-align:left'"
_MOST = 60
"""Rows of one table; a folder of more is searched on the Download page."""
_MAKE = {
    "Products": "musyq simulate && musyq produce lai",
    "Raw granules": "musyq simulate",
}
_FOR_ARCHIVES = ("explorer", "change", "download")


def start_page(shelf: Shelf, menu: Mapping[str, tuple[str, str]], *, links: bool = True) -> Any:
    """Return the page that says what is there.

    Parameters
    ----------
    shelf : Shelf
        What may be shown.
    menu : mapping of str to (str, str)
        Address of each page -> its name and what one does there.
    links : bool
        Whether lines lead to pages; in a notebook cell there is no address to follow.
    """
    made, own = _archives(shelf)
    parts = [
        "<h1>MuSyQ Lab</h1>",
        _menu(menu, links),
        _section("Products", [_archive_row(a, menu, links) for a in made], shelf),
        _section("Computed here", [_archive_row(a, menu, links) for a in own], shelf) if own else "",
        _section("Raw granules", _granule_rows(shelf, menu, links), shelf),
        f"<h2>Samples</h2>{_table(_sample_rows(links))}",
        "<p>In a notebook: <code>import musyq_lab as ml; ml.explore()</code></p>",
    ]
    html = pn.pane.HTML("".join(parts), stylesheets=[stylesheet()], sizing_mode="stretch_width")
    return pn.Column(html, max_width=1000, margin=(10, 30))


def _archives(shelf: Shelf) -> tuple[list[Archive], list[Archive]]:
    """Return the products, and those that the pages have computed."""
    inside = shelf.results.resolve()
    found = list(shelf.archives().values())
    own = [archive for archive in found if archive.folder.resolve().is_relative_to(inside)]
    return [archive for archive in found if archive not in own], own


def _menu(menu: Mapping[str, tuple[str, str]], links: bool) -> str:
    return _table([[_link(f"./{at}", name, links), escape(text)] for at, (name, text) in menu.items()])


def _section(title: str, rows: Sequence[Sequence[str]], shelf: Shelf) -> str:
    more = f"<p>{len(rows) - _MOST} more: search them on the Download page.</p>" if len(rows) > _MOST else ""
    if rows:
        return f"<h2>{title}</h2>{_table(rows[:_MOST])}{more}"
    folders = ", ".join(f"<code>{escape(here(folder))}</code>" for folder in shelf.looked_at)
    return f"<h2>{title}</h2><p>None in {folders}. <code>{_MAKE.get(title, '')}</code> makes some.</p>"


def _archive_row(archive: Archive, menu: Mapping[str, tuple[str, str]], links: bool) -> list[str]:
    asked = urlencode({"data": archive.title})
    ways = " · ".join(_link(f"./{at}?{asked}", menu[at][0], links) for at in _FOR_ARCHIVES if at in menu)
    count = len(archive.periods)
    first = _link(f"./explorer?{asked}", archive.title, links)
    return [first, f"{count} period{'s' if count > 1 else ''}", ways if links else ""]


def _granule_rows(shelf: Shelf, menu: Mapping[str, tuple[str, str]], links: bool) -> list[list[str]]:
    rows = []
    for name, granule in shelf.granules().items():
        link = _link(f"./granules?{urlencode({'granule': name})}", name, links and "granules" in menu)
        rows.append([link, escape(granule.sensor.title)])
    return rows


def _sample_rows(links: bool) -> list[list[str]]:
    rows = []
    for _, entry in samples():
        link = _link(f"./explorer?{urlencode({'data': entry.title})}", entry.title, links)
        rows.append([link, escape(str(entry.metadata.get("summary", "")))])
    return rows


def _link(address: str, words: str, links: bool) -> str:
    return f"<a href='{escape(address)}'>{escape(words)}</a>" if links else escape(words)


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of HTML cells as a table."""
    lines = "".join(f"<tr>{''.join(f'<td {_CELL}>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{lines}</table>"
