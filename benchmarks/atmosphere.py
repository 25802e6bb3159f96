"""Coefficients of the atmosphere beside scipy's interpolation in five dimensions, and beside 6S itself."""

from collections.abc import Callable

import numpy as np
from _bench import alternate, table, verdict
from scipy.interpolate import RegularGridInterpolator

from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs
from musyq_lab.standard._atmosphere_band import BandTables, tables_of
from musyq_lab.standard.atmosphere import coefficients

PIXELS = 1 << 19
PEER_PIXELS = 1 << 16
BAND = ("landsat_oli", "red")
FIVE = ("aod", "pressure", "sun_zenith", "view_zenith", "relative_azimuth")


def image(count: int) -> dict[str, np.ndarray]:
    """Angles that vary as over an image, aerosol and vapour as they do, float32."""
    along = np.linspace(0, 1, count)
    draw = np.random.default_rng(0)
    state = {
        "sun_zenith": 30 + 5 * along,
        "view_zenith": 20 * np.abs(2 * along - 1),
        "relative_azimuth": 60 + 60 * along,
        "aod": 0.3 + 0.2 * np.sin(20 * along) + draw.uniform(0, 0.05, count),
        "water_vapour": 20 + 5 * np.cos(30 * along) + draw.uniform(0, 1, count),
        "ozone": np.full(count, 300.0),
        "pressure": 900 + 100 * np.sin(15 * along),
    }
    return {name: values.astype(np.float32) for name, values in state.items()}


def interpolator(values: np.ndarray, *names: str) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """Interpolate in a table over some axes with scipy."""
    axes = [kernels.AXES[name] for name in names]
    order = tuple(slice(None, None, -1 if axis[0] > axis[-1] else 1) for axis in axes)
    inner = RegularGridInterpolator([axis[cut] for axis, cut in zip(axes, order, strict=True)], values[order])
    return lambda state: inner(np.stack([state[name] for name in names], -1))


def scipy_peer(band: BandTables) -> Callable[[dict[str, np.ndarray]], tuple[np.ndarray, ...]]:
    """Compute the same coefficients with scipy and numpy: the five-dimensional table and the smaller ones."""
    air, angles = ("aod", "pressure"), ("sun_zenith", "view_zenith", "relative_azimuth")
    a, b, clear = (interpolator(part, *air, "mass") for part in band.once)
    phase, aerosol = interpolator(band.phase, "cosine"), interpolator(band.aerosol, *air, *angles)
    rayleigh, beam = interpolator(band.rayleigh, "pressure", *angles), interpolator(band.beam, *air, "beam_zenith")
    albedo, water = interpolator(band.albedo, *air), interpolator(band.water, "pressure", "vapour")
    dry = interpolator(band.dry, "pressure", "mass")

    def run(state: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        mu = [np.cos(np.radians(state[name])) for name in angles]
        sines = np.sqrt((1 - mu[0] ** 2) * (1 - mu[1] ** 2))
        mass = 1 / mu[0] + 1 / mu[1]
        here = {**state, "mass": mass, "cosine": np.clip(-mu[0] * mu[1] - sines * mu[2], -1, 1)}
        molecules, share = 0.73 * (1.042 + 0.986 * here["cosine"] ** 2), 1 / (4 * mu[0] * mu[1])
        others = dry(here) * np.exp(-3e-5 * mass * state["ozone"])
        part = {key: water({**here, "vapour": key * mass * state["water_vapour"]}) for key in (0.5, 1.0)}
        once = share * (molecules * a(here) + phase(here) * b(here)) - share * molecules * clear(here)
        hazy = once + aerosol(here) / (mu[0] + mu[1])
        path = share * molecules * clear(here) + rayleigh(here) / (mu[0] + mu[1]) + part[0.5] * hazy
        way = [beam({**here, "beam_zenith": state[name]}) for name in angles[:2]]
        return path * others, way[0] * way[1] * others * part[1.0], albedo(here), others * part[1.0]

    return run


def main() -> None:
    """Measure and print."""
    state, few = image(PIXELS), image(PEER_PIXELS)
    band = tables_of(response(*BAND), np.dtype(np.float32))
    tables, peer = band.scattering(), scipy_peer(band)
    alone = interpolator(np.stack([band.aerosol] * 3, -1), *FIVE)
    held = {"sun_zenith": 32.0, "view_zenith": 10.0, "relative_azimuth": 90.0, "ozone": 300.0, "pressure": 950.0}
    one = {**state, **held}
    single = {name: float(values[0]) for name, values in few.items() if name != "pressure"}
    jobs = {
        "musyq, seven inputs a pixel": lambda: kernels.coefficients(*state.values(), *tables),
        "musyq, one geometry a scene": lambda: coefficients(*BAND, **one),
        "scipy, the same": lambda: peer(few),
        "scipy, five dimensions alone, three results": lambda: alone(few),
        "6S, one state of one band": lambda: _sixs.run(**single, response=response(*BAND)),
    }
    pixels = dict(zip(jobs, (PIXELS, PIXELS, PEER_PIXELS, PEER_PIXELS, 1), strict=True))
    times = {name: timing.seconds() for name, timing in alternate(jobs, rounds=5).items()}
    # 6S runs in a process of its own: its time is the elapsed one.
    rates = {name: pixels[name] / times[name][0 if name.startswith("6S") else 1] / 1e6 for name in jobs}
    full, scene, same, *_ = rates.values()
    table(
        "atmosphere of one band",
        ["what", "Mpx/s/core", "scene / this"],
        [[name, rate, scene / rate] for name, rate in rates.items()],
    )
    print(f"  every pixel beside scipy: {verdict(full / same, 25)}")
    print(f"  one geometry a scene, Mpx/s: {verdict(scene, 80)}")


if __name__ == "__main__":
    main()
