"""One climatology of the globe for the tests that need it (half a minute of work)."""

import pytest
import xarray as xr

from musyq_lab.applications import solar
from musyq_lab.core.resources import resource


@pytest.fixture(scope="session")
def job():
    """The whole job on the globe, as the recipe does it."""
    clear = solar.clear_sky_shortwave("0p25deg")
    index = solar.clear_sky_index(solar.ghi_climatology(), clear)
    raw = xr.Dataset(
        {
            "dsr": index["clear_sky_index"] * clear,
            "dsr_uncertainty": index["clear_sky_index_uncertainty"] * clear,
        }
    )
    dsr = solar.climatology(raw)
    with xr.open_dataset(resource("catalogs/samples/land_cover_mcd12c1_2019.nc"), engine="h5netcdf") as opened:
        land_cover = opened["land_cover"].load()
    shares = solar.suitable_shares(land_cover, solar.terrain_altitude(), dsr["dsr_annual"])
    altitude = solar.terrain_altitude(clear)
    potential = solar.technical_potential(dsr, clear, shares, altitude=altitude, index=index)
    return {"clear": clear, "index": index, "dsr": dsr, "shares": shares, "potential": potential, "land": land_cover}
