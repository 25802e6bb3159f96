"""Relations of dark targets: as published, as fitted, and which of the dark pixels count."""

import csv
from pathlib import Path

import numpy as np
import pytest

from musyq_lab.products import _aerosol_targets as targets

REFERENCE = Path(__file__).parents[1] / "reference" / "aod.csv"


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
