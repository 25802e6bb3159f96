"""Exercises of the notebook *50_temperature*."""

from __future__ import annotations

import xarray as xr

from musyq_lab.training._truth import Truth

STEFAN_BOLTZMANN = 5.670374419e-8
"""W m-2 K-4 (CODATA 2018)."""


def below_mast(truth: xr.Dataset, at: int, up: float, down: float, e: float) -> Truth:
    """Return the temperature (K) of the ground below a mast.

    Parameters
    ----------
    truth
        Fields of the simulated Earth at the time of the granule.
    at
        Cell of the mast, counted along the rows.
    up, down
        Longwave radiation from below and from above (W m-2).
    e
        Broadband emissivity of the ground (1).
    """

    def kelvin(emitted: float) -> float:
        return float((emitted / STEFAN_BOLTZMANN) ** 0.25)

    return Truth(
        float(truth["surface_temperature"].values.flat[at]),
        mistakes={
            "black_body": kelvin(up),
            "no_reflection": kelvin(up / e),
            "sky_added": kelvin((up + (1 - e) * down) / e),
        },
    )
