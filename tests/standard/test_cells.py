import numpy as np
import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.standard.cells import authalic_measure, edges


def test_authalic_measure_of_the_pole_is_snyders_value():
    # Snyder 1987 (USGS PP 1395) p. 187 uses Clarke 1866; for WGS 84 q_p = 1.9955310875 (EPSG guidance note 7-2,
    # Lambert azimuthal equal area uses GRS80 q_p = 1.995531087).
    assert authalic_measure(90.0) == pytest.approx(1.995531087, abs=2e-9)


def test_authalic_measure_is_odd_and_ascending():
    latitude = np.linspace(-90, 90, 181)
    measure = authalic_measure(latitude)
    assert np.all(np.diff(measure) > 0)
    np.testing.assert_allclose(measure, -measure[::-1], atol=1e-15)


def test_edges_meet_and_stop_at_the_poles():
    low, high = edges([90.0, 87.0, 84.0], "latitude")
    np.testing.assert_allclose(high, [90.0, 88.5, 85.5])
    np.testing.assert_allclose(low, [88.5, 85.5, 82.5])
    low, high = edges([-180.0, -177.0], "longitude")
    np.testing.assert_allclose(low, [-181.5, -178.5])
    np.testing.assert_allclose(high, [-178.5, -175.5])


@pytest.mark.parametrize("centres", [[1.0], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
def test_edges_refuse_what_has_none(centres):
    with pytest.raises(InputError, match="axis"):
        edges(centres, "longitude")
