"""The layers of a composite as a Dataset: names, coordinates and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.composite._plan import FLAGS, Plan
from musyq_lab.composite.select import Look
from musyq_lab.core.quality import QA_DTYPE, flag_attributes
from musyq_lab.standard import layout


def named(layers: Any, looks: Sequence[Look], sensors: list[str], plan: Plan) -> xr.Dataset:
    """Name the layers."""
    scene = looks[0].scene
    plane = layout.plane_of(scene)
    count, floats = plan.bands, plan.floats
    real = layers[:floats].view(np.float32)
    whole = layers[floats:]
    variables: dict[str, Any] = {
        "reflectance": (("band", *plane), real[:count]),
        "reflectance_uncertainty": (("band", *plane), real[count : 2 * count]),
        "sensor_share": (("sensor", *plane), real[2 * count : floats - 2]),
        "window_length": (plane, real[floats - 2]),
        "time_offset": (plane, real[floats - 1]),
        "n_obs": (plane, whole[0].astype(np.uint16)),
        "composite_qa": (plane, whole[1].astype(QA_DTYPE)),
        "lineage": (("word", *plane), whole[2:]),
    }
    coords: dict[str, Any] = {
        **{name: scene[name] for name in (*plane, "spatial_ref") if name in scene.coords},
        "band": list(plan.names),
        "sensor": sensors,
        "granule": [look.granule for look in looks],
        "granule_time": ("granule", np.array([look.time for look in looks], "datetime64[ns]")),
    }
    for name in ("wavelength", "fwhm"):
        values = [_along(looks, band, name) for band in plan.names]
        coords[name] = ("band", np.array(values), dict(scene[name].attrs) if name in scene.coords else {"units": "um"})
    made = xr.Dataset(variables, coords)
    for name, attrs in _ATTRIBUTES.items():
        made[name].attrs.update(attrs)
    return made


def _along(looks: Sequence[Look], band: str, name: str) -> float:
    """Return a fact of a band from the first look that has it."""
    for look in looks:
        if name in look.scene.coords and band in look.scene["band"].values:
            return float(look.scene[name].sel(band=band))
    return float("nan")


_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "reflectance": {"standard_name": "surface_bidirectional_reflectance", "units": "1"},
    "reflectance_uncertainty": {"long_name": "one standard uncertainty of the reflectance", "units": "1"},
    "sensor_share": {"long_name": "share of a sensor in the weight", "units": "1"},
    "window_length": {"long_name": "length of the window of time that the looks are from", "units": "days"},
    "time_offset": {"long_name": "mean time of the looks after the middle of the period", "units": "days"},
    "n_obs": {"long_name": "number of looks used", "units": "1"},
    "composite_qa": {
        "long_name": "quality bits of the composite",
        "standard_name": "quality_flag",
        "units": "1",
        **flag_attributes(FLAGS),
    },
    "lineage": {"long_name": "granules that made the pixel, bit k of word j for granule 32 j + k", "units": "1"},
}
