"""``ml.composite``: standard scenes of several sensors made into one value for a period.

For each pixel the clear looks of the period, or of a longer window around it where there are too few, are brought to
one geometry, compared with their weighted median, and averaged by what they state of their uncertainty. Where many
angles were seen, the kernels of directional reflectance are inverted instead. The result says which granules made it.

The idea of one virtual sensor out of several follows MCBI (Wen et al. 2017, doi 10.1109/TGRS.2016.2613899); its "net
information index" is not published in full, and the weights here are those of :mod:`musyq_lab.composite.weight` and
:mod:`musyq_lab.kernels.looks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from musyq_lab.composite import weight
from musyq_lab.composite._graph import layers, own_bands
from musyq_lab.composite._named import named
from musyq_lab.composite._plan import Column, Plan
from musyq_lab.composite.multiangle import FEWEST
from musyq_lab.composite.report import ATTRIBUTE, written
from musyq_lab.composite.select import JUDGED, Aside, Grid, Look, Scene, gather, period_of, spans
from musyq_lab.core.attributes import CONVENTIONS, history_line
from musyq_lab.core.errors import InputError
from musyq_lab.core.period import Convention, Period
from musyq_lab.standard import layout

Method = Literal["auto", "brdf", "mean"]
METHODS = ("auto", "brdf", "mean")

ENOUGH = 3
"""Clear looks that make a longer window needless: the least with which one can be told from the others."""


def composite(
    scenes: Iterable[Scene],
    *,
    period: Period | datetime | str,
    convention: Convention = "year",
    grid: Grid | None = None,
    bands: Sequence[str] | None = None,
    method: Method = "auto",
    windows: Sequence[float] = (5, 10, 15),
    enough: int | None = None,
    sun_zenith: float | xr.DataArray | None = None,
    normalize: bool = True,
    sensor_weights: Mapping[str, float] | None = None,
    dropped: Sequence[str] = weight.DROPPED,
    lowered: Mapping[str, float] = weight.LOWERED,
    standardize: Callable[[str | Path], xr.Dataset] | None = None,
) -> xr.Dataset:
    """Make one value per pixel and band for a period from standard scenes of several sensors, lazily.

    Parameters
    ----------
    scenes : iterable of Dataset or path
        Standard scenes of surface reflectance on one grid, of any sensors, already adjusted to the same bands; or paths
        of granules, which ``standardize`` then brings there. One that cannot be used is set aside with the reason: see
        :func:`musyq_lab.composite.report.load_report`.
    period : Period, datetime or str
        Period, or an instant (``"2019-07-01"``) in one of five days.
    convention : {"year", "month"}
        73 or 72 periods of five days a year, see :mod:`musyq_lab.core.period`.
    grid : GeoGrid, ProjectedGrid or str, optional
        Grid of the result. For Datasets the one that most of them are on; needed for paths.
    bands : sequence of str, optional
        Roles; all that occur by default. A look without a band simply does not count there; red and nir are needed.
    method : {"auto", "brdf", "mean"}
        ``"mean"``: weighted mean of looks brought to one geometry by the c-factor
        (:func:`musyq_lab.standard.nadir.normalize`); ``"brdf"``: inversion of kernels
        (:func:`musyq_lab.composite.multiangle.invert`), of their magnitude alone where directions are few; ``"auto"``:
        full inversion where directions determine it, else the mean.
    windows : sequence of float
        Lengths (days) tried in turn until a pixel has enough clear looks: the first stands for the period itself, the
        others add their difference from it, half before and half after.
    enough : int, optional
        Clear looks that make a longer window needless: 3 by default (the least with which one can be told from the
        others), 7 for ``"brdf"``.
    sun_zenith : float or DataArray on the pixels, optional
        Zenith angle of the Sun (deg) that looks are brought to; by default that at 10:30 local solar time
        (:mod:`musyq_lab.composite._sun`).
    normalize : bool
        Whether looks are brought to one geometry before they are compared; False takes them as they are.
    sensor_weights : mapping of str to float, optional
        Factor for sensors whose looks shall weigh more or less than 1; 0 leaves them out.
    dropped : sequence of str
        Quality flags whose pixels are not used.
    lowered : mapping of str to float
        Factor of the weight of pixels with a flag.
    standardize : callable, optional
        Makes a standard scene on the grid from a path; by default ``ml.standardize`` with ``adjust_to="modis"``.

    Returns
    -------
    Dataset, dims (band, *plane)
        ``reflectance`` (1) and ``reflectance_uncertainty`` (one sigma); on the plane ``n_obs`` (looks used),
        ``window_length`` (days), ``time_offset`` (mean time of the looks, days from the middle of the period) and
        ``composite_qa`` (bits); ``sensor_share (sensor, *plane)``, of the weight; ``lineage (word, *plane)``, one bit
        for each name along ``granule`` (:func:`musyq_lab.composite.lineage.granules_of`). Attributes give the period
        and the load report. The order of ``scenes`` changes nothing, to the last bit.

    Raises
    ------
    InputError
        If no scene can be used, or a parameter is not possible.
    """
    when = period_of(period, convention)
    stretches = spans(when, windows)
    if method not in METHODS:
        raise InputError(f"There is no method {method!r} of compositing. Use one of {', '.join(METHODS)}.")
    enough = (FEWEST if method == "brdf" else ENOUGH) if enough is None else enough
    if enough < 1:
        raise InputError(f"enough={enough} looks make no composite. Give 1 or more.")
    looks, aside = gather(scenes, stretches, grid, opener_of(standardize, grid))
    if not looks:
        raise InputError(_nothing(aside, stretches[-1]))
    names = _bands(looks, bands)
    sensors = sorted({look.sensor for look in looks})
    plan = Plan(
        columns=tuple(_column(look, when, list(names), sensors, sensor_weights) for look in looks),
        names=tuple(names),
        wavelengths=tuple(names.values()),
        judged=(list(names).index(JUDGED[0]), list(names).index(JUDGED[1])),
        sensors=len(sensors),
        windows=tuple((s.end - s.start).total_seconds() / 86400 for s in stretches),
        enough=float(enough),
        method=method,
        normalize=normalize,
        dropped=tuple(dropped),
        lowered=tuple(sorted(lowered.items())),
    )
    weight.table(plan.dropped, dict(plan.lowered))  # unknown flags are refused now, not when computed
    made = named(layers(looks, plan, when.middle, sun_zenith), looks, sensors, plan)
    parameters = {"period": when.label, "bands": list(names), "windows": list(windows), "enough": enough}
    parameters |= {"method": method, "normalize": normalize}
    parameters["sun_zenith"] = "given" if isinstance(sun_zenith, xr.DataArray) else sun_zenith
    parameters |= {"sensor_weights": dict(sensor_weights or {}), "dropped": list(dropped), "lowered": dict(lowered)}
    return made.assign_attrs(_attributes(when, looks, aside, parameters))


def opener_of(standardize: Callable[[str | Path], xr.Dataset] | None, grid: Grid | None) -> Any:
    """Return what opens the path of a granule: what was given, else ``ml.standardize`` for a grid."""
    if standardize is None and grid is not None:
        from musyq_lab.standard import pipeline

        return partial(pipeline.standardize, grid=grid, adjust_to="modis")
    return standardize


def _nothing(aside: Sequence[Aside], span: Period) -> str:
    if not aside:
        return "composite() got no scenes."
    reasons = "; ".join(f"{a.granule}: {a.reason}" for a in aside[:3])
    more = f" (and {len(aside) - 3} more)" if len(aside) > 3 else ""
    return f"None of the {len(aside)} scenes can be used between {span.start} and {span.end} UTC. {reasons}{more}"


def _bands(looks: Sequence[Look], bands: Sequence[str] | None) -> dict[str, float]:
    """Return the roles of the composite and their wavelengths (um), in the order of these."""
    centre: dict[str, float] = {}
    for look in looks:
        for name, wavelength in zip(look.scene["band"].values, look.scene["wavelength"].values, strict=True):
            centre.setdefault(str(name), float(wavelength))
    if missing := [name for name in bands or () if name not in centre]:
        raise InputError(f"No scene has the band {missing[0]!r}. There are {', '.join(sorted(centre))}.")
    chosen = set(centre) if bands is None else {*bands, *JUDGED}
    return {name: centre[name] for name in sorted(chosen, key=lambda name: (centre[name], name))}


def _column(
    look: Look, period: Period, bands: Sequence[str], sensors: Sequence[str], weights: Mapping[str, float] | None
) -> Column:
    own = own_bands(look, bands)
    days = weight.offset(look.time, period)
    return Column(
        sensor=sensors.index(look.sensor),
        rank=look.rank,
        weight=weight.of_time(days)
        * weight.of_sensor(look.sensor, weights)
        * weight.of_footprint(look.scene, look.sensor),
        days=days,
        bands=tuple(own.index(name) if name in own else -1 for name in bands),
        directional=look.scene.attrs.get("reflectance_direction") != "normalised",
    )


def _attributes(
    period: Period, looks: Sequence[Look], aside: Sequence[Aside], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "Conventions": CONVENTIONS,
        "title": f"Composite of {period.label}",
        "period": period.label,
        **period.coverage,
        "reflectance_level": layout.SURFACE,
        "history": history_line("composite", parameters),
        ATTRIBUTE: written(looks, aside),
    }
