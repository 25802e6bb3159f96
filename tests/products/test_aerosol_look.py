"""What every aerosol method looks at: bands, marks, air and prior by cells, and the way back to the pixels."""

import numpy as np
import pytest
from products.air_scenes import AIR, scene

from musyq_lab.products._aerosol_look import look, spread
from musyq_lab.standard._aerosol_cells import Cells

SURFACE = {"blue": 0.05, "red": 0.08, "nir": 0.3}
SIZE = 20


def standard():
    """Return a scene with both azimuths, as standard scenes have them."""
    ds = scene("modis", SURFACE, 0.2, size=SIZE)
    return ds.assign(sun_azimuth=0 * ds["sun_zenith"], view_azimuth=ds["relative_azimuth"])


@pytest.fixture(scope="module")
def seen():
    given = {name: AIR[name] for name in ("water_vapour", "ozone", "pressure")}
    return look(standard(), ("blue", "red"), given, (0.3, 0.1), 5000.0)


def test_bands_and_air_are_laid_out_as_the_tables_take_them(seen):
    assert seen.cells.rows.count == seen.cells.columns.count == 4
    assert seen.toa.shape == (2, SIZE, SIZE)
    assert len(seen.keys) == 2
    assert seen.sky.shape == (6, 4, 4)
    np.testing.assert_allclose(seen.sky[:, 0, 0], [35.0, 20.0, 60.0, 20.0, 300.0, 950.0], atol=1e-4)
    np.testing.assert_allclose(seen.prior[:, 2, 2], [0.3, 0.1], rtol=1e-6)
    assert not seen.marked.any()


def test_only_close_pixels_have_a_halo(seen):
    assert not seen.halo  # 1 km
    fine = standard()
    fine = fine.assign_coords(y=fine["y"] * 0.03, x=fine["x"] * 0.03)
    given = {name: AIR[name] for name in ("water_vapour", "ozone", "pressure")}
    assert look(fine, ("red",), given, (0.3, 0.1), 300.0).halo


def test_values_are_spread_among_the_cells_that_have_one():
    cells = Cells.of(scene("modis", {"red": 0.1}, 0.2, size=SIZE), 5000.0, 1.0)
    values = np.full((4, 4), 0.5, np.float32)
    values[:, 3] = np.nan
    field, share = spread(cells, values)
    np.testing.assert_allclose(field[np.isfinite(field)], 0.5, rtol=1e-6)
    assert (share[:, :13] == 1.0).all()
    assert (share[:, 17:] == 0.0).all()
    assert np.isnan(field[:, 17:]).all()
