"""The download page: find data, choose a part, see what it takes, register, and save it with its attribution.

Nothing is read before a person asks for the files, but names and coordinates. On a server the files lie in a folder of
the session until the browser has fetched them (:mod:`musyq_lab.dashboards._stream`) and go with it; in a notebook they
are written to a folder, which the page names.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import param

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.dashboards import _download_search as finding
from musyq_lab.dashboards import _download_visitors as visitors
from musyq_lab.dashboards import _download_work as working
from musyq_lab.dashboards._download_panes import Panes
from musyq_lab.dashboards._extension import pn, ready
from musyq_lab.dashboards._jobs import JOBS, Job, State
from musyq_lab.dashboards._jobs_owner import owner
from musyq_lab.dashboards._page import Page
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._stream import DESK
from musyq_lab.production.download import attribution, registration
from musyq_lab.production.download.download import estimate
from musyq_lab.production.download.estimate import FORMATS, Estimate
from musyq_lab.production.download.region import Area
from musyq_lab.production.download.registration import Registration
from musyq_lab.production.download.select import select

_EVERY = 400  # milliseconds between two looks at a running job
_LAST = 30.0  # seconds that a job has to end when its page is closed


class Download(Page):
    """Take a part of a product home.

    Parameters
    ----------
    shelf : Shelf
        What there is to download.
    source : str, optional
        Title of a data set of the shelf, or name of a sample; the first if not given.
    region : str
        Words, box, point or GeoJSON; all of the map if empty.
    period : str
        Year, month, day, two of them with a slash between, or a label; all if empty.
    variables : sequence of str
        Variables; all if empty.
    format : {"NetCDF", "HDF5", "COG", "Zarr", "CSV"}
        Format.
    out : path, optional
        Folder in a notebook; ``musyq-downloads`` in the working folder if not given.

    Raises
    ------
    InputError, NotFoundError
        If there is nothing to download, or no such data, variable or format.
    """

    title: ClassVar[str] = "Download"
    summary: ClassVar[str] = (
        "Find data, choose region, period, variables and format, and save them with their citation."
    )
    address: ClassVar[str] = "download"

    text: Any = param.String("", label="Search", doc="Words that data must have.")
    product: Any = param.Selector(objects=[finding.ALL], label="Product", doc="Product that data must be of.")
    source: Any = param.Selector(label="Data", doc="Title of the data chosen.")
    variables: Any = param.ListSelector(default=[], label="Variables", doc="Variables, all if empty.")
    period: Any = param.String("", label="Period", doc="Period, all if empty.")
    region: Any = param.String("", label="Region", doc="Region as text or GeoJSON, all if empty.")
    format: Any = param.Selector(objects=list(FORMATS), default="NetCDF", label="Format", doc="Format of the files.")
    only: Any = param.Boolean(
        False, label="Only data with this region and period", doc="Whether the search looks at region and period."
    )

    def __init__(
        self,
        shelf: Shelf,
        *,
        source: str | None = None,
        region: str = "",
        period: str = "",
        variables: Sequence[str] = (),
        format: str = "NetCDF",
        out: str | Path | None = None,
    ) -> None:
        self._stock = finding.stock(shelf)
        if not self._stock:
            raise InputError("There is nothing to download. `musyq produce lai` makes products.")
        self.job: Job | None = None
        self.made: working.Made | None = None
        self.estimate: Estimate | None = None
        self.terms: dict[str, str] = {}
        self._outline: Any = None
        self._session = _session()
        self._document = pn.state.curdoc if self.served else None
        self._out: Path | None = None if self.served else Path(out or working.OUT)
        self._timer: Any = None
        self._links: dict[str, str] = {}
        self._quiet = False
        super().__init__()
        self.param.product.objects = finding.products(self._stock.values())
        self.param.source.objects = list(self._stock)
        self.source = self._titled(source) if source else next(iter(self._stock))
        if format not in FORMATS:
            raise InputError(f"There is no format {format!r}.{closest(format, FORMATS)}")
        self.region, self.period, self.format = region, period, format
        self.panes = Panes(self)
        self._watch()
        self._new_source(variables)

    @classmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for."""
        wanted = {name: query[name] for name in ("region", "period", "format") if name in query}
        names = [name for name in query.get("variables", "").split(",") if name]
        return cls(shelf, source=query.get("data"), variables=names, **wanted)

    def __panel__(self) -> Any:
        """Return the page."""
        return self.panes.layout

    @property
    def served(self) -> bool:
        """Whether a server hands out the files; else they are written to a folder."""
        return bool(self._session) and DESK.serving

    @property
    def stock(self) -> finding.Stock:
        """The data chosen."""
        return self._stock[self.source]

    @property
    def folder(self) -> Path:
        """Where files are written, or the folder in which one for them will be made."""
        return self._out or working.PLACE.root

    @property
    def outline(self) -> Any:
        """Outline of the data in degrees."""
        return self._outline

    @property
    def area(self) -> Area | None:
        """The region chosen, None for all."""
        return working.area_of(self.region)

    def query(self) -> dict[str, str]:
        """Return the choices, as the part of an address behind ``?``."""
        told = {"data": self.source, "region": self.region.strip(), "period": self.period.strip()}
        told |= {"variables": ",".join(self.variables), "format": self.format}
        return {name: value for name, value in told.items() if value and (name, value) != ("format", "NetCDF")}

    def code(self) -> str:
        """Return the lines that make this very download."""
        region = working.region_of(self.region) if self.region.strip() else None
        options = [
            f"{name}={value!r}" for name, value in (("region", region), ("period", self.period.strip())) if value
        ]
        options += [f"variables={list(self.variables)!r}"] if self.variables else []
        options.append(f'format="{self.format}"')
        lines = ["import musyq_lab as ml", "", self.stock.code]
        lines += ['ml.register("your name", purpose="...")  # once']
        return "\n".join([*lines, f"ml.download(data, {', '.join(options)})"])

    def request(self) -> working.Request:
        """Return what the page asks for now."""
        limit = working.PLACE.limits.most if self.served else None
        chosen = (self.area, self.period.strip() or None, tuple(self.variables), self.format)
        return working.Request(self.stock.open(), *chosen, self.folder, self.panes.purpose.value.strip(), limit)

    def prepare(self, *_: Any) -> None:
        """Make the files, in a job."""
        with self.told():
            if self.job is not None and not self.job.seen().state.ended:
                raise InputError("A download is being made. Wait until it is done, or cancel it.")
            self.request()  # what cannot be had costs no earlier download
            if self.served:
                self._drop_files()
                self._out = working.PLACE.folder()
            request = self.request()
            if problem := (self.estimate.problem if self.estimate else ""):
                raise InputError(problem)
            self._register(request)
            self.made = None
            work = working.make(request, served=self.served)
            self.job = JOBS.start(f"Download of {self.source}", work, owner=owner(), memory=working.MEMORY)
            self._look_often()
        self.look()

    def cancel(self, *_: Any) -> None:
        """Stop making the files."""
        if self.job is not None:
            self.job.cancel()
        self.look()

    def look(self) -> None:
        """Show how far the job is; called again and again while it runs."""
        if self.job is None:
            return
        seen = self.job.seen()
        if seen.state.ended:
            self._stop_looking()
        if seen.state is State.DONE and self.made is not seen.result:
            self.made = seen.result
            self._measured(self.made, seen.seconds)
        if seen.state is State.FAILED:
            self.fail(seen.message)
        self.panes.progress(seen)

    def close(self, *_: Any) -> None:
        """End the job, the addresses and the files of a session that has ended."""
        self._stop_looking()
        if self.job is not None:
            self.job.cancel("The page was closed.")
        if self.served:
            threading.Thread(target=self._end, daemon=True).start()  # the server goes on meanwhile

    def _end(self) -> None:
        if self.job is not None:
            self.job.wait(_LAST)
        self._drop_files()

    def links(self) -> dict[str, str]:
        """Return the addresses at which the browser finds the files: words -> address. Each works once."""
        if self.made is None or not self.served:
            return {}
        for words, given in self.made.offers.items():
            if words not in self._links:
                spent = partial(self._renew, words)
                self._links[words] = DESK.address(given, self._session, user=pn.state.user, spent=spent)
        return dict(self._links)

    def _renew(self, words: str) -> None:
        """Put a fresh address on the page when one has been used."""
        self._links.pop(words, None)
        if self._document is not None:
            self._document.add_next_tick_callback(self.panes.offer)

    def _drop_files(self) -> None:
        """End the addresses of the last download, and delete its files once nobody fetches them any more."""
        folder, self._out = self._out, None
        self._links.clear()
        DESK.close(self._session, partial(working.PLACE.drop, folder) if folder else None)

    def _watch(self) -> None:
        self.param.watch(lambda *_: self._search(), ["text", "product", "only"])
        self.param.watch(lambda *_: self._new_source(()), "source")
        self.param.watch(lambda *_: self._new_part(), ["region", "period", "variables", "format"])
        if self._session:
            pn.state.on_session_destroyed(self.close)

    def _titled(self, name: str) -> str:
        named = {getattr(s.item, "name", s.title): s.title for s in self._stock.values()}
        title = named.get(name, name)
        if title not in self._stock:
            raise NotFoundError(f"There is nothing named {name!r} here. Go back to the list of all data.")
        return title

    def _search(self) -> None:
        """Show what matches; the choice stays as long as it does."""
        with self.told():
            where, when = (self.area, self.period) if self.only else (None, "")
            found = finding.search(self._stock, self.text, self.product, when, where)
            self.panes.found(len(found), len(self._stock))
            if not found:
                return
            chosen = self.source if self.source in found else next(iter(found))
            self.param.source.objects = list(found)
            self.source = chosen

    def _new_source(self, variables: Sequence[str]) -> None:
        with self.told():
            ds = self.stock.dataset()
            names = finding.variables(ds)
            if unknown := [name for name in variables if name not in ds.data_vars]:
                raise NotFoundError(f"The data have no variable {unknown[0]!r}.{closest(unknown[0], names)}")
            with self._together():
                self.variables = []
                self.param.variables.objects = list(dict.fromkeys([*names, *variables]))
                self.variables = list(variables)
            self._outline = finding.outline(ds)
            self.panes.new_source()
            self._new_part()

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        """Change choices that belong together, and look at none of them before all have changed."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _new_part(self) -> None:
        """Bring map, estimate, terms, code and address in line with the choices."""
        if self._quiet:
            return
        self.estimate = None
        with self.told():
            self.panes.map.choose(self.area)
            request = self.request()
            options = request.options()
            found = estimate(request.data, **options)
            self.estimate = found if found.seconds is not None else replace(found, seconds=_expected(found))
            names = ("region", "period", "variables")
            self.terms = attribution.terms(select(request.data, **{name: options[name] for name in names}).ds.attrs)
            self.changed()
            if problem := self.estimate.problem:
                raise InputError(problem)
        self.panes.estimated()

    def _register(self, request: working.Request) -> None:
        """Register whoever asks: the account in a notebook, the visitor on a server."""
        if self.panes.known is not None and not self.panes.name.value.strip():
            return
        person = Registration(*(field.value for field in self.panes.fields))
        if not self.served:
            registration.register(person.name, person.organisation, person.email, person.purpose)
            return
        visitors.account()
        told = {"data": self.source, "region": self.region[:200], "period": self.period, "format": self.format}
        visitors.note(person, told)

    def _look_often(self) -> None:
        self._stop_looking()
        if pn.state.curdoc is not None or pn.state._is_pyodide or _running_loop():
            self._timer = pn.state.add_periodic_callback(self.look, period=_EVERY)

    def _stop_looking(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.stop()

    def _measured(self, made: working.Made, seconds: float) -> None:
        if seconds > 0:
            _RATES[made.outcome.estimate.format] = made.outcome.estimate.read_bytes / seconds


_RATES: dict[str, float] = {}
"""Bytes read a second in each format, of the last download of this process."""


def _expected(found: Estimate) -> float | None:
    speed = _RATES.get(found.format)
    return found.read_bytes / speed if speed else None


def _session() -> str:
    """Return the secret id of the session of a served page, empty in a notebook."""
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    return str(context.id) if context is not None else ""


def _running_loop() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def download_page(folders: Sequence[str | Path] | None = None, **options: Any) -> Download:
    """Return the download page for a notebook.

    Parameters
    ----------
    folders : sequence of path, optional
        Folders of product files; those that the commands write if not given.
    **options
        As for :class:`Download`.
    """
    ready()
    return Download(Shelf(folders), **options)
