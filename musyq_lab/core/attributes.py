"""CF-1.11 and ACDD-1.3 attributes, and the history line, written once for every product.

Nothing here depends on the wall clock, the user or the machine: the same inputs, parameters and code must give the
same bytes. Times and hosts belong to the side file (``musyq_lab.archive.manifest``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from musyq_lab.core.quality import CAUSE_DTYPE, Flag, flag_attributes
from musyq_lab.core.spec import Product, Variable

CONVENTIONS = "CF-1.11, ACDD-1.3"
VOCABULARY = "CF Standard Name Table v93"
"""Where the standard names are from; the tests look every one up in it."""
DATA_CORE = ("geossDataCore", "geossNoMonetaryCharge", "geossUserRegistration", "geossAttribution")
"""Tags of GEOSS Data-CORE: full and open, free of charge; users register and name the source."""
LICENCE = (
    "GEOSS Data-CORE: full and open access, free of charge; users register (geossUserRegistration) and name the source "
    "(geossAttribution). Terms of the input data go with it."
)

# Levels as CEOS defines them: on a grid and over a period; results of analyses. A product of single looks is one of
# level 2 on the instrument's pixels and of level 3 on a grid, which its specification does not say.
_LEVELS = {"composite": "Level 3", "climatology": "Level 4", "application": "Level 4"}
_MOST_NAMED = 6  # layers in a summary


@lru_cache(maxsize=1)
def package_version() -> str:
    """Return the installed version of musyq-lab, ``"0+unknown"`` in a bare source tree."""
    try:
        return version("musyq-lab")
    except PackageNotFoundError:
        return "0+unknown"


def variable_attributes(variable: Variable, qa_name: str) -> dict[str, Any]:
    """Return the attributes of a product's layer.

    Parameters
    ----------
    variable : Variable
        The layer.
    qa_name : str
        Name of the quality layer, listed as ancillary.
    """
    attributes: dict[str, Any] = {
        "long_name": variable.long_name,
        "units": variable.units,
        "ancillary_variables": f"{variable.uncertainty_name} {qa_name}" if variable.uncertain else qa_name,
        "coverage_content_type": "thematicClassification" if variable.classes else "physicalMeasurement",
    }
    if variable.classes:
        attributes["flag_values"] = np.array([number for number, _ in variable.classes], variable.dtype)
        attributes["flag_meanings"] = " ".join(re.sub(r"[^\w.+@-]+", "_", name) for _, name in variable.classes)
    if variable.standard_name:
        attributes["standard_name"] = variable.standard_name
    low, high = variable.valid_range
    if low > float("-inf") and high < float("inf"):
        attributes["valid_range"] = [low, high]
    if variable.references:
        attributes["references"] = _links(variable.references)
    return attributes


def uncertainty_attributes(variable: Variable) -> dict[str, Any]:
    """Return the attributes of a layer's one-sigma companion."""
    attributes = {
        "long_name": f"one standard uncertainty of {variable.long_name}",
        "units": variable.units,
        "coverage_content_type": "qualityInformation",
    }
    if variable.standard_name:
        attributes["standard_name"] = f"{variable.standard_name} standard_error"
    return attributes


def quality_attributes(product: Product) -> dict[str, Any]:
    """Return the attributes of a product's quality layer."""
    return {
        "long_name": f"quality bits of {product.title.lower()}",
        "standard_name": "quality_flag",
        "units": "1",
        "coverage_content_type": "qualityInformation",
        **flag_attributes(product.all_flags),
    }


def cause_attributes(product: Product) -> dict[str, Any]:
    """Return the attributes of the layer that says which inputs were missing or impossible."""
    return {
        "long_name": f"inputs of {product.title.lower()} that are missing or outside their possible range",
        "standard_name": "quality_flag",
        "units": "1",
        "coverage_content_type": "qualityInformation",
        **flag_attributes((Flag(bit, item.name, item.name) for bit, item in enumerate(product.inputs)), CAUSE_DTYPE),
    }


def global_attributes(product: Product, *, method: str = "", history: str = "") -> dict[str, Any]:
    """Return the attributes of a Dataset that holds one product."""
    attributes = {
        "Conventions": CONVENTIONS,
        "title": product.title,
        "summary": _summary(product),
        "product": product.key,
        "source": f"musyq-lab {package_version()}",
        "keywords": ", ".join(DATA_CORE),
        "license": LICENCE,
        "standard_name_vocabulary": VOCABULARY,
    }
    if level := _LEVELS.get(product.stage):
        attributes["processing_level"] = level
    if method:
        attributes["method"] = method
    chosen = product.method(method)
    if chosen.title:
        attributes["method_title"] = chosen.title
    if references := tuple(dict.fromkeys((*product.references, *chosen.references))):
        attributes["references"] = _links(references)
    if history:
        attributes["history"] = history
    return attributes


def _summary(product: Product) -> str:
    names = [variable.long_name for variable in product.variables]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    layers = ", ".join(names[:_MOST_NAMED])
    return f"{product.title}: {layers}{more}, each with its standard uncertainty where it has one, and quality bits."


def _links(references: Iterable[str]) -> str:
    """Return DOIs as addresses; what is an address already stays one."""
    return " ".join(r if r.startswith("https://") else f"https://doi.org/{r}" for r in references)


def history_line(function: str, parameters: Mapping[str, Any]) -> str:
    """Return one line of provenance: what was called with what, and by which version.

    Parameters
    ----------
    function : str
        Public name of the step.
    parameters : mapping
        Its scalar parameters; a set is written in order, anything else that JSON cannot hold by ``str``.
    """
    arguments = ", ".join(f"{name}={json.dumps(value, default=_plain)}" for name, value in sorted(parameters.items()))
    return f"{function}({arguments}) by musyq-lab {package_version()}"


def _plain(value: Any) -> Any:
    """Write a set in order, since its own order changes from one run to the next."""
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


def extend_history(previous: str, line: str) -> str:
    """Put a line under what was there before."""
    return f"{previous}\n{line}" if previous else line
