r"""Land surface temperature from thermal bands.

Six ways, whose equations stand in :mod:`musyq_lab.kernels.temperature`:

- ``gsw`` (default): generalised split window of two bands near 11 and 12 um. It is the form of the programme's own
  product (Li et al. 2019, AHI: 2020), whose coefficients are not public; here they come from a regression over
  simulated atmospheres for each pair of bands (``catalogs/lst/derive.py``), smooth in water vapour and view angle.
  Default, since it serves every sensor with two bands, and since errors of the atmosphere nearly cancel: on atmospheres
  that it was not fitted to, seen by MODIS, its error is 0.3 K for 10 to 20 kg m-2 of vapour and 1.1 K for 60 in a view
  straight down, 0.5 and 3.1 K at 58 degrees (AHI: 0.5, 1.8; 0.9, 5.2 K); without ``water_vapour`` it is 1 to 3 K.
- ``split_window``: published split windows, nadir, of MODIS, AVHRR, SEVIRI, TIRS, and AATSR for SLSTR.
- ``smw``: statistical mono-window, of Landsat as published (Ermida et al. 2020), of others by the same regression.
- ``single_channel``: one band (Jimenez-Munoz and others 2014, 2009); other sensors than Landsat have functions of this
  package. Under 1 K up to 10, 1.5 K at 20, 3 K at 30 kg m-2, useless beyond 40: one band cannot tell vapour from cold.
- ``tes``: temperature and emissivity together (:mod:`musyq_lab.products._tes`), of sensors with a band at 8.6 um.
- ``radiative_transfer``: transmittance, path and sky radiance are given, as in Landsat's Level-2 intermediates.

Beside the simulation, published coefficients made with MODTRAN by others are, up to 30 kg m-2 straight down, 0.2 to 0.8
K too warm (TIRS split window), 0 to 0.8 K (mono-window of Landsat-8), -0.3 to 0.8 K (AATSR), -0.7 to 0.9 K (SEVIRI),
-0.3 to 2 K (AVHRR), 0.8 to 2.5 K (MODIS 2008); the set of 2003 of MODIS is 2 to 6 K too warm, so that it is not the
default (``catalogs/lst/accuracy.csv``). Beside the simulated Earth, whose thermal atmosphere is another model (scored
set, Huailai and Hulunber, four seasons, noon and night, emissivity by cover, vapour wrong by 10 %): 0.6 K (MODIS), 0.5
(MERSI-2), 1.1 and 0.8 (AHI at 52 degrees; 3 K in moist heat), 0.9 and 0.8 (AGRI at 48), 1.1 and 0.9 K (TIRS with its
specified noise of 0.4 K).

The uncertainty adds that error, an error of 10 % of the vapour's continuum included, to those of the inputs. Errors of
the emissivities of two bands go together, since one cover and one ground make both: correlation 0.9 (0.97 among soils
of ``catalogs/emissivity``, 0.6 to 0.8 with sand and rock). In the simulated Earth, whose soils have one spectrum and
whose sensors no error of calibration, 76 to 97 % of errors are within one sigma.

Valid for a clear sky over land, lakes, snow and ice. Stored as MOD11 stores it (uint16, 0.02 K).

References
----------
Li et al. 2019, doi:10.1109/TGRS.2019.2918259, and for AHI 2020, doi:10.3390/rs12162613 (abstracts). See the kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.spec import Input, Method, Product, Variable
from musyq_lab.kernels import temperature as kernels
from musyq_lab.products import _lst as tables
from musyq_lab.products import _tes
from musyq_lab.products._retrieval import retrieval
from musyq_lab.sensors._registry import SENSORS

Floats = NDArray[np.floating]

_PAIR = ("brightness_temperature_tir1", "brightness_temperature_tir2", "emissivity_tir1", "emissivity_tir2")
_ONE = ("brightness_temperature_tir1", "emissivity_tir1")
_EIGHT, _TEN = "brightness_temperature_tir_8_6", "brightness_temperature_tir_10_4"
_SEPARATION = (_EIGHT, _TEN, *_PAIR[:2], "water_vapour", "air_temperature", "view_zenith")
_ROLES = ("tir_8_6", "tir_10_4", "tir1", "tir2")
_TRANSFER = ("radiance_tir1", "path_radiance_tir1", "sky_radiance_tir1", "transmittance_tir1", "emissivity_tir1")
_STEM = "brightness_temperature_"
_BANDS = ("emissivity_tir1", "emissivity_tir2")
_TOGETHER = 0.9
_APART = 6.0  # K: more between 11 and 12 um hardly occurs under a clear sky (the simulated atmospheres end at 7)
_CALIBRATION, _NOISE = 0.1, 0.1  # K: of window bands beside hyperspectral sounders (GSICS); where none is specified
_TRANSFER_ERROR = 0.3  # K, of the inversion itself: the band is not one wavelength, its parts are not independent
# kg m-2, of one band and of TES along the view: see the error beyond in accuracy.csv
_MOST_VAPOUR = {"single_channel": 30.0, "split_window": 55.0, "tes": 30.0}
_ALONG_VIEW = ("single_channel", "tes")
_MOST_ZENITH = {"split_window": 40.0, "smw": 15.0}  # degrees: they are for a view straight down
_NAMES = ("vapour_beyond", "view_beyond", "sensor_assumed", "other_instrument", "bands_apart", "angle_assumed")
_WORDS = (
    "there is more water vapour, along the view where that counts, than the method sees through or its table holds",
    "the view is more oblique than the method's coefficients hold for",
    "nobody said which sensor it is: its bands were assumed (MODIS for two bands, Landsat-8 for one)",
    "the coefficients were made for another instrument of like bands",
    "brightness temperatures at 11 and 12 um differ more than a clear sky lets them",
    "no view angle was given: a view straight down was assumed",
)

SPEC = Product(
    key="lst",
    title="Land surface temperature",
    variables=(
        Variable(
            "lst",
            long_name="land surface temperature",
            standard_name="surface_temperature",
            units="K",
            # Ends of the stored numbers of MOD11: no ceiling that deserts, lava or fires would pass.
            valid_range=(150.0, 1310.7),
            dtype="uint16",
            scale=0.02,
            fill=0,
            colour_map="inferno",
            gcos_goal="1 K, 1 km, 3 h (GCOS-200)",
        ),
    ),
    inputs=(
        # Its default error is that of the sensor: see _noise.
        *(Input(name) for name in _PAIR[:2]),
        *(Input(name, source="product:emissivity", uncertainty=(0.01, 0.0)) for name in _BANDS),
        Input("water_vapour", optional=True, uncertainty=(1.0, 0.1)),
        Input("view_zenith", optional=True),
        Input(_EIGHT),
        Input(_TEN, optional=True),
        Input("air_temperature"),
        Input("radiance_tir1", uncertainty=(0.0, 0.003)),
        Input("path_radiance_tir1", uncertainty=(0.0, 0.05)),
        Input("sky_radiance_tir1", uncertainty=(0.0, 0.05)),
        Input("transmittance_tir1", uncertainty=(0.0, 0.02)),
    ),
    editions=("1km",),
    stage="scene",
    methods=(
        Method(
            "gsw",
            "generalised split window in the programme's form (Li et al. 2019); coefficients of this package from "
            "simulated atmospheres, since the programme's are not public",
            (*_PAIR, "water_vapour", "view_zenith"),
            references=("10.1109/36.508406", "10.1109/TGRS.2019.2918259"),
        ),
        Method(
            "split_window",
            "published split windows (Jimenez-Munoz and Sobrino 2008, Jimenez-Munoz et al. 2014, Sobrino et al. 2003), "
            "coefficients as in public codes, papers not re-read",
            (*_PAIR, "water_vapour", "view_zenith"),
            references=("10.1109/LGRS.2008.2001636", "10.1109/LGRS.2014.2312032"),
        ),
        Method(
            "smw",
            "statistical mono-window, coefficients of Ermida et al. 2020 from the authors' code (Landsat-9: from "
            "copies of a later version); of this package for sensors other than Landsat",
            (*_ONE, "water_vapour", "view_zenith"),
            references=("10.3390/rs12091471",),
        ),
        Method(
            "single_channel",
            "single channel of Jimenez-Munoz et al. 2009 and 2014, coefficients as in public codes (papers not "
            "re-read); of this package for sensors other than Landsat",
            (*_ONE, "water_vapour", "view_zenith"),
            references=("10.1109/TGRS.2008.2007125", "10.1109/LGRS.2014.2312032"),
        ),
        Method(
            "tes",
            "temperature-emissivity separation (Gillespie et al. 1998, three-band curve of ECOSTRESS collection 3) "
            "below an atmosphere of this package's regression",
            _SEPARATION,
            references=("10.1109/36.700995",),
        ),
        Method("radiative_transfer", "inversion of the equation of radiative transfer in one band", _TRANSFER),
    ),
    flags=tuple(
        Flag(FIRST_OWN_BIT + k, name, words) for k, (name, words) in enumerate(zip(_NAMES, _WORDS, strict=True))
    ),
    references=("10.1109/TGRS.2019.2918259",),
)


def _check(*, given: frozenset[str], method: str, sensor: str, published: str) -> None:
    """Refuse sensors without coefficients, and methods that cannot do without the vapour."""
    if method not in ("gsw", "radiative_transfer") and "water_vapour" not in given:
        raise InputError(
            f'retrieve("lst", method="{method}") needs water_vapour in kg m-2. Pass water_vapour=..., make it with '
            'retrieve("water_vapour", ds), or take method="gsw", which can do without.'
        )
    if published and method not in ("split_window", "single_channel"):
        raise InputError(f'retrieve("lst", method="{method}") has no choice of published coefficients; leave it out.')
    _coefficients(method, sensor, published, vapour="water_vapour" in given)


def _coefficients(method: str, sensor: str, published: str, *, vapour: bool) -> tables.Chosen:
    """Return the numbers of a method for a sensor."""
    if method == "gsw":
        return tables.gsw(sensor, vapour=vapour)
    if method == "split_window":
        return tables.published_split_window(sensor, published)
    if method == "single_channel":
        return tables.single_channel(sensor, published)
    if method == "smw":
        return tables.mono_window(sensor)
    if method == "tes":
        tables.require_band(sensor, method, "tir_8_6")
        return tables.Chosen((), another=False)
    return tables.Chosen(_tes.band_constants("tir1", sensor or tables.ASSUMED[method]), another=False)


def _flags(
    *,
    method: str,
    sensor: str,
    published: str,
    brightness_temperature_tir1: Any = None,
    brightness_temperature_tir2: Any = None,
    water_vapour: Any = None,
    view_zenith: Any = None,
    **_: Any,
) -> dict[str, Any]:
    another = _coefficients(method, sensor, published, vapour=water_vapour is not None).another
    found = {"sensor_assumed": np.bool_(not sensor), "other_instrument": np.bool_(another)}
    if water_vapour is not None:
        seen_through = water_vapour
        if view_zenith is not None and method in _ALONG_VIEW:
            seen_through = water_vapour / np.cos(np.radians(view_zenith))
        found["vapour_beyond"] = seen_through > _MOST_VAPOUR.get(method, kernels.GREATEST_VAPOUR)
    if view_zenith is not None:
        found["view_beyond"] = view_zenith > _MOST_ZENITH.get(method, kernels.GREATEST_ZENITH)
    elif method in ("gsw", "single_channel", "tes"):
        found["angle_assumed"] = np.True_
    if brightness_temperature_tir2 is not None:
        found["bands_apart"] = abs(brightness_temperature_tir1 - brightness_temperature_tir2) > _APART
    return found


def _model_error(method: str, sensor: str, published: str, vapour: Any, zenith: Any) -> Any:
    if method == "radiative_transfer":
        return _TRANSFER_ERROR
    angle = 0.0 if zenith is None else zenith
    form = "vapour" if vapour is not None else "none"
    if method == "split_window":
        form = published or tables.default_set(sensor)
    return tables.error(method, sensor, vapour, angle, form=form)


def _noise(sensor: str, method: str, role: str) -> float:
    """Return the error of a brightness temperature: calibration and the sensor's specified noise, one sigma (K)."""
    key, variant = tables.of(sensor, method)
    rows = [b.nedt for b in SENSORS[key].bands_of(variant) if b.name == role]
    return float(np.hypot(_CALIBRATION, (rows or [None])[-1] or _NOISE))


def _uncertainty(*, method: str, sensor: str, published: str, **given: Any) -> Any:
    """Return central differences over the inputs, the two emissivities taken together, and the method's own error."""
    sigmas = {name: given.pop(f"{name}_uncertainty", None) for name in list(given) if not name.endswith("_uncertainty")}
    for name in _PAIR[:2]:
        if given.get(name) is not None and sigmas[name] is None:
            sigmas[name] = given[name].dtype.type(_noise(sensor, method, name.removeprefix(_STEM)))
    options = {"method": method, "sensor": sensor, "published": published}
    vapour, zenith = given.get("water_vapour"), given.get("view_zenith")
    if method == "tes":  # its own budget has the errors of usual inputs in it
        slant = vapour / np.cos(np.radians(0.0 if zenith is None else zenith))
        return np.interp(slant, *_tes.errors("temperature", sensor or tables.ASSUMED[method]))
    model = _model_error(method, sensor, published, vapour, zenith)
    variance, emissivity = model**2, []
    for name, sigma in sigmas.items():
        if sigma is None:
            continue
        above, below = (lst.body(**options, **{**given, name: given[name] + s}) for s in (sigma, -sigma))
        step = 0.5 * (above - below)
        variance = variance + step**2
        emissivity += [step] if name in _BANDS else []
    if len(emissivity) > 1:
        variance = variance + 2 * _TOGETHER * emissivity[0] * emissivity[1]
    return np.sqrt(variance)


@retrieval(SPEC, quality=_flags, uncertainty=_uncertainty, check=_check)
def lst(
    *,
    emissivity_tir1: Any = None,
    brightness_temperature_tir1: Any = None,
    brightness_temperature_tir2: Any = None,
    emissivity_tir2: Any = None,
    water_vapour: Any = None,
    view_zenith: Any = None,
    brightness_temperature_tir_8_6: Any = None,
    brightness_temperature_tir_10_4: Any = None,
    air_temperature: Any = None,
    radiance_tir1: Any = None,
    path_radiance_tir1: Any = None,
    sky_radiance_tir1: Any = None,
    transmittance_tir1: Any = None,
    method: str = "gsw",
    sensor: str = "",
    published: str = "",
    between_classes: bool = True,
) -> Any:
    """Surface temperature; NaN where a needed input is missing.

    ``sensor`` names the bands as ``"<sensor>/<platform>"``; that of the scene where it says so, else MODIS (two bands)
    or Landsat-8 (one), which sets a bit. ``published`` chooses among published coefficients: ``"sobrino_2003"`` for
    MODIS (``split_window``), ``"2014"``, ``"2009"`` or ``"package"`` (``single_channel``). ``between_classes=False``
    takes the mono-window's coefficients of the class of vapour instead of interpolating between classes.
    """
    numbers = _coefficients(method, sensor, published, vapour=water_vapour is not None).numbers
    first, second = brightness_temperature_tir1, brightness_temperature_tir2
    zenith = 0.0 if view_zenith is None else view_zenith
    if method == "gsw":
        column = 0.0 if water_vapour is None else water_vapour
        split = kernels.generalised_split_window(numbers)
        return split(first, second, emissivity_tir1, emissivity_tir2, column, zenith)
    if method == "split_window":
        return kernels.split_window(first, second, emissivity_tir1, emissivity_tir2, water_vapour, *numbers)
    if method == "single_channel":
        return kernels.single_channel(first, emissivity_tir1, water_vapour, zenith, *numbers)
    if method == "smw":
        table = tables.by_class(numbers, water_vapour, between=between_classes)
        return kernels.mono_window(first, emissivity_tir1, *table)
    if method == "tes":
        bands = (brightness_temperature_tir_8_6, brightness_temperature_tir_10_4, first, second)
        seen = {role: band for role, band in zip(_ROLES, bands, strict=True) if band is not None}
        told, roles = sensor or tables.ASSUMED[method], tuple(seen)
        light, sky = _tes.at_surface(list(seen.values()), roles, told, water_vapour, air_temperature, zenith)
        return _tes.separate(light, sky, roles, told).temperature
    return kernels.radiative_transfer(
        radiance_tir1, path_radiance_tir1, sky_radiance_tir1, transmittance_tir1, emissivity_tir1, *numbers
    )
