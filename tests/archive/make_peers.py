"""Minimal files of peers' products, laid out as their format documents say: counts put in, values expected out.

HDF-EOS2 files carry StructMetadata.0 and CoreMetadata.0 as the HDF-EOS library writes them, HDF-EOS5 files the dataset
``HDFEOS INFORMATION/StructMetadata.0``.
"""

import h5py
import numpy as np
import rasterio
from pyhdf.SD import SD, SDC
from rasterio.transform import from_origin

SPHERE = 6371007.181
CELL = 463.312716528
CORNER = (0.0, 5559752.598333)  # upper left of tile h18v04
_CODES = {"int16": SDC.INT16, "uint16": SDC.UINT16, "uint8": SDC.UINT8, "int8": SDC.INT8, "uint32": SDC.UINT32,
          "float32": SDC.FLOAT32, "float64": SDC.FLOAT64}  # fmt: skip


def struct(grids, prefix=""):
    """Return StructMetadata for (name, shape, fields, corners or None for the sinusoidal tile)."""
    lines = ["GROUP=SwathStructure", "END_GROUP=SwathStructure", "GROUP=GridStructure"]
    for number, (name, (rows, columns), fields, geographic) in enumerate(grids, 1):
        if geographic:
            corners, projection = ((-180e6, 90e6), (180e6, -90e6)), "GCTP_GEO"
        else:
            x, y = CORNER
            corners, projection = (CORNER, (x + columns * CELL, y - rows * CELL)), "GCTP_SNSOID"
        lines += [
            f"\tGROUP=GRID_{number}",
            f'\t\tGridName="{name}"',
            f"\t\tXDim={columns}",
            f"\t\tYDim={rows}",
            f"\t\tUpperLeftPointMtrs=({corners[0][0]:.6f},{corners[0][1]:.6f})",
            f"\t\tLowerRightMtrs=({corners[1][0]:.6f},{corners[1][1]:.6f})",
            f"\t\tProjection={prefix}{projection}",
        ]
        if not geographic:
            lines.append(f"\t\tProjParams=({SPHERE:.6f},0,0,0,0,0,0,0,0,0,0,0,0)")
        lines.append("\t\tGROUP=DataField")
        for index, field in enumerate(fields, 1):
            lines += [
                f"\t\t\tOBJECT=DataField_{index}",
                f'\t\t\t\tDataFieldName="{field}"',
                '\t\t\t\tDimList=("YDim","XDim")',
                f"\t\t\tEND_OBJECT=DataField_{index}",
            ]
        lines += ["\t\tEND_GROUP=DataField", f"\tEND_GROUP=GRID_{number}"]
    return "\n".join([*lines, "END_GROUP=GridStructure", "END"]) + "\n"


def core(name):
    """Return CoreMetadata with the name of the granule."""
    return (
        "\nGROUP                  = INVENTORYMETADATA\n  GROUP                  = ECSDATAGRANULE\n"
        "    OBJECT                 = LOCALGRANULEID\n      NUM_VAL              = 1\n"
        f'      VALUE                = "{name}"\n    END_OBJECT             = LOCALGRANULEID\n'
        "  END_GROUP              = ECSDATAGRANULE\nEND_GROUP              = INVENTORYMETADATA\nEND\n"
    )


def hdf4(path, layers, *, grid="MODIS_Grid", geographic=False, name=None, swath=False):
    """Write an HDF-EOS2 file; ``layers`` is name -> (array, attributes)."""
    file = SD(str(path), SDC.WRITE | SDC.CREATE | SDC.TRUNC)
    size = next(iter(layers.values()))[0].shape[:2]
    for layer, (values, attributes) in layers.items():
        values = np.asarray(values)
        place = grid if values.shape[:2] == size else f"{grid}_{'x'.join(map(str, values.shape))}"
        item = file.create(layer, _CODES[values.dtype.name], values.shape)
        for axis in range(values.ndim):
            item.dim(axis).setname(f"{('YDim', 'XDim', 'Num')[axis]}:{place}")
        item[:] = values
        for key, value in attributes.items():
            _attribute(item, key, value, values.dtype)
        item.endaccess()
    if not swath:
        file.attr("StructMetadata.0").set(SDC.CHAR, struct([(grid, size, list(layers), geographic)]))
    file.attr("CoreMetadata.0").set(SDC.CHAR, core(name or path.name))
    file.end()
    return path


def _attribute(item, key, value, dtype):
    if isinstance(value, str):
        item.attr(key).set(SDC.CHAR, value)
    elif key in ("_FillValue", "valid_range"):
        item.attr(key).set(_CODES[dtype.name], value)
    else:
        item.attr(key).set(SDC.FLOAT64, value)


def hdf5(path, groups, *, geographic=False, name=None):
    """Write an HDF-EOS5 file; ``groups`` is grid -> layers as in :func:`hdf4`."""
    grids = []
    with h5py.File(path, "w") as file:
        for grid, layers in groups.items():
            for layer, (values, attributes) in layers.items():
                item = file.create_dataset(f"HDFEOS/GRIDS/{grid}/Data Fields/{layer}", data=values)
                item.attrs.update(attributes)
            shape = next(iter(layers.values()))[0].shape[:2]
            grids.append((grid, shape, list(layers), geographic))
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(struct(grids, "HE5_"))
        if name:
            file["HDFEOS/ADDITIONAL/FILE_ATTRIBUTES/x"] = 0
            file["HDFEOS/ADDITIONAL/FILE_ATTRIBUTES"].attrs["LocalGranuleID"] = name
    return path


def cgls(path, layers, *, rows=6, columns=8):
    """Write a netCDF-4 file as CGLS delivers them: 1-D lat and lon at the centres of cells of 1/336 degree."""
    step = 1.0 / 336.0
    with h5py.File(path, "w") as file:
        for axis, values, units in (
            ("lat", 50.0 - step * np.arange(rows), "degrees_north"),
            ("lon", 10.0 + step * np.arange(columns), "degrees_east"),
        ):
            item = file.create_dataset(axis, data=values)
            item.make_scale(axis)
            item.attrs["units"] = units
        file.create_dataset("crs", data=np.int8(0)).attrs["grid_mapping_name"] = "latitude_longitude"
        for name, (values, attributes) in layers.items():
            item = file.create_dataset(name, data=values)
            item.attrs.update({"grid_mapping": "crs", **attributes})
    return path


def geotiff(path, values, *, crs="EPSG:32650", nodata=0, **tags):
    """Write a GeoTIFF of one band."""
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "nodata": nodata}
    profile |= {"dtype": values.dtype, "crs": crs, "transform": from_origin(5e5, 4.5e6, 30, 30)}
    with rasterio.open(path, "w", **profile) as file:
        file.write(values, 1)
        file.update_tags(**tags)
    return path


def vi_layers(resolution="500m", *, declared=10000.0, shape=(4, 5), dtype="int16"):
    """Return the layers of a MOD13 tile: counts that span the range, and fills."""
    ndvi = np.linspace(-2000, 10000, np.prod(shape)).round().reshape(shape).astype(dtype)
    ndvi[0, 0] = -3000
    red = np.linspace(0, 10000, np.prod(shape)).round().reshape(shape).astype(dtype)
    red[0, 0] = -1000
    reliability = np.arange(np.prod(shape)).reshape(shape).astype("int8") % 4
    quality = (np.arange(np.prod(shape)).reshape(shape) * 2500).astype("uint16")
    step = f"{resolution} 16 days "
    vi = {"_FillValue": -3000, "valid_range": [-2000, 10000], "scale_factor": declared, "add_offset": 0.0}
    sr = {"_FillValue": -1000, "valid_range": [0, 10000], "scale_factor": declared, "add_offset": 0.0}
    return {
        f"{step}NDVI": (ndvi, vi),
        f"{step}EVI": (ndvi[::-1].copy(), vi),
        f"{step}VI Quality": (quality, {"_FillValue": 65535, "valid_range": [0, 65534]}),
        f"{step}red reflectance": (red, sr),
        f"{step}NIR reflectance": (red[::-1].copy(), sr),
        f"{step}blue reflectance": (red // 2, sr),
        f"{step}pixel reliability": (reliability, {"_FillValue": -1, "valid_range": [0, 3]}),
    }
