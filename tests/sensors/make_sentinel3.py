"""Minimal SEN3 folders in the native layout (S3IPF.PDS.004.1 and .005), written with netCDF4."""

from pathlib import Path

import netCDF4
import numpy as np

OLCI_NAME = "S3A_OL_1_EFR____20180108T125943_20180108T130243_20180109T172735_0179_026_252_3420_LN1_O_NT_002"
SLSTR_NAME = "S3B_SL_1_RBT____20200621T093022_20200621T093322_20200622T150913_0179_040_193_2160_LN2_O_NT_004"

ROWS, COLUMNS = 20, 257  # tie points every 64th column, as in full resolution
DETECTORS = 40
RADIANCE_FILL = 65535
SCALES = {f"Oa{n:02d}": 0.0139 - 0.0003 * n for n in range(1, 22)}

_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" xmlns:sentinel-safe="http://www.esa.int/safe/sentinel/1.1"
  xmlns:sentinel3="http://www.esa.int/safe/sentinel/sentinel-3/1.0">
<metadataSection>
<metadataObject ID="acquisitionPeriod"><metadataWrap><xmlData><sentinel-safe:acquisitionPeriod>
<sentinel-safe:startTime>{start}</sentinel-safe:startTime><sentinel-safe:stopTime>{stop}</sentinel-safe:stopTime>
</sentinel-safe:acquisitionPeriod></xmlData></metadataWrap></metadataObject>
<metadataObject ID="platform"><metadataWrap><xmlData><sentinel-safe:platform>
<sentinel-safe:nssdcIdentifier>2016-011A</sentinel-safe:nssdcIdentifier>
<sentinel-safe:familyName>Sentinel-3</sentinel-safe:familyName><sentinel-safe:number>{number}</sentinel-safe:number>
</sentinel-safe:platform></xmlData></metadataWrap></metadataObject>
<metadataObject ID="generalProductInformation"><metadataWrap><xmlData><sentinel3:generalProductInformation>
<sentinel3:productName>{name}.SEN3</sentinel3:productName><sentinel3:productType>{kind}</sentinel3:productType>
<sentinel3:timeliness>NT</sentinel3:timeliness><sentinel3:baselineCollection>002</sentinel3:baselineCollection>
</sentinel3:generalProductInformation></xmlData></metadataWrap></metadataObject>
</metadataSection></xfdu:XFDU>
"""


def manifest(folder: Path, name: str, kind: str, start: str, stop: str) -> None:
    """Write the manifest of a folder."""
    text = _MANIFEST.format(name=name, kind=kind, start=start, stop=stop, number=name[2])
    (folder / "xfdumanifest.xml").write_text(text)


def member(path: Path, name: str, datasets, dims=("rows", "columns"), **attrs) -> None:
    """Write one netCDF-4 member: dataset -> (array, attributes[, names of its dimensions])."""
    with netCDF4.Dataset(path, "w") as file:
        file.product_name = f"{name}.SEN3"
        file.start_time, file.stop_time = "2018-01-08T12:59:43.506412Z", "2018-01-08T13:02:43.342598Z"
        file.setncatts(attrs)
        for key, (values, own, *named) in datasets.items():
            axes = named[0] if named else dims if values.ndim == 2 else ("detectors",)
            for axis, size in zip(axes, values.shape, strict=True):
                if axis not in file.dimensions:
                    file.createDimension(axis, size)
            fill = own.get("_FillValue")
            chunks = tuple(min(n, 16) for n in values.shape)
            made = file.createVariable(key, values.dtype, axes, zlib=True, fill_value=fill, chunksizes=chunks)
            made.set_auto_maskandscale(False)
            made.setncatts({label: value for label, value in own.items() if label != "_FillValue"})
            made[:] = values


def degrees(values, dtype="i4"):
    """Pack angles or coordinates as the producer does: millionths of a degree."""
    fill = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else np.iinfo(dtype).min
    packed = np.where(np.isnan(values), 0, np.round(np.asarray(values) * 1e6)).astype(dtype)
    packed[np.isnan(values)] = fill
    return packed, {"scale_factor": 1e-6, "_FillValue": np.dtype(dtype).type(fill)}


def places(latitude, longitude, suffix: str = ""):
    """Return latitude and longitude as datasets with the attributes that readers look for."""
    made = {}
    for name, values, unit in (("latitude", latitude, "degrees_north"), ("longitude", longitude, "degrees_east")):
        packed, attrs = degrees(values)
        made[name + suffix] = packed, {**attrs, "standard_name": name, "units": unit}
    return made


def olci_counts(band: int, rows: int = ROWS, columns: int = COLUMNS):
    """Return the stored numbers of a band: a pattern of its own, one pixel without data."""
    y, x = np.mgrid[:rows, :columns]
    counts = (2000 + 37 * band + 211 * y + 97 * x).astype("u2")
    counts[3, 5] = RADIANCE_FILL
    return counts


def solar_flux():
    """Return the irradiance (mW m-2 nm-1) of 21 bands and every detector, all different."""
    band, detector = np.mgrid[:21, :DETECTORS]
    return (1700.0 - 45.0 * band + 0.7 * detector).astype("f4")


def detector_index(rows: int = ROWS, columns: int = COLUMNS):
    """Return the detector of every pixel, one pixel without."""
    y, x = np.mgrid[:rows, :columns]
    index = ((x * 3 + y) % DETECTORS).astype("i2")
    index[0, 0] = -1
    return index


def olci_ties(rows: int = ROWS, ties: int = 5):
    """Return SZA, SAA, OZA, OAA at the tie points: a slanting Sun east of north, a view across nadir."""
    y, x = np.mgrid[:rows, :ties].astype(float)
    sun = 35.0 + 0.2 * y + 3.0 * x, (352.0 + 4.0 * x + 0.1 * y) % 360.0
    return *sun, np.abs(x - 2) * 2.0, np.where(x < 2, 104.0, 284.0)


def olci_flags(rows: int = ROWS, columns: int = COLUMNS):
    """Return quality flags: land everywhere but for single pixels."""
    flags = np.full((rows, columns), 1 << 31, "u4")
    flags[0, 1] = 0  # sea
    flags[0, 2] |= 1 << 29  # fresh inland water
    flags[0, 3] |= 1 << 27  # bright
    flags[0, 4] |= 1 << 25  # invalid
    flags[0, 5] |= 1 << 24  # cosmetic
    flags[0, 6] |= 1 << 22  # glint
    flags[0, 7] |= 1 << 21  # dubious
    flags[0, 8] |= 1 << 20  # Oa01 saturated
    flags[0, 9] |= 1 << 0  # Oa21 saturated
    flags[0, 10] |= 1 << 23  # duplicated
    return flags


def olci(
    root: Path, *, name: str = OLCI_NAME, folder: str | None = None, bands=range(1, 22), kind: str = "OL_1_EFR___"
):
    """Write an OLCI folder and return its path."""
    place = root / (folder or f"{name}.SEN3")
    place.mkdir(parents=True)
    manifest(place, name, kind, "2018-01-08T12:59:43.506412Z", "2018-01-08T13:02:43.342598Z")
    for band in bands:
        key = f"Oa{band:02d}"
        attrs = {
            "scale_factor": np.float32(SCALES[key]),
            "add_offset": np.float32(0.0),
            "_FillValue": np.uint16(RADIANCE_FILL),
            "units": "mW.m-2.sr-1.nm-1",
        }
        member(place / f"{key}_radiance.nc", name, {f"{key}_radiance": (olci_counts(band), attrs)})
    sza, saa, oza, oaa = olci_ties()
    ties = {"SZA": degrees(sza, "u4"), "SAA": degrees(saa), "OZA": degrees(oza, "u4"), "OAA": degrees(oaa)}
    steps = {"ac_subsampling_factor": np.int16(64), "al_subsampling_factor": np.int16(1)}
    member(place / "tie_geometries.nc", name, ties, ("tie_rows", "tie_columns"), **steps)
    instrument = {
        "solar_flux": (solar_flux(), {"_FillValue": np.float32(-1), "units": "mW.m-2.nm-1"}, ("bands", "detectors")),
        "detector_index": (detector_index(), {"_FillValue": np.int16(-1)}),
    }
    member(place / "instrument_data.nc", name, instrument)
    y, x = np.mgrid[:ROWS, :COLUMNS]
    where = places(-34.0 - 0.003 * y, -57.0 + 0.003 * x)
    member(place / "geo_coordinates.nc", name, where)
    member(place / "qualityFlags.nc", name, {"quality_flags": (olci_flags(), {})})
    return place


# SLSTR: 24 x 40 pixels of 1 km, 48 x 80 of 500 m, tie points every 16 km across and 1 km along the track.
ROWS_1KM, COLUMNS_1KM = 24, 40
TIE_COLUMNS = 5
SLSTR_FILL = -32768
SLSTR_SCALE, SLSTR_OFFSET = 0.0125, 1.5
BT_SCALE, BT_OFFSET = 0.01, 283.73
FOUR = np.array([1837.4, 1836.1, 1838.9, 1835.2], "f4")  # mW m-2 nm-1, of the detectors of S1


def slstr_counts(band: int, rows: int, columns: int):
    """Return the stored numbers of a band: a pattern of its own, one pixel without data."""
    y, x = np.mgrid[:rows, :columns]
    counts = (300 + 11 * band + 23 * y + 17 * x).astype("i2")
    counts[2, 3] = SLSTR_FILL
    return counts


def irradiance(band: int):
    """Return the irradiance of the four detectors of a band."""
    return (FOUR / band).astype("f4")


def detector(rows: int, columns: int):
    """Return the detector of every pixel, one pixel without (255)."""
    y, x = np.mgrid[:rows, :columns]
    made = ((y + x) % 4).astype("u1")
    made[0, 0] = 255
    return made


def slstr_ties(rows: int = ROWS_1KM):
    """Return Sun zenith, Sun azimuth, view zenith, view azimuth at the tie points, the last column without."""
    y, x = np.mgrid[:rows, :TIE_COLUMNS].astype(float)
    angles = [40.0 + 0.1 * y + 2.0 * x, 150.0 + 1.5 * x, 10.0 + 6.0 * x, 95.0 + 0.2 * y]
    for values in angles:
        values[:, -1] = np.nan
    return angles


def cartesian(rows: int, columns: int, step: float):
    """Return x (falling along a row) and y (m) of pixels or tie points."""
    y, x = np.mgrid[:rows, :columns].astype(float)
    return 26000.0 - (x * step if np.isscalar(step) else x * step[1]), y * (step if np.isscalar(step) else step[0])


def slstr_flags(rows: int, columns: int):
    """Return confidence and cloud words: land by day everywhere but for single pixels."""
    confidence = np.full((rows, columns), 1 << 3 | 1 << 10, "u2")
    confidence[0, 1] = 1 << 1 | 1 << 10  # ocean
    confidence[0, 2] |= 1 << 4  # inland water
    confidence[0, 3] |= 1 << 5  # unfilled
    confidence[0, 4] = 1 << 3  # night
    confidence[0, 5] |= 1 << 12  # glint
    confidence[0, 6] |= 1 << 13  # snow
    confidence[0, 7] |= 1 << 14  # cloud
    confidence[0, 8] |= 1 << 15  # pointing
    confidence[0, 9] = 1 << 3 | 1 << 11  # twilight
    cloud = np.zeros((rows, columns), "u2")
    cloud[0, 9] = 1 << 7  # gross cloud, which the confidence word has too
    cloud[0, 10] = 1 << 8  # thin cirrus
    return confidence, cloud


def exception(rows: int, columns: int):
    """Return the exception word of a band: one saturated pixel, one that is fill."""
    made = np.zeros((rows, columns), "u1")
    made[0, 11], made[0, 12] = 16, 255
    return made


def slstr(root: Path, *, name: str = SLSTR_NAME, folder: str | None = None, kind: str = "SL_1_RBT___"):
    """Write an SLSTR folder with the nadir grids and return its path."""
    place = root / (folder or f"{name}.SEN3")
    place.mkdir(parents=True)
    manifest(place, name, kind, "2020-06-21T09:30:22.123456Z", "2020-06-21T09:33:22.123456Z")
    for band in range(1, 7):
        _solar_band(place, name, band)
    for key, band in (("S7", 7), ("S8", 8), ("S9", 9), ("F2", 11)):
        counts = slstr_counts(band, ROWS_1KM, COLUMNS_1KM)
        attrs = {"scale_factor": BT_SCALE, "add_offset": BT_OFFSET, "_FillValue": np.int16(SLSTR_FILL), "units": "K"}
        own = {f"{key}_BT_in": (counts, attrs), f"{key}_exception_in": (exception(ROWS_1KM, COLUMNS_1KM), {})}
        member(place / f"{key}_BT_in.nc", name, own)
    for suffix, size, step in (("an", (2 * ROWS_1KM, 2 * COLUMNS_1KM), 500.0), ("in", (ROWS_1KM, COLUMNS_1KM), 1000.0)):
        _grid(place, name, suffix, size, step)
    names = ("solar_zenith_tn", "solar_azimuth_tn", "sat_zenith_tn", "sat_azimuth_tn")
    ties = {key: (values, {"_FillValue": np.float64("nan")}) for key, values in zip(names, slstr_ties(), strict=True)}
    member(place / "geometry_tn.nc", name, ties)
    x, y = cartesian(ROWS_1KM, TIE_COLUMNS, (1000.0, 16000.0))
    member(place / "cartesian_tx.nc", name, {"x_tx": (x, {}), "y_tx": (y, {})})
    member(place / "viscal.nc", name, {"S1_solar_irradiances": (np.ones((4, 2)), {}, ("detectors", "views"))})
    return place


def _solar_band(place: Path, name: str, band: int) -> None:
    size = (2 * ROWS_1KM, 2 * COLUMNS_1KM)
    attrs = {"scale_factor": SLSTR_SCALE, "add_offset": SLSTR_OFFSET, "_FillValue": np.int16(SLSTR_FILL)}
    attrs["units"] = "mW.m-2.sr-1.nm-1"
    own = {f"S{band}_radiance_an": (slstr_counts(band, *size), attrs), f"S{band}_exception_an": (exception(*size), {})}
    member(place / f"S{band}_radiance_an.nc", name, own)
    member(place / f"S{band}_quality_an.nc", name, {f"S{band}_solar_irradiance_an": (irradiance(band), {})})


def _grid(place: Path, name: str, suffix: str, size, step: float) -> None:
    y, x = np.mgrid[: size[0], : size[1]]
    where = places(45.0 - y * step / 111e3, 5.0 + x * step / 79e3, f"_{suffix}")
    member(place / f"geodetic_{suffix}.nc", name, where)
    confidence, cloud = slstr_flags(*size)
    member(
        place / f"flags_{suffix}.nc", name, {f"confidence_{suffix}": (confidence, {}), f"cloud_{suffix}": (cloud, {})}
    )
    member(
        place / f"indices_{suffix}.nc", name, {f"detector_{suffix}": (detector(*size), {"_FillValue": np.uint8(255)})}
    )
    across, along = cartesian(*size, step)
    member(place / f"cartesian_{suffix}.nc", name, {f"x_{suffix}": (across, {}), f"y_{suffix}": (along, {})})
