"""Derive the coefficients of the split-window covariance ratio for every sensor with two bands at 11 and 12 um.

Usage: ``python catalogs/water_vapour/derive.py [--out FOLDER]`` (about a minute on one core; the same bytes every time)

The clear atmospheres of ``catalogs/lst`` (see there) are seen over surfaces 12 K colder to 30 K warmer than the air, of
emissivity 0.97, under angles from 0 to 58 degrees. Over the surfaces of one atmosphere

    R = sum (T1 - mean T1) (T2 - mean T2) / sum (T1 - mean T1)^2

is nearly the ratio of the transmittances (Li et al. 2003, Int. J. Remote Sensing 24, 5095), and the column of vapour
along the path, W / cos (g cm-2), is fitted as c0 + c1 R + c2 R^2 (form of Ren et al. 2015, doi 10.1002/2014JD022619).
``rmse`` is that of W over other atmospheres, without noise: the relation itself, not what noise makes of R.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lst"))

import derive as lst  # noqa: E402  # the script beside the tables of temperature

Floats = NDArray[np.float64]
ANGLES = slice(0, 5)  # of lst.ANGLES: 0 to 58 degrees
EMISSIVITY = 0.97
HEAD = """# Column of water vapour from the ratio of covariance to variance of brightness temperatures at 11 and 12 um:
# W = cos(view zenith) (c0 + c1 R + c2 R^2) in g cm-2; rmse of W beside other atmospheres (g cm-2). See derive.py.
# origin "ren2015": Ren et al. 2015, doi 10.1002/2014JD022619 (TIGR atmospheres, MODTRAN 5.2, nadir, rmse 0.5 g cm-2),
# the order of the numbers as corrected in the GRASS module i.landsat8.swlst, where they were read; not re-read.
# origin "derived": derive.py here.
"""


def ratio(first: Floats, second: Floats) -> Floats:
    """Return R over the last dimension."""
    away = first - first.mean(-1, keepdims=True)
    return (away * (second - second.mean(-1, keepdims=True))).sum(-1) / (away**2).sum(-1)


def seen(key: str, variant: str, bands: tuple[lst.Band, ...], one: lst.Simulated) -> tuple[Floats, Floats]:
    """Return R and the column along the path (g cm-2), dims (profile, angle)."""
    looks = [lst.look(key, variant, band) for band in bands]
    even = np.full(one.surface.shape, EMISSIVITY)
    first, second = (lst.temperature(k, lst.top(k, one, one.columns[0], even)) for k in looks)
    slant = one.vapour[:, None] / np.cos(np.radians(lst.ANGLES))
    return ratio(first, second)[:, ANGLES], slant[:, ANGLES]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    sets = {kind: lst.simulate(kind) for kind in ("fit", "test")}
    lines = ["sensor,variant,origin,c0,c1,c2,rmse", "landsat_oli,,ren2015,9.087,0.653,-9.674,0.5"]
    for key, variant, bands in lst.pairs():
        if len(bands) != 2:
            continue
        x, path = seen(key, variant, bands, sets["fit"])
        c2, c1, c0 = np.polyfit(x.ravel(), path.ravel(), 2)
        other, truth = seen(key, variant, bands, sets["test"])
        cosine = np.cos(np.radians(lst.ANGLES[ANGLES]))
        error = np.sqrt(np.mean(((c0 + c1 * other + c2 * other**2 - truth) * cosine) ** 2))
        lines.append(f"{key},{variant},derived,{c0:.5g},{c1:.5g},{c2:.5g},{error:.3g}")
    (out / "covariance_ratio.csv").write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
