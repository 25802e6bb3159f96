"""Minimal VIIRS files: SDR (NOAA, HDF5) as satpy's viirs_sdr reader defines them, Level 1B (NASA, netCDF-4)."""

from pathlib import Path

import h5py
import numpy as np

STAMP = "npp_d20120225_t1801245_e1802487_b01708"
M_REFLECTIVE = [f"M{n}" for n in range(1, 12)]
M_THERMAL = [f"M{n}" for n in range(12, 17)]
I_REFLECTIVE, I_THERMAL = ["I1", "I2", "I3"], ["I4", "I5"]
REFLECTANCE = (2e-5, 0.0)
KELVIN = (2.5e-3, 190.0)
RADIANCE = (1e-2, -0.1)
GEO_SHORT = {"MOD-GEO-TC": "GMTCO", "MOD-GEO": "GMODO", "IMG-GEO-TC": "GITCO", "IMG-GEO": "GIMGO"}


def sdr(
    folder: Path,
    *,
    kind="M",
    rho=None,
    kelvin=None,
    radiance=None,
    sza=None,
    scans=(1,),
    stored_scans=None,
    columns=6,
    geo="TC",
    one_file=False,
    name=None,
    bands=None,
    factors=None,
    quality=0,
    platform="NPP",
):
    """Write SDR files of the M or I bands; return the files.

    ``scans`` are the scans of each granule; ``stored_scans`` the scans that each is padded to (48 in real files; None
    for no padding). Arrays have one row a line that was taken. ``factors`` gives (scale, offset) of reflectance for
    each granule.
    """
    per_scan = 16 if kind == "M" else 32
    shape = (per_scan * sum(scans), columns)
    rho, kelvin = _filled(rho, shape, 0.3), _filled(kelvin, shape, 285.0)
    radiance, sza = _filled(radiance, shape, 50.0), _filled(sza, shape, 40.0)
    layout = _Layout(per_scan, scans, stored_scans)
    wanted = bands or (M_REFLECTIVE + M_THERMAL if kind == "M" else I_REFLECTIVE + I_THERMAL)
    files, geo_name = [], f"{'MOD' if kind == 'M' else 'IMG'}-GEO{'-TC' if geo == 'TC' else ''}"
    short = GEO_SHORT[geo_name]
    for band in wanted:
        path = folder / (name or f"SV{band[0]}{int(band[1:]):02d}_{STAMP}_c20120226002130255476_noaa_ops.h5")
        with h5py.File(path, "a" if one_file else "w") as file:
            _root(file, platform, short)
            _band(file, band, kind, layout, rho, kelvin, radiance, factors, quality)
        if path not in files:
            files.append(path)
        name = path.name if one_file else name
    if geo:
        path = files[0] if one_file else folder / f"{short}_{STAMP}_c20120226001855000000_noaa_ops.h5"
        with h5py.File(path, "a" if one_file else "w") as file:
            if not one_file:
                _root(file, platform, None)
            _sdr_geolocation(file, f"VIIRS-{geo_name}", layout, sza)
        files += [] if one_file else [path]
    return files


def _filled(values, shape, default):
    return np.full(shape, default) if values is None else values


class _Layout:
    """Where the lines of each granule lie in the file."""

    def __init__(self, per_scan, scans, stored):
        self.per_scan, self.scans, self.stored = per_scan, scans, stored

    def put(self, lines, fill):
        """Return lines as stored, padded with a fill value."""
        parts, start = [], 0
        for scan in self.scans:
            part = lines[start : start + scan * self.per_scan]
            start += scan * self.per_scan
            if self.stored:
                missing = (self.stored - scan) * self.per_scan
                part = np.concatenate([part, np.full((missing, lines.shape[1]), fill, lines.dtype)])
            parts.append(part)
        return np.concatenate(parts)

    def lines(self, values):
        """Return one number a granule as one a line that was taken."""
        return np.repeat(values, [scan * self.per_scan for scan in self.scans])[:, None]


def _root(file, platform, geo):
    file.attrs["Platform_Short_Name"] = np.array([[platform.encode()]])
    file.attrs["Distributor"] = np.array([[b"noaa"]])
    if geo:
        file.attrs["N_GEO_Ref"] = np.array([[f"{geo}_{STAMP}_c20120226001855000000_noaa_ops.h5".encode()]])


def _products(file, collection, layout):
    group = file.require_group(f"Data_Products/{collection}")
    group.attrs["Instrument_Short_Name"] = np.array([[b"VIIRS"]])
    total = group.create_dataset(f"{collection}_Aggr", data=np.zeros(1, "i4"))  # references, in real files
    total.attrs["AggregateBeginningDate"] = np.array([[b"20120225"]])
    total.attrs["AggregateBeginningTime"] = np.array([[b"180124.500000Z"]])
    total.attrs["AggregateEndingDate"] = np.array([[b"20120225"]])
    total.attrs["AggregateEndingTime"] = np.array([[b"180248.700000Z"]])
    total.attrs["AggregateNumberGranules"] = np.array([[len(layout.scans)]], "u8")
    for text in ("AggregateBeginningOrbitNumber", "AggregateEndingOrbitNumber"):
        total.attrs[text] = np.array([[1708]], "u8")
    for number, scans in enumerate(layout.scans):
        granule = group.create_dataset(f"{collection}_Gran_{number}", data=np.zeros(1, "i4"))
        granule.attrs["N_Number_Of_Scans"] = np.array([[scans]], "i4")


def _band(file, band, kind, layout, rho, kelvin, radiance, factors, quality):
    collection = f"VIIRS-{band}-SDR"
    _products(file, collection, layout)
    group = file.create_group(f"All_Data/{collection}_All")
    count = len(layout.scans)
    reflective = band in M_REFLECTIVE + I_REFLECTIVE
    pairs = np.array(factors or [REFLECTANCE if reflective else KELVIN] * count)
    values, name = (rho, "Reflectance") if reflective else (kelvin, "BrightnessTemperature")
    if band == "M13":
        group[name] = layout.put(values.astype("f4"), -999.3)
    else:
        gain, offset = layout.lines(pairs[:, 0]), layout.lines(pairs[:, 1])
        group[name] = layout.put(np.rint((values - offset) / gain).astype("u2"), 65529)
        group[f"{name}Factors"] = pairs.astype("f4").ravel()
    if band in ("M3", "M4", "M5", "M7", "M13"):  # dual gain: floats without factors
        group["Radiance"] = layout.put(radiance.astype("f4"), -999.3)
    else:
        group["Radiance"] = layout.put(np.rint((radiance - RADIANCE[1]) / RADIANCE[0]).astype("u2"), 65529)
        group["RadianceFactors"] = np.array([RADIANCE] * count, "f4").ravel()
    flags = np.broadcast_to(np.asarray(quality, "u1"), rho.shape).copy()
    group[f"QF1_VIIRS{kind}BANDSDR"] = layout.put(flags, 0)


def _sdr_geolocation(file, collection, layout, sza):
    _products(file, collection, layout)
    group = file.create_group(f"All_Data/{collection}_All")
    lines, columns = sza.shape
    for name, values in (
        ("Longitude", np.tile(np.linspace(179.5, 180.5, columns), (lines, 1))),
        ("Latitude", np.tile(np.linspace(31, 30, lines)[:, None], (1, columns))),
        ("SolarZenithAngle", sza),
        ("SolarAzimuthAngle", np.full(sza.shape, -150.0)),
        ("SatelliteZenithAngle", np.full(sza.shape, 12.34)),
        ("SatelliteAzimuthAngle", np.full(sza.shape, 100.0)),
    ):
        turned = np.where(values > 180.0, values - 360.0, values)
        group[name] = layout.put(turned.astype("f4"), -999.3)


E0 = {"M": 1500.0, "I": 1600.0}
DISTANCE = 0.9901
L1B_REFLECTANCE = (1.9991758e-05, 0.0)
FLAG_MASKS = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048], "u2")
FLAG_MEANINGS = (
    "Substitute_Cal Out_of_Range Saturation Temp_not_Nominal Low_Gain Mixed_Gain DG_Anomaly Some_Saturation "
    "Bowtie_Deleted Missing_EV Cal_Fail Dead_Detector"
)


def lut(band):
    """Return brightness temperature of each stored number: any monotonous table will do."""
    table = 190.0 + 180.0 * np.sqrt(np.arange(65536) / 65527.0)
    table[65528:] = -999.9
    return (table + 0.1 * int(band[1:])).astype("f4")


def level1b(
    folder: Path,
    *,
    kind="M",
    rho=None,
    kelvin=None,
    sza=None,
    scans=1,
    columns=6,
    geo=True,
    night=False,
    flags=0,
    meanings=True,
    prefix="NP",
    platform="Suomi-NPP",
    name=None,
):
    """Write VNP02 and VNP03 of the M or I bands; return the files."""
    import netCDF4

    shape = ((16 if kind == "M" else 32) * scans, columns)
    rho, kelvin, sza = _filled(rho, shape, 0.3), _filled(kelvin, shape, 285.0), _filled(sza, shape, 40.0)
    word = "MOD" if kind == "M" else "IMG"
    reflective, thermal = (M_REFLECTIVE, M_THERMAL) if kind == "M" else (I_REFLECTIVE, I_THERMAL)
    path = folder / (name or f"V{prefix}02{word}.A2019219.0130.002.2021123030313.nc")
    with netCDF4.Dataset(path, "w") as file:
        group = _netcdf(file, shape, "observation_data", f"V{prefix}02{word}", platform, scans)
        for band in [] if night else reflective:
            variable = _variable(group, band)
            variable.setncatts({"scale_factor": np.float32(L1B_REFLECTANCE[0]), "add_offset": np.float32(0.0)})
            gain = L1B_REFLECTANCE[0] * E0[kind] / (np.pi * DISTANCE**2)
            variable.setncatts({"radiance_scale_factor": np.float32(gain), "radiance_add_offset": np.float32(0.0)})
            variable.radiance_units = "Watts/meter^2/steradian/micrometer"
            variable[:] = np.rint(rho * np.cos(np.radians(sza)) / L1B_REFLECTANCE[0]).astype("u2")
        for band in thermal:
            variable = _variable(group, band)
            variable.setncatts({"scale_factor": np.float32(4e-4), "add_offset": np.float32(0.01)})
            variable.units = "Watts/meter^2/steradian/micrometer"
            variable[:] = np.searchsorted(lut(band)[:65528], kelvin).astype("u2")
            table = group.createVariable(f"{_long(band)}_brightness_temperature_lut", "f4", ("number_of_LUT_values",))
            table.setncatts({"valid_min": np.float32(190.0), "valid_max": np.float32(400.0), "units": "Kelvin"})
            table[:] = lut(band)
        for band in (*([] if night else reflective), *thermal):
            layer = group.createVariable(f"{_long(band)}_quality_flags", "u2", ("number_of_lines", "number_of_pixels"))
            if meanings:
                layer.setncatts({"flag_masks": FLAG_MASKS, "flag_meanings": FLAG_MEANINGS})
            layer[:] = np.broadcast_to(np.asarray(flags, "u2"), shape)
    files = [path]
    if geo:
        side = folder / f"V{prefix}03{word}.A2019219.0130.002.2021123024533.nc"
        with netCDF4.Dataset(side, "w") as file:
            group = _netcdf(file, shape, "geolocation_data", f"V{prefix}03{word}", platform, scans)
            _l1b_geolocation(group, sza)
        files.append(side)
    return files


def _long(band):
    return f"{band[0]}{int(band[1:]):02d}"


def _variable(group, band):
    variable = group.createVariable(
        _long(band), "u2", ("number_of_lines", "number_of_pixels"), fill_value=65535, zlib=True
    )
    variable.set_auto_maskandscale(False)
    variable.setncatts({"valid_min": np.uint16(0), "valid_max": np.uint16(65527)})
    variable.setncatts({"flag_values": np.array([65532, 65533, 65534], "u2")})
    variable.flag_meanings = "Missing_EV Bowtie_Deleted Cal_Fail"
    return variable


def _netcdf(file, shape, group, short, platform, scans):
    file.setncatts(
        {
            "ShortName": short,
            "platform": platform,
            "instrument": "VIIRS",
            "time_coverage_start": "2019-08-07T01:30:00.000Z",
            "time_coverage_end": "2019-08-07T01:36:00.000Z",
            "processing_level": "L1B",
            "startDirection": "Ascending",
            "endDirection": "Ascending",
            "DayNightFlag": "Day",
            "orbit_number": 40261,
            "OrbitNumber": 40261,
        }
    )
    file.createDimension("number_of_lines", shape[0])
    file.createDimension("number_of_pixels", shape[1])
    file.createDimension("number_of_scans", scans)
    file.createDimension("number_of_LUT_values", 65536)
    return file.createGroup(group)


def _l1b_geolocation(group, sza):
    lines, columns = sza.shape
    for name, values in (
        ("longitude", np.tile(np.linspace(100, 101, columns), (lines, 1))),
        ("latitude", np.tile(np.linspace(31, 30, lines)[:, None], (1, columns))),
    ):
        variable = group.createVariable(name, "f4", ("number_of_lines", "number_of_pixels"), fill_value=-999.9)
        variable[:] = values
    for name, values in (
        ("solar_zenith", sza),
        ("solar_azimuth", np.full(sza.shape, -150.0)),
        ("sensor_zenith", np.full(sza.shape, 12.34)),
        ("sensor_azimuth", np.full(sza.shape, 100.0)),
    ):
        variable = group.createVariable(name, "i2", ("number_of_lines", "number_of_pixels"), fill_value=-32768)
        variable.setncatts({"scale_factor": np.float32(0.01), "add_offset": np.float32(0.0)})
        variable.set_auto_maskandscale(False)
        variable[:] = np.rint(values * 100).astype("i2")
