"""Albedo of seven bands beside numpy, a copy of the same bytes, and the code people write with xarray."""

from collections.abc import Callable

import numpy as np
from _bench import alternate, table, verdict

from musyq_lab.kernels.albedo import broadband_kernel
from musyq_lab.products._broadband import ROLES, conversion

PIXELS = 1 << 20
Arrays = list[np.ndarray]


def weights() -> tuple[Arrays, np.ndarray, np.ndarray]:
    """Kernel weights of seven bands (iso, vol, geo of each), the Sun and the diffuse fraction, float32."""
    draw = np.random.default_rng(0)
    tops = [top for _ in ROLES for top in (0.5, 0.2, 0.05)]
    layers = [draw.uniform(0, top, PIXELS).astype(np.float32) for top in tops]
    return layers, draw.uniform(15, 70, PIXELS).astype(np.float32), draw.uniform(0.1, 0.3, PIXELS).astype(np.float32)


def by_numpy(layers: Arrays, sun: np.ndarray, diffuse: np.ndarray, factors: Arrays) -> Arrays:
    """Albedo of each band with the polynomials of MCD43, then the broad band, as it stands in scripts."""
    s = np.radians(sun)
    vol = -0.007574 - 0.070987 * s**2 + 0.307588 * s**3
    geo = -1.284909 - 0.166314 * s**2 + 0.041840 * s**3
    black, white = np.zeros_like(sun), np.zeros_like(sun)
    for b, factor in enumerate(factors[:-1]):
        iso, v, g = layers[3 * b : 3 * b + 3]
        black += factor * (iso + v * vol + g * geo)
        white += factor * (iso + v * np.float32(0.189184) + g * np.float32(-1.377622))
    black, white = black + factors[-1], white + factors[-1]
    return [black, white, (1 - diffuse) * black + diffuse * white]


def main() -> None:
    """Time all three albedos from weights, Sun and light, one core."""
    layers, sun, diffuse = weights()
    formula = conversion("regression", "modis", ROLES, "shortwave")
    factors = [np.float32(x) for x in (*formula.weights, formula.offset)]
    kernel = broadband_kernel(len(ROLES))
    out = tuple(np.empty_like(sun) for _ in range(3))
    # What the job reads and writes, moved once: 21 layers, the Sun and the light in, three albedos out.
    half = np.zeros((len(layers) + 2 + 3) * PIXELS // 2, np.float32)
    target = np.zeros_like(half)
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: kernel(*layers, sun, diffuse, *factors, out=out),
        "copy of the same bytes": lambda: np.copyto(target, half),
        "numpy, polynomials": lambda: by_numpy(layers, sun, diffuse, factors),
    }
    rates = {name: PIXELS / t.seconds()[1] / 1e6 for name, t in alternate(jobs, rounds=15).items()}
    first = rates["musyq"]
    rows: list[list[object]] = [[name, rate, first / rate] for name, rate in rates.items()]
    table("black-, white- and blue-sky albedo of 7 bands, float32", ["what", "Mpx/s/core", "musyq / this"], rows)
    print(f"  of a copy's bandwidth: {verdict(first / rates['copy of the same bytes'], 0.8)}")
    print(f"  beside numpy: {verdict(first / rates['numpy, polynomials'], 1)}")


if __name__ == "__main__":
    main()
