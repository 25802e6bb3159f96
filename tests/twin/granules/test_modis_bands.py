"""How numbers become scaled integers, and the layout of the datasets by the file specification."""

import numpy as np
import pytest
from twin.granules.images import make, passes, world

from musyq_lab.sensors._modis_l1b import BRIGHTNESS
from musyq_lab.sensors._modis_l1b import DATASETS as READ
from musyq_lab.twin.granules import _modis_bands as bands
from musyq_lab.twin.granules import modis
from musyq_lab.twin.granules._swath import Scanner, Window
from musyq_lab.twin.instrument import Image, Pixels

NATIVES = {"EV_1KM_RefSB": 15, "EV_1KM_Emissive": 16, "EV_250_Aggr1km_RefSB": 2, "EV_500_Aggr1km_RefSB": 5}
NATIVES |= {"EV_500_RefSB": 5, "EV_250_Aggr500_RefSB": 2, "EV_250_RefSB": 2}


@pytest.fixture(scope="module")
def image():
    overpass = passes(modis)[2]
    return make(overpass, modis.pixels(overpass, world()), thermal=list(modis.INSTRUMENT.bands[11:]))[0]


def layers_of(name, image, distance=1.0):
    dataset = next(d for group in bands.DATASETS.values() for d in group if d.name == name)
    window = image.pixels.extra["window"]
    return dataset, bands.layers(dataset, image, window, modis._roles("Terra", 1000), distance, "Terra")


def test_datasets_are_those_of_the_specification():
    held = {d.name: d for group in bands.DATASETS.values() for d in group}
    assert {name: len(d.natives) for name, d in held.items()} == NATIVES
    for metres, names in READ.items():
        assert {d.name for d in bands.DATASETS[metres]} == set(names)
    # Seven samples of four lines, three of two: neighbours under a triangular response.
    samples = {"EV_250_Aggr1km_RefSB": 7 * 4, "EV_500_Aggr1km_RefSB": 3 * 2, "EV_250_Aggr500_RefSB": 3 * 2}
    assert {name: d.samples for name, d in held.items() if d.samples} == samples


def test_scaled_integers_and_back():
    values = np.linspace(0.0, 1.0, 1001)
    numbers, index = bands.scaled(values, 5e-5, 316.9722, emissive=False)
    assert numbers.dtype == np.uint16
    assert index.dtype == np.uint8
    assert np.abs(5e-5 * (numbers.astype(float) - 316.9722) - values).max() <= 2.5e-5 * (1 + 1e-9)
    assert (index == 2).all()


@pytest.mark.parametrize(
    ("value", "emissive", "number", "index"),
    [
        (np.nan, False, 65535, 255),
        (np.nan, True, 65535, 255),
        (32767.4, False, 32767, 2),
        (32767.6, False, 65533, 15),
        (32767.4, True, 32767, 3),
        (32767.6, True, 65529, 15),
        (-0.4, False, 0, 2),
        (-0.6, False, 65530, 15),
        (-0.6, True, 0, 3),
    ],
)
def test_ends_of_the_scale(value, emissive, number, index):
    made = bands.scaled(np.array([[value]]), 1.0, 0.0, emissive=emissive)
    assert (int(made[0][0, 0]), int(made[1][0, 0])) == (number, index)


def test_uncertainty_indexes_mean_the_required_two_and_one_percent(image):
    for name, percent in (("EV_1KM_RefSB", 2.0), ("EV_1KM_Emissive", 1.0)):
        _, made = layers_of(name, image)
        attributes = made[1].attributes
        index = bands.scaled(np.ones((1, 1)), 1.0, 0.0, emissive=name.endswith("Emissive"))[1][0, 0]
        error = attributes["specified_uncertainty"] * np.exp(index / attributes["scaling_factor"])
        np.testing.assert_allclose(error, percent, rtol=0.07)


def test_every_scale_spans_what_the_ground_shows():
    for native, (reflectance, radiance) in bands.REFLECTIVE.items():
        top = 32767 * reflectance
        land = native in (*map(str, range(1, 8)), "17", "18", "19", "26")
        assert (0.8 < top < 2.0) if land else (0.04 < top < 1.0), native
        # Both scales describe one signal: their ratio is the solar irradiance over pi at 1 AU.
        assert 28 < radiance / reflectance < 670, native
    for native in bands.RANGE:
        scale, offset = bands.emissive_scale(native)
        assert scale * (32767 - offset) == pytest.approx(bands.RANGE[native][1])
        assert scale * (0 - offset) == pytest.approx(bands.RANGE[native][0])


def test_solar_irradiance_falls_with_wavelength_as_the_sun_does():
    """Within 3 percent of the irradiance of the table of the sensor where it has one, sea bands included."""
    known = {b.native: b.e0 for b in modis.SPEC.bands_of("Terra") if b.e0 and b.resolution == 1000}
    for native, e0 in known.items():
        reflectance, radiance = bands.REFLECTIVE[native]
        assert radiance / reflectance * np.pi == pytest.approx(e0, rel=0.04), native


def test_radiance_is_that_of_planck_near_the_centre():
    for native, wavelength in (("31", 11.03), ("20", 3.79), ("36", 14.2)):
        made = float(bands.radiance(np.array(300.0), native, "Terra"))
        c1, c2 = 1.191042972e8, 14387.76877  # W um4 m-2 sr-1, um K
        assert made == pytest.approx(c1 / wavelength**5 / np.expm1(c2 / wavelength / 300.0), rel=0.03)
    rising = bands.radiance(np.array([0.0, 1.0, 150.0, 250.0, 350.0]), "20", "Aqua")
    assert (np.diff(rising) >= 0).all()
    assert np.isfinite(rising).all()


@pytest.mark.parametrize("name", ["EV_1KM_RefSB", "EV_1KM_Emissive", "EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB"])
def test_attributes_of_the_specification(image, name):
    dataset, made = layers_of(name, image)
    many = len(dataset.natives)
    assert [layer.name for layer in made][:2] == [name, f"{name}_Uncert_Indexes"]
    first = made[0].attributes
    wanted = {"units", "valid_range", "_FillValue", "long_name", "band_names", "radiance_units"}
    quantities = ["radiance"] if dataset.emissive else ["radiance", "reflectance", "corrected_counts"]
    for quantity in quantities:
        wanted |= {f"{quantity}_scales", f"{quantity}_offsets", f"{quantity}_units"}
        for part in ("scales", "offsets"):
            values = first[f"{quantity}_{part}"]
            assert values.shape == (many,)
            assert values.dtype == np.float32
    assert set(first) == wanted
    assert first["band_names"].split(",") == list(dataset.natives)
    assert list(first["valid_range"]) == [0, 32767]
    assert first["_FillValue"] == np.uint16(65535)
    assert made[0].dims[1:] == ("10*nscans:MODIS_SWATH_Type_L1B", "Max_EV_frames:MODIS_SWATH_Type_L1B")
    assert made[0].dims[0] == f"{dataset.dim}:MODIS_SWATH_Type_L1B"
    assert made[0].data.shape == made[1].data.shape == (many, image.sun_zenith.shape[0], 1354)
    assert (len(made) == 3) == bool(dataset.samples)


def test_corrected_counts_end_at_twelve_bits(image):
    """0.12619 and 316.9722 of 1 km, as in a real granule."""
    _, made = layers_of("EV_1KM_RefSB", image)
    assert made[0].attributes["corrected_counts_scales"][0] == pytest.approx(0.12619, rel=1e-4)
    assert made[0].attributes["corrected_counts_offsets"][0] == pytest.approx(316.9722)
    _, made = layers_of("EV_250_Aggr1km_RefSB", image)
    assert made[0].attributes["corrected_counts_offsets"][0] == 0


def test_distance_of_the_sun_changes_scales_of_reflectance_alone(image):
    near, far = (layers_of("EV_250_Aggr1km_RefSB", image, d)[1][0] for d in (0.983, 1.017))
    ratio = far.attributes["reflectance_scales"] / near.attributes["reflectance_scales"]
    np.testing.assert_allclose(ratio, (1.017 / 0.983) ** 2, rtol=1e-6)
    np.testing.assert_array_equal(far.attributes["radiance_scales"], near.attributes["radiance_scales"])
    assert far.data.min() < near.data.min()


def test_names_of_finer_grids():
    assert bands.swath_dims(2) == ("20*nscans:MODIS_SWATH_Type_L1B", "2*Max_EV_frames:MODIS_SWATH_Type_L1B")
    assert bands.swath_dims(4)[0].startswith("40*nscans")


def test_numbers_of_bands():
    layer = bands.band_centres(bands.DATASETS[1000][0])
    assert layer.name == "Band_1KM_RefSB"
    assert list(layer.data) == [8, 9, 10, 11, 12, 13, 13.5, 14, 14.5, 15, 16, 17, 18, 19, 26]


# A scanner of 12 columns, of which 4 see the world: ten lines, of which the first has no value.
SMALL = Window(Scanner(10, 12, 1e-3, 1e-3, 1.0, 1e-4, centred=False), None, 0, 1, 3, 4)
ROLES = {"1": "red", "2": "nir", "6": "swir1", "26": "cirrus", "31": "tir1", "20": "mir"}


def little(sun=40.0, value=0.3, kelvin=290.0, factor=1):
    shape = 10 * factor, 4 * factor
    angles = np.full(shape, sun, np.float32)
    field = np.linspace(0.5, 1.0, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    field[0] = np.nan
    values = {name: (kelvin if name in ("tir1", "mir") else value) * field for name in ROLES.values()}
    pixels = Pixels(tuple(values), 1000.0 / factor, angles, angles, 1000.0 / factor)
    return Image(pixels, values, angles, angles, angles, angles, field, np.zeros(shape, bool))


def dataset_of(name):
    return next(d for group in bands.DATASETS.values() for d in group if d.name == name)


def stored(name, image, distance=1.0, platform="Terra"):
    """First layer of a dataset, and all by their names."""
    made = bands.layers(dataset_of(name), image, SMALL, ROLES, distance, platform)
    return made[0], {layer.name: layer.data for layer in made}


@pytest.mark.parametrize(
    ("name", "factor"), [("EV_250_Aggr1km_RefSB", 1), ("EV_250_Aggr500_RefSB", 2), ("EV_250_RefSB", 4)]
)
@pytest.mark.parametrize("distance", [0.9833, 1.0167])
def test_reflectance_comes_back_by_the_users_guide(name, factor, distance):
    """Reflectance x cos(sun zenith) = scale x (number - offset); the radiance of both scales is one signal."""
    image = little(factor=factor)
    layer, _ = stored(name, image, distance)
    numbers = layer.data[:, factor:, 3 * factor : 7 * factor].astype(float)
    for k, role in enumerate(("red", "nir")):
        scale, offset = (float(layer.attributes[f"reflectance_{part}"][k]) for part in ("scales", "offsets"))
        made = scale * (numbers[k] - offset)
        expected = image.values[role][factor:] * np.cos(np.radians(40.0))
        assert np.abs(made - expected).max() < 0.51 * scale
        e0 = np.pi * float(layer.attributes["radiance_scales"][k]) / scale * distance**2
        assert e0 == pytest.approx({"red": 1606.2, "nir": 992.2}[role], rel=1e-3)


@pytest.mark.parametrize("platform", ["Terra", "Aqua"])
@pytest.mark.parametrize("native", ["20", "31"])
def test_temperatures_come_back_by_the_inverse_of_planck(platform, native):
    image = little()
    layer, _ = stored("EV_1KM_Emissive", image, platform=platform)
    k = layer.attributes["band_names"].split(",").index(native)
    numbers = layer.data[k, 1:, 3:7].astype(float)
    radiance = float(layer.attributes["radiance_scales"][k]) * (
        numbers - float(layer.attributes["radiance_offsets"][k])
    )
    wavenumber, slope, intercept = BRIGHTNESS[platform][native]
    metres = 0.01 / wavenumber
    h, c, boltzmann = 6.62607015e-34, 299792458.0, 1.380649e-23
    effective = h * c / (boltzmann * metres) / np.log1p(2e-6 * h * c**2 / metres**5 / radiance)
    kelvin = (effective - intercept) / slope
    expected = image.values[ROLES[native]][1:]
    warm = expected > 230  # colder than that, a step of band 20 is a kelvin
    assert np.abs(kelvin - expected)[warm].max() < 0.2


@pytest.mark.parametrize("name", ["EV_1KM_RefSB", "EV_1KM_Emissive", "EV_250_Aggr1km_RefSB", "EV_500_Aggr1km_RefSB"])
def test_what_is_not_seen_is_fill_with_the_index_of_fill(name):
    layer, every = stored(name, little())
    natives = layer.attributes["band_names"].split(",")
    index = every[f"{name}_Uncert_Indexes"]
    assert layer.data.shape == index.shape == (len(natives), 10, 12)
    for k, native in enumerate(natives):
        known = np.zeros((10, 12), bool)
        known[1:, 3:7] = native in ROLES
        np.testing.assert_array_equal(layer.data[k] == 65535, ~known)
        np.testing.assert_array_equal(index[k] == 255, ~known)
        if f"{name}_Samples_Used" in every:
            used = every[f"{name}_Samples_Used"][k]
            assert set(used[known]) <= {dataset_of(name).samples}
            assert (used[~known] == -1).all()


@pytest.mark.parametrize("sun", [90.0, 100.0, 180.0])
def test_there_is_no_light_at_night(sun):
    layer, _ = stored("EV_250_Aggr1km_RefSB", little(sun=sun))
    seen = layer.data[:, 1:, 3:7]
    assert (seen <= 1).all()
    cirrus = stored("EV_1KM_RefSB", little(sun=sun))[0]
    assert set(cirrus.data[-1, 1:, 3:7].ravel().tolist()) == {317}  # the offset of 1 km


def test_bright_clouds_saturate_and_hot_fires_go_beyond():
    layer, every = stored("EV_250_Aggr1km_RefSB", little(sun=0.0, value=3.0))
    assert (layer.data[0, -1, 3:7] == bands.SATURATED).all()
    assert (every["EV_250_Aggr1km_RefSB_Uncert_Indexes"][0, -1, 3:7] == 15).all()
    layer, _ = stored("EV_1KM_Emissive", little(kelvin=800.0))
    for native in ("20", "31"):
        assert (layer.data[list(bands.RANGE).index(native), -1, 3:7] == bands.BEYOND).all()


def test_band_26_is_held_twice():
    layer, every = stored("EV_1KM_RefSB", little())
    twice = bands.cirrus(layer.data[-1], every["EV_1KM_RefSB_Uncert_Indexes"][-1], 1.0)
    assert [part.name for part in twice] == ["EV_Band26", "EV_Band26_Uncert_Indexes"]
    np.testing.assert_array_equal(twice[0].data, layer.data[-1])
    assert twice[0].dims == ("10*nscans:MODIS_SWATH_Type_L1B", "Max_EV_frames:MODIS_SWATH_Type_L1B")
    for key in ("reflectance_scales", "reflectance_offsets", "radiance_scales"):
        assert twice[0].attributes[key].tolist() == [layer.attributes[key][-1]]
    assert "band_names" not in twice[0].attributes


@pytest.mark.parametrize("native", bands.RANGE)
@pytest.mark.parametrize("platform", ["Terra", "Aqua"])
def test_radiance_rises_with_temperature_without_end(native, platform):
    kelvin = np.array([0.0, 5.0, 100.0, 200.0, 300.0, 400.0, 1000.0])
    made = bands.radiance(kelvin, native, platform)
    assert np.isfinite(made).all()
    assert (np.diff(made[2:]) > 0).all()
    assert np.isnan(bands.radiance(np.array([np.nan]), native, platform)).all()
    # An image of 180 to 300 K lies within the numbers of every band.
    low, high = bands.RANGE[native]
    assert low < bands.radiance(np.array(180.0), native, platform) < bands.radiance(np.array(300.0), native, platform)
    assert bands.radiance(np.array(300.0), native, platform) < 2.2 * high
