"""Tables: satellite x flux tower matchups and the list of towers."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from .origins import BESS, CALVAL, Origins
from .sources import Row, keep_licence

LICENCE = "Apache-2.0 (packages); tower data of AmeriFlux and NEON sites, CC BY 4.0 policy or older site policies"
REFERENCES = (
    "Pierrat et al., ECOSTRESS Collection 2 L3 ET validation tables (NASA JPL)",
    "AmeriFlux, https://ameriflux.lbl.gov; data policy of each site applies",
)
NOTE = (
    "The packages carry Apache-2.0 but do not restate the terms of the towers; quote AmeriFlux when publishing. "
    "The corrected fluxes do not close each record: LE + H - (Rn - G) is 40 W m-2 on average, 107 W m-2 standard "
    "deviation. Columns ecostress_*, mod16_*, stic_*, ptjplsm_*, bess_*, flies_* are results of other "
    "models, not truth."
)

# column here: (origin table, its column, unit, decimals, meaning)
Column = tuple[str, str, str, int | None, str]
MATCHUPS: dict[str, Column] = {
    "site": ("flux", "ID", "", None, "tower, AmeriFlux code"),
    "time": ("flux", "eco_time_utc", "UTC", None, "overpass of ECOSTRESS"),
    "latitude": ("inputs", "Lat", "degrees_north", 4, "of the tower"),
    "longitude": ("inputs", "Long", "degrees_east", 4, "of the tower"),
    "elevation": ("inputs", "Elev", "m", 1, "of the tower"),
    "igbp": ("flux", "vegetation", "", None, "IGBP class of the tower"),
    "climate": ("flux", "climate", "", None, "Koeppen-Geiger class of the tower"),
    "solar_hour": ("inputs", "hour_of_day", "h", 4, "local apparent solar time"),
    "sun_zenith": ("inputs", "SZA_deg", "degree", 3, "sun zenith angle"),
    "view_zenith": ("flux", "view_zenith", "degree", 3, "view zenith angle of ECOSTRESS"),
    "lst": ("flux", "LST", "K", 2, "land surface temperature, ECOSTRESS"),
    "lst_uncertainty": ("flux", "LST_err", "K", 2, "1 sigma as reported"),
    "emissivity": ("flux", "EmisWB", "1", 3, "wide band emissivity, ECOSTRESS"),
    "ndvi": ("flux", "NDVI", "1", 5, "normalized difference vegetation index, STARS"),
    "ndvi_uncertainty": ("flux", "NDVI-UQ", "1", 6, "1 sigma as reported"),
    "albedo": ("flux", "albedo", "1", 5, "shortwave albedo, STARS"),
    "albedo_uncertainty": ("flux", "albedo-UQ", "1", 6, "1 sigma as reported"),
    "aerosol_optical_thickness": ("inputs", "AOT", "1", 5, "GEOS-5 FP"),
    "water_vapour": ("inputs", "vapor_gccm", "g cm-2", 4, "column water vapour, GEOS-5 FP"),
    "ozone": ("inputs", "ozone_cm", "cm", 4, "column ozone, GEOS-5 FP"),
    "cloud_optical_thickness": ("inputs", "COT", "1", 4, "GEOS-5 FP"),
    "wind_speed": ("inputs", "wind_speed_mps", "m s-1", 3, "GEOS-5 FP"),
    "air_temperature": ("flux", "Ta", "degC", 3, "near surface, ECOSTRESS ancillary (model)"),
    "relative_humidity": ("flux", "RH", "1", 4, "near surface, ECOSTRESS ancillary (model), as a fraction"),
    "soil_moisture": ("flux", "SM", "m3 m-3", 4, "surface, ECOSTRESS ancillary (model)"),
    "canopy_height": ("inputs", "canopy_height_meters", "m", 2, "GEDI; 0 where the map has none"),
    "clumping_index": ("inputs", "CI", "1", 4, "MODIS clumping index"),
    "ndvi_minimum": ("inputs", "NDVI_minimum", "1", 4, "BESS-JPL map"),
    "ndvi_maximum": ("inputs", "NDVI_maximum", "1", 4, "BESS-JPL map"),
    "c4_fraction": ("inputs", "C4_fraction", "1", 4, "BESS-JPL map"),
    "tower_sw_in": ("flux", "SW_IN", "W m-2", 3, "downward shortwave at the tower"),
    "tower_net_radiation": ("flux", "NETRAD_filt", "W m-2", 3, "net radiation at the tower"),
    "tower_ground_heat": ("flux", "G_filt", "W m-2", 3, "ground heat flux at the tower"),
    "tower_sensible_heat": ("flux", "H_filt", "W m-2", 3, "sensible heat flux at the tower, as measured"),
    "tower_latent_heat": ("flux", "LE_filt", "W m-2", 3, "latent heat flux at the tower, as measured"),
    "tower_sensible_heat_closed": (
        "flux",
        "Hcorr50",
        "W m-2",
        3,
        "corrected by the median closure ratio (origin corr50)",
    ),
    "tower_latent_heat_closed": (
        "flux",
        "LEcorr50",
        "W m-2",
        3,
        "corrected by the median closure ratio (origin corr50)",
    ),
    "tower_air_temperature": ("flux", "AirTempC", "degC", 3, "air temperature at the tower"),
    "tower_relative_humidity": (
        "flux",
        "RH_percentage",
        "1",
        4,
        "at the tower; a fraction although the origin says percentage",
    ),
    "tower_soil_moisture_surface": ("flux", "SM_surf", "m3 m-3", 4, "at the tower"),
    "tower_soil_moisture_root": ("flux", "SM_rz", "m3 m-3", 4, "root zone, at the tower"),
    "ecostress_sw_in": ("flux", "Rg", "W m-2", 3, "ECOSTRESS Collection 2; one value is below 0"),
    "ecostress_net_radiation": ("flux", "Rn", "W m-2", 3, "ECOSTRESS Collection 2"),
    "ecostress_latent_heat": ("flux", "ETinst", "W m-2", 3, "ECOSTRESS Collection 2 ensemble; 0 to fill limits kept"),
    "ecostress_latent_heat_uncertainty": ("flux", "ETinstUncertainty", "W m-2", 3, "spread of the ensemble"),
    "ecostress_potential_latent_heat": ("flux", "PET", "W m-2", 3, "Priestley-Taylor potential"),
    "stic_latent_heat": ("flux", "STICinst", "W m-2", 3, "STIC"),
    "mod16_latent_heat": ("flux", "MOD16inst", "W m-2", 3, "MOD16"),
    "ptjplsm_latent_heat": ("flux", "PTJPLSMinst", "W m-2", 3, "PT-JPL-SM"),
    "flies_sw_in": ("outputs", "SWin_Wm2", "W m-2", 3, "FLiES neural network"),
    "flies_par_direct": ("outputs", "PAR_direct_Wm2", "W m-2", 3, "FLiES neural network"),
    "flies_par_diffuse": ("outputs", "PAR_diffuse_Wm2", "W m-2", 3, "FLiES neural network"),
    "bess_lai": ("outputs", "LAI", "m2 m-2", 4, "BESS-JPL, from NDVI"),
    "bess_gpp": ("outputs", "GPP", "umol m-2 s-1", 4, "BESS-JPL, instantaneous CO2 uptake"),
    "bess_net_radiation": ("outputs", "Rn_Wm2", "W m-2", 3, "BESS-JPL"),
    "bess_ground_heat": ("outputs", "G_Wm2", "W m-2", 3, "BESS-JPL"),
    "bess_latent_heat": ("outputs", "LE_Wm2", "W m-2", 3, "BESS-JPL"),
}
TOWERS: dict[str, Column] = {
    "site": ("towers", "Site ID", "", None, "AmeriFlux code"),
    "name": ("towers", "Name", "", None, "name of the site"),
    "latitude": ("towers", "Lat", "degrees_north", 4, ""),
    "longitude": ("towers", "Long", "degrees_east", 4, ""),
    "elevation": ("towers", "Elev", "m", 1, ""),
    "igbp": ("towers", "Veg", "", None, "IGBP class; CVM cropland and natural vegetation mosaic"),
    "climate": ("towers", "Clim", "", None, "Koeppen-Geiger class"),
    "mean_annual_temperature": ("towers", "MAT", "degC", 2, ""),
    "mean_annual_precipitation": ("towers", "MAP", "mm", 1, ""),
    "record_start": ("towers", "StartDate", "", None, "first record used; ISO 8601, time zone not stated"),
    "record_end": ("towers", "EndDate", "", None, "last record used; ISO 8601, time zone not stated"),
    "latent_heat_count": ("towers", "LE_count", "1", None, "half-hourly or hourly records with latent heat flux"),
    "energy_closure_ratio": ("towers", "closure_ratio", "1", 3, "(LE + H) / (Rn - G) over the record"),
    "canopy_height": ("static", "canopy_height_meters", "m", 2, "GEDI; 0 where the map has none"),
    "clumping_index": ("static", "CI", "1", 4, "MODIS clumping index"),
    "ndvi_minimum": ("static", "NDVI_minimum", "1", 4, "BESS-JPL map"),
    "ndvi_maximum": ("static", "NDVI_maximum", "1", 4, "BESS-JPL map"),
    "c4_fraction": ("static", "C4_fraction", "1", 4, "BESS-JPL map"),
}


def read_tables(origins: Origins) -> dict[str, pd.DataFrame]:
    """Return the origin tables by short name, after checking that their rows belong together."""
    sources = {
        "flux": (CALVAL, "combined_eco_flux_EC_filtered.csv"),
        "towers": (CALVAL, "metadata_ebc_filt.csv"),
        "inputs": (BESS, "ECOv002-cal-val-BESS-JPL-inputs.csv"),
        "outputs": (BESS, "ECOv002-cal-val-BESS-JPL-outputs.csv"),
        "static": (BESS, "ECOv002-static-tower-BESS-JPL-inputs.csv"),
    }
    tables = {name: pd.read_csv(io.BytesIO(origins.read(*where))) for name, where in sources.items()}
    flux = tables["flux"]
    for name in ("inputs", "outputs"):
        if not (flux["ID"].equals(tables[name]["ID"]) and (flux["LST"] == tables[name]["LST"]).all()):
            raise ValueError(f"the rows of table {name} are not those of the flux table")
    tables["static"] = tables["static"].set_index("ID").loc[tables["towers"]["Site ID"]].reset_index()
    return tables


def select(tables: dict[str, pd.DataFrame], columns: dict[str, Column]) -> pd.DataFrame:
    """Return the chosen columns under our names, rounded to the decimals given."""
    frame = pd.DataFrame({name: tables[table][column] for name, (table, column, *_) in columns.items()})
    return frame.round({name: column[3] for name, column in columns.items() if column[3] is not None})


def describe(columns: dict[str, Column]) -> dict[str, dict[str, str]]:
    """Return the columns as `SOURCES.yml` lists them."""
    package = {"flux": CALVAL, "towers": CALVAL, "inputs": BESS, "outputs": BESS, "static": BESS}
    keys = ("unit", "meaning", "origin")
    return {
        name: {k: v for k, v in zip(keys, (unit, meaning, f"{package[table].package} {column}"), strict=True) if v}
        for name, (table, column, unit, _, meaning) in columns.items()
    }


def iso_time(column: pd.Series, pattern: str) -> pd.Series:
    """Return times written like ``2019-06-23T18:17:17``."""
    return pd.to_datetime(column, format=pattern).dt.strftime("%Y-%m-%dT%H:%M:%S")


def derive_towers(origins: Origins, out: Path) -> list[Row]:
    """Matchups of ECOSTRESS with flux towers, and the towers."""
    tables = read_tables(origins)
    matchups, towers = select(tables, MATCHUPS), select(tables, TOWERS)
    matchups["time"] = iso_time(matchups["time"], "%Y-%m-%d %H:%M:%S")
    for name in ("record_start", "record_end"):
        towers[name] = iso_time(towers[name], "%m/%d/%y %H:%M")
    towers["matchup_count"] = towers["site"].map(matchups["site"].value_counts()).fillna(0).astype(int)
    count = {"matchup_count": {"unit": "1", "meaning": "rows of tower_matchups.csv"}}
    texts = tuple(
        keep_licence(origins, origin, "licenses/LICENSE", out, f"{origin.package}-LICENSE.txt")
        for origin in (CALVAL, BESS)
    )
    rows = []
    for name, title, frame, columns in (
        ("tower_matchups.csv", "ECOSTRESS x flux tower matchups, 63 sites, 2019-2023", matchups, describe(MATCHUPS)),
        ("towers.csv", "Flux towers of the ECOSTRESS validation", towers, describe(TOWERS) | count),
    ):
        frame.to_csv(out / name, index=False, lineterminator="\n")
        rows.append(
            Row(
                name,
                title,
                (CALVAL, BESS),
                "NASA JPL ECOSTRESS; AmeriFlux and NEON site teams",
                LICENCE,
                texts,
                REFERENCES,
                "columns chosen and renamed, numbers rounded, times as ISO 8601; rows and their order unchanged",
                NOTE,
                columns,
            )
        )
    return rows
