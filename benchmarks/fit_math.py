"""Fit the polynomials of ``musyq_lab.kernels._math`` (Remez exchange in 60-digit arithmetic) and print their errors.

Needs mpmath, which nothing else here does: ``pip install mpmath && python benchmarks/fit_math.py``.
Each line names the function fitted, its interval, the largest error relative to the weight, and the coefficients in
rising order. The errors are those of the exact polynomial; the errors of the functions, rounding included, are tested.
"""

from collections.abc import Callable

from mpmath import asin, atan, cos, exp, linspace, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 60
Function = Callable[[mpf], mpf]


def remez(function: Function, weight: Function, low: float, high: float, degree: int) -> tuple[list[mpf], mpf]:
    """Polynomial of ``degree`` with the smallest largest |polynomial - function| / weight on [low, high]."""
    n = degree + 2
    low, high = mpf(low), mpf(high)
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(pi * k / (n - 1)) for k in range(n)]
    grid = linspace(low, high, 60 * n)
    coefficients: list[mpf] = []
    worst = mpf(0)
    for _ in range(12):
        rows = [[x**k for k in range(degree + 1)] + [(-1) ** i * weight(x)] for i, x in enumerate(nodes)]
        solution = lu_solve(matrix(rows), matrix([function(x) for x in nodes]))
        coefficients = list(solution[: degree + 1])
        errors = [(horner(coefficients, x) - function(x)) / weight(x) for x in grid]
        worst = max(abs(e) for e in errors)
        nodes = exchange(list(grid), errors, n)
        if worst < abs(solution[degree + 1]) * mpf("1.001"):
            break
    return coefficients, worst


def exchange(grid: list[mpf], errors: list[mpf], n: int) -> list[mpf]:
    """Largest error of each run of one sign; ``n`` neighbouring ones with the largest ends kept."""
    best: list[int] = []
    for k, error in enumerate(errors):
        if best and (errors[best[-1]] > 0) == (error > 0):
            best[-1] = k if abs(error) > abs(errors[best[-1]]) else best[-1]
        else:
            best.append(k)
    while len(best) > n:
        best.pop(0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1)
    return [grid[k] for k in best]


def horner(coefficients: list[mpf], x: mpf) -> mpf:
    """Value of a polynomial given in rising order."""
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def log_tail(s2: mpf) -> mpf:
    """Return (log((1+s)/(1-s)) - 2 s) / s^3 as a function of s^2."""
    s = sqrt(s2)
    return (log((1 + s) / (1 - s)) - 2 * s) / s**3


TINY = mpf(10) ** -12


def odd(function: Function) -> Function:
    """Return (f(x) - x) / x^3 of an odd function, in z = x^2."""
    return lambda z: (function(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3


def inverse(power: int, floor: str = "1e-3") -> Function:
    """Weight that turns the error of a tail into the relative error of its function."""
    return lambda x: 1 / max(abs(x) ** power, mpf(floor))


def exp_tail(r: mpf) -> mpf:
    """Return (e^r - 1 - r) / r^2."""
    return (exp(r) - 1 - r) / r**2 if abs(r) > TINY else mpf(1) / 2


def log1p_tail(f: mpf) -> mpf:
    """Return (log(1 + f) - f + f^2 / 2) / f^3."""
    return (log(1 + f) - f + f * f / 2) / f**3 if abs(f) > TINY else mpf(1) / 3


def cos_tail(z: mpf) -> mpf:
    """Return (cos r - 1 + r^2 / 2) / r^4 in z = r^2."""
    return (cos(sqrt(z)) - 1 + z / 2) / z**2


# name: function, weight, interval, degrees for float32 and float64
CASES: dict[str, tuple[Function, Function, mpf, mpf, tuple[int, ...]]] = {
    "exp tail": (exp_tail, inverse(2), -mpf("0.3476"), mpf("0.3476"), (4, 9)),
    "log1p tail": (log1p_tail, inverse(2), sqrt(mpf(1) / 2) - 1, sqrt(mpf(2)) - 1, (8,)),
    "log tail, atanh series": (log_tail, lambda z: mpf(1), TINY, mpf("0.0295"), (6,)),
    "sin tail": (odd(sin), inverse(1), TINY, mpf("0.63"), (2, 5)),
    "cos tail": (cos_tail, inverse(2, "1e-4"), mpf(10) ** -9, mpf("0.63"), (2, 5)),
    "asin tail": (odd(asin), inverse(1), TINY, mpf("0.25"), (4, 11)),
    "atan tail": (odd(atan), inverse(1), TINY, mpf(1), (7, 18)),
    "tanh tail": (odd(tanh), inverse(1), TINY, mpf("0.391"), (11,)),
}


def quotient(function: Function, high: mpf, above: int, below: int) -> tuple[mpf, list[mpf], list[mpf]]:
    """Rational fit of smallest relative error on (0, high]: linearised least squares, reweighted (Loeb, Lawson)."""
    points = [TINY + high * ((1 - cos(pi * (k + mpf(1) / 2) / 400)) / 2) ** 2 for k in range(400)]
    values = [function(x) for x in points]
    weights, scales = [mpf(1)] * 400, [mpf(1)] * 400
    best = (mpf(1), [mpf(0)], [mpf(0)])
    for turn in range(60):
        p, q = weighted(
            points, values, [w / (y * s) ** 2 for w, y, s in zip(weights, values, scales, strict=True)], above, below
        )
        scales = [horner(q, x) for x in points]
        errors = [abs(horner(p, x) / s / y - 1) for x, y, s in zip(points, values, scales, strict=True)]
        best = min(best, (max(errors), p, q), key=lambda found: found[0])
        if turn > 3:
            weights = [w * (e / max(errors) + mpf("1e-3")) for w, e in zip(weights, errors, strict=True)]
            weights = [w * 400 / sum(weights) for w in weights]
    return best


def weighted(
    points: list[mpf], values: list[mpf], weights: list[mpf], above: int, below: int
) -> tuple[list[mpf], list[mpf]]:
    """Solve the weighted normal equations of p(x) - y q(x) = 0 with q(0) = 1."""
    n = above + 1 + below
    normal, right = matrix(n, n), matrix(n, 1)
    for x, y, w in zip(points, values, weights, strict=True):
        row = [x**k for k in range(above + 1)] + [-y * x**k for k in range(1, below + 1)]
        for i in range(n):
            right[i] += w * row[i] * y
            for j in range(n):
                normal[i, j] += w * row[i] * row[j]
    solution = list(lu_solve(normal, right))
    return solution[: above + 1], [mpf(1), *solution[above + 1 :]]


def main() -> None:
    """Print every fit."""
    for name, (function, weight, low, high, degrees) in CASES.items():
        for degree in degrees:
            coefficients, worst = remez(function, weight, low, high, degree)
            print(f"{name}, [{float(low):.4g}, {float(high):.4g}], degree {degree}: weighted error {float(worst):.2e}")
            print("    " + ", ".join(repr(float(c)) for c in coefficients))
    worst, above, below = quotient(lambda z: tanh(sqrt(z)) / sqrt(z), mpf("81.5"), 4, 4)
    print(f"tanh(x)/x in x^2 <= 81.5 as a quotient: relative error {float(worst):.2e}")
    print(f"    {[float(c) for c in above]}\n    {[float(c) for c in below]}")


if __name__ == "__main__":
    main()
