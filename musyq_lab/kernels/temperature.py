r"""Surface temperature from brightness temperatures or radiances of one or two thermal bands.

Generalised split window (Becker and Li 1990, Wan and Dozier 1996, with the quadratic term of Wan 2014): with
:math:`\varepsilon` the mean and :math:`\Delta\varepsilon` the difference of the emissivities of bands i and j,

.. math:: T_s = C + \left(A_1 + A_2 \frac{1-\varepsilon}{\varepsilon} + A_3 \frac{\Delta\varepsilon}{\varepsilon^2}
    \right) \frac{T_i + T_j}{2} + \left(B_1 + B_2 \frac{1-\varepsilon}{\varepsilon} + B_3
    \frac{\Delta\varepsilon}{\varepsilon^2}\right) \frac{T_i - T_j}{2} + D (T_i - T_j)^2 ,

each coefficient a polynomial of the column of vapour w (g cm-2) and of s = 1 / cos(view zenith) - 1:

.. math:: c = c_0 + c_1 w + c_2 w^2 + c_3 w^3 + s (c_4 + c_5 w + c_6 w^2) + s^2 (c_7 + c_8 w).

Split window of Sobrino et al. (1996) and later:

.. math:: T_s = T_i + c_0 + c_1 (T_i - T_j) + c_2 (T_i - T_j)^2 + (c_3 + c_4 w) (1 - \varepsilon)
    + (c_5 + c_6 w) \Delta\varepsilon .

Single channel of Jimenez-Munoz and Sobrino (2003, 2009):

.. math:: T_s = \gamma \left[\frac{\psi_1 L + \psi_2}{\varepsilon} + \psi_3\right] + T - \gamma L, \quad
    \gamma = \frac{T^2}{b L}, \quad \psi_k = c_{k2} w^2 + c_{k1} w + c_{k0},

with :math:`\psi_1 = 1/\tau`, :math:`\psi_2 = -L_\downarrow - L_\uparrow / \tau`, :math:`\psi_3 = L_\downarrow`. Under
an angle :math:`\psi_1` and :math:`\psi_2 + \psi_3` take w / cos, since they belong to the path.

Radiative transfer: :math:`B(T_s) = [(L - L_\uparrow)/\tau - (1 - \varepsilon) L_\downarrow] / \varepsilon`, and
statistical mono-window (Ermida et al. 2020): :math:`T_s = A T / \varepsilon + B / \varepsilon + C`.

References
----------
Becker & Li 1990, doi:10.1080/01431169008955028. Wan & Dozier 1996, doi:10.1109/36.508406. Wan 2014,
doi:10.1016/j.rse.2013.08.027. Sobrino et al. 1996, doi:10.1080/01431169608948760. Jimenez-Munoz & Sobrino 2003,
doi:10.1029/2003JD003480; with others 2009, doi:10.1109/TGRS.2008.2007125. Ermida et al. 2020, doi:10.3390/rs12091471.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from musyq_lab.kernels._compile import Kernel, inline, kernel, select
from musyq_lab.kernels._inline import polynomial
from musyq_lab.kernels._math import exp, log

__all__ = [
    "COEFFICIENTS",
    "GREATEST_VAPOUR",
    "GREATEST_ZENITH",
    "TERMS",
    "generalised_split_window",
    "mono_window",
    "radiative_transfer",
    "single_channel",
    "split_window",
]

COEFFICIENTS = ("C", "A1", "A2", "A3", "B1", "B2", "B3", "D")
"""Coefficients of the generalised split window, in the order in which their polynomials are given."""
TERMS = ("1", "w", "w2", "w3", "s", "ws", "w2s", "s2", "ws2")
"""Terms of each polynomial."""
GREATEST_VAPOUR = 65.0
"""Column of vapour (kg m-2) up to which the polynomials hold; more counts as so much."""
GREATEST_ZENITH = 70.0
"""View zenith (degrees) up to which they hold; beyond, a view counts as one of that angle."""

_RADIANS = 0.017453292519943295
_PER_MASS = 0.1  # g cm-2 of 1 kg m-2
_MOST = GREATEST_VAPOUR * _PER_MASS


# Taylor series of cos in the square of the angle: within 2e-12 up to 70 degrees, at half the cost of one for all angles
_cosine = polynomial(*((-1.0) ** k / math.factorial(2 * k) for k in range(8)))


@inline
def _slant(zenith: Any) -> Any:
    """Return 1 / cos of an angle in degrees, at most that of the greatest angle."""
    angle = select(zenith > GREATEST_ZENITH, GREATEST_ZENITH, zenith) * _RADIANS
    return 1.0 / _cosine(angle * angle)


@inline
def _vapour(column: Any) -> Any:
    """Return the column in g cm-2, at most the greatest of the tables."""
    w = column * _PER_MASS
    return select(w > _MOST, _MOST, w)


@functools.lru_cache(maxsize=64)
def generalised_split_window(coefficients: tuple[float, ...]) -> Kernel:
    """Return the kernel for one pair of bands.

    Parameters
    ----------
    coefficients : tuple of float
        8 x 9 numbers: for each of ``COEFFICIENTS`` those of ``TERMS``.

    Returns
    -------
    Kernel
        Called with brightness temperatures (K) and emissivities of both bands, the column of vapour (kg m-2) and the
        view zenith (degrees); returns the surface temperature (K).

    Raises
    ------
    ValueError
        If there are not 72 numbers.
    """
    count = len(TERMS)
    if len(coefficients) != len(COEFFICIENTS) * count:
        raise ValueError(f"generalised_split_window needs {len(COEFFICIENTS) * count} numbers, got {len(coefficients)}")
    rows = [coefficients[k : k + count] for k in range(0, len(coefficients), count)]
    c, a1, a2, a3, b1, b2, b3, d = (_polynomial(row) for row in rows)
    lines = (
        "def split(first, second, e1, e2, column, zenith, out):",
        "    w = vapour(column)",
        "    s = slant(zenith) - 1.0",
        "    inverse = 1.0 / (0.5 * (e1 + e2))",
        "    y = inverse - 1.0",
        "    z = (e1 - e2) * inverse * inverse",
        "    mean = 0.5 * (first + second)",
        "    half = 0.5 * (first - second)",
        f"    middle = ({a1}) + ({a2}) * y + ({a3}) * z",
        f"    apart = ({b1}) + ({b2}) * y + ({b3}) * z + ({d}) * (4.0 * half)",
        f"    out[0] = ({c}) + middle * mean + apart * half",
    )
    namespace: dict[str, Any] = {"slant": _slant, "vapour": _vapour, "__name__": __name__}
    exec(compile("\n".join(lines), "<musyq split window>", "exec"), namespace)  # numbers only
    body: Callable[..., None] = namespace["split"]
    return Kernel(body, "(),(),(),(),(),()->()", origin=(generalised_split_window, (coefficients,)))


def _polynomial(row: tuple[float, ...]) -> str:
    one, w, w2, w3, s, ws, w2s, s2, ws2 = (repr(float(x)) for x in row)
    return f"{one} + w * ({w} + w * ({w2} + w * {w3})) + s * ({s} + w * ({ws} + w * {w2s}) + s * ({s2} + w * {ws2}))"


# Brightness temperatures (K) and emissivities of two bands, vapour (kg m-2), c0 to c6 -> surface temperature (K)
@kernel("(),(),(),(),(),(),(),(),(),(),(),()->()")
def split_window(
    first: float,
    second: float,
    e1: float,
    e2: float,
    column: float,
    c0: float,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    c6: float,
    out: Any,
) -> None:
    """Split window of Sobrino's form: see the module; the column of vapour in kg m-2."""
    d = first - second
    w = column * _PER_MASS
    grey = (c3 + c4 * w) * (1.0 - 0.5 * (e1 + e2)) + (c5 + c6 * w) * (e1 - e2)
    out[0] = first + c0 + d * (c1 + c2 * d) + grey


# Brightness temperature (K), emissivity, vapour (kg m-2), view zenith (degrees), K1 (W m-2 sr-1 um-1), K2 (K), b (K),
# three coefficients of each psi, the highest power first -> surface temperature (K)
@kernel("(),(),(),(),(),(),(),(),(),(),(),(),(),(),(),()->()")
def single_channel(
    temperature: float,
    emissivity: float,
    column: float,
    zenith: float,
    k1: float,
    k2: float,
    b: float,
    a2: float,
    a1: float,
    a0: float,
    b2: float,
    b1: float,
    b0: float,
    c2: float,
    c1: float,
    c0: float,
    out: Any,
) -> None:
    """Single channel by atmospheric functions: see the module."""
    radiance = k1 / (exp(k2 / temperature) - 1.0)
    w = column * _PER_MASS
    x = w * _slant(zenith)
    sky = c0 + w * (c1 + w * c2)
    path = (b0 + c0) + x * ((b1 + c1) + x * (b2 + c2))
    left = ((a0 + x * (a1 + x * a2)) * radiance + path - sky) / emissivity + sky
    out[0] = temperature * temperature / (b * radiance) * (left - radiance) + temperature


# Radiances of top, path and sky (W m-2 sr-1 um-1), transmittance, emissivity, K1, K2 (K) -> surface temperature (K)
@kernel("(),(),(),(),(),(),()->()")
def radiative_transfer(
    radiance: float, path: float, sky: float, transmittance: float, emissivity: float, k1: float, k2: float, out: Any
) -> None:
    """Invert the equation of transfer; NaN where the ground would emit nothing."""
    left = ((radiance - path) / transmittance - (1.0 - emissivity) * sky) / emissivity
    out[0] = k2 / log(k1 / select(left > 0.0, left, _NAN) + 1.0)


@kernel("(),(),(),(),()->()")  # brightness temperature (K), emissivity, A, B (K), C (K) -> surface temperature (K)
def mono_window(temperature: float, emissivity: float, a: float, b: float, c: float, out: Any) -> None:
    """Statistical mono-window: see the module."""
    out[0] = (a * temperature + b) / emissivity + c


_NAN = float("nan")
