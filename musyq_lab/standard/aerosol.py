r"""Aerosol optical depth from the scene itself, by what its surfaces look like under more or less of it.

In cells of a few kilometres some clear pixels are looked at. For each optical depth at 550 nm the reflectance of their
surfaces follows in the blue, green, red and infrared bands that the sensor has, and is compared with a library of
modelled spectra (:mod:`musyq_lab.standard._aerosol_surfaces`): the cost J of the optical depth. Pixels of one kind
share the error of its spectra, so each kind counts as one look, however many pixels there are; kinds are independent,

.. math:: -2 \ln p(\tau) = \sum_c \overline{J_c(\tau)} - 2 \ln p_0(\tau)

with a lognormal prior :math:`p_0` of given mean and sigma. Dense vegetation is dark and its spectra differ little, so
that it counts most, as in dark-target methods (Kaufman et al. 1997, doi:10.1109/36.628795; Levy et al. 2007,
doi:10.1029/2006JD007811), which take one spectral relation as exact; where there is none, the prior remains. Cells
share what they know with their neighbours. Sensors without bands beyond 1 um are served by the relations among the
visible bands and the near infrared (as Fu et al. 2014 for HJ-1), with the larger errors that these have.

Above uneven ground the optical depth follows the pressure, :math:`\tau \propto p^4`: the scale heights of 6S, 2 km of
aerosol and 8 km of air. The aerosol type is the continental one of the tables; its error is not in the uncertainty.

>>> from musyq_lab.standard import aerosol, correction
>>> found = aerosol.estimate(scene)  # doctest: +SKIP
>>> surface = correction.correct(scene, aod=found.aod, aod_uncertainty=found.aod_uncertainty)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError
from musyq_lab.kernels import aerosol as kernels
from musyq_lab.kernels.atmosphere import MAX_AOD
from musyq_lab.standard import _aerosol_air as air
from musyq_lab.standard import atmosphere, layout
from musyq_lab.standard._aerosol_cells import Cells, by_cell, nodes
from musyq_lab.standard._aerosol_marks import NEAR, clear, marks
from musyq_lab.standard._aerosol_surfaces import surfaces
from musyq_lab.standard._atmosphere_band import spline_matrix

CELL = 5000.0
"""Edge of a cell (m) at least, by default."""

VISIBLE = ("blue", "green", "red")
"""Bands that see the aerosol."""
INFRARED = ("nir", "nir_1240", "swir1", "swir2")
"""Bands that tell the surface."""

NODES = np.minimum(np.linspace(0.0, np.sqrt(MAX_AOD), 21) ** 2, MAX_AOD)
"""Optical depths at which the cost is computed."""

_LEAST = 0.001
_FINE = np.minimum(np.linspace(np.sqrt(_LEAST), np.sqrt(MAX_AOD), 401) ** 2, MAX_AOD)
_POOL = (0.5, 1.0, 0.5)  # share of a neighbouring cell, in either dimension

Floats = NDArray[Any]


def estimate(
    scene: xr.Dataset,
    *,
    prior: tuple[Any, Any] | None = None,
    water_vapour: Any = None,
    ozone: Any = None,
    pressure: Any = None,
    cell: float | None = None,
) -> xr.Dataset:
    """Return the aerosol optical depth at 550 nm over the pixels of a scene, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene of reflectance at the top of the atmosphere with ``sun_zenith``, and the other angles for all
        but nadir-looking sensors. Pixels flagged as cloud, shadow, water, snow or missing are not looked at.
    prior : (value, sigma), optional
        What is known before: mean and one sigma, numbers or DataArrays over the pixels; the climatology of the place
        and time by default.
    water_vapour, ozone, pressure : float or DataArray, optional
        Column of vapour (kg m-2), of ozone (Dobson unit), surface pressure (hPa), as for
        :func:`musyq_lab.standard.correction.correct`; the climatology by default.
    cell : float, optional
        Edge of a cell (m); 5 km or ten pixels by default, whichever is more.

    Returns
    -------
    xarray.Dataset, dims of the plane
        ``aod`` (1), the mean of the posterior; ``aod_uncertainty`` (1), its sigma; ``aod_information`` (1), the share
        of the variance of its logarithm that the scene removed: 0 where only the prior speaks.

    Raises
    ------
    InputError
        If the scene is not of reflectance at the top of the atmosphere, lacks red, near infrared or the angle of the
        Sun, or what is given is in other units, impossible or of another shape.

    Notes
    -----
    The optical depth ends at 2, as the tables do.
    """
    layout.require(scene, "aerosol.estimate", bands=("red",), variables=("reflectance", "sun_zenith"), level=layout.TOP)
    bands, keys = _bands(scene)
    cells = Cells.of(scene, cell, CELL)
    given = {"water_vapour": water_vapour, "ozone": ozone, "pressure": pressure}
    state = air.state(cells, given)
    mean, sigma = air.prior(cells, prior)
    sky = air.stacked([*cells.geometry(), *state.values()])
    toa = cells.sampled(scene["reflectance"].sel(band=list(bands)).transpose("band", *cells.plane).data)
    sensor, variant = str(scene.attrs["sensor"]), layout.variant_of(scene)
    seen = surfaces(sensor, bands, variant)
    halo = cells.spacing < NEAR
    curves = cells.apply(
        _curves, toa, marks(scene, cells), sky, leading=NODES.size, keys=keys, seen=tuple(seen[1:]), halo=halo
    )
    found = combine(curves, air.stacked([mean, sigma]))
    told = {name: air.told(value) for name, value in given.items()}
    told["prior"] = "climatology" if prior is None else [air.told(value) for value in prior]
    return _dataset(scene, cells, found, air.slope(cells, pressure, state["pressure"]), told | {"cell": cell})


def _bands(scene: xr.Dataset) -> tuple[tuple[str, ...], list[Any]]:
    """Return the roles that are used, and what names their tables."""
    own = [str(name) for name in scene["band"].values]
    infrared = [name for name in INFRARED if name in own]
    if "nir_1240" in infrared:  # with 2.1 um it says enough, and 1.64 um of Aqua's MODIS is broken
        infrared = [name for name in infrared if name != "swir1"]
    if "nir" not in own and "nir_narrow" in own:
        infrared = ["nir_narrow", *infrared]
    if not {"nir", "nir_narrow"} & set(infrared):
        raise InputError(
            f"aerosol.estimate needs a near-infrared band to tell surfaces apart; this scene has {', '.join(own)}. "
            "Give the optical depth to correct() as a number, or leave it to the climatology."
        )
    sensor, variant = str(scene.attrs["sensor"]), layout.variant_of(scene)
    named = {name: atmosphere.key_of(sensor, name, variant) for name in [*VISIBLE, *infrared] if name in own}
    kept = {name: key for name, key in named.items() if not atmosphere.gap(key)}
    return tuple(kept), list(kept.values())


def _curves(
    toa: Floats, marked: Floats, sky: Floats, *, rows: int, columns: int, keys: Any, seen: Any, halo: bool
) -> Floats:
    """Return the cost of each node, shape (node, rows, columns); zero where nothing is known."""
    seen_now = clear(marked[0], rows, columns, halo=halo)
    light = np.moveaxis(by_cell(np.where(seen_now, toa, np.nan).astype(np.float32), rows, columns), 0, -1)
    tables = [part[:, :, None] for part in nodes(keys, sky, aod=NODES)]
    curve, kind = kernels.misfit(np.ascontiguousarray(light), *tables, *seen)
    along = np.ascontiguousarray(np.moveaxis(curve, -1, 0))  # node, rows, columns, pixel
    total = np.zeros(along.shape[:-1])
    for number in range(seen[0].shape[0]):
        chosen = kind == number
        count = chosen.sum(-1)
        total += np.where(chosen, along, 0.0).sum(-1, dtype=np.float64) / np.maximum(count, 1)
    return total.astype(np.float32)


def _whole(function: Any, *arrays: Any) -> Any:
    """Run a function over all cells at once, lazily where they are."""
    if not any(isinstance(array, da.Array) for array in arrays):
        return function(*arrays)
    joined = [
        array.rechunk(-1) if isinstance(array, da.Array) else da.from_array(array, chunks=-1, name=None)
        for array in arrays
    ]
    chunks = ((3,), *joined[0].chunks[1:])
    return da.map_blocks(function, *joined, chunks=chunks, dtype=np.float32, name=None)


def combine(curves: Any, prior: Any) -> Any:
    """Join what cells say of their optical depth with what was known before, and with what their neighbours say.

    Parameters
    ----------
    curves : array, shape (node, rows, columns)
        -2 log of the likelihood at :data:`NODES`, less any constant; all zero for a cell that says nothing.
    prior : array, shape (2, rows, columns)
        Mean and sigma of a lognormal distribution.

    Returns
    -------
    array, shape (3, rows, columns)
        Mean, sigma and information (see :func:`estimate`), lazy where an argument is.
    """
    return _whole(_posterior, curves, prior)


def _posterior(curves: Floats, prior: Floats) -> Floats:
    """Return mean, sigma and information of the posterior, shape (3, rows, columns)."""
    mean, sigma = np.maximum(prior[0].astype(np.float64), 0.01), np.maximum(prior[1].astype(np.float64), 1e-4)
    width = np.log1p((sigma / mean) ** 2)
    centre = np.log(mean) - width / 2
    matrix = spline_matrix(np.sqrt(NODES), np.sqrt(_FINE))
    fine = np.einsum("fk,kyx->fyx", matrix, _pooled(curves))
    depth = np.log(_FINE)[:, None, None]
    before = np.exp(-0.5 * (depth - centre) ** 2 / width - depth) * np.gradient(_FINE)[:, None, None]
    after = before * np.exp(-0.5 * (fine - fine.min(axis=0)))
    value, new = _moments(after, _FINE)
    # In its logarithm, in which the prior is as wide everywhere: a thick aerosol is found with a large sigma.
    narrow, wide = (_moments(weights, np.log(_FINE))[1] for weights in (after, before))
    information = np.clip(1.0 - (narrow / wide) ** 2, 0.0, 1.0)
    return np.stack([value, new, information]).astype(np.float32)


def _moments(weights: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of some values, such as optical depths, under weights (value, y, x)."""
    with np.errstate(invalid="ignore"):
        share = weights / weights.sum(axis=0)
    fine = values[:, None, None]
    mean = (share * fine).sum(axis=0)
    return mean, np.sqrt((share * (fine - mean) ** 2).sum(axis=0))


def _pooled(curves: Floats) -> Floats:
    """Return what a cell and its neighbours say; a cell alone with one neighbour takes half of what that says."""
    known = np.any(curves != 0, axis=0) & np.isfinite(curves).all(axis=0)
    padded = np.pad(np.where(known, curves, 0.0).astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    there = np.pad(known.astype(np.float64), 1)
    rows, columns = known.shape
    total, weight = np.zeros(curves.shape), np.zeros(known.shape)
    for i, down in enumerate(_POOL):
        for k, across in enumerate(_POOL):
            total += down * across * padded[:, i : i + rows, k : k + columns]
            weight += down * across * there[i : i + rows, k : k + columns]
    return total / np.maximum(weight, 1.0)


def _dataset(scene: xr.Dataset, cells: Cells, found: Any, slope: Any, told: dict[str, Any]) -> xr.Dataset:
    coords = {name: c for name, c in scene.coords.items() if set(map(str, c.dims)) <= set(cells.plane)}
    words = {
        "aod": ("aerosol optical depth at 550 nm", "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"),
        "aod_uncertainty": ("standard uncertainty of the aerosol optical depth at 550 nm", ""),
        "aod_information": ("share of the variance of the logarithm of the optical depth that the scene removed", ""),
    }
    made = {}
    for number, (name, (title, standard)) in enumerate(words.items()):
        data = cells.spread(found[number])
        if name != "aod_information":
            data = data * slope
        attrs = {"units": "1", "long_name": title} | ({"standard_name": standard} if standard else {})
        made[name] = (cells.plane, data, attrs)
    out = xr.Dataset(made, coords=coords, attrs=dict(scene.attrs))
    out["aod"] = out["aod"].clip(max=np.float32(MAX_AOD), keep_attrs=True)
    line = history_line("aerosol.estimate", told)
    return out.assign_attrs(history=extend_history(str(scene.attrs.get("history", "")), line))
