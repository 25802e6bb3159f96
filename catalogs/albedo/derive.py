"""Derive the tables of albedo: the diffuse fraction of clear skies, and how well bands stand for broad bands.

Usage: ``python catalogs/albedo/derive.py [--out FOLDER]`` (half a minute; nothing is read but the package itself)

``diffuse.csv``: diffuse over global irradiance on the ground by the Sun's zenith angle and the aerosol's optical depth,
from the transmittances of 6S for continental aerosol (:mod:`musyq_lab.standard.atmosphere`) in the seven bands of MODIS
on land, each weighted with the sunlight outside the atmosphere of the interval around it; water vapour 20 kg m-2, ozone
300 DU, 1013.25 hPa. Over a bright surface the sky is brighter: the light that goes to and fro is left out.

``accuracy.csv``: errors of the conversions to broad bands on the package's library of spectra, by kind of surface: what
:func:`musyq_lab.products._broadband.regressed` leaves, and the difference of the published ones from the library's
broad bands of 0.4 to 2.5 um.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.products import _broadband
from musyq_lab.standard import _library
from musyq_lab.standard.atmosphere import irradiance
from musyq_lab.standard.spectra import sunlight

HERE = Path(__file__).resolve().parent
SUNS = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 65.0, 70.0, 75.0, 80.0)
DEPTHS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
# The interval (um) of the sunlight that each band of MODIS stands for.
INTERVALS = {
    "blue": (0.4, 0.51),
    "green": (0.51, 0.6),
    "red": (0.6, 0.7),
    "nir": (0.7, 1.05),
    "nir_1240": (1.05, 1.4),
    "swir1": (1.4, 1.9),
    "swir2": (1.9, 2.5),
}
PARTS = {"shortwave": tuple(INTERVALS), "visible": tuple(INTERVALS)[:3], "near_infrared": tuple(INTERVALS)[3:]}
SENSORS = (
    ("modis", ""),
    ("npp_viirs", ""),
    ("landsat_tm", ""),
    ("landsat_oli", ""),
    ("sentinel2_msi", "Sentinel-2A"),
    ("fy3d_mersi2", ""),
    ("himawari_ahi", ""),
    ("gf1_wfv", "WFV1"),
    ("hj1_ccd", ""),
    ("msg_seviri", ""),
    ("avhrr_gac", ""),
)

Floats = NDArray[np.float64]


def diffuse() -> list[list[float]]:
    """Return rows of sun, aerosol, and the diffuse fraction of the broad bands."""
    sun, aod = (grid.ravel() for grid in np.meshgrid(SUNS, DEPTHS, indexing="ij"))
    wavelength, light = sunlight("outside")
    beams = {}
    for band, (low, high) in INTERVALS.items():
        energy = light[(wavelength >= low) & (wavelength < high)].sum()
        air = irradiance("modis", band, sun_zenith=sun, aod=aod, water_vapour=np.full_like(sun, 20.0))
        beams[band] = energy * np.asarray(air.direct), energy * np.asarray(air.diffuse)
    columns = []
    for bands in PARTS.values():
        direct, sky = (sum(beams[band][k] for band in bands) for k in (0, 1))
        columns.append(sky / (direct + sky))
    rows: list[list[float]] = np.column_stack([sun, aod, *columns]).tolist()
    return rows


def accuracy() -> list[list[object]]:
    """Return rows of sensor, conversion, broad band, kind of surface, number, bias and root mean square."""
    kinds, rows = _library.kinds(), []
    for sensor, variant in SENSORS:
        roles = _broadband.roles_of(sensor, variant)
        reflectance = _library.band_reflectance(sensor, roles, variant)
        for broad in _broadband.BROADBANDS:
            truth = _broadband.library_albedo(broad)
            for name in ("regression", "published"):
                try:
                    conversion = _broadband.conversion(name, f"{sensor}/{variant}", roles, broad)
                except InputError:
                    continue
                error = reflectance @ np.array(conversion.weights) + conversion.offset - truth
                for kind in ("canopy", "soil", "litter", "mixture", "snow", "water"):
                    own = error[kinds == kind]
                    rows.append([sensor, variant, name, broad, kind, own.size, f"{own.mean():.4f}", f"{np.sqrt((own**2).mean()):.4f}"])  # fmt: skip  # noqa: E501
    return rows


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    out = parser.parse_args().out
    with (out / "diffuse.csv").open("w", newline="") as file:
        file.write(
            "# Diffuse over global irradiance under a clear sky: 6S, continental aerosol (derive.py beside this)\n"
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sun_zenith", "aod", *PARTS])
        writer.writerows([f"{s:g}", f"{a:g}", *(f"{d:.4f}" for d in rest)] for s, a, *rest in diffuse())
    with (out / "accuracy.csv").open("w", newline="") as file:
        file.write("# Errors of conversions to broad bands of 0.4 to 2.5 um on the library of spectra (derive.py)\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["sensor", "variant", "conversion", "broadband", "kind", "spectra", "bias", "rms"])
        writer.writerows(accuracy())


if __name__ == "__main__":
    main()
