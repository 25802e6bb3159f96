"""Retrievals whose function runs in a process of its own, block by block.

Finding inputs, units, grids, the plan of blocks and attributes stay in the caller; what the algorithm's own code does
(values, quality bits, uncertainty, its check) happens in the process. The results are those of the same retrieval
called in the ordinary way, to the last bit. dask-backed inputs stay lazy, and each block is a process, so that memory
is bounded by a block's; arrays in memory are one block.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError, RecipeError
from musyq_lab.core.quality import CAUSE_DTYPE, QA_DTYPE
from musyq_lab.core.registry import html_table
from musyq_lab.production.isolation._process import Reply, ask
from musyq_lab.production.isolation._work import Work
from musyq_lab.production.isolation.limits import NOT_ISOLATED, Limits
from musyq_lab.products._block import Array, Block, Body
from musyq_lab.products._registry import RETRIEVALS
from musyq_lab.products._retrieval import Retrieval


@dataclass(frozen=True)
class RemoteBlock(Block):
    """A block that has itself computed in a process of its own."""

    limits: Limits = field(default_factory=Limits)
    """What the process may use."""
    check: Body | None = None
    """The retrieval's own check, which is the algorithm's code too."""
    seen: Callable[[Reply], object] | None = None
    """Is told of each reply; the process is watched then."""

    def values(self, *arrays: Array) -> tuple[Array, ...]:
        """Return what :meth:`Block.values` returns, computed elsewhere and checked for form."""
        made = self._asked(arrays, "values", len(self.variables) + 2)
        *values, qa, cause = made
        for variable, value in zip(self.variables, values, strict=True):
            low, high = variable.valid_range
            # Comparisons with NaN are false: no value is fine, an impossible one is not.
            if bool(((value < low) | (value > high)).any()):
                raise self._refused(f"values of {variable.name!r} outside {low:g} to {high:g}")
        known = sum({flag.mask for flag in self.spec.all_flags})
        if qa.dtype != QA_DTYPE or bool((qa & ~QA_DTYPE.type(known)).any()):
            raise self._refused("quality bits that its spec does not list")
        if cause.dtype != CAUSE_DTYPE or bool((cause >> CAUSE_DTYPE.type(len(self.spec.inputs))).any()):
            raise self._refused("bits of inputs that there are not")
        return made

    def uncertainties(self, *arrays: Array) -> tuple[Array, ...]:
        """Return what :meth:`Block.uncertainties` returns, computed elsewhere and checked for form."""
        return self._asked(arrays, "uncertainties", len(self.variables))

    def scene(self, **arguments: Any) -> dict[str, xr.DataArray]:
        """Return what the function of a scene returns, computed at once and elsewhere, and checked for form."""
        scene = arguments.pop("scene", None)
        given = {n: a.compute() for n, a in arguments.items() if isinstance(a, xr.DataArray) and n not in self.options}
        layouts = tuple((n, tuple(a.dims), {str(c): a.coords[c] for c in a.coords}) for n, a in given.items())
        whole = None if scene is None else scene.compute()
        reply = self._reply([a.values for a in given.values()], "scene", layouts, whole)
        return self._placed(reply, given)

    def _placed(self, reply: Reply, given: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
        sizes: dict[str, int] = {str(d): n for a in given.values() for d, n in a.sizes.items()}
        coords = {str(c): v for a in given.values() for c, v in a.coords.items()}
        made = {}
        for name, dims, values in reply.layers:
            if tuple(sizes.get(dim) for dim in dims) != values.shape or len(set(dims)) < len(dims):
                raise self._refused(
                    f"{name!r} of {dict(zip(dims, values.shape, strict=False))}, the inputs have {sizes}"
                )
            own = {c: v for c, v in coords.items() if set(v.dims) <= set(dims)}
            made[name] = xr.DataArray(values, dims=dims, coords=own)
        return made

    def _asked(self, arrays: tuple[Array, ...], call: str, number: int) -> tuple[Array, ...]:
        made = tuple(values for _, _, values in self._reply(arrays, call).layers)
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        shape = (*shape[:-1], len(self.years)) if self.years else shape[:-1] if self._joined else shape
        if len(made) != number or any(a.shape != shape for a in made):
            raise self._refused(f"arrays of {[a.shape for a in made]} where {number} of {shape} were wanted")
        return made

    def _reply(self, arrays: Any, call: str, layouts: Any = (), scene: Any = None) -> Reply:
        plain = Block(**{f.name: getattr(self, f.name) for f in fields(Block)})
        work = packed(Work(plain, self.check, layouts, scene))
        reply = ask(self.spec.key, work, arrays, call, self.limits, audit=self.seen is not None)
        if self.seen is not None:
            self.seen(reply)
        return reply

    def _refused(self, what: str) -> RecipeError:
        return RecipeError(f"What the algorithm {self.spec.key!r} gave was refused: {what}.")


def packed(work: Work) -> bytes:
    """Return a work as bytes that another process of this machine can load; a notebook's functions go by value.

    Raises
    ------
    InputError
        If the function holds something that cannot go there (an open file, a lock, a generator).
    """
    import cloudpickle

    try:
        made: bytes = cloudpickle.dumps(work)
    except Exception as error:
        raise InputError(
            f"The algorithm {work.block.spec.key!r} cannot be sent to another process "
            f"({type(error).__name__}: {error}). Open files, make locks and start generators inside the "
            "function, not outside of it."
        ) from error
    return made


class Isolated(Retrieval):
    """A retrieval that is called like the one it was made from, and whose code runs in processes of its own.

    Parameters
    ----------
    inner : Retrieval
        Whose code.
    limits : Limits
        What a process may use.
    seen : callable, optional
        Is told what each process gave and did (for checks; it stays in this process).
    """

    def __init__(self, inner: Retrieval, limits: Limits, seen: Callable[[Reply], object] | None = None) -> None:
        # Without its check, which is the algorithm's code: the process makes it.
        super().__init__(inner.spec, inner.body, inner.quality, inner.uncertainty, None)
        self.inner = inner
        self.limits = limits
        self.seen = seen

    def _prepared(self, block: Block) -> Block:
        values = {f.name: getattr(block, f.name) for f in fields(Block)}
        remote = RemoteBlock(**values, limits=self.limits, check=self.inner.check, seen=self.seen)
        if self.spec.support != "scene":
            return remote
        return replace(block, body=_SceneBody(remote))

    def __reduce__(self) -> Any:
        """Pickle with its limits, so that a worker of dask keeps them."""
        return type(self), (self.inner, self.limits)

    def __repr__(self) -> str:
        """Show the call."""
        return f"<isolated {super().__repr__()[1:]}"

    def _repr_html_(self) -> str:
        rest = html_table([["not isolated"], *([line] for line in NOT_ISOLATED)])
        return html_table(self.limits.table(), f"{self.spec.key}: {self.spec.title}, isolated") + rest


class _SceneBody:
    """Stands in for the function of a scene, with its parameters."""

    def __init__(self, block: RemoteBlock) -> None:
        self.block = block
        self.__signature__ = inspect.signature(block.body)

    def __call__(self, **arguments: Any) -> dict[str, xr.DataArray]:
        return self.block.scene(**arguments)


def isolated(algorithm: str | Retrieval, limits: Limits | None = None) -> Isolated:
    """Return a retrieval that runs its code in processes of its own.

    Parameters
    ----------
    algorithm : str or Retrieval
        Key of a registered one, or the retrieval itself (what ``ml.algorithm(SPEC)`` made of a function).
    limits : Limits, optional
        What the process of a block may use.

    Raises
    ------
    NotFoundError
        If there is no such algorithm.
    InputError
        If it is not an algorithm.
    """
    found = RETRIEVALS[algorithm] if isinstance(algorithm, str) else algorithm
    if not isinstance(found, Retrieval):
        raise InputError(f"isolated() takes the key of an algorithm or a retrieval, got {type(found).__name__}.")
    inner = found.inner if isinstance(found, Isolated) else found
    return Isolated(inner, limits or Limits())


def retrieve_isolated(
    algorithm: str | Retrieval, ds: xr.Dataset | None = None, *, limits: Limits | None = None, **arguments: Any
) -> xr.Dataset:
    """Make a product by an algorithm that runs in processes of its own, with limits.

    What is not isolated is said by :data:`musyq_lab.production.isolation.limits.NOT_ISOLATED`.

    Parameters
    ----------
    algorithm : str or Retrieval
        As for :func:`isolated`.
    ds : xarray.Dataset, optional
        Holds the inputs. Where they are backed by dask, so is the result, and each block has a process.
    limits : Limits, optional
        What the process of a block may use.
    **arguments
        As for ``ml.retrieve``.

    Returns
    -------
    xarray.Dataset
        The product, the same as without isolation.

    Raises
    ------
    InputError
        If an input is missing or not as the algorithm needs it.
    RecipeError
        If the algorithm fails, dies, takes more than it may or gives what it may not; with dask when it is computed.
    """
    return isolated(algorithm, limits)(ds, **arguments)
