"""Radiances of Envisat and Sentinel-3 that SNAP or BEAM saved as NetCDF: measured, and ready made.

Metadata profile "beam": tie-point grids carry offset and step, of which the centre of the first pixel is at 0.5
(org.esa.snap.core.datamodel.TiePointGrid). Radiances in mW m-2 sr-1 nm-1 equal W m-2 sr-1 um-1. Scale and fill stand in
the files.
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality

_RADIANCE = "W m-2 sr-1 um-1"
_PERCENT = ((0.01, 1e-4),)  # the files scale to percent

# Band, role ("" for none) and centre (um): Sentinel-3 OLCI and Envisat MERIS nominal bands.
_OLCI = (
    ("01", "coastal", 0.400), ("02", "", 0.4125), ("03", "", 0.4425), ("04", "blue", 0.490), ("05", "", 0.510),
    ("06", "green", 0.560), ("07", "yellow", 0.620), ("08", "red", 0.665), ("09", "", 0.67375), ("10", "", 0.68125),
    ("11", "red_edge_1", 0.70875), ("12", "red_edge_2", 0.75375), ("13", "", 0.76125), ("14", "", 0.764375),
    ("15", "", 0.7675), ("16", "red_edge_3", 0.77875), ("17", "nir", 0.865), ("18", "", 0.885), ("19", "", 0.900),
    ("20", "water_vapour", 0.940), ("21", "", 1.020),
)  # fmt: skip
_MERIS = (
    ("1", "coastal", 0.4125), ("2", "", 0.4425), ("3", "blue", 0.490), ("4", "", 0.510), ("5", "green", 0.560),
    ("6", "yellow", 0.620), ("7", "red", 0.665), ("8", "", 0.68125), ("9", "red_edge_1", 0.70875),
    ("10", "red_edge_2", 0.75375), ("11", "", 0.760625), ("12", "red_edge_3", 0.77875), ("13", "nir", 0.865),
    ("14", "", 0.885), ("15", "", 0.900),
)  # fmt: skip
_AATSR = (("0550", "green", 0.555), ("0670", "red", 0.659), ("0870", "nir", 0.865), ("1600", "swir1", 1.610))
_AATSR_THERMAL = (("0370", "mir", 3.700), ("1100", "tir1", 10.850), ("1200", "tir2", 12.000))
_VIEWS = (("nadir", "nadir"), ("fward", "forward"))
_PLACE = (
    Layer("lat", "latitude", "degrees_north", long_name="latitude of the pixel", standard_name="latitude"),
    Layer("lon", "longitude", "degrees_east", long_name="longitude of the pixel", standard_name="longitude"),
)
_YES = ("no", "yes")
_CLOUD = (
    "land cloudy sun_glint reflectance_histogram spatial_coherence_16 spatial_coherence_11 gross_12 cirrus_11_12 "
    "medium_high_37_12 fog_low_stratus_11_37 view_difference_11_12 view_difference_37_11 thermal_histogram_11_12 "
    "visible_channel ndsi"
)


def _radiances(path: str, rows: tuple[tuple[str, str, float], ...], prefix: str) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            path.format(band),
            f"radiance_{role or prefix + band}",
            _RADIANCE,
            None,
            long_name=f"radiance at the top of the atmosphere, band {band}",
            standard_name="toa_outgoing_radiance_per_unit_wavelength",
            wavelength=centre,
        )
        for band, role, centre in rows
    )


def _bits(words: str) -> tuple[Bits, ...]:
    return tuple(Bits(word, bit, 1, _YES) for bit, word in enumerate(words.split()))


_OLCI_FLAGS = (
    *(f"saturated_Oa{band:02d}" for band in range(21, 0, -1)),
    *("dubious", "sun_glint_risk", "duplicated", "cosmetic", "invalid", "straylight_risk", "bright"),
    *("tidal_region", "fresh_inland_water", "coastline", "land"),
)

LAYOUTS = (
    Layout(
        "OLCI_BEAM",
        "OLCI radiances as SNAP saves them",
        (r"(?P<granule>(?P<product>OL_1_E[FR]R)_.+)\.nc",),
        "hdf5",
        "swath",
        (
            *_radiances("Oa{}_radiance", _OLCI, "oa"),
            *_PLACE,
            Layer("altitude", "altitude", "m", fills=(-32768,), long_name="altitude", standard_name="surface_altitude"),
        ),
        (Quality("quality_flags", "quality", "quality bits", _bits(" ".join(_OLCI_FLAGS))),),
        marks=(("metadata_profile", "^beam$"), ("product_type", "^OL_1_E[FR]R$")),
        moment=("start_date", "%d-%b-%Y %H:%M:%S.%f"),
        sensor="OLCI Sentinel-3",
        ties=(
            ("SZA", "sun_zenith", "degree"),
            ("SAA", "sun_azimuth", "degree"),
            ("OZA", "view_zenith", "degree"),
            ("OAA", "view_azimuth", "degree"),
        ),
        references=("Sentinel-3 OLCI Product Data Format Specification, S3IPF.PDS.004.1",),
    ),
    Layout(
        "MERIS_BEAM",
        "MERIS radiances as BEAM saves them",
        (r"(?P<granule>(?P<product>MER_[RF]R__1P)\w+)\.nc",),
        "hdf5",
        "swath",
        (*_radiances("radiance_{}", _MERIS, ""), *_PLACE),
        (
            Quality(
                "l1_flags",
                "quality",
                "quality bits",
                _bits("cosmetic duplicated glint_risk suspect land bright coastline invalid"),
            ),
        ),
        marks=(("metadata_profile", "^beam$"), ("product_type", "^MER_[RF]R__1P$")),
        moment=("start_date", "%d-%b-%Y %H:%M:%S.%f"),
        sensor="MERIS Envisat",
        ties=tuple((name, name, "degree") for name in ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")),
        references=("Envisat MERIS Product Handbook, Issue 3.0 (ESA 2011)",),
    ),
    Layout(
        "AATSR_BEAM",
        "AATSR reflectance and brightness temperature as BEAM saves them",
        (r"(?P<granule>(?P<product>ATS_TOA_1)[CP]\w+)\.nc",),
        "hdf5",
        "swath",
        (
            *(
                Layer(
                    f"reflec_{theirs}_{band}",
                    f"toa_reflectance_{role}_{ours}",
                    "1",
                    1e-4,
                    fills=(-2, -1),
                    valid=(0, 32767),
                    declared=_PERCENT,
                    long_name=f"reflectance at the top of the atmosphere, {ours} view, {role} band",
                    standard_name="toa_bidirectional_reflectance",
                    wavelength=centre,
                )
                for theirs, ours in _VIEWS
                for band, role, centre in _AATSR
            ),
            *(
                Layer(
                    f"btemp_{theirs}_{band}",
                    f"brightness_temperature_{role}_{ours}",
                    "K",
                    0.01,
                    fills=(-2, -1),
                    valid=(0, 32767),
                    long_name=f"brightness temperature, {ours} view, {role} band",
                    standard_name="toa_brightness_temperature",
                    wavelength=centre,
                )
                for theirs, ours in _VIEWS
                for band, role, centre in _AATSR_THERMAL
            ),
            *_PLACE,
        ),
        tuple(
            quality
            for theirs, ours in _VIEWS
            for quality in (
                Quality(
                    f"confid_flags_{theirs}",
                    f"confidence_{ours}",
                    f"confidence bits of the {ours} view",
                    _bits(
                        "blanking cosmetic scan_absent absent not_decompressed no_signal saturation out_of_range "
                        "no_calibration unfilled"
                    ),
                ),
                Quality(
                    f"cloud_flags_{theirs}",
                    f"cloud_{ours}",
                    f"cloud bits of the {ours} view",
                    _bits(_CLOUD),
                ),
            )
        ),
        marks=(("metadata_profile", "^beam$"), ("product_type", "^ATS_TOA_1P$")),
        moment=("start_date", "%d-%b-%Y %H:%M:%S.%f"),
        sensor="AATSR Envisat",
        ties=tuple(
            (f"{theirs}_{view}", f"{ours}_{word}", "degree")
            for view, word in _VIEWS
            for theirs, ours in (
                ("sun_elev", "sun_zenith"),
                ("sun_azimuth", "sun_azimuth"),
                ("view_elev", "view_zenith"),
                ("view_azimuth", "view_azimuth"),
            )
        ),
        elevations=tuple(f"{what}_elev_{view}" for view, _ in _VIEWS for what in ("sun", "view")),
        notes=(
            "The files give reflectance in percent; here it is a fraction. They do not say whether it is divided by "
            "the cosine of the Sun's zenith angle.",
        ),
        references=("Envisat AATSR Product Handbook, Issue 2.2 (ESA 2007)",),
    ),
)
