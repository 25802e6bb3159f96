"""Inputs that are bands: layers of the stacks of a standard scene, or variables of a raw one."""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.variables import BAND_ROLES, BandRole
from musyq_lab.standard.layout import SURFACE, UNCERTAINTIES

_UNCERTAINTY = "_uncertainty"


class _Kind(NamedTuple):
    """A quantity that a sensor has in several bands."""

    prefix: str
    """Of the names of inputs."""
    stack: str
    """Variable of a standard scene that holds all of its bands."""
    dim: str
    """Dimension of the bands there."""
    units: str
    """Of a band of a raw scene that is this quantity."""
    not_at: str = ""
    """Level at which a reflectance is something else."""


_KINDS = (
    _Kind("toa_reflectance_", "reflectance", "band", "1", SURFACE),
    _Kind("reflectance_", "reflectance", "band", "1"),
    _Kind("brightness_temperature_", "brightness_temperature", "thermal_band", "K"),
)


def role_of(name: str) -> BandRole | None:
    """Return the role in whose band a quantity is measured, None where it is of no band."""
    kind = _kind(name)
    return None if kind is None else BAND_ROLES.get(name.removeprefix(kind.prefix))


def band_of(name: str, dataset: xr.Dataset) -> xr.DataArray | None:
    """Return a quantity of a band, or its one sigma, from the bands of a scene; None where it has none such.

    Parameters
    ----------
    name : str
        In the nomenclature, such as ``toa_reflectance_red``, or that with ``_uncertainty``. Reflectance at the top of
        the atmosphere is taken from scenes that do not say it is that of the surface.
    dataset : xarray.Dataset
        Standard or raw scene.

    Raises
    ------
    InputError
        If a raw scene has the band as something else.
    """
    kind = _kind(name)
    if kind is None or (kind.not_at and dataset.attrs.get("reflectance_level") == kind.not_at):
        return None
    role = name.removeprefix(kind.prefix).removesuffix(_UNCERTAINTY)
    if role not in BAND_ROLES:
        return None
    if name.endswith(_UNCERTAINTY):
        return _sigma(kind, role, dataset)
    layer = _layer(kind.stack, kind.dim, role, dataset)
    return _of_raw_scene(name, kind, role, dataset) if layer is None else layer


def _kind(name: str) -> _Kind | None:
    return next((kind for kind in _KINDS if name.startswith(kind.prefix)), None)


def _layer(stack: str, dim: str, role: str, dataset: xr.Dataset) -> xr.DataArray | None:
    if stack not in dataset.data_vars:
        return None
    bands = dataset[stack]
    if dim not in bands.coords or role not in bands[dim].values.astype(str):
        return None
    return bands.sel({dim: role})


def _sigma(kind: _Kind, role: str, dataset: xr.Dataset) -> xr.DataArray | None:
    whole = _layer(f"{kind.stack}{_UNCERTAINTY}", kind.dim, role, dataset)
    parts = [_layer(part, kind.dim, role, dataset) for part in UNCERTAINTIES if part.startswith(kind.stack)]
    if whole is not None or not parts or any(part is None for part in parts):
        return whole
    # Of one pixel both parts count in full; that the systematic one is shared by all is a matter of means.
    squares = [part**2 for part in parts if part is not None]
    total: xr.DataArray = (squares[0] + squares[1]) ** 0.5
    return total


def _of_raw_scene(name: str, kind: _Kind, role: str, dataset: xr.Dataset) -> xr.DataArray | None:
    """Take a band of a raw scene, which is called by its role alone and tells its wavelength."""
    if role not in dataset.data_vars or "wavelength" not in dataset[role].attrs:
        return None
    if (said := dataset[role].attrs.get("units")) != kind.units:
        raise InputError(
            f"{name} is needed, and {role!r} of the scene is in {said!r}, not in {kind.units!r}. "
            "Open the scene with its default calibration: ml.open_scene(path)."
        )
    return dataset[role]
