"""``ml.retrieve``: any category or own algorithm by name, with completion and each one's own documentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval


class Retrieve:
    """Make products: ``retrieve("vi", ds)``, ``retrieve(["vi", "dsr"], ds)`` or ``retrieve.vi(ds)``."""

    def __call__(self, product: str | Sequence[str], ds: xr.Dataset | None = None, **arguments: Any) -> xr.Dataset:
        """Make one or several products from a Dataset.

        Parameters
        ----------
        product : str or sequence of str
            Keys; ``ml.PRODUCTS`` lists them.
        ds : xarray.Dataset, optional
            Holds the inputs.
        **arguments
            Inputs, options, ``variables=``, ``method=``, ``units=``, ``uncertainty=``: see ``retrieve.<key>?``.

        Returns
        -------
        xarray.Dataset
            With several products, all their variables in one Dataset.

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
        made = [RETRIEVALS[key](ds, **arguments) for key in product]
        return xr.merge(made, compat="equals", join="exact", combine_attrs="drop_conflicts")

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


retrieve = Retrieve()
