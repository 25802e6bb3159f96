"""Derive the library of spectra from which bands are adjusted: land surfaces from 400 to 2500 nm by 1 nm.

Usage: ``python catalogs/bandpass/derive.py [--out FILE]`` (half a minute; nothing is read but the package itself)

Every spectrum comes from the models of :mod:`musyq_lab.kernels`: PROSPECT-D and 4SAIL over soils of any moisture, bare
soils, dry plant litter, snow, water, and mixtures of these. The ranges of traits enclose those of the training base of
Weiss, Baret & Jay (2020, S2ToolBox ATBD 2.1); those of litter are wider. The soil model knows neither minerals nor a
slope of its own, so each soil is multiplied with a power of the wavelength and with absorption features at the places
of iron oxides (0.49, 0.66, 0.89 um: Hunt 1977, doi:10.1190/1.1440721), hydroxyl and water (1.41, 1.92 um), clay (2.205
um) and carbonate (2.34 um; Clark et al. 1990, doi:10.1029/JB095iB08p12653). Their depths were chosen by us so that the
ratios of reflectance between neighbouring bands spread as they do over the 4185 soils that the package earthlib 1.1.0
(MIT) brings together, mostly from the ICRAF-ISRIC database; no spectrum of it was taken.

The spectra are kept as sums of principal components, in 16-bit whole numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.kernels import canopy, ground
from musyq_lab.kernels.leaf import prospect_d
from musyq_lab.standard.spectra import broad_bands, leaf_constants

HERE = Path(__file__).resolve().parent
SEED = 2019
COUNTS = {"canopy": 1300, "soil": 560, "litter": 200, "snow": 150, "water": 150, "mixture": 640}
"""Spectra of each kind, in the order of the library."""
COMPONENTS = 48

Floats = NDArray[np.float64]

# Centre (um), width (um, one sigma) and largest depth of the absorption of soils.
FEATURES = (
    (0.49, 0.07, 0.35),
    (0.66, 0.05, 0.15),
    (0.89, 0.07, 0.30),
    (1.41, 0.03, 0.20),
    (1.92, 0.05, 0.35),
    (2.205, 0.025, 0.35),
    (2.34, 0.035, 0.30),
)
BRIGHTEST_SOIL = 0.85


class Draw:
    """Random numbers for one kind of spectra."""

    def __init__(self, key: int, count: int) -> None:
        self.rng = np.random.Generator(np.random.Philox(key))
        self.count = count

    def even(self, low: float, high: float) -> Floats:
        """Return numbers even between two limits."""
        return self.rng.uniform(low, high, self.count)

    def ratio(self, low: float, high: float) -> Floats:
        """Return numbers even in the logarithm."""
        return np.exp(self.rng.uniform(np.log(low), np.log(high), self.count))

    def often(self, share: float) -> NDArray[np.bool_]:
        """Return True for a share of the numbers."""
        return self.rng.uniform(0.0, 1.0, self.count) < share


def soils(draw: Draw) -> Floats:
    """Return bare soils, dry to wet."""
    leaf = leaf_constants()
    moisture = np.maximum(draw.even(-0.2, 0.5), 0.0)  # two in seven are dry
    spectra = ground.soil(
        leaf.wavelength, leaf.water, draw.even(0.08, 0.65), redness=draw.even(0.1, 0.95), moisture=moisture
    )
    slope = np.clip(draw.rng.normal(0.08, 0.15, draw.count), -0.25, 0.45)
    spectra = spectra * (leaf.wavelength / 0.9) ** slope[:, None]
    for centre, width, deepest in FEATURES:
        depth, widths = deepest * draw.even(0.0, 1.0) ** 1.5, width * draw.even(0.8, 1.3)
        spectra *= 1.0 - depth[:, None] * np.exp(-0.5 * ((leaf.wavelength - centre) / widths[:, None]) ** 2)
    return spectra * np.minimum(1.0, BRIGHTEST_SOIL / spectra.max(axis=1, keepdims=True))


def canopies(draw: Draw) -> Floats:
    """Return canopies of green to brown leaves over soils, under a sky up to two fifths diffuse."""
    dry = draw.often(0.3)
    green = np.maximum(draw.even(0.0, 80.0), 5.0)
    cab = np.where(dry, draw.ratio(0.5, 15.0), green)
    traits = {
        "n": draw.even(1.1, 2.3),
        "cab": cab,
        "car": cab * draw.even(0.12, 0.35) + draw.even(0.0, 3.0),
        "ant": np.where(draw.often(0.25), draw.even(0.0, 6.0), draw.even(0.0, 1.0)),
        "cbrown": np.where(dry, draw.even(0.0, 1.2), np.where(draw.often(0.3), draw.even(0.0, 0.4), 0.0)),
        "cw": np.where(dry, draw.ratio(0.0002, 0.006), draw.ratio(0.004, 0.05)),
        "cm": np.where(dry, draw.ratio(0.002, 0.03), draw.ratio(0.002, 0.02)),
    }
    return stand(draw, traits, draw.ratio(0.1, 8.0))


def litter(draw: Draw) -> Floats:
    """Return deep layers of dead leaves, without water."""
    traits = {
        "n": draw.even(1.3, 3.5),
        "cab": draw.ratio(0.1, 6.0),
        "car": draw.even(0.0, 4.0),
        "ant": draw.even(0.0, 3.0),
        "cbrown": draw.ratio(0.05, 4.0),
        "cw": draw.ratio(0.0001, 0.004),
        "cm": draw.ratio(0.004, 0.05),
    }
    return stand(draw, traits, draw.even(2.0, 10.0))


def stand(draw: Draw, traits: dict[str, Floats], lai: Floats) -> Floats:
    """Return the reflectance of leaves of given traits over soils of their own."""
    layer = canopy.four_sail(
        *prospect_d(**traits, constants=leaf_constants()),
        lai=lai,
        leaf_angles=canopy.campbell(draw.even(20.0, 75.0)),
        hotspot=draw.ratio(0.02, 0.5),
        sun_zenith=draw.even(0.0, 70.0),
        view_zenith=draw.even(0.0, 60.0),
        relative_azimuth=draw.even(0.0, 180.0),
    )
    factors = canopy.over_soil(layer, soils(draw))
    diffuse = draw.even(0.0, 0.4)[:, None]
    return (1.0 - diffuse) * factors.rsot + diffuse * factors.rdot


def snows(draw: Draw) -> Floats:
    """Return deep snow, new to old, clean to dirty."""
    whole = broad_bands(["shortwave"])  # all wavelengths of the models
    return ground.snow(
        whole.wavelength,
        whole.ice,
        draw.ratio(2.0, 80.0),
        soot=draw.ratio(1e-9, 3e-6),
        sun_zenith=draw.even(20.0, 80.0),
    )


def waters(draw: Draw) -> Floats:
    """Return deep water with algae, particles and dissolved matter, and a little light from its surface."""
    leaf = leaf_constants()
    spectra = ground.water(
        leaf.wavelength,
        leaf.water,
        draw.ratio(0.05, 30.0),
        sediment=draw.ratio(0.1, 100.0),
        dissolved=draw.ratio(0.01, 2.0),
    )
    return spectra + draw.even(0.0, 0.01)[:, None]


def mixtures(draw: Draw, pure: Floats) -> Floats:
    """Return two spectra of any kinds side by side."""
    first, second = draw.rng.integers(0, len(pure), (2, draw.count))
    share = draw.even(0.0, 1.0)[:, None]
    return share * pure[first] + (1.0 - share) * pure[second]


def library(seed: int = SEED, counts: dict[str, int] = COUNTS) -> tuple[Floats, NDArray[np.str_]]:
    """Return the spectra, shape (spectrum, wavelength), and the kind of each."""
    makers = {"canopy": canopies, "soil": soils, "litter": litter, "snow": snows, "water": waters}
    parts = [make(Draw(seed + k, counts[kind])) for k, (kind, make) in enumerate(makers.items())]
    parts.append(mixtures(Draw(seed + len(makers), counts["mixture"]), np.concatenate(parts)))
    kinds = np.repeat(list(counts), list(counts.values()))
    return np.concatenate(parts), kinds


def packed(spectra: Floats, components: int = COMPONENTS) -> dict[str, NDArray[np.generic]]:
    """Return spectra as ``mean + (scores * score_scale) @ (basis * basis_scale)``, both in 16-bit whole numbers."""
    mean = spectra.mean(axis=0)
    left, sizes, right = np.linalg.svd(spectra - mean, full_matrices=False)
    found: dict[str, NDArray[np.generic]] = {"mean": mean.astype(np.float32)}
    kept = {"scores": (left[:, :components] * sizes[:components], 0), "basis": (right[:components], 1)}
    for name, (values, along) in kept.items():
        scale = np.abs(values).max(axis=along, keepdims=True) / 32767.0
        found[name] = np.round(values / scale).astype(np.int16)
        found[f"{name}_scale"] = scale
    return found


def unpacked(table: dict[str, NDArray[np.generic]]) -> Floats:
    """Return the spectra of a table."""
    scores, basis = (table[name].astype(float) * table[f"{name}_scale"] for name in ("scores", "basis"))
    return table["mean"] + scores @ basis


def main() -> None:
    """Make, pack, check and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "library.npz")
    out = parser.parse_args().out
    spectra, kinds = library()
    table = packed(spectra)
    error = np.abs(unpacked(table) - spectra)
    np.savez_compressed(out, kind=kinds.astype("S8"), **table)
    print(f"{out}: {len(spectra)} spectra, {out.stat().st_size} bytes, error rms {np.sqrt((error**2).mean()):.1e}")
    print(f"largest error {error.max():.1e}; reflectance {spectra.min():.4f} to {spectra.max():.4f}")


if __name__ == "__main__":
    main()
