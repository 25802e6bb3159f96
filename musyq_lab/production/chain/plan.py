"""The plan of a production: the graph of declared inputs, drawn over what a catalog has in stock.

Every product asked for is followed to its inputs: those that another product asked for makes come from there, those
that lie in stock are read, reflectance and its angles come from a composite of the granules, and what remains is made
by the product that its spec names. The same edges serve ``ml.retrieve``; here each is a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from musyq_lab.catalog.stock import Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Period, pentads_of, whole_period
from musyq_lab.core.registry import html_table
from musyq_lab.production.chain.drawing import Drawing
from musyq_lab.production.chain.region import Tile, tile_of
from musyq_lab.production.chain.sky import SkyDrawing, days_of, threes_of
from musyq_lab.production.chain.task import Task
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._resolve import ordered, upstream


@dataclass(frozen=True)
class Plan:
    """What is to be made, in an order in which every file comes after those it needs."""

    keys: tuple[str, ...]
    """Products asked for."""
    edition: str
    """Grid."""
    tile: Tile
    """Part of it."""
    periods: tuple[Period, ...]
    """Times."""
    tasks: tuple[Task, ...]
    """Nodes of the graph."""
    stock: Stock = field(repr=False)
    """What the catalog has."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Periods that cannot be made, and why."""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Arguments of :func:`make_plan` that draw it again from the same stock."""

    def counts(self) -> dict[str, int]:
        """Return how many files of each product (and standard scenes) are made."""
        found: dict[str, int] = {}
        for task in self.tasks:
            found[task.product or "scene"] = found.get(task.product or "scene", 0) + 1
        return found

    def table(self) -> list[list[str]]:
        """Return header and rows as text: one row a product."""
        rows = [["makes", "files", "reads", "from"]]
        for name, count in self.counts().items():
            own = [task for task in self.tasks if (task.product or "scene") == name]
            reads = {read.name for task in own for read in task.reads}
            by_key = {task.key: task for task in self.tasks}
            needs = sorted({by_key[key].product or "scene" for task in own for key in task.needs})
            rows.append([name, str(count), f"{len(reads)} files", ", ".join(needs) or "the catalog"])
        return rows

    def __str__(self) -> str:
        """Say what is made where and when."""
        times = f"{self.periods[0].start:%Y-%m-%d} to {self.periods[-1].end - timedelta(days=1):%Y-%m-%d}"
        rows, columns = self.tile.grid.shape
        head = f"{', '.join(self.keys)}: {self.edition}, {self.tile.name} ({rows} x {columns} cells), {times}"
        lines = ["  ".join(row) for row in self.table()]
        lines += [f"left out {label}: {reason}" for label, reason in self.skipped]
        lines += [f"set aside {name}: {reason}" for name, reason in self.stock.aside]
        return "\n".join([head, *lines])

    def _repr_html_(self) -> str:
        return html_table(self.table(), str(self).splitlines()[0])


def make_plan(
    keys: Sequence[str],
    period: str | Period | None,
    stock: Stock,
    *,
    edition: str = "1km",
    step: str = "5d",
    region: str | None = None,
    method: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """Draw the plan of a production.

    Parameters
    ----------
    keys : sequence of str
        Products (or own algorithms) to make.
    period : str, Period or None
        A year, month, day, or two of them (:func:`musyq_lab.core.period.whole_period`); None for the time of the
        granules in stock.
    stock : Stock
        What there is to make them from.
    edition, region : str
        See :func:`musyq_lab.production.chain.region.tile_of`.
    step : {"5d", "3h", "1d"}
        Length of the periods; 3 hours and days for radiation.
    method : mapping of str to str, optional
        Product -> method, where not the default.
    options : mapping, optional
        Further options of the products, by name.

    Raises
    ------
    NotFoundError
        If there is no such product, or the stock has nothing for the time.
    InputError
        If an input is missing; the message says which, of what, and what there is.
    """
    chosen = check_request(keys, period, step)
    if unknown := set(method or {}) - set(chosen) - {key for k in chosen for key in _upstream(k)}:
        raise InputError(f"A method is given for {sorted(unknown)}, which are not made. Made are {', '.join(chosen)}.")
    span = stock.span() if period is None else period if isinstance(period, Period) else whole_period(period)
    cut, draw = STEPS[step]
    tile = tile_of(edition, region, stock)
    drawing = draw(tuple(chosen), tile, edition, stock, dict(method or {}), dict(options or {}))
    periods, skipped = [], []
    for each in cut(span):
        try:
            drawing.draw(each)
        except InputError as error:
            skipped.append((each.label, str(error)))
        else:
            periods.append(each)
    skipped += drawing.finish() if periods else []
    if not drawing.tasks:
        said = " ".join(dict.fromkeys(reason for _, reason in skipped))
        raise InputError(f"Nothing can be made for {span.label}: {said} In stock: {stock.said()}")
    request: dict[str, Any] = {
        "keys": list(keys),
        "period": span.label,
        "edition": edition,
        "step": step,
        "region": region,
    }
    request |= {"method": dict(method or {}), "options": dict(options or {})}
    tasks = tuple(drawing.tasks.values())
    return Plan(tuple(chosen), edition, tile, tuple(periods), tasks, stock, tuple(skipped), request)


def check_request(keys: Sequence[str], period: str | Period | None, step: str) -> list[str]:
    """Refuse what cannot be made whatever there is in stock; return the products in their order.

    Parameters
    ----------
    keys, period, step
        As for :func:`make_plan`.

    Raises
    ------
    NotFoundError
        If there is no such product.
    InputError
        If none is named, or there is no such time or step.
    """
    if not keys:
        raise InputError("produce() was asked for no product. Name at least one, such as 'lai'.")
    if isinstance(period, str):
        whole_period(period)
    if step not in STEPS:
        raise InputError(f"There is no step {step!r} to produce. Use one of {', '.join(STEPS)}.")
    return ordered(list(keys))


def _upstream(key: str) -> Iterator[str]:
    return (spec.key for spec in upstream(RETRIEVALS[key].spec))


def sensors_of(step: str) -> tuple[str, ...]:
    """Return the sensors whose granules are taken for periods of a step; none for a step that does not exist."""
    return STEPS[step][1].sensors if step in STEPS else ()


STEPS: Mapping[str, tuple[Callable[[Period], Iterator[Period]], type[Drawing]]] = {
    "5d": (pentads_of, Drawing),
    "3h": (threes_of, SkyDrawing),
    "1d": (days_of, SkyDrawing),
}
"""Step -> how a stretch of time is cut into periods, and what draws the tasks of one."""
