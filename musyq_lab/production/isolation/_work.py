"""What is sent to the process of one block: the block itself, and how its calls are made there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from musyq_lab.core.errors import InputError
from musyq_lab.products._block import Array, Block, Body, call_with

Layer = tuple[str, tuple[str, ...], Any]


@dataclass(frozen=True)
class Work:
    """A block with the check of its retrieval; :func:`perform` is called in the process."""

    block: Block
    """The arithmetic."""
    check: Body | None = None
    """Refuses what cannot work, before anything is computed."""
    layouts: tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...] = ()
    """For the support "scene": name, dimensions and coordinates of each array."""
    scene: Any = None
    """For the support "scene": what the user gave."""

    def perform(self, call: str, arrays: Sequence[Array]) -> list[Layer]:
        """Make a call and return name, dimensions (of a scene alone) and values of each result.

        Parameters
        ----------
        call : {"values", "uncertainties", "scene"}
            What is wanted.
        arrays : sequence of numpy.ndarray
            The inputs in the order of the block.
        """
        if self.check is not None:
            given = {name for name, _, _ in self.layouts} | {i.name for i in self.block.inputs}
            given |= {f"{name}_uncertainty" for name in self.block.sigmas}
            told = {"given": frozenset(given), "method": self.block.method.name, **self.block.options}
            call_with(self.check, told)
        if call == "scene":
            return self._of_scene(arrays)
        made = self.block.values(*arrays) if call == "values" else self.block.uncertainties(*arrays)
        return [("", (), values) for values in made]

    def _of_scene(self, arrays: Sequence[Array]) -> list[Layer]:
        import xarray as xr

        given = {
            name: xr.DataArray(values, dims=dims, coords=dict(coords), name=name)
            for (name, dims, coords), values in zip(self.layouts, arrays, strict=True)
        }
        found = call_with(self.block.body, {**given, **self.block.options, "scene": self.scene})
        if not isinstance(found, Mapping) or not all(isinstance(a, xr.DataArray) for a in found.values()):
            raise InputError(f"The retrieval {self.block.spec.key!r} must return a dict of DataArrays.")
        return [(str(name), tuple(map(str, a.dims)), a.values) for name, a in found.items()]
