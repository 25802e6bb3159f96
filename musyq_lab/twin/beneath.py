"""The truth beneath a granule: what its pixels should say after a perfect correction, on its own grid.

A retrieval is scored against these, pixel by pixel; nothing below the simulated Earth may look at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard.atmosphere import irradiance
from musyq_lab.twin import surface
from musyq_lab.twin.forward import Seen, working
from musyq_lab.twin.instrument import Granule, Pixels
from musyq_lab.twin.orbit import Overpass
from musyq_lab.twin.world import World

Field = NDArray[np.float32]

_AIR = {"aod": "1", "water_vapour": "kg m-2", "ozone": "DU", "surface_pressure": "hPa"}
_GROUND = {"surface_temperature": "K", "snow_fraction": "1", "cloud_transmittance": "1"}


def beneath(
    world: World, overpass: Overpass, granule: Granule, resolution: float | None = None, *, bands: bool = True
) -> xr.Dataset:
    """Return the truth on the pixels of one native grid of a granule.

    Parameters
    ----------
    world
        The truth.
    overpass
        When and from where.
    granule
        Module of :mod:`musyq_lab.twin.granules`.
    resolution
        Sampling distance (m) of the grid, the sensor's nominal one by default.
    bands
        Whether to compute the surface reflectance, which takes most of the time.

    Returns
    -------
    xarray.Dataset, dims (y, x)
        ``surface_reflectance`` (band, y, x) for the geometry of the granule, under its point spread, shadows of clouds
        not removed; aod, water_vapour (kg m-2), ozone (DU), surface_pressure (hPa); surface_temperature (K);
        ``cloud_optical_depth`` where the sensor sees the cloud; ``cloud_transmittance`` to the ground (below 1 in
        shadow); ``snow_fraction``, ``water_fraction``; elevation (m); NaN where the world does not reach.
    """
    grids = granule.pixels(overpass, world.grid)
    wanted = SENSORS[granule.INSTRUMENT.sensor].resolution if resolution is None else resolution
    chosen = next((pixels for pixels in grids if pixels.resolution == wanted), None)
    if chosen is None:
        known = ", ".join(f"{r:g}" for r in sorted({pixels.resolution for pixels in grids}))
        raise NotFoundError(f"This granule has no grid of {wanted:g} m, only {known} m.")
    seen = Seen(world, overpass)
    truth = _layers(seen, chosen)
    if bands and not seen.night and (images := _images(seen, granule, grids, chosen)):
        truth["surface_reflectance"] = (("band", "y", "x"), np.array(list(images.values())), {"units": "1"})
        truth = truth.assign_coords(band=list(images))
    return truth.assign_attrs(time=overpass.time.isoformat(), sensor=overpass.sensor, resolution=wanted)


def _layers(seen: Seen, pixels: Pixels) -> xr.Dataset:
    """Return all but the reflectance."""
    work, sampler = working(seen, pixels)
    layers = {name: sampler(work.mean(seen.state[name].values)) for name in (*_AIR, *_GROUND)}
    layers["cloud_optical_depth"] = sampler(work.clouds[0])
    layers["water_fraction"] = sampler(work.mean(surface.is_water(seen.world.static)))
    layers["elevation"] = sampler.sharp(work.elevation)
    units = _AIR | _GROUND | {"elevation": "m"}
    made = xr.Dataset({name: (("y", "x"), values, {"units": units.get(name, "1")}) for name, values in layers.items()})
    place = {"longitude": (("y", "x"), pixels.longitude), "latitude": (("y", "x"), pixels.latitude)}
    return made.assign_coords(place)


def _images(seen: Seen, granule: Granule, grids: Sequence[Pixels], chosen: Pixels) -> dict[str, Field]:
    """Return the reflectance of the surface by band; bands measured on finer pixels are averaged, as readers do."""
    sensor = SENSORS[granule.INSTRUMENT.sensor]
    variant = str(chosen.extra.get("variant", granule.INSTRUMENT.variant))
    wanted = {b.name for b in sensor.bands_of(variant) if b.resolution == chosen.resolution}
    modelled = wanted & set(surface.bands_of(sensor.key, variant).names)
    images: dict[str, Field] = {}
    for pixels in sorted(grids, key=lambda p: -p.resolution):
        names = [name for name in pixels.bands if name in modelled - set(images)]
        if names and pixels.resolution <= chosen.resolution:
            work, sampler = working(seen, pixels)
            made = {name: sampler(work.ground(sensor, sensor.band(name, variant), variant)) for name in names}
            images |= {name: _averaged(image, chosen.longitude.shape) for name, image in made.items()}
    return images


def _averaged(image: Field, shape: tuple[int, ...]) -> Field:
    """Average blocks of pixels down to a shape."""
    rows, columns = shape
    blocks = image.reshape(rows, image.shape[0] // rows, columns, image.shape[1] // columns)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def placed(truth: xr.Dataset, scene: xr.Dataset) -> xr.Dataset:
    """Return the truth on all pixels of the scene a granule opens as, NaN where the world does not reach.

    Parameters
    ----------
    truth
        From :func:`beneath`.
    scene
        From ``ml.open_scene`` on the same native grid.
    """
    row, column = _corner(truth, scene)
    rows, columns = scene.sizes["y"], scene.sizes["x"]
    if not (0 <= row <= rows - truth.sizes["y"] and 0 <= column <= columns - truth.sizes["x"]):
        raise InputError("The truth does not lie on this scene's pixels. Open the granule it was made for.")
    around = {"y": (row, rows - row - truth.sizes["y"]), "x": (column, columns - column - truth.sizes["x"])}
    whole = truth.drop_vars(["longitude", "latitude"]).pad(around, constant_values=np.nan)
    return whole.assign_coords({name: scene[name] for name in scene.coords if name not in whole.coords})


def _corner(truth: xr.Dataset, scene: xr.Dataset) -> tuple[int, int]:
    """Return row and column of the truth's first pixel in the scene."""
    longitude, latitude = float(truth["longitude"][0, 0]), float(truth["latitude"][0, 0])
    if "longitude" in scene.coords:
        near = np.hypot(scene["longitude"].values - longitude, scene["latitude"].values - latitude)
        row, column = np.unravel_index(np.nanargmin(near), near.shape)
        return int(row), int(column)
    crs = CRS.from_wkt(scene["spatial_ref"].attrs["crs_wkt"])
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    across, down = scene["x"].values, scene["y"].values
    return round(float((y - down[0]) / (down[1] - down[0]))), round(float((x - across[0]) / (across[1] - across[0])))


def surface_reflectance(
    world: World,
    sensor: str,
    time: datetime,
    bands: Sequence[str] = (),
    variant: str = "",
    *,
    view_zenith: float = 0.0,
    relative_azimuth: float = 0.0,
) -> xr.DataArray:
    """Return the reflectance of the surface in a sensor's bands for one direction of view, without clouds.

    Parameters
    ----------
    world
        The truth.
    sensor, variant
        Key and platform or camera.
    time
        Instant, which sets the Sun (UTC).
    bands
        Roles; all that the models cover by default.
    view_zenith, relative_azimuth
        Degrees, the latter 0 with Sun and sensor on one side.

    Returns
    -------
    DataArray, dims (band, y, x)
        On the world's own cells.
    """
    weights = surface.bands_of(sensor, variant)
    names = list(bands) or list(weights.names)
    if missing := [name for name in names if name not in weights.names]:
        raise InputError(
            f"There is no model of {missing[0]!r} of {sensor}; there is one of {', '.join(weights.names)}."
        )
    state = world.state(time)
    shape = world.grid.shape
    view, turn = (np.full(shape, angle, np.float32) for angle in (view_zenith, relative_azimuth))
    reflector = surface.Reflector(world.static, state, view, turn, weights, world.members)
    images = [reflector.band(weights.names.index(name), _direct(state, sensor, name, variant)) for name in names]
    return xr.DataArray(
        np.array(images, dtype=np.float32), {"band": names}, ("band", "y", "x"), "surface_reflectance", {"units": "1"}
    )


def _direct(state: xr.Dataset, sensor: str, band: str, variant: str) -> float:
    """Return the share of direct light on level ground, for the mean of the world."""
    names = {
        "sun_zenith": "sun_zenith",
        **{n: n for n in ("aod", "water_vapour", "ozone")},
        "pressure": "surface_pressure",
    }
    mean = {key: float(state[name].mean(dtype=np.float64)) for key, name in names.items()}
    direct, diffuse = irradiance(sensor, band, variant, **mean)
    return float(direct / (direct + diffuse))
