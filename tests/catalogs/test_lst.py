"""The builder of the coefficients of surface temperature: its atmospheres, its radiative transfer, its fit."""

import csv
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.kernels.radiometry import planck_radiance

FOLDER = Path(__file__).resolve().parents[2] / "catalogs" / "lst"
NAMES = ("transfer", "profiles", "derive")


@pytest.fixture(scope="module")
def builder():
    """The scripts of the builder, imported by their plain names and forgotten afterwards."""
    before = {name: sys.modules.pop(name, None) for name in NAMES}
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path[:] = [path for path in sys.path if path != str(FOLDER)]
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


@pytest.fixture(scope="module")
def air(builder):
    return builder["profiles"].draw(4, 5)


@pytest.fixture(scope="module")
def column(builder, air):
    return builder["transfer"].column(air, np.array([0.0, 60.0]))


def test_atmospheres_are_of_all_columns_and_possible(builder, air):
    counts = np.bincount((air.column / 5).astype(int))
    assert counts.tolist() == [4] * 13
    saturation = 6.112 * np.exp(17.67 * (air.temperature - 273.15) / (air.temperature - 29.65))
    assert (air.vapour <= np.maximum(saturation, 5.1e-6 * air.pressure) * 1.001).all()
    assert (np.diff(air.pressure, axis=1) < 0).all()
    assert air.vapour[:, 0].max() < 37.5
    again = builder["profiles"].draw(4, 5)
    assert (again.temperature == air.temperature).all()


def test_pressure_is_hydrostatic(air):
    """The weight of what lies above: 1013 hPa are 10.33 t m-2, less what lies above 60 km and below the ground."""
    density = air.pressure * 100 / (287.05 * air.temperature)
    weight = 9.80665 * (density * air.thickness).sum(1) / 100
    bottom = air.pressure[:, 0] * np.exp(9.80665 * 50.0 / (287.05 * air.temperature[:, 0]))
    assert weight == pytest.approx(bottom, rel=0.02)


def test_planck_is_that_of_the_package(builder):
    transfer = builder["transfer"]
    per_wavenumber = transfer.planck(np.array([250.0, 300.0]))
    for row, t in zip(per_wavenumber, (250.0, 300.0), strict=True):
        expected = [planck_radiance(t, 1e4 / n) * 1e4 / n**2 for n in transfer.WAVENUMBER]
        assert row == pytest.approx(expected, rel=1e-6)


def test_what_is_not_let_through_is_emitted(builder, air):
    """Kirchhoff: an isothermal atmosphere emits (1 - t) B upward and downward."""
    transfer = builder["transfer"]
    even = transfer.Profiles(air.pressure, 280.0 + 0 * air.temperature, air.vapour, air.thickness, air.height)
    made = transfer.column(even, np.array([0.0, 50.0]))
    black = transfer.planck(np.array(280.0))
    assert made.upward == pytest.approx((1 - made.transmittance) * black, rel=1e-9)
    assert (made.downward[:, 0] <= black * (1 + 1e-9)).all()
    assert (made.downward[:, 0] > made.upward[:, 0]).all()  # the sky is seen through a longer way than the ground


def test_more_air_lets_less_through(builder, air, column):
    assert ((column.transmittance >= 0) & (column.transmittance <= 1)).all()
    assert (column.transmittance[:, 1] <= column.transmittance[:, 0]).all()
    window = (builder["transfer"].WAVENUMBER > 840) & (builder["transfer"].WAVENUMBER < 960)
    mean = column.transmittance[:, 0][:, window].mean(1)
    assert np.corrcoef(mean, air.column)[0, 1] < -0.95
    wetter = builder["transfer"].column(air, np.array([0.0]), 1.1)
    assert (wetter.transmittance[:, 0] <= column.transmittance[:, 0]).all()


def test_functions_of_landsat_are_near_those_of_modtran(builder, air):
    """Jimenez-Munoz et al. 2014, TIRS band 10, on average: 1 / t within 5 %, sky within 0.4 W m-2 sr-1 um-1."""
    derive, transfer = builder["derive"], builder["transfer"]
    band = next(b for _, v, bands in derive.pairs() for b in bands if v == "Landsat-8" and b.name == "tir1")
    seen = derive.look("landsat_oli", "Landsat-8", band)
    column = transfer.column(air, derive.ANGLES[:1])
    black = transfer.planck(air.temperature[:, 0]) * seen.weights
    inverse = black.sum(-1) / (column.transmittance[:, 0] * black).sum(-1)
    sky = column.downward[:, 0] @ seen.weights
    w = 0.1 * air.column
    here = w < 4.5
    expected = 0.04019 * w**2 + 0.02916 * w + 1.01523
    assert (inverse / expected)[here] == pytest.approx(1.0, abs=0.15)
    assert np.mean((inverse / expected)[here]) == pytest.approx(1.0, abs=0.05)
    assert np.mean((sky - (0.00918 * w**2 + 1.36072 * w - 0.27514))[here]) == pytest.approx(0.0, abs=0.4)


def test_fit_finds_planted_coefficients(builder):
    random = np.random.default_rng(1)
    rows = random.normal(size=(500, 6)) * [1, 300, 5, 0.01, 1000, 1e-4]
    planted = random.normal(size=6)
    assert builder["derive"].fit(rows, rows @ planted) == pytest.approx(planted, rel=1e-6)


def test_table_has_every_pair_of_bands(builder):
    with (FOLDER / "gsw.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    stored = {(row["sensor"], row["variant"]) for row in rows}
    assert stored == {(key, variant) for key, variant, bands in builder["derive"].pairs() if len(bands) == 2}
    assert len(rows) == len(stored) * 16
