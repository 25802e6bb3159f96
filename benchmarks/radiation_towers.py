"""Radiation beside measurements: the sky's longwave at two stations, net radiation at 63 flux towers.

``python benchmarks/radiation_towers.py [FOLDER]``; the folder is that of the shared data (``../shared/data``), without
which only the towers of the shipped table are scored. Nothing is fitted to what it is compared with. Beside the
products is a plain peer: Bird's sky of pvlib and Prata's in numpy, where pvlib is installed.
"""

import csv
import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from _bench import table

import musyq_lab as ml
from musyq_lab.archive.stations import open_surfrad
from musyq_lab.core.resources import resource
from musyq_lab.kernels import clear_sky, solar, weather

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SKIES = ("prata", "prata_pressure", "li", "brutsaert", "dilley_obrien", "idso", "swinbank", "brunt")
CLOUDS = ("crawford_duchon", "unsworth_monteith", "li")
UNITS = {"air_temperature": "K", "vapour_pressure": "Pa", "surface_pressure": "Pa", "clear_sky_index": "1"}
Array = Any
Row = list[object]


def score(made: Array, measured: Array, where: Array | bool = True) -> Row:
    """Return number, mean of what is measured, bias and root mean square difference."""
    good = np.isfinite(made) & np.isfinite(measured) & where
    error = (made - measured)[good]
    return [
        f"{good.sum()}",
        f"{measured[good].mean():.1f}",
        f"{error.mean():+.1f}",
        f"{np.sqrt(np.mean(error**2)):.1f}",
    ]


# ---- stations of longwave irradiance ---------------------------------------------------------------------------------


def haurwitz(time: Array, latitude: float, longitude: float) -> Array:
    """Return the irradiance of a clear sky by the Sun alone, 0 below 5 degrees."""
    zenith = np.asarray(solar.zenith_azimuth(time, latitude, longitude)[0], float)
    return np.where(zenith < 85.0, clear_sky.haurwitz(np.minimum(zenith, 85.0)), 0.0)


def station(**columns: Array) -> xr.Dataset:
    """Return a row of times in canonical units."""
    return xr.Dataset({name: ("time", values, {"units": UNITS.get(name, "W m-2")}) for name, values in columns.items()})


def index_of(shortwave: Array, clear: Array) -> Array:
    """Return the clear-sky index, scaled so that clear hours have 1; NaN where the Sun is low.

    The scale takes up the instrument, the share of photosynthetic light and the turbidity, none of which is known: a
    twelfth of the hours is brighter than it, as between clouds.
    """
    ratio = np.full(clear.shape, np.nan)
    np.divide(shortwave, clear, out=ratio, where=clear > 150.0)
    return ratio / np.nanpercentile(ratio, 92)


def alamosa(folder: Path) -> xr.Dataset:
    """Return SURFRAD Alamosa, 2016-01-01, each minute: clear but for an hour of the night."""
    day = open_surfrad(folder / "ground_radiation_pvlib" / "surfrad-slv16001.dat")
    time, place = day["time"].to_numpy(), (day["latitude"][0], day["longitude"][0])
    air = day["air_temperature"].to_numpy()
    made = station(
        air_temperature=air,
        vapour_pressure=day["relative_humidity"].to_numpy() * weather.saturation_pressure(air),
        surface_pressure=day["surface_pressure"].to_numpy(),
        clear_sky_index=index_of(day["downward_shortwave"].to_numpy(), haurwitz(time, *place)),
        measured=day["downward_longwave"].to_numpy(),
    )
    return made.assign_coords(time=time)


def tharandt(folder: Path) -> xr.Dataset:
    """Return FLUXNET DE-Tha (spruce forest, 385 m), June 2014, each half hour."""
    with gzip.open(folder / "ground_flux_bigleaf" / "DE_Tha_Jun_2014.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    # Local standard time is UTC + 1; the middle of the half hour.
    seconds = ((column["doy"] - 1) * 24 + column["hour"] - 1 + 0.25) * 3600
    time = np.datetime64("2014-01-01", "s") + seconds.round().astype("timedelta64[s]")
    air = column["Tair"] + 273.15
    made = station(
        air_temperature=air,
        vapour_pressure=weather.saturation_pressure(air) - column["VPD"] * 1e3,
        surface_pressure=column["pressure"] * 1e3,
        clear_sky_index=index_of(column["PPFD"], haurwitz(time, 50.9626, 13.5651)),
        measured=column["LW_down"],
    )
    return made.assign_coords(time=time)


def skies(at: xr.Dataset, where: Array, **options: Any) -> list[Row]:
    """Return a row a method: N, mean, bias, rmse."""
    inputs = at.drop_vars("measured") if options else at.drop_vars(["measured", "clear_sky_index"])
    # Swinbank's sky knows no humidity, on which the clouds of Li et al. depend.
    methods = [m for m in SKIES if not (m == "swinbank" and options.get("clouds") == "li")]
    made = {m: ml.retrieve("dlr", inputs, method=m, uncertainty=False, **options).dlr.values for m in methods}
    return [[method, *score(values, at.measured.values, where)] for method, values in made.items()]


def longwave(folder: Path) -> None:
    """Print clear skies at both stations and clouds at Tharandt."""
    head = ["method", "N", "measured", "bias", "rmse"]
    forest, desert = tharandt(folder), alamosa(folder)
    index = forest.clear_sky_index.values
    clear, day = np.abs(index - 1) < 0.08, np.isfinite(index)
    light = np.abs(desert.clear_sky_index.values - 1) < 0.15
    table("Tharandt, June 2014, clear by day, W m-2", head, skies(forest, clear))
    table("Alamosa, 2016-01-01, clear by day", head, skies(desert, light))
    table("Alamosa, the night and twilight", head, skies(desert, ~np.isfinite(desert.clear_sky_index.values)))
    table("Tharandt, all skies by day, taken as clear", head, skies(forest, day))
    for clouds in CLOUDS:
        table(f"Tharandt, all skies by day, {clouds}", head, skies(forest, day, clouds=clouds))
    made = ml.retrieve("dlr", forest.drop_vars("measured"))
    error = np.abs(made.dlr - forest.measured).values[day]
    print(f"\nwithin the stated sigma of the default: {np.mean(error <= made.dlr_uncertainty.values[day]):.0%}")


# ---- net radiation at the towers of the shipped table ----------------------------------------------------------------


def towers() -> tuple[xr.Dataset, dict[str, Array]]:
    """Return the inputs at the 1,065 matchups, as retrieved or analysed, and the measured columns."""
    with resource("catalogs/samples/tower_matchups.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {"site", "time", "igbp", "climate"}
    column = {n: np.array([float(row[n] or "nan") for row in rows]) for n in rows[0] if n not in texts}
    column["site"] = np.array([row["site"] for row in rows])
    air = column["air_temperature"] + 273.15
    layers = {
        "sun_zenith": (column["sun_zenith"], "degree"),
        "aod": (column["aerosol_optical_thickness"], "1"),
        "water_vapour": (column["water_vapour"] * 10, "kg m-2"),
        "ozone": (column["ozone"] * 1000, "DU"),
        "altitude": (column["elevation"], "m"),
        "albedo": (column["albedo"], "1"),
        "air_temperature": (air, "K"),
        "relative_humidity": (np.minimum(column["relative_humidity"], 1.0), "1"),
        "surface_temperature": (column["lst"], "K"),
        "surface_temperature_uncertainty": (column["lst_uncertainty"], "K"),
        "broadband_emissivity": (column["emissivity"], "1"),
    }
    data = {name: ("time", values, {"units": units}) for name, (values, units) in layers.items()}
    time = np.array([row["time"].rstrip("Z") for row in rows], "datetime64[ns]")
    place = {name: ("time", column[name]) for name in ("latitude", "longitude")}
    return xr.Dataset(data, {"time": time, **place}), column


def balance(ds: xr.Dataset, **methods: str) -> xr.Dataset:
    """Return net radiation by emission and reflection, whatever else that takes made first."""
    made: xr.Dataset = ml.retrieve("net_radiation", ds, method={"net_radiation": "emission", **methods})
    return made


def net_radiation() -> None:
    """Print net radiation of the products and of others beside the towers."""
    ds, column = towers()
    measured = column["tower_net_radiation"]
    lit = ds.assign(downward_shortwave=("time", column["tower_sw_in"], {"units": "W m-2"}))
    made = balance(ds, dsr="clear_sky")
    rows: list[Row] = [["products, clear sky", *score(made.net_radiation.values, measured)]]
    for name, values in (("ECOSTRESS", column["ecostress_net_radiation"]), ("BESS", column["bess_net_radiation"])):
        rows.append([name, *score(values, measured)])
    if (peer := plain_peer(ds)) is not None:
        rows.append(["Bird of pvlib, Prata from humidity", *score(peer, measured)])
    rows.append(["shortwave of the tower, the rest retrieved", *score(balance(lit).net_radiation.values, measured)])
    dry = balance(lit.drop_vars("water_vapour")).net_radiation.values
    rows.append(["the same, column from humidity", *score(dry, measured)])
    table("Net radiation at 63 towers, W m-2", ["what", "N", "measured", "bias", "rmse"], rows)
    by_sky: list[Row] = [[m, *score(balance(ds, dsr="clear_sky", dlr=m).net_radiation.values, measured)] for m in SKIES]
    table("The same by the method of the longwave sky", ["dlr", "N", "measured", "bias", "rmse"], by_sky)
    error = made.net_radiation.values - measured
    means = [error[column["site"] == site].mean() for site in np.unique(column["site"])]
    within = np.mean(np.abs(error) <= made.net_radiation_uncertainty.values)
    print(
        f"\nmeans of sites: {np.mean(means):+.1f} +- {np.std(means):.1f} W m-2; within the stated sigma: {within:.0%}"
    )


def plain_peer(ds: xr.Dataset) -> Array | None:
    """Return Bird's sky of pvlib and Prata's from the humidity near the ground, None without pvlib."""
    try:
        from pvlib import atmosphere, clearsky
    except ImportError:
        print("pvlib is not installed: the plain peer is left out")
        return None
    zenith, aod = ds.sun_zenith.values, ds.aod.values
    light = clearsky.bird(
        zenith, atmosphere.get_relative_airmass(zenith, "kasten1966"), aod * (550 / 380) ** 1.3,
        aod * (550 / 500) ** 1.3, ds.water_vapour.values / 10, ds.ozone.values / 1000,
        atmosphere.alt2pres(ds.altitude.values), solar.extraterrestrial(ds.time.values), 0.85, ds.albedo.values,
    )["ghi"]  # fmt: skip
    air, warm = ds.air_temperature.values, ds.surface_temperature.values
    w = 0.465 * ds.relative_humidity.values * weather.saturation_pressure(air) / air
    sky = (1 - (1 + w) * np.exp(-np.sqrt(1.2 + 3 * w))) * 5.670374419e-8 * air**4
    long = ds.broadband_emissivity.values * (sky - 5.670374419e-8 * warm**4)
    return np.asarray((1 - ds.albedo.values) * light + long)


if __name__ == "__main__":
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED
    if data.exists():
        longwave(data)
    else:
        print(f"no data in {data}: stations of longwave irradiance are left out")
    net_radiation()
