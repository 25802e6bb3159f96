"""Derive the table of spectra that ships with MuSyQ Lab: leaves, ice and sunlight from 400 to 2500 nm by 1 nm.

Usage: ``python catalogs/spectra/derive.py DATASPEC SNOWOPTICS ASTMG173 [--out FILE]``

``DATASPEC`` is the table of PROSPECT-D or PROSPECT-PRO: ``data-raw/dataSpec_PRO.txt`` of jbferet/prospect (MIT), with
the same numbers as ``prospect_d_spectra.txt`` of the package prosail 2.0.5, which was the file at hand. The module
``mod_dataspec_pdb`` of the package xleaf 1.2.2 (MIT) holds them to five digits.
``SNOWOPTICS`` is ``snowoptics/refractive_index.py`` of the package snowoptics 0.99.2 (MIT), which lists the table of
Warren & Brandt (2008). It is taken between its points linearly in the logarithms, as its authors advise.
``ASTMG173`` is ``pvlib/data/ASTMG173.csv`` (BSD-3-Clause): ASTM G173-03, computed by NREL with SMARTS 2.9.2.
"""

from __future__ import annotations

import argparse
import ast
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
WAVELENGTH = np.arange(400, 2501)
LEAF = ("refractive", "chlorophyll", "carotenoids", "anthocyanins", "brown", "water", "dry")
DIGITS = (5, 6, 6, 6, 5, 5, 5)


def leaf(path: Path) -> NDArray[np.float64]:
    """Return the seven columns of leaves."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    rows = np.array([line[:8] for line in lines if line and line[0].isdigit()], float)
    if rows.shape != (WAVELENGTH.size, 8) or not (rows[:, 0] == WAVELENGTH).all():
        raise SystemExit(f"{path}: {rows.shape} is not 2101 wavelengths by 8 columns")
    return rows[:, 1:]


def ice(path: Path) -> NDArray[np.float64]:
    """Return the imaginary part of the refractive index of ice."""
    found = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            numbers = [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
            found[node.targets[0].id] = np.array([n for n in numbers if isinstance(n, int | float)], float)
    wavelength, index = found["wl2008"][1:], found["refice2008_i"]  # the first number is the factor from um to nm
    if wavelength.size != index.size:
        raise SystemExit(f"{path}: {wavelength.size} wavelengths, {index.size} indices")
    return np.exp(np.interp(np.log(WAVELENGTH), np.log(1000.0 * wavelength), np.log(index)))


def sunlight(path: Path) -> NDArray[np.float64]:
    """Return irradiance outside the atmosphere and on the ground (global, tilted 37 degrees), W m-2 nm-1."""
    rows = np.loadtxt(path, delimiter=",", skiprows=2, usecols=(0, 1, 2))
    return np.stack([np.interp(WAVELENGTH, rows[:, 0], rows[:, k]) for k in (1, 2)], axis=1)


def main() -> None:
    """Read, check and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("dataspec", "snowoptics", "astmg173"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "spectra.csv")
    chosen = parser.parse_args()
    table = np.column_stack([leaf(chosen.dataspec), ice(chosen.snowoptics), sunlight(chosen.astmg173)])
    digits = (*DIGITS, 5, 5, 5)
    with chosen.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("wavelength_nm", *LEAF, "ice", "sun_outside", "sun_ground"))
        for wavelength, row in zip(WAVELENGTH, table, strict=True):
            writer.writerow((wavelength, *(f"{x:.{d}g}" for x, d in zip(row, digits, strict=True))))
    print(f"{WAVELENGTH.size} wavelengths, {chosen.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
