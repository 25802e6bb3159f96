"""Verification cases of land and of series: land_cover, phenology, roughness, biomass, smoothing."""

from functools import cache

import numpy as np
from _verification import Pair, case, column, one, retrieved, rows, scene, where

from musyq_lab.analysis.accuracy import accuracy
from musyq_lab.kernels import season, smooth
from musyq_lab.kernels.roughness import canopy, raupach

# ---- land cover ------------------------------------------------------------------------------------------------------

_SITES = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
_HECTARES = [200_000, 150_000, 3_200_000, 6_450_000]


def judged() -> dict[str, tuple[float, float]]:
    """Return value and half width of a 95 % interval of the quantities of the example, for its first class."""
    found, total = accuracy(_SITES, _HECTARES), sum(_HECTARES)
    area, error = found.area[0] * total
    pairs = {"overall": found.overall, "users": found.users[0], "producers": found.producers[0]}
    widths = {name: (float(value), 1.96 * float(sigma)) for name, (value, sigma) in pairs.items()}
    return widths | {"area": (float(area), 1.96 * float(error))}


@case("land_cover", "accuracies from sites by class of the map", "Olofsson et al. 2014, two decimals", 5e-3)
def _accuracies() -> Pair:
    chosen = [row for row in rows("land_cover") if row["quantity"] != "area"]
    found = [judged()[row["quantity"]] for row in chosen]
    return found, np.stack([column(chosen, "value"), column(chosen, "half_width")], axis=1)


@case("land_cover", "area without bias and its interval, ha", "Olofsson et al. 2014", 0.5)
def _areas() -> Pair:
    (row,) = where("land_cover", quantity="area")
    return judged()["area"], [float(row["value"]), float(row["half_width"])]


# ---- phenology -------------------------------------------------------------------------------------------------------


@cache
def dates(definition: str, share: str) -> season.Dates:
    """Return the dates of the double logistic of vector PHENO-1 by a definition."""
    curve = np.array([[0.15, 0.70, 120.0, np.log(0.08), 280.0, np.log(0.06)]])
    window = np.array([1.0]), np.array([366.0])
    return season.dates(curve, *window, definition=definition, share=float(share))


@case("phenology", "threshold, derivative, curvature, gu (kernel), days", "PHENO-1: phenofit's definitions", 0.1)
def _dates() -> Pair:
    found, expected = [], []
    for row in rows("phenology"):
        made = dates(row["definition"], row["share"])
        named = [name for name in ("start", "full", "decline", "end") if row[name]]
        found += [getattr(made, name).item() for name in named]
        expected += [float(row[name]) for name in named]
    peak = dates("threshold", "0.5")
    return [*found, peak.peak.item(), peak.top.item()], [*expected, one("PHENO-1", "peak"), one("PHENO-1", "top")]


# ---- roughness, biomass ----------------------------------------------------------------------------------------------


@case("roughness", "Raupach's equations (kernel)", "RAUPACH: pyTSEB", 1e-8)
def _raupach() -> Pair:
    chosen = where("roughness", case="frontal")
    return raupach(column(chosen, "x")), [column(chosen, "z0"), column(chosen, "d")]


def canopies(kind: str) -> Pair:
    """Return roughness length and displacement height (m) of canopies of one kind."""
    chosen = where("roughness", case=kind)
    ds = scene(lai=column(chosen, "x"), canopy_height=column(chosen, "height"), land_cover=column(chosen, "land_cover"))
    names = ("roughness_length", "displacement_height")
    return [retrieved(name, "roughness", ds) for name in names], [column(chosen, "z0"), column(chosen, "d")]


@case("roughness", "cones (kernel), m", "ROUGH-conifer: pyTSEB", 1e-7)
def _cones() -> Pair:
    chosen = where("roughness", case="conifer")
    over_height = np.stack(canopy(column(chosen, "x"), 0.5, 2 / np.pi))
    return over_height * column(chosen, "height"), [column(chosen, "z0"), column(chosen, "d")]


@case("roughness", "crowns, needles, m", "ROUGH-conifer: pyTSEB", 1e-7)
def _needles() -> Pair:
    return canopies("conifer")


@case("roughness", "crowns, broad leaves, m", "ROUGH-broadleaf: pyTSEB", 1e-7)
def _leaves() -> Pair:
    return canopies("broadleaf")


@case("roughness", "crops, m", "ROUGH-crop: pyTSEB", 1e-7)
def _crops() -> Pair:
    return canopies("crop")


@case("biomass", "biomes and panama, Mg C ha-1", "Asner & Mascaro 2014, Asner et al. 2013, evaluated", 1e-5)
def _biomass() -> Pair:
    found = [
        retrieved(
            "biomass_carbon", "biomass", scene(canopy_height=float(r["height"]), land_cover=float(r["land_cover"])),
            method=r["method"],
        ).item()
        for r in rows("biomass")
    ]  # fmt: skip
    return found, column(rows("biomass"), "carbon")


# ---- series ----------------------------------------------------------------------------------------------------------


def series(name: str) -> np.ndarray:
    """Return a column of the season of 73 values."""
    return column(rows("smooth"), name)


@case("series", "Whittaker", "WHIT-1: whittaker-eilers 0.2.0", 1e-7)
def _whittaker() -> Pair:
    return smooth.whittaker(series("value"), series("day"), series("weight"), lam=10.0).value, series("whittaker")


@case("series", "Savitzky-Golay, without three values at each end", "SG-1: scipy savgol_filter", 1e-8)
def _savitzky_golay() -> Pair:
    found = smooth.savitzky_golay(series("value"), series("day"), half_width=15.0, degree=2).value
    return found[3:-3], series("savitzky_golay")[3:-3]


@case("series", "HANTS", "HANTS-1: equations evaluated", 1e-6)
def _hants() -> Pair:
    found = smooth.hants(series("value"), series("day"), period=365.0, harmonics=3, tolerance=0.05, spare=5)
    kept = [float(found.number), *found.value]
    return kept, [np.sum(series("rejected") == 0), *series("hants")]
