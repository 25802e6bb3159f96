"""How the chunks of a layer are packed, and rows of them written."""

from __future__ import annotations

from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.files.direct import write_chunk

Compression = Literal["gzip", "zstd"]
_ZSTD_LEVEL = 3


def filters(compression: str) -> dict[str, Any]:
    """Return the options of ``create_dataset`` for a compression.

    Parameters
    ----------
    compression : str
        ``"gzip"``, which every HDF5 library reads, or ``"zstd"``, for which readers need a plug-in.

    Raises
    ------
    InputError
        If it is another word, or its plug-in is not installed.
    """
    if compression == "gzip":
        return {"shuffle": True, "compression": "gzip", "compression_opts": 4}
    if compression == "zstd":
        try:
            import hdf5plugin
        except ImportError:
            raise InputError(
                "compression='zstd' needs a plug-in of HDF5: pip install 'musyq-lab[zstd]'. Or leave it at 'gzip'."
            ) from None
        return {"shuffle": True, **hdf5plugin.Zstd(clevel=_ZSTD_LEVEL)}
    raise InputError(f"compression={compression!r} is unknown. Use 'gzip' or 'zstd'.")


def store_rows(dataset: h5py.Dataset, block: NDArray[Any], first: int) -> None:
    """Write one row of chunks.

    Parameters
    ----------
    dataset : h5py.Dataset
        Chunked; its last two dimensions are the map's.
    block : numpy.ndarray
        Stored numbers (..., rows, columns) over the whole width.
    first : int
        Row it begins at, a multiple of the chunk's.
    """
    width, rows = dataset.chunks[-1], slice(first, first + block.shape[-2])
    # One chunk takes all of the leading dimensions in most files; then it can go past the library.
    past = block.shape[:-2] == dataset.chunks[:-2] and dataset.compression == "gzip"
    for column in range(0, block.shape[-1], width):
        columns = slice(column, column + width)
        part = np.ascontiguousarray(block[..., columns])
        if past:
            write_chunk(dataset, (*(0 for _ in block.shape[:-2]), first, column), part)
        else:
            dataset[..., rows, columns] = part
