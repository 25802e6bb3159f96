r"""Downward shortwave radiation at the surface (global horizontal irradiance), its beam and its diffuse part.

The irradiance under a clear sky is weakened by clouds, :math:`G = k_c G_c`. Methods differ in what tells the clouds:

``clear_sky_index`` (default)
    :math:`k_c` and :math:`G_c` are given, as by climatologies. The default because it needs no sky model and holds for
    instants and for means over a day, a month or a year alike, if both factors are means over the same time.
``heliosat``
    :math:`k_c` from the cloud index, that given or :math:`n = (\rho - \rho_g) / (\rho_c - \rho_g)` of the apparent
    reflectance of a visible channel, of its ground and of thick clouds
    (:func:`musyq_lab.analysis.background.clear_background` finds them in a series). For instants.
``cloud_depth``
    The clear sky in two bands, then a two-stream cloud between ground and sky
    (:mod:`musyq_lab.kernels._clear_sky_cloud`), of the optical depth given or of that which brightens the ground to the
    reflectance seen (:data:`musyq_lab.kernels.heliosat.cloud_depth`, with ``view_zenith`` where it is known). Where
    ``cloud_fraction`` is absent the cloud fills the pixel. For instants.
``clear_sky``
    No clouds at all, which a bit says.

``clear_sky=`` chooses the model of the clear sky (:mod:`musyq_lab.kernels.clear_sky`): ``rest2`` (default; of two
bands, the nearest to the towers of ``benchmarks/dsr_accuracy.py``), ``bird``, ``esra``, ``ineichen``, ``solis``,
``haurwitz``; ``cloud_depth`` always takes ``rest2``. ``diffuse=`` chooses the regression that parts the light of
``clear_sky_index`` and ``heliosat`` (:mod:`musyq_lab.kernels.heliosat`); without the Sun there is no such part, which a
bit says. The other methods have a beam of their own.

Aerosol, vapour, ozone, pressure and albedo that are not given are assumed (0.15; 1.3; 15 kg m-2; 300 DU; 1013 hPa; 0.2)
with a wide error and, but for the exponent, a bit; :mod:`musyq_lab.standard.climatology` knows better ones. A Linke
turbidity that ``esra`` and ``ineichen`` miss follows from aerosol and vapour. The LUTs of the programme are not public;
these are open equivalents.

References
----------
Beyer, Costanzo & Heinemann (1996), doi:10.1016/0038-092X(95)00092-6, for the clear-sky index; the kernels cite theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import heliosat
from musyq_lab.products import _shortwave as shortwave
from musyq_lab.products._retrieval import retrieval

POLAR_NIGHT = Flag(FIRST_OWN_BIT, "polar_night", "the sun does not rise here in this period, so the value is zero")
INDEX_FROM_NEIGHBOUR = Flag(
    FIRST_OWN_BIT + 1, "index_from_neighbour", "the clear-sky index comes from the nearest cell that has one"
)
NIGHT = Flag(FIRST_OWN_BIT + 2, "night", "the Sun is below the horizon, so the value is zero")
LOW_SUN = Flag(FIRST_OWN_BIT + 3, "low_sun", "the Sun stands below 15 degrees, where clouds and air are seen aslant")
INDEX_BEYOND = Flag(
    FIRST_OWN_BIT + 4, "cloud_index_beyond", "the cloud index lies outside -0.2 to 1.1 and was held at the end"
)
CLEAR_SKY_ONLY = Flag(FIRST_OWN_BIT + 5, "clear_sky_only", "clouds are not considered")
ASSUMED_AIR = Flag(FIRST_OWN_BIT + 6, "assumed_air", "some property of the air or the ground was assumed, not given")
NOT_SPLIT = Flag(FIRST_OWN_BIT + 7, "not_split", "beam and diffuse light cannot be told apart without the Sun")

_SUN = ("sun_zenith", "extraterrestrial_shortwave")
_SKY = (*_SUN, *shortwave.AIR, "linke_turbidity")
_REFLECTANCES = ("toa_reflectance_red", "ground_reflectance", "cloud_reflectance")
_LOW = 75.0  # degrees
_MEAN_VIEW = 48.19  # degrees
_SKY_ERROR = 0.05  # relative, of models of the clear sky among each other (ours)


def _flux(name: str, long_name: str, **more: Any) -> Variable:
    return Variable(name, long_name, "W m-2", valid_range=(0.0, 1500.0), scale=0.05, colour_map="inferno", **more)


SPEC = Product(
    key="dsr",
    title="Downward shortwave radiation",
    variables=(
        _flux(
            "dsr",
            "downward shortwave radiation at the surface",
            standard_name="surface_downwelling_shortwave_flux_in_air",
            gcos_threshold="10 W m-2 (monthly mean)",
        ),
        _flux(
            "dsr_direct",
            "direct part of it, on the horizontal",
            standard_name="surface_direct_downwelling_shortwave_flux_in_air",
        ),
        _flux(
            "dsr_diffuse",
            "diffuse part of it",
            standard_name="surface_diffuse_downwelling_shortwave_flux_in_air",
        ),
        _flux(
            "dsr_clear",
            "downward shortwave radiation without clouds",
            standard_name="surface_downwelling_shortwave_flux_in_air_assuming_clear_sky",
        ),
        Variable("clear_sky_index", "irradiance over that without clouds", "1", valid_range=(0.0, 1.5), scale=1e-4),
    ),
    inputs=(
        # Where the index states none, its own 0.05 and that by which models of the clear sky differ; one that
        # is stated is that of the irradiance it came from, which holds both.
        Input("clear_sky_index", uncertainty=(0.05, _SKY_ERROR)),
        Input("clear_sky_shortwave"),
        Input("cloud_index", optional=True, uncertainty=(0.05, 0.0)),
        Input("toa_reflectance_red", optional=True, uncertainty=(0.005, 0.03)),
        Input("ground_reflectance", optional=True, uncertainty=(0.01, 0.05)),
        Input("cloud_reflectance", optional=True, uncertainty=(0.05, 0.0)),
        Input("cloud_optical_depth", optional=True, uncertainty=(0.5, 0.2)),
        Input("cloud_fraction", optional=True),
        Input("view_zenith", optional=True),
        *(Input(name, optional=True) for name in _SUN),
        *shortwave.air_inputs("linke_turbidity"),
    ),
    editions=("1km", "5km", "0p25deg"),
    stage="composite",
    default=("dsr",),
    methods=(
        Method("clear_sky_index", "clear-sky index times clear-sky irradiance, both given", inputs=(
            "clear_sky_index", "clear_sky_shortwave", *_SUN, "surface_pressure",
        )),
        Method(
            "heliosat",
            "cloud index of Heliosat-2 (Hammer et al. 2003, Rigollier et al. 2004, not re-read) on an open clear-sky "
            "model, not the LUTs of the programme, which are not public",
            inputs=("cloud_index", *_REFLECTANCES, *_SKY),
            references=("10.1016/j.solener.2004.04.017",),
        ),
        Method(
            "cloud_depth",
            "REST2 over a two-stream cloud of Slingo's droplets (coefficients as in CAM3), not the LUTs of the "
            "programme, which are not public",
            inputs=("cloud_optical_depth", "cloud_fraction", *_REFLECTANCES[:2], "view_zenith", *_SUN, *shortwave.AIR),
            references=("10.1016/j.solener.2007.04.008", "10.1175/1520-0469(1989)046<1419:AGPFTS>2.0.CO;2"),
        ),
        Method(
            "clear_sky", "without clouds, by an open clear-sky model (as in pvlib and irradpy2)", inputs=_SKY
        ),
    ),
    flags=(
        *(POLAR_NIGHT, INDEX_FROM_NEIGHBOUR, NIGHT, LOW_SUN),
        *(INDEX_BEYOND, CLEAR_SKY_ONLY, ASSUMED_AIR, NOT_SPLIT),
    ),
    references=("10.1016/0038-092X(95)00092-6",),
)  # fmt: skip


def _index(given: dict[str, Any]) -> Any:
    """Return the cloud index: that given, else from reflectances."""
    if given.get("cloud_index") is not None:
        return given["cloud_index"]
    bright = given.get("cloud_reflectance")
    if bright is None:
        bright = heliosat.cloud_reflectance(*shortwave.contiguous(given["sun_zenith"]))
    return heliosat.cloud_index(
        *shortwave.contiguous(given["toa_reflectance_red"], given["ground_reflectance"], bright)
    )


def _depth(given: dict[str, Any]) -> Any:
    """Return the optical depth of the cloud: that given, else from reflectances."""
    if given.get("cloud_optical_depth") is not None:
        return given["cloud_optical_depth"]
    zenith, view = given["sun_zenith"], given.get("view_zenith")
    # Averaged over all directions a layer looks as it does from 48 degrees (mu = 2 / 3).
    view = np.asarray(_MEAN_VIEW, zenith.dtype) if view is None else view
    seen = given["toa_reflectance_red"], given["ground_reflectance"]
    return heliosat.cloud_depth(*shortwave.contiguous(*seen, zenith, view))


def _parts(method: str, clear_sky: str, diffuse: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return every variable by name."""
    if method == "clear_sky_index":
        whole = given["clear_sky_index"] * given["clear_sky_shortwave"]
        known = np.where(np.isnan(whole), whole, 0 * whole)  # a missing factor leaves nothing to tell
        made = _divided(whole, given["clear_sky_shortwave"] + known, diffuse, given)
        return {**made, "clear_sky_index": given["clear_sky_index"] + known}
    sun = given["sun_zenith"], given["extraterrestrial_shortwave"]
    air = shortwave.filled(given, sun[0])
    model = "rest2" if method == "cloud_depth" else clear_sky
    beam, scattered = shortwave.irradiance(model, *sun, air, given.get("linke_turbidity"))
    clear = beam + scattered
    if method == "heliosat":
        return _divided(heliosat.clear_sky_index(*shortwave.contiguous(_index(given))) * clear, clear, diffuse, given)
    if method == "cloud_depth":
        cover = given.get("cloud_fraction")
        cover = np.ones((), sun[0].dtype) if cover is None else cover
        beam, scattered, *_ = shortwave.under_cloud(*sun, air, _depth(given), cover)
    return _named(beam + scattered, beam, scattered, clear)


def _divided(whole: Any, clear: Any, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Part the light by a regression; NaN without the Sun."""
    if given.get("sun_zenith") is None or given.get("extraterrestrial_shortwave") is None:
        nothing = np.full_like(whole, np.nan)
        return _named(whole, nothing, nothing, clear)
    pressure = given.get("surface_pressure")
    pressure = np.asarray(shortwave.AIR["surface_pressure"].value, whole.dtype) if pressure is None else pressure
    scattered = shortwave.split(name, whole, given["sun_zenith"], given["extraterrestrial_shortwave"], pressure)
    return _named(whole, whole - scattered, scattered, clear)


def _named(whole: Any, beam: Any, scattered: Any, clear: Any) -> dict[str, Any]:
    dark = clear <= 0
    index = np.where(dark, np.nan, whole / np.where(dark, 1, clear)).astype(np.asarray(whole).dtype)
    return {"dsr": whole, "dsr_direct": beam, "dsr_diffuse": scattered, "dsr_clear": clear, "clear_sky_index": index}


def _checked(given: frozenset[str], method: str, clear_sky: str, diffuse: str) -> None:
    """Refuse unknown options, and a method whose inputs are not there."""
    shortwave.choose("clear_sky", clear_sky, shortwave.CLEAR_SKIES)
    shortwave.choose("diffuse", diffuse, shortwave.SPLITS)
    if method == "clear_sky_index":
        return
    missing = [name for name in _SUN if name not in given]
    if missing:
        raise InputError(
            f'retrieve("dsr", method="{method}") needs {" and ".join(missing)}. Add them, or a time with latitude and '
            "longitude, from which they follow."
        )
    if method == "heliosat" and "cloud_index" not in given and not set(_REFLECTANCES[:2]) <= given:
        raise InputError(
            'retrieve("dsr", method="heliosat") needs cloud_index, or toa_reflectance_red and ground_reflectance '
            "(musyq_lab.analysis.background.clear_background finds the ground in a series)."
        )
    if method == "cloud_depth" and "cloud_optical_depth" not in given and not set(_REFLECTANCES[:2]) <= given:
        raise InputError(
            'retrieve("dsr", method="cloud_depth") needs cloud_optical_depth, zero where clear, or toa_reflectance_red '
            "and ground_reflectance."
        )


def _quality(method: str, values: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Tell where the Sun is low or down, what was assumed and what was held."""
    found: dict[str, Any] = {"clear_sky_only": np.asarray(method == "clear_sky")}
    zenith: Any = given.get("sun_zenith")
    if method == "clear_sky_index":
        unknown = zenith is None or given.get("extraterrestrial_shortwave") is None
        found["not_split"] = np.asarray(unknown and bool({"dsr_direct", "dsr_diffuse"} & {*values}))
        return found
    found |= {"night": zenith >= 90.0, "low_sun": (zenith > _LOW) & (zenith < 90.0)}
    names = [n for n in shortwave.AIR if n != "angstrom_exponent"]
    found["assumed_air"] = np.asarray(any(given.get(name) is None for name in names))
    if method == "heliosat":
        index = _index(given)
        found["cloud_index_beyond"] = (index < -0.2) | (index > 1.1)
    return found


def _cloud_sigma(method: str, index: Any, given: dict[str, Any]) -> Any:
    """Return one sigma of the clear-sky index that the method itself leaves.

    From reflectances 0.08, and 0.19 under broken clouds, which cast their shadow elsewhere than where a slanted look
    sees them; the cloud index misses thick clouds by 0.15 more. Chosen on the tuning set of the simulated Earth: at
    single pixels of 2 km and single instants two thirds of the errors need 0.13 to 0.29 there. A cloud of known
    depth: 15 % of what it takes.
    """
    if method == "clear_sky":
        return 0.0 * index
    if method == "cloud_depth" and given.get("cloud_optical_depth") is not None:
        return 0.15 * (1.0 - index)
    broken = 0.08 + 0.45 * index * (1.0 - index)
    return broken + 0.15 * (1.0 - index) if method == "heliosat" else broken


def _model_variance(method: str, made: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the variance of the methods themselves.

    Clear sky: 2.5 % and 3 W m-2 of the global, 4 % and 5 W m-2 of the beam (Gueymard 2012, doi
    10.1016/j.solener.2011.11.011, finds 2 to 3 % and 3 to 5 % for REST2 and its like with measured air; not re-read).
    A regression misses the diffuse share by 0.12 (Erbs et al. 1982, not re-read). Where a given clear sky states no
    error, that of the index holds it for the product of both, and the clear sky alone gets the same share of its own.
    """
    if method == "clear_sky_index":
        whole = np.zeros_like(made["dsr"])
        spread = (0.12 * made["dsr"]) ** 2
        sky = whole if "clear_sky_shortwave_uncertainty" in given else (_SKY_ERROR * made["dsr_clear"]) ** 2
        return {"dsr": whole, "dsr_direct": spread, "dsr_diffuse": spread, "dsr_clear": sky, "clear_sky_index": whole}
    whole, clear, k = made["dsr"], made["dsr_clear"], np.clip(made["dsr"] / np.maximum(made["dsr_clear"], 1e-6), 0, 1)
    base = (0.025 * whole) ** 2 + 9.0
    relative = _cloud_sigma(method, k, given)
    cloud = (relative * clear) ** 2
    direct = (0.04 * made["dsr_direct"]) ** 2 + 25.0 + cloud
    direct = direct + (0.12 * whole) ** 2 if method == "heliosat" else direct
    sky = (0.025 * clear) ** 2 + 9.0
    return {
        "dsr": base + cloud,
        "dsr_direct": np.where(made["dsr_direct"] > 0, direct, 0.0),
        "dsr_diffuse": (0.08 * made["dsr_diffuse"]) ** 2 + direct,
        "dsr_clear": sky,
        "clear_sky_index": relative**2 + (0.025 * k) ** 2,
    }


def _sigma(variables: tuple[str, ...], method: str, clear_sky: str, diffuse: str, **given: Any) -> list[Any]:
    """Return one sigma of each variable: errors of inputs, of what was assumed and of the method."""
    sigmas = {name: value for name, value in given.items() if name.endswith("_uncertainty")}
    values = {name: value for name, value in given.items() if name not in sigmas}

    def made(**inputs: Any) -> list[Any]:
        found = _parts(method, clear_sky, diffuse, inputs)
        return [found[name] for name in variables]

    central = _parts(method, clear_sky, diffuse, values)
    names = SPEC.method(method).inputs
    errors = shortwave.sigmas_of(names, values, sigmas, central["dsr"])
    if method == "clear_sky_index":
        errors = {n: s for n, s in errors.items() if values.get(n) is not None}
    air = {} if method == "clear_sky_index" else shortwave.filled(values, central["dsr"])
    variances = shortwave.spread(made, {**values, **air}, errors)
    if len(variances) != len(variables):
        variances = [np.asarray(0.0)] * len(variables)
    own = _model_variance(method, central, given)
    dark = central["dsr_clear"] <= 0
    return [
        np.where(dark, 0.0, np.sqrt(np.nan_to_num(variance) + own[name]))
        for name, variance in zip(variables, variances, strict=True)
    ]


@retrieval(SPEC, quality=_quality, uncertainty=_sigma, check=_checked)
def dsr(
    *,
    variables: tuple[str, ...],
    method: str,
    clear_sky: str = "rest2",
    diffuse: str = "erbs_driesse",
    **given: Any,
) -> list[Any]:
    """Downward shortwave radiation; ``clear_sky=`` and ``diffuse=`` choose among published models."""
    made = _parts(method, clear_sky, diffuse, given)
    return [made[name] for name in variables]
