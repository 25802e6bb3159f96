"""The shipped sample data: origin stated, bytes as recorded, numbers that physics and the sources allow."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml

xr = pytest.importorskip("xarray")

CATALOGS = Path(__file__).resolve().parents[2] / "catalogs"
SAMPLES = CATALOGS / "samples"
LIMIT = 8_000_000  # bytes, all samples together

SOURCES = yaml.safe_load((SAMPLES / "SOURCES.yml").read_text("utf-8"))["samples"]
NETCDF = sorted(path.name for path in SAMPLES.glob("*.nc"))
GEOJSON = sorted(path.name for path in SAMPLES.glob("*.geojson"))


@cache
def opened(name: str) -> xr.Dataset:
    return xr.load_dataset(SAMPLES / name, engine="h5netcdf")


@cache
def outlines(name: str) -> list[dict]:
    return json.loads((SAMPLES / name).read_text("utf-8"))["features"]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def extraterrestrial(latitude: np.ndarray) -> np.ndarray:
    """Monthly mean irradiance outside the atmosphere (W m-2), month x latitude; Spencer 1971."""
    day = np.arange(365)
    angle = 2 * np.pi * day / 365
    declination = (
        0.006918 - 0.399912 * np.cos(angle) + 0.070257 * np.sin(angle) - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle) - 0.002697 * np.cos(3 * angle) + 0.00148 * np.sin(3 * angle)
    )  # fmt: skip
    distance = 1.00011 + 0.034221 * np.cos(angle) + 0.00128 * np.sin(angle) + 0.000719 * np.cos(2 * angle)
    phi = np.deg2rad(latitude)[:, None]
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    sine, cosine = np.sin(phi) * np.sin(declination), np.cos(phi) * np.cos(declination)
    daily = 1361.0 / np.pi * distance * (sunset * sine + cosine * np.sin(sunset))
    month = np.repeat(np.arange(12), [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    return np.stack([daily[:, month == number].mean(axis=1) for number in range(12)])


# ---- the table of sources


@pytest.mark.parametrize("row", SOURCES, ids=[row["file"] for row in SOURCES])
def test_recorded_sha256_is_that_of_the_file(row: dict) -> None:
    path = SAMPLES / row["file"]
    if path.is_dir():
        assert row["members"] == {member.name: sha256(member) for member in sorted(path.iterdir())}
    else:
        assert row["sha256"] == sha256(path)


@pytest.mark.parametrize("row", SOURCES, ids=[row["file"] for row in SOURCES])
def test_each_row_states_origin_licence_and_reference(row: dict) -> None:
    for key in ("title", "origins", "producer", "licence", "licence_files", "references", "processing", "bytes"):
        assert row[key]
    for text in row["licence_files"]:
        assert (SAMPLES / text).stat().st_size > 200


def test_every_data_file_has_a_row_and_all_fit_the_budget() -> None:
    data = [path for path in SAMPLES.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    named = {row["file"] for row in SOURCES}
    for path in data:
        place = path.relative_to(SAMPLES)
        if place.parts[0] in ("LICENCES", "SOURCES.yml", "README.md"):
            continue
        assert place.as_posix() in named or place.parent.as_posix() in named, place
    assert sum(path.stat().st_size for path in data) <= LIMIT


# ---- grids


@pytest.mark.parametrize("name", NETCDF)
def test_cf_attributes(name: str) -> None:
    dataset = opened(name)
    assert dataset.attrs["Conventions"] == "CF-1.11"
    for variable in set(dataset.data_vars) - {"crs"}:
        attributes = dataset[variable].attrs
        assert {"long_name", "source", "license", "references"} <= set(attributes), variable
        assert "units" in attributes or "flag_values" in attributes, variable


@pytest.mark.parametrize("name", [name for name in NETCDF if name != "sentinel2_chip.nc"])
def test_grid_runs_north_to_south_and_west_to_east(name: str) -> None:
    dataset = opened(name)
    assert (np.diff(dataset.latitude) < 0).all()
    assert (np.diff(dataset.longitude) > 0).all()
    assert dataset.longitude.min() >= -180
    assert dataset.longitude.max() < 180
    assert dataset.latitude.attrs["units"] == "degrees_north"


def test_irradiance_stays_below_the_extraterrestrial() -> None:
    data = opened("ghi_merra2_monthly.nc")
    outside = extraterrestrial(data.latitude.values)[:, :, None]
    ghi = data.ghi.values
    assert np.nanmin(ghi) == 0.0
    bright = np.broadcast_to(outside, ghi.shape) > 20
    assert (
        np.nanmax((ghi / np.maximum(outside, 1e-9))[bright]) < 0.88
    )  # highest in the Altiplano at 4 km, where the air is thin and clear
    assert np.nanmax(ghi) < 430


def test_irradiance_coordinates_are_cell_centres() -> None:
    """Clearness falls evenly from 57 to 69 N only for centres; corners give nearly 1 or 0.1 at 69 N."""
    data = opened("ghi_merra2_monthly.nc")
    north = data.sel(latitude=slice(69, 57))  # at 72 N the sun returns on the last days of January only
    january = north.ghi.sel(month=1).mean("longitude").values

    def clearness(shift: float) -> np.ndarray:
        return january / extraterrestrial(north.latitude.values + shift)[0]

    assert (np.diff(clearness(0.0)) > 0).all()
    assert clearness(0.0).min() > 0.2
    assert clearness(0.0).max() < 0.4
    assert clearness(1.5)[0] > 0.88  # brighter than the clearest place of the whole data set
    assert clearness(-1.5)[0] < 0.12


def test_polar_night_is_marked_and_zero() -> None:
    data = opened("ghi_merra2_monthly.nc")
    night = data.quality == 1
    assert int(night.sum()) == 213
    assert set(np.unique(data.latitude.where(night.any(("month", "longitude")), drop=True))) == {69.0, 72.0}
    assert float(data.ghi.where(night).max()) == 0.0
    assert bool((data.ghi.isnull() == (data.quality == 2)).all())
    assert int(data.ghi.notnull().all("month").sum()) == 2448  # land and near-land cells


def test_irradiance_agrees_with_known_places() -> None:
    """Annual sums, kWh m-2: Sahara 2,200-2,600, Atacama above 2,500, northern Germany 950-1,300."""
    yearly = opened("ghi_merra2_monthly.nc").ghi.mean("month") * 8.76
    assert 2200 < float(yearly.sel(latitude=24, longitude=12)) < 2600
    assert 2500 < float(yearly.sel(latitude=-24, longitude=-69)) < 2800
    assert 950 < float(yearly.sel(latitude=54, longitude=9)) < 1300
    assert float(yearly.sel(latitude=30, longitude=105)) < float(yearly.sel(latitude=30, longitude=90)) - 500


def test_land_cover_classes_and_shares() -> None:
    classes = opened("land_cover_mcd12c1_2019.nc").land_cover
    assert classes.shape == (3600, 7200)
    assert set(np.unique(classes)) == set(range(17))
    assert len(classes.attrs["flag_meanings"].split()) == 17
    weight = np.cos(np.deg2rad(classes.latitude))
    land = float(((classes != 0) * weight).sum() / (weight.sum() * 7200))
    assert 0.27 < land < 0.30  # land with ice is 29.2 % of the Earth; inland water is class 0
    point = classes.sel(latitude=-3.0, longitude=-65.0, method="nearest")
    assert int(point) == 2  # evergreen broadleaf forest in the Amazon basin
    assert int(classes.sel(latitude=23.0, longitude=12.0, method="nearest")) == 16


def test_ndvi_end_members() -> None:
    data = opened("ndvi_endmembers.nc")
    low, high = data.ndvi_minimum, data.ndvi_maximum
    assert bool((low.isnull() == high.isnull()).all())
    assert float((high - low).min()) >= 0
    assert float(low.min()) >= -0.2
    assert float(high.max()) <= 1.0
    assert bool((low.isnull() == (data.land_share == 0)).all())
    assert float(data.c4_fraction.min()) >= 0
    assert float(data.c4_fraction.max()) <= 1
    forest = {"latitude": -3.0, "longitude": -65.0}
    assert float(high.sel(forest, method="nearest")) > 0.8
    assert float(high.sel(latitude=23.0, longitude=12.0, method="nearest")) < 0.2


def test_climate_classes() -> None:
    climate = opened("climate_classes.nc").climate
    assert climate.shape == (1800, 3600)
    assert set(np.unique(climate)) == set(range(6))
    places = {(-3, -60): 1, (23, 12): 2, (48, 2): 3, (62, 100): 4, (75, -40): 5}
    for (latitude, longitude), expected in places.items():
        assert int(climate.sel(latitude=latitude, longitude=longitude, method="nearest")) == expected


# ---- scenes


def test_sentinel2_chip() -> None:
    chip = opened("sentinel2_chip.nc").reflectance
    assert chip.shape == (4, 300, 300)
    assert list(chip.band.values) == ["blue", "green", "red", "nir"]
    assert float(chip.min()) >= 0
    assert float(chip.max()) < 1.6
    numbers = chip.values * 1e4
    np.testing.assert_allclose(numbers, np.round(numbers), atol=1e-2)


@pytest.mark.parametrize(
    ("scene", "size", "bands"),
    [
        ("LE07_L1TP_195025_20010730_20170204_01_T1", 41, 9),
        ("LC08_L1TP_195025_20130707_20170503_01_T1", 41, 11),
        ("LT51670552010352MLK00", 101, 7),
    ],
)
def test_landsat_chip_is_complete(scene: str, size: int, bands: int) -> None:
    rasterio = pytest.importorskip("rasterio")
    folder = SAMPLES / "landsat" / scene
    metadata = (folder / f"{scene}_MTL.txt").read_text("ascii")
    assert metadata.rstrip().endswith("END")
    files = [path for path in folder.iterdir() if "_B" in path.name and "BQA" not in path.name]
    assert len(files) == bands
    for path in files:
        with rasterio.open(path) as image:
            assert image.width == (size if image.res[0] == 30 else 2 * size)
            assert image.read(1).min() > 0


# ---- tables


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(SAMPLES / name)


def rmse(first: pd.Series, second: pd.Series) -> float:
    return math.sqrt(((first - second) ** 2).mean())


def test_matchups_repeat_the_scores_known_for_them() -> None:
    """Scores of other models (rmse, W m-2), computed from the full tables before the columns were chosen."""
    frame = table("tower_matchups.csv")
    assert len(frame) == 1065
    assert frame.site.nunique() == 63
    assert rmse(frame.ecostress_sw_in, frame.tower_sw_in) == pytest.approx(133.9, abs=0.1)
    assert rmse(frame.flies_sw_in, frame.tower_sw_in) == pytest.approx(99.6, abs=0.1)
    assert rmse(frame.ecostress_net_radiation, frame.tower_net_radiation) == pytest.approx(84.1, abs=0.1)
    assert rmse(frame.bess_net_radiation, frame.tower_net_radiation) == pytest.approx(115.5, abs=0.1)
    assert rmse(frame.ptjplsm_latent_heat, frame.tower_latent_heat_closed) == pytest.approx(99.4, abs=0.1)
    assert rmse(frame.bess_latent_heat, frame.tower_latent_heat_closed) == pytest.approx(109.1, abs=0.1)


def test_matchups_are_physical() -> None:
    frame = table("tower_matchups.csv")
    limits = {
        "lst": (250, 365), "emissivity": (0.7, 1), "albedo": (0, 0.9), "ndvi": (-0.2, 1), "sun_zenith": (0, 90),
        "water_vapour": (0, 7), "ozone": (0.2, 0.55), "tower_sw_in": (0, 1361), "tower_relative_humidity": (0, 1),
        "tower_air_temperature": (-40, 50), "air_temperature": (-40, 50), "aerosol_optical_thickness": (0, 5),
    }  # fmt: skip
    for column, (low, high) in limits.items():
        assert frame[column].min() >= low, column
        assert frame[column].max() <= high, column
    times = pd.to_datetime(frame.time)
    assert times.min().year == 2019
    assert times.max().year == 2023
    both = frame[["air_temperature", "tower_air_temperature"]].dropna()
    assert both.corr().iloc[0, 1] > 0.95


def test_towers_hold_all_sites_of_the_matchups() -> None:
    towers, frame = table("towers.csv"), table("tower_matchups.csv")
    assert len(towers) == towers.site.nunique() == 121
    assert set(frame.site) <= set(towers.site)
    assert towers.matchup_count.sum() == 1065
    columns = {row["file"]: row["columns"] for row in SOURCES if "columns" in row}
    assert list(columns["tower_matchups.csv"]) == list(frame.columns)
    assert list(columns["towers.csv"]) == list(towers.columns)


# ---- outlines and regions


@pytest.mark.parametrize("name", GEOJSON)
def test_outlines_are_valid_and_of_the_size_of_the_land(name: str) -> None:
    shapely = pytest.importorskip("shapely")
    geod = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in outlines(name)]
    assert all(shape.is_valid and not shape.is_empty for shape in shapes)
    west, south, east, north = shapely.total_bounds(shapes)
    assert (west, south, east) == (-180, -90, 180)
    assert 83 < north < 84
    area = sum(abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes) / 1e12
    assert 146 < area < 149  # land of the Earth with ice shelves: 148.9, less at coarse scales


@pytest.mark.parametrize("name", [name for name in GEOJSON if name.startswith("countries")])
def test_countries_that_cross_the_antimeridian_have_their_area(name: str) -> None:
    shapely = pytest.importorskip("shapely")
    geod = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    shapes = {f["properties"]["m49"]: shapely.geometry.shape(f["geometry"]) for f in outlines(name)}
    expected = {643: 17.0, 840: 9.45, 242: 0.0185, 10: 12.3, 710: 1.22}  # 1e12 m2
    for code, area in expected.items():
        assert abs(geod.geometry_area_perimeter(shapes[code])[0]) / 1e12 == pytest.approx(area, rel=0.05)


def test_regions_share_no_country_and_cover_the_outlines() -> None:
    document = yaml.safe_load((CATALOGS / "regions.yml").read_text("utf-8"))
    regions = {key: region for key, region in document["regions"].items() if "members" in region}
    assert len(regions) == 10
    codes = [code for region in regions.values() for code in region["members"]]
    assert len(codes) == len(set(codes))
    assert set(document["regions"]["belt_and_road"]["union"]) == set(regions)
    assert all(region["name"]["en"] and region["name"]["zh"] for region in document["regions"].values())
    place = {code: key for key, region in regions.items() for code in region["members"]}
    assert (place[643], place[156], place[364], place[818], place[566], place[36]) == (
        "russia", "east_asia", "south_asia", "north_africa", "south_africa", "oceania",
    )  # fmt: skip
    attributed = {row["name"] for row in document["attribution"]}
    unlisted = {f["properties"]["name"] for f in outlines("countries_50m.geojson") if f["properties"]["m49"] is None}
    assert unlisted <= attributed
    detached = {f["properties"]["m49"] for f in outlines("countries_50m.geojson")} & {254, 638, 744, 175}
    assert detached == {254, 638, 744, 175}  # drawn inside France and Norway by Natural Earth
    assert 254 not in place  # French Guiana is South America
    for row in document["attribution"]:
        assert row["region"] in regions
        assert row["reported_as"] is None or place[row["reported_as"]] == row["region"]


def test_font_draws_every_chinese_name() -> None:
    fonts = pytest.importorskip("fontTools.ttLib")
    path = SAMPLES / "fonts" / "NotoSansSC-subset.ttf"
    assert path.stat().st_size <= 300_000
    font = fonts.TTFont(path)
    names = [f["properties"]["name_zh"] or "" for f in outlines("countries_50m.geojson")]
    names += [
        "太阳能光伏技术潜力",
        "年总辐射量（MJ m⁻² a⁻¹）",
        "图例",
        "单位：千瓦时",
        "审图号",
        "30°N–45°S",
        "一带一路",
    ]
    missing = {character for name in names for character in name} - {chr(code) for code in font.getBestCmap()}
    assert not missing
    assert "OFL" in (SAMPLES / "LICENCES" / "noto-sans-sc-OFL.txt").read_text("utf-8")


# ---- the files are what the script makes


def load_script() -> ModuleType:
    for library in ("rasterio", "shapely", "fontTools"):
        pytest.importorskip(library)
    spec = importlib.util.spec_from_file_location("derive_samples", SAMPLES / "derive.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same_values(name: str, new: Path, old: Path) -> bool:
    """Compare values where bytes may differ with the version of a library."""
    if name.endswith(".nc"):
        return xr.load_dataset(new, engine="h5netcdf").identical(xr.load_dataset(old, engine="h5netcdf"))
    if name.endswith(".csv"):
        return pd.read_csv(new).equals(pd.read_csv(old))
    if name.endswith(".ttf"):
        fonts = pytest.importorskip("fontTools.ttLib")
        return fonts.TTFont(new).getBestCmap() == fonts.TTFont(old).getBestCmap()
    if name.endswith(".geojson"):
        shapely = pytest.importorskip("shapely")
        first, second = (json.loads(path.read_text("utf-8"))["features"] for path in (new, old))
        if [f["properties"] for f in first] != [f["properties"] for f in second]:
            return False
        pairs = zip(first, second, strict=True)
        return all(
            shapely.geometry.shape(a["geometry"]).equals(shapely.geometry.shape(b["geometry"])) for a, b in pairs
        )
    return new.read_bytes() == old.read_bytes()


SCRIPT_NAMES = (
    "ghi", "land_cover", "ndvi_endmembers", "climate_classes", "towers",
    "sentinel2_chip", "landsat", "outlines", "regions", "fonts",
)  # fmt: skip


@pytest.mark.network
@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_file_equals_what_the_script_makes(name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    script = load_script()
    out = tmp_path / "samples"
    packages = tmp_path_factory.getbasetemp() / "packages"
    try:
        rows = script.derive([name], out, packages)
    except Exception as error:
        if type(error).__name__ == "OriginUnavailableError":
            pytest.skip(str(error))
        raise
    for row in rows:
        new, old = out / row.file, SAMPLES / row.file
        if new.is_dir():
            assert [sha256(path) for path in sorted(new.iterdir())] == [sha256(path) for path in sorted(old.iterdir())]
        else:
            assert sha256(new) == sha256(old) or same_values(row.file, new, old), row.file


def test_the_script_knows_every_sample() -> None:
    assert tuple(load_script().SAMPLES) == SCRIPT_NAMES


def test_font_draws_every_chinese_word_of_catalogs_and_figures() -> None:
    fonts = pytest.importorskip("fontTools.ttLib")
    root = SAMPLES.parents[1]
    files = [*root.glob("catalogs/*.yml"), *root.glob("recipes/*.yml"), root / "musyq_lab/figures/words.py"]
    drawn = {chr(code) for code in fonts.TTFont(SAMPLES / "fonts" / "NotoSansSC-subset.ttf").getBestCmap()}
    lacking = {path.name: set(re.findall(r"[\u3000-\u9fff\uff00-\uffef]", path.read_text("utf-8"))) for path in files}
    assert sum(map(len, lacking.values())) > 500
    assert {name: words - drawn for name, words in lacking.items() if words - drawn} == {}
