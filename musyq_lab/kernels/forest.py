r"""Classes by the vote of trees, and the likeliest sequence of classes through the years.

Trees are grown elsewhere (scikit-learn); here a point walks down each of them and the shares of the classes in the
leaves it reaches are averaged (Breiman 2001, doi:10.1023/A:1010933404324). :func:`sequence` is Viterbi's algorithm for
a chain that keeps its class from one year to the next with a probability s and else takes any other alike (Viterbi
1967, doi:10.1109/TIT.1967.1054010; for land cover Abercrombie & Friedl 2016, doi:10.1109/TGRS.2015.2463689).
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import inline, kernel
from musyq_lab.kernels._math import log

LEAF = -1.0
"""In place of a feature's number: the node is a leaf."""
_LEAST = 1e-6
"""Share given to a class that no tree voted for: a sequence may pass through it at a price."""


@inline
def _walk(x: Any, nodes: Any, root: int) -> int:
    """Return the row among the shares of the leaf that a point reaches."""
    node = root
    while nodes[node, 0] >= 0.0:
        node = node + 1 if x[int(nodes[node, 0])] <= nodes[node, 1] else int(nodes[node, 2])
    return int(nodes[node, 2])


@kernel("(p,f),(t),(m,q),(l,c)->(p,c),(p,c)")
def vote(
    x: Any,  # p, f features of points
    roots: Any,  # t first node of each tree
    nodes: Any,  # m, 3: feature asked for (LEAF for none); value up to which the walk goes to the next node; node to go
    # to else, of a leaf its row among the shares
    shares: Any,  # l, c of the classes in each leaf
    mean: Any,  # p, c mean share over the trees; NaN where a feature is missing
    square: Any,  # p, c mean of the squares
) -> None:
    """Average the leaves that points reach, tree by tree, so that a tree stays in the nearest cache."""
    points, classes = mean.shape
    complete = np.zeros(points)
    for p in range(points):
        total = 0.0
        for i in range(x.shape[1]):
            total += x[p, i]
        if not np.isnan(total):
            complete[p] = 1.0
            mean[p, :] = 0.0
            square[p, :] = 0.0
    for tree in range(roots.size):
        for p in range(points):
            if complete[p] > 0.0:
                row = _walk(x[p], nodes, int(roots[tree]))
                for k in range(classes):
                    mean[p, k] += shares[row, k]
                    square[p, k] += shares[row, k] * shares[row, k]
    for p in range(points):
        for k in range(classes):
            mean[p, k] /= roots.size
            square[p, k] /= roots.size


@inline
def _largest(values: Any) -> int:
    best = 0
    for k in range(values.size):
        if values[k] > values[best]:
            best = k
    return best


@inline
def _next_year(shares: Any, stay: float, before: Any, score: Any, back: Any) -> None:
    """Go one year on: the score of the best way to each class, and where it came from."""
    classes = score.size
    before[:] = score
    best, same, change = _largest(before), log(stay), log((1.0 - stay) / max(classes - 1, 1))
    seen = shares[0] == shares[0]
    for k in range(classes):
        back[k] = k
        score[k] = before[k] + same
        if before[best] + change > score[k]:
            back[k] = best
            score[k] = before[best] + change
        if seen:
            score[k] += log(max(np.float64(shares[k]), _LEAST))


@kernel("(y,c),()->(y)")
def sequence(
    shares: Any,  # y, c probability of each class in each year, NaN for a year without
    stay: float,  # probability that a class stays from one year to the next
    state: Any,  # y number of the class, from 0; NaN for a year without
) -> None:
    """Find the likeliest sequence of classes; years without observations count for nothing."""
    years, classes = shares.shape
    score, before, back = np.zeros(classes), np.zeros(classes), np.zeros((years, classes), np.int64)
    for i in range(years):
        _next_year(shares[i], np.float64(stay), before, score, back[i])
    k = _largest(score)
    for i in range(years - 1, -1, -1):
        if shares[i, 0] == shares[i, 0]:
            state[i] = k
        k = back[i, k]
