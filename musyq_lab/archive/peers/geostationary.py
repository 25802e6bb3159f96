"""Geostationary products: land surface temperature of GOES-R ABI, and SEVIRI slots written by satpy.

ABI: GOES-R Product Definition and Users' Guide, volume 5 (Level 2+), section on land surface temperature; the files
follow CF and are packed differently from version to version, so their own numbers hold.
"""

from __future__ import annotations

from musyq_lab.archive.peers.layout import Bits, Layer, Layout, Quality

LAYOUTS = (
    Layout(
        "ABI_LST",
        "GOES-R ABI land surface temperature",
        (
            r"(?P<granule>OR_(?P<product>ABI-L2-LST(?P<tile>[FCM]\d?))-M\d_(?P<satellite>G\d\d)_s(?P<date>\d{13})\d"
            r"_e\d{14}_c\d{14})\.nc",
        ),
        "hdf5",
        "geostationary",
        (
            Layer(
                "LST",
                "lst",
                "K",
                0.0025,
                190.0,
                fills=(65535,),
                trust="file",
                long_name="land surface temperature",
                standard_name="surface_temperature",
            ),
        ),
        (
            Quality(
                "DQF",
                "lst_quality",
                "quality bits of the temperature",
                (
                    Bits("bad_or_missing_input", 1, 1, ("no", "yes")),
                    Bits("cloudy", 2, 1, ("no", "yes")),
                    Bits("view_zenith_beyond_threshold", 3, 1, ("no", "yes")),
                    Bits("water", 4, 1, ("no", "yes")),
                    Bits("out_of_range", 5, 1, ("no", "yes")),
                ),
                fill=65535,
            ),
        ),
        dates=("%Y%j%H%M%S",),
        sensor="ABI",
        sensors=(("ABI-L2-LST", "ABI GOES-R"),),
        references=("doi:10.7289/V5QJ7FGK", "GOES-R Product Definition and Users' Guide, volume 5"),
    ),
    Layout(
        "SEVIRI_ZARR",
        "SEVIRI slots, as satpy wrote them",
        (r"(?P<granule>sat_data)\.zarr",),
        "zarr",
        "zarr",
        (
            Layer(
                "data",
                "slot",
                "1",
                valid=(0, 1023),
                long_name="numbers as stored, 0 to 1023; what they are scaled from is not written in the store",
            ),
        ),
        time_axis="time",
        rivals=(("variable", "name"),),
        period="PT5M",
        sensor="SEVIRI, rapid scan",
        notes=("The numbers are normalised to ten bits: no reflectance can be had from them without their limits.",),
        references=("EUMETSAT SEVIRI Level 1.5 Image Data Format Description, EUM/MSG/ICD/105",),
    ),
)
