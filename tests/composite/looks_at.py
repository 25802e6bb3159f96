"""Small standard scenes with planted values."""

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.quality import SCENE_FLAG

BANDS = {"blue": 0.47, "green": 0.55, "red": 0.65, "nir": 0.86}
LEVELS = {"blue": 0.04, "green": 0.07, "red": 0.06, "nir": 0.32, "swir1": 0.2}
GRID = GeoGrid("1km", 100, 4900, 29500, 12, 16)


def bit(*names: str) -> int:
    return sum(SCENE_FLAG[name].mask for name in names)


def scene(
    granule: str = "A",
    time: str = "2019-07-02T03:00:00Z",
    sensor: str = "modis",
    *,
    grid: GeoGrid = GRID,
    bands: dict[str, float] = BANDS,
    value: Any = None,
    add: Any = 0.0,
    qa: Any = 0,
    view: float = 10.0,
    sun: float = 30.0,
    random: float | None = None,
    systematic: float | None = None,
    chunks: Any = None,
) -> xr.Dataset:
    """A scene; ``value`` and ``add`` broadcast to (band, y, x)."""
    plane = ("latitude", "longitude")
    shape = grid.shape
    level = np.array([LEVELS[name] for name in bands])[:, None, None] if value is None else value
    stack = np.broadcast_to(np.asarray(level) + np.asarray(add), (len(bands), *shape)).astype(np.float32)
    variables: dict[str, Any] = {"reflectance": (("band", *plane), stack, {"units": "1"})}
    for name, sigma in (("random", random), ("systematic", systematic)):
        if sigma is not None:
            variables[f"reflectance_{name}"] = (("band", *plane), np.full(stack.shape, sigma, np.float32))
    angles = {"sun_zenith": sun, "sun_azimuth": 140.0, "view_zenith": view, "view_azimuth": 100.0}
    variables |= {name: (plane, np.full(shape, angle, np.float32)) for name, angle in angles.items()}
    variables["qa"] = (plane, np.broadcast_to(np.asarray(qa, np.uint16), shape).copy())
    coords = {
        "latitude": grid.latitude,
        "longitude": grid.longitude,
        "band": list(bands),
        "wavelength": ("band", list(bands.values()), {"units": "um"}),
        "fwhm": ("band", [0.05] * len(bands), {"units": "um"}),
    }
    attrs = {
        "sensor": sensor,
        "granule": granule,
        "time_coverage_start": time,
        "reflectance_level": "surface",
        "history": "made by a test",
    }
    made = xr.Dataset(variables, coords, attrs)
    return made if chunks is None else made.chunk(dict(zip(plane, chunks, strict=True)))


def noise(key: int, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key)).normal(0, sigma, shape)


def lazily_blank(dataset: xr.Dataset) -> xr.Dataset:
    """The same scene with arrays that raise when computed."""

    def fail(block: np.ndarray) -> np.ndarray:
        raise AssertionError("computed while the graph was built")

    def poison(data: Any) -> Any:
        return da.map_blocks(fail, data, dtype=data.dtype, meta=np.empty((0,) * data.ndim, data.dtype))

    return dataset.map(lambda v: v.copy(data=poison(v.data)), keep_attrs=True)
