"""``ml.check_algorithm``: every check of the contract, in an order in which one fault is told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.production.contract import _blocks, _conduct, _cost, _faults, _results, _scene, _storage, session
from musyq_lab.production.contract._case import Case, bad, short
from musyq_lab.production.contract.report import ContractReport, Finding
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval


class Check(NamedTuple):
    """One check of the contract."""

    name: str
    """As the report has it."""
    function: Callable[[Case], Finding]
    """What it does."""
    needs: tuple[str, ...] = ()
    """Checks that must have passed: a fault that they told is not told again."""
    lasting: bool = False
    """Whether the quick part leaves it out."""


CHECKS = (
    Check("description", _results.description),
    Check("runs", _results.runs),
    Check("layers", _results.layers, ("runs",)),
    Check("inputs unchanged", _conduct.kept, ("layers",)),
    Check("shape", _results.shape, ("inputs unchanged",)),
    Check("repeatable", _conduct.repeat, ("shape",)),
    Check("random state", _conduct.random_state, ("repeatable",)),
    Check("valid range", _results.valid_range, ("repeatable",)),
    Check("ordinary values", _results.ordinary, ("valid range",)),
    Check("precision", _results.precision, ("ordinary values",)),
    Check("missing inputs", _faults.missing, ("ordinary values",)),
    Check("impossible inputs", _faults.impossible, ("missing inputs",)),
    Check("ends of ranges", _results.edges, ("ordinary values",), lasting=True),
    Check("lazy", _blocks.lazy, ("repeatable",)),
    Check("any size", _faults.sizes, ("lazy",)),
    Check("chunks", _blocks.chunks, ("lazy", "any size", "precision")),
    Check("any dimensions", _faults.dimensions, ("chunks",), lasting=True),
    Check("threads", _conduct.threads, ("repeatable",), lasting=True),
    Check("other process", _conduct.process, ("repeatable",)),
    Check("side effects", _conduct.side_effects, ("repeatable",)),
    Check("uncertainty", _results.uncertainty, ("ordinary values",)),
    Check("storage", _storage.storage, ("uncertainty",), lasting=True),
    Check("step of storage", _storage.step, ("storage",), lasting=True),
    Check("methods", _cost.methods, ("ordinary values",), lasting=True),
    Check("inputs used", _cost.inputs_used, ("repeatable",), lasting=True),
    Check("time", _cost.speed, ("any size",), lasting=True),
    Check("memory", _cost.memory, ("any size",), lasting=True),
    Check("simulated Earth", _scene.simulated, ("ordinary values", "chunks"), lasting=True),
)
"""All checks, in the order in which they are made."""


def check_algorithm(
    algorithm: str | Retrieval,
    *,
    quick: bool = False,
    samples: xr.Dataset | None = None,
    **options: Any,
) -> ContractReport:
    """Check whether an algorithm keeps what retrieve, produce, recipes and dashboards rely on.

    It is run on simulated samples: ordinary inputs, missing and impossible ones, single pixels and empty blocks, lazy
    ones in several chunkings, in two threads at once and in another process. An algorithm that passes may be used in
    production for the rest of the session.

    Parameters
    ----------
    algorithm : str or Retrieval
        Key of a registered algorithm, or what ``ml.algorithm(SPEC)`` made of a function.
    quick : bool
        Leave out the lasting checks (threads, storage, time, memory, the simulated Earth); production does so.
    samples : xarray.Dataset, optional
        Ordinary inputs of your own, in place of simulated ones: with units, some ten pixels square.
    **options
        Options and ``method`` of the algorithm, passed at every call.

    Returns
    -------
    ContractReport
        A table as text, as HTML in a notebook, as JSON by ``to_json()``; ``raise_failed()`` refuses.

    Raises
    ------
    NotFoundError
        If there is no such algorithm.
    InputError
        If it is no algorithm.
    """
    retrieval = RETRIEVALS[algorithm] if isinstance(algorithm, str) else algorithm
    if not isinstance(retrieval, Retrieval):
        raise InputError(
            f"check_algorithm() takes a key or what ml.algorithm(SPEC) made, got {type(retrieval).__name__}."
        )
    case = Case(retrieval, samples.compute() if samples is not None else None, dict(options), quick)
    report = ContractReport(retrieval.spec.key, retrieval.spec.title, tuple(_found(case)), quick)
    if report.passed:
        session.remember(retrieval.spec.key, retrieval)
    return report


def _found(case: Case) -> list[Finding]:
    found: dict[str, Finding] = {}
    for check in CHECKS:
        if not (case.quick and check.lasting):
            found[check.name] = replace(_made(case, check, found), check=check.name)
    return list(found.values())


def _made(case: Case, check: Check, found: Mapping[str, Finding]) -> Finding:
    """Make a check, unless one that it rests on failed; an error of the algorithm's fails it."""
    for name in check.needs:
        if found[name].status in ("failed", "not run"):
            return Finding("", "not run", f"The check {name!r} comes first.")
    try:
        return check.function(case)
    except Exception as error:
        return bad(f"It raises {type(error).__name__}: {short(error)}.", "The other checks may tell more.")
