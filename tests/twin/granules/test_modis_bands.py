"""How numbers become scaled integers, and the layout of the datasets by the file specification."""

import numpy as np
import pytest
from twin.granules.images import make, passes, world

from musyq_lab.sensors._modis_l1b import DATASETS as READ
from musyq_lab.twin.granules import _modis_bands as bands
from musyq_lab.twin.granules import modis

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
