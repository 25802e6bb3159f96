"""What a writer of granules promises, asked of every one there is: small worlds, one overpass."""

import dataclasses
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from twin.granules.images import passes

import musyq_lab as ml
from musyq_lab.twin import granules
from musyq_lab.twin.grid import local_grid
from musyq_lab.twin.instrument import Granule, Image, Instrument, Pixels
from musyq_lab.twin.orbit import Geostationary

NAMES = sorted(p.stem for p in Path(granules.__file__).parent.glob("*.py") if not p.stem.startswith("_"))
PLACES = {"north": (116.0, 40.2), "south": (121.5, -30.4)}


def module(name: str) -> ModuleType:
    return import_module(f"musyq_lab.twin.granules.{name}")


@cache
def looked(name, place):
    """First overpass that sees a world of 12 km, the world, and its pixels."""
    grid = local_grid(*PLACES[place], 12.0, 200.0)
    writer = module(name)
    for overpass in passes(writer, PLACES[place], datetime(2023, 6, 1), 16):
        made = writer.pixels(overpass, grid)
        if made:
            return overpass, grid, made
    raise AssertionError(f"{name} sees no world in 16 days")


CASES = [(name, place) for name in NAMES for place in PLACES]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(case))
def case(request):
    return looked(*request.param)


@pytest.mark.parametrize("name", NAMES)
def test_every_module_is_a_writer(name):
    writer = module(name)
    assert isinstance(writer.INSTRUMENT, Instrument)
    for method in ("pixels", "write"):
        ours, promised = (getattr(what, method).__annotations__ for what in (writer, Granule))
        assert ours.keys() == promised.keys(), method


@pytest.mark.parametrize("name", NAMES)
def test_instruments_are_those_of_the_sensors(name):
    instrument = module(name).INSTRUMENT
    assert instrument.sensor == name
    sensor = ml.SENSORS[name]
    satellites = [platform for platform, _ in getattr(instrument.orbit, "satellites", ())] or [instrument.platform]
    for platform in (instrument.platform, *satellites):
        assert platform in sensor.platforms
    roles = {band.name for band in sensor.bands_of(instrument.variant or None)}
    assert set(instrument.bands) <= roles
    assert len(set(instrument.bands)) == len(instrument.bands)


def test_pixels_have_one_shape_and_lie_on_the_earth(case):
    _, _, made = case
    for pixels in made:
        assert pixels.longitude.shape == pixels.latitude.shape
        assert pixels.longitude.ndim == 2
        assert pixels.longitude.dtype == pixels.latitude.dtype == np.float64
        np.testing.assert_array_equal(np.isnan(pixels.longitude), np.isnan(pixels.latitude))
        assert np.nanmax(np.abs(pixels.longitude)) <= 180
        assert np.nanmax(np.abs(pixels.latitude)) <= 90
        assert pixels.elevation is None or pixels.elevation.shape == pixels.longitude.shape


def test_every_band_has_one_grid(case):
    overpass, _, made = case
    names = [name for pixels in made for name in pixels.bands]
    sensor = ml.SENSORS[overpass.sensor]
    variant = str(made[0].extra.get("variant", "")) or module(overpass.sensor).INSTRUMENT.variant or None
    known = {band.name for band in sensor.bands_of(variant)}
    assert set(names) <= known
    for pixels in made:
        assert pixels.bands
        assert len(set(pixels.bands)) == len(pixels.bands)


def test_the_point_spread_is_at_least_about_a_pixel(case):
    _, _, made = case
    for pixels in made:
        assert 0.9 * pixels.resolution <= pixels.footprint < 6 * pixels.resolution


def test_pixels_surround_the_middle_of_the_world_at_their_distance(case):
    overpass, grid, made = case
    middle = grid.longitude[30, 30], grid.latitude[30, 30]
    for pixels in made:
        east = 111_320 * np.cos(np.radians(middle[1])) * (pixels.longitude - middle[0])
        north = 111_132 * (pixels.latitude - middle[1])
        nearest = np.nanmin(np.hypot(east, north))
        # Half the diagonal of a pixel, which grows away from nadir (twice and five times at the edge of a swath).
        assert nearest < 0.75 * pixels.footprint * 1.6
        if not isinstance(overpass.orbit, Geostationary):
            continue
        assert np.nanmin(east) < -6000
        assert np.nanmax(east) > 6000


def test_the_same_overpass_has_the_same_pixels(case):
    overpass, grid, made = case
    again = module(overpass.sensor).pixels(overpass, grid)
    assert len(again) == len(made)
    for first, second in zip(made, again, strict=True):
        assert first.bands == second.bands
        assert first.footprint == second.footprint
        np.testing.assert_array_equal(first.longitude, second.longitude)
        np.testing.assert_array_equal(first.latitude, second.latitude)


@pytest.mark.parametrize("kind", [Instrument, Pixels, Image])
def test_parts_cannot_be_changed(kind):
    assert dataclasses.fields(kind)
    blank = kind(**{f.name: None for f in dataclasses.fields(kind)})
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(blank, field.name, 1)


def test_pixels_do_not_share_what_the_writer_adds():
    place = np.zeros((1, 1))
    first, second = (Pixels(("red",), 10.0, place, place, 10.0) for _ in range(2))
    assert first.elevation is None
    assert first.extra == {}
    assert first.extra is not second.extra
    assert (Instrument("a", "b", Geostationary(0.0, 10.0)).variant, Instrument("a", "b", None).bands) == ("", ())
