"""Surface temperature from longwave radiation at towers (OzFlux, SURFRAD), and how well the equations close there.

Prints, for each site: pairs of half hours, skin temperature and its diurnal range, what an emissivity that is wrong by
0.01 or left out with the sky's part makes of it, and the upward radiation made again by the product ``ulr``.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from _bench import table

from musyq_lab.archive.stations import open_ozflux_longwave, open_surfrad, skin_temperature
from musyq_lab.products.ulr import ulr

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDER = DATA / "ground_OzFlux_longwave"
SURFRAD = DATA / "ground_radiation_pvlib" / "surfrad-slv16001.dat"
UNKNOWN = 0.97
UNITS = {"surface_temperature": "K", "broadband_emissivity": "1", "downward_longwave": "W m-2"}


def monthly_emissivity(site: str) -> np.ndarray:
    """Return the emissivity of the twelve months that the collection gives for a site (source not stated there)."""
    row = pd.read_csv(FOLDER / "emis_lookup.csv").set_index("sitename").loc[site]
    return row[[f"e{month:02d}" for month in range(1, 13)]].to_numpy(float)


def upward(temperature: np.ndarray, emissivity: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """Return the upward radiation that the product makes, float32 as from files."""
    given = dict(zip(UNITS, (temperature, emissivity, sky), strict=True))
    made = {name: ("time", values.astype(np.float32), {"units": UNITS[name]}) for name, values in given.items()}
    return ulr(xr.Dataset(made), uncertainty=False).ulr.values


def rms(values: np.ndarray) -> float:
    """Return the root mean square of what is there."""
    return float(np.sqrt(np.nanmean(values**2)))


def describe(name: str, pairs: pd.DataFrame, emissivity: np.ndarray, hours: np.ndarray) -> list[object]:
    """Return the row of a site."""
    up, down = (pairs[f"{way}_longwave"].to_numpy() for way in ("upward", "downward"))
    skin = skin_temperature(up, down, emissivity)
    changed = skin_temperature(up, down, emissivity - 0.01) - skin
    without = skin_temperature(up, 0.0, emissivity) - skin
    day = (hours >= 10) & (hours < 15)
    means = pd.Series(skin).groupby(hours).mean()
    closed = rms(upward(skin, emissivity, down) - up)
    net = down - up
    return [
        name, len(pairs), float(np.nanmean(skin)), float(means.max() - means.min()), float(np.nanmax(skin)),
        rms(changed[day]), rms(changed[~day]), rms(without), closed, float(np.mean(net > 0)),
    ]  # fmt: skip


def main() -> None:
    """Print the table."""
    if not FOLDER.exists():
        print(f"needs the real data in {FOLDER}, which are not beside this checkout")
        return
    rows = []
    for path in sorted(FOLDER.glob("*_longwaveRad.csv.gz")):
        pairs = open_ozflux_longwave(path).dropna()
        local = pairs["local_time"].dt
        monthly = monthly_emissivity(str(pairs["station"].iloc[0]))
        rows.append(
            describe(path.name.split("_")[0], pairs, monthly[local.month.to_numpy() - 1], local.hour.to_numpy())
        )
    pairs = open_surfrad(SURFRAD).dropna(subset=["upward_longwave", "downward_longwave"])
    hours = ((pairs["time"] - pd.Timedelta(hours=7)).dt.hour).to_numpy()
    rows.append(describe("Alamosa, 1 day", pairs, np.full(len(pairs), UNKNOWN), hours))
    head = ["site", "N", "mean K", "diurnal range", "highest", "0.01 by day", "else", "sky left out", "ulr W m-2"]
    table("skin temperature from longwave radiation", [*head, "net down"], rows)
    print("  0.01: rms change (K) with an emissivity 0.01 lower, from 10 to 15 h and else; sky left out: rms error (K)")
    print("  ulr: rms difference of the product made from the skin temperature; net down: share with the sky warmer")


if __name__ == "__main__":
    main()
