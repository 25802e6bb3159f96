"""GLASS products (HDF-EOS2): tiles on the MODIS grid and global fields of 0.05 degrees.

Liang S. et al. (2021), doi 10.1175/BAMS-D-18-0341.1; product user guides at glass.umd.edu. Scale, fill and range differ
between versions (V04 to V60) and stand in the files: the files' numbers hold. The numbers of a row are those of the
user guide and serve only a file without any.
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Layer, Layout

_FPAR = "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"


def _layer(path: str, name: str, units: str, text: str, standard: str = "", scale: float | None = None) -> Layer:
    return Layer(path, name, units, scale, trust="file", long_name=text, standard_name=standard)


_LAYERS = (
    Layer(
        "LAI",
        "lai",
        "m2 m-2",
        0.1,
        fills=(255,),
        valid=(0, 100),
        trust="file",
        long_name="leaf area index",
        standard_name="leaf_area_index",
    ),
    _layer("FAPAR", "fpar", "1", "fraction of absorbed photosynthetically active radiation", _FPAR),
    _layer("FVC", "fvc", "1", "fraction of green vegetation cover", "vegetation_area_fraction"),
    _layer("GPP", "gpp", "g m-2 d-1", "gross primary production, mass of carbon"),
    _layer("ET|LE", "latent_heat", "W m-2", "latent heat flux", "surface_upward_latent_heat_flux"),
    _layer("DSR", "dsr", "W m-2", "downward shortwave radiation", "surface_downwelling_shortwave_flux_in_air"),
    _layer("PAR", "par", "W m-2", "photosynthetically active radiation",
           "surface_downwelling_photosynthetic_radiative_flux_in_air"),
    _layer("LST", "lst", "K", "land surface temperature", "surface_temperature"),
    _layer("BBE|Emissivity", "emissivity", "1", "broadband emissivity, 8 to 13.5 um"),
    *(
        _layer(f"ABD_{short}_{theirs}", f"albedo_{sky}_{ours}", "1", f"{sky.replace('_', '-')} albedo, {ours}")
        for sky, short in (("black_sky", "BSA"), ("white_sky", "WSA"))
        for theirs, ours in (("shortwave", "shortwave"), ("VIS", "visible"), ("NIR", "near_infrared"))
    ),
)  # fmt: skip

LAYOUTS = (
    Layout(
        "GLASS",
        "GLASS",
        (
            r"(?P<granule>(?P<product>GLASS\d\d[A-Z]\d\d)\.V(?P<version>\d\d)\.A(?P<date>\d{7})(?:\.(?P<tile>h\d\dv\d\d))?"
            r"(?:\.\d{7})?)\.hdf",
        ),
        "hdf4",
        "eos",
        _LAYERS,
        sensors=(("GLASS", "MODIS or AVHRR, by GLASS"),),
        notes=("Scale, fill and range are the file's own: they differ between versions of GLASS.",),
        references=("doi:10.1175/BAMS-D-18-0341.1", "GLASS product user guides, http://www.glass.umd.edu"),
    ),
)
