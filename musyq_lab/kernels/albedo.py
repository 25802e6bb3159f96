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
from typing import Any

from musyq_lab.kernels._compile import Kernel, fma

__all__ = ["broadband_kernel"]


@functools.cache
def broadband_kernel(bands: int) -> Kernel:
    """Return the kernel for a number of bands.

    Parameters
    ----------
    bands : int
        At least 1.

    Returns
    -------
    Kernel
        Called with iso, vol and geo of the first band, of the second, ...; the black-sky integrals of vol and geo; the
        white-sky integrals of vol and geo; the diffuse fraction; the weight of each band and the constant of the
        conversion (numbers). Returns black-sky, white-sky and blue-sky albedo.

    Raises
    ------
    ValueError
        If there is no band.
    """
    if bands < 1:
        raise ValueError(f"albedo needs at least one band, got {bands}")
    inputs = 3 * bands + 5 + bands + 1
    return Kernel(_body(bands), ",".join(["()"] * inputs) + "->(),(),()", origin=(broadband_kernel, (bands,)))


def _body(bands: int) -> Callable[..., None]:
    """Write the function of one pixel; its names are our own."""
    kinds = ("iso", "vol", "geo")
    weights = [f"{kind}_{b}" for b in range(bands) for kind in kinds]
    factors = [f"c_{b}" for b in range(bands)]
    integrals = ["black_vol", "black_geo", "white_vol", "white_geo", "diffuse"]
    names = [*weights, *integrals, *factors, "constant", "black_out", "white_out", "blue_out"]
    sums = {"iso": "constant", "vol": "0.0 * constant", "geo": "0.0 * constant"}
    for b in range(bands):
        sums = {kind: f"fma(c_{b}, {kind}_{b}, {total})" for kind, total in sums.items()}
    lines = [
        f"def broadband({', '.join(names)}):",
        *(f"    {kind} = {total}" for kind, total in sums.items()),
        "    black = fma(vol, black_vol, fma(geo, black_geo, iso))",
        "    white = fma(vol, white_vol, fma(geo, white_geo, iso))",
        "    black_out[0] = black",
        "    white_out[0] = white",
        "    blue_out[0] = fma(diffuse, white - black, black)",
    ]
    namespace: dict[str, Any] = {"fma": fma, "__name__": __name__}
    exec(compile("\n".join(lines), "<musyq albedo>", "exec"), namespace)
    body: Callable[..., None] = namespace["broadband"]
    return body
