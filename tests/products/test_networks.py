"""Which network serves which scene, what happens at its limits, and how errors of reflectance enter."""

import csv

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import musyq_lab as ml
from musyq_lab.core.errors import NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import network
from musyq_lab.products import _networks
from musyq_lab.products._networks import Given
from musyq_lab.sensors._registry import SENSORS

GREEN = {"green": 0.07, "red": 0.04, "red_edge_1": 0.1, "red_edge_2": 0.25, "red_edge_3": 0.32}
CROP = GREEN | {"nir": 0.38, "nir_narrow": 0.4, "swir1": 0.2, "swir2": 0.1}
"""A crop of middling density."""
BLIND = {"goes_imager", "mtsat2_imager", "hj1_irs"}
"""Sensors without a red or a near-infrared band."""


@pytest.fixture(autouse=True)
def _twins(monkeypatch):
    """Run the Python twins: to compile takes longer than four pixels."""
    monkeypatch.setenv("MUSYQ_DISABLE_JIT", "1")


def given(bands=CROP, sensor="modis/Terra", shape=(4,), **more):
    reflectance = {role: np.full(shape, bands[role]) for role in bands}
    angles = {"sun_zenith": np.full(shape, 35.0), "view_zenith": np.full(shape, 8.0)}
    return Given(reflectance, **angles, relative_azimuth=np.full(shape, 100.0), sensor=sensor, **more)


def test_every_sensor_with_red_and_near_infrared_has_networks():
    for sensor in SENSORS:
        for variant in SENSORS[sensor].variants:
            name = f"{sensor}/{variant}"
            if sensor in BLIND:
                with pytest.raises(NotFoundError, match="no red and near-infrared"):
                    assert given(sensor=name).chosen
                continue
            bands = given(sensor=name).chosen.bands
            own = {band.name for band in SENSORS[sensor].bands_of(variant)}
            assert {"red"} < set(bands) <= own, name
            assert {"nir", "nir_narrow"} & set(bands), name


@pytest.mark.parametrize(
    ("sensor", "missing", "count"),
    [
        ("sentinel2_msi/Sentinel-2A", (), 8),
        ("sentinel2_msi/Sentinel-2B", ("red_edge_1", "red_edge_2", "red_edge_3", "swir1", "swir2", "nir_narrow"), 3),
        ("sentinel2_msi/Sentinel-2C", ("nir", "red_edge_1"), 5),
        ("landsat_oli/Landsat-8", (), 5),
        ("landsat_oli/Landsat-9", ("swir2",), 3),
        ("gf1_wfv/WFV3", (), 3),
        ("modis/Aqua", ("green", "swir1"), 2),
        ("himawari_ahi/", (), 5),
    ],
)
def test_the_network_with_most_of_the_bands_is_taken(sensor, missing, count):
    there = {role: value for role, value in CROP.items() if role not in missing}
    assert len(given(there, sensor).chosen.bands) == count


def test_bands_that_are_not_used_do_not_matter():
    few = {role: CROP[role] for role in ("green", "red", "nir", "swir1", "swir2")}
    np.testing.assert_array_equal(_networks.estimate("lai", given()), _networks.estimate("lai", given(few)))


def test_no_sensor_is_the_reference_and_no_variant_the_first():
    assert given(sensor="").chosen is given(sensor="modis/Terra").chosen
    assert given(sensor="sentinel2_msi").chosen is given(sensor="sentinel2_msi/Sentinel-2A").chosen
    assert given(sensor="landsat_oli/Landsat-10").chosen is given(sensor="landsat_oli/Landsat-8").chosen


@pytest.mark.parametrize(
    ("sensor", "assumed"),
    [("", True), ("landsat_oli", True), ("landsat_oli/Landsat-10", True), ("landsat_oli/Landsat-9", False)],
)
def test_bands_that_had_to_be_assumed_are_marked(sensor, assumed):
    inputs = given(sensor=sensor)
    value = _networks.estimate("lai", inputs)
    assert _networks.quality("lai", inputs, value)["sensor_assumed"] == assumed


def test_what_there_is_no_network_for_is_said():
    with pytest.raises(NotFoundError, match="Did you mean 'modis'"):
        assert given(sensor="modiss/Terra").chosen
    with pytest.raises(
        NotFoundError, match=r"no network of modis for the bands green, red: its sets are red, nir; green, red, nir; "
    ):
        assert given({"green": 0.1, "red": 0.1}).chosen


def test_a_view_that_is_not_given_is_nadir_whatever_the_azimuth():
    level = given()
    known = Given(level.reflectance, level.sun_zenith, np.zeros(4), np.full(4, 20.0), "modis/Terra")
    unknown = Given(level.reflectance, level.sun_zenith, None, None, "modis/Terra")
    for variable in ("lai", "fpar", "fvc"):
        value = _networks.estimate(variable, known)
        np.testing.assert_array_equal(_networks.estimate(variable, unknown), value)
        assert _networks.quality(variable, unknown, value)["nadir_assumed"]
        assert not _networks.quality(variable, known, value)["nadir_assumed"]


def test_a_common_crop_is_inside_and_snow_is_not():
    value = _networks.estimate("lai", given())
    assert not _networks.quality("lai", given(), value)["outside_training"].any()
    snow = given({role: 0.9 for role in CROP})
    assert _networks.quality("lai", snow, value)["outside_training"].all()


@pytest.mark.parametrize(("sun", "view"), [(76.0, 10.0), (30.0, 66.0)])
def test_angles_beyond_the_training_are_outside(sun, view):
    level = given()
    far = Given(level.reflectance, np.full(4, sun), np.full(4, view), np.full(4, 90.0), "modis/Terra")
    assert _networks.quality("lai", far, _networks.estimate("lai", far))["outside_training"].all()


def constant(monkeypatch, value):
    """Put a network that always says the same in place of all."""
    still = network.Net(((0.0,) * 8,), (0.0,), (0.0,), value)
    chosen = given().chosen
    nets = {name: still for name in chosen.nets}
    fake = _networks._Networks(chosen.bands, nets, chosen.floors, chosen.domain, chosen.noise)
    monkeypatch.setattr(_networks, "_choose", lambda *_: fake)


@pytest.mark.parametrize(
    ("variable", "said", "kept"),
    [
        ("lai", -0.21, np.nan),
        ("lai", -0.19, 0.0),
        ("lai", 3.0, 3.0),
        ("lai", 8.19, 8.0),
        ("lai", 8.21, np.nan),
        ("fpar", -0.11, np.nan),
        ("fpar", 1.07, 0.98),
        ("fvc", 1.09, 1.0),
        ("fvc", 1.11, np.nan),
    ],
)
def test_values_within_the_tolerance_are_held_others_are_lost(monkeypatch, variable, said, kept):
    constant(monkeypatch, said)
    made = _networks.estimate(variable, given())
    np.testing.assert_array_equal(made, kept)
    flags = _networks.quality(variable, given(), made)
    assert flags["at_lower_limit"].all() == (kept == 0.0)
    assert flags["at_upper_limit"].all() == (kept > 3.0 or (kept > 0.9 and kept < 1.01))


def test_larger_errors_of_reflectance_give_larger_ones():
    spreads = []
    for size in (0.0, 0.01, 0.05, 0.1):
        sigma = {role: np.full(4, size) for role in CROP}
        spreads.append(_networks.estimate_with_uncertainty("lai", given(sigma=sigma))[1][0])
    assert spreads[0] == spreads[1] < spreads[2] < spreads[3]


def test_the_value_does_not_depend_on_its_error():
    value, _ = _networks.estimate_with_uncertainty("fpar", given())
    np.testing.assert_allclose(value, _networks.estimate("fpar", given()), rtol=1e-12)


def test_the_file_is_small_and_has_its_accuracy_beside_it():
    assert resource("catalogs/networks/networks.npz").stat().st_size < 1_000_000
    with resource("catalogs/networks/accuracy.csv").open() as file:
        rows = [row for row in csv.DictReader(line for line in file if not line.startswith("#"))]
    sets = {(row["sensor"], row["bands"]) for row in rows}
    known = {
        (f"{key}/{variant}", " ".join(one.bands))
        for key, variants in _networks._table().items()
        for variant, own in variants.items()
        for one in own
    }
    assert sets <= known
    for row in rows:
        if row["range"] == "all":
            assert 0.6 < float(row["within_sigma"]) < 0.76, row
            assert abs(float(row["bias"])) < 0.15 * float(row["rmse"]) + 0.01, row


# ---- faults of the metadata ------------------------------------------------------------------------------------------
def lazy_scene(*roles, **attrs):
    """Return a lazy scene whose values cannot be computed."""

    def fail(_):
        raise AssertionError("computed")

    nothing = np.empty((0, 0), "float32")
    layer = da.zeros((4, 4), dtype="float32", chunks=2).map_blocks(fail, dtype="float32", meta=nothing)
    named = {f"reflectance_{role}": (("y", "x"), layer, {"units": "1"}) for role in roles}
    return xr.Dataset({**named, "sun_zenith": (("y", "x"), layer, {"units": "degree"})}, attrs=attrs)


@pytest.mark.parametrize("key", ["lai", "fpar", "fvc"])
@pytest.mark.parametrize(
    ("roles", "sensor", "said"),
    [
        (("red", "nir", "green"), "kite/1", "There is no network for 'kite/1'"),
        (("red", "swir1"), "modis/Terra", "no network of modis for the bands red, swir1"),
        (("red",), "", "no network of modis for the bands red"),
    ],
)
def test_what_no_network_serves_is_refused_before_anything_is_computed(key, roles, sensor, said):
    with pytest.raises(NotFoundError, match=said):
        ml.retrieve(key, lazy_scene(*roles), sensor=sensor)


@pytest.mark.parametrize("key", ["lai", "fpar", "fvc"])
def test_what_a_network_serves_stays_lazy(key):
    made = ml.retrieve(key, lazy_scene("red", "nir", "green"), sensor="modis/Terra")
    assert all(layer.chunks is not None for layer in made.data_vars.values())
