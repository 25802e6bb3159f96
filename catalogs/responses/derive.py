"""Derive the table of measured spectral responses that ships with MuSyQ Lab.

Usage: ``python catalogs/responses/derive.py FYPY_RESP MTD_MSIL1C [--out FILE]``

``FYPY_RESP`` is the folder ``fypy/RSDP/resp`` of the repository stealthier-ai/fypy at commit 492087e (MIT). Its tables
of GF and FY-3D come from the published responses of CRESDA and NSMC. Those of Sentinel and Landsat are not taken: its
own script (``extractSRF.py``) copies them out of Py6S, which is under the LGPL.
``MTD_MSIL1C`` is the metadata of any Sentinel-2A Level-1C product, in which ESA delivers the responses of the satellite
by steps of 1 nm (Copernicus Sentinel data, free and open).

Each curve is checked: steps of one size in micrometres, a peak near 1, nothing below zero, centroid and width near
those of the sensor's spec.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.files.xml import read_xml
from musyq_lab.sensors._registry import SENSORS

HERE = Path(__file__).resolve().parent
FYPY = "fypy"
COPERNICUS = "copernicus"
STEP = 0.0025  # um, of all tables of fypy

# Sensor and variant -> file, satellite and instrument in fypy.
_TABLES = {
    ("gf1_wfv", "WFV1"): ("GF", "GF1", "WFV1"),
    ("gf1_wfv", "WFV2"): ("GF", "GF1", "WFV2"),
    ("gf1_wfv", "WFV3"): ("GF", "GF1", "WFV3"),
    ("gf1_wfv", "WFV4"): ("GF", "GF1", "WFV4"),
    ("gf1_pms", "PMS1"): ("GF", "GF1", "PMS1"),
    ("gf1_pms", "PMS2"): ("GF", "GF1", "PMS2"),
    ("gf1_pms", "GF-1B"): ("GF", "GF1B", "PMS"),
    ("gf1_pms", "GF-1C"): ("GF", "GF1C", "PMS"),
    ("gf1_pms", "GF-1D"): ("GF", "GF1D", "PMS"),
    ("gf6_wfv", ""): ("GF", "GF6", "WFV"),
    ("fy3d_mersi2", ""): ("FY", "FY3D", "MERSI"),
}
_PMS = {"B1": "PAN", "B2": "MSS1", "B3": "MSS2", "B4": "MSS3", "B5": "MSS4"}


class Curve(NamedTuple):
    """One measured response."""

    sensor: str
    variant: str
    band: str
    first: float
    step: float
    values: NDArray[np.float64]
    source: str


def from_fypy(folder: Path) -> Iterator[Curve]:
    """Yield the curves of GF and FY-3D."""
    for (sensor, variant), (file, satellite, instrument) in _TABLES.items():
        tables = json.loads((folder / file / f"{file}.json").read_text("utf-8"))[satellite][instrument]
        for name, table in tables.items():
            first, last = table["wl"]
            values = np.array(table["SRF"], float)
            if abs(first + STEP * (values.size - 1) - last) > 1e-5:
                raise SystemExit(f"{sensor} {variant} {name}: {values.size} values do not span {first} to {last} um")
            yield Curve(sensor, variant, _native(sensor, name), first, STEP, values, FYPY)


def _native(sensor: str, name: str) -> str:
    if sensor == "gf1_pms":
        return _PMS[name]
    return name.removeprefix("B") if sensor == "fy3d_mersi2" else name


def from_metadata(path: Path) -> Iterator[Curve]:
    """Yield the curves of Sentinel-2A."""
    root = read_xml(path)
    if (root.findtext(".//SPACECRAFT_NAME") or "") != "Sentinel-2A":
        raise SystemExit(f"{path} is not of Sentinel-2A")
    for entry in root.iter("Spectral_Information"):
        name = entry.attrib["physicalBand"]
        native = name if name == "B8A" else f"B{int(name[1:]):02d}"
        first = float(entry.findtext("Wavelength/MIN") or "nan") / 1e3
        step = float(entry.findtext("Spectral_Response/STEP") or "nan") / 1e3
        values = np.array((entry.findtext("Spectral_Response/VALUES") or "").split(), float)
        yield Curve("sentinel2_msi", "Sentinel-2A", native, first, step, values, COPERNICUS)


def check(curve: Curve) -> None:
    """Stop at a curve that is not what its sensor's spec says of the band."""
    band = SENSORS[curve.sensor].band(curve.band, curve.variant)
    wavelength = curve.first + curve.step * np.arange(curve.values.size)
    centroid = float((wavelength * curve.values).sum() / curve.values.sum())
    width = float((curve.values >= curve.values.max() / 2).sum() * curve.step)
    label = f"{curve.sensor} {curve.variant} {curve.band}"
    if not (0.7 < curve.values.max() < 1.01 and curve.values.min() >= 0):
        raise SystemExit(f"{label}: responses from {curve.values.min()} to {curve.values.max()}")
    if abs(centroid - band.centre) > 0.1 * band.fwhm or abs(width - band.fwhm) > 0.2 * band.fwhm + curve.step:
        raise SystemExit(f"{label}: {centroid:.4f} um wide {width:.4f}, the spec says {band.centre} and {band.fwhm}")


def write(curves: list[Curve], out: Path) -> None:
    """Write one line a curve: values to four digits, separated by blanks."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sensor", "variant", "band", "first_um", "step_um", "source", "response"))
        for c in curves:
            values = " ".join(f"{v:.4g}" for v in c.values)
            writer.writerow((c.sensor, c.variant, c.band, f"{c.first:.4f}", f"{c.step:g}", c.source, values))


def main() -> None:
    """Read, check and write all curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fypy", type=Path)
    parser.add_argument("metadata", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "responses.csv")
    chosen = parser.parse_args()
    curves = [*from_fypy(chosen.fypy), *from_metadata(chosen.metadata)]
    for curve in curves:
        check(curve)
    write(curves, chosen.out)
    print(f"{len(curves)} curves, {chosen.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
