"""The work of the Change page: first looks, all cells and tables of zones as jobs, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import param

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _change_zones
from musyq_lab.dashboards._change_kinds import KINDS, Ask
from musyq_lab.dashboards._change_work import Outcome, Part, analysed, cost, part_of, refuse, share, shared, verdict
from musyq_lab.dashboards._data import Cube
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._jobs import JOBS, Job, Seen, State
from musyq_lab.dashboards._jobs_owner import owner
from musyq_lab.dashboards._page import Page


class Runs(Page):
    """A page that analyses a variable of a cube in jobs; :class:`~musyq_lab.dashboards.change.Change` shows them."""

    cube: Cube
    ask: Ask
    outcome: Outcome | None
    table: _change_zones.ZoneTable | None
    rates: dict[str, float]
    job: Job | None
    step: int
    panes: Any
    variable: Any = param.Selector(doc="Variable that is analysed.")
    layer: Any = param.Selector(doc="Layer of the result on the map.")
    region: Any = param.Parameter(None, doc="Chosen region, None for none.")
    _wanted_layer: str | None
    _wanted_step: str | int | None
    _then: Any

    @property
    def chosen(self) -> dict[str, int]:
        """Position along dimensions that are neither the map's nor of time."""
        return {}

    @property
    def part(self) -> Part:
        """The cells that are analysed now, or next."""
        if self.outcome is not None and self.outcome.ask.kind == self.ask.kind:
            return self.outcome.part
        return part_of(self.cube, self.variable, self.chosen, self.ask.kind, whole=False)

    @property
    def step_labels(self) -> list[str]:
        """Years or dates of the result's maps, none for a single one."""
        found = self.outcome
        return [str(label)[:10] for label in found.dataset[found.step_dim].values] if found and found.step_dim else []

    def analyse(self, *, whole: bool = False) -> None:
        """Make the map: a first look, or of all cells; the last one stays until it is there."""
        self.alert.visible = False
        lacks = refuse(self.cube, self.variable, self.chosen, self.ask)
        if self.job is not None:
            self.job.cancel("Something else was asked for.")
        self.outcome = self.outcome if not lacks else None
        self.panes.explain(lacks)
        if lacks:
            self.panes.clear_map()
            self.changed()
            return
        part = part_of(self.cube, self.variable, self.chosen, self.ask.kind, whole=whole)
        key = None if whole or self.cube.key is None else (self.cube.key, self.variable, self.ask)
        if (known := shared(key)) is not None:
            self._found(known)
            return
        ask = self.ask

        def work(job: Job) -> Outcome:
            made = analysed(part, ask, job)
            share(key, made)
            return made

        what = KINDS[ask.kind].title
        with self.told():
            _, size = cost(part, ask, self.rates.get(ask.kind))
            self._run(f"{what} of {self.variable}{'' if whole else ', first look'}", work, size, self._found)

    def make_table(self, by: str | None = None) -> None:
        """Make the table of zones.

        Parameters
        ----------
        by : str, optional
            ``countries``, ``regions``, ``land cover`` or ``drawn polygon``; as chosen on the page if not given.
        """
        if by is not None:
            self.panes.by.value = by
        which, part, ask, area = self.panes.by.value, self.part, self.ask, self.region

        def work(job: Job) -> _change_zones.ZoneTable:
            return _change_zones.table_of(part, which, ask, area, job)

        with self.told():
            if self.job is not None and not self.job.seen().state.ended:
                raise InputError("Something is being computed. Wait until it is there, or cancel it.")
            lacks = refuse(self.cube, self.variable, self.chosen, replace(ask, kind="trend"))
            if "named classes" in lacks:
                raise InputError(lacks)
            self._run(f"Table of {which}", work, 8 * 3 * part.subject().layer.size, self._tabled)

    def verdict(self) -> tuple[str, bool]:
        """Return in words what the analysis of all cells would cost, and whether it fits."""
        part = part_of(self.cube, self.variable, self.chosen, self.ask.kind, whole=True)
        words, fits = verdict(part, self.ask, self.rates.get(self.ask.kind), JOBS.limits.memory)
        return words, fits

    def wait(self, seconds: float = 600.0) -> Self:
        """Wait for the running work and show what it made."""
        if self.job is not None:
            self.job.wait(seconds)
            self.panes.progress.refresh()
        return self

    def _run(self, title: str, work: Any, memory: int, then: Any) -> None:
        """Start a job; without a page to come back to, wait for it."""
        job = JOBS.start(title, work, owner=owner(), memory=memory)
        self.job, self._then = job, then
        self.panes.work.visible = True
        self.panes.progress.show(job)
        if pn.state.curdoc is None:
            self.wait()

    def ended(self, seen: Seen) -> None:
        """Show what a job made, or say why it did not."""
        self.panes.work.visible = False
        if seen.state is State.DONE:
            with self.told():
                self._then(seen.result)
        else:
            self.fail(f"{seen.title}: {seen.message}")

    def _found(self, found: Outcome) -> None:
        self.outcome = found
        size = found.part.subject().layer.size
        if found.seconds > 0.05 and size > 10_000:
            self.rates[found.ask.kind] = size / found.seconds
        names = list(KINDS[found.ask.kind].maps)
        with param.parameterized.discard_events(self):
            self.param.layer.objects = names
            wanted = self._wanted_layer or self.layer
            self.layer = wanted if wanted in names else names[0]
        last = max(len(found.steps) - 1, 0)
        self.step = min(self.step, last) if self.step else last
        wanted_step, self._wanted_step = self._wanted_step, None
        if wanted_step is not None:
            if str(wanted_step) not in self.step_labels:
                raise InputError(f"The result has no map of {wanted_step}. It has {', '.join(self.step_labels[:12])}.")
            self.step = self.step_labels.index(str(wanted_step))
        self.panes.new_result()
        self.show_map()

    def _tabled(self, made: _change_zones.ZoneTable) -> None:
        self.table = made
        self.panes.show_table()

    def show_map(self) -> None:
        """Draw the result and bring code and address in line with it."""
        self.panes.draw_map()
        self.changed()
