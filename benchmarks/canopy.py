"""PROSPECT-D and PROSAIL-D beside the package prosail, one core: rates, and the largest difference of the results.

Band-averaged spectra are seven bands of OLI with every parameter of leaf, canopy and geometry varying. prosail has no
band averages: its 2101 reflectances are multiplied with the same weights.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

from dataclasses import replace

import numpy as np
from _bench import alternate, table, verdict
from prosail import run_prosail, run_prospect

from musyq_lab.kernels import canopy
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.standard.spectra import band_weights, leaf_constants

BANDS = ["coastal", "blue", "green", "red", "nir", "swir1", "swir2"]
LEAF = ("n", "cab", "car", "ant", "cbrown", "cw", "cm")
RANGES = {
    "n": (1.0, 2.5), "cab": (5.0, 90.0), "car": (1.0, 20.0), "ant": (0.0, 5.0), "cbrown": (0.0, 1.0),
    "cw": (0.002, 0.04), "cm": (0.002, 0.02), "lai": (0.0, 8.0), "hotspot": (0.01, 0.5), "sun_zenith": (0.0, 75.0),
    "view_zenith": (0.0, 60.0), "relative_azimuth": (0.0, 180.0),
}  # fmt: skip
SPECTRA, LEAVES, PEER, FINE = 100_000, 4_000, 150, 400
SOIL = 0.2


def cases(count):
    """Make canopies of all kinds, and their mean leaf angles."""
    rng = np.random.default_rng(0)
    numbers = {name: rng.uniform(*limits, count) for name, limits in RANGES.items()}
    angles = rng.uniform(30.0, 80.0, count)
    return canopy.CanopyParameters(**numbers, leaf_angles=canopy.campbell(angles)), angles


def part(parameters, count):
    """Return the first cases."""
    return replace(parameters, **{name: getattr(parameters, name)[:count] for name in (*RANGES, "leaf_angles")})


def main() -> None:
    """Measure and print."""
    parameters, angles = cases(SPECTRA)
    narrow = replace(parameters, **{name: getattr(parameters, name).astype(np.float32) for name in LEAF})
    constants = leaf_constants()
    fine, coarse = (band_weights("landsat_oli", BANDS, step=step) for step in (1, 2))
    weights = np.zeros((len(BANDS), 2101))
    weights[:, np.round(1e3 * fine.wavelength).astype(int) - 400] = fine.weights
    soil = np.full(2101, SOIL)
    leaf = [getattr(parameters, name)[:LEAVES] for name in LEAF]

    def row(k):
        return {name: float(getattr(parameters, name)[k]) for name in RANGES}

    def peer_leaf():
        return [
            run_prospect(*(row(k)[n] for n in ("n", "cab", "car", "cbrown", "cw", "cm")), ant=row(k)["ant"])
            for k in range(PEER)
        ]

    def peer_canopy():
        spectra = []
        for k in range(PEER):
            r = row(k)
            spectra.append(
                run_prosail(
                    r["n"], r["cab"], r["car"], r["cbrown"], r["cw"], r["cm"], r["lai"], angles[k], r["hotspot"],
                    r["sun_zenith"], r["view_zenith"], r["relative_azimuth"], ant=r["ant"], prospect_version="D",
                    rsoil0=soil,
                )
            )  # fmt: skip
        return np.array(spectra) @ weights.T

    def spectra():
        some = part(parameters, FINE)
        rho, tau = prospect_d(*(getattr(some, name) for name in LEAF), constants=constants)
        rest = {name: getattr(some, name) for name in (*RANGES, "leaf_angles") if name not in LEAF}
        return canopy.over_soil(canopy.four_sail(rho, tau, **rest), soil)

    jobs = {
        "leaf: prosail": peer_leaf,
        "leaf: musyq": lambda: prospect_d(*leaf, constants=constants),
        "canopy, 2101 wavelengths: musyq": spectra,
        "canopy, 7 bands: prosail": peer_canopy,
        "canopy, 7 bands, 1 nm: musyq": lambda: canopy.canopy_bands(parameters, fine.leaf, fine.weights),
        "canopy, 7 bands, 2 nm: musyq": lambda: canopy.canopy_bands(parameters, coarse.leaf, coarse.weights),
        "canopy, 7 bands, 1 nm, float32: musyq": lambda: canopy.canopy_bands(narrow, fine.leaf, fine.weights),
    }
    counts = dict(zip(jobs, (PEER, LEAVES, FINE, PEER, SPECTRA, SPECTRA, SPECTRA), strict=True))
    cpu = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=3).items()}
    rates = {name: counts[name] / cpu[name] for name in jobs}
    peers = {name: rates["leaf: prosail" if name.startswith("leaf") else "canopy, 7 bands: prosail"] for name in jobs}
    table(
        "PROSAIL-D",
        ["what", "spectra/s/core", "s for 100,000", "x prosail"],
        [[name, rate, 1e5 / rate, rate / peers[name]] for name, rate in rates.items()],
    )
    ratio = rates["canopy, 7 bands, 1 nm: musyq"] / rates["canopy, 7 bands: prosail"]
    print(f"  seven bands against prosail: {verdict(ratio, 10)}")
    seconds = cpu["canopy, 7 bands, 1 nm: musyq"]
    print(f"  100,000 spectra in seven bands: {seconds:.2f} s (goal 8 s: {'met' if seconds <= 8 else 'NOT met'})")
    exact = peer_canopy()
    for name, bands in (("1 nm", fine), ("2 nm", coarse)):
        layer = canopy.canopy_bands(part(parameters, PEER), bands.leaf, bands.weights)
        worst = np.abs(canopy.over_soil(layer, SOIL).rsot - exact).max()
        print(f"  largest difference from prosail, {name}: {worst:.1e} (coupling of band averages included)")


if __name__ == "__main__":
    main()
