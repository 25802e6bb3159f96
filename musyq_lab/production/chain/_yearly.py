"""Products of a whole year: one task that grows with every period that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from musyq_lab.archive.naming import parse
from musyq_lab.catalog.stock import period_of_label
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Period, whole_period
from musyq_lab.production.chain import _rules
from musyq_lab.production.chain.task import Read, Task

MAKER = "series"
"""Name of the maker of such tasks."""


def year_of(period: Period) -> Period:
    """Return the calendar year that a period begins in."""
    return whole_period(f"{period.start:%Y}")


def add(tasks: dict[str, Task], part: Task, period: Period, target: str) -> str:
    """Add what a period gives to the task of its year, which moves behind the tasks it needs.

    Parameters
    ----------
    tasks : dict of str to Task
        Tasks so far; changed.
    part : Task
        The product as if it were of the period alone: its needs and reads.
    period : Period
        The period.
    target : str
        Where the product of the year lies.

    Returns
    -------
    str
        Key of the task.
    """
    year = year_of(period)
    key = f"{part.product}.{year.label}"
    before = tasks.pop(key, None)
    needs, reads = (before.needs, before.reads) if before else ((), ())
    tasks[key] = replace(
        part,
        key=key,
        maker=MAKER,
        period=year,
        target=target,
        needs=tuple(dict.fromkeys((*needs, *part.needs))),
        reads=tuple(dict.fromkeys((*reads, *part.reads))),
    )
    return key


def moment(name: str) -> datetime:
    """Return the middle of the time that a product file's name says.

    Raises
    ------
    InputError
        If it says none.
    """
    parsed = parse(name)
    period = period_of_label(parsed) if parsed else None
    if period is None:
        raise InputError(f"{name} names no date, so it is no part of a series.")
    return period.middle


def dates(task: Task) -> list[datetime]:
    """Return the dates of a year's task, ascending: those of the files it needs and reads."""
    made = {need.partition(".")[0]: [] for need in task.needs} | {read.role: [] for read in task.reads}  # type: ignore[var-annotated]
    for need in task.needs:
        product, _, label = need.partition(".")
        made[product].append(moment(f"MuSyQ.{product.upper()}.{task.edition}.x.{label}.v1.h5"))
    for read in task.reads:
        made[read.role].append(_within(task, read))
    fewest = min(made.values(), key=len, default=[])
    return sorted(set(fewest))


def _within(task: Task, read: Read) -> datetime:
    when = moment(read.name)
    if when not in task.period:
        raise InputError(f"{read.name} is not of {task.period.label}.")
    return when


def too_few(tasks: Iterable[Task]) -> dict[str, str]:
    """Return the tasks of years whose dates are too few or leave a long gap, and why."""
    found = {}
    for task in tasks:
        if task.maker == MAKER:
            days = [when.timetuple().tm_yday for when in dates(task)]
            if reason := _rules.too_few(task.product, days, task.period.start.year):
                found[task.key] = reason
    return found


def reached(wanted: Iterable[str], tasks: Mapping[str, Task]) -> set[str]:
    """Return the keys of tasks that some need, themselves included."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        if key not in found and key in tasks:
            found.add(key)
            waiting += tasks[key].needs
    return found
