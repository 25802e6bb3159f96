"""4SAIL against published runs and an independent package, and against what must hold for any canopy."""

import numpy as np
import pytest

from musyq_lab.kernels import _sail
from musyq_lab.kernels.canopy import VERHOEF_EDGES, absorbed, campbell, four_sail, over_soil, verhoef
from musyq_lab.kernels.leaf import LeafConstants, prospect_d

SPHERE = -np.diff(np.cos(np.radians(np.linspace(0.0, 90.0, 19))))
GREY = np.array([0.08, 0.30, 0.45]), np.array([0.05, 0.25, 0.45])

# prosail 2.0.5, foursail (science/vegetation-vectors.json): inputs, then every coefficient, nine digits
RUNS = {
    "sparse": (
        {"lai": 2.0, "mean": 57.0, "hotspot": 0.1, "sun_zenith": 30.0, "view_zenith": 0.0, "relative_azimuth": 0.0},
        {
            "tss": 0.306030504, "too": 0.353191772, "tsstoo": 0.120287061, "rdd": [0.03656776, 0.403604091],
            "tdd": [0.153086237, 0.419891038], "rsd": [0.027980241, 0.305239055], "tsd": [0.01521526, 0.246373001],
            "rdo": [0.026007281, 0.281255603], "tdo": [0.014203884, 0.232784552], "rso": [0.0265708, 0.251471755],
            "rsos": [0.025406748, 0.143708628], "rsod": [0.001164052, 0.107763126],
        },
        {
            "rddt": [0.040102458, 0.452627749], "rsdt": [0.035397672, 0.369733979],
            "rdot": [0.034490294, 0.349670264], "rsot": [0.046202028, 0.344527146],
        },
    ),
    "dense": (
        {"lai": 4.0, "mean": 60.0, "hotspot": 0.05, "sun_zenith": 45.0, "view_zenith": 30.0, "relative_azimuth": 120.0},
        {
            "tss": 0.06094254, "too": 0.105885328, "tsstoo": 0.006832478, "rdd": [0.037089572, 0.488610073],
            "tdd": [0.023526722, 0.210617246], "rsd": [0.031494077, 0.431560676], "tsd": [0.006687417, 0.212927817],
            "rdo": [0.028162593, 0.39224298], "tdo": [0.007287316, 0.218674831], "rso": [0.023857218, 0.355584641],
            "rsos": [0.02214446, 0.135243273], "rsod": [0.001712758, 0.220341368],
        },
        {
            "rddt": [0.037173062, 0.50124314], "rsdt": [0.031734079, 0.447987738],
            "rdot": [0.028564215, 0.411710475], "rsot": [0.025068653, 0.380993554],
        },
    ),
}  # fmt: skip
# Original Fortran code PRO4SAIL_5B, file REFL_CAN.txt of jgomezdans/prosail: soil reflectance is its dry soil
NM = np.array([450, 490, 560, 665, 705, 740, 783, 865, 945, 1610, 2190, 2400])
FORTRAN = {
    "rsot": [
        0.024548,
        0.024601,
        0.055433,
        0.027065,
        0.093825,
        0.33981,
        0.4146,
        0.42495,
        0.42632,
        0.23274,
        0.10291,
        0.053483,
    ],
    "rdot": [
        0.01522,
        0.015413,
        0.047462,
        0.015604,
        0.084151,
        0.33653,
        0.4125,
        0.42009,
        0.41878,
        0.21801,
        0.090387,
        0.040787,
    ],
    "rsdt": [
        0.01525,
        0.015525,
        0.05059,
        0.015561,
        0.089678,
        0.35482,
        0.43334,
        0.44045,
        0.43844,
        0.22954,
        0.096111,
        0.04312,
    ],
    "rddt": [
        0.016097,
        0.016787,
        0.065857,
        0.016413,
        0.11596,
        0.43162,
        0.51862,
        0.52395,
        0.5195,
        0.28187,
        0.1241,
        0.055717,
    ],
}


def stands(count, seed=3):
    """Any canopies: shape (count, 1) parameters and (count, wavelength) leaves."""
    rng = np.random.default_rng(seed)
    geometry = {
        "lai": rng.uniform(0.05, 8.0, count),
        "leaf_angles": campbell(rng.uniform(20.0, 80.0, count)),
        "hotspot": rng.uniform(0.01, 0.5, count),
        "sun_zenith": rng.uniform(0.0, 75.0, count),
        "view_zenith": rng.uniform(0.0, 70.0, count),
        "relative_azimuth": rng.uniform(0.0, 360.0, count),
    }
    albedo = rng.uniform(0.02, 1.0, (count, 3))
    rho = albedo * rng.uniform(0.2, 0.8, (count, 3))
    return rho, albedo - rho, geometry


def single(rho=GREY[0], tau=GREY[1], **changes):
    base = {"lai": 2.5, "leaf_angles": SPHERE, "hotspot": 0.1, "sun_zenith": 35.0, "view_zenith": 20.0}
    return four_sail(rho, tau, **(base | {"relative_azimuth": 60.0} | changes))


@pytest.mark.parametrize("name", RUNS)
def test_published_runs(name):
    inputs, layer, coupled = RUNS[name]
    given = {key: value for key, value in inputs.items() if key != "mean"}
    found = four_sail([0.08, 0.45], [0.05, 0.45], leaf_angles=campbell(inputs["mean"]), **given)
    factors = over_soil(found, [0.15, 0.25])
    for key, value in layer.items():
        np.testing.assert_allclose(getattr(found, key), np.atleast_1d(value), rtol=0, atol=1e-9, err_msg=key)
    for key, value in coupled.items():
        np.testing.assert_allclose(getattr(factors, key), value, rtol=0, atol=1e-9, err_msg=key)


def test_original_fortran_run():
    """With its own 13 classes of leaf angle the difference from the Fortran code is that of its five digits."""
    peer = pytest.importorskip(
        "prosail", reason="the constants of PROSPECT-5 and its soil do not ship; prosail has them"
    )
    five = peer.spectral_lib.prospect5
    constants = LeafConstants(
        np.arange(400, 2501) / 1e3, five.nr, five.kab, five.kcar, 0 * five.kab, five.kbrown, five.kw, five.km
    ).at(NM - 400)
    rho, tau = prospect_d(1.5, 40.0, 8.0, 0.0, 0.0, 0.01, 0.009, constants=constants)
    angles = verhoef(-0.35, -0.15, VERHOEF_EDGES)
    layer = single(
        rho, tau, lai=3.0, hotspot=0.01, sun_zenith=30.0, view_zenith=10.0, relative_azimuth=0.0, leaf_angles=angles,
        edges=VERHOEF_EDGES,
    )  # fmt: skip
    for name, value in over_soil(layer, peer.spectral_lib.soil.rsoil1[NM - 400])._asdict().items():
        np.testing.assert_allclose(value, FORTRAN[name], rtol=0, atol=3e-5, err_msg=name)


def test_an_independent_package_gives_the_same():
    peer = pytest.importorskip("prosail.FourSAIL", reason="prosail is not a dependency; this comparison needs it")
    rng = np.random.default_rng(8)
    names = ("tss", "too", "tsstoo", "rdd", "tdd", "rsd", "tsd", "rdo", "tdo", "rso", "rsos", "rsod")
    rho, tau = np.array([0.05, 0.2, 0.3, 0.45]), np.array([0.02, 0.1, 0.35, 0.45])
    soil = np.array([0.1, 0.2, 0.3, 0.4])
    for _ in range(25):
        lai, mean, hot, sun, view, azimuth = rng.uniform([0.1, 20, 0.01, 0, 0, 0], [9, 80, 0.5, 75, 70, 180])
        theirs = peer.foursail(rho.copy(), tau.copy(), mean, 0.0, 2, lai, hot, sun, view, azimuth, soil.copy())
        ours = single(
            rho, tau, lai=lai, leaf_angles=campbell(mean), hotspot=hot, sun_zenith=sun, view_zenith=view,
            relative_azimuth=azimuth,
        )  # fmt: skip
        for name, value in zip(names, theirs, strict=False):
            np.testing.assert_allclose(getattr(ours, name), np.atleast_1d(value), rtol=0, atol=1e-10, err_msg=name)
        np.testing.assert_allclose(over_soil(ours, soil).rsot, theirs[17], rtol=0, atol=1e-10)


def test_conservative_leaves_lose_nothing():
    _, _, geometry = stands(40)
    rho = np.broadcast_to([0.3, 0.5, 0.9], (40, 3))
    layer = four_sail(rho, 1.0 - rho, **geometry)
    np.testing.assert_allclose(layer.rdd + layer.tdd, 1.0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.rsd + layer.tsd + layer.tss, 1.0, rtol=0, atol=1e-12)
    # the same for light that arrives from all sides and is seen in one direction
    np.testing.assert_allclose(layer.rdo + layer.tdo + layer.too, 1.0, rtol=0, atol=1e-12)


def test_conservative_canopy_over_white_soil_is_white():
    _, _, geometry = stands(40)
    rho = np.broadcast_to([0.3, 0.5, 0.9], (40, 3))
    layer = four_sail(rho, 1.0 - rho, **geometry)
    factors = over_soil(layer, 1.0)
    for name in ("rddt", "rsdt", "rdot"):
        np.testing.assert_allclose(getattr(factors, name), 1.0, rtol=0, atol=1e-10, err_msg=name)
    for share in absorbed(layer, 0.3):
        np.testing.assert_allclose(share, 0.0, atol=1e-10)


def test_nearly_conservative_leaves_join_conservative_ones():
    """Both forms of the solution meet: no coefficient jumps as absorption goes to zero."""
    _, _, geometry = stands(20)
    losses = np.array([0.0, 1e-15, 1e-12, 1e-9, 1e-6])
    rho = np.broadcast_to(0.5 - losses, (20, 5))
    layer = four_sail(rho, np.full((20, 5), 0.5), **geometry)
    for name in ("rdd", "tdd", "rsd", "tsd", "rdo", "tdo", "rsod"):
        value = getattr(layer, name)
        assert (np.abs(value - value[:, :1]) <= 200.0 * losses + 1e-11).all(), name


def test_black_leaves_only_cast_shadows():
    _, _, geometry = stands(30)
    layer = four_sail(np.zeros((30, 3)), np.zeros((30, 3)), **geometry)
    for name in ("rdd", "rsd", "tsd", "rdo", "tdo", "rsos", "rsod"):
        np.testing.assert_allclose(getattr(layer, name), 0.0, atol=1e-15, err_msg=name)
    np.testing.assert_allclose(layer.tdd, np.exp(-geometry["lai"])[:, None] * np.ones(3), rtol=1e-12)
    direct, diffuse = absorbed(layer, 0.0)
    np.testing.assert_allclose(direct, 1.0 - layer.tss * np.ones(3), rtol=0, atol=1e-12)
    np.testing.assert_allclose(diffuse, 1.0 - layer.tdd, rtol=0, atol=1e-12)


def test_light_is_shared_among_canopy_soil_and_sky():
    """Reflected, absorbed by leaves, absorbed by soil: one, for beam and diffuse light alike."""
    rho, tau, geometry = stands(60)
    layer = four_sail(rho, tau, **geometry)
    soil = np.array([0.05, 0.2, 0.6])
    factors, taken = over_soil(layer, soil), absorbed(layer, soil)
    into_soil = (layer.tss + layer.tsd + (factors.rsdt - layer.rsd) / layer.tdd * layer.rdd) * (1.0 - soil)
    np.testing.assert_allclose(factors.rsdt + taken.direct + into_soil, 1.0, rtol=0, atol=1e-9)
    for share in taken:
        assert (share >= -1e-12).all()
        assert (share <= 1.0).all()


def test_sun_and_view_can_be_exchanged():
    rho, tau, geometry = stands(60)
    turned = geometry | {"sun_zenith": geometry["view_zenith"], "view_zenith": geometry["sun_zenith"]}
    one, other = four_sail(rho, tau, **geometry), four_sail(rho, tau, **turned)
    for first, second in (("rsos", "rsos"), ("rsod", "rsod"), ("rsd", "rdo"), ("tsd", "tdo"), ("tss", "too")):
        np.testing.assert_allclose(getattr(one, first), getattr(other, second), rtol=0, atol=1e-12, err_msg=first)
    np.testing.assert_allclose(one.tsstoo, other.tsstoo, rtol=0, atol=1e-12)
    np.testing.assert_allclose(over_soil(one, 0.3).rsot, over_soil(other, 0.3).rsot, rtol=0, atol=1e-12)
    np.testing.assert_allclose(over_soil(one, 0.3).rsdt, over_soil(other, 0.3).rdot, rtol=0, atol=1e-12)


def test_two_layers_are_one_thicker_layer():
    """Diffuse light through two equal layers, by adding, is diffuse light through one of twice the leaf area."""
    thin, thick = single(lai=1.3), single(lai=2.6)
    bounce = 1.0 / (1.0 - thin.rdd**2)
    np.testing.assert_allclose(thick.rdd, thin.rdd + thin.tdd**2 * thin.rdd * bounce, rtol=1e-12)
    np.testing.assert_allclose(thick.tdd, thin.tdd**2 * bounce, rtol=1e-12)
    down = (thin.tsd + thin.tss * thin.rsd * thin.rdd) * bounce
    np.testing.assert_allclose(thick.tsd, down * thin.tdd + thin.tss * thin.tsd, rtol=1e-10)
    up = (thin.tss * thin.rsd + thin.tsd * thin.rdd) * bounce
    np.testing.assert_allclose(thick.rsd, thin.rsd + up * thin.tdd, rtol=1e-10)


def test_a_canopy_as_soil_of_a_canopy():
    """The white-sky albedo of two layers over soil does not depend on which of them is called soil."""
    soil = np.array([0.1, 0.2, 0.3])
    below = over_soil(single(lai=1.0), soil).rddt
    np.testing.assert_allclose(
        over_soil(single(lai=1.5), below).rddt, over_soil(single(lai=2.5), soil).rddt, rtol=1e-12
    )


def test_without_leaves_there_is_soil():
    soil = np.array([0.1, 0.2, 0.3])
    layer = single(lai=0.0)
    for factor in over_soil(layer, soil):
        np.testing.assert_array_equal(factor, soil)
    for share in absorbed(layer, soil):
        np.testing.assert_allclose(share, 0.0, atol=1e-15)
    for factor in over_soil(single(lai=1e-7), soil):
        np.testing.assert_allclose(factor, soil, atol=1e-6)


@pytest.mark.parametrize("lai", [60.0, 1e3, 1e6])
def test_soil_vanishes_under_many_leaves(lai):
    layer = single(np.array([0.08, 0.2, 0.3]), np.array([0.05, 0.2, 0.3]), lai=lai)
    for dark, bright in zip(over_soil(layer, 0.0), over_soil(layer, 0.9), strict=True):
        assert np.isfinite(dark).all()
        np.testing.assert_allclose(dark, bright, rtol=0, atol=1e-9)


def test_leaves_of_all_directions_shade_by_half():
    """The projection of a sphere is 0.5 whatever the angle, but for the width of the classes."""
    fine = np.linspace(0.0, 90.0, 181)
    sphere = -np.diff(np.cos(np.radians(fine)))
    for zenith in (0.0, 30.0, 57.0, 75.0):
        layer = single(sun_zenith=zenith, lai=1.0, leaf_angles=sphere, edges=fine)
        shade = -np.log(layer.tss[0]) * np.cos(np.radians(zenith))
        assert shade == pytest.approx(0.5, abs=2e-4)


def test_flat_leaves_shade_their_whole_area():
    flat = np.eye(900)[0]
    layer = single(leaf_angles=flat, edges=np.linspace(0.0, 90.0, 901), lai=1.5, view_zenith=0.0, sun_zenith=50.0)
    np.testing.assert_allclose((layer.too[0], layer.tss[0]), np.exp(-1.5), rtol=1e-5)


def test_cover_is_what_is_not_gap_at_nadir():
    """Beer's law at nadir with the mean projection of the distribution, computed apart."""
    share = campbell(40.0)
    middle = np.radians(np.arange(2.5, 90.0, 5.0))
    assert 1.0 - single(leaf_angles=share, view_zenith=0.0).too[0] == pytest.approx(
        1.0 - np.exp(-2.5 * share @ np.cos(middle)), abs=1e-12
    )


@pytest.mark.parametrize("zenith", [20.0, 45.0])
def test_hot_spot_lies_at_the_angle_of_the_sun(zenith):
    views = np.linspace(zenith - 15.0, zenith + 15.0, 61)
    rho, tau = np.full((61, 2), 0.4), np.full((61, 2), 0.4)
    layer = single(rho, tau, sun_zenith=zenith, view_zenith=views, relative_azimuth=0.0, hotspot=0.05)
    assert views[np.argmax(layer.rsos[:, 0])] == pytest.approx(zenith, abs=1e-9)
    assert views[np.argmax(layer.tsstoo[:, 0])] == pytest.approx(zenith, abs=1e-9)
    at = single(sun_zenith=zenith, view_zenith=zenith, relative_azimuth=360.0)
    np.testing.assert_allclose(at.tsstoo, at.tss, rtol=1e-6)


def test_small_leaves_have_no_hot_spot():
    """Without one, lit and seen are independent, and single scattering has its closed form."""
    layer = single(hotspot=0.0)
    np.testing.assert_allclose(layer.tsstoo, layer.tss * layer.too, rtol=1e-9)
    tiny = single(hotspot=1e-9)
    np.testing.assert_allclose(tiny.rsos, layer.rsos, rtol=1e-6)
    ks, ko = -np.log(layer.tss) / 2.5, -np.log(layer.too) / 2.5
    thin = single(lai=1e-5, hotspot=0.0)
    depth = (1.0 - layer.tss * layer.too) / (ks + ko)
    np.testing.assert_allclose(layer.rsos, thin.rsos / 1e-5 * depth, rtol=1e-4)


def test_azimuth_turns_either_way():
    for name in ("rsos", "rsod", "tsstoo"):
        values = [getattr(single(relative_azimuth=angle), name) for angle in (70.0, -70.0, 290.0, 430.0)]
        for value in values[1:]:
            np.testing.assert_allclose(value, values[0], rtol=1e-12)


def test_float32_follows_float64():
    rho, tau, geometry = stands(300)
    narrow = four_sail(rho.astype(np.float32), tau.astype(np.float32), **geometry)
    wide = four_sail(rho.astype(np.float32).astype(float), tau.astype(np.float32).astype(float), **geometry)
    for name, value in narrow._asdict().items():
        assert value.dtype == np.float32, name
        np.testing.assert_allclose(value, getattr(wide, name), rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("name", ["lai", "leaf_angles", "hotspot", "sun_zenith", "view_zenith", "relative_azimuth"])
def test_missing_numbers_give_nan(name):
    value = np.full(18, np.nan) if name == "leaf_angles" else np.nan
    layer = single(**{name: value})
    assert np.isnan(over_soil(layer, 0.2).rsot).all()
    assert np.isnan(single(np.array([np.nan, 0.1, 0.1])).rdd[0])
    assert np.isfinite(single(np.array([np.nan, 0.1, 0.1])).rdd[1])


def test_what_cannot_be_is_nan():
    assert np.isnan(single(lai=-0.1).rdd).all()
    for name in ("sun_zenith", "view_zenith"):
        assert np.isnan(single(**{name: -1.0}).rso).all()
        assert np.isnan(single(**{name: 90.0}).rso).all()
        assert np.isfinite(single(**{name: 89.9}).rso).all()


def test_leaves_that_make_light_are_nan():
    assert np.isnan(single(np.array([0.6, 0.5, 0.4]), np.array([0.6, 0.49, 0.4])).rdd).tolist() == [True, False, False]


def test_compiled_kernels_are_their_python_twins():
    rho, tau, _ = stands(4)
    rng = np.random.default_rng(0)
    per_case = rng.uniform([0.1, 0.4, 0.4, 0.3, 0.3, 0.2, 0.1, 0.1], [5, 2, 2, 0.9, 0.9, 0.7, 0.4, 0.4], (4, 8)).T[
        ..., None
    ]
    for compiled, twin in zip(_sail.layer(rho, tau, *per_case), _sail.layer.python(rho, tau, *per_case), strict=True):
        np.testing.assert_allclose(compiled, twin, rtol=1e-11, atol=1e-14)
    sun, view, leaf = np.radians([[20.0], [70.0]]), np.radians([[5.0], [60.0]]), np.radians([10.0, 45.0, 80.0])
    beams = (np.cos(sun), np.sin(sun), np.cos(view), np.sin(view), np.array([[0.0], [2.0]]))
    arguments = (*beams, np.cos(leaf), np.sin(leaf))
    for compiled, twin in zip(_sail.leaf_class(*arguments), _sail.leaf_class.python(*arguments), strict=True):
        np.testing.assert_allclose(compiled, twin, rtol=1e-12, atol=1e-14)
