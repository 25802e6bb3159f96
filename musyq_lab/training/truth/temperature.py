"""Exercises of the notebook *50_temperature*."""

from __future__ import annotations

import xarray as xr

from musyq_lab.training._truth import Truth

STEFAN_BOLTZMANN = 5.670374419e-8
"""W m-2 K-4 (CODATA 2018)."""


def below_mast(
    true: xr.DataArray, at: int, up: float, down: float, e: float, lst: xr.DataArray, sigma: xr.DataArray
) -> Truth:
    """Return the temperature (K) of the ground below a mast.

    Parameters
    ----------
    true
        Surface temperature (K) of the simulated Earth at the time of the granule.
    at
        Cell of the mast, counted along the rows.
    up, down
        Longwave radiation from below and from above (W m-2).
    e
        Broadband emissivity of the ground (1).
    lst, sigma
        What the sensor found, and its stated uncertainty (K).
    """

    def kelvin(emitted: float) -> float:
        return float((emitted / STEFAN_BOLTZMANN) ** 0.25)

    wrong = {"black_body": kelvin(up), "no_reflection": kelvin(up / e)}
    wrong |= {"sky_added": kelvin((up + (1 - e) * down) / e), "down_for_up": kelvin(down / e)}
    seen, one_sigma = (float(field.values.flat[at]) for field in (lst, sigma))
    note = f"The satellite found {seen:.2f} K there, with a sigma of {one_sigma:.2f} K."
    return Truth(float(true.values.flat[at]), mistakes=wrong, note=note)
