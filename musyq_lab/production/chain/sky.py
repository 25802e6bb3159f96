"""Drawing radiation of three hours and of days: from images of geostationary sensors to means of a period.

Every image becomes a scene of apparent reflectance on the grid; the clear looks of the days around, one image an hour,
give the ground in the red band (one file per sensor and five days); each product then takes the images of its period
and those near it. Images by night are no input: what the Sun does is known.

A period needs images within :data:`NEAR` of it, or night all over the tile; else it is left out and the reason told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import LayerFile, Shot, Stock
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.period import Period, daily, pentad, three_hourly
from musyq_lab.core.spec import Product
from musyq_lab.kernels import solar
from musyq_lab.production.chain import _rules
from musyq_lab.production.chain.drawing import BETWEEN, Drawing
from musyq_lab.production.chain.region import Grid
from musyq_lab.production.chain.task import Read, Task
from musyq_lab.products._registry import RETRIEVALS

NEAR = timedelta(hours=6)
"""How far from a period its images may lie; those beyond two hours only fill gaps, which a bit says."""
LONG_NIGHT = timedelta(hours=12)
"""How far from a period of night the images may lie that tell its clouds."""
AROUND = timedelta(days=10)
"""How far from its five days the looks at the ground may lie."""
LOOKS = 120
"""Most looks at the ground of one sensor: spread over the days, at all hours with the Sun at least 20 degrees high."""
AIR = ("aod", "water_vapour", "ozone", "surface_pressure")
"""Layers of the air that are taken from the catalog where it has them, else from the climatology."""
WEATHER = ("air_temperature", "vapour_pressure", "relative_humidity", "water_vapour", "surface_pressure")
"""Layers that longwave radiation is made of."""
NIGHT_CLOUDS = ("cloud_fraction",)
"""Layers that tell the clouds where the Sun does not."""
METHODS = {"dsr": ("cloud_depth", "heliosat"), "par": ("bands", "fraction")}
"""Methods that work on images, the default first."""
SKY = ("dsr", "par", "dlr")
"""Products that can be made so."""

_STEEP = np.cos(np.radians(70.0))
_MINUTES = 10


class SkyDrawing(Drawing):
    """A plan of radiation while it is drawn."""

    sensors: ClassVar[tuple[str, ...]] = ("himawari_ahi", "fy4a_agri", "msg_seviri", "goes_abi")

    unseen: bool = False
    """Whether a period was left out because there are no images."""

    def finish(self) -> list[tuple[str, str]]:
        """Return which sensors are too coarse for the grid, and why; drop nights where no day can be made at all."""
        if self.unseen and not any(task.kind == "scene" for task in self.tasks.values()):
            self.tasks = {}
        return [(s, why) for s in self._present() if (why := _rules.too_coarse(s, self.tile.grid))]

    def _product(self, key: str, period: Period, path: tuple[str, ...]) -> str:
        name = f"{key}.{period.label}"
        if name in self.tasks:
            return name
        if key not in SKY:
            raise InputError(
                f"{key} is no product of hours and days; those are {', '.join(SKY)}. Leave the step out (5d)."
            )
        spec = RETRIEVALS[key].spec
        _rules.check_edition(spec, self.edition)
        shots = self._images(period, NEAR)
        if key == "dlr" and not shots:
            shots = self._images(period, LONG_NIGHT)
        grounds = tuple(dict.fromkeys(self._ground(shot) for shot in shots))
        needs = (*(self._scene(shot) for shot in shots), *grounds)
        self.tasks[name] = Task(
            name, "product", f"sky_{key}", key, self.edition, self.tile, period, self._target(key, period),
            self._weather(key, period, bool(shots)), needs, (*self._made_with(spec), *self._method_of_light(key)),
        )  # fmt: skip
        return name

    def _made_with(self, spec: Product) -> tuple[tuple[str, Any], ...]:
        known = METHODS.get(spec.key)
        method = self.method.get(spec.key)
        if known and method and method not in known:
            raise InputError(f"{spec.key} of hours and days is made by {' or '.join(known)}, not by {method!r}.")
        if spec.key == "dsr" and (own := self._own_options("dsr")):
            raise InputError(f"dsr of hours and days takes no option; {', '.join(own)} given. Retrieve it from scenes.")
        return super()._made_with(spec)

    def _method_of_light(self, key: str) -> tuple[tuple[str, Any], ...]:
        """Return how the shortwave radiation is made that the others follow from."""
        return () if key == "dsr" else (("light", self.method.get("dsr", METHODS["dsr"][0])),)

    def _usable(self) -> list[Shot]:
        fine = {s for s in self._present() if not _rules.too_coarse(s, self.tile.grid)}
        return [shot for shot in self.stock.shots if shot.sensor in fine]

    def _images(self, period: Period, reach: timedelta) -> list[Shot]:
        """Return the images near a period with the Sun up somewhere in the tile."""
        grid = plain_grid(self.tile.grid)
        near = [s for s in self._usable() if period.start - reach <= s.time < period.end + reach]
        high = highest_sun(grid, [shot.time for shot in near])
        found = [shot for shot, mu in zip(near, high, strict=True) if mu > 0]
        if not found and not dark(grid, period).all():
            self.unseen = True
            hours = reach.total_seconds() / 3600
            raise InputError(f"no geostationary image was taken by day within {hours:g} hours of {period.label}.")
        return found

    def _scene(self, shot: Shot) -> str:
        name = f"scene.{shot.sensor}.{shot.name}"
        if name not in self.tasks:
            moment = Period(shot.time, shot.time, f"{shot.time:%Y%j}-{shot.time:%H%M}")
            self.tasks[name] = Task(
                name, "scene", "sky_scene", "", self.edition, self.tile, moment,
                f"{BETWEEN}/scenes/{shot.sensor}.{shot.name}.nc", (Read("granule", shot.name, shot.path),),
                options=(("sensor", shot.sensor),),
            )  # fmt: skip
        return name

    def _ground(self, shot: Shot) -> str:
        """Add the task of the ground that a sensor sees in the five days of an image."""
        period, product = pentad(shot.time), ground_key(shot.sensor)
        name = f"{product}.{period.label}"
        if name not in self.tasks:
            looks = self._looks(shot.sensor, period)
            needs = tuple(self._scene(look) for look in looks)
            whole = Period(looks[0].time, looks[-1].time + timedelta(seconds=1), period.label)
            self.tasks[name] = Task(
                name, "product", "sky_ground", product, self.edition, self.tile, period,
                f"{BETWEEN}/{FileName(product, self.edition, self.tile.name, period.label, 'v1').text}",
                layer_reads(self.stock, AIR, whole), needs, (("sensor", shot.sensor),),
            )  # fmt: skip
        return name

    def _looks(self, sensor: str, period: Period) -> list[Shot]:
        """Return the images from which the ground is taken: spread evenly over those with a high Sun, else all."""
        near = [
            s for s in self._usable()
            if s.sensor == sensor and period.start - AROUND <= s.time < period.end + AROUND
        ]  # fmt: skip
        sun = highest_sun(plain_grid(self.tile.grid), [shot.time for shot in near])
        high = [shot for shot, mu in zip(near, sun, strict=True) if mu > _STEEP]
        high = high or [shot for shot, mu in zip(near, sun, strict=True) if mu > 0]
        every = np.unique(np.linspace(0, len(high) - 1, min(LOOKS, len(high))).round().astype(int))
        return [high[index] for index in every]

    def _weather(self, key: str, period: Period, seen: bool) -> tuple[Read, ...]:
        """Return what is read of the layers in stock."""
        around = Period(period.start - NEAR, period.end + NEAR, period.label)
        light = layer_reads(self.stock, AIR, around) if seen else ()
        if key != "dlr":
            return light
        own = layer_reads(self.stock, (*WEATHER, *NIGHT_CLOUDS), period)
        names = {name for read in own for name in read.role.split()}
        if "air_temperature" not in names or not names & {"vapour_pressure", "relative_humidity", "water_vapour"}:
            raise InputError(
                "dlr needs air_temperature (K), and vapour_pressure (Pa), relative_humidity or water_vapour: layers "
                f"that the catalog does not have for {period.label}."
            )
        if not seen and "cloud_fraction" not in names:
            raise InputError(f"nothing tells the clouds of {period.label}: no image, and no cloud_fraction in stock.")
        return united((*light, *own))


def plain_grid(grid: Grid) -> GeoGrid:
    """Return a grid of longitude and latitude; refuse another.

    Raises
    ------
    InputError
        If it is one on a map.
    """
    if not isinstance(grid, GeoGrid):
        raise InputError("Radiation is made on grids of longitude and latitude, edition='1km', '5km' or '0p25deg'.")
    return grid


def ground_key(sensor: str) -> str:
    """Return the key under which the ground that a sensor sees is filed."""
    return f"sky_ground_{sensor}"


def cells_sun(grid: GeoGrid, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return the cosine of the Sun's zenith angle over cells, shape (time, row, column)."""
    latitude, longitude = grid.latitude[None, :, None], grid.longitude[None, None, :]
    return np.asarray(solar.cos_zenith(np.asarray(times, "datetime64[ns]")[:, None, None], latitude, longitude))


def highest_sun(grid: GeoGrid, times: Iterable[datetime]) -> list[float]:
    """Return the largest cosine of the Sun's zenith angle over a tile, for each time."""
    moments = np.array(list(times), "datetime64[ns]")
    # Seen from the edge and a net of 9 x 9 cells: the light of a tile does not change faster.
    rows, columns = (np.unique(np.linspace(0, n - 1, 9).round().astype(int)) for n in grid.shape)
    latitude, longitude = grid.latitude[rows][None, :, None], grid.longitude[columns][None, None, :]
    if not moments.size:
        return []
    mu = solar.cos_zenith(moments[:, None, None], latitude, longitude)
    return [float(value) for value in np.max(mu, axis=(1, 2))]


def moments_of(period: Period) -> NDArray[np.datetime64]:
    """Return the middles of ten-minute pieces of a period."""
    pieces = round((period.end - period.start) / timedelta(minutes=_MINUTES))
    middles = (np.arange(pieces) * _MINUTES + _MINUTES // 2).astype("timedelta64[m]")
    return np.datetime64(period.start, "ns") + middles


def dark(grid: GeoGrid, period: Period) -> NDArray[np.bool_]:
    """Return where the Sun does not rise in a period, shape (row, column)."""
    found = np.ones(grid.shape, bool)
    for moment in moments_of(period):
        found &= cells_sun(grid, np.array([moment]))[0] <= 0
    return found


def layer_reads(stock: Stock, names: Iterable[str], period: Period) -> tuple[Read, ...]:
    """Return the files of a period that hold layers: of several products that have one, that of the shortest times.

    Raises
    ------
    InputError
        If two products with periods of one length have it.
    """
    found: dict[LayerFile, list[str]] = {}
    for name in dict.fromkeys(names):
        by_product: dict[str, list[LayerFile]] = {}
        for file in stock.layer(name, period):
            by_product.setdefault(file.name.product, []).append(file)
        lengths = {product: min(map(_length, files)) for product, files in by_product.items()}
        best = [product for product, length in lengths.items() if length == min(lengths.values())]
        if len(best) > 1:
            raise InputError(
                f"Several products in stock have {name}: {', '.join(sorted(best))}. Leave one out of the catalog."
            )
        for file in by_product[best[0]] if best else ():
            found.setdefault(file, []).append(name)
    return tuple(Read(" ".join(sorted(names)), file.name.text, file.path) for file, names in found.items())


def _length(file: LayerFile) -> timedelta:
    return file.period.end - file.period.start if file.period else timedelta.max


def united(reads: Iterable[Read]) -> tuple[Read, ...]:
    """Return reads with one for each file, which takes the layers of all."""
    roles: dict[tuple[str, str], set[str]] = {}
    for read in reads:
        roles.setdefault((read.name, read.path), set()).update(read.role.split())
    return tuple(Read(" ".join(sorted(names)), name, path) for (name, path), names in roles.items())


def threes_of(span: Period) -> Iterator[Period]:
    """Yield the periods of three hours that a stretch of time touches, in order."""
    period = three_hourly(span.start)
    while period.start < span.end:
        yield period
        period = three_hourly(period.end)


def days_of(span: Period) -> Iterator[Period]:
    """Yield the days (UTC) that a stretch of time touches, in order."""
    period = daily(span.start)
    while period.start < span.end:
        yield period
        period = daily(period.end)
