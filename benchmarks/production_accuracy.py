"""Products that a production makes from simulated granules, beside the truth of the same five days.

The set is that which nothing was tuned on (``members="scored"``): canopies and soils that no training saw, direct 6S.
Truth is the mean of the days of the period, brought to the grid by area. Root mean square error, bias, and the share of
cells whose error is within the stated one sigma (68 % where sigmas are honest); a real map has no such truth.

    python benchmarks/production_accuracy.py [--simulation DIR] [--out DIR] [--edition 1km] [--size 6] [PRODUCT ...]
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
from musyq_lab.production.chain.region import tile_of
from musyq_lab.standard.fields import on_grid

SENSORS = ("landsat_oli", "sentinel2_msi", "gf1_wfv", "modis")
PRODUCTS = ("lai", "fpar", "gpp", "npp")
TRUTH = {
    "lai": ("truth_canopy", "lai"),
    "fvc": ("truth_canopy", "fraction_vegetation_cover"),
    "fpar": ("truth_carbon", "fpar"),
    "gpp": ("truth_carbon", "gpp"),
    "npp": ("truth_carbon", "npp"),
    "evapotranspiration": ("truth_carbon", "evapotranspiration"),
    "albedo": ("truth_energy", "albedo"),
    "dlr": ("truth_energy", "downward_longwave"),
}
"""Product -> the product of truth and its layer."""


def truths(folder: Path, period: str) -> dict[tuple[str, str], xr.DataArray]:
    """Return the layers of truth of a period by product and name."""
    found = {}
    for path in sorted((folder / "truth").glob("*.h5")):
        name = parse(path.name)
        if name and name.period == period:
            ds = open_product(path)
            found |= {(name.product, str(layer)): ds[layer] for layer in ds.data_vars}
    return found


def scores(made: xr.DataArray, sigma: xr.DataArray | None, truth: xr.DataArray) -> dict[str, float]:
    """Return count, bias, root mean square error, spread of truth and share within one sigma."""
    error = np.asarray(made.values - truth.values, float)
    there = np.isfinite(error)
    within = np.nan if sigma is None else np.mean(np.abs(error[there]) <= sigma.values[there])
    return {
        "n": int(there.sum()),
        "truth": float(truth.values[there].mean()),
        "bias": float(error[there].mean()),
        "rmse": float(np.sqrt(np.mean(error[there] ** 2))),
        "within": float(within),
    }


def beside_truth(path: Path, folder: Path, grid: Any) -> dict[str, float]:
    """Return the scores of a product file."""
    name = parse(path.name)
    assert name is not None
    product, layer = TRUTH[name.product]
    ds, truth = open_product(path), truths(folder, name.period)[product, layer]
    if ds[name.product].attrs["units"] != truth.attrs["units"]:
        raise SystemExit(f"{path.name} is in {ds[name.product].attrs['units']}, truth in {truth.attrs['units']}.")
    true = on_grid(truth.to_dataset(name=layer), grid)[layer]
    return scores(ds[name.product], ds.get(f"{name.product}_uncertainty"), true)


def main() -> None:
    """Simulate if need be, produce, and print the scores."""
    ask = argparse.ArgumentParser()
    ask.add_argument("products", nargs="*", default=list(PRODUCTS))
    ask.add_argument("--simulation", type=Path, default=Path("musyq-scored"))
    ask.add_argument("--out", type=Path, default=Path("musyq-scored-products"))
    ask.add_argument("--edition", default="1km")
    ask.add_argument("--size", type=float, default=6.0)
    ask.add_argument("--period")
    given = ask.parse_args()
    if not (given.simulation / "catalog.yml").is_file():
        ml.simulate(given.simulation, sensors=SENSORS, size=given.size, days=10, members="scored")
    made = produce(*given.products, inputs=given.simulation, out=given.out, edition=given.edition, period=given.period)
    print(made)
    grid = tile_of(given.edition, None, made.plan.stock).grid
    rows = []
    for path in made.files:
        name = parse(path.name)
        if name and name.product in TRUTH:
            found = beside_truth(path, given.simulation, grid)
            rows.append([name.product, name.period, *(f"{found[key]:.3g}" for key in found)])
    table(f"{given.edition} beside truth", ["product", "period", "n", "truth", "bias", "rmse", "within"], rows)


if __name__ == "__main__":
    main()
