r"""Reflectance and transmittance of a leaf: PROSPECT-D.

A leaf is a pile of N plates of a refractive index :math:`n(\lambda)`, which absorb by

.. math:: k(\lambda) = \frac{1}{N} \sum_i C_i K_i(\lambda), \qquad
   \tau = (1 - k) e^{-k} + k^2 E_1(k)

with :math:`\tau` the transmissivity of one plate to isotropic light (Allen et al. 1969). The first surface is lit from
within a cone of half-angle :math:`\alpha` = 40 degrees, all others from a hemisphere; the pile is solved for a real N
by Stokes (1862). Valid from 400 to 2500 nm.

Arithmetic differs from the published code in three places, none of which changes a result: the absorptance of a plate
is taken as :math:`t_{12} (1 - \tau) / (1 - r_{21} \tau)` instead of 1 - r - t, the power of b as that of 1 / b, and a
plate that absorbs less than 1e-11 (float32: 2e-5) takes the limit of none.

References
----------
Féret, Gitelson, Noble & Jacquemoud (2017), PROSPECT-D, Remote Sens. Environ. 193, 204-215,
doi:10.1016/j.rse.2017.03.004. Jacquemoud & Baret (1990), doi:10.1016/0034-4257(90)90100-Z. Stern (1964),
doi:10.1364/AO.3.000111 and Allen (1973), doi:10.1364/JOSA.63.000664 for the surface. Allen, Gausman, Richardson &
Thomas (1969), doi:10.1364/JOSA.59.001376.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from musyq_lab.kernels._prospect import plates

__all__ = ["ALPHA", "LeafConstants", "interface_transmissivity", "prospect_d"]

Floats = npt.NDArray[np.floating]

ALPHA = 40.0
"""Half-angle (degrees) of the cone from which light falls on a leaf (Jacquemoud & Baret 1990)."""


@dataclass(frozen=True, slots=True)
class LeafConstants:
    """Spectra that leaves share, each of shape (wavelength,)."""

    wavelength: Floats
    """um."""
    refractive: Floats
    """Refractive index of leaf material (1)."""
    chlorophyll: Floats
    """Specific absorption of chlorophyll a + b (cm2 ug-1)."""
    carotenoids: Floats
    """Specific absorption of carotenoids (cm2 ug-1)."""
    anthocyanins: Floats
    """Specific absorption of anthocyanins (cm2 ug-1)."""
    brown: Floats
    """Absorption of brown pigments (per unit of an arbitrary content)."""
    water: Floats
    """Absorption of water (cm-1)."""
    dry: Floats
    """Specific absorption of dry matter (cm2 g-1)."""

    def at(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice) -> "LeafConstants":
        """Return the constants at some of the wavelengths."""
        return LeafConstants(*(getattr(self, field.name)[index] for field in fields(self)))


def prospect_d(
    n: npt.ArrayLike,
    cab: npt.ArrayLike,
    car: npt.ArrayLike,
    ant: npt.ArrayLike,
    cbrown: npt.ArrayLike,
    cw: npt.ArrayLike,
    cm: npt.ArrayLike,
    *,
    constants: LeafConstants,
    alpha: float = ALPHA,
) -> tuple[Floats, Floats]:
    """Return hemispherical reflectance and transmittance of leaves.

    Parameters
    ----------
    n : array_like
        Number of plates, at least 1 (NaN below).
    cab, car, ant : array_like
        Chlorophyll a + b, carotenoids and anthocyanins (ug cm-2).
    cbrown : array_like
        Brown pigments (arbitrary units).
    cw : array_like
        Water (g cm-2, the same as a thickness in cm).
    cm : array_like
        Dry matter (g cm-2).
    constants : LeafConstants
        Refractive index and absorption, such as those of :func:`musyq_lab.standard.spectra.leaf_constants`.
    alpha : float, optional
        Half-angle (degrees) of the cone of incident light.

    Returns
    -------
    reflectance, transmittance : array, shape (..., wavelength)
        The leading dims are those of the parameters, broadcast together. float32 when every array among the parameters
        is (then within 1e-5 of float64 for leaves that absorb 1e-4 and more), else float64.
    """
    count, *contents = (np.asarray(x)[..., None] for x in (n, cab, car, ant, cbrown, cw, cm))
    dtype = working_type(n, cab, car, ant, cbrown, cw, cm)
    refractive = constants.refractive
    t12 = interface_transmissivity(90.0, refractive)
    spectra = (
        constants.chlorophyll,
        constants.carotenoids,
        constants.anthocyanins,
        constants.brown,
        constants.water,
        constants.dry,
        interface_transmissivity(alpha, refractive),
        t12,
        t12 / refractive**2,
    )
    shares = (x / count for x in contents)
    reflectance, transmittance = plates(*(x.astype(dtype, copy=False) for x in (count, *shares, *spectra)))
    return reflectance, transmittance


def working_type(*parameters: npt.ArrayLike) -> type[np.float32] | type[np.float64]:
    """Return float32 when every array of floats among the parameters is float32 and there is one, else float64."""
    kinds = {x.dtype for x in parameters if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f"}
    return np.float32 if kinds == {np.dtype(np.float32)} else np.float64


def interface_transmissivity(angle: float, refractive: npt.ArrayLike) -> npt.NDArray[np.float64]:
    r"""Return the mean transmissivity of a surface to light from within a cone (Stern 1964, Allen 1973).

    It is the mean of Fresnel's transmissivity of unpolarised light over the cone,

    .. math:: \frac{\int_0^\alpha T(\theta) \sin\theta\cos\theta\,d\theta}{\int_0^\alpha \sin\theta\cos\theta\,d\theta}

    Parameters
    ----------
    angle : float
        Half-angle of the cone (degrees), 90 for a hemisphere.
    refractive : array_like
        Refractive index behind the surface, above 1.

    Returns
    -------
    array
        Of the shape of ``refractive``, in float64.
    """
    n = np.asarray(refractive, np.float64)
    n2 = n * n
    plus, minus = n2 + 1.0, n2 - 1.0
    sine2 = np.sin(np.radians(angle)) ** 2
    a = (n + 1.0) ** 2 / 2.0
    k = -(minus**2) / 4.0
    middle = sine2 - plus / 2.0
    root = np.sqrt(np.maximum(middle**2 + k, 0.0)) if angle < 90.0 else np.zeros_like(n)
    b = root - middle
    ts = (k**2 / (6.0 * b**3) + k / b - b / 2.0) - (k**2 / (6.0 * a**3) + k / a - a / 2.0)
    low, high = 2.0 * plus * b - minus**2, 2.0 * plus * a - minus**2
    tp = (
        -2.0 * n2 * (b - a) / plus**2
        - 2.0 * n2 * plus * np.log(b / a) / minus**2
        + n2 * (1.0 / b - 1.0 / a) / 2.0
        + 16.0 * n2**2 * (n2**2 + 1.0) * np.log(low / high) / (plus**3 * minus**2)
        + 16.0 * n2**3 * (1.0 / low - 1.0 / high) / plus**3
    )
    mean: npt.NDArray[np.float64] = (ts + tp) / (2.0 * sine2)
    return mean
