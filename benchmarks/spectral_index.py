"""NDVI + EVI of a 3000 x 3000 float32 scene beside numpy, spyndex, xarray-spatial and the copy bandwidth."""

import numpy as np
import spyndex
import xarray as xr
import xrspatial.multispectral as xrs
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels.spectral_index import FORMULAS, bands_of, index_kernel

SIDE = 3000


def with_numpy(b, r, n):
    """Plain numpy expressions."""
    return (n - r) / (n + r), 2.5 * (n - r) / (n + 6 * r - 7.5 * b + 1)


def with_spyndex(b, r, n):
    """Both indices in one call; EVI's parameters given."""
    return spyndex.computeIndex(["NDVI", "EVI"], {"B": b, "R": r, "N": n, "g": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0})


def main() -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    # A blue band as dark as real ones: no denominator of EVI comes near zero, where float32 and float64 part.
    b, r, n = (rng.uniform(0.02, top, (SIDE, SIDE)).astype(np.float32) for top in (0.1, 0.5, 0.5))
    xb, xr_, xn = (xr.DataArray(a, dims=("y", "x")) for a in (b, r, n))
    kernel = index_kernel(("ndvi", "evi"))
    out = (np.empty_like(b), np.empty_like(b))
    copy, copied = copy_job()
    jobs = {
        "musyq, out=": lambda: kernel(b, r, n, out=out),
        "copy": copy,
        "musyq, new arrays": lambda: kernel(b, r, n),
        "numpy": lambda: with_numpy(b, r, n),
        "spyndex on numpy": lambda: with_spyndex(b, r, n),
        "spyndex on xarray": lambda: with_spyndex(xb, xr_, xn),
        "xarray-spatial": lambda: (xrs.ndvi(xn, xr_), xrs.evi(xn, xr_, xb)),
    }
    for mine, theirs in zip(kernel(b, r, n), with_numpy(*(a.astype(float) for a in (b, r, n))), strict=True):
        assert np.allclose(mine, theirs, rtol=2e-5, atol=1e-6)
    times = {name: timing.seconds() for name, timing in alternate(jobs).items()}
    moved = 5 * 4 * SIDE**2
    ours = times["musyq, out="][1]
    rows = [
        [name, SIDE**2 / 1e6 / wall, SIDE**2 / 1e6 / cpu, cpu / ours]
        for name, (wall, cpu) in times.items()
        if name != "copy"
    ]
    table("NDVI + EVI, 9 Mpx float32", ["what", "Mpx/s wall", "Mpx/s/core", "time / ours (CPU)"], rows)
    bandwidth, reference = moved / ours / 1e9, copied / times["copy"][1] / 1e9
    print(
        f"  counted bytes: {bandwidth:.1f} GB/s, copy {reference:.1f} GB/s; share {verdict(bandwidth / reference, 0.8)}"
    )
    for peer in ("spyndex on numpy", "spyndex on xarray", "xarray-spatial"):
        print(f"  {peer}: {verdict(times[peer][1] / ours, 8)}")
    many()


def many() -> None:
    """Twelve indices: one pass against twelve."""
    names = tuple(FORMULAS)[:12]
    rng = np.random.default_rng(1)
    bands = {band: rng.uniform(0.02, 0.5, (1500, 2000)).astype(np.float32) for band in bands_of(names)}
    together = index_kernel(names)
    arguments = [bands[band] for band in bands_of(names)]
    out = together(*arguments)
    single = [(index_kernel((name,)), [bands[band] for band in bands_of((name,))]) for name in names]
    jobs = {
        "one pass": lambda: together(*arguments, out=out),
        "twelve passes": lambda: [k(*a, out=o) for (k, a), o in zip(single, out, strict=True)],
    }
    times = {name: timing.seconds()[1] for name, timing in alternate(jobs).items()}
    print(f"  12 indices in one pass are {times['twelve passes'] / times['one pass']:.2f} x as fast as one by one")


if __name__ == "__main__":
    main()
