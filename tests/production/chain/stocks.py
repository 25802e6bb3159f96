"""Stocks that exist on paper only: names and times, no files."""

from datetime import datetime

from musyq_lab.archive.naming import FileName
from musyq_lab.catalog.stock import LayerFile, Shot, Stock, period_of_label
from musyq_lab.core.grid import GRIDS, ProjectedGrid
from musyq_lab.core.period import pentad, pentads
from musyq_lab.production.chain.region import Tile

WEATHER = (
    *("air_temperature", "air_temperature_min", "vapour_pressure_deficit", "downward_par", "downward_shortwave"),
    *("water_vapour", "precipitation", "net_radiation", "relative_humidity", "optimum_temperature", "aod"),
    *("surface_pressure", "vapour_pressure", "clear_sky_index", "diffuse_fraction", "downward_longwave"),
)
COVER = ("land_cover", "clumping_index", "altitude")
PERIOD = pentad(datetime(2019, 7, 5))
KILOMETRE = Tile("here", GRIDS["1km"].window(115.75, 40.3, 115.83, 40.36))
FINE = Tile("here", ProjectedGrid("30m", "EPSG:32650", 390_000.0, 4_470_000.0, 30.0, 20, 30))


def layer(product, period, variables, *, edition="30m", tile="here", version="v1"):
    """Return a file of layers."""
    name = FileName(product, edition, tile, period, version)
    return LayerFile(name, period_of_label(name), tuple(variables), f"/nowhere/{name.text}")


def shot(sensor, day, hour=3):
    """Return a granule of a day of July 2019 (0 is 30 June)."""
    time = datetime(2019, 7, day, hour) if day else datetime(2019, 6, 30, hour)
    return Shot(time, sensor, f"{time:%Y%m%d%H}_{sensor}", f"/nowhere/{sensor}/{time:%Y%m%d%H}")


GROUND = layer("cover", "static", COVER)
AIR = tuple(layer("air", label, WEATHER) for label in ("2019181", "2019186", "2019191"))
LOOKS = tuple(
    sorted(
        [shot("modis", day) for day in range(12)]
        + [shot("fy3d_mersi2", day, 6) for day in (1, 6, 9)]
        + [shot("landsat_oli", 7), shot("sentinel2_msi", 5), shot("gf1_wfv", 8)]
    )
)
FULL = Stock(LOOKS, (GROUND, *AIR))
"""Granules of twelve days, a map of land cover, and weather of three periods."""


def year_of_indices(year=2019, every=1, products=("vi",)):
    """Return a stock of vegetation indices of a year, each so many periods."""
    names = {"vi": ("ndvi", "evi"), "lai": ("lai",)}
    labels = [period.label for period in pentads(year)][::every]
    return Stock(layers=tuple(sorted(layer(p, label, names[p]) for p in products for label in labels)))
