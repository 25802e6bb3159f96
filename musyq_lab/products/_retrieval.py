"""The one decorator: from a spec and a function of arrays to a retrieval that users can trust.

The function of a product file sees plain arrays in canonical units with bad values already NaN, and returns one array
per wanted variable. Units, alignment, dask, masking, quality bits, uncertainty, attributes and history are made here,
once, for every product and for users' own algorithms.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.attributes import (
    cause_attributes,
    extend_history,
    global_attributes,
    history_line,
    quality_attributes,
    uncertainty_attributes,
    variable_attributes,
)
from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import CAUSE_DTYPE, QA_DTYPE
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._apply import apply_block
from musyq_lab.products._block import Block, Body, call_with, float_type
from musyq_lab.products._documentation import documentation
from musyq_lab.products._inputs import Units, collect, makeable, needed_inputs
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS
from musyq_lab.products._resolve import complete, upstream
from musyq_lab.products._scene_bits import with_scene_bits, without_clouds
from musyq_lab.products._scene_body import Made, apply_scene
from musyq_lab.products._told import Years, days_of, sensor_of, years_of
from musyq_lab.standard.layout import SURFACE

_TOLD = frozenset({"variables", "method", "time", "years", "scene"})
"""Parameters of a function that the retrieval fills: they are neither inputs nor options."""


class Retrieval:
    """A product's function as users call it; made by :func:`retrieval`.

    Parameters
    ----------
    spec : Product
        What it makes from what.
    body : callable
        Arrays by input name in (keyword only), one array per variable out. If it has a ``variables`` or ``method``
        parameter it receives the names wanted; where it works on series ``time`` (days since 1970, shape (time,)), for
        yearly support ``years`` too, tell what the axes are; other keyword parameters with defaults are options of the
        user's. An option ``sensor`` is taken from the scene where the user gives none. For the support "scene" arrays
        are DataArrays: see :func:`musyq_lab.products._scene_body.apply_scene`.
    quality : callable, optional
        Sets the product's own bits: arrays and options in, ``{flag: where}`` out. ``values`` are the results.
    uncertainty : callable, optional
        One sigma of each wanted variable, in place of central differences over the inputs: arrays,
        ``<input>_uncertainty`` and options in.
    check : callable, optional
        Refuses what cannot work before anything is computed: ``given`` (names of the inputs that are there), method and
        options in.
    """

    def __init__(
        self,
        spec: Product,
        body: Body,
        quality: Body | None = None,
        uncertainty: Body | None = None,
        check: Body | None = None,
    ) -> None:
        self.spec: Product = spec
        self.body: Body = body
        self.quality: Body | None = quality
        self.uncertainty: Body | None = uncertainty
        self.check: Body | None = check
        self.__name__ = self.__qualname__ = spec.key
        self.__module__ = body.__module__
        self.__doc__ = documentation(spec, body)
        self._parameters = inspect.signature(body).parameters
        self.__signature__ = _signature(spec, self.options)

    @property
    def options(self) -> dict[str, Any]:
        """The body's own options and their defaults."""
        own = {i.name for i in self.spec.inputs} | _TOLD
        return {
            name: parameter.default
            for name, parameter in self._parameters.items()
            if name not in own and parameter.default is not inspect.Parameter.empty
        }

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of a user's arguments that are for this product or for one that its inputs come from."""
        chain = [self.spec, *upstream(self.spec)]
        names = {n for spec in chain for i in spec.inputs for n in (i.name, i.uncertainty_name)}
        options = {name for spec in chain[1:] for name in RETRIEVALS[spec.key].options}
        methods = given.get("method")
        if isinstance(methods, Mapping):
            given = {**given, "method": {k: m for k, m in methods.items() if k in {spec.key for spec in chain}}}
        elif methods is not None:
            given = {name: value for name, value in given.items() if name != "method"}
        return {n: v for n, v in given.items() if n in names | options | {*self.options, "method", "units"}}

    def __call__(
        self,
        ds: xr.Dataset | None = None,
        *,
        variables: Sequence[str] | None = None,
        method: str | Mapping[str, str] | None = None,
        units: Units = None,
        uncertainty: bool = True,
        **arguments: Any,
    ) -> xr.Dataset:
        """Make the product; see the class's own documentation for inputs and options."""
        wanted = self._wanted(variables)
        chosen = self._method(method)
        given, options, passed = self._split(arguments)
        if self.spec.partial and variables is None:
            # Where none can be made, what is missing for the first of them is told.
            wanted = makeable(self.spec, wanted, chosen, ds, given) or wanted
        inputs = needed_inputs(self.spec, wanted, chosen)
        ds = complete(self, inputs, ds, given, {**passed, **options, "method": method, "units": units})
        if not options.get("sensor", True):
            options["sensor"] = sensor_of(ds)
        arrays = collect(self.spec, inputs, ds, given, units, chosen)
        if self.check is not None:
            call_with(self.check, {"given": frozenset(arrays), "method": chosen, **options})
        if self.spec.support in ("series", "yearly", "period"):
            arrays = without_clouds(arrays, ds)
        years = years_of(self.spec, arrays) if self.spec.support == "yearly" else None
        days = years.days if years else days_of(self.spec, arrays) if self._wants_days else None
        block = Block(
            self.spec,
            self.body,
            tuple(i for i in inputs if i.name in arrays),
            wanted,
            tuple(i.name for i in inputs if i.uncertainty_name in arrays),
            {**options, **self._told(wanted, chosen, years, days)},
            self.spec.method(chosen),
            self.quality,
            self.uncertainty,
            years.labels if years else (),
            years.members if years else None,
        )
        recorded = {"variables": [v.name for v in wanted], "method": chosen, **options}
        return _assemble(self._prepared(block), arrays, ds, recorded, uncertainty=uncertainty)

    def _prepared(self, block: Block) -> Block:
        """Return what is applied to the arrays; where a block is computed elsewhere, what has it computed there."""
        return block

    def _wanted(self, names: Sequence[str] | None) -> tuple[Variable, ...]:
        names = [names] if isinstance(names, str) else names
        known = {v.name: v for v in self.spec.variables}
        if names is None:
            return tuple(known[n] for n in self.spec.default or known)
        if not names:
            raise InputError(f'retrieve("{self.spec.key}", variables=[]) asks for nothing. Name at least one variable.')
        for name in names:
            if name not in known:
                raise InputError(f'retrieve("{self.spec.key}") makes no variable {name!r}.{closest(name, known)}')
        return tuple(known[n] for n in dict.fromkeys(names))

    def _method(self, method: str | Mapping[str, str] | None) -> str:
        if isinstance(method, Mapping):
            chain = [self.spec.key, *(spec.key for spec in upstream(self.spec))]
            if unknown := set(method) - set(chain):
                raise InputError(
                    f'retrieve("{self.spec.key}") is told a method of {sorted(unknown)}; on its way are {chain}.'
                )
            method = method.get(self.spec.key)
        names = self.spec.method_names
        if method is None:
            return names[0] if names else ""
        if method not in names:
            raise InputError(f'retrieve("{self.spec.key}") has no method {method!r}.{closest(method, names)}')
        return method

    def _split(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Part the arguments into own inputs, own options, and what is for products on the way."""
        names = {n for i in self.spec.inputs for n in (i.name, i.uncertainty_name)}
        given = {name: value for name, value in arguments.items() if name in names}
        options = {**self.options, **{n: v for n, v in arguments.items() if n in self.options}}
        rest = {name: value for name, value in arguments.items() if name not in names | set(options)}
        passed = self.arguments(rest)
        for name in rest:
            if name not in passed:
                hint = closest(name, {*names, *self.options})
                raise InputError(f'retrieve("{self.spec.key}") has no input or option {name!r}.{hint}')
        return given, options, passed

    @property
    def _wants_days(self) -> bool:
        return self.spec.support in ("series", "period") and "time" in self._parameters

    def _told(
        self, wanted: Sequence[Variable], method: str, years: Years | None, days: NDArray[np.float64] | None
    ) -> dict[str, Any]:
        told: dict[str, Any] = {"variables": tuple(v.name for v in wanted), "method": method, "time": days}
        if years is not None:
            told |= {"years": years.labels}
        return {name: value for name, value in told.items() if name in self._parameters}

    def __reduce__(self) -> Any:
        """Pickle by name where the name leads back here, else by value (an algorithm typed in a notebook)."""
        if getattr(sys.modules.get(self.__module__), self.__name__, None) is self and self.__module__ != "__main__":
            return self.__name__
        return type(self), (self.spec, self.body, self.quality, self.uncertainty, self.check)

    def __repr__(self) -> str:
        """Show the call."""
        return f"<retrieval {self.spec.key}{self.__signature__}: {self.spec.title}>"


def retrieval(
    spec: Product, *, quality: Body | None = None, uncertainty: Body | None = None, check: Body | None = None
) -> Callable[[Body], Retrieval]:
    """Turn the function of a product file into its retrieval.

    Parameters
    ----------
    spec : Product
        The file's ``SPEC``.
    quality, uncertainty, check : callable, optional
        See :class:`Retrieval`.
    """
    return lambda body: Retrieval(spec, body, quality, uncertainty, check)


def algorithm(
    spec: Product, *, quality: Body | None = None, uncertainty: Body | None = None, check: Body | None = None
) -> Callable[[Body], Retrieval]:
    """Register a user's own algorithm for this session: the same decorator, plus an entry in the registries.

    It serves retrieve and the dashboards at once; production takes it when it has kept the contract
    (``ml.check_algorithm(key)``). Registered anew, as when its cell is run again, it has to keep the contract anew.

    Parameters
    ----------
    spec : Product
        Its key must not be one of the programme's own.
    quality, uncertainty, check : callable, optional
        See :class:`Retrieval`.

    Raises
    ------
    InputError
        If the key is taken by a shipped product, or the function does not take the inputs of the spec by name.
    """

    def register(body: Body) -> Retrieval:
        _check_parameters(spec, body)
        made = Retrieval(spec, body, quality, uncertainty, check)
        PRODUCTS.add(spec.key, spec)
        RETRIEVALS.add(spec.key, made)
        return made

    return register


def _check_parameters(spec: Product, body: Body) -> None:
    """Refuse a function that could not be called with the inputs of its spec by name."""
    if not callable(body):
        raise InputError(f"The algorithm {spec.key!r} must be a function, got {type(body).__name__}.")
    parameters = inspect.signature(body).parameters
    names = {i.name for i in spec.inputs}
    by_name = {n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    required = {i.name for i in spec.inputs if not i.optional}
    if not takes_all and (lacking := sorted(required - by_name)):
        raise InputError(
            f"The function of {spec.key!r} takes no parameter {lacking[0]!r}, which its spec lists as an input. Write "
            f"def {spec.key}(*, {', '.join(i.name for i in spec.inputs)}): ..."
        )
    own = [n for n in by_name if parameters[n].default is inspect.Parameter.empty]
    if unknown := sorted(set(own) - names - _TOLD):
        raise InputError(
            f"The function of {spec.key!r} takes {unknown[0]!r}, which is no input of its spec."
            f"{closest(unknown[0], names)} Give it a default to make it an option."
        )


def _assemble(
    block: Block,
    arrays: Mapping[str, xr.DataArray],
    ds: xr.Dataset | None,
    recorded: Mapping[str, Any],
    *,
    uncertainty: bool,
) -> xr.Dataset:
    """Run the block over the arrays and dress the results."""
    spec, method = block.spec, block.method.name
    found = apply_scene(block, arrays, ds) if spec.support == "scene" else _computed(block, arrays, uncertainty)
    made = {
        v.name: a.assign_attrs(variable_attributes(v, spec.qa_name))
        for v, a in zip(block.variables, found.values, strict=True)
    }
    for variable, sigma in zip(block.variables, found.sigmas, strict=True):
        if uncertainty and variable.uncertain and sigma is not None:
            made[variable.uncertainty_name] = sigma.assign_attrs(uncertainty_attributes(variable))
    made[spec.qa_name] = with_scene_bits(found.qa, ds).assign_attrs(quality_attributes(spec))
    made[spec.cause_name] = found.cause.assign_attrs(cause_attributes(spec))
    before = str(ds.attrs.get("history", "")) if ds is not None else ""
    history = extend_history(before, history_line(f"retrieve:{spec.key}", recorded))
    kept = {name: value for name, value in (ds.attrs if ds is not None else {}).items() if name in _KEPT}
    if any(v.name.startswith("reflectance_") for v in block.variables):
        kept[_LEVEL] = SURFACE
    product = xr.Dataset(made, attrs={**kept, **global_attributes(spec, method=method, history=history)})
    return product.assign_coords(_grid_mapping(ds))


def _computed(block: Block, arrays: Mapping[str, xr.DataArray], uncertainty: bool) -> Made:
    """Run a function of numpy blocks over the arrays."""
    inputs = [arrays[i.name] for i in block.inputs]
    dtypes = [float_type([a.dtype for a in inputs])] * len(block.variables)
    support, years = block.spec.support, block.years
    *values, qa, cause = apply_block(
        replace(block, sigmas=()).values, inputs, support, [*dtypes, QA_DTYPE, CAUSE_DTYPE], years
    )
    spread: Sequence[xr.DataArray | None] = [None] * len(values)
    if uncertainty and any(v.uncertain for v in block.variables):
        sigmas = [arrays[_input(block, name).uncertainty_name] for name in block.sigmas]
        spread = apply_block(block.uncertainties, [*inputs, *sigmas], support, dtypes, years)
    return Made(values, list(spread), qa, cause)


def _grid_mapping(ds: xr.Dataset | None) -> dict[Any, xr.DataArray]:
    """Return the coordinate that holds the scene's CRS; a product lies where its scene lay."""
    coords = {} if ds is None else ds.coords
    return {name: c for name, c in coords.items() if c.ndim == 0 and {"crs_wkt", "grid_mapping_name"} & set(c.attrs)}


_LEVEL = "reflectance_level"

# Attributes of a scene that stay true of what is retrieved from it.
_KEPT = (
    "platform",
    "sensor",
    "time_coverage_start",
    "time_coverage_end",
    "granule",
    "granule_sha256",
    "reference_sensor",
    "reference_platform",
    _LEVEL,
)


def _input(block: Block, name: str) -> Input:
    return next(i for i in block.inputs if i.name == name)


def _signature(spec: Product, options: Mapping[str, Any]) -> inspect.Signature:
    keyword, optional = inspect.Parameter.KEYWORD_ONLY, {"default": None}
    own = [inspect.Parameter(i.name, keyword, **optional) for i in spec.inputs]
    own += [inspect.Parameter(name, keyword, default=value) for name, value in options.items()]
    tail = [inspect.Parameter(name, keyword, **optional) for name in ("variables", "method", "units")]
    return inspect.Signature(
        [
            inspect.Parameter("ds", inspect.Parameter.POSITIONAL_OR_KEYWORD, **optional),
            *own,
            *tail,
            inspect.Parameter("uncertainty", keyword, default=True),
        ]
    )
