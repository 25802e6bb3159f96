r"""Vegetation and other spectral indices.

Every index is one row of the formula table (:data:`musyq_lab.kernels.spectral_index.FORMULAS`), which holds its
equation, bands, valid range and source; for example

.. math:: \mathrm{NDVI} = \frac{\rho_n - \rho_r}{\rho_n + \rho_r}, \qquad
          \mathrm{EVI} = 2.5\,\frac{\rho_n - \rho_r}{\rho_n + 6 \rho_r - 7.5 \rho_b + 1}.

All indices asked for are computed in one pass over the bands. Inputs are surface reflectances of any sensor; values of
different sensors agree only after spectral adjustment. Where a denominator vanishes there is no value.
"""

from __future__ import annotations

import math
from typing import Any

from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.kernels.spectral_index import FORMULAS, Formula, bands_of, index_kernel
from musyq_lab.products._retrieval import retrieval

_INT16 = 32767


def _step(low: float, high: float) -> float:
    """Return the finest of 1, 2, 5 x 10^n that packs the range into 16 bits, but no finer than 1e-4."""
    least = max(abs(low), abs(high)) / _INT16
    decade = 10.0 ** math.floor(math.log10(least))
    step = next(factor * decade for factor in (1, 2, 5, 10) if factor * decade >= least)
    return max(1e-4, round(step, 10))


def _variable(key: str, formula: Formula) -> Variable:
    return Variable(
        key,
        long_name=formula.title,
        standard_name="normalized_difference_vegetation_index" if key == "ndvi" else "",
        units=formula.units,
        valid_range=formula.valid_range,
        scale=_step(*formula.valid_range),
        colour_map="YlGn",
        inputs=tuple(f"reflectance_{band}" for band in formula.bands),
        references=formula.references,
    )


_BANDS = bands_of(tuple(FORMULAS))

SPEC = Product(
    key="vi",
    title="Vegetation indices",
    variables=tuple(_variable(key, formula) for key, formula in FORMULAS.items()),
    # MOD09's specification of surface reflectance, 0.005 + 0.05 rho, stands in where the scene states no error
    # (Vermote and Kotchenova 2008, doi 10.1029/2007JD009662).
    inputs=tuple(Input(f"reflectance_{band}", uncertainty=(0.005, 0.05)) for band in _BANDS),
    editions=("1km", "30m"),
    stage="scene",
    default=("ndvi", "evi"),
)


@retrieval(SPEC)
def vi(*, variables: tuple[str, ...], **reflectance: Any) -> Any:
    """Spectral indices by name; ``variables=["ndvi", "kndvi", ...]`` chooses which (NDVI and EVI by default)."""
    return index_kernel(variables)(*(reflectance[f"reflectance_{band}"] for band in bands_of(variables)))
