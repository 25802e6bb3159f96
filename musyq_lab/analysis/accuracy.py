r"""Accuracy of a map of classes from a sample of reference sites, and the areas that follow from it.

With :math:`n_{ij}` sites of map class i and reference class j, and the share :math:`W_i` of the map that class i
covers, the cells of the error matrix in shares of area are :math:`p_{ij} = W_i n_{ij} / n_{i\cdot}` (stratified or
simple random sampling, strata = map classes). Then

.. math:: O = \sum_i p_{ii}, \quad U_i = \frac{p_{ii}}{p_{i\cdot}}, \quad P_j = \frac{p_{jj}}{p_{\cdot j}}, \quad
          A_j = p_{\cdot j}

are overall, user's and producer's accuracy and the area of each class without the bias of the map, with standard errors
by equations 5 to 7 and 10 of Olofsson et al. (2014), doi:10.1016/j.rse.2014.02.015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from musyq_lab.core.errors import InputError

__all__ = ["Accuracy", "accuracy", "confusion"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Accuracies and areas of a map, each with its standard error."""

    classes: tuple[str, ...]
    """Names, in the order of rows and columns."""
    matrix: npt.NDArray[np.int64]
    """Sites: rows are map classes, columns reference classes."""
    share: Floats
    """Share of the map that each class covers."""
    overall: tuple[float, float]
    """Overall accuracy and its standard error."""
    users: Floats
    """User's accuracy, (class, 2): value and standard error; NaN where a class has no sites."""
    producers: Floats
    """Producer's accuracy, likewise."""
    area: Floats
    """Share of the area that is truly of each class, likewise."""

    def table(self) -> pd.DataFrame:
        """Return one row a class: sites, accuracies and areas with standard errors."""
        columns: dict[str, Any] = {"sites": self.matrix.sum(axis=1), "mapped_share": self.share}
        for name in ("users", "producers", "area"):
            columns[name], columns[f"{name}_error"] = getattr(self, name).T
        return pd.DataFrame(columns, index=pd.Index(self.classes, name="class"))

    def __repr__(self) -> str:
        """Say how good the map is."""
        value, error = self.overall
        sites = int(self.matrix.sum())
        return f"<Accuracy of {len(self.classes)} classes at {sites} sites: overall {value:.3f} +- {error:.3f}>"


def confusion(mapped: npt.ArrayLike, reference: npt.ArrayLike, classes: Sequence[Any]) -> npt.NDArray[np.int64]:
    """Count sites by map class (rows) and reference class (columns).

    Raises
    ------
    InputError
        If the lengths differ or a label is not among the classes.
    """
    rows, columns = np.asarray(mapped).ravel(), np.asarray(reference).ravel()
    names = list(classes)
    if rows.size != columns.size:
        raise InputError(f"confusion() needs as many map labels as reference labels, got {rows.size}, {columns.size}.")
    place = {name: index for index, name in enumerate(names)}
    unknown = sorted({str(x) for x in (*rows.tolist(), *columns.tolist()) if x not in place})
    if unknown:
        raise InputError(f"confusion() found labels {unknown} that are none of the classes {names}.")
    matrix = np.zeros((len(names), len(names)), np.int64)
    np.add.at(matrix, ([place[x] for x in rows.tolist()], [place[x] for x in columns.tolist()]), 1)
    return matrix


def accuracy(
    matrix: npt.ArrayLike, areas: npt.ArrayLike | None = None, classes: Sequence[Any] | None = None
) -> Accuracy:
    """Return accuracies and areas with standard errors from an error matrix.

    Parameters
    ----------
    matrix : array_like, shape (class, class)
        Sites by map class (rows) and reference class (columns).
    areas : array_like, shape (class,), optional
        Area of each class on the map, in any unit. Without it the sites stand for the map (simple random sampling).
        What is true of a class that has an area and no sites is not known: overall and producer's accuracies and areas
        are then NaN. Merge it with another class, or leave its area out (0).
    classes : sequence, optional
        Names of the classes.

    Raises
    ------
    InputError
        If shapes or numbers make no error matrix.
    """
    counts = np.asarray(matrix)
    square = counts.ndim == 2 and counts.shape[0] == counts.shape[1] and counts.size > 0
    if not square or not (counts >= 0).all() or not (counts == np.floor(counts)).all() or not counts.sum():
        raise InputError(f"accuracy() needs a square matrix of whole counts, got shape {counts.shape}: {counts!r}.")
    sites = counts.sum(axis=1).astype(np.float64)
    weights = sites if areas is None else np.asarray(areas, np.float64)
    if weights.shape != sites.shape or not (weights >= 0).all() or not weights.sum() > 0:
        raise InputError(f"accuracy() needs one area for each of the {sites.size} classes, got {areas!r}.")
    share = weights / weights.sum()
    names = tuple(str(c) for c in (range(sites.size) if classes is None else classes))
    if len(names) != sites.size:
        raise InputError(f"accuracy() needs one name for each of the {sites.size} classes, got {names}.")
    with np.errstate(all="ignore"):
        return _estimate(names, counts.astype(np.int64), share, sites)


def _estimate(names: tuple[str, ...], counts: npt.NDArray[np.int64], share: Floats, sites: Floats) -> Accuracy:
    nothing = np.where(share > 0, np.nan, 0.0)[:, None]  # of a class without sites, unless it covers nothing
    within = np.where(sites[:, None] > 0, counts / sites[:, None], nothing)  # n_ij / n_i.
    cells = share[:, None] * within
    users = np.where(sites > 0, np.diag(within), np.nan)
    spread = np.where(sites > 1, users * (1 - users) / (sites - 1), np.nan)  # equation 6
    area = cells.sum(axis=0)
    variance = np.nansum(share[:, None] ** 2 * within * (1 - within) / (sites[:, None] - 1), axis=0)  # equation 10
    right = np.diag(cells)
    producers = right / area
    return Accuracy(
        classes=names,
        matrix=counts,
        share=share,
        overall=(float(right.sum()), float(np.sqrt(np.nansum(share**2 * spread)))),  # equation 5
        users=np.stack([users, np.sqrt(spread)], axis=1),
        producers=np.stack([producers, _producers_error(within, share, spread, sites, producers, area)], axis=1),
        area=np.stack([area, np.sqrt(variance)], axis=1),
    )


def _producers_error(
    within: Floats, share: Floats, spread: Floats, sites: Floats, producers: Floats, area: Floats
) -> Floats:
    """Return standard errors of the producer's accuracies (equation 7, in shares of area)."""
    own = share**2 * (1 - producers) ** 2 * spread
    others = share[:, None] ** 2 * within * (1 - within) / (sites[:, None] - 1)
    np.fill_diagonal(others, 0.0)
    total = np.nan_to_num(own) + producers**2 * np.nansum(others, axis=0)
    return np.asarray(np.sqrt(total) / area)
