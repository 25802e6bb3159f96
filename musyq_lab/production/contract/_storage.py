"""Checks of what a product file keeps."""

from __future__ import annotations

import tempfile

import numpy as np

from musyq_lab.archive.open import open_product
from musyq_lab.archive.write import write_product
from musyq_lab.core.spec import Variable
from musyq_lab.production.contract._case import Case, bad, finding, good, short, skipped
from musyq_lab.production.contract.report import Finding

_LEAST_STEPS = 10.0


def storage(case: Case) -> Finding:
    """Check that a product file gives each value back to half a step."""
    spec, made = case.spec, case.made
    with tempfile.TemporaryDirectory(prefix="musyq-contract-") as folder:
        try:
            path = write_product(made, folder, spec=spec, edition=spec.editions[0], tile="test", period="2019001")
            back = open_product(path).load()
        except Exception as error:
            return bad(
                f"A product file of it cannot be written: {short(error)}.",
                "Give each variable a valid_range that its dtype, scale and offset can hold.",
            )
        for variable in spec.variables:
            if worst := _lost(variable, made[variable.name].values, back[variable.name].values):
                return bad(
                    f"{variable.name!r} comes back from its file {worst}.",
                    "Check dtype, scale and offset of the variable.",
                )
    return good("Values come back from a product file within half a step.")


def _lost(variable: Variable, value: np.ndarray, back: np.ndarray) -> str:
    there = np.isfinite(value)
    if not np.array_equal(there, np.isfinite(back)):
        return "with values at other pixels"
    step = variable.scale if variable.packed else 0.0
    excess = np.abs(back - value)[there] - (0.5001 * step + 1e-6 * np.abs(value[there]))
    return f"more than half a step of {step:g} off" if (excess > 0).any() else ""


def step(case: Case) -> Finding:
    """Check that the step of storage is fine enough to tell ordinary values apart."""
    told: list[str] = []
    coarse: list[str] = []
    for variable in case.spec.variables:
        value = case.made[variable.name].values
        value = value[np.isfinite(value)]
        if not variable.packed or variable.classes or value.size < 2:
            continue
        whole = (value - variable.offset) / variable.scale
        if np.allclose(whole, np.round(whole), atol=1e-6):
            continue  # counts and days
        spread = float(np.subtract(*np.percentile(value, [95, 5])))
        if spread == 0:
            continue
        (coarse if spread < _LEAST_STEPS * variable.scale else told).append(
            f"{variable.name} {spread / variable.scale:.3g}"
        )
    if coarse:
        return finding(
            "noted" if told else "failed",
            f"Ordinary values spread over few steps of their storage: {', '.join(coarse[:4])}.",
            "Give Variable(scale=...) a thousandth of the spread, or dtype='float32'.",
        )
    if not told:
        return skipped("Nothing is packed into steps, or all values are whole steps.")
    return good(f"Steps within the spread of ordinary values: {', '.join(told[:4])}.")
