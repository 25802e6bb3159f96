"""Energy yield per installed kilowatt of fixed photovoltaics at optimum tilt, from monthly GHI.

A month is two typical days, one with the mean daily clear-sky index plus and one minus its spread, so that bright and
dull days each get their own diffuse share (a two-point Gauss quadrature; mean and variance are kept). A day follows
the clear-sky curve of Ineichen & Perez on Klein's average day of the month, at Gauss-Legendre nodes of the hour angle,
and is scaled so that the month's GHI comes out again (but for months at the edge of polar night). Each node goes
through Erbs 1982 (diffuse share), Hay & Davies (or Perez, isotropic) transposition, reflection (Martin & Ruiz),
Faiman's module temperature and the module model of the chosen chain. All steps but the bookkeeping are pvlib's.

Not represented: spectrum, snow cover, horizon, degradation, tracking and bifacial modules.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from musyq_lab.applications.solar.constants import DAYS_OF_MONTH, constant, entry
from musyq_lab.applications.solar.irradiance import effective_altitude, sun_path
from musyq_lab.core.errors import InputError
from musyq_lab.core.progress import track

Floats = NDArray[np.float64]

TRANSPOSITIONS = ("haydavies", "perez", "isotropic")
# Klein 1977 (doi 10.1016/0038-092X(77)90001-9): the days whose extraterrestrial radiation is the month's mean.
AVERAGE_DAYS = np.array([17, 47, 75, 105, 135, 162, 198, 228, 258, 288, 318, 344], float)
# Jacobson & Jadhav 2018 (doi 10.1016/j.solener.2018.04.030), optimum tilt by latitude, degrees, rising powers. The
# abstract confirms a third-order polynomial; the coefficients were entered from memory and are checked by the test
# that no other tilt gives more than 1 % more.
_TILT_NORTH = (1.3793, 1.2011, -0.014404, 0.000080509)
_TILT_SOUTH = (-0.41657, 1.4216, 0.024051, 0.00021828)
# Surface air temperature (K) of the AFGL reference atmospheres (Anderson et al. 1986, AFGL-TR-86-0110) at 15 N, 45 N
# and 60 N in July and January.
_PROFILE_LATITUDE = (15.0, 45.0, 60.0)
_PROFILE_SUMMER = (299.7, 294.2, 287.2)
_PROFILE_WINTER = (299.7, 272.2, 257.2)
_NODES = 8
# At the edge of polar night the typical day is dark and the month's mean is not; no day is scaled further than this.
_BRIGHTEST = 2.0
_INDEX_LIMITS = (0.02, 1.15)
_CHUNK = 4096


def optimum_tilt(latitude: ArrayLike) -> Floats:
    """Return the tilt (degrees) that gives a fixed surface most energy; negative means facing north.

    Third-order polynomials of latitude, Jacobson & Jadhav 2018, doi 10.1016/j.solener.2018.04.030.
    """
    phi = np.asarray(latitude, float)
    polynomial = np.polynomial.polynomial.polyval
    return np.asarray(np.where(phi >= 0, polynomial(phi, _TILT_NORTH), polynomial(phi, _TILT_SOUTH)))


def air_temperature(latitude: ArrayLike, altitude: ArrayLike) -> Floats:
    """Return the monthly air temperature that production sees, from latitude, season and altitude alone.

    Surface temperatures of the AFGL reference atmospheres, linear in latitude and a cosine over the year, 6.5 K less
    a kilometre, plus a daytime excess of 6 K. Against the annual means of 115 towers the profile without the excess
    is 1.8 K too cold with a spread of 3.9 K (``catalogs/solar.yml``), about 2 % of the yield at one sigma.

    Parameters
    ----------
    latitude, altitude : array_like, shape (n,)
        Degrees north and m.

    Returns
    -------
    ndarray, shape (n, 12)
        K.
    """
    phi = np.asarray(latitude, float)
    summer = np.interp(np.abs(phi), _PROFILE_LATITUDE, _PROFILE_SUMMER)
    winter = np.interp(np.abs(phi), _PROFILE_LATITUDE, _PROFILE_WINTER)
    season = np.cos(2.0 * np.pi * (np.arange(1, 13) - 7) / 12.0)[None, :] * np.where(phi < 0, -1.0, 1.0)[:, None]
    level = (summer + winter)[:, None] / 2 + (summer - winter)[:, None] / 2 * season
    lapse = constant("lapse_rate").value * np.asarray(altitude, float)[:, None]
    return np.asarray(level - lapse + constant("air_temperature_excess").value)


def pv_yield(
    dsr: xr.DataArray,
    clear_sky: xr.DataArray,
    *,
    altitude: xr.DataArray,
    spread: xr.DataArray | None = None,
    temperature: xr.DataArray | None = None,
    chain: str = "gsa",
    transposition: str = "haydavies",
    where: xr.DataArray | None = None,
) -> xr.DataArray:
    """Return the yield of each month.

    Parameters
    ----------
    dsr, clear_sky : DataArray, dims (month, latitude, longitude)
        All-sky and clear-sky irradiance, W m-2, mean of the month.
    altitude : DataArray, dims (latitude, longitude)
        m.
    spread : DataArray, dims (month, latitude, longitude), optional
        Standard deviation of the daily clear-sky index; 0 without.
    temperature : DataArray, dims (month, latitude, longitude), optional
        Air temperature by day, K; :func:`air_temperature` without.
    chain : {"gsa", "pvgis", "pvwatts"}
        Losses and module model.
    transposition : {"haydavies", "perez", "isotropic"}
        Sky model.
    where : DataArray of bool, optional
        Cells to work out; all cells with irradiance by default.

    Returns
    -------
    DataArray, dims (month, latitude, longitude)
        kWh kWp-1 in the month, NaN where there is no input.

    Raises
    ------
    NotFoundError
        If the chain is not known.
    InputError
        If the transposition is not known.
    """
    entry("yield_chains", chain)
    if transposition not in TRANSPOSITIONS:
        raise InputError(f"There is no transposition {transposition!r}. Use one of {', '.join(TRANSPOSITIONS)}.")
    dsr, clear_sky = (x.transpose("month", "latitude", "longitude") for x in (dsr, clear_sky))
    usable = dsr.notnull().all("month") & clear_sky.notnull().all("month")
    chosen = np.nonzero((usable if where is None else usable & where).values)
    out = np.full(dsr.shape, np.nan, np.float32)
    fields = {"dsr": dsr, "clear": clear_sky, "spread": spread, "temperature": temperature}
    values = {k: None if v is None else v.transpose("month", "latitude", "longitude").values for k, v in fields.items()}
    starts = range(0, chosen[0].size, _CHUNK)
    for start in track(starts, "Photovoltaic yield"):
        rows, columns = (index[start : start + _CHUNK] for index in chosen)
        cells: dict[str, Any] = {
            k: None if v is None else v[:, rows, columns].T.astype(float) for k, v in values.items()
        }
        latitude, height = dsr.latitude.values[rows], altitude.values[rows, columns]
        if cells["temperature"] is None:
            cells["temperature"] = air_temperature(latitude, height)
        power = cell_yield(latitude, height, **cells, chain=chain, transposition=transposition)
        out[:, rows, columns] = power.T
    attrs = {"units": "kWh kW-1", "long_name": f"photovoltaic yield of the month, chain {chain}"}
    return dsr.copy(data=out).rename("pv_yield").assign_attrs(attrs)


def cell_yield(
    latitude: Floats,
    altitude: Floats,
    *,
    dsr: Floats,
    clear: Floats,
    spread: Floats | None,
    temperature: Floats,
    chain: str = "gsa",
    transposition: str = "haydavies",
    tilt: Floats | None = None,
) -> Floats:
    """Return the yield (kWh kWp-1 in each month) of single cells; arrays (n,) and (n, 12) as in :func:`pv_yield`."""
    sun = _sun(latitude, altitude)
    angle = optimum_tilt(latitude) if tilt is None else tilt
    surface = _surface(latitude, np.broadcast_to(angle, latitude.shape), sun)
    curve, weight = sun["clear"], sun["weight"]
    level = (curve * weight).sum(axis=-1)  # clear-sky mean of the typical day, by its own curve
    index = np.divide(dsr, clear, out=np.zeros_like(dsr), where=clear > 1.0)
    total = np.zeros_like(dsr)
    for sign in (-1.0, 1.0):
        day = np.maximum(index + sign * _bounded(spread, index), 0.0)
        factor = np.divide(day * clear, level, out=np.zeros_like(dsr), where=level > 1.0)
        factor = np.minimum(factor, _BRIGHTEST)
        ghi = curve * factor[..., None]
        power = _module_power(ghi, sun, surface, temperature[..., None], chain, transposition)
        total += 0.5 * (power * weight).sum(axis=-1)
    loss = 1.0 - entry("yield_chains", chain)["loss"]
    return np.asarray(total / 1000.0 * loss * 24.0 * np.array(DAYS_OF_MONTH))


def _bounded(spread: Floats | None, index: Floats) -> Floats:
    """Return the spread, cut so that both days stay possible; the mean of the two is kept."""
    if spread is None:
        return np.zeros_like(index)
    low, high = _INDEX_LIMITS
    return np.asarray(np.clip(spread, 0.0, np.maximum(np.minimum(index - low, high - index), 0.0)))


def _sun(latitude: Floats, altitude: Floats) -> dict[str, Any]:
    """Return sun position, extraterrestrial and clear-sky irradiance on the typical days, shape (n, 12, nodes)."""
    from pvlib.atmosphere import alt2pres, get_absolute_airmass, get_relative_airmass
    from pvlib.clearsky import ineichen
    from pvlib.irradiance import get_extra_radiation
    from pvlib.solarposition import declination_spencer71

    cosine, weight = sun_path(latitude[:, None], AVERAGE_DAYS[None, :], _NODES)
    zenith = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    relative = np.nan_to_num(get_relative_airmass(zenith), nan=40.0)
    mass = get_absolute_airmass(relative, alt2pres(altitude)[:, None, None])
    extra = get_extra_radiation(AVERAGE_DAYS)[None, :, None]
    # The shape of the day hardly depends on the turbidity; its level is replaced by the month's own.
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # its beam part divides by the cosine, which is 0 in polar night
        clear = ineichen(zenith, mass, 3.0, effective_altitude(altitude)[:, None, None], extra)["ghi"]
    sine = np.sin(declination_spencer71(AVERAGE_DAYS))[None, :, None]
    phi = np.radians(latitude)[:, None, None]
    # Component of the sun's direction toward the south; positive where it stands south of the place.
    south = (np.sin(phi) * cosine - sine) / np.cos(phi)
    return {
        "zenith": zenith,
        "cosine": cosine,
        "weight": weight,
        "mass": relative,
        "extra": extra,
        "clear": clear,
        "south": south,
        "shape": cosine.shape,
    }


def _surface(latitude: Floats, tilt: Floats, sun: dict[str, Any]) -> dict[str, Any]:
    """Return tilt and the cosine of the angle of incidence for surfaces that face south (tilt > 0) or north."""
    angle = np.radians(tilt)[:, None, None]
    cosine = sun["cosine"] * np.cos(angle) + sun["south"] * np.sin(angle)
    return {
        "tilt": np.abs(tilt)[:, None, None],
        "facing": np.where(tilt >= 0, 180.0, 0.0)[:, None, None],
        "cosine": np.maximum(cosine, 0.0),
    }


def _module_power(
    ghi: Floats, sun: dict[str, Any], surface: dict[str, Any], temperature: Floats, chain: str, transposition: str
) -> Floats:
    """Return DC power (W per kWp) at each node from GHI (W m-2) and air temperature (K)."""
    from pvlib import iam, pvarray, pvsystem
    from pvlib import temperature as module

    beam, sky, ground = _plane(ghi, sun, surface, transposition)
    angle = np.degrees(np.arccos(np.clip(surface["cosine"], 0.0, 1.0)))
    diffuse = iam.martin_ruiz_diffuse(surface["tilt"])
    seen = beam * iam.martin_ruiz(angle) + sky * diffuse["sky"] + ground * diffuse["ground"]
    heat = module.faiman(
        beam + sky + ground, temperature - 273.15, constant("wind_speed").value,
        u0=constant("faiman_u0").value, u1=constant("faiman_u1").value,
    )  # fmt: skip
    row = entry("yield_chains", chain)
    if row["module"] == "huld":
        power = pvarray.huld(seen, heat, 1000.0, cell_type="csi")
    else:
        power = pvsystem.pvwatts_dc(seen, heat, 1000.0, row["gamma"]) * row["inverter"]
    return np.asarray(np.maximum(power, 0.0))


def _plane(
    ghi: Floats, sun: dict[str, Any], surface: dict[str, Any], transposition: str
) -> tuple[Floats, Floats, Floats]:
    """Return beam, sky-diffuse and ground-reflected irradiance on the surface, W m-2."""
    from pvlib import irradiance

    split = irradiance.erbs(ghi, sun["zenith"], AVERAGE_DAYS[None, :, None])
    beam = split["dni"] * surface["cosine"]
    tilt, dhi = surface["tilt"], split["dhi"]
    if transposition == "haydavies":
        ratio = surface["cosine"] / np.maximum(sun["cosine"], 0.01745)
        sky = irradiance.haydavies(tilt, None, dhi, split["dni"], sun["extra"], projection_ratio=ratio)
    elif transposition == "isotropic":
        sky = irradiance.isotropic(tilt, dhi)
    else:
        # pvlib takes angles here: an azimuth that gives the same angle of incidence in a plane through the meridian.
        azimuth = np.degrees(
            np.arccos(np.clip(-sun["south"] / np.maximum(np.sin(np.radians(sun["zenith"])), 1e-9), -1.0, 1.0))
        )
        broad = np.broadcast_arrays(
            tilt, surface["facing"], dhi, split["dni"], sun["extra"] + 0 * dhi, sun["zenith"], azimuth, sun["mass"]
        )
        sky = np.nan_to_num(irradiance.perez(*[np.asarray(b, float) for b in broad]))
    ground = irradiance.get_ground_diffuse(tilt, ghi, constant("ground_albedo").value)
    return beam, sky, ground
