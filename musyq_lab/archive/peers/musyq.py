"""MuSyQ products as published earlier: HDF5 without CF names.

Attributes are spelt FillValue, Fill or _fillvalue and scale, and there are no dimension scales. The layouts differ from
product to product, so the file's own numbers hold, whatever their spelling; the ranges below are physical, and catch a
fill that the file does not declare (32767 x 0.01 = 327.67 looks like a number). Names are taken as
MuSyQ.<product>.<resolution>.<date>; no layout document was found, so these rows are not verified: [K].
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Layer, Layout


def _layer(path: str, name: str, units: str, scale: float, top: float, text: str) -> Layer:
    return Layer(path, name, units, scale, valid=(0, top / scale), trust="file", long_name=text)


_LAYERS = (
    _layer("LAI", "lai", "m2 m-2", 0.01, 10.0, "leaf area index"),
    _layer("FAPAR|FPAR", "fpar", "1", 0.001, 1.0, "fraction of absorbed photosynthetically active radiation"),
    _layer("FVC", "fvc", "1", 0.001, 1.0, "fraction of green vegetation cover"),
    _layer("NDVI", "ndvi", "1", 1e-4, 1.0, "normalized difference vegetation index"),
    _layer("GPP", "gpp", "g m-2 d-1", 0.01, 40.0, "gross primary production, mass of carbon"),
    _layer("NPP", "npp", "g m-2 d-1", 0.01, 40.0, "net primary production, mass of carbon"),
    _layer("DSR", "dsr", "W m-2", 0.1, 1500.0, "downward shortwave radiation"),
    _layer("PAR", "par", "W m-2", 0.1, 800.0, "photosynthetically active radiation"),
    _layer("LST", "lst", "K", 0.01, 350.0, "land surface temperature"),
    _layer("Albedo", "albedo", "1", 1e-3, 1.0, "shortwave albedo"),
)

LAYOUTS = (
    Layout(
        "MUSYQ",
        "MuSyQ, earlier publication",
        (
            r"(?P<granule>MuSyQ[._](?P<product>[A-Za-z]+)[._](?P<resolution>\d+k?m)[._](?:A?(?P<date>\d{7,8}))"
            r"(?:[._](?P<tile>h\d\dv\d\d))?(?:[._]V?(?P<version>[\d.]+?))?)\.(?:h5|hdf5|hdf)",
        ),
        "hdf5",
        "latlon",
        _LAYERS,
        dates=("%Y%j", "%Y%m%d"),
        sensor="several, by MuSyQ",
        notes=("Scale and fill are the file's own; its layout is not documented publicly.",),
        references=("MuSyQ, Aerospace Information Research Institute, Chinese Academy of Sciences",),
    ),
)
