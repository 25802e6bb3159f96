r"""Net radiation of the surface, shortwave and longwave.

.. math:: R_n = R_{ns} + R_{nl}, \qquad R_{ns} = (1 - \alpha)\,S_d, \qquad
          R_{nl} = L_d - L_u = \varepsilon\,(L_d - \sigma T_s^4),

positive where the surface gains. The two forms of the longwave balance are the same where
:math:`L_u = \varepsilon \sigma T_s^4 + (1 - \varepsilon) L_d`, the definition of the product ``ulr``: ``components``
(default) takes the upward longwave radiation, measured or retrieved; ``emission`` takes surface temperature and
broadband emissivity. Its sigma is the truer one for retrieved fields, since there the error of the downward longwave
radiation, of which the surface throws a part back, counts once.

What is not there is made first where it can be: shortwave by ``dsr``, downward longwave by ``dlr``, upward longwave by
``ulr``, albedo by ``albedo``, temperature by ``lst``, emissivity by ``emissivity``. Options and methods for these go by
product: ``method={"net_radiation": "emission", "dlr": "brutsaert"}``.

Clouds must be the same in both parts: ``dlr`` made on the way knows them only by ``cloud_fraction`` or
``clear_sky_index``. Under clouds make the shortwave first, with its index, and go on with what it gives::

    sky = ml.retrieve("dsr", ds, variables=["dsr", "clear_sky_index"], method="cloud_depth")
    net = ml.retrieve("net_radiation", xr.merge([ds, sky]))

Valid for instants, and for hours, days and months where every input is the mean of that time; the albedo of a mean is
that weighted by the shortwave radiation, and the temperature that of the mean of its fourth power. The mean of a day
does not follow from one overpass: put overpasses together with :mod:`musyq_lab.analysis.daytime` first.

At 1,065 overpasses of ECOSTRESS over 63 towers, all with a clear sky of ``dsr`` and ``dlr``, the retrieved temperature
and the albedo, emissivity, air and column of vapour of the shipped table, nothing fitted (``benchmarks/
radiation_towers.py``): root mean square error 72 W m-2 with a bias of +28, of 458 W m-2; ECOSTRESS's own product has 84
with -43, BESS 116 with -5. With the light that the towers measured it is 63 with +29, so that most of the bias comes
from the longwave part and the albedo; with Prata's estimate of the column in place of the retrieved one, 74 with +45.
Means of sites scatter by 36 W m-2: a tower sees tens of metres of its own ground. The stated sigma, 26 W m-2, is that
of the pixel without this, and holds for 29 % of the overpasses. On the scored simulated Earth, with inputs that err as
their sigma says and another sky than its own, it holds for two thirds of the pixels.

References
----------
The balance is a definition; Liang et al. 2010, doi:10.1109/JSTARS.2010.2048556 (not re-read), review it, and Allen et
al. 1998, FAO Irrigation and Drainage Paper 56, chapter 4, write it out.
"""

from __future__ import annotations

from typing import Any

from musyq_lab.core.quality import Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import longwave
from musyq_lab.products._retrieval import retrieval

_SHORT, _LONG = ("albedo", "downward_shortwave"), "downward_longwave"
_EMISSION = ("surface_temperature", "broadband_emissivity")


def _variable(name: str, long_name: str, standard_name: str, low: float, high: float, *inputs: str) -> Variable:
    return Variable(
        name,
        long_name=long_name,
        standard_name=standard_name,
        units="W m-2",
        valid_range=(low, high),
        scale=0.05,
        colour_map="inferno",
        inputs=inputs,
    )


SPEC = Product(
    key="net_radiation",
    title="Net radiation",
    variables=(
        _variable("net_radiation", "net radiation", "surface_net_downward_radiative_flux", -300.0, 1200.0),
        # Fresh snow under a low Sun keeps next to nothing; black water at noon all of 1,400 W m-2.
        _variable(
            "net_shortwave", "net shortwave radiation", "surface_net_downward_shortwave_flux", 0.0, 1500.0, *_SHORT
        ),
        # Hot ground under a dry sky loses 400 W m-2; warm air over melting snow gives some.
        _variable(
            "net_longwave",
            "net longwave radiation",
            "surface_net_downward_longwave_flux",
            -600.0,
            200.0,
            _LONG,
            "upward_longwave",
            *_EMISSION,
        ),
    ),
    inputs=(
        # One sigma where the products state none: that of the vendored albedo and of the fluxes at towers (ours).
        Input("albedo", source="product:albedo:albedo", uncertainty=(0.01, 0.1)),
        Input("downward_shortwave", source="product:dsr:dsr", uncertainty=(10.0, 0.07)),
        Input("downward_longwave", source="product:dlr:dlr", uncertainty=(14.0, 0.0)),
        Input("upward_longwave", source="product:ulr:ulr", uncertainty=(12.0, 0.0)),
        Input("surface_temperature", source="product:lst:lst", uncertainty=(2.0, 0.0)),
        Input("broadband_emissivity", source="product:emissivity:broadband_emissivity", uncertainty=(0.015, 0.0)),
    ),
    editions=("1km", "5km"),
    stage="scene",
    methods=(
        Method("components", "balance of the four components (definition)", (*_SHORT, _LONG, "upward_longwave")),
        Method(
            "emission", "balance with emission and reflection of the surface (definition)", (*_SHORT, _LONG, *_EMISSION)
        ),
    ),
    flags=(Flag(8, "warmed_by_the_sky", "the sky gives more longwave radiation than the surface loses"),),
    references=("10.1109/JSTARS.2010.2048556",),
)


def _flags(*, values: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {"warmed_by_the_sky": values["net_longwave"] > 0.0} if "net_longwave" in values else {}


@retrieval(SPEC, quality=_flags)
def net_radiation(*, variables: tuple[str, ...], method: str = "components", **inputs: Any) -> Any:
    """Net radiation and its shortwave and longwave parts, from four components or from the surface's temperature."""
    short = [inputs.get(name, 0.0) for name in _SHORT]
    down = inputs.get(_LONG, 0.0)
    if method == "components":
        made = longwave.net(*short, down, inputs.get("upward_longwave", 0.0))
    else:
        made = longwave.net_of_emitted(*short, down, *(inputs.get(name, 0.0) for name in _EMISSION))
    known = dict(zip((v.name for v in SPEC.variables), made, strict=True))
    return [known[name] for name in variables]
