"""Exercises of the notebooks *30_simulated_earth* and *40_standardization*: the aerosol of a scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.training._truth import Truth
from musyq_lab.twin.simulate import Simulation


def of_clear_pixels(sim: Simulation, row: dict[str, Any], clear: NDArray[np.bool_]) -> Truth:
    """Return the mean optical depth (1, at 550 nm) over the clear cells when a granule was seen.

    Parameters
    ----------
    sim
        The simulated Earth.
    row
        Of its granules.
    clear
        Cells under a clear sky, shape (y, x).
    """
    depth = float(sim.truth(row["time"])["aod"].values[clear].mean())
    return Truth(depth, mistakes={"end_of_table": (0.0, 1.0)})


def of_dense_canopies(truth: xr.Dataset, dense: NDArray[np.bool_]) -> Truth:
    """Return the mean optical depth (1, at 550 nm) over the dense canopies of a scene.

    Parameters
    ----------
    truth
        On the pixels of the scene.
    dense
        Pixels of dense canopies, shape (y, x).
    """
    return Truth(float(truth["aod"].values[dense].mean()), mistakes={"end_of_table": (0.0, 0.8)})
