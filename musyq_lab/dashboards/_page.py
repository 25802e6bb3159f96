"""The frame of all pages: what a page is called, the code and the address that restore a view, plain messages."""

from __future__ import annotations

import contextlib
from abc import ABCMeta, abstractmethod
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.dashboards._extension import inline_styles, pn, stylesheet
from musyq_lab.dashboards._shelf import Shelf

WIDE: dict[str, Any] = {"sizing_mode": "stretch_width"}
COLUMN = 210
"""Width of the column of choices (px)."""
_MONO = "textarea {font-family: monospace; font-size: 13px}"


class _Kind(ABCMeta, type(pn.viewable.Viewer)):  # type: ignore[misc]  # see pn
    """Kind of pages: parameters of Panel's viewers, and methods that each page has to have."""


class Page(pn.viewable.Viewer, metaclass=_Kind):  # type: ignore[misc]  # see pn
    """A page of the platform, which is the same object in a notebook cell, served, and without a browser.

    A subclass calls ``super().__init__``, then builds its panes; ``__panel__`` returns :meth:`framed` of them.
    """

    title: ClassVar[str] = ""
    """Name in menus."""
    summary: ClassVar[str] = ""
    """What one does here, in a sentence."""
    address: ClassVar[str] = ""
    """Last part of its address."""

    def __init__(self, **params: Any) -> None:
        sheet = [stylesheet()]
        self.header = text(stylesheets=sheet, **WIDE, margin=(4, 10))
        self.footer = text(css_classes=["musyq-small"], stylesheets=sheet, **WIDE, margin=(0, 10))
        self.alert = pn.pane.Alert("", alert_type="danger", visible=False, **WIDE)
        self.code_box = pn.widgets.TextAreaInput(disabled=True, height=150, **WIDE, stylesheets=[_MONO])
        super().__init__(**params)

    @classmethod
    @abstractmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for.

        Parameters
        ----------
        shelf : Shelf
            What may be shown.
        query : mapping of str to str
            The part of the address behind ``?``, as :meth:`query` gave it: ``data`` is a title of ``shelf.maps()``
            (the start page's links hold it), ``granule`` a name of ``shelf.granules()``; none for the first one.

        Raises
        ------
        MusyqError
            If the address asks for what is not there.
        """

    def query(self) -> dict[str, str]:
        """Return what restores this very view, as the part of an address behind ``?``."""
        return {}

    @abstractmethod
    def code(self) -> str:
        """Return about five lines of Python that make this very view."""

    def changed(self) -> None:
        """Bring code and address in line with the view; a subclass calls it after each change."""
        self.code_box.value = self.code()
        location = pn.state.location
        if location is not None and pn.state.curdoc is not None:
            location.search = f"?{urlencode(self.query())}" if self.query() else ""

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Turn an error of what a person does into a message on the page; the last view stays."""
        self.alert.visible = False
        try:
            yield
        except (MusyqError, OSError, MemoryError) as error:
            self.fail(str(error) or type(error).__name__)

    def fail(self, message: str) -> None:
        """Say what went wrong; the last view stays."""
        self.alert.object = escape(message)
        self.alert.visible = True

    def code_tab(self) -> Any:
        """Return the pane with the code and a button that copies it."""
        copy = pn.widgets.Button(name="Copy", width=80)
        copy.js_on_click(args={"text": self.code_box}, code="navigator.clipboard.writeText(text.value)")
        return pn.Column(self.code_box, copy, **WIDE)

    def framed(self, choices: Any, *body: Any) -> Any:
        """Return the page: header, a narrow column of choices beside the body, footer."""
        right = pn.Column(self.alert, *body, **WIDE, margin=0)
        row = pn.Row(pn.Column(choices, width=COLUMN, margin=0), right, **WIDE, margin=0)
        return pn.Column(self.header, row, self.footer, **WIDE, max_width=1500, hooks=[inline_styles])


def text(**options: Any) -> Any:
    """Return a piece of HTML whose change sends its text alone.

    Panel's HTML pane sends its style sheets with every change, in a notebook as addresses on a content network.
    """
    return pn.widgets.StaticText(value="", **options)


def number_of(query: Mapping[str, str], name: str) -> float | None:
    """Return a number of an address; None where it is not named.

    Raises
    ------
    InputError
        If it is no finite number.
    """
    if name not in query:
        return None
    try:
        value = float(query[name])
    except ValueError:
        value = float("nan")
    if value - value != 0:  # NaN or infinite
        raise InputError(f"{name}={query[name]!r} in the address is no number.")
    return value
