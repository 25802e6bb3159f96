r"""Nearest entries of a look-up table, for rows of observations: brute force that fits the cache.

For each observation o with weights w (one over its standard error, 0 for a band that is missing) the cost of an entry e
of the table t is

.. math:: J_e = \sum_b w_b^2 \left(t_{be} - o_b\right)^2 ,

and the result is mean and standard deviation of the values of the best entries: those whose cost is at most a limit
that at least k of them keep, and at most 1.1 k unless entries are equal. The limit is found by bisection, in which each
step counts all entries. Costs, counts and sums are plain loops over the entries, eight or sixteen at a time, so that a
table of some thousand entries takes microseconds; a tree of neighbours must follow pointers instead.
"""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import kernel
from musyq_lab.kernels._inline import Pass, as_bits, from_bits

__all__ = ["best"]

_SHIFT = 5
_UNIT, _HALF = 1 << _SHIFT, np.int32(1 << _SHIFT - 1)
_SLACK = 1.1  # entries that may be taken beyond those asked for, to save steps


@Pass
def _costs(observed: Any, weight: Any, table: Any, cost: Any) -> None:
    """Fill the costs of all entries, two bands at a time."""
    bands, entries = table.shape
    o, w = observed[0], weight[0]
    for e in range(entries):
        d = (table[0, e] - o) * w
        cost[e] = d * d
    for b in range(1, bands - 1, 2):
        o, w, o2, w2 = observed[b], weight[b], observed[b + 1], weight[b + 1]
        for e in range(entries):
            d, d2 = (table[b, e] - o) * w, (table[b + 1, e] - o2) * w2
            cost[e] += d * d + d2 * d2
    if bands % 2 == 0:
        o, w = observed[bands - 1], weight[bands - 1]
        for e in range(entries):
            d = (table[bands - 1, e] - o) * w
            cost[e] += d * d


@Pass
def _order(cost: Any, order: Any) -> Any:
    """Fill the bits of the costs, which as whole numbers are in the order of the costs, and return both ends."""
    whole = order.dtype.type  # numba computes with 64 bits unless told each time; half as many fit in a vector
    low, high = as_bits(cost[0]), as_bits(cost[0])
    for e in range(cost.size):
        bits = as_bits(cost[e])
        order[e] = bits
        low = whole(bits if bits < low else low)
        high = whole(bits if bits > high else high)
    return low, high


@Pass
def _count(order: Any, limit: Any) -> Any:
    """Count the entries within a limit; sums of whole numbers may be taken in any order, so in vectors."""
    whole = order.dtype.type
    count = whole(0)
    for e in range(order.size):
        count = whole(count + whole(order[e] <= limit))
    return count


@Pass
def _limit(order: Any, low: Any, high: Any, wanted: Any) -> Any:
    """Return a limit that the entries wanted keep, and few more."""
    whole = order.dtype.type
    below, above = int(low) - 1, int(high)
    while above - below > 1:
        middle = below + (above - below) // 2
        count = _count(order, whole(middle))
        if count < wanted:
            below = middle
        else:
            above = middle
            if count <= _SLACK * wanted:
                break
    return whole(above)


@Pass
def _sum(order: Any, limit: Any, steps: Any) -> Any:
    """Add up a value of the entries within a limit."""
    total, none = np.int32(0), np.int32(0)
    for e in range(order.size):
        total = np.int32(total + (steps[e] if order[e] <= limit else none))
    return total


@Pass
def _squares(order: Any, limit: Any, steps: Any, centre: Any) -> Any:
    """Add up the squares of the distances of a value from a centre, in units of 32 steps each."""
    total, none = np.int32(0), np.int32(0)
    for e in range(order.size):
        d = np.int32((steps[e] - centre + _HALF) >> _SHIFT)
        d = np.int32(d if order[e] <= limit else none)
        total = np.int32(total + d * d)
    return total


# b bands, e entries, v values, p observations, k = 2 rules
@kernel("(p,b),(p,b),(b,e),(v,e),(k)->(p,v),(p,v),(p)")
def best(
    observed: Any,
    weight: Any,  # one over the standard error; 0 leaves a band out
    table: Any,
    values: Any,
    rules: Any,  # entries wanted; steps into which a unit of the values is cut
    mean: Any,
    spread: Any,  # standard deviation among the best
    least: Any,  # cost of the best
) -> None:
    """Mean and standard deviation of the best entries, and the lowest cost; NaN for an observation with NaN.

    The moments are added up as whole steps, 1e-4 of a unit or so, which is exact and may be done in any order.
    """
    entries = table.shape[1]
    cost = np.empty(entries, table.dtype)
    order = np.full(entries, as_bits(rules[0]))
    steps = np.empty(values.shape, np.int32)
    for v in range(values.shape[0]):
        for e in range(entries):
            steps[v, e] = int(np.rint(values[v, e] * rules[1]))
    for p in range(observed.shape[0]):
        good = True
        for b in range(table.shape[0]):
            good = good & (abs(observed[p, b]) < 1e10) & (weight[p, b] >= 0.0) & (weight[p, b] < 1e10)
        if not good:
            continue
        _costs(observed[p], weight[p], table, cost)
        low, high = _order(cost, order)
        limit = _limit(order, low, high, rules[0])
        count = _count(order, limit)
        for v in range(values.shape[0]):
            total = _sum(order, limit, steps[v])
            squares = _squares(order, limit, steps[v], np.int32(total // count))
            mean[p, v] = total / count / rules[1]
            spread[p, v] = np.sqrt(squares / count) * _UNIT / rules[1]
        least[p] = from_bits(low)
