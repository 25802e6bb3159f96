r"""Directional reflectance from many looks: kernel weights, and reflectance seen from straight above.

At each pixel and in each band the weights of the kernels (:mod:`musyq_lab.kernels.brdf`) are found by least squares
from all looks of all sensors (Wen et al. 2017, doi:10.1109/TGRS.2016.2613899, join sensors for shorter periods than the
16 days of MCD43). *Full* inversion stands when there are enough looks and their directions determine both nadir
reflectance and white-sky albedo (weights of determination up to 1.431 and 2.122: the tighter bounds for high quality of
Shuai et al. 2008, doi:10.1029/2007GL032568) and no weight is negative after vol and geo were held at 0 or above. Else
the *magnitude* alone is found, for an archetype whose proportions are kept.

The uncertainty of nadir reflectance is

.. math:: u^2 = \mathrm{WoD}\,\frac{\nu_0 \sigma_0^2 + n s^2}{\nu_0 + n - p} + (q\, \Delta)^2

with the root mean square s of the residuals of n looks for p weights (3 or 1), held by a prior as good as
:math:`\nu_0` = 4 looks at :math:`\sigma_0` = 0.005 + 0.05 of the reflectance (the specification of MOD09; the number of
looks is our choice). The last term, for magnitude inversions only, is the share q of the change from the looks to nadir
that :func:`musyq_lab.standard.nadir.shares` gives for the band, 1 where its wavelength is not known.
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import brdf
from musyq_lab.kernels._brdf_inversion import invert as invert_kernel
from musyq_lab.standard.nadir import PARAMETERS, fixed_weights, shares

__all__ = ["CLASSES", "FEWEST", "LIMITS", "invert"]

Floats = NDArray[np.float32]

FEWEST = 7
"""Looks for a full inversion, as MCD43 asks."""
LIMITS = (1.431, 2.122)
"""Largest weights of determination of nadir reflectance and of white-sky albedo for a full inversion."""
CLASSES = ("none", "magnitude", "full")
"""Meaning of ``inversion``."""

_PRIOR_LOOKS = 4.0
_PRIOR = (0.005, 0.05)  # MOD09: one sigma of surface reflectance, constant and relative


def invert(
    reflectance: xr.DataArray,
    sun_zenith: xr.DataArray,
    view_zenith: xr.DataArray,
    relative_azimuth: xr.DataArray,
    weight: xr.DataArray,
    *,
    sun: float | xr.DataArray,
    archetype: xr.DataArray | None = None,
    fewest: int = FEWEST,
) -> xr.Dataset:
    """Return kernel weights and nadir reflectance from looks at the same pixels, lazily.

    Parameters
    ----------
    reflectance : DataArray, dims (look, band, *pixels)
        Of the surface (1); NaN where missing. ``band`` holds roles, with a ``wavelength`` coordinate (um).
    sun_zenith, view_zenith, relative_azimuth : DataArray, dims (look, *pixels) or fewer
        Degrees; relative azimuth 0 has Sun and sensor on one side.
    weight : DataArray, dims (look, *pixels) or fewer
        Inverse variance of a look in units of that of a good one; 0 or NaN leaves it out.
    sun : float or DataArray over pixels
        Zenith angle of the Sun (deg) that nadir reflectance is given for.
    archetype : DataArray, dims (parameter, band), optional
        Weights whose proportions hold where looks are few; by default those of
        :data:`musyq_lab.standard.nadir.FIXED`.
    fewest : int
        Looks for a full inversion, at least 4.

    Returns
    -------
    xarray.Dataset
        ``nadir_reflectance`` and ``nadir_uncertainty`` (band, *pixels), ``brdf`` (parameter, band, *pixels): float32,
        NaN where there is no look. ``looks`` (*pixels), the most that any band has, and ``inversion`` (*pixels), the
        poorest among the bands with looks (0 none, 1 magnitude, 2 full): uint16 and uint8.

    Raises
    ------
    InputError
        If dims are missing or do not fit.

    Notes
    -----
    Each pixel stands alone; a chunk of pixels is held in memory with all its looks, about 4 (2 bands + 8) bytes for a
    look and a pixel. Chunks along ``look`` and ``band`` are joined.
    """
    plane = _plane(reflectance)
    if fewest < 4:
        raise InputError(f"invert needs at least 4 looks for three weights and a residual, got fewest={fewest}.")
    looks = [
        _spread(data, reflectance, ("look", *plane)) for data in (sun_zenith, view_zenith, relative_azimuth, weight)
    ]
    asked = _spread(sun if isinstance(sun, xr.DataArray) else xr.DataArray(float(sun)), reflectance, plane)
    shape = _archetype(reflectance, archetype)
    arrays = [data.data for data in (reflectance.transpose("look", "band", *plane), *looks, asked)]
    left = np.ones((reflectance.sizes["band"], 1), np.float32)
    if "wavelength" in reflectance.coords:
        left = shares(list(reflectance["band"].values), reflectance["wavelength"], "c_factor").values[:, None]
    layers = _layers(arrays, archetype=shape, fewest=float(fewest), left=left)
    return _dataset(layers, reflectance, plane)


def _plane(reflectance: xr.DataArray) -> tuple[str, ...]:
    if not {"look", "band"} <= set(reflectance.dims):
        raise InputError(f"invert needs reflectance with the dims look and band, got {reflectance.dims}.")
    plane = tuple(str(dim) for dim in reflectance.dims if dim not in ("look", "band"))
    if len(plane) != 2:
        raise InputError(f"invert needs looks over two dims of pixels beside look and band, got {reflectance.dims}.")
    return plane


def _spread(data: xr.DataArray, reflectance: xr.DataArray, dims: tuple[str, ...]) -> xr.DataArray:
    """Repeat over the missing dims, chunked as the reflectance; nothing is copied."""
    for dim in data.dims:
        if dim not in dims or data.sizes[dim] != reflectance.sizes[dim]:
            raise InputError(f"{data.name or 'A layer'} has {dim} = {data.sizes[dim]}, which the reflectance has not.")
    plain = data.drop_vars(list(data.coords)).astype(np.float32)
    full = plain.broadcast_like(xr.DataArray(np.empty([reflectance.sizes[d] for d in dims], bool), dims=dims))
    full = full.transpose(*dims)
    if reflectance.chunks is None and full.chunks is None:
        return full
    chunks: dict[str, Any] = {dim: reflectance.chunksizes.get(dim, -1) for dim in dims if dim != "look"}
    return full.chunk(chunks | ({"look": -1} if "look" in dims else {}))


def _archetype(reflectance: xr.DataArray, given: xr.DataArray | None) -> Floats:
    """Return the archetype's weights, shape (band, 3)."""
    bands = [str(name) for name in reflectance["band"].values]
    if given is None:
        if "wavelength" not in reflectance.coords:
            raise InputError("invert needs a `wavelength` coordinate (um) along band, or `archetype`.")
        given = fixed_weights(bands, reflectance["wavelength"])
    known = [str(name) for name in given["band"].values]
    if missing := [name for name in bands if name not in known]:
        raise InputError(f"The archetype lacks the band {missing[0]!r}; it has {', '.join(known)}.")
    ordered = given.sel(band=bands, parameter=list(PARAMETERS)).transpose("band", "parameter")
    return np.ascontiguousarray(ordered.values, np.float32)


def _layers(arrays: list[Any], **numbers: Any) -> Any:
    """Return one stack of results, dims (layer, rows, columns), lazily if any array is lazy."""
    if not any(isinstance(array, da.Array) for array in arrays):
        return _block(*arrays, **numbers)
    first = da.asarray(arrays[0])
    first = first.rechunk({0: -1, 1: -1})
    others = [da.asarray(a) for a in arrays[1:]]
    chunks = first.chunks[2:]
    others = [
        a.rechunk({a.ndim - 2: chunks[0], a.ndim - 1: chunks[1], **({0: -1} if a.ndim == 3 else {})}) for a in others
    ]
    pairs: list[Any] = [first, "nbyx"]
    for array in others:
        pairs += [array, "nyx" if array.ndim == 3 else "yx"]
    return da.blockwise(
        _block,
        "lyx",
        *pairs,
        new_axes={"l": 5 * first.shape[1] + 2},
        concatenate=True,
        dtype=np.float32,
        meta=np.empty((0, 0, 0), np.float32),
        **numbers,
    )


def _block(
    reflectance: Any, sun: Any, view: Any, azimuth: Any, weight: Any, asked: Any, *, archetype: Floats, fewest: float,
    left: Floats,
) -> Floats:  # fmt: skip
    """Invert a block of pixels: nadir, uncertainty, iso, vol and geo of the bands, then looks and class."""
    looks, bands, *plane = reflectance.shape
    flat = [np.ascontiguousarray(a, np.float32).reshape(looks, -1) for a in (sun, view, azimuth, weight)]
    r = np.ascontiguousarray(reflectance, np.float32).reshape(looks, bands, -1)
    vol, geo = brdf.values(*flat[:3])
    target = np.ascontiguousarray(asked, np.float32).reshape(-1)
    to = np.array(brdf.values(target, np.zeros_like(target), np.zeros_like(target)))
    rules = np.array([fewest, *LIMITS], np.float32)
    weights, (used, wod, _), (nadir, rmse, kind) = invert_kernel(vol, geo, flat[3], r, archetype, to, rules)
    sigma = _uncertainty(used, wod, nadir, rmse, kind, left * _change(vol, geo, flat[3], archetype, to))
    some = used > 0.0
    worst = np.where(some, kind, 2.0).min(axis=0) * some.any(axis=0)
    layers = np.concatenate([nadir, sigma, *weights, used.max(axis=0)[None], worst[None]])
    return layers.reshape(-1, *plane).astype(np.float32, copy=False)


def _change(vol: Floats, geo: Floats, weight: Floats, archetype: Floats, to: Floats) -> Floats:
    """Return how far the archetype is from nadir at the mean kernels of the looks, over nadir; shape (band, pixel)."""
    total, sums = np.zeros(vol.shape[1], np.float32), np.zeros_like(to)
    for w, v, g in zip(weight, vol, geo, strict=True):  # look by look: the same bits for any number of pixels
        good = (w > 0.0) & np.isfinite(v)
        total += np.where(good, w, np.float32(0.0))
        sums += np.where(good, np.stack([w * v, w * g]), np.float32(0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / total
        at_looks, at_nadir = (archetype[:, :1] + archetype[:, 1:2] * k[0] + archetype[:, 2:] * k[1] for k in (mean, to))
        return np.asarray(np.abs(1.0 - at_looks / at_nadir), np.float32)


def _uncertainty(used: Floats, wod: Floats, nadir: Floats, rmse: Floats, kind: Floats, wrong: Floats) -> Floats:
    full = kind == 2.0
    prior = (_PRIOR[0] + _PRIOR[1] * np.abs(nadir)) ** 2
    free = _PRIOR_LOOKS + used - np.where(full, 3.0, 1.0)
    variance = wod * (_PRIOR_LOOKS * prior + used * rmse**2) / free
    shape = np.where(full, 0.0, wrong * nadir)
    return np.asarray(np.sqrt(variance + shape**2), np.float32)


def _dataset(layers: Any, reflectance: xr.DataArray, plane: tuple[str, ...]) -> xr.Dataset:
    count = reflectance.sizes["band"]
    along = {name: c for name, c in reflectance.coords.items() if "look" not in c.dims}
    flat = {name: c for name, c in along.items() if "band" not in c.dims}

    def layer(data: Any, dims: tuple[str, ...], text: str, **attrs: Any) -> xr.DataArray:
        coords: dict[Any, Any] = dict(along if "band" in dims else flat)
        if "parameter" in dims:
            coords["parameter"] = list(PARAMETERS)
        return xr.DataArray(data, dims=dims, coords=coords, attrs={"long_name": text, "units": "1", **attrs})

    weights = layers[2 * count : 5 * count].reshape(3, count, *layers.shape[1:])
    return xr.Dataset(
        {
            "nadir_reflectance": layer(layers[:count], ("band", *plane), "surface reflectance seen from the zenith"),
            "nadir_uncertainty": layer(
                layers[count : 2 * count], ("band", *plane), "standard uncertainty of the reflectance from the zenith"
            ),
            "brdf": layer(weights, ("parameter", "band", *plane), "weights of the RossThick and LiSparse-R kernels"),
            "looks": layer(layers[5 * count].astype(np.uint16), plane, "most looks that a band was found from"),
            "inversion": layer(
                layers[5 * count + 1].astype(np.uint8),
                plane,
                "how the kernel weights were found, in the poorest band",
                flag_values=np.arange(3, dtype=np.uint8),
                flag_meanings=" ".join(CLASSES),
            ),
        }
    )
