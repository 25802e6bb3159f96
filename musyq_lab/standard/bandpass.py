"""Surface reflectance of any sensor in the bands of another: adjustment that depends on the spectrum.

Two sensors see different reflectances of one surface, since their bands differ. The ratio is no constant: it is 1.00
for bare soil and 0.74 for a dense canopy from GF-1 WFV1 red to Landsat OLI red. Here each reference band is computed
from up to six bands of the sensor by a relation fitted to a library of spectra; :mod:`musyq_lab.kernels.bandpass` has
the equation, :mod:`musyq_lab.standard._band_models` the reasons for it and its errors.

>>> from musyq_lab.standard import bandpass
>>> alike = bandpass.adjust(scene, to="modis")  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.sensor import Band
from musyq_lab.kernels import bandpass as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout
from musyq_lab.standard._band_lines import PAIRS, lines
from musyq_lab.standard._band_models import Bands, Hull, Relation, chain, hull, line_error

Method = Literal["library", "hls", "none"]
METHODS: tuple[Method, ...] = ("library", "hls", "none")
"""How bands are adjusted."""

ROLES = (
    "coastal",
    "blue",
    "green",
    "yellow",
    "red",
    "red_edge_1",
    "red_edge_2",
    "red_edge_3",
    "nir",
    "nir_narrow",
    "nir_1240",
    "swir1",
    "swir2",
)
"""Bands that are adjusted and that others are computed from; gases hide the surface in the others."""

_RANDOM, _SYSTEMATIC = layout.UNCERTAINTIES
Arrays = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """Bands of a scene and of a reference, by role."""

    sensor: str
    """Key of the scene's sensor, or of its reference if its bands were adjusted before."""
    variant: str
    """Platform or camera of it."""
    own: dict[str, Band]
    """Bands of the scene."""
    places: dict[str, int]
    """Their places along the dimension ``band``."""
    to: str
    """Key of the reference."""
    to_variant: str
    """Platform or camera of it."""
    wanted: dict[str, Band]
    """Bands of the reference."""

    @property
    def same(self) -> bool:
        """Whether both are one."""
        return (self.sensor, self.variant) == (self.to, self.to_variant) and self.own == {
            role: self.wanted.get(role) for role in self.own
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a block of pixels needs."""

    used: tuple[int, ...]
    """Places of the used bands in the scene, by wavelength."""
    chains: tuple[tuple[Relation, ...], ...]
    """For each reference band the relations to try in turn."""
    hull: Hull
    """Limits of the library."""


def adjust(
    scene: xr.Dataset,
    to: str = "modis",
    *,
    variant: str = "",
    bands: Sequence[str] | None = None,
    method: Method = "library",
) -> xr.Dataset:
    """Express surface reflectance in the bands of a reference sensor.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene at the surface, lazy or not.
    to : str, optional
        Reference sensor (``ml.SENSORS``).
    variant : str, optional
        Platform or camera of the reference, the first by default.
    bands : sequence of str, optional
        Roles wanted; by default all of :data:`ROLES` that both sensors have. Of several bands with one role, the
        reference has the first of its list.
    method : {"library", "hls", "none"}, optional
        Relations fitted to the library of spectra; published lines (HLS from Sentinel-2 to OLI and back, Roy et al.
        2016 from ETM+ to OLI); or no change.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` in the reference's bands, with its ``wavelength`` and ``fwhm``, and both parts of the
        uncertainty where the scene has them: the error of the relation joins the systematic
        part, since all looks of a sensor at a surface share it. Attributes
        ``reference_sensor`` and ``reference_platform``. Bands that cannot be given are left out, and the history says
        why. Bit ``outside_library`` of ``qa`` marks spectra unlike those of the library; they keep their value, with
        slopes and ratios held at the limits of the library.

    Raises
    ------
    InputError
        If the scene holds no surface reflectance, shares no band with the reference, or lacks a band that ``bands``
        names; if nothing is published for the pair (``method="hls"``).
    NotFoundError
        If there is no such sensor.

    Notes
    -----
    A pixel without a value in one of the bands that a relation uses is computed from its nearest band, red and near
    infrared, or from the nearest band alone, with the larger error of that; without the nearest band it has no value.
    """
    layout.require(scene, "bandpass.adjust", variables=("reflectance",), level=layout.SURFACE)
    if method not in METHODS:
        raise InputError(f"bandpass.adjust(method=...) knows no {method!r}.{closest(method, METHODS)}")
    if method == "none":
        return layout.add_step(scene, "bandpass.adjust", {"method": method})
    pair = _pair(scene, to, variant)
    sources = _sources(pair, method)
    roles = _chosen(pair, sources, bands)
    if pair.same:
        made, errors = scene.isel(band=[pair.places[role] for role in roles]), dict.fromkeys(roles, 0.0)
    elif method == "hls":
        made, errors = _by_lines(scene, pair, roles)
    else:
        made, errors = _by_library(scene, pair, roles)
    made = made.assign_attrs(reference_sensor=to, reference_platform=pair.to_variant)
    notes: dict[str, Any] = {"to": to, "variant": pair.to_variant, "method": method, "bands": roles}
    notes["error"] = {role: round(error, 5) for role, error in errors.items()}
    if left_out := _left_out(scene, pair, sources, roles):
        notes["left_out"] = left_out
    return layout.add_step(made, "bandpass.adjust", notes)


def _pair(scene: xr.Dataset, to: str, variant: str) -> Pair:
    """Find the bands of both sensors in their specs."""
    spec = SENSORS[to]
    if variant not in ("", *spec.variants, *spec.platforms):
        raise InputError(f"{spec.title} has no platform or camera {variant!r}.{closest(variant, spec.platforms)}")
    chosen = variant if variant in spec.variants else spec.variants[0]
    wanted: dict[str, Band] = {}
    for row in spec.bands_of(chosen):
        if row.name in ROLES:
            wanted.setdefault(row.name, row)
    before = scene.attrs.get("reference_sensor")
    sensor = str(before or scene.attrs["sensor"])
    own_variant = str(scene.attrs.get("reference_platform", "")) if before else layout.variant_of(scene)
    own_variant = own_variant or SENSORS[sensor].variants[0]
    rows, own, places = SENSORS[sensor].bands_of(own_variant), {}, {}
    for place, name in enumerate(str(name) for name in scene["band"].values):
        alike = [row for row in rows if row.name == name and name in ROLES]
        if len({row.centre for row in alike}) > 1 and "wavelength" in scene.coords:
            # Bands of different grids play one role: the scene's wavelength tells which of them it holds.
            centre = float(scene["wavelength"][place])
            alike.sort(key=lambda row: abs(row.centre - centre))
        if alike:
            own[name], places[name] = alike[0], place
    return Pair(sensor, own_variant, own, places, to, chosen, wanted)


def _sources(pair: Pair, method: Method) -> dict[str, str]:
    """Return the reference bands that can be given, each with the band of the scene it comes from first of all."""
    if method == "hls" and not pair.same:
        published = lines(pair.sensor, pair.variant, pair.to, pair.to_variant)
        if not published:
            raise InputError(
                f"No lines are published from {f'{pair.sensor} {pair.variant}'.strip()} to {pair.to}, only {PAIRS}. "
                "Use method='library'."
            )
        return {r: line.source for r, line in published.items() if r in pair.wanted and line.source in pair.own}
    return {role: role for role in ROLES if role in pair.wanted and role in pair.own}


def _chosen(pair: Pair, sources: Mapping[str, str], bands: Sequence[str] | None) -> list[str]:
    """Return the roles to compute, in the order of :data:`ROLES`."""
    if bands is not None and (missing := [name for name in bands if name not in sources]):
        raise InputError(
            f"bandpass.adjust cannot give {missing[0]!r} of {pair.to}: {_reason(pair, missing[0])}. "
            f"It can give {', '.join(sources) or 'none'}."
        )
    if not sources:
        raise InputError(
            f"This scene of {pair.sensor} and {pair.to} share no band that can be adjusted: it has "
            f"{', '.join(pair.places) or 'none'}, the reference {', '.join(pair.wanted) or 'none'}."
        )
    return [role for role in ROLES if role in (sources if bands is None else bands)]


def _reason(pair: Pair, role: str) -> str:
    if role not in ROLES:
        return "the surface is hidden in such a band, or it has no role"
    if role not in pair.wanted:
        return f"{pair.to} has no such band"
    if role not in pair.own:
        return f"the scene of {pair.sensor} has no such band"
    return "no line is published for it"


def _left_out(scene: xr.Dataset, pair: Pair, sources: Mapping[str, str], roles: Sequence[str]) -> dict[str, str]:
    """Return why bands of the scene and of the reference are not in the result."""
    names = dict.fromkeys([*(str(name) for name in scene["band"].values), *pair.wanted])
    reasons = {name: "not asked for" if name in sources else _reason(pair, name) for name in names}
    return {name: reason for name, reason in reasons.items() if name not in roles}


def _by_library(scene: xr.Dataset, pair: Pair, roles: Sequence[str]) -> tuple[xr.Dataset, dict[str, float]]:
    by_wavelength = sorted(pair.own, key=lambda role: pair.own[role].centre)
    bands = Bands(pair.sensor, pair.variant, tuple(pair.own[role].native for role in by_wavelength))
    reference = Bands(pair.to, pair.to_variant, tuple(pair.wanted[role].native for role in roles))
    chains = tuple(chain(bands, reference, by_wavelength.index(role), k) for k, role in enumerate(roles))
    plan = Plan(tuple(pair.places[role] for role in by_wavelength), chains, hull(bands))
    stacks = [name for name in ("reflectance", *layout.UNCERTAINTIES) if name in scene]
    inputs = [_whole(scene[name]) for name in stacks]
    found = xr.apply_ufunc(
        _pixels,
        *inputs,
        kwargs={"plan": plan, "names": tuple(stacks)},
        input_core_dims=[["band"]] * len(stacks),
        output_core_dims=[["band"]] * len(stacks) + [[]],
        exclude_dims={"band"},
        dask="parallelized",
        output_dtypes=[np.result_type(scene["reflectance"].dtype, np.float32)] * len(stacks) + [np.dtype(bool)],
        dask_gufunc_kwargs={"output_sizes": {"band": len(roles)}},
        keep_attrs="drop",
    )
    *layers, far = found
    made = _assembled(scene, pair, roles, dict(zip(stacks, layers, strict=True)))
    errors = {role: relations[0].error for role, relations in zip(roles, chains, strict=True)}
    return layout.with_flag(made, "outside_library", far), errors


def _by_lines(scene: xr.Dataset, pair: Pair, roles: Sequence[str]) -> tuple[xr.Dataset, dict[str, float]]:
    published = lines(pair.sensor, pair.variant, pair.to, pair.to_variant)
    layers: dict[str, list[xr.DataArray]] = {}
    errors = {}
    for role in roles:
        line = published[role]
        one = scene.isel(band=pair.places[line.source], drop=True)
        band = Bands(pair.sensor, pair.variant, (pair.own[line.source].native,))
        reference = Bands(pair.to, pair.to_variant, (pair.wanted[role].native,))
        share, errors[role] = line_error(band, reference, line.slope, line.offset)
        layers.setdefault("reflectance", []).append(one["reflectance"] * line.slope + line.offset)
        if _RANDOM in scene:
            layers.setdefault(_RANDOM, []).append(abs(line.slope) * one[_RANDOM])
        if _SYSTEMATIC in scene:
            variance = (line.slope * one[_SYSTEMATIC]) ** 2 + (share * one["reflectance"]) ** 2
            layers.setdefault(_SYSTEMATIC, []).append(variance**0.5)
    stacks = {name: xr.concat(parts, "band", coords="minimal", compat="override") for name, parts in layers.items()}
    return _assembled(scene, pair, roles, stacks), errors


def _whole(stack: xr.DataArray) -> xr.DataArray:
    """Return a stack whose bands lie in one chunk."""
    return stack.chunk(band=-1) if stack.chunks is not None else stack


def _assembled(scene: xr.Dataset, pair: Pair, roles: Sequence[str], stacks: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Return the scene with other bands."""
    rows = [pair.wanted[role] for role in roles]
    along: dict[Any, Any] = {"band": ("band", list(roles), scene["band"].attrs)}
    for name, words in (("wavelength", "centre of the band"), ("fwhm", "full width at half maximum of the band")):
        values = np.array([row.centre if name == "wavelength" else row.fwhm for row in rows])
        along[name] = ("band", values, {"long_name": words, "units": "um"})
    made = {
        name: stack.transpose(*scene[name].dims).assign_coords(along).assign_attrs(scene[name].attrs)
        for name, stack in stacks.items()
    }
    return scene.drop_dims("band").assign(made)


def _pixels(*stacks: Arrays, plan: Plan, names: tuple[str, ...]) -> tuple[Arrays, ...]:
    """Compute a block of pixels: stacks with bands last, the same out, then whether the spectrum is strange."""
    dtype = np.result_type(stacks[0].dtype, np.float32)
    planes = {
        name: [np.ascontiguousarray(stack[..., k], dtype) for k in plan.used]
        for name, stack in zip(names, stacks, strict=True)
    }
    shape = stacks[0].shape[:-1]
    results = {name: np.empty((len(plan.chains), *shape), dtype) for name in names}
    for k, relations in enumerate(plan.chains):
        layers = _related(relations[0], planes)
        for relation in relations[1:]:
            nearest = planes["reflectance"][relation.nearest]
            again = ~np.isfinite(layers["reflectance"]) & np.isfinite(nearest)
            if again.any():
                part = {name: [plane[again] for plane in own] for name, own in planes.items()}
                for name, values in _related(relation, part).items():
                    layers[name][again] = values
        for name in names:
            results[name][k] = layers[name]
    seen = [planes["reflectance"][k] for k in plan.hull.sources]
    far = kernels.outside(len(seen))(*seen, *plan.hull.limits) > 0.0
    return (*(np.moveaxis(results[name], 0, -1) for name in names), far)


def _related(relation: Relation, planes: Mapping[str, Sequence[Arrays]]) -> dict[str, Arrays]:
    """Apply one relation; the parts of the uncertainty are none where the scene has none."""
    count, at = len(relation.sources), relation.sources
    x = [planes["reflectance"][k] for k in at]
    nearest = planes["reflectance"][relation.nearest]
    if len(planes) == 1:
        return {"reflectance": kernels.without_uncertainty(count)(nearest, *x, *relation.coefficients)}
    parts = [planes[name][k] if name in planes else 0.0 for name in layout.UNCERTAINTIES for k in at]
    found = kernels.with_uncertainty(count)(nearest, *x, *parts, *relation.coefficients, *relation.uncertainty)
    return dict(zip(("reflectance", *layout.UNCERTAINTIES), found, strict=True))
