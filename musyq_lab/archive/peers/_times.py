"""When the values hold: by name, by an attribute, by a layer of the file or by a text beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.peers._containers import READERS, Stored
from musyq_lab.archive.peers._find import PeerGranule
from musyq_lab.core.errors import ArchiveError

_AXIS = {"standard_name": "time", "long_name": "date that the producer gives (UTC)", "axis": "T"}


def instants(granules: Sequence[PeerGranule], attributes: Mapping[str, Any], layers: Mapping[str, Stored]) -> Any:
    """Return the date of each granule, or of each layer along the first axis of the only one.

    Parameters
    ----------
    granules : sequence of PeerGranule
        In order of time.
    attributes, layers : mapping
        Of the first.

    Returns
    -------
    numpy.ndarray of datetime64[ns]
        Empty where nobody tells.
    """
    first = granules[0]
    if first.layout.timeline:
        return _listed(first)
    if first.layout.time_axis:
        return _stored(first, layers)
    dates = [granule.date for granule in granules]
    if first.layout.moment and dates[0] is None:
        dates = [_said(attributes, *first.layout.moment)]
    return np.array([] if None in dates else dates, "datetime64[ns]")


def _said(attributes: Mapping[str, Any], name: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(str(attributes.get(name, "")).strip().title(), form)
    except ValueError:
        return None


def _listed(granule: PeerGranule) -> Any:
    place = granule.path.parent / granule.layout.timeline
    try:
        return np.array(place.read_text("ascii").split(), "datetime64[ns]")
    except ValueError as error:
        raise ArchiveError(f"{place} is no list of dates ({error}).") from error


def _stored(granule: PeerGranule, layers: Mapping[str, Stored]) -> Any:
    name = granule.layout.time_axis
    if name not in layers:
        raise ArchiveError(f"{granule.path} lacks the instants {name!r}. It is damaged.")
    values, attributes = READERS[granule.layout.container].read(str(granule.path), name, (slice(0, None),))
    said = {key: attributes[key] for key in ("units", "calendar") if key in attributes}
    return xr.conventions.decode_cf_variable(name, xr.Variable(("time",), values, said)).values


def series(ds: xr.Dataset, times: Any) -> xr.Dataset:
    """Return a Dataset with its time: an axis where it has one, else a single instant.

    Raises
    ------
    ArchiveError
        If the number of instants is not the length of the axis.
    """
    if "time" in ds.dims:
        if len(times) != ds.sizes["time"]:
            raise ArchiveError(f"{len(times)} instants are listed for {ds.sizes['time']} layers. A file is incomplete.")
        return ds.assign_coords(time=("time", times, dict(_AXIS)))
    return ds.assign_coords(time=((), times[0], dict(_AXIS))) if len(times) == 1 else ds
