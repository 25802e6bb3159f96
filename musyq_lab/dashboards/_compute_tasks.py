"""What is to be computed: an expression, or an algorithm with its inputs. Both give a lazy Dataset and its lines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xarray as xr

from musyq_lab.analysis.expression import Expression
from musyq_lab.core.errors import InputError
from musyq_lab.core.spec import Product, Variable
from musyq_lab.dashboards._compute_inputs import Inputs, Source
from musyq_lab.dashboards._extension import pn
from musyq_lab.products._registry import PRODUCTS, RETRIEVALS

AUTOMATIC = "by its name"
"""An input that is looked up in the data, or made from them."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")


class Task(Protocol):
    """What a page computes."""

    @property
    def name(self) -> str:
        """Name of the result: folder and, of an expression, variable."""

    @property
    def parts(self) -> int:
        """Arrays that are held at once, for the memory."""

    def sentence(self) -> str:
        """Return what the result will be; nothing is computed."""

    def dataset(self) -> xr.Dataset:
        """Return the result, lazily."""

    def spec(self, made: xr.Dataset) -> Product:
        """Return how the result is stored."""

    def code(self) -> list[str]:
        """Return the lines of Python that make it from the data."""


def checked_name(name: str) -> str:
    """Return a name for a result.

    Raises
    ------
    InputError
        If it cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name[:40]!r} cannot be the name of a result. Use up to 30 lower-case letters, digits and underscores, "
            "beginning with a letter."
        )
    if name in PRODUCTS:
        raise InputError(f"{name!r} is a product of the programme. Choose another name for the result.")
    return name


@dataclass(frozen=True)
class ExpressionTask:
    """An expression over the chosen data."""

    inputs: Inputs
    """The data."""
    text: str
    """The expression."""
    name: str
    """Variable that it makes."""
    units: str = ""
    """Unit that the variable is to have; the one that follows if empty."""

    @property
    def parts(self) -> int:
        """Arrays that are held at once, for the memory."""
        return len(re.findall(r"[\w.]+|[-+*/<>=]", self.text)) + 2

    def sentence(self) -> str:
        """Return unit and shape of the result; nothing is computed."""
        found = Expression(self.text).check(self.inputs.names())
        sizes = " × ".join(f"{size:,} {dim}" for dim, size in found.sizes.items()) or "one number"
        unit = "true or false" if found.truth else f"in {found.units}" if found.units != "1" else "a pure number"
        notes = f"; {'; '.join(found.notes)}" if found.notes else ""
        return f"Gives {sizes}, {unit or 'without a unit'}{', with uncertainty' if found.uncertain else ''}{notes}."

    def dataset(self) -> xr.Dataset:
        """Return the result, lazily."""
        name = checked_name(self.name)
        made = Expression(self.text).evaluate(self.inputs.names(), name=name, units=self.units.strip() or None)
        return made.assign_attrs(product=name)

    def spec(self, made: xr.Dataset) -> Product:
        """Return how the result is stored: as 32-bit floating point."""
        layer = made[self.name]
        classes = ((0, "false"), (1, "true")) if "flag_values" in layer.attrs else ()
        variable = Variable(
            self.name, layer.attrs["long_name"], layer.attrs["units"], dtype="float32",
            uncertain=f"{self.name}_uncertainty" in made, classes=classes,
        )  # fmt: skip
        return Product(self.name, f"Result {self.name}", (variable,), ())

    def code(self) -> list[str]:
        """Return the lines of Python that make it from the data."""
        names = [f'"{source.alias}": {source.alias}' for source in self.inputs.sources]
        for written in Expression(self.text).names:
            owner = _owner(self.inputs, written)
            if "." not in written and owner is not None:
                sigma = f"{written}_uncertainty"
                names += [f'"{n}": {owner.alias}["{n}"]' for n in (written, sigma) if n in owner.dataset]
        units = f', units="{self.units.strip()}"' if self.units.strip() else ""
        return [
            "from musyq_lab.analysis.expression import evaluate",
            f'made = evaluate({self.text!r}, {{{", ".join(names)}}}, name="{self.name}"{units})',
        ]


def _owner(inputs: Inputs, name: str) -> Source | None:
    return next((source for source in inputs.sources if name in source.dataset), None)


@dataclass(frozen=True)
class AlgorithmTask:
    """A registered algorithm over the first of the chosen data."""

    inputs: Inputs
    """The data; the first is what the algorithm is given."""
    key: str
    """Product key."""
    name: str
    """Folder of the result."""
    method: str = ""
    """Method; the first if empty."""
    mapped: Mapping[str, str] = field(default_factory=dict)
    """Input -> name of a variable, as an expression writes it."""

    @property
    def parts(self) -> int:
        """Arrays that are held at once, for the memory."""
        spec = RETRIEVALS[self.key].spec
        return 3 * (len(spec.inputs) + len(spec.variables)) + 4

    def sentence(self) -> str:
        """Return what will be made; nothing is computed."""
        made = self.dataset()
        names = [str(name) for name in made.data_vars if not str(name).endswith(("_uncertainty", "_qa"))]
        told = ", ".join(f"{name} ({made[name].attrs.get('units', '')})" for name in names)
        where = " In a process of its own." if foreign(self.key) else ""
        return f"{RETRIEVALS[self.key].spec.title}: {told}.{where}"

    def dataset(self) -> xr.Dataset:
        """Return the result, lazily."""
        checked_name(self.name)
        if not self.inputs.sources:
            raise InputError("Choose the data that the algorithm is to be given.")
        names, given = self.inputs.names(), {}
        for item, written in self.mapped.items():
            if written != AUTOMATIC:
                head, _, tail = written.partition(".")
                given[item] = names[head][tail] if tail else names[head]
        options = {"method": self.method} if self.method else {}
        made: xr.Dataset = _retrieval(self.key)(self.inputs.sources[0].dataset, **given, **options)
        return made

    def spec(self, made: xr.Dataset) -> Product:
        """Return how the result is stored: as its product says."""
        return RETRIEVALS[self.key].spec

    def code(self) -> list[str]:
        """Return the lines of Python that make it from the data."""
        alias = self.inputs.sources[0].alias if self.inputs.sources else "a"
        given = [
            f"{item}={_written(written, self.inputs)}" for item, written in self.mapped.items() if written != AUTOMATIC
        ]
        method = [f'method="{self.method}"'] if self.method else []
        return [f"made = ml.retrieve({', '.join([repr(self.key), alias, *given, *method])})".replace("'", '"')]


def _written(name: str, inputs: Inputs) -> str:
    head, _, tail = name.partition(".")
    if tail:
        return f'{head}["{tail}"]'
    owner = _owner(inputs, head)
    return f'{owner.alias}["{head}"]' if owner else head


def foreign(key: str) -> bool:
    """Whether an algorithm runs in a process of its own: one that is not ours, on a page that is served."""
    document = pn.state.curdoc
    served = document is not None and document.session_context is not None
    return served and not RETRIEVALS[key].body.__module__.startswith("musyq_lab.")


def _retrieval(key: str) -> Any:
    if not foreign(key):
        return RETRIEVALS[key]
    from musyq_lab.production.isolation.run import isolated

    return isolated(key)


def finite(made: xr.Dataset) -> xr.Dataset:
    """Return the result with infinite values as missing: a file holds none."""
    floats = {n: a for n, a in made.data_vars.items() if a.dtype.kind == "f"}
    return made.assign({n: a.where(np.isfinite(a)).assign_attrs(a.attrs) for n, a in floats.items()})
