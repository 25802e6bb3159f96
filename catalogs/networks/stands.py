r"""Stands of plants as no sensor has seen them yet: the training base of the networks, from our own models.

PROSPECT-D leaves and 4SAIL canopies over soils, drawn from the distribution of Weiss, Baret & Jay (2020, S2ToolBox
Level 2 products, ATBD 2.1): truncated normal distributions whose limits narrow as leaf area grows. The numbers are of
jbferet/prosail (commit 5bdc2c7, ``R/get_atbd_lut_input.R``). Where we differ, and why:

* The leaf area drawn is the true one, and the canopy acts as :math:`\Omega L` with a clumping index of 0.60 to 0.85, as
  the classes of land cover have it (0.62 to 0.77 and an error of 0.07: ``catalogs/biomes/clumping.csv``).
* Soils are our model's (brightness, redness, moisture, slope), since the spectra of the ATBD are not free.
* An image is lit by the sky too: reflectance is that of beam and diffuse light in their shares, not that of the beam.
* A pixel of a coarse sensor holds two stands side by side, in shares that are even from 0 to 1, under one Sun.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from musyq_lab.kernels import canopy, ground
from musyq_lab.kernels.cloud import rayleigh_depth
from musyq_lab.kernels.leaf import LeafConstants, prospect_d
from musyq_lab.standard.spectra import band_weights, leaf_constants, sunlight

STEP = 5  # nm between wavelengths: canopy reflectance within 0.001 of 1 nm (musyq_lab.twin.surface)
MAX_SUN, MAX_VIEW = 75.0, 65.0  # degrees
CLUMPING = (0.60, 0.85)
AEROSOL = (0.03, 0.5)  # optical depth at 0.55 um

Floats = NDArray[np.float64]

LARGEST = 15.0
"""Leaf area index at which the second pair of limits holds."""
LEAF_AREA = (0.0, LARGEST, 2.0, 3.0)
"""Least, most, mode, standard deviation."""
TRAITS = {
    # least, most, mode, standard deviation; least and most at LARGEST
    "leaf_angle": (30.0, 80.0, 60.0, 30.0, 55.0, 65.0),
    "hotspot": (0.1, 0.5, 0.2, 0.5, 0.1, 0.5),
    "n": (1.2, 1.8, 1.5, 0.3, 1.3, 1.8),
    "cab": (20.0, 90.0, 45.0, 30.0, 45.0, 90.0),
    "cm": (0.003, 0.011, 0.005, 0.005, 0.005, 0.011),
    "water_share": (0.60, 0.85, 0.75, 0.08, 0.70, 0.80),
    "cbrown": (0.0, 2.0, 0.0, 0.3, 0.0, 0.2),
    # Ours: dry soil near 1.6 um, a factor 0.25 to 2 around 0.33; the ATBD narrows its brightness with leaf area too.
    "brightness": (0.08, 0.65, 0.33, 0.13, 0.08, 0.35),
}


class Base(NamedTuple):
    """Cases of the training base."""

    wavelength: Floats
    """um, shape (wavelength,)."""
    reflectance: NDArray[np.float32]
    """Without noise, shape (case, wavelength)."""
    angles: Floats
    """Zenith angles of Sun and view, azimuth between them (degrees), shape (case, 3)."""
    lai: Floats
    """Effective leaf area index, shape (case,)."""
    fpar: Floats
    """Share of PAR that the leaves absorb under a clear sky at the Sun's angle, shape (case,)."""
    fvc: Floats
    """Share of the ground that leaves hide from a nadir view, shape (case,)."""


def truncated(rng: np.random.Generator, least: float, most: float, mode: float, sd: float, count: int) -> Floats:
    """Return numbers of a truncated normal distribution."""
    low, high = ndtr((least - mode) / sd), ndtr((most - mode) / sd)
    drawn: Floats = np.clip(mode + sd * ndtri(low + (high - low) * rng.uniform(size=count)), least, most)
    return drawn


def draw(count: int, key: int) -> dict[str, Floats]:
    """Return the parameters of some stands; the first half and the second are pairs under the same Sun, view and air.

    Parameters
    ----------
    count
        How many, an even number.
    key
        Of the random numbers.
    """
    rng = np.random.Generator(np.random.Philox(key))
    lai = truncated(rng, *LEAF_AREA, count)
    made = {}
    for name, (least, most, mode, sd, low, high) in TRAITS.items():
        value, share = truncated(rng, least, most, mode, sd, count), lai / LARGEST
        bottom, top = least + share * (low - least), most + share * (high - most)
        made[name] = bottom + (value - least) * (top - bottom) / (most - least)
    made["cw"] = made["cm"] / (1.0 - made["water_share"]) - made["cm"]
    made["lai"] = lai * rng.uniform(*CLUMPING, count)
    made["redness"] = truncated(rng, 0.2, 0.9, 0.6, 0.15, count)
    made["moisture"] = np.maximum(rng.uniform(-0.15, 0.45, count), 0.0)  # a quarter is dry
    made["slope"] = np.clip(rng.normal(0.05, 0.12, count), -0.25, 0.4)
    for name, most in (("sun_zenith", MAX_SUN), ("view_zenith", MAX_VIEW), ("relative_azimuth", 180.0)):
        made[name] = rng.uniform(0.0, most, count)
    made["aerosol"] = rng.uniform(*AEROSOL, count)
    for name in ("sun_zenith", "view_zenith", "relative_azimuth", "aerosol"):
        made[name] = np.tile(made[name][: count // 2], 2)
    return made


def model(stands: dict[str, Floats], block: int = 2000) -> Base:
    """Run the models.

    Parameters
    ----------
    stands
        From :func:`draw`.
    block
        Cases at a time.
    """
    places = slice(0, None, STEP)
    leaf = leaf_constants().at(places)
    photons = np.where(leaf.wavelength < 0.7001, sunlight("ground")[1][places] * leaf.wavelength, 0.0)
    photons /= photons.sum()
    parts = []
    for start in range(0, stands["lai"].size, block):
        part = {name: values[start : start + block].astype(np.float32) for name, values in stands.items()}
        parts.append(_run(part, leaf, photons))
    reflectance, fpar, fvc = (np.concatenate(p) for p in zip(*parts, strict=True))
    angles = np.column_stack([stands[name] for name in ("sun_zenith", "view_zenith", "relative_azimuth")])
    return Base(leaf.wavelength, reflectance, angles, stands["lai"], fpar.astype(float), fvc.astype(float))


def pure(base: Base) -> Base:
    """Return the first stand of each pair."""
    half = base.lai.size // 2
    return base._replace(**{name: getattr(base, name)[:half] for name in Base._fields[1:]})


def mixed(base: Base, key: int) -> Base:
    """Return both stands of each pair side by side: all but the angles is their mean by area."""
    half = base.lai.size // 2
    share = np.random.Generator(np.random.Philox(key)).uniform(size=half)
    made = {}
    for name in ("reflectance", "lai", "fpar", "fvc"):
        values = getattr(base, name)
        part = share.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
        made[name] = part * values[:half] + (1 - part) * values[half:]
    return base._replace(angles=base.angles[:half], **made)


def _run(
    stands: dict[str, NDArray[np.float32]], leaf: LeafConstants, photons: Floats
) -> tuple[NDArray[np.float32], ...]:
    cab = stands["cab"]
    traits = {name: stands[name] for name in ("n", "cab", "cbrown", "cw", "cm")} | {"car": 0.25 * cab, "ant": 0.0 * cab}
    rho, tau = prospect_d(**traits, constants=leaf)
    shape = {"lai": stands["lai"], "leaf_angles": canopy.campbell(stands["leaf_angle"]), "hotspot": stands["hotspot"]}
    angles = {name: stands[name] for name in ("sun_zenith", "view_zenith", "relative_azimuth")}
    layer = canopy.four_sail(rho, tau, **shape, **angles)
    below = soil(stands, leaf)
    seen = canopy.over_soil(layer, below)
    diffuse = diffuse_share(leaf.wavelength, stands["sun_zenith"], stands["aerosol"])
    reflectance = seen.rsot + diffuse * (seen.rdot - seen.rsot)
    part = canopy.absorbed(layer, below)
    sky = sky_share(stands["sun_zenith"])[:, None]
    fpar = (part.direct + sky * (part.diffuse - part.direct)) @ photons
    nadir = canopy.four_sail(rho[:, :1], tau[:, :1], **shape, sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0)
    return reflectance.astype(np.float32), fpar, 1.0 - nadir.too[:, 0]


def soil(stands: dict[str, NDArray[np.float32]], leaf: LeafConstants) -> Floats:
    """Return the reflectance of the soils, shape (case, wavelength)."""
    bare = ground.soil(
        leaf.wavelength, leaf.water, stands["brightness"], redness=stands["redness"], moisture=stands["moisture"]
    )
    sloped: Floats = np.minimum(bare * (leaf.wavelength / 0.9) ** stands["slope"][:, None], 0.85)
    return sloped


def diffuse_share(wavelength: Floats, sun_zenith: NDArray[np.floating], aerosol: NDArray[np.floating]) -> Floats:
    r"""Return the share of diffuse in the light on the ground under a clear sky, shape (case, wavelength).

    .. math:: d = 1 - \exp\left(-\frac{0.5\,\tau_R + 0.85\,\tau_a}{\mu_s}\right), \quad
       \tau_a = \tau_{550} (\lambda / 0.55)^{-1.3}

    with the optical depth :math:`\tau_R` of the molecules. The light scattered forward, half of it by molecules and
    0.85 by aerosol, stays in the total (shares assumed).
    """
    cosine = np.cos(np.radians(sun_zenith))[:, None]
    molecules = np.array([rayleigh_depth(float(w)) for w in wavelength])
    haze = aerosol[:, None] * (wavelength / 0.55) ** -1.3
    share: Floats = 1.0 - np.exp(-(0.5 * molecules + 0.85 * haze) / cosine)
    return share


def sky_share(sun_zenith: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the share of diffuse in PAR under a clear sky (Francois et al. 2002, Agronomie 22, 611-618).

    Coefficients as jbferet/prosail has them (``R/compute_surf_refl.R``); the paper was not re-read.
    """
    sine = np.cos(np.radians(sun_zenith))  # of the Sun's elevation
    return np.asarray(0.847 - 1.61 * sine + 1.04 * sine * sine)


def directions(angles: Floats) -> Floats:
    """Return what a network is told of the angles (degrees): see ``musyq_lab.kernels.network``."""
    sun, view, azimuth = np.radians(angles).T
    return np.column_stack([np.cos(sun), np.cos(view), np.sin(view) * np.cos(azimuth)])


def misjudged_aerosol(seen: Floats, wavelength: Floats, angles: Floats, error: Floats) -> Floats:
    r"""Return what an error of the optical depth of the aerosol does to corrected reflectance, shape (case, band).

    .. math:: \delta\rho = \delta\tau \left(\frac{1}{\mu_s} + \frac{1}{\mu_v}\right)
       \left[0.033\,\ell^{-1.4} - 0.185\,\ell^{-0.95} \rho\right], \qquad \ell = \frac{\lambda}{0.55}

    Dark surfaces are taken for brighter, bright ones for darker. Fitted by eye to differences of our own correction
    (:mod:`musyq_lab.standard.atmosphere`, bands of OLI, optical depth 0.2 to 0.35, four geometries): within a third.

    Parameters
    ----------
    seen
        Reflectance, shape (case, band).
    wavelength
        Centres of the bands (um), shape (band,).
    angles
        Degrees, shape (case, 3).
    error
        Optical depth at 0.55 um that is too low by this much, shape (case,).
    """
    path = np.sum(1.0 / np.cos(np.radians(angles[:, :2])), axis=1)
    ratio = wavelength / 0.55
    change: Floats = (error * path)[:, None] * (0.033 * ratio**-1.4 - 0.185 * ratio**-0.95 * seen)
    return change


def seen_by(base: Base, sensor: str, bands: tuple[str, ...], variant: str) -> Floats:
    """Return what the bands of a sensor see, without noise, shape (case, band)."""
    own = band_weights(sensor, bands, variant, step=STEP)
    places = np.round((own.wavelength - base.wavelength[0]) * 1e3 / STEP).astype(int)
    return np.asarray(base.reflectance[:, places].astype(np.float64) @ own.weights.T)
