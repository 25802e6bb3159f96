"""Band adjustment: error before, with one factor and with ours for each pair of bands, and speed beside numpy."""

import numpy as np
from _bench import alternate, table, verdict

from musyq_lab.kernels import bandpass as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard._band_models import Bands, Relation, chain
from musyq_lab.standard.bandpass import ROLES

PIXELS = 1 << 20
TO = ("modis", "Terra")
PAIRS = (
    ("gf1_wfv", "WFV1"),
    ("gf1_wfv", "WFV4"),
    ("gf6_wfv", ""),
    ("hj1_ccd", ""),
    ("landsat_oli", "Landsat-8"),
    ("sentinel2_msi", "Sentinel-2A"),
    ("fy3d_mersi2", ""),
    ("fy4a_agri", ""),
    ("himawari_ahi", ""),
    ("npp_viirs", ""),
    ("msg_seviri", "Meteosat-10"),
    ("avhrr_lac", "NOAA-18"),
)


def bands_of(sensor: str, variant: str) -> Bands:
    """Return the bands that can be adjusted, by wavelength."""
    rows = {}
    for row in SENSORS[sensor].bands_of(variant):
        if row.name in ROLES:
            rows.setdefault(row.name, row)
    return Bands(sensor, variant, tuple(row.native for row in sorted(rows.values(), key=lambda row: row.centre)))


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt((values**2).mean()))


def errors() -> list[list[object]]:
    """Return one row a pair of bands, errors in 1e-4."""
    reference = bands_of(*TO)
    rows: list[list[object]] = []
    for sensor, variant in PAIRS:
        bands = bands_of(sensor, variant)
        for k, role in enumerate(reference.roles):
            if role not in bands.roles or role == "coastal":
                continue
            nearest = bands.roles.index(role)
            x, y = bands.reflectance[:, nearest], reference.reflectance[:, k]
            found = chain(bands, reference, nearest, k)[0]
            constant = rms((x * y).sum() / (x * x).sum() * x - y)
            numbers = (1e4 * value for value in (found.error_before, constant, found.error))
            rows.append([f"{sensor} {variant}".strip(), role, *numbers, found.error_before / found.error])
    return rows


def numpy_peer(relation: Relation, x: list[np.ndarray]) -> np.ndarray:
    """Compute the same with arrays and one product of matrices."""
    count = len(x)
    numbers = np.array(relation.coefficients, np.float32)
    low, high = numbers[: count - 1, None], numbers[count - 1 : 2 * count - 2, None]
    stack = np.stack(x)
    p = np.maximum(stack, np.float32(kernels.DARKEST))
    s = np.clip((p[1:] - p[:-1]) / (p[1:] + p[:-1]), low, high)
    terms = [
        stack,
        (stack[:, None] * s).reshape(-1, stack.shape[1]),
        (stack[:, None] * s * s).reshape(-1, stack.shape[1]),
    ]
    y = numbers[2 * count - 2 : -2] @ np.concatenate(terms)
    nearest = x[relation.sources.index(relation.nearest)]
    ends = numbers[-2] * nearest, numbers[-1] * nearest
    slack = np.float32(kernels.SLACK)
    return np.clip(y, np.minimum(*ends) - slack, np.maximum(*ends) + slack)


def speed(sensor: str, variant: str) -> None:
    """Compare with numpy over the red band, one million pixels of spectra of the library."""
    reference, bands = bands_of(*TO), bands_of(sensor, variant)
    relation = chain(bands, reference, bands.roles.index("red"), reference.roles.index("red"))[0]
    spectra = bands.reflectance[np.random.default_rng(0).integers(0, 3000, PIXELS)][:, relation.sources]
    x = [np.ascontiguousarray(band, np.float32) for band in spectra.T]
    nearest = x[relation.sources.index(relation.nearest)]
    sigma = [0.01 * band for band in x]
    plain, whole = kernels.without_uncertainty(len(x)), kernels.with_uncertainty(len(x))
    numbers = relation.coefficients
    jobs = {
        "musyq": lambda: plain(nearest, *x, *numbers),
        "musyq, with uncertainties": lambda: whole(nearest, *x, *sigma, *sigma, *numbers, *relation.uncertainty),
        "numpy": lambda: numpy_peer(relation, x),
    }
    np.testing.assert_allclose(jobs["musyq"](), jobs["numpy"](), atol=2e-5)
    times = {name: timing.seconds()[1] for name, timing in alternate(jobs, rounds=5).items()}
    rows = [[name, PIXELS / seconds / 1e6, times["numpy"] / seconds] for name, seconds in times.items()]
    table(f"one reference band from {len(x)} of {sensor}", ["what", "Mpx/s/core", "numpy / this"], rows)
    print(f"  beside numpy: {verdict(times['numpy'] / times['musyq'], 1)}")


def main() -> None:
    """Measure and print."""
    head = ["sensor", "band", "before", "one factor", "ours", "before / ours"]
    table(f"error over spectra left out, 1e-4, to {' '.join(TO)}", head, errors())
    speed("gf1_wfv", "WFV4")
    speed("himawari_ahi", "")


if __name__ == "__main__":
    main()
