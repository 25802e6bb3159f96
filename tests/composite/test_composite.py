"""Composites of planted scenes: values, uncertainty, counts, bits, order, chunks, threads."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations

import dask
import numpy as np
import pytest
import xarray as xr
from composite.looks_at import BANDS, GRID, LEVELS, bit, lazily_blank, noise, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from musyq_lab.composite import _plan
from musyq_lab.composite.composite import composite
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GeoGrid
from musyq_lab.core.period import Period
from musyq_lab.core.quality import INPUT_MISSING, explain

MIDDLE = datetime(2019, 7, 2, 12)
SHAPE = (len(BANDS), *GRID.shape)


def made(scenes, **choice):
    return composite(scenes, period="2019-07-02", **{"method": "mean", "normalize": False, **choice}).compute()


def at(days: float) -> str:
    return f"{(MIDDLE + timedelta(days=days)).isoformat()}Z"


def has(result: xr.Dataset, flag) -> np.ndarray:
    return (result.composite_qa.values & flag.mask) > 0


@cache
def many() -> tuple[xr.Dataset, ...]:
    """Twelve looks of three sensors with noise, shifts, clouds, shadows, snow and gaps."""
    scenes = []
    for k in range(8):
        random = np.random.Generator(np.random.Philox(900 + k))
        qa = np.zeros(GRID.shape, np.uint16)
        for name, share in (("cloud", 0.3), ("cloud_possible", 0.2), ("snow_ice", 0.1), ("high_aerosol", 0.1)):
            qa[random.uniform(size=GRID.shape) < share] |= bit(name)
        add = noise(100 + k, SHAPE, 0.01) + np.where(random.uniform(size=GRID.shape) < 0.1, 0.3, 0.0)
        add[:, random.uniform(size=GRID.shape) < 0.1] = np.nan
        sensor = ("modis", "npp_viirs", "gf1_wfv")[k % 3]
        scenes.append(
            scene(f"g{k:02d}", at((k - 4) * 1.6), sensor, add=add, qa=qa, view=5.0 * k, random=0.01, systematic=0.01)
        )
    return tuple(scenes)


def digest(result: xr.Dataset) -> str:
    state = hashlib.sha256(str(sorted(result.attrs.items())).encode())
    for name in sorted(map(str, (*result.data_vars, *result.coords))):
        state.update(name.encode() + np.ascontiguousarray(result[name].values).tobytes())
    return state.hexdigest()


def test_one_look_is_itself_and_says_that_nothing_checked_it():
    result = made([scene(random=0.004, systematic=0.003)])
    np.testing.assert_allclose(result.reflectance[:, 0, 0], [LEVELS[b] for b in BANDS], rtol=1e-6)
    np.testing.assert_allclose(result.reflectance_uncertainty, 0.005, rtol=1e-5)
    assert (result.n_obs == 1).all()
    assert (result.window_length == 5).all()
    assert has(result, _plan.SINGLE_LOOK).all()
    assert result.attrs["time_coverage_start"] == "2019-06-30T00:00:00Z"
    assert result.attrs["time_coverage_end"] == "2019-07-04T23:59:59Z"


def test_the_mean_beats_a_look_and_its_stated_uncertainty_is_its_error():
    """Over two hundred pixels the error has the size that is stated."""
    sensors = ("modis", "npp_viirs", "gf1_wfv")
    scenes = [
        scene(f"g{k}", at(k / 10), sensors[k % 3], add=noise(k, SHAPE, 0.003), random=0.003, systematic=0.0)
        for k in range(9)
    ]
    result = made(scenes, enough=9)
    error = result.reflectance - xr.DataArray([LEVELS[b] for b in BANDS], dims="band")
    assert float(np.sqrt((error**2).mean())) == pytest.approx(0.003 / 3, rel=0.25)
    ratio = float(np.sqrt(((error / result.reflectance_uncertainty) ** 2).mean()))
    assert 0.7 < ratio < 1.1


def test_systematic_parts_are_shared_within_a_sensor_only():
    one = made([scene(f"g{k}", at(k / 10), random=0.0, systematic=0.006) for k in range(4)])
    np.testing.assert_allclose(one.reflectance_uncertainty, 0.006, rtol=1e-4)
    sensors = ("one", "two", "three", "four")
    four = made([scene(f"g{k}", at(0), sensors[k], random=0.0, systematic=0.006) for k in range(4)])
    np.testing.assert_allclose(four.reflectance_uncertainty, 0.003, rtol=1e-3)
    np.testing.assert_allclose(four.sensor_share, 0.25, rtol=1e-4)


def test_the_better_sensor_weighs_more():
    result = made([scene("a", at(0), "one", random=0.01), scene("b", at(0), "two", add=0.0002, random=0.02)])
    np.testing.assert_allclose(result.sensor_share.sel(sensor="one"), 0.8, atol=0.01)


def test_pixels_larger_than_the_cells_weigh_less_and_far_larger_ones_are_set_aside():
    pair = [scene("a", at(0), "landsat_oli"), scene("b", at(0), "modis")]
    share = made(pair).sensor_share.sel(sensor="modis")
    part = 1 / (1 + (1000 / 1113.2) ** 2)
    np.testing.assert_allclose(share, part / (1 + part), atol=2e-3)
    fine = GeoGrid("100m", 1000, 49000, 295000, 12, 16)
    result = composite([scene("a", at(0), "landsat_oli", grid=fine), scene("b", at(0), grid=fine)], period="2019-07-02")
    assert result.granule.values.tolist() == ["a"]
    assert "too coarse" in result.attrs["load_report"]


def test_residual_cloud_and_shadow_leave_no_trace():
    clean = [scene(f"g{k}", at(k / 10), add=noise(k, SHAPE, 0.002)) for k in range(5)]
    foul = [
        scene("cloud", at(0.6), add=0.25),
        scene("shadow", at(0.7), value=np.array([0.02, 0.02, 0.02, 0.05])[:, None, None]),
    ]
    result = made([*clean, *foul])
    np.testing.assert_allclose(result.reflectance, made(clean).reflectance, atol=1e-6)
    assert (result.n_obs == 5).all()
    assert has(result, _plan.REMOVED).all()


@pytest.mark.parametrize("name", ["no_data", "saturated", "cloud", "cloud_shadow", "cirrus", "terrain_shadow", "night"])
def test_flagged_pixels_are_not_used(name):
    qa = np.zeros(GRID.shape, np.uint16)
    qa[3:5, 4:6] = bit(name)
    result = made([scene("a", at(0), qa=qa)])
    np.testing.assert_array_equal(result.n_obs == 0, qa > 0)
    np.testing.assert_array_equal(np.isnan(result.reflectance[0]), qa > 0)
    assert "an input is missing here, so there is no value" in explain(int(result.composite_qa[3, 4]), _plan.FLAGS)
    np.testing.assert_array_equal(has(result, INPUT_MISSING), qa > 0)
    for layer in ("window_length", "time_offset", "reflectance_uncertainty"):
        assert np.isnan(result[layer].values[..., 3, 4]).all()


def test_doubtful_looks_count_less_and_alone_are_said_to_be_doubtful():
    pair = [scene("a", at(0), "one", qa=bit("cloud_possible"), add=0.0004), scene("b", at(0), "two")]
    share = made(pair).sensor_share.sel(sensor="one")
    np.testing.assert_allclose(share, 0.3 / 1.3, atol=0.02)
    assert not has(made(pair), _plan.DOUBTFUL).any()
    assert has(made(pair[:1]), _plan.DOUBTFUL).all()


@pytest.mark.parametrize(("view", "sun"), [(71.0, 30.0), (10.0, 81.0), (np.nan, 30.0), (10.0, np.nan)])
def test_looks_beyond_the_limits_of_the_angles_are_not_used(view, sun):
    result = made([scene("a", at(0)), scene("b", at(1), view=view, sun=sun)])
    assert (result.n_obs == 1).all()


def test_windows_grow_where_looks_are_few_and_only_there():
    qa = np.zeros(GRID.shape, np.uint16)
    qa[:, :5] = bit("cloud")
    near = [scene(f"n{k}", at(k), qa=qa) for k in (-1, 0, 1)]
    far = [scene(f"f{k}", at(k)) for k in (-4, 3, 4)]
    last = [scene("l", at(7))]
    result = made([*near, *far, *last])
    assert (result.window_length[:, 5:] == 5).all()
    assert (result.window_length[:, :5] == 10).all()
    np.testing.assert_array_equal(has(result, _plan.LONGER_WINDOW), (qa > 0))
    assert (result.n_obs == 3).all()
    assert (made([*near, *far, *last], enough=4).window_length[:, :5] == 15).all()


def test_periods_of_other_lengths_say_their_own():
    day = Period(datetime(2019, 7, 2), datetime(2019, 7, 3), "day")
    result = composite(
        [scene(time="2019-07-02T12:00:00Z")], period=day, windows=(1, 3), method="mean", normalize=False
    ).compute()
    assert (result.window_length == 1).all()
    six = composite(
        [scene(time="2019-01-31T23:59:59Z")], period="2019-01-28", convention="month", method="mean", normalize=False
    )
    assert (six.window_length.compute() == 6).all()


def test_snow_is_not_mixed_with_bare_ground():
    snow = np.array([0.8, 0.8, 0.8, 0.7])[:, None, None]
    white = [scene(f"w{k}", at(k / 10), value=snow, qa=bit("snow_ice")) for k in range(3)]
    bare = [scene(f"b{k}", at(-k / 10)) for k in range(2)]
    result = made([*white, *bare])
    np.testing.assert_allclose(result.reflectance[:, 0, 0], snow[:, 0, 0], rtol=1e-5)
    assert has(result, _plan.SNOW).all()
    assert not has(made([*white[:1], *bare]), _plan.SNOW).any()


def test_sensors_that_disagree_are_named():
    far = [scene("a", at(0), "modis"), scene("b", at(0.1), "npp_viirs", add=np.array([0, 0, 0, 0.075])[:, None, None])]
    assert has(made(far), _plan.DISAGREE).all()
    assert not has(made([far[0], scene("b", at(0.1), "npp_viirs", add=0.005)]), _plan.DISAGREE).any()


def test_a_band_that_only_some_sensors_have_comes_from_those():
    more = {**BANDS, "swir1": 1.6}
    result = made([scene("a", at(0), bands=more), scene("b", at(0), "gf1_wfv", add=0.01)])
    assert result.band.values.tolist() == list(more)
    np.testing.assert_allclose(result.reflectance.sel(band="swir1"), LEVELS["swir1"], rtol=1e-6)
    assert (result.n_obs == 2).all()
    assert float(result.wavelength.sel(band="swir1")) == 1.6


def test_bands_are_chosen_and_those_that_judge_stay():
    result = made([scene()], bands=["green"])
    assert result.band.values.tolist() == ["green", "red", "nir"]


def test_time_offset_is_the_mean_time_of_the_looks():
    result = made([scene("a", at(-1)), scene("b", at(1))])
    np.testing.assert_allclose(result.time_offset, 0, atol=1e-6)
    np.testing.assert_allclose(made([scene("a", at(1.5))]).time_offset, 1.5, rtol=1e-6)


def test_the_order_of_arrival_changes_no_bit():
    wanted = digest(made(many()))
    random = np.random.Generator(np.random.Philox(1))
    for _ in range(4):
        assert digest(made([many()[k] for k in random.permutation(len(many()))])) == wanted
    assert len({digest(made(order)) for order in permutations(many()[:3])}) == 1


@pytest.mark.parametrize("chunks", [(12, 16), (6, 8), (5, 7)])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_chunks_and_threads_change_no_bit(chunks, threads):
    plain = made(many())
    plane = dict(zip(("latitude", "longitude"), chunks, strict=True))
    with dask.config.set(scheduler="threads", num_workers=threads):
        assert digest(made([s.chunk(plane) for s in many()])) == digest(plain)


def test_nothing_is_computed_while_the_graph_is_built():
    result = composite([lazily_blank(scene(chunks=(6, 8)))], period="2019-07-02", method="mean", normalize=False)
    with pytest.raises(AssertionError, match="while the graph"):
        result.n_obs.compute()


def test_lazy_in_lazy_out_with_the_chunks_of_the_scenes():
    result = composite(
        [s.chunk(latitude=6, longitude=8) for s in many()], period="2019-07-02", method="mean", normalize=False
    )
    assert all(dask.is_dask_collection(v.data) for v in result.data_vars.values())
    assert result.reflectance.chunksizes["latitude"] == (6, 6)
    assert not dask.is_dask_collection(made([scene()]).reflectance.data)


def test_scenes_in_one_great_chunk_are_split(monkeypatch):
    monkeypatch.setattr("musyq_lab.composite._graph.CHUNK_BYTES", 2 * 16 * 8 * 60)
    result = composite([s.chunk() for s in many()], period="2019-07-02", method="mean", normalize=False)
    assert max(result.reflectance.chunksizes["latitude"]) < 12
    monkeypatch.undo()
    assert digest(result.compute()) == digest(made(many()))


def test_bad_scenes_spoil_nothing():
    bad = [
        scene("no angles", at(0), add=0.01).drop_vars("sun_zenith"),
        scene("late", at(30), add=0.01),
        xr.Dataset(attrs={"granule": "empty"}),
        "lost.hdf",
    ]
    good = made(many(), enough=5)
    with_bad = made([*bad, *many()], enough=5)
    xr.testing.assert_identical(with_bad.drop_attrs(), good.drop_attrs())


def test_nothing_but_bad_scenes_is_an_error_that_says_why():
    with pytest.raises(InputError, match=r"None of the 2 scenes.*view_zenith.*outside"):
        made([scene("a", at(40)), scene("b").drop_vars("view_zenith")])
    with pytest.raises(InputError, match="no scenes"):
        made([])


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"enough": 0}, "enough"),
        ({"windows": (10, 5)}, "rising"),
        ({"bands": ["red", "tir9"]}, "tir9"),
        ({"dropped": ["clouds"]}, "clouds"),
        ({"lowered": {"cloud_possible": 2.0}}, "between 0"),
        ({"sensor_weights": {"modis": -1}}, "weight"),
        ({"method": "best"}, "best"),
    ],
)
def test_impossible_parameters(choice, words):
    with pytest.raises(InputError, match=words):
        made([scene()], **choice)


def test_a_sensor_of_weight_zero_is_left_out():
    result = made([scene("a", at(0)), scene("b", at(0), "npp_viirs", add=0.01)], sensor_weights={"npp_viirs": 0})
    assert (result.n_obs == 1).all()
    np.testing.assert_allclose(result.reflectance[0], LEVELS["blue"], rtol=1e-6)


def plainly(values, weights):
    """Composite of the looks of one pixel as a loop: nir and red judge, no stated uncertainty."""
    from kernels.test_looks import bisquare_of, darker_of

    there = weights > 0
    factor = weights * bisquare_of(values[1], weights)
    there = factor > 0
    factor = factor[there] * darker_of(values[0, there], factor[there])
    looks = factor.sum() ** 2 / (factor**2).sum()
    share = [(0.005 + 0.05 * v[there]) ** 2 / (0.005 + 0.05 * v[there]) ** 2 for v in values]
    return np.average(values[:, there], axis=1, weights=factor / (looks * np.mean(share, 0)))


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_beside_a_loop_over_the_looks(key, count):
    random = np.random.Generator(np.random.Philox(key))
    days = random.uniform(-2.4, 2.4, count)
    values = random.normal([[0.08], [0.3]], 0.02, (2, count)).astype(np.float32)
    bands = {"red": 0.65, "nir": 0.86}
    scenes = [
        scene(f"g{k}", at(round(days[k], 4)), bands=bands, value=values[:, k, None, None], view=0.0)
        for k in range(count)
    ]
    weights = np.exp(-0.5 * (np.round(days, 4) / 5) ** 2)
    order = np.argsort([s.time_coverage_start for s in scenes])
    found = made(scenes, enough=1).reflectance[:, 3, 3]
    np.testing.assert_allclose(found, plainly(values[:, order].astype(float), weights[order]), rtol=2e-3)
