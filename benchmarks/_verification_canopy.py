"""Verification cases of leaves, canopies, vegetation cover and what follows from them: vi, lai, fpar, fvc."""

import numpy as np
from _verification import Pair, Row, case, column, one, retrieved, rows, scene, where

import musyq_lab as ml
from musyq_lab.kernels import canopy, evaporation
from musyq_lab.kernels.leaf import LeafConstants, prospect_d
from musyq_lab.standard.spectra import leaf_constants

# ---- vegetation indices and canopy models ----------------------------------------------------------------------------

ROLES = ("blue", "green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir", "nir_narrow", "swir1", "swir2")
SEEN = dict(zip(ROLES, (0.04, 0.07, 0.05, 0.1, 0.25, 0.32, 0.4, 0.42, 0.2, 0.1), strict=True))


def indices(names: list[str]) -> list[float]:
    """Return indices of the bands of vector VI-1."""
    ds = scene(**{f"reflectance_{role}": value for role, value in SEEN.items()})
    made = ml.retrieve("vi", ds, variables=names, uncertainty=False)
    return [made[name].item() for name in names]


@case("vi", "32 indices", "VI-1: spyndex 0.12.0", 1e-8)
def _indices() -> Pair:
    return indices([row["index"] for row in rows("vi")]), column(rows("vi"), "value")


@case("vi", "EVI with L = 1, not the 0.5 of SAVI", "VI-3: spyndex 0.12.0, the wrong form 0.3472 away", 1e-8)
def _evi() -> Pair:
    return indices(["evi"]), [one("VI-3", "evi")]


def spectrum(vector: str, quantity: str) -> np.ndarray:
    """Return the numbers of a leaf or canopy by position."""
    return column(where("canopy", vector=vector, quantity=quantity), "value")


def places() -> np.ndarray:
    """Return where the wavelengths of the vectors stand in a spectrum that begins at 400 nm."""
    return column(where("canopy", vector="PROSPECT-D", quantity="reflectance"), "position").astype(int) - 400


def prospect_5() -> LeafConstants:
    """Return the constants of PROSPECT-5 at these wavelengths."""
    names = ("refractive", "chlorophyll", "carotenoids", "brown", "water", "dry")
    parts = {name: spectrum("PROSPECT-5", f"constant_{name}") for name in names}
    return LeafConstants(wavelength=(places() + 400) / 1e3, anthocyanins=np.zeros(places().size), **parts)


@case("leaf model", "PROSPECT-D", "PROSPECT-D: authors' Matlab run", 1e-6)
def _prospect_d() -> Pair:
    found = prospect_d(1.2, 30.0, 10.0, 1.0, 0.0, 0.015, 0.009, constants=leaf_constants().at(places()))
    return found, [spectrum("PROSPECT-D", name) for name in ("reflectance", "transmittance")]


@case("leaf model", "PROSPECT-D with the constants of PROSPECT-5", "PROSPECT-5: authors' run", 1e-6)
def _prospect_5() -> Pair:
    found = prospect_d(2.1, 40.0, 10.0, 0.0, 0.1, 0.015, 0.009, constants=prospect_5())
    return found, [spectrum("PROSPECT-5", name) for name in ("reflectance", "transmittance")]


def prosail_5b(edges: np.ndarray) -> canopy.Layer:
    """Return the canopy of vector PROSAIL-5B with classes of leaf angle between these edges."""
    leaf = prospect_d(1.5, 40.0, 8.0, 0.0, 0.0, 0.01, 0.009, constants=prospect_5())
    return canopy.four_sail(
        *leaf, lai=3.0, leaf_angles=canopy.verhoef(-0.35, -0.15, edges), hotspot=0.01, sun_zenith=30.0,
        view_zenith=10.0, relative_azimuth=0.0, edges=edges,
    )  # fmt: skip


def factors(whose: str, edges: np.ndarray) -> Pair:
    """Return the four reflectance factors of PROSAIL-5B, ours and theirs."""
    found = canopy.over_soil(prosail_5b(edges), spectrum("PROSAIL-5B", "soil"))
    names = ("rsot", "rdot", "rddt", "rsdt")
    return [getattr(found, name) for name in names], [spectrum("PROSAIL-5B", f"{whose}_{name}") for name in names]


@case("canopy model", "4SAIL, 13 leaf angles of the old code", "PROSAIL-5B: original Fortran run, five digits", 1e-3)
def _fortran() -> Pair:
    return factors("fortran", np.asarray(canopy.VERHOEF_EDGES))


@case("canopy model", "4SAIL, 18 leaf angles", "PROSAIL-5B: prosail 2.0.5", 1e-3)
def _prosail_5b() -> Pair:
    return factors("prosail", np.asarray(canopy.EDGES))


def prosail_d(lai: float) -> Pair:
    """Return the bidirectional reflectance of vector PROSAIL-D."""
    leaf = prospect_d(1.5, 45.0, 11.25, 0.0, 0.0, 0.015, 0.005, constants=leaf_constants().at(places()))
    layer = canopy.four_sail(
        *leaf, lai=lai, leaf_angles=canopy.campbell(60.0), hotspot=0.2, sun_zenith=35.0, view_zenith=5.0,
        relative_azimuth=90.0,
    )  # fmt: skip
    vector = f"PROSAIL-D-LAI{lai}"
    return canopy.over_soil(layer, spectrum(vector, "soil")).rsot, spectrum(vector, "rsot")


@case("canopy model", "PROSPECT-D and 4SAIL, leaf area 0.5", "PROSAIL-D-LAI0.5: progeosail 2.1.0", 1e-5)
def _prosail_d_sparse() -> Pair:
    return prosail_d(0.5)


@case("canopy model", "PROSPECT-D and 4SAIL, leaf area 2", "PROSAIL-D-LAI2.0: progeosail 2.1.0", 1e-5)
def _prosail_d_dense() -> Pair:
    return prosail_d(2.0)


@case("canopy model", "leaf angles of Campbell and of Verhoef", "LIDF-1: prosail 2.0.5", 1e-7)
def _leaf_angles() -> Pair:
    found = [canopy.campbell(57.0), canopy.campbell(60.0), canopy.verhoef(-0.35, -0.15)]
    return found, [spectrum("LIDF-1", name) for name in ("campbell57", "campbell60", "spherical")]


def four_sail(vector: str, mean_angle: float, **canopy_of: float) -> Pair:
    """Return all coefficients of a canopy of dark and bright leaves."""
    layer = canopy.four_sail([0.08, 0.45], [0.05, 0.45], leaf_angles=canopy.campbell(mean_angle), **canopy_of)
    soil = np.array([0.15, 0.25])
    made = layer._asdict() | canopy.over_soil(layer, soil)._asdict() | {"rso": layer.rso}
    made["rsost"] = layer.rso + layer.tsstoo * soil
    made["rsodt"] = made["rsot"] - made["rsost"]
    names = dict.fromkeys(row["quantity"] for row in where("canopy", vector=vector))
    found, expected = [made[name] for name in names], [spectrum(vector, name) for name in names]
    return np.concatenate([np.ravel(a) for a in found]), np.concatenate(expected)


@case("canopy model", "4SAIL, 17 coefficients, sparse", "4SAIL-2.0-30.0-0.0: prosail 2.0.5", 1e-7)
def _sparse() -> Pair:
    return four_sail(
        "4SAIL-2.0-30.0-0.0", 57.0, lai=2.0, hotspot=0.1, sun_zenith=30.0, view_zenith=0.0, relative_azimuth=0.0
    )


@case("canopy model", "4SAIL, 17 coefficients, dense", "4SAIL-4.0-45.0-30.0: prosail 2.0.5", 1e-7)
def _dense() -> Pair:
    return four_sail(
        "4SAIL-4.0-45.0-30.0", 60.0, lai=4.0, hotspot=0.05, sun_zenith=45.0, view_zenith=30.0, relative_azimuth=120.0
    )


# ---- leaf area, absorption, cover ------------------------------------------------------------------------------------


def beside_sl2p(variable: str, name: str) -> Pair:
    """Return what our network and SL2P make of its ten test cases."""
    chosen = rows(name)
    bands = {f"reflectance_{role}": column(chosen, role) for role in ROLES if role in chosen[0]}
    names = {"sun_zenith": "cos_sun", "view_zenith": "cos_view", "relative_azimuth": "cos_azimuth"}
    angles = {ours: np.degrees(np.arccos(column(chosen, theirs))) for ours, theirs in names.items()}
    options = {"sensor": "sentinel2_msi/Sentinel-2A", "method": "network"}
    return retrieved(variable, variable, scene(**bands, **angles), **options), column(chosen, "value")


@case("lai", "network", "SL2P-3_0/S2A-LAI: s2tbx, another network", np.inf)
def _lai() -> Pair:
    return beside_sl2p("lai", "lai")


@case("fpar", "network", "SL2P-3_0/S2A-FAPAR: s2tbx, another network", np.inf)
def _fpar() -> Pair:
    return beside_sl2p("fpar", "fpar")


@case("fvc", "network", "SL2P-3_0/S2A-FCOVER: s2tbx, another network", np.inf)
def _fcover() -> Pair:
    return beside_sl2p("fvc", "sl2p_cover")


def mixtures(name: str) -> Pair:
    """Return cover by mixtures of given end members."""
    chosen = where("fvc", case=name)
    found = [
        retrieved(
            "fvc", "fvc", scene(ndvi=float(row["ndvi"]), land_cover=10), method=row["method"],
            ndvi_soil=float(row["soil"]), ndvi_vegetation=float(row["vegetation"]),
        ).item()
        for row in chosen
    ]  # fmt: skip
    return found, column(chosen, "value")


@case("fvc", "dimidiate", "CARLSON: BESS-JPL 1.28.0", 1e-8)
def _carlson() -> Pair:
    return mixtures("carlson")


@case("fvc", "dimidiate and baret", "FVC-DPM: equations evaluated", 1e-8)
def _mixture() -> Pair:
    return mixtures("mixture")


@case("fvc", "gap", "FVC-GAP: equation evaluated", 1e-9)
def _gap() -> Pair:
    chosen = where("fvc", case="gap")
    ds = scene(lai=column(chosen, "lai"), clumping_index=column(chosen, "clumping"), land_cover=1)
    return retrieved("fvc", "fvc", ds, method="gap"), column(chosen, "value")


@case("lai", "intercepted light and leaf area within PT-JPL", "CARLSON: carlson-leaf-area-index 1.1.0", 1e-8)
def _leaves_of_ptjpl() -> Pair:
    area, light = (where("verification", vector="CARLSON", quantity=q) for q in ("lai", "fipar"))

    def below(chosen: list[Row]) -> np.ndarray:
        # In saturated air all parts evaporate alike: the soil's share is exp(-0.6 L).
        one_watt = (1.0, 0.0, 298.15, 1.0, column(chosen, "at"), 1.0, 25.0, 1e5, evaporation.ALPHA, 0.7, 0.0)
        soil, *_, potential = evaporation.ptjpl_parts(*one_watt)
        return np.asarray(soil / potential)

    found = -np.log(below(area)) / 0.6, 1 - below(light) ** (0.5 / 0.6)
    return np.concatenate(found), np.concatenate([column(area, "value"), column(light, "value")])
