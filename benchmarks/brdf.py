"""Kernels of directional reflectance and their inversion beside numpy, sen2nbar, batched solving and lstsq."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict

from musyq_lab.kernels import brdf
from musyq_lab.kernels._brdf_inversion import FULL, invert, invert_with_spread
from musyq_lab.kernels.brdf import BLACK_SKY

DIRECTIONS = 1 << 19
LOOKS, BANDS, PIXELS, FEW = 20, 7, 1 << 16, 100
GAPS = 0.35
Arrays = list[np.ndarray]


def directions() -> Arrays:
    """Angles of Sun and view, float32."""
    draw = np.random.default_rng(0)
    return [draw.uniform(0, top, DIRECTIONS).astype(np.float32) for top in (75, 65, 180)]


def numpy_kernels(sun: np.ndarray, view: np.ndarray, azimuth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute both kernels with numpy, each term once."""
    i, v, phi = np.radians(sun), np.radians(view), np.radians(azimuth)
    cos_i, cos_v, turn = np.cos(i), np.cos(v), np.cos(phi)
    phase = np.clip(cos_i * cos_v + np.sin(i) * np.sin(v) * turn, -1, 1)
    vol = ((np.pi / 2 - np.arccos(phase)) * phase + np.sqrt(1 - phase * phase)) / (cos_i + cos_v) - np.pi / 4
    sec_i, sec_v, tan_i, tan_v = 1 / cos_i, 1 / cos_v, np.tan(i), np.tan(v)
    secants, both = sec_i + sec_v, tan_i * tan_v
    distance = np.maximum(tan_i**2 + tan_v**2 - 2 * both * turn + both**2 * (1 - turn**2), 0)
    cosine = np.minimum(2 * np.sqrt(distance) / secants, 1)
    overlap = (np.arccos(cosine) - np.sqrt(1 - cosine**2) * cosine) * secants / np.pi
    return vol, overlap - secants + 0.5 * (1 + phase) * sec_i * sec_v


def sen2nbar_kernels(given: Arrays) -> Callable[[], object] | None:
    """Both kernels of sen2nbar on DataArrays, None where it is not installed."""
    try:
        from sen2nbar.kernels import kgeo, kvol
    except ImportError:
        print("sen2nbar is not installed: its row is left out (pip install sen2nbar)")
        return None
    layers = [xr.DataArray(values, dims="pixel") for values in given]
    return lambda: (kvol(*layers), kgeo(*layers))


def integrals() -> None:
    """Integrals of the kernels over the views, as albedo needs them."""
    sun = directions()[0]
    out = tuple(np.empty_like(sun) for _ in range(2))

    def polynomials() -> tuple[np.ndarray, np.ndarray]:
        s = np.radians(sun)
        square, cube = s * s, s * s * s
        vol = BLACK_SKY[0][0] + BLACK_SKY[0][1] * square + BLACK_SKY[0][2] * cube
        return vol, BLACK_SKY[1][0] + BLACK_SKY[1][1] * square + BLACK_SKY[1][2] * cube

    jobs: dict[str, Callable[[], object]] = {
        "musyq, as by quadrature": lambda: brdf.black_sky_exact(sun, out=out),
        "musyq, polynomials": lambda: brdf.black_sky(sun, out=out),
        "numpy, polynomials": polynomials,
    }
    rates = {name: DIRECTIONS / t.seconds()[1] / 1e6 for name, t in alternate(jobs, rounds=7).items()}
    first = next(iter(rates.values()))
    rows: list[list[object]] = [[name, rate, first / rate] for name, rate in rates.items()]
    table("integrals over the views, float32", ["what", "M angles/s/core", "musyq / this"], rows)
    print(f"  exact beside numpy's polynomials: {verdict(first / rates['numpy, polynomials'], 1)}")


def looks() -> tuple[Arrays, np.ndarray]:
    """Make looks with gaps (kernels, weights, reflectance), and the planted weights of the kernels."""
    draw = np.random.default_rng(1)
    angles = [draw.uniform(a, b, (LOOKS, PIXELS)).astype(np.float32) for a, b in ((20, 60), (0, 65), (0, 180))]
    vol, geo = brdf.values(*angles)
    planted = np.array([0.3, 0.15, 0.03])[:, None, None] * draw.uniform(0.2, 1.0, (3, BANDS, PIXELS))
    reflectance = (planted[0] + planted[1] * vol[:, None] + planted[2] * geo[:, None]).astype(np.float32)
    weight = draw.uniform(0.5, 1.0, vol.shape).astype(np.float32)
    weight[draw.uniform(size=weight.shape) < GAPS] = 0.0
    reflectance[np.broadcast_to(weight[:, None] == 0, reflectance.shape)] = np.nan
    return [vol, geo, weight, reflectance], planted


def batched(vol: np.ndarray, geo: np.ndarray, weight: np.ndarray, reflectance: np.ndarray) -> np.ndarray:
    """Solve the normal equations of all pixels with batched matmul and solve, one matrix for all bands."""
    a = np.stack([np.ones_like(vol), vol, geo], -1).transpose(1, 0, 2)
    weighted = (a * weight.T[..., None]).transpose(0, 2, 1)
    right = np.nan_to_num(reflectance).transpose(2, 0, 1)
    return np.linalg.solve(weighted @ a, weighted @ right)


def loop(vol: np.ndarray, geo: np.ndarray, weight: np.ndarray, reflectance: np.ndarray) -> list[np.ndarray]:
    """Call lstsq for each pixel and band, as the usual script does."""
    found = []
    for p in range(FEW):
        a = np.stack([np.ones_like(vol[:, p]), vol[:, p], geo[:, p]], 1)
        for b in range(BANDS):
            good = np.isfinite(reflectance[:, b, p])
            root = np.sqrt(weight[good, p])
            found.append(np.linalg.lstsq(a[good] * root[:, None], reflectance[good, b, p] * root, rcond=None)[0])
    return found


def kernels() -> None:
    """Values of the kernels."""
    given = directions()
    out = tuple(np.empty_like(given[0]) for _ in range(2))
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: brdf.values(*given, out=out),
        "numpy": lambda: numpy_kernels(*given),
    }
    if peer := sen2nbar_kernels(given):
        jobs["sen2nbar"] = peer
    rates = {name: DIRECTIONS / t.seconds()[1] / 1e6 for name, t in alternate(jobs, rounds=7).items()}
    rows: list[list[object]] = [[name, rate, rates["musyq"] / rate] for name, rate in rates.items()]
    table("RossThick and LiSparse-R, float32", ["what", "M directions/s/core", "musyq / this"], rows)
    print(f"  beside numpy: {verdict(rates['musyq'] / rates['numpy'], 2.5)}")
    if "sen2nbar" in rates:
        print(f"  beside sen2nbar: {verdict(rates['musyq'] / rates['sen2nbar'], 8)}")


def inversion() -> None:
    """Weights of the kernels from many looks."""
    given, planted = looks()
    shape = np.tile(np.array([[0.3, 0.15, 0.03]], np.float32), (BANDS, 1))
    to = np.array([np.full(PIXELS, k, np.float32) for k in brdf.values.python(45.0, 0.0, 0.0)])
    rules = np.array([7, 1.431, 2.122], np.float32)
    six = np.zeros(6, np.float32)
    found, spread = invert(*given, shape, to, rules), invert_with_spread(*given, shape, to, rules, six)
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: invert(*given, shape, to, rules, out=found),
        "musyq, with covariances": lambda: invert_with_spread(*given, shape, to, rules, six, out=spread),
        "batched matmul and solve": lambda: batched(*given),
        "lstsq, pixel by pixel": lambda: loop(*given),
    }
    pixels = {"lstsq, pixel by pixel": FEW}
    times = alternate(jobs, rounds=7)
    rates = {name: pixels.get(name, PIXELS) / t.seconds()[1] / 1e6 for name, t in times.items()}
    rows: list[list[object]] = [[name, rate, rates["musyq"] / rate] for name, rate in rates.items()]
    table(f"inversion, {BANDS} bands, {LOOKS} looks, {GAPS:.0%} missing", ["what", "Mpx/s/core", "musyq / this"], rows)
    full = found[2][2] == FULL
    worst = max(float(np.abs(found[0][k] - planted[k])[full].max()) for k in range(3))
    print(f"  largest error of a planted weight, float32: {worst:.1e}; full inversions {full.mean():.1%}")
    _, _, batch, script = rates.values()
    print(f"  beside batched matmul and solve: {verdict(rates['musyq'] / batch, 10)}")
    print(f"  beside a loop over lstsq: {verdict(rates['musyq'] / script, 200)}")


if __name__ == "__main__":
    kernels()
    integrals()
    inversion()
