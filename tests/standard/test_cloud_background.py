import dask
import dask.array as da
import numpy as np
import pytest

from musyq_lab.kernels import cloud as kernels
from musyq_lab.standard import _cloud_background as background_module
from musyq_lab.standard._cloud_background import (
    CIRRUS,
    COLUMNS,
    HAZE,
    HIGHEST_HAZE,
    INDEX,
    TEMPERATURE,
    Background,
    background,
    count,
    total,
)

PIXELS = 20_000


def draw(seed=3):
    return np.random.Generator(np.random.Philox(seed))


def pixels(count_=PIXELS, **given):
    """Return measures of clear land: haze, soil haze, NDSI, kind, temperature, 1.38 um, Sun."""
    random = draw()
    values = {
        "haze": random.normal(0.02, 0.003, count_),
        "soil": random.normal(0.015, 0.003, count_),
        "index": np.full(count_, -0.3),
        "kind": np.full(count_, kernels.LAND),
        "temperature": random.normal(295.0, 2.0, count_),
        "cirrus": random.normal(0.004, 0.001, count_),
        "sun": np.full(count_, 40.0),
    } | given
    return [np.asarray(value, np.float32) for value in values.values()]


def clear(*, blue=True, swir=True, **given):
    return Background(*background(count(*pixels(**given)), blue=blue, swir=swir))


def test_every_pixel_counts_once_in_each_part():
    planes = pixels()
    planes[0][:100] = np.nan
    counts = count(*planes)
    assert counts.shape == (4, 256, COLUMNS)
    split = TEMPERATURE[2] + 1
    assert counts[:3, :, :split].sum() == PIXELS - 100
    assert counts[:3, :, split:-1].sum() == PIXELS - 100
    assert counts[3, :, 0].sum() == PIXELS
    assert not counts[..., -1].any()


def test_counts_agree_with_histograms_of_numpy():
    haze, soil, index, kind, temperature, cirrus, sun = pixels()
    kind[: PIXELS // 4] = kernels.SNOW
    index[: PIXELS // 4] = draw(1).uniform(0.2, 0.9, PIXELS // 4)
    counts = count(haze, soil, index, kind, temperature, cirrus, sun)
    land = kind == kernels.LAND
    edges = [
        np.float32(first) + np.float32(width) * np.arange(number + 1) for first, width, number in (HAZE, TEMPERATURE)
    ]
    expected = np.histogram2d(haze[land], temperature[land], edges)[0]
    # a value at an edge may fall on either side in single precision
    assert np.abs(counts[0, :, : TEMPERATURE[2]] - expected).sum() < 0.002 * PIXELS
    snow = np.histogram(index[~land], INDEX[0] + INDEX[1] * np.arange(INDEX[2] + 1))[0]
    assert np.abs(counts[2, :, : TEMPERATURE[2]].sum(axis=1) - snow).sum() < 0.01 * PIXELS
    thin = np.histogram(cirrus[land], CIRRUS[0] + CIRRUS[1] * np.arange(CIRRUS[2] + 1))[0]
    thin[0] += (cirrus[land] < 0).sum()
    first = TEMPERATURE[2] + 1
    assert np.abs(counts[0, :, first : first + CIRRUS[2]].sum(axis=0) - thin).sum() < 0.02 * PIXELS


def test_parts_of_a_scene_add_up_in_any_chunks():
    planes = [plane.reshape(100, 200) for plane in pixels()]
    whole = total(count, *planes)
    for chunks in ((30, 70), (100, 200), (7, 200)):
        lazy = total(count, *(da.from_array(plane, chunks) for plane in planes))
        assert isinstance(lazy, da.Array)
        assert np.array_equal(lazy.compute(scheduler="synchronous"), whole)


def test_counting_is_lazy():
    def refuse(*_, **__):
        raise AssertionError("something was computed")

    planes = [da.from_array(plane.reshape(100, 200), (50, 50)) for plane in pixels()]
    with dask.config.set(scheduler=refuse):
        assert total(count, *planes).shape == (4, 256, COLUMNS)


@pytest.mark.parametrize("percent", [1.0, 17.5, 50.0, 82.5, 99.0])
def test_percentiles_of_counts_are_those_of_the_values(percent):
    values = draw(5).normal(290.0, 8.0, PIXELS)
    counts = np.histogram(values, TEMPERATURE[0] + TEMPERATURE[1] * np.arange(TEMPERATURE[2] + 1))[0]
    (found,) = background_module._percentile(counts, TEMPERATURE, percent)
    assert found == pytest.approx(np.percentile(values, percent), abs=0.15)


def test_percentile_of_nothing_is_not_a_number():
    assert np.isnan(background_module._percentile(np.zeros(256, np.int64), HAZE, 50.0)[0])


def test_clear_land_gives_its_own_medians():
    found = clear()
    assert found.haze == pytest.approx(0.02, abs=0.002)
    assert found.soil == pytest.approx(0.015, abs=0.002)
    assert found.land == pytest.approx(295.0, abs=0.5)
    assert found.land_unit == pytest.approx(4.0, abs=0.3)  # 82.5 less 17.5 % of a normal distribution: 1.87 sigma
    assert found.cirrus == pytest.approx(0.004, abs=0.001)
    assert found.white == 0.0


@pytest.mark.parametrize("share", [0.1, 0.5, 0.85])
def test_cloud_in_the_scene_hardly_moves_what_is_clear(share):
    """A part of the scene is cloud: hazy, cold and bright at 1.38 um."""
    random, number = draw(2), int(share * PIXELS)
    plain = pixels()
    cloudy = [
        random.uniform(0.05, 0.3, number), random.uniform(0.05, 0.3, number), np.full(number, -0.1),
        np.full(number, kernels.LAND), random.normal(260.0, 10.0, number), random.uniform(0.01, 0.1, number),
        np.full(number, 40.0),
    ]  # fmt: skip
    for plane, values in zip(plain, cloudy, strict=True):
        plane[:number] = values
    found = Background(*background(count(*plain), blue=True, swir=True))
    assert found.haze == pytest.approx(0.02, abs=0.003)
    assert found.land == pytest.approx(295.0, abs=1.0)
    assert 0.003 < found.cirrus <= 0.021


def test_a_scene_all_in_cloud_is_not_taken_for_clear():
    found = clear(haze=draw().uniform(0.15, 0.3, PIXELS), soil=draw().uniform(0.15, 0.3, PIXELS))
    assert found.haze == pytest.approx(HIGHEST_HAZE)
    assert found.soil < HIGHEST_HAZE


def test_water_and_snow_have_temperatures_of_their_own_where_there_is_enough():
    planes = pixels()
    third = PIXELS // 3
    planes[3][:third], planes[4][:third] = kernels.WATER, 285.0
    planes[3][-third:], planes[4][-third:], planes[2][-third:] = kernels.SNOW, 268.0, 0.8
    found = Background(*background(count(*planes), blue=True, swir=True))
    assert (found.land, found.water, found.snow) == pytest.approx((295.0, 285.5, 268.5), abs=1.0)
    assert found.snow_index == pytest.approx(0.8, abs=0.01)
    rare = pixels()
    rare[3][:5], rare[4][:5] = kernels.WATER, 285.0
    assert Background(*background(count(*rare), blue=True, swir=True)).water == pytest.approx(295.0, abs=0.5)


def test_without_a_thermal_band_there_is_no_temperature():
    found = clear(temperature=np.full(PIXELS, np.nan))
    assert np.isnan([found.land, found.water, found.snow]).all()
    assert min(found.land_unit, found.water_unit, found.snow_unit) > 0


def test_without_a_band_at_one_point_three_eight_there_is_no_cirrus():
    assert np.isnan(clear(cirrus=np.full(PIXELS, np.nan)).cirrus)


def test_dry_cold_air_lets_the_ground_show_at_one_point_three_eight():
    bright = np.full(PIXELS, 0.045)
    assert clear(cirrus=bright).cirrus == pytest.approx(0.02)
    assert clear(cirrus=bright, temperature=np.full(PIXELS, 255.0)).cirrus == pytest.approx(0.0455, abs=0.001)


def test_white_below_a_low_sun_is_taken_for_snow_only_without_a_band_that_tells():
    white = dict(haze=draw().normal(0.2, 0.01, PIXELS), sun=np.full(PIXELS, 70.0))
    assert clear(swir=False, **white).white == 1.0
    assert clear(swir=False, **white).haze == pytest.approx(0.2, abs=0.005)
    assert clear(**white).white == 0.0
    assert clear(swir=False, **(white | {"sun": np.full(PIXELS, 30.0)})).white == 0.0
    assert clear(swir=False, sun=np.full(PIXELS, 70.0)).white == 0.0


def test_red_alone_spreads_the_unit():
    """Half the red of fields and soil varies; where it stands for haze the unit is that spread."""
    mixed = np.where(np.arange(PIXELS) % 2, 0.02, 0.08)
    found = clear(blue=False, haze=mixed)
    assert found.haze_unit > 0.02
    assert np.isnan(found.soil)
    assert clear(haze=mixed).haze_unit == 0.0


def test_an_empty_scene_has_a_background_that_finds_nothing():
    found = Background(*background(np.zeros((4, 256, COLUMNS), np.int64), blue=True, swir=True))
    assert found.haze == pytest.approx(HIGHEST_HAZE)
    assert np.isnan(found.land)
    assert np.isnan(found.cirrus)
