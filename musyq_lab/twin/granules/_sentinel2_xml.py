"""The two metadata files of a Sentinel-2 Level-1C tile.

Elements, order and constants: the SAFE of a real tile, S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM, and what baseline
04.00 added (S2-PDGS-TAS-DI-PSD-V14.9, Products Specification Document): ``Radiometric_Offset_List`` and raster masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from musyq_lab.sensors._response import response
from musyq_lab.sensors.sentinel2_msi import SPEC
from musyq_lab.twin.granules._map import Frame

Floats = NDArray[np.float64]

BASELINE = "05.00"
"""Processing baseline: that of Collection 1, with the offset of the counts."""
QUANTIFICATION, OFFSET = 10_000, -1000
"""reflectance = (count + OFFSET) / QUANTIFICATION."""
NO_DATA, SATURATED = 0, 65535
"""Marks among the counts."""
STEP = 5000.0
"""Distance of the points at which angles are given (m)."""

# Of the tile above, in the order of bandId: SOLAR_IRRADIANCE (W m-2 um-1) and PHYSICAL_GAINS (counts of Level-1B per
# radiance; those of Sentinel-2A stand for -2B too, which nothing of Level-1C depends on).
_IRRADIANCE_2A = (
    *(1884.69, 1959.72, 1823.24, 1512.06, 1424.64, 1287.61, 1162.08, 1041.63, 955.32, 812.92, 367.15),
    *(245.59, 85.25),
)
_GAINS = (
    *(4.11320743, 3.75720478, 4.18445047, 4.51538124, 5.1988703, 4.86465268, 4.52800781, 6.15241595, 5.12505693),
    *(8.51691828, 54.94695768, 35.18140015, 106.32021543),
)


@dataclass(frozen=True)
class Tile:
    """What the metadata say of a tile."""

    platform: str
    """Satellite."""
    time: datetime
    """When its middle was seen (UTC)."""
    generated: datetime
    """When the product was made (UTC)."""
    relative_orbit: int
    """1 to 143."""
    orbit: int
    """Number since launch."""
    square: str
    """Zone, band and square of the military grid, such as ``"50TMK"``."""
    frame: Frame
    """Outer edges."""
    detector: int
    """Which of the twelve saw the middle."""
    distance_factor: float
    """1 / (distance to the Sun in AU)^2."""
    sun: tuple[Floats, Floats]
    """Zenith and azimuth (deg) at the points every 5 km."""
    view: tuple[Floats, Floats]
    """Likewise, for all bands."""
    cloudy: float
    """Percent of the pixels under opaque cloud or cirrus."""
    missing: float
    """Percent of the pixels without data."""

    @property
    def mission(self) -> str:
        """``"S2A"`` or ``"S2B"``."""
        return f"S2{self.platform[-1]}"

    @property
    def stamp(self) -> str:
        """Start of the datatake, as names write it; here the tile is its whole datatake."""
        return f"{self.time:%Y%m%dT%H%M%S}"

    @property
    def name(self) -> str:
        """Name of the SAFE without its ending."""
        baseline = BASELINE.replace(".", "")
        orbit = f"R{self.relative_orbit:03d}"
        return f"{self.mission}_MSIL1C_{self.stamp}_N{baseline}_{orbit}_T{self.square}_{self.generated:%Y%m%dT%H%M%S}"

    @property
    def granule(self) -> str:
        """Folder of the tile inside."""
        return f"GRANULE/L1C_T{self.square}_A{self.orbit:06d}_{self.stamp}"

    def image(self, native: str) -> str:
        """Return the path of a band inside the SAFE, without its ending."""
        return f"{self.granule}/IMG_DATA/T{self.square}_{self.stamp}_{native}"

    def identifier(self, kind: str) -> str:
        """Return the identifier of the tile (TL) or of its datastrip (DS)."""
        made = f"{self.generated:%Y%m%dT%H%M%S}"
        last = f"A{self.orbit:06d}_T{self.square}" if kind == "TL" else f"S{self.stamp}"
        return f"{self.mission}_OPER_MSI_L1C_{kind}_2APS_{made}_{last}_N{BASELINE}"


def _instant(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def product_xml(tile: Tile) -> str:
    """Return MTD_MSIL1C.xml."""
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
<n1:General_Info>
{_information(tile)}{_characteristics(tile)}</n1:General_Info>
<n1:Geometric_Info>
<Product_Footprint><Product_Footprint><Global_Footprint>
<EXT_POS_LIST>{_outline(tile.frame)}</EXT_POS_LIST>
</Global_Footprint></Product_Footprint>
<RASTER_CS_TYPE>POINT</RASTER_CS_TYPE><PIXEL_ORIGIN>1</PIXEL_ORIGIN></Product_Footprint>
<Coordinate_Reference_System><GEO_TABLES version="1">EPSG</GEO_TABLES>\
<HORIZONTAL_CS_TYPE>GEOGRAPHIC</HORIZONTAL_CS_TYPE></Coordinate_Reference_System>
</n1:Geometric_Info>
<n1:Quality_Indicators_Info>
<Cloud_Coverage_Assessment>{tile.cloudy:.6f}</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info>
</n1:Level-1C_User_Product>
"""


def _information(tile: Tile) -> str:
    bands = SPEC.bands_of(tile.platform)
    images = "".join(f"<IMAGE_FILE>{tile.image(b.native)}</IMAGE_FILE>\n" for b in bands)
    return f"""<Product_Info>
<PRODUCT_START_TIME>{_instant(tile.time)}</PRODUCT_START_TIME>
<PRODUCT_STOP_TIME>{_instant(tile.time)}</PRODUCT_STOP_TIME>
<PRODUCT_URI>{tile.name}.SAFE</PRODUCT_URI>
<PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>
<PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>
<PROCESSING_BASELINE>{BASELINE}</PROCESSING_BASELINE>
<PRODUCT_DOI>https://doi.org/10.5270/S2_-742ikth</PRODUCT_DOI>
<GENERATION_TIME>{_instant(tile.generated)}</GENERATION_TIME>
<PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>
<PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>
<Datatake datatakeIdentifier="G{tile.mission}_{tile.stamp}_{tile.orbit:06d}_N{BASELINE}">
<SPACECRAFT_NAME>{tile.platform}</SPACECRAFT_NAME>
<DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
<DATATAKE_SENSING_START>{_instant(tile.time)}</DATATAKE_SENSING_START>
<SENSING_ORBIT_NUMBER>{tile.relative_orbit}</SENSING_ORBIT_NUMBER>
<SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
</Datatake>
<Query_Options completeSingleTile="true"><PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT></Query_Options>
<Product_Organisation><Granule_List>
<Granule datastripIdentifier="{tile.identifier("DS")}" granuleIdentifier="{tile.identifier("TL")}" \
imageFormat="JPEG2000">
{images}</Granule>
</Granule_List></Product_Organisation>
</Product_Info>
"""


def _characteristics(tile: Tile) -> str:
    bands = SPEC.bands_of(tile.platform)
    marks = "".join(
        f"<Special_Values><SPECIAL_VALUE_TEXT>{name}</SPECIAL_VALUE_TEXT>"
        f"<SPECIAL_VALUE_INDEX>{value}</SPECIAL_VALUE_INDEX></Special_Values>\n"
        for name, value in (("NODATA", NO_DATA), ("SATURATED", SATURATED))
    )
    own = tuple(b.e0 or 0.0 for b in bands)
    suns = _listed("SOLAR_IRRADIANCE", "bandId", _IRRADIANCE_2A if tile.mission == "S2A" else own, ' unit="W/m²/µm"')
    return f"""<Product_Image_Characteristics>
{marks}<Image_Display_Order><RED_CHANNEL>3</RED_CHANNEL><GREEN_CHANNEL>2</GREEN_CHANNEL>\
<BLUE_CHANNEL>1</BLUE_CHANNEL></Image_Display_Order>
<QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</QUANTIFICATION_VALUE>
<Radiometric_Offset_List>
{_listed("RADIO_ADD_OFFSET", "band_id", [OFFSET] * len(bands))}</Radiometric_Offset_List>
<Reflectance_Conversion><U>{tile.distance_factor:.15f}</U>
<Solar_Irradiance_List>
{suns}</Solar_Irradiance_List></Reflectance_Conversion>
<Spectral_Information_List>
{"".join(_spectral(tile.platform, number) for number in range(len(bands)))}</Spectral_Information_List>
{_listed("PHYSICAL_GAINS", "bandId", _GAINS)}</Product_Image_Characteristics>
"""


def _listed(tag: str, key: str, values: Iterable[float], more: str = "") -> str:
    return "".join(f'<{tag} {key}="{i}"{more}>{value}</{tag}>\n' for i, value in enumerate(values))


def _spectral(platform: str, number: int) -> str:
    band = SPEC.bands_of(platform)[number]
    curve = response(SPEC.key, band.native, platform)
    places = curve["wavelength"].values * 1000
    steps = np.arange(np.ceil(places[0] - 1e-6), np.floor(places[-1] + 1e-6) + 1)
    values = " ".join(f"{value:.8g}" for value in np.interp(steps, places, curve.values))
    physical = band.native.replace("B0", "B")
    return f"""<Spectral_Information bandId="{number}" physicalBand="{physical}">
<RESOLUTION>{band.resolution:g}</RESOLUTION>
<Wavelength><MIN unit="nm">{steps[0]:g}</MIN><MAX unit="nm">{steps[-1]:g}</MAX>\
<CENTRAL unit="nm">{band.centre * 1000:.1f}</CENTRAL></Wavelength>
<Spectral_Response><STEP unit="nm">1</STEP><VALUES>{values}</VALUES></Spectral_Response>
</Spectral_Information>
"""


def _outline(frame: Frame) -> str:
    x = frame.left + frame.width * np.array([0.0, 1.0, 1.0, 0.0, 0.0])
    y = frame.top - frame.height * np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    longitude, latitude = frame.geographic(x, y)
    return " ".join(f"{lat:.12f} {lon:.12f}" for lat, lon in zip(latitude, longitude, strict=True))


def tile_xml(tile: Tile, masks: Mapping[str, str]) -> str:
    """Return MTD_TL.xml.

    Parameters
    ----------
    tile
        What to say.
    masks
        Type of a mask -> path inside the SAFE.
    """
    listed = "".join(f'<MASK_FILENAME type="{kind}">{path}</MASK_FILENAME>\n' for kind, path in masks.items())
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd">
<n1:General_Info>
<TILE_ID metadataLevel="Brief">{tile.identifier("TL")}</TILE_ID>
<DATASTRIP_ID metadataLevel="Standard">{tile.identifier("DS")}</DATASTRIP_ID>
<DOWNLINK_PRIORITY metadataLevel="Standard">NOMINAL</DOWNLINK_PRIORITY>
<SENSING_TIME metadataLevel="Standard">{_instant(tile.time)}</SENSING_TIME>
<Archiving_Info metadataLevel="Expertise"><ARCHIVING_CENTRE>2APS</ARCHIVING_CENTRE>\
<ARCHIVING_TIME>{_instant(tile.generated + timedelta(hours=1))}</ARCHIVING_TIME></Archiving_Info>
</n1:General_Info>
<n1:Geometric_Info>
{_geocoding(tile.frame)}<Tile_Angles metadataLevel="Standard">
<Sun_Angles_Grid>{_grids(tile.sun)}</Sun_Angles_Grid>
<Mean_Sun_Angle>{_mean(tile.sun)}</Mean_Sun_Angle>
{_views(tile)}</Tile_Angles>
</n1:Geometric_Info>
<n1:Quality_Indicators_Info metadataLevel="Standard">
<Image_Content_QI><CLOUDY_PIXEL_PERCENTAGE>{tile.cloudy:.6f}</CLOUDY_PIXEL_PERCENTAGE>\
<DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>\
<NODATA_PIXEL_PERCENTAGE>{tile.missing:.6f}</NODATA_PIXEL_PERCENTAGE></Image_Content_QI>
<Pixel_Level_QI geometry="FULL_RESOLUTION">
{listed}</Pixel_Level_QI>
</n1:Quality_Indicators_Info>
</n1:Level-1C_Tile_ID>
"""


def _geocoding(frame: Frame) -> str:
    sizes = places = ""
    for resolution in (10, 20, 60):
        rows, columns = frame.shape(resolution)
        sizes += f'<Size resolution="{resolution}"><NROWS>{rows}</NROWS><NCOLS>{columns}</NCOLS></Size>\n'
        places += f'<Geoposition resolution="{resolution}"><ULX>{frame.left:.0f}</ULX><ULY>{frame.top:.0f}</ULY>'
        places += f"<XDIM>{resolution}</XDIM><YDIM>-{resolution}</YDIM></Geoposition>\n"
    hemisphere = "S" if frame.epsg > 32700 else "N"
    return f"""<Tile_Geocoding metadataLevel="Brief">
<HORIZONTAL_CS_NAME>WGS84 / UTM zone {frame.zone}{hemisphere}</HORIZONTAL_CS_NAME>
<HORIZONTAL_CS_CODE>EPSG:{frame.epsg}</HORIZONTAL_CS_CODE>
{sizes}{places}</Tile_Geocoding>
"""


def _views(tile: Tile) -> str:
    grids, mean = _grids(tile.view), _mean(tile.view)
    made = means = ""
    for number in range(len(SPEC.bands_of(tile.platform))):
        tag = f'Viewing_Incidence_Angles_Grids bandId="{number}" detectorId="{tile.detector}"'
        made += f"<{tag}>{grids}</Viewing_Incidence_Angles_Grids>\n"
        means += f'<Mean_Viewing_Incidence_Angle bandId="{number}">{mean}</Mean_Viewing_Incidence_Angle>\n'
    return f"{made}<Mean_Viewing_Incidence_Angle_List>\n{means}</Mean_Viewing_Incidence_Angle_List>\n"


def _grids(angles: tuple[Floats, Floats]) -> str:
    return "".join(_grid(name, grid) for name, grid in zip(("Zenith", "Azimuth"), angles, strict=True))


def _grid(name: str, grid: Floats) -> str:
    rows = "".join(f"<VALUES>{' '.join(f'{v:.6g}' for v in row)}</VALUES>\n" for row in grid)
    step = f'<COL_STEP unit="m">{STEP:.0f}</COL_STEP><ROW_STEP unit="m">{STEP:.0f}</ROW_STEP>'
    return f"<{name}>{step}<Values_List>\n{rows}</Values_List></{name}>"


def _mean(angles: Sequence[Floats]) -> str:
    zenith, azimuth = angles
    turn = np.radians(azimuth)
    mean = np.degrees(np.arctan2(np.sin(turn).mean(), np.cos(turn).mean())) % 360
    return (
        f'<ZENITH_ANGLE unit="deg">{zenith.mean():.10f}</ZENITH_ANGLE>'
        f'<AZIMUTH_ANGLE unit="deg">{mean:.10f}</AZIMUTH_ANGLE>'
    )
