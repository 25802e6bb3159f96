"""Small Sentinel-2 SAFEs in the native layout, written straight from the Products Specification Document.

The tile has its true extent (109.8 km) and coarse pixels: 72, 36 and 12 for the grids of 10, 20 and 60 m.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
GRID = dict(zip(BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20), strict=True))
SIZE = {10: 72, 20: 36, 60: 12}
EXTENT = 109_800.0
LEFT, TOP = 300_000.0, 4_500_000.0
NODES = np.arange(23)
# Planes, so that an interpolation linear between the points must give them back exactly.
SUN_ZENITH = 35.0 + 0.05 * NODES[:, None] + 0.1 * NODES[None, :]
SUN_AZIMUTH = (355.0 + 0.5 * NODES[:, None] + 0.4 * NODES[None, :]) % 360.0
VIEW_ZENITH = 4.0 + 0.01 * NODES[:, None] + 0.3 * NODES[None, :]
VIEW_AZIMUTH = 100.0 + 0.1 * NODES[:, None] + 0.2 * NODES[None, :]

TILE_FOLDER = "GRANULE/{level}_T50TMK_A012345_20230301T030000"


def name(level: str = "L1C", satellite: str = "S2A", baseline: str = "05.09") -> str:
    """Return the name of a SAFE without suffix."""
    return f"{satellite}_MSI{level}_20230301T030001_N{baseline.replace('.', '')}_R032_T50TMK_20230301T050000"


def write_jp2(path: Path, layers: NDArray[np.unsignedinteger]) -> None:
    """Write a lossless JPEG 2000 that covers the tile; layers are (y, x) or (band, y, x)."""
    stack = layers if layers.ndim == 3 else layers[None]
    count, rows, columns = stack.shape
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        width=columns,
        height=rows,
        count=count,
        dtype=stack.dtype,
        crs="EPSG:32650",
        transform=from_origin(LEFT, TOP, EXTENT / columns, EXTENT / rows),
        QUALITY="100",
        REVERSIBLE="YES",
        YCBCR420="NO",
    ) as file:
        file.write(stack)


def product_xml(
    level: str,
    platform: str,
    baseline: str,
    offsets: Mapping[int, float] | None,
    quantification: float,
    *,
    irradiance: bool = True,
) -> str:
    """Return MTD_MSIL1C.xml or MTD_MSIL2A.xml."""
    value = f'<QUANTIFICATION_VALUE unit="none">{quantification:g}</QUANTIFICATION_VALUE>'
    listed, entry = "Radiometric_Offset_List", "RADIO_ADD_OFFSET"
    if level == "L2A":
        value = (
            f'<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">{quantification:g}'
            '</BOA_QUANTIFICATION_VALUE><AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE>'
            "</QUANTIFICATION_VALUES_LIST>"
        )
        listed, entry = "BOA_ADD_OFFSET_VALUES_LIST", "BOA_ADD_OFFSET"
    rows = "".join(f'<{entry} band_id="{i}">{v:g}</{entry}>' for i, v in (offsets or {}).items())
    added = f"<{listed}>{rows}</{listed}>" if offsets is not None else ""
    suns = "".join(
        f'<SOLAR_IRRADIANCE bandId="{i}" unit="W/m²/µm">{2000 - 100 * i}</SOLAR_IRRADIANCE>' for i in range(13)
    )
    suns = f"<Solar_Irradiance_List>{suns}</Solar_Irradiance_List>"
    sun = f"<Reflectance_Conversion><U>0.98</U>{suns}</Reflectance_Conversion>"
    number = level.removeprefix("L")
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{number}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{number}.xsd">
 <n1:General_Info><Product_Info>
  <PRODUCT_START_TIME>2023-03-01T03:00:01.024Z</PRODUCT_START_TIME>
  <PROCESSING_LEVEL>Level-{number}</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
  <Datatake><SPACECRAFT_NAME>{platform}</SPACECRAFT_NAME></Datatake></Product_Info>
  <Product_Image_Characteristics>
   <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
   <Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
   </Special_Values>
   {value}{added}{sun if irradiance else ""}
  </Product_Image_Characteristics></n1:General_Info>
</n1:Level-{number}_User_Product>
"""


def _grid(zenith: NDArray[np.float64], azimuth: NDArray[np.float64]) -> str:
    def values(grid: NDArray[np.float64]) -> str:
        rows = (" ".join("NaN" if np.isnan(v) else f"{v:.6g}" for v in row) for row in grid)
        step = '<COL_STEP unit="m">5000</COL_STEP><ROW_STEP unit="m">5000</ROW_STEP>'
        return f"{step}<Values_List>{''.join(f'<VALUES>{row}</VALUES>' for row in rows)}</Values_List>"

    return f"<Zenith>{values(zenith)}</Zenith><Azimuth>{values(azimuth)}</Azimuth>"


def tile_xml(*, grids: bool = True) -> str:
    """Return MTD_TL.xml: two detectors see a half each and overlap by a column, a corner lies outside both."""
    angles = ""
    if grids:
        angles = f"<Sun_Angles_Grid>{_grid(SUN_ZENITH, SUN_AZIMUTH)}</Sun_Angles_Grid>"
        for detector, seen in ((5, NODES <= 11), (6, NODES >= 11)):
            mask = np.broadcast_to(seen, (23, 23)).copy()
            mask[-1, -1] = False
            parts = (np.where(mask, grid, np.nan) for grid in (VIEW_ZENITH, VIEW_AZIMUTH))
            tag = "Viewing_Incidence_Angles_Grids"
            angles += f'<{tag} bandId="3" detectorId="{detector}">{_grid(*parts)}</{tag}>'
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{EXTENT / r:.0f}</NROWS><NCOLS>{EXTENT / r:.0f}</NCOLS></Size>' for r in SIZE
    )
    places = "".join(
        f'<Geoposition resolution="{r}"><ULX>{LEFT:g}</ULX><ULY>{TOP:g}</ULY>'
        f"<XDIM>{r}</XDIM><YDIM>-{r}</YDIM></Geoposition>"
        for r in (10, 20, 60)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd">
 <n1:General_Info><TILE_ID>S2A_OPER_MSI_L1C_TL_2APS_20230301T050000_A012345_T50TMK_N05.09</TILE_ID>
  <SENSING_TIME>2023-03-01T03:05:06.789Z</SENSING_TIME></n1:General_Info>
 <n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32650</HORIZONTAL_CS_CODE>{sizes}{places}</Tile_Geocoding>
  <Tile_Angles>{angles}
   <Mean_Sun_Angle><ZENITH_ANGLE unit="deg">36.5</ZENITH_ANGLE>
    <AZIMUTH_ANGLE unit="deg">150.25</AZIMUTH_ANGLE></Mean_Sun_Angle>
   <Mean_Viewing_Incidence_Angle_List><Mean_Viewing_Incidence_Angle bandId="3">
    <ZENITH_ANGLE unit="deg">7.25</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">103.5</AZIMUTH_ANGLE>
   </Mean_Viewing_Incidence_Angle></Mean_Viewing_Incidence_Angle_List>
  </Tile_Angles></n1:Geometric_Info>
</n1:Level-1C_Tile_ID>
"""


def cloud_gml(features: Sequence[tuple[str, Sequence[Sequence[float]]]]) -> str:
    """Return MSK_CLOUDS_B00.gml from (kind, rings); a ring is x, y, x, y ... in metres."""
    members = ""
    for number, (kind, rings) in enumerate(features):
        sides = ""
        for side, ring in zip(("exterior", "interior"), rings, strict=False):
            points = " ".join(f"{v:g}" for v in ring)
            sides += f'<gml:{side}><gml:LinearRing><gml:posList srsDimension="2">{points}</gml:posList>'
            sides += f"</gml:LinearRing></gml:{side}>"
        members += (
            f'<eop:MaskFeature gml:id="{kind}.{number}"><eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">{kind}'
            f"</eop:maskType><eop:extentOf><gml:Polygon>{sides}</gml:Polygon></eop:extentOf></eop:MaskFeature>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" '
        'xmlns:gml="http://www.opengis.net/gml/3.2"><eop:maskMembers>' + members + "</eop:maskMembers></eop:Mask>"
    )


def make_safe(
    folder: Path,
    counts: Mapping[str, NDArray[np.uint16]],
    *,
    level: str = "L1C",
    platform: str = "Sentinel-2A",
    baseline: str = "05.09",
    offsets: Mapping[int, float] | None = None,
    quantification: float = 10_000,
    grids: bool = True,
    irradiance: bool = True,
    masks: Mapping[str, NDArray[np.uint8] | str] | None = None,
) -> Path:
    """Write a SAFE folder and return it.

    ``counts`` holds the stored numbers by ``"B04"`` (Level-1C) or ``"B04_20m"`` (Level-2A, also ``"SCL_20m"``);
    ``masks`` what lies in QI_DATA by file name.
    """
    safe = folder / f"{name(level, 'S2' + platform[-1], baseline)}.SAFE"
    tile = safe / TILE_FOLDER.format(level=level)
    for key, values in counts.items():
        inside = f"IMG_DATA/R{key.rpartition('_')[2]}" if "_" in key else "IMG_DATA"
        write_jp2(tile / inside / f"T50TMK_20230301T030001_{key}.jp2", values)
    xml = product_xml(level, platform, baseline, offsets, quantification, irradiance=irradiance)
    (safe / f"MTD_MSI{level}.xml").write_text(xml, "utf-8")
    (tile / "MTD_TL.xml").write_text(tile_xml(grids=grids), "utf-8")
    (tile / "QI_DATA").mkdir(exist_ok=True)
    for file, content in (masks or {}).items():
        if isinstance(content, str):
            (tile / "QI_DATA" / file).write_text(content, "utf-8")
        else:
            write_jp2(tile / "QI_DATA" / file, content)
    return safe


def zipped(safe: Path, archive: Path) -> Path:
    """Write a SAFE folder as the zip file that the data hubs deliver, and return it."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for member in sorted(p for p in safe.rglob("*") if p.is_file()):
            file.write(member, f"{safe.name}/{member.relative_to(safe).as_posix()}")
    return archive
