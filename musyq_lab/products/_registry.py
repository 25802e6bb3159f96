"""The registries of products: their specs, and the functions that make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from musyq_lab.core.registry import Registry
from musyq_lab.core.spec import Product

if TYPE_CHECKING:
    from musyq_lab.products._retrieval import Retrieval

_PACKAGE = "musyq_lab.products"


def _variables(spec: Product) -> str:
    names = [f"{v.name} ({v.units})" for v in spec.variables]
    return ", ".join(names[:4]) + (f" ... {len(names)} in all" if len(names) > 4 else "")


PRODUCTS: Registry[Product] = Registry(
    _PACKAGE,
    "SPEC",
    "product",
    {
        "title": lambda s: s.title,
        "variables": _variables,
        "inputs": lambda s: ", ".join(f"[{i.name}]" if i.optional else i.name for i in s.inputs),
        "editions": lambda s: ", ".join(s.editions),
        "retrieve": lambda s: f'ml.retrieve("{s.key}", ds)',
    },
)
"""Key -> :class:`Product`."""

RETRIEVALS: Registry[Retrieval] = Registry(_PACKAGE, "{key}", "retrieval", {"title": lambda made: str(made.spec.title)})
"""Key -> function that makes the product; each module holds it under the product's own key."""
