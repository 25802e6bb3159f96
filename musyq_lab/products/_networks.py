"""Leaf area, FPAR and cover from reflectance by small networks trained on our own canopies.

The networks ship (``catalogs/networks/networks.npz``, made by ``train.py`` beside it, errors in ``accuracy.csv``): for
each sensor and set of its bands one network a variable and one for its standard error. PROSPECT-D leaves in 4SAIL
canopies, drawn over the ranges of the S2ToolBox ATBD, are seen through the responses of the sensor, with noise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.quality import FIRST_OWN_BIT, Flag
from musyq_lab.core.resources import resource
from musyq_lab.core.spec import Input
from musyq_lab.kernels import network
from musyq_lab.kernels.network import ANGLES, Domain, Net, Noise
from musyq_lab.products import _lookup
from musyq_lab.sensors._registry import SENSORS

__all__ = [
    "BANDS",
    "FLAGS",
    "INPUTS",
    "Given",
    "by_table",
    "check",
    "estimate",
    "estimate_with_uncertainty",
    "given",
    "quality",
]

_TABLE = "catalogs/networks/networks.npz"
REFERENCE = "modis/Terra"
"""Sensor whose bands are assumed where none is named: the programme adjusts all sensors to it."""
BANDS = (
    *("red", "nir", "green", "swir1", "swir2"),
    *("nir_narrow", "red_edge_1", "red_edge_2", "red_edge_3"),
)
"""Roles that networks use."""
MAX_SUN, MAX_VIEW = 75.0, 65.0
"""Largest zenith angles (degrees) of the training base."""

_NO_LAND_COVER = 'The method "lut" needs land_cover (IGBP class, 1 to 17): add it, or take method="network".'

Array = NDArray[Any]

INPUTS = (
    # Without defaults for their errors: those of the training base are part of the networks' own.
    Input("reflectance_red"),
    *(Input(f"reflectance_{role}", optional=True) for role in BANDS if role != "red"),
    Input("sun_zenith", limits=(0.0, 90.0)),
    Input("view_zenith", optional=True),
    Input("relative_azimuth", optional=True),
)
"""Inputs of every product made by networks; which bands of ``BANDS`` are there decides which network it is."""

# Tolerance, least and most of effective leaf area, FPAR and cover: as in SL2P (Weiss, Baret & Jay 2020), but FPAR as in
# the training base, whose lowest Sun lies at 15 degrees (SL2P 0.94).
_EXTREMES = {"lai": (0.2, 0.0, 8.0), "fpar": (0.1, 0.0, 0.98), "fvc": (0.1, 0.0, 1.0)}

OUTSIDE = Flag(
    FIRST_OWN_BIT, "outside_training", "reflectance or angles are unlike those of the network's training canopies"
)
AT_LOW = Flag(FIRST_OWN_BIT + 1, "at_lower_limit", "the network gave less than is possible: the least value is set")
AT_HIGH = Flag(FIRST_OWN_BIT + 2, "at_upper_limit", "the network gave more than it can tell: the largest value is set")
NADIR = Flag(
    FIRST_OWN_BIT + 3, "nadir_assumed", "the view angles are not known: a view from straight above was assumed"
)
ASSUMED = Flag(
    FIRST_OWN_BIT + 4,
    "sensor_assumed",
    "the scene names no sensor or platform that has networks: its bands were taken for those of MODIS, or of the "
    "sensor's first platform",
)
FLAGS = (OUTSIDE, AT_LOW, AT_HIGH, NADIR, ASSUMED)
"""Bits of every product made by networks."""


@dataclass(frozen=True)
class Given:
    """What a network is given."""

    reflectance: Mapping[str, Array | None]
    """Surface reflectance (1) by role; None where the scene has no such band."""
    sun_zenith: Array
    """Degrees."""
    view_zenith: Array | None = None
    """Degrees; nadir where None."""
    relative_azimuth: Array | None = None
    """Degrees, 0 with Sun and sensor on one side."""
    sensor: str = ""
    """``"<sensor>/<variant>"`` whose bands these are; :data:`REFERENCE` where empty."""
    sigma: Mapping[str, Array] = field(default_factory=dict)
    """Standard error of the reflectance by role, where known."""

    @property
    def chosen(self) -> _Networks:
        """Networks of the sensor that use most of the bands given."""
        given = frozenset(role for role, array in self.reflectance.items() if array is not None)
        return _choose(self.sensor or REFERENCE, given)

    def arrays(self) -> list[Any]:
        """Return the reflectances that the networks use, in their order."""
        return [self.reflectance[role] for role in self.chosen.bands]

    def angles(self) -> list[Any]:
        """Return the angles, nadir where the view is not known."""
        kind = self.sun_zenith.dtype.type
        # Without an azimuth the direction across the Sun's plane stands for all.
        view = kind(0.0) if self.view_zenith is None else self.view_zenith
        azimuth = kind(90.0) if self.relative_azimuth is None else self.relative_azimuth
        return [self.sun_zenith, view, azimuth]

    def zero(self) -> Array:
        """Return 0 where all that the networks use is there, else NaN."""
        total: Array = 0 * sum(self.arrays(), start=self.sun_zenith)
        return total


@dataclass(frozen=True)
class _Networks:
    bands: tuple[str, ...]
    nets: Mapping[str, Net]
    floors: Mapping[str, float]
    domain: Domain
    noise: Noise


def given(arguments: Mapping[str, Any]) -> Given:
    """Return what a retrieval's function was given for a network: its keyword arguments, those of others left out."""
    roles = {role: f"reflectance_{role}" for role in BANDS}
    return Given(
        {role: arguments.get(name) for role, name in roles.items()},
        arguments["sun_zenith"],
        arguments.get("view_zenith"),
        arguments.get("relative_azimuth"),
        arguments.get("sensor", ""),
        {r: arguments[f"{n}_uncertainty"] for r, n in roles.items() if f"{n}_uncertainty" in arguments},
    )


def estimate(variable: str, inputs: Given) -> Array:
    """Return the value of a variable: effective leaf area (m2 m-2), FPAR (1) or cover (1).

    Parameters
    ----------
    variable : {"lai", "fpar", "fvc"}
        What to estimate.
    inputs : Given
        Reflectances and angles.

    Returns
    -------
    array
        Values up to the tolerance beyond the extremes are set to these; NaN farther off.

    Raises
    ------
    NotFoundError
        If the sensor is not known or has no network for the bands given.
    """
    kernel = network.estimate(inputs.chosen.nets[variable])
    return _limited(variable, kernel(*inputs.arrays(), *inputs.angles()))


def estimate_with_uncertainty(variable: str, inputs: Given) -> tuple[Array, Array]:
    """Return the value of :func:`estimate` and its standard error.

    Errors of the reflectance count as far as they exceed the noise of the training base.

    Parameters
    ----------
    variable, inputs
        As for :func:`estimate`.

    Returns
    -------
    value, sigma : array
        In the units of the variable.
    """
    chosen = inputs.chosen
    nets = chosen.nets[variable], chosen.nets[f"{variable}_error"]
    kernel = network.with_uncertainty(*nets, chosen.noise, chosen.floors[variable])
    arrays = inputs.arrays()
    errors = [inputs.sigma.get(role) for role in chosen.bands]
    known = [x.dtype.type(0.0) if e is None else e for x, e in zip(arrays, errors, strict=True)]
    value, spread = kernel(*arrays, *known, *inputs.angles())
    return _limited(variable, value), spread


def quality(variable: str, inputs: Given, value: Array | None) -> dict[str, Any]:
    """Return where each of :data:`FLAGS` holds.

    Parameters
    ----------
    variable, inputs
        As for :func:`estimate`.
    value : array or None
        What it returned; None for a value that is a table's, which limits of the network do not concern.
    """
    sun, view, _ = inputs.angles()
    far = network.distance(inputs.chosen.domain)(*inputs.arrays()) > 1.0
    found = {
        OUTSIDE.name: far | (sun > MAX_SUN) | (view > MAX_VIEW),
        NADIR.name: np.bool_(inputs.view_zenith is None),
        ASSUMED.name: np.bool_(not _is_known(inputs.sensor)),
    }
    if value is None:
        return found
    _, least, most = _EXTREMES[variable]
    return found | {
        AT_LOW.name: value <= least,
        AT_HIGH.name: value >= most * (1.0 - 1e-6),  # leaf area comes back through two roundings
    }


def by_table(inputs: Given, land_cover: Array | None) -> _lookup.LeafArea:
    """Return what the look-up table of the programme's way says, from the bands that a network would take.

    Raises
    ------
    InputError
        If the land cover is not given, which says what grows there.
    """
    if land_cover is None:
        raise InputError(_NO_LAND_COVER)
    bands, sensor = inputs.chosen.bands, inputs.sensor or REFERENCE
    sun, view, azimuth = inputs.angles()
    return _lookup.leaf_area(bands, inputs.arrays(), sun, view, azimuth, land_cover, sensor)


def _limited(variable: str, value: Array) -> Array:
    tolerance, least, most = _EXTREMES[variable]
    kind = value.dtype.type
    held = np.minimum(np.maximum(value, kind(least)), kind(most))
    made: Array = np.where((value < least - tolerance) | (value > most + tolerance), kind(np.nan), held)
    return made


def check(*, given: frozenset[str], method: str, sensor: str = "") -> None:
    """Refuse a sensor or a set of bands that no network serves, before anything is computed.

    Parameters
    ----------
    given : frozenset of str
        Names of the inputs that are there.
    method : str
        Only ``"network"`` and ``"lut"`` are checked.
    sensor : str
        As for :class:`Given`.

    Raises
    ------
    NotFoundError
        If there is no network; the message names those that there are.
    InputError
        If the method asks for a land cover that is not there.
    """
    if method == "lut" and "land_cover" not in given:
        raise InputError(_NO_LAND_COVER)
    if method in ("network", "lut"):
        _choose(sensor or REFERENCE, frozenset(role for role in BANDS if f"reflectance_{role}" in given))


@lru_cache(maxsize=256)
def _choose(sensor: str, given: frozenset[str]) -> _Networks:
    key, _, variant = sensor.partition("/")
    known = _table().get(key)
    if known is None:
        blind = "which has no red and near-infrared bands. Give the reflectance of another sensor."
        why = blind if key in SENSORS else f"which is not known.{closest(key, _table())}"
        raise NotFoundError(f"There is no network for {sensor!r}, {why}")
    own = known.get(variant) or known[next(iter(known))]
    usable = [networks for networks in own if given.issuperset(networks.bands)]
    if not usable:
        sets = "; ".join(sorted((", ".join(networks.bands) for networks in own), key=len))
        raise NotFoundError(
            f"There is no network of {key} for the bands {', '.join(sorted(given))}: its sets are {sets}. Give the "
            "reflectance of all bands of one of these sets, or name another sensor: sensor='...'."
        )
    return max(usable, key=lambda networks: len(networks.bands))


def _is_known(sensor: str) -> bool:
    key, _, variant = sensor.partition("/")
    return variant in _table().get(key, {})


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, list[_Networks]]]:
    """Return the networks by sensor and variant."""
    with np.load(resource(_TABLE), allow_pickle=False) as stored:
        head, weights = json.loads(stored["index"].tobytes()), stored["weights"].astype(float)
    found: dict[str, dict[str, list[_Networks]]] = {}
    for entry in head["networks"]:
        parts = {name: weights[start : start + size] for name, (start, size) in entry["parts"].items()}
        made = _networks(tuple(entry["bands"]), parts, head["scales"], Noise(*head["noise"]))
        for name in entry["sensors"]:
            key, _, variant = name.partition("/")
            found.setdefault(key, {}).setdefault(variant, []).append(made)
    return found


def _networks(
    bands: tuple[str, ...], parts: Mapping[str, Array], scales: Mapping[str, float], noise: Noise
) -> _Networks:
    count = len(bands)
    nets = {}
    for name, scale in scales.items():
        nets[name] = _net(parts[name], count, scale)
        nets[f"{name}_error"] = _net(parts[f"{name}_error"], count, 0.0)
    low, high, mean, *rows = np.split(parts["domain"][:-1], range(count, count * (count + 3), count))
    whitening = tuple(tuple(row[: k + 1].tolist()) for k, row in enumerate(rows))
    limit = float(parts["domain"][-1])
    domain = Domain(tuple(low.tolist()), tuple(high.tolist()), tuple(mean.tolist()), whitening, limit)
    return _Networks(bands, nets, {n: float(parts[f"{n}_floor"][0]) for n in scales}, domain, noise)


def _net(values: Array, bands: int, scale: float) -> Net:
    """Unpack a network: for each neuron its weights, bias and output; then the constant."""
    inputs = bands + len(ANGLES)
    rows = values[:-1].reshape(-1, inputs + 2)
    weights = tuple(map(tuple, rows[:, :inputs].tolist()))
    return Net(weights, tuple(rows[:, inputs].tolist()), tuple(rows[:, -1].tolist()), float(values[-1]), scale)
