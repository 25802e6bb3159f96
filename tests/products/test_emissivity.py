"""Emissivity: published numbers, the ground of ASTER, classes, sensors, bits, the stated error, and separation."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import INPUT_MISSING, NOT_DEFINED
from musyq_lab.products import _emissivity as tables
from musyq_lab.products import _tes
from musyq_lab.products.emissivity import SPEC, emissivity
from musyq_lab.products.fvc import fvc

BIT = {flag.name: flag.mask for flag in SPEC.flags}
UNITS = {item.name: item.units for item in SPEC.inputs}


def cases(name):
    path = Path(__file__).parents[1] / "reference" / "emissivity.csv"
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [row for row in rows if row["case"] == name]


def numbers(row):
    return {name: float(value) for name, value in (pair.split("=") for pair in row["given"].split(";"))}


def scene(**values):
    shape = np.broadcast_shapes(*(np.shape(v) for v in values.values()))
    arrays = {k: np.broadcast_to(np.asarray(v, float), shape).flatten() for k, v in values.items()}
    return xr.Dataset({k: ("x", v, {"units": UNITS[k]}) for k, v in arrays.items()})


def aster(**values):
    return {f"aster_emissivity_{name.removeprefix('e')}": value for name, value in values.items()}


@pytest.mark.parametrize("row", cases("ermida"), ids=lambda r: f"{r['sensor']}-{r['given'][:8]}")
def test_published_equations_of_landsat(row):
    given = numbers(row)
    ds = scene(
        fvc=given["fvc"], aster_ndvi=given["aster_ndvi"], **aster(e13=given["e13"], e14=given["e14"]), land_cover=10
    )
    made = emissivity(ds, variables=["emissivity_tir1"], sensor=row["sensor"])
    assert float(made.emissivity_tir1[0]) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))
    assert not int(made.emissivity_qa[0])


@pytest.mark.parametrize("row", cases("thresholds"), ids=lambda r: f"{r['sensor']}-{r['role']}-{r['given']}")
def test_published_thresholds(row):
    given = numbers(row)
    name = f"emissivity_{row['role']}"
    ds = scene(ndvi=given["ndvi"], reflectance_red=given["red"])
    made = emissivity(ds, variables=[name], method="ndvi_threshold", sensor=row["sensor"])
    assert float(made[name][0]) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_published_broad_band_of_aster():
    (row,) = cases("bbe")
    ds = scene(fvc=0.0, aster_ndvi=0.1, land_cover=16, **aster(**numbers(row)))
    made = emissivity(ds, variables=["broadband_emissivity"])
    assert float(made.broadband_emissivity[0]) == pytest.approx(float(row["value"]), abs=float(row["tolerance"]))


def test_cover_of_the_public_code_comes_by_options():
    """Vegetation cover as Ermida et al. take it is the method carlson with their end members."""
    ds = scene(ndvi=[0.1, 0.35, 0.6, 0.9], land_cover=10)
    made = fvc(ds, method="carlson", ndvi_soil=0.2, ndvi_vegetation=0.86)
    np.testing.assert_allclose(made.fvc, np.clip((ds.ndvi - 0.2) / 0.66, 0, 1) ** 2, atol=1e-12)
    mixed = emissivity(ds.assign(fvc=made.fvc))
    assert mixed.emissivity_tir1.values[3] == pytest.approx(0.99)


def test_full_cover_is_plants_in_every_band_and_bare_ground_is_the_table():
    made = emissivity(scene(fvc=[1.0, 0.0], land_cover=12))
    for name in (v.name for v in SPEC.variables):
        role = "broad" if name.startswith("broad") else name.removeprefix("emissivity_")
        assert made[name].values == pytest.approx([0.99, tables.ground(role).emissivity[12]])


def test_emissivity_rises_with_cover_over_any_ground():
    cover = np.linspace(0, 1, 11)
    for number in (5, 7, 10, 12, 13, 16):
        made = emissivity(scene(fvc=cover, land_cover=number), uncertainty=False)
        for variable in SPEC.variables:
            assert (np.diff(made[variable.name]) > 0).all()


def test_bands_are_those_of_the_sensor():
    ds = scene(fvc=0.0, land_cover=16)
    narrow, broad = (emissivity(ds, sensor=s).emissivity_tir1 for s in ("landsat_oli/Landsat-8", "landsat_tm/"))
    for made, sensor in ((narrow, "landsat_oli/Landsat-8"), (broad, "landsat_tm/")):
        materials = tables.band_emissivity("tir1", sensor)
        expected = np.mean([materials[name] for name in ("compacted_soil", "sand", "rock", "desert")])
        assert float(made[0]) == pytest.approx(expected)
    assert float(narrow[0]) != float(broad[0])
    told = emissivity(ds.assign_attrs(sensor="landsat_oli", platform="Landsat-8"))
    assert float(told.emissivity_tir1[0]) == float(narrow[0])


def test_a_sensor_that_is_none_is_refused():
    """A slip in the name would otherwise give nominal bands; a sensor without thermal bands keeps them."""
    with pytest.raises(InputError, match=r"no sensor 'himawari'.*himawari_ahi"):
        emissivity(scene(fvc=0.3), sensor="himawari/Himawari-8")
    optical = emissivity(scene(fvc=0.3), sensor="sentinel2_msi/Sentinel-2A")
    np.testing.assert_array_equal(optical.emissivity_tir1, emissivity(scene(fvc=0.3)).emissivity_tir1)


def test_water_and_snow_have_no_ground():
    made = emissivity(scene(fvc=0.4, land_cover=[17, 15], aster_ndvi=0.1, **aster(e13=0.9, e14=0.9)))
    assert made.emissivity_tir1.values == pytest.approx([0.99, 0.989])
    assert made.broadband_emissivity.values == pytest.approx([0.985, 0.985])
    assert (made.emissivity_qa.values & BIT["water_or_snow"]).all()
    assert not (made.emissivity_qa.values & BIT["ground_by_class"]).any()


@pytest.mark.parametrize("method", ["vegetation_cover", "ndvi_threshold"])
def test_snow_covers_its_share(method):
    land = {"fvc": 0.2, "ndvi": 0.1, "reflectance_red": 0.3, "land_cover": 16}
    made = emissivity(scene(**land, snow_fraction=[0.0, 0.5, 1.0, np.nan]), method=method).emissivity_tir1.values
    assert made[1] == pytest.approx((made[0] + 0.989) / 2)
    assert made[2] == pytest.approx(0.989)
    assert made[3] == made[0]


def test_aster_is_used_where_it_shows_the_ground():
    """It is neither used where missing nor where plants hide three quarters of the ground, and the bit says so."""
    ds = scene(
        fvc=0.0, land_cover=10, aster_ndvi=[0.3, 0.85, np.nan, 0.3], **aster(e13=[0.93] * 3 + [np.nan], e14=0.94)
    )
    made = emissivity(ds, variables=["emissivity_tir1"])
    table = tables.ground("tir1").emissivity[10]
    assert made.emissivity_tir1.values[1:] == pytest.approx([table] * 3)
    assert abs(made.emissivity_tir1.values[0] - table) > 0.01
    by_class = made.emissivity_qa.values & BIT["ground_by_class"]
    assert by_class.astype(bool).tolist() == [False, True, True, True]


def test_unknown_land_cover_is_a_mean_soil_and_its_bit():
    made = emissivity(scene(fvc=0.0, land_cover=[255.0, 12.0, 3.5]))
    unknown = (made.emissivity_qa.values & BIT["class_unknown"]).astype(bool)
    assert unknown.tolist() == [True, False, True]
    assert made.emissivity_tir1.values[0] == pytest.approx(tables.ground("tir1").emissivity[0])
    alone = emissivity(scene(fvc=0.3))
    assert (alone.emissivity_qa.values & BIT["class_unknown"]).all()


def test_missing_cover_has_no_value():
    made = emissivity(scene(fvc=[np.nan, 0.5], land_cover=[10, 17]))
    assert np.isnan(made.emissivity_tir1[0])
    assert int(made.emissivity_qa[0]) & INPUT_MISSING.mask


def test_thresholds_make_two_bands_and_the_broad_one():
    ds = scene(ndvi=[0.1, 0.7], reflectance_red=[0.2, 0.05])
    made = emissivity(ds, method="ndvi_threshold")
    assert np.isnan(made.emissivity_tir_8_6).all()
    assert (made.emissivity_qa.values & BIT["no_constants"]).all()
    assert (made.emissivity_qa.values & NOT_DEFINED.mask).all()
    two = emissivity(ds, method="ndvi_threshold", variables=["emissivity_tir1", "broadband_emissivity"])
    assert not (two.emissivity_qa.values & BIT["no_constants"]).any()
    assert ((two.broadband_emissivity > 0.93) & (two.broadband_emissivity < 1)).all()


def test_stated_error_of_a_mixture():
    """It shrinks with cover, grows with the plants that ASTER saw, and is that of materials without ASTER."""
    cover = np.linspace(0, 1, 6)
    sure = {"fvc_uncertainty": xr.DataArray(np.zeros(6), dims="x")}
    sigma = emissivity(scene(fvc=cover, land_cover=10), **sure)
    made = sigma.emissivity_tir_8_6_uncertainty.values
    assert made[0] == pytest.approx(tables.ground("tir_8_6").sigma)
    assert (np.diff(made) < 0).all()
    seen = emissivity(
        scene(fvc=0.0, land_cover=10, aster_ndvi=[0.1, 0.5, 0.7], **aster(e13=0.95, e14=0.95)),
        variables=["emissivity_tir1"],
        fvc_uncertainty=xr.DataArray(np.zeros(3), dims="x"),
    ).emissivity_tir1_uncertainty.values
    assert seen[0] == pytest.approx(0.015)
    assert (np.diff(seen) > 0).all()


def light(temperature, emissivities, sky, sensor):
    """Return brightness temperatures of what leaves a surface."""
    made = {}
    for role, e in emissivities.items():
        black = _tes.black_body(np.asarray(temperature, float), role, sensor)
        k1, k2 = _tes.band_constants(role, sensor)
        leaving = e * black + (1 - e) * sky * black
        made[f"brightness_temperature_{role}"] = k2 / np.log(k1 / leaving + 1)
        made[f"sky_radiance_{role}"] = sky * black
    return made


@pytest.mark.parametrize("roles", [("tir_8_6", "tir1", "tir2"), tables.ROLES], ids=["three", "four"])
def test_separation_finds_materials(roles):
    sensor = "himawari_ahi/"
    truth = {role: np.array(list(tables.band_emissivity(role, sensor).values())) for role in roles}
    ds = scene(**light(np.full(truth["tir1"].size, 305.0), truth, 0.3, sensor))
    made = emissivity(ds, method="tes", sensor=sensor, variables=[*(f"emissivity_{r}" for r in roles)])
    for role in roles:
        error = made[f"emissivity_{role}"].values - truth[role]
        assert np.sqrt(np.mean(error**2)) < 0.0095
        assert np.abs(error).max() < 0.02
    assert not (made.emissivity_qa.values & BIT["sky_unknown"]).any()


def test_separation_says_what_it_lacks():
    truth = {role: np.array([0.9, 0.97]) for role in ("tir_8_6", "tir1", "tir2")}
    ds = scene(**light(np.array([300.0, 300.0]), truth, 0.2, ""))
    bare = ds.drop_vars([name for name in ds if name.startswith("sky")])
    names = [v.name for v in SPEC.variables]
    made = emissivity(bare, method="tes", variables=[n for n in names if n != "emissivity_tir_10_4"])
    assert (made.emissivity_qa.values & BIT["sky_unknown"]).all()
    assert (made.emissivity_qa.values & BIT["low_contrast"]).all()
    without = emissivity(bare, method="tes", variables=["emissivity_tir_10_4", "emissivity_tir1"])
    assert np.isnan(without.emissivity_tir_10_4).all()
    assert (without.emissivity_qa.values & BIT["no_constants"]).all()
    with pytest.raises(InputError, match="brightness_temperature_tir_8_6"):
        emissivity(bare.drop_vars("brightness_temperature_tir_8_6"), method="tes", variables=["emissivity_tir1"])


def test_sky_that_is_missing_here_and_there_has_its_bit():
    truth = {role: np.array([0.9, 0.9]) for role in ("tir_8_6", "tir1", "tir2")}
    given = light(np.array([300.0, 300.0]), truth, 0.2, "")
    given["sky_radiance_tir1"][1] = np.nan
    made = emissivity(scene(**given), method="tes", variables=["emissivity_tir1"])
    assert (made.emissivity_qa.values & BIT["sky_unknown"]).astype(bool).tolist() == [False, True]
    assert np.isfinite(made.emissivity_tir1).all()


def through_air(temperature, sensor, vapour, air, zenith):
    """Return brightness temperatures at the top of the atmosphere over loam and grass, by the functions of `_tes`."""
    made, roles = {}, ("tir_8_6", "tir1", "tir2")
    for role in roles:
        e = np.array([tables.band_emissivity(role, sensor)[name] for name in ("loam", "grass")])
        k1, k2 = _tes.band_constants(role, sensor)
        near = [np.full(2, float(x)) for x in (vapour, air, zenith)]
        # The correction is linear in the radiance at the top: two of its points give the line that is inverted here.
        points = [_tes.at_surface([np.full(2, t)], [role], sensor, *near) for t in (280.0, 320.0)]
        low, high = (p[0][0] for p in points)
        tops = [_tes.black_body(np.array(t), role, sensor) for t in (280.0, 320.0)]
        leaving = e * _tes.black_body(np.full(2, temperature), role, sensor) + (1 - e) * points[0][1][0]
        top = tops[0] + (leaving - low) / (high - low) * (tops[1] - tops[0])
        made[f"brightness_temperature_{role}"] = k2 / np.log(k1 / top + 1)
    return made


@pytest.mark.parametrize(("vapour", "zenith"), [(5.0, 0.0), (20.0, 40.0), (35.0, 30.0)])
def test_separation_sees_through_the_air(vapour, zenith):
    sensor = "modis/Terra"
    air = {"water_vapour": vapour, "air_temperature": 295.0, "view_zenith": zenith}
    ds = scene(**through_air(303.0, sensor, *air.values()), **air)
    names = ["emissivity_tir_8_6", "emissivity_tir1", "emissivity_tir2", "broadband_emissivity"]
    made = emissivity(ds, method="tes", sensor=sensor, variables=names)
    for name in names[:3]:
        truth = [tables.band_emissivity(name.removeprefix("emissivity_"), sensor)[m] for m in ("loam", "grass")]
        np.testing.assert_allclose(made[name], truth, atol=0.017)
        assert ((made[f"{name}_uncertainty"] > 0.005) & (made[f"{name}_uncertainty"] < 0.05)).all()
    broad = [tables.band_emissivity("broad")[m] for m in ("loam", "grass")]
    np.testing.assert_allclose(made.broadband_emissivity, broad, atol=0.02)
    bits = made.emissivity_qa.values
    assert not (bits & (BIT["sky_unknown"] | BIT["angle_assumed"])).any()
    assert ((bits & BIT["humid"]) > 0).all() == (vapour / np.cos(np.radians(zenith)) > 30)


def test_separation_through_too_much_vapour_has_no_value():
    air = {"water_vapour": 50.0, "air_temperature": 300.0}
    ds = scene(**through_air(303.0, "", 30.0, 300.0, 0.0), **air)
    made = emissivity(ds, method="tes", variables=["emissivity_tir1"])
    assert np.isnan(made.emissivity_tir1).all()
    assert (made.emissivity_qa.values & BIT["humid"]).all()
    assert (made.emissivity_qa.values & BIT["angle_assumed"]).all()


def test_real_emissivity_of_landsat_8():
    """USGS Collection 2 (ASTER GED, adjusted by NDVI) over the Amazon: 62 clear pixels, its own error 0.005."""
    rasterio = pytest.importorskip("rasterio")
    folder = shared("landsat8_C2_L2SP_001062_20201031")

    def band(name):
        (path,) = folder.glob(f"*_{name}.TIF")
        with rasterio.open(path) as file:
            return file.read(1).astype(float)

    quality, theirs = band("QA_PIXEL").astype(int), band("ST_EMIS") * 1e-4
    clear = (quality >> 6 & 1 == 1) & (quality & 1 == 0) & (theirs > 0)
    red, nir = (band(name)[clear] * 2.75e-5 - 0.2 for name in ("SR_B4", "SR_B5"))
    assert clear.sum() == 62
    ds = scene(ndvi=(nir - red) / (nir + red), reflectance_red=red, land_cover=2)
    ds["fvc"] = fvc(ds, method="carlson", ndvi_soil=0.2, ndvi_vegetation=0.86).fvc
    for method, limit in (("vegetation_cover", 0.006), ("ndvi_threshold", 0.004)):
        made = emissivity(ds, method=method, variables=["emissivity_tir1"], sensor="landsat_oli/Landsat-8")
        error = made.emissivity_tir1.values - theirs[clear]
        assert abs(error.mean()) < 0.002
        assert np.sqrt(np.mean(error**2)) < limit
        assert (np.abs(error) < made.emissivity_tir1_uncertainty.values).mean() > 0.6
