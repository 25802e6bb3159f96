"""Landsat numbers by hand: the formulas of the handbooks on a file's own counts and metadata text, nothing of ours."""

import math
import re

import numpy as np
import pytest
import rasterio


def entries(folder):
    """Return the entries of the MTL text as numbers where they are ones."""
    text = next(folder.glob("*MTL.txt")).read_bytes().replace(b"\0", b"").decode()
    pairs = dict(re.findall(r'^\s*(\w+) = "?([^"\n]*?)"?\s*$', text, re.MULTILINE))
    return {k: float(v) if re.fullmatch(r"[-+]?[\d.]+(E[-+]?\d+)?", v) else v for k, v in pairs.items()}


def counts(folder, suffix):
    """Return the stored numbers of a band by the end of its name, such as ``B4`` (case ignored)."""
    (path,) = [f for f in folder.iterdir() if re.fullmatch(rf".*(?<!sr)_{suffix}\.tif", f.name, re.IGNORECASE)]
    with rasterio.open(path) as file:
        return file.read(1)


def radiance(raw, mtl, band):
    """Radiance (W m-2 sr-1 um-1), NaN for fill."""
    values = mtl[f"RADIANCE_MULT_BAND_{band}"] * raw.astype(float) + mtl[f"RADIANCE_ADD_BAND_{band}"]
    return np.where(raw == 0, np.nan, values)


def reflectance(raw, mtl, band):
    """Reflectance factor at the top of the atmosphere by the metadata's own constants (LSDS-1574, section 5.2)."""
    values = mtl[f"REFLECTANCE_MULT_BAND_{band}"] * raw.astype(float) + mtl[f"REFLECTANCE_ADD_BAND_{band}"]
    return np.where(raw == 0, np.nan, values) / math.sin(math.radians(mtl["SUN_ELEVATION"]))


def temperature(values, k1, k2):
    """Brightness temperature (K) of a radiance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return k2 / np.log(k1 / np.where(values > 0, values, np.nan) + 1.0)


def chander(values, esun, mtl, distance):
    """Reflectance factor of a radiance by Chander et al. 2009, eq. 2."""
    return math.pi * values * distance**2 / (esun * math.sin(math.radians(mtl["SUN_ELEVATION"])))


def same(found, expected, *, within, least=None):
    """Compare, in the tolerance that is asked for (relative, and absolute ``least``), also where there are no data."""
    assert np.isfinite(expected).any()
    np.testing.assert_allclose(np.asarray(found), expected, rtol=within, atol=within if least is None else least)


def mtl_xml(folder, target):
    """Write the entries of an MTL text in the groups of a Collection-2 MTL.xml, which satpy's readers take."""
    mtl = next(folder.glob("*MTL.txt")).read_text()
    groups = {
        "IMAGE_ATTRIBUTES": r"SUN_\w+|EARTH_SUN_DISTANCE|SCENE_CENTER_TIME|CLOUD_COVER|DATE_ACQUIRED|SATURATION_\w+",
        "PROJECTION_ATTRIBUTES": r"GRID_CELL_SIZE_\w+|\w+_LINES|\w+_SAMPLES|DATUM|UTM_ZONE|CORNER_\w+_PROJECTION_\w+",
        "LEVEL1_RADIOMETRIC_RESCALING": r"\w+_(?:MULT|ADD)_BAND_\w+",
        "LEVEL1_THERMAL_CONSTANTS": r"K[12]_CONSTANT_BAND_\w+",
    }
    body = ""
    for group, names in groups.items():
        found = re.findall(rf'^\s*({names}) = "?([^"\n]*?)"?\s*$', mtl, re.MULTILINE)
        body += f"<{group}>" + "".join(f"<{k}>{v}</{k}>" for k, v in found) + f"</{group}>"
    path = target / next(folder.glob("*MTL.txt")).name.replace(".txt", ".xml")
    path.write_text(f"<LANDSAT_METADATA_FILE>{body}</LANDSAT_METADATA_FILE>")
    return path


def by_satpy(folder, target, reader, names):
    """Read bands of a real granule with satpy: name -> reflectance (1, not divided by the cosine) or temperature."""
    satpy = pytest.importorskip("satpy", reason="satpy is what these numbers are compared with")
    with rasterio.open(next(folder.glob("*_B4.TIF"))) as file:
        shape = file.shape
    xml = mtl_xml(folder, target)
    text = re.sub(r"(<REFLECTIVE_LINES>)[^<]*", rf"\g<1>{shape[0]}", xml.read_text())
    xml.write_text(re.sub(r"(<REFLECTIVE_SAMPLES>)[^<]*", rf"\g<1>{shape[1]}", text))
    scene = satpy.Scene(reader=reader, filenames=[str(xml), *map(str, folder.glob("*_B*.TIF"))])
    scene.load(names)
    return {name: scene[name].values for name in names}
