"""A small made-up Earth: fields along months with seasons by hemisphere, and constant ones."""

import numpy as np
import pandas as pd
import xarray as xr

UNITS = {
    "lai": "1", "fpar": "1", "downward_par": "W m-2", "air_temperature": "K", "air_temperature_min": "K",
    "vapour_pressure_deficit": "Pa", "precipitation": "mm d-1", "land_cover": "1", "carbon_dioxide": "1e-6",
    "air_temperature_day": "K",
}  # fmt: skip


def constant_fields(time, classes, **changed):
    """Return the drivers of the MOD17 vectors (FPAR 0.5, 15 C, 1000 Pa, 10 MJ m-2 d-1, LAI 1, mean 25 C)."""
    values = {"lai": 1.0, "fpar": 0.5, "downward_par": 10e6 / 86400, "air_temperature": 298.15,
              "air_temperature_min": 288.15, "vapour_pressure_deficit": 1000.0, "precipitation": 2.0}  # fmt: skip
    values |= changed
    shape = (len(time), 1, len(classes))
    fields = {
        name: (("time", "latitude", "longitude"), np.full(shape, v), {"units": UNITS[name]})
        for name, v in values.items()
    }
    fields["land_cover"] = (("latitude", "longitude"), np.array([classes], float), {"units": "1"})
    coords = {"time": pd.DatetimeIndex(time), "latitude": [40.0], "longitude": 100.0 + np.arange(len(classes))}
    return xr.Dataset(fields, coords=coords)


def equal_days(classes, **changed):
    """Return one step of 365 equal days: the year of the MOD17 vectors at the cost of a day."""
    return constant_fields(["2015-01-01"], classes, **changed).assign_coords(days=("time", [365.0]))


def seasons(years=(2013, 2014), step=10.0, seed=0, box=(-180, -60, 180, 80)):
    """Return monthly drivers of a coarse globe with bare cells at its poles and noise from year to year."""
    rng = np.random.default_rng(seed)
    west, south, east, north = box
    latitude, longitude = np.arange(north - step / 2, south, -step), np.arange(west + step / 2, east, step)
    time = pd.date_range(f"{years[0]}-01-01", f"{years[-1]}-12-01", freq="MS")
    phi, month = latitude[None, :, None], time.month.to_numpy()[:, None, None]
    summer = np.cos(2 * np.pi * (month - 7) / 12) * np.sign(phi)
    shape = (time.size, latitude.size, longitude.size)
    wobble = rng.normal(0, 0.02, (time.year.nunique(), 1, longitude.size))[time.year.to_numpy() - years[0]]
    warm = np.clip(1.1 - np.abs(phi) / 75 + 0.25 * summer * np.abs(phi) / 60, 0.02, 1)
    fpar = np.broadcast_to(np.clip(0.8 * warm * (1 + wobble), 0.01, 0.94), shape)
    mean = 273.15 + 27 - 45 * (np.abs(phi) / 80) ** 1.5 + 12 * summer * np.abs(phi) / 60
    made = {
        "fpar": fpar, "lai": -2 * np.log(1 - fpar), "air_temperature": mean, "air_temperature_min": mean - 5,
        "downward_par": 40 + 90 * warm, "vapour_pressure_deficit": 400 + 600 * warm, "precipitation": 1 + 4 * warm,
    }  # fmt: skip
    fields = {
        name: (("time", "latitude", "longitude"), np.broadcast_to(v, shape).astype(np.float32), {"units": UNITS[name]})
        for name, v in made.items()
    }
    cover = np.select([np.abs(latitude) > 65, np.abs(latitude) < 25], [16.0, 2.0], 10.0)
    cover = np.broadcast_to(cover[:, None], shape[1:]).copy()
    cover[:, ::3] = np.where(cover[:, ::3] == 10, 12, cover[:, ::3])
    fields["land_cover"] = (("latitude", "longitude"), cover.astype(np.float32), {"units": "1"})
    return xr.Dataset(fields, coords={"time": time, "latitude": latitude, "longitude": longitude})
