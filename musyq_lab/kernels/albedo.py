r"""Broad-band albedo from the kernel weights of several bands, in one pass over them.

With the weights :math:`f_{k,b}` of the kernels of :mod:`musyq_lab.kernels.brdf` in each band, a linear conversion
:math:`c_b, c_0` to a broad band and the integrals :math:`h_k(i)` over all directions of view and :math:`H_k` over both
hemispheres,

.. math:: F_k = \sum_b c_b f_{k,b}, \qquad \alpha_{black} = c_0 + \sum_k F_k h_k(i), \qquad
          \alpha_{white} = c_0 + \sum_k F_k H_k, \qquad \alpha = (1 - D)\,\alpha_{black} + D\,\alpha_{white}

for the fraction D of diffuse light (Lucht et al. 2000, doi:10.1109/36.841980): the conversion is applied to the
weights, since that costs half the work of applying it to both albedos. Each layer of weights is read once.
"""

import functools
from collections.abc import Callable
from typing import Any, Literal

from musyq_lab.kernels import brdf
from musyq_lab.kernels._compile import Kernel, fma

__all__ = ["Integrals", "broadband_kernel"]

Integrals = Literal["exact", "polynomial"]

_OVER_VIEWS = {"exact": brdf.exact_integrals, "polynomial": brdf.polynomial_integrals}
_OVER_BOTH = {"exact": brdf.WHITE_SKY_EXACT[1:], "polynomial": brdf.WHITE_SKY[1:]}


@functools.cache
def broadband_kernel(bands: int, integrals: Integrals = "exact") -> Kernel:
    """Return the kernel for a number of bands.

    Parameters
    ----------
    bands : int
        At least 1.
    integrals : {"exact", "polynomial"}
        Those by quadrature (:func:`musyq_lab.kernels.brdf.black_sky_exact`), or those of Lucht et al. (2000).

    Returns
    -------
    Kernel
        Called with iso, vol and geo of the first band, of the second, ...; the zenith angle of the Sun (deg); the
        diffuse fraction; the weight of each band and the constant of the conversion (numbers). Returns black-sky,
        white-sky and blue-sky albedo; the first and the last are NaN below the horizon.

    Raises
    ------
    ValueError
        If there is no band, or there are no such integrals.
    """
    if bands < 1:
        raise ValueError(f"albedo needs at least one band, got {bands}")
    if integrals not in _OVER_VIEWS:
        raise ValueError(f"albedo knows the integrals {', '.join(_OVER_VIEWS)}, got {integrals!r}")
    inputs = ",".join(["()"] * (4 * bands + 3))
    return Kernel(_body(bands, integrals), f"{inputs}->(),(),()", origin=(broadband_kernel, (bands, integrals)))


def _body(bands: int, integrals: Integrals) -> Callable[..., None]:
    """Write the function of one pixel; its names are our own."""
    kinds = ("iso", "vol", "geo")
    weights = [f"{kind}_{b}" for b in range(bands) for kind in kinds]
    factors = [f"c_{b}" for b in range(bands)]
    names = [*weights, "sun", "diffuse", *factors, "constant", "black_out", "white_out", "blue_out"]
    sums = {"iso": "constant", "vol": "0.0 * constant", "geo": "0.0 * constant"}
    for b in range(bands):
        sums = {kind: f"fma(c_{b}, {kind}_{b}, {total})" for kind, total in sums.items()}
    white_vol, white_geo = _OVER_BOTH[integrals]
    lines = [
        f"def broadband({', '.join(names)}):",
        *(f"    {kind} = {total}" for kind, total in sums.items()),
        "    black_vol, black_geo = over_views(sun)",
        "    black = fma(vol, black_vol, fma(geo, black_geo, iso))",
        f"    white = iso + {white_vol!r} * vol + {white_geo!r} * geo",
        "    black_out[0] = black",
        "    white_out[0] = white",
        "    blue_out[0] = fma(diffuse, white - black, black)",
    ]
    namespace: dict[str, Any] = {"fma": fma, "over_views": _OVER_VIEWS[integrals], "__name__": __name__}
    exec(compile("\n".join(lines), "<musyq albedo>", "exec"), namespace)
    body: Callable[..., None] = namespace["broadband"]
    return body
