"""``ml.true_colour``: a quick picture of any scene, in true colour where its bands allow and named where not."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.sensor import THERMAL_FROM

SIZE = 700
"""Longest edge of the picture (pixels)."""

# First combination whose bands are all there is taken.
_COMBINATIONS = (
    ("true colour", ("red", "green", "blue")),
    ("false colour: near infrared, red, green", ("nir", "red", "green")),
    ("false colour: shortwave infrared, near infrared, red", ("swir1", "nir", "red")),
    ("false colour: near infrared, red, blue", ("nir", "red", "blue")),
    ("false colour: near infrared, red, red", ("nir", "red", "red")),
)
_KINDS = ("reflectance_", "radiance_")
"""How products call a band, before its role."""
_LEAST = 280
"""Width at which a notebook shows a smaller picture (pixels)."""
_SINGLE = ("red", "nir", "pan", "green", "tir1", "tir2", "tir_10_4", "mir")
_TAILS = (1.0, 99.0)
"""Percentiles of a channel that are its black and, at most, its white."""
_HEADROOM = 4.0
"""White is at most this many times as far from black as the median: a few clouds must not darken all the rest."""
_GAMMA = 1.0 / 1.5
"""Brightens what is dark, as the eye does."""


@dataclass(frozen=True)
class Quicklook:
    """A small picture of a scene that shows itself in a notebook."""

    image: NDArray[np.uint8]
    """Rows, columns, red-green-blue-opacity."""
    title: str
    """Sensor, time, what the colours are."""

    @property
    def png(self) -> bytes:
        """The picture as a PNG file."""
        from matplotlib.image import imsave

        buffer = io.BytesIO()
        imsave(buffer, self.image, format="png")
        return buffer.getvalue()

    def save(self, path: str | Path) -> Path:
        """Write the picture as PNG and return the path."""
        target = Path(path)
        target.write_bytes(self.png)
        return target

    def __repr__(self) -> str:
        """Show what it is."""
        return f"<quicklook {self.image.shape[1]} x {self.image.shape[0]}: {self.title}>"

    def _repr_html_(self) -> str:
        from base64 import b64encode
        from html import escape

        source = b64encode(self.png).decode("ascii")
        width = max(_LEAST, self.image.shape[1])
        style = f"width:{width}px;max-width:100%;image-rendering:pixelated"
        return (
            f'<figure style="margin:0"><img src="data:image/png;base64,{source}" alt="{escape(self.title)}" '
            f'style="{style}"><figcaption>{escape(self.title)}</figcaption></figure>'
        )


def true_colour(scene: xr.Dataset, bands: Sequence[str] | None = None, *, size: int = SIZE) -> Quicklook:
    """Return a quick picture of a scene of any sensor.

    Parameters
    ----------
    scene : xarray.Dataset
        From ``ml.open_scene`` (any calibration), ``ml.standardize``, or ``ml.open_product`` where the product holds
        reflectance (MOD09, MCD43A4, Landsat Level-2 ...); of a series choose an instant first.
    bands : sequence of three str, or of one, optional
        Bands for red, green and blue, or for grey. By default true colour where the scene has the bands, else false
        colour, else grey; the title says which.
    size : int
        Longest edge (pixels). Only every n-th pixel is used, so that a large scene costs little memory.

    Returns
    -------
    Quicklook
        Shows itself in a notebook; ``.save("scene.png")`` writes it. Each channel is stretched between its 1st and 99th
        percentile (clouds may be cut), the rim of the image left aside; missing pixels are transparent; thermal bands
        are drawn cold in white.

    Raises
    ------
    NotFoundError
        If a band is not in the scene.
    InputError
        If ``bands`` are neither three nor one, the scene has none, or has further axes than rows and columns.
    """
    layers = _layers(scene)
    kind, names = _combination(layers, bands)
    if size < 1:
        raise InputError(f"size must be at least 1 pixel, got {size}.")
    chosen = [_plane(layers[name]) for name in names]
    if not chosen[0].size:
        raise InputError(f"The scene has no pixels: {names[0]!r} has the shape {chosen[0].shape}.")
    step = max(1, -(-max(chosen[0].shape) // size))
    grey = [-c if _thermal(layer) else c for c, layer in zip(_computed(chosen, step), chosen, strict=True)]
    stretched = _stretched(grey)
    rgb = np.stack(stretched * (3 if len(stretched) == 1 else 1), axis=-1)
    seen = np.isfinite(rgb).all(axis=-1)
    image = np.zeros((*rgb.shape[:2], 4), np.uint8)
    image[..., :3] = np.round(255 * np.nan_to_num(rgb))
    image[..., 3] = 255 * seen
    return Quicklook(image, f"{scene.attrs.get('title', 'scene')}; {kind}")


def _layers(scene: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the bands by name, of a raw scene or out of the stacks of a standard one."""
    found = {_role(str(name)): data for name, data in scene.data_vars.items() if "wavelength" in data.attrs}
    for stack, dim, wavelength in (
        ("reflectance", "band", "wavelength"),
        ("brightness_temperature", "thermal_band", "thermal_wavelength"),
    ):
        if stack in scene and dim in scene[stack].dims:
            for name in scene[dim].values:
                layer = scene[stack].sel({dim: name})
                found[str(name)] = layer.assign_attrs(wavelength=float(layer[wavelength]))
    if not found:
        raise InputError(
            "true_colour() needs a scene, or a product of reflectance; this Dataset has no bands. It holds "
            f"{', '.join(map(str, scene.data_vars)) or 'nothing'}. One variable alone is drawn by its own .plot()."
        )
    return found


def _role(name: str) -> str:
    """Return the role of a band, as scenes call it, of the name that a product gives it."""
    return next((name.removeprefix(kind) for kind in _KINDS if name.startswith(kind)), name)


def _combination(layers: dict[str, xr.DataArray], bands: Sequence[str] | None) -> tuple[str, list[str]]:
    if bands is not None:
        names = [_role(name) for name in ([bands] if isinstance(bands, str) else bands)]
        if len(names) not in (1, 3):
            raise InputError(f"true_colour(bands=...) takes three bands (red, green, blue) or one, got {len(names)}.")
        for name in names:
            if name not in layers:
                raise NotFoundError(f"The scene has no band {name!r}.{closest(name, layers)}")
        return ("grey: " if len(names) == 1 else "red, green, blue: ") + ", ".join(names), names
    for kind, roles in _COMBINATIONS:
        if all(role in layers for role in roles):
            return kind, list(roles)
    single = next((role for role in _SINGLE if role in layers), next(iter(layers)))
    return f"grey: {single.replace('_', ' ')}", [single]


def _computed(layers: list[xr.DataArray], step: int) -> list[NDArray[np.float32]]:
    from dask.base import compute

    parts = [layer[::step, ::step] for layer in layers]
    (arrays,) = compute([part.data for part in parts])
    return [_plain(array, layer) for array, layer in zip(arrays, layers, strict=True)]


def _plane(layer: xr.DataArray) -> xr.DataArray:
    """Return a layer by rows and columns, whatever they are called."""
    further = [str(dim) for dim in layer.dims[:-2] if layer.sizes[dim] > 1]
    if further or layer.ndim < 2:
        raise InputError(
            f"true_colour() draws one image, and {layer.name!r} has the axes {', '.join(map(str, layer.dims))}. "
            f"Choose one image first: true_colour(ds.isel({further[0] if further else 'time'}=0))."
        )
    return layer.squeeze(layer.dims[:-2])


def _plain(array: Any, layer: xr.DataArray) -> NDArray[np.float32]:
    values = np.asarray(array, np.float32)
    values = np.where(np.isinf(values), np.float32(np.nan), values)
    for fill in np.atleast_1d(layer.attrs.get("fill_values", [])):
        values = np.where(values == fill, np.float32(np.nan), values)
    return values


def _thermal(layer: xr.DataArray) -> bool:
    return float(layer.attrs["wavelength"]) >= THERMAL_FROM


def _stretched(channels: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Stretch each channel from its own black, which takes away haze, over one common span, which keeps the hues."""
    whole = _whole(np.asarray(np.isfinite(channels).all(axis=0)))
    limits = [_limits(channel[whole]) for channel in channels]
    span = max((high - low for low, high in limits), default=1.0) or 1.0
    scaled = [np.clip((c - low) / span, 0.0, 1.0) for c, (low, _) in zip(channels, limits, strict=True)]
    return [np.asarray(channel**_GAMMA, np.float32) for channel in scaled]


def _whole(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels that tell black and white: those whose neighbours are all seen, where they are the most.

    At the rim of an image lie numbers that compression and resampling made of ground and nothing; as few as they are,
    they shift the black of every channel differently.
    """
    from scipy.ndimage import binary_erosion

    inner: NDArray[np.bool_] = binary_erosion(seen, np.ones((3, 3), bool), border_value=1)
    return inner if 2 * inner.sum() >= seen.sum() else seen


def _limits(values: NDArray[np.float32]) -> tuple[float, float]:
    if not values.size:
        return 0.0, 0.0
    low, middle, high = (float(v) for v in np.percentile(values, (_TAILS[0], 50.0, _TAILS[1])))
    return low, min(high, low + _HEADROOM * (middle - low)) if middle > low else high
