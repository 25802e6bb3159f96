"""A minimal granule of every sensor in its native layout: ``MAKERS[key](folder)`` writes it and says what to open."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from sensors import (
    make_abi,
    make_agri,
    make_ahi,
    make_avhrr,
    make_gaofen,
    make_goes,
    make_landsat,
    make_mersi,
    make_modis,
    make_mtsat,
    make_sentinel2,
    make_sentinel3,
    make_seviri,
    make_viirs,
    make_virr,
)

GF1 = "GF1_{camera}_E116.5_N39.4_20170501_L1A0002330000"
GF6 = "GF6_WFV_E116.5_N39.4_20190501_L1A1119842986"


def _numbers(shape: tuple[int, ...], largest: int = 1000) -> np.ndarray:
    return np.random.default_rng(7).integers(100, largest, shape)


def _landsat(instrument: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        make_landsat.make(folder, instrument)
        return folder

    return make


def _sentinel2(folder: Path) -> Path:
    edges = {band: make_sentinel2.SIZE[make_sentinel2.GRID[band]] for band in make_sentinel2.BANDS}
    counts = {band: _numbers((edge, edge), 9000).astype(np.uint16) for band, edge in edges.items()}
    return make_sentinel2.make_safe(folder, counts, offsets=dict.fromkeys(range(13), -1000))


def _pms(folder: Path) -> Path:
    name = GF1.format(camera="PMS1")
    make_gaofen.gaofen(folder, name, make_gaofen.counts((20, 15), 4), suffix="-MSS1")
    make_gaofen.gaofen(folder, name, make_gaofen.counts((80, 60), 1), suffix="-PAN1")
    return folder


def _gf1(folder: Path) -> Path:
    make_gaofen.gaofen(folder, GF1.format(camera="WFV1"), make_gaofen.counts((40, 30), 4))
    return folder


def _gf6(folder: Path) -> Path:
    when = datetime(2019, *make_gaofen.TIME.timetuple()[1:6])
    make_gaofen.gaofen(folder, GF6, make_gaofen.counts((40, 30), 8, largest=4000), when=when, ValidPixelBits=12)
    return folder


def _hj_ccd(folder: Path) -> Path:
    make_gaofen.huanjing(
        folder, "HJ1A-CCD1-451-76-20170501-L20000157001", make_gaofen.counts((20, 30), 4, "uint8", 255)
    )
    return folder


def _hj_irs(folder: Path) -> Path:
    near, far = make_gaofen.counts((40, 30), 3), make_gaofen.counts((20, 15), 1)
    data = {str(1 + i): layer for i, layer in enumerate(near)} | {"4": far[0]}
    stated = "(gain1,Labdata,L=DN/g+L0,W*m^(-2)*sr^(-1)*um^(-1))B5:g 4.0, L0 1.0, B6:g 15.0, L0 0.5, B7:g 500, L0 0.0"
    fields = {"scenePath": 452, "sceneRow": 56, "absCalibType": f"{stated}, B8:g 60.0, L0 -2.0"}
    make_gaofen.huanjing(folder, "HJ1B-IRS-452-56-20170501-L20000595422", data, **fields)
    return folder


def _modis(folder: Path) -> Path:
    make_modis.make_image(folder)
    make_modis.make_geolocation(folder)
    return folder


def _modis_daily(folder: Path) -> Path:
    make_modis.make_daily(folder)
    return folder


def _mersi(platform: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        make_mersi.mersi(folder, platform=platform)
        return folder

    return make


def _plain(maker: Callable[..., object], **options: object) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        maker(folder, **options)
        return folder

    return make


def _ahi(folder: Path) -> Path:
    for band in (5, 14):
        make_ahi.segment(folder, _numbers((16, 16)), band=band)
    return folder


def _abi(folder: Path) -> Path:
    make_abi.band(folder, _numbers((8, 8)), number=6)
    make_abi.band(folder, _numbers((8, 8)), number=14)
    return folder


def _agri(folder: Path) -> Path:
    return make_agri.image(folder, {channel: _numbers((8, 12), 4000) for channel in range(1, 15)})


def _seviri(folder: Path) -> Path:
    return make_seviri.native(folder, {name: _numbers((12, 16)) for name in ("VIS006", "IR_108", "IR_120")})


def _hrit(folder: Path) -> Path:
    make_seviri.hrit_sides(folder)
    make_seviri.hrit_segment(folder, _numbers((464, 3712)), channel="IR_108", number=4)
    return folder


def _goes(folder: Path) -> Path:
    for number in (1, 4):
        make_goes.band(folder, _numbers((8, 12), 900), number=number)
    return folder


def _mtsat(folder: Path) -> Path:
    make_mtsat.image(folder, _numbers((16, 16), 900), band="IR1")
    return folder


def _avhrr(product: Callable[[], object], name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        written: Path = product().write(folder / name)  # type: ignore[attr-defined]
        return written

    return make


MAKERS: dict[str, Callable[[Path], Path]] = {
    "landsat_tm": _landsat("TM"),
    "landsat_etm": _landsat("ETM"),
    "landsat_oli": _landsat("OLI_TIRS"),
    "sentinel2_msi": _sentinel2,
    "gf1_wfv": _gf1,
    "gf1_pms": _pms,
    "gf6_wfv": _gf6,
    "hj1_ccd": _hj_ccd,
    "hj1_irs": _hj_irs,
    "modis": _modis,
    "modis/daily": _modis_daily,
    "npp_viirs": _plain(make_viirs.sdr),
    "npp_viirs/l1b": _plain(make_viirs.level1b),
    "fy3_mersi1": _mersi("FY-3B"),
    "fy3d_mersi2": _mersi("FY-3D"),
    "fy3_virr": _plain(make_virr.virr),
    "fy4a_agri": _agri,
    "himawari_ahi": _ahi,
    "msg_seviri": _seviri,
    "msg_seviri/hrit": _hrit,
    "goes_abi": _abi,
    "goes_imager": _goes,
    "mtsat2_imager": _mtsat,
    "s3_olci": make_sentinel3.olci,
    "s3_slstr": make_sentinel3.slstr,
    "avhrr_gac": _avhrr(make_avhrr.gac, make_avhrr.GAC_NAME),
    "avhrr_lac": _avhrr(make_avhrr.lac, make_avhrr.LAC_NAME),
    "avhrr_eps": _avhrr(make_avhrr.eps, make_avhrr.EPS_NAME),
}
"""Sensor, with the kind of its files after a slash where there are several -> writer of a granule."""
