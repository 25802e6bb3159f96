"""Emissivity beside numpy: a mixture, thresholds, separation from temperature, and upward longwave radiation."""

from collections.abc import Callable

import numpy as np
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels import emissivity, longwave, tes
from musyq_lab.kernels.radiometry import planck_constants

PIXELS = 1 << 22
BANDS = (8.6, 11.0, 12.0)
CURVE = (0.9895, 0.7994, 0.8572)
Array = np.ndarray
SIGMA = np.float32(longwave.STEFAN_BOLTZMANN)


def draw(*limits: tuple[float, float]) -> list[Array]:
    """Return float32 arrays, uniform within limits."""
    random = np.random.default_rng(3)
    return [random.uniform(low, high, PIXELS).astype(np.float32) for low, high in limits]


def single(*numbers: float) -> list[np.float32]:
    """Return numbers as float32."""
    return [np.float32(x) for x in numbers]


def numpy_mixture(fvc: Array, weighted: Array, ndvi: Array, ground: Array, snow: Array) -> Array:
    """Mix plants, ground and snow."""
    constant, total, plants, white = single(0.0584, 0.9398, 0.99, 0.989)
    cover = np.clip((ndvi - np.float32(0.2)) / np.float32(0.66), 0, 1) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = np.minimum(constant + (weighted - plants * cover * total) / (1 - cover), 1)
    bare = np.where(cover <= np.float32(0.75), seen, ground)
    land = fvc * plants + (1 - fvc) * bare
    return land + snow * (white - land)


def numpy_thresholds(ndvi: Array, red: Array) -> Array:
    """Apply the thresholds of Yu et al. 2014."""
    plants, soil, bare, slope, cavity = single(0.9863, 0.9668, 0.973, 0.047, 0.55)
    gap = 1 - np.clip((ndvi - np.float32(0.2)) / np.float32(0.3), 0, 1) ** 2
    mixed = plants * (1 - gap) + soil * gap + cavity * plants * (1 - soil) * gap
    return np.where(ndvi < np.float32(0.2), bare - slope * red, mixed)


def numpy_tes(light: list[Array], sky: list[Array], constants: list[tuple[np.float32, ...]]) -> tuple[Array, ...]:
    """Separate temperature and emissivity, NEM in closed form as in the kernel."""
    a, b, c, highest = single(*CURVE, 0.985)
    warm = [
        k2 / np.log(k1 / ((x - (1 - highest) * s) / highest) + 1)
        for (k1, k2), x, s in zip(constants, light, sky, strict=True)
    ]
    first = np.maximum(np.maximum(*warm[:2]), warm[2])
    beta = [(x - s) / (k1 / (np.exp(k2 / first) - 1) - s) for (k1, k2), x, s in zip(constants, light, sky, strict=True)]
    low, high = np.minimum(np.minimum(*beta[:2]), beta[2]), np.maximum(np.maximum(*beta[:2]), beta[2])
    spread = (high - low) / ((beta[0] + beta[1] + beta[2]) / 3)
    scale = (a - b * spread**c) / low
    top, place = high * scale, np.argmax(np.stack(beta), axis=0)
    k1, k2 = (np.array([pair[k] for pair in constants])[place] for k in (0, 1))
    chosen, above = np.choose(place, light), np.choose(place, sky)
    temperature = k2 / np.log(k1 / ((chosen - (1 - top) * above) / top) + 1)
    return temperature, *(x * scale for x in beta), spread


def iterated_tes(light: list[Array], sky: list[Array], constants: list[tuple[np.float32, ...]]) -> list[Array]:
    """Follow NEM of Gillespie et al. 1998 through twelve rounds, as operational code may."""
    highest = np.float32(0.985)
    e = [np.full_like(x, highest) for x in light]
    for _ in range(12):
        rest = [x - (1 - k) * s for x, k, s in zip(light, e, sky, strict=True)]
        warm = [k2 / np.log(k1 / (r / highest) + 1) for (k1, k2), r in zip(constants, rest, strict=True)]
        first = np.maximum(np.maximum(*warm[:2]), warm[2])
        e = [r / (k1 / (np.exp(k2 / first) - 1)) for (k1, k2), r in zip(constants, rest, strict=True)]
    return e


def compare(title: str, jobs: dict[str, Callable[[], object]], moved: int, goal: float = 1.0) -> None:
    """Print rates beside ours, and our share of copy bandwidth."""
    copy, size = copy_job()
    times = alternate(jobs | {"copy": copy}, rounds=7)
    cpu = {name: times[name].seconds()[1] for name in jobs}
    ours = cpu["musyq"]
    rows: list[list[object]] = [[name, PIXELS / t / 1e6, t / ours] for name, t in cpu.items()]
    table(title, ["what", "Mpx/s/core", "musyq / this"], rows)
    bandwidth = (moved * PIXELS / times["musyq"].seconds()[0]) / (size / times["copy"].seconds()[0])
    print(f"  beside numpy: {verdict(cpu['numpy'] / ours, goal)}; {bandwidth:.0%} of copy bandwidth")


def main() -> None:
    """Compare one kernel after the other."""
    mixed = draw((0, 1), (0.88, 0.94), (0, 0.9), (0.93, 0.98), (0, 1))
    constants = single(0.0584, 0.9398, 0.99, 0.989)
    out = np.empty_like(mixed[0])
    jobs: dict[str, Callable[[], object]] = {
        "musyq": lambda: emissivity.mixture(*mixed, *constants, out=out),
        "numpy": lambda: numpy_mixture(*mixed),
    }
    compare("mixture by vegetation cover", jobs, 24)
    plain = draw((0, 0.9), (0, 0.4))
    numbers = single(0.9863, 0.9668, 0.973, 0.047, 0.55)
    compare(
        "thresholds of NDVI",
        {
            "musyq": lambda: emissivity.thresholds(*plain, *numbers, out=out),
            "numpy": lambda: numpy_thresholds(*plain),
        },
        12,
    )
    longwave_inputs = draw((260, 330), (0.9, 1), (150, 420))
    t, e, sky = longwave_inputs
    compare(
        "upward longwave radiation",
        {
            "musyq": lambda: longwave.upward(*longwave_inputs, out=out),
            "numpy": lambda: e * SIGMA * t**4 + (1 - e) * sky,
        },
        16,
    )
    separation()


def separation() -> None:
    """Compare TES of three bands."""
    pairs = [tuple(single(*planck_constants(x))) for x in BANDS]
    warmth, *made = draw((270, 330), (0.75, 0.98), (0.94, 0.985), (0.95, 0.985))
    black = [k1 / (np.exp(k2 / warmth) - 1) for k1, k2 in pairs]
    above = [np.float32(0.3) * x for x in black]
    light = [e * b + (1 - e) * s for e, b, s in zip(made, black, above, strict=True)]
    places = [0, 1, 2, 2]
    numbers = [*(pairs[k][0] for k in places), *(pairs[k][1] for k in places), *single(*CURVE, 0.985, 0)]
    given = [*(light[k] for k in places), *(above[k] for k in places)]
    out = tuple(np.empty_like(warmth) for _ in range(6))
    compare(
        "separation of temperature and emissivity, three bands",
        {
            "musyq": lambda: tes.separate(*given, *numbers, out=out),
            "numpy": lambda: numpy_tes(light, above, pairs),
            "numpy, NEM by 12 rounds": lambda: iterated_tes(light, above, pairs),
        },
        48,
        goal=3.0,
    )
    difference = np.abs(out[0] - numpy_tes(light, above, pairs)[0])
    print(f"  temperature differs by {np.quantile(difference, 0.999):.1e} K (99.9 %) from numpy's, float32")


if __name__ == "__main__":
    main()
