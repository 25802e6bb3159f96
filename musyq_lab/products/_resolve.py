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
from musyq_lab.products._inputs import find
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
    for item in sorted(lacking, key=_depth):
        dataset = _with(retrieval.spec, item, dataset, {**passed, **given})
    return dataset


def _depth(item: Input) -> int:
    """Return how many products may have to come before the one that makes an input."""
    key = source(item)
    return len(list(upstream(PRODUCTS[key]))) if key in PRODUCTS else 0


def _with(spec: Product, item: Input, dataset: xr.Dataset | None, arguments: Mapping[str, Any]) -> xr.Dataset:
    """Return the dataset with one input, and its one sigma, made by the product it comes from."""
    key, variable = parts(item)
    try:
        maker = RETRIEVALS[key]
        made = maker(dataset, variables=[variable], **maker.arguments(arguments))
    except (InputError, NotFoundError) as error:
        there = "nothing" if dataset is None else ", ".join(map(str, dataset.data_vars)) or "nothing"
        raise InputError(
            f'retrieve("{spec.key}") needs {item.name} in {item.units}; the dataset holds {there}. '
            f"Pass {item.name}=..., or give what the product {key!r} needs to make it: {error}"
        ) from error
    names = {variable: item.name, f"{variable}_uncertainty": item.uncertainty_name}
    added = {name: made[own] for own, name in names.items() if own in made}
    whole = xr.Dataset(added) if dataset is None else dataset.assign(added)
    return whole.assign_attrs(history=made.attrs["history"])
