"""Radiation that a production makes from simulated geostationary images, beside the truth of the same hours and days.

Root mean square error, bias and the share of cells whose error is within the stated one sigma (68 % where sigmas are
honest), for shortwave (dsr), photosynthetically active (par) and longwave (dlr) radiation of three hours and of days.
Three hours without light are left out for dsr and par: there both are zero. The set is by default that which nothing
was tuned on (``members="scored"``); its exact 6S takes some minutes an image, so that few images are made of it.

    python benchmarks/production_radiation.py [--simulation DIR] [--out DIR] [--members scored] [--days 2] [--hour 2]
        [--sensor himawari_ahi] [--edition 5km] [--period 2019-07-06]
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from _bench import table

import musyq_lab as ml
from musyq_lab.archive.naming import parse
from musyq_lab.archive.open import open_product
from musyq_lab.production.chain.produce import produce
from musyq_lab.standard.fields import on_grid

TRUTH = {"dsr": "downward_shortwave", "par": "downward_par", "dlr": "downward_longwave"}
HOURS = (22, 0, 2, 4, 6, 8, 10)
SENSORS = ("himawari_ahi", "fy4a_agri")


def truths(folder: Path, grid: Any) -> dict[str, xr.Dataset]:
    """Return the truth of each three hours and of each whole day on a grid, by label."""
    found: dict[str, xr.Dataset] = {}
    for path in sorted((folder / "truth").glob("MuSyQ.TRUTH_ENERGY_3H.*.h5")):
        name = parse(path.name)
        assert name is not None
        found[name.period] = on_grid(open_product(path)[list(TRUTH.values())], grid).compute()
    for day in sorted({label[:7] for label in found}):
        hours = [ds for label, ds in found.items() if label.startswith(f"{day}-")]
        if len(hours) == 8:
            found[day] = sum(hours[1:], hours[0]) / 8
    return found


def gather(files: Any, true: dict[str, xr.Dataset]) -> dict[str, tuple[list[Any], list[Any], list[Any]]]:
    """Return truth, error and one sigma of the cells of product files, by product."""
    found: dict[str, tuple[list[Any], list[Any], list[Any]]] = {}
    for path in files:
        name = parse(path.name)
        if name is None or name.period not in true:
            continue
        ds, truth = open_product(path), true[name.period][TRUTH[name.product]].values
        if name.product != "dlr" and truth.max() < 5.0:
            continue
        rows = found.setdefault(name.product, ([], [], []))
        for row, values in zip(
            rows, (truth, ds[name.product].values - truth, ds[f"{name.product}_uncertainty"].values), strict=True
        ):
            row.append(np.asarray(values, float).ravel())
    return found


def scores(truth: Any, error: Any, sigma: Any) -> list[float]:
    """Return count, mean truth, bias, root mean square error, share within one sigma and share without a value."""
    true, off, one = (np.concatenate(rows) for rows in (truth, error, sigma))
    there = np.isfinite(off) & np.isfinite(true)
    lost = 1.0 - there.sum() / max(np.isfinite(true).sum(), 1)
    off, one = off[there], one[there]
    return [there.sum(), true[there].mean(), off.mean(), np.sqrt(np.mean(off**2)), np.mean(np.abs(off) <= one), lost]


def main() -> None:
    """Simulate if need be, produce, and print the scores."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--simulation", type=Path, default=Path("musyq-sky"))
    ask.add_argument("--out", type=Path, default=Path("musyq-sky-products"))
    ask.add_argument("--members", default="scored")
    ask.add_argument("--days", type=int, default=2)
    ask.add_argument("--hour", type=float, action="append")
    ask.add_argument("--sensor", action="append")
    ask.add_argument("--edition", default="5km")
    ask.add_argument("--period")
    given = ask.parse_args()
    if not (given.simulation / "catalog.yml").is_file():
        ml.simulate(
            given.simulation, start="2019-07-05", days=given.days, sensors=given.sensor or SENSORS, size=28.0,
            resolution=1000.0, members=given.members, stationary_hours=given.hour or HOURS, three_hourly=True,
        )  # fmt: skip
    rows = []
    for step in ("3h", "1d"):
        made = produce(
            "dsr", "par", "dlr", inputs=given.simulation, out=given.out / step, edition=given.edition, step=step,
            period=given.period,
        )  # fmt: skip
        print(made)
        true = truths(given.simulation, made.plan.tile.grid)
        for key, parts in gather(made.files, true).items():
            rows.append([key, step, *(f"{value:.3g}" for value in scores(*parts))])
    heads = ["product", "step", "n", "truth W m-2", "bias", "rmse", "within", "lost"]
    table(f"{given.edition} beside truth (goal: daily dsr to 18 W m-2)", heads, rows)


if __name__ == "__main__":
    main()
