"""A look at the simulated Earth, where it has what the algorithm needs: fields that belong together."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

import numpy as np
import xarray as xr

from musyq_lab.core.spec import Input
from musyq_lab.core.units import convert, convertible
from musyq_lab.kernels._compile import jit_disabled
from musyq_lab.production.contract._case import Case, bad, finding, finite_share, good, short, skipped
from musyq_lab.production.contract.report import Finding
from musyq_lab.production.contract.samples import SCENE

_NOON = datetime(2019, 7, 1, 4)  # near local noon in the north of China, at the height of summer
_BAND = "reflectance_"
_FIELDS = (
    "lai", "canopy_height", "clumping_index", "air_temperature", "vapour_pressure", "relative_humidity", "wind_speed",
    "surface_pressure", "aod", "water_vapour", "ozone", "soil_moisture", "snow_fraction", "cloud_optical_depth",
    "sun_zenith", "fpar", "downward_shortwave", "downward_par", "downward_longwave", "upward_longwave",
    "net_radiation", "ground_heat", "surface_temperature", "albedo", "broadband_emissivity",
)  # fmt: skip
_BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
_SENSOR, _PLATFORM = "modis", "Terra"


def simulated(case: Case) -> Finding:
    """Check that it works on a small simulated scene; where the truth is known, tell how far it is off."""
    if reason := _why_not(case):
        return skipped(reason)
    needed = {i.name for i in case.needed}
    bands = [i.name for i in case.spec.inputs if i.name.startswith(_BAND)]
    roles = [name.removeprefix(_BAND) for name in bands if name in needed or name.removeprefix(_BAND) in _BANDS]
    try:
        truth = _truth(tuple(sorted(roles)))
    except Exception as error:
        return skipped(f"The simulated Earth has not these bands ({short(error)}).")
    fields = {i.name: _field(truth, i) for i in case.spec.inputs}
    there = {name: field for name, field in fields.items() if field is not None}
    attrs = {name: text for name, text in SCENE.items() if name != "reflectance_level"}
    made = case.run(xr.Dataset(there, attrs=attrs))
    finite = finite_share(made, case.everything)
    name = max(finite, key=lambda n: finite[n])
    if finite[name] == 0:
        return bad(
            "None of its variables has a value on a simulated scene of farmland and hills in July.",
            "See explain() of the result for why; ranges of inputs that exclude ordinary land are a common cause.",
        )
    known = [told for v in case.spec.variables if (told := _beside(made, truth, v.name))]
    text = f"On a simulated scene {finite[name]:.0%} of {name!r} has a value"
    if known:
        return finding("noted", f"{text}; beside the truth: {'; '.join(known)}.")
    return good(f"{text}.")


def _why_not(case: Case) -> str:
    """Return why it cannot be tried, empty where it can."""
    if case.spec.support != "pixel":
        return "Series, windows and scenes are not simulated here."
    if jit_disabled():
        return "Compilation is switched off, without which the simulated Earth takes minutes."
    lacking = [i.name for i in case.needed if i.name not in _FIELDS and not i.name.startswith(_BAND)]
    return f"The simulated Earth has no {', '.join(lacking)}." if lacking else ""


@lru_cache(maxsize=4)
def _truth(roles: tuple[str, ...]) -> xr.Dataset:
    """Return the fields of an instant, with reflectance in some bands of MODIS seen from above."""
    from musyq_lab.twin.beneath import surface_reflectance
    from musyq_lab.twin.truth import georeferenced
    from musyq_lab.twin.world import make_world

    world = make_world("huailai", size=6, resolution=500)
    fields = world.state(_NOON).copy(deep=True)
    if roles:
        seen = surface_reflectance(world, _SENSOR, _NOON, roles, _PLATFORM)
        fields = fields.assign({f"{_BAND}{role}": seen.sel(band=role, drop=True) for role in roles})
    fields["surface_pressure"] = (fields["surface_pressure"] * 100.0).assign_attrs(units="Pa")
    return georeferenced(world, fields)


def _field(truth: xr.Dataset, item: Input) -> xr.DataArray | None:
    """Return an input from the truth in its units, None where it is not there."""
    if item.name not in truth:
        return None
    given = truth[item.name]
    given = given if "units" in given.attrs else given.assign_attrs(units=item.units)
    return convert(given, item.units) if convertible(str(given.attrs["units"]), item.units) else None


def _beside(made: xr.Dataset, truth: xr.Dataset, name: str) -> str:
    """Return bias and root mean square difference of a variable that the truth knows, empty where it does not."""
    if name not in truth or not convertible(str(truth[name].attrs.get("units", "")), str(made[name].attrs["units"])):
        return ""
    apart = made[name].values - truth[name].values
    if not np.isfinite(apart).any():
        return ""
    return f"{name} bias {np.nanmean(apart):.3g}, root mean square {np.sqrt(np.nanmean(apart**2)):.3g}"
