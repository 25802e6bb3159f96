"""Specs of sensors refuse what could not work, and find their bands."""

import dataclasses
import pickle

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.sensor import CALIBRATIONS, THERMAL_FROM, Band, Mark, Sensor
from musyq_lab.core.variables import BAND_ROLES


def sensor(*bands, **changes):
    arguments = {
        **{"key": "toy", "title": "Toy", "platforms": ("P",), "resolution": 30, "swath": 185, "years": (2000, None)},
        **{"patterns": (r"(?P<granule>T\d+)_.*\.tif",), "reader": "rasterio", "bands": bands},
    }
    return Sensor(**{**arguments, **changes})


RED = Band("red", "3", 0.65, 0.05, 30)


def test_a_band_plays_a_role_only_within_its_wavelengths():
    for role in BAND_ROLES.values():
        low, high = role.wavelength_range
        for centre in (low, high):
            assert Band(role.name, "1", centre, 0.01, 30).thermal == (centre >= THERMAL_FROM)
        for centre in (low - 0.001, high + 0.001):
            with pytest.raises(InputError, match=f"cannot play the role '{role.name}'"):
                Band(role.name, "1", centre, 0.01, 30)


def test_a_band_without_a_role_keeps_its_native_name():
    assert Band("b17", "B17", 20.0, 0.1, 30).thermal
    for name in ("B17", "7a", "near-infrared", "", "_x", "a b"):
        with pytest.raises(InputError, match="lower-case letters, digits and underscores"):
            Band(name, "B17", 0.65, 0.1, 30)


def test_names_are_unique_on_each_grid_of_each_variant():
    coarse = dataclasses.replace(RED, resolution=60)
    assert sensor(RED, coarse).resolutions == (30, 60)
    with pytest.raises(InputError, match=r"names the bands \['red'\] of 30 m twice"):
        sensor(RED, RED)
    first, second = (dataclasses.replace(RED, variant=v) for v in ("A", "B"))
    assert sensor(first, second).variants == ("A", "B")
    with pytest.raises(InputError, match="twice"):
        sensor(first, second, RED)


def test_patterns_need_the_group_that_makes_a_granule():
    with pytest.raises(InputError, match="lacks the group 'granule'"):
        sensor(RED, patterns=(r"T\d+\.tif",))
    with pytest.raises(InputError, match="lacks the group 'granule'"):
        sensor(RED, folders=(r".*\.SAFE",))
    with pytest.raises(InputError, match="Sensor key 'Toy'"):
        sensor(RED, key="Toy")


def test_bands_of_a_variant():
    old, new = (dataclasses.replace(RED, variant=v, centre=c) for v, c in (("A", 0.64), ("B", 0.66)))
    common = Band("nir", "4", 0.85, 0.1, 30)
    spec = sensor(old, new, common)
    assert spec.bands_of("B") == (new, common)
    assert spec.bands_of("A") == spec.bands_of() == spec.bands_of("unheard of") == (old, common)
    assert sensor(common).bands_of("anything") == (common,)
    assert sensor(common).variants == ("",)


def test_a_band_by_role_or_native_name():
    spec = sensor(RED, Band("nir", "4", 0.85, 0.1, 30))
    assert spec.band("red") is spec.band("3") is RED
    with pytest.raises(NotFoundError, match=r"Toy has no band 'rad'\. Did you mean 'red'"):
        spec.band("rad")


def test_specs_are_frozen_and_travel():
    spec = sensor(RED, marks=(Mark("text", "x"),))
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.key = "other"
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert hash(spec) == hash(pickle.loads(pickle.dumps(spec)))


def test_reflectance_is_the_default_calibration():
    assert CALIBRATIONS == ("reflectance", "radiance", "counts")
