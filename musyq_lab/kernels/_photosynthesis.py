r"""Light-use efficiency of the P-model: photosynthesis acclimated to its climate.

Leaves balance the cost of losing water with that of carboxylation capacity, which sets the carbon dioxide inside them,

.. math:: \chi = \frac{\Gamma^*}{c_a} + \Bigl(1 - \frac{\Gamma^*}{c_a}\Bigr) \frac{\xi}{\xi + \sqrt{D}}, \qquad
          \xi = \sqrt{\frac{\beta (K + \Gamma^*)}{1.6\,\eta^*}}, \quad \beta = 146,

and co-ordinate electron transport with it (Wang et al. 2017), so that with
:math:`m = (\chi c_a - \Gamma^*) / (\chi c_a + 2 \Gamma^*)`

.. math:: GPP = \varphi_0(T)\, M_C\, m \sqrt{1 - (0.41 / m)^{2/3}} \; f \cdot \mathrm{PPFD} \; \beta_\theta .

The quantum yield follows the temperature (Bernacchi et al. 2003), soil moisture may limit (Stocker et al. 2020). Plants
of the C4 pathway have :math:`m = 1` and a yield of their own (Cai & Prentice 2020).

References
----------
Stocker et al. (2020), doi:10.5194/gmd-13-1545-2020. Wang et al. (2017), doi:10.1038/s41477-017-0006-8. Prentice et al.
(2014), doi:10.1111/ele.12211. Bernacchi et al. (2001), doi:10.1111/j.1365-3040.2001.00668.x, and (2003),
doi:10.1046/j.0016-8025.2003.01050.x. Huber et al. (2009), doi:10.1063/1.3088050, viscosity of water; Fisher & Dial
(1975), density. Constants as in pyrealm 2.0.0 (MIT), with which the kernel is compared.
"""

from typing import Any

from musyq_lab.kernels._compile import inline, kernel, select
from musyq_lab.kernels._inline import polynomial
from musyq_lab.kernels._math import exp, pow, sqrt
from musyq_lab.kernels.weather import FREEZING, SEA_LEVEL

__all__ = [
    "C3",
    "C4",
    "MEGAJOULES",
    "PHOTONS",
    "clipped",
    "michaelis",
    "p_model",
    "soil_stress",
]

MEGAJOULES = 0.0864
"""MJ m-2 d-1 in a W m-2."""
PHOTONS = 4.57
"""Micromoles of photons in a joule of PAR of the Sun (McCree 1972, doi:10.1016/0002-1571(72)90045-3; Thimijan and Heins
1983, table 3, doi:10.21273/HORTSCI.18.6.818)."""
C3, C4 = 3.0, 4.0
"""Pathways, as ``p_model`` takes them."""

_CARBON = 12.0107  # g mol-1
_GAS = 8.3145  # J mol-1 K-1
_STANDARD = 298.15  # K
_OXYGEN = 0.209476  # share of oxygen in air
_COST = 146.0  # beta, Stocker et al. 2020, section 2
_ELECTRONS = 0.41  # c*, cost of electron transport, Wang et al. 2017

# Fisher & Dial 1975, table 5: specific volume of water by the Tumlirz equation (C, bar, cm3 g-1).
_tumlirz_lambda = polynomial(1788.316, 21.55053, -0.4695911, 0.003096363, -7.341182e-06)
_tumlirz_pressure = polynomial(5918.499, 58.05267, -1.1253317, 0.0066123869, -1.4661625e-05)
_tumlirz_volume = polynomial(
    0.6980547, -0.0007435626, 3.704258e-05, -6.315724e-07, 9.829576e-09, -1.197269e-10, 1.005461e-12, -5.437898e-15,
    1.69946e-17, -2.295063e-20,
)  # fmt: skip
# Huber et al. 2009, table 3: coefficients H_ij of the second factor, one polynomial in density for each power of 1/T.
_density_powers = (
    polynomial(0.520094, 0.222531, -0.281378, 0.161913, -0.0325372),
    polynomial(0.0850895, 0.999115, -0.906851, 0.257399),
    polynomial(-1.08374, 1.88797, -0.772479),
    polynomial(-0.289555, 1.26613, -0.489837, 0.0, 0.0698452, 0.0, -0.00435673),
    polynomial(0.0, 0.0, -0.25704, 0.0, 0.0, 0.00872102),
    polynomial(0.0, 0.120573, 0.0, 0.0, 0.0, 0.0, -0.000593264),
)
_power_0, _power_1, _power_2, _power_3, _power_4, _power_5 = _density_powers


@inline
def clipped(x: Any) -> Any:
    """Limit a number to 0 to 1; NaN stays NaN."""
    low = select(x < 0.0, 0.0, x)
    return select(low > 1.0, 1.0, low)


@inline
def _arrhenius(temperature: Any, energy: Any) -> Any:
    return exp(energy * (temperature - _STANDARD) / (_STANDARD * _GAS * temperature))


@inline
def michaelis(temperature: Any, pressure: Any) -> Any:
    """Michaelis constant of Rubisco-limited assimilation (Pa), from K and Pa; Bernacchi et al. 2001, table 1."""
    carbon, oxygen = 39.97 * _arrhenius(temperature, 79430.0), 27480.0 * _arrhenius(temperature, 36380.0)
    return carbon * (1.0 + _OXYGEN * pressure / oxygen)


@inline
def compensation(temperature: Any, pressure: Any) -> Any:
    """Photorespiratory compensation point (Pa), from K and Pa; Bernacchi et al. 2001, table 1."""
    return 4.332 * pressure / SEA_LEVEL * _arrhenius(temperature, 37830.0)


@inline
def viscosity(temperature: Any, pressure: Any) -> Any:
    """Viscosity of water (Pa s), from K and Pa; Huber et al. 2009, equations 2, 11 and 12 without the critical term."""
    celsius = temperature - FREEZING
    volume = _tumlirz_volume(celsius) + _tumlirz_lambda(celsius) / (_tumlirz_pressure(celsius) + 1e-5 * pressure)
    density, reduced = 1000.0 / volume / 322.0, temperature / 647.096
    x, y = density - 1.0, 1.0 / reduced - 1.0
    dilute = 1.67752 + (2.20462 + (0.6366564 - 0.241605 / reduced) / reduced) / reduced
    dense = _power_0(x) + y * (
        _power_1(x) + y * (_power_2(x) + y * (_power_3(x) + y * (_power_4(x) + y * _power_5(x))))
    )
    return 1e-6 * (100.0 * sqrt(reduced) / dilute) * exp(density * dense)


_STANDARD_VISCOSITY = 0.0008900226790077089
"""Viscosity of water at 25 C and 101325 Pa (Pa s) by the same equations; a test computes it."""


@inline
def soil_stress(soil: Any, ratio: Any) -> Any:
    """Soil moisture stress of Stocker et al. 2020, equations 17 and 18, with their a = 0, b = 0.733, threshold 0.6."""
    short = select(soil < 0.6, 0.6 - soil, 0.0 * soil)
    return clipped(1.0 - (1.0 - 0.733 * clipped(ratio)) / (0.6 * 0.6) * short * short)


@inline
def _c3_efficiency(temperature: Any, pressure: Any, deficit: Any, carbon: Any) -> Any:
    gamma, k = compensation(temperature, pressure), michaelis(temperature, pressure)
    thickness = viscosity(temperature, pressure) / _STANDARD_VISCOSITY
    steepness = sqrt(_COST * (k + gamma) / (1.6 * thickness))
    ambient = 1e-6 * carbon * pressure
    inside = gamma + (ambient - gamma) * steepness / (steepness + sqrt(deficit))
    m = (inside - gamma) / (inside + 2.0 * gamma)
    left = 1.0 - pow(_ELECTRONS / m, 0.0 * m + 2.0 / 3.0)
    # Where m does not reach the cost of electron transport, nothing pays and nothing is fixed.
    return m * sqrt(select(left < 0.0, 0.0 * left, left))


@kernel("(),(),(),(),(),(),(),(),(),()->(),()")
# PAR (W m-2), FPAR (1), air temperature (K), deficit (Pa), CO2 (1e-6), pressure (Pa), soil moisture (1), evaporation
# ratio (1), quantum yield (1), pathway -> production (g C m-2 d-1), efficiency (g C MJ-1)
def p_model(
    par: float,
    fpar: float,
    temperature: float,
    deficit: float,
    carbon: float,
    pressure: float,
    soil: float,
    ratio: float,
    quantum_yield: float,
    pathway: float,
    out: Any,
    efficiency: Any,
) -> None:
    """Gross primary production of the P-model.

    Parameters
    ----------
    par, fpar : array_like
        Photosynthetically active radiation (W m-2) and its absorbed share (1).
    temperature : array_like
        Air temperature by day (K); below -25 C, where the yield is zero anyway, as at -25 C.
    deficit : array_like
        Vapour pressure deficit by day (Pa), 0 where negative.
    carbon, pressure : array_like
        Carbon dioxide of the air (1e-6) and air pressure (Pa).
    soil, ratio : array_like
        As in :func:`soil_stress`; 1 for no stress.
    quantum_yield, pathway : array_like
        Canopy quantum yield before its temperature dependence (mol mol-1), and ``C3`` or ``C4``.
    out, efficiency : numpy.ndarray
        Production (g C m-2 d-1) and efficiency (g C MJ-1 of absorbed PAR).
    """
    warmth = select(temperature < FREEZING - 25.0, 0.0 * temperature + (FREEZING - 25.0), temperature)
    celsius = warmth - FREEZING
    c4 = pathway > 3.5
    # Bernacchi et al. 2003, table 2; Cai & Prentice 2020, equation 5, rescaled as in pyrealm.
    yield_c3 = 0.352 + celsius * (0.022 - 0.00034 * celsius)
    yield_c4 = -0.064 + celsius * (0.03 - 0.000464 * celsius)
    phi = select(c4, yield_c4, yield_c3)
    phi = quantum_yield * select(phi < 0.0, 0.0 * phi, phi)
    dry = select(deficit < 0.0, 0.0 * deficit, deficit)
    m = _c3_efficiency(warmth, pressure, dry, carbon)
    m = select(c4, 0.0 * m + sqrt(1.0 - pow(0.0 * m + _ELECTRONS, 0.0 * m + 2.0 / 3.0)), m)
    efficiency[0] = phi * m * (_CARBON * PHOTONS) * soil_stress(soil, ratio)
    out[0] = efficiency[0] * fpar * (par * MEGAJOULES)
