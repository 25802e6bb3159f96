"""Networks of leaf area beside numpy and beside a search of the nearest entries of a look-up table (KD-tree)."""

from collections.abc import Callable

import numpy as np
from _bench import alternate, table, verdict

from musyq_lab.kernels import network
from musyq_lab.kernels.network import ANGLES, Net
from musyq_lab.products._networks import Given

PIXELS = 1 << 18
ENTRIES, NEIGHBOURS, FEW = 100_000, 50, 2_000
FINE = ("green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir_narrow", "swir1", "swir2")
Arrays = list[np.ndarray]


def pixels(bands: int) -> Arrays:
    """Reflectances and angles, float32."""
    draw = np.random.default_rng(0)
    dark = [draw.uniform(0.02, 0.5, PIXELS) for _ in range(bands)]
    return [x.astype(np.float32) for x in (*dark, *(draw.uniform(0, top, PIXELS) for top in (75, 65, 180)))]


def sl2p_like() -> Net:
    """Return a network of the size of SL2P's: 8 bands, 3 angles, 5 neurons."""
    draw = np.random.default_rng(1)
    rows = tuple(map(tuple, draw.normal(size=(5, 8 + len(ANGLES))).tolist()))
    return Net(rows, tuple(draw.normal(size=5).tolist()), tuple(draw.normal(size=5).tolist()), 0.5)


def with_numpy(net: Net, arrays: Arrays) -> Callable[[], object]:
    """Return the usual numpy form: one matrix of inputs, float32."""
    w, b, v = (np.asarray(x, np.float32) for x in (net.weights, net.biases, net.outputs))
    *bands, sun, view, azimuth = arrays
    radians = np.float32(np.pi / 180)

    def run() -> np.ndarray:
        s, v0, a = (radians * x for x in (sun, view, azimuth))
        x = np.stack([*bands, np.cos(s), np.cos(v0), np.sin(v0) * np.cos(a)])
        u = v @ np.tanh(w @ x + b[:, None]) + np.float32(net.constant)
        return np.float32(net.scale) * np.expm1(u) if net.scale else u

    return run


def chosen(sensor: str, bands: tuple[str, ...]) -> Given:
    """Return what has the networks of a sensor."""
    return Given({role: np.zeros(1) for role in bands}, np.zeros(1), sensor=sensor)


def networks() -> None:
    """Values of networks."""
    fine = chosen("sentinel2_msi/Sentinel-2A", FINE).chosen.nets["lai"]
    few = chosen("gf1_wfv/WFV1", ("green", "red", "nir")).chosen.nets["lai"]
    rows: list[list[object]] = []
    for name, net in (("8 bands, 5 neurons", sl2p_like()), ("Sentinel-2, 8 neurons", fine), ("GF-1, 8 neurons", few)):
        arrays = pixels(net.bands)
        kernel, out = network.estimate(net), np.empty(PIXELS, np.float32)
        jobs: dict[str, Callable[[], object]] = {
            "musyq": lambda k=kernel, a=arrays, o=out: k(*a, out=o),
            "numpy": with_numpy(net, arrays),
        }
        rates = {key: PIXELS / t.seconds()[1] / 1e6 for key, t in alternate(jobs, rounds=9).items()}
        worst = float(np.abs(kernel(*arrays) - with_numpy(net, arrays)()).max())
        rows.append([name, rates["musyq"], rates["numpy"], verdict(rates["musyq"] / rates["numpy"], 4), worst])
    table("one value, float32", ["network", "musyq Mpx/s/core", "numpy", "ratio", "largest difference"], rows)


def search() -> None:
    """Leaf area by a network, and as the mean of the nearest entries of a table."""
    try:
        from scipy.spatial import cKDTree
    except ImportError:
        print("scipy is not installed: the search is left out (pip install scipy)")
        return
    given = chosen("landsat_oli/Landsat-8", ("green", "red", "nir", "swir1", "swir2"))
    net, arrays = given.chosen.nets["lai"], pixels(5)
    draw = np.random.default_rng(3)
    # Spectra of plants lie near a surface of few dimensions, which is the easy case of a search.
    mixing = draw.normal(0.0, 0.1, (3, 5))
    entries = draw.uniform(size=(ENTRIES, 3)) @ mixing + 0.2
    asked = draw.uniform(size=(FEW, 3)) @ mixing + 0.2
    leaf, tree = draw.uniform(0, 8, ENTRIES), cKDTree(entries)
    kernel, out = network.estimate(net), np.empty(PIXELS, np.float32)
    jobs: dict[str, Callable[[], object]] = {
        "network": lambda: kernel(*arrays, out=out),
        "KD-tree": lambda: leaf[tree.query(asked, NEIGHBOURS)[1]].mean(axis=1),
    }
    counts = {"network": PIXELS, "KD-tree": FEW}
    rates = {name: counts[name] / t.seconds()[1] / 1e6 for name, t in alternate(jobs, rounds=5).items()}
    title = f"leaf area of 5 bands; table of {ENTRIES:,} entries, mean of {NEIGHBOURS}"
    table(title, ["what", "Mpx/s/core"], [[name, rate] for name, rate in rates.items()])
    print(f"  beside the KD-tree: {verdict(rates['network'] / rates['KD-tree'], 1000)}")


def uncertainty() -> None:
    """Value and standard error in one pass."""
    given = chosen("sentinel2_msi/Sentinel-2A", FINE).chosen
    net, error = given.nets["lai"], given.nets["lai_error"]
    kernel = network.with_uncertainty(net, error, given.noise, given.floors["lai"])
    arrays = pixels(8)
    sigma = [np.float32(0.0)] * 8
    made = [np.full(PIXELS, 0.03, np.float32)] * 8
    alone = network.estimate(net)
    jobs: dict[str, Callable[[], object]] = {
        "value": lambda: alone(*arrays),
        "value and own error": lambda: kernel(*arrays[:8], *sigma, *arrays[8:]),
        "with errors of reflectance": lambda: kernel(*arrays[:8], *made, *arrays[8:]),
    }
    rows: list[list[object]] = [[name, PIXELS / t.seconds()[1] / 1e6] for name, t in alternate(jobs, rounds=7).items()]
    table("Sentinel-2, float32, with memory for the results", ["what", "Mpx/s/core"], rows)


if __name__ == "__main__":
    networks()
    search()
    uncertainty()
