"""The atmosphere beside scipy's interpolation in five dimensions, beside numpy, and beside 6S itself."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from _bench import alternate, table, verdict
from scipy.interpolate import RegularGridInterpolator

from musyq_lab.kernels import atmosphere as kernels
from musyq_lab.kernels import correction as fused
from musyq_lab.sensors._response import response
from musyq_lab.standard import _sixs
from musyq_lab.standard._atmosphere_band import BandTables, tables_of
from musyq_lab.standard._correction_blocks import planes
from musyq_lab.standard._correction_cells import line, sample
from musyq_lab.standard.atmosphere import Coefficients, coefficients, surface_reflectance
from musyq_lab.standard.correction import correct

PIXELS = 1 << 19
PEER_PIXELS = 1 << 16
BAND = ("landsat_oli", "red")
ROLES = ("blue", "green", "red", "nir", "swir1", "swir2")
SIDE = 1024
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


def swath() -> xr.Dataset:
    """Make a standard scene of six bands whose seven inputs all vary from pixel to pixel."""
    state = {name: values.reshape(SIDE, SIDE) for name, values in image(SIDE * SIDE).items()}
    down, across = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    state |= {"sun_zenith": 30 + 5 * down, "view_zenith": 20 * np.abs(2 * across - 1)}
    state |= {"sun_azimuth": 0 * down + 150, "view_azimuth": np.where(across < 0.5, 100, 280).astype(np.float32)}
    state |= {"pressure": 900 + 60 * np.sin(down * 30) * np.cos(across * 40), "aod": 0.3 + 0.2 * np.sin(20 * across)}
    draw = np.random.default_rng(1)
    scene = xr.Dataset({name: (("y", "x"), values.astype(np.float32)) for name, values in state.items()})
    scene["reflectance"] = ("band", "y", "x"), draw.uniform(0.05, 0.5, (len(ROLES), SIDE, SIDE)).astype(np.float32)
    level = {"sensor": BAND[0], "reflectance_level": "top of atmosphere"}
    return scene.assign_coords(band=list(ROLES)).assign_attrs(level)


def correction(scipy_rate: float) -> None:
    """Measure the whole correction of a swath, and its parts, in pixels of a band."""
    scene = swath()
    air = {name: scene[name] for name in ("aod", "water_vapour", "ozone", "pressure")}
    turn = np.minimum(abs(scene.view_azimuth - scene.sun_azimuth), 180)
    angles = {"sun_zenith": scene.sun_zenith, "view_zenith": scene.view_zenith, "relative_azimuth": turn}
    held = {"sun_zenith": 32.0, "view_zenith": 10.0, "relative_azimuth": 90.0, "ozone": 300.0, "pressure": 950.0}
    state = [scene[name].values for name in air]
    nodes = np.stack([sample(v) for v in [*(a.values for a in angles.values()), *state]]).astype(np.float32)
    key, cells = ("landsat_oli", "4", ""), line(SIDE, 0, SIDE)
    corner = planes(nodes, key)
    toa = scene.reflectance.sel(band="red").values
    place = (cells.cell, cells.share, cells.edges, cells.share)
    flat = Coefficients(*(np.full((SIDE, SIDE), v, np.float32) for v in (0.05, 0.8, 0.1, 0.95)))

    def pixelwise() -> None:
        for role in ROLES:
            surface_reflectance(scene.reflectance.sel(band=role), coefficients(BAND[0], role, **angles, **air))

    def one_geometry() -> None:
        for role in ROLES:
            few = {"aod": air["aod"], "water_vapour": air["water_vapour"]}
            surface_reflectance(scene.reflectance.sel(band=role), coefficients(BAND[0], role, **few, **held))

    jobs = {
        "correct(), cells of 16 pixels": lambda: correct(scene, **air).reflectance_systematic,
        "six bands, every pixel by itself": pixelwise,
        "six bands, one geometry a scene": one_geometry,
        "corners of one band": lambda: planes(nodes, key),
        "kernel of one band between corners": lambda: fused.surface(toa, *state, corner, *place),
        "numpy, coefficients known at each pixel": lambda: surface_reflectance(toa, flat),
    }
    sizes = (2 * len(ROLES), len(ROLES), len(ROLES), 1, 1, 1)  # correct() makes the uncertainty too
    times = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=5).items()}
    rates = {name: n * SIDE * SIDE / times[name] / 1e6 for (name, n) in zip(jobs, sizes, strict=True)}
    table(
        "correction of a swath of six bands",
        ["what", "M results/s/core", "beside every pixel by itself"],
        [[name, rate, rate / rates["six bands, every pixel by itself"]] for name, rate in rates.items()],
    )
    whole = 1 / (1 / rates["corners of one band"] + 1 / rates["kernel of one band between corners"])
    print(f"  corners and kernel, Mpx/s: {verdict(whole, 80)}")
    print(f"  beside scipy at every pixel: {verdict(whole / scipy_rate, 25)}")
    print(f"  beside one geometry a scene: {verdict(whole / rates['six bands, one geometry a scene'], 1)}")


def main() -> float:
    """Measure and print the coefficients; return the rate of scipy (Mpx/s)."""
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
    return same


if __name__ == "__main__":
    correction(main())
