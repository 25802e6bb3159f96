"""Elementary functions for kernels: compiled into the kernel's own loop, where the vectoriser can use them.

numba calls the C library one number at a time (4 to 50 times slower than numpy's vector loops); these are plain
arithmetic without branches. They run in the type of their argument: float32 in a float32 kernel, else float64.
NaN in gives NaN out. Largest errors over the stated domain, in units in the last place (ulp), are tested in
``tests/kernels/test_math.py``:
"""

from typing import Any

from musyq_lab.kernels import _math32, _math64
from musyq_lab.kernels._inline import by_width, inline, sqrt

__all__ = ["acos", "asin", "atan2", "cos", "exp", "log", "pow", "sin", "sincos", "sqrt", "tanh"]


@by_width(_math32.exp, _math64.exp)
def exp(x: Any) -> Any:
    """e^x; 0 and inf beyond the range of the type, denormal results included."""


@by_width(_math32.log, _math64.log)
def log(x: Any) -> Any:
    """Natural logarithm; -inf at 0, NaN below."""


@by_width(_math32.sincos, _math64.sincos)
def sincos(x: Any) -> Any:
    """Sine and cosine of an angle in radians, as a pair; NaN for |x| > 1e5 (float32) or 1e9 (float64)."""


@inline
def sin(x: Any) -> Any:
    """Sine of an angle in radians; domain of ``sincos``."""
    return sincos(x)[0]


@inline
def cos(x: Any) -> Any:
    """Cosine of an angle in radians; domain of ``sincos``."""
    return sincos(x)[1]


@by_width(_math32.asin, _math64.asin)
def asin(x: Any) -> Any:
    """Inverse sine in radians; NaN outside [-1, 1]."""


@by_width(_math32.acos, _math64.acos)
def acos(x: Any) -> Any:
    """Inverse cosine in radians; NaN outside [-1, 1]."""


@by_width(_math32.atan2, _math64.atan2)
def atan2(y: Any, x: Any) -> Any:
    """Angle of the point (x, y) in radians, in (-pi, pi]; 0 at the origin, zeros unsigned, NaN for two infinities."""


@by_width(_math32.tanh, _math64.tanh)
def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""


@by_width(_math32.pow, _math64.pow)
def pow(x: Any, y: Any) -> Any:
    """x^y for x >= 0; NaN for x < 0 and whenever an argument is NaN, 1 for y = 0."""
