"""The compute page: an expression or an algorithm over data of the shelf, on a part first, then as a job.

The same object works in a notebook cell (``compute(data)``), served by ``musyq serve``, and without a browser: set
``page.text``, call ``page.preview()`` and ``page.run()``, and ``page.wait()`` for what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import param
import xarray as xr

from musyq_lab.core.errors import InputError, MusyqError, closest
from musyq_lab.dashboards._compute_help import completed, suggestions
from musyq_lab.dashboards._compute_inputs import Inputs
from musyq_lab.dashboards._compute_panes import ComputePanes
from musyq_lab.dashboards._compute_preview import Preview, computed, tile
from musyq_lab.dashboards._compute_result import placed, write
from musyq_lab.dashboards._compute_tasks import AlgorithmTask, ExpressionTask, Task, checked_name, finite
from musyq_lab.dashboards._compute_verdict import Verdict, verdict
from musyq_lab.dashboards._extension import ready
from musyq_lab.dashboards._jobs import JOBS, Job, Seen, State
from musyq_lab.dashboards._jobs_owner import owner
from musyq_lab.dashboards._page import Page
from musyq_lab.dashboards._shelf import RESULTS, Archive, Shelf
from musyq_lab.products._registry import RETRIEVALS

EXPRESSION, ALGORITHM = "Expression", "Algorithm"
_MOST_ADDRESS = 2000


class Compute(Page):
    """Compute from data of the shelf.

    Parameters
    ----------
    offered : mapping of str to object
        Title -> :class:`Archive`, catalog entry, granule or Dataset.
    results : path
        Folder into which results go.
    shelf : Shelf, optional
        Where a result is found again.
    """

    title: ClassVar[str] = "Compute"
    summary: ClassVar[str] = "Compute from any data: an expression or an algorithm, on a part first, then as a job."
    address: ClassVar[str] = "compute"

    kind: Any = param.Selector(default=EXPRESSION, objects=[EXPRESSION, ALGORITHM], doc="What computes.")
    data: Any = param.List(default=[], doc="Titles of the data.")
    text: Any = param.String("", doc="The expression.")
    algorithm: Any = param.Selector(doc="Product key of the algorithm.")
    method: Any = param.String("", doc="Method of the algorithm; its first if empty.")
    mapped: Any = param.Dict(default={}, doc="Input of the algorithm -> variable.")
    result: Any = param.String("my_result", doc="Name of the result.")
    units: Any = param.String("", doc="Unit the result is to have; the one that follows if empty.")
    region: Any = param.String("", doc="Region: name, box or polygon; all if empty.")
    place: Any = param.String("", doc="Middle of the preview: across, up; the middle of the map if empty.")

    def __init__(self, offered: Mapping[str, Any], results: str | Path = RESULTS, shelf: Shelf | None = None) -> None:
        self.results, self.shelf = Path(results), shelf
        self.inputs = Inputs(offered)
        self.shown: Preview | None = None
        self.verdict: Verdict | None = None
        self.job: Job | None = None
        self._owner = owner()
        self._previewed = ""
        super().__init__()
        self.param.algorithm.objects = list(RETRIEVALS)
        self.algorithm = next(iter(RETRIEVALS))
        self.panes = ComputePanes(self)
        self.param.watch(self._rechosen, ["data", "region"])
        self.param.watch(self._edited, ["kind", "text", "algorithm", "method", "mapped", "result", "units", "place"])
        self._edited()
        self._find_jobs()

    @classmethod
    def open(cls, shelf: Shelf, query: Mapping[str, str]) -> Self:
        """Make the page for what an address asks for; see :meth:`musyq_lab.dashboards._page.Page.open`."""
        scenes = {f"Scene {name}": granule for name, granule in shelf.granules().items()}
        page = cls({**shelf.maps(), **scenes}, shelf.results, shelf)
        page.restore(query)
        return page

    def restore(self, query: Mapping[str, str]) -> None:
        """Bring the page to what an address asks for; nothing is computed.

        Raises
        ------
        MusyqError
            If it asks for what is not there.
        """
        kind = query.get("kind", EXPRESSION)
        if kind not in (EXPRESSION, ALGORITHM):
            raise InputError(f"kind={kind[:40]!r} in the address is none.{closest(kind, [EXPRESSION, ALGORITHM])}")
        titles = [query[name] for name in sorted(query) if name.startswith("data")]
        self.inputs.choose(titles, query.get("region", ""))
        known = {name: query[name] for name in ("text", "result", "units", "region", "place") if name in query}
        if (key := query.get("algorithm", self.algorithm)) not in RETRIEVALS:
            raise InputError(f"There is no algorithm {key[:40]!r}.{closest(key, RETRIEVALS)}")
        self.param.update(kind=kind, data=titles, algorithm=key, **known)

    def query(self) -> dict[str, str]:
        """Return what restores this very view, as the part of an address behind ``?``."""
        found = {f"data{position}": title for position, title in enumerate(self.data)}
        found |= {"kind": self.kind, "result": self.result}
        found |= {"text": self.text[:_MOST_ADDRESS]} if self.kind == EXPRESSION else {"algorithm": self.algorithm}
        more = {"units": self.units, "region": self.region[:_MOST_ADDRESS], "place": self.place}
        return found | {name: text for name, text in more.items() if text}

    def code(self) -> str:
        """Return the lines of Python that make the result."""
        try:
            lines = self.task().code()
        except MusyqError as error:
            return f"# {error}"
        opened = [f"{source.alias} = {source.code}" for source in self.inputs.sources]
        where = [f"# cut to the region {self.inputs.area.name}"] if self.inputs.area else []
        return "\n".join(["import musyq_lab as ml", "", *opened, *where, *lines, "made"])

    def __panel__(self) -> Any:
        """Return the page."""
        return self.panes.layout

    def task(self) -> Task:
        """Return what is to be computed."""
        if self.kind == EXPRESSION:
            return ExpressionTask(self.inputs, self.text, self.result, self.units)
        return AlgorithmTask(self.inputs, self.algorithm, self.result, self.method, self.mapped)

    def preview(self) -> None:
        """Compute a part of the result in a job, and show it."""
        with self.told():
            task = self.task()
            part = tile(self._made(task), self._place())
            name = next(iter(part.data_vars))
            state = self._state()

            def work(job: Job) -> Any:
                return state, computed(job, part, str(name))

            self._start(f"Preview of {task.name}", work)

    def run(self) -> None:
        """Compute all of the result in a job that writes it to the shelf, if it fits."""
        with self.told():
            task = self.task()
            made = self._made(task)
            judged = verdict(made, task.parts, self.results, self._pace()).require()
            where = placed(self.results, checked_name(self.result), task.spec(made), made, self.inputs)
            self._start(f"Result {task.name}", lambda job: write(job, made, where), judged.memory)

    def wait(self, seconds: float = 60.0) -> Seen | None:
        """Wait for the job that runs, show what came of it, and return it; for use without a browser."""
        if self.job is None:
            return None
        self.job.wait(seconds)
        self.panes.job.refresh()
        return self.job.seen()

    def complete(self, word: str) -> None:
        """Let the last word of the expression go on as a word of :meth:`suggestions`."""
        self.text = completed(self.text, word)

    def suggestions(self, text: str | None = None) -> list[tuple[str, str]]:
        """Return how the last word of the expression may go on: word, and what is shown of it."""
        return suggestions(self.text if text is None else text, [row[0] for row in self.inputs.listed()])

    def sentence(self, text: str | None = None) -> str:
        """Return what the expression gives, or why it gives nothing, in words."""
        task = self.task() if text is None else ExpressionTask(self.inputs, text, self.result, self.units)
        if not self.inputs.sources:
            return "Choose the data to compute from."
        try:
            return task.sentence()
        except MusyqError as error:
            return str(error)

    def ended(self, seen: Seen) -> None:
        """Show what came of a job."""
        if seen.state is State.FAILED:
            self.fail(seen.message)
        if seen.state is not State.DONE:
            return
        if isinstance(seen.result, Path):
            self.panes.written(self._written(seen.result))
            return
        state, self.shown = seen.result
        self._previewed = state
        self.panes.preview(self.shown)
        self._judge()

    def _made(self, task: Task) -> xr.Dataset:
        if not self.inputs.sources:
            raise InputError("Choose the data to compute from.")
        return finite(task.dataset())

    def _place(self) -> tuple[float, float] | None:
        if not self.place.strip():
            return None
        try:
            across, up = (float(part) for part in self.place.split(","))
        except ValueError:
            raise InputError(f"{self.place[:40]!r} is no place. Write across, up: such as 103.5, 36.") from None
        return across, up

    def _start(self, title: str, work: Any, memory: int = 0) -> None:
        if self.job is not None and not self.job.seen().state.ended:
            raise InputError(f"{self.job.title} still runs. Wait for it, or cancel it.")
        self.job = JOBS.start(title, work, owner=self._owner, memory=memory)
        self.panes.job.show(self.job)

    def _state(self) -> str:
        """Return what decides how long a cell takes."""
        query = self.query()
        return urlencode({name: text for name, text in query.items() if name not in ("result", "region", "place")})

    def _pace(self) -> float | None:
        return self.shown.per_cell if self.shown is not None and self._previewed == self._state() else None

    def _judge(self) -> None:
        with self.told():
            task = self.task()
            self.verdict = verdict(self._made(task), task.parts, self.results, self._pace())
            self.panes.judged(self.verdict)

    def _rechosen(self, *_events: Any) -> None:
        with self.told():
            self.inputs.choose(list(self.data), self.region)
        self.panes.new_data()
        self._edited()

    def _edited(self, *_events: Any) -> None:
        self.panes.edited()
        self.changed()

    def _find_jobs(self) -> None:
        """Show the last job of this person that has not ended, as after a reload of the page."""
        for job in JOBS.of(self._owner):
            if not job.seen().state.ended and job.title.startswith(("Preview of", "Result ")):
                self.job = job
                self.panes.job.show(job)
                return

    def _written(self, folder: Path) -> str:
        """Return the words about a result that was written, with the way to the explorer."""
        archives = self.shelf.archives() if self.shelf else {}
        title = next((t for t, a in archives.items() if isinstance(a, Archive) and a.folder == folder), "")
        name = escape(folder.name)
        if not title:
            return f"<p>The result is in <code>{name}</code>.</p>"
        self.inputs.offered.setdefault(title, archives[title])
        self.panes.offer()
        link = f"explorer?{urlencode({'data': title})}"
        words = f"The result <b>{escape(title)}</b> has joined the catalog."
        return f"<p>{words} <a href='{link}'>Open it in the Explorer</a></p>"


def compute(data: Any = None, text: str = "", *, results: str | Path = RESULTS) -> Compute:
    """Compute from data on a page: an expression or an algorithm.

    Parameters
    ----------
    data : Dataset, DataArray, Archive, or mapping of title to such; optional
        What is offered and chosen; products and samples of the shelf if not given.
    text : str
        An expression to begin with.
    results : path
        Folder into which results go.

    Returns
    -------
    Compute
        Shows itself in a notebook.

    Raises
    ------
    InputError
        If nothing can be computed from the data.
    """
    ready()
    shelf = Shelf(results=results)
    offered = shelf.maps() if data is None else dict(data) if isinstance(data, dict) else {"your data": data}
    page = Compute(offered, results, shelf)
    if data is not None:
        page.inputs.choose(list(offered))
        page.data = list(offered)
    page.text = text
    return page
