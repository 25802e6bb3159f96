"""BRDF parameters, albedo and nadir reflectance of MODIS (MCD43 of Collections 6 and 6.1).

MODIS BRDF/Albedo Product User Guide V006/V061 (Schaaf, UMass Boston), tables of MCD43A1 to A4 and C1 to C4.
"""

from __future__ import annotations

from musyq_lab.archive.peers._modis import (
    BANDS,
    DIVIDE_10000,
    KERNELS,
    LAND_WATER,
    SENSORS,
    WINDOW,
    reflectances,
    tiled,
)
from musyq_lab.archive.peers.layout import Layer, Layout, Quality

_BROAD = (("vis", "visible"), ("nir", "near-infrared"), ("shortwave", "shortwave"))
_PLACES = (*((f"Band{number}", role, f"the {role} band") for number, role, _ in BANDS),
           *((name, f"broad_{name}", f"the {text} broadband") for name, text in _BROAD))  # fmt: skip
_ALBEDO = {"black_sky": "BSA", "white_sky": "WSA"}


def _albedo() -> tuple[Layer, ...]:
    return tuple(
        Layer(
            f"Albedo_{short}_{place}",
            f"albedo_{sky}_{ours}",
            "1",
            1e-3,
            fills=(32767,),
            valid=(0, 32766),
            declared=((1000.0, 1e-3),),
            long_name=f"{sky.replace('_', '-')} albedo in {text}, at local solar noon",
        )
        for sky, short in _ALBEDO.items()
        for place, ours, text in _PLACES
    )


def _parameters() -> tuple[Layer, ...]:
    return tuple(
        Layer(
            f"BRDF_Albedo_Parameters_{place}",
            f"brdf_{ours}",
            "1",
            1e-3,
            fills=(32767,),
            valid=(-32766, 32766),
            declared=((1000.0, 1e-3),),
            long_name=f"weights of the Ross-thick Li-sparse kernels in {text}",
            extra=KERNELS,
        )
        for place, ours, text in _PLACES
    )


def _global_parameters() -> tuple[Layer, ...]:
    return tuple(
        Layer(
            f"BRDF_Albedo_Parameter{index}_{place}",
            f"brdf_{kernel}_{ours}",
            "1",
            1e-3,
            fills=(32767,),
            valid=(-32766, 32766),
            declared=((1000.0, 1e-3),),
            long_name=f"weight of the {kernel} kernel in {text}",
        )
        for index, kernel in enumerate(KERNELS[1], 1)
        for place, ours, text in _PLACES
    )


def _inversions() -> tuple[Quality, ...]:
    """Return the quality by band of MCD43A2, which tells more than the mandatory one of the other products."""
    classes = (
        *((0, "best_full_inversion"), (1, "good_full_inversion"), (2, "magnitude_inversion_7_or_more_observations")),
        *((3, "magnitude_inversion_2_to_6_observations"), (4, "no_inversion")),
    )
    return tuple(
        Quality(f"BRDF_Albedo_Band_Quality_{place}", f"inversion_{ours}", f"inversion in {text}", (), classes, 255)
        for place, ours, text in _PLACES[: len(BANDS)]
    )


def _quality(path: str) -> tuple[Quality, ...]:
    return tuple(
        Quality(
            path.format(place),
            f"quality_{ours}",
            f"mandatory quality in {text}",
            classes=((0, "full_inversion"), (1, "magnitude_inversion"), (255, "no_inversion")),
            fill=255,
        )
        for place, ours, text in _PLACES
    )


_NADIR = Layer("", "", "1", 1e-4, fills=(32767,), valid=(0, 32766), declared=DIVIDE_10000)
_EXTRA = (
    Quality("Snow_BRDF_Albedo", "snow", "whether the surface was snow",
            classes=((0, "snow_free"), (1, "snow")), fill=255),
    Quality("BRDF_Quality", "brdf_quality", "quality of the cells of 500 m in a cell of 0.05 degrees", classes=(
        (0, "best_all_full"), (1, "good_75_percent_best_90_percent_full"), (2, "75_percent_full"),
        (3, "mixed_at_most_25_percent_fill"), (4, "magnitude_or_at_most_50_percent_fill"),
        (5, "more_than_50_percent_fill"), (255, "no_inversion")), fill=255),
    Quality("BRDF_Albedo_Platform", "platform_used", "satellites that were used",
            classes=((0, "terra"), (1, "terra_and_aqua"), (2, "aqua")), fill=255),
    Quality("BRDF_Albedo_LandWaterType", "land_water", "kind of surface", classes=tuple(enumerate(LAND_WATER)),
            fill=255),
)  # fmt: skip
_SCALARS = (
    Layer("(?:BRDF_Albedo_)?Local_?Solar_?Noon", "sun_zenith_noon", "degree", fills=(255,), valid=(0, 90),
          long_name="zenith angle of the Sun at local noon"),
    Layer("Percent_Inputs", "inputs", "percent", fills=(255,), valid=(0, 100), long_name="share of 500 m cells used"),
    Layer("Percent_Snow", "snow_share", "percent", fills=(255,), valid=(0, 100), long_name="share of snow"),
)  # fmt: skip
_REFERENCES = (
    "doi:10.5067/MODIS/MCD43A4.061",
    "Schaaf C., MODIS User Guide V006 and V006.1 (BRDF/Albedo), UMass Boston",
)

LAYOUTS = (
    Layout(
        "MCD43",
        "MODIS BRDF, albedo and nadir reflectance",
        tiled(r"MCD43(?:A[1234]|C[1234])"),
        "hdf4",
        "eos",
        (
            *reflectances("Nadir_Reflectance_Band{}", _NADIR),
            *_albedo(),
            *_parameters(),
            *_global_parameters(),
            *_SCALARS,
        ),
        (*_quality("BRDF_Albedo_Band_Mandatory_Quality_{}"), *_inversions(), *_EXTRA),
        period="P1D",
        sensors=SENSORS,
        notes=(WINDOW,),
        references=_REFERENCES,
    ),
    Layout(
        "MCD43A4_GEOTIFF",
        "MODIS nadir reflectance, bands as GeoTIFF",
        (
            r"(?P<granule>(?P<product>MCD43A4)\.A(?P<date>\d{7})\.(?P<tile>h\d\dv\d\d)\.(?P<version>\d{3})\.\d{13})"
            r"_(?P<layer>B\d\d(?:qa)?)\.tiff?",
        ),
        "geotiff",
        "raster",
        reflectances("B0{}", _NADIR),
        tuple(
            Quality(f"B0{number}qa", row.name, row.long_name, classes=row.classes, fill=255)
            for (number, _, _), row in zip(BANDS, _quality("{}"), strict=False)
        ),
        period="P1D",
        sensors=SENSORS,
        notes=(WINDOW,),
        references=_REFERENCES,
    ),
)
