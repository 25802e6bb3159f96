"""The kernels behind ``leaf``: one plate and a pile of plates, for one leaf and one wavelength at a time."""

from typing import Any

import numpy as np

from musyq_lab.kernels._compile import fma, inline, kernel, select
from musyq_lab.kernels._inline import by_width, polynomial
from musyq_lab.kernels._math import exp, log, pow, sqrt

# fmt: off
# Own Remez fits (benchmarks/fit_expint.py). E1(x) + ln x on [0, 2]: 1.2e-15, absolute
_e1_below = polynomial(-0.5772156649015316, 0.9999999999997927, -0.24999999999413297, 0.05555555549028922,
                       -0.010416666289100143, 0.0016666653648548236, -0.0002314785937831563, 2.834036369751592e-05,
                       -3.0957755843220627e-06, 3.0304510098411784e-07, -2.6019288756301255e-08,
                       1.7757279219604994e-09, -7.052196231010073e-11)
# e^x E1(x) as a function of 1 / (x + 1) on [2, 40]: 3.7e-16 of x^2 E1(x), absolute
_e1_above = polynomial(3.8797107279397495e-08, 0.9999962500992707, 0.00016855898483503407, 0.9952885771522887,
                       -1.9073657767747283, 7.619425955759944, -27.46123903509853, 96.29093709043099,
                       -290.95942041505105, 724.591827320442, -1416.6766748950736, 2073.0369574128704,
                       -2121.1410587006353, 1348.9762851127277, -400.0508643274407)
# fmt: on


@inline
def _smallest_narrow(x: Any) -> Any:
    return np.float32(2e-5)


@inline
def _smallest_wide(x: Any) -> Any:
    return np.float64(1e-11)


@by_width(_smallest_narrow, _smallest_wide)
def _smallest(x: Any) -> Any:
    """Return the absorptance of a plate below which the limit of no absorption is nearer than rounding allows."""


@inline
def plate_transmissivity(k: Any) -> Any:
    """Return 2 E3(k) = (1 - k) e^-k + k^2 E1(k): isotropic light through a plate of optical thickness k."""
    decay = exp(-k)
    e1 = select(k < 2.0, _e1_below(k) - log(k), decay * _e1_above(1.0 / (k + 1.0)))
    value = fma(k * k, e1, (1.0 - k) * decay)
    return select(k <= 0.0, 1.0, select(k > 40.0, decay * 0.0, value))


@inline
def _pile(r: Any, t: Any, absorptance: Any, more: Any) -> Any:
    """Return reflectance and transmittance of ``more`` (a real number) equal plates (Stokes 1862), and their divisor.

    The divisor is left to the leaf, where one division serves all quotients; a is 2 r times the usual one.
    """
    d = sqrt(absorptance * (1.0 + r + t) * (1.0 + r - t) * (1.0 - r + t))
    a = 1.0 + r * r - t * t + d
    p = pow(2.0 * t / (1.0 - r * r + t * t + d), more)  # 1 / b^(N-1): finite where t vanishes
    a2, p2, r2 = a * a, p * p, 4.0 * r * r
    clear = absorptance < _smallest(absorptance)
    free = (1.0 - t) * more
    reflected = select(clear, free, 2.0 * r * a * (1.0 - p2))
    transmitted = select(clear, t, p * (a2 - r2))
    return reflected, transmitted, select(clear, t + free, a2 - r2 * p2)


# N; contents over N in ug cm-2: chlorophyll, carotenoids, anthocyanins; brown pigments; in g cm-2: water, dry matter;
# specific absorption of the six; transmissivities of the surface: within alpha, from a hemisphere, from inside
# -> reflectance, transmittance
@kernel("(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->(),()")
def plates(
    n: float,
    cab: float,
    car: float,
    ant: float,
    cbrown: float,
    cw: float,
    cm: float,
    kab: float,
    kcar: float,
    kant: float,
    kbrown: float,
    kw: float,
    km: float,
    t_alpha: float,
    t12: float,
    t21: float,
    reflectance: Any,
    transmittance: Any,
) -> None:
    k = fma(cab, kab, fma(car, kcar, fma(ant, kant, fma(cbrown, kbrown, fma(cw, kw, cm * km)))))
    tau = plate_transmissivity(k)
    r12, r21 = 1.0 - t12, 1.0 - t21
    back = r21 * tau
    inside = 1.0 / (1.0 - back * back)
    through = tau * t21 * inside
    t = t12 * through
    r = fma(back, t, r12)
    top_t = t_alpha * through
    top_r = 1.0 - t_alpha + back * top_t
    reflected, transmitted, whole = _pile(r, t, t12 * (1.0 - tau) * (1.0 + back) * inside, n - 1.0)
    share = top_t / (whole - reflected * r)
    bad = n < 1.0
    transmittance[0] = select(bad, np.nan, share * transmitted)
    reflectance[0] = select(bad, np.nan, fma(share, reflected * t, top_r))


@kernel("()->()")  # optical thickness -> transmissivity
def transmissivity(k: float, out: Any) -> None:
    out[0] = plate_transmissivity(k)
