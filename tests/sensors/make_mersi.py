"""Minimal FY-3 MERSI-1 and MERSI-2 Level-1 files, as satpy's mersi_l1b readers define the layout."""

from pathlib import Path

import h5py
import numpy as np

DISTANCE = 1.0160
ORDERS = range(19)
# c0, c1, c2 (counts to percent) of the reflective bands: every band its own, so that a wrong row shows.
COEFFICIENTS = np.array([(-0.3 - 0.02 * i, 0.026 + 0.0007 * i, 1e-8 * (i + 1)) for i in ORDERS])
E0 = np.array([2000.0 - 70.0 * i for i in ORDERS])

MERSI2 = {
    n: (wn, a, b)
    for n, wn, a, b in (
        (20, 2634.359, 1.00103, -0.4759),
        (21, 2471.654, 1.00085, -0.3139),
        (22, 1382.621, 1.00125, -0.2662),
        (23, 1168.182, 1.00030, -0.0513),
        (24, 933.364, 1.00133, -0.0734),
        (25, 836.941, 1.00065, 0.0875),
    )
}
MERSI2_SLOPES = {20: 2e-4, 21: 2e-4, 22: 0.01, 23: 0.01, 24: 0.01, 25: 0.01}
MERSI1 = (1e4 / 11.25, 1.0047, -0.8549)

C1, C2 = 1.191042972e-5, 1.438776877


def planck(wave_number, temperature):
    """Return mW m-2 sr-1 (cm-1)-1."""
    return C1 * wave_number**3 / np.expm1(C2 * wave_number / temperature)


def counts(rho, sza, order):
    """Reflectance factor -> counts, by inverting percent = c0 + c1 n + c2 n^2 = 100 rho cos / d^2."""
    c0, c1, c2 = COEFFICIENTS[order]
    percent = 100.0 * rho * np.cos(np.radians(sza)) / DISTANCE**2
    return np.rint((-c1 + np.sqrt(c1 * c1 - 4.0 * c2 * (c0 - percent))) / (2.0 * c2)).astype("u2")


def half_count(order, sza):
    """Return what half a count is in reflectance, at most."""
    _, c1, c2 = COEFFICIENTS[order]
    return 0.5 * (c1 + 2.0 * c2 * 4095) / 100.0 * DISTANCE**2 / np.cos(np.radians(sza))


def mersi(
    folder: Path,
    *,
    platform="FY-3D",
    grid=1000,
    rho=None,
    kelvin=None,
    sza=None,
    scans=2,
    columns=6,
    name=None,
    geo=True,
    when="2019-08-08",
    thermal=None,
    tbb=True,
    coefficients=COEFFICIENTS,
):
    """Write the files of a granule on one grid; return the band file.

    ``rho``, ``kelvin`` and ``sza`` are of the 1 km grid and repeated to 250 m; ``thermal`` overrides the stored
    thermal numbers (band -> array).
    """
    shape = (10 * scans, columns)
    rho = np.full(shape, 0.3) if rho is None else rho
    kelvin = np.full(shape, 285.0) if kelvin is None else kelvin
    sza = np.full(shape, 40.0) if sza is None else sza
    fine = grid == 250
    full = (lambda a: np.repeat(np.repeat(a, 4, 0), 4, 1)) if fine else (lambda a: a)
    stem = f"{platform.replace('-', '')}_MERSI_GBAL_L1_{when.replace('-', '')}_0005"
    tag = "0250M" if fine else "1000M"
    path = folder / (name or f"{stem}_{tag}_MS.HDF")
    with h5py.File(path, "w") as file:
        _attributes(file, platform, f"{stem}_{tag}_MS.HDF", when, tbb, coefficients)
        stored = [counts(full(rho), full(sza), order) for order in ORDERS]
        new = platform in ("FY-3C", "FY-3D")
        group = "Data/" if new else ""
        _bands(file, group, platform, fine, stored, _thermal(platform, full(kelvin)) | (thermal or {}))
        if not new and not (platform == "FY-3B" and fine):
            _geolocation(file, "", full(sza), angles=True)
    if not geo:
        return path
    if platform in ("FY-3C", "FY-3D"):
        with h5py.File(folder / f"{stem}_GEO1K_MS.HDF", "w") as file:
            _attributes(file, platform, f"{stem}_GEO1K_MS.HDF", when, tbb, coefficients)
            _geolocation(file, "Geolocation/", sza, angles=True)
        if fine:
            with h5py.File(folder / f"{stem}_GEOQK_MS.HDF", "w") as file:
                _attributes(file, platform, f"{stem}_GEOQK_MS.HDF", when, tbb, coefficients)
                _geolocation(file, "", full(sza), angles=False)
    elif platform == "FY-3B" and fine:
        with h5py.File(folder / f"{stem}_GEOXX_MS.HDF", "w") as file:
            _attributes(file, platform, f"{stem}_GEOXX_MS.HDF", when, tbb, coefficients)
            _geolocation(file, "", full(sza), angles=True)
    return path


def _thermal(platform, kelvin):
    """Temperature -> stored numbers, by T = A Te + B."""
    if platform != "FY-3D":
        wave_number, a, b = MERSI1
        return {5: np.rint(planck(wave_number, (kelvin - b) / a) / 0.01).astype("u2")}
    return {
        n: np.rint(planck(wn, (kelvin - b) / a) / MERSI2_SLOPES[n]).astype("u2") for n, (wn, a, b) in MERSI2.items()
    }


def _bands(file, group, platform, fine, stored, thermal):
    fill = "FillValue" if group else "_FillValue"
    if fine:
        for n in range(1, 5):
            _write(file, f"{group}EV_250_RefSB_b{n}", stored[n - 1], fill, 4095)
        for n in (24, 25) if platform == "FY-3D" else (5,):
            ending = f"_b{n}" if platform == "FY-3D" else ""
            _write(file, f"{group}EV_250_Emissive{ending}", thermal[n], fill, 4095, [0.01])
        return
    _write(file, f"{group}EV_250_Aggr.1KM_RefSB", np.stack(stored[:4]), fill, 4095)
    _write(file, f"{group}EV_1KM_RefSB", np.stack(stored[4:]), fill, 4095)
    if platform == "FY-3D":
        slopes = [MERSI2_SLOPES[n] for n in range(20, 24)]
        _write(file, f"{group}EV_1KM_Emissive", np.stack([thermal[n] for n in range(20, 24)]), fill, 25000, slopes)
        both = np.stack([thermal[24], thermal[25]])
        _write(file, f"{group}EV_250_Aggr.1KM_Emissive", both, fill, 4095, [0.01, 0.01])
    else:
        _write(file, f"{group}EV_250_Aggr.1KM_Emissive", thermal[5], fill, 4095, [1.0])  # the slope is a known fault


def _write(file, name, data, fill, largest, slopes=None):
    dataset = file.create_dataset(name, data=data, chunks=True, compression="gzip")
    number = 1 if data.ndim == 2 else data.shape[0]
    dataset.attrs[fill] = np.uint16(65535)
    dataset.attrs["valid_range"] = np.array([0, largest], "i4")
    dataset.attrs["Slope"] = np.array(slopes if slopes else [1.0] * number, "f4")
    dataset.attrs["Intercept"] = np.zeros(number, "f4")
    dataset.attrs["units"] = np.bytes_("mW/ (m2 cm-1 sr)" if slopes else "NO")


def _attributes(file, platform, name, when, tbb, coefficients):
    file.attrs.update(
        {
            "Satellite Name": np.bytes_(platform),
            "Sensor Identification Code": np.bytes_("MERSI"),
            "File Name": np.bytes_(name),
            "Observing Beginning Date": np.bytes_(when),
            "Observing Beginning Time": np.bytes_("00:05:00.720"),
            "Observing Ending Date": np.bytes_(when),
            "Observing Ending Time": np.bytes_("00:09:59.500"),
            "EarthSun Distance Ratio": np.float32(DISTANCE),
        }
    )
    if "GEO" in name:
        return
    if platform in ("FY-3A", "FY-3B"):
        file.attrs["VIR_Cal_Coeff" if platform == "FY-3A" else "VIS_Cal_Coeff"] = coefficients.astype("f4").ravel()
        return
    table = file.create_dataset("Calibration/VIS_Cal_Coeff", data=coefficients.astype("f4"))
    table.attrs["Slope"], table.attrs["Intercept"] = np.ones(19, "f4"), np.zeros(19, "f4")
    if platform == "FY-3D":
        file.attrs["Solar_Irradiance"] = E0.astype("f4")
        file.attrs["Effect_Center_WaveLength"] = np.array([0.5] * 19 + [1e4 / MERSI2[n][0] for n in MERSI2], "f4")
        file.attrs["TBB_Trans_Coefficient_A"] = np.array([MERSI2[n][1] if tbb else 0.0 for n in MERSI2], "f4")
        file.attrs["TBB_Trans_Coefficient_B"] = np.array([MERSI2[n][2] if tbb else 0.0 for n in MERSI2], "f4")


def _geolocation(file, group, sza, *, angles):
    lines, columns = sza.shape
    file[f"{group}Longitude"] = np.tile(np.linspace(100, 101, columns, dtype="f4"), (lines, 1))
    file[f"{group}Latitude"] = np.tile(np.linspace(31, 30, lines, dtype="f4")[:, None], (1, columns))
    for name in ("Longitude", "Latitude"):
        file[f"{group}{name}"].attrs["Slope"] = np.ones(1, "f4")
        file[f"{group}{name}"].attrs["Intercept"] = np.zeros(1, "f4")
    if not angles:
        return
    for name, degrees in (
        ("SolarZenith", sza),
        ("SolarAzimuth", np.full(sza.shape, 150.0)),
        ("SensorZenith", np.full(sza.shape, 12.34)),
        ("SensorAzimuth", np.full(sza.shape, -80.0)),
    ):
        dataset = file.create_dataset(f"{group}{name}", data=np.rint(degrees * 100).astype("i2"))
        dataset.attrs["Slope"], dataset.attrs["Intercept"] = np.float32([0.01]), np.float32([0.0])
