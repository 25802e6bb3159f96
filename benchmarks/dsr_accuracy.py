"""Downward shortwave radiation beside measurements, McClear, NSRDB and the simulated Earth; nothing is fitted here.

Towers: overpasses of ECOSTRESS, which are chosen for clear skies, with the air and the cloud depth of their own table.
Simulated Earth: images of AHI's red band over some days of the set that nothing was tuned on (``members="scored"``),
made by the twin's forward model; its irradiance is Bird's under clouds, ours REST2's, but both clouds are two-stream
layers, and the form of their reflectance towards the sensor is the same: agreement there is no proof. Its daily means
are those of the same instants, since the twin's own (6 instants a day) differ from them by 37 W m-2 at a pixel.

    python benchmarks/dsr_accuracy.py [towers] [mcclear] [nsrdb] [surfrad] [earth]
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from _bench import table

import musyq_lab as ml
from musyq_lab.analysis.background import clear_background
from musyq_lab.analysis.daytime import integrate
from musyq_lab.core.resources import resource
from musyq_lab.kernels import clear_sky, solar
from musyq_lab.kernels.clear_sky import vapour_from_humidity
from musyq_lab.kernels.weather import standard_pressure
from musyq_lab.standard import climatology

SHARED = Path(__file__).parents[2] / "shared" / "data" / "ground_radiation_pvlib"
UNITS = {
    "sun_zenith": "degree",
    "view_zenith": "degree",
    "extraterrestrial_shortwave": "W m-2",
    "water_vapour": "kg m-2",
    "ozone": "DU",
    "surface_pressure": "Pa",
}
HOURS = tuple(h + m / 60 for h in (22, 23, *range(12)) for m in (0, 20, 40))


def dataset(dims: tuple[str, ...], **layers: Any) -> xr.Dataset:
    """Return layers with the units of the nomenclature."""
    return xr.Dataset({n: (dims, np.asarray(v, float), {"units": UNITS.get(n, "1")}) for n, v in layers.items()})


def row(name: str, error: Any, sigma: Any = None) -> list[object]:
    """Return count, bias, root mean square, and the share within one sigma."""
    error = np.asarray(error)
    there = np.isfinite(error)
    share = "" if sigma is None else f"{np.mean(np.abs(error[there]) <= np.asarray(sigma)[there]):.0%}"
    return [name, int(there.sum()), f"{error[there].mean():.1f}", f"{np.sqrt(np.mean(error[there] ** 2)):.1f}", share]


def report(title: str, rows: list[list[object]]) -> None:
    """Print what :func:`row` gave."""
    table(title, ["what", "n", "bias W m-2", "rmse W m-2", "within 1 sigma"], rows)


def towers() -> None:
    """1,055 half-hours at 63 flux towers."""
    t = pd.read_csv(resource("catalogs/samples/tower_matchups.csv"))
    time = pd.to_datetime(t["time"]).to_numpy()
    zenith, _ = solar.zenith_azimuth(time, t["latitude"].to_numpy(), t["longitude"].to_numpy())
    ds = dataset(
        ("x",),
        sun_zenith=zenith,
        extraterrestrial_shortwave=solar.extraterrestrial(time),
        aod=t["aerosol_optical_thickness"],
        water_vapour=10 * t["water_vapour"],
        ozone=1000 * t["ozone"],
        surface_pressure=[float(standard_pressure.python(z)) for z in t["elevation"]],
        albedo=t["albedo"],
        cloud_optical_depth=t["cloud_optical_thickness"],
    )
    truth, rows = t["tower_sw_in"].to_numpy(), []
    for model in ("rest2", "bird", "esra", "ineichen", "solis", "haurwitz"):
        made = ml.retrieve("dsr", ds, method="clear_sky", clear_sky=model)
        rows.append(row(f"clear sky, {model}", made.dsr.values - truth, made.dsr_uncertainty.values))
    made = ml.retrieve("dsr", ds, method="cloud_depth")
    rows.append(row("cloud depth of the table", made.dsr.values - truth, made.dsr_uncertainty.values))
    for name in ("ecostress_sw_in", "flies_sw_in"):
        rows.append(row(f"theirs: {name}", t[name].to_numpy() - truth))
    report("towers (goal: rmse < 69)", rows)


def mcclear() -> None:
    """Clear-sky minutes of CAMS McClear, with its own air."""
    path = SHARED / "cams_mcclear_1min_verbose.csv"
    if not path.exists():
        print(f"\n{path} is not there")
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    head = max(k for k, line in enumerate(lines) if line.startswith("#"))
    names = lines[head].lstrip("# ").split(";")
    t = pd.read_csv(path, sep=";", skiprows=head + 1, names=names)
    t = t[(t["sza"] < 85) & (t["TOA"] > 0)]
    ds = dataset(
        ("x",),
        sun_zenith=t["sza"],
        extraterrestrial_shortwave=np.clip(60 * t["TOA"] / np.cos(np.radians(t["sza"])), 1300, 1430),
        aod=t[[n for n in names if n.startswith("AOD")]].sum(axis=1),
        water_vapour=t["tcwv"],
        ozone=t["tco3"],
        surface_pressure=np.full(len(t), 101000.0),
        albedo=t["albedo"],
    )
    truth, rows = 60 * t["Clear sky GHI"].to_numpy(), []
    for model in ("rest2", "bird", "solis"):
        made = ml.retrieve("dsr", ds, method="clear_sky", clear_sky=model)
        rows.append(row(model, made.dsr.values - truth, made.dsr_uncertainty.values))
    report(f"beside McClear, mean {truth.mean():.0f} W m-2", rows)


def nsrdb() -> None:
    """Half-hours of a year of NSRDB (PSM4) with its own air: clear skies, by another REST2, and cloudless ones."""
    path = SHARED / "test_psm4_2023.csv"
    if not path.exists():
        print(f"\n{path} is not there")
        return
    t = pd.read_csv(path)
    t = t[(t["Solar Zenith Angle"] < 80) & (t["Clearsky GHI"] > 0)]
    time = pd.to_datetime(t[["Year", "Month", "Day", "Hour", "Minute"]]).to_numpy()
    ds = dataset(
        ("x",),
        sun_zenith=t["Solar Zenith Angle"],
        extraterrestrial_shortwave=solar.extraterrestrial(time),
        aod=t["AOD"],
        angstrom_exponent=t["Alpha"],
        water_vapour=10 * t["Precipitable Water"],
        ozone=1000 * t["Ozone"],
        surface_pressure=100 * t["Pressure"],
        albedo=t["Surface Albedo"],
    )
    truth, rows = t["Clearsky GHI"].to_numpy(), []
    for model in ("rest2", "bird", "solis", "ineichen"):
        made = ml.retrieve("dsr", ds, method="clear_sky", clear_sky=model, variables=("dsr", "dsr_direct"))
        rows.append(row(model, made.dsr.values - truth, made.dsr_uncertainty.values))
        beam = t["Clearsky DNI"].to_numpy() * np.cos(np.radians(t["Solar Zenith Angle"].to_numpy()))
        rows.append(row(f"{model}, beam", made.dsr_direct.values - beam, made.dsr_direct_uncertainty.values))
    report(f"beside NSRDB's clear skies, mean {truth.mean():.0f} W m-2", rows)


def surfrad() -> None:
    """Minutes of a cloudless day at SURFRAD Alamosa, vapour from the air at the ground.

    Aerosol is that of the climatology, then that which gives REST2 the beam of the day, so that only diffuse light is
    compared. The files of SOLRAD beside it hold four minutes at dusk and at night, which tell nothing.
    """
    path = SHARED / "surfrad-slv16001.dat"
    if not path.exists():
        print(f"\n{path} is not there")
        return
    # Columns: zenith angle 7, global 8, upward 10, beam 12, diffuse 14, air temperature 38, humidity 40, pressure 46.
    t = np.genfromtxt(path, skip_header=2)
    t = t[t[:, 7] < 85]
    time = np.datetime64("2016-01-01") + (60 * t[:, 4] + t[:, 5]).astype("timedelta64[m]")
    latitude, longitude, height = 37.70, -105.92, 2317.0
    outside, vapour = solar.extraterrestrial(time), vapour_from_humidity(t[:, 38] + 273.15, t[:, 40] / 100)
    ozone = np.full(len(t), float(climatology.ozone(latitude, longitude, time[0]).value))
    expected = climatology.aod(latitude, longitude, time[0], elevation=height)
    ds = dataset(
        ("x",),
        sun_zenith=t[:, 7],
        extraterrestrial_shortwave=outside,
        aod=np.full(len(t), float(expected.value)),
        aod_uncertainty=np.full(len(t), float(expected.sigma)),
        water_vapour=vapour,
        ozone=ozone,
        surface_pressure=100 * t[:, 46],
        albedo=np.clip(t[:, 10] / t[:, 8], 0, 1),
    )
    beam = t[:, 12] * np.cos(np.radians(t[:, 7]))
    rows = []
    for model in ("rest2", "bird", "solis", "ineichen"):
        made = ml.retrieve("dsr", ds, method="clear_sky", clear_sky=model, variables=("dsr", "dsr_direct"))
        rows.append(row(model, made.dsr.values - (beam + t[:, 14]), made.dsr_uncertainty.values))
        rows.append(row(f"{model}, beam", made.dsr_direct.values - beam, made.dsr_direct_uncertainty.values))
    depths = np.linspace(0.0, 0.3, 61)
    air = (clear_sky.ANGSTROM, vapour[:, None], ozone[:, None], 100 * t[:, 46:47], ds.albedo.values[:, None])
    direct, diffuse = clear_sky.rest2(t[:, 7:8], outside[:, None], depths[None, :], *air)
    found = [np.interp(-b, -d, depths) for b, d in zip(beam, direct, strict=True)]
    scattered = [np.interp(depth, depths, d) for depth, d in zip(found, diffuse, strict=True)]
    rows.append(row(f"rest2, diffuse, aerosol {np.median(found):.3f} of the beam", np.array(scattered) - t[:, 14]))
    title = f"SURFRAD Alamosa, 2016-01-01, beam + diffuse, mean {(beam + t[:, 14]).mean():.0f} W m-2"
    report(f"{title}, aerosol {float(expected.value):.3f} of the climatology", rows)


def earth(days: int = 3) -> None:
    """Images of the simulated Earth, from reflectance to daily means."""
    scene, truth = simulated(days)
    background = clear_background(scene.toa_reflectance_red, sun_zenith=scene.sun_zenith, ground=0.02, slot="3h")
    scene["ground_reflectance"] = background.ground_reflectance
    whole = {step: integrate(truth, step, day="solar") for step in ("3h", "1D")}
    rows = []
    for method in ("cloud_depth", "heliosat"):
        made = ml.retrieve("dsr", scene, method=method)
        up = scene.sun_zenith.values < 85
        rows.append(row(f"{method}, instants", np.where(up, made.dsr - truth.dsr, np.nan), made.dsr_uncertainty.values))
        made = made.assign_coords(truth.coords)
        for every in (1, 3):
            for step, name in (("3h", "3-hourly"), ("1D", "daily")):
                mean = integrate(made.isel(time=slice(None, None, every)), step, variables=["dsr"], day="solar")
                lit = (whole[step].dsr > 5) & (whole[step].coverage > 0.97)
                error = (mean.dsr - whole[step].dsr.sel(time=mean.time)).where(lit)
                rows.append(row(f"{method}, {name}, every {20 * every} min", error, mean.dsr_uncertainty.values))
    report(f"simulated Earth, scored set, 2 km, {days} days (goal: daily rmse <= 18, 60-75 %)", rows)


def simulated(days: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return what AHI sees in the red band with the air known, and the truth at the same instants and pixels."""
    from musyq_lab.sensors._registry import SENSORS
    from musyq_lab.twin import _job, forward
    from musyq_lab.twin.settings import settings

    chosen = settings(
        place="huailai", start="2019-07-05", days=days, sensors=["himawari_ahi"], size=30.0, resolution=500.0,
        cloudiness=1.0, seed=0, members="scored", stationary_hours=HOURS,
    )  # fmt: skip
    world, sensor, granule = chosen.world(), SENSORS["himawari_ahi"], _job.granule_of("himawari_ahi")
    red = next(band for band in sensor.bands if band.name == "red")
    layers: dict[str, list[Any]] = {}
    times = []
    for look in _job.looks(world, chosen):
        seen = forward.Seen(world, look)
        if seen.night:
            continue
        pixels = max(granule.pixels(look, world.grid), key=lambda one: one.resolution)
        work, sampler = forward.working(seen, pixels)
        angles = forward._angles(look, pixels)
        names = ("downward_shortwave", "aod", "water_vapour", "ozone", "surface_pressure", "albedo")
        found = {name: sampler.sharp(work.mean(seen.state[name].values)) for name in names}
        found |= {"red": sampler(work.signal(sensor, red, "")), "sun": angles[0], "view": angles[2]}
        for name, values in found.items():
            layers.setdefault(name, []).append(np.asarray(values, float))
        times.append(look.time)
    stacked = {name: np.stack(parts) for name, parts in layers.items()}
    whole = np.isfinite(stacked["downward_shortwave"]).all(0)
    stacked = {name: np.where(whole, values, np.nan) for name, values in stacked.items()}
    coordinates = {
        "time": np.array(times, "datetime64[ns]"),
        "latitude": (("y", "x"), np.asarray(pixels.latitude, float)),
        "longitude": (("y", "x"), np.asarray(pixels.longitude, float)),
    }
    dims = ("time", "y", "x")
    beyond = solar.extraterrestrial(coordinates["time"])[:, None, None]
    scene = dataset(
        dims,
        toa_reflectance_red=stacked["red"],
        sun_zenith=np.minimum(stacked["sun"], 90),
        view_zenith=stacked["view"],
        extraterrestrial_shortwave=np.broadcast_to(beyond, stacked["sun"].shape),
        surface_pressure=100 * stacked["surface_pressure"],
        **{name: stacked[name] for name in ("aod", "water_vapour", "ozone", "albedo")},
    )
    truth = xr.Dataset({"dsr": (dims, stacked["downward_shortwave"], {"units": "W m-2"})})
    return scene.assign_coords(time=coordinates["time"]), truth.assign_coords(coordinates)


if __name__ == "__main__":
    parts = (towers, mcclear, nsrdb, surfrad, earth)
    wanted = sys.argv[1:] or [part.__name__ for part in parts]
    for part in parts:
        if part.__name__ in wanted:
            part()
