"""Elementary functions for kernels: compiled into the kernel's own loop, where the vectoriser can use them.

numba calls the C library one number at a time (4 to 50 times slower than numpy's vector loops); these are plain
arithmetic without branches. They run in the type of their argument: float32 in a float32 kernel, else float64.
NaN in gives NaN out. Largest errors in units in the last place (ulp), tested in ``tests/kernels/test_math.py``:

======  =======  =======  ============================================================
name    float32  float64  domain
======  =======  =======  ============================================================
exp     1.1      1.1      all; denormal results within their spacing
log     1.0      1.0      all
sincos  1.7      1.7      abs(x) <= 1e5 (float32), 1e9 (float64), NaN beyond
asin    2.6      2.6      [-1, 1], NaN beyond
acos    1.5      1.5      [-1, 1], NaN beyond
atan2   3.0      3.0      all finite; zeros unsigned
tanh    6.0      1.6      all; never beyond 1
pow     0.51     2 + abs(y ln x)  x >= 0, NaN below (float64: in units of 2.3e-16)
======  =======  =======  ============================================================
"""

from typing import Any

from musyq_lab.kernels import _math32, _math64
from musyq_lab.kernels._inline import by_width, inline, sqrt

__all__ = ["acos", "asin", "atan2", "cos", "exp", "log", "pow", "sin", "sincos", "sqrt", "tanh"]


@by_width(_math32.exp, _math64.exp)
def exp(x: Any) -> Any:
    """Return e^x; 0 and inf beyond the range of the type, denormal results included."""


@by_width(_math32.log, _math64.log)
def log(x: Any) -> Any:
    """Return the natural logarithm; -inf at 0, NaN below."""


@by_width(_math32.sincos, _math64.sincos)
def sincos(x: Any) -> Any:
    """Return sine and cosine of an angle in radians, as a pair; NaN for |x| > 1e5 (float32) or 1e9 (float64)."""


@inline
def sin(x: Any) -> Any:
    """Return the sine of an angle in radians; domain of ``sincos``."""
    return sincos(x)[0]


@inline
def cos(x: Any) -> Any:
    """Return the cosine of an angle in radians; domain of ``sincos``."""
    return sincos(x)[1]


@by_width(_math32.asin, _math64.asin)
def asin(x: Any) -> Any:
    """Return the inverse sine in radians; NaN outside [-1, 1]."""


@by_width(_math32.acos, _math64.acos)
def acos(x: Any) -> Any:
    """Return the inverse cosine in radians; NaN outside [-1, 1]."""


@by_width(_math32.atan2, _math64.atan2)
def atan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y) in radians, in (-pi, pi]; 0 at the origin, NaN for two infinities."""


@by_width(_math32.tanh, _math64.tanh)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""


@by_width(_math32.pow, _math64.pow)
def pow(x: Any, y: Any) -> Any:
    """Return x^y for x >= 0; NaN for x < 0 and whenever an argument is NaN, 1 for y = 0."""
