r"""Pixels of a scene onto the cells of a grid: sparse weights, interpolation, and means that leave gaps out.

A mean over footprints is

.. math:: y_c = \frac{\sum_p w_{cp} x_p}{\sum_p w_{cp}}, \qquad
   \sigma_c = \frac{\sqrt{\sum_p w_{cp}^2 \sigma_p^2}}{\sum_p w_{cp}}

over the valid pixels :math:`p`, with :math:`w_{cp}` the area that cell and pixel share, in cells; :math:`\sigma` is
for errors that are independent from pixel to pixel. Sums run in double precision, in the order of the pixels.

Everything here takes and gives numpy arrays; :mod:`musyq_lab.standard.warp` is what users call.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from musyq_lab.kernels import _footprints
from musyq_lab.kernels._footprints import Array, Doubles, Weights, native, plain_floats
from musyq_lab.kernels._inline import inline
from musyq_lab.kernels._points import ENOUGH, between, cubic, pick, places

__all__ = ["Weights", "between", "bits", "cubic", "mean", "mesh", "nearest_pixel", "noise", "overlap", "pick", "places"]

_NO_POLE = np.array([-math.inf, math.inf])


def overlap(
    top: Doubles, bottom: Doubles, shape: tuple[int, int], period: float = 0.0, poles: Doubles = _NO_POLE
) -> Weights:
    """Return the exact areas that footprints share with the cells of a block.

    Parameters
    ----------
    top, bottom : ndarray, shape (rows, columns + 1, 2)
        Corners of the footprint of pixel (i, j): ``top[i, j]``, ``top[i, j + 1]``, ``bottom[i, j + 1]``,
        ``bottom[i, j]``, each as (v, u) in cells from the outer corner of the block. NaN leaves a pixel out.
    shape : tuple of int
        Rows and columns of the block.
    period : float
        Columns round the globe for a geographic grid, 0 for none.
    poles : ndarray, shape (2,)
        Rows at which the grid ends at the poles, for footprints that hold one.
    """
    rows, columns = shape
    cells, pixels = rows * columns, top.shape[0] * (top.shape[1] - 1)
    room = int(1.25 * (cells + pixels + 1.5 * math.sqrt(cells * pixels))) + 64
    while True:
        cell, pixel, share = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
        start = np.zeros(cells + 1, np.int64)
        found = native(_footprints.overlaps)(
            np.ascontiguousarray(top), np.ascontiguousarray(bottom), rows, columns, float(period), poles,
            cell, pixel, share, start[1:],
        )  # fmt: skip
        if found >= 0:
            break
        room *= 2
    np.cumsum(start, out=start)
    weights = Weights(start, np.empty(found, np.int32), np.empty(found))
    native(_footprints.by_cell)(cell, pixel, share, found, *weights)
    return weights


def mesh(
    top: Doubles, bottom: Doubles, rows: Doubles, shape: tuple[int, int], period: float = 0.0
) -> tuple[Doubles, Doubles]:
    """Return where the centres of cells lie among pixel centres, as fractional rows and columns.

    Parameters
    ----------
    top, bottom : ndarray, shape (n, columns, 2)
        Neighbouring rows of pixel centres as (v, u) in cells: each pair spans a strip of the mesh. Where strips
        overlap, the first one counts.
    rows : ndarray, shape (n,)
        Row number of each ``top``.
    shape, period
        As for :func:`overlap`.
    """
    row, column = np.full(shape, np.nan), np.full(shape, np.nan)
    native(_footprints.locate)(
        np.ascontiguousarray(top), np.ascontiguousarray(bottom), rows, *shape, float(period), row, column
    )
    return row, column


def nearest_pixel(
    centre: Doubles, top: Doubles, bottom: Doubles, shape: tuple[int, int], scale: Doubles, period: float = 0.0
) -> tuple[Doubles, Doubles]:
    """Return row and column of the pixel nearest to the centre of each cell, NaN where no footprint lies.

    Parameters
    ----------
    centre : ndarray, shape (rows, columns, 2)
        Pixel centres as (v, u) in cells.
    top, bottom, shape, period
        As for :func:`overlap`.
    scale : ndarray, shape (shape[0],)
        Length of a column beside that of a row, for each row of cells.
    """
    row, column, best = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.inf)
    native(_footprints.claim)(
        np.ascontiguousarray(centre), np.ascontiguousarray(top), np.ascontiguousarray(bottom), *shape, float(period),
        scale, best, row, column,
    )  # fmt: skip
    return row, column


@inline
def _mean(start: Any, pixel: Any, share: Any, values: Any, least: float, power: int, out: Any) -> None:
    for band in range(values.shape[0]):
        for cell in range(out.shape[1]):
            total, whole = 0.0, 0.0
            for k in range(start[cell], start[cell + 1]):
                x, w = float(values[band, pixel[k]]), share[k]
                if abs(x) < math.inf:
                    total += w * x if power == 1 else (w * x) * (w * x)
                    whole += w
            if whole > 0.0 and whole >= least:
                out[band, cell] = total / whole if power == 1 else math.sqrt(total) / whole
            else:
                out[band, cell] = math.nan


def mean(weights: Weights, values: Array, shape: tuple[int, int], min_valid: float = 0.0) -> Array:
    """Return the weighted mean of the valid pixels of each cell.

    Parameters
    ----------
    weights : Weights
        Of a block of cells.
    values : ndarray, shape (bands, rows, columns)
        The window of the source; what is not finite is not valid.
    shape : tuple of int
        Rows and columns of the block.
    min_valid : float
        Share of the cell that valid pixels must cover, else NaN.

    Returns
    -------
    ndarray, shape (bands, *shape)
        In the type of the values.
    """
    return _over(weights, values, shape, min_valid, 1)


def noise(weights: Weights, values: Array, shape: tuple[int, int], min_valid: float = 0.0) -> Array:
    """Return the standard error of the weighted mean from that of each pixel, errors being independent.

    Parameters and result as for :func:`mean`.
    """
    return _over(weights, values, shape, min_valid, 2)


def _over(weights: Weights, values: Array, shape: tuple[int, int], min_valid: float, power: int) -> Array:
    flat = plain_floats(values).reshape(values.shape[0], -1)
    out = np.empty((flat.shape[0], shape[0] * shape[1]), flat.dtype)
    native(_mean)(*weights, flat, min_valid - ENOUGH, power, out)
    return out.reshape(-1, *shape)


@inline
def _bits(start: Any, pixel: Any, share: Any, flags: Any, least: Any, min_valid: float, out: Any) -> None:
    for cell in range(out.size):
        seen, union, common = 0.0, 0, 0xFFFF
        for k in range(start[cell], start[cell + 1]):
            word = int(flags[pixel[k]])
            if word & 1 == 0:
                seen += share[k]
                union, common = union | word, common & word
        result = common & union
        mixed = union ^ result
        for bit in range(1, 16):
            if (mixed >> bit) & 1:
                part = 0.0
                for k in range(start[cell], start[cell + 1]):
                    word = int(flags[pixel[k]])
                    part += share[k] * ((word >> bit) & 1 & ~word)
                result |= (1 << bit) if part >= (least[bit] - ENOUGH) * seen else 0
        out[cell] = result if seen > 0.0 and seen >= min_valid else result | 1


def bits(weights: Weights, flags: Array, shape: tuple[int, int], least: Doubles, min_valid: float = 0.0) -> Array:
    """Return the quality bits of each cell.

    Parameters
    ----------
    weights : Weights
        Of a block of cells.
    flags : ndarray of uint16, shape (rows, columns)
        The window of the source; bit 0 means no data.
    shape : tuple of int
        Rows and columns of the block.
    least : ndarray, shape (16,)
        Share of the seen area that pixels with a bit must cover for the cell to have it.
    min_valid : float
        Share of the cell that pixels with data must cover, else bit 0 is set.
    """
    out = np.empty(shape[0] * shape[1], np.uint16)
    native(_bits)(*weights, np.require(flags, np.uint16, ["C", "W"]).ravel(), least, min_valid - ENOUGH, out)
    return out.reshape(shape)
