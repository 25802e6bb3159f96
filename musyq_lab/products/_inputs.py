"""What a retrieval is given, found and checked before anything is computed.

Faults of the metadata (a missing band, a wrong or missing unit, a role that contradicts the wavelength, grids that do
not match) raise here, at call time. Faults of the values cannot be seen without reading the data and become quality
bits instead (:mod:`musyq_lab.products._block`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import xarray as xr

from musyq_lab.core import accessor as _accessor  # noqa: F401  # registers `.musyq`, which the messages below recommend
from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.core.units import convert, convertible, same_units
from musyq_lab.products._bands import band_of, role_of
from musyq_lab.products._derive import derived
from musyq_lab.products._sun import sun_of
from musyq_lab.standard.layout import SURFACE

_UNCERTAINTY = "_uncertainty"

PRODUCT_OF = {
    "surface_temperature": "lst",
    "downward_shortwave": "dsr",
    "downward_par": "par",
    "downward_longwave": "dlr",
    "upward_longwave": "ulr",
}
"""Quantities that the product which makes them calls by its own name."""

Units = str | Mapping[str, str] | None


def needed_inputs(spec: Product, variables: Sequence[Variable], method: str = "") -> tuple[Input, ...]:
    """Return the inputs that the wanted variables rest on with a method, in the order of the spec."""
    every = [i.name for i in spec.inputs]
    names = {name for v in variables for name in v.inputs or every} & {*(spec.method(method).inputs or every)}
    return tuple(i for i in spec.inputs if i.name in names)


def makeable(
    spec: Product,
    variables: Sequence[Variable],
    method: str,
    dataset: xr.Dataset | None,
    given: Mapping[str, xr.DataArray],
) -> tuple[Variable, ...]:
    """Return those of the variables whose inputs are there or can be made.

    Parameters
    ----------
    spec : Product
        The product to be made.
    variables : sequence of Variable
        Of it.
    method : str
        With which method.
    dataset, given
        Where inputs may be, as for :func:`collect`.
    """

    @cache
    def there(item: Input) -> bool:
        return item.optional or bool(item.source) or find(item.name, dataset, given) is not None

    return tuple(v for v in variables if all(there(i) for i in needed_inputs(spec, [v], method)))


def collect(
    spec: Product,
    inputs: Sequence[Input],
    dataset: xr.Dataset | None,
    given: Mapping[str, xr.DataArray],
    units: Units,
    method: str = "",
) -> dict[str, xr.DataArray]:
    """Find each input and its one-sigma companion, checked and on one grid.

    Parameters
    ----------
    spec : Product
        The product to be made, for messages.
    inputs : sequence of Input
        What is needed.
    dataset : xarray.Dataset or None
        Searched by name; ``reflectance`` with a ``band`` dimension of roles serves every ``reflectance_<role>``, and so
        do the bands of a scene as ``open_scene`` returns it.
    given : mapping of str to xarray.DataArray
        Inputs by keyword; they win over the dataset.
    units : str or mapping, optional
        What the data are really in, where their attributes are missing or wrong: for all inputs, or by name.
    method : str
        With which method, for messages.

    Returns
    -------
    dict of str to xarray.DataArray
        In canonical units, without attributes; optional inputs that are not there are left out.

    Raises
    ------
    InputError
        If an input is missing, is in other units, or does not lie on the grid of the rest.
    """
    found: dict[str, xr.DataArray] = {}
    for item in inputs:
        array = find(item.name, dataset, given, units)
        if array is None:
            if item.optional:
                continue
            raise InputError(_missing(spec, item, dataset, method))
        found[item.name] = _checked(spec, item, array, units)
        sigma = _given(item.uncertainty_name, dataset, given)
        if sigma is not None:
            sigma = sigma.assign_attrs(units=sigma.attrs.get("units", item.units))
            found[item.uncertainty_name] = _plain(sigma, item, difference=True)
    _same_grid(spec, found)
    return found


def find(
    name: str, dataset: xr.Dataset | None, given: Mapping[str, xr.DataArray], units: Units = None
) -> xr.DataArray | None:
    """Return a quantity that was given, that the dataset holds or that follows from what they hold; else None.

    What it follows from is taken in the units that the user says by name. The place of the Sun follows from dates and
    coordinates.
    """
    array = _given(name, dataset, given)
    if array is None:
        array = derived(name, lambda other: _told(other, _given(other, dataset, given), units))
    return sun_of(name, dataset, given) if array is None else array


def _told(name: str, array: xr.DataArray | None, units: Units) -> xr.DataArray | None:
    said = units.get(name) if isinstance(units, Mapping) else None
    return array if array is None or said is None else array.assign_attrs(units=said)


def _given(name: str, dataset: xr.Dataset | None, given: Mapping[str, xr.DataArray]) -> xr.DataArray | None:
    if name in given:
        array = given[name]
        if not isinstance(array, xr.DataArray):
            raise InputError(
                f"{name} must be an xarray.DataArray with a 'units' attribute, got {type(array).__name__}."
            )
        return array
    if dataset is None:
        return None
    for known in (name, _other_name(name)):
        if known in dataset.data_vars:
            return dataset[known]
    return band_of(name, dataset)


def _other_name(name: str) -> str:
    quantity = name.removesuffix(_UNCERTAINTY)
    return PRODUCT_OF.get(quantity, quantity) + name.removeprefix(quantity)


def _missing(spec: Product, item: Input, dataset: xr.Dataset | None, method: str) -> str:
    there = ", ".join(map(str, dataset.data_vars)) if dataset is not None and dataset.data_vars else "nothing"
    if dataset is not None and "band" in dataset.coords:
        there += f" (bands {', '.join(map(str, dataset['band'].values.ravel()))})"
    if item.name.startswith("toa_") and dataset is not None and dataset.attrs.get("reflectance_level") == SURFACE:
        there += ", whose reflectance is that of the surface already"
    return (
        f'retrieve("{spec.key}") needs {item.name} in {item.units}; the dataset holds {there}. '
        f"Add a variable of that name, or pass {item.name}=...{_without(spec, item, method)}"
    )


def _without(spec: Product, item: Input, method: str) -> str:
    """Return which other methods do without an input."""
    names = [n for n in spec.method_names if n != method and item.name not in (spec.method(n).inputs or (item.name,))]
    return f" Without it work the methods {', '.join(names)}: method=..." if names else ""


def _checked(spec: Product, item: Input, array: xr.DataArray, units: Units) -> xr.DataArray:
    declared = units.get(item.name) if isinstance(units, Mapping) else units
    if declared is not None:
        return _plain(array.assign_attrs(units=declared), item)
    said = array.attrs.get("units")
    if said is None or not same_units(str(said), item.units):
        raise InputError(_wrong_units(spec, item, array, said))
    _check_role(spec, item, array)
    return _plain(array, item)


def _wrong_units(spec: Product, item: Input, array: xr.DataArray, said: str | None) -> str:
    got = "no units" if said is None else str(said)
    remedy = f'pass units={{"{item.name}": "..."}} to say what it really is'
    if said is not None and convertible(str(said), item.units):
        remedy = f'convert it with da.musyq.to("{item.units}"), or {remedy}'
    return (
        f'retrieve("{spec.key}") needs {item.name} in {item.units}, got {got} '
        f"(attrs['units'] of {array.name!r}). Please {remedy}."
    )


def _check_role(spec: Product, item: Input, array: xr.DataArray) -> None:
    role = role_of(item.name)
    if role is None or "wavelength" not in array.coords or array["wavelength"].ndim:
        return
    centre, (low, high) = float(array["wavelength"]), role.wavelength_range
    if not low <= centre <= high:
        raise InputError(
            f'retrieve("{spec.key}") needs {item.name}, whose centre lies within {low}-{high} um, but the band given '
            f"is at {centre:g} um. Rename the band, or mend its wavelength coordinate (um)."
        )


def _plain(array: xr.DataArray, item: Input, *, difference: bool = False) -> xr.DataArray:
    converted = convert(array, item.units, difference=difference)
    scalars = [name for name, coordinate in converted.coords.items() if coordinate.ndim == 0]
    return converted.drop_vars(scalars).drop_attrs()


def _same_grid(spec: Product, arrays: Mapping[str, xr.DataArray]) -> None:
    try:
        xr.align(*arrays.values(), join="exact", copy=False)
    except ValueError as error:
        shapes = "; ".join(f"{name} {dict(array.sizes)}" for name, array in arrays.items())
        raise InputError(
            f'retrieve("{spec.key}") needs all inputs on one grid with equal coordinates, got {shapes}. '
            f"Regrid them first. ({error})"
        ) from error
