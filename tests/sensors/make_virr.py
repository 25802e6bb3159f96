"""Minimal FY-3 VIRR Level-1 files, as satpy's virr_l1b reader and CMA's readers define the layout."""

from pathlib import Path

import h5py
import numpy as np

REFLECTIVE = (1, 2, 6, 7, 8, 9, 10)
EMISSIVE = (3, 4, 5)
DISTANCE = 0.9840
E0 = (1600.0, 950.0, 250.0, 1950.0, 1900.0, 1830.0, 370.0)
PAIRS = tuple((0.10 + 0.005 * i, -1.0 - 0.1 * i) for i in range(7))
CMA_2015 = (
    *((0.1264, -1.4320), (0.1353, -1.6236), (0.0919, -2.4821), (0.0938, -1.1494)),
    *((0.0857, -1.0280), (0.0803, -0.9636), (0.0630, -0.7628)),
)
# FY-3A, as the projector of CMA's SMART software writes them.
WAVE_NUMBERS = (2699.119, 923.427053, 830.241775)
BT = (2.05806810, 0.98231665, 0.20002536, 0.99791678, 0.13149949, 0.99820459)
NONLINEAR = (0.0, 0.0, 0.0, 0.5, -0.02, 1e-4, 0.3, -0.01, 5e-5)

C1, C2 = 1.191042972e-5, 1.438776877


def radiance(temperature, order, *, bt=BT):
    """Temperature (K) -> mW m-2 sr-1 (cm-1)-1, by Te = A + B T and Planck's law."""
    number = WAVE_NUMBERS[order]
    effective = bt[2 * order] + bt[2 * order + 1] * temperature
    return C1 * number**3 / np.expm1(C2 * number / effective)


def linear(value, order, nonlinear=NONLINEAR):
    """Undo value = N + b0 + b1 N + b2 N^2."""
    b0, b1, b2 = nonlinear[3 * order : 3 * order + 3]
    if b2 == 0.0:
        return (value - b0) / (1.0 + b1)
    return (-(1.0 + b1) + np.sqrt((1.0 + b1) ** 2 - 4.0 * b2 * (b0 - value))) / (2.0 * b2)


def virr(
    folder: Path,
    *,
    platform="FY-3C",
    rho=None,
    kelvin=None,
    sza=None,
    shape=(8, 6),
    nonlinear=NONLINEAR,
    name=None,
    geo=True,
    drop=(),
):
    """Write a granule; return its band file, scales (lines, 3) and offsets of the thermal bands."""
    rho = np.full(shape, 0.3) if rho is None else rho
    kelvin = np.full(shape, 285.0) if kelvin is None else kelvin
    sza = np.full(shape, 40.0) if sza is None else sza
    group = "Data/" if platform == "FY-3C" else ""
    short = platform.replace("-", "")
    stem = f"{short}_VIRRX_GBAL_L1_20131225_2140"
    path = folder / (name or f"{stem}_1000M_MS.HDF")
    pairs = CMA_2015 if platform == "FY-3B" else PAIRS
    scales = 0.01 + 0.0001 * np.arange(shape[0])[:, None] * np.array([0.01, 1.0, 1.0])
    scales[:, 0] = 0.0002
    offsets = np.array([0.001, 0.2, -0.3]) + np.array([1e-4, 0.01, 0.01]) * np.arange(shape[0])[:, None]
    with h5py.File(path, "w") as file:
        _attributes(file, platform, stem, nonlinear)
        percent = 100.0 * rho * np.cos(np.radians(sza)) / DISTANCE**2
        counts = np.stack([np.rint((percent - b) / a) for a, b in pairs]).astype("u2")
        refl = file.create_dataset(f"{group}EV_RefSB", data=counts)
        refl.attrs["valid_range"] = np.array([0, 32767])
        thermal = [
            np.rint((linear(radiance(kelvin, i), i, nonlinear) - offsets[:, i, None]) / scales[:, i, None])
            for i in range(3)
        ]
        file.create_dataset(f"{group}EV_Emissive", data=np.stack(thermal).astype("u2"))
        file[f"{group}Emissive_Radiance_Scales"] = scales.astype("f4")
        file[f"{group}Emissive_Radiance_Offsets"] = offsets.astype("f4")
        for dropped in drop:
            del (file if dropped in file else file.attrs)[dropped]
        if platform != "FY-3C":
            _geolocation(file, "", sza)
    if platform == "FY-3C" and geo:
        with h5py.File(folder / f"{stem}_GEOXX_MS.HDF", "w") as file:
            _attributes(file, platform, stem, nonlinear)
            _geolocation(file, "Geolocation/", sza)
    return path, scales, offsets


def _attributes(file, platform, stem, nonlinear):
    emissive = "Emissive" if platform == "FY-3C" else "Emmisive"
    file.attrs.update(
        {
            "Satellite Name": np.bytes_(platform),
            "Sensor Identification Code": np.bytes_("VIRR"),
            "File Name": np.bytes_(f"{stem}_1000M_MS.HDF"),
            "Day Or Night Flag": np.bytes_("D"),
            "Observing Beginning Date": np.bytes_("2013-12-25"),
            "Observing Beginning Time": np.bytes_("21:41:47.090"),
            "Observing Ending Date": np.bytes_("2013-12-25"),
            "Observing Ending Time": np.bytes_("21:47:28.254"),
            "EarthSun Distance Ratio": np.float32(DISTANCE),
            "RefSB_Cal_Coefficients": np.array(PAIRS, "f4").ravel(),
            f"{emissive}_Centroid_Wave_Number": np.array(WAVE_NUMBERS, "f4"),
            f"{emissive}_BT_Coefficients": np.array(BT, "f4"),
            "Prelaunch_Nonlinear_Coefficients": np.array(nonlinear, "f4"),
        }
    )
    if platform == "FY-3C":
        file.attrs["RefSB_Solar_Irradiance"] = np.array(E0, "f4")


def _geolocation(file, group, sza):
    lines, columns = sza.shape
    file[f"{group}Longitude"] = np.tile(np.linspace(100, 101, columns, dtype="f4"), (lines, 1))
    file[f"{group}Latitude"] = np.tile(np.linspace(31, 30, lines, dtype="f4")[:, None], (1, columns))
    for name, degrees in (
        ("SolarZenith", sza),
        ("SolarAzimuth", np.full(sza.shape, -150.0)),
        ("SensorZenith", np.full(sza.shape, 12.34)),
        ("SensorAzimuth", np.full(sza.shape, 100.0)),
    ):
        dataset = file.create_dataset(f"{group}{name}", data=np.rint(degrees * 100).astype("i2"))
        dataset.attrs["Slope"], dataset.attrs["Intercept"] = np.float32([0.01]), np.float32([0.0])
        dataset.attrs["valid_range"] = np.array([-18000, 18000])
