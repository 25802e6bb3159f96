"""Checks of what comes out on ordinary inputs: layers, shapes, types, ranges, uncertainty."""

from __future__ import annotations

import numpy as np

from musyq_lab.core.quality import CAUSE_DTYPE, OUTPUT_OUT_OF_RANGE, QA_DTYPE
from musyq_lab.core.units import convertible, same_units
from musyq_lab.core.variables import QUANTITIES
from musyq_lab.production.contract._case import Case, Probe, bad, finding, finite_share, good, short, skipped
from musyq_lab.production.contract.report import Finding, Status

_HALF = 0.5
_FEW = 0.1


def description(case: Case) -> Finding:
    """Check that units can be read, and that a name of the nomenclature means there what it means here."""
    for variable in case.spec.variables:
        try:
            known = same_units(variable.units, variable.units) and convertible(variable.units, variable.units)
        except Exception:
            known = False
        if not known:
            return bad(
                f"{variable.name!r} has the units {variable.units!r}, which are none.",
                "Write them as UDUNITS does, such as 'W m-2'; '1' for a ratio.",
            )
        same = QUANTITIES.get(variable.name)
        if same is not None and not same_units(variable.units, same.units):
            return bad(
                f"{variable.name!r} is in {variable.units}, but the nomenclature has it in {same.units}.",
                "Return it in those units, or give the variable another name.",
            )
    if not all([case.spec.title.strip(), *(v.long_name.strip() for v in case.spec.variables)]):
        return bad("The spec has an empty title or long name.", "Write what it is in plain words: legends show it.")
    return good("Names, units and texts of the spec can be read.")


def runs(case: Case) -> Finding:
    """Check that it makes all of its variables from ordinary inputs."""
    try:
        _ = case.made
    except Exception as error:
        return bad(
            f"It raises {type(error).__name__} on ordinary inputs: {short(error)}.",
            "Call it on musyq_lab.production.contract.samples.example(SPEC) to see where.",
        )
    return good(f"It makes {len(case.everything)} variables from {len(case.inputs.data_vars)} inputs, {_size(case)}.")


def _size(case: Case) -> str:
    return " x ".join(str(n) for n in next(iter(case.made.data_vars.values())).shape) + " values each"


def layers(case: Case) -> Finding:
    """Check that each layer is there with its dimensions, type and attributes, and none besides."""
    spec, made = case.spec, case.made
    expected = {v.name for v in spec.variables} | {spec.qa_name, spec.cause_name}
    possible = expected | {v.uncertainty_name for v in spec.variables if v.uncertain}
    if missing := expected - set(made.data_vars):
        return bad(f"The layers {sorted(missing)} are not there.", "Return one array for each variable of the spec.")
    if more := set(map(str, made.data_vars)) - possible:
        return bad(f"The layers {sorted(more)} are in no spec.", "Add them to the spec, or do not return them.")
    dims = [*case.grid]
    if spec.support in ("series", "yearly"):
        dims.append("time" if spec.support == "series" else "year")
    for name in expected:
        if set(made[name].dims) != set(dims):
            return bad(
                f"{name!r} lies on {made[name].dims}, the inputs on {tuple(dims)}.",
                "Return arrays on the dimensions of the inputs: a product lies where its scene lay.",
            )
    if made[spec.qa_name].dtype != QA_DTYPE or made[spec.cause_name].dtype != CAUSE_DTYPE:
        return bad("The quality layers have another type.", "Do not replace them.")
    wrong = [v.name for v in spec.variables if made[v.name].attrs.get("units") != v.units]
    return bad(f"{wrong} lost their units.", "Do not change attributes.") if wrong else good("Layers are as declared.")


def shape(case: Case) -> Finding:
    """Check that each call returns one value for each pixel, not fewer that are then spread."""
    if case.spec.support == "scene":
        return skipped("The function of a scene says itself where its arrays lie.")
    probe = Probe(case.retrieval)
    made = case.called(probe, case.inputs, uncertainty=False)
    size = made[case.spec.qa_name].size
    for variable, array in zip(case.spec.variables, probe.raw[0], strict=True):
        margin = getattr(case.spec.support, "margin", 0)
        if array.size < size or (margin == 0 and array.size != size):
            return bad(
                f"The function returns {variable.name!r} with shape {array.shape} where {size} values are wanted; the "
                "one value is spread over all pixels.",
                "Return a value for each pixel: do not reduce (mean, max, [0]) over the array, which is only a block.",
            )
    return good("One value for each pixel.")


def precision(case: Case) -> Finding:
    """Check that float32 in gives float32 out, float64 gives float64, and both agree."""
    single = case.run(case.inputs.astype("float32", keep_attrs=True), uncertainty=False)
    double = case.run(case.inputs.astype("float64", keep_attrs=True), uncertainty=False)
    for name in case.everything:
        got = str(single[name].dtype), str(double[name].dtype)
        if got != ("float32", "float64"):
            return bad(
                f"{name!r} is {got[0]} from float32 and {got[1]} from float64.",
                "Compute in the type of the inputs: write 2.0 * x, not np.float64(2) * x, and no astype().",
            )
        values = double[name].values
        both = np.isfinite(single[name].values) & np.isfinite(values)
        if not both.any():
            continue
        apart = np.abs(single[name].values - values)[both]
        share = float((apart <= 1e-4 * (np.abs(values[both]) + np.ptp(values[both]))).mean())
        if share < 0.9:
            return bad(
                f"{name!r} from float32 is more than 1e-4 off that from float64 at {1 - share:.0%} of the pixels.",
                "Differences of nearly equal numbers cancel: rearrange the formula, or compute that step in float64.",
            )
    return good("float32 and float64 are kept and agree.")


def valid_range(case: Case) -> Finding:
    """Check that ordinary inputs give values within the declared range."""
    removed = (case.made[case.spec.qa_name].values & OUTPUT_OUT_OF_RANGE.mask).astype(bool).mean()
    finite = finite_share(case.made, case.everything)
    for variable in case.spec.variables:
        if removed >= _HALF and finite[variable.name] < _HALF:
            low, high = variable.valid_range
            return bad(
                f"On ordinary inputs {1 - finite[variable.name]:.0%} of {variable.name!r} is outside {low:g} to "
                f"{high:g} and was removed.",
                f"Is it in {variable.units}? A percentage is not a ratio. Mend the formula or the valid_range.",
            )
    return good(f"{removed:.0%} of the values are outside the valid range.")


def ordinary(case: Case) -> Finding:
    """Check that ordinary inputs give values at most pixels."""
    finite = finite_share(case.made, case.everything)
    name = min(finite, key=lambda n: finite[n])
    if finite[name] <= _HALF:
        return bad(
            f"Only {finite[name]:.0%} of {name!r} has a value on ordinary inputs.",
            "Look for NaN in the formula (logarithm or root of a negative number, division by zero); if the simulated "
            "samples are not ordinary for it, pass samples=.",
        )
    return good(f"At least {finite[name]:.0%} of every variable has a value.")


def edges(case: Case) -> Finding:
    """Check that inputs at the ends of their ranges give a value or none, not an infinite one, and raise nothing."""
    random = np.random.default_rng(5)
    extreme = case.inputs.copy(deep=True)
    for item in case.spec.inputs:
        if item.name not in extreme or item.name == "land_cover":
            continue
        ends = [x for x in item.valid_range if np.isfinite(x)]
        for end in ends:
            where = random.random(extreme[item.name].shape) < 0.25
            extreme[item.name].values[where] = end
    try:
        made = case.run(extreme)
    except Exception as error:
        return bad(
            f"It raises {type(error).__name__} where inputs are at the ends of their ranges: {short(error)}.",
            "Give NaN where there is no result.",
        )
    for variable in case.spec.variables:
        if np.isinf(made[variable.name].values).any():
            return bad(
                f"{variable.name!r} is infinite where inputs are at the ends of their ranges.",
                "Give NaN where a denominator vanishes, or declare a finite valid_range.",
            )
    return good("No infinite value at the ends of the inputs' ranges.")


def uncertainty(case: Case) -> Finding:
    """Check that one sigma is there, not negative, and finite where the value is."""
    exact: list[str] = []
    uncertain: list[str] = []
    for variable in case.spec.variables:
        if not variable.uncertain or variable.uncertainty_name not in case.made:
            continue
        value, sigma = case.made[variable.name].values, case.made[variable.uncertainty_name].values
        there = np.isfinite(value)
        if not there.any():
            continue
        if (sigma[there] < 0).any():
            return bad(f"The uncertainty of {variable.name!r} is negative.", "Return one sigma: a root of squares.")
        if (share := float((~np.isfinite(sigma[there])).mean())) > _FEW:
            return bad(
                f"The uncertainty of {variable.name!r} is not finite at {share:.0%} of the pixels that have a value.",
                "Give a number wherever there is a value; a value without uncertainty cannot be used.",
            )
        exact += [] if sigma[there].any() else [variable.name]
        uncertain += [variable.name]
    if exact:
        status: Status = "failed" if exact == uncertain else "noted"
        return finding(
            status,
            f"The uncertainty of {', '.join(exact)} is 0 everywhere: it claims to be exact.",
            "Give Input(uncertainty=...) to inputs, Variable(model_uncertainty=...), or uncertainty= to algorithm().",
        )
    lacking = [v.name for v in case.spec.variables if v.uncertain and v.uncertainty_name not in case.made]
    if lacking:
        return finding("noted", f"{lacking} have no uncertainty: the function of the scene returns none.")
    return good("One sigma is finite and not negative wherever there is a value.")
