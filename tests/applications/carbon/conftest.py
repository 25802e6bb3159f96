"""Small fields whose fluxes several tests look at, made in Python without compiling."""

import pytest
from applications.carbon.world import equal_days, seasons

from musyq_lab.applications import carbon
from musyq_lab.applications.carbon.tables import Budget

CLASSES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]


@pytest.fixture(autouse=True)
def twins(monkeypatch):
    """Run few pixels in Python: each combination of arrays and numbers would be compiled anew."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


@pytest.fixture(scope="session")
def mod17():
    """Return steps, months and years of the drivers of the MOD17 vectors, one cell a class, 365 equal days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSYQ_DISABLE_JIT", "1")
        steps = carbon.step_fluxes(equal_days(CLASSES))
        months = carbon.monthly_fluxes(steps)
    return steps, months, carbon.annual_fluxes(months)


@pytest.fixture(scope="session")
def earth():
    """Return months and budget of five years of a made-up globe of 10 degrees, its fluxes made up as well."""
    fields = seasons(range(2011, 2016), 10.0)
    plants = fields["land_cover"] != 16
    fields["gpp"] = (0.09 * fields["fpar"] * fields["downward_par"]).where(plants).assign_attrs(units="g m-2 d-1")
    fields["npp"] = (0.5 * fields["gpp"]).assign_attrs(units="g m-2 d-1")
    fields["gpp_uncertainty"], fields["npp_uncertainty"] = 0.28 * fields["gpp"], 0.5 * fields["npp"]
    steps = carbon.step_fluxes(fields)
    months = carbon.monthly_fluxes(steps)
    annual = carbon.annual_fluxes(months)
    truth = 0.9 * annual[["gpp", "npp"]]
    return months, Budget(annual, steps["land_cover"], truth=truth)
