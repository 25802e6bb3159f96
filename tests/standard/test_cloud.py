import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.quality import SCENE_FLAG
from musyq_lab.kernels import cloud as kernels
from musyq_lab.standard import cloud, layout
from musyq_lab.standard._cloud_background import Background

# Clear reflectance at the top of the atmosphere, and temperature (K): vegetation, bare soil, a lake; then thick cloud.
WAVES = {"blue": 0.4826, "green": 0.5613, "red": 0.6546, "nir": 0.8646, "swir1": 1.6091, "swir2": 2.2, "cirrus": 1.374}
GRASS = dict(zip(WAVES, (0.095, 0.085, 0.065, 0.32, 0.18, 0.09, 0.002), strict=True))
SOIL = dict(zip(WAVES, (0.145, 0.155, 0.17, 0.24, 0.3, 0.25, 0.002), strict=True))
LAKE = dict(zip(WAVES, (0.085, 0.06, 0.04, 0.025, 0.01, 0.005, 0.001), strict=True))
WHITE = dict(zip(WAVES, (0.6, 0.58, 0.57, 0.6, 0.5, 0.4, 0.01), strict=True))
SNOW = dict(zip(WAVES, (0.8, 0.8, 0.8, 0.75, 0.1, 0.08, 0.01), strict=True))
HEAT = {"grass": 296.0, "soil": 302.0, "lake": 291.0, "white": 272.0, "snow": 264.0}
FOUR = ("blue", "green", "red", "nir")
CLOUD = (slice(40, 52), slice(60, 80))  # rows, columns of the cloud in `scene`
PIXEL = 30.0


def pattern(rows=96, columns=128):
    """Return where soil and lake lie in grass."""
    y, x = np.mgrid[:rows, :columns]
    return (x // 16 + y // 16) % 3 == 0, (y > rows - 24) & (x < 40)


def scene(bands=tuple(WAVES), thermal=True, angles=True, clouds=(CLOUD,), base=GRASS, shape=(96, 128), noise=2e-3):
    """Return a standard scene of grass, soil and a lake with thick clouds in it."""
    soil, lake = pattern(*shape)
    random = np.random.Generator(np.random.Philox(7))
    draw = lambda scale: random.normal(0.0, scale, shape)  # noqa: E731
    cover = np.zeros(shape, bool)
    for part in clouds:
        cover[part] = True
    warm = np.select([cover, lake, soil], [HEAT["white"], HEAT["lake"], HEAT["soil"]], HEAT["grass"])
    layers = []
    for name in bands:
        values = np.select([cover, lake, soil], [WHITE[name], LAKE[name], SOIL[name]], base[name])
        layers.append(values + draw(noise))
    dims = ("y", "x")
    coords = {
        "band": list(bands), "wavelength": ("band", [WAVES[name] for name in bands]),
        "y": 4.4e6 - PIXEL * np.arange(shape[0]), "x": 4e5 + PIXEL * np.arange(shape[1]),
    }  # fmt: skip
    made = xr.Dataset({"reflectance": (("band", *dims), np.array(layers, np.float32))}, coords)
    if thermal:
        heat = np.stack([warm + draw(0.3), warm - 1.0 + draw(0.3)]).astype(np.float32)
        made["brightness_temperature"] = (("thermal_band", *dims), heat)
        made = made.assign_coords(thermal_band=["tir1", "tir2"])
    if angles:
        for name, value in {
            "sun_zenith": 40.0,
            "sun_azimuth": 135.0,
            "view_zenith": 0.0,
            "view_azimuth": 100.0,
        }.items():
            made[name] = (dims, np.full(shape, value, np.float32))
    made["qa"] = (dims, np.zeros(shape, np.uint16))
    return made.assign_attrs(sensor="landsat_oli", platform="Landsat-8", reflectance_level=layout.TOP, history="made")


def covered(shape=(96, 128)):
    mask = np.zeros(shape, bool)
    mask[CLOUD] = True
    return mask


def bit(result, name):
    return layout.flagged(result, name).values


BANDS = {
    "all": {},
    "without 1.38 um": {"bands": tuple(WAVES)[:-1]},
    "without thermal": {"thermal": False},
    "visible, near and 1.6 um": {"bands": (*FOUR, "swir1"), "thermal": False},
    "four bands": {"bands": FOUR, "thermal": False},
    "four bands and thermal": {"bands": FOUR},
    "no blue, thermal": {"bands": ("red", "nir", "swir1")},
    "no green": {"bands": ("blue", "red", "nir", "swir1")},
}


@pytest.mark.parametrize("choice", BANDS.values(), ids=list(BANDS))
def test_thick_cloud_is_found_with_any_set_of_bands(choice):
    result = cloud.classify(scene(**choice), source="tests")
    found = bit(result, "cloud")
    assert (found == covered()).mean() > 0.99
    assert found[covered()].mean() > 0.99


def test_water_is_the_lake_and_no_snow_in_summer():
    result = cloud.classify(scene(), source="tests")
    lake = pattern()[1]
    assert (bit(result, "water") == lake).mean() > 0.99
    assert not bit(result, "snow_ice").any()
    assert not bit(result, "night").any()


def test_snow_is_no_cloud_and_cloud_over_snow_is():
    result = cloud.classify(scene(base=SNOW).assign(**cold()), source="tests")
    soil, lake = pattern()
    ground = ~covered() & ~soil & ~lake
    assert bit(result, "snow_ice")[ground].mean() > 0.99
    assert not bit(result, "cloud")[ground].any()
    assert bit(result, "cloud")[covered()].mean() > 0.99


def cold():
    soil, lake = pattern()
    heat = np.select([covered(), lake, soil], [250.0, 271.0, 270.0], HEAT["snow"])
    return {"brightness_temperature": (("thermal_band", "y", "x"), np.stack([heat, heat]).astype(np.float32))}


def test_thin_cirrus_shows_at_one_point_three_eight_micrometres_alone():
    made = scene(clouds=(), thermal=False)
    thin = np.zeros((96, 128), bool)
    thin[10:30, 10:50] = True
    made["reflectance"] = made["reflectance"] + xr.DataArray(0.04 * thin, dims=("y", "x")).astype(np.float32) * (
        made["band"] == "cirrus"
    )
    result = cloud.classify(made, source="tests")
    assert bit(result, "cirrus")[thin].all()
    assert bit(result, "cloud")[thin].mean() > 0.95
    assert not bit(result, "cirrus")[~thin].any()


# ---- shadow ----------------------------------------------------------------------------------------------------------
def shaded(height=1500.0, sun=40.0, azimuth=135.0, view=0.0, view_azimuth=100.0, **choice):
    """Return a scene with the shadow of its cloud, and where: h (tan v towards the sensor - tan s towards the Sun)."""
    made = scene(**choice)
    if "brightness_temperature" in made:
        top = np.float32(HEAT["grass"] - 6.5e-3 * height)
        made["brightness_temperature"] = made["brightness_temperature"].where(~covered(), top)
    angles = {"sun_zenith": sun, "sun_azimuth": azimuth, "view_zenith": view, "view_azimuth": view_azimuth}
    for name, value in angles.items():
        made[name] = (("y", "x"), np.full((96, 128), value, np.float32))
    t, s = np.radians([view, sun])
    a, b = np.radians([view_azimuth, azimuth])
    east = height * (np.tan(t) * np.sin(a) - np.tan(s) * np.sin(b))
    north = height * (np.tan(t) * np.cos(a) - np.tan(s) * np.cos(b))
    rows, columns = np.nonzero(covered())
    mask = np.zeros((96, 128), bool)
    mask[np.rint(rows - north / PIXEL).astype(int), np.rint(columns + east / PIXEL).astype(int)] = True
    mask &= ~covered()
    made["reflectance"] = made["reflectance"] * xr.DataArray(np.where(mask, 0.45, 1.0), dims=("y", "x")).astype(
        np.float32
    )
    return made, mask


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        {"height": 800.0},
        {"azimuth": 220.0},
        {"view": 30.0},
        {"view": 30.0, "view_azimuth": 280.0, "thermal": False},
    ],
    ids=["Sun in the south-east", "low cloud", "south-west", "seen from the east", "seen from the west"],
)
def test_shadow_lies_where_the_geometry_puts_it(geometry):
    made, true = shaded(**geometry)
    found = bit(cloud.classify(made, source="tests"), "cloud_shadow")
    true = true & ~pattern()[1]
    assert found[true].mean() > 0.9
    assert found.sum() < 1.6 * true.sum()


def test_shadow_is_the_same_in_degrees_and_on_a_swath():
    made, true = shaded()
    expected = bit(cloud.classify(made, source="tests"), "cloud_shadow")
    metre = 1 / 111_195.0
    y, x = np.mgrid[:96, :128]
    places = {"latitude": (("y", "x"), -y * PIXEL * metre), "longitude": (("y", "x"), 179.99 + x * PIXEL * metre)}
    swath = made.drop_vars(["x", "y"]).assign_coords(places)
    swath["longitude"] = (swath["longitude"] + 180.0) % 360.0 - 180.0  # across the antimeridian
    assert np.array_equal(bit(cloud.classify(swath, source="tests"), "cloud_shadow"), expected)
    grid = made.rename(y="latitude", x="longitude")
    grid = grid.assign_coords(latitude=-np.arange(96) * PIXEL * metre, longitude=np.arange(128) * PIXEL * metre)
    assert np.array_equal(bit(cloud.classify(grid, source="tests"), "cloud_shadow"), expected)
    assert expected[true].mean() > 0.8


def test_dark_ground_that_no_cloud_shades_is_no_shadow():
    made, _ = shaded()
    made["reflectance"][:, 5:15, 100:125] *= 0.4  # on the side of the Sun
    found = bit(cloud.classify(made, source="tests"), "cloud_shadow")
    assert not found[5:15, 100:125].any()


@pytest.mark.parametrize(
    ("drop", "said"), [(["sun_azimuth"], "for want of sun_azimuth"), (["x", "y"], "for want of coordinates")]
)
def test_without_geometry_there_is_no_shadow_and_the_history_says_so(drop, said):
    made, _ = shaded()
    result = cloud.classify(made.drop_vars(drop), source="tests")
    assert not bit(result, "cloud_shadow").any()
    assert bit(result, "cloud").any()
    assert said in result.attrs["history"].splitlines()[-1]


# ---- whose bits ------------------------------------------------------------------------------------------------------
def marked(made):
    """Return the scene with a producer's cloud, shadow and snow away from the true cloud."""
    qa = made["qa"].values.copy()
    qa[0:5, 0:5] |= SCENE_FLAG["cloud"].mask
    qa[0:5, 10:15] |= SCENE_FLAG["snow_ice"].mask
    qa[0:5, 20:25] |= SCENE_FLAG["saturated"].mask
    return made.assign(qa=(("y", "x"), qa))


def test_source_says_whose_bits_count():
    made = marked(scene())
    tests, either, producer = (cloud.classify(made, source=source) for source in ("tests", "either", "producer"))
    assert not bit(tests, "cloud")[0:5, 0:5].any()
    assert not bit(tests, "snow_ice").any()
    assert bit(either, "cloud")[0:5, 0:5].all()
    assert bit(either, "cloud")[covered()].all()
    assert bit(either, "snow_ice")[0:5, 10:15].all()
    assert np.array_equal(producer["qa"], made["qa"])
    assert all(bit(result, "saturated")[0:5, 20:25].all() for result in (tests, either, producer))


@pytest.mark.parametrize("source", ["tests", "producer"])
def test_dilation_widens_cloud_by_so_many_pixels_and_nothing_else(source):
    made = marked(scene(noise=0.0))
    narrow, wide = (bit(cloud.classify(made, source=source, dilate=n), "cloud") for n in (0, 3))
    rows, columns = np.nonzero(narrow)
    expected = np.zeros_like(narrow)
    for r, c in zip(rows, columns, strict=True):
        expected[max(r - 3, 0) : r + 4, max(c - 3, 0) : c + 4] = True
    assert np.array_equal(wide, expected)


def test_history_and_attributes_are_kept():
    result = cloud.classify(scene(), source="tests")
    assert result.attrs["history"].startswith("made\n")
    assert "classify(" in result.attrs["history"].splitlines()[-1]
    assert result["qa"].dtype == np.uint16
    assert "cloud_shadow" in result["qa"].attrs["flag_meanings"]
    assert result.attrs["sensor"] == "landsat_oli"


# ---- lazy, chunks, threads -------------------------------------------------------------------------------------------
def refuse(*_, **__):
    raise AssertionError("something was computed")


def test_nothing_is_computed_before_it_is_asked_for():
    lazy = shaded()[0].chunk({"band": 1, "thermal_band": 1, "y": 40, "x": 50})
    with dask.config.set(scheduler=refuse):
        result = cloud.classify(lazy, dilate=2, previous=[lazy])
    assert isinstance(result["qa"].data, da.Array)
    assert result["qa"].dtype == np.uint16


@pytest.mark.parametrize("chunks", [(96, 128), (40, 50), (7, 128), (33, 29)])
def test_chunks_and_threads_do_not_change_a_bit(chunks):
    made = marked(shaded()[0])
    expected = cloud.classify(made, dilate=2)["qa"].values
    lazy = made.chunk({"band": 1, "thermal_band": 2, "y": chunks[0], "x": chunks[1]})
    for threads in (1, 4):
        found = cloud.classify(lazy, dilate=2)["qa"].compute(scheduler="threads", num_workers=threads)
        assert np.array_equal(found, expected)


def test_coarse_geometry_of_large_scenes_knows_no_chunks(monkeypatch):
    monkeypatch.setattr("musyq_lab.standard._cloud_shadow._MOST", 20)
    made, true = shaded()
    expected = bit(cloud.classify(made), "cloud_shadow")
    lazy = cloud.classify(made.chunk({"y": 31, "x": 47}))
    assert np.array_equal(bit(lazy, "cloud_shadow"), expected)
    assert expected[true & ~pattern()[1]].mean() > 0.8


# ---- other days ------------------------------------------------------------------------------------------------------
def test_other_days_tell_cloud_from_ground_that_is_always_white():
    """A white roof, warm, in four bands and thermal: cloud for one day, ground when every day shows it."""
    days = [scene(bands=FOUR, clouds=()) for _ in range(5)]
    roof = (slice(10, 14), slice(100, 104))
    for day in days:
        for name in FOUR:
            day["reflectance"].loc[{"band": name}][roof] = 0.19
    today = days.pop()
    alone = bit(cloud.classify(today, source="tests"), "cloud")[roof]
    known = bit(cloud.classify(today, source="tests", previous=days), "cloud")[roof]
    assert alone.mean() > 0.9
    assert known.mean() < 0.1
    stacked = xr.concat(days, "time", data_vars=["reflectance", "brightness_temperature"], coords="minimal")
    again = cloud.classify(today, source="tests", previous=stacked)
    assert np.array_equal(bit(again, "cloud")[roof], known)


def test_other_days_find_cloud_that_covers_the_whole_scene():
    """A veil over everything is a scene's clear state, unless other days were far clearer and warmer."""
    clear = scene(bands=FOUR, clouds=())
    veil = clear.assign(
        reflectance=clear["reflectance"] + np.float32(0.07),
        brightness_temperature=clear["brightness_temperature"] - np.float32(12.0),
    )
    assert bit(cloud.classify(veil, source="tests"), "cloud").mean() < 0.5
    assert bit(cloud.classify(veil, source="tests", previous=[clear, clear]), "cloud").mean() > 0.9


# ---- companions ------------------------------------------------------------------------------------------------------
def test_companions_lend_the_bands_that_a_grid_lacks():
    """Snow in four bands at 10 m with 1.6 um at 20 m beside it."""
    fine = scene(bands=FOUR, base=SNOW, thermal=False, clouds=())
    coarse = scene(bands=("nir", "swir1"), base=SNOW, thermal=False, clouds=()).isel(
        y=slice(0, None, 2), x=slice(0, None, 2)
    )
    soil, lake = pattern()
    snow = ~soil & ~lake
    alone, helped = (cloud.classify(fine, source="tests", companions=given) for given in ((), [coarse]))
    assert bit(alone, "cloud")[snow].mean() > 0.9
    assert bit(helped, "snow_ice")[snow].mean() > 0.9
    lazy = cloud.classify(fine.chunk({"y": 30, "x": 30}), source="tests", companions=[coarse.chunk({"y": 20})])
    assert np.array_equal(lazy["qa"].values, helped["qa"].values)


def test_companions_need_coordinates_of_the_same_kind():
    made = scene()
    with pytest.raises(InputError, match="projected grids"):
        cloud.classify(made, companions=[made.drop_vars(["x", "y"])])
    other = made.assign_coords(spatial_ref=((), 0, {"crs_wkt": "another"}))
    with pytest.raises(InputError, match="different coordinate reference systems"):
        cloud.classify(made, companions=[other])


# ---- poor scenes -----------------------------------------------------------------------------------------------------
def test_pixels_without_data_get_no_bits_and_do_not_disturb_the_others():
    made = scene()
    hole = made.copy(deep=True)
    hole["reflectance"][:, :10] = np.nan
    hole["brightness_temperature"][:, :10] = np.nan
    result = cloud.classify(hole, source="tests", dilate=1)
    assert not result["qa"].values[:10].any()
    assert np.array_equal(bit(result, "cloud")[11:], bit(cloud.classify(made, source="tests", dilate=1), "cloud")[11:])


@pytest.mark.parametrize("lazy", [False, True])
def test_a_scene_of_nothing_gives_nothing(lazy):
    made = scene() * np.float32(np.nan)
    made = made.assign(qa=(("y", "x"), np.zeros((96, 128), np.uint16))).assign_attrs(scene().attrs)
    result = cloud.classify(made.chunk({"y": 40}) if lazy else made, source="tests")
    assert not result["qa"].values.any()


def test_one_pixel_is_enough():
    one = scene().isel(y=slice(45, 46), x=slice(70, 71))
    assert bit(cloud.classify(one, source="tests"), "cloud").all()
    assert not bit(cloud.classify(scene().isel(y=slice(0, 1), x=slice(20, 21)), source="tests"), "cloud").any()


def test_scene_without_producer_bits():
    result = cloud.classify(scene().drop_vars("qa"))
    assert bit(result, "cloud")[covered()].mean() > 0.99


def test_night_is_marked_and_its_reflectance_not_used():
    made = scene()
    made["sun_zenith"] = made["sun_zenith"] * 0.0 + np.float32(100.0)
    result = cloud.classify(made, source="tests", previous=[scene(clouds=())])
    assert bit(result, "night").all()
    assert not bit(result, "water").any()
    assert bit(result, "cloud")[covered()].mean() > 0.99
    assert bit(result, "cloud")[~covered()].mean() < 0.01


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.assign_attrs(reflectance_level=layout.SURFACE), "top of atmosphere"),
        (lambda s: s.sel(band=["blue", "green", "nir"]), "'red'"),
        (lambda s: s.sel(band=["blue", "red"]), "'nir'"),
        (lambda s: s.drop_vars("reflectance"), "reflectance"),
    ],
)
def test_scenes_that_cannot_be_judged_are_refused_in_words(change, words):
    with pytest.raises(InputError, match=words):
        cloud.classify(change(scene()))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"source": "usgs"}, "either, tests, producer"),
        ({"dilate": -1}, "whole number of pixels"),
        ({"dilate": 1.5}, "whole number of pixels"),
        ({"previous": [scene(shape=(20, 20), clouds=())]}, "not of the same view"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, words):
    with pytest.raises(InputError, match=words):
        cloud.classify(scene(), **parameters)


def test_background_is_what_the_kernel_takes():
    """The clear values follow the planes among the arguments of the kernel, in its order."""
    names = kernels.decide.function.__code__.co_varnames[: kernels.decide.function.__code__.co_argcount]
    assert len(names) == 12 + 4 + len(Background._fields) + 1 + 1
    assert [name.removesuffix("_clear") for name in names[16:-2]] == [
        name.replace("snow_index", "index") for name in Background._fields
    ]
