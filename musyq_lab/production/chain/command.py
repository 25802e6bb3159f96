"""``musyq produce``: what the command line asks for, as one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.production.chain.forecast import forecast
from musyq_lab.production.chain.produce import plan, produce


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of the command."""

    products: tuple[str, ...]
    """Keys."""
    period: str | None
    """Time; None for that of the granules."""
    inputs: str
    """Catalog."""
    root: Path | None
    """Folder of the data."""
    edition: str
    """Grid."""
    step: str
    """Length of a period."""
    region: str | None
    """Where."""
    out: Path
    """Folder of the products."""
    methods: tuple[str, ...]
    """``PRODUCT=METHOD`` each."""
    scheduler: str | None
    """Address of a scheduler that runs already."""
    workers: int
    """Processes to start."""
    jobs: int | None = None
    """Tasks at once; None for as many as fit."""
    memory: str | None = None
    """Memory that a process may take."""

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of :func:`musyq_lab.production.chain.produce.plan`."""
        found: dict[str, str] = {}
        for text in self.methods:
            product, _, method = (part.strip() for part in text.partition("="))
            if not product or not method:
                raise InputError(f"--method {text!r} must be PRODUCT=METHOD, such as gpp=pmodel.")
            if found.setdefault(product, method) != method:
                raise InputError(f"--method asks for {product} by {found[product]} and by {method}. Give one of them.")
        return {
            "period": self.period,
            "inputs": self.inputs,
            "root": self.root,
            "edition": self.edition,
            "step": self.step,
            "region": self.region,
            "method": found,
        }


def show(request: Request, *, dry_run: bool = False) -> tuple[int, str]:
    """Carry out a request; return the exit code and what to print.

    Parameters
    ----------
    request : Request
        What was asked.
    dry_run : bool
        Whether only the plan and its forecast are shown.
    """
    arguments = request.arguments()
    limits: dict[str, Any] = {"jobs": request.jobs, "memory": request.memory}
    with _client(request) as client:
        if dry_run:
            found = forecast(plan(*request.products, **arguments), request.out, client=client, **limits)
            return (2 if found.problems else 0), str(found)
        made = produce(*request.products, out=request.out, client=client, **limits, **arguments)
    return (1 if made.failed else 0), str(made)


@contextmanager
def _client(request: Request) -> Iterator[Any]:
    """Give a client of the scheduler, or of worker processes, that was asked for."""
    if not request.scheduler and not request.workers:
        yield None
        return
    if request.scheduler and request.workers:
        raise InputError("--scheduler names workers that run already; --workers starts some here. Give one of the two.")
    from distributed import Client, LocalCluster

    if request.scheduler:
        try:
            client = Client(request.scheduler, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:  # nobody there, or no address
            raise RecipeError(f"No dask scheduler answers at {request.scheduler} ({error}).") from None
        with client:
            yield client
        return
    # Bound to this machine and without a dashboard: nothing of it can be reached from outside.
    local = LocalCluster(
        n_workers=request.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, processes=True
    )
    with local, Client(local, set_as_default=False) as client:
        yield client
