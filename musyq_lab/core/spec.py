"""Frozen descriptions of products: the one place from which everything else is derived.

HDF5 encoding, file names, catalog entries, production edges, dashboard entries, documentation tables and conformance
tests all read a :class:`Product`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from musyq_lab.core.quality import COMMON_FLAGS, Flag
from musyq_lab.core.variables import quantity

Edition = Literal["1km", "5km", "30m", "0p25deg"]
Stage = Literal["scene", "composite", "climatology", "application"]

_KEY = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """One layer of a product and how it is stored."""

    name: str
    """Name in the Dataset and in the file."""
    long_name: str
    """Plain words for axes and legends."""
    units: str
    """UDUNITS spelling, ``"1"`` for a ratio."""
    standard_name: str = ""
    """CF standard name, empty where CF has none."""
    valid_range: tuple[float, float] = (float("-inf"), float("inf"))
    """Closed interval of possible values; anything else becomes NaN with a quality bit."""
    dtype: str = "int16"
    """Stored type; a float type is stored as it is."""
    scale: float = 1.0
    """value = stored x scale + offset."""
    offset: float = 0.0
    """See ``scale``."""
    fill: int = -32768
    """Stored value of no data (integers only; floats use NaN)."""
    colour_map: str = "viridis"
    """Perceptually even colour map of this variable."""
    inputs: tuple[str, ...] = ()
    """Inputs this variable needs; empty means all required inputs of the product."""
    model_uncertainty: tuple[float, float] = (0.0, 0.0)
    """Method error beside that of the inputs, one sigma: (in ``units``, relative to the value)."""
    gcos_goal: str = ""
    """GCOS-245 goal, in words."""
    gcos_threshold: str = ""
    """GCOS-245 threshold, in words."""
    references: tuple[str, ...] = ()
    """DOIs of this variable's definition."""

    @property
    def packed(self) -> bool:
        """Whether the file holds scaled integers."""
        return not self.dtype.startswith("float")

    @property
    def uncertainty_name(self) -> str:
        """Name of the one-sigma companion."""
        return f"{self.name}_uncertainty"


@dataclass(frozen=True, slots=True)
class Input:
    """What a product needs; units and meaning come from the nomenclature."""

    name: str
    """Name in the nomenclature, and of the retrieval's argument."""
    source: str = ""
    """``"product:<key>"`` where another product makes it."""
    optional: bool = False
    """Whether the retrieval does without."""
    uncertainty: tuple[float, float] = (0.0, 0.0)
    """Default one sigma where ``<name>_uncertainty`` is not given: (in units, relative to the value)."""

    @property
    def units(self) -> str:
        """Canonical units."""
        return quantity(self.name).units

    @property
    def valid_range(self) -> tuple[float, float]:
        """Physically possible values."""
        return quantity(self.name).valid_range

    @property
    def uncertainty_name(self) -> str:
        """Name of the one-sigma companion."""
        return f"{self.name}_uncertainty"


@dataclass(frozen=True, slots=True)
class Window:
    """Support of a retrieval that looks at a square of ``size`` pixels."""

    size: int
    """Odd edge length in pixels."""

    @property
    def margin(self) -> int:
        """Pixels needed beyond a chunk's edge."""
        return self.size // 2


@dataclass(frozen=True, slots=True)
class Product:
    """One category of the programme, or an algorithm of a user's own."""

    key: str
    """Short name: file names, functions, catalog."""
    title: str
    """Plain words."""
    variables: tuple[Variable, ...]
    """Layers it can make."""
    inputs: tuple[Input, ...]
    """What it needs."""
    editions: tuple[Edition, ...] = ("1km",)
    """Grids it is published on."""
    stage: Stage = "composite"
    """What it is made from."""
    support: Literal["pixel", "series"] | Window = "pixel"
    """How far a value depends on its neighbours in space (window) or time (series)."""
    methods: tuple[str, ...] = ()
    """Names accepted by ``method=``; the first is the default."""
    default: tuple[str, ...] = ()
    """Variables made when none are asked for; empty means all."""
    flags: tuple[Flag, ...] = ()
    """Quality bits of its own, beyond the common ones."""
    references: tuple[str, ...] = field(default=())
    """DOIs."""

    def __post_init__(self) -> None:
        """Refuse a spec that could not work, when the module is imported."""
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"Product key {self.key!r} must be lower-case letters, digits and underscores")
        names = [v.name for v in self.variables]
        if len(set(names)) != len(names):
            raise ValueError(f"Product {self.key!r} names a variable twice: {names}")
        known = {i.name for i in self.inputs}
        for variable in self.variables:
            if unknown := set(variable.inputs) - known:
                raise ValueError(f"Variable {variable.name!r} of {self.key!r} needs undeclared inputs {sorted(unknown)}")
        if unknown := set(self.default) - set(names):
            raise ValueError(f"Product {self.key!r} defaults to unknown variables {sorted(unknown)}")
        for item in self.inputs:
            quantity(item.name)

    @property
    def qa_name(self) -> str:
        """Name of the quality layer."""
        return f"{self.key}_qa"

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """Common quality bits followed by the product's own."""
        return (*COMMON_FLAGS, *self.flags)

    def variable(self, name: str) -> Variable:
        """Return one of its variables by name (KeyError if it has none such)."""
        return {v.name: v for v in self.variables}[name]
