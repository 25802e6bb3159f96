"""What the download page is made of: choices, map, what it takes, who asks, and the finished files."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from musyq_lab.core.registry import html_table
from musyq_lab.dashboards._download_map import RegionMap
from musyq_lab.dashboards._download_visitors import known
from musyq_lab.dashboards._extension import here, pn, stylesheet
from musyq_lab.dashboards._jobs import Seen, State
from musyq_lab.dashboards._page import COLUMN, WIDE, text
from musyq_lab.production.download.estimate import size

if TYPE_CHECKING:
    from musyq_lab.dashboards.download import Download

_NARROW: dict[str, Any] = {"width": COLUMN - 20, "description": None}
_FREE = (
    "Downloads are free, subject to registration and attribution. What you enter stays {where} and goes into no file "
    "that you get."
)
_WRAPPED = "white-space:pre-wrap;overflow-wrap:anywhere"
_SCROLLED = "overflow-wrap:anywhere;max-height:300px;overflow-y:auto"
_STATES = {
    State.WAITING: "Waiting for its turn",
    State.RUNNING: "Being made",
    State.STOPPING: "Being stopped",
    State.DONE: "Done",
    State.FAILED: "It failed",
    State.CANCELLED: "Cancelled",
}


class Panes:
    """The panes of a :class:`~musyq_lab.dashboards.download.Download`."""

    def __init__(self, page: Download) -> None:
        self._page = page
        self.map = RegionMap(self._drawn)
        self.known = None if page.served else known()
        sheet = [stylesheet()]
        self._found = text(css_classes=["musyq-small"], stylesheets=sheet, margin=(0, 10))
        self._takes = text(stylesheets=sheet, **WIDE)
        self._terms = text(stylesheets=sheet, **WIDE)
        self._state = text(stylesheets=sheet, **WIDE)
        self.files = text(stylesheets=sheet, **WIDE)
        self._receipt = text(stylesheets=sheet, **WIDE)
        self._bar = pn.indicators.Progress(value=0, max=100, active=False, visible=False, **WIDE)
        self.button = pn.widgets.Button(name="Make the files", button_type="primary", width=150)
        self.button.on_click(page.prepare)
        self.stop = pn.widgets.Button(name="Cancel", width=80, visible=False)
        self.stop.on_click(page.cancel)
        self._person()
        self.layout = page.framed(self._choices(), self.map.pane, self._below())

    def _person(self) -> None:
        place = {"sizing_mode": "stretch_width", "min_width": 140}
        self.name = pn.widgets.TextInput(name="Your name", max_length=400, **place)
        self.organisation = pn.widgets.TextInput(name="Organisation (optional)", max_length=400, **place)
        self.email = pn.widgets.TextInput(name="Email (optional, for news of versions)", max_length=400, **place)
        self.purpose = pn.widgets.TextInput(name="Purpose (optional)", max_length=400, **place)
        self.fields = (self.name, self.organisation, self.email, self.purpose)

    def _choices(self) -> Any:
        p = self._page.param
        search = pn.widgets.TextInput.from_param(p.text, placeholder="words, such as lai 2015", **_NARROW)
        product = pn.widgets.Select.from_param(p.product, **_NARROW)
        data = pn.widgets.Select.from_param(p.source, **_NARROW)
        chosen = pn.widgets.MultiSelect.from_param(p.variables, name="Variables (none: all)", size=4, **_NARROW)
        period = pn.widgets.TextInput.from_param(p.period, placeholder="2015-07, 2015/2018; empty: all", **_NARROW)
        region = pn.widgets.TextInput.from_param(
            p.region, placeholder="china; 70,15,140,55; draw it", max_length=200_000, **_NARROW
        )
        only = pn.widgets.Checkbox.from_param(p.only, width=COLUMN - 20)
        form = pn.widgets.Select.from_param(p.format, **_NARROW)
        return pn.Column(search, product, self._found, data, chosen, period, region, only, form, margin=0)

    def _below(self) -> Any:
        where = "on this server" if self._page.served else "on this machine"
        free = text(stylesheets=[stylesheet()], css_classes=["musyq-small"], **WIDE)
        free.value = f"<p>{_FREE.format(where=where)}</p>"
        if self.known is not None:
            free.value += f"<p>Registered as {escape(self.known.name)}. Enter a name only to change that.</p>"
        who = pn.Column(
            pn.Row(self.name, self.organisation, **WIDE, margin=0),
            pn.Row(self.email, self.purpose, **WIDE, margin=0),
            free,
            pn.Row(self.button, self.stop, margin=0),
            self._bar,
            self._state,
            self.files,
            **WIDE,
            margin=0,
        )
        tabs = pn.Tabs(
            ("What it takes", pn.Column(self._takes, **WIDE)),
            ("Citation and licence", pn.Column(self._terms, **WIDE)),
            ("Receipt", pn.Column(self._receipt, **WIDE)),
            ("Code", self._page.code_tab()),
            **WIDE,
        )
        return pn.Row(tabs, who, **WIDE, margin=0)

    def _drawn(self, region: str) -> None:
        self._page.region = region

    def found(self, count: int, total: int) -> None:
        """Say how many data sets match."""
        none = " Take a word away." if not count else ""
        self._found.value = f"<p>{count} of {total} data sets match.{none}</p>"

    def new_source(self) -> None:
        """Show other data."""
        page = self._page
        page.header.value = f"<h1>{escape(page.source)}</h1><p>{escape(page.summary)}</p>"
        self.map.show(page.outline, None)  # the region is drawn when it is known to be one

    def estimated(self) -> None:
        """Show what the download takes and on what terms, or that it cannot be made."""
        page = self._page
        fits = page.estimate is not None and page.estimate.fits
        self.button.disabled = not fits
        self._takes.value = (
            _table(page.estimate.table(), "What it takes") if page.estimate else "<p>Nothing can be made of this.</p>"
        )
        rows = [[name, page.terms[name]] for name in ("citation", "licence", "terms") if name in page.terms]
        self._terms.value = _table([["about", "the data say"], *rows], page.terms.get("title", "The data"))
        place = "files go with this page; save them" if page.served else f"files are written to {here(page.folder)}"
        page.footer.value = (
            f"<p>Nothing is read before you make the files · {escape(place)} · outlines: Natural Earth</p>"
        )

    def progress(self, seen: Seen) -> None:
        """Show how far the job is."""
        going = not seen.state.ended
        self._bar.visible = self.stop.visible = going
        self._bar.active = going and not seen.fraction
        self._bar.value = round(100 * seen.fraction) if seen.fraction else -1
        last = f": {escape(seen.lines[-1])}" if seen.lines else ""
        self._state.value = f"<p>{_STATES[seen.state]}, {seen.seconds:.0f} s{last}</p>"
        self.offer()

    def offer(self) -> None:
        """Show the finished files: links on a server, a folder in a notebook."""
        page, made = self._page, self._page.made
        if made is None:
            self.files.value = self._receipt.value = ""
            return
        about = f"<p><b>{escape(made.outcome.path.name)}</b>, {size(made.outcome.nbytes)}</p>"
        digest = f"<p style='{_WRAPPED}'>SHA-256 {made.outcome.sha256}</p>"
        with page.told():
            links = "".join(
                f"<li><a href='{escape(link)}' target='_blank' rel='noopener'>Save {escape(words)}</a></li>"
                for words, link in page.links().items()
            )
        local = f"<p>It lies in <code>{escape(here(made.outcome.path.parent))}</code>.</p>"
        self.files.value = f"{about}<ul>{links}</ul>{digest}" if links else f"{about}{local}{digest}"
        rows = [["receipt", "says"], *([key, _said(value)] for key, value in made.receipt.items() if key != "files")]
        told = f"<pre style='{_WRAPPED};max-height:200px;overflow-y:auto'>{escape(made.attribution)}</pre>"
        self._receipt.value = _table(rows, "Receipt") + told


def _table(rows: list[list[str]], title: str) -> str:
    """Return a table whose long names break, so that the page needs no horizontal scroll."""
    return f"<div style='{_SCROLLED}'>{html_table(rows, title)}</div>"


def _said(value: Any) -> str:
    return ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
