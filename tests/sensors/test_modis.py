import math
import pickle
import shutil
from datetime import datetime, timedelta

import dask
import numpy as np
import pytest
from files.make_hdf4 import plain
from sensors import make_modis as make
from sensors.shared_data import shared

from musyq_lab.core.errors import InputError, MusyqError, SceneError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors import _modis_l1b as l1b
from musyq_lab.sensors import _modis_surface as surface
from musyq_lab.sensors._granule import find_all
from musyq_lab.sensors._open import open_scene, scene_grids
from musyq_lab.sensors.modis import SPEC

REAL = "modis_hdf4/MOD09A1.A2017193.h18v04.006.2017202035302.hdf"
ROLE = {b.native: b.name for b in SPEC.bands_of("Terra")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one granule of Terra: all three images and the geolocation."""
    made = tmp_path_factory.mktemp("terra")
    for kind in make.IMAGES:
        make.make_image(made, kind)
    make.make_geolocation(made)
    return made


def flag(scene, name):
    return (scene.qa.values & SCENE_FLAG[name].mask) > 0


def bands_of(kind):
    for name in make.IMAGES[kind][1]:
        for i, native in enumerate(make.BANDS[name].split(",")):
            yield name, i, native


# --- the spec


def test_bands_are_those_of_the_files():
    for metres, kind in ((1000, "021KM"), (500, "02HKM"), (250, "02QKM")):
        rows = {b.native for b in SPEC.bands_of("Aqua") if b.resolution == metres}
        assert rows == {native for _, _, native in bands_of(kind)}
    assert len({b.native for b in SPEC.bands_of("Terra")}) == 38
    assert SPEC.resolutions == (250, 500, 1000)


def test_thermal_bands_have_a_planck_line_near_their_centre():
    for platform, table in l1b.BRIGHTNESS.items():
        rows = {b.native: b for b in SPEC.bands_of(platform) if b.thermal}
        assert table.keys() == rows.keys()
        for native, (wavenumber, slope, intercept) in table.items():
            assert 1e4 / wavenumber == pytest.approx(rows[native].centre, rel=0.012)
            assert 0.999 < slope < 1.0
            assert 0.0 < intercept < 0.5


def test_the_wavelengths_of_the_bands_stand_where_they_were_specified():
    specified = {
        "1": (620, 670),
        "3": (459, 479),
        "5": (1230, 1250),
        "8": (405, 420),
        "16": (862, 877),
        "26": (1360, 1390),
    }
    for platform in SPEC.platforms:
        for native, (low, high) in specified.items():
            assert low <= SPEC.band(native, platform).centre * 1000 <= high


# --- Level-1B: radiometry


@pytest.mark.parametrize(("metres", "kind"), [(1000, "021KM"), (500, "02HKM"), (250, "02QKM")])
def test_radiance_gives_the_counts_back(folder, metres, kind):
    scene = open_scene(folder, resolution=metres, calibration="radiance").compute()
    found = set()
    for name, i, native in bands_of(kind):
        band, scales = scene[ROLE[native]], make.scales(name)
        counts = band / scales["radiance_scales"][i] + scales["radiance_offsets"][i]
        stored = make.counts_of(name, (len(make.BANDS[name].split(",")), *band.shape))[i]
        assert np.abs(counts - stored).max() < 0.5
        assert band.attrs["units"] == "W m-2 sr-1 um-1"
        found.add(ROLE[native])
    assert found == {n for n in scene.data_vars if n != "qa" and "zenith" not in n and "azimuth" not in n}


@pytest.mark.parametrize(("metres", "kind"), [(1000, "021KM"), (250, "02QKM")])
def test_reflectance_gives_the_counts_back(folder, metres, kind):
    scene = open_scene(folder, resolution=metres).compute()
    cosine = np.cos(np.radians(scene.sun_zenith.astype(float)))
    for name, i, native in bands_of(kind):
        if "Emissive" in name:
            continue
        band, scales = scene[ROLE[native]], make.scales(name)
        counts = band * cosine / scales["reflectance_scales"][i] + scales["reflectance_offsets"][i]
        stored = make.counts_of(name, (len(make.BANDS[name].split(",")), *band.shape))[i]
        assert np.abs(counts - stored).max() < 0.5
        assert band.attrs["units"] == "1"


@pytest.mark.parametrize("platform", ["MOD", "MYD"])
def test_brightness_temperature_gives_the_counts_back(tmp_path, platform):
    make.make_image(tmp_path, platform=platform)
    scene = open_scene(tmp_path).compute()
    name, carrier = "EV_1KM_Emissive", {"MOD": "Terra", "MYD": "Aqua"}[platform]
    assert scene.attrs["platform"] == carrier
    scales = make.scales(name)
    for i, native in enumerate(make.BANDS[name].split(",")):
        wavenumber, slope, intercept = l1b.BRIGHTNESS[carrier][native]
        band = scene[ROLE[native]]
        effective = band.values[:, ::50].astype(float) * slope + intercept
        radiance = np.vectorize(planck_radiance)(effective, 1e4 / wavenumber)
        counts = radiance / scales["radiance_scales"][i] + scales["radiance_offsets"][i]
        stored = make.counts_of(name, (16, *band.shape))[i][:, ::50]
        assert np.abs(counts - stored).max() < 0.5
        assert band.attrs["units"] == "K"


def test_a_black_body_of_300_k_has_300_k(tmp_path):
    """Band 31 of Terra: the radiance of a black body by Planck's law at the wavelength of the response, to 0.1 K."""
    scales = make.scales("EV_1KM_Emissive")
    index = make.BANDS["EV_1KM_Emissive"].split(",").index("31")
    counts = planck_radiance(300.0, 11.012) / scales["radiance_scales"][index] + scales["radiance_offsets"][index]
    data = np.full((16, 20, 1354), round(counts), np.uint16)
    make.make_image(tmp_path, edit={"EV_1KM_Emissive": data})
    assert float(open_scene(tmp_path).tir1.mean()) == pytest.approx(300.0, abs=0.1)


def test_counts_are_the_stored_numbers(folder):
    scene = open_scene(folder, calibration="counts").compute()
    assert scene.red.dtype == np.uint16
    np.testing.assert_array_equal(scene.tir1, make.counts_of("EV_1KM_Emissive", (16, 20, 1354))[10])
    np.testing.assert_array_equal(scene.cirrus, make.counts_of("EV_1KM_RefSB", (15, 20, 1354))[14])


def test_unused_numbers_are_no_data_and_say_why(tmp_path):
    edit = {
        name: make.counts_of(name, (len(make.BANDS[name].split(",")), 20, 1354)) for name in make.IMAGES["021KM"][1]
    }
    edit["EV_250_Aggr1km_RefSB"][0, 0, :6] = 65535, 65533, 65529, 32768, 65500, 32767
    for data in edit.values():
        data[:, 5, 7] = 65535
    index = np.full((2, 20, 1354), 3, np.uint8)
    index[1, 9, :3] = 15, 14, 255
    edit["EV_250_Aggr1km_RefSB_Uncert_Indexes"] = index
    make.make_image(tmp_path, edit=edit)
    scene = open_scene(tmp_path).compute()
    np.testing.assert_array_equal(np.isnan(scene.red.values[0, :7]), [True, True, True, True, True, False, False])
    np.testing.assert_array_equal(np.isnan(scene.nir.values[9, :4]), [True, False, True, False])
    assert int(np.isnan(scene.red).sum()) == 6
    np.testing.assert_array_equal(np.argwhere(flag(scene, "saturated")), [[0, 1], [0, 2]])
    np.testing.assert_array_equal(np.argwhere(flag(scene, "no_data")), [[5, 7]])
    raw = open_scene(tmp_path, calibration="counts").compute()
    assert raw.red.values[0, :3].tolist() == [65535, 65533, 65529]
    assert raw.nir.values[9, 0] == edit["EV_250_Aggr1km_RefSB"][1, 9, 0]


def test_the_night_has_no_reflectance(tmp_path):
    dark = ("EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB", "EV_1KM_RefSB")
    make.make_image(tmp_path, skip=dark)
    place = make.geometry(2, 1000)
    place.sun_zenith[:] = 120.0
    make.make_geolocation(tmp_path, place=place)
    scene = open_scene(tmp_path)
    assert "red" not in scene
    assert scene.attrs["bands_missing"].startswith("red, nir, blue, green")
    assert np.isnan(scene.cirrus).all()  # band 26 alone is written at night
    assert np.isfinite(open_scene(tmp_path, calibration="radiance").cirrus).all()
    assert np.isfinite(scene.tir1).all()


# --- Level-1B: place


def test_positions_and_angles_of_the_geolocation_file(folder):
    scene, truth = open_scene(folder).compute(), make.geometry(2, 1000)
    np.testing.assert_allclose(scene.longitude, truth.longitude, atol=1e-5)
    np.testing.assert_allclose(scene.latitude, truth.latitude, atol=1e-5)
    for name in ("sun_zenith", "view_zenith"):
        np.testing.assert_allclose(scene[name], getattr(truth, name), atol=0.0051)
        np.testing.assert_allclose(
            scene[name.replace("zenith", "azimuth")],
            getattr(truth, name.replace("zenith", "azimuth")) % 360,
            atol=0.0051,
        )
    assert scene.attrs["geolocation"].startswith("MOD03.A2018001.0530")
    assert "spatial_ref" not in scene.coords
    assert scene.longitude.attrs["units"] == "degrees_east"


@pytest.mark.parametrize("metres", [500, 250])
def test_finer_grids_are_placed_within_metres(folder, metres):
    scene, truth = open_scene(folder, resolution=metres).compute(), make.geometry(2, metres)
    north = (scene.latitude - truth.latitude) * 111_195
    east = (scene.longitude - truth.longitude) * 111_195 * np.cos(np.radians(truth.latitude))
    assert float(np.hypot(north, east).max()) < 7
    assert float(np.abs(scene.sun_zenith - truth.sun_zenith).max()) < 0.02
    assert float(np.abs(scene.view_zenith - truth.view_zenith).max()) < 0.02


def test_an_image_of_1_km_alone_is_placed_by_its_own_positions(folder, tmp_path):
    shutil.copy(folder / make.name_of("MOD021KM", make.START), tmp_path)
    scene, truth = open_scene(tmp_path).compute(), make.geometry(2, 1000)
    north = (scene.latitude - truth.latitude) * 111_195
    east = (scene.longitude - truth.longitude) * 111_195 * np.cos(np.radians(truth.latitude))
    assert float(np.hypot(north, east).max()) < 40
    assert scene.attrs["geolocation"] == "interpolated from 5 km"
    assert float(np.abs(scene.sun_zenith - truth.sun_zenith).max()) < 0.02


def test_missing_positions_are_nan(tmp_path):
    place = make.geometry(2, 1000)
    place.latitude[3, 4], place.longitude[3, 4], place.sun_zenith[3, 4] = -999.0, -999.0, -327.67
    make.make_image(tmp_path)
    make.make_geolocation(tmp_path, place=place)
    scene = open_scene(tmp_path).compute()
    assert np.isnan([scene[n].values[3, 4] for n in ("longitude", "latitude", "sun_zenith", "red")]).all()
    assert np.isfinite(scene.tir1.values[3, 4])
    assert int(np.isnan(scene.longitude).sum()) == 1


def test_the_distance_of_the_sun_is_the_files(folder):
    assert l1b._distance(l1b_file(folder)) == pytest.approx(0.9833)


def test_an_impossible_distance_is_computed_anew(tmp_path):
    make.make_image(tmp_path, sun=0.0)
    assert l1b._distance(l1b_file(tmp_path)) == pytest.approx(0.9833, abs=2e-4)  # perihelion


def l1b_file(folder):
    from musyq_lab.sensors._modis import identify

    return identify(folder / make.name_of("MOD021KM", make.START))


# --- Level-1B: granules


def test_times_and_names(folder):
    scene = open_scene(folder)
    assert scene.attrs["granule"] == "MOD.A2018001.0530"
    assert scene.attrs["time_coverage_start"] == "2018-01-01T05:30:00.000Z"
    assert scene.attrs["time_coverage_end"] == "2018-01-01T05:35:00.000Z"
    assert scene.attrs["collection"] == "61"
    assert scene.red.attrs["wavelength"] == SPEC.band("red", "Terra").centre
    assert set(scene_grids(folder)) == {250, 500, 1000}


def test_any_file_of_a_granule_opens_it(folder):
    for kind in ("03", "02QKM"):
        assert open_scene(folder / make.name_of(f"MOD{kind}", make.START)).attrs["granule"] == "MOD.A2018001.0530"


def test_terra_and_aqua_of_the_same_minutes_stay_apart(tmp_path):
    for platform in ("MOD", "MYD"):
        make.make_image(tmp_path, platform=platform)
        make.make_geolocation(tmp_path, platform=platform)
    found = find_all(tmp_path)
    assert [(g.name, len(g.files)) for g in found] == [("MOD.A2018001.0530", 2), ("MYD.A2018001.0530", 2)]
    assert open_scene(found[1].files).attrs["platform"] == "Aqua"


def test_a_file_that_lost_its_name_is_known_by_its_content(folder, tmp_path):
    shutil.copy(folder / make.name_of("MOD021KM", make.START), tmp_path / "anything.bin")
    scene = open_scene(tmp_path / "anything.bin")
    assert (scene.attrs["sensor"], scene.attrs["platform"]) == ("modis", "Terra")


def test_nothing_is_computed_early_and_scenes_travel(folder):
    def refuse(*args, **kwargs):
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        scenes = [
            open_scene(folder, resolution=r, calibration=c) for r in (1000, 250) for c in ("reflectance", "counts")
        ]
    for scene in scenes:
        assert all(v.chunks is not None for v in scene.data_vars.values() if v.ndim)
    assert float(pickle.loads(pickle.dumps(scenes[0])).red.mean()) > 0


@pytest.mark.parametrize(("metres", "calibration"), [(1000, "reflectance"), (250, "reflectance"), (1000, "counts")])
def test_bands_cannot_be_mistaken_for_each_other(folder, metres, calibration):
    """dask cuts the names of joined tasks at 115 letters and adds 16 bits: bands of one long name get mixed up."""
    (scene,) = dask.optimize(open_scene(folder, resolution=metres, calibration=calibration))
    names = {key[0] if isinstance(key, tuple) else key for key in dict(scene.__dask_graph__())}
    assert max(map(len, names)) < 115


def test_chunks_hold_whole_scans_and_are_bounded():
    for metres, rows in ((1000, 10), (500, 20), (250, 40)):
        chunk = l1b.rows_of_block(metres)
        assert chunk % rows == 0
        assert chunk * 1_354_000 / metres <= 2048 * 2048


# --- Level-1B: bad input


def test_finer_images_need_the_geolocation(folder, tmp_path):
    shutil.copy(folder / make.name_of("MOD02QKM", make.START), tmp_path)
    with pytest.raises(SceneError, match=r"MOD02QKM.*needs .* MOD03\.A2018001\.0530, which is not beside it"):
        open_scene(tmp_path, resolution=250)
    with pytest.raises(InputError, match=r"MOD02QKM.* has no grid of 1000 m\. It has 250 m"):
        open_scene(tmp_path, resolution=1000)


def test_a_granule_has_the_grids_of_its_files(folder, tmp_path):
    for kind in ("02QKM", "03"):
        shutil.copy(folder / make.name_of(f"MOD{kind}", make.START), tmp_path)
    assert scene_grids(tmp_path) == {250: ["red", "nir"]}
    fine = open_scene(tmp_path)  # the nominal grid of 1000 m is not there
    assert fine.sizes == open_scene(folder, resolution=250).sizes
    shutil.copy(folder / make.name_of("MOD02HKM", make.START), tmp_path)
    assert list(scene_grids(tmp_path)) == [250, 500]


def test_the_geolocation_alone_is_no_scene(folder, tmp_path):
    shutil.copy(folder / make.name_of("MOD03", make.START), tmp_path)
    with pytest.raises(SceneError, match="lacks the image of 1000 m"):
        open_scene(tmp_path)


def test_the_geolocation_of_another_time_is_refused(tmp_path):
    make.make_image(tmp_path)
    make.make_geolocation(tmp_path, start=make.START + timedelta(minutes=5), named=make.START)
    with pytest.raises(SceneError, match=r"begins at 2018-01-01 05:35:00.*Fetch MOD03\.A2018001\.0530"):
        open_scene(tmp_path)


def test_the_geolocation_of_another_collection_is_refused(tmp_path):
    make.make_image(tmp_path)
    make.make_geolocation(tmp_path, collection=6)
    with pytest.raises(SceneError, match=r"of collection 6, .* of 61"):
        open_scene(tmp_path)


def test_an_unknown_collection_is_refused(tmp_path):
    make.make_image(tmp_path, collection="099")
    with pytest.raises(SceneError, match=r"of collection 99, which this package does not know \(5, 6, 61\)"):
        open_scene(tmp_path)


def test_the_geolocation_of_another_length_is_refused(tmp_path):
    make.make_image(tmp_path)
    make.make_geolocation(tmp_path, scans=3)
    with pytest.raises(SceneError, match="has 30 lines, which do not fit the 2 scans"):
        open_scene(tmp_path)


def test_two_versions_of_one_file_are_refused_until_one_is_named(tmp_path):
    first, place = make.make_image(tmp_path), make.make_geolocation(tmp_path)
    shutil.copy(first, tmp_path / first.name.replace("2018001133000", "2019001133000"))
    with pytest.raises(SceneError, match="two files of MOD021KM"):
        open_scene(tmp_path)
    assert "red" in open_scene([first, place])


def test_files_of_two_satellites_are_refused(tmp_path):
    make.make_image(tmp_path)
    aqua = make.make_geolocation(tmp_path, platform="MYD")
    aqua.rename(aqua.with_name(aqua.name.replace("MYD", "MOD")))
    with pytest.raises(SceneError, match="of Terra and of Aqua"):
        open_scene(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b"SHORTNAME", b"SHORTNOME", "lacks SHORTNAME"),
        (b'"MOD021KM"', b'"MOD021XX"', "of the product MOD021XX"),
        (b"VERSIONID", b"VERSIONIX", "lacks VERSIONID"),
        (b"RANGEBEGINNINGTIME", b"RANGEBEGINNINGTIMX", "lacks RANGEBEGINNINGTIME"),
        (b"2018-01-01", b"2018-13-01", "is not a time"),
        (b"radiance_scales", b"radiance_scalex", "lacks the attribute radiance_scales"),
        (b"valid_range", b"valid_ranje", "lacks the attribute valid_range"),
        (b"band_names", b"band_namez", "lacks the attribute band_names"),
        (b"13lo,13hi", b"13lo;13hi", "for 14 bands"),
        (b"SolarZenith", b"SolarZenitx", "lacks the dataset SolarZenith"),
    ],
)
def test_damaged_metadata_are_named(folder, tmp_path, old, new, text):
    name = make.name_of("MOD021KM", make.START)
    content = (folder / name).read_bytes()
    assert old in content
    (tmp_path / name).write_bytes(content.replace(old, new))
    with pytest.raises(SceneError, match=text):
        open_scene(tmp_path, sensor="modis")


@pytest.mark.parametrize("size", [0, 3, 500, 0.3, 0.9])
def test_a_truncated_granule_is_refused(folder, tmp_path, size):
    name = make.name_of("MOD021KM", make.START)
    content = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(size * len(content)) if isinstance(size, float) else size])
    with pytest.raises(SceneError, match=f"{name} is (empty|cut off|not an HDF4 file)"):
        open_scene(tmp_path / name)


def test_data_damaged_after_opening_end_in_an_error_that_names_the_file(tmp_path):
    path = make.make_image(tmp_path)
    scene = open_scene(tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(SceneError, match=path.name):
        scene.red.compute()


def test_a_part_of_a_granule_is_refused(tmp_path):
    make.make_image(tmp_path, columns=700)
    with pytest.raises(SceneError, match=r"20 x 700 values, .* only a part of a granule was ordered"):
        open_scene(tmp_path)


# --- Level-1B against satpy


def test_satpy_reads_the_same(folder, monkeypatch):
    satpy = pytest.importorskip("satpy")
    files = [str(folder / make.name_of(f"MOD{kind}", make.START)) for kind in ("021KM", "03")]
    theirs = satpy.Scene(reader="modis_l1b", filenames=files)
    theirs.load(["1", "5", "13lo", "26", "20", "31", "solar_zenith_angle", "longitude"], resolution=1000)
    ours = open_scene(folder).compute()
    cosine = np.cos(np.radians(ours.sun_zenith.astype(float)))
    for native in ("1", "5", "13lo", "26"):  # percent, not divided by the cosine
        np.testing.assert_allclose(ours[ROLE[native]] * cosine, theirs[native].values / 100, rtol=2e-6)
    for native in ("20", "31"):  # constants of a later fit, the same to a millikelvin
        np.testing.assert_allclose(ours[ROLE[native]], theirs[native].values, atol=5e-3)
    np.testing.assert_allclose(ours.sun_zenith, theirs["solar_zenith_angle"].values, atol=1e-4)
    np.testing.assert_allclose(ours.longitude, theirs["longitude"].values, atol=1e-5)


# --- surface reflectance


def test_a_real_composite_has_the_values_of_its_file():
    path = shared(REAL)
    scene = open_scene(path).compute()
    for number, role in enumerate(("red", "nir", "blue", "green", "nir_1240", "swir1", "swir2"), 1):
        stored = plain(path, f"sur_refl_b{number:02d}").astype(float)
        expected = np.where((stored == -28672) | (stored < -100) | (stored > 16000), np.nan, stored * 1e-4)
        np.testing.assert_allclose(scene[role], expected, atol=1e-7)
        assert scene[role].attrs["standard_name"] == "surface_bidirectional_reflectance"
    np.testing.assert_allclose(scene.sun_zenith, plain(path, "sur_refl_szen") * 0.01, atol=1e-5)
    np.testing.assert_allclose(scene.relative_azimuth, plain(path, "sur_refl_raz") * 0.01, atol=1e-5)
    assert scene.attrs["time_coverage_start"] == "2017-07-12T00:00:00.000Z"
    assert scene.attrs["time_coverage_end"].startswith("2017-07-19")
    assert scene.attrs["reflectance_level"] == "surface"


def test_a_real_composite_is_physical():
    """Northern Italy in July: green, the Sun high, and the angle of the Sun at about 10:30."""
    scene = open_scene(shared(REAL)).compute()
    clear = ~(flag(scene, "cloud") | flag(scene, "cloud_possible") | flag(scene, "cloud_shadow"))
    index = ((scene.nir - scene.red) / (scene.nir + scene.red)).where(clear)
    assert 0.6 < float(index.mean()) < 0.9
    assert 22 < float(scene.sun_zenith.mean()) < 33
    assert clear.mean() > 0.7
    cloudy = scene.blue.values[flag(scene, "cloud")]
    assert cloudy.mean() > 1.5 * float(scene.blue.where(clear).mean())


def test_a_real_composite_lies_where_its_corners_say():
    from pyproj import Transformer

    scene = open_scene(shared(REAL))
    west, south, east, north = scene.rio.bounds()
    assert (west, north) == pytest.approx((753346.477074, 5132114.960978), abs=1e-3)
    assert (east, south) == pytest.approx((783925.116365, 5098293.132672), abs=1e-3)
    to_degrees = Transformer.from_crs(scene.rio.crs, "EPSG:4326", always_xy=True)
    latitude = north / make.EARTH
    longitude = west / (make.EARTH * math.cos(latitude))
    assert to_degrees.transform(west, north) == pytest.approx(
        (math.degrees(longitude), math.degrees(latitude)), abs=1e-6
    )


def test_bits_of_the_real_state_layer():
    path = shared(REAL)
    state = plain(path, "sur_refl_state_500m").astype(np.uint16)
    scene = open_scene(path)
    np.testing.assert_array_equal(flag(scene, "cloud"), ((state & 3) == 1) | (state >> 10 & 1 == 1))
    np.testing.assert_array_equal(flag(scene, "cloud_shadow"), state >> 2 & 1 == 1)
    np.testing.assert_array_equal(flag(scene, "high_aerosol"), (state >> 6 & 3) == 3)


@pytest.mark.parametrize(
    ("state", "flags"),
    [
        (0b0000_0000_0000_1000, set()),  # land, clear
        (0b0000_0000_0000_1001, {"cloud"}),
        (0b0000_0000_0000_1010, {"cloud_possible"}),
        (0b0000_0000_0000_1011, set()),  # not set, assumed clear
        (0b0000_0000_0000_1100, {"cloud_shadow"}),
        (0b0000_0000_0000_0000, {"water"}),  # shallow ocean
        (0b0000_0000_0001_0000, set()),  # coast
        (0b0000_0000_0010_1000, {"water"}),  # deep inland water
        (0b0000_0000_1100_1000, {"high_aerosol"}),
        (0b0000_0000_0100_1000, set()),
        (0b0000_0011_0000_1000, {"cirrus"}),
        (0b0000_0001_0000_1000, set()),
        (0b0000_0100_0000_1000, {"cloud"}),
        (0b0001_0000_0000_1000, {"snow_ice"}),
        (0b0010_0000_0000_1000, {"cloud_possible"}),
        (0b1000_0000_0000_1000, {"snow_ice"}),
        (65535, set()),  # missing
    ],
)
def test_states_of_a_daily_tile(tmp_path, state, flags):
    layer = np.full((12, 12), 8, np.uint16)
    layer[3, 5] = state
    scene = open_scene(make.make_daily(tmp_path, state=layer))
    for name in SCENE_FLAG.keys() - {"no_data"}:
        found = flag(scene, name)
        assert found[6:8, 10:12].all() == (name in flags)  # one cell of 1 km is four of 500 m
        found[6:8, 10:12] = False
        assert not found.any()


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_a_daily_tile_has_the_values_put_in(tmp_path, scale):
    """The scale of some collections is its reciprocal."""
    scene = open_scene(make.make_daily(tmp_path, scale=scale)).compute()
    for number, role in enumerate(("red", "nir", "blue", "green", "nir_1240", "swir1", "swir2"), 1):
        stored = make.surface_counts(f"sur_refl_b{number:02d}_1", 24)
        assert np.isnan(scene[role].values[0, :2]).all()
        assert int(np.isnan(scene[role]).sum()) == 2
        assert np.nanmax(np.abs(scene[role].values * 1e4 - stored)[1:]) < 0.5
    assert scene.attrs["granule"] == "MOD09GA.A2018001.h25v05"


def test_angles_of_a_daily_tile_are_repeated(tmp_path):
    scene = open_scene(make.make_daily(tmp_path)).compute()
    assert scene.red.shape == (24, 24)
    base = 10 * np.arange(144).reshape(12, 12).repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(scene.view_zenith, base / 100, atol=1e-4)
    np.testing.assert_allclose(scene.view_azimuth, ((1000 + base - 9000) / 100) % 360, atol=1e-3)
    np.testing.assert_allclose(scene.sun_zenith, (2000 + base) / 100, atol=1e-4)


def test_a_daily_tile_lies_where_its_name_says(tmp_path):
    scene = open_scene(make.make_daily(tmp_path))
    x, y = float(scene.x[0]), float(scene.y[0])
    tile = 2 * math.pi * make.EARTH / 36
    assert x - make.CELL / 4 == pytest.approx(-math.pi * make.EARTH + 25 * tile, abs=0.01)
    assert y + make.CELL / 4 == pytest.approx(math.pi / 2 * make.EARTH - 5 * tile, abs=0.01)
    assert float(scene.x[1] - scene.x[0]) == pytest.approx(463.3127, abs=1e-3)
    assert scene.rio.crs.to_dict()["proj"] == "sinu"


def test_a_tile_has_its_own_grid_only(tmp_path):
    path = make.make_daily(tmp_path)
    assert open_scene(path, resolution=500).sizes == open_scene(path).sizes
    assert scene_grids(path) == {500: ["red", "nir", "blue", "green", "nir_1240", "swir1", "swir2"]}
    for other in (250, 1000):
        with pytest.raises(InputError, match=rf"MOD09GA.* has no grid of {other} m\. It has 500 m"):
            open_scene(path, resolution=other)


def test_reflectance_of_the_surface_has_no_radiance(tmp_path):
    path = make.make_daily(tmp_path, platform="MYD")
    with pytest.raises(InputError, match="MYD09GA holds reflectance of the surface"):
        open_scene(path, calibration="radiance")
    counts = open_scene(path, calibration="counts")
    np.testing.assert_array_equal(counts.red, make.surface_counts("sur_refl_b01_1", 24))
    assert counts.attrs["platform"] == "Aqua"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (b"sur_refl_b03_1", b"sur_refl_b93_1", "lacks the dataset sur_refl_b03_1"),
        (b"YDim=24", b"YDim=25", "does not fit|make"),
        (b"GCTP_SNSOID", b"GCTP_SNSOIX", "projection 'GCTP_SNSOIX'"),
        (b"GridStructure", b"GridStructurX", ""),
        (b"GRID_", b"GRIX_", "describes no grid"),
        (b"scale_factor", b"scale_factox", "lacks the attribute scale_factor"),
        (b"_FillValue", b"_FillValux", "lacks the attribute _FillValue"),
    ],
)
def test_damaged_tiles_are_named(tmp_path, old, new, text):
    path = make.make_daily(tmp_path)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    if not text:
        assert "red" in open_scene(path)  # only the grids matter
        return
    with pytest.raises(SceneError, match=text) as caught:
        open_scene(path)
    assert path.name in str(caught.value)


def test_a_resampled_tile_is_refused(tmp_path):
    grids = {"MODIS_Grid_500m_2D": (500.0, 2, [f"sur_refl_b{n:02d}_1" for n in range(1, 8)])}
    path = make.make_daily(tmp_path, texts={"StructMetadata.0": make.structure(grids, 25, 5, 12, 12)})
    with pytest.raises(SceneError, match=r"does not fit .* of 463\.3 m"):
        open_scene(path)


def test_layers_of_a_tile_that_do_not_fit_are_refused(tmp_path):
    path = make.make_daily(tmp_path, state=np.zeros((5, 12), np.uint16))
    with pytest.raises(SceneError, match="5 x 12 values, which do not fit"):
        open_scene(path)


def test_every_product_has_a_layout():
    from musyq_lab.sensors._modis import KINDS

    assert set(KINDS) == set(surface.LAYOUTS) | set(l1b.IMAGES.values()) | {"03"}


def test_another_sensor_named_by_hand_is_refused(tmp_path):
    path = make.make_image(tmp_path, start=datetime(2018, 1, 1, 6, 0))
    with pytest.raises(MusyqError):
        open_scene(path, sensor="landsat_oli")
