"""Cosine of the solar zenith on a grid beside pvlib's SPA: rate, and error over 1980 to 2050."""

import numpy as np
import pandas as pd
import pvlib
from _bench import alternate, copy_job, table, verdict

from musyq_lab.kernels import solar

SHAPE = (1800, 3600)
SPA_PIXELS = 20_000
WHEN = np.datetime64("2015-06-21T04:00:00", "ns")


def spa_grid(lat, lon):
    """Pvlib's SPA on arrays of places at one instant, its fastest documented grid form."""
    unix = np.array([WHEN.astype("datetime64[s]").astype(float)])
    delta = pvlib.spa.calculate_deltat(2015, 6)
    return np.array(
        [
            pvlib.spa.solar_position_numpy(unix, la, lo, 0.0, 1013.25, 12.0, delta, 0.5667, 1)[1][0]
            for la, lo in zip(lat, lon, strict=True)
        ]
    )


def error() -> float:
    """Largest difference of cos z from SPA at random times and places."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for lat, lon in zip(rng.uniform(-90, 90, 12), rng.uniform(-180, 180, 12), strict=True):
        when = np.datetime64("1980-01-01", "ns") + rng.integers(0, int(71 * 365.25 * 86400), 4000).astype("m8[s]")
        spa = pvlib.solarposition.spa_python(pd.DatetimeIndex(when, tz="UTC"), lat, lon, delta_t=None)
        worst = max(
            worst, np.abs(solar.cos_zenith(when, lat, lon) - np.cos(np.radians(spa["zenith"].to_numpy()))).max()
        )
    return worst


def main() -> None:
    """Measure and print."""
    lat = np.linspace(89.95, -89.95, SHAPE[0], dtype=np.float32)[:, None]
    lon = np.linspace(-179.95, 179.95, SHAPE[1], dtype=np.float32)[None, :]
    out = np.empty(SHAPE, np.float32)
    swath = tuple(array.copy() for array in np.broadcast_arrays(lat, lon))
    series = pd.date_range("2015-01-01", periods=SPA_PIXELS, freq="min", tz="UTC")
    few = (swath[0].ravel()[:: 12_960 * 5], swath[1].ravel()[:: 12_960 * 5])
    copy, copied = copy_job()
    jobs = {
        "musyq grid (row x column)": lambda: solar.cos_zenith(WHEN, lat, lon, out=out),
        "musyq swath (2-D coordinates)": lambda: solar.cos_zenith(WHEN, *swath, out=out),
        "pvlib SPA, one place, many times": lambda: pvlib.solarposition.spa_python(series, 40.0, 116.0),
        "pvlib SPA, many places, one time": lambda: spa_grid(*few),
        "copy": copy,
    }
    pixels = dict(zip(jobs, (out.size, out.size, SPA_PIXELS, few[0].size, 1), strict=True))
    cpu = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=5).items()}
    rates = {name: pixels[name] / cpu[name] / 1e6 for name in jobs if name != "copy"}
    ours = rates["musyq grid (row x column)"]
    table(
        "cos zenith", ["what", "Mpx/s/core", "ours / this"], [[name, rate, ours / rate] for name, rate in rates.items()]
    )
    print(f"  against the fastest SPA: {verdict(ours / max(rates[n] for n in rates if n.startswith('pvlib')), 100)}")
    print(f"  writes {ours * 4e-3:.1f} GB/s; copy {copied / cpu['copy'] / 1e9:.1f} GB/s counted")
    worst = error()
    print(
        f"  largest error of cos z, 1980-2050, 48,000 times and 12 places: {worst:.1e} (goal 1e-5: "
        f"{'met' if worst <= 1e-5 else 'NOT met'})"
    )


if __name__ == "__main__":
    main()
