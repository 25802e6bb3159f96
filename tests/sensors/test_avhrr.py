"""Lines as records, tie points along a line, and the constants of thermal channels."""

from __future__ import annotations

import math
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sensors import make_avhrr as make

from musyq_lab.core.errors import SceneError
from musyq_lab.kernels.radiometry import planck_radiance
from musyq_lab.sensors._avhrr import Direction, Layer, Scan, ThermalBand, along, bands, bearing, on_sphere

TIES = tuple(4.5 + 8.0 * i for i in range(51))


@pytest.mark.parametrize("points", [4, 6])
def test_polynomials_are_reproduced_up_to_the_degree(points: int) -> None:
    ties, columns = np.asarray(TIES) / 409, np.arange(409) / 409
    for degree in range(points):
        np.testing.assert_allclose(along(ties**degree, TIES, 409, points), columns**degree, atol=1e-12)
    assert np.abs(along(ties**points, TIES, 409, points) - columns**points).max() > 1e-12


@pytest.mark.parametrize("points", [4, 6])
def test_tie_points_are_kept(points: int) -> None:
    ties = tuple(24.0 + 40.0 * i for i in range(51))
    made = along(np.eye(51), ties, 2048, points)
    np.testing.assert_allclose(made[:, [int(t) for t in ties]], np.eye(51), atol=1e-12)
    assert (np.count_nonzero(made, axis=0) <= points).all()


def test_a_line_does_not_depend_on_its_neighbours() -> None:
    values = np.random.default_rng(4).normal(size=(3, 7, 51))
    whole = along(values, TIES, 409, 6)
    np.testing.assert_array_equal(along(values[:, 2:3], TIES, 409, 6), whole[:, 2:3])


@pytest.mark.parametrize("longitude", [10.0, 175.0, -178.0])
def test_places_between_tie_points_of_a_known_swath(longitude: float) -> None:
    swath = make.Swath(3, 409, longitude=longitude, spacing=3.3)
    known, ties = swath.at(np.arange(409.0)), swath.at(np.asarray(TIES))
    vectors = partial(_vectors, ties["longitude"], ties["latitude"])
    longitudes, latitudes = (Direction(vectors, TIES, 409, w, 6)(np.empty(3)) for w in ("longitude", "latitude"))
    apart = (longitudes - known["longitude"] + 180.0) % 360.0 - 180.0
    distance = 111.2 * np.hypot(apart * np.cos(np.radians(known["latitude"])), latitudes - known["latitude"])
    assert distance[:, 4:405].max() < 0.05  # km
    assert distance.max() < 0.5  # beyond the last tie point, where a sample is 20 km wide


def test_places_over_the_pole() -> None:
    swath = make.Swath(3, 409, latitude=89.9, spacing=3.3)
    known, ties = swath.at(np.arange(409.0)), swath.at(np.asarray(TIES))
    latitude = Direction(partial(_vectors, ties["longitude"], ties["latitude"]), TIES, 409, "latitude", 6)(np.empty(3))
    np.testing.assert_allclose(latitude, known["latitude"], atol=0.005)


def _vectors(longitude: np.ndarray, latitude: np.ndarray, _: np.ndarray) -> np.ndarray:
    return on_sphere(longitude, latitude)


def test_on_sphere() -> None:
    made = on_sphere(np.array([0.0, 90.0, 0.0, 400.0]), np.array([0.0, 0.0, 90.0, 0.0]))
    np.testing.assert_allclose(made[:, :3], np.eye(3), atol=1e-15)
    assert np.isnan(made[:, 3]).all()


@pytest.mark.parametrize(
    ("start", "end", "degrees"),
    [
        ((0, 0), (0, 10), 0.0),
        ((0, 0), (10, 0), 90.0),
        ((0, 10), (0, 0), 180.0),
        ((179, 0), (-179, 0), 90.0),
        ((0, 50), (2, 50), 89.2339),
    ],
)
def test_bearing(start: tuple[float, float], end: tuple[float, float], degrees: float) -> None:
    made = bearing(*(np.array([v], float) for v in (*start, *end)))
    assert made[0] == pytest.approx(degrees, abs=1e-4)


def test_bearing_agrees_with_the_ellipsoid_to_a_fifth_of_a_degree() -> None:
    from pyproj import Geod

    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(-180, 180, 50), rng.uniform(-75, 75, 50)
    lon2, lat2 = lon + rng.uniform(-8, 8, 50), lat + rng.uniform(-8, 8, 50)
    expected = Geod(ellps="WGS84").inv(lon, lat, lon2, lat2)[0]
    assert np.abs((bearing(lon, lat, lon2, lat2) - expected + 180) % 360 - 180).max() < 0.2


@pytest.mark.parametrize(
    ("channel", "wavenumber", "constant", "slope"),
    [("3b", 2670.2, 1.67396, 0.997364), ("4", 928.146, 0.55126, 0.998534), ("5", 833.253, 0.34716, 0.998947)],
)
@pytest.mark.parametrize("temperature", [220.0, 280.0, 320.0])
def test_temperature_undoes_planck_and_both_forms_agree(
    channel: str, wavenumber: float, constant: float, slope: float, temperature: float
) -> None:
    """NOAA-19's constants (NOAA KLM User's Guide, table D.6-3): T* = A + B T."""
    effective = constant + slope * temperature
    radiance = 1.1910427e-5 * wavenumber**3 / math.expm1(1.4387752 * wavenumber / effective)
    band = ThermalBand(wavenumber, constant, slope)
    assert band.temperature(np.array([radiance]))[0] == pytest.approx(temperature, abs=2e-3)
    other = ThermalBand(wavenumber, -constant / slope, 1.0 / slope)  # T = a + b T*
    assert other.temperature(np.array([radiance]))[0] == pytest.approx(temperature, abs=2e-3)


def test_radiance_per_wavelength_is_plancks() -> None:
    band = ThermalBand(928.146, 0.0, 1.0)
    radiance = 1.191042972e-5 * 928.146**3 / math.expm1(1.438776877 * 928.146 / 300.0)
    assert radiance * band.unit == pytest.approx(planck_radiance(300.0, 1e4 / 928.146), rel=1e-6)


def test_no_radiance_no_temperature() -> None:
    made = ThermalBand(928.146, 0.55, 0.9985).temperature(np.array([0.0, -1.0, np.nan, 1.0]))
    assert np.isnan(made[:3]).all()
    assert made[3] > 100


@pytest.mark.parametrize("numbers", [(0.0, 0.0, 1.0), (9e6, 0.0, 1.0), (928.0, 0.0, 0.0), (928.0, 300.0, 1.0)])
def test_nonsense_is_not_usable(numbers: tuple[float, float, float]) -> None:
    assert not ThermalBand(*numbers).usable
    assert ThermalBand(928.146, 0.55126, 0.998534).usable


def test_every_satellite_has_six_bands() -> None:
    rows = bands(1100, ["NOAA-15", "NOAA-19", "Metop-C"])
    assert {r.variant for r in rows} == {"NOAA-15", "NOAA-19", "Metop-C"}
    assert [r.native for r in rows if r.variant == "NOAA-15"] == ["1", "2", "3a", "3b", "4", "5"]
    assert [r.name for r in rows[:6]] == ["red", "nir", "swir1", "mir", "tir1", "tir2"]


def _values(records: np.ndarray) -> np.ndarray:
    return records["v"]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    path = tmp_path / "records"
    record = np.dtype([("n", ">u2"), ("v", ">i4", 9)])
    stored = np.zeros(7, record)
    stored["v"] = np.arange(63).reshape(7, 9)
    path.write_bytes(b"12345" + stored.tobytes())
    return Scan(str(path), 5, record, 7, 9)


def test_any_part_of_a_layer(scan: Scan) -> None:
    layer = Layer(scan, _values, np.dtype("f4"))
    whole = np.arange(63).reshape(7, 9)
    for key in (
        (slice(None), slice(None)),
        (slice(1, 6, 2), slice(8, 2, -3)),
        (3, slice(None)),
        (2, 2),
        ([5, 0], slice(2)),
    ):
        np.testing.assert_array_equal(layer[key], whole[key])
    assert layer[:, :].dtype == np.float32


def test_lazily_and_sent_to_a_worker(scan: Scan) -> None:
    data = scan.layer(_values, np.float32)
    again = pickle.loads(pickle.dumps(data))
    np.testing.assert_array_equal(again[::2, ::4], np.arange(63).reshape(7, 9)[::2, ::4])


def test_a_file_that_became_shorter_is_named(scan: Scan) -> None:
    data = scan.layer(_values, np.float32)
    path = Path(scan.path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SceneError, match="records is cut off: lines 0 to 7"):
        data.compute(scheduler="synchronous")
