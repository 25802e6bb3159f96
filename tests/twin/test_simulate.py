"""A whole small simulation: what is put in comes out of every granule, by our readers and by satpy's."""

import json
from datetime import datetime, timedelta

import numpy as np
import pyproj
import pytest
import xarray as xr
from scipy.spatial import cKDTree
from sensors.swaths import flagged, satpy_values

import musyq_lab as ml
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files.digest import sha256
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.twin import _job, ancillary, forward, truth
from musyq_lab.twin.orbit import ecef
from musyq_lab.twin.settings import SIMULATED
from musyq_lab.twin.simulate import open_simulation

# A day on which all seven sensors see the place.
PLACE, DAY = "jingyuetan", "2019-08-14"
GRID = {"size": 6, "resolution": 60}

# Half a count as reflectance (not yet over the cosine of the sun's angle), with what angles rounded to 0.01 deg add.
# Landsat: 2e-5 a count, Sun at one angle a scene; Sentinel-2: 1e-4; GF-1: 10 bit, Sun at one angle; MODIS: 16 bit;
# MERSI-2: 115 % over 4055 counts; AGRI: 1.2 over 4075; AHI: 1.2 over 2027.
HALF = {
    "landsat_oli": 1e-3,
    "sentinel2_msi": 0.51e-4,
    "gf1_wfv": 6e-4,
    "modis": 1e-4,
    "fy3d_mersi2": 2.5e-4,
    "fy4a_agri": 2.0e-4,
    "himawari_ahi": 3.2e-4,
}
BRIGHT = {"gf1_wfv": 0.35}
"""Reflectance that 10 bits may not hold."""
WARM = {"landsat_oli": 0.01, "modis": 0.15, "fy3d_mersi2": 0.15, "fy4a_agri": 0.1, "himawari_ahi": 0.1}
"""Half a count of the window bands (K) between 270 and 310 K."""
SATPY = {
    "landsat_oli": ("oli_tirs_l1_tif", {"nir": "B5", "tir1": "B10"}, {}),
    "sentinel2_msi": ("msi_safe", {"nir": "B08"}, {}),
    "modis": ("modis_l1b", {"nir": "2", "tir1": "31"}, {"resolution": 1000}),
    "fy3d_mersi2": ("mersi2_l1b", {"nir": "4"}, {"resolution": 1000}),
    "fy4a_agri": ("agri_fy4a_l1", {"mir": "C08", "tir1": "C12"}, {}),
    "himawari_ahi": ("ahi_hsd", {"nir": "B04", "tir1": "B14"}, {}),
}


def files_of(folder):
    return {str(p.relative_to(folder)): p for p in sorted(folder.rglob("*")) if p.is_file()}


def digests(folder):
    """File -> sha256; of run records, which tell when a file was written, what else they say."""
    found = {}
    for name, path in files_of(folder).items():
        if name.endswith(".run.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            found[name] = json.dumps({key: content[key] for key in ("file", "sha256", "bytes", "versions")})
        else:
            found[name] = sha256(path)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return ml.simulate(tmp_path_factory.mktemp("simulated") / "s", place=PLACE, start=DAY, days=1, **GRID)


@pytest.fixture(scope="module")
def put_in(made):
    """Sensor -> overpass and images of its first granule, made once more."""
    found = {}
    for look in _job.looks(made.world, made.settings):
        if look.sensor not in found:
            found[look.sensor] = look, forward.images(made.world, look, _job.granule_of(look.sensor))
    return found


def places(scene):
    """Return longitude and latitude of a scene's pixels."""
    if "longitude" in scene.coords:
        return scene["longitude"].values, scene["latitude"].values
    x, y = np.meshgrid(scene["x"].values, scene["y"].values)
    crs = pyproj.CRS.from_wkt(scene["spatial_ref"].attrs["crs_wkt"])
    return pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)


def matched(image, longitude, latitude):
    """Return pixels of an image that see the world, and those of a scene at the same places, with the distance (m)."""
    inside = np.isfinite(next(iter(image.values.values())))
    seen = np.isfinite(longitude) & np.isfinite(latitude)
    tree = cKDTree(ecef(longitude[seen], latitude[seen]))
    distance, index = tree.query(ecef(image.pixels.longitude[inside], image.pixels.latitude[inside]))
    return inside, np.flatnonzero(seen.ravel())[index], distance


def nominal(images, scene):
    """Return the image of the grid that a scene is on by default."""
    resolution = SENSORS[scene.attrs["sensor"]].resolution
    return next(image for image in images if image.pixels.resolution == resolution)


# ---- what is made ----------------------------------------------------------------------------------------------------
def test_every_sensor_sees_the_place(made):
    assert {row["sensor"] for row in made.granules} == set(SIMULATED)
    assert [row["time"] for row in made.granules] == sorted(row["time"] for row in made.granules)
    assert all(path.exists() for path in made.paths())
    assert len(made.paths("fy4a_agri")) == 2
    with pytest.raises(NotFoundError, match=r"no granule of 'modi'\. Did you mean 'modis'"):
        made.paths("modi")


def test_nothing_hidden_or_half_made_is_left(made):
    assert not [name for name in files_of(made.folder) if "/." in f"/{name}" or name.endswith(".part")]


def test_it_shows_as_a_table(made):
    assert made.table()[0] == ["sensor", "granules", "first", "last"]
    assert [row[0] for row in made.table()[1:]] == list(SIMULATED)
    assert "jingyuetan" in repr(made)
    html = made._repr_html_()
    assert "<table" in html
    assert "ml.open_catalog(" in html
    assert "himawari_ahi" in html


def test_the_folder_opens_again(made):
    again = open_simulation(made.folder)
    assert again.granules == made.granules
    assert again.settings == made.settings


def test_no_simulation_and_a_damaged_one_are_told_apart(tmp_path):
    with pytest.raises(NotFoundError, match="holds no simulation"):
        open_simulation(tmp_path)
    for text in ("{", "[]", '{"settings": {}}'):
        (tmp_path / _job.RECORD).write_text(text)
        with pytest.raises(ArchiveError, match=r"is damaged\. Delete"):
            open_simulation(tmp_path)


# ---- what comes out --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sensor", SIMULATED)
def test_our_reader_returns_what_was_put_in(made, put_in, sensor):
    look, images = put_in[sensor]
    scene = ml.open_scene(made.paths(sensor)[0])
    image = nominal(images, scene)
    longitude, latitude = places(scene)
    inside, index, distance = matched(image, longitude, latitude)
    assert inside.sum() >= (1 if sensor == "fy4a_agri" else 4 if image.pixels.resolution > 500 else 400)
    assert distance.max() < 0.1 * image.pixels.resolution
    cosine = np.cos(np.radians(image.sun_zenith[inside]))
    saturated = np.broadcast_to(flagged(scene, "saturated"), longitude.shape).ravel()[index]
    compared = 0
    for name in image.values:
        got, put = scene[name].values.ravel()[index], image.values[name][inside]
        if scene[name].attrs["units"] == "K":
            if name in ("tir1", "tir2"):
                assert np.abs(got - put).max() < WARM[sensor], name
            continue
        full = saturated | (put > BRIGHT.get(sensor, 9.0))  # a cloud may fill the detector
        # Bands without rows in the tables of the atmosphere (0.412 um of MERSI-2) are fill values on both sides.
        assert np.array_equal(np.isfinite(got)[~saturated], np.isfinite(put)[~saturated]), name
        assert (np.abs((got - put) * cosine)[~full & np.isfinite(put)] < HALF[sensor]).all(), name
        compared += np.isfinite(got).any()
    assert compared >= 2
    start = datetime.fromisoformat(scene.attrs["time_coverage_start"].rstrip("Z"))
    assert abs(start - look.time) < timedelta(seconds=5)
    assert scene.attrs["platform"] == look.platform


@pytest.mark.parametrize("sensor", SIMULATED)
def test_angles_are_those_of_the_overpass(made, put_in, sensor):
    images = put_in[sensor][1]
    scene = ml.open_scene(made.paths(sensor)[0])
    image = nominal(images, scene)
    longitude, latitude = places(scene)
    inside, index, _ = matched(image, longitude, latitude)
    # One angle a scene (GF-1, Landsat's pole), 5 km nodes (Sentinel-2), angles recomputed from the orbit (AHI).
    for name in ("sun_zenith", "view_zenith"):
        if name in scene:
            angle = np.broadcast_to(scene[name].values, longitude.shape).ravel()[index]
            assert np.abs(angle - getattr(image, name)[inside]).max() < 0.3, name
    assert {"sun_zenith", "sun_azimuth"} <= set(scene.data_vars)


@pytest.mark.parametrize("sensor", sorted(SATPY))
def test_satpy_returns_what_was_put_in(made, put_in, sensor):
    pytest.importorskip("satpy")
    from satpy import Scene

    reader, names, query = SATPY[sensor]
    images = put_in[sensor][1]
    path = made.paths(sensor)[0]
    folder = path if path.is_dir() else path.parent
    files = [f for f in folder.rglob("*") if f.is_file() and "MSK" not in f.name]
    if sensor == "fy4a_agri":
        files = [f for f in files if "_4000M_" in f.name]
    if query:
        files = [f for f in files if any(tag in f.name for tag in ("021KM", "D03", "1000M", "GEO1K"))]
        wanted = [*names.values(), "longitude", "latitude"]
        read = satpy_values(files, reader, wanted, **query)
        where = {native: (read["longitude"], read["latitude"]) for native in names.values()}
    else:
        scene = Scene([str(f) for f in files], reader=reader)
        scene.load(list(names.values()))
        read = {native: scene[native].values for native in names.values()}
        where = {native: scene[native].attrs["area"].get_lonlats() for native in names.values()}
    for name, native in names.items():
        image = next(i for i in images if name in i.values and i.values[name].shape[0] <= read[native].shape[0])
        longitude, latitude = (np.where(np.isfinite(a) & (np.abs(a) < 400), a, np.nan) for a in where[native])
        inside, index, distance = matched(image, longitude, latitude)
        assert distance.max() < 0.1 * image.pixels.resolution, name
        got, put = read[native].ravel()[index], image.values[name][inside]
        if name in ("tir1", "mir"):
            assert np.abs(got - put).max() < (WARM[sensor] if name == "tir1" else 0.5), name
            continue
        level = {"sentinel2_msi": 1.0}.get(sensor, np.cos(np.radians(image.sun_zenith[inside])))
        day = float((1 - 0.01672 * np.cos(np.radians(0.9856 * (226 - 4)))) ** 2) if sensor == "fy3d_mersi2" else 1.0
        # satpy does not divide by the cosine of the Sun's angle, nor MERSI-2 by the distance of the Sun.
        assert np.abs(got / 100 - put * level / day).max() < (6e-4 if sensor == "fy3d_mersi2" else HALF[sensor]), name


def test_a_folder_of_one_sensor_opens_at_once(made):
    for sensor in SIMULATED:
        scenes = ml.open_scenes(made.folder / "granules" / sensor)
        assert not scenes.rejected
        assert len(scenes) == len(made.paths(sensor))


@pytest.mark.parametrize("sensor", SIMULATED)
def test_both_catalogs_give_the_scene_of_the_path(made, sensor):
    path = made.paths(sensor)[0]
    plain = ml.open_scene(path)
    granule = plain.attrs["granule"]
    for scene in (
        ml.open_catalog("demo")[sensor](root=str(made.folder), granule=granule).read(),
        ml.open_catalog(made.catalog)[sensor](granule=granule).read(),
    ):
        assert scene.attrs["granule"] == granule
        xr.testing.assert_identical(
            scene["nir" if "nir" in scene else "red"], plain["nir" if "nir" in plain else "red"]
        )


@pytest.mark.parametrize("sensor", SIMULATED)
def test_every_scene_becomes_standard_and_a_picture(made, sensor):
    scene = ml.open_scene(made.paths(sensor)[0])
    standard = ml.standardize(scene, fingerprint=False)
    values = standard["reflectance"].sel(band="red").values
    assert np.isfinite(values).any()
    assert 0 < np.nanmin(values) <= np.nanmax(values) < 1.6
    assert "data:image/png" in ml.true_colour(scene)._repr_html_()


# ---- the truth -------------------------------------------------------------------------------------------------------
def test_truth_opens_as_a_lazy_series(made):
    own, demo = ml.open_catalog(made.catalog), ml.open_catalog("demo")
    for product in truth.PRODUCTS:
        for entry in (own[product.key], demo[product.key](root=str(made.folder))):
            opened = entry.to_dask()
            assert all(opened[variable.name].chunks for variable in product.variables)
    energy = own["truth_energy"].read().squeeze()
    day = made.world.day(datetime.fromisoformat(DAY))
    assert np.abs(energy["net_radiation"].values - day["net_radiation"].values).max() < 0.016
    assert np.abs(energy["surface_temperature"].values - day["surface_temperature"].values).max() < 0.011


def test_weather_and_cover_open_from_either_catalog(made):
    own, shipped = ml.open_catalog(made.catalog), ml.open_catalog("demo")
    for product in ancillary.PRODUCTS:
        one = own[product.key].read()
        assert {variable.name for variable in product.variables} <= set(one.data_vars)
        two = shipped[product.key](root=str(made.folder)).read()
        assert one.sizes == two.sizes
    seen, true = own["sim_weather"].read().squeeze(), own["truth_energy"].read().squeeze()
    wrong = (seen["downward_shortwave"] - true["downward_shortwave"]) / seen["downward_shortwave_uncertainty"]
    assert 0.05 < float(np.sqrt((wrong**2).mean())) < 3


def test_truth_of_an_instant_lies_on_the_map(made):
    state = made.truth("2019-08-14T03:00")
    assert state.rio.crs.to_epsg() == 32651
    closed = state["net_radiation"] - state["ground_heat"] - state["sensible_heat"] - state["latent_heat"]
    assert float(np.abs(closed).max()) < 1e-3
    with pytest.raises(InputError, match="no time"):
        made.truth("noon")


def test_truth_is_the_users_own_copy(made):
    first = made.truth("2019-08-14T04:00")["lai"]
    before = first.values.copy()
    first.values[:] = -1
    np.testing.assert_array_equal(made.truth("2019-08-14T04:00")["lai"].values, before)


# ---- the same again --------------------------------------------------------------------------------------------------
def test_one_thread_gives_the_same_bytes_as_two(made, tmp_path, monkeypatch):
    monkeypatch.setattr(_job, "_workers", lambda: _job.ThreadPoolExecutor(1))
    again = ml.simulate(tmp_path / "s", place=PLACE, start=DAY, days=1, **GRID)
    assert digests(again.folder) == digests(made.folder)


def test_a_finished_folder_is_left_as_it_is(made):
    before = {name: path.stat().st_mtime_ns for name, path in files_of(made.folder).items()}
    again = ml.simulate(made.folder, place=PLACE, start=DAY, days=1, **GRID)
    after = {name: path.stat().st_mtime_ns for name, path in files_of(made.folder).items()}
    assert again.granules == made.granules
    assert {name for name in after if after[name] != before[name]} <= {"catalog.yml"}


def test_another_seed_is_another_earth(made, tmp_path):
    other = ml.simulate(
        tmp_path / "s", place=PLACE, start=DAY, days=1, **GRID, seed=1, sensors=["fy4a_agri"], stationary_hours=(2,)
    )
    ours, theirs = digests(made.folder), digests(other.folder)
    images = [name for name in set(ours) & set(theirs) if name.endswith((".HDF", ".h5")) and "GEO" not in name]
    assert len(images) >= 6
    assert all(ours[name] != theirs[name] for name in images)


# ---- odd places ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("place", "crs", "tile"),
    [((100.4, 38.9), 32647, "100p400_38p900"), ((-150.0, 20.0), 32606, "m150p000_20p000"), ((180.0, -89.95), 5042, "")],
)
def test_any_point_of_the_earth_works(tmp_path, place, crs, tile):
    made = ml.simulate(tmp_path / "s", place=place, days=1, size=0.5, sensors=[])
    opened = ml.open_catalog(made.catalog)["truth_land"].read()
    assert opened.rio.crs.to_epsg() == crs
    assert all(np.isfinite(opened["elevation"].values).ravel())
    assert all(f".{tile or '180p000_m89p950'}." in path.name for path in (made.folder / "truth").iterdir())
    assert made.granules == ()
