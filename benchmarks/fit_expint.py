"""Fit the polynomials of ``musyq_lab.kernels._prospect`` for the exponential integral E1 and print their errors.

Needs mpmath: ``pip install mpmath && python benchmarks/fit_expint.py``. See ``fit_math.py``.
"""

from fit_math import remez
from mpmath import e1, euler, exp, log, mpf

BREAK = mpf(2)
"""Above it e^x E1(x) is a polynomial of 1 / (x + 1), below it E1(x) + ln x one of x."""


def below(x: mpf) -> mpf:
    """Return E1(x) + ln x, an entire function."""
    return e1(x) + log(x) if x > mpf(10) ** -30 else -euler


def above(u: mpf) -> mpf:
    """Return e^x E1(x) with u = 1 / (x + 1)."""
    x = 1 / u - 1
    return exp(x) * e1(x)


def main() -> None:
    """Print both polynomials: errors are those of x^2 E1(x), absolute."""
    jobs = (
        ("below", below, lambda x: mpf(1), mpf(0), BREAK, 12),
        ("above", above, lambda u: exp(1 / u - 1) / (1 / u - 1) ** 2, 1 / mpf(41), 1 / (BREAK + 1), 14),
    )
    for name, function, weight, low, high, degree in jobs:
        coefficients, worst = remez(function, weight, low, high, degree)
        print(f"{name}: error {float(worst):.1e}")
        print("   ", ", ".join(repr(float(c)) for c in coefficients))


if __name__ == "__main__":
    main()
