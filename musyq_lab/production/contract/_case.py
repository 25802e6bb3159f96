"""One algorithm under its checks: its inputs, its results on them, and what the checks say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.spec import Input, Product, Variable, Window
from musyq_lab.production.contract.report import Finding, Status
from musyq_lab.production.contract.samples import example
from musyq_lab.products._block import Array, Block
from musyq_lab.products._inputs import needed_inputs
from musyq_lab.products._retrieval import Retrieval

_ROUNDING = 64  # units in the last place of the largest value


def finding(status: Status, text: str, advice: str = "") -> Finding:
    """Return what a check found; the runner adds the check's name."""
    return Finding("", status, text, advice)


def good(text: str) -> Finding:
    """Return that a check passed."""
    return finding("passed", text)


def bad(text: str, advice: str) -> Finding:
    """Return that a check failed, and what to do."""
    return finding("failed", text, advice)


def skipped(text: str) -> Finding:
    """Return that a check does not apply."""
    return finding("not applicable", text)


def short(error: BaseException) -> str:
    """Return the text of an error as part of a sentence."""
    return " ".join(str(error).split())[:300].rstrip(".")


@dataclass
class Case:
    """An algorithm and the samples it is checked on."""

    retrieval: Retrieval
    """The algorithm."""
    samples: xr.Dataset | None = None
    """The user's own samples, in place of simulated ones."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the user's, passed at every call."""
    quick: bool = False
    """Whether lasting checks are left out."""

    @property
    def spec(self) -> Product:
        """What it makes from what."""
        return self.retrieval.spec

    @property
    def everything(self) -> list[str]:
        """Names of all variables."""
        return [v.name for v in self.spec.variables]

    @property
    def method(self) -> str:
        """Name of the method that is checked."""
        chosen = self.options.get("method")
        return str(chosen) if chosen else (self.spec.method_names or ("",))[0]

    @cached_property
    def inputs(self) -> xr.Dataset:
        """Ordinary inputs; take copies of them."""
        return example(self.spec) if self.samples is None else self.samples

    @cached_property
    def other(self) -> xr.Dataset:
        """Other ordinary inputs on the same grid."""
        if self.samples is None:
            return example(self.spec, seed=77)
        turned = self.samples.copy(deep=True)
        for array in turned.data_vars.values():
            array.values = np.ascontiguousarray(array.values[..., ::-1, ::-1] if array.ndim > 1 else array.values)
        return turned

    @cached_property
    def made(self) -> xr.Dataset:
        """What the algorithm makes of the ordinary inputs."""
        return self.run(self.inputs)

    @cached_property
    def needed(self) -> list[Input]:
        """Inputs that the method cannot do without and the samples hold."""
        wanted = needed_inputs(self.spec, self.spec.variables, self.method)
        return [item for item in wanted if not item.optional and item.name in self.inputs]

    @property
    def grid(self) -> tuple[str, str]:
        """Names of the two dimensions of the map."""
        widest = max(self.inputs.data_vars.values(), key=lambda a: a.ndim)
        return str(widest.dims[-2]), str(widest.dims[-1])

    @property
    def local(self) -> bool:
        """Whether a value depends on its own pixel alone."""
        return self.spec.support != "scene" and not isinstance(self.spec.support, Window)

    def run(self, ds: xr.Dataset, **arguments: Any) -> xr.Dataset:
        """Make all variables from a copy of a Dataset."""
        return self.called(self.retrieval, ds, **arguments)

    def called(self, retrieval: Retrieval, ds: xr.Dataset, **arguments: Any) -> xr.Dataset:
        """Make all variables by a retrieval that stands in for the algorithm."""
        return retrieval(ds.copy(deep=True), **{"variables": self.everything, **self.options, **arguments})

    def resting_on(self, item: Input) -> list[Variable]:
        """Return the variables that need an input."""
        return [v for v in self.spec.variables if not v.inputs or item.name in v.inputs]

    def chunks(self) -> list[dict[str, int]]:
        """Return chunkings: one block, blocks of unequal size, whole rows, columns."""
        rows, columns = self.grid
        few = [{rows: -1, columns: -1}, {rows: 4, columns: 5}]
        return few if self.quick else [*few, {rows: 1, columns: -1}, {rows: -1, columns: 3}]


def difference(one: xr.Dataset, other: xr.Dataset) -> str:
    """Return the first layer in which two results differ and by how much, empty where they are the same.

    Parameters
    ----------
    one, other : xarray.Dataset
        In memory.
    """
    for name in one.data_vars:
        a, b = one[name].values, other[name].values
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name!r} has shape {a.shape} and type {a.dtype} here, {b.shape} and {b.dtype} there"
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            apart = np.abs(a.astype(float) - b.astype(float))
            where = (a != b) & ~((a != a) & (b != b))  # noqa: PLR0124  (NaN differs from itself)
            lone = int((where & np.isnan(apart)).sum())
            told = f"{name!r} differs at {int(where.sum())} of {a.size} values"
            told += f", of which {lone} are none on one side" if lone else ""
            return told + (f", by {np.nanmax(apart[where]):.3g} at most" if int(where.sum()) > lone else "")
    return ""


def only_rounding(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Return whether two results differ by no more than the order of their sums may do.

    Parameters
    ----------
    one, other : xarray.Dataset
        In memory.
    """
    for name in one.data_vars:
        a, b = one[name].values, other[name].values
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind != "f":
            if not np.array_equal(a, b):
                return False
        elif a.size:
            size = np.nanmax(np.abs(b), initial=0.0, where=np.isfinite(b))
            if not np.allclose(a, b, rtol=0, atol=_ROUNDING * np.finfo(a.dtype).eps * size, equal_nan=True):
                return False
    return True


def rounded(where: str) -> Finding:
    """Return that results are the same but for their last digits."""
    return finding(
        "noted",
        f"With {where} the last digits differ, as sums in another order do.",
        "Files made with other blocks may differ in a last digit: numpy sums in the order of the memory.",
    )


@dataclass(frozen=True)
class Recording(Block):
    """A block that remembers what its function returned before anything was done to it."""

    raw: list[list[Array]] = field(default_factory=list)
    """The arrays of each call."""
    changed: list[str] = field(default_factory=list)
    """Names of inputs that the function changed in place."""

    def _evaluate(self, arrays: list[Array]) -> list[Array]:
        before = [array.copy() for array in arrays]
        made = super()._evaluate(arrays)
        self.raw.append([array.copy() for array in made])
        for item, one, other in zip(self.inputs, before, arrays, strict=True):
            if item.name not in self.changed and not np.array_equal(one, other, equal_nan=True):
                self.changed.append(item.name)
        return made


class Probe(Retrieval):
    """A retrieval whose function is watched.

    Parameters
    ----------
    inner : Retrieval
        Which.
    """

    def __init__(self, inner: Retrieval) -> None:
        super().__init__(inner.spec, inner.body, inner.quality, inner.uncertainty, inner.check)
        self.raw: list[list[Array]] = []
        self.changed: list[str] = []

    def _prepared(self, block: Block) -> Block:
        values = {f.name: getattr(block, f.name) for f in fields(Block)}
        return Recording(**values, raw=self.raw, changed=self.changed)


def finite_share(made: xr.Dataset, names: Sequence[str]) -> dict[str, float]:
    """Return the share of finite values of some variables."""
    return {n: float(np.isfinite(made[n].values).mean()) if made[n].size else 0.0 for n in names}
