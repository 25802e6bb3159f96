"""Image samples: a Sentinel-2 chip and Landsat Level-1 chips in their native files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr

from . import netcdf
from .origins import SATELLITE, SPYNDEX, Origins, open_tar
from .sources import Row, keep_licence

# Nominal Sentinel-2A centres (nm) of the four 10 m bands.
SENTINEL2_BANDS = {"blue": ("B02", 492.4), "green": ("B03", 559.8), "red": ("B04", 664.6), "nir": ("B08", 832.8)}

# folder of the package, prefix of its files, what it is
LANDSAT = (
    ("extdata", "LE07_L1TP_195025_20010730_20170204_01_T1", "Landsat 7 ETM+, 2001-07-30, path 195 row 025, 41 x 41"),
    (
        "extdata",
        "LC08_L1TP_195025_20130707_20170503_01_T1",
        "Landsat 8 OLI/TIRS, 2013-07-07, path 195 row 025, 41 x 41",
    ),
    ("testdata/LT5", "LT51670552010352MLK00", "Landsat 5 TM, 2010-12-18, path 167 row 055, 101 x 101"),
)


def derive_sentinel2_chip(origins: Origins, out: Path) -> list[Row]:
    """Sentinel-2 chip of 300 x 300 pixels, four bands of 10 m."""
    numbers = np.array(json.loads(origins.read(SPYNDEX, "data/S2_10m.json")), dtype="int16")
    licence = "Copernicus Sentinel data (free, full and open; attribution); package MIT"
    attrs = {
        "long_name": "reflectance of Sentinel-2 MSI",
        "units": "1",
        "source": SPYNDEX.label,
        "license": licence,
        "references": "Montero et al. 2023, doi:10.1038/s41597-023-02096-0",
        "comment": "Place, date and processing level are not stated by the package; no coordinates. Rows and columns "
        "in the order of the package, which calls them x and y.",
    }
    names, wavelengths = list(SENTINEL2_BANDS), [value[1] for value in SENTINEL2_BANDS.values()]
    coordinates = {
        "band": (
            "band",
            names,
            {"long_name": "band role: " + ", ".join(f"{k} {v[0]}" for k, v in SENTINEL2_BANDS.items())},
        ),
        "wavelength": (
            "band",
            np.array(wavelengths) / 1000,
            {"standard_name": "radiation_wavelength", "long_name": "nominal band centre", "units": "um"},
        ),
    }
    title = "Sentinel-2 chip, 300 x 300 pixels of 10 m, blue green red nir"
    path = out / "sentinel2_chip.nc"
    reflectance = (("band", "y", "x"), numbers * 1e-4, attrs)
    dataset = xr.Dataset({"reflectance": reflectance}, coordinates, {"title": title})
    netcdf.write(dataset, path, {"reflectance": netcdf.packed(1e-4)}, (300, 300))
    text = keep_licence(origins, SPYNDEX, "licenses/LICENSE", out, "spyndex-LICENSE.txt")
    return [
        Row(
            path.name,
            title,
            (SPYNDEX,),
            "European Union, Copernicus Sentinel-2, processed by ESA",
            licence,
            (text,),
            ("Contains modified Copernicus Sentinel data", "Montero et al. 2023, doi:10.1038/s41597-023-02096-0"),
            "digital numbers unchanged as int16 with scale_factor 1e-4",
            "Surface or top-of-atmosphere reflectance: not stated by the package.",
        )
    ]


def derive_landsat(origins: Origins, out: Path) -> list[Row]:
    """Three Landsat Level-1 chips: the native GeoTIFF and MTL files, byte for byte."""
    texts = (keep_licence(origins, SATELLITE, "doc/r-cran-satellite/copyright", out, "r-cran-satellite-copyright.txt"),)
    rows = []
    with open_tar(origins.archive(SATELLITE)) as package:
        for folder, scene, title in LANDSAT:
            target = out / "landsat" / scene
            target.mkdir(parents=True, exist_ok=True)
            start = f"/satellite/{folder}/{scene}_"
            for member in package.getmembers():
                opened = package.extractfile(member) if start in member.name else None
                if opened is not None:
                    (target / Path(member.name).name).write_bytes(native(opened.read(), member.name))
            rows.append(
                Row(
                    f"landsat/{scene}",
                    f"{title} pixels, digital numbers and metadata",
                    (SATELLITE,),
                    "USGS / NASA Landsat",
                    "USGS Landsat: public domain; R package satellite: MIT (its DESCRIPTION; Debian's copyright "
                    "file says GPL-3+)",
                    texts,
                    ("Landsat Level-1 data courtesy of the U.S. Geological Survey",),
                    "cropped by the authors of the R package; GeoTIFF copied byte for byte, zero padding cut "
                    "from the end of MTL",
                    "The MTL corners and line counts describe the full scene, not the chip; the GeoTIFF tags "
                    "are right.",
                )
            )
    return rows


def native(content: bytes, name: str) -> bytes:
    """Return file content, for an MTL text without the zero bytes USGS pads old ones with."""
    return content.rstrip(b"\x00") if name.endswith("_MTL.txt") else content
