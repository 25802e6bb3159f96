"""A minimal file of other producers' products in each container and grid: ``MAKERS[key](folder)`` writes one."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from archive import make_peers

TILE = "A2016001.h18v04.061.2020050123456"
_SHAPE = (12, 20)


def _numbers(low: int, high: int, dtype: str, shape: tuple[int, ...] = _SHAPE) -> np.ndarray:
    return np.random.default_rng(5).integers(low, high, shape).astype(dtype)


def _mod13(folder: Path) -> Path:
    return Path(make_peers.hdf4(folder / f"MOD13A1.{TILE}.hdf", make_peers.vi_layers(shape=_SHAPE)))


def _global(folder: Path) -> Path:
    layers = make_peers.vi_layers("CMG 0.05 Deg", shape=_SHAPE)
    return Path(make_peers.hdf4(folder / "MOD13C1.A2016001.061.2020050123456.hdf", layers, geographic=True))


def _swath(folder: Path) -> Path:
    rows, columns = (np.arange(2, size, 5) for size in _SHAPE)
    layers = {
        "LST": (_numbers(14000, 16000, "uint16"), {"scale_factor": 0.02, "_FillValue": 0}),
        "Latitude": ((40 + 0.01 * rows[:, None] + 0 * columns).astype("f4"), {}),
        "Longitude": ((10 + 0.01 * columns + 0 * rows[:, None]).astype("f4"), {}),
    }
    name = "MYD11_L2.A2016001.0430.061.2020050123456.hdf"
    return Path(make_peers.hdf4(folder / name, layers, swath=True))


def _series(folder: Path) -> Path:
    for day in (1, 17):
        layers = make_peers.vi_layers(shape=_SHAPE)
        make_peers.hdf4(folder / f"MYD13A1.A2016{day:03d}.h18v04.061.2020050123456.hdf", layers)
    return folder


def _vnp(folder: Path) -> Path:
    layers = {
        "LST_1KM": (_numbers(14000, 16000, "uint16"), {"scale_factor": 0.02, "_FillValue": 0}),
        "QC": (_numbers(0, 65535, "uint16"), {}),
    }
    return Path(make_peers.hdf5(folder / f"VNP21A1D.{TILE}.h5", {"VIIRS_Grid_Daily_1km_LST21": layers}))


def _cgls(folder: Path) -> Path:
    said = {"scale_factor": 1 / 30, "add_offset": 0.0, "_FillValue": np.uint8(255)}
    path = folder / "c_gls_LAI300_201801100000_GLOBE_PROBAV_V1.0.1.nc"
    rows, columns = _SHAPE
    return Path(make_peers.cgls(path, {"LAI": (_numbers(0, 210, "uint8"), said)}, rows=rows, columns=columns))


def _landsat(folder: Path) -> Path:
    name = "LC08_L2SP_118032_20200620_20200823_02_T1"
    for layer in ("SR_B4", "SR_B5", "ST_B10", "QA_PIXEL"):
        make_peers.geotiff(folder / f"{name}_{layer}.TIF", _numbers(8000, 30000, "uint16"))
    text = "REFLECTANCE_MULT_BAND_4 = 2.75e-05\nREFLECTANCE_ADD_BAND_4 = -0.2\n"
    (folder / f"{name}_MTL.txt").write_text(text)
    return folder


MAKERS: Mapping[str, Callable[[Path], Path]] = {
    "product/mod13": _mod13,
    "product/mod13c1": _global,
    "product/mod11_l2": _swath,
    "product/series": _series,
    "product/vnp21": _vnp,
    "product/cgls": _cgls,
    "product/l2sp": _landsat,
}
"""Product -> maker: HDF-EOS2 tiles, globe and swath, a series, HDF-EOS5, netCDF-4, GeoTIFFs with a metadata text."""
