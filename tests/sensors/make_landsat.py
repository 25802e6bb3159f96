"""Minimal Landsat Level-1 granules in the native layout of each generation: GeoTIFF bands and an MTL text.

Layout of the text: before August 2012 as LPGS 11 wrote it (``LMAX_BAND1``, ``ACQUISITION_DATE``, bands 61 and 62); 2012
to 2016 as LPGS 12 (USGS LSDS-809 for OLI); Collection 1 (LSDS-1656) and Collection 2 (LSDS-1822), which renamed the
groups to ``LEVEL1_...``.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

BANDS = {
    "TM": ("1", "2", "3", "4", "5", "6", "7"),
    "ETM": ("1", "2", "3", "4", "5", "6_VCID_1", "6_VCID_2", "7", "8"),
    "OLI_TIRS": tuple(str(n) for n in range(1, 12)),
}
THERMAL = {"TM": ("6",), "ETM": ("6_VCID_1", "6_VCID_2"), "OLI_TIRS": ("10", "11")}
NAMES = {
    ("TM", "2010"): "L5224063_06319880814",
    ("TM", "2014"): "LT52240631988227CUB02",
    ("TM", "C1"): "LT05_L1TP_224063_19880814_20170208_01_T1",
    ("TM", "C2"): "LT05_L1TP_224063_19880814_20200917_02_T1",
    ("ETM", "2010"): "L71224063_06319880814",
    ("ETM", "2014"): "LE72240632001227CUB02",
    ("ETM", "C1"): "LE07_L1TP_224063_20010815_20170208_01_T1",
    ("ETM", "C2"): "LE07_L1TP_224063_20010815_20200917_02_T1",
    ("OLI_TIRS", "2014"): "LC82240632014227LGN00",
    ("OLI_TIRS", "C1"): "LC08_L1TP_224063_20140815_20170208_01_T1",
    ("OLI_TIRS", "C2"): "LC08_L1TP_224063_20140815_20200917_02_T1",
}
SPACECRAFT = {"TM": ("Landsat5", "LANDSAT_5"), "ETM": ("Landsat7", "LANDSAT_7"), "OLI_TIRS": ("", "LANDSAT_8")}
DATE, TIME = "2001-08-15", "13:00:47.3750190Z"
ELEVATION, AZIMUTH, DISTANCE = 49.75588889, 61.96724978, 1.0127
K1, K2 = 700.5, 1300.25


def gain(number: int, instrument: str) -> float:
    """Return the gain to radiance of the n-th band, as MTL texts print it."""
    return float(f"{(3.342e-5 if instrument == 'OLI_TIRS' else 0.01) * (number + 1):.4E}")


def offset(number: int) -> float:
    return -0.5 - 0.125 * number


@dataclass
class Made:
    """A granule on disk and what was put into it."""

    folder: Path
    name: str
    instrument: str
    generation: str
    counts: dict[str, np.ndarray]
    qa: np.ndarray | None = None
    files: list[Path] = field(default_factory=list)

    @property
    def mtl(self) -> Path:
        return self.folder / f"{self.name}_MTL.txt"

    def file(self, band: str) -> Path:
        return self.folder / self.band_name(band)

    def band_name(self, band: str) -> str:
        if self.generation != "2010":
            return f"{self.name}_B{band}.TIF"
        digits = {"6_VCID_1": "61", "6_VCID_2": "62"}.get(band, f"{band}0")
        # The high-gain thermal band, band 7 and the panchromatic one of ETM+ are of format 2.
        stem = self.name.replace("L71", "L72", 1) if digits in ("62", "70", "80") else self.name
        return f"{stem}_B{digits}.TIF"

    def number(self, band: str) -> int:
        return BANDS[self.instrument].index(band)


def write_tiff(path, data, *, pixel=30.0, origin=(486600.0, -375000.0), crs="EPSG:32622", **options):
    """Write one band as GeoTIFF."""
    Path(path).unlink(missing_ok=True)  # by itself: GDAL would delete the MTL text with it
    place = {"crs": crs, "transform": Affine(pixel, 0.0, origin[0], 0.0, -pixel, origin[1])} if crs else {}
    height, width = data.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype=data.dtype.name, **place, **options
    ) as file:
        file.write(data, 1)
    return Path(path)


def make(folder, instrument="OLI_TIRS", generation="C2", *, shape=(6, 5), bands=None, qa=True, name=None) -> Made:
    """Write a granule; counts are 0 (fill) in the first pixel and the largest in the last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made = Made(folder, name or NAMES[instrument, generation], instrument, generation, {})
    kind, most = (np.uint16, 65535) if instrument == "OLI_TIRS" else (np.uint8, 255)
    generator = np.random.default_rng(63)
    for band in bands or BANDS[instrument]:
        size = tuple(2 * n for n in shape) if band == "8" else shape
        data = generator.integers(most // 4, most - 10, size).astype(kind)
        data.flat[0], data.flat[-1] = 0, most
        made.counts[band] = data
        made.files.append(write_tiff(made.file(band), data, pixel=15.0 if band == "8" else 30.0))
    if qa and generation in ("C1", "C2"):
        made.qa = generator.integers(0, 65536, shape).astype(np.uint16)
        suffix = "BQA" if generation == "C1" else "QA_PIXEL"
        made.files.append(write_tiff(folder / f"{made.name}_{suffix}.TIF", made.qa))
    made.mtl.write_text(mtl(made))
    made.files.append(made.mtl)
    return made


def mtl(made: Made) -> str:
    """Return the metadata text of a granule."""
    return _before_2012(made) if made.generation == "2010" else _since_2012(made)


def _grouped(title: str, groups: dict[str, dict[str, object]]) -> str:
    lines = [f"GROUP = {title}"]
    for group, entries in groups.items():
        lines += [f"  GROUP = {group}", *(f"    {k} = {v}" for k, v in entries.items()), f"  END_GROUP = {group}"]
    return "\n".join([*lines, f"END_GROUP = {title}", "END", ""])


def _before_2012(made: Made) -> str:
    old = {"6_VCID_1": "61", "6_VCID_2": "62"}
    bands = [old.get(b, b) for b in BANDS[made.instrument]]
    limits, pixels, files = {}, {}, {}
    for number, (band, native) in enumerate(zip(bands, BANDS[made.instrument], strict=True)):
        files[f"BAND{band}_FILE_NAME"] = f'"{made.band_name(native)}"'
        limits[f"LMAX_BAND{band}"] = f"{gain(number, made.instrument) * 254 + offset(number):.6f}"
        limits[f"LMIN_BAND{band}"] = f"{offset(number):.6f}"
        pixels[f"QCALMAX_BAND{band}"], pixels[f"QCALMIN_BAND{band}"] = "255.0", "1.0"
    product = {
        "PRODUCT_TYPE": '"L1T"',
        "SPACECRAFT_ID": f'"{SPACECRAFT[made.instrument][0]}"',
        "SENSOR_ID": '"ETM+"' if made.instrument == "ETM" else f'"{made.instrument}"',
        "ACQUISITION_DATE": DATE,
        "SCENE_CENTER_SCAN_TIME": TIME,
        **files,
    }
    return _grouped(
        "L1_METADATA_FILE",
        {
            "METADATA_FILE_INFO": {"ORIGIN": '"Image courtesy of the U.S. Geological Survey"'},
            "PRODUCT_METADATA": product,
            "MIN_MAX_RADIANCE": limits,
            "MIN_MAX_PIXEL_VALUE": pixels,
            "PRODUCT_PARAMETERS": {"SUN_AZIMUTH": AZIMUTH, "SUN_ELEVATION": ELEVATION},
        },
    )


def _since_2012(made: Made) -> str:
    second = made.generation == "C2"
    prefix = "LEVEL1_" if second else ""
    identity: dict[str, object] = {"LANDSAT_SCENE_ID": '"' + NAMES[made.instrument, "2014"] + '"'}
    if made.generation != "2014":
        identity["LANDSAT_PRODUCT_ID"] = f'"{NAMES[made.instrument, made.generation]}"'
        identity["COLLECTION_NUMBER"] = made.generation.replace("C", "0")
    level = {"PROCESSING_LEVEL": '"L1TP"'} if second else {"DATA_TYPE": '"L1T"'}
    taken = {
        "SPACECRAFT_ID": f'"{SPACECRAFT[made.instrument][1]}"',
        "SENSOR_ID": f'"{made.instrument}"',
        "DATE_ACQUIRED": DATE,
        "SCENE_CENTER_TIME": f'"{TIME}"' if made.instrument == "OLI_TIRS" else TIME,
    }
    files = {f"FILE_NAME_BAND_{b}": f'"{NAMES[made.instrument, made.generation]}_B{b}.TIF"' for b in made.counts}
    sun = {"SUN_AZIMUTH": AZIMUTH, "SUN_ELEVATION": ELEVATION}
    if made.generation != "2014" or made.instrument == "OLI_TIRS":
        sun["EARTH_SUN_DISTANCE"] = DISTANCE
    constants = {
        f"{prefix}MIN_MAX_RADIANCE": _limits(made),
        f"{prefix}MIN_MAX_PIXEL_VALUE": _pixel_values(made),
        f"{prefix}RADIOMETRIC_RESCALING": _rescaling(made),
        **_thermal_constants(made, prefix),
    }
    if second:
        groups = {
            "PRODUCT_CONTENTS": {"PROCESSING_LEVEL": '"L1TP"', **files},
            "IMAGE_ATTRIBUTES": {**taken, **sun},
            "LEVEL1_PROCESSING_RECORD": {**identity, **level},
            **constants,
        }
        return _grouped("LANDSAT_METADATA_FILE", groups)
    groups = {
        "METADATA_FILE_INFO": identity,
        "PRODUCT_METADATA": {**level, **taken, **files},
        "IMAGE_ATTRIBUTES": sun,
        **constants,
    }
    return _grouped("L1_METADATA_FILE", groups)


def _pixel_values(made: Made) -> dict[str, object]:
    most = 65535 if made.instrument == "OLI_TIRS" else 255
    entries: dict[str, object] = {}
    for band in BANDS[made.instrument]:
        entries[f"QUANTIZE_CAL_MAX_BAND_{band}"], entries[f"QUANTIZE_CAL_MIN_BAND_{band}"] = most, 1
    return entries


def _limits(made: Made) -> dict[str, object]:
    most = 65535 if made.instrument == "OLI_TIRS" else 255
    entries: dict[str, object] = {}
    for number, band in enumerate(BANDS[made.instrument]):
        for name, count in (("MAXIMUM", most), ("MINIMUM", 1)):
            value = gain(number, made.instrument) * count + offset(number)
            entries[f"RADIANCE_{name}_BAND_{band}"] = f"{value:.5f}"
    return entries


def _rescaling(made: Made) -> dict[str, object]:
    entries: dict[str, object] = {}
    for number, band in enumerate(BANDS[made.instrument]):
        entries[f"RADIANCE_MULT_BAND_{band}"] = f"{gain(number, made.instrument):.4E}"
        entries[f"RADIANCE_ADD_BAND_{band}"] = f"{offset(number):.5f}"
    if made.generation == "2014" and made.instrument != "OLI_TIRS":
        return entries
    for band in BANDS[made.instrument]:
        if band not in THERMAL[made.instrument]:
            entries[f"REFLECTANCE_MULT_BAND_{band}"] = "2.0000E-05"
            entries[f"REFLECTANCE_ADD_BAND_{band}"] = "-0.100000"
    return entries


def _thermal_constants(made: Made, prefix: str) -> dict[str, dict[str, object]]:
    if made.generation == "2014" and made.instrument != "OLI_TIRS":
        return {}
    group = "TIRS_THERMAL_CONSTANTS" if made.instrument == "OLI_TIRS" and not prefix else f"{prefix}THERMAL_CONSTANTS"
    entries: dict[str, object] = {}
    for band in THERMAL[made.instrument]:
        entries[f"K1_CONSTANT_BAND_{band}"], entries[f"K2_CONSTANT_BAND_{band}"] = K1, K2
    return {group: entries}


def edit(made: Made, old: str, new: str) -> None:
    """Replace a text in the metadata."""
    text = made.mtl.read_text()
    assert old in text
    made.mtl.write_text(text.replace(old, new))
