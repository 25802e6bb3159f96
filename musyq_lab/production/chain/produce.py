"""``ml.produce``: products of a time and place from whatever a catalog has, as files that prove themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from musyq_lab.catalog.stock import Stock, take_stock
from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.core.progress import track
from musyq_lab.core.registry import html_table
from musyq_lab.production.chain.forecast import fitting
from musyq_lab.production.chain.plan import Plan, check_request, make_plan, sensors_of
from musyq_lab.production.chain.pool import outcomes
from musyq_lab.production.chain.report import Report
from musyq_lab.production.chain.runner import portable, runner
from musyq_lab.production.chain.work import Outcome

DEFAULT_INPUTS = "demo"
DEFAULT_ROOT = "musyq-simulation"
DEFAULT_OUT = "musyq-products"


@dataclass(frozen=True)
class Production:
    """What a production left."""

    folder: Path
    """Where the products are."""
    plan: Plan
    """What was to be made."""
    outcomes: tuple[Outcome, ...] = field(repr=False)
    """What became of each task."""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Tasks that were not made."""
        return tuple(o for o in self.outcomes if not o.good)

    @property
    def aside(self) -> tuple[tuple[str, str], ...]:
        """Granules that could not be used, and why."""
        late = [(o.key, o.reason) for o in self.outcomes if o.state == "aside"]
        return (*self.plan.stock.aside, *sorted(late))

    @property
    def files(self) -> tuple[Path, ...]:
        """The product files that were asked for and are there."""
        good = {o.key for o in self.outcomes if o.good}
        wanted = (t for t in self.plan.tasks if t.product in self.plan.keys and t.key in good)
        return tuple(self.folder / task.target for task in wanted)

    def table(self) -> list[list[str]]:
        """Return header and rows as text: one row a product, then what went wrong."""
        rows = [["product", "made", "kept", "not made", "seconds"]]
        for name in self.plan.counts():
            keys = {t.key for t in self.plan.tasks if (t.product or "scene") == name}
            own = [o for o in self.outcomes if o.key in keys]
            counts = [
                str(sum(o.state in states for o in own))
                for states in (("made",), ("kept",), ("failed", "skipped", "aside"))
            ]
            rows.append([name, *counts, f"{sum(o.seconds for o in own):.1f}"])
        return rows

    def __str__(self) -> str:
        """Say what was made, and what was not and why."""
        lines = ["  ".join(row) for row in self.table()]
        lines += [f"set aside {name}: {reason}" for name, reason in self.aside]
        lines += [f"left out {label}: {reason}" for label, reason in self.plan.skipped]
        lines += [f"NOT MADE {o.key}: {o.reason}" for o in self.failed]
        return "\n".join([*lines, f"{len(self.files)} product files in {self.folder}"])

    def _repr_html_(self) -> str:
        told = [[name, reason] for name, reason in self.aside] + [[o.key, o.reason] for o in self.failed]
        more = html_table([["not used or not made", "because"], *told]) if told else ""
        return html_table(self.table(), f"{len(self.files)} product files in {self.folder}") + more


def plan(
    *keys: str,
    period: str | None = None,
    inputs: str | Path | Stock = DEFAULT_INPUTS,
    root: str | Path | None = None,
    edition: str = "1km",
    step: str = "5d",
    region: str | None = None,
    method: Mapping[str, str] | None = None,
    **options: Any,
) -> Plan:
    """Say what :func:`produce` would read, compute and write; nothing is computed.

    Parameters are those of :func:`produce`.
    """
    if isinstance(inputs, Stock):
        stock = inputs
    else:
        check_request(keys, period, step)  # looking at every granule takes its time: what is wrong anyway is told first
        stock = take_stock(catalog_of(inputs), root=_root(inputs, root), sensors=sensors_of(step))
    return make_plan(keys, period, stock, edition=edition, step=step, region=region, method=method, options=options)


def produce(
    *keys: str,
    period: str | None = None,
    inputs: str | Path | Stock = DEFAULT_INPUTS,
    root: str | Path | None = None,
    edition: str = "1km",
    step: str = "5d",
    region: str | None = None,
    out: str | Path = DEFAULT_OUT,
    method: Mapping[str, str] | None = None,
    client: Any = None,
    jobs: int | None = None,
    memory: str | int | None = None,
    **options: Any,
) -> Production:
    """Make products for a time and place, each file from the files it needs, resumable at every one.

    Parameters
    ----------
    *keys : str
        Products, or own algorithms (:func:`musyq_lab.algorithm`), such as ``"lai"``, ``"gpp"``.
    period : str
        ``"2015-07"``, ``"2015"``, ``"2015-07-01/2015-08-15"``: all periods that it touches; by default the
        time of the granules in stock.
    inputs : str, Path or Stock
        Catalog of granules and layers.
    root : str or Path, optional
        Folder of the data, for catalogs that ask for one (``musyq-simulation`` for the shipped one).
    edition : str
        ``"1km"``, ``"5km"``, ``"30m"``.
    step : {"5d", "3h", "1d"}
        Length of the periods; 3 hours and days for radiation.
    region : str, optional
        Region, country or box ``"west,south,east,north"``; by default the place that the catalog's local layers cover.
    out : str or Path
        Folder of the products, made if need be.
    method : mapping of str to str, optional
        Product -> method.
    client : distributed.Client, optional
        Where to run; by default the active client if there is one, else threads of this process.
    jobs : int, optional
        Tasks at once without a client; by default as many as there are processors and as fit the memory.
    memory : str or int, optional
        Memory that a process may take, such as ``"2GB"``; by default what this machine and its limits leave.
    **options
        Options of the products, such as ``pathway="c4"``.

    Returns
    -------
    Production
        With ``files``, ``failed``, ``aside`` and a table. A granule that cannot be used is set aside and told.

    Raises
    ------
    InputError, NotFoundError
        If the plan cannot be drawn, or memory or disk do not suffice; nothing has been read or run then.
    RecipeError
        If not a single product could be made.
    """
    place = {"root": root, "edition": edition, "step": step, "region": region, "method": method}
    drawn = plan(*keys, period=period, inputs=inputs, **place, **options)  # type: ignore[arg-type]
    folder = Path(out).expanduser().resolve()
    source = {
        "inputs": "" if isinstance(inputs, Stock) else _lasting(catalog_of(inputs)),
        "root": _lasting(_root(inputs, root)),
    }
    client = client or active_client()
    jobs = fitting(drawn, folder, jobs=jobs, memory=memory, client=client)
    return carry_out(drawn, folder, client=client, jobs=jobs, source=source)


def carry_out(
    drawn: Plan, folder: Path, *, client: Any = None, jobs: int | None = None, source: Mapping[str, str] | None = None
) -> Production:
    """Run the tasks of a plan and write the report beside the products.

    Parameters
    ----------
    drawn : Plan
        What to make.
    folder : Path
        Where.
    client, jobs
        As for :func:`produce`.
    source : mapping, optional
        Where the inputs lie, for the report.
    """
    make_folder(folder)
    run = runner(folder, drawn.tasks)
    if client is not None:
        portable({key: made for key, made in run.algorithms.items() if key in run.own})
    report = Report(folder, drawn, source or {})
    report.begin()
    ended = []
    running = outcomes(drawn.tasks, run, client=client, jobs=jobs or os.cpu_count() or 1)
    for outcome in track(running, f"Producing {', '.join(drawn.keys)}", total=len(drawn.tasks)):
        ended.append(outcome)
        report.add(outcome)
    order = {task.key: index for index, task in enumerate(drawn.tasks)}
    made = Production(folder, drawn, tuple(sorted(ended, key=lambda o: order[o.key])))
    report.end(made.outcomes, made.aside)
    if not made.files:
        first = next((o.reason for o in made.failed), "nothing was left to make")
        raise RecipeError(f"Not one product could be made. {first}")
    return made


def active_client() -> Any:
    """Return the active dask client, None where there is none."""
    import sys

    if "distributed" not in sys.modules:
        return None
    from distributed import default_client

    try:
        return default_client()
    except ValueError:
        return None


def make_folder(folder: Path) -> None:
    """Make the folder of a production.

    Raises
    ------
    InputError
        If it cannot be one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be a folder of products ({error.strerror}). Choose another by out=."
        ) from None


def catalog_of(inputs: Any) -> Any:
    """Return the catalog that is meant: the shipped one by its path in the source tree too, where no such file lies."""
    shipped = str(inputs) == f"catalogs/{DEFAULT_INPUTS}.yml" and not Path(str(inputs)).exists()
    return DEFAULT_INPUTS if shipped else inputs


def _root(inputs: Any, root: str | Path | None) -> str | Path | None:
    return DEFAULT_ROOT if root is None and catalog_of(inputs) == DEFAULT_INPUTS else root


def _lasting(place: Any) -> str:
    """Return a path that leads to the same place from another working folder; what is no path here stays as it is."""
    if place is None:
        return ""
    path = Path(str(place)).expanduser()
    return str(path.resolve()) if path.exists() else str(place)
