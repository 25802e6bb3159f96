"""Kernels whose parameters depend on a class of land cover: the table becomes part of the kernel's text.

Looking a parameter up in memory for each pixel costs more than the arithmetic it is for. A row of comparisons without
branches, written into the body, runs in the vector registers of the loop and reads the class once.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from musyq_lab.kernels._compile import Kernel, select
from musyq_lab.kernels._inline import Helper

__all__ = ["ClassModel", "ClassTable", "class_kernel", "lookup"]

ClassTable = tuple[tuple[int, tuple[float, ...]], ...]
"""Rows of (class, parameters in the order of the model's ``parameters``)."""


class ClassModel(NamedTuple):
    """A function of numbers whose last arguments are the parameters of a class."""

    name: str
    """Of the kernels made from it."""
    function: Helper
    """Drivers and then parameters in, one number or a tuple of numbers out."""
    drivers: tuple[str, ...]
    """Names of the arrays that the kernel takes after that of the classes."""
    parameters: tuple[str, ...]
    """Names of the columns of its table."""
    results: tuple[str, ...]
    """Names of what the function returns, in order."""


def lookup(values: Sequence[tuple[int, float]], of: str = "cover") -> str:
    """Return an expression for the parameter of a class, NaN for a class that is not listed.

    Parameters
    ----------
    values : sequence of (int, float)
        Class and value; a value of NaN counts as not listed.
    of : str, optional
        Name of the variable that holds the class, as a number of the kernel's float type.
    """
    text = "NAN"
    for value in sorted({v for _, v in values if not math.isnan(v)}, reverse=True):
        hits = " | ".join(f"({of} == {float(number)!r})" for number, v in values if v == value)
        text = f"select({hits}, {float(value)!r}, {text})"
    return text


@functools.cache
def class_kernel(model: ClassModel, table: ClassTable, names: tuple[str, ...]) -> Kernel:
    """Return the kernel of a model for one table and the results that are wanted.

    Parameters
    ----------
    model : ClassModel
        What is computed.
    table : tuple of (int, tuple of float)
        Parameters of each class; a class that is missing, or any parameter that is NaN, gives NaN.
    names : tuple of str
        Which of ``model.results``.

    Returns
    -------
    Kernel
        Called with the array of classes (as floats) and those of ``model.drivers``.
    """
    arguments = ", ".join(("cover", *model.drivers, *(f"out_{name}" for name in names)))
    lines = [f"def {model.name}({arguments}):"]
    for position, parameter in enumerate(model.parameters):
        lines.append(f"    {parameter} = {lookup([(number, row[position]) for number, row in table])}")
    values = ", ".join(f"value_{name}" for name in model.results)
    lines.append(f"    {values} = function({', '.join((*model.drivers, *model.parameters))})")
    lines += [f"    out_{name}[0] = value_{name}" for name in names]
    namespace: dict[str, Any] = {"function": model.function, "select": select, "NAN": NAN, "__name__": __name__}
    # Names are those of our models and numbers those of a table: no text of a user's gets here.
    exec(compile("\n".join(lines), f"<musyq {model.name}>", "exec"), namespace)
    body: Callable[..., None] = namespace[model.name]
    signature = ",".join(["()"] * (1 + len(model.drivers))) + "->" + ",".join(["()"] * len(names))
    return Kernel(body, signature, origin=(class_kernel, (model, table, names)))


NAN = float("nan")
