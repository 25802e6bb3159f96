"""Images of a made-up sky for the mechanics of radiation: no granules, each scene is made where it is asked for.

The ground is one reflectance seen through 6S with the climatology's air; a cloud is a bright sheet over all of it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import numpy as np
import xarray as xr

from musyq_lab.catalog.stock import Shot, Stock
from musyq_lab.core.errors import SceneError
from musyq_lab.core.grid import grid
from musyq_lab.kernels import solar
from musyq_lab.standard import atmosphere, climatology

BOX = "115.6,40.2,115.79,40.39"
GRID = grid("5km").window(115.6, 40.2, 115.79, 40.39)
DAY = datetime(2019, 7, 6)
GROUND = 0.12
CLOUD = 0.75
SENSORS = ("himawari_ahi", "fy4a_agri")


def shots(sensors=SENSORS, *, step=60, days=1, minutes=0):
    """Images of whole days and of the evening before, by day and by night."""
    count = int((days * 24 + 3) * 60 / step)
    times = [DAY - timedelta(hours=3) + timedelta(minutes=step * k + minutes) for k in range(count)]
    found = [Shot(t, s, f"{t:%Y%m%dT%H%M}_{s}", f"/nowhere/{t:%Y%m%dT%H%M}_{s}") for t in times for s in sensors]
    return tuple(sorted(found))


def stock(sensors=SENSORS, layers=(), **more):
    return Stock(shots=shots(sensors, **more), layers=tuple(layers))


def air(time):
    latitude, longitude = (
        xr.DataArray(v, dims=d) for v, d in ((GRID.latitude, "latitude"), (GRID.longitude, "longitude"))
    )
    height = climatology.elevation(latitude, longitude)
    return {
        "aod": climatology.aod(latitude, longitude, time, elevation=height).value,
        "water_vapour": climatology.water_vapour(latitude, longitude, time, elevation=height).value,
        "ozone": climatology.ozone(latitude, longitude, time).value,
        "pressure": climatology.pressure(height).value,
    }


def image(sensor, time, *, cloudy=False):
    """A standard scene as the maker of scenes leaves it."""
    place = {"latitude": GRID.latitude, "longitude": GRID.longitude}
    zenith, azimuth = solar.zenith_azimuth(np.datetime64(time, "ns"), GRID.latitude[:, None], GRID.longitude[None, :])
    dims = ("latitude", "longitude")
    sun = xr.DataArray(np.broadcast_to(zenith, GRID.shape).astype("f4"), place, dims, attrs={"units": "degree"})
    view = xr.full_like(sun, 47.0 if sensor == "himawari_ahi" else 46.0)
    between = xr.DataArray(np.abs(np.broadcast_to(azimuth, GRID.shape) - 160).astype("f4") % 180, place, dims)
    between = between.assign_attrs(units="degree")
    through = atmosphere.coefficients(
        sensor, "red", "", sun_zenith=sun.clip(max=80.0), view_zenith=view, relative_azimuth=between, **air(DAY)
    )
    seen = atmosphere.toa_reflectance(GROUND, through).astype("f4").transpose(*dims)
    top = xr.full_like(seen, CLOUD) if cloudy else seen
    made = {"toa_reflectance_red": top, "clear_reflectance_red": seen.where(not cloudy)}
    made = {n: a.drop_attrs().assign_attrs(units="1") for n, a in made.items()}
    angles = {"sun_zenith": sun, "view_zenith": view, "relative_azimuth": between}
    return xr.Dataset({**made, **angles}, attrs={"sensor": sensor, "time_coverage_start": f"{time:%Y-%m-%dT%H:%M:%SZ}"})


def use(monkeypatch, *, cloudy=lambda sensor, time: False, bad=()):
    """Let productions take the images of this sky in place of granules."""
    from musyq_lab.production.chain import makers, work

    def scene(task, _):
        sensor, time = task.option("sensor"), task.period.start
        if task.reads[0].name in bad:
            raise SceneError(f"{task.reads[0].name} is damaged.")
        return image(sensor, time, cloudy=cloudy(sensor, time)), None

    content = work.content
    monkeypatch.setitem(makers.MAKERS, "sky_scene", scene)
    monkeypatch.setattr(
        work, "content", lambda r: hashlib.sha256(r.name.encode()).hexdigest() if r.role == "granule" else content(r)
    )
