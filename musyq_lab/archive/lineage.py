"""Where a product came from, inside its file: the record of its making and the granules behind each pixel.

The record is PROV-JSON (https://www.w3.org/submissions/prov-json/), kept as the compressed characters
``/provenance/prov_json``. A group keeps it out of ``ds.attrs``; an attribute would be neither compressed nor checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from musyq_lab.archive.structure import set_attributes, unlabelled
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files import bounded
from musyq_lab.files.safety import check_hdf5, damage, opened

GROUP = "provenance"
"""Group of the record."""
RECORD = "prov_json"
"""Dataset in it: one character a cell."""
_CHUNK = 2**16


def text_of(provenance: Mapping[str, Any]) -> str:
    """Return the record as it is stored: keys in order, no spaces, so that equal records give equal bytes.

    Parameters
    ----------
    provenance : mapping
        PROV-JSON: texts, numbers, lists and mappings with texts as keys.

    Raises
    ------
    InputError
        If it holds something else, or a number that is not finite.
    """
    try:
        text = json.dumps(dict(provenance), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The provenance cannot be written as JSON ({error}). Give texts, finite numbers, lists and mappings only."
        ) from error
    return text


def store(file: h5py.File, text: str) -> None:
    """Write the record of :func:`text_of` into a file.

    Parameters
    ----------
    file : h5py.File
        Open for writing, without a record.
    text : str
        The record.
    """
    data = np.frombuffer(text.encode(), "S1")
    group = file.create_group(GROUP)
    made = group.create_dataset(
        RECORD,
        data=data,
        chunks=(min(data.size, _CHUNK),),
        compression="gzip",
        fletcher32=True,
        track_times=False,
    )
    # netCDF readers join the characters to a text of this encoding.
    set_attributes(made, {"_Encoding": "utf-8", "long_name": "provenance (W3C PROV-JSON)"})
    made.dims[0].attach_scale(unlabelled(group, f"{RECORD}_characters", data.size))


def provenance(path: str | Path) -> dict[str, Any]:
    """Return the record of how a product file was made.

    Parameters
    ----------
    path : str or pathlib.Path
        A product file.

    Returns
    -------
    dict
        PROV-JSON: what inputs, parameters and code determine. Times and hosts are in the run record beside the file.

    Raises
    ------
    NotFoundError
        If there is no such file, or it carries no record.
    ArchiveError
        If the file or its record is damaged.
    """
    check_hdf5(path)
    with opened(path) as file, damage(path):
        group = file.get(GROUP)
        if not isinstance(group, h5py.Group) or RECORD not in group:
            raise NotFoundError(
                f"{path} carries no provenance. Products of musyq produce do; write_product(..., provenance=) adds it."
            )
        data = np.asarray(bounded.read(group[RECORD]))
    try:
        # Not through numpy's texts: a cell of S1 that is zero would vanish from their end.
        found = json.loads(data.tobytes().decode())
    except ValueError as error:
        raise ArchiveError(f"The provenance of {path} is damaged ({error}). Write the file again.") from error
    if not isinstance(found, dict):
        raise ArchiveError(f"The provenance of {path} is damaged: it is no mapping. Write the file again.")
    return found
