r"""Green chromatic coordinate: the share of green in the visible reflectance.

.. math:: G = \frac{\rho_g}{\rho_b + \rho_g + \rho_r}

(Richardson et al. 2007, doi:10.1007/s00442-006-0657-z.)
"""

from __future__ import annotations

from typing import Any

from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.products._retrieval import retrieval

_ERROR = (0.005, 0.05)

SPEC = Product(
    key="greenness",
    title="Green chromatic coordinate",
    variables=(
        Variable(
            "green_share",
            "share of green in the visible reflectance",
            "1",
            valid_range=(0.0, 1.0),
            scale=1e-4,
            references=("10.1007/s00442-006-0657-z",),
        ),
    ),
    inputs=tuple(Input(f"reflectance_{band}", uncertainty=_ERROR) for band in ("blue", "green", "red")),
    stage="scene",
)


@retrieval(SPEC)
def greenness(*, reflectance_blue: Any, reflectance_green: Any, reflectance_red: Any) -> Any:
    """Share of green."""
    return reflectance_green / (reflectance_blue + reflectance_green + reflectance_red)
