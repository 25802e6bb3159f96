"""Relations of dark targets: as published, as fitted, and which of the dark pixels count."""

import csv
from pathlib import Path

import numpy as np
import pytest
from products import plain_air
from products.air_scenes import draw

from musyq_lab.products import _aerosol_targets as targets
from musyq_lab.standard import _aerosol_cells
from musyq_lab.standard.aerosol import NODES

DARK = ("blue", "red", "nir", "far", "far")  # the last stands for 1.24 um
DENSE = ("blue", "red", "nir")
REFERENCE = Path(__file__).parents[1] / "reference" / "aod.csv"


@pytest.fixture
def simple(monkeypatch):
    """Take the laws of the tests for the tables, and the twins of the kernels."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")
    monkeypatch.setattr(targets, "nodes", plain_air.nodes)


def levy(far, near, scattering):
    """Return blue and red of Levy et al. 2007 (their equations 4 to 8), as in the code of MODIS."""
    index = (near - far) / (near + far)
    slope = 0.48 if index < 0.25 else 0.58 if index > 0.75 else 0.48 + 0.2 * (index - 0.25)
    red = (slope + 0.002 * scattering - 0.27) * far + 0.033 - 0.00025 * scattering
    return 0.49 * red + 0.005, red


def turned():
    """Return the angle between the light of the Sun and that to the sensor (deg), from vectors."""
    sun, view, turn = np.radians([plain_air.SUN, plain_air.VIEW, plain_air.TURN])
    coming = -np.array([np.sin(sun), 0.0, np.cos(sun)])
    going = np.array([np.sin(view) * np.cos(turn), np.sin(view) * np.sin(turn), np.cos(view)])
    return np.degrees(np.arccos(coming @ going))


def dark_light(aod, far, near, blue, red, size=4, shape=(1, 1)):
    """Return light of five bands over cells whose surface is even; ``aod`` is of each cell."""
    depth = np.kron(np.broadcast_to(aod, shape), np.ones((size, size)))
    surfaces = (blue, red, 0.3, far, near)
    keys = [plain_air.BANDS[role] for role in DARK]
    return np.stack([plain_air.seen_through(s, k, depth) for s, k in zip(surfaces, keys, strict=True)])


def nasa_light(aod, far=0.08, near=0.2, **options):
    """Return light over surfaces that obey the relation of MODIS, whose index is that at the top of the atmosphere."""
    shown_far, shown_near = (plain_air.seen_through(value, plain_air.BANDS["far"], 0.0) for value in (far, near))
    blue, red = levy(far, far * shown_near / shown_far, turned())
    return dark_light(aod, far, near, blue, red, **options)


def rows():
    lines = REFERENCE.read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["greenness"])
def test_surface_relation_as_nasa_has_it(row):
    slope, offset = targets.red_line(float(row["greenness"]), float(row["scattering"]))
    red = slope * float(row["far"]) + offset
    assert red == pytest.approx(float(row["red"]), abs=1e-9)
    assert 0.49 * red + 0.005 == pytest.approx(float(row["blue"]), abs=1e-9)


def test_scattering_angle():
    assert targets.scattering_angle(30.0, 30.0, 0.0) == pytest.approx(180.0, abs=1e-4)
    assert targets.scattering_angle(30.0, 30.0, 180.0) == pytest.approx(120.0, abs=1e-9)
    assert targets.scattering_angle(40.0, 0.0, 77.0) == pytest.approx(140.0, abs=1e-9)


def test_the_middle_of_the_dark_is_taken():
    """Ranks of 20 to 50 %: 6 of 20, whatever lies beyond."""
    red = np.arange(20.0)[None, None]
    light = np.stack([red, 10 * red])
    mean, share = targets._middle(light, red, np.ones((1, 1, 20), bool))
    np.testing.assert_allclose(mean[:, 0, 0], [6.5, 65.0])
    assert share == pytest.approx(6 / 20)
    _, none = targets._middle(light, red, np.zeros((1, 1, 20), bool))
    assert none == 0


def test_the_line_is_that_of_the_library():
    roles = ("blue", "red", "nir")
    line = targets.blue_line("gf1_wfv", roles, "WFV1")
    assert 0.3 < line.slope < 0.9  # 0.49 of MODIS, 0.645 of VIIRS
    assert abs(line.offset) < 0.02
    assert 0.0 < line.error < 0.01


def test_scattering_angle_is_that_of_vectors_and_the_same_backwards():
    assert targets.scattering_angle(plain_air.SUN, plain_air.VIEW, plain_air.TURN) == pytest.approx(turned(), abs=1e-9)
    sun, view, turn = draw(5).uniform([[0], [0], [0]], [[80], [70], [180]], (3, 50))
    there = targets.scattering_angle(sun, view, turn)
    np.testing.assert_allclose(there, targets.scattering_angle(view, sun, -turn), atol=1e-9)
    assert (there >= 180.0 - sun - view - 1e-9).all()
    assert (there <= 180.0 - np.abs(sun - view) + 1e-9).all()


def test_the_slope_stays_between_its_ends():
    slope, offset = targets.red_line(np.array([-1.0, 0.25, 0.5, 0.75, 1.0]), 0.0)
    np.testing.assert_allclose(slope, np.array([0.48, 0.48, 0.53, 0.58, 0.58]) - 0.27, rtol=1e-12)
    assert offset == 0.033


def test_the_middle_is_that_of_a_plain_loop():
    random = draw(6)
    light = random.uniform(0.01, 0.3, (3, 2, 3, 30)).astype(np.float32)
    dark = random.uniform(size=(2, 3, 30)) < 0.6
    dark[1, 2] = False
    mean, share = targets._middle(light, light[1], dark)
    for at in np.ndindex(2, 3):
        picked = [k for k in np.argsort(light[1][at]) if dark[at][k]]
        kept = picked[int(np.floor(0.2 * len(picked))) : int(np.ceil(0.5 * len(picked)))]
        assert share[at] == pytest.approx(len(kept) / 30)
        for band in range(3):
            expected = np.mean([float(light[band][at][k]) for k in kept]) if kept else np.nan
            np.testing.assert_allclose(mean[band][at], expected, rtol=1e-6)


@pytest.mark.parametrize("node", [0, 4, 9])
@pytest.mark.parametrize(("far", "near"), [(0.05, 0.3), (0.1, 0.25), (0.15, 0.16)])
def test_the_relation_of_modis_gives_the_optical_depth_back(node, far, near, simple):
    found = targets.dark_target(plain_air.look(nasa_light(NODES[node], far, near), DARK, 4), vapour_band=True)
    assert found.shape == (3, 1, 1)
    assert found[0].item() == pytest.approx(NODES[node], abs=2e-4)
    assert found[1].item() == pytest.approx(0.05 + 0.15 * NODES[node], abs=1e-4)


def test_the_ratios_of_viirs_serve_without_the_near_band(simple):
    blue = 0.645 * 0.559 * 0.1
    light = dark_light(NODES[6], 0.1, 0.2, blue, 0.0559)
    for roles, bands in ((DARK, light), (DARK[:4], light[:4])):
        found = targets.dark_target(plain_air.look(bands, roles, 4), vapour_band=False)
        assert found[0].item() == pytest.approx(NODES[6], abs=2e-4)
    brighter = dark_light(NODES[6], 0.1, 0.2, blue + 0.01, 0.0559)
    more = targets.dark_target(plain_air.look(brighter, DARK, 4), vapour_band=False)
    assert more[0].item() > NODES[6] + 0.01  # blue light that the ground does not explain is aerosol


def test_each_cell_has_its_own_air_and_chunks_do_not_matter(simple, monkeypatch):
    depths = NODES[[[2, 5, 8], [9, 3, 0]]]
    light = nasa_light(depths, shape=(2, 3)).astype(np.float32)
    light += 0.004 * draw(7).normal(size=light.shape).astype(np.float32)
    whole = targets.dark_target(plain_air.look(light, DARK, 4), vapour_band=True)
    np.testing.assert_allclose(whole[0], depths, atol=0.05)
    monkeypatch.setattr(_aerosol_cells, "_CHUNK", 4)
    lazy = targets.dark_target(plain_air.look(light, DARK, 4, lazy=True), vapour_band=True)
    assert lazy.numblocks == (1, 2, 3)
    np.testing.assert_array_equal(lazy.compute(), whole)
    double = targets.dark_target(plain_air.look(light.astype(np.float64), DARK, 4), vapour_band=True)
    np.testing.assert_array_equal(double, whole)


def test_the_order_of_the_pixels_of_a_cell_does_not_matter(simple):
    light = nasa_light(NODES[5]).reshape(5, 16)
    light = light * draw(8).uniform(0.9, 1.1, (1, 16))
    mixed = draw(9).permutation(light, axis=1)
    first, second = (
        targets.dark_target(plain_air.look(one.reshape(5, 4, 4), DARK, 4), vapour_band=True) for one in (light, mixed)
    )
    np.testing.assert_allclose(first, second, rtol=1e-5)


@pytest.mark.parametrize("why", ["bright", "black", "water", "cloud", "gaps"])
def test_without_a_dark_pixel_there_is_no_value(why, simple):
    light, marked = nasa_light(0.2, shape=(1, 2)), np.zeros((1, 4, 8), np.int8)
    changes = {"bright": (3, 0.251), "black": (3, 0.009), "water": (2, 1.2 * light[1, :, :4]), "gaps": (4, np.nan)}
    if why in changes:
        band, value = changes[why]
        light[band, :, :4] = value
    else:
        marked[0, :, :4] = 2
    found = targets.dark_target(plain_air.look(light, DARK, 4, marked=marked), vapour_band=True)
    assert np.isnan(found[:2, 0, 0]).all()
    assert found[2, 0, 0] == 0.0
    assert np.isfinite(found[:, 0, 1]).all()


@pytest.mark.parametrize(("dark", "enough"), [(36, False), (37, True)])
def test_twelve_of_four_hundred_pixels_are_enough(dark, enough, simple):
    """Ranks of 20 to 50 % of 36 pixels are 11 of them, of 37 they are 12."""
    light = nasa_light(0.2, size=20)
    light[3].flat[dark:] = 0.4
    found = targets.dark_target(plain_air.look(light, DARK, 20), vapour_band=True)
    assert np.isfinite(found[:2]).all() == enough
    assert found[2].item() == pytest.approx((12 if enough else 11) / 400)


def test_a_cell_of_one_pixel_is_itself(simple):
    light = nasa_light(NODES[[[3, 7]]], size=1, shape=(1, 2))
    found = targets.dark_target(plain_air.look(light, DARK, 1), vapour_band=True)
    np.testing.assert_allclose(found[0], NODES[[[3, 7]]], atol=2e-4)
    assert (found[2] == 1.0).all()


# ---- dense vegetation ------------------------------------------------------------------------------------------------
LINE = targets.Line(0.5, 0.005, 0.004)


def green_light(aod, red=0.04, infrared=0.4, size=4, shape=(1, 1)):
    depth = np.kron(np.broadcast_to(aod, shape), np.ones((size, size)))
    surfaces = (LINE.offset + LINE.slope * red, red, infrared)
    keys = [plain_air.BANDS[role] for role in DENSE]
    return np.stack([plain_air.seen_through(s, k, depth) for s, k in zip(surfaces, keys, strict=True)])


def curves(light, line=LINE, prior=0.2, marked=None, size=4):
    seen = plain_air.look(light, DENSE, size, prior=(prior, 0.1), marked=marked)
    told = {"rows": size, "columns": size, "keys": seen.keys, "halo": False, "line": line}
    return targets._dense_cells(seen.toa, seen.marked, seen.sky, seen.prior, **told)


@pytest.mark.parametrize("node", [1, 5, 9])
def test_the_cost_of_dense_vegetation_is_least_at_the_truth(node, simple):
    found = curves(green_light(NODES[node]), prior=NODES[node])[:, 0, 0]
    assert np.argmin(found[:-1]) == node
    assert found[node] < 0.01
    assert (np.diff(np.sqrt(found[node:-1])) > 0).all()
    sure = curves(green_light(NODES[node]), LINE._replace(error=0.002), NODES[node])[:, 0, 0]
    np.testing.assert_allclose(sure[:-1], 4.0 * found[:-1], rtol=1e-5)


def test_the_cost_is_one_where_the_line_errs_by_its_error(simple):
    """A blue surface that is one error too bright shifts the optical depth by one sigma."""
    node, above = 5, 0.04
    key = plain_air.BANDS["blue"]
    brighter = green_light(NODES[node])
    brighter[0] = plain_air.seen_through(LINE.offset + LINE.slope * above + LINE.error, key, NODES[node])
    found = curves(brighter, prior=NODES[node])[node, 0, 0]
    assert found == pytest.approx(1.0, rel=0.15)  # the response is that of the next step of the table


@pytest.mark.parametrize("why", ["sparse", "cloud", "gaps"])
def test_where_no_vegetation_is_dense_nothing_is_said(why, simple):
    light, marked = green_light(0.2, infrared=0.15 if why == "sparse" else 0.4), np.zeros((1, 4, 4), np.int8)
    if why == "cloud":
        marked[:] = 1
    if why == "gaps":
        light[1] = np.nan
    assert not curves(light, marked=marked).any()


@pytest.mark.parametrize(("dense", "enough"), [(36, False), (37, True)])
def test_twelve_dense_pixels_of_four_hundred_say_something(dense, enough, simple):
    light = green_light(0.2, size=20)
    light[2].flat[dense:] = 0.05
    found = curves(light, size=20)
    assert found[:-1].any() == enough
    assert found[-1].item() == pytest.approx((12 if enough else 11) / 400)


def test_prior_remains_where_nothing_is_dense(simple, monkeypatch):
    monkeypatch.setattr(targets, "blue_line", lambda *_: LINE)
    bare = plain_air.look(green_light(0.5, infrared=0.1), DENSE, 4, prior=(0.2, 0.06))
    found, share = targets.dense_vegetation(bare, "gf1_wfv", DENSE, "WFV1")
    np.testing.assert_allclose(found[:, 0, 0], [0.2, 0.06, 0.0], atol=2e-3)
    assert share.item() == 0.0
    green = plain_air.look(green_light(NODES[9]), DENSE, 4, prior=(0.6, 0.4))
    found, share = targets.dense_vegetation(green, "gf1_wfv", DENSE, "WFV1")
    assert found[0].item() == pytest.approx(NODES[9], abs=0.03)
    assert found[1].item() < 0.1
    assert found[2].item() > 0.8
    assert share.item() == pytest.approx(5 / 16)  # ranks 3 to 7 of 16


def test_the_line_is_the_regression_of_its_spectra(monkeypatch):
    """Normal equations by hand over invented spectra; those of an index below 0.6 do not count."""
    red, extra = draw(4).uniform(0.02, 0.08, 40), draw(5).normal(0.0, 0.002, 40)
    spectra = np.column_stack([0.01 + 0.6 * red + extra, red, np.full(40, 0.45)])
    sparse = np.column_stack([np.full(9, 0.3), np.full(9, 0.2), np.full(9, 0.3)])
    monkeypatch.setattr(targets, "land", lambda *_: np.concatenate([sparse, spectra]))
    line = targets.blue_line.__wrapped__("any", DENSE)
    x, y = red - red.mean(), spectra[:, 0] - spectra[:, 0].mean()
    slope = (x * y).sum() / (x * x).sum()
    offset = spectra[:, 0].mean() - slope * red.mean()
    left = np.sqrt(np.mean((spectra[:, 0] - offset - slope * red) ** 2))
    np.testing.assert_allclose(line, [slope, offset, left], rtol=1e-9)
