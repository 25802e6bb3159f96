"""What must be made first: the order of products, and inputs that another product makes.

The edges are those of the specs: ``Input("fpar", source="product:fpar")``, or with the name of the variable where the
product calls it otherwise: ``Input("downward_shortwave", source="product:dsr:dsr")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.spec import Input, Product
from musyq_lab.products._inputs import find, makeable
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

if TYPE_CHECKING:
    from musyq_lab.products._retrieval import Retrieval

_PREFIX = "product:"


def source(item: Input) -> str:
    """Return the key of the product that makes an input, empty if none does."""
    return parts(item)[0]


def parts(item: Input) -> tuple[str, str]:
    """Return the key of the product that makes an input, and which of its variables the input is."""
    if not item.source.startswith(_PREFIX):
        return "", item.name
    key, _, variable = item.source.removeprefix(_PREFIX).partition(":")
    return key, variable or item.name


def upstream(spec: Product) -> Iterator[Product]:
    """Yield the products that a product's inputs may come from, nearest first, each once."""
    seen, waiting = {spec.key}, [spec]
    while waiting:
        for item in waiting.pop(0).inputs:
            key = source(item)
            if key in PRODUCTS and key not in seen:
                seen.add(key)
                waiting.append(PRODUCTS[key])
                yield PRODUCTS[key]


def ordered(keys: Sequence[str]) -> list[str]:
    """Return keys, each once, so that a product stands behind those of them that its inputs may come from.

    Raises
    ------
    NotFoundError
        If there is no such product.
    """
    before = {key: {p.key for p in upstream(RETRIEVALS[key].spec)} for key in dict.fromkeys(keys)}
    return sorted(before, key=lambda key: len(before[key] & set(before)))


def complete(
    retrieval: Retrieval,
    inputs: Iterable[Input],
    dataset: xr.Dataset | None,
    given: Mapping[str, xr.DataArray],
    passed: Mapping[str, Any],
) -> xr.Dataset | None:
    """Return the dataset with those inputs added that are not there and that another product makes.

    Parameters
    ----------
    retrieval : Retrieval
        What is to be made.
    inputs : iterable of Input
        What it needs.
    dataset : xarray.Dataset or None
        What there is.
    given : mapping of str to xarray.DataArray
        Inputs by keyword.
    passed : mapping
        Further arguments of the user's, for the products on the way that take them.

    Raises
    ------
    InputError
        If an input is not there and its product cannot be made either; the message says both.
    """
    lacking = [i for i in inputs if source(i) and not i.optional and find(i.name, dataset, given) is None]
    # What others of them need comes first, so that it is made once.
    for key in dict.fromkeys(source(item) for item in sorted(lacking, key=_depth)):
        first, *more = (item for item in lacking if source(item) == key)
        dataset = _with(retrieval.spec, [first, *more, *_welcome(retrieval.spec, key)], dataset, given, passed)
    return dataset


def _welcome(spec: Product, key: str) -> list[Input]:
    """Return what else is taken from a product, by this one or on the way to it, where it is there."""
    chain = [spec, *upstream(spec)]
    return [item for other in chain for item in other.inputs if item.optional and source(item) == key]


def _depth(item: Input) -> int:
    """Return how many products may have to come before the one that makes an input."""
    key = source(item)
    return len(list(upstream(PRODUCTS[key]))) if key in PRODUCTS else 0


def _with(
    spec: Product,
    items: Sequence[Input],
    dataset: xr.Dataset | None,
    given: Mapping[str, xr.DataArray],
    passed: Mapping[str, Any],
) -> xr.Dataset:
    """Return the dataset with inputs, and their one sigma, made by the product that all of them come from."""
    item, arguments = items[0], {**passed, **given}
    try:
        maker = RETRIEVALS[source(item)]
        chosen = maker.arguments(arguments)
        made = maker(dataset, variables=_variables(maker, items, dataset, chosen), **chosen)
    except (InputError, NotFoundError) as error:
        there = "nothing" if dataset is None else ", ".join(map(str, dataset.data_vars)) or "nothing"
        raise InputError(
            f'retrieve("{spec.key}") needs {item.name} in {item.units}; the dataset holds {there}. '
            f"Pass {item.name}=..., or give what the product {source(item)!r} needs to make it: {error}"
        ) from error
    names = {parts(i)[1]: i.name for i in items} | {f"{parts(i)[1]}_uncertainty": i.uncertainty_name for i in items}
    added = {name: made[own] for own, name in names.items() if own in made}
    whole = xr.Dataset(added) if dataset is None else dataset.assign(added)
    return whole.assign_attrs(history=made.attrs["history"])


def _variables(
    maker: Retrieval, items: Sequence[Input], dataset: xr.Dataset | None, chosen: Mapping[str, Any]
) -> list[str]:
    """Return the variables that are made: those that are needed, and those of the others that can be."""
    needed = [parts(i)[1] for i in items if not i.optional]
    others = [maker.spec.variable(parts(i)[1]) for i in items if i.optional]
    own = {name: value for name, value in chosen.items() if isinstance(value, xr.DataArray)}
    method = chosen.get("method")
    method = method.get(maker.spec.key, "") if isinstance(method, Mapping) else method or ""
    able = makeable(maker.spec, others, method, dataset, own) if others else ()
    return list(dict.fromkeys([*needed, *(v.name for v in able)]))
