"""What is true of an exercise, and to what its typical mistakes lead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import xarray as xr


@dataclass(frozen=True, eq=False)
class Truth:
    """What a function of :mod:`musyq_lab.training.truth` returns."""

    value: Any
    """The right answer: a number, a DataArray or Dataset, one of the options, or a set of them."""
    mistakes: Mapping[str, Any] = field(default_factory=dict)
    """Name of a hint -> the answer that this mistake gives; of a number or a choice, several may be given."""
    allowed: float | None = None
    """Largest difference that passes, in the unit of the exercise; by default that of its tolerance."""
    hidden: xr.DataArray | None = None
    """Of arrays: true in cells where nothing was seen, such as under cloud; an answer there is a mistake."""
    options: Collection[Any] = ()
    """Of a choice or a set: all that may be chosen from."""
    note: str = ""
    """What to tell whoever has passed, a sentence."""
