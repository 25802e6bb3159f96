"""How often the cloud mask is right: simulated scenes of every simulated sensor, and real scenes of Landsat-8.

Cloud in the truth is an optical depth of at least 0.5 at the pixel (mean under its point spread, cloud edges included);
the columns at the right count what is missed of cloud from other depths on. Real scenes are compared with the mask of
the producer (CFMask), which is a mask too, not a truth.

    python cloud_accuracy.py FOLDER ...          folders of ml.simulate
    python cloud_accuracy.py --make FOLDER       makes ten worlds in it first (half an hour)
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from _bench import table
from pyproj import Transformer

import musyq_lab as ml
from musyq_lab.kernels import radiometry, solar
from musyq_lab.standard import cloud, layout

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DEPTHS = (0.1, 0.3, 0.5, 1.0)
FINE, COARSE = ("landsat_oli", "sentinel2_msi", "gf1_wfv"), ("modis", "fy3d_mersi2", "fy4a_agri", "himawari_ahi")
WORLDS = {
    # place, first day, seed, cloudiness: none of them was used to choose a number of the mask
    "june": ("huailai", "2019-06-03", 21, 1.0),
    "september": ("hulunber", "2019-09-10", 22, 0.8),
    "october": ((114.3, 30.6), "2019-10-25", 23, 1.0),
    "snow": ("jingyuetan", "2019-01-20", 24, 1.0),
    "oasis": ("heihe", "2019-07-25", 25, 1.5),
}
# Constants of the MTL files of all Landsat-8 Level-1 products: reflectance 2e-5 DN - 0.1; radiance of bands 10 and 11.
_RADIANCE = (3.342e-4, 0.1)
_PLANCK = {"tir1": (774.8853, 1321.0789), "tir2": (480.8883, 1201.1442)}
_NATIVE = {"coastal": 1, "blue": 2, "green": 3, "red": 4, "nir": 5, "swir1": 6, "swir2": 7, "cirrus": 9}
_WAVES = {row.name: row.centre for row in ml.SENSORS["landsat_oli"].bands_of("Landsat-8")}


def make(folder: Path) -> list[Path]:
    """Simulate the worlds: small and fine, then wide and coarse."""
    folders = []
    for name, (place, start, seed, cloudiness) in WORLDS.items():
        for kind, days, options in (
            ("fine", 6, {"size": 9, "sensors": FINE}),
            ("coarse", 1, {"size": 100, "resolution": 200, "sensors": COARSE}),
        ):
            target = folder / f"{name}_{kind}"
            ml.simulate(target, place=place, start=start, days=days, seed=seed, cloudiness=cloudiness, **options)
            folders.append(target)
    return folders


def simulated(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield sensor, cloud as found, and true optical depth of the pixels of each granule."""
    sim = ml.open_simulation(folder)
    for row in sim.granules:
        path = sim.folder / row["path"]
        scene = layout.stack(ml.open_scene(path))
        helpers = [layout.stack(ml.open_scene(path, resolution=20))] if row["sensor"] == "sentinel2_msi" else []
        result = cloud.classify(scene, source="tests", companions=helpers)
        depth = sim.scene_truth(path, bands=False)["cloud_optical_depth"].values
        known = np.isfinite(depth) & np.isfinite(scene["reflectance"].sel(band="red").values)
        if known.any():
            yield row["sensor"], layout.flagged(result, "cloud").values[known], depth[known]


def landsat(folder: Path) -> xr.Dataset:
    """Return a standard scene of Level-1 counts without metadata: the Sun from time and place."""

    def layer(band: str) -> tuple[np.ndarray, rasterio.Affine, rasterio.crs.CRS]:
        with rasterio.open(next(path for path in folder.iterdir() if path.stem.endswith(f"_{band}"))) as file:
            return file.read(1), file.transform, file.crs

    quality, place, crs = layer("BQA")
    y, x = np.mgrid[: quality.shape[0], : quality.shape[1]] + 0.5
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        place.c + x * place.a, place.f + y * place.e
    )
    day = folder.name.split("_")[3]
    zenith, azimuth = solar.zenith_azimuth(np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}T15:40"), lat, lon)
    fill = quality & 1 > 0
    bands = [(layer(f"B{n}")[0] * 2e-5 - 0.1) / np.cos(np.radians(zenith)) for n in _NATIVE.values()]
    heat = []
    for native, name in (("B10", "tir1"), ("B11", "tir2")):
        radiance = (layer(native)[0] * _RADIANCE[0] + _RADIANCE[1]).astype(np.float32)
        heat.append(radiometry.brightness_temperature(radiance, *_PLANCK[name]))
    dims = ("y", "x")
    made = xr.Dataset(
        {
            "reflectance": (("band", *dims), np.where(fill, np.nan, bands).astype(np.float32)),
            "brightness_temperature": (("thermal_band", *dims), np.where(fill, np.nan, heat).astype(np.float32)),
            "sun_zenith": (dims, zenith.astype(np.float32)),
            "sun_azimuth": (dims, azimuth.astype(np.float32)),
            "said": (dims, quality >> 4 & 1 > 0),
        },
        {
            "band": list(_NATIVE),
            "thermal_band": list(_PLANCK),
            "y": place.f + y[:, 0] * place.e,
            "x": place.c + x[0] * place.a,
        },
        {"sensor": "landsat_oli", "platform": "Landsat-8", "reflectance_level": layout.TOP},
    )
    return made.assign_coords(wavelength=("band", [_WAVES[name] for name in _NATIVE]))


def real() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield scene, cloud as found, and cloud as the producer's mask says."""
    for folder in sorted((DATA / "landsat8_L1_series_NewYork_2018").glob("LC08*")):
        yield folder.name[10:25], *_against(landsat(folder))
    whole = DATA / "landsat8_C1_L1TP_016037_20170813"
    if whole.exists():
        scene = layout.stack(ml.open_scene(whole))
        yield "016037_20170813", *_against(scene.assign(said=layout.flagged(scene, "cloud")))


def _against(scene: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    found = layout.flagged(cloud.classify(scene, source="tests"), "cloud").values
    known = np.isfinite(scene["reflectance"].sel(band="red").values)
    return found[known], scene["said"].values[known]


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--make", type=Path)
    given = parser.parse_args()
    folders = [*given.folders, *(make(given.make) if given.make else [])]
    scenes: dict[str, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    for folder in folders:
        for sensor, found, depth in simulated(folder):
            scenes[sensor].append((found, depth))
    rows: list[list[object]] = []
    for sensor, parts in scenes.items():
        found, depth = (np.concatenate(values) for values in zip(*parts, strict=True))
        true = depth >= 0.5
        missed = [float((~found & (depth >= limit)).sum() / max((depth >= limit).sum(), 1)) for limit in DEPTHS]
        false = float((found & ~true).sum() / max((~true).sum(), 1))
        rows.append([sensor, len(parts), float((found == true).mean()), missed[2], false, *missed])
    head = ["sensor", "scenes", "right", "missed", "false", *(f"missed from {limit:g}" for limit in DEPTHS)]
    if rows:
        table("simulated scenes, cloud from an optical depth of 0.5", head, rows)
    agreed = [
        [name, float((found == said).mean()), float(said.mean()), float(found.mean())] for name, found, said in real()
    ]
    if agreed:
        mean = [float(np.mean([row[k] for row in agreed])) for k in (1, 2, 3)]
        table("real Landsat-8 beside BQA", ["scene", "agree", "cloud in BQA", "cloud here"], [*agreed, ["mean", *mean]])


if __name__ == "__main__":
    main()
