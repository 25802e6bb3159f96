"""The platform: all pages behind one menu, served by ``musyq serve`` or in one notebook cell (``ml.platform()``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import MusyqError
from musyq_lab.dashboards._extension import inline_styles, pn, ready, stylesheet
from musyq_lab.dashboards._page import WIDE, Page
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._start import start_page

# Imported when a page is first asked for: the start page is there at once.
_PAGES = ("explorer:Explorer", "change:Change", "compute:Compute", "download:Download", "granules:Granules")


@cache
def page_classes() -> dict[str, type[Page]]:
    """Return the pages in the order of the menu: address -> class."""
    found = {}
    for text in _PAGES:
        module, name = text.split(":")
        page: type[Page] = getattr(import_module(f"musyq_lab.dashboards.{module}"), name)
        found[page.address] = page
    return found


def menu() -> dict[str, tuple[str, str]]:
    """Return address -> name and summary of each page."""
    return {address: (page.title, page.summary) for address, page in page_classes().items()}


def opened(address: str, shelf: Shelf, query: Mapping[str, str]) -> Any:
    """Return a page for an address, or the reason why it cannot be shown, in words.

    Parameters
    ----------
    address : str
        Key of :func:`page_classes`.
    shelf : Shelf
        What may be shown.
    query : mapping of str to str
        The part of the address behind ``?``.
    """
    try:
        return page_classes()[address].open(shelf, query)
    except (MusyqError, OSError) as error:
        return pn.pane.Alert(escape(str(error)), alert_type="danger", **WIDE)


class Platform(pn.viewable.Viewer):  # type: ignore[misc]  # see pn
    """All pages in one notebook cell; a page is made when its tab is first opened.

    Parameters
    ----------
    shelf : Shelf
        What may be shown.
    """

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self.shelf = shelf
        self._addresses = ["", *page_classes()]
        names = ["Start", *(name for name, _ in menu().values())]
        first = start_page(shelf, menu(), links=False)
        empty = [pn.Column(**WIDE) for _ in names[1:]]
        self.tabs = pn.Tabs(*zip(names, [first, *empty], strict=True), dynamic=True, **WIDE)
        self.tabs.param.watch(self._open, "active")

    def __panel__(self) -> Any:
        """Return the tabs."""
        return pn.Column(self.tabs, **WIDE, hooks=[inline_styles])

    def _open(self, event: Any) -> None:
        place = self.tabs[event.new]
        if event.new and not len(place):
            place.append(opened(self._addresses[event.new], self.shelf, {}))

    def _repr_html_(self) -> str:
        return "<p>The pages of MuSyQ Lab. Show them in a notebook, or by <code>musyq serve</code>.</p>"


def platform(folders: Iterable[str | Path] | None = None, results: str | Path | None = None) -> Platform:
    """Show all pages in one notebook cell.

    Parameters
    ----------
    folders : iterable of path, optional
        Folders of products and granules; those that ``musyq run``, ``produce`` and ``simulate`` write in the working
        folder if not given.
    results : path, optional
        Where results of the pages are put; ``musyq-results`` in the working folder if not given.

    Returns
    -------
    Platform
        Shows itself in a notebook.

    Raises
    ------
    InputError
        If a folder does not exist.

    Examples
    --------
    >>> view = platform()  # doctest: +SKIP
    """
    ready()
    return Platform(Shelf(folders, results))


def navigation(current: str) -> Any:
    """Return the line of links above a served page."""
    links = [f"<a href='./{at}'>{escape(name)}</a>" for at, (name, _) in menu().items() if at != current]
    words = " · ".join(["<a href='./'>Start</a>", *links])
    return pn.pane.HTML(f"<nav>{words}</nav>", stylesheets=[stylesheet()], margin=(2, 10))
