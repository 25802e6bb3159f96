"""``ml.retrieve``: any category or own algorithm by name, with completion and each one's own documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from musyq_lab.core.errors import InputError, closest
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._resolve import ordered
from musyq_lab.products._retrieval import Retrieval


class Retrieve:
    """Make products: ``retrieve("vi", ds)``, ``retrieve(["vi", "dsr"], ds)`` or ``retrieve.vi(ds)``."""

    def __call__(self, product: str | Sequence[str], ds: xr.Dataset | None = None, **arguments: Any) -> xr.Dataset:
        """Make one or several products from a Dataset.

        Parameters
        ----------
        product : str or sequence of str
            Keys; ``ml.PRODUCTS`` lists them. What their inputs need is made first, in the right order.
        ds : xarray.Dataset, optional
            Holds the inputs.
        **arguments
            Inputs, options, ``variables=``, ``method=``, ``units=``, ``uncertainty=``: see ``retrieve.<key>?``. With
            several products, ``method`` is by product (``{"gpp": "pmodel"}``) and each takes its own of the rest.

        Returns
        -------
        xarray.Dataset
            With several products, all their variables in one Dataset; the history says what was made on the way.

        Raises
        ------
        NotFoundError
            If there is no such product.
        InputError
            If an input is missing or not as the product needs it.
        """
        if isinstance(product, str):
            return RETRIEVALS[product](ds, **arguments)
        if not product:
            raise InputError("retrieve([]) names no product. ml.PRODUCTS lists them.")
        keys = ordered(product)
        if len(keys) == 1:
            return RETRIEVALS[keys[0]](ds, **arguments)
        return _several(keys, ds, arguments)

    def __getattr__(self, key: str) -> Retrieval:
        """Return one retrieval, so that ``ml.retrieve.vi?`` shows its documentation."""
        if key in RETRIEVALS:
            return RETRIEVALS[key]
        raise AttributeError(f"There is no product {key!r}. Known: {', '.join(RETRIEVALS)}")

    def __dir__(self) -> list[str]:
        """Return the products, so that completion shows them."""
        return list(RETRIEVALS)

    def __repr__(self) -> str:
        """Show what there is."""
        return f"<retrieve: {', '.join(RETRIEVALS)}>"


def _several(keys: Sequence[str], ds: xr.Dataset | None, arguments: Mapping[str, Any]) -> xr.Dataset:
    """Make products one after the other, each from what the earlier ones made, and merge them."""
    _refuse_foreign(keys, arguments)
    variables = arguments.get("variables")
    made: list[xr.Dataset] = []
    for key in keys:
        retrieval = RETRIEVALS[key]
        chosen = retrieval.arguments(arguments) | {n: arguments[n] for n in ("uncertainty",) if n in arguments}
        if variables is not None:
            own = {v.name for v in retrieval.spec.variables}
            chosen["variables"] = [name for name in variables if name in own] or None
        result = retrieval(ds, **chosen)
        made.append(result)
        layers = {name: a for name, a in result.data_vars.items() if not str(name).endswith("_qa")}
        ds = result if ds is None else ds.assign(layers).assign_attrs(history=result.attrs["history"])
    whole = xr.merge(made, compat="override", join="exact", combine_attrs="drop_conflicts")
    return whole.assign_attrs(history=made[-1].attrs["history"], product=" ".join(keys))


def _refuse_foreign(keys: Sequence[str], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that none of the products takes, and a method that does not say whose it is."""
    if isinstance(arguments.get("method"), str):
        raise InputError(f'With several products say whose method it is: method={{"{keys[0]}": "..."}}.')
    known = {"variables", "method", "uncertainty"}
    for key in keys:
        known |= set(RETRIEVALS[key].arguments(arguments))
    if foreign := sorted(set(arguments) - known):
        raise InputError(f"None of the products {list(keys)} has an input or option {foreign[0]!r}.")
    every = {v.name for key in keys for v in RETRIEVALS[key].spec.variables}
    for name in arguments.get("variables") or ():
        if name not in every:
            raise InputError(f"None of the products {list(keys)} makes a variable {name!r}.{closest(name, every)}")


retrieve = Retrieve()
