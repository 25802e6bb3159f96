"""Small made worlds that several tests look at, each made once."""

from functools import cache

import xarray as xr

from musyq_lab.twin import canopy, climate, cover, place, soil, terrain
from musyq_lab.twin.grid import WorldGrid

COARSE = {"belt_and_road": 0.2, "globe": 1.0}


@cache
def land(
    where: str | tuple[float, float] = "huailai",
    size: float = 5.12,
    resolution: float = 40.0,
    seed: int = 1,
    members: str = "training",
) -> tuple[place.Place, WorldGrid, xr.Dataset]:
    """Return place, grid and all static fields of a world."""
    spot = place.place(where)
    grid = (
        place.world_grid(spot, size, resolution)
        if spot.bounds is None
        else place.world_grid(spot, None, COARSE.get(where))
    )
    ground = terrain.terrain(spot, grid, seed)
    air = climate.climate(spot, grid, ground["elevation"])
    covered = cover.cover(spot, grid, ground, air, seed)
    static = xr.merge([ground, air, covered])
    static = static.merge(soil.soil(grid, static, seed, members=members))
    return spot, grid, static.merge(canopy.structure(static, seed, members=members))
