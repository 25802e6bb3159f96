"""Frozen descriptions of products: the one place from which everything else is derived.

HDF5 encoding, file names, catalog entries, production edges, dashboard entries, documentation tables and conformance
tests all read a :class:`Product`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import COMMON_FLAGS, FIRST_OWN_BIT, MOST_INPUTS, QA_DTYPE, Flag
from musyq_lab.core.variables import quantity

Edition = Literal["1km", "5km", "30m", "0p25deg"]
Stage = Literal["scene", "composite", "climatology", "application"]

_KEY = re.compile(r"[a-z][a-z0-9_]*")


def _tuples(spec: Any, *names: str) -> None:
    """Make tuples of what was given as lists, so that a spec stays frozen and hashable; refuse a lone text."""
    for name in names:
        value = getattr(spec, name)
        if isinstance(value, str):
            raise InputError(f"{name} must be a tuple, got the text {value!r}. Write ({value!r},).")
        object.__setattr__(spec, name, tuple(value))


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


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
    """Inputs this variable needs; empty means all inputs of the product."""
    classes: tuple[tuple[int, str], ...] = ()
    """Number and name of each class, for a variable that holds classes."""
    uncertain: bool = True
    """Whether it has a one-sigma companion; classes, probabilities and counts have none."""
    model_uncertainty: tuple[float, float] = (0.0, 0.0)
    """Method error beside that of the inputs, one sigma: (in ``units``, relative to the value)."""
    gcos_goal: str = ""
    """GCOS-245 goal, in words."""
    gcos_threshold: str = ""
    """GCOS-245 threshold, in words."""
    references: tuple[str, ...] = ()
    """DOIs of this variable's definition."""

    def __post_init__(self) -> None:
        """Refuse a range that is none, or that the stored type cannot hold."""
        _tuples(self, "valid_range", "inputs", "classes", "model_uncertainty", "references")
        object.__setattr__(self, "uncertain", self.uncertain and not self.classes)
        low, high = self.valid_range
        if not low < high:
            raise InputError(f"Variable {self.name!r} has the valid range {low} to {high}; give (low, high).")
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.offset)):
            raise InputError(f"Variable {self.name!r} needs a finite scale above 0 and a finite offset.")
        if self.packed:
            try:
                limits = np.iinfo(self.dtype)
            except (TypeError, ValueError):
                raise InputError(
                    f"Variable {self.name!r} has the type {self.dtype!r}; give one such as 'int16'."
                ) from None
            self._check_packing(limits)

    def _check_packing(self, limits: np.iinfo[Any]) -> None:
        stored = [round((x - self.offset) / self.scale) for x in self.valid_range if math.isfinite(x)]
        if not limits.min <= self.fill <= limits.max:
            raise InputError(f"Variable {self.name!r}: fill {self.fill} does not fit into {self.dtype}.")
        if any(not limits.min <= number <= limits.max for number in stored):
            raise InputError(
                f"Variable {self.name!r}: the valid range {self.valid_range} does not fit into {self.dtype} with scale "
                f"{self.scale} and offset {self.offset}. Use a coarser scale or a wider type."
            )
        if len(stored) == 2 and stored[0] <= self.fill <= stored[1]:
            raise InputError(f"Variable {self.name!r}: fill {self.fill} is also the stored form of a valid value.")

    @property
    def packed(self) -> bool:
        """Whether the file holds scaled integers."""
        return not self.dtype.startswith("float")

    @property
    def uncertainty_name(self) -> str:
        """Name of the one-sigma companion."""
        return f"{self.name}_uncertainty"


@dataclass(frozen=True, slots=True)
class Method:
    """One published way of making a product; ``method="<name>"`` chooses it."""

    name: str
    """Short name."""
    title: str = ""
    """What it is and whose coefficients it takes, for people and for the metadata of its results."""
    inputs: tuple[str, ...] = ()
    """Inputs it uses, required and optional; empty means all inputs of the product."""
    model_uncertainty: tuple[tuple[str, float, float], ...] = ()
    """(variable, one sigma in its units, relative to the value) where it differs from that of the variable."""
    references: tuple[str, ...] = ()
    """DOIs."""

    def __post_init__(self) -> None:
        """Refuse lists and lone texts."""
        _tuples(self, "inputs", "model_uncertainty", "references")


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
    limits: tuple[float, float] | None = None
    """Values that the retrieval can use, where these are fewer than the possible ones."""

    @property
    def units(self) -> str:
        """Canonical units."""
        return quantity(self.name).units

    @property
    def valid_range(self) -> tuple[float, float]:
        """Values that are used: anything else becomes NaN with a quality bit."""
        return self.limits or quantity(self.name).valid_range

    @property
    def uncertainty_name(self) -> str:
        """Name of the one-sigma companion."""
        return f"{self.name}_uncertainty"


@dataclass(frozen=True, slots=True)
class Window:
    """Support of a retrieval that looks at a square of ``size`` pixels."""

    size: int
    """Odd edge length in pixels."""

    def __post_init__(self) -> None:
        """Refuse a square without a central pixel."""
        if self.size < 1 or self.size % 2 == 0:
            raise InputError(f"A window must be an odd number of pixels wide, got {self.size}.")

    @property
    def margin(self) -> int:
        """Pixels needed beyond a chunk's edge."""
        return self.size // 2


Support = Literal["pixel", "series", "yearly", "period", "scene"] | Window
"""Own pixel; series along ``time`` in and out; series in and one value a calendar year, or one in all, out; the scene
as a whole, whose function works on DataArrays; square of pixels."""


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
    support: Support = "pixel"
    """How far a value depends on its neighbours in space (window) or time (series, yearly)."""
    methods: tuple[Method | str, ...] = ()
    """Accepted by ``method=``; the first is the default. A text is a method's name."""
    default: tuple[str, ...] = ()
    """Variables made when none are asked for; empty means all."""
    partial: bool = False
    """Whether, when none are asked for, those are left out whose inputs are not there, as for bands of a sensor."""
    flags: tuple[Flag, ...] = ()
    """Quality bits of its own, beyond the common ones."""
    references: tuple[str, ...] = field(default=())
    """DOIs."""

    def __post_init__(self) -> None:
        """Refuse a spec that could not work, when the module is imported."""
        _tuples(self, "variables", "inputs", "editions", "methods", "default", "flags", "references")
        methods = (Method(m) if isinstance(m, str) else m for m in self.methods)
        object.__setattr__(self, "methods", tuple(methods))
        if not _KEY.fullmatch(self.key):
            raise InputError(f"Product key {self.key!r} must be lower-case letters, digits and underscores")
        self._check_variables()
        if twice := _twice(item.name for item in self.inputs):
            raise InputError(f"Product {self.key!r} names an input twice: {twice}")
        for item in self.inputs:
            quantity(item.name)
        if len(self.inputs) > MOST_INPUTS:
            raise InputError(f"Product {self.key!r} has {len(self.inputs)} inputs; the most is {MOST_INPUTS}.")
        self._check_methods()
        self._check_flags()

    def _check_methods(self) -> None:
        if twice := _twice(self.method_names):
            raise InputError(f"Product {self.key!r} names a method twice: {twice}")
        known, variables = {i.name for i in self.inputs}, {v.name for v in self.variables}
        for name in self.method_names:
            method = self.method(name)
            if unknown := {*method.inputs} - known | {row[0] for row in method.model_uncertainty} - variables:
                raise InputError(f"Method {name!r} of {self.key!r} names what the product has not: {sorted(unknown)}")

    def _check_variables(self) -> None:
        names = [v.name for v in self.variables]
        if not names:
            raise InputError(f"Product {self.key!r} makes no variables")
        if twice := _twice([*names, *(v.uncertainty_name for v in self.variables), self.qa_name]):
            raise InputError(f"Product {self.key!r} names a variable twice: {twice}")
        known = {i.name for i in self.inputs}
        for variable in self.variables:
            if unknown := set(variable.inputs) - known:
                needs = f"Variable {variable.name!r} of {self.key!r} needs undeclared inputs"
                raise InputError(f"{needs} {sorted(unknown)}")
        if unknown := set(self.default) - set(names):
            raise InputError(f"Product {self.key!r} defaults to unknown variables {sorted(unknown)}")

    def _check_flags(self) -> None:
        last = QA_DTYPE.itemsize * 8 - 1
        taken = [f"bit {flag.bit}" for flag in self.flags if not FIRST_OWN_BIT <= flag.bit <= last]
        taken += _twice([f"bit {flag.bit}" for flag in self.flags]) + _twice(flag.name for flag in self.all_flags)
        if taken:
            raise InputError(
                f"Product {self.key!r} cannot use quality {taken}. Its own bits are {FIRST_OWN_BIT} to {last}, "
                "each once and with a name of its own."
            )

    @property
    def qa_name(self) -> str:
        """Name of the quality layer."""
        return f"{self.key}_qa"

    @property
    def cause_name(self) -> str:
        """Name of the layer whose bits say which inputs were missing or outside their range."""
        return f"{self.key}_inputs_qa"

    @property
    def method_names(self) -> tuple[str, ...]:
        """Names of the methods, the default first."""
        return tuple(m if isinstance(m, str) else m.name for m in self.methods)

    def method(self, name: str) -> Method:
        """Return one of its methods by name; a product without any has one without a name."""
        found = (m for m in self.methods if isinstance(m, Method) and m.name == name)
        return next(found, Method(name))

    @property
    def all_flags(self) -> tuple[Flag, ...]:
        """Common quality bits followed by the product's own."""
        return (*COMMON_FLAGS, *self.flags)

    def variable(self, name: str) -> Variable:
        """Return one of its variables by name (KeyError if it has none such)."""
        return {v.name: v for v in self.variables}[name]
