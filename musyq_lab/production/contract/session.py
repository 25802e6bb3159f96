"""Who has kept the contract in this session; what production asks before it takes an algorithm."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musyq_lab.production.contract.report import ContractReport

_SHIPPED = "musyq_lab.products."

_lock = threading.RLock()
_passed: dict[str, Any] = {}  # key -> the very retrieval that passed: one registered anew has to pass anew


def passed(key: str) -> bool:
    """Return whether an algorithm has kept the contract in this session, or ships with the package.

    Parameters
    ----------
    key : str
        Of a registered algorithm.

    Raises
    ------
    NotFoundError
        If there is no such algorithm.
    """
    from musyq_lab.products._registry import RETRIEVALS

    retrieval = RETRIEVALS[key]
    # The conformance tests hold those that ship to the same checks.
    shipped = getattr(retrieval, "__module__", "") == f"{_SHIPPED}{key}"
    return shipped or _passed.get(key) is retrieval


def remember(key: str, retrieval: Any) -> None:
    """Note that a retrieval has kept the contract."""
    with _lock:
        _passed[key] = retrieval


def require(key: str) -> ContractReport | None:
    """Refuse an algorithm that does not keep the contract; one that nobody has checked is checked now, quickly.

    Parameters
    ----------
    key : str
        Of a registered algorithm.

    Returns
    -------
    ContractReport or None
        Of the check that was made now; None if there was no need.

    Raises
    ------
    NotFoundError
        If there is no such algorithm.
    RecipeError
        If it fails a check; the message says which and what to do.
    """
    with _lock:  # tasks that start together check once
        if passed(key):
            return None
        from musyq_lab.production.contract.check import check_algorithm

        report = check_algorithm(key, quick=True)
        report.raise_failed()
        return report
