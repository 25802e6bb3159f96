r"""Upward longwave radiation at the surface: what it emits and what it reflects of the sky's.

.. math:: L_\uparrow = \varepsilon \sigma T_s^4 + (1 - \varepsilon) L_\downarrow

with the broadband emissivity :math:`\varepsilon`, the surface temperature :math:`T_s` and the downward longwave
irradiance :math:`L_\downarrow`. Both parts come as layers of their own. Leaving the second out costs 14 W m-2 at 300 K,
emissivity 0.96 and 350 W m-2 of sky; the whole then hardly depends on the emissivity (1.1 W m-2 for 0.01), since what
the surface does not emit it reflects.

The error of a retrieved temperature goes with that of the emissivity it was retrieved with (too low an emissivity, too
high a temperature); here the two are taken as independent, so that the stated uncertainty is on the high side. Valid
for land, snow and calm water, for an instant or for means of what varies little in the period.

References
----------
Liang et al. 2010, doi:10.1109/JSTARS.2010.2048556 (not re-read; the equation is the definition). Broad band: Cheng et
al. 2013, doi:10.1109/LGRS.2012.2206367 (abstract).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Product, Variable
from musyq_lab.kernels import longwave
from musyq_lab.products._retrieval import retrieval

_EMITS = ("surface_temperature", "broadband_emissivity")
_REFLECTS = ("broadband_emissivity", "downward_longwave")
_COLD = 20.0  # W m-2


def _flux(name: str, long_name: str, valid_range: tuple[float, float], **more: Any) -> Variable:
    return Variable(
        name, long_name=long_name, units="W m-2", valid_range=valid_range, scale=0.05, colour_map="inferno", **more
    )


SPEC = Product(
    key="ulr",
    title="Upward longwave radiation",
    variables=(
        _flux(
            "ulr",
            "upward longwave irradiance at the surface, emitted and reflected",
            (50.0, 1100.0),
            standard_name="surface_upwelling_longwave_flux_in_air",
            # The emissivity of 8 to 13.5 um stands for that of all wavelengths: rms 1.5 W m-2 of the longwave balance
            # (Cheng et al. 2013, abstract).
            model_uncertainty=(1.5, 0.0),
        ),
        _flux("ulr_emitted", "longwave irradiance that the surface emits", (30.0, 1100.0), inputs=_EMITS),
        _flux("ulr_reflected", "longwave irradiance that the surface reflects", (0.0, 300.0), inputs=_REFLECTS),
    ),
    inputs=(
        # One sigma of retrievals from two bands, of emissivity by vegetation cover, and of clear-sky formulas.
        Input("surface_temperature", source="product:lst:lst", uncertainty=(1.5, 0.0)),
        Input("broadband_emissivity", source="product:emissivity", uncertainty=(0.015, 0.0)),
        Input("downward_longwave", source="product:dlr:dlr", uncertainty=(20.0, 0.0)),
    ),
    editions=("1km",),
    default=("ulr",),
    flags=(
        Flag(
            8,
            "colder_than_sky",
            "a black body as warm as the surface emits less than the sky sends down, by 20 W m-2 or more",
        ),
    ),
    references=("10.1109/JSTARS.2010.2048556", "10.1109/LGRS.2012.2206367"),
)


def _flags(*, surface_temperature: Any = None, downward_longwave: Any = None, **_: Any) -> dict[str, Any]:
    if surface_temperature is None or downward_longwave is None:
        return {}
    return {"colder_than_sky": longwave.emitted(surface_temperature, 1.0) < downward_longwave - _COLD}


@retrieval(SPEC, quality=_flags)
def ulr(
    *,
    variables: tuple[str, ...],
    surface_temperature: Any = None,
    broadband_emissivity: Any = None,
    downward_longwave: Any = None,
) -> Any:
    """Upward longwave irradiance, whole, emitted and reflected (equation of the module)."""
    made = {}
    for name in variables:
        if name == "ulr":
            made[name] = longwave.upward(surface_temperature, broadband_emissivity, downward_longwave)
        elif name == "ulr_emitted":
            made[name] = longwave.emitted(surface_temperature, broadband_emissivity)
        else:
            made[name] = (np.asarray(broadband_emissivity).dtype.type(1) - broadband_emissivity) * downward_longwave
    return [made[name] for name in variables]
